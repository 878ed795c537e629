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
    Absent, Chosen, Event, Files, GivenFiles, MakeImage, Outcome, ReadyTool, ReadyTools, Refusal, SoughtTools, Tools,
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
    pub healthy: WhenHealthy,
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

/// What becomes of a board that runs its firmware when the run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenHealthy {
    /// The person says.
    Ask,
    Rewrite,
    LeaveAlone,
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

    /// Tools that were found already, for several runs; nothing where this run looks for them itself.
    fn shared_tools(&self) -> Option<&SharedTools> {
        None
    }

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
    if let Some(SharedTools { found, .. }) = place.shared_tools() {
        found.told.iter().for_each(&mut *tell);
        let order = Order { playbook, catalog, tools: Tools::Ready(found.tools.clone()), settings };
        return place.clock().runtime()?.block_on(place.carry_out(order, files, tell));
    }
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

/// What several runs of the same playbook with the same files have in common: tools that were found, and asked for their
/// version once.
#[derive(Debug)]
pub struct SharedTools {
    found: ReadyTools,
    /// The tools' environment may name this folder.
    _scratch: Files,
}

impl SharedTools {
    /// By their names in the catalog.
    pub fn found(&self) -> &BTreeMap<String, ReadyTool> {
        &self.found.tools
    }
}

/// Stages the files, so that all that is wrong with them is known, and finds the tools. Where that is in vain, how every run
/// would end.
pub fn find_for_many<P: Workplace>(
    assignment: Assignment<'_>,
    place: &P,
) -> Result<Result<SharedTools, Refusal>, P::Error> {
    let Assignment { playbook, catalog, settings, .. } = assignment;
    let mut files = Files::new(place.scratch()?);
    let make = place.makes_up();
    let absent = make.as_deref().map_or(Absent::Refused, Absent::MadeUp);
    let staged = stage_inputs(playbook, assignment.given, absent, &mut files, &mut |_| {});
    let sought = seek_tools(playbook, catalog, &files, &settings.variables, place.finder(), place.clock());
    let found = Clock::Running.runtime()?.block_on(sought.answer);
    Ok(match (staged, found) {
        (Ok(()), Ok(found)) => Ok(SharedTools { found, _scratch: files }),
        (Ok(()), Err(problems)) => Err(without_tools(&problems)),
        (Err(inputs), found) => Err(without_files(&inputs, &found.err().unwrap_or_default())),
    })
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
