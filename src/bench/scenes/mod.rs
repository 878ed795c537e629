//! Scripted tools on the bench: a scene instead of a virtual board.

mod fault;
mod play;
mod player;
mod store;
mod working_folder;

pub use fault::{SceneFault, SceneFaultKind, UnmadeCall};
pub use player::ScenePlayer;

pub(crate) use fault::{scene_faults, unmade_calls};
pub(crate) use play::{play, play_half};
pub(crate) use store::SceneStore;
pub(crate) use working_folder::{FileProblem, bring};
