//! What a run would do, step by step, everything expanded as far as it can be known beforehand.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::documents::catalog::{Catalog, OperatingSystem, Tool};
use crate::documents::expression::{Expression, Facts, expand, expand_as_far_as_known, in_words};
use crate::documents::playbook::{
    Action, ChosenBoard, Contents, DeviceKind, Interruption, Irreversible, Playbook, Reading, Run, Step, Supposed,
    Until, arguments, choosing, every_step, interruptions, leaves,
};
use crate::engine::command_line::{CommandLine, Wanted, command_line, typed};
use crate::engine::devices::{Chosen, describe_until, device_in};
use crate::engine::facts::{Coming, Made, RunFacts};
use crate::engine::gate::WHOSE_MISTAKE;
use crate::engine::planned_call::{PlannedCall, will_be_refused};
use crate::engine::proof::is_serial_port;
use crate::engine::{Files, GoesOn, Outcome, Problem, RuledOut, Settings, before_anything, milliseconds};
use crate::words::{FaultClass, Id, describe_time};

/// A chosen board whose port or serial number is known only when it is seen; like everything else that is not known yet.
const SEEN_LATER: Unseen = Unseen { port: "<port>", node: "<node>", serial: "<serial>" };

struct Unseen {
    port: &'static str,
    node: &'static str,
    serial: &'static str,
}

/// One step as it would run. In JSON one line with `"event": "planned_step"`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename = "planned_step")]
pub struct PlannedStep {
    /// Counted from 1.
    pub number: usize,
    pub total: usize,
    pub id: Id,
    pub name: String,
    /// What else is to know: a condition, the attempts, where a lost device leads to.
    pub notes: Vec<String>,
    pub lines: Vec<PlannedLine>,
    /// What is left of the board where the run is cut short there; nothing for a step that is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Interruption>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedLine {
    Command {
        command: Vec<String>,
        limit_ms: u64,
    },
    /// The command before it will not be started: the gate before every program lets it not through.
    NotStarted {
        tool: String,
        why: String,
    },
    Wait {
        text: String,
        limit_ms: u64,
    },
    Prompt {
        text: String,
        goes_on: GoesOn,
    },
    Consent {
        why: String,
    },
    /// Sent to the tool, or shown to the person, when the tool prints what matches.
    Answer {
        when: String,
        send: Option<String>,
        prompt: Option<String>,
    },
    Check {
        text: String,
    },
    /// A file put into the tool's private folder.
    Stage {
        file: String,
        path: String,
    },
    Write {
        file: String,
        text: String,
    },
    Refuse {
        text: String,
    },
}

/// Plans a run with these files.
///
/// `launcher` says with which words a tool is going to be started, where that is known.
pub fn plan(
    playbook: &Playbook,
    catalog: &Catalog,
    files: &Files,
    settings: &Settings,
    launcher: &dyn Fn(&str) -> Option<Vec<String>>,
) -> Vec<PlannedStep> {
    let variables = &settings.variables;
    let made = produced_files(&playbook.steps);
    let coming = Coming { made: &made, are_made: Made::NotYet, assigned: &BTreeSet::new() };
    let mut planner = Planner {
        playbook,
        catalog,
        chosen: &settings.chosen,
        // The bench's boards have the same ports everywhere.
        libusb_names_ports: settings.simulated || OperatingSystem::current() != OperatingSystem::Windows,
        names_nodes: settings.simulated || OperatingSystem::current() == OperatingSystem::Linux,
        launcher,
        made: &made,
        facts: RunFacts::before(files, variables, coming),
        total: playbook.leaf_steps().len(),
        ruled_out: RuledOut::new(playbook, files, variables),
        steps: Vec::new(),
    };
    planner.steps(&playbook.steps, &Around::default());
    let Planner { mut steps, facts, .. } = planner;
    let given = |name: &Id| facts.given(name);
    for interruption in interruptions(playbook, catalog, &Supposed { given: Some(&given), variables }) {
        if let Some(step) = steps.iter_mut().find(|step| step.number == interruption.number) {
            step.interrupted = Some(interruption);
        }
    }
    steps
}

