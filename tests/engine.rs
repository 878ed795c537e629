//! The engine in a world that is all script: what runs in which order, at which moment of virtual time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use recover::documents::catalog::merge;
use recover::documents::playbook::{DeviceKind, HandMove, check, load};
use recover::engine::{
    Already, Chosen, Event, Files, Order, Outcome, Problem, ReadyTool, Settings, StepEnd, Tools, WhenHealthy, run,
};
use recover::words::{Id, Source, Stream, ToolEnd, UsbId};
use recover::world::{
    Access, Ask, AttachedDevice, Cleared, DeviceList, Interrupt, Reply, RunningTool, Scratch, StopTool, ToolEvent,
    World,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, sleep_until};

const CATALOG: &str = r#"
[mender]
summary = "mends"
programs = ["mender"]
timeout = "60s"
version = { args = ["--version"], flavours = [{ pattern = '^mender (?P<version>\S+)' }] }

[[mender.statuses]]
pattern = '^status (?P<code>\d+)$'
success = ["0"]
classes = { 4 = "no-answer", 5 = "device-lost", 6 = "no-device", 8 = "no-permission" }
otherwise = "refused"

[[mender.faults]]
pattern = '^never$'
class = "refused"
lasting = true
overrides_success = true
message = "the board will never take it"

[[mender.commands]]
name = "write-system"
reversible = true
with = ["write", "system"]
changes_board = true
never_cut = "the camera has no system"

[[mender.commands]]
name = "write"
reversible = true
with = ["write"]
changes_board = true

[[mender.commands]]
name = "erase"
reversible = true
with = ["erase"]
changes_board = true
erases = { address = 1, length = 2 }

[[mender.commands]]
name = "burn"
with = ["burn"]
changes_board = true

[[mender.commands]]
name = "read"
reversible = true
with = ["read"]
"#;

const HEAD: &str = r#"format: 1
board: Camera
inputs: {image: {file: image.bin}}
devices:
  rom: {usb: "1fc9:0135", label: the ROM, state: recovery}
  loader: {usb: "15a2:0073", label: the loader}
  running: {usb: "37c5:1060", label: the camera, state: running}
"#;

/// What a call of the tool does.
#[derive(Debug, Clone, Default)]
struct Act {
    takes: Duration,
    /// Printed at its end.
    prints: String,
    ignores_requests: bool,
    /// As on systems where a process can only be ended by force.
    cannot_be_asked: bool,
    /// On the bus from its end on.
    leaves: Option<Vec<&'static str>>,
}

fn act(prints: &str) -> Act {
    Act { takes: Duration::from_secs(1), prints: prints.to_owned(), ..Act::default() }
}

