//! The names that playbooks give to steps, inputs, devices and values.

use std::fmt;
use std::str::FromStr;

use crate::words::as_text::as_text;

/// A name of lower-case letters, digits, `-` and `_`, beginning with a letter.
///
/// In expressions a `-` would be a minus, so names used there are written with `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a name: use lower-case letters, digits, `-` and `_`, beginning with a letter")]
pub struct IdError {
    pub text: String,
}

impl Id {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let rest_is_well = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if starts_well && rest_is_well && text.len() <= 64 {
            Ok(Id(text.to_owned()))
        } else {
            Err(IdError { text: text.to_owned() })
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

as_text!(Id, "Id", "^[a-z][a-z0-9_-]{0,63}$");
