//! The user's own configuration folder: what lies in it, and what counts of it.

use std::path::{Path, PathBuf};

use crate::cli::places::{OwnDocument, PlaceError, read_own};
use crate::documents::catalog::OperatingSystem;
use crate::documents::settings::UserSettings;
use crate::words::{Code, Diagnostic};
use crate::world::{Foreign, SignatureProblem, Surroundings, TrustedKey};

const CATALOG_FILE: &str = "vendor-tools.toml";
const SETTINGS_FILE: &str = "settings.toml";
const TRUST_FILE: &str = "trusted.json";
const KEYS_FOLDER: &str = "trusted-keys";
const KEY_ENDING: &str = "pub";
/// More keys than a bench has owners.
const KEYS_MAX: usize = 100;

/// Where the user's own files are; none where the system says nothing about the user.
#[derive(Debug, Clone)]
pub(super) struct Configuration {
    folder: Option<PathBuf>,
}

impl Configuration {
    pub(super) fn of(surroundings: &Surroundings) -> Configuration {
        // The XDG specification: a relative path there is to be ignored; it would make any folder the user's own.
        let variable = |name: &str| surroundings.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || surroundings.home.clone().filter(|home| home.is_absolute());
        let folder = match surroundings.system {
            OperatingSystem::Windows => variable("APPDATA"),
            OperatingSystem::Macos => home().map(|home| home.join("Library/Application Support")),
            OperatingSystem::Linux => variable("XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config"))),
        };
        Configuration { folder: folder.map(|folder| folder.join("recover")) }
    }

    pub(super) fn catalog(&self) -> Option<PathBuf> {
        self.file(CATALOG_FILE)
    }

    /// What the user has agreed to.
    pub(super) fn trust_file(&self) -> Option<PathBuf> {
        self.file(TRUST_FILE)
    }

    pub(super) fn keys_folder(&self) -> Option<PathBuf> {
        self.file(KEYS_FOLDER)
    }

    /// The file of settings, where there is one.
    pub(super) fn settings_file(&self) -> Option<PathBuf> {
        self.file(SETTINGS_FILE).filter(|path| path.symlink_metadata().is_ok())
    }

    /// A file of settings that cannot be read may have forbidden something, so it is a fault.
    ///
    /// With what is wrong with settings for which something else can hold.
    pub(super) fn settings(&self) -> Result<(UserSettings, Vec<Diagnostic>), Vec<Diagnostic>> {
        let Some(path) = self.settings_file() else { return Ok((UserSettings::default(), Vec::new())) };
        let source =
            read_own(&path).map_err(|error| vec![Diagnostic::of_document(Code::Unreadable, error.to_string())])?.source;
        UserSettings::read(&source)
    }

    /// The keys that the user trusts, and why others in their folder do not count.
    pub(super) fn keys(&self) -> (Vec<TrustedKey>, Vec<String>) {
        let (mut keys, mut passed_over) = (Vec::new(), Vec::new());
        let entries = self.keys_folder().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == KEY_ENDING));
        paths.sort();
        for path in paths.into_iter().take(KEYS_MAX) {
            match read_key(&path) {
                Ok(key) => keys.push(key),
                Err(reason) => passed_over.push(format!("{} does not count as a key: {reason}", path.display())),
            }
        }
        (keys, passed_over)
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(name))
    }
}

/// Why something is no key that counts.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKey {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("{0}")]
    Foreign(Foreign),
    #[error(transparent)]
    Key(#[from] SignatureProblem),
    #[error("`{0}` is neither a public key of minisign nor a file with one")]
    Neither(String),
}

fn read_key(path: &Path) -> Result<TrustedKey, NoKey> {
    let document = read_own(path)?;
    if let Some(foreign) = document.foreign {
        return Err(NoKey::Foreign(foreign));
    }
    Ok(TrustedKey::read(&document.source.text)?)
}

/// A key as it is given on the command line: itself, or the path of its file.
pub(super) fn key_of(given: &str) -> Result<TrustedKey, NoKey> {
    let text = match read_own(Path::new(given)) {
        Ok(document) => document.source.text.clone(),
        Err(PlaceError::Unreadable { .. }) => given.to_owned(),
        Err(error) => return Err(error.into()),
    };
    TrustedKey::read(&text).map_err(|_| NoKey::Neither(given.to_owned()))
}

/// The catalog that the user has in the configuration folder; `None` where there is none.
pub(super) fn own_catalog(configuration: &Configuration) -> Result<Option<OwnDocument>, PlaceError> {
    configuration.catalog().filter(|path| path.is_file()).map(|path| read_own(&path)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_known_of_the_user_nothing_is_the_users_own() {
        let nobody = Configuration::of(&Surroundings::default());
        assert_eq!((nobody.catalog(), nobody.trust_file(), nobody.keys_folder()), (None, None, None));
        assert_eq!(nobody.settings(), Ok((UserSettings::default(), Vec::new())));
        assert!(nobody.keys().0.is_empty());
        let relative = |home: &str| Surroundings { home: Some(home.into()), ..Surroundings::default() };
        assert_eq!(Configuration::of(&relative(".")).catalog(), None);
        assert_eq!(Configuration::of(&relative("")).catalog(), None);
        assert!(Configuration::of(&relative("/home/a")).catalog().is_some() || cfg!(windows));
    }
}
