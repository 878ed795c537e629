//! What the engine holds of a running mock tool: its input, and the means to end it. Both hold the clock before they act.

use std::fmt;

use tokio::time::Instant;

use crate::bench::BenchFiles;
use crate::bench::hold::Hold;
use crate::bench::state::HeldState;
use crate::bench::waiting::WaitsFor;
use crate::world::{AnswerTool, StopTool};

/// Ends a tool. That it ends at once, in no time of the bench's, needs the clock held.
pub(crate) struct BenchStop {
    inner: Box<dyn StopTool>,
    hold: Hold,
}

impl BenchStop {
    pub(crate) fn new(inner: Box<dyn StopTool>, hold: Hold) -> Self {
        BenchStop { inner, hold }
    }
}

impl StopTool for BenchStop {
    fn ask(&mut self) -> bool {
        self.hold.ending();
        self.inner.ask()
    }

    fn force(&mut self) {
        self.hold.ending();
        self.inner.force();
    }
}

/// A tool's input. With each answer the mock tool goes on, so the clock is held again first.
pub(crate) struct BenchInput {
    /// Nothing once the input is closed.
    inner: Option<Box<dyn AnswerTool>>,
    hold: Hold,
    files: BenchFiles,
    origin: Instant,
}

impl BenchInput {
    /// `origin` is when the bench's time began.
    pub(crate) fn new(inner: Box<dyn AnswerTool>, hold: Hold, files: BenchFiles, origin: Instant) -> Self {
        hold.input_is_open();
        BenchInput { inner: Some(inner), hold, files, origin }
    }

    /// The tool has waited until now, whatever its own clock says. One that does not wait keeps the bench, and its own
    /// time.
    fn end_wait(&self) {
        if self.hold.answered(WaitsFor::Input)
            && let Ok(mut held) = HeldState::take(&self.files)
        {
            let now_ms = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
            held.state.now_ms = held.state.now_ms.max(now_ms);
            // A bench that cannot be written to shows in the tool, which cannot read it.
            let _shown_later = held.save();
        }
    }
}

impl AnswerTool for BenchInput {
    fn send(&mut self, line: &str) -> std::io::Result<()> {
        self.end_wait();
        match &mut self.inner {
            Some(inner) => inner.send(line),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for BenchInput {
    fn drop(&mut self) {
        self.end_wait();
        self.inner = None;
    }
}

impl fmt::Debug for BenchStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BenchStop").finish_non_exhaustive()
    }
}

impl fmt::Debug for BenchInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BenchInput").finish_non_exhaustive()
    }
}
