//! Memory as a DfuSe alternate setting describes it in its name, such as `@Internal Flash  /0x08000000/16*128Kg`.
//!
//! The form is that of ST's UM0424: `@` name `/` start `/` list of count`*`page size, unit and type letter.

use std::str::FromStr;

/// One run of pages of equal size.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Segment {
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    pub page_bytes: u64,
    /// The low three bits of the type letter: 1 readable, 2 erasable, 4 writable.
    pub rights: u8,
    /// Written with a blank for the unit, which dfu-util remarks on.
    pub unit_blank: bool,
}

impl Segment {
    pub fn readable(&self) -> bool {
        self.rights & 1 != 0
    }

    pub fn erasable(&self) -> bool {
        self.rights & 2 != 0
    }

    pub fn writable(&self) -> bool {
        self.rights & 4 != 0
    }

    pub fn page_start(&self, address: u64) -> u64 {
        address - (address - self.start) % self.page_bytes
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MemoryLayout {
    /// With its trailing blanks.
    pub name: String,
    pub segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemoryLayoutError {
    #[error("`{text}` does not describe memory: write it as `@Internal Flash  /0x08000000/16*128Kg`")]
    Unreadable { text: String },
    #[error("{count} pages are more than the {PAGES_MAX} that memory has at most")]
    TooManyPages { count: u64 },
}

/// Erasing goes page by page; the largest flash of such boards has some 8,000.
const PAGES_MAX: u64 = 65_536;

impl MemoryLayout {
    pub fn segment_at(&self, address: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| (segment.start..segment.end).contains(&address))
    }

    pub fn start(&self) -> u64 {
        self.segments.first().map_or(0, |segment| segment.start)
    }
}

impl FromStr for MemoryLayout {
    type Err = MemoryLayoutError;

    fn from_str(text: &str) -> Result<Self, MemoryLayoutError> {
        let layout = parse(text).ok_or_else(|| MemoryLayoutError::Unreadable { text: text.to_owned() })?;
        let pages = layout.segments.iter().map(|segment| (segment.end - segment.start) / segment.page_bytes);
        match pages.fold(0, u64::saturating_add) {
            count if count > PAGES_MAX => Err(MemoryLayoutError::TooManyPages { count }),
            _ => Ok(layout),
        }
    }
}

fn parse(text: &str) -> Option<MemoryLayout> {
    let mut parts = text.strip_prefix('@')?.split('/');
    let name = parts.next()?.to_owned();
    let mut segments = Vec::new();
    while let Some(start) = parts.next() {
        let mut address = u64::from_str_radix(start.strip_prefix("0x")?, 16).ok()?;
        for description in parts.next()?.split(',') {
            let segment = parse_segment(address, description)?;
            address = segment.end;
            segments.push(segment);
        }
    }
    (!segments.is_empty()).then_some(MemoryLayout { name, segments })
}

fn parse_segment(start: u64, description: &str) -> Option<Segment> {
    let (count, page) = description.split_once('*')?;
    let digits = page.len() - page.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (size, unit_and_kind) = page.split_at(digits);
    let (unit, kind) = match unit_and_kind.as_bytes() {
        [unit, kind] => (*unit, *kind),
        [kind] => (b'B', *kind),
        _ => return None,
    };
    // UM0424 knows these letters; another one is a slip of the pen.
    if !(b'a'..=b'g').contains(&kind) {
        return None;
    }
    let unit_bytes = match unit {
        b'B' | b' ' => 1,
        b'K' => 1024,
        b'M' => 1024 * 1024,
        _ => return None,
    };
    let page_bytes = size.parse::<u64>().ok()?.checked_mul(unit_bytes).filter(|bytes| *bytes > 0)?;
    let length = page_bytes.checked_mul(count.parse().ok()?).filter(|bytes| *bytes > 0)?;
    let end = start.checked_add(length)?;
    Some(Segment { start, end, page_bytes, rights: kind & 7, unit_blank: unit == b' ' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pages_of_several_sizes() {
        let layout: MemoryLayout = "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,07*256Kg".parse().unwrap();
        assert_eq!(layout.name, "Internal Flash  ");
        assert_eq!(layout.segments.len(), 3);
        let second = layout.segment_at(0x0802_0000).unwrap();
        assert_eq!((second.start, second.end, second.page_bytes), (0x0802_0000, 0x0804_0000, 0x2_0000));
        assert!(second.readable() && second.erasable() && second.writable());
        assert_eq!(layout.segment_at(0x0820_0000), None);
    }

    #[test]
    fn reads_the_type_letters() {
        let rights = |text: &str| text.parse::<MemoryLayout>().unwrap().segments[0].rights;
        assert_eq!(rights("@OTP Memory /0x1FF0F000/01*01Ka"), 1);
        assert_eq!(rights("@Option Bytes  /0x1FFF0000/01*032 e"), 5);
        assert_eq!(rights("@Internal Flash  /0x08000000/16*128Kg"), 7);
    }

    #[test]
    fn refuses_more_pages_than_there_are_anywhere() {
        let refused = |text: &str| text.parse::<MemoryLayout>().unwrap_err().to_string();
        assert_eq!(refused("@X/0x0/65537*1Bg"), "65537 pages are more than the 65536 that memory has at most");
        assert!(refused("@X/0x0/40000*1Bg,40000*1Bg").starts_with("80000 pages"));
        assert!("@X/0x0/65536*4Kg".parse::<MemoryLayout>().is_ok());
    }

    #[test]
    fn refuses_names_without_memory() {
        for text in [
            "",
            "ROMFS0",
            "@",
            "@Flash",
            "@Flash/0x08000000",
            "@Flash/0x08000000/16*0Kg",
            "@Flash/0x0/0*1Kg",
            "@Flash/8/1*1Kg",
            "@Flash/0x0/1*1Kq",
            "@Flash/0x0/1*1Kh",
            "@Flash/0x0/1*1KG",
        ] {
            assert!(text.parse::<MemoryLayout>().is_err(), "{text}");
        }
    }
}
