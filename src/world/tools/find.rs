//! Finds several tools at once. A JVM or Python start takes seconds, so they are all asked at the same time.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::interpreter::interpreter_of;
use super::locate::{self, Candidate, Given, Search};
use super::probe::{PROBE_TIME_MAX, ask, judge, version_call};
use super::remedy::Remedies;
use super::{PassedOver, Surroundings, ToolEnvironment, ToolProblem, Trouble, Unusable};
use crate::documents::catalog::{Flavour, Installer, Tool, named_as, says_to_be};
use crate::words::ToolVersion;
use crate::world::gate::clear_question;
use crate::world::{Cleared, RunningTool, WarmStart};

/// So many further installations of a tool are asked which kind they are.
const OTHERS_MAX: usize = 4;
/// So many programs are tried in all, most of which would have to be unusable.
const CANDIDATES_MAX: usize = 24;

/// Starts the tools that are asked for their version: processes, but on a bench.
pub type ToolStarter = Arc<dyn Fn(&Cleared) -> RunningTool + Send + Sync>;

/// A tool that is there and may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTool {
    /// As in the catalog.
    pub name: String,
    /// Program and, for tools started through another program, its leading arguments.
    pub launcher: Vec<OsString>,
    /// In which it was asked and is to run.
    pub environment: ToolEnvironment,
    /// `--tool`, a variable's name, a folder, `PATH`, or the words it is started through.
    pub found_by: String,
    pub version: ToolVersion,
    pub flavour: Option<String>,
    /// The shipped tools that it shows itself to be, whatever it is called here.
    pub says_to_be: Vec<String>,
    /// How long it took to tell its version, which needs nothing but its start.
    pub start_up: Duration,
    /// How its calls can be made without starting it anew.
    pub warm: Option<WarmStart>,
    /// What came before it and could not be used.
    pub passed_over: Vec<PassedOver>,
}

/// What a search knows of the computer.
pub struct Finder<'a> {
    /// Paths that the person named, by tool.
    pub explicit: &'a BTreeMap<String, PathBuf>,
    pub installers: &'a [Installer],
    pub surroundings: &'a Surroundings,
    pub start: ToolStarter,
}

impl std::fmt::Debug for Finder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finder").field("explicit", &self.explicit).finish_non_exhaustive()
    }
}

