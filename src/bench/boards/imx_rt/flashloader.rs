//! What the flashloader understands: NXP's bootloader commands over HID, and the queue of answers between board and host.
//!
//! The queue matters: an answer that came too late stays in it, and the next tool takes it for the answer of its own
//! command. From then on every call reads the answer of the one before.

use std::io;

use super::settings::FUSE_WORDS;
use super::{ImxRt, Mishap, Phase};
use crate::bench::kit::image::noise;
use crate::bench::kit::memory::Memory;
use crate::bench::kit::watched::Boundary;
use crate::bench::{BenchClock, BoardModel, Region};
use crate::world::sha256_of_bytes;

pub(crate) const MAX_PACKET_BYTES: u32 = 1016;

const SUCCESS: u32 = 0;
const INVALID_ARGUMENT: u32 = 4;
const OUT_OF_RANGE: u32 = 10200;
const READ_FAILED: u32 = 10201;
const WRITE_FAILED: u32 = 10202;
const NOT_ERASED: u32 = 10203;
const NOT_CONFIGURED: u32 = 10205;
const MISALIGNED: u32 = 10206;
const UNKNOWN_PROPERTY: u32 = 10300;
const PROGRAM_FAIL: u32 = 20100;
const ERASE_SECTOR_FAIL: u32 = 20101;
const OTP_PROGRAM_FAIL: u32 = 20201;

const FLEXSPI_NOR: u64 = 9;
/// Option words with this upper nibble describe the flash.
const CONFIGURE_NIBBLE: u32 = 0xc;
const WRITE_CONFIGURATION_BLOCK: u32 = 0xf000_000f;
const CONFIGURATION_BLOCK_BYTES: usize = 512;
/// What such a flash programs at once.
const PAGE_BYTES: u64 = 256;
/// Bit 24 of the index asks for the word to be locked.
const FUSE_LOCK: u32 = 1 << 24;

/// Large sectors take longer, though not as long as many small ones; nothing depends on it.
const ERASE_STEP_BYTES: u64 = 0x1000;
const ERASE_MS_PER_STEP: u64 = 45;
const SLOW_ERASE_MS_PER_STEP: u64 = 69;
const WRITE_BYTES_PER_MS: u64 = 150;
const READ_BYTES_PER_MS: u64 = 400;

/// A command as it travels; the tag is its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    FlashEraseRegion { address: u64, length: u64 },
    ReadMemory { address: u64, length: u64 },
    WriteMemory { address: u64, length: u64 },
    FillMemory { address: u64, length: u64, pattern: u32 },
    GetProperty(u32),
    Reset,
    EfuseProgramOnce { index: u32, value: u32 },
    EfuseReadOnce(u32),
    ConfigureMemory { memory: u64, address: u64 },
}

impl Command {
    pub(crate) fn tag(self) -> u8 {
        match self {
            Command::FlashEraseRegion { .. } => 0x02,
            Command::ReadMemory { .. } => 0x03,
            Command::WriteMemory { .. } => 0x04,
            Command::FillMemory { .. } => 0x05,
            Command::GetProperty(_) => 0x07,
            Command::Reset => 0x0b,
            Command::EfuseProgramOnce { .. } => 0x0e,
            Command::EfuseReadOnce(_) => 0x0f,
            Command::ConfigureMemory { .. } => 0x11,
        }
    }

    /// Bytes of the report that carries the command, its 4 header bytes included.
    pub(crate) fn report_bytes(self) -> u32 {
        let parameters = match self {
            Command::Reset => 0,
            Command::GetProperty(_) | Command::EfuseReadOnce(_) | Command::ConfigureMemory { .. } => 2,
            Command::FlashEraseRegion { .. }
            | Command::ReadMemory { .. }
            | Command::WriteMemory { .. }
            | Command::FillMemory { .. }
            | Command::EfuseProgramOnce { .. } => 3,
        };
        4 + 4 + 4 * parameters
    }
}

/// The kinds of answers; the number is their tag on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum AnswerKind {
    Generic = 0xa0,
    ReadMemory = 0xa3,
    GetProperty = 0xa7,
    FuseRead = 0xaf,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Answer {
    pub(crate) kind: AnswerKind,
    /// Tag of the command that is answered; on the wire only generic answers carry it.
    pub(crate) of: u8,
    pub(crate) status: u32,
    /// Behind the status.
    pub(crate) words: Vec<u32>,
}

