//! Tools, found and asked for their version before the person is asked to touch anything.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::documents::catalog::{Catalog, Tool};
use crate::documents::expression::Value;
use crate::documents::playbook::{Playbook, tools_of};
use crate::engine::{Event, Files, ReadyTool, RuledOut};
use crate::words::Id;
use crate::world::{Surroundings, ToolProblem, ToolStarter, find_tools, tool_environment};

/// Where tools are looked for, and how they are started to be asked.
pub struct ToolSearch<'a> {
    /// Programs the person named, by tool.
    pub explicit: &'a BTreeMap<String, PathBuf>,
    pub surroundings: &'a Surroundings,
    pub start: ToolStarter,
}

/// Finds every tool that the run may need. Needs a runtime whose clock runs.
pub async fn ready_tools(
    playbook: &Playbook,
    catalog: &Catalog,
    files: &Files,
    variables: &BTreeMap<Id, Value>,
    search: ToolSearch<'_>,
    tell: &mut dyn FnMut(&Event),
) -> Result<BTreeMap<String, ReadyTool>, Vec<ToolProblem>> {
    let ruled_out = RuledOut::new(playbook, files, variables);
    let names = tools_of(&playbook.steps, &|step| !ruled_out.rules_out(step));
    let wanted: Vec<&Tool> = names.iter().filter_map(|name| catalog.tool(name)).collect();
    let scratch = files.scratch().folder();
    let environment = |tool: &Tool| tool_environment(catalog, tool, scratch, search.surroundings);
    let found = find_tools(&wanted, search.explicit, search.surroundings, environment, search.start).await?;
    let mut ready = BTreeMap::new();
    for tool in found {
        let Some(described) = catalog.tool(&tool.name) else { continue };
        let mut environment = environment(described);
        if let Some(program) = tool.launcher.first() {
            environment = environment.beside(program);
        }
        let program: Vec<String> = tool.launcher.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        tell(&Event::ToolFound {
            tool: tool.name.clone(),
            program: program.join(" "),
            version: tool.version.clone(),
            flavour: tool.flavour.clone(),
            found_by: tool.found_by,
        });
        ready.insert(
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
}

impl std::fmt::Debug for ToolSearch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolSearch").field("explicit", &self.explicit).finish_non_exhaustive()
    }
}
