//! The folder of a recording: empty of recordings before, and written as a whole in the end.

use std::io;
use std::path::{Path, PathBuf};

use crate::documents::scene::SCENE_ENDING;

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
    std::fs::create_dir_all(folder).map_err(|error| unusable(&error))?;
    for entry in std::fs::read_dir(folder).map_err(|error| unusable(&error))? {
        let name = entry.map_err(|error| unusable(&error))?.file_name().to_string_lossy().into_owned();
        if name.ends_with(SCENE_ENDING) {
            let what = format!("the folder {shown} holds a recording already: {name}");
            return Err((what, Some("Give --record another folder, or remove what is in it.".to_owned())));
        }
    }
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
            written.push((unfinished.clone(), path));
            let text = std::fs::File::create(&unfinished)?;
            io::Write::write_all(&mut &text, file.text.as_bytes())?;
            text.sync_all()?;
        }
        written.iter().try_for_each(|(unfinished, path)| std::fs::rename(unfinished, path))
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
