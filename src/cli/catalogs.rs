//! Which catalogs of tools count: the shipped one, overridden by those of the person's own.
//!
//! A catalog decides which programs are started and how their work is judged. So a real run takes the one of the user's own
//! configuration folder, and those that were named with `--catalog`; one that merely lies in the current folder or beside the
//! playbook, where somebody else's files were unpacked, counts only once a person has trusted it, as it is. What starts no
//! program of the catalog (`recover check`, `recover test`, a run on the bench, a dry run) takes every one in full.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::arguments::RunOptions;
use crate::cli::configuration::{Configuration, own_catalog};
use crate::cli::desk::{Desk, agrees, piece};
use crate::cli::places::{FoundPlaybook, OwnDocument, PlaceError, read_document, read_own};
use crate::cli::refusal::{problem_of_place, refuse};
use crate::cli::signed::{NotSigned, Signed};
use crate::cli::trust_store::TrustStore;
use crate::cli::wording::quote;
use crate::documents::catalog::{Catalog, Change, changes, merge, shipped, shipped_source, without_programs};
use crate::engine::{Event, Outcome, Refusal, before_anything};
use crate::words::{Code, Diagnostic, FaultClass, Source};
use crate::world::{Foreign, Surroundings};

pub(super) const CATALOG_FILE: &str = "vendor-tools.toml";
/// Of what a catalog changes, in a message of one line.
const NAMED_MAX: usize = 4;

/// A catalog, and the documents in it that are not the shipped one.
#[derive(Debug)]
pub(super) struct FoundCatalog {
    pub(super) catalog: Catalog,
    pub(super) own: Vec<Arc<Source>>,
    /// Those of `own` that are not in the user's configuration folder.
    pub(super) lying: Vec<Arc<Source>>,
    /// The one of `own` that lies beside the document.
    pub(super) beside: Option<String>,
}

/// The catalog of a real run, and what is to be told about it.
#[derive(Debug)]
pub(super) struct RunCatalog {
    pub(super) found: FoundCatalog,
    pub(super) told: Vec<Event>,
}

/// Why there is no catalog: the diagnostics of the documents have to be shown with their places, or a refusal says it all.
#[derive(Debug)]
pub(super) enum NoCatalog {
    Diagnostics(Vec<Diagnostic>),
    Refused(Box<Refusal>),
}

impl From<Vec<Diagnostic>> for NoCatalog {
    fn from(diagnostics: Vec<Diagnostic>) -> NoCatalog {
        NoCatalog::Diagnostics(diagnostics)
    }
}

/// What decides about the catalogs of a real run.
#[derive(Clone, Copy)]
pub(super) struct Deciders<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) store: &'a TrustStore,
    pub(super) desk: Desk,
    /// Only what is signed counts.
    pub(super) signed: Option<&'a Signed>,
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

/// The catalog of a run on the bench, on which the catalog starts no program: overridden by those beside the documents, and
/// by those named.
pub(super) fn for_bench(
    surroundings: &Surroundings,
    playbook: &FoundPlaybook,
    options: &RunOptions,
) -> Result<FoundCatalog, NoCatalog> {
    let own = Some(Path::new(&playbook.source.name)).filter(|_| !playbook.is_shipped());
    let documents: Vec<&Path> = own.into_iter().chain(options.scene.as_deref()).collect();
    let mut beside = beside(&documents);
    for named in &options.catalogs {
        read_document(named).map_err(|error| cannot_be_read(&error))?;
        beside.retain(|path| path != named);
        beside.push(named.clone());
    }
    let found = find(surroundings, &beside)?;
    let catalog = without_programs(found.catalog, &shipped()?);
    Ok(FoundCatalog { catalog, ..found })
}

