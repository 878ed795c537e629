//! What is done already and proven so, played by shell scripts.

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