/// A playbook, and everything the world around it does.
struct Scene {
    steps: &'static str,
    /// For each call the first entry whose text is in its arguments, taken away when used; without one, success.
    acts: Vec<(&'static str, Act)>,
    /// From which second on which devices are there.
    bus: Vec<(u64, Vec<&'static str>)>,
    /// What the bus becomes so many seconds after the hands were asked, each time anew.
    hands: VecDeque<Vec<(u64, Vec<&'static str>)>>,
    replies: VecDeque<(u64, Reply)>,
    interactive: bool,
    interrupts: VecDeque<u64>,
    /// By what.
    by: Interrupt,
    allowed: Vec<&'static str>,
    image_bytes: usize,
    /// What the tool took to tell its version.
    start_up: Duration,
}

impl Scene {
    fn new(steps: &'static str) -> Scene {
        Scene {
            steps,
            acts: Vec::new(),
            bus: vec![(0, vec!["1fc9:0135"])],
            hands: VecDeque::new(),
            replies: VecDeque::new(),
            interactive: true,
            interrupts: VecDeque::new(),
            by: Interrupt::Interrupt,
            allowed: Vec::new(),
            image_bytes: 10,
            start_up: Duration::ZERO,
        }
    }

    fn act(mut self, on: &'static str, act: Act) -> Scene {
        self.acts.push((on, act));
        self
    }

    /// Plays the scene on a paused clock.
    fn play(self) -> Played {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let real = std::time::Instant::now();
        let played = runtime.block_on(self.play_on_paused_clock());
        assert!(real.elapsed() < Duration::from_secs(20), "virtual time took real time");
        played
    }

    async fn play_on_paused_clock(self) -> Played {
        let source = |name: &str, text: String| Arc::new(Source { name: name.into(), text });
        let catalog = merge(&[source("tools.toml", CATALOG.to_owned())]).unwrap();
        let loaded = load(&source("camera.yaml", format!("{HEAD}steps:\n{}", self.steps)), &|_| unreachable!());
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        let playbook = loaded.playbook.unwrap();
        assert_eq!(check(&playbook, &catalog), []);
        let scratch = Scratch::create().unwrap();
        std::fs::write(scratch.path("image.bin").unwrap(), vec![7; self.image_bytes]).unwrap();
        let mut files = Files::new(scratch);
        files.add(id("image"), "image.bin".to_owned());
        let settings = Settings {
            chosen: Chosen::Any,
            allow_irreversible: self.allowed.iter().map(|step| id(step)).collect(),
            variables: BTreeMap::new(),
            simulated: false,
            healthy: WhenHealthy::Ask,
            already: Already::Nothing,
            single_calls: false,
            operator: None,
            record: None,
            playbook_name: "camera.yaml".into(),
            shipped: false,
        };
        let ready = ReadyTool {
            says_to_be: Vec::new(),
            launcher: vec!["mender".into()],
            flavour: None,
            environment: BTreeMap::new(),
            environment_remove: Vec::new(),
            version: "1.0".parse().unwrap(),
            start_up: self.start_up,
            warm: None,
        };
        let tools = BTreeMap::from([("mender".to_owned(), ready)]);
        let order = Order { playbook: &playbook, catalog: &catalog, tools: Tools::Ready(tools), settings: &settings };
        let world = Stage::new(self);
        let mut log = Vec::new();
        let mut events = Vec::new();
        let origin = Instant::now();
        let finish = run(order, files, &world, &mut |event| {
            log.extend(line_of(event).map(|line| format!("{:>5} {line}", origin.elapsed().as_millis())));
            events.push(event.clone());
        })
        .await;
        assert_eq!(world.unkillable(), 0, "a tool was left running");
        Played { outcome: finish.outcome, log, events, seconds: origin.elapsed().as_secs() }
    }
}

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

struct Played {
    outcome: Outcome,
    /// Milliseconds and what happened.
    log: Vec<String>,
    events: Vec<Event>,
    seconds: u64,
}

impl Played {
    /// The log without times.
    fn order(&self) -> Vec<&str> {
        self.log.iter().map(|line| &line[6..]).collect()
    }

    #[track_caller]
    fn problem(&self) -> &Problem {
        match self.events.last() {
            Some(Event::Finished { problem: Some(problem), .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    fn calls(&self) -> Vec<&str> {
        self.order().into_iter().filter_map(|line| line.strip_prefix("call ")).collect()
    }
}

fn line_of(event: &Event) -> Option<String> {
    Some(match event {
        Event::StepStarted { step, .. } => format!("step {step}"),
        Event::StepSkipped { step, .. } => format!("skip {step}"),
        Event::StepFinished { step, end: StepEnd::Failed(fault), .. } => format!("failed {step}: {}", fault.class),
        Event::StepFinished { step, .. } => format!("done {step}"),
        Event::ToolStarted { command, .. } => format!("call {}", command[1..].join(" ")),
        Event::Prompted { step, .. } => format!("prompt {step}"),
        Event::ConsentAsked { phrase, .. } => format!("consent? {phrase}"),
        Event::ConsentGiven { by, .. } => format!("consent by {by}"),
        Event::Retrying { step, attempt, pause_ms, .. } => format!("retry {step} {attempt} in {pause_ms}"),
        Event::Restarting { from, at, time, .. } => format!("restart {from} at {at} ({time})"),
        Event::Interrupted { breaks: Some(breaks), .. } => format!("interrupt breaks: {breaks}"),
        Event::Interrupted { finishing, .. } => format!("interrupt finishing={finishing}"),
        Event::Warning { .. } => "warning".to_owned(),
        Event::Note { text } if text.ends_with("the playbook goes on with that") => "note".to_owned(),
        Event::Finished { outcome, .. } => format!("finished {outcome:?}"),
        _ => return None,
    })
}

/// The world of a scene.
struct Stage {
    origin: Instant,
    scene: RefCell<Scene>,
    running: Arc<std::sync::atomic::AtomicUsize>,
    changed: Notify,
}

impl Stage {
    fn new(scene: Scene) -> Stage {
        Stage { origin: Instant::now(), scene: RefCell::new(scene), running: Arc::default(), changed: Notify::new() }
    }

    fn unkillable(&self) -> usize {
        self.running.load(std::sync::atomic::Ordering::SeqCst)
    }
}

struct Stop {
    asked: Arc<Notify>,
    forced: Arc<Notify>,
    ignores_requests: bool,
    cannot_be_asked: bool,
}

impl StopTool for Stop {
    fn ask(&mut self) -> bool {
        if !self.ignores_requests && !self.cannot_be_asked {
            self.asked.notify_one();
        }
        !self.cannot_be_asked
    }

    fn force(&mut self) {
        self.forced.notify_one();
    }
}

impl World for Stage {
    fn node_path(&self, _: &AttachedDevice) -> Option<PathBuf> {
        None
    }

    fn start(&self, call: &Cleared) -> RunningTool {
        let mut scene = self.scene.borrow_mut();
        let line = call.args.join(" ");
        let found = scene.acts.iter().position(|(on, _)| line.contains(on));
        let act = found.map_or_else(|| act("status 0"), |index| scene.acts.remove(index).1);
        if let Some(devices) = act.leaves {
            let at = (self.origin.elapsed() + act.takes).as_secs();
            scene.bus.retain(|(from, _)| *from < at);
            scene.bus.push((at, devices));
        }
        let (sender, events) = mpsc::channel(8);
        let (asked, forced) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let stop = Stop {
            asked: Arc::clone(&asked),
            forced: Arc::clone(&forced),
            ignores_requests: act.ignores_requests,
            cannot_be_asked: act.cannot_be_asked,
        };
        let running = Arc::clone(&self.running);
        running.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let (takes, prints) = (act.takes, act.prints);
        tokio::spawn(async move {
            let end = tokio::select! {
                () = sleep(takes) => {
                    let _ended = sender.send(ToolEvent::Output(Stream::Stdout, format!("{prints}\n").into())).await;
                    ToolEnd::Exited(0)
                }
                () = asked.notified() => ToolEnd::Signalled(15),
                () = forced.notified() => ToolEnd::Signalled(9),
            };
            running.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            let _ended = sender.send(ToolEvent::Ended(end)).await;
        });
        RunningTool { events, stop: Box::new(stop), input: None }
    }

    fn devices(&self, _: &[(UsbId, DeviceKind)]) -> DeviceList {
        let now = self.origin.elapsed().as_secs();
        let scene = self.scene.borrow();
        let there = scene.bus.iter().rev().find(|(from, _)| *from <= now).map(|(_, there)| there.clone());
        // With `!` behind it, this user may not open it.
        let device = |(index, text): (usize, &str)| AttachedDevice {
            id: text.trim_end_matches('!').parse().unwrap(),
            port: format!("1-{index}"),
            serial: None,
            product: None,
            interfaces: Vec::new(),
            version: None,
            kind: DeviceKind::Usb,
            access: if text.ends_with('!') { Access::Denied } else { Access::Permitted },
            arrival: 0,
        };
        Ok(there.unwrap_or_default().into_iter().enumerate().map(device).collect())
    }

    async fn devices_changed(&self) {
        self.changed.notified().await;
    }

    fn ask(&self, ask: Ask<'_>) {
        if let Ask::Hands { moves, .. } = ask {
            assert!(moves.iter().all(|hand_move| HandMove::ALL.iter().any(|(_, known)| known == hand_move)));
            let mut scene = self.scene.borrow_mut();
            let now = self.origin.elapsed().as_secs();
            if let Some(moves) = scene.hands.pop_front() {
                scene.bus.extend(moves.into_iter().map(|(after, devices)| (now + after, devices)));
            }
        }
    }

    async fn reply(&self) -> Reply {
        let next = self.scene.borrow().replies.front().cloned();
        let Some((after, reply)) = next else { return std::future::pending().await };
        sleep(Duration::from_secs(after)).await;
        self.scene.borrow_mut().replies.pop_front();
        reply
    }

    fn interactive(&self) -> bool {
        self.scene.borrow().interactive
    }

    fn who_agrees(&self) -> Option<&'static str> {
        self.interactive().then_some("the person of the test")
    }

    async fn interrupted(&self) -> Interrupt {
        let next = self.scene.borrow().interrupts.front().copied();
        let Some(at_ms) = next else { return std::future::pending().await };
        sleep_until(self.origin + Duration::from_millis(at_ms)).await;
        self.scene.borrow_mut().interrupts.pop_front();
        self.scene.borrow().by
    }
}

fn line(text: &str) -> Reply {
    Reply::Line(text.to_owned())
}

#[test]
fn a_group_is_retried_as_one_with_growing_pauses() {
    let played = Scene::new(
        "  - id: pair
    retry: {attempts: 4, on: refused, backoff: 2s, prepare: [{run: mender, args: [read, again]}]}
    steps:
      - {id: one, run: mender, args: [write, one]}
      - {id: two, run: mender, args: [write, two]}
",
    )
    .act("two", act("status 7"))
    .act("two", act("status 7"))
    .act("two", act("status 7"))
    .play();
    assert_eq!(played.outcome, Outcome::Recovered);
    let attempt = ["step one", "call write one", "done one", "step two", "call write two"];
    let mut expected = Vec::from(attempt);
    for retry in ["retry pair 2 in 2000", "retry pair 3 in 4000", "retry pair 4 in 8000"] {
        expected.extend(["failed two: refused", retry, "call read again"]);
        expected.extend(attempt);
    }
    expected.extend(["done two", "finished Recovered"]);
    assert_eq!(played.order(), expected);
    // Eight writes and three readings of a second each, and the pauses.
    assert_eq!(played.seconds, 8 + 3 + 2 + 4 + 8);
}

#[test]
fn only_the_named_classes_are_retried_and_only_so_often() {
    let steps = "  - {id: one, run: mender, args: [write], retry: {attempts: 3, on: [no-answer], backoff: 1s}}\n";
    let refused = Scene::new(steps).act("write", act("status 7")).play();
    assert_eq!((refused.outcome, refused.calls().len()), (Outcome::StepFailed, 1));
    let silent = (0..9).fold(Scene::new(steps), |scene, _| scene.act("write", act("status 4"))).play();
    assert_eq!((silent.outcome, silent.calls().len()), (Outcome::StepFailed, 3));
    assert_eq!(silent.problem().class.word(), "no-answer");
}

/// The class says what happened; whether another attempt can help is the tool's own knowledge.
#[test]
fn a_fault_that_lasts_is_neither_retried_nor_restarted() {
    let steps = "  - id: flash
    restart_at: {step: flash, on: refused, times: 2}
    steps:
      - {id: one, run: mender, args: [write], retry: {attempts: 3, on: refused, backoff: 1s}}
";
    let lasting = Scene::new(steps).act("write", act("never")).play();
    assert_eq!(lasting.order(), ["step one", "call write", "failed one: refused", "finished StepFailed"]);
    let passing = Scene::new(steps).act("write", act("status 7")).play();
    assert_eq!((passing.outcome, passing.calls().len()), (Outcome::Recovered, 2));
}

/// What the playbook would go on with is tried again first, as far as that can help.
#[test]
fn a_foreseen_fault_counts_only_in_the_last_attempt() {
    let steps = "  - id: one
    run: mender
    args: [write, one]
    on_fault: [{class: refused, set: kept, warning: It keeps what it has}]
    retry: {attempts: 2, on: refused, backoff: 1s}
  - {id: two, when: kept, run: mender, args: [write, two]}
";
    let healed = Scene::new(steps).act("one", act("status 7")).play();
    let first =
        ["step one", "call write one", "failed one: refused", "retry one 2 in 1000", "step one", "call write one"];
    assert_eq!(healed.order(), [&first[..], &["done one", "skip two", "finished Recovered"]].concat());
    let refused = Scene::new(steps).act("one", act("status 7")).act("one", act("status 7")).play();
    let gone_on = ["warning", "done one", "step two", "call write two", "done two", "finished Recovered"];
    assert_eq!(refused.order(), [&first[..], &gone_on[..]].concat());
    let warned = |event: &Event| matches!(event, Event::Warning { text } if text.ends_with(". It keeps what it has"));
    assert!(refused.events.iter().any(warned), "{:?}", refused.events);
    let lasting = Scene::new(steps).act("one", act("never")).play();
    assert_eq!(lasting.order(), [&["step one", "call write one"], &gone_on[..]].concat());
}

/// Without a word of the author on what it means, nothing is to be warned of.
#[test]
fn a_foreseen_fault_is_a_note() {
    let steps = "  - {id: one, run: mender, args: [write], on_fault: [{class: refused, set: other}]}\n";
    let played = Scene::new(steps).act("write", act("status 7")).play();
    assert_eq!(played.order(), ["step one", "call write", "note", "done one", "finished Recovered"]);
}

const WITH_RESTART: &str =
    "  - {id: enter, prompt: Plug it in., hands: [unplug, plug-in], until: {present: rom}, timeout: 60s}
  - id: flash
    restart_at: {step: enter, on: [device-lost, no-answer], times: 2}
    steps:
      - {id: one, run: mender, args: [write, one]}
      - {id: two, run: mender, args: [write, two]}
";

/// After a lost device the board has gone by itself; after a silence it must be seen to go and come again.
#[test]
fn after_a_silence_the_board_must_come_anew() {
    let mut scene = Scene::new(WITH_RESTART).act("two", act("status 4"));
    scene.hands = [vec![(3, vec![]), (6, vec!["1fc9:0135"])]].into();
    let played = scene.play();
    assert_eq!(played.outcome, Outcome::Recovered);
    // The ROM was there from the start, so nobody was asked for it.
    let first = ["step enter", "skip enter"];
    let again_first = ["step enter", "prompt enter", "done enter"];
    let flash = ["step one", "call write one", "done one", "step two", "call write two"];
    let again = ["failed two: no-answer", "restart flash at enter (1)"];
    let expected: Vec<&str> =
        [&first[..], &flash, &again, &again_first, &flash, &["done two", "finished Recovered"]].concat();
    assert_eq!(played.order(), expected);
    let asked = played.events.iter().any(|event| {
        matches!(event, Event::Waiting { waiting_for, .. }
        if waiting_for.contains("has to be disconnected and connected again first"))
    });
    assert!(asked);

    let scene = Scene::new(WITH_RESTART).act("two", act("status 4"));
    let played = scene.play();
    assert_eq!(played.outcome, Outcome::StepFailed, "the board was never unplugged: {:?}", played.log);
    assert_eq!(played.problem().class.word(), "timed-out");
}

#[test]
fn restarts_are_limited() {
    let mut scene = Scene::new(WITH_RESTART);
    for _ in 0..9 {
        scene = scene.act("two", act("status 5"));
    }
    let played = scene.play();
    assert_eq!(played.outcome, Outcome::StepFailed);
    assert_eq!(played.order().iter().filter(|line| line.starts_with("restart")).count(), 2);
    assert_eq!(played.calls().len(), 6);
    assert_eq!(played.problem().class.word(), "device-lost");
}

#[test]
fn a_long_wait_takes_no_time_and_tells_what_is_there_instead() {
    let mut scene = Scene::new("  - {id: arrival, wait: {present: loader, gone: rom}, timeout: 120s}\n");
    scene.bus = vec![(0, vec!["1fc9:0135"]), (100, vec!["15a2:0073"])];
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds), (Outcome::Recovered, 100));
    let Some(Event::Waiting { waiting_for, attached, remaining_ms, .. }) =
        played.events.iter().find(|event| matches!(event, Event::Waiting { .. }))
    else {
        panic!("{:?}", played.log)
    };
    assert_eq!(waiting_for, "15a2:0073 the loader is not there yet, 1fc9:0135 the ROM is still there");
    assert_eq!((attached.as_slice(), *remaining_ms), (&["1fc9:0135 the ROM".to_owned()][..], 120_000));
    let told = played.events.iter().filter(|event| matches!(event, Event::Waiting { .. })).count();
    assert!((100..=105).contains(&told), "{told} times in 100 s");

    let mut scene = Scene::new("  - {id: arrival, wait: {present: loader}, timeout: 120s}\n");
    scene.bus = vec![(0, vec!["1fc9:0135"])];
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds), (Outcome::DeviceUnavailable, 120));
    assert_eq!(played.problem().attached, ["1fc9:0135 the ROM"]);
}

#[test]
fn a_wait_that_may_fail_ends_in_a_value() {
    let steps = "  - {id: look, wait: {present: loader}, timeout: 4s, sets: seen}
  - {id: healthy, when: seen, run: mender, args: [write]}
  - {id: dead, when: not seen, run: mender, args: [read]}
";
    let mut scene = Scene::new(steps);
    scene.bus = vec![(0, vec![]), (3, vec!["15a2:0073"])];
    assert_eq!(scene.play().calls(), ["write"]);
    let played = Scene::new(steps).play();
    assert_eq!((played.outcome, played.calls()), (Outcome::Recovered, vec!["read"]));
    let mut scene = Scene::new(steps);
    scene.bus = vec![(0, vec!["15a2:0073", "15a2:0073"])];
    assert_eq!(scene.play().outcome, Outcome::DeviceUnavailable, "two boards are a fault all the same");
}

#[test]
fn an_offer_is_decided_by_enter_or_by_the_devices() {
    let steps = "  - {id: offer, prompt: ENTER or the wire., until: {present: rom}, timeout: 60s, sets: again}
  - {id: all, when: again, run: mender, args: [write]}
";
    let mut scene = Scene::new(steps);
    scene.bus = vec![(0, vec![])];
    scene.replies = [(5, line(""))].into();
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds, played.calls().len()), (Outcome::Recovered, 5, 0));
    let mut scene = Scene::new(steps);
    scene.bus = vec![(0, vec![]), (7, vec!["1fc9:0135"])];
    scene.replies = [(30, line(""))].into();
    assert_eq!(scene.play().calls(), ["write"]);
}

