//! What keeps a tool from being used, and what the person can do about it.

use std::path::PathBuf;

use crate::words::ToolVersion;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolProblem {
    #[error(
        "the tool `{tool}` was not found; looked in {}. {}, or say where it is with `--tool {tool}=PATH`",
        list(looked_in), install_sentence(install.as_deref())
    )]
    NotFound { tool: String, looked_in: Vec<String>, install: Option<String> },
    /// The person named it, so nothing else is tried in its place.
    #[error("`{}`, given as the tool `{tool}` by {given_by}, does not exist: correct the path or leave it out", path.display())]
    NotThere { tool: String, given_by: String, path: PathBuf },
    #[error(
        "`{}`, given as the tool `{tool}` by {given_by}, cannot be run: it must be a program file that this user may \
         execute",
        path.display()
    )]
    NotExecutable { tool: String, given_by: String, path: PathBuf },
    #[error(
        "the tool `{tool}` (`{command}`) did not tell its version: {reason}{}. {}, or name another with \
         `--tool {tool}=PATH`",
        quote(last_lines), install_sentence(install.as_deref())
    )]
    ProbeFailed { tool: String, command: String, reason: String, last_lines: Vec<String>, install: Option<String> },
    #[error(
        "`{command}` does not seem to be the tool `{tool}`{}. Name the right one with `--tool {tool}=PATH`",
        quote(first_lines)
    )]
    NotTheTool { tool: String, command: String, first_lines: Vec<String> },
    #[error(
        "the tool `{tool}` (`{command}`) is too old: it is version {found}, and at least {minimum} is needed. {}",
        install_sentence(install.as_deref())
    )]
    TooOld {
        tool: String,
        command: String,
        found: Box<ToolVersion>,
        minimum: Box<ToolVersion>,
        install: Option<String>,
    },
    #[error(
        "version {found} of the tool `{tool}` (`{command}`) must not be used: {reason}. {}",
        install_sentence(install.as_deref())
    )]
    KnownBad { tool: String, command: String, found: Box<ToolVersion>, reason: String, install: Option<String> },
}

impl ToolProblem {
    /// How to install the tool on this system, where the catalog knows.
    pub fn install(&self) -> Option<&str> {
        match self {
            ToolProblem::NotFound { install, .. }
            | ToolProblem::ProbeFailed { install, .. }
            | ToolProblem::TooOld { install, .. }
            | ToolProblem::KnownBad { install, .. } => install.as_deref(),
            ToolProblem::NotThere { .. } | ToolProblem::NotExecutable { .. } | ToolProblem::NotTheTool { .. } => None,
        }
    }

    /// The tool's name in the catalog.
    pub fn tool(&self) -> &str {
        match self {
            ToolProblem::NotFound { tool, .. }
            | ToolProblem::NotThere { tool, .. }
            | ToolProblem::NotExecutable { tool, .. }
            | ToolProblem::ProbeFailed { tool, .. }
            | ToolProblem::NotTheTool { tool, .. }
            | ToolProblem::TooOld { tool, .. }
            | ToolProblem::KnownBad { tool, .. } => tool,
        }
    }
}

fn list(places: &[String]) -> String {
    if places.is_empty() { "no place at all".to_owned() } else { places.join(", ") }
}

fn install_sentence(install: Option<&str>) -> String {
    match install {
        Some(how) => format!("To install it: {}", how.trim_end().trim_end_matches('.')),
        None => "Install it".to_owned(),
    }
}

fn quote(lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!("; it printed:\n    {}\n", lines.join("\n    ")) }
}
