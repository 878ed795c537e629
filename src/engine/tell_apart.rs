//! Finds the one device that is meant among others with the same id, by what answers.
//!
//! A device that does not answer need not be a strange one: it may be broken. So it is only set aside: when the person
//! disconnects it and connects it again, as the playbook asks for, it counts once more.

use crate::documents::playbook::{Step, TellApart};
use crate::engine::halt::Halt;
use crate::engine::runner::Runner;
use crate::engine::step::{Acted, Shown};
use crate::engine::{Event, Outcome};
use crate::world::{Access, World};

impl<'a, W: World> Runner<'a, W> {
    /// Asks every such device that is there. Those that do not answer are left alone.
    pub(super) async fn tell_apart(&mut self, step: &'a Step, tell_apart: &'a TellApart) -> Result<Acted, Halt> {
        if self.bus.is_chosen() {
            self.skip(step, Shown::Yes, "you have chosen the device yourself");
            return Ok(Acted::Skipped);
        }
        let found = self.playbook.device(&tell_apart.device.value).map(|device| self.bus.matching(device));
        let mut silent = Vec::new();
        for device in found.and_then(Result::ok).unwrap_or_default() {
            // Whoever may not use it is told so when it is needed.
            if device.access == Access::Denied {
                continue;
            }
            self.tell(Event::Note { text: format!("Asking what is at {}.", device.port) });
            self.bus.examine(Some(&device.port));
            let answers = self.reading(step, &tell_apart.answers).await;
            self.bus.examine(None);
            let text = match answers {
                Ok(true) => {
                    self.tell(Event::Note { text: format!("The board answers at {}.", device.port) });
                    continue;
                }
                Ok(false) => format!("Nothing answers at {} as the board would", device.port),
                Err(Halt::Failure(failure)) if failure.outcome != Outcome::Interrupted => {
                    format!("Nothing answers at {} as the board would ({})", device.port, failure.fault.message)
                }
                Err(halt) => return Err(halt),
            };
            self.tell(Event::Note {
                text: format!("{text}. This one counts again once it has been disconnected and connected again."),
            });
            silent.push(device.port);
        }
        // Only now: while a further one is asked, those before it must not count again.
        silent.iter().for_each(|port| self.bus.set_aside(port));
        Ok(Acted::Done)
    }
}
