//! How far a long row of tests has come: a line that changes on a terminal, a line at times elsewhere. On standard error, so
//! that the report stays as it is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::Term;

use crate::cli::streams::complain;
use crate::words::describe_time;

/// Often enough for an eye.
const REDRAWN_EVERY: Duration = Duration::from_millis(100);
/// Often enough for who reads a log, or waits for one that was cut off after silence.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Counts what is done. Dropping it takes it off the screen.
#[derive(Debug)]
pub(super) struct Progress {
    words: CountedWords,
    total: usize,
    done: AtomicUsize,
    remarkable: AtomicUsize,
    began: Instant,
    shown: Mutex<Instant>,
    terminal: Option<Term>,
}

impl Progress {
    pub(super) fn new(words: CountedWords, total: usize) -> Self {
        let terminal = Some(Term::stderr()).filter(Term::is_term);
        let now = Instant::now();
        let (done, remarkable) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Progress { words, total, done, remarkable, began: now, shown: Mutex::new(now), terminal }
    }

    /// One more is done; is it one that a person will have to look at?
    pub(super) fn one_more(&self, remarkable: Remarkable) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if remarkable == Remarkable::Yes {
            self.remarkable.fetch_add(1, Ordering::Relaxed);
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let every = if self.terminal.is_some() { REDRAWN_EVERY } else { LINE_EVERY };
        if shown.elapsed() < every {
            return;
        }
        *shown = Instant::now();
        let line = line(self.words, done, self.total, self.remarkable.load(Ordering::Relaxed), self.began.elapsed());
        match &self.terminal {
            Some(terminal) => {
                // Nobody misses a line that could not be drawn.
                let _missed = terminal.clear_line().and_then(|()| terminal.write_str(&line));
            }
            None => complain(&line),
        }
    }
}

/// What is counted, in the plural, and what makes one remarkable.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountedWords {
    pub(super) what: &'static str,
    pub(super) remarkable: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remarkable {
    Yes,
    No,
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(terminal) = &self.terminal {
            let _missed = terminal.clear_line();
        }
    }
}

fn line(words: CountedWords, done: usize, total: usize, found: usize, since: Duration) -> String {
    let CountedWords { what, remarkable } = words;
    let left = since.mul_f64((total - done) as f64 / done.max(1) as f64);
    format!(
        "{done} of {total} {what}, {found} {remarkable}, {} so far, about {} left",
        describe_time(since),
        describe_time(left)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_left_follows_from_what_is_done() {
        let said = line(CountedWords { what: "mutants", remarkable: "unnoticed" }, 30, 120, 2, Duration::from_secs(20));
        assert_eq!(said, "30 of 120 mutants, 2 unnoticed, 20 s so far, about 60 s left");
    }
}
