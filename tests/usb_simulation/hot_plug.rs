//! Tells waiting programs that a device came or went, as udev's daemon does.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::tree::{BUS, MAJOR, Node};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Add,
    Remove,
}

/// udev's hashes of the words by which listeners filter.
const HASH_OF_USB: u32 = 0x0577_c5e5;
const HASH_OF_USB_DEVICE: u32 = 0x27f8_f50c;
const MAGIC: u32 = 0xfeed_cafe;
const HEADER_BYTES: u32 = 40;

/// Sends one message to every listener: each has bound a socket `event<number>` in the root.
pub(crate) fn announce(root: &Path, node: &Node, action: Action) {
    let message = message(node, action);
    let Ok(sender) = UnixDatagram::unbound() else { return };
    for path in listeners(root) {
        // A listener that has ended in the meantime is none.
        let _ = sender.send_to(&message, path);
    }
}

pub(crate) fn has_listener(root: &Path) -> bool {
    !listeners(root).is_empty()
}

fn listeners(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("event")).map(|entry| entry.path()).collect()
}

/// The message itself: the same that udev multicasts over netlink.
pub(super) fn message(node: &Node, action: Action) -> Vec<u8> {
    static SEQUENCE: AtomicU32 = AtomicU32::new(1);
    let action = if action == Action::Add { "add" } else { "remove" };
    let properties: String = [
        format!("ACTION={action}"),
        format!("DEVPATH=/{}", node.device_path()),
        "SUBSYSTEM=usb".to_owned(),
        format!("SEQNUM={}", SEQUENCE.fetch_add(1, Ordering::Relaxed)),
        "DEVTYPE=usb_device".to_owned(),
        format!("DEVNAME=/dev/{}", node.name()),
        format!("MAJOR={MAJOR}"),
        format!("MINOR={}", node.minor()),
        format!("BUSNUM={BUS:03}"),
        format!("DEVNUM={:03}", node.devnum),
    ]
    .map(|property| property + "\0")
    .concat();
    let mut message = b"libudev\0".to_vec();
    message.extend(MAGIC.to_be_bytes());
    message.extend(HEADER_BYTES.to_ne_bytes());
    message.extend(HEADER_BYTES.to_ne_bytes());
    message.extend((properties.len() as u32).to_ne_bytes());
    message.extend(HASH_OF_USB.to_be_bytes());
    message.extend(HASH_OF_USB_DEVICE.to_be_bytes());
    message.extend([0; 8]);
    message.extend(properties.as_bytes());
    message
}
