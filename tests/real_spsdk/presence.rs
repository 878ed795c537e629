//! What `recover` sees on the bus by itself, and two boards, of which one is chosen.

use serde_json::json;

use crate::imxrt_simulation::{PORT, SECOND_PORT, Wire};
use crate::recovery::{CHANGES, CHOSEN, CONSENT, assert_recovered};
use crate::requirements::{self, NAMELESS, NEWEST, VERSIONS};
use crate::workplace::{Workplace, playbook_with};

/// A person who does nothing is not waited for that long.
fn impatient(board: &serde_json::Value) -> Workplace {
    let place = Workplace::new(NEWEST, board);
    place.house.write("quick.yaml", playbook_with(&[("timeout: 5m", "timeout: 3s")]));
    place
}

#[test]
fn no_board_ends_with_5() {
    if !requirements::met("no_board_ends_with_5") {
        return;
    }
    let place = impatient(&json!({}));
    place.recover("quick.yaml", &[]).exits(5).says("1fc9:0135 i.MX RT ROM is not there yet").says("Check the wire");
    assert_eq!(place.boards.state().calls(), [""; 0]);
}

#[test]
fn a_missing_permission_ends_with_5_and_its_cure() {
    if !requirements::met("a_missing_permission_ends_with_5_and_its_cure") {
        return;
    }
    let place = impatient(&json!({"hidraw_permitted": false}));
    place.boards.plug(PORT, Wire::Fitted);
    place
        .recover("quick.yaml", &[])
        .exits(5)
        .says("1fc9:0135 i.MX RT ROM is connected, but you have no permission to use it")
        .says("recover doctor --fix");
    assert_eq!(place.boards.state().calls(), [""; 0]);
}

#[test]
fn two_boards_end_with_5_before_any_command() {
    if !requirements::met("two_boards_end_with_5_before_any_command") {
        return;
    }
    let place = impatient(&json!({}));
    place.boards.plug(PORT, Wire::Fitted);
    place.boards.plug(SECOND_PORT, Wire::Fitted);
    place
        .recover("quick.yaml", &[])
        .exits(5)
        .says("2 devices show as 1fc9:0135 i.MX RT ROM: port 99-1, port 99-2")
        .says("choose one with --port 99-1");
    assert_eq!(place.boards.state().calls(), [""; 0]);
}

/// Both tools are told which board, in both of its programs; the other one has no wire, and runs on.
#[test]
fn of_two_boards_the_chosen_one_is_recovered() {
    if !requirements::met("of_two_boards_the_chosen_one_is_recovered") {
        return;
    }
    let place = Workplace::new(NEWEST, &json!({}));
    place.boards.plug_running(SECOND_PORT, "rom");
    place.boards.plug(PORT, Wire::Fitted);
    let ran = place.recover("rt1062.yaml", &[&CHOSEN[..], &CONSENT].concat()).exits(0);
    let state = assert_recovered(&place, &ran);
    assert_eq!((state.changes(), state.burns()), (CHANGES.map(str::to_owned).to_vec(), vec![(6, 0x10)]));
    assert_eq!((state.mode_at(SECOND_PORT), state.commands_at(SECOND_PORT)), ("rom", vec![]));
}

/// Whichever of the two the tool lists first. Older than 2.3 it cannot be told, and is not started.
#[test]
fn every_version_that_can_be_told_takes_the_chosen_board() {
    if !requirements::met("every_version_that_can_be_told_takes_the_chosen_board") {
        return;
    }
    for version in VERSIONS {
        for (chosen, other) in [(PORT, SECOND_PORT), (SECOND_PORT, PORT)] {
            let place = Workplace::new(version, &json!({}));
            place.house.write("one.yaml", ERASE);
            place.boards.plug_running(PORT, "flashloader");
            place.boards.plug_running(SECOND_PORT, "flashloader");
            let ran = place.recover("one.yaml", &["--port", chosen]);
            let state = place.boards.state();
            if version == NAMELESS {
                // It makes other names of the nodes.
                ran.exits(5).says("blhost cannot be told which one to take: unplug what is at");
                assert_eq!(state.calls(), [""; 0]);
                continue;
            }
            ran.exits(0);
            assert_eq!(state.commands_at(chosen), ["flash-erase-region 0x60040000 0x4000"], "{version}");
            assert_eq!(state.commands_at(other), [""; 0], "{version}");
        }
    }
}

/// `recover` looks before each call, and a second board may come just then: the tool refuses to choose.
#[test]
fn a_second_board_that_only_the_tool_sees_ends_with_5() {
    if !requirements::met("a_second_board_that_only_the_tool_sees_ends_with_5") {
        return;
    }
    for version in VERSIONS {
        let place = Workplace::new(version, &json!({}));
        place.house.write("one.yaml", ERASE);
        place.boards.plug_running(PORT, "flashloader");
        place.boards.plug_unseen(SECOND_PORT, "flashloader");
        let ran = place.recover("one.yaml", &[]).exits(5);
        ran.says("Several boards that could be meant are attached (ambiguous-device)")
            .says("Unplug every other camera");
        let state = place.boards.state();
        assert_eq!((state.commands().len(), state.calls().len()), (0, 1));
    }
}

const ERASE: &str = r#"
format: 1
board: One command
devices:
  flashloader: {hid: "15a2:0073", label: flashloader, identifies: yes}
steps:
  - run: blhost
    device: flashloader
    args: ["-u", "0x15A2,0x0073", "--", "flash-erase-region", "0x60040000", "0x4000"]
    timeout: 60s
"#;
