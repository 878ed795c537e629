//! What a raw image is not: the kinds of files that people mistake for one, told by how they begin. The one place that
//! knows them, for every input that says `kind: raw`.

/// So much of a file's beginning is looked at, in bytes.
pub const LOOKED_AT_BYTES: u64 = 512;

/// Shorter ones may be text by chance.
const TEXT_BYTES_MIN: usize = 8;

/// How a kind shows itself.
enum Sign {
    /// The file begins so.
    Begins(&'static [u8]),
    /// These bytes stand at this offset.
    Holds(usize, &'static [u8]),
    Looks(fn(&[u8]) -> bool),
}

/// A kind of file that no image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongKind {
    /// Completes the sentence "`x.bin` is …".
    pub what: &'static str,
    /// How to come to the right file, where that is not plain from what it is.
    pub remedy: Option<&'static str>,
}

const fn kind(what: &'static str) -> WrongKind {
    WrongKind { what, remedy: None }
}

const fn with_remedy(what: &'static str, remedy: &'static str) -> WrongKind {
    WrongKind { what, remedy: Some(remedy) }
}

const DOWNLOAD: &str = "download the file itself, not the page that shows it, and look at its size afterwards";

/// In the order in which they are asked.
const WRONG_KINDS: &[(Sign, WrongKind)] = &[
    (
        Sign::Begins(b"\x7fELF"),
        with_remedy(
            "an ELF file; the .bin file is needed",
            "of an ELF file that you built yourself, `objcopy -O binary IN.elf OUT.bin` makes a .bin file",
        ),
    ),
    (Sign::Begins(b"\x44\x66\x75\x53\x65"), kind("a .dfu file; the .bin file is needed")),
    (
        Sign::Looks(is_intel_hex),
        with_remedy(
            "an Intel HEX file; the .bin file is needed",
            "of a HEX file that you built yourself, `objcopy -I ihex -O binary IN.hex OUT.bin` makes a .bin file",
        ),
    ),
    (
        Sign::Looks(is_s_record),
        with_remedy(
            "a Motorola S-record file; the .bin file is needed",
            "of an S-record file that you built yourself, `objcopy -I srec -O binary IN.srec OUT.bin` makes a .bin file",
        ),
    ),
    (Sign::Begins(b"UF2\n\x57\x51\x5d\x9e"), kind("a UF2 file; the .bin file is needed")),
    (Sign::Begins(b"PK\x03\x04"), kind("a ZIP archive; unpack it first")),
    (Sign::Begins(b"PK\x05\x06"), kind("a ZIP archive, and an empty one; download it again and unpack it")),
    (Sign::Begins(b"\x1f\x8b\x08"), kind("a compressed archive; unpack it first")),
    (Sign::Begins(b"\xfd7zXZ\0"), kind("a compressed archive (xz); unpack it first")),
    (Sign::Begins(b"\x28\xb5\x2f\xfd"), kind("a compressed archive (zstd); unpack it first")),
    (Sign::Looks(is_bzip2), kind("a compressed archive (bzip2); unpack it first")),
    (Sign::Begins(b"7z\xbc\xaf\x27\x1c"), kind("a 7z archive; unpack it first")),
    (Sign::Begins(b"Rar!\x1a\x07"), kind("a RAR archive; unpack it first")),
    (Sign::Holds(257, b"ustar"), kind("a tar archive; unpack it first")),
    (
        Sign::Begins(b"version https://git-lfs.github.com/spec/"),
        with_remedy(
            "a pointer of Git LFS, not the file itself",
            "fetch the file with `git lfs pull`, or download it from where the project releases it",
        ),
    ),
    (Sign::Looks(is_web_page), with_remedy("a web page or other text; the download went wrong", DOWNLOAD)),
    (
        Sign::Looks(is_json),
        with_remedy("a text (JSON), perhaps a server's error message; the download went wrong", DOWNLOAD),
    ),
    (Sign::Looks(is_text), with_remedy("a text, and no image; the download went wrong", DOWNLOAD)),
];

/// The byte of an erased or never written memory that a whole file consists of.
pub fn blank(byte: u8) -> Option<WrongKind> {
    match byte {
        0x00 => Some(kind("blank, nothing but zeros: the download failed, or it was read from an empty chip")),
        0xff => Some(kind("blank, nothing but 0xff: the download failed, or it was read from an empty chip")),
        _ => None,
    }
}

/// Which wrong kind a file is that begins so.
pub fn wrong_kind(beginning: &[u8]) -> Option<WrongKind> {
    let shows = |sign: &Sign| match sign {
        Sign::Begins(bytes) => beginning.starts_with(bytes),
        Sign::Holds(offset, bytes) => beginning.get(*offset..).is_some_and(|rest| rest.starts_with(bytes)),
        Sign::Looks(looks) => looks(beginning),
    };
    WRONG_KINDS.iter().find(|(sign, _)| shows(sign)).map(|(_, kind)| *kind)
}

/// Does a file that begins with these bytes count as one of the wrong kinds, whatever comes behind them?
pub(super) fn is_known_beginning(bytes: &[u8]) -> bool {
    let begins = |sign: &Sign| match sign {
        Sign::Begins(known) => !bytes.is_empty() && (known.starts_with(bytes) || bytes.starts_with(known)),
        Sign::Holds(..) | Sign::Looks(_) => false,
    };
    WRONG_KINDS.iter().any(|(sign, _)| begins(sign))
}

fn is_intel_hex(bytes: &[u8]) -> bool {
    matches!(bytes, [b':', digits @ ..] if are_hex_digits(digits))
}

fn is_s_record(bytes: &[u8]) -> bool {
    matches!(bytes, [b'S', b'0'..=b'9', digits @ ..] if are_hex_digits(digits))
}

/// Two of them, a record's length in either format.
fn are_hex_digits(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit())
}

