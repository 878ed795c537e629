//! What a person at a terminal, or in front of a saved file, reads during a run.
//!
//! Each event is told once and in plain words. Whatever changes all the time lives in the live line and leaves no
//! trace; without a terminal the same is told in a few lasting lines.

mod bell;
mod boxes;
mod ongoing;
mod page;
mod skipped;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use console::Term;

use crate::cli::live_line::LiveLine;
use crate::cli::reader::Reader;
use crate::cli::stopping::{Again, stopping};
use crate::cli::streams::{WatchedStdout, stdout};
use crate::cli::style::{Look, Role, Sign, width_of};
use crate::cli::summary::{Counts, Subject, summary};
use crate::cli::wording::{bytes, clean, hang, may_sleep, milliseconds, moves, quote_command, wrap, wrap_command};
use crate::engine::{Asks, Event, Outcome, Problem, ProvenBy, StepEnd, Told, WaitEnd};
use crate::words::{Fault, Id};

use bell::Bell;
use ongoing::{Ongoing, Wait};
use page::{INDENT, Page};
use skipped::Skipped;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// How it ended: everything else is seen elsewhere.
    End,
    /// What is asked of the person, and what fails.
    Quiet,
    Usual,
    /// Also what was passed over.
    Verbose,
}

/// Prints the events for people.
#[derive(Debug)]
pub struct Screen<W: Write> {
    page: Page<W>,
    ongoing: Ongoing,
    log: Option<PathBuf>,
    no_record: bool,
    detail: Detail,
    bell: Bell,
    /// ENTER stands for what the person's hands would do to a real board.
    rehearses: bool,
    /// A question stands to which only some answers are taken.
    asks: bool,
    board: String,
    simulated: bool,
    told_fault: Option<String>,
    /// The step that began last, and its number as shown.
    step: Option<(Id, String)>,
    skipped: Skipped,
}

impl Screen<WatchedStdout> {
    /// The process's standard output, terminal or not.
    pub fn stdout() -> Screen<WatchedStdout> {
        let term = Term::stdout();
        let live = (term.is_term() && !console::is_dumb()).then(LiveLine::default);
        Screen::of(Page::new(stdout(), Look::of(&term), live))
    }
}

impl<W: Write> Screen<W> {
    /// Without a live line: for files, pipes and tests.
    pub fn new(writer: W, look: Look) -> Screen<W> {
        Screen::of(Page::new(writer, look, None))
    }

    fn of(page: Page<W>) -> Screen<W> {
        Screen {
            page,
            ongoing: Ongoing::default(),
            log: None,
            no_record: false,
            detail: Detail::Usual,
            bell: Bell::default(),
            rehearses: false,
            asks: false,
            board: String::new(),
            simulated: false,
            told_fault: None,
            step: None,
            skipped: Skipped::default(),
        }
    }

    /// The file that the summary points to.
    #[must_use]
    pub fn with_log(mut self, path: Option<PathBuf>) -> Screen<W> {
        self.log = path;
        self
    }

    /// A real run of which nothing is kept: the summary says so.
    #[must_use]
    pub fn without_record(mut self) -> Screen<W> {
        self.no_record = true;
        self
    }

    /// Shows more than a rescue needs.
    #[must_use]
    pub fn verbose(mut self) -> Screen<W> {
        self.detail = Detail::Verbose;
        self
    }

    /// The person's ENTER moves the virtual board's cable, wire and switch.
    #[must_use]
    pub fn rehearsing(mut self) -> Screen<W> {
        self.rehearses = true;
        self
    }

    /// Shows less, and rings no bell.
    #[must_use]
    pub fn quiet(mut self) -> Screen<W> {
        self.detail = Detail::Quiet;
        self
    }

    /// Everything is shown, and asked, on a page.
    #[must_use]
    pub(super) fn beside_page(mut self) -> Screen<W> {
        self.detail = Detail::End;
        self.page.in_head = true;
        self
    }

    fn is_terse(&self) -> bool {
        matches!(self.detail, Detail::End | Detail::Quiet)
    }

    /// What the end has to say of the run, where its beginning and its steps are not shown.
    fn remember(&mut self, event: &Event) {
        match event {
            Event::RunStarted { board, simulated, .. } => {
                self.board = clean(board);
                self.simulated = *simulated;
            }
            Event::StepStarted { step, number, total, .. } => {
                self.step = Some((step.clone(), number_of(*number, *total)));
            }
            _ => {}
        }
    }

