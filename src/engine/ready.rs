//! Tools, found and asked for their version before the person is asked to touch anything.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::timeout;

use crate::documents::catalog::{Catalog, Tool};
use crate::documents::expression::Value;
use crate::documents::playbook::{Action, Playbook, Step, tools_of};
use crate::engine::halt::Halt;
use crate::engine::runner::{Acted, Runner};
use crate::engine::{Event, Files, RuledOut};
use crate::words::{Id, ToolVersion};
use crate::world::{Surroundings, ToolProblem, ToolStarter, World, find_tools, tool_environment};

/// In this time most tools answer, and the person does not notice it.
const FIRST: Duration = Duration::from_millis(100);

/// Where tools are looked for, and how they are started to be asked.
pub struct ToolSearch<'a> {
    /// Programs the person named, by tool.
    pub explicit: &'a BTreeMap<String, PathBuf>,
    pub surroundings: &'a Surroundings,
    pub start: ToolStarter,
}

/// A tool that has been found, and the environment it runs in.
#[derive(Debug, Clone)]
pub struct ReadyTool {
    pub launcher: Vec<OsString>,
    pub version: ToolVersion,
    pub flavour: Option<String>,
    pub environment: BTreeMap<String, OsString>,
    pub environment_remove: Vec<String>,
}

/// Every tool that the run may need, found and asked.
#[derive(Debug, Default)]
pub struct ReadyTools {
    pub tools: BTreeMap<String, ReadyTool>,
    /// [`Event::ToolFound`] for each, still to be told.
    pub told: Vec<Event>,
}

/// Tools that are still being asked.
pub type SoughtTools<'a> = Pin<Box<dyn Future<Output = Result<ReadyTools, Vec<ToolProblem>>> + 'a>>;

/// The tools of a run: there, or still being asked. Some take seconds to answer, in which the person can act already.
pub enum Tools<'a> {
    Ready(BTreeMap<String, ReadyTool>),
    Sought(SoughtTools<'a>),
}

impl std::fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Tools::Ready(tools) => f.debug_tuple("Ready").field(tools).finish(),
            Tools::Sought(_) => f.debug_struct("Sought").finish_non_exhaustive(),
        }
    }
}

/// Finds every tool that the run may need. Needs a runtime whose clock runs.
pub fn seek_tools<'a>(
    playbook: &Playbook,
    catalog: &'a Catalog,
    files: &Files,
    variables: &BTreeMap<Id, Value>,
    search: ToolSearch<'a>,
) -> SoughtTools<'a> {
    let ruled_out = RuledOut::new(playbook, files, variables);
    let names = tools_of(playbook, &|step| !ruled_out.rules_out(step));
    let wanted: Vec<&Tool> = names.iter().filter_map(|name| catalog.tool(name)).collect();
    let scratch = files.scratch().folder().to_owned();
    Box::pin(async move {
        let environment = |tool: &Tool| tool_environment(catalog, tool, &scratch, search.surroundings);
        let found = find_tools(&wanted, search.explicit, search.surroundings, environment, search.start).await?;
        let mut ready = ReadyTools::default();
        for tool in found {
            let Some(described) = catalog.tool(&tool.name) else { continue };
            let mut environment = environment(described);
            if let Some(program) = tool.launcher.first() {
                environment = environment.beside(program);
            }
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
                    environment: environment.set,
                    environment_remove: environment.remove,
                },
            );
        }
        Ok(ready)
    })
}

impl<'a, W: World> Runner<'a, W> {
    /// Does what the step is for; tools that are still being asked may answer meanwhile.
    pub(super) async fn act(&mut self, step: &'a Step, purpose: &str) -> Result<Acted, Halt> {
        let Some(mut sought) = self.sought.take() else { return self.act_now(step, purpose).await };
        let mut found = None;
        let acted = {
            let mut acting = std::pin::pin!(self.act_now(step, purpose));
            loop {
                tokio::select! {
                    biased;
                    acted = &mut acting => break Some(acted),
                    answer = &mut sought, if found.is_none() => {
                        let failed = answer.is_err();
                        found = Some(answer);
                        if failed {
                            break None;
                        }
                    }
                }
            }
        };
        match found {
            Some(found) => self.take_tools(found)?,
            None => self.sought = Some(sought),
        }
        acted.unwrap_or(Ok(Acted::Skipped))
    }

    /// Waits until the tools have answered.
    pub(super) async fn tools_ready(&mut self) -> Result<(), Halt> {
        match self.sought.take() {
            Some(sought) => {
                let found = sought.await;
                self.take_tools(found)
            }
            None => Ok(()),
        }
    }

    /// Begins to ask the tools. What answers at once, or is not there at all, is known before anybody is asked to act.
    pub(super) async fn ask_tools(&mut self) -> Result<(), Halt> {
        let Some(mut sought) = self.sought.take() else { return Ok(()) };
        match timeout(FIRST, &mut sought).await {
            Ok(found) => self.take_tools(found),
            Err(_) => {
                self.sought = Some(sought);
                Ok(())
            }
        }
    }

    /// Makes the tools known.
    fn take_tools(&mut self, found: Result<ReadyTools, Vec<ToolProblem>>) -> Result<(), Halt> {
        let ReadyTools { tools, told } = found.map_err(Halt::NoTools)?;
        self.tools = tools;
        for event in told {
            self.tell(event);
        }
        self.find_tool_files();
        Ok(())
    }
}

/// May the step ask for something that is known only when all tools have answered?
pub(super) fn needs_tools(step: &Step) -> bool {
    let waits = matches!(step.action, Action::Prompt(_) | Action::Wait);
    // Of groups the steps themselves are asked.
    let group = matches!(step.action, Action::Steps(_));
    step.when.is_some() || !(waits || group)
}

impl std::fmt::Debug for ToolSearch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolSearch").field("explicit", &self.explicit).finish_non_exhaustive()
    }
}
