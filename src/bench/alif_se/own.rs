//! The bootloader of the camera itself, which takes the firmware.

use super::{AlifSe, Phase};
use crate::bench::own_bootloader::{HasOwnBootloader, OwnBootloader};
use crate::bench::{BoardModel, BusDevice};

impl HasOwnBootloader for AlifSe {
    fn own(&self) -> &OwnBootloader {
        &self.own
    }

    fn own_mut(&mut self) -> &mut OwnBootloader {
        &mut self.own
    }

    fn shown_bootloader(&self, now_ms: u64) -> Option<BusDevice> {
        self.attached(now_ms).into_iter().find(|device| Some(device.id) == self.settings.bootloader)
    }

    fn stay(&mut self, now_ms: u64) {
        self.go(now_ms, &[(0, Phase::Bootloader)]);
    }

    fn restart(&mut self, now_ms: u64) {
        self.show(now_ms);
    }
}