/// The catalog of a real run.
pub(super) fn for_run(
    playbook: &FoundPlaybook,
    options: &RunOptions,
    deciders: Deciders<'_>,
) -> Result<RunCatalog, NoCatalog> {
    let mut laid = Laid { sources: vec![shipped_source()], real_paths: Vec::new(), told: Vec::new() };
    let mut lying: Vec<PathBuf> = [PathBuf::from(CATALOG_FILE)].into_iter().filter(|path| path.is_file()).collect();
    if let Some(document) = own_catalog(deciders.configuration).map_err(|error| cannot_be_read(&error))? {
        if document.foreign.is_none() {
            let text = format!("Your own {} adds to the shipped catalog of tools.", document.source.name);
            laid.lay(document.source, document.real_path, Event::Note { text });
        } else {
            // Whose folder it lies in says nothing where others can write there.
            lying.extend(deciders.configuration.catalog());
        }
    }
    if !playbook.is_shipped() {
        lying.extend(beside(&[Path::new(&playbook.source.name)]));
    }
    let mut undecided = Vec::new();
    for path in &lying {
        let document = read_own(path).map_err(|error| cannot_be_read(&error))?;
        if laid.has(&document) {
            continue;
        }
        if !options.catalogs.is_empty() {
            laid.pass_over(&document, &options.catalogs);
            continue;
        }
        let changed = changes(&laid.sources, &document.source)?;
        match decide(&document, &changed, options, deciders)? {
            Some(told) => laid.lay(document.source, document.real_path, told),
            None => undecided.push(Undecided { document, changed }),
        }
    }
    if !undecided.is_empty() {
        return Err(NoCatalog::Refused(nobody_trusts(&undecided)));
    }
    for path in &options.catalogs {
        let document = read_own(path).map_err(|error| cannot_be_read(&error))?;
        if laid.has(&document) {
            continue;
        }
        if let Some(signed) = deciders.signed {
            signed.covers(&document.source).map_err(|why| NoCatalog::Refused(not_signed(&why, signed)))?;
        }
        let name = &document.source.name;
        let told = match &document.foreign {
            Some(foreign) => Event::Warning {
                text: format!("{name} decides which programs run, and {foreign}; it is taken because you named it"),
            },
            None => Event::Note { text: format!("{name} adds to the shipped catalog of tools: you named it.") },
        };
        laid.lay(document.source, document.real_path, told);
    }
    let own = laid.sources[1..].to_vec();
    let catalog = merge(&laid.sources)?;
    Ok(RunCatalog { found: FoundCatalog { catalog, own, lying: Vec::new(), beside: None }, told: laid.told })
}

/// The documents of a catalog, each laid over those before it.
struct Laid {
    sources: Vec<Arc<Source>>,
    real_paths: Vec<PathBuf>,
    told: Vec<Event>,
}

impl Laid {
    /// Is it among them already? In a checkout of recover itself the current folder holds the shipped one.
    fn has(&self, document: &OwnDocument) -> bool {
        document.source.text == shipped_source().text || self.real_paths.contains(&document.real_path)
    }

    fn lay(&mut self, source: Arc<Source>, real_path: PathBuf, told: Event) {
        if source.text != shipped_source().text {
            self.told.push(told);
            self.sources.push(source);
        }
        self.real_paths.push(real_path);
    }

    fn pass_over(&mut self, document: &OwnDocument, named: &[PathBuf]) {
        let is_named = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == document.real_path);
        if !named.iter().any(is_named) {
            let name = &document.source.name;
            self.told.push(Event::Note { text: format!("{name} is not used: --catalog names another one.") });
        }
    }
}

struct Undecided {
    document: OwnDocument,
    changed: Vec<Change>,
}

/// Decides about a catalog that nobody has named: what is to be told where it is taken, or nothing where somebody has to
/// decide and nobody is there.
fn decide(
    document: &OwnDocument,
    changed: &[Change],
    options: &RunOptions,
    deciders: Deciders<'_>,
) -> Result<Option<Event>, NoCatalog> {
    let name = &document.source.name;
    let taken = |why: &str| {
        let text = format!("{name} adds to the shipped catalog of tools: {why}.");
        Ok(Some(Event::Note { text }))
    };
    if let Some(signed) = deciders.signed {
        let comment = signed.covers(&document.source).map_err(|why| NoCatalog::Refused(not_signed(&why, signed)))?;
        return taken(&format!("it is signed ({comment})"));
    }
    if changed.iter().all(|change| change.harmless) {
        return taken("what it changes starts no program and judges none");
    }
    if options.dry_run {
        let trusted = document.foreign.is_none() && is_trusted(document, deciders.store);
        return taken(if trusted { "you trust it" } else { "a real run takes it only once you trust it" });
    }
    if document.foreign.is_some() {
        return Ok(None);
    }
    if is_trusted(document, deciders.store) {
        return taken("you trust it");
    }
    match deciders.desk {
        Desk::Nobody => Ok(None),
        Desk::Person => {
            if !agrees(&question(document, changed)) {
                return Err(NoCatalog::Refused(declined(document)));
            }
            let kept = deciders.store.trust_catalog(&document.real_path, &document.source.text);
            Ok(Some(match kept {
                Ok(()) => Event::Note { text: format!("{name} adds to the shipped catalog of tools: you trust it.") },
                Err(error) => Event::Warning { text: format!("that you trust {name} cannot be kept: {error}") },
            }))
        }
    }
}

fn is_trusted(document: &OwnDocument, store: &TrustStore) -> bool {
    store.trusts_catalog(&document.real_path, &document.source.text)
}

/// What a catalog changes, a line for each, with where it lies.
pub(super) fn told_changes(document: &OwnDocument, changed: &[Change]) -> String {
    let mut lines = vec![
        format!("{} decides which programs run on this computer.", piece(&document.source.name)),
        format!("It lies at {} and changes", piece(&document.real_path.display().to_string())),
    ];
    lines.extend(changed.iter().map(|change| format!("- {}", piece(&change.to_string()))));
    if changed.is_empty() {
        lines.push("- nothing".to_owned());
    }
    lines.join("\n")
}

