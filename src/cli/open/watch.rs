//! The places that a page shows, the tabs that look at them, and the way by which an answer goes back: to the run of that place,
//! from the one tab that may answer, to the question that this tab was sent.
//!
//! Knows nothing of HTTP. The run tells events here on its thread, the page's server reads and answers on another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::cli::log::Log;
use crate::cli::open::place::{Manner, Place};
use crate::cli::open::shown::Shown;
use crate::cli::reader::Reader;
use crate::engine::{Event, Told};
use crate::world::{Person, PersonChannel};

/// More lines of a place's log push the oldest out; the record has them all.
const LOG_LINES_MAX: usize = 2000;
/// Of a log at once.
const LOG_LINES_AT_ONCE: usize = 500;
const LOG_LINE_BYTES_MAX: usize = 2000;
/// Tabs that are known at once; beyond them the ones that nobody has open are forgotten first.
const TABS_MAX: usize = 32;

/// What there is to see, shared by those who tell it and those who show it.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Watch {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// A tab has opened.
    opened: Condvar,
    /// Counts changes, so that each reader knows whether it has seen the last one.
    changes: tokio::sync::watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    places: Vec<PlaceState>,
    tabs: BTreeMap<String, Tab>,
    /// The one tab that may answer.
    holder: Option<String>,
    /// Of the last question.
    last_number: u64,
    /// Of the last opened stream.
    last_stream: u64,
    changes: u64,
    over: bool,
}

#[derive(Debug)]
struct PlaceState {
    place: Place,
    /// The change that touched it last.
    changed: u64,
    /// Of the run that is there.
    person: Option<PersonChannel>,
    log: Log<LogLines>,
    /// The last wish to end that was handed on, and not answered yet.
    stopped: Option<u64>,
}

#[derive(Debug, Default)]
struct Tab {
    /// The stream by which it is sent what has changed; an older one of the same tab ends.
    stream: Option<u64>,
    /// Questions that were sent to it and still stand.
    sent: BTreeSet<u64>,
}

/// Which of the places, in the order in which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct PageNumber(usize);

/// Why an answer, or another wish of a tab, was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("this page is not known any more: load it again")]
    UnknownTab,
    #[error("another tab answers here")]
    NotTheHolder,
    #[error("that is not asked any more")]
    NotAsked,
    #[error("this was not shown on this tab")]
    NotSent,
    #[error("nothing runs at this place")]
    NothingRuns,
    #[error("recover is at it: what comes of it is told in a moment")]
    StopsAlready,
}

/// A piece of a log.
#[derive(Debug, Default, Serialize)]
pub(super) struct LogPiece {
    /// The number of its first line, and of the first that follows it.
    from: u64,
    to: u64,
    lines: Vec<Shown>,
}

/// What a stream has to send next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Frames {
    pub(super) text: String,
    /// Questions in it.
    questions: Vec<u64>,
    /// Nothing follows.
    pub(super) last: bool,
}

impl Frames {
    /// A comment, which says that the stream is still there.
    pub(super) fn nothing() -> Frames {
        Frames { text: ":\n\n".to_owned(), ..Frames::default() }
    }
}

#[derive(Serialize)]
struct LogFrame {
    number: usize,
    #[serde(flatten)]
    piece: LogPiece,
}

#[derive(Serialize)]
struct PlaceFrame<'a> {
    number: usize,
    #[serde(flatten)]
    place: &'a Place,
}

#[derive(Serialize)]
struct TabFrame {
    holds: bool,
    /// Somebody else does.
    held: bool,
    places: usize,
}

impl Watch {
    /// A place to be seen; the page names it where there are several.
    pub(in crate::cli) fn add_place(&self, name: &str) -> PageNumber {
        let mut state = self.lock();
        let log = Log::new(LogLines::default(), PathBuf::new());
        state.places.push(PlaceState { place: Place::named(name), changed: 0, person: None, log, stopped: None });
        let number = state.places.len() - 1;
        self.change(&mut state, number);
        PageNumber(number)
    }

