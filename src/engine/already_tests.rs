//! What is done already and proven so, played by shell scripts.

use serde_json::json;

use crate::engine::RegionState;
use crate::engine::test_desk::{Desk, Story, play};
use crate::engine::{Already, Earlier, Event, Outcome};
use crate::words::Id;

const CATALOG: &str = r#"
[flasher]
summary = "writes"
programs = ["flasher"]
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
faults = [{ pattern = '^no answer$', class = "no-answer", message = "The board did not answer" }]
commands = [
  { name = "set", reversible = true, with = ["set"], changes_board = true, success = ['^done'] },
  { name = "ask", reversible = true, with = ["ask"], success = ['^mode'] },
]
"#;

const STEPS: &str = "steps:
  - id: unlock
    name: Unlock
    run: flasher
    args: [set]
    proven_by:
      steps: [{id: ask, run: flasher, args: [ask], capture: {mode: {integer: 'mode (\\d+)'}}}]
      holds: mode == 3
";

fn told(answer: &str, already: Already) -> (Story, Vec<String>) {
    let desk = Desk { already, ..Desk::default() };
    let script = format!("case \"$0\" in ask) echo '{answer}';; *) echo done;; esac");
    let story = play(CATALOG, &["/bin/sh", "-c", &script], STEPS, &desk);
    let calls = desk.log.borrow().clone();
    (story, calls.into_iter().filter(|call| call == "ask" || call == "set").collect())
}

fn unlocked_before() -> Already {
    let id = |text: &str| text.parse::<Id>().unwrap();
    Already::Earlier(Earlier { steps: [id("unlock")].into(), ..Earlier::default() })
}

fn skipped(story: &Story) -> bool {
    story.events.iter().any(|event| matches!(event, Event::StepSkipped { reason, .. } if reason.contains("shows it")))
}

#[test]
fn a_step_that_proves_to_be_done_is_left_out() {
    for already in [Already::Anything, unlocked_before()] {
        let (story, calls) = told("mode 3", already);
        assert_eq!((story.outcome, calls), (Outcome::Recovered, vec!["ask".to_owned()]));
        assert!(skipped(&story));
    }
}

#[test]
fn without_its_proof_it_is_done() {
    // Another answer, and none; neither is a failure.
    for answer in ["mode 1", "no answer"] {
        let (story, calls) = told(answer, Already::Anything);
        assert_eq!((story.outcome, calls), (Outcome::Recovered, vec!["ask".to_owned(), "set".to_owned()]), "{answer}");
        assert!(!skipped(&story), "{answer}");
    }
}

#[test]
fn nobody_is_asked_where_nothing_speaks_for_it() {
    for already in [Already::Nothing, Already::Earlier(Earlier::default())] {
        let (story, calls) = told("mode 3", already);
        assert_eq!((story.outcome, calls), (Outcome::Recovered, vec!["set".to_owned()]));
    }
}

/// What the records of earlier runs tell of 64 KiB at 0: `begun` is an erase or a write, and its end follows where it has one.
fn earlier(calls: &[(&str, Option<&str>)], ports: &[&str]) -> Earlier {
    let proven =
        |port: &&str| json!({"event": "board_proven", "step": "rom", "device": "rom", "port": port, "by": "act"});
    let mut events: Vec<_> = ports.iter().take(1).map(proven).collect();
    for (begun, touched) in calls {
        events.push(json!({"event": "tool_started", "step": "write", "tool": "flasher", "command": ["flasher"],
            "limit_ms": 1000, "changes_board": true, "purpose": "", "region": {"name": "a at 0x0", "tool": "flasher",
            "file": "a", "address": 0, "length": 65536, "partition": null, "state": begun}}));
        events.extend(touched.map(|touched| {
            json!({"event": "tool_ended", "step": "write", "tool": "flasher", "command": ["flasher"], "end": {"exited": 0},
                "exit_code": 0, "verdict": "succeeded", "touched": touched, "elapsed_ms": 1})
        }));
    }
    events.extend(ports.iter().skip(1).map(proven));
    let events: Vec<Event> = events.into_iter().map(|event| serde_json::from_value(event).unwrap()).collect();
    Earlier::of(&events)
}

#[test]
fn a_record_without_the_end_of_a_call_is_not_ended_by_the_next_run() {
    let (erase, write) = ("partly-erased", "partly-written");
    let whole = Some("completely");
    for (calls, state, erased) in [
        (&[(erase, whole)][..], RegionState::Erased, true),
        (&[(erase, None)], RegionState::PartlyErased, false),
        // The first run was cut; the second one's call touched nothing.
        (&[(erase, None), (write, Some("nothing"))], RegionState::PartlyErased, false),
        (&[(erase, whole), (write, None)], RegionState::PartlyWritten, true),
        (&[(erase, whole), (write, whole)], RegionState::Written, true),
        (&[(erase, whole), (erase, None)], RegionState::PartlyErased, false),
        (&[(erase, whole), (erase, Some("nothing"))], RegionState::Erased, true),
    ] {
        let told = earlier(calls, &["1-1"]);
        assert_eq!(told.regions.last().unwrap().state, state, "{calls:?}");
        assert_eq!(!told.erased.is_empty(), erased, "{calls:?}");
    }
}

#[test]
fn what_was_erased_of_another_board_is_not_erased_here() {
    let calls = [("partly-erased", Some("completely"))];
    assert!(!earlier(&calls, &["1-1", "1-1"]).erased.is_empty());
    assert!(earlier(&calls, &["1-1", "1-2"]).erased.is_empty());
}
