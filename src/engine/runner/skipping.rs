//! Steps that are not needed: told, group by group, with the reason.

use crate::documents::playbook::{Action, Step};
use crate::engine::Event;
use crate::engine::runner::{Runner, Shown};
use crate::world::World;

impl<W: World> Runner<'_, W> {
    pub(in crate::engine) fn skip(&mut self, step: &Step, shown: Shown, reason: &str) {
        if shown == Shown::No {
            return;
        }
        let mut skipped = Vec::new();
        match &step.action {
            Action::Steps(steps) => skipped.extend(steps.iter()),
            _ => {
                // Steps of readings and preparations are not counted, and need no word when there is nothing to do.
                let Some(number) = self.numbers.get(&step.id).copied() else { return };
                self.tell(Event::StepSkipped {
                    step: step.id.clone(),
                    name: step.name.clone(),
                    number,
                    total: self.total,
                    reason: reason.to_owned(),
                });
            }
        }
        for step in skipped {
            self.skip(step, shown, reason);
        }
    }
}
