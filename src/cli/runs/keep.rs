//! Is a record kept of a run? Of every real one, unless the person says that it is to go without.

use std::path::PathBuf;

use console::Term;

use crate::cli::desk::{Desk, agrees, piece};
use crate::cli::job::Job;
use crate::cli::refusal::refuse;
use crate::cli::runs::folder::runs_folder;
use crate::cli::runs::record::{NoRecord, Record};
use crate::cli::style::width_of;
use crate::cli::wording::wrap;
use crate::engine::{Outcome, RecordKept, Refusal, before_anything};
use crate::words::FaultClass;

/// The record of this run; none of a simulation that is not to be kept, and where the person goes on without one.
pub(in crate::cli) fn record_of(job: &mut Job) -> Result<Option<Record>, Box<Refusal>> {
    let real = job.bench.is_none();
    // Nothing irreversible is done without one.
    job.settings.record = real.then(RecordKept::default);
    if job.options.no_record {
        return Ok(None);
    }
    let folder = match folder_of(job) {
        Records::NotKept => return Ok(None),
        Records::In(folder) => Some(folder),
        Records::NoFolder => None,
    };
    match create(job, folder) {
        Ok(record) => {
            if real {
                job.settings.record = Some(record.kept());
            }
            Ok(Some(record))
        }
        Err(why) => without(job, &why),
    }
}

/// Where the records of such runs lie.
pub(in crate::cli) enum Records {
    /// A simulation leaves none.
    NotKept,
    In(PathBuf),
    /// Nothing says where.
    NoFolder,
}

pub(in crate::cli) fn folder_of(job: &Job) -> Records {
    match (&job.bench, &job.options.runs_dir, &job.options.bench) {
        (Some(_), None, None) => Records::NotKept,
        (Some(bench), None, Some(_)) => Records::In(bench.folder().to_owned()),
        (_, given, _) => runs_folder(given.as_deref()).map_or(Records::NoFolder, Records::In),
    }
}

fn create(job: &Job, folder: Option<PathBuf>) -> Result<Record, NoRecord> {
    Record::create(&folder.ok_or(NoRecord::NoFolder)?, &job.settings.playbook_name, job.keep_runs)
}

fn without(job: &Job, why: &NoRecord) -> Result<Option<Record>, Box<Refusal>> {
    if Desk::of(&job.options) == Desk::Person {
        let question = format!(
            "No record of this run can be kept: {}.\nA record tells afterwards what was done to the board; without one, the run is like any other, but nothing is \
             done that cannot be undone. To begin the run without a record, type yes; to begin nothing, press ENTER:",
            piece(&why.to_string())
        );
        // A terminal would break the line anywhere.
        if agrees(&wrap(&question, width_of(&Term::stdout())).join("\n")) {
            return Ok(None);
        }
    }
    Err(cannot_be_kept(why))
}

/// There is no record, and nobody who would go on without one.
pub(in crate::cli) fn cannot_be_kept(why: &NoRecord) -> Box<Refusal> {
    let what = format!("no record of this run can be kept: {why}");
    let next = vec![
        format!("{}name another folder for records with `--runs-dir DIR`.", why.remedy()),
        "To go on without a record, add --no-record; then nothing is done that cannot be undone.".to_owned(),
    ];
    refuse(Outcome::CommandLine, before_anything(FaultClass::BadFile, what, next))
}
