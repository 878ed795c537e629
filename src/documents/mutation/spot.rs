//! Where steps stand, so that the same one can be found in a copy of the playbook.

use crate::documents::mutation::Mutant;
use crate::documents::playbook::{Action, Playbook, Step};
use crate::words::{Id, Place};

/// A list of steps below a step, or the list of the whole procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Branch {
    Top,
    Group,
    Prepare,
    AlreadyDone,
    Verify,
}

/// One step on the way to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) branch: Branch,
    pub(super) index: usize,
}

/// A step as the document has it, once, however often it is used: a change of the document changes it everywhere.
#[derive(Debug)]
pub(super) struct Spot<'a> {
    pub(super) step: &'a Step,
    /// As people find it: its id, or that of the group around it and its name.
    pub(super) label: String,
    /// Each way to it.
    pub(super) paths: Vec<Vec<Turn>>,
    pub(super) ids: Vec<Id>,
}

/// A change within one step.
pub(super) struct Change {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) apply: Box<dyn Fn(&mut Step)>,
}

impl Change {
    pub(super) fn new(place: &Place, name: impl Into<String>, apply: impl Fn(&mut Step) + 'static) -> Change {
        Change { name: name.into(), place: place.clone(), apply: Box::new(apply) }
    }
}

impl Spot<'_> {
    /// The playbook with this step changed.
    pub(super) fn changed(&self, playbook: &Playbook, change: Change) -> Option<Mutant> {
        let mut playbook = playbook.clone();
        for path in &self.paths {
            (change.apply)(step_at(&mut playbook.steps, path)?);
        }
        Some(Mutant {
            name: format!("{}: {}", self.label, change.name),
            place: change.place,
            steps: self.ids.clone(),
            playbook,
        })
    }
}

/// Every step of the playbook, groups, preparations and readings included, in the order of the document.
pub(super) fn spots(playbook: &Playbook) -> Vec<Spot<'_>> {
    let mut spots = Vec::new();
    collect(&playbook.steps, Branch::Top, &[], None, &mut spots);
    spots
}

fn collect<'a>(
    steps: &'a [Step],
    branch: Branch,
    before: &[Turn],
    around: Option<(&Step, &str)>,
    spots: &mut Vec<Spot<'a>>,
) {
    for (index, step) in steps.iter().enumerate() {
        let mut path = before.to_vec();
        path.push(Turn { branch, index });
        let label = label(step, index, around);
        match spots.iter_mut().find(|spot| spot.step.is_same_text(step)) {
            Some(spot) => {
                spot.paths.push(path.clone());
                spot.ids.push(step.id.clone());
            }
            None => {
                spots.push(Spot { step, label: label.clone(), paths: vec![path.clone()], ids: vec![step.id.clone()] });
            }
        }
        for branch in [Branch::Group, Branch::Prepare, Branch::AlreadyDone, Branch::Verify] {
            collect(list_of(step, branch), branch, &path, Some((step, &label)), spots);
        }
    }
}

/// An id that was made from the place in the list changes with every step that is put before it; the name does not.
fn label(step: &Step, index: usize, around: Option<(&Step, &str)>) -> String {
    let prefix = around.map_or("step", |(around, _)| around.id.as_str());
    let made = step.id.as_str().strip_prefix(prefix).is_some_and(|rest| rest.ends_with(&format!("-{}", index + 1)));
    match around {
        Some((_, label)) if made => format!("{label} › {}", step.name),
        None if made => step.name.clone(),
        _ => step.id.to_string(),
    }
}

pub(super) fn list_of(step: &Step, branch: Branch) -> &[Step] {
    match (branch, &step.action) {
        (Branch::Group, Action::Steps(steps)) => steps,
        (Branch::Prepare, _) => step.retry.as_ref().map(|retry| retry.prepare.as_slice()).unwrap_or_default(),
        (Branch::AlreadyDone, _) => {
            step.irreversible.as_ref().map(|guard| guard.already_done.steps.as_slice()).unwrap_or_default()
        }
        (Branch::Verify, _) => {
            step.irreversible.as_ref().map(|guard| guard.verify.steps.as_slice()).unwrap_or_default()
        }
        _ => &[],
    }
}

fn list_of_mut(step: &mut Step, branch: Branch) -> Option<&mut Vec<Step>> {
    match (branch, &mut step.action) {
        (Branch::Group, Action::Steps(steps)) => Some(steps),
        (Branch::Prepare, _) => step.retry.as_mut().map(|retry| &mut retry.prepare),
        (Branch::AlreadyDone, _) => step.irreversible.as_mut().map(|guard| &mut guard.already_done.steps),
        (Branch::Verify, _) => step.irreversible.as_mut().map(|guard| &mut guard.verify.steps),
        _ => None,
    }
}

fn step_at<'p>(steps: &'p mut [Step], path: &[Turn]) -> Option<&'p mut Step> {
    let (first, rest) = path.split_first()?;
    let step = steps.get_mut(first.index)?;
    match rest.first() {
        None => Some(step),
        Some(next) => step_at(list_of_mut(step, next.branch)?, rest),
    }
}

/// The list that the step at the end of the path stands in.
pub(super) fn list_at<'p>(playbook: &'p mut Playbook, path: &[Turn]) -> Option<&'p mut Vec<Step>> {
    let (last, before) = path.split_last()?;
    if before.is_empty() {
        return Some(&mut playbook.steps);
    }
    list_of_mut(step_at(&mut playbook.steps, before)?, last.branch)
}
