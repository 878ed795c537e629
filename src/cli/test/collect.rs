//! Finds test files and reads them with their playbooks.

use std::path::{Path, PathBuf};

use crate::bench::Bench;
use crate::cli::check::read;
use crate::cli::places::{find_playbook, read_below, read_document};
use crate::documents::cases::{self, TestFile};
use crate::documents::catalog::Catalog;
use crate::documents::playbook::Playbook;
use crate::words::{Diagnostic, Severity, nearest};

/// A test file and what it tests.
#[derive(Debug)]
pub(in crate::cli) struct Suite {
    /// As the person knows it.
    pub(in crate::cli) name: String,
    pub(in crate::cli) tests: TestFile,
    pub(in crate::cli) playbook: Playbook,
    /// The test file lies here.
    pub(in crate::cli) folder: PathBuf,
}

const ENDING: &str = ".test.yaml";
/// Folders below folders below folders are no place for tests.
const DEPTH_MAX: usize = 8;

/// Every suite that the paths lead to, and what is wrong with them. An error is about the command line.
pub(super) fn collect(paths: &[PathBuf], catalog: &Catalog) -> Result<(Vec<Suite>, Vec<Diagnostic>), String> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            below(path, DEPTH_MAX, &mut files)?;
            if files.len() == before {
                return Err(format!("below {} is no test file; its name would end in `{ENDING}`", path.display()));
            }
        } else {
            files.push(test_file(path)?);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    let (mut suites, mut faults) = (Vec::new(), Vec::new());
    for file in files {
        let (suite, wrong) = load(&file, catalog);
        suites.extend(suite);
        faults.extend(wrong);
    }
    Ok((suites, faults))
}

pub(in crate::cli) fn is_test_file(path: &Path) -> bool {
    path.to_string_lossy().ends_with(ENDING)
}

/// A test file, or the one beside a playbook.
fn test_file(path: &Path) -> Result<PathBuf, String> {
    let shown = path.display();
    if !path.exists() {
        return Err(format!("{shown} is not there"));
    }
    if is_test_file(path) {
        return Ok(path.to_owned());
    }
    let beside = path.with_extension("test.yaml");
    if beside.is_file() {
        return Ok(beside);
    }
    Err(format!("{shown} has no tests: {} is not there", beside.display()))
}

fn below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
    let entries: Result<Vec<_>, _> = std::fs::read_dir(folder).map_err(unreadable)?.collect();
    let mut paths: Vec<PathBuf> = entries.map_err(unreadable)?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // A link may lead anywhere, and in a circle.
        let real_folder = path.is_dir() && !path.is_symlink();
        if real_folder && !hidden && depth > 0 {
            below(&path, depth - 1, files)?;
        } else if path.is_file() && is_test_file(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads a test file and its playbook, and holds each against the other.
pub(in crate::cli) fn load(file: &Path, catalog: &Catalog) -> (Option<Suite>, Vec<Diagnostic>) {
    let source = match read_document(file) {
        Ok(source) => source,
        Err(error) => return (None, vec![Diagnostic::of_document(error.to_string())]),
    };
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let shared = |path: &str| read_below(&folder, path)?.ok_or_else(|| "there is no such file".to_owned());
    let loaded = cases::load(&source, &shared);
    let mut faults = loaded.faults;
    let Some(tests) = loaded.tests else { return (None, faults) };
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let playbook = match &tests.playbook {
        Some(path) => folder.join(&path.value),
        None => folder.join(format!("{}.yaml", name.strip_suffix(ENDING).unwrap_or(&name))),
    };
    if !playbook.is_file() {
        let message = format!("the playbook {} is not there", playbook.display());
        faults.push(match &tests.playbook {
            Some(path) => Diagnostic::error(&path.place, message),
            None => Diagnostic::of_document(format!("{}: {message}; `playbook: …` names another", file.display())),
        });
        return (None, faults);
    }
    let found = match find_playbook(&playbook.to_string_lossy()) {
        Ok(found) => found,
        Err(error) => {
            faults.push(Diagnostic::of_document(error.to_string()));
            return (None, faults);
        }
    };
    let (playbook, wrong) = read(&found, catalog);
    let sound = !wrong.iter().any(|fault| fault.severity == Severity::Error);
    faults.extend(wrong);
    let Some(playbook) = playbook.filter(|_| sound) else { return (None, faults) };
    faults.extend(cases::check(&tests, &playbook));
    faults.extend(unknown_names(&tests, &playbook));
    let suite = Suite { name: file.display().to_string(), tests, playbook, folder };
    (Some(suite), faults)
}

/// Starting states and faults that the virtual board does not know.
fn unknown_names(tests: &TestFile, playbook: &Playbook) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let names = Bench::names(playbook);
    for case in &tests.cases {
        match &names {
            Ok(names) => {
                let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
                for name in case.simulate.iter().filter(|name| !known.contains(&name.value.as_str())) {
                    let message = format!("`{}` is not a starting state or fault of this virtual board", name.value);
                    let fault = Diagnostic::error(&name.place, message);
                    faults.push(match nearest(&name.value, known.iter().copied()) {
                        Some(near) => fault.hint(format!("did you mean `{near}`?")),
                        None => fault.hint(format!("it knows {}", known.join(", "))),
                    });
                }
            }
            Err(error) if case.scene.is_none() => {
                let fault = Diagnostic::error(&case.name.place, error.to_string());
                faults.push(fault.hint("or give the case a `scene`"));
            }
            Err(_) => {}
        }
    }
    faults
}