    /// A run is about to begin there: who is asked in it, and what makes its events seen.
    pub(in crate::cli) fn begin_run(&self, place: PageNumber, manner: &Manner) -> (Person, AtPlace) {
        let (person, channel) = Person::at_page();
        self.begin(place, manner, channel);
        (person, AtPlace { watch: self.clone(), place })
    }

    /// The same for a person who is there already.
    pub(super) fn begin(&self, place: PageNumber, manner: &Manner, person: PersonChannel) {
        let mut state = self.lock();
        let Some(at) = state.places.get_mut(place.0) else { return };
        at.place.begin(manner);
        at.person = Some(person);
        at.stopped = None;
        self.change(&mut state, place.0);
    }

    /// What happens in the run that is there.
    pub(in crate::cli) fn tell(&self, place: PageNumber, told: &Told<&Event>) {
        let mut state = self.lock();
        let State { places, last_number, .. } = &mut *state;
        let Some(at) = places.get_mut(place.0) else { return };
        at.log.event(told);
        at.place.log_lines = at.log.writer().map_or(0, LogLines::next);
        at.place.tell(told, last_number);
        if at.place.is_over() {
            at.person = None;
        }
        self.change(&mut state, place.0);
    }

    /// Nothing more will happen: streams end once they have sent what there is.
    pub(in crate::cli) fn end(&self) {
        let mut state = self.lock();
        state.over = true;
        self.note(&mut state);
    }

