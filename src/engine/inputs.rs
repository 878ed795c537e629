//! Input files: found, copied into the run's own folder, and held against what the playbook says of them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::documents::playbook::{Input, Need, Playbook, Vectors};
use crate::engine::named_files::stage_named_files;
use crate::engine::suitable::{Unsuitable, WordError, is_rather, suits, word_value};
use crate::engine::{Event, Files};
use crate::words::{FILE_BYTES_MAX, Id};
use crate::world::{ScratchProblem, sha256_of};

/// The size of a made-up image whose playbook gives none, in bytes.
const EXAMPLE_BYTES: u64 = 16 * 1024;

/// A file so many times larger than there is room for is not even looked into.
const LARGER_AT_MOST: u64 = 16;

/// Where the person said that files are.
#[derive(Debug, Clone)]
pub struct GivenFiles {
    /// The folder of `--files`.
    pub folder: PathBuf,
    /// Files given one by one; these may lie anywhere, because the person named them.
    pub set: BTreeMap<Id, PathBuf>,
    /// How one comes by the files, in a sentence.
    pub to_be_had: Option<String>,
}

/// What is wrong with one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputProblem {
    pub input: Id,
    /// A sentence without a full stop.
    pub message: String,
    pub hint: Option<String>,
}

/// Makes up an image: the input, its size in bytes, and the words it must hold as offset and value. `None` where it is to
/// stay missing.
pub type MakeImage<'a> = dyn Fn(&Input, u64, &[(u64, u32)]) -> Option<Vec<u8>> + 'a;

/// What becomes of a file that is needed and not there.
#[derive(Clone, Copy)]
pub enum Absent<'a> {
    Refused,
    MadeUp(&'a MakeImage<'a>),
    /// For a plan: its name is known, and nothing else.
    Named,
}

impl std::fmt::Debug for Absent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Absent::Refused => "Refused",
            Absent::MadeUp(_) => "MadeUp",
            Absent::Named => "Named",
        })
    }
}

