//! What the Secure Enclave does: which stage runs, at which rate it answers, maintenance mode, and writes to MRAM.
//!
//! The tools' own words on it are the mock tools' part. Not known from silicon: whether a refused write leaves the chip
//! at the fast rate (here it does not), and when a new system package takes over (here with the next power-up).

use std::io;

use super::{AlifSe, Mishap, Release, SesVersion};
use crate::bench::kit::mishaps::Mishaps;
use crate::bench::kit::watched::Boundary;
use crate::bench::{BoardModel, Region};
use crate::world::sha256_of_bytes;

/// Which software answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The ROM, which has found no system package it can start.
    Serom,
    /// The Secure Enclave's services.
    Seram,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Enclave {
    /// What runs; none in the ROM.
    running: Option<SesVersion>,
    /// What a power-up would start: the system package in MRAM, if it is whole.
    package: Option<SesVersion>,
    maintenance: bool,
    /// The application keeps the services from answering, except in maintenance mode.
    silenced: bool,
    /// The application area was erased as a whole, which this board never survives.
    killed: bool,
    baud: u32,
}

/// How the chip takes one block of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockAnswer {
    Taken,
    Refused,
    /// The bridge has gone.
    Lost,
    /// No answer ever comes.
    Nothing,
}

/// How far an image goes until something happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImageAnswer {
    /// Blocks that were taken.
    pub(crate) blocks: u64,
    /// What the block behind them meets; [`BlockAnswer::Taken`] when there is none.
    pub(crate) then: BlockAnswer,
}

/// The part's rate.
pub(crate) const BAUD: u32 = 55_000;
/// What writers switch to.
const FAST_BAUD: u32 = 921_600;
const REFUSED_BLOCK: u64 = 5;
/// Boundaries within one image.
const BOUNDARIES_MAX: u64 = 32;

impl Enclave {
    pub(super) fn new(mishaps: &Mishaps<Mishap>, release: Release) -> Self {
        let installed = if mishaps.has(Mishap::OldSes) { release.older_package() } else { release.package() };
        let package = (!mishaps.has(Mishap::Recovery)).then_some(installed);
        Enclave {
            running: package,
            package,
            maintenance: false,
            silenced: mishaps.has(Mishap::Silent),
            killed: false,
            baud: if mishaps.has(Mishap::WrongBaud) { FAST_BAUD } else { BAUD },
        }
    }

    pub(super) fn starts_applications(&self) -> bool {
        self.running.is_some() && !self.killed
    }
}

impl AlifSe {
    /// The stage that answers at this rate, if any does.
    pub(crate) fn answering(&self, baud: u32) -> Option<Stage> {
        let enclave = &self.enclave;
        if enclave.baud != baud || enclave.killed {
            return None;
        }
        match enclave.running {
            None => Some(Stage::Serom),
            Some(_) if enclave.silenced && !enclave.maintenance => None,
            Some(_) => Some(Stage::Seram),
        }
    }

    pub(crate) fn running_ses(&self) -> Option<SesVersion> {
        self.enclave.running
    }

    pub(crate) fn in_maintenance(&self) -> bool {
        self.enclave.maintenance
    }

    pub(super) fn power_on(&mut self) {
        // People pull the cable for a second, which the chip may not even notice; the next time it does.
        let stays_fast = self.plugged_in == 1 && self.has(Mishap::WrongBaud);
        self.enclave.running = self.enclave.package;
        self.enclave.maintenance = false;
        self.enclave.baud = if stays_fast { FAST_BAUD } else { BAUD };
    }

    /// A reset that keeps the power.
    pub(crate) fn reset(&mut self) {
        let enclave = &mut self.enclave;
        enclave.running = enclave.package.and(enclave.running.or(enclave.package));
        enclave.maintenance = false;
        enclave.baud = BAUD;
        self.passes(Boundary::Request);
    }

    /// A reset with the maintenance flag set: the services boot and hold the applications.
    pub(crate) fn reset_into_maintenance(&mut self) {
        self.reset();
        self.enclave.maintenance = self.enclave.running.is_some();
        self.passes(Boundary::Request);
    }

    /// Somebody calls during the boot window. False when only the ROM is there to hear it.
    pub(crate) fn catch_in_boot_window(&mut self) -> bool {
        self.enclave.maintenance = self.enclave.running.is_some() && !self.enclave.killed;
        self.passes(Boundary::Request);
        self.enclave.maintenance
    }

    pub(crate) fn go_fast(&mut self) {
        self.enclave.baud = FAST_BAUD;
        self.passes(Boundary::Request);
    }

