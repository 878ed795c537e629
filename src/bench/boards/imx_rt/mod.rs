//! A board with an i.MX RT10xx: a boot ROM, the RAM flashloader, NOR flash on FlexSPI and one-time fuses.
//!
//! This file holds what the board is and how it comes and goes on the bus; what its ROM and its flashloader understand
//! stands in their own files, and what differs between boards in the settings. Times are near those of a real board; the
//! answers follow NXP's documents.

mod flashloader;
#[cfg(test)]
mod held_tests;
mod mishap;
mod rom;
mod settings;
#[cfg(test)]
mod walk_tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use crate::bench::kit::memory::Memory;
use crate::bench::kit::mishaps::{MishapName, Mishaps, mishap_names};
use crate::bench::kit::model::{MockTool, Model, ModelHelp};
use crate::bench::kit::schedule::Schedule;
use crate::bench::kit::settings::{Identity, Settings};
use crate::bench::kit::watched::{Boundary, Watched};
use crate::bench::mocks::{MockEnd, blhost, sdphost};
use crate::bench::{BoardModel, BusDevice, Region};
use crate::documents::playbook::{HandMove, Room};
use crate::world::Access;

pub(crate) use flashloader::{Answer, AnswerKind, Command, DataPhase, Exchange, MAX_PACKET_BYTES};
pub(crate) use mishap::Mishap;
pub(crate) use rom::{HAB_OPEN, JumpAnswer, WRITE_COMPLETE, WriteFileAnswer};

use settings::{ImxRtSettings, SETTINGS};

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

/// The state of the board.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct ImxRt {
    settings: ImxRtSettings,
    mishaps: Mishaps<Mishap>,
    /// The jumper is fitted, or the boot switch set to serial download; read when the chip starts.
    serial_download: bool,
    schedule: Schedule<Phase>,
    /// Tightly coupled memories and on-chip RAM; lost without power.
    ram: Vec<Memory>,
    nor: Memory,
    nor_configured: bool,
    regions: Vec<Region>,
    /// Regions whose flash cells did not take what was written.
    bad_places: Vec<u64>,
    fuses: BTreeMap<u32, u32>,
    /// How often something that lasts was changed.
    #[serde(default)]
    changes: u64,
    locked_fuses: Vec<u32>,
    /// Answers the flashloader has sent and no tool has read.
    unread: Vec<Answer>,
    /// A write-memory that the flashloader has agreed to and whose data has not come.
    writing: Option<(u64, u64)>,
    /// Where a wrong bit has been stored that does not come a second time.
    flipped: Vec<u64>,
    /// Where a write to flash that was cut short would have gone on.
    torn: Vec<u64>,
    /// Sectors whose erase was cut short: they may read as blank, and what is written there does not last.
    #[serde(default)]
    half_erased: BTreeSet<u64>,
    /// Known to who uses the board, not to its description.
    #[serde(skip)]
    watched: Watched,
}

const ROM_APPEARS_MS: u64 = 700;
const FLASHLOADER_APPEARS_MS: u64 = 1_500;
const LATE_FLASHLOADER_APPEARS_MS: u64 = 8_000;
const RESIDENT_APPEARS_MS: u64 = 500;
const RESIDENT_STAYS_MS: u64 = 1_000;
const RUNNING_APPEARS_MS: u64 = 400;

/// Remains of dead software lie at least in so much of the flash.
const REMAINS_BYTES: u64 = 0x40_0000;

