//! What the ROM, and the board's own bootloader, make of DFU requests.

use crate::bench::boards::stm32_rom::{DfuState, Download, Mishap, OWN_PATH, Phase, Stm32Rom};
use crate::bench::kit::watched::Boundary;
use crate::bench::{Answer, BoardModel, DfuBoard, DfuDevice, Flash, NotWritable, Region, Share};

const LOOSE_CABLE_MS: u64 = 3_000;
const SLOW_ERASE_MS: u64 = 45_000;
const STATUS_WRITE: u8 = 3;
const STATUS_VENDOR: u8 = 11;
const STATUS_STALLED: u8 = 15;

impl DfuBoard for Stm32Rom {
    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn spend(&mut self, time_ms: u64) {
        self.now_ms += time_ms;
    }

    fn changes_later(&self) -> bool {
        self.next_change_ms(self.now_ms).is_some()
    }

    fn dfu_devices(&self) -> Vec<DfuDevice> {
        self.devices_in_dfu_mode()
    }

    /// The next tool finds the descriptions ready.
    fn probed(&mut self) {
        self.mishaps.end(Mishap::StillEnumerating);
    }

    fn set_alternate(&mut self) -> Answer {
        if self.mishaps.happens(Mishap::SetAltFails) {
            return Answer::Stalled;
        }
        if let (since_ms, (number, Phase::Booted { .. })) = self.schedule.since(self.now_ms) {
            self.schedule.go(since_ms, &[(0, (number, Phase::Booted { stays: true }))]);
        }
        Answer::Done
    }

    fn state(&self) -> (u8, u8) {
        match self.dfu {
            DfuState::Idle => (2, 0),
            DfuState::DownloadIdle => (5, 0),
            DfuState::Error(status) => (10, status),
        }
    }

    fn clear(&mut self) {
        self.dfu = DfuState::Idle;
    }

    fn erase(&mut self, path: &str, address: u64) -> Answer {
        self.spend(if self.has(Mishap::SlowErase) { SLOW_ERASE_MS } else { self.erase_ms(address) });
        self.erasing(path, Some(address))
    }

    fn mass_erase(&mut self, path: &str) -> Answer {
        self.spend(8_000);
        self.erasing(path, None)
    }

    fn write(&mut self, path: &str, address: u64, block: &[u8], share: Share) -> Answer {
        self.spend(5);
        let reached = share.offset + block.len() as u64;
        if reached * 5 > share.total * 2 {
            for (mishap, answer) in
                [(Mishap::LostInWrite, Answer::Gone), (Mishap::StatusLostInWrite, Answer::StatusLost)]
            {
                if self.mishaps.happens(mishap) {
                    self.lose_contact();
                    return answer;
                }
            }
        }
        if reached * 2 > share.total && self.mishaps.happens(Mishap::WriteError) {
            return self.refuse(STATUS_WRITE, Answer::Refused(STATUS_WRITE));
        }
        let mut stored = block.to_vec();
        if reached == share.total && (self.has(Mishap::FlashBad) || self.mishaps.happens(Mishap::BitFlipsOnce)) {
            stored[block.len() / 2] ^= 0x10;
        }
        match self.program(path, address, &stored) {
            Ok(()) => {
                self.dfu = DfuState::DownloadIdle;
                Answer::Done
            }
            Err(_) => self.refuse(STATUS_WRITE, Answer::Refused(STATUS_WRITE)),
        }
    }

    fn read(&mut self, path: &str, address: u64, length: u64) -> Option<Vec<u8>> {
        self.spend(1);
        if self.has(Mishap::Protected) {
            self.refuse(STATUS_VENDOR, Answer::Stalled);
            return None;
        }
        if path == OWN_PATH {
            self.read_end = Some(address + length);
        }
        Some(self.flash_of(path).read(address, length))
    }

    fn abort(&mut self) -> Answer {
        let closing = self.download;
        self.download = closing.after_abort();
        // Only the host knows how long an image is, and the bench learns it so: where the host reads exactly to the end of what
        // an interrupted download has written, nothing of it was missing. A real chip has no such state to leave.
        let read_end = self.read_end.take();
        if let (Some(end), Some(begin)) = (read_end, self.open_at) {
            let holds_begin = |region: &Region| (region.address..region.address + region.length).contains(&begin);
            let regions = self.flash.regions();
            if regions.iter().any(|region| holds_begin(region) && region.address + region.length == end) {
                self.download = Download::Closed;
            }
        }
        if closing == Download::Sent && self.mishaps.happens(Mishap::AbortRefused) {
            return self.refuse(STATUS_STALLED, Answer::Stalled);
        }
        self.dfu = DfuState::Idle;
        Answer::Done
    }

