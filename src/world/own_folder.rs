//! Folders that recover fills and cleans, and how it tells them from everybody else's.
//!
//! Each carries a marker that says what it is for and where it lies. So a folder that a person names by mistake, or one that
//! was copied or unpacked from somewhere, is never taken for one of ours. A temporary folder is locked as long as somebody
//! works in it; what a killed process has left behind is swept at a later start.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::world::system::is_own_folder;
use crate::world::whole_file::unhindered;

/// The file that makes a folder one of ours.
const FOLDER_MARKER: &str = ".recover-folder";
/// So many folders that were kept for somebody to look at stay; older ones are removed at the next start.
pub const KEPT_FOLDERS_MAX: usize = 10;

/// Every temporary folder of ours is named so.
const PREFIX: &str = "recover-";
const MARKER_BYTES_MAX: u64 = 16 * 1024;
/// What is named of a folder that is not ours.
const NAMED_MAX: usize = 3;
/// An empty folder without a marker may be one that is just being made.
const MAKING_MAX: Duration = Duration::from_secs(60 * 60);
/// Another process may sweep a folder away before it is locked.
const ATTEMPTS_MAX: usize = 10;

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum FolderRefused {
    #[error("`{}` is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    #[error("the folder `{}` is not empty, and recover has not made it: {} in the way", path.display(), in_the_way(found))]
    Occupied {
        path: PathBuf,
        /// In the order of their names.
        found: Vec<String>,
    },
    #[error(
        "the folder `{}` holds what recover has made at `{made_at}`; a copy is not cleaned",
        path.display()
    )]
    Copied { path: PathBuf, made_at: String },
    #[error("the folder `{}` cannot be used: {source}", path.display())]
    Unusable { path: PathBuf, source: io::Error },
}

/// What a marked folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Named by a person; stays.
    Named,
    /// For as long as it is locked.
    Temporary,
    /// To be looked at; one of the last few.
    Kept,
}

/// A folder below the system's temporary one. Removed with everything in it when dropped.
#[derive(Debug)]
pub struct TemporaryFolder {
    path: PathBuf,
    /// None where there are no locks; nobody sweeps there either.
    lock: Option<File>,
    /// None once it is the person's.
    folder: Option<TempDir>,
}

#[derive(Debug)]
struct Marker {
    purpose: Purpose,
    made_at: String,
}

/// A folder that a person names for what recover makes: a new one, an empty one, or one that it has made before.
pub fn claim_folder(path: &Path) -> Result<PathBuf, FolderRefused> {
    let found = make_folder(path)?;
    let occupied = |found| FolderRefused::Occupied { path: path.to_owned(), found };
    match Marker::of(path) {
        Some(marker) if marker.made_at != place(path) => {
            return Err(FolderRefused::Copied { path: path.to_owned(), made_at: marker.made_at });
        }
        Some(Marker { purpose: Purpose::Named, .. }) => {}
        Some(Marker { purpose: Purpose::Kept, .. }) => {
            mark(path, Purpose::Named).map_err(|source| unusable(path, source))?;
        }
        // Another process may be at work in it.
        Some(Marker { purpose: Purpose::Temporary, .. }) => return Err(occupied(found)),
        None if found.is_empty() => mark(path, Purpose::Named).map_err(|source| unusable(path, source))?,
        None => return Err(occupied(found)),
    }
    std::path::absolute(path).map_err(|source| unusable(path, source))
}

/// A folder that a person names for something to be put into it once: a new or an empty one.
pub fn vacant_folder(path: &Path) -> Result<(), FolderRefused> {
    let found = make_folder(path)?;
    if found.is_empty() { Ok(()) } else { Err(FolderRefused::Occupied { path: path.to_owned(), found }) }
}

/// Removes a file, a link or a folder with everything in it. Links are never followed; what is not there is fine.
pub fn remove_own(path: &Path) -> io::Result<()> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the temporary folders in `parent` that nobody works in any more, and the older ones of those that were kept.
/// What cannot be removed stays: no run fails for that.
pub fn sweep_folders(parent: &Path) {
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) || !is_own_folder(&path) {
            continue;
        }
        match Marker::of(&path) {
            Some(marker) if marker.made_at != place(&path) => {}
            Some(Marker { purpose: Purpose::Temporary, .. }) => sweep_unlocked(&path),
            Some(Marker { purpose: Purpose::Kept, .. }) => kept.push((changed(&path.join(FOLDER_MARKER)), path)),
            Some(Marker { purpose: Purpose::Named, .. }) => {}
            None if changed(&path).elapsed().is_ok_and(|age| age > MAKING_MAX) => {
                // Killed before it was marked. This removes nothing but empty folders.
                let _not_empty = std::fs::remove_dir(&path);
            }
            None => {}
        }
    }
    kept.sort();
    let spare = kept.len().saturating_sub(KEPT_FOLDERS_MAX);
    for (_, path) in &kept[..spare] {
        let _stays = remove_marked(path);
    }
}

