//! Which runs a report about many of them is about, and which it leaves out, with the reason.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::cli::arguments::ReportArgs;
use crate::cli::report::{ReportError, read};
use crate::cli::runs::folder::{records, runs_folder, time_of, without_journal};
use crate::cli::runs::kept_run::{Ended, KeptRun, NoSuchRun};
use crate::cli::wording::count;

#[derive(Debug)]
pub(super) struct Selection {
    /// "runs that began since …", for people.
    pub(super) what: String,
    /// The first one first.
    pub(super) runs: Vec<SelectedRun>,
    /// Sentences.
    pub(super) left_out: Vec<String>,
    pub(super) flaws: Vec<Flaw>,
}

#[derive(Debug)]
pub(super) struct SelectedRun {
    pub(super) run: KeptRun,
    pub(super) began: Option<Timestamp>,
    /// What is wrong with its record.
    pub(super) flaw: Option<String>,
}

/// Something about the record of a run that whoever reads the figures must know.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) run: String,
    pub(super) what: String,
    /// It is not as it was written.
    pub(super) damaged: bool,
}

impl Selection {
    /// What it is about, as a line that stands by itself.
    pub(super) fn asked(&self) -> String {
        let mut text = self.what.clone();
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        text
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.flaws.iter().any(|flaw| flaw.damaged)
    }
}

/// Nothing is left to be told of.
#[derive(Debug, thiserror::Error)]
#[error("there are no {what}{}", reasons.iter().map(|reason| format!(". {reason}")).collect::<String>())]
pub(super) struct NothingSelected {
    what: String,
    /// Why the runs that there are do not count.
    reasons: Vec<String>,
}

pub(super) fn select(args: &ReportArgs, now: &Zoned) -> Result<Selection, ReportError> {
    let mut sieve = Sieve { simulated_too: args.simulated, ..Sieve::default() };
    let what = if args.runs.is_empty() {
        sieve.by_time_and_unit(args, now)?
    } else {
        // Whoever names a simulated run wants it.
        sieve.simulated_too = true;
        let mut journals = BTreeSet::new();
        for name in &args.runs {
            let (run, _) = read(args, name)?;
            // Runs of two computers may have one name.
            if journals.insert(run.journal.canonicalize().unwrap_or_else(|_| run.journal.clone())) {
                sieve.take(run);
            }
        }
        "runs that you named".to_owned()
    };
    let left_out = sieve.left_out();
    let Sieve { mut runs, flaws, .. } = sieve;
    if runs.is_empty() {
        let folder = runs_folder(args.runs_dir.as_deref()).filter(|_| args.runs.is_empty());
        let what = folder.map_or_else(|| what.clone(), |folder| format!("{what} in {}", folder.display()));
        let flaws = flaws.iter().map(|flaw| format!("{}: {}", flaw.run, flaw.what));
        return Err(NothingSelected { what, reasons: left_out.into_iter().chain(flaws).collect() }.into());
    }
    runs.sort_by(|one, other| (one.began, &one.run.name).cmp(&(other.began, &other.run.name)));
    Ok(Selection { what, runs, left_out, flaws })
}

#[derive(Debug, Default)]
struct Sieve {
    simulated_too: bool,
    runs: Vec<SelectedRun>,
    flaws: Vec<Flaw>,
    at_work: Vec<String>,
    simulated: usize,
}

