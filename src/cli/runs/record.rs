//! The record of a run while it is made: its journal, its log for people, and in the end its summary.
//!
//! Whatever becomes of the record, the run goes on: only what cannot be undone is not done without one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::json::in_lines;
use crate::cli::log::Log;
use crate::cli::reader::Reader;
use crate::cli::runs::folder::{JOURNAL, LOG, RESERVE, SUMMARY, new_record, sweep};
use crate::cli::runs::journal::JournalEnd;
use crate::cli::runs::summary::RunSummary;
use crate::documents::settings::KeepRuns;
use crate::engine::{Event, RecordKept, Told};
use crate::output::Touched;
use crate::world::write_whole;

/// Enough for every event of a run but what tools print.
const RESERVED_BYTES: usize = 1024 * 1024;
/// More tool output than this is left out, so that a tool gone wild cannot fill the disk.
const OUTPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NoRecord {
    #[error("no folder for records of runs is known, because HOME is not set")]
    NoFolder,
    #[error("{} cannot be written ({source})", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

#[derive(Debug)]
pub(in crate::cli) struct Record {
    folder: PathBuf,
    journal: JournalFile,
    log: Log,
    summary: RunSummary,
    keep: KeepRuns,
    kept: RecordKept,
}

impl Record {
    /// A new one in `runs`. Space is reserved, so that a disk that is almost full is noticed before anything has begun.
    pub(in crate::cli) fn create(runs: &Path, playbook: &str, keep: KeepRuns) -> Result<Record, NoRecord> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            |source| NoRecord::Unwritable { path, source }
        };
        let folder = new_record(runs, playbook).map_err(unwritable(runs))?;
        let made = || {
            let journal = JournalFile::create(&folder)?;
            let log = Log::create(&folder.join(LOG))?;
            Ok((journal, log))
        };
        let (journal, log) = match made() {
            Ok(made) => made,
            Err(source) => {
                // It is empty, or holds what no run will fill.
                let _stays = fs::remove_dir_all(&folder);
                return Err(unwritable(&folder)(source));
            }
        };
        let (summary, kept) = (RunSummary::default(), RecordKept::kept());
        Ok(Record { folder, journal, log, summary, keep, kept })
    }

    pub(in crate::cli) fn log_path(&self) -> &Path {
        self.log.path()
    }

    /// The name of the run.
    pub(in crate::cli) fn run_id(&self) -> String {
        self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Hears of it when the record ends early.
    pub(in crate::cli) fn kept(&self) -> RecordKept {
        self.kept.clone()
    }

    fn write_summary(&mut self) -> io::Result<()> {
        self.summary.journal = self.journal.file.as_ref().map(|_| self.journal.end.clone());
        let text = serde_json::to_string_pretty(&self.summary)?;
        write_whole(&self.folder.join(SUMMARY), format!("{text}\n").as_bytes())
    }

    fn end(&mut self) -> Option<String> {
        self.journal.reserve.remove();
        let complaint = self
            .write_summary()
            .err()
            .map(|error| format!("{} cannot be written ({error})", self.folder.join(SUMMARY).display()));
        if let Some(runs) = self.folder.parent() {
            sweep(runs, &self.keep, std::time::SystemTime::now());
        }
        complaint
    }
}

impl Reader for Record {
    fn event(&mut self, told: &Told<&Event>) -> Option<String> {
        self.summary.hear(told);
        let of_journal = self.journal.event(told);
        // What a full disk has given back is not for what tools print.
        let left_out = self.journal.reserve.used && of_tools(told.event);
        let of_log = if left_out { None } else { self.log.event(told) };
        self.kept.set(self.journal.file.is_some());
        let at_the_end = match told.event {
            // From here on a killed run is found by its summary, too.
            Event::RunStarted { .. } => self.write_summary().err().map(|error| error.to_string()),
            Event::Finished { .. } => self.end(),
            _ => None,
        };
        of_journal.or(of_log).or(at_the_end)
    }
}

#[derive(Debug)]
struct JournalFile {
    /// None once it cannot be written any more.
    file: Option<File>,
    path: PathBuf,
    /// Of what is whole in the file.
    length: u64,
    end: JournalEnd,
    output_bytes: u64,
    reserve: Reserve,
}

/// Space that a full disk gives back. It is locked as long as the run is at work.
#[derive(Debug)]
struct Reserve {
    file: File,
    path: PathBuf,
    /// A full disk has needed it.
    used: bool,
}

impl Reserve {
    fn create(folder: &Path) -> io::Result<Reserve> {
        let path = folder.join(RESERVE);
        let mut file = File::create_new(&path)?;
        // Not every file system knows locks; then a run at work looks like one that was cut off.
        let _no_locks = file.lock();
        file.write_all(&vec![0; RESERVED_BYTES])?;
        Ok(Reserve { file, path, used: false })
    }

    fn give_back(&mut self) {
        self.used = true;
        let _as_it_was = self.file.set_len(0);
    }

    fn remove(&mut self) {
        let _lies_there = fs::remove_file(&self.path);
    }
}

impl JournalFile {
    fn create(folder: &Path) -> io::Result<JournalFile> {
        let path = folder.join(JOURNAL);
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        let (end, reserve) = (JournalEnd::default(), Reserve::create(folder)?);
        Ok(JournalFile { file: Some(file), path, length: 0, end, output_bytes: 0, reserve })
    }

    fn event(&mut self, told: &Told<&Event>) -> Option<String> {
        let of_tools = of_tools(told.event);
        // A disk that was full, or a tool gone wild: only what is done is told.
        if of_tools && (self.reserve.used || self.output_bytes > OUTPUT_BYTES_MAX) {
            return None;
        }
        self.file.as_ref()?;
        let before = self.end.clone();
        let lines = in_lines(told, |told| self.end.line(told)).unwrap_or_default();
        if of_tools {
            self.output_bytes += lines.len() as u64;
        }
        let mut complaint = None;
        let mut written = self.append(&lines);
        if written.is_err() && !self.reserve.used {
            self.reserve.give_back();
            complaint = Some(
                "the disk is full: from here on the record of this run leaves out what the tools print".to_owned(),
            );
            written = if of_tools { Err(io::ErrorKind::StorageFull.into()) } else { self.append(&lines) };
        }
        match written {
            Ok(()) => {}
            Err(_) if of_tools && complaint.is_some() => self.end = before,
            Err(error) => {
                self.file = None;
                self.end = before;
                complaint = Some(format!(
                    "the record of this run ends here, because {} cannot be written any more ({error})",
                    self.path.display()
                ));
            }
        }
        if decides(told.event)
            && let Some(Err(error)) = self.file.as_ref().map(File::sync_data)
        {
            complaint.get_or_insert(format!("{} may not outlast a loss of power ({error})", self.path.display()));
        }
        complaint
    }

    /// The whole lines, or nothing of them.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if let Err(error) = file.write_all(lines) {
            file.set_len(self.length)?;
            return Err(error);
        }
        self.length += lines.len() as u64;
        Ok(())
    }
}

fn of_tools(event: &Event) -> bool {
    matches!(event, Event::ToolOutput { .. } | Event::ToolLines { .. } | Event::Progress { .. })
}

/// Whoever looks after a loss of power must find it: around each change of the board, and all that concerns what cannot be undone.
fn decides(event: &Event) -> bool {
    match event {
        Event::ToolStarted { changes_board, .. } => *changes_board,
        Event::ToolEnded { touched, .. } => *touched != Touched::Nothing,
        Event::ConsentGiven { .. } | Event::FuseRead { .. } | Event::Finished { .. } => true,
        _ => false,
    }
}
