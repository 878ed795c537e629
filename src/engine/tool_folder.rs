//! What a run does in the folders of tools: finds files that come with them, and works in copies of its own.

use std::path::{Path, PathBuf};

use crate::documents::catalog::{Tool, may_name, may_stage};
use crate::documents::playbook::{Run, Step};
use crate::engine::ReadyTool;
use crate::engine::halt::Halt;
use crate::engine::runner::Runner;
use crate::words::{Fault, FaultClass};
use crate::world::{ToolCall, World, tool_folder};

impl<W: World> Runner<'_, W> {
    /// Makes files of found tools known; one that is not there counts as not given.
    pub(super) fn find_tool_files(&mut self) {
        for file in &self.playbook.tool_files {
            let Some(tool) = self.catalog.tool(&file.tool.value) else { continue };
            let named = self.facts_of_call(&file.tool.value, |facts| Some(may_name(tool, &file.file.value, facts)));
            let ready = self.tools.get(&file.tool.value).filter(|_| named == Some(true));
            if let Some(path) = ready.and_then(|ready| file_of(ready, &file.file.value)) {
                self.files.add_of_tool(file.name.clone(), file.file.value.clone(), path);
            }
        }
    }

    /// Turns a call into one that works in the run's own copy of the tool's folder, with the step's files in it.
    pub(super) fn in_private_folder(
        &mut self,
        step: &Step,
        run: &Run,
        tool: &Tool,
        call: &mut ToolCall,
    ) -> Result<(), Halt> {
        if !tool.private_folder {
            return Ok(());
        }
        let (program, name) = match call.launcher.as_slice() {
            [program] => (Path::new(program).to_owned(), Path::new(program).file_name().map(ToOwned::to_owned)),
            _ => (PathBuf::new(), None),
        };
        let Some(name) = name else {
            let message = format!("{} works only from a folder of its own, and none was found", tool.name);
            return Err(self.halt_here(&step.id, Fault::new(FaultClass::ToolMissing, message)));
        };
        let copy = self.files.copy_of_folder(&program).map_err(|problem| {
            let message = format!("{} could not be copied to work in a private folder: {problem}", tool.name);
            self.halt_here(&step.id, Fault::new(FaultClass::ToolBroken, message))
        })?;
        for staged in &run.stage {
            let path = staged.path.value.as_str();
            let allowed = self.facts_of_call(&run.tool.value, |facts| Some(may_stage(tool, path, facts)));
            if allowed != Some(true) {
                let message = format!("`{path}` is no file that steps may put into the folder of {}", tool.name);
                return Err(self.halt_here(&step.id, Fault::new(FaultClass::BadUsage, message)));
            }
            self.files
                .place(&staged.file.value, &copy, &staged.path.value)
                .map_err(|error| self.halt_here(&step.id, Fault::new(FaultClass::BadFile, error.to_string())))?;
        }
        call.launcher = vec![copy.join(name).into()];
        call.folder = copy;
        Ok(())
    }
}

/// Where a file lies that comes with a found tool, if it is there and in the tool's own folder.
pub fn file_of(tool: &ReadyTool, below: &str) -> Option<PathBuf> {
    let [program] = tool.launcher.as_slice() else { return None };
    let folder = tool_folder(Path::new(program))?;
    let path = folder.join(below).canonicalize().ok()?;
    (path.is_file() && path.starts_with(folder.canonicalize().ok()?)).then_some(path)
}
