//! What recover says of devices that are attached, on a simulated bus, before any playbook is named.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bench::{Bench, own_bootloader};
use crate::directly::rom;
use crate::ended::Ended;
use crate::finished::{Finished, run};
use crate::requirements;
use crate::usb_simulation::Permission;
use crate::usb_simulation::device::Device;

/// In the bench's folder, with a home of its own, and nothing on PATH.
fn command(bench: &Bench, args: &[&str]) -> Command {
    let mut command = bench.bus.command(env!("CARGO_BIN_EXE_recover"));
    command.args(args).current_dir(bench.folder.path()).env("PATH", "").env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8");
    for variable in ["HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "TMPDIR"] {
        command.env(variable, bench.folder.path());
    }
    // The bench's own playbooks are boards, too; here it is about the shipped ones.
    for playbook in ["quick.yaml", "own.yaml"] {
        let _not_there = std::fs::remove_file(bench.folder.path().join(playbook));
    }
    command
}

fn told(finished: &Finished) -> Vec<Value> {
    finished.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn boards(device: &Value) -> Vec<&str> {
    device["boards"].as_array().unwrap().iter().map(|board| board["playbook"].as_str().unwrap()).collect()
}

#[test]
fn a_board_is_told_by_what_it_shows() {
    if !requirements::met("a_board_is_told_by_what_it_shows") {
        return;
    }
    let bench = Bench::new();
    let json = ["devices", "--message-format", "json"];
    let none = run(&mut command(&bench, &["devices"])).expect_code(0);
    assert!(none.out.contains("Nothing is attached that a playbook knows."), "{}", none.out);

    bench.bus.attach(&own_bootloader(), "99-1");
    let devices = told(&run(&mut command(&bench, &json)).expect_code(0));
    let [device] = devices.as_slice() else { panic!("{devices:?}") };
    assert_eq!(
        (&device["event"], &device["port"], &device["state"]),
        (&"device".into(), &"99-1".into(), &"bootloader".into())
    );
    assert_eq!((boards(device), &device["certain"]), (vec!["h7"], &true.into()));
    bench.bus.detach("99-1");

    // The ROM's id is that of all, but its layout is not.
    bench.bus.attach(&rom(), "99-2");
    let devices = told(&run(&mut command(&bench, &json)).expect_code(0));
    let [device] = devices.as_slice() else { panic!("{devices:?}") };
    assert_eq!((&device["state"], &device["certain"]), (&"recovery".into(), &false.into()));
    let boards = boards(device);
    assert!(boards.contains(&"h7") && boards.contains(&"h7-plus") && !boards.contains(&"rt1062"), "{boards:?}");
}

#[test]
fn plain_recover_offers_what_is_attached() {
    if !requirements::met("plain_recover_offers_what_is_attached") {
        return;
    }
    let bench = Bench::new();
    bench.bus.attach(&Device::plain_dfu((0x37c5, 0x1204), "3330373338355117003B0033", &["x"]), "99-1");
    let healthy = run(&mut command(&bench, &[])).expect_code(2);
    for words in ["OpenMV Cam H7, running its firmware: it is not dead", "recover h7 "] {
        assert!(healthy.out.contains(words), "{words}: {}", healthy.out);
    }
    assert!(!healthy.out.contains("recover rt1062"), "{}", healthy.out);
}

#[test]
fn the_doctor_says_who_may_not_use_what() {
    if !requirements::met("the_doctor_says_who_may_not_use_what") {
        return;
    }
    let bench = Bench::new();
    bench.bus.attach_with(&rom(), "99-1", Permission::Denied);
    let program = bench.folder.path().join("recover");
    run(Command::new("cp").arg(env!("CARGO_BIN_EXE_recover")).arg(&program)).expect_code(0);
    let of_another = command(&bench, &["doctor", "h7", "--files", "nowhere", "--message-format", "json"]);
    let mut denied = bench.bus.command(&program);
    denied.args(of_another.get_args()).current_dir(bench.folder.path());
    denied.envs(of_another.get_envs().filter_map(|(name, value)| Some((name, value?))));
    bench.bus.as_another_user(&mut denied);
    let findings = told(&run(&mut denied));
    let device = findings.iter().find(|finding| finding["about"] == "device").unwrap();
    assert_eq!((&device["level"], &device["name"]), (&"bad".into(), &"0483:df11 at 99-1".into()));
    assert!(device["remedies"].to_string().contains("recover doctor --fix"), "{device}");
    // The tool and the file are told in the same list.
    for about in ["tool", "file"] {
        assert!(findings.iter().any(|finding| finding["about"] == about && finding["level"] == "bad"), "{findings:?}");
    }
}

#[test]
fn what_comes_and_goes_is_told_while_it_does() {
    if !requirements::met("what_comes_and_goes_is_told_while_it_does") {
        return;
    }
    const LIMIT: Duration = Duration::from_secs(30);
    let bench = Bench::new();
    bench.bus.attach(&own_bootloader(), "99-1");
    let mut watching = command(&bench, &["devices", "--watch", "--message-format", "json"]);
    let mut watcher = Ended(watching.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let child = &mut watcher.0;
    let (sender, lines) = std::sync::mpsc::channel();
    let out = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    let next = || serde_json::from_str::<Value>(&lines.recv_timeout(LIMIT).unwrap()).unwrap();
    assert_eq!(next()["event"], "device");
    bench.bus.detach("99-1");
    let went = next();
    assert_eq!((&went["event"], &went["port"]), (&"went".into(), &"99-1".into()));
    bench.bus.attach(&rom(), "99-1");
    let came = next();
    assert_eq!((&came["event"], &came["id"]), (&"came".into(), &"0483:df11".into()));
    assert!(came["gone_ms"].is_u64(), "{came}");
    // Ctrl-C is how one leaves, and no failure.
    run(Command::new("kill").args(["-INT", &child.id().to_string()])).expect_code(0);
    let asked = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(asked.elapsed() < LIMIT, "it goes on");
        std::thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Waits a moment only.
const WATCHED: &str = r#"
format: 1
board: OpenMV Cam H7, watched
devices:
  rom: {usb: "0483:df11", label: STM32 ROM, identifies: yes, state: recovery}
  running: {usb: "37c5:1204", label: the camera running its firmware, state: running}
steps:
  - {id: enter-rom, prompt: Connect BOOT to 3.3V., until: {present: rom}, timeout: 1s}
"#;

#[test]
fn a_camera_that_works_is_not_rewritten_unasked() {
    if !requirements::met("a_camera_that_works_is_not_rewritten_unasked") {
        return;
    }
    let bench = Bench::new();
    bench.bus.attach(&Device::plain_dfu((0x37c5, 0x1204), "3330373338355117003B0033", &["x"]), "99-1");
    let left = run(&mut bench.recover_any("h7")).expect_code(5);
    for words in ["the OpenMV Cam H7 is not dead", "37c5:1204", "--even-if-healthy"] {
        assert!(left.out.contains(words), "{words}: {}", left.out);
    }
    // Where another port is chosen, this one is another camera.
    bench.write("watched.yaml", WATCHED);
    let other = run(bench.recover_any("watched.yaml").args(["--port", "99-7"])).expect_code(5);
    assert!(!other.out.contains("is not dead") && other.out.contains("STM32 ROM"), "{}", other.out);
    let same = run(&mut bench.recover("watched.yaml")).expect_code(5);
    assert!(same.out.contains("is not dead"), "{}", same.out);
}

#[test]
fn another_board_is_called_by_its_name() {
    if !requirements::met("another_board_is_called_by_its_name") {
        return;
    }
    let bench = Bench::new();
    bench.bus.attach(&Device::plain_dfu((0x37c5, 0x1204), "3330373338355117003B0033", &["x"]), "99-1");
    // A ROM that nobody moved ends the run of another board before it waits.
    bench.bus.attach(&rom(), "99-2");
    let ended = run(&mut bench.recover_any("h7-plus")).expect_code(5);
    let note = "37c5:1204 OpenMV Cam H7, running its firmware. This recovery is for the OpenMV Cam H7 Plus.";
    let told = ended.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(note), "{told}");
    assert!(told.matches("37c5:1204 OpenMV Cam H7, running its firmware").count() > 1, "{told}");
}