impl Model for ImxRt {
    const HELP: ModelHelp = ModelHelp {
        name: "imxrt-flexspi",
        about: "an i.MX RT10xx with its ROM, the RAM flashloader, NOR flash and fuses (sdphost, blhost)",
        settings: SETTINGS,
        least: "version: K1.0.0",
    };
    const TOOLS: &'static [MockTool<Self>] = &[
        MockTool::new("sdphost", |args, board, console, clock| MockEnd::Exit(sdphost(args, board, console, clock))),
        MockTool::new("blhost", |args, board, console, clock| MockEnd::Exit(blhost(args, board, console, clock))),
    ];

    /// A dead board, plugged in, set to start from its flash, which holds the remains of what once ran.
    fn build(settings: &mut Settings<'_>, names: &[&str]) -> Self {
        let settings = ImxRtSettings::read(settings);
        let mishaps = Mishaps::named(names);
        let mut fuses: BTreeMap<u32, u32> = settings.fuses.iter().map(|fuse| (fuse.word, fuse.value)).collect();
        if let Some(boot_fuse) = settings.boot_fuse {
            let word = fuses.entry(boot_fuse.word).or_insert(0);
            *word |= if mishaps.has(Mishap::FuseSet) { boot_fuse.bits } else { 0 };
        }
        let in_rom = mishaps.has(Mishap::InRom);
        let ram = (0..).zip(&settings.ram);
        let ram = ram.map(|(number, range)| Memory::ram(&format!("ram-{number}.bin"), range.start, range.length));
        ImxRt {
            mishaps,
            serial_download: in_rom,
            schedule: Schedule::new(if in_rom { Phase::Rom } else { Phase::Silent }),
            ram: ram.collect(),
            nor: Memory::flash("nor.bin", settings.nor.range.start, settings.nor.range.length),
            nor_configured: false,
            regions: Vec::new(),
            bad_places: Vec::new(),
            fuses,
            locked_fuses: settings.fuses.iter().filter(|fuse| fuse.locked).map(|fuse| fuse.word).collect(),
            unread: Vec::new(),
            changes: 0,
            writing: None,
            flipped: Vec::new(),
            torn: Vec::new(),
            half_erased: BTreeSet::new(),
            watched: Watched::default(),
            settings,
        }
    }
}

impl ImxRt {
    /// The ROM and the flashloader speak different protocols.
    pub(crate) fn speaks_serial_download(&self, now_ms: u64) -> bool {
        self.phase(now_ms) == Phase::Rom
    }

    pub(crate) fn speaks_bootloader(&self, now_ms: u64) -> bool {
        matches!(self.phase(now_ms), Phase::Flashloader | Phase::Resident)
    }

    pub(crate) fn flavour(&self) -> Flavour {
        if self.mishaps.has(Mishap::Legacy) {
            Flavour::Legacy
        } else if self.mishaps.has(Mishap::Spsdk26) {
            Flavour::Spsdk26
        } else {
            Flavour::Spsdk312
        }
    }

    pub(crate) fn phase(&self, now_ms: u64) -> Phase {
        self.schedule.at(now_ms)
    }

    /// From `now_ms` on the board goes through these phases, each a number of milliseconds after the one before.
    fn go(&mut self, now_ms: u64, phases: &[(u64, Phase)]) {
        self.schedule.go(now_ms, phases);
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
        if let (true, Some(fuse)) = (self.mishaps.has(Mishap::FuseNotKept), self.settings.boot_fuse) {
            self.fuses.entry(fuse.word).and_modify(|word| *word &= !fuse.bits);
        }
        for (mishap, address) in
            [(Mishap::BlockNotKept, self.nor.start()), (Mishap::ImageNotKept, self.settings.boot_image)]
        {
            if self.mishaps.has(mishap) {
                // What cannot be erased is found by the next reading.
                let _still_there = self.nor.erase(address, self.settings.nor.sector_bytes);
                self.cut_regions(address, address + self.settings.nor.sector_bytes);
            }
        }
        self.start(now_ms, ROM_APPEARS_MS);
    }

    /// Without losing power the ROM is back at once.
    fn restart(&mut self, now_ms: u64) {
        self.start(now_ms, self.settings.rom_after_reset_ms);
    }

    fn start(&mut self, now_ms: u64, rom_appears_ms: u64) {
        if self.mishaps.has(Mishap::Absent) {
            self.go(now_ms, &[(0, Phase::Silent)]);
        } else if self.serial_download || !self.boots_from_flash() {
            // What it cannot start from flash, the ROM asks the host for.
            self.go(now_ms, &[(0, Phase::Silent), (rom_appears_ms, Phase::Rom)]);
        } else if self.is_torn(self.settings.boot_image) {
            // Its beginning is there, so that the ROM starts it, and the rest is not.
            self.go(now_ms, &[(0, Phase::Silent)]);
        } else if self.settings.firmware_address.is_none() {
            self.go(now_ms, &[(0, Phase::Silent), (RUNNING_APPEARS_MS, Phase::Running)]);
        } else if self.settings.firmware_address.is_some_and(|address| self.holds(address)) {
            let resident = [(0, Phase::Silent), (RESIDENT_APPEARS_MS, Phase::Resident)];
            let running = [(RESIDENT_STAYS_MS, Phase::Silent), (RUNNING_APPEARS_MS, Phase::Running)];
            self.go(now_ms, &[resident, running].concat());
        } else {
            self.go(now_ms, &[(0, Phase::Silent), (RESIDENT_APPEARS_MS, Phase::Resident)]);
        }
    }

