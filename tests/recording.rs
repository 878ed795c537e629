//! `recover run --record`: what real programs do, kept as a scene that replays.
//!
//! Where dfu-util or umockdev's preload library is not installed, the tests that need them say so and pass; with
//! `RECOVER_REQUIRE_DFU_UTIL=1` in the environment they fail instead. `RECOVER_BLESS=1` records the fixture of
//! `tests/scenes.rs` anew.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, and helpers shared with others"
)]

#[path = "real_dfu_util/finished.rs"]
mod finished;
#[path = "real_dfu_util/requirements.rs"]
mod requirements;
mod support;
mod usb_simulation;

use std::path::Path;
use std::time::Duration;

use finished::start;
use support::{House, Ran, wait_for};
use usb_simulation::UsbSimulation;
use usb_simulation::device::{Device, FLASH_H7, Fault};

const CATALOG: &str = r#"
[script]
summary = "a tool of this test"
programs = ["script"]
version = { args = ["about"], flavours = [{ pattern = '^script (?P<version>[\d.]+)' }] }
questions = ['\[y/n\] $']
timeout = "30s"

[[script.commands]]
name = "write"
reversible = true
with = ["write"]
changes_board = true
success = ['^written$']

[[script.commands]]
name = "read"
reversible = true
with = ["read"]
success = ['^read$']
"#;

const PLAYBOOK: &str = r#"
format: 1
board: A camera
inputs:
  firmware: {file: firmware.bin}
  extra: {file: extra.bin, optional: true}
variables:
  mode: {default: slow, help: how it is written}
devices:
  rom: {usb: "1234:0001", label: ROM}
steps:
  - id: write
    run: script
    args: ["write", "${firmware}", "${mode}"]
    answers: [{when: 'Really\? \[y/n\] $', send: y}]
  - id: read
    run: script
    args: ["read", "${copy}"]
    produces: copy
  - id: compare
    check: sha256(copy) == sha256(firmware)
"#;

const WRITES: &str =
    r#"printf 'serial: AB12CD34EF56\n%s\n' "$HOME"; printf 'Really? [y/n] '; read answer; printf 'written\n'"#;

/// A house with the tool, which does this when it is to write.
fn house(writes: &str) -> House {
    let mut house = House::new();
    house.set("PATH", "/usr/bin:/bin");
    let script = format!(
        "case \"$1\" in\nabout) echo 'script 1.5' ;;\nwrite) {writes} ;;\nread) cp firmware.bin \"$2\"; echo read ;;\nesac\n"
    );
    let script = house.script("bin/script", &script);
    house.set("RECOVER_TOOL_SCRIPT", script);
    house.write("vendor-tools.toml", CATALOG);
    house.write("camera.yaml", PLAYBOOK);
    house.write("firmware.bin", [7_u8; 5000]);
    house
}

fn record(house: &House, more: &[&str]) -> Ran {
    house.run(
        &[&["run", "camera.yaml", "--catalog", "vendor-tools.toml", "--set", "mode=fast", "--record", "kept"], more]
            .concat(),
    )
}

/// As somebody does who was sent nothing but the folder.
fn replay(house: &House) -> Ran {
    let mut other = House::new();
    other.set("USER", "somebody");
    for entry in std::fs::read_dir(house.path("work/kept")).unwrap() {
        let entry = entry.unwrap();
        other.write(&format!("kept/{}", entry.file_name().to_str().unwrap()), std::fs::read(entry.path()).unwrap());
    }
    other.write("vendor-tools.toml", CATALOG);
    other.run(&["run", "kept/camera.yaml", "--scene", "kept/camera.scene.yaml"])
}

fn kept(house: &House, name: &str) -> String {
    std::fs::read_to_string(house.path("work/kept").join(name)).unwrap()
}

