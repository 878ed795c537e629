//! When a board is in which phase.
//!
//! Hands move a little ahead of time, and so does a tool's work. What was before still counts until the change comes: that
//! rule stands here, and no board has one of its own.

/// The phases of a board, each with the time at which it begins.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Schedule<P> {
    /// What was when the rest began.
    first: P,
    /// In order of time.
    changes: Vec<(u64, P)>,
}

/// The past that is kept: more than one prompt's worth of moves.
const CHANGES_MAX: usize = 32;

impl<P: Copy> Schedule<P> {
    pub(crate) fn new(first: P) -> Self {
        Schedule { first, changes: Vec::new() }
    }

    pub(crate) fn at(&self, now_ms: u64) -> P {
        self.since(now_ms).1
    }

    /// The phase, and when it began.
    pub(crate) fn since(&self, now_ms: u64) -> (u64, P) {
        self.changes.iter().rev().find(|(at_ms, _)| *at_ms <= now_ms).copied().unwrap_or((0, self.first))
    }

    /// The phase once everything that is planned has happened.
    pub(crate) fn last(&self) -> P {
        self.changes.last().map_or(self.first, |(_, phase)| *phase)
    }

    /// All that is planned has happened, and what was before is forgotten.
    pub(crate) fn settle(&mut self) {
        self.first = self.last();
        self.changes.clear();
    }

    pub(crate) fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        self.changes.iter().map(|(at_ms, _)| *at_ms).find(|at_ms| *at_ms > now_ms)
    }

    /// From `now_ms` on the board goes through these phases, each a number of milliseconds after the one before. Whatever
    /// was planned for later is off.
    pub(crate) fn go(&mut self, now_ms: u64, phases: &[(u64, P)]) {
        self.changes.retain(|(at_ms, _)| *at_ms < now_ms);
        let mut at_ms = now_ms;
        for (after_ms, phase) in phases {
            at_ms += after_ms;
            self.changes.push((at_ms, *phase));
        }
        let too_old = self.changes.len().saturating_sub(CHANGES_MAX);
        if let Some((_, phase)) = self.changes.drain(..too_old).last() {
            self.first = phase;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_before_counts_until_its_time_has_come() {
        let mut schedule = Schedule::new('a');
        schedule.go(1_000, &[(0, 'b'), (700, 'c')]);
        schedule.go(3_000, &[(0, 'd')]);
        let phases = [0, 999, 1_000, 1_699, 1_700, 2_999, 3_000].map(|at_ms| schedule.at(at_ms));
        assert_eq!(phases, ['a', 'a', 'b', 'b', 'c', 'c', 'd']);
        assert_eq!((schedule.since(2_000), schedule.last()), ((1_700, 'c'), 'd'));
        assert_eq!((schedule.next_change_ms(1_000), schedule.next_change_ms(3_000)), (Some(1_700), None));
        schedule.go(1_500, &[(0, 'e')]);
        assert_eq!((schedule.at(1_400), schedule.last()), ('b', 'e'));
    }

    #[test]
    fn what_has_settled_knows_no_past() {
        let mut schedule = Schedule::new('a');
        schedule.go(1_000, &[(0, 'b'), (700, 'c')]);
        schedule.settle();
        assert_eq!(schedule, Schedule::new('c'));
    }

    #[test]
    fn the_past_does_not_grow() {
        let mut schedule = Schedule::new(0_u64);
        (0..1_000).for_each(|at_ms| schedule.go(at_ms, &[(0, at_ms)]));
        assert_eq!((schedule.changes.len(), schedule.first), (CHANGES_MAX, 967));
    }
}
