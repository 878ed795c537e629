//! The schemas that `recover schema` prints: documents that are right satisfy them, those of the wrong shape do not, and
//! each key that a reader knows stands there with a line about it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonschema::Validator;
use recover::documents::{cases, catalog, playbook, scene};
use recover::words::{Diagnostic, FaultClass, Source};
use serde_json::{Value, json};

use crate::support::House;

const KINDS: [&str; 4] = ["playbook", "tests", "scene", "tools"];

fn schema(kind: &str) -> Value {
    match kind {
        "playbook" => playbook::schema(),
        "tests" => cases::schema(&recover::bench::MISHAPS.iter().map(|row| row.name).collect::<Vec<_>>()),
        "scene" => scene::schema(),
        _ => catalog::schema(),
    }
}

fn validator(kind: &str) -> Validator {
    jsonschema::validator_for(&schema(kind)).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn read(file: &Path) -> Value {
    // As in the program: many cases may use one anchor.
    let options = serde_yaml::options! { budget: serde_yaml::budget! { enforce_alias_anchor_ratio: false } };
    serde_yaml::from_str_with_options(&std::fs::read_to_string(file).unwrap(), options).unwrap()
}

/// Every document that is right, by the kind of its schema.
fn sound() -> BTreeMap<&'static str, Vec<(PathBuf, Value)>> {
    let mut sound: BTreeMap<&str, Vec<(PathBuf, Value)>> = BTreeMap::new();
    let folders = [
        "playbooks",
        "playbooks/lib",
        "playbooks/lib/tests",
        "playbooks/examples",
        "tests/playbooks/valid",
        "tests/scenes/recorded",
        "tests/scenes/valid",
        "tests/test_files/valid",
    ];
    for file in folders.into_iter().flat_map(documents) {
        let name = file.to_string_lossy();
        let kind = if name.ends_with(".scene.yaml") {
            "scene"
        } else if name.ends_with(".test.yaml") || name.contains("lib/tests") {
            "tests"
        } else {
            "playbook"
        };
        sound.entry(kind).or_default().push((file.clone(), read(&file)));
    }
    let tools = root().join("vendor-tools.toml");
    let text = std::fs::read_to_string(&tools).unwrap();
    sound.insert("tools", vec![(tools, toml::from_str(&text).unwrap())]);
    sound
}

#[test]
fn shipped_documents_satisfy_their_schemas() {
    let sound = sound();
    for kind in KINDS {
        let validator = validator(kind);
        for (file, document) in &sound[kind] {
            let faults: Vec<String> =
                validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(faults.is_empty(), "{}: {faults:#?}", file.display());
        }
    }
}

/// Faults that an editor can mark without knowing more than the schema.
const OF_SHAPE: [&str; 20] = [
    "has no key `",
    "and this is a map of keys and values",
    "and this is a list",
    "and this is nothing",
    "needs the key `",
    "needs the keys `",
    "the key `",
    "needs exactly one of",
    "exactly one of `",
    "belongs to a step with",
    "belongs to `",
    "belongs to an answer with",
    "this step has two actions",
    "this step does nothing",
    "this act does nothing",
    "hands cannot",
    "is not a class of fault",
    "is neither a class of fault nor a group of them",
    "a board cannot be in the state",
    "is not how a run ends",
];

/// Is a fault of the document's shape recorded that stands in this very file?
fn is_misshapen(recorded: &str, file: &str) -> bool {
    recorded.split("\n\n").any(|fault| {
        let message = fault.lines().next().unwrap_or_default();
        let here = fault.lines().any(|line| line.trim_start().starts_with(&format!("--> {file}")));
        // An editor itself tells of a key that is given twice.
        here && !message.contains("is given twice") && OF_SHAPE.iter().any(|shape| message.contains(shape))
    })
}

#[test]
fn samples_of_the_wrong_shape_are_faults_of_the_schema() {
    for (folder, kind, count_min) in [
        ("tests/playbooks/invalid", "playbook", 20),
        ("tests/test_files/invalid", "tests", 3),
        ("tests/scenes/invalid", "scene", 6),
    ] {
        let (validator, mut count, mut passed) = (validator(kind), 0, Vec::new());
        for file in documents(folder) {
            let Ok(recorded) = std::fs::read_to_string(file.with_extension("txt")) else { continue };
            let name = file.file_name().unwrap().to_str().unwrap();
            // What a virtual board's settings are, only the bench knows.
            if !name.starts_with("virtual-board") && is_misshapen(&recorded, name) {
                count += 1;
                passed.extend(validator.is_valid(&read(&file)).then(|| file.display().to_string()));
            }
        }
        assert!(passed.is_empty(), "these satisfy the schema: {passed:#?}");
        assert!(count >= count_min, "only {count} samples of {folder} are of the wrong shape");
    }
}

