//! `waiting`: what a mock tool waits for right now, told to the simulated world, which may then let time pass.
//!
//! A wait is announced before the text that provokes its end is printed, so that nobody can answer a wait that is not
//! announced yet.

use crate::bench::BenchError;
use crate::bench::folder::{BenchFiles, folder_error};
use crate::bench::state::replace;

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Waiting {
    /// Counts the waits of one call, from 1.
    pub number: u64,
    pub what: WaitsFor,
    /// What the tool will have printed when it waits, carriage returns not counted: a terminal adds some. Time may pass
    /// only once all of it has been seen.
    pub printed_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitsFor {
    /// A line of its input.
    Input,
    /// Somebody to do something to the board.
    Hands,
    /// Its end from outside.
    End,
}

impl Waiting {
    /// The last wait that was announced, if it can be read.
    pub(crate) fn look(files: &BenchFiles) -> Option<Waiting> {
        serde_json::from_slice(&std::fs::read(files.waiting()).ok()?).ok()
    }

    pub(crate) fn announce(&self, files: &BenchFiles) -> Result<(), BenchError> {
        replace(&files.waiting(), &serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn forget(files: &BenchFiles) -> Result<(), BenchError> {
        let path = files.waiting();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(folder_error(&path)(error)),
            _ => Ok(()),
        }
    }
}

/// Bytes that count for [`Waiting::printed_bytes`].
pub(crate) fn counted(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte != b'\r').count() as u64
}
