//! A regular expression of the catalog, compiled when it is first needed.
//!
//! A run needs one or two tools of many, and compiling the patterns of all would be most of the time that the program takes
//! to start. Patterns of a person's own documents are compiled once before, so that mistakes in them are told; a test does
//! the same for the shipped ones.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use regex::Regex;

use super::load::shipped_source;
use crate::documents::compiled;
use crate::documents::reader::Reader;
use crate::documents::tree::Tree;
use crate::words::{Code, Diagnostic, Located};

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
        self.compiled.get_or_init(|| compiled::compile(&self.text).expect("the pattern compiles"))
    }
}

/// A pattern that may be absent.
pub(super) fn pattern(reader: &mut Reader, tree: Option<&Tree>, groups: &[&str]) -> Option<Pattern> {
    let text = reader.text(tree?)?;
    compile(reader, &text, groups)
}

/// A list of patterns that may be absent.
pub(super) fn patterns(reader: &mut Reader, tree: Option<&Tree>) -> Vec<Pattern> {
    reader.texts(tree).iter().filter_map(|text| compile(reader, text, &[])).collect()
}

/// Compiles a pattern; of `groups`, if there are any, it must have at least one.
///
/// Those of the shipped catalog are trusted: see [`Pattern`].
pub(super) fn compile(reader: &mut Reader, text: &Located<String>, groups: &[&str]) -> Option<Pattern> {
    if Arc::ptr_eq(&text.place.source, &shipped_source()) {
        return Some(Pattern::later(&text.value));
    }
    let pattern = match compiled::compile(&text.value) {
        Ok(pattern) => pattern,
        Err(error) => {
            let message = format!("this pattern does not compile: {}", last_line(&error.to_string()));
            reader.report(Diagnostic::error(Code::BadPattern, &text.place, message));
            return None;
        }
    };
    let has = |group: &&str| pattern.capture_names().flatten().any(|name| name == *group);
    if !groups.is_empty() && !groups.iter().any(has) {
        let wanted: Vec<String> = groups.iter().map(|group| format!("`(?P<{group}>…)`")).collect();
        reader.report(Diagnostic::error(
            Code::BadPattern,
            &text.place,
            format!("this pattern lacks a group {}", wanted.join(" or ")),
        ));
        return None;
    }
    // Thousands of them are not kept in a form that takes a thousand times as much.
    Some(Pattern::later(&text.value))
}

/// The regex crate draws the pattern over several lines; what is wrong stands in the last one.
fn last_line(text: &str) -> &str {
    let line = text.lines().last().unwrap_or(text);
    line.strip_prefix("error: ").unwrap_or(line)
}
