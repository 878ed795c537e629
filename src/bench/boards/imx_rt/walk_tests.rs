//! The documented procedure on the virtual board, call by call, and what each fault does to it.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::bench::test_bench::{LOADER_BYTES, TestBench};
use crate::bench::{Bench, BenchError, BenchFolder, BenchState, Console, MockEnd, play};
use crate::documents::playbook::HandMove;

const ERASE_BLOCK: &str = "blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60000000 0x1000";
const ERASE_LOADER: &str = "blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60001000 0x8000";
const WRITE_LOADER: &str = "blhost -u 0x15A2,0x0073 -- write-memory 0x60001000 blhost_flash_loader.bin";
const ERASE_FIRMWARE: &str = "blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60040000 0x19000";
const WRITE_FIRMWARE: &str = "blhost -u 0x15A2,0x0073 -- write-memory 0x60040000 firmware.bin";
const BURN: &str = "blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010";
const READ_FUSE: &str = "blhost -u 0x15A2,0x0073 -- efuse-read-once 0x06";
const RESET: &str = "blhost -u 0x15A2,0x0073 -- reset";
const VERSION: &str = "blhost -u 0x15A2,0x0073 -- get-property 1";
const FLASH: &[&str] = &[
    ERASE_BLOCK,
    "blhost -u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xF000000F word",
    "blhost -u 0x15A2,0x0073 -- configure-memory 9 0x2000",
    ERASE_LOADER,
    WRITE_LOADER,
    ERASE_FIRMWARE,
    WRITE_FIRMWARE,
];

fn succeed(bench: &TestBench, line: &str) {
    let printed = bench.call(line);
    assert!(printed.stdout.contains("Response status = 0 (0x0) Success."), "{line}: {printed:?}");
}

fn status(bench: &TestBench, line: &str) -> u32 {
    let printed = bench.call(line);
    let (_, rest) = printed.stdout.split_once("Response status = ").unwrap_or_else(|| panic!("{line}: {printed:?}"));
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

fn ready(names: &[&str]) -> TestBench {
    let bench = TestBench::new(names);
    bench.start_flashloader();
    bench.configure();
    bench
}

fn finish(bench: &TestBench) {
    bench.hands(&[HandMove::RemoveJumper, HandMove::Unplug, HandMove::PlugIn]);
}

#[test]
fn the_documented_commands_bring_the_board_back_in_both_flavours() {
    for names in [&[][..], &["legacy"], &["spsdk-2.6"]] {
        let bench = ready(names);
        for line in FLASH {
            succeed(&bench, line);
        }
        let firmware = std::fs::read(bench.image("firmware.bin")).unwrap();
        let copy = bench.image("copy");
        succeed(&bench, &format!("blhost -u 0x15A2,0x0073 -- read-memory 0x60040000 100000 {}", copy.display()));
        assert_eq!(std::fs::read(copy).unwrap(), firmware);
        succeed(&bench, BURN);
        assert_eq!(bench.fuse(), 0x10);
        succeed(&bench, RESET);
        bench.wait_ms(1_000);
        assert_eq!(bench.shown(), ["1fc9:0135"], "the jumper is still there");
        finish(&bench);
        bench.wait_ms(600);
        assert_eq!(bench.shown(), ["15a2:0073"], "the resident bootloader shows itself first");
        bench.wait_ms(2_000);
        assert_eq!(bench.shown(), ["37c5:1060"]);

        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(bench.bench.files().board()).unwrap()).unwrap();
        assert_eq!(record["fuses"]["0x06"], "0x00000010");
        let regions = record["regions"].as_array().unwrap();
        let addresses: Vec<&str> = regions.iter().map(|region| region["address"].as_str().unwrap()).collect();
        assert_eq!(addresses, ["0x60000000", "0x60001000", "0x60040000"]);
        let sha256: String = Sha256::digest(&firmware).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(regions[2]["sha256"].as_str().unwrap(), sha256);
        assert_eq!(regions[1]["length"], LOADER_BYTES);
    }
}

