//! The starting states and mishaps of the board with a secure enclave that `--simulate=NAME` accepts.

use crate::bench::kit::mishaps::mishaps;

mishaps! {
    /// One starting state or mishap.
    pub(crate) enum Mishap {
        Tools1103: ForGood "tools-1.103" "the tools are those of SE Tools 1.103.001 instead of 1.104.0",
        Tools1104: ForGood "tools-1.104" "the tools are those of SE Tools 1.104.0, as without this name",
        Tools1110: ForGood "tools-1.110" "the tools are those of SE Tools 1.110.0 instead of 1.104.0",
        Sbl2: ForGood "sbl2" "the camera is of the later kind: a CH343 bridge and part AE302F80F55D5LE",
        OldSes: Always "old-ses" "the Secure Enclave runs an older version than the tools bring",
        Recovery: Always "recovery" "the system package is damaged: the chip stays in its ROM, in recovery",
        Silent: Always "silent"
            "the application keeps the Secure Enclave from answering, except in hard maintenance, until it is replaced",
        WrongBaud: Always "wrong-baud"
            "a killed tool left the chip at 921600 baud, the switch still on; a short power cut is no cure yet",
        PartMismatch: Always "part-mismatch" "the chip tells the other part than its bridge suggests",
        StrangePart: Always "strange-part" "the chip tells a part that no camera of this kind has",
        EofQuestion: Once "eof-question"
            "as part-mismatch, and the first question about it finds the tool's input ended",
        NakMidImage: Once "nak-mid-image" "the chip refuses the 5th block of each image of the first write",
        WriteRefused: Once "write-refused" "the chip refuses the first write before any data",
        PackageRefused: Always "package-refused"
            "the chip accepts no system package: for it the address is a wrong one",
        ImagesRefused: Always "images-refused" "the chip accepts no application: for it the address is a wrong one",
        ButtonDead: Always "button-dead" "the chip does not notice the camera's button",
        HangsMidImage: Once "hangs-mid-image"
            "the first write stops in the middle of an image and never goes on, at 921600 baud",
        UnpluggedMidWrite: Once "unplugged-mid-write"
            "the cable falls out in the middle of the first write, until it is plugged in again",
        PortMoves: Always "port-moves" "the serial port gets another name each time the cable is plugged in",
        ForeignBridge: Always "foreign-bridge"
            "another adapter with the same USB id is always attached, and nothing answers behind it",
        NoPermission: Always "no-permission" "this user may not open the serial port",
        Absent: Always "absent" "the camera never appears on the bus",
        NoFirmware: ForGood "no-firmware" "behind the bootloader is no firmware, so that it stays in DFU mode",
        BootLoop: Always "boot-loop"
            "the bootloader is healthy and the firmware damaged: the camera starts anew every two seconds",
        InterruptedUpdate: Always "interrupted-update"
            "the bootloader is healthy and waits: an update of the firmware was cut short",
        FirmwareDamaged: Always "firmware-damaged"
            "the firmware is damaged, too: with a new bootloader the camera starts again and again",
        StaysInBootloader: Always "stays-in-bootloader"
            "told to start its firmware, the bootloader stays until the camera is unplugged",
        Slow: Always "slow" "the chip answers late: probes take twice as long, images four times",
    }
}
