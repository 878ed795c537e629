//! A board with an STM32N6: a boot ROM that takes partitions over USB, a loader that runs from RAM and shows the same USB
//! id, and NOR flash beside the chip from which the ROM starts a signed bootloader.
//!
//! No run of the tool against such a board is publicly known: partitions and texts follow ST's layouts for other chips and
//! the layout that OpenMV ships. What the tool prints about it is the mock tool's matter.

mod mishap;
mod settings;

use std::io;
use std::path::Path;

use crate::bench::boards::own_bootloader::{
    BOOTLOADER_WINDOW_MS, Firmware, HasOwnBootloader, OwnBootloader, OwnDfu, next_in_round, shown_in_round,
};
use crate::bench::kit::memory::Memory;
use crate::bench::kit::mishaps::{MishapName, Mishaps, mishap_names};
use crate::bench::kit::model::{MockTool, Model, ModelHelp};
use crate::bench::kit::schedule::Schedule;
use crate::bench::kit::settings::Settings;
use crate::bench::kit::watched::{Boundary, Watched};
use crate::bench::mocks::{MockEnd, dfu_util, stm32_programmer};
use crate::bench::{BenchClock, BoardModel, BusDevice, Region};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::words::UsbId;
use crate::world::{Access, sha256_of_bytes};

pub(crate) use mishap::Mishap;

use settings::{SETTINGS, Stm32N6Settings};

/// What the board shows to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Phase {
    Unplugged,
    /// Powered, and nothing on the bus.
    Silent,
    Rom,
    /// The loader in RAM, under the ROM's id.
    Loader,
    /// The bootloader in flash.
    Bootloader,
    /// The bootloader comes and goes, because the firmware takes the camera down again and again.
    Restarting,
    Running,
}

/// How the board takes one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// In RAM, and used from now on.
    Loaded,
    /// The loader has started and comes back on the bus.
    Restarted,
    NotStarted,
    /// The loader has started and does not come back on the bus.
    NotBack,
    Written,
    /// The flash did not take it.
    WriteFailed,
    /// The board vanished in the middle.
    Lost,
    /// No loader is there that could take it.
    NotExpected,
}

/// The state of the board.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Stm32N6 {
    settings: Stm32N6Settings,
    mishaps: Mishaps<Mishap>,
    jumper_fitted: bool,
    schedule: Schedule<Phase>,
    nor: Memory,
    /// How often something that lasts was changed.
    #[serde(default)]
    changes: u64,
    /// The loader in RAM knows how to drive the flash.
    flash_driver_loaded: bool,
    /// A healthy bootloader was there before any tool ran.
    bootloader_before: bool,
    regions: Vec<Region>,
    own: OwnBootloader,
    /// Known to who uses the board, not to its description.
    #[serde(skip)]
    watched: Watched,
}

pub(crate) const SERIAL: &str = "001D00343033510F37363934";
pub(crate) const OTHER_SERIAL: &str = "003A00213033510F37363934";
pub(crate) const ROM_PRODUCT: &str = "DFU in HS Mode @Device ID /0x486, @Revision ID /0x1000";
pub(crate) const LOADER_PRODUCT: &str = "STM32OpenBootloader DFU@Device ID /0x486, @Revision ID /0x1000";
const BOOTLOADER_PRODUCT: &str = "Camera (DFU Mode)";
const RUNNING_PRODUCT: &str = "Camera";

/// Images that the ROM starts begin with this.
const SIGNED_MAGIC: &[u8] = b"STM2";
/// Remains of dead software lie at least in so much of the flash.
const REMAINS_BYTES: u64 = 0x10_0000;

/// What such a flash programs at once.
const PAGE_BYTES: u64 = 256;

const ROM_APPEARS_MS: u64 = 700;
const LOADER_APPEARS_MS: u64 = 1_200;
const BOOTLOADER_APPEARS_MS: u64 = 500;
const RUNNING_APPEARS_MS: u64 = 400;
const RAM_BYTES_PER_MS: u64 = 200;
const NOR_BYTES_PER_MS: u64 = 64;

