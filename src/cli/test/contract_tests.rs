//! The events of every shipped case, as programs are told them and as they are kept: what the schema promises holds.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::cli::json::in_lines;
use crate::cli::runs::journal::{Journal, JournalEnd, JournalError, verify};
use crate::engine::{Stamps, events_schema};

/// The events as the lines of a journal.
fn journal_of(events: &[Event]) -> (Vec<u8>, JournalEnd) {
    let (mut end, mut bytes, stamps) =
        (JournalEnd::default(), Vec::new(), Stamps::of_simulation(Timestamp::UNIX_EPOCH));
    for event in events {
        bytes.extend(in_lines(&stamps.stamp(event), |told| end.line(told)).unwrap());
    }
    (bytes, end)
}

/// What a schema can say about a value: its words, but not its sentences and numbers.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(text)
            if text.len() > 24 || !text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b'_') =>
        {
            Value::String("…".to_owned())
        }
        Value::Number(number) => Value::Number(if number.is_u64() { 0.into() } else { (-1).into() }),
        Value::Array(values) => {
            let shapes: BTreeSet<String> = values.iter().map(|value| shape(value).to_string()).collect();
            shapes.into_iter().map(Value::String).collect()
        }
        Value::Object(values) => values.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        other => other.clone(),
    }
}

/// Of the journal that is altered in every place: those of floods are longer, and all alike.
const LENGTH_MAX: usize = 200_000;

#[test]
fn journals_of_all_shipped_cases_are_as_the_schema_says_and_hold() {
    let schema = events_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let catalogs = Catalogs::new(Surroundings::of_this_process());
    let playbooks = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("playbooks");
    let Collected { sound: suites, .. } = collect(&[playbooks], &catalogs).unwrap();
    let cases: Vec<(&Suite, &Case)> =
        suites.iter().flat_map(|suite| suite.tests.cases.iter().map(move |case| (suite, case))).collect();
    assert!(cases.len() > 500);
    // Each shape is looked at once: there are many thousand events.
    let seen = Mutex::new((BTreeSet::new(), BTreeSet::new()));
    let longest = Mutex::new(Vec::new());
    in_parallel(cores(), &cases, |(suite, case)| {
        let run = run_case(subject(suite), case, Keep::Nothing).unwrap();
        for events in &run.runs {
            let (bytes, end) = journal_of(events);
            let journal = Journal::read(&bytes, Some(&end));
            assert_eq!(
                (journal.unknown, journal.torn, journal.damage.is_none()),
                (0, false, true),
                "{}",
                case.name.value
            );
            for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let value: Value = serde_json::from_slice(line).unwrap();
                let new = {
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.1.insert(value["event"].as_str().unwrap().to_owned());
                    seen.0.insert(shape(&value).to_string())
                };
                if new && let Err(error) = validator.validate(&value) {
                    panic!("{}: {error} at {}: {value}", case.name.value, error.instance_path());
                }
            }
            let mut longest = longest.lock().unwrap_or_else(PoisonError::into_inner);
            if (longest.len()..LENGTH_MAX).contains(&bytes.len()) {
                *longest = bytes;
            }
        }
    });
    let told = seen.into_inner().unwrap().1;
    let all: BTreeSet<String> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["properties"]["event"]["const"].as_str().unwrap().to_owned())
        .collect();
    let never: Vec<&String> = all.difference(&told).collect();
    // What the command line tells, and what a system, a person or a tool does that the bench does not: tests/records.rs, and
    // tests/moving_hands.rs.
    let other = [
        "hands_moved",
        "hands_moving",
        "hands_output",
        "interrupted",
        "looking_for_tools",
        "may_sleep",
        "place_empty",
        "run_started",
        "station_finished",
        "tool_asked",
        "tool_lines",
        "tool_passed_over",
    ];
    assert_eq!(never, other);
    altered_bytes_are_found(&longest.into_inner().unwrap());
}

/// In ten thousand places of the journal, wherever they are. What stands before the line has been found sound by then.
fn altered_bytes_are_found(bytes: &[u8]) {
    const PLACES: usize = 10_000;
    let known = Journal::read(bytes, None).end;
    let (mut before, mut begins, mut found) = (JournalEnd::default(), 0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let rest = &bytes[begins..];
        let places = (0..PLACES).map(|place| (place, place * bytes.len() / PLACES));
        for (place, index) in places.filter(|(_, index)| (begins..begins + line.len()).contains(index)) {
            let mut altered = rest.to_vec();
            altered[index - begins] ^= 1 << (place % 8);
            match verify(&altered, before.clone(), Some(&known)).1 {
                Some(JournalError::Altered { line }) => assert_eq!(line, before.lines + 1, "byte {index}"),
                other => panic!("byte {index}: {other:?}"),
            }
            found += 1;
        }
        before = verify(line, before, None).0;
        begins += line.len();
    }
    assert_eq!((found, &before), (PLACES, &known));
}

/// An event of version 1 is only added to: what programs rely on stays.
#[test]
fn what_version_1_promised_is_still_there() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/events/version-1.json");
    let now = events_schema();
    let bless = std::env::var_os("RECOVER_BLESS").is_some();
    if !path.exists() && bless {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("{now:#}\n")).unwrap();
    }
    let promised: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let mut broken = Vec::new();
    compare("", &promised, &now, &mut broken);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    if bless {
        std::fs::write(&path, format!("{now:#}\n")).unwrap();
    } else {
        assert!(promised == now, "there is more now: RECOVER_BLESS=1 adds it to {}", path.display());
    }
}

/// Texts for people may change.
const FREE: [&str; 2] = ["description", "title"];

fn compare(at: &str, promised: &Value, now: &Value, broken: &mut Vec<String>) {
    match (promised, now) {
        (Value::Object(promised), Value::Object(now)) => {
            for (key, promised) in promised.iter().filter(|(key, _)| !FREE.contains(&key.as_str())) {
                match now.get(key) {
                    Some(now) => compare(&format!("{at}/{key}"), promised, now, broken),
                    None => broken.push(format!("{at}/{key} is gone")),
                }
            }
        }
        (Value::Array(promised), Value::Array(now)) => {
            let same = |one: &Value, other: &Value| {
                let mut differences = Vec::new();
                compare("", one, other, &mut differences);
                differences.is_empty()
            };
            for promised in promised.iter().filter(|promised| !now.iter().any(|now| same(promised, now))) {
                broken.push(format!("{at}: {promised} is gone, or is another"));
            }
        }
        (promised, now) if promised == now => {}
        (promised, now) => broken.push(format!("{at}: {promised} has become {now}")),
    }
}

#[test]
fn what_is_taken_away_is_noticed() {
    let broken = |promised: Value, now: Value| {
        let mut broken = Vec::new();
        compare("", &promised, &now, &mut broken);
        broken.len()
    };
    let promised = serde_json::json!({"properties": {"a": {"type": "string"}}, "required": ["a"], "description": "x"});
    assert_eq!(
        broken(
            promised.clone(),
            serde_json::json!({"properties": {"a": {"type": "string"}, "b": {}}, "required": ["b", "a"]})
        ),
        0
    );
    assert_eq!(
        broken(promised.clone(), serde_json::json!({"properties": {"a": {"type": "integer"}}, "required": ["a"]})),
        1
    );
    assert_eq!(
        broken(promised.clone(), serde_json::json!({"properties": {"a": {"type": "string"}}, "required": []})),
        1
    );
    assert_eq!(broken(promised, serde_json::json!({"properties": {}, "required": ["a"]})), 1);
}
