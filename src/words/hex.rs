//! Integers as people at benches write them: decimal, or hexadecimal with `0x`; and bytes as hexadecimal digits.

use std::fmt;

/// An address, a length or a register value, shown as `0x60001000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hex(pub u64);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl serde::Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a whole number: write it in decimal or, with `0x`, in hexadecimal")]
pub struct IntegerError {
    pub text: String,
}

/// Each byte as two lower-case digits.
pub fn hex_digits(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// Reads `4096`, `0x1000` or `0x6000_1000`.
pub fn parse_integer(text: &str) -> Result<i64, IntegerError> {
    let digits = text.replace('_', "");
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with(['+', '-']) => i64::from_str_radix(hex, 16),
        Some(_) => return Err(IntegerError { text: text.to_owned() }),
        None => digits.parse(),
    };
    number.map_err(|_| IntegerError { text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimal_and_hexadecimal() {
        assert_eq!(parse_integer("4096"), Ok(4096));
        assert_eq!(parse_integer("0x6000_1000"), Ok(0x6000_1000));
        assert!(parse_integer("0x").is_err());
        assert!(parse_integer("0x-1").is_err());
        assert!(parse_integer("10k").is_err());
        assert!(parse_integer("").is_err());
    }
}