#[test]
fn a_device_that_has_to_come_again_must_have_been_away() {
    let steps = "  - {id: cycle, prompt: Replug it., until: {again: rom}, timeout: 60s}\n";
    let mut scene = Scene::new(steps);
    scene.bus = vec![(0, vec!["1fc9:0135"]), (10, vec![]), (20, vec!["1fc9:0135"])];
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds), (Outcome::Recovered, 20));
    let mut scene = Scene::new(steps);
    scene.bus = vec![(0, vec!["1fc9:0135"])];
    assert_ne!(scene.play().outcome, Outcome::Recovered);
}

#[test]
fn what_comes_instead_is_told_in_the_authors_words() {
    let mut scene = Scene::new(
        "  - {id: start, wait: {gone: rom, present: loader}, timeout: 60s, instead: {rom: The wire is still there.}}\n",
    );
    scene.bus =
        vec![(0, vec!["1fc9:0135"]), (5, vec![]), (10, vec!["1fc9:0135"]), (20, vec![]), (25, vec!["15a2:0073"])];
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds), (Outcome::Recovered, 25));
    let told =
        |event: &&Event| matches!(event, Event::Waiting { waiting_for, .. } if waiting_for.starts_with("The wire"));
    let seconds: Vec<u64> = played
        .events
        .iter()
        .filter(told)
        .map(|event| if let Event::Waiting { remaining_ms, .. } = event { 60 - remaining_ms.div_ceil(1000) } else { 0 })
        .collect();
    assert!(seconds.iter().all(|second| (10..=20).contains(second)) && seconds.len() >= 10, "{seconds:?}");
}

/// A tool that waits for a device may wait for ever, because the person has overlooked something.
#[test]
fn what_comes_instead_is_told_while_a_tool_waits() {
    let steps = "  - id: catch
    run: mender
    args: [write]
    timeout: 60s
    instead: {rom: {say: The wire is still there., hands: [unplug, remove-jumper, plug-in]}}
";
    let scene = |takes| {
        let mut scene = Scene::new(steps).act("write", Act { takes: Duration::from_secs(takes), ..act("status 0") });
        scene.bus = vec![(0, vec![]), (10, vec!["1fc9:0135"]), (20, vec![])];
        scene
    };
    let told = |played: &Played| {
        let told = |event: &&Event| matches!(event, Event::Prompted { text, .. } if text == "The wire is still there.");
        played.events.iter().filter(told).count()
    };
    let played = scene(30).play();
    assert_eq!((played.outcome, told(&played)), (Outcome::Recovered, 1));
    // Only what is still there at the end is the reason for a failure.
    let played = scene(100).play();
    assert_eq!((played.seconds, told(&played)), (60, 1));
    assert!(!played.problem().next[0].contains("wire is still there"), "{:?}", played.problem().next);
    let mut stays = scene(100);
    stays.bus.pop();
    let played = stays.play();
    assert_eq!((played.seconds, told(&played)), (60, 1));
    assert_eq!(played.problem().next[0], "The wire is still there.");
    // A device that has been there from the beginning says nothing.
    let mut before = scene(30);
    before.bus = vec![(0, vec!["1fc9:0135"])];
    assert_eq!(told(&before.play()), 0);
}

