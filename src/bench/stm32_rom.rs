//! The virtual board `stm32-dfu-rom`: an STM32 whose bootloader is dead and whose ROM speaks DfuSe.
//!
//! The model knows the chip: power, jumper, flash, and how it answers DFU requests (ST's AN3156). What a tool prints
//! about the answers is the mock tool's part. Observed against simulated devices only, never against silicon.

mod dfu;
mod on_the_bus;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use crate::bench::stm32_fault::Stm32Fault;
use crate::bench::{BenchError, Flash, MemoryLayout};
use crate::words::UsbId;
use crate::world::Access;

pub use dfu::{Answer, DfuDevice};
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

/// How far a download has come; it decides when the faults of its middle strike.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    pub offset: u64,
    pub total: u64,
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
    /// What the board's own bootloader was given, by alt setting.
    partitions: BTreeMap<u8, Vec<u8>>,
}

const ROM_ENUMERATES_MS: u64 = 400;
const BOOTLOADER_ENUMERATES_MS: u64 = 300;
const BOOTLOADER_LEAVES_MS: u64 = 2_500;
const RUNNING_ENUMERATES_MS: u64 = 2_800;
const LATE_PERMISSION_MS: u64 = 300;
const LOOSE_CABLE_MS: u64 = 3_000;
const SLOW_ERASE_MS: u64 = 45_000;
const DEVNUM_FIRST: u32 = 5;
const STATUS_WRITE: u8 = 3;
const STATUS_VENDOR: u8 = 11;
const STATUS_STALLED: u8 = 15;

impl Stm32Rom {
    pub const MODEL: &'static str = "stm32-dfu-rom";

