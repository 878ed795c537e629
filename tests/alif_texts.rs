//! Texts of the Alif SE Tools that no whole recorded run holds, and what each makes of a call. The whole runs are in
//! `tests/transcripts/alif`.

#![expect(clippy::expect_used, reason = "the helpers of a test may fail it")]

use std::sync::LazyLock;

use recover::documents::catalog::{Catalog, shipped};
use recover::output::{Expectations, Judge, LineSplitter, Presence, Touched};
use recover::words::{Stream, ToolEnd, Verdict};
use regex::Regex;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| shipped().expect("the shipped catalog loads"));

const ONE_FILE: [&str; 2] = ["-i", "../build/a.bin 0x80000000"];
const MODE: &str = "Maintenance Mode = Enabled \n";
/// A bar that reached its end.
const BAR: &str = "Download Image\nbuild/a.bin                     [####################]100%: 240/240 bytes\r\r\n";
const DONE: &str = "Done\n       0.01 seconds\n\n";

/// Verdict and code in one text, and what was touched.
fn verdict(tool: &str, args: &[&str], expect: &[&str], output: &str, exit_code: i32) -> (String, Touched) {
    let tool = CATALOG.tool(tool).expect("is shipped");
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let expect: Vec<Regex> = expect.iter().map(|text| Regex::new(text).expect("compiles")).collect();
    let expectations = Expectations { expect: &expect, arguments: &args, ..Expectations::default() };
    let mut judge = Judge::new(tool, tool.command(&args), expectations);
    let mut splitter = LineSplitter::default();
    let mut pieces = splitter.push(output.as_bytes());
    pieces.extend(splitter.finish());
    for piece in pieces {
        judge.piece(Stream::Stdout, &piece.text);
    }
    let judgement = judge.judge(&ToolEnd::Exited(exit_code), Presence::Unknown);
    let word = match judgement.verdict {
        Verdict::Succeeded => "succeeded".to_owned(),
        Verdict::SucceededWithWarning(_) => "warning".to_owned(),
        Verdict::Fault(fault) => match fault.code {
            Some(code) => format!("{} {code}", fault.class),
            None => fault.class.to_string(),
        },
    };
    (word, judgement.touched)
}

fn write(output: &str, exit_code: i32) -> (String, Touched) {
    verdict("app-write-mram", &ONE_FILE, &[], output, exit_code)
}

#[test]
fn a_write_that_goes_on_after_a_failure_has_failed() {
    let nak = "RX<--  length=   4 command= COMMAND_NAK            chksum= 0x10 error= ISP_IMAGE_VERIFICATION_FAILED \n";
    let unknown = "RX<--  length=   4 command= COMMAND_NAK            chksum= 0x10 error= >> ERROR UNKNOWN (0xe1) <<\n";
    for (output, wanted) in [
        (format!("{MODE}{BAR}{DONE}"), "succeeded"),
        (format!("[ERROR] COM9 is not a valid port name\n{MODE}{BAR}{DONE}"), "succeeded"),
        (format!("[WARN] ************ Part# detected is different\n{MODE}{BAR}{DONE}"), "succeeded"),
        (format!("{MODE}{BAR}{nak}{DONE}"), "refused ISP_IMAGE_VERIFICATION_FAILED"),
        (format!("{MODE}{BAR}{unknown}{DONE}"), "refused 0xe1"),
        (format!("{MODE}{BAR}[ERROR] No response\n\r\n{DONE}"), "no-answer"),
        (format!("{MODE}{BAR}[ERROR] something new\n{DONE}"), "unknown"),
        (format!("{MODE}{BAR}"), "unknown"),
        (format!("{BAR}{DONE}"), "unknown"),
        (format!("{}{BAR}{DONE}", "Maintenance Mode = Disabled \n"), "no-answer not-in-maintenance"),
    ] {
        assert_eq!(write(&output, 0).0, wanted, "{output}");
    }
    assert_eq!(write(&format!("{MODE}{BAR}{DONE}"), 1).0, "unknown", "the last word belongs to the exit code");
    let two = ["-i", "../build/a.bin 0x80000000 ../build/b.bin 0x8057E000"];
    let first_only = format!("{MODE}{BAR}{DONE}");
    assert_eq!(verdict("app-write-mram", &two, &[], &first_only, 0), ("unknown".to_owned(), Touched::Partly));
}

