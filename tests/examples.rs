//! The examples for authors of playbooks: boards that the program does not ship, described in YAML alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;

use crate::support::{House, Ran, image, sha256};

const NUCLEO: &str = "nucleo-f446.yaml";
const EVK: &str = "imxrt1050-evk.yaml";

/// Copies an example to where the program runs, without anything it could lean on.
fn house(example: &str) -> House {
    let house = House::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/examples");
    house.write(example, std::fs::read(folder.join(example)).unwrap());
    house
}

/// A run with images of our own.
fn simulate(house: &House, example: &str, names: &str) -> Ran {
    let flashloader =
        image(90_039, &[(0x400, 0x4020_00D1), (0x414, 0x2000_0400), (0x420, 0x2000_0000), (0x424, 90_039)]);
    house.write("images/ivt_flashloader.bin", flashloader);
    house.write("images/application.bin", application());
    house.write("images/firmware.bin", firmware());
    let simulate = if names.is_empty() { "--simulate".to_owned() } else { format!("--simulate={names}") };
    let bench = house.path("bench");
    house.run(&["run", example, &simulate, "--files", "images", "--bench", bench.to_str().unwrap()])
}

/// Longer than one sector of the board's flash.
fn application() -> Vec<u8> {
    image(300_001, &[(0x14, 0x6000_1000)])
}

/// Longer than the pages of 16 KiB at the start of the flash.
fn firmware() -> Vec<u8> {
    let start = [0x2002_0000_u32, 0x0800_01C5].map(u32::to_le_bytes).concat();
    start.into_iter().chain((8..100_003_u32).map(|index| (index * 7 % 253) as u8)).collect()
}

#[track_caller]
fn assert_nucleo_holds_the_program(house: &House) {
    assert_eq!(house.board().regions(), [("0x08000000".to_owned(), sha256(&firmware()))]);
}

#[track_caller]
fn assert_evk_holds_the_application(house: &House) {
    let regions = house.board().regions();
    assert_eq!(regions.len(), 2, "{regions:?}");
    assert_eq!(regions[0].0, "0x60000000");
    assert_eq!(regions[1], ("0x60001000".to_owned(), sha256(&application())));
    assert_eq!(house.board().0["fuses"].as_object().unwrap().len(), 0, "no fuse is burnt on this board");
}

#[test]
fn nothing_is_wrong_with_any_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/examples");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // A playbook's tests stand beside it and are documents of their own.
        if name.ends_with(".yaml") && !name.ends_with(".test.yaml") {
            house(name).run(&["check", name]).exits(0).says("nothing wrong");
        }
    }
}

/// Of the virtual boards alone: the dozen lines that make a board known.
#[test]
fn a_virtual_board_takes_a_dozen_lines() {
    for example in [NUCLEO, EVK] {
        let text = std::fs::read_to_string(house(example).path("work").join(example)).unwrap();
        let lines = text.lines().skip_while(|line| *line != "virtual_board:").skip(1);
        let count = lines.take_while(|line| line.starts_with(' ')).count();
        assert!((1..=12).contains(&count), "{example}: {count} lines");
    }
}

#[test]
fn the_nucleo_is_written_read_back_and_started() {
    let house = house(NUCLEO);
    simulate(&house, NUCLEO, "").exits(0).says("the virtual ST NUCLEO-F446RE was recovered");
    assert_nucleo_holds_the_program(&house);
    assert_eq!(
        house.commands(),
        [
            "dfu-util -d ,0483:df11 -a 0 -s 0x08000000 -D firmware.bin",
            "dfu-util -d ,0483:df11 -a 0 -s 0x08000000:100003 -U firmware_read.bin",
        ]
    );
}

#[test]
fn what_goes_wrong_with_the_nucleo_is_mended_or_told() {
    for name in ["late-permission", "lost-in-write", "erase-refused"] {
        let house = house(NUCLEO);
        simulate(&house, NUCLEO, name).exits(0);
        assert_nucleo_holds_the_program(&house);
    }
    // Its ROM is there from the beginning, and any STM32 might be.
    let house_asked = house(NUCLEO);
    simulate(&house_asked, NUCLEO, "interrupted-before").exits(5).says("is not known to be your ST NUCLEO-F446RE");
    assert_eq!(house_asked.commands(), [""; 0]);
    for (name, code, text) in [
        ("flash-bad", 1, "The program in flash differs from the file"),
        ("protected", 1, "The ROM cannot be damaged"),
        ("no-permission", 5, "Bring the chip into its ROM"),
        ("absent", 5, "This run has changed nothing on the board"),
    ] {
        simulate(&house(NUCLEO), NUCLEO, name).exits(code).says(text).never_says("PASSED");
    }
}

