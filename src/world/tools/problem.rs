//! What keeps a tool from being used.

use std::path::PathBuf;

use crate::words::ToolVersion;

/// Why a program that was found is not taken: a sentence without a full stop, about "it".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("it is not executable for this user")]
    NotExecutable,
    #[error("it is version {found}, and at least {minimum} is needed")]
    TooOld { found: Box<ToolVersion>, minimum: Box<ToolVersion> },
    #[error("it is version {found}, which must not be used: {reason}")]
    KnownBad { found: Box<ToolVersion>, reason: String },
    #[error("it did not tell its version: {reason}{}", in_brackets(last_lines.last()))]
    Failed { reason: String, last_lines: Vec<String> },
    #[error("it did not tell its version: something killed it")]
    Killed,
    #[error("it is not asked for its version: {why}")]
    Refused { why: String },
    #[error("it could not be started: {reason}")]
    NoRoom { reason: String },
    #[error("it seems to be another program{}", in_brackets(first_lines.first()))]
    AnotherProgram { first_lines: Vec<String> },
}

impl Unusable {
    /// What it printed, where that says more.
    fn output(&self) -> &[String] {
        match self {
            Unusable::Failed { last_lines: lines, .. } | Unusable::AnotherProgram { first_lines: lines } => lines,
            Unusable::NotExecutable
            | Unusable::Killed
            | Unusable::TooOld { .. }
            | Unusable::KnownBad { .. }
            | Unusable::NoRoom { .. }
            | Unusable::Refused { .. } => &[],
        }
    }
}

/// A program that was found where the tool is looked for, and not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// With its leading arguments, as a person would type it.
    pub program: String,
    /// Which rule of the discovery order found it.
    pub found_by: String,
    pub why: Unusable,
}

/// A tool that cannot be had, and what the person can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{trouble}")]
pub struct ToolProblem {
    /// Its name in the catalog.
    pub tool: String,
    pub trouble: Trouble,
    /// Each a sentence or a command to paste; the likeliest first.
    pub remedies: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the tool `{tool}` was not found; looked in {}", list(looked_in))]
    NotFound { tool: String, looked_in: Vec<String> },
    #[error("{}", none_usable(tool, found))]
    NoneUsable { tool: String, found: Vec<PassedOver> },
    /// The person named it, so nothing else is tried in its place.
    #[error("`{}`, given as the tool `{tool}` by {given_by}, does not exist", path.display())]
    NotThere { tool: String, given_by: String, path: PathBuf },
    #[error("`{}`, given as the tool `{tool}` by {}, cannot be used: {}", found.program, found.found_by, found.why)]
    GivenUnusable { tool: String, found: PassedOver },
}

impl ToolProblem {
    /// The computer has no room for it, whatever tool it is.
    pub fn is_of_the_computer(&self) -> bool {
        let no_room = |found: &PassedOver| matches!(found.why, Unusable::NoRoom { .. });
        match &self.trouble {
            Trouble::NoneUsable { found, .. } => found.iter().any(no_room),
            Trouble::GivenUnusable { found, .. } => no_room(found),
            Trouble::NotFound { .. } | Trouble::NotThere { .. } => false,
        }
    }

    /// What the programs printed, where that says more than the sentence.
    pub fn output(&self) -> Vec<String> {
        match &self.trouble {
            Trouble::NoneUsable { found, .. } => found.iter().flat_map(|found| found.why.output()).cloned().collect(),
            Trouble::GivenUnusable { found, .. } => found.why.output().to_vec(),
            Trouble::NotFound { .. } | Trouble::NotThere { .. } => Vec::new(),
        }
    }
}

fn none_usable(tool: &str, found: &[PassedOver]) -> String {
    match found {
        [only] => format!("the tool `{tool}` (`{}`) cannot be used: {}", only.program, only.why),
        several => {
            let each: Vec<String> = several.iter().map(|found| format!("`{}`: {}", found.program, found.why)).collect();
            format!("none of the programs found as the tool `{tool}` can be used; {}", each.join("; "))
        }
    }
}

fn list(places: &[String]) -> String {
    if places.is_empty() { "no place at all".to_owned() } else { places.join(", ") }
}

fn in_brackets(line: Option<&String>) -> String {
    line.map(|line| format!(" (it printed: {})", line.trim())).unwrap_or_default()
}
