//! Writes a file as a whole or not at all: whoever reads it meanwhile, or after a crash or on a full disk, finds the old one.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::world::system::is_hindrance;

/// Nobody holds a file that long who only reads it.
const HINDERED_MAX: Duration = Duration::from_secs(2);
const TRIED_EVERY: Duration = Duration::from_millis(5);

/// Replaces the file, or what a link in its place leads to. Nobody else can read it. The folder is made where there is none.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Windows says only that the access is denied.
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    // What could not be put in its place comes back with the error.
    let mut file = Some(file);
    unhindered(|| match file.take().map(|file| file.persist(&path)) {
        Some(Err(error)) => {
            file = Some(error.file);
            Err(error.error)
        }
        _ => Ok(()),
    })
}

/// Does again what fails because somebody else has the file open, as virus scanners do on Windows; elsewhere that hinders
/// nobody. In the end the last error is the answer.
pub fn unhindered<T>(mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let began = Instant::now();
    loop {
        match work() {
            Err(error) if is_hindrance(&error) && began.elapsed() < HINDERED_MAX => std::thread::sleep(TRIED_EVERY),
            done => return done,
        }
    }
}

/// Writes a file that must not be there yet. Nobody else can read it.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below").join("file");
        for text in ["first", "second"] {
            write_whole(&path, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_its_place_is_told_as_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write_whole(folder.path(), b"x").unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_new(&path, b"first").unwrap();
        assert_eq!(write_new(&path, b"second").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
