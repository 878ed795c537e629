//! Readers of a run's events, and the one place that feeds them all.

use std::fmt;

use crate::cli::log::Log;
use crate::engine::Event;

/// Takes the events of a run, one by one, until [`Event::Finished`].
///
/// A reader never fails: a run that writes to a board goes on when nobody can be told about it any more.
pub trait Reader: fmt::Debug {
    /// Answers with a sentence for the other readers when this one has just become unable to do its work.
    fn event(&mut self, event: &Event) -> Option<String>;
}

/// What the person or program at the other end reads, and the log beside it.
#[derive(Debug)]
pub struct Readers {
    shown: Box<dyn Reader>,
    log: Option<Log>,
}

impl Readers {
    pub fn new(shown: Box<dyn Reader>, log: Option<Log>) -> Readers {
        Readers { shown, log }
    }
}

impl Reader for Readers {
    /// The log goes first, so that its trouble is told before the last event.
    fn event(&mut self, event: &Event) -> Option<String> {
        if let Some(text) = self.log.as_mut().and_then(|log| log.event(event)) {
            self.shown.event(&Event::Warning { text });
        }
        self.shown.event(event)
    }
}
