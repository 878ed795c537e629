//! Proof by breaking things: each mishap at each step of a playbook, and what must hold whatever goes wrong.
//!
//! Nothing here knows a board or a tool: a mishap is put between the engine and the mock tools, the bus and the person.

mod cut;
mod cut_recorder;
mod disk;
mod invariants;
mod left;
mod limit;
mod mishap;
mod of_case;
mod point;
mod run_watch;
mod scenario;
mod tool;
mod trial;
mod world;

pub use cut::{Cut, CutCase, CutRecord, cut_runs, cuts_of_run, try_cut};
pub use cut_recorder::CutPlace;
pub use invariants::{Broken, Invariant};
pub use mishap::{MISHAPS, MishapGroup, MishapRow, RunMishap};
pub use of_case::check_mishaps;
pub use point::{Part, RunPoint};
pub use scenario::{CUT_IMAGE_BYTES_MAX, FAULT_IMAGE_BYTES_MAX, Matrix, Scenario, survey};
pub use trial::{Trial, TrialEnd, TrialRecord, try_out};

pub(crate) use of_case::{missed, planned_of};
pub(crate) use run_watch::RunWatch;
pub(crate) use world::MishapWorld;
