//! What the operator of a station reads: what is asked and what failed, line by line with the place's number; and on a terminal a
//! table below it, a line for each place. In a file the lines are all there is.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::cli::harmless::{Breaks, columns, harmless};
use crate::cli::reader::Reader;
use crate::cli::screen::Screen;
use crate::cli::station::answers::Questions;
use crate::cli::style::{Look, Role};
use crate::cli::summary::headline;
use crate::cli::wording::{clean, clip, hang, milliseconds};
use crate::engine::{Event, GoesOn, Outcome, Told};
use crate::words::PlaceNumber;

/// Room for `[12] `.
const LEAD: usize = 5;
const HEALTHY: &str = "HEALTHY, NOT TOUCHED";
/// The table is not drawn more often, whatever happens.
const REDRAW: Duration = Duration::from_millis(100);
/// Lines of the terminal that the table leaves free, for what is told above it.
const LINES_FREE: usize = 6;
/// Places up to here are shown where nothing says how high the terminal is.
const HEIGHT_UNKNOWN: usize = 24;

/// Moves to the start of the line that is so many lines above, and clears all below.
fn back_over(lines: usize) -> String {
    if lines == 0 { "\r\u{1b}[J".to_owned() } else { format!("\r\u{1b}[{lines}A\u{1b}[J") }
}

pub(super) struct StationScreen<W: Write> {
    writer: W,
    look: Look,
    /// Only on a terminal.
    table: Option<Table>,
    places: BTreeMap<PlaceNumber, Shown>,
    /// What the screens of the places have written.
    written: Rc<RefCell<Vec<u8>>>,
    asks: Asks,
}

/// Does somebody answer at this screen?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Person,
    /// At the station's page, where all is shown that has to be answered.
    OnPage,
    Nobody,
}

struct Shown {
    screen: Screen<Prefixed>,
    row: Row,
}

#[derive(Debug)]
struct Table {
    height: usize,
    /// Lines of it that stand there, the one where is typed aside.
    drawn: usize,
    drawn_at: Option<Instant>,
    /// Somebody has typed ENTER, which has moved the cursor on.
    typed: usize,
}

/// What a place does, in a line.
#[derive(Debug)]
struct Row {
    port: String,
    step: String,
    what: String,
    role: Role,
    since: Instant,
    /// How it went with the last board.
    last: Option<String>,
}

impl<W: Write> StationScreen<W> {
    /// `height` is that of the terminal, if it is one.
    pub(super) fn new(writer: W, look: Look, height: Option<usize>, asks: Asks) -> Self {
        let table = height.map(|height| Table {
            height: if height == 0 { HEIGHT_UNKNOWN } else { height },
            drawn: 0,
            drawn_at: None,
            typed: 0,
        });
        StationScreen { writer, look, table, places: BTreeMap::new(), written: Rc::default(), asks }
    }

    /// A line about no place in particular.
    pub(super) fn say(&mut self, role: Role, text: &str) {
        let lines: Vec<String> = text.lines().flat_map(|line| hang("", line, self.look.width)).collect();
        let text: String =
            lines.iter().map(|line| format!("{}\n", harmless(&self.look.paint(role, line), Breaks::Foreign))).collect();
        self.print(text.as_bytes());
    }

    /// The person has typed a line.
    pub(super) fn typed(&mut self) {
        if let Some(table) = &mut self.table {
            table.typed += 1;
        }
        self.print(b"");
    }

    /// Time has passed.
    pub(super) fn tick(&mut self) {
        if let Some(table) = &self.table
            && table.drawn_at.is_none_or(|at| at.elapsed() >= REDRAW)
        {
            self.redraw();
        }
    }

    /// The table goes, and nothing more is shown in place.
    pub(super) fn close(&mut self) {
        self.take_off();
        self.table = None;
    }

    fn take_off(&mut self) {
        if let Some(table) = self.table.as_mut().filter(|table| table.drawn_at.is_some()) {
            let lines = table.drawn + std::mem::take(&mut table.typed);
            table.drawn = 0;
            table.drawn_at = None;
            let _gone = self.writer.write_all(back_over(lines).as_bytes());
        }
    }

