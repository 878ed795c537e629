//! The simulated world on a paused clock: what takes minutes on the bench takes none here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::bench::test_bench::playbook;
use crate::bench::{Answers, Bench, BenchFiles, BenchFolder, BenchWorld, Console, MockEnd, WhichBoard, play};
use crate::documents::playbook::{DeviceKind, HandMove, Until};
use crate::words::{ToolEnd, UsbId};
use crate::world::{Ask, Cleared, Interrupt, Reply, RunningTool, StopTool, ToolCall, ToolEvent, World};

const ENTER_ROM: &[HandMove] = &[HandMove::Unplug, HandMove::FitJumper, HandMove::PlugIn];

/// Ends a thread that plays a hanging tool.
struct StopThread(Arc<AtomicBool>);

impl StopTool for StopThread {
    fn ask(&mut self) -> bool {
        self.0.store(true, Ordering::SeqCst);
        true
    }

    fn force(&mut self) {
        self.ask();
    }
}

/// Plays the mock on a thread of its own, after a real pause: long enough for a clock that is not held to run away.
fn start_thread(files: &BenchFiles, call: &ToolCall) -> RunningTool {
    let (sender, events) = mpsc::channel(8);
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = StopThread(Arc::clone(&stopped));
    let (files, args) = (files.clone(), call.args.clone());
    let tool = call.launcher[0].to_string_lossy().into_owned();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        let mut console = Console::default();
        let end = match play(&files, &tool, &args, &mut console).unwrap() {
            MockEnd::Exit(code) => ToolEnd::Exited(code),
            MockEnd::Killed(signal) => ToolEnd::Signalled(signal),
            MockEnd::Waits | MockEnd::Hangs => {
                while !stopped.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                ToolEnd::Signalled(15)
            }
        };
        let _ = sender.blocking_send(ToolEvent::Output(crate::words::Stream::Stdout, console.stdout));
        let _ = sender.blocking_send(ToolEvent::Ended(end));
    });
    RunningTool { events, stop: Box::new(stop), input: None }
}

fn world(names: &[&str], answers: Answers) -> (BenchWorld, tempfile::TempDir) {
    let bench = Bench::set_up(BenchFolder::temporary().unwrap(), &playbook(), names).unwrap();
    let files = bench.files();
    let images = tempfile::tempdir().unwrap();
    let mut image = crate::bench::kit::image::noise("image", 87_884);
    image[..4].copy_from_slice(&[0xd1, 0, 0x20, 0x40]);
    image[0x14..0x18].copy_from_slice(&0x2000_1c00_u32.to_le_bytes());
    std::fs::write(images.path().join("flashloader.bin"), image).unwrap();
    let starter = Box::new(move |call: &Cleared| start_thread(&files, call));
    let interrupts = Box::new(|| -> std::pin::Pin<Box<dyn Future<Output = Interrupt>>> {
        Box::pin(std::future::ready(Interrupt::Interrupt))
    });
    (BenchWorld::new(std::rc::Rc::new(bench), answers, starter, interrupts), images)
}

fn call(line: &str) -> ToolCall {
    let mut words = line.split(' ');
    let tool = words.next().unwrap();
    ToolCall {
        launcher: vec![tool.into()],
        args: words.map(str::to_owned).collect(),
        environment: BTreeMap::new(),
        environment_remove: Vec::new(),
        folder: std::env::temp_dir(),
        terminal: false,
        input: crate::world::ToolInput::Nothing,
        warm: None,
    }
}

async fn end_of(mut tool: RunningTool) -> ToolEnd {
    loop {
        match tool.events.recv().await.unwrap() {
            ToolEvent::Output(..) => {}
            ToolEvent::Ended(end) => return end,
        }
    }
}

fn shown(world: &BenchWorld) -> Vec<String> {
    let ids = ["1fc9:0135", "15a2:0073", "37c5:1060"];
    let kinds: Vec<(UsbId, DeviceKind)> = ids.iter().map(|id| (id.parse().unwrap(), DeviceKind::Hid)).collect();
    world.devices(&kinds).unwrap().iter().map(|device| device.id.to_string()).collect()
}

async fn start_flashloader(world: &BenchWorld, images: &tempfile::TempDir) {
    world.ask(Ask::Hands { moves: ENTER_ROM, until: Some(&Until::default()) });
    tokio::time::sleep(Duration::from_secs(10)).await;
    let image = images.path().join("flashloader.bin");
    let write = call(&format!("sdphost -u 0x1FC9,0x0135 -- write-file 0x20001C00 {}", image.display()));
    let limited = tokio::time::timeout(Duration::from_secs(10), end_of(world.start(&Cleared::unseen(write)))).await;
    assert_eq!(limited.unwrap(), ToolEnd::Exited(0), "no time passes before the process has ended");
    let jump = call("sdphost -u 0x1FC9,0x0135 -- jump-address 0x20001C00");
    assert_eq!(end_of(world.start(&Cleared::unseen(jump))).await, ToolEnd::Exited(0));
}

