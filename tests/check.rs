//! `recover check`: what stands in `playbooks/valid` is right, what stands in `playbooks/invalid` is told as recorded.
//!
//! With `RECOVER_BLESS=1` the recorded texts are written anew; read them before they are committed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recover::bench::VirtualModel;
use recover::cli::diagnostics::render;
use recover::cli::style::Look;
use recover::documents::catalog::{Catalog, merge, shipped_source};
use recover::documents::playbook::{check, load};
use recover::words::{Code, Diagnostic, Source};
use serde_json::{Value, json};

use crate::support::House;

fn samples(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks").join(kind);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn faults_of(file: &Path, catalog: &Catalog) -> Vec<Diagnostic> {
    let read = |path: &Path, name: &str| {
        let text = std::fs::read_to_string(path).map_err(|_| "there is no such file".to_owned())?;
        Ok(Arc::new(Source { name: name.to_owned(), text }))
    };
    let folder = file.parent().unwrap();
    let source = read(file, &file.file_name().unwrap().to_string_lossy()).unwrap();
    let loaded = load(&source, &|name| read(&folder.join(name), name));
    let mut faults = loaded.diagnostics;
    faults.extend(loaded.playbook.iter().flat_map(|playbook| check(playbook, catalog)));
    faults.extend(loaded.playbook.iter().flat_map(|playbook| VirtualModel::check(playbook, catalog)));
    faults
}

fn catalog() -> Catalog {
    merge(&[shipped_source()]).unwrap()
}

#[test]
fn valid_playbooks_have_no_faults() {
    let catalog = catalog();
    for file in samples("valid") {
        let faults = faults_of(&file, &catalog);
        assert!(faults.is_empty(), "{}", render(&faults, &Look::plain()));
    }
}

#[test]
fn invalid_playbooks_are_told_as_recorded() {
    let bless = std::env::var_os("RECOVER_BLESS").is_some();
    let catalog = catalog();
    let mut differing = Vec::new();
    for file in samples("invalid") {
        let told = render(&faults_of(&file, &catalog), &Look::plain());
        let record = file.with_extension("txt");
        if bless {
            std::fs::write(&record, &told).unwrap();
        } else if std::fs::read_to_string(&record).unwrap_or_default() != told {
            differing.push(format!("{}:\n{told}", file.display()));
        }
        assert!(!told.is_empty(), "{} has no fault", file.display());
    }
    assert!(differing.is_empty(), "{}\nRECOVER_BLESS=1 records the new texts", differing.join("\n"));
}

/// Told elsewhere than of playbooks, and where that is shown.
const OF_NO_PLAYBOOK: [(Code, &str); 6] = [
    (Code::Unreadable, "`what_cannot_be_tested_is_told` in proving.rs: a test file's playbook"),
    (Code::UnknownMishap, "the same: a test file names it"),
    (Code::UnmetExpectation, "`annotations_for_github` in proving.rs: a case's run"),
    (Code::UnnoticedChange, "shipped_suite.rs: `recover test --mutate`"),
    (Code::ShadowedPattern, "catalogs.rs: a catalog"),
    (Code::NotSigned, "the tests in signed: `--signed-by`"),
];

