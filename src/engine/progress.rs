//! How far a run has come: the step at work and its number, and the counts of what has been told.

use std::collections::BTreeMap;
use std::slice;
use std::time::Duration;

use crate::documents::playbook::{Playbook, Step, leaves};
use crate::engine::runner::Runner;
use crate::engine::step::Shown;
use crate::engine::{Event, Outcome, Problem, StepEnd, Tell, milliseconds};
use crate::words::Id;
use crate::world::World;

/// The step at work, as the person sees it.
#[derive(Debug, Clone)]
pub(super) struct AtWork {
    pub(super) step: Id,
    pub(super) name: String,
    pub(super) number: usize,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    done: usize,
    skipped: usize,
    retries: usize,
    restarts: usize,
    warnings: usize,
}

pub(super) struct Progress<'a> {
    events: &'a mut Tell<'a>,
    /// Of the steps that are shown, from 1.
    numbers: BTreeMap<Id, usize>,
    at_work: Option<AtWork>,
    tally: Tally,
}

impl<'a> Progress<'a> {
    pub(super) fn new(playbook: &Playbook, events: &'a mut Tell<'a>) -> Self {
        let leaves = playbook.leaf_steps();
        let numbers = leaves.iter().enumerate().map(|(index, step)| (step.id.clone(), index + 1)).collect();
        Progress { events, numbers, at_work: None, tally: Tally::default() }
    }

    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Warning { .. } => self.tally.warnings += 1,
            Event::Retrying { .. } => self.tally.retries += 1,
            Event::Restarting { .. } => self.tally.restarts += 1,
            Event::StepFinished { end: StepEnd::Succeeded | StepEnd::SucceededWithWarning(_), .. } => {
                self.tally.done += 1;
            }
            Event::StepSkipped { .. } => self.tally.skipped += 1,
            _ => {}
        }
        (self.events)(event);
    }

    /// Steps of readings and preparations have none.
    pub(super) fn number(&self, step: &Id) -> Option<usize> {
        self.numbers.get(step).copied()
    }

    pub(super) fn total(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn at_work(&self) -> Option<&AtWork> {
        self.at_work.as_ref()
    }

    pub(super) fn comes_to(&mut self, step: &Step, number: usize) {
        self.at_work = Some(AtWork { step: step.id.clone(), name: step.name.clone(), number });
    }

    pub(super) fn warnings(&self) -> usize {
        self.tally.warnings
    }

    /// Tells the last event.
    pub(super) fn finish(&mut self, outcome: Outcome, problem: Option<Problem>, next: Vec<String>, elapsed: Duration) {
        let Tally { done, skipped, retries, restarts, warnings } = self.tally;
        self.tell(&Event::Finished {
            outcome,
            exit_code: outcome.exit_code(),
            problem,
            next,
            elapsed_ms: milliseconds(elapsed),
            steps_done: done,
            steps_skipped: skipped,
            retries,
            restarts,
            warnings,
        });
    }
}

impl<W: World> Runner<'_, W> {
    #[expect(clippy::needless_pass_by_value, reason = "events are made to be told, here and nowhere else")]
    pub(super) fn tell(&mut self, event: Event) {
        self.progress.tell(&event);
    }

    /// A step is not needed: told for it, or for each step of the group that it is.
    pub(super) fn skip(&mut self, step: &Step, shown: Shown, reason: &str) {
        if shown == Shown::No {
            return;
        }
        for step in leaves(slice::from_ref(step)) {
            // Steps of readings and preparations need no word when there is nothing to do.
            let Some(number) = self.progress.number(&step.id) else { continue };
            let (name, total) = (step.name.clone(), self.progress.total());
            self.tell(Event::StepSkipped { step: step.id.clone(), name, number, total, reason: reason.to_owned() });
        }
    }
}