    /// What nobody misses who wants to know only what to do, or only how it ends.
    fn is_left_out(&self, event: &Event) -> bool {
        if self.detail == Detail::End {
            return !matches!(event, Event::Warning { .. } | Event::Interrupted { .. } | Event::Finished { .. });
        }
        self.detail == Detail::Quiet
            && match event {
                Event::LookingForTools { .. }
                | Event::ToolFound { .. }
                | Event::InputReady { .. }
                | Event::BoardProven { .. }
                | Event::FuseRead { .. }
                | Event::ToolAnswered { .. } => true,
                Event::Note { .. } => !self.asks,
                Event::WaitOver { end, .. } => *end != WaitEnd::InVain,
                Event::StepSkipped { .. } => true,
                Event::StepFinished { end, .. } => *end == StepEnd::Succeeded,
                _ => false,
            }
    }

    fn show(&mut self, event: &Event) {
        let begun = self.step.as_ref().map(|(begun, _)| begun);
        if self.skipped.takes(event, begun) {
            return;
        }
        self.tell_skipped();
        if self.bell.rings(event) && !self.is_terse() {
            self.page.ring();
        }
        // A question stands until something else happens than that another answer is wanted.
        if !matches!(event, Event::Note { .. }) {
            self.asks = event.asks() == Asks::Line;
        }
        if self.detail == Detail::End {
            self.remember(event);
        }
        if self.is_left_out(event) {
            return self.ongoing.end(&mut self.page);
        }
        match event {
            Event::RunStarted { .. }
            | Event::LookingForTools { .. }
            | Event::ToolPassedOver { .. }
            | Event::ToolFound { .. }
            | Event::InputReady { .. } => self.show_head(event),
            Event::StepStarted { step, name, number, total } => self.show_step(step, name, (*number, *total)),
            Event::StepSkipped { step, name, number, total, reason } => {
                // A step may turn out to be needless only after it has begun.
                if self.step.as_ref().is_none_or(|(begun, _)| begun != step) {
                    self.show_step(step, name, (*number, *total));
                }
                self.ongoing.end(&mut self.page);
                self.page.say(Role::Quiet, Some(Sign::Skipped), &format!("skipped: {reason}"));
            }
            Event::ToolStarted { tool, command, changes_board, purpose, .. } => {
                if !self.is_terse() {
                    self.show_command(command, purpose);
                }
                self.ongoing.tool(&mut self.page, tool, *changes_board);
            }
            Event::ToolOutput { .. } | Event::ToolLines { .. } => {}
            Event::Progress { label, percent, bytes, total, .. } => {
                let counted = || Some(100.0 * (*bytes)? as f32 / total.filter(|&total| total > 0)? as f32);
                if let Some(percent) = percent.or_else(counted) {
                    self.ongoing.progress(&mut self.page, label.as_deref().unwrap_or("working"), percent);
                }
            }
            // What it came to is told by the retry, the restart or the end of the step that follows.
            Event::ToolEnded { .. } => self.ongoing.end(&mut self.page),
            Event::Prompted { .. }
            | Event::BoardAsked { .. }
            | Event::HealthyAsked { .. }
            | Event::ConsentAsked { .. }
            | Event::ToolAsked { .. } => self.show_box(event),
            Event::ToolAnswered { question, text, by, .. } => self.show_answer(question, text, by),
            Event::HandsMoving { command, limit_ms, .. } => {
                if !self.is_terse() {
                    self.show_command(command, "in place of your hands");
                }
                self.ongoing.moving(&mut self.page, &quote_command(command), Duration::from_millis(*limit_ms));
            }
            Event::HandsOutput { .. } => {}
            Event::HandsMoved { hands, failed, elapsed_ms, .. } => {
                self.ongoing.end(&mut self.page);
                let (role, end) = match failed {
                    Some(why) => (Role::Warning, format!("not done: {why}")),
                    None => (Role::Quiet, "done".to_owned()),
                };
                self.page.say(role, None, &format!("{}: {end} (after {})", moves(hands), milliseconds(*elapsed_ms)));
            }
            Event::Waiting { waiting_for, attached, remaining_ms, .. } => {
                self.ongoing.wait(&mut self.page, &Wait { waiting_for, attached, remaining_ms: *remaining_ms });
            }
            // In a rehearsal only one thing is missing, and the prompt says it.
            Event::Hinted { .. } | Event::Flapping { .. } if self.rehearses => {}
            Event::Hinted { text, after_ms, .. } => {
                // What is wrapped must not hide where it begins: several may follow one another.
                let text = format!("After {}: {text}", milliseconds(*after_ms));
                self.show_hint(&text);
            }
            Event::Flapping { text, .. } => self.show_hint(text),
            Event::WaitOver { end, text, elapsed_ms, .. } => {
                self.ongoing.end(&mut self.page);
                let role = if *end == WaitEnd::InVain { Role::Warning } else { Role::Quiet };
                self.page.say(role, None, &format!("{text} (after {})", milliseconds(*elapsed_ms)));
            }
            // An id of its own is nothing to tell.
            Event::BoardProven { by: ProvenBy::OwnId, .. } => {}
            Event::BoardProven { port, by, .. } => {
                self.ongoing.end(&mut self.page);
                self.page.say(Role::Quiet, None, &format!("this is your board, at port {port}: {}", by.because()));
            }
            Event::FuseRead { word, bits, .. } => {
                self.page.say(Role::Quiet, None, &format!("the chip's fuses: word {word} reads {bits:#010x}"));
            }
            Event::ConsentGiven { by, .. } => {
                self.ongoing.end(&mut self.page);
                self.page.say(Role::Quiet, None, &format!("consent given: {by}"));
            }
            Event::Retrying { attempt, attempts_max, pause_ms, because, .. } => {
                self.show_fault(because);
                let when = if *pause_ms == 0 { String::new() } else { format!(" in {}", milliseconds(*pause_ms)) };
                let text = format!("Trying again{when}: attempt {attempt} of {attempts_max}.");
                self.page.say(Role::Warning, Some(Sign::Again), &text);
            }
            Event::Restarting { at, at_name, time, times_max, because, .. } => {
                self.show_fault(because);
                let step = at_name.as_deref().unwrap_or(at.as_str());
                let text = format!("Going back to: {step} (time {time} of at most {times_max}).");
                self.page.say(Role::Warning, Some(Sign::Again), &text);
            }
            Event::Interrupted { remaining_ms, .. } => self.show_interrupt(event, *remaining_ms),
            Event::Warning { text } => {
                self.page.say(Role::Warning, Some(Sign::Attention), &format!("warning: {text}"));
            }
            Event::Note { text } => {
                self.page.say(Role::Quiet, None, &format!("note: {text}"));
                if self.asks {
                    // Another answer was given, and the question stands.
                    self.page.await_answer();
                }
            }
            Event::MaySleep { reason } if self.detail == Detail::Verbose => {
                self.page.say(Role::Quiet, None, &format!("note: {}", may_sleep(reason)));
            }
            Event::MaySleep { .. } => {}
            // What it means is told by the last event, and a station tells of its places itself.
            Event::LeftAlone { .. } | Event::PlaceEmpty { .. } | Event::StationFinished { .. } => {}
            Event::StepFinished { end, elapsed_ms, .. } => self.show_step_end(end, *elapsed_ms),
            Event::Finished {
                outcome,
                problem,
                next,
                elapsed_ms,
                steps_done,
                steps_skipped,
                retries,
                restarts,
                warnings,
                ..
            } => {
                let counts = Counts {
                    elapsed_ms: *elapsed_ms,
                    steps_done: *steps_done,
                    steps_skipped: *steps_skipped,
                    retries: *retries,
                    restarts: *restarts,
                    warnings: *warnings,
                };
                self.show_end(*outcome, problem.as_ref(), next, &counts);
            }
        }
    }

