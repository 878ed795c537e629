//! Devices in DFU mode: an STM32's ROM after ST's AN3156, and a board's own bootloader after DFU 1.1.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::chip::{Chip, DFUSE, Identity, State};

/// The flash of a simulated chip: pages of equal size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlashShape {
    pub(crate) start: u32,
    pub(crate) page_bytes: u32,
    pub(crate) pages: u32,
}

/// STM32H7 with 2 MiB.
pub(crate) const FLASH_H7: FlashShape = FlashShape { start: 0x0800_0000, page_bytes: 128 * 1024, pages: 16 };

/// What goes wrong: once, or for good where it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// For good: its descriptions cannot be read, as with a device that still enumerates.
    StringsUnreadable,
    /// So many of the first requests for its descriptions come too early.
    StringsLate(u32),
    AlternateRefused,
    /// Whoever wrote last was ended half-way: the chip waits for more data.
    LeftHalfWay,
    /// For good: no page can be erased and nothing be read.
    ReadProtected,
    /// For good: erasing is stalled.
    EraseStalls,
    /// For good: the first status after an erase tells an error.
    EraseError,
    /// An erase never ends: dfuDNBUSY for ever.
    BusyForEver,
    /// The same, and the host is to ask again without a pause.
    BusyWithoutPause,
    /// The device leaves the bus when this data block is sent, counted from 0.
    VanishAtBlock(u32),
    /// It leaves between this data block and its status.
    StatusLostAtBlock(u32),
    WriteErrorAtBlock(u32),
    /// One byte of this data block is not what was sent, and nothing tells.
    WrongCellInBlock(u32),
    /// For good: this alt setting of a board's own bootloader takes nothing.
    ReadOnlyAlternate(u32),
    /// The abort that follows a download is stalled.
    AbortRefused,
    /// Asked to leave, the device does so before it answers.
    LeaveStatusLost,
    GoneAtReset,
    /// A board's own bootloader restarts before it has confirmed a download.
    RestartsInManifest,
    /// For good: it never confirms it.
    ManifestForEver,
}

impl Fault {
    pub(super) fn lasts(self) -> bool {
        use Fault::{EraseError, EraseStalls, ManifestForEver, ReadOnlyAlternate, ReadProtected, StringsUnreadable};
        matches!(
            self,
            StringsUnreadable | ReadProtected | EraseStalls | EraseError | ReadOnlyAlternate(_) | ManifestForEver
        )
    }
}

/// What has been done to a device so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Programs that hold the device node open now.
    pub(crate) connections: u32,
    pub(crate) erased_pages: u32,
    pub(crate) written_blocks: u32,
    pub(crate) read_blocks: u32,
    /// Readings that the host has brought to their end.
    pub(crate) uploads_finished: u32,
    /// Answers "still busy".
    pub(crate) busy_answers: u32,
}

/// A device; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    inner: Arc<(Mutex<Chip>, Condvar)>,
}

/// What its descriptors and the files below `/sys` say.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) id: (u16, u16),
    /// bcdDevice.
    pub(crate) version: u16,
    pub(crate) manufacturer: String,
    pub(crate) product: String,
    pub(crate) serial: String,
    /// Name of the alt setting that is chosen: the first.
    pub(crate) interface: Option<String>,
    pub(crate) descriptors: Vec<u8>,
}

/// The eight bytes in front of a control transfer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) kind: u8,
    pub(crate) request: u8,
    pub(crate) value: u16,
    pub(crate) length: u16,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Data(Vec<u8>),
    Taken,
    Stall,
    Gone,
}

impl Device {
    /// The ROM of an STM32 whose flash holds garbage.
    pub(crate) fn st_rom(serial: &str, shape: FlashShape, transfer_bytes: u16) -> Self {
        let FlashShape { start, page_bytes, pages } = shape;
        let identity = Identity {
            id: (0x0483, 0xdf11),
            version: 0x2200,
            dfu_version: DFUSE,
            manufacturer: "STMicroelectronics",
            product: "STM32  BOOTLOADER",
            serial: serial.to_owned(),
        };
        let alt_names = vec![
            format!("@Internal Flash  /0x{start:08X}/{pages:02}*{:03}Kg", page_bytes / 1024),
            "@Option Bytes  /0x1FFF0000/01*032 e".to_owned(),
            "@OTP Memory /0x1FF0F000/01*01Ka".to_owned(),
            "@Device Feature/0xFFFF0000/01*004 e".to_owned(),
        ];
        Device::new(identity, alt_names, shape, transfer_bytes)
    }

