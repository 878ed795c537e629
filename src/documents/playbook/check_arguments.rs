//! Holds what a call's arguments can come to against the guards of the catalog: what decides the kind of the call, or where
//! it goes, must be known beforehand; what cannot be undone must stand in a step that says so.
//!
//! Arguments are worked out with made-up values, twice with different ones: what differs then is open, and only lengths
//! and the like may be. The gate looks again at what really goes out.

use std::collections::BTreeMap;

use crate::documents::catalog::{
    CallFacts, CallFiles, Doubt, Fuse, Kind as CallKind, Looked, Pattern, Tool, fuse_of, look, rules,
};
use crate::documents::expression::{Facts, Kind, Scope, Template, UnknownFact, Value, evaluate_condition, expand};
use crate::documents::playbook::check_call::{broken, place_of};
use crate::documents::playbook::{
    Action, Contents, Irreversible, Playbook, Reading, Run, Step, all_arguments, arguments, runs_of,
};
use crate::words::{AddressRange, Code, Diagnostic, Id, ToolVersion};

/// Combinations of values that are tried for one call.
const COMBINATIONS_MAX: usize = 256;

/// Everything that a call is looked at with.
pub(super) struct CallCheck<'a> {
    pub(super) playbook: &'a Playbook,
    pub(super) scope: &'a Scope,
    pub(super) tool: &'a Tool,
    /// A rule forbids the call by its text, so nothing more is said of it.
    pub(super) is_forbidden: bool,
}

impl<'a> CallCheck<'a> {
    /// What is wrong with the call's arguments.
    pub(super) fn check(&self, step: &Step, run: &Run) -> Vec<Diagnostic> {
        let mut diagnostics = if self.is_forbidden { Vec::new() } else { self.arguments(step, run) };
        diagnostics.extend(step.irreversible.iter().flat_map(|irreversible| self.readings(run, irreversible)));
        diagnostics
    }

    fn arguments(&self, step: &Step, run: &Run) -> Vec<Diagnostic> {
        let Some(combinations) = self.combinations(run) else {
            let message = format!("these arguments have more than {COMBINATIONS_MAX} combinations of values");
            return vec![Diagnostic::error(Code::TooMuch, &run.tool.place, message)];
        };
        for closed in combinations {
            let sample = |other| Sample { check: self, closed: &closed, captured: None, other };
            let (one, another) = (sample(false), sample(true));
            let (Some(first), Some(second)) = (one.args(run), another.args(run)) else { return Vec::new() };
            if let Some(diagnostic) = self.open(run, (&one, &first), (&another, &second)) {
                return vec![diagnostic];
            }
            let facts = one.call_facts();
            let known = facts.facts();
            // Those that the text itself breaks have been told.
            let forbidding = rules(self.tool, &known).into_iter().find(|rule| rule.forbids(&first, step.excuses()));
            if let Some(rule) = forbidding {
                return vec![broken(rule, run, &first[self.first_args()..])];
            }
            match self.look(&one, &first).kind {
                CallKind::NeedsConsent(why) if step.irreversible.is_none() => {
                    return vec![self.decimal(run, &one, &first, &why).unwrap_or_else(|| self.unmarked(run, &why))];
                }
                CallKind::Never(why) => {
                    let message = format!("no consent allows this call: {why}");
                    return vec![self.doubted(Code::NeverAllowed, run, &why, message)];
                }
                CallKind::NeedsConsent(_) | CallKind::Reversible => {}
            }
        }
        Vec::new()
    }

    fn look(&self, sample: &Sample<'_>, args: &[String]) -> Looked {
        look(self.tool, args, &sample.call_facts().facts())
    }

    /// The argument in doubt is none with `0x` in front of it: that was meant.
    fn decimal(&self, run: &Run, sample: &Sample<'_>, args: &[String], doubt: &Doubt) -> Option<Diagnostic> {
        let index = doubt.argument?;
        let text = args.get(index).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let mut meant = args.to_vec();
        meant[index] = format!("0x{text}");
        let remains = match self.look(sample, &meant).kind {
            CallKind::Reversible => false,
            // The next doubt may be about where that address leads, or about the next argument.
            CallKind::NeedsConsent(other) | CallKind::Never(other) => {
                other.argument == Some(index) && other.reason == doubt.reason
            }
        };
        let argument = index.checked_sub(self.first_args());
        let message = format!("`{text}` is an address without `0x`");
        let diagnostic = Diagnostic::error(Code::AddressForm, place_of(run, argument), message);
        (!remains).then(|| diagnostic.hint(format!("write `0x{text}`")))
    }

