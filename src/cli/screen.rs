//! What a person at a terminal, or in front of a saved file, reads during a run.
//!
//! Each event is told once and in plain words. Whatever changes all the time lives in the live line and leaves no
//! trace; without a terminal the same is told in a few lasting lines.

mod boxes;

use std::io::{self, Stdout, Write};
use std::path::PathBuf;

use console::Term;

use crate::cli::live_line::LiveLine;
use crate::cli::reader::Reader;
use crate::cli::style::{Look, Role, Sign, width_of};
use crate::cli::summary::{Counts, Subject, summary};
use crate::cli::told_wait::ToldWait;
use crate::cli::wording::{bytes, clean, hang, milliseconds, time_left, wrap, wrap_command};
use crate::engine::{Event, StepEnd};
use crate::words::{Fault, Id};
use crate::world::Interrupt;

/// Everything about a step stands below its name: `[ 3/14] `.
const INDENT: usize = 8;
/// In percent.
const PROGRESS_STRIDE: u32 = 25;

/// Prints the events for people.
#[derive(Debug)]
pub struct Screen<W: Write> {
    writer: W,
    look: Look,
    /// Only on a terminal.
    live: Option<LiveLine>,
    log: Option<PathBuf>,
    board: String,
    simulated: bool,
    /// A list of tools and files has been begun and needs a blank line after it.
    in_head: bool,
    /// While an answer is awaited, what the person types must stay where it is: no live line then.
    answer_awaited: bool,
    told_wait: ToldWait,
    told_progress: Option<ToldProgress>,
    told_fault: Option<String>,
    /// The step that began last, and its number as shown.
    step: Option<(Id, String)>,
}

#[derive(Debug)]
struct ToldProgress {
    label: String,
    stride: u32,
}

impl Screen<Stdout> {
    /// The process's standard output, terminal or not.
    pub fn stdout() -> Screen<Stdout> {
        let term = Term::stdout();
        let live = (term.is_term() && !console::is_dumb()).then(LiveLine::default);
        Screen { live, ..Screen::new(io::stdout(), Look::of(&term)) }
    }
}

impl<W: Write> Screen<W> {
    /// Without a live line: for files, pipes and tests.
    pub fn new(writer: W, look: Look) -> Screen<W> {
        Screen {
            writer,
            look,
            live: None,
            log: None,
            board: String::new(),
            simulated: false,
            in_head: false,
            answer_awaited: false,
            told_wait: ToldWait::default(),
            told_progress: None,
            told_fault: None,
            step: None,
        }
    }

    /// The file that the summary points to.
    #[must_use]
    pub fn with_log(mut self, path: Option<PathBuf>) -> Screen<W> {
        self.log = path;
        self
    }

