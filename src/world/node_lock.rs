//! Keeps two runs from one device, whoever started them and wherever their temporary folders are: the lock is on the
//! device's own node, which only those can hold who may open it. Linux only; elsewhere runs of one user meet in
//! [`crate::world::BoardLock`] alone, as do those on serial ports, because opening one moves its control lines.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::documents::playbook::DeviceKind;
use crate::world::node::{describe, usb_node};
use crate::world::{AttachedDevice, NodeHolder};

/// The nodes that this run holds, until this is dropped.
#[derive(Debug, Default)]
pub(super) struct NodeLocks {
    held: RefCell<BTreeMap<PathBuf, File>>,
}

impl NodeLocks {
    /// Who else holds the device. A node that cannot be opened or locked is none to be held: the tool will say why.
    pub(super) fn hold(&self, device: &AttachedDevice) -> Result<(), Vec<NodeHolder>> {
        match device.kind {
            DeviceKind::Usb | DeviceKind::Hid => usb_node(&device.port).map_or(Ok(()), |node| self.hold_node(&node)),
            DeviceKind::Serial => Ok(()),
        }
    }

    fn hold_node(&self, node: &Path) -> Result<(), Vec<NodeHolder>> {
        let mut held = self.held.borrow_mut();
        // A device that comes anew has another node.
        held.retain(|path, _| path.exists());
        if held.contains_key(node) {
            return Ok(());
        }
        let Ok(file) = File::options().read(true).write(true).open(node) else { return Ok(()) };
        match file.try_lock() {
            Ok(()) => drop(held.insert(node.to_owned(), file)),
            Err(TryLockError::WouldBlock) => {
                drop(file);
                return Err(describe(node).map(|node| node.holders).unwrap_or_default());
            }
            Err(TryLockError::Error(_)) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_node_is_held_by_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let node = std::fs::canonicalize(folder.path()).unwrap().join("004");
        File::create(&node).unwrap();
        let (one, other) = (NodeLocks::default(), NodeLocks::default());
        assert_eq!(one.hold_node(&node), Ok(()));
        assert_eq!(one.hold_node(&node), Ok(()), "its own");
        // The holder is this very process, which is not told as another one.
        assert_eq!(other.hold_node(&node), Err(Vec::new()));
        drop(one);
        // A process that another test is starting at this moment has the file open until it becomes another program.
        let deadline = Instant::now() + Duration::from_secs(20);
        while other.hold_node(&node).is_err() {
            assert!(Instant::now() < deadline, "let go by whoever held it");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_node_that_has_gone_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let node = folder.path().join("004");
        File::create(&node).unwrap();
        let (one, other) = (NodeLocks::default(), NodeLocks::default());
        one.hold_node(&node).unwrap();
        std::fs::remove_file(&node).unwrap();
        assert_eq!(one.hold_node(&node), Ok(()), "nothing to be held");
        File::create(&node).unwrap();
        assert_eq!(other.hold_node(&node), Ok(()));
    }
}
