//! Remembers which devices may be opened: asking means opening them, which is neither free nor without effect.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Attachment;
use crate::documents::playbook::DeviceKind;
use crate::world::Access;

/// A denial may end when udev has set the mode of a new node, or when the person has changed a rule: it is tested again
/// after a part of the time for which it has lasted, and at the latest after this.
const DENIED_FOR: Duration = Duration::from_millis(500);
const PART: u32 = 4;

type Key = (Attachment, DeviceKind);

#[derive(Debug, Default)]
pub(super) struct AccessMemory {
    answers: Mutex<HashMap<Key, Answer>>,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    access: Access,
    /// Since when it has been the answer, and when it was tested last.
    since: Instant,
    tested: Instant,
}

impl Answer {
    fn holds(&self) -> bool {
        self.access != Access::Denied || self.tested.elapsed() < DENIED_FOR.min((self.tested - self.since) / PART)
    }
}

impl AccessMemory {
    /// The remembered answer, or that of `test`, which has none where there is no node to be opened yet. Only a denial is
    /// ever tested again.
    pub(super) fn ask(&self, device: Key, test: impl FnOnce() -> Option<Access>) -> Access {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = answers.get(&device);
        if let Some(answer) = known.filter(|answer| answer.holds()) {
            return answer.access;
        }
        // To see that there is no node costs nothing, so it is not remembered.
        let Some(access) = test() else { return Access::Denied };
        let tested = Instant::now();
        let since = known.filter(|answer| answer.access == access).map_or(tested, |answer| answer.since);
        answers.insert(device, Answer { access, since, tested });
        access
    }

    /// Keeps the memory as small as the bus.
    pub(super) fn forget_all_but(&self, attached: &[Key]) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|device, _| attached.contains(device));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::UsbId;

    fn device(address: u8) -> Key {
        let id = UsbId { vendor: 0x0483, product: 0xdf11 };
        (Attachment { id, port: "1-1".to_owned(), bus: "001".to_owned(), address }, DeviceKind::Usb)
    }

    #[test]
    fn asks_once_per_enumeration() {
        let memory = AccessMemory::default();
        assert_eq!(memory.ask(device(5), || Some(Access::Permitted)), Access::Permitted);
        assert_eq!(memory.ask(device(5), || panic!("asked again")), Access::Permitted);
        assert_eq!(memory.ask(device(6), || Some(Access::Unknown)), Access::Unknown);
        assert_eq!(memory.ask(device(6), || panic!("asked again")), Access::Unknown);
        memory.forget_all_but(&[device(6)]);
        assert_eq!(memory.ask(device(5), || Some(Access::Unknown)), Access::Unknown);
    }

    #[test]
    fn a_node_that_is_still_to_come_is_looked_for_each_time() {
        let memory = AccessMemory::default();
        assert_eq!(memory.ask(device(5), || None), Access::Denied);
        assert_eq!(memory.ask(device(5), || None), Access::Denied);
        assert_eq!(memory.ask(device(5), || Some(Access::Permitted)), Access::Permitted);
    }

    #[test]
    fn a_denial_is_tested_again_and_less_often_the_longer_it_lasts() {
        let memory = AccessMemory::default();
        assert_eq!(memory.ask(device(5), || Some(Access::Denied)), Access::Denied);
        assert_eq!(memory.ask(device(5), || Some(Access::Permitted)), Access::Permitted);
        let now = Instant::now();
        let denied =
            |lasted: Duration| Answer { access: Access::Denied, since: now.checked_sub(lasted).unwrap(), tested: now };
        memory.answers.lock().unwrap().insert(device(6), denied(Duration::from_secs(3600)));
        assert_eq!(memory.ask(device(6), || panic!("asked again so soon")), Access::Denied);
        memory.answers.lock().unwrap().insert(device(7), denied(Duration::ZERO));
        assert_eq!(memory.ask(device(7), || Some(Access::Permitted)), Access::Permitted);
    }
}
