//! What a run starts from: nothing that an earlier run has left, or what that has written, which the board must then prove.
//!
//! The record of the last run of the same playbook says what is likely; it decides only what is read before it is written.

use std::path::Path;

use jiff::Timestamp;

use crate::cli::desk::{Desk, declines, piece};
use crate::cli::job::Job;
use crate::cli::refusal::refuse;
use crate::cli::runs::folder::records;
use crate::cli::runs::history::ago;
use crate::cli::runs::journal::Journal;
use crate::cli::runs::keep::{Records, folder_of};
use crate::cli::runs::kept_run::{Ended, KeptRun};
use crate::cli::style::Look;
use crate::cli::wording::wrap;
use crate::engine::{Already, Earlier, Event, Outcome, Refusal, RunDocument, before_anything};
use crate::words::FaultClass;

/// So many records are looked at: an older run than these is nobody's last one.
const RECORDS_MAX: usize = 50;
/// Nobody tries more often in vain.
const RUNS_MAX: usize = 10;
/// More parts than these are counted only.
const NAMES_MAX: usize = 6;

/// The last run for this board, which ended early.
struct LastRun {
    ended: Timestamp,
    earlier: Earlier,
    /// Where it ended, for people.
    at_step: Option<String>,
}

enum Found {
    Nothing,
    Last(LastRun),
    /// The last one, by its name, was of another playbook or catalog.
    OfOthers(String),
    /// The last one ended early, but nothing had been written by then.
    NothingWritten(String),
}

/// Settles what the run starts from; answers with what is to be told about it.
pub(super) fn starts_from(job: &mut Job, look: &Look) -> Result<Vec<Event>, Box<Refusal>> {
    if job.options.only_what_differs {
        job.settings.already = Already::Anything;
        return Ok(Vec::new());
    }
    if job.options.from_scratch {
        return Ok(Vec::new());
    }
    let wanted = job.options.resume;
    let last = match folder_of(job) {
        Records::In(folder) => last_run(job, &folder),
        Records::NotKept | Records::NoFolder => Found::Nothing,
    };
    let last = match last {
        Found::Last(last) => last,
        Found::OfOthers(name) => {
            let text = format!(
                "the last run, {name}, ended early, but with another playbook or catalog: everything is written anew"
            );
            return Ok(vec![if wanted { Event::Warning { text } } else { Event::Note { text } }]);
        }
        Found::NothingWritten(name) if wanted => {
            let text = format!("The last run, {name}, ended early and before it wrote anything: this one begins anew.");
            return Ok(vec![Event::Note { text }]);
        }
        Found::Nothing if wanted => return Err(nothing_to_resume()),
        Found::Nothing | Found::NothingWritten(_) => return Ok(Vec::new()),
    };
    if !wanted && Desk::of(&job.options) == Desk::Person && declines(&question(&last, look.width)) {
        return Ok(Vec::new());
    }
    let told = Event::Note { text: format!("{} What can be read back is read before it is written.", last.in_words()) };
    job.settings.already = Already::Earlier(last.earlier);
    Ok(vec![told])
}

fn nothing_to_resume() -> Box<Refusal> {
    let what = "there is nothing to go on with: no run of this playbook that ended early is on record".to_owned();
    let next = vec![
        "Run recover again without --resume: it begins anew.".to_owned(),
        "To read back first whatever can be read, and write only what differs, use --only-what-differs.".to_owned(),
    ];
    refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, what, next))
}

fn question(last: &LastRun, width: usize) -> String {
    let text = format!(
        "{} This run can go on from there: what can be read back from the board is read first, and written again only where it \
         is not as it should be.",
        last.in_words()
    );
    let lines = wrap(&text, width);
    format!("{}\nGo on from there? ENTER for yes, no to write everything anew:", lines.join("\n"))
}

/// What is on record of the runs of this playbook, at this port and for this unit where they are named, since the last one that
/// recovered a board.
fn last_run(job: &Job, folder: &Path) -> Found {
    let names = records(folder).unwrap_or_default();
    let runs = names.iter().take(RECORDS_MAX).map(|name| KeptRun::glance(&folder.join(name)));
    let runs = runs.filter(|run| fits(job, run)).take_while(|run| run.ended() != Ended::So(Outcome::Recovered));
    let (mut journals, mut of_others, mut unwritten) = (Vec::new(), None, None);
    for run in runs.take(RUNS_MAX) {
        // One whose record cannot be relied on says nothing of those before it either.
        let Some(journal) = run.journal().ok().filter(|journal| journal.damage.is_none()) else { break };
        let earlier = Earlier::of(events(&journal));
        let elsewhere = job.options.port.as_deref().zip(earlier.port()).is_some_and(|(wanted, known)| wanted != known);
        if elsewhere {
            continue;
        }
        let changed = !earlier.regions.is_empty();
        if documents(&run.summary.run.documents) != documents(job.documents()) {
            of_others = changed.then_some(run.name).filter(|_| journals.is_empty());
            break;
        }
        if changed || !journals.is_empty() {
            journals.push(journal);
        } else {
            unwritten.get_or_insert(run.name);
        }
    }
    let Some(last) = journals.first() else {
        let unwritten = unwritten.map_or(Found::Nothing, Found::NothingWritten);
        return of_others.map_or(unwritten, Found::OfOthers);
    };
    let Some(ended) = last.events.last().map(|told| told.utc) else { return Found::Nothing };
    let at_step = last.events.iter().rev().find_map(|told| match &told.event {
        Event::StepStarted { name, .. } => Some(name.clone()),
        _ => None,
    });
    // What one of them only proved, an earlier one has written.
    let earlier = Earlier::of(journals.iter().rev().flat_map(events));
    Found::Last(LastRun { ended, earlier, at_step })
}

fn events(journal: &Journal) -> impl Iterator<Item = &Event> {
    journal.events.iter().map(|told| &told.event)
}

/// What of documents must be the same.
fn documents(of: &[RunDocument]) -> Vec<&str> {
    let mut all: Vec<&str> = of.iter().map(|document| document.sha256.as_str()).collect();
    all.sort_unstable();
    all
}

fn fits(job: &Job, run: &KeptRun) -> bool {
    let named =
        |wanted: &Option<String>, known: &Option<String>| wanted.is_none() || known.is_none() || wanted == known;
    let details = &run.summary.run;
    run.summary.playbook == job.settings.playbook_name
        && run.summary.simulated == job.settings.simulated
        && named(&job.options.port, &details.port)
        && named(&job.options.serial, &details.serial)
        && job.options.unit == details.unit
        && run.ended() != Ended::AtWork
}

impl LastRun {
    fn in_words(&self) -> String {
        let regions = &self.earlier.regions;
        let mut names: Vec<&str> = regions.iter().take(NAMES_MAX).map(|region| region.name.as_str()).collect();
        let more = format!("{} more", regions.len().saturating_sub(NAMES_MAX));
        if regions.len() > NAMES_MAX {
            names.push(&more);
        }
        let at = self.at_step.as_ref().map(|step| format!(" at the step \"{}\"", piece(step))).unwrap_or_default();
        format!(
            "The last run of this playbook, {}, ended early{at}. Written by then, or begun: {}.",
            ago(self.ended),
            piece(&names.join(", "))
        )
    }
}
