//! The whole recovery with the shipped playbook.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::imxrt_simulation::{PORT, State, Wire};
use crate::requirements::{self, NAMELESS, NEWEST, OLDER};
use crate::support::{Ran, kills, processes_with, wait_for};
use crate::workplace::Workplace;

pub(crate) const CONSENT: [&str; 2] = ["--allow-irreversible", "boot-fuse"];
/// For a board that is there before anybody moves.
pub(crate) const CHOSEN: [&str; 2] = ["--port", PORT];

/// What the board is told that changes it, as NXP and OpenMV document it, however many processes say it.
pub(crate) const CHANGES: [&str; 13] = [
    "write-file 0x20001c00 7001",
    "jump-address 0x20001c00",
    "fill-memory 0x2000 4 0xc0000008",
    "configure-memory 9 0x2000",
    "flash-erase-region 0x60000000 0x1000",
    "fill-memory 0x2000 4 0xf000000f",
    "configure-memory 9 0x2000",
    "flash-erase-region 0x60001000 0x2000",
    "write-memory 0x60001000 5000",
    "flash-erase-region 0x60040000 0x4000",
    "write-memory 0x60040000 12345",
    BURN,
    "reset",
];
pub(crate) const BURN: &str = "efuse-program-once 0x06 0x00000010";

/// The command lines: each is a process of its own.
pub(crate) const CALLS: [&str; 32] = [
    "sdphost -u 0x1FC9,0x0135 -- write-file 0x20001C00 sdphost_flash_loader.bin",
    "sdphost -u 0x1FC9,0x0135 -- jump-address 0x20001C00",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- efuse-read-once 0x06",
    "blhost -u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xC0000008 word",
    "blhost -u 0x15A2,0x0073 -- configure-memory 9 0x2000",
    "blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60000000 0x1000",
    "blhost -u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xF000000F word",
    "blhost -u 0x15A2,0x0073 -- configure-memory 9 0x2000",
    "blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60001000 0x2000",
    "blhost -u 0x15A2,0x0073 -- write-memory 0x60001000 blhost_flash_loader.bin",
    "blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60040000 0x4000",
    "blhost -u 0x15A2,0x0073 -- write-memory 0x60040000 firmware.bin",
    "blhost -u 0x15A2,0x0073 -- read-memory 0x60000000 0x200 fcb_read.bin",
    "blhost -u 0x15A2,0x0073 -- read-memory 0x60001000 0x1388 sbl_read.bin",
    "blhost -u 0x15A2,0x0073 -- read-memory 0x60040000 0x3039 firmware_read.bin",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- efuse-read-once 0x06",
    "blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- efuse-read-once 0x06",
    "blhost -u 0x15A2,0x0073 -- reset",
];

/// All files lie in flash as they were given, behind the block that describes the flash, and the board runs from it.
#[track_caller]
pub(crate) fn assert_recovered(place: &Workplace, ran: &Ran) -> State {
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let state = place.boards.state();
    let regions = state.regions();
    assert_eq!((regions.len(), regions[0].0.as_str()), (3, "0x60000000"), "{regions:?}");
    assert_eq!(place.boards.flash(PORT, 0x6000_0000, 4), b"FCFB");
    assert_eq!(regions[1..], place.images);
    assert_eq!((state.boot_fuse(), state.mode()), (0x10, "running"));
    assert_eq!(state.faults_left(), 0);
    state
}

/// Between the last change and the burn all of it was read back, and the fuse was read before and after.
#[track_caller]
fn assert_proven_before_burn(commands: &[String]) {
    let burn = commands.iter().position(|command| command == BURN).unwrap();
    let last_write = commands[..burn].iter().rposition(|command| command.starts_with("write-memory")).unwrap();
    let read = commands[last_write..burn].iter().filter_map(|command| command.strip_prefix("read-memory 0x600"));
    let bytes: usize = read.map(|rest| rest.split_once(' ').unwrap().1.parse::<usize>().unwrap()).sum();
    assert_eq!(bytes, 0x200 + 5_000 + 12_345, "{commands:?}");
    assert!(commands[last_write..burn].iter().any(|command| command == "efuse-read-once 0x06"), "{commands:?}");
    assert!(commands[burn..].iter().any(|command| command == "efuse-read-once 0x06"), "{commands:?}");
}

