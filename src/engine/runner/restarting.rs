//! Going back to an earlier step, a bounded number of times.

use crate::documents::playbook::{RestartAt, Step};
use crate::engine::Event;
use crate::engine::halt::Halt;
use crate::engine::runner::Runner;
use crate::words::FaultClass;
use crate::world::World;

impl<W: World> Runner<'_, W> {
    /// Turns a failure into a restart where the author allows one and the limit is not reached.
    pub(super) fn restart_or(&mut self, restart: Option<&RestartAt>, step: &Step, halt: Halt) -> Halt {
        let (Some(restart), Halt::Failure(failure)) = (restart, &halt) else { return halt };
        let times = self.restarts.get(&step.id).copied().unwrap_or(0);
        let wanted = halt.fault_class().is_some_and(|class| restart.on.contains(&class)) && !failure.fault.lasting;
        if !wanted || times >= restart.times_max || self.stop_requested.is_some() {
            return halt;
        }
        let because = failure.fault.clone();
        self.restarts.insert(step.id.clone(), times + 1);
        if let Some((_, _, number)) = &self.current {
            let until = self.carried.as_ref().map_or(*number, |(until, _)| (*until).max(*number));
            self.carried = Some((until, failure.state.clone()));
        }
        self.causes.push((**failure).clone());
        let fresh = because.class != FaultClass::DeviceLost;
        self.tell(Event::Restarting {
            from: step.id.clone(),
            at: restart.step.value.clone(),
            time: times + 1,
            times_max: restart.times_max,
            because,
        });
        Halt::Restart { at: restart.step.value.clone(), fresh }
    }

    /// The step of this number begins.
    pub(super) fn reach(&mut self, number: usize) {
        if self.carried.as_ref().is_some_and(|(until, _)| number >= *until) {
            self.carried = None;
        }
        // Once the run comes further than the step from which it went back, that is over.
        let farthest = self.causes.iter().filter_map(|cause| self.numbers.get(&cause.step)).max();
        if farthest.is_some_and(|farthest| number > *farthest) {
            self.causes.clear();
        }
    }
}
