//! From "my camera is dead" to the first right move: which board it is, what it is called, and what stands in the way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{House, Ran};

/// A playbook of the person's own, for a board that recover does not know.
const OWN: &str = "format: 1\nboard: Bench Lamp\naliases: [LAMP_ONE]\ndevices:\n  lamp: {usb: \"1209:0001\", label: lamp}\nsteps:\n  \
                   - {id: connect, prompt: Connect the lamp., until: {present: lamp}, timeout: 1s}\n";

#[test]
fn plain_recover_without_a_person_names_what_to_write() {
    let house = House::new();
    house.write("lamp.yaml", OWN);
    let ran = house.run(&[]).exits(2).says("What is attached").says("recover rt1062").says("OpenMV Cam RT1062");
    ran.says("./lamp.yaml").says("Bench Lamp").says("nothing was started");
}

#[test]
fn a_board_is_found_by_any_of_its_names() {
    let house = House::new();
    for name in ["h7", "H7", "OpenMV Cam H7", "openmv-cam-h7", "OPENMV4", "openmv4", "h7.yaml"] {
        house.run(&[name, "--simulate"]).exits(0).says("recover · OpenMV Cam H7 Rewrites");
    }
    house.run(&["openmv4p", "--simulate"]).exits(0).says("recover · OpenMV Cam H7 Plus");
}

#[test]
fn a_board_of_ones_own_is_found_by_its_name() {
    let house = House::new();
    house.write("lamp.yaml", OWN);
    for name in ["lamp", "bench lamp", "lamp_one"] {
        house.run(&[name, "--dry-run"]).exits(0).says("Connect the lamp.");
    }
}

#[test]
fn what_is_almost_a_name_is_seen_through() {
    let house = House::new();
    house.run(&["rt106"]).exits(2).says("Did you mean `rt1062` (OpenMV Cam RT1062)");
    house.run(&["h7pluss"]).exits(2).says("`h7-plus` (OpenMV Cam H7 Plus)");
    house.run(&["h8"]).exits(2).says("Did you mean `h7` (OpenMV Cam H7)?");
    house.run(&["m8"]).exits(2).says("`m4` (OpenMV Cam M4)").says("`m7` (OpenMV Cam M7)");
    house.run(&["chekc"]).exits(2).says("Did you mean the command `check`?");
    house.run(&["quite another thing"]).exits(2).says("recover list");
}

#[test]
fn help_is_a_command() {
    let house = House::new();
    house.run(&["help"]).exits(0).says("To rescue a camera");
    house.run(&["help", "doctor"]).exits(0).says("stands in the way");
}

#[test]
fn the_procedure_is_readable_without_files_and_tools() {
    let house = House::new();
    let ran = house.run(&["show", "RT1062"]).exits(0);
    let ran = ran.says("Bringing back the OpenMV Cam RT1062").says("What can never be undone");
    let ran = ran
        .says("YOU Disconnect the camera.")
        .says("size of blhost_flash_loader.bin rounded up to a multiple of 0x1000");
    ran.never_says("sha256(").never_says("given(").never_says("${");
    let ran = house.run(&["show", "n6", "--format", "markdown"]).exits(0).says("# Bringing back the OpenMV Cam N6");
    ran.says("- **You:**").never_says("not present(");
    house.run(&["show", "nothing-like-it"]).exits(2).says("there is no playbook");
}

#[test]
fn a_plan_needs_no_files() {
    let house = House::new();
    let ran =
        house.run(&["rt1062", "--dry-run"]).exits(0).says("<size of firmware.bin rounded up to a multiple of 0x1000>");
    ran.says(
        "Not there yet, so that a run would not start, and its size is not known: sdphost_flash_loader.bin, blhost",
    );
    // What is there is looked at as in a run.
    house.write("firmware.bin", "<!DOCTYPE html><html></html>");
    house.run(&["rt1062", "--dry-run"]).exits(2).says("firmware.bin");
}

