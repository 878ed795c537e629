//! A camera with an Alif Ensemble: a Secure Enclave behind a USB-serial bridge, MRAM, and a recovery switch.
//!
//! This file holds what the board is and how it comes and goes on the bus; what its Secure Enclave understands stands in
//! `enclave.rs`. With the switch on, the bridge is on the bus instead of the camera.

mod enclave;
mod mishap;
mod part;
mod release;
mod settings;
pub(in crate::bench) mod tools_folder;

use std::io;
use std::path::Path;

use crate::bench::boards::own_bootloader::{
    BOOTLOADER_WINDOW_MS, Firmware, HasOwnBootloader, OwnBootloader, OwnDfu, next_in_round, shown_in_round,
};
use crate::bench::kit::image::noise;
use crate::bench::kit::memory::Memory;
use crate::bench::kit::mishaps::{MishapName, Mishaps, mishap_names};
use crate::bench::kit::model::{MockTool, Model, ModelHelp, Play, ToolPlace};
use crate::bench::kit::schedule::Schedule;
use crate::bench::kit::settings::Settings;
use crate::bench::kit::watched::{Boundary, Watched};
use crate::bench::mocks::{alif, dfu_util};
use crate::bench::{BenchFiles, BoardModel, BusDevice, Region};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::words::UsbId;
use crate::world::Access;

pub(crate) use enclave::{BAUD, BlockAnswer, Stage};
pub(crate) use mishap::Mishap;
pub(crate) use part::Part;
pub(crate) use release::{Release, SesVersion};
pub(crate) use settings::Mram;

use settings::{AlifSettings, SETTINGS};

/// What the board shows to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Phase {
    Unplugged,
    /// Powered, and nothing on the bus.
    Nothing,
    Bridge,
    Bootloader,
    /// The bootloader comes and goes, because the firmware takes the camera down again and again.
    Restarting,
    Running,
}

/// The state of the board.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct AlifSe {
    settings: AlifSettings,
    mishaps: Mishaps<Mishap>,
    switched_on: bool,
    schedule: Schedule<Phase>,
    plugged_in: u32,
    unplugged: u32,
    /// Resets by the button, and when the last one was.
    resets: u32,
    last_reset_ms: u64,
    enclave: enclave::Enclave,
    /// How often something that lasts was changed.
    #[serde(default)]
    changes: u64,
    mram: Memory,
    /// A healthy bootloader was there before any tool ran, and is still there.
    bootloader_before: bool,
    regions: Vec<Region>,
    own: OwnBootloader,
    /// Known to who uses the board, not to its description.
    #[serde(skip)]
    watched: Watched,
}

/// What is behind a name that somebody wants to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortFound {
    Camera,
    Foreign,
    Denied,
    Nothing,
}

const BRIDGE_APPEARS_MS: u64 = 700;
const BOOTLOADER_APPEARS_MS: u64 = 400;
const RUNNING_APPEARS_MS: u64 = 300;

/// The folder in which Alif's tools lie with their data.
const TOOLS_FOLDER: &str = "alif";

const fn se_tool(name: &'static str, version: Play<AlifSe>) -> MockTool<AlifSe> {
    MockTool::talking(ToolPlace { name, folder: Some(TOOLS_FOLDER) }, version, alif::play)
}

impl Model for AlifSe {
    const HELP: ModelHelp = ModelHelp {
        name: "alif-se",
        about: "an Alif Ensemble with its Secure Enclave behind a serial bridge (Alif's SE Tools, dfu-util)",
        settings: SETTINGS,
        least: "partitions: []",
    };
    const TOOLS: &'static [MockTool<Self>] = &[
        se_tool("maintenance", |_, board, console, _| alif::version("maintenance", board.release(), console)),
        se_tool("updateSystemPackage", |_, board, console, _| {
            alif::version("updateSystemPackage", board.release(), console)
        }),
        se_tool("app-write-mram", |_, board, console, _| alif::version("app-write-mram", board.release(), console)),
        MockTool::new("dfu-util", |args, board, console, clock| dfu_util(args, &mut OwnDfu { board, clock }, console)),
    ];

    /// A camera with a dead bootloader, plugged in, its recovery switch off.
    fn build(settings: &mut Settings<'_>, names: &[&str]) -> Self {
        let settings = AlifSettings::read(settings);
        let mut mishaps = Mishaps::named(names);
        if mishaps.has(Mishap::EofQuestion) {
            mishaps.add(Mishap::PartMismatch);
        }
        let enclave = enclave::Enclave::new(&mishaps, release(&mishaps));
        // What an interrupted run has left stands as that run left it.
        let switched_on = mishaps.has(Mishap::WrongBaud);
        let phase = if switched_on {
            Phase::Bridge
        } else if mishaps.has(Mishap::BootLoop) {
            Phase::Restarting
        } else if mishaps.has(Mishap::InterruptedUpdate) {
            Phase::Bootloader
        } else {
            Phase::Nothing
        };
        AlifSe {
            own: own_bootloader(&settings, &mishaps),
            bootloader_before: matches!(phase, Phase::Restarting | Phase::Bootloader),
            mishaps,
            switched_on,
            schedule: Schedule::new(phase),
            plugged_in: 0,
            unplugged: 0,
            resets: 0,
            last_reset_ms: 0,
            enclave,
            mram: Memory::ram("mram.bin", settings.mram.range.start, settings.mram.range.length),
            regions: Vec::new(),
            changes: 0,
            watched: Watched::default(),
            settings,
        }
    }
}

