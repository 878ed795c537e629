//! Stations of virtual boards, in virtual time: what happens at one place, no other one notices.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use clap::Parser;

use super::queue::Teller;
use super::*;
use crate::bench::{BenchFolder, in_process};
use crate::cli::arguments::{Arguments, Request};
use crate::cli::runs::folder::JOURNAL;
use crate::cli::runs::journal::Journal;
use crate::cli::runs::kept_run::{Ended, KeptRun};
use crate::cli::workplace::{make_up, new_scratch};
use crate::documents::catalog::{Catalog, shipped};
use crate::documents::library::{shipped_family, shipped_playbook};
use crate::documents::playbook::load;
use crate::documents::settings::KeepRuns;
use crate::engine::{
    Already, Chosen, Files, GivenFiles, MakeImage, Order, ReadyTool, Settings, StepEnd, Tell, WhenHealthy, Workplace,
};
use crate::output::Touched;
use crate::words::{Id, Source, ToolEnd};
use crate::world::{Cleared, Finder, Interrupt, Scratch};

/// Writes, and then asks before it does something that it says cannot be undone.
const ASKS: &str = r#"
format: 1
board: Camera
inputs: {bootloader: {file: bootloader.bin, kind: raw, max_size: 0x20000}}
devices:
  rom: {usb: "0483:df11", label: STM32 ROM, identifies: no, state: recovery, args: {dfu-util: ["-d", ",0483:df11"]}}
virtual_board: {model: stm32-dfu-rom, layout: "@Internal Flash  /0x08000000/16*128Kg", bootloader: "37c5:9204", running: "37c5:1204"}
steps:
  - id: enter-rom
    prompt: Connect it with the wire.
    hands: [unplug, fit-jumper, plug-in]
    until: {present: rom}
    timeout: 5m
  - id: write
    run: dfu-util
    device: rom
    args: ["-a", "0", "-s", "0x08000000", "-D", "${bootloader}"]
    timeout: 120s
  - id: seal
    irreversible:
      why: It is a test.
      already_done: &read
        steps: [{run: dfu-util, device: rom, args: ["-l"], capture: {alt: {integer: 'alt=(\d)'}}}]
        holds: alt == 7
      verify: {steps: [{run: dfu-util, device: rom, args: ["-l"], capture: {alt: {integer: 'alt=(\d)'}}}], holds: alt != 7}
    run: dfu-util
    device: rom
    args: ["-a", "0", "-s", "0x08000000", "-D", "${bootloader}"]
    timeout: 120s
"#;

/// What happened, in its order.
struct Seen {
    told: Vec<Told<Event>>,
    outcome: Outcome,
    lines: Vec<String>,
}

impl Seen {
    fn of(&self, place: u16) -> impl Iterator<Item = &Event> {
        let place = Some(PlaceNumber(place));
        self.told.iter().filter(move |told| told.place == place).map(|told| &told.event)
    }

    /// How the boards of a place ended, and how long each took.
    fn ends(&self, place: u16) -> Vec<(Outcome, u64)> {
        let end = |event: &Event| match event {
            Event::Finished { outcome, elapsed_ms, .. } => Some((*outcome, *elapsed_ms)),
            _ => None,
        };
        self.of(place).filter_map(end).collect()
    }
}

/// Who looks on, and answers.
struct Onlooker<'o> {
    told: Vec<Told<Event>>,
    lines: Vec<String>,
    answers: &'o mut dyn FnMut(&[Told<Event>]) -> Vec<String>,
    types: Teller,
}

impl Shown for Onlooker<'_> {
    fn told(&mut self, told: &Told<&Event>) {
        self.told.push(Told { event: told.event.clone(), ms: told.ms, utc: told.utc, place: told.place });
        for line in (self.answers)(&self.told) {
            assert!(self.types.send(Heard::Line(line)));
        }
    }

    fn board_ended(&mut self, _: &Tally) {}

    fn lines(&mut self, lines: &[String]) {
        self.lines.extend(lines.iter().cloned());
    }

    fn typed(&mut self) {}

    fn tick(&mut self) {}

    fn end(&mut self, told: &Told<&Event>, tally: &Tally) {
        self.told(told);
        self.lines.extend(tally.lines());
    }
}

