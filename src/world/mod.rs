//! Floor 3: every effect. The engine sees the world through [`World`]; [`crate::bench`] has a second one.

mod contract;
pub mod process;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

pub use contract::{
    Access, Ask, AttachedDevice, DeviceList, Interrupt, Reply, RunningTool, StopTool, ToolCall, ToolEvent, World,
};