/// The ROM comes back at once after a reset, with nobody's help; only what a hand can have done is told.
#[test]
fn what_comes_back_by_itself_is_not_told() {
    let scene = |bus| {
        let mut scene = Scene::new(
            "  - {id: start, prompt: Remove the wire., until: {gone: rom, present: loader}, timeout: 60s, instead: {rom: Wire!}}\n",
        );
        scene.bus = bus;
        scene.play()
    };
    let told = |played: &Played| {
        let told = |event: &&Event| matches!(event, Event::Prompted { text, .. } if text == "Wire!.");
        played.events.iter().filter(told).count()
    };
    let rom = || vec!["1fc9:0135"];
    let loader = || vec!["15a2:0073"];
    let by_itself = scene(vec![(0, vec![]), (1, rom()), (10, vec![]), (12, loader())]);
    assert_eq!((by_itself.outcome, told(&by_itself)), (Outcome::Recovered, 0));
    // And is then there again after the cable was out.
    let replugged = scene(vec![(0, vec![]), (1, rom()), (10, vec![]), (12, rom()), (20, vec![]), (22, loader())]);
    assert_eq!((replugged.outcome, told(&replugged)), (Outcome::Recovered, 1));
    // A second time, however quickly.
    let quickly = scene(vec![(0, vec![]), (1, rom()), (10, vec![]), (11, rom()), (20, vec![]), (22, loader())]);
    assert_eq!((quickly.outcome, told(&quickly)), (Outcome::Recovered, 1));
}

/// Told as often as makes sense, and there again: later steps look for another reason.
#[test]
fn what_comes_instead_again_and_again_has_another_reason() {
    let steps = "  - id: start
    prompt: Remove the wire.
    hands: [unplug, plug-in]
    until: {gone: rom, present: loader}
    timeout: 60s
    instead: {rom: {say: Wire!, hands: [unplug, plug-in], times: 2, sets: stays}}
  - {id: why, when: stays, run: mender, args: [read]}
";
    let again = || vec![(2, vec![]), (5, vec!["1fc9:0135"])];
    let told = |played: &Played| {
        let told = |event: &&Event| matches!(event, Event::Prompted { text, .. } if text == "Wire!.");
        played.events.iter().filter(told).count()
    };
    let mut scene = Scene::new(steps);
    scene.hands = [again(), again(), again()].into();
    let played = scene.play();
    assert_eq!((played.outcome, told(&played), played.calls()), (Outcome::Recovered, 2, vec!["read"]));
    assert!(played.seconds < 20, "{}", played.seconds);
    // Nobody does anything about it any more.
    let mut scene = Scene::new(steps);
    scene.hands = [again(), again()].into();
    let played = scene.play();
    assert_eq!((told(&played), played.calls()), (2, vec!["read"]));
    // The second time it helps.
    let mut scene = Scene::new(steps);
    scene.hands = [again(), again(), vec![(2, vec![]), (5, vec!["15a2:0073"])]].into();
    let played = scene.play();
    assert_eq!((played.outcome, told(&played), played.calls()), (Outcome::Recovered, 2, vec![]));
    // Told only once, and then nothing happens: that is no reason to look for another one.
    let mut scene = Scene::new(steps);
    scene.hands = [again()].into();
    let played = scene.play();
    assert_eq!((played.outcome, told(&played), played.calls()), (Outcome::DeviceUnavailable, 1, vec![]));
}

/// What is awaited may come with somebody's help only, and who is not asked does not help.
#[test]
fn a_wait_asks_before_it_fails() {
    let steps = "  - {id: runs, wait: {present: loader}, timeout: 60s,
     ask: {after: 20s, prompt: Replug it., hands: [unplug, plug-in]}}
";
    let asked = |played: &Played| {
        let asked = |event: &&Event| matches!(event, Event::Prompted { text, .. } if text == "Replug it.");
        played.events.iter().filter(asked).count()
    };
    let mut by_itself = Scene::new(steps);
    by_itself.bus = vec![(0, vec![]), (19, vec!["15a2:0073"])];
    let played = by_itself.play();
    assert_eq!((played.outcome, played.seconds, asked(&played)), (Outcome::Recovered, 19, 0));
    for interactive in [true, false] {
        let mut helped = Scene::new(steps);
        helped.interactive = interactive;
        helped.hands = [vec![(5, vec!["15a2:0073"])]].into();
        let played = helped.play();
        assert_eq!((played.outcome, played.seconds, asked(&played)), (Outcome::Recovered, 25, 1));
        let mut in_vain = Scene::new(steps);
        in_vain.interactive = interactive;
        let played = in_vain.play();
        // All before has been done: that is a step that failed, not a board that cannot be reached.
        assert_eq!((played.outcome, played.seconds, asked(&played)), (Outcome::StepFailed, 60, 1));
        assert_eq!(played.problem().class.word(), "no-device");
        assert_eq!(played.problem().next[0], "Replug it.");
        assert!(!played.problem().next.iter().any(|next| next.contains("cable")), "{:?}", played.problem().next);
    }
}

#[test]
fn a_state_that_must_last_is_not_met_by_a_device_that_comes_and_goes() {
    let steps = "  - {id: stays, wait: {present: loader, for: 5s}, timeout: 30s}\n";
    let mut scene = Scene::new(steps);
    scene.bus = vec![(0, vec!["15a2:0073"]), (3, vec![]), (5, vec!["15a2:0073"]), (8, vec![]), (10, vec!["15a2:0073"])];
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds), (Outcome::Recovered, 15));
    let mut scene = Scene::new(steps);
    scene.bus = (0..40).map(|at| (at, if at % 3 == 2 { vec![] } else { vec!["15a2:0073"] })).collect();
    assert_ne!(scene.play().outcome, Outcome::Recovered);
}

/// A wait that may fail, and a choice: what came of them is known to later steps, and told.
#[test]
fn a_choice_is_made_by_enter_or_by_the_hardware() {
    let steps =
        "  - {id: look, wait: {present: loader}, timeout: 5s, sets: found, if_met: It is there., if_unmet: It is not.}
  - {id: choose, when: found, prompt: ENTER or the wire., until: {present: rom}, sets: whole, timeout: 60s}
  - {id: all, when: not found or whole, run: mender, args: [write, all]}
  - {id: part, when: found and not whole, run: mender, args: [write, part]}
";
    let scene = |bus: Vec<(u64, Vec<&'static str>)>| {
        let mut scene = Scene::new(steps);
        scene.bus = bus;
        scene
    };
    let there = || vec![(0, vec!["15a2:0073"])];
    let notes = |played: &Played| -> Vec<String> {
        let note = |event: &Event| if let Event::Note { text } = event { Some(text.clone()) } else { None };
        played.events.iter().filter_map(note).collect()
    };
    let played = scene(vec![(0, vec![])]).play();
    assert_eq!((played.calls(), notes(&played)), (vec!["write all"], vec!["It is not.".to_owned()]));
    let mut enter = scene(there());
    enter.replies.push_back((3, Reply::Line(String::new())));
    let played = enter.play();
    assert_eq!((played.calls(), notes(&played)), (vec!["write part"], vec!["It is there.".to_owned()]));
    let mut wired = scene(there());
    wired.bus.push((9, vec!["1fc9:0135"]));
    assert_eq!(wired.play().calls(), ["write all"]);
    let mut nobody = scene(there());
    nobody.interactive = false;
    let played = nobody.play();
    assert_eq!((played.calls(), played.seconds), (vec!["write part"], 1));
}

#[test]
fn several_boards_are_not_guessed_among() {
    let mut scene = Scene::new("  - {run: mender, device: rom, args: [write]}\n");
    scene.bus = vec![(0, vec!["1fc9:0135", "1fc9:0135"])];
    let played = scene.play();
    assert_eq!((played.outcome, played.calls().len()), (Outcome::DeviceUnavailable, 0));
    assert!(played.problem().what.contains("port 1-0, port 1-1"), "{}", played.problem().what);
}

