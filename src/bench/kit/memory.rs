//! One memory of a virtual board, kept in a sparse file: a hole reads as the memory's blank value.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::bench::kit::image::noise;

/// A range of addresses and the file that holds its contents, each byte combined with the blank value so that what was
/// never written costs nothing: an erased 16 MiB flash is an empty file.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Memory {
    name: String,
    start: u64,
    length: u64,
    blank: u8,
    /// Where the files lie; known to the process that uses the memory, not to its description.
    #[serde(skip)]
    folder: PathBuf,
}

/// Reading and writing goes through a buffer of this size.
const CHUNK_BYTES: usize = 64 * 1024;

impl Memory {
    /// Flash: blank means erased, all bits set.
    pub fn flash(name: &str, start: u64, length: u64) -> Self {
        Memory { name: name.to_owned(), start, length, blank: 0xff, folder: PathBuf::new() }
    }

    /// RAM: blank means zero.
    pub fn ram(name: &str, start: u64, length: u64) -> Self {
        Memory { name: name.to_owned(), start, length, blank: 0, folder: PathBuf::new() }
    }

    pub fn use_folder(&mut self, folder: &Path) {
        folder.clone_into(&mut self.folder);
    }

    pub fn start(&self) -> u64 {
        self.start
    }

    /// The first address behind it.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }

    pub fn contains(&self, address: u64, length: u64) -> bool {
        let end = address.checked_add(length);
        address >= self.start && end.is_some_and(|end| end <= self.start + self.length)
    }

    /// The bytes at `address`. What lies outside the memory is an error.
    pub fn read(&self, address: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = self.stored(address, length)?;
        self.flip(&mut bytes);
        Ok(bytes)
    }

    pub fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_to(&mut self.open()?, address, bytes)
    }

    /// Leaves remains of dead software at the start of every sector of the first so many bytes, so that a forgotten or too
    /// short erase is noticed.
    pub(crate) fn leave_remains(&self, bytes: u64, sector_bytes: u64) -> io::Result<()> {
        let mut file = self.open()?;
        for number in 0..bytes.min(self.length).div_ceil(sector_bytes) {
            self.write_to(&mut file, self.start + number * sector_bytes, &noise(&format!("remains {number}"), 16))?;
        }
        Ok(())
    }

    fn write_to(&self, file: &mut File, address: u64, bytes: &[u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(self.offset(address, bytes.len() as u64)?))?;
        let mut buffer = bytes.to_vec();
        self.flip(&mut buffer);
        file.write_all(&buffer)
    }

    /// Makes a range blank. Ranges that already are stay holes.
    pub fn erase(&self, address: u64, length: u64) -> io::Result<()> {
        let offset = self.offset(address, length)?;
        let mut file = match OpenOptions::new().read(true).write(true).open(self.path()?) {
            Ok(file) => file,
            // What was never written is blank.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let stored_len = file.metadata()?.len();
        let end = (offset + length).min(stored_len);
        let zeros = vec![0; CHUNK_BYTES];
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut at = offset;
        while at < end {
            let count = usize::try_from(end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut buffer[..count])?;
            if buffer[..count] != zeros[..count] {
                file.seek(SeekFrom::Start(at))?;
                file.write_all(&zeros[..count])?;
            }
            at += count as u64;
        }
        Ok(())
    }

    pub fn is_blank(&self, address: u64, length: u64) -> io::Result<bool> {
        let bytes = self.stored(address, length)?;
        let zeros = vec![0; CHUNK_BYTES];
        Ok(bytes.chunks(CHUNK_BYTES).all(|chunk| *chunk == zeros[..chunk.len()]))
    }

    /// Makes everything blank.
    pub fn clear(&self) -> io::Result<()> {
        match std::fs::remove_file(self.path()?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The bytes as the file has them; behind its end everything is blank.
    fn stored(&self, address: u64, length: u64) -> io::Result<Vec<u8>> {
        let offset = self.offset(address, length)?;
        let mut bytes = Vec::new();
        match File::open(self.path()?) {
            Ok(mut file) => {
                file.seek(SeekFrom::Start(offset))?;
                file.take(length).read_to_end(&mut bytes)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        bytes.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        Ok(bytes)
    }

    fn offset(&self, address: u64, length: u64) -> io::Result<u64> {
        let outside = || io::Error::other(format!("{address:#x} + {length:#x} is outside the memory `{}`", self.name));
        self.contains(address, length).then(|| address - self.start).ok_or_else(outside)
    }

    fn open(&self) -> io::Result<File> {
        let path = self.path()?;
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(&self.folder)?;
                open()
            }
            opened => opened,
        }
    }

    /// Without a folder of the bench it would be a file of whoever runs this, in the current one.
    fn path(&self) -> io::Result<PathBuf> {
        if self.folder.as_os_str().is_empty() {
            return Err(io::Error::other(format!("the memory `{}` has no folder yet", self.name)));
        }
        Ok(self.folder.join(&self.name))
    }

    fn flip(&self, bytes: &mut [u8]) {
        if self.blank != 0 {
            for byte in bytes {
                *byte ^= self.blank;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flash_begins_erased_and_becomes_so_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut flash = Memory::flash("nor.bin", 0x6000_0000, 0x10_0000);
        flash.use_folder(folder.path());
        assert!(flash.is_blank(0x6000_0000, 0x10_0000).unwrap());
        flash.write(0x6000_1000, b"loader").unwrap();
        assert_eq!(flash.read(0x6000_0fff, 8).unwrap(), b"\xffloader\xff");
        assert!(!flash.is_blank(0x6000_1000, 0x1000).unwrap());
        flash.erase(0x6000_1000, 0x1000).unwrap();
        assert!(flash.is_blank(0x6000_0000, 0x10_0000).unwrap());
    }

    #[test]
    fn without_a_folder_nothing_is_touched() {
        let flash = Memory::flash("nor.bin", 0, 0x1000);
        assert!(flash.write(0, b"x").is_err() && flash.erase(0, 1).is_err() && flash.clear().is_err());
    }

    #[test]
    fn nothing_lies_outside() {
        let folder = tempfile::tempdir().unwrap();
        let mut ram = Memory::ram("ram.bin", 0x2000_0000, 0x100);
        ram.use_folder(folder.path());
        assert_eq!(ram.read(0x2000_00fe, 2).unwrap(), [0, 0]);
        assert!(ram.read(0x2000_00ff, 2).is_err());
        assert!(ram.write(0x1fff_ffff, &[1]).is_err());
    }
}
