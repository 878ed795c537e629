//! Words of arguments and of written files: addresses, ids, small numbers.

use crate::words::{UsbId, parse_integer};

/// Below this a number is a setting, from here on an address or a length. A page of flash has at least so many bytes.
const PAGE_BYTES: i64 = 0x1000;
/// Decimal numbers from here on are limits and speeds.
const LARGE: i64 = 1000;

/// The text with each number or id in it changed in turn, and what was changed.
pub(super) fn changed(text: &str) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = rest.find(|letter| !inside(letter)).unwrap_or(rest.len());
        if let Some((after, id)) = usb_id(rest) {
            changes.push((format!("id {} → {id}", &rest[..after]), format!("{}{id}{}", &text[..at], &rest[after..])));
            at += after;
            continue;
        }
        if length > 0
            && let Some((kind, wrong)) = wrong_word(&rest[..length])
        {
            let name = format!("{kind} {} → {wrong}", &rest[..length]);
            changes.push((name, format!("{}{wrong}{}", &text[..at], &rest[length..])));
        }
        at += length.max(rest.chars().next().map_or(1, char::len_utf8));
    }
    changes
}

/// `1fc9:0135` or `0x1FC9,0x0135` at the beginning of the text: how long it is, and another one.
fn usb_id(text: &str) -> Option<(usize, String)> {
    let plain = text.get(..9).filter(|id| id.parse::<UsbId>().is_ok());
    let wide = text.get(..13).filter(|id| {
        id.split_once(',').is_some_and(|(vendor, product)| {
            let four = |part: &str| part.len() == 6 && part.starts_with("0x") && parse_integer(part).is_ok();
            four(vendor) && four(product)
        })
    });
    let id = plain.or(wide)?;
    let last = id.chars().last()?.to_digit(16)?;
    let other = char::from_digit((last + 1) % 16, 16)?;
    Some((id.len(), format!("{}{other}", &id[..id.len() - 1])))
}

/// What kind of number the word is, and a wrong one.
fn wrong_word(word: &str) -> Option<(&'static str, String)> {
    let number = parse_integer(word).ok()?;
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    Some(match digits {
        Some(digits) if number >= PAGE_BYTES || number == 0 && digits.len() > 4 => {
            let wrong = number.checked_add(PAGE_BYTES)?;
            let upper = digits.bytes().any(|byte| byte.is_ascii_uppercase());
            let wrong = if upper {
                format!("{wrong:0width$X}", width = digits.len())
            } else {
                format!("{wrong:0width$x}", width = digits.len())
            };
            ("address", format!("0x{wrong}"))
        }
        Some(digits) => ("number", format!("0x{:0width$x}", number + 1, width = digits.len())),
        None if number >= LARGE => ("number", (number / 100).to_string()),
        None => ("number", format!("{:0width$}", number + 1, width = word.len())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_changed_in_its_own_way() {
        let texts = |text: &str| changed(text).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(texts("0x60001000"), ["address 0x60001000 → 0x60002000"]);
        assert_eq!(texts("0xC0000008"), ["address 0xC0000008 → 0xC0001008"]);
        assert_eq!(texts("0x08000000:"), ["address 0x08000000 → 0x08001000"]);
        assert_eq!(texts("0x06"), ["number 0x06 → 0x07"]);
        assert_eq!(texts("00000010"), ["number 00000010 → 00000011"]);
        assert_eq!(texts("120000"), ["number 120000 → 1200"]);
        assert_eq!(texts(",0483:df11"), ["id 0483:df11 → 0483:df12"]);
        assert_eq!(texts("0x1FC9,0x0135"), ["id 0x1FC9,0x0135 → 0x1FC9,0x0136"]);
        assert_eq!(texts("write-memory"), [""; 0]);
        assert_eq!(texts("../build/bootloader.bin 0x80000000"), ["address 0x80000000 → 0x80001000"]);
        assert_eq!(changed("a 2 b")[0].1, "a 3 b");
        assert_eq!(texts("nor0\t0x0000000"), ["address 0x0000000 → 0x0001000"]);
    }
}
