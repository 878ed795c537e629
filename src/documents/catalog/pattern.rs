//! A regular expression of the catalog, compiled when it is first needed.
//!
//! A run needs one or two tools of many, and compiling the patterns of all would be most of the time that the program takes
//! to start. Patterns of a person's own documents are compiled once before, so that mistakes in them are told; a test does
//! the same for the shipped ones.

use std::ops::Deref;
use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    compiled: OnceLock<Regex>,
}

/// A few letters with a large number behind them can stand for many megabytes.
const COMPILED_BYTES_MAX: usize = 256 * 1024;

/// Refuses what would become large.
pub(super) fn compiled(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(COMPILED_BYTES_MAX).build()
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
        self.compiled.get_or_init(|| compiled(&self.text).expect("the pattern compiles"))
    }
}
