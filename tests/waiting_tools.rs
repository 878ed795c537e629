//! Mock tools that wait in the middle, as real processes in the simulated world: its clock passes only while they wait.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test may fail it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use recover::bench::{Answers, Bench, BenchFolder, BenchWorld, CallRecord, WhichBoard};
use recover::documents::playbook::{HandMove, load};
use recover::words::{Source, Stream, ToolEnd};
use recover::world::{Ask, Interrupt, RunningTool, ToolCall, ToolEvent, ToolInput, World, process};
use tokio::time::{Instant, timeout};

const PLAYBOOK: &str = "
format: 1
board: A camera with a secure enclave
devices:
  bridge: {serial: '0403:6015', label: bridge}
virtual_board: {model: alif-se}
steps:
  - {id: nothing, wait: '', until: {present: bridge}, timeout: 1s}
";
/// Of virtual time, unless a test says otherwise.
const LIMIT: Duration = Duration::from_secs(600);

fn world(names: &[&str]) -> BenchWorld {
    let source = Arc::new(Source { name: "test.yaml".into(), text: PLAYBOOK.into() });
    let loaded = load(&source, &|_| Err("no families".into()));
    let bench = Bench::set_up(BenchFolder::temporary().unwrap(), &loaded.playbook.unwrap(), names).unwrap();
    let folder = bench.files().folder().join("alif");
    // Under test this process is not the program that plays the tools.
    for tool in ["maintenance", "updateSystemPackage", "app-write-mram"] {
        std::fs::remove_file(folder.join(tool)).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_recover"), folder.join(tool)).unwrap();
    }
    let configuration = r#"{"DEVICE": {"Part#": "E3 (AE302F80F55D5AE) - 5.5 MRAM / 13.5 SRAM", "Revision": "B4"},
        "MRAM-BURNER": {"Interface": "isp", "Jtag-adapter": "J-Link"}}"#;
    std::fs::write(folder.join("utils/global-cfg.db"), configuration).unwrap();
    std::fs::write(folder.join("isp_config_data.cfg"), "comport /dev/ttyUSB0\n").unwrap();
    let never = Box::new(|| -> std::pin::Pin<Box<dyn Future<Output = Interrupt>>> { Box::pin(std::future::pending()) });
    BenchWorld::new(
        std::rc::Rc::new(bench),
        Answers::Given { which_board: WhichBoard::ItIsNot },
        Box::new(process::start),
        never,
    )
}

async fn switch_on(world: &BenchWorld) {
    hands(world, &[HandMove::Unplug, HandMove::SwitchOn, HandMove::PlugIn]);
    tokio::time::sleep(Duration::from_secs(10)).await;
}

fn hands(world: &BenchWorld, moves: &[HandMove]) {
    world.ask(Ask::Hands { moves, until: None });
}

/// A tool that runs, and what it has printed so far.
struct Talk {
    tool: RunningTool,
    printed: String,
    seen: usize,
}

impl Talk {
    fn start(world: &BenchWorld, line: &str, terminal: bool) -> Talk {
        let folder = world.bench().files().folder().join("alif");
        let mut words = line.split(' ');
        let tool = world.start(&crate::support::cleared(ToolCall {
            launcher: vec![folder.join(words.next().unwrap()).into()],
            args: words.map(str::to_owned).collect(),
            environment: BTreeMap::new(),
            environment_remove: Vec::new(),
            folder,
            terminal,
            input: ToolInput::Open,
            warm: None,
        }));
        Talk { tool, printed: String::new(), seen: 0 }
    }

