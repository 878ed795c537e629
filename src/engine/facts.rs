//! What expressions can ask about the run they stand in.

use std::collections::BTreeMap;

use crate::documents::expression::{Facts, Value};
use crate::engine::ReadyTool;
use crate::engine::devices::Bus;
use crate::engine::files::Files;
use crate::words::{Id, ToolVersion};
use crate::world::World;

pub(super) struct RunFacts<'a, W> {
    pub(super) files: &'a Files,
    pub(super) values: &'a BTreeMap<Id, Value>,
    pub(super) bus: &'a Bus<'a, W>,
    pub(super) tools: &'a BTreeMap<String, ReadyTool>,
    /// Of the call whose arguments are worked out.
    pub(super) limit_ms: Option<u64>,
}

impl<W: World> Facts for RunFacts<'_, W> {
    fn value(&self, name: &Id) -> Option<Value> {
        match self.values.get(name) {
            Some(value) => Some(value.clone()),
            None => self.files.knows(name).then(|| Value::File(name.clone())),
        }
    }

    fn file_name(&self, file: &Id) -> Result<String, String> {
        self.files.file_name(file)
    }

    fn size(&self, file: &Id) -> Result<u64, String> {
        self.files.size(file)
    }

    fn sha256(&self, file: &Id) -> Result<String, String> {
        self.files.sha256(file)
    }

    fn bytes(&self, file: &Id, offset: u64, length: u64) -> Result<Vec<u8>, String> {
        self.files.bytes(file, offset, length)
    }

    fn given(&self, file: &Id) -> bool {
        self.files.knows(file)
    }

    fn present(&self, device: &Id) -> Result<bool, String> {
        self.bus.present(device)
    }

    fn port(&self, device: &Id) -> Result<String, String> {
        self.bus.port(device)
    }

    fn limit_ms(&self) -> Result<u64, String> {
        self.limit_ms.ok_or_else(|| "the limit of a call is known only in its arguments".to_owned())
    }

    fn tool_version(&self, tool: &str) -> Result<ToolVersion, String> {
        let found = self.tools.get(tool).ok_or_else(|| format!("{tool} was not found"))?;
        Ok(found.version.clone())
    }
}
