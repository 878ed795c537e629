//! Problems of runs that ended before their first step.

use crate::engine::{Event, InputProblem, Outcome, Problem, Tell};
use crate::words::FaultClass;
use crate::world::ToolProblem;

const UNTOUCHED: &str = "Nothing has been done to the board, and no tool has run.";

/// Which is a start of each, too.
pub(super) const TOOLS_ASKED: &str = "Nothing has been done to the board; tools were asked for their version only.";

/// A run that ended before its first step.
#[derive(Debug)]
pub struct Refusal {
    pub outcome: Outcome,
    pub problem: Problem,
}

impl Refusal {
    /// Tells the last event.
    pub fn told(self, tell: &mut Tell<'_>) -> Outcome {
        tell(&finished(self.outcome, self.problem));
        self.outcome
    }
}

/// The last event of a run without steps.
pub fn finished(outcome: Outcome, problem: Problem) -> Event {
    last_event(outcome, Some(problem))
}

/// The last event where there was nothing to go wrong.
pub fn without_problem(outcome: Outcome) -> Event {
    last_event(outcome, None)
}

fn last_event(outcome: Outcome, problem: Option<Problem>) -> Event {
    Event::Finished {
        outcome,
        exit_code: outcome.exit_code(),
        problem,
        next: Vec::new(),
        elapsed_ms: 0,
        steps_done: 0,
        steps_skipped: 0,
        retries: 0,
        restarts: 0,
        warnings: 0,
    }
}

pub fn before_anything(class: FaultClass, what: String, next: Vec<String>) -> Problem {
    Problem {
        what,
        class,
        causes: Vec::new(),
        step: None,
        step_name: None,
        command: None,
        end: None,
        output: Vec::new(),
        attached: Vec::new(),
        state: UNTOUCHED.to_owned(),
        regions: Vec::new(),
        next,
    }
}

/// How a run ends without its files; what is wrong with the tools as well is told in the same list.
pub fn without_files(files: &[InputProblem], tools: &[ToolProblem]) -> Refusal {
    let mut problem = refused_inputs(files);
    problem.state = TOOLS_ASKED.to_owned();
    if !tools.is_empty() {
        if let [InputProblem { input, message, .. }] = files {
            problem.output.push(format!("{input}: {message}"));
        }
        let of_tools = refused_tools(tools);
        let number = |number: usize, noun: &str| match number {
            1 => format!("one {noun}"),
            several => format!("{several} {noun}s"),
        };
        problem.what = format!("{} and {} cannot be used", number(files.len(), "file"), number(tools.len(), "tool"));
        problem.output.extend(tools.iter().map(ToString::to_string));
        problem.next.extend(of_tools.next);
    }
    Refusal { outcome: Outcome::CommandLine, problem }
}

pub fn refused_inputs(faults: &[InputProblem]) -> Problem {
    let what = match faults {
        [only] => only.message.clone(),
        several => format!("{} files cannot be used", several.len()),
    };
    let mut problem = before_anything(FaultClass::BadFile, what, Vec::new());
    if faults.len() > 1 {
        problem.output = faults.iter().map(|fault| format!("{}: {}", fault.input, fault.message)).collect();
    }
    for InputProblem { input, hint, .. } in faults {
        let other = || format!("put the right file in its place, or give another one with --set {input}=PATH");
        let next = format!("{input}: {}", hint.clone().unwrap_or_else(other));
        if !problem.next.contains(&next) {
            problem.next.push(next);
        }
    }
    problem
}

/// The outcome of that. One that only could not be started is not missing.
pub fn outcome_without_tools(faults: &[ToolProblem]) -> Outcome {
    match faults.iter().any(ToolProblem::is_of_the_computer) {
        true => Outcome::StepFailed,
        false => Outcome::ToolMissing,
    }
}

/// How a run ends without its tools.
pub fn without_tools(faults: &[ToolProblem]) -> Refusal {
    Refusal { outcome: outcome_without_tools(faults), problem: refused_tools(faults) }
}

fn refused_tools(faults: &[ToolProblem]) -> Problem {
    let what = match faults {
        [only] => only.to_string(),
        several => {
            let names: Vec<&str> = several.iter().map(|fault| fault.tool.as_str()).collect();
            format!("the tools {} cannot be used", names.join(", "))
        }
    };
    let mut problem = before_anything(FaultClass::ToolMissing, what, Vec::new());
    problem.state = TOOLS_ASKED.to_owned();
    problem.output = match faults {
        [only] => only.output(),
        several => several.iter().map(ToString::to_string).collect(),
    };
    if outcome_without_tools(faults) != Outcome::ToolMissing {
        problem.class = FaultClass::Unknown;
        problem.next = vec!["End other programs, or allow more: `ulimit -n 1024`. Then run recover again.".to_owned()];
        return problem;
    }
    for remedy in faults.iter().flat_map(|fault| &fault.remedies) {
        // Several tools may come in one package.
        if !problem.next.contains(remedy) {
            problem.next.push(remedy.clone());
        }
    }
    problem.next.push(
        "When the tools are in place, run recover again; it finds them before it asks you to do anything.".into(),
    );
    problem
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{PassedOver, Trouble, Unusable};

    fn problem(why: Unusable) -> ToolProblem {
        let found = PassedOver { program: "mender".to_owned(), found_by: "PATH".to_owned(), why };
        let trouble = Trouble::NoneUsable { tool: "mender".to_owned(), found: vec![found] };
        ToolProblem { tool: "mender".to_owned(), trouble, remedies: vec!["Install it".to_owned()] }
    }

    #[test]
    fn every_file_that_is_refused_has_its_way_on() {
        let refused = |hint: Option<&str>| {
            let hint = hint.map(str::to_owned);
            refused_inputs(&[InputProblem { input: "image".parse().unwrap(), message: "it is cut".to_owned(), hint }])
                .next
        };
        assert_eq!(refused(Some("save it again")), ["image: save it again"]);
        assert_eq!(
            refused(None),
            ["image: put the right file in its place, or give another one with --set image=PATH"]
        );
    }

    #[test]
    fn a_tool_for_which_the_computer_has_no_room_is_not_missing() {
        let no_room = [problem(Unusable::NoRoom { reason: "too many files are open".to_owned() })];
        assert_eq!(outcome_without_tools(&no_room), Outcome::StepFailed);
        let told = refused_tools(&no_room);
        assert_eq!((told.class, told.next.len()), (FaultClass::Unknown, 1));
        assert!(told.next[0].contains("ulimit -n"), "{}", told.next[0]);
        assert_eq!(outcome_without_tools(&[problem(Unusable::NotExecutable)]), Outcome::ToolMissing);
    }
}
