//! `recover run`: everything around one run, from the command line to the exit code.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use console::Term;

use crate::bench::{Answers, Bench, BenchError, BenchFolder, BenchWorld, WhichBoard, generate_image};
use crate::cli::admission::Admission;
use crate::cli::arguments::{MessageFormat, RunArgs, RunOptions};
use crate::cli::check::{read, scene_of};
use crate::cli::defect::or_defect;
use crate::cli::json::{Json, write_line};
use crate::cli::log::Log;
use crate::cli::other_folder::check_folder;
use crate::cli::places::read_scene;
use crate::cli::planned_tools::{self, PlannedTool, Programs, planned_tools};
use crate::cli::problems;
use crate::cli::reader::{Reader, Readers};
use crate::cli::record::Recording;
use crate::cli::refusal::{Refusal, refuse};
use crate::cli::run_lock::lock;
use crate::cli::run_options::check_options;
use crate::cli::run_runtime::{Clock, defect, runtime};
use crate::cli::scene::{apply_scene, finish, folder_of_scene};
use crate::cli::screen::Screen;
use crate::cli::streams::{complain, complain_at_length, say, show, shown_on_terminal, stdout};
use crate::cli::style::Look;
use crate::cli::{diagnostics, dry_run};
use crate::documents::catalog::Catalog;
use crate::documents::expression::Value;
use crate::documents::playbook::Playbook;
use crate::engine::{
    Chosen, Event, Files, GivenFiles, MakeImage, Order, Outcome, ReadyTools, Settings, SoughtTools, StartUp, Tools,
    before_anything, finished, not_started, outcome_without_tools, plan, refused_inputs, refused_tools,
    run as run_engine, seek_tools, stage_inputs, stage_what_is_there, without_problem,
};
use crate::words::{Diagnostic, FaultClass, Id, Severity, Source};
use crate::world::{
    BoardLock, Finder, Interrupts, Machine, Person, Questions, Recorder, RecordingWorld, Scratch, Surroundings,
    ToolStarter, World, process,
};

/// What a run is about, once documents and command line have been found sound.
struct Job {
    playbook: Playbook,
    catalog: Catalog,
    /// The documents of the catalog that are not the shipped one.
    own_catalogs: Vec<Arc<Source>>,
    options: RunOptions,
    given: GivenFiles,
    settings: Settings,
    bench: Option<Bench>,
    /// Of the bench; a real board is locked only when nothing else stands in the way.
    lock: Option<BoardLock>,
    recording: Option<Rc<Recording>>,
}

type Tell<'a> = dyn FnMut(&Event) + 'a;

/// Runs a playbook; everything that happens is told, and the outcome is the exit code.
pub(super) fn run(args: RunArgs, look: &Look) -> Outcome {
    let format = args.options.message_format;
    let (job, about_catalogs) = match prepare(args, look) {
        Ok(prepared) => prepared,
        Err(refusal) => return refuse_without_playbook(&refusal, format),
    };
    let log = log(&job);
    let log_path = log.as_ref().ok().and_then(|log| log.as_ref().map(|log| log.path().to_owned()));
    let shown: Box<dyn Reader> = match format {
        MessageFormat::Human => {
            let screen = Screen::stdout().with_log(log_path);
            Box::new(if job.options.verbose { screen.verbose() } else { screen })
        }
        MessageFormat::Json => Box::new(Json::new(stdout())),
    };
    let (log, log_warning) = match log {
        Ok(log) => (log, None),
        Err(warning) => (None, Some(warning)),
    };
    if job.options.dry_run {
        return dry(&job, &about_catalogs, &Look::of(&Term::stdout()));
    }
    let mut readers = Readers::new(shown, log);
    let recording = job.recording.clone();
    let mut tell = |event: &Event| {
        for told in recording.iter().flat_map(|recording| recording.event(event)) {
            readers.event(&told);
        }
        readers.event(event);
    };
    tell(&started(&job));
    about_catalogs.iter().for_each(&mut tell);
    if let Some(text) = log_warning {
        tell(&Event::Warning { text });
    }
    match or_defect(|| carry_out(job, &mut tell)) {
        Ok(outcome) => outcome,
        Err(refusal) => {
            let (outcome, problem) = refusal.into_parts();
            tell(&finished(outcome, problem));
            outcome
        }
    }
}