    /// Prints above the table.
    fn print(&mut self, text: &[u8]) {
        self.take_off();
        // A screen that is gone must not end a run.
        let _gone = self.writer.write_all(text);
        self.draw();
        let _gone = self.writer.flush();
    }

    fn draw(&mut self) {
        let rows = self.rows();
        let Some(table) = &mut self.table else { return };
        let mut text = String::new();
        for row in &rows {
            text.push_str(row);
            text.push('\n');
        }
        if self.asks == Asks::Person {
            text.push_str("> ");
        }
        table.drawn = rows.len();
        table.drawn_at = Some(Instant::now());
        let _gone = self.writer.write_all(text.as_bytes());
    }

    /// In place, so that what is just being typed stays.
    fn redraw(&mut self) {
        let rows = self.rows();
        let Some(table) = &mut self.table else { return };
        if table.drawn_at.is_none() || table.drawn != rows.len() || table.typed > 0 {
            return self.print(b"");
        }
        let mut text = format!("\u{1b}7\r\u{1b}[{}A", rows.len());
        for row in &rows {
            text.push_str(&format!("\u{1b}[2K{row}\r\n"));
        }
        text.push_str("\u{1b}8");
        table.drawn_at = Some(Instant::now());
        let _gone = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
    }

    fn rows(&self) -> Vec<String> {
        let Some(table) = &self.table else { return Vec::new() };
        let room = table.height.saturating_sub(LINES_FREE).max(1);
        let port = self.places.values().map(|shown| shown.row.port.len()).max().unwrap_or(0);
        let row = |(place, shown): (&PlaceNumber, &Shown)| {
            let Row { step, what, role, since, .. } = &shown.row;
            let time = milliseconds(since.elapsed().as_secs() * 1000);
            let lead = format!("{place:>3} {:port$} {step:>6} ", shown.row.port);
            let width = self.look.width.saturating_sub(columns(&lead) + columns(&time) + 2);
            let what = self.look.paint(*role, &clip(what, width));
            harmless(&format!("{lead}{what} {time}"), Breaks::Foreign)
        };
        let mut rows: Vec<String> = self.places.iter().take(room).map(row).collect();
        if self.places.len() > room {
            rows.push(format!("    and {} more", self.places.len() - room));
        }
        rows
    }

    fn place(&mut self, place: PlaceNumber) -> &mut Shown {
        let screen = self.screen_of(place);
        self.places.entry(place).or_insert_with(|| Shown { screen, row: Row::new() })
    }

    /// For one run.
    fn screen_of(&self, place: PlaceNumber) -> Screen<Prefixed> {
        let writer = Prefixed { lead: lead(place), at_start: true, to: Rc::clone(&self.written) };
        let screen = Screen::new(writer, self.look_beside());
        if self.table.is_some() { screen.quiet() } else { screen }
    }

    fn look_beside(&self) -> Look {
        Look { width: self.look.width.saturating_sub(LEAD), ..self.look }
    }

    /// About a place, beside its events.
    fn place_says(&mut self, place: PlaceNumber, role: Role, text: &str) {
        let look = self.look_beside();
        let mut writer = Prefixed { lead: lead(place), at_start: true, to: Rc::clone(&self.written) };
        for line in hang("", &clean(text), look.width) {
            // Into memory, which takes everything.
            let _written = writeln!(writer, "{}", harmless(&look.paint(role, &line), Breaks::Foreign));
        }
    }
}

fn lead(place: PlaceNumber) -> String {
    format!("{:<LEAD$}", format!("[{place}]"))
}

impl<W: Write> Reader for StationScreen<W> {
    fn event(&mut self, told: &Told<&Event>) -> Option<String> {
        let place = told.place?;
        if matches!(told.event, Event::RunStarted { .. }) {
            let screen = self.screen_of(place);
            self.place(place).screen = screen;
        }
        let shown = self.place(place);
        shown.row.hear(told.event);
        let was_healthy = shown.row.last.as_deref() == Some(HEALTHY);
        let asked = with_place(told.event, place);
        let event = asked.as_ref().unwrap_or(told.event);
        match event {
            // The table says it.
            Event::PlaceEmpty { .. } if self.table.is_some() => {}
            Event::PlaceEmpty { port, text } => {
                let hands = text.as_ref().map(|text| format!(" {text}")).unwrap_or_default();
                self.place_says(place, Role::Quiet, &format!("Port {port} waits for a board.{hands}"));
            }
            Event::LeftAlone { found, .. } => {
                let text = format!("{HEALTHY}: the board at {} runs its firmware.", found.port);
                self.place_says(place, Role::Success, &text);
            }
            Event::Finished { .. } if was_healthy => {}
            event => {
                self.place(place).screen.event(&Told { event, ..*told });
            }
        }
        if let Some(how) = Questions::how(place, told.event).filter(|_| self.asks == Asks::Person) {
            self.place_says(place, Role::Person, &how);
        }
        let written = std::mem::take(&mut *self.written.borrow_mut());
        match written.as_slice() {
            [] => self.tick(),
            text => self.print(text),
        }
        None
    }
}

