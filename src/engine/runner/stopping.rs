//! Why a run ends early: what went wrong, at which step, and in which state that leaves the board.

use super::Runner;
use crate::engine::halt::{Failure, Halt, interrupt_words, outcome_of};
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
        let outcome = outcome_of(fault.class);
        Halt::Failure(Box::new(self.failure(step, fault, outcome)))
    }

    pub(in crate::engine) fn declined(&self, step: &Id, message: String) -> Halt {
        let fault = Fault::new(FaultClass::Cancelled, message);
        Halt::Failure(Box::new(self.failure(step, fault, Outcome::Declined)))
    }

    /// The person wants to end and nothing is being written.
    pub(in crate::engine) fn interrupt(&mut self, step: &Id, by: Interrupt) -> Halt {
        self.tell(Event::Interrupted { by, finishing: false });
        self.stopped(step, by)
    }

    pub(super) fn stopped(&self, step: &Id, by: Interrupt) -> Halt {
        let fault = Fault::new(FaultClass::Cancelled, format!("{} before this step was done", interrupt_words(by)));
        Halt::Failure(Box::new(self.failure(step, fault, Outcome::Interrupted)))
    }
}
