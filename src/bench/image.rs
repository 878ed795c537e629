//! Input images that a simulation makes up: what the playbook's own checks ask for, and noise. Pure.

use crate::documents::playbook::Input;

/// Bytes that pass the input's checks: its beginning, its little-endian `words` (offset and value, already evaluated)
/// and for the rest noise that depends on nothing but the input's name.
pub fn generate_image(input: &Input, size_bytes: u64, words: &[(u64, u32)]) -> Vec<u8> {
    let size = usize::try_from(size_bytes).unwrap_or(usize::MAX);
    let mut bytes = noise(input.name.as_str(), size);
    bytes[..input.starts_with.len()].copy_from_slice(&input.starts_with);
    for (offset, value) in words {
        let place = usize::try_from(*offset).ok().and_then(|start| bytes.get_mut(start..start.checked_add(4)?));
        if let Some(place) = place {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }
    bytes
}

/// Deterministic noise: splitmix64 seeded with the FNV-1a hash of a name.
pub(crate) fn noise(name: &str, length: usize) -> Vec<u8> {
    let mut state = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::playbook::Need;
    use crate::words::{Located, Place, Source};

    fn input() -> Input {
        let source = Arc::new(Source { name: "test.yaml".into(), text: String::new() });
        let place = Place { source, start: 0, end: 0 };
        Input {
            name: "sbl".parse().unwrap(),
            place: place.clone(),
            file: Located { value: "loader.bin".into(), place },
            help: None,
            need: Need::Always,
            together: None,
            names_files: None,
            min_size: None,
            max_size: None,
            starts_with: vec![0xd1, 0, 0x20, 0x40],
            not_starts_with: Vec::new(),
            words: Vec::new(),
            example_size: Some(31320),
        }
    }

    #[test]
    fn an_image_has_its_beginning_its_words_and_its_size() {
        let image = generate_image(&input(), 31320, &[(0x14, 0x2000_1000), (0x24, 35416)]);
        assert_eq!(image.len(), 31320);
        assert_eq!(image[..4], [0xd1, 0, 0x20, 0x40]);
        assert_eq!(image[0x14..0x18], [0, 0x10, 0, 0x20]);
        assert_eq!(image[0x24..0x28], 35416_u32.to_le_bytes());
        assert_eq!(image, generate_image(&input(), 31320, &[(0x14, 0x2000_1000), (0x24, 35416)]));
    }
}