    /// Reads until the text comes behind what was awaited before.
    async fn read_until(&mut self, text: &str) {
        loop {
            if let Some(at) = self.printed[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            match timeout(LIMIT, self.tool.events.recv()).await {
                Ok(Some(ToolEvent::Output(Stream::Stdout, bytes))) => self.printed += &String::from_utf8_lossy(&bytes),
                other => panic!("{other:?} instead of {text:?} behind {:?}", self.printed),
            }
        }
    }

    fn send(&mut self, line: &str) {
        self.tool.input.as_mut().unwrap().send(line).unwrap();
    }

    async fn end(mut self) -> (ToolEnd, String) {
        loop {
            match timeout(LIMIT, self.tool.events.recv()).await.unwrap().unwrap() {
                ToolEvent::Output(_, bytes) => self.printed += &String::from_utf8_lossy(&bytes),
                ToolEvent::Ended(end) => return (end, self.printed),
            }
        }
    }
}

fn calls(folder: &Path) -> Vec<CallRecord> {
    let text = std::fs::read_to_string(folder.join("calls.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_dialogue_of_hard_maintenance_takes_no_time_but_that_of_the_hands() {
    for terminal in [false, true] {
        let world = world(&["silent"]);
        switch_on(&world).await;
        let began = Instant::now();
        let mut talk = Talk::start(&world, "maintenance", terminal);
        talk.read_until("Enter to exit): ").await;
        talk.send("1");
        talk.read_until("1 - Hard maintenance mode").await;
        talk.read_until("Enter to return): ").await;
        talk.send("1");
        talk.read_until("Waiting for Target..[RESET Platform] |").await;
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        hands(&world, &[HandMove::PressButton]);
        talk.read_until("Enter to return): ").await;
        talk.send("");
        talk.read_until("Enter to exit): ").await;
        talk.send("");
        let (end, printed) = talk.end().await;
        assert_eq!(end, ToolEnd::Exited(0), "{printed:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        let (end, printed) = Talk::start(&world, "maintenance -opt sesbanner", terminal).end().await;
        assert!(end == ToolEnd::Exited(0) && printed.contains(" SES B4 v1.104.0 "), "{printed:?}");
        assert_eq!(calls(world.bench().folder()).len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn time_passes_while_nobody_presses_the_button() {
    let world = world(&["silent"]);
    switch_on(&world).await;
    let mut talk = Talk::start(&world, "maintenance", true);
    talk.read_until("Enter to exit): ").await;
    talk.send("1");
    talk.read_until("Enter to return): ").await;
    talk.send("1");
    talk.read_until("Waiting for Target").await;
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(began.elapsed().as_secs(), 300);
    // The wrong move, and later the right one.
    hands(&world, &[HandMove::FitJumper]);
    tokio::time::sleep(Duration::from_secs(30)).await;
    hands(&world, &[HandMove::PressButton]);
    talk.read_until("1 - Hard maintenance mode").await;
    drop(talk);
    tokio::time::sleep(Duration::from_secs(1)).await;
    Talk::start(&world, "maintenance -opt sesbanner", true).end().await;
    let calls = calls(world.bench().folder());
    assert_eq!(calls[0].exit_code, None, "a dropped tool has no exit code: {calls:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_question_runs_into_the_limit_and_an_ended_input_does_not() {
    let world = world(&["old-ses", "part-mismatch"]);
    switch_on(&world).await;
    let mut talk = Talk::start(&world, "updateSystemPackage", true);
    talk.read_until("(y/n): ").await;
    assert!(timeout(Duration::from_secs(100), talk.tool.events.recv()).await.is_err(), "it waits");
    talk.tool.input = None;
    let (end, printed) = talk.end().await;
    assert_eq!(end, ToolEnd::Exited(0));
    assert!(printed.ends_with("User aborted the process\n"), "{printed:?}");
    assert!(printed.contains("(y/n): "));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_stops_half_way_lets_the_clock_go_once_everything_was_seen() {
    let world = world(&["hangs-mid-image"]);
    switch_on(&world).await;
    let mut talk = Talk::start(&world, "updateSystemPackage", false);
    talk.read_until("135360/270368 bytes\r").await;
    assert!(timeout(Duration::from_secs(180), talk.tool.events.recv()).await.is_err(), "it says nothing more");
    talk.tool.stop.force();
    assert!(matches!(talk.end().await.0, ToolEnd::Signalled(_)));
}
