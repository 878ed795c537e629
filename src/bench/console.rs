//! What a mock tool has from its process: two output streams and the environment.

use std::collections::BTreeMap;
use std::io::Write;

/// Passes text on at once, or keeps it. Nothing is added to the text, not even ends of lines.
#[derive(Debug, Default)]
pub struct Console {
    /// What was printed, when it is kept.
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The environment, when it is not the process's own.
    variables: BTreeMap<String, String>,
    mode: Mode,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Into [`Console::stdout`] and [`Console::stderr`], for tests.
    #[default]
    Keeping,
    /// To the streams of this process.
    Passing,
}

impl Console {
    /// Writes to the streams of this process and reads its environment.
    pub fn passing() -> Self {
        Console { mode: Mode::Passing, ..Console::default() }
    }

    pub fn keeping(variables: BTreeMap<String, String>) -> Self {
        Console { variables, ..Console::default() }
    }

    pub fn out(&mut self, text: &str) {
        self.out_bytes(text.as_bytes());
    }

    /// Bytes that need not be UTF-8, as tools print them that write in a code page.
    pub fn out_bytes(&mut self, bytes: &[u8]) {
        match self.mode {
            Mode::Keeping => self.stdout.extend_from_slice(bytes),
            Mode::Passing => pass(std::io::stdout().lock(), bytes),
        }
    }

    pub fn err(&mut self, text: &str) {
        match self.mode {
            Mode::Keeping => self.stderr.extend_from_slice(text.as_bytes()),
            Mode::Passing => pass(std::io::stderr().lock(), text.as_bytes()),
        }
    }

    pub fn variable(&self, name: &str) -> Option<String> {
        match self.mode {
            Mode::Keeping => self.variables.get(name).cloned(),
            Mode::Passing => std::env::var(name).ok(),
        }
    }
}

/// A reader that has gone away is no business of a tool that has begun to write to a board.
fn pass(mut stream: impl Write, bytes: &[u8]) {
    let _reader_gone = stream.write_all(bytes).and_then(|()| stream.flush());
}
