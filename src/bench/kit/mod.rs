//! What virtual boards are made of: what a board is, its settings, clock and memories, and what a tool prints on.

pub(in crate::bench) mod board;
pub(in crate::bench) mod clock;
pub(in crate::bench) mod console;
pub(in crate::bench) mod dfu_board;
pub(in crate::bench) mod flash;
pub(in crate::bench) mod image;
pub(in crate::bench) mod memory;
pub(in crate::bench) mod memory_image;
pub(in crate::bench) mod memory_layout;
pub(in crate::bench) mod mishaps;
pub(in crate::bench) mod model;
pub(in crate::bench) mod nor;
pub(in crate::bench) mod partition;
pub(in crate::bench) mod schedule;
pub(in crate::bench) mod settings;
pub(in crate::bench) mod watched;