    /// Completes when nothing more will happen.
    pub(super) async fn ended(&self) {
        let mut changes = self.shared.changes.subscribe();
        while !self.lock().over {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until somebody looks at the page; tells whether anybody does by then.
    pub(in crate::cli) fn wait_for_tab(&self, limit: Duration) -> bool {
        let nobody = |state: &mut State| state.holder.is_none();
        let waited = self.shared.opened.wait_timeout_while(self.lock(), limit, nobody);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// A tab has opened the page. It goes by the name that it was given before, where that is still known, else by this new
    /// one. The first tab may answer.
    pub(super) fn enter(&self, before: Option<String>, name: String) -> String {
        let mut state = self.lock();
        if let Some(known) = before.filter(|before| state.tabs.contains_key(before)) {
            return known;
        }
        if state.tabs.len() >= TABS_MAX {
            let State { tabs, holder, .. } = &mut *state;
            tabs.retain(|name, tab| tab.stream.is_some() || holder.as_ref() == Some(name));
        }
        state.tabs.insert(name.clone(), Tab::default());
        state.holder.get_or_insert_with(|| name.clone());
        self.note(&mut state);
        self.shared.opened.notify_all();
        name
    }

    /// From now on this tab answers, and no other.
    pub(super) fn take_over(&self, tab: &str) -> Result<(), NotTaken> {
        let mut state = self.lock();
        if !state.tabs.contains_key(tab) {
            return Err(NotTaken::UnknownTab);
        }
        state.holder = Some(tab.to_owned());
        self.note(&mut state);
        Ok(())
    }

    /// Hands an answer on to the run that asked: one answer to one question, by the tab that may answer and was sent it.
    pub(super) fn answer(&self, tab: &str, place: usize, question: u64, text: &str) -> Result<(), NotTaken> {
        let mut state = self.lock();
        let sent = state.held_by(tab)?.sent.contains(&question);
        let at = state.places.get_mut(place).ok_or(NotTaken::NothingRuns)?;
        let person = at.person.as_ref().ok_or(NotTaken::NothingRuns)?;
        let asked = at.place.asked.as_mut().filter(|asked| asked.number == Some(question) && !asked.taken);
        let asked = asked.ok_or(NotTaken::NotAsked)?;
        if !sent {
            return Err(NotTaken::NotSent);
        }
        let line = asked.line(text).ok_or(NotTaken::NotAsked)?;
        if !person.answer(line) {
            return Err(NotTaken::NothingRuns);
        }
        asked.taken = true;
        self.change(&mut state, place);
        Ok(())
    }

    /// The person wants the run there to end. `stops` is how many such wishes the tab has seen answered: a second one may cut a
    /// write short, so it counts only from whoever was shown what came of the first.
    pub(super) fn stop(&self, tab: &str, place: usize, stops: u64) -> Result<(), NotTaken> {
        let mut state = self.lock();
        state.held_by(tab)?;
        let at = state.places.get_mut(place).ok_or(NotTaken::NothingRuns)?;
        let person = at.person.as_ref().ok_or(NotTaken::NothingRuns)?;
        if at.place.stops != stops || at.stopped == Some(stops) {
            return Err(NotTaken::StopsAlready);
        }
        if !person.end() {
            return Err(NotTaken::NothingRuns);
        }
        at.stopped = Some(stops);
        Ok(())
    }

    pub(super) fn log(&self, place: usize, from: u64) -> LogPiece {
        let state = self.lock();
        let lines = state.places.get(place).and_then(|at| at.log.writer());
        lines.map(|lines| lines.piece(from)).unwrap_or_default()
    }

    /// What this tab is to be sent, from the beginning.
    pub(super) fn stream(&self, tab: &str) -> Result<Stream, NotTaken> {
        let mut state = self.lock();
        state.last_stream += 1;
        let number = state.last_stream;
        let known = state.tabs.get_mut(tab).ok_or(NotTaken::UnknownTab)?;
        known.stream = Some(number);
        known.sent.clear();
        let changes = self.shared.changes.subscribe();
        // A stream that this one replaces has to notice.
        self.note(&mut state);
        drop(state);
        Ok(Stream { watch: self.clone(), changes, tab: tab.to_owned(), number, sent: None })
    }

    fn change(&self, state: &mut State, place: usize) {
        let next = state.changes + 1;
        if let Some(at) = state.places.get_mut(place) {
            at.changed = next;
        }
        self.note(state);
    }

    fn note(&self, state: &mut State) {
        state.changes += 1;
        self.shared.changes.send_replace(state.changes);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn held_by(&self, tab: &str) -> Result<&Tab, NotTaken> {
        let known = self.tabs.get(tab).ok_or(NotTaken::UnknownTab)?;
        if self.holder.as_deref() == Some(tab) { Ok(known) } else { Err(NotTaken::NotTheHolder) }
    }
}

/// What one tab is sent: all there is, and then what has changed. Whoever reads slowly gets the last state, and none between.
#[derive(Debug)]
pub(super) struct Stream {
    watch: Watch,
    changes: tokio::sync::watch::Receiver<u64>,
    tab: String,
    number: u64,
    /// The last change that was sent.
    sent: Option<u64>,
}

impl Stream {
    /// Waits for something to send.
    pub(super) async fn next(&mut self) -> Frames {
        loop {
            self.changes.mark_unchanged();
            if let Some(frames) = self.due() {
                return frames;
            }
            if self.changes.changed().await.is_err() {
                return Frames { last: true, ..Frames::default() };
            }
        }
    }

    /// Who notes what was handed to the tab.
    pub(super) fn note(&self) -> SentNote {
        SentNote { watch: self.watch.clone(), tab: self.tab.clone(), number: self.number }
    }

    fn due(&mut self) -> Option<Frames> {
        let state = self.watch.lock();
        let ours = state.tabs.get(&self.tab).is_some_and(|tab| tab.stream == Some(self.number));
        if !ours {
            return Some(Frames { text: frame("replaced", &()), last: true, ..Frames::default() });
        }
        if self.sent == Some(state.changes) {
            return None;
        }
        let mut frames = Frames { last: state.over, ..Frames::default() };
        let holds = state.holder.as_deref() == Some(&self.tab);
        let held = state.holder.is_some();
        frames.text.push_str(&frame("tab", &TabFrame { holds, held, places: state.places.len() }));
        let changed = |at: &PlaceState| self.sent.is_none_or(|sent| at.changed > sent);
        for (number, at) in state.places.iter().enumerate().filter(|(_, at)| changed(at)) {
            frames.text.push_str(&frame("place", &PlaceFrame { number, place: &at.place }));
            frames.questions.extend(at.place.asked.as_ref().and_then(|asked| asked.number));
        }
        if state.over {
            // Nobody can be asked for it any more.
            for (number, at) in state.places.iter().enumerate() {
                let piece =
                    at.log.writer().map(|lines| lines.piece(lines.next().saturating_sub(LOG_LINES_AT_ONCE as u64)));
                frames.text.push_str(&frame("log", &LogFrame { number, piece: piece.unwrap_or_default() }));
            }
            frames.text.push_str(&frame("over", &()));
        }
        self.sent = Some(state.changes);
        Some(frames)
    }
}

/// Notes what a tab has got: only questions among that may be answered by it.
#[derive(Debug)]
pub(super) struct SentNote {
    watch: Watch,
    tab: String,
    number: u64,
}

impl SentNote {
    /// The tab has got these.
    pub(super) fn were_sent(&self, frames: &Frames) {
        let mut state = self.watch.lock();
        let State { places, tabs, .. } = &mut *state;
        let stands =
            |number: &u64| places.iter().any(|at| at.place.asked.as_ref().and_then(|it| it.number) == Some(*number));
        if let Some(tab) = tabs.get_mut(&self.tab).filter(|tab| tab.stream == Some(self.number)) {
            tab.sent.retain(stands);
            tab.sent.extend(&frames.questions);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = self.watch.lock();
        if let Some(tab) = state.tabs.get_mut(&self.tab).filter(|tab| tab.stream == Some(self.number)) {
            tab.stream = None;
        }
    }
}

/// One event of a stream of server-sent events. JSON has no line breaks of its own.
fn frame(event: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {event}\ndata: {data}\n\n")
}

/// The last lines of a log.
#[derive(Debug, Default)]
struct LogLines {
    lines: VecDeque<Shown>,
    /// Those that were pushed out.
    gone: u64,
    /// A line that has not ended.
    rest: Vec<u8>,
}

impl LogLines {
    /// The number of the line to come.
    fn next(&self) -> u64 {
        self.gone + self.lines.len() as u64
    }

    fn piece(&self, from: u64) -> LogPiece {
        let from = from.clamp(self.gone, self.next());
        let skipped = usize::try_from(from - self.gone).unwrap_or(usize::MAX);
        let lines: Vec<Shown> = self.lines.iter().skip(skipped).take(LOG_LINES_AT_ONCE).cloned().collect();
        LogPiece { from, to: from + lines.len() as u64, lines }
    }

    fn push(&mut self, line: &[u8]) {
        let line = &line[..line.len().min(LOG_LINE_BYTES_MAX)];
        if self.lines.len() == LOG_LINES_MAX {
            self.lines.pop_front();
            self.gone += 1;
        }
        self.lines.push_back(Shown::from(String::from_utf8_lossy(line)));
    }
}

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(line) => {
                    let whole = [std::mem::take(&mut self.rest).as_slice(), line].concat();
                    self.push(&whole);
                }
                None => self.rest.extend(piece),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The reader of a run whose events are seen at a place.
#[derive(Debug)]
pub(in crate::cli) struct AtPlace {
    watch: Watch,
    place: PageNumber,
}

impl Reader for AtPlace {
    fn event(&mut self, told: &Told<&Event>) -> Option<String> {
        self.watch.tell(self.place, told);
        None
    }
}

#[cfg(test)]
pub(super) fn first_place() -> PageNumber {
    PageNumber(0)
}

#[cfg(test)]
mod tests;
