//! Floor 5: virtual boards and the mock tools that act on them.

mod board;
mod console;
mod flash;
mod memory_layout;
pub mod mock;
mod stm32_fault;
mod stm32_rom;

pub use board::{BenchError, BoardModel, BusDevice, FaultName, Region, VirtualImage};
pub use console::Console;
pub use flash::{Flash, NotWritable};
pub use memory_layout::{MemoryLayout, MemoryLayoutError, Segment};
pub use stm32_fault::Stm32Fault;
pub use stm32_rom::{Answer, DfuDevice, Share, Stm32Rom, Stm32RomSettings};
