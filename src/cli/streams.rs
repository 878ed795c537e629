//! Standard output and standard error: the only file that writes to them.
//!
//! Whatever is shown to people is made harmless here, so that no caller can forget it. A reader that has gone away, such as
//! `head`, has seen enough; what is lost for another reason, such as a full disk, is kept for the end of the program.

use std::io::{self, ErrorKind, IsTerminal, Stdout, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::harmless::{Breaks, harmless};

static LOST: OnceLock<String> = OnceLock::new();
static READER_GONE: AtomicBool = AtomicBool::new(false);

/// Writes a line to standard output.
pub(super) fn say(line: &str) {
    write(&mut stdout(), &format!("{}\n", harmless(line, Breaks::Foreign)));
}

/// Writes text to standard output.
pub(super) fn show(text: &str) {
    write(&mut stdout(), &harmless(text, Breaks::Own));
}

/// Writes a line to standard error.
pub(super) fn complain(line: &str) {
    write(&mut io::stderr(), &format!("{}\n", harmless(line, Breaks::Foreign)));
}

/// Writes text of several lines to standard error.
pub(super) fn complain_at_length(text: &str) {
    write(&mut io::stderr(), &harmless(text, Breaks::Own));
}

/// An order to whatever runs us as one of its jobs, on standard error. Everything in it has been escaped.
pub(super) fn order(line: &str) {
    write(&mut io::stderr(), &format!("{line}\n"));
}

/// Something else has written, and knows what came of it.
pub(super) fn printed(written: io::Result<()>) {
    let _kept = keep(written.and_then(|()| io::stdout().flush()));
}

/// Standard output for whoever makes harmless what is written, or writes for programs.
pub(super) fn stdout() -> WatchedStdout {
    WatchedStdout { stdout: io::stdout() }
}

/// Does a person see what is shown?
pub(super) fn is_seen() -> bool {
    io::stdout().is_terminal()
}

/// Why a part of what was to be told has not been: a full disk, not a reader that went away.
pub(super) fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

fn write(stream: &mut impl Write, text: &str) {
    let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    let _kept = keep(written);
}

/// Has whoever read this program's output gone away? Known once something was written to nobody.
pub(super) fn reader_gone() -> bool {
    READER_GONE.load(Ordering::Relaxed)
}

fn keep<T>(written: io::Result<T>) -> io::Result<T> {
    if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        READER_GONE.store(true, Ordering::Relaxed);
    }
    if let Err(error) = &written
        && !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::Interrupted)
        // A terminal that was closed is a reader that has gone away.
        && !io::stdout().is_terminal()
    {
        let _first_counts = LOST.set(error.to_string());
    }
    written
}

/// Standard output, with its failures kept.
#[derive(Debug)]
pub struct WatchedStdout {
    stdout: Stdout,
}

impl Write for WatchedStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        keep(self.stdout.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        keep(self.stdout.flush())
    }
}

/// Does what is said go to a terminal, where somebody sees it?
pub(crate) fn shown_on_terminal() -> bool {
    io::stdout().is_terminal()
}