fn brings_a_new_board_back(version: &str) {
    let place = Workplace::new(version, &json!({}));
    // The person plugs in when told to.
    let plug = || place.boards.plug(PORT, Wire::Fitted);
    let ran = place.recover_with("rt1062.yaml", &CONSENT, &[("YOU", &plug)]);
    let state = assert_recovered(&place, &ran);
    assert_eq!(state.changes(), CHANGES);
    assert_eq!(state.burns(), [(6, 0x10)]);
    assert_proven_before_burn(&state.commands());
    assert_eq!(state.calls(), CALLS);
    ran.says(&format!("blhost {version} (SPSDK)")).says("1fc9:0135 i.MX RT ROM is there").never_says("warning");
}

#[test]
fn brings_a_new_board_back_with_the_newest_version() {
    if requirements::met("brings_a_new_board_back_with_the_newest_version") {
        brings_a_new_board_back(NEWEST);
    }
}

#[test]
fn brings_a_new_board_back_with_an_older_version() {
    if requirements::met("brings_a_new_board_back_with_an_older_version") {
        brings_a_new_board_back(OLDER);
    }
}

#[test]
fn brings_a_new_board_back_with_a_version_that_names_no_errors() {
    if requirements::met("brings_a_new_board_back_with_a_version_that_names_no_errors") {
        brings_a_new_board_back(NAMELESS);
    }
}

/// The ROM is there again 0.2 s after the reset, while the person has only begun to read what is to be done.
#[test]
fn nobody_is_reproached_for_a_rom_that_comes_back_after_the_reset() {
    if !requirements::met("nobody_is_reproached_for_a_rom_that_comes_back_after_the_reset") {
        return;
    }
    let place = Workplace::new(NEWEST, &json!({"boot_fuse_word": 0x10, "replugs": []}));
    place.boards.plug(PORT, Wire::Fitted);
    let remove = || {
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(place.boards.state().mode(), "rom");
        place.boards.unplug(PORT);
        std::thread::sleep(Duration::from_secs(1));
        place.boards.plug(PORT, Wire::Removed);
    };
    let ran = place.recover_with("rt1062.yaml", &CHOSEN, &[("Remove the wire", &remove)]);
    assert_recovered(&place, &ran);
    ran.never_says("The wire is still connected").never_says("warning");
}

/// A loose cable in the middle of the SBL; and the fuse is burnt since the factory, as on most boards.
#[test]
fn a_board_lost_in_the_data_begins_again_and_keeps_its_fuse() {
    if !requirements::met("a_board_lost_in_the_data_begins_again_and_keeps_its_fuse") {
        return;
    }
    let place = Workplace::new(
        NEWEST,
        &json!({
            "boot_fuse_word": 0x10,
            "faults": [{"command": "write-memory", "kind": "vanish-in-data", "bytes": 3000}],
            "replugs": [{"after": "lost", "wire": true}, {"after": "reset", "wire": false}],
        }),
    );
    place.boards.plug(PORT, Wire::Fitted);
    let ran = place.recover("rt1062.yaml", &CHOSEN);
    let state = assert_recovered(&place, &ran);
    let again: Vec<&str> = [&CHANGES[..9], &CHANGES[..11], &CHANGES[12..]].concat();
    assert_eq!(state.changes(), again);
    assert_eq!(state.burns(), []);
    ran.says("The board left in the middle of the command (device-lost")
        .says("(time 1 of at most 3).")
        .says("skipped: it was done before: a reading shows it");
}

/// The board reports a success and has stored nothing, the second time as well.
#[test]
fn flash_that_is_not_proven_keeps_the_fuse_as_it_is() {
    if !requirements::met("flash_that_is_not_proven_keeps_the_fuse_as_it_is") {
        return;
    }
    let lost = |time| json!({"command": "write-memory", "time": time, "kind": "lost-data"});
    let place = Workplace::new(OLDER, &json!({"faults": [lost(2), lost(3)]}));
    place.boards.plug(PORT, Wire::Fitted);
    let ran = place.recover("rt1062.yaml", &[CONSENT, CHOSEN].concat()).exits(1);
    let state = place.boards.state();
    assert_eq!((state.burns(), state.boot_fuse(), state.mode()), (vec![], 0, "flashloader"));
    assert_eq!(state.changes(), [&CHANGES[..11], &CHANGES[9..11]].concat());
    ran.says("The firmware in flash differs from the file")
        .says("the fuse was not touched")
        .says("Running recover again is safe");
}

