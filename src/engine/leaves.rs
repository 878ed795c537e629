//! What it would leave of the board to cut the step at work short, in words: for whoever presses Ctrl-C, and where a run ends
//! and its author says nothing. Worked out only then, from [`interruptions`].

use crate::documents::playbook::{Leaves, Supposed, interruptions};
use crate::engine::runner::Runner;
use crate::world::World;

impl<W: World> Runner<'_, W> {
    /// A sentence without its full stop; nothing where it is not known.
    pub(super) fn left_by_a_cut(&self) -> Option<String> {
        let at_work = self.progress.at_work()?.number;
        let given = |name: &_| self.files.knows(name);
        let supposed = Supposed { given: Some(&given), variables: &self.settings.variables };
        let all = interruptions(self.playbook, self.catalog, &supposed);
        let here = all.iter().find(|one| one.number == at_work)?.at_worst.clone();
        // After going back, what was begun before may still be unfinished.
        let begun =
            all.into_iter().filter(|one| self.attempts.went_back() && one.changes && one.irreversible.is_none());
        let leaves = begun.fold(here, |worst, one| worst.or_worse(one.at_worst));
        let is_told = match leaves {
            Leaves::NotKnown => false,
            // The ledger knows better.
            Leaves::AsBefore => !self.board.ledger.changed(),
            Leaves::Starts | Leaves::ComesBack { .. } | Leaves::NeedsHands { .. } | Leaves::Lost => true,
        };
        is_told.then(|| leaves.in_words(self.playbook))
    }
}