/// What the host sees after it has sent a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// The oldest unread answer, which need not belong to the command.
    Answered(Answer),
    /// Nothing came within the time limit.
    NoAnswer,
    /// The board vanished before it took the command.
    LostBefore,
    /// The board took the command and vanished before it answered.
    LostAfter,
}

/// How the data of a write-memory went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataPhase {
    Sent,
    /// Everything went out, but the board has asked to stop.
    Aborted,
    /// The board vanished after this many bytes.
    Lost {
        sent_bytes: u64,
    },
}

impl ImxRt {
    /// Sends one command and reads one answer, waiting for it for at most `limit_ms`.
    pub(crate) fn exchange(&mut self, command: Command, limit_ms: u64, clock: &mut BenchClock) -> Exchange {
        let lost_before = match command {
            Command::FlashEraseRegion { .. } => self.mishaps.happens(Mishap::LostBeforeErase),
            Command::Reset => self.mishaps.happens(Mishap::LostBeforeReset),
            _ => false,
        };
        if lost_before {
            self.drop_off(clock.now_ms());
            return Exchange::LostBefore;
        }
        let answer = self.execute(command, clock);
        if let Command::FlashEraseRegion { length, .. } = command
            && answer.status == SUCCESS
        {
            let takes_ms = self.erase_ms(length);
            clock.take(takes_ms.min(limit_ms));
            if takes_ms > limit_ms {
                // The host has given up by then; nobody reads the answer but who asks next.
                self.unread.push(answer);
                return Exchange::NoAnswer;
            }
        }
        match command {
            Command::FlashEraseRegion { .. } if self.mishaps.happens(Mishap::EraseNoAnswer) => {
                self.unread.push(answer);
                clock.take(limit_ms);
                return Exchange::NoAnswer;
            }
            Command::EfuseProgramOnce { .. } if self.mishaps.happens(Mishap::FuseNoAnswer) => {
                clock.take(limit_ms);
                return Exchange::NoAnswer;
            }
            Command::EfuseProgramOnce { .. } if self.mishaps.happens(Mishap::LostInFuse) => {
                self.drop_off(clock.now_ms());
                return Exchange::LostAfter;
            }
            Command::Reset => {
                // The answer that is read may be an old one; then the board is gone, and with it all that is unread.
                self.unread.push(answer);
                let read = self.unread.remove(0);
                self.restart(clock.now_ms());
                self.passes(Boundary::Request);
                if self.mishaps.happens(Mishap::ResetNoAnswer) {
                    clock.take(limit_ms);
                    return Exchange::NoAnswer;
                }
                return Exchange::Answered(read);
            }
            _ => self.unread.push(answer),
        }
        self.passes(Boundary::Request);
        let read = self.unread.remove(0);
        self.passes(Boundary::Request);
        Exchange::Answered(read)
    }

    /// Sends the data of the write-memory that was agreed to last. Its closing answer is then to be read.
    pub(crate) fn send_data(&mut self, data: &[u8], clock: &mut BenchClock) -> DataPhase {
        clock.take(data.len() as u64 / WRITE_BYTES_PER_MS);
        // Out of step the host may send data that the board never agreed to; the board drops it without a word.
        let Some((address, length)) = self.writing.take() else { return DataPhase::Sent };
        let data = &data[..data.len().min(usize::try_from(length).unwrap_or(usize::MAX))];
        let to_flash = self.nor.contains(address, length);
        let firmware_address = self.settings.firmware_address.unwrap_or(self.settings.boot_image);
        if address == firmware_address && self.mishaps.happens(Mishap::LostInFirmware) {
            return self.lose_in_data(address, data, clock);
        }
        if to_flash && self.mishaps.happens(Mishap::WriteAborted) {
            self.unread.push(generic(&Command::WriteMemory { address, length }, PROGRAM_FAIL));
            return DataPhase::Aborted;
        }
        let status = if to_flash { self.program(address, data) } else { self.write_ram(address, data) };
        if !(to_flash && self.mishaps.happens(Mishap::WriteNoAnswer)) {
            self.unread.push(generic(&Command::WriteMemory { address, length }, status));
        }
        self.passes(Boundary::Request);
        DataPhase::Sent
    }

    /// The closing answer of a write-memory, waiting for it for at most `limit_ms`.
    pub(crate) fn closing_answer(&mut self, limit_ms: u64, clock: &mut BenchClock) -> Exchange {
        if self.unread.is_empty() {
            clock.take(limit_ms);
            return Exchange::NoAnswer;
        }
        let read = self.unread.remove(0);
        self.passes(Boundary::Request);
        Exchange::Answered(read)
    }

