//! One place of a station: its thread, which waits for a board, has it recovered, waits until it is gone, and begins anew.
//! Whatever happens at it, the other places do not notice.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use crate::bench::{
    Answers as BenchAnswers, Bench, BenchFiles, BenchFolder, BenchWorld, HandsOf, StartTool, WhichBoard,
};
use crate::cli::arguments::RunOptions;
use crate::cli::defect::or_defect;
use crate::cli::open::{Manner, PageNumber, Watch as PageWatch};
use crate::cli::reader::Reader;
use crate::cli::refusal::refuse;
use crate::cli::run_lock::lock;
use crate::cli::runs::keep::cannot_be_kept;
use crate::cli::runs::record::Record;
use crate::cli::station::Heard;
use crate::cli::station::place_world::{PlaceWorld, VirtualBus};
use crate::cli::station::queue::Teller;
use crate::cli::workplace::{make_up, new_scratch};
use crate::documents::catalog::Catalog;
use crate::documents::expression::Part;
use crate::documents::playbook::{Action, DeviceKind, DeviceState, Playbook};
use crate::documents::settings::KeepRuns;
use crate::engine::{
    Assignment, Chosen, Clock, Event, Files, GivenFiles, MakeImage, Order, Outcome, ReadyTool, RecordKept, Refusal,
    Settings, SharedTools, Stamps, Tell, Told, Workplace, before_anything, conduct, run,
};
use crate::words::{FaultClass, PlaceNumber, UsbId};
use crate::world::{
    AttachedDevice, BoardLock, Finder, Interrupts, Machine, Person, PlaceTurns, Questions, Scratch, SharedBus,
    Surroundings, Turns, Wishes, World, process,
};

/// A board that starts anew is away for less: its chip's ROM, its bootloader and its firmware take seconds.
const GONE_FOR: Duration = Duration::from_secs(5);
/// Hot-plug events may be missing.
const LOOK: Duration = Duration::from_secs(1);
/// Lines that are typed ahead for one place.
const LINES_MAX: usize = 16;

/// What all places of a station have in common, made once.
pub(super) struct Common<'s> {
    pub(super) playbook: &'s Playbook,
    pub(super) catalog: &'s Catalog,
    pub(super) given: &'s GivenFiles,
    pub(super) settings: &'s Settings,
    pub(super) options: &'s RunOptions,
    pub(super) surroundings: &'s Surroundings,
    pub(super) explicit: &'s BTreeMap<String, PathBuf>,
    pub(super) tools: &'s SharedTools,
    /// The first event of every run, but for its name and its port.
    pub(super) started: &'s Event,
    /// Where records are kept, if any.
    pub(super) records: Option<&'s Path>,
    pub(super) keep: KeepRuns,
    /// Does somebody at a terminal answer?
    pub(super) person: bool,
    /// The page that shows all places, and whose person answers for them.
    pub(super) page: Option<PageWatch>,
    pub(super) turns: Arc<Turns>,
    /// Tools that cannot be told which board to take, and what only one board at a time may show for them.
    pub(super) exclusive_tools: Vec<String>,
    pub(super) exclusive: Vec<UsbId>,
    pub(super) boards: Boards,
    pub(super) quota: Quota,
    pub(super) wishes: watch::Receiver<Wishes>,
    pub(super) heard: Teller,
}

impl Common<'_> {
    /// Something happens at a place now.
    pub(super) fn tell(&self, place: &Place, event: Event) {
        self.hand_on(place, Told { place: Some(place.number), ..Told::now(event) });
    }

    /// What happens at a place is seen on the page and at the terminal. The page is told first and here, so that what is told of
    /// the run before cannot come behind the beginning of the next.
    fn hand_on(&self, place: &Place, told: Told<Event>) {
        if let (Some(page), Some(number)) = (&self.page, place.on_page) {
            page.tell(number, &told.as_ref());
        }
        let question = place.note(&told.event);
        let _nobody_listens = self.heard.send(Heard::Told(Box::new(told), question));
    }
}

/// The boards that come to the places.
pub(super) enum Boards {
    Real(SharedBus),
    Virtual {
        bus: VirtualBus,
        hands: HandsOf,
        /// How the mock tools of a bench are started.
        start: fn(&BenchFiles) -> StartTool,
        /// What stands under `--simulate` for all places.
        names: Vec<String>,
    },
}

