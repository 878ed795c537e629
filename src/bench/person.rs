//! The person at the virtual bench: moves jumpers and cables as asked, types step ids, and never waits long.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::documents::scene::PersonReply;
use crate::words::Id;
use crate::world::{Ask, Reply};

/// One movement of the hands takes so long.
pub(crate) const HAND_MOVE_MS: u64 = 1_000;
const TYPING: Duration = Duration::from_secs(1);

/// Holds the answer to what was asked last.
#[derive(Debug)]
pub struct VirtualPerson {
    /// Irreversible steps that they agree to, by name.
    pub(super) agrees: BTreeSet<Id>,
    /// A board that runs its firmware is to be left alone.
    pub(super) leaves_healthy: bool,
    /// Someone who may not be asked still has hands, but gives no consent and presses no key.
    answers: Answers,
    /// Before each answer, beside the time that it takes.
    pub(super) delay: Duration,
    next: Mutex<Option<Planned>>,
}

/// Does the virtual person answer questions?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    Given {
        /// To whether a device that is there is the board that is meant.
        which_board: WhichBoard,
    },
    /// As under `--non-interactive`.
    Withheld,
}

/// What the virtual person knows of a device that was there before they moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhichBoard {
    ItIs,
    /// Who was not told says this, so that no simulation writes what a real run would not.
    #[default]
    ItIsNot,
}

#[derive(Debug, Clone)]
struct Planned {
    at: Instant,
    reply: Reply,
}

impl VirtualPerson {
    pub fn new(answers: Answers) -> Self {
        VirtualPerson {
            agrees: BTreeSet::new(),
            leaves_healthy: false,
            answers,
            delay: Duration::ZERO,
            next: Mutex::new(None),
        }
    }

    pub fn interactive(&self) -> bool {
        self.answers != Answers::Withheld
    }

    /// Plans the answer. A prompt that goes on when the hardware says so gets none.
    pub fn ask(&self, ask: Ask<'_>) {
        let given = self.interactive();
        let now = Instant::now() + self.delay;
        let planned = match ask {
            Ask::Hands { until: Some(_), .. } => None,
            Ask::Hands { moves, until: None } => {
                let at = now + Duration::from_millis(HAND_MOVE_MS) * u32::try_from(moves.len()).unwrap_or(u32::MAX);
                given.then(|| Planned { at, reply: Reply::Line(String::new()) })
            }
            Ask::Consent { step } => {
                let reply = match (given, self.agrees.contains(step)) {
                    (true, true) => Reply::Line(step.to_string()),
                    (true, false) => Reply::Line("no".to_owned()),
                    (false, _) => Reply::Gone,
                };
                Some(Planned { at: now + TYPING, reply })
            }
            Ask::WhichBoard => {
                let it_is = self.answers == Answers::Given { which_board: WhichBoard::ItIs };
                Some(Planned { at: now + TYPING, reply: Reply::Line(if it_is { "yes" } else { "no" }.to_owned()) })
            }
            // Whoever starts a recovery on a bench wants to see it.
            Ask::Healthy => {
                let word = if self.leaves_healthy { "no" } else { "yes" };
                Some(Planned { at: now + TYPING, reply: Reply::Line(word.to_owned()) })
            }
            // No playbook counts on an answer that it does not give itself.
            Ask::Answer { .. } => Some(Planned { at: now + TYPING, reply: Reply::Gone }),
        };
        *self.next() = planned;
    }

    /// Answers as a scene says, so long after the question.
    pub(crate) fn plan(&self, reply: &PersonReply, after: Duration) {
        let reply = match reply {
            PersonReply::Line(line) => Some(Reply::Line(line.clone())),
            PersonReply::Gone => Some(Reply::Gone),
            PersonReply::Silent => None,
        };
        *self.next() = reply.map(|reply| Planned { at: Instant::now() + after, reply });
    }

    /// The planned answer when its time has come; pending for ever without one.
    pub async fn reply(&self) -> Reply {
        let planned = self.next().clone();
        let Some(planned) = planned else { return std::future::pending().await };
        tokio::time::sleep_until(planned.at).await;
        // Taken only now: a future that is dropped while it sleeps loses nothing.
        *self.next() = None;
        planned.reply
    }

    fn next(&self) -> MutexGuard<'_, Option<Planned>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
