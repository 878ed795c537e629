//! One scenario, run by `recover` with SPSDK's tools and on its own bench.

use regex::Regex;
use serde_json::Value;

use crate::account::{Account, Leeway};
use crate::agreement::assert_agree;
use crate::imxrt_simulation::PORT;
use crate::requirements::{self, NEWEST, OLDER};
use crate::support::{House, Ran};
use crate::workplace::Workplace;

/// What runs in the board when the scenario begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Board {
    Absent,
    Rom,
    /// Two of them.
    Roms,
    /// A ROM that nobody may open.
    Locked,
    Flashloader,
}

/// A board in some state, on both sides, and calls of the tools, each a step of its own.
#[derive(Debug)]
pub(crate) struct Scenario {
    name: &'static str,
    board: Board,
    /// What `--simulate` is told.
    mock: &'static str,
    /// For `board/life.py`.
    real: Value,
    steps: String,
    versions: Vec<&'static str>,
}

/// Where the bench plugs in its own.
const TWO_PORTS: [&str; 2] = ["99-2", "99-3"];
/// What a call may take on a machine that has other things to do.
const LIMIT: &str = "60s";

const HEAD: &str = r#"format: 1
board: Both
inputs:
  flashloader: {file: sdphost_flash_loader.bin}
  firmware: {file: firmware.bin}
devices:
  rom: {hid: "1fc9:0135", label: ROM, identifies: yes}
  flashloader: {hid: "15a2:0073", label: flashloader, identifies: yes}
  running: {usb: "37c5:1060", label: running}
virtual_board:
  model: imxrt-flexspi
  nor: {start: 0x60000000, size: 0x1000000, sector: 0x1000}
  boot_image: 0x60001000
  firmware: 0x60040000
  boot_fuse: {word: 6, bits: 0x10}
steps:
"#;

/// For the bench, whose board starts where a person finds it. The simulated one is plugged in as far as it is wanted.
const TO_ROM: &str = r#"  - id: before-rom
    when: not present(rom) and not present(flashloader)
    prompt: Fit the wire and connect the board.
    hands: [unplug, fit-jumper, plug-in]
    until: {present: rom}
    timeout: 1m
"#;
/// The same where no step can wait for the ROM, since there are two, or none that may be opened.
const TO_ROMS: &str = r#"  - id: before-hands
    run: sdphost
    args: ["--version"]
    prompt: Fit the wire and connect the board.
    hands: [unplug, fit-jumper, plug-in]
  - {id: before-moment, wait: {gone: running, for: 5s}, timeout: 20s}
"#;
const TO_FLASHLOADER: &str = r#"  - id: before-flashloader
    when: not present(flashloader)
    steps:
      - id: before-load
        run: sdphost
        args: ["-u", "0x1FC9,0x0135", "--", "write-file", "0x20001C00", "${flashloader}"]
      - id: before-jump
        run: sdphost
        args: ["-u", "0x1FC9,0x0135", "--", "jump-address", "0x20001C00"]
        until: {present: flashloader}
        timeout: 1m
      - id: before-option
        run: blhost
        args: ["-u", "0x15A2,0x0073", "--", "fill-memory", "0x2000", "4", "0xC0000008", "word"]
        changes: nothing
      - id: before-flash
        run: blhost
        args: ["-u", "0x15A2,0x0073", "--", "configure-memory", "9", "0x2000"]
        changes: nothing
"#;

impl Scenario {
    pub(crate) fn new(name: &'static str, board: Board, mock: &'static str, real: Value) -> Self {
        Scenario { name, board, mock, real, steps: String::new(), versions: vec![NEWEST] }
    }

    /// A fault of the simulated board.
    pub(crate) fn with_fault(name: &'static str, board: Board, mock: &'static str, fault: Value) -> Self {
        Scenario::new(name, board, mock, Value::from_iter([("faults", vec![fault])]))
    }

    /// With the older version of SPSDK, too: where its mock is another one.
    pub(crate) fn and_older(mut self) -> Self {
        self.versions.push(OLDER);
        self
    }