    fn show_head(&mut self, event: &Event) {
        let dot = self.page.look.sign(Sign::Dot);
        match event {
            Event::RunStarted { board, playbook, shipped, simulated, summary, .. } => {
                self.board = clean(board);
                self.simulated = *simulated;
                self.page.in_head = true;
                let title = format!("recover {dot} {}", self.board);
                self.page.print(&self.page.look.paint(Role::Title, &title));
                for line in summary.as_ref().map(|text| wrap(text, self.page.look.width)).unwrap_or_default() {
                    self.page.print(&line);
                }
                if self.simulated {
                    let text = "SIMULATION: a virtual board and mock tools; nothing real is touched";
                    self.page.say(Role::Warning, None, text);
                }
                if self.rehearses {
                    let text = "You are the hands: where cable, wire or switch are to be moved, press ENTER instead.";
                    self.page.say(Role::Warning, None, text);
                }
                if self.is_terse() {
                    return;
                }
                let origin = if *shipped { "shipped with recover" } else { "your file" };
                self.show_fact("playbook", &format!("{playbook} ({origin})"));
            }
            Event::LookingForTools { tools } => {
                let text = format!("looking for {}", tools.join(", "));
                self.ongoing.looking(&mut self.page, &text);
            }
            Event::ToolPassedOver { tool, program, reason, .. } => {
                self.ongoing.end(&mut self.page);
                if self.detail == Detail::Verbose {
                    self.show_fact("no tool", &format!("{tool} {dot} {program}: {reason}"));
                }
            }
            Event::ToolFound { tool, program, version, flavour, .. } => {
                self.ongoing.end(&mut self.page);
                let flavour = flavour.as_ref().map(|flavour| format!(" ({flavour})")).unwrap_or_default();
                self.show_fact("tool", &format!("{tool} {version}{flavour} {dot} {program}"));
            }
            Event::InputReady { file, path, size, generated, .. } => {
                let origin = match path {
                    Some(path) => format!(" {dot} {path}"),
                    None if *generated => format!(" {dot} made up for the simulation"),
                    None => String::new(),
                };
                self.show_fact("file", &format!("{file} {dot} {}{origin}", bytes(*size)));
            }
            _ => {}
        }
    }

