//! The vendor and product number a USB device shows to the host.

use std::fmt;
use std::str::FromStr;

use crate::words::as_text::as_text;

/// USB vendor and product number, written `1fc9:0135`: two times four hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsbId {
    pub vendor: u16,
    pub product: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a USB id: write vendor and product as `1fc9:0135`, four hexadecimal digits each")]
pub struct UsbIdError {
    pub text: String,
}

impl UsbId {
    /// As somebody writes it who takes the one number for the other.
    #[must_use]
    pub fn swapped(self) -> UsbId {
        UsbId { vendor: self.product, product: self.vendor }
    }
}

impl FromStr for UsbId {
    type Err = UsbIdError;

    fn from_str(text: &str) -> Result<Self, UsbIdError> {
        let number = |digits: &str| {
            let all_hex = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            all_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(vendor, product)| Some(UsbId { vendor: number(vendor)?, product: number(product)? }))
            .ok_or_else(|| UsbIdError { text: text.to_owned() })
    }
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.product)
    }
}

as_text!(UsbId, "UsbId", "^[0-9a-f]{4}:[0-9a-f]{4}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_usual_form() {
        let id: UsbId = "1FC9:0135".parse().unwrap();
        assert_eq!(id, UsbId { vendor: 0x1fc9, product: 0x0135 });
        assert_eq!(id.to_string(), "1fc9:0135");
    }

    #[test]
    fn refuses_what_only_looks_like_an_id() {
        for text in ["", "1fc9", "1fc9:", "1fc9:135", "0x1fc9:0x0135", "1fc9:013g", "+fc9:0135", "1fc9:0135:1"] {
            assert!(text.parse::<UsbId>().is_err(), "{text}");
        }
    }
}
