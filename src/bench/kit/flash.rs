//! Flash memory: pages must be erased before they can be written, and what nobody touched holds garbage.

use std::collections::{BTreeMap, BTreeSet};

use crate::bench::{MemoryLayout, Region};
use crate::world::sha256_of_bytes;

/// The contents of a chip's flash, kept only where tools have changed it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Flash {
    pub layout: MemoryLayout,
    /// Starts of the pages that were erased since the bench was set up.
    touched_pages: BTreeSet<u64>,
    /// What was written, by address. Neighbours are one piece, so that a whole image is one piece.
    #[serde(with = "hex_pieces")]
    pieces: BTreeMap<u64, Vec<u8>>,
    /// How often something that lasts was changed.
    #[serde(default)]
    changes: u64,
}

/// The page was not erased, or does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the flash at {address:#010x} cannot be written")]
pub struct NotWritable {
    pub address: u64,
}

impl Flash {
    pub const ERASED: u8 = 0xff;

    pub fn new(layout: MemoryLayout) -> Self {
        Flash { layout, touched_pages: BTreeSet::new(), pieces: BTreeMap::new(), changes: 0 }
    }

    pub fn erase_page(&mut self, address: u64) {
        if let Some(page) = self.clear_page(address) {
            self.changes += 1;
            self.touched_pages.insert(page);
        }
    }

    /// Takes away what was written to the page, and answers where it begins.
    fn clear_page(&mut self, address: u64) -> Option<u64> {
        let segment = self.layout.segment_at(address)?;
        let page = segment.page_start(address);
        let page_end = page + segment.page_bytes;
        for (start, bytes) in std::mem::take(&mut self.pieces) {
            let end = start + bytes.len() as u64;
            if start < page {
                let kept = (end.min(page) - start) as usize;
                self.pieces.insert(start, bytes[..kept].to_vec());
            }
            if end > page_end {
                let kept = (start.max(page_end) - start) as usize;
                self.pieces.insert(start.max(page_end), bytes[kept..].to_vec());
            }
        }
        Some(page)
    }

    /// Power fails while the page is erased: nobody knows what it holds, and it cannot be written.
    pub(crate) fn spoil_page(&mut self, address: u64) {
        if let Some(page) = self.clear_page(address) {
            self.touched_pages.remove(&page);
        }
    }

    /// Counts begin anew.
    pub(crate) fn settle(&mut self) {
        self.changes = 0;
    }

    pub fn erase_all(&mut self) {
        let pages: Vec<u64> = (self.layout.segments.iter())
            .flat_map(|segment| (segment.start..segment.end).step_by(segment.page_bytes as usize))
            .collect();
        self.pieces.clear();
        self.changes += 1;
        self.touched_pages.extend(pages);
    }

    /// Programs erased cells.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), NotWritable> {
        let end = address + bytes.len() as u64;
        let error = NotWritable { address };
        let mut at = address;
        while at < end {
            let segment = self.layout.segment_at(at).filter(|segment| segment.writable()).ok_or(error)?;
            let page = segment.page_start(at);
            if !self.touched_pages.contains(&page) {
                return Err(error);
            }
            at = page + segment.page_bytes;
        }
        self.changes += 1;
        let before = self.pieces.range(..end).next_back().map(|(start, piece)| (*start, start + piece.len() as u64));
        match before {
            Some((_, piece_end)) if piece_end > address => Err(error),
            Some((start, piece_end)) if piece_end == address => {
                self.pieces.entry(start).or_default().extend_from_slice(bytes);
                Ok(())
            }
            _ => {
                self.pieces.insert(address, bytes.to_vec());
                Ok(())
            }
        }
    }

    pub fn read(&self, address: u64, length: u64) -> Vec<u8> {
        let mut bytes: Vec<u8> = (address..address + length).map(|at| self.background(at)).collect();
        for (start, piece) in self.pieces.range(..address + length) {
            let piece_end = start + piece.len() as u64;
            let (from, to) = ((*start).max(address), piece_end.min(address + length));
            if from < to {
                let source = &piece[(from - start) as usize..(to - start) as usize];
                bytes[(from - address) as usize..(to - address) as usize].copy_from_slice(source);
            }
        }
        bytes
    }

    pub fn changes(&self) -> u64 {
        self.changes
    }

    pub fn regions(&self) -> Vec<Region> {
        let region = |(address, bytes): (&u64, &Vec<u8>)| Region {
            address: *address,
            length: bytes.len() as u64,
            sha256: sha256_of_bytes(bytes),
        };
        self.pieces.iter().map(region).collect()
    }

    /// SHA-256 of a range of which all was written.
    pub fn digest(&self, address: u64, length: u64) -> Option<String> {
        let (start, bytes) = self.pieces.range(..=address).next_back()?;
        let from = usize::try_from(address - start).ok()?;
        let range = from..from.checked_add(usize::try_from(length).ok()?)?;
        bytes.get(range).map(sha256_of_bytes)
    }

    /// Does something stand at the start, where the chip looks for its vector table?
    pub fn starts_with_code(&self) -> bool {
        let start = self.layout.start();
        let vectors = self.read(start, 8);
        self.touched_pages.contains(&start) && vectors.iter().any(|byte| *byte != Flash::ERASED)
    }

    fn background(&self, address: u64) -> u8 {
        let page = self.layout.segment_at(address).map(|segment| segment.page_start(address));
        match page {
            Some(page) if self.touched_pages.contains(&page) => Flash::ERASED,
            // Leftovers of a write that went wrong, recognisable in a dump.
            _ => (address as u8).wrapping_mul(7) ^ 0xa5,
        }
    }
}