    pub fn look(&self) -> &Look {
        &self.look
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::RunStarted { board, playbook, shipped, simulated, summary, .. } => {
                self.board.clone_from(board);
                self.simulated = *simulated;
                self.show_head(summary.as_deref());
                let origin = if *shipped { "shipped with recover" } else { "your file" };
                self.show_fact("playbook", &format!("{playbook} ({origin})"));
            }
            Event::ToolFound { tool, program, version, flavour, .. } => {
                let flavour = flavour.as_ref().map(|flavour| format!(" ({flavour})")).unwrap_or_default();
                self.show_fact("tool", &format!("{tool} {version}{flavour} {} {program}", self.look.sign(Sign::Dot)));
            }
            Event::InputReady { file, path, size, generated, .. } => {
                let dot = self.look.sign(Sign::Dot);
                let origin = match path {
                    Some(path) => format!(" {dot} {path}"),
                    None if *generated => format!(" {dot} made up for the simulation"),
                    None => String::new(),
                };
                self.show_fact("file", &format!("{file} {dot} {}{origin}", bytes(*size)));
            }
            Event::StepStarted { step, name, number, total } => self.show_step(step, name, (*number, *total)),
            Event::StepSkipped { step, name, number, total, reason } => {
                self.show_step(step, name, (*number, *total));
                self.say(Role::Quiet, Some(Sign::Skipped), &format!("skipped: {reason}"));
            }
            Event::ToolStarted { tool, command, changes_board, purpose, .. } => {
                self.show_tool(tool, command, purpose, *changes_board);
            }
            Event::ToolOutput { .. } => {}
            Event::Progress { label, percent, bytes, total, .. } => {
                let counted = || Some(100.0 * (*bytes)? as f32 / total.filter(|&total| total > 0)? as f32);
                if let Some(percent) = percent.or_else(counted) {
                    self.show_progress(label.as_deref().unwrap_or("working"), percent);
                }
            }
            // What it came to is told by the retry, the restart or the end of the step that follows.
            Event::ToolEnded { .. } => self.end_live(),
            Event::Prompted { text, goes_on_by_itself, limit_ms, .. } => {
                self.end_live();
                let lines = boxes::prompt(&self.look, self.inner_width(), text, *goes_on_by_itself, *limit_ms);
                self.print_indented(&lines);
                if !goes_on_by_itself {
                    self.await_answer();
                }
            }
            Event::Waiting { waiting_for, attached, remaining_ms, .. } => {
                self.show_waiting(waiting_for, attached, *remaining_ms);
            }
            Event::WaitOver { met, text, elapsed_ms, .. } => {
                self.end_live();
                let text = format!("{text} (after {})", milliseconds(*elapsed_ms));
                if *met { self.say(Role::Quiet, None, &text) } else { self.say(Role::Warning, None, &text) }
            }
            Event::ConsentAsked { why, command, phrase, limit_ms, .. } => {
                self.end_live();
                let ask = boxes::Consent { why, command, phrase, limit_ms: *limit_ms };
                let lines = boxes::consent(&self.look, self.inner_width(), &ask);
                self.print_indented(&lines);
                self.await_answer();
            }
            Event::ConsentGiven { by, .. } => self.say(Role::Quiet, None, &format!("consent given: {by}")),
            Event::Retrying { attempt, attempts_max, pause_ms, because, .. } => {
                self.show_fault(because);
                let when = if *pause_ms == 0 { String::new() } else { format!(" in {}", milliseconds(*pause_ms)) };
                let text = format!("Trying again{when}: attempt {attempt} of {attempts_max}.");
                self.say(Role::Warning, Some(Sign::Again), &text);
            }
            Event::Restarting { at, time, times_max, because, .. } => {
                self.show_fault(because);
                let text = format!("Going back to the step {at} (time {time} of at most {times_max}).");
                self.say(Role::Warning, Some(Sign::Again), &text);
            }
            Event::Interrupted { by, finishing } => self.show_interrupt(*by, *finishing),
            Event::Warning { text } => self.say(Role::Warning, Some(Sign::Attention), &format!("warning: {text}")),
            Event::Note { text } => self.say(Role::Quiet, None, &format!("note: {text}")),
            Event::StepFinished { end, elapsed_ms, .. } => self.show_step_end(end, *elapsed_ms),
            Event::Finished {
                outcome,
                problem,
                elapsed_ms,
                steps_done,
                steps_skipped,
                retries,
                restarts,
                warnings,
                ..
            } => {
                self.end_live();
                let counts = Counts {
                    elapsed_ms: *elapsed_ms,
                    steps_done: *steps_done,
                    steps_skipped: *steps_skipped,
                    retries: *retries,
                    restarts: *restarts,
                    warnings: *warnings,
                };
                let subject = Subject {
                    board: &self.board,
                    simulated: self.simulated,
                    step: self.step.as_ref().map(|(id, number)| (id, number.as_str())),
                    log: self.log.as_deref(),
                };
                let lines = summary(&self.look, &subject, *outcome, problem.as_ref(), &counts);
                self.print("");
                self.print_lines(&lines);
            }
        }
    }

    fn show_head(&mut self, summary: Option<&str>) {
        let title = format!("recover {} {}", self.look.sign(Sign::Dot), clean(&self.board));
        self.print(&self.look.paint(Role::Title, &title));
        for line in summary.map(|summary| wrap(summary, self.look.width)).unwrap_or_default() {
            self.print(&line);
        }
        if self.simulated {
            let text = "SIMULATION: a virtual board and mock tools; nothing real is touched";
            self.print(&self.look.paint(Role::Warning, text));
        }
        self.in_head = true;
    }

    fn show_fact(&mut self, name: &str, text: &str) {
        for line in hang(&format!("{name:<10}"), text, self.look.width) {
            self.print(&self.look.paint(Role::Quiet, &line));
        }
    }

    fn show_step(&mut self, step: &Id, name: &str, (number, total): (usize, usize)) {
        self.end_live();
        self.in_head = false;
        self.told_fault = None;
        let digits = total.to_string().len();
        let number = format!("[{number:>digits$}/{total}]");
        self.print("");
        for line in hang(&format!("{number:<width$} ", width = INDENT - 1), name, self.look.width) {
            self.print(&self.look.paint(Role::Title, &line));
        }
        self.step = Some((step.clone(), number));
    }

    fn show_tool(&mut self, tool: &str, command: &[String], purpose: &str, changes_board: bool) {
        self.end_live();
        self.told_progress = None;
        self.told_fault = None;
        if !matches!(purpose, "" | "step") {
            self.say(Role::Quiet, None, purpose);
        }
        let indent = " ".repeat(INDENT);
        for (index, line) in wrap_command(command, self.inner_width() - 2).iter().enumerate() {
            let lead = if index == 0 { "$ " } else { "  " };
            self.print(&format!("{indent}{}", self.look.paint(Role::Command, &format!("{lead}{line}"))));
        }
        let text = if changes_board {
            format!("{tool} is writing: do not unplug the camera")
        } else {
            format!("{tool} is working")
        };
        if let Some(live) = &mut self.live {
            live.working(&self.look, &text);
        }
    }

    fn show_progress(&mut self, label: &str, percent: f32) {
        if let Some(live) = &mut self.live {
            live.progress(&self.look, label, percent);
            return;
        }
        let stride = (percent.clamp(0.0, 100.0) as u32) / PROGRESS_STRIDE;
        let told = self.told_progress.as_ref().filter(|told| told.label == label).map_or(0, |told| told.stride);
        if stride > told {
            self.say(Role::Quiet, None, &format!("{label} {} %", stride * PROGRESS_STRIDE));
            self.told_progress = Some(ToldProgress { label: label.to_owned(), stride });
        } else if told == 0 {
            self.told_progress = Some(ToldProgress { label: label.to_owned(), stride: 0 });
        }
    }

    fn show_waiting(&mut self, waiting_for: &str, attached: &[String], remaining_ms: u64) {
        let dot = self.look.sign(Sign::Dot);
        let attached_text =
            if attached.is_empty() { "no device of this camera".to_owned() } else { attached.join(", ") };
        let left = time_left(remaining_ms);
        if let Some(live) = &mut self.live {
            if !self.answer_awaited {
                let lines = [
                    format!("waiting for at most {left} more"),
                    waiting_for.to_owned(),
                    format!("attached: {attached_text}"),
                ];
                live.waiting(&self.look, &lines);
            }
            return;
        }
        if self.told_wait.is_news(waiting_for, attached, remaining_ms) {
            let text = format!("waiting: {waiting_for} {dot} {left} left {dot} attached: {attached_text}");
            self.say(Role::Quiet, None, &text);
        }
    }

    /// Once per fault: the end of a step and the retry that follows it both know it.
    fn show_fault(&mut self, fault: &Fault) {
        if self.told_fault.as_ref() != Some(&fault.message) {
            let code = fault.code.as_ref().map(|code| format!(", code {code}")).unwrap_or_default();
            let text = format!("{} ({}{code})", fault.message, fault.class);
            self.say(Role::Failure, Some(Sign::Failed), &text);
            self.told_fault = Some(fault.message.clone());
        }
    }

    fn show_interrupt(&mut self, by: Interrupt, finishing: bool) {
        let asked = match by {
            Interrupt::Interrupt => "Ctrl-C",
            Interrupt::Terminate => "Asked to end",
        };
        let text = if finishing {
            "Finishing this write first: cutting it short would leave the board half written. \
             Press Ctrl-C again to end the tool."
        } else {
            "Ending the run here."
        };
        self.say(Role::Warning, Some(Sign::Attention), &format!("{asked}. {text}"));
    }

    fn show_step_end(&mut self, end: &StepEnd, elapsed_ms: u64) {
        self.end_live();
        let time = milliseconds(elapsed_ms);
        match end {
            StepEnd::Succeeded => self.say(Role::Success, Some(Sign::Done), &format!("done in {time}")),
            StepEnd::SucceededWithWarning(text) => {
                let text = format!("done in {time}, with a warning: {text}");
                self.say(Role::Warning, Some(Sign::Attention), &text);
            }
            StepEnd::Failed(fault) => self.show_fault(fault),
        }
    }

    /// Text below the current step, or at the margin before the first one.
    fn say(&mut self, role: Role, sign: Option<Sign>, text: &str) {
        let sign = sign.map(|sign| format!("{} ", self.look.sign(sign))).unwrap_or_default();
        let indent = if self.in_head { 0 } else { INDENT };
        let width = self.look.width - indent;
        for line in hang(&sign, text, width) {
            self.print(&format!("{}{}", " ".repeat(indent), self.look.paint(role, &line)));
        }
    }

    fn inner_width(&self) -> usize {
        self.look.width - INDENT
    }

    fn print_indented(&mut self, lines: &[String]) {
        let indent = " ".repeat(INDENT);
        for line in lines {
            self.print(&format!("{indent}{line}"));
        }
    }

    fn print_lines(&mut self, lines: &[String]) {
        for line in lines {
            self.print(line);
        }
    }

    /// A screen that is gone must not end the run: that could cut a write short.
    fn print(&mut self, line: &str) {
        let line = line.trim_end();
        if std::mem::take(&mut self.answer_awaited) && self.live.is_some() {
            let _ = writeln!(self.writer);
        }
        let writer = &mut self.writer;
        let mut write = || {
            let _ = writeln!(writer, "{line}").and_then(|()| writer.flush());
        };
        match &self.live {
            Some(live) => live.above(&mut write),
            None => write(),
        }
    }

    /// Shows where to type. Whatever is printed next begins a new line.
    fn await_answer(&mut self) {
        self.answer_awaited = true;
        if self.live.is_some() {
            // As with every line: a screen that is gone must not end the run.
            let _ = write!(self.writer, "{}> ", " ".repeat(INDENT)).and_then(|()| self.writer.flush());
        }
    }

    fn end_live(&mut self) {
        self.told_wait.forget();
        if let Some(live) = &mut self.live {
            live.clear();
        }
    }
}

impl<W: Write + std::fmt::Debug> Reader for Screen<W> {
    fn event(&mut self, event: &Event) -> Option<String> {
        if self.live.is_some() {
            self.look.width = width_of(&Term::stdout());
        }
        self.show(event);
        None
    }
}

#[cfg(test)]
mod tests;
