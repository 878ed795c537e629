//! The bootloader of the camera itself, which takes the firmware.

use super::mishap::Mishap;
use super::settings::AlifSettings;
use super::{AlifSe, BOOTLOADER_APPEARS_MS, Phase};
use crate::bench::boards::own_bootloader::{Firmware, HasOwnBootloader, OwnBootloader};
use crate::bench::kit::mishaps::Mishaps;
use crate::bench::{BoardModel, BusDevice};

/// What the bootloader finds: firmware that no setting names is always whole.
pub(super) fn bootloader(settings: &AlifSettings, mishaps: &Mishaps<Mishap>) -> OwnBootloader {
    let firmware = if settings.firmware.is_none() {
        Firmware::Whole
    } else if mishaps.has(Mishap::BootLoop) || mishaps.has(Mishap::FirmwareDamaged) {
        Firmware::Damaged
    } else if mishaps.has(Mishap::NoFirmware) || mishaps.has(Mishap::InterruptedUpdate) {
        Firmware::Missing
    } else {
        Firmware::Whole
    };
    OwnBootloader::new(settings.partitions.clone(), settings.firmware.as_deref(), firmware)
}

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
        // Damaged firmware lets nobody stay.
        if self.own.firmware() != Firmware::Damaged {
            self.schedule.go(now_ms, &[(0, Phase::Bootloader)]);
        }
    }

    fn restart(&mut self, now_ms: u64) {
        if self.mishaps.has(Mishap::StaysInBootloader) && self.own.firmware() != Firmware::Damaged {
            self.schedule.go(now_ms, &[(0, Phase::Nothing), (BOOTLOADER_APPEARS_MS, Phase::Bootloader)]);
        } else {
            self.show(now_ms);
        }
    }
}
