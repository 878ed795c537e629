//! The folder of a recording: empty before, and written as a whole in the end.

use std::io;
use std::path::{Path, PathBuf};

use crate::documents::scene::SCENE_ENDING;
use crate::world::{FolderRefused, vacant_folder};

/// A file of the recording, below its folder.
#[derive(Debug)]
pub(super) struct RecordedFile {
    pub(super) name: String,
    pub(super) text: String,
}

/// Makes the folder ready before anything starts; an error says why it cannot be used, and what to do.
pub(super) fn prepare(folder: &Path) -> Result<(), (String, Option<String>)> {
    let shown = folder.display();
    let unusable = |error: &io::Error| (format!("the folder {shown} of the recording cannot be used: {error}"), None);
    vacant_folder(folder).map_err(|refused| {
        let holds = |found: &[String]| found.iter().find(|name| name.ends_with(SCENE_ENDING)).cloned();
        let (what, next) = match &refused {
            FolderRefused::Occupied { found, .. } => {
                let what = match holds(found) {
                    Some(name) => format!("the folder {shown} holds a recording already: {name}"),
                    None => refused.to_string(),
                };
                (what, Some("Give --record a new or an empty folder.".to_owned()))
            }
            _ => (format!("the folder {shown} of the recording cannot be used: {refused}"), None),
        };
        (what, next)
    })?;
    // Found out now, and not when the camera has been rescued.
    tempfile::tempfile_in(folder).map_err(|error| unusable(&error))?;
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
