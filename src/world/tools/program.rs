//! Program files: which of them can be run.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::documents::catalog::OperatingSystem;

/// What lies under a program's name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lying {
    Runnable(PathBuf),
    /// A download that lost its mode, most often.
    NotExecutable(PathBuf),
}

/// The programs of this name in the folders of a PATH-like value, in their order. On Windows the extensions of PATHEXT are
/// tried.
pub(super) fn in_search_path(name: &OsStr, search_path: &OsStr, current_folder: &Path) -> Vec<PathBuf> {
    which::which_in_all(name, Some(search_path), current_folder).map(Iterator::collect).unwrap_or_default()
}

/// The first program of this name in the folders of a search path. What the path names relative to the current folder does not
/// count: it is whoever's.
pub(in crate::world) fn absolute_in(name: &str, search_path: &OsStr) -> Option<PathBuf> {
    in_search_path(OsStr::new(name), search_path, Path::new("")).into_iter().find(|path| path.is_absolute())
}

/// What lies under this name in this folder.
pub(super) fn in_folder(name: &str, folder: &Path, system: OperatingSystem) -> Option<Lying> {
    let paths = match system {
        OperatingSystem::Windows => vec![folder.join(format!("{name}.exe")), folder.join(name)],
        OperatingSystem::Linux | OperatingSystem::Macos => vec![folder.join(name)],
    };
    let runnable = paths.iter().find_map(|path| at(path)).map(Lying::Runnable);
    runnable.or_else(|| paths.into_iter().find(|path| path.is_file()).map(Lying::NotExecutable))
}

/// The program at this path, on Windows also with an extension added; nothing if it cannot be run.
pub(in crate::world) fn at(path: &Path) -> Option<PathBuf> {
    which::which_in(path, None::<OsString>, "").ok()
}
