//! Where a tool might be, in the order in which places are tried.

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{Surroundings, ToolProblem, folders, program};
use crate::documents::catalog::{OperatingSystem, Tool};

/// A way to start the tool, not yet tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) launcher: Vec<OsString>,
    /// For the person: `--tool`, a variable's name, a folder or PATH.
    pub(super) found_by: String,
    /// Only the program that would start the tool was found: the tool itself may be missing.
    pub(super) indirect: bool,
}

#[derive(Debug)]
pub(super) struct Search {
    /// The first that works is taken; there is either one direct candidate or any number of indirect ones.
    pub(super) candidates: Vec<Candidate>,
    /// Further direct ones, looked for only when the catalog prefers one kind of the tool to others.
    pub(super) others: Vec<Candidate>,
    pub(super) looked_in: Vec<String>,
}

pub(super) fn locate(tool: &Tool, explicit: Option<&Path>, surroundings: &Surroundings) -> Result<Search, ToolProblem> {
    if let Some(path) = explicit {
        return given(tool, path, "--tool".to_owned(), surroundings);
    }
    let variable = variable_name(&tool.name);
    if let Some(path) = surroundings.variables.get(&variable).filter(|path| !path.is_empty()) {
        return given(tool, Path::new(path), variable, surroundings);
    }

    let mut looked_in = vec![format!("${variable} (not set)")];
    let mut installed: Vec<Candidate> = Vec::new();
    let enough = |installed: &[Candidate]| !installed.is_empty() && tool.version.prefer.is_none();
    for pattern in tool.folders.on(OperatingSystem::current()) {
        for folder in folders::expand(pattern, surroundings) {
            let program = tool.programs.iter().find_map(|name| program::in_folder(name, &folder));
            installed.extend(program.map(|path| direct(path, folder.display().to_string())));
            if enough(&installed) {
                return Ok(found(installed));
            }
            // A download that lost its mode is a frequent reason, and looks like "not there" otherwise.
            for name in &tool.programs {
                let path = folder.join(format!("{name}{EXE_SUFFIX}"));
                if path.is_file() {
                    looked_in.push(format!("{} (it is there, but is not executable)", path.display()));
                }
            }
        }
        looked_in.push(pattern.clone());
    }

    let search_path = surroundings.search_path.as_deref().unwrap_or_default();
    let in_path = |name: &OsStr| program::in_search_path(name, search_path, &surroundings.current_folder);
    for name in &tool.programs {
        let paths = in_path(name.as_ref());
        installed.extend(paths.into_iter().map(|path| direct(path, "PATH".to_owned())));
    }
    if !installed.is_empty() {
        return Ok(found(installed));
    }
    looked_in.push("PATH".to_owned());

    let mut candidates = Vec::new();
    for prefix in &tool.via {
        let Some((first, rest)) = prefix.split_first() else { continue };
        let words = prefix.join(" ");
        match in_path(first.as_ref()).into_iter().next() {
            Some(path) => candidates.push(Candidate {
                launcher: std::iter::once(path.into()).chain(rest.iter().map(Into::into)).collect(),
                found_by: format!("`{words}`"),
                indirect: true,
            }),
            None => looked_in.push(format!("`{words}` (there is no `{first}`)")),
        }
    }
    Ok(Search { candidates, others: Vec::new(), looked_in })
}

/// `RECOVER_TOOL_DFU_UTIL` for `dfu-util`.
pub(super) fn variable_name(tool: &str) -> String {
    let word: String =
        tool.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("RECOVER_TOOL_{word}")
}

/// What the person named is taken or refused, never passed over.
fn given(tool: &Tool, path: &Path, given_by: String, surroundings: &Surroundings) -> Result<Search, ToolProblem> {
    let path = surroundings.absolute(path);
    match program::at(&path) {
        Some(program) => Ok(found(vec![direct(program, given_by)])),
        None if path.exists() => Err(ToolProblem::NotExecutable { tool: tool.name.clone(), given_by, path }),
        None => Err(ToolProblem::NotThere { tool: tool.name.clone(), given_by, path }),
    }
}

fn direct(path: PathBuf, found_by: String) -> Candidate {
    Candidate { launcher: vec![path.into()], found_by, indirect: false }
}

/// The first of them, unless another is preferred. The same program may be found by several ways.
fn found(mut installed: Vec<Candidate>) -> Search {
    let mut seen = BTreeSet::new();
    installed.retain(|candidate| seen.insert(candidate.launcher.clone()));
    let others = installed.split_off(1.min(installed.len()));
    Search { candidates: installed, others, looked_in: Vec::new() }
}
