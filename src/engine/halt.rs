//! Why a run does not simply go on.

use crate::engine::runner::Runner;
use crate::engine::{Outcome, Refusal};
use crate::output::Touched;
use crate::words::{Fault, FaultClass, Id, ToolEnd};
use crate::world::{Interrupt, World};

#[derive(Debug)]
pub(super) enum Halt {
    Failure(Box<Failure>),
    /// The run ends before its first step.
    Refused(Box<Refusal>),
    /// Go on at this step of a list around the failing one.
    Restart {
        at: Id,
        /// The board must be seen to come anew.
        fresh: bool,
    },
}

/// A fault and everything known about where it happened.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) outcome: Outcome,
    pub(super) step: Id,
    pub(super) step_name: String,
    pub(super) command: Option<Vec<String>>,
    pub(super) end: Option<ToolEnd>,
    pub(super) output: Vec<String>,
    pub(super) touched: Touched,
    /// The author's words on what the person can do now.
    pub(super) advice: Vec<String>,
    /// The author's words on the board's state.
    pub(super) state: Option<String>,
}

impl Failure {
    /// Nothing tries it again and nothing goes on with it, whatever the playbook says of its class.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.outcome, Outcome::Interrupted | Outcome::HandsFailed)
    }
}

impl Halt {
    pub(super) fn fault_class(&self) -> Option<FaultClass> {
        match self {
            Halt::Failure(failure) if !failure.is_final() => Some(failure.fault.class),
            _ => None,
        }
    }
}

impl<W: World> Runner<'_, W> {
    /// The failure of the step at work.
    pub(super) fn failure(&self, step: &Id, fault: Fault, outcome: Outcome) -> Failure {
        let (step, step_name) = match self.progress.at_work() {
            Some(at_work) => (at_work.step.clone(), at_work.name.clone()),
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
            state: self.board.author_words(),
        }
    }

    pub(super) fn halt_here(&self, step: &Id, fault: Fault) -> Halt {
        let outcome = fault.class.outcome();
        Halt::Failure(Box::new(self.failure(step, fault, outcome)))
    }

    pub(super) fn declined(&self, step: &Id, message: String) -> Halt {
        let fault = Fault::new(FaultClass::Cancelled, message);
        Halt::Failure(Box::new(self.failure(step, fault, Outcome::Declined)))
    }
}

pub(super) fn interrupt_words(by: Interrupt) -> &'static str {
    match by {
        Interrupt::Interrupt => "you asked recover to end",
        Interrupt::Terminate => "the system asked recover to end",
    }
}
