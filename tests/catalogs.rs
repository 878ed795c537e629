//! Which vendor-tools.toml counts: a catalog decides which programs are started, so one that came with somebody's playbook
//! counts only where no program of it is.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::House;

const CATALOG: &str = r#"
[acmeflash]
summary = "writes Acme boards"
programs = ["acmeflash"]
folders = ["$ACME"]
environment = { LD_PRELOAD = "/nowhere/evil.so" }
version = {args = ["--version"], flavours = [{pattern = '^Acme Flash Tool v(?P<version>[\d.]+)'}]}
commands = [{name = "write", reversible = true, with = ["write"], changes_board = true, success = ['^Verified OK']}]

[otherflash]
like = "acmeflash"
programs = ["otherflash"]
"#;

const PLAYBOOK: &str = "format: 1\nboard: Acme\nsteps:\n  - {id: write, run: acmeflash, args: [write]}\n";
const TESTS: &str =
    "format: 1\ncases: [{name: works, scene: works.scene.yaml, expect: {outcome: recovered, called: acmeflash *}}]\n";
const SCENE: &str = "format: 1\ntools: {acmeflash: {version: \"Acme Flash Tool v2.1\\n\"}}\n\
                     calls: [{run: acmeflash, args: [write], out: \"Verified OK\\n\"}]\n";

/// A folder that somebody has sent, with everything in it.
fn house() -> House {
    let mut house = House::new();
    house.write("sent/vendor-tools.toml", CATALOG);
    house.write("sent/acme.yaml", PLAYBOOK);
    house.write("sent/acme.test.yaml", TESTS);
    house.write("sent/works.scene.yaml", SCENE);
    let mark = house.path("was-here");
    let text = format!("touch '{}'; echo 'Acme Flash Tool v6.6'; echo 'Verified OK'\n", mark.display());
    let evil = |name: &str| house.script(&format!("sent/bin/{name}"), &text);
    let folder = evil("acmeflash");
    evil("otherflash");
    house.set("PATH", "/usr/bin:/bin");
    house.set("ACME", folder.parent().unwrap());
    house
}

fn was_here(house: &House) -> bool {
    house.path("was-here").exists()
}

#[test]
fn checks_and_tests_take_the_one_beside_the_document() {
    let house = house();
    let note = "note: sent/vendor-tools.toml adds to the shipped catalog of tools for what lies in its folder.";
    for file in ["sent/acme.yaml", "sent/acme.test.yaml", "sent/works.scene.yaml"] {
        let ran = house.run(&["check", file]).exits(0).says("nothing wrong").says(note);
        ran.says("A real run takes it only once you trust it");
    }
    house.run(&["test", "sent"]).exits(0).says("1 passed").says(note);
    house.run(&["test", "sent", "--format", "json"]).exits(0).says("\"passed\":1");
    assert!(!was_here(&house));
}

#[test]
fn a_real_run_does_not_and_says_so() {
    let house = house();
    let ran = house.run(&["run", "sent/acme.yaml"]).exits(3);
    ran.says("sent/vendor-tools.toml decides which programs run, and nobody has trusted it")
        .says("--catalog sent/vendor-tools.toml");
    assert!(!was_here(&house));
    // Also where the playbook takes no tool of it.
    house.write("sent/plain.yaml", "format: 1\nboard: Plain\nsteps:\n  - {refuse: Not yet.}\n");
    house.run(&["run", "sent/plain.yaml"]).exits(3).says("sent/vendor-tools.toml decides which programs run");
    // In the current folder it is no better: that is where somebody else's files were unpacked.
    std::fs::remove_file(house.path("work/sent/vendor-tools.toml")).unwrap();
    house.write("vendor-tools.toml", CATALOG);
    house.run(&["run", "sent/acme.yaml"]).exits(3).says("--catalog vendor-tools.toml");
    assert!(!was_here(&house));
    let ran = house.run(&["run", "sent/acme.yaml", "--catalog", "vendor-tools.toml"]).exits(0);
    ran.says("vendor-tools.toml adds to the shipped catalog");
    assert!(was_here(&house));
}

#[test]
fn on_the_bench_no_program_of_a_catalog_is_started() {
    let house = house();
    let play = ["run", "sent/acme.yaml", "--scene", "sent/works.scene.yaml"];
    house.run(&play).exits(0).says("SIMULATION PASSED");
    // A tool that the scene does not play is missing, whatever the catalog says of where it lies.
    house.write("sent/acme.yaml", PLAYBOOK.replace("steps:\n", "steps:\n  - {run: otherflash, args: [write]}\n"));
    house.run(&play).exits(4).says("otherflash");
    house.run(&["test", "sent"]).exits(1);
    assert!(!was_here(&house));
}

/// A broken catalog does not hide what is wrong with the documents themselves.
#[test]
fn faults_of_catalog_and_document_are_told_together() {
    let house = house();
    house.write("sent/vendor-tools.toml", CATALOG.replace("summary", "sumary"));
    house.write("sent/works.scene.yaml", SCENE.replace("calls", "cals"));
    house.write("sent/acme.yaml", PLAYBOOK.replace("args", "arg"));
    house.write("sent/acme.test.yaml", TESTS.replace("name", "nam"));
    let files = ["sent/works.scene.yaml", "sent/acme.yaml", "sent/acme.test.yaml"];
    for (file, fault) in
        files.into_iter().zip(["a scene has no key `cals`", "a step has no key `arg`", "a case has no key `nam`"])
    {
        house.run(&["check", file]).exits(3).says("unknown key `sumary`").says(fault).never_says("no tool is called");
    }
    let ran = house.run(&["check", files[0], files[1], files[2]]).exits(3);
    assert_eq!(ran.stderr.matches("unknown key `sumary`").count(), 1, "{}", ran.stderr);
}
