//! What a host sees of a device in DFU mode: its descriptors and its answers.

use crate::words::UsbId;

/// How a DFU request ended, as the host sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// The request was stalled (a broken pipe).
    Stalled,
    /// The first status after the request shows this DFU error.
    Refused(u8),
    /// Accepted as busy; the status afterwards shows this DFU error.
    NotExecuted(u8),
    /// The device left before it took the request.
    Gone,
    /// The device took the request and left before it answered.
    StatusLost,
    /// Busy for ever.
    Busy,
}

/// A device in DFU mode, as its descriptors show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DfuDevice {
    pub id: UsbId,
    /// Address on the bus, new at each enumeration.
    pub devnum: u32,
    pub path: String,
    /// bcdDevice.
    pub version: u16,
    pub serial: String,
    /// Names of the alt settings, by number.
    pub alt_names: Vec<String>,
    /// bcdDFU: 0x011a for DfuSe.
    pub dfu_version: u16,
    pub transfer_bytes: u32,
    pub openable: bool,
    /// A device that still enumerates cannot tell its names.
    pub strings_readable: bool,
}
