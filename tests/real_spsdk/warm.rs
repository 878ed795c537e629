//! Calls by an interpreter that has imported SPSDK, beside calls that start the tool: the same texts, ends and verdicts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use recover::world::process::{Interpreters, start};
use recover::world::{RunningTool, ToolCall, ToolEvent, ToolInput, WarmStart, clear_interpreter};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::imxrt_simulation::PORT;
use crate::recovery::{CALLS, CHOSEN, CONSENT};
use crate::requirements::{self, NEWEST, VERSIONS};
use crate::support::{cleared, wait_for};
use crate::workplace::Workplace;

/// Of each call: the command, the lines of each stream, and how it ended.
pub(crate) type Told = Vec<(String, BTreeMap<String, Vec<String>>, [String; 4])>;

pub(crate) fn told(events: &[Value]) -> Told {
    let (mut told, mut lines) = (Told::new(), BTreeMap::<String, Vec<String>>::new());
    for event in events {
        if event["event"] == "tool_output" {
            let text = masked(event["text"].as_str().unwrap());
            lines.entry(event["stream"].to_string()).or_default().push(text);
        }
        if event["event"] == "tool_ended" {
            let ended = ["end", "exit_code", "verdict", "touched"].map(|key| masked(&event[key].to_string()));
            told.push((event["command"].to_string(), std::mem::take(&mut lines), ended));
        }
    }
    told
}

/// Without the time that has passed since the start.
fn masked(text: &str) -> String {
    regex::Regex::new(r"\(\d+ms since start").unwrap().replace_all(text, "(…ms since start").into_owned()
}

fn with_ids(call: &str) -> String {
    let mut words: Vec<&str> = call.split(' ').collect();
    if !words[2].contains(',') {
        words[2] = if words[0] == "sdphost" { "0x1FC9,0x0135" } else { "0x15A2,0x0073" };
    }
    words.join(" ")
}

#[test]
fn a_recovery_reads_the_same() {
    if !requirements::met("a_recovery_reads_the_same") {
        return;
    }
    for version in VERSIONS {
        let recover = |options: &[&str]| {
            let place = Workplace::new(version, &json!({}));
            place.boards.plug_running(PORT, "rom");
            let format = ["--message-format", "json"];
            let ran = place.recover("rt1062.yaml", &[&CONSENT, &CHOSEN, &format, options].concat());
            assert_eq!(ran.code, Some(0), "{}", ran.text());
            // Of the chosen board a version that can be told gets the node, in place of the ids.
            let calls: Vec<String> = place.boards.state().calls().iter().map(|call| with_ids(call)).collect();
            assert_eq!(calls, CALLS);
            ran.events()
        };
        let (by_interpreter, started) = (recover(&[]), recover(&["--single-calls"]));
        assert_eq!(told(&by_interpreter), told(&started), "SPSDK {version}");
        let cold: Vec<Value> = by_interpreter
            .iter()
            .filter(|event| event["event"] == "tool_ended" && event["warm"] != true)
            .map(|event| event["step"].clone())
            .collect();
        assert_eq!(cold, ["boot-fuse"]);
        assert!(started.iter().all(|event| event["warm"] != true));
    }
}

#[derive(Debug, PartialEq)]
struct Heard {
    stdout: String,
    stderr: String,
    end: String,
}

fn hear(mut tool: RunningTool) -> Heard {
    let (mut streams, mut end) = (BTreeMap::<String, Vec<u8>>::new(), String::new());
    while let Some(event) = tool.events.blocking_recv() {
        match event {
            ToolEvent::Output(stream, bytes) => streams.entry(format!("{stream:?}")).or_default().extend(bytes),
            ToolEvent::Ended(ended) => end = format!("{ended:?}"),
        }
    }
    let mut text = |stream| masked(&String::from_utf8(streams.remove(stream).unwrap_or_default()).unwrap());
    Heard { stdout: text("Stdout"), stderr: text("Stderr"), end }
}