#[test]
fn the_evk_is_written_read_back_and_started() {
    let house = house(EVK);
    simulate(&house, EVK, "").exits(0).says("the virtual NXP MIMXRT1050-EVKB was recovered");
    assert_evk_holds_the_application(&house);
    let commands = house.commands();
    // Two sectors of 256 KiB for a configuration block and 300,001 bytes.
    assert!(commands.iter().any(|command| command.ends_with("flash-erase-region 0x60000000 0x80000")), "{commands:#?}");
    assert!(!commands.iter().any(|command| command.contains("efuse")), "{commands:#?}");
}

#[test]
fn what_goes_wrong_with_the_evk_is_mended_or_told() {
    for name in ["legacy", "spsdk-2.6", "lost-in-flashloader", "erase-no-answer", "write-refused", "lost-in-firmware"] {
        let house = house(EVK);
        simulate(&house, EVK, name).exits(0);
        assert_evk_holds_the_application(&house);
    }
    for (name, code, text) in [
        ("flash-bad", 1, "The application in flash differs from the file"),
        ("hab-closed", 1, "it runs only signed programs"),
        ("no-permission", 5, "This run has changed nothing on the board"),
        ("absent", 5, "This run has changed nothing on the board"),
    ] {
        simulate(&house(EVK), EVK, name).exits(code).says(text).never_says("PASSED");
    }
}

#[test]
fn a_board_without_a_part_knows_no_trouble_with_it() {
    simulate(&house(EVK), EVK, "fuse-set").exits(2).says("`fuse-set` is not a starting state or fault");
    for name in ["reboot-in-manifest", "boot-loop", "interrupted-update", "firmware-damaged"] {
        simulate(&house(NUCLEO), NUCLEO, name).exits(2);
    }
}

#[test]
fn a_misspelt_starting_state_is_answered_with_the_nearest_one() {
    simulate(&house(EVK), EVK, "late-flashloder").exits(2).says("did you mean `late-flashloader`?");
    simulate(&house(NUCLEO), NUCLEO, "in-ron").exits(2).says("did you mean `in-rom`?");
}

/// The board's own numbers come from the playbook: another size, and the same run ends differently.
#[test]
fn the_virtual_board_is_what_the_playbook_says() {
    for (example, from, to, why) in [
        (NUCLEO, "04*016Kg,01*064Kg,03*128Kg", "04*016Kg", "a flash of 64 KiB"),
        (EVK, "size: 0x4000000, sector: 0x40000", "size: 0x40000, sector: 0x40000", "a flash of 256 KiB"),
        (EVK, "{start: 0x20000000, size: 0x20000}", "{start: 0x20000000, size: 0x1000}", "a RAM of 4 KiB"),
    ] {
        let house = house(example);
        let text = std::fs::read_to_string(house.path("work").join(example)).unwrap();
        assert!(text.contains(from), "{example}: {from}");
        house.write(example, text.replace(from, to));
        let ran = simulate(&house, example, "");
        assert_eq!(ran.code, Some(1), "{why}: {}", ran.text());
    }
}

#[test]
fn a_wrong_setting_is_told_before_anything_runs() {
    let house = house(EVK);
    let text = std::fs::read_to_string(house.path("work").join(EVK)).unwrap();
    house.write(EVK, text.replace("sector: 0x40000", "sektor: 0x40000"));
    house.run(&["check", EVK]).exits(3).says("imxrt1050-evk.yaml:45:45").says("did you mean `sector`?");
    simulate(&house, EVK, "").exits(3).says("the flash has no key `sektor`");
    assert_eq!(house.commands(), [""; 0]);
}

const PLAIN_DFU: &str = r#"format: 1
board: A board with a DFU bootloader
inputs:
  firmware: {file: firmware.bin, max_size: 0x40000}
devices:
  bootloader: {usb: "1209:db42", label: the bootloader}
  running: {usb: "1209:0001", label: the board}
virtual_board:
  model: plain-dfu
  firmware: application
  partitions: [{name: application, address: 0x08010000, size: 0x40000}, {name: settings, size: 0x1000}]
steps:
  - id: write
    run: dfu-util
    device: bootloader
    args: ["-d", ",1209:db42", "-a", "0", "--reset", "-D", "${firmware}"]
    timeout: 60s
    retry: {attempts: 2, on: refused}
  - id: starts
    wait: {present: running}
    timeout: 30s
"#;

#[test]
fn a_board_with_plain_dfu_needs_no_rust_either() {
    let house = House::new();
    house.write("board.yaml", PLAIN_DFU);
    house.run(&["check", "board.yaml"]).exits(0);
    for (names, code) in
        [("", 0), ("write-refused", 0), ("lost-in-write", 1), ("never-starts", 5), ("absent", 1), ("no-permission", 5)]
    {
        let ran = simulate(&house, "board.yaml", names);
        assert_eq!(ran.code, Some(code), "{names}: {}", ran.text());
        let written = [("0x08010000".to_owned(), sha256(&firmware()))];
        let expected: &[(String, String)] = if code == 0 || names == "never-starts" { &written } else { &[] };
        assert_eq!(house.board().regions(), expected, "{names}");
    }
}
