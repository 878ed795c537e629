//! A folder of files that bears another board's name is not taken for this board's.

use std::path::Path;

use crate::documents::library::{is_called, shipped_board_called};
use crate::documents::playbook::{Input, Playbook};
use crate::engine::GivenFiles;

/// Refuses to take files from a folder that is called as another shipped board's are: what is wrong, and what to do. Files
/// that the person names one by one may lie anywhere.
pub(super) fn check_folder(given: &GivenFiles, playbook: &Playbook) -> Result<(), (String, Option<String>)> {
    let Some(name) = name_of(&given.folder) else { return Ok(()) };
    let taken: Vec<&Input> = playbook.inputs.iter().filter(|input| is_taken_from_folder(input, given)).collect();
    // A playbook that has no name for its folder says nothing of those of others.
    if is_called(playbook, &name) || playbook.aliases.is_empty() || taken.is_empty() {
        return Ok(());
    }
    let other = shipped_board_called(&name).filter(|other| other.name != playbook.board);
    let Some(other) = other else { return Ok(()) };
    let own: Vec<&str> = playbook.aliases.iter().map(|alias| alias.value.as_str()).collect();
    let what = format!(
        "the folder {name} holds the files of another board, {}; this playbook is for {}",
        other.name, playbook.board
    );
    let set: Vec<String> = taken
        .iter()
        .map(|input| format!("--set {}={}", input.name, given.folder.join(&input.file.value).display()))
        .collect();
    let next = format!(
        "If the board is {}, run the playbook `{}`. If it is {}, give its own folder with --files: it is called {}. If \
         you are sure that these files are right all the same, name each of them: {}",
        other.name,
        other.id,
        playbook.board,
        own.join(" or "),
        set.join(" ")
    );
    Err((what, Some(next)))
}

/// The folder's own name, also where it is given as `.` or by a link.
fn name_of(folder: &Path) -> Option<String> {
    let real = folder.canonicalize().ok()?;
    real.file_name().map(|name| name.to_string_lossy().into_owned())
}

fn is_taken_from_folder(input: &Input, given: &GivenFiles) -> bool {
    !given.set.contains_key(&input.name) && given.folder.join(&input.file.value).exists()
}
