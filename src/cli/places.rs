//! Where the documents of a run come from: playbooks by path or shipped name, and others by path.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::documents::library::{
    ShippedBoard, bare, boards_like, is_called, shipped_boards, shipped_family, shipped_playbook,
};
use crate::documents::playbook::{Loaded, load};
use crate::documents::scene::SCENE_BYTES_MAX;
use crate::words::Source;
use crate::world::{Foreign, custody, open_file};

/// Nobody writes a document of this size; larger ones are not even read.
const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// More files than this are no folder of playbooks, and no playbook that is looked for by a board's name is larger.
const FILES_MAX: usize = 200;
const LOOKED_INTO_BYTES_MAX: u64 = 256 * 1024;

/// A playbook's text and where it is from.
#[derive(Debug, Clone)]
pub(super) struct FoundPlaybook {
    pub(super) source: Arc<Source>,
    /// The folder that families may be taken from; none for shipped ones.
    folder: Option<PathBuf>,
    /// By path; each is read once, so that what was looked at is what is used.
    families: RefCell<BTreeMap<String, Family>>,
}

/// A family, and whether it is a file of the person's own; or why there is none.
type Family = Result<(Arc<Source>, Whose), Rc<NotBelow>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    OwnFile,
    Shipped,
}

/// What a name on the command line means.
#[derive(Debug)]
pub(super) enum Named {
    One(FoundPlaybook),
    /// A name without a folder, which a shipped playbook has, and a file of the current folder that says something else.
    Either {
        file: FoundPlaybook,
        shipped: FoundPlaybook,
    },
}

/// A document that decides what is trusted, read once: what stands in it, and in whose hands it is.
#[derive(Debug)]
pub(super) struct OwnDocument {
    pub(super) source: Arc<Source>,
    /// Where it really lies, links aside.
    pub(super) real_path: PathBuf,
    pub(super) foreign: Option<Foreign>,
}

/// Why a document named on the command line cannot be had. The command line is at fault, not the document.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("there is no playbook `{name}`, neither as a file nor among the shipped ones ({known})")]
    Unknown { name: String, known: String, meant: Vec<ShippedBoard> },
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("{path} has more than {bytes_max} bytes: that is no {kind}")]
    TooLarge { path: String, bytes_max: u64, kind: &'static str },
    #[error("{path} is not a text in UTF-8")]
    NotText { path: String },
}

/// Why a document that another one names cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotBelow {
    #[error("it has to be below the document's own folder")]
    Outside,
    #[error("it leads out of the document's own folder")]
    LeadsOut,
    #[error("there is no such file, and none of that name is shipped")]
    Unknown,
    #[error(transparent)]
    Unreadable(#[from] std::io::Error),
    #[error(transparent)]
    Place(#[from] PlaceError),
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
        load(&self.source, &|path| self.family(path).map_err(|error| error.to_string()))
    }

    /// The families it uses, by the paths by which it names them.
    pub(super) fn families(&self) -> Vec<(String, Arc<Source>)> {
        let used = RefCell::new(Vec::new());
        load(&self.source, &|path| {
            let family = self.family(path).map_err(|error| error.to_string())?;
            used.borrow_mut().push((path.to_owned(), Arc::clone(&family)));
            Ok(family)
        });
        used.into_inner()
    }

    /// The playbook and its families, as far as they are files of the person's own.
    pub(super) fn own_files(&self) -> Vec<Arc<Source>> {
        self.load();
        let families = self.families.borrow();
        let own = families.values().flatten().filter(|(_, whose)| *whose == Whose::OwnFile);
        let families = own.map(|(source, _)| Arc::clone(source));
        self.folder.iter().map(|_| Arc::clone(&self.source)).chain(families).collect()
    }

    /// Does it say the same as the shipped one, down to the families?
    fn is_same_as(&self, shipped: &FoundPlaybook) -> bool {
        let texts = |found: &FoundPlaybook| {
            let families = found.families().into_iter().map(|(_, source)| source.text.clone());
            families.collect::<Vec<_>>()
        };
        self.source.text == shipped.source.text && texts(self) == texts(shipped)
    }

    /// Families of the person's own lie beside or below the playbook; shipped ones are there for all.
    fn family(&self, path: &str) -> Result<Arc<Source>, Rc<NotBelow>> {
        let mut families = self.families.borrow_mut();
        let family = families.entry(path.to_owned()).or_insert_with(|| self.read_family(path));
        family.clone().map(|(source, _)| source)
    }

    fn read_family(&self, path: &str) -> Family {
        if let Some(folder) = &self.folder
            && let Some(source) = read_below(folder, path).map_err(Rc::new)?
        {
            return Ok((source, Whose::OwnFile));
        }
        let shipped = shipped_family(path).map(|source| (source, Whose::Shipped));
        shipped.ok_or_else(|| Rc::new(NotBelow::Unknown))
    }

    fn new(source: Arc<Source>, folder: Option<PathBuf>) -> FoundPlaybook {
        FoundPlaybook { source, folder, families: RefCell::default() }
    }
}

/// A document that another one in this folder names; `None` when there is no such file.
pub(super) fn read_below(folder: &Path, path: &str) -> Result<Option<Arc<Source>>, NotBelow> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Err(NotBelow::Outside);
    }
    let file = folder.join(path);
    if !file.is_file() {
        return Ok(None);
    }
    let real = file.canonicalize()?;
    let home = folder.canonicalize()?;
    if !real.starts_with(home) {
        return Err(NotBelow::LeadsOut);
    }
    Ok(Some(read(&file)?))
}

