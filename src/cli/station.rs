//! `recover station`: many boards on one bench, a place for each port. The run of a board is that of `recover run` with its port
//! chosen, on a thread of its own; what all of them need is made once: documents, files, tools and their versions, the watch of the
//! bus, whoever listens for Ctrl-C, and the terminal.
//!
//! All events of all places come to one thread, in one stream, each with its place ([`Heard::Told`]). Whatever shows a station is a
//! [`Reader`] of that stream, and whoever answers hands on a line there ([`Heard::Line`]), behind the events that it is about.

mod answers;
mod place;
mod place_world;
mod ports;
mod queue;
mod station_screen;
mod tally;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, stdin};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use console::Term;
use tokio::sync::watch;

use crate::bench::{Bench, BenchFiles, HandsOf, StartTool};
use crate::cli::arguments::{MessageFormat, StationArgs};
use crate::cli::desk::Desk;
use crate::cli::doctor::before_a_run;
use crate::cli::job::Job;
use crate::cli::json::Json;
use crate::cli::open::{OF_STATION, PageOfMany, Watch};
use crate::cli::reader::Reader;
use crate::cli::refusal::{refuse, show_refusal, unknown_tool};
use crate::cli::runs::keep::{Records, cannot_be_kept, folder_of};
use crate::cli::runs::record::NoRecord;
use crate::cli::station::answers::{Meant, Questions};
use crate::cli::station::place::{Boards, Common, Place, Quota, kinds, serve};
use crate::cli::station::place_world::VirtualBus;
use crate::cli::station::queue::{Listener, queue};
use crate::cli::station::station_screen::{Asks, StationScreen};
use crate::cli::station::tally::Tally;
use crate::cli::streams::{WatchedStdout, is_seen, stdout};
use crate::cli::style::{Look, Role, width_of};
use crate::cli::workplace::PlaceOfRun;
use crate::documents::playbook::{DeviceKind, Playbook};
use crate::engine::{Clock, Event, Exclusive, Outcome, Refusal, Told, before_anything, find_for_many};
use crate::words::{FaultClass, PlaceNumber, nearest};
use crate::world::{
    Interrupts, Machine, Person, SharedBus, Surroundings, Turns, Wishes, World, process, read_in_background,
};

/// So often the table's times are drawn anew.
const TICK: Duration = Duration::from_millis(500);
/// Virtual places where nothing says how many.
const VIRTUAL_PLACES: u16 = 8;
const VIRTUAL_PLACES_MAX: u16 = 32;
/// The hub that virtual boards are at.
const VIRTUAL_HUB: &str = "1-1";

/// What comes to the thread that shows the station.
pub(super) enum Heard {
    /// An event, with its place, and which of that place's questions may stand behind it.
    Told(Box<Told<Event>>, u64),
    /// What the operator typed, or says on another channel that only a person holds.
    Line(String),
    /// A board has appeared where no place is yet.
    Port(String),
    /// A place has ended, or whoever looks for new ones.
    Ended,
}

pub(super) fn station(args: &StationArgs, look: &Look) -> Outcome {
    match prepared(args, look) {
        Ok(outcome) => outcome,
        Err(refusal) => show_refusal(&refusal, args.message_format),
    }
}

