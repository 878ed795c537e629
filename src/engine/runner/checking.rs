//! Steps that start no tool and ask nobody: a check, a refusal, a file made from a template.

use super::Runner;
use crate::documents::playbook::{CheckStep, Contents, RefuseStep, Step, WriteStep};
use crate::engine::Outcome;
use crate::engine::halt::Halt;
use crate::words::{Fault, FaultClass};
use crate::world::World;

impl<W: World> Runner<'_, W> {
    pub(super) fn refuse(&mut self, step: &Step, refuse: &RefuseStep) -> Result<(), Halt> {
        let text = |template| self.text(template).map_err(|error| self.not_computable(&step.id, &error));
        let fault = Fault::new(FaultClass::Refused, text(&refuse.text)?);
        let advice = refuse.next.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        let mut failure = self.failure(&step.id, fault, Outcome::RefusedByPlaybook);
        failure.advice = advice;
        Err(Halt::Failure(Box::new(failure)))
    }

    pub(super) fn check(&mut self, step: &Step, check: &CheckStep) -> Result<(), Halt> {
        self.note_compared(&check.holds);
        if self.holds(&check.holds, step)? {
            return Ok(());
        }
        let message = match &check.message {
            Some(message) => self.text(message).map_err(|error| self.not_computable(&step.id, &error))?,
            None => format!("this does not hold: {}", check.text),
        };
        let message = message.trim_end_matches('.').to_owned();
        let fault = Fault::new(check.class, message);
        // Wrong files that are noticed before anything is done are the same as an input that does not suit.
        let outcome = match check.class {
            FaultClass::BadFile if self.last_call.is_none() => Outcome::CommandLine,
            class => class.outcome(),
        };
        Err(Halt::Failure(Box::new(self.failure(&step.id, fault, outcome))))
    }

    pub(super) fn write(&mut self, step: &Step, write: &WriteStep) -> Result<(), Halt> {
        let text = match &write.contents {
            Contents::Text(text) => self.text(text).map_err(|error| self.not_computable(&step.id, &error))?,
            Contents::Zeros(length_bytes) => "\0".repeat(*length_bytes as usize),
        };
        self.files
            .write(&write.name, &write.file, &text)
            .map_err(|problem| self.halt_here(&step.id, Fault::new(FaultClass::BadFile, problem.to_string())))
    }
}
