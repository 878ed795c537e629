//! The files that a staged table names: each must lie beside the table it came from, and is copied beside its copy.

use std::path::Path;

use crate::documents::playbook::{Input, NamesFiles};
use crate::engine::files::bytes_at;
use crate::engine::inputs::{InputProblem, beside, problem};
use crate::engine::suitable::wrong_kind;
use crate::engine::{Event, Files};
use crate::words::FILE_BYTES_MAX;
use crate::world::{Scratch, ScratchProblem};

/// Larger ones are no tables that a person made, in bytes.
const TABLE_BYTES_MAX: u64 = 64 * 1024;

/// Where a name stands in a table.
struct Named<'t> {
    /// Counted from 1.
    line: usize,
    file: &'t str,
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
    let text = read(name, files.scratch()).map_err(|message| vec![problem(input, message, None)])?;
    let mut problems = Vec::new();
    for named in named(&text, table) {
        let staged = named.map_err(|(line, message)| (line, message, None)).and_then(|Named { line, file }| {
            let event = stage(file, input, table, folder, files).map_err(|(message, hint)| (line, message, hint))?;
            ready.extend(event);
            Ok(())
        });
        if let Err((line, message, hint)) = staged {
            problems.push(problem(input, format!("`{name}`, line {line}: {message}"), hint));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn read(name: &str, scratch: &Scratch) -> Result<String, String> {
    let path = scratch.path(name).map_err(|problem| problem.to_string())?;
    let unreadable = |error: std::io::Error| format!("`{name}` cannot be read: {error}");
    if std::fs::metadata(&path).map_err(unreadable)?.len() > TABLE_BYTES_MAX {
        return Err(format!("`{name}` is too large for a table of files: at most {TABLE_BYTES_MAX} bytes are read"));
    }
    let bytes = std::fs::read(&path).map_err(unreadable)?;
    match String::from_utf8(bytes) {
        Ok(text) if text.starts_with('\u{feff}') => {
            Err(format!("`{name}` begins with a byte order mark, which its readers do not expect; save it without"))
        }
        Ok(text) => Ok(text),
        Err(_) => Err(format!("`{name}` is not a text")),
    }
}

/// Every name in the table, or the line that has none and why.
fn named<'t>(text: &'t str, table: &'t NamesFiles) -> impl Iterator<Item = Result<Named<'t>, (usize, String)>> {
    let is_comment = |line: &str| table.comment.as_ref().is_some_and(|comment| line.starts_with(comment.as_str()));
    text.lines().enumerate().filter(move |(_, line)| !line.trim().is_empty() && !is_comment(line)).filter_map(
        move |(index, line)| {
            let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
            let number = index + 1;
            match columns.get(table.column - 1) {
                None => {
                    let (found, wanted) = (columns.len(), table.column);
                    let message = format!("{found} of at least {wanted} columns; they must be set apart by tabs");
                    Some(Err((number, message)))
                }
                Some(file) if table.except.iter().any(|word| word == file) => None,
                Some(file) => Some(Ok(Named { line: number, file })),
            }
        },
    )
}

/// Answers with what is to tell of the file, unless it was there already. A fault is a message and a hint.
fn stage(
    file: &str,
    input: &Input,
    table: &NamesFiles,
    folder: &Path,
    files: &Files,
) -> Result<Option<Event>, (String, Option<String>)> {
    let plain = |message: String| (message, None);
    let no_folder = !file.is_empty() && !file.contains(['/', '\\', ':']);
    let staged = match files.scratch().path(file) {
        Ok(path) if no_folder && file != input.file_name() => path,
        Err(problem @ ScratchProblem::PartOfAProgram { .. }) => return Err(plain(problem.to_string())),
        _ => return Err(plain(format!("`{file}` is not the plain name of a file beside the table"))),
    };
    // Another line, or an input of its own, may have brought it.
    if staged.exists() {
        return Ok(None);
    }
    let found = match beside(folder, file) {
        Ok(Some(path)) => path,
        Ok(None) => {
            let hint = format!("put `{file}` beside `{}`, or correct its name there", input.file_name());
            return Err((format!("`{file}` is not in {}", folder.display()), Some(hint)));
        }
        Err((message, _)) => return Err(plain(message)),
    };
    // Before it is copied: a file of any size must not fill the disk.
    if std::fs::metadata(&found).is_ok_and(|metadata| metadata.len() > FILE_BYTES_MAX) {
        return Err(plain(format!("`{file}` is larger than any image for a board")));
    }
    let copy = staged;
    let staged = files.scratch().stage(&found, file).map_err(|problem| plain(problem.to_string()))?;
    if staged.size_bytes == 0 {
        return Err(plain(format!("`{file}` is empty")));
    }
    let read =
        |offset, length| bytes_at(&copy, offset, length).map_err(|error| format!("`{file}` cannot be read: {error}"));
    if let Some(kind) = table.kind
        && let Some(wrong) = wrong_kind(kind, staged.size_bytes, &read).map_err(plain)?
    {
        return Err((format!("`{file}` is {}", wrong.what), wrong.remedy.map(str::to_owned)));
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