/// Finds a playbook by path, by the file name of a shipped one, or by board id. A file of exactly the given name wins.
pub(super) fn find_playbook(name: &str) -> Result<FoundPlaybook, PlaceError> {
    let path = Path::new(name);
    if path.is_file() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
        return Ok(FoundPlaybook::new(read(path)?, Some(folder)));
    }
    if let Some(source) = shipped_playbook(name) {
        return Ok(FoundPlaybook::new(source, None));
    }
    let with_ending = format!("{name}.yaml");
    if Path::new(&with_ending).is_file() {
        return find_playbook(&with_ending);
    }
    if path.exists() {
        // Says why it is none.
        return Ok(FoundPlaybook::new(read(path)?, None));
    }
    if is_bare(name)
        && let Some(found) = called_here(name)
    {
        return Ok(found);
    }
    let known: Vec<&str> = shipped_boards().collect();
    Err(PlaceError::Unknown { name: name.to_owned(), known: known.join(", "), meant: boards_like(name) })
}

/// A name without a folder.
fn is_bare(name: &str) -> bool {
    Path::new(name).components().eq([Component::Normal(name.as_ref())])
}

/// The playbook in the current folder whose board has this name.
fn called_here(name: &str) -> Option<FoundPlaybook> {
    playbooks_in(Path::new(".")).into_iter().find_map(|file| {
        let found = find_playbook(&file).ok()?;
        // Reading a playbook takes longer than seeing that a name does not stand in it.
        let playbook = bare(&found.source.text).contains(&bare(name)).then(|| found.load().playbook)??;
        is_called(&playbook, name).then_some(found)
    })
}

/// The files in a folder that may be playbooks, in the order of their names.
pub(super) fn playbooks_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(FILES_MAX);
    let small = |entry: &std::fs::DirEntry| {
        entry.path().metadata().is_ok_and(|found| found.is_file() && found.len() <= LOOKED_INTO_BYTES_MAX)
    };
    let entries = entries.filter(small);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| may_be_playbook(name)).collect();
    names.sort();
    names
}

fn may_be_playbook(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".yaml") else { return false };
    !stem.is_empty() && !stem.ends_with(".test") && !stem.ends_with(".scene")
}

/// Finds what a real run is to run. A shipped playbook's name, without a folder, does not name a file that happens to lie in
/// the current folder.
pub(super) fn find_named(name: &str) -> Result<Named, PlaceError> {
    let with_ending = format!("{name}.yaml");
    let file = [name, &with_ending].into_iter().find(|file| Path::new(file).is_file());
    if let (true, Some(file), Some(source)) = (is_bare(name), file, shipped_playbook(name)) {
        let (file, shipped) = (find_playbook(file)?, FoundPlaybook::new(source, None));
        return Ok(if file.is_same_as(&shipped) { Named::One(shipped) } else { Named::Either { file, shipped } });
    }
    find_playbook(name).map(Named::One)
}

fn read(path: &Path) -> Result<Arc<Source>, PlaceError> {
    read_at_most(path, DOCUMENT_BYTES_MAX, "playbook")
}

fn read_at_most(path: &Path, bytes_max: u64, kind: &'static str) -> Result<Arc<Source>, PlaceError> {
    let name = path.display().to_string();
    let file = open_file(path).map_err(|source| PlaceError::Unreadable { path: name.clone(), source })?;
    text_of(&file, name, bytes_max, kind)
}

fn text_of(file: &File, name: String, bytes_max: u64, kind: &'static str) -> Result<Arc<Source>, PlaceError> {
    let mut bytes = Vec::new();
    let read = file.take(bytes_max + 1).read_to_end(&mut bytes);
    read.map_err(|source| PlaceError::Unreadable { path: name.clone(), source })?;
    if bytes.len() as u64 > bytes_max {
        return Err(PlaceError::TooLarge { path: name, bytes_max, kind });
    }
    let text = String::from_utf8(bytes).map_err(|_| PlaceError::NotText { path: name.clone() })?;
    Ok(Arc::new(Source { name, text }))
}

/// Reads a document of which it matters whose it is.
pub(super) fn read_own(path: &Path) -> Result<OwnDocument, PlaceError> {
    let name = path.display().to_string();
    let unreadable = |source| PlaceError::Unreadable { path: name.clone(), source };
    let file = open_file(path).map_err(unreadable)?;
    let source = text_of(&file, name.clone(), DOCUMENT_BYTES_MAX, "document")?;
    let (real_path, foreign) = custody(&file, path).map_err(unreadable)?;
    Ok(OwnDocument { source, real_path, foreign })
}

/// Reads a document that is no playbook.
pub(super) fn read_document(path: &Path) -> Result<Arc<Source>, PlaceError> {
    read(path)
}

/// Reads a scene, which may be larger than anything else.
pub(super) fn read_scene(path: &Path) -> Result<Arc<Source>, PlaceError> {
    read_at_most(path, SCENE_BYTES_MAX as u64, "scene")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_scenes_are_no_playbooks() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yaml", "a.test.yaml", "x.scene.yaml", "firmware.bin", ".yaml"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(playbooks_in(folder.path()), ["a.yaml", "b.yaml"]);
        assert!(playbooks_in(&folder.path().join("nowhere")).is_empty());
    }
}