    /// The data that follows the answer to a read-memory.
    pub(crate) fn read_data(&mut self, address: u64, length: u64, clock: &mut BenchClock) -> Result<Vec<u8>, u32> {
        clock.take(length / READ_BYTES_PER_MS);
        self.readable(address, length, clock.now_ms())?;
        let memory = self.memory(address, length).ok_or(OUT_OF_RANGE)?;
        memory.read(address, length).map_err(|_| READ_FAILED)
    }

    /// Both sides have read everything.
    pub(crate) fn back_in_step(&mut self) {
        self.unread.clear();
        self.passes(Boundary::Request);
    }

    fn execute(&mut self, command: Command, clock: &mut BenchClock) -> Answer {
        clock.take(2);
        self.writing = None;
        match command {
            Command::GetProperty(property) => match property {
                1 => answer(AnswerKind::GetProperty, &command, vec![self.settings.version_word]),
                11 => answer(AnswerKind::GetProperty, &command, vec![MAX_PACKET_BYTES]),
                _ => generic(&command, UNKNOWN_PROPERTY),
            },
            Command::EfuseReadOnce(index) if index < FUSE_WORDS => {
                let value = self.fuses.get(&index).copied().unwrap_or(0);
                answer(AnswerKind::FuseRead, &command, vec![4, value])
            }
            Command::EfuseReadOnce(_) => generic(&command, INVALID_ARGUMENT),
            Command::ReadMemory { address, length } => match self.readable(address, length, clock.now_ms()) {
                Ok(()) => answer(AnswerKind::ReadMemory, &command, vec![u32::try_from(length).unwrap_or(u32::MAX)]),
                Err(status) => generic(&command, status),
            },
            Command::Reset => generic(&command, SUCCESS),
            Command::FlashEraseRegion { address, length } => generic(&command, self.erase(address, length, clock)),
            Command::WriteMemory { address, length } => {
                generic(&command, self.agree_to_write(address, length, clock.now_ms()))
            }
            Command::FillMemory { address, length, pattern } => generic(&command, self.fill(address, length, pattern)),
            Command::EfuseProgramOnce { index, value } => generic(&command, self.burn(index, value)),
            Command::ConfigureMemory { memory, address } => generic(&command, self.configure(memory, address, clock)),
        }
    }

    fn flash_is_ready(&self, now_ms: u64) -> bool {
        self.nor_configured || self.phase(now_ms) == Phase::Resident
    }

    fn memory(&self, address: u64, length: u64) -> Option<&Memory> {
        self.ram.iter().chain([&self.nor]).find(|memory| memory.contains(address, length))
    }

    fn readable(&self, address: u64, length: u64, now_ms: u64) -> Result<(), u32> {
        if self.memory(address, length).is_none() {
            Err(OUT_OF_RANGE)
        } else if self.nor.contains(address, length) && !self.flash_is_ready(now_ms) {
            Err(NOT_CONFIGURED)
        } else {
            Ok(())
        }
    }

    /// Whole sectors: a length that ends within one erases all of it, as NXP's own tools rely on.
    fn erase(&mut self, address: u64, length: u64, clock: &mut BenchClock) -> u32 {
        let sector_bytes = self.settings.nor.sector_bytes;
        let length = length.next_multiple_of(sector_bytes);
        if !self.nor.contains(address, length) {
            return OUT_OF_RANGE;
        }
        if !self.flash_is_ready(clock.now_ms()) {
            return NOT_CONFIGURED;
        }
        if !address.is_multiple_of(sector_bytes) {
            return MISALIGNED;
        }
        if self.mishaps.happens(Mishap::EraseRefused) {
            return ERASE_SECTOR_FAIL;
        }
        self.changes += 1;
        let parts = self.watched.parts(2 * length / sector_bytes).max(1);
        for (number, part) in (0..parts).map(|number| (number, address + number * (length / parts))) {
            let erased = part..part + length / parts;
            self.bad_places.retain(|bad| !erased.contains(bad));
            self.torn.retain(|torn| !erased.contains(torn));
            self.cut_regions(part, erased.end);
            if self.nor.erase(part, length / parts).is_err() {
                return ERASE_SECTOR_FAIL;
            }
            if parts > 1 && number % 2 == 0 {
                self.half_erased.insert(part);
            } else {
                self.half_erased.remove(&part.saturating_sub(length / parts));
            }
            self.passes(if number % 2 == 0 { Boundary::InErase } else { Boundary::Sector });
        }
        self.half_erased.retain(|sector| !(address..address + length).contains(sector));
        SUCCESS
    }

