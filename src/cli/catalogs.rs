//! Which catalogs of tools count: the shipped one, overridden by those of the person's own.
//!
//! A catalog decides which programs are started and with which variables, so a real run takes only those that the person
//! has chosen by a folder: the one for configuration, and the current one. What starts no program of the catalog, such as
//! `recover check`, `recover test` and a run on the bench, also takes the one beside the document.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::places::{FoundPlaybook, read_document};
use crate::documents::catalog::{Catalog, merge, shipped, shipped_source, without_programs};
use crate::words::{Diagnostic, Source};
use crate::world::Surroundings;

const CATALOG_FILE: &str = "vendor-tools.toml";

/// A catalog, and the documents in it that are not the shipped one.
#[derive(Debug)]
pub(super) struct FoundCatalog {
    pub(super) catalog: Catalog,
    pub(super) own: Vec<Arc<Source>>,
    /// The one of `own` that lies beside the document.
    pub(super) beside: Option<String>,
}

type SharedCatalog = Result<Arc<FoundCatalog>, Vec<Diagnostic>>;

/// For documents of several folders.
pub(super) struct Catalogs {
    surroundings: Surroundings,
    /// By the catalog that lies beside.
    known: RefCell<BTreeMap<Option<PathBuf>, SharedCatalog>>,
}

impl Catalogs {
    pub(super) fn new(surroundings: Surroundings) -> Self {
        Catalogs { surroundings, known: RefCell::default() }
    }

    /// The catalog for a document that starts no program: overridden by the one beside it.
    pub(super) fn beside(&self, document: &Path) -> SharedCatalog {
        let found = beside(&[document]);
        let mut known = self.known.borrow_mut();
        let read = || find(&self.surroundings, &found).map(Arc::new);
        known.entry(found.first().cloned()).or_insert_with(read).clone()
    }

    /// What the person must know of catalogs that were taken because of where a document lies.
    pub(super) fn notes(&self) -> Vec<String> {
        let known = self.known.borrow();
        let names = known.values().flatten().filter_map(|found| found.beside.clone());
        names.map(|name| format!("{name} adds to the shipped catalog of tools for what lies in its folder.")).collect()
    }
}

/// The catalog of a run on the bench, on which the catalog starts no program: overridden by those beside the documents.
pub(super) fn for_bench(
    surroundings: &Surroundings,
    playbook: &FoundPlaybook,
    scene: Option<&Path>,
) -> Result<FoundCatalog, Vec<Diagnostic>> {
    let own = Some(Path::new(&playbook.source.name)).filter(|_| !playbook.is_shipped());
    let documents: Vec<&Path> = own.into_iter().chain(scene).collect();
    let found = find(surroundings, &beside(&documents))?;
    let catalog = without_programs(found.catalog, &shipped()?);
    Ok(FoundCatalog { catalog, ..found })
}

/// The catalog of a real run: overridden by the one in the configuration folder, then by the one in the current folder.
pub(super) fn for_run(surroundings: &Surroundings) -> Result<FoundCatalog, Vec<Diagnostic>> {
    find(surroundings, &[])
}

/// Says that a real run does not take the catalog beside its playbook, if there is one.
pub(super) fn passed_over(playbook: &FoundPlaybook) -> Option<String> {
    let found = beside(&[Path::new(&playbook.source.name)]);
    let path = found.first().filter(|_| !playbook.is_shipped())?;
    let differs = read_document(path).map_or(true, |source| source.text != shipped_source().text);
    differs.then(|| {
        format!(
            "{} is not used: a catalog decides which programs are started, so a run takes only the one in the current \
             folder and your own. If you trust it, run recover in that folder.",
            path.display()
        )
    })
}

/// Catalogs that lie beside documents, but for the one in the current folder, which counts anyway.
fn beside(documents: &[&Path]) -> Vec<PathBuf> {
    let current = Path::new(".").canonicalize().ok();
    let mut found: Vec<PathBuf> = Vec::new();
    for document in documents {
        let Some(folder) = document.parent().filter(|folder| !folder.as_os_str().is_empty()) else { continue };
        let path = folder.join(CATALOG_FILE);
        if path.is_file() && folder.canonicalize().ok() != current && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

fn find(surroundings: &Surroundings, beside: &[PathBuf]) -> Result<FoundCatalog, Vec<Diagnostic>> {
    let shipped = shipped_source();
    let mut sources = vec![Arc::clone(&shipped)];
    let configured = configuration_folder(surroundings).map(|folder| folder.join(CATALOG_FILE));
    let mut name = None;
    for path in configured.into_iter().chain([PathBuf::from(CATALOG_FILE)]).chain(beside.iter().cloned()) {
        if !path.is_file() {
            continue;
        }
        let source = read_document(&path).map_err(|error| vec![Diagnostic::of_document(error.to_string())])?;
        // In a checkout of recover itself the current folder holds the shipped one.
        if source.text != shipped.text {
            name = beside.contains(&path).then(|| source.name.clone()).or(name);
            sources.push(source);
        }
    }
    let own = sources[1..].to_vec();
    merge(&sources).map(|catalog| FoundCatalog { catalog, own, beside: name })
}

fn configuration_folder(surroundings: &Surroundings) -> Option<PathBuf> {
    let variable = |name: &str| surroundings.variables.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || surroundings.home.clone();
    let folder = if cfg!(windows) {
        variable("APPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else {
        variable("XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config")))
    };
    folder.map(|folder| folder.join("recover"))
}
