//! The files of one run by the names the playbook gives them: staged inputs, and what tools and steps have made.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::words::Id;
use crate::world::{Scratch, ScratchProblem, sha256_of};

/// Files in the run's private folder. Tools run there, so a plain name is all they need.
#[derive(Debug)]
pub struct Files {
    scratch: Scratch,
    names: BTreeMap<Id, String>,
}

impl Files {
    pub fn new(scratch: Scratch) -> Self {
        Files { scratch, names: BTreeMap::new() }
    }

    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Makes a file of the folder known under a name.
    pub fn add(&mut self, name: Id, file_name: String) {
        self.names.insert(name, file_name);
    }

    /// Makes sure that a file which a step is about to create is not left over from an earlier attempt.
    pub fn expect_new(&mut self, name: &Id) -> Result<(), ScratchProblem> {
        let file_name = Files::produced_name(name);
        self.scratch.remove(&file_name)?;
        self.add(name.clone(), file_name);
        Ok(())
    }

    /// What a file made by a tool is called.
    pub fn produced_name(name: &Id) -> String {
        format!("{name}.bin")
    }

    /// Writes a text file, replacing what an earlier attempt wrote.
    pub fn write(&mut self, name: &Id, file_name: &str, text: &str) -> Result<(), ScratchProblem> {
        self.scratch.remove(file_name)?;
        self.scratch.write(file_name, text)?;
        self.add(name.clone(), file_name.to_owned());
        Ok(())
    }

    pub fn knows(&self, name: &Id) -> bool {
        self.names.contains_key(name)
    }

    pub fn file_name(&self, name: &Id) -> Result<String, String> {
        self.names.get(name).cloned().ok_or_else(|| format!("the file `{name}` was not given"))
    }

    fn path(&self, name: &Id) -> Result<PathBuf, String> {
        self.scratch.path(&self.file_name(name)?).map_err(|problem| problem.to_string())
    }

    pub fn size(&self, name: &Id) -> Result<u64, String> {
        let path = self.path(name)?;
        let metadata = std::fs::metadata(&path).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
        Ok(metadata.len())
    }

    pub fn sha256(&self, name: &Id) -> Result<String, String> {
        sha256_of(&self.path(name)?).map_err(|problem| problem.to_string())
    }

    pub fn bytes(&self, name: &Id, offset: u64, length: u64) -> Result<Vec<u8>, String> {
        let short = || format!("`{name}` has no {length} bytes at {offset:#x}");
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(self.path(name).map_err(std::io::Error::other)?)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(length).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| format!("`{name}` cannot be read: {error}"))?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(short()) }
    }
}
