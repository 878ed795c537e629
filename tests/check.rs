//! `recover check`: what stands in `playbooks/valid` is right, what stands in `playbooks/invalid` is told as recorded.
//!
//! With `RECOVER_BLESS=1` the recorded texts are written anew; read them before they are committed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use recover::bench::VirtualModel;
use recover::cli::diagnostics::render;
use recover::cli::style::Look;
use recover::documents::catalog::{Catalog, merge, shipped_source};
use recover::documents::playbook::{check, load};
use recover::words::{Diagnostic, Source};

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
    faults.extend(loaded.playbook.iter().flat_map(VirtualModel::check));
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
