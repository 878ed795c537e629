//! The private folder of one run: input files are staged here under plain names, and tools write here.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::documents::playbook::is_part_of_a_program;
use crate::words::hex_digits;
use crate::world::TemporaryFolder;

/// How much of a file is copied at a time, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Deleted with everything in it when dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TemporaryFolder,
}

/// A file as it was copied into the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    pub path: PathBuf,
    pub size_bytes: u64,
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ScratchProblem {
    #[error("no folder for the run could be made in `{}`: {source}", parent.display())]
    NoFolder { parent: PathBuf, source: io::Error },
    #[error("`{name}` cannot be the name of a file in the run's folder")]
    BadName { name: String },
    #[error("a tool could load `{name}` as a part of itself and run it")]
    PartOfAProgram { name: String },
    #[error("`{name}` is in the run's folder already: two files would share this name")]
    NameTaken { name: String },
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`{}` is not a file", path.display())]
    NotAFile { path: PathBuf },
    #[error(
        "`{}` changed while it was being copied: {found_bytes} bytes came where {expected_bytes} were expected",
        path.display()
    )]
    Changed { path: PathBuf, expected_bytes: u64, found_bytes: u64 },
    #[error("`{}` cannot be written, the disk is full", path.display())]
    DiskFull { path: PathBuf },
    #[error("`{}` cannot be written: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

impl Scratch {
    /// A new folder below the system's temporary one.
    pub fn create() -> Result<Self, ScratchProblem> {
        Scratch::create_in(&std::env::temp_dir())
    }

    pub fn create_in(parent: &Path) -> Result<Self, ScratchProblem> {
        TemporaryFolder::create_in(parent, "")
            .map(|folder| Scratch { folder })
            .map_err(|source| ScratchProblem::NoFolder { parent: parent.to_owned(), source })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the file of this name is or would be.
    pub fn path(&self, name: &str) -> Result<PathBuf, ScratchProblem> {
        // A person's table may name files, too, of which no check of the playbook knows.
        if is_part_of_a_program(name) {
            return Err(ScratchProblem::PartOfAProgram { name: name.to_owned() });
        }
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(part)), None) if part == name => Ok(self.folder().join(name)),
            _ => Err(ScratchProblem::BadName { name: name.to_owned() }),
        }
    }

    /// Copies an input file, so that nobody can change it under a running tool. Never overwrites.
    pub fn stage(&self, source: &Path, name: &str) -> Result<Staged, ScratchProblem> {
        let path = self.path(name)?;
        let unreadable = |error| ScratchProblem::Unreadable { path: source.to_owned(), source: error };
        // Before it is opened: a pipe would be waited for.
        if !std::fs::metadata(source).map_err(unreadable)?.is_file() {
            return Err(ScratchProblem::NotAFile { path: source.to_owned() });
        }
        let mut input = open_file(source).map_err(unreadable)?;
        let metadata = input.metadata().map_err(unreadable)?;
        let mut output = create_new(&path, name)?;

        let mut digest = Sha256::new();
        let mut size_bytes = 0;
        let mut piece = vec![0; PIECE_BYTES];
        let outcome = loop {
            let length = match input.read(&mut piece) {
                Ok(0) => break Ok(()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => break Err(unreadable(error)),
            };
            digest.update(&piece[..length]);
            size_bytes += length as u64;
            if let Err(error) = output.write_all(&piece[..length]) {
                break Err(unwritable(&path, error));
            }
        };
        let outcome = outcome.and_then(|()| match metadata.len() {
            expected if expected == size_bytes => Ok(()),
            expected_bytes => {
                Err(ScratchProblem::Changed { path: source.to_owned(), expected_bytes, found_bytes: size_bytes })
            }
        });
        match outcome {
            Ok(()) => Ok(Staged { path, size_bytes, sha256: hex_digits(&digest.finalize()) }),
            Err(problem) => {
                // Half a file must not be taken for a whole one; the problem itself is what is told.
                let _ = std::fs::remove_file(&path);
                Err(problem)
            }
        }
    }

    /// Writes a new file. Never overwrites: what a step is to write again it removes first.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<PathBuf, ScratchProblem> {
        let path = self.path(name)?;
        create_new(&path, name)?.write_all(contents.as_ref()).map_err(|error| unwritable(&path, error))?;
        Ok(path)
    }

    /// Removes a file; one that is not there is fine.
    pub fn remove(&self, name: &str) -> Result<(), ScratchProblem> {
        let path = self.path(name)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(&path, error)),
            _ => Ok(()),
        }
    }
}

