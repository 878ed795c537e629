//! What a run runs on, and the refusal where there is no such thing.

use crate::cli::refusal::{Refusal, refuse};
use crate::engine::{Outcome, before_anything};
use crate::words::FaultClass;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    Running,
    /// A simulation's waits take no real time.
    Paused,
}

pub(super) fn runtime(clock: Clock) -> Result<tokio::runtime::Runtime, Box<Refusal>> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(clock == Clock::Paused);
    builder.build().map_err(|error| defect(&error))
}

pub(super) fn defect(error: &std::io::Error) -> Box<Refusal> {
    let what = format!("recover could not set itself up: {error}");
    refuse(Outcome::Defect, before_anything(FaultClass::Unknown, what, Vec::new()))
}
