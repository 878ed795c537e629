//! Shell scripts ask, a playbook answers.

use std::cell::RefCell;

use crate::engine::test_desk::{Desk, Story, play};
use crate::engine::{Event, GoesOn, Outcome};
use crate::words::Verdict;

const MENU: &str = r#"
menu() { printf '\nAvailable options:\n\n 1 - Device Control\n 2 - Information\n\nSelect an option (Enter to exit): '; }
sub() { printf ' 1 - Soft maintenance\n 2 - Hard maintenance\n\nSelect an option (Enter to return): '; }
menu; read a; [ "$a" = 1 ] || exit 3
sub; read a; [ "$a" = 2 ] || exit 4
i=0; while [ $i -lt 5 ]; do printf 'Waiting for Target %s\r' $i; sleep 0.02; i=$((i+1)); done; echo
sub; read a; [ -z "$a" ] || exit 5
menu; read a; [ -z "$a" ] || exit 6
echo all done
"#;

fn tell(keys: &str, script: &str, step: &str, desk: &Desk) -> Story {
    let catalog = format!(
        r#"[asker]
summary = "asks"
programs = ["asker"]
version = {{ args = ["-V"], flavours = [{{ pattern = '(?P<version>\d+)' }}] }}
commands = [{{ name = "talk", reversible = true, success = ['all done'] }}]
{keys}
"#
    );
    let playbook = format!("steps:\n  - id: talk\n    run: asker\n    expect: all done\n{step}");
    play(&catalog, &["/bin/sh", "-c", script], &playbook, desk)
}

const QUESTIONS: &str = "questions = ['^Select an option \\(Enter to (?:exit|return)\\): $', '^> $', '\\? $']";
const MENU_ANSWERS: &str = "    answers:
      - {when: '(\\d+) - Device Control', send: $1, times: 1}
      - {when: '(\\d+) - Hard maintenance', send: $1, times: 1}
      - {when: 'Waiting for Target', prompt: Press the button.}
      - {when: 'Enter to (return|exit)', send: '', times: 2}
";

#[test]
fn menus_are_walked_by_their_texts() {
    for terminal in ["terminal = true", "terminal = false"] {
        let story = tell(&format!("{terminal}\n{QUESTIONS}"), MENU, MENU_ANSWERS, &Desk::default());
        assert_eq!(story.answers(), ["the playbook:1", "the playbook:2", "the playbook:", "the playbook:"]);
        assert_eq!(story.outcome, Outcome::Recovered, "{:?}", story.verdict());
        assert!(story.output().ends_with("Select an option (Enter to exit): |all done"), "{}", story.output());
        let prompts = story.events.iter().filter(|event| matches!(event, Event::Prompted { .. })).count();
        assert_eq!(prompts, 1);
    }
}

#[test]
fn a_prompt_beside_run_is_shown_while_the_tool_runs() {
    let story = tell("", "echo all done", "    prompt: Hold the button.\n    hands: plug-in\n", &Desk::default());
    let kinds: Vec<&str> = story
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ToolStarted { .. } => Some("started"),
            Event::Prompted { goes_on: GoesOn::ByItself, .. } => Some("prompted"),
            Event::ToolOutput { .. } => Some("output"),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["started", "prompted", "output"]);
}

#[test]
fn an_unforeseen_question_goes_to_the_person() {
    let script = "echo Part differs.; printf '> '; read a; echo \"got $a, all done\"";
    let desk = Desk { lines: RefCell::new(["y".to_owned()].into()), interactive: true, ..Desk::default() };
    let story = tell(&format!("terminal = true\n{QUESTIONS}"), script, "", &desk);
    let asked = story.events.iter().find_map(|event| match event {
        Event::ToolAsked { text, .. } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(asked, Some("Part differs.\n>"));
    assert_eq!(story.answers(), ["you:y"]);
    assert_eq!(story.outcome, Outcome::Recovered, "{}", story.output());
}

#[test]
fn an_unforeseen_question_to_nobody_ends_the_tool() {
    let script = "echo Part differs.; printf '> '; read a; echo all done";
    let story = tell(QUESTIONS, script, "", &Desk::default());
    let Verdict::Fault(fault) = story.verdict() else { panic!() };
    assert_eq!(
        (fault.class.word(), fault.message.as_str()),
        ("unknown", "The tool asker asked `Part differs. >` and got no answer, so it was ended")
    );
    assert_eq!(story.outcome, Outcome::StepFailed);
}

#[test]
fn a_tool_that_asks_for_ever_is_ended() {
    let script = "while :; do printf 'sure? '; read a || exit 9; done";
    let story = tell(QUESTIONS, script, "    answers:\n      - {when: sure, send: y}\n", &Desk::default());
    let Verdict::Fault(fault) = story.verdict() else { panic!() };
    assert_eq!(fault.message, "The tool asker asked `sure` again and again, whatever the answer, so it was ended");
    assert_eq!(story.answers().len(), 10);
}

#[test]
fn a_line_can_wait_for_the_person() {
    let script = "printf 'reset? '; read a; echo \"$a, all done\"";
    let desk = Desk { lines: RefCell::new([String::new()].into()), interactive: true, ..Desk::default() };
    let step = "    answers:\n      - {when: 'reset', prompt: Reset it., send: ok}\n";
    let story = tell(QUESTIONS, script, step, &desk);
    assert_eq!(story.answers(), ["the playbook:ok"]);
    assert_eq!(story.outcome, Outcome::Recovered);
}

/// Whoever types a word has not done what was asked.
#[test]
fn a_word_sends_no_line_to_the_tool() {
    let script = "printf 'reset? '; read a; echo \"$a, all done\"";
    let lines = ["wait".to_owned(), String::new()].into();
    let desk = Desk { lines: RefCell::new(lines), interactive: true, ..Desk::default() };
    let step = "    answers:\n      - {when: 'reset', prompt: Reset it., send: ok}\n";
    let story = tell(QUESTIONS, script, step, &desk);
    let told = |event: &&Event| match event {
        Event::Note { text } => text.starts_with("Only ENTER goes on"),
        Event::ToolAnswered { .. } => true,
        _ => false,
    };
    let order: Vec<bool> =
        story.events.iter().filter(told).map(|event| matches!(event, Event::ToolAnswered { .. })).collect();
    assert_eq!(order, [false, true]);
}

#[test]
fn an_unknown_prompt_is_answered_in_silence() {
    let script = "printf 'password: '; read a; echo \"$a, all done\"";
    let step = "    answers:\n      - {when: '^password', send: x}\n";
    let story = tell(QUESTIONS, script, step, &Desk::default());
    assert_eq!(story.answers(), ["the playbook:x"]);
    assert_eq!(story.outcome, Outcome::Recovered);
}