/// The first call that will not be started, as the end of a dry run.
pub fn not_started(steps: &[PlannedStep]) -> Option<(Outcome, Problem)> {
    let refused = |step: &PlannedStep| {
        let of = |line: &PlannedLine| match line {
            PlannedLine::NotStarted { tool, why } => {
                Some((step.clone(), format!("{tool} would not be started: {why}")))
            }
            PlannedLine::Command { .. }
            | PlannedLine::Wait { .. }
            | PlannedLine::Prompt { .. }
            | PlannedLine::Consent { .. }
            | PlannedLine::Answer { .. }
            | PlannedLine::Check { .. }
            | PlannedLine::Stage { .. }
            | PlannedLine::Write { .. }
            | PlannedLine::Refuse { .. } => None,
        };
        step.lines.iter().find_map(of)
    };
    let (step, what) = steps.iter().find_map(refused)?;
    let class = FaultClass::BadUsage;
    let mut problem = before_anything(class, what, vec![format!("{WHOSE_MISTAKE}.")]);
    problem.step = Some(step.id);
    problem.step_name = Some(step.name);
    Some((class.outcome(), problem))
}

/// The arguments that choose a board.
struct Choice {
    args: Vec<String>,
    is_known: bool,
}

struct Planner<'a> {
    playbook: &'a Playbook,
    catalog: &'a Catalog,
    chosen: &'a Chosen,
    /// The names of ports here are those of libusb, too.
    libusb_names_ports: bool,
    names_nodes: bool,
    launcher: &'a dyn Fn(&str) -> Option<Vec<String>>,
    made: &'a BTreeMap<Id, String>,
    facts: RunFacts<'a>,
    total: usize,
    ruled_out: RuledOut<'a>,
    steps: Vec<PlannedStep>,
}

/// What holds for every step of a group.
#[derive(Debug, Clone, Default)]
struct Around {
    notes: Vec<String>,
    ruled_out: bool,
}

