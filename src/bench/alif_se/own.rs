//! The bootloader of the camera itself, which takes the firmware.

use super::fault::{Fault, Faults};
use super::{AlifSe, MRAM_START, Phase};
use crate::bench::own_bootloader::{Firmware, HasOwnBootloader, OwnBootloader, Partition};
use crate::bench::{BoardModel, BusDevice};

/// The firmware of the core that starts the other one.
const FIRMWARE_ALT: u8 = 1;
/// Where this model lets memory outside the chip show.
const EXTERNAL_START: u64 = 0xa000_0000;

/// MRAM as OpenMV divides it. Of the memory outside the chip only the sizes are known.
pub(super) fn bootloader(faults: &Faults) -> OwnBootloader {
    let partitions = vec![
        Partition::new("BOOTLOADER", MRAM_START, 0x2_0000),
        Partition::new("FIRMWARE_HP", MRAM_START + 0x2_0000, 0x30_0000),
        Partition::new("FIRMWARE_HE", MRAM_START + 0x32_0000, 0x15_e000),
        Partition::new("ROMFS1", MRAM_START + 0x47_e000, 0x10_0000),
        Partition::new("TOC", MRAM_START + 0x57_e000, 0x2000),
        Partition::new("FILESYSTEM", EXTERNAL_START + 0x180_0000, 0x80_0000),
        Partition::new("ROMFS0", EXTERNAL_START, 0x180_0000),
        Partition::new("RECOVERY_KEY", EXTERNAL_START + 0x200_0000, 0x1000),
    ];
    let firmware = if faults.has(Fault::BootLoop) || faults.has(Fault::FirmwareDamaged) {
        Firmware::Damaged
    } else if faults.has(Fault::NoFirmware) || faults.has(Fault::InterruptedUpdate) {
        Firmware::Missing
    } else {
        Firmware::Whole
    };
    OwnBootloader::new(partitions, FIRMWARE_ALT, firmware)
}

impl HasOwnBootloader for AlifSe {
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
        self.show(now_ms);
    }
}