fn question(document: &OwnDocument, changed: &[Change]) -> String {
    let told = told_changes(document, changed);
    format!("{told}\nYou are asked again only when the file changes. Type yes to trust it as it is:")
}

fn declined(document: &OwnDocument) -> Box<Refusal> {
    let what = format!("nothing was started, because you do not trust {}", document.source.name);
    refuse(Outcome::Declined, before_anything(FaultClass::Cancelled, what, vec![without_it()]))
}

fn without_it() -> String {
    "To do without it, move it away, or start recover in another folder and name the one with the files with --files."
        .to_owned()
}

/// Nobody is there to be asked, or must not be asked about these.
fn nobody_trusts(undecided: &[Undecided]) -> Box<Refusal> {
    let about = |Undecided { document, changed }: &Undecided| {
        let why = match &document.foreign {
            Some(foreign) => foreign.to_string(),
            None => "nobody has trusted it as it is".to_owned(),
        };
        let named: Vec<String> = changed.iter().take(NAMED_MAX).map(|change| piece(&change.to_string())).collect();
        let more = match changed.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let changes = format!("{}{more}", named.join(", "));
        format!("{} decides which programs run, and {why}; it changes {changes}", document.source.name)
    };
    let about: Vec<String> = undecided.iter().map(about).collect();
    let options: Vec<String> = undecided
        .iter()
        .map(|Undecided { document, .. }| format!("--catalog {}", quote(&document.source.name)))
        .collect();
    let mut next = vec![format!("If you trust it, run the same command again with {}.", options.join(" "))];
    for Undecided { document, .. } in undecided.iter().filter(|undecided| undecided.document.foreign.is_none()) {
        let name = quote(&document.source.name);
        next.push(format!("To trust it for good, as long as it stays as it is: recover trust {name}"));
    }
    next.push(without_it());
    refuse(Outcome::PlaybookInvalid, before_anything(FaultClass::BadFile, about.join("; "), next))
}

/// Only what is signed counts, and this is not.
pub(super) fn not_signed(why: &NotSigned, signed: &Signed) -> Box<Refusal> {
    let mut next = vec![
        "Only playbooks and catalogs that are shipped, or signed by a trusted key, run here (--only-signed, or \
         only_signed in the settings of this user)."
            .to_owned(),
    ];
    next.extend(signed.about_keys().iter().cloned());
    refuse(Outcome::PlaybookInvalid, before_anything(FaultClass::BadFile, why.to_string(), next))
}

/// Why a trusted catalog still has to be named each time.
pub(super) fn must_be_named(document: &OwnDocument, foreign: &Foreign) -> String {
    let name = &document.source.name;
    format!("{name} cannot be trusted for good, because {foreign}: name it for each run with --catalog {}", quote(name))
}

fn cannot_be_read(error: &PlaceError) -> NoCatalog {
    if error.of_document() {
        return NoCatalog::Diagnostics(vec![Diagnostic::of_document(Code::Unreadable, error.to_string())]);
    }
    NoCatalog::Refused(refuse(Outcome::CommandLine, problem_of_place(error)))
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

/// The shipped catalog with the one in the user's configuration folder, whose programs may be started; not where others can
/// write that one.
pub(super) fn of_user(surroundings: &Surroundings) -> Result<Catalog, Vec<Diagnostic>> {
    let own = own_catalog(&Configuration::of(surroundings));
    let own = own.map_err(|error| vec![Diagnostic::of_document(Code::Unreadable, error.to_string())])?;
    let own = own.filter(|document| document.foreign.is_none()).map(|document| document.source);
    merge(&[shipped_source()].into_iter().chain(own).collect::<Vec<_>>())
}

/// Every catalog in full, for what starts no program.
fn find(surroundings: &Surroundings, beside: &[PathBuf]) -> Result<FoundCatalog, Vec<Diagnostic>> {
    let shipped = shipped_source();
    let mut sources = vec![Arc::clone(&shipped)];
    let configured = Configuration::of(surroundings).catalog();
    let (mut name, mut lying, mut real_paths) = (None, Vec::new(), Vec::new());
    for path in configured.iter().cloned().chain([PathBuf::from(CATALOG_FILE)]).chain(beside.iter().cloned()) {
        if !path.is_file() {
            continue;
        }
        let real_path = path.canonicalize().ok();
        if real_paths.contains(&real_path) {
            continue;
        }
        real_paths.push(real_path);
        let source =
            read_document(&path).map_err(|error| vec![Diagnostic::of_document(Code::Unreadable, error.to_string())])?;
        // In a checkout of recover itself the current folder holds the shipped one.
        if source.text != shipped.text {
            name = beside.contains(&path).then(|| source.name.clone()).or(name);
            lying.extend((configured.as_ref() != Some(&path)).then(|| Arc::clone(&source)));
            sources.push(source);
        }
    }
    let own = sources[1..].to_vec();
    merge(&sources).map(|catalog| FoundCatalog { catalog, own, lying, beside: name })
}