impl TemporaryFolder {
    /// `word` becomes part of the name.
    pub fn create_in(parent: &Path, word: &str) -> io::Result<Self> {
        for _ in 0..ATTEMPTS_MAX {
            let folder = tempfile::Builder::new().prefix(&format!("{PREFIX}{word}")).tempdir_in(parent)?;
            let path = folder.path().to_owned();
            mark(&path, Purpose::Temporary)?;
            let lock = OpenOptions::new().read(true).write(true).open(path.join(FOLDER_MARKER));
            match lock.map(|file| (file.try_lock(), file)) {
                Ok((Ok(()), file)) if path.join(FOLDER_MARKER).exists() => {
                    return Ok(TemporaryFolder { path, lock: Some(file), folder: Some(folder) });
                }
                Ok((Err(TryLockError::Error(_)), _)) => {
                    return Ok(TemporaryFolder { path, lock: None, folder: Some(folder) });
                }
                // Being swept.
                Ok((Ok(()) | Err(TryLockError::WouldBlock), _)) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("other processes remove what is made there"))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it to the person, as one of the last few.
    pub fn keep(mut self) -> PathBuf {
        self.lock = None;
        // One that cannot be marked anew is swept at the next start.
        let _swept_earlier = mark(&self.path, Purpose::Kept);
        let path = self.path.clone();
        self.folder.take().map_or(path, TempDir::keep)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if self.folder.is_some() {
            // What stays is swept at a later start. A program that has just ended may still be held there.
            let _stays = unhindered(|| remove_contents(&self.path));
            self.lock = None;
        }
    }
}

impl Marker {
    /// None when there is none that recover could have written.
    fn of(folder: &Path) -> Option<Self> {
        let path = folder.join(FOLDER_MARKER);
        if !std::fs::symlink_metadata(&path).ok()?.is_file() {
            return None;
        }
        let mut text = String::new();
        File::open(&path).ok()?.take(MARKER_BYTES_MAX).read_to_string(&mut text).ok()?;
        let mut lines = text.lines();
        let first = lines.next()?;
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.line() == first)?;
        Some(Marker { purpose, made_at: lines.next()?.to_owned() })
    }
}

impl Purpose {
    const ALL: [Purpose; 3] = [Purpose::Named, Purpose::Temporary, Purpose::Kept];

    /// The first line of the marker.
    fn line(self) -> &'static str {
        match self {
            Purpose::Named => "recover: a bench",
            Purpose::Temporary => "recover: temporary",
            Purpose::Kept => "recover: kept",
        }
    }
}

/// Removes an emptied folder's marker last, so that what a kill leaves behind is still known as ours.
fn remove_marked(path: &Path) -> io::Result<()> {
    remove_contents(path)?;
    remove_own(path)
}

/// Removes everything but the marker.
fn remove_contents(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() != FOLDER_MARKER {
            remove_own(&entry.path())?;
        }
    }
    Ok(())
}

fn sweep_unlocked(path: &Path) {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path.join(FOLDER_MARKER)) else { return };
    if file.try_lock().is_ok() {
        let _stays = remove_contents(path);
        // Windows removes nothing that is open.
        drop(file);
        let _stays = remove_own(path);
    }
}

/// Makes the folder if there is none; answers with what is in it, in order.
fn make_folder(path: &Path) -> Result<Vec<String>, FolderRefused> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_dir() => return Err(FolderRefused::NotAFolder { path: path.to_owned() }),
        Ok(_) => {}
        Err(_) => std::fs::create_dir_all(path).map_err(|source| unusable(path, source))?,
    }
    let name = |entry: io::Result<std::fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let listed: io::Result<Vec<String>> =
        std::fs::read_dir(path).map_err(|source| unusable(path, source))?.map(name).collect();
    let mut found = listed.map_err(|source| unusable(path, source))?;
    found.sort();
    Ok(found)
}

/// Replaces the marker, or a link in its place, as a whole.
fn mark(path: &Path, purpose: Purpose) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path)?;
    let about = "This folder is recover's own: it is cleaned, and what is put into it may be removed.";
    write!(file, "{}\n{}\n{about}\n", purpose.line(), place(path))?;
    file.persist(path.join(FOLDER_MARKER)).map_err(|error| error.error)?;
    Ok(())
}

/// Where a folder lies, without links.
fn place(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).to_string_lossy().replace(['\n', '\r'], "?")
}

fn changed(path: &Path) -> SystemTime {
    std::fs::symlink_metadata(path).and_then(|found| found.modified()).unwrap_or_else(|_| SystemTime::now())
}

fn in_the_way(found: &[String]) -> String {
    let named: Vec<String> = found.iter().take(NAMED_MAX).map(|name| format!("`{name}`")).collect();
    match found.len().saturating_sub(NAMED_MAX) {
        0 if found.len() == 1 => format!("{} is", named.join(", ")),
        0 => format!("{} are", named.join(", ")),
        more => format!("{} and {more} more are", named.join(", ")),
    }
}