#[test]
fn faults_before_the_first_block_are_told_apart_and_touch_nothing() {
    for (output, exit_code, wanted) in [
        (
            "[ERROR] openSerial [Errno 2] could not open port /dev/ttyUSB0: [Errno 2] No such file or directory: \
             '/dev/ttyUSB0'\n[ERROR] isp openSerial failed for /dev/ttyUSB0\n",
            1,
            "no-device",
        ),
        (
            "[ERROR] openSerial could not open port 'COM8': FileNotFoundError(2, 'The system cannot find the file \
             specified.', None, 2)\n",
            1,
            "no-device",
        ),
        (
            "[ERROR] openSerial could not open port 'COM8': PermissionError(13, 'Access is denied.', None, 5)\n",
            1,
            "no-permission",
        ),
        (
            "[ERROR] openSerial [Errno 13] could not open port /dev/ttyUSB0: [Errno 13] Permission denied: \
             '/dev/ttyUSB0'\n[ERROR] isp openSerial failed for /dev/ttyUSB0\n",
            1,
            "no-permission",
        ),
        ("[ERROR] openSerial Could not configure port: (25, 'Inappropriate ioctl for device')\n", 1, "no-device"),
        ("[ERROR] openSerial [Errno 2] could not open port : [Errno 2] No such file\n", 1, "bad-usage"),
        ("[ERROR] Cannot found active COM port\n[ERROR] openSerial could not open port 'COM3'\n", 1, "no-device"),
        (
            "[ERROR] /dev/ttyUSB0 readSerial reporting disconnected\nTraceback (most recent call last):\n\
             termios.error: (5, 'Input/output error')\n",
            1,
            "device-lost",
        ),
        ("[ERROR] Target did not respond\n", 255, "no-answer"),
        ("\n[ERROR] Malformed packet received from target\n", 1, "no-answer"),
        (
            "<class 'FileNotFoundError'>\nError: there is a problem with the image build/a.bin\nPlease check it exists \
             and retry\n",
            1,
            "bad-file",
        ),
        (
            "File size = 4097\n!!!WARNING: the SIZE of build/a.bin is NOT multiple of 16 bytes as required by MRAM\n\
             Please correct the image or use the -p option to pad the binary\n",
            1,
            "bad-file",
        ),
        ("Error in parameters: check the help using -h option\n", 1, "bad-usage"),
        ("Error in parameter 0x8z - Please check\n", 1, "bad-usage"),
        (
            "COM ports detected = 1\n-> /dev/ttyUSB0        \nEnter port name: Operation cancelled by the user!\n",
            0,
            "cancelled",
        ),
        (
            "[ERROR] ************ Configuration mismatch detected!\n  Expected: A\n  Detected: B\n\
             Continue with operation [y/n]?\n> [INFO] Operation aborted\n",
            1,
            "protected B",
        ),
        ("[ERROR] ************ Part Revision mismatch detected!\n", 1, "protected part-mismatch"),
        ("We couldn't find the AE9 in the available parts\n", 1, "bad-usage"),
        ("Revision is invalid!\n", 1, "bad-usage"),
        ("ERROR in JSON file.\n", 1, "bad-usage"),
        ("Traceback (most recent call last):\nKeyError: 'NOPE'\n", 1, "tool-broken"),
        ("ModuleNotFoundError: No module named 'serialport'\n", 1, "tool-broken"),
        ("[INFO] Connecting to target...[ERROR] Device state 7\n", 1, "refused 7"),
    ] {
        assert_eq!(write(output, exit_code), (wanted.to_owned(), Touched::Nothing), "{output}");
    }
    assert_eq!(
        write("usage: app-write-mram [-h]\napp-write-mram: error: unrecognized arguments: 0x8\n", 2).0,
        "bad-usage"
    );
}

/// What the chip does not accept once, it never accepts; what was disturbed may work the next time.
#[test]
fn refusals_that_cannot_heal_are_known() {
    let lasting = |code: &str| {
        let tool = CATALOG.tool("app-write-mram").expect("is shipped");
        let line = format!("RX<--  length=   4 command= COMMAND_NAK            chksum= 0x10 error= {code} ");
        let known = tool.faults.iter().find(|fault| fault.pattern.is_match(&line));
        known.expect("every refusal is known").lasting
    };
    for code in [
        "ISP_BAD_DEST_ADDRESS",
        "ISP_ERROR_ILLEGAL_ADDRESS",
        "ISP_ERROR_MISALIGNED",
        "ISP_MRAM_LENGTH_TOO_LARGE",
        "ISP_HOST_AUTH_FAILED",
        "ISP_BAD_AUTH_TOKEN",
        "ISP_IMAGE_AUTHENTICATION_FAILED",
        "ISP_IMAGE_VERIFICATION_FAILED",
        "ISP_SECURE_DEBUG_FAILED",
    ] {
        assert!(lasting(code), "{code}");
    }
    for code in ["ISP_MRAM_WRITE_FAILED", "ISP_WRITE_TIMEOUT", "ISP_CHECKSUM_ERROR", "ISP_NOT_ALLOWED", "ISP_ERROR"] {
        assert!(!lasting(code), "{code}");
    }
}

