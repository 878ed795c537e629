//! Steps that are skipped because their condition does not hold: one quiet line for all that follow one another.
//!
//! A step that is skipped for another reason has something to tell, and is left to the screen.

use crate::cli::wording::clean;
use crate::engine::{CONDITION_DOES_NOT_HOLD, Event};
use crate::words::Id;

/// The skipped steps that have not been told yet.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    first: Option<First>,
    last_number: usize,
}

#[derive(Debug)]
struct First {
    number: usize,
    total: usize,
    name: String,
}

impl Skipped {
    /// Keeps the event, if it is one of these. `begun` is the step whose name is on the screen already.
    pub(super) fn takes(&mut self, event: &Event, begun: Option<&Id>) -> bool {
        let Event::StepSkipped { step, name, number, total, reason } = event else { return false };
        let goes_on = self.first.is_some() && *number == self.last_number + 1;
        let begins = self.first.is_none() && begun != Some(step);
        if reason != CONDITION_DOES_NOT_HOLD || !(goes_on || begins) {
            return false;
        }
        if begins {
            self.first = Some(First { number: *number, total: *total, name: clean(name) });
        }
        self.last_number = *number;
        true
    }

    /// What has been kept, as numbers and text.
    pub(super) fn told(&mut self) -> Option<(String, String)> {
        let First { number, total, name } = self.first.take()?;
        let digits = total.to_string().len();
        Some(if self.last_number == number {
            (format!("[{number:>digits$}/{total}]"), format!("not needed here: {name}"))
        } else {
            let count = self.last_number - number + 1;
            (format!("[{number:>digits$}-{}/{total}]", self.last_number), format!("{count} steps are not needed here"))
        })
    }
}
