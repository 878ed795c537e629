//! What a mock tool has from its process: two output streams, the input and the environment.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{BufRead, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::bench::kit::watched::Watched;
use crate::bench::waiting::counted;
use crate::documents::playbook::HandMove;
use crate::words::Stream;

/// Passes text on at once, or keeps it. Nothing is added to the text, not even ends of lines.
#[derive(Debug, Default)]
pub struct Console {
    /// What was printed, when it is kept.
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The environment, when it is not the process's own.
    variables: BTreeMap<String, String>,
    /// What happens while the tool waits, when its input is not the process's own.
    script: VecDeque<Scripted>,
    /// The working folder, when it is not the process's own.
    folder: PathBuf,
    mode: Mode,
    /// Who listens when the tool plays in this process.
    listener: Option<Arc<dyn Listener>>,
    out: Flow,
    err: Flow,
    /// What has been printed, as waits count it.
    counted_bytes: u64,
    watched: Watched,
}

/// The other side of a tool that plays in the process of those who call it.
pub(crate) trait Listener: fmt::Debug + Send + Sync {
    fn print(&self, stream: Stream, bytes: &[u8]);

    /// The next line, without its end; none when the input, or the tool itself, was ended.
    fn read_line(&self) -> Option<String>;

    /// Was the tool ended from outside? It must not do anything any more.
    fn ended(&self) -> bool;
}

/// One stream of a call that may have to be played again from its beginning.
#[derive(Debug, Default)]
struct Flow {
    reached: usize,
    /// So much was printed before the call began again.
    known: usize,
}

impl Flow {
    /// What of this text is new.
    fn fresh<'t>(&mut self, bytes: &'t [u8]) -> &'t [u8] {
        let known = self.known.saturating_sub(self.reached).min(bytes.len());
        self.reached += bytes.len();
        &bytes[known..]
    }

    fn begin_again(&mut self) {
        self.known = self.known.max(self.reached);
        self.reached = 0;
    }
}

/// What ends a wait in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripted {
    /// A line of input, without its end.
    Line(&'static str),
    /// Hands do something to the board, so many milliseconds after the wait has begun.
    Hands(HandMove, u64),
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

    /// For a tool that plays in this process.
    pub(crate) fn listened(folder: &Path, variables: BTreeMap<String, String>, listener: Arc<dyn Listener>) -> Self {
        Console { variables, folder: folder.to_owned(), listener: Some(listener), ..Console::default() }
    }

    /// Somebody is told of all that is printed.
    pub(crate) fn watched_by(&mut self, watched: Watched) {
        self.watched = watched;
    }

    /// For a tool that works in a folder and meets the end of its input.
    pub(crate) fn keeping_in(folder: &Path, variables: BTreeMap<String, String>) -> Self {
        Console { variables, folder: folder.to_owned(), ..Console::default() }
    }

    /// For a tool that works in a folder and waits.
    pub fn scripted(folder: &Path, script: &[Scripted]) -> Self {
        Console { script: script.iter().copied().collect(), folder: folder.to_owned(), ..Console::default() }
    }

    /// The folder in which the tool works.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file as the tool names it. No mock reaches any outside of its folder and the one that this lies in, whatever it is
    /// told: there is nothing by such a name.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        // A test that calls a mock as a function names its files as it likes.
        if self.mode == Mode::Keeping && self.listener.is_none() {
            return path;
        }
        // Tools in a private folder of their own name files beside it.
        let here = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        let around = self.folder.parent().filter(|_| name.starts_with("../")).unwrap_or(here);
        let below = name.strip_prefix("../").unwrap_or(name);
        let leads_out = Path::new(below).components().any(|part| !matches!(part, Component::Normal(_)));
        let linked_out = || {
            let real = |path: &Path| path.canonicalize().ok();
            real(&path).zip(real(around)).is_some_and(|(path, around)| !path.starts_with(around))
        };
        if leads_out || linked_out() { self.folder.join("outside-of-the-folder-of-the-run").join("none") } else { path }
    }

    /// A line of the input without its end; none when the input has ended.
    pub(crate) fn read_line(&mut self) -> Option<String> {
        if let Some(listener) = &self.listener {
            return listener.read_line();
        }
        if self.mode == Mode::Keeping {
            return match self.script.front() {
                Some(Scripted::Line(line)) => {
                    let line = (*line).to_owned();
                    self.script.pop_front();
                    Some(line)
                }
                _ => None,
            };
        }
        let mut line = Vec::new();
        match std::io::stdin().lock().read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    /// The moves a test has planned next. None in a real process, where the world moves the hands.
    pub(crate) fn next_hands(&mut self) -> Option<(HandMove, u64)> {
        match self.script.front() {
            Some(Scripted::Hands(hand_move, after_ms)) => {
                let planned = (*hand_move, *after_ms);
                self.script.pop_front();
                Some(planned)
            }
            _ => None,
        }
    }

    pub(crate) fn is_scripted(&self) -> bool {
        self.mode == Mode::Keeping && self.listener.is_none()
    }

    /// Was the tool ended from outside, in a way that a process would not survive?
    pub(crate) fn is_ended(&self) -> bool {
        self.listener.as_ref().is_some_and(|listener| listener.ended())
    }

    /// The call is played once more from its beginning, after a wait: what it has printed already is left out.
    pub(crate) fn begin_again(&mut self) {
        self.out.begin_again();
        self.err.begin_again();
    }

    pub(crate) fn counted_bytes(&self) -> u64 {
        self.counted_bytes
    }

    pub fn out(&mut self, text: &str) {
        self.out_bytes(text.as_bytes());
    }

    /// Bytes that need not be UTF-8, as tools print them that write in a code page.
    pub fn out_bytes(&mut self, bytes: &[u8]) {
        self.watched.said(bytes);
        self.pass_on(Stream::Stdout, bytes);
    }

    /// Printed later, and told of now.
    pub(crate) fn said(&self, bytes: &[u8]) {
        self.watched.said(bytes);
    }

    /// Prints what has been told of before.
    pub(crate) fn pass_on(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.pass_on_out(bytes),
            Stream::Stderr => self.pass_on_err(bytes),
        }
    }

    fn pass_on_out(&mut self, bytes: &[u8]) {
        let bytes = self.out.fresh(bytes);
        self.counted_bytes += counted(bytes);
        if let Some(listener) = &self.listener {
            return listener.print(Stream::Stdout, bytes);
        }
        match self.mode {
            Mode::Keeping => self.stdout.extend_from_slice(bytes),
            Mode::Passing => pass(std::io::stdout().lock(), bytes),
        }
    }

    pub fn err(&mut self, text: &str) {
        self.err_bytes(text.as_bytes());
    }

    pub(crate) fn err_bytes(&mut self, bytes: &[u8]) {
        self.watched.said(bytes);
        self.pass_on(Stream::Stderr, bytes);
    }

    fn pass_on_err(&mut self, bytes: &[u8]) {
        let bytes = self.err.fresh(bytes);
        self.counted_bytes += counted(bytes);
        if let Some(listener) = &self.listener {
            return listener.print(Stream::Stderr, bytes);
        }
        match self.mode {
            Mode::Keeping => self.stderr.extend_from_slice(bytes),
            Mode::Passing => pass(std::io::stderr().lock(), bytes),
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
