//! What libusb's codes come to, whichever tool prints them and in whatever form: never to "unknown".

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use recover::documents::catalog::{Catalog, shipped};
use recover::output::{Expectations, Judge, Presence};
use recover::words::{Fault, Stream, ToolEnd, Verdict};

/// Every error of libusb 1.0: number, name, and the class it comes to while the device is of unknown whereabouts.
const CODES: [(i32, &str, &str); 13] = [
    (-1, "IO", "no-answer"),
    (-2, "INVALID_PARAM", "no-answer"),
    (-3, "ACCESS", "no-permission"),
    (-4, "NO_DEVICE", "device-lost"),
    (-5, "NOT_FOUND", "no-permission"),
    (-6, "BUSY", "no-permission"),
    (-7, "TIMEOUT", "no-answer"),
    (-8, "OVERFLOW", "no-answer"),
    (-9, "PIPE", "refused"),
    (-10, "INTERRUPTED", "no-answer"),
    (-11, "NO_MEM", "tool-broken"),
    (-12, "NOT_SUPPORTED", "no-permission"),
    (-99, "OTHER", "no-answer"),
];

const WRITES: [(&str, &str); 2] = [
    ("dfu-util", "-d ,0483:df11 -a 0 -s 0x08000000 -D x.bin"),
    ("STM32_Programmer_CLI", "-c port=USB1 -d FlashLayout.tsv"),
];

fn judged(catalog: &Catalog, (tool, args): (&str, &str), lines: &[&str], presence: Presence) -> Fault {
    let tool = catalog.tool(tool).unwrap();
    let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
    let mut judge = Judge::new(tool, tool.command(&args), Expectations { arguments: &args, ..Expectations::default() });
    lines.iter().for_each(|line| drop(judge.piece(Stream::Stderr, line)));
    match judge.judge(&ToolEnd::Exited(74), presence).verdict {
        Verdict::Fault(fault) => fault,
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn no_code_of_libusb_is_unknown() {
    let catalog = shipped().unwrap();
    for call in WRITES {
        for (number, name, class) in CODES {
            let forms = [
                format!("dfu-util: dfuse_download: libusb_control_transfer returned {number} (LIBUSB_ERROR_{name})"),
                format!("libusb_bulk_transfer returned {number}"),
                format!("Error during download (LIBUSB_ERROR_{name})"),
                format!("Cannot open device 1a2b:3c4d: LIBUSB_ERROR_{name}"),
            ];
            for line in &forms {
                let fault = judged(&catalog, call, &[line], Presence::Unknown);
                assert_eq!(fault.class.to_string(), class, "{}: {line}", call.0);
                assert!(fault.code.is_some_and(|code| code.starts_with("LIBUSB_ERROR_")), "{line}");
            }
        }
    }
}

#[test]
fn the_systems_own_numbers_mean_the_same() {
    let catalog = shipped().unwrap();
    for (number, class) in [(1, "no-permission"), (13, "no-permission"), (16, "no-permission"), (19, "device-lost")] {
        let line = format!(
            "libusb: error [get_usbfs_fd] libusb couldn't open USB device /dev/bus/usb/001/009, errno={number}"
        );
        for call in WRITES {
            assert_eq!(judged(&catalog, call, &[&line], Presence::Unknown).class.to_string(), class, "{line}");
        }
    }
    for (number, class) in [(5, "no-answer"), (71, "no-answer"), (110, "no-answer"), (32, "refused")] {
        let line = format!("libusb: error [submit_bulk_transfer] submiturb failed, errno={number}");
        assert_eq!(judged(&catalog, WRITES[1], &[&line], Presence::Unknown).class.to_string(), class, "{line}");
    }
}

/// What is gone is lost, what never left is stuck; both are tried again by playbooks.
#[test]
fn a_broken_transfer_is_told_by_what_the_bus_shows() {
    let catalog = shipped().unwrap();
    let lines = ["dfu-util: dfuse_download: libusb_control_transfer returned -4 (LIBUSB_ERROR_NO_DEVICE)"];
    let class = |presence| judged(&catalog, WRITES[0], &lines, presence).class.to_string();
    assert_eq!(class(Presence::Absent), "device-lost");
    assert_eq!(class(Presence::Returned), "device-lost");
    assert_eq!(class(Presence::Present), "no-answer");
    let lines = ["dfu-util: dfuse_download: libusb_control_transfer returned -1 (LIBUSB_ERROR_IO)"];
    assert_eq!(judged(&catalog, WRITES[0], &lines, Presence::Absent).class.to_string(), "device-lost");
    let lines = ["Error: Data read failed", "Warning: Connection to device 0x451 is lost"];
    assert_eq!(judged(&catalog, WRITES[1], &lines, Presence::Present).class.to_string(), "no-answer");
    assert_eq!(judged(&catalog, WRITES[1], &lines, Presence::Absent).class.to_string(), "device-lost");
}

/// A string that could not be read is a device that is still coming, whatever the tool makes of the missing text.
#[test]
fn a_device_that_is_still_enumerating_is_no_wrong_address() {
    let catalog = shipped().unwrap();
    for first in ["Failed to retrieve string descriptor 4", "Failed to retrieve language identifiers"] {
        let lines = [
            first,
            "dfu-util: Could not read name, sscanf returned 0",
            "dfu-util: Failed to parse memory layout for alternate interface 0",
        ];
        let fault = judged(&catalog, WRITES[0], &lines, Presence::Present);
        assert_eq!(fault.class.to_string(), "no-answer", "{first}");
        assert!(fault.message.contains("only just been plugged in"), "{}", fault.message);
    }
    let alone = ["dfu-util: Could not read name, sscanf returned 0"];
    assert_eq!(judged(&catalog, WRITES[0], &alone, Presence::Present).class.to_string(), "bad-usage");
}

/// The line about permissions says why nothing was found.
#[test]
fn a_permission_outranks_the_not_found_that_follows_from_it() {
    let catalog = shipped().unwrap();
    for not_found in ["Error: Target device not found", "Error: No STM32 device in DFU mode connected"] {
        let lines = [not_found, "libusb: error [get_usbfs_fd] libusb requires write access to USB device nodes"];
        assert_eq!(judged(&catalog, WRITES[1], &lines, Presence::Unknown).class.to_string(), "no-permission");
    }
    let alone = ["Error: Invalid USB port name !", "Error: Establishing connection with the device failed"];
    assert_eq!(judged(&catalog, WRITES[1], &alone, Presence::Unknown).class.to_string(), "no-device");
}

/// The third time it is the computer, not the cable once more.
#[test]
fn what_stalls_again_and_again_is_told_to_need_a_hub_between() {
    let catalog = shipped().unwrap();
    for line in [
        "error get_status: LIBUSB_ERROR_PIPE",
        "x returned -7 (LIBUSB_ERROR_TIMEOUT)",
        "x returned -9",
        "x returned -1",
    ] {
        let third = judged(&catalog, WRITES[0], &[line], Presence::Present).third_time.unwrap();
        assert!(third.help.unwrap().contains("USB 2 hub"), "{line}");
    }
    let third = judged(&catalog, WRITES[0], &["Cannot set alternate interface: LIBUSB_ERROR_OTHER"], Presence::Present);
    assert!(third.third_time.unwrap().help.unwrap().contains("libusb"));
}
