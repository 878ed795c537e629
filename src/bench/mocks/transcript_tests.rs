//! The mocks print what the real tools printed, byte for byte.

use std::path::Path;

use crate::bench::boards::imx_rt::Phase;
use crate::bench::test_bench::{Printed, TestBench};
use crate::bench::{Stage, VirtualModel};

/// What comes before the recorded call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Rom,
    /// The flashloader's image is in RAM.
    Staged,
    Flashloader,
    /// The flashloader, on a board that no call reaches.
    Unreachable,
    /// Flash is set up and the start of the loader's region erased.
    Flash,
    /// Set up, and an erase has ended without an answer.
    LateAnswer,
    /// After that the fuse was burnt, read, and property 1 asked for.
    LongLateAnswer,
}

/// Transcript, starting states and faults, what comes before, and a word of the call to replace.
type Case = (&'static str, &'static [&'static str], Before, Option<(&'static str, &'static str)>);

const TO_LOADER: Option<(&str, &str)> = Some(("0x2000", "0x60001000"));
const TO_FIRMWARE: Option<(&str, &str)> = Some(("0x2000", "0x60040000"));

const CASES: &[Case] = &[
    ("legacy-2.6.2-blhost-bad-timeout", &["legacy"], Before::Flashloader, None),
    ("legacy-2.6.2-blhost-efuse-program-once-no-answer-10004", &["legacy", "lost-in-fuse"], Before::Flashloader, None),
    ("legacy-2.6.2-blhost-efuse-program-once-ok", &["legacy"], Before::Flashloader, None),
    ("legacy-2.6.2-blhost-efuse-read-once-set", &["legacy", "fuse-set"], Before::Flashloader, None),
    ("legacy-2.6.2-blhost-erase-refused-20101", &["legacy", "erase-refused"], Before::Flash, None),
    ("legacy-2.6.2-blhost-erase-timeout-10004", &["legacy", "erase-no-answer"], Before::Flashloader, None),
    ("legacy-2.6.2-blhost-get-property-ok", &["legacy"], Before::Flashloader, None),
    ("legacy-2.6.2-blhost-missing-argument", &["legacy"], Before::Nothing, None),
    ("legacy-2.6.2-blhost-no-device-json", &["legacy"], Before::Rom, None),
    ("legacy-2.6.2-blhost-no-device", &["legacy"], Before::Nothing, None),
    ("legacy-2.6.2-blhost-reset-vanish-before-command", &["legacy", "lost-before-reset"], Before::Flashloader, None),
    (
        "legacy-2.6.2-blhost-stale-2-fuse-burn-gets-erase-answer",
        &["legacy", "erase-no-answer"],
        Before::LateAnswer,
        None,
    ),
    ("legacy-2.6.2-blhost-version", &["legacy"], Before::Nothing, None),
    ("legacy-2.6.2-blhost-write-memory-aborted-20100", &["legacy", "write-aborted"], Before::Flash, TO_LOADER),
    ("legacy-2.6.2-blhost-write-memory-file-missing", &["legacy"], Before::Flashloader, None),
    ("legacy-2.6.2-blhost-write-memory-ok", &["legacy"], Before::Flashloader, None),
    ("legacy-2.6.2-blhost-write-memory-ok", &["legacy"], Before::Flash, TO_LOADER),
    ("legacy-2.6.2-blhost-write-memory-vanish", &["legacy", "lost-in-firmware"], Before::Flash, TO_FIRMWARE),
    ("legacy-2.6.2-sdphost-jump-address-ok", &["legacy"], Before::Staged, None),
    ("legacy-2.6.2-sdphost-write-file-ok", &["legacy"], Before::Rom, None),
    ("legacy-2.6.2-sdphost-write-file-vanish", &["legacy", "lost-in-flashloader"], Before::Rom, None),
    ("spsdk-2.6-blhost-write-memory-aborted-20100", &["spsdk-2.6", "write-aborted"], Before::Flash, TO_LOADER),
    ("spsdk-3.12-blhost-efuse-program-once-no-answer-10004", &["lost-in-fuse"], Before::Flashloader, None),
    ("spsdk-3.12-blhost-efuse-program-once-no-answer-10004", &["fuse-no-answer"], Before::Flashloader, None),
    ("spsdk-3.12-blhost-efuse-program-once-ok", &[], Before::Flashloader, None),
    ("spsdk-3.12-blhost-efuse-read-once-clear", &[], Before::Flashloader, None),
    ("spsdk-3.12-blhost-efuse-read-once-set", &["fuse-set"], Before::Flashloader, None),
    ("spsdk-3.12-blhost-erase-refused-20101", &["erase-refused"], Before::Flash, None),
    ("spsdk-3.12-blhost-erase-timeout-10004", &["erase-no-answer"], Before::Flashloader, None),
    ("spsdk-3.12-blhost-erase-vanish-before-command", &["lost-before-erase"], Before::Flashloader, None),
    ("spsdk-3.12-blhost-get-property-json-ok", &[], Before::Flashloader, None),
    ("spsdk-3.12-blhost-get-property-ok", &[], Before::Flashloader, None),
    ("spsdk-3.12-blhost-missing-argument", &[], Before::Flashloader, None),
    ("spsdk-3.12-blhost-no-device", &[], Before::Rom, None),
    ("spsdk-3.12-blhost-no-permission", &["no-permission"], Before::Unreachable, None),
    ("spsdk-3.12-blhost-reset-no-answer-ok", &["reset-no-answer"], Before::Flashloader, None),
    ("spsdk-3.12-blhost-reset-vanish-before-command", &["lost-before-reset"], Before::Flashloader, None),
    ("spsdk-3.12-blhost-stale-2-fuse-burn-gets-erase-answer", &["erase-no-answer"], Before::LateAnswer, None),
    ("spsdk-3.12-blhost-stale-5-get-property-11-gets-answer-of-1", &["erase-no-answer"], Before::LongLateAnswer, None),
    ("spsdk-3.12-blhost-two-devices", &["two-boards"], Before::Unreachable, None),
    ("spsdk-3.12-blhost-version", &[], Before::Nothing, None),
    ("spsdk-3.12-blhost-write-memory-aborted-20100", &["write-aborted"], Before::Flash, TO_LOADER),
    ("spsdk-3.12-blhost-write-memory-file-missing", &[], Before::Flashloader, None),
    ("spsdk-3.12-blhost-write-memory-hang", &["write-no-answer"], Before::Flash, TO_LOADER),
    ("spsdk-3.12-blhost-write-memory-json-10203", &["write-refused"], Before::Flash, TO_LOADER),
    ("spsdk-3.12-blhost-write-memory-ok", &[], Before::Flashloader, None),
    ("spsdk-3.12-blhost-write-memory-vanish", &["lost-in-firmware"], Before::Flash, TO_FIRMWARE),
    ("spsdk-3.12-sdphost-jump-address-no-answer", &["jump-no-answer"], Before::Staged, None),
    ("spsdk-3.12-sdphost-jump-address-ok", &[], Before::Staged, None),
    ("spsdk-3.12-sdphost-write-file-bad-status", &["flashloader-refused"], Before::Rom, None),
    ("spsdk-3.12-sdphost-write-file-hab-closed", &["hab-closed"], Before::Rom, None),
    ("spsdk-3.12-sdphost-write-file-ok", &[], Before::Rom, None),
    ("spsdk-3.12-sdphost-write-file-vanish", &["lost-in-flashloader"], Before::Rom, None),
];

/// Recorded on faults that the model does not have: damaged installations, terminals, signals, other versions.
const NOT_MODELLED: &[&str] = &[
    "legacy-2.6.2-sdphost-jump-address-vanish",
    "legacy-2.6.2-sdphost-write-file-hang",
    "spsdk-1.11-blhost-erase-timeout-10004",
    "spsdk-1.11-blhost-no-device",
    "spsdk-1.11-blhost-write-memory-vanish",
    "spsdk-2.2-blhost-no-device",
    "spsdk-3.12-blhost-libusbsio-binary-missing",
    "spsdk-3.12-blhost-noise-cache-invalid",
    "spsdk-3.12-blhost-sigint",
    "spsdk-3.12-blhost-write-memory-tty-ok",
];

const STALE_READ: &str = "spsdk-3.12-blhost-stale-3-fuse-read-gets-burn-answer";

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts/nxp"))
}

struct Transcript {
    call: String,
    printed: Printed,
}

fn load(name: &str) -> Transcript {
    let text = std::fs::read_to_string(folder().join(format!("{name}.txt"))).unwrap();
    let escaped = text.lines().any(|line| line.starts_with("# note: escapes:"));
    let (head, rest) = text.split_once("--- stdout\n").unwrap();
    let (stdout, rest) = rest.split_once("--- stderr\n").unwrap();
    let (stderr, exit) = rest.rsplit_once("--- exit ").unwrap();
    let decode = |text: &str| match escaped {
        true => text.replace("\\\n", "").replace("\\r", "\r").replace("\\x1b", "\x1b").replace("\\\\", "\\"),
        false => text.to_owned(),
    };
    let call = head.lines().find_map(|line| line.strip_prefix("$ ")).unwrap().to_owned();
    let exit_code = exit.trim().parse().unwrap();
    Transcript { call, printed: Printed { stdout: decode(stdout), stderr: mask(&decode(stderr)), exit_code } }
}

/// Times and source lines in Python's log lines differ from run to run.
fn mask(text: &str) -> String {
    regex::Regex::new(r"\(\d+ms since start, [\w.]+:\d+\)").unwrap().replace_all(text, "(…)").into_owned()
}

fn bench_before(names: &[&str], before: Before) -> TestBench {
    let bench = TestBench::new(names);
    match before {
        Before::Nothing => {}
        Before::Rom => bench.enter_rom(),
        Before::Staged => {
            bench.enter_rom();
            bench.call("sdphost -u 0x1FC9,0x0135 -- write-file 0x20001C00 sdphost_flash_loader.bin");
        }
        Before::Flashloader => bench.start_flashloader(),
        Before::Unreachable => bench.change(|state| {
            let now_ms = state.now_ms;
            let Stage::Board(VirtualModel::ImxRt(board)) = &mut state.stage else { panic!("another board") };
            board.show(now_ms, Phase::Flashloader);
        }),
        Before::Flash => {
            bench.start_flashloader();
            bench.configure();
            if !names.contains(&"erase-refused") {
                bench.call("blhost -u 0x15A2,0x0073 -- flash-erase-region 0x60001000 0x8000");
                bench.call("blhost -u 0x15A2,0x0073 -- flash-erase-region 0x60040000 0x20000");
            }
        }
        Before::LateAnswer | Before::LongLateAnswer => {
            bench.start_flashloader();
            bench.configure();
            bench.call("blhost -u 0x15A2,0x0073 -t 1000 -- flash-erase-region 0x60001000 0x3F000");
            if before == Before::LongLateAnswer {
                bench.call("blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010");
                bench.call("blhost -u 0x15A2,0x0073 -- efuse-read-once 0x06");
                bench.call("blhost -u 0x15A2,0x0073 -- get-property 1");
            }
        }
    }
    bench
}

#[test]
fn the_mocks_print_what_the_real_tools_printed() {
    for (name, names, before, replaced) in CASES {
        let recorded = load(name);
        let bench = bench_before(names, *before);
        let call = replaced.map_or(recorded.call.clone(), |(from, to)| recorded.call.replace(from, to));
        let mut printed = bench.call(&call);
        printed.stderr = mask(&printed.stderr);
        assert_eq!(printed, recorded.printed, "{name}: {call}");
    }
}

#[test]
fn a_fuse_read_trips_over_the_answer_of_the_burn() {
    let bench = bench_before(&["erase-no-answer"], Before::LateAnswer);
    bench.call("blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010");
    let recorded = load(STALE_READ);
    assert_eq!(bench.call(&recorded.call), recorded.printed);
}

#[test]
fn every_transcript_is_played_or_named_as_not_modelled() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".txt") else { continue };
        let played = CASES.iter().any(|(case, ..)| *case == name) || name == STALE_READ;
        assert!(played || NOT_MODELLED.contains(&name), "{name}");
    }
}
