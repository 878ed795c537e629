//! A camera with an Alif Ensemble: a Secure Enclave behind a USB-serial bridge, MRAM, and a recovery switch.
//!
//! This file holds what the board is and how it comes and goes on the bus; what its Secure Enclave understands stands in
//! `enclave.rs`. With the switch on, the bridge is on the bus instead of the camera.

mod enclave;
mod fault;
mod own;
mod part;
mod release;
mod settings;
pub(in crate::bench) mod tools_folder;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::bench::boards::own_bootloader::{
    BOOTLOADER_WINDOW_MS, Firmware, OwnBootloader, next_in_round, shown_in_round,
};
use crate::bench::kit::image::noise;
use crate::bench::kit::memory::Memory;
use crate::bench::kit::settings::Settings;
use crate::bench::{BenchError, BoardModel, BusDevice, FaultName, Region};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::words::UsbId;
use crate::world::Access;

pub(crate) use enclave::{BAUD, BlockAnswer, Stage};
pub(crate) use fault::Fault;
pub(crate) use part::Part;
pub(crate) use release::{Release, SesVersion};
pub(crate) use settings::{Mram, SETTINGS};

use fault::Faults;
use settings::AlifSettings;

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
    faults: Faults,
    switched_on: bool,
    /// From when on the board is in which phase; in order of time, at least one.
    schedule: Vec<(u64, Phase)>,
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

impl AlifSe {
    pub const MODEL: &'static str = "alif-se";

    /// A camera with a dead bootloader, plugged in, its recovery switch off.
    pub(crate) fn new(settings: &mut Settings<'_>, names: &[&str]) -> Result<Self, BenchError> {
        let settings = AlifSettings::read(settings);
        let faults = Faults::by_name(names)?;
        let enclave = enclave::Enclave::new(&faults, release(&faults));
        // What an interrupted run has left stands as that run left it.
        let switched_on = faults.has(Fault::WrongBaud);
        let phase = if switched_on {
            Phase::Bridge
        } else if faults.has(Fault::BootLoop) {
            Phase::Restarting
        } else if faults.has(Fault::InterruptedUpdate) {
            Phase::Bootloader
        } else {
            Phase::Nothing
        };
        Ok(AlifSe {
            own: own::bootloader(&settings, &faults),
            bootloader_before: matches!(phase, Phase::Restarting | Phase::Bootloader),
            faults,
            switched_on,
            schedule: vec![(0, phase)],
            plugged_in: 0,
            unplugged: 0,
            resets: 0,
            last_reset_ms: 0,
            enclave,
            mram: Memory::ram("mram.bin", settings.mram.range.start, settings.mram.range.length),
            regions: Vec::new(),
            changes: 0,
            settings,
        })
    }

    /// The remains of the dead application.
    pub(crate) fn fill_with_remains(&self) -> io::Result<()> {
        self.mram.write(self.settings.bootloader_address, &noise("remains of the bootloader", 4096))?;
        self.mram.write(self.settings.toc_address, &noise("remains of the table of contents", 8192))
    }

    pub(crate) fn release(&self) -> Release {
        release(&self.faults)
    }

    pub(crate) fn memory(&self) -> Mram {
        self.settings.mram
    }

