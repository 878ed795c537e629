//! Test files that are wrong are told as recorded, and `recover check` knows them.
//!
//! With `RECOVER_BLESS=1` the recorded texts are written anew; read them before they are committed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};

use crate::support::House;

fn invalid() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/test_files/invalid")
}

#[test]
fn wrong_test_files_are_told_as_recorded() {
    let bless = std::env::var_os("RECOVER_BLESS").is_some();
    let house = House::new();
    for file in ["board.yaml", "shared/cases.yaml"] {
        house.write(file, std::fs::read(invalid().join(file)).unwrap());
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(invalid()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".test.yaml"));
    files.sort();
    assert!(!files.is_empty());
    let mut differing = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        house.write(name, std::fs::read(&file).unwrap());
        let told = house.run(&["check", name]).exits(3).stderr;
        assert_eq!(house.run(&["test", name]).exits(3).stderr, told, "{name}");
        let record = file.with_extension("txt");
        if bless {
            std::fs::write(&record, &told).unwrap();
        } else if std::fs::read_to_string(&record).unwrap_or_default() != told {
            differing.push(format!("{name}:\n{told}"));
        }
    }
    assert!(differing.is_empty(), "{}\nRECOVER_BLESS=1 records the new texts", differing.join("\n"));
}

#[test]
fn a_test_file_that_is_right_is_told_so() {
    let house = House::new();
    house.write("board.yaml", std::fs::read(invalid().join("board.yaml")).unwrap());
    house.write("board.test.yaml", "format: 1\ncases:\n  - name: writes\n    expect: {outcome: recovered}\n");
    house.run(&["check", "board.test.yaml"]).exits(0).says("board.test.yaml: nothing wrong");
}
