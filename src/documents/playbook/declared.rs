//! What expressions can ask before anybody has given a file: which files a playbook declares, and sizes to try.

use std::collections::BTreeSet;

use crate::documents::expression::{Facts, UnknownFact, Value};
use crate::documents::playbook::Playbook;
use crate::words::Id;

/// Files of this playbook, each of the size that somebody tries.
pub struct Declared<'a> {
    pub playbook: &'a Playbook,
    /// Files that steps make.
    pub made: &'a BTreeSet<Id>,
    /// In bytes; nothing where it is not known.
    pub size: &'a dyn Fn(&Id) -> Option<u64>,
}

impl std::fmt::Debug for Declared<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Declared").field("made", &self.made).finish_non_exhaustive()
    }
}

impl Facts for Declared<'_> {
    fn value(&self, name: &Id) -> Option<Value> {
        let is_file = self.playbook.input(name).is_some() || self.made.contains(name);
        is_file.then(|| Value::File(name.clone()))
    }

    fn file_name(&self, file: &Id) -> Result<String, UnknownFact> {
        Ok(self.playbook.input(file).map_or_else(|| file.to_string(), |input| input.file_name().to_owned()))
    }

    fn size(&self, file: &Id) -> Result<u64, UnknownFact> {
        (self.size)(file).ok_or_else(|| UnknownFact::Size(file.clone()))
    }

    fn given(&self, _: &Id) -> bool {
        true
    }
}
