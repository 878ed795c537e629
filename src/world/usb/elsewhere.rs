//! Access to devices on systems without device nodes: only a tool's own attempt shows it.

use super::Attachment;
use crate::world::Access;

pub(super) fn subsystem_missing() -> Option<String> {
    None
}

pub(super) fn may_open_usb(_device: &Attachment) -> Option<Access> {
    Some(Access::Unknown)
}

pub(super) fn may_open_hid(_device: &Attachment) -> Option<Access> {
    Some(Access::Unknown)
}
