//! Files that bring their own addresses: where their parts go. What the parts hold is for the tools.
//!
//! Only ST's format is known; by which letters such a file begins stands in the catalog.
//!
//! Source: ST, UM0391 "DfuSe file format specification": a prefix of 11 bytes, for each target a prefix of 274,
//! for each of its elements address and size, all numbers with the least significant byte first, and a suffix of 16 bytes.

/// One stretch of memory that the file holds something for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    pub address: u32,
    /// In bytes.
    pub size: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file is damaged or of another kind, so it is not known where its parts go to")]
pub(super) struct NotSound;

const TARGET_NAME_BYTES: usize = 255;

/// Every element of every target.
pub(super) fn elements(file: &[u8], magic: &str) -> Result<Vec<Element>, NotSound> {
    let mut rest = Rest(file);
    rest.expect(magic.as_bytes())?;
    rest.skip(1 + 4)?;
    let targets = rest.byte()?;
    let mut elements = Vec::new();
    for _ in 0..targets {
        rest.expect(b"Target")?;
        rest.skip(1 + 4 + TARGET_NAME_BYTES + 4)?;
        for _ in 0..rest.number()? {
            let element = Element { address: rest.number()?, size: rest.number()? };
            rest.skip(usize::try_from(element.size).map_err(|_| NotSound)?)?;
            elements.push(element);
        }
    }
    Ok(elements)
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn skip(&mut self, bytes: usize) -> Result<(), NotSound> {
        self.0 = self.0.get(bytes..).ok_or(NotSound)?;
        Ok(())
    }

    fn expect(&mut self, text: &[u8]) -> Result<(), NotSound> {
        self.0 = self.0.strip_prefix(text).ok_or(NotSound)?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, NotSound> {
        let (byte, rest) = self.0.split_first().ok_or(NotSound)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u32, NotSound> {
        let (bytes, rest) = self.0.split_first_chunk::<4>().ok_or(NotSound)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(parts: &[(u32, u32)]) -> Vec<u8> {
        let mut bytes = b"Magic\x01\0\0\0\0\x01Target\0".to_vec();
        bytes.extend([0; 4 + TARGET_NAME_BYTES + 4]);
        bytes.extend(u32::try_from(parts.len()).unwrap().to_le_bytes());
        for (address, size) in parts {
            bytes.extend(address.to_le_bytes());
            bytes.extend(size.to_le_bytes());
            bytes.extend(vec![0; *size as usize]);
        }
        bytes
    }

    #[test]
    fn every_part_is_found_and_a_cut_file_is_none() {
        let whole = file(&[(0x0800_0000, 4), (0x1fff_c000, 8)]);
        let [one, other] = elements(&whole, "Magic").unwrap().try_into().unwrap();
        assert_eq!(
            (one, other),
            (Element { address: 0x0800_0000, size: 4 }, Element { address: 0x1fff_c000, size: 8 })
        );
        for end in 0..whole.len() {
            assert_eq!(elements(&whole[..end], "Magic"), Err(NotSound), "{end}");
        }
        assert_eq!(elements(b"\x7fELF", "Magic"), Err(NotSound));
    }
}
