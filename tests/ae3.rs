//! The AE3 from end to end: the program, its shipped playbook and catalog, the mock tools and a virtual board.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Mutex;

use crate::support::{House, Ran, sha256};

const BOOTLOADER: &str = "0x80000000";
const TABLE_OF_CONTENTS: &str = "0x8057e000";
const WRITE: &str = "app-write-mram -i ../build/bootloader.bin 0x80000000 ../build/firmware_pad.toc 0x8057E000";
const UPDATE: &str = "updateSystemPackage";
const RELEASES: [&str; 3] = ["1.103", "1.104", "1.110"];
const THREADS: usize = 4;

const RECOVERED: i32 = 0;
const STEP_FAILED: i32 = 1;
const NO_DEVICE: i32 = 5;

/// Fault of the virtual board, the exit code it leads to, and what the screen says.
const MATRIX: &[(&str, i32, &str)] = &[
    ("", RECOVERED, "SIMULATION PASSED"),
    ("old-ses", RECOVERED, "$ updateSystemPackage"),
    ("recovery", RECOVERED, "is in recovery"),
    ("silent", RECOVERED, "Press the camera's user button now."),
    ("silent,old-ses", RECOVERED, "$ updateSystemPackage"),
    ("silent,nak-mid-image", RECOVERED, "Going back to: Open the camera's recovery port"),
    ("old-ses,package-refused", RECOVERED, "keeps its old one"),
    ("wrong-baud", RECOVERED, "$ maintenance -b 921600"),
    ("part-mismatch", RECOVERED, "SIMULATION PASSED"),
    ("nak-mid-image", RECOVERED, "Trying again"),
    ("eof-question", RECOVERED, "SIMULATION PASSED"),
    ("write-refused", RECOVERED, "Trying again"),
    ("unplugged-mid-write", RECOVERED, "(device-lost) ↻ Going back to: Open the camera's recovery port"),
    ("port-moves", RECOVERED, "SIMULATION PASSED"),
    ("sbl2", RECOVERED, "SIMULATION PASSED"),
    ("foreign-bridge", RECOVERED, "Nothing answers at /dev/ttyUSB0 as the board would."),
    ("foreign-bridge,old-ses,port-moves", RECOVERED, "$ updateSystemPackage"),
    ("foreign-bridge,wrong-baud", RECOVERED, "Nothing answers at /dev/ttyUSB1 as the board would."),
    ("foreign-bridge,silent", RECOVERED, "Press the camera's user button now."),
    ("silent,button-dead", STEP_FAILED, "The chip did not react to the user button"),
    ("images-refused", STEP_FAILED, "does not accept the address that it was to write to"),
    ("no-permission", NO_DEVICE, "no permission to use it"),
    ("absent", NO_DEVICE, "is not there yet"),
    ("hangs-mid-image", RECOVERED, "(timed-out) ↻ Going back to: Open the camera's recovery port"),
];

fn bootloader() -> Vec<u8> {
    (0..40_000_u32).map(|index| (index * 13 % 249) as u8).collect()
}

fn toc() -> Vec<u8> {
    (0..8_192_u32).map(|index| (index * 7 % 247) as u8).collect()
}

fn simulate(release: &str, names: &str, more: &[&str]) -> (House, Ran) {
    let house = House::new();
    house.write("images/bootloader.bin", bootloader());
    house.write("images/firmware_pad.toc", toc());
    let comma = if names.is_empty() { "" } else { "," };
    let (simulate, bench) = (format!("--simulate=tools-{release}{comma}{names}"), house.path("bench"));
    let mut args = vec!["--playbook", "ae3.yaml", &simulate, "--bench", bench.to_str().unwrap(), "--files", "images"];
    args.extend(more);
    let ran = house.run(&args);
    (house, ran)
}

fn holds_both(house: &House) -> bool {
    let regions = house.board().regions();
    let holds = |address: &str, image: &[u8]| regions.contains(&(address.to_owned(), sha256(image)));
    holds(BOOTLOADER, &bootloader()) && holds(TABLE_OF_CONTENTS, &toc())
}

/// What is wrong with one run, if anything.
fn fault_of(release: &str, &(names, exit_code, says): &(&'static str, i32, &'static str)) -> Option<String> {
    let (house, ran) = simulate(release, names, &["--non-interactive"]);
    let wrong = if ran.code != Some(exit_code) {
        format!("exit code {:?} instead of {exit_code}", ran.code)
    } else if (exit_code == RECOVERED) != holds_both(&house) {
        format!("the board holds {:?}", house.board().regions())
    } else if !ran.flat().contains(says) {
        format!("the screen does not say `{says}`")
    } else if house.left_over() != [""; 0] {
        format!("left over: {:?}", house.left_over())
    } else {
        return None;
    };
    Some(format!("{release} {names}: {wrong}\n{}", ran.text()))
}

