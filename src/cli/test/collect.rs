//! Finds test files and reads them with their playbooks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bench::{Bench, check_mishaps};
use crate::cli::catalogs::{Catalogs, FoundCatalog};
use crate::cli::check::{read, scene_of};
use crate::cli::places::{find_playbook, read_below, read_document, read_scene};
use crate::documents::cases::{self, InputFile, TestFile};
use crate::documents::catalog::Catalog;
use crate::documents::playbook::Playbook;
use crate::documents::scene::Scene;
use crate::words::{Code, Diagnostic, Located, Severity, meant_or_known};

/// A test file and what it tests.
#[derive(Debug)]
pub(in crate::cli) struct Suite {
    /// As the person knows it.
    pub(in crate::cli) name: String,
    pub(in crate::cli) tests: TestFile,
    pub(in crate::cli) playbook: Playbook,
    /// The test file lies here.
    pub(in crate::cli) folder: PathBuf,
    pub(in crate::cli) catalog: Arc<FoundCatalog>,
    /// By the path that the test file gives.
    pub(in crate::cli) scenes: BTreeMap<String, Scene>,
}

/// Why a path leads to nothing that could be tested.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NothingThere {
    #[error("below {} is no test file; its name would end in `{ENDING}`", folder.display())]
    NoTestFile { folder: PathBuf },
    #[error("below {} is no playbook", folder.display())]
    NoPlaybook { folder: PathBuf },
    #[error("below {} is nothing that could be checked", folder.display())]
    NoDocument { folder: PathBuf },
    #[error("{} is not there", path.display())]
    Missing { path: PathBuf },
    #[error("{} has no tests: {} is not there", path.display(), beside.display())]
    NoTests { path: PathBuf, beside: PathBuf },
    #[error("{} cannot be read: {source}", folder.display())]
    Unreadable { folder: PathBuf, source: std::io::Error },
}

/// A file that is not run, because something is wrong with it or with what it is for.
#[derive(Debug)]
pub(in crate::cli) struct Invalid {
    /// As the person knows it.
    pub(in crate::cli) name: String,
    /// At least one of them is an error.
    pub(in crate::cli) diagnostics: Vec<Diagnostic>,
}

/// What paths lead to.
#[derive(Debug)]
pub(super) struct Collected<T> {
    /// Nothing is wrong with them.
    pub(super) sound: Vec<T>,
    pub(super) invalid: Vec<Invalid>,
    /// Everything wrong, warnings too.
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<T> Collected<T> {
    /// What each file comes to; one whose catalog cannot be had comes to nothing.
    fn of(
        files: Vec<PathBuf>,
        catalogs: &Catalogs,
        load: impl Fn(&Path, &Arc<FoundCatalog>) -> (Option<T>, Vec<Diagnostic>),
    ) -> Self {
        let mut collected = Collected { sound: Vec::new(), invalid: Vec::new(), diagnostics: Vec::new() };
        for file in files {
            let (loaded, wrong) = match catalogs.beside(&file) {
                Ok(catalog) => load(&file, &catalog),
                Err(wrong) => (None, wrong),
            };
            // What several files take is told once.
            add_new(&mut collected.diagnostics, &wrong);
            if wrong.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
                collected.invalid.push(Invalid { name: file.display().to_string(), diagnostics: wrong });
            } else {
                collected.sound.extend(loaded);
            }
        }
        collected
    }
}

const ENDING: &str = ".test.yaml";
/// Folders below folders below folders are no place for tests.
const DEPTH_MAX: usize = 8;

/// Every suite that the paths lead to, and what is wrong with them.
pub(super) fn collect(paths: &[PathBuf], catalogs: &Catalogs) -> Result<Collected<Suite>, NothingThere> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            below(path, ENDING, DEPTH_MAX, &mut files)?;
            if files.len() == before {
                return Err(NothingThere::NoTestFile { folder: path.clone() });
            }
        } else {
            files.push(test_file(path)?);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Ok(Collected::of(files, catalogs, load))
}

pub(in crate::cli) fn is_test_file(path: &Path) -> bool {
    path.to_string_lossy().ends_with(ENDING)
}

/// A test file, or the one beside a playbook.
fn test_file(path: &Path) -> Result<PathBuf, NothingThere> {
    if !path.exists() {
        return Err(NothingThere::Missing { path: path.to_owned() });
    }
    if is_test_file(path) {
        return Ok(path.to_owned());
    }
    let beside = path.with_extension("test.yaml");
    if beside.is_file() {
        return Ok(beside);
    }
    Err(NothingThere::NoTests { path: path.to_owned(), beside })
}

