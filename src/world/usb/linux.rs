//! Access to devices on Linux, by opening their nodes for reading and writing as the tools do.
//!
//! A node that is not there counts as denied: it has not been made yet, or a container was not given it. How long to wait
//! for udev to make a node and set its mode is for the engine.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use super::Attachment;
use crate::world::Access;

pub(super) fn subsystem_missing() -> Option<String> {
    let missing = !Path::new("/sys/bus/usb").exists();
    missing.then(|| "this computer (or container) has no USB subsystem".to_owned())
}

/// Nothing where there is no node yet.
pub(super) fn may_open_usb(device: &Attachment) -> Option<Access> {
    open_node(Path::new(&format!("/dev/bus/usb/{}/{:03}", device.bus, device.address)))
}

/// Every HID interface has a node of its own in `/dev`, named as its folder in sysfs.
pub(super) fn may_open_hid(device: &Attachment) -> Option<Access> {
    let Ok(nodes) = fs::read_dir("/sys/class/hidraw") else {
        return Some(Access::Unknown);
    };
    let mut of_same_id = Vec::new();
    for node in nodes.flatten() {
        let folder = node.path().join("device");
        let Ok(uevent) = fs::read_to_string(folder.join("uevent")) else { continue };
        if !has_hid_id(&uevent, device) {
            continue;
        }
        // The folder is a link to `…/1-2.3/1-2.3:1.0/0003:1FC9:0135.0001`, which holds the port.
        let path = fs::canonicalize(&folder).ok();
        let on_port = path.map(|path| path.iter().any(|part| part == device.port.as_str()));
        of_same_id.push((on_port, Path::new("/dev").join(node.file_name())));
    }
    node_of(&of_same_id).and_then(|node| open_node(node))
}

/// The device's own among the nodes of its id, each with whether it is on the device's port, where that is known. Where
/// nothing is known of any, the first has to do; else that of another board says nothing of this one.
fn node_of(of_same_id: &[(Option<bool>, PathBuf)]) -> Option<&PathBuf> {
    let nothing_known = of_same_id.iter().all(|(on_port, _)| on_port.is_none());
    let own = of_same_id.iter().find(|(on_port, _)| *on_port == Some(true) || nothing_known);
    own.map(|(_, node)| node)
}

/// `HID_ID=0003:00001FC9:00000135`: bus (3 is USB), vendor and product.
fn has_hid_id(uevent: &str, device: &Attachment) -> bool {
    let wanted = format!("HID_ID=0003:{:08X}:{:08X}", device.id.vendor, device.id.product);
    uevent.lines().any(|line| line.eq_ignore_ascii_case(&wanted))
}

fn open_node(node: &Path) -> Option<Access> {
    if !node.exists() {
        return None;
    }
    match OpenOptions::new().read(true).write(true).open(node) {
        Ok(_) => Some(Access::Permitted),
        Err(_) => Some(Access::Denied),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::UsbId;

    #[test]
    fn knows_its_hid_node() {
        let id = UsbId { vendor: 0x1fc9, product: 0x0135 };
        let device = Attachment { id, port: "1-1".to_owned(), bus: "001".to_owned(), address: 5 };
        assert!(has_hid_id("DRIVER=hid-generic\nHID_ID=0003:00001FC9:00000135\nHID_NAME=x\n", &device));
        assert!(!has_hid_id("HID_ID=0003:000015A2:00000073\n", &device));
        assert!(!has_hid_id("HID_ID=0005:00001FC9:00000135\n", &device));
    }

    /// One that has no node yet must not be taken for permitted by that of another board.
    #[test]
    fn the_node_of_another_board_is_not_its_own() {
        let nodes = |on_port: [Option<bool>; 2]| {
            let all = [(on_port[0], PathBuf::from("/dev/hidraw0")), (on_port[1], PathBuf::from("/dev/hidraw1"))];
            node_of(&all).cloned()
        };
        assert_eq!(nodes([Some(false), Some(true)]), Some("/dev/hidraw1".into()));
        assert_eq!(nodes([Some(false), Some(false)]), None);
        assert_eq!(nodes([Some(false), None]), None);
        assert_eq!(nodes([None, None]), Some("/dev/hidraw0".into()));
        assert_eq!(node_of(&[]), None);
    }

    #[test]
    fn a_missing_node_is_told_from_one_that_is_denied() {
        assert_eq!(open_node(Path::new("/nowhere/at/all")), None);
        assert_eq!(open_node(Path::new("/dev/null")), Some(Access::Permitted));
    }
}