    fn erase_ms(&self, length: u64) -> u64 {
        let step_ms = if self.mishaps.has(Mishap::SlowFlash) { SLOW_ERASE_MS_PER_STEP } else { ERASE_MS_PER_STEP };
        length.next_multiple_of(self.settings.nor.sector_bytes) / ERASE_STEP_BYTES * step_ms
    }

    fn agree_to_write(&mut self, address: u64, length: u64, now_ms: u64) -> u32 {
        if self.memory(address, length).is_none() {
            return OUT_OF_RANGE;
        }
        if self.nor.contains(address, length) {
            if !self.flash_is_ready(now_ms) {
                return NOT_CONFIGURED;
            }
            let erased = self.nor.is_blank(address, length).unwrap_or(false);
            if !erased || self.mishaps.happens(Mishap::WriteRefused) {
                return NOT_ERASED;
            }
        }
        self.writing = Some((address, length));
        SUCCESS
    }

    fn write_ram(&self, address: u64, data: &[u8]) -> u32 {
        let memory = self.memory(address, data.len() as u64);
        if memory.is_some_and(|memory| memory.write(address, data).is_ok()) { SUCCESS } else { WRITE_FAILED }
    }

    /// Writes erased flash and takes note of the region.
    fn program(&mut self, address: u64, data: &[u8]) -> u32 {
        let mut stored = data.to_vec();
        let bad = self.mishaps.happens(Mishap::FlashBad) || self.flips(address);
        // Of the configuration block only the tag can be told from a right one.
        let wrong = if self.mishaps.has(Mishap::BlockFlipsOnce) { 0 } else { data.len() / 2 };
        if let (true, Some(byte)) = (bad, stored.get_mut(wrong)) {
            *byte ^= 0x04;
        }
        self.changes += 1;
        if self.write_pages(address, &stored).is_err() {
            return WRITE_FAILED;
        }
        if bad {
            self.bad_places.push(address + wrong as u64);
        }
        self.passes(Boundary::Page);
        SUCCESS
    }

    /// The end of the last page is the end of the write, which is told of once its region is known.
    fn write_pages(&mut self, address: u64, stored: &[u8]) -> io::Result<()> {
        let halves = self.watched.parts((stored.len() as u64).div_ceil(PAGE_BYTES / 2));
        let half_bytes = if halves > 1 { PAGE_BYTES / 2 } else { stored.len().max(1) as u64 };
        let mut at = address;
        for (number, half) in (1..).zip(stored.chunks(usize::try_from(half_bytes).unwrap_or(usize::MAX))) {
            self.nor.write(at, half)?;
            let written = at..at + half.len() as u64;
            self.torn.retain(|torn| !written.contains(torn));
            self.bad_places.retain(|bad| !written.contains(bad));
            let sector_bytes = self.settings.nor.sector_bytes;
            if self.half_erased.contains(&(at / sector_bytes * sector_bytes)) {
                self.bad_places.push(at);
            }
            self.note_region(at, half.len() as u64);
            at = written.end;
            if number != halves {
                self.torn.push(at);
                self.passes(if number % 2 == 1 { Boundary::InProgram } else { Boundary::Page });
                self.torn.retain(|torn| *torn != at);
            }
        }
        Ok(())
    }

    fn flips(&mut self, address: u64) -> bool {
        // Only what the host has sent can be compared with a file.
        let mishap = if address == self.nor.start() { Mishap::BlockFlipsOnce } else { Mishap::BitFlipsOnce };
        let flips = self.mishaps.has(mishap);
        if !flips || self.flipped.contains(&address) {
            return false;
        }
        self.flipped.push(address);
        true
    }

    /// Neighbours are one region, so that an image is one, however many pieces it was written in; but where another image
    /// begins that the chip starts, another region does.
    fn note_region(&mut self, address: u64, length: u64) {
        let (mut begin, mut end) = (address, address + length);
        let images = [Some(self.settings.boot_image), self.settings.firmware_address];
        let is_image = |address: u64| images.contains(&Some(address));
        self.regions.retain(|region| {
            let region_end = region.address + region.length;
            let apart = region_end == begin && is_image(begin) || region.address == end && is_image(end);
            let touches = region.address <= end && begin <= region_end && !apart;
            if touches {
                begin = begin.min(region.address);
                end = end.max(region.address + region.length);
            }
            !touches
        });
        self.keep_region(begin, end);
    }

