//! The state of a bench between calls: the board, the bench's time, and the call that is going on.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use crate::bench::board_record::BoardRecord;
use crate::bench::call_record::CallRecord;
use crate::bench::folder::{BenchFiles, folder_error};
use crate::bench::{BenchClock, BenchError, BusDevice, Stage};
use crate::world::unhindered;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct BenchState {
    /// Set before each call; a call adds the time it takes.
    pub now_ms: u64,
    pub stage: Stage,
    /// How often hands were moved, for tools that wait for it.
    pub(crate) hands_moved: u64,
    /// Versions that tools are made to tell instead of their own.
    #[serde(default)]
    pub(crate) versions: BTreeMap<String, String>,
    /// The person will overlook the next wire to be removed, or switch to be set back.
    pub(crate) forgets: bool,
    /// Where the cable is plugged in, among other benches of one station; else at the board's own port.
    #[serde(default)]
    pub(crate) plugged_into: Option<String>,
    /// A call that has begun. Still there when its process has ended: it was killed.
    pub(crate) playing: Option<CallRecord>,
}

/// The bench's time when it has settled: longer after its beginning than any camera takes to start.
pub(crate) const SETTLED_MS: u64 = 10_000;

/// The state, and the right to change it, which nobody else has meanwhile.
#[derive(Debug)]
pub(crate) struct HeldState {
    pub(crate) state: BenchState,
    files: BenchFiles,
    _lock: File,
}

impl BenchState {
    pub(crate) fn new(stage: Stage) -> Self {
        BenchState {
            now_ms: 0,
            stage,
            hands_moved: 0,
            versions: BTreeMap::new(),
            forgets: false,
            plugged_into: None,
            playing: None,
        }
    }

    /// What is on the bus at `now_ms`, where it is plugged in.
    pub(crate) fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let mut attached = self.stage.attached(now_ms);
        if let Some(port) = &self.plugged_into {
            let own: Vec<String> = attached.iter().map(|device| device.port.clone()).collect();
            for device in &mut attached {
                device.port = beside(port, &device.port, &own);
            }
        }
        attached
    }

    /// The call's arguments with the port by which the board's model knows itself.
    pub(crate) fn as_the_board_knows(&self, args: &[String], now_ms: u64) -> Vec<String> {
        let Some(port) = &self.plugged_into else { return args.to_vec() };
        let own: Vec<String> = self.stage.attached(now_ms).into_iter().map(|device| device.port).collect();
        let known = |arg: &String| own.iter().find(|known| beside(port, known, &own) == *arg).cloned();
        args.iter().map(|arg| known(arg).unwrap_or_else(|| arg.clone())).collect()
    }

    /// Looks at the state without changing it; needs no lock, because the file is only ever replaced as a whole.
    pub(crate) fn look(files: &BenchFiles) -> Result<Self, BenchError> {
        BenchState::read(files, &BenchState::text(files)?)
    }

    /// The state as it is written down.
    pub(crate) fn text(files: &BenchFiles) -> Result<Vec<u8>, BenchError> {
        let path = files.state();
        unhindered(|| std::fs::read(&path)).map_err(folder_error(&path))
    }

    pub(crate) fn read(files: &BenchFiles, text: &[u8]) -> Result<Self, BenchError> {
        let damaged = |error: serde_json::Error| BenchError::Damaged {
            path: files.state().display().to_string(),
            reason: error.to_string(),
        };
        let mut state: BenchState = serde_json::from_slice(text).map_err(damaged)?;
        if let Some(board) = state.stage.board_mut() {
            board.use_folder(&files.memory());
            board.watched_by(files.watched());
        }
        Ok(state)
    }

    pub(crate) fn save(&self, files: &BenchFiles) -> Result<(), BenchError> {
        let written = replace(&files.state(), &serde_json::to_vec(self).unwrap_or_default());
        files.changed();
        written
    }

    /// Nothing goes wrong any more, and long enough has passed that all that was going to happen by itself has happened.
    pub(crate) fn settle(&mut self) {
        self.playing = None;
        self.hands_moved = 0;
        self.now_ms = SETTLED_MS;
        self.versions.clear();
        if let Some(board) = self.stage.board_mut() {
            board.heal();
            board.settle();
        }
    }

    pub fn clock(&self) -> BenchClock {
        BenchClock::at(self.now_ms)
    }
}

impl HeldState {
    pub(crate) fn take(files: &BenchFiles) -> Result<Self, BenchError> {
        let lock = files.lock()?;
        Ok(HeldState { state: BenchState::look(files)?, files: files.clone(), _lock: lock })
    }

    /// Writes the state, and what people read of it.
    pub(crate) fn save(&self) -> Result<(), BenchError> {
        self.state.save(&self.files)?;
        BoardRecord::of(&self.state).write(&self.files)
    }

    /// A call that never came to its end is recorded without an exit code.
    pub(crate) fn close_call(&mut self) -> Result<(), BenchError> {
        match self.state.playing.take() {
            Some(killed) => killed.append(&self.files),
            None => Ok(()),
        }
    }
}

/// The first board is at `port`, others of this bench are on a hub there. Serial ports keep their names.
fn beside(port: &str, own: &str, all: &[String]) -> String {
    let mut usb = all.iter().filter(|port| !port.starts_with('/'));
    match usb.position(|known| known == own) {
        Some(0) => port.to_owned(),
        Some(number) => format!("{port}.{number}"),
        None => own.to_owned(),
    }
}

/// Readers see the old contents or the new ones, never a part. Only the holder of the lock writes, so that one name for
/// the unfinished file is enough.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> Result<(), BenchError> {
    let unfinished = path.with_extension("unfinished");
    let write = || {
        std::fs::write(&unfinished, contents)?;
        unhindered(|| std::fs::rename(&unfinished, path))
    };
    write().map_err(folder_error(path))
}
