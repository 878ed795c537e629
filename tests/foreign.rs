//! A repository of somebody else, hostile to the bone: `check`, `test`, simulations and dry runs start none of its programs,
//! and neither read nor write anything outside of it and of folders that recover makes itself.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::House;

/// What nobody may read, nor change.
const SECRET: &str = "the secret of the house";

/// A house with a secret in its home, and programs that would leave a trace.
fn house() -> House {
    let mut house = House::new();
    std::fs::write(house.path("home/secret.bin"), SECRET).unwrap();
    std::fs::write(house.path("home/profile"), "as it was").unwrap();
    let evil = house.script("evil", &format!("echo run > {}\n", house.path("home/pwned").display()));
    for tool in ["dfu-util", "blhost", "sdphost", "STM32_Programmer_CLI", "acme"] {
        std::fs::copy(&evil, house.path("work").join(tool)).unwrap();
    }
    let path = house.path("work");
    house.set("PATH", path);
    house
}

/// Everything in the home and beside the working folder, but for what recover writes for itself there.
fn around(house: &House) -> BTreeMap<PathBuf, Vec<u8>> {
    fn collect(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                collect(&path, into);
            } else {
                into.insert(path.clone(), std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    let mut found = BTreeMap::new();
    for name in ["home", "run"] {
        collect(&house.path(name), &mut found);
    }
    found.retain(|path, _| !path.starts_with(house.path("home/state")));
    found
}

/// Every way in which somebody looks at a repository before they use it.
fn look_at(house: &House, names: &[&str]) {
    let before = around(house);
    let mut said = String::new();
    for name in names {
        for args in [
            &["check", name][..],
            &["test", name],
            &["test", name, "--faults"],
            &["run", name, "--simulate", "--non-interactive"],
            &["run", name, "--dry-run"],
            &["run", name, "--scene", "hostile.scene.yaml", "--non-interactive"],
            &["list", name],
        ] {
            said.push_str(&house.run(args).text());
        }
    }
    assert_eq!(around(house), before, "{said}");
    assert!(!house.path("home/pwned").exists(), "a program was started: {said}");
    assert!(!said.contains(SECRET), "{said}");
}

const HEAD: &str = "format: 1\nboard: Camera\ninputs: {image: {file: image.bin, example_size: 5000}}\n\
    devices: {rom: {usb: \"0483:df11\", identifies: no}, running: {usb: \"37c5:1204\"}}\n\
    virtual_board: {model: stm32-dfu-rom, layout: \"@Internal Flash  /0x08000000/16*001Kg\"}\n";
const WRITE: &str = r#"{id: call, run: dfu-util, device: rom, args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${image}"], timeout: 9s}"#;

/// Without this, all that follows would be refused for another reason than the one that is meant.
#[test]
fn what_is_harmless_passes() {
    let house = house();
    one_call(&house, "  file: {default: x, help: x}\n", WRITE);
    house.run(&["check", "hostile.yaml", "hostile.test.yaml"]).exits(0);
    house.run(&["test", "hostile.test.yaml"]).exits(0);
    house.run(&["run", "hostile.yaml", "--simulate", "--non-interactive"]).exits(0);
    look_at(&house, &["hostile.yaml", "hostile.test.yaml"]);
    assert!(around(&house).len() >= 2, "the secret and the profile");
}

/// A playbook of one call, and a case that runs it.
fn one_call(house: &House, variables: &str, call: &str) {
    house.write("hostile.yaml", format!("{HEAD}variables:\n{variables}steps:\n  - {{id: wait, prompt: Now., hands: [unplug, fit-jumper, plug-in], until: {{present: rom}}, timeout: 60s}}\n  - {call}\n"));
    house.write(
        "hostile.test.yaml",
        "format: 1\nplaybook: hostile.yaml\ncases:\n  - {name: one, answers: {which-board: yes}, expect: {outcome: recovered}}\n",
    );
    house.write("hostile.scene.yaml", "format: 1\ntools: {dfu-util: {version: \"dfu-util 0.11\\n\"}}\ncalls: []\n");
}

#[test]
fn no_variable_leads_a_tool_out_of_the_runs_folder() {
    let house = house();
    let secret = house.path("home/secret.bin").display().to_string();
    let profile = house.path("home/profile").display().to_string();
    let args =
        |text: &str| format!("{{id: call, run: dfu-util, device: rom, args: [{text}], expect: '.', timeout: 9s}}");
    let (read, write) = (
        args(r#""-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${file}""#),
        args(r#""-d", ",0483:df11", "-a", "0", "-s", "0x08000000:5000", "-U", "${file}""#),
    );
    for path in [&secret, &profile, "../../home/profile", "~/profile"] {
        for call in [&read, &write] {
            one_call(&house, &format!("  file: {{default: \"{path}\", help: x}}\n"), call);
            look_at(&house, &["hostile.yaml", "hostile.test.yaml"]);
        }
    }
    // The name of a file that the playbook writes, of one that it produces, and of an input.
    for step in [
        "{id: call, write: {name: text, file: ../../home/profile, text: gone}}",
        "{id: call, write: {name: text, file: /etc/passwd, text: gone}}",
        "{id: call, run: dfu-util, device: rom, args: [\"-U\", \"${../../home/profile}\"], produces: ../../home/profile}",
    ] {
        one_call(&house, "  file: {default: x, help: x}\n", step);
        look_at(&house, &["hostile.yaml", "hostile.test.yaml"]);
    }
}

#[test]
fn links_and_paths_in_the_documents_lead_nowhere() {
    let house = house();
    let secret = house.path("home/secret.bin");
    symlink(&secret, house.path("work/image.bin")).unwrap();
    symlink(&secret, house.path("work/link.yaml")).unwrap();
    symlink(house.path("home"), house.path("work/folder")).unwrap();
    let case = |more: &str| {
        house.write(
            "hostile.test.yaml",
            format!(
                "format: 1\nplaybook: hostile.yaml\ncases:\n  - {{name: one, {more}, expect: {{outcome: recovered}}}}\n"
            ),
        );
    };
    one_call(&house, "  file: {default: x, help: x}\n", WRITE);
    for more in [
        "files: {image: {file: image.bin}}",
        "files: {image: {file: folder/secret.bin}}",
        "files: {image: {file: ../home/secret.bin}}",
        "scene: folder/scene.yaml",
        "scene: ../home/secret.bin",
        "board: {flash: {start: 0x08000000, layout: \"../../../home\"}}",
    ] {
        case(more);
        look_at(&house, &["hostile.yaml", "hostile.test.yaml"]);
    }
    for uses in ["uses: link.yaml", "uses: folder/secret.bin", "uses: ../home/secret.bin", "uses: /etc/passwd"] {
        house.write("hostile.yaml", format!("format: 1\nboard: Camera\n{uses}\nsteps: [{{refuse: no}}]\n"));
        look_at(&house, &["hostile.yaml", "hostile.test.yaml"]);
    }
}

#[test]
fn no_catalog_of_the_repository_starts_a_program() {
    let house = house();
    let evil = house.path("work/evil").display().to_string();
    let call = r#"{id: call, run: acme, device: rom, args: ["write"], expect: '.', timeout: 9s}"#;
    one_call(&house, "  file: {default: x, help: x}\n", call);
    let version = "version = { args = [\"-V\"], flavours = [{ pattern = '(?P<version>1)' }] }";
    let commands = "commands = [{ name = \"write\", with = [\"write\"], reversible = true, success = ['.'] }]";
    for table in [
        format!(
            "[acme]\nsummary = \"x\"\nprograms = [\"evil\"]\nfolders = [\"{}\"]\n{version}\n{commands}\n",
            house.path("work").display()
        ),
        format!(
            "[acme]\nsummary = \"x\"\nprograms = [\"sh\"]\nfirst_args = [\"-c\", \"{evil}\"]\n{version}\n{commands}\n"
        ),
        format!("[acme]\nsummary = \"x\"\nvia = [[\"{evil}\"]]\n{version}\n{commands}\n"),
        format!(
            "[acme]\nlike = \"dfu-util\"\nsummary = \"x\"\nprograms = [\"evil\"]\nenvironment = {{ LD_PRELOAD = \"{evil}\" }}\n"
        ),
        format!(
            "[dfu-util]\nprograms = [\"evil\"]\nfolders = [\".\"]\n[environment]\nset = {{ PATH = \"{}\" }}\n",
            house.path("work").display()
        ),
    ] {
        house.write("vendor-tools.toml", table);
        look_at(&house, &["hostile.yaml", "hostile.test.yaml"]);
    }
}

#[test]
fn no_scene_reads_or_writes_elsewhere() {
    let house = house();
    let call = r#"{id: call, run: dfu-util, args: ["-l"], timeout: 9s}"#;
    let play = |does: &str| {
        house.write("hostile.yaml", format!("format: 1\nboard: Camera\nsteps:\n  - {call}\n"));
        house.write(
            "hostile.scene.yaml",
            format!(
                "format: 1\ntools: {{dfu-util: {{version: \"dfu-util 0.11\\n\"}}}}\n\
                 calls: [{{run: dfu-util, args: [-l], out: \"Found DFU: [x\\n\", does: [{{{does}}}]}}]\n"
            ),
        );
        look_at(&house, &["hostile.yaml"]);
        house.run(&["run", "hostile.yaml", "--scene", "hostile.scene.yaml", "--non-interactive"])
    };
    play("writes: a.bin, size: 10").exits(0);
    let secret = house.path("home/secret.bin").display().to_string();
    for does in [
        "writes: ../../home/profile, size: 10".to_owned(),
        "writes: /tmp/../etc/passwd, size: 10".to_owned(),
        "writes: a.bin, copy_of: ../../home/secret.bin".to_owned(),
        format!("writes: a.bin, copy_of: {secret}"),
    ] {
        play(&does).exits(3).says("a mock tool writes and reads only below");
    }
}

/// What no form of the catalog describes passes `check`, so that the gate alone stands there.
#[test]
fn a_path_stops_at_the_gate_where_nothing_else_looks() {
    let house = house();
    house.write(
        "vendor-tools.toml",
        "[acme]\nsummary = \"x\"\nprograms = [\"acme\"]\nversion = { args = [\"-V\"], flavours = [{ pattern = '(?P<version>1)' }] }\n\
         commands = [{ name = \"write\", with = [\"write\"], reversible = true, success = ['written'] }]\n",
    );
    let scene = "format: 1\ntools: {acme: {version: \"1\\n\"}}\ncalls:\n  - {run: acme, args: [write, \"*\"], repeat: yes, out: \"written\\n\"}\n";
    let call = r#"{id: call, run: acme, args: ["write", "${file}"], timeout: 9s}"#;
    let refused = |path: &str| {
        house.write(
            "hostile.yaml",
            format!(
                "format: 1\nboard: Camera\nvariables: {{file: {{default: \"{path}\", help: x}}}}\nsteps: [{call}]\n"
            ),
        );
        house.write("hostile.scene.yaml", scene);
        house.run(&["check", "hostile.yaml"]).exits(0);
        let run = ["run", "hostile.yaml", "--scene", "hostile.scene.yaml", "--non-interactive"];
        (house.run(&[&run[..], &["--dry-run"]].concat()), house.run(&run))
    };
    let (planned, ran) = refused("a.bin");
    planned.exits(0).never_says("would not be started");
    ran.exits(0);
    let secret = house.path("home/secret.bin").display().to_string();
    for path in [secret.as_str(), "../x", "~/x", "x=/etc/passwd", "a,/etc/passwd", "C:\\\\x", ".."] {
        let (planned, ran) = refused(path);
        let told = planned.exits(1).says("! acme would not be started").says("error: acme would not be started");
        told.says("names a file by a path");
        ran.exits(1).says("acme was not started").says("names a file by a path");
    }
    assert!(!house.path("home/pwned").exists());
}
