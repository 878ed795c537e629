//! A folder of files that bears another board's name is not taken for this board's.

use std::path::Path;

use crate::cli::refusal::Hinted;
use crate::cli::wording::quote;
use crate::documents::library::{is_called, shipped_board_called};
use crate::documents::playbook::{Input, Playbook};
use crate::engine::GivenFiles;

/// A folder that is called as another shipped board's are.
#[derive(Debug, thiserror::Error)]
#[error("the folder {name} holds the files of another board, {other}; this playbook is for {board}")]
pub(super) struct OtherBoardsFolder {
    name: String,
    other: String,
    /// The playbook for the other board.
    playbook: &'static str,
    board: String,
    /// What this board's own folder is called.
    own: Vec<String>,
    /// The options that name each file.
    set: Vec<String>,
}

impl Hinted for OtherBoardsFolder {
    fn hint(&self) -> Option<String> {
        let OtherBoardsFolder { other, playbook, board, own, set, .. } = self;
        Some(format!(
            "If the board is {other}, run the playbook `{playbook}`. If it is {board}, give its own folder with --files: it \
             is called {}. If you are sure that these files are right all the same, name each of them: {}",
            own.join(" or "),
            set.join(" ")
        ))
    }
}

/// Refuses to take files from such a folder. Files that the person names one by one may lie anywhere.
pub(super) fn check_folder(given: &GivenFiles, playbook: &Playbook) -> Result<(), Box<OtherBoardsFolder>> {
    let Some(name) = name_of(&given.folder) else { return Ok(()) };
    let taken: Vec<&Input> = playbook.inputs.iter().filter(|input| is_taken_from_folder(input, given)).collect();
    // A playbook that has no name for its folder says nothing of those of others.
    if is_called(playbook, &name) || playbook.aliases.is_empty() || taken.is_empty() {
        return Ok(());
    }
    let other = shipped_board_called(&name).filter(|other| other.name != playbook.board);
    let Some(other) = other else { return Ok(()) };
    let set = |input: &&Input| {
        let setting = format!("{}={}", input.name, given.folder.join(&input.file.value).display());
        format!("--set {}", quote(&setting))
    };
    Err(Box::new(OtherBoardsFolder {
        name,
        other: other.name,
        playbook: other.id,
        board: playbook.board.clone(),
        own: playbook.aliases.iter().map(|alias| alias.value.clone()).collect(),
        set: taken.iter().map(set).collect(),
    }))
}

/// The folder's own name, also where it is given as `.` or by a link.
fn name_of(folder: &Path) -> Option<String> {
    let real = folder.canonicalize().ok()?;
    real.file_name().map(|name| name.to_string_lossy().into_owned())
}

fn is_taken_from_folder(input: &Input, given: &GivenFiles) -> bool {
    !given.set.contains_key(&input.name) && given.folder.join(&input.file.value).exists()
}
