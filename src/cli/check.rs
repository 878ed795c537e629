//! `recover check`: everything wrong with playbooks, their test files and scenes.

use std::path::Path;
use std::sync::Arc;

use crate::bench::VirtualModel;
use crate::cli::arguments::CheckArgs;
use crate::cli::diagnostics::render;
use crate::cli::places::{FoundPlaybook, find_catalog, find_playbook, read_scene};
use crate::cli::streams::{complain, say};
use crate::cli::style::Look;
use crate::cli::test::{is_test_file, load_tests};
use crate::documents::catalog::Catalog;
use crate::documents::playbook::{Playbook, check as check_playbook};
use crate::documents::scene::{LoadedScene, SCENE_ENDING, Scene, check_scene, load_scene};
use crate::engine::Outcome;
use crate::words::{Diagnostic, Severity, Source};
use crate::world::Surroundings;

/// Prints every fault with its place; the outcome is about the documents alone.
pub(super) fn check(args: &CheckArgs, look: &Look) -> Outcome {
    let catalog = match find_catalog(&Surroundings::of_this_process()) {
        Ok(found) => found.catalog,
        Err(faults) => {
            complain(&render(&faults, look));
            return Outcome::PlaybookInvalid;
        }
    };
    let mut faults = Vec::new();
    let mut unknown = false;
    for file in &args.files {
        let read = if is_scene(file) {
            read_scene(file).map(|source| scene_of(&source, &catalog).1)
        } else if is_test_file(file) && file.is_file() {
            Ok(load_tests(file, &catalog).1)
        } else {
            find_playbook(&file.to_string_lossy()).map(|found| read(&found, &catalog).1)
        };
        match read {
            Ok(found) => {
                if found.is_empty() {
                    say(&format!("{}: nothing wrong", file.display()));
                }
                faults.extend(found);
            }
            Err(error) if error.of_document() => faults.push(Diagnostic::of_document(error.to_string())),
            Err(error) => {
                complain(&format!("error: {error}\n"));
                unknown = true;
            }
        }
    }
    complain(&render(&faults, look));
    let wrong = faults.iter().any(|fault| fault.severity == Severity::Error);
    match (wrong, unknown) {
        (true, _) => Outcome::PlaybookInvalid,
        (false, true) => Outcome::CommandLine,
        (false, false) => Outcome::Recovered,
    }
}

fn is_scene(file: &Path) -> bool {
    file.to_string_lossy().ends_with(SCENE_ENDING)
}

/// A scene, if there is nothing wrong with it, and everything wrong, whether it stands in the text or against the catalog.
pub(super) fn scene_of(source: &Arc<Source>, catalog: &Catalog) -> (Option<Scene>, Vec<Diagnostic>) {
    let LoadedScene { scene, mut faults } = load_scene(source);
    faults.extend(scene.iter().flat_map(|scene| check_scene(scene, catalog)));
    (scene.filter(|_| faults.is_empty()), faults)
}

/// A playbook with everything wrong with it, whether it stands in the text, against the catalog or against the bench.
pub(super) fn read(found: &FoundPlaybook, catalog: &Catalog) -> (Option<Playbook>, Vec<Diagnostic>) {
    let loaded = found.load();
    let mut faults = loaded.faults;
    if let Some(playbook) = &loaded.playbook {
        faults.extend(check_playbook(playbook, catalog));
        faults.extend(VirtualModel::check(playbook));
    }
    (loaded.playbook, faults)
}
