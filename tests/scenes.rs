//! `recover run --scene`: scripted tools, in a world in which no time passes; and what is told of broken scenes.
//!
//! With `RECOVER_BLESS=1` the recorded texts of broken scenes are written anew; read them before they are committed.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recover::cli::diagnostics::render;
use recover::cli::style::Look;
use recover::documents::catalog::{Catalog, merge, shipped_source};
use recover::documents::scene::{check_scene, load_scene};
use recover::words::{Diagnostic, Source};

use crate::support::{House, Ran};

/// A tool that nobody has ever seen.
const CATALOG: &str = r#"
[closed-tool]
summary = "a vendor's tool"
programs = ["closed-tool"]
version = { args = ["about"], flavours = [{ pattern = '^Closed Tool (?P<version>[\d.]+)', minimum = "2.0" }] }
questions = ['\[y/n\] $']
timeout = "60s"
faults = [{ pattern = 'board refused', class = "refused", message = "The board refused" }]

[[closed-tool.commands]]
name = "write"
reversible = true
with = ["write"]
changes_board = true
success = ['^written$']
silence = "30s"

[[closed-tool.commands]]
name = "read"
reversible = true
with = ["read"]
success = ['^read$']
"#;

const PLAYBOOK: &str = r#"
format: 1
board: A closed camera
inputs:
  firmware: {file: firmware.bin, example_size: 1000}
devices:
  rom: {usb: "1234:0001", label: ROM}
  running: {usb: "1234:0002", label: running}
steps:
  - id: connect
    prompt: Connect the camera.
    until: {present: rom}
    timeout: 20s
  - id: write
    run: closed-tool
    device: rom
    args: ["write", "${firmware}"]
    answers: [{when: 'Really\? \[y/n\] $', send: y}]
    timeout: 50s
  - id: read
    run: closed-tool
    args: ["read", "--to", "${copy}"]
    produces: copy
  - id: compare
    check: sha256(copy) == sha256(firmware)
  - id: start
    wait: {present: running}
    timeout: 20s
"#;

const SCENE: &str = r#"
format: 1
tools:
  closed-tool: {version: "Closed Tool 2.5 (c) somebody\n"}
devices:
  rom: {id: "1234:0001", port: "1-3", attached: no}
  running: {id: "1234:0002", port: "1-3", attached: no}
person:
  - asked: hands
    changes: [{after: 12s, appears: rom}]
calls:
  - run: closed-tool
    args: [write, "*.bin"]
    does:
      - {out: "looking"}
      - {after: 2s, out: "\rfound  \n"}
      - {err_hex: "ff fe 0a"}
      - {out: "Really? [y/n] "}
      - {reads: "y"}
      - {after: 20s, out: "half\n"}
      - {after: 20s, out: "written\n"}
    afterwards: [{after: 1s, vanishes: rom}, {after: 3s, appears: running}]
  - run: closed-tool
    args: [read, ...]
    does:
      - {writes: {after: --to}, copy_of: firmware.bin}
      - {out: "read\n"}
"#;

fn house() -> House {
    let house = House::new();
    house.write("vendor-tools.toml", CATALOG);
    house.write("closed.yaml", PLAYBOOK);
    house
}

#[track_caller]
fn play(house: &House, scene: &str) -> Ran {
    house.write("closed.scene.yaml", scene);
    let began = Instant::now();
    let ran = house.run(&["run", "closed.yaml", "--scene", "closed.scene.yaml"]);
    assert!(began.elapsed() < Duration::from_secs(30), "no wait of a scene takes real time");
    ran
}

#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

#[test]
fn a_closed_tool_is_played() {
    let house = house();
    let ran = play(&house, SCENE).exits(0).says("SIMULATION PASSED");
    ran.says("Really? [y/n]").never_says("never made").never_says("warning");
    assert!(house.left_over().is_empty(), "{:?}", house.left_over());
}