impl Model for Stm32N6 {
    const HELP: ModelHelp = ModelHelp {
        name: "stm32n6",
        about: "an STM32N6 with its ROM, a loader in RAM, NOR flash and a DFU bootloader (STM32_Programmer_CLI, dfu-util)",
        settings: SETTINGS,
        least: "partitions: []",
    };
    const TOOLS: &'static [MockTool<Self>] = &[
        MockTool::new("STM32_Programmer_CLI", |args, board, console, clock| {
            MockEnd::Exit(stm32_programmer(args, board, console, clock))
        }),
        MockTool::new("dfu-util", |args, board, console, clock| dfu_util(args, &mut OwnDfu { board, clock }, console)),
    ];

    /// A dead board, plugged in, without the jumper: its flash holds the remains of what once ran.
    fn build(settings: &mut Settings<'_>, names: &[&str]) -> Self {
        Stm32N6::with(Stm32N6Settings::read(settings), names)
    }
}

impl Stm32N6 {
    fn with(settings: Stm32N6Settings, names: &[&str]) -> Self {
        let mishaps = Mishaps::named(names);
        let phase = if mishaps.has(Mishap::SecondStage) {
            Phase::Loader
        } else if mishaps.has(Mishap::InRom) {
            Phase::Rom
        } else if mishaps.has(Mishap::BootLoop) {
            Phase::Restarting
        } else if mishaps.has(Mishap::InterruptedUpdate) {
            Phase::Bootloader
        } else {
            Phase::Silent
        };
        Stm32N6 {
            jumper_fitted: matches!(phase, Phase::Rom | Phase::Loader),
            schedule: Schedule::new(phase),
            bootloader_before: matches!(phase, Phase::Restarting | Phase::Bootloader),
            own: own_bootloader(&settings, &mishaps),
            mishaps,
            changes: 0,
            nor: Memory::flash("nor.bin", settings.nor.range.start, settings.nor.range.length),
            flash_driver_loaded: false,
            regions: Vec::new(),
            watched: Watched::default(),
            settings,
        }
    }

    pub(crate) fn has(&self, mishap: Mishap) -> bool {
        self.mishaps.has(mishap)
    }

    pub(crate) fn phase(&self, now_ms: u64) -> Phase {
        self.schedule.at(now_ms)
    }

    /// Takes a boot stage: to RAM, and starts it.
    pub(crate) fn take_stage(&mut self, stage: u32, image: &[u8], clock: &mut BenchClock) -> Taken {
        clock.take(image.len() as u64 / RAM_BYTES_PER_MS + 20);
        let taken = match (stage, self.phase(clock.now_ms())) {
            (1, Phase::Rom) => self.start_loader(image, clock),
            (3, Phase::Loader) => {
                self.flash_driver_loaded = true;
                Taken::Loaded
            }
            _ => Taken::NotExpected,
        };
        self.passes(Boundary::Request);
        taken
    }

    fn start_loader(&mut self, image: &[u8], clock: &mut BenchClock) -> Taken {
        if !image.starts_with(SIGNED_MAGIC) || self.mishaps.happens(Mishap::StartFailed) {
            return Taken::NotStarted;
        }
        if self.mishaps.happens(Mishap::ReconnectTimesOut) || self.mishaps.has(Mishap::NeverReconnects) {
            self.go(clock.now_ms(), &[(0, Phase::Silent)]);
            return Taken::NotBack;
        }
        self.go(clock.now_ms(), &[(0, Phase::Silent), (LOADER_APPEARS_MS, Phase::Loader)]);
        clock.take(LOADER_APPEARS_MS);
        Taken::Restarted
    }