#[test]
fn a_step_whose_condition_does_not_hold_is_skipped_whole() {
    let played = Scene::new(
        "  - id: group
    when: size(image) > 100
    steps:
      - {id: one, run: mender, args: [write]}
      - {id: two, run: mender, args: [write]}
  - {id: three, when: size(image) == 10 and present(rom), run: mender, args: [read]}
",
    )
    .play();
    assert_eq!(played.order(), ["skip one", "skip two", "step three", "call read", "done three", "finished Recovered"]);
}

/// Other devices may show the same id. Each is asked alone; one that does not answer counts again once it has been gone.
#[test]
fn devices_of_one_id_are_told_apart_by_what_answers() {
    let steps = "  - id: which
    tell_apart:
      device: rom
      holds: not silent
      steps: [{run: mender, device: rom, args: [read], on_fault: [{class: no-answer, set: silent}]}]
  - {id: enter, prompt: Plug it in., hands: [unplug, plug-in], until: {present: rom}, timeout: 60s}
  - {id: one, run: mender, device: rom, args: [write]}
";
    let two = || vec!["1fc9:0135", "1fc9:0135"];
    let scene = || {
        let mut scene = Scene::new(steps);
        scene.bus = vec![(0, two())];
        scene
    };
    // The first one does not answer, the second does.
    let played = scene().act("read", act("status 4")).play();
    assert_eq!((played.outcome, played.calls()), (Outcome::Recovered, vec!["read", "read", "write"]));
    // Both answer: nobody can tell.
    let played = scene().play();
    assert_eq!((played.outcome, played.calls()), (Outcome::DeviceUnavailable, vec!["read", "read"]));
    // None answers: the one that is disconnected and connected again is meant.
    let mut neither = scene().act("read", act("status 4")).act("read", act("status 4"));
    neither.hands = [vec![(2, vec!["1fc9:0135"]), (5, two())]].into();
    let played = neither.play();
    assert_eq!((played.outcome, played.calls()), (Outcome::Recovered, vec!["read", "read", "write"]));
    // With a single one that is there, and does not answer, it is no other.
    let mut strange = Scene::new(steps).act("read", act("status 4"));
    strange.hands = [vec![(5, two())]].into();
    assert_eq!(strange.play().calls(), ["read", "write"]);
}

/// The tool may die with the answer; the device that was to come is the better witness.
#[test]
fn the_device_decides_after_a_silence() {
    let steps =
        "  - {id: start, run: mender, device: rom, args: [write], until: {present: loader, gone: rom}, timeout: 20s}\n";
    let came = Act { leaves: Some(vec!["15a2:0073"]), ..act("status 4") };
    let played = Scene::new(steps).act("write", came).play();
    assert_eq!(played.order(), ["step start", "call write", "warning", "done start", "finished Recovered"]);
    let played = Scene::new(steps).act("write", act("status 4")).play();
    assert_eq!((played.outcome, played.problem().class.word()), (Outcome::StepFailed, "no-answer"));
    let came = Act { leaves: Some(vec!["15a2:0073"]), ..act("status 7") };
    let played = Scene::new(steps).act("write", came).play();
    assert_eq!(played.problem().class.word(), "refused", "a clear no stays one");
    // A success that no device confirms is none.
    let played = Scene::new(steps).play();
    assert_eq!(played.outcome, Outcome::DeviceUnavailable);
}

#[test]
fn limits_grow_with_the_files() {
    let steps = "  - {id: one, run: mender, args: [write, \"${image}\"], timeout: {base: 10s, per_mb: 5s}}\n";
    let hangs = || Act { takes: Duration::from_secs(1000), ..Act::default() };
    for (bytes, seconds) in [(1, 15), (1_000_000, 15), (1_000_001, 20)] {
        let mut scene = Scene::new(steps).act("write", hangs());
        scene.image_bytes = bytes;
        let played = scene.play();
        assert_eq!((played.outcome, played.seconds), (Outcome::StepFailed, seconds), "{bytes}");
        assert_eq!(played.problem().class.word(), "timed-out");
    }
    // One that ignores the request to end is ended by force, three seconds later.
    let played = Scene::new(steps).act("write", Act { ignores_requests: true, ..hangs() }).play();
    assert_eq!(played.seconds, 18);
    // Nobody waits for one that cannot even be asked.
    let played = Scene::new(steps).act("write", Act { cannot_be_asked: true, ..hangs() }).play();
    assert_eq!(played.seconds, 15);
}

/// A tool that takes long to start does so at each call, before it does anything.
#[test]
fn limits_grow_with_what_the_tool_takes_to_start() {
    let hangs = || Act { takes: Duration::from_secs(1000), ..Act::default() };
    let call = "  - {id: one, run: mender, args: [write], timeout: 10s}\n";
    for (start_up_ms, seconds) in [(0, 10), (5, 10), (2_000, 20), (20_000, 110), (60_000, 110)] {
        let mut scene = Scene::new(call).act("write", hangs());
        scene.start_up = Duration::from_millis(start_up_ms);
        let played = scene.play();
        assert_eq!((played.outcome, played.seconds), (Outcome::StepFailed, seconds), "{start_up_ms}");
        assert_eq!(played.problem().class.to_string(), "timed-out");
    }
    // What is awaited afterwards, behind a second of work, starts no tool.
    let until = "  - {id: one, run: mender, args: [write], until: {present: loader}, timeout: 10s}\n";
    let mut scene = Scene::new(until);
    scene.start_up = Duration::from_secs(2);
    assert_eq!(scene.play().seconds, 11);
}

/// An erase hands its tool no file; what it erases counts. The tool is told how long it may take.
#[test]
fn limits_grow_with_what_is_erased() {
    for (steps, seconds, called) in [
        (
            "  - {id: one, run: mender, args: [erase, 1, 0x1000, '${limit_ms() - 1000}'], timeout: {base: 10s, per_mb: 5s}}\n",
            15,
            "erase 1 0x1000 14000",
        ),
        (
            "  - {id: one, run: mender, args: [erase, 1, 8388608, '${limit_ms() - 1000}'], timeout: {base: 10s, per_mb: 5s}}\n",
            55,
            "erase 1 8388608 54000",
        ),
        (
            "  - {id: one, run: mender, args: [erase, 1, 0x1000], timeout: {base: 1s, per_mb: 5s, at_least: 20s}}\n",
            20,
            "erase 1 0x1000",
        ),
    ] {
        let played = Scene::new(steps).act("erase", Act { takes: Duration::from_secs(1000), ..Act::default() }).play();
        assert_eq!((played.seconds, played.calls()), (seconds, vec![called]));
        assert_eq!(played.problem().class.word(), "timed-out");
    }
}

#[test]
fn a_try_after_one_that_took_too_long_gets_more_time() {
    let steps = "  - {id: one, run: mender, args: [erase, 1, 1, '${limit_ms()}'], timeout: 10s,
     retry: {attempts: 4, on: [timed-out, no-answer], backoff: 1s}}
";
    let act_after = |seconds, prints: &str| Act { takes: Duration::from_secs(seconds), ..act(prints) };
    let hangs = || act_after(1000, "");
    let played =
        Scene::new(steps).act("erase", hangs()).act("erase", hangs()).act("erase", hangs()).act("erase", hangs());
    let played = played.play();
    assert_eq!(played.calls(), ["erase 1 1 10000", "erase 1 1 20000", "erase 1 1 40000", "erase 1 1 40000"]);
    assert_eq!(played.seconds, 10 + 1 + 20 + 2 + 40 + 4 + 40);
    // A tool may give up by itself, a little earlier. One that had its answer at once needs no more time.
    let played = Scene::new(steps).act("erase", act_after(9, "status 4")).act("erase", act_after(1, "status 4")).play();
    assert_eq!(played.calls(), ["erase 1 1 10000", "erase 1 1 20000", "erase 1 1 20000"]);
}

const FUSE: &str = "  - {id: enter, prompt: Plug it in., hands: [unplug, plug-in], until: {present: rom}, timeout: 60s}
  - id: all
    restart_at: {step: enter, on: [device-lost, no-answer], times: 2}
    steps:
      - id: fuse
        run: mender
        args: [burn]
        irreversible:
          why: It can never be cleared.
          already_done: &reading
            steps:
              - run: mender
                args: [read, fuse]
                capture: {fuse: {integer: 'fuse (\\d)'}}
                retry: {attempts: 3, on: no-answer, backoff: 4s}
            holds: fuse == 1
          verify: *reading
  - {id: last, run: mender, args: [read, last]}
";
const CLEAR: &str = "status 0\nfuse 0";
const SET: &str = "status 0\nfuse 1";