impl AlifSe {
    pub(crate) fn release(&self) -> Release {
        release(&self.mishaps)
    }

    pub(crate) fn memory(&self) -> Mram {
        self.settings.mram
    }

    /// Every part that the tools know here: those that boards of this kind are built with, and a strange one.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.settings.parts.iter().chain([&self.settings.strange_part])
    }

    /// What the bridge suggests.
    fn part(&self) -> &Part {
        self.part_of(self.mishaps.has(Mishap::Sbl2))
    }

    /// What the chip itself tells.
    pub(crate) fn detected_part(&self) -> &Part {
        if self.mishaps.has(Mishap::StrangePart) {
            return &self.settings.strange_part;
        }
        self.part_of(self.mishaps.has(Mishap::Sbl2) != self.mishaps.has(Mishap::PartMismatch))
    }

    /// There is at least one part, and at most one for each series.
    fn part_of(&self, later_series: bool) -> &Part {
        let last = self.settings.parts.len() - 1;
        &self.settings.parts[usize::from(later_series).min(last)]
    }

    pub(crate) fn has(&self, mishap: Mishap) -> bool {
        self.mishaps.has(mishap)
    }

    pub(crate) fn happens(&mut self, mishap: Mishap) -> bool {
        self.mishaps.happens(mishap)
    }

    /// Presses of the button so far, and when the last one was.
    pub(crate) fn resets(&self) -> (u32, u64) {
        (self.resets, self.last_reset_ms)
    }

    /// How often the cable was pulled.
    pub(crate) fn unplugged(&self) -> u32 {
        self.unplugged
    }

    pub(crate) fn find_port(&self, name: &str, now_ms: u64) -> PortFound {
        let found = if self.camera_port(now_ms).as_deref() == Some(name) {
            PortFound::Camera
        } else if self.foreign_port().as_deref() == Some(name) {
            PortFound::Foreign
        } else {
            return PortFound::Nothing;
        };
        if self.has(Mishap::NoPermission) { PortFound::Denied } else { found }
    }

    /// Names of the serial ports, as a tool lists them.
    pub(crate) fn ports(&self, now_ms: u64) -> Vec<String> {
        self.foreign_port().into_iter().chain(self.camera_port(now_ms)).collect()
    }

    fn camera_port(&self, now_ms: u64) -> Option<String> {
        let first = u32::from(self.has(Mishap::ForeignBridge));
        let moved = if self.has(Mishap::PortMoves) { self.plugged_in } else { 0 };
        (self.phase(now_ms) == Phase::Bridge).then(|| self.part().port(first + moved))
    }

    fn foreign_port(&self) -> Option<String> {
        self.has(Mishap::ForeignBridge).then(|| self.part().port(0))
    }

    fn phase(&self, now_ms: u64) -> Phase {
        self.schedule.at(now_ms)
    }

    /// Is there power, once everything that is planned has happened?
    fn powered(&self) -> bool {
        self.schedule.last() != Phase::Unplugged
    }

    fn lose_power(&mut self, now_ms: u64) {
        self.unplugged += 1;
        self.schedule.go(now_ms, &[(0, Phase::Unplugged)]);
    }

    /// What comes on the bus after power, after a reset, and after the switch was moved.
    fn show(&mut self, now_ms: u64) {
        let start = (0, Phase::Nothing);
        if self.has(Mishap::Absent) {
            self.schedule.go(now_ms, &[start]);
        } else if self.switched_on {
            self.schedule.go(now_ms, &[start, (BRIDGE_APPEARS_MS, Phase::Bridge)]);
        } else if !self.starts_bootloader() {
            self.schedule.go(now_ms, &[start]);
        } else {
            let bootloader = [start, (BOOTLOADER_APPEARS_MS, Phase::Bootloader)];
            match self.own.firmware() {
                Firmware::Damaged => self.schedule.go(now_ms, &[(0, Phase::Restarting)]),
                Firmware::Missing => self.schedule.go(now_ms, &bootloader),
                Firmware::Whole => {
                    let running = [(BOOTLOADER_WINDOW_MS, Phase::Nothing), (RUNNING_APPEARS_MS, Phase::Running)];
                    self.schedule.go(now_ms, &[bootloader, running].concat());
                }
            }
        }
    }

    /// The Secure Enclave starts the bootloader when the table of contents names it, and both are whole.
    fn starts_bootloader(&self) -> bool {
        let holds = |address| self.regions.iter().any(|region| region.address == address);
        let written = holds(self.settings.bootloader_address) && holds(self.settings.toc_address);
        self.enclave.starts_applications() && (written || self.bootloader_before)
    }
}

