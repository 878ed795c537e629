//! One command that goes wrong, for each way in which it can: what the real tools say then, and what `recover` makes of it.

use serde_json::{Value, json};

use crate::imxrt_simulation::PORT;
use crate::requirements::{self, VERSIONS};
use crate::warm::{Told, told};
use crate::workplace::Workplace;

/// A command of `blhost` or `sdphost` as a step writes it, and the verdict on it.
struct Case {
    name: &'static str,
    /// For `board/life.py`.
    board: Value,
    command: &'static str,
    /// Class and, where the tool names one, code.
    verdict: &'static str,
    message: &'static str,
    /// How far the board is changed, as far as anybody can tell.
    touched: &'static str,
}

const WRITE_FILE: &str = "sdphost write-file 0x20001C00 ${flashloader}";
const JUMP: &str = "sdphost jump-address 0x20001C00";
const ERASE: &str = "blhost flash-erase-region 0x60040000 0x4000";
const WRITE: &str = "blhost write-memory 0x60040000 ${firmware}";

/// What recover's own look at the bus says.
const GONE: &str = "The board left the USB bus in the middle of the call";
const LEFT: &str = "The board left in the middle of the command";
const SILENT: &str = "The board did not answer; whether it did what it was told is unknown";
const CLOSED: &str =
    "The chip is closed by its owner: it runs only signed programs, and the recovery loader is not signed";

#[expect(clippy::needless_pass_by_value, reason = "made for this one use")]
fn fault(fault: Value) -> Value {
    json!({ "faults": [fault] })
}

fn in_flash() -> Vec<Case> {
    let case =
        |name, board, command, verdict, message| Case { name, board, command, verdict, message, touched: "partly" };
    vec![
        case("not erased", json!({}), WRITE, "refused 10203", "The flash memory was not erased before it was written"),
        case(
            "bad status after the data",
            fault(json!({"command": "write-memory", "kind": "status-at-end", "code": 20100})),
            WRITE,
            "refused 20100",
            "Writing the flash memory failed",
        ),
        case(
            "data broken off by the board",
            fault(json!({"command": "write-memory", "kind": "abort", "code": 10002, "bytes": 5000})),
            WRITE,
            "refused 10002",
            "The board broke off the transfer",
        ),
        case(
            "lost in the data",
            fault(json!({"command": "write-memory", "kind": "vanish-in-data", "bytes": 5000})),
            WRITE,
            "device-lost",
            LEFT,
        ),
        case(
            "lost before the command",
            fault(json!({"command": "flash-erase-region", "kind": "vanish-before"})),
            ERASE,
            "device-lost",
            LEFT,
        ),
        case(
            "lost while it works",
            fault(json!({"command": "flash-erase-region", "kind": "vanish-after"})),
            ERASE,
            "device-lost 10004",
            GONE,
        ),
        case(
            "no answer",
            fault(json!({"command": "flash-erase-region", "kind": "no-answer"})),
            ERASE,
            "no-answer 10004",
            SILENT,
        ),
        case(
            "no answer after the data",
            fault(json!({"command": "write-memory", "kind": "no-closing-answer"})),
            WRITE,
            "no-answer",
            SILENT,
        ),
    ]
}

fn before_anything_changed() -> Vec<Case> {
    let case =
        |name, board, command, verdict, message| Case { name, board, command, verdict, message, touched: "nothing" };
    vec![
        case(
            "locked",
            fault(json!({"command": "flash-erase-region", "kind": "status", "code": 10001})),
            ERASE,
            "protected 10001",
            "The board is locked by its security settings and does not allow this",
        ),
        case(
            "cannot be opened",
            json!({"tools_may_open": false}),
            ERASE,
            "no-permission",
            "The camera is attached, but you have no permission to use it",
        ),
        case("only signed programs", json!({"hab_closed": true}), WRITE_FILE, "protected 2", CLOSED),
        case("no jump to an unsigned program", json!({"hab_closed": true}), JUMP, "protected 305411090", CLOSED),
        case(
            "ROM with an odd status",
            fault(json!({"command": "write-file", "kind": "odd-status", "code": 0x1234_5678})),
            WRITE_FILE,
            "refused 305419896",
            "The board answered with status 305419896 = 0x12345678",
        ),
        case(
            "ROM lost in the data",
            fault(json!({"command": "write-file", "kind": "vanish-in-data", "bytes": 3000})),
            WRITE_FILE,
            "device-lost",
            LEFT,
        ),
        case(
            "ROM without an answer",
            fault(json!({"command": "write-file", "kind": "no-closing-answer"})),
            WRITE_FILE,
            "no-answer",
            SILENT,
        ),
        case("no jump", fault(json!({"command": "jump-address", "kind": "ignored"})), JUMP, "no-answer", SILENT),
    ]
}