#[test]
#[cfg(target_os = "linux")]
fn files_are_taken_from_where_the_ide_keeps_them() {
    let house = House::new();
    let ran = house.run(&["h7", "--dry-run"]).exits(0);
    ran.says("Not there yet").never_says("The files are taken from");
    let image = crate::support::fitting("h7", "bootloader.bin", 8192);
    house.write("../home/openmvide-5/share/qtcreator/firmware/OPENMV4/bootloader.bin", &image);
    let ran = house.run(&["h7", "--dry-run"]).exits(0);
    ran.says("The files are taken from").says("from OpenMV IDE, written today").never_says("Not there yet");
    // Another board's folder is not taken, and how one comes by the files is said.
    house.run(&["m7"]).exits(2).says("OpenMV IDE brings them");
}

#[test]
fn a_run_names_files_and_tools_in_one_list() {
    let house = House::new();
    let ran = house.run(&["rt1062", "--non-interactive"]).exits(2);
    let ran = ran.says("3 files and 2 tools cannot be used").says("firmware.bin").says("sdphost").says("blhost");
    ran.says("pipx install");
}

#[test]
fn everything_that_stands_in_the_way_is_told_at_once() {
    let house = House::new();
    let ran = house.run(&["doctor", "rt1062"]);
    assert_eq!(ran.code, Some(4), "{}", ran.text());
    let ran = ran.says("sdphost").says("blhost").says("it is not found on this computer").says("firmware.bin");
    ran.says("things stand in the way");
    let ran = house.run(&["doctor", "rt1062", "--message-format", "json"]);
    let told = ran.events();
    let bad: Vec<&str> =
        told.iter().filter(|told| told["level"] == "bad").map(|told| told["name"].as_str().unwrap()).collect();
    for name in ["sdphost", "blhost", "sdphost_flash_loader.bin", "blhost_flash_loader.bin", "firmware.bin"] {
        assert!(bad.contains(&name), "{name} {bad:?}");
    }
    assert!(
        told.iter()
            .all(|told| told["level"] != "bad" || told["remedies"].as_array().is_some_and(|all| !all.is_empty()))
    );
}

#[test]
fn who_has_no_board_in_mind_misses_no_tool() {
    let house = House::new();
    let ran = house.run(&["doctor", "--message-format", "json"]);
    let told = ran.events();
    let tool = told.iter().find(|told| told["name"] == "blhost").unwrap();
    assert_eq!(tool["level"], "note");
    assert!(tool["what"].as_str().unwrap().contains("needed for OpenMV Cam RT1062"), "{tool}");
}

#[cfg(target_os = "linux")]
#[test]
fn rules_are_shown_and_never_written_without_a_person() {
    let house = House::new();
    // A playbook that merely lies here permits nothing; one that is named does.
    house.write("lamp.yaml", OWN);
    for program in ["sudo", "install", "udevadm"] {
        let trace = house.path("trace");
        house.script(&format!("../no-programs/{program}"), &format!("echo \"$0 $*\" >> '{}'\n", trace.display()));
    }
    let ran = house.run(&["doctor", "--fix"]).exits(2).says("TAG+=\"uaccess\"").says("nobody can be asked here");
    let ran = ran.says("0483").never_says("0666").never_says("1209");
    let rules = house.run(&["doctor", "--rules"]).exits(0).stdout;
    let is_rule = |line: &str| line.starts_with('#') || line.starts_with("SUBSYSTEM==");
    assert!(ran.stdout.contains(&rules) && rules.contains("0483") && rules.lines().all(is_rule), "{rules}");
    house.run(&["doctor", "lamp", "--fix"]).exits(2).says("\"1209\"").says("0483");
    assert!(!house.path("trace").exists(), "something was started");
}

#[test]
fn shells_and_readers_of_manuals_are_served() {
    let house = House::new();
    for shell in ["bash", "zsh", "fish"] {
        house.run(&["completions", shell]).exits(0).says("doctor").says("rt1062").says("boot-fuse");
    }
    house.run(&["completions", "powershell"]).exits(0).says("doctor");
    house.run(&["man"]).exits(0).says(".TH").says("doctor");
}