/// How many boards are still to be begun.
#[derive(Debug)]
pub(super) struct Quota {
    /// Usize::MAX where nobody has said how many.
    left: AtomicUsize,
}

impl Quota {
    pub(super) fn of(count: Option<u32>) -> Quota {
        Quota { left: AtomicUsize::new(count.map_or(usize::MAX, |count| count as usize)) }
    }

    /// One of them, if there is one left.
    fn take(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) number: PlaceNumber,
    pub(super) port: String,
    /// What stands under `--simulate` for this place alone.
    pub(super) names: Vec<String>,
    /// So many virtual boards come here.
    pub(super) virtual_boards: usize,
    /// Where it is seen on the station's page, where there is one.
    pub(super) on_page: Option<PageNumber>,
    /// Takes the answers that are meant for this place.
    answers: Arc<Mutex<Answers>>,
}

impl Place {
    pub(super) fn at(number: u16, port: String) -> Place {
        let number = PlaceNumber(number);
        Place { number, port, names: Vec::new(), virtual_boards: 0, on_page: None, answers: Arc::default() }
    }

    /// From now on it is seen there as well.
    pub(super) fn show_on(&mut self, page: &PageWatch) {
        self.on_page = Some(page.add_place(&format!("{} · {}", self.number, self.port)));
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which question may stand after this event.
    fn note(&self, event: &Event) -> u64 {
        let mut answers = self.answers();
        answers.question += u64::from(event.settles_question());
        answers.question
    }

    /// Hands on what was typed for this question; nobody may listen any more. Tells whether it still stands: whoever types
    /// sees later than the run what is asked, and what agrees to one thing must not agree to the next.
    pub(super) fn answer(&self, question: u64, line: String) -> bool {
        let answers = self.answers();
        let stands = answers.question == question;
        if let Some(lines) = answers.lines.as_ref().filter(|_| stands) {
            let _nobody_listens = lines.try_send(line);
        }
        stands
    }
}

/// Where what is typed for a place goes.
#[derive(Debug, Default)]
struct Answers {
    /// Another one with each event after which what was asked before stands no more.
    question: u64,
    /// To the run that is there.
    lines: Option<mpsc::Sender<String>>,
}

/// Serves the place until nothing is left to do, or somebody wants to end.
pub(super) fn serve(place: &Place, common: &Common<'_>) {
    let tell = |event: Event| common.tell(place, event);
    let served = match &common.boards {
        Boards::Virtual { bus, .. } => serve_virtual(place, common, bus),
        Boards::Real(bus) => serve_real(place, common, bus, &tell),
    };
    if let Err(refusal) = served {
        refusal.told(&mut |event| tell(event.clone()));
    }
    common.turns.of(place.number).give_back();
}

fn serve_virtual(place: &Place, common: &Common<'_>, bus: &VirtualBus) -> Result<(), Box<Refusal>> {
    for _ in 0..place.virtual_boards {
        if common.wishes.borrow().any() {
            return Ok(());
        }
        recover(place, common)?;
        bus.takes_away(place.number);
        common.turns.of(place.number).give_back();
    }
    Ok(())
}

fn serve_real(place: &Place, common: &Common<'_>, bus: &SharedBus, tell: &dyn Fn(Event)) -> Result<(), Box<Refusal>> {
    let runtime = Clock::Running.runtime()?;
    let kinds = kinds(common.playbook);
    let watch = Watch { place, common, bus, kinds: &kinds };
    loop {
        if !runtime.block_on(watch.until_there(tell)) || !common.quota.take() {
            return Ok(());
        }
        recover(place, common)?;
        if !runtime.block_on(watch.until_gone(tell)) {
            return Ok(());
        }
    }
}

/// What a place looks for between two boards.
struct Watch<'w> {
    place: &'w Place,
    common: &'w Common<'w>,
    bus: &'w SharedBus,
    kinds: &'w [(UsbId, DeviceKind)],
}

