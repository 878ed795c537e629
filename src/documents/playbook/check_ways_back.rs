//! Steps that leave nothing by which the board could be reached again where they are cut short, and of which the author
//! says nothing.

use crate::documents::catalog::Catalog;
use crate::documents::expression::Value;
use crate::documents::playbook::{Interruption, Leaves, Playbook, Step, Supposed, interruptions};
use crate::words::{Code, Diagnostic, Id};
use std::collections::BTreeMap;

pub(super) fn check_ways_back(playbook: &Playbook, catalog: &Catalog, diagnostics: &mut Vec<Diagnostic>) {
    // What nobody says anything about is not known, and no reason to warn.
    if playbook.devices.iter().all(|device| device.starts_from.is_empty()) {
        return;
    }
    let defaults = playbook.variables.iter().map(|variable| (variable.name.clone(), variable.default.clone()));
    let variables: BTreeMap<Id, Value> = defaults.collect();
    let all = interruptions(playbook, catalog, &Supposed { given: None, variables: &variables });
    let lost: Vec<&Interruption> =
        all.iter().filter(|one| one.changes && (one.during == Leaves::Lost || one.after == Leaves::Lost)).collect();
    warn(&playbook.steps, &lost, diagnostics);
}

/// What is said of a group is said of each step in it.
fn warn(steps: &[Step], lost: &[&Interruption], diagnostics: &mut Vec<Diagnostic>) {
    for step in steps.iter().filter(|step| step.if_stopped.is_none() && step.irreversible.is_none()) {
        warn(step.group().unwrap_or_default(), lost, diagnostics);
        if lost.iter().any(|one| one.step == step.id) {
            let message = "cut short here, the board may not start, and nothing is known that brings it back";
            let hint = "say with `if_stopped` what a person does then, or of the device that comes all the same \
                        `state: recovery`";
            diagnostics.push(Diagnostic::warning(Code::NoWayBack, &step.place, message).hint(hint));
        }
    }
}
