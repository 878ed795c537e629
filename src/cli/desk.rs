//! Questions that are asked before a run has begun: only of a person who sees them and can answer, at a terminal.

use std::io::{IsTerminal, stdin};

use crate::cli::arguments::{MessageFormat, RunOptions};
use crate::cli::harmless::replaced;
use crate::cli::streams::{is_seen, show};
use crate::world::ask_line;

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

/// A piece of a question that comes from outside: it has no lines of its own.
pub(super) fn piece(text: &str) -> String {
    replaced(text).replace('\n', "\u{fffd}")
}
