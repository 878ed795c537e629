//! What can be wrong with a virtual STM32, by the names that `--simulate=NAME` accepts.

use crate::bench::FaultName;
use crate::bench::kit::board::{BenchError, unknown_name};

/// A starting state, or something that goes wrong once; the explanations say which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stm32Fault {
    InRom,
    InterruptedBefore,
    BootLoop,
    InterruptedUpdate,
    FirmwareDamaged,
    Absent,
    NoPermission,
    LatePermission,
    TwoBoards,
    OtherKind,
    WrongBoard,
    StillEnumerating,
    SetAltFails,
    SlowErase,
    Stalled,
    EraseRefused,
    EraseError,
    Protected,
    LostInWrite,
    StatusLostInWrite,
    WriteError,
    FlashBad,
    BitFlipsOnce,
    StaysInBootloader,
    AbortRefused,
    LeaveStatusLost,
    GoneAtReset,
    RebootInManifest,
}

impl Stm32Fault {
    pub const ALL: &'static [(Stm32Fault, FaultName)] = &[
        (Stm32Fault::InRom, ("in-rom", "the jumper is fitted and the ROM is on the bus from the beginning")),
        (
            Stm32Fault::InterruptedBefore,
            ("interrupted-before", "an earlier run was killed half-way: the ROM waits for more data"),
        ),
        (
            Stm32Fault::BootLoop,
            (
                "boot-loop",
                "the bootloader is healthy and the firmware damaged: the camera starts anew every two seconds",
            ),
        ),
        (
            Stm32Fault::InterruptedUpdate,
            ("interrupted-update", "the bootloader is healthy and waits: an update of the firmware was cut short"),
        ),
        (
            Stm32Fault::FirmwareDamaged,
            (
                "firmware-damaged",
                "the firmware is damaged, too: with a new bootloader the camera starts again and again",
            ),
        ),
        (Stm32Fault::Absent, ("absent", "the board never shows up, as with a cable that only charges")),
        (Stm32Fault::NoPermission, ("no-permission", "this user may not open the ROM's device node")),
        (
            Stm32Fault::LatePermission,
            ("late-permission", "the device node may be opened only 0.3 s after the ROM has come"),
        ),
        (Stm32Fault::TwoBoards, ("two-boards", "a second board in its ROM is attached")),
        (
            Stm32Fault::OtherKind,
            ("other-kind", "a second board in its ROM is attached, of another kind: its flash is laid out differently"),
        ),
        (Stm32Fault::WrongBoard, ("wrong-board", "the person connects a board of another kind")),
        (
            Stm32Fault::StillEnumerating,
            ("still-enumerating", "the first tool finds the board before its descriptions can be read"),
        ),
        (Stm32Fault::SetAltFails, ("set-alt-fails", "the first tool cannot select the alt setting")),
        (Stm32Fault::SlowErase, ("slow-erase", "erasing a page takes 45 s, in which nothing is printed")),
        (Stm32Fault::Stalled, ("stalled", "the first erase never ends, so that the tool waits for ever")),
        (
            Stm32Fault::EraseRefused,
            ("erase-refused", "the ROM stalls erase commands until the board has been unplugged"),
        ),
        (Stm32Fault::EraseError, ("erase-error", "the ROM answers every erase command with status 11 at once")),
        (
            Stm32Fault::Protected,
            (
                "protected",
                "the flash is read protected: each erase ends with status 11 (errVENDOR), and nothing can be read",
            ),
        ),
        (
            Stm32Fault::LostInWrite,
            ("lost-in-write", "a loose cable: the board leaves in the middle of the download, and is back after 3 s"),
        ),
        (
            Stm32Fault::StatusLostInWrite,
            ("status-lost-in-write", "the board leaves between a data block and its answer, and is back after 3 s"),
        ),
        (
            Stm32Fault::WriteError,
            ("write-error", "half-way through the first download the flash reports a write error"),
        ),
        (Stm32Fault::FlashBad, ("flash-bad", "one cell of the flash keeps a wrong value, and nothing reports it")),
        (
            Stm32Fault::BitFlipsOnce,
            ("bit-flips-once", "the first image is stored with one wrong bit, the second rightly"),
        ),
        (
            Stm32Fault::StaysInBootloader,
            (
                "stays-in-bootloader",
                "told to start its firmware, the board's own bootloader stays until the board is unplugged",
            ),
        ),
        (
            Stm32Fault::AbortRefused,
            ("abort-refused", "everything is written, but the ROM refuses the closing request: dfu-util exits with 74"),
        ),
        (
            Stm32Fault::LeaveStatusLost,
            ("leave-status-lost", "asked to leave, the board does so before it answers: dfu-util exits with 74"),
        ),
        (
            Stm32Fault::GoneAtReset,
            ("gone-at-reset", "the board enumerates anew during the closing USB reset: dfu-util exits with 251"),
        ),
        (
            Stm32Fault::RebootInManifest,
            ("reboot-in-manifest", "the board's own bootloader restarts before it has confirmed a download"),
        ),
    ];

    pub fn names() -> Vec<FaultName> {
        Stm32Fault::ALL.iter().map(|(_, name)| *name).collect()
    }

    pub fn named(name: &str) -> Result<Stm32Fault, BenchError> {
        (Stm32Fault::ALL.iter())
            .find(|(_, (known, _))| *known == name)
            .map(|(fault, _)| *fault)
            .ok_or_else(|| unknown_name(name, Stm32Fault::names()))
    }
}
