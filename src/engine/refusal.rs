//! Accounts of runs that ended before their first step.

use crate::engine::{Event, InputFault, Outcome, Problem};
use crate::words::FaultClass;
use crate::world::ToolProblem;

const UNTOUCHED: &str = "Nothing has been done to the board, and no tool has run.";

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

pub fn refused_inputs(faults: &[InputFault]) -> Problem {
    let what = match faults {
        [only] => only.message.clone(),
        several => format!("{} files cannot be used", several.len()),
    };
    let mut problem = before_anything(FaultClass::BadFile, what, Vec::new());
    if faults.len() > 1 {
        problem.output = faults.iter().map(|fault| format!("{}: {}", fault.input, fault.message)).collect();
    }
    for fault in faults {
        if let Some(hint) = &fault.hint {
            problem.next.push(format!("{}: {hint}", fault.input));
        }
    }
    problem
}

pub fn refused_tools(faults: &[ToolProblem]) -> Problem {
    let what = match faults {
        [only] => only.to_string(),
        several => {
            let names: Vec<&str> = several.iter().map(|fault| fault.tool.as_str()).collect();
            format!("the tools {} cannot be used", names.join(", "))
        }
    };
    let mut problem = before_anything(FaultClass::ToolMissing, what, Vec::new());
    problem.state = "Nothing has been done to the board.".to_owned();
    problem.output = match faults {
        [only] => only.output(),
        several => several.iter().map(ToString::to_string).collect(),
    };
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