impl Planner<'_> {
    fn steps(&mut self, steps: &[Step], around: &Around) {
        for step in steps {
            let mut inside = around.clone();
            inside.notes.extend(self.notes(step));
            inside.ruled_out |= self.ruled_out.rules_out(step);
            match step.group() {
                Some(inner) => self.steps(inner, &inside),
                None => {
                    let Around { mut notes, ruled_out } = inside;
                    let mut lines = Vec::new();
                    if ruled_out {
                        notes = vec!["left out: a file that it is for is not there, or makes it needless".to_owned()];
                    } else {
                        self.lines(step, &mut lines);
                        self.announced(step, &mut lines);
                    }
                    self.steps.push(PlannedStep {
                        number: self.steps.len() + 1,
                        total: self.total,
                        id: step.id.clone(),
                        name: step.name.clone(),
                        notes,
                        lines,
                        interrupted: None,
                    });
                }
            }
        }
    }

    fn notes(&self, step: &Step) -> Vec<String> {
        // Every key is named, so that of a new one it is said whether a dry run shows it.
        let Step {
            id,
            when,
            retry,
            restart_at,
            ask,
            // Shown as the head of the step, and in its lines.
            place: _,
            key_places: _,
            name: _,
            action: _,
            timeout: _,
            until: _,
            irreversible: _,
            sector: _,
            proven_by: _,
            // Told only when something has come of the step.
            sets: _,
            if_met: _,
            if_unmet: _,
            instead: _,
            hints: _,
            if_stopped: _,
            third_time: _,
            next: _,
            filling: _,
        } = step;
        let mut notes = Vec::new();
        if let Some(when) = when {
            notes.push(format!("only when {}", self.in_words(when)));
        }
        let group = step.group().map(|_| format!("all of {id} ")).unwrap_or_default();
        if let Some(retry) = retry {
            let (attempts, on) = (retry.attempts_max, words(&retry.on));
            notes.push(format!("{group}tried up to {attempts} times, on {on}"));
        }
        if let Some(run) = step.call() {
            notes.extend(run.on_fault.iter().map(|on| {
                let code = on.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
                format!("goes on with {} on {}{code}", on.set, words(&on.classes))
            }));
        }
        if step.only_by_person() {
            notes.push("needs a person: it names no hands that --hands could move".to_owned());
        }
        if let Some(ask) = ask {
            notes.push(format!("asks only after {}", describe_time(ask.after)));
        }
        if let Some(restart) = restart_at {
            let (at, times, on) = (&restart.step.value, restart.times_max, words(&restart.on));
            notes.push(format!("goes back to {at}, up to {times} times, on {on}"));
        }
        notes
    }

    fn lines(&self, step: &Step, lines: &mut Vec<PlannedLine>) {
        let wait_limit = milliseconds(step.wait_limit());
        let text = |template| expand_as_far_as_known(template, &self.facts);
        match &step.action {
            Action::Run(run) => {
                if let Some(irreversible) = &step.irreversible {
                    self.guards_before(irreversible, lines);
                }
                lines.extend(run.stage.iter().map(|staged| PlannedLine::Stage {
                    file:
                        self.facts.file_name(&staged.file.value).unwrap_or_else(|_| format!("<{}>", staged.file.value)),
                    path: staged.path.value.clone(),
                }));
                let limit_ms = self.command(step, run, lines);
                if let Some(prompt) = &run.prompt {
                    lines.push(PlannedLine::Prompt { text: text(&prompt.text), goes_on: GoesOn::ByItself });
                }
                lines.extend(run.answers.iter().map(|answer| PlannedLine::Answer {
                    when: answer.when.to_string(),
                    send: answer.send.as_ref().map(text),
                    prompt: answer.prompt.as_ref().map(|prompt| text(&prompt.text)),
                }));
                if let Some(until) = &step.until {
                    lines.push(self.wait(until, limit_ms));
                }
                if let Some(irreversible) = &step.irreversible {
                    self.reading("must hold afterwards", &irreversible.verify, lines);
                }
            }
            Action::Prompt(prompt) => {
                lines.push(PlannedLine::Prompt { text: text(&prompt.text), goes_on: GoesOn::of(step) });
                lines.extend(step.until.iter().map(|until| self.wait(until, wait_limit)));
            }
            Action::Wait => {
                lines.extend(step.until.iter().map(|until| self.wait(until, wait_limit)));
                let asked = step.ask.iter().map(|ask| &ask.prompt.text);
                lines.extend(asked.map(|asked| PlannedLine::Prompt { text: text(asked), goes_on: GoesOn::ByItself }));
            }
            Action::Check(check) => lines.push(PlannedLine::Check { text: self.in_words(&check.holds) }),
            Action::Write(write) => {
                let text = match &write.contents {
                    Contents::Text(template) => text(template),
                    Contents::Zeros(length_bytes) => format!("({length_bytes} bytes, all of them zero)"),
                };
                lines.push(PlannedLine::Write { file: write.file.value.clone(), text });
            }
            Action::Refuse(refuse) => lines.push(PlannedLine::Refuse { text: text(&refuse.text) }),
            Action::TellApart(tell_apart) => {
                self.reading("it is the one for which", &tell_apart.answers, lines);
            }
            Action::Steps(steps) => {
                for step in steps {
                    self.lines(step, lines);
                }
            }
        }
    }

    /// What is read behind this step of what cannot be undone and comes later.
    fn announced(&self, step: &Step, lines: &mut Vec<PlannedLine>) {
        for later in leaves(&self.playbook.steps) {
            let Some(irreversible) = &later.irreversible else { continue };
            if irreversible.announced_after.as_ref().is_some_and(|after| after.value == step.id) {
                let what = format!("\"{}\", which cannot be undone, will not be needed when", later.name);
                self.reading(&what, &irreversible.already_done, lines);
            }
        }
    }

    fn guards_before(&self, irreversible: &Irreversible, lines: &mut Vec<PlannedLine>) {
        self.reading("skipped when", &irreversible.already_done, lines);
        lines.push(PlannedLine::Consent { why: irreversible.why.clone() });
    }

    fn reading(&self, what: &str, reading: &Reading, lines: &mut Vec<PlannedLine>) {
        for step in &reading.steps {
            self.lines(step, lines);
        }
        lines.push(PlannedLine::Check { text: format!("{what} {}", self.in_words(&reading.holds)) });
    }

    fn in_words(&self, expression: &Expression) -> String {
        in_words(expression, &|name| {
            let file = || self.facts.file_name(name).ok();
            let input = || self.playbook.input(name).map(|input| input.file_name().to_owned());
            self.playbook.device(name).map(|device| device.label.clone()).or_else(file).or_else(input)
        })
    }

    fn wait(&self, until: &Until, limit_ms: u64) -> PlannedLine {
        PlannedLine::Wait { text: format!("until {}", describe_until(until, self.playbook)), limit_ms }
    }

    /// Answers with the call's limit.
    fn command(&self, step: &Step, run: &Run, lines: &mut Vec<PlannedLine>) -> u64 {
        let Some(tool) = self.catalog.tool(&run.tool.value) else { return 0 };
        let wanted = |choice| Wanted { step, run, tool, files: self.facts.files, used_up: 0, choice };
        let facts = |limit| RunFacts { limit_ms: Some(milliseconds(limit)), ..self.facts };
        let choice = self.choice(run, tool);
        // What chooses the board does not decide what the call does.
        let for_gate = if choice.is_known { choice.args.clone() } else { Vec::new() };
        let shown = command_line(wanted(choice.args), |arg, limit| {
            Ok::<_, Infallible>(expand_as_far_as_known(arg, &facts(limit)))
        });
        let Ok(CommandLine { args, limit, .. }) = shown;
        let limit_ms = milliseconds(limit);
        lines.push(PlannedLine::Command { command: typed(run, &args), limit_ms });
        if let Ok(CommandLine { args, .. }) = command_line(wanted(for_gate), |arg, limit| expand(arg, &facts(limit))) {
            let (launcher, chosen) = ((self.launcher)(&tool.name), self.chosen);
            let (playbook, made, facts) = (self.playbook, self.made, self.facts);
            let call = PlannedCall { playbook, step, run, tool, args: &args, launcher, chosen, made, facts };
            let refused = will_be_refused(&call);
            lines.extend(refused.map(|why| PlannedLine::NotStarted { tool: tool.name.clone(), why: why.to_string() }));
        }
        limit_ms
    }

    /// The arguments that choose the board, as far as they are known before it is seen.
    fn choice(&self, run: &Run, tool: &Tool) -> Choice {
        let nothing = Choice { args: Vec::new(), is_known: true };
        let Some(device) = run.device.as_ref().and_then(|name| self.playbook.device(name)) else {
            return self.choice_of_unseen(run, tool).unwrap_or(nothing);
        };
        let board = match self.chosen {
            Chosen::Any => return nothing,
            Chosen::Port(port) if is_serial_port(port) == (device.kind == DeviceKind::Serial) => {
                ChosenBoard::at(port, Some(SEEN_LATER.serial))
            }
            // A board shows other serial numbers in its other modes.
            Chosen::Port(_) | Chosen::Serial(_) => {
                let libusb_port = self.libusb_names_ports.then_some(SEEN_LATER.port);
                ChosenBoard { port: SEEN_LATER.port, libusb_port, hid_node: None, serial: Some(SEEN_LATER.serial) }
            }
        };
        // No program is asked of which flavour it is: one that cannot be told will be started as the playbook says.
        let named = self.names_nodes && device.kind == DeviceKind::Hid;
        let board = ChosenBoard { hid_node: named.then_some(SEEN_LATER.node), ..board };
        Choice::by(choosing(tool, board))
    }

    /// For a tool that waits by itself for what its arguments name.
    fn choice_of_unseen(&self, run: &Run, tool: &Tool) -> Option<Choice> {
        let Ok(args) = arguments(run, |arg| Ok::<_, Infallible>(expand_as_far_as_known(arg, &self.facts)));
        device_in(self.playbook, tool, &args).filter(|device| device.kind != DeviceKind::Serial)?;
        let board = match self.chosen {
            Chosen::Any => return None,
            Chosen::Port(port) if is_serial_port(port) => return None,
            Chosen::Port(port) => ChosenBoard::at(port, None),
            Chosen::Serial(_) => {
                let libusb_port = self.libusb_names_ports.then_some(SEEN_LATER.port);
                ChosenBoard { port: SEEN_LATER.port, libusb_port, hid_node: None, serial: None }
            }
        };
        Some(Choice::by(choosing(tool, board)))
    }
}

impl Choice {
    fn by(args: Vec<String>) -> Choice {
        let Unseen { port, node, serial } = SEEN_LATER;
        let is_known = !args.iter().any(|arg| [port, node, serial].iter().any(|unseen| arg.contains(unseen)));
        Choice { args, is_known }
    }
}

fn words(classes: &[FaultClass]) -> String {
    let words: Vec<&str> = classes.iter().map(|class| class.word()).collect();
    words.join(", ")
}

/// The files that steps make, which have a name before they exist.
pub(super) fn produced_files(steps: &[Step]) -> BTreeMap<Id, String> {
    let mut found = BTreeMap::new();
    for step in every_step(steps) {
        let of_call = step.call().into_iter().flat_map(|run| &run.produces);
        found.extend(of_call.map(|name| (name.value.clone(), Files::produced_name(name))));
        found.extend(step.writes().map(|write| (write.name.value.clone(), write.file.value.clone())));
    }
    found
}
