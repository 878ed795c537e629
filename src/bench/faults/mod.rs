//! Proof by breaking things: each fault at each step of a playbook, and what must hold whatever goes wrong.
//!
//! Nothing here knows a board or a tool: a fault is put between the engine and the mock tools, the bus and the person.

mod cell;
mod disk;
mod fault;
mod invariants;
mod limit;
mod of_case;
mod scenario;
mod site;
mod striking;
mod tool;
mod world;

pub use cell::{Cell, CellEnd, Struck, strike_cell};
pub use fault::{FAULTS, FaultGroup, FaultRow, StrikeFault};
pub use invariants::{Broken, Invariant};
pub use of_case::check_strikes;
pub use scenario::{Matrix, Scenario, survey};
pub use site::{Part, Site};

pub(crate) use of_case::{missed, strike_of};
pub(crate) use striking::Striking;
pub(crate) use world::StruckWorld;
