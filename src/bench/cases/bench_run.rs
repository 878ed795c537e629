//! One run of a playbook on a bench, from the files to the last step, within this process: what a test case does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use crate::bench::call_record::CallRecord;
use crate::bench::faults::{MishapWorld, RunWatch};
use crate::bench::state::BenchState;
use crate::bench::{Answers, Bench, BenchError, BenchWorld, Region, Stage, generate_image, in_process};
use crate::documents::cases::Choice;
use crate::documents::catalog::Catalog;
use crate::documents::expression::Value;
use crate::documents::playbook::Playbook;
use crate::engine::{
    Chosen, Event, Files, GivenFiles, Order, Problem, ReadyTools, Settings, StartUp, Tools, finished, refused_inputs,
    refused_tools, run, seek_tools, stage_inputs,
};
use crate::words::{Id, Outcome};
use crate::world::{Cleared, Finder, Scratch, ScratchProblem, Surroundings};

/// What is run, and what the person says and gives.
#[derive(Debug)]
pub struct BenchRun<'a> {
    pub playbook: &'a Playbook,
    /// Files are made up so that they pass this one's checks.
    pub sound: &'a Playbook,
    pub playbook_name: &'a str,
    pub catalog: &'a Catalog,
    pub given: GivenFiles,
    /// Inputs that stay missing although they are needed.
    pub missing: BTreeSet<Id>,
    pub chosen: Chosen,
    pub allow_irreversible: BTreeSet<Id>,
    /// What the virtual person agrees to when asked.
    pub agrees: BTreeSet<Id>,
    pub variables: BTreeMap<Id, Value>,
    pub answers: Answers,
    /// By step that leaves one.
    pub choices: BTreeMap<Id, Choice>,
}

/// Everything that is known of a run afterwards.
#[derive(Debug)]
pub struct RunRecord {
    /// The last one is [`Event::Finished`].
    pub events: Vec<Event>,
    pub outcome: Outcome,
    /// All that were made on this bench, in earlier runs, too.
    pub calls: Vec<CallRecord>,
    pub regions: Vec<Region>,
    /// As the run has left it.
    pub stage: Stage,
    pub fuses: BTreeMap<u32, u32>,
    /// How often memory that lasts was changed in this run, where the board keeps count.
    pub changes: Option<u64>,
    pub regions_before: Vec<Region>,
    pub fuses_before: BTreeMap<u32, u32>,
}

/// Why a run could not even be tried.
#[derive(Debug, thiserror::Error)]
pub enum BenchRunError {
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("{0}")]
    Scratch(#[from] ScratchProblem),
    #[error("recover could not set itself up")]
    Runtime(#[from] std::io::Error),
}

/// Runs the playbook on the bench. A second run finds the board as the first has left it.
pub fn run_on_bench(bench: &Rc<Bench>, bench_run: &BenchRun<'_>) -> Result<RunRecord, BenchRunError> {
    let watch = Rc::new(RunWatch::new(bench_run.playbook, bench.files(), None));
    run_watched(bench, bench_run, &watch)
}

/// The same, watched, with a mishap or without. A run that was killed ends without a last event, and counts as interrupted.
pub(crate) fn run_watched(
    bench: &Rc<Bench>,
    bench_run: &BenchRun<'_>,
    watch: &Rc<RunWatch>,
) -> Result<RunRecord, BenchRunError> {
    let files = bench.files();
    let before = BenchState::look(&files)?;
    let (regions_before, fuses_before) = (before.stage.regions(), before.stage.fuses());
    let changes_before = before.stage.changes();
    let mut events = Vec::new();
    let outcome = carry_out(bench, bench_run, watch, &mut |event| {
        if !watch.run().killed {
            events.push(event.clone());
            watch.see(event);
        }
    })?;
    let state = BenchState::look(&files)?;
    let (regions, fuses) = (state.stage.regions(), state.stage.fuses());
    Ok(RunRecord {
        events,
        outcome,
        calls: CallRecord::read(&files)?,
        regions,
        fuses,
        changes: state.stage.changes().zip(changes_before).map(|(after, before)| after.saturating_sub(before)),
        stage: state.stage,
        regions_before,
        fuses_before,
    })
}

fn carry_out(
    bench: &Rc<Bench>,
    bench_run: &BenchRun<'_>,
    watch: &Rc<RunWatch>,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, BenchRunError> {
    let BenchRun { playbook, catalog, .. } = bench_run;
    let refuse = |tell: &mut dyn FnMut(&Event), outcome: Outcome, problem: Problem| {
        tell(&finished(outcome, problem));
        Ok(outcome)
    };
    let mut files = Files::new(Scratch::create()?);
    watch.works_in(files.scratch().folder());
    let make = |input: &_, size, words: &[_]| {
        let input: &crate::documents::playbook::Input = input;
        let sound = bench_run.sound.input(&input.name).unwrap_or(input);
        (!bench_run.missing.contains(&input.name)).then(|| generate_image(sound, size, words))
    };
    if let Err(wrong) = stage_inputs(playbook, &bench_run.given, Some(&make), &mut files, tell) {
        return refuse(tell, Outcome::CommandLine, refused_inputs(&wrong));
    }
    let variables = bench.surroundings_variables().into_iter().collect();
    let surroundings = Surroundings { variables, current_folder: bench.folder().to_owned(), ..Surroundings::default() };
    let explicit: BTreeMap<String, PathBuf> = BTreeMap::new();
    let (probe_files, playing) = (bench.files(), Arc::clone(&watch.playing));
    let finder = Finder {
        explicit: &explicit,
        installers: &catalog.installers,
        surroundings: &surroundings,
        start: Arc::new(move |call| in_process::start(&probe_files, call, &playing)),
    };
    let running = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let tools =
        running.block_on(seek_tools(playbook, catalog, &files, &bench_run.variables, finder, StartUp::OnBench).answer);
    let tools = match tools {
        Ok(ReadyTools { tools, told }) => {
            told.iter().for_each(&mut *tell);
            tools
        }
        Err(problems) => return refuse(tell, Outcome::ToolMissing, refused_tools(&problems)),
    };
    let settings = Settings {
        chosen: bench_run.chosen.clone(),
        allow_irreversible: bench_run.allow_irreversible.clone(),
        variables: bench_run.variables.clone(),
        simulated: true,
        single_calls: true,
        playbook_name: bench_run.playbook_name.to_owned(),
        shipped: false,
    };
    let order = Order { playbook, catalog, tools: Tools::Ready(tools), settings: &settings };
    let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    paused.block_on(async {
        let start = {
            let watch = Rc::clone(watch);
            Box::new(move |call: &Cleared| watch.start(call))
        };
        let never = Box::new(|| Box::pin(std::future::pending()) as _);
        let earlier_ms = BenchState::look(&bench.files())?.now_ms;
        let began = tokio::time::Instant::now();
        let world = BenchWorld::new(Rc::clone(bench), bench_run.answers, start, never)
            .agreeing(bench_run.agrees.clone())
            .alone();
        let world = MishapWorld::new(world, Rc::clone(watch), bench_run.choices.clone());
        // The bench's time goes on where an earlier run has left it.
        tokio::time::advance(std::time::Duration::from_millis(earlier_ms)).await;
        let mut tell = |event: &Event| tell(event);
        let outcome = tokio::select! {
            biased;
            finish = run(order, files, &world, &mut tell) => finish.outcome,
            () = watch.killed() => Outcome::Interrupted,
        };
        bench.time_is(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX))?;
        Ok(outcome)
    })
}
