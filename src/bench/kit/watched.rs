//! Who looks at a board while a tool works on it: told at every boundary at which the work could be cut.
//!
//! What is made of that is the matter of who watches; a board that nobody watches does not notice.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// Where the work of a tool, or of a run, can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Boundary {
    /// A request that erases and programs nothing was answered, or waits to be read.
    Request,
    /// Half of a sector is erased.
    InErase,
    Sector,
    /// Half of a page is programmed.
    InProgram,
    Page,
    BeforeFuse,
    Fuse,
    /// The tool has printed the end of a line, or of a stand of its progress.
    Line,
    CallStarted,
    CallEnded,
    /// Anything else that the run tells: a step, a wait, a prompt.
    Event,
}

/// Looks at the board.
pub(crate) trait WatchesBoard: fmt::Debug + Send + Sync {
    /// The board as it is now can be written down by `board`.
    fn passed(&self, boundary: Boundary, board: &dyn Fn() -> serde_json::Result<serde_json::Value>);

    /// The tool has printed this.
    fn said(&self, bytes: &[u8]);
}

/// Somebody who watches, or nobody. It is no part of the board.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    by: Option<Arc<dyn WatchesBoard>>,
}

impl Watched {
    pub(crate) fn by(watcher: Arc<dyn WatchesBoard>) -> Self {
        Watched { by: Some(watcher) }
    }

    pub(crate) fn passes(&self, boundary: Boundary, board: &impl Serialize) {
        if let Some(watcher) = &self.by {
            watcher.passed(boundary, &|| serde_json::to_value(board));
        }
    }

    pub(crate) fn said(&self, bytes: &[u8]) {
        if let Some(watcher) = &self.by {
            watcher.said(bytes);
        }
    }

    /// Work that is told of as a whole is done in so many parts where somebody watches each.
    pub(crate) fn parts(&self, parts: u64) -> u64 {
        if self.by.is_some() { parts } else { 1 }
    }
}

/// Two boards are the same, whoever watches them.
impl PartialEq for Watched {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Watched {}