/// Opens a file, or what a link to one leads to. Pipes, sockets and devices are refused by what they are: opening one may
/// never end, or do something.
pub fn open_file(path: &Path) -> io::Result<File> {
    let found = std::fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !found.is_file() {
        return Err(io::Error::other("it is a pipe, a socket or a device, and no file"));
    }
    File::open(path)
}

/// May this user make files in this folder? Found out by making one without a name, where the system can.
pub(super) fn is_writable(folder: &Path) -> bool {
    tempfile::tempfile_in(folder).is_ok()
}

fn create_new(path: &Path, name: &str) -> Result<File, ScratchProblem> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => ScratchProblem::NameTaken { name: name.to_owned() },
        _ => unwritable(path, error),
    })
}

fn unwritable(path: &Path, source: io::Error) -> ScratchProblem {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ScratchProblem::DiskFull { path: path.to_owned() },
        _ => ScratchProblem::Unwritable { path: path.to_owned(), source },
    }
}

/// The digest of a file's contents: 64 lower-case hexadecimal digits.
pub fn sha256_of(path: &Path) -> Result<String, ScratchProblem> {
    let unreadable = |source| ScratchProblem::Unreadable { path: path.to_owned(), source };
    let mut input = open_file(path).map_err(unreadable)?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match input.read(&mut piece) {
            Ok(0) => return Ok(hex_digits(&digest.finalize())),
            Ok(length) => digest.update(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

/// The digest of a memory's contents, in the same form.
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    sha256_of_parts([bytes])
}

/// The digest of these, one behind the other.
pub fn sha256_of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    parts.into_iter().for_each(|part| digest.update(part));
    hex_digits(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_with_size_and_hash() {
        let inputs = tempfile::tempdir().unwrap();
        let source = inputs.path().join("a file.bin");
        std::fs::write(&source, b"abc").unwrap();
        let scratch = Scratch::create_in(inputs.path()).unwrap();
        let staged = scratch.stage(&source, "firmware.bin").unwrap();
        assert_eq!(staged.size_bytes, 3);
        assert_eq!(staged.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(std::fs::read(&staged.path).unwrap(), b"abc");
        assert!(matches!(scratch.stage(&source, "firmware.bin"), Err(ScratchProblem::NameTaken { .. })));
        let folder = scratch.folder().to_owned();
        drop(scratch);
        assert!(!folder.exists());
    }

    #[test]
    fn says_which_input_is_at_fault() {
        let scratch = Scratch::create().unwrap();
        let missing = scratch.stage(Path::new("/nowhere/firmware.bin"), "firmware.bin").unwrap_err();
        assert!(missing.to_string().starts_with("`/nowhere/firmware.bin` cannot be read"), "{missing}");
        let folder = scratch.stage(&std::env::temp_dir(), "firmware.bin").unwrap_err();
        assert!(matches!(folder, ScratchProblem::NotAFile { .. } | ScratchProblem::Unreadable { .. }));
        assert!(!scratch.path("firmware.bin").unwrap().exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn notices_a_file_that_is_not_what_it_seemed() {
        // Says it is empty, and is not.
        let scratch = Scratch::create().unwrap();
        let changed = scratch.stage(Path::new("/proc/self/status"), "status").unwrap_err();
        assert!(matches!(changed, ScratchProblem::Changed { expected_bytes: 0, .. }), "{changed}");
        assert!(!scratch.path("status").unwrap().exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn says_when_the_disk_is_full() {
        let full = Path::new("/dev/full");
        let error = OpenOptions::new().write(true).open(full).unwrap().write_all(b"x").unwrap_err();
        assert_eq!(unwritable(full, error).to_string(), "`/dev/full` cannot be written, the disk is full");
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let scratch = Scratch::create().unwrap();
        for name in ["", ".", "..", "a/b", "../a", "/etc/passwd", "a/", "./a"] {
            assert!(matches!(scratch.path(name), Err(ScratchProblem::BadName { .. })), "{name}");
        }
        for name in ["spsdk.py", "libusb-1.0.SO", "version.dll", "dfu-util.exe"] {
            assert!(matches!(scratch.path(name), Err(ScratchProblem::PartOfAProgram { .. })), "{name}");
        }
    }

    #[test]
    fn writes_and_removes() {
        let scratch = Scratch::create().unwrap();
        let path = scratch.write("layout.tsv", "#Opt\n").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "#Opt\n");
        assert!(matches!(scratch.write("layout.tsv", ""), Err(ScratchProblem::NameTaken { .. })));
        scratch.remove("layout.tsv").unwrap();
        scratch.remove("layout.tsv").unwrap();
        scratch.write("layout.tsv", "").unwrap();
    }

    #[test]
    fn knows_writable_folders() {
        assert!(is_writable(&std::env::temp_dir()));
        assert!(!is_writable(Path::new("/nowhere")));
    }
}