fn prepared(args: &StationArgs, look: &Look) -> Result<Outcome, Box<Refusal>> {
    let run = args.run();
    let desk = Desk::of(&run.options);
    let (mut job, about_catalogs) = Job::prepare(run, look)?;
    job.settings.healthy = match args.even_if_healthy {
        true => crate::engine::WhenHealthy::Rewrite,
        false => crate::engine::WhenHealthy::LeaveAlone,
    };
    if let Some(unknown) = args.tools.iter().find(|given| job.catalog.tool(&given.tool).is_none()) {
        return Err(wrong(unknown_tool(&unknown.tool), Vec::new()));
    }
    let mut places = places(args, &job, desk)?;
    let records = records(&job)?;
    let tools = find_for_many(job.assignment(), &PlaceOfRun::of(&job, None))?.map_err(Box::new)?;
    let page = match args.page {
        true => {
            let watch = Watch::default();
            places.iter_mut().for_each(|place| place.show_on(&watch));
            Some(PageOfMany::open(&args.at_page, watch, args.message_format, &OF_STATION)?)
        }
        false => None,
    };
    let (sender, heard) = queue();
    let (wishes, wished) = watch::channel(Wishes::default());
    listen(wishes)?;
    let exclusive = Exclusive::of(&job.playbook, &job.catalog, tools.found());
    let explicit: BTreeMap<String, PathBuf> =
        args.tools.iter().map(|given| (given.tool.clone(), given.program.clone())).collect();
    let boards = match &args.simulate {
        None => Boards::Real(SharedBus::watch()?),
        Some(simulation) => Boards::Virtual {
            bus: VirtualBus::default(),
            // At a terminal as for people, without waiting for ENTER at every place.
            hands: if desk == Desk::Person || page.is_some() {
                HandsOf::UnhurriedPerson
            } else {
                HandsOf::VirtualPerson
            },
            start: start_process,
            names: simulation.of_all().names,
        },
    };
    let common = Common {
        playbook: &job.playbook,
        catalog: &job.catalog,
        given: &job.given,
        settings: &job.settings,
        options: &job.options,
        surroundings: &Surroundings::of_this_process(),
        explicit: &explicit,
        tools: &tools,
        started: &job.started(String::new()),
        records: records.as_deref(),
        keep: job.keep_runs,
        person: desk == Desk::Person && page.is_none(),
        page: page.as_ref().map(|page| page.watch().clone()),
        turns: Turns::new(),
        exclusive_tools: exclusive.tools().map(str::to_owned).collect(),
        exclusive: exclusive.ids(&job.playbook),
        boards,
        quota: Quota::of(args.count),
        wishes: wished,
        heard: sender.clone(),
    };
    let mut shows: Shows = match args.message_format {
        MessageFormat::Json => Shows::Json(Json::new(stdout())),
        MessageFormat::Human => {
            let asks = match (&page, desk) {
                (Some(_), _) => Asks::OnPage,
                (None, Desk::Person) => Asks::Person,
                (None, Desk::Nobody) => Asks::Nobody,
            };
            let term = Term::stdout();
            let look = Look { width: width_of(&term), ..*look };
            let height = (is_seen() && !console::is_dumb()).then(|| usize::from(term.size().0));
            Shows::Screen(Box::new(StationScreen::new(stdout(), look, height, asks)))
        }
    };
    let about_board = before_a_run(&job.playbook, &job.catalog);
    let about_board = about_board.into_iter().filter(|_| args.simulate.is_none());
    for event in about_catalogs.into_iter().chain(about_board).chain(about_turns(&exclusive)) {
        shows.note(&event);
    }
    if common.person {
        read_in_background(stdin(), move |line| sender.send(Heard::Line(line)))?;
    }
    let outcome = at_work(&common, places, args.hub.as_deref(), &heard, &mut shows);
    if let Some(page) = page {
        page.close();
    }
    Ok(outcome)
}