/// Stages and checks every input, and the files that tables among them name; all faults are found, not only the first.
pub fn stage_inputs(
    playbook: &Playbook,
    given: &GivenFiles,
    absent: Absent<'_>,
    files: &mut Files,
    events: &mut dyn FnMut(&Event),
) -> Result<(), Vec<InputProblem>> {
    let mut problems = Vec::new();
    let (mut made_up, mut named) = (Vec::new(), Vec::new());
    let mut ready = Vec::new();
    for input in &playbook.inputs {
        let found = match find(input, playbook, given) {
            Ok(Some(path)) => path,
            Ok(None) if may_be_missing(input, playbook, given) => continue,
            Ok(None) => {
                match absent {
                    Absent::Refused => problems.push(missing(input, given)),
                    Absent::MadeUp(_) => made_up.push(input),
                    Absent::Named => named.push(input),
                }
                continue;
            }
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        // Before it is copied: a file of any size must not fill the disk.
        if let Some(problem) = too_large(input, &found) {
            problems.push(problem);
            continue;
        }
        match files.scratch().stage(&found, input.file_name()) {
            Ok(staged) => {
                files.add(input.name.clone(), input.file_name().to_owned());
                ready.push(Event::InputReady {
                    name: input.name.clone(),
                    file: input.file_name().to_owned(),
                    path: Some(found.display().to_string()),
                    size: staged.size_bytes,
                    sha256: staged.sha256,
                    generated: false,
                });
            }
            Err(error) => problems.push(problem(input, error.to_string(), None)),
        }
    }
    problems.extend(left_alone(playbook, given, files));
    if let Absent::MadeUp(make) = absent {
        for input in made_up {
            match make_up(input, playbook, make, files) {
                Ok(Some(event)) => ready.push(event),
                Ok(None) => problems.push(missing(input, given)),
                Err(error) => problems.push(problem(input, error.to_string(), None)),
            }
        }
    }
    for input in &playbook.inputs {
        if files.knows(&input.name)
            && let Err(Unsuitable { message, hint }) = suits(input, playbook, files)
        {
            let other = playbook.inputs.iter().find(|other| other.name != input.name && is_rather(other, input, files));
            let mixed_up = other.map(|other| {
                format!("it looks like the file for `{}` ({}); were the two mixed up?", other.name, other.file_name())
            });
            problems.push(problem(input, message, mixed_up.or(hint)));
        } else if let Some(table) = input.names_files.as_ref().filter(|_| files.knows(&input.name)) {
            let folder = folder_of(input, given);
            problems.extend(stage_named_files(input, table, &folder, files, &mut ready).err().unwrap_or_default());
        }
    }
    if problems.is_empty() {
        named.iter().for_each(|input| files.add(input.name.clone(), input.file_name().to_owned()));
        for event in &ready {
            if let Event::InputReady { file, size, sha256, .. } = event {
                files.keep_checked(file, *size, sha256);
            }
        }
        ready.iter().for_each(events);
        Ok(())
    } else {
        Err(problems)
    }
}

fn too_large(input: &Input, path: &Path) -> Option<InputProblem> {
    let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.len();
    // Of another kind, such as an ELF file with its debug information: that is the better thing to tell.
    let max = input.max_size.unwrap_or(FILE_BYTES_MAX);
    let beyond_reason = size > max.saturating_mul(LARGER_AT_MOST).min(FILE_BYTES_MAX);
    beyond_reason.then(|| problem(input, too_large_message(input.file_name(), size, max), None))
}

pub(super) fn too_large_message(name: &str, size: u64, max: u64) -> String {
    format!("`{name}` has {size} bytes, and there is room for {max} ({max:#x})")
}

pub(super) fn problem(input: &Input, message: String, hint: Option<String>) -> InputProblem {
    InputProblem { input: input.name.clone(), message, hint }
}

fn missing(input: &Input, given: &GivenFiles) -> InputProblem {
    let help = input.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
    let folder = match given.folder.to_str() {
        Some(".") => "the current folder".to_owned(),
        _ => given.folder.display().to_string(),
    };
    let message = format!("`{}`{help} is not in {folder}", input.file.value);
    let hint = format!("say where the files are with --files DIR, or give this one with --set {}=PATH", input.name);
    let hint = given.to_be_had.iter().fold(hint, |hint, get| format!("{hint}. {get}"));
    problem(input, message, Some(hint))
}

/// Files that are not there although others are that are of use only together with them.
fn left_alone(playbook: &Playbook, given: &GivenFiles, files: &Files) -> Vec<InputProblem> {
    let word = |input: &Input| input.together.as_ref().map(|together| together.value.clone());
    let mut problems = Vec::new();
    for input in playbook.inputs.iter().filter(|input| input.together.is_some() && !files.knows(&input.name)) {
        let all: Vec<&Input> = playbook.inputs.iter().filter(|other| word(other) == word(input)).collect();
        if all.iter().any(|other| files.knows(&other.name)) {
            let names: Vec<&str> = all.iter().map(|other| other.file_name()).collect();
            let hint = format!("{} belong together: give all of them, or none", names.join(", "));
            problems.push(problem(input, missing(input, given).message, Some(hint)));
        }
    }
    problems
}

/// Can the run do without this input's file?
fn may_be_missing(input: &Input, playbook: &Playbook, given: &GivenFiles) -> bool {
    match &input.need {
        Need::Always => false,
        Need::Never => true,
        Need::Without(other) => {
            let other = playbook.input(&other.value);
            other.is_some_and(|other| find(other, playbook, given).is_ok_and(|found| found.is_some()))
        }
    }
}

/// The folder that an input's file was found in.
fn folder_of(input: &Input, given: &GivenFiles) -> PathBuf {
    let path = given.set.get(&input.name).cloned().unwrap_or_else(|| given.folder.join(&input.file.value));
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder.to_owned(),
        None => given.folder.clone(),
    }
}