fn is_bzip2(bytes: &[u8]) -> bool {
    matches!(bytes, [b'B', b'Z', b'h', b'1'..=b'9', ..])
}

fn is_web_page(bytes: &[u8]) -> bool {
    matches!(after_blanks(bytes), [b'<', next, ..] if next.is_ascii_alphabetic() || matches!(next, b'!' | b'?'))
}

fn is_json(bytes: &[u8]) -> bool {
    match after_blanks(bytes) {
        [b'{' | b'[', rest @ ..] => matches!(after_blanks(rest), [b'"' | b'{' | b'}' | b']', ..]),
        _ => false,
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    bytes.len() >= TEXT_BYTES_MIN && bytes.iter().all(printable)
}

/// Without a byte order mark and white space.
fn after_blanks(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_by_its_name() {
        let mut tar = vec![0; 512];
        tar[..12].copy_from_slice(b"firmware.bin");
        tar[257..262].copy_from_slice(b"ustar");
        let kinds: &[(&[u8], &str)] = &[
            (b"<!DOCTYPE html><html>", "a web page"),
            (b"\xef\xbb\xbf\r\n <html>\xc3\xa4", "a web page"),
            (b"<?xml version=\"1.0\"?><Error>", "a web page"),
            (b"{\n  \"message\": \"Not Found\"}", "JSON"),
            (b"[{\"id\": 1}]", "JSON"),
            (b"404: Not Found", "a text"),
            (b"PK\x03\x04\x14\0\0\0", "a ZIP archive"),
            (b"PK\x05\x06\0\0\0\0", "a ZIP archive"),
            (b"\x1f\x8b\x08\x00", "a compressed archive"),
            (b"\xfd7zXZ\0\0\x04", "(xz)"),
            (b"\x28\xb5\x2f\xfd\x04", "(zstd)"),
            (b"BZh91AY&SY", "(bzip2)"),
            (b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive"),
            (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
            (&tar, "a tar archive"),
            (b"\x44\x66\x75\x53\x65\x01\x25", "a .dfu file"),
            (b"\x7fELF\x01\x01\x01", "an ELF file"),
            (b":020000040800F2\r\n", "an Intel HEX file"),
            (b"S00F000068656C6C6F", "S-record"),
            (b"UF2\n\x57\x51\x5d\x9e\0\x20", "a UF2 file"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of Git LFS"),
        ];
        for (bytes, told) in kinds {
            let found = wrong_kind(bytes).unwrap_or_else(|| panic!("{told} passes"));
            assert!(found.what.contains(told), "{told}: {found:?}");
        }
    }

    #[test]
    fn images_are_none_of_them() {
        let images: &[&[u8]] = &[
            &[0x00, 0x00, 0x02, 0x20, 0x99, 0x02, 0x00, 0x08],
            b"\xd1\x00\x20\x41\x00\x00\x00\x00",
            b"STM2\x00\x01\x02\x03",
            b"\xd2\xcd1\x00",
            b"FCFB\x00\x00\x01V",
            // Only by chance like a text, a web page or a record.
            b"Sx",
            b"<\x80\x00\x20",
            b":\xf0\x00\x20",
            &[0xff; 512],
            &[],
        ];
        for bytes in images {
            assert_eq!(wrong_kind(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn beginnings_that_a_playbook_need_not_repeat() {
        for known in [&b"\x7fELF"[..], b"PK", b"\x1f\x8b", b"\x44\x66\x75\x53\x65\x01"] {
            assert!(is_known_beginning(known), "{known:x?}");
        }
        assert!(!is_known_beginning(b"\xd1\x00\x20"));
    }
}
