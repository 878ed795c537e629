//! The virtual board `stm32-dfu-rom`: an STM32 whose bootloader is dead and whose ROM speaks DfuSe.
//!
//! The model knows the chip: power, jumper, flash, and how it answers DFU requests (ST's AN3156). What a tool prints
//! about the answers is the mock tool's part. Observed against simulated devices only, never against silicon.

mod mishap;
mod presence;
mod requests;
mod settings;

use crate::bench::boards::own_bootloader::{Firmware, OwnBootloader};
use crate::bench::kit::mishaps::Mishaps;
use crate::bench::kit::model::{MockTool, Model, ModelHelp};
use crate::bench::kit::schedule::Schedule;
use crate::bench::kit::settings::Settings;
use crate::bench::kit::watched::Watched;
use crate::bench::mocks::dfu_util;
use crate::bench::{Flash, MemoryLayout};

use mishap::Mishap;
use settings::SETTINGS;

pub use settings::Stm32RomSettings;

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Phase {
    Unplugged,
    /// Powered, with nothing to boot: not on the bus.
    Dead,
    Rom,
    /// Booted from flash; `stays` once a host has begun to talk to the bootloader.
    Booted {
        stays: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum DfuState {
    Idle,
    DownloadIdle,
    Error(u8),
}

/// What tools have made of the flash so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Download {
    Closed,
    /// Erasing or writing has begun and has not come to its end.
    Open,
    /// The last block is written; the closing abort has still to come.
    Sent,
}

impl Download {
    fn after_abort(self) -> Download {
        if self == Download::Open { Download::Open } else { Download::Closed }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stm32Rom {
    settings: Stm32RomSettings,
    mishaps: Mishaps<Mishap>,
    now_ms: u64,
    jumper: bool,
    /// Each with the number of its enumeration; the board that was there from the beginning has not enumerated.
    schedule: Schedule<(u32, Phase)>,
    dfu: DfuState,
    download: Download,
    /// Where the first block of the download that is open was written.
    #[serde(default)]
    open_at: Option<u64>,
    /// Where what was read last ends.
    #[serde(default)]
    read_end: Option<u64>,
    flash: Flash,
    /// The second board's flash; the recovery must never touch it.
    other_flash: Flash,
    own: OwnBootloader,
    /// Known to who uses the board, not to its description.
    #[serde(skip)]
    watched: Watched,
}

impl Model for Stm32Rom {
    const HELP: ModelHelp = ModelHelp {
        name: "stm32-dfu-rom",
        about: "an STM32 whose ROM speaks DfuSe, with or without a DFU bootloader of its own behind it (dfu-util)",
        settings: SETTINGS,
        least: "layout: \"@Internal Flash  /0x08000000/16*128Kg\"",
    };
    const TOOLS: &'static [MockTool<Self>] = &[MockTool::new("dfu-util", |args, board, console, clock| {
        board.advance_to(clock.now_ms());
        let end = dfu_util(args, board, console);
        clock.take(board.now_ms.saturating_sub(clock.now_ms()));
        end
    })];

    fn build(settings: &mut Settings<'_>, names: &[&str]) -> Self {
        Stm32Rom::new(Stm32RomSettings::read(settings), names)
    }
}

impl Stm32Rom {
    /// A board with a dead bootloader, plugged in, in the starting state and with the mishaps that `names` choose.
    ///
    /// Settings whose layout cannot be read have no flash; reading the settings finds that.
    pub fn new(settings: Stm32RomSettings, names: &[&str]) -> Self {
        let nothing = |_| MemoryLayout { name: String::new(), segments: Vec::new() };
        let layout: MemoryLayout = settings.flash.parse().unwrap_or_else(nothing);
        let mishaps = Mishaps::named(names);
        let phase = if mishaps.has(Mishap::InRom) || mishaps.has(Mishap::InterruptedBefore) {
            Phase::Rom
        } else if mishaps.has(Mishap::BootLoop) || mishaps.has(Mishap::InterruptedUpdate) {
            Phase::Booted { stays: false }
        } else {
            Phase::Dead
        };
        let mut board = Stm32Rom {
            own: own_bootloader(&settings, &mishaps),
            settings,
            now_ms: 0,
            jumper: phase == Phase::Rom,
            schedule: Schedule::new((0, phase)),
            dfu: DfuState::Idle,
            download: Download::Closed,
            open_at: None,
            read_end: None,
            flash: Flash::new(layout.clone()),
            other_flash: Flash::new(layout),
            mishaps,
            watched: Watched::default(),
        };
        if board.has(Mishap::BootLoop) || board.has(Mishap::InterruptedUpdate) {
            board.flash.erase_page(board.flash.layout.start());
            // The flash has just been erased there.
            let _erased = board.flash.write(board.flash.layout.start(), HEALTHY);
        }
        if board.has(Mishap::InterruptedBefore) {
            board.flash.erase_page(board.flash.layout.start());
            board.dfu = DfuState::DownloadIdle;
            board.download = Download::Open;
        }
        board
    }

    pub fn settings(&self) -> &Stm32RomSettings {
        &self.settings
    }

    /// The board's clock, which tools move on while they work.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Brings the clock up to the bench's before a tool is called. It never goes back.
    pub fn advance_to(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
    }

    fn has(&self, mishap: Mishap) -> bool {
        self.mishaps.has(mishap)
    }

    fn phase(&self) -> Phase {
        self.schedule.at(self.now_ms).1
    }

    fn enter(&mut self, phase: Phase) {
        self.go_through(&[(0, phase)]);
    }

    /// One after the other, each a number of milliseconds after the one before.
    fn go_through(&mut self, schedule: &[(u64, Phase)]) {
        let number = self.schedule.last().0 + 1;
        let numbered: Vec<_> = schedule.iter().map(|(after_ms, phase)| (*after_ms, (number, *phase))).collect();
        self.schedule.go(self.now_ms, &numbered);
        self.dfu = DfuState::Idle;
    }

    fn boot(&mut self) {
        let sane = self.flash.starts_with_code() && self.download != Download::Open && !self.has(Mishap::FlashBad);
        self.enter(if sane { Phase::Booted { stays: false } } else { Phase::Dead });
    }
}

/// What the board's own bootloader finds: firmware that no setting names is always whole.
fn own_bootloader(settings: &Stm32RomSettings, mishaps: &Mishaps<Mishap>) -> OwnBootloader {
    let firmware = if settings.firmware.is_none() {
        Firmware::Whole
    } else if mishaps.has(Mishap::BootLoop) || mishaps.has(Mishap::FirmwareDamaged) {
        Firmware::Damaged
    } else if mishaps.has(Mishap::InterruptedUpdate) {
        Firmware::Missing
    } else {
        Firmware::Whole
    };
    OwnBootloader::new(settings.partitions.clone(), settings.firmware.as_deref(), firmware)
}

/// The beginning of a bootloader that was there before: a stack pointer and an address to start at.
const HEALTHY: &[u8] = &[0, 0, 2, 0x20, 0x91, 2, 0, 8];
const OWN_PATH: &str = "1-1";
