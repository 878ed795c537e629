//! The way from the places to the thread that shows the station. No place ever waits for it: a terminal that stands still must not
//! hold up a tool that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::cli::station::Heard;
use crate::engine::Event;

/// Where more waits, what only tells how far something is, is left out. Records have all of it.
const WAITING_MAX: usize = 4096;

#[derive(Debug, Clone)]
pub(super) struct Teller {
    sender: Sender<Heard>,
    waiting: Arc<AtomicUsize>,
}

#[derive(Debug)]
pub(super) struct Listener {
    receiver: Receiver<Heard>,
    waiting: Arc<AtomicUsize>,
}

pub(super) fn queue() -> (Teller, Listener) {
    let (sender, receiver) = channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    (Teller { sender, waiting: Arc::clone(&waiting) }, Listener { receiver, waiting })
}

impl Teller {
    /// Answers whether anybody listens.
    pub(super) fn send(&self, heard: Heard) -> bool {
        if self.waiting.load(Ordering::Relaxed) >= WAITING_MAX && is_passing(&heard) {
            return true;
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.sender.send(heard).is_ok()
    }
}

impl Listener {
    pub(super) fn next(&self, limit: Duration) -> Result<Heard, RecvTimeoutError> {
        let heard = self.receiver.recv_timeout(limit)?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Ok(heard)
    }
}

/// The next one of its kind says more.
fn is_passing(heard: &Heard) -> bool {
    let Heard::Told(told, _) = heard else { return false };
    matches!(
        told.event,
        Event::Progress { .. } | Event::Waiting { .. } | Event::ToolOutput { .. } | Event::ToolLines { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Told;
    use crate::words::Stream;

    #[test]
    fn nobody_waits_for_a_terminal_that_stands_still() {
        let (teller, listener) = queue();
        let told = |event: Event| Heard::Told(Box::new(Told::now(event)), 0);
        let lines =
            || told(Event::ToolLines { step: "write".parse().unwrap(), stream: Stream::Stdout, text: String::new() });
        let note = || told(Event::Note { text: "all of these".to_owned() });
        for _ in 0..WAITING_MAX {
            assert!(teller.send(lines()));
        }
        assert!(teller.send(lines()) && teller.send(note()));
        let mut heard = Vec::new();
        while let Ok(next) = listener.next(Duration::ZERO) {
            heard.push(next);
        }
        assert_eq!(heard.len(), WAITING_MAX + 1);
        assert!(matches!(heard.last(), Some(Heard::Told(told, _)) if matches!(told.event, Event::Note { .. })));
        drop(listener);
        assert!(!teller.send(note()));
    }
}