/// What the gate would never let through, or not by an interpreter, is tried under another name.
fn call(place: &Workplace, version: &str, tool: &str, args: &[&str]) -> ToolCall {
    let folder = requirements::folder(version).join("bin");
    let launcher = place.house.path(&format!("work/of-{tool}-script"));
    if !launcher.exists() {
        std::fs::copy(folder.join(tool), &launcher).unwrap();
        std::fs::set_permissions(&launcher, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut environment: BTreeMap<String, OsString> =
        place.boards.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    environment.insert("HOME".to_owned(), place.house.path("home").into());
    for (name, value) in [("SPSDK_DEBUG_LOGGING_DISABLED", "1"), ("PYTHONUNBUFFERED", "1"), ("NO_COLOR", "1")] {
        environment.insert(name.to_owned(), value.into());
    }
    ToolCall {
        launcher: vec![launcher.into()],
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        environment,
        environment_remove: ["PYTHONDONTWRITEBYTECODE", "XDG_CACHE_HOME", "XDG_STATE_HOME"].map(str::to_owned).into(),
        folder: place.house.path("work"),
        terminal: false,
        input: ToolInput::Nothing,
        warm: Some(WarmStart {
            interpreter: vec![folder.join("python").into()],
            imports: ["spsdk.apps.blhost", "spsdk.apps.sdphost"].map(str::to_owned).into(),
        }),
    }
}

fn interpreters(place: &Workplace, version: &str) -> Interpreters {
    const TABLE: &str = "[any]\nsummary = \"any tool\"\nprograms = [\"any\"]\nversion = { args = [\"-V\"], flavours = \
        [{ pattern = '(?P<version>1)' }] }\nwarm = { imports = [\"spsdk.apps.blhost\", \"spsdk.apps.sdphost\"] }\n\
        commands = [{ name = \"any\", reversible = true, success_exit_codes = [] }]\n";
    let source = std::sync::Arc::new(recover::words::Source { name: "any.toml".into(), text: TABLE.into() });
    let catalog = recover::documents::catalog::load(&source).unwrap();
    let call = call(place, version, "blhost", &[]);
    let interpreters = Interpreters::default();
    interpreters.warm_up(&clear_interpreter(call, catalog.tool("any").unwrap(), &[]).unwrap());
    interpreters
}

#[test]
fn mistakes_and_absences_read_the_same() {
    if !requirements::met("mistakes_and_absences_read_the_same") {
        return;
    }
    let id = "0x15A2,0x0073";
    let without_board = [
        "blhost --version",
        "blhost --help",
        "blhost",
        &format!("blhost -u {id} -- get-property 1"),
        &format!("blhost -u {id} -- no-such-command"),
        &format!("blhost -u {id} -t abc -- get-property 1"),
        "blhost -d",
        "sdphost --version",
        "sdphost --help",
        "sdphost -u 0x1FC9,0x0135 -- write-file 0x20001C00 nothing.bin",
        "sdphost -u 0x1FC9,0x0135 -- jump-address 0x20001C00",
    ];
    let with_board = [
        &format!("blhost -u {id} -- get-property 1"),
        &format!("blhost -u {id} -j -- get-property 11"),
        &format!("blhost -u {id} -- get-property 99"),
        &format!("blhost -u {id} -- flash-erase-region 0x60001000"),
        &format!("blhost -u {id} -- flash-erase-region 0x60001000 zero"),
        &format!("blhost -u {id} -- write-memory 0x60001000 nothing.bin"),
        &format!("blhost -u {id} -- write-memory 0x60001000 ."),
        &format!("blhost -u {id} -- read-memory 0x20000000 0x10"),
        &format!("blhost -u {id} -v -- get-property 1"),
    ];
    for version in VERSIONS {
        let place = Workplace::new(version, &json!({}));
        let interpreters = interpreters(&place, version);
        let same = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let call = cleared(call(&place, version, words[0], &words[1..]));
            let by_interpreter = hear(interpreters.start(&call));
            assert!(interpreters.was_warm(), "SPSDK {version}: {line}");
            assert_eq!(by_interpreter, hear(start(&call)), "SPSDK {version}: {line}");
        };
        without_board.iter().for_each(|line| same(line));
        place.boards.plug_running(PORT, "flashloader");
        with_board.iter().for_each(|line| same(line));
    }
}

/// The interpreters that run SPSDK for this place.
fn interpreters_alive(place: &Workplace) -> Vec<u32> {
    let marker = format!("HOME={}", place.house.path("home").display());
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = folders.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_ours = |number: &u32| {
        let read = |name: &str| std::fs::read(format!("/proc/{number}/{name}")).unwrap_or_default();
        let holds = |bytes: &[u8], word: &str| bytes.split(|byte| *byte == 0).any(|part| part == word.as_bytes());
        holds(&read("environ"), &marker) && holds(&read("cmdline"), "spsdk.apps.sdphost")
    };
    numbers.filter(is_ours).collect()
}

fn parent(process: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok()).unwrap_or_default()
}

/// As the system does where memory runs out. The erasing may be done or not: nobody knows, and so nobody says that it is.
#[test]
fn an_interpreter_that_is_killed_leaves_the_outcome_open_and_nothing_behind() {
    if !requirements::met("an_interpreter_that_is_killed_leaves_the_outcome_open_and_nothing_behind") {
        return;
    }
    let late = json!({"command": "flash-erase-region", "kind": "late", "seconds": 30});
    let place = Workplace::new(NEWEST, &json!({"faults": [late]}));
    place.house.write("erase.yaml", ERASE);
    place.boards.plug_running(PORT, "flashloader");
    let erasing = "flash-erase-region 0x60040000 0x4000".to_owned();
    let kill = || {
        wait_for("the erasing", || place.boards.state().commands().contains(&erasing).then_some(()));
        let alive = interpreters_alive(&place);
        let interpreter = alive.iter().copied().find(|process| alive.iter().any(|other| parent(*other) == *process));
        kill_process(Pid::from_raw(i32::try_from(interpreter.unwrap()).unwrap()).unwrap(), Signal::KILL).unwrap();
    };
    let (ran, events) = std::thread::scope(|scope| {
        scope.spawn(kill);
        let ran = place.recover("erase.yaml", &["--message-format", "json"]);
        let events = ran.events();
        (ran, events)
    });
    let ended: Vec<&Value> = events.iter().filter(|event| event["event"] == "tool_ended").collect();
    assert_eq!(ended.len(), 1, "{}", ran.text());
    assert_eq!(ended[0]["verdict"]["fault"]["class"], "tool-broken", "{}", ran.text());
    assert_eq!(ended[0]["touched"], "partly");
    assert_eq!(ran.code, Some(1));
    // Nothing was sent a second time.
    assert_eq!(place.boards.state().commands(), [erasing]);
    let since = Instant::now();
    while !interpreters_alive(&place).is_empty() {
        assert!(since.elapsed() < Duration::from_secs(20), "{:?}", interpreters_alive(&place));
        std::thread::sleep(Duration::from_millis(5));
    }
}

const ERASE: &str = r#"
format: 1
board: One command
devices:
  flashloader: {hid: "15a2:0073", label: flashloader, identifies: yes}
steps:
  - run: blhost
    device: flashloader
    args: ["-u", "0x15A2,0x0073", "-t", "40000", "--", "flash-erase-region", "0x60040000", "0x4000"]
    timeout: 60s
    retry: {attempts: 3, on: [no-answer, refused]}
"#;
