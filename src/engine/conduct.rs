//! A run from its files to its last step: files staged, tools found, and the playbook run in a world. It is the same at a
//! desk, in a simulation and in a test case; what differs between them is the [`Workplace`].

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::documents::catalog::Catalog;
use crate::documents::expression::Value;
use crate::documents::playbook::Playbook;
use crate::engine::already::Already;
use crate::engine::ready::seek_tools;
use crate::engine::{
    Absent, Chosen, Event, Files, GivenFiles, MakeImage, Outcome, ReadyTool, ReadyTools, SoughtTools, Tools,
    stage_inputs, without_files, without_tools,
};
use crate::words::Id;
use crate::world::{Finder, Scratch};

/// Where files are wrong, what is wrong with the tools is told in the same breath, as far as they say so in this time.
const BESIDE_FILES: Duration = Duration::from_secs(3);

/// Hears what happens.
pub type Tell<'a> = dyn FnMut(&Event) + 'a;

/// Does time pass by itself?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    Running,
    /// Waits take no real time.
    Paused,
}

impl Clock {
    /// For one thread.
    pub fn runtime(self) -> io::Result<Runtime> {
        Builder::new_current_thread().enable_all().start_paused(self == Clock::Paused).build()
    }
}

/// What is to be run, and on which files.
#[derive(Debug, Clone, Copy)]
pub struct Assignment<'a> {
    pub playbook: &'a Playbook,
    pub catalog: &'a Catalog,
    pub given: &'a GivenFiles,
    pub settings: &'a Settings,
}

/// What the person decided before the run.
#[derive(Debug, Clone)]
pub struct Settings {
    pub chosen: Chosen,
    /// Steps whose irreversible act is agreed to.
    pub allow_irreversible: BTreeSet<Id>,
    /// The playbook's variables, each with its value in this run.
    pub variables: BTreeMap<Id, Value>,
    pub simulated: bool,
    /// A board that runs its firmware when the run begins is rewritten without a question.
    pub even_if_healthy: bool,
    /// What is worth a reading before it is written.
    pub already: Already,
    /// Every call starts its tool anew.
    pub single_calls: bool,
    /// Who carries out this run, by a name of theirs.
    pub operator: Option<String>,
    /// The record without which nothing irreversible is done; none where nothing is, or no real board is there.
    pub record: Option<RecordKept>,
    /// Path of the playbook, or its shipped name.
    pub playbook_name: String,
    pub shipped: bool,
}

/// Is what happens kept? Whoever keeps it says so at any time of the run.
#[derive(Debug, Clone, Default)]
pub struct RecordKept(Arc<AtomicBool>);

impl RecordKept {
    pub fn kept() -> RecordKept {
        RecordKept(Arc::new(AtomicBool::new(true)))
    }

    pub fn set(&self, kept: bool) {
        self.0.store(kept, Ordering::Relaxed);
    }

    pub fn is_kept(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything a run needs that does not change during it.
#[derive(Debug)]
pub struct Order<'a> {
    pub playbook: &'a Playbook,
    pub catalog: &'a Catalog,
    pub tools: Tools<'a>,
    pub settings: &'a Settings,
}

/// Where a run takes place. The methods are called in the order in which they stand here.
pub trait Workplace {
    /// Why a run could not even be tried.
    type Error: From<io::Error>;

    fn clock(&self) -> Clock;

    /// An empty folder for this run.
    fn scratch(&self) -> Result<Scratch, Self::Error>;

    /// How input files are made up that are not there; nothing where they must be.
    fn makes_up(&self) -> Option<Box<MakeImage<'_>>>;

    /// Files and documents are sound: from here on the board is this run's.
    fn take_board(&mut self) -> Result<(), Self::Error>;

    /// How tools are looked for.
    fn finder(&self) -> Finder<'_>;

    /// Every tool was found.
    fn found(&self, tools: &BTreeMap<String, ReadyTool>);

    /// Lets [`run()`](crate::engine::run) work in the world that is here.
    fn carry_out(
        &self,
        order: Order<'_>,
        files: Files,
        tell: &mut Tell<'_>,
    ) -> impl Future<Output = Result<Outcome, Self::Error>>;
}

/// Runs the playbook at that place. Unless it could not even be tried, the last event is [`Event::Finished`].
pub fn conduct<P: Workplace>(
    assignment: Assignment<'_>,
    place: &mut P,
    tell: &mut Tell<'_>,
) -> Result<Outcome, P::Error> {
    let Assignment { playbook, catalog, settings, .. } = assignment;
    let mut files = Files::new(place.scratch()?);
    let staged = {
        let make = place.makes_up();
        let absent = make.as_deref().map_or(Absent::Refused, Absent::MadeUp);
        stage_inputs(playbook, assignment.given, absent, &mut files, &mut |event| tell(event))
    };
    if let Err(inputs) = staged {
        let sought = seek_tools(playbook, catalog, &files, &settings.variables, place.finder(), place.clock());
        let tools = Clock::Running.runtime()?.block_on(async { timeout(BESIDE_FILES, sought.answer).await });
        return Ok(without_files(&inputs, &tools.ok().and_then(Result::err).unwrap_or_default()).told(tell));
    }
    place.take_board()?;
    let place = &*place;
    let sought = seek_tools(playbook, catalog, &files, &settings.variables, place.finder(), place.clock());
    let sought = heard(sought, place);
    let tools = match place.clock() {
        Clock::Running => Tools::Sought(sought),
        // Version probes are real processes even on a bench, so they need a clock that runs.
        Clock::Paused => match Clock::Running.runtime()?.block_on(sought.answer) {
            Ok(ReadyTools { tools, told }) => {
                told.iter().for_each(&mut *tell);
                Tools::Ready(tools)
            }
            Err(problems) => return Ok(without_tools(&problems).told(tell)),
        },
    };
    let order = Order { playbook, catalog, tools, settings };
    place.clock().runtime()?.block_on(place.carry_out(order, files, tell))
}

/// The tools that are sought, of which the place hears as well.
fn heard<'a, P: Workplace>(sought: SoughtTools<'a>, place: &'a P) -> SoughtTools<'a> {
    let SoughtTools { answer, still_out } = sought;
    let answer = Box::pin(async move {
        let found = answer.await?;
        place.found(&found.tools);
        Ok(found)
    });
    SoughtTools { answer, still_out }
}