/// Where the tools of all places are looked for.
struct ToolBench<'t> {
    bench: Bench,
    catalog: &'t Catalog,
    surroundings: Surroundings,
    explicit: BTreeMap<String, PathBuf>,
}

impl Workplace for ToolBench<'_> {
    type Error = std::io::Error;

    fn clock(&self) -> Clock {
        Clock::Paused
    }

    fn scratch(&self) -> Result<Scratch, std::io::Error> {
        Ok(new_scratch().unwrap())
    }

    fn makes_up(&self) -> Option<Box<MakeImage<'_>>> {
        Some(make_up())
    }

    fn take_board(&mut self) -> Result<(), std::io::Error> {
        Ok(())
    }

    fn finder(&self) -> Finder<'_> {
        let files = self.bench.files();
        let start = move |call: &Cleared| in_process::start(&files, call, &Arc::new(AtomicUsize::new(0)));
        let (explicit, installers, surroundings) = (&self.explicit, &self.catalog.installers, &self.surroundings);
        Finder { explicit, installers, surroundings, start: Arc::new(start) }
    }

    fn found(&self, _: &BTreeMap<String, ReadyTool>) {}

    async fn carry_out(&self, _: Order<'_>, _: Files, _: &mut Tell<'_>) -> Result<Outcome, std::io::Error> {
        unreachable!("only tools are found here")
    }
}

fn start_here(files: &BenchFiles) -> StartTool {
    let files = files.clone();
    Box::new(move |call| in_process::start(&files, call, &Arc::new(AtomicUsize::new(0))))
}

/// A station that is set up by its command line.
struct Station<'s> {
    playbook: Arc<Source>,
    args: &'s [&'s str],
    records: Option<&'s Path>,
    allow: &'s [&'s str],
    wishes: watch::Sender<Wishes>,
}

impl<'s> Station<'s> {
    fn of(playbook: Arc<Source>, args: &'s [&'s str]) -> Station<'s> {
        Station { playbook, args, records: None, allow: &[], wishes: watch::Sender::new(Wishes::default()) }
    }

    fn shipped(board: &str, args: &'s [&'s str]) -> Station<'s> {
        Station::of(shipped_playbook(board).unwrap(), args)
    }

    /// `answers` is asked for lines after every event, with all that were told so far.
    fn run(&self, answers: &mut dyn FnMut(&[Told<Event>]) -> Vec<String>) -> Seen {
        let words = ["recover", "station", "camera"].iter().chain(self.args);
        let Ok(Request::Station(args)) = Arguments::try_parse_from(words).unwrap().request() else { panic!() };
        let simulation = args.simulate.clone().unwrap();
        let families = |path: &str| shipped_family(path).ok_or_else(|| format!("{path} is not shipped"));
        let loaded = load(&self.playbook, &families);
        let playbook = loaded.playbook.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let catalog = shipped().unwrap();
        let settings = Settings {
            chosen: Chosen::Any,
            allow_irreversible: self.allow.iter().map(|step| step.parse::<Id>().unwrap()).collect(),
            variables: playbook.variables.iter().map(|it| (it.name.clone(), it.default.clone())).collect(),
            simulated: true,
            healthy: WhenHealthy::LeaveAlone,
            already: Already::Nothing,
            single_calls: true,
            operator: None,
            record: None,
            playbook_name: "camera".to_owned(),
            shipped: false,
        };
        let folder = tempfile::tempdir().unwrap();
        let given = GivenFiles { folder: folder.path().to_owned(), set: BTreeMap::new(), to_be_had: None };
        let of_all = simulation.of_all().names;
        let names: Vec<&str> = of_all.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let bench = Bench::set_up(BenchFolder::temporary().unwrap(), &playbook, &names).unwrap();
        let surroundings = bench.surroundings();
        let tool_bench = ToolBench { bench, catalog: &catalog, surroundings, explicit: BTreeMap::new() };
        let assignment =
            crate::engine::Assignment { playbook: &playbook, catalog: &catalog, given: &given, settings: &settings };
        let tools = find_for_many(assignment, &tool_bench).unwrap().unwrap();
        let exclusive = Exclusive::of(&playbook, &catalog, tools.found());
        let (sender, heard) = queue();
        let started = Event::RunStarted {
            run: Box::default(),
            board: playbook.board.clone(),
            playbook: "camera".to_owned(),
            shipped: false,
            simulated: true,
            steps_total: playbook.leaf_steps().len(),
            summary: None,
        };
        let common = Common {
            playbook: &playbook,
            catalog: &catalog,
            given: &given,
            settings: &settings,
            options: &args.run().options,
            surroundings: &tool_bench.surroundings,
            explicit: &tool_bench.explicit,
            tools: &tools,
            started: &started,
            records: self.records,
            keep: KeepRuns::default(),
            person: true,
            page: None,
            turns: Turns::new(),
            exclusive_tools: exclusive.tools().map(str::to_owned).collect(),
            exclusive: exclusive.ids(&playbook),
            boards: Boards::Virtual {
                bus: VirtualBus::default(),
                hands: HandsOf::VirtualPerson,
                start: start_here,
                names: simulation.of_all().names,
            },
            quota: Quota::of(args.count),
            wishes: self.wishes.subscribe(),
            heard: sender.clone(),
        };
        let places = virtual_places(&args, &simulation, &playbook).unwrap();
        let mut onlooker = Onlooker { told: Vec::new(), lines: Vec::new(), answers, types: sender };
        let outcome = at_work(&common, places, None, &heard, &mut onlooker);
        Seen { told: onlooker.told, outcome, lines: onlooker.lines }
    }
}

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { name: "camera.yaml".into(), text: text.to_owned() })
}