    fn unmarked(&self, run: &Run, doubt: &Doubt) -> Diagnostic {
        let diagnostic =
            self.doubted(Code::Unguarded, run, doubt, format!("this call may do what cannot be undone: {doubt}"));
        if doubt.remedy.is_some() {
            return diagnostic;
        }
        let of_own = self.tool.options.is_empty();
        diagnostic.hint(if of_own {
            "if all that it does can be done again, say so in the tool's table with `reversible = true`; else mark the step \
             as `irreversible`"
        } else {
            "only in a step marked `irreversible`"
        })
    }

    /// Marks the argument that it is about, if it is one.
    fn doubted(&self, code: Code, run: &Run, doubt: &Doubt, message: String) -> Diagnostic {
        let argument = doubt.argument.and_then(|index| index.checked_sub(self.first_args()));
        let diagnostic = Diagnostic::error(code, place_of(run, argument), message);
        match &doubt.remedy {
            Some(remedy) => diagnostic.hint(remedy),
            None => diagnostic,
        }
    }

    /// So many arguments stand before the step's own.
    fn first_args(&self) -> usize {
        self.tool.first_args.len()
    }

    /// An argument that decides what the call is, and is not known beforehand.
    fn open(
        &self,
        run: &Run,
        (one, first): (&Sample<'_>, &[String]),
        (another, second): (&Sample<'_>, &[String]),
    ) -> Option<Diagnostic> {
        let fixed = self.look(one, first);
        if fixed == self.look(another, second) {
            return None;
        }
        let culprit = (0..first.len()).find(|index| {
            let mut mixed = first.to_vec();
            mixed[*index].clone_from(&second[*index]);
            self.look(one, &mixed) != fixed
        });
        let culprit = culprit.and_then(|index| index.checked_sub(self.first_args()));
        Some(
            Diagnostic::error(Code::OpenArgument, place_of(run, culprit), "what this comes to decides what the call does, and is not known beforehand").hint(
                "write it out, or take a variable with a closed list of `values`; only lengths, limits and files may be \
                 worked out",
            ),
        )
    }

    /// Every combination of values of those variables in the arguments that have a closed list of them.
    fn combinations(&self, run: &Run) -> Option<Vec<BTreeMap<Id, Value>>> {
        let named: Vec<&Id> = run.args.iter().flat_map(Template::names).collect();
        let mut combinations = vec![BTreeMap::new()];
        for variable in self.playbook.variables.iter().filter(|variable| named.contains(&&variable.name)) {
            let Some(values) = variable.closed() else { continue };
            combinations = combinations
                .iter()
                .flat_map(|so_far| {
                    values.iter().map(|value| {
                        let mut extended: BTreeMap<Id, Value> = so_far.clone();
                        extended.insert(variable.name.clone(), value.clone());
                        extended
                    })
                })
                .collect();
            if combinations.len() > COMBINATIONS_MAX {
                return None;
            }
        }
        Some(combinations)
    }

    /// The readings around an irreversible step must be about what it does.
    fn readings(&self, run: &Run, irreversible: &Irreversible) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let nothing = BTreeMap::new();
        let sample = Sample { check: self, closed: &nothing, captured: None, other: false };
        let burnt = self.fuse(&sample, run).map(|(fuse, _)| fuse);
        if burnt.is_some() && !run.args.iter().all(Template::is_literal) {
            let message = "a call that burns a fuse is written out in full";
            diagnostics.push(Diagnostic::error(Code::OpenArgument, &run.tool.place, message));
        }
        for (key, reading) in [("already_done", &irreversible.already_done), ("verify", &irreversible.verify)] {
            let named = reading.holds.names();
            let runs = runs_of(&reading.steps);
            let captures = |run: &&&Run| run.capture.iter().any(|capture| named.contains(&&capture.name.value));
            if !runs.iter().any(|run| captures(&run)) {
                let message = format!("`{key}` does not depend on anything that its own steps read from the board");
                let hint = "capture a value in its steps, and compare that";
                diagnostics.push(Diagnostic::error(Code::WeakProof, &reading.holds.place, message).hint(hint));
                continue;
            }
            if let Some(Fuse { word, bits: Some(bits) }) = burnt {
                diagnostics.extend(self.fuse_reading(key, reading, &runs, (word, bits)));
            }
        }
        diagnostics
    }

    /// The fuse that a call of this tool is about, and how the tool prints what it has read. Another tool's calls are none,
    /// whatever their arguments look like.
    fn fuse(&self, sample: &Sample<'_>, run: &Run) -> Option<(Fuse, Option<&'a Pattern>)> {
        let args = sample.args(run).filter(|_| run.tool.value == self.tool.name)?;
        fuse_of(self.tool, &args, &sample.call_facts().facts())
    }

    /// The same word must be read, and the reading must tell its bits from none.
    fn fuse_reading(
        &self,
        key: &str,
        reading: &Reading,
        runs: &[&Run],
        (word, bits): (u64, u64),
    ) -> Option<Diagnostic> {
        let nothing = BTreeMap::new();
        let sample = |captured| Sample { check: self, closed: &nothing, captured, other: false };
        let read = runs.iter().find_map(|run| {
            let (fuse, value) = self.fuse(&sample(None), run)?;
            (fuse == Fuse { word, bits: None }).then_some((run, value))
        });
        let Some((read, value)) = read else {
            let message = format!("`{key}` does not read word {word} of the fuses, which this step burns");
            return Some(Diagnostic::error(Code::WeakProof, &reading.holds.place, message));
        };
        let named = reading.holds.names();
        if let Some(value) = value
            && let Some(other) = read.capture.iter().find(|capture| capture.pattern.as_str() != value.as_str())
        {
            let message =
                format!("`{}` is not taken from where {} prints what the fuse holds", other.name, self.tool.name);
            let hint = format!("write `{{integer: '{}'}}`", value.as_str());
            return Some(Diagnostic::error(Code::WeakProof, &read.tool.place, message).hint(hint));
        }
        let captured = read.capture.iter().map(|capture| &capture.name.value).find(|name| named.contains(name));
        let Some(captured) = captured else {
            let message = format!("`{key}` reads word {word} of the fuses, but does not compare what it holds");
            return Some(Diagnostic::error(Code::WeakProof, &reading.holds.place, message));
        };
        let holds = |word: u64| {
            let value = Value::Integer(i64::try_from(word).ok()?);
            evaluate_condition(&reading.holds, &sample(Some((captured, value)))).ok()
        };
        let others = !bits & u64::from(u32::MAX);
        let tells = holds(0) == Some(false) && holds(bits) == Some(true) && holds(others) == Some(false);
        (!tells).then(|| {
            let message = format!("`{key}` does not tell whether the bits {bits:#x} of word {word} are burnt");
            Diagnostic::error(Code::WeakProof, &reading.holds.place, message)
                .hint(format!("write `{captured} & {bits:#x} == {bits:#x}`"))
        })
    }
}

/// Made-up values for everything that is known only in a run.
struct Sample<'a> {
    check: &'a CallCheck<'a>,
    /// The variables whose values are a closed list.
    closed: &'a BTreeMap<Id, Value>,
    captured: Option<(&'a Id, Value)>,
    /// Take the other of the two values that each open name has here.
    other: bool,
}

impl Sample<'_> {
    /// Nothing where they cannot be worked out, which is told elsewhere.
    fn args(&self, run: &Run) -> Option<Vec<String>> {
        let args = arguments(run, |arg| expand(arg, self)).ok()?;
        Some(all_arguments(self.check.tool, &args))
    }

