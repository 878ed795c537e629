//! What is wrong with a document, where, and what its author can do.

use std::collections::BTreeSet;

use crate::words::{Code, Place};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Its kind, for which there is an explanation.
    pub code: Code,
    /// A sentence without a full stop.
    pub message: String,
    /// Absent only for faults of a whole document, such as one that cannot be read.
    pub place: Option<Place>,
    /// A few words put under the marked text.
    pub label: Option<String>,
    pub hint: Option<String>,
}

impl Diagnostic {
    pub fn error(code: Code, place: &Place, message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            place: Some(place.clone()),
            label: None,
            hint: None,
        }
    }

    pub fn warning(code: Code, place: &Place, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, place, message) }
    }

    pub fn of_document(code: Code, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Error, code, message: message.into(), place: None, label: None, hint: None }
    }

    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Each once: a text that stands for several, such as a procedure, is looked at in each of its places.
pub fn without_repetitions(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut told = BTreeSet::new();
    diagnostics.retain(|diagnostic| {
        let place = diagnostic.place.as_ref().map(|place| (place.source.name.clone(), place.start, place.end));
        told.insert((place, diagnostic.message.clone(), diagnostic.hint.clone()))
    });
    diagnostics
}

/// What may have been meant, or all there is.
pub fn meant_or_known<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match (nearest(given, known.iter().copied()), known.as_slice()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "there is none".to_owned(),
        (None, [only]) => format!("the only one is {only}"),
        (None, several) => format!("known are {}", several.join(", ")),
    }
}

/// The known word that `given` was most likely meant to be.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().filter_map(|word| Some((likeness(given, word)?, word)));
    near.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, word)| word)
}

/// How much a word is like one that may have been meant, at most 1; nothing where it is not like it.
pub fn likeness(given: &str, word: &str) -> Option<f64> {
    const SIMILAR_ENOUGH: f64 = 0.7;
    // Of a short word two letters in the wrong order are most of it.
    const ONE_SLIP: f64 = 0.8;
    const SLIP_LETTERS_MIN: usize = 3;
    // Nobody means a word by something much longer, and comparing takes as long as both are long.
    const LONGER_MAX: usize = 16;
    if given.len() > word.len() + LONGER_MAX {
        return None;
    }
    let near_in_length = word.len().abs_diff(given.len()) <= 1;
    let is_slip = near_in_length && word.len() >= SLIP_LETTERS_MIN && strsim::osa_distance(given, word) == 1;
    let is_slip = is_slip || is_other_digit(given, word);
    let alike = strsim::jaro_winkler(given, word);
    let alike = if is_slip { alike.max(ONE_SLIP) } else { alike };
    (alike >= SIMILAR_ENOUGH).then_some(alike)
}

/// Is one digit another one, and all else the same? In names of models that is a slip, however short they are.
fn is_other_digit(given: &str, word: &str) -> bool {
    let mut unlike = given.chars().zip(word.chars()).filter(|(a, b)| a != b);
    let first = unlike.next();
    given.len() == word.len()
        && word.contains(char::is_alphabetic)
        && first.is_some_and(|(a, b)| a.is_ascii_digit() && b.is_ascii_digit())
        && unlike.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_digit_is_a_slip_in_a_name_of_two_signs() {
        assert_eq!(nearest("h8", ["m4", "h7", "rom"]), Some("h7"));
        assert_eq!(nearest("7", ["8", "a1"]), None);
        assert_eq!(nearest("h7", ["m7"]), None);
    }

    #[test]
    fn a_slip_in_a_short_word_is_seen_through() {
        assert_eq!(nearest("rmo", ["rom", "running"]), Some("rom"));
        assert_eq!(nearest("tiemout", ["when", "timeout"]), Some("timeout"));
        assert_eq!(nearest("rom", ["flash", "is"]), None);
    }

    #[test]
    fn else_all_that_is_known_is_told() {
        assert_eq!(meant_or_known("rmo", ["rom"]), "did you mean `rom`?");
        assert_eq!(meant_or_known("xyz", ["rom"]), "the only one is rom");
        assert_eq!(meant_or_known("xyz", ["rom", "loader"]), "known are rom, loader");
        assert_eq!(meant_or_known("xyz", []), "there is none");
    }
}
