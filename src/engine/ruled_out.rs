//! Steps that cannot come, because a file is not there that they are for, or because the person did not ask for them.
//! Known before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::expression::{Value, evaluate_condition};
use crate::documents::playbook::{Playbook, Step};
use crate::engine::Files;
use crate::engine::facts::{Coming, Made, RunFacts};
use crate::engine::plan::produced_files;
use crate::words::Id;

/// Says which steps the given files and the variables' values rule out.
#[derive(Debug)]
pub struct RuledOut<'a> {
    files: &'a Files,
    produced: BTreeMap<Id, String>,
    variables: &'a BTreeMap<Id, Value>,
}

impl<'a> RuledOut<'a> {
    pub fn new(playbook: &Playbook, files: &'a Files, variables: &'a BTreeMap<Id, Value>) -> Self {
        RuledOut { files, produced: produced_files(&playbook.steps), variables }
    }

    /// Its condition does not hold, whatever else comes.
    pub fn rules_out(&self, step: &Step) -> bool {
        let Some(when) = &step.when else { return false };
        // A file that steps make may be there by then, or not.
        [Made::Already, Made::NotYet].into_iter().all(|made| {
            let coming = Coming { made: &self.produced, are_made: made, assigned: &BTreeSet::new() };
            let facts = RunFacts::before(self.files, self.variables, coming);
            evaluate_condition(when, &facts) == Ok(false)
        })
    }
}