/// All files with this ending in the folder and below it, in order; what is hidden is passed over.
pub(in crate::cli) fn files_below(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, NothingThere> {
    let mut files = Vec::new();
    below(folder, ending, DEPTH_MAX, &mut files)?;
    Ok(files)
}

fn below(folder: &Path, ending: &str, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), NothingThere> {
    let unreadable = |source| NothingThere::Unreadable { folder: folder.to_owned(), source };
    let entries: Result<Vec<_>, _> = std::fs::read_dir(folder).map_err(unreadable)?.collect();
    let mut paths: Vec<PathBuf> = entries.map_err(unreadable)?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // A link may lead anywhere, and in a circle.
        let real_folder = path.is_dir() && !path.is_symlink();
        if real_folder && !hidden && depth > 0 {
            below(&path, ending, depth - 1, files)?;
        } else if path.is_file() && path.to_string_lossy().ends_with(ending) {
            files.push(path);
        }
    }
    Ok(())
}

/// A playbook whose mishaps are tried out, with its tests if it has some.
#[derive(Debug)]
pub(super) struct Target {
    /// A path that leads to it.
    pub(super) name: String,
    pub(super) playbook: Playbook,
    pub(super) tests: Option<TestFile>,
    pub(super) folder: PathBuf,
    pub(super) catalog: Arc<FoundCatalog>,
    /// By the path that the test file gives.
    pub(super) scenes: BTreeMap<String, Scene>,
}

/// Every playbook that the paths lead to, and what is wrong with them.
pub(super) fn collect_targets(paths: &[PathBuf], catalogs: &Catalogs) -> Result<Collected<Target>, NothingThere> {
    const PLAYBOOK: &str = ".yaml";
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut found = Vec::new();
            below(path, PLAYBOOK, DEPTH_MAX, &mut found)?;
            let tested = |file: &PathBuf| file.with_extension("test.yaml").is_file();
            found.retain(|file| is_test_file(file) || !tested(file) && is_playbook(file));
            if found.is_empty() {
                return Err(NothingThere::NoPlaybook { folder: path.clone() });
            }
            files.extend(found);
        } else if path.exists() {
            let beside = path.with_extension("test.yaml");
            files.push(if !is_test_file(path) && beside.is_file() { beside } else { path.clone() });
        } else {
            return Err(NothingThere::Missing { path: path.clone() });
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Ok(Collected::of(files, catalogs, load_target))
}

/// Families, schemas and other documents lie in the same folders; only a playbook names its board.
fn is_playbook(path: &Path) -> bool {
    let lines = read_document(path).map(|source| source.text.lines().any(|line| line.starts_with("board:")));
    lines.unwrap_or(false)
}

fn load_target(file: &Path, catalog: &Arc<FoundCatalog>) -> (Option<Target>, Vec<Diagnostic>) {
    let folder = folder_of(file);
    let name = file.display().to_string();
    if is_test_file(file) {
        let (suite, diagnostics) = load(file, catalog);
        let target = suite.map(|Suite { tests, playbook, folder, catalog, scenes, .. }| Target {
            name,
            playbook,
            tests: Some(tests),
            folder,
            catalog,
            scenes,
        });
        return (target, diagnostics);
    }
    match find_playbook(&name) {
        Ok(found) => {
            let (playbook, diagnostics) = read(&found, &catalog.catalog);
            let sound = !diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
            let playbook = playbook.filter(|_| sound);
            (
                playbook.map(|playbook| Target {
                    name,
                    playbook,
                    tests: None,
                    folder,
                    catalog: Arc::clone(catalog),
                    scenes: BTreeMap::new(),
                }),
                diagnostics,
            )
        }
        Err(error) => (None, vec![Diagnostic::of_document(Code::Unreadable, error.to_string())]),
    }
}

