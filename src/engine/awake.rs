//! The computer stays awake from the first call that changes the board to the end of the last step that may.

use crate::documents::playbook::{Playbook, Step, is_guarded};
use crate::engine::Event;
use crate::engine::runner::Runner;
use crate::world::{Awake, World};

/// Whether sleep is held off, and until when.
#[derive(Default)]
pub(super) struct Wakefulness {
    held: Option<Box<dyn Awake>>,
    /// Number of the last step that may change the board.
    last_changing: usize,
    told: bool,
}

impl<W: World> Runner<'_, W> {
    /// To be called once the runner is otherwise complete.
    pub(super) fn find_last_changing(&mut self, playbook: &Playbook) {
        let leaves = playbook.leaf_steps();
        let last = leaves.iter().rposition(|step| self.may_change(step));
        self.wakefulness.last_changing = last.map_or(0, |index| index + 1);
    }

    /// As far as it can be told from what is known before the first step.
    fn may_change(&self, step: &Step) -> bool {
        let Some(run) = step.call() else { return false };
        let args = self.arguments_now(run);
        let command = self.catalog.tool(&run.tool.value).and_then(|tool| tool.command(&args));
        is_guarded(command)
    }

    /// A call that changes the board is about to begin.
    pub(super) fn stay_awake(&mut self) {
        if self.wakefulness.held.is_none() {
            self.wakefulness.held = self.world.stay_awake();
        }
    }

    /// The step of this number is about to begin.
    pub(super) fn sleep_if_changed(&mut self, number: usize) {
        if number > self.wakefulness.last_changing {
            self.let_sleep();
        }
    }

    pub(super) fn let_sleep(&mut self) {
        self.tell_sleepiness();
        self.wakefulness.held = None;
    }

    /// Says once that the system does not do it: that is no reason to stop.
    pub(super) fn tell_sleepiness(&mut self) {
        let refused = self.wakefulness.held.as_ref().and_then(|held| held.refused());
        if let (false, Some(reason)) = (self.wakefulness.told, refused) {
            self.wakefulness.told = true;
            self.tell(Event::MaySleep { reason });
        }
    }
}