/// Everything that can be known wrong before anything is touched.
fn prepare(args: RunArgs, look: &Look) -> Result<(Job, Vec<Event>), Box<Refusal>> {
    let RunArgs { playbook: name, mut options } = args;
    let surroundings = Surroundings::of_this_process();
    let human = options.message_format == MessageFormat::Human;
    let documents_invalid = |diagnostics: &[Diagnostic]| {
        if human {
            complain_at_length(&diagnostics::render(diagnostics, look));
        }
        refuse(Outcome::PlaybookInvalid, problems::documents(diagnostics))
    };
    let mut admission = Admission::of(&name, &options, &surroundings, &documents_invalid)?;
    let Admission { found, catalog, .. } = &admission;
    let (playbook, diagnostics) = read(found, &catalog.catalog);
    let mut playbook = match playbook {
        Some(playbook) if !diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) => playbook,
        _ => return Err(documents_invalid(&diagnostics)),
    };
    let command_line = |what: String, next: Option<String>| {
        refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, what, next.into_iter().collect()))
    };
    let scene = match &options.scene {
        Some(path) => {
            let source = read_scene(path).map_err(|error| {
                let outcome = if error.of_document() { Outcome::PlaybookInvalid } else { Outcome::CommandLine };
                refuse(outcome, problems::place(&error))
            })?;
            let (scene, diagnostics) = scene_of(&source, &catalog.catalog);
            Some(scene.ok_or_else(|| documents_invalid(&diagnostics))?)
        }
        None => None,
    };
    if let Some(scene) = &scene {
        apply_scene(scene, &mut playbook, &mut options).map_err(|(what, next)| command_line(what, next))?;
    }
    check_options(&options, &playbook).map_err(|(what, next)| command_line(what, next))?;
    let recording = Recording::begin(&options, &playbook, found, &catalog.own);
    let recording = recording.map_err(|(what, next)| command_line(what, next))?;
    let bench = match &options.simulate {
        Some(simulation) => {
            let names: Vec<&str> = simulation.names.iter().map(String::as_str).collect();
            let on_the_bench = |error: BenchError| {
                let of_playbook = matches!(error, BenchError::Settings { .. });
                let outcome = if of_playbook { Outcome::PlaybookInvalid } else { Outcome::CommandLine };
                let class = if of_playbook { FaultClass::BadFile } else { FaultClass::BadUsage };
                let next = match &error {
                    BenchError::FolderRefused(_) => vec!["Give --bench a new or an empty folder.".to_owned()],
                    _ => Vec::new(),
                };
                refuse(outcome, before_anything(class, error.to_string(), next))
            };
            let folder = match &options.bench {
                // A dry run leaves alone what an earlier run has kept.
                Some(path) if !options.dry_run => BenchFolder::kept(path),
                _ => BenchFolder::temporary(),
            };
            let folder = folder.map_err(on_the_bench)?;
            // Before the bench of an earlier run is replaced: that run may still be at work on it.
            let lock = lock(folder.path(), &playbook, &options)?;
            let bench = match &scene {
                Some(scene) => Bench::set_up_scene(folder, scene, &catalog.catalog),
                None => Bench::set_up(folder, &playbook, &names),
            };
            Some((bench.map_err(on_the_bench)?, lock))
        }
        None => None,
    };
    let (bench, lock) = bench.unzip();
    let settings = Settings {
        chosen: match (&options.port, &options.serial) {
            (Some(port), _) => Chosen::Port(port.clone()),
            (None, Some(serial)) => Chosen::Serial(serial.clone()),
            (None, None) => Chosen::Any,
        },
        allow_irreversible: options.allow_irreversible.iter().cloned().collect(),
        variables: variables(&options, &playbook).map_err(|(what, next)| command_line(what, next))?,
        simulated: bench.is_some(),
        single_calls: options.single_calls,
        playbook_name: found.source.name.clone(),
        shipped: found.is_shipped(),
    };
    let of_inputs = options.settings.iter().filter(|setting| playbook.input(&setting.name).is_some());
    let set: BTreeMap<Id, PathBuf> =
        of_inputs.map(|setting| (setting.name.clone(), PathBuf::from(&setting.value))).collect();
    let folder = match (&bench, &scene) {
        (Some(bench), Some(scene)) => folder_of_scene(bench, scene, &options),
        _ => options.files.clone(),
    };
    let given = GivenFiles { folder, set };
    check_folder(&given, &playbook).map_err(|(what, next)| command_line(what, next))?;
    admission.agree(&playbook)?;
    let Admission { catalog, told, .. } = admission;
    Ok((
        Job {
            playbook,
            catalog: catalog.catalog,
            own_catalogs: catalog.own,
            options,
            given,
            settings,
            bench,
            lock,
            recording: recording.map(Rc::new),
        },
        told,
    ))
}

