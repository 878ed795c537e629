//! The files of one run by the names the playbook gives them: staged inputs, and what tools and steps have made.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::engine::checked::CheckedFiles;
use crate::words::Id;
use crate::world::{
    FolderProblem, Scratch, ScratchProblem, copy_tool_folder, open_file, sha256_of, sha256_of_bytes, tool_folder,
};

/// Read at a time where files are compared.
const COMPARED_LENGTH: u64 = 0x1_0000;
/// Damaged memory spoils less than one byte of so many; other contents differ in more.
const SINGLE_PLACES: u64 = 64;

/// Why nothing can be said of a file of the run, or done with it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file `{0}` was not given")]
    NotGiven(Id),
    #[error("`{name}` cannot be read: {source}")]
    Unreadable { name: String, source: io::Error },
    #[error("`{name}` has no {length} bytes at {offset:#x}")]
    Short { name: Id, offset: u64, length: u64 },
    #[error("`{name}` cannot be put at `{below}` in the tool's folder: {source}")]
    NotPlaced { name: Id, below: String, source: io::Error },
    #[error(transparent)]
    Scratch(#[from] ScratchProblem),
}

impl FileError {
    pub(super) fn unreadable(name: &str, source: io::Error) -> Self {
        FileError::Unreadable { name: name.to_owned(), source }
    }
}

/// Files in the run's private folder. Tools run there, so a plain name is all they need.
#[derive(Debug)]
pub struct Files {
    scratch: Scratch,
    names: BTreeMap<Id, String>,
    /// Files of a tool, which stay where they are.
    of_tools: BTreeMap<Id, PathBuf>,
    /// Private copies of tools' folders, by the folder that was copied.
    copies: BTreeMap<PathBuf, PathBuf>,
    /// Inputs, which must stay as they are.
    checked: CheckedFiles,
    /// Digests of files that tools have made, from the time before the last.
    earlier: BTreeMap<Id, String>,
}

impl Files {
    pub fn new(scratch: Scratch) -> Self {
        Files {
            scratch,
            names: BTreeMap::new(),
            of_tools: BTreeMap::new(),
            copies: BTreeMap::new(),
            checked: CheckedFiles::default(),
            earlier: BTreeMap::new(),
        }
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
        if let Ok(digest) = self.sha256(name) {
            self.earlier.insert(name.clone(), digest);
        }
        self.scratch.remove(&file_name)?;
        self.checked.forget(&file_name);
        self.add(name.clone(), file_name);
        Ok(())
    }

    /// Does a file that a tool has made hold what it held the last time it was made?
    pub fn unchanged(&self, name: &Id) -> bool {
        self.earlier.get(name).is_some_and(|earlier| self.sha256(name).is_ok_and(|digest| digest == *earlier))
    }

    /// Do two files differ in more than single places?
    pub fn unlike(&self, name: &Id, other: &Id) -> bool {
        let (Ok(size), Ok(other_size)) = (self.size(name), self.size(other)) else { return false };
        let (common, mut differing) = (size.min(other_size), size.abs_diff(other_size));
        let mut offset = 0;
        while offset < common {
            let length = (common - offset).min(COMPARED_LENGTH);
            let (Ok(ours), Ok(theirs)) = (self.bytes(name, offset, length), self.bytes(other, offset, length)) else {
                return false;
            };
            differing += ours.iter().zip(&theirs).map(|(our, their)| u64::from(our != their)).sum::<u64>();
            offset += length;
        }
        differing > common / SINGLE_PLACES
    }

    /// What a file made by a tool is called.
    pub fn produced_name(name: &Id) -> String {
        format!("{name}.bin")
    }

    /// Writes a text file, replacing what an earlier attempt wrote.
    pub fn write(&mut self, name: &Id, file_name: &str, text: &str) -> Result<(), ScratchProblem> {
        self.scratch.remove(file_name)?;
        self.checked.forget(file_name);
        self.scratch.write(file_name, text)?;
        self.add(name.clone(), file_name.to_owned());
        Ok(())
    }

    /// Makes a file of a part of another one, which must stay as it is.
    pub(super) fn cut(&mut self, part: &Id, of: &Id, offset: u64, length: u64) -> Result<(), FileError> {
        let bytes = self.bytes(of, offset, length)?;
        let file_name = Files::produced_name(part);
        self.scratch.remove(&file_name)?;
        self.scratch.write(&file_name, &bytes)?;
        self.checked.add(self.scratch.folder(), &file_name, length, &sha256_of_bytes(&bytes));
        self.add(part.clone(), file_name);
        Ok(())
    }

