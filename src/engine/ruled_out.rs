//! Steps that cannot come, because a file is not there that they are for, or because the person did not ask for them.
//! Known before anything runs.

use std::collections::BTreeMap;

use crate::documents::expression::{Facts, Value, evaluate_condition};
use crate::documents::playbook::{Playbook, Step};
use crate::engine::Files;
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
            let facts = Beforehand { files: self.files, produced: &self.produced, variables: self.variables, made };
            evaluate_condition(when, &facts) == Ok(false)
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Already,
    NotYet,
}

/// Nothing is known but which files are there, and what the person set.
struct Beforehand<'a> {
    files: &'a Files,
    produced: &'a BTreeMap<Id, String>,
    variables: &'a BTreeMap<Id, Value>,
    made: Made,
}

impl Facts for Beforehand<'_> {
    fn value(&self, name: &Id) -> Option<Value> {
        self.variables.get(name).cloned()
    }

    fn file_name(&self, file: &Id) -> Result<String, String> {
        Err(unknown(file))
    }

    fn size(&self, file: &Id) -> Result<u64, String> {
        Err(unknown(file))
    }

    fn sha256(&self, file: &Id) -> Result<String, String> {
        Err(unknown(file))
    }

    fn bytes(&self, file: &Id, _offset: u64, _length: u64) -> Result<Vec<u8>, String> {
        Err(unknown(file))
    }

    fn given(&self, file: &Id) -> bool {
        self.files.knows(file) || (self.made == Made::Already && self.produced.contains_key(file))
    }

    fn present(&self, device: &Id) -> Result<bool, String> {
        Err(unknown(device))
    }
}

fn unknown(name: &Id) -> String {
    format!("{name} is not known beforehand")
}
