//! Where a tool might be, in the order in which places are tried.

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
    for pattern in tool.folders.on(OperatingSystem::current()) {
        for folder in folders::expand(pattern, surroundings) {
            for name in &tool.programs {
                if let Some(path) = program::in_folder(name, &folder) {
                    return Ok(found(path, folder.display().to_string(), looked_in));
                }
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
        if let Some(path) = in_path(name.as_ref()) {
            return Ok(found(path, "PATH".to_owned(), looked_in));
        }
    }
    looked_in.push("PATH".to_owned());

    let mut candidates = Vec::new();
    for prefix in &tool.via {
        let Some((first, rest)) = prefix.split_first() else { continue };
        let words = prefix.join(" ");
        match in_path(first.as_ref()) {
            Some(path) => candidates.push(Candidate {
                launcher: std::iter::once(path.into()).chain(rest.iter().map(Into::into)).collect(),
                found_by: format!("`{words}`"),
                indirect: true,
            }),
            None => looked_in.push(format!("`{words}` (there is no `{first}`)")),
        }
    }
    Ok(Search { candidates, looked_in })
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
        Some(program) => Ok(found(program, given_by, Vec::new())),
        None if path.exists() => Err(ToolProblem::NotExecutable { tool: tool.name.clone(), given_by, path }),
        None => Err(ToolProblem::NotThere { tool: tool.name.clone(), given_by, path }),
    }
}

fn found(path: PathBuf, found_by: String, looked_in: Vec<String>) -> Search {
    Search { candidates: vec![Candidate { launcher: vec![path.into()], found_by, indirect: false }], looked_in }
}
