//! `recover test`: what it finds, how it reports, and that it gives the same answer every time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use serde_json::Value;

use crate::support::House;

const PLAYBOOK: &str = r#"format: 1
board: Test board
inputs:
  image: {file: image.bin, max_size: 0x20000}
devices:
  rom: {usb: "0483:df11", label: ROM, identifies: no}
virtual_board:
  model: stm32-dfu-rom
  layout: "@Internal Flash  /0x08000000/16*128Kg"
  bootloader: "37c5:9204"
  running: "37c5:1204"
steps:
  - id: enter-rom
    prompt: Fit the jumper.
    hands: [unplug, fit-jumper, plug-in]
    until: {present: rom}
    timeout: 1m
  - id: write
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${image}"]
    timeout: 60s
    retry: {attempts: 2, on: [no-answer]}
"#;

const PASSING: &str = "format: 1\ncases:\n  - name: writes the image\n    expect:\n      outcome: recovered\n      \
                       exit_code: 0\n      holds: {image: 0x08000000}\n      prompts: [enter-rom]\n      done: write\n      \
                       called: dfu-util -d ,0483:df11 -a 0 * -D image.bin\n      never_called: dfu-util * --reset *\n";

fn house() -> House {
    let house = House::new();
    house.write("boards/board.yaml", PLAYBOOK);
    house.write("boards/board.test.yaml", PASSING);
    house
}

/// The house's benches of failed cases lie in its own temporary folder, too.
fn failing(expect: &str) -> House {
    let house = house();
    house.write(
        "boards/board.test.yaml",
        format!("format: 1\ncases:\n  - name: a case\n    simulate: absent\n    answers: {{which-board: yes}}\n    expect:\n{expect}"),
    );
    house
}

#[test]
fn a_case_that_holds_passes_however_its_file_is_named() {
    let house = house();
    for path in ["boards", "boards/board.yaml", "boards/board.test.yaml"] {
        let ran = house.run(&["test", path]).exits(0);
        ran.says("✓ boards/board.test.yaml").says("1 passed, 0 failed");
    }
    // A file that is named twice is tested once.
    house.run(&["test", "boards", "boards/board.yaml"]).exits(0).says("1 passed");
}

#[test]
fn what_differs_is_shown_at_its_place() {
    let ran = failing("      outcome: recovered\n      holds: {image: 0x08000000}\n").run(&["test", "boards"]).exits(1);
    let ran = ran.says("✗ boards/board.test.yaml › a case").says("--> boards/board.test.yaml:7:16");
    let ran = ran.says("expected the outcome `recovered`").says("found: `device-unavailable` at the step `enter-rom`");
    ran.says("also expected the board holds `image` at 0x08000000, found: nothing has been written")
        .says("0 passed, 1 failed");
}

#[test]
fn each_expectation_can_fail() {
    let wrong = [
        ("class: refused", "expected a fault of the class `refused`", "found: `no-device`"),
        ("step: write", "expected that the run ends at the step `write`", "found: at `enter-rom`"),
        ("fuses: {1: 1}", "expected fuse word 0x01 = 0x00000001", "found: no such fuse"),
        ("untouched: no", "expected that the board is written to", "found: nothing on it has changed"),
        ("done: enter-rom", "expected the step `enter-rom` done", "found: failed"),
        ("skipped: write", "expected the step `write` skipped", "found: not reached"),
        ("not_reached: enter-rom", "expected the step `enter-rom` not reached", "found: failed"),
        ("retried: write", "expected that `write` is retried", "found: it was not"),
        ("restarted_at: enter-rom", "that the run goes back to `enter-rom`", "found: it never went back"),
        ("prompts: []", "expected the prompts nobody is asked", "found: enter-rom"),
        ("called: dfu-util -l", "expected the call `dfu-util -l`", "found: no call was made at all"),
        ("times_called: {\"dfu-util*\": 2}", "expected the call `dfu-util*` 2 times", "found: no call was made"),
        ("says: all is well", "expected the person is told `all is well`", "found: "),
        ("never_says: ROM", "expected nobody is told `ROM`", "found: "),
    ];
    for (line, expected, found) in wrong {
        let house = failing(&format!("      outcome: device-unavailable\n      {line}\n"));
        house.run(&["test", "boards"]).exits(1).says(expected).says(found);
    }
    let house = house();
    house.write("boards/board.test.yaml", PASSING.replace("holds: {image: 0x08000000}", "holds: {image: 0x08004000}"));
    house.run(&["test", "boards"]).exits(1).says("found: nothing there; written is 0x08000000");
    house.write("boards/board.test.yaml", PASSING.replace("* --reset *", "* -D *"));
    house.run(&["test", "boards"]).exits(1).says("expected no call `dfu-util * -D *`");
}

