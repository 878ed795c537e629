//! The folder of a bench and the files in it.
//!
//! `.recover-folder` says that the folder is ours · `bin/` the mock tools · `state.json` and `memory/` the board between calls · `board.json` and `calls.jsonl` for people
//! and tests · `lock` held by whoever changes the board · `stalled` there while a mock tool hangs, with the number of bytes
//! that it has printed · `waiting` what a mock tool waits for · `scene/` the scene that is played instead of a board,
//! `scene-faults.jsonl` what did not go as it says, and `timeline` when the running tool prints what · a folder
//! for tools that must lie with their data.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::bench::BenchError;
use crate::bench::boards::virtual_model::mock_tools;
use crate::bench::kit::watched::Watched;
use crate::bench::scenes::SceneStore;
use crate::world::{TemporaryFolder, claim_folder, remove_own};

/// Kept for the person, or removed with the last value.
#[derive(Debug)]
pub struct BenchFolder {
    files: BenchFiles,
    temporary: Option<TemporaryFolder>,
}

impl BenchFolder {
    pub fn temporary() -> Result<Self, BenchError> {
        let parent = std::env::temp_dir();
        let folder = TemporaryFolder::create_in(&parent, "bench-").map_err(folder_error(&parent))?;
        Ok(BenchFolder { files: BenchFiles::of(folder.path()), temporary: Some(folder) })
    }

    /// Uses this folder, creating it; a bench that was kept here before is replaced. Refused when anything else is in it.
    pub fn kept(path: &Path) -> Result<Self, BenchError> {
        Ok(BenchFolder { files: BenchFiles::of(&claim_folder(path)?), temporary: None })
    }

    /// Not removed any more; answers with where it is.
    pub fn keep(self) -> PathBuf {
        self.temporary.map_or(self.files.folder, TemporaryFolder::keep)
    }

    pub fn path(&self) -> &Path {
        self.files.folder()
    }

    /// Clones know of each other's changes.
    pub fn files(&self) -> BenchFiles {
        self.files.clone()
    }
}

/// Paths in a bench's folder.
#[derive(Debug, Clone)]
pub struct BenchFiles {
    folder: PathBuf,
    /// How often the state was written through this value or a clone of it; other processes do not count here.
    changes: Arc<AtomicU64>,
    /// Who watches the board.
    watched: Arc<Mutex<Watched>>,
}

impl BenchFiles {
    pub fn of(folder: &Path) -> Self {
        BenchFiles { folder: folder.to_owned(), changes: Arc::default(), watched: Arc::default() }
    }

    /// Whoever reads the board through this value or a clone of it has it watched from now on.
    pub(crate) fn watch(&self, watched: Watched) {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = watched;
    }

    pub(crate) fn watched(&self) -> Watched {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// To be called once the new state can be read.
    pub(crate) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn state(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    pub fn board(&self) -> PathBuf {
        self.folder.join("board.json")
    }

    pub fn calls(&self) -> PathBuf {
        self.folder.join("calls.jsonl")
    }

    pub fn memory(&self) -> PathBuf {
        self.folder.join("memory")
    }

    /// The files that a test case gives to the run.
    pub(crate) fn given(&self) -> PathBuf {
        self.folder.join("files")
    }

    pub fn stalled(&self) -> PathBuf {
        self.folder.join("stalled")
    }

    pub fn waiting(&self) -> PathBuf {
        self.folder.join("waiting")
    }

    pub(crate) fn scene(&self) -> PathBuf {
        self.folder.join("scene")
    }

    /// Is a scene played on this bench?
    pub(crate) fn has_scene(&self) -> bool {
        self.scene().is_dir()
    }

    pub fn scene_faults(&self) -> PathBuf {
        self.folder.join("scene-faults.jsonl")
    }

    pub(crate) fn timeline(&self) -> PathBuf {
        self.folder.join("timeline")
    }

    pub fn tools(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// Of tools that must lie with their data.
    pub(crate) fn own_tool_folders(&self) -> BTreeSet<PathBuf> {
        mock_tools().into_iter().filter_map(|tool| tool.folder).map(|folder| self.folder.join(folder)).collect()
    }

    pub fn tool(&self, name: &str) -> PathBuf {
        let own = mock_tools().into_iter().find(|tool| tool.name == name).and_then(|tool| tool.folder);
        let folder = own.map_or_else(|| self.tools(), |folder| self.folder.join(folder));
        folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Waits until nobody else changes the board. Given up with the file.
    pub(crate) fn lock(&self) -> Result<File, BenchError> {
        let lock = || {
            let file = File::options().create(true).truncate(false).write(true).open(self.folder.join("lock"))?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(folder_error(&self.folder))
    }

    /// Removes what an earlier bench has left, and nothing else.
    pub(crate) fn clean(&self) -> io::Result<()> {
        // A link in place of one of our folders is removed itself, and nothing behind it.
        let own = self.own_tool_folders();
        let folders = [self.tools(), self.memory(), self.given(), self.scene()];
        for folder in folders.iter().chain(&own) {
            if !std::fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()) {
                remove_own(folder)?;
            }
        }
        let of_scene = SceneStore::of(self).tools().unwrap_or_default();
        // A scene whose list of tools cannot be read leaves nothing behind but links.
        for tool in of_scene.iter().map(|tool| tool.name.as_str()).chain(mock_tools().iter().map(|tool| tool.name)) {
            remove_own(&self.tool(tool))?;
        }
        let files = [self.state(), self.board(), self.calls(), self.stalled(), self.waiting()];
        let others = [self.scene_faults(), self.timeline(), self.scene(), self.given(), self.memory()];
        files.iter().chain(&others).chain(&own).try_for_each(|path| remove_own(path))
    }
}

pub(crate) fn folder_error(path: &Path) -> impl FnOnce(io::Error) -> BenchError {
    let path = path.display().to_string();
    move |source| BenchError::Folder { path, source }
}
