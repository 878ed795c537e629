//! The hands at the virtual bench: what they do to the board, and when.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::bench::BenchError;
use crate::bench::folder::BenchFiles;
use crate::bench::hold::Hold;
use crate::bench::person::HAND_MOVE_MS;
use crate::bench::state::HeldState;
use crate::bench::waiting::WaitsFor;
use crate::documents::playbook::HandMove;

/// What is asked is read in this time.
const READING_MS: u64 = 3_000;

/// Who moves the hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HandsOf {
    /// The virtual person, as soon as they are asked.
    #[default]
    VirtualPerson,
    /// The virtual person, who takes as long as people do.
    UnhurriedPerson,
    /// The person at the terminal or at the page: ENTER, or its button, stands for what they would do.
    RealPerson,
}

impl HandsOf {
    /// Before the first movement, so that there is time to read what is asked.
    pub(super) fn delay_ms(self) -> u64 {
        match self {
            HandsOf::VirtualPerson | HandsOf::RealPerson => 0,
            HandsOf::UnhurriedPerson => READING_MS,
        }
    }
}

#[derive(Debug)]
pub(super) struct BenchHands {
    files: BenchFiles,
    origin: Instant,
    /// Of the call that was started last.
    hold: Mutex<Option<Hold>>,
    pub(super) moved: Notify,
}

impl BenchHands {
    pub(super) fn new(files: BenchFiles, origin: Instant) -> Self {
        BenchHands { files, origin, hold: Mutex::new(None), moved: Notify::new() }
    }

    pub(super) fn hold(&self) -> MutexGuard<'_, Option<Hold>> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bench's time is the runtime's time since its world was made.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A bench that cannot be written to shows in the next look at its devices.
    pub(super) fn act(&self, moves: &[HandMove], delay_ms: u64) {
        let _shown_later = self.change_board(moves, delay_ms);
        self.moved.notify_waiters();
    }

    fn change_board(&self, moves: &[HandMove], delay_ms: u64) -> Result<(), BenchError> {
        let mut held = HeldState::take(&self.files)?;
        let mut at_ms = self.now_ms() + delay_ms;
        for hand_move in moves {
            at_ms += HAND_MOVE_MS;
            let overlooked = matches!(hand_move, HandMove::RemoveJumper | HandMove::SwitchOff);
            if overlooked && std::mem::take(&mut held.state.forgets) {
                continue;
            }
            held.state.stage.hands(*hand_move, at_ms);
        }
        held.state.hands_moved += 1;
        // A tool that has waited may be ahead.
        held.state.now_ms = held.state.now_ms.max(self.now_ms());
        if let Some(hold) = self.hold().as_ref() {
            hold.answered(WaitsFor::Hands);
        }
        held.save()
    }
}