/// The playbook's variables with the person's values.
fn variables(options: &RunOptions, playbook: &Playbook) -> Result<BTreeMap<Id, Value>, (String, Option<String>)> {
    let mut values = BTreeMap::new();
    for variable in &playbook.variables {
        let given = options.settings.iter().rev().find(|setting| setting.name == variable.name);
        let value = match given {
            Some(setting) => variable.read(&setting.value).map_err(|error| {
                (
                    error.to_string(),
                    Some(format!("It says: {}. Without it: {}.", variable.help, shown(&variable.default))),
                )
            })?,
            None => variable.default.clone(),
        };
        values.insert(variable.name.clone(), value);
    }
    Ok(values)
}

/// As it would be written on the command line.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Boolean(true) => "yes".to_owned(),
        Value::Boolean(false) => "no".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Version(version) => version.to_string(),
        Value::File(file) => file.to_string(),
    }
}

fn refuse_without_playbook(refusal: &Refusal, format: MessageFormat) -> Outcome {
    let outcome = refusal.outcome;
    match format {
        MessageFormat::Json => {
            // A reader that has gone away needs no last line.
            let _reader_gone = write_line(&mut stdout(), &finished(outcome, refusal.problem.clone()));
        }
        MessageFormat::Human => {
            // The diagnostics of documents have been shown with their places.
            if outcome != Outcome::PlaybookInvalid || refusal.problem.output.is_empty() {
                complain(&format!("error: {}", refusal.problem.what));
                for line in &refusal.problem.output {
                    complain(&format!("  {line}"));
                }
            }
            for next in &refusal.problem.next {
                // It may hold commands of several lines.
                complain_at_length(&format!("{next}\n"));
            }
        }
    }
    outcome
}

/// A real run leaves a log in the person's folder for logs, a simulation only in a bench that is kept.
fn log(job: &Job) -> Result<Option<Log>, String> {
    let name = &job.settings.playbook_name;
    let log = match (&job.bench, &job.options.bench) {
        _ if job.options.dry_run => return Ok(None),
        (None, _) => Log::create_default(name),
        (Some(bench), Some(_)) => Log::create(bench.folder(), name),
        (Some(_), None) => return Ok(None),
    };
    log.map(Some).map_err(|error| error.to_string())
}

fn started(job: &Job) -> Event {
    Event::RunStarted {
        board: job.playbook.board.clone(),
        playbook: job.settings.playbook_name.clone(),
        shipped: job.settings.shipped,
        simulated: job.settings.simulated,
        steps_total: job.playbook.leaf_steps().len(),
        summary: job.playbook.summary.clone(),
    }
}

