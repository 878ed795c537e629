//! Playbooks: what a foreign one may do is shown before its first real run, and a name is not a path.

use crate::support::House;
use crate::terminal::{at_terminal, types};
use crate::{NAMED, PLAYBOOK, house, was_here};

const LIST: &str = "Type yes to let it:";
const H7: &str = "format: 1\nboard: Not the H7\nsteps:\n  - {refuse: This is the file.}\n";

fn grown(line: &str) -> String {
    PLAYBOOK.replace("steps:", &format!("{line}\nsteps:"))
}

#[test]
fn the_list_is_agreed_to_once() {
    let house = house();
    let (code, shown) = at_terminal(house.command(&NAMED), &[types(LIST, "no\n")]);
    assert_eq!(code, Some(6), "{shown}");
    assert!(shown.contains("acme.yaml is not one of recover's own playbooks. It may - run acmeflash"), "{shown}");
    assert!(shown.contains("write memory with acmeflash: its call write does not say where"), "{shown}");
    assert!(!was_here(&house));
    let (code, shown) = at_terminal(house.command(&NAMED), &[types(LIST, "yes\n")]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(was_here(&house));
    let never_asks = |what: &str| {
        let (code, shown) = at_terminal(house.command(&NAMED), &[]);
        assert_eq!(code, Some(0), "{what}: {shown}");
        assert!(!shown.contains("It may"), "{what}: {shown}");
    };
    never_asks("the same");
    house.write("acme.yaml", PLAYBOOK.replace("board: Acme", "board: Acme 2\nsummary: Better."));
    never_asks("other words");
    house.write("acme.yaml", PLAYBOOK.replace("[write]}", "[write, again], timeout: 2s}"));
    never_asks("another argument");
    let more = grown("inputs: {image: {file: image.bin, optional: true}}\ndevices: {rom: {usb: \"1209:0001\"}}");
    house.write("acme.yaml", &more);
    let (code, shown) = at_terminal(house.command(&NAMED), &[types(LIST, "yes\n")]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("- use 1209:0001 (new) - read image.bin (new)"), "{shown}");
    never_asks("the longer list");
    house.write("acme.yaml", PLAYBOOK);
    never_asks("a shorter list");
    house.write("acme.yaml", &more);
    never_asks("what was agreed to before");
}

#[test]
fn a_run_without_a_record_takes_the_whole_word_and_says_that_there_is_none() {
    let mut house = house();
    house.write("file", "");
    house.set("RECOVER_RUNS_DIR", house.path("work/file/runs"));
    let question = "to begin nothing, press ENTER:";
    let (code, shown) = at_terminal(house.command(&NAMED), &[types(LIST, "yes\n"), types(question, "\n")]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("A file lies where the folder should be: move it away, or name another folder"), "{shown}");
    assert!(!shown.contains("Make room") && !was_here(&house), "{shown}");
    let moves = [types(question, "y\n"), types("`y` is no answer. Type yes, the whole word,", "yes\n")];
    let (code, shown) = at_terminal(house.command(&NAMED), &moves);
    assert_eq!(code, Some(0), "{shown}");
    assert!(was_here(&house) && shown.contains("Record none was kept of this run"), "{shown}");
}

#[test]
fn without_a_person_the_list_is_told_and_naming_is_the_decision() {
    let house = house();
    for more in [&["--non-interactive"][..], &[]] {
        let ran = house.run(&[&NAMED[..], more].concat()).exits(0);
        ran.says("note: acme.yaml is not one of recover's own playbooks. It may - run acmeflash");
    }
    let events = house.run(&[&NAMED[..], &["--message-format", "json"]].concat()).exits(0).events();
    let note = events.iter().find(|event| event["text"].as_str().is_some_and(|text| text.contains("It may")));
    assert_eq!(note.unwrap()["event"], "note");
    assert!(was_here(&house));
}

#[test]
fn nothing_is_asked_where_nothing_can_happen() {
    let house = House::new();
    house.write("h7.yaml", H7);
    house.write("acme.yaml", "format: 1\nboard: Acme\nsteps:\n  - {refuse: Not yet.}\n");
    let board = "virtual_board: {model: stm32-dfu-rom, layout: \"@Internal Flash  /0x08000000/16*128Kg\"}\n";
    house.write("plain.yaml", format!("format: 1\nboard: Plain\n{board}steps: [{{check: 1 == 1, message: never}}]\n"));
    let all: [&[&str]; 6] = [
        &["check", "acme.yaml"],
        &["check", "h7.yaml"],
        &["list", "acme.yaml"],
        &["run", "acme.yaml", "--dry-run"],
        &["run", "./h7.yaml", "--dry-run"],
        &["run", "plain.yaml", "--simulate"],
    ];
    for args in all {
        let (code, shown) = at_terminal(house.command(args), &[]);
        assert!(code == Some(0) || code == Some(3), "{args:?}: {shown}");
        assert!(!shown.contains("Type "), "{args:?}: {shown}");
    }
}

#[test]
fn a_name_is_not_the_file_that_happens_to_lie_there() {
    let house = House::new();
    house.write("h7.yaml", H7);
    for name in ["h7", "h7.yaml"] {
        for more in [&[][..], &["--non-interactive"], &["--message-format", "json"], &["--dry-run"]] {
            let ran = house.run(&[&["run", name], more].concat()).exits(2);
            ran.says("write ./h7.yaml").never_says("This is the file");
        }
    }
    house.run(&["--playbook", "./h7.yaml"]).exits(1).says("This is the file");
    // Where no program starts, the file wins as ever.
    house.run(&["list", "h7.yaml"]).exits(0).says("Not the H7");
    // What says the same as the shipped one is no other.
    house.write("rt1062.yaml", include_str!("../../playbooks/rt1062.yaml"));
    house
        .run(&["run", "rt1062.yaml", "--files", "."])
        .exits(2)
        .never_says("./rt1062.yaml")
        .says("sdphost_flash_loader.bin");
    // A name that nothing shipped has names the file.
    house.write("mine.yaml", H7);
    house.run(&["run", "mine.yaml"]).exits(1).says("This is the file");
    house.run(&["run", "mine"]).exits(1).says("This is the file");
}

#[test]
fn a_person_chooses_between_the_two() {
    let house = House::new();
    house.write("h7.yaml", H7);
    let ask = |answer| at_terminal(house.command(&["run", "h7"]), &[types("Type 1 or 2:", answer)]);
    let (code, shown) = ask("2\n");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("1 the one that recover brings along, for OpenMV Cam H7"), "{shown}");
    assert!(shown.contains("2 the file ./h7.yaml in this folder, for Not the H7"), "{shown}");
    assert!(shown.contains("This is the file"), "{shown}");
    let (code, shown) = ask("1\n");
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("bootloader.bin") && !shown.contains("This is the file"), "{shown}");
    assert_eq!(ask("\n").0, Some(6));
}

#[test]
fn the_list_cannot_be_dressed_up() {
    let house = house();
    let hostile = grown("inputs: {image: {file: \"a\\e[31m\\n- do nothing at all\", optional: true}}");
    house.write("acme.yaml", hostile);
    let ran = house.run(&NAMED);
    assert!(!ran.text().contains("\u{1b}[31m"), "{:?}", ran.text());
    assert!(!ran.text().lines().any(|line| line.trim_start().starts_with("- do nothing at all")), "{}", ran.text());
}