    /// Puts what another file holds in the place of as many bytes of a file that a tool has made.
    pub(super) fn patch(&mut self, name: &Id, offset: u64, with: &Id) -> Result<(), FileError> {
        let (mut whole, part) = (self.bytes(name, 0, self.size(name)?)?, self.bytes(with, 0, self.size(with)?)?);
        let begin = usize::try_from(offset).unwrap_or(usize::MAX);
        let place = whole.get_mut(begin..begin.saturating_add(part.len()));
        let short = || FileError::Short { name: name.clone(), offset, length: part.len() as u64 };
        place.ok_or_else(short)?.copy_from_slice(&part);
        let file_name = self.file_name(name)?;
        self.scratch.remove(&file_name)?;
        self.scratch.write(&file_name, &whole)?;
        Ok(())
    }

    /// The file that tools find under this name.
    pub(super) fn called(&self, file_name: &str) -> Option<&Id> {
        self.names.iter().find(|(_, name)| *name == file_name).map(|(id, _)| id)
    }

    pub fn knows(&self, name: &Id) -> bool {
        self.names.contains_key(name)
    }

    pub fn file_name(&self, name: &Id) -> Result<String, FileError> {
        self.names.get(name).cloned().ok_or_else(|| FileError::NotGiven(name.clone()))
    }

    /// Makes a file that comes with a tool known under a name.
    pub fn add_of_tool(&mut self, name: Id, file_name: String, path: PathBuf) {
        self.names.insert(name.clone(), file_name);
        self.of_tools.insert(name, path);
    }

    /// The run's own copy of the folder that a program stands in. One copy serves all programs of a folder.
    pub fn copy_of_folder(&mut self, program: &Path) -> Result<PathBuf, FolderProblem> {
        let folder = tool_folder(program).ok_or_else(|| FolderProblem::NoFolder { program: program.to_owned() })?;
        if let Some(copy) = self.copies.get(&folder) {
            return Ok(copy.clone());
        }
        // No input can have a name that begins so.
        let copy = self.scratch.folder().join(format!(".tool-{}", self.copies.len() + 1));
        if let Err(problem) = copy_tool_folder(program, &copy) {
            // A further attempt begins anew; the problem itself is what is told.
            let _ = std::fs::remove_dir_all(&copy);
            return Err(problem);
        }
        self.copies.insert(folder, copy.clone());
        Ok(copy)
    }

    /// Puts a file at a path below a copy, replacing what is there. `below` has been checked to lead nowhere else.
    pub fn place(&self, name: &Id, copy: &Path, below: &str) -> Result<(), FileError> {
        let from = self.path(name)?;
        let to = copy.join(below);
        let place = || {
            let folder = to.parent().unwrap_or(copy);
            std::fs::create_dir_all(folder)?;
            // The tool itself may have made links.
            if !folder.canonicalize()?.starts_with(copy.canonicalize()?) {
                return Err(std::io::Error::other("a link leads out of the tool's folder"));
            }
            match std::fs::remove_file(&to) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // Its contents alone: what is staged is never a program.
            std::io::copy(&mut open_file(&from)?, &mut std::fs::File::create_new(&to)?)
        };
        place().map(drop).map_err(|source| FileError::NotPlaced { name: name.clone(), below: below.to_owned(), source })
    }

    fn path(&self, name: &Id) -> Result<PathBuf, FileError> {
        if let Some(path) = self.of_tools.get(name) {
            return Ok(path.clone());
        }
        Ok(self.scratch.path(&self.file_name(name)?)?)
    }

    /// Says that a staged file has been checked, and what it was then.
    pub fn keep_checked(&mut self, file_name: &str, size: u64, sha256: &str) {
        self.checked.add(self.scratch.folder(), file_name, size, sha256);
    }

    /// Why the inputs are not what was checked any more, if so.
    pub fn changed_since_checked(&self) -> Option<String> {
        self.checked.changed(self.scratch.folder())
    }

    pub fn size(&self, name: &Id) -> Result<u64, FileError> {
        if let Some(checked) = self.names.get(name).and_then(|file_name| self.checked.get(file_name)) {
            return Ok(checked.size);
        }
        let path = self.path(name)?;
        let metadata = std::fs::metadata(&path).map_err(|source| FileError::unreadable(name.as_str(), source))?;
        Ok(metadata.len())
    }

    /// Of an input: as it was when it was checked, so that a comparison with it proves something.
    pub fn sha256(&self, name: &Id) -> Result<String, FileError> {
        if let Some(checked) = self.names.get(name).and_then(|file_name| self.checked.get(file_name)) {
            return Ok(checked.sha256.clone());
        }
        Ok(sha256_of(&self.path(name)?)?)
    }

    pub fn bytes(&self, name: &Id, offset: u64, length: u64) -> Result<Vec<u8>, FileError> {
        let short = || FileError::Short { name: name.clone(), offset, length };
        let bytes = bytes_at(&self.path(name)?, offset, length);
        let bytes = bytes.map_err(|source| FileError::unreadable(name.as_str(), source))?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(short()) }
    }
}

/// Fewer where the file ends before.
pub(super) fn bytes_at(path: &Path, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = open_file(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
