//! A regular expression of the catalog, compiled when it is first needed.
//!
//! A run needs one or two tools of many, and compiling the patterns of all would be most of the time that the program takes
//! to start. Patterns of a person's own documents are compiled once before, so that mistakes in them are told; a test does
//! the same for the shipped ones.

use std::ops::Deref;
use std::sync::OnceLock;

use regex::Regex;

use crate::documents::compiled::compile;

#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    /// For a text that is known to compile.
    pub(super) fn later(text: &str) -> Self {
        Pattern { text: text.to_owned(), compiled: OnceLock::new() }
    }
}

impl From<Regex> for Pattern {
    fn from(compiled: Regex) -> Self {
        Pattern { text: compiled.as_str().to_owned(), compiled: OnceLock::from(compiled) }
    }
}

/// Patterns are equal when their texts are.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Deref for Pattern {
    type Target = Regex;

    #[expect(
        clippy::expect_used,
        reason = "patterns come here that have been compiled before, the shipped ones by a test"
    )]
    fn deref(&self) -> &Regex {
        self.compiled.get_or_init(|| compile(&self.text).expect("the pattern compiles"))
    }
}
