//! A step names a line with which its tool must not go on.

use std::time::{Duration, Instant};

use crate::engine::Outcome;
use crate::engine::test_desk::{Desk, Story, play};
use crate::words::Verdict;

const CATALOG: &str = r#"[writer]
summary = "writes"
programs = ["writer"]
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
progress = ['(?P<percent>\d+)%']
commands = [{ name = "write", reversible = true, changes_board = true, progress_shows_changes = true, success = ['^written$'] }]
"#;
const STEP: &str = "steps:
  - id: write
    run: writer
    fail_on: [{pattern: '^Part# (?P<code>\\w+)', unless: ours, class: protected, message: It is another chip, stop: yes}]
";
/// Far more than a tool that is ended takes, far less than one that is not.
const SOON: Duration = Duration::from_secs(10);

fn tell(script: &str) -> Story {
    play(CATALOG, &["/bin/sh", "-c", script], STEP, &Desk::default())
}

#[test]
fn it_is_ended_before_it_begins() {
    let began = Instant::now();
    let story = tell("echo 'Part# theirs'; exec sleep 60");
    assert!(began.elapsed() < SOON);
    let Verdict::Fault(fault) = story.verdict() else { panic!() };
    assert_eq!((fault.class.word(), fault.code.as_deref()), ("protected", Some("theirs")));
    assert_eq!(fault.message, "It is another chip");
    assert_eq!(story.outcome, Outcome::StepFailed);
}

#[test]
fn it_goes_on_with_every_other_line() {
    assert_eq!(tell("echo 'Part# ours'; echo '10%'; echo written").outcome, Outcome::Recovered);
}

/// To cut a write short would leave the board worse than it is.
#[test]
fn it_is_not_ended_in_the_middle_of_its_work() {
    let story = tell("printf 'Part# theirs\\n10%%\\n'; sleep 0.2; echo '100%'; echo written");
    assert!(story.output().ends_with("written"), "{}", story.output());
    assert_eq!(story.outcome, Outcome::StepFailed);
}
