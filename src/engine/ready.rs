//! Tools, found and asked for their version before the person is asked to touch anything.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout;

use crate::documents::catalog::{Catalog, Tool};
use crate::documents::expression::Value;
use crate::documents::playbook::{Playbook, tools_of};
use crate::engine::halt::Halt;
use crate::engine::runner::Runner;
use crate::engine::{Clock, Event, Files, RuledOut, without_tools};
use crate::words::{Id, ToolVersion};
use crate::world::{
    Finder, PassedOver, ToolCall, ToolInput, ToolProblem, WarmStart, World, clear_interpreter, find_tools,
    tool_environment,
};

/// In this time most tools answer, and the person does not notice it.
const FIRST: Duration = Duration::from_millis(300);
/// What a tool takes to say its version it takes for each call before it does anything, and more when the computer is busy.
const START_UPS: u32 = 5;
/// A longer start-up does not count, so that limits stay limits.
const START_UP_MAX: Duration = Duration::from_secs(20);

/// A tool that has been found, and the environment it runs in.
#[derive(Debug, Clone)]
pub struct ReadyTool {
    pub launcher: Vec<OsString>,
    pub version: ToolVersion,
    pub flavour: Option<String>,
    /// The shipped tools that it shows itself to be.
    pub says_to_be: Vec<String>,
    pub environment: BTreeMap<String, OsString>,
    pub environment_remove: Vec<String>,
    /// What it took to tell its version.
    pub start_up: Duration,
    /// How its calls can be made without starting it anew.
    pub warm: Option<WarmStart>,
}

impl ReadyTool {
    /// What is added to the limits of a call, which are for the work alone.
    pub(super) fn start_allowance(&self) -> Duration {
        self.start_up.min(START_UP_MAX) * START_UPS
    }
}

/// Every tool that the run may need, found and asked.
#[derive(Debug, Default)]
pub struct ReadyTools {
    pub tools: BTreeMap<String, ReadyTool>,
    /// [`Event::ToolFound`] for each, and what was passed over for it; still to be told.
    pub told: Vec<Event>,
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<ReadyTools, Vec<ToolProblem>>> + 'a>>;

/// Tools that are being asked.
pub struct SoughtTools<'a> {
    pub answer: Answer<'a>,
    /// Those that have not answered yet.
    pub still_out: Rc<RefCell<Vec<String>>>,
}

/// The tools of a run: there, or still being asked. Some take seconds to answer.
pub enum Tools<'a> {
    Ready(BTreeMap<String, ReadyTool>),
    Sought(SoughtTools<'a>),
}

impl std::fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Tools::Ready(tools) => f.debug_tuple("Ready").field(tools).finish(),
            Tools::Sought(sought) => f.debug_tuple("Sought").field(sought).finish(),
        }
    }
}

impl std::fmt::Debug for SoughtTools<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoughtTools").field("still_out", &self.still_out).finish_non_exhaustive()
    }
}

