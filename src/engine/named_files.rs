//! The files that a staged table names: each must lie beside the table it came from, and is copied beside its copy.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::documents::playbook::{Input, NamesFiles, WrongKind};
use crate::engine::files::{FileError, bytes_at};
use crate::engine::inputs::{InputProblem, NotBeside, beside, problem};
use crate::engine::suitable::wrong_kind;
use crate::engine::{Event, Files};
use crate::words::FILE_BYTES_MAX;
use crate::world::{Scratch, ScratchProblem, open_file};

/// Larger ones are no tables that a person made, in bytes.
const TABLE_BYTES_MAX: u64 = 64 * 1024;

/// Why a table's files cannot be staged.
#[derive(Debug, thiserror::Error)]
enum TableError {
    #[error("`{table}` cannot be read: {source}")]
    Unreadable { table: String, source: io::Error },
    #[error("`{table}` is too large for a table of files: at most {TABLE_BYTES_MAX} bytes are read")]
    TooLarge { table: String },
    #[error("`{table}` begins with a byte order mark, which its readers do not expect; save it without")]
    ByteOrderMark { table: String },
    #[error("`{table}` is not a text")]
    NoText { table: String },
    #[error(transparent)]
    Scratch(#[from] ScratchProblem),
}

/// What is wrong with a line of a table, or with the file that it names.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("{found} of at least {wanted} columns; they must be set apart by tabs")]
    Columns { found: usize, wanted: usize },
    #[error("`{file}` is not the plain name of a file beside the table")]
    NoPlainName { file: String },
    #[error("`{file}` is not in {}", folder.display())]
    Missing { file: String, folder: PathBuf, table: String },
    #[error("`{file}` is larger than any image for a board")]
    TooLarge { file: String },
    #[error("`{file}` is empty")]
    Empty { file: String },
    #[error("`{file}` is {}", wrong.what)]
    WrongKind { file: String, wrong: WrongKind },
    #[error(transparent)]
    NotBeside(#[from] NotBeside),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Scratch(#[from] ScratchProblem),
}

impl LineError {
    fn hint(&self) -> Option<String> {
        match self {
            LineError::Missing { file, table, .. } => {
                Some(format!("put `{file}` beside `{table}`, or correct its name there"))
            }
            LineError::WrongKind { wrong, file } => Some(wrong.remedy.map_or_else(|| other_file(file), str::to_owned)),
            LineError::TooLarge { file } | LineError::Empty { file } => Some(other_file(file)),
            LineError::Columns { .. } | LineError::NoPlainName { .. } => Some("correct that line".to_owned()),
            LineError::NotBeside(_) | LineError::File(_) | LineError::Scratch(_) => None,
        }
    }
}

fn other_file(file: &str) -> String {
    format!("put the right `{file}` in its place")
}

/// Where a name stands in a table.
struct Named<'t> {
    /// Counted from 1.
    line: usize,
    file: Result<&'t str, LineError>,
}

/// Stages what the table of this input names, out of the folder that the table was found in.
pub(super) fn stage_named_files(
    input: &Input,
    table: &NamesFiles,
    folder: &Path,
    files: &Files,
    ready: &mut Vec<Event>,
) -> Result<(), Vec<InputProblem>> {
    let name = input.file_name();
    let text = read(name, files.scratch()).map_err(|error| vec![problem(input, error.to_string(), None)])?;
    let mut problems = Vec::new();
    for Named { line, file } in named(&text, table) {
        match file.and_then(|file| stage(file, input, table, folder, files)) {
            Ok(event) => ready.extend(event),
            Err(error) => {
                problems.push(problem(input, format!("`{name}`, line {line}: {error}"), error.hint()));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn read(name: &str, scratch: &Scratch) -> Result<String, TableError> {
    let table = || name.to_owned();
    let path = scratch.path(name)?;
    let unreadable = |source| TableError::Unreadable { table: table(), source };
    if std::fs::metadata(&path).map_err(unreadable)?.len() > TABLE_BYTES_MAX {
        return Err(TableError::TooLarge { table: table() });
    }
    let mut bytes = Vec::new();
    open_file(&path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(unreadable)?;
    match String::from_utf8(bytes) {
        Ok(text) if text.starts_with('\u{feff}') => Err(TableError::ByteOrderMark { table: table() }),
        Ok(text) => Ok(text),
        Err(_) => Err(TableError::NoText { table: table() }),
    }
}

/// Every name in the table, and every line that has none.
fn named<'t>(text: &'t str, table: &'t NamesFiles) -> impl Iterator<Item = Named<'t>> {
    let is_comment = |line: &str| table.comment.as_ref().is_some_and(|comment| line.starts_with(comment.as_str()));
    text.lines().enumerate().filter(move |(_, line)| !line.trim().is_empty() && !is_comment(line)).filter_map(
        move |(index, line)| {
            let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
            let file = match columns.get(table.column - 1) {
                None => Err(LineError::Columns { found: columns.len(), wanted: table.column }),
                Some(file) if table.except.iter().any(|word| word == file) => return None,
                Some(file) => Ok(*file),
            };
            Some(Named { line: index + 1, file })
        },
    )
}

/// Answers with what is to tell of the file, unless it was there already.
fn stage(
    file: &str,
    input: &Input,
    table: &NamesFiles,
    folder: &Path,
    files: &Files,
) -> Result<Option<Event>, LineError> {
    let named = || file.to_owned();
    let no_folder = !file.is_empty() && !file.contains(['/', '\\', ':']);
    let staged = match files.scratch().path(file) {
        Ok(path) if no_folder && file != input.file_name() => path,
        Err(problem @ ScratchProblem::PartOfAProgram { .. }) => return Err(problem.into()),
        _ => return Err(LineError::NoPlainName { file: named() }),
    };
    // Another line, or an input of its own, may have brought it.
    if staged.exists() {
        return Ok(None);
    }
    let Some(found) = beside(folder, file)? else {
        let table = input.file_name().to_owned();
        return Err(LineError::Missing { file: named(), folder: folder.to_owned(), table });
    };
    // Before it is copied: a file of any size must not fill the disk.
    if std::fs::metadata(&found).is_ok_and(|metadata| metadata.len() > FILE_BYTES_MAX) {
        return Err(LineError::TooLarge { file: named() });
    }
    let copy = staged;
    let staged = files.scratch().stage(&found, file)?;
    if staged.size_bytes == 0 {
        return Err(LineError::Empty { file: named() });
    }
    let read = |offset, length| bytes_at(&copy, offset, length).map_err(|source| FileError::unreadable(file, source));
    if let Some(kind) = table.kind
        && let Some(wrong) = wrong_kind(kind, staged.size_bytes, &read)?
    {
        return Err(LineError::WrongKind { file: named(), wrong });
    }
    Ok(Some(Event::InputReady {
        name: input.name.clone(),
        file: file.to_owned(),
        path: Some(found.display().to_string()),
        size: staged.size_bytes,
        sha256: staged.sha256,
        generated: false,
    }))
}
