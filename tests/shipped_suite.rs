//! The shipped playbooks pass their own tests, and those leave nothing out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use recover::bench::Bench;
use recover::documents::cases;
use recover::documents::library::{shipped_boards, shipped_family, shipped_playbook};
use recover::documents::playbook;

use crate::support::{House, document, playbooks};

#[test]
fn every_case_of_every_shipped_playbook_passes() {
    // One after the other: each file fills both processors by itself.
    for board in shipped_boards() {
        let file = playbooks().join(format!("{board}.test.yaml"));
        House::new().run(&["test", file.to_str().unwrap()]).exits(0).says(", 0 failed");
    }
}

#[test]
fn every_starting_state_and_fault_is_in_some_case() {
    for board in shipped_boards() {
        let tests = document(&format!("{board}.test.yaml")).unwrap_or_else(|error| panic!("{board}: {error}"));
        let family = |path: &str| shipped_family(path).ok_or_else(|| format!("{path} is not shipped"));
        let playbook = playbook::load(&shipped_playbook(board).unwrap(), &family).playbook.unwrap();
        let inputs = |_: Option<&str>| {
            let file = |input: &playbook::Input| cases::InputFile { name: input.name.to_string(), file: String::new() };
            Some(playbook.inputs.iter().map(file).collect())
        };
        let tests = cases::load(&tests, &document, &inputs).tests.unwrap();
        let used: BTreeSet<&str> =
            tests.cases.iter().flat_map(|case| &case.simulate).map(|name| name.value.as_str()).collect();
        for (name, _) in Bench::names(&playbook).unwrap() {
            assert!(used.contains(name), "{board}: no case simulates `{name}`");
        }
    }
}

/// All playbooks take minutes; `.ci/run` tries them.
#[test]
fn every_mutant_of_a_small_playbook_is_noticed_or_listed() {
    let file = playbooks().join("arduino.test.yaml");
    let ran = House::new().run(&["test", "--mutate", file.to_str().unwrap()]).exits(0);
    ran.says("0 unnoticed").says("4 listed as such").never_says("warning");
}

/// Each change is in one of the parts, and in no other.
#[test]
fn parts_of_the_mutants_are_all_of_them() {
    let file = playbooks().join("arduino.test.yaml");
    let (house, file) = (House::new(), file.to_str().unwrap());
    let mutants = |more: &[&str]| -> Vec<String> {
        let ran = house.run(&[&["test", "--mutate", "--filter", "giga", "--format", "json", file], more].concat());
        let told = ran.exits(0).events().into_iter().filter(|line| line["event"] == "mutant");
        told.map(|line| format!("{} {}:{}", line["name"], line["line"], line["column"])).collect()
    };
    let mut all = mutants(&[]);
    let mut parts: Vec<String> = ["1/3", "2/3", "3/3"].iter().flat_map(|part| mutants(&["--shard", part])).collect();
    all.sort();
    parts.sort();
    assert!(all.len() > 3, "{all:?}");
    assert_eq!(parts, all);
    house.run(&["test", "--mutate", "--shard", "0/3", file]).exits(2).says("K from 1 to N");
}

#[test]
fn a_mutant_that_nobody_notices_is_told_with_its_place() {
    let house = House::new();
    house.write("arduino.yaml", std::fs::read(playbooks().join("arduino.yaml")).unwrap());
    let tests = |more: &str| {
        format!(
            "format: 1\ncases:\n  - name: nothing there\n    simulate: absent\n    expect: {{outcome: \
             refused-by-playbook, step: no-arduino}}\n{more}"
        )
    };
    house.write("arduino.test.yaml", tests(""));
    let ran = house.run(&["test", "--mutate", "arduino.test.yaml"]).exits(1);
    ran.says("giga: dropped").says("arduino.yaml:");
    let more = "unnoticed:\n  - {mutant: '*', reason: all}\n  - {mutant: 'giga: dropt', reason: none}\n";
    house.write("arduino.test.yaml", tests(more));
    let ran = house.run(&["test", "--mutate", "arduino.test.yaml"]).exits(0);
    ran.says("warning[unused]: no change has this name").says("0 unnoticed");
}

#[test]
fn changes_are_tried_only_where_the_cases_pass() {
    let house = House::new();
    house.write("arduino.yaml", std::fs::read(playbooks().join("arduino.yaml")).unwrap());
    let case = "format: 1\ncases:\n  - {name: wrong, simulate: absent, expect: {outcome: recovered}}\n";
    house.write("arduino.test.yaml", case);
    let ran = house.run(&["test", "--mutate", "arduino.test.yaml"]).exits(1);
    ran.says("1 of 1 case failed").says("Make the cases pass first").says("no change was tried").never_says("mutants,");
}