/// What is wrong with a catalog or a family is told once, and not for every document that takes it.
fn add_new(diagnostics: &mut Vec<Diagnostic>, wrong: &[Diagnostic]) {
    for diagnostic in wrong {
        if !diagnostics.contains(diagnostic) {
            diagnostics.push(diagnostic.clone());
        }
    }
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Reads a test file alone.
pub(in crate::cli) fn read_tests(file: &Path) -> (Option<TestFile>, Vec<Diagnostic>) {
    let source = match read_document(file) {
        Ok(source) => source,
        Err(error) => return (None, vec![Diagnostic::of_document(Code::Unreadable, error.to_string())]),
    };
    let folder = folder_of(file);
    let shared = |path: &str| {
        let found = read_below(&folder, path).map_err(|error| error.to_string())?;
        found.ok_or_else(|| "there is no such file".to_owned())
    };
    let inputs_of = |path: Option<&str>| {
        let found = find_playbook(&playbook_of(file, path).to_string_lossy()).ok()?;
        let inputs = found.load().playbook?.inputs;
        let files =
            inputs.iter().map(|input| InputFile { name: input.name.to_string(), file: input.file_name().to_owned() });
        Some(files.collect())
    };
    let loaded = cases::load(&source, &shared, &inputs_of);
    (loaded.tests, loaded.diagnostics)
}

/// Where the playbook lies that a test file is for.
fn playbook_of(file: &Path, path: Option<&str>) -> PathBuf {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = || format!("{}.yaml", name.strip_suffix(ENDING).unwrap_or(&name));
    folder_of(file).join(path.map_or_else(beside, str::to_owned))
}

/// Reads a test file and its playbook, and holds each against the other.
pub(in crate::cli) fn load(file: &Path, catalog: &Arc<FoundCatalog>) -> (Option<Suite>, Vec<Diagnostic>) {
    let folder = folder_of(file);
    let (tests, mut diagnostics) = read_tests(file);
    let Some(tests) = tests else { return (None, diagnostics) };
    let playbook = playbook_of(file, tests.playbook.as_ref().map(|path| path.value.as_str()));
    if !playbook.is_file() {
        let message = format!("the playbook {} is not there", playbook.display());
        diagnostics.push(match &tests.playbook {
            Some(path) => Diagnostic::error(Code::Unreadable, &path.place, message),
            None => Diagnostic::of_document(
                Code::Unreadable,
                format!("{}: {message}; `playbook: …` names another", file.display()),
            ),
        });
        return (None, diagnostics);
    }
    let found = match find_playbook(&playbook.to_string_lossy()) {
        Ok(found) => found,
        Err(error) => {
            diagnostics.push(Diagnostic::of_document(Code::Unreadable, error.to_string()));
            return (None, diagnostics);
        }
    };
    let (playbook, wrong) = read(&found, &catalog.catalog);
    let sound = !wrong.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    diagnostics.extend(wrong);
    let Some(playbook) = playbook.filter(|_| sound) else { return (None, diagnostics) };
    diagnostics.extend(cases::check(&tests, &playbook));
    diagnostics.extend(unknown_names(&tests, &playbook));
    diagnostics.extend(check_mishaps(&tests, &playbook, &catalog.catalog));
    let mut scenes = BTreeMap::new();
    for path in tests.cases.iter().filter_map(|case| case.scene.as_ref()) {
        if scenes.contains_key(&path.value) {
            continue;
        }
        let (scene, wrong) = load_scene_beside(&folder, path, &catalog.catalog);
        diagnostics.extend(wrong);
        scenes.extend(scene.map(|scene| (path.value.clone(), scene)));
    }
    let suite =
        Suite { name: file.display().to_string(), tests, playbook, folder, scenes, catalog: Arc::clone(catalog) };
    (Some(suite), diagnostics)
}

/// The loader has seen to it that the path does not lead out of the folder; a link in it might.
fn load_scene_beside(folder: &Path, path: &Located<String>, catalog: &Catalog) -> (Option<Scene>, Vec<Diagnostic>) {
    let wrong = |message: String| (None, vec![Diagnostic::error(Code::Unreadable, &path.place, message)]);
    let file = folder.join(&path.value);
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(real), Ok(folder)) if real.starts_with(&folder) => {}
        (Ok(_), Ok(_)) => return wrong(format!("{} leads out of the folder of the test file", file.display())),
        _ => return wrong(format!("the scene {} is not there", file.display())),
    }
    match read_scene(&file) {
        Ok(source) => scene_of(&source, catalog),
        Err(error) => wrong(error.to_string()),
    }
}

/// Starting states and mishaps that the virtual board does not know.
fn unknown_names(tests: &TestFile, playbook: &Playbook) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let names = Bench::names(playbook);
    for case in &tests.cases {
        match &names {
            Ok(names) => {
                let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
                for name in case.simulate.iter().filter(|name| !known.contains(&name.value.as_str())) {
                    let message = format!("`{}` is not a starting state or fault of this virtual board", name.value);
                    let diagnostic = Diagnostic::error(Code::UnknownMishap, &name.place, message);
                    diagnostics.push(diagnostic.hint(meant_or_known(&name.value, known.iter().copied())));
                }
            }
            Err(error) if case.scene.is_none() => {
                let diagnostic = Diagnostic::error(Code::VirtualBoard, &case.name.place, error.to_string());
                diagnostics.push(diagnostic.hint("or give the case a `scene`"));
            }
            Err(_) => {}
        }
    }
    diagnostics
}
