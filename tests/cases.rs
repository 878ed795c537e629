//! What a case can say of a run beside how the board is: faults at a step, choices, and calls that need not come.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{House, Ran};

const SCENE: &str = r#"
format: 1
tools:
  dfu-util: {version: "dfu-util 0.11\n"}
devices:
  rom: {id: "0483:df11"}
calls:
  - {run: dfu-util, args: ["-l"], out: "Found DFU: [0483:df11]\n", optional: yes}
  - {run: dfu-util, args: ["-d", ...], out: "File downloaded successfully\nDone!\n"}
"#;

const PLAYBOOK: &str = r#"
format: 1
board: A board
inputs:
  image: {file: image.bin}
devices:
  rom: {usb: "0483:df11", label: ROM, identifies: yes}
virtual_board:
  model: stm32-dfu-rom
  layout: "@Internal Flash  /0x08000000/16*128Kg"
  bootloader: "37c5:9204"
  running: "37c5:1204"
steps:
  - id: choose
    prompt: Press ENTER, or connect the wire.
    until: {present: rom}
    sets: wired
  - {when: wired, refuse: The wire is connected.}
  - id: enter
    prompt: Connect the wire.
    hands: [unplug, fit-jumper, plug-in]
    until: {present: rom}
    timeout: 1m
  - id: write
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${image}"]
    timeout: 60s
"#;

fn test(playbook: &str, scene: &str, case: &str) -> Ran {
    let house = House::new();
    house.write("board.yaml", playbook);
    house.write("all.scene.yaml", scene);
    house.write("board.test.yaml", format!("format: 1\ncases:\n  - {{name: it, {case}}}\n"));
    house.run(&["test", "board.yaml"])
}

#[test]
fn a_mishap_happens_at_the_step_that_the_case_names() {
    let mishap = |what: &str| test(PLAYBOOK, SCENE, what);
    mishap("mishap: {step: write, what: exit-0-undone}, expect: {outcome: step-failed, step: write}").exits(0);
    mishap("mishap: {step: write, what: tool-missing}, expect: {outcome: tool-missing}").exits(0);
    mishap("mishap: {step: enter, what: person-gone}, expect: {outcome: device-unavailable, untouched: yes}").exits(0);
    // The second run finds the board as the killed one has left it.
    let again = "again: {outcome: refused-by-playbook}";
    mishap(&format!("mishap: {{step: write, what: kill-midway}}, expect: {{outcome: interrupted}}, {again}")).exits(0);
    // One that does not happen proves nothing.
    let never = "chooses: {choose: [fit-jumper, plug-in]}, mishap: {step: write, what: tool-hangs}";
    let ran = mishap(&format!("{never}, expect: {{outcome: refused-by-playbook}}")).exits(1);
    ran.says("that `tool-hangs` happens at `write`").says("the run never came to that step");
}

#[test]
fn the_person_takes_the_way_that_the_case_says() {
    let choose = |what: &str| test(PLAYBOOK, SCENE, what);
    choose("expect: {outcome: recovered, prompts: [choose, enter]}").exits(0);
    choose("chooses: {choose: enter}, expect: {outcome: recovered, prompts: [choose, enter]}").exits(0);
    choose("chooses: {choose: [unplug, fit-jumper, plug-in]}, expect: {outcome: refused-by-playbook}").exits(0);
}

#[test]
fn calls_that_need_not_come_are_not_asked_for() {
    let plain = PLAYBOOK.split("virtual_board").next().unwrap();
    let playbook = |steps: &str| format!("{plain}steps:\n{steps}");
    let list = "  - {run: dfu-util, args: [\"-l\"], timeout: 5s}\n";
    let write = "  - {id: write, run: dfu-util, device: rom, timeout: 60s, args: [\"-d\", \",0483:df11\", \"-a\", \"0\", \
                 \"-s\", \"0x08000000\", \"-D\", \"${image}\"]}\n";
    let recovered = "scene: all.scene.yaml, expect: {outcome: recovered}";
    test(&playbook(&format!("{list}{write}")), SCENE, recovered).exits(0);
    test(&playbook(write), SCENE, recovered).exits(0);
    // It has its place: once a later one was made, it comes no more.
    test(&playbook(&format!("{write}{list}")), SCENE, recovered).exits(1).says("does not declare this call");
    let whole = SCENE.replace(", optional: yes", "");
    test(&playbook(write), &whole, recovered).exits(1);
    // A run that is to end on the way does not come to the others.
    let refuse = playbook(&format!("{list}  - {{refuse: Not yet.}}\n"));
    let refused = "scene: all.scene.yaml, expect: {outcome: refused-by-playbook}";
    test(&refuse, &whole, refused).exits(0);
    test(&refuse, &whole, &refused.replace("refused-by-playbook", "recovered"))
        .exits(1)
        .says("that every call is made");
    // Whoever lists the calls needs no other list.
    let listed = "scene: all.scene.yaml, expect: {outcome: recovered, calls: [dfu-util -l]}";
    test(&playbook(list), &whole, listed).exits(0);
}

/// A choice is over at once when ENTER is pressed: there is no middle in which Ctrl-C could be noticed.
#[test]
fn nothing_goes_wrong_in_the_middle_of_a_step_that_is_over_at_once() {
    let house = House::new();
    house.write("board.yaml", PLAYBOOK.replace("  - {when: wired, refuse: The wire is connected.}\n", ""));
    let trials =
        |step: &str| house.run(&["test", "board.yaml", "--faults", "--format", "json", "--filter", step]).exits(0);
    trials("choose").says("\"mishap\":\"ctrl-c\"").never_says("midway");
    trials("enter").says("\"mishap\":\"ctrl-c-midway\"").says("\"mishap\":\"kill-midway\"");
}

#[test]
fn the_legend_of_the_matrix_comes_once() {
    let house = House::new();
    house.write("one.yaml", PLAYBOOK);
    house.write("other.yaml", PLAYBOOK);
    let ran = house.run(&["test", "one.yaml", "other.yaml", "--faults", "--filter", "write tool-missing"]);
    assert_eq!(ran.stdout.matches(".yaml\n").count(), 2, "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("the tool is not installed").count(), 1, "{}", ran.stdout);
}

#[test]
fn a_playbook_without_virtual_board_can_be_played_with_a_scene() {
    let house = House::new();
    house.write("board.yaml", "format: 1\nboard: A board\nsteps: [{refuse: Not yet.}]\n");
    house.run(&["run", "board.yaml", "--simulate"]).exits(2).says("names no virtual board").says("--scene FILE");
}
