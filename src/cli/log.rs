//! The full log of a run: every event in readable text with its time, and everything the tools printed.
//!
//! Written for the person who is sent the file and was not there.

mod describe;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::reader::Reader;
use crate::cli::told_wait::ToldWait;
use crate::cli::wording::clean;
use crate::engine::{Event, Told};
use crate::world::new_private_file;

/// An event in words: the first line says what happened, the others belong to it.
pub(super) fn lines(event: &Event) -> Vec<String> {
    describe::lines(event)
}

/// More tool output than this is left out, so that a tool gone wild cannot fill the disk.
pub const OUTPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Of lines that are the same, one after another.
const SAME_LINES_MAX: u64 = 3;
/// As wide as a time.
const NO_TIME: &str = "          ";
/// In columns, with the blank behind it.
pub(super) const TIME_WIDTH: usize = NO_TIME.len();

/// A log being written. The events bring their times, so a simulated run shows simulated ones.
#[derive(Debug)]
pub struct Log<W = File> {
    /// None once a write has failed.
    writer: Option<W>,
    path: PathBuf,
    /// Of the event that is being told.
    ms: u64,
    /// Of what stands in the file, with everything before the lines.
    output_bytes: u64,
    repeats: Repeats,
    told_wait: ToldWait,
}

impl Log<File> {
    /// A new file that only this user may read.
    pub fn create(path: &Path) -> io::Result<Log> {
        Ok(Log::new(new_private_file(path)?, path.to_owned()))
    }
}

impl<W: Write> Log<W> {
    /// `path` is what the person is told.
    pub fn new(writer: W, path: PathBuf) -> Log<W> {
        Log {
            writer: Some(writer),
            path,
            ms: 0,
            output_bytes: 0,
            repeats: Repeats::default(),
            told_wait: ToldWait::default(),
        }
    }

    /// What has been written, for whoever writes to memory.
    pub fn written(self) -> W
    where
        W: Default,
    {
        self.writer.unwrap_or_default()
    }

    /// Where it is written to; nothing once that has failed.
    pub(super) fn writer(&self) -> Option<&W> {
        self.writer.as_ref()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// None for what is left out: repetitions of a wait.
    fn lines_of(&mut self, event: &Event) -> Option<Vec<String>> {
        match event {
            Event::Waiting { waiting_for, attached, remaining_ms, .. } => {
                let news = self.told_wait.is_news(waiting_for, attached, *remaining_ms);
                return news.then(|| describe::lines(event));
            }
            Event::WaitOver { .. } => self.told_wait.forget(),
            _ => {}
        }
        Some(describe::lines(event))
    }

    /// What a tool printed, up to the limit of the log.
    fn output(&mut self, lead: &str, lines: impl Iterator<Item = String>, length: usize) -> Option<String> {
        if self.output_bytes > OUTPUT_BYTES_MAX {
            return None;
        }
        let mut text = String::with_capacity(length * 2);
        let mut time = self.time();
        for line in lines {
            let line = format!("{lead}{line}");
            if let Some(folded) = self.repeats.takes(&line) {
                if !folded.is_empty() {
                    add(&mut text, &mut time, &folded);
                }
                add(&mut text, &mut time, &line);
            }
        }
        self.output_bytes += text.len() as u64;
        if self.output_bytes > OUTPUT_BYTES_MAX {
            text.clear();
            add(&mut text, &mut self.time(), "more output of tools is left out of this log");
        }
        if text.is_empty() { None } else { self.write(&text) }
    }

    /// Stands before the first line of what is told at once.
    fn time(&self) -> String {
        format!("{:>5}.{:03} ", self.ms / 1000, self.ms % 1000)
    }
}

/// The time stands only once.
fn add(text: &mut String, time: &mut String, line: &str) {
    let _cannot_fail = writeln!(text, "{time}{line}");
    if !time.starts_with(NO_TIME) {
        NO_TIME.clone_into(time);
    }
}

impl<W: Write + std::fmt::Debug> Reader for Log<W> {
    fn event(&mut self, told: &Told<&Event>) -> Option<String> {
        self.ms = told.ms;
        let event = told.event;
        match event {
            Event::ToolOutput { stream, text, transient, .. } => {
                let lead = describe::output_lead(*stream, *transient);
                return self.output(&lead, std::iter::once(clean(text)), text.len());
            }
            Event::ToolLines { stream, text, .. } => {
                let lead = describe::output_lead(*stream, false);
                return self.output(&lead, text.lines().map(str::to_owned), text.len());
            }
            _ => {}
        }
        let told = self.lines_of(event)?;
        let mut text = String::new();
        let mut time = self.time();
        for line in self.repeats.end().into_iter().chain(told) {
            add(&mut text, &mut time, &clean(&line));
        }
        self.write(&text)
    }
}

/// A line that a tool prints again and again is written a few times, and then counted.
#[derive(Debug, Default)]
struct Repeats {
    line: String,
    times: u64,
}

impl Repeats {
    /// Is the line to be written? Then with what is to be told first of the one before it.
    fn takes(&mut self, line: &str) -> Option<String> {
        if line == self.line {
            self.times += 1;
            return (self.times <= SAME_LINES_MAX).then(String::new);
        }
        let folded = self.end().unwrap_or_default();
        line.clone_into(&mut self.line);
        self.times = 1;
        Some(folded)
    }

    /// No further line belongs to these.
    fn end(&mut self) -> Option<String> {
        self.line.clear();
        let more = std::mem::take(&mut self.times).saturating_sub(SAME_LINES_MAX);
        (more > 0).then(|| {
            let times = if more == 1 { "once more".to_owned() } else { format!("{more} times more") };
            format!("  (the line before this one came {times})")
        })
    }
}

impl<W: Write> Log<W> {
    fn write(&mut self, text: &str) -> Option<String> {
        let writer = self.writer.as_mut()?;
        // Unbuffered: after a crash the last line is the interesting one.
        let error = writer.write_all(text.as_bytes()).err()?;
        self.writer = None;
        Some(format!("the log ends here, because {} cannot be written any more ({error})", self.path.display()))
    }
}

#[cfg(test)]
mod tests;