/// Serves all places until each has ended, and tells what happens.
fn at_work(
    common: &Common<'_>,
    places: Vec<Place>,
    hub: Option<&str>,
    heard: &Listener,
    shows: &mut dyn Shown,
) -> Outcome {
    let began = Instant::now();
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let mut at_work = 0_usize;
        let mut all: BTreeMap<PlaceNumber, Place> = BTreeMap::new();
        let begin = |place: &Place| {
            let number = place.number;
            let served = place.clone();
            let serve = move || {
                let _ended = EndTold(common, Some(number));
                serve(&served, common);
            };
            if let Err(error) = thread::Builder::new().name(format!("place {number}")).spawn_scoped(scope, serve) {
                not_served(common, place, &error);
            }
        };
        for place in places {
            begin(&place);
            at_work += 1;
            all.insert(place.number, place);
        }
        if let (Some(hub), Boards::Real(bus)) = (hub, &common.boards) {
            at_work += 1;
            scope.spawn(move || {
                let _ended = EndTold(common, None);
                look_for_ports(hub, bus, common);
            });
        }
        let mut questions = Questions::default();
        while at_work > 0 {
            match heard.next(TICK) {
                Ok(Heard::Told(told, question)) => {
                    let how = told.place.and_then(|place| tally.hear(place, &(*told).as_ref()));
                    shows.told(&(*told).as_ref());
                    if let Some(place) = told.place {
                        // Only now: nobody answers what was not shown.
                        questions.hear(place, &told.event, question);
                    }
                    // The end tells it anyway.
                    if how.is_some() && at_work > 1 {
                        shows.board_ended(&tally);
                    }
                }
                Ok(Heard::Line(line)) => {
                    shows.typed();
                    match questions.meant(&line) {
                        Meant::Answer { place, question, line } => {
                            if all.get(&place).is_some_and(|place| !place.answer(question, line)) {
                                shows.lines(&[format!("That came too late: place {place} does not ask it any more.")]);
                            }
                        }
                        Meant::Report => shows.lines(&tally.lines()),
                        Meant::Nothing(why) => shows.lines(&[why]),
                    }
                }
                Ok(Heard::Port(port)) => {
                    let number = u16::try_from(all.len() + 1).unwrap_or(u16::MAX);
                    let mut place = Place::at(number, port);
                    if let Some(page) = &common.page {
                        place.show_on(page);
                    }
                    begin(&place);
                    at_work += 1;
                    all.insert(place.number, place);
                }
                Ok(Heard::Ended) => at_work -= 1,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => shows.tick(),
            }
        }
    });
    let outcome = tally.outcome();
    let numbers = tally.numbers();
    let finished = Event::StationFinished {
        exit_code: outcome.exit_code(),
        recovered: numbers.recovered,
        left_alone: numbers.healthy,
        failed: numbers.failed,
        elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    shows.end(&Told::now(&finished), &tally);
    outcome
}

/// Tells that a thread has ended, however it has.
struct EndTold<'c>(&'c Common<'c>, Option<PlaceNumber>);

impl Drop for EndTold<'_> {
    fn drop(&mut self) {
        // Whatever has ended it, nobody waits for what it used.
        if let Some(place) = self.1 {
            self.0.turns.of(place).give_back();
        }
        let _nobody_listens = self.0.heard.send(Heard::Ended);
    }
}

/// A place without a thread is one that has failed.
fn not_served(common: &Common<'_>, place: &Place, error: &io::Error) {
    let what = format!("place {} cannot be served: {error}", place.number);
    let refusal = Refusal { outcome: Outcome::Defect, problem: before_anything(FaultClass::Unknown, what, Vec::new()) };
    refusal.told(&mut |event| common.tell(place, event.clone()));
    common.heard.send(Heard::Ended);
}

/// What becomes of the events, and of what is said beside them.
trait Shown {
    fn told(&mut self, told: &Told<&Event>);
    fn board_ended(&mut self, tally: &Tally);
    fn lines(&mut self, lines: &[String]);
    fn typed(&mut self);
    fn tick(&mut self);
    fn end(&mut self, told: &Told<&Event>, tally: &Tally);
}

enum Shows {
    Json(Json<WatchedStdout>),
    Screen(Box<StationScreen<WatchedStdout>>),
}

impl Shows {
    /// About no place in particular.
    fn note(&mut self, event: &Event) {
        match (self, event) {
            (Shows::Json(json), event) => {
                json.event(&Told::now(event));
            }
            (Shows::Screen(screen), Event::Warning { text }) => screen.say(Role::Warning, &format!("warning: {text}")),
            (Shows::Screen(screen), Event::Note { text }) => screen.say(Role::Quiet, text),
            (Shows::Screen(_), _) => {}
        }
    }
}

