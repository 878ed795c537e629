//! A record of a run, looked at later: its summary, and its events where they are wanted.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::runs::folder::{JOURNAL, RESERVE, SUMMARY, is_named_as_record, records};
use crate::cli::runs::journal::{Journal, JournalError};
use crate::cli::runs::summary::RunSummary;
use crate::cli::summary::headline;
use crate::words::Outcome;

/// A summary is a few kilobytes, with the words of a failure.
const SUMMARY_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Debug)]
pub(in crate::cli) struct KeptRun {
    /// Of its folder.
    pub(in crate::cli) name: String,
    pub(in crate::cli) summary: RunSummary,
    pub(in crate::cli) journal: PathBuf,
    at_work: bool,
    /// A file of its own, with nothing beside it.
    sent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Ended {
    So(Outcome),
    AtWork,
    /// Killed, or the power was lost.
    CutOff,
}

impl Ended {
    pub(in crate::cli) fn headline(self) -> &'static str {
        match self {
            Ended::So(outcome) => headline(outcome),
            Ended::AtWork => "STILL AT WORK",
            Ended::CutOff => "CUT OFF",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NoSuchRun {
    #[error("no record of the run `{name}` is in {}", folder.display())]
    Unknown { name: String, folder: PathBuf },
    #[error("no run is named: RUN is `last`, or a name or the beginning of one, as `recover runs` shows them")]
    Unnamed,
    #[error("`{name}` may be any of {}", list.join(", "))]
    Several { name: String, list: Vec<String> },
    #[error("there is no record of a run in {}", folder.display())]
    None { folder: PathBuf },
    #[error("{} cannot be read: {source}", folder.display())]
    Unreadable { folder: PathBuf, source: io::Error },
}

impl KeptRun {
    /// The run of this name in the folder, or whose name begins so; or the last one.
    pub(in crate::cli) fn find(folder: &Path, name: &str) -> Result<KeptRun, NoSuchRun> {
        if name.is_empty() {
            return Err(NoSuchRun::Unnamed);
        }
        let folder_of = folder.to_owned();
        let names = records(folder).map_err(|source| NoSuchRun::Unreadable { folder: folder_of.clone(), source })?;
        if name == "last" {
            let last = names.first().ok_or(NoSuchRun::None { folder: folder_of })?;
            return Ok(KeptRun::look(&folder.join(last)));
        }
        let fitting: Vec<&String> = match names.iter().find(|known| *known == name) {
            Some(exact) => vec![exact],
            None => names.iter().filter(|known| known.starts_with(name)).collect(),
        };
        match fitting.as_slice() {
            [one] => Ok(KeptRun::look(&folder.join(one))),
            [] => Err(NoSuchRun::Unknown { name: name.to_owned(), folder: folder_of }),
            several => {
                Err(NoSuchRun::Several { name: name.to_owned(), list: several.iter().copied().cloned().collect() })
            }
        }
    }

    /// Only what the summary says; of a run that was killed that is its beginning, if anything.
    pub(in crate::cli) fn glance(record: &Path) -> KeptRun {
        let name = record.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let summary = summary_of(&record.join(SUMMARY)).unwrap_or_default();
        let at_work = is_locked(&record.join(RESERVE));
        KeptRun { name, summary, journal: record.join(JOURNAL), at_work, sent: false }
    }

    /// Of a run that was killed the summary lacks most, so it is worked out from the journal, as far as that can be read.
    pub(in crate::cli) fn look(record: &Path) -> KeptRun {
        let mut run = KeptRun::glance(record);
        if run.summary.end.is_none() {
            let read = Journal::open(&run.journal, None);
            run.summary = read.map(|journal| RunSummary::of(&journal.events)).unwrap_or_default();
        }
        run
    }

    /// A file that was made to be sent.
    pub(in crate::cli) fn of_file(file: &Path) -> Result<(KeptRun, Journal), JournalError> {
        let journal = Journal::open(file, None)?;
        let summary = RunSummary::of(&journal.events);
        // Files are named after runs, and what stands in this one was written by anybody.
        let own_name = || file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let named = Some(&summary.run.run_id).filter(|name| is_named_as_record(name)).cloned();
        let name = named.unwrap_or_else(own_name);
        Ok((KeptRun { name, summary, journal: file.to_owned(), at_work: false, sent: true }, journal))
    }

    /// Is it a file that was made to be sent? Then nothing lies beside it.
    pub(in crate::cli) fn is_sent(&self) -> bool {
        self.sent
    }

    /// The run has ended, and its journal had before.
    pub(in crate::cli) fn ends_early(&self) -> bool {
        self.summary.end.is_some() && self.summary.journal.is_none() && !self.sent
    }

    pub(in crate::cli) fn ended(&self) -> Ended {
        match &self.summary.end {
            Some(end) => Ended::So(end.outcome),
            None if self.at_work => Ended::AtWork,
            None => Ended::CutOff,
        }
    }

    /// Where it failed, for people.
    pub(in crate::cli) fn at_step(&self) -> Option<&str> {
        let problem = self.summary.end.as_ref()?.problem.as_ref()?;
        problem.step_name.as_deref().or(problem.step.as_ref().map(|step| step.as_str()))
    }

    /// What the journal says where the summary beside it says something else.
    pub(in crate::cli) fn told_otherwise(&self, journal: &Journal) -> Option<RunSummary> {
        let mut told = RunSummary::of(&journal.events);
        told.journal.clone_from(&self.summary.journal);
        let same = serde_json::to_value(&told).ok() == serde_json::to_value(&self.summary).ok();
        // Events of a newer recover may be missing in what this one works out.
        (!same && journal.unknown == 0).then_some(told)
    }

    /// Everything that was told, as it was written.
    pub(in crate::cli) fn journal(&self) -> Result<Journal, JournalError> {
        Journal::open(&self.journal, self.summary.journal.as_ref().filter(|_| self.summary.end.is_some()))
    }
}

fn summary_of(path: &Path) -> Option<RunSummary> {
    let small = fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= SUMMARY_BYTES_MAX);
    if small { serde_json::from_slice(&fs::read(path).ok()?).ok() } else { None }
}

/// Whoever makes the record holds this.
fn is_locked(reserve: &Path) -> bool {
    File::open(reserve).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
