//! A board with an i.MX RT1062: a boot ROM, the RAM flashloader, NOR flash on FlexSPI and one-time fuses.
//!
//! This file holds what the board is and how it comes and goes on the bus; what its ROM and its flashloader understand
//! stands in their own files. Sizes and times are near those of a real board; the answers follow NXP's documents.

mod fault;
mod flashloader;
mod rom;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::bench::image::noise;
use crate::bench::memory::Memory;
use crate::bench::settings::Settings;
use crate::bench::{BenchError, BoardModel, BusDevice, Region};
use crate::documents::playbook::{Device, DeviceKind, HandMove};
use crate::words::UsbId;
use crate::world::Access;

pub(crate) use fault::{Fault, Faults, fault_names};
pub(crate) use flashloader::{Answer, AnswerKind, Command, DataPhase, Exchange, MAX_PACKET_BYTES};
pub(crate) use rom::{HAB_OPEN, JumpAnswer, WRITE_COMPLETE, WriteFileAnswer};

/// Which generation of NXP's tools the bench plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    Spsdk312,
    Spsdk26,
    Legacy,
}

/// What the board shows to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Phase {
    Unplugged,
    /// Powered, and nothing on the bus.
    Silent,
    Rom,
    Flashloader,
    /// The bootloader in flash, which shows the same id as the flashloader.
    Resident,
    Running,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Identity {
    id: UsbId,
    kind: DeviceKind,
    product: String,
}

/// The state of the board.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct ImxRt {
    rom: Identity,
    flashloader: Identity,
    running: Identity,
    layout: Layout,
    faults: Faults,
    jumper_fitted: bool,
    /// From when on the board is in which phase; in order of time, at least one.
    schedule: Vec<(u64, Phase)>,
    /// Tightly coupled memories and on-chip RAM; lost without power.
    ram: Vec<Memory>,
    nor: Memory,
    nor_configured: bool,
    regions: Vec<Region>,
    /// Regions whose flash cells did not take what was written.
    bad_regions: Vec<u64>,
    fuses: BTreeMap<u32, u32>,
    locked_fuses: Vec<u32>,
    /// Answers the flashloader has sent and no tool has read.
    unread: Vec<Answer>,
    /// A write-memory that the flashloader has agreed to and whose data has not come.
    writing: Option<(u64, u64)>,
}

/// Where things lie in this board's flash.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Layout {
    loader_address: u64,
    firmware_address: u64,
    boot_fuse_word: u32,
    boot_fuse_bits: u32,
}

pub(crate) const SECTOR_BYTES: u64 = 0x1000;
const ROM_APPEARS_MS: u64 = 700;
const FLASHLOADER_APPEARS_MS: u64 = 1_500;
const LATE_FLASHLOADER_APPEARS_MS: u64 = 8_000;
const RESIDENT_APPEARS_MS: u64 = 500;
const RESIDENT_STAYS_MS: u64 = 1_000;
const RUNNING_APPEARS_MS: u64 = 400;

const SETTINGS: &[&str] =
    &["nor_start", "nor_size", "loader_address", "firmware_address", "boot_fuse_word", "boot_fuse_bits"];

impl ImxRt {
    /// A dead board, plugged in, without the jumper: its flash holds the remains of what once ran.
    pub(crate) fn new(settings: Settings<'_>, names: &[&str]) -> Result<Self, BenchError> {
        settings.refuse_others(SETTINGS)?;
        let faults = Faults::by_name(names)?;
        let word = |name, default| {
            let value = settings.integer(name, default)?;
            u32::try_from(value).map_err(|_| crate::bench::settings::wrong(name, "it has more than 32 bits"))
        };
        let nor_start = settings.integer("nor_start", 0x6000_0000)?;
        let layout = Layout {
            loader_address: settings.integer("loader_address", nor_start + 0x1000)?,
            firmware_address: settings.integer("firmware_address", nor_start + 0x4_0000)?,
            boot_fuse_word: word("boot_fuse_word", 6)?,
            boot_fuse_bits: word("boot_fuse_bits", 0x10)?,
        };
        let mut fuses = BTreeMap::from([(layout.boot_fuse_word, 0)]);
        if faults.has(Fault::FuseSet) {
            fuses.insert(layout.boot_fuse_word, layout.boot_fuse_bits);
        }
        Ok(ImxRt {
            rom: identity(settings.device("rom")?, "SE Blank RT Family")?,
            flashloader: identity(settings.device("flashloader")?, "USB COMPOSITE DEVICE")?,
            running: identity(settings.device("running")?, "OpenMV Virtual Comm Port")?,
            layout,
            faults,
            jumper_fitted: false,
            schedule: vec![(0, Phase::Silent)],
            ram: vec![
                Memory::ram("itcm.bin", 0, 0x8_0000),
                Memory::ram("dtcm.bin", 0x2000_0000, 0x8_0000),
                Memory::ram("ocram.bin", 0x2020_0000, 0x10_0000),
            ],
            nor: Memory::flash("nor.bin", nor_start, settings.integer("nor_size", 0x100_0000)?),
            nor_configured: false,
            regions: Vec::new(),
            bad_regions: Vec::new(),
            fuses,
            locked_fuses: Vec::new(),
            unread: Vec::new(),
            writing: None,
        })
    }

    /// Leaves remains of dead software at the start of every sector, so that a forgotten or too short erase is noticed.
    pub(crate) fn fill_with_remains(&self) -> io::Result<()> {
        let sectors = 0x40_0000 / SECTOR_BYTES;
        for sector in 0..sectors {
            let address = self.nor.start() + sector * SECTOR_BYTES;
            if self.nor.contains(address, SECTOR_BYTES) {
                self.nor.write(address, &noise(&format!("remains {sector}"), 16))?;
            }
        }
        Ok(())
    }

