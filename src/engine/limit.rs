//! How long a step may take: its own limit, else that of the catalog for a call. That of a wait is known
//! without a run: [`Step::wait_limit`].

use std::time::Duration;

use crate::documents::catalog::{Command, Tool};
use crate::documents::playbook::Step;
use crate::words::parse_integer;

/// A call that has used up its limit gets twice as much the next time, up to so many times.
const DOUBLINGS_MAX: u32 = 2;

/// `bytes` are those of the files that the tool is handed; what it erases counts as well.
pub(super) fn limit_of(step: &Step, tool: &Tool, kind: Option<&Command>, args: &[String], bytes: u64) -> Duration {
    match (step.timeout, kind.and_then(|kind| kind.timeout)) {
        (Some(timeout), _) => timeout.for_bytes(bytes + kind.map_or(0, |kind| erased_bytes(kind, args))),
        (None, Some(timeout)) => timeout,
        (None, None) => tool.timeout,
    }
}

/// After it was used up so often.
pub(super) fn extended(limit: Duration, used_up: u32) -> Duration {
    limit.saturating_mul(1 << used_up.min(DOUBLINGS_MAX))
}

/// The most that a call with this limit is ever given.
pub fn longest_limit(limit: Duration) -> Duration {
    extended(limit, DOUBLINGS_MAX)
}

fn erased_bytes(kind: &Command, args: &[String]) -> u64 {
    let length = kind.erases.as_ref().and_then(|erases| args.get(kind.argument(&erases.extent, args)?));
    length.and_then(|length| parse_integer(length).ok()).and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_was_used_up_doubles_twice() {
        let seconds = |used_up| extended(Duration::from_secs(10), used_up).as_secs();
        assert_eq!([0, 1, 2, 3, 40].map(seconds), [10, 20, 40, 40, 40]);
    }
}
