//! The files that a call has made in its folder, and how a scene can make them again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::documents::scene::{Content, FileName};

/// A folder with more files than this belongs to a tool, and not to a run.
const FILES_MAX: usize = 500;
/// A larger file is not looked into.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Contents that nothing else in the folder explains are kept up to this size.
const KEPT_BYTES_MAX: usize = 1024 * 1024;
/// A shorter file is like another one by chance.
const LIKE_BYTES_MIN: usize = 16;

/// What lay in a folder when a call began.
#[derive(Debug, Default)]
pub(super) struct Before {
    folder: PathBuf,
    files: BTreeMap<String, (u64, Option<SystemTime>)>,
}

/// One file that a call has made or changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Produced {
    As(String, Content),
    /// Why it cannot be played again.
    Lost(String),
}

impl Before {
    pub(super) fn look(folder: &Path) -> Self {
        Before { folder: folder.to_owned(), files: files_of(folder).unwrap_or_default() }
    }

    /// What has changed since.
    pub(super) fn produced(&self) -> Vec<Produced> {
        let now = files_of(&self.folder).unwrap_or_default();
        let is_new = |name: &&String| self.files.get(*name) != now.get(*name);
        let unchanged: Vec<&String> = now.keys().filter(|name| !is_new(name)).collect();
        now.keys().filter(is_new).map(|name| self.explain(name, now[name].0, &unchanged)).collect()
    }

    fn explain(&self, name: &str, size: u64, others: &[&String]) -> Produced {
        let lost = |why: &str| Produced::Lost(format!("the file `{name}` that a tool has made, because {why}"));
        if size > FILE_BYTES_MAX {
            return lost("it is too large");
        }
        let Ok(bytes) = std::fs::read(self.folder.join(name)) else { return lost("it cannot be read") };
        for other in others {
            let like = std::fs::read(self.folder.join(other)).ok().and_then(|other_bytes| like(&bytes, &other_bytes));
            if let Some((length, padded_to, fill)) = like {
                let of = FileName::Fixed((*other).clone());
                return Produced::As(name.to_owned(), Content::Copy { of, from: 0, length, padded_to, fill });
            }
        }
        if let Some(first) = bytes.first().filter(|first| bytes.iter().all(|byte| byte == *first)) {
            return Produced::As(name.to_owned(), Content::Filled { size_bytes: bytes.len() as u64, fill: *first });
        }
        if bytes.len() > KEPT_BYTES_MAX {
            return lost("it is too large, and like no other file");
        }
        let content = match String::from_utf8(bytes) {
            Ok(text) => Content::Text(text),
            Err(error) => Content::Bytes(error.into_bytes()),
        };
        Produced::As(name.to_owned(), content)
    }
}

/// Length of the part, size it was filled up to, and with what; when the bytes are like the other ones.
fn like(bytes: &[u8], other: &[u8]) -> Option<(Option<u64>, Option<u64>, u8)> {
    const ERASED: u8 = 0xff;
    if bytes.len() < LIKE_BYTES_MIN || other.len() < LIKE_BYTES_MIN {
        return None;
    }
    if bytes == other {
        return Some((None, None, ERASED));
    }
    if other.starts_with(bytes) {
        return Some((Some(bytes.len() as u64), None, ERASED));
    }
    let rest = bytes.strip_prefix(other)?;
    let fill = *rest.first()?;
    rest.iter().all(|byte| *byte == fill).then_some((None, Some(bytes.len() as u64), fill))
}

fn files_of(folder: &Path) -> io::Result<BTreeMap<String, (u64, Option<SystemTime>)>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        if let (true, Ok(name)) = (found.is_file(), entry.file_name().into_string()) {
            files.insert(name, (found.len(), found.modified().ok()));
        }
        if files.len() > FILES_MAX {
            return Ok(BTreeMap::new());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_like_another_is_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let image: Vec<u8> = (0..100).collect();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("image.bin", &image);
        let before = Before::look(folder.path());
        write("all.bin", &image);
        write("part.bin", &image[..50]);
        write("padded.bin", &[&image[..], &[0; 28]].concat());
        write("erased.bin", &[0xff; 64]);
        write("other.bin", &[0xff, 0, 1]);
        let copy = |name: &str, length, padded_to, fill| {
            let of = FileName::Fixed("image.bin".to_owned());
            Produced::As(name.to_owned(), Content::Copy { of, from: 0, length, padded_to, fill })
        };
        assert_eq!(
            before.produced(),
            [
                copy("all.bin", None, None, 0xff),
                Produced::As("erased.bin".to_owned(), Content::Filled { size_bytes: 64, fill: 0xff }),
                Produced::As("other.bin".to_owned(), Content::Bytes(vec![0xff, 0, 1])),
                copy("padded.bin", None, Some(128), 0),
                copy("part.bin", Some(50), None, 0xff),
            ]
        );
    }
}
