//! What many runs came to: unit by unit, how many were recovered, how long it took, and what it failed of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::cli::report::selection::{SelectedRun, Selection};
use crate::cli::runs::kept_run::{Ended, KeptRun};
use crate::cli::runs::summary::RunSummary;
use crate::cli::wording::{count, milliseconds};
use crate::words::Outcome;

#[derive(Debug)]
pub(super) struct Shift<'a> {
    pub(super) selection: &'a Selection,
    /// In the order in which they were last at work.
    pub(super) units: Vec<Unit<'a>>,
    /// How runs ended that never came to a board, and so count for no unit.
    not_begun: Vec<Outcome>,
}

/// A unit with its runs, the first one first; there is at least one.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    pub(super) name: &'a str,
    pub(super) named_by: NamedBy,
    pub(super) runs: Vec<&'a SelectedRun>,
    last: &'a SelectedRun,
}

/// What tells one unit from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum NamedBy {
    /// As it was given.
    Unit,
    SerialNumber,
    /// Nothing is known of it: each run is taken for another unit.
    Run,
}

/// Why a run did not recover the board.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) struct Cause {
    /// A class of fault, or the outcome.
    pub(super) class: String,
    pub(super) step: Option<String>,
}

/// How many of the units of a board, a station and so on.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) name: String,
    pub(super) units: usize,
    pub(super) recovered: usize,
}

impl<'a> Shift<'a> {
    pub(super) fn of(selection: &'a Selection) -> Shift<'a> {
        let mut units: Vec<Unit<'a>> = Vec::new();
        let mut known: HashMap<(NamedBy, &str), usize> = HashMap::new();
        let mut not_begun = Vec::new();
        for selected in &selection.runs {
            if let Ended::So(outcome) = selected.run.ended()
                && outcome.is_before_the_first_step()
            {
                not_begun.push(outcome);
                continue;
            }
            let details = &selected.run.summary.run;
            let (named_by, name) = match (&details.unit, &details.serial) {
                (Some(unit), _) => (NamedBy::Unit, unit.as_str()),
                (None, Some(serial)) => (NamedBy::SerialNumber, serial.as_str()),
                (None, None) => (NamedBy::Run, selected.run.name.as_str()),
            };
            match known.get(&(named_by, name)).and_then(|index| units.get_mut(*index)) {
                Some(unit) => {
                    unit.runs.push(selected);
                    unit.last = selected;
                }
                None => {
                    known.insert((named_by, name), units.len());
                    units.push(Unit { name, named_by, runs: vec![selected], last: selected });
                }
            }
        }
        units.sort_by_key(|unit| unit.last.began);
        Shift { selection, units, not_begun }
    }

    pub(super) fn recovered(&self) -> usize {
        self.units.iter().filter(|unit| unit.recovered()).count()
    }

    /// Which runs are in none of the units, and why.
    pub(super) fn left_out(&self) -> Vec<String> {
        let mut left_out = self.selection.left_out.clone();
        if !self.not_begun.is_empty() {
            let number = count(self.not_begun.len(), "run that counts", "runs that count");
            let words: BTreeSet<&str> = self.not_begun.iter().map(|outcome| outcome.word()).collect();
            let words: Vec<&str> = words.into_iter().collect();
            left_out.push(format!("{number} for no unit did not come to the first step: {}", words.join(", ")));
        }
        left_out
    }

    fn at_the_first_try(&self) -> usize {
        self.units.iter().filter(|unit| unit.at_the_first_try()).count()
    }

    /// "10 of 12 units were recovered (83 %)".
    pub(super) fn yields(&self) -> String {
        let (recovered, units) = (self.recovered(), self.units.len());
        let verb = if units == 1 { "unit was" } else { "units were" };
        format!("{recovered} of {units} {verb} recovered ({} %)", per_cent(recovered, units))
    }

    /// Label and text.
    pub(super) fn figures(&self) -> Vec<(&'static str, String)> {
        let (first, units) = (self.at_the_first_try(), self.units.len());
        let mut figures = vec![
            ("Runs", self.selection.runs.len().to_string()),
            ("At the first try", format!("{first} of {units} ({} %)", per_cent(first, units))),
        ];
        // The run that recovered it, without those before.
        let mut times: Vec<(u64, &str)> =
            self.units.iter().filter(|unit| unit.recovered()).map(|unit| (unit.took_ms(), unit.name)).collect();
        times.sort_unstable();
        if let Some((slowest, name)) = times.last() {
            figures.push(("Took, median", milliseconds(median(&times))));
            figures.push(("Took, slowest", format!("{} ({name})", milliseconds(*slowest))));
        }
        figures
    }

    /// Of the runs that recovered nothing, the most frequent first.
    pub(super) fn causes(&self) -> Vec<(usize, Cause)> {
        let mut counted: BTreeMap<Cause, usize> = BTreeMap::new();
        for cause in self.selection.runs.iter().filter_map(|selected| Cause::of(&selected.run)) {
            *counted.entry(cause).or_default() += 1;
        }
        let mut causes: Vec<(usize, Cause)> = counted.into_iter().map(|(cause, number)| (number, cause)).collect();
        causes.sort_by(|(one, _), (other, _)| other.cmp(one));
        causes
    }

    /// Board by board, and so on; nothing of what no run has on record.
    pub(super) fn shares(&self) -> Vec<(&'static str, Vec<Share>)> {
        type Part = fn(&KeptRun) -> Option<&str>;
        let parts: [(&str, Part); 4] = [
            ("Board", |run| Some(run.summary.board.as_str())),
            ("Playbook", |run| Some(run.summary.playbook.as_str())),
            ("Station", |run| run.summary.run.station.as_deref()),
            ("Operator", |run| run.summary.run.operator.as_deref()),
        ];
        let shares = parts.map(|(label, part)| {
            let mut named: BTreeMap<Option<&str>, Share> = BTreeMap::new();
            for unit in &self.units {
                let name = part(&unit.last.run).filter(|name| !name.is_empty());
                let share = named.entry(name).or_insert_with(|| Share {
                    name: name.unwrap_or("not on record").to_owned(),
                    units: 0,
                    recovered: 0,
                });
                share.units += 1;
                share.recovered += usize::from(unit.recovered());
            }
            let unknown = named.remove(&None);
            let mut shares: Vec<Share> = named.into_values().collect();
            if !shares.is_empty() {
                shares.extend(unknown);
            }
            (label, shares)
        });
        shares.into_iter().filter(|(_, shares)| !shares.is_empty()).collect()
    }
}

impl Unit<'_> {
    pub(super) fn last(&self) -> &KeptRun {
        &self.last.run
    }

