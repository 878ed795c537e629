//! Notes each place at which a run could be cut, and the board as it is there. The run itself goes on to its end.
//!
//! While a tool works, its board tells of every boundary; between two calls the events of the run do.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bench::BenchError;
use crate::bench::faults::run_watch::Known;
use crate::bench::folder::{BenchFiles, folder_error};
use crate::bench::kit::memory_image::MemoryImage;
use crate::bench::kit::watched::{Boundary, WatchesBoard};
use crate::bench::state::BenchState;
use crate::engine::Event;
use crate::words::Id;
use crate::world::sha256_of_bytes;

/// A place in a run: a boundary within a step, counted from 1 among those of its kind there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutPlace {
    /// None before the first step.
    pub step: Option<Id>,
    pub boundary: Boundary,
    pub number: usize,
}

impl fmt::Display for CutPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.step.as_ref().map_or("start", Id::as_str);
        write!(f, "{step} {}-{}", self.boundary.name(), self.number)
    }
}

impl Boundary {
    /// How it stands in the name of a cut.
    pub fn name(self) -> &'static str {
        match self {
            Boundary::Request => "request",
            Boundary::InErase => "in-sector",
            Boundary::Sector => "sector",
            Boundary::InProgram => "in-page",
            Boundary::Page => "page",
            Boundary::BeforeFuse => "before-fuse",
            Boundary::Fuse => "fuse",
            Boundary::Line => "line",
            Boundary::CallStarted => "call-start",
            Boundary::CallEnded => "call-end",
            Boundary::Event => "event",
        }
    }
}

/// A bench as a run that was cut has left it.
#[derive(Debug, Clone)]
pub(crate) struct LeftBench {
    /// As it stands in the bench's folder, settled.
    pub(crate) state: Arc<Vec<u8>>,
    pub(crate) memory: Arc<MemoryImage>,
    pub(crate) known: Known,
}

impl LeftBench {
    /// Reads the bench of this folder.
    pub(crate) fn of(files: &BenchFiles, earlier: &MemoryImage, known: &Known) -> Result<Self, BenchError> {
        let memory = MemoryImage::read(&files.memory(), earlier).map_err(folder_error(&files.memory()))?;
        let mut state = BenchState::look(files)?;
        state.settle();
        let state = serde_json::to_vec(&state).unwrap_or_default();
        Ok(LeftBench { state: Arc::new(state), memory: Arc::new(memory), known: known.clone() })
    }

    /// The same for benches on which the next run goes the same way.
    pub(crate) fn digest(&self) -> String {
        let known = format!("{:?}", self.known);
        sha256_of_bytes(&[&self.state, self.memory.digest().as_bytes(), known.as_bytes()].concat())
    }

    /// The bench of this folder is as this one afterwards. Of its memory so much is known.
    pub(crate) fn put(&self, files: &BenchFiles, there: &MemoryImage) -> Result<(), BenchError> {
        self.memory.write(&files.memory(), there).map_err(folder_error(&files.memory()))?;
        BenchState::read(files, &self.state)?.save(files)
    }
}

/// Shared by everything that takes part in the run.
#[derive(Debug)]
pub(crate) struct CutRecorder {
    /// Not those of the run's bench, so that nobody watches the reading.
    files: BenchFiles,
    notes: Mutex<Notes>,
}

/// A place at which the run could be cut.
#[derive(Debug)]
pub(crate) struct NotedCut {
    pub(crate) place: CutPlace,
    /// The number of its bench among those that were noted.
    pub(crate) left: usize,
    /// So many events had been told by then.
    pub(crate) told: usize,
}

/// All that was noted.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// In their order.
    pub(crate) cuts: Vec<NotedCut>,
    pub(crate) left: Vec<LeftBench>,
    by_digest: HashMap<String, usize>,
    counts: HashMap<(Option<Id>, Boundary), usize>,
    step: Option<Id>,
    known: Known,
    told: usize,
    /// The bench as the call that goes on has found it.
    call: Option<serde_json::Value>,
    memory: Arc<MemoryImage>,
    latest: Option<usize>,
    /// The text of the state that was looked at last.
    looked: Vec<u8>,
    /// Why the rest could not be noted.
    pub(crate) failed: Option<BenchError>,
}

impl CutRecorder {
    pub(crate) fn new(files: &BenchFiles) -> Arc<Self> {
        Arc::new(CutRecorder { files: BenchFiles::of(files.folder()), notes: Mutex::default() })
    }

    /// What was noted so far; it is gone afterwards.
    pub(crate) fn take(&self) -> Notes {
        std::mem::take(&mut *self.notes())
    }