fn asks(told: &[Told<Event>]) -> Option<PlaceNumber> {
    let last = told.last()?;
    matches!(last.event, Event::ConsentAsked { .. }).then_some(last.place?)
}

fn ended(told: &[Told<Event>]) -> usize {
    told.iter().filter(|told| matches!(told.event, Event::Finished { .. })).count()
}

#[test]
fn a_station_of_32_where_one_fails_one_hangs_one_is_unplugged_and_one_asks() {
    const ASKING: PlaceNumber = PlaceNumber(8);
    let alone = Station::of(source(ASKS), &["--simulate", "--count", "1"]);
    let alone = alone.run(&mut |told| asks(told).map(|place| format!("{place} seal")).into_iter().collect());
    let [(Outcome::Recovered, alone_ms)] = alone.ends(1)[..] else { panic!("{:?}", alone.told.last()) };

    let records = tempfile::tempdir().unwrap();
    let args = ["--simulate=5:erase-error,6:stalled,7:absent", "--count", "32"];
    let station = Station { records: Some(records.path()), ..Station::of(source(ASKS), &args) };
    let mut asked = BTreeSet::new();
    // Place 8 is answered when all others have ended, and no word that is meant for others counts for it.
    let seen = station.run(&mut |told| {
        let mut lines = Vec::new();
        if let Some(place) = asks(told) {
            assert!(asked.insert(place), "{place} asks twice");
            if place != ASKING {
                lines.extend([format!("{ASKING} seel"), "seal".to_owned(), format!("{place} seal")]);
            }
        }
        if ended(told) == 31 && matches!(told.last().map(|told| &told.event), Some(Event::Finished { .. })) {
            assert!(asked.contains(&ASKING));
            lines.push(format!("{ASKING} seal"));
        }
        lines
    });
    assert_eq!(asked.len(), 29);
    for place in 1..=32 {
        let ends = seen.ends(place);
        let [(outcome, took_ms)] = ends[..] else { panic!("place {place}: {ends:?}") };
        match place {
            5 => assert_eq!(outcome, Outcome::StepFailed),
            6 => assert_eq!(outcome, Outcome::StepFailed, "{:?}", seen.of(6).last()),
            7 => assert_eq!(outcome, Outcome::DeviceUnavailable),
            // None of them was delayed: in their own time they took what a board takes alone.
            _ => assert_eq!((outcome, took_ms), (Outcome::Recovered, alone_ms), "place {place}"),
        }
        let port = seen.of(place).find_map(|event| match event {
            Event::BoardProven { port, .. } => Some(port.clone()),
            _ => None,
        });
        assert!(port.is_none_or(|port| port == format!("1-1.{place}")), "place {place}");
    }
    assert!(matches!(
        seen.told.last().map(|told| &told.event),
        Some(Event::StationFinished { recovered: 29, failed: 3, .. })
    ));
    assert_eq!(seen.outcome.exit_code(), 1);
    assert!(
        seen.lines.iter().any(|line| line.starts_with("32 boards: 29 recovered, 3 not recovered")),
        "{:#?}",
        seen.lines
    );

    let mut at = BTreeSet::new();
    for record in std::fs::read_dir(records.path()).unwrap() {
        let folder = record.unwrap().path();
        let run = KeptRun::look(&folder);
        let journal = Journal::open(&folder.join(JOURNAL), run.summary.journal.as_ref()).unwrap();
        assert!(journal.damage.is_none() && !journal.torn && matches!(run.ended(), Ended::So(_)), "{}", run.name);
        let place = journal.events[0].place.unwrap();
        assert!(journal.events.iter().all(|told| told.place == Some(place)));
        assert!(matches!(journal.events.last().unwrap().event, Event::Finished { .. }));
        assert_eq!(run.summary.run.port, Some(format!("1-1.{place}")));
        // All that was shown of this place, and nothing of another.
        assert_eq!(journal.events.len(), seen.of(place.0).filter(|event| kept(event)).count());
        at.insert(place);
    }
    assert_eq!(at.len(), 32);
}