    /// The end of a writer: the part's rate again, and a reset.
    pub(crate) fn end_writing(&mut self) {
        self.reset();
    }

    /// Takes an image in blocks, as far as the mishaps let it. Only a whole image becomes a region.
    pub(crate) fn take_image(&mut self, address: u64, image: &[u8], block_bytes: u64, refused: bool) -> ImageAnswer {
        let blocks_total = (image.len() as u64).div_ceil(block_bytes);
        let middle = blocks_total / 2;
        let answer = if refused && blocks_total >= REFUSED_BLOCK {
            ImageAnswer { blocks: REFUSED_BLOCK - 1, then: BlockAnswer::Refused }
        } else if self.happens(Mishap::HangsMidImage) {
            ImageAnswer { blocks: middle, then: BlockAnswer::Nothing }
        } else if self.happens(Mishap::UnpluggedMidWrite) {
            ImageAnswer { blocks: middle, then: BlockAnswer::Lost }
        } else {
            ImageAnswer { blocks: blocks_total, then: BlockAnswer::Taken }
        };
        let taken = (answer.blocks * block_bytes).min(image.len() as u64);
        let whole = answer.then == BlockAnswer::Taken;
        self.store(address, &image[..usize::try_from(taken).unwrap_or(image.len())], block_bytes, whole);
        answer
    }

    /// The cable falls out while a tool writes.
    pub(crate) fn fall_out(&mut self, now_ms: u64) {
        self.lose_power(now_ms);
    }

    /// Erases the application area with what belongs to the board itself. It never answers again.
    pub(crate) fn erase_applications(&mut self) {
        let package_address = self.settings.mram.package_address();
        self.regions.retain(|region| region.address >= package_address);
        self.bootloader_before = false;
        self.changes += 1;
        self.enclave.killed = true;
        self.passes(Boundary::Sector);
    }

    /// Is an application loaded that the table of contents names?
    pub(crate) fn application_loaded(&self) -> bool {
        self.starts_bootloader()
    }

    fn store(&mut self, address: u64, bytes: &[u8], block_bytes: u64, whole: bool) {
        let length = bytes.len() as u64;
        let end = address.saturating_add(length.max(1));
        self.bootloader_before &= address >= self.settings.mram.package_address();
        self.regions.retain(|region| region.address >= end || region.address + region.length <= address);
        if end > self.settings.mram.package_address() {
            self.enclave.package = None;
        }
        // What lies outside the memory is lost; the missing region shows it.
        self.changes += 1;
        let stored = self.write(address, bytes, block_bytes).is_ok();
        if whole && stored {
            self.regions.push(Region { address, length, sha256: sha256_of_bytes(bytes) });
            self.regions.sort_by_key(|region| region.address);
        }
        let holds = |address: u64| self.regions.iter().any(|region| region.address == address);
        let mram = self.settings.mram;
        if holds(mram.package_address()) && holds(mram.pointer_address()) {
            self.enclave.package = self.package_in_mram();
        }
        // It is the application that silences the services, so that no system package ends it.
        if holds(self.settings.bootloader_address) && holds(self.settings.toc_address) {
            self.enclave.silenced = false;
        }
        self.passes(Boundary::Page);
    }

    /// MRAM has neither sectors nor pages: a boundary is the end of a block, and of so many that they are not too many for an
    /// image. The end of the last one is told of once its region is known.
    fn write(&self, address: u64, bytes: &[u8], block_bytes: u64) -> io::Result<()> {
        let length = bytes.len() as u64;
        let together = length.div_ceil(block_bytes).div_ceil(BOUNDARIES_MAX).max(1);
        let blocks = self.watched.parts(length.div_ceil(together * block_bytes));
        let each_bytes = if blocks > 1 { together * block_bytes } else { length.max(1) };
        let mut at = address;
        for (number, block) in (1..).zip(bytes.chunks(usize::try_from(each_bytes).unwrap_or(usize::MAX))) {
            self.mram.write(at, block)?;
            at += block.len() as u64;
            if number != blocks {
                self.passes(Boundary::Page);
            }
        }
        Ok(())
    }

    fn package_in_mram(&self) -> Option<SesVersion> {
        let package_address = self.settings.mram.package_address();
        let magic = self.mram.read(package_address, 8).ok()?;
        let word = self.mram.read(package_address + SesVersion::WORD_OFFSET, 4).ok()?;
        let word = u32::from_le_bytes(word.try_into().ok()?);
        (magic == b"ALIFTOC1").then(|| SesVersion::from_word(word))
    }
}
