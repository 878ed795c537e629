//! The same failure for the third time: what two tries have not cured has another cause than was thought.

use crate::documents::playbook::Step;
use crate::engine::halt::Failure;
use crate::engine::runner::Runner;
use crate::words::{Id, ThirdTime};
use crate::world::World;

/// From this time on it counts as the same again and again.
const TIMES: u32 = 3;

/// Which failure it was: the step, and what was said of it.
pub(super) type FailureKey = (Id, String);

impl<W: World> Runner<'_, W> {
    /// Counts the failure; the third time, the words for that replace those for a single one.
    pub(super) fn count_failure(&mut self, step: &Step, failure: &mut Failure) {
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
        let count = self.failures.entry((step.clone(), what.to_owned())).or_default();
        *count += 1;
        *count
    }
}