#[test]
fn calls_are_recorded_in_order_and_probes_are_not() {
    let bench = TestBench::new(&[]);
    bench.call("blhost --version");
    bench.call(VERSION);
    bench.start_flashloader();
    bench.call(VERSION);
    let text = std::fs::read_to_string(bench.bench.files().calls()).unwrap();
    let calls: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let brief: Vec<(&str, &str, i64)> = calls
        .iter()
        .map(|call| {
            let argv = call["argv"].as_array().unwrap();
            (call["tool"].as_str().unwrap(), argv[3].as_str().unwrap(), call["exit_code"].as_i64().unwrap())
        })
        .collect();
    let expected = [
        ("blhost", "get-property", 2),
        ("sdphost", "write-file", 0),
        ("sdphost", "jump-address", 0),
        ("blhost", "get-property", 0),
    ];
    assert_eq!(brief, expected);
    assert_eq!(calls[0]["argv"], serde_json::json!(["-u", "0x15A2,0x0073", "--", "get-property", "1"]));
}

#[test]
fn flash_is_guarded_as_on_the_real_board() {
    let bench = TestBench::new(&[]);
    bench.start_flashloader();
    assert_eq!(status(&bench, ERASE_LOADER), 10205, "not configured");
    assert_eq!(status(&bench, WRITE_LOADER), 10205);
    assert_eq!(status(&bench, "blhost -u 0x15A2,0x0073 -- read-memory 0x60001000 16"), 10205);
    bench.configure();
    assert_eq!(status(&bench, WRITE_LOADER), 10203, "not erased");
    bench.call("blhost -u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xF000000F word");
    assert_eq!(status(&bench, "blhost -u 0x15A2,0x0073 -- configure-memory 9 0x2000"), 10203);
    assert_eq!(status(&bench, "blhost -u 0x15A2,0x0073 -- flash-erase-region 0x60001010 0x1000"), 10206);
    assert_eq!(status(&bench, "blhost -u 0x15A2,0x0073 -- flash-erase-region 0x70000000 0x1000"), 10200);
    assert_eq!(status(&bench, "blhost -u 0x15A2,0x0073 -- flash-erase-region 0x60001000 0x7000"), 0);
    assert_eq!(status(&bench, WRITE_LOADER), 10203, "the last sector was not erased");
    assert_eq!(status(&bench, ERASE_LOADER), 0);
    assert_eq!(status(&bench, WRITE_LOADER), 0);
    assert_eq!(status(&bench, WRITE_LOADER), 10203, "a second write needs a second erase");
}

#[test]
fn without_fuse_or_loader_nothing_starts() {
    let bench = ready(&[]);
    for line in FLASH {
        succeed(&bench, line);
    }
    // A chip that finds nothing to start goes into its ROM, without any wire.
    finish(&bench);
    bench.wait_ms(10_000);
    assert_eq!(bench.shown(), ["1fc9:0135"], "the fuse is clear");
    let bench = ready(&["fuse-set"]);
    finish(&bench);
    bench.wait_ms(10_000);
    assert_eq!(bench.shown(), ["1fc9:0135"], "the flash holds remains");
}

#[test]
fn swapped_loader_files_start_nothing() {
    let bench = TestBench::new(&[]);
    bench.enter_rom();
    bench.call("sdphost -u 0x1FC9,0x0135 -- write-file 0x20001C00 blhost_flash_loader.bin");
    bench.call("sdphost -u 0x1FC9,0x0135 -- jump-address 0x20001C00");
    bench.wait_ms(30_000);
    assert!(bench.shown().is_empty());
}

#[test]
fn the_flashloader_takes_its_time() {
    for (names, early_ms, late_ms) in [(&[][..], 1_000, 1_000), (&["late-flashloader"], 7_500, 1_000)] {
        let bench = TestBench::new(names);
        bench.enter_rom();
        bench.call("sdphost -u 0x1FC9,0x0135 -- write-file 0x20001C00 sdphost_flash_loader.bin");
        bench.call("sdphost -u 0x1FC9,0x0135 -- jump-address 0x20001C00");
        bench.wait_ms(early_ms);
        assert!(bench.shown().is_empty(), "{names:?}");
        bench.wait_ms(late_ms);
        assert_eq!(bench.shown(), ["15a2:0073"], "{names:?}");
    }
}

