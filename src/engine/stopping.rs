//! The wish to end a run: what was asked, what it cuts short, and what is finished first.

use std::time::Duration;

use crate::engine::halt::{Failure, Halt, interrupt_words};
use crate::engine::runner::Runner;
use crate::engine::watch::TOOL_ENDS_WITHIN;
use crate::engine::{Event, Outcome, milliseconds};
use crate::words::{Fault, FaultClass, Id};
use crate::world::{Interrupt, World};

#[derive(Debug, Default)]
pub(super) struct Stopping {
    /// A writing call is allowed to finish before it.
    wish: Option<Interrupt>,
    /// How often Ctrl-C was pressed while something was written.
    keys_pressed: u32,
    /// Between an irreversible act and the reading that judges it, nothing is cut short.
    shielded: bool,
}

/// What a wish does that comes while something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Nothing: the same has been said before.
    Repeated,
    /// The call is finished first; another Ctrl-C would break something, and is warned of that.
    Waits {
        warned: bool,
    },
    CutsShort,
}

impl Stopping {
    /// Notes a wish to end; the first one counts.
    pub(super) fn note(&mut self, by: Interrupt) {
        self.wish.get_or_insert(by);
    }

    pub(super) fn wish(&self) -> Option<Interrupt> {
        self.wish
    }

    /// The wish that ends the run before the next step.
    pub(super) fn due(&self) -> Option<Interrupt> {
        self.wish.filter(|_| !self.shielded)
    }

    pub(super) fn is_shielded(&self) -> bool {
        self.shielded
    }

    /// From here on an interrupt is noted but cuts nothing short.
    pub(super) fn shield(&mut self) {
        self.shielded = true;
    }

    pub(super) fn unshield(&mut self) {
        self.shielded = false;
    }

    /// Only keys that a person presses again cut a write short: a terminal that closes and a computer that shuts down ask
    /// more than once by themselves.
    fn while_writing(&mut self, by: Interrupt, breaks: bool) -> Wish {
        let first = self.wish.is_none();
        self.note(by);
        match by {
            Interrupt::Terminate if first => Wish::Waits { warned: false },
            Interrupt::Terminate => Wish::Repeated,
            Interrupt::Interrupt => {
                self.keys_pressed += 1;
                match (self.keys_pressed, breaks) {
                    (0 | 1, _) => Wish::Waits { warned: false },
                    (2, true) => Wish::Waits { warned: true },
                    _ => Wish::CutsShort,
                }
            }
        }
    }
}

impl<W: World> Runner<'_, W> {
    /// The person wants to end and nothing is being written.
    pub(super) fn interrupt(&mut self, step: &Id, by: Interrupt) -> Halt {
        self.ends_at_once(by, None);
        self.stopped(step, by)
    }

    /// Notes and tells a wish that nothing stands in the way of. `left` is how long a tool may take to end.
    pub(super) fn ends_at_once(&mut self, by: Interrupt, left: Option<Duration>) {
        self.stopping.note(by);
        let remaining_ms = left.map(milliseconds);
        self.tell(Event::Interrupted { by, finishing: false, breaks: None, leaves: None, remaining_ms });
    }

    /// Notes a wish to end that comes while something is written; answers whether it cuts the write short, which may break
    /// something. `left` is how long it may still take.
    pub(super) fn cuts_short(&mut self, by: Interrupt, breaks: Option<&str>, left: Option<Duration>) -> bool {
        let (finishing, warned) = match self.stopping.while_writing(by, breaks.is_some()) {
            Wish::Repeated => return false,
            Wish::Waits { warned } => (true, warned),
            Wish::CutsShort => (false, false),
        };
        let leaves = if finishing { self.left_by_a_cut() } else { None };
        let remaining_ms = if finishing { left } else { Some(TOOL_ENDS_WITHIN) }.map(milliseconds);
        let breaks = breaks.filter(|_| warned).map(str::to_owned);
        self.tell(Event::Interrupted { by, finishing, breaks, leaves, remaining_ms });
        !finishing
    }

    /// Whoever asked to end is told that, however the step that was finished first has ended.
    pub(super) fn after_wish(&self, failure: Option<Failure>) -> Option<Failure> {
        let Some(by) = self.stopping.wish() else { return failure };
        let asked = interrupt_words(by);
        Some(match failure {
            Some(failure) if matches!(failure.outcome, Outcome::Interrupted | Outcome::Defect) => failure,
            Some(mut failure) => {
                failure.fault.message = format!("{} (and {asked})", failure.fault.message);
                failure.outcome = Outcome::Interrupted;
                failure
            }
            None => {
                let step = &self.progress.at_work()?.step;
                let message =
                    format!("{asked} during the last step; it was finished first, and nothing was left to do");
                let mut failure = self.failure(step, Fault::new(FaultClass::Cancelled, message), Outcome::Interrupted);
                failure.state = Some("Every step of this run was done.".to_owned());
                failure
            }
        })
    }

    /// The step before was finished although somebody wanted to end; the run ends at this one.
    pub(super) fn not_begun(&self, step: &Id, by: Interrupt) -> Halt {
        let message =
            format!("{}; the step before was finished first, and this one was not begun", interrupt_words(by));
        let fault = Fault::new(FaultClass::Cancelled, message);
        Halt::Failure(Box::new(self.failure(step, fault, Outcome::Interrupted)))
    }

    pub(super) fn stopped(&self, step: &Id, by: Interrupt) -> Halt {
        let fault = Fault::new(FaultClass::Cancelled, format!("{} before this step was done", interrupt_words(by)));
        Halt::Failure(Box::new(self.failure(step, fault, Outcome::Interrupted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_are_pressed_again_cut_a_write_short() {
        let (key, system) = (Interrupt::Interrupt, Interrupt::Terminate);
        let (waits, warned) = (Wish::Waits { warned: false }, Wish::Waits { warned: true });
        let mut stopping = Stopping::default();
        assert_eq!([key, key].map(|by| stopping.while_writing(by, false)), [waits, Wish::CutsShort]);
        let mut stopping = Stopping::default();
        assert_eq!(
            [system, system, key, key, key].map(|by| stopping.while_writing(by, true)),
            [waits, Wish::Repeated, waits, warned, Wish::CutsShort]
        );
        assert_eq!(stopping.wish(), Some(system), "the first one counts");
        stopping.shield();
        assert_eq!((stopping.due(), stopping.wish()), (None, Some(system)));
        stopping.unshield();
        assert_eq!(stopping.due(), Some(system));
    }
}