impl Watch<'_> {
    /// Answers whether a board has come; else the station ends.
    async fn until_there(&self, tell: &dyn Fn(Event)) -> bool {
        let machine = self.machine();
        let mut turns = self.turns().changes();
        let mut told: Option<Option<PlaceNumber>> = None;
        let mut starting_since = None;
        loop {
            if self.ends() {
                return false;
            }
            if self.is_to_be_begun(&self.here(&machine), &mut starting_since) {
                return true;
            }
            let at_work = self.at_exclusive();
            if told.is_none_or(|told| told != at_work) {
                told = Some(at_work);
                let text = match at_work {
                    Some(other) => Some(format!("Leave it empty until place {other} says that it is done.")),
                    None => first_hands(self.common.playbook),
                };
                tell(Event::PlaceEmpty { port: self.place.port.clone(), text });
            }
            tokio::select! {
                () = self.news(&machine) => {}
                _ = turns.changed() => {}
            }
        }
    }

    /// The place whose board a tool could take this one for.
    fn at_exclusive(&self) -> Option<PlaceNumber> {
        self.common.exclusive_tools.iter().find_map(|tool| self.common.turns.holder(tool))
    }

    /// Answers whether the board is gone; else the station ends. A turn ends with what the board shows, too.
    async fn until_gone(&self, tell: &dyn Fn(Event)) -> bool {
        let machine = self.machine();
        let mut gone_since: Option<Instant> = None;
        loop {
            if self.ends() {
                return false;
            }
            let here = self.here(&machine);
            if !here.iter().any(|device| self.common.exclusive.contains(&device.id)) {
                self.turns().give_back();
            }
            let came_back = !here.is_empty() && gone_since.is_some();
            if came_back && here.iter().any(|device| self.state_of(device) == Some(DeviceState::Recovery)) {
                // What has just been recovered does not need its ROM again: this is another board.
                return true;
            }
            if came_back {
                let limit = GONE_FOR.as_secs();
                let text = format!(
                    "What is there again within {limit} s counts as the same board. If it is another one, unplug it, and wait \
                     {limit} s before it is plugged in."
                );
                tell(Event::Note { text });
            }
            match here.is_empty() {
                true if gone_since.get_or_insert_with(Instant::now).elapsed() >= GONE_FOR => return true,
                true => {}
                false => gone_since = None,
            }
            self.news(&machine).await;
        }
    }

    /// A camera shows its own bootloader for a moment before its firmware: whether it is healthy is known only then.
    fn is_to_be_begun(&self, here: &[AttachedDevice], starting_since: &mut Option<Instant>) -> bool {
        let starts = here.iter().all(|device| self.state_of(device) == Some(DeviceState::Bootloader));
        if here.is_empty() || !starts {
            *starting_since = None;
            return !here.is_empty();
        }
        starting_since.get_or_insert_with(Instant::now).elapsed() >= GONE_FOR
    }

    fn state_of(&self, attached: &AttachedDevice) -> Option<DeviceState> {
        let known = self.common.playbook.devices.iter().find(|device| device.ids.contains(&attached.id));
        known.and_then(|device| device.state)
    }

    fn machine(&self) -> Machine {
        Machine::at_place(Person::nobody(), self.bus.clone(), Interrupts::relayed(self.common.wishes.clone()))
    }

    fn turns(&self) -> PlaceTurns {
        self.common.turns.of(self.place.number)
    }

    fn ends(&self) -> bool {
        self.common.wishes.borrow().any() || self.common.quota.is_used_up()
    }

    /// Where the bus cannot be read nothing is known to be there.
    fn here(&self, machine: &Machine) -> Vec<AttachedDevice> {
        let mut devices = machine.devices(self.kinds).unwrap_or_default();
        devices.retain(|device| device.port == self.place.port);
        devices
    }

    async fn news(&self, machine: &Machine) {
        tokio::select! {
            () = machine.devices_changed() => {}
            _ = machine.interrupted() => {}
            () = sleep(LOOK) => {}
        }
    }
}

/// What the first prompt asks for, as the author wrote it: a board that is dead shows only once it is done.
fn first_hands(playbook: &Playbook) -> Option<String> {
    let first = playbook.leaf_steps().into_iter().find_map(|step| match &step.action {
        Action::Prompt(prompt) => Some(&prompt.text),
        _ => None,
    })?;
    let mut text = String::new();
    for part in &first.parts {
        match part {
            Part::Text(part) => text.push_str(part),
            // What is worked out is not known yet.
            Part::Expression(_) => return None,
        }
    }
    Some(text)
}

pub(super) fn kinds(playbook: &Playbook) -> Vec<(UsbId, DeviceKind)> {
    let devices = playbook.devices.iter();
    devices.flat_map(|device| device.ids.iter().map(|id| (*id, device.kind))).collect()
}

