//! The record of a run while it is made: its journal, its log for people, and in the end its summary.
//!
//! Whatever becomes of the record, the run goes on: only what cannot be undone is not done without one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::json::in_lines;
use crate::cli::log::{Log, OUTPUT_BYTES_MAX};
use crate::cli::reader::Reader;
use crate::cli::runs::folder::{JOURNAL, LOG, RESERVE, SUMMARY, new_record, remove, sweep};
use crate::cli::runs::journal::JournalEnd;
use crate::cli::runs::summary::RunSummary;
use crate::documents::settings::KeepRuns;
use crate::engine::{Event, RecordKept, Told};
use crate::output::Touched;
use crate::world::{new_private_file, write_whole};

/// Enough for every event of a run but what tools print.
const RESERVED_BYTES: usize = 1024 * 1024;

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NoRecord {
    #[error("no folder for records of runs is known, because HOME is not set")]
    NoFolder,
    #[error("{} cannot be written ({source})", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

impl NoRecord {
    /// What to do about it, to be followed by what always helps.
    pub(in crate::cli) fn remedy(&self) -> &'static str {
        let NoRecord::Unwritable { source, .. } = self else { return "To keep one, " };
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room there, or ",
            io::ErrorKind::PermissionDenied => "Let this user write there, or ",
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                "A file lies where the folder should be: move it away, or "
            }
            io::ErrorKind::ReadOnlyFilesystem => "That disk can only be read: ",
            _ => "To keep one, ",
        }
    }
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
                remove(&folder);
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
        let left_out = self.journal.leaves_out && of_tools(told.event);
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
    /// Only what is done is told, and not what tools print.
    leaves_out: bool,
    reserve: Reserve,
}

/// Space that a full disk gives back. It is locked as long as the run is at work.
#[derive(Debug)]
struct Reserve {
    file: File,
    path: PathBuf,
}

impl Reserve {
    fn create(folder: &Path) -> io::Result<Reserve> {
        let path = folder.join(RESERVE);
        let mut file = new_private_file(&path)?;
        // Not every file system knows locks; then a run at work looks like one that was cut off.
        let _no_locks = file.lock();
        file.write_all(&vec![0; RESERVED_BYTES])?;
        Ok(Reserve { file, path })
    }

    fn give_back(&mut self) {
        let _as_it_was = self.file.set_len(0);
    }

    fn remove(&mut self) {
        let _lies_there = fs::remove_file(&self.path);
    }
}

impl JournalFile {
    fn create(folder: &Path) -> io::Result<JournalFile> {
        let path = folder.join(JOURNAL);
        let file = new_private_file(&path)?;
        let (end, reserve) = (JournalEnd::default(), Reserve::create(folder)?);
        Ok(JournalFile { file: Some(file), path, length: 0, end, output_bytes: 0, leaves_out: false, reserve })
    }

    fn event(&mut self, told: &Told<&Event>) -> Option<String> {
        let of_tools = of_tools(told.event);
        if self.file.is_none() || (of_tools && self.leaves_out) {
            return None;
        }
        let before = self.end.clone();
        let lines = in_lines(told, |told| self.end.line(told)).unwrap_or_default();
        let written = self.append(&lines);
        if written.is_err() {
            self.end.clone_from(&before);
        }
        let complaint = match written {
            Ok(()) if of_tools => self.count(lines.len()),
            Ok(()) => None,
            Err(_) if !self.leaves_out => {
                self.leaves_out = true;
                self.reserve.give_back();
                let again = if of_tools { None } else { self.event(told) };
                again.or(Some(left_out_because("the disk is full")))
            }
            Err(error) => {
                self.file = None;
                let path = self.path.display();
                Some(format!("the record of this run ends here, because {path} cannot be written any more ({error})"))
            }
        };
        complaint.or_else(|| self.sync(told.event))
    }

    /// A tool gone wild must not fill the disk.
    fn count(&mut self, bytes: usize) -> Option<String> {
        self.output_bytes += bytes as u64;
        self.leaves_out = self.output_bytes > OUTPUT_BYTES_MAX;
        self.leaves_out.then(|| left_out_because("the tools have printed too much"))
    }

