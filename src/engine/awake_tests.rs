//! When the computer is kept awake, told by the log of the desk.

use std::cell::RefCell;

use crate::engine::test_desk::{Desk, Story, play};
use crate::engine::{Event, Outcome};
use crate::world::Interrupt;

const CATALOG: &str = r#"[writer]
summary = "writes"
programs = ["writer"]
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
commands = [
    { name = "read", reversible = true, with = ["read"], changes_board = false, success = ['done'] },
    { name = "write", reversible = true, with = ["write"], changes_board = true, success = ['done'] },
]
"#;
const WRITER: &[&str] = &["/bin/sh", "-c", "if test -e broken; then exit 1; fi; echo done", "writer"];

fn steps(calls: &[&str]) -> String {
    let step = |(index, call): (usize, &&str)| {
        format!("  - {{id: s{index}, name: x, run: writer, args: [{call}], timeout: 20s}}\n")
    };
    format!("steps:\n{}", calls.iter().enumerate().map(step).collect::<String>())
}

fn vigil(desk: &Desk, launcher: &[&str], calls: &[&str]) -> (Story, String) {
    let story = play(CATALOG, launcher, &steps(calls), desk);
    let log = desk.log.borrow().join(" ");
    (story, log)
}

#[test]
fn it_lasts_from_the_first_change_to_the_last() {
    let (story, log) = vigil(&Desk::default(), WRITER, &["read", "write", "read", "write", "read", "read"]);
    assert_eq!(story.outcome, Outcome::Recovered);
    assert_eq!(log, "read awake write read write sleepy read read");
}

#[test]
fn nothing_is_asked_where_nothing_is_changed() {
    assert_eq!(vigil(&Desk::default(), WRITER, &["read", "read"]).1, "read read");
}

#[test]
fn it_ends_with_the_run() {
    assert_eq!(vigil(&Desk::default(), WRITER, &["read", "write"]).1, "read awake write sleepy");
}

#[test]
fn it_ends_with_a_failure() {
    let (story, log) = vigil(&Desk::default(), &["/bin/false"], &["write", "write"]);
    assert_eq!(story.outcome, Outcome::StepFailed);
    assert_eq!(log, "awake write sleepy");
}

#[test]
fn it_ends_with_a_wish_to_end() {
    let desk = Desk { interrupts: RefCell::new([Interrupt::Interrupt].into()), ..Desk::default() };
    let (story, log) = vigil(&desk, WRITER, &["write", "write", "read"]);
    assert_eq!(story.outcome, Outcome::Interrupted);
    assert_eq!(log, "awake write sleepy");
}

#[test]
fn a_system_that_refuses_is_told_of_once() {
    let desk = Desk { keeps_awake: Err("nothing keeps it awake"), ..Desk::default() };
    let (story, _) = vigil(&desk, WRITER, &["write", "write", "write"]);
    assert_eq!(story.outcome, Outcome::Recovered);
    let told = story.events.iter().filter_map(|event| match event {
        Event::MaySleep { reason } => Some(reason.as_str()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["nothing keeps it awake"]);
}
