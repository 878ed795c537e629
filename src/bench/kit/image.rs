//! Input images that a simulation makes up: what the playbook's own checks ask for, and noise. Pure.

use crate::documents::playbook::{FileKind, Input, Vectors};

/// Bytes that pass the input's checks: its beginning, its little-endian `words` (offset and value, already evaluated), its
/// vectors, and for the rest noise that depends on nothing but the input's name.
pub fn generate_image(input: &Input, size_bytes: u64, words: &[(u64, u32)]) -> Vec<u8> {
    let size = usize::try_from(size_bytes).unwrap_or(usize::MAX);
    let mut bytes = noise(input.name.as_str(), size);
    if let (Some(FileKind::Raw), Some(first)) = (input.kind, bytes.first_mut()) {
        // Neither a letter nor what an erased memory holds, so that it is no text and not blank, however short it is.
        *first = 0x80 | (*first & 0x3f);
    }
    bytes[..input.starts_with.len()].copy_from_slice(&input.starts_with);
    let vectors = input.vectors.iter().flat_map(|vectors| vectors_of(vectors, size_bytes));
    for (offset, value) in words.iter().copied().chain(vectors) {
        let place = usize::try_from(offset).ok().and_then(|start| bytes.get_mut(start..start.checked_add(4)?));
        if let Some(place) = place {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }
    bytes
}

/// The stack at the end of the first memory, and the first instruction soon behind the table; by their offsets.
fn vectors_of(vectors: &Vectors, size_bytes: u64) -> [(u64, u32); 2] {
    const TABLE_BYTES: u64 = 0x100;
    let stack = vectors.ram.first().map_or(0, |range| u32::try_from(range.end()).unwrap_or(u32::MAX - 3));
    let behind_table = vectors.at.saturating_add(TABLE_BYTES).min(size_bytes.saturating_sub(2));
    let reset = vectors.address.saturating_add(u32::try_from(behind_table).unwrap_or(0)) | 1;
    [(vectors.at, stack), (vectors.reset_at(), reset)]
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
    use crate::documents::playbook::{Need, wrong_kind};
    use crate::words::{Located, Place, Source};

    fn input() -> Input {
        let source = Arc::new(Source { name: "test.yaml".into(), text: String::new() });
        let place = Place::new(source, 0, 0);
        Input {
            name: "sbl".parse().unwrap(),
            place: place.clone(),
            file: Located { value: "loader.bin".into(), place },
            help: None,
            need: Need::Always,
            together: None,
            names_files: None,
            kind: None,
            min_size: None,
            max_size: None,
            starts_with: vec![0xd1, 0, 0x20, 0x40],
            not_starts_with: Vec::new(),
            words: Vec::new(),
            vectors: None,
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

    #[test]
    fn a_program_begins_with_a_stack_in_ram_and_an_odd_address_of_its_own() {
        let ram = vec!["0x20000000+0x20000".parse().unwrap(), "0x24000000+0x80000".parse().unwrap()];
        let vectors = Some(Vectors { at: 0x400, address: 0x3418_0000, ram });
        let program = Input { vectors, starts_with: b"STM2".to_vec(), ..input() };
        // As short as it can be, too.
        for size in [0x408, 0x409, 9_001] {
            let image = generate_image(&program, size, &[]);
            let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
            assert_eq!(word(0x400), 0x2002_0000);
            assert_eq!(word(0x404) % 2, 1);
            assert!((0x3418_0400..0x3418_0000 + size).contains(&u64::from(word(0x404))), "{:#x}", word(0x404));
            assert_eq!(&image[..4], b"STM2");
        }
    }

    #[test]
    fn a_raw_image_is_of_no_other_kind_however_short_it_is() {
        for name in ["sbl", "a", "firmware", "romfs", "x1", "x2"] {
            let raw =
                Input { kind: Some(FileKind::Raw), starts_with: Vec::new(), name: name.parse().unwrap(), ..input() };
            for size in [1, 2, 16, 600] {
                let image = generate_image(&raw, size, &[]);
                assert_eq!(wrong_kind(&image), None);
                assert!(!matches!(image[0], 0 | 0xff));
            }
        }
    }
}
