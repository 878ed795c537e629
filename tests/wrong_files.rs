//! Files that people mistake for an image, and folders that belong to another board: refused before any tool runs, in a
//! simulation as for a real camera.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{House, Ran, fitting};

const IMAGE: &str = "bootloader.bin";

fn simulate(house: &House, playbook: &str, more: &[&str]) -> Ran {
    let bench = house.path("bench");
    house.run(&[&["run", playbook, "--simulate", "--bench", bench.to_str().unwrap()], more].concat())
}

/// Refuses these bytes as the H7's bootloader, saying this; with a real camera no tool is even looked for.
#[track_caller]
fn refused(bytes: &[u8], texts: &[&str]) {
    let house = House::new();
    house.write(&format!("images/{IMAGE}"), bytes);
    for ran in [simulate(&house, "h7", &["--files", "images"]), house.run(&["run", "h7", "--files", "images"])] {
        let ran = ran.exits(2).says("Nothing has been done to the board");
        let _told = texts.iter().fold(ran, |ran, text| ran.says(text));
    }
    assert_eq!(house.commands(), [""; 0]);
}

/// The H7's bootloader with other words at its beginning.
fn with_vectors(stack: u32, reset: u32) -> Vec<u8> {
    let mut image = fitting("h7", IMAGE, 20_000);
    image[..8].copy_from_slice(&[stack, reset].map(u32::to_le_bytes).concat());
    image
}

#[test]
fn files_of_another_kind() {
    let long = |beginning: &[u8]| [beginning, &[0xa5; 20_000]].concat();
    let hex: String =
        (0..2_000).map(|row| format!(":10{:04X}0000112233445566778899AABBCCDDEEFF00\r\n", row * 16)).collect();
    let cases: &[(Vec<u8>, &[&str])] = &[
        (
            b"<!DOCTYPE html><html><head><title>firmware</title>".repeat(200),
            &["is a web page", "download the file itself"],
        ),
        (b"{\"message\": \"Not Found\", \"status\": \"404\"}".to_vec(), &["is a text (JSON)"]),
        (b"404: Not Found".to_vec(), &["is a text, and no image"]),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 65536\n".to_vec(),
            &["Git LFS", "git lfs pull"],
        ),
        (hex.into_bytes(), &["is an Intel HEX file; the .bin file is needed", "objcopy -I ihex"]),
        (b"S00600004844521B\nS1130000".repeat(900), &["is a Motorola S-record file"]),
        (long(b"PK\x03\x04"), &["is a ZIP archive; unpack it first"]),
        (long(b"\x1f\x8b\x08"), &["is a compressed archive; unpack it first"]),
        (long(b"\xfd7zXZ\0"), &["(xz)"]),
        (long(b"7z\xbc\xaf\x27\x1c"), &["is a 7z archive"]),
        (long(b"DfuSe\x01"), &["is a .dfu file; the .bin file is needed"]),
        (long(b"\x7fELF"), &["is an ELF file; the .bin file is needed"]),
        (long(b"UF2\n\x57\x51\x5d\x9e"), &["is a UF2 file"]),
        (vec![0xff; 100_000], &["is blank, nothing but 0xff"]),
        (vec![0x00; 100_000], &["is blank, nothing but zeros"]),
    ];
    for (bytes, texts) in cases {
        refused(bytes, texts);
    }
    // Erased but for its end: that is no blank file, and no program either.
    refused(&[vec![0xff; 99_999], vec![0]].concat(), &["is not a program for this board"]);
}

#[test]
fn programs_that_the_chip_would_not_start() {
    refused(
        &with_vectors(0x5a3c_91e7, 0x0800_0201),
        &["its stack would begin at 0x5a3c91e7, where the board has no RAM"],
    );
    refused(&with_vectors(0x2000_0000, 0x0800_0201), &["its stack would begin at 0x20000000"]);
    refused(&with_vectors(0x2002_0002, 0x0800_0201), &["its stack would begin at 0x20020002"]);
    refused(&with_vectors(0x2002_0004, 0x0800_0201), &["its stack would begin at 0x20020004"]);
    refused(&with_vectors(0x2002_0000, 0x0800_0200), &["it would begin at 0x08000200", "an odd address"]);
    refused(&with_vectors(0x2002_0000, 0x0804_0201), &["it is to lie at 0x08000000 to 0x08004e1f"]);
    // Another camera's: the M4's stack lies where the H7 has nothing.
    refused(
        &with_vectors(0x1001_0000, 0x0800_0201),
        &["it looks like the file of OpenMV Cam M4; the files of OpenMV Cam H7 are in a folder called OPENMV4"],
    );
    // At the end of any of the board's memories, as OpenMV has linked its images over the years.
    for stack in [0x0001_0000, 0x2002_0000, 0x2408_0000, 0x3004_0000, 0x3800_f000] {
        let house = House::new();
        house.write(&format!("images/{IMAGE}"), with_vectors(stack, 0x0800_0299));
        simulate(&house, "h7", &["--files", "images", "--dry-run"]).exits(0);
    }
}