    /// Takes an image for flash, at an offset from its beginning.
    pub(crate) fn take_flash(&mut self, offset: u64, image: &[u8], clock: &mut BenchClock) -> Taken {
        clock.take(image.len() as u64 / NOR_BYTES_PER_MS + 20);
        if self.phase(clock.now_ms()) != Phase::Loader || !self.flash_driver_loaded {
            return Taken::NotExpected;
        }
        let (address, length) = (self.nor.start() + offset, image.len() as u64);
        let kept = if self.mishaps.happens(Mishap::LostInWrite) {
            self.go(clock.now_ms(), &[(0, Phase::Silent)]);
            Taken::Lost
        } else if self.mishaps.happens(Mishap::WriteRefused) || self.mishaps.has(Mishap::ErrorExit0) {
            Taken::WriteFailed
        } else {
            Taken::Written
        };
        self.regions.retain(|region| region.address + region.length <= address || address + length <= region.address);
        let sectors = length.next_multiple_of(self.settings.nor.sector_bytes);
        let image = if kept == Taken::Written { image } else { &image[..image.len() / 2] };
        // What was there before begins with the first sector.
        self.bootloader_before &= offset > 0;
        self.changes += 1;
        let stored = self.erase(address, sectors).and_then(|()| self.write(address, image));
        match stored.and_then(|()| self.nor.read(address, length)) {
            Err(_) => Taken::WriteFailed,
            Ok(bytes) if kept == Taken::Written => {
                self.regions.push(Region { address, length, sha256: sha256_of_bytes(&bytes) });
                self.passes(Boundary::Page);
                Taken::Written
            }
            Ok(_) => kept,
        }
    }

    fn erase(&mut self, address: u64, length: u64) -> io::Result<()> {
        let parts = self.watched.parts(2 * length / self.settings.nor.sector_bytes).max(1);
        for (number, part) in (0..parts).map(|number| (number, address + number * (length / parts))) {
            self.nor.erase(part, length / parts)?;
            self.passes(if number % 2 == 0 { Boundary::InErase } else { Boundary::Sector });
        }
        Ok(())
    }

    /// The end of the last page is the end of the write, which is told of once its region is known.
    fn write(&mut self, address: u64, image: &[u8]) -> io::Result<()> {
        let halves = self.watched.parts((image.len() as u64).div_ceil(PAGE_BYTES / 2));
        let half_bytes = if halves > 1 { PAGE_BYTES / 2 } else { image.len().max(1) as u64 };
        let mut at = address;
        for (number, half) in (1..).zip(image.chunks(usize::try_from(half_bytes).unwrap_or(usize::MAX))) {
            self.nor.write(at, half)?;
            at += half.len() as u64;
            if number != halves {
                self.passes(if number % 2 == 1 { Boundary::InProgram } else { Boundary::Page });
            }
        }
        Ok(())
    }

    /// From `now_ms` on the board goes through these phases, each a number of milliseconds after the one before.
    fn go(&mut self, now_ms: u64, phases: &[(u64, Phase)]) {
        self.schedule.go(now_ms, phases);
        self.flash_driver_loaded = false;
    }

    fn power_on(&mut self, now_ms: u64) {
        let silent = (0, Phase::Silent);
        if self.mishaps.has(Mishap::Absent) {
            self.go(now_ms, &[silent]);
        } else if self.jumper_fitted {
            self.go(now_ms, &[silent, (ROM_APPEARS_MS, Phase::Rom)]);
        } else if !self.holds_bootloader() {
            self.go(now_ms, &[silent]);
        } else {
            let bootloader = (BOOTLOADER_APPEARS_MS, Phase::Bootloader);
            match self.own.firmware() {
                Firmware::Damaged => self.go(now_ms, &[(0, Phase::Restarting)]),
                Firmware::Missing => self.go(now_ms, &[silent, bootloader]),
                Firmware::Whole => {
                    let running = [(BOOTLOADER_WINDOW_MS, Phase::Silent), (RUNNING_APPEARS_MS, Phase::Running)];
                    self.go(now_ms, &[&[silent, bootloader][..], &running].concat());
                }
            }
        }
    }

    /// The ROM starts a signed image from the beginning of flash.
    fn holds_bootloader(&self) -> bool {
        let start = self.nor.start();
        let written = self.regions.iter().any(|region| region.address == start);
        (written || self.bootloader_before)
            && self.nor.read(start, SIGNED_MAGIC.len() as u64).is_ok_and(|bytes| bytes == SIGNED_MAGIC)
    }