impl Shown for Shows {
    fn told(&mut self, told: &Told<&Event>) {
        match self {
            Shows::Json(json) => json.event(told),
            Shows::Screen(screen) => screen.event(told),
        };
    }

    fn board_ended(&mut self, tally: &Tally) {
        if let (Shows::Screen(screen), Some(line)) = (self, tally.lines().first()) {
            screen.say(Role::Title, line);
        }
    }

    fn lines(&mut self, lines: &[String]) {
        if let Shows::Screen(screen) = self {
            screen.say(Role::Title, &lines.join("\n"));
        }
    }

    fn typed(&mut self) {
        if let Shows::Screen(screen) = self {
            screen.typed();
        }
    }

    fn tick(&mut self) {
        if let Shows::Screen(screen) = self {
            screen.tick();
        }
    }

    fn end(&mut self, told: &Told<&Event>, tally: &Tally) {
        match self {
            Shows::Json(json) => {
                json.event(told);
            }
            Shows::Screen(screen) => {
                screen.close();
                screen.say(Role::Title, &tally.lines().join("\n"));
            }
        }
    }
}

/// The places of this station, in their order. With a hub they come as boards do.
fn places(args: &StationArgs, job: &Job, desk: Desk) -> Result<Vec<Place>, Box<Refusal>> {
    if let Some(simulation) = &args.simulate {
        return virtual_places(args, simulation, &job.playbook);
    }
    if let Some(device) = job.playbook.devices.iter().find(|device| device.kind == DeviceKind::Serial) {
        let what = format!(
            "a station cannot tell whose {} is whose: a serial adapter does not say at which place it is",
            device.label
        );
        let next = vec!["Recover these boards one at a time, with `recover run`.".to_owned()];
        return Err(wrong(what, next));
    }
    let ports = match (&args.hub, args.learn) {
        (Some(_), _) => return Ok(Vec::new()),
        (None, true) if desk == Desk::Nobody => {
            return Err(wrong("--learn needs somebody at a terminal who plugs".to_owned(), Vec::new()));
        }
        (None, true) => ports::learn()?,
        (None, false) if args.ports.is_empty() => ports::learned(),
        (None, false) => args.ports.clone(),
    };
    if ports.is_empty() {
        let next = vec![
            "Bind ports to places with --learn: plug a board into one after the other.".to_owned(),
            "Or name them: --ports 1-1.1,1-1.2 or, for all ports of a hub, --hub 1-1; `recover devices` shows ports."
                .to_owned(),
        ];
        return Err(wrong("it is not known which ports are the places of this station".to_owned(), next));
    }
    numbered(ports)
}

fn numbered(ports: Vec<String>) -> Result<Vec<Place>, Box<Refusal>> {
    if ports.len() > ports::PLACES_MAX {
        return Err(wrong(format!("a station has at most {} places", ports::PLACES_MAX), Vec::new()));
    }
    let mut known = BTreeSet::new();
    if let Some(twice) = ports.iter().find(|port| !known.insert(port.as_str())) {
        return Err(wrong(format!("the port {twice} is named twice"), Vec::new()));
    }
    Ok((1..).zip(ports).map(|(number, port)| Place::at(number, port)).collect())
}