/// The same question, with the word that answers it here.
fn with_place(event: &Event, place: PlaceNumber) -> Option<Event> {
    let mut event = match event {
        Event::ConsentAsked { .. } | Event::BoardAsked { .. } | Event::HealthyAsked { .. } => event.clone(),
        _ => return None,
    };
    if let Event::ConsentAsked { phrase, .. } | Event::BoardAsked { phrase, .. } | Event::HealthyAsked { phrase, .. } =
        &mut event
    {
        *phrase = format!("{place} {phrase}");
    }
    Some(event)
}

impl Row {
    fn new() -> Row {
        Row {
            port: String::new(),
            step: String::new(),
            what: String::new(),
            role: Role::Quiet,
            since: Instant::now(),
            last: None,
        }
    }

    fn is(&mut self, role: Role, what: impl Into<String>) {
        self.what = what.into();
        self.role = role;
    }

    fn begins(&mut self, role: Role, what: impl Into<String>) {
        self.since = Instant::now();
        self.step.clear();
        self.is(role, what);
    }

    fn ends(&mut self, role: Role, how: &str, what: &str) {
        self.begins(role, format!("{how}{what}"));
        self.last = Some(how.to_owned());
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::PlaceEmpty { port, text } => {
                self.port.clone_from(port);
                let text = text.as_deref().unwrap_or("waits for the next board");
                // How the last one ended stays until the next one comes.
                let last = self.last.as_ref().map(|last| format!("{last}; ")).unwrap_or_default();
                self.begins(Role::Quiet, format!("{last}empty: {text}"));
            }
            Event::RunStarted { run, .. } => {
                self.port = run.port.clone().unwrap_or_default();
                self.begins(Role::Quiet, "begins");
                self.last = None;
            }
            Event::StepStarted { name, number, total, .. } | Event::StepSkipped { name, number, total, .. } => {
                self.step = format!("{number}/{total}");
                self.is(Role::Quiet, name);
            }
            Event::ToolStarted { tool, changes_board, .. } => self.is(
                Role::Command,
                if *changes_board { format!("{tool} writes: do not unplug") } else { format!("{tool} works") },
            ),
            Event::Progress { label, percent: Some(percent), .. } => {
                self.is(Role::Command, format!("{} {percent:.0} %", label.as_deref().unwrap_or("works")));
            }
            Event::Prompted { text, goes_on, .. } => {
                let enter = if *goes_on == GoesOn::ByItself { "" } else { "ASKS: " };
                self.is(Role::Person, format!("{enter}{text}"));
            }
            Event::ConsentAsked { phrase, .. } => {
                self.is(Role::Irreversible, format!("ASKS for consent: {phrase}"));
            }
            Event::BoardAsked { text, .. } | Event::HealthyAsked { text, .. } | Event::ToolAsked { text, .. } => {
                self.is(Role::Person, format!("ASKS: {text}"));
            }
            // A prompt says it better.
            Event::Waiting { waiting_for, .. } if self.role != Role::Person => {
                self.is(Role::Warning, format!("waits for {waiting_for}"));
            }
            Event::Retrying { attempt, attempts_max, .. } => {
                self.is(Role::Warning, format!("attempt {attempt} of {attempts_max}"));
            }
            Event::Interrupted { finishing: true, .. } => self.is(Role::Warning, "is finishing its step"),
            Event::LeftAlone { .. } => self.ends(Role::Success, HEALTHY, ""),
            Event::Finished { outcome: Outcome::Recovered, .. } => {
                self.ends(Role::Success, headline(Outcome::Recovered), "");
            }
            Event::Finished { .. } if self.last.as_deref() == Some(HEALTHY) => {}
            Event::Finished { outcome, problem, .. } => {
                let what = problem.as_ref().map(|problem| format!(": {}", problem.what)).unwrap_or_default();
                self.ends(Role::Failure, headline(*outcome), &what);
            }
            _ => {}
        }
    }
}

