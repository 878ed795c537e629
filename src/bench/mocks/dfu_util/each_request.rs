//! A board whose watcher is told after each request that may have changed it.

use crate::bench::kit::watched::Boundary;
use crate::bench::{Answer, DfuBoard, DfuDevice, Share};

/// The board behind.
#[derive(Debug)]
pub(super) struct EachRequest<'a> {
    pub(super) board: &'a mut dyn DfuBoard,
}

impl EachRequest<'_> {
    fn told<T>(&mut self, boundary: Boundary, request: impl FnOnce(&mut dyn DfuBoard) -> T) -> T {
        let answer = request(&mut *self.board);
        self.board.passes(boundary);
        answer
    }
}

impl DfuBoard for EachRequest<'_> {
    fn now_ms(&self) -> u64 {
        self.board.now_ms()
    }

    fn spend(&mut self, time_ms: u64) {
        self.board.spend(time_ms);
    }

    fn changes_later(&self) -> bool {
        self.board.changes_later()
    }

    fn dfu_devices(&self) -> Vec<DfuDevice> {
        self.board.dfu_devices()
    }

    fn probed(&mut self) {
        self.board.probed();
    }

    fn set_alternate(&mut self) -> Answer {
        self.told(Boundary::Request, |board| board.set_alternate())
    }

    fn state(&self) -> (u8, u8) {
        self.board.state()
    }

    fn clear(&mut self) {
        self.told(Boundary::Request, |board| board.clear());
    }

    fn write_partition(&mut self, alt: u8, block: &[u8], share: Share) -> Answer {
        self.told(Boundary::Page, |board| board.write_partition(alt, block, share))
    }

    fn finish_partition(&mut self) -> Answer {
        self.told(Boundary::Request, |board| board.finish_partition())
    }

    fn read_partition(&self, alt: u8) -> Vec<u8> {
        self.board.read_partition(alt)
    }

    fn reset(&mut self) -> Answer {
        self.told(Boundary::Request, |board| board.reset())
    }

    fn passes(&self, boundary: Boundary) {
        self.board.passes(boundary);
    }

    fn erase(&mut self, path: &str, address: u64) -> Answer {
        self.told(Boundary::Sector, |board| board.erase(path, address))
    }

    fn mass_erase(&mut self, path: &str) -> Answer {
        self.told(Boundary::Sector, |board| board.mass_erase(path))
    }

    fn write(&mut self, path: &str, address: u64, block: &[u8], share: Share) -> Answer {
        self.told(Boundary::Page, |board| board.write(path, address, block, share))
    }

    fn read(&mut self, path: &str, address: u64, length: u64) -> Option<Vec<u8>> {
        self.board.read(path, address, length)
    }

    fn abort(&mut self) -> Answer {
        self.told(Boundary::Request, |board| board.abort())
    }

    fn download_complete(&mut self, path: &str) {
        self.told(Boundary::Request, |board| board.download_complete(path));
    }

    fn leave(&mut self) -> Answer {
        self.told(Boundary::Request, |board| board.leave())
    }
}
