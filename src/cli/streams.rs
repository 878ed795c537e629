//! Standard output and standard error for what is not a run's screen.
//!
//! A reader that has gone away, such as `head`, has seen enough: `println!` would panic then.

use std::io::Write;

/// Writes a line to standard output.
pub(super) fn say(line: &str) {
    let _reader_gone = writeln!(std::io::stdout(), "{line}");
}

/// Writes text to standard output.
pub(super) fn show(text: &str) {
    let mut stdout = std::io::stdout();
    let _reader_gone = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes text to standard error.
pub(super) fn complain(text: &str) {
    let _reader_gone = std::io::stderr().write_all(text.as_bytes());
}