    fn sync(&self, event: &Event) -> Option<String> {
        let error = self.file.as_ref().filter(|_| decides(event))?.sync_data().err()?;
        Some(format!("{} may not outlast a loss of power ({error})", self.path.display()))
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

fn left_out_because(why: &str) -> String {
    format!("{why}: from here on the record of this run leaves out what the tools print")
}

fn of_tools(event: &Event) -> bool {
    matches!(
        event,
        Event::ToolOutput { .. } | Event::ToolLines { .. } | Event::HandsOutput { .. } | Event::Progress { .. }
    )
}

/// Whoever looks after a loss of power must find it: around each change of the board, and all that concerns what cannot be undone.
fn decides(event: &Event) -> bool {
    match event {
        Event::ToolStarted { changes_board, .. } => *changes_board,
        Event::ToolEnded { touched, .. } => *touched != Touched::Nothing,
        Event::ConsentAsked { .. }
        | Event::ConsentGiven { .. }
        | Event::FuseRead { .. }
        | Event::BoardProven { .. }
        | Event::Finished { .. } => true,
        Event::RunStarted { .. }
        | Event::LookingForTools { .. }
        | Event::ToolPassedOver { .. }
        | Event::ToolFound { .. }
        | Event::InputReady { .. }
        | Event::StepStarted { .. }
        | Event::StepSkipped { .. }
        | Event::ToolOutput { .. }
        | Event::ToolLines { .. }
        | Event::Progress { .. }
        | Event::ToolAsked { .. }
        | Event::ToolAnswered { .. }
        | Event::Prompted { .. }
        | Event::HandsMoving { .. }
        | Event::HandsOutput { .. }
        | Event::HandsMoved { .. }
        | Event::Waiting { .. }
        | Event::Hinted { .. }
        | Event::Flapping { .. }
        | Event::WaitOver { .. }
        | Event::BoardAsked { .. }
        | Event::HealthyAsked { .. }
        | Event::Retrying { .. }
        | Event::Restarting { .. }
        | Event::Interrupted { .. }
        | Event::Warning { .. }
        | Event::Note { .. }
        | Event::MaySleep { .. }
        | Event::LeftAlone { .. }
        | Event::PlaceEmpty { .. }
        | Event::StationFinished { .. }
        | Event::StepFinished { .. } => false,
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs::OpenOptions;

    use super::*;
    use crate::cli::runs::journal::Journal;
    use crate::engine::{Outcome, without_problem};
    use crate::words::Stream;

    fn output() -> Event {
        Event::ToolOutput { step: "a".parse().unwrap(), stream: Stream::Stdout, text: "x".into(), transient: false }
    }

    fn note(text: &str) -> Event {
        Event::Note { text: text.to_owned() }
    }

    fn record(runs: &Path) -> Record {
        Record::create(runs, "h7.yaml", KeepRuns::default()).unwrap()
    }

    fn events(record: &Record) -> Vec<Event> {
        let journal = Journal::open(&record.folder.join(JOURNAL), None).unwrap();
        journal.events.into_iter().map(|told| told.event).collect()
    }

    fn told(record: &mut Record, event: &Event) -> Option<String> {
        record.event(&Told::now(event))
    }

    /// What is done is told on; of what tools print nothing.
    #[test]
    fn output_has_a_limit_and_what_is_done_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record(folder.path());
        record.journal.output_bytes = OUTPUT_BYTES_MAX;
        let complaint = told(&mut record, &output()).unwrap();
        assert!(complaint.starts_with("the tools have printed too much"), "{complaint}");
        let length = record.journal.length;
        assert_eq!((told(&mut record, &output()), record.journal.length), (None, length));
        assert_eq!(told(&mut record, &note("done")), None);
        assert!(matches!(events(&record).as_slice(), [Event::ToolOutput { .. }, Event::Note { .. }]));
        assert!(record.kept().is_kept());
    }

    /// Linux has a device that is always full.
    #[test]
    fn whoever_needs_the_record_hears_that_it_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record(folder.path());
        assert_eq!(told(&mut record, &note("first")), None);
        let kept = record.kept();
        record.journal.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let complaint = told(&mut record, &note("second")).unwrap();
        assert!(complaint.starts_with("the record of this run ends here"), "{complaint}");
        assert!(!kept.is_kept());
        assert_eq!(told(&mut record, &note("third")), None);
        assert_eq!(told(&mut record, &without_problem(Outcome::Recovered)), None);
        assert_eq!(events(&record).len(), 1);
        assert!(!record.folder.join(RESERVE).exists());
    }

    #[test]
    fn all_of_it_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mut record = record(folder.path());
        let modes = |record: &Record| -> Vec<(String, u32)> {
            let files = fs::read_dir(&record.folder).unwrap().map(Result::unwrap);
            let mode = |file: &fs::DirEntry| file.metadata().unwrap().permissions().mode() & 0o777;
            files.map(|file| (file.file_name().into_string().unwrap(), mode(&file))).collect()
        };
        record.write_summary().unwrap();
        assert_eq!(modes(&record).len(), 4);
        assert!(modes(&record).iter().all(|(_, mode)| *mode == 0o600), "{:?}", modes(&record));
        assert_eq!(told(&mut record, &without_problem(Outcome::Recovered)), None);
        assert!(modes(&record).iter().all(|(_, mode)| *mode == 0o600), "{:?}", modes(&record));
    }

    #[test]
    fn a_record_that_cannot_be_made_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "mine").unwrap();
        let why = Record::create(&file.join("runs"), "h7", KeepRuns::default()).unwrap_err();
        assert!(why.remedy().starts_with("A file lies where the folder should be"), "{why}");
        let because = |kind: io::ErrorKind| NoRecord::Unwritable { path: file.clone(), source: kind.into() }.remedy();
        assert_eq!(because(io::ErrorKind::StorageFull), "Make room there, or ");
        assert_eq!(because(io::ErrorKind::PermissionDenied), "Let this user write there, or ");
        assert!(!because(io::ErrorKind::ReadOnlyFilesystem).contains("room"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }
}
