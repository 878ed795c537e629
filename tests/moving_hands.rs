//! `--hands json` and `--hands exec:PROGRAM`: what moves in place of a person's hands, on virtual boards, whose hands do what was
//! answered. What is called last is called exactly once, whatever ends the run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use recover::documents::library::{shipped_boards, shipped_playbook};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{House, Ran, kill, processes_with, wait_for};

const JSON: [&str; 4] = ["--hands", "json", "--message-format", "json"];

/// Runs it, and writes what `answers` says to each event.
fn talk(house: &House, args: &[&str], mut answers: impl FnMut(&Value) -> Vec<String>) -> (Option<i32>, Vec<Value>) {
    let mut command = house.command(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take();
    let mut events = Vec::new();
    let schema = jsonschema::validator_for(&recover::engine::events_schema()).unwrap();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert!(schema.is_valid(&event), "{event}");
        for answer in answers(&event) {
            match answer.as_str() {
                "END" => input = None,
                // A run that is over reads no more.
                answer => {
                    let _read = writeln!(input.as_mut().unwrap(), "{answer}");
                }
            }
        }
        events.push(event);
    }
    (child.wait().unwrap().code(), events)
}

/// The number of a prompt that a machine can do.
fn prompt(event: &Value) -> Option<u64> {
    event["hands"].as_array().filter(|_| event["event"] == "prompted")?;
    event["prompt"].as_u64()
}

fn done(event: &Value) -> Vec<String> {
    prompt(event).map(|prompt| json!({"done": prompt}).to_string()).into_iter().collect()
}

fn of<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

fn warnings(events: &[Value]) -> Vec<&str> {
    of(events, "warning").into_iter().map(|event| event["text"].as_str().unwrap()).collect()
}

#[test]
fn every_shipped_board_is_recovered_without_a_person() {
    for board in shipped_boards() {
        let house = House::new();
        let alone = house.run(&["run", board, "--simulate"]).code;
        let (code, events) = talk(&house, &[&["run", board, "--simulate"][..], &JSON].concat(), done);
        assert_eq!(code, alone, "{board}: {:#?}", events.last());
        // Arduino's boards are left as they are.
        assert_eq!(code == Some(0), board != "arduino", "{board}");
        let prompts: Vec<u64> = events.iter().filter_map(prompt).collect();
        assert_eq!(prompts.is_empty(), board == "arduino", "{board}");
        let told: Vec<u64> = of(&events, "prompted").iter().filter_map(|event| event["prompt"].as_u64()).collect();
        assert_eq!(told, (1..).take(told.len()).collect::<Vec<_>>(), "{board}");
        assert_eq!(of(&events, "hands_moved").len(), prompts.len(), "{board}");
        assert_eq!(warnings(&events), [""; 0], "{board}");
    }
}

/// The tool is at work while its prompt is answered.
#[test]
fn a_prompt_of_a_running_tool_is_answered_too() {
    let house = House::new();
    let (code, events) = talk(&house, &[&["run", "ae3", "--simulate=silent"][..], &JSON].concat(), done);
    assert_eq!(code, Some(0), "{:#?}", events.last());
    assert!(of(&events, "prompted").iter().any(|event| event["hands"] == json!(["press-button"])));
}

#[test]
fn an_answer_counts_only_for_the_prompt_that_stands() {
    let house = House::new();
    let mut first = None;
    let (code, events) = talk(&house, &[&["run", "rt1062", "--simulate"][..], &JSON].concat(), |event| {
        let Some(prompt) = prompt(event) else { return Vec::new() };
        let ahead = json!({"done": prompt + 1});
        let old = first.replace(prompt).map(|old| json!({"failed": old, "why": "late"}));
        let wrong = [json!("done"), json!({"done": prompt, "more": 1}), ahead].into_iter().chain(old);
        wrong.map(|line| line.to_string()).chain(["plain".to_owned()]).chain(done(event)).collect()
    });
    assert_eq!(code, Some(0), "{:#?}", events.last());
    let told = warnings(&events);
    for (text, times) in [
        ("`\"done\"`, which is no answer", 2),
        ("`plain`, which is no answer", 2),
        ("\"more\":1}`, which is no answer", 2),
        ("an answer to prompt 1 came at the standard input, while prompt 2 waits for one", 1),
        ("an answer to prompt 2 came at the standard input, while prompt 1 waits for one", 1),
    ] {
        assert_eq!(told.iter().filter(|told| told.contains(text)).count(), times, "{text}: {told:#?}");
    }
}

