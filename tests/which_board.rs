//! Presence is not identity: which device counts as the board, and what is asked before the first change.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{House, Ran};

const CATALOG: &str = r#"
[mender]
summary = "mends"
programs = ["mender"]
version = {args = ["--version"], flavours = [{pattern = 'Mender (?P<version>[\d.]+)'}]}
commands = [
  {name = "write", reversible = true, with = ["write"], changes_board = true, success = ['^written$']},
  {name = "jump", reversible = true, with = ["jump"], success = ['^jumped$']},
  {name = "who", reversible = true, with = ["who"], success = ['^chip ']},
]
"#;

const PLAYBOOK: &str = r#"
format: 1
board: Camera
inputs:
  image: {file: image.bin}
devices:
  rom: {usb: "1209:0001", label: the ROM, identifies: no, identity: {product: '^Mender ROM$', version: '^01'}}
  loader:
    usb: "1209:0002"
    label: the loader
    identifies: no
    identity:
      answers:
        steps: [{run: mender, device: loader, args: [who], capture: {chip: {integer: 'chip (\d+)'}}}]
        holds: chip == 7
steps:
  - id: enter
    prompt: Connect it with the wire.
    hands: [plug-in]
    until: {present: rom}
    timeout: 20s
  - id: start
    run: mender
    device: rom
    args: [jump]
    until: {present: loader}
    timeout: 10s
  - id: write
    run: mender
    device: loader
    args: [write, "${image}"]
"#;

const DEVICES: &str = r#"
format: 1
tools:
  mender: {version: "Mender 1.0\n"}
files: {image: {size: 100}}
devices:
  rom: {id: "1209:0001", port: "1-2", SHOWS}
  loader: {id: "1209:0002", port: "1-2", attached: no}
  elsewhere: {id: "1209:0002", port: "1-3", attached: no}
"#;

const CALLS: &str = r#"
calls:
  - {run: mender, args: [jump], out: "jumped\n", afterwards: [{vanishes: rom}, {after: 2s, appears: loader}], optional: yes}
  - {run: mender, args: [who], out: "chip 7\n", optional: yes}
  - {run: mender, args: [write, "..."], out: "written\n", optional: yes}
"#;

/// How the ROM shows itself, what the person does, and where the calls differ.
fn play(shows: &str, person: &str, (from, to): (&str, &str), arguments: &[&str]) -> Ran {
    let house = House::new();
    house.write("vendor-tools.toml", CATALOG);
    house.write("camera.yaml", PLAYBOOK);
    assert!(from.is_empty() || CALLS.contains(from));
    let calls = if from.is_empty() { CALLS.to_owned() } else { CALLS.replace(from, to) };
    house.write("x.scene.yaml", format!("{}{person}{calls}", DEVICES.replace("SHOWS", shows)));
    let mut words = vec!["run", "./camera.yaml", "--scene", "x.scene.yaml"];
    words.extend(arguments);
    house.run(&words)
}

const SAME: (&str, &str) = ("", "");
const COMES: &str = "product: Mender ROM, version: \"0100\", attached: no";
const THERE: &str = "product: Mender ROM, version: \"0100\"";
const HANDS: &str = "person: [{asked: hands, changes: [{after: 3s, appears: rom}]}]\n";

fn wrote(ran: &Ran) -> bool {
    ran.flat().contains("$ mender write")
}

#[test]
fn what_comes_while_the_person_moves_is_theirs_through_the_runs_own_jump() {
    let ran = play(COMES, HANDS, SAME, &[]).exits(0);
    assert!(wrote(&ran));
    ran.says("this is your board, at port 1-2: it came while you moved");
    play(COMES, HANDS, SAME, &["--non-interactive"]).exits(0);
}

#[test]
fn what_comes_back_elsewhere_is_asked_about() {
    let jump = ("appears: loader", "appears: elsewhere");
    let no = "person: [{asked: hands, changes: [{after: 3s, appears: rom}]}, {asked: which-board, says: \"no\"}]\n";
    let ran = play(COMES, no, jump, &[]).exits(5).says("1209:0002 the loader at port 1-3");
    assert!(!wrote(&ran));
    assert!(!wrote(&play(COMES, HANDS, jump, &["--non-interactive"]).exits(5)));
    assert!(wrote(&play(COMES, HANDS, jump, &[]).exits(0)));
}

#[test]
fn what_was_there_is_asked_about_once() {
    let ran = play(THERE, "", SAME, &[]).exits(0);
    assert_eq!(ran.flat().matches("IS THIS YOUR BOARD?").count(), 1);
    ran.says("There is 1209:0001 the ROM at port 1-2 (Mender ROM).").says("you said so");
    let ran = play(THERE, "", SAME, &["--non-interactive"]).exits(5).says("with --port 1-2 added");
    ran.says("This run has changed nothing on the board.").never_says("$ mender");
    play(THERE, "", SAME, &["--non-interactive", "--port", "1-2"]).exits(0).says("you chose it");
}

