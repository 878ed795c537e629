//! The bootloader of the board itself, which takes the firmware.

use super::fault::{Fault, Faults};
use super::{NOR_START, Phase, Stm32N6};
use crate::bench::own_bootloader::{Firmware, HasOwnBootloader, OwnBootloader, Partition};
use crate::bench::{BoardModel, BusDevice};

const FIRMWARE_ALT: u8 = 1;

/// OpenMV names the sizes of bootloader, firmware and ROM file system; that they lie one behind the other is supposed.
pub(super) fn bootloader(faults: &Faults) -> OwnBootloader {
    let partitions = vec![
        Partition::new("BOOTLOADER", NOR_START, 0x8_0000),
        Partition::new("FIRMWARE", NOR_START + 0x8_0000, 0x38_0000),
        Partition::new("FILESYSTEM", NOR_START + 0x40_0000, 0x40_0000),
        Partition::new("ROMFS0", NOR_START + 0x80_0000, 0x180_0000),
    ];
    let firmware = if faults.has(Fault::FirmwareAlive) {
        Firmware::Whole
    } else if faults.has(Fault::BootLoop) || faults.has(Fault::FirmwareDamaged) {
        Firmware::Damaged
    } else {
        Firmware::Missing
    };
    OwnBootloader::new(partitions, FIRMWARE_ALT, firmware)
}

impl HasOwnBootloader for Stm32N6 {
    fn own(&self) -> &OwnBootloader {
        &self.own
    }

    fn own_mut(&mut self) -> &mut OwnBootloader {
        &mut self.own
    }

    fn shown_bootloader(&self, now_ms: u64) -> Option<BusDevice> {
        self.attached(now_ms).into_iter().find(|device| device.id == self.bootloader)
    }

    fn stay(&mut self, now_ms: u64) {
        // Damaged firmware lets nobody stay.
        if self.own.firmware() != Firmware::Damaged {
            self.go(now_ms, &[(0, Phase::Bootloader)]);
        }
    }

    fn restart(&mut self, now_ms: u64) {
        self.power_on(now_ms);
    }
}
