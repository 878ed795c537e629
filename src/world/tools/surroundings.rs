//! What the search for tools sees of the person's computer.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A value, so that a search can be tried without touching this process's own environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Environment variables.
    pub variables: BTreeMap<String, OsString>,
    pub current_folder: PathBuf,
    pub home: Option<PathBuf>,
    /// The value of PATH.
    pub search_path: Option<OsString>,
}

impl Surroundings {
    /// Variables whose names are not Unicode are left out: no catalog can name them.
    pub fn of_this_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Surroundings {
            variables: variables.collect(),
            current_folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            search_path: std::env::var_os("PATH"),
        }
    }

    /// A path as the person gave it, which may be relative to the current folder.
    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        self.current_folder.join(path)
    }
}
