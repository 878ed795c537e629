//! Do the cases of a test file notice a changed playbook?

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::bench::{CaseRun, Keep, Subject, run_case};
use crate::documents::cases::Case;
use crate::documents::mutation::Mutant;
use crate::documents::playbook::{Action, Playbook, Step, check};
use crate::engine::{Event, StepEnd};
use crate::words::{Id, Severity};

/// What a case does with the playbook as it is.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// Steps that were begun or skipped.
    reached: BTreeSet<Id>,
    /// Steps that failed, were retried or led back.
    troubled: BTreeSet<Id>,
}

impl Baseline {
    pub fn of(run: &CaseRun) -> Baseline {
        let mut baseline = Baseline::default();
        for event in run.runs.iter().flatten() {
            match event {
                Event::StepStarted { step, .. } | Event::StepSkipped { step, .. } => {
                    baseline.reached.insert(step.clone());
                }
                Event::Retrying { step, .. } => {
                    baseline.troubled.insert(step.clone());
                }
                Event::StepFinished { step, end: StepEnd::Failed(_), .. } => {
                    baseline.troubled.insert(step.clone());
                }
                _ => {}
            }
        }
        baseline
    }
}

/// What noticed a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// `recover check` refuses it.
    Check,
    /// The case of this index fails.
    Case(usize),
    Nothing,
}

/// Holds the mutant against the catalog, then against the cases until one fails. `subject` is the playbook as it is, and
/// so are the virtual board and the files.
pub fn notice(subject: Subject<'_>, mutant: &Mutant, cases: &[Case], baselines: &[Baseline]) -> Notice {
    let diagnostics = check(&mutant.playbook, subject.catalog);
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Notice::Check;
    }
    let subject = Subject { playbook: &mutant.playbook, ..subject };
    for index in order(subject.sound, mutant, baselines) {
        // What cannot be run any more, or brings recover down, has been noticed.
        let ran = catch_unwind(AssertUnwindSafe(|| run_case(subject, &cases[index], Keep::Nothing)));
        if !matches!(ran, Ok(Ok(run)) if run.differences.is_empty()) {
            return Notice::Case(index);
        }
    }
    Notice::Nothing
}

/// The cases that can notice it, the likeliest first: the first of the file, which tells most, then those in which the
/// changed step has trouble, then the others. A case that does not come to the step goes on as before.
fn order(playbook: &Playbook, mutant: &Mutant, baselines: &[Baseline]) -> Vec<usize> {
    let mut touched = BTreeSet::new();
    for id in &mutant.steps {
        touched.insert(id.clone());
        with_inner(&playbook.steps, id, false, &mut touched);
        owners(&playbook.steps, id, &mut touched);
    }
    let reaches = |index: &usize| touched.is_empty() || !baselines[*index].reached.is_disjoint(&touched);
    let mut order: Vec<usize> = (0..baselines.len()).filter(reaches).collect();
    let first = order.first().copied();
    order.sort_by_key(|index| (Some(*index) != first, baselines[*index].troubled.is_disjoint(&touched)));
    order
}

/// The steps whose preparations or readings hold this one, with all that is below them: those tell nothing of themselves.
fn owners(steps: &[Step], id: &Id, into: &mut BTreeSet<Id>) {
    let holds = |steps: &[Step]| {
        let mut below = BTreeSet::new();
        with_inner(steps, id, false, &mut below);
        !below.is_empty()
    };
    for step in steps {
        let prepared = step.retry.as_ref().is_some_and(|retry| holds(&retry.prepare));
        let read = step
            .irreversible
            .as_ref()
            .is_some_and(|guard| holds(&guard.already_done.steps) || holds(&guard.verify.steps));
        if prepared || read {
            with_inner(std::slice::from_ref(step), &step.id, false, into);
        }
        if let Action::Steps(inner) = &step.action {
            owners(inner, id, into);
        }
    }
}

/// The step and everything below it.
fn with_inner(steps: &[Step], id: &Id, within: bool, into: &mut BTreeSet<Id>) {
    for step in steps {
        let within = within || step.id == *id;
        if within {
            into.insert(step.id.clone());
        }
        if let Action::Steps(inner) = &step.action {
            with_inner(inner, id, within, into);
        }
        if let Some(retry) = &step.retry {
            with_inner(&retry.prepare, id, within, into);
        }
        if let Some(guard) = &step.irreversible {
            with_inner(&guard.already_done.steps, id, within, into);
            with_inner(&guard.verify.steps, id, within, into);
        }
    }
}
