//! Keeps what happens between the engine and its world, so that it can be played again as a scene.

mod produced;
mod record;
mod recorder;
mod wrapped;

pub use record::{Recorded, TEXT_BYTES_MAX};
pub use recorder::Recorder;
pub use wrapped::RecordingWorld;
