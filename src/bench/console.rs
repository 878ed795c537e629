//! What a mock tool has from its process: two output streams, raw and unbuffered, and the environment.

use std::collections::BTreeMap;
use std::io::Write;

/// The streams and the environment of a mock tool. Nothing is added to the text, not even ends of lines.
#[derive(Debug)]
pub struct Console {
    kept: Option<Kept>,
    /// The environment, when everything is kept.
    variables: BTreeMap<String, String>,
}

/// What was printed, for tests.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Kept {
    pub out: String,
    pub err: String,
}

impl Console {
    /// Prints on the process's own streams and reads its environment.
    pub fn of_process() -> Self {
        Console { kept: None, variables: BTreeMap::new() }
    }

    /// Keeps everything and has an empty environment, for tests.
    pub fn keeping() -> Self {
        Console { kept: Some(Kept::default()), variables: BTreeMap::new() }
    }

    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
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

    pub fn variable(&self, name: &str) -> Option<String> {
        match self.kept {
            Some(_) => self.variables.get(name).cloned(),
            None => std::env::var(name).ok(),
        }
    }
}

/// A reader that has gone away is no reason for a mock tool to stop.
fn print_raw(stream: &mut impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