#[test]
fn a_failed_answer_and_none_are_an_outcome_of_their_own() {
    for (answer, what) in [
        (r#"{"failed": 1, "why": "relay 2 is stuck", "hand": "fit-jumper"}"#, "relay 2 is stuck"),
        ("END", "the standard input, where the answer was to come from, has ended"),
    ] {
        let house = House::new();
        let (code, events) = talk(&house, &[&["run", "rt1062", "--simulate"][..], &JSON].concat(), |event| {
            prompt(event).map(|_| answer.to_owned()).into_iter().collect()
        });
        assert_eq!(code, Some(8));
        let last = events.last().unwrap();
        assert_eq!(last["outcome"], "hands-failed");
        let problem = &last["problem"];
        assert!(problem["what"].as_str().unwrap().contains(what), "{problem:#}");
        assert_eq!(
            (&problem["step"], &problem["state"]),
            (&json!("enter-rom"), &json!("This run has changed nothing on the board."))
        );
        assert!(problem["next"][0].as_str().unwrap().contains("relays"), "{problem:#}");
        assert_eq!(of(&events, "tool_started").len(), 0);
    }
}

/// Neither an answer nor the word itself agrees: whoever writes to a pipe is nobody.
#[test]
fn consent_never_comes_with_the_answers() {
    let house = House::new();
    house.write("camera.yaml", &shipped_playbook("rt1062").unwrap().text);
    let agrees = |event: &Value| {
        let word = ["boot-fuse".to_owned(), json!({"consent": "boot-fuse"}).to_string()];
        word.into_iter().chain(done(event)).chain(["yes".to_owned()]).collect()
    };
    // Told all the time, and each line in vain is told.
    let (code, events) = talk(&house, &[&["run", "camera.yaml", "--simulate"][..], &JSON].concat(), |event| {
        if matches!(event["event"].as_str(), Some("prompted" | "step_started")) { agrees(event) } else { Vec::new() }
    });
    assert_eq!(code, Some(6), "{:#?}", events.last());
    assert!(of(&events, "consent_given").is_empty() && of(&events, "consent_asked").is_empty());
    assert!(warnings(&events).iter().any(|text| text.contains("`boot-fuse`, which is no answer")));
    let agreed = [&["run", "camera.yaml", "--simulate", "--allow-irreversible", "boot-fuse"][..], &JSON].concat();
    assert_eq!(talk(&house, &agreed, done).0, Some(0));
}

/// A program that notes what it is told, and ends as `script` says.
fn relays(script: &str) -> House {
    let mut house = House::new();
    house.script(
        "relays",
        &format!(
            "echo \"$1|$RECOVER_BOARD|$RECOVER_PORT|$RECOVER_UNIT|$RECOVER_STEP\" >> \"$MARKS/moves\"\necho \"relay: $1\"\n{script}"
        ),
    );
    let marks = house.path("marks");
    std::fs::create_dir(&marks).unwrap();
    house.set("MARKS", marks);
    house
}

const EXEC: [&str; 5] = ["run", "rt1062", "--simulate", "--hands", "exec:./relays"];

/// All that the program was called for.
fn moves(house: &House) -> Vec<String> {
    let text = std::fs::read_to_string(house.path("marks/moves")).unwrap_or_default();
    text.lines().map(|line| line.split('|').next().unwrap().to_owned()).collect()
}

#[test]
fn a_program_is_called_for_each_move_and_lets_go_at_the_end() {
    let house = relays("");
    let records = house.path("records");
    let more = ["--unit", "no. 7", "--port", "1-2", "--runs-dir", records.to_str().unwrap()];
    let ran = house.run(&[&EXEC[..], &more].concat()).exits(0);
    ran.says("in place of your hands").says("$ ./relays fit-jumper").says("fit-jumper: done").says("$ ./relays off");
    let told = std::fs::read_to_string(house.path("marks/moves")).unwrap();
    let told: Vec<&str> = told.lines().collect();
    let line = |word: &str, step: &str| format!("{word}|OpenMV Cam RT1062|1-2|no. 7|{step}");
    let entered = ["unplug", "fit-jumper", "plug-in"].map(|word| line(word, "enter-rom"));
    let started = ["unplug", "remove-jumper", "plug-in"].map(|word| line(word, "start-camera"));
    let all: Vec<String> = entered.into_iter().chain(started).chain([line("off", "")]).collect();
    assert_eq!(told, all);
    let report = house.run(&["report", "last", "--runs-dir", records.to_str().unwrap()]).exits(0);
    report.says("$ ./relays plug-in").says("relay: fit-jumper").says("end: off: done");
}

#[test]
fn a_failed_program_ends_the_run_and_is_called_for_the_last_time() {
    let house = relays("case $1 in fit-jumper) echo coil 2 is open >&2; exit 3;; esac\n");
    let ran = house.run(&EXEC).exits(8).says("THE HANDS FAILED").says("NOT YOU");
    let ran = ran.says("`./relays fit-jumper`: exit code 3 (it printed: coil 2 is open)");
    ran.says("This run has changed nothing on the board.").says("Running recover again is safe");
    assert_eq!(moves(&house), ["unplug", "fit-jumper", "off"]);
    // What does not let go is told beside what failed first.
    let house = relays("case $1 in fit-jumper|off) exit 3;; esac\n");
    house.run(&EXEC).exits(8).says("`./relays fit-jumper`: exit code 3").says("did not let go of them");
    // And where all went well, it is the end that failed.
    let house = relays("case $1 in off) exit 3;; esac\n");
    let ran =
        house.run(&EXEC).exits(8).says("every step was done, but what moves in place of your hands did not let go");
    ran.says("Every step of this run was done.");
    assert_eq!(moves(&house).last().unwrap(), "off");
}

#[test]
fn what_nothing_can_move_is_refused_before_anything_begins() {
    let house = relays("");
    let person = "only a person can do, and nobody is at a terminal";
    let steps = [
        ("  - {id: look, prompt: Is the LED red?, until: {present: rom}}\n", person),
        ("  - {id: look, prompt: Look at the LED.}\n", person),
        ("  - {id: look, wait: {present: rom}, ask: {after: 5s, prompt: Look at the LED.}}\n", person),
    ];
    for (step, says) in steps {
        house.write(
            "camera.yaml",
            format!("format: 1\nboard: Camera\ndevices: {{rom: {{usb: \"1fc9:0135\"}}}}\nvirtual_board: {{model: plain-usb, id: \"1fc9:0135\"}}\nsteps:\n{step}"),
        );
        let run = |more: &[&str]| -> Ran { house.run(&[&["run", "camera.yaml"][..], more].concat()) };
        run(&["--hands", "exec:./relays"]).exits(2).says("the step `look` asks for what").says(says);
        run(&JSON).exits(2).says(says);
        run(&["--hands", "exec:./relays", "--dry-run"]).exits(0).says("needs a person");
        house.run(&["show", "camera.yaml"]).exits(0).says("needs a person");
    }
    house.run(&["show", "rt1062"]).exits(0).never_says("needs a person");
    for (hands, says) in [
        ("json", "Add --message-format json."),
        ("exec:./nothing", "there is no program `./nothing` that can be run"),
        ("exec:", "write it as person, auto, json or exec:PROGRAM"),
        ("cat", "write it as person, auto, json or exec:PROGRAM"),
    ] {
        house.run(&["run", "rt1062", "--simulate", "--hands", hands]).exits(2).says(says);
    }
    assert_eq!(moves(&house), [""; 0]);
}

/// A run whose program is in the middle of connecting the wire, and its guard.
fn in_the_middle() -> (House, Child, PathBuf) {
    let house = relays("case $1 in fit-jumper) exec /bin/sleep 1000;; esac\n");
    let told = house.path("told");
    let events = File::create(&told).unwrap();
    let child = house.command(&[&EXEC[..], &["--message-format", "json"]].concat()).stdout(events).spawn().unwrap();
    // What it has printed is heard only once the guard knows it.
    let middle = || std::fs::read_to_string(&told).unwrap().contains("relay: fit-jumper").then_some(());
    wait_for("the move", middle);
    let parent = format!("PPid:\t{}\n", child.id());
    let is_guard = |folder: &PathBuf| {
        let line = std::fs::read(folder.join("cmdline")).unwrap_or_default();
        let status = std::fs::read_to_string(folder.join("status")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("end-tools-when-input-ends") && status.contains(&parent)
    };
    let mut folders = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let guard = folders.find(is_guard).unwrap();
    (house, child, guard)
}

/// Nothing calls any more: neither the run, nor its guard, which has no variable of this house.
#[track_caller]
fn has_let_go_once(house: &House, guard: &Path) {
    let marks = house.path("marks");
    wait_for("the end of the guard", || (!guard.exists()).then_some(()));
    wait_for("the end of all processes", || processes_with("MARKS", marks.as_os_str()).is_empty().then_some(()));
    assert_eq!(moves(house), ["unplug", "fit-jumper", "off"]);
}

#[test]
fn a_killed_recover_lets_go_all_the_same_and_once() {
    let (house, mut child, guard) = in_the_middle();
    kill(child.id());
    assert_eq!(child.wait().unwrap().code(), None);
    has_let_go_once(&house, &guard);
}

#[test]
fn ctrl_c_ends_the_move_and_lets_go_once() {
    for signal in [Signal::INT, Signal::TERM] {
        let (house, mut child, guard) = in_the_middle();
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        has_let_go_once(&house, &guard);
    }
}
