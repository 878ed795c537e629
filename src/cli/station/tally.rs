//! What the boards of a station came to so far: yield, times, and why not.

use std::collections::BTreeMap;

use crate::cli::report::shift::{Cause, median, per_cent};
use crate::cli::runs::summary::RunSummary;
use crate::cli::wording::{count, milliseconds};
use crate::engine::{Event, Told};
use crate::words::{Outcome, PlaceNumber};

#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Runs at work.
    running: BTreeMap<PlaceNumber, Running>,
    ended: Vec<Ended>,
}

#[derive(Debug, Default)]
struct Running {
    summary: RunSummary,
    healthy: bool,
}

#[derive(Debug)]
struct Ended {
    place: PlaceNumber,
    how: How,
    took_ms: u64,
}

/// How it went with a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    Recovered,
    /// It ran its firmware, and was not touched.
    Healthy,
    Failed(Outcome, Cause),
}

/// So many of each kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) recovered: usize,
    pub(super) healthy: usize,
    pub(super) failed: usize,
}

impl Tally {
    /// Answers with how it went when the run has ended.
    pub(super) fn hear(&mut self, place: PlaceNumber, told: &Told<&Event>) -> Option<How> {
        if matches!(told.event, Event::RunStarted { .. }) {
            self.running.insert(place, Running::default());
        }
        // A place may end before its run has begun.
        let is_end = matches!(told.event, Event::Finished { .. });
        let running = if is_end { self.running.entry(place).or_default() } else { self.running.get_mut(&place)? };
        running.summary.hear(told);
        running.healthy |= matches!(told.event, Event::LeftAlone { .. });
        let Event::Finished { outcome, elapsed_ms, .. } = told.event else { return None };
        let how = match (outcome, running.healthy, Cause::of_end(&running.summary)) {
            (Outcome::Recovered, ..) => How::Recovered,
            (_, true, _) => How::Healthy,
            (outcome, false, cause) => How::Failed(*outcome, cause.unwrap_or_else(|| Cause::of_outcome(*outcome))),
        };
        self.running.remove(&place);
        self.ended.push(Ended { place, how: how.clone(), took_ms: *elapsed_ms });
        Some(how)
    }

    pub(super) fn numbers(&self) -> Numbers {
        numbers(self.ended.iter())
    }

    /// That of the first board that is neither recovered nor healthy.
    pub(super) fn outcome(&self) -> Outcome {
        let failed = self.ended.iter().find_map(|ended| match &ended.how {
            How::Failed(outcome, _) => Some(*outcome),
            How::Recovered | How::Healthy => None,
        });
        failed.unwrap_or(Outcome::Recovered)
    }

    /// Yield and times, then why, then place by place.
    pub(super) fn lines(&self) -> Vec<String> {
        let all = self.numbers();
        let boards = self.ended.len();
        if boards == 0 {
            return vec!["No board has been through yet.".to_owned()];
        }
        // Who was never ill cannot be cured.
        let ill = all.recovered + all.failed;
        let mut lines = vec![format!(
            "{}: {} ({} % of those that were not healthy)",
            count(boards, "board", "boards"),
            all.in_words(),
            per_cent(all.recovered, ill)
        )];
        let recovered = self.ended.iter().filter(|ended| ended.how == How::Recovered);
        let names: Vec<(u64, String)> =
            recovered.map(|ended| (ended.took_ms, format!("place {}", ended.place))).collect();
        let mut times: Vec<(u64, &str)> = names.iter().map(|(took_ms, name)| (*took_ms, name.as_str())).collect();
        times.sort_unstable();
        if let Some((slowest, name)) = times.last() {
            let median = milliseconds(median(&times));
            lines.push(format!("Recovering took {median} (median), at most {} ({name})", milliseconds(*slowest)));
        }
        let mut causes: BTreeMap<&Cause, usize> = BTreeMap::new();
        for ended in &self.ended {
            if let How::Failed(_, cause) = &ended.how {
                *causes.entry(cause).or_default() += 1;
            }
        }
        lines.extend(causes.into_iter().map(|(cause, number)| format!("{number} × {}", cause.in_words())));
        let mut places: BTreeMap<PlaceNumber, Vec<&Ended>> = BTreeMap::new();
        for ended in &self.ended {
            places.entry(ended.place).or_default().push(ended);
        }
        lines.extend(places.into_iter().map(|(place, ended)| {
            let why = ended.iter().rev().find_map(|ended| match &ended.how {
                How::Failed(_, cause) => Some(format!(", last of {}", cause.in_words())),
                How::Recovered | How::Healthy => None,
            });
            format!("Place {place}: {}{}", numbers(ended.into_iter()).in_words(), why.unwrap_or_default())
        }));
        lines
    }
}

fn numbers<'e>(ended: impl Iterator<Item = &'e Ended>) -> Numbers {
    let mut numbers = Numbers::default();
    for ended in ended {
        match ended.how {
            How::Recovered => numbers.recovered += 1,
            How::Healthy => numbers.healthy += 1,
            How::Failed(..) => numbers.failed += 1,
        }
    }
    numbers
}

impl Numbers {
    fn in_words(self) -> String {
        let parts =
            [(self.recovered, "recovered"), (self.healthy, "healthy and not touched"), (self.failed, "not recovered")];
        let told = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
        told.collect::<Vec<_>>().join(", ")
    }
}
