//! The starting states and mishaps of the i.MX RT board that `--simulate=NAME` accepts.

use crate::bench::kit::mishaps::mishaps;

mishaps! {
    /// One starting state or mishap.
    pub(crate) enum Mishap {
        Legacy: ForGood "legacy" "the tools are NXP's old C++ ones, blhost 2.6.2 and sdphost 1.0.0",
        Spsdk26: ForGood "spsdk-2.6" "the tools are those of SPSDK 2.6.1 instead of 3.12.0",
        LateFlashloader: Always "late-flashloader" "the RAM flashloader appears only 8 s after the jump",
        FuseSet: Always "fuse-set" "the boot fuse has been burnt before",
        InRom: Always "in-rom" "the wire is fitted and the ROM is on the bus from the beginning",
        Absent: Always "absent" "the board never appears on the bus",
        NoPermission: Always "no-permission" "this user may not open the board",
        TwoBoards: Always "two-boards" "a second board of the same kind is attached",
        HabClosed: Always "hab-closed" "the chip is secured and runs signed images only",
        FlashloaderRefused: Once "flashloader-refused" "the ROM answers the first write-file with an odd status",
        LostInFlashloader: Once "lost-in-flashloader" "the board is lost in the middle of the first write-file",
        JumpNoAnswer: Once "jump-no-answer" "the first jump happens, but its answer does not come",
        JumpIgnored: Once "jump-ignored" "nothing appears after the first jump",
        EraseRefused: Once "erase-refused" "the first erase is refused with status 20101",
        EraseNoAnswer: Once "erase-no-answer"
            "the first erase answers too late: its answer is read by the next command",
        LostBeforeErase: Once "lost-before-erase" "the board is lost just before the first erase",
        WriteRefused: Once "write-refused" "the first write to flash is refused with status 10203",
        WriteAborted: Once "write-aborted" "the first write to flash is aborted with status 20100",
        WriteNoAnswer: Once "write-no-answer" "the first write to flash happens, but is not confirmed",
        LostInFirmware: Once "lost-in-firmware"
            "the board is lost in the middle of the firmware, until somebody plugs it in again",
        FlashBad: Always "flash-bad" "writes to flash claim success but store a wrong byte",
        BitFlipsOnce: Always "bit-flips-once"
            "each image is stored with one wrong bit the first time it is written, and rightly the second",
        BlockFlipsOnce: Always "block-flips-once"
            "the flash configuration block is stored with one wrong bit the first time, and rightly the second",
        SlowFlash: Always "slow-flash" "erasing takes 70 s for 4 MB, which is slow but healthy",
        BlockNotKept: Always "block-not-kept"
            "the flash configuration block can be read back, but is gone once the board was unplugged",
        ImageNotKept: Always "image-not-kept"
            "the boot image can be read back, but is gone once the board was unplugged",
        FuseNoAnswer: Once "fuse-no-answer" "the fuse is burnt, but the answer does not come",
        LostInFuse: Once "lost-in-fuse" "the fuse is burnt, and the board is lost before it answers",
        FuseStuck: Always "fuse-stuck" "burning the fuse claims success, but the bit stays clear",
        FuseNotKept: Always "fuse-not-kept" "the fuse reads as burnt, but is clear again once the board was unplugged",
        BootPinHeld: Always "boot-pin-held" "the pin that asks for the ROM stays connected: the ROM comes whatever the person does to wire or switch",
        ResetNoAnswer: Once "reset-no-answer" "the first reset happens, but its answer does not come",
        LostBeforeReset: Once "lost-before-reset" "the board is lost just before the first reset",
        ToolHangs: Once "tool-hangs" "the first call that erases flash never returns",
    }
}

impl Mishap {
    pub(super) fn is_about_the_boot_fuse(self) -> bool {
        use Mishap::{FuseNoAnswer, FuseNotKept, FuseSet, FuseStuck, LostInFuse};
        matches!(self, FuseSet | FuseNoAnswer | LostInFuse | FuseStuck | FuseNotKept)
    }
}
