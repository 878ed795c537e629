//! Floor 3: every effect. The engine sees the world through [`World`]; [`crate::bench`] has a second one.

mod contract;

pub use contract::{
    Access, Ask, AttachedDevice, DeviceList, Interrupt, Reply, RunningTool, StopTool, ToolCall, ToolEvent, World,
};
