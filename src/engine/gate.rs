//! What the engine knows of a call, for the gate that every call passes: its files, its paths, and the consent to it.

use crate::documents::catalog::{CallFacts, CallFiles, Fuse, fuse_of, never_chosen};
use crate::documents::expression::Value;
use crate::documents::playbook::{Irreversible, Run, Step, runs_of};
use crate::engine::Files;
use crate::engine::call::Prepared;
use crate::engine::halt::Halt;
use crate::engine::runner::Runner;
use crate::engine::watch::Watch;
use crate::words::{Fault, FaultClass, Id};
use crate::world::{Cleared, Wish, World, clear};

/// What to say of a call that the gate does not let through.
pub(super) const WHOSE_MISTAKE: &str =
    "This is a mistake in the playbook, or a value that it was given; `recover check` may show where";

/// The paths among a call's arguments that are meant: of what the step puts into the tool's folder.
pub(super) fn meant_paths(run: &Run) -> Vec<String> {
    let paths = run.stage.iter().map(|staged| &staged.path.value);
    // Some tools expect the dots, and drop them.
    paths.flat_map(|path| [path.clone(), format!("../{path}")]).collect()
}

impl CallFiles for Files {
    fn size(&self, name: &str) -> Option<u64> {
        Files::size(self, self.called(name)?).ok()
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let id = self.called(name)?;
        let size = Files::size(self, id).ok()?;
        Files::bytes(self, id, 0, size).ok()
    }
}

/// The run's files, also by the paths under which a step has put them into the tool's folder.
#[derive(Debug)]
struct OfStep<'a> {
    files: &'a Files,
    run: &'a Run,
}

impl CallFiles for OfStep<'_> {
    fn size(&self, name: &str) -> Option<u64> {
        let below = name.strip_prefix("../").unwrap_or(name);
        match self.run.stage.iter().find(|staged| staged.path.value == below) {
            Some(staged) => Files::size(self.files, &staged.file.value).ok(),
            None => CallFiles::size(self.files, name),
        }
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        CallFiles::bytes(self.files, name)
    }
}

impl<W: World> Runner<'_, W> {
    /// The call, if it may go out. A consent counts for one call only.
    pub(super) fn cleared(&mut self, step: &Step, run: &Run, prepared: &Prepared<'_>) -> Result<Cleared, Halt> {
        let Some(tool) = self.catalog.tool(&run.tool.value) else {
            let message = format!("{} is not in the catalog", run.tool.value);
            return Err(self.halt_here(&step.id, Fault::new(FaultClass::ToolMissing, message)));
        };
        let mut paths = meant_paths(run);
        paths.extend(self.bus.attached().unwrap_or_default().into_iter().map(|device| device.port));
        let wish = Wish {
            call: prepared.call.clone(),
            tool,
            says_to_be: self.tools.get(&run.tool.value).map(|ready| ready.says_to_be.as_slice()).unwrap_or_default(),
            memories: &self.playbook.memories(),
            files: &OfStep { files: &self.files, run },
            paths: &paths,
            excuses: step.excuses(),
            consent: self.acts.consent.take(),
            chosen: prepared.chosen.as_ref(),
        };
        clear(wish).map_err(|refused| {
            let mut fault = Fault::new(FaultClass::BadUsage, format!("{} was not started: {refused}", run.tool.value));
            fault.help = Some(WHOSE_MISTAKE.to_owned());
            self.halt_here(&step.id, fault)
        })
    }

    /// Why a line is not sent to a tool that has printed a menu; nothing where it may be.
    pub(super) fn never_chosen(&self, watch: &Watch<'_, '_, '_>, line: &str) -> Option<Halt> {
        let tool = self.catalog.tool(&watch.run.tool.value)?;
        let label =
            self.facts_of_call(&watch.run.tool.value, |facts| never_chosen(tool, facts, &watch.since_answer, line))?;
        let message = format!(
            "`{label}` was not chosen from the menu of {}: it is not known to be harmless, and no consent allows it",
            watch.run.tool.value
        );
        let mut fault = Fault::new(FaultClass::BadUsage, message);
        fault.help = Some("This is a mistake in the playbook, or in what was typed".to_owned());
        Some(self.halt_here(&watch.step.id, fault))
    }

    /// The fuses that a call is about, where the catalog knows how the tool names them.
    pub(super) fn fuse(&self, run: &Run, args: &[String]) -> Option<Fuse> {
        let tool = self.catalog.tool(&run.tool.value)?;
        self.facts_of_call(&run.tool.value, |facts| fuse_of(tool, args, facts).map(|(fuse, _)| fuse))
    }

    /// What the guards are told of a call of this tool; nothing before the tool is found.
    pub(super) fn facts_of_call<T>(&self, tool: &str, look: impl FnOnce(&CallFacts<'_>) -> Option<T>) -> Option<T> {
        let ready = self.tools.get(tool)?;
        let launcher: Vec<String> = ready.launcher.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let memories = self.playbook.memories();
        let says_to_be = &ready.says_to_be;
        look(&CallFacts { launcher: &launcher, says_to_be, memories: &memories, files: &self.files, chosen: None })
    }

    /// The bits of the word as a reading has captured them last.
    pub(super) fn bits_read(&self, irreversible: &Irreversible, word: u64) -> Option<u64> {
        let value = |name: &Id| match self.values.get(name) {
            Some(Value::Integer(bits)) => u64::try_from(*bits).ok(),
            _ => None,
        };
        let readings = [&irreversible.already_done, &irreversible.verify];
        readings.into_iter().flat_map(|reading| runs_of(&reading.steps)).find_map(|run| {
            let args = self.arguments_now(run);
            let fuse = self.fuse(run, &args).filter(|fuse| fuse.word == word && fuse.bits.is_none());
            fuse.and_then(|_| run.capture.iter().find_map(|capture| value(&capture.name)))
        })
    }
}