/// Each with a board, or so many boards as are wanted among them.
fn virtual_places(
    args: &StationArgs,
    simulation: &crate::cli::arguments::Simulation,
    playbook: &Playbook,
) -> Result<Vec<Place>, Box<Refusal>> {
    let mut places = if args.ports.is_empty() {
        let wanted = args.count.map_or(VIRTUAL_PLACES, |count| u16::try_from(count).unwrap_or(u16::MAX));
        (1..=wanted.min(VIRTUAL_PLACES_MAX))
            .map(|number| Place::at(number, format!("{}.{number}", args.hub.as_deref().unwrap_or(VIRTUAL_HUB))))
            .collect()
    } else {
        numbered(args.ports.clone())?
    };
    let known = Bench::names(playbook).map_err(|error| wrong(error.to_string(), Vec::new()))?;
    if let Some(place) = simulation.places().find(|place| !places.iter().any(|known| known.number == *place)) {
        return Err(wrong(
            format!("--simulate is about place {place}, and there are {} places", places.len()),
            Vec::new(),
        ));
    }
    let number = places.len();
    let boards = args.count.map_or(number, |count| count as usize);
    for (index, place) in places.iter_mut().enumerate() {
        place.names = simulation.of_place(place.number);
        if let Some(name) = place.names.iter().find(|name| !known.iter().any(|(known, _)| known == name)) {
            let near = nearest(name, known.iter().map(|(known, _)| *known));
            let next = near.map(|near| format!("Did you mean {}:{near}?", place.number)).into_iter().collect();
            return Err(wrong(format!("the virtual board does not know `{name}`"), next));
        }
        place.virtual_boards = boards / number + usize::from(index < boards % number);
    }
    Ok(places)
}

fn wrong(what: String, next: Vec<String>) -> Box<Refusal> {
    refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, what, next))
}

/// The folder of the records, which can be written.
fn records(job: &Job) -> Result<Option<PathBuf>, Box<Refusal>> {
    let why = match folder_of(job) {
        _ if job.options.no_record => return Ok(None),
        Records::NotKept => return Ok(None),
        Records::NoFolder => NoRecord::NoFolder,
        Records::In(folder) => match std::fs::create_dir_all(&folder) {
            Ok(()) => return Ok(Some(folder)),
            Err(source) => NoRecord::Unwritable { path: folder, source },
        },
    };
    Err(cannot_be_kept(&why))
}

/// What the operator must know before they plug.
fn about_turns(exclusive: &Exclusive) -> Option<Event> {
    let tools: Vec<&str> = exclusive.tools().collect();
    (!tools.is_empty()).then(|| Event::Note {
        text: format!(
            "{} cannot be told which board to take, so the boards take turns there: connect none to a place that is to be left \
             empty.",
            tools.join(" and ")
        ),
    })
}

/// Every wish to end goes to all places.
fn listen(wishes: watch::Sender<Wishes>) -> io::Result<()> {
    let runtime = Clock::Running.runtime()?;
    let interrupts = {
        let _within = runtime.enter();
        Interrupts::listen()?
    };
    let listen = move || {
        runtime.block_on(async {
            loop {
                let by = interrupts.next().await;
                wishes.send_modify(|wishes| wishes.add(by));
            }
        });
    };
    // Detached: the end of the process ends it.
    thread::Builder::new().name("interrupts".to_owned()).spawn(listen).map(drop)
}

fn start_process(_: &BenchFiles) -> StartTool {
    Box::new(process::start)
}

/// Tells of each port below the hub at which a board appears, once.
fn look_for_ports(hub: &str, bus: &SharedBus, common: &Common<'_>) {
    let Ok(runtime) = Clock::Running.runtime() else { return };
    let kinds = kinds(common.playbook);
    let below = format!("{hub}.");
    let machine = Machine::at_place(Person::nobody(), bus.clone(), Interrupts::relayed(common.wishes.clone()));
    let mut known = BTreeSet::new();
    runtime.block_on(async {
        while !common.wishes.borrow().any() && !common.quota.is_used_up() && known.len() < ports::PLACES_MAX {
            for device in machine.devices(&kinds).unwrap_or_default() {
                if device.port.starts_with(&below) && known.insert(device.port.clone()) {
                    let _nobody_listens = common.heard.send(Heard::Port(device.port));
                }
            }
            tokio::select! {
                () = machine.devices_changed() => {}
                _ = machine.interrupted() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    });
}
