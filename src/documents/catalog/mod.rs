//! The catalog: what `vendor-tools.toml` says about each vendor tool. Finding and running them is for higher floors.

mod tool;

pub use tool::{
    ArgumentRule, Catalog, Command, FaultPattern, Flavour, OperatingSystem, PerOperatingSystem, ProgressPattern,
    StatusPattern, Tool, VersionProbe,
};
