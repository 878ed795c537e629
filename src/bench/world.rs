//! The world of a simulation: real processes of mock tools, a virtual bus, a virtual person, and time that passes only
//! when nothing else happens.
//!
//! It is made for a runtime whose clock is paused, which jumps to the next timer whenever everybody waits. While a mock
//! tool runs it must not jump, or the limits of a call would pass before its process has even started: a blocking task
//! holds it until the process has ended, or has said that it hangs or waits (see [`Hold`]). What a mock tool claims to
//! have taken is slept off afterwards, so that limits shorter than that still end it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::bench::folder::BenchFiles;
use crate::bench::hands::{BenchHands, HandsOf};
use crate::bench::hold::Hold;
use crate::bench::pace::{Pace, Piece};
use crate::bench::person::{Answers, VirtualPerson};
use crate::bench::set_up::BENCH_VARIABLE;
use crate::bench::state::{BenchState, HeldState};
use crate::bench::timeline::Timeline;
use crate::bench::tool_handles::{BenchInput, BenchStop};
use crate::bench::waiting::{Waiting, counted};
use crate::bench::{Bench, BenchError, BusDevice, hid_node};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::documents::scene::{Asked, ScenePerson};
use crate::words::{Id, ToolEnd, UsbId};
use crate::world::{
    AnswerTool, Ask, AttachedDevice, Cleared, ClockHold, DeviceList, Interrupt, MovingHands, NoBus, Person, Reply,
    RunningTool, StopTool, ToolEvent, World,
};

/// Starts a tool's process, as the real world does.
pub type StartTool = Box<dyn Fn(&Cleared) -> RunningTool>;

/// Each call answers with the next wish of the real person to end the run.
pub type Interrupts = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Interrupt>>>>;

/// The engine's world during a simulation.
pub struct BenchWorld {
    bench: Rc<Bench>,
    files: BenchFiles,
    origin: Instant,
    person: VirtualPerson,
    /// Somebody real, who is asked for nothing but consent, unless the hands are theirs.
    real_person: Option<Arc<Person>>,
    /// The question that stands is theirs.
    asks_them: Cell<bool>,
    hands_of: HandsOf,
    /// What their hands do once they have answered.
    with_answer: RefCell<Vec<HandMove>>,
    /// Waits for the ENTER that stands for their hands.
    listener: RefCell<Option<JoinHandle<()>>>,
    start_process: StartTool,
    interrupts: Interrupts,
    hands: Arc<BenchHands>,
    /// What moves in place of anybody's hands; those of the bench do what it has done.
    moving_hands: Option<MovingHands>,
    /// The bus is looked at many times between two changes of the board.
    looked: RefCell<Option<Looked>>,
    /// Everything that changes the board does so in this process, by clones of `files`.
    alone: bool,
}

/// What a look at the state has shown, and the text it was read from: reading that is most of the work.
struct Looked {
    /// Of `files`, before the text was read.
    changes: u64,
    text: Vec<u8>,
    state: Rc<BenchState>,
}

/// Events that wait between process and engine.
const EVENTS_WAITING: usize = 64;

impl BenchWorld {
    pub fn new(bench: Rc<Bench>, answers: Answers, start_process: StartTool, interrupts: Interrupts) -> Self {
        let files = bench.files();
        let origin = Instant::now();
        BenchWorld {
            bench,
            origin,
            hands: Arc::new(BenchHands::new(files.clone(), origin)),
            files,
            person: VirtualPerson::new(answers),
            real_person: None,
            asks_them: Cell::new(false),
            hands_of: HandsOf::default(),
            with_answer: RefCell::default(),
            listener: RefCell::default(),
            start_process,
            interrupts,
            moving_hands: None,
            looked: RefCell::new(None),
            alone: false,
        }
    }

    /// No other process changes the board, so that its state need not be read again and again.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// The virtual person agrees to these irreversible steps when asked.
    #[must_use]
    pub fn agreeing(mut self, agrees: BTreeSet<Id>) -> Self {
        self.person.agrees = agrees;
        self
    }

    /// The virtual person has a board left alone that runs its firmware.
    #[must_use]
    pub fn leaving_healthy(mut self, leaves: bool) -> Self {
        self.person.leaves_healthy = leaves;
        self
    }

    /// A real person is asked for consent.
    #[must_use]
    pub fn with_person(mut self, person: Person) -> Self {
        self.real_person = Some(person).filter(|person| person.who().is_some()).map(Arc::new);
        self
    }

