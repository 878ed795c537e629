//! What is said of the board's state after shell scripts have played a tool.

use std::cell::RefCell;

use crate::documents::playbook::DeviceKind;
use crate::engine::test_desk::{Desk, Story, play};
use crate::engine::{Event, Outcome, Problem, RegionState};
use crate::words::FaultClass;
use crate::world::{Access, AttachedDevice};

const CATALOG: &str = r#"
[flasher]
summary = "writes"
programs = ["flasher"]
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
statuses = [{ pattern = '^status (?P<code>\d+)$', success = ["0"], otherwise = "refused", refused_before = ["5"] }]
faults = [{ pattern = '^no answer$', class = "no-answer", message = "The board did not answer" }]
commands = [
  { name = "erase", reversible = true, with = ["erase"], changes_board = true, erases = { address = 1, length = 2 } },
  { name = "write", reversible = true, with = ["write"], changes_board = true, writes = { address = 1, file = 2 } },
  { name = "fill", reversible = true, with = ["fill"], changes_board = true },
  { name = "read", reversible = true, with = ["read"], reads = { address = 1, file = 2 } },
]
"#;

const IMAGE: &str = "  - write: {name: image, file: image.bin, text: image}\n";

fn tell(script: &str, steps: &str) -> Story {
    let playbook = format!("steps:\n{IMAGE}{steps}");
    play(CATALOG, &["/bin/sh", "-c", script], &playbook, &Desk::default())
}

fn problem(story: &Story) -> &Problem {
    match story.events.last() {
        Some(Event::Finished { problem: Some(problem), .. }) => problem,
        other => panic!("{other:?}"),
    }
}

const NOTHING: &str = "This run has changed nothing on the board.";

#[test]
fn an_authors_words_need_something_that_was_changed() {
    let words = "    if_stopped: It may be erased.\n";
    // No tool has run, only memory without power was filled, the board refused before it did anything.
    for (script, step) in [
        ("exit 1", "  - check: 1 == 2\n"),
        ("echo status 3", "  - run: flasher\n    args: [fill]\n    changes: nothing\n"),
        ("echo status 5", "  - run: flasher\n    args: [erase, '0x1000', '0x1000']\n"),
    ] {
        assert_eq!(problem(&tell(script, &format!("{step}{words}"))).state, NOTHING, "{step}");
    }
    let erase = "  - run: flasher\n    args: [erase, '0x1000', '0x1000']\n";
    let begun = tell("echo status 3", &format!("{erase}{words}"));
    let state = &problem(&begun).state;
    assert!(state.starts_with("It may be erased. "), "{state}");
    assert!(state.ends_with("May be erased, or partly: 0x00001000 to 0x00001fff."), "{state}");
    // What the catalog cannot see lasts, unless the playbook knows better.
    let filled = tell("echo status 3", &format!("  - run: flasher\n    args: [fill]\n{words}"));
    assert_eq!(problem(&filled).regions[0].state, RegionState::PartlyWritten);
}

#[test]
fn words_of_a_step_that_has_not_begun_are_those_of_no_other() {
    // The second write never begins, so that only the first is told of.
    let script = r#"[ "$1" = 0x1000 ] && echo status 0 || echo status 5"#;
    let story = tell(
        script,
        "  - steps:
      - run: flasher
        args: [write, '0x1000', '${image}']
      - run: flasher
        args: [write, '0x2000', '${image}']
        if_stopped: The second image is half there.
    if_stopped: The images are not all there.\n",
    );
    let problem = problem(&story);
    assert_eq!(problem.state, "The images are not all there. Written: image.bin at 0x00001000.");
    let states: Vec<_> = problem.regions.iter().map(|region| (region.name.as_str(), region.state)).collect();
    let second = ("image.bin at 0x00002000", RegionState::Untouched);
    assert_eq!(states, [("image.bin at 0x00001000", RegionState::Written), second]);
}

#[test]
fn reading_back_and_comparing_proves() {
    let steps = "  - run: flasher
    args: [write, '0x1000', '${image}']
  - run: flasher
    args: [read, '0x1000', '${back}']
    produces: back
    expect: status 0
  - check: sha256(back) == sha256(image)
    message: It differs
  - check: 1 == 2
    if_stopped: All is proven, and something else is wrong.\n";
    let proven = tell("[ $0 = read ] && printf image > $2; echo status 0", steps);
    let state = "All is proven, and something else is wrong. Written and proven: image.bin at 0x00001000.";
    assert_eq!(problem(&proven).state, state);
    let differs = tell("[ $0 = read ] && printf other > $2; echo status 0", steps);
    assert_eq!(problem(&differs).what, "It differs");
    assert_eq!(problem(&differs).regions[0].state, RegionState::Differs);
    // What is read once more, and found otherwise, takes the proof back: a condition counts as much as a check.
    let again = "  - run: flasher
    args: [read, '0x1000', '${again}']
    produces: again
    expect: status 0
  - when: CONDITION
    refuse: It is gone.
";
    let twice =
        steps.replace("  - check: 1 == 2\n    if_stopped: All is proven, and something else is wrong.\n", again);
    let script =
        "[ $0 = read ] && { [ -e once ] && printf other > $2 || { : > once; printf image > $2; }; }; echo status 0";
    for condition in ["sha256(again) != sha256(image)", "not (head(again, 2) == '696d')", "head(again, 2) != '696d'"] {
        let gone = tell(script, &twice.replace("CONDITION", condition));
        assert_eq!(problem(&gone).what, "It is gone.");
        let state = match condition.starts_with("not") {
            // Whether it should be so cannot be seen here.
            true => RegionState::Proven,
            false => RegionState::Differs,
        };
        assert_eq!(problem(&gone).regions[0].state, state, "{condition}");
    }
    // A shorter reading proves only what it has read.
    let short = "  - check: sha256(back) != sha256(image)\n  - check: 1 == 2\n";
    let steps = steps.replace("  - check: sha256(back) == sha256(image)\n    message: It differs\n", short);
    let less = tell("[ $0 = read ] && printf im > $2; echo status 0", &steps);
    assert_eq!(problem(&less).regions[0].state, RegionState::Written);
}