impl Sieve {
    /// Answers with what was asked for.
    fn by_time_and_unit(&mut self, args: &ReportArgs, now: &Zoned) -> Result<String, ReportError> {
        let folder = runs_folder(args.runs_dir.as_deref()).ok_or(ReportError::NoFolder)?;
        let since = args.since.map(|when| when.beginning(now).ok_or(ReportError::NoSuchTime)).transpose()?;
        let until = args.until.map(|when| when.end(now, since).ok_or(ReportError::NoSuchTime)).transpose()?;
        let within = |began: Option<Timestamp>| {
            let behind = since.is_none_or(|since| began.is_none_or(|began| began >= since));
            behind && until.is_none_or(|until| began.is_none_or(|began| began < until))
        };
        let unreadable = |source| NoSuchRun::Unreadable { folder: folder.clone(), source };
        for name in without_journal(&folder).map_err(unreadable)? {
            if within(time_of(&name)) {
                self.unreadable(&name, "its journal is missing");
            }
        }
        for name in records(&folder).map_err(unreadable)? {
            let run = KeptRun::look(&folder.join(&name));
            // The summary of a record that cannot be read says nothing of the unit either.
            let unknown = run.summary.began.is_none();
            let of_unit = unknown || args.unit.is_none() || run.summary.run.unit == args.unit;
            if of_unit && within(began(&run)) {
                self.take(run);
            }
        }
        Ok(asked_for(args, since, until))
    }

    fn take(&mut self, mut run: KeptRun) {
        if run.ended() == Ended::AtWork {
            return self.at_work.push(run.name);
        }
        if run.summary.simulated && !self.simulated_too {
            self.simulated += 1;
            return;
        }
        let journal = match run.journal() {
            // Neither the summary nor the journal says anything.
            Err(error) if run.summary.began.is_none() => return self.unreadable(&run.name, &error.to_string()),
            Err(error) => Err(error.to_string()),
            Ok(journal) => Ok(journal),
        };
        let flaw = match journal {
            Err(what) => Some(what),
            Ok(journal) => match (&journal.damage, run.told_otherwise(&journal)) {
                (Some(damage), _) => Some(damage.to_string()),
                (None, Some(told)) if run.summary.end.is_some() => {
                    run.summary = told;
                    Some(ReportError::OtherSummary.to_string())
                }
                (None, _) if run.ends_early() => Some(ReportError::EndsEarly { lines: journal.end.lines }.to_string()),
                (None, _) => {
                    if journal.torn {
                        let what = "the run was cut off as it wrote a line of its journal, which is torn".to_owned();
                        self.flaws.push(Flaw { run: run.name.clone(), what, damaged: false });
                    }
                    None
                }
            },
        };
        if let Some(what) = &flaw {
            self.flaws.push(Flaw { run: run.name.clone(), what: what.clone(), damaged: true });
        }
        self.runs.push(SelectedRun { began: began(&run), run, flaw });
    }

    fn unreadable(&mut self, name: &str, what: &str) {
        let what = format!("{what}, so this run is in none of the figures");
        self.flaws.push(Flaw { run: name.to_owned(), what, damaged: true });
    }

    fn left_out(&self) -> Vec<String> {
        let at_work = (!self.at_work.is_empty()).then(|| {
            let number = count(self.at_work.len(), "run is", "runs are");
            format!("{number} still at work, and left out: {}", self.at_work.join(", "))
        });
        let simulated = (self.simulated > 0).then(|| {
            let number = count(self.simulated, "simulated run is", "simulated runs are");
            format!("{number} left out; --simulated takes them in")
        });
        at_work.into_iter().chain(simulated).collect()
    }
}

fn began(run: &KeptRun) -> Option<Timestamp> {
    run.summary.began.or_else(|| time_of(&run.name))
}

fn asked_for(args: &ReportArgs, since: Option<Timestamp>, until: Option<Timestamp>) -> String {
    let moment =
        |word: &str, moment: Option<Timestamp>| moment.map(|moment| format!(" {word} {}", by_the_clock(moment)));
    let unit = args.unit.as_ref().map(|unit| format!(" for the unit {unit}"));
    let parts = [unit, moment("since", since), moment("until", until)];
    format!("runs{}", parts.into_iter().flatten().collect::<String>())
}

/// `2026-11-30 06:00 +01:00`: as the clock here showed it.
pub(super) fn by_the_clock(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M %:z").to_string()
}