#[test]
fn a_failed_case_keeps_its_bench() {
    let house = failing("      outcome: recovered\n");
    let text = house.run(&["test", "boards"]).exits(1).text();
    let kept = text.lines().find_map(|line| line.trim().strip_prefix("the bench is kept: ")).unwrap();
    let events = std::fs::read_to_string(std::path::Path::new(kept).join("run-1.jsonl")).unwrap();
    assert!(events.lines().last().unwrap().contains("\"outcome\":\"device-unavailable\""), "{events}");
    std::fs::remove_dir_all(kept).unwrap();
}

#[test]
fn a_second_run_finds_the_board_as_the_first_left_it() {
    let house =
        failing("      outcome: device-unavailable\n    again:\n      outcome: recovered\n      called: dfu-util*\n");
    house.run(&["test", "boards"]).exits(0);
    let house = failing("      outcome: device-unavailable\n    again:\n      outcome: declined\n");
    house.run(&["test", "boards"]).exits(1).says("board.test.yaml:9:16").says("found: `recovered`");
}

#[test]
fn files_and_tools_are_as_the_case_says() {
    let house = house();
    let case = |more: &str, expect: &str| {
        let text = format!("format: 1\ncases:\n  - name: a case\n    {more}\n    expect: {expect}\n");
        house.write("boards/board.test.yaml", text);
        house.run(&["test", "boards"])
    };
    let wrong_file = "{outcome: command-line, class: bad-file, untouched: yes, never_called: dfu-util*}";
    case("files: {image: missing}", wrong_file).exits(0);
    case("files: {image: {size: 0x20001}}", wrong_file).exits(0);
    case("files: {image: {size: 0x20000}}", "{outcome: recovered, holds: {image: 0x08000000}}").exits(0);
    case("files: {image: {text: abc}}", "{outcome: recovered, holds: {image: 0x08000000}}").exits(0);
    house.write("boards/other.bin", [7; 100]);
    case("files: {image: {file: other.bin}}", "{outcome: recovered, holds: {image: 0x08000000}}").exits(0);
    case("files: {image: {file: none.bin}}", "{outcome: recovered}")
        .exits(1)
        .says("none.bin of this case cannot be used");
    case("tools: {dfu-util: missing}", "{outcome: tool-missing, says: dfu-util}").exits(0);
    case("tools: {dfu-util: {version: \"0.1\"}}", "{outcome: tool-missing, says: at least 0.11}").exits(0);
    case("simulate: write-error", "{outcome: step-failed, step: write}").exits(0);
}

#[test]
fn reports_for_programs() {
    let house = failing("      outcome: recovered\n");
    let ran = house.run(&["test", "boards", "--format", "json"]).exits(1);
    let events = ran.events();
    assert_eq!(events.len(), 2);
    let difference = &events[0]["differences"][0];
    assert_eq!((&events[0]["passed"], &difference["line"]), (&Value::Bool(false), &7.into()));
    assert_eq!((&events[1]["passed"], &events[1]["failed"]), (&0.into(), &1.into()));
    let ran = house.run(&["test", "boards", "--format", "junit"]).exits(1);
    let ran = ran.says("<testsuite name=\"boards/board.test.yaml\" tests=\"1\"").says("failures=\"1\"");
    ran.says("<failure message=\"expected the outcome `recovered`; found: `device-unavailable`");
}

#[test]
fn annotations_for_github() {
    let mut house = failing("      outcome: recovered\n");
    house.run(&["test", "boards"]).exits(1).never_says("::error");
    house.set("GITHUB_ACTIONS", "true");
    house
        .run(&["test", "boards"])
        .exits(1)
        .says("::error file=boards/board.test.yaml,line=7,col=16,title=a case::expected the outcome `recovered`");
    house.write("boards/board.test.yaml", "format: 1\ncases: [{name: a, expect: {outcome: recoverd}}]\n");
    house.run(&["test", "boards"]).exits(3).says("::error file=boards/board.test.yaml,line=2,col=37,");
}