    /// Who moves the hands. Where it is a real person, every question is theirs.
    #[must_use]
    pub fn with_hands_of(mut self, hands_of: HandsOf) -> Self {
        self.hands_of = hands_of;
        self.person.delay = Duration::from_millis(hands_of.delay_ms());
        self
    }

    /// The virtual hands wait for these, and do then what was done.
    #[must_use]
    pub fn with_moving_hands(mut self, hands: Option<MovingHands>) -> Self {
        let own = Arc::clone(&self.hands);
        self.moving_hands = hands.map(|hands| hands.on_bench(move |moves| own.act(moves, 0)));
        self
    }

    /// The real person, where the hands are theirs.
    fn rehearses(&self) -> Option<&Arc<Person>> {
        self.real_person.as_ref().filter(|_| self.hands_of == HandsOf::RealPerson)
    }

    /// Asks the real person, whose ENTER moves the hands where nothing but the hardware is waited for.
    fn rehearse(&self, person: &Arc<Person>, ask: Ask<'_>) {
        match ask {
            // There is nothing to do.
            Ask::Hands { moves: [], until: Some(_) } => {}
            Ask::Hands { moves, until: Some(_) } => {
                person.ask();
                let (person, hands, moves) = (Arc::clone(person), Arc::clone(&self.hands), moves.to_vec());
                let listener = tokio::spawn(async move {
                    // Only ENTER stands for the hands; who types a word has not moved anything.
                    let mut reply = person.reply().await;
                    while !reply.is_enter() && reply != Reply::Gone {
                        reply = person.reply().await;
                    }
                    if reply.is_enter() {
                        hands.act(&moves, 0);
                    }
                });
                *self.listener.borrow_mut() = Some(listener);
            }
            Ask::Hands { moves, until: None } => {
                *self.with_answer.borrow_mut() = moves.to_vec();
                self.ask_them(person);
            }
            Ask::Consent { .. } | Ask::WhichBoard | Ask::Healthy | Ask::Answer { .. } => self.ask_them(person),
        }
    }

    fn ask_them(&self, person: &Person) {
        person.ask();
        self.asks_them.set(true);
    }

    pub fn bench(&self) -> &Bench {
        &self.bench
    }

    fn now_ms(&self) -> u64 {
        self.hands.now_ms()
    }

    /// Leaves the time for the mock tool to find, and closes what an earlier, killed call has left open.
    fn announce_call(&self) -> Result<(), BenchError> {
        match std::fs::remove_file(self.files.stalled()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(BenchError::Folder { path: self.files.stalled().display().to_string(), source: error });
            }
            _ => {}
        }
        Waiting::forget(&self.files)?;
        Timeline::forget(&self.files)?;
        let mut held = HeldState::take(&self.files)?;
        held.close_call()?;
        held.state.now_ms = self.now_ms();
        held.save()
    }

    fn look(&self) -> Result<Rc<BenchState>, BenchError> {
        let changes = self.files.changes();
        let mut looked = self.looked.borrow_mut();
        if let Some(known) = looked.as_ref().filter(|known| self.alone && known.changes == changes) {
            return Ok(Rc::clone(&known.state));
        }
        let text = BenchState::text(&self.files)?;
        let state = match looked.take().filter(|known| known.text == text) {
            Some(known) => known.state,
            None => Rc::new(BenchState::read(&self.files, &text)?),
        };
        *looked = Some(Looked { changes, text, state: Rc::clone(&state) });
        Ok(state)
    }

    /// What the scene says that the person does now.
    fn asked_in_scene(&self, ask: Ask<'_>) -> Option<ScenePerson> {
        let asked = match ask {
            Ask::Hands { .. } => Asked::Hands,
            Ask::Consent { .. } => Asked::Consent,
            Ask::WhichBoard => Asked::WhichBoard,
            Ask::Healthy => Asked::Healthy,
            Ask::Answer { .. } => Asked::Answer,
        };
        if !self.files.has_scene() {
            return None;
        }
        let mut held = HeldState::take(&self.files).ok()?;
        let now_ms = self.now_ms();
        let entry = held.state.stage.scene_mut()?.asked(asked, now_ms);
        // A bench that cannot be written to shows in the next call.
        let _shown_later = held.save();
        entry
    }
}

impl Drop for BenchWorld {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.borrow_mut().take() {
            listener.abort();
        }
    }
}

