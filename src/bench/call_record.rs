//! `calls.jsonl`: every call of a mock tool, one JSON object per line, in the order of their ends.

use std::io::Write;

use crate::bench::BenchError;
use crate::bench::folder::{BenchFiles, folder_error};

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallRecord {
    pub tool: String,
    /// Without the program.
    pub argv: Vec<String>,
    /// None when the call was ended from outside.
    pub exit_code: Option<i32>,
    /// When the call began, in the bench's time.
    pub at_ms: u64,
}

impl CallRecord {
    /// One write, so that lines of two processes never mix.
    pub(crate) fn append(&self, files: &BenchFiles) -> Result<(), BenchError> {
        let path = files.calls();
        let write = || {
            let mut line = serde_json::to_vec(self)?;
            line.push(b'\n');
            std::fs::OpenOptions::new().create(true).append(true).open(&path)?.write_all(&line)
        };
        write().map_err(folder_error(&path))
    }
}
