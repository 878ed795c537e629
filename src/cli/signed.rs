//! Packages of playbooks that somebody has signed: a manifest of digests, its signature, and the keys that count.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::cli::configuration::Configuration;
use crate::documents::manifest::{MANIFEST_FILE, Manifest, ManifestError, SIGNATURE_FILE};
use crate::words::Source;
use crate::world::{TrustedKey, open_file, sha256_of_bytes};

/// Of a manifest, and of a signature: more files than any package has.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The keys that count, and the packages that were found so far.
#[derive(Debug)]
pub(super) struct Signed {
    keys: Vec<TrustedKey>,
    /// Why there are no keys, or fewer than there are files of them.
    about_keys: Vec<String>,
    /// By the folder of the manifest.
    packages: RefCell<BTreeMap<PathBuf, Result<Rc<Package>, NotSigned>>>,
}

#[derive(Debug)]
struct Package {
    manifest: Manifest,
    /// What the signer wrote under the signature.
    comment: String,
}

/// Why a document does not count as signed.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum NotSigned {
    #[error("{} is not signed: there is no {MANIFEST_FILE} beside it", document.display())]
    NoManifest { document: PathBuf },
    #[error("{} is not signed: {MANIFEST_FILE} does not name `{below}`", document.display())]
    NotNamed { document: PathBuf, below: String },
    #[error("{} is not what was signed: it was changed afterwards", document.display())]
    Changed { document: PathBuf },
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: Arc<io::Error> },
    #[error("{} is no file", path.display())]
    NoFile { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Manifest { path: PathBuf, source: ManifestError },
    #[error("{} is not signed by a key that counts: {why}", path.display())]
    OtherKey { path: PathBuf, why: String },
}

fn unreadable(path: &Path, source: io::Error) -> NotSigned {
    NotSigned::Unreadable { path: path.to_owned(), source: Arc::new(source) }
}

impl Signed {
    pub(super) fn by(key: TrustedKey) -> Signed {
        Signed { keys: vec![key], about_keys: Vec::new(), packages: RefCell::default() }
    }

    /// By one of the keys that the user trusts.
    pub(super) fn by_trusted_keys(configuration: &Configuration) -> Signed {
        let (keys, mut about_keys) = configuration.keys();
        if keys.is_empty() {
            about_keys.push(match configuration.keys_folder() {
                Some(folder) => format!("There is no trusted key: put the owner's into {}.", folder.display()),
                None => "There is no trusted key: no folder for it is known, because HOME is not set.".to_owned(),
            });
        }
        Signed { keys, about_keys, packages: RefCell::default() }
    }

    /// What the person should know of the keys.
    pub(super) fn about_keys(&self) -> &[String] {
        &self.about_keys
    }

    /// Is this very text what was signed under this path? Answers with the signer's comment, or why not.
    pub(super) fn covers(&self, document: &Arc<Source>) -> Result<String, NotSigned> {
        let path = Path::new(&document.name);
        let (folder, name) = place(path)?;
        let Some(home) = folder.ancestors().find(|folder| folder.join(MANIFEST_FILE).is_file()) else {
            return Err(NotSigned::NoManifest { document: path.to_owned() });
        };
        let mut packages = self.packages.borrow_mut();
        let package = packages.entry(home.to_owned()).or_insert_with(|| self.package(home).map(Rc::new));
        let package = Rc::clone(package.as_ref().map_err(Clone::clone)?);
        let below = below(home, &folder, &name);
        let named = || path.to_owned();
        match package.manifest.digest(&below) {
            None => Err(NotSigned::NotNamed { document: named(), below }),
            Some(digest) if digest == sha256_of_bytes(document.text.as_bytes()) => Ok(package.comment.clone()),
            Some(_) => Err(NotSigned::Changed { document: named() }),
        }
    }

    fn package(&self, home: &Path) -> Result<Package, NotSigned> {
        let (path, signature_path) = (home.join(MANIFEST_FILE), home.join(SIGNATURE_FILE));
        let text = read(&path).map_err(|error| unreadable(&path, error))?;
        let signature = read(&signature_path).map_err(|error| unreadable(&signature_path, error))?;
        let mut why = "no key is trusted".to_owned();
        for key in &self.keys {
            match key.verify(text.as_bytes(), &signature) {
                Ok(comment) => {
                    let manifest =
                        Manifest::read(&text).map_err(|source| NotSigned::Manifest { path: path.clone(), source })?;
                    return Ok(Package { manifest, comment });
                }
                Err(problem) => why = problem.to_string(),
            }
        }
        Err(NotSigned::OtherKey { path, why })
    }
}

/// The folder of a file without links, and the file's own name: what it is called is part of what was signed.
fn place(path: &Path) -> Result<(PathBuf, String), NotSigned> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(|error| unreadable(folder, error))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.map(|name| (folder, name)).ok_or_else(|| NotSigned::NoFile { path: path.to_owned() })
}

/// The path as the manifest has it.
fn below(home: &Path, folder: &Path, name: &str) -> String {
    let between = folder.strip_prefix(home).unwrap_or(Path::new("")).components();
    let parts = between.filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
    });
    parts.chain([name.to_owned()]).collect::<Vec<_>>().join("/")
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open_file(path)?.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
