//! Where the documents of a run come from: playbooks by path or shipped name, and others by path.

use std::cell::RefCell;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::documents::library::{nearest_board, shipped_boards, shipped_family, shipped_playbook};
use crate::documents::playbook::{Loaded, load};
use crate::documents::scene::SCENE_BYTES_MAX;
use crate::words::Source;
use crate::world::open_file;

/// Nobody writes a document of this size; larger ones are not even read.
const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A playbook's text and where it is from.
#[derive(Debug, Clone)]
pub(super) struct FoundPlaybook {
    pub(super) source: Arc<Source>,
    /// The folder that families may be taken from; none for shipped ones.
    folder: Option<PathBuf>,
}

/// Why a document named on the command line cannot be had. The command line is at fault, not the document.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("there is no playbook `{name}`, neither as a file nor among the shipped ones ({known})")]
    Unknown { name: String, known: String, near: Option<&'static str> },
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("{path} has more than {bytes_max} bytes: that is no {kind}")]
    TooLarge { path: String, bytes_max: u64, kind: &'static str },
    #[error("{path} is not a text in UTF-8")]
    NotText { path: String },
}

impl PlaceError {
    /// Is the document itself at fault?
    pub(super) fn of_document(&self) -> bool {
        matches!(self, PlaceError::TooLarge { .. } | PlaceError::NotText { .. })
    }
}

impl FoundPlaybook {
    pub(super) fn is_shipped(&self) -> bool {
        self.folder.is_none()
    }

    /// Reads it, with the family it may use.
    pub(super) fn load(&self) -> Loaded {
        load(&self.source, &|path| self.family(path))
    }

    /// The families it uses, by the paths by which it names them.
    pub(super) fn families(&self) -> Vec<(String, Arc<Source>)> {
        let used = RefCell::new(Vec::new());
        load(&self.source, &|path| {
            let family = self.family(path)?;
            used.borrow_mut().push((path.to_owned(), Arc::clone(&family)));
            Ok(family)
        });
        used.into_inner()
    }

    /// Families of the person's own lie beside or below the playbook; shipped ones are there for all.
    fn family(&self, path: &str) -> Result<Arc<Source>, String> {
        if let Some(folder) = &self.folder
            && let Some(source) = read_below(folder, path)?
        {
            return Ok(source);
        }
        shipped_family(path).ok_or_else(|| "there is no such file, and none of that name is shipped".to_owned())
    }
}

/// A document that another one in this folder names; `None` when there is no such file.
pub(super) fn read_below(folder: &Path, path: &str) -> Result<Option<Arc<Source>>, String> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Err("it has to be below the document's own folder".to_owned());
    }
    let file = folder.join(path);
    if !file.is_file() {
        return Ok(None);
    }
    let real = file.canonicalize().map_err(|error| error.to_string())?;
    let home = folder.canonicalize().map_err(|error| error.to_string())?;
    if !real.starts_with(home) {
        return Err("it leads out of the document's own folder".to_owned());
    }
    read(&file).map(Some).map_err(|error| error.to_string())
}

/// Finds a playbook by path, by the file name of a shipped one, or by board id. A file of exactly the given name wins.
pub(super) fn find_playbook(name: &str) -> Result<FoundPlaybook, PlaceError> {
    let path = Path::new(name);
    if path.is_file() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
        return Ok(FoundPlaybook { source: read(path)?, folder: Some(folder) });
    }
    if let Some(source) = shipped_playbook(name) {
        return Ok(FoundPlaybook { source, folder: None });
    }
    let with_ending = format!("{name}.yaml");
    if Path::new(&with_ending).is_file() {
        return find_playbook(&with_ending);
    }
    if path.exists() {
        // Says why it is none.
        return Ok(FoundPlaybook { source: read(path)?, folder: None });
    }
    let known: Vec<&str> = shipped_boards().collect();
    Err(PlaceError::Unknown { name: name.to_owned(), known: known.join(", "), near: nearest_board(name) })
}

fn read(path: &Path) -> Result<Arc<Source>, PlaceError> {
    read_at_most(path, DOCUMENT_BYTES_MAX, "playbook")
}

fn read_at_most(path: &Path, bytes_max: u64, kind: &'static str) -> Result<Arc<Source>, PlaceError> {
    let name = path.display().to_string();
    let unreadable = |source| PlaceError::Unreadable { path: name.clone(), source };
    let file = open_file(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > bytes_max {
        return Err(PlaceError::TooLarge { path: name, bytes_max, kind });
    }
    let text = String::from_utf8(bytes).map_err(|_| PlaceError::NotText { path: name.clone() })?;
    Ok(Arc::new(Source { name, text }))
}

/// Reads a document that is no playbook.
pub(super) fn read_document(path: &Path) -> Result<Arc<Source>, PlaceError> {
    read(path)
}

/// Reads a scene, which may be larger than anything else.
pub(super) fn read_scene(path: &Path) -> Result<Arc<Source>, PlaceError> {
    read_at_most(path, SCENE_BYTES_MAX as u64, "scene")
}
