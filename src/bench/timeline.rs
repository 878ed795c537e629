//! `timeline`: when the running tool prints what.
//!
//! A mock tool is quicker than the tool it plays: it prints everything between two waits at once. The times at which that
//! is to be heard stand in this file before the text can be read, and the bench's world holds the text back until then.

use crate::bench::BenchError;
use crate::bench::folder::{BenchFiles, folder_error};
use crate::bench::state::replace;
use crate::words::Stream;

/// So many bytes of one stream at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Moment {
    pub(crate) at_ms: u64,
    pub(crate) stream: Stream,
    pub(crate) bytes: u64,
}

/// Everything that one call has printed, in order.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    moments: Vec<Moment>,
    /// So many are known to others, and do not change any more.
    told: usize,
}

impl Timeline {
    pub(crate) fn add(&mut self, at_ms: u64, stream: Stream, bytes: u64) {
        match self.moments.get_mut(self.told..).and_then(<[Moment]>::last_mut) {
            _ if bytes == 0 => {}
            Some(last) if last.at_ms == at_ms && last.stream == stream => last.bytes += bytes,
            _ => self.moments.push(Moment { at_ms, stream, bytes }),
        }
    }

    pub(crate) fn tell(&mut self, files: &BenchFiles) -> Result<(), BenchError> {
        self.told = self.moments.len();
        replace(&files.timeline(), &serde_json::to_vec(&self.moments).unwrap_or_default())
    }

    /// As far as it was told. None for a tool that does not keep time.
    pub(crate) fn look(files: &BenchFiles) -> Option<Vec<Moment>> {
        serde_json::from_slice(&std::fs::read(files.timeline()).ok()?).ok()
    }

    pub(crate) fn forget(files: &BenchFiles) -> Result<(), BenchError> {
        let path = files.timeline();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(folder_error(&path)(error)),
            _ => Ok(()),
        }
    }
}
