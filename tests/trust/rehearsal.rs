//! A simulation at a terminal is a rehearsal: the person's ENTER moves the virtual board's cable, wire and switch.

use crate::support::House;
#[cfg(target_os = "linux")]
use crate::terminal::Move;
use crate::terminal::{at_terminal, types};

/// One prompt that goes on by itself, and one that wants ENTER.
const SHORT: &str = "format: 1
board: Short camera
devices:
  rom: {usb: \"0483:df11\", label: STM32 ROM}
drawing: {pins: [BOOT, 3.3V], connect: [BOOT, 3.3V]}
virtual_board: {model: stm32-dfu-rom, layout: \"@Internal Flash  /0x08000000/16*128Kg\"}
steps:
  - {id: enter, prompt: Connect the wire., hands: [unplug, fit-jumper, plug-in], until: {present: rom}, timeout: 30s}
  - {id: ready, prompt: Say when you are ready.}
";

fn house() -> House {
    let house = House::new();
    house.write("short.yaml", SHORT);
    house
}

const RUN: [&str; 3] = ["run", "short.yaml", "--simulate"];

fn with(more: &'static [&'static str]) -> Vec<&'static str> {
    RUN.iter().chain(more).copied().collect()
}

#[test]
fn enter_stands_for_the_hands() {
    let moves = [types("press ENTER in place of doing it", "\n"), types("Press ENTER when done", "\n")];
    let (code, shown) = at_terminal(house().command(&RUN), &moves);
    assert_eq!(code, Some(0), "{shown}");
    for text in ["You are the hands", "BOOT ●────────● 3.3V", "it came while you moved", "SIMULATION PASSED"]
    {
        assert!(shown.contains(text), "{text}: {shown}");
    }
}

/// A file that may be missing would leave out the part of the procedure that a person has to learn.
#[test]
fn without_files_the_whole_procedure_is_rehearsed() {
    let house = house();
    let inputs =
        "inputs:\n  boot: {file: boot.bin, kind: raw}\n  more: {file: more.bin, kind: raw, optional: true}\ndevices:";
    let last = "  - {id: further, when: given(more), prompt: And more.}\n";
    house.write("short.yaml", format!("{}{last}", SHORT.replace("devices:", inputs)));
    let moves = || {
        [
            types("press ENTER in place of doing it", "\n"),
            types("Say when you are ready.", "\n"),
            types("And more.", "\n"),
        ]
    };
    let (code, shown) = at_terminal(house.command(&RUN), &moves());
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("more.bin") && shown.contains("And more."), "{shown}");
    // What a program reads, and who brings files of their own, gets what is needed.
    house.run(&RUN).exits(0).never_says("more.bin");
    house.write("boot.bin", [7; 100]);
    let (code, shown) = at_terminal(house.command(&RUN), &moves()[..2]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("more.bin"), "{shown}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_word_is_no_enter() {
    let house = house();
    // Here, too, hands are asked, and ENTER alone stands for them.
    house.write("short.yaml", SHORT.replace("prompt: Say when you are ready.", "prompt: Ready?, hands: [unplug]"));
    let mut command = house.command(&with(&["--bench"]));
    let bench = house.path("bench");
    command.arg(&bench);
    let moved = || {
        let state = std::fs::read_to_string(bench.join("state.json")).unwrap();
        let counted = state.split("\"hands_moved\":").nth(1).unwrap();
        counted.split([',', '}']).next().unwrap().to_owned()
    };
    let before = std::cell::RefCell::new(String::new());
    let note = || *before.borrow_mut() = moved();
    let compare = || assert_eq!(moved(), *before.borrow(), "a word has moved the hands");
    let moves = [
        types("press ENTER in place of doing it", "\n"),
        Move { when: "Press ENTER when done", does: &note, types: "done\n" },
        Move { when: "Only ENTER goes on", does: &compare, types: "\n" },
    ];
    let (code, shown) = at_terminal(command, &moves);
    assert_eq!(code, Some(0), "{shown}");
    assert_ne!(moved(), *before.borrow(), "ENTER has moved them");
}

#[cfg(target_os = "linux")]
#[test]
fn without_enter_nothing_moves_and_ctrl_c_ends_it() {
    // The terminal of the test is nobody's own, so that Ctrl-C comes as the signal that it stands for.
    let house = house();
    let mut command = house.command(&with(&["--bench"]));
    let bench = house.path("bench");
    command.arg(&bench);
    let interrupt = || {
        let state = std::fs::read_to_string(bench.join("state.json")).unwrap();
        assert!(state.contains("\"hands_moved\":0"), "the hands moved by themselves: {state}");
        let ours = std::process::id();
        for process in children_of(ours, bench.to_str().unwrap()) {
            rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        }
    };
    let moves = [Move { when: "press ENTER in place of doing it", does: &interrupt, types: "" }];
    let (code, shown) = at_terminal(command, &moves);
    assert_eq!(code, Some(130), "{shown}");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_leaves_the_list_of_boards() {
    // Whoever only looks at what is attached has caught nothing that would keep the signal from its work.
    let interrupt = || {
        // On a busy machine the list of processes may lack one that is there.
        let found = || Some(children_of(std::process::id(), "--verbose")).filter(|found| !found.is_empty());
        let children = std::iter::repeat_with(found).take(1_000).find_map(|found| found).unwrap();
        for process in children {
            rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        }
    };
    let moves = [Move { when: "Its number, or ENTER to leave:", does: &interrupt, types: "" }];
    let (code, shown) = at_terminal(house().command(&["--verbose"]), &moves);
    assert_eq!(code, None, "it goes on: {shown}");
}

/// This test's own children that were started with such an argument.
#[cfg(target_os = "linux")]
fn children_of(parent: u32, argument: &str) -> Vec<rustix::process::Pid> {
    let children = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let process: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{process}/{name}")).ok();
        let is_ours = read("status")?.lines().any(|line| line == format!("PPid:\t{parent}"));
        (is_ours && read("cmdline")?.contains(argument)).then(|| rustix::process::Pid::from_raw(process))?
    });
    children.collect()
}

#[test]
fn the_virtual_person_moves_when_asked_to() {
    let moves = [types("Goes on by itself", "")];
    let (code, shown) = at_terminal(house().command(&with(&["--hands", "auto"])), &moves);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("REHEARSAL") && !shown.contains("You are the hands"), "{shown}");
}

#[test]
fn without_a_terminal_the_virtual_person_moves_at_once() {
    let house = house();
    for more in [&[][..], &["--hands", "auto"], &["--non-interactive"]] {
        let ran = house.run(&[&RUN[..], more].concat());
        ran.never_says("REHEARSAL").never_says("You are the hands");
    }
    house.run(&RUN).exits(0).says("STM32 ROM is there (after 3.7 s)");
}

#[test]
fn whose_hands_there_are_is_said_clearly() {
    let house = house();
    house.run(&["run", "short.yaml", "--hands", "auto"]).exits(2).says("only your own hands can move a real board");
    house.run(&with(&["--hands", "person"])).exits(2).says("needs somebody who reads the prompts at a terminal");
}

#[test]
fn quiet_shows_what_is_asked_and_little_else() {
    let ran = house().run(&with(&["--quiet"])).exits(0);
    ran.says("Connect the wire.").says("SIMULATION PASSED").never_says("done in 3").never_says("this is your board");
}
