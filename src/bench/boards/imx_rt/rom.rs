//! What the boot ROM understands in serial download mode: write-file, jump-address, error-status.

use super::{FLASHLOADER_APPEARS_MS, ImxRt, LATE_FLASHLOADER_APPEARS_MS, Mishap, Phase};
use crate::bench::kit::watched::Boundary;
use crate::bench::{BenchClock, BoardModel};

/// HAB modes and statuses, as the ROM sends them.
pub(crate) const HAB_OPEN: u32 = 0x5678_7856;
pub(crate) const HAB_CLOSED: u32 = 0x1234_3412;
pub(crate) const WRITE_COMPLETE: u32 = 0x8888_8888;
pub(crate) const ODD_STATUS: u32 = 0x1234_5678;

/// How a write-file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteFileAnswer {
    Answered {
        hab: u32,
        status: u32,
    },
    /// The board vanished after this many bytes.
    Lost {
        sent_bytes: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JumpAnswer {
    Answered { hab: u32 },
    NoAnswer,
}

const WRITE_BYTES_PER_MS: u64 = 300;
/// An image vector table begins with tag, big-endian length and version, and says at 0x14 where it must lie.
const HEADER_TAG: u8 = 0xd1;
const SELF_OFFSET: u64 = 0x14;

impl ImxRt {
    pub(crate) fn hab(&self) -> u32 {
        if self.mishaps.has(Mishap::HabClosed) { HAB_CLOSED } else { HAB_OPEN }
    }

    pub(crate) fn write_file(&mut self, address: u64, data: &[u8], clock: &mut BenchClock) -> WriteFileAnswer {
        clock.take(data.len() as u64 / WRITE_BYTES_PER_MS + 20);
        if self.mishaps.happens(Mishap::LostInFlashloader) {
            self.drop_off(clock.now_ms());
            return WriteFileAnswer::Lost { sent_bytes: 20_000 };
        }
        let hab = self.hab();
        if self.mishaps.happens(Mishap::FlashloaderRefused) {
            return WriteFileAnswer::Answered { hab, status: ODD_STATUS };
        }
        let memory = self.ram.iter().find(|memory| memory.contains(address, data.len() as u64));
        let written = memory.is_some_and(|memory| memory.write(address, data).is_ok());
        self.passes(Boundary::Request);
        WriteFileAnswer::Answered { hab, status: if written { WRITE_COMPLETE } else { ODD_STATUS } }
    }

    /// Starts the image at `address`. Without a fitting header there, or on a secured chip, nothing will appear.
    pub(crate) fn jump(&mut self, address: u64, clock: &mut BenchClock) -> JumpAnswer {
        clock.take(10);
        let hab = self.hab();
        let starts = self.image_at(address) && !self.mishaps.has(Mishap::HabClosed);
        if starts && !self.mishaps.happens(Mishap::JumpIgnored) {
            let late = self.mishaps.has(Mishap::LateFlashloader);
            let appears_ms = if late { LATE_FLASHLOADER_APPEARS_MS } else { FLASHLOADER_APPEARS_MS };
            self.go(clock.now_ms(), &[(0, Phase::Silent), (appears_ms, Phase::Flashloader)]);
        } else {
            self.drop_off(clock.now_ms());
        }
        self.passes(Boundary::Request);
        if self.mishaps.happens(Mishap::JumpNoAnswer) { JumpAnswer::NoAnswer } else { JumpAnswer::Answered { hab } }
    }

    fn image_at(&self, address: u64) -> bool {
        let read = |at: u64, length| {
            let memory = self.ram.iter().find(|memory| memory.contains(at, length))?;
            memory.read(at, length).ok()
        };
        let tagged = read(address, 1).is_some_and(|bytes| bytes == [HEADER_TAG]);
        let own_address = u32::try_from(address).unwrap_or(0).to_le_bytes();
        tagged && read(address + SELF_OFFSET, 4).is_some_and(|bytes| bytes == own_address)
    }
}
