//! Where a mock tool prints: raw and unbuffered, as the vendors' tools do.

use std::io::Write;

/// The two streams of a mock tool.
#[derive(Debug)]
pub struct Console {
    kept: Option<Kept>,
}

/// What was printed, for tests.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Kept {
    pub out: String,
    pub err: String,
}

impl Console {
    /// Prints on the process's own streams.
    pub fn of_process() -> Self {
        Console { kept: None }
    }

    /// Keeps everything, for tests.
    pub fn keeping() -> Self {
        Console { kept: Some(Kept::default()) }
    }

    pub fn kept(&self) -> Kept {
        self.kept.clone().unwrap_or_default()
    }

    pub fn out(&mut self, text: &str) {
        match &mut self.kept {
            Some(kept) => kept.out.push_str(text),
            None => print_raw(&mut std::io::stdout(), text),
        }
    }

    pub fn err(&mut self, text: &str) {
        match &mut self.kept {
            Some(kept) => kept.err.push_str(text),
            None => print_raw(&mut std::io::stderr(), text),
        }
    }
}

/// A reader that has gone away is no reason for a mock tool to stop.
fn print_raw(stream: &mut impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
