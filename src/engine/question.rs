//! Questions about a device that is there: answered by yes or no, or by disconnecting it.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::documents::playbook::Device;
use crate::engine::Event;
use crate::engine::halt::Halt;
use crate::engine::moves::moving;
use crate::engine::runner::Runner;
use crate::words::Id;
use crate::world::{AttachedDevice, Reply, World};

/// How long such a question stands.
pub(super) const QUESTION_LIMIT: Duration = Duration::from_secs(10 * 60);
const QUESTION_TRIES: u32 = 3;
/// Where nothing tells of changes, the bus is looked at this often.
const LOOK: Duration = Duration::from_secs(1);
/// What agrees, beside the letter it begins with.
pub(super) const YES: &str = "yes";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    /// Also where nobody has answered in time, or in a way that can be understood.
    No,
    /// The device was disconnected.
    Left,
}

impl<W: World> Runner<'_, W> {
    /// The answer to what has just been asked. `reminder` is said where it is none.
    pub(super) async fn answer_about(
        &mut self,
        step: &Id,
        (device, found): (&Device, &AttachedDevice),
        reminder: &str,
    ) -> Result<Answer, Halt> {
        let deadline = Instant::now() + QUESTION_LIMIT;
        let mut tries = 0;
        while tries < QUESTION_TRIES {
            let world = self.world;
            tokio::select! {
                by = world.interrupted() => return Err(self.interrupt(step, by)),
                moving = moving(world) => self.hear_moving(step, moving)?,
                reply = world.reply() => match reply {
                    Reply::Line(line) if says_yes(&line) => return Ok(Answer::Yes),
                    Reply::Line(line) if says_no(&line) => return Ok(Answer::No),
                    Reply::Line(_) => {
                        tries += 1;
                        self.tell(Event::Note { text: reminder.to_owned() });
                    }
                    Reply::Gone => return Ok(Answer::No),
                },
                () = world.devices_changed() => {}
                () = sleep_until(deadline) => return Ok(Answer::No),
                () = sleep(LOOK) => {}
            }
            if self.bus.matching(device).is_ok_and(|now| now.iter().all(|now| now.port != found.port)) {
                return Ok(Answer::Left);
            }
        }
        Ok(Answer::No)
    }
}

fn says_yes(line: &str) -> bool {
    let line = line.trim();
    line.eq_ignore_ascii_case(YES) || line.eq_ignore_ascii_case("y")
}

fn says_no(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.eq_ignore_ascii_case("no") || line.eq_ignore_ascii_case("n")
}

/// " (STM32  BOOTLOADER, serial 3058346F3132, @Internal Flash /0x08000000/16*128Kg)".
pub(super) fn told_of_itself(found: &AttachedDevice) -> String {
    let serial = found.serial.as_ref().map(|serial| format!("serial {serial}"));
    let parts = found.product.iter().cloned().chain(serial).chain(found.interfaces.iter().cloned());
    let parts: Vec<String> = parts.map(|part| blanks_aside(&part)).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

pub(super) fn blanks_aside(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
