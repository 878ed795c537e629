//! Where logs of runs are kept, and how their files are named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folder for logs on this system; none when the environment says nothing about the user.
pub fn default_folder() -> Option<PathBuf> {
    folder_by(|name| std::env::var_os(name))
}

fn folder_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The XDG specification: a relative path there is to be ignored.
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        Some(folder("LOCALAPPDATA")?.join("recover").join("runs"))
    } else if cfg!(target_os = "macos") {
        Some(folder("HOME")?.join("Library/Logs/recover"))
    } else {
        let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
        Some(state.join("recover/runs"))
    }
}

/// The playbook's name, fit for a file name everywhere.
pub(super) fn file_name_part(playbook: &str) -> String {
    const LENGTH_MAX: usize = 40;
    let stem = Path::new(playbook).file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let name: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
        .take(LENGTH_MAX)
        .collect();
    if name.is_empty() { "playbook".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn follows_the_xdg_base_directories() {
        let with = |state: Option<&str>, home: Option<&str>| {
            folder_by(|name| match name {
                "XDG_STATE_HOME" => state.map(OsString::from),
                "HOME" => home.map(OsString::from),
                _ => None,
            })
        };
        assert_eq!(with(Some("/state"), Some("/home/a")), Some("/state/recover/runs".into()));
        assert_eq!(with(Some("relative"), Some("/home/a")), Some("/home/a/.local/state/recover/runs".into()));
        assert_eq!(with(None, None), None);
    }

    #[test]
    fn names_files_after_the_playbook() {
        assert_eq!(file_name_part("boards/my board.yaml"), "my_board");
        assert_eq!(file_name_part("rt1062"), "rt1062");
        assert_eq!(file_name_part(".."), "playbook");
    }
}