    /// Every part that the tools know here: those that boards of this kind are built with, and a strange one.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.settings.parts.iter().chain([&self.settings.strange_part])
    }

    /// What can befall this board: with a single series nothing is taken for the other one, and without a bootloader that
    /// shows itself, or without firmware for it to start, nothing is wrong with the firmware.
    pub(crate) fn fault_names(&self) -> Vec<FaultName> {
        let shows_firmware = self.settings.bootloader.is_some() && self.settings.firmware.is_some();
        fault::fault_names(|fault| match fault {
            Fault::Sbl2 | Fault::PartMismatch | Fault::EofQuestion => self.settings.parts.len() > 1,
            Fault::NoFirmware
            | Fault::BootLoop
            | Fault::InterruptedUpdate
            | Fault::FirmwareDamaged
            | Fault::StaysInBootloader => shows_firmware,
            _ => true,
        })
    }

    /// What the bridge suggests.
    fn part(&self) -> &Part {
        self.part_of(self.faults.has(Fault::Sbl2))
    }

    /// What the chip itself tells.
    pub(crate) fn detected_part(&self) -> &Part {
        if self.faults.has(Fault::StrangePart) {
            return &self.settings.strange_part;
        }
        self.part_of(self.faults.has(Fault::Sbl2) != self.faults.has(Fault::PartMismatch))
    }

    /// There is at least one part, and at most one for each series.
    fn part_of(&self, later_series: bool) -> &Part {
        let last = self.settings.parts.len() - 1;
        &self.settings.parts[usize::from(later_series).min(last)]
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        self.faults.strikes(fault)
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
        if self.has(Fault::NoPermission) { PortFound::Denied } else { found }
    }

    /// Names of the serial ports, as a tool lists them.
    pub(crate) fn ports(&self, now_ms: u64) -> Vec<String> {
        self.foreign_port().into_iter().chain(self.camera_port(now_ms)).collect()
    }

    fn camera_port(&self, now_ms: u64) -> Option<String> {
        let first = u32::from(self.has(Fault::ForeignBridge));
        let moved = if self.has(Fault::PortMoves) { self.plugged_in } else { 0 };
        (self.phase(now_ms) == Phase::Bridge).then(|| self.part().port(first + moved))
    }

    fn foreign_port(&self) -> Option<String> {
        self.has(Fault::ForeignBridge).then(|| self.part().port(0))
    }

    fn phase(&self, now_ms: u64) -> Phase {
        self.phase_since(now_ms).1
    }

    fn phase_since(&self, now_ms: u64) -> (u64, Phase) {
        self.schedule.iter().rev().find(|(at_ms, _)| *at_ms <= now_ms).copied().unwrap_or((0, Phase::Nothing))
    }

    /// Is there power, once everything that is planned has happened?
    fn powered(&self) -> bool {
        self.schedule.last().is_some_and(|(_, phase)| *phase != Phase::Unplugged)
    }

    /// From `now_ms` on the board goes through these phases, each a number of milliseconds after the one before.
    fn go(&mut self, now_ms: u64, phases: &[(u64, Phase)]) {
        self.schedule.retain(|(at_ms, _)| *at_ms < now_ms);
        let mut at_ms = now_ms;
        for (after_ms, phase) in phases {
            at_ms += after_ms;
            self.schedule.push((at_ms, *phase));
        }
        let past = self.schedule.iter().filter(|(at_ms, _)| *at_ms <= now_ms).count();
        self.schedule.drain(..past.saturating_sub(1));
    }

    fn lose_power(&mut self, now_ms: u64) {
        self.unplugged += 1;
        self.go(now_ms, &[(0, Phase::Unplugged)]);
    }

    /// What comes on the bus after power, after a reset, and after the switch was moved.
    fn show(&mut self, now_ms: u64) {
        let start = (0, Phase::Nothing);
        if self.has(Fault::Absent) {
            self.go(now_ms, &[start]);
        } else if self.switched_on {
            self.go(now_ms, &[start, (BRIDGE_APPEARS_MS, Phase::Bridge)]);
        } else if !self.starts_bootloader() {
            self.go(now_ms, &[start]);
        } else {
            let bootloader = [start, (BOOTLOADER_APPEARS_MS, Phase::Bootloader)];
            match self.own.firmware() {
                Firmware::Damaged => self.go(now_ms, &[(0, Phase::Restarting)]),
                Firmware::Missing => self.go(now_ms, &bootloader),
                Firmware::Whole => {
                    let running = [(BOOTLOADER_WINDOW_MS, Phase::Nothing), (RUNNING_APPEARS_MS, Phase::Running)];
                    self.go(now_ms, &[bootloader, running].concat());
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

fn release(faults: &Faults) -> Release {
    if faults.has(Fault::Tools1103) {
        Release::V1_103
    } else if faults.has(Fault::Tools1110) {
        Release::V1_110
    } else {
        Release::V1_104
    }
}

impl BoardModel for AlifSe {
    fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let access = if self.has(Fault::NoPermission) { Access::Denied } else { Access::Permitted };
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
        let (since_ms, phase) = self.phase_since(now_ms);
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
        let planned = self.schedule.iter().map(|(at_ms, _)| *at_ms).find(|at_ms| *at_ms > now_ms);
        let (since_ms, phase) = self.phase_since(now_ms);
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

    fn fuses(&self) -> BTreeMap<u32, u32> {
        BTreeMap::new()
    }

    fn use_folder(&mut self, folder: &Path) {
        self.mram.use_folder(folder);
        self.own.use_folder(folder);
    }

    /// Its tools hang in the middle of their work, if at all.
    fn heal(&mut self) {
        self.faults.heal();
    }

    fn hangs(&mut self, _tool: &str, _args: &[String]) -> bool {
        false
    }
}
