//! Holds what came of a run against what a test case expects of it.

use std::slice;

use crate::bench::{CallRecord, RunRecord};
use crate::documents::cases::{CallPattern, Expect};
use crate::documents::playbook::{Playbook, leaves, procedure};
use crate::engine::{Event, Problem, StepEnd};
use crate::words::{Id, Located, Place};

/// Something that is not as the case expects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What in the test file is not met.
    pub place: Option<Place>,
    /// "the outcome `recovered`"
    pub expected: String,
    /// "`step-failed`: the erase was refused"
    pub found: String,
}

/// Everything that differs, the most telling first.
pub fn compare(expect: &Expect, record: &RunRecord, playbook: &Playbook) -> Vec<Difference> {
    let mut comparison = Comparison { record, playbook, differences: Vec::new() };
    comparison.end(expect);
    comparison.board(expect);
    comparison.steps(expect);
    comparison.calls(expect);
    comparison.texts(expect);
    comparison.differences
}

/// Have steps ended as the test file says, where these are their ends?
type AreAsTold = fn(&[&str]) -> bool;

struct Comparison<'a> {
    record: &'a RunRecord,
    playbook: &'a Playbook,
    differences: Vec<Difference>,
}

impl Comparison<'_> {
    fn differs(&mut self, place: &Place, expected: impl Into<String>, found: impl Into<String>) {
        let difference = Difference { place: Some(place.clone()), expected: expected.into(), found: found.into() };
        self.differences.push(difference);
    }

    fn problem(&self) -> Option<&Problem> {
        match self.record.events.last() {
            Some(Event::Finished { problem, .. }) => problem.as_ref(),
            _ => None,
        }
    }

    fn end(&mut self, expect: &Expect) {
        let problem = self.problem().cloned();
        let record = self.record;
        if record.outcome != expect.outcome.value {
            let why = problem.as_ref().map(|problem| {
                let at = problem.step.as_ref().map(|step| format!(" at the step `{step}`")).unwrap_or_default();
                format!("{at}: {}", problem.what.trim_end_matches('.'))
            });
            let found = format!("`{}`{}", record.outcome, why.unwrap_or_default());
            self.differs(&expect.outcome.place, format!("the outcome `{}`", expect.outcome.value), found);
        }
        if let Some(code) = &expect.exit_code
            && record.outcome.exit_code() != code.value
        {
            let found = record.outcome.exit_code().to_string();
            self.differs(&code.place, format!("the exit code {}", code.value), found);
        }
        if let Some(class) = &expect.class {
            let found = problem.as_ref().map(|problem| problem.class);
            if found != Some(class.value) {
                let found = found.map_or_else(|| "no fault".to_owned(), |found| format!("`{found}`"));
                self.differs(&class.place, format!("a fault of the class `{}`", class.value), found);
            }
        }
        if let Some(step) = &expect.step {
            let found = problem.as_ref().and_then(|problem| problem.step.clone());
            if found.as_ref() != Some(&step.value) {
                let found = found.map_or_else(|| "at no step".to_owned(), |found| format!("at `{found}`"));
                self.differs(&step.place, format!("that the run ends at the step `{}`", step.value), found);
            }
        }
    }

    fn board(&mut self, expect: &Expect) {
        for (input, address) in &expect.holds {
            let expected = format!("the board holds `{}` at {:#010x}", input.value, address.value);
            let staged = self.record.events.iter().find_map(|event| match event {
                Event::InputReady { name, size, sha256, .. } if *name == input.value => Some((*size, sha256.clone())),
                _ => None,
            });
            let Some((size, sha256)) = staged else {
                self.differs(&input.place, expected, format!("the run has no file for `{}`", input.value));
                continue;
            };
            // Neighbours are one region: the file may be a part of it.
            if self.record.stage.board().and_then(|board| board.digest(address.value, size)).as_ref() == Some(&sha256) {
                continue;
            }
            let there = self.record.regions.iter().find(|region| region.address == address.value);
            match there {
                Some(region) if region.length == size && region.sha256 == sha256 => {}
                Some(region) if region.length != size => {
                    let found = format!("{} bytes there, and the file has {size}", region.length);
                    self.differs(&address.place, expected, found);
                }
                Some(_) => self.differs(&address.place, expected, "other bytes there"),
                None => {
                    let regions = self.record.regions.iter();
                    let written: Vec<String> =
                        regions.map(|region| format!("{:#010x} ({} bytes)", region.address, region.length)).collect();
                    let found = match written.as_slice() {
                        [] => "nothing has been written".to_owned(),
                        written => format!("nothing there; written is {}", written.join(", ")),
                    };
                    self.differs(&address.place, expected, found);
                }
            }
        }
        for (index, word) in &expect.fuses {
            let found = self.record.fuses.get(&index.value).copied();
            if found != Some(word.value) {
                let found = found.map_or_else(|| "no such fuse".to_owned(), |found| format!("{found:#010x}"));
                self.differs(&word.place, format!("fuse word {:#04x} = {:#010x}", index.value, word.value), found);
            }
        }
        if let Some(untouched) = &expect.untouched
            && untouched.value != self.record.untouched()
        {
            let (expected, found) = if untouched.value {
                ("that nothing on the board changes", "it was written to")
            } else {
                ("that the board is written to", "nothing on it has changed")
            };
            self.differs(&untouched.place, expected, found);
        }
    }

    fn steps(&mut self, expect: &Expect) {
        let ends: [(&[Located<Id>], &str, AreAsTold); 3] = [
            (&expect.done, "done", |ends| {
                ends.contains(&DONE) && ends.iter().all(|end| *end == DONE || *end == SKIPPED)
            }),
            (&expect.skipped, "skipped", |ends| ends.iter().all(|end| *end == SKIPPED)),
            (&expect.not_reached, "not reached", |ends| ends.iter().all(|end| *end == NOT_REACHED)),
        ];
        for (steps, word, holds) in ends {
            for step in steps {
                let found = self.ends_of(&step.value);
                let words: Vec<&str> = found.iter().map(|(_, end)| *end).collect();
                if !holds(&words) {
                    let found = match found.as_slice() {
                        [(_, end)] => (*end).to_owned(),
                        several => {
                            let each: Vec<String> = several.iter().map(|(id, end)| format!("{id} {end}")).collect();
                            each.join(", ")
                        }
                    };
                    self.differs(&step.place, format!("the step `{}` {word}", step.value), found);
                }
            }
        }
        for step in &expect.retried {
            let retried = self
                .record
                .events
                .iter()
                .any(|event| matches!(event, Event::Retrying { step: retried, .. } if *retried == step.value));
            if !retried {
                self.differs(&step.place, format!("that `{}` is retried", step.value), "it was not");
            }
        }
        for step in &expect.restarted_at {
            let restarts = self.record.events.iter().filter_map(|event| match event {
                Event::Restarting { at, .. } => Some(at),
                _ => None,
            });
            let restarts: Vec<&Id> = restarts.collect();
            if !restarts.contains(&&step.value) {
                let found = match restarts.as_slice() {
                    [] => "it never went back".to_owned(),
                    other => format!("it went back to {}", ids(other)),
                };
                self.differs(&step.place, format!("that the run goes back to `{}`", step.value), found);
            }
        }
        if let Some(prompts) = &expect.prompts {
            let found: Vec<&Id> = self.record.events.iter().filter_map(asking_step).collect();
            let expected: Vec<&Id> = prompts.value.iter().map(|step| &step.value).collect();
            if found != expected {
                let nothing = |list: &[&Id]| if list.is_empty() { "nobody is asked".to_owned() } else { ids(list) };
                self.differs(&prompts.place, format!("the prompts {}", nothing(&expected)), nothing(&found));
            }
        }
    }

    /// How a step, or each step of a group, has ended last.
    fn ends_of(&self, id: &Id) -> Vec<(Id, &'static str)> {
        let named = procedure(&self.playbook.steps).find(|step| step.id == *id);
        let ended = named.into_iter().flat_map(|step| leaves(slice::from_ref(step)));
        ended.map(|step| (step.id.clone(), self.end_of(&step.id))).collect()
    }

    fn end_of(&self, id: &Id) -> &'static str {
        let mut ends = self.record.events.iter().filter_map(|event| match event {
            Event::StepStarted { step, .. } if step == id => Some(BEGUN),
            Event::StepSkipped { step, .. } if step == id => Some(SKIPPED),
            Event::StepFinished { step, end, .. } if step == id => Some(match end {
                StepEnd::Succeeded | StepEnd::SucceededWithWarning(_) => DONE,
                StepEnd::Failed(_) => FAILED,
            }),
            _ => None,
        });
        ends.next_back().unwrap_or(NOT_REACHED)
    }

    fn calls(&mut self, expect: &Expect) {
        let made: Vec<String> = self.record.calls.iter().map(command).collect();
        if let Some(calls) = &expect.calls {
            self.exact_calls(calls, &made);
        }
        let mut from = 0;
        for pattern in &expect.called {
            match made[from..].iter().position(|call| pattern.matches(call)) {
                Some(at) => from += at + 1,
                None => {
                    let found = not_called(pattern, &made, from);
                    self.differs(&pattern.place, format!("the call `{}`", pattern.text), found);
                }
            }
        }
        for pattern in &expect.never_called {
            if let Some(call) = made.iter().find(|call| pattern.matches(call)) {
                self.differs(&pattern.place, format!("no call `{}`", pattern.text), format!("`{call}`"));
            }
        }
        for (pattern, times) in &expect.times_called {
            let count = made.iter().filter(|call| pattern.matches(call)).count() as u64;
            if count != times.value {
                let expected = format!("the call `{}` {} times", pattern.text, times.value);
                let found =
                    if count == 0 { not_called(pattern, &made, 0) } else { format!("it was made {count} times") };
                self.differs(&times.place, expected, found);
            }
        }
    }

    /// The first call that is another one than expected; what follows it is out of step anyway.
    fn exact_calls(&mut self, calls: &Located<Vec<CallPattern>>, made: &[String]) {
        for (index, pattern) in calls.value.iter().enumerate() {
            match made.get(index) {
                Some(call) if pattern.matches(call) => {}
                Some(call) => {
                    let expected = format!("call {} to be `{}`", index + 1, pattern.text);
                    return self.differs(&pattern.place, expected, format!("`{call}`"));
                }
                None => {
                    let expected = format!("call {} to be `{}`", index + 1, pattern.text);
                    return self.differs(&pattern.place, expected, format!("only {index} calls were made"));
                }
            }
        }
        if let Some(call) = made.get(calls.value.len()) {
            let expected = match calls.value.len() {
                0 => "no call of a tool".to_owned(),
                number => format!("no call after number {number}"),
            };
            self.differs(&calls.place, expected, format!("`{call}`"));
        }
    }

    fn texts(&mut self, expect: &Expect) {
        let said: Vec<String> = self.record.events.iter().flat_map(texts_of).collect();
        for text in &expect.says {
            if !said.iter().any(|said| said.contains(&text.value)) {
                let near = nearest_text(&text.value, &said);
                let found = near.map_or_else(|| "nothing like it".to_owned(), |near| format!("`{near}`"));
                self.differs(&text.place, format!("the person is told `{}`", text.value), found);
            }
        }
        for text in &expect.never_says {
            if let Some(said) = said.iter().find(|said| said.contains(&text.value)) {
                self.differs(&text.place, format!("nobody is told `{}`", text.value), format!("`{said}`"));
            }
        }
    }
}