#[test]
fn catalogs_of_the_wrong_shape_are_faults_of_the_schema() {
    let validator = validator("tools");
    assert!(
        validator.is_valid(&json!({"dfu-util": {"folders": {"linux": ["~/bin"]}}})),
        "single keys may be overridden"
    );
    for wrong in [
        json!({"a": {"sumary": "x"}}),
        json!({"a": {"programs": "x"}}),
        json!({"a": {"version": {"args": [], "flavours": [{"name": "x"}]}}}),
        json!({"a": {"faults": [{"pattern": "x", "class": "broken", "message": "x"}]}}),
        json!({"a": {"commands": [{"with": ["x"]}]}}),
        json!({"a": {"commands": [{"name": "x", "success_counts": [{"pattern": "x", "equals": 1, "at_least": 1}]}]}}),
        json!({"a": {"rules": [{"message": "x"}]}}),
        json!({"a": {"timeout": 60}}),
        json!({"environment": {"unset": []}}),
        json!({"a": 1}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
        let text = toml::to_string(&wrong).unwrap();
        assert!(catalog::load(&Arc::new(Source { name: "t.toml".into(), text })).is_err(), "{wrong}");
    }
}

/// A key that no reader knows, and that is near to none.
const STRANGER: &str = "zzzzzzzzzz";

/// What a document's reader knows in a map that holds the stranger; `None` where every key is allowed.
fn known_beside_stranger(faults: &[Diagnostic]) -> Option<BTreeSet<String>> {
    let fault = faults.iter().find(|fault| fault.message.contains(STRANGER) && fault.message.contains("key"))?;
    let hint = fault.hint.as_deref().unwrap_or_default();
    let list = hint.strip_prefix("known keys: ").or_else(|| hint.strip_prefix("known here: "));
    Some(list.unwrap_or_else(|| panic!("{hint}")).split(", ").map(str::to_owned).collect())
}

/// The parts of a schema that say something about the value at this path, each with its own path in the schema.
fn parts_at<'s>(root: &'s Value, part: &'s Value, name: &str, path: &[String]) -> Vec<(String, &'s Value)> {
    if let Some(reference) = part.get("$ref").and_then(Value::as_str) {
        let name = reference.trim_start_matches('#');
        return parts_at(root, root.pointer(name).unwrap(), name, path);
    }
    let mut found = Vec::new();
    for key in ["anyOf", "oneOf"] {
        for (index, inner) in part.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
            found.extend(parts_at(root, inner, &format!("{name}/{key}/{index}"), path));
        }
    }
    let Some((first, rest)) = path.split_first() else {
        found.push((name.to_owned(), part));
        return found;
    };
    let below = match (part["properties"].get(first), part.get("items"), part.get("additionalProperties")) {
        (Some(inner), ..) => Some((inner, format!("{name}/properties/{first}"))),
        (None, Some(inner), _) if first.parse::<usize>().is_ok() => Some((inner, format!("{name}/items"))),
        (None, None, Some(inner)) => Some((inner, format!("{name}/additionalProperties"))),
        (None, _, _) => None,
    };
    found.extend(below.into_iter().flat_map(|(inner, name)| parts_at(root, inner, &name, rest)));
    found
}

/// Maps that allow only the keys that stand there.
fn is_closed(part: &Value) -> bool {
    part.get("additionalProperties") == Some(&json!(false))
}

fn closed_maps(part: &Value, name: &str, into: &mut BTreeSet<String>) {
    if is_closed(part) {
        into.insert(name.to_owned());
    }
    let inner: Vec<(String, &Value)> = match part {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        closed_maps(value, &format!("{name}/{key}"), into);
    }
}

fn maps_in(value: &Value, path: &[String], into: &mut Vec<Vec<String>>) {
    let at = |key: String| [path, &[key]].concat();
    match value {
        Value::Object(map) => {
            into.push(path.to_vec());
            map.iter().for_each(|(key, value)| maps_in(value, &at(key.clone()), into));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| maps_in(value, &at(index.to_string()), into));
        }
        _ => {}
    }
}

/// Reads a document of this kind that lies in this folder.
fn faults_of(kind: &str, document: &Value, folder: &Path) -> Vec<Diagnostic> {
    let text = if kind == "tools" { toml::to_string(document).unwrap() } else { document.to_string() };
    let source = Arc::new(Source { name: "sample".into(), text });
    let beside = |path: &str| {
        let text = std::fs::read_to_string(folder.join(path)).map_err(|error| error.to_string())?;
        Ok(Arc::new(Source { name: path.to_owned(), text }))
    };
    match kind {
        "playbook" => playbook::load(&source, &beside).diagnostics,
        "tests" => cases::load(&source, &beside, &|_| None).diagnostics,
        "scene" => scene::load_scene(&source).diagnostics,
        _ => catalog::load(&source).err().unwrap_or_default(),
    }
}