#[test]
fn a_run_is_recorded_and_replays() {
    let house = house(WRITES);
    record(&house, &[]).exits(0).says("The run is recorded in kept/camera.scene.yaml.");
    let scene = kept(&house, "camera.scene.yaml");
    for part in [
        "\"script\": {version: \"script 1.5\\n\"}",
        "extra: {given: no}",
        "firmware: {size: 5000}",
        "mode: \"fast\"",
        "args: [\"write\", \"firmware.bin\", \"fast\"]",
        "{reads: \"y\"}",
        "{writes: \"copy.bin\", copy_of: \"firmware.bin\"}",
    ] {
        assert!(
            scene.replace("after: ", "").contains(part) || flat(&scene).contains(part),
            "{part} is missing in\n{scene}"
        );
    }
    let test = kept(&house, "camera.test.yaml");
    assert!(test.contains("expect: {outcome: recovered, exit_code: 0}"), "{test}");
    assert_eq!(kept(&house, "camera.yaml"), PLAYBOOK);
    assert_eq!(kept(&house, "vendor-tools.toml"), CATALOG);
    replay(&house).exits(0).says("SIMULATION PASSED").never_says("never made").never_says("does not declare");
    record(&house, &[]).exits(2).says("holds a recording already").never_says("Write");
}

/// Without times, which differ from run to run.
fn flat(scene: &str) -> String {
    let mut flat = String::new();
    let mut rest = scene;
    while let Some(at) = rest.find("after: ") {
        flat.push_str(&rest[..at]);
        rest = rest[at..].find("ms").map_or("", |end| rest[at + end + 2..].trim_start_matches(", "));
    }
    flat + rest
}

#[test]
fn a_run_that_fails_is_recorded_and_fails_again() {
    let house = house("echo 'it broke' >&2; exit 3");
    record(&house, &[]).exits(1).says("The run is recorded");
    let test = kept(&house, "camera.test.yaml");
    assert!(test.contains("expect: {outcome: step-failed, exit_code: 1, class: unknown}"), "{test}");
    replay(&house).exits(1).says("it broke").says("exit code 3");
}

#[test]
fn a_tool_that_is_killed_or_hangs_is_played_so() {
    let house = house("kill -9 $$");
    record(&house, &[]).exits(1);
    replay(&house).exits(1).says("ended by signal 9");
    let mut slow = PLAYBOOK.replace("    answers:", "    timeout: 1s\n    answers:");
    slow.push('\n');
    let house = self::house("echo begun; sleep 60");
    house.write("camera.yaml", slow);
    record(&house, &[]).exits(1);
    assert!(kept(&house, "camera.scene.yaml").contains("hangs: yes"));
    replay(&house).exits(1).says("did not finish within 1.0 s");
}

#[test]
fn personal_things_are_replaced_on_request() {
    let writes =
        WRITES.replace("printf 'Really", "printf 'sn: ab12cd34ef56 of %s in %s\\n' \"$USER\" \"$PWD\"; printf 'Really");
    let mut house = house(&writes);
    house.set("USER", "adalove");
    record(&house, &["--redact"]).exits(0);
    let scene = kept(&house, "camera.scene.yaml");
    for personal in ["AB12CD34EF56", "ab12cd34ef56", "adalove", house.path("home").to_str().unwrap(), "/recover-"] {
        assert!(!scene.contains(personal), "{personal} is in\n{scene}");
    }
    assert!(
        scene.contains("serial: 000000000001\\n") && scene.contains("sn: 000000000001 of user in /work\\n"),
        "{scene}"
    );
    replay(&house).exits(0);
    house.run(&["run", "camera.yaml", "--redact"]).exits(2).says("--record");
}

#[test]
fn a_recording_has_a_limit() {
    let house = house("head -c 52428800 /dev/zero | tr '\\0' x | fold -w 4000; echo; echo written");
    let ran = record(&house, &[]).exits(0).says("a recording keeps at most 8 MB of what tools print");
    ran.says("bytes were left out of this one");
    let size = std::fs::metadata(house.path("work/kept/camera.scene.yaml")).unwrap().len();
    assert!(size < 12 * 1024 * 1024, "{size}");
    // It can be read, and does not claim to be whole.
    replay(&house).exits(1).says("NOT RECOVERED");
}

