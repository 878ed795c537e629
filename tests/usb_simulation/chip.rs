//! A chip in DFU mode: the state machine of DFU 1.1, with the commands of ST's AN3156 where it speaks DfuSe.

use super::device::{Answer, Counts, Fault, FlashShape, Setup};

#[derive(Debug)]
pub(super) struct Chip {
    pub(super) identity: Identity,
    pub(super) transfer_bytes: u16,
    pub(super) alt_names: Vec<String>,
    pub(super) shape: FlashShape,
    pub(super) flash: Vec<u8>,
    pub(super) faults: Vec<Fault>,
    pub(super) counts: Counts,
    pub(super) cut_off: bool,
    pub(super) state: State,
    pub(super) status: u8,
    pub(super) pointer: u32,
    /// How much was written to the alt setting of a board's own bootloader; the simulation has one memory for all.
    pub(super) partition_bytes: usize,
    /// What the next status request carries out.
    pub(super) pending: Option<Pending>,
}

#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) id: (u16, u16),
    pub(super) version: u16,
    pub(super) dfu_version: u16,
    pub(super) manufacturer: &'static str,
    pub(super) product: &'static str,
    pub(super) serial: String,
}

/// States of DFU 1.1, with their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
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
pub(super) enum Pending {
    SetPointer(u32),
    ErasePage(u32),
    Write(u32, Vec<u8>),
    Refuse(u8),
    /// Nothing ever comes of it; the host is told to ask again after so long.
    Never {
        poll_ms: u32,
    },
}

pub(super) const DFUSE: u16 = 0x011a;
const STATUS_WRITE: u8 = 3;
const STATUS_ERASE: u8 = 4;
/// What AN3156 has the ROM answer while the flash is protected against reading.
const STATUS_VENDOR: u8 = 11;
const STATUS_STALLED: u8 = 15;
/// How soon the host is to ask again while nothing is ready.
const BUSY_POLL_MS: u32 = 50;

impl Chip {
    /// A fresh start.
    pub(super) fn power_up(&mut self) {
        (self.cut_off, self.status, self.pending) = (false, 0, None);
        self.state = if self.strikes(Fault::LeftHalfWay) { State::DownloadIdle } else { State::Idle };
        self.pointer = self.shape.start;
    }

    pub(super) fn set_alternate(&mut self) -> Answer {
        if self.strikes(Fault::AlternateRefused) { Answer::Stall } else { Answer::Taken }
    }

    pub(super) fn reset(&mut self) -> Answer {
        if self.strikes(Fault::GoneAtReset) { self.leave_the_bus() } else { Answer::Taken }
    }

    pub(super) fn control(&mut self, alt: u32, setup: Setup, data: &[u8]) -> Answer {
        if self.cut_off {
            return Answer::Gone;
        }
        match (setup.kind, setup.request) {
            (0x80, 6) if self.strikes(Fault::StringsUnreadable) => Answer::Stall,
            (0x80, 6) if self.is_too_early() => Answer::Stall,
            (0x80, 6) => self.string(setup.value),
            (0x21, 1) => self.download(alt, setup.value, data),
            (0xa1, 2) => self.upload(setup),
            (0xa1, 3) => self.get_status(),
            (0x21, 4) => self.become_idle(),
            (0xa1, 5) => Answer::Data(vec![self.state as u8]),
            (0x21, 6) if self.counts.written_blocks > 0 && self.strikes(Fault::AbortRefused) => {
                self.stall(STATUS_STALLED)
            }
            (0x21, 6) => {
                self.counts.uploads_finished += u32::from(self.state == State::UploadIdle);
                self.become_idle()
            }
            (0x21, 0) => Answer::Taken,
            _ => Answer::Stall,
        }
    }

    fn become_idle(&mut self) -> Answer {
        (self.state, self.status, self.pending) = (State::Idle, 0, None);
        Answer::Taken
    }

    fn stall(&mut self, status: u8) -> Answer {
        (self.state, self.status) = (State::Error, status);
        Answer::Stall
    }

    fn leave_the_bus(&mut self) -> Answer {
        self.cut_off = true;
        Answer::Gone
    }

    fn is_dfuse(&self) -> bool {
        self.identity.dfu_version == DFUSE
    }

    fn download(&mut self, alt: u32, block: u16, data: &[u8]) -> Answer {
        if !matches!(self.state, State::Idle | State::DownloadIdle) {
            return self.stall(STATUS_STALLED);
        }
        if data.is_empty() {
            self.state = State::ManifestSync;
            return Answer::Taken;
        }
        let pending = match (self.is_dfuse(), block, data) {
            (true, 0, [0x21, address @ ..]) => Pending::SetPointer(little_endian(address)),
            (true, 0, [0x41, _, ..]) => Pending::ErasePage(little_endian(&data[1..])),
            (true, 0 | 1, _) => Pending::Refuse(STATUS_STALLED),
            (true, ..) => {
                let ahead = u32::from(block - 2) * u32::from(self.transfer_bytes);
                Pending::Write(self.pointer + ahead - self.shape.start, data.to_vec())
            }
            (false, ..) => Pending::Write(u32::from(block) * u32::from(self.transfer_bytes), data.to_vec()),
        };
        let block_number = self.counts.written_blocks;
        match &pending {
            Pending::Write(..) if self.strikes(Fault::VanishAtBlock(block_number)) => return self.leave_the_bus(),
            Pending::ErasePage(_) if self.strikes(Fault::EraseStalls) => return self.stall(STATUS_STALLED),
            _ => {}
        }
        let read_only = matches!(pending, Pending::Write(..)) && self.strikes(Fault::ReadOnlyAlternate(alt));
        self.pending = Some(if read_only { Pending::Refuse(STATUS_WRITE) } else { pending });
        self.state = State::DownloadSync;
        Answer::Taken
    }

