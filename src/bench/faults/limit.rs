//! How long a run may take at the most, from what its playbook and the engine allow.

use std::time::Duration;

use crate::documents::playbook::{Action, Backoff, Playbook, Reading, Step, procedure};
use crate::engine::longest_limit;

/// What a step without a limit of its own may take; calls of tools have shorter ones.
const WAIT: Duration = Duration::from_secs(10 * 60);
/// Ending a tool, looking at the bus, and the like, for each step.
const SLACK: Duration = Duration::from_secs(15);

/// Devices with one id on one computer.
const DEVICES_MAX: u32 = 8;

/// No image of a trial is larger.
pub(crate) const TRIAL_IMAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// No run of this playbook takes longer, even when every limit is used up each time.
pub(crate) fn longest_run(playbook: &Playbook, image_bytes: u64) -> Duration {
    let once = list(&playbook.steps, image_bytes);
    once.saturating_mul(1 + restarts(&playbook.steps))
}

fn list(steps: &[Step], bytes: u64) -> Duration {
    steps.iter().map(|step| whole(step, bytes)).fold(Duration::ZERO, Duration::saturating_add)
}

fn whole(step: &Step, bytes: u64) -> Duration {
    let limit = step.timeout.map_or(WAIT, |timeout| timeout.for_bytes(bytes));
    let mut once = match &step.action {
        Action::Steps(steps) => list(steps, bytes),
        // A call, then a wait for what it is to bring; a person may be asked for each answer.
        Action::Run(run) => {
            let asked = u32::try_from(run.answers.len()).unwrap_or(u32::MAX).saturating_add(1);
            longest_limit(limit).saturating_mul(2) + WAIT.saturating_mul(asked) + SLACK
        }
        // Each of several devices, and there are never many.
        Action::TellApart(tell_apart) => list(&tell_apart.answers.steps, bytes).saturating_mul(DEVICES_MAX),
        Action::Prompt(_) | Action::Wait | Action::Check(_) | Action::Refuse(_) | Action::Write(_) => limit + SLACK,
    };
    if let Some(irreversible) = &step.irreversible {
        let read = |reading: &Reading| list(&reading.steps, bytes);
        once += WAIT + read(&irreversible.already_done) + read(&irreversible.verify);
    }
    let Some(retry) = &step.retry else { return once };
    let again = once + list(&retry.prepare, bytes) + Backoff::LIMIT;
    once + again.saturating_mul(retry.attempts_max.saturating_sub(1))
}

fn restarts(steps: &[Step]) -> u32 {
    let times = procedure(steps).filter_map(|step| step.restart_at.as_ref()).map(|restart| restart.times_max);
    times.fold(0, u32::saturating_add)
}
