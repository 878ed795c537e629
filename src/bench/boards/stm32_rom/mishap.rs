//! What can be wrong with a virtual STM32, by the names that `--simulate=NAME` accepts.

use crate::bench::kit::mishaps::mishaps;

mishaps! {
    /// One starting state or mishap.
    pub(crate) enum Mishap {
        InRom: Always "in-rom" "the jumper is fitted and the ROM is on the bus from the beginning",
        InterruptedBefore: Always "interrupted-before"
            "an earlier run was killed half-way: the ROM waits for more data",
        BootLoop: Always "boot-loop"
            "the bootloader is healthy and the firmware damaged: the camera starts anew every two seconds",
        InterruptedUpdate: Always "interrupted-update"
            "the bootloader is healthy and waits: an update of the firmware was cut short",
        FirmwareDamaged: Always "firmware-damaged"
            "the firmware is damaged, too: with a new bootloader the camera starts again and again",
        Absent: Always "absent" "the board never shows up, as with a cable that only charges",
        NoPermission: Always "no-permission" "this user may not open the ROM's device node",
        LatePermission: Always "late-permission" "the device node may be opened only 0.3 s after the ROM has come",
        TwoBoards: Always "two-boards" "a second board in its ROM is attached",
        OtherKind: Always "other-kind"
            "a second board in its ROM is attached, of another kind: its flash is laid out differently",
        WrongBoard: Always "wrong-board" "the person connects a board of another kind",
        StillEnumerating: Once "still-enumerating" "the first tool finds the board before its descriptions can be read",
        SetAltFails: Once "set-alt-fails" "the first tool cannot select the alt setting",
        SlowErase: Always "slow-erase" "erasing a page takes 45 s, in which nothing is printed",
        Stalled: Once "stalled" "the first erase never ends, so that the tool waits for ever",
        EraseRefused: Once "erase-refused" "the ROM stalls erase commands until the board has been unplugged",
        EraseError: Always "erase-error" "the ROM answers every erase command with status 11 at once",
        Protected: Always "protected"
            "the flash is read protected: each erase ends with status 11 (errVENDOR), and nothing can be read",
        LostInWrite: Once "lost-in-write"
            "a loose cable: the board leaves in the middle of the download, and is back after 3 s",
        StatusLostInWrite: Once "status-lost-in-write"
            "the board leaves between a data block and its answer, and is back after 3 s",
        WriteError: Once "write-error" "half-way through the first download the flash reports a write error",
        FlashBad: Always "flash-bad" "one cell of the flash keeps a wrong value, and nothing reports it",
        BitFlipsOnce: Once "bit-flips-once" "the first image is stored with one wrong bit, the second rightly",
        StaysInBootloader: Always "stays-in-bootloader"
            "told to start its firmware, the board's own bootloader stays until the board is unplugged",
        AbortRefused: Once "abort-refused"
            "everything is written, but the ROM refuses the closing request: dfu-util exits with 74",
        LeaveStatusLost: Once "leave-status-lost"
            "asked to leave, the board does so before it answers: dfu-util exits with 74",
        GoneAtReset: Once "gone-at-reset"
            "the board enumerates anew during the closing USB reset: dfu-util exits with 251",
        RebootInManifest: Once "reboot-in-manifest"
            "the board's own bootloader restarts before it has confirmed a download",
    }
}
