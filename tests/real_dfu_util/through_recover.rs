//! `recover` with the real dfu-util: both see the simulated bus, and this test is the person at the bench.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::bench::{Bench, EVENT_LIMIT, expect_recovered, expect_words, start_camera, start_camera_after};
use crate::directly::rom;
use crate::finished::{run, start};
use crate::kills;
use crate::requirements;
use crate::usb_simulation::Permission;
use crate::usb_simulation::device::{Device, FLASH_H7, Fault, FlashShape};

#[test]
fn brings_a_camera_back() {
    if !requirements::met("brings_a_camera_back") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom());
    bench.bus.attach(&rom, "99-1");
    let recover = start(&mut bench.recover("h7.yaml"));
    start_camera(&bench, &rom);
    expect_recovered(recover, &rom);
    assert_eq!(rom.counts().erased_pages, 1);
}

#[test]
fn a_run_killed_at_any_line_is_recovered_by_the_next_one() {
    if !requirements::met("a_run_killed_at_any_line_is_recovered_by_the_next_one") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom());
    bench.bus.attach(&rom, "99-1");
    let recover = start(&mut bench.recover_in_json("h7.yaml"));
    start_camera(&bench, &rom);
    let lines = expect_recovered(recover, &rom).out;
    // Behind its last call a run only waits for the camera.
    let lines = lines.lines().collect::<Vec<_>>().iter().rposition(|line| line.contains("\"tool_ended\"")).unwrap();
    for (kill, share) in kills::shares().enumerate() {
        // A simulated bus has addresses for some 160 devices.
        let (bench, rom) = (Bench::new(), self::rom());
        bench.bus.attach(&rom, "99-1");
        let mut child = bench
            .recover_in_json("h7.yaml")
            .arg("--from-scratch")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        let last = told.take((share * lines as f64) as usize).last().map_or_else(String::new, Result::unwrap);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(rom.wait_until(EVENT_LIMIT, |counts| counts.connections == 0), "a tool is left, kill {kill}: {last}");

        bench.bus.detach("99-1");
        bench.bus.attach(&rom, "99-1");
        let readings = rom.counts().uploads_finished;
        let recover = start(bench.recover("h7.yaml").arg("--from-scratch"));
        if !rom.wait_until(EVENT_LIMIT, |counts| counts.uploads_finished > readings) {
            panic!("nothing is read back after kill {kill}: {last}\n{}", bench.newest_log());
        }
        start_camera_after(&bench, &rom, readings + 1);
        expect_recovered(recover, &rom);
    }
}

#[test]
fn waits_until_the_person_has_brought_the_chip_into_its_rom() {
    if !requirements::met("waits_until_the_person_has_brought_the_chip_into_its_rom") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom());
    let recover = start(&mut bench.recover_any("h7.yaml"));
    bench.connect_when_asked(&rom);
    start_camera(&bench, &rom);
    expect_recovered(recover, &rom);
}

#[test]
fn a_chip_that_was_there_before_anybody_moved_is_left_alone() {
    if !requirements::met("a_chip_that_was_there_before_anybody_moved_is_left_alone") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom());
    bench.bus.attach(&rom, "99-1");
    let finished = run(&mut bench.recover_any("h7.yaml")).expect_code(5);
    expect_words(&finished, &["@Internal Flash /0x08000000/16*128Kg", "--port 99-1"]);
    assert_eq!((rom.counts().erased_pages, rom.counts().written_blocks), (0, 0));
}

/// What the host's system knows of it without a tool is compared with the playbook.
#[test]
fn a_chip_of_another_kind_is_left_alone_even_when_it_was_chosen() {
    if !requirements::met("a_chip_of_another_kind_is_left_alone_even_when_it_was_chosen") {
        return;
    }
    let shape = FlashShape { pages: 8, ..FLASH_H7 };
    let (bench, other) = (Bench::new(), Device::st_rom("356A38733432", shape, 1024));
    bench.bus.attach(&other, "99-1");
    let finished = run(&mut bench.recover("h7.yaml")).expect_code(5);
    expect_words(&finished, &["08*128Kg", "instead of", "16*128Kg"]);
    assert_eq!((other.counts().erased_pages, other.counts().written_blocks), (0, 0));
}

