//! The full log of a run: every event in readable text with its time, and everything the tools printed.
//!
//! Written for the person who is sent the file and was not there.

mod describe;
mod folder;

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use crate::cli::reader::Reader;
use crate::cli::told_wait::ToldWait;
use crate::engine::Event;

pub use folder::default_folder;

/// More tool output than this is left out, so that a tool gone wild cannot fill the disk.
const OUTPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Runs of the same playbook started in the same second.
const SAME_NAME_MAX: u32 = 100;

/// Why there is no log. Fit to be shown as a warning: a run without a log is still a run.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("this run leaves no log: no folder for logs is known, because HOME is not set")]
    NoFolder,
    #[error("this run leaves no log: {path} cannot be written ({source})")]
    Unwritable { path: PathBuf, source: io::Error },
}

/// A log being written. The tool's clock gives the times, so a simulated run shows simulated times.
#[derive(Debug)]
pub struct Log<W = File> {
    /// None once a write has failed.
    writer: Option<W>,
    path: PathBuf,
    started: Instant,
    output_bytes: u64,
    told_wait: ToldWait,
}

impl Log<File> {
    /// A new file in `folder`, named after the time and the playbook.
    pub fn create(folder: &Path, playbook: &str) -> Result<Log, LogError> {
        std::fs::create_dir_all(folder).map_err(|source| LogError::Unwritable { path: folder.to_owned(), source })?;
        let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        let name = format!("{now}-{}", folder::file_name_part(playbook));
        let mut path = folder.join(format!("{name}.log"));
        for number in 2..=SAME_NAME_MAX {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Log::new(file, path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    path = folder.join(format!("{name}-{number}.log"));
                }
                Err(source) => return Err(LogError::Unwritable { path, source }),
            }
        }
        Err(LogError::Unwritable { path, source: io::ErrorKind::AlreadyExists.into() })
    }

    /// A new file where this system keeps such things.
    pub fn create_default(playbook: &str) -> Result<Log, LogError> {
        Log::create(&default_folder().ok_or(LogError::NoFolder)?, playbook)
    }
}

impl<W: Write> Log<W> {
    /// `path` is what the person is told.
    pub fn new(writer: W, path: PathBuf) -> Log<W> {
        Log { writer: Some(writer), path, started: Instant::now(), output_bytes: 0, told_wait: ToldWait::default() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// None for what is left out: repetitions of a wait, and output beyond the limit.
    fn lines_of(&mut self, event: &Event) -> Option<Vec<String>> {
        let text = match event {
            Event::Waiting { waiting_for, attached, remaining_ms, .. } => {
                let news = self.told_wait.is_news(waiting_for, attached, *remaining_ms);
                return news.then(|| describe::lines(event));
            }
            Event::WaitOver { .. } => {
                self.told_wait.forget();
                return Some(describe::lines(event));
            }
            Event::ToolOutput { text, .. } | Event::ToolLines { text, .. } => text,
            _ => return Some(describe::lines(event)),
        };
        if self.output_bytes > OUTPUT_BYTES_MAX {
            return None;
        }
        self.output_bytes += text.len() as u64 + 1;
        if self.output_bytes > OUTPUT_BYTES_MAX {
            return Some(vec!["more output of tools is left out of this log".to_owned()]);
        }
        Some(describe::lines(event))
    }
}

impl<W: Write + std::fmt::Debug> Reader for Log<W> {
    fn event(&mut self, event: &Event) -> Option<String> {
        if let Event::ToolLines { stream, text, .. } = event
            && self.output_bytes + text.len() as u64 <= OUTPUT_BYTES_MAX
        {
            self.output_bytes += text.len() as u64;
            return self.write(&self.block(describe::short(*stream), text));
        }
        let lines = self.lines_of(event)?;
        let seconds = self.started.elapsed().as_secs_f64();
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            let lead = if index == 0 { format!("{seconds:>9.3} ") } else { " ".repeat(10) };
            text.push_str(&lead);
            text.push_str(line);
            text.push('\n');
        }
        self.write(&text)
    }
}

impl<W: Write> Log<W> {
    /// The same as line by line, and quicker.
    fn block(&self, stream: &str, text: &str) -> String {
        let mut block = String::with_capacity(text.len() * 2);
        let _cannot_fail = write!(block, "{:>9.3} ", self.started.elapsed().as_secs_f64());
        let lead = format!("  {stream}| ");
        let next = format!("{:10}{lead}", "");
        block.push_str(&lead);
        let text = text.strip_suffix('\n').unwrap_or(text);
        let mut lines = text.split('\n');
        block.push_str(lines.next().unwrap_or_default());
        for line in lines {
            block.push('\n');
            block.push_str(&next);
            block.push_str(line);
        }
        block.push('\n');
        block
    }

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
