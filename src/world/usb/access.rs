//! Remembers which devices may be opened: asking means opening them, which is neither free nor without effect.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Attachment;
use crate::documents::playbook::DeviceKind;
use crate::world::Access;

/// A denial may end when udev has set the mode of a new node, or when the person has changed a rule.
const DENIED_FOR: Duration = Duration::from_millis(500);

type Key = (Attachment, DeviceKind);

#[derive(Debug, Default)]
pub(super) struct AccessMemory {
    answers: Mutex<HashMap<Key, (Access, Instant)>>,
}

impl AccessMemory {
    /// The remembered answer, or that of `test`. Only a denial is ever tested again.
    pub(super) fn ask(&self, device: Key, test: impl FnOnce() -> Access) -> Access {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get(&device) {
            Some((Access::Denied, since)) if since.elapsed() >= DENIED_FOR => {}
            Some((access, _)) => return *access,
            None => {}
        }
        let access = test();
        answers.insert(device, (access, Instant::now()));
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
        assert_eq!(memory.ask(device(5), || Access::Permitted), Access::Permitted);
        assert_eq!(memory.ask(device(5), || panic!("asked again")), Access::Permitted);
        assert_eq!(memory.ask(device(6), || Access::Denied), Access::Denied);
        assert_eq!(memory.ask(device(6), || panic!("asked again so soon")), Access::Denied);
        memory.forget_all_but(&[device(6)]);
        assert_eq!(memory.ask(device(5), || Access::Unknown), Access::Unknown);
    }

    #[test]
    fn a_denial_is_tested_again_later() {
        let memory = AccessMemory::default();
        let long_ago = Instant::now().checked_sub(DENIED_FOR).unwrap();
        memory.answers.lock().unwrap().insert(device(5), (Access::Denied, long_ago));
        assert_eq!(memory.ask(device(5), || Access::Permitted), Access::Permitted);
    }
}