#[test]
fn bootloader_and_firmware_mixed_up() {
    let house = House::new();
    house.write("images/bootloader.bin", fitting("h7", "firmware.bin", 20_000));
    house.write("images/firmware.bin", fitting("h7", "bootloader.bin", 20_000));
    simulate(&house, "h7", &["--files", "images"])
        .exits(2)
        .says("it looks like the file for `firmware` (firmware.bin); were the two mixed up?")
        .says("it looks like the file for `bootloader` (bootloader.bin); were the two mixed up?");
}

#[test]
fn a_folder_that_bears_another_boards_name() {
    let house = House::new();
    for folder in ["images", "OPENMV4P", "openmv-4p", "OPENMV4", "My Cameras/OPENMV_N6"] {
        house.write(&format!("{folder}/{IMAGE}"), fitting("h7", IMAGE, 20_000));
    }
    let refused = |folder: &str, board: &str| {
        let ran = simulate(&house, "h7", &["--files", folder]).exits(2).says(board);
        // As it can be pasted.
        let quote = if folder.contains(' ') { "'" } else { "" };
        let set = format!("--set {quote}bootloader={folder}/{IMAGE}{quote}");
        ran.says("this playbook is for OpenMV Cam H7").says("it is called OPENMV4").says(&set);
        house.run(&["run", "h7", "--files", folder, "--message-format", "json"]).exits(2).says(board);
        assert_eq!(house.commands(), [""; 0]);
    };
    refused("OPENMV4P", "the folder OPENMV4P holds the files of another board, OpenMV Cam H7 Plus");
    refused("openmv-4p", "OpenMV Cam H7 Plus");
    refused("My Cameras/OPENMV_N6", "OpenMV Cam N6");
    for (playbook, folder) in [("h7", "OPENMV4"), ("h7", "images"), ("h7-plus", "OPENMV4P")] {
        simulate(&house, playbook, &["--files", folder, "--dry-run"]).exits(0);
    }
    // A person who names the file has chosen it.
    let set = "bootloader=OPENMV4P/bootloader.bin";
    simulate(&house, "h7", &["--set", set, "--dry-run"]).exits(0);
    simulate(&house, "h7", &["--files", "OPENMV4P", "--set", set, "--dry-run"]).exits(0);
    // Something else of that folder would be taken unseen.
    house.write("OPENMV4P/firmware.bin", fitting("h7", "firmware.bin", 20_000));
    simulate(&house, "h7", &["--files", "OPENMV4P", "--set", set, "--dry-run"]).exits(2).says("--set firmware=");
}

#[test]
fn the_current_folder_and_links_have_names_too() {
    let house = House::new();
    house.write(&format!("OPENMV3/{IMAGE}"), fitting("h7", IMAGE, 20_000));
    let mut command = house.command(&["run", "h7", "--dry-run"]);
    let output = command.current_dir(house.path("work/OPENMV3")).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("the folder OPENMV3 holds the files of another board, OpenMV Cam M7"), "{text}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("OPENMV3", house.path("work/images")).unwrap();
        simulate(&house, "h7", &["--files", "images"]).exits(2).says("OpenMV Cam M7");
    }
}

/// Says nothing of its folder, so that any will do; and its own alias makes a copy of a shipped playbook a board's own.
#[test]
fn playbooks_of_others_take_the_folder_that_they_are_given() {
    let house = House::new();
    let playbook = |aliases: &str| {
        format!(
            "format: 1\nboard: Mine\n{aliases}inputs: {{image: {{file: bootloader.bin}}}}\nsteps:\n  - refuse: No more.\n"
        )
    };
    house.write(&format!("OPENMV4/{IMAGE}"), [7; 100]);
    for (aliases, code) in [("", 0), ("aliases: [openmv 4]\n", 0), ("aliases: Mine\n", 2)] {
        house.write("mine.yaml", playbook(aliases));
        house.run(&["run", "mine.yaml", "--files", "OPENMV4", "--dry-run"]).exits(code);
    }
}
