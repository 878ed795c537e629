//! `recover check`: everything wrong with playbooks, their test files and scenes.

mod below;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bench::VirtualModel;
use crate::cli::arguments::{CheckArgs, CheckFormat};
use crate::cli::catalogs::{Catalogs, FoundCatalog};
use crate::cli::check::below::{Below, below};
use crate::cli::configuration::key_of;
use crate::cli::diagnostics::{DiagnosticLine, annotate, render, sarif};
use crate::cli::json::write_line;
use crate::cli::parallel::{cores, in_parallel};
use crate::cli::places::{FoundPlaybook, PlaceError, find_playbook, read_document, read_scene};
use crate::cli::signed::{NotSigned, Signed};
use crate::cli::streams::{complain, complain_at_length, say, show, stdout};
use crate::cli::style::Look;
use crate::cli::test::{is_test_file, load_tests, read_tests};
use crate::cli::wording::count;
use crate::documents::catalog::{Catalog, merge, never_decide, shipped_source};
use crate::documents::playbook::{Playbook, check as check_playbook};
use crate::documents::scene::{LoadedScene, SCENE_ENDING, Scene, check_scene, load_scene};
use crate::engine::Outcome;
use crate::words::{Code, Diagnostic, Severity, Source};
use crate::world::Surroundings;

/// Prints every diagnostic with its place; the outcome is about the documents alone.
pub(super) fn check(args: &CheckArgs, look: &Look) -> Outcome {
    let catalogs = Catalogs::new(Surroundings::of_this_process());
    let signed = match args.signed_by.as_deref().map(key_of).transpose() {
        Ok(key) => key.map(Signed::by),
        Err(error) => {
            complain(&format!("error: {error}"));
            return Outcome::CommandLine;
        }
    };
    let mut unknown = false;
    let files = files(&args.paths, &mut unknown);
    let mut diagnostics = Vec::new();
    let mut documents = Vec::with_capacity(files.len());
    for file in &files {
        let (catalog, wrong) = match catalogs.beside(file) {
            Ok(found) => (Some(found), Vec::new()),
            Err(wrong) => (None, wrong),
        };
        documents.push((file, catalog, wrong));
    }
    let found = in_parallel(cores(), &documents, |(file, catalog, _)| diagnostics_of(file, catalog.as_ref()));
    for ((file, catalog, wrong), found) in documents.into_iter().zip(found) {
        diagnostics
            .extend(wrong.into_iter().filter(|diagnostic| !diagnostics.contains(diagnostic)).collect::<Vec<_>>());
        match found {
            Ok(mut found) => {
                let signature = signed.as_ref().map(|signed| signature_of(file, catalog.as_ref(), signed));
                let comment = signature
                    .transpose()
                    .map_err(|why| found.push(Diagnostic::of_document(Code::NotSigned, why.to_string())));
                if found.is_empty() && catalog.is_some() && args.format == CheckFormat::Human {
                    let signed =
                        comment.ok().flatten().map_or(String::new(), |comment| format!(", signed ({comment})"));
                    say(&format!("{}: nothing wrong{signed}", file.display()));
                }
                // A catalog may have been told already, beside what it counts for.
                found.retain(|diagnostic| !diagnostics.contains(diagnostic));
                diagnostics.extend(found);
            }
            Err(error) if error.of_document() => {
                diagnostics.push(Diagnostic::of_document(Code::Unreadable, error.to_string()));
            }
            Err(error) => {
                complain(&format!("error: {error}"));
                unknown = true;
            }
        }
    }
    report(&diagnostics, args.format, look);
    for note in catalogs.notes() {
        complain(&format!("note: {note} A real run takes it only once you trust it."));
    }
    let wrong = diagnostics.iter().any(|diagnostic| args.deny_warnings || diagnostic.severity == Severity::Error);
    match (wrong, unknown) {
        (true, _) => Outcome::PlaybookInvalid,
        (false, true) => Outcome::CommandLine,
        (false, false) => Outcome::Recovered,
    }
}

/// The files themselves, and in place of a folder the documents below it, each once.
fn files(paths: &[PathBuf], unknown: &mut bool) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        match below(path) {
            Ok(Below { documents, shared }) => {
                files.extend(documents);
                if shared > 0 {
                    let what = count(shared, "family or shared test file is", "families and shared test files are");
                    complain(&format!("note: {what} looked at where something uses them, and not by themselves"));
                }
            }
            Err(error) => {
                complain(&format!("error: {error}"));
                *unknown = true;
            }
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files
}

#[derive(serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Diagnostic(DiagnosticLine<'a>),
    Finished { errors: usize, warnings: usize },
}

