//! The file that dfu-util is to write, and the DFU suffix it may end in.

use crate::bench::Console;

/// Contents and what the suffix says of them.
#[derive(Debug)]
pub(super) struct FirmwareFile {
    /// Without a valid suffix.
    pub(super) contents: Vec<u8>,
    pub(super) suffix_warning: Option<&'static str>,
    /// bcdDFU of a valid suffix, else 0.
    pub(super) dfu_version: u16,
    /// Of the device that the file is made for.
    pub(super) vendor: u16,
    pub(super) product: u16,
}

/// In place of a vendor or product.
const ANY: u16 = 0xffff;

/// DFU 1.1, appendix B: version of the device, product, vendor, version of DFU, `UFD`, length, CRC-32.
const SUFFIX_BYTES: usize = 16;

pub(super) fn load(name: &str, console: &Console) -> Result<FirmwareFile, std::io::Error> {
    let contents = if name == "-" {
        let mut contents = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut contents)?;
        contents
    } else {
        std::fs::read(console.path(name))?
    };
    Ok(judge_suffix(contents))
}

fn judge_suffix(mut contents: Vec<u8>) -> FirmwareFile {
    let raw = |contents, warning| FirmwareFile {
        contents,
        suffix_warning: Some(warning),
        dfu_version: 0,
        vendor: ANY,
        product: ANY,
    };
    let Some(body_bytes) = contents.len().checked_sub(SUFFIX_BYTES) else {
        return raw(contents, "File too short for DFU suffix");
    };
    let suffix = &contents[body_bytes..];
    if &suffix[8..11] != b"UFD" {
        return raw(contents, "Invalid DFU suffix signature");
    }
    let (checked, stored) = contents.split_at(contents.len() - 4);
    if crc32(checked).to_le_bytes() != stored {
        return raw(contents, "DFU suffix CRC does not match");
    }
    let word = |at: usize| u16::from_le_bytes([suffix[at], suffix[at + 1]]);
    let (product, vendor, dfu_version) = (word(2), word(4), word(6));
    contents.truncate(body_bytes);
    FirmwareFile { contents, suffix_warning: None, dfu_version, vendor, product }
}

impl FirmwareFile {
    pub(super) fn is_for(&self, vendor: u16, product: u16) -> bool {
        (self.vendor == ANY || self.vendor == vendor) && (self.product == ANY || self.product == product)
    }
}

/// CRC-32 without the usual inversion at the end.
fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_suffix_by_its_crc() {
        let mut contents = b"image".to_vec();
        contents.extend_from_slice(&[0, 0, 0x11, 0xdf, 0x83, 0x04, 0x1a, 0x01]);
        contents.extend_from_slice(b"UFD\x10");
        let crc = crc32(&contents);
        contents.extend_from_slice(&crc.to_le_bytes());
        let file = judge_suffix(contents.clone());
        assert_eq!((file.dfu_version, file.contents.as_slice(), file.suffix_warning), (0x011a, &b"image"[..], None));
        contents[0] ^= 1;
        assert_eq!(judge_suffix(contents).suffix_warning, Some("DFU suffix CRC does not match"));
        assert_eq!(judge_suffix(vec![0; 15]).suffix_warning, Some("File too short for DFU suffix"));
    }
}
