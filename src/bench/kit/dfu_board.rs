//! What a host sees of a board over DFU: its devices in DFU mode, and how they answer requests.

use std::fmt::Debug;

use crate::bench::kit::watched::Boundary;
use crate::words::UsbId;

/// A board that answers DFU requests, and the clock that moves on while it does.
///
/// The addressed requests are those of ST's extension (AN3156); a board that speaks plain DFU alone stalls them.
pub trait DfuBoard: Debug {
    fn now_ms(&self) -> u64;

    fn spend(&mut self, time_ms: u64);

    /// Will the bus change by itself?
    fn changes_later(&self) -> bool;

    /// Every device in DFU mode, the board itself first.
    fn dfu_devices(&self) -> Vec<DfuDevice>;

    /// A tool has looked at the descriptions.
    fn probed(&mut self) {}

    fn set_alternate(&mut self) -> Answer;

    /// The DFU state and status numbers.
    fn state(&self) -> (u8, u8);

    fn clear(&mut self);

    /// One block for a partition of the board's own bootloader.
    fn write_partition(&mut self, alt: u8, block: &[u8], share: Share) -> Answer;

    /// The empty block that ends a download to the board's own bootloader.
    fn finish_partition(&mut self) -> Answer;

    /// What was given to one partition of the board's own bootloader.
    fn read_partition(&self, alt: u8) -> Vec<u8>;

    /// DETACH and a USB reset.
    fn reset(&mut self) -> Answer;

    /// The board is at a boundary now.
    fn passes(&self, boundary: Boundary);

    /// Erases the page at `address` of the board on `path`.
    fn erase(&mut self, _path: &str, _address: u64) -> Answer {
        Answer::Stalled
    }

    fn mass_erase(&mut self, _path: &str) -> Answer {
        Answer::Stalled
    }

    /// Programs one block.
    fn write(&mut self, _path: &str, _address: u64, _block: &[u8], _share: Share) -> Answer {
        Answer::Stalled
    }

    /// Nothing when the request is stalled.
    fn read(&mut self, _path: &str, _address: u64, _length: u64) -> Option<Vec<u8>> {
        None
    }

    /// ABORT: back to idle. After a download it is the sign that the tool has sent everything.
    fn abort(&mut self) -> Answer {
        Answer::Stalled
    }

    /// The tool's last data block has been confirmed.
    fn download_complete(&mut self, _path: &str) {}

    /// An empty download: start the program in flash.
    fn leave(&mut self) -> Answer {
        Answer::Stalled
    }
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

/// How far a download has come; it decides when the mishaps of its middle happen.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    pub offset: u64,
    pub total: u64,
}
