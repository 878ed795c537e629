//! What a run is about, once its documents and the command line have been found sound.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use crate::bench::{Bench, BenchError, BenchFolder, HandsOf};
use crate::cli::admission::Admission;
use crate::cli::arguments::{MessageFormat, RunArgs, RunOptions};
use crate::cli::check::{read, scene_of};
use crate::cli::desk::Desk;
use crate::cli::diagnostics;
use crate::cli::image_folder::{Chooser, settle_folder};
use crate::cli::other_folder::check_folder;
use crate::cli::places::{FoundPlaybook, read_scene};
use crate::cli::record::Recording;
use crate::cli::refusal::{problem_of_documents, refuse, refuse_command_line, refuse_place};
use crate::cli::run_lock::lock;
use crate::cli::run_options::{check_options, hands_of, variables};
use crate::cli::scene::{apply_scene, folder_of_scene};
use crate::cli::streams::complain_at_length;
use crate::cli::style::Look;
use crate::cli::workplace::OTHER_TEMPORARY_FOLDER;
use crate::documents::catalog::{Catalog, shipped_source};
use crate::documents::playbook::{Input, Need, Playbook};
use crate::documents::scene::Scene;
use crate::documents::settings::KeepRuns;
use crate::engine::{
    Already, Assignment, Chosen, DocumentRole, EVENTS_FORMAT, Event, GivenFiles, Outcome, Refusal, RunDetails,
    RunDocument, Settings, WhenHealthy, before_anything,
};
use crate::words::{Diagnostic, FaultClass, Id, Severity, Source};
use crate::world::{BoardLock, Surroundings, host_name, sha256_of_bytes};

pub(super) struct Job {
    pub(super) playbook: Playbook,
    pub(super) catalog: Catalog,
    /// The documents of the catalog that are not the shipped one.
    pub(super) own_catalogs: Vec<Arc<Source>>,
    pub(super) options: RunOptions,
    pub(super) given: GivenFiles,
    pub(super) settings: Settings,
    pub(super) bench: Option<Rc<Bench>>,
    /// Of the bench; a real board is locked only when nothing else stands in the way.
    pub(super) lock: Option<BoardLock>,
    pub(super) recording: Option<Recording>,
    /// What the run rests on.
    documents: Vec<RunDocument>,
    /// Which records of earlier runs stay.
    pub(super) keep_runs: KeepRuns,
}

impl Job {
    /// Everything that can be known wrong before anything is touched. What is to be told besides is about the catalogs.
    pub(super) fn prepare(args: RunArgs, look: &Look) -> Result<(Job, Vec<Event>), Box<Refusal>> {
        let RunArgs { playbook: name, mut options } = args;
        let human = options.message_format == MessageFormat::Human;
        let invalid = |diagnostics: &[Diagnostic]| {
            if human {
                complain_at_length(&diagnostics::render(diagnostics, look));
            }
            refuse(Outcome::PlaybookInvalid, problem_of_documents(diagnostics))
        };
        let mut admission = Admission::of(&name, &options, &Surroundings::of_this_process(), &invalid)?;
        let Admission { found, catalog, .. } = &admission;
        let (playbook, diagnostics) = read(found, &catalog.catalog);
        let is_wrong = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        let mut playbook = playbook.filter(|_| !is_wrong).ok_or_else(|| invalid(&diagnostics))?;
        let scene = scene(&options, &catalog.catalog, &invalid)?;
        if let Some(scene) = &scene {
            apply_scene(scene, &mut playbook, &mut options).map_err(|error| refuse_command_line(&error))?;
        }
        check_options(&options, &playbook).map_err(|error| refuse_command_line(&error))?;
        let recording = Recording::begin(&options, &playbook, found, &catalog.own);
        let recording = recording.map_err(|error| refuse_command_line(&error))?;
        let (bench, lock) = bench(&options, &playbook, scene.as_ref(), &catalog.catalog)?.unzip();
        let settings = Settings {
            chosen: chosen(&options),
            allow_irreversible: options.allow_irreversible.iter().cloned().collect(),
            variables: variables(&options, &playbook).map_err(|error| refuse_command_line(&error))?,
            simulated: bench.is_some(),
            healthy: if options.even_if_healthy { WhenHealthy::Rewrite } else { WhenHealthy::Ask },
            // Set by whoever looks at the records of earlier runs.
            already: Already::Nothing,
            single_calls: options.single_calls,
            operator: options.operator.clone(),
            // Set by whoever makes the record.
            record: None,
            playbook_name: found.source.name.clone(),
            shipped: found.is_shipped(),
        };
        let mut given = given(&options, &playbook, bench.as_ref().zip(scene.as_ref()));
        let mut taken_from = None;
        if bench.is_none() {
            let surroundings = Surroundings::of_this_process();
            let chooser = if options.dry_run { Chooser::TheNewest } else { Chooser::At(Desk::of(&options)) };
            taken_from = settle_folder(&mut given, &playbook, &catalog.catalog, &surroundings, chooser)?;
        }
        let documents = documents(found, &catalog.own);
        if rehearses_all(&options, &given, &playbook) {
            let optional = playbook.inputs.iter_mut().filter(|input| matches!(input.need, Need::Never));
            optional.filter(|input| input.names_files.is_none()).for_each(|input| input.need = Need::Always);
        }
        check_folder(&given, &playbook).map_err(|error| refuse_command_line(&*error))?;
        admission.agree(&playbook)?;
        let Admission { catalog, mut told, keep: keep_runs, .. } = admission;
        told.extend(taken_from);
        let (bench, own_catalogs, catalog) = (bench.map(Rc::new), catalog.own, catalog.catalog);
        Ok((
            Job {
                playbook,
                catalog,
                own_catalogs,
                options,
                given,
                settings,
                bench,
                lock,
                recording,
                documents,
                keep_runs,
            },
            told,
        ))
    }

