//! What did not go as a scene says: calls it does not declare, and calls that were never made.

use std::fmt;
use std::io::Write;

use crate::bench::BenchError;
use crate::bench::folder::{BenchFiles, folder_error};
use crate::bench::scenes::SceneStore;
use crate::bench::state::BenchState;

/// One thing that a scene does not provide for. The call that met it has failed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SceneFault {
    pub kind: SceneFaultKind,
    pub tool: String,
    pub argv: Vec<String>,
    /// What is wrong, as a sentence without a full stop.
    pub what: String,
    /// The nearest call of the same tool and what differs, or what to do, line by line.
    pub details: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SceneFaultKind {
    /// A call that the scene does not declare, or not at this point.
    Undeclared,
    /// A line of input that the scene does not declare, or no line where it declares one.
    Answer,
    /// A file outside of the tool's working folder.
    Outside,
    /// A file that cannot be read or written.
    File,
    /// More calls or questions than a scene may have.
    Limit,
}

/// A declared call that was not made, or not as often as declared.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UnmadeCall {
    /// Tool and arguments, as declared.
    pub command: Vec<String>,
    /// The line of the scene's document in which it begins.
    pub line: usize,
    pub times_declared: u32,
    pub times_made: u32,
}

impl SceneFault {
    pub(super) fn append(&self, files: &BenchFiles) -> Result<(), BenchError> {
        let path = files.scene_faults();
        let write = || {
            let mut line = serde_json::to_vec(self)?;
            line.push(b'\n');
            std::fs::OpenOptions::new().create(true).append(true).open(&path)?.write_all(&line)
        };
        write().map_err(folder_error(&path))
    }
}

/// One line for each detail after the first.
impl fmt::Display for SceneFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.what, self.tool, self.argv.join(" "))?;
        self.details.iter().try_for_each(|detail| write!(f, "\n  {detail}"))
    }
}

impl fmt::Display for UnmadeCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.command.join(" "))?;
        match (self.times_declared, self.times_made) {
            (1, _) => Ok(()),
            (declared, made) => write!(f, " (made {made} times of {declared})"),
        }
    }
}

/// In the order in which they happened. Empty for a bench without a scene.
pub(crate) fn scene_faults(files: &BenchFiles) -> Result<Vec<SceneFault>, BenchError> {
    let path = files.scene_faults();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(folder_error(&path)(error)),
    };
    let read = |line: &str| serde_json::from_str(line).map_err(|error| damaged(&path, &error));
    text.lines().map(read).collect()
}

/// In the order of the document. Empty for a bench without a scene.
pub(crate) fn unmade_calls(files: &BenchFiles) -> Result<Vec<UnmadeCall>, BenchError> {
    if !files.has_scene() {
        return Ok(Vec::new());
    }
    let state = BenchState::look(files)?;
    let heads = SceneStore::of(files).heads()?;
    let Some(board) = state.stage.scene() else { return Ok(Vec::new()) };
    let unmade = heads.iter().enumerate().filter_map(|(index, head)| {
        let made = board.made(index);
        let declared = head.times_declared();
        (made < declared).then(|| UnmadeCall {
            command: head.command(),
            line: head.line,
            times_declared: declared,
            times_made: made,
        })
    });
    Ok(unmade.collect())
}

pub(super) fn damaged(path: &std::path::Path, error: &serde_json::Error) -> BenchError {
    BenchError::Damaged { path: path.display().to_string(), reason: error.to_string() }
}
