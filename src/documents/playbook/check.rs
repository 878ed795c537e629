//! Holds a playbook against the catalog and against itself: everything that can be known wrong before anything runs.

use std::collections::BTreeMap;

use crate::documents::catalog::{CallFacts, Catalog, may_name, special};
use crate::documents::expression::{Expression, Kind, Part, Scope, Template, kind_of};
use crate::documents::playbook::check_arguments::CallCheck;
use crate::documents::playbook::check_call::{CallText, check_call};
use crate::documents::playbook::check_devices::{changed_files, shared_id, start_parts, swapped_ids, unnamed_device};
use crate::documents::playbook::check_flash::check_flash;
use crate::documents::playbook::check_inputs::check_inputs;
use crate::documents::playbook::check_optional::check_optional;
use crate::documents::playbook::check_options::{check_options, leaves_too_early};
use crate::documents::playbook::check_waits::check_waits;
use crate::documents::playbook::check_ways_back::check_ways_back;
use crate::documents::playbook::read_step::STEP;
use crate::documents::playbook::{
    Action, CaptureKind, Contents, Device, Enough, Irreversible, LateAsk, Need, Playbook, Reading, RestartAt, Run,
    Step, ThirdFailure, ToolFile, Until, leaves, procedure, tools_of,
};
use crate::words::{Code, Diagnostic, Id, Located, Place, meant_or_known, nearest, without_repetitions};

/// Everything wrong with a playbook that has been read without a diagnostic, or what is left of it.
pub fn check(playbook: &Playbook, catalog: &Catalog) -> Vec<Diagnostic> {
    let scope = Scope {
        values: playbook.inputs.iter().map(|input| (input.name.clone(), Kind::File)).collect(),
        devices: playbook.devices.iter().map(|device| device.name.clone()).collect(),
        tools: tools_of(playbook, &|_| true),
        within_call: false,
    };
    let mut checker =
        Checker { playbook, catalog, devices: &playbook.devices, scope, ids: BTreeMap::new(), diagnostics: Vec::new() };
    for input in &playbook.inputs {
        for word in &input.words {
            checker.expression(&word.value, Kind::Integer);
        }
    }
    for variable in &playbook.variables {
        checker.scope.values.insert(variable.name.clone(), variable.kind());
    }
    for file in &playbook.tool_files {
        checker.tool_file(file);
    }
    for (name, range) in &playbook.memories {
        if let Some((_, what)) = special(u64::from(range.value.start), range.value.end()) {
            let message = format!("`{name}` holds {what}: that is never plain memory");
            checker
                .diagnostics
                .push(Diagnostic::error(Code::OutsideMemory, &range.place, message).label("cannot be declared"));
        }
    }
    for device in &playbook.devices {
        checker.diagnostics.extend(shared_id(device, catalog));
        checker.diagnostics.extend(swapped_ids(device, catalog));
        checker.diagnostics.extend(start_parts(device, playbook));
    }
    for reading in playbook.identifying_readings() {
        checker.reading(reading);
    }
    checker.steps(&playbook.steps, &[], Within::default());
    for afterwards in &playbook.afterwards {
        if let Some(when) = &afterwards.when {
            checker.expression(when, Kind::Boolean);
        }
        checker.template(&afterwards.text);
    }
    let mut diagnostics = checker.diagnostics;
    check_inputs(playbook, catalog, &mut diagnostics);
    check_optional(playbook, &mut diagnostics);
    check_flash(playbook, catalog, &mut diagnostics);
    check_ways_back(playbook, catalog, &mut diagnostics);
    without_repetitions(diagnostics)
}

/// What stands around a step.
#[derive(Debug, Clone, Copy, Default)]
struct Within {
    /// A group that is retried as a whole.
    retried: bool,
    /// A reading around an irreversible step, or steps that prepare a retry: they must not change the board.
    only_reads: bool,
}

