//! The folder of a recording: empty before, and written as a whole in the end.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::refusal::Hinted;
use crate::documents::scene::SCENE_ENDING;
use crate::world::{FolderRefused, vacant_folder};

/// A file of the recording, below its folder.
#[derive(Debug)]
pub(super) struct RecordedFile {
    pub(super) name: String,
    pub(super) text: String,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum FolderUnusable {
    #[error("the folder {} holds a recording already: {name}", folder.display())]
    Recording { folder: PathBuf, name: String },
    #[error("{0}")]
    Occupied(FolderRefused),
    #[error("the folder {} of the recording cannot be used: {source}", folder.display())]
    Refused { folder: PathBuf, source: FolderRefused },
    #[error("the folder {} of the recording cannot be used: {source}", folder.display())]
    Unwritable { folder: PathBuf, source: io::Error },
}

impl Hinted for FolderUnusable {
    fn hint(&self) -> Option<String> {
        match self {
            FolderUnusable::Recording { .. } | FolderUnusable::Occupied(_) => {
                Some("Give --record a new or an empty folder.".to_owned())
            }
            FolderUnusable::Refused { .. } | FolderUnusable::Unwritable { .. } => None,
        }
    }
}

/// Makes the folder ready before anything starts.
pub(super) fn prepare(folder: &Path) -> Result<(), FolderUnusable> {
    let named = || folder.to_owned();
    vacant_folder(folder).map_err(|refused| match &refused {
        FolderRefused::Occupied { found, .. } => match found.iter().find(|name| name.ends_with(SCENE_ENDING)) {
            Some(name) => FolderUnusable::Recording { folder: named(), name: name.clone() },
            None => FolderUnusable::Occupied(refused),
        },
        _ => FolderUnusable::Refused { folder: named(), source: refused },
    })?;
    // Found out now, and not when the camera has been rescued.
    tempfile::tempfile_in(folder).map_err(|source| FolderUnusable::Unwritable { folder: named(), source })?;
    Ok(())
}

/// Writes every file under another name first; only then all get their names. Nothing is left when one cannot be written.
pub(super) fn write(folder: &Path, files: &[RecordedFile]) -> io::Result<()> {
    let mut written: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut write_all = || {
        for file in files {
            let path = folder.join(&file.name);
            let unfinished = path.with_extension("unfinished");
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            // Nothing that somebody has put there meanwhile is replaced.
            let text = std::fs::File::create_new(&unfinished)?;
            written.push((unfinished, path));
            io::Write::write_all(&mut &text, file.text.as_bytes())?;
            text.sync_all()?;
        }
        for (unfinished, path) in &written {
            if std::fs::symlink_metadata(path).is_ok() {
                let what = format!("{} is there already", path.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
            }
            std::fs::rename(unfinished, path)?;
        }
        Ok(())
    };
    let outcome = write_all();
    if outcome.is_err() {
        for (unfinished, _) in &written {
            // Those that have their names already are whole.
            let _gone_already = std::fs::remove_file(unfinished);
        }
    }
    outcome
}