/// Not what a tool overwrites.
fn kept(event: &Event) -> bool {
    !matches!(event, Event::ToolOutput { transient: true, .. })
}

#[test]
fn the_next_board_comes_by_itself_and_a_healthy_one_is_left_alone() {
    let seen = Station::shipped("h7", &["--simulate=2:boot-loop", "--ports", "1-2,1-4", "--count", "5"])
        .run(&mut |_| Vec::new());
    assert_eq!((seen.ends(1).len(), seen.ends(2).len()), (3, 2));
    assert!(seen.ends(1).iter().all(|(outcome, _)| *outcome == Outcome::Recovered));
    assert!(seen.lines.iter().any(|line| line.starts_with("Place 1: 3 recovered")), "{:#?}", seen.lines);
}

/// They cannot be told which of several boards they are to take, so only one board at a time shows what they look for.
#[test]
fn tools_that_take_any_board_have_one_place_at_a_time() {
    let args = ["--simulate=legacy", "--count", "4"];
    let station = Station { allow: &["boot-fuse"], ..Station::shipped("rt1062", &args) };
    let seen = station.run(&mut |_| Vec::new());
    assert_eq!(seen.outcome, Outcome::Recovered, "{:#?}", seen.lines);
    let mut uses: Option<PlaceNumber> = None;
    let mut done = BTreeSet::new();
    for told in &seen.told {
        if let (Event::ToolStarted { .. }, Some(place)) = (&told.event, told.place) {
            if let Some(before) = uses.filter(|before| *before != place) {
                done.insert(before);
            }
            assert!(!done.contains(&place), "place {place} comes in between");
            uses = Some(place);
        }
    }
    let waits = |told: &&Told<Event>| match &told.event {
        Event::Waiting { waiting_for, .. } => waiting_for.starts_with("place ") && waiting_for.contains(" to leave "),
        _ => false,
    };
    let waited: BTreeSet<_> = seen.told.iter().filter(waits).filter_map(|told| told.place).collect();
    assert_eq!(waited.len(), 3, "{waited:?}");
}

#[test]
fn ctrl_c_lets_every_place_finish_what_it_writes_and_begins_no_further_board() {
    let station = Station::shipped("h7", &["--simulate", "--ports", "1-1,1-2,1-3", "--count", "30"]);
    let wished = Cell::new(false);
    let seen = station.run(&mut |told| {
        if let Some(Event::ToolStarted { changes_board: true, .. }) = told.last().map(|told| &told.event)
            && !wished.replace(true)
        {
            station.wishes.send_modify(|wishes| wishes.add(Interrupt::Interrupt));
        }
        Vec::new()
    });
    for told in &seen.told {
        if let Event::ToolEnded { end, touched, .. } = &told.event
            && *touched != Touched::Nothing
        {
            assert_eq!(*end, ToolEnd::Exited(0), "{told:?}");
        }
        assert!(!matches!(told.event, Event::StepFinished { end: StepEnd::Failed(_), .. }) || wished.get());
    }
    let boards: usize = (1..=3).map(|place| seen.ends(place).len()).sum();
    assert!(boards < 30 && seen.outcome == Outcome::Interrupted, "{boards}: {:?}", seen.outcome);
}
