//! The virtual STM32 as a board of the bench: what is on the bus and when, and what hands do to it.

use std::collections::BTreeMap;
use std::path::Path;

use super::{
    BOOTLOADER_ENUMERATES_MS, BOOTLOADER_LEAVES_MS, BOOTLOADER_SERIAL, LATE_PERMISSION_MS, OTHER_PATH, OTHER_SERIAL,
    OWN_PATH, RUNNING_ENUMERATES_MS, Session, Stm32Rom,
};
use crate::bench::stm32_fault::Stm32Fault;
use crate::bench::{BoardModel, BusDevice, Region};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::words::UsbId;

impl BoardModel for Stm32Rom {
    fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let device = |id: UsbId, port: &str, serial: &str, product: &str| BusDevice {
            id,
            port: port.to_owned(),
            serial: Some(serial.to_owned()),
            product: Some(product.to_owned()),
            kind: DeviceKind::Usb,
            access: self.access(now_ms),
        };
        let own = self.visible_id(now_ms).map(|id| match self.session {
            Session::Rom => device(id, OWN_PATH, &self.settings.serial, "STM32  BOOTLOADER"),
            _ => device(id, OWN_PATH, BOOTLOADER_SERIAL, "OpenMV Camera"),
        });
        let other = self.has(Stm32Fault::TwoBoards).then(|| {
            let rom = self.settings.rom;
            device(rom, OTHER_PATH, OTHER_SERIAL, "STM32  BOOTLOADER")
        });
        own.into_iter().chain(other).collect()
    }

    fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        let ages_ms: &[u64] = match self.session {
            Session::Unplugged | Session::Dead | Session::Booted { stays: true } => &[],
            Session::Rom => {
                let since_ms = self.rom_since_ms() - self.since_ms;
                &[since_ms, since_ms + LATE_PERMISSION_MS]
            }
            Session::Booted { stays: false } => {
                &[BOOTLOADER_ENUMERATES_MS, BOOTLOADER_LEAVES_MS, RUNNING_ENUMERATES_MS]
            }
        };
        ages_ms.iter().map(|age_ms| self.since_ms + age_ms).find(|time| *time > now_ms)
    }

    fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        self.advance_to(now_ms);
        match hand_move {
            HandMove::Unplug => {
                self.session = Session::Unplugged;
                // Each power-up is a fresh start for a chip that merely sulked.
                self.faults.remove(&Stm32Fault::EraseRefused);
            }
            HandMove::PlugIn if self.jumper => self.start_session(Session::Rom),
            HandMove::PlugIn => self.boot(),
            HandMove::FitJumper => self.jumper = true,
            HandMove::RemoveJumper => self.jumper = false,
        }
    }

    fn regions(&self) -> Vec<Region> {
        self.flash.regions()
    }

    fn fuses(&self) -> BTreeMap<u32, u32> {
        BTreeMap::new()
    }

    /// Everything is in the state itself: the images are small.
    fn use_folder(&mut self, _folder: &Path) {}

    /// Its tool hangs in the middle of its work, if at all.
    fn hangs(&mut self, _tool: &str, _args: &[String]) -> bool {
        false
    }
}
