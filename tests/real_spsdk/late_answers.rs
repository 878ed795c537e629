//! Answers that come after the tool has given up: SPSDK takes them for the answers of the commands that follow.

use serde_json::{Value, json};

use crate::imxrt_simulation::{PORT, Wire};
use crate::recovery::{BURN, CHOSEN, CONSENT};
use crate::requirements::{self, NEWEST, OLDER};
use crate::support::Ran;
use crate::workplace::{Workplace, playbook_with, without};

/// The shipped playbook without its writing of flash, and with a burn that waits for a second only.
fn fuse_only() -> String {
    let text = playbook_with(&[(r#"["--", "efuse-program-once""#, r#"["-t", "1000", "--", "efuse-program-once""#)]);
    let text = without(&text, "      - id: flash-configuration-block\n", "      - id: boot-fuse\n");
    // A procedure that nobody calls is an error.
    let text = without(&text, "  erase:\n", "  read-fuse:\n");
    without(&text, "  - id: start-camera\n", "the end of the file")
}

/// Burns with an answer that comes seconds too late, and waits for the next process.
fn burn_late(version: &str, fault: &Value) -> (Workplace, Ran) {
    let place = Workplace::new(version, &json!({"faults": [fault]}));
    place.house.write("fuse.yaml", fuse_only());
    place.boards.plug(PORT, Wire::Fitted);
    // Only a fresh start cures it; the person makes it when asked.
    let replug = || {
        place.boards.unplug(PORT);
        place.boards.plug(PORT, Wire::Fitted);
    };
    let ran = place.recover_with("fuse.yaml", &[CONSENT, CHOSEN].concat(), &[("Going back to: ", &replug)]);
    (place, ran)
}

#[test]
fn a_burn_is_not_judged_by_answers_out_of_step() {
    if !requirements::met("a_burn_is_not_judged_by_answers_out_of_step") {
        return;
    }
    let (place, ran) = burn_late(NEWEST, &json!({"command": "efuse-program-once", "kind": "late", "seconds": 4}));
    let state = place.boards.state();
    assert_eq!((state.burns(), state.boot_fuse(), state.faults_left()), (vec![(6, 0x10)], 0x10, 0));
    // Until the fresh start the fuse is not even asked for: whatever is read then belongs to another command.
    let commands = state.commands();
    let burn = commands.iter().position(|command| command == BURN).unwrap();
    let fresh = burn + commands[burn..].iter().position(|command| command.starts_with("write-file")).unwrap();
    assert!(commands[burn + 1..fresh].iter().all(|command| command.starts_with("get-property")), "{commands:?}");
    ran.exits(0)
        .says("The board's answer belonged to an earlier command")
        .says("The board answers one command late, so no answer can be trusted")
        .says("(time 1 of at most 3).")
        .says("skipped: it was done earlier in this run: a reading shows it");
}

/// The late answer reports a success that is none.
#[test]
fn a_fuse_that_stays_clear_is_no_success_whatever_comes_late() {
    if !requirements::met("a_fuse_that_stays_clear_is_no_success_whatever_comes_late") {
        return;
    }
    let fault = json!({"command": "efuse-program-once", "kind": "late", "seconds": 4, "effect": false});
    let (place, ran) = burn_late(OLDER, &fault);
    let state = place.boards.state();
    assert_eq!(state.commands().iter().filter(|command| *command == BURN).count(), 1);
    assert_eq!((state.burns(), state.boot_fuse(), state.mode()), (vec![], 0, "flashloader"));
    ran.exits(1)
        .says("The board answers one command late, so no answer can be trusted")
        .says("this was carried out once in this run and a reading shows no effect; it is not repeated");
}

/// An erase with little patience, and the check of the shipped playbook before it is tried again.
const ERASE_AGAIN: &str = r#"
format: 1
board: One command
devices:
  flashloader: {hid: "15a2:0073", label: flashloader, identifies: yes}
steps:
  - id: erase
    retry:
      attempts: 2
      on: [no-answer]
      prepare:
        - run: blhost
          device: flashloader
          args: ["-u", "0x15A2,0x0073", "--", "get-property", "1"]
          expect: 'Response word 1 = \d+ \(0x4b[0-9a-f]{6}\)'
          class: no-answer
          timeout: 60s
        - run: blhost
          device: flashloader
          args: ["-u", "0x15A2,0x0073", "--", "get-property", "11"]
          expect: 'Response word 1 = \d{1,5} '
          class: no-answer
          timeout: 60s
    run: blhost
    device: flashloader
    args: ["-u", "0x15A2,0x0073", "-t", "1000", "--", "flash-erase-region", "0x60040000", "0x4000"]
    timeout: 60s
"#;

fn erase_late(version: &str, keep_answers: bool) -> (Workplace, Ran) {
    let late = json!({"command": "flash-erase-region", "kind": "late", "seconds": 4});
    let place = Workplace::new(version, &json!({"faults": [late], "keep_answers": keep_answers}));
    place.house.write("erase.yaml", ERASE_AGAIN);
    place.boards.plug_running(PORT, "flashloader");
    let ran = place.recover("erase.yaml", &[]);
    (place, ran)
}

#[test]
fn a_link_in_step_is_used_again() {
    if !requirements::met("a_link_in_step_is_used_again") {
        return;
    }
    let (place, ran) = erase_late(NEWEST, false);
    let erase = "flash-erase-region 0x60040000 0x4000";
    let expected = [erase, "get-property 1", "get-property 11", erase];
    assert_eq!(place.boards.state().commands(), expected);
    ran.exits(0).says("whether it did what it was told is unknown (no-answer, code 10004 = 0x2714)");
}

#[test]
fn a_link_out_of_step_is_not_used_again() {
    if !requirements::met("a_link_out_of_step_is_not_used_again") {
        return;
    }
    let (place, ran) = erase_late(OLDER, true);
    assert_eq!(place.boards.state().commands(), ["flash-erase-region 0x60040000 0x4000", "get-property 1"]);
    ran.exits(1).says("The board's answer belonged to an earlier command");
}
