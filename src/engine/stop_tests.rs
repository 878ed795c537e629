//! A step names a line with which its tool must not go on.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::documents::playbook::DeviceKind;
use crate::engine::test_desk::{Desk, Story, play};
use crate::engine::{Event, Outcome};
use crate::words::Verdict;
use crate::world::{Access, AttachedDevice, Interrupt};

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
fn a_device_that_another_run_holds_is_left_alone() {
    let board = AttachedDevice {
        id: "37c5:1204".parse().unwrap(),
        port: "1-2".to_owned(),
        serial: None,
        product: None,
        interfaces: Vec::new(),
        version: None,
        kind: DeviceKind::Usb,
        access: Access::Permitted,
        arrival: 0,
    };
    let desk = Desk { attached: RefCell::new(vec![board]), held_by: Some(4711), ..Desk::default() };
    let steps = "devices: {own: {usb: '37c5:1204', label: x, identifies: yes}}\nsteps:
  - {id: write, run: writer, device: own, timeout: 20s}\n";
    let story = play(CATALOG, &["/bin/sh", "-c", "echo written"], steps, &desk);
    assert_eq!(story.outcome, Outcome::BoardBusy);
    let Some(Event::Finished { problem: Some(problem), .. }) = story.events.last() else { panic!() };
    assert_eq!(problem.what, "another run (recover, process 4711) is working on 37c5:1204 at 1-2");
    assert!(desk.log.borrow().is_empty(), "a tool was started");
    assert_eq!(
        play(CATALOG, &["/bin/sh", "-c", "echo written"], steps, &Desk { held_by: None, ..desk }).outcome,
        Outcome::Recovered
    );
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

#[test]
fn a_step_that_was_not_begun_is_told_as_one() {
    let desk = Desk { interrupts: RefCell::new([Interrupt::Interrupt].into()), ..Desk::default() };
    let steps = format!("{STEP}  - {{id: look, check: 1 == 1}}\n");
    let story = play(CATALOG, &["/bin/sh", "-c", "sleep 0.1; echo written"], &steps, &desk);
    let Some(Event::Finished { outcome: Outcome::Interrupted, problem: Some(problem), .. }) = story.events.last()
    else {
        panic!("{:?}", story.events.last())
    };
    assert_eq!(
        problem.what,
        "you asked recover to end; the step before was finished first, and this one was not begun"
    );
    assert_eq!(problem.step.as_ref().unwrap().as_str(), "look");
}

/// To cut a write short would leave the board worse than it is.
#[test]
fn it_is_not_ended_in_the_middle_of_its_work() {
    let story = tell("printf 'Part# theirs\\n10%%\\n'; sleep 0.2; echo '100%'; echo written");
    assert!(story.output().ends_with("written"), "{}", story.output());
    assert_eq!(story.outcome, Outcome::StepFailed);
}
