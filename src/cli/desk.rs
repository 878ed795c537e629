//! Questions that are asked before a run has begun: only of a person who sees them and can answer, at a terminal.

use std::io::{IsTerminal, stdin};

use crate::cli::arguments::{MessageFormat, RunOptions};
use crate::cli::harmless::replaced;
use crate::cli::streams::{is_seen, show};
use crate::world::ask_line;

/// Answers to one question that are no answer.
const TRIES_MAX: u32 = 3;

/// Is somebody there to be asked?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Desk {
    Person,
    Nobody,
}

impl Desk {
    /// Input or output that is a pipe or a file is nobody, and so is a program that reads events.
    pub(super) fn of(options: &RunOptions) -> Desk {
        let asks = !options.non_interactive && options.message_format == MessageFormat::Human;
        if asks { Desk::at_terminal() } else { Desk::Nobody }
    }

    pub(super) fn at_terminal() -> Desk {
        if stdin().is_terminal() && is_seen() { Desk::Person } else { Desk::Nobody }
    }
}

/// Shows the text, which ends with the question, and waits for the answer; the end of the input answers nothing.
pub(super) fn ask(text: &str) -> String {
    let answer = ask_line(|| show(&format!("{text} ")));
    if answer.is_none() {
        show("\n");
    }
    answer.unwrap_or_default()
}

/// Asks until the answer is clear: only the whole word agrees, and what is neither that nor a refusal is told to be none.
pub(super) fn agrees(question: &str) -> bool {
    clear_answer(question, false, "Type yes, the whole word, or press ENTER for no:") == Some(true)
}

/// The same of a question to which ENTER is a yes. What is no answer is one, too, in the end.
pub(super) fn declines(question: &str) -> bool {
    clear_answer(question, true, "Press ENTER for yes, or type no:") == Some(false)
}

/// The first answer that is one; nothing where none of them is.
fn clear_answer(question: &str, enter: bool, again: &str) -> Option<bool> {
    let mut answer = ask(question);
    for _ in 1..TRIES_MAX {
        if let Some(read) = read_answer(&answer, enter) {
            return Some(read);
        }
        answer = ask(&format!("`{}` is no answer. {again}", piece(answer.trim())));
    }
    read_answer(&answer, enter)
}

/// Only the whole word agrees; what ENTER alone means is up to the question.
fn read_answer(answer: &str, enter: bool) -> Option<bool> {
    match answer.trim().to_ascii_lowercase().as_str() {
        "yes" => Some(true),
        "n" | "no" => Some(false),
        "" => Some(enter),
        _ => None,
    }
}

/// A piece of a question that comes from outside: it has no lines of its own.
pub(super) fn piece(text: &str) -> String {
    replaced(text).replace('\n', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_word_agrees_and_what_is_no_answer_is_asked_about() {
        for enter in [false, true] {
            for (answer, read) in [
                ("yes", Some(true)),
                (" YES ", Some(true)),
                ("", Some(enter)),
                ("No", Some(false)),
                ("y", None),
                ("yes please", None),
            ] {
                assert_eq!(read_answer(answer, enter), read, "{answer}");
            }
        }
    }
}