#[test]
fn the_doctor_refuses_what_a_run_would_refuse() {
    let house = House::new();
    house.run(&["doctor", "rt1062", "--tool", "blhots=/x"]).exits(2).says("which is not in the catalog of tools");
    house.write("typo.yaml", OWN.replace("steps:\n", "steps:\n  - {id: run-it, run: dfu-utli, args: []}\n"));
    house.run(&["doctor", "typo.yaml"]).exits(3).says("dfu-utli");
    // What a run only warns of is no reason.
    house.write("lamp.yaml", OWN);
    house.run(&["doctor", "lamp.yaml", "--message-format", "json"]).says("\"finding\"");
}

#[test]
fn a_file_of_the_current_folder_is_not_taken_for_a_shipped_board() {
    let house = House::new();
    house.write("h7.yaml", OWN.replace("Bench Lamp", "Another Board"));
    let ran = house.run(&[]).exits(2).says("recover h7 OpenMV Cam H7 ");
    ran.says("recover ./h7.yaml Another Board");
}

/// Whoever reads no more, such as `head`, ends it.
#[cfg(unix)]
#[test]
fn watching_ends_with_its_reader() {
    let house = House::new();
    let mut command = house.command(&["devices", "--watch"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if std::time::Instant::now() > limit {
            child.kill().unwrap();
            panic!("it goes on");
        }
        std::thread::yield_now();
    }
}

/// Whoever has never heard of them reads what they are in the first lines.
#[test]
fn an_introduction_says_what_a_rom_and_a_bootloader_are() {
    const ROM: &str = "ROM, a program built into the chip";
    const BOOTLOADER: &str = "the bootloader, the small program that starts the camera";
    let house = House::new();
    for (board, explained) in [
        ("rt1062", vec![ROM]),
        ("m4", vec![ROM, BOOTLOADER]),
        ("m7", vec![ROM, BOOTLOADER]),
        ("h7", vec![ROM, BOOTLOADER]),
        ("h7-plus", vec![ROM, BOOTLOADER]),
        ("pure-thermal", vec![ROM, BOOTLOADER]),
        ("n6", vec![ROM, BOOTLOADER]),
        ("ae3", vec![BOOTLOADER]),
    ] {
        let shown = house.run(&["show", board]).exits(0);
        explained.into_iter().fold(shown, Ran::says);
    }
}

#[test]
fn a_new_board_passes_at_once() {
    for family in ["stm32-dfu", "imxrt-sdp", "plain-dfu", "tool"] {
        let house = House::new();
        let made = house.run(&["new", "Bench Lamp 2", "--family", family]).exits(0);
        made.says("made ./bench-lamp-2.yaml").says("recover test ./bench-lamp-2.test.yaml");
        house.run(&["check", "bench-lamp-2.yaml", "bench-lamp-2.test.yaml"]).exits(0).says("nothing wrong");
        house.run(&["test", "bench-lamp-2.test.yaml"]).exits(0).says("0 failed").never_says("warning");
        let shown = house.run(&["show", "./bench-lamp-2.yaml"]).exits(0);
        shown.says("Bringing back the Bench Lamp 2").never_says("My Board");
        if family != "tool" {
            house.run(&["./bench-lamp-2.yaml", "--simulate"]).exits(0).says("the virtual Bench Lamp 2 was recovered");
        }
        // Nothing is written over, and then nothing is left half made.
        std::fs::remove_file(house.path("work/bench-lamp-2.yaml")).unwrap();
        house
            .run(&["new", "Bench Lamp 2", "--family", family])
            .exits(2)
            .says("bench-lamp-2.test.yaml is there already");
        assert!(!house.path("work/bench-lamp-2.yaml").exists());
    }
    let house = House::new();
    house.run(&["new", "../x: y"]).exits(2).says("has signs");
    house.run(&["new", "Lamp", "--dir", "boards/lamp"]).exits(0).says("made boards/lamp/lamp.yaml");
}