/// Limits count from the time at which the text would have come.
#[test]
fn time_passes_between_what_a_tool_prints() {
    let house = house();
    let silent = replaced(SCENE, "after: 20s, out: \"half\\n\"", "after: 31s, out: \"half\\n\"");
    play(&house, &silent).exits(1).says("printed nothing for 30 s");
    let slow = replaced(SCENE, "after: 20s, out: \"half\\n\"", "after: 29s, out: \"half\\n\"");
    play(&house, &slow).exits(1).says("did not finish within 50 s");
    let late = replaced(SCENE, "after: 12s, appears", "after: 21s, appears");
    play(&house, &late).exits(5);
}

#[test]
fn a_call_can_end_in_every_way() {
    let house = house();
    let ending = |end: &str| replaced(SCENE, "      - {after: 20s, out: \"written\\n\"}\n", &format!("    {end}\n"));
    play(&house, &ending("exit: 3")).exits(1).says("exit code 3");
    play(&house, &ending("signal: 11")).exits(1).says("ended by signal 11");
    play(&house, &ending("hangs: yes")).exits(1).says("did not finish within 50 s").says("Attached 1234:0001 ROM");
    let refused = replaced(SCENE, "{after: 20s, out: \"written\\n\"}", "{out: \"board refused\\n\"}");
    play(&house, &refused).exits(1).says("The board refused");
}

#[test]
fn a_device_vanishes_in_the_middle_of_a_call() {
    let house = house();
    let lost = replaced(SCENE, "      - {after: 20s, out: \"half\\n\"}", "      - {after: 1s, vanishes: rom}");
    let lost = replaced(&lost, "      - {after: 20s, out: \"written\\n\"}", "    exit: 74");
    play(&house, &lost).exits(1).says("Attached no device of this board");
}

#[test]
fn an_undeclared_call_is_told_with_the_nearest_one() {
    let house = house();
    let other = replaced(SCENE, "args: [write, \"*.bin\"]", "args: [write, --force, \"*.bin\"]");
    let ran =
        play(&house, &other).exits(1).says("the scene does not declare this call: closed-tool write firmware.bin");
    let ran = ran.says("the nearest one is in line 12: closed-tool write --force *.bin");
    ran.says("`--force` is missing, which the scene has as argument 2");
    let early = replaced(
        SCENE,
        "    args: [read, ...]",
        "    args: [read, nothing]\n  - run: closed-tool\n    args: [read, ...]",
    );
    play(&house, &early).exits(1).says("its turn has not come").says("is due first: closed-tool read nothing");
    let once =
        replaced(SCENE, "  - run: closed-tool\n    args: [read, ...]", "  - run: closed-tool\n    args: [reed, ...]");
    play(&house, &once).exits(1).says("calls that the scene declares were never made: line 23: closed-tool reed ...");
}

/// Even where the playbook goes on with the failure of the call.
#[test]
fn an_undeclared_call_fails_a_run_that_recovers() {
    let house = house();
    let tolerant = replaced(
        PLAYBOOK,
        "    produces: copy\n",
        "    produces: copy\n    on_fault: [{class: unknown, set: broken}]\n",
    );
    let tolerant = replaced(&tolerant, "check: sha256(copy) == sha256(firmware)", "check: broken");
    house.write("closed.yaml", tolerant);
    let ran = play(&house, &replaced(SCENE, "args: [read, ...]", "args: [reed, ...]")).exits(1);
    ran.says("the scene does not declare this call").says("The playbook came to its end nevertheless.");
}

#[test]
fn an_answer_that_is_not_declared_fails_the_call() {
    let house = house();
    play(&house, &replaced(SCENE, "{reads: \"y\"}", "{reads: \"yes\"}"))
        .exits(1)
        .says("the scene does not declare the answer `y`")
        .says("it waits for `yes`");
}

#[test]
fn a_scene_that_loops_comes_to_an_end() {
    let house = house();
    let asks = replaced(SCENE, "{reads: \"y\"}", "{reads: \"yes\", again: \"Really? [y/n] \"}");
    play(&house, &asks).exits(1).says("again and again");
    // A tool that asks without a mark by which the playbook knows the question is the scene's own affair.
    let retried =
        replaced(PLAYBOOK, "    timeout: 50s\n", "    timeout: 50s\n    retry: {attempts: 10, on: [refused]}\n");
    house.write("closed.yaml", retried);
    let repeated = replaced(SCENE, "    args: [write, \"*.bin\"]", "    args: [write, \"*.bin\"]\n    repeat: yes");
    let repeated = replaced(&repeated, "{after: 20s, out: \"written\\n\"}", "{out: \"board refused\\n\"}");
    play(&house, &replaced(&repeated, "vanishes: rom", "appears: rom")).exits(1).says("The board refused");
}