fn fuse(readings: &[&str]) -> Scene {
    readings.iter().fold(Scene::new(FUSE), |scene, reading| scene.act("read fuse", act(reading)))
}

fn agreeing(mut scene: Scene) -> Scene {
    scene.allowed = vec!["fuse"];
    scene
}

#[test]
fn what_is_done_already_is_not_done_again() {
    let played = fuse(&[SET]).play();
    assert_eq!(played.outcome, Outcome::Recovered);
    assert_eq!(played.calls(), ["read fuse", "read last"]);
    assert!(played.order().contains(&"skip fuse"));
}

#[test]
fn consent_is_bound_to_the_step() {
    // Right at once, right at the third try, given beforehand.
    for (replies, outcome, burns) in [
        (vec![line("fuse")], Outcome::Recovered, 1),
        (vec![line(" fuse ")], Outcome::Recovered, 1),
        (vec![line("yes"), line("y"), line("fuse")], Outcome::Recovered, 1),
        (vec![line("yes"), line("y"), line("ok"), line("fuse")], Outcome::Declined, 0),
        (vec![line("")], Outcome::Declined, 0),
        (vec![line("no")], Outcome::Declined, 0),
        (vec![Reply::Gone], Outcome::Declined, 0),
        (vec![], Outcome::Declined, 0),
    ] {
        let mut scene = fuse(&[CLEAR, SET]);
        let shown = format!("{replies:?}");
        scene.replies = replies.into_iter().map(|reply| (2, reply)).collect();
        let played = scene.play();
        assert_eq!(played.outcome, outcome, "{shown}: {:?}", played.log);
        assert_eq!(played.calls().iter().filter(|call| **call == "burn").count(), burns, "{shown}");
    }
    let played = agreeing(fuse(&[CLEAR, SET])).play();
    assert_eq!(played.calls(), ["read fuse", "burn", "read fuse", "read last"]);
    assert!(played.order().contains(&"consent by --allow-irreversible"));
    let mut scene = fuse(&[CLEAR]);
    scene.interactive = false;
    let played = scene.play();
    assert_eq!((played.outcome, played.calls()), (Outcome::Declined, vec!["read fuse"]));
    assert!(played.problem().what.contains("--allow-irreversible fuse"));
}

/// Whoever cannot agree learns it before anything is written, also when the board was lost while it was looked at.
#[test]
fn what_is_announced_is_announced_again_after_a_restart() {
    let first = "    steps:\n      - {id: first, run: mender, args: [read, first]}\n      - {id: write, run: mender, args: [write]}\n";
    let steps = FUSE.replacen("    steps:\n", first, 1);
    let steps = steps.replace("          why:", "          announced_after: first\n          why:").leak();
    for (readings, lost) in [(&[CLEAR][..], 0), (&["status 5", CLEAR], 1), (&["status 5", "status 5", CLEAR], 2)] {
        let scene = readings.iter().fold(Scene::new(steps), |scene, reading| scene.act("read fuse", act(reading)));
        let played = Scene { interactive: false, ..scene }.play();
        assert_eq!(played.outcome, Outcome::Declined, "{readings:?}: {:?}", played.log);
        let expected = ["read first", "read fuse"].repeat(lost + 1);
        assert_eq!(played.calls(), expected, "{readings:?}");
    }
}

#[test]
fn the_reading_decides_whatever_the_tool_said() {
    let burn = |status: &str| agreeing(fuse(&[CLEAR, SET])).act("burn", act(status)).play().outcome;
    assert_eq!([burn("status 0"), burn("status 7"), burn("status 4"), burn("gone mad")], [Outcome::Recovered; 4]);
    let burn = |status: &str| agreeing(fuse(&[CLEAR, CLEAR])).act("burn", act(status)).play();
    for status in ["status 0", "status 7", "status 4", "gone mad"] {
        let played = burn(status);
        assert_eq!(played.outcome, Outcome::StepFailed, "{status}");
        assert_eq!(played.calls().iter().filter(|call| **call == "burn").count(), 1, "{status}");
        assert_eq!(played.problem().class.word(), "refused", "{status}");
    }
}

/// The board is lost in the burn: it is read after coming back, and never burnt a second time.
#[test]
fn it_is_attempted_once_even_across_a_restart() {
    for (after, outcome) in [(SET, Outcome::Recovered), (CLEAR, Outcome::StepFailed)] {
        let mut scene = agreeing(fuse(&[CLEAR, "status 5", after])).act("burn", act("status 5"));
        scene.hands = [vec![(2, vec![]), (4, vec!["1fc9:0135"])]].into();
        let played = scene.play();
        assert_eq!(played.outcome, outcome, "{:?}", played.log);
        assert_eq!(played.calls()[..4], ["read fuse", "burn", "read fuse", "read fuse"]);
        assert_eq!(played.calls().iter().filter(|call| **call == "burn").count(), 1);
    }
}

#[test]
fn an_unreadable_fuse_is_never_burnt() {
    for reading in ["status 7", "status 0", "fuse 0", "gone mad"] {
        let played = agreeing(fuse(&[reading])).play();
        assert_eq!((played.outcome, played.calls()), (Outcome::StepFailed, vec!["read fuse"]), "{reading}");
    }
}

/// Ctrl-C in every half second of a run: it never ends in success unless all is done, the fuse is never left unread
/// after it was burnt, and no tool that writes is cut short by the first.
#[test]
fn one_ctrl_c_at_any_moment_leaves_a_known_board() {
    let scene = || {
        let mut scene = agreeing(fuse(&[CLEAR, "status 4", SET]));
        scene.hands = [vec![(2, vec![]), (4, vec!["1fc9:0135"])]].into();
        scene.bus = vec![(0, vec![])];
        scene
    };
    let whole = scene().play();
    assert_eq!(whole.calls(), ["read fuse", "burn", "read fuse", "read fuse", "read last"]);
    let end_ms = whole.seconds * 1000;
    for at_ms in (100..end_ms).step_by(500) {
        let mut scene = scene();
        scene.interrupts = [at_ms].into();
        let played = scene.play();
        let calls = played.calls();
        assert_eq!(played.outcome, Outcome::Interrupted, "at {at_ms}: {:?}", played.log);
        assert_eq!(played.problem().class.word(), "cancelled", "at {at_ms}");
        if let Some(burn) = calls.iter().position(|call| *call == "burn") {
            assert_eq!(calls[burn..][..3], ["burn", "read fuse", "read fuse"], "at {at_ms}: {:?}", played.log);
        }
    }
}

#[test]
fn the_second_ctrl_c_ends_a_write() {
    let mut scene =
        Scene::new("  - {id: one, run: mender, args: [write]}\n  - {id: two, run: mender, args: [write]}\n");
    scene.acts = vec![("write", Act { takes: Duration::from_secs(30), ..act("status 0") })];
    scene.interrupts = [1_000].into();
    let played = scene.play();
    assert_eq!(
        played.order(),
        ["step one", "call write", "interrupt finishing=true", "done one", "finished Interrupted"]
    );
    assert_eq!((played.seconds, played.problem().step.clone()), (30, Some(id("two"))));
    let told = played.events.iter().find_map(|event| match event {
        Event::Interrupted { leaves, remaining_ms, .. } => Some((leaves.as_deref(), *remaining_ms)),
        _ => None,
    });
    let leaves = "the board may not start, but it can be brought back as the ROM";
    assert_eq!(told, Some((Some(leaves), Some(59_000))));
    // Where the author says nothing of the state, the same is told of it.
    let state = &played.problem().state;
    assert!(state.contains("The board may not start, but it can be brought back as the ROM."), "{state}");

    let mut scene = Scene::new("  - {id: one, run: mender, args: [write]}\n");
    scene.acts = vec![("write", Act { takes: Duration::from_secs(30), ..act("status 0") })];
    scene.interrupts = [1_000, 2_000].into();
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds), (Outcome::Interrupted, 2));
}

/// A terminal that is closed hangs up twice, and an impatient system asks again and again.
#[test]
fn hang_ups_never_cut_a_write_short_however_many() {
    let mut scene = Scene::new("  - {id: one, run: mender, args: [write]}\n");
    scene.acts = vec![("write", Act { takes: Duration::from_secs(30), ..act("status 0") })];
    scene.interrupts = [1_000, 1_001, 5_000, 9_000].into();
    scene.by = Interrupt::Terminate;
    let played = scene.play();
    assert_eq!(
        played.order(),
        ["step one", "call write", "interrupt finishing=true", "done one", "finished Interrupted"]
    );
    assert_eq!(played.seconds, 30);
}