    /// Does this go wrong now? What does so only once is over then.
    fn strikes(&mut self, fault: Fault) -> bool {
        let known = self.faults.contains(&fault);
        self.faults.retain(|other| *other != fault || other.lasts());
        known
    }

    /// Uses up one of the requests that come too early.
    fn is_too_early(&mut self) -> bool {
        let late = self.faults.iter_mut().find_map(|fault| match fault {
            Fault::StringsLate(left) if *left > 0 => Some(left),
            _ => None,
        });
        late.map(|left| *left -= 1).is_some()
    }

    fn get_status(&mut self) -> Answer {
        let state = self.state;
        match state {
            State::DownloadSync => return self.status_of_download(),
            State::DownloadBusy => {
                if let Some(Pending::Never { poll_ms }) = self.pending {
                    self.counts.busy_answers += 1;
                    return self.report(poll_ms);
                }
                self.state = if self.status == 0 { State::DownloadIdle } else { State::Error };
            }
            State::ManifestSync if self.is_dfuse() => {
                if self.strikes(Fault::LeaveStatusLost) {
                    return self.leave_the_bus();
                }
                // It has answered, and starts what stands in its flash.
                (self.state, self.cut_off) = (State::Manifest, true);
            }
            State::ManifestSync if self.has(Fault::RestartsInManifest) || self.has(Fault::ManifestForEver) => {
                self.state = State::Manifest;
            }
            State::ManifestSync => self.state = State::Idle,
            State::Manifest if self.strikes(Fault::RestartsInManifest) => return self.leave_the_bus(),
            State::Manifest => self.counts.busy_answers += 1,
            State::Idle | State::DownloadIdle | State::UploadIdle | State::Error => {}
        }
        self.report(0)
    }

    /// The first status after a command or a block of data.
    fn status_of_download(&mut self) -> Answer {
        let block_number = self.counts.written_blocks;
        match self.pending.take() {
            Some(Pending::Write(..)) if self.strikes(Fault::StatusLostAtBlock(block_number)) => self.leave_the_bus(),
            Some(Pending::Write(..)) if self.strikes(Fault::WriteErrorAtBlock(block_number)) => {
                (self.state, self.status) = (State::Error, STATUS_WRITE);
                self.report(0)
            }
            Some(Pending::ErasePage(_)) if self.strikes(Fault::EraseError) => {
                (self.state, self.status) = (State::Error, STATUS_VENDOR);
                self.report(0)
            }
            Some(pending) if self.is_dfuse() => {
                self.state = State::DownloadBusy;
                self.begin(pending);
                self.report(1)
            }
            pending => {
                pending.into_iter().for_each(|pending| self.carry_out(pending));
                self.state = if self.status == 0 { State::DownloadIdle } else { State::Error };
                self.report(0)
            }
        }
    }

    /// `poll_ms` is how long the host is to wait before it asks again.
    fn report(&self, poll_ms: u32) -> Answer {
        let [poll_low, poll_middle, poll_high, _] = poll_ms.to_le_bytes();
        Answer::Data(vec![self.status, poll_low, poll_middle, poll_high, self.state as u8, 0])
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// What the ROM answers with "busy" first, whether anything comes of it or not.
    fn begin(&mut self, pending: Pending) {
        let erases = matches!(pending, Pending::ErasePage(_));
        if erases && self.strikes(Fault::BusyForEver) {
            self.pending = Some(Pending::Never { poll_ms: BUSY_POLL_MS });
        } else if erases && self.strikes(Fault::BusyWithoutPause) {
            self.pending = Some(Pending::Never { poll_ms: 0 });
        } else if erases && self.strikes(Fault::ReadProtected) {
            self.status = STATUS_VENDOR;
        } else {
            self.carry_out(pending);
        }
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
                let mut data = data;
                let block_number = self.counts.written_blocks;
                if self.strikes(Fault::WrongCellInBlock(block_number)) {
                    data[0] ^= 0x10;
                }
                match self.flash.get_mut(from..from + data.len()) {
                    Some(cells) if !needs_erase || cells.iter().all(|cell| *cell == 0xff) => {
                        cells.copy_from_slice(&data);
                        self.partition_bytes = from + data.len();
                        self.counts.written_blocks += 1;
                    }
                    _ => self.status = STATUS_WRITE,
                }
            }
            Pending::Refuse(status) => self.status = status,
            Pending::Never { .. } => {}
        }
    }

    fn upload(&mut self, setup: Setup) -> Answer {
        if !matches!(self.state, State::Idle | State::UploadIdle) || (self.is_dfuse() && setup.value < 2) {
            return self.stall(STATUS_STALLED);
        }
        if self.strikes(Fault::ReadProtected) {
            return self.stall(STATUS_VENDOR);
        }
        let first_block = if self.is_dfuse() { 2 } else { 0 };
        let ahead = usize::from(setup.value - first_block) * usize::from(self.transfer_bytes);
        let from = (self.pointer - self.shape.start) as usize + ahead;
        // Of a partition only what was last written to it is told.
        let end = if self.is_dfuse() { self.flash.len() } else { self.partition_bytes };
        let to = (from + usize::from(setup.length)).min(end);
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
    pub(super) fn descriptors(&self) -> Vec<u8> {
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