#[test]
fn nothing_outside_of_the_working_folder_is_written() {
    let house = house();
    let outside = house.path("outside.txt");
    let by_name =
        |name: &str| replaced(SCENE, "{writes: {after: --to}, copy_of", &format!("{{writes: \"{name}\", copy_of"));
    for name in ["../outside.txt", outside.to_str().unwrap(), "a/../../outside.txt"] {
        play(&house, &by_name(name))
            .exits(3)
            .says("closed.scene.yaml:26:19")
            .says("a mock tool writes and reads only below");
    }
    for path in ["../outside.txt", outside.to_str().unwrap()] {
        let argument = replaced(PLAYBOOK, "\"${copy}\"]", "\"${target}\"]");
        let variable = format!("variables:\n  target: {{default: \"{path}\", help: where to}}\nsteps:\n");
        house.write("closed.yaml", replaced(&argument, "steps:\n", &variable));
        play(&house, SCENE).exits(1).says("names a file by a path, which could lie anywhere");
    }
    assert!(!outside.exists());
}

#[test]
fn a_scene_has_no_starting_states_and_its_own_tools() {
    let house = house();
    house.write("closed.scene.yaml", SCENE);
    let with = |more: &[&str]| house.run(&[&["run", "closed.yaml", "--scene", "closed.scene.yaml"], more].concat());
    with(&["--simulate"]).exits(0);
    with(&["--simulate=absent"]).exits(2).says("a scene has none");
    with(&["--tool", "closed-tool=/bin/true"]).exits(2);
    house
        .run(&["run", "closed.yaml", "--scene", "nowhere.scene.yaml"])
        .exits(2)
        .says("nowhere.scene.yaml cannot be read");
    with(&["--dry-run"]).exits(0).says("closed-tool write firmware.bin");
    let bench = house.path("bench");
    with(&["--bench", bench.to_str().unwrap()]).exits(0);
    assert_eq!(house.commands(), ["closed-tool write firmware.bin", "closed-tool read --to copy.bin"]);
    // A bench is used again, for a scene or for a board.
    with(&["--bench", bench.to_str().unwrap()]).exits(0);
    house.simulate("", &[]).exits(0);
    let old = replaced(SCENE, "Closed Tool 2.5", "Closed Tool 1.9");
    play(&house, &old).exits(4);
    play(&house, &replaced(SCENE, "Closed Tool 2.5", "Something else")).exits(4);
}

/// A person who says no.
#[test]
fn the_person_does_as_the_scene_says() {
    let house = house();
    let asks = replaced(PLAYBOOK, "    until: {present: rom}\n    timeout: 20s\n", "");
    house.write("closed.yaml", asks);
    let present = replaced(SCENE, "port: \"1-3\", attached: no}\n  running", "port: \"1-3\"}\n  running");
    let present = replaced(&present, "    changes: [{after: 12s, appears: rom}]", "    after: 4s\n    gone: yes");
    play(&house, &present).exits(6);
    play(&house, &replaced(&present, "gone: yes", "says: \"\"")).exits(0);
}

fn samples(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenes").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn faults_of(file: &Path, catalog: &Catalog) -> Vec<Diagnostic> {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let source = Arc::new(Source { name, text: std::fs::read_to_string(file).unwrap() });
    let loaded = load_scene(&source);
    let mut faults = loaded.diagnostics;
    faults.extend(loaded.scene.iter().flat_map(|scene| check_scene(scene, catalog)));
    faults
}

