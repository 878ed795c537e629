//! What people are shown, with everything taken out that would steer a terminal or whatever reads a log line by line.
//!
//! Recover's own colours carry a mark that nobody outside can know, because it is made anew by each process: so they are told
//! from those that come with a board's name or a tool's output. Pure but for that mark.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::OnceLock;

use crate::words::steers;

/// What begins an escape sequence of a terminal.
const BEGINNING: &str = "\u{1b}[";
/// Stands where something was taken out.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Where line breaks in a text come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breaks {
    /// From recover: they stay.
    Own,
    /// It is one line, so from outside.
    Foreign,
}

/// Marks the colours in a text of which they are all our own.
pub(crate) fn own_colours(text: &str) -> String {
    text.replace(BEGINNING, &format!("{BEGINNING}{};", mark()))
}

/// How many columns a text fills, whose colours may be our own.
pub(crate) fn columns(text: &str) -> usize {
    console::measure_text_width(&text.replace(&format!("{BEGINNING}{};", mark()), BEGINNING))
}

/// Each character that steers replaced by one that does not.
pub(crate) fn replaced(text: &str) -> String {
    text.chars().map(|character| if steers(character) && character != '\n' { REPLACEMENT } else { character }).collect()
}

/// The text as it may be shown. It begins at the start of a line.
pub(crate) fn harmless(text: &str, breaks: Breaks) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'"' | b'$'..=b'9' | b';'..=b'~')) {
        return text.to_owned();
    }
    let own = format!("{BEGINNING}{};", mark());
    let mut shown = String::with_capacity(text.len());
    let mut at_start = true;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some((colour, behind)) = rest.strip_prefix(&own).and_then(|behind| behind.split_once('m')) {
            shown.push_str(BEGINNING);
            shown.push_str(colour);
            shown.push('m');
            rest = behind;
            continue;
        }
        let (_, behind) = rest.split_at(character.len_utf8());
        match character {
            '\n' if breaks == Breaks::Own => shown.push('\n'),
            '\t' => shown.push(' '),
            // Orders to whatever runs us as one of its jobs: `::error::` at the start of a line, `##[error]` anywhere.
            ':' if at_start && behind.starts_with(':') => shown.push_str(": "),
            '#' if is_order(behind) => shown.push_str("# "),
            character if steers(character) => shown.push(REPLACEMENT),
            character => shown.push(character),
        }
        at_start = (character == '\n' && breaks == Breaks::Own) || (at_start && character.is_whitespace());
        rest = behind;
    }
    shown
}

/// What stands behind the first `#` of `##[…]` and `##word[…]`.
pub(crate) fn is_order(behind: &str) -> bool {
    behind
        .strip_prefix('#')
        .is_some_and(|word| word.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).starts_with('['))
}

/// Decimal, so that it may stand among the numbers of a colour and takes no room.
fn mark() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| RandomState::new().hash_one(std::process::id()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_steers_nothing() {
        let line = |text| harmless(text, Breaks::Foreign);
        assert_eq!(line("a\u{1b}[31mb\u{1b}]0;title\u{7}"), "a\u{fffd}[31mb\u{fffd}]0;title\u{fffd}");
        assert_eq!(line("a\rb\nc\td\u{9b}2J"), "a\u{fffd}b\u{fffd}c d\u{fffd}2J");
        assert_eq!(line("gpj\u{202e}.exe\u{200b}"), "gpj\u{fffd}.exe\u{fffd}");
        assert_eq!(line("Kamera ä ✓ 相机: 1::2 # a ## b"), "Kamera ä ✓ 相机: 1::2 # a ## b");
    }

    #[test]
    fn no_line_orders_the_job_about() {
        let text = "a\n::error::b\n \t::set-env name=c::d\n##[error]e\nf ##vso[task]g\n";
        let shown = harmless(text, Breaks::Own);
        assert_eq!(shown, "a\n: :error::b\n  : :set-env name=c::d\n# #[error]e\nf # #vso[task]g\n");
        assert_eq!(harmless("\u{1b}[1m::error::", Breaks::Foreign), "\u{fffd}[1m::error::");
    }

    #[test]
    fn own_colours_stay_and_no_others() {
        let own = own_colours("\u{1b}[31mno\u{1b}[0m");
        assert_eq!(harmless(&own, Breaks::Foreign), "\u{1b}[31mno\u{1b}[0m");
        assert_eq!(harmless(&format!("{own}\u{1b}[32m"), Breaks::Foreign), "\u{1b}[31mno\u{1b}[0m\u{fffd}[32m");
        assert_eq!(harmless(&own_colours("\u{1b}[1m::error::"), Breaks::Foreign), "\u{1b}[1m: :error::");
    }
}
