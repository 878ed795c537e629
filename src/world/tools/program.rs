//! Program files: which of them can be run.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The programs of this name in the folders of a PATH-like value, in their order. On Windows the extensions of PATHEXT are
/// tried.
pub(super) fn in_search_path(name: &OsStr, search_path: &OsStr, current_folder: &Path) -> Vec<PathBuf> {
    which::which_in_all(name, Some(search_path), current_folder).map(Iterator::collect).unwrap_or_default()
}

/// The program of this name in this folder.
pub(super) fn in_folder(name: &str, folder: &Path) -> Option<PathBuf> {
    at(&folder.join(name))
}

/// The program at this path, on Windows also with an extension added; nothing if it cannot be run.
pub(super) fn at(path: &Path) -> Option<PathBuf> {
    which::which_in(path, None::<OsString>, "").ok()
}
