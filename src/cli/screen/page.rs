//! The lines on the screen: printed above the live line, indented below their step, never failing.

use std::io::Write;

use crate::cli::harmless::{Breaks, harmless};
use crate::cli::live_line::LiveLine;
use crate::cli::style::{Look, Role, Sign};
use crate::cli::wording::hang;

/// Everything about a step stands below its name: `[ 3/14] `.
pub(super) const INDENT: usize = 8;

#[derive(Debug)]
pub(super) struct Page<W: Write> {
    pub(super) writer: W,
    pub(super) look: Look,
    /// Only on a terminal.
    pub(super) live: Option<LiveLine>,
    /// No step has begun: text stands at the margin.
    pub(super) in_head: bool,
    /// While an answer is awaited, what the person types must stay where it is: no live line then.
    pub(super) answer_awaited: bool,
    /// The cursor stands behind the sign that shows where to type.
    line_open: bool,
}

impl<W: Write> Page<W> {
    pub(super) fn new(writer: W, look: Look, live: Option<LiveLine>) -> Page<W> {
        Page { writer, look, live, in_head: false, answer_awaited: false, line_open: false }
    }

    /// Columns below a step's name.
    pub(super) fn inner_width(&self) -> usize {
        self.look.width - INDENT
    }

    /// Text below the current step, or at the margin before the first one.
    pub(super) fn say(&mut self, role: Role, sign: Option<Sign>, text: &str) {
        let sign = sign.map(|sign| format!("{} ", self.look.sign(sign))).unwrap_or_default();
        let indent = if self.in_head { 0 } else { INDENT };
        for line in hang(&sign, text, self.look.width - indent) {
            self.print(&format!("{}{}", " ".repeat(indent), self.look.paint(role, &line)));
        }
    }

    pub(super) fn print_indented(&mut self, lines: &[String]) {
        let indent = " ".repeat(INDENT);
        for line in lines {
            self.print(&format!("{indent}{line}"));
        }
    }

    /// A screen that is gone must not end the run: that could cut a write short.
    pub(super) fn print(&mut self, line: &str) {
        let line = harmless(line.trim_end(), Breaks::Foreign);
        let lead = if std::mem::take(&mut self.line_open) { "\n" } else { "" };
        let writer = &mut self.writer;
        let mut write = || {
            let _ = writeln!(writer, "{lead}{line}").and_then(|()| writer.flush());
        };
        match &self.live {
            Some(live) => live.above(&mut write),
            None => write(),
        }
    }

    /// Shows where to type. Whatever is printed next begins a new line.
    pub(super) fn await_answer(&mut self) {
        self.answer_awaited = true;
        if self.live.is_some() {
            self.line_open = true;
            let _ = write!(self.writer, "{}> ", " ".repeat(INDENT)).and_then(|()| self.writer.flush());
        }
    }

    /// On a terminal only: in a file it would be a stray character.
    pub(super) fn ring(&mut self) {
        if self.live.is_some() {
            let _ = self.writer.write_all(b"\x07").and_then(|()| self.writer.flush());
        }
    }

    pub(super) fn end_live(&mut self) {
        self.answer_awaited = false;
        if let Some(live) = &mut self.live {
            live.clear();
        }
    }
}
