//! The schemas that `recover schema` prints: documents that are right satisfy them, misspelt ones do not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::path::{Path, PathBuf};

use jsonschema::Validator;
use recover::documents::{cases, playbook};
use serde_json::{Value, json};

use support::House;

fn validator(schema: &str) -> Validator {
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
}

fn documents(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files
}

#[track_caller]
fn satisfies(validator: &Validator, file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    let document: Value = serde_yaml::from_str(&text).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{}: {faults:#?}", file.display());
}

#[test]
fn shipped_documents_satisfy_their_schemas() {
    let (playbooks, tests) = (validator(playbook::SCHEMA), validator(cases::SCHEMA));
    for folder in ["playbooks", "playbooks/lib", "tests/playbooks/valid"] {
        for file in documents(folder) {
            let is_test = file.to_string_lossy().ends_with(".test.yaml");
            satisfies(if is_test { &tests } else { &playbooks }, &file);
        }
    }
}

/// An editor marks what `recover check` would: wherever a map is closed, a key that nobody knows is a fault.
#[test]
fn unknown_keys_are_faults() {
    let playbooks = validator(playbook::SCHEMA);
    let step = |step: Value| json!({"format": 1, "board": "b", "steps": [step]});
    assert!(playbooks.is_valid(&step(json!({"prompt": "x"}))));
    for wrong in [json!({"promt": "x"}), json!({"prompt": "x", "hands": "wave"}), json!({"prompt": "x", "timeout": 5})]
    {
        assert!(!playbooks.is_valid(&step(wrong.clone())), "{wrong}");
    }
    let tests = validator(cases::SCHEMA);
    let case = |expect: Value| json!({"format": 1, "cases": [{"name": "a", "expect": expect}]});
    assert!(tests.is_valid(&case(json!({"outcome": "recovered", "holds": {"sbl": 0x1000}}))));
    for wrong in [json!({}), json!({"outcome": "recoverd"}), json!({"outcome": "recovered", "hold": {}})] {
        assert!(!tests.is_valid(&case(wrong.clone())), "{wrong}");
    }
}

#[test]
fn the_program_prints_them() {
    let house = House::new();
    assert_eq!(house.run(&["schema"]).exits(0).stdout, playbook::SCHEMA);
    assert_eq!(house.run(&["schema", "playbook"]).exits(0).stdout, playbook::SCHEMA);
    assert_eq!(house.run(&["schema", "tests"]).exits(0).stdout, cases::SCHEMA);
}
