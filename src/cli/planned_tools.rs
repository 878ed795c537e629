//! What a dry run tells of the tools: which program each is, and which catalogs describe it. None is started.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::style::{Look, Role};
use crate::cli::wording::hang;
use crate::documents::catalog::{Catalog, Tool, changes, shipped_source};
use crate::documents::playbook::{Playbook, tools_of};
use crate::words::Source;
use crate::world::{FirstTried, Surroundings, first_tried};

/// In place of a program.
const PLAYED: &str = "the bench plays it";
const SHIPPED: &str = "shipped";

/// One tool. In JSON one line with `"event": "planned_tool"`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename = "planned_tool")]
pub(super) struct PlannedTool {
    tool: String,
    /// Its words, where one is found and will be started.
    #[serde(skip)]
    launcher: Option<Vec<String>>,
    /// The first that would be asked whether it is the tool; absent where none is found.
    program: Option<String>,
    found_by: Option<String>,
    /// Those that say something of it, the last word last: `shipped`, or the path of a file.
    catalogs: Vec<String>,
}

/// Where programs are looked for.
pub(super) enum Programs<'a> {
    OnBench,
    Here { surroundings: &'a Surroundings, explicit: &'a dyn Fn(&str) -> Option<PathBuf> },
}

pub(super) fn planned_tools(
    playbook: &Playbook,
    catalog: &Catalog,
    own: &[Arc<Source>],
    programs: &Programs<'_>,
) -> Vec<PlannedTool> {
    let names = tools_of(playbook, &|_| true);
    names.iter().filter_map(|name| catalog.tool(name)).map(|tool| planned(tool, own, programs)).collect()
}

fn planned(tool: &Tool, own: &[Arc<Source>], programs: &Programs<'_>) -> PlannedTool {
    let found = match programs {
        Programs::OnBench => None,
        Programs::Here { surroundings, explicit } => first_tried(tool, explicit(&tool.name).as_deref(), surroundings),
    };
    let launcher = found.as_ref().map(|found| found.launcher.clone());
    let (program, found_by) = match (found, programs) {
        (Some(FirstTried { program, found_by, .. }), _) => (Some(program), Some(found_by)),
        (None, Programs::OnBench) => (Some(PLAYED.to_owned()), Some("--simulate or --scene".to_owned())),
        (None, Programs::Here { .. }) => (None, None),
    };
    let is_shipped =
        changes(&[], &shipped_source()).is_ok_and(|all| all.iter().any(|change| change.table == tool.name));
    let of_own = own.iter().filter(|source| {
        changes(&[shipped_source()], source).is_ok_and(|all| all.iter().any(|change| change.table == tool.name))
    });
    let catalogs = is_shipped.then(|| SHIPPED.to_owned()).into_iter().chain(of_own.map(|source| source.name.clone()));
    PlannedTool { tool: tool.name.clone(), launcher, program, found_by, catalogs: catalogs.collect() }
}

impl PlannedTool {
    /// What will be started where this tool is called; nothing on a bench, and where none is found.
    pub(super) fn launcher_of(tools: &[PlannedTool], name: &str) -> Option<Vec<String>> {
        tools.iter().find(|tool| tool.tool == name)?.launcher.clone()
    }
}

/// For people, behind the steps.
pub(super) fn render(tools: &[PlannedTool], look: &Look) -> String {
    if tools.is_empty() {
        return String::new();
    }
    let title = "Tools, as far as they are known without being started";
    let mut lines = vec![String::new(), look.paint(Role::Title, title)];
    let width = tools.iter().map(|tool| tool.tool.chars().count()).max().unwrap_or_default();
    for PlannedTool { tool, launcher: _, program, found_by, catalogs } in tools {
        let catalogs = match catalogs.as_slice() {
            [only] if only == SHIPPED => "the shipped catalog".to_owned(),
            all => format!("the catalogs {}", all.join(", ")),
        };
        let text = match (program, found_by) {
            (Some(program), Some(by)) => format!("{program} (found by {by}), from {catalogs}"),
            (_, _) => format!("not found here, from {catalogs}"),
        };
        lines.extend(hang(&format!("{tool:<width$}  "), &text, look.width));
    }
    lines.push(String::new());
    lines.join("\n")
}
