//! Access to devices on systems without device nodes: only a tool's own attempt shows it.

use super::Attachment;
use crate::world::Access;

pub(super) fn subsystem_missing() -> Option<String> {
    None
}

/// On Windows the instance of the hub that the device is at, and the port of it.
pub(super) fn hub_of(device: &nusb::DeviceInfo) -> Option<(String, u32)> {
    #[cfg(windows)]
    return Some((device.parent_instance_id().to_string_lossy().into_owned(), device.port_number()));
    #[cfg(not(windows))]
    {
        let _numbered_as_elsewhere = device;
        None
    }
}

pub(super) fn may_open_usb(_device: &Attachment) -> Option<Access> {
    Some(Access::Unknown)
}

pub(super) fn may_open_hid(_device: &Attachment) -> Option<Access> {
    Some(Access::Unknown)
}