    /// What the run rests on.
    pub(super) fn documents(&self) -> &[RunDocument] {
        &self.documents
    }

    pub(super) fn assignment(&self) -> Assignment<'_> {
        let Job { playbook, catalog, given, settings, .. } = self;
        Assignment { playbook, catalog, given, settings }
    }

    /// The first event of the run, which has this name.
    pub(super) fn started(&self, run_id: String) -> Event {
        let options = &self.options;
        Event::RunStarted {
            run: Box::new(RunDetails {
                format: EVENTS_FORMAT,
                run_id,
                recover: env!("CARGO_PKG_VERSION").to_owned(),
                system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
                documents: self.documents.clone(),
                host: host_name(),
                station: options.station.clone(),
                operator: options.operator.clone(),
                unit: options.unit.clone(),
                port: options.port.clone(),
                serial: options.serial.clone(),
            }),
            board: self.playbook.board.clone(),
            playbook: self.settings.playbook_name.clone(),
            shipped: self.settings.shipped,
            simulated: self.settings.simulated,
            steps_total: self.playbook.leaf_steps().len(),
            summary: self.playbook.summary.clone(),
        }
    }
}

fn scene(
    options: &RunOptions,
    catalog: &Catalog,
    invalid: &dyn Fn(&[Diagnostic]) -> Box<Refusal>,
) -> Result<Option<Scene>, Box<Refusal>> {
    let Some(path) = &options.scene else { return Ok(None) };
    let source = read_scene(path).map_err(|error| refuse_place(&error))?;
    let (scene, diagnostics) = scene_of(&source, catalog);
    scene.map(Some).ok_or_else(|| invalid(&diagnostics))
}

/// The bench of a simulation, and the lock on it.
fn bench(
    options: &RunOptions,
    playbook: &Playbook,
    scene: Option<&Scene>,
    catalog: &Catalog,
) -> Result<Option<(Bench, BoardLock)>, Box<Refusal>> {
    let Some(simulation) = &options.simulate else { return Ok(None) };
    let names: Vec<&str> = simulation.names.iter().map(String::as_str).collect();
    let folder = match &options.bench {
        // A dry run leaves alone what an earlier run has kept.
        Some(path) if !options.dry_run => BenchFolder::kept(path),
        _ => BenchFolder::temporary(),
    };
    let folder = folder.map_err(|error| no_bench(&error, options))?;
    // Before the bench of an earlier run is replaced: that run may still be at work on it.
    let lock = lock(folder.path(), playbook, options)?;
    let bench = match scene {
        Some(scene) => Bench::set_up_scene(folder, scene, catalog),
        None => Bench::set_up(folder, playbook, &names),
    };
    Ok(Some((bench.map_err(|error| no_bench(&error, options))?, lock)))
}

fn no_bench(error: &BenchError, options: &RunOptions) -> Box<Refusal> {
    let of_playbook = matches!(error, BenchError::Settings { .. });
    let outcome = if of_playbook { Outcome::PlaybookInvalid } else { Outcome::CommandLine };
    let class = if of_playbook { FaultClass::BadFile } else { FaultClass::BadUsage };
    let next = match error {
        BenchError::FolderRefused(_) => vec!["Give --bench a new or an empty folder.".to_owned()],
        BenchError::Folder { .. } if options.bench.is_none() => vec![OTHER_TEMPORARY_FOLDER.to_owned()],
        _ => Vec::new(),
    };
    refuse(outcome, before_anything(class, error.to_string(), next))
}

/// The playbook, what it uses, and the catalog with what was added to it.
fn documents(found: &FoundPlaybook, catalogs: &[Arc<Source>]) -> Vec<RunDocument> {
    let document = |role, name: &str, source: &Source| RunDocument {
        role,
        name: name.to_owned(),
        sha256: sha256_of_bytes(source.text.as_bytes()),
    };
    let families = found.families();
    let families = families.iter().map(|(name, source)| document(DocumentRole::Family, name, source));
    let shipped = shipped_source();
    let catalogs = std::iter::once(&shipped).chain(catalogs);
    let catalogs = catalogs.map(|source| document(DocumentRole::Catalog, &source.name, source));
    let playbook = document(DocumentRole::Playbook, &found.source.name, &found.source);
    std::iter::once(playbook).chain(families).chain(catalogs).collect()
}

fn chosen(options: &RunOptions) -> Chosen {
    match (&options.port, &options.serial) {
        (Some(port), _) => Chosen::Port(port.clone()),
        (None, Some(serial)) => Chosen::Serial(serial.clone()),
        (None, None) => Chosen::Any,
    }
}

/// Whoever rehearses without any files wants to see the whole procedure, so that those are made up, too, that may be missing.
fn rehearses_all(options: &RunOptions, given: &GivenFiles, playbook: &Playbook) -> bool {
    let rehearses = options.simulate.is_some() && !options.dry_run && hands_of(options) != HandsOf::VirtualPerson;
    let there = |input: &Input| given.folder.join(input.file_name()).exists();
    rehearses && given.set.is_empty() && !playbook.inputs.iter().any(there)
}

fn given(options: &RunOptions, playbook: &Playbook, played: Option<(&Bench, &Scene)>) -> GivenFiles {
    let of_inputs = options.settings.iter().filter(|setting| playbook.input(&setting.name).is_some());
    let set: BTreeMap<Id, PathBuf> =
        of_inputs.map(|setting| (setting.name.clone(), PathBuf::from(&setting.value))).collect();
    let folder = played.map_or_else(|| options.files.clone(), |(bench, scene)| folder_of_scene(bench, scene, options));
    GivenFiles { folder, set, to_be_had: None }
}