    pub(crate) fn flavour(&self) -> Flavour {
        if self.faults.has(Fault::Legacy) {
            Flavour::Legacy
        } else if self.faults.has(Fault::Spsdk26) {
            Flavour::Spsdk26
        } else {
            Flavour::Spsdk312
        }
    }

    pub(crate) fn phase(&self, now_ms: u64) -> Phase {
        self.schedule.iter().rev().find(|(at_ms, _)| *at_ms <= now_ms).map_or(Phase::Silent, |(_, phase)| *phase)
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
        self.unread.clear();
        self.writing = None;
        self.nor_configured = false;
    }

    /// Puts the board into a phase that no call could bring it to.
    #[cfg(test)]
    pub(crate) fn show(&mut self, now_ms: u64, phase: Phase) {
        self.go(now_ms, &[(0, phase)]);
    }

    /// Falls off the bus and stays away until somebody plugs it in again.
    fn drop_off(&mut self, now_ms: u64) {
        self.go(now_ms, &[(0, Phase::Silent)]);
    }

    fn power_on(&mut self, now_ms: u64) {
        for memory in &self.ram {
            // Without power there is nothing to keep; a file that cannot be removed is found by the next write.
            let _left_over = memory.clear();
        }
        self.restart(now_ms);
    }

    fn restart(&mut self, now_ms: u64) {
        if self.faults.has(Fault::Absent) {
            self.go(now_ms, &[(0, Phase::Silent)]);
        } else if self.jumper_fitted {
            self.go(now_ms, &[(0, Phase::Silent), (ROM_APPEARS_MS, Phase::Rom)]);
        } else if !self.boots_from_flash() {
            self.go(now_ms, &[(0, Phase::Silent)]);
        } else if self.holds(self.layout.firmware_address) {
            let resident = [(0, Phase::Silent), (RESIDENT_APPEARS_MS, Phase::Resident)];
            let running = [(RESIDENT_STAYS_MS, Phase::Silent), (RUNNING_APPEARS_MS, Phase::Running)];
            self.go(now_ms, &[resident, running].concat());
        } else {
            self.go(now_ms, &[(0, Phase::Silent), (RESIDENT_APPEARS_MS, Phase::Resident)]);
        }
    }

    /// The boot ROM starts flash when the fuse says so, the configuration block is there, and the loader has a header.
    fn boots_from_flash(&self) -> bool {
        let starts_with = |address, magic: &[u8]| {
            self.holds(address) && self.nor.read(address, magic.len() as u64).is_ok_and(|bytes| bytes == magic)
        };
        let fuse = self.fuses.get(&self.layout.boot_fuse_word).copied().unwrap_or(0);
        fuse & self.layout.boot_fuse_bits == self.layout.boot_fuse_bits
            && starts_with(self.nor.start(), b"FCFB")
            && starts_with(self.layout.loader_address, &[0xd1])
    }

    /// Was something written here that the flash has kept?
    fn holds(&self, address: u64) -> bool {
        self.regions.iter().any(|region| region.address == address) && !self.bad_regions.contains(&address)
    }

    fn shown(&self, phase: Phase) -> Option<&Identity> {
        match phase {
            Phase::Unplugged | Phase::Silent => None,
            Phase::Rom => Some(&self.rom),
            Phase::Flashloader | Phase::Resident => Some(&self.flashloader),
            Phase::Running => Some(&self.running),
        }
    }
}

impl BoardModel for ImxRt {
    fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let Some(shown) = self.shown(self.phase(now_ms)) else { return Vec::new() };
        let access = if self.faults.has(Fault::NoPermission) { Access::Denied } else { Access::Permitted };
        let ports: &[&str] = if self.faults.has(Fault::TwoBoards) { &["1-2", "1-3"] } else { &["1-2"] };
        let device = |port: &&str| BusDevice {
            id: shown.id,
            port: (*port).to_owned(),
            serial: None,
            product: Some(shown.product.clone()),
            kind: shown.kind,
            access,
        };
        ports.iter().map(device).collect()
    }

    fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        self.schedule.iter().map(|(at_ms, _)| *at_ms).find(|at_ms| *at_ms > now_ms)
    }

    fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        match hand_move {
            HandMove::Unplug => self.go(now_ms, &[(0, Phase::Unplugged)]),
            HandMove::PlugIn => self.power_on(now_ms),
            HandMove::FitJumper => self.jumper_fitted = true,
            HandMove::RemoveJumper => self.jumper_fitted = false,
            // This board has neither.
            HandMove::SwitchOn | HandMove::SwitchOff | HandMove::PressButton => {}
        }
    }

    fn regions(&self) -> Vec<Region> {
        self.regions.clone()
    }

    fn fuses(&self) -> BTreeMap<u32, u32> {
        self.fuses.clone()
    }

    fn use_folder(&mut self, folder: &Path) {
        self.nor.use_folder(folder);
        for memory in &mut self.ram {
            memory.use_folder(folder);
        }
    }

    fn heal(&mut self) {
        self.faults.heal();
        self.bad_regions.clear();
    }

    fn hangs(&mut self, tool: &str, args: &[String]) -> bool {
        tool == "blhost"
            && args.iter().any(|argument| argument == "flash-erase-region")
            && self.faults.strikes(Fault::ToolHangs)
    }
}

fn identity(device: &Device, product: &str) -> Result<Identity, BenchError> {
    let id = device.ids.first().copied().ok_or_else(|| {
        crate::bench::settings::wrong("devices", &format!("the device `{}` has no USB id", device.name))
    })?;
    Ok(Identity { id, kind: device.kind, product: product.to_owned() })
}
