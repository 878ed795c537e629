//! The Python package of `src/python`, as far as it needs nothing but Python: what it says twice is what the program says, and
//! it runs a virtual board. What needs labgrid and Jumpstarter is tried by `tests/real_labs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use recover::engine::{Outcome, events_schema};
use recover::world::hands_schema;
use serde_json::Value;

use crate::support::House;

const COMMAND_LINE: &str = include_str!("../docs/command-line.md");

/// What a script of Python prints as JSON; nothing where there is no Python.
fn python(house: &House, script: &str) -> Option<Value> {
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/src/python");
    let recent = "import sys; sys.exit(sys.version_info < (3, 9))";
    if !Command::new("python3").args(["-c", recent]).status().is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("RECOVER_REQUIRE_PYTHON").is_none(), "there is no python3 from 3.9 on");
        // Straight to the stream: what a passing test prints by `eprintln!` is not shown.
        let _ = writeln!(std::io::stderr(), "skipped: there is no python3 from 3.9 on");
        return None;
    }
    let program = house.command(&[]);
    let output = Command::new("python3")
        .args(["-B", "-c", script])
        .current_dir(house.path("work"))
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))).filter(|(name, _)| *name != "PATH"))
        .env("PYTHONPATH", package)
        .env("RECOVER_PROGRAM", program.get_program())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn its_exceptions_are_the_exit_codes_in_their_words() {
    let script =
        "import json; from recover_board import ENDS; print(json.dumps({c: e.__doc__ for c, e in ENDS.items()}))";
    let Some(told) = python(&House::new(), script) else { return };
    let sentence = |words: &str| format!("{}{}.", words[..1].to_uppercase(), &words[1..]);
    let rows = COMMAND_LINE.split_once("| exit code | |\n|---|---|\n").unwrap().1.split_once("\n\n").unwrap().0;
    let rows = rows.lines().map(|row| row.trim_matches(['|', ' ']).split_once(" | ").unwrap());
    let listed: BTreeMap<String, String> =
        rows.filter(|(code, _)| *code != "0").map(|(code, words)| (code.to_owned(), sentence(words))).collect();
    assert_eq!(told, serde_json::to_value(&listed).unwrap());
    for outcome in Outcome::ALL.into_iter().filter(|outcome| outcome.exit_code() != 0) {
        assert!(listed.contains_key(&outcome.exit_code().to_string()), "{outcome}");
    }
}

#[test]
fn its_events_have_what_events_have() {
    let script = "import json; from dataclasses import MISSING, fields; from recover_board.events import KINDS, Event
own = lambda kind: {f.name: f.default is MISSING for f in fields(kind) if f.name not in Event.__dataclass_fields__}
print(json.dumps({name: own(kind) for name, kind in KINDS.items()}))";
    let Some(told) = python(&House::new(), script) else { return };
    let schema = events_schema();
    for (kind, own) in told.as_object().unwrap() {
        let kinds = schema["oneOf"].as_array().unwrap();
        let found = kinds.iter().find(|event| event["properties"]["event"]["const"] == **kind).unwrap();
        let required: BTreeSet<&str> = found["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for (field, needed) in own.as_object().unwrap() {
            assert!(found["properties"].get(field).is_some(), "{kind}: {field}");
            // What may be missing in an event has a default.
            assert!(required.contains(field.as_str()) || needed == false, "{kind}: {field}");
        }
    }
}

#[test]
fn each_move_has_a_relay() {
    let script = "import json; from recover_board.relays import MOVES; print(json.dumps(sorted(MOVES)))";
    let Some(told) = python(&House::new(), script) else { return };
    let mut moves: Vec<String> = serde_json::from_value(hands_schema()["$defs"]["HandMove"]["enum"].clone()).unwrap();
    moves.sort();
    assert_eq!(told, serde_json::to_value(moves).unwrap());
}

/// A run that is left early, one that is refused, and one that recovers; hands let go at the end of each.
#[test]
fn it_runs_a_virtual_board() {
    let script = r#"
import json
from recover_board import Order, RecoverError, Run

class Hands:
    def __init__(self):
        self.moves = []
    def move(self, hand):
        self.moves.append(hand)
    def let_go(self):
        self.moves.append("off")

def ended(agreed=(), left_at=None):
    hands = Hands()
    with Run(Order("rt1062", allow_irreversible=agreed, options=["--simulate"]), hands) as run:
        for event in run:
            if event.kind == left_at:
                break
    try:
        return [run.result().finished.outcome, hands.moves]
    except RecoverError as error:
        return [error.outcome, type(error).__name__, bool(error.next), hands.moves]

print(json.dumps([ended(left_at="prompted"), ended(), ended(["boot-fuse"])]))
"#;
    let Some(told) = python(&House::new(), script) else { return };
    let entered = ["unplug", "fit-jumper", "plug-in"];
    let started = ["unplug", "remove-jumper", "plug-in"];
    let all: Vec<&str> = entered.into_iter().chain(started).chain(["off"]).collect();
    let declined = [&entered[..], &["off"]].concat();
    let expected = serde_json::json!([
        ["interrupted", "Interrupted", true, ["off"]],
        ["declined", "Declined", true, declined],
        ["recovered", all],
    ]);
    assert_eq!(told, expected);
}

