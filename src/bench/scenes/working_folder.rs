//! The files of a mock tool: only those below the folder it works in, whatever the scene says.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};

use crate::documents::scene::{Content, ToolFolderFile};

/// Why a file is not touched.
#[derive(Debug)]
pub(crate) enum FileProblem {
    /// In words.
    Outside(String),
    Failed(io::Error),
}

impl From<io::Error> for FileProblem {
    fn from(error: io::Error) -> Self {
        FileProblem::Failed(error)
    }
}

/// How much is written at a time, in bytes.
const PIECE_BYTES: u64 = 64 * 1024;

/// Where a file of the folder is. Folders on the way must be real ones, not links, and so must the file.
pub(super) fn inside(folder: &Path, name: &str) -> Result<PathBuf, FileProblem> {
    let outside = |why: &str| Err(FileProblem::Outside(format!("`{name}` {why}")));
    let parts: Vec<Component<'_>> = Path::new(name).components().collect();
    if parts.is_empty() || name.contains('\0') {
        return outside("is not the name of a file");
    }
    if !parts.iter().all(|part| matches!(part, Component::Normal(_))) {
        return outside("leads out of the folder in which the tool works");
    }
    let mut path = folder.to_owned();
    for part in parts {
        path.push(part);
        if std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_symlink()) {
            return outside("is a link, which may lead out of the folder in which the tool works");
        }
    }
    Ok(path)
}

pub(super) fn write(folder: &Path, name: &str, content: &Content, copied: Option<&str>) -> Result<(), FileProblem> {
    let path = inside(folder, name)?;
    match content {
        Content::Text(text) => std::fs::write(path, text)?,
        Content::Bytes(bytes) => std::fs::write(path, bytes)?,
        Content::Filled { size_bytes, fill } => fill_up(&mut File::create(path)?, *size_bytes, *fill)?,
        Content::Copy { from, length, padded_to, fill, .. } => {
            // Read as a whole first: the file may be copied onto itself.
            let mut input = File::open(inside(folder, copied.unwrap_or_default())?)?;
            input.seek(SeekFrom::Start(*from))?;
            let mut bytes = Vec::new();
            input.take(length.unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
            let mut output = File::create(path)?;
            output.write_all(&bytes)?;
            let missing = padded_to.unwrap_or(0).saturating_sub(bytes.len() as u64);
            fill_up(&mut output, missing, *fill)?;
        }
    }
    Ok(())
}

/// What is read from a board that holds half of it.
pub(super) fn halve(folder: &Path, name: &str) -> Result<(), FileProblem> {
    let file = File::options().write(true).open(inside(folder, name)?)?;
    Ok(file.set_len(file.metadata()?.len() / 2)?)
}

/// Puts a file beside a tool, where nothing may be yet: a link there may be the tool itself.
pub(crate) fn bring(folder: &Path, file: &ToolFolderFile) -> Result<(), FileProblem> {
    const FILLING: u8 = 0xa5;
    let path = inside(folder, &file.path)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut output = File::create_new(path)?;
    output.write_all(&file.beginning)?;
    fill_up(&mut output, file.size_bytes.saturating_sub(file.beginning.len() as u64), FILLING)?;
    Ok(())
}

fn fill_up(file: &mut File, size_bytes: u64, fill: u8) -> io::Result<()> {
    let mut left = size_bytes;
    let piece = vec![fill; usize::try_from(PIECE_BYTES.min(size_bytes)).unwrap_or(0)];
    while left > 0 {
        let length = left.min(PIECE_BYTES);
        file.write_all(&piece[..usize::try_from(length).unwrap_or(0)])?;
        left -= length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(size_bytes: u64) -> Content {
        Content::Filled { size_bytes, fill: 7 }
    }

    #[test]
    fn nothing_outside_is_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["../a", "/tmp/a", "a/../../b", "", ".", "..", "a\0b"] {
            let refused = write(folder.path(), name, &filled(1), None);
            assert!(matches!(refused, Err(FileProblem::Outside(_))), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join("x"), folder.path().join("x")).unwrap();
        for name in ["out/a", "x"] {
            let refused = write(folder.path(), name, &filled(1), None);
            assert!(matches!(refused, Err(FileProblem::Outside(_))), "{name}");
        }
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_filled_or_copied() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        write(folder.path(), "a", &filled(100_000), None).unwrap();
        assert_eq!(read("a"), vec![7; 100_000]);
        std::fs::write(folder.path().join("b"), b"abcdef").unwrap();
        let copy = |from, length, padded_to| Content::Copy {
            of: crate::documents::scene::FileName::Fixed("b".to_owned()),
            from,
            length,
            padded_to,
            fill: b'-',
        };
        write(folder.path(), "c", &copy(1, Some(3), Some(5)), Some("b")).unwrap();
        assert_eq!(read("c"), b"bcd--");
        write(folder.path(), "b", &copy(0, None, None), Some("b")).unwrap();
        assert_eq!(read("b"), b"abcdef");
    }
}
