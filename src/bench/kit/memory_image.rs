//! What lies in the folder of a board's memories, kept so that many of them which differ little take little room.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use crate::world::sha256_of_bytes;

/// The files of a folder, in pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryImage {
    files: BTreeMap<String, ImageFile>,
}

#[derive(Debug, Clone)]
struct ImageFile {
    length: u64,
    pieces: Vec<Arc<Piece>>,
}

#[derive(Debug)]
struct Piece {
    /// None for zeros, which take no room on the disk either.
    bytes: Option<Vec<u8>>,
    sha256: String,
}

const PIECE_BYTES: usize = 4 * 1024;

impl MemoryImage {
    /// Reads the folder. What is as in `earlier` is shared with it.
    pub(crate) fn read(folder: &Path, earlier: &MemoryImage) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let bytes = std::fs::read(entry.path())?;
            let known = earlier.files.get(&name).map(|file| file.pieces.as_slice()).unwrap_or_default();
            let pieces = bytes.chunks(PIECE_BYTES).enumerate().map(|(index, bytes)| match known.get(index) {
                Some(piece) if piece.is(bytes) => Arc::clone(piece),
                _ => Arc::new(Piece::of(bytes)),
            });
            files.insert(name, ImageFile { length: bytes.len() as u64, pieces: pieces.collect() });
        }
        Ok(MemoryImage { files })
    }

    /// The folder holds this, and nothing else, afterwards. What is known to lie `there` is not written again.
    pub(crate) fn write(&self, folder: &Path, there: &MemoryImage) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !self.files.contains_key(&name) || !there.files.contains_key(&name) {
                std::fs::remove_file(entry.path())?;
            }
        }
        for (name, file) in &self.files {
            let known = there.files.get(name).map(|file| file.pieces.as_slice()).unwrap_or_default();
            file.write(&folder.join(name), known)?;
        }
        Ok(())
    }

    /// The same for the same contents. What is blank at the end of a file is no part of them.
    pub(crate) fn digest(&self) -> String {
        let mut text = String::new();
        for (name, ImageFile { pieces, .. }) in &self.files {
            let blank = pieces.iter().rev().take_while(|piece| piece.bytes.is_none()).count();
            let used = &pieces[..pieces.len() - blank];
            if !used.is_empty() {
                text.push_str(name);
                used.iter().for_each(|piece| text.push_str(&piece.sha256));
            }
        }
        sha256_of_bytes(text.as_bytes())
    }
}

impl ImageFile {
    /// Neighbours are written at once.
    fn write(&self, path: &Path, known: &[Arc<Piece>]) -> io::Result<()> {
        let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
        let mut together: Vec<u8> = Vec::new();
        let mut begin = 0;
        for (index, piece) in self.pieces.iter().enumerate() {
            let bytes = match (&piece.bytes, known.get(index)) {
                (_, Some(known)) if Arc::ptr_eq(known, piece) => None,
                (None, None) => None,
                (None, Some(_)) => Some([0; PIECE_BYTES].as_slice()),
                (Some(bytes), _) => Some(bytes.as_slice()),
            };
            match bytes {
                Some(bytes) => {
                    if together.is_empty() {
                        begin = index;
                    }
                    together.extend_from_slice(bytes);
                }
                None => write_at(&mut file, begin, &mut together)?,
            }
        }
        write_at(&mut file, begin, &mut together)?;
        file.set_len(self.length)
    }
}

fn write_at(file: &mut File, piece: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    if !bytes.is_empty() {
        file.seek(SeekFrom::Start((piece * PIECE_BYTES) as u64))?;
        file.write_all(bytes)?;
        bytes.clear();
    }
    Ok(())
}

impl Piece {
    fn of(bytes: &[u8]) -> Self {
        let blank = bytes.iter().all(|byte| *byte == 0);
        // The last piece of a file may be shorter; where it is blank that does not count.
        let sha256 = if blank { "blank".to_owned() } else { sha256_of_bytes(bytes) };
        Piece { bytes: (!blank).then(|| bytes.to_vec()), sha256 }
    }

    fn is(&self, bytes: &[u8]) -> bool {
        match &self.bytes {
            Some(known) => known == bytes,
            None => bytes.iter().all(|byte| *byte == 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_written_again_and_nothing_else_stays() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut flash = vec![0; 3 * PIECE_BYTES];
        flash[PIECE_BYTES + 5] = 7;
        std::fs::write(from.path().join("nor.bin"), &flash).unwrap();
        std::fs::write(to.path().join("ram.bin"), b"left over").unwrap();
        let first = MemoryImage::read(from.path(), &MemoryImage::default()).unwrap();
        let nothing = MemoryImage::default();
        first.write(to.path(), &nothing).unwrap();
        assert_eq!(std::fs::read(to.path().join("nor.bin")).unwrap(), flash);
        assert!(!to.path().join("ram.bin").exists());
        flash[5] = 1;
        std::fs::write(from.path().join("nor.bin"), &flash).unwrap();
        let second = MemoryImage::read(from.path(), &first).unwrap();
        assert_ne!(first.digest(), second.digest());
        let shared = |index: usize| {
            let piece = |image: &MemoryImage| Arc::clone(&image.files["nor.bin"].pieces[index]);
            Arc::ptr_eq(&piece(&first), &piece(&second))
        };
        assert_eq!([0, 1, 2].map(shared), [false, true, true]);
        for (image, there) in [(&second, &first), (&first, &second), (&nothing, &first), (&second, &nothing)] {
            image.write(to.path(), there).unwrap();
            let read = MemoryImage::read(to.path(), &nothing).unwrap();
            assert_eq!(read.digest(), image.digest());
        }
    }

    #[test]
    fn an_erased_file_is_as_one_that_was_never_written() {
        let folder = tempfile::tempdir().unwrap();
        let read = || MemoryImage::read(folder.path(), &MemoryImage::default()).unwrap().digest();
        let nothing = read();
        std::fs::write(folder.path().join("nor.bin"), [0; 100]).unwrap();
        assert_eq!(read(), nothing);
    }
}
