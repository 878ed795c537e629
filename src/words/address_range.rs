//! A stretch of a chip's addresses, written as where it begins and how long it is: `0x20000000+0x20000`.

use std::fmt;
use std::str::FromStr;

use crate::words::{Hex, parse_integer};

/// Never empty, and never beyond the last address of a 32-bit chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressRange {
    pub start: u32,
    /// In bytes.
    pub size: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a range of addresses: {}", instead(text))]
pub struct AddressRangeError {
    pub text: String,
}

/// What to write in its place. Where it begins and ends is told in the other form, which may be meant in two ways.
fn instead(text: &str) -> String {
    const FORM: &str = "write where it begins and how long it is";
    let number = |part: &str| parse_integer(part.trim()).ok().and_then(|number| u32::try_from(number).ok());
    let ends = text.split_once('-').and_then(|(start, end)| Some((number(start)?, number(end)?)));
    match ends {
        Some((start, last)) if last > start => {
            let begin = Hex(u64::from(start));
            let size = |end: u64| Hex(end - u64::from(start));
            let (with_last, without) = (size(u64::from(last) + 1), size(u64::from(last)));
            format!(
                "{FORM}, which is `{begin}+{with_last}` if {} is the last address, and `{begin}+{without}` if it is the first \
                 one behind",
                Hex(u64::from(last))
            )
        }
        _ => format!("{FORM}, as in `0x20000000+0x20000`"),
    }
}

impl AddressRange {
    /// The first address behind it.
    pub fn end(&self) -> u64 {
        u64::from(self.start) + u64::from(self.size)
    }
}

/// How far memory goes on without a gap from an address on: the first address behind it. That is the address itself where none of
/// the ranges, each with the first address behind it, holds it.
pub fn end_reached(from: u64, ranges: &(impl Iterator<Item = (u64, u64)> + Clone)) -> u64 {
    let mut reached = from;
    while let Some(end) =
        ranges.clone().filter(|(start, end)| (*start..*end).contains(&reached)).map(|(_, end)| end).max()
    {
        reached = end;
    }
    reached
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        let number = |part: &str| parse_integer(part.trim()).ok().and_then(|number| u32::try_from(number).ok());
        let range = text.split_once('+').and_then(|(start, size)| {
            let range = AddressRange { start: number(start)?, size: number(size)? };
            (range.size > 0 && range.end() <= 1 << 32).then_some(range)
        });
        range.ok_or_else(|| AddressRangeError { text: text.to_owned() })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}+{}", self.start, Hex(u64::from(self.size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_shows() {
        let range: AddressRange = "0x20000000 + 0x20000".parse().unwrap();
        assert_eq!((range.start, range.size, range.end()), (0x2000_0000, 0x2_0000, 0x2002_0000));
        assert_eq!(range.to_string(), "0x20000000+0x20000");
        assert_eq!("0+65536".parse::<AddressRange>().unwrap().to_string(), "0x00000000+0x10000");
        assert_eq!("0xFFFF0000+0x10000".parse::<AddressRange>().unwrap().end(), 1 << 32);
        for wrong in ["", "0x20000000", "0x20000000+0", "0x20000000-0x20000", "0xFFFF0000+0x10001", "a+b", "-1+5"] {
            assert!(wrong.parse::<AddressRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_that_is_written_with_its_end_is_told_in_the_right_form() {
        let told = |text: &str| text.parse::<AddressRange>().unwrap_err().to_string();
        let with_end = told("0x20000000-0x2001ffff");
        assert!(with_end.contains("`0x20000000+0x20000` if 0x2001ffff is the last address"), "{with_end}");
        assert!(told("0x20000000-0x20000").ends_with("as in `0x20000000+0x20000`"), "it cannot end before it begins");
    }

    #[test]
    fn memory_goes_on_over_neighbours_and_over_one_within_another() {
        let ranges = [(0x30, 0x40), (0x10, 0x20), (0x20, 0x28), (0x12, 0x14)];
        let reached = |from| end_reached(from, &ranges.into_iter());
        assert_eq!([0x0f, 0x10, 0x13, 0x20, 0x28, 0x30, 0x40].map(reached), [0x0f, 0x28, 0x28, 0x28, 0x28, 0x40, 0x40]);
    }
}
