//! A defect in recover itself ends as every other failure does: with a problem, the last event and an exit code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use crate::cli::arguments::MessageFormat;
use crate::cli::json::write_line;
use crate::cli::refusal::refuse;
use crate::cli::streams::{complain_at_length, stdout};
use crate::engine::{Outcome, Problem, Refusal, Told, before_anything, finished};
use crate::words::FaultClass;

/// Where the last panic came from.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic says no more than where it was; the rest is told in the problem.
pub(super) fn listen() {
    set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        let told = place.clone().unwrap_or_default();
        complain_at_length(&format!("defect in recover at {told}: {}\n", message(panic.payload())));
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
}

/// Does the work of a run; a panic in it is a refusal like others, told by the last event.
pub(super) fn or_defect(work: impl FnOnce() -> Result<Outcome, Box<Refusal>>) -> Result<Outcome, Box<Refusal>> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(refuse(Outcome::Defect, problem_of(&*panic))))
}

/// The whole work of the program. What panics outside of a run's own work is told here.
pub(super) fn or_told(format: MessageFormat, work: impl FnOnce() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let problem = problem_of(&*panic);
        match format {
            MessageFormat::Json => {
                let _reader_gone = write_line(&mut stdout(), &Told::now(finished(Outcome::Defect, problem)));
            }
            MessageFormat::Human => {
                let next: String = problem.next.iter().map(|next| format!("{next}\n")).collect();
                complain_at_length(&format!("error: {}\n{}\n{next}", problem.what, problem.state));
            }
        }
        Outcome::Defect
    })
}

fn problem_of(panic: &(dyn Any + Send)) -> Problem {
    let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
    let what = format!("recover has a defect and had to stop: {}{place}", message(panic));
    let next = vec![
        "Run recover again: it begins anew, and what is irreversible is read from the chip before it is done."
            .to_owned(),
        "Report this with the log of the run, so that it can be mended.".to_owned(),
    ];
    let state = "It is not known whether something has changed on the board.".to_owned();
    Problem { state, ..before_anything(FaultClass::Unknown, what, next) }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_outcome_with_a_problem() {
        let numbers: Vec<u8> = Vec::new();
        let refusal = or_defect(|| Ok([Outcome::Recovered][numbers.len() + 1])).unwrap_err();
        let Refusal { outcome, problem } = *refusal;
        assert_eq!(outcome.exit_code(), 70);
        assert!(
            problem.what.starts_with("recover has a defect and had to stop: index out of bounds"),
            "{}",
            problem.what
        );
        assert!(problem.state.starts_with("It is not known"), "{}", problem.state);
        assert_eq!(or_defect(|| Ok(Outcome::Recovered)).unwrap(), Outcome::Recovered);
    }

    #[test]
    fn a_panic_anywhere_else_has_the_same_exit_code() {
        assert_eq!(or_told(MessageFormat::Human, || std::panic::panic_any(1)), Outcome::Defect);
        assert_eq!(or_told(MessageFormat::Human, || Outcome::Planned), Outcome::Planned);
    }
}
