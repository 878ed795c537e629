//! Mock tools: they print, byte for byte, what the vendors' tools print, and act on virtual boards.

mod dfu_util;

pub use dfu_util::dfu_util;

/// How a mock tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MockEnd {
    Exit(i32),
    /// The real tool would wait here for ever; the mock has to be killed, like the real one.
    Stall,
}