#[tokio::test(start_paused = true)]
async fn hands_move_and_the_bus_reports_what_comes() {
    let (world, images) = world(&["late-flashloader"], Answers::Given { which_board: WhichBoard::ItIsNot });
    world.ask(Ask::Hands { moves: ENTER_ROM, until: Some(&Until::default()) });
    assert!(shown(&world).is_empty());
    let began = Instant::now();
    while shown(&world).is_empty() {
        world.devices_changed().await;
    }
    assert_eq!(shown(&world), ["1fc9:0135"]);
    assert_eq!(began.elapsed().as_millis(), 3_700, "three moves and an enumeration");
    start_flashloader(&world, &images).await;
    let began = Instant::now();
    while shown(&world).is_empty() {
        world.devices_changed().await;
    }
    assert_eq!(shown(&world), ["15a2:0073"]);
    assert!((7_900..=8_100).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_clock_stands_while_a_tool_starts_and_then_passes_what_it_took() {
    let (world, images) = world(&["erase-no-answer"], Answers::Given { which_board: WhichBoard::ItIsNot });
    start_flashloader(&world, &images).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    let erase = call("blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60001000 0x1000");
    assert_eq!(end_of(world.start(&Cleared::unseen(erase))).await, ToolEnd::Exited(1));
    assert!((120_000..121_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_limit_shorter_than_the_call_ends_it() {
    let (world, images) = world(&["erase-no-answer"], Answers::Given { which_board: WhichBoard::ItIsNot });
    start_flashloader(&world, &images).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let erase = call("blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60001000 0x1000");
    let limited = tokio::time::timeout(Duration::from_secs(30), end_of(world.start(&Cleared::unseen(erase)))).await;
    assert!(limited.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_hangs_lets_the_clock_go_and_its_call_has_no_exit_code() {
    let (world, images) = world(&["tool-hangs"], Answers::Given { which_board: WhichBoard::ItIsNot });
    start_flashloader(&world, &images).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let erase = call("blhost -u 0x15A2,0x0073 -- flash-erase-region 0x60001000 0x1000");
    let mut tool = world.start(&Cleared::unseen(erase));
    let began = Instant::now();
    let limited = tokio::time::timeout(Duration::from_secs(150), tool.events.recv()).await;
    assert!(limited.is_err() && began.elapsed() >= Duration::from_secs(150));
    tool.stop.ask();
    assert_eq!(end_of(tool).await, ToolEnd::Signalled(15));
    let calls = std::fs::read_to_string(world.bench().files().calls()).unwrap();
    assert!(calls.lines().last().unwrap().contains("\"exit_code\":null"), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn the_person_answers_unless_nobody_may_be_asked() {
    let step = "boot-fuse".parse().unwrap();
    let (given, _images) = world(&[], Answers::Given { which_board: WhichBoard::ItIsNot });
    given.ask(Ask::Consent { step: &step });
    assert_eq!(given.reply().await, Reply::Line("no".into()), "nobody has told them");
    assert_eq!(given.who_agrees(), None);
    let given = given.agreeing([step.clone()].into());
    given.ask(Ask::Consent { step: &step });
    assert_eq!(given.reply().await, Reply::Line("boot-fuse".into()));
    assert!(given.who_agrees().is_some());
    given.ask(Ask::Hands { moves: &[HandMove::PlugIn], until: None });
    assert_eq!(given.reply().await, Reply::Line(String::new()));
    given.ask(Ask::Hands { moves: &[], until: Some(&Until::default()) });
    assert!(tokio::time::timeout(Duration::from_secs(600), given.reply()).await.is_err(), "the hardware goes on");
    assert!(given.interactive());
    assert_eq!(given.interrupted().await, Interrupt::Interrupt);

    let (withheld, _images) = world(&[], Answers::Withheld);
    withheld.ask(Ask::Consent { step: &step });
    assert_eq!(withheld.reply().await, Reply::Gone);
    assert!(!withheld.interactive());
    withheld.ask(Ask::Hands { moves: ENTER_ROM, until: Some(&Until::default()) });
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(shown(&withheld), ["1fc9:0135"], "hands move all the same");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_tool_frees_the_clock() {
    let (world, _images) = world(&[], Answers::Given { which_board: WhichBoard::ItIsNot });
    drop(world.start(&Cleared::unseen(call("blhost -u 0x15A2,0x0073 -- reset"))));
    tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await.unwrap_err();
}
