//! Floor 5: virtual boards and the mock tools that act on them.

mod board;

pub use board::{BenchError, BoardModel, BusDevice, FaultName, Region, VirtualImage};