#[test]
fn every_release_of_the_tools_meets_every_fault() {
    let runs = RELEASES.iter().flat_map(|release| MATRIX.iter().map(move |row| (*release, row)));
    let runs = Mutex::new(runs);
    let next = || runs.lock().unwrap().next();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let work = || std::iter::from_fn(next).filter_map(|(release, row)| fault_of(release, row)).collect::<Vec<_>>();
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Whatever cuts the system software short, the chip's ROM takes over, and the procedure begins again from the port.
#[test]
fn an_interrupted_write_of_the_system_software_is_made_good() {
    let back = "Going back to: Open the camera's recovery port";
    for (release, names) in [
        ("1.103", "old-ses,unplugged-mid-write"),
        ("1.110", "old-ses,hangs-mid-image"),
        ("1.104", "recovery,unplugged-mid-write"),
        ("1.110", "recovery,hangs-mid-image,sbl2"),
    ] {
        let wrong = fault_of(release, &(names, RECOVERED, back));
        assert!(wrong.is_none(), "{}", wrong.unwrap());
    }
}

/// The tool calls itself aborted by the user; here nobody has interrupted anything.
#[test]
fn a_question_cut_off_is_a_failed_step_and_no_interruption() {
    let (house, ran) = simulate("1.104", "old-ses,eof-question", &[]);
    ran.exits(1).says("NOT RECOVERED");
    assert!(!holds_both(&house));
}

#[test]
fn a_healthy_chip_is_asked_and_then_written() {
    for (release, questions) in [
        // That release does not look by itself which chip it writes to.
        ("1.103", vec!["maintenance -opt sesbanner", "maintenance"]),
        ("1.104", vec!["maintenance -opt sesbanner"]),
        ("1.110", vec!["maintenance -opt getbanner"]),
    ] {
        let (house, ran) = simulate(release, "", &[]);
        ran.exits(RECOVERED).says("Set the recovery switch").says("steps are not needed here").says("switch to off");
        assert_eq!(house.commands(), [questions, vec![WRITE]].concat());
    }
}

#[test]
fn an_old_system_software_is_updated_first() {
    let (house, ran) = simulate("1.110", "old-ses", &[]);
    let text = ran.exits(RECOVERED).flat();
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("no `{part}` in {text}"));
    assert!(place("$ updateSystemPackage") < place("wait a few seconds, and connect it again"));
    assert!(place("wait a few seconds, and connect it again") < place("$ app-write-mram"));
    let banner = "maintenance -opt getbanner";
    assert_eq!(house.commands(), [banner, UPDATE, banner, WRITE]);
}

#[test]
fn a_chip_in_recovery_is_restored_through_its_rom() {
    for release in RELEASES {
        let (house, ran) = simulate(release, "recovery", &[]);
        ran.exits(RECOVERED).says("Restore the system software through the chip's ROM").says("connect it again");
        let commands = house.commands();
        assert_eq!(commands[1], "maintenance", "{commands:?}");
        assert_eq!(commands.last().unwrap(), WRITE);
    }
}

#[test]
fn a_silent_chip_is_caught_while_the_tool_waits_for_it() {
    let (house, ran) = simulate("1.104", "silent", &["--message-format", "json"]);
    let events = ran.exits(RECOVERED).events();
    let named = |name: &str, from: usize, field: &str, text: &str| {
        let found = events
            .iter()
            .skip(from)
            .position(|event| event["event"] == name && event[field].to_string().contains(text));
        from + found.unwrap_or_else(|| panic!("no {name} with {text}"))
    };
    let caught = named("step_started", 0, "step", "hard-maintenance");
    let started = named("tool_started", caught, "tool", "maintenance");
    let asked = named("prompted", started, "text", "user button");
    let ended = named("tool_ended", started, "event", "tool_ended");
    assert!(asked < ended, "the person is asked only after the tool has ended");
    // It was the application that kept the chip silent, and its system software is not old.
    let commands = house.commands();
    let place = commands.iter().position(|command| command == WRITE).unwrap();
    assert_eq!(commands[place - 1], "maintenance", "{commands:?}");
    assert!(!commands.iter().any(|command| command == UPDATE), "{commands:?}");
}

#[test]
fn a_chip_of_the_other_series_is_made_known_to_the_tool() {
    let (house, ran) = simulate("1.110", "part-mismatch", &[]);
    ran.exits(RECOVERED)
        .says("the playbook answered n to: Continue with operation [y/n]?")
        .says("Tell the tools that the chip is one of the second series");
    assert_eq!(house.commands(), ["maintenance -opt getbanner", WRITE, WRITE]);
    assert!(holds_both(&house));
}

#[test]
fn a_chip_that_no_ae3_has_is_refused_and_not_tried_twice() {
    for (release, commands) in
        [("1.103", ["maintenance -opt sesbanner", "maintenance"]), ("1.110", ["maintenance -opt getbanner", WRITE])]
    {
        let (house, ran) = simulate(release, "strange-part", &["--message-format", "json"]);
        let events = ran.exits(STEP_FAILED).says("The chip is not the one of an AE3").never_says("retrying").events();
        assert_eq!(events.last().unwrap()["problem"]["class"], "protected");
        assert_eq!(house.commands(), commands);
        assert!(!house.board().regions().iter().any(|(address, _)| address == BOOTLOADER));
    }
}

#[test]
fn of_two_recovery_ports_one_is_chosen() {
    let (house, ran) = simulate("1.104", "foreign-bridge", &["--port", "/dev/ttyUSB1"]);
    ran.exits(RECOVERED);
    assert!(holds_both(&house));
    // Behind the other one nothing answers.
    let (house, ran) = simulate("1.104", "foreign-bridge", &["--port", "/dev/ttyUSB0"]);
    ran.exits(STEP_FAILED).says("This run has changed nothing on the board").says("it may belong to another device");
    assert!(house.board().regions().iter().all(|(address, _)| address != BOOTLOADER));
}

#[test]
fn images_of_another_camera_are_refused_before_anything() {
    for (name, image) in [("bootloader.bin", vec![1; 40_001]), ("firmware_pad.toc", vec![1; 4_096])] {
        let house = House::new();
        house.write("images/bootloader.bin", bootloader());
        house.write("images/firmware_pad.toc", toc());
        house.write(&format!("images/{name}"), image);
        let bench = house.path("bench");
        let args = ["--playbook", "ae3", "--simulate", "--bench", bench.to_str().unwrap(), "--files", "images"];
        let ran = house.run(&args);
        assert_ne!(ran.code, Some(RECOVERED));
        ran.says("not, or not completely, the ones of an AE3");
        assert_eq!(house.commands(), [""; 0]);
    }
}