#[test]
fn a_recording_that_cannot_be_written_spoils_nothing() {
    let mut house = house("cd \"$KEPT/..\" && rm -r kept && echo x > kept; echo written");
    house.set("KEPT", house.path("work/kept"));
    house.write("camera.yaml", PLAYBOOK.replace("    answers: [{when: 'Really\\? \\[y/n\\] $', send: y}]\n", ""));
    record(&house, &[])
        .exits(0)
        .says("the recording cannot be written to kept")
        .says("the run itself is not concerned");
    house.write("full", "x");
    let ran = house.run(&["run", "camera.yaml", "--catalog", "vendor-tools.toml", "--record", "full"]).exits(2);
    ran.says("the folder full of the recording cannot be used").never_says("Write");
}

#[test]
fn an_interrupted_run_is_recorded_without_a_test() {
    let house = house("echo written");
    house.write(
        "camera.yaml",
        PLAYBOOK.replace("steps:\n", "steps:\n  - id: connect\n    wait: {present: rom}\n    timeout: 5m\n"),
    );
    let mut command = house.command(&[
        "run",
        "camera.yaml",
        "--catalog",
        "vendor-tools.toml",
        "--record",
        "kept",
        "--message-format",
        "json",
    ]);
    let log = house.path("out.json");
    let mut child = command.stdout(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    wait_for("the wait", || std::fs::read_to_string(&log).ok().filter(|text| text.contains("\"waiting\"")));
    let process = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(house.path("work/kept/camera.scene.yaml").is_file());
    assert!(!house.path("work/kept/camera.test.yaml").exists());
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(
        text.contains("the recording has no test file") && text.lines().last().unwrap().contains("\"finished\""),
        "{text}"
    );
}

/// The virtual boards can be recorded, too; their scenes come to the same end.
#[test]
fn simulated_runs_replay_as_they_were() {
    for (board, names, code) in [("rt1062", "", 0), ("h7", "", 0), ("n6", "", 0), ("h7", "absent", 5)] {
        let house = House::new();
        let simulate = format!("--simulate={names}");
        let recorded = house.run(&["run", board, &simulate, "--record", "kept"]);
        let scene = format!("kept/{board}.scene.yaml");
        let recorded = recorded.exits(code);
        let playbook = format!("kept/{board}.yaml");
        let replayed = house.run(&["run", &playbook, "--scene", &scene]).exits(code).never_says("never made");
        let last = |ran: &Ran| ran.stdout.lines().rev().find(|line| line.contains("Steps ")).unwrap().to_owned();
        assert_eq!(last(&recorded), last(&replayed), "{board}");
    }
}

/// Its tools work in a private copy of their folder, and the playbook reads files that come with them.
#[test]
fn a_recorded_ae3_run_replays_and_notices_a_changed_line() {
    let house = House::new();
    house.run(&["run", "ae3", "--simulate=old-ses", "--record", "kept"]).exits(0).says("the first 256 of 270368 bytes");
    let scene = kept(&house, "ae3.scene.yaml");
    assert!(
        scene.contains("      \"alif/SP-AE302F80F55D5AE-rev-b4.bin\": {size: 270368, hex: \"414c4946544f4331"),
        "{scene}"
    );
    house.run(&["check", "kept/ae3.scene.yaml"]).exits(0).says("nothing wrong");
    house.run(&["test", "kept"]).exits(0).says("1 passed");
    // The last line by which the writing tool proves itself; and the version that lies in the other tool's folder.
    let proof = scene.rfind("{out: \"Done\\n\"}").unwrap();
    let version = scene.find("0000000000006801").unwrap();
    for (at, changed) in [(proof, "{out: \"Dome"), (version, "0000000000000000")] {
        let edited = format!("{}{changed}{}", &scene[..at], &scene[at + changed.len()..]);
        house.write("kept/ae3.scene.yaml", edited);
        house.run(&["test", "kept"]).exits(1);
    }
}

const EVENT_LIMIT: Duration = Duration::from_secs(30);

/// As large as the first page of an H7's flash, and a plausible beginning: stack pointer, reset vector.
fn bootloader_image() -> Vec<u8> {
    let mut image = [0x2002_0000_u32, 0x0800_0299].map(u32::to_le_bytes).concat();
    image.extend((image.len()..128 * 1024).map(|i| (i * 31 + i / 256) as u8));
    image
}

#[test]
fn the_real_dfu_util_is_recorded_and_replays() {
    if !requirements::met("the_real_dfu_util_is_recorded_and_replays") {
        return;
    }
    let (bus, house) = (UsbSimulation::new(), House::new());
    let rom = Device::st_rom("356A38733432", FLASH_H7, 1024);
    bus.attach(&rom, "99-1");
    house.write("bootloader.bin", bootloader_image());
    let mut command = bus.command(env!("CARGO_BIN_EXE_recover"));
    command
        .args(["run", "h7", "--non-interactive", "--port", "99-1", "--record", "kept", "--redact"])
        .current_dir(house.path("work"));
    for variable in ["HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        command.env(variable, house.path("home"));
    }
    command.env_remove("RECOVER_TOOL_DFU_UTIL").env("NO_COLOR", "1").env("TMPDIR", house.path("tmp"));
    let recover = start(&mut command);
    // recover itself keeps the node open while it works on the device.
    assert!(rom.wait_until(EVENT_LIMIT, |counts| counts.uploads_finished > 0 && counts.connections <= 1));
    bus.detach("99-1");
    let own = Device::plain_dfu((0x37c5, 0x9204), "3330373338355117003B0033", &["BOOTLOADER", "FIRMWARE"]);
    bus.attach(&own, "99-1");
    recover.finish().expect_code(0);

    let scene = kept(&house, "h7.scene.yaml");
    for part in
        ["File downloaded successfully\\n", "copy_of: \"bootloader.bin\"", "000000000001", "bootloader: {size: 131072}"]
    {
        assert!(scene.contains(part), "{part} is missing in\n{scene}");
    }
    assert!(!scene.contains("356A38733432") && !scene.contains(house.path("").to_str().unwrap()), "{scene}");
    let test = kept(&house, "h7.test.yaml");
    assert!(test.contains("expect: {outcome: recovered, exit_code: 0}"), "{test}");
    if std::env::var_os("RECOVER_BLESS").is_some() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenes/recorded");
        std::fs::create_dir_all(&fixture).unwrap();
        for name in ["h7.scene.yaml", "h7.test.yaml", "h7.yaml"] {
            std::fs::write(fixture.join(name), kept(&house, name)).unwrap();
        }
    }
    let replay = || house.run(&["run", "kept/h7.yaml", "--scene", "kept/h7.scene.yaml"]);
    replay().exits(0).says("SIMULATION PASSED").never_says("never made");
    let failing = scene.replacen("File downloaded successfully\\n", "dfu-util: Error during download\\n", 1);
    house.write("kept/h7.scene.yaml", failing);
    replay().exits(1).says("NOT RECOVERED");
}

