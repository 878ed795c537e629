//! The starting states and faults of the i.MX RT board that `--simulate=NAME` accepts.

use std::collections::BTreeMap;

use crate::bench::FaultName;
use crate::bench::kit::board::{BenchError, unknown_name};

/// One starting state or fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    Legacy,
    Spsdk26,
    LateFlashloader,
    FuseSet,
    InRom,
    Absent,
    NoPermission,
    TwoBoards,
    HabClosed,
    FlashloaderRefused,
    LostInFlashloader,
    JumpNoAnswer,
    JumpIgnored,
    EraseRefused,
    EraseNoAnswer,
    LostBeforeErase,
    WriteRefused,
    WriteAborted,
    WriteNoAnswer,
    LostInFirmware,
    FlashBad,
    BitFlipsOnce,
    BlockFlipsOnce,
    SlowFlash,
    BlockNotKept,
    ImageNotKept,
    FuseNoAnswer,
    LostInFuse,
    FuseStuck,
    FuseNotKept,
    BootPinHeld,
    ResetNoAnswer,
    LostBeforeReset,
    ToolHangs,
}

/// Strikes again and again.
const ALWAYS: u32 = u32::MAX;
const ONCE: u32 = 1;

const FAULTS: &[(Fault, u32, FaultName)] = &[
    (Fault::Legacy, ALWAYS, ("legacy", "the tools are NXP's old C++ ones, blhost 2.6.2 and sdphost 1.0.0")),
    (Fault::Spsdk26, ALWAYS, ("spsdk-2.6", "the tools are those of SPSDK 2.6.1 instead of 3.12.0")),
    (Fault::LateFlashloader, ALWAYS, ("late-flashloader", "the RAM flashloader appears only 8 s after the jump")),
    (Fault::FuseSet, ALWAYS, ("fuse-set", "the boot fuse has been burnt before")),
    (Fault::InRom, ALWAYS, ("in-rom", "the wire is fitted and the ROM is on the bus from the beginning")),
    (Fault::Absent, ALWAYS, ("absent", "the board never appears on the bus")),
    (Fault::NoPermission, ALWAYS, ("no-permission", "this user may not open the board")),
    (Fault::TwoBoards, ALWAYS, ("two-boards", "a second board of the same kind is attached")),
    (Fault::HabClosed, ALWAYS, ("hab-closed", "the chip is secured and runs signed images only")),
    (
        Fault::FlashloaderRefused,
        ONCE,
        ("flashloader-refused", "the ROM answers the first write-file with an odd status"),
    ),
    (
        Fault::LostInFlashloader,
        ONCE,
        ("lost-in-flashloader", "the board is lost in the middle of the first write-file"),
    ),
    (Fault::JumpNoAnswer, ONCE, ("jump-no-answer", "the first jump happens, but its answer does not come")),
    (Fault::JumpIgnored, ONCE, ("jump-ignored", "nothing appears after the first jump")),
    (Fault::EraseRefused, ONCE, ("erase-refused", "the first erase is refused with status 20101")),
    (
        Fault::EraseNoAnswer,
        ONCE,
        ("erase-no-answer", "the first erase answers too late: its answer is read by the next command"),
    ),
    (Fault::LostBeforeErase, ONCE, ("lost-before-erase", "the board is lost just before the first erase")),
    (Fault::WriteRefused, ONCE, ("write-refused", "the first write to flash is refused with status 10203")),
    (Fault::WriteAborted, ONCE, ("write-aborted", "the first write to flash is aborted with status 20100")),
    (Fault::WriteNoAnswer, ONCE, ("write-no-answer", "the first write to flash happens, but is not confirmed")),
    (
        Fault::LostInFirmware,
        ONCE,
        ("lost-in-firmware", "the board is lost in the middle of the firmware, until somebody plugs it in again"),
    ),
    (Fault::FlashBad, ALWAYS, ("flash-bad", "writes to flash claim success but store a wrong byte")),
    (
        Fault::BitFlipsOnce,
        ALWAYS,
        (
            "bit-flips-once",
            "each image is stored with one wrong bit the first time it is written, and rightly the second",
        ),
    ),
    (
        Fault::BlockFlipsOnce,
        ALWAYS,
        (
            "block-flips-once",
            "the flash configuration block is stored with one wrong bit the first time, and rightly the second",
        ),
    ),
    (Fault::SlowFlash, ALWAYS, ("slow-flash", "erasing takes 70 s for 4 MB, which is slow but healthy")),
    (
        Fault::BlockNotKept,
        ALWAYS,
        ("block-not-kept", "the flash configuration block can be read back, but is gone once the board was unplugged"),
    ),
    (
        Fault::ImageNotKept,
        ALWAYS,
        ("image-not-kept", "the boot image can be read back, but is gone once the board was unplugged"),
    ),
    (Fault::FuseNoAnswer, ONCE, ("fuse-no-answer", "the fuse is burnt, but the answer does not come")),
    (Fault::LostInFuse, ONCE, ("lost-in-fuse", "the fuse is burnt, and the board is lost before it answers")),
    (Fault::FuseStuck, ALWAYS, ("fuse-stuck", "burning the fuse claims success, but the bit stays clear")),
    (
        Fault::FuseNotKept,
        ALWAYS,
        ("fuse-not-kept", "the fuse reads as burnt, but is clear again once the board was unplugged"),
    ),
    (Fault::BootPinHeld, ALWAYS, ("boot-pin-held", "the ROM comes whatever the person does to wire or switch")),
    (Fault::ResetNoAnswer, ONCE, ("reset-no-answer", "the first reset happens, but its answer does not come")),
    (Fault::LostBeforeReset, ONCE, ("lost-before-reset", "the board is lost just before the first reset")),
    (Fault::ToolHangs, ONCE, ("tool-hangs", "the first call that erases flash never returns")),
];

/// Those that can strike.
pub(super) fn fault_names(can_strike: impl Fn(Fault) -> bool) -> Vec<FaultName> {
    FAULTS.iter().filter(|(fault, _, _)| can_strike(*fault)).map(|(_, _, name)| *name).collect()
}

impl Fault {
    pub(super) fn is_about_the_boot_fuse(self) -> bool {
        matches!(self, Fault::FuseSet | Fault::FuseNoAnswer | Fault::LostInFuse | Fault::FuseStuck | Fault::FuseNotKept)
    }
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
        self.left.retain(|fault, _| matches!(fault, Fault::Legacy | Fault::Spsdk26));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_strikes_once_is_then_gone() {
        let mut faults = Faults::by_name(&["write-refused", "legacy"]).unwrap();
        assert!(faults.strikes(Fault::WriteRefused) && !faults.strikes(Fault::WriteRefused));
        assert!(faults.strikes(Fault::Legacy) && faults.strikes(Fault::Legacy));
        assert!(!faults.has(Fault::FuseSet));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_or_all_known_ones() {
        let error = |name| Faults::by_name(&[name]).unwrap_err().to_string();
        assert!(error("late-flashloder").contains("did you mean `late-flashloader`?"));
        assert!(error("zzz").contains("late-flashloader, fuse-set"), "{}", error("zzz"));
    }
}
