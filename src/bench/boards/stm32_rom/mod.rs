//! The virtual board `stm32-dfu-rom`: an STM32 whose bootloader is dead and whose ROM speaks DfuSe.
//!
//! The model knows the chip: power, jumper, flash, and how it answers DFU requests (ST's AN3156). What a tool prints
//! about the answers is the mock tool's part. Observed against simulated devices only, never against silicon.

mod fault;
mod presence;
mod requests;
mod settings;

use std::collections::BTreeSet;

use crate::bench::boards::own_bootloader::{Firmware, OwnBootloader};
use crate::bench::{BenchError, FaultName, Flash, MemoryLayout};

pub use fault::Stm32Fault;
pub(crate) use settings::SETTINGS;
pub use settings::Stm32RomSettings;

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Session {
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
    faults: BTreeSet<Stm32Fault>,
    now_ms: u64,
    jumper: bool,
    session: Session,
    /// When the session began.
    since_ms: u64,
    enumerations: u32,
    dfu: DfuState,
    download: Download,
    flash: Flash,
    /// The second board's flash; the recovery must never touch it.
    other_flash: Flash,
    own: OwnBootloader,
}

impl Stm32Rom {
    pub const MODEL: &'static str = "stm32-dfu-rom";

    /// A board with a dead bootloader, plugged in, on which `faults` befall.
    ///
    /// Settings whose layout cannot be read have no flash; reading the settings finds that.
    pub fn new(settings: Stm32RomSettings, faults: &[&str]) -> Result<Self, BenchError> {
        let nothing = |_| MemoryLayout { name: String::new(), segments: Vec::new() };
        let layout: MemoryLayout = settings.flash.parse().unwrap_or_else(nothing);
        let faults = faults.iter().map(|name| Stm32Fault::named(name)).collect::<Result<BTreeSet<_>, _>>()?;
        let mut board = Stm32Rom {
            own: own_bootloader(&settings, &faults),
            settings,
            faults,
            now_ms: 0,
            jumper: false,
            session: Session::Dead,
            since_ms: 0,
            enumerations: 0,
            dfu: DfuState::Idle,
            download: Download::Closed,
            flash: Flash::new(layout.clone()),
            other_flash: Flash::new(layout),
        };
        if board.has(Stm32Fault::BootLoop) || board.has(Stm32Fault::InterruptedUpdate) {
            board.flash.erase_page(board.flash.layout.start());
            // The flash has just been erased there.
            let _erased = board.flash.write(board.flash.layout.start(), HEALTHY);
            board.session = Session::Booted { stays: false };
        }
        if board.has(Stm32Fault::InRom) || board.has(Stm32Fault::InterruptedBefore) {
            board.jumper = true;
            board.session = Session::Rom;
        }
        if board.has(Stm32Fault::InterruptedBefore) {
            board.flash.erase_page(board.flash.layout.start());
            board.dfu = DfuState::DownloadIdle;
            board.download = Download::Open;
        }
        Ok(board)
    }

    pub fn settings(&self) -> &Stm32RomSettings {
        &self.settings
    }

    /// What can befall this board: one without a bootloader of its own has no trouble with it, nor with firmware that it
    /// would start.
    pub fn fault_names(&self) -> Vec<FaultName> {
        let has_bootloader = self.settings.bootloader.is_some();
        let can_strike = |fault| match fault {
            Stm32Fault::RebootInManifest | Stm32Fault::StaysInBootloader => has_bootloader,
            Stm32Fault::BootLoop | Stm32Fault::InterruptedUpdate | Stm32Fault::FirmwareDamaged => {
                has_bootloader && self.settings.firmware.is_some()
            }
            _ => true,
        };
        Stm32Fault::ALL.iter().filter(|(fault, _)| can_strike(*fault)).map(|(_, name)| *name).collect()
    }

    /// The board's clock, which tools move on while they work.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Brings the clock up to the bench's before a tool is called. It never goes back.
    pub fn advance_to(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
    }

    fn has(&self, fault: Stm32Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn start_session(&mut self, session: Session) {
        self.session = session;
        self.since_ms = self.now_ms;
        self.dfu = DfuState::Idle;
        self.enumerations += 1;
    }

    fn boot(&mut self) {
        let sane = self.flash.starts_with_code() && self.download != Download::Open && !self.has(Stm32Fault::FlashBad);
        self.start_session(if sane { Session::Booted { stays: false } } else { Session::Dead });
    }
}

/// What the board's own bootloader finds: firmware that no setting names is always whole.
fn own_bootloader(settings: &Stm32RomSettings, faults: &BTreeSet<Stm32Fault>) -> OwnBootloader {
    let firmware = if settings.firmware.is_none() {
        Firmware::Whole
    } else if faults.contains(&Stm32Fault::BootLoop) || faults.contains(&Stm32Fault::FirmwareDamaged) {
        Firmware::Damaged
    } else if faults.contains(&Stm32Fault::InterruptedUpdate) {
        Firmware::Missing
    } else {
        Firmware::Whole
    };
    OwnBootloader::new(settings.partitions.clone(), settings.firmware.as_deref(), firmware)
}

/// The beginning of a bootloader that was there before: a stack pointer and an address to start at.
const HEALTHY: &[u8] = &[0, 0, 2, 0x20, 0x91, 2, 0, 8];
const OWN_PATH: &str = "1-1";
