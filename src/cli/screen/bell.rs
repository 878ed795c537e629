//! When the terminal's bell sounds: the person is needed, and may not be looking any more.

use std::time::{Duration, Instant};

use crate::engine::{Asks, Event, Outcome};

/// Whoever has just been asked, or has just started the program, is still looking.
const STILL_LOOKING: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Bell {
    /// When the person was there for certain.
    seen: Instant,
}

impl Default for Bell {
    fn default() -> Self {
        Bell { seen: Instant::now() }
    }
}

impl Bell {
    pub(super) fn rings(&mut self, event: &Event) -> bool {
        self.rings_at(event, Instant::now())
    }

    fn rings_at(&mut self, event: &Event, now: Instant) -> bool {
        let may_be_away = now.duration_since(self.seen) >= STILL_LOOKING;
        if let Event::Finished { outcome, problem, .. } = event {
            let by_person = matches!(outcome, Outcome::Declined | Outcome::Interrupted);
            return problem.is_some() && !by_person && may_be_away;
        }
        if event.asks() == Asks::Nothing {
            return false;
        }
        self.seen = now;
        // What cannot be undone must not be overlooked.
        may_be_away || matches!(event, Event::ConsentAsked { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::GoesOn;

    fn prompted() -> Event {
        Event::Prompted {
            step: "a".parse().unwrap(),
            prompt: 1,
            text: String::new(),
            goes_on: GoesOn::ByItself,
            hands: Vec::new(),
            without_person: false,
            drawing: None,
            limit_ms: 1,
        }
    }

    fn consent() -> Event {
        Event::ConsentAsked {
            step: "a".parse().unwrap(),
            why: String::new(),
            command: Vec::new(),
            fuse: None,
            phrase: "a".to_owned(),
            limit_ms: 1,
        }
    }

    #[test]
    fn it_sounds_for_whoever_may_look_elsewhere() {
        let start = Instant::now();
        let mut bell = Bell { seen: start };
        let mut rings = |event: &Event, seconds| bell.rings_at(event, start + Duration::from_secs(seconds));
        assert!(!rings(&prompted(), 1), "the program has just been started");
        assert!(!rings(&prompted(), 4));
        assert!(!rings(&Event::Note { text: String::new() }, 60));
        assert!(rings(&prompted(), 60));
        assert!(!rings(&prompted(), 62));
        assert!(rings(&consent(), 63));
    }
}
