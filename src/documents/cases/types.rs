//! The types of a loaded test file.

use std::sync::Arc;

use crate::documents::playbook::HandMove;
use crate::documents::{Key, Yaml};
use crate::words::{FaultClass, Id, Located, Outcome, Place, Source, ToolVersion};

/// The tests of one playbook.
#[derive(Debug, Clone)]
pub struct TestFile {
    pub source: Arc<Source>,
    /// Path beside or below the test file; without it, `x.yaml` for `x.test.yaml`.
    pub playbook: Option<Located<String>>,
    /// Irreversible steps that the person of each case agrees to when asked.
    pub agrees: Vec<Located<Id>>,
    pub cases: Vec<Case>,
    /// Changes of the playbook that no case needs to notice.
    pub unnoticed: Vec<UnnoticedMutant>,
    /// Mishaps whose effect is known and accepted.
    pub excused: Vec<Excuse>,
}

/// A step and a mishap whose run breaks a rule, and why that is accepted.
#[derive(Debug, Clone)]
pub struct Excuse {
    /// As the report of `recover test --faults` names it; `*` stands for any text.
    pub trial: Located<String>,
    pub reason: String,
}

impl Excuse {
    pub fn fits(&self, trial: &str) -> bool {
        matches_text(&self.trial.value, trial)
    }
}

/// A change that `recover test --mutate` makes and that may go unnoticed.
#[derive(Debug, Clone)]
pub struct UnnoticedMutant {
    /// As the report names it; `*` stands for any text.
    pub mutant: Located<String>,
    pub reason: String,
}

/// One run, and what must come of it.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: Located<String>,
    /// Starting states and mishaps of the virtual board.
    pub simulate: Vec<Located<String>>,
    /// One thing that goes wrong, at one step.
    pub mishap: Option<CaseMishap>,
    /// Scripted tools in place of the virtual board: a path beside or below the test file.
    pub scene: Option<Located<String>>,
    /// Settings of the virtual board in place of the playbook's own.
    pub board: Vec<(Key, Yaml)>,
    pub files: Vec<(Located<Id>, GivenContents)>,
    /// Values of the playbook's variables, as on the command line.
    pub set: Vec<(Located<Id>, Located<String>)>,
    /// Irreversible steps that are agreed to beforehand.
    pub allow: Vec<Located<Id>>,
    /// Irreversible steps that the person agrees to when asked.
    /// Without, those that the test file names.
    pub agrees: Option<Vec<Located<Id>>>,
    /// Steps that leave a choice, and the way that the person takes there.
    pub chooses: Vec<(Located<Id>, Choice)>,
    /// What the person says when a device was there before they moved; without it no, and in a scene yes.
    pub it_is_the_board: Option<Located<bool>>,
    /// As --even-if-healthy.
    pub even_if_healthy: bool,
    /// As --only-what-differs.
    pub only_what_differs: bool,
    /// The second run starts from what the first has left, as --resume.
    pub resume: bool,
    /// The person wants a board left alone that runs its firmware when the run begins.
    pub leaves_healthy: bool,
    /// Does somebody answer? Without, as under `--non-interactive`.
    pub interactive: bool,
    pub port: Option<String>,
    pub serial: Option<String>,
    pub tools: Vec<Treated>,
    pub expect: Expect,
    /// A second run on the board as the first has left it, with nothing going wrong any more.
    pub again: Option<Expect>,
}

/// A mishap of the matrix, and the step at which it happens. Which there are is the bench's matter.
#[derive(Debug, Clone)]
pub struct CaseMishap {
    /// With `:before` or `:after` the readings of a step that cannot be undone.
    pub step: Located<String>,
    pub what: Located<String>,
}

/// What the person does at a prompt that ENTER ends, and what the hardware shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Enter,
    Hands(Vec<HandMove>),
}

/// Where an input's file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenContents {
    /// It is not there.
    Missing,
    /// Made up so that it passes the playbook's checks, even where the run can do without.
    Made,
    /// Made up with so many bytes.
    Size(u64),
    Bytes(Vec<u8>),
    /// A path beside or below the test file.
    File(String),
}

/// What is the matter with a tool.
#[derive(Debug, Clone)]
pub struct Treated {
    pub tool: Located<String>,
    pub treatment: ToolTreatment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolTreatment {
    Missing,
    /// It says that it is of this version.
    Version(ToolVersion),
}

/// What must hold at the end. Only what is written is compared.
#[derive(Debug, Clone)]
pub struct Expect {
    pub outcome: Located<Outcome>,
    pub exit_code: Option<Located<u8>>,
    pub class: Option<Located<FaultClass>>,
    /// The step that the run ended at.
    pub step: Option<Located<Id>>,
    /// Inputs and the address at which the board holds them, whole.
    pub holds: Vec<(Located<Id>, Located<u64>)>,
    /// Fuse words by index.
    pub fuses: Vec<(Located<u32>, Located<u32>)>,
    /// No memory of the board was written, and no fuse.
    pub untouched: Option<Located<bool>>,
    pub done: Vec<Located<Id>>,
    pub skipped: Vec<Located<Id>>,
    pub retried: Vec<Located<Id>>,
    /// Steps that the run went back to.
    pub restarted_at: Vec<Located<Id>>,
    pub not_reached: Vec<Located<Id>>,
    /// Exactly the steps that asked the person something, in this order.
    pub prompts: Option<Located<Vec<Located<Id>>>>,
    /// Exactly the calls that were made, in this order.
    pub calls: Option<Located<Vec<CallPattern>>>,
    /// Calls that were made in this order, with others between them or not.
    pub called: Vec<CallPattern>,
    pub never_called: Vec<CallPattern>,
    /// Calls and how often each was made.
    pub times_called: Vec<(CallPattern, Located<u64>)>,
    /// Texts the person must be able to read: in prompts, waits, notes, warnings, faults and what to do next.
    pub says: Vec<Located<String>>,
    pub never_says: Vec<Located<String>>,
}

/// A call as it would be typed, in which `*` stands for any text.
#[derive(Debug, Clone)]
pub struct CallPattern {
    pub text: String,
    pub place: Place,
}

impl CallPattern {
    pub fn matches(&self, call: &str) -> bool {
        matches_text(&self.text, call)
    }
}

/// `*` in the pattern stands for any text, the empty one included.
pub(crate) fn matches_text(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches_text("blhost * efuse-program-once *", "blhost -u 1 -- efuse-program-once 0x06 10"));
        assert!(!matches_text("blhost * efuse-read-once *", "blhost -u 1 -- efuse-program-once 0x06 10"));
        assert!(matches_text("dfu-util", "dfu-util") && !matches_text("dfu-util", "dfu-util -l"));
        assert!(matches_text("*ab", "abab") && !matches_text("ab*ab", "ab"));
    }
}
