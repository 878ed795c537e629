//! One run of a playbook on a bench, from the files to the last step, within this process: what a test case does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use crate::bench::call_record::CallRecord;
use crate::bench::faults::{Striking, StruckWorld};
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
pub struct Rehearsal<'a> {
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
pub struct Account {
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
pub enum RehearsalError {
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("{0}")]
    Scratch(#[from] ScratchProblem),
    #[error("recover could not set itself up")]
    Runtime(#[from] std::io::Error),
}

/// Runs the playbook on the bench. A second run finds the board as the first has left it.
pub fn rehearse(bench: &Rc<Bench>, rehearsal: &Rehearsal<'_>) -> Result<Account, RehearsalError> {
    let striking = Rc::new(Striking::new(rehearsal.playbook, bench.files(), None));
    rehearse_struck(bench, rehearsal, &striking)
}

/// The same with a fault that strikes. A run that was killed ends without a last event, and counts as interrupted.
pub(crate) fn rehearse_struck(
    bench: &Rc<Bench>,
    rehearsal: &Rehearsal<'_>,
    striking: &Rc<Striking>,
) -> Result<Account, RehearsalError> {
    let files = bench.files();
    let before = BenchState::look(&files)?;
    let (regions_before, fuses_before) = (before.stage.regions(), before.stage.fuses());
    let changes_before = before.stage.changes();
    let mut events = Vec::new();
    let outcome = carry_out(bench, rehearsal, striking, &mut |event| {
        if !striking.run().killed {
            events.push(event.clone());
            striking.see(event);
        }
    })?;
    let state = BenchState::look(&files)?;
    let (regions, fuses) = (state.stage.regions(), state.stage.fuses());
    Ok(Account {
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
    rehearsal: &Rehearsal<'_>,
    striking: &Rc<Striking>,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, RehearsalError> {
    let Rehearsal { playbook, catalog, .. } = rehearsal;
    let refuse = |tell: &mut dyn FnMut(&Event), outcome: Outcome, problem: Problem| {
        tell(&finished(outcome, problem));
        Ok(outcome)
    };
    let mut files = Files::new(Scratch::create()?);
    striking.works_in(files.scratch().folder());
    let make = |input: &_, size, words: &[_]| {
        let input: &crate::documents::playbook::Input = input;
        let sound = rehearsal.sound.input(&input.name).unwrap_or(input);
        (!rehearsal.missing.contains(&input.name)).then(|| generate_image(sound, size, words))
    };
    if let Err(faults) = stage_inputs(playbook, &rehearsal.given, Some(&make), &mut files, tell) {
        return refuse(tell, Outcome::CommandLine, refused_inputs(&faults));
    }
    let variables = bench.surroundings_variables().into_iter().collect();
    let surroundings = Surroundings { variables, current_folder: bench.folder().to_owned(), ..Surroundings::default() };
    let explicit: BTreeMap<String, PathBuf> = BTreeMap::new();
    let (probe_files, playing) = (bench.files(), Arc::clone(&striking.playing));
    let finder = Finder {
        explicit: &explicit,
        installers: &catalog.installers,
        surroundings: &surroundings,
        start: Arc::new(move |call| in_process::start(&probe_files, call, &playing)),
    };
    let running = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let tools =
        running.block_on(seek_tools(playbook, catalog, &files, &rehearsal.variables, finder, StartUp::OnBench).answer);
    let tools = match tools {
        Ok(ReadyTools { tools, told }) => {
            told.iter().for_each(&mut *tell);
            tools
        }
        Err(problems) => return refuse(tell, Outcome::ToolMissing, refused_tools(&problems)),
    };
    let settings = Settings {
        chosen: rehearsal.chosen.clone(),
        allow_irreversible: rehearsal.allow_irreversible.clone(),
        variables: rehearsal.variables.clone(),
        simulated: true,
        single_calls: true,
        playbook_name: rehearsal.playbook_name.to_owned(),
        shipped: false,
    };
    let order = Order { playbook, catalog, tools: Tools::Ready(tools), settings: &settings };
    let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    paused.block_on(async {
        let start = {
            let striking = Rc::clone(striking);
            Box::new(move |call: &Cleared| striking.start(call))
        };
        let never = Box::new(|| Box::pin(std::future::pending()) as _);
        let earlier_ms = BenchState::look(&bench.files())?.now_ms;
        let began = tokio::time::Instant::now();
        let world =
            BenchWorld::new(Rc::clone(bench), rehearsal.answers, start, never).agreeing(rehearsal.agrees.clone());
        let world = StruckWorld::new(world, Rc::clone(striking), rehearsal.choices.clone());
        // The bench's time goes on where an earlier run has left it.
        tokio::time::advance(std::time::Duration::from_millis(earlier_ms)).await;
        let mut tell = |event: &Event| tell(event);
        let outcome = tokio::select! {
            biased;
            finish = run(order, files, &world, &mut tell) => finish.outcome,
            () = striking.killed() => Outcome::Interrupted,
        };
        bench.time_is(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX))?;
        Ok(outcome)
    })
}
