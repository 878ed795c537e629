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
    /// All calls of a bench.
    pub fn read(files: &BenchFiles) -> Result<Vec<Self>, BenchError> {
        let path = files.calls();
        let text = std::fs::read_to_string(&path).map_err(folder_error(&path))?;
        let damaged = |error: serde_json::Error| BenchError::Damaged {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        text.lines().map(|line| serde_json::from_str(line).map_err(damaged)).collect()
    }

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
