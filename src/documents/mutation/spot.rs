//! Where steps stand, so that the same one can be found in a copy of the playbook.

use crate::documents::mutation::Mutant;
use crate::documents::playbook::{Below, Playbook, Step};
use crate::words::{Id, Place};

/// The lists below a step that mutants are made of.
pub(super) const CHANGED: [Below; 5] =
    [Below::Group, Below::Prepare, Below::ProvenBy, Below::AlreadyDone, Below::Verify];

/// One step on the way to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// None in the list of the whole procedure.
    pub(super) below: Option<Below>,
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
    collect(&playbook.steps, None, &[], None, &mut spots);
    spots
}

fn collect<'a>(
    steps: &'a [Step],
    below: Option<Below>,
    before: &[Turn],
    around: Option<(&Step, &str)>,
    spots: &mut Vec<Spot<'a>>,
) {
    for (index, step) in steps.iter().enumerate() {
        let mut path = before.to_vec();
        path.push(Turn { below, index });
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
        for below in CHANGED {
            collect(step.below(below), Some(below), &path, Some((step, &label)), spots);
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

fn step_at<'p>(steps: &'p mut [Step], path: &[Turn]) -> Option<&'p mut Step> {
    let (first, rest) = path.split_first()?;
    let step = steps.get_mut(first.index)?;
    match rest.first() {
        None => Some(step),
        Some(next) => step_at(step.below_mut(next.below?)?, rest),
    }
}

/// The list that the step at the end of the path stands in.
pub(super) fn list_at<'p>(playbook: &'p mut Playbook, path: &[Turn]) -> Option<&'p mut Vec<Step>> {
    let (last, before) = path.split_last()?;
    match last.below {
        None => Some(&mut playbook.steps),
        Some(below) => step_at(&mut playbook.steps, before)?.below_mut(below),
    }
}