impl fmt::Debug for BenchWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BenchWorld").field("bench", &self.bench).field("person", &self.person).finish_non_exhaustive()
    }
}

impl World for BenchWorld {
    fn start(&self, call: &Cleared) -> RunningTool {
        let (sender, events) = mpsc::channel(EVENTS_WAITING);
        let call = call.with_variable(BENCH_VARIABLE, self.files.folder().as_os_str().to_owned());
        let announced = self.announce_call();
        let hold = Hold::begin(self.files.clone());
        *self.hands.hold() = Some(hold.clone());
        let inner = match announced {
            Ok(()) => (self.start_process)(&call),
            Err(error) => not_started(&error),
        };
        let RunningTool { events: inner_events, stop, input } = inner;
        let input = input.map(|inner| {
            let (hold, files) = (hold.clone(), self.files.clone());
            Box::new(BenchInput::new(inner, hold, files, self.origin)) as Box<dyn AnswerTool>
        });
        let stop = Box::new(BenchStop::new(stop, hold.clone()));
        let forwarder = Forwarder {
            events: inner_events,
            sender,
            hold,
            pace: Pace::new(self.files.clone(), call.terminal),
            files: self.files.clone(),
            origin: self.origin,
            stopped: false,
        };
        tokio::spawn(forwarder.run());
        RunningTool { events, stop, input }
    }

    fn devices(&self, kinds: &[(UsbId, DeviceKind)]) -> DeviceList {
        let state = self.look().map_err(|error| NoBus::Missing(error.to_string()))?;
        let attached = |device: BusDevice| {
            let (_, kind) = kinds.iter().find(|(id, _)| *id == device.id)?;
            let BusDevice { id, port, serial, product, interfaces, version, kind: _, access } = device;
            Some(AttachedDevice { id, port, serial, product, interfaces, version, kind: *kind, access, arrival: 0 })
        };
        Ok(state.attached(self.now_ms()).into_iter().filter_map(attached).collect())
    }

    fn node_path(&self, device: &AttachedDevice) -> Option<PathBuf> {
        let attached = self.look().ok()?.attached(self.now_ms());
        // Those at other places of a station are behind other nodes.
        let index = attached.iter().position(|other| other.port == device.port).unwrap_or(1);
        (device.kind == DeviceKind::Hid).then(|| hid_node(index).into())
    }

