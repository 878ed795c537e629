//! Finds several tools at once. A JVM or Python start takes seconds, so they are all asked at the same time.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::locate::{Candidate, Search, locate};
use super::probe::{PROBE_TIME_MAX, ask, judge, version_call};
use super::{Surroundings, ToolEnvironment, ToolProblem};
use crate::documents::catalog::{OperatingSystem, Tool};
use crate::words::ToolVersion;
use crate::world::{RunningTool, ToolCall};

/// So many further installations of a tool are asked which kind they are.
const OTHERS_MAX: usize = 4;

/// Starts the tools that are asked for their version: processes, but on a bench.
pub type ToolStarter = Arc<dyn Fn(&ToolCall) -> RunningTool + Send + Sync>;

/// A tool that is there and may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTool {
    /// As in the catalog.
    pub name: String,
    /// Program and, for tools started through another program, its leading arguments.
    pub launcher: Vec<OsString>,
    /// `--tool`, a variable's name, a folder, `PATH`, or the words it is started through.
    pub found_by: String,
    pub version: ToolVersion,
    pub flavour: Option<String>,
}

/// Looks for all wanted tools, in the order of the list: `explicit` paths by tool name, `RECOVER_TOOL_<NAME>`, the
/// catalog's folders, PATH, and the programs a tool can be started through.
///
/// Tells every problem at once, in the order of `wanted`. Needs a tokio runtime with time enabled and not paused.
pub async fn find_tools(
    wanted: &[&Tool],
    explicit: &BTreeMap<String, PathBuf>,
    surroundings: &Surroundings,
    environment: impl Fn(&Tool) -> ToolEnvironment,
    start: ToolStarter,
) -> Result<Vec<FoundTool>, Vec<ToolProblem>> {
    let mut outcomes = BTreeMap::new();
    let mut examinations = JoinSet::new();
    for (index, tool) in wanted.iter().enumerate() {
        match locate(tool, explicit.get(&tool.name).map(PathBuf::as_path), surroundings) {
            Ok(search) => {
                let (tool, surroundings, start) = ((*tool).clone(), surroundings.clone(), Arc::clone(&start));
                let environment = environment(&tool);
                examinations
                    .spawn(async move { (index, examine(&tool, search, &environment, &surroundings, &start).await) });
            }
            Err(problem) => {
                outcomes.insert(index, Err(problem));
            }
        }
    }
    while let Some(examined) = examinations.join_next().await {
        match examined {
            Ok((index, outcome)) => {
                outcomes.insert(index, outcome);
            }
            // Nobody cancels an examination, so it can only have panicked.
            Err(defect) => std::panic::resume_unwind(defect.into_panic()),
        }
    }

    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for outcome in outcomes.into_values() {
        match outcome {
            Ok(tool) => found.push(tool),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// Takes the first candidate that answers as the tool should, or a preferred one behind it.
async fn examine(
    tool: &Tool,
    search: Search,
    environment: &ToolEnvironment,
    surroundings: &Surroundings,
    start: &ToolStarter,
) -> Result<FoundTool, ToolProblem> {
    let Search { candidates, others, mut looked_in } = search;
    let examine_one = async |candidate: &Candidate| {
        let environment = match candidate.launcher.first() {
            Some(program) => environment.clone().beside(program),
            None => environment.clone(),
        };
        let call = version_call(tool, candidate, environment, surroundings);
        judge(tool, candidate, &ask(start(&call), PROBE_TIME_MAX).await)
    };
    for candidate in &candidates {
        match examine_one(candidate).await {
            Err(problem) if candidate.indirect && means_not_installed(&problem) => {
                looked_in.push(describe_miss(candidate, &problem));
            }
            Err(problem) => return Err(problem),
            Ok(first) => {
                let preferred = |found: &FoundTool| found.flavour == tool.version.prefer;
                for other in others.iter().take(OTHERS_MAX).filter(|_| !preferred(&first)) {
                    if let Some(other) = examine_one(other).await.ok().filter(preferred) {
                        return Ok(other);
                    }
                }
                return Ok(first);
            }
        }
    }
    let install = tool.install.on(OperatingSystem::current()).clone();
    Err(ToolProblem::NotFound { tool: tool.name.clone(), looked_in, install })
}

/// Python without the module that was asked for fails, or says something else; it is not a tool that is broken.
fn means_not_installed(problem: &ToolProblem) -> bool {
    matches!(problem, ToolProblem::ProbeFailed { .. } | ToolProblem::NotTheTool { .. })
}

fn describe_miss(candidate: &Candidate, problem: &ToolProblem) -> String {
    let said = match problem {
        ToolProblem::ProbeFailed { last_lines, reason, .. } => last_lines.last().unwrap_or(reason),
        ToolProblem::NotTheTool { first_lines, .. } => first_lines.first().map_or("", |line| line),
        _ => "",
    };
    format!("{} ({})", candidate.found_by, said.trim())
}