    pub(super) fn recovered(&self) -> bool {
        is_recovered(self.last())
    }

    pub(super) fn at_the_first_try(&self) -> bool {
        self.runs.first().is_some_and(|first| is_recovered(&first.run))
    }

    pub(super) fn began(&self) -> Option<Timestamp> {
        self.runs.first().and_then(|first| first.began)
    }

    /// The last run.
    pub(super) fn took_ms(&self) -> u64 {
        self.last().summary.elapsed_ms
    }

    pub(super) fn all_took_ms(&self) -> u64 {
        self.runs.iter().map(|selected| selected.run.summary.elapsed_ms).sum()
    }

    /// Of the last run, where it recovered nothing.
    pub(super) fn cause(&self) -> Option<Cause> {
        Cause::of(self.last())
    }

    /// What happened then, in words.
    pub(super) fn what(&self) -> Option<&str> {
        let end = self.last().summary.end.as_ref()?;
        end.problem.as_ref().map(|problem| problem.what.as_str())
    }

    /// What is wrong with the records of its runs.
    pub(super) fn flaws(&self) -> Vec<String> {
        let flaw =
            |selected: &&SelectedRun| selected.flaw.as_ref().map(|flaw| format!("{}: {flaw}", selected.run.name));
        self.runs.iter().filter_map(flaw).collect()
    }
}

impl NamedBy {
    pub(super) fn word(self) -> &'static str {
        match self {
            NamedBy::Unit => "unit",
            NamedBy::SerialNumber => "serial-number",
            NamedBy::Run => "run",
        }
    }
}

impl Cause {
    fn of(run: &KeptRun) -> Option<Cause> {
        let class = match run.ended() {
            Ended::So(Outcome::Recovered) => return None,
            Ended::So(outcome) => {
                return Some(Cause::of_end(&run.summary).unwrap_or_else(|| Cause::of_outcome(outcome)));
            }
            Ended::AtWork | Ended::CutOff => "cut-off",
        };
        Some(Cause { class: class.to_owned(), step: run.at_step().map(str::to_owned) })
    }

    /// Nothing where no problem is told.
    pub(in crate::cli) fn of_end(summary: &RunSummary) -> Option<Cause> {
        let problem = summary.end.as_ref()?.problem.as_ref()?;
        Some(Cause {
            class: problem.class.word().to_owned(),
            step: problem.step_name.clone().or(problem.step.as_ref().map(ToString::to_string)),
        })
    }

    pub(in crate::cli) fn of_outcome(outcome: Outcome) -> Cause {
        Cause { class: outcome.word().to_owned(), step: None }
    }

    pub(in crate::cli) fn in_words(&self) -> String {
        let step = self.step.as_ref().map(|step| format!(" at \"{step}\"")).unwrap_or_default();
        format!("{}{step}", self.class)
    }
}

impl Share {
    pub(super) fn in_words(&self) -> String {
        format!(
            "{} of {} ({} %)",
            self.recovered,
            count(self.units, "unit", "units"),
            per_cent(self.recovered, self.units)
        )
    }
}

fn is_recovered(run: &KeptRun) -> bool {
    run.ended() == Ended::So(Outcome::Recovered)
}

/// Rounded down: only all of them are 100 %.
pub(in crate::cli) fn per_cent(part: usize, whole: usize) -> usize {
    part * 100 / whole.max(1)
}

/// Of times in their order; of an even number of them, the middle between the two in the middle.
pub(in crate::cli) fn median(times: &[(u64, &str)]) -> u64 {
    let at = |index: usize| times.get(index).map_or(0, |(time, _)| *time);
    let middle = times.len() / 2;
    if times.len().is_multiple_of(2) { u64::midpoint(at(middle.saturating_sub(1)), at(middle)) } else { at(middle) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        let of = |times: &[u64]| median(&times.iter().map(|time| (*time, "")).collect::<Vec<_>>());
        assert_eq!((of(&[]), of(&[7]), of(&[1, 3]), of(&[1, 2, 90])), (0, 7, 2, 2));
    }

    #[test]
    fn only_all_of_them_are_a_hundred_per_cent() {
        assert_eq!((per_cent(0, 0), per_cent(199, 200), per_cent(3, 3)), (0, 99, 100));
    }
}