/// The tool looks before the chip can tell what it is, and takes the missing text for a wrong address.
#[test]
fn a_chip_that_still_enumerates_is_asked_again() {
    if !requirements::met("a_chip_that_still_enumerates_is_asked_again") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom().with_fault(Fault::StringsLate(2)));
    bench.bus.attach(&rom, "99-1");
    let recover = start(&mut bench.recover_in_json("h7.yaml"));
    start_camera(&bench, &rom);
    let finished = expect_recovered(recover, &rom);
    expect_words(&finished, &["Failed to retrieve", r#""class":"no-answer""#, "only just been plugged in"]);
    assert_eq!(rom.counts().erased_pages, 1);
}

#[test]
fn no_device_ends_with_5() {
    if !requirements::met("no_device_ends_with_5") {
        return;
    }
    let bench = Bench::new();
    let finished = run(&mut bench.recover_any("quick.yaml")).expect_code(5);
    expect_words(&finished, &["0483:df11"]);
}

#[test]
fn a_missing_permission_ends_with_5_and_its_name() {
    if !requirements::met("a_missing_permission_ends_with_5_and_its_name") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom());
    bench.bus.attach_with(&rom, "99-1", Permission::Denied);
    // The other user may have no way to the build folder. `cp` makes the copy, because a file that this process has
    // open for writing cannot be started while another test starts something.
    let program = bench.folder.path().join("recover-copied");
    let copied = run(Command::new("cp").arg(env!("CARGO_BIN_EXE_recover")).arg(&program));
    copied.expect_code(0);
    let mut command = bench.command(program, "quick.yaml");
    bench.bus.as_another_user(&mut command);
    let finished = run(&mut command).expect_code(5);
    expect_words(&finished, &["permission"]);
    assert_eq!(rom.counts().erased_pages, 0);
}

#[test]
fn two_boards_end_with_5_and_both_ports() {
    if !requirements::met("two_boards_end_with_5_and_both_ports") {
        return;
    }
    let (bench, first) = (Bench::new(), rom());
    let second = Device::st_rom("3058346F3132", FLASH_H7, 1024);
    bench.bus.attach(&first, "99-1");
    bench.bus.attach(&second, "99-2");
    let finished = run(&mut bench.recover_any("quick.yaml")).expect_code(5);
    expect_words(&finished, &["99-1", "99-2"]);
    assert_eq!((first.counts().erased_pages, second.counts().erased_pages), (0, 0));
}

#[test]
fn a_board_that_vanishes_for_good_is_not_recovered() {
    if !requirements::met("a_board_that_vanishes_for_good_is_not_recovered") {
        return;
    }
    let bench = Bench::new();
    let rom = rom().with_fault(Fault::VanishAtBlock(60));
    bench.bus.attach(&rom, "99-1");
    let finished = run(&mut bench.recover("quick.yaml"));
    assert!(matches!(finished.code, Some(1 | 5)), "{finished:?}");
    assert_eq!(rom.counts().written_blocks, 60);
}

#[test]
fn a_board_that_vanishes_and_comes_back_is_recovered() {
    if !requirements::met("a_board_that_vanishes_and_comes_back_is_recovered") {
        return;
    }
    let bench = Bench::new();
    let rom = rom().with_fault(Fault::VanishAtBlock(60));
    bench.bus.attach(&rom, "99-1");
    let recover = start(&mut bench.recover("h7.yaml"));
    assert!(bench.bus.wait_for_departure("99-1", EVENT_LIMIT));
    bench.bus.attach(&rom, "99-1");
    start_camera(&bench, &rom);
    expect_recovered(recover, &rom);
    assert_eq!(rom.counts().erased_pages, 2);
}