    /// The boot ROM starts flash when the fuse says so, the configuration block is there, and the boot image has a header.
    /// A board without a boot fuse says so with its switches.
    fn boots_from_flash(&self) -> bool {
        let starts_with = |address, magic: &[u8]| {
            let is_there = self.holds(address) || address == self.settings.boot_image && self.is_torn(address);
            is_there && self.nor.read(address, magic.len() as u64).is_ok_and(|bytes| bytes == magic)
        };
        let fuse_is_set = self.settings.boot_fuse.is_none_or(|fuse| {
            let word = self.fuses.get(&fuse.word).copied().unwrap_or(0);
            word & fuse.bits == fuse.bits
        });
        fuse_is_set && starts_with(self.nor.start(), b"FCFB") && starts_with(self.settings.boot_image, &[0xd1])
    }

    /// Does what was written here end where a write was cut short, or hold such a place?
    fn is_torn(&self, address: u64) -> bool {
        let within = |region: &Region| self.torn.iter().any(|torn| region.reaches(*torn));
        self.regions.iter().any(|region| region.address == address && within(region))
    }

    /// Was something written here that the flash has kept?
    fn holds(&self, address: u64) -> bool {
        let whole = |region: &Region| !self.bad_places.iter().chain(&self.torn).any(|place| region.reaches(*place));
        self.regions.iter().any(|region| region.address == address && whole(region))
    }

    fn shown(&self, phase: Phase) -> Option<&Identity> {
        match phase {
            Phase::Unplugged | Phase::Silent => None,
            Phase::Rom => Some(&self.settings.rom),
            Phase::Flashloader | Phase::Resident => Some(&self.settings.flashloader),
            Phase::Running => self.settings.running.as_ref(),
        }
    }
}

impl BoardModel for ImxRt {
    fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let Some(shown) = self.shown(self.phase(now_ms)) else { return Vec::new() };
        let access = if self.mishaps.has(Mishap::NoPermission) { Access::Denied } else { Access::Permitted };
        let ports: &[&str] = if self.mishaps.has(Mishap::TwoBoards) { &["1-2", "1-3"] } else { &["1-2"] };
        let device = |port: &&str| BusDevice {
            id: shown.id,
            port: (*port).to_owned(),
            serial: None,
            product: Some(shown.product.clone()),
            interfaces: Vec::new(),
            version: None,
            kind: shown.kind,
            access,
        };
        ports.iter().map(device).collect()
    }

    fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        self.schedule.next_change_ms(now_ms)
    }

    fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        match hand_move {
            HandMove::Unplug => self.go(now_ms, &[(0, Phase::Unplugged)]),
            HandMove::PlugIn => self.power_on(now_ms),
            HandMove::FitJumper | HandMove::SwitchOn => self.serial_download = true,
            HandMove::RemoveJumper | HandMove::SwitchOff => {
                self.serial_download = self.mishaps.has(Mishap::BootPinHeld);
            }
            HandMove::PressButton if self.phase(now_ms) == Phase::Unplugged => {}
            // The reset button: memory may keep its contents, but nothing relies on that.
            HandMove::PressButton => self.power_on(now_ms),
        }
    }

    fn regions(&self) -> Vec<Region> {
        self.regions.clone()
    }

    fn rooms(&self) -> Vec<Room> {
        let room = |memory: &Memory| Room {
            name: "the memory of the virtual board".to_owned(),
            start: memory.start(),
            end: memory.end(),
        };
        self.ram.iter().chain([&self.nor]).map(room).collect()
    }

    fn changes(&self) -> Option<u64> {
        Some(self.changes)
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

    fn fill_memories(&self) -> io::Result<()> {
        self.nor.leave_remains(REMAINS_BYTES, self.settings.nor.sector_bytes)
    }

    /// One without a boot fuse has no trouble with it.
    fn mishap_names(&self) -> Vec<MishapName> {
        mishap_names(|mishap: Mishap| self.settings.boot_fuse.is_some() || !mishap.is_about_the_boot_fuse())
    }

    fn heal(&mut self) {
        self.mishaps.heal();
        self.bad_places.clear();
    }

    fn settle(&mut self) {
        self.schedule.settle();
        self.changes = 0;
    }

    fn watched_by(&mut self, watched: Watched) {
        self.watched = watched;
    }

    fn passes(&self, boundary: Boundary) {
        self.watched.passes(boundary, self);
    }

    fn hangs(&mut self, tool: &str, args: &[String]) -> bool {
        tool == "blhost"
            && args.iter().any(|argument| argument == "flash-erase-region")
            && self.mishaps.happens(Mishap::ToolHangs)
    }
}