/// Finds every tool that the run may need. Needs a runtime whose clock runs.
pub(super) fn seek_tools<'a>(
    playbook: &Playbook,
    catalog: &'a Catalog,
    files: &Files,
    variables: &BTreeMap<Id, Value>,
    finder: Finder<'a>,
    clock: Clock,
) -> SoughtTools<'a> {
    let ruled_out = RuledOut::new(playbook, files, variables);
    let names = tools_of(playbook, &|step| !ruled_out.rules_out(step));
    let wanted: Vec<&Tool> = names.iter().filter_map(|name| catalog.tool(name)).collect();
    let still_out = Rc::new(RefCell::new(wanted.iter().map(|tool| tool.name.clone()).collect()));
    let scratch = files.scratch().folder().to_owned();
    let out: Rc<RefCell<Vec<String>>> = Rc::clone(&still_out);
    let answer = Box::pin(async move {
        let surroundings = finder.surroundings;
        let environment = |tool: &Tool| tool_environment(catalog, tool, &scratch, surroundings);
        let answered = |name: &str| out.borrow_mut().retain(|tool| tool != name);
        let found = find_tools(&wanted, finder, environment, answered).await?;
        let mut ready = ReadyTools::default();
        for tool in found {
            ready.told.extend(tool.passed_over.into_iter().map(|PassedOver { program, found_by, why }| {
                Event::ToolPassedOver { tool: tool.name.clone(), program, found_by, reason: why.to_string() }
            }));
            let program: Vec<String> = tool.launcher.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            ready.told.push(Event::ToolFound {
                tool: tool.name.clone(),
                program: program.join(" "),
                version: tool.version.clone(),
                flavour: tool.flavour.clone(),
                found_by: tool.found_by,
            });
            ready.tools.insert(
                tool.name,
                ReadyTool {
                    launcher: tool.launcher,
                    version: tool.version,
                    flavour: tool.flavour,
                    says_to_be: tool.says_to_be,
                    environment: tool.environment.set,
                    environment_remove: tool.environment.remove,
                    start_up: match clock {
                        Clock::Running => tool.start_up,
                        // A mock's real start says nothing about time that is made up, which must be the same each time.
                        Clock::Paused => Duration::ZERO,
                    },
                    warm: tool.warm,
                },
            );
        }
        Ok(ready)
    });
    SoughtTools { answer, still_out }
}

/// The tools that a run has, and those that it still waits for.
pub(super) struct RunTools<'a> {
    found: BTreeMap<String, ReadyTool>,
    /// Still being asked; until then nothing is found.
    sought: Option<SoughtTools<'a>>,
}

impl<'a> RunTools<'a> {
    /// Those that have answered.
    pub(super) fn found(&self) -> &BTreeMap<String, ReadyTool> {
        &self.found
    }

    pub(super) fn get(&self, name: &str) -> Option<&ReadyTool> {
        self.found.get(name)
    }
}

impl<'a> From<Tools<'a>> for RunTools<'a> {
    fn from(tools: Tools<'a>) -> Self {
        match tools {
            Tools::Ready(found) => RunTools { found, sought: None },
            Tools::Sought(sought) => RunTools { found: BTreeMap::new(), sought: Some(sought) },
        }
    }
}

impl<W: World> Runner<'_, W> {
    /// Waits until the tools have answered: nobody is asked to touch anything for a run that cannot be made.
    pub(super) async fn tools_ready(&mut self) -> Result<(), Halt> {
        let Some(mut sought) = self.tools.sought.take() else { return Ok(()) };
        let found = match timeout(FIRST, &mut sought.answer).await {
            Ok(found) => found,
            Err(_) => {
                let tools = sought.still_out.borrow().clone();
                self.tell(Event::LookingForTools { tools });
                let (world, first) = (self.world, self.playbook.leaf_steps().first().map(|step| step.id.clone()));
                let wish = async {
                    match first {
                        Some(first) => (world.interrupted().await, first),
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    found = &mut sought.answer => found,
                    (by, first) = wish => return Err(self.interrupt(&first, by)),
                }
            }
        };
        let ReadyTools { tools, told } = found.map_err(|problems| Halt::Refused(Box::new(without_tools(&problems))))?;
        self.tools.found = tools;
        self.bus.note_tools(&self.tools.found);
        for event in told {
            self.tell(event);
        }
        self.find_tool_files();
        Ok(())
    }

    /// Has the interpreters of the tools started, so that they are ready when the person is.
    pub(super) fn warm_up(&self) {
        for (name, ready) in self.tools.found.iter().filter(|_| !self.settings.single_calls) {
            let Some(tool) = self.catalog.tool(name).filter(|_| ready.warm.is_some()) else { continue };
            let call = ToolCall {
                launcher: ready.launcher.clone(),
                args: Vec::new(),
                environment: ready.environment.clone(),
                environment_remove: ready.environment_remove.clone(),
                folder: PathBuf::from(self.files.scratch().folder()),
                terminal: false,
                input: ToolInput::Nothing,
                warm: ready.warm.clone(),
            };
            if let Ok(interpreter) = clear_interpreter(call, tool, &ready.says_to_be) {
                self.world.warm_up(&interpreter);
            }
        }
    }
}
