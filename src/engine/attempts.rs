//! What has been tried, and whether it is tried again: further attempts of a step, going back to an earlier one, and what it
//! means that the same goes wrong for the third time. All of it has limits.

use std::collections::BTreeMap;

use crate::documents::playbook::{RestartAt, Retry, Step, every_step};
use crate::engine::Event;
use crate::engine::halt::{Failure, Halt};
use crate::engine::runner::Runner;
use crate::words::{Fault, FaultClass, Id, ThirdTime};
use crate::world::World;

/// From this time on it counts as the same again and again.
const TIMES: u32 = 3;

/// Which failure it was: the step, and what was said of it.
type FailureKey = (Id, String);

#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// That the step at work has left, by its own `retry`.
    pub(super) left: u32,
    /// How often the run went back from a step.
    restarts: BTreeMap<Id, u32>,
    /// What has gone wrong so that the run went back, since it last came further than ever.
    causes: Vec<Failure>,
    /// After going back: the next wait for a device wants to see it come anew.
    pub(super) anew: bool,
    /// How often each failure has come.
    failures: BTreeMap<FailureKey, u32>,
    /// How often the call of a step has used up its limit.
    used_up: BTreeMap<Id, u32>,
}

impl Attempts {
    pub(super) fn causes(&self) -> &[Failure] {
        &self.causes
    }

    /// Has the run gone back to an earlier step?
    pub(super) fn went_back(&self) -> bool {
        !self.restarts.is_empty()
    }

    pub(super) fn used_up(&self, step: &Id) -> u32 {
        self.used_up.get(step).copied().unwrap_or(0)
    }

    pub(super) fn note_used_up(&mut self, step: &Id) {
        *self.used_up.entry(step.clone()).or_insert(0) += 1;
    }
}

impl<W: World> Runner<'_, W> {
    pub(super) fn worth_another(&self, retry: &Retry, fault: &Fault) -> bool {
        // Whoever has asked to end is not to watch it begin again.
        let stopping = self.stopping.due().is_some();
        retry.on.contains(&fault.class) && !fault.lasting && !stopping
    }

    /// Does this fault of the step at work lead to a further attempt?
    pub(super) fn tried_again(&self, step: &Step, fault: &Fault) -> bool {
        self.attempts.left > 0 && step.retry.as_ref().is_some_and(|retry| self.worth_another(retry, fault))
    }

    /// Turns a failure into a restart where the author allows one and the limit is not reached.
    pub(super) fn restart_or(&mut self, restart: Option<&RestartAt>, step: &Step, halt: Halt) -> Halt {
        let (Some(restart), Halt::Failure(failure)) = (restart, &halt) else { return halt };
        let times = self.attempts.restarts.get(&step.id).copied().unwrap_or(0);
        let wanted = halt.fault_class().is_some_and(|class| restart.on.contains(&class)) && !failure.fault.lasting;
        if !wanted || times >= restart.times_max || self.stopping.wish().is_some() {
            return halt;
        }
        let because = failure.fault.clone();
        self.attempts.restarts.insert(step.id.clone(), times + 1);
        if let Some(at_work) = self.progress.at_work() {
            self.board.goes_back(at_work.number, failure.state.clone());
        }
        self.attempts.causes.push((**failure).clone());
        let fresh = because.class != FaultClass::DeviceLost;
        self.tell(Event::Restarting {
            from: step.id.clone(),
            at: restart.step.value.clone(),
            at_name: every_step(&self.playbook.steps)
                .find(|step| step.id == restart.step.value)
                .map(|step| step.name.clone()),
            time: times + 1,
            times_max: restart.times_max,
            because,
        });
        Halt::Restart { at: restart.step.value.clone(), fresh }
    }

    /// The step of this number begins: once the run comes further than the step from which it went back, that is over.
    pub(super) fn reach(&mut self, number: usize) {
        self.board.comes_to(number);
        let went_back = self.attempts.causes.iter().filter_map(|cause| self.progress.number(&cause.step));
        if went_back.max().is_some_and(|farthest| number > farthest) {
            self.attempts.causes.clear();
        }
    }

    /// Counts the failure; the third time, the words for that replace those for a single one.
    pub(super) fn count_failure(&mut self, step: &Step, failure: &mut Failure) {
        if failure.is_final() {
            return;
        }
        let class = failure.fault.class;
        let of_class = self.seen_again(&step.id, class.word());
        let of_message = self.seen_again(&step.id, &failure.fault.message);
        let own = step.third_time.as_ref().filter(|third| of_class >= TIMES && third.on.contains(&class));
        let own = own.filter(|third| match (&third.unchanged, &third.unlike) {
            (None, _) => true,
            (Some(made), None) => self.files.unchanged(made),
            (Some(made), Some(other)) => self.files.unchanged(made) && self.files.unlike(made, other),
        });
        let known = failure.fault.third_time.take().filter(|_| of_message >= TIMES);
        let Some(ThirdTime { class, message, help }) = own.map(|third| third.meaning.clone()).or(known.map(|it| *it))
        else {
            return;
        };
        let fault = &mut failure.fault;
        fault.message = message;
        fault.help = help;
        if let Some(class) = class {
            fault.class = class;
            failure.outcome = class.outcome();
        }
    }

    fn seen_again(&mut self, step: &Id, what: &str) -> u32 {
        let count = self.attempts.failures.entry((step.clone(), what.to_owned())).or_default();
        *count += 1;
        *count
    }
}
