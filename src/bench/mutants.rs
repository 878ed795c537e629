//! Do the cases of a test file notice a changed playbook?

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::bench::{CaseRun, Keep, Subject, run_case};
use crate::documents::cases::Case;
use crate::documents::mutation::Mutant;
use crate::documents::playbook::{Below, Playbook, Step, check, every_step, procedure};
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
        touched.extend(with_inner(&playbook.steps, id).chain(owners(&playbook.steps, id)).cloned());
    }
    let reaches = |index: &usize| touched.is_empty() || !baselines[*index].reached.is_disjoint(&touched);
    let mut order: Vec<usize> = (0..baselines.len()).filter(reaches).collect();
    let first = order.first().copied();
    order.sort_by_key(|index| (Some(*index) != first, baselines[*index].troubled.is_disjoint(&touched)));
    order
}

/// The steps of the procedure that have this one in what tells nothing of itself, with all that is below them.
fn owners<'a>(steps: &'a [Step], id: &Id) -> impl Iterator<Item = &'a Id> {
    let holds = move |step: &&Step| {
        let mut silent = step.children().filter(|(below, _)| *below != Below::Group);
        silent.any(|(_, steps)| every_step(steps).any(|step| step.id == *id))
    };
    procedure(steps).filter(holds).flat_map(Step::whole).map(|step| &step.id)
}

/// The step and everything below it.
fn with_inner<'a>(steps: &'a [Step], id: &Id) -> impl Iterator<Item = &'a Id> {
    every_step(steps).filter(move |step| step.id == *id).flat_map(Step::whole).map(|step| &step.id)
}