/// Recovers one board, with a record of its own. An error is that no board can be recovered here any more.
fn recover(place: &Place, common: &Common<'_>) -> Result<(), Box<Refusal>> {
    let mut record = match common.records {
        Some(folder) => Some(
            Record::create(folder, &common.settings.playbook_name, common.keep).map_err(|why| cannot_be_kept(&why))?,
        ),
        None => None,
    };
    let (stamps, kept) = match &common.boards {
        Boards::Virtual { hands: HandsOf::VirtualPerson, .. } => (Stamps::of_simulation(Timestamp::now()), None),
        Boards::Virtual { .. } => (Stamps::of_computer(), None),
        // Nothing irreversible is done without a record.
        Boards::Real(_) => {
            (Stamps::of_computer(), Some(record.as_ref().map_or_else(RecordKept::default, Record::kept)))
        }
    };
    let stamps = stamps.at_place(place.number);
    let settings = Settings { chosen: Chosen::Port(place.port.clone()), record: kept, ..common.settings.clone() };
    let started = started(common, place, record.as_ref().map(Record::run_id).unwrap_or_default());
    let at_page = common.page.as_ref().zip(place.on_page).map(|(page, number)| {
        let manner = Manner {
            rehearses: false,
            log: record.as_ref().map(|record| record.log_path().display().to_string()),
            no_record: matches!(common.boards, Boards::Real(_)) && record.is_none(),
        };
        page.begin_run(number, &manner).0
    });
    let mut tell = |event: &Event| {
        let told = stamps.stamp(event);
        let hand_on = |told: &Told<&Event>| {
            common.hand_on(place, Told { event: told.event.clone(), ms: told.ms, utc: told.utc, place: told.place });
        };
        if let Some(text) = record.as_mut().and_then(|record| record.event(&told)) {
            let warning = Event::Warning { text };
            let warning = Told { event: &warning, ..told };
            // Behind the last event nothing comes.
            if let Some(record) = record.as_mut().filter(|_| !matches!(event, Event::Finished { .. })) {
                let _told_already = record.event(&warning);
            }
            hand_on(&warning);
        }
        hand_on(&told);
    };
    tell(&started);
    let Common { playbook, catalog, given, .. } = common;
    let assignment = Assignment { playbook, catalog, given, settings: &settings };
    let ran = or_defect(|| conduct(assignment, &mut AtPlace::new(place, common, at_page)?, &mut tell));
    if let Err(refusal) = ran {
        refusal.told(&mut tell);
    }
    place.answers().lines = None;
    Ok(())
}

fn started(common: &Common<'_>, place: &Place, run_id: String) -> Event {
    let mut started = common.started.clone();
    if let Event::RunStarted { run, .. } = &mut started {
        run.run_id = run_id;
        run.port = Some(place.port.clone());
    }
    started
}

/// The place of one run.
struct AtPlace<'p> {
    place: &'p Place,
    common: &'p Common<'p>,
    /// Whoever is at the station's page, until the run has begun.
    at_page: Cell<Option<Person>>,
    /// With its virtual board.
    bench: Option<Rc<Bench>>,
    /// Of a real board, held until the run is over.
    lock: Option<BoardLock>,
}

impl<'p> AtPlace<'p> {
    fn new(place: &'p Place, common: &'p Common<'p>, at_page: Option<Person>) -> Result<Self, Box<Refusal>> {
        let bench = match &common.boards {
            Boards::Real(_) => None,
            Boards::Virtual { names, .. } => Some(Rc::new(bench(place, common.playbook, names)?)),
        };
        Ok(AtPlace { place, common, at_page: Cell::new(at_page), bench, lock: None })
    }

    /// Whoever is at the page; else what is typed for this place from now on.
    fn person(&self) -> Person {
        if let Some(person) = self.at_page.take() {
            return person;
        }
        if !self.common.person {
            return Person::nobody();
        }
        let (sender, lines) = mpsc::channel(LINES_MAX);
        self.place.answers().lines = Some(sender);
        Person::at_place(lines, Questions::Shown)
    }

    async fn in_world<W: World>(
        &self,
        order: Order<'_>,
        files: Files,
        world: &PlaceWorld<'_, W>,
        tell: &mut Tell<'_>,
    ) -> Outcome {
        run(order, files, world, &mut |event| tell(event)).await.outcome
    }
}