    fn show_fact(&mut self, name: &str, text: &str) {
        for line in hang(&format!("{name:<10}"), text, self.page.look.width) {
            self.page.print(&self.page.look.paint(Role::Quiet, &line));
        }
    }

    fn tell_skipped(&mut self) {
        if let Some((lead, text)) = self.skipped.told().filter(|_| !self.is_terse()) {
            self.ongoing.end(&mut self.page);
            self.page.in_head = false;
            self.page.print("");
            for line in hang(&format!("{lead:<width$} ", width = INDENT - 1), &text, self.page.look.width) {
                self.page.print(&self.page.look.paint(Role::Quiet, &line));
            }
        }
    }

    fn show_step(&mut self, step: &Id, name: &str, (number, total): (usize, usize)) {
        self.ongoing.end(&mut self.page);
        self.page.in_head = false;
        self.told_fault = None;
        let number = number_of(number, total);
        self.page.print("");
        for line in hang(&format!("{number:<width$} ", width = INDENT - 1), name, self.page.look.width) {
            self.page.print(&self.page.look.paint(Role::Title, &line));
        }
        self.step = Some((step.clone(), number));
    }

    fn show_command(&mut self, command: &[String], purpose: &str) {
        self.ongoing.end(&mut self.page);
        self.told_fault = None;
        if !matches!(purpose, "" | "step") {
            self.page.say(Role::Quiet, None, purpose);
        }
        let look = self.page.look;
        let lines = wrap_command(command, self.page.inner_width() - 2);
        let leads = std::iter::once("$ ").chain(std::iter::repeat("  "));
        let painted: Vec<String> =
            leads.zip(&lines).map(|(lead, line)| look.paint(Role::Command, &format!("{lead}{line}"))).collect();
        self.page.print_indented(&painted);
    }

