//! The catalog: what `vendor-tools.toml` says about each vendor tool. Finding and running them is for higher floors.

mod changes;
mod guard;
#[cfg(test)]
mod guard_tests;
mod image_folders;
mod installer;
mod load;
#[cfg(test)]
mod load_tests;
mod pattern;
mod read_judging;
mod read_tool;
mod tool;
mod winning;

pub use changes::{Change, changes};
pub use guard::{
    CallFacts, CallFiles, ChosenNode, Doubt, Fuse, Kind, Looked, OptionValues, Reason, fuse_of, knows_chip, look,
    may_import, may_name, may_stage, named_as, never_chosen, option_values, rules, says_to_be, special,
};
pub use image_folders::ImageFolders;
pub use installer::Installer;
pub use load::{load, merge, shipped, shipped_source};
pub use pattern::Pattern;
pub use tool::{
    ArgumentPlace, ArgumentRule, Catalog, Chip, Command, Driver, Excuses, FaultPattern, Flavour, FuseArguments,
    HID_NODE, LIBUSB_PORT, Menu, MissingEvidence, OperatingSystem, PORT, PerOperatingSystem, ProgressPattern,
    RegionArguments, RegionBegin, SERIAL, StatusPattern, SuccessCount, Times, Tool, VersionProbe, Via, Warm,
    without_programs,
};
pub use winning::{never_decide, samples_of};

use crate::documents::keys::Keys;

/// The JSON schema of catalogs.
pub fn schema() -> serde_json::Value {
    crate::documents::schema::schema(load::CatalogKeys::kind())
}