/// A virtual board, plugged in at this place.
fn bench(place: &Place, playbook: &Playbook, names: &[String]) -> Result<Bench, Box<Refusal>> {
    let names: Vec<&str> = names.iter().chain(&place.names).map(String::as_str).collect();
    let set_up = || {
        let bench = Bench::set_up(BenchFolder::temporary()?, playbook, &names)?;
        bench.plug_into(&place.port)?;
        Ok(bench)
    };
    set_up().map_err(|error: crate::bench::BenchError| {
        refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, error.to_string(), Vec::new()))
    })
}

impl Workplace for AtPlace<'_> {
    type Error = Box<Refusal>;

    fn clock(&self) -> Clock {
        match &self.common.boards {
            Boards::Virtual { hands: HandsOf::VirtualPerson, .. } => Clock::Paused,
            Boards::Virtual { .. } | Boards::Real(_) => Clock::Running,
        }
    }

    fn scratch(&self) -> Result<Scratch, Box<Refusal>> {
        new_scratch()
    }

    fn makes_up(&self) -> Option<Box<MakeImage<'_>>> {
        self.bench.as_ref().map(|_| make_up())
    }

    fn take_board(&mut self) -> Result<(), Box<Refusal>> {
        let Common { playbook, options, surroundings, .. } = self.common;
        if self.bench.is_none() {
            let options = RunOptions { port: Some(self.place.port.clone()), ..RunOptions::clone(options) };
            self.lock = Some(lock(&BoardLock::default_folder(surroundings), playbook, &options)?);
        }
        Ok(())
    }

    fn finder(&self) -> Finder<'_> {
        let Common { explicit, catalog, surroundings, .. } = self.common;
        Finder { explicit, installers: &catalog.installers, surroundings, start: Arc::new(process::start) }
    }

    fn shared_tools(&self) -> Option<&SharedTools> {
        Some(self.common.tools)
    }

    fn found(&self, _: &BTreeMap<String, ReadyTool>) {}

    async fn carry_out(&self, order: Order<'_>, files: Files, tell: &mut Tell<'_>) -> Result<Outcome, Box<Refusal>> {
        let Common { turns, wishes, .. } = self.common;
        let turns = turns.of(self.place.number);
        let interrupts = Interrupts::relayed(wishes.clone());
        match (&self.common.boards, &self.bench) {
            (Boards::Virtual { bus, hands, start, .. }, Some(bench)) => {
                let interrupts = Rc::new(interrupts);
                let next = Box::new(move || {
                    let interrupts = Rc::clone(&interrupts);
                    Box::pin(async move { interrupts.next().await }) as Pin<Box<dyn Future<Output = _>>>
                });
                let answers = match self.common.options.non_interactive {
                    true => BenchAnswers::Withheld,
                    false => BenchAnswers::Given { which_board: WhichBoard::default() },
                };
                let world = BenchWorld::new(Rc::clone(bench), answers, start(&bench.files()), next)
                    .with_person(self.person())
                    .with_hands_of(*hands);
                let world = PlaceWorld::new(&world, turns).beside(self.place.number, bus.clone());
                Ok(self.in_world(order, files, &world, tell).await)
            }
            (Boards::Real(bus), _) => {
                let machine = Machine::at_place(self.person(), bus.clone(), interrupts);
                Ok(self.in_world(order, files, &PlaceWorld::new(&machine, turns), tell).await)
            }
            (Boards::Virtual { .. }, None) => Err(std::io::Error::other("there is no virtual board").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The screen may lag: what agreed to one board's fuse must not agree to the next one's.
    #[test]
    fn an_answer_counts_only_while_its_question_stands() {
        let place = Place::at(1, "1-1".to_owned());
        let (sender, mut lines) = mpsc::channel(LINES_MAX);
        place.answers().lines = Some(sender);
        let asked = Event::ConsentAsked {
            step: "boot-fuse".parse().unwrap(),
            why: String::new(),
            command: Vec::new(),
            fuse: None,
            phrase: "boot-fuse".to_owned(),
            limit_ms: 1,
        };
        let first = place.note(&asked);
        assert_eq!(place.note(&Event::Note { text: String::new() }), first, "it still stands");
        assert!(place.answer(first, "boot-fuse".to_owned()));
        assert_eq!(lines.try_recv().as_deref(), Ok("boot-fuse"));
        let next = place.note(&asked);
        assert!(next != first && !place.answer(first, "boot-fuse".to_owned()));
        assert!(lines.try_recv().is_err(), "it goes to nobody");
        assert!(place.answer(next, "no".to_owned()));
        assert_eq!(lines.try_recv().as_deref(), Ok("no"));
    }
}
