//! Input files as they were when they were checked. A file that changes afterwards must not reach a board.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use crate::world::sha256_of;

/// The checked files of a run's folder, by name.
#[derive(Debug, Default)]
pub(super) struct CheckedFiles {
    files: BTreeMap<String, CheckedFile>,
}

#[derive(Debug)]
pub(super) struct CheckedFile {
    pub(super) size: u64,
    pub(super) sha256: String,
    /// While it stays, the contents are not read again.
    modified: Option<SystemTime>,
}

impl CheckedFiles {
    pub(super) fn add(&mut self, folder: &Path, name: &str, size: u64, sha256: &str) {
        let modified = std::fs::metadata(folder.join(name)).and_then(|found| found.modified()).ok();
        self.files.insert(name.to_owned(), CheckedFile { size, sha256: sha256.to_owned(), modified });
    }

    pub(super) fn get(&self, name: &str) -> Option<&CheckedFile> {
        self.files.get(name)
    }

    /// From now on this is a file that a step or a tool makes.
    pub(super) fn forget(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// A file that is not what was checked, and how.
    pub(super) fn changed(&self, folder: &Path) -> Option<String> {
        self.files.iter().find_map(|(name, checked)| {
            let how = checked.changed(&folder.join(name))?;
            Some(format!("the run's copy of `{name}` {how} since it was checked"))
        })
    }
}

impl CheckedFile {
    fn changed(&self, path: &Path) -> Option<String> {
        let found = match std::fs::metadata(path) {
            Ok(found) => found,
            Err(error) => return Some(format!("has gone ({error})")),
        };
        if found.len() != self.size {
            return Some(format!("has changed from {} to {} bytes", self.size, found.len()));
        }
        if self.modified.is_some() && found.modified().ok() == self.modified {
            return None;
        }
        match sha256_of(path) {
            Ok(sha256) if sha256 == self.sha256 => None,
            Ok(_) => Some("has changed".to_owned()),
            Err(problem) => Some(format!("cannot be read any more ({problem})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::sha256_of_bytes;

    #[test]
    fn notices_every_change_of_contents_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image.bin");
        let mut checked = CheckedFiles::default();
        std::fs::write(&image, b"whole").unwrap();
        checked.add(folder.path(), "image.bin", 5, &sha256_of_bytes(b"whole"));
        assert_eq!(checked.changed(folder.path()), None);
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        std::fs::File::options().write(true).open(&image).unwrap().set_modified(later).unwrap();
        assert_eq!(checked.changed(folder.path()), None, "touched only");
        std::fs::write(&image, b"other").unwrap();
        assert_eq!(
            checked.changed(folder.path()).unwrap(),
            "the run's copy of `image.bin` has changed since it was checked"
        );
        std::fs::write(&image, b"ha").unwrap();
        assert!(checked.changed(folder.path()).unwrap().contains("from 5 to 2 bytes"));
        std::fs::remove_file(&image).unwrap();
        assert!(checked.changed(folder.path()).unwrap().contains("has gone"));
        checked.forget("image.bin");
        assert_eq!(checked.changed(folder.path()), None);
    }
}
