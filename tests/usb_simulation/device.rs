//! Devices in DFU mode: an STM32's ROM after ST's AN3156, and a board's own bootloader after DFU 1.1.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The flash of a simulated chip: pages of equal size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlashShape {
    pub(crate) start: u32,
    pub(crate) page_bytes: u32,
    pub(crate) pages: u32,
}

/// STM32H7 with 2 MiB.
pub(crate) const FLASH_H7: FlashShape = FlashShape { start: 0x0800_0000, page_bytes: 128 * 1024, pages: 16 };

/// What goes wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The device leaves the bus when this data block is sent, counted from 0.
    VanishAtBlock(u32),
    /// An erase never ends: dfuDNBUSY for ever.
    BusyForEver,
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

#[derive(Debug)]
struct Chip {
    identity: Identity,
    transfer_bytes: u16,
    alt_names: Vec<String>,
    shape: FlashShape,
    flash: Vec<u8>,
    faults: Vec<Fault>,
    counts: Counts,
    cut_off: bool,
    state: State,
    status: u8,
    pointer: u32,
    /// What the next status request carries out.
    pending: Option<Pending>,
}

#[derive(Debug, Clone)]
struct Identity {
    id: (u16, u16),
    version: u16,
    dfu_version: u16,
    manufacturer: &'static str,
    product: &'static str,
    serial: String,
}

/// States of DFU 1.1, with their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle = 2,
    DownloadSync = 3,
    DownloadBusy = 4,
    DownloadIdle = 5,
    ManifestSync = 6,
    Manifest = 7,
    UploadIdle = 9,
    Error = 10,
}

#[derive(Debug)]
enum Pending {
    SetPointer(u32),
    ErasePage(u32),
    Write(u32, Vec<u8>),
    /// Nothing ever comes of it.
    Never,
}

