//! What of the board is on the bus, when, and what its descriptors say.

use std::path::Path;

use crate::bench::boards::own_bootloader::{Firmware, next_in_round, shown_in_round};
use crate::bench::boards::stm32_rom::{Mishap, OWN_PATH, Phase, Stm32Rom};
use crate::bench::kit::mishaps::{MishapName, mishap_names};
use crate::bench::kit::schedule::Schedule;
use crate::bench::kit::watched::{Boundary, Watched};
use crate::bench::{BoardModel, BusDevice, DfuDevice, MemoryLayout, Region};
use crate::documents::playbook::{DeviceKind, HandMove, Room};
use crate::words::UsbId;
use crate::world::Access;

const ROM_ENUMERATES_MS: u64 = 400;
const BOOTLOADER_ENUMERATES_MS: u64 = 300;
const BOOTLOADER_LEAVES_MS: u64 = 2_500;
const RUNNING_ENUMERATES_MS: u64 = 2_800;
const LATE_PERMISSION_MS: u64 = 300;
const DEVNUM_FIRST: u32 = 5;
const OTHER_PATH: &str = "1-2";
const OTHER_SERIAL: &str = "3058346F3132";
/// The flash of another kind of STM32.
const OTHER_FLASH: &str = "@Internal Flash  /0x08000000/64*02Kg";
/// bcdDevice, as `dfu-util -l` shows it of a real ROM.
const ROM_VERSION: u16 = 0x2200;
const BOOTLOADER_VERSION: u16 = 0x0102;
const ROM_PRODUCT: &str = "STM32  BOOTLOADER";
const BOOTLOADER_SERIAL: &str = "3330373338355117003B0033";

impl Stm32Rom {
    /// Every device in DFU mode, the board itself first.
    pub(super) fn devices_in_dfu_mode(&self) -> Vec<DfuDevice> {
        let mut devices: Vec<DfuDevice> = self.own_dfu_device().into_iter().collect();
        if let Some(flash) = self.second_board() {
            let mut other = self.rom_device();
            flash.clone_into(&mut other.alt_names[0]);
            devices.push(DfuDevice {
                devnum: DEVNUM_FIRST + 1,
                path: OTHER_PATH.to_owned(),
                serial: OTHER_SERIAL.to_owned(),
                ..other
            });
        }
        devices
    }

    fn own_dfu_device(&self) -> Option<DfuDevice> {
        let id = self.visible_id(self.now_ms)?;
        match self.phase() {
            Phase::Rom => Some(self.rom_device()),
            Phase::Booted { .. } if Some(id) == self.settings.bootloader => Some(DfuDevice {
                id,
                version: BOOTLOADER_VERSION,
                serial: BOOTLOADER_SERIAL.to_owned(),
                alt_names: self.own.alt_names(),
                dfu_version: 0x0110,
                transfer_bytes: 4096,
                ..self.rom_device()
            }),
            _ => None,
        }
    }

    fn rom_device(&self) -> DfuDevice {
        let mut alt_names = vec![self.own_flash().to_owned()];
        alt_names.extend(self.settings.other_alts.iter().cloned());
        DfuDevice {
            id: self.settings.rom,
            devnum: DEVNUM_FIRST + 2 * self.schedule.at(self.now_ms).0,
            path: OWN_PATH.to_owned(),
            version: ROM_VERSION,
            serial: self.settings.serial.clone(),
            alt_names,
            dfu_version: 0x011a,
            transfer_bytes: self.settings.transfer_bytes,
            openable: self.access(self.now_ms) == Access::Permitted,
            strings_readable: !self.has(Mishap::StillEnumerating),
        }
    }

    /// How the ROM describes the board's flash.
    fn own_flash(&self) -> &str {
        if self.has(Mishap::WrongBoard) { OTHER_FLASH } else { &self.settings.flash }
    }

    /// The flash of another board that is in its ROM all the time.
    fn second_board(&self) -> Option<&str> {
        match self.has(Mishap::OtherKind) {
            true => Some(OTHER_FLASH),
            false => self.has(Mishap::TwoBoards).then_some(self.settings.flash.as_str()),
        }
    }

    fn visible_id(&self, now_ms: u64) -> Option<UsbId> {
        let (since_ms, (_, phase)) = self.schedule.since(now_ms);
        let age_ms = now_ms - since_ms;
        match phase {
            _ if self.has(Mishap::Absent) => None,
            Phase::Unplugged | Phase::Dead => None,
            Phase::Rom => (now_ms >= self.rom_since_ms(now_ms)).then_some(self.settings.rom),
            Phase::Booted { .. } if self.own.firmware() == Firmware::Damaged => {
                self.settings.bootloader.filter(|_| shown_in_round(age_ms))
            }
            Phase::Booted { stays: true } => self.settings.bootloader,
            Phase::Booted { stays: false } if self.own.firmware() == Firmware::Missing => {
                self.settings.bootloader.filter(|_| age_ms >= BOOTLOADER_ENUMERATES_MS)
            }
            Phase::Booted { stays: false } => match age_ms {
                BOOTLOADER_ENUMERATES_MS..BOOTLOADER_LEAVES_MS => self.settings.bootloader,
                RUNNING_ENUMERATES_MS.. => self.settings.running,
                _ => None,
            },
        }
    }

    /// When the ROM is on the bus; one that was there from the beginning need not enumerate.
    fn rom_since_ms(&self, now_ms: u64) -> u64 {
        let (since_ms, (number, _)) = self.schedule.since(now_ms);
        since_ms + if number == 0 { 0 } else { ROM_ENUMERATES_MS }
    }

