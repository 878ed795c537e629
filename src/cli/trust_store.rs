//! What the user has agreed to: catalogs by path and digest, and what playbooks may do.
//!
//! A file that is damaged, or that somebody else may write, says nothing: then everything is asked again, and the next answer
//! replaces it as a whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::places::read_own;
use crate::documents::playbook::{MayDo, MemoryRange};
use crate::world::{sha256_of_bytes, write_whole};

const FORMAT: u32 = 1;
/// Of each kind; the oldest is forgotten first.
const ENTRIES_MAX: usize = 500;

/// The user's agreements.
#[derive(Debug)]
pub(super) struct TrustStore {
    path: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("no folder for the user's configuration is known, because HOME is not set")]
    NoFolder,
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
}

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Agreed {
    format: u32,
    catalogs: Vec<AgreedCatalog>,
    playbooks: Vec<AgreedPlaybook>,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AgreedCatalog {
    path: String,
    sha256: String,
}

/// What one playbook may do, by the digest of each thing, so that a shorter list is known as well.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AgreedPlaybook {
    path: String,
    deeds_sha256: BTreeSet<String>,
    memories: Vec<MemoryRange>,
}

/// What of a list nobody has agreed to yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) deeds: Vec<usize>,
    pub(super) ranges: Vec<usize>,
}

impl News {
    pub(super) fn is_nothing(&self) -> bool {
        self.deeds.is_empty() && self.ranges.is_empty()
    }
}

impl TrustStore {
    pub(super) fn at(path: Option<PathBuf>) -> TrustStore {
        TrustStore { path }
    }

    /// Is it this file, with this very text?
    pub(super) fn trusts_catalog(&self, real_path: &Path, text: &str) -> bool {
        let (path, sha256) = (word(real_path), sha256_of_bytes(text.as_bytes()));
        self.read().catalogs.iter().any(|known| known.path == path && known.sha256 == sha256)
    }

    pub(super) fn trust_catalog(&self, real_path: &Path, text: &str) -> Result<(), StoreError> {
        let (path, sha256) = (word(real_path), sha256_of_bytes(text.as_bytes()));
        self.change(|agreed| {
            agreed.catalogs.retain(|known| known.path != path);
            agreed.catalogs.push(AgreedCatalog { path, sha256 });
        })
    }

    /// Takes trust back; false where there was none.
    pub(super) fn forget_catalog(&self, real_path: &Path) -> Result<bool, StoreError> {
        let path = word(real_path);
        if !self.read().catalogs.iter().any(|known| known.path == path) {
            return Ok(false);
        }
        self.change(|agreed| agreed.catalogs.retain(|known| known.path != path))?;
        Ok(true)
    }

    /// What of this the user has not agreed to for the playbook at this path.
    pub(super) fn news(&self, playbook: &Path, may_do: &MayDo) -> News {
        let (path, agreed) = (word(playbook), self.read());
        let known = agreed.playbooks.iter().find(|known| known.path == path);
        let agreed_to = |deed: &String| known.is_some_and(|known| known.deeds_sha256.contains(deed));
        let covered =
            |range: &MemoryRange| known.is_some_and(|known| known.memories.iter().any(|agreed| agreed.covers(range)));
        let digests = digests(may_do);
        News {
            deeds: (0..digests.len()).filter(|index| !agreed_to(&digests[*index])).collect(),
            ranges: (0..may_do.ranges.len()).filter(|index| !covered(&may_do.ranges[*index])).collect(),
        }
    }

    /// Adds to what the playbook at this path may do.
    pub(super) fn agree(&self, playbook: &Path, may_do: &MayDo) -> Result<(), StoreError> {
        let path = word(playbook);
        self.change(|agreed| {
            let before = agreed.playbooks.iter().position(|known| known.path == path);
            let mut known = match before {
                Some(index) => agreed.playbooks.remove(index),
                None => AgreedPlaybook { path, deeds_sha256: BTreeSet::new(), memories: Vec::new() },
            };
            known.deeds_sha256.extend(digests(may_do));
            known.memories.retain(|range| !may_do.ranges.iter().any(|new| new.covers(range)));
            known.memories.extend(may_do.ranges.iter().cloned());
            agreed.playbooks.push(known);
        })
    }

    /// Nothing where there is nothing to rely on.
    fn read(&self) -> Agreed {
        let Some(path) = &self.path else { return Agreed::default() };
        let Ok(document) = read_own(path) else { return Agreed::default() };
        if document.foreign.is_some() {
            return Agreed::default();
        }
        let read = serde_json::from_str::<Agreed>(&document.source.text);
        read.ok().filter(|agreed| agreed.format == FORMAT).unwrap_or_default()
    }

    fn change(&self, change: impl FnOnce(&mut Agreed)) -> Result<(), StoreError> {
        let path = self.path.as_ref().ok_or(StoreError::NoFolder)?;
        let unwritable = |source| StoreError::Unwritable { path: path.clone(), source };
        // What has come meanwhile stays.
        let mut agreed = self.read();
        change(&mut agreed);
        agreed.format = FORMAT;
        keep_last(&mut agreed.catalogs);
        keep_last(&mut agreed.playbooks);
        let text = serde_json::to_string_pretty(&agreed).map_err(|error| unwritable(error.into()))?;
        write_whole(path, format!("{text}\n").as_bytes()).map_err(unwritable)
    }
}