#[test]
fn every_fault_in_flash_gets_its_verdict() {
    if requirements::met("every_fault_in_flash_gets_its_verdict") {
        prove(&in_flash());
    }
}

#[test]
fn every_fault_before_gets_its_verdict() {
    if requirements::met("every_fault_before_gets_its_verdict") {
        prove(&before_anything_changed());
    }
}

fn prove(cases: &[Case]) {
    for version in VERSIONS {
        for case in cases {
            let [by_interpreter, started] =
                [&[][..], &["--single-calls"]].map(|options| prove_one(case, version, options));
            assert_eq!(by_interpreter, started, "{} with SPSDK {version}", case.name);
        }
    }
}

/// What the tool has printed.
fn prove_one(case: &Case, version: &str, options: &[&str]) -> Told {
    let name = format!("{} with SPSDK {version} {options:?}", case.name);
    let place = Workplace::new(version, &case.board);
    let words: Vec<&str> = case.command.split(' ').collect();
    let program = if words[0] == "sdphost" { "rom" } else { "flashloader" };
    place.boards.plug_running(PORT, program);
    place.house.write("one.yaml", one_command(program, &words));
    let ran = place.recover("one.yaml", &[&["--message-format", "json"], options].concat());

    let events = ran.events();
    let ended = events.iter().find(|event| event["event"] == "tool_ended");
    let ended = ended.unwrap_or_else(|| panic!("{name}: {}", ran.text()));
    let fault = &ended["verdict"]["fault"];
    let class = fault["class"].as_str().unwrap_or_default();
    let verdict = fault["code"].as_str().map_or(class.to_owned(), |code| format!("{class} {code}"));
    let seen = (verdict.as_str(), fault["message"].as_str(), ended["touched"].as_str());
    assert_eq!(seen, (case.verdict, Some(case.message), Some(case.touched)), "{name}: {}", ran.text());
    assert_eq!(ran.code, Some(if class == "no-permission" { 5 } else { 1 }), "{name}");

    let state = place.boards.state();
    assert_eq!(state.calls().len(), 1, "{name}: {:?}", state.calls());
    assert_eq!(ended["warm"] == true, options.is_empty(), "{name}");
    assert_eq!(state.faults_left(), 0, "{name}: the fault never struck");
    assert_eq!((state.burns(), state.boot_fuse()), (vec![], 0), "{name}");
    assert_eq!(state.mode() == "off", class == "device-lost", "{name}: {}", state.mode());
    if case.touched == "nothing" {
        assert_eq!(state.regions(), [], "{name}");
        assert!(place.boards.flash(PORT, 0x6004_0000, 0x4000).iter().all(|cell| *cell == 0xa5), "{name}");
    }
    told(&events)
}

/// What needs no time to run out gets as much as in a real recovery, since this machine may be busy.
fn one_command(program: &str, words: &[&str]) -> String {
    let id = if program == "rom" { "0x1FC9,0x0135" } else { "0x15A2,0x0073" };
    let args: Vec<String> = words[1..].iter().map(|word| format!("\"{word}\"")).collect();
    let (tool, args) = (words[0], args.join(", "));
    format!(
        r#"
format: 1
board: One command
inputs:
  flashloader: {{file: sdphost_flash_loader.bin}}
  firmware: {{file: firmware.bin}}
devices:
  rom: {{hid: "1fc9:0135", label: ROM, identifies: yes}}
  flashloader: {{hid: "15a2:0073", label: flashloader, identifies: yes}}
steps:
  - id: command
    run: {tool}
    device: {program}
    args: ["-u", "{id}", "-t", "2000", "--", {args}]
    timeout: 60s
"#
    )
}