    fn access(&self, now_ms: u64) -> Access {
        let too_early =
            self.schedule.at(now_ms).1 == Phase::Rom && now_ms < self.rom_since_ms(now_ms) + LATE_PERMISSION_MS;
        let late = self.has(Mishap::LatePermission) && too_early;
        if self.has(Mishap::NoPermission) || late { Access::Denied } else { Access::Permitted }
    }
}

impl BoardModel for Stm32Rom {
    fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let device = |id: UsbId, port: &str, serial: &str, product: Option<&str>, flash: Option<&str>| BusDevice {
            id,
            port: port.to_owned(),
            serial: Some(serial.to_owned()),
            product: product.map(str::to_owned),
            // The host's system keeps the name of the alt setting that is chosen, which is the first.
            interfaces: flash.filter(|_| !self.has(Mishap::StillEnumerating)).map(str::to_owned).into_iter().collect(),
            version: Some(if flash.is_some() { ROM_VERSION } else { BOOTLOADER_VERSION }),
            kind: DeviceKind::Usb,
            access: self.access(now_ms),
        };
        let own = self.visible_id(now_ms).map(|id| match self.schedule.at(now_ms).1 {
            Phase::Rom => device(id, OWN_PATH, &self.settings.serial, Some(ROM_PRODUCT), Some(self.own_flash())),
            _ => device(id, OWN_PATH, BOOTLOADER_SERIAL, None, None),
        });
        let other = self
            .second_board()
            .map(|flash| device(self.settings.rom, OTHER_PATH, OTHER_SERIAL, Some(ROM_PRODUCT), Some(flash)));
        own.into_iter().chain(other).collect()
    }

    fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        let (since_ms, (_, phase)) = self.schedule.since(now_ms);
        let rom_ms = self.rom_since_ms(now_ms);
        let times_ms = match phase {
            Phase::Booted { .. } if self.own.firmware() == Firmware::Damaged => {
                vec![since_ms + next_in_round(now_ms - since_ms)]
            }
            Phase::Unplugged | Phase::Dead | Phase::Booted { stays: true } => Vec::new(),
            Phase::Rom => vec![rom_ms, rom_ms + LATE_PERMISSION_MS],
            Phase::Booted { stays: false } => {
                let ages_ms = [BOOTLOADER_ENUMERATES_MS, BOOTLOADER_LEAVES_MS, RUNNING_ENUMERATES_MS];
                ages_ms.map(|age_ms| since_ms + age_ms).to_vec()
            }
        };
        let by_itself = times_ms.into_iter().find(|time_ms| *time_ms > now_ms);
        [by_itself, self.schedule.next_change_ms(now_ms)].into_iter().flatten().min()
    }

    fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        self.advance_to(now_ms);
        match hand_move {
            HandMove::Unplug => {
                self.enter(Phase::Unplugged);
                // Each power-up is a fresh start for a chip that merely sulked.
                self.mishaps.end(Mishap::EraseRefused);
            }
            HandMove::PlugIn if self.jumper => self.enter(Phase::Rom),
            HandMove::PlugIn => self.boot(),
            HandMove::FitJumper | HandMove::SwitchOn => self.jumper = true,
            HandMove::RemoveJumper | HandMove::SwitchOff => self.jumper = false,
            // The reset button.
            HandMove::PressButton if self.phase() == Phase::Unplugged => {}
            HandMove::PressButton if self.jumper => self.enter(Phase::Rom),
            HandMove::PressButton => self.boot(),
        }
    }

    fn regions(&self) -> Vec<Region> {
        self.flash.regions().into_iter().chain(self.own.regions()).collect()
    }

    fn rooms(&self) -> Vec<Room> {
        let others = self.settings.other_alts.iter().filter_map(|alt| alt.parse::<MemoryLayout>().ok());
        let segments = [self.flash.layout.clone()].into_iter().chain(others).flat_map(|layout| layout.segments);
        let name = "the memory of the virtual board";
        segments.map(|segment| Room { name: name.to_owned(), start: segment.start, end: segment.end }).collect()
    }

    fn digest(&self, address: u64, length: u64) -> Option<String> {
        self.flash.digest(address, length)
    }

    fn changes(&self) -> Option<u64> {
        Some(self.flash.changes() + self.own.changes())
    }

    /// Only for its own bootloader: what the ROM writes is in the state itself.
    fn use_folder(&mut self, folder: &Path) {
        self.own.use_folder(folder);
    }

    /// A board without a bootloader of its own has no trouble with it, nor with firmware that it would start.
    fn mishap_names(&self) -> Vec<MishapName> {
        let has_bootloader = self.settings.bootloader.is_some();
        mishap_names(|mishap| match mishap {
            Mishap::RebootInManifest | Mishap::StaysInBootloader => has_bootloader,
            Mishap::BootLoop | Mishap::InterruptedUpdate | Mishap::FirmwareDamaged => {
                has_bootloader && self.settings.firmware.is_some()
            }
            _ => true,
        })
    }

    /// Its tool hangs in the middle of its work, if at all.
    fn heal(&mut self) {
        self.mishaps.heal();
    }

    fn settle(&mut self) {
        self.now_ms = 0;
        // Which enumeration it is shows in the address on the bus alone.
        self.schedule = Schedule::new((1, self.schedule.last().1));
        self.flash.settle();
        self.other_flash.settle();
        self.own.settle();
    }

    fn watched_by(&mut self, watched: Watched) {
        self.watched = watched;
    }

    fn passes(&self, boundary: Boundary) {
        self.watched.passes(boundary, self);
    }
}
