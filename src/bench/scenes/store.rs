//! A scene in the bench's folder, taken apart so that a call reads no more of it than it needs.

use std::path::{Path, PathBuf};

use crate::bench::BenchError;
use crate::bench::folder::{BenchFiles, folder_error};
use crate::bench::scenes::fault::damaged;
use crate::bench::state::replace;
use crate::documents::catalog::Catalog;
use crate::documents::scene::{Act, ArgumentPattern, BusChange, CallEnd, Scene, SceneCall, Times};

/// `scene/tools.json`, `scene/calls.json` and one file for each call.
#[derive(Debug)]
pub(crate) struct SceneStore {
    folder: PathBuf,
}

/// A tool, and how it is asked for its version.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredTool {
    pub(crate) name: String,
    pub(super) version: String,
    pub(super) version_args: Vec<String>,
}

/// What must be known of every call to find the one that fits.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct CallHead {
    pub(super) tool: String,
    pub(super) args: Vec<ArgumentPattern>,
    pub(super) times: Times,
    pub(super) optional: bool,
    /// Where it begins in the document.
    pub(super) line: usize,
}

/// What a call does.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct CallBody {
    pub(super) acts: Vec<Act>,
    pub(super) end: CallEnd,
    pub(super) afterwards: Vec<BusChange>,
}

impl StoredTool {
    pub(super) fn is_asked_for_version(&self, tool: &str, args: &[String]) -> bool {
        self.name == tool && self.version_args == args
    }
}

impl CallHead {
    pub(super) fn command(&self) -> Vec<String> {
        std::iter::once(self.tool.clone()).chain(self.args.iter().map(ToString::to_string)).collect()
    }

    /// How often the call has to be made.
    pub(super) fn times_declared(&self) -> u32 {
        match self.times {
            _ if self.optional => 0,
            Times::InOrder(times) | Times::AnyOrder(times) => times,
            Times::Repeated => 1,
        }
    }
}

impl SceneStore {
    pub(crate) fn of(files: &BenchFiles) -> Self {
        SceneStore { folder: files.scene() }
    }

    pub(crate) fn save(&self, scene: &Scene, catalog: &Catalog) -> Result<(), BenchError> {
        std::fs::create_dir_all(&self.folder).map_err(folder_error(&self.folder))?;
        let tools: Vec<StoredTool> = scene
            .tools
            .iter()
            .map(|tool| StoredTool {
                name: tool.name.value.clone(),
                version: tool.version.value.clone(),
                version_args: catalog.tool(&tool.name.value).map_or_else(Vec::new, |known| {
                    known.first_args.iter().chain(&known.version.args).cloned().collect()
                }),
            })
            .collect();
        self.write("tools.json", &tools)?;
        let mut line = LineCounter::default();
        let heads: Vec<CallHead> = scene
            .calls
            .iter()
            .map(|call| CallHead {
                tool: call.tool.value.clone(),
                args: call.args.clone(),
                times: call.times,
                optional: call.optional,
                line: line.of(call),
            })
            .collect();
        self.write("calls.json", &heads)?;
        for (index, call) in scene.calls.iter().enumerate() {
            let body = CallBody { acts: call.acts.clone(), end: call.end, afterwards: call.afterwards.clone() };
            self.write(&body_name(index), &body)?;
        }
        Ok(())
    }

    pub(crate) fn tools(&self) -> Result<Vec<StoredTool>, BenchError> {
        self.read("tools.json")
    }

    pub(super) fn heads(&self) -> Result<Vec<CallHead>, BenchError> {
        self.read("calls.json")
    }

    pub(super) fn body(&self, index: usize) -> Result<CallBody, BenchError> {
        self.read(&body_name(index))
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, BenchError> {
        let path = self.folder.join(name);
        let bytes = std::fs::read(&path).map_err(folder_error(&path))?;
        serde_json::from_slice(&bytes).map_err(|error| damaged(&path, &error))
    }

    fn write<T: serde::Serialize>(&self, name: &str, value: &T) -> Result<(), BenchError> {
        replace(Path::new(&self.folder.join(name)), &serde_json::to_vec(value).unwrap_or_default())
    }
}

fn body_name(index: usize) -> String {
    format!("call-{index}.json")
}

/// Counts on from the last call: a recorded scene may have many thousands of lines.
#[derive(Debug, Default)]
struct LineCounter {
    at: usize,
    newlines: usize,
}

impl LineCounter {
    fn of(&mut self, call: &SceneCall) -> usize {
        let start = call.tool.place.start;
        let text = call.tool.place.source.text.as_bytes();
        if start < self.at {
            *self = LineCounter::default();
        }
        let passed = text.get(self.at..start).unwrap_or_default();
        self.newlines += passed.iter().filter(|byte| **byte == b'\n').count();
        self.at = start;
        self.newlines + 1
    }
}
