//! The account of a run that did not recover the board: what happened, where, in which state the board is, what to do.

use crate::engine::halt::Failure;
use crate::engine::runner::Runner;
use crate::engine::{Outcome, Problem};
use crate::output::Touched;
use crate::words::FaultClass;
use crate::world::World;

pub(super) fn account<W: World>(failure: Failure, runner: &Runner<'_, W>) -> Problem {
    let state = state_of(&failure, runner.board_changed);
    let next = next_steps(&failure, !runner.attempted.is_empty());
    Problem {
        what: failure.fault.message,
        class: Some(failure.fault.class.to_string()),
        step: Some(failure.step),
        step_name: Some(failure.step_name),
        command: failure.command,
        end: failure.end.map(|end| end.to_string()),
        output: failure.output,
        attached: runner.bus.describe_attached(),
        state,
        next,
    }
}

fn state_of(failure: &Failure, board_changed: bool) -> String {
    let cut_short =
        if failure.touched == Touched::Partly { " The last call was in the middle of changing it." } else { "" };
    match (&failure.state, board_changed) {
        (Some(state), _) => format!("{state}{cut_short}"),
        (None, false) => "This run has changed nothing on the board.".to_owned(),
        (None, true) => format!("This run has changed the board and did not finish.{cut_short}"),
    }
}

fn next_steps(failure: &Failure, irreversible_attempted: bool) -> Vec<String> {
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
        _ => None,
    };
    next.extend(by_class.map(str::to_owned));
    match failure.outcome {
        Outcome::RefusedByPlaybook => {}
        Outcome::Declined => {
            next.push("Running recover again is safe: it repeats the steps before and stops here again.".to_owned());
        }
        _ if irreversible_attempted => next.push(
            "Running recover again is safe: it reads first what was done, and never repeats what cannot be undone."
                .to_owned(),
        ),
        _ => next.push("Running recover again is safe: it starts from the beginning.".to_owned()),
    }
    next
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) || text.contains('\n') { text.to_owned() } else { format!("{text}.") }
}