fn unusable(path: &Path, source: io::Error) -> FolderRefused {
    FolderRefused::Unusable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        make_folder(folder).unwrap()
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused_with_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["files", "Cargo.toml", "memory", "src", "state.json"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let before = names(folder.path());
        let told = claim_folder(folder.path()).unwrap_err().to_string();
        assert!(
            told.ends_with("recover has not made it: `Cargo.toml`, `files`, `memory` and 2 more are in the way"),
            "{told}"
        );
        assert!(matches!(vacant_folder(folder.path()), Err(FolderRefused::Occupied { .. })));
        assert_eq!(names(folder.path()), before);
    }

    #[test]
    fn a_new_an_empty_and_an_own_folder_are_used() {
        let parent = tempfile::tempdir().unwrap();
        let bench = parent.path().join("below").join("bench");
        assert_eq!(claim_folder(&bench).unwrap(), bench);
        std::fs::write(bench.join("state.json"), "").unwrap();
        assert_eq!(claim_folder(&bench).unwrap(), bench);
        vacant_folder(&parent.path().join("empty")).unwrap();
        vacant_folder(&parent.path().join("empty")).unwrap();
        assert!(vacant_folder(&bench).is_err());
        std::fs::write(parent.path().join("file"), "").unwrap();
        assert!(matches!(claim_folder(&parent.path().join("file")), Err(FolderRefused::NotAFolder { .. })));
    }

    #[test]
    fn a_marker_from_elsewhere_makes_no_folder_ours() {
        let parent = tempfile::tempdir().unwrap();
        let (bench, other) = (parent.path().join("bench"), parent.path().join("unpacked"));
        claim_folder(&bench).unwrap();
        std::fs::create_dir(&other).unwrap();
        std::fs::copy(bench.join(FOLDER_MARKER), other.join(FOLDER_MARKER)).unwrap();
        assert!(matches!(claim_folder(&other), Err(FolderRefused::Copied { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_marker_that_is_a_link_is_none() {
        let parent = tempfile::tempdir().unwrap();
        let (bench, other) = (parent.path().join("bench"), parent.path().join("other"));
        claim_folder(&bench).unwrap();
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(bench.join(FOLDER_MARKER), other.join(FOLDER_MARKER)).unwrap();
        assert!(matches!(claim_folder(&other), Err(FolderRefused::Occupied { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn removing_follows_no_link() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let theirs = elsewhere.path().join("firmware.bin");
        std::fs::write(&theirs, "precious").unwrap();
        let own = folder.path().join("own");
        std::fs::create_dir(&own).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), own.join("link")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("link")).unwrap();
        remove_own(&own).unwrap();
        remove_own(&folder.path().join("link")).unwrap();
        remove_own(&folder.path().join("link")).unwrap();
        assert!(names(folder.path()).is_empty());
        assert!(theirs.exists());
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let at_work = TemporaryFolder::create_in(parent.path(), "").unwrap();
        let mut killed = TemporaryFolder::create_in(parent.path(), "bench-").unwrap();
        std::fs::write(killed.path().join("firmware.bin"), "x").unwrap();
        let left = killed.path().to_owned();
        // As the system does with the locks of a process that dies.
        killed.lock = None;
        std::mem::forget(killed);
        let theirs = parent.path().join("recover-notes");
        std::fs::create_dir(&theirs).unwrap();
        std::fs::write(theirs.join("a.txt"), "x").unwrap();
        let copied = parent.path().join("recover-copy");
        std::fs::create_dir(&copied).unwrap();
        std::fs::copy(left.join(FOLDER_MARKER), copied.join(FOLDER_MARKER)).unwrap();
        sweep_folders(parent.path());
        assert!(!left.exists());
        assert!(at_work.path().exists());
        assert!(theirs.join("a.txt").exists());
        assert!(copied.exists());
        let path = at_work.path().to_owned();
        drop(at_work);
        assert!(!path.exists());
    }

    #[test]
    fn the_last_few_kept_folders_stay() {
        let parent = tempfile::tempdir().unwrap();
        let keep = |number: usize| {
            let kept = TemporaryFolder::create_in(parent.path(), "bench-").unwrap().keep();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(number as u64);
            File::options().write(true).open(kept.join(FOLDER_MARKER)).unwrap().set_modified(at).unwrap();
            kept
        };
        let kept: Vec<PathBuf> = (0..KEPT_FOLDERS_MAX + 2).map(keep).collect();
        // Taken over by the person.
        claim_folder(&kept[0]).unwrap();
        sweep_folders(parent.path());
        let there: Vec<bool> = kept.iter().map(|path| path.exists()).collect();
        assert!(there[0]);
        assert!(!there[1]);
        assert!(there[2..].iter().all(|there| *there));
    }
}