/// Puts a stranger into each kind of map, and compares what the reader then says it knows with what the schema has.
#[test]
fn readers_and_schemas_know_the_same_keys() {
    let sound = sound();
    for kind in KINDS {
        let schema = schema(kind);
        let mut left = BTreeSet::new();
        closed_maps(&schema, "", &mut left);
        let mut probed = BTreeSet::new();
        for (file, document) in &sound[kind] {
            // A procedure is read where it is called, and some families call none of theirs.
            if document.get("procedures").is_some() && document.get("steps").is_none() {
                continue;
            }
            let mut maps = Vec::new();
            maps_in(document, &[], &mut maps);
            for path in maps {
                let parts = parts_at(&schema, &schema, "", &path);
                let names: Vec<String> = parts.iter().map(|(name, _)| name.clone()).collect();
                if !probed.insert(names) {
                    continue;
                }
                let mut document = document.clone();
                let pointer: String =
                    path.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect();
                document.pointer_mut(&pointer).unwrap()[STRANGER] = json!("1");
                let known = known_beside_stranger(&faults_of(kind, &document, file.parent().unwrap()));
                let closed: Vec<_> = parts.iter().filter(|(_, part)| is_closed(part)).collect();
                let keys = closed.iter().flat_map(|(_, part)| part["properties"].as_object().unwrap().keys());
                let expected = keys.cloned().collect();
                let expected = (!closed.is_empty()).then_some(expected);
                assert_eq!(known, expected, "left: reader, right: schema; {kind} {pointer} in {}", file.display());
                left.retain(|name| !closed.iter().any(|(seen, _)| seen == name));
            }
        }
        assert!(left.is_empty(), "no sound document of the kind {kind} shows these: {left:#?}");
    }
}

fn keys_without_description(part: &Value, name: &str, into: &mut Vec<String>) {
    let Some(map) = part.as_object() else {
        part.as_array().into_iter().flatten().for_each(|inner| keys_without_description(inner, name, into));
        return;
    };
    // In a condition of `oneOf` and the like a property only forbids.
    let described = |value: &Value| !value.is_object() || value.get("description").is_some();
    let properties = map.get("properties").and_then(Value::as_object);
    into.extend(
        properties.into_iter().flatten().filter(|(_, value)| !described(value)).map(|(key, _)| format!("{name}/{key}")),
    );
    for (key, value) in map {
        keys_without_description(value, &format!("{name}/{key}"), into);
    }
}

/// Editors show it.
#[test]
fn every_key_has_a_line_about_it() {
    for kind in KINDS {
        let mut missing = Vec::new();
        keys_without_description(&schema(kind), "", &mut missing);
        assert!(missing.is_empty(), "{kind}: {missing:#?}");
    }
}

/// What a word means is told where it is declared, and so the schemas cannot know others.
#[test]
fn schemas_have_the_words_of_their_enums() {
    let classes = json!(FaultClass::words());
    for kind in ["playbook", "tests", "tools"] {
        assert_eq!(schema(kind)["$defs"]["class"]["enum"], classes, "{kind}");
    }
    let mishaps = &schema("tests")["$defs"]["mishap"]["enum"];
    assert!(mishaps.as_array().unwrap().contains(&json!("tool-hangs")), "{mishaps}");
}

/// A prompt without a limit of its own, which nobody follows.
const PROMPT: &str = r#"
format: 1
board: A board
devices: {running: {usb: "37c5:1204", label: running}}
virtual_board: {model: plain-usb, id: running}
steps:
  - {id: connect, prompt: Connect the board., until: {again: running}}
"#;

#[test]
fn the_limit_that_the_schema_tells_is_the_one_that_counts() {
    let house = House::new();
    house.write("board.yaml", PROMPT);
    let told = house.run(&["run", "board.yaml", "--simulate", "--message-format", "json"]).exits(1).stdout;
    let events: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let prompted = events.iter().find(|event| event["event"] == "prompted").unwrap();
    let limit =
        format!("without it {} minutes for a prompt or a wait", prompted["limit_ms"].as_u64().unwrap() / 60_000);
    let schema = schema("playbook");
    let about = schema["$defs"]["step"]["properties"]["timeout"]["description"].as_str().unwrap();
    assert!(about.contains(&limit), "{limit}: {about}");
}

#[test]
fn the_program_prints_them() {
    let house = House::new();
    let printed = |args: &[&str]| serde_json::from_str::<Value>(&house.run(args).exits(0).stdout).unwrap();
    assert_eq!(printed(&["schema"]), schema("playbook"));
    for kind in KINDS {
        assert_eq!(printed(&["schema", kind]), schema(kind));
    }
    // What another program answers that moves in place of hands.
    let answers = jsonschema::validator_for(&printed(&["schema", "hands"])).unwrap();
    for right in [
        json!({"done": 1}),
        json!({"failed": 2, "why": "stuck"}),
        json!({"failed": 2, "why": "stuck", "hand": "unplug"}),
    ] {
        assert!(answers.is_valid(&right), "{right}");
    }
    for wrong in [json!({}), json!({"done": "1"}), json!({"done": 1, "failed": 1, "why": ""}), json!({"failed": 1})] {
        assert!(!answers.is_valid(&wrong), "{wrong}");
    }
}
