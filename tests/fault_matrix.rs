//! `recover test --faults`: what must hold does hold for shipped playbooks, and breaks where a playbook is bad.
//!
//! Of three playbooks the steps that can do most harm; everything is for a release build, see `.ci/run`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::{House, Ran};

fn shipped(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks").join(name).display().to_string()
}

/// The trials of a run whose report is JSON.
fn trials(ran: &Ran) -> Vec<Value> {
    ran.events().into_iter().filter(|event| event["event"] == "trial").collect()
}

fn mishaps(trials: &[Value]) -> BTreeSet<String> {
    trials.iter().map(|trial| trial["mishap"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_fault_is_survived_where_the_vendors_tool_does_all() {
    let house = House::new();
    let ran =
        house.run(&["test", &shipped("n6.yaml"), "--faults", "--filter", "n6.test.yaml write-bootloader"]).exits(0);
    let widest = ran.stdout.lines().take_while(|line| !line.is_empty()).map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 80, "{}", ran.stdout);
    ran.says("0 broke a rule").says("write-bootloader");
}

#[test]
fn every_fault_is_survived_while_a_bootloader_is_written() {
    let house = House::new();
    let args =
        ["test", &shipped("m4.yaml"), "--faults", "--filter", "m4.test.yaml write-bootloader", "--format", "json"];
    let all = trials(&house.run(&args).exits(0));
    // Parts of them can be tried by themselves.
    let trial = |trial: &Value| format!("{} {}", trial["step"], trial["mishap"]);
    let part: BTreeSet<_> =
        trials(&house.run(&[&args[..], &["--shard", "3/20"]].concat()).exits(0)).iter().map(trial).collect();
    assert_eq!(part, all.iter().skip(2).step_by(20).map(trial).collect());
    let trials = all;
    let missing = ["tool-lies", "tool-input-ends", "disk-full", "person-gone", "person-input-ends"];
    assert!(mishaps(&trials).len() >= 25 && !mishaps(&trials).iter().any(|mishap| missing.contains(&mishap.as_str())));
}

#[test]
fn a_fuse_is_set_once_or_not_at_all() {
    let house = House::new();
    for part in ["boot-fuse:before", "boot-fuse ", "boot-fuse:after"] {
        let args = ["test", &shipped("rt1062.yaml"), "--faults", "--filter", part, "--format", "json"];
        let trials = trials(&house.run_within(Duration::from_secs(300), &args).exits(0));
        assert!(trials.len() > 20, "{part}: {}", trials.len());
        assert!(trials.iter().any(|trial| trial["mishap"] == "kill-midway" && trial["end"] == "killed"), "{part}");
    }
}

/// The RT1062's playbook, but that nothing is made of how what was written reads back.
fn without_proof(house: &House) {
    let mut text = std::fs::read_to_string(shipped("rt1062.yaml")).unwrap();
    for (proof, nothing) in [
        ("when: sha256(${image}_read) != sha256(${image})\n", "when: size(${image}_read) == 0\n"),
        ("check: sha256(${image}_read) == sha256(${image})\n", "check: size(${image}_read) > 0\n"),
    ] {
        assert!(text.contains(proof), "no `{proof}`");
        text = text.replace(proof, nothing);
    }
    house.write("board.yaml", text);
}

#[test]
fn a_playbook_that_believes_its_tool_is_found_out() {
    let house = House::new();
    without_proof(&house);
    let ran = house.run(&["test", "board.yaml", "--faults", "--filter", "sbl-2 tool-lies"]).exits(1);
    ran.says("board.yaml › sbl-2 tool-lies")
        .says("broken: it never says recovered when the board does not hold the images")
        .says("broken: no irreversible step runs twice, without consent, or before the flash is proven")
        .says("recover test board.yaml --faults --filter 'sbl-2 tool-lies'")
        .says("1 trial: 0 mended themselves, 0 ended as failures, 1 broke a rule");
    let report = house.run(&["test", "board.yaml", "--faults", "--filter", "sbl-2 tool-lies", "--format", "junit"]);
    report.exits(1).says("<testcase name=\"sbl-2 tool-lies\"").says("failures=\"1\"");
}

/// The playbook, the catalog and the scene that `recover new` writes for a tool that nobody knows yet.
fn newcomer(house: &House) {
    house.run(&["new", "lamp", "--family", "tool"]).exits(0);
}

/// Puts something else into a file of the newcomer's.
fn changed(house: &House, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(house.path("work").join(file)).unwrap();
    assert!(text.contains(from), "no `{from}` in {file}");
    house.write(file, text.replace(from, to));
}

#[test]
fn a_tool_that_only_a_scene_plays_gets_the_same_proof() {
    let house = House::new();
    newcomer(&house);
    let trials = trials(&house.run(&["test", "lamp.yaml", "--faults", "--format", "json"]).exits(0));
    for mishap in [
        "tool-missing",
        "tool-hangs",
        "tool-always-hangs",
        "tool-hangs-at-end",
        "tool-crashes-midway",
        "tool-garbage",
        "exit-0-undone",
        "exit-0-halfway",
        "tool-stops-midway",
        "exit-1-done",
        "device-lost",
        "device-lost-midway",
        "ctrl-c-midway",
        "ctrl-c-twice",
        "term-midway",
        "kill-midway",
    ] {
        let of_write = trials.iter().find(|trial| trial["mishap"] == mishap && trial["step"] == "write");
        let end = of_write.unwrap_or_else(|| panic!("no {mishap}"))["end"].as_str().unwrap();
        let expected = match mishap {
            "tool-missing" => "tool-missing",
            "ctrl-c-twice" | "ctrl-c-midway" | "term-midway" => "interrupted",
            "kill-midway" => "killed",
            _ => "step-failed",
        };
        assert_eq!(end, expected, "{mishap}");
    }
    assert!(trials.iter().any(|trial| trial["step"] == "connect" && trial["mishap"] == "person-gone"));
}

/// A call that is tried again is no call that the scene does not declare.
#[test]
fn a_scene_answers_again_when_a_struck_call_is_retried() {
    let house = House::new();
    newcomer(&house);
    changed(&house, "lamp.yaml", "on: [no-answer]", "on: [no-answer, unknown, tool-broken]");
    for mishap in ["tool-crashes-midway", "tool-stops-midway", "exit-0-halfway"] {
        let name = format!("write {mishap}");
        let ran = house.run(&["test", "lamp.yaml", "--faults", "--filter", &name, "--format", "json"]).exits(0);
        assert_eq!(trials(&ran)[0]["end"], "mended", "{mishap}");
    }
}

#[test]
fn evidence_that_comes_before_the_work_is_done_is_found_out_in_a_scene() {
    let house = House::new();
    newcomer(&house);
    changed(&house, "vendor-tools.toml", "'^Verified OK'", "'^Writing'");
    house.run(&["test", "lamp.test.yaml", "--filter", "writes"]).exits(0);
    let ran = house.run(&["test", "lamp.yaml", "--faults"]).exits(1);
    ran.says("lamp.test.yaml › write tool-stops-midway")
        .says("broken: it never says recovered when the board does not hold the images")
        .says("the tool of write had not done its work")
        .says("1 broke a rule");
}

/// With weak evidence too, when what was written is read back.
#[test]
fn what_is_read_back_in_a_scene_shows_the_half_of_a_struck_write() {
    let house = House::new();
    newcomer(&house);
    changed(&house, "vendor-tools.toml", "'^Verified OK'", "'^Writing'");
    let read = "\n[[acmeflash.commands]]\nname = \"read\"\nwith = [\"read\"]\nreversible = true\nsuccess = ['^Read']\n";
    changed(&house, "vendor-tools.toml", "\n[[acmeflash.faults]]", &format!("{read}\n[[acmeflash.faults]]"));
    let steps = "  - id: read\n    run: acmeflash\n    device: loader\n    args: [read, \"${firmware_read}\"]\n    \
                 produces: firmware_read\n  - {id: compare, check: sha256(firmware_read) == sha256(firmware), \
                 message: It differs.}\n";
    changed(&house, "lamp.test.yaml", ", calls: [acmeflash write firmware.bin]", "");
    let playbook = std::fs::read_to_string(house.path("work/lamp.yaml")).unwrap();
    house.write("lamp.yaml", format!("{playbook}{steps}"));
    let scene = std::fs::read_to_string(house.path("work/works.scene.yaml")).unwrap();
    let call = "  - run: acmeflash\n    args: [read, \"*\"]\n    does: [{writes: {argument: 2}, copy_of: firmware.bin}, {out: \"Read\\n\"}]\n";
    house.write("works.scene.yaml", format!("{scene}{call}"));
    let ran = house.run(&["test", "lamp.yaml", "--faults", "--filter", "tool-stops-midway", "--format", "json"]);
    let write = trials(&ran.exits(0)).into_iter().find(|trial| trial["step"] == "write").unwrap();
    assert_eq!(write["end"], "step-failed");
}

#[test]
fn a_playbook_that_nothing_plays_has_no_trials() {
    let house = House::new();
    newcomer(&house);
    house.write("alone.yaml", std::fs::read(house.path("work/lamp.yaml")).unwrap());
    house.run(&["test", "alone.yaml", "--faults"]).exits(2).says("a case with a `scene:` that ends recovered");
}

#[test]
fn what_is_excused_counts_as_passed_until_it_is_mended() {
    let house = House::new();
    without_proof(&house);
    let tests = |answers: &str, trial: &str| {
        house.write(
            "board.test.yaml",
            format!(
                "format: 1\nplaybook: board.yaml\n{answers}cases: [{{name: plain, expect: {{outcome: recovered}}}}]\n\
                 excused:\n  - {{trial: '{trial}', reason: nobody can read it back}}\n"
            ),
        );
    };
    tests("answers: {consent: boot-fuse}\n", "sbl-* tool-lies");
    let ran = house.run(&["test", "board.test.yaml", "--faults", "--filter", "sbl-2 tool-lies"]).exits(0);
    ran.says("1 excused, 0 broke a rule");
    // Only a run of everything can tell that an excuse is not needed; a playbook without steps is quick.
    house.write("board.yaml", "format: 1\nboard: Camera\nvirtual_board: {model: plain-usb, id: \"1fc9:0135\"}\nsteps:\n  - {id: no, refuse: not this one}\n");
    tests("", "no kill");
    let ran = house.run(&["test", "board.test.yaml", "--faults"]).exits(1);
    ran.says("`no kill` excuses nothing: no such trial breaks a rule");
}

#[test]
fn a_filter_that_fits_nothing_is_told() {
    let house = House::new();
    let args = ["test", &shipped("arduino.yaml"), "--faults", "--filter", "no-such-fault"];
    house.run(&args).exits(2).says("trials has a name with all of: no-such-fault");
    house.run(&["test", "nowhere.yaml", "--faults"]).exits(2).says("nowhere.yaml is not there");
}

/// All of them are for a release build, see `.ci/run`.
#[test]
fn a_run_that_is_cut_anywhere_is_made_good_by_the_next() {
    let house = House::new();
    let args = ["test", &shipped("h7.yaml"), "--cuts", "--shard", "7/30", "--format", "json"];
    let ran = house.run_within(Duration::from_secs(300), &args).exits(0);
    let cuts: Vec<Value> = ran.events().into_iter().filter(|event| event["event"] == "cut").collect();
    let told = |key: &str| cuts.iter().map(|cut| cut[key].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(told("cut"), ["killed", "power-lost", "unplugged"].map(str::to_owned).into());
    assert_eq!(told("end"), ["recovered".to_owned()].into());
    assert!(cuts.iter().any(|cut| cut["cuts"].as_u64() > Some(1)), "no two cuts leave the same");
}

/// Nothing makes the person plug in what was pulled out before the first step.
#[test]
fn a_playbook_that_cannot_begin_without_power_is_found_by_a_cut() {
    let house = House::new();
    house.run(&["new", "Lamp"]).exits(0);
    changed(&house, "lamp.yaml", "hands: [unplug, fit-jumper, plug-in]", "hands: [fit-jumper, press-button]");
    let name = "write page-1 unplugged";
    let ran = house.run(&["test", "lamp.yaml", "--cuts", "--filter", name]).exits(1);
    ran.says("lamp.test.yaml › write page-1 unplugged")
        .says("broken: running again ends as a run without the mishap")
        .says("it ended device-unavailable")
        .says("recover test lamp.test.yaml --cuts --filter 'write page-1 unplugged'")
        .says("1 tried, 1 broke a rule");
    house.run(&["test", "lamp.yaml", "--cuts", "--filter", "write page-1 killed"]).exits(0).says("0 broke a rule");
    house.run(&["test", "lamp.yaml", "--cuts", "--filter", "no-such-cut"]).exits(2).says("no-such-cut");
}

#[test]
fn runs_without_a_virtual_board_cannot_be_cut() {
    let house = House::new();
    newcomer(&house);
    house.run(&["test", "lamp.yaml", "--cuts"]).exits(2).says("add `virtual_board:`");
}
