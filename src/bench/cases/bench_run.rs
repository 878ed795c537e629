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
    Already, Assignment, Chosen, Clock, Event, Files, GivenFiles, MakeImage, Order, ReadyTool, Settings, Tell,
    WhenHealthy, Workplace, conduct, run,
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
    /// As --even-if-healthy.
    pub even_if_healthy: bool,
    /// As --only-what-differs, or --resume.
    pub already: Already,
    /// The virtual person wants a board left alone that runs its firmware.
    pub leaves_healthy: bool,
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
    let BenchRun { playbook, catalog, given, .. } = bench_run;
    let settings = Settings {
        chosen: bench_run.chosen.clone(),
        allow_irreversible: bench_run.allow_irreversible.clone(),
        variables: bench_run.variables.clone(),
        simulated: true,
        healthy: if bench_run.even_if_healthy { WhenHealthy::Rewrite } else { WhenHealthy::Ask },
        already: bench_run.already.clone(),
        single_calls: true,
        operator: None,
        record: None,
        playbook_name: bench_run.playbook_name.to_owned(),
        shipped: false,
    };
    let assignment = Assignment { playbook, catalog, given, settings: &settings };
    let (surroundings, explicit) = (bench.surroundings(), BTreeMap::new());
    let outcome =
        conduct(assignment, &mut OnBench { bench, bench_run, watch, surroundings, explicit }, &mut |event| {
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

/// The bench as the place of one run.
struct OnBench<'r> {
    bench: &'r Rc<Bench>,
    bench_run: &'r BenchRun<'r>,
    watch: &'r Rc<RunWatch>,
    surroundings: Surroundings,
    /// Nobody names a program.
    explicit: BTreeMap<String, PathBuf>,
}

impl Workplace for OnBench<'_> {
    type Error = BenchRunError;

    fn clock(&self) -> Clock {
        Clock::Paused
    }

    fn scratch(&self) -> Result<Scratch, BenchRunError> {
        let scratch = Scratch::create()?;
        self.watch.works_in(scratch.folder());
        Ok(scratch)
    }

    fn makes_up(&self) -> Option<Box<MakeImage<'_>>> {
        let BenchRun { sound, missing, .. } = self.bench_run;
        Some(Box::new(move |input, size, words| {
            let sound = sound.input(&input.name).unwrap_or(input);
            (!missing.contains(&input.name)).then(|| generate_image(sound, size, words))
        }))
    }

    /// A bench of its own is nobody else's.
    fn take_board(&mut self) -> Result<(), BenchRunError> {
        Ok(())
    }

    fn finder(&self) -> Finder<'_> {
        let (files, playing) = (self.bench.files(), Arc::clone(&self.watch.playing));
        Finder {
            explicit: &self.explicit,
            installers: &self.bench_run.catalog.installers,
            surroundings: &self.surroundings,
            start: Arc::new(move |call| in_process::start(&files, call, &playing)),
        }
    }

    /// What its events tell is enough.
    fn found(&self, _: &BTreeMap<String, ReadyTool>) {}

    async fn carry_out(&self, order: Order<'_>, files: Files, tell: &mut Tell<'_>) -> Result<Outcome, BenchRunError> {
        let OnBench { bench, bench_run, watch, .. } = self;
        let start = {
            let watch = Rc::clone(watch);
            Box::new(move |call: &Cleared| watch.start(call))
        };
        let never = Box::new(|| Box::pin(std::future::pending()) as _);
        let earlier_ms = BenchState::look(&bench.files())?.now_ms;
        let began = tokio::time::Instant::now();
        watch.begins(began);
        let world = BenchWorld::new(Rc::clone(bench), bench_run.answers, start, never)
            .agreeing(bench_run.agrees.clone())
            .leaving_healthy(bench_run.leaves_healthy)
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
    }
}