fn release(mishaps: &Mishaps<Mishap>) -> Release {
    if mishaps.has(Mishap::Tools1103) {
        Release::V1_103
    } else if mishaps.has(Mishap::Tools1110) {
        Release::V1_110
    } else {
        Release::V1_104
    }
}

impl BoardModel for AlifSe {
    fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let access = if self.has(Mishap::NoPermission) { Access::Denied } else { Access::Permitted };
        let bridge = |port: String| BusDevice {
            id: self.part().bridge,
            port,
            serial: None,
            product: Some(self.part().bridge_product.clone()),
            interfaces: Vec::new(),
            version: None,
            kind: DeviceKind::Serial,
            access,
        };
        let camera = |id: UsbId, product: &str| BusDevice {
            id,
            port: "1-2".to_owned(),
            serial: None,
            product: Some(product.to_owned()),
            interfaces: Vec::new(),
            version: None,
            kind: DeviceKind::Usb,
            access: Access::Permitted,
        };
        let mut devices: Vec<BusDevice> = self.ports(now_ms).into_iter().map(bridge).collect();
        let (since_ms, phase) = self.schedule.since(now_ms);
        match phase {
            Phase::Restarting if !shown_in_round(now_ms - since_ms) => {}
            Phase::Bootloader | Phase::Restarting => {
                devices.extend(self.settings.bootloader.map(|id| camera(id, "Camera (DFU Mode)")));
            }
            Phase::Running => devices.extend(self.settings.running.map(|id| camera(id, "Virtual Comm Port"))),
            Phase::Unplugged | Phase::Nothing | Phase::Bridge => {}
        }
        devices
    }

    fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        let planned = self.schedule.next_change_ms(now_ms);
        let (since_ms, phase) = self.schedule.since(now_ms);
        planned.or((phase == Phase::Restarting).then(|| since_ms + next_in_round(now_ms - since_ms)))
    }

    fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        match hand_move {
            HandMove::Unplug => self.lose_power(now_ms),
            HandMove::PlugIn => {
                self.plugged_in += 1;
                self.power_on();
                self.show(now_ms);
            }
            HandMove::SwitchOn | HandMove::SwitchOff => {
                let on = hand_move == HandMove::SwitchOn;
                if on != self.switched_on && self.powered() {
                    self.switched_on = on;
                    self.show(now_ms);
                }
                self.switched_on = on;
            }
            HandMove::PressButton => {
                if self.powered() {
                    self.resets += 1;
                    self.last_reset_ms = now_ms;
                    self.reset();
                    // The bridge has its own supply and stays.
                    if !self.switched_on {
                        self.show(now_ms);
                    }
                }
            }
            HandMove::FitJumper | HandMove::RemoveJumper => {}
        }
    }

    fn regions(&self) -> Vec<Region> {
        self.regions.iter().cloned().chain(self.own.regions()).collect()
    }

    /// This chip's one-time memory is nobody's business here.
    fn changes(&self) -> Option<u64> {
        Some(self.changes + self.own.changes())
    }

    fn use_folder(&mut self, folder: &Path) {
        self.mram.use_folder(folder);
        self.own.use_folder(folder);
    }

    /// The remains of the dead application.
    fn fill_memories(&self) -> io::Result<()> {
        self.mram.write(self.settings.bootloader_address, &noise("remains of the bootloader", 4096))?;
        self.mram.write(self.settings.toc_address, &noise("remains of the table of contents", 8192))
    }

    fn lay_out_tools(&self, files: &BenchFiles) -> io::Result<()> {
        tools_folder::lay_out(&files.folder().join(TOOLS_FOLDER), self)
    }

    /// With a single series nothing is taken for the other one, and without a bootloader that
    /// shows itself, or without firmware for it to start, nothing is wrong with the firmware.
    fn mishap_names(&self) -> Vec<MishapName> {
        let shows_firmware = self.settings.bootloader.is_some() && self.settings.firmware.is_some();
        mishap_names(|mishap: Mishap| match mishap {
            Mishap::Sbl2 | Mishap::PartMismatch | Mishap::EofQuestion => self.settings.parts.len() > 1,
            Mishap::NoFirmware
            | Mishap::BootLoop
            | Mishap::InterruptedUpdate
            | Mishap::FirmwareDamaged
            | Mishap::StaysInBootloader => shows_firmware,
            _ => true,
        })
    }

    /// Its tools hang in the middle of their work, if at all.
    fn heal(&mut self) {
        self.mishaps.heal();
    }

    fn settle(&mut self) {
        self.schedule.settle();
        (self.plugged_in, self.unplugged, self.resets, self.last_reset_ms) = (0, 0, 0, 0);
        self.changes = 0;
        self.own.settle();
    }

    fn watched_by(&mut self, watched: Watched) {
        self.watched = watched;
    }

    fn passes(&self, boundary: Boundary) {
        self.watched.passes(boundary, self);
    }
}

/// What the bootloader finds: firmware that no setting names is always whole.
fn own_bootloader(settings: &AlifSettings, mishaps: &Mishaps<Mishap>) -> OwnBootloader {
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