/// The host loses its power together with the board, in the middle of the firmware. The next run goes on from there.
#[test]
fn a_run_that_was_cut_off_is_gone_on_with() {
    if !requirements::met("a_run_that_was_cut_off_is_gone_on_with") {
        return;
    }
    let cut = json!({"command": "write-memory", "time": 2, "kind": "vanish-in-data", "bytes": 9_000});
    let place = Workplace::new(NEWEST, &json!({"faults": [cut]}));
    place.boards.plug(PORT, Wire::Fitted);
    let args = ["--playbook", "rt1062.yaml", "--files", "images", "--non-interactive"];
    let mut child = place.house.command(&[&args[..], &CONSENT, &CHOSEN].concat());
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("Going back")), "the board was not lost");
    child.kill().unwrap();
    child.wait().unwrap();
    let before = place.boards.state().changes().len();

    place.boards.plug(PORT, Wire::Fitted);
    let ran = place.recover("rt1062.yaml", &[&CONSENT[..], &CHOSEN, &["--resume"]].concat());
    let state = assert_recovered(&place, &ran);
    assert_eq!(state.burns(), [(6, 0x10)]);
    // The SBL is proven, of the firmware the sector in which it was cut off is erased again, and what is behind it was erased.
    let of_flash = |command: &String| command.contains(" 0x6000") || command.contains(" 0x6004");
    let changes: Vec<String> = state.changes()[before..].iter().filter(|command| of_flash(command)).cloned().collect();
    assert_eq!(
        changes,
        [
            "flash-erase-region 0x60000000 0x1000",
            "flash-erase-region 0x60042000 0x1000",
            "write-memory 0x60042000 4096",
            "write-memory 0x60043000 57",
        ]
    );
    ran.says("Left as it was, because a reading showed that it is right: blhost_flash_loader.bin at 0x60001000");
}

#[test]
fn a_run_killed_at_any_line_is_recovered_by_the_next_one() {
    if !requirements::met("a_run_killed_at_any_line_is_recovered_by_the_next_one") {
        return;
    }
    let args = ["--playbook", "rt1062.yaml", "--files", "images", "--non-interactive", "--message-format", "json"];
    let args = [&args[..], &CONSENT, &CHOSEN].concat();
    let mut lines = 0;
    for (kill, share) in std::iter::once(None).chain(kills::shares().map(Some)).enumerate() {
        let place = Workplace::new(NEWEST, &json!({}));
        place.boards.plug(PORT, Wire::Fitted);
        let mut child = place.house.command(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(share) = share else {
            let told: Vec<String> = told.map(Result::unwrap).collect();
            // Behind its last call, which is the reset, the person has taken the wire away.
            lines = told.iter().rposition(|line| line.contains("\"tool_started\"")).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(0));
            continue;
        };
        let last = told.take((share * lines as f64) as usize).last().map_or_else(String::new, Result::unwrap);
        child.kill().unwrap();
        child.wait().unwrap();
        let what = format!("kill {kill} after {last}");
        wait_for(&format!("{what}: an end of all that talks to the board"), || {
            talking(&place).is_empty().then_some(())
        });

        place.boards.plug(PORT, Wire::Fitted);
        let how = if kill % 2 == 0 { "--resume" } else { "--from-scratch" };
        let ran = place.recover("rt1062.yaml", &[&CONSENT[..], &CHOSEN, &[how]].concat());
        assert_eq!(ran.code, Some(0), "{what}, then {how}:\n{}", ran.text());
        assert_eq!(assert_recovered(&place, &ran).burns(), [(6, 0x10)], "{what}, then {how}");
    }
}

/// The processes that were started to talk to this board.
fn talking(place: &Workplace) -> Vec<String> {
    let variables = place.boards.variables();
    let (name, socket) = variables.iter().find(|(name, _)| *name == "RECOVER_IMXRT_SOCKET").unwrap();
    processes_with(name, socket)
}
