//! The starting states and faults of the STM32N6 board that `--simulate=NAME` accepts.

use std::collections::BTreeMap;

use crate::bench::FaultName;
use crate::bench::kit::board::{BenchError, unknown_name};

/// One starting state or fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    Windows,
    OldVersion,
    FirmwareAlive,
    InRom,
    SecondStage,
    BootLoop,
    InterruptedUpdate,
    FirmwareDamaged,
    Absent,
    NoPermission,
    TwoBoards,
    StartFailed,
    ReconnectTimesOut,
    NeverReconnects,
    WriteRefused,
    ErrorExit0,
    SuccessExit1,
    NothingDone,
    Protected,
    LostInWrite,
    StaysInBootloader,
    ToolHangs,
}

/// Strikes again and again.
const ALWAYS: u32 = u32::MAX;
const ONCE: u32 = 1;

const FAULTS: &[(Fault, u32, FaultName)] = &[
    (Fault::Windows, ALWAYS, ("windows", "the tool prints as on Windows: no colours, bars of a code page's blocks")),
    (Fault::OldVersion, ALWAYS, ("old-version", "the tool is version 2.16.0, which is too old")),
    (Fault::FirmwareAlive, ALWAYS, ("firmware-alive", "the firmware is intact and starts once the bootloader is back")),
    (Fault::InRom, ALWAYS, ("in-rom", "the wire is fitted and the ROM is on the bus from the beginning")),
    (Fault::SecondStage, ALWAYS, ("second-stage", "the board already runs its loader from an earlier try")),
    (
        Fault::BootLoop,
        ALWAYS,
        ("boot-loop", "the bootloader is healthy and the firmware damaged: the camera starts anew every two seconds"),
    ),
    (
        Fault::InterruptedUpdate,
        ALWAYS,
        ("interrupted-update", "the bootloader is healthy and waits: an update of the firmware was cut short"),
    ),
    (
        Fault::FirmwareDamaged,
        ALWAYS,
        ("firmware-damaged", "the firmware is damaged, too: with a new bootloader the camera starts again and again"),
    ),
    (Fault::Absent, ALWAYS, ("absent", "the board never appears on the bus")),
    (Fault::NoPermission, ALWAYS, ("no-permission", "this user may not open the board")),
    (
        Fault::TwoBoards,
        ALWAYS,
        ("two-boards", "another STM32 board in its ROM is attached, which the tool finds first"),
    ),
    (Fault::StartFailed, ONCE, ("start-failed", "the loader does not start the first time")),
    (
        Fault::ReconnectTimesOut,
        ONCE,
        ("reconnect-times-out", "the loader starts, but the board does not come back on USB the first time"),
    ),
    (Fault::NeverReconnects, ALWAYS, ("never-reconnects", "the loader starts, but the board never comes back on USB")),
    (Fault::WriteRefused, ONCE, ("write-refused", "the first write to flash fails")),
    (
        Fault::ErrorExit0,
        ALWAYS,
        ("error-exit-0", "writes to flash fail, and yet the tool reports success and ends with 0"),
    ),
    (Fault::SuccessExit1, ALWAYS, ("success-exit-1", "everything works, and yet the tool ends with 1")),
    (Fault::NothingDone, ALWAYS, ("nothing-done", "the tool ends with 0 and has done nothing")),
    (Fault::Protected, ALWAYS, ("protected", "the chip is locked")),
    (
        Fault::LostInWrite,
        ONCE,
        ("lost-in-write", "the board is lost in the middle of the first write to flash, until it is plugged in again"),
    ),
    (
        Fault::StaysInBootloader,
        ALWAYS,
        ("stays-in-bootloader", "told to start its firmware, the bootloader stays until the board is unplugged"),
    ),
    (Fault::ToolHangs, ONCE, ("tool-hangs", "the first call that writes never returns")),
];

/// Those that can strike.
pub(super) fn fault_names(can_strike: impl Fn(Fault) -> bool) -> Vec<FaultName> {
    FAULTS.iter().filter(|(fault, _, _)| can_strike(*fault)).map(|(_, _, name)| *name).collect()
}

/// The faults that were asked for, and how often each will still strike.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Faults {
    left: BTreeMap<Fault, u32>,
}

impl Faults {
    pub(crate) fn by_name(names: &[&str]) -> Result<Self, BenchError> {
        let mut left = BTreeMap::new();
        for name in names {
            let known = FAULTS.iter().find(|(_, _, (known, _))| known == name);
            let (fault, times, _) = known.ok_or_else(|| unknown_name(name, FAULTS.iter().map(|(_, _, name)| *name)))?;
            left.insert(*fault, *times);
        }
        Ok(Faults { left })
    }

    /// Is the fault there, without wearing it out?
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.left.get(&fault).is_some_and(|left| *left > 0)
    }

    /// Leaves what the board and its tools are.
    pub(crate) fn heal(&mut self) {
        self.left.retain(|fault, _| matches!(fault, Fault::Windows | Fault::FirmwareAlive));
    }

    /// Does the fault strike now? One that strikes once is gone afterwards.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        match self.left.get_mut(&fault) {
            Some(0) | None => false,
            Some(left) => {
                *left = if *left == ALWAYS { ALWAYS } else { *left - 1 };
                true
            }
        }
    }
}
