//! A run that is refused: with the outcome and the problem that its last event tells.

use crate::engine::{Outcome, Problem};

/// A run that ended before its first step.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) outcome: Outcome,
    pub(super) problem: Problem,
}

impl Refusal {
    pub(super) fn into_parts(self) -> (Outcome, Problem) {
        (self.outcome, self.problem)
    }
}

pub(super) fn refuse(outcome: Outcome, problem: Problem) -> Box<Refusal> {
    Box::new(Refusal { outcome, problem })
}
