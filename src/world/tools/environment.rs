//! The variables a tool is started with.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::Surroundings;
use crate::documents::catalog::{Catalog, Tool};
use crate::world::scratch::is_writable;

/// Changes to the inherited environment; what is removed and set is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolEnvironment {
    pub set: BTreeMap<String, OsString>,
    pub remove: Vec<String>,
}

/// What the catalog says for all tools, then what it says for this one, then what it says for one without a home folder
/// it can write to. `{scratch}` becomes the run's private folder.
pub fn tool_environment(
    catalog: &Catalog,
    tool: &Tool,
    scratch: &Path,
    surroundings: &Surroundings,
) -> ToolEnvironment {
    let mut set: BTreeMap<&str, &str> = BTreeMap::new();
    let mut add = |variables| {
        let pairs: &BTreeMap<String, String> = variables;
        set.extend(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    };
    add(&catalog.environment_set);
    add(&tool.environment);
    // Asked only where the answer matters, because finding out means making a file.
    if !tool.environment_without_home.is_empty() && !surroundings.home.as_deref().is_some_and(is_writable) {
        add(&tool.environment_without_home);
    }
    ToolEnvironment {
        set: set.into_iter().map(|(name, value)| (name.to_owned(), with_scratch(value, scratch))).collect(),
        remove: catalog.environment_remove.clone(),
    }
}

/// Keeps a path that is not Unicode as it is.
fn with_scratch(value: &str, scratch: &Path) -> OsString {
    let mut filled = OsString::new();
    for (index, part) in value.split("{scratch}").enumerate() {
        if index > 0 {
            filled.push(scratch);
        }
        filled.push(part);
    }
    filled
}