    /// A board with a dead bootloader, plugged in, on which `faults` befall.
    pub fn new(settings: Stm32RomSettings, faults: &[&str]) -> Result<Self, BenchError> {
        let layout: MemoryLayout = settings.flash.parse().map_err(|error: crate::bench::MemoryLayoutError| {
            BenchError::Setting { setting: "layout".to_owned(), reason: error.to_string() }
        })?;
        let faults = faults.iter().map(|name| Stm32Fault::named(name)).collect::<Result<BTreeSet<_>, _>>()?;
        let mut board = Stm32Rom {
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
            partitions: BTreeMap::new(),
        };
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

    /// The board's clock, which tools move on while they work.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Brings the clock up to the bench's before a tool is called. It never goes back.
    pub fn advance_to(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
    }

    pub fn spend(&mut self, time_ms: u64) {
        self.now_ms += time_ms;
    }

    /// What was given to one partition of the board's own bootloader.
    pub fn partition(&self, alt: u8) -> Option<&[u8]> {
        self.partitions.get(&alt).map(Vec::as_slice)
    }

    /// Every device in DFU mode, the board itself first.
    pub fn dfu_devices(&self) -> Vec<DfuDevice> {
        let mut devices: Vec<DfuDevice> = self.own_dfu_device().into_iter().collect();
        if self.has(Stm32Fault::TwoBoards) {
            devices.push(DfuDevice {
                devnum: DEVNUM_FIRST + 1,
                path: OTHER_PATH.to_owned(),
                serial: OTHER_SERIAL.to_owned(),
                ..self.rom_device()
            });
        }
        devices
    }

    fn own_dfu_device(&self) -> Option<DfuDevice> {
        let id = self.visible_id(self.now_ms)?;
        match self.session {
            Session::Rom => Some(self.rom_device()),
            Session::Booted { .. } if id == self.settings.bootloader => Some(DfuDevice {
                id,
                version: 0x0102,
                serial: BOOTLOADER_SERIAL.to_owned(),
                alt_names: BOOTLOADER_PARTITIONS.map(str::to_owned).to_vec(),
                dfu_version: 0x0110,
                transfer_bytes: 4096,
                ..self.rom_device()
            }),
            _ => None,
        }
    }

    fn rom_device(&self) -> DfuDevice {
        let mut alt_names = vec![self.settings.flash.clone()];
        alt_names.extend(ROM_OTHER_ALTS.map(str::to_owned));
        DfuDevice {
            id: self.settings.rom,
            devnum: DEVNUM_FIRST + 2 * self.enumerations,
            path: OWN_PATH.to_owned(),
            version: 0x2200,
            serial: self.settings.serial.clone(),
            alt_names,
            dfu_version: 0x011a,
            transfer_bytes: self.settings.transfer_bytes,
            openable: self.access(self.now_ms) == Access::Permitted,
            strings_readable: !self.has(Stm32Fault::StillEnumerating),
        }
    }

    /// A tool has looked at the descriptions; the next one finds them ready.
    pub fn probed(&mut self) {
        self.faults.remove(&Stm32Fault::StillEnumerating);
    }

    pub fn set_alternate(&mut self) -> Answer {
        if self.faults.remove(&Stm32Fault::SetAltFails) {
            return Answer::Stalled;
        }
        if let Session::Booted { stays } = &mut self.session {
            *stays = true;
        }
        Answer::Done
    }

    /// The DFU state and status numbers.
    pub fn state(&self) -> (u8, u8) {
        match self.dfu {
            DfuState::Idle => (2, 0),
            DfuState::DownloadIdle => (5, 0),
            DfuState::Error(status) => (10, status),
        }
    }

    pub fn clear(&mut self) {
        self.dfu = DfuState::Idle;
    }

    /// Erases the page at `address` of the board on `path`.
    pub fn erase(&mut self, path: &str, address: u64) -> Answer {
        self.spend(if self.has(Stm32Fault::SlowErase) { SLOW_ERASE_MS } else { self.erase_ms(address) });
        self.erasing(path, |flash| flash.erase_page(address))
    }

    pub fn mass_erase(&mut self, path: &str) -> Answer {
        self.spend(8_000);
        self.erasing(path, Flash::erase_all)
    }

    fn erasing(&mut self, path: &str, erase: impl FnOnce(&mut Flash)) -> Answer {
        if self.has(Stm32Fault::EraseRefused) {
            return self.refuse(STATUS_STALLED, Answer::Stalled);
        }
        if self.has(Stm32Fault::EraseError) {
            return self.refuse(STATUS_VENDOR, Answer::Refused(STATUS_VENDOR));
        }
        if self.has(Stm32Fault::Protected) {
            return self.refuse(STATUS_VENDOR, Answer::NotExecuted(STATUS_VENDOR));
        }
        if self.faults.remove(&Stm32Fault::Stalled) {
            return Answer::Busy;
        }
        erase(self.flash_of(path));
        if path == OWN_PATH {
            self.download = Download::Open;
        }
        self.dfu = DfuState::DownloadIdle;
        Answer::Done
    }

    /// Programs one block.
    pub fn write(&mut self, path: &str, address: u64, block: &[u8], share: Share) -> Answer {
        self.spend(5);
        let reached = share.offset + block.len() as u64;
        if reached * 5 > share.total * 2 {
            for (fault, answer) in
                [(Stm32Fault::LostInWrite, Answer::Gone), (Stm32Fault::StatusLostInWrite, Answer::StatusLost)]
            {
                if self.faults.remove(&fault) {
                    self.lose_contact();
                    return answer;
                }
            }
        }
        if reached * 2 > share.total && self.faults.remove(&Stm32Fault::WriteError) {
            return self.refuse(STATUS_WRITE, Answer::Refused(STATUS_WRITE));
        }
        let mut stored = block.to_vec();
        if reached == share.total && self.has(Stm32Fault::FlashBad) {
            stored[block.len() / 2] ^= 0x10;
        }
        match self.flash_of(path).write(address, &stored) {
            Ok(()) => {
                self.dfu = DfuState::DownloadIdle;
                Answer::Done
            }
            Err(_) => self.refuse(STATUS_WRITE, Answer::Refused(STATUS_WRITE)),
        }
    }

    pub fn read(&mut self, path: &str, address: u64, length: u64) -> Vec<u8> {
        self.spend(1);
        self.flash_of(path).read(address, length)
    }

    /// ABORT: back to idle. After a download it is the sign that the tool has sent everything.
    pub fn abort(&mut self) -> Answer {
        let closing = self.download;
        self.download = closing.after_abort();
        if closing == Download::Sent && self.faults.remove(&Stm32Fault::AbortRefused) {
            return self.refuse(STATUS_STALLED, Answer::Stalled);
        }
        self.dfu = DfuState::Idle;
        Answer::Done
    }

    /// The tool's last data block has been confirmed.
    pub fn download_complete(&mut self, path: &str) {
        if path == OWN_PATH {
            self.download = Download::Sent;
        }
    }

    /// An empty download: start the program in flash.
    pub fn leave(&mut self) -> Answer {
        self.boot();
        if self.faults.remove(&Stm32Fault::LeaveStatusLost) { Answer::StatusLost } else { Answer::Done }
    }

    /// DETACH and a USB reset.
    pub fn reset(&mut self) -> Answer {
        match self.session {
            Session::Booted { .. } => self.boot(),
            _ => self.start_session(Session::Rom),
        }
        if self.faults.remove(&Stm32Fault::GoneAtReset) { Answer::Gone } else { Answer::Done }
    }

    /// One block for a partition of the board's own bootloader.
    pub fn write_partition(&mut self, alt: u8, block: &[u8], share: Share) -> Answer {
        self.spend(10);
        // The bootloader does not overwrite itself.
        if alt == 0 {
            return self.refuse(STATUS_WRITE, Answer::Refused(STATUS_WRITE));
        }
        let partition = self.partitions.entry(alt).or_default();
        if share.offset == 0 {
            partition.clear();
        }
        partition.extend_from_slice(block);
        Answer::Done
    }

    /// The empty block that ends a download to the board's own bootloader.
    pub fn finish_partition(&mut self) -> Answer {
        if self.faults.remove(&Stm32Fault::RebootInManifest) {
            self.boot();
            return Answer::Gone;
        }
        Answer::Done
    }

    fn has(&self, fault: Stm32Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn refuse(&mut self, status: u8, answer: Answer) -> Answer {
        self.dfu = DfuState::Error(status);
        answer
    }

    fn flash_of(&mut self, path: &str) -> &mut Flash {
        if path == OWN_PATH { &mut self.flash } else { &mut self.other_flash }
    }

    fn erase_ms(&self, address: u64) -> u64 {
        // 2.2 s for a 128 KiB sector of an H7 is reported; smaller ones are faster.
        let page_bytes = self.flash.layout.segment_at(address).map_or(0, |segment| segment.page_bytes);
        page_bytes * 2_200 / (128 * 1024)
    }

    fn start_session(&mut self, session: Session) {
        self.session = session;
        self.since_ms = self.now_ms;
        self.dfu = DfuState::Idle;
        self.enumerations += 1;
    }

    fn lose_contact(&mut self) {
        self.start_session(Session::Rom);
        self.since_ms += LOOSE_CABLE_MS;
    }

    fn boot(&mut self) {
        let sane = self.flash.starts_with_code() && self.download != Download::Open && !self.has(Stm32Fault::FlashBad);
        self.start_session(if sane { Session::Booted { stays: false } } else { Session::Dead });
    }

    fn visible_id(&self, now_ms: u64) -> Option<UsbId> {
        let age_ms = now_ms.checked_sub(self.since_ms)?;
        match self.session {
            _ if self.has(Stm32Fault::Absent) => None,
            Session::Unplugged | Session::Dead => None,
            Session::Rom => (now_ms >= self.rom_since_ms()).then_some(self.settings.rom),
            Session::Booted { stays: true } => Some(self.settings.bootloader),
            Session::Booted { stays: false } => match age_ms {
                BOOTLOADER_ENUMERATES_MS..BOOTLOADER_LEAVES_MS => Some(self.settings.bootloader),
                RUNNING_ENUMERATES_MS.. => Some(self.settings.running),
                _ => None,
            },
        }
    }

    /// When the ROM is on the bus; one that was there from the beginning need not enumerate.
    fn rom_since_ms(&self) -> u64 {
        self.since_ms + if self.enumerations == 0 { 0 } else { ROM_ENUMERATES_MS }
    }

    fn access(&self, now_ms: u64) -> Access {
        let too_early = self.session == Session::Rom && now_ms < self.rom_since_ms() + LATE_PERMISSION_MS;
        let late = self.has(Stm32Fault::LatePermission) && too_early;
        if self.has(Stm32Fault::NoPermission) || late { Access::Denied } else { Access::Permitted }
    }
}

const OWN_PATH: &str = "1-1";
const OTHER_PATH: &str = "1-2";
const SERIAL: &str = "356A38733432";
const OTHER_SERIAL: &str = "3058346F3132";
const BOOTLOADER_SERIAL: &str = "3330373338355117003B0033";
const BOOTLOADER_PARTITIONS: [&str; 5] = ["BOOTLOADER", "FILESYSTEM", "FIRMWARE", "SPI_FLASH", "ROMFS0"];
const ROM_OTHER_ALTS: [&str; 3] =
    ["@Option Bytes  /0x1FFF0000/01*032 e", "@OTP Memory /0x1FF0F000/01*01Ka", "@Device Feature/0xFFFF0000/01*004 e"];