const DONE: &str = "done";
const SKIPPED: &str = "skipped";
const FAILED: &str = "failed";
const BEGUN: &str = "begun and not ended";
const NOT_REACHED: &str = "not reached";

fn asking_step(event: &Event) -> Option<&Id> {
    match event {
        Event::Prompted { step, .. } | Event::BoardAsked { step, .. } | Event::ConsentAsked { step, .. } => Some(step),
        _ => None,
    }
}

fn ids(list: &[&Id]) -> String {
    list.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
}

/// As it would be typed.
fn command(call: &CallRecord) -> String {
    let words: Vec<&str> = [call.tool.as_str()].into_iter().chain(call.argv.iter().map(String::as_str)).collect();
    words.join(" ")
}

fn not_called(pattern: &CallPattern, made: &[String], from: usize) -> String {
    if made[..from].iter().any(|call| pattern.matches(call)) {
        return "it was made, but earlier".to_owned();
    }
    match nearest_text(&pattern.text, made) {
        Some(near) => format!("it was never made; most like it is `{near}`"),
        None => "no call was made at all".to_owned(),
    }
}

/// The text that has most words in common with the wanted one.
fn nearest_text<'a>(wanted: &str, texts: &'a [String]) -> Option<&'a str> {
    let words: Vec<&str> = wanted.split([' ', '*']).filter(|word| !word.is_empty()).collect();
    let shared = |text: &&String| words.iter().filter(|word| text.split(' ').any(|other| other == **word)).count();
    texts.iter().rev().max_by_key(shared).filter(|text| shared(text) > 0).map(String::as_str)
}

