//! Versions of vendor tools, which follow no common scheme: `0.11`, `3.12.0`, `1.104.000`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::words::as_text::as_text;

/// Numbers separated by dots, compared number by number; missing ones count as 0.
#[derive(Debug, Clone)]
pub struct ToolVersion {
    text: String,
    numbers: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version: numbers separated by dots are expected, such as `0.11`")]
pub struct ToolVersionError {
    pub text: String,
}

impl FromStr for ToolVersion {
    type Err = ToolVersionError;

    fn from_str(text: &str) -> Result<Self, ToolVersionError> {
        let numbers: Result<Vec<u64>, _> = text.split('.').map(str::parse).collect();
        match numbers {
            Ok(numbers) => Ok(ToolVersion { text: text.to_owned(), numbers }),
            Err(_) => Err(ToolVersionError { text: text.to_owned() }),
        }
    }
}

impl Ord for ToolVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let at = |version: &Self, index: usize| version.numbers.get(index).copied().unwrap_or(0);
        (0..length).map(|i| at(self, i).cmp(&at(other, i))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for ToolVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ToolVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ToolVersion {}

impl fmt::Display for ToolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

as_text!(ToolVersion, "ToolVersion", r"^[0-9]+(\.[0-9]+)*$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_number_by_number() {
        let version = |text: &str| text.parse::<ToolVersion>().unwrap();
        assert!(version("0.9") < version("0.11"));
        assert_eq!(version("1.104.000"), version("1.104"));
        assert!(version("3.12.0") > version("2.6.1"));
        assert!("3.x".parse::<ToolVersion>().is_err());
        assert!("".parse::<ToolVersion>().is_err());
    }
}