    fn show_box(&mut self, event: &Event) {
        self.ongoing.end(&mut self.page);
        let (look, width) = (self.page.look, self.page.inner_width());
        let (lines, answer_wanted) = match event {
            Event::Prompted { text, goes_on, hands, without_person, drawing, limit_ms, .. } => {
                let goes_on = boxes::Ends::of(*goes_on, hands, self.rehearses);
                let (without_person, drawing) = (*without_person, drawing.as_deref());
                let prompt = boxes::Prompt { text, ends: goes_on, without_person, drawing, limit_ms: *limit_ms };
                (boxes::prompt(&look, width, &prompt), goes_on != boxes::Ends::ByItself)
            }
            Event::ConsentAsked { why, command, fuse, phrase, limit_ms, .. } => {
                let rehearses = self.simulated;
                let ask = boxes::Consent { why, command, fuse: *fuse, phrase, limit_ms: *limit_ms, rehearses };
                (boxes::consent(&look, width, &ask), true)
            }
            Event::BoardAsked { text, limit_ms, .. } => {
                (boxes::about_device(&look, width, "IS THIS YOUR BOARD?", text, *limit_ms), true)
            }
            Event::HealthyAsked { text, limit_ms, .. } => {
                (boxes::about_device(&look, width, "IT IS NOT DEAD", text, *limit_ms), true)
            }
            Event::ToolAsked { text, limit_ms, .. } => (boxes::question(&look, width, text, *limit_ms), true),
            _ => return,
        };
        self.page.print_indented(&lines);
        if answer_wanted {
            self.page.await_answer();
        }
    }

    fn show_answer(&mut self, question: &str, text: &str, by: &str) {
        self.ongoing.end(&mut self.page);
        let answer = if text.is_empty() { "ENTER".to_owned() } else { clean(text) };
        let question = if question.is_empty() { String::new() } else { format!(" to: {}", clean(question)) };
        self.page.say(Role::Quiet, None, &format!("{by} answered {answer}{question}"));
    }

    /// In the middle of a wait, and perhaps of an answer.
    fn show_hint(&mut self, text: &str) {
        self.page.say(Role::Warning, Some(Sign::Attention), text);
        if self.page.answer_awaited {
            self.page.await_answer();
        }
    }

    /// Once per fault: the end of a step and the retry that follows it both know it.
    fn show_fault(&mut self, fault: &Fault) {
        if self.told_fault.as_ref() != Some(&fault.message) {
            let code = fault.code_for_people().map(|code| format!(", code {code}")).unwrap_or_default();
            let text = format!("{} ({}{code})", fault.message, fault.class);
            self.page.say(Role::Failure, Some(Sign::Failed), &text);
            self.told_fault = Some(fault.message.clone());
        }
    }

    fn show_interrupt(&mut self, event: &Event, remaining_ms: Option<u64>) {
        let again = if self.detail == Detail::End { Again::Either } else { Again::Keys };
        if let Some(text) = stopping(event, again) {
            self.page.say(Role::Warning, Some(Sign::Attention), &text);
        }
        if let (Some(live), Some(left)) = (&mut self.page.live, remaining_ms) {
            live.ends_within(&self.page.look, Duration::from_millis(left));
        }
    }

    fn show_step_end(&mut self, end: &StepEnd, elapsed_ms: u64) {
        self.ongoing.end(&mut self.page);
        let time = milliseconds(elapsed_ms);
        match end {
            StepEnd::Succeeded => self.page.say(Role::Success, Some(Sign::Done), &format!("done in {time}")),
            StepEnd::SucceededWithWarning(text) => {
                let text = format!("done in {time}, with a warning: {text}");
                self.page.say(Role::Warning, Some(Sign::Attention), &text);
            }
            StepEnd::Failed(fault) => self.show_fault(fault),
        }
    }

    fn show_end(&mut self, outcome: Outcome, problem: Option<&Problem>, next: &[String], counts: &Counts) {
        self.ongoing.end(&mut self.page);
        let subject = Subject {
            board: &self.board,
            simulated: self.simulated,
            step: self.step.as_ref().map(|(id, number)| (id, number.as_str())),
            log: self.log.as_deref(),
            no_record: self.no_record,
        };
        let lines = summary(&self.page.look, &subject, outcome, problem, next, counts);
        self.page.print("");
        for line in lines {
            self.page.print(&line);
        }
    }
}

/// "[ 3/14]".
fn number_of(number: usize, total: usize) -> String {
    let digits = total.to_string().len();
    format!("[{number:>digits$}/{total}]")
}

impl<W: Write + std::fmt::Debug> Reader for Screen<W> {
    fn event(&mut self, told: &Told<&Event>) -> Option<String> {
        if self.page.live.is_some() {
            self.page.look.width = width_of(&Term::stdout());
        }
        self.show(told.event);
        None
    }
}

#[cfg(test)]
mod tests;
