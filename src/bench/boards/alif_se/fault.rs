//! The starting states and faults of the board with a secure enclave that `--simulate=NAME` accepts.

use std::collections::BTreeMap;

use crate::bench::FaultName;
use crate::bench::kit::board::{BenchError, unknown_name};

/// One starting state or fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    Tools1103,
    Tools1104,
    Tools1110,
    Sbl2,
    OldSes,
    Recovery,
    Silent,
    WrongBaud,
    PartMismatch,
    StrangePart,
    EofQuestion,
    NakMidImage,
    WriteRefused,
    PackageRefused,
    ImagesRefused,
    ButtonDead,
    HangsMidImage,
    UnpluggedMidWrite,
    PortMoves,
    ForeignBridge,
    NoPermission,
    Absent,
    NoFirmware,
    BootLoop,
    InterruptedUpdate,
    FirmwareDamaged,
    StaysInBootloader,
    Slow,
}

/// Strikes again and again.
const ALWAYS: u32 = u32::MAX;
const ONCE: u32 = 1;

const FAULTS: &[(Fault, u32, FaultName)] = &[
    (Fault::Tools1103, ALWAYS, ("tools-1.103", "the tools are those of SE Tools 1.103.001 instead of 1.104.0")),
    (Fault::Tools1104, ALWAYS, ("tools-1.104", "the tools are those of SE Tools 1.104.0, as without this name")),
    (Fault::Tools1110, ALWAYS, ("tools-1.110", "the tools are those of SE Tools 1.110.0 instead of 1.104.0")),
    (Fault::Sbl2, ALWAYS, ("sbl2", "the camera is of the later kind: a CH343 bridge and part AE302F80F55D5LE")),
    (Fault::OldSes, ALWAYS, ("old-ses", "the Secure Enclave runs an older version than the tools bring")),
    (Fault::Recovery, ALWAYS, ("recovery", "the system package is damaged: the chip stays in its ROM, in recovery")),
    (
        Fault::Silent,
        ALWAYS,
        (
            "silent",
            "the application keeps the Secure Enclave from answering, except in hard maintenance, until it is replaced",
        ),
    ),
    (
        Fault::WrongBaud,
        ALWAYS,
        (
            "wrong-baud",
            "a killed tool left the chip at 921600 baud, the switch still on; a short power cut is no cure yet",
        ),
    ),
    (Fault::PartMismatch, ALWAYS, ("part-mismatch", "the chip tells the other part than its bridge suggests")),
    (Fault::StrangePart, ALWAYS, ("strange-part", "the chip tells a part that no camera of this kind has")),
    (
        Fault::EofQuestion,
        ONCE,
        ("eof-question", "as part-mismatch, and the first question about it finds the tool's input ended"),
    ),
    (Fault::NakMidImage, ONCE, ("nak-mid-image", "the chip refuses the 5th block of each image of the first write")),
    (Fault::WriteRefused, ONCE, ("write-refused", "the chip refuses the first write before any data")),
    (
        Fault::PackageRefused,
        ALWAYS,
        ("package-refused", "the chip accepts no system package: for it the address is a wrong one"),
    ),
    (
        Fault::ImagesRefused,
        ALWAYS,
        ("images-refused", "the chip accepts no application: for it the address is a wrong one"),
    ),
    (Fault::ButtonDead, ALWAYS, ("button-dead", "the chip does not notice the camera's button")),
    (
        Fault::HangsMidImage,
        ONCE,
        ("hangs-mid-image", "the first write stops in the middle of an image and never goes on, at 921600 baud"),
    ),
    (
        Fault::UnpluggedMidWrite,
        ONCE,
        ("unplugged-mid-write", "the cable falls out in the middle of the first write, until it is plugged in again"),
    ),
    (Fault::PortMoves, ALWAYS, ("port-moves", "the serial port gets another name each time the cable is plugged in")),
    (
        Fault::ForeignBridge,
        ALWAYS,
        ("foreign-bridge", "another adapter with the same USB id is always attached, and nothing answers behind it"),
    ),
    (Fault::NoPermission, ALWAYS, ("no-permission", "this user may not open the serial port")),
    (Fault::Absent, ALWAYS, ("absent", "the camera never appears on the bus")),
    (Fault::NoFirmware, ALWAYS, ("no-firmware", "behind the bootloader is no firmware, so that it stays in DFU mode")),
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
    (
        Fault::StaysInBootloader,
        ALWAYS,
        ("stays-in-bootloader", "told to start its firmware, the bootloader stays until the camera is unplugged"),
    ),
    (Fault::Slow, ALWAYS, ("slow", "the chip answers late: probes take twice as long, images four times")),
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
            if *fault == Fault::EofQuestion {
                left.insert(Fault::PartMismatch, ALWAYS);
            }
        }
        Ok(Faults { left })
    }

    /// Is the fault there, without wearing it out?
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.left.get(&fault).is_some_and(|left| *left > 0)
    }

    /// Leaves what the board and its tools are.
    pub(crate) fn heal(&mut self) {
        self.left.retain(|fault, _| {
            matches!(fault, Fault::Tools1103 | Fault::Tools1104 | Fault::Tools1110 | Fault::Sbl2 | Fault::NoFirmware)
        });
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