#[test]
fn a_refused_or_aborted_write_succeeds_after_another_erase() {
    for (names, code) in [(["write-refused"], 10203), (["write-aborted"], 20100)] {
        let bench = ready(&names);
        succeed(&bench, ERASE_LOADER);
        assert_eq!(status(&bench, WRITE_LOADER), code);
        succeed(&bench, ERASE_LOADER);
        succeed(&bench, WRITE_LOADER);
    }
    let bench = ready(&["erase-refused"]);
    assert_eq!(status(&bench, ERASE_LOADER), 20101);
    succeed(&bench, ERASE_LOADER);
}

#[test]
fn a_board_lost_in_the_firmware_comes_back_with_a_replug() {
    let bench = ready(&["lost-in-firmware"]);
    for line in &FLASH[..6] {
        succeed(&bench, line);
    }
    assert_eq!(bench.call(WRITE_FIRMWARE).exit_code, 2);
    bench.wait_ms(60_000);
    assert!(bench.shown().is_empty());
    bench.start_flashloader();
    assert_eq!(status(&bench, ERASE_FIRMWARE), 10205, "nothing is left of the configuration");
    bench.configure();
    assert_eq!(status(&bench, WRITE_FIRMWARE), 10203, "half of the firmware is there");
    succeed(&bench, ERASE_FIRMWARE);
    succeed(&bench, WRITE_FIRMWARE);
}

#[test]
fn a_late_answer_shifts_everything_until_the_board_restarts() {
    let bench = ready(&["erase-no-answer"]);
    assert_eq!(status(&bench, ERASE_LOADER), 10004);
    assert!(bench.call(VERSION).stderr.starts_with("McuBootError: MBoot: Received invalid get-property response"));
    for (property, shown) in [(11, "1258424320"), (1, "1016"), (11, "1258424320")] {
        let printed = bench.call(&format!("blhost -u 0x15A2,0x0073 -- get-property {property}"));
        assert!(printed.stdout.contains(&format!("word 1 = {shown} ")), "{printed:?}");
    }
    bench.call(RESET);
    bench.start_flashloader();
    assert!(bench.call(VERSION).stdout.contains("Current Version = K2.8.0"));
}

#[test]
fn the_fuse_faults_lie_in_both_directions() {
    let bench = ready(&["fuse-no-answer"]);
    assert_eq!(status(&bench, BURN), 10004);
    assert_eq!(bench.fuse(), 0x10, "burnt all the same");
    assert!(bench.call(READ_FUSE).stdout.contains("word 2 = 16 (0x10)"), "the link is in step");
    let bench = ready(&["fuse-stuck"]);
    succeed(&bench, BURN);
    assert_eq!(bench.fuse(), 0);
    let bench = ready(&[]);
    succeed(&bench, BURN);
    succeed(&bench, "blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 00000001");
    assert_eq!(bench.fuse(), 0x11, "a bit that is set stays set");
}

#[test]
fn bad_flash_claims_success_and_reads_back_wrong() {
    let bench = ready(&["flash-bad"]);
    succeed(&bench, ERASE_LOADER);
    succeed(&bench, WRITE_LOADER);
    let copy = bench.image("copy");
    succeed(&bench, &format!("blhost -u 0x15A2,0x0073 -- read-memory 0x60001000 31320 {}", copy.display()));
    assert_ne!(std::fs::read(copy).unwrap(), std::fs::read(bench.image("blhost_flash_loader.bin")).unwrap());
}