    fn call_facts(&self) -> SampleFacts<'_> {
        let launcher = self.check.tool.launchers();
        SampleFacts { launcher, memories: self.check.playbook.memories(), sample: self }
    }

    fn pick<T>(&self, one: T, other: T) -> T {
        if self.other { other } else { one }
    }

    /// The text of a file that a step writes.
    fn written(&self, name: &Id) -> Option<(&str, Option<Vec<u8>>)> {
        fn find<'a>(steps: &'a [Step], name: &Id) -> Option<(&'a str, &'a Contents)> {
            steps.iter().find_map(|step| match &step.action {
                Action::Write(write) if write.name == *name => Some((write.file.as_str(), &write.contents)),
                Action::Steps(inner) => find(inner, name),
                Action::Write(_)
                | Action::Run(_)
                | Action::Prompt(_)
                | Action::Wait
                | Action::Check(_)
                | Action::Refuse(_)
                | Action::TellApart(_) => None,
            })
        }
        let (file, contents) = find(&self.check.playbook.steps, name)?;
        Some(match contents {
            Contents::Text(template) => (file, expand(template, self).ok().map(String::into_bytes)),
            Contents::Zeros(_) => (file, None),
        })
    }

    fn files(&self) -> impl Iterator<Item = &Id> {
        self.check.scope.values.iter().filter(|(_, kind)| **kind == Kind::File).map(|(name, _)| name)
    }
}