    /// The run tells something, which is a place between two of its actions.
    pub(crate) fn told(&self, event: &Event, known: &Known) {
        let notes = &mut *self.notes();
        notes.told += 1;
        notes.known = known.clone();
        let boundary = match event {
            // Lines are noted when they are printed, and what is read of them is no place of its own.
            Event::ToolOutput { .. } | Event::ToolLines { .. } | Event::Progress { .. } => return,
            Event::StepStarted { step, .. } => {
                notes.step = Some(step.clone());
                Boundary::Event
            }
            Event::ToolStarted { .. } => Boundary::CallStarted,
            Event::ToolEnded { .. } => {
                notes.call = None;
                Boundary::CallEnded
            }
            _ => Boundary::Event,
        };
        if notes.call.is_none() {
            let looked = self.look(notes);
            notes.keep_failure(looked);
        }
        notes.cut(boundary);
    }

    /// A tool is about to start.
    pub(crate) fn call_begins(&self) {
        let notes = &mut *self.notes();
        let damaged = |error: serde_json::Error| folder_error(self.files.folder())(io::Error::other(error));
        let read = BenchState::text(&self.files).and_then(|text| serde_json::from_slice(&text).map_err(damaged));
        match read {
            Ok(state) => notes.call = Some(state),
            Err(error) => notes.keep_failure(Err(error)),
        }
    }

    /// Between two calls the bench's folder holds all.
    fn look(&self, notes: &mut Notes) -> Result<(), BenchError> {
        let text = BenchState::text(&self.files)?;
        if text != notes.looked {
            let left = LeftBench::of(&self.files, &notes.memory, &notes.known)?;
            notes.looked = text;
            notes.left(left);
        } else if let Some(latest) = notes.latest.and_then(|latest| notes.left.get(latest)) {
            // The person may have learned something meanwhile.
            let left = LeftBench { known: notes.known.clone(), ..latest.clone() };
            notes.left(left);
        }
        Ok(())
    }

    /// The board as the tool has made it up to now.
    fn look_inside(&self, notes: &mut Notes, board: serde_json::Value) -> Result<(), BenchError> {
        let Some(bench) = notes.call.as_mut() else { return Ok(()) };
        let model = bench["stage"]["Board"].as_object_mut().and_then(|named| named.values_mut().next());
        let missing = || folder_error(self.files.folder())(io::Error::other("the bench's state holds no board"));
        *model.ok_or_else(missing)? = board;
        let mut state = BenchState::read(&self.files, &serde_json::to_vec(bench).unwrap_or_default())?;
        state.settle();
        let folder = self.files.memory();
        let memory = MemoryImage::read(&folder, &notes.memory).map_err(folder_error(&folder))?;
        let state = serde_json::to_vec(&state).unwrap_or_default();
        let known = notes.known.clone();
        notes.left(LeftBench { state: Arc::new(state), memory: Arc::new(memory), known });
        notes.looked = Vec::new();
        Ok(())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatchesBoard for CutRecorder {
    fn passed(&self, boundary: Boundary, board: &dyn Fn() -> serde_json::Result<serde_json::Value>) {
        let notes = &mut *self.notes();
        if notes.call.is_none() {
            // Hands that move between two calls, and questions for a version, are no work of a tool.
            return;
        }
        let board = board().map_err(io::Error::other).map_err(folder_error(self.files.folder()));
        let looked = board.and_then(|board| self.look_inside(notes, board));
        notes.keep_failure(looked);
        notes.cut(boundary);
    }

    fn said(&self, bytes: &[u8]) {
        let notes = &mut *self.notes();
        if notes.call.is_some() {
            let ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
            (0..ends).for_each(|_| notes.cut(Boundary::Line));
        }
    }
}

impl Notes {
    fn left(&mut self, left: LeftBench) {
        self.memory = Arc::clone(&left.memory);
        let index = match self.by_digest.entry(left.digest()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.left.push(left);
                *new.insert(self.left.len() - 1)
            }
        };
        self.latest = Some(index);
    }

    fn cut(&mut self, boundary: Boundary) {
        let Some(latest) = self.latest else { return };
        let number = self.counts.entry((self.step.clone(), boundary)).or_default();
        *number += 1;
        let place = CutPlace { step: self.step.clone(), boundary, number: *number };
        self.cuts.push(NotedCut { place, left: latest, told: self.told });
    }

    fn keep_failure(&mut self, result: Result<(), BenchError>) {
        if let Err(error) = result {
            self.failed.get_or_insert(error);
        }
    }
}