struct Checker<'a> {
    playbook: &'a Playbook,
    catalog: &'a Catalog,
    devices: &'a [Device],
    scope: Scope,
    ids: BTreeMap<Id, Place>,
    diagnostics: Vec<Diagnostic>,
}

impl Checker<'_> {
    /// `earlier` holds the ids one may go back to: all before this list, in the lists around it.
    fn steps(&mut self, steps: &[Step], earlier: &[Id], within: Within) {
        let mut reachable = earlier.to_vec();
        for (index, step) in steps.iter().enumerate() {
            reachable.push(step.id.clone());
            self.step(step, &reachable, within);
            self.diagnostics.extend(check_waits(step, steps.get(index + 1)));
            let tool = step.call().and_then(|run| self.catalog.tool(&run.tool.value));
            if let (Some(tool), Some(next)) = (tool, steps.get(index + 1)) {
                self.diagnostics.extend(leaves_too_early(tool, step, next));
            }
        }
    }

    fn step(&mut self, step: &Step, reachable: &[Id], within: Within) {
        if let Some(first) = self.ids.insert(step.id.clone(), step.place.clone()) {
            let diagnostic = Diagnostic::error(
                Code::DuplicateName,
                &step.place,
                format!("there are two steps with the id `{}`", step.id),
            );
            self.diagnostics.push(diagnostic.hint(if first == step.place {
                "its procedure is called twice: an `id` beside `do` goes before the ids of that call".to_owned()
            } else {
                format!("the first is in line {}", first.position().line)
            }));
        }
        if let Some(when) = &step.when {
            self.expression(when, Kind::Boolean);
        }
        if let Some(until) = &step.until {
            self.until(until);
        }
        if let Some(name) = &step.sets {
            if step.until.is_none() || !matches!(step.action, Action::Wait | Action::Prompt(_)) {
                let message = "`sets` belongs to a wait for devices, or to a prompt with one";
                let diagnostic = Diagnostic::error(Code::KeyOutOfPlace, step.place_of(STEP.sets), message);
                self.diagnostics.push(diagnostic.hint("it keeps whether the devices came in time"));
            }
            self.define(name, Kind::Boolean);
        }
        let told = [(STEP.if_met, &step.if_met), (STEP.if_unmet, &step.if_unmet)];
        if step.sets.is_none()
            && let Some((key, _)) = told.iter().find(|(_, text)| text.is_some())
        {
            let message = format!("`{}` belongs to a wait with `sets`", key.name);
            self.diagnostics.push(Diagnostic::error(Code::KeyOutOfPlace, step.place_of(*key), message));
        }
        for instead in &step.instead {
            self.device(&instead.device);
            if let Some(enough) = &instead.enough {
                self.enough(step, enough);
            }
        }
        if let Some(ask) = &step.ask {
            self.ask(step, ask);
        }
        if !step.instead.is_empty() && step.until.is_none() && !matches!(step.action, Action::Run(_)) {
            let message = "`instead` has no meaning in a step that waits for no device";
            self.diagnostics.push(Diagnostic::error(Code::KeyOutOfPlace, step.place_of(STEP.instead), message));
        }
        if let Some(restart) = &step.restart_at {
            self.restart(restart, reachable, within);
        }
        if let Some(third) = &step.third_time {
            self.third_time(step, third);
        }
        if let Some(proof) = &step.proven_by {
            self.proof(step, proof, within);
        }
        if let Some(retry) = &step.retry {
            self.steps(&retry.prepare, &[], Within { retried: true, only_reads: true });
        }
        let inner = Within { retried: within.retried || step.retry.is_some(), ..within };
        step.next.iter().for_each(|text| self.template(text));
        match &step.action {
            Action::Steps(steps) => self.steps(steps, reachable, inner),
            Action::Run(run) => self.run(step, run, within),
            Action::Prompt(prompt) => self.template(&prompt.text),
            Action::Refuse(refuse) => refuse.next.iter().chain([&refuse.text]).for_each(|text| self.template(text)),
            Action::Check(check) => {
                self.expression(&check.holds, Kind::Boolean);
                if let Some(message) = &check.message {
                    self.template(message);
                }
            }
            Action::Write(write) => {
                if let Contents::Text(text) = &write.contents {
                    self.template(text);
                }
                // In place of one that was not given is what optional inputs are for.
                let needed = self.playbook.inputs.iter().filter(|input| matches!(input.need, Need::Always));
                let mut taken = needed.filter(|input| input.name == *write.name || input.file_name() == *write.file);
                if let Some(input) = taken.next() {
                    let message = format!("this would take the place of the input `{}`", input.name);
                    let diagnostic = Diagnostic::error(Code::DuplicateName, &write.file.place, message);
                    self.diagnostics.push(diagnostic.hint("choose another name and another file"));
                }
                self.define(&write.name, Kind::File);
            }
            Action::TellApart(tell_apart) => {
                self.device(&tell_apart.device);
                self.reading(&tell_apart.answers);
            }
            Action::Wait => {}
        }
        if let Some(irreversible) = &step.irreversible {
            self.irreversible(step, irreversible, within);
        }
    }

    fn enough(&mut self, step: &Step, enough: &Enough) {
        if step.sets.is_some() || !matches!(step.action, Action::Wait | Action::Prompt(_)) {
            let message = "`times` and `sets` below `instead` belong to a wait or a prompt that must be met";
            let diagnostic = Diagnostic::error(Code::KeyOutOfPlace, &enough.sets.place, message);
            self.diagnostics.push(diagnostic.hint("leave them out, or give this a step of its own"));
        }
        self.define(&enough.sets, Kind::Boolean);
    }

    fn ask(&mut self, step: &Step, ask: &LateAsk) {
        self.template(&ask.prompt.text);
        let place = step.place_of(STEP.ask);
        if step.sets.is_some() {
            let message = "`ask` has no meaning in a wait that may fail";
            self.diagnostics
                .push(Diagnostic::error(Code::KeyOutOfPlace, place, message).hint("make the prompt a step of its own"));
        }
        if step.wait_limit() <= ask.after {
            let message = "the wait is over before the person is asked";
            self.diagnostics.push(
                Diagnostic::error(Code::LimitTooShort, place, message).hint("give `timeout` more time than `after`"),
            );
        }
    }

    fn tool_file(&mut self, file: &ToolFile) {
        if !self.scope.tools.contains(&file.tool.value) {
            let message = format!("no step runs `{}`, so its files are not looked for", file.tool.value);
            let diagnostic = Diagnostic::error(Code::Unused, &file.tool.place, message);
            self.diagnostics.push(match nearest(&file.tool.value, self.scope.tools.iter().map(String::as_str)) {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                None => diagnostic,
            });
        }
        if let Some(tool) = self.catalog.tool(&file.tool.value)
            && !may_name(tool, &file.file.value, &CallFacts::of_program(&tool.launchers()))
        {
            let message = format!("`{}` is no file of {} that a playbook may name", file.file.value, tool.name);
            let diagnostic = Diagnostic::error(Code::Staging, &file.file.place, message);
            self.diagnostics.push(diagnostic.hint("the catalog names them, with `files`"));
        }
        self.define(&Located { value: file.name.clone(), place: file.place.clone() }, Kind::File);
    }

    fn third_time(&mut self, step: &Step, third: &ThirdFailure) {
        let named = third.unchanged.iter().chain(&third.unlike);
        for name in named.filter(|name| self.scope.values.get(&name.value) != Some(&Kind::File)) {
            let message = format!("no file is called `{}` here", name.value);
            self.diagnostics.push(Diagnostic::error(Code::UnknownName, &name.place, message));
        }
        if third.unlike.is_some() && third.unchanged.is_none() {
            let message = "`unlike` compares the file of `unchanged`, which is missing";
            self.diagnostics.push(Diagnostic::error(Code::MissingKey, &third.place, message));
        }
        if matches!(step.action, Action::Steps(_)) {
            let message = "`third_time` belongs to a step within the group: only that knows what failed";
            self.diagnostics.push(Diagnostic::error(Code::KeyOutOfPlace, &third.place, message));
        }
    }

    fn define(&mut self, name: &Located<Id>, kind: Kind) {
        match self.scope.values.insert(name.value.clone(), kind) {
            Some(before) if before != kind => {
                let message = format!("`{}` is already {before}; it cannot become {kind}", name.value);
                self.diagnostics
                    .push(Diagnostic::error(Code::DuplicateName, &name.place, message).hint("choose another name"));
            }
            _ => {}
        }
    }

    fn expression(&mut self, expression: &Expression, wanted: Kind) {
        match kind_of(expression, &self.scope) {
            Ok(kind) if kind == wanted => {}
            Ok(kind) => {
                let message = format!("{wanted} is needed here, and this is {kind}");
                let mut diagnostic = Diagnostic::error(Code::ExpressionKind, &expression.place, message);
                if wanted == Kind::Boolean {
                    diagnostic = diagnostic.hint("compare it with something, as in `… == 1`");
                }
                self.diagnostics.push(diagnostic);
            }
            Err(diagnostics) => self.diagnostics.extend(diagnostics),
        }
    }

    fn template(&mut self, template: &Template) {
        for part in &template.parts {
            if let Part::Expression(expression) = part
                && let Err(diagnostics) = kind_of(expression, &self.scope)
            {
                self.diagnostics.extend(diagnostics);
            }
        }
    }

    fn until(&mut self, until: &Until) {
        for name in until.present.iter().chain(&until.gone) {
            self.device(name);
        }
        let gone = |name: &&Located<Id>| until.gone.iter().any(|gone| gone.value == name.value);
        if let Some(both) = until.present.iter().find(gone) {
            let message = format!("`{}` cannot be present and gone at once", both.value);
            self.diagnostics.push(Diagnostic::error(Code::Contradiction, &both.place, message));
        }
    }

    fn device(&mut self, name: &Located<Id>) {
        if self.scope.devices.contains(&name.value) {
            return;
        }
        let known: Vec<&str> = self.scope.devices.iter().map(Id::as_str).collect();
        let diagnostic =
            Diagnostic::error(Code::UnknownDevice, &name.place, format!("no device is called `{}`", name.value));
        self.diagnostics.push(diagnostic.label("unknown device").hint(match known.as_slice() {
            [] => "describe it below `devices:`".to_owned(),
            known => meant_or_known(name.as_str(), known.iter().copied()),
        }));
    }

    fn restart(&mut self, restart: &RestartAt, reachable: &[Id], within: Within) {
        let target = &restart.step;
        if within.only_reads {
            self.diagnostics.push(Diagnostic::error(
                Code::KeyOutOfPlace,
                &target.place,
                "a reading cannot restart the procedure",
            ));
        } else if !reachable.contains(&target.value) {
            let diagnostic =
                Diagnostic::error(Code::UnknownName, &target.place, format!("cannot restart at `{}`", target.value));
            self.diagnostics.push(match nearest(target.value.as_str(), reachable.iter().map(Id::as_str)) {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                None => diagnostic.hint("name a step that stands before this one, not inside another group"),
            });
        }
    }

    fn run(&mut self, step: &Step, run: &Run, within: Within) {
        for name in &run.produces {
            self.define(name, Kind::File);
        }
        self.scope.within_call = true;
        run.args.iter().for_each(|arg| self.template(arg));
        self.scope.within_call = false;
        if let Some(device) = &run.device {
            self.device(device);
        }
        if let Some(prompt) = &run.prompt {
            self.template(&prompt.text);
        }
        for answer in &run.answers {
            let texts = answer.send.iter().chain(answer.prompt.as_ref().map(|prompt| &prompt.text));
            texts.for_each(|text| self.template(text));
            if let Some(until) = &answer.until {
                self.until(until);
            }
        }
        for staged in &run.stage {
            let known = self.scope.values.iter().filter(|(_, kind)| **kind == Kind::File).map(|(name, _)| name);
            if !known.clone().any(|name| *name == staged.file.value) {
                let diagnostic = Diagnostic::error(
                    Code::UnknownName,
                    &staged.file.place,
                    format!("no file is called `{}`", staged.file.value),
                );
                self.diagnostics.push(match nearest(staged.file.value.as_str(), known.map(Id::as_str)) {
                    Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                    None => diagnostic.hint("name an input, or a file that an earlier step writes"),
                });
            }
        }
        for on_fault in &run.on_fault {
            self.define(&on_fault.set, Kind::Boolean);
        }
        match self.catalog.tool(&run.tool.value) {
            Some(tool) => {
                if tool.private_folder {
                    self.named_in_private_folder(run);
                }
                let CallText { changes_board, is_forbidden } = check_call(tool, step, run, &mut self.diagnostics);
                self.diagnostics.extend(changed_files(run, self.playbook));
                let call = CallCheck { playbook: self.playbook, scope: &self.scope, tool, is_forbidden };
                self.diagnostics.extend(call.check(step, run));
                self.diagnostics.extend(check_options(self.playbook, self.catalog, tool, step, run));
                if changes_board {
                    self.diagnostics.extend(unnamed_device(run, self.devices, self.catalog));
                }
                if within.only_reads && changes_board {
                    let message =
                        format!("this call of {} changes the board, and only reading is allowed here", tool.name);
                    self.diagnostics.push(Diagnostic::error(Code::ReadingChanges, &run.tool.place, message));
                }
            }
            None => {
                let known: Vec<&str> = self.catalog.tools.iter().map(|tool| tool.name.as_str()).collect();
                let diagnostic = Diagnostic::error(
                    Code::UnknownTool,
                    &run.tool.place,
                    format!("no tool is called `{}`", run.tool.value),
                )
                .label("not in the catalog");
                self.diagnostics.push(match nearest(&run.tool.value, known.iter().copied()) {
                    Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                    None => diagnostic
                        .hint(format!("known are {}; add others to a vendor-tools.toml of your own", known.join(", "))),
                });
            }
        }
        for capture in &run.capture {
            let kind = match capture.kind {
                CaptureKind::Integer => Kind::Integer,
                CaptureKind::Text => Kind::Text,
                CaptureKind::Version => Kind::Version,
            };
            self.define(&capture.name, kind);
        }
    }

    /// The run's files are not where such a tool works.
    fn named_in_private_folder(&mut self, run: &Run) {
        for arg in &run.args {
            let is_file = |part: &Part| match part {
                Part::Expression(expression) => kind_of(expression, &self.scope).is_ok_and(|kind| kind == Kind::File),
                Part::Text(_) => false,
            };
            if arg.parts.iter().any(is_file) {
                let message = format!("{} works in a copy of its own folder, where this file is not", run.tool.value);
                self.diagnostics.push(
                    Diagnostic::error(Code::Staging, &arg.place, message)
                        .hint("put the file there with `stage: {path/below/it.bin: name}`, and write that path here"),
                );
            }
        }
        if let Some(name) = run.produces.first() {
            let message =
                format!("{} works in a copy of its own folder, so `{}` is not found", run.tool.value, name.value);
            self.diagnostics.push(Diagnostic::error(Code::Staging, &run.tool.place, message));
        }
    }

    fn irreversible(&mut self, step: &Step, irreversible: &Irreversible, within: Within) {
        let place = step.place_of(STEP.irreversible);
        if !matches!(step.action, Action::Run(_)) {
            self.diagnostics.push(Diagnostic::error(
                Code::IrreversiblePlace,
                place,
                "only a step with `run` can be irreversible",
            ));
        }
        if step.retry.is_some() || within.retried {
            self.diagnostics.push(
                Diagnostic::error(Code::IrreversiblePlace, place, "an irreversible step is tried once and never again")
                    .hint("take it out of the group with `retry`, and give it no `retry` of its own"),
            );
        }
        if within.only_reads {
            self.diagnostics.push(Diagnostic::error(
                Code::IrreversiblePlace,
                place,
                "an irreversible step cannot stand here",
            ));
        }
        if let Some(after) = &irreversible.announced_after {
            self.announced(step, after);
        }
        for reading in [&irreversible.already_done, &irreversible.verify] {
            self.reading(reading);
        }
    }

    /// Its reading takes place behind a step that comes before.
    fn announced(&mut self, step: &Step, after: &Located<Id>) {
        let earlier: Vec<&str> = leaves(&self.playbook.steps)
            .map(|step| step.id.as_str())
            .take_while(|id| *id != step.id.as_str())
            .collect();
        if earlier.contains(&after.as_str()) {
            return;
        }
        let message = format!("no step before this one is called `{after}`");
        let diagnostic = Diagnostic::error(Code::UnknownName, &after.place, message);
        self.diagnostics.push(match nearest(after.as_str(), earlier) {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic.hint("name a step after which the board can be read, and that is no group"),
        });
    }

    fn proof(&mut self, step: &Step, proof: &Reading, within: Within) {
        let place = step.place_of(STEP.proven_by);
        let out_of_place = if step.irreversible.is_some() {
            Some(("what cannot be undone is proven by its own readings", "say it with `already_done`"))
        } else if within.only_reads {
            Some(("a reading needs no proof", "leave `proven_by` out here"))
        } else {
            None
        };
        if let Some((message, hint)) = out_of_place {
            self.diagnostics.push(Diagnostic::error(Code::KeyOutOfPlace, place, message).hint(hint));
        } else if let Some(inner) = procedure(std::slice::from_ref(step)).find(|inner| does_more_than_act(inner)) {
            let message =
                format!("the step `{}` would be left out with what it sets, makes, checks or guards", inner.id);
            let diagnostic = Diagnostic::error(Code::KeyOutOfPlace, place, message);
            self.diagnostics
                .push(diagnostic.hint("prove only steps after which nothing is missing where they were left out"));
        }
        if procedure(&proof.steps).any(|inner| matches!(inner.action, Action::Prompt(_) | Action::Refuse(_))) {
            let diagnostic =
                Diagnostic::error(Code::KeyOutOfPlace, place, "a proof is a reading that asks for no hands");
            self.diagnostics
                .push(diagnostic.hint("leave `prompt` and `refuse` out of it; what does not hold is simply done"));
        }
        let before = self.diagnostics.len();
        self.reading(proof);
        if self.diagnostics.len() > before {
            return;
        }
        let read = |name: &Id| {
            procedure(&proof.steps).filter_map(Step::call).any(|run| {
                run.capture.iter().any(|capture| capture.name.value == *name)
                    || run.produces.iter().any(|file| file.value == *name)
            })
        };
        let is_device = |name: &Id| self.devices.iter().any(|device| device.name == *name);
        if !proof.holds.names().into_iter().any(|name| read(name) || is_device(name)) {
            let message = "this says nothing of the board: no value that the proof reads, and no device, is in it";
            let diagnostic = Diagnostic::error(Code::KeyOutOfPlace, &proof.holds.place, message);
            self.diagnostics
                .push(diagnostic.hint("read something in `steps`, with `capture` or `produces`, and compare it"));
        }
    }

    fn reading(&mut self, reading: &Reading) {
        self.steps(&reading.steps, &[], Within { retried: false, only_reads: true });
        self.expression(&reading.holds, Kind::Boolean);
    }
}

/// Does something else rest on what the step does, than the board?
fn does_more_than_act(step: &Step) -> bool {
    let of_call =
        step.call().is_some_and(|run| !(run.capture.is_empty() && run.produces.is_empty() && run.on_fault.is_empty()));
    let guards = matches!(step.action, Action::Check(_) | Action::Refuse(_) | Action::TellApart(_));
    of_call || guards || step.sets.is_some() || step.writes().is_some() || step.irreversible.is_some()
}