#[test]
fn what_breaks_when_cut_short_takes_a_third_ctrl_c() {
    let scene = |interrupts: &[u64]| {
        let mut scene = Scene::new("  - {id: one, run: mender, args: [write, system]}\n");
        scene.acts = vec![("write", Act { takes: Duration::from_secs(30), ..act("status 0") })];
        scene.interrupts = interrupts.iter().copied().collect();
        scene.play()
    };
    let played = scene(&[1_000, 2_000]);
    let told = ["interrupt finishing=true", "interrupt breaks: the camera has no system"];
    assert_eq!(played.order()[2..4], told);
    assert_eq!((played.outcome, played.seconds), (Outcome::Interrupted, 30));
    let played = scene(&[1_000, 2_000, 3_000]);
    assert_eq!(played.order()[2..5], [told[0], told[1], "interrupt finishing=false"]);
    assert_eq!((played.outcome, played.seconds), (Outcome::Interrupted, 3));
}

/// The exit code is the same, however the step ends that was finished first.
#[test]
fn whoever_pressed_ctrl_c_is_told_so_however_the_step_ends() {
    for (prints, what) in [
        ("status 0", "you asked recover to end during the last step; it was finished first"),
        ("status 7", "(and you asked recover to end)"),
    ] {
        let mut scene = Scene::new("  - {id: one, run: mender, args: [write]}\n").act("write", act(prints));
        scene.interrupts = [500].into();
        let played = scene.play();
        assert_eq!(played.outcome, Outcome::Interrupted, "{prints}");
        assert!(played.problem().what.contains(what), "{}", played.problem().what);
    }
}

/// Neither does a tool that is being ended anyway swallow the wish, nor is its grace cut by a hang-up.
#[test]
fn a_wish_while_a_tool_is_being_ended_is_kept() {
    let mut scene = Scene::new("  - {id: one, run: mender, args: [write], timeout: 2s}\n");
    let deaf = Act { takes: Duration::from_secs(60), ignores_requests: true, ..act("status 0") };
    scene.acts = vec![("write", deaf)];
    scene.interrupts = [3_000].into();
    scene.by = Interrupt::Terminate;
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds), (Outcome::Interrupted, 5));
}

/// Whoever has asked to end is not to watch a failed write begin again.
#[test]
fn nothing_is_retried_after_ctrl_c() {
    let mut scene =
        Scene::new("  - {id: one, run: mender, args: [write], retry: {attempts: 3, on: refused, backoff: 1s}}\n");
    scene.acts = vec![("write", act("status 7"))];
    scene.interrupts = [500].into();
    let played = scene.play();
    assert_eq!(played.calls(), ["write"]);
    assert_eq!(played.outcome, Outcome::Interrupted);
}

#[test]
fn enter_is_waited_for_but_not_for_ever() {
    let steps = "  - {id: look, prompt: Is the light on?, timeout: 90s}\n";
    let mut scene = Scene::new(steps);
    scene.replies = [(30, line(""))].into();
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds), (Outcome::Recovered, 30));
    let played = Scene::new(steps).play();
    assert_eq!((played.outcome, played.seconds), (Outcome::StepFailed, 90));
    let mut scene = Scene::new(steps);
    scene.replies = [(1, Reply::Gone)].into();
    assert_eq!(scene.play().outcome, Outcome::Declined);
}