/// Puts the place's number before every line.
#[derive(Debug)]
struct Prefixed {
    lead: String,
    at_start: bool,
    to: Rc<RefCell<Vec<u8>>>,
}

impl Write for Prefixed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut to = self.to.borrow_mut();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.at_start {
                to.extend(self.lead.as_bytes());
            }
            to.extend(line);
            self.at_start = line.ends_with(b"\n");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> fmt::Debug for StationScreen<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StationScreen").field("table", &self.table).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{before_anything, finished};
    use crate::words::FaultClass;

    const THREE: PlaceNumber = PlaceNumber(3);

    fn told(event: Event) -> Told<Event> {
        Told { place: Some(THREE), ..Told::now(event) }
    }

    fn started() -> Event {
        let run = Box::new(crate::engine::RunDetails { port: Some("1-1.3".to_owned()), ..Default::default() });
        let (board, playbook) = ("Camera".to_owned(), "camera".to_owned());
        Event::RunStarted { run, board, playbook, shipped: false, simulated: false, steps_total: 2, summary: None }
    }

    fn consent() -> Event {
        let step = "boot-fuse".parse().unwrap();
        let (why, phrase) = ("It can never be cleared.".to_owned(), "boot-fuse".to_owned());
        Event::ConsentAsked { step, why, command: vec!["blower".to_owned()], fuse: None, phrase, limit_ms: 600_000 }
    }

    fn left_alone() -> [Event; 2] {
        let found = crate::world::AttachedDevice {
            id: "37c5:1060".parse().unwrap(),
            port: "1-1.3".to_owned(),
            serial: None,
            product: None,
            interfaces: Vec::new(),
            version: None,
            kind: crate::documents::playbook::DeviceKind::Usb,
            access: crate::world::Access::Permitted,
            arrival: 1,
        };
        let problem = before_anything(FaultClass::Cancelled, "the Camera is not dead".to_owned(), Vec::new());
        let device = "running".parse().unwrap();
        [Event::LeftAlone { device, found }, finished(Outcome::Declined, problem)]
    }

    fn shown(height: Option<usize>, events: Vec<Event>) -> String {
        let mut screen = StationScreen::new(Vec::new(), Look::plain(), height, Asks::Person);
        for event in events {
            screen.event(&told(event).as_ref());
        }
        screen.say(Role::Title, "1 board");
        String::from_utf8(screen.writer).unwrap()
    }

    #[test]
    fn each_line_has_its_place_and_a_question_the_word_that_answers_it_there() {
        let text = shown(None, vec![started(), consent()]);
        let (lines, last) = text.trim_end().rsplit_once('\n').unwrap();
        assert_eq!(last, "1 board");
        assert!(lines.lines().all(|line| line.starts_with("[3]  ")), "{text}");
        assert!(text.contains("To agree for place 3, type `3 boot-fuse`; if not, `3 no`."), "{text}");
        assert_eq!(text.matches("boot-fuse").count(), text.matches("3 boot-fuse").count(), "{text}");
    }

    #[test]
    fn a_healthy_board_is_no_failure() {
        let events = std::iter::once(started()).chain(left_alone()).collect();
        let text = shown(None, events);
        assert!(text.contains("HEALTHY, NOT TOUCHED: the board at 1-1.3"), "{text}");
        assert!(!text.contains("CONSENT") && !text.contains("not dead"), "{text}");
    }

    #[test]
    fn the_table_stands_below_what_is_told_and_is_taken_off_first() {
        let text = shown(Some(24), vec![started(), consent()]);
        let (told, table) = text.rsplit_once("1 board\n").unwrap();
        assert!(told.ends_with(&back_over(1)), "{told:?}");
        assert!(
            table.starts_with("  3 1-1.3") && table.contains("ASKS for consent") && table.ends_with("\n> "),
            "{table:?}"
        );
    }
}
