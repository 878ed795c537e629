//! Regular expressions of the catalog: compiled, and held to the groups they must have.

use std::sync::Arc;

use super::load::shipped_source;
use super::pattern::Pattern;
use super::reader::Faults;
use crate::documents::compiled;
use crate::words::{Diagnostic, Located};

/// Compiles a pattern; of `groups`, if there are any, it must have at least one.
///
/// Those of the shipped catalog are trusted: see [`Pattern`].
pub(super) fn compile(text: &Located<String>, groups: &[&str], faults: &Faults) -> Option<Pattern> {
    if Arc::ptr_eq(&text.place.source, &shipped_source()) {
        return Some(Pattern::later(&text.value));
    }
    let pattern = match compiled::compile(&text.value) {
        Ok(pattern) => pattern,
        Err(error) => {
            let message = format!("this pattern does not compile: {}", last_line(&error.to_string()));
            faults.report(Diagnostic::error(&text.place, message));
            return None;
        }
    };
    let has = |group: &&str| pattern.capture_names().flatten().any(|name| name == *group);
    if !groups.is_empty() && !groups.iter().any(has) {
        let wanted: Vec<String> = groups.iter().map(|group| format!("`(?P<{group}>…)`")).collect();
        faults.report(Diagnostic::error(&text.place, format!("this pattern lacks a group {}", wanted.join(" or "))));
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