/// Nobody looks up what no document can bring about.
#[test]
fn every_code_is_explained_and_struck_by_a_sample() {
    let catalog = catalog();
    let struck: BTreeSet<Code> =
        samples("invalid").iter().flat_map(|file| faults_of(file, &catalog)).map(|fault| fault.code).collect();
    let excepted = |code: &Code| OF_NO_PLAYBOOK.iter().any(|(except, _)| except == code);
    let missing: Vec<&Code> = Code::ALL.iter().filter(|code| !struck.contains(code) && !excepted(code)).collect();
    assert!(missing.is_empty(), "no sample in tests/playbooks/invalid has {missing:?}");
    let needless: Vec<&Code> = struck.iter().filter(|code| excepted(code)).collect();
    assert!(needless.is_empty(), "there are samples: {needless:?}");
    let mut words = BTreeSet::new();
    for code in Code::ALL {
        let explanation = code.explanation();
        assert!(explanation.about.ends_with('.') && explanation.wrong != explanation.right, "{code}");
        assert!(!explanation.wrong.is_empty() && !explanation.right.is_empty(), "{code}");
        assert!(code.word().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
        assert!(words.insert(code.word()), "two codes are called {code}");
    }
}

#[test]
fn a_code_can_be_looked_up() {
    let house = House::new();
    house.run(&["explain", "unknown-key"]).exits(0).says("No such key can stand here.").says("- wiat: {present: rom}");
    let all = house.run(&["explain"]).exits(0).stdout;
    assert!(Code::ALL.iter().all(|code| all.contains(code.word())), "{all}");
    house.run(&["explain", "unknown-kye"]).exits(2).says("there is no code `unknown-kye`; did you mean `unknown-key`?");
    house.run(&["explain", "zzz"]).exits(2).says("`recover explain` lists all of them");
}

/// A folder with a playbook that is right, one with a fault in a procedure's second call, and one with a warning.
fn folder_of_boards() -> House {
    let house = House::new();
    house.write("boards/right.yaml", "format: 1\nboard: Right\nsteps: [{refuse: Not yet.}]\n");
    house.write(
        "boards/wrong.yaml",
        "format: 1\nboard: Wrong\nprocedures:\n  look:\n    parameters: {what: a file}\n    steps: [{check: 'size(${what}) > 0'}]\n\
         steps:\n  - do: look\n    with: {what: nothing}\n  - wiat: {present: rom}\n",
    );
    house.write("boards/lib/family.yaml", "format: 1\nparameters: {a: something}\nsteps: [{refuse: '${a}'}]\n");
    house.write("boards/more/broken.test.yaml", "format: 1\ncases: []\n");
    house.write("boards/more/vendor-tools.toml", "[flasher]\nsumary = \"x\"\n");
    house.write("boards/other.yaml", "jobs: {build: {steps: []}}\n");
    house
}

#[test]
fn a_folder_is_checked_by_what_its_documents_are() {
    let house = folder_of_boards();
    let ran = house.run(&["check", "boards"]).exits(3).says("boards/right.yaml: nothing wrong");
    let ran =
        ran.says("boards/wrong.yaml:10:5").says("broken.test.yaml:2:8").says("vendor-tools.toml:1:2").says("4 errors");
    ran.says("1 family or shared test file is looked at where something uses them").never_says("other.yaml");
    house.write("empty/readme.txt", "");
    house.run(&["check", "empty"]).exits(2).says("below empty is nothing that could be checked");
}

#[test]
fn programs_are_told_of_each_fault() {
    let house = folder_of_boards();
    let told = house.run(&["check", "boards/wrong.yaml", "--format", "json"]).exits(3).stdout;
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |code: &str| lines.iter().find(|line| line["code"] == code).unwrap_or_else(|| panic!("no {code} in {told}"));
    let unknown = of("unknown-key");
    assert_eq!((&unknown["event"], &unknown["severity"]), (&"diagnostic".into(), &"error".into()));
    let place = json!({"file": "boards/wrong.yaml", "line": 10, "column": 5, "end_line": 10, "end_column": 9});
    assert_eq!((&unknown["place"], &unknown["hint"]), (&place, &"did you mean `wait`?".into()));
    assert_eq!(of("unknown-name")["called_at"][0]["line"], 8);
    assert_eq!(lines.last().unwrap(), &json!({"event": "finished", "errors": lines.len() - 1, "warnings": 0}));

    let told = house.run(&["check", "boards/wrong.yaml", "--format", "github"]).exits(3);
    told.says("::error file=boards/wrong.yaml,line=10,col=5,title=unknown-key::a step has no key `wiat`");

    let told = house.run(&["check", "boards/wrong.yaml", "--format", "sarif"]).exits(3).stdout;
    let report: Value = serde_json::from_str(&told).unwrap();
    let run = &report["runs"][0];
    let result = run["results"].as_array().unwrap().iter().find(|result| result["ruleId"] == "unknown-name").unwrap();
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "boards/wrong.yaml");
    assert_eq!(result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"], 8);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == "unknown-name" && rule["help"]["text"].is_string()), "{told}");
}

#[test]
fn warnings_are_as_bad_as_errors_when_asked_for() {
    let house = House::new();
    house.write(
        "camera.yaml",
        "format: 1\nboard: Camera\ndevices: {rom: {usb: \"0483:df11\", label: ROM}}\n\
         steps: [{wait: {present: rom}, timeout: 5s}]\n",
    );
    house.run(&["check", "camera.yaml"]).exits(0).says("warning[shared-id]");
    house.run(&["check", "camera.yaml", "--deny-warnings"]).exits(3);
}

/// Each of them with its place, its line and a hint; nothing is run, and the faults decide the exit code.
#[test]
fn all_faults_of_a_playbook_are_told_at_once() {
    let house = House::new();
    house.write(
        "camera.yaml",
        r#"format: 1
board: Camera
inputs:
  firmware: {file: firmware.bin, max_sise: 0x1000}
devices:
  rom: {usb: "1fc9:135"}
steps:
  - run: bluhost
    args: ["-u", "0x15A2,0x0073", "--", "get-property", "1"]
  - run: dfu-util
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${firmwear}"]
  - prompt: Connect the camera.
    refuse: It is too old.
  - wait: {present: flashloader}
    timeout: 30s
  - wait: {gone: rom}
    timeout: 30
"#,
    );
    let ran = house.run(&["check", "camera.yaml"]).exits(3);
    for (place, line, hint) in [
        ("camera.yaml:4:34", "firmware: {file: firmware.bin, max_sise: 0x1000}", "did you mean `max_size`?"),
        ("camera.yaml:6:15", "rom: {usb: \"1fc9:135\"}", "`1fc9:0135`"),
        ("camera.yaml:8:10", "- run: bluhost", "did you mean `blhost`?"),
        ("camera.yaml:11:72", "\"${firmwear}\"", "did you mean `firmware`?"),
        ("camera.yaml:13:5", "refuse: It is too old.", "make it two steps"),
        ("camera.yaml:14:21", "- wait: {present: flashloader}", "flashloader"),
        ("camera.yaml:17:14", "timeout: 30", "did you mean `30s`?"),
    ] {
        assert!(ran.text().contains(place), "{place} is missing:\n{}", ran.text());
        assert!(ran.text().contains(line), "{line} is missing:\n{}", ran.text());
        assert!(ran.text().contains(hint), "{hint} is missing:\n{}", ran.text());
    }
    assert!(ran.text().contains("7 errors"), "{}", ran.text());
    assert_eq!(house.run(&["--playbook", "camera.yaml", "--simulate"]).exits(3).stderr, ran.stderr);
    house.write("vendor-tools.toml", "[blhost]\nsumary = \"x\"\n");
    house.run(&["check", "camera.yaml"]).exits(3).says("vendor-tools.toml:2:1");
}

#[test]
fn shipped_playbooks_have_no_faults() {
    let house = House::new();
    for name in recover::documents::library::shipped_boards() {
        house.run(&["check", name]).exits(0).says("nothing wrong");
    }
}

/// A catalog is checked as a playbook is; faults that can never decide are told, with the place.
#[test]
fn catalogs_are_checked_too() {
    let house = House::new();
    let tool = "[[flasher.faults]]\npattern = 'Error:'\nclass = \"refused\"\nmessage = \"x\"\n[[flasher.faults]]\npattern = \
                'Error: no board'\nclass = \"no-device\"\nmessage = \"y\"\n[flasher]\nsummary = \"flashes\"\nprograms = \
                [\"flasher\"]\nversion = { args = [\"-V\"], flavours = [{ pattern = '(?P<version>\\d+)' }] }\ncommands = [{ \
                name = \"write\", with = [\"write\"] }]\n";
    house.write("flasher.toml", tool);
    let ran = house.run(&["check", "flasher.toml"]).exits(0);
    assert!(ran.text().contains("flasher.toml:5:1") && ran.text().contains("can never decide"), "{}", ran.text());
    house.write("flasher.toml", tool.replace("'Error:'", "'Error: other'"));
    house.run(&["check", "flasher.toml"]).exits(0).says("flasher.toml: nothing wrong");
    house.write("flasher.toml", tool.replace("summary", "sumary"));
    house.run(&["check", "flasher.toml"]).exits(3).says("unknown key `sumary`");
    house.write("shipped.toml", include_str!("../vendor-tools.toml"));
    house.run(&["check", "shipped.toml"]).exits(0).says("shipped.toml: nothing wrong");
}