    fn device(&self, id: UsbId, (port, serial): (&str, &str), product: &str) -> BusDevice {
        let access = if self.mishaps.has(Mishap::NoPermission) { Access::Denied } else { Access::Permitted };
        BusDevice {
            id,
            port: port.to_owned(),
            serial: Some(serial.to_owned()),
            product: Some(product.to_owned()),
            interfaces: Vec::new(),
            version: None,
            kind: DeviceKind::Usb,
            access,
        }
    }
}

impl BoardModel for Stm32N6 {
    fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let mut devices = Vec::new();
        if self.mishaps.has(Mishap::TwoBoards) && matches!(self.phase(now_ms), Phase::Rom | Phase::Loader) {
            devices.push(self.device(self.settings.rom, ("1-1", OTHER_SERIAL), ROM_PRODUCT));
        }
        let (since_ms, phase) = self.schedule.since(now_ms);
        let shown = match phase {
            Phase::Unplugged | Phase::Silent => None,
            Phase::Restarting if !shown_in_round(now_ms - since_ms) => None,
            Phase::Rom => Some((self.settings.rom, ROM_PRODUCT)),
            Phase::Loader => Some((self.settings.rom, LOADER_PRODUCT)),
            Phase::Bootloader | Phase::Restarting => self.settings.bootloader.map(|id| (id, BOOTLOADER_PRODUCT)),
            Phase::Running => self.settings.running.map(|id| (id, RUNNING_PRODUCT)),
        };
        devices.extend(shown.map(|(id, product)| self.device(id, ("1-2", SERIAL), product)));
        devices
    }

    fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        let planned = self.schedule.next_change_ms(now_ms);
        let (since_ms, phase) = self.schedule.since(now_ms);
        planned.or((phase == Phase::Restarting).then(|| since_ms + next_in_round(now_ms - since_ms)))
    }

    fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        match hand_move {
            HandMove::Unplug => self.go(now_ms, &[(0, Phase::Unplugged)]),
            HandMove::PlugIn => self.power_on(now_ms),
            HandMove::FitJumper | HandMove::SwitchOn => self.jumper_fitted = true,
            HandMove::RemoveJumper | HandMove::SwitchOff => self.jumper_fitted = false,
            // The reset button.
            HandMove::PressButton if self.phase(now_ms) == Phase::Unplugged => {}
            HandMove::PressButton => self.power_on(now_ms),
        }
    }

    fn regions(&self) -> Vec<Region> {
        self.regions.iter().cloned().chain(self.own.regions()).collect()
    }

    fn changes(&self) -> Option<u64> {
        Some(self.changes + self.own.changes())
    }

    fn use_folder(&mut self, folder: &Path) {
        self.nor.use_folder(folder);
        self.own.use_folder(folder);
    }

    fn fill_memories(&self) -> io::Result<()> {
        let (start, sector) = (self.nor.start(), self.settings.nor.sector_bytes);
        self.nor.leave_remains(REMAINS_BYTES, sector)?;
        if self.bootloader_before {
            self.nor.erase(start, sector)?;
            self.nor.write(start, SIGNED_MAGIC)?;
        }
        Ok(())
    }

    /// Without a bootloader that shows itself, or without firmware for it to start, nothing is
    /// wrong with the firmware.
    fn mishap_names(&self) -> Vec<MishapName> {
        let shows_firmware = self.settings.bootloader.is_some() && self.settings.firmware.is_some();
        mishap_names(|mishap: Mishap| {
            let of_firmware =
                [Mishap::BootLoop, Mishap::InterruptedUpdate, Mishap::FirmwareDamaged, Mishap::StaysInBootloader];
            shows_firmware || !of_firmware.contains(&mishap)
        })
    }

    fn heal(&mut self) {
        self.mishaps.heal();
    }

    fn settle(&mut self) {
        self.schedule.settle();
        self.changes = 0;
        self.own.settle();
    }

    fn watched_by(&mut self, watched: Watched) {
        self.watched = watched;
    }

    fn passes(&self, boundary: Boundary) {
        self.watched.passes(boundary, self);
    }

    fn hangs(&mut self, tool: &str, args: &[String]) -> bool {
        tool == "STM32_Programmer_CLI"
            && args.iter().any(|argument| argument == "-d" || argument == "-w")
            && self.mishaps.happens(Mishap::ToolHangs)
    }
}