#[test]
fn only_a_yes_is_a_yes() {
    let person = |replies: &[&str]| {
        let entry = |reply: &&str| format!("  - {{asked: which-board, {reply}}}\n");
        format!("person:\n{}", replies.iter().map(entry).collect::<String>())
    };
    for reply in ["says: \"no\"", "says: \"\"", "gone: yes", "silent: yes"] {
        let ran = play(THERE, &person(&[reply]), SAME, &[]).exits(5);
        assert!(!ran.flat().contains("$ mender"), "{reply}");
    }
    play(THERE, &person(&["says: \"YES \""]), SAME, &[]).exits(0);
    play(THERE, &person(&["says: camera"]), SAME, &[]).exits(5).says("Type yes if it is your Camera");
}

#[test]
fn who_disconnects_it_when_asked_is_told_what_to_do() {
    let person = "person:\n  - {asked: which-board, silent: yes, changes: [{after: 2s, vanishes: rom}]}\n  \
                  - {asked: hands, changes: [{after: 3s, appears: rom}]}\n";
    let ran = play(THERE, person, SAME, &[]).exits(0);
    ran.says("is gone: it was another board").says("Connect it with the wire").says("it came while you moved");
}

#[test]
fn another_kind_of_board_is_refused_whoever_chose_it() {
    for arguments in [&[][..], &["--port", "1-2"], &["--non-interactive"]] {
        let ran = play("product: Other ROM", "", SAME, arguments).exits(5);
        ran.says("is not the Camera: it calls itself \"Other ROM\"")
            .never_says("$ mender")
            .never_says("IS THIS YOUR BOARD?");
    }
    let ran = play(COMES, HANDS, ("chip 7", "chip 8"), &[]).exits(5).says("does not answer as the Camera does");
    assert!(!wrote(&ran));
}

#[test]
fn what_cannot_be_read_is_said_and_refuses_nothing() {
    let ran = play("attached: no", HANDS, SAME, &[]).exits(0);
    ran.says("The product name of 1209:0001 the ROM cannot be read here, so it is not compared.")
        .says("The release number of 1209:0001 the ROM cannot be read here");
}

/// One of two boards, each at its port and with its serial number, if any, of a system that names ports so.
fn one_of_two(ports: [&str; 2], serials: [&str; 2], options: &[&str]) -> Ran {
    let house = House::new();
    let selects = "select_port = [\"-p\", \"{libusb_port}\"]\nselect_serial = [\"-S\", \"{serial}\"]\ncommands = [";
    house.write("vendor-tools.toml", CATALOG.replace("commands = [", selects));
    let devices = "  rom: {usb: \"1209:0001\", label: the ROM}\n";
    let steps = "  - {id: write, run: mender, device: rom, args: [write]}\n";
    house.write("camera.yaml", format!("format: 1\nboard: Camera\ndevices:\n{devices}steps:\n{steps}"));
    let board = |place: usize| {
        let serial =
            if serials[place].is_empty() { String::new() } else { format!(", serial: \"{}\"", serials[place]) };
        format!("  board{place}: {{id: \"1209:0001\", port: \"{}\"{serial}}}\n", ports[place])
    };
    let calls = "calls:\n  - {run: mender, args: [\"-*\", \"*\", write], out: \"written\\n\", optional: yes}\n";
    let tools = "tools:\n  mender: {version: \"Mender 1.0\\n\"}\n";
    house.write("x.scene.yaml", format!("format: 1\n{tools}devices:\n{}{}{calls}", board(0), board(1)));
    house.run(&[&["run", "./camera.yaml", "--scene", "x.scene.yaml", "--non-interactive"], options].concat())
}

const LINUX_PORTS: [&str; 2] = ["1-2.3", "1-4"];
const MAC_PORTS: [&str; 2] = ["20-2.3", "20-4"];
const WINDOWS_PORTS: [&str; 2] = ["pci1400-2.3", "pci1400-4"];

#[test]
fn a_port_that_the_tool_knows_by_the_same_name_is_told_it() {
    for ports in [LINUX_PORTS, MAC_PORTS] {
        let told = format!("$ mender -p {} write", ports[1]);
        one_of_two(ports, ["", ""], &["--port", ports[1]]).exits(0).says(&told);
        one_of_two(ports, ["A", "B"], &["--serial", "B"]).exits(0).says(&told);
    }
}

#[test]
fn where_the_tool_does_not_know_the_port_it_is_told_the_serial_number() {
    for choice in [["--port", WINDOWS_PORTS[1]], ["--serial", "B"]] {
        one_of_two(WINDOWS_PORTS, ["A", "B"], &choice).exits(0).says("$ mender -S B write");
    }
    let several = one_of_two(WINDOWS_PORTS, ["A", "B"], &[]).exits(5);
    several.says("port pci1400-2.3 (serial A), port pci1400-4 (serial B)").says("choose one with --port pci1400-2.3");
}

#[test]
fn where_nothing_tells_two_boards_apart_for_the_tool_it_is_said_what_to_unplug() {
    for serials in [["", ""], ["0001", "0001"]] {
        let ran = one_of_two(WINDOWS_PORTS, serials, &["--port", WINDOWS_PORTS[1]]).exits(5);
        ran.says("unplug what is at pci1400-2.3, and leave the one at pci1400-4").never_says("$ mender");
        let any = one_of_two(WINDOWS_PORTS, serials, &[]).exits(5);
        any.says("disconnect all boards but the one to be recovered").never_says("--port");
    }
}