/// Values that tools print go into later steps; what a tool claims to have made is looked for.
#[test]
fn values_and_files_are_handed_on() {
    let played = Scene::new(
        "  - {id: ask, run: mender, args: [read], capture: {version: {text: 'K(\\S+)'}, number: {integer: 'n=(\\w+)'}}}
  - {id: use, run: mender, args: [write, \"${version}\", \"${hex(number + 1)}\"]}
  - {id: dump, run: mender, args: [read, \"${dumped}\"], produces: dumped}
",
    )
    .act("read", act("status 0\nK2.8.0 n=0x1f"))
    .play();
    assert_eq!(played.calls(), ["read", "write 2.8.0 0x20", "read dumped.bin"]);
    assert_eq!(played.outcome, Outcome::StepFailed);
    assert!(played.problem().what.contains("made no file `dumped`"), "{}", played.problem().what);
}

/// The tool and the bus disagree: the tool is asked once more, then it is the permission or the driver.
#[test]
fn a_device_on_the_bus_that_the_tool_does_not_find_is_tried_once_more() {
    let steps = "  - {id: one, run: mender, device: rom, args: [write]}\n";
    let played = Scene::new(steps).act("write", act("status 6")).play();
    let again = ["step one", "call write", "retry one 2 in 1000", "call write", "done one", "finished Recovered"];
    assert_eq!(played.order(), again);
    let played = Scene::new(steps).act("write", act("status 6")).act("write", act("status 6")).play();
    assert_eq!((played.outcome, played.calls().len()), (Outcome::DeviceUnavailable, 2));
    let problem = played.problem();
    assert_eq!(problem.class.word(), "no-permission");
    assert!(problem.what.contains("1fc9:0135 the ROM is attached, but mender cannot open it"), "{}", problem.what);
    assert!(!problem.next.join(" ").contains("cable"), "{:?}", problem.next);
    // What leaves meanwhile is not there indeed.
    let left = Act { leaves: Some(vec![]), ..act("status 6") };
    let played = Scene::new(steps).act("write", left).play();
    assert_eq!((played.problem().class.word(), played.calls().len()), ("no-device", 1));
}

/// udev and ModemManager need a moment with what has just come; what was there before is simply not permitted.
#[test]
fn what_has_just_come_may_be_barred_for_half_a_minute() {
    let steps = "  - {id: enter, prompt: Plug it in., until: {present: rom}, timeout: 60s}
  - {id: one, run: mender, device: rom, args: [write]}
";
    let scene = || {
        let mut scene = Scene::new(steps);
        scene.bus = vec![(0, vec![])];
        scene.hands = [vec![(5, vec!["1fc9:0135"])]].into();
        scene
    };
    let barred = |mut scene: Scene, times: usize| {
        for _ in 0..times {
            scene = scene.act("write", act("status 8"));
        }
        scene.play()
    };
    assert_eq!(barred(scene(), 5).outcome, Outcome::Recovered);
    let played = barred(scene(), 50);
    assert_eq!(played.problem().class.word(), "no-permission");
    assert!((34..=40).contains(&played.seconds), "{} s after the run began", played.seconds);
    // There from the start.
    let played = barred(Scene::new(steps), 50);
    assert_eq!((played.outcome, played.calls().len()), (Outcome::DeviceUnavailable, 1));
    // The node itself is not permitted yet.
    let late = |seconds: u64| {
        let mut scene = scene();
        scene.hands = [vec![(5, vec!["1fc9:0135!"]), (5 + seconds, vec!["1fc9:0135"])]].into();
        scene.play()
    };
    assert_eq!(late(20).outcome, Outcome::Recovered);
    let played = late(300);
    assert_eq!((played.problem().class.word(), played.calls().len()), ("no-permission", 0));
    assert!((33..=38).contains(&played.seconds), "{} s after the run began", played.seconds);
}

/// What cannot be undone is begun once, whatever the tool says of it; and what the playbook foresees is its own matter.
#[test]
fn no_call_is_made_again_that_must_not_be() {
    let steps = "  - {id: one, run: mender, device: rom, args: [read], on_fault: [{class: no-device, set: absent}]}\n";
    let played = Scene::new(steps).act("read", act("status 6")).play();
    assert_eq!((played.outcome, played.calls().len()), (Outcome::Recovered, 1));
    let burn = "  - id: fuse
    run: mender
    device: rom
    args: [burn]
    irreversible:
      why: It burns.
      already_done: &read
        steps: [{run: mender, args: [read], capture: {fuse: {integer: 'fuse (\\d)'}}}]
        holds: fuse == 1
      verify: *read
";
    let mut scene = Scene::new(burn).act("burn", act("status 6"));
    scene.allowed = vec!["fuse"];
    for _ in 0..4 {
        scene = scene.act("read", act("status 0\nfuse 0"));
    }
    let played = scene.play();
    assert_eq!(played.calls().iter().filter(|call| **call == "burn").count(), 1, "{:?}", played.order());
}

/// Two tries may have had a passing cause; what fails a third time in the same way has another one.
#[test]
fn the_third_time_the_same_failure_means_something_else() {
    let steps = "  - {id: enter, prompt: Plug it in., until: {present: rom}, timeout: 60s}
  - id: start
    run: mender
    device: rom
    args: [write]
    until: {present: loader}
    timeout: 10s
    restart_at: {step: enter, on: [no-device, no-answer], times: 5}
    third_time: {on: no-device, class: bad-file, message: The loader never appears, help: Get it again}
";
    let scene = || {
        let mut scene = Scene::new(steps);
        let replug = || vec![(1, vec![]), (3, vec!["1fc9:0135"])];
        scene.hands = (0..6).map(|_| replug()).collect();
        scene
    };
    let started = || Act { leaves: Some(vec![]), ..act("status 0") };
    let mut never = scene();
    for _ in 0..5 {
        never = never.act("write", started());
    }
    let played = never.play();
    assert_eq!((played.outcome, played.calls().len()), (Outcome::StepFailed, 3));
    let problem = played.problem();
    assert_eq!((problem.class.word(), problem.what.as_str()), ("bad-file", "The loader never appears"));
    assert!(problem.next.contains(&"Get it again.".to_owned()), "{:?}", problem.next);
    // Another failure in between does not count.
    let played = scene()
        .act("write", started())
        .act("write", act("status 4"))
        .act("write", started())
        .act("write", Act { leaves: Some(vec!["15a2:0073"]), ..act("status 0") })
        .play();
    assert_eq!(played.outcome, Outcome::Recovered);
}

/// What a wait has told beside what it waits for: seconds, and the beginning of the text.
fn lessons(played: &Played) -> Vec<(u64, &str)> {
    let told = played.events.iter().filter_map(|event| match event {
        // Told on that system alone.
        Event::Hinted { text, .. } if text.starts_with("Perhaps Windows has no driver") => None,
        Event::Hinted { text, after_ms, .. } => Some((*after_ms / 1000, text.as_str())),
        Event::Flapping { text, within_ms, .. } => Some((*within_ms / 1000, text.as_str())),
        _ => None,
    });
    let known = [
        "Perhaps the wire or button was set after",
        "Perhaps it is a cable between two USB-C sockets",
        "Perhaps it is the USB port",
        "Nothing at all has come to the USB bus. If the board is connected, perhaps its cable",
        "The board has started as usual",
        "1fc9:0135 the ROM was there for a moment and has left",
        "1fc9:0135 the ROM came and went 3 times within 5.0 s: the contact is likely loose",
    ];
    told.map(|(at, text)| (at, known.iter().find(|known| text.starts_with(**known)).map_or(text, |known| *known)))
        .collect()
}

#[test]
fn a_wait_in_vain_tells_likely_reasons_each_once_and_the_authors_own_at_their_time() {
    let mut scene = Scene::new(
        "  - id: enter\n    prompt: Connect.\n    hands: [unplug, fit-jumper, plug-in]\n    until: {present: rom}\n    \
         timeout: 5m\n    hints: {30s: Own., 1m: [First., Second.]}\n",
    );
    scene.bus = vec![(0, vec![])];
    let played = scene.play();
    assert_eq!((played.outcome, played.seconds), (Outcome::DeviceUnavailable, 300));
    let expected = [
        (20, "Nothing at all has come to the USB bus. If the board is connected, perhaps its cable"),
        (30, "Own"),
        (60, "First"),
        (60, "Second"),
        (60, "Perhaps the wire or button was set after"),
        (60, "Perhaps it is a cable between two USB-C sockets"),
        (120, "Perhaps it is the USB port"),
    ];
    assert_eq!(lessons(&played), expected);
}

#[test]
fn what_is_known_decides_what_is_told_first() {
    const ENTER: &str = "  - id: enter\n    prompt: Connect.\n    hands: [unplug, fit-jumper, plug-in]\n    until: \
                         {present: rom, for: 5s}\n    timeout: 30s\n";
    let told = |bus: Vec<(u64, Vec<&'static str>)>| {
        let played = Scene { bus, ..Scene::new(ENTER) }.play();
        lessons(&played).into_iter().map(|(at, text)| (at, text.to_owned())).collect::<Vec<_>>()
    };
    let started = told(vec![(0, vec![]), (5, vec!["37c5:1060"])]);
    assert_eq!(started, [(20, "The board has started as usual".to_owned())]);
    let left = told(vec![(0, vec![]), (5, vec!["1fc9:0135"]), (7, vec![])]);
    assert_eq!(left, [(20, "1fc9:0135 the ROM was there for a moment and has left".to_owned())]);
    // The same reason is not told in other words, and what it rules out is not told either.
    let loose = told((0..6).map(|at| (5 + at, if at % 2 == 0 { vec!["1fc9:0135"] } else { vec![] })).collect());
    assert_eq!(
        loose[0],
        (5, "1fc9:0135 the ROM came and went 3 times within 5.0 s: the contact is likely loose".to_owned())
    );
    assert_eq!(loose.len(), 1, "{loose:?}");
    // It comes in time: nothing is told.
    assert!(told(vec![(0, vec![]), (10, vec!["1fc9:0135"])]).is_empty());
}

#[test]
fn what_is_only_tried_and_what_asks_by_itself_teaches_nothing() {
    for steps in [
        "  - {id: look, wait: {present: loader}, timeout: 3m, sets: found}\n  - {when: found, prompt: Go on.}\n",
        "  - {id: look, wait: {present: loader}, timeout: 3m, ask: {after: 20s, prompt: Replug it.}}\n",
        "  - {id: look, wait: {gone: rom}, timeout: 3m}\n",
    ] {
        assert_eq!(lessons(&Scene::new(steps).play()), [], "{steps}");
    }
}

#[test]
fn a_tool_that_waits_for_hands_teaches_as_a_wait_does() {
    const HOLD: &str = "  - id: hold\n    prompt: Connect it.\n    hands: [fit-jumper, plug-in]\n    run: mender\n    \
                        args: [write]\n    until: {present: loader}\n    timeout: 5m\n    hints: {30s: Own.}\n";
    let waits = || Act { takes: Duration::from_secs(250), leaves: Some(vec!["15a2:0073"]), ..act("status 0") };
    let scene = |bus: Vec<(u64, Vec<&'static str>)>| Scene { bus, ..Scene::new(HOLD) }.act("write", waits());
    let expected = [
        (20, "Nothing at all has come to the USB bus. If the board is connected, perhaps its cable"),
        (30, "Own"),
        (60, "Perhaps the wire or button was set after"),
        (60, "Perhaps it is a cable between two USB-C sockets"),
        (120, "Perhaps it is the USB port"),
    ];
    let played = scene(vec![(0, vec![])]).play();
    assert_eq!((played.outcome, lessons(&played).as_slice()), (Outcome::Recovered, expected.as_slice()));
    // Once the device is there the tool works, however long that takes.
    let played = scene(vec![(0, vec![]), (40, vec!["15a2:0073"])]).play();
    assert_eq!(lessons(&played), expected[..2]);
    // What another device shows is no reason to be silent.
    let played = scene(vec![(0, vec![]), (5, vec!["37c5:1060"])]).play();
    assert_eq!(lessons(&played)[0], (20, "The board has started as usual"));
}

#[test]
fn a_tool_that_nobody_was_asked_to_do_something_for_teaches_nothing() {
    let steps = "  - {id: write, run: mender, args: [write], until: {present: loader}, timeout: 5m}\n";
    let played = Scene { bus: vec![(0, vec![])], ..Scene::new(steps) }
        .act("write", Act { takes: Duration::from_secs(250), leaves: Some(vec!["15a2:0073"]), ..act("status 0") })
        .play();
    assert_eq!((played.outcome, lessons(&played)), (Outcome::Recovered, vec![]));
}

#[test]
fn what_hands_have_set_is_told_when_the_run_ends_before_it_was_taken_back() {
    const STEPS: &str = "  - {id: set, prompt: Set the wire., hands: [unplug, fit-jumper, plug-in]}\n  - {id: write, run: mender, args: [write]}\n  \
                         - {id: undo, prompt: Remove the wire., hands: [unplug, remove-jumper]}\n  - {id: again, run: mender, args: [erase]}\n";
    let told = |failing: &'static str| {
        let enter = || (1, Reply::Line(String::new()));
        let mut scene = Scene::new(STEPS).act(failing, act("status 9"));
        scene.replies = VecDeque::from([enter(), enter()]);
        let played = scene.play();
        assert_eq!(played.outcome, Outcome::StepFailed);
        played.problem().next.iter().any(|text| text.starts_with("If the wire or button is still set"))
    };
    assert!(told("write"));
    assert!(!told("erase"));
}