/// What was begun on another computer goes on there: power stays as long as the call may last.
#[test]
fn a_way_that_breaks_off_takes_no_power_from_a_write() {
    let script = r#"
import json, time
from recover_board import Order, RecoverError, Run
from recover_board.run import Way

LIMIT_S = 0.5
called = {"event": "tool_started", "step": "a", "command": [], "changes_board": True, "limit_ms": LIMIT_S * 1000}

class Broken(Way):
    far = True
    def __init__(self, *events):
        self.events = events
    def command(self, command):
        return ["echo", "\n".join(map(json.dumps, self.events))]

class Hands:
    def let_go(self):
        self.at = time.monotonic()

def waited(*events):
    hands, began = Hands(), 0
    with Run(Order("a"), hands, way=Broken(*events)) as run:
        for event in run:
            began = time.monotonic()
    try:
        run.result()
    except RecoverError as error:
        return [hands.at - began >= LIMIT_S - 0.01, error.exit_code, "report last" in error.next[0]]

print(json.dumps([waited(called), waited(called, {"event": "tool_ended"})]))
"#;
    let Some(told) = python(&House::new(), script) else { return };
    assert_eq!(told, serde_json::json!([[true, null, true], [false, null, true]]));
}

/// Whatever is set up agrees to nothing.
#[test]
fn consent_is_no_option_of_a_set_up() {
    let script = r#"
import json
from recover_board import Order

def refused(**given):
    try:
        Order("rt1062", **given)
    except (TypeError, ValueError) as error:
        return type(error).__name__

consent = "--allow-irreversible"
print(json.dumps([
    refused(options=[consent, "boot-fuse"]), refused(options=[f"{consent}=boot-fuse"]), refused(allow_irreversible="boot-fuse"),
    Order(consent + "=boot-fuse").arguments()[-2:], Order("rt1062", allow_irreversible=["boot-fuse"]).arguments()[-3:],
]))
"#;
    let Some(told) = python(&House::new(), script) else { return };
    let expected = serde_json::json!([
        "ValueError",
        "ValueError",
        "TypeError",
        ["--", "--allow-irreversible=boot-fuse"],
        ["--allow-irreversible=boot-fuse", "--", "rt1062"],
    ]);
    assert_eq!(told, expected);
}

/// On the way others may print as well, and another version may tell other things: everything lets go all the same.
#[test]
fn lines_that_are_no_events_keep_nothing_from_letting_go() {
    let house = House::new();
    let lines = r#"echo 'Welcome to this computer'
echo '["no event"]'
echo '{"no": "event"}'
echo '{"event": "prompted"}'
echo '{"event": "note", "text": "The first."}'
echo 'a late word'
exec sleep 60
"#;
    let tool = house.script("recover-here", lines);
    let script = format!(
        r#"
import json
from recover_board.run import Order, Run, is_run_id
class Hands:
    let = 0
    def move(self, hand): pass
    def let_go(self): Hands.let += 1
seen = []
with Run(Order("camera"), Hands(), tool={tool:?}) as run:
    for event in run:
        seen.append(event.kind)
        break
names = ["20261130-101112-h7-2", "..", "", "../h7", "/tmp", "a/b", ".h7", "h7\n"]
print(json.dumps([seen, Hands.let, [is_run_id(name) for name in names]]))
"#
    );
    let Some(told) = python(&house, &script) else { return };
    let no = false;
    assert_eq!(told, serde_json::json!([["note"], 1, [true, no, no, no, no, no, no, no]]));
}

/// The call goes on without anybody who would end it, and needs the camera's power as long as it may last.
#[test]
fn a_keeper_that_is_killed_leaves_the_power_on_while_a_call_may_write() {
    const LIMIT_S: f64 = 1.5;
    let house = House::new();
    let writes = format!(
        "echo '{{\"event\": \"tool_started\", \"changes_board\": true, \"limit_ms\": {}, \"command\": []}}'\nexec sleep 3\n",
        LIMIT_S * 1000.0
    );
    let tool = house.script("recover-here", &writes);
    let script = format!(
        r#"
import json, os, signal, time
from recover_board.run import Order, Run
class Hands:
    at = 0.0
    def move(self, hand): pass
    def let_go(self): Hands.at = time.monotonic()
with Run(Order("camera"), Hands(), tool={tool:?}) as run:
    for event in run:
        began = time.monotonic()
        os.kill(run._process.pid, signal.SIGKILL)
        break
print(json.dumps(Hands.at - began))
"#
    );
    let Some(told) = python(&house, &script) else { return };
    assert!(told.as_f64().unwrap() >= LIMIT_S - 0.1, "{told}");
}