/// A failure in the field becomes a test: the board that vanishes in the middle.
#[test]
fn a_failure_of_the_real_dfu_util_replays_as_a_failure() {
    if !requirements::met("a_failure_of_the_real_dfu_util_replays_as_a_failure") {
        return;
    }
    let (bus, house) = (UsbSimulation::new(), House::new());
    let rom = Device::st_rom("356A38733432", FLASH_H7, 1024).with_fault(Fault::VanishAtBlock(60));
    bus.attach(&rom, "99-1");
    house.write("bootloader.bin", bootloader_image());
    house.write(
        "quick.yaml",
        r#"
format: 1
board: A camera in a hurry
inputs:
  bootloader: {file: bootloader.bin, max_size: 0x20000}
devices:
  rom: {usb: "0483:df11", label: STM32 ROM (DFU), identifies: yes}
steps:
  - id: write-bootloader
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${bootloader}"]
    timeout: 10s
"#,
    );
    let mut command = bus.command(env!("CARGO_BIN_EXE_recover"));
    command.args(["run", "quick.yaml", "--record", "kept"]).current_dir(house.path("work"));
    command.env("HOME", house.path("home")).env("XDG_RUNTIME_DIR", house.path("run")).env("TMPDIR", house.path("tmp"));
    let recorded = start(&mut command).finish();
    let class = recorded.code.unwrap();
    assert_ne!(class, 0, "{recorded:?}");
    let replayed = house.run(&["run", "kept/quick.yaml", "--scene", "kept/quick.scene.yaml"]).exits(class);
    let what = recorded.out.lines().find(|line| line.contains("NOT RECOVERED")).unwrap_or_default().to_owned();
    replayed.says(what.split_whitespace().collect::<Vec<_>>().join(" ").as_str());
}
