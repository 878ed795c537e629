//! The bootloader of the board itself, which takes the firmware.

use super::fault::{Fault, Faults};
use super::settings::Stm32N6Settings;
use super::{BOOTLOADER_APPEARS_MS, Phase, Stm32N6};
use crate::bench::boards::own_bootloader::{Firmware, HasOwnBootloader, OwnBootloader};
use crate::bench::{BoardModel, BusDevice};

/// What the bootloader finds: firmware that no setting names is always whole.
pub(super) fn bootloader(settings: &Stm32N6Settings, faults: &Faults) -> OwnBootloader {
    let firmware = if settings.firmware.is_none() || faults.has(Fault::FirmwareAlive) {
        Firmware::Whole
    } else if faults.has(Fault::BootLoop) || faults.has(Fault::FirmwareDamaged) {
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
        if self.faults.has(Fault::StaysInBootloader) && self.own.firmware() != Firmware::Damaged {
            self.go(now_ms, &[(0, Phase::Silent), (BOOTLOADER_APPEARS_MS, Phase::Bootloader)]);
        } else {
            self.power_on(now_ms);
        }
    }
}