    /// A board's own bootloader: no addresses, one alt setting for each partition.
    pub(crate) fn plain_dfu(id: (u16, u16), serial: &str, alt_names: &[&str]) -> Self {
        let identity = Identity {
            id,
            version: 0x0102,
            dfu_version: 0x0110,
            manufacturer: "OpenMV",
            product: "OpenMV Bootloader",
            serial: serial.to_owned(),
        };
        let shape = FlashShape { start: 0, page_bytes: 4096, pages: 16 };
        Device::new(identity, alt_names.iter().map(|name| (*name).to_owned()).collect(), shape, 4096)
    }

    fn new(identity: Identity, alt_names: Vec<String>, shape: FlashShape, transfer_bytes: u16) -> Self {
        let chip = Chip {
            identity,
            transfer_bytes,
            alt_names,
            shape,
            flash: vec![0xa5; (shape.page_bytes * shape.pages) as usize],
            faults: Vec::new(),
            counts: Counts::default(),
            cut_off: true,
            state: State::Idle,
            status: 0,
            pointer: shape.start,
            partition_bytes: 0,
            pending: None,
        };
        Device { inner: Arc::new((Mutex::new(chip), Condvar::new())) }
    }

    pub(crate) fn with_fault(self, fault: Fault) -> Self {
        self.change(|chip| chip.faults.push(fault));
        self
    }

    /// The first bytes of the flash.
    pub(crate) fn flash(&self, length: usize) -> Vec<u8> {
        self.chip().flash[..length].to_vec()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.chip().counts
    }

    /// Waits until the counts are as wanted; false when that takes longer than `limit`.
    pub(crate) fn wait_until(&self, limit: Duration, wanted: impl Fn(&Counts) -> bool) -> bool {
        let (_, changed) = &*self.inner;
        let waited = changed.wait_timeout_while(self.chip(), limit, |chip| !wanted(&chip.counts));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(crate) fn description(&self) -> Description {
        let chip = self.chip();
        let identity = chip.identity.clone();
        Description {
            id: identity.id,
            version: identity.version,
            manufacturer: identity.manufacturer.to_owned(),
            product: identity.product.to_owned(),
            serial: identity.serial,
            interface: chip.alt_names.first().cloned(),
            descriptors: chip.descriptors(),
        }
    }

    pub(crate) fn power_up(&self) {
        self.change(Chip::power_up);
    }

    pub(crate) fn cut_off(&self) {
        self.change(|chip| chip.cut_off = true);
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.chip().cut_off
    }

    pub(crate) fn connection_opened(&self) {
        self.change(|chip| chip.counts.connections += 1);
    }

    pub(crate) fn connection_closed(&self) {
        self.change(|chip| chip.counts.connections -= 1);
    }

    pub(crate) fn set_alternate(&self) -> Answer {
        self.change(Chip::set_alternate)
    }

    pub(crate) fn reset(&self) -> Answer {
        self.change(Chip::reset)
    }

    pub(crate) fn control(&self, alt: u32, setup: Setup, data: &[u8]) -> Answer {
        self.change(|chip| chip.control(alt, setup, data))
    }

    fn chip(&self) -> MutexGuard<'_, Chip> {
        self.inner.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Chip) -> T) -> T {
        let result = change(&mut self.chip());
        self.inner.1.notify_all();
        result
    }
}

impl Setup {
    pub(crate) fn read(bytes: &[u8; 8]) -> Self {
        let [kind, request, value_low, value_high, _, _, length_low, length_high] = *bytes;
        let value = u16::from_le_bytes([value_low, value_high]);
        Setup { kind, request, value, length: u16::from_le_bytes([length_low, length_high]) }
    }
}