#[test]
fn a_package_is_written_when_both_its_parts_are() {
    let update = |output: &str| verdict("updateSystemPackage", &[], &[], output, 0).0;
    assert_eq!(update(&format!("Bootloader stage: SERAM\n{MODE}{BAR}{DONE}{BAR}{DONE}")), "succeeded");
    assert_eq!(update(&format!("{MODE}{BAR}{DONE}")), "unknown");
    assert_eq!(
        update("Bootloader stage: SEROM\n[ERROR] Please use Recovery option from ROM menu\n"),
        "refused recovery"
    );
    assert_eq!(update("Image alif/SP-X-rev-b4.bin does not exist!\n"), "bad-file");
    assert_eq!(update("[ERROR] no signature\nImage authentication failed!\n"), "bad-file");
    let question = "Connected target is not the default Part#\nDo you want to set this part as default? (y/n): ";
    assert_eq!(update(&format!("{question}\nUser aborted the process\n")), "cancelled");
    assert_eq!(update(&format!("{question}n\n{MODE}{BAR}{DONE}{BAR}{DONE}")), "succeeded");
}

#[test]
fn menus_are_judged_by_what_the_step_expects() {
    let enquiry = "SERAM Error =  0x0 Extended Error =  0x0 Maintenance Mode = Enabled\n \n";
    let prompt = "Select an option (Enter to return): ";
    let menus = |output: &str, exit_code| {
        verdict("maintenance", &[], &["(SERAM|SEROM) Error = .* Maintenance Mode = Enabled"], output, exit_code)
    };
    let silent = "[INFO] Connecting to target...Device did not respond\n";
    assert_eq!(menus(&format!("{silent}{prompt}{enquiry}{prompt}"), 0), ("succeeded".to_owned(), Touched::Nothing));
    assert_eq!(menus(&format!("{prompt}{enquiry}{prompt}[Ctrl-C EOF]\n"), 0).0, "succeeded");
    assert_eq!(menus(&format!("{silent}{prompt}[Ctrl-C EOF]\n"), 0).0, "cancelled");
    assert_eq!(menus(&format!("{silent}{prompt}\n[INFO] CTRL-C\n{prompt}{enquiry}"), 0).0, "cancelled");
    assert_eq!(menus(&format!("{prompt}[ERROR] Target did not respond\n"), 1).0, "no-answer");
    let disabled = enquiry.replace("Enabled", "Disabled ");
    assert_eq!(menus(&format!("{prompt}{disabled}{prompt}"), 0).0, "no-answer not-in-maintenance");
    let invalid = "[ERROR] Invalid option - Please try again\n";
    assert_eq!(menus(&format!("{invalid}{prompt}{enquiry}"), 0).0, "succeeded", "it was asked again");

    let restore = |output: &str| verdict("maintenance", &[], &["Recovery process finished"], output, 0).0;
    let recovery = "[INFO] Connecting to target...Device connected in Recovery\n";
    assert_eq!(restore(&format!("{recovery}{BAR}Recovery process finished. Please reload\n")), "succeeded");
    assert_eq!(
        restore(&format!("{recovery}{}Recovery process finished.\n", BAR.replace("240/240", "16/240"))),
        "unknown"
    );
    assert_eq!(
        restore("[ERROR] Device not in Recovery mode, use updateSystemPackage Tool\n"),
        "refused not-in-recovery"
    );
    assert_eq!(restore("ERROR: There was an error in the recovery process\n"), "no-answer");
}

#[test]
fn a_banner_is_the_only_proof_of_a_banner() {
    let banner = |word, output| verdict("maintenance", &["-opt", word], &[], output, 0).0;
    assert_eq!(banner("getbanner", " SES B4 v1.102.0 Nov  8 2024 17:52:19 \n"), "succeeded");
    assert_eq!(banner("getbanner", "[INFO] baud rate 55000\n"), "unknown");
    let nak = "RX<--  length=   4 command= COMMAND_NAK            chksum= 0x10 error= ISP_UNKNOWN_GET_OBJECT \n";
    assert_eq!(banner("sesbanner", nak), "refused recovery");
    assert_eq!(banner("getbanner", nak), "refused ISP_UNKNOWN_GET_OBJECT");
    assert_eq!(
        verdict("maintenance", &["-opt", "sesbanner"], &[], "[ERROR] Command sesbanner not recognized\n", 1).0,
        "bad-usage sesbanner"
    );
}

#[test]
fn versions_name_the_release_they_come_from() {
    let release = |tool: &str, line: &str| {
        let flavours = &CATALOG.tool(tool).expect("is shipped").version.flavours;
        let flavour = flavours.iter().find(|flavour| flavour.pattern.is_match(line));
        flavour.and_then(|flavour| flavour.name.clone()).unwrap_or_default()
    };
    for (tool, line, wanted) in [
        ("maintenance", "0.16.000", "1.103"),
        ("maintenance", "maintenance 0.17.000", "1.104"),
        ("maintenance", "0.22.000", "1.110"),
        ("maintenance", "1.0.000", "newer than 1.110"),
        ("updateSystemPackage", "0.26.000", "1.103 or 1.104"),
        ("updateSystemPackage", "0.27.000", "1.110"),
        ("app-write-mram", "0.22.000", "1.103"),
        ("app-write-mram", "0.23.000", "1.104"),
        ("app-write-mram", "0.25.000", "1.110"),
    ] {
        assert_eq!(release(tool, line), wanted, "{tool} {line}");
    }
}