    /// What an erase has left of regions.
    pub(super) fn cut_regions(&mut self, begin: u64, end: u64) {
        let (cut, whole) = std::mem::take(&mut self.regions)
            .into_iter()
            .partition(|region| region.address < end && begin < region.address + region.length);
        self.regions = whole;
        let cut: Vec<Region> = cut;
        for region in cut {
            let region_end = region.address + region.length;
            self.keep_region(region.address, begin.min(region_end));
            self.keep_region(end.max(region.address), region_end);
        }
    }

    fn keep_region(&mut self, begin: u64, end: u64) {
        if begin < end
            && let Ok(bytes) = self.nor.read(begin, end - begin)
        {
            self.regions.push(Region { address: begin, length: end - begin, sha256: sha256_of_bytes(&bytes) });
            self.regions.sort_by_key(|region| region.address);
        }
    }

    /// The power fails in the data: part of it has reached the flash.
    fn lose_in_data(&mut self, address: u64, data: &[u8], clock: &BenchClock) -> DataPhase {
        let packet = MAX_PACKET_BYTES as usize;
        let sent = data.len() * 62 / 100 / packet * packet;
        let _lost_anyway = self.program(address, &data[..sent]);
        self.torn.push(address + sent as u64);
        self.drop_off(clock.now_ms());
        DataPhase::Lost { sent_bytes: sent as u64 }
    }

    fn fill(&mut self, address: u64, length: u64, pattern: u32) -> u32 {
        if self.nor.contains(address, length) {
            return if self.nor_configured { NOT_ERASED } else { NOT_CONFIGURED };
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if self.memory(address, length as u64).is_none() {
            return OUT_OF_RANGE;
        }
        let bytes: Vec<u8> = pattern.to_le_bytes().into_iter().cycle().take(length).collect();
        self.write_ram(address, &bytes)
    }

    fn configure(&mut self, memory: u64, address: u64, clock: &mut BenchClock) -> u32 {
        if memory != FLEXSPI_NOR {
            return INVALID_ARGUMENT;
        }
        let word = match self.memory(address, 4).map(|memory| memory.read(address, 4)) {
            Some(Ok(bytes)) => u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            Some(Err(_)) | None => return OUT_OF_RANGE,
        };
        clock.take(30);
        if word >> 28 == CONFIGURE_NIBBLE {
            self.nor_configured = true;
            SUCCESS
        } else if word != WRITE_CONFIGURATION_BLOCK {
            INVALID_ARGUMENT
        } else if !self.flash_is_ready(clock.now_ms()) {
            NOT_CONFIGURED
        } else {
            self.write_configuration_block().unwrap_or(WRITE_FAILED)
        }
    }

    fn write_configuration_block(&mut self) -> io::Result<u32> {
        let address = self.nor.start();
        if !self.nor.is_blank(address, CONFIGURATION_BLOCK_BYTES as u64)? {
            return Ok(NOT_ERASED);
        }
        let mut block = noise("flash configuration block", CONFIGURATION_BLOCK_BYTES);
        block[..8].copy_from_slice(b"FCFB\0\x04\x01V");
        Ok(self.program(address, &block))
    }

    /// Bits can be set and never cleared.
    fn burn(&mut self, index: u32, value: u32) -> u32 {
        let word = index & !FUSE_LOCK;
        if word >= FUSE_WORDS {
            return INVALID_ARGUMENT;
        }
        if self.locked_fuses.contains(&word) {
            return OTP_PROGRAM_FAIL;
        }
        self.passes(Boundary::BeforeFuse);
        if !self.mishaps.happens(Mishap::FuseStuck) {
            self.changes += 1;
            *self.fuses.entry(word).or_insert(0) |= value;
        }
        if index & FUSE_LOCK != 0 {
            self.locked_fuses.push(word);
        }
        self.passes(Boundary::Fuse);
        SUCCESS
    }
}

fn answer(kind: AnswerKind, command: &Command, words: Vec<u32>) -> Answer {
    Answer { kind, of: command.tag(), status: SUCCESS, words }
}

fn generic(command: &Command, status: u32) -> Answer {
    Answer { kind: AnswerKind::Generic, of: command.tag(), status, words: Vec::new() }
}