    async fn devices_changed(&self) {
        let now_ms = self.now_ms();
        let state = self.look().ok();
        let next_ms = state.and_then(|state| state.stage.next_change_ms(now_ms));
        let by_itself = async {
            match next_ms {
                Some(at_ms) => tokio::time::sleep_until(self.origin + Duration::from_millis(at_ms)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = by_itself => {}
            () = self.hands.moved.notified() => {}
        }
    }

    fn ask(&self, ask: Ask<'_>) {
        let scripted = self.asked_in_scene(ask);
        self.asks_them.set(false);
        self.with_answer.borrow_mut().clear();
        if let Some(listener) = self.listener.borrow_mut().take() {
            // Its line would be taken for the answer to what is asked now.
            listener.abort();
        }
        if self.moving_hands.is_some() && matches!(ask, Ask::Hands { moves: [_, ..], .. }) {
            return;
        }
        if let Some(person) = self.rehearses() {
            return self.rehearse(person, ask);
        }
        if let Ask::Hands { moves, .. } = ask {
            self.hands.act(moves, self.hands_of.delay_ms());
        }
        match scripted {
            Some(ScenePerson { reply: Some(reply), after_ms, .. }) => {
                self.person.plan(&reply, Duration::from_millis(after_ms));
            }
            _ => match (&self.real_person, ask) {
                (Some(person), Ask::Consent { .. }) => self.ask_them(person),
                _ => self.person.ask(ask),
            },
        }
    }

    async fn reply(&self) -> Reply {
        if let Some(person) = self.real_person.as_ref().filter(|_| self.asks_them.get()) {
            // They think in real time.
            let _hold = ClockHold::new();
            let reply = person.reply().await;
            // Whoever types a word has moved nothing yet, and is asked again.
            if reply.is_enter() {
                self.hands.act(&self.with_answer.take(), 0);
            }
            return reply;
        }
        self.person.reply().await
    }

    fn moving_hands(&self) -> Option<&MovingHands> {
        self.moving_hands.as_ref()
    }

    fn interactive(&self) -> bool {
        self.person.interactive()
    }

    fn who_agrees(&self) -> Option<&'static str> {
        if self.files.has_scene() {
            return Some("the person of the scene");
        }
        let virtual_person = (self.person.interactive() && !self.person.agrees.is_empty())
            .then_some("the virtual person, as the case says");
        self.real_person.as_ref().and_then(|person| person.who()).or(virtual_person)
    }

    async fn interrupted(&self) -> Interrupt {
        let by_person = async {
            match &self.real_person {
                Some(person) => person.wishes_to_end().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            by = (self.interrupts)() => by,
            () = by_person => Interrupt::Interrupt,
        }
    }
}

/// Passes a process's events on to the engine.
struct Forwarder {
    events: mpsc::Receiver<ToolEvent>,
    sender: mpsc::Sender<ToolEvent>,
    hold: Hold,
    pace: Pace,
    files: BenchFiles,
    origin: Instant,
    /// The tool was told to end while its output was held back: none of that comes any more.
    stopped: bool,
}

impl Forwarder {
    async fn run(mut self) {
        loop {
            let event = tokio::select! {
                event = self.events.recv() => event,
                // The engine has dropped the tool: let go of the process, which ends it.
                () = self.sender.closed() => None,
            };
            match event {
                Some(ToolEvent::Output(stream, bytes)) => {
                    self.pace.hear(stream, &bytes);
                    while let Some(piece) = self.pace.next() {
                        self.pass(piece).await;
                    }
                }
                Some(ToolEvent::Ended(end)) => return self.end(end).await,
                None => return self.hold.release(),
            }
        }
    }

    async fn pass(&mut self, piece: Piece) {
        if let Some(at_ms) = piece.at_ms {
            self.wait_until(at_ms).await;
        }
        if !self.stopped {
            let passed = counted(&piece.bytes);
            let _engine_gone = self.sender.send(ToolEvent::Output(piece.stream, piece.bytes)).await;
            self.hold.passed(passed);
        }
    }

    /// Until then, or until the tool is told to end.
    async fn wait_until(&mut self, at_ms: u64) {
        let at = self.origin + Duration::from_millis(at_ms);
        if self.stopped || Instant::now() >= at {
            return;
        }
        self.hold.pause();
        self.stopped = tokio::select! {
            () = tokio::time::sleep_until(at) => false,
            () = self.sender.closed() => true,
            () = self.hold.stopped() => true,
        };
        self.hold.go_on();
    }

    /// Lets the clock go, sleeps off the time the tool claims to have taken, and reports the end.
    async fn end(mut self, end: ToolEnd) {
        let ended_ms = match HeldState::take(&self.files) {
            Ok(mut held) => {
                let killed = held.state.playing.is_some();
                if killed {
                    let now_ms = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
                    if let Some(board) = held.state.stage.scene_mut() {
                        board.hang_ended(now_ms);
                    }
                    // What cannot be recorded here is recorded before the next call.
                    let _recorded_later = held.close_call().and_then(|()| held.save());
                }
                held.state.now_ms
            }
            Err(_) => 0,
        };
        self.hold.release();
        if self.pace.keeps_time() {
            while let Some(piece) = self.pace.rest() {
                self.pass(piece).await;
            }
            self.wait_until(ended_ms).await;
            if self.stopped {
                self.cut_short();
            }
        } else {
            tokio::time::sleep_until(self.origin + Duration::from_millis(ended_ms)).await;
        }
        let _engine_gone = self.sender.send(ToolEvent::Ended(end)).await;
    }

    /// The tool was ended before it came to what it had played already.
    fn cut_short(&self) {
        if let Ok(mut held) = HeldState::take(&self.files) {
            let now_ms = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
            held.state.now_ms = now_ms;
            if let Some(board) = held.state.stage.scene_mut() {
                board.cut_short(now_ms);
            }
            // A bench that cannot be written to shows in the next call.
            let _shown_later = held.save();
        }
    }
}

/// A tool that ends before it begins.
fn not_started(error: &BenchError) -> RunningTool {
    #[derive(Debug)]
    struct NothingToStop;
    impl StopTool for NothingToStop {
        fn ask(&mut self) -> bool {
            false
        }
        fn force(&mut self) {}
    }
    let (sender, events) = mpsc::channel(1);
    // The channel has room for the one event.
    let _has_room = sender.try_send(ToolEvent::Ended(ToolEnd::NotStarted(error.to_string())));
    RunningTool { events, stop: Box::new(NothingToStop), input: None }
}
