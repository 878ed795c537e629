//! The bootloader of the board itself, which takes the firmware.

use super::mishap::Mishap;
use super::settings::Stm32N6Settings;
use super::{BOOTLOADER_APPEARS_MS, Phase, Stm32N6};
use crate::bench::boards::own_bootloader::{Firmware, HasOwnBootloader, OwnBootloader};
use crate::bench::kit::mishaps::Mishaps;
use crate::bench::{BoardModel, BusDevice};

/// What the bootloader finds: firmware that no setting names is always whole.
pub(super) fn bootloader(settings: &Stm32N6Settings, mishaps: &Mishaps<Mishap>) -> OwnBootloader {
    let firmware = if settings.firmware.is_none() || mishaps.has(Mishap::FirmwareAlive) {
        Firmware::Whole
    } else if mishaps.has(Mishap::BootLoop) || mishaps.has(Mishap::FirmwareDamaged) {
        Firmware::Damaged
    } else {
        Firmware::Missing
    };
    OwnBootloader::new(settings.partitions.clone(), settings.firmware.as_deref(), firmware)
}

impl HasOwnBootloader for Stm32N6 {
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
        // Damaged firmware lets nobody stay.
        if self.own.firmware() != Firmware::Damaged {
            self.go(now_ms, &[(0, Phase::Bootloader)]);
        }
    }

    fn restart(&mut self, now_ms: u64) {
        if self.mishaps.has(Mishap::StaysInBootloader) && self.own.firmware() != Firmware::Damaged {
            self.go(now_ms, &[(0, Phase::Silent), (BOOTLOADER_APPEARS_MS, Phase::Bootloader)]);
        } else {
            self.power_on(now_ms);
        }
    }
}
