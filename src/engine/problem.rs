//! What is told of a run that did not recover the board: what happened, where, in which state the board is, what to do.

use crate::engine::halt::Failure;
use crate::engine::ledger::Ledger;
use crate::engine::runner::Runner;
use crate::engine::{Cause, Outcome, Problem};
use crate::output::Touched;
use crate::words::FaultClass;
use crate::world::World;

pub(super) fn problem_of<W: World>(failure: Failure, runner: &Runner<'_, W>) -> Problem {
    let state = state_of(&failure, &runner.board.ledger, || runner.left_by_a_cut());
    let next = next_steps(&failure, runner);
    let causes = causes_of(&failure, runner.attempts.causes());
    // A wait that ran out has no call of its own: then the call that made the run go back is the one to look at.
    let waited = failure.command.is_none();
    let shown = match runner.attempts.causes().first() {
        Some(first) if waited && first.step != failure.step => first.clone(),
        _ => failure.clone(),
    };
    Problem {
        what: match causes.first() {
            Some(first) if waited && first.step != failure.step => {
                format!("{}. Then: {}", first.what.trim_end_matches('.'), failure.fault.message)
            }
            _ => failure.fault.message,
        },
        class: failure.fault.class,
        causes,
        step: Some(failure.step),
        step_name: Some(failure.step_name),
        command: shown.command,
        end: shown.end.map(|end| end.to_string()),
        output: shown.output,
        attached: runner.bus.describe_attached(),
        state,
        regions: runner.board.ledger.regions(),
        next,
    }
}

/// What came before, each kind once: the same fault three times is one cause.
fn causes_of(failure: &Failure, causes: &[Failure]) -> Vec<Cause> {
    let mut told: Vec<Cause> = Vec::new();
    for cause in causes.iter().filter(|cause| cause.fault.message != failure.fault.message) {
        let cause = Cause {
            what: cause.fault.message.clone(),
            class: cause.fault.class,
            step: cause.step.clone(),
            step_name: cause.step_name.clone(),
            command: cause.command.clone(),
        };
        if !told.contains(&cause) {
            told.push(cause);
        }
    }
    told
}

/// The author's words, where they fit what this run has done, or what follows from the playbook; and what the ledger says.
fn state_of(failure: &Failure, ledger: &Ledger, left: impl FnOnce() -> Option<String>) -> String {
    let cut_short =
        if failure.touched == Touched::Partly { "The last call was in the middle of changing it. " } else { "" };
    match &failure.state {
        _ if !ledger.changed() => "This run has changed nothing on the board.".to_owned(),
        Some(words) => format!("{} {cut_short}{}", words.trim_end(), ledger.in_words()),
        None => {
            let left = left().map(|left| format!("{} ", sentence(&as_a_beginning(&left)))).unwrap_or_default();
            format!("This run has changed the board and did not finish. {left}{cut_short}{}", ledger.in_words())
        }
    }
}

fn next_steps<W: World>(failure: &Failure, runner: &Runner<'_, W>) -> Vec<String> {
    let mut next = failure.advice.clone();
    if let Some(help) = &failure.fault.help {
        next.push(sentence(help));
    }
    let by_class = match failure.fault.class {
        FaultClass::DeviceLost | FaultClass::NoAnswer | FaultClass::TimedOut => {
            Some("Try another USB cable and a port directly on the computer, without a hub.")
        }
        FaultClass::Refused if failure.outcome == Outcome::StepFailed && failure.fault.help.is_none() => {
            Some("If it fails again in the same way, the flash chip or the board may be damaged.")
        }
        FaultClass::Unknown if failure.command.is_some() => {
            Some("The last lines above are the tool's own; the log has all of them.")
        }
        FaultClass::NoDevice
        | FaultClass::AmbiguousDevice
        | FaultClass::NoPermission
        | FaultClass::Refused
        | FaultClass::Protected
        | FaultClass::BadUsage
        | FaultClass::BadFile
        | FaultClass::ToolMissing
        | FaultClass::ToolBroken
        | FaultClass::Cancelled
        | FaultClass::Unknown => None,
    };
    next.extend(by_class.map(str::to_owned));
    next.extend(runner.hands.advice(runner.playbook));
    next.extend(running_again(failure, !runner.acts.is_none()).map(str::to_owned));
    next
}

/// Whether running recover again is safe and helps, or what it is that ends here.
fn running_again(failure: &Failure, irreversible_attempted: bool) -> Option<&'static str> {
    Some(match (failure.outcome, failure.fault.class) {
        (Outcome::RefusedByPlaybook, _) => return None,
        (Outcome::Declined, _) => "Running recover again is safe: it repeats the steps before and stops here again.",
        (_, FaultClass::Protected) => {
            "Running recover again is safe, but it ends here again as long as the chip does not allow this; recover lifts no \
             protection."
        }
        (_, FaultClass::BadFile) => {
            "Running recover again helps only with another file: with this one it ends here again."
        }
        (_, FaultClass::BadUsage) => {
            "Running recover again does not help: the playbook or the tool has to become another one first."
        }
        _ if irreversible_attempted => {
            "Running recover again is safe: it reads first what was done, and never repeats what cannot be undone."
        }
        _ => "Running recover again is safe: it begins with the same first step.",
    })
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) || text.contains('\n') { text.to_owned() } else { format!("{text}.") }
}

fn as_a_beginning(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
