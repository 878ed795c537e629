//! Whole screens, as they stand at 80 columns without colours.

use std::io;

use super::*;
use crate::cli::style::Signs;
use crate::documents::playbook::{Drawing, HandMove};
use crate::engine::{CONDITION_DOES_NOT_HOLD, GoesOn, Outcome, Problem, Told, WaitEnd};
use crate::words::{FaultClass, Stream};
use crate::world::Interrupt;

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn command(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn started(simulated: bool) -> Event {
    Event::RunStarted {
        run: Box::default(),
        board: "OpenMV Cam RT1062".into(),
        playbook: "rt1062.yaml".into(),
        shipped: true,
        simulated,
        steps_total: 14,
        summary: Some("Rewrites the secure bootloader and the firmware.".into()),
    }
}

fn step(number: usize, step: &str, name: &str) -> Event {
    Event::StepStarted { step: id(step), name: name.into(), number, total: 14 }
}

fn step_end(end: StepEnd) -> Event {
    Event::StepFinished { step: id("a"), name: "A".into(), number: 1, total: 14, end, elapsed_ms: 3_100 }
}

fn tool(line: &str, purpose: &str) -> Event {
    Event::ToolStarted {
        step: id("a"),
        tool: "blhost".into(),
        command: command(line),
        limit_ms: 30_000,
        changes_board: true,
        purpose: purpose.into(),
        region: None,
    }
}

fn waiting(attached: &[&str], remaining_ms: u64) -> Event {
    Event::Waiting {
        step: id("a"),
        waiting_for: "1fc9:0135 i.MX RT ROM is not there yet".into(),
        attached: attached.iter().map(|&device| device.to_owned()).collect(),
        remaining_ms,
    }
}

fn progress(percent: f32) -> Event {
    Event::Progress { step: id("a"), label: Some("Erase".into()), percent: Some(percent), bytes: None, total: None }
}

fn no_answer() -> Fault {
    Fault { code: Some("10004".into()), ..Fault::new(FaultClass::NoAnswer, "the flashloader did not answer") }
}

fn finished(outcome: Outcome, problem: Option<Problem>) -> Event {
    Event::Finished {
        outcome,
        exit_code: outcome.exit_code(),
        problem,
        next: Vec::new(),
        elapsed_ms: 123_000,
        steps_done: 13,
        steps_skipped: 1,
        retries: 2,
        restarts: 0,
        warnings: 1,
    }
}

fn shown_with(look: Look, events: &[Event]) -> String {
    let mut screen = Screen::new(Vec::new(), look).with_log(Some("/state/run.log".into()));
    for event in events {
        assert_eq!(screen.event(&Told::now(event)), None);
    }
    String::from_utf8(screen.page.writer).unwrap()
}

fn shown(events: &[Event]) -> String {
    shown_with(Look::plain(), events)
}

#[test]
fn a_good_run() {
    let text = shown(&[
        started(true),
        Event::ToolFound {
            tool: "blhost".into(),
            program: "/opt/spsdk/bin/blhost".into(),
            version: "3.12.0".parse().unwrap(),
            flavour: Some("SPSDK".into()),
            found_by: "PATH".into(),
        },
        Event::InputReady {
            name: id("firmware"),
            file: "firmware.bin".into(),
            path: None,
            size: 65_536,
            sha256: String::new(),
            generated: true,
        },
        step(1, "a", "Start the flashloader"),
        tool("blhost -u 0x15A2,0x0073 -- get-property 1", "step"),
        Event::ToolOutput { step: id("a"), stream: Stream::Stdout, text: "chatter".into(), transient: false },
        step_end(StepEnd::Succeeded),
        Event::StepSkipped {
            step: id("b"),
            name: "Burn the fuse".into(),
            number: 2,
            total: 14,
            reason: "the fuse is set already".into(),
        },
        finished(Outcome::Recovered, None),
    ]);
    assert_eq!(
        text,
        "\
recover · OpenMV Cam RT1062
Rewrites the secure bootloader and the firmware.
SIMULATION: a virtual board and mock tools; nothing real is touched
playbook  rt1062.yaml (shipped with recover)
tool      blhost 3.12.0 (SPSDK) · /opt/spsdk/bin/blhost
file      firmware.bin · 65,536 bytes · made up for the simulation

[ 1/14] Start the flashloader
        $ blhost -u 0x15A2,0x0073 -- get-property 1
        ✓ done in 3.1 s

[ 2/14] Burn the fuse
        – skipped: the fuse is set already

✓ SIMULATION PASSED: the virtual OpenMV Cam RT1062 was recovered. No real board
  was touched.
  Steps      13 done, 1 not needed here, 2 retries, 1 warning, in 2:03 min
  Log        /state/run.log
"
    );
}

#[test]
fn a_problem_is_told_in_the_order_people_need_it() {
    let problem = Problem {
        what: "the flashloader did not answer".into(),
        class: FaultClass::NoAnswer,
        causes: Vec::new(),
        step: Some(id("sbl")),
        step_name: Some("Write the bootloader".into()),
        command: Some(command("blhost -u 0x15A2,0x0073 -t 120000 -- write-memory 0x60001000 blhost_flash_loader.bin")),
        end: Some("exit code 1".into()),
        output: vec!["Response status = 10004".into()],
        attached: vec![],
        state: "The bootloader is partly written, and the ROM still answers".into(),
        regions: Vec::new(),
        next: vec![
            "Unplug the camera and plug it in again, with the jumper still connected".into(),
            "Run: recover --playbook rt1062".into(),
        ],
    };
    let text = shown(&[step(5, "sbl", "Write the bootloader"), finished(Outcome::StepFailed, Some(problem))]);
    assert_eq!(
        text,
        "
[ 5/14] Write the bootloader

✗ NOT RECOVERED: the flashloader did not answer (no-answer)

  At step    [ 5/14] Write the bootloader (sbl)
  Command    $ blhost -u 0x15A2,0x0073 -t 120000 -- write-memory 0x60001000 \\
                 blhost_flash_loader.bin
  It ended   exit code 1
  It said    │ Response status = 10004
  The board  The bootloader is partly written, and the ROM still answers
  Attached   no device of this board
  Do next    1. Unplug the camera and plug it in again, with the jumper still
                connected
             2. Run: recover --playbook rt1062

  Steps      13 done, 1 not needed here, 2 retries, 1 warning, in 2:03 min
  Log        /state/run.log
"
    );
}

#[test]
fn a_wait_in_a_file_tells_only_news() {
    let mut events = vec![Event::Prompted {
        step: id("a"),
        prompt: 1,
        text: "Unplug the camera.\nConnect a jumper between the SBL and 3.3V pins, and plug it in again.".into(),
        goes_on: GoesOn::ByItself,
        hands: Vec::new(),
        without_person: false,
        drawing: None,
        limit_ms: 120_000,
    }];
    events.extend((60..=120).rev().map(|second| waiting(&[], second * 1000)));
    events.push(waiting(&["37c5:1060 firmware"], 59_000));
    events.push(Event::WaitOver {
        step: id("a"),
        end: WaitEnd::InVain,
        text: "it did not come".into(),
        elapsed_ms: 120_000,
    });
    assert_eq!(
        shown(&events),
        "        \
        ┌ YOU
        │ Unplug the camera.
        │ Connect a jumper between the SBL and 3.3V pins, and plug it in again.
        └ Goes on by itself; no key is needed (2:00 min at most).
        waiting: 1fc9:0135 i.MX RT ROM is not there yet · 2:00 min left ·
        attached: no device of this board
        waiting: 1fc9:0135 i.MX RT ROM is not there yet · 90 s left · attached:
        no device of this board
        waiting: 1fc9:0135 i.MX RT ROM is not there yet · 60 s left · attached:
        no device of this board
        waiting: 1fc9:0135 i.MX RT ROM is not there yet · 59 s left · attached:
        37c5:1060 firmware
        it did not come (after 2:00 min)
"
    );
}

#[test]
fn a_fault_is_told_once_per_attempt_and_progress_in_quarters() {
    let retrying =
        Event::Retrying { step: id("a"), attempt: 2, attempts_max: 2, pause_ms: 1_000, because: no_answer() };
    let text = shown(&[
        tool("blhost -- a", "step"),
        progress(10.0),
        progress(30.0),
        progress(40.0),
        Event::Interrupted {
            by: Interrupt::Interrupt,
            finishing: true,
            breaks: None,
            leaves: Some("the board may not start, but once it is connected again it shows up as ROM".to_owned()),
            remaining_ms: Some(103_000),
        },
        Event::Interrupted {
            by: Interrupt::Interrupt,
            finishing: false,
            breaks: None,
            leaves: None,
            remaining_ms: Some(8_000),
        },
        progress(100.0),
        step_end(StepEnd::Failed(no_answer())),
        retrying,
        tool("blhost -- b", "getting back in step"),
        step_end(StepEnd::Failed(no_answer())),
        Event::Restarting {
            from: id("a"),
            at: id("rom"),
            at_name: Some("Enter the ROM".to_owned()),
            time: 1,
            times_max: 2,
            because: no_answer(),
        },
    ]);
    assert_eq!(
        text,
        "        \
        $ blhost -- a
        Erase 25 %
        ! Ctrl-C. The run ends when this step is finished, in 1:43 min at the
          latest. Cutting it short would leave the board half written: the board
          may not start, but once it is connected again it shows up as ROM.
          Press Ctrl-C again to end the tool.
        ! Ctrl-C. Ending the tool and the run, within 8 s at the latest.
        Erase 100 %
        ✗ the flashloader did not answer (no-answer, code 10004)
        ↻ Trying again in 1.0 s: attempt 2 of 2.
        getting back in step
        $ blhost -- b
        ✗ the flashloader did not answer (no-answer, code 10004)
        ↻ Going back to: Enter the ROM (time 1 of at most 2).
"
    );
}

#[test]
fn consent_says_what_and_how_even_in_ascii() {
    let consent = Event::ConsentAsked {
        step: id("boot-fuse"),
        why: "Sets the fuse that makes the chip boot from external flash. It can never be cleared.".into(),
        command: command("blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010"),
        fuse: Some(crate::engine::FuseChange { word: 6, before: 0, after: 0x10 }),
        phrase: "boot-fuse".into(),
        limit_ms: 300_000,
    };
    let text = shown_with(Look { signs: Signs::Ascii, ..Look::plain() }, &[consent]);
    assert_eq!(
        text,
        "        \
        + THIS CANNOT BE UNDONE
        | Sets the fuse that makes the chip boot from external flash. It can
        | never be cleared.
        | $ blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010
        | The chip's fuses, word 6: 0x00000000 -> 0x00000010
        | To do it, type this and press ENTER: boot-fuse
        | ENTER alone ends the run here without doing it; other words are asked
        + again (5:00 min at most).
"
    );
}

fn skipped(numbers: std::ops::RangeInclusive<usize>, reason: &str) -> Vec<Event> {
    let event = |number| Event::StepSkipped {
        step: id(&format!("step-{number}")),
        name: "Power cycle".into(),
        number,
        total: 14,
        reason: reason.into(),
    };
    numbers.map(event).collect()
}

#[test]
fn steps_that_are_not_needed_take_one_line() {
    let events = [
        skipped(1..=1, CONDITION_DOES_NOT_HOLD),
        vec![step(2, "a", "Write the bootloader")],
        skipped(3..=9, CONDITION_DOES_NOT_HOLD),
        skipped(10..=10, "it was done before"),
        skipped(11..=12, CONDITION_DOES_NOT_HOLD),
        vec![finished(Outcome::Recovered, None)],
    ];
    let text = shown(&events.concat());
    let head = text.split("\n\n✓").next().unwrap();
    assert_eq!(
        head,
        "
[ 1/14] not needed here: Power cycle

[ 2/14] Write the bootloader

[ 3-9/14] 7 steps are not needed here

[10/14] Power cycle
        – skipped: it was done before

[11-12/14] 2 steps are not needed here"
    );
}

#[test]
fn what_was_passed_over_is_shown_to_who_asks() {
    let events = [
        started(false),
        Event::LookingForTools { tools: vec!["blhost".into(), "sdphost".into()] },
        Event::ToolPassedOver {
            tool: "blhost".into(),
            program: "/old/blhost".into(),
            found_by: "PATH".into(),
            reason: "it is version 1.9, and at least 1.11 is needed".into(),
        },
    ];
    let text = shown(&events);
    assert!(text.ends_with("\nlooking for blhost, sdphost ...\n"), "{text}");
    let mut screen = Screen::new(Vec::new(), Look::plain()).verbose();
    for event in &events {
        assert_eq!(screen.event(&Told::now(event)), None);
    }
    let verbose = String::from_utf8(screen.page.writer).unwrap();
    let line = "no tool   blhost · /old/blhost: it is version 1.9, and at least 1.11 is needed\n";
    assert_eq!(verbose, format!("{text}{line}"));
}

#[test]
fn no_escape_sequence_of_others_reaches_the_screen() {
    let text =
        shown(&[started(false), Event::Warning { text: "\u{1b}[2Jgone\rover".into() }, step(1, "a", "\u{9b}2J")]);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

#[derive(Debug)]
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_screen_that_is_gone_is_no_trouble() {
    let mut screen = Screen::new(Closed, Look::plain());
    for event in [started(false), step(1, "a", "A"), finished(Outcome::Recovered, None)] {
        assert_eq!(screen.event(&Told::now(&event)), None);
    }
}

fn prompted(goes_on: GoesOn, hands: &[HandMove]) -> Event {
    Event::Prompted {
        step: id("a"),
        prompt: 1,
        text: "Connect the wire.".into(),
        goes_on,
        hands: hands.to_vec(),
        without_person: false,
        drawing: Some(Box::new(Drawing {
            pins: vec!["SBL".into(), "3.3V".into()],
            connect: vec!["SBL".into(), "3.3V".into()],
            ..Drawing::default()
        })),
        limit_ms: 120_000,
    }
}

fn told_to(mut screen: Screen<Vec<u8>>, events: &[Event]) -> String {
    for event in events {
        assert_eq!(screen.event(&Told::now(event)), None);
    }
    String::from_utf8(screen.page.writer).unwrap()
}

#[test]
fn a_wait_that_teaches_and_a_rehearsal() {
    let hint = Event::Hinted { step: id("a"), text: "Perhaps the cable carries only power".into(), after_ms: 20_000 };
    let flaps = Event::Flapping {
        step: id("a"),
        device: id("rom"),
        times: 4,
        within_ms: 6_000,
        text: "the ROM came and went 4 times within 6.0 s: the contact is likely loose".into(),
    };
    let hands = [HandMove::FitJumper, HandMove::PlugIn];
    let screen = || Screen::new(Vec::new(), Look { signs: Signs::Ascii, ..Look::plain() });
    assert_eq!(
        told_to(screen(), &[hint.clone(), flaps.clone()]),
        "        \
        ! After 20 s: Perhaps the cable carries only power
        ! the ROM came and went 4 times within 6.0 s: the contact is likely
          loose
"
    );
    // A virtual cable has no such reasons.
    assert_eq!(
        told_to(screen().rehearsing(), &[prompted(GoesOn::ByItself, &hands), hint, flaps]),
        "        \
        + YOU
        | Connect the wire.
        |
        | SBL @--------@ 3.3V
        |
        + REHEARSAL: press ENTER in place of doing it (2:00 min at most).
"
    );
    // Hands that do nothing need no ENTER, and of two ways there is one.
    let ends = |event: Event| told_to(Screen::new(Vec::new(), Look::plain()).rehearsing(), &[event]);
    assert!(ends(prompted(GoesOn::ByItself, &[])).contains("Goes on by itself; no key is needed"));
    assert!(ends(prompted(GoesOn::WithEnter, &hands)).contains("Press ENTER when done"));
    assert!(ends(prompted(GoesOn::Either, &[])).contains("the other way is for a real board"));
}

#[test]
fn quiet_leaves_out_what_nobody_is_asked_for() {
    let events = [
        started(false),
        step(1, "a", "Start the flashloader"),
        prompted(GoesOn::ByItself, &[]),
        tool("blhost -- a", "step"),
        Event::Note { text: "of no weight".into() },
        step_end(StepEnd::Succeeded),
        step(2, "b", "Go on"),
        step_end(StepEnd::Failed(no_answer())),
    ];
    let text = told_to(Screen::new(Vec::new(), Look::plain()).quiet(), &events);
    for shown in ["OpenMV Cam RT1062", "[ 1/14]", "Connect the wire.", "the flashloader did not answer"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    for left_out in ["playbook", "$ blhost", "of no weight", "done in"] {
        assert!(!text.contains(left_out), "{left_out}: {text}");
    }
}
