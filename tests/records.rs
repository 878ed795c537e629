//! Every real run leaves a record: it outlasts a kill, it shows what was altered, it is told in four ways, and nothing
//! irreversible is done without one.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Ended, House, MENDER, wait_for};

/// What the tool can do besides, and never undo.
const BURN: &str = r#"
[[mender.commands]]
name = "burn"
with = ["burn"]
changes_board = true
success = ['^done$']
"#;

const WRITES: &str = "steps:\n  - {id: mend, name: Mend it, run: mender, args: [write, \"${image}\"]}\n";

const BURNS: &str = r#"steps:
  - {id: mend, run: mender, args: [write, "${image}"]}
  - id: burn
    run: mender
    args: [burn]
    irreversible:
      why: It cannot be undone.
      already_done: {steps: [{run: mender, args: [read], capture: {fuse: {integer: 'fuse (\d)'}}}], holds: fuse == 1}
      verify: {steps: [{run: mender, args: [read], capture: {fuse: {integer: 'fuse (\d)'}}}], holds: fuse == 1}
"#;

const RUN: [&str; 5] = ["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--non-interactive"];

/// What the tool does stands in `script`; `$MARKS` is a folder for its marks.
fn house(script: &str, steps: &str) -> House {
    let mut house = House::new();
    house.write("vendor-tools.toml", format!("{MENDER}{BURN}"));
    house.write("camera.yaml", format!("format: 1\nboard: Camera\ninputs: {{image: {{file: image.bin}}}}\n{steps}"));
    house.write("image.bin", [7; 100]);
    let version = "case \"$1\" in --version) echo 'mender 1.0'; exit 0;; esac\n";
    let tool = house.script("mender", &format!("{version}{script}"));
    house.set("RECOVER_TOOL_MENDER", tool);
    let marks = house.path("marks");
    std::fs::create_dir(&marks).unwrap();
    house.set("MARKS", marks);
    house.set("USER", "ada-lovelace");
    house
}

fn runs(house: &House) -> Vec<PathBuf> {
    let runs = std::fs::read_dir(house.path("home/state/recover/runs")).into_iter().flatten();
    runs.map(|run| run.unwrap().path()).collect()
}

fn the_run(house: &House) -> PathBuf {
    let [run] = <[PathBuf; 1]>::try_from(runs(house)).unwrap();
    run
}

