//! Why a run ends early: what went wrong, at which step, and in which state that leaves the board.

use super::Runner;
use crate::engine::halt::{Failure, Halt, interrupt_words};
use crate::engine::{Event, Outcome};
use crate::output::Touched;
use crate::words::{Fault, FaultClass, Id};
use crate::world::{Interrupt, World};

impl<W: World> Runner<'_, W> {
    /// The failure of the step at work.
    pub(in crate::engine) fn failure(&self, step: &Id, fault: Fault, outcome: Outcome) -> Failure {
        let (step, step_name) = match &self.current {
            Some((id, name, _)) => (id.clone(), name.clone()),
            None => (step.clone(), step.to_string()),
        };
        Failure {
            fault,
            outcome,
            step,
            step_name,
            command: None,
            end: None,
            output: Vec::new(),
            touched: Touched::Nothing,
            advice: self.author_advice(),
            state: self.author_words(),
        }
    }

    pub(in crate::engine) fn halt_here(&self, step: &Id, fault: Fault) -> Halt {
        let outcome = fault.class.outcome();
        Halt::Failure(Box::new(self.failure(step, fault, outcome)))
    }

    pub(in crate::engine) fn declined(&self, step: &Id, message: String) -> Halt {
        let fault = Fault::new(FaultClass::Cancelled, message);
        Halt::Failure(Box::new(self.failure(step, fault, Outcome::Declined)))
    }

    /// The person wants to end and nothing is being written.
    pub(in crate::engine) fn interrupt(&mut self, step: &Id, by: Interrupt) -> Halt {
        self.stop_requested.get_or_insert(by);
        self.tell(Event::Interrupted { by, finishing: false, breaks: None });
        self.stopped(step, by)
    }

    /// Notes a wish to end that comes while something is written; answers whether it cuts the write short. Only keys that
    /// a person presses again do: a terminal that closes and a computer that shuts down ask more than once by themselves.
    pub(in crate::engine) fn cuts_short(&mut self, by: Interrupt, breaks: Option<&str>) -> bool {
        let first = self.stop_requested.is_none();
        self.stop_requested.get_or_insert(by);
        if by == Interrupt::Interrupt {
            self.keys_pressed += 1;
        }
        let (finishing, breaks) = match (by, self.keys_pressed, breaks) {
            (Interrupt::Terminate, ..) if !first => return false,
            (Interrupt::Terminate, ..) | (Interrupt::Interrupt, 0 | 1, _) => (true, None),
            (Interrupt::Interrupt, 2, Some(breaks)) => (true, Some(breaks.to_owned())),
            (Interrupt::Interrupt, ..) => (false, None),
        };
        self.tell(Event::Interrupted { by, finishing, breaks });
        !finishing
    }

    /// A wish to end that came while a tool was being ended anyway.
    pub(in crate::engine) fn note_wish(&mut self, by: Interrupt) {
        self.stop_requested.get_or_insert(by);
    }

    /// Whoever asked to end is told that, however the step that was finished first has ended.
    pub(super) fn after_wish(&self, failure: Option<Failure>) -> Option<Failure> {
        let Some(by) = self.stop_requested else { return failure };
        let asked = interrupt_words(by);
        Some(match failure {
            Some(failure) if matches!(failure.outcome, Outcome::Interrupted | Outcome::Defect) => failure,
            Some(mut failure) => {
                failure.fault.message = format!("{} (and {asked})", failure.fault.message);
                failure.outcome = Outcome::Interrupted;
                failure
            }
            None => {
                let (step, _, _) = self.current.as_ref()?;
                let message =
                    format!("{asked} during the last step; it was finished first, and nothing was left to do");
                let mut failure = self.failure(step, Fault::new(FaultClass::Cancelled, message), Outcome::Interrupted);
                failure.state = Some("Every step of this run was done.".to_owned());
                failure
            }
        })
    }

    pub(in crate::engine) fn stopped(&self, step: &Id, by: Interrupt) -> Halt {
        let fault = Fault::new(FaultClass::Cancelled, format!("{} before this step was done", interrupt_words(by)));
        Halt::Failure(Box::new(self.failure(step, fault, Outcome::Interrupted)))
    }
}