fn report(diagnostics: &[Diagnostic], format: CheckFormat, look: &Look) {
    match format {
        CheckFormat::Human => complain_at_length(&render(diagnostics, look)),
        CheckFormat::Github => {
            diagnostics.iter().for_each(|diagnostic| annotate(diagnostic, diagnostic.code.word()));
        }
        CheckFormat::Sarif => show(&sarif(diagnostics)),
        CheckFormat::Json => {
            let number = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
            let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
            let lines = diagnostics.iter().map(|diagnostic| Line::Diagnostic(DiagnosticLine::of(diagnostic)));
            let mut stdout = stdout();
            for line in lines.chain([Line::Finished { errors, warnings }]) {
                if write_line(&mut stdout, &line).is_err() {
                    return;
                }
            }
        }
    }
}

/// Why a document does not count as signed, or cannot even be read.
#[derive(Debug, thiserror::Error)]
enum NoSignature {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
}

/// What the signer wrote, or what is not signed of a document and of everything it takes.
fn signature_of(file: &Path, catalog: Option<&Arc<FoundCatalog>>, signed: &Signed) -> Result<String, NoSignature> {
    let is_playbook = !is_scene(file) && !is_test_file(file) && !is_catalog(file);
    let mut documents = match is_playbook {
        true => find_playbook(&file.to_string_lossy())?.own_files(),
        false if is_scene(file) => vec![read_scene(file)?],
        false => vec![read_document(file)?],
    };
    if documents.is_empty() {
        return Ok("recover brings it along".to_owned());
    }
    documents.extend(catalog.iter().flat_map(|catalog| catalog.lying.iter().cloned()));
    let mut comment = String::new();
    for document in &documents {
        comment = signed.covers(document)?;
    }
    Ok(comment)
}

fn is_catalog(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "toml")
}

/// Everything wrong with a document; where the catalog itself is broken, what can be said without one.
fn diagnostics_of(file: &Path, catalog: Option<&Arc<FoundCatalog>>) -> Result<Vec<Diagnostic>, PlaceError> {
    if is_scene(file) {
        let source = read_scene(file)?;
        return Ok(match catalog {
            Some(catalog) => scene_of(&source, &catalog.catalog).1,
            None => load_scene(&source).diagnostics,
        });
    }
    if is_test_file(file) && file.is_file() {
        return Ok(match catalog {
            Some(catalog) => load_tests(file, catalog).1,
            None => read_tests(file).1,
        });
    }
    if is_catalog(file) {
        return Ok(diagnostics_of_catalog(&read_document(file)?));
    }
    let found = find_playbook(&file.to_string_lossy())?;
    Ok(match catalog {
        Some(catalog) => read(&found, &catalog.catalog).1,
        None => found.load().diagnostics,
    })
}

/// What stands in a catalog may rest on the shipped one, so that is read with it; only its own diagnostics are told.
fn diagnostics_of_catalog(source: &Arc<Source>) -> Vec<Diagnostic> {
    let shipped = shipped_source();
    let both = [Arc::clone(&shipped), Arc::clone(source)];
    let sources = if source.text == shipped.text { &both[1..] } else { &both[..] };
    let told = merge(sources).map_or_else(|diagnostics| diagnostics, |catalog| never_decide(&catalog));
    told.into_iter()
        .filter(|diagnostic| diagnostic.place.as_ref().is_none_or(|place| place.source == *source))
        .collect()
}

fn is_scene(file: &Path) -> bool {
    file.to_string_lossy().ends_with(SCENE_ENDING)
}

/// A scene, if there is nothing wrong with it, and everything wrong, whether it stands in the text or against the catalog.
pub(super) fn scene_of(source: &Arc<Source>, catalog: &Catalog) -> (Option<Scene>, Vec<Diagnostic>) {
    let LoadedScene { scene, mut diagnostics } = load_scene(source);
    diagnostics.extend(scene.iter().flat_map(|scene| check_scene(scene, catalog)));
    (scene.filter(|_| diagnostics.is_empty()), diagnostics)
}

/// A playbook with everything wrong with it, whether it stands in the text, against the catalog or against the bench.
pub(super) fn read(found: &FoundPlaybook, catalog: &Catalog) -> (Option<Playbook>, Vec<Diagnostic>) {
    let loaded = found.load();
    let mut diagnostics = loaded.diagnostics;
    if let Some(playbook) = &loaded.playbook {
        diagnostics.extend(check_playbook(playbook, catalog));
        diagnostics.extend(VirtualModel::check(playbook, catalog));
    }
    (loaded.playbook, diagnostics)
}