fn keep_last<T>(entries: &mut Vec<T>) {
    let spare = entries.len().saturating_sub(ENTRIES_MAX);
    entries.drain(..spare);
}

fn word(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Of each thing the playbook may do.
fn digests(may_do: &MayDo) -> Vec<String> {
    may_do.deeds.iter().map(|deed| sha256_of_bytes(deed.to_string().as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::Deed;

    fn store(folder: &Path) -> TrustStore {
        TrustStore::at(Some(folder.join("recover/trusted.json")))
    }

    fn may_do(tools: &[&str], to: u64) -> MayDo {
        let deeds = tools.iter().map(|tool| Deed::RunTool((*tool).to_owned())).collect();
        MayDo { deeds, ranges: vec![MemoryRange { tool: "a".to_owned(), from: 0, to: Some(to) }] }
    }

    #[test]
    fn a_catalog_is_trusted_as_it_is_and_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
        let store = store(folder.path());
        assert!(!store.trusts_catalog(&path, "text"));
        store.trust_catalog(&path, "text").unwrap();
        assert!(store.trusts_catalog(&path, "text"));
        assert!(!store.trusts_catalog(&path, "text "));
        assert!(!store.trusts_catalog(&other, "text"));
        store.trust_catalog(&path, "changed").unwrap();
        assert!(!store.trusts_catalog(&path, "text"), "an older one may be the one with the fault");
        assert!(store.forget_catalog(&path).unwrap());
        assert!(!store.forget_catalog(&path).unwrap());
        assert!(!store.trusts_catalog(&path, "changed"));
    }

    #[test]
    fn only_a_longer_list_is_news() {
        let folder = tempfile::tempdir().unwrap();
        let (store, path) = (store(folder.path()), folder.path().join("p.yaml"));
        assert!(!store.news(&path, &may_do(&["a"], 9)).is_nothing());
        store.agree(&path, &may_do(&["a", "b"], 9)).unwrap();
        assert!(store.news(&path, &may_do(&["a", "b"], 9)).is_nothing());
        assert!(store.news(&path, &may_do(&["b"], 5)).is_nothing());
        assert_eq!(store.news(&path, &may_do(&["b", "c"], 5)), News { deeds: vec![1], ranges: Vec::new() });
        assert_eq!(store.news(&path, &may_do(&["b"], 10)), News { deeds: Vec::new(), ranges: vec![0] });
        assert!(!store.news(&folder.path().join("q.yaml"), &may_do(&["a"], 9)).is_nothing());
        store.agree(&path, &may_do(&["c"], 20)).unwrap();
        assert!(store.news(&path, &may_do(&["a", "b", "c"], 20)).is_nothing());
    }

    #[test]
    fn what_is_damaged_says_nothing_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (store, path) = (store(folder.path()), folder.path().join("a.toml"));
        store.trust_catalog(&path, "text").unwrap();
        let file = folder.path().join("recover/trusted.json");
        let whole = std::fs::read_to_string(&file).unwrap();
        for damaged in [&whole[..whole.len() / 2], "", "[]", "\u{0}", &whole.replace("\"format\": 1", "\"format\": 2")]
        {
            std::fs::write(&file, damaged).unwrap();
            assert!(!store.trusts_catalog(&path, "text"), "{damaged}");
        }
        store.trust_catalog(&path, "text").unwrap();
        assert!(store.trusts_catalog(&path, "text"));
    }

    #[cfg(unix)]
    #[test]
    fn what_everybody_may_write_says_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (store, path) = (store(folder.path()), folder.path().join("a.toml"));
        store.trust_catalog(&path, "text").unwrap();
        let file = folder.path().join("recover/trusted.json");
        for (changed, open, closed) in [(&file, 0o666, 0o600), (&folder.path().join("recover"), 0o1777, 0o755)] {
            std::fs::set_permissions(changed, std::fs::Permissions::from_mode(open)).unwrap();
            assert!(!store.trusts_catalog(&path, "text"));
            std::fs::set_permissions(changed, std::fs::Permissions::from_mode(closed)).unwrap();
            assert!(store.trusts_catalog(&path, "text"));
        }
    }

    #[test]
    fn where_nothing_can_be_kept_that_is_said() {
        let path = Path::new("a.toml");
        let nowhere = TrustStore::at(None);
        assert!(!nowhere.trusts_catalog(path, "text"));
        assert!(nowhere.trust_catalog(path, "text").unwrap_err().to_string().contains("HOME is not set"));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("recover"), "a file").unwrap();
        let told = store(folder.path()).trust_catalog(path, "text").unwrap_err().to_string();
        assert!(told.contains("trusted.json cannot be written"), "{told}");
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut entries: Vec<usize> = (0..ENTRIES_MAX + 2).collect();
        keep_last(&mut entries);
        assert_eq!((entries.len(), entries[0]), (ENTRIES_MAX, 2));
    }
}
