//! What the gate will say of a call that is only planned, so far as that is known beforehand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::documents::catalog::{CallFiles, Tool};
use crate::documents::expression::expand;
use crate::documents::playbook::{Contents, Input, Playbook, Run, Step, WriteStep, all_arguments, leaves};
use crate::engine::Files;
use crate::engine::devices::Chosen;
use crate::engine::facts::RunFacts;
use crate::engine::gate::meant_paths;
use crate::words::Id;
use crate::world::{Consent, Refused, ToolCall, ToolInput, Wish, clear};

/// A call whose arguments are all known.
pub(super) struct PlannedCall<'a> {
    pub(super) playbook: &'a Playbook,
    pub(super) step: &'a Step,
    pub(super) run: &'a Run,
    pub(super) tool: &'a Tool,
    pub(super) args: &'a [String],
    /// What will be started, where it is known.
    pub(super) launcher: Option<Vec<String>>,
    pub(super) chosen: &'a Chosen,
    /// The files that steps make, by their names.
    pub(super) made: &'a BTreeMap<Id, String>,
    pub(super) facts: RunFacts<'a>,
}

/// Why the gate will not let the call through, whatever the person agrees to.
pub(super) fn will_be_refused(planned: &PlannedCall<'_>) -> Option<Refused> {
    let PlannedCall { playbook, step, run, tool, .. } = planned;
    let launcher = planned.launcher.clone().unwrap_or_else(|| tool.launchers());
    let call = ToolCall {
        launcher: launcher.into_iter().map(Into::into).collect(),
        args: all_arguments(tool, planned.args),
        environment: BTreeMap::new(),
        environment_remove: Vec::new(),
        folder: PathBuf::new(),
        terminal: tool.terminal,
        input: ToolInput::Nothing,
        warm: None,
    };
    let mut paths = meant_paths(run);
    match planned.chosen {
        Chosen::Port(port) => paths.push(port.clone()),
        Chosen::Any | Chosen::Serial(_) => {}
    }
    let irreversible = step.irreversible.is_some();
    let wish = Wish {
        consent: irreversible.then(|| Consent::to(&call)),
        call,
        tool,
        says_to_be: &[],
        memories: &playbook.memories(),
        files: &PlannedFiles(planned),
        paths: &paths,
        excuses: step.excuses(),
        chosen: None,
    };
    clear(wish).err()
}

/// The files that will be there: of those that steps make, and of inputs that are not there yet, only what steps write is
/// known.
struct PlannedFiles<'a>(&'a PlannedCall<'a>);

impl std::fmt::Debug for PlannedFiles<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PlannedFiles").field(&self.0.made).finish()
    }
}

impl PlannedFiles<'_> {
    fn written(&self, file_name: &str) -> Option<&WriteStep> {
        let mut written = leaves(&self.0.playbook.steps).filter_map(Step::writes);
        written.find(|write| *write.file == file_name)
    }

    /// A step makes it, or it is an input that is not there yet.
    fn comes_later(&self, file_name: &str) -> bool {
        let is_named = |input: &Input| input.file_name() == file_name && self.files().knows(&input.name);
        self.0.made.values().any(|name| name == file_name) || self.0.playbook.inputs.iter().any(is_named)
    }

    fn files(&self) -> &Files {
        self.0.facts.files
    }
}

impl CallFiles for PlannedFiles<'_> {
    fn size(&self, name: &str) -> Option<u64> {
        let below = name.strip_prefix("../").unwrap_or(name);
        if let Some(staged) = self.0.run.stage.iter().find(|staged| staged.path.value == below) {
            return Some(self.files().size(&staged.file.value).unwrap_or(1));
        }
        if let Some(size) = CallFiles::size(self.files(), name) {
            return Some(size);
        }
        let bytes = self.bytes(name)?;
        // Of a file that comes later nothing is known but that it holds something.
        Some(u64::try_from(bytes.len()).unwrap_or(u64::MAX).max(1))
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        if let Some(bytes) = CallFiles::bytes(self.files(), name) {
            return Some(bytes);
        }
        match self.written(name).map(|write| &write.contents) {
            Some(Contents::Text(text)) => Some(expand(text, &self.0.facts).map(String::into_bytes).unwrap_or_default()),
            Some(Contents::Zeros(length)) => Some(vec![0; usize::try_from(*length).unwrap_or(0)]),
            None => self.comes_later(name).then(Vec::new),
        }
    }
}