fn journal(house: &House) -> Vec<Value> {
    let text = std::fs::read_to_string(the_run(house).join("journal.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_says_which_it_is_and_everything_is_kept() {
    let house = house("echo working; echo done\n", WRITES);
    let named = ["--unit", "4711", "--operator", "Ada", "--station", "S1", "--message-format", "json"];
    let shown = house.run(&[&RUN[..], &named].concat()).exits(0).events();
    let mut kept = journal(&house);
    for line in &mut kept {
        line.as_object_mut().unwrap().remove("chain").unwrap();
    }
    assert_eq!(shown, kept);
    let first = &kept[0];
    assert_eq!((&first["event"], &first["format"]), (&"run_started".into(), &1.into()));
    assert_eq!((&first["unit"], &first["operator"], &first["station"]), (&"4711".into(), &"Ada".into(), &"S1".into()));
    assert_eq!(first["run_id"].as_str().unwrap(), the_run(&house).file_name().unwrap());
    assert_eq!(first["recover"], env!("CARGO_PKG_VERSION"));
    let roles: Vec<&str> =
        first["documents"].as_array().unwrap().iter().map(|it| it["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["playbook", "catalog", "catalog"]);
    let sha256 = crate::support::sha256(&std::fs::read(house.path("work/camera.yaml")).unwrap());
    assert_eq!(first["documents"][0]["sha256"], sha256);

    // Each as the schema says, and at times that never go back.
    let schema: Value = serde_json::from_str(&house.run(&["schema", "events"]).exits(0).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut last = 0;
    for event in &shown {
        validator.validate(event).unwrap_or_else(|error| panic!("{error}: {event}"));
        let ms = event["ms"].as_u64().unwrap();
        assert!(ms >= last && event["utc"].as_str().unwrap().ends_with('Z'), "{event}");
        last = ms;
    }

    let run: Value = serde_json::from_slice(&std::fs::read(the_run(&house).join("run.json")).unwrap()).unwrap();
    assert_eq!((&run["end"]["outcome"], &run["unit"]), (&"recovered".into(), &"4711".into()));
    assert!(!the_run(&house).join("reserve").exists());
    house.run(&["report", "last", "--verify"]).exits(0).says("The record is as it was written").says("log.txt");
    house.run(&["runs"]).exits(0).says("RECOVERED").says("4711").never_says("damaged");
    house.run(&["runs", "--unit", "4712"]).exits(0).says("There is no record of a run for the unit `4712`");
    house.run(&["runs", "-n", "0"]).exits(2).says("0 is not in 1..");
    house.run(&["report", ""]).exits(2).says("no run is named").says("recover runs");
    let listed = house.run(&["runs", "--message-format", "json"]).exits(0).events();
    assert_eq!(listed, [run]);
}

#[test]
fn it_is_told_as_text_as_a_page_for_programs_and_to_be_sent() {
    let script = "echo \"writing for $USER\"; echo 'no <answer> & no hope'; exit 1\n";
    let house = house(script, WRITES);
    house.run(&[&RUN[..], &["--unit", "SN-4711", "--operator", "Ada Lovelace", "--station", "S1"]].concat()).exits(1);
    let log = std::fs::read_to_string(the_run(&house).join("log.txt")).unwrap();
    assert_eq!(house.run(&["report", "last"]).exits(0).stdout, log);
    house.run(&["report", "last", "--format", "json"]).exits(0).says("\"step-failed\"");
    let junit = house.run(&["report", "last", "--format", "junit"]).exits(0).stdout;
    assert!(junit.contains("name=\"mend: Mend it\"") && junit.contains("failures=\"1\""), "{junit}");

    let page = house.path("work/report.html");
    house.run(&["report", "last", "--format", "html", "--output", "report.html"]).exits(0);
    let html = std::fs::read_to_string(&page).unwrap();
    for told in ["NOT RECOVERED", "Mend it", "SN-4711", "Do next", "mender write image.bin"] {
        assert!(html.contains(told), "{told}: {html}");
    }
    // What tools print is text, and nothing is fetched from elsewhere.
    assert!(html.contains("no &#60;answer&#62; &#38; no hope") && !html.contains("<answer>"), "{html}");
    assert!(!html.contains("://") && !html.contains("<script"), "{html}");
    // A file that is there is not written over.
    house.run(&["report", "last", "--output", "report.html"]).exits(1).says("report.html cannot be written");
    assert_eq!(std::fs::read_to_string(&page).unwrap(), html);

    house.run(&["report", "last", "--bundle", "sent.jsonl"]).exits(0).says("Look at it before you send it");
    let sent = std::fs::read_to_string(house.path("work/sent.jsonl")).unwrap();
    let home = house.path("home").display().to_string();
    for personal in ["ada-lovelace", "Ada Lovelace", "SN-4711", home.as_str()] {
        assert!(log.contains(personal) || personal == home, "{personal} was there to be replaced");
        assert!(!sent.contains(personal), "{personal}: {sent}");
    }
    assert!(sent.contains("writing for user"), "{sent}");
    // Too short to be looked for in other words.
    assert!(sent.contains(r#""station":"station""#) && sent.contains(r#""host":"host""#), "{sent}");
    house.run(&["report", "sent.jsonl"]).exits(0).says("no <answer> & no hope");
    house.run(&["report", "sent.jsonl", "--verify"]).exits(0);
    // What is in a file that somebody has sent says nothing of where files are written.
    let run = the_run(&house).file_name().unwrap().to_str().unwrap().to_owned();
    for (file, name) in [("above", "../above"), ("below", "20261130-120000-/../../below")] {
        house.write(&format!("{file}.jsonl"), sent.replace(&run, name));
        let output = format!("tests-{file}");
        house
            .run(&["report", "sent.jsonl", &format!("{file}.jsonl"), "--format", "openhtf", "--output", &output])
            .exits(1)
            .says("is not as it was written");
        let names = std::fs::read_dir(house.path(&format!("work/{output}"))).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, [format!("{run}.json"), format!("{file}.json")]);
    }
}

#[test]
fn what_was_altered_is_found() {
    let house = house("echo done\n", WRITES);
    house.run(&RUN).exits(0);
    let (journal, summary) = (the_run(&house).join("journal.jsonl"), the_run(&house).join("run.json"));
    let sound = std::fs::read_to_string(&journal).unwrap();
    for (altered, told) in [
        (sound.replacen("mender", "bender", 1), "line "),
        (sound.lines().take(4).map(|line| format!("{line}\n")).collect(), "line 5 and what came after it are missing"),
        (sound.trim_end().to_owned(), "is not as it was written"),
    ] {
        std::fs::write(&journal, altered).unwrap();
        house.run(&["report", "last", "--verify"]).exits(1).says("not as it was written").says(told);
        house.run(&["runs"]).exits(0).says("RECOVERED (damaged)");
        // What can be read is told, and that it may not be what was written.
        let ran =
            house.run(&["report", "last"]).exits(1).says("run for Camera").says("warning: the record is not as it was");
        ran.says(told);
    }
    for nothing in ["", "not one whole line"] {
        house.write("sent.jsonl", nothing);
        for how in [&["report", "sent.jsonl"][..], &["report", "sent.jsonl", "--verify"]] {
            house.run(how).exits(1).says("sent.jsonl is no record of a run");
        }
    }
    std::fs::write(&journal, &sound).unwrap();
    let other = std::fs::read_to_string(&summary).unwrap().replace("\"recovered\"", "\"declined\"");
    std::fs::write(&summary, other).unwrap();
    house.run(&["report", "last", "--verify"]).exits(1).says("run.json does not say what the journal says");
    house.run(&["report", "20260101"]).exits(2).says("no record of the run `20260101`");
}

/// The record is whole up to the last event, whenever the run is killed.
#[test]
fn a_killed_run_has_its_record() {
    let house = house("echo working; : > \"$MARKS/began\"; /bin/sleep 60\n", WRITES);
    let mut child = Ended(house.command(&RUN).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for("the tool", || house.path("marks/began").exists().then_some(()));
    wait_for("its line", || house.log().contains("working").then_some(()));
    house.run(&["runs"]).exits(0).says("STILL AT WORK").never_says("damaged");
    house.run(&["report", "last", "--verify"]).exits(0).says("the run is still at work");
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    house.run(&["runs"]).exits(0).says("CUT OFF").never_says("damaged");
    house.run(&["report", "last", "--verify"]).exits(0).says("the run was cut off");
    house.run(&["report", "last"]).exits(0).says("working");
    let events = journal(&house);
    assert!(events.iter().any(|event| event["event"] == "tool_started" && event["changes_board"] == true));
    // The power was lost in the middle of a line.
    let path = the_run(&house).join("journal.jsonl");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    house.run(&["report", "last", "--verify"]).exits(0).says("as it wrote the next one");
}

#[test]
fn nothing_irreversible_is_done_without_a_record() {
    let script = "case \"$1\" in read) [ -e \"$MARKS/fuse\" ] && echo 'fuse 1' || echo 'fuse 0'; echo done;; \
                  burn) : > \"$MARKS/fuse\"; echo done;; *) echo done;; esac\n";
    let house = house(script, BURNS);
    let agreed = [&RUN[..], &["--allow-irreversible", "burn"]].concat();
    house
        .run(&[&agreed[..], &["--no-record"]].concat())
        .exits(6)
        .says("no record is kept of this run")
        .says("Run recover again without --no-record");
    assert!(!house.path("marks/fuse").exists() && runs(&house).is_empty());
    house.run(&agreed).exits(0);
    let events = journal(&house);
    let consent = events.iter().find(|event| event["event"] == "consent_given").unwrap();
    assert_eq!((&consent["step"], &consent["how"]), (&"burn".into(), &"beforehand".into()));
    // What a reading shows as done is not done again, so that it needs none.
    house.run(&[&agreed[..], &["--no-record"]].concat()).exits(0);
}

#[test]
fn where_no_record_can_be_kept_nothing_begins() {
    let mut house = house(": > \"$MARKS/began\"; echo done\n", WRITES);
    house.set("RECOVER_RUNS_DIR", house.path("work/image.bin/runs"));
    house
        .run(&RUN)
        .exits(2)
        .says("no record of this run can be kept")
        .says("A file lies where the folder should be")
        .never_says("Make room")
        .says("--runs-dir DIR")
        .says("add --no-record");
    assert!(!house.path("marks/began").exists());
    house.run(&[&RUN[..], &["--runs-dir", "mine"]].concat()).exits(0);
    assert_eq!(std::fs::read_dir(house.path("work/mine")).unwrap().count(), 1);
    house.run(&[&RUN[..], &["--no-record"]].concat()).exits(0).says("Record none was kept of this run");
    let found = house.run(&["doctor"]);
    found.says("records").says("image.bin is no folder");
    house.run(&["runs"]).exits(1).says("cannot be read");
}

/// How many records are kept is no reason to leave a board as it is; the doctor tells of it, too.
#[test]
fn a_setting_that_says_only_what_is_kept_stops_no_run() {
    let house = house("echo done\n", WRITES);
    let settings = house.path("home/config/recover");
    std::fs::create_dir_all(&settings).unwrap();
    std::fs::write(settings.join("settings.toml"), "keep_days = 1.5\n").unwrap();
    let ran = house.run(&RUN).exits(0).says("settings.toml:1:13: expected a whole number");
    ran.says("until that is mended, no record is removed");
    house.run(&["doctor"]).says("settings").says("expected a whole number");
    std::fs::write(settings.join("settings.toml"), "keep_dais = 1\n").unwrap();
    house.run(&RUN).exits(3);
    house.run(&["doctor"]).says("did you mean `keep_days`?");
}

/// In a namespace of its own the test may mount a tiny file system for records, without any privilege.
#[test]
fn a_disk_that_fills_up_stops_no_recovery() {
    let house = house(
        "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo \"line $i of many that are printed\"; done; echo done\n",
        WRITES,
    );
    std::fs::create_dir(house.path("small")).unwrap();
    let shell = |size: &str, then: &str| {
        let line = format!("mount -t tmpfs -o size={size} none '{}' && {then}", house.path("small").display());
        let own = house.command(&[]);
        let mut outer = Command::new("unshare");
        outer.args(["--user", "--map-root-user", "--mount", "/bin/sh", "-c", &line]);
        outer.current_dir(house.path("work")).env_clear();
        outer.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        outer.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("RECOVER_RUNS_DIR", house.path("small"));
        outer.stdin(Stdio::null()).output()
    };
    match shell("64k", "true") {
        Ok(output) if output.status.success() => {}
        other => return eprintln!("skipped: this user may not mount anything, not even in a namespace ({other:?})"),
    }
    let run = format!("'{}' {}", env!("CARGO_BIN_EXE_recover"), RUN.join(" "));
    let text = |output: &std::process::Output| {
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // Not even what is reserved.
    let output = shell("64k", &format!("exec {run}")).unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("no record of this run can be kept"), "{}", text(&output));
    // It fills up while the tool prints: what is done is still told.
    let checked = format!(
        "{run} && '{}' report last --verify && cat small/../../small/*/journal.jsonl",
        env!("CARGO_BIN_EXE_recover")
    );
    let output =
        shell("1200k", &checked.replace("small/../../small", &house.path("small").display().to_string())).unwrap();
    let told = text(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let left_out = "from here on the record of this run leaves out what the tools print";
    assert_eq!(told.matches(left_out).count(), 2, "on the screen, and in the journal: {told}");
    assert!(
        told.contains("The record is as it was written")
            && told.contains(r#""event":"finished","outcome":"recovered""#),
        "{told}"
    );
}

/// A flash that can be read back, and a last step that fails until somebody has helped.
const FLASH: &str = r#"
[[mender.commands]]
name = "put"
reversible = true
with = ["put"]
changes_board = true
writes = { address = 1, file = 2 }
success = ['^done$']

[[mender.commands]]
name = "get"
reversible = true
with = ["get"]
reads = { address = 1, file = 2 }
success = ['^done$']
"#;

const PUTS: &str = r#"steps:
  - {id: put, name: Write the image, run: mender, args: [put, "0x1000", "${image}"]}
  - {id: get, name: Read the image, run: mender, args: [get, "0x1000", "${held}"], produces: held}
  - {id: same, name: Compare, check: sha256(held) == sha256(image), class: refused, message: It differs.}
  - {id: last, name: Start it, run: mender, args: [write, "${image}"]}
"#;

#[test]
fn a_run_that_ended_early_is_gone_on_with() {
    let script = "case \"$1\" in put) echo put >> \"$MARKS/calls\"; /bin/cp \"$3\" \"$MARKS/flash\";; get) /bin/cp \"$MARKS/flash\" \"$3\";;\n\
                  *) [ -e \"$MARKS/helped\" ] || exit 1;; esac\necho done\n";
    let house = house(script, PUTS);
    house.write("vendor-tools.toml", format!("{MENDER}{FLASH}"));
    let puts = || std::fs::read_to_string(house.path("marks/calls")).unwrap_or_default().lines().count();
    let run = |more: &[&str]| house.run(&[&RUN[..], more].concat());
    run(&["--resume"]).exits(2).says("there is nothing to go on with").says("--only-what-differs");
    run(&[]).exits(1).never_says("The last run of this playbook");

    // What the board proves to hold is left alone, and what was read for that is not read again.
    let again =
        run(&[]).exits(1).says("The last run of this playbook, just now, ended early at the step \"Start it\".");
    let again =
        again.says("Written by then, or begun: image.bin at 0x00001000").says("skipped: the board holds image.bin");
    again.says("skipped: it was read a moment ago");
    assert_eq!(puts(), 1);
    // One altered byte, in the flash or in the file.
    std::fs::write(house.path("marks/flash"), [7, 7, 8]).unwrap();
    run(&["--resume"]).exits(1).says("holds something else in place of image.bin");
    house.write("image.bin", [9; 100]);
    run(&[]).exits(1).says("holds something else in place of image.bin");
    run(&["--from-scratch"]).exits(1).never_says("The last run of this playbook");
    assert_eq!(puts(), 4);

    std::fs::write(house.path("marks/helped"), "").unwrap();
    run(&["--resume"])
        .exits(0)
        .says("As it should be when it was read, and perhaps written since: image.bin at 0x00001000.")
        .never_says("Nothing of what was written");
    assert_eq!(puts(), 4);
    run(&["--resume"]).exits(2).says("there is nothing to go on with");
    run(&["--only-what-differs"]).exits(0).says("skipped: the board holds image.bin");
    run(&[]).exits(0).never_says("The last run");
    // Another playbook knows nothing of what this one has written.
    std::fs::remove_file(house.path("marks/helped")).unwrap();
    run(&[]).exits(1);
    house.write("camera.yaml", format!("format: 1\nboard: Other\ninputs: {{image: {{file: image.bin}}}}\n{PUTS}"));
    run(&[]).exits(1).says("with another playbook or catalog: everything is written anew");
}

/// Fails until somebody has helped, in a step with a name.
const HELPED: &str = "[ -e \"$MARKS/helped\" ] || { echo 'no <answer> & no hope'; exit 1; }; echo done\n";

fn rows(text: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[test]
fn many_runs_are_told_unit_by_unit() {
    let house = house(HELPED, WRITES);
    let run = |unit: &str| house.run(&[&RUN[..], &["--unit", unit, "--station", "S1"]].concat());
    run("=SN-1").exits(1).never_says("was seen before");
    std::fs::write(house.path("marks/helped"), "").unwrap();
    let again = run("=SN-1").exits(0).says("The unit =SN-1 was seen before: not recovered just now at the step");
    again.says("\"Mend it\"");
    run("SN-2").exits(0).never_says("was seen before");
    let kept = house.path("home/state/recover/runs");
    let simulation =
        ["rt1062", "--simulate", "--runs-dir", kept.to_str().unwrap(), "--unit", "SN-3", "--non-interactive"];
    house.run(&[&simulation[..], &["--allow-irreversible", "boot-fuse"]].concat()).exits(0);

    let report = |more: &[&str]| house.run(&[&["report", "--since", "1h"], more].concat());
    let told = report(&[]).exits(0).says("2 of 2 units were recovered (100 %)").says("At the first try: 1 of 2 (50 %)");
    let told = told.says("1 simulated run is left out; --simulated takes them in").says("1 unknown at \"Mend it\"");
    told.says("S1: 2 of 2 units (100 %)").never_says("SN-3");
    report(&["--simulated"]).exits(0).says("3 of 3 units were recovered").says("OpenMV Cam RT1062");

    // One row for each unit; a spreadsheet runs none of them.
    let text = report(&["--format", "csv", "--output", "shift.csv", "--simulated"]).exits(0).text();
    assert_eq!(text, "");
    let text = std::fs::read_to_string(house.path("work/shift.csv")).unwrap();
    assert_eq!((text.lines().count(), text.matches("\r\n").count()), (4, 4), "{text}");
    let all = rows(&text);
    let cells =
        |row: usize, columns: &[&str]| columns.iter().map(|column| all[row][*column].clone()).collect::<Vec<_>>();
    let columns = ["unit", "named_by", "outcome", "tries", "first_try", "cause", "station", "record"];
    assert_eq!(cells(0, &columns), ["'=SN-1", "unit", "recovered", "2", "no", "", "S1", "sound"]);
    assert_eq!(cells(1, &columns), ["SN-2", "unit", "recovered", "1", "yes", "", "S1", "sound"]);
    // Of a simulation, the time that passed for the board.
    assert!(all[2]["unit"] == "SN-3" && all[2]["took_s"].parse::<f64>().unwrap() > 30.0, "{text}");
    let streamed = report(&["--format", "csv"]).exits(0);
    assert_eq!(rows(&streamed.stdout).len(), 2);
    assert!(streamed.stderr.contains("1 simulated run is left out"), "{}", streamed.stderr);

    let html = report(&["--format", "html"]).exits(0).stdout;
    for told in [
        "2 of 2 units were recovered (100 %)",
        "Why runs failed",
        "Station",
        "=SN-1",
        "2 runs, the last one",
        "left out",
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
    assert!(!html.contains("://") && !html.contains("<script") && !html.contains("<a "), "{html}");
    let junit = report(&["--format", "junit"]).exits(0).stdout;
    assert_eq!((junit.matches("<testsuite ").count(), junit.contains("failures=\"1\"")), (3, true), "{junit}");
    let outcomes: Vec<Value> = report(&["--format", "json"]).exits(0).events();
    let outcomes: Vec<&Value> = outcomes.iter().map(|line| &line["end"]["outcome"]).collect();
    assert_eq!(outcomes, ["step-failed", "recovered", "recovered"]);

    // A unit with its history.
    house.run(&["runs", "--unit", "=SN-1"]).exits(0).says("AT STEP").says("Mend it").never_says("SN-2");
    let of_unit = house.run(&["report", "--unit", "=SN-1"]).exits(0).says("1 of 1 unit was recovered");
    of_unit.says("Runs for the unit =SN-1").never_says("SN-2");
    let mut names: Vec<String> =
        runs(&house).iter().map(|run| run.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.retain(|name| name.contains("camera"));
    names.sort();
    let first = names[0].as_str();
    house.run(&["report", first]).exits(0).says("The unit =SN-1 in other runs").says("RECOVERED (2");
    let page = house.run(&["report", first, "--format", "html"]).exits(0).stdout;
    assert!(page.contains("This unit in other runs") && page.contains("RECOVERED"), "{page}");

    // Named ones, each once.
    house.run(&["report", first, first, "last"]).exits(0).says("Runs that you named").says("of 2 units");
    house.run(&["report", first, "--format", "csv"]).exits(0).says("step-failed");

    // A run that does not come to a board is no unit's failure.
    house.run(&[&RUN[..], &["--unit", "SN-2", "--tool", "mender=gone"]].concat()).exits(4);
    let told = report(&[]).exits(0).says("2 of 2 units were recovered (100 %)").says("1 tool-missing");
    told.says("1 run that counts for no unit did not come to the first step: tool-missing.");
}

#[test]
fn what_selects_nothing_says_why() {
    let house = house("echo done\n", WRITES);
    house.run(&["report", "--since", "today"]).exits(2).says("there are no runs since");
    house.run(&[&RUN[..], &["--unit", "SN-2", "--runs-dir", "mine"]].concat()).exits(0);
    let report = |more: &[&str]| house.run(&[&["report", "--runs-dir", "mine"], more].concat());
    report(&["--unit", "SN-1"]).exits(2).says("there are no runs for the unit SN-1 in mine");
    report(&["--until", "2001-01-01"]).exits(2).says("there are no runs until 2001-01-02 00:00");
    report(&["--since", "15000y"]).exits(2).says("further away than the calendar goes");
    report(&["--since", "soon"]).exits(2).says("write it as `today`");
    report(&["last", "last", "--verify"]).exits(2).says("name one run");
    report(&["--unit", "SN-2", "--format", "openhtf"]).exits(2).says("name a folder for them with --output");
    report(&["--unit", "SN-2", "--format", "openhtf", "--output", "tests"]).exits(0);
    assert_eq!(std::fs::read_dir(house.path("work/tests")).unwrap().count(), 1);
    report(&["--unit", "SN-2", "--format", "openhtf", "--output", "tests"]).exits(1).says("cannot be written");
}

/// What is wrong with a record is told beside the figures, and one that cannot be read is in none of them.
#[test]
fn no_record_is_left_out_silently() {
    fn run(unit: &str) -> Vec<&str> {
        [&RUN[..], &["--unit", unit]].concat()
    }
    let house = house("[ -e \"$MARKS/hangs\" ] && { : > \"$MARKS/began\"; /bin/sleep 60; }; echo done\n", WRITES);
    let kept = || {
        let mut all = runs(&house);
        all.sort();
        all.last().unwrap().clone()
    };
    let mut records = Vec::new();
    for unit in ["SN-1", "SN-2", "SN-3", "SN-4", "SN-5"] {
        let before = runs(&house);
        house.run(&run(unit)).exits(0);
        records.extend(runs(&house).into_iter().filter(|record| !before.contains(record)));
    }
    let altered = |record: &PathBuf, name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(record.join(name)).unwrap();
        assert!(text.contains(from));
        std::fs::write(record.join(name), text.replacen(from, to, 1)).unwrap();
    };
    altered(&records[1], "journal.jsonl", "mender", "bender");
    std::fs::remove_file(records[2].join("journal.jsonl")).unwrap();
    altered(&records[3], "run.json", "\"recovered\"", "\"declined\"");
    std::fs::write(records[4].join("run.json"), "").unwrap();
    std::fs::write(records[4].join("journal.jsonl"), "not one whole line").unwrap();

    std::fs::write(house.path("marks/hangs"), "").unwrap();
    let mut child = Ended(house.command(&run("SN-6")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for("the tool", || house.path("marks/began").exists().then_some(()));
    let report = |more: &[&str]| house.run(&[&["report", "--since", "1h"], more].concat()).exits(1);
    report(&[]).says("1 run is still at work, and left out").says("3 of 3 units were recovered");
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    let last = kept();
    let bytes = std::fs::read(last.join("journal.jsonl")).unwrap();
    std::fs::write(last.join("journal.jsonl"), &bytes[..bytes.len() - 20]).unwrap();

    let told = report(&[]).says("3 of 4 units were recovered (75 %)").says("1 cut-off").says("which is torn");
    let told = told.says("its journal is missing, so this run is in none of the figures");
    let told = told.says("run.json does not say what the journal says").says("it has not one whole line of a journal");
    told.says("warning: 4 records are not as written");
    let streamed = report(&["--format", "csv"]);
    assert!(streamed.stderr.contains("is torn"), "{}", streamed.stderr);
    let all = rows(&streamed.stdout);
    let found: Vec<(&str, &str, bool)> =
        all.iter().map(|row| (row["unit"].as_str(), row["outcome"].as_str(), row["record"] == "sound")).collect();
    let expected = [
        ("SN-1", "recovered", true),
        ("SN-2", "recovered", false),
        ("SN-4", "recovered", false),
        ("SN-6", "cut-off", true),
    ];
    assert_eq!(found, expected);
    let html = report(&["--format", "html"]).stdout;
    assert!(html.contains("Records to look at") && html.contains("CUT OFF"), "{html}");
    // Of whom the record is, is not known: it is told to whoever asks for any unit.
    report(&["--unit", "SN-1"]).says("1 of 1 unit was recovered").says("in none of the figures");
}

/// `tests/real_openhtf/install` makes it; what it takes for the same record is in `read.py` beside it.
#[test]
fn a_test_record_is_read_by_openhtf() {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || variable("XDG_CACHE_HOME").unwrap_or_else(|| variable("HOME").unwrap_or_default().join(".cache"));
    let tools = variable("RECOVER_TOOLS_CACHE").unwrap_or_else(|| cache().join("recover"));
    let python = tools.join("openhtf-1.6.3/bin/python");
    if !python.exists() {
        let missing = format!("{} is missing; `tests/real_openhtf/install` makes it", python.display());
        assert!(
            std::env::var_os("RECOVER_REQUIRE_OPENHTF").is_none_or(|value| value != "1"),
            "{missing}; RECOVER_REQUIRE_OPENHTF=1 asks for it"
        );
        // Straight to the stream: what a passing test prints by `eprintln!` is not shown.
        let _ = writeln!(std::io::stderr(), "skipped a_test_record_is_read_by_openhtf: {missing}");
        return;
    }
    let house = house(HELPED, WRITES);
    let read = |record: PathBuf| -> Value {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real_openhtf/read.py");
        let output = Command::new(&python).arg("-B").arg(script).arg(record).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let named = ["--unit", "SN-1", "--operator", "Ada", "--station", "S1"];
    let record = |name: &str| {
        house.run(&["report", "last", "--format", "openhtf", "--output", name]).exits(0);
        read(house.path("work").join(name))
    };
    house.run(&[&RUN[..], &named].concat()).exits(1);
    let failed = record("failed.json");
    assert_eq!(
        (&failed["unit"], &failed["station"], &failed["operator"]),
        (&"SN-1".into(), &"S1".into(), &"Ada".into())
    );
    assert_eq!((&failed["outcome"], &failed["test"]), (&"FAIL".into(), &"camera.yaml".into()));
    assert_eq!(
        (&failed["phases"][0], &failed["failures"][0][0]),
        (&serde_json::json!(["mend", "FAIL"]), &"unknown".into())
    );
    assert_eq!(failed["logs"], journal(&house).len());

    let simulation =
        ["rt1062", "--simulate", "--runs-dir", "mine", "--non-interactive", "--allow-irreversible", "boot-fuse"];
    house.run(&simulation).exits(0);
    house.run(&["report", "last", "--runs-dir", "mine", "--format", "openhtf", "--output", "simulated.json"]).exits(0);
    let simulated = read(house.path("work/simulated.json"));
    assert_eq!((&simulated["outcome"], &simulated["failures"]), (&"PASS".into(), &serde_json::json!([])));
    let outcomes: Vec<&str> =
        simulated["phases"].as_array().unwrap().iter().map(|phase| phase[1].as_str().unwrap()).collect();
    assert!(outcomes.contains(&"PASS") && outcomes.contains(&"SKIP") && outcomes.len() > 20, "{outcomes:?}");
    assert!(simulated["took"].as_u64().unwrap() > 30_000, "{simulated}");
}

/// All events of all places come in one stream, and each board's run has a record of its own.
#[test]
fn a_station_tells_every_event_with_its_place_and_keeps_every_run() {
    let house = House::new();
    let runs = house.path("runs");
    let in_runs = ["--runs-dir", runs.to_str().unwrap()];
    let args = ["station", "h7", "--simulate", "--ports", "1-3,1-4", "--count", "3", "--message-format", "json"];
    let events = house.run(&[&args[..], &in_runs].concat()).exits(0).events();
    let schema: Value = serde_json::from_str(&house.run(&["schema", "events"]).exits(0).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (last, events) = events.split_last().unwrap();
    assert_eq!((&last["event"], &last["recovered"], last.get("place")), (&"station_finished".into(), &3.into(), None));
    let mut ends = Vec::new();
    for event in events {
        validator.validate(event).unwrap_or_else(|error| panic!("{error}: {event}"));
        let place = event["place"].as_u64().unwrap();
        if event["event"] == "run_started" {
            assert_eq!(event["port"], format!("1-{}", place + 2));
        }
        if event["event"] == "finished" {
            ends.push(place);
        }
    }
    ends.sort_unstable();
    assert_eq!(ends, [1, 1, 2]);
    let listed = house.run(&[&["runs", "--message-format", "json"][..], &in_runs].concat()).exits(0).events();
    assert_eq!(listed.len(), 3);
    for run in &listed {
        let args = ["report", run["run_id"].as_str().unwrap(), "--verify"];
        house.run(&[&args[..], &in_runs].concat()).exits(0).says("as it was written");
    }
    for (args, says) in [
        (&["station", "h7"][..], "--learn"),
        (&["station", "ae3", "--ports", "1-1"], "does not say at which place it is"),
        (&["station", "h7", "--ports", "1-1,1-1"], "named twice"),
        (&["station", "h7", "--simulate=9:absent", "--count", "2"], "there are 2 places"),
        (&["station", "h7", "--simulate=1:abent", "--count", "2"], "Did you mean 1:absent?"),
    ] {
        house.run(args).exits(2).says(says);
    }
}