impl Facts for Sample<'_> {
    fn value(&self, name: &Id) -> Option<Value> {
        if let Some(value) = self.closed.get(name) {
            return Some(value.clone());
        }
        if let Some((captured, value)) = &self.captured
            && *captured == name
        {
            return Some(value.clone());
        }
        Some(match self.check.scope.values.get(name)? {
            Kind::Integer => Value::Integer(self.pick(1, 7)),
            Kind::Text => Value::Text(self.pick("one", "other").to_owned()),
            Kind::Boolean => Value::Boolean(self.other),
            Kind::File => Value::File(name.clone()),
            Kind::Version => Value::Version(self.pick::<&str>("1.0", "2.0").parse::<ToolVersion>().ok()?),
        })
    }

    fn file_name(&self, file: &Id) -> Result<String, UnknownFact> {
        let input = self.check.playbook.input(file).map(|input| input.file_name().to_owned());
        let written = || self.written(file).map(|(name, _)| name.to_owned());
        Ok(input.or_else(written).unwrap_or_else(|| format!("{file}.bin")))
    }

    fn size(&self, _: &Id) -> Result<u64, UnknownFact> {
        Ok(self.pick(1, 4097))
    }

    fn sha256(&self, _: &Id) -> Result<String, UnknownFact> {
        Ok(self.pick("0", "f").repeat(64))
    }

    fn bytes(&self, _: &Id, _: u64, length: u64) -> Result<Vec<u8>, UnknownFact> {
        const BYTES_MAX: u64 = 4096;
        let length = usize::try_from(length.min(BYTES_MAX)).unwrap_or(0);
        Ok(vec![self.pick(0, 0xff); length])
    }

    fn given(&self, _: &Id) -> bool {
        !self.other
    }

    fn present(&self, _: &Id) -> Result<bool, UnknownFact> {
        Ok(self.other)
    }

    fn port(&self, _: &Id) -> Result<String, UnknownFact> {
        Ok(self.pick("1-1", "1-2").to_owned())
    }

    fn limit_ms(&self) -> Result<u64, UnknownFact> {
        Ok(self.pick(60_000, 90_000))
    }

    fn tool_version(&self, _: &str) -> Result<ToolVersion, UnknownFact> {
        self.pick("1.0", "2.0").parse::<ToolVersion>().map_err(|error| UnknownFact::Looked(error.to_string()))
    }
}

/// What the guards are told of a call that is only imagined.
#[derive(Debug)]
struct SampleFacts<'a> {
    launcher: Vec<String>,
    memories: Vec<AddressRange>,
    sample: &'a Sample<'a>,
}

impl SampleFacts<'_> {
    fn facts(&self) -> CallFacts<'_> {
        CallFacts { launcher: &self.launcher, says_to_be: &[], memories: &self.memories, files: self, chosen: None }
    }

    fn called(&self, name: &str) -> Option<&Id> {
        self.sample.files().find(|file| self.sample.file_name(file).as_deref() == Ok(name))
    }
}

impl std::fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample").field("other", &self.other).finish_non_exhaustive()
    }
}

impl CallFiles for SampleFacts<'_> {
    fn size(&self, name: &str) -> Option<u64> {
        self.called(name).map(|_| 1)
    }

    /// Of what the playbook does not write itself nothing is known before the run.
    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let file = self.called(name)?;
        Some(self.sample.written(file).and_then(|(_, bytes)| bytes).unwrap_or_default())
    }
}