fn make_files(job: &Job, tell: &mut Tell<'_>) -> Result<Files, Box<Refusal>> {
    let scratch = Scratch::create().map_err(|problem| {
        refuse(Outcome::StepFailed, before_anything(FaultClass::Unknown, problem.to_string(), Vec::new()))
    })?;
    let mut files = Files::new(scratch);
    let make: Option<&MakeImage<'_>> = match job.bench {
        Some(_) => Some(&|input, size, words| Some(generate_image(input, size, words))),
        None => None,
    };
    let staged = stage_inputs(&job.playbook, &job.given, make, &mut files, tell);
    staged.map_err(|diagnostics| refuse(Outcome::CommandLine, refused_inputs(&diagnostics)))?;
    Ok(files)
}

/// A plan needs no files: what depends on them stands in words.
fn planned_files(job: &Job) -> Result<(Files, Vec<String>), Box<Refusal>> {
    if job.bench.is_some() {
        return make_files(job, &mut |_| {}).map(|files| (files, Vec::new()));
    }
    let scratch = Scratch::create().map_err(|problem| {
        refuse(Outcome::StepFailed, before_anything(FaultClass::Unknown, problem.to_string(), Vec::new()))
    })?;
    let mut files = Files::new(scratch);
    let staged = stage_what_is_there(&job.playbook, &job.given, &mut files, &mut |_| {});
    let missing = staged.map_err(|problems| refuse(Outcome::CommandLine, refused_inputs(&problems)))?;
    Ok((files, missing))
}

fn dry(job: &Job, about_catalogs: &[Event], look: &Look) -> Outcome {
    let (files, missing) = match planned_files(job) {
        Ok(files) => files,
        Err(refusal) => return refuse_without_playbook(&refusal, job.options.message_format),
    };
    let surroundings = Surroundings::of_this_process();
    let given = |name: &str| job.options.tools.iter().rev().find(|given| given.tool == name);
    let explicit = |name: &str| given(name).map(|given| given.program.clone());
    let programs = match &job.bench {
        Some(_) => Programs::OnBench,
        None => Programs::Here { surroundings: &surroundings, explicit: &explicit },
    };
    let tools = planned_tools(&job.playbook, &job.catalog, &job.own_catalogs, &programs);
    let launcher = |name: &str| PlannedTool::launcher_of(&tools, name);
    let steps = plan(&job.playbook, &job.catalog, &files, &job.settings, &launcher);
    let end = not_started(&steps);
    match job.options.message_format {
        MessageFormat::Human => {
            show(&dry_run::render(&steps, look));
            show(&planned_tools::render(&tools, look));
            if !missing.is_empty() {
                say(&format!("Not there yet, so its size is not known: {}", missing.join(", ")));
            }
            for event in about_catalogs {
                if let Event::Note { text } | Event::Warning { text } = event {
                    say(text);
                }
            }
        }
        MessageFormat::Json => {
            let steps = steps.iter().try_for_each(|step| write_line(&mut stdout(), step));
            let tools = steps.and_then(|()| tools.iter().try_for_each(|tool| write_line(&mut stdout(), tool)));
            let all = tools.and_then(|()| about_catalogs.iter().try_for_each(|event| write_line(&mut stdout(), event)));
            if end.is_none() {
                let _reader_gone = all.and_then(|()| write_line(&mut stdout(), &without_problem(Outcome::Planned)));
            }
        }
    }
    match end {
        Some((outcome, problem)) => refuse_without_playbook(&refuse(outcome, problem), job.options.message_format),
        None => Outcome::Planned,
    }
}

