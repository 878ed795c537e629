//! What the search for tools sees of the person's computer.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::documents::catalog::OperatingSystem;

/// Where a Linux tells which one it is.
const OS_RELEASE: &str = "/etc/os-release";

/// A value, so that a search can be tried without touching this process's own environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    pub system: OperatingSystem,
    /// `ID` and `VERSION_ID` of os-release, with a blank between them.
    pub release: Option<String>,
    /// Environment variables.
    pub variables: BTreeMap<String, OsString>,
    pub current_folder: PathBuf,
    pub home: Option<PathBuf>,
    /// The folder that this program lies in.
    pub own_folder: Option<PathBuf>,
    /// The value of PATH.
    pub search_path: Option<OsString>,
}

impl Surroundings {
    /// Variables whose names are not Unicode are left out: no catalog can name them.
    pub fn of_this_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Surroundings {
            system: OperatingSystem::current(),
            release: std::fs::read_to_string(OS_RELEASE).ok().and_then(|text| release(&text)),
            variables: variables.collect(),
            current_folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            own_folder: std::env::current_exe().ok().and_then(|program| folder_of(&program)),
            search_path: own_search_path(),
        }
    }

    /// A path as the person gave it, which may be relative to the current folder.
    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        self.current_folder.join(path)
    }

    /// The value of a variable that is set to something. Windows does not tell `ProgramFiles` from `PROGRAMFILES`.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        let value = self.variables.get(name).or_else(|| {
            let same = |(known, _): &(&String, &OsString)| known.eq_ignore_ascii_case(name);
            let windows = self.system == OperatingSystem::Windows;
            self.variables.iter().filter(|_| windows).find(same).map(|(_, value)| value)
        });
        value.map(OsString::as_os_str).filter(|value| !value.is_empty())
    }
}

/// Where a program lies with what was installed together with it. pipx and Homebrew put a link into a folder of PATH, which not
/// every system has followed before it tells a process its own path.
fn folder_of(program: &Path) -> Option<PathBuf> {
    let linked = program.parent()?;
    let program = std::fs::read_link(program).map_or_else(|_| program.to_owned(), |target| linked.join(target));
    program.parent().map(Path::to_owned)
}

/// Where this process looks for programs. An empty or relative entry would be the current folder, which may be one of
/// downloads: there are none here.
pub(in crate::world) fn own_search_path() -> Option<OsString> {
    std::env::var_os("PATH").and_then(|path| without_relative(&path))
}

fn without_relative(search_path: &OsStr) -> Option<OsString> {
    let kept: Vec<PathBuf> = std::env::split_paths(search_path).filter(|folder| folder.is_absolute()).collect();
    // No folder at all, joined, would be an empty entry.
    (!kept.is_empty()).then(|| std::env::join_paths(kept).unwrap_or_default())
}

/// `ubuntu 22.04` of an os-release file; without a version, such as on systems that are never released, the name alone.
fn release(text: &str) -> Option<String> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned())
    };
    let id = value("ID")?;
    Some(match value("VERSION_ID") {
        Some(version) => format!("{id} {version}"),
        None => id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn no_entry_of_the_search_path_means_the_current_folder() {
        let kept = |path: &str| without_relative(path.as_ref()).map(|path| path.into_string().unwrap());
        assert_eq!(kept("/usr/bin::/bin:.:tools:").as_deref(), Some("/usr/bin:/bin"));
        assert_eq!([kept(""), kept("."), kept(":")], [None, None, None]);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_leads_to_the_folder_where_the_program_was_installed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["bin", "venv"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        std::fs::write(path("venv/recover"), "").unwrap();
        std::os::unix::fs::symlink(path("venv/recover"), path("bin/pipx")).unwrap();
        std::os::unix::fs::symlink("../venv/recover", path("bin/brew")).unwrap();
        assert_eq!(folder_of(&path("venv/recover")), Some(path("venv")));
        assert_eq!(folder_of(&path("bin/pipx")), Some(path("venv")));
        let of_brew = folder_of(&path("bin/brew")).unwrap();
        assert_eq!(of_brew.canonicalize().unwrap(), path("venv").canonicalize().unwrap());
    }

    #[test]
    fn reads_which_linux_it_is() {
        let text = "NAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nID=ubuntu\nID_LIKE=debian\n";
        assert_eq!(release(text).as_deref(), Some("ubuntu 22.04"));
        assert_eq!(release("NAME=x\nID='arch'\n").as_deref(), Some("arch"));
        assert_eq!(release("NAME=x\n"), None);
    }

    #[test]
    fn variables_of_windows_are_found_however_they_are_written() {
        let of = |system| Surroundings {
            system,
            variables: [("ProgramFiles".to_owned(), "C:/Programs".into()), ("EMPTY".to_owned(), "".into())].into(),
            ..Surroundings::default()
        };
        let windows = of(OperatingSystem::Windows);
        assert_eq!(windows.variable("PROGRAMFILES"), Some("C:/Programs".as_ref()));
        assert_eq!(windows.variable("EMPTY"), None);
        assert_eq!(of(OperatingSystem::Linux).variable("PROGRAMFILES"), None);
    }
}