/// One typo among many files leaves no empty report.
#[test]
fn what_is_right_is_run_beside_what_is_wrong() {
    let house = house();
    house.write("boards/other.yaml", PLAYBOOK.replace("steps:", "stesp:"));
    house.write("boards/other.test.yaml", "format: 1\ncases: [{name: a, expect: {outcome: recovered}}]\n");
    let ran = house
        .run(&["test", "boards"])
        .exits(3)
        .says("did you mean `steps`?")
        .says("1 passed, 0 failed, 1 file not run");
    ran.says("boards/other.test.yaml").says("not run: it is not valid");
    let ran = house.run(&["test", "boards", "--format", "junit"]).exits(3);
    let ran = ran.says("<testsuite name=\"boards/board.test.yaml\" tests=\"1\"").says("errors=\"1\"");
    ran.says("<error message=\"a playbook has no key `stesp`\" type=\"unknown-key\">").says("boards/other.yaml:");
    let ran = house.run(&["test", "boards", "--format", "json"]).exits(3);
    let events = ran.events();
    let of = |event: &str| events.iter().find(|line| line["event"] == event).unwrap();
    assert_eq!((&of("invalid")["file"], &of("case")["passed"]), (&"boards/other.test.yaml".into(), &true.into()));
    assert_eq!(of("finished")["invalid"], 1);
    house.run(&["test", "boards", "--faults", "--filter", "tool-hangs"]).exits(3);
}

#[test]
fn chosen_cases() {
    let house = house();
    house.run(&["test", "boards", "--filter", "writes", "--filter", "board.test"]).exits(0).says("1 passed");
    house.run(&["test", "boards", "--filter", "nothing like it"]).exits(2).says("none of the 1 cases");
}

#[test]
fn what_cannot_be_tested_is_told() {
    let house = house();
    house.run(&["test"]).exits(2);
    house.run(&["test", "nowhere"]).exits(2).says("nowhere is not there");
    house.write("empty/readme.txt", "");
    house.run(&["test", "empty"]).exits(2).says("below empty is no test file; its name would end in `.test.yaml`");
    house.write("untested.yaml", PLAYBOOK);
    house.run(&["test", "untested.yaml"]).exits(2).says("untested.yaml has no tests: untested.test.yaml is not there");
    let cases = [
        ("format: 1\ncases: [{name: a}]\n", "a case needs the key `expect`"),
        ("format: 1\ncases: []\n", "a test file needs at least one case"),
        ("format: 1\nplaybook: ../board.yaml\ncases: [{name: a, expect: {outcome: recovered}}]\n", "leaves the folder"),
        (
            "format: 1\nplaybook: none.yaml\ncases: [{name: a, expect: {outcome: recovered}}]\n",
            "none.yaml is not there",
        ),
        ("format: 1\ncases: [{name: a, simulate: absnt, expect: {outcome: recovered}}]\n", "did you mean `absent`?"),
        ("format: 1\ncases: [{name: a, expect: {outcome: recovered, done: wrte}}]\n", "did you mean `write`?"),
        ("format: 1\ncases: [{name: a, expect: {outcome: recovered, exit_code: 1}}]\n", "has the exit code 0"),
        ("format: 1\ncases: [{name: a, expect: {outcome: recovered, called: [st-flash]}}]\n", "never runs `st-flash`"),
        ("format: 1\ncases: [{name: a, expects: {outcome: recovered}}]\n", "did you mean `expect`?"),
    ];
    for (text, told) in cases {
        house.write("boards/board.test.yaml", text);
        house.run(&["test", "boards"]).exits(3).says(told);
    }
}

/// 200 cases at once, 20 times over: every time the same answer.
#[test]
fn many_cases_in_parallel_never_flake() {
    let house = house();
    let mut text = "format: 1\ncases:\n".to_owned();
    for number in 0..100 {
        text.push_str(&format!(
            "  - {{name: clean {number}, expect: {{outcome: recovered, holds: {{image: 0x08000000}}}}}}\n"
        ));
        text.push_str(&format!(
            "  - {{name: absent {number}, simulate: absent, expect: {{outcome: device-unavailable, class: no-device}}}}\n"
        ));
    }
    house.write("boards/board.test.yaml", text);
    // In CI the whole of it; on every save a part.
    let times = if std::env::var_os("CI").is_some() { 20 } else { 1 };
    for _ in 0..times {
        house.run(&["test", "boards", "--jobs", "16"]).exits(0).says("200 passed, 0 failed");
    }
}