const DFUSE: u16 = 0x011a;
const STATUS_WRITE: u8 = 3;
const STATUS_ERASE: u8 = 4;
const STATUS_STALLED: u8 = 15;

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
            descriptors: chip.descriptors(),
        }
    }

    pub(crate) fn power_up(&self) {
        self.change(|chip| {
            (chip.cut_off, chip.state, chip.status, chip.pending) = (false, State::Idle, 0, None);
            chip.pointer = chip.shape.start;
        });
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

impl Chip {
    fn control(&mut self, _alt: u32, setup: Setup, data: &[u8]) -> Answer {
        if self.cut_off {
            return Answer::Gone;
        }
        match (setup.kind, setup.request) {
            (0x80, 6) => self.string(setup.value),
            (0x21, 1) => self.download(setup.value, data),
            (0xa1, 2) => self.upload(setup),
            (0xa1, 3) => self.get_status(),
            (0x21, 4) => self.to_idle(),
            (0xa1, 5) => Answer::Data(vec![self.state as u8]),
            (0x21, 6) => {
                self.counts.uploads_finished += u32::from(self.state == State::UploadIdle);
                self.to_idle()
            }
            (0x21, 0) => Answer::Taken,
            _ => Answer::Stall,
        }
    }

    fn to_idle(&mut self) -> Answer {
        (self.state, self.status, self.pending) = (State::Idle, 0, None);
        Answer::Taken
    }

    fn is_dfuse(&self) -> bool {
        self.identity.dfu_version == DFUSE
    }

    fn download(&mut self, block: u16, data: &[u8]) -> Answer {
        if !matches!(self.state, State::Idle | State::DownloadIdle) {
            (self.state, self.status) = (State::Error, STATUS_STALLED);
            return Answer::Stall;
        }
        if data.is_empty() {
            self.state = State::ManifestSync;
            return Answer::Taken;
        }
        let pending = match (self.is_dfuse(), block, data) {
            (true, 0, [0x21, address @ ..]) => Pending::SetPointer(little_endian(address)),
            (true, 0, [0x41, _, ..]) => Pending::ErasePage(little_endian(&data[1..])),
            (true, 0 | 1, _) => Pending::Never,
            (true, ..) => {
                let ahead = u32::from(block - 2) * u32::from(self.transfer_bytes);
                Pending::Write(self.pointer + ahead - self.shape.start, data.to_vec())
            }
            (false, ..) => Pending::Write(u32::from(block) * u32::from(self.transfer_bytes), data.to_vec()),
        };
        let block_number = self.counts.written_blocks;
        if matches!(pending, Pending::Write(..)) && self.strikes(Fault::VanishAtBlock(block_number)) {
            self.cut_off = true;
            return Answer::Gone;
        }
        self.pending = Some(pending);
        self.state = State::DownloadSync;
        Answer::Taken
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        let before = self.faults.len();
        self.faults.retain(|known| *known != fault);
        self.faults.len() < before
    }

    fn get_status(&mut self) -> Answer {
        const BUSY_POLL_MS: u32 = 50;
        let mut poll_ms = 0;
        match self.state {
            State::DownloadSync => match self.pending.take() {
                Some(pending) if self.is_dfuse() => {
                    self.state = State::DownloadBusy;
                    poll_ms = 1;
                    if matches!(pending, Pending::ErasePage(_)) && self.strikes(Fault::BusyForEver) {
                        self.pending = Some(Pending::Never);
                    } else {
                        self.carry_out(pending);
                    }
                }
                pending => {
                    self.state = State::DownloadIdle;
                    pending.into_iter().for_each(|pending| self.carry_out(pending));
                }
            },
            State::DownloadBusy if self.pending.is_some() => {
                self.counts.busy_answers += 1;
                poll_ms = BUSY_POLL_MS;
            }
            State::DownloadBusy => {
                self.state = if self.status == 0 { State::DownloadIdle } else { State::Error };
            }
            State::ManifestSync if self.is_dfuse() => self.state = State::Manifest,
            State::ManifestSync => self.state = State::Idle,
            _ => {}
        }
        let [poll_low, poll_middle, poll_high, _] = poll_ms.to_le_bytes();
        Answer::Data(vec![self.status, poll_low, poll_middle, poll_high, self.state as u8, 0])
    }

    fn carry_out(&mut self, pending: Pending) {
        match pending {
            Pending::SetPointer(address) => self.pointer = address,
            Pending::ErasePage(address) => {
                let page_bytes = self.shape.page_bytes as usize;
                let page = address.wrapping_sub(self.shape.start) as usize / page_bytes;
                match self.flash.chunks_mut(page_bytes).nth(page) {
                    Some(cells) => {
                        cells.fill(0xff);
                        self.counts.erased_pages += 1;
                    }
                    None => self.status = STATUS_ERASE,
                }
            }
            Pending::Write(offset, data) => {
                let (from, needs_erase) = (offset as usize, self.is_dfuse());
                match self.flash.get_mut(from..from + data.len()) {
                    Some(cells) if !needs_erase || cells.iter().all(|cell| *cell == 0xff) => {
                        cells.copy_from_slice(&data);
                        self.counts.written_blocks += 1;
                    }
                    _ => self.status = STATUS_WRITE,
                }
            }
            Pending::Never => self.status = STATUS_STALLED,
        }
    }

    fn upload(&mut self, setup: Setup) -> Answer {
        if !matches!(self.state, State::Idle | State::UploadIdle) || (self.is_dfuse() && setup.value < 2) {
            (self.state, self.status) = (State::Error, STATUS_STALLED);
            return Answer::Stall;
        }
        let first_block = if self.is_dfuse() { 2 } else { 0 };
        let ahead = usize::from(setup.value - first_block) * usize::from(self.transfer_bytes);
        let from = (self.pointer - self.shape.start) as usize + ahead;
        let to = (from + usize::from(setup.length)).min(self.flash.len());
        self.state = State::UploadIdle;
        self.counts.read_blocks += 1;
        Answer::Data(self.flash.get(from..to).unwrap_or_default().to_vec())
    }

    fn string(&self, value: u16) -> Answer {
        let [index, kind] = value.to_le_bytes();
        let text = match (kind, index) {
            (3, 0) => return Answer::Data(vec![4, 3, 0x09, 0x04]),
            (3, 1) => self.identity.manufacturer,
            (3, 2) => self.identity.product,
            (3, 3) => &self.identity.serial,
            (3, _) => match self.alt_names.get(usize::from(index) - 4) {
                Some(name) => name,
                None => return Answer::Stall,
            },
            _ => return Answer::Stall,
        };
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        Answer::Data([vec![units.len() as u8 + 2, 3], units].concat())
    }

    /// The device's descriptor and, behind it, its whole configuration.
    fn descriptors(&self) -> Vec<u8> {
        let ((vendor, product), version) = (self.identity.id, self.identity.version);
        let mut bytes = vec![0x12, 1, 0x00, 0x01, 0, 0, 0, 0x40];
        bytes.extend([vendor, product, version].map(u16::to_le_bytes).concat());
        bytes.extend([1, 2, 3, 1]);
        let total = 9 + 9 * self.alt_names.len() + 9;
        bytes.extend([9, 2]);
        bytes.extend((total as u16).to_le_bytes());
        bytes.extend([1, 1, 0, 0xc0, 0x32]);
        for alt in 0..self.alt_names.len() as u8 {
            bytes.extend([9, 4, 0, alt, 0, 0xfe, 1, 2, 4 + alt]);
        }
        let attributes = if self.is_dfuse() { 0x0b } else { 0x07 };
        bytes.extend([9, 0x21, attributes, 0xff, 0x00]);
        bytes.extend([self.transfer_bytes, self.identity.dfu_version].map(u16::to_le_bytes).concat());
        bytes
    }
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