    /// The tool, and what stands behind `--`; `${firmware}` is the file, and `${copy}` one that the call makes.
    pub(crate) fn call(self, words: &str) -> Self {
        let (tool, command) = words.split_once(' ').unwrap();
        let ids = if tool == "sdphost" { "0x1FC9,0x0135" } else { "0x15A2,0x0073" };
        self.call_with(tool, &format!("-u {ids} -- {command}"))
    }

    /// A step in YAML, without its id.
    pub(crate) fn step(mut self, step: &str) -> Self {
        let number = self.steps.lines().count() + 1;
        self.steps += &format!("  - {{id: step-{number}, {step}}}\n");
        self
    }

    pub(crate) fn call_with(self, tool: &str, args: &str) -> Self {
        let quoted: Vec<String> = args.split(' ').map(|word| format!("\"{word}\"")).collect();
        let produces = if args.contains("${copy}") { "produces: copy, " } else { "" };
        let device = match self.board {
            Board::Absent | Board::Roms | Board::Locked => "",
            Board::Rom => "device: rom, ",
            Board::Flashloader => "device: flashloader, ",
        };
        let step = format!(
            "run: {tool}, args: [{}], {device}{produces}timeout: {LIMIT}, if_stopped: Half-way.",
            quoted.join(", ")
        );
        self.step(&step)
    }

    /// Runs it on both sides, with each version. `verdict` is what the tool's last call comes to.
    #[track_caller]
    pub(crate) fn comes_to(&self, verdict: &str) {
        if !requirements::met(self.name) {
            return;
        }
        let leeway = Leeway {
            written_as: vec![
                // The simulated bus has a number that no host has, and so have its nodes.
                (Regex::new(r"\b99-(\d)").unwrap(), "1-$1"),
                (Regex::new(r"/dev/hidraw\d+").unwrap(), "/dev/hidraw"),
                // How long Python has been running.
                (Regex::new(r"\(\d+ms since start").unwrap(), "(some ms since start"),
            ],
            bar_lengths: 100,
        };
        for version in &self.versions {
            let name = format!("{}, SPSDK {version}", self.name);
            let [real, mock] =
                [self.run_real(version), self.run_mock(version)].map(|ran| Account::of(&ran.stdout, &leeway));
            assert_agree(&name, &real, &mock);
            let verdict = format!("verdict: {verdict}");
            assert!(real.has_line(&verdict), "no `{verdict}` in {name}:\n{}", real.text());
        }
    }

    /// A scenario that burns a fuse does so in its first step.
    fn more(&self) -> Vec<&'static str> {
        let agreed: &[&str] =
            if self.steps.contains("irreversible") { &["--allow-irreversible", "step-1"] } else { &[] };
        [&["--message-format", "json"], agreed].concat()
    }

    fn run_real(&self, version: &str) -> Ran {
        let place = Workplace::new(version, &self.real);
        match self.board {
            Board::Absent => {}
            Board::Rom | Board::Locked => place.boards.plug_running(PORT, "rom"),
            Board::Flashloader => place.boards.plug_running(PORT, "flashloader"),
            Board::Roms => {
                for port in TWO_PORTS {
                    place.boards.plug_running(port, "rom");
                }
            }
        }
        place.house.write("both.yaml", format!("{HEAD}{}", self.steps));
        let ran = place.recover("both.yaml", &self.more());
        if self.real["faults"].is_array() {
            assert_eq!(place.boards.state().faults_left(), 0, "{}: the fault never struck\n{}", self.name, ran.text());
        }
        ran
    }

    fn run_mock(&self, version: &str) -> Ran {
        let house = House::new();
        house.images();
        let set_up = match self.board {
            Board::Absent => String::new(),
            Board::Rom => TO_ROM.to_owned(),
            Board::Roms | Board::Locked => TO_ROMS.to_owned(),
            Board::Flashloader => TO_ROM.to_owned() + TO_FLASHLOADER,
        };
        house.write("both.yaml", format!("{HEAD}{set_up}{}", self.steps));
        let tools = if version.starts_with("2.") { "spsdk-2.6" } else { "" };
        let names: Vec<&str> = [tools, self.mock].into_iter().filter(|name| !name.is_empty()).collect();
        let simulate = format!("--simulate={}", names.join(","));
        let args = ["--playbook", "both.yaml", "--files", "images", "--non-interactive", simulate.as_str()];
        house.run(&[&args[..], &self.more()].concat())
    }
}