/// From the files to the last step.
fn carry_out(job: Job, tell: &mut Tell<'_>) -> Result<Outcome, Box<Refusal>> {
    let files = make_files(&job, tell)?;
    let surroundings = match &job.bench {
        Some(bench) => {
            let variables = bench.surroundings_variables().into_iter().collect();
            Surroundings { variables, current_folder: bench.folder().to_owned(), ..Surroundings::default() }
        }
        None => Surroundings::of_this_process(),
    };
    let _lock = match &job.lock {
        Some(_of_the_bench) => None,
        None => Some(lock(&BoardLock::default_folder(&surroundings), &job.playbook, &job.options)?),
    };
    let explicit: BTreeMap<String, PathBuf> =
        job.options.tools.iter().map(|given| (given.tool.clone(), given.program.clone())).collect();
    if let Some(unknown) = explicit.keys().find(|name| job.catalog.tool(name).is_none()) {
        let what = format!("--tool names `{unknown}`, which is not in the catalog of tools");
        return Err(refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, what, Vec::new())));
    }
    let start: ToolStarter = Arc::new(process::start);
    let start =
        job.recording.as_ref().map_or_else(|| start.clone(), |recording| recording.recorder().starter(start.clone()));
    let installers = &job.catalog.installers;
    let finder = Finder { explicit: &explicit, installers, surroundings: &surroundings, start };
    let start_up = if job.bench.is_some() { StartUp::OnBench } else { StartUp::Counts };
    let sought = seek_tools(&job.playbook, &job.catalog, &files, &job.settings.variables, finder, start_up);
    let recording = job.recording.clone();
    let SoughtTools { answer, still_out } = sought;
    let answer = Box::pin(async move {
        let found = answer.await?;
        if let Some(recording) = recording {
            recording.tools(&found.tools);
        }
        Ok(found)
    });
    let sought = SoughtTools { answer, still_out };
    let tools = match &job.bench {
        // Version probes are real processes even on a bench, so they need a clock that runs.
        Some(_) => {
            let found = runtime(Clock::Running)?.block_on(sought.answer);
            let ReadyTools { tools, told } = found
                .map_err(|diagnostics| refuse(outcome_without_tools(&diagnostics), refused_tools(&diagnostics)))?;
            told.iter().for_each(&mut *tell);
            Tools::Ready(tools)
        }
        None => Tools::Sought(sought),
    };
    let recorder = job.recording.as_ref().map(|recording| recording.recorder());
    let order = Order { playbook: &job.playbook, catalog: &job.catalog, tools, settings: &job.settings };
    let runtime = runtime(if job.bench.is_some() { Clock::Paused } else { Clock::Running })?;
    runtime.block_on(async {
        match job.bench {
            Some(bench) => {
                let interrupts = Rc::new(Interrupts::listen().map_err(|error| defect(&error))?);
                // What a scene shows is the board of its recording, unless it says otherwise.
                let which_board = if job.options.scene.is_some() { WhichBoard::ItIs } else { WhichBoard::default() };
                let answers =
                    if job.options.non_interactive { Answers::Withheld } else { Answers::Given { which_board } };
                let next = Box::new(move || {
                    let interrupts = Rc::clone(&interrupts);
                    Box::pin(async move { interrupts.next().await }) as std::pin::Pin<Box<dyn Future<Output = _>>>
                });
                let bench = Rc::new(bench);
                let world = BenchWorld::new(Rc::clone(&bench), answers, Box::new(process::start), next)
                    .with_terminal(person(&job.options));
                if job.options.scene.is_none() {
                    return Ok(steps(order, files, &world, recorder, tell).await);
                }
                let mut last = None;
                let mut hold_last = |event: &Event| match event {
                    Event::Finished { .. } => last = Some(event.clone()),
                    event => tell(event),
                };
                let outcome = steps(order, files, &world, recorder, &mut hold_last).await;
                Ok(last.map_or(outcome, |last| finish(&bench, last, tell)))
            }
            None => {
                let world = Machine::new(person(&job.options)).map_err(|error| defect(&error))?;
                Ok(steps(order, files, &world, recorder, tell).await)
            }
        }
    })
}

fn person(options: &RunOptions) -> Person {
    match options.non_interactive {
        true => Person::nobody(),
        false => Person::at_stdin(if shown_on_terminal() { Questions::Shown } else { Questions::PassedOn }),
    }
}

async fn steps<W: World>(
    order: Order<'_>,
    files: Files,
    world: &W,
    recorder: Option<&Recorder>,
    tell: &mut Tell<'_>,
) -> Outcome {
    let finish = match recorder {
        Some(recorder) => {
            let world = RecordingWorld::new(world, recorder.clone());
            run_engine(order, files, &world, &mut |event| tell(event)).await
        }
        None => run_engine(order, files, world, &mut |event| tell(event)).await,
    };
    finish.outcome
}
