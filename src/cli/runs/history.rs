//! What is on record of a unit: told at the start of its next run, in `recover runs --unit` and in reports.

use std::path::Path;

use jiff::Timestamp;

use crate::cli::desk::piece;
use crate::cli::job::Job;
use crate::cli::runs::folder::records;
use crate::cli::runs::keep::{Records, folder_of};
use crate::cli::runs::kept_run::{Ended, KeptRun};
use crate::cli::wording::count;
use crate::engine::{Event, Outcome};

/// More runs than these are counted only.
const RUNS_MAX: usize = 3;

/// The runs for this unit that are over, the newest first; simulated ones, or real ones.
pub(in crate::cli) fn runs_of_unit(folder: &Path, unit: &str, simulated: bool) -> Vec<KeptRun> {
    let names = records(folder).unwrap_or_default();
    let runs = names.iter().map(|name| KeptRun::glance(&folder.join(name)));
    let wanted = |run: &KeptRun| {
        let summary = &run.summary;
        summary.run.unit.as_deref() == Some(unit) && summary.simulated == simulated && run.ended() != Ended::AtWork
    };
    runs.filter(wanted).collect()
}

/// A line about the unit that a run is for, where it is on record.
pub(in crate::cli) fn seen_before(job: &Job) -> Option<Event> {
    let unit = job.options.unit.as_deref()?;
    let Records::In(folder) = folder_of(job) else { return None };
    let runs = runs_of_unit(&folder, unit, job.settings.simulated);
    if runs.is_empty() {
        return None;
    }
    let told: Vec<String> = runs.iter().take(RUNS_MAX).rev().map(in_words).collect();
    let times = match runs.len() {
        number if number > RUNS_MAX => format!(" {}, the last ones", count(number, "time", "times")),
        _ => String::new(),
    };
    Some(Event::Note { text: format!("The unit {} was seen before{times}: {}.", piece(unit), told.join("; ")) })
}

/// `not recovered 3 hours ago at the step "Write the firmware"`.
fn in_words(run: &KeptRun) -> String {
    let when = run.summary.last.map(|last| format!(" {}", ago(last))).unwrap_or_default();
    let step = run.at_step().map(|step| format!(" at the step \"{}\"", piece(step))).unwrap_or_default();
    format!("{}{when}{step}", past(run.ended()))
}

/// How it ended, of a time that is over.
fn past(ended: Ended) -> &'static str {
    match ended {
        Ended::So(Outcome::Recovered) => "recovered",
        Ended::So(Outcome::Planned) => "planned",
        Ended::So(Outcome::StepFailed) => "not recovered",
        Ended::So(Outcome::RefusedByPlaybook) => "stopped by the playbook",
        Ended::So(Outcome::CommandLine | Outcome::PlaybookInvalid) => "not started",
        Ended::So(Outcome::ToolMissing) => "a tool was missing",
        Ended::So(Outcome::DeviceUnavailable) => "the board could not be reached",
        Ended::So(Outcome::Declined) => "stopped without consent",
        Ended::So(Outcome::BoardBusy) => "another run held the board",
        Ended::So(Outcome::Defect) => "ended by a defect in recover",
        Ended::So(Outcome::HandsFailed) => "the hands failed",
        Ended::So(Outcome::Interrupted) => "interrupted",
        Ended::AtWork => "still at work",
        Ended::CutOff => "cut off",
    }
}

/// "12 minutes ago", as people say it.
pub(in crate::cli) fn ago(then: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(then).as_secs().max(0);
    let told = |count: i64, unit: &str| format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" });
    match seconds {
        0..60 => "just now".to_owned(),
        60..7_200 => told(seconds / 60, "minute"),
        7_200..172_800 => told(seconds / 3_600, "hour"),
        _ => told(seconds / 86_400, "day"),
    }
}