#[test]
fn boards_that_are_absent_forbidden_or_two() {
    let bench = TestBench::new(&["absent"]);
    bench.enter_rom();
    assert!(bench.shown().is_empty());
    let bench = TestBench::new(&["two-boards"]);
    bench.enter_rom();
    assert_eq!(bench.shown(), ["1fc9:0135", "1fc9:0135"]);
    let line = "sdphost -u 0x1FC9,0x0135 -- error-status";
    assert!(bench.call(line).stderr.starts_with("SpsdkMultipleDevicesFoundError"));
    let bench = TestBench::new(&["no-permission", "legacy"]);
    bench.enter_rom();
    assert!(bench.call(line).stdout.starts_with("Error: UsbHidPeripheral() cannot open USB HID device"));
    let bench = TestBench::new(&["jump-ignored"]);
    bench.start_flashloader();
    assert!(bench.shown().is_empty());
    bench.start_flashloader();
    assert_eq!(bench.shown(), ["15a2:0073"]);
}

#[test]
fn a_hanging_tool_says_so_and_its_call_is_recorded_without_exit_code() {
    let bench = ready(&["tool-hangs"]);
    let files = bench.bench.files();
    let args: Vec<String> = ERASE_LOADER.split(' ').skip(1).map(str::to_owned).collect();
    let end = play(&files, "blhost", &args, &mut Console::default()).unwrap();
    assert_eq!(end, MockEnd::Hangs);
    assert!(files.stalled().is_file());
    succeed(&bench, ERASE_LOADER);
    let calls = std::fs::read_to_string(files.calls()).unwrap();
    let hung = calls.lines().rev().nth(1).unwrap();
    assert!(hung.contains("flash-erase-region") && hung.contains("\"exit_code\":null"), "{hung}");
}

#[test]
fn usage_errors_look_like_those_of_the_tools() {
    let bench = TestBench::new(&[]);
    let printed = bench.call("blhost -u 0x15A2,0x0073 -- flash-erase-region");
    assert!(printed.stderr.starts_with("SpsdkNoDeviceFoundError"), "the device is looked for first: {printed:?}");
    let printed = bench.call("blhost -d -- reset");
    assert_eq!(printed.stderr, "Usage: blhost [OPTIONS] COMMAND [ARGS]...\n\nError: No such option '-d'.\n");
    assert_eq!(printed.exit_code, 2);
    let bench = TestBench::new(&["legacy"]);
    let printed = bench.call("blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 0x10");
    assert_eq!(printed.stdout, "Error: invalid command or arguments 'efuse-program-once 0x06 4 0x10'\n");
    let printed = bench.call("blhost -u 0x15A2:0x0073 -- reset");
    assert_eq!(printed.stdout, "Error: UsbHidPeripheral() cannot open USB HID device (path=0x15A2:0x0073).");
    let printed = bench.call("blhost -z -- reset");
    assert_eq!(printed.stderr, "blhost: unknown option -z.\n");
}

#[test]
fn a_kept_bench_is_replaced_and_an_unknown_name_refused() {
    let folder = tempfile::tempdir().unwrap();
    let set_up = |names: &[&str]| {
        Bench::set_up(BenchFolder::kept(folder.path()).unwrap(), &crate::bench::test_bench::playbook(), names)
    };
    set_up(&["fuse-set"]).unwrap();
    let bench = set_up(&[]).unwrap();
    let state = BenchState::look(&bench.files()).unwrap();
    assert_eq!(state.stage.fuses()[&6], 0);
    assert!(bench.files().tool("blhost").exists());
    let error = set_up(&["no-such-fault"]).unwrap_err();
    assert!(matches!(error, BenchError::UnknownName { .. }), "{error}");
}

#[test]
fn the_debug_log_is_not_mentioned_when_it_is_switched_off() {
    let bench = TestBench::new(&[]);
    let args = ["-u", "0x15A2,0x0073", "--", "reset"].map(str::to_owned);
    let mut console = Console::keeping(BTreeMap::from([("SPSDK_DEBUG_LOGGING_DISABLED".to_owned(), "1".to_owned())]));
    play(&bench.bench.files(), "blhost", &args, &mut console).unwrap();
    assert_eq!(console.stdout, b"");
}