fn hex_text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// JSON has no bytes; text of hexadecimal digits stays fast where a list of numbers does not.
mod hex_pieces {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(pieces: &BTreeMap<u64, Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(pieces.iter().map(|(address, bytes)| (address, super::hex_text(bytes))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<u64, Vec<u8>>, D::Error> {
        let texts = BTreeMap::<u64, String>::deserialize(from)?;
        let piece = |(address, text): (u64, String)| {
            bytes_of(text.as_bytes()).map(|bytes| (address, bytes)).ok_or_else(|| D::Error::custom("not hexadecimal"))
        };
        texts.into_iter().map(piece).collect()
    }

    /// Every look at the board passes here, so this is written for speed, in unoptimised builds too.
    fn bytes_of(digits: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(digits.len() / 2);
        let mut high = None;
        for digit in digits {
            let value = match *digit {
                digit @ b'0'..=b'9' => digit - b'0',
                digit @ b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            high = match high {
                None => Some(value),
                Some(high) => {
                    bytes.push(high << 4 | value);
                    None
                }
            };
        }
        high.is_none().then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flash() -> Flash {
        Flash::new("@Internal Flash  /0x08000000/04*032Kg,01*128Kg".parse().unwrap())
    }

    #[test]
    fn wants_an_erase_before_a_write() {
        let mut flash = flash();
        assert!(flash.write(0x0800_0000, &[1, 2]).is_err());
        flash.erase_page(0x0800_1000);
        assert_eq!(flash.write(0x0800_0000, &[1, 2]), Ok(()));
        assert!(flash.write(0x0800_0001, &[3]).is_err(), "cells are programmed once");
        assert_eq!(flash.read(0x0800_0000, 4), [1, 2, 0xff, 0xff]);
        assert!(flash.write(0x0800_7fff, &[1, 2]).is_err(), "the second page is not erased");
    }

    #[test]
    fn a_page_whose_erase_was_cut_holds_garbage_and_takes_nothing() {
        let mut flash = flash();
        flash.erase_page(0x0800_0000);
        flash.write(0x0800_0000, &[1, 2]).unwrap();
        flash.spoil_page(0x0800_0004);
        assert_ne!(flash.read(0x0800_0000, 2), [1, 2]);
        assert_eq!(flash.regions(), []);
        assert!(flash.write(0x0800_0000, &[1, 2]).is_err());
        flash.erase_page(0x0800_0000);
        assert_eq!(flash.write(0x0800_0000, &[1, 2]), Ok(()));
    }

    #[test]
    fn an_image_in_blocks_is_one_region() {
        let mut flash = flash();
        flash.erase_page(0x0800_0000);
        flash.erase_page(0x0800_8000);
        let image: Vec<u8> = (0..40_000_u32).map(|i| i as u8).collect();
        for (block, bytes) in image.chunks(2048).enumerate() {
            flash.write(0x0800_0000 + block as u64 * 2048, bytes).unwrap();
        }
        let regions = flash.regions();
        assert_eq!(regions.len(), 1);
        assert_eq!((regions[0].address, regions[0].length), (0x0800_0000, 40_000));
        flash.erase_page(0x0800_0000);
        assert_eq!(flash.regions()[0].address, 0x0800_8000);
        assert_eq!(flash.read(0x0800_8000, 4), image[0x8000..0x8004]);
        flash.erase_all();
        assert_eq!(flash.regions(), []);
    }

    #[test]
    fn survives_json() {
        let mut flash = flash();
        flash.erase_page(0x0800_0000);
        flash.write(0x0800_0000, b"\x00\xffabc").unwrap();
        let json = serde_json::to_string(&flash).unwrap();
        assert!(json.contains("00ff616263"), "{json}");
        assert_eq!(serde_json::from_str::<Flash>(&json).unwrap(), flash);
    }
}
