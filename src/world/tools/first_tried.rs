//! Which program a tool would be, in so far as that can be told without starting any.

use std::path::Path;

use super::{Surroundings, locate};
use crate::documents::catalog::Tool;

/// The program that is asked first whether it is the tool; what it answers decides whether it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstTried {
    /// Program and, for tools started through another program, its leading arguments.
    pub launcher: Vec<String>,
    /// As a person would type it, with what the catalog puts before every call's arguments.
    pub program: String,
    /// `--tool`, a variable's name, a folder, `PATH`, or the words it is started through.
    pub found_by: String,
}

/// None where nothing is found that could be the tool.
pub fn first_tried(tool: &Tool, explicit: Option<&Path>, surroundings: &Surroundings) -> Option<FirstTried> {
    let candidate = match locate::given(tool, explicit, surroundings) {
        Some(given) => locate::at_given(&given),
        None => locate::search(tool, surroundings).candidates.into_iter().find(|candidate| candidate.executable),
    }?;
    let launcher: Vec<String> = candidate.launcher.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let program = launcher.iter().chain(&tool.first_args).cloned().collect::<Vec<_>>().join(" ");
    Some(FirstTried { launcher, program, found_by: candidate.found_by })
}
