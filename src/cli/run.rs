//! `recover run`: from the command line to the exit code. Each part stands in a file of its own.

use crate::cli::arguments::RunArgs;
use crate::cli::defect::or_defect;
use crate::cli::doctor::before_a_run;
use crate::cli::dry_run::dry_run;
use crate::cli::job::Job;
use crate::cli::open::Page;
use crate::cli::reader::{Reader, Readers};
use crate::cli::refusal::show_refusal;
use crate::cli::resume::starts_from;
use crate::cli::runs::history::seen_before;
use crate::cli::runs::keep::record_of;
use crate::cli::runs::record::Record;
use crate::cli::style::Look;
use crate::cli::workplace::PlaceOfRun;
use crate::engine::{Event, Outcome, conduct};
use crate::world::drop_typed_ahead;

/// Runs a playbook; everything that happens is told, and the outcome is the exit code.
pub(super) fn run(args: RunArgs, look: &Look) -> Outcome {
    let format = args.options.message_format;
    let (mut job, about_catalogs) = match Job::prepare(args, look) {
        Ok(prepared) => prepared,
        Err(refusal) => return show_refusal(&refusal, format),
    };
    if job.options.dry_run {
        return dry_run(&job, &about_catalogs);
    }
    let about_unit = seen_before(&job);
    let about_earlier = match starts_from(&mut job, look) {
        Ok(told) => told,
        Err(refusal) => return show_refusal(&refusal, format),
    };
    let page = match Page::of(&job) {
        Ok(page) => page,
        Err(refusal) => return show_refusal(&refusal, format),
    };
    let record = match record_of(&mut job) {
        Ok(record) => record,
        Err(refusal) => {
            if let Some(page) = page {
                page.refused(&refusal);
            }
            return show_refusal(&refusal, format);
        }
    };
    let (at_page, seen) = page.as_ref().map(|page| page.begin(&job, record.as_ref())).unzip();
    let started = job.started(record.as_ref().map(Record::run_id).unwrap_or_default());
    let mut readers = Readers::of(&job, record, seen.map(|seen| Box::new(seen) as Box<dyn Reader>));
    let mut tell = |event: &Event| {
        for told in job.recording.iter().flat_map(|recording| recording.event(event)) {
            readers.tell(&told);
        }
        readers.tell(event);
    };
    tell(&started);
    about_catalogs.iter().chain(&about_unit).chain(&about_earlier).for_each(&mut tell);
    if job.bench.is_none() {
        before_a_run(&job.playbook, &job.catalog).iter().for_each(&mut tell);
    }
    let outcome = match or_defect(|| conduct(job.assignment(), &mut PlaceOfRun::of(&job, at_page), &mut tell)) {
        Ok(outcome) => outcome,
        Err(refusal) => refusal.told(&mut tell),
    };
    if let Some(page) = page {
        page.close();
    }
    if outcome == Outcome::Interrupted {
        // Keys that were pressed until it ended were meant for it, not for the shell.
        drop_typed_ahead();
    }
    outcome
}
