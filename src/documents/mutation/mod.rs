//! Mutants: a playbook changed in one place, in a way that its author might have got wrong. Tests that are worth their
//! name notice each of them. Running tests against them is the bench's part.

mod of_call;
mod of_document;
mod of_expression;
mod of_list;
mod of_pattern;
mod of_step;
mod of_text;
mod spot;

use crate::documents::catalog::Catalog;
use crate::documents::playbook::Playbook;
use crate::words::{Id, Place};

/// A playbook with one change.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// What was changed and how, the same each time: `write-bootloader: address 0x08000000 → 0x08001000`.
    pub name: String,
    /// What was changed, in the document.
    pub place: Place,
    /// The steps that are another than before; a run that reaches none of them goes as before. Empty: any run may differ.
    pub steps: Vec<Id>,
    pub playbook: Playbook,
}

/// Every mutant of a playbook, in the order of the document. Those are left out that are known to change nothing.
pub fn mutants(playbook: &Playbook, catalog: &Catalog) -> Vec<Mutant> {
    let spots = spot::spots(playbook);
    let mut mutants = of_document::mutants(playbook);
    for spot in &spots {
        for change in of_step::changes(spot.step, playbook, catalog) {
            mutants.extend(spot.changed(playbook, change));
        }
    }
    mutants.extend(of_list::mutants(playbook, &spots));
    mutants.sort_by(|a, b| {
        let key = |mutant: &Mutant| (mutant.place.source.name.clone(), mutant.place.start);
        key(a).cmp(&key(b))
    });
    // Two changes of the same name in the same place are told apart by their numbers.
    for index in 1..mutants.len() {
        let (earlier, later) = mutants.split_at_mut(index);
        let same = earlier.iter().filter(|other| other.name == later[0].name || is_numbered(other, &later[0])).count();
        if same > 0 {
            later[0].name = format!("{} #{}", later[0].name, same + 1);
        }
    }
    mutants
}

fn is_numbered(other: &Mutant, mutant: &Mutant) -> bool {
    let number = other.name.strip_prefix(mutant.name.as_str()).and_then(|rest| rest.strip_prefix(" #"));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