#[test]
fn broken_scenes_are_told_as_recorded() {
    let bless = std::env::var_os("RECOVER_BLESS").is_some();
    let catalog = merge(&[shipped_source()]).unwrap();
    let mut differing = Vec::new();
    for file in samples("invalid") {
        let told = render(&faults_of(&file, &catalog), &Look::plain());
        let record = file.with_extension("txt");
        if bless {
            std::fs::write(&record, &told).unwrap();
        } else if std::fs::read_to_string(&record).unwrap_or_default() != told {
            differing.push(format!("{}:\n{told}", file.display()));
        }
        assert!(!told.is_empty(), "{} has no fault", file.display());
    }
    assert!(differing.is_empty(), "{}\nRECOVER_BLESS=1 records the new texts", differing.join("\n"));
}

#[test]
fn scenes_are_checked() {
    let house = house();
    house.write("closed.scene.yaml", SCENE);
    house.run(&["check", "closed.scene.yaml", "closed.yaml"]).exits(0).says("closed.scene.yaml: nothing wrong");
    house.write("closed.scene.yaml", replaced(SCENE, "appears: rom", "appears: ram"));
    house.run(&["check", "closed.scene.yaml"]).exits(3).says("closed.scene.yaml:10:37").says("did you mean `rom`?");
}

#[test]
fn a_scene_that_is_too_large_is_refused() {
    let house = house();
    let mut large = SCENE.to_owned();
    large.push_str(&"#".repeat(16 * 1024 * 1024));
    play(&house, &large).exits(3).says("has more than 16777216 bytes: that is no scene");
}

/// The real dfu-util 0.11 with a simulated STM32, recorded by `tests/recording.rs`.
#[test]
fn a_recording_of_the_real_dfu_util_replays() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenes/recorded");
    let house = House::new();
    for entry in std::fs::read_dir(&recorded).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            house.write(entry.file_name().to_str().unwrap(), std::fs::read(entry.path()).unwrap());
        }
    }
    let scene = std::fs::read_to_string(recorded.join("h7.scene.yaml")).unwrap();
    let replay = |scene: &str| {
        house.write("h7.scene.yaml", scene);
        house.run(&["run", "./h7.yaml", "--scene", "h7.scene.yaml"])
    };
    replay(&scene).exits(0).says("SIMULATION PASSED").never_says("warning: the scene").never_says("never made");
    let failing = scene.replacen("File downloaded successfully\\n", "dfu-util: Error during download\\n", 1);
    assert_ne!(failing, scene);
    replay(&failing).exits(1).says("NOT RECOVERED");
}

/// The tool waits by itself, for the device that its own arguments name.
#[test]
fn a_tool_that_waits_for_a_device_is_no_silence() {
    let house = House::new();
    house.write(
        "held.yaml",
        "format: 1\nboard: A held camera\ninputs: {firmware: {file: firmware.bin, example_size: 1000, kind: raw}}\n\
         devices:\n  bootloader: {usb: \"1209:9204\", label: its bootloader, state: bootloader}\nsteps:\n  - id: hold\n    \
         prompt: Connect the camera now.\n    run: dfu-util\n    args: [-w, -d, \",1209:9204\", -a, \"2\", -D, \"${firmware}\"]\n    \
         timeout: 5m\n    hints: {30s: It has two plugs.}\n",
    );
    house.write(
        "held.scene.yaml",
        "format: 1\ntools: {dfu-util: {version: \"dfu-util 0.11\\n\"}}\n\
         devices: {bootloader: {id: \"1209:9204\", attached: no}}\ncalls:\n  - run: dfu-util\n    \
         args: [-w, -d, \",1209:9204\", -a, \"2\", -D, \"*.bin\"]\n    does:\n      \
         - {out: \"Waiting for device, exit with ctrl-C\\n\"}\n      - {after: 70s, appears: bootloader}\n      \
         - {after: 1s, out: \"Download\\t[=] 100% 1000 bytes\\nDownload done.\\nDone!\\n\"}\n",
    );
    let ran = house.run(&["run", "held.yaml", "--scene", "held.scene.yaml"]).exits(0);
    ran.says("After 20 s: Nothing at all has come to the USB bus")
        .says("After 30 s: It has two plugs")
        .says("After 60 s: Perhaps it is a cable between two USB-C sockets")
        .never_says("After 2 min")
        .never_says("After 120 s");
}
