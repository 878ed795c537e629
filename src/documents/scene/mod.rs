//! Scenes: mock tools as data. What each call of a tool prints, asks, writes and does to the bus; playing it is the
//! bench's part.

mod check;
mod load;
mod pattern;
mod read_act;
mod read_tools;
mod types;
mod write;

use crate::documents::keys::Keys;

pub use check::check_scene;
pub use load::{LoadedScene, SCENE_BYTES_MAX, load_scene};
pub use pattern::{ArgumentPattern, Difference, difference, fits, text_fits};
pub use types::{
    Act, Asked, BusChange, CallEnd, Content, Deed, DeviceAccess, FileName, GivenFile, PersonReply, Printed, Scene,
    SceneCall, SceneDevice, ScenePerson, SceneTool, Times, ToolFolderFile,
};
pub use write::{quoted, write_scene};

/// The JSON schema of scenes.
pub fn schema() -> serde_json::Value {
    crate::documents::schema::schema(load::SceneKeys::kind())
}

/// How the names of scene files end.
pub const SCENE_ENDING: &str = ".scene.yaml";