/// What a person can read of an event, but for the output of tools.
fn texts_of(event: &Event) -> Vec<String> {
    match event {
        Event::StepSkipped { reason, .. } => vec![reason.clone()],
        Event::Prompted { text, .. }
        | Event::BoardAsked { text, .. }
        | Event::HealthyAsked { text, .. }
        | Event::Warning { text }
        | Event::Note { text }
        | Event::Hinted { text, .. }
        | Event::Flapping { text, .. }
        | Event::WaitOver { text, .. } => {
            vec![text.clone()]
        }
        Event::Waiting { waiting_for, .. } => vec![waiting_for.clone()],
        Event::ConsentAsked { why, .. } => vec![why.clone()],
        Event::Retrying { because, .. } | Event::Restarting { because, .. } => fault_texts(because),
        Event::StepFinished { end, .. } => match end {
            StepEnd::Succeeded => Vec::new(),
            StepEnd::SucceededWithWarning(text) => vec![text.clone()],
            StepEnd::Failed(fault) => fault_texts(fault),
        },
        Event::Finished { problem, next, .. } => {
            let problem = problem.iter().flat_map(|problem| {
                let Problem { what, state, next, output, .. } = problem;
                [what, state].into_iter().chain(next).chain(output).cloned().collect::<Vec<_>>()
            });
            next.iter().cloned().chain(problem).collect()
        }
        _ => Vec::new(),
    }
}

fn fault_texts(fault: &crate::words::Fault) -> Vec<String> {
    [Some(&fault.message), fault.help.as_ref()].into_iter().flatten().cloned().collect()
}
