//! Floor 4: runs a playbook in a world. Speaks only typed events; knows no terminal.

mod event;

pub use event::{Event, Outcome, Problem, StepEnd};