#[test]
fn a_run_that_went_back_still_names_why() {
    // The first step of the second round fails in another way than the call that made the run go back.
    let desk = Desk { lines: RefCell::default(), ..Desk::default() };
    let script = r#"[ $0 = write ] && { echo no answer; exit 1; }; [ -e went ] && echo status 9 || { : > went; echo status 0; }"#;
    let playbook = format!(
        "steps:\n{IMAGE}  - id: begin
    run: flasher
    args: [fill]
    changes: nothing
    if_stopped: Nothing is wrong yet.
  - id: write
    run: flasher
    args: [write, '0x1000', '${{image}}']
    restart_at: {{step: begin, on: [no-answer]}}
    if_stopped: The image is half there.\n"
    );
    let story = play(CATALOG, &["/bin/sh", "-c", script], &playbook, &desk);
    assert_eq!(story.outcome, Outcome::StepFailed);
    let problem = problem(&story);
    assert_eq!((problem.class, problem.step.as_ref().unwrap().as_str()), (FaultClass::Refused, "begin"));
    let [cause] = problem.causes.as_slice() else { panic!("{:?}", problem.causes) };
    assert_eq!((cause.what.as_str(), cause.class), ("The board did not answer", FaultClass::NoAnswer));
    assert_eq!(cause.step.as_str(), "write");
    assert!(cause.command.as_ref().unwrap().contains(&"0x1000".to_owned()));
    let state = "The image is half there. May be erased or partly written: image.bin at 0x00001000.";
    assert_eq!(problem.state, state);
}

#[test]
fn a_wait_that_runs_out_after_going_back_is_told_behind_the_call() {
    let rom = AttachedDevice {
        id: "1234:5678".parse().unwrap(),
        port: "1-1".to_owned(),
        serial: None,
        product: None,
        interfaces: Vec::new(),
        version: None,
        kind: DeviceKind::Usb,
        access: Access::Permitted,
        arrival: 0,
    };
    let desk = Desk { attached: RefCell::new(vec![rom]), ..Desk::default() };
    // Nobody unplugs the board, so it never comes anew.
    let playbook = format!(
        "devices: {{rom: {{usb: '1234:5678', label: the ROM}}}}\nsteps:\n{IMAGE}  - id: begin
    wait: {{present: rom}}
    timeout: 1s
    if_stopped: Nothing is wrong yet.
  - id: write
    run: flasher
    args: [write, '0x1000', '${{image}}']
    restart_at: {{step: begin, on: [no-answer]}}\n"
    );
    let story = play(CATALOG, &["/bin/sh", "-c", "echo no answer; exit 1"], &playbook, &desk);
    let problem = problem(&story);
    assert!(problem.what.starts_with("The board did not answer. Then: "), "{}", problem.what);
    assert_eq!(problem.step.as_ref().unwrap().as_str(), "begin");
    assert_eq!(problem.output, ["no answer"]);
    assert!(problem.command.as_ref().unwrap().contains(&"write".to_owned()));
    assert!(problem.state.starts_with("This run has changed the board and did not finish."), "{}", problem.state);
}

#[test]
fn what_to_do_next_is_told_where_the_run_ends() {
    let step = "  - steps:\n      - check: 1 == 2\n    next: \"Ask the maker about ${size(image)} bytes.\"\n";
    let story = tell("exit 1", step);
    assert_eq!(problem(&story).next[0], "Ask the maker about 5 bytes.");
    assert_eq!(problem(&story).state, NOTHING);
}

#[test]
fn dead_ends_do_not_ask_to_run_again() {
    for (class, ending) in [
        ("protected", "ends here again as long as the chip does not allow this; recover lifts no protection"),
        ("bad-file", "helps only with another file"),
        ("bad-usage", "does not help"),
        ("refused", "is safe"),
    ] {
        let step = format!("  - run: flasher\n    args: [read, '0', x]\n    expect: never\n    class: {class}\n");
        let story = tell("echo status 0", &step);
        let last = problem(&story).next.last().unwrap();
        assert!(last.starts_with("Running recover again") && last.contains(ending), "{class}: {last}");
    }
}
