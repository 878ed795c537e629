//! Scripted tools on the bench: a scene instead of a virtual board.

mod board;
mod fault;
mod play;
mod store;
mod working_folder;

pub use fault::{SceneFault, SceneFaultKind, UnmadeCall};

pub use board::SceneBoard;
pub(crate) use fault::{scene_faults, unmade_calls};
pub(crate) use play::play;
pub(crate) use store::SceneStore;
pub(crate) use working_folder::{FileProblem, bring};
