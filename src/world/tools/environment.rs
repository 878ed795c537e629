//! The variables a tool is started with.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
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

/// What stands for the folder of a tool's program until it is known which program that is.
const PROGRAM_FOLDER: &str = "{program_folder}";

impl ToolEnvironment {
    /// The environment for the program that was found: `{program_folder}` becomes the folder it really lies in, where a
    /// link to it leads.
    pub fn beside(mut self, program: &OsStr) -> Self {
        let program = Path::new(program);
        // Only links are followed: resolving changes the form of plain paths on Windows, which some programs cannot read.
        let real = program.is_symlink().then(|| program.canonicalize().ok()).flatten();
        let folder = real.as_deref().unwrap_or(program).parent().unwrap_or(Path::new(""));
        for value in self.set.values_mut() {
            if let Some(text) = value.to_str().filter(|text| text.contains(PROGRAM_FOLDER)) {
                *value = filled_in(text, PROGRAM_FOLDER, folder);
            }
        }
        self
    }
}

/// What the catalog says for all tools, then what it says for this one, then what it says for one without a home folder
/// it can write to. `{scratch}` becomes the run's private folder; `{program_folder}` is left to
/// [`ToolEnvironment::beside`].
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
        set: set.into_iter().map(|(name, value)| (name.to_owned(), filled_in(value, "{scratch}", scratch))).collect(),
        remove: catalog.environment_remove.clone(),
    }
}

/// Keeps a path that is not Unicode as it is.
pub(super) fn filled_in(value: &str, blank: &str, folder: &Path) -> OsString {
    let mut filled = OsString::new();
    for (index, part) in value.split(blank).enumerate() {
        if index > 0 {
            filled.push(folder);
        }
        filled.push(part);
    }
    filled
}