/// Why a name does not lead to a file beside another.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotBeside {
    #[error("{} leads out of {}, to {}", path.display(), folder.display(), real.display())]
    Elsewhere { path: PathBuf, folder: PathBuf, real: PathBuf },
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
}

/// A file below a folder; `None` when there is none.
pub(super) fn beside(folder: &Path, file: &str) -> Result<Option<PathBuf>, NotBeside> {
    let path = folder.join(file);
    match path.canonicalize() {
        Ok(real) if is_below(&real, folder) => Ok(Some(path)),
        Ok(real) => Err(NotBeside::Elsewhere { path, folder: folder.to_owned(), real }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(NotBeside::Unreadable { path, source }),
    }
}

/// Where an input's file is; `None` when there is none.
fn find(input: &Input, playbook: &Playbook, given: &GivenFiles) -> Result<Option<PathBuf>, InputProblem> {
    if let Some(path) = given.set.get(&input.name) {
        return if path.is_file() {
            Ok(Some(path.clone()))
        } else {
            let what = if path.exists() { "is not a file" } else { "is not there" };
            Err(problem(input, format!("{} {what}", path.display()), Some("it was given with --set".to_owned())))
        };
    }
    // What stands in for another input that the person named lies where that one lies.
    let stands_in_for = match &input.need {
        Need::Without(other) => playbook.input(&other.value).filter(|other| given.set.contains_key(&other.name)),
        Need::Always | Need::Never => None,
    };
    let folder = stands_in_for.map_or_else(|| given.folder.clone(), |other| folder_of(other, given));
    beside(&folder, &input.file.value).map_err(|error| {
        let hint = match &error {
            NotBeside::Elsewhere { real, .. } => {
                Some(format!("if you trust it, name it yourself: --set {}={}", input.name, real.display()))
            }
            NotBeside::Unreadable { .. } => None,
        };
        problem(input, error.to_string(), hint)
    })
}

fn is_below(real: &Path, folder: &Path) -> bool {
    folder.canonicalize().is_ok_and(|folder| real.starts_with(folder))
}

/// Why a file could not be made up.
#[derive(Debug, thiserror::Error)]
enum NotMadeUp {
    #[error(transparent)]
    Word(#[from] WordError),
    #[error(transparent)]
    Scratch(#[from] ScratchProblem),
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

fn make_up(
    input: &Input,
    playbook: &Playbook,
    make: &MakeImage<'_>,
    files: &mut Files,
) -> Result<Option<Event>, NotMadeUp> {
    let size = size_of_example(input);
    let mut words = Vec::new();
    for word in &input.words {
        // Of files that are there, else of the ones that will be.
        let size = |file: &Id| files.size(file).ok().or_else(|| playbook.input(file).map(size_of_example));
        words.push((word.offset, word_value(word, playbook, &size)?));
    }
    let Some(bytes) = make(input, size, &words) else { return Ok(None) };
    let path = files.scratch().path(input.file_name())?;
    std::fs::write(&path, &bytes).map_err(|source| NotMadeUp::Unwritable { path: path.clone(), source })?;
    files.add(input.name.clone(), input.file_name().to_owned());
    Ok(Some(Event::InputReady {
        name: input.name.clone(),
        file: input.file_name().to_owned(),
        path: None,
        size: bytes.len() as u64,
        sha256: sha256_of(&path)?,
        generated: true,
    }))
}

/// In bytes. What the playbook's own checks look at must be there, whatever size it names.
fn size_of_example(input: &Input) -> u64 {
    let size = input.example_size.unwrap_or(EXAMPLE_BYTES).max(input.min_size.unwrap_or(1));
    let limited = input.max_size.map_or(size, |max| size.min(max));
    let words_end = input.words.iter().map(|word| word.offset.saturating_add(4)).max().unwrap_or(0);
    let vectors_end = input.vectors.as_ref().map_or(0, |vectors| vectors.at.saturating_add(Vectors::SIZE_BYTES));
    limited.max(words_end).max(vectors_end).max(input.starts_with.len() as u64).max(1)
}
