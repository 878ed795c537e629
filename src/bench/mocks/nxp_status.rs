//! What NXP's tools say to a status word.

use crate::bench::boards::imx_rt::Flavour;

/// Code, SPSDK's text, text of the old C++ tools (None: they do not know the code).
const BOOTLOADER_STATUSES: &[(u32, &str, Option<&str>)] = &[
    (0, "Success", Some("Success.")),
    (1, "Fail", Some("Failure.")),
    (4, "Invalid Argument Error", Some("kStatus_InvalidArgument")),
    (10000, "Unknown Command", Some("kStatus_UnknownCommand")),
    (10001, "Security Violation", Some("Command disallowed when security is enabled.")),
    (10002, "Abort Data Phase", Some("kStatus_AbortDataPhase")),
    (10004, "No response packet from target device", Some("No response packet from target device.")),
    (10200, "Memory Range Invalid", Some("kStatusMemoryRangeInvalid")),
    (10201, "Memory Read Failed", Some("kStatusMemoryReadFailed")),
    (10202, "Memory Write Failed", Some("kStatusMemoryWriteFailed")),
    (10203, "Memory Cumulative Write", Some("kStatusMemoryCumulativeWrite")),
    (10205, "Memory Not Configured", Some("kStatusMemoryNotConfigured")),
    (10206, "Memory Alignment Error", Some("kStatusMemoryAlignmentError")),
    (10300, "Unknown Property", Some("kStatus_UnknownProperty")),
    (20100, "FLEXSPINOR: Program Fail", Some("kStatus_FLEXSPINOR_ProgramFail")),
    (20101, "FLEXSPINOR: Erase Sector Fail", Some("kStatus_FLEXSPINOR_EraseSectorFail")),
    (20201, "OCOTP: Program Failure", Some("kStatus_OCOTP_ProgramFailure")),
];

/// `10203 (0x27db) Memory Cumulative Write.`
pub(crate) fn bootloader_status(code: u32, flavour: Flavour) -> String {
    let known = BOOTLOADER_STATUSES.iter().find(|(known, _, _)| *known == code);
    let unknown = format!("Unknown error code ({code})");
    let text = match flavour {
        Flavour::Legacy => known.and_then(|(_, _, legacy)| *legacy).map_or(unknown, str::to_owned),
        Flavour::Spsdk312 | Flavour::Spsdk26 => format!("{}.", known.map_or(unknown.as_str(), |(_, spsdk, _)| spsdk)),
    };
    format!("{code} ({code:#x}) {text}")
}

/// HAB modes and statuses of the ROM: word, SPSDK's text, text of the old C++ tools.
const ROM_STATUSES: &[(u32, &str, &str)] = &[
    (0x5678_7856, "Hab Is Disabled (Unlocked).", "HAB disabled."),
    (0x1234_3412, "HAB Is Enabled (Locked).", "HAB enabled."),
    (0x8888_8888, "Write File Success.", "Write File complete."),
    (0xf0f0_f0f0, "HAB Success.", "HAB Success."),
];

/// `2290649224 (0x88888888) Write File Success.` The old tools read the words the other way round, which shows in those
/// they do not know.
pub(crate) fn rom_status(word: u32, flavour: Flavour) -> String {
    let known = ROM_STATUSES.iter().find(|(known, _, _)| *known == word);
    match (flavour, known) {
        (Flavour::Legacy, Some((_, _, text))) => format!("{word} ({word:#x}) {text}"),
        (Flavour::Legacy, None) => {
            let swapped = word.swap_bytes();
            format!("{swapped} ({swapped:#x}) Unknown error code ({swapped})")
        }
        (_, Some((_, text, _))) => format!("{word} ({word:#x}) {text}"),
        (_, None) => format!("{word} ({word:#x}) NO DESCRIPTION."),
    }
}