    fn download_complete(&mut self, path: &str) {
        if path == OWN_PATH {
            self.download = Download::Sent;
        }
    }

    fn leave(&mut self) -> Answer {
        self.boot();
        if self.mishaps.happens(Mishap::LeaveStatusLost) { Answer::StatusLost } else { Answer::Done }
    }

    fn reset(&mut self) -> Answer {
        match self.phase() {
            Phase::Booted { .. } if self.has(Mishap::StaysInBootloader) => {
                self.enter(Phase::Booted { stays: true });
            }
            Phase::Booted { .. } => self.boot(),
            _ => self.enter(Phase::Rom),
        }
        if self.mishaps.happens(Mishap::GoneAtReset) { Answer::Gone } else { Answer::Done }
    }

    fn write_partition(&mut self, alt: u8, block: &[u8], share: Share) -> Answer {
        self.spend(10);
        if self.own.cuts_off(share) {
            self.boot();
            return Answer::Gone;
        }
        match self.own.take(alt, block, share) {
            Ok(()) => Answer::Done,
            Err(status) => self.refuse(status, Answer::Refused(status)),
        }
    }

    fn finish_partition(&mut self) -> Answer {
        self.own.finish();
        if self.mishaps.happens(Mishap::RebootInManifest) {
            self.boot();
            return Answer::Gone;
        }
        Answer::Done
    }

    fn read_partition(&self, alt: u8) -> Vec<u8> {
        self.own.read(alt)
    }

    fn passes(&self, boundary: Boundary) {
        BoardModel::passes(self, boundary);
    }
}

impl Stm32Rom {
    fn program(&mut self, path: &str, address: u64, block: &[u8]) -> Result<(), NotWritable> {
        if path == OWN_PATH {
            self.open_at.get_or_insert(address);
        }
        let (first, rest) = block.split_at(block.len() / 2);
        self.flash_of(path).write(address, first)?;
        BoardModel::passes(self, Boundary::InProgram);
        self.flash_of(path).write(address + first.len() as u64, rest)
    }

    /// One page, or all of them.
    fn erasing(&mut self, path: &str, page: Option<u64>) -> Answer {
        if self.has(Mishap::EraseRefused) {
            return self.refuse(STATUS_STALLED, Answer::Stalled);
        }
        if self.has(Mishap::EraseError) {
            return self.refuse(STATUS_VENDOR, Answer::Refused(STATUS_VENDOR));
        }
        if self.has(Mishap::Protected) {
            return self.refuse(STATUS_VENDOR, Answer::NotExecuted(STATUS_VENDOR));
        }
        if self.mishaps.happens(Mishap::Stalled) {
            return Answer::Busy;
        }
        if path == OWN_PATH {
            if self.download != Download::Open {
                self.open_at = None;
            }
            self.download = Download::Open;
        }
        self.dfu = DfuState::DownloadIdle;
        match page {
            Some(address) => {
                self.flash_of(path).spoil_page(address);
                BoardModel::passes(self, Boundary::InErase);
                self.flash_of(path).erase_page(address);
            }
            None => self.flash_of(path).erase_all(),
        }
        Answer::Done
    }

    fn refuse(&mut self, status: u8, answer: Answer) -> Answer {
        self.dfu = DfuState::Error(status);
        answer
    }

    fn flash_of(&mut self, path: &str) -> &mut Flash {
        if path == OWN_PATH { &mut self.flash } else { &mut self.other_flash }
    }

    fn erase_ms(&self, address: u64) -> u64 {
        // 2.2 s for a 128 KiB sector of an H7 is reported; smaller ones are faster.
        let page_bytes = self.flash.layout.segment_at(address).map_or(0, |segment| segment.page_bytes);
        page_bytes * 2_200 / (128 * 1024)
    }

    fn lose_contact(&mut self) {
        self.go_through(&[(0, Phase::Unplugged), (LOOSE_CABLE_MS, Phase::Rom)]);
    }
}