/// Looks for all wanted tools, in the order of the list: `explicit` paths by tool name, `RECOVER_TOOL_<NAME>`, the folder of
/// this program, the catalog's folders, PATH, and the programs a tool can be started through. The first that can be used is
/// taken, but what the person named is taken or refused.
///
/// Tells every problem at once, in the order of `wanted`, and each tool that has answered to `answered`. Needs a tokio
/// runtime with time enabled and not paused.
pub async fn find_tools(
    wanted: &[&Tool],
    finder: Finder<'_>,
    environment: impl Fn(&Tool) -> ToolEnvironment,
    answered: impl Fn(&str),
) -> Result<Vec<FoundTool>, Vec<ToolProblem>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for outcome in examine_tools(wanted, finder, environment, answered).await {
        match outcome {
            Ok(tool) => found.push(tool),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// The same, with what came of each.
pub async fn examine_tools(
    wanted: &[&Tool],
    finder: Finder<'_>,
    environment: impl Fn(&Tool) -> ToolEnvironment,
    answered: impl Fn(&str),
) -> Vec<Result<FoundTool, ToolProblem>> {
    let mut outcomes = BTreeMap::new();
    let mut examinations = JoinSet::new();
    for (index, tool) in wanted.iter().enumerate() {
        let explicit = finder.explicit.get(&tool.name).map(PathBuf::as_path);
        let given = locate::given(tool, explicit, finder.surroundings);
        let examination = Examination {
            tool: (*tool).clone(),
            installers: finder.installers.to_vec(),
            environment: environment(tool),
            surroundings: finder.surroundings.clone(),
            start: Arc::clone(&finder.start),
        };
        examinations.spawn(async move { (index, examination.find(given).await) });
    }
    while let Some(examined) = examinations.join_next().await {
        match examined {
            Ok((index, outcome)) => {
                if let Some(tool) = wanted.get(index) {
                    answered(&tool.name);
                }
                outcomes.insert(index, outcome);
            }
            // Nobody cancels an examination, so it can only have panicked.
            Err(defect) => std::panic::resume_unwind(defect.into_panic()),
        }
    }
    outcomes.into_values().collect()
}

/// The search for one tool.
struct Examination {
    tool: Tool,
    installers: Vec<Installer>,
    environment: ToolEnvironment,
    surroundings: Surroundings,
    start: ToolStarter,
}

impl Examination {
    async fn find(&self, given: Option<Given>) -> Result<FoundTool, ToolProblem> {
        let tool = self.tool.name.clone();
        let Some(given) = given else {
            let search = locate::search(&self.tool, &self.surroundings);
            return self.first_usable(search).await.map_err(|trouble| self.problem(trouble));
        };
        let trouble = match locate::at_given(&given) {
            None => Trouble::NotThere { tool, given_by: given.by, path: given.path },
            Some(candidate) => match self.examine(&candidate).await {
                Ok(found) => return Ok(found),
                Err(why) => Trouble::GivenUnusable { tool, found: passed_over(&candidate, why) },
            },
        };
        let mut problem = self.problem(trouble);
        // It is refused all the same; but the person may not know that there is another.
        let search = locate::search(&self.tool, &self.surroundings);
        if let Ok(FoundTool { launcher, version, .. }) = self.first_usable(search).await
            && let [program] = launcher.as_slice()
        {
            let (name, program) = (&self.tool.name, program.to_string_lossy());
            problem.remedies.insert(0, format!("Use version {version}, which is there too: `--tool {name}={program}`"));
        }
        Err(problem)
    }

    fn problem(&self, trouble: Trouble) -> ToolProblem {
        let remedies =
            Remedies { tool: &self.tool, installers: &self.installers, surroundings: &self.surroundings }.of(&trouble);
        ToolProblem { tool: self.tool.name.clone(), trouble, remedies }
    }

    /// The first candidate that answers as the tool should, or a preferred one behind it.
    async fn first_usable(&self, search: Search) -> Result<FoundTool, Trouble> {
        let Search { candidates, mut looked_in } = search;
        let prefer = &self.tool.version.prefer;
        let mut passed: Vec<PassedOver> = Vec::new();
        let mut first: Option<FoundTool> = None;
        let mut others = 0;
        for candidate in candidates.iter().take(CANDIDATES_MAX) {
            // Starting a further one takes time, and a slow way is no better than what is there.
            if first.is_some() {
                others += 1;
                if candidate.indirect || others > OTHERS_MAX {
                    break;
                }
            }
            match self.examine(candidate).await {
                Ok(found) if prefer.is_none() || found.flavour == *prefer => {
                    return Ok(FoundTool { passed_over: passed, ..found });
                }
                Ok(found) => {
                    first.get_or_insert(FoundTool { passed_over: std::mem::take(&mut passed), ..found });
                }
                Err(why) if candidate.indirect && means_not_installed(&why) => {
                    looked_in.push(format!("{} ({why})", candidate.found_by));
                }
                Err(why) => passed.push(passed_over(candidate, why)),
            }
        }
        let tool = self.tool.name.clone();
        match first {
            Some(first) => Ok(first),
            None if passed.is_empty() => Err(Trouble::NotFound { tool, looked_in }),
            None => Err(Trouble::NoneUsable { tool, found: passed }),
        }
    }

    async fn examine(&self, candidate: &Candidate) -> Result<FoundTool, Unusable> {
        if !candidate.executable {
            return Err(Unusable::NotExecutable);
        }
        let mut environment = self.environment.clone().beside(candidate.program().as_os_str());
        environment.set.extend(candidate.environment.clone());
        let call = version_call(&self.tool, candidate, &environment, &self.surroundings);
        let call =
            clear_question(call, &self.tool).map_err(|refused| Unusable::Refused { why: refused.to_string() })?;
        let began = Instant::now();
        let answer = ask((self.start)(&call), PROBE_TIME_MAX).await;
        let start_up = began.elapsed();
        let (flavour, version) = judge(&self.tool, &answer)?;
        let mut says_to_be = says_to_be(&answer.lines());
        // A link, or a copy under another name, is what it leads to.
        let real = candidate.program().canonicalize().ok();
        let file = real.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        says_to_be.extend(file.iter().flat_map(|file| named_as(file)));
        Ok(FoundTool {
            name: self.tool.name.clone(),
            launcher: candidate.launcher.clone(),
            environment,
            found_by: candidate.found_by.clone(),
            version,
            flavour: flavour.name.clone(),
            says_to_be,
            start_up,
            warm: self.warm_start(candidate, flavour),
            passed_over: Vec::new(),
        })
    }
}

impl Examination {
    fn warm_start(&self, candidate: &Candidate, flavour: &Flavour) -> Option<WarmStart> {
        let warm = self.tool.warm.as_ref()?;
        if warm.flavour.is_some() && warm.flavour != flavour.name {
            return None;
        }
        Some(WarmStart { interpreter: interpreter_of(&candidate.launcher)?, imports: warm.imports.clone() })
    }
}

/// Python without the module that was asked for fails, or says something else; it is not a tool that is broken.
fn means_not_installed(why: &Unusable) -> bool {
    matches!(why, Unusable::Failed { .. } | Unusable::AnotherProgram { .. })
}

fn passed_over(candidate: &Candidate, why: Unusable) -> PassedOver {
    PassedOver { program: candidate.command(), found_by: candidate.found_by.clone(), why }
}
