//! Printing texts that somebody may have stopped reading.

use std::io::Write;

/// Prints to standard output. A reader that has gone away, as `head` does, is no fault of the program.
pub(super) fn print_text(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _reader_gone = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// The same for standard error.
pub(super) fn print_error(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _reader_gone = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
