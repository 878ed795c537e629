//! The starting states and mishaps of the STM32N6 board that `--simulate=NAME` accepts.

use crate::bench::kit::mishaps::mishaps;

mishaps! {
    /// One starting state or mishap.
    pub(crate) enum Mishap {
        Windows: ForGood "windows" "the tool prints as on Windows: no colours, bars of a code page's blocks",
        OldVersion: Always "old-version" "the tool is version 2.16.0, which is too old",
        FirmwareAlive: ForGood "firmware-alive" "the firmware is intact and starts once the bootloader is back",
        InRom: Always "in-rom" "the wire is fitted and the ROM is on the bus from the beginning",
        SecondStage: Always "second-stage" "the board already runs its loader from an earlier try",
        BootLoop: Always "boot-loop"
            "the bootloader is healthy and the firmware damaged: the camera starts anew every two seconds",
        InterruptedUpdate: Always "interrupted-update"
            "the bootloader is healthy and waits: an update of the firmware was cut short",
        FirmwareDamaged: Always "firmware-damaged"
            "the firmware is damaged, too: with a new bootloader the camera starts again and again",
        Absent: Always "absent" "the board never appears on the bus",
        NoPermission: Always "no-permission" "this user may not open the board",
        TwoBoards: Always "two-boards" "another STM32 board in its ROM is attached, which the tool finds first",
        StartFailed: Once "start-failed" "the loader does not start the first time",
        ReconnectTimesOut: Once "reconnect-times-out"
            "the loader starts, but the board does not come back on USB the first time",
        NeverReconnects: Always "never-reconnects" "the loader starts, but the board never comes back on USB",
        WriteRefused: Once "write-refused" "the first write to flash fails",
        ErrorExit0: Always "error-exit-0" "writes to flash fail, and yet the tool reports success and ends with 0",
        SuccessExit1: Always "success-exit-1" "everything works, and yet the tool ends with 1",
        NothingDone: Always "nothing-done" "the tool ends with 0 and has done nothing",
        Protected: Always "protected" "the chip is locked",
        LostInWrite: Once "lost-in-write"
            "the board is lost in the middle of the first write to flash, until it is plugged in again",
        StaysInBootloader: Always "stays-in-bootloader"
            "told to start its firmware, the bootloader stays until the board is unplugged",
        ToolHangs: Once "tool-hangs" "the first call that writes never returns",
    }
}