/// What the bootloader finds: firmware that no setting names is always whole.
fn own_bootloader(settings: &Stm32N6Settings, mishaps: &Mishaps<Mishap>) -> OwnBootloader {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::kit::nor::Nor;
    use crate::bench::kit::settings::Range;
    use crate::bench::{BenchClock, Partition};

    const NOR_START: u64 = 0x7000_0000;

    fn board(names: &[&str], folder: &Path) -> Stm32N6 {
        let id = |text: &str| text.parse().unwrap();
        let settings = Stm32N6Settings {
            rom: id("0483:df11"),
            bootloader: Some(id("37c5:9206")),
            running: Some(id("37c5:1206")),
            nor: Nor { range: Range { start: NOR_START, length: 0x100_0000 }, sector_bytes: 0x1000 },
            partitions: vec![Partition { name: "FIRMWARE".into(), address: 0, length_max: 1, read_only: false }],
            firmware: Some("FIRMWARE".into()),
        };
        let mut board = Stm32N6::with(settings, names);
        board.use_folder(folder);
        board.fill_memories().unwrap();
        board
    }

    /// Unplugged, perhaps with the wire moved, and plugged in again; answers with what shows up one after the other.
    fn replug(board: &mut Stm32N6, wire: HandMove, from_ms: u64) -> Vec<Phase> {
        for (hand_move, after_ms) in [(HandMove::Unplug, 0), (wire, 1_000), (HandMove::PlugIn, 2_000)] {
            board.hands(hand_move, from_ms + after_ms);
        }
        let mut at_ms = from_ms + 2_000;
        let mut phases = Vec::new();
        while let Some(next_ms) = board.next_change_ms(at_ms) {
            at_ms = next_ms;
            phases.push(board.phase(at_ms));
        }
        phases
    }

    #[test]
    fn takes_the_partitions_in_their_order_and_starts_what_lies_in_flash() {
        let folder = tempfile::tempdir().unwrap();
        for (names, then) in [
            (&[][..], &[Phase::Bootloader][..]),
            (&["firmware-alive"], &[Phase::Bootloader, Phase::Silent, Phase::Running]),
        ] {
            let mut board = board(names, folder.path());
            assert_eq!(replug(&mut board, HandMove::RemoveJumper, 0), []);
            assert_eq!(replug(&mut board, HandMove::FitJumper, 10_000), [Phase::Rom]);
            let mut clock = BenchClock::at(20_000);
            let image = b"STM2 image";
            assert_eq!(board.take_flash(0, image, &mut clock), Taken::NotExpected);
            assert_eq!(board.take_stage(3, image, &mut clock), Taken::NotExpected);
            assert_eq!(board.take_stage(1, b"unsigned", &mut clock), Taken::NotStarted);
            assert_eq!(board.take_stage(1, image, &mut clock), Taken::Restarted);
            assert_eq!(board.attached(clock.now_ms())[0].product.as_deref(), Some(LOADER_PRODUCT));
            assert_eq!(board.take_flash(0, image, &mut clock), Taken::NotExpected);
            assert_eq!(board.take_stage(3, image, &mut clock), Taken::Loaded);
            assert_eq!(board.take_flash(0, image, &mut clock), Taken::Written);
            let expected = Region { address: NOR_START, length: 10, sha256: sha256_of_bytes(image) };
            assert_eq!(board.regions(), [expected]);
            assert_eq!(replug(&mut board, HandMove::RemoveJumper, 40_000), then);
        }
    }
}
