//! What expressions can ask about the run they stand in, before its first step and in the middle of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::expression::{Facts, Value};
use crate::engine::devices::Bus;
use crate::engine::files::Files;
use crate::engine::runner::Runner;
use crate::words::{Id, ToolVersion};
use crate::world::World;

#[derive(Clone, Copy)]
pub(super) struct RunFacts<'a> {
    pub(super) files: &'a Files,
    pub(super) values: &'a BTreeMap<Id, Value>,
    /// Of the call whose arguments are worked out.
    pub(super) limit_ms: Option<u64>,
    pub(super) moment: Moment<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Moment<'a> {
    /// Before the first step.
    Before(Coming<'a>),
    Now(&'a dyn Present),
}

/// What steps will have done at the time that an expression is about.
#[derive(Clone, Copy)]
pub(super) struct Coming<'a> {
    /// The files that steps make, which have a name before they exist.
    pub(super) made: &'a BTreeMap<Id, String>,
    pub(super) are_made: Made,
    /// Names that get another value.
    pub(super) assigned: &'a BTreeSet<&'a Id>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Already,
    NotYet,
}

/// What is attached, and which tools were found.
pub(super) trait Present {
    fn present(&self, device: &Id) -> Result<bool, String>;
    fn port(&self, device: &Id) -> Result<String, String>;
    fn tool_version(&self, tool: &str) -> Result<ToolVersion, String>;
}

impl<W: World> Present for Runner<'_, W> {
    fn present(&self, device: &Id) -> Result<bool, String> {
        Bus::present(&self.bus, device)
    }

    fn port(&self, device: &Id) -> Result<String, String> {
        Bus::port(&self.bus, device)
    }

    fn tool_version(&self, tool: &str) -> Result<ToolVersion, String> {
        let found = self.tools.get(tool).ok_or_else(|| format!("{tool} was not found"))?;
        Ok(found.version.clone())
    }
}

impl<'a> RunFacts<'a> {
    pub(super) fn before(files: &'a Files, values: &'a BTreeMap<Id, Value>, coming: Coming<'a>) -> Self {
        RunFacts { files, values, limit_ms: None, moment: Moment::Before(coming) }
    }

    /// The name of a file that a step is going to make.
    fn made(&self, file: &Id) -> Option<&String> {
        match self.moment {
            Moment::Before(coming) => coming.made.get(file),
            Moment::Now(_) => None,
        }
    }
}

impl Facts for RunFacts<'_> {
    fn value(&self, name: &Id) -> Option<Value> {
        if let Moment::Before(coming) = self.moment
            && coming.assigned.contains(name)
        {
            return None;
        }
        let is_file = || self.files.knows(name) || self.made(name).is_some();
        self.values.get(name).cloned().or_else(|| is_file().then(|| Value::File(name.clone())))
    }

    fn file_name(&self, file: &Id) -> Result<String, String> {
        self.made(file).map_or_else(|| self.files.file_name(file), |name| Ok(name.clone()))
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
        let made = match self.moment {
            Moment::Before(coming) => coming.are_made == Made::Already && coming.made.contains_key(file),
            Moment::Now(_) => false,
        };
        made || self.files.knows(file)
    }

    fn present(&self, device: &Id) -> Result<bool, String> {
        match self.moment {
            Moment::Before(_) => Err(format!("whether {device} is there is seen later")),
            Moment::Now(now) => now.present(device),
        }
    }

    fn port(&self, device: &Id) -> Result<String, String> {
        match self.moment {
            Moment::Before(_) => Err(format!("where {device} is attached is seen later")),
            Moment::Now(now) => now.port(device),
        }
    }

    fn limit_ms(&self) -> Result<u64, String> {
        self.limit_ms.ok_or_else(|| "the limit of a call is known only in its arguments".to_owned())
    }

    fn tool_version(&self, tool: &str) -> Result<ToolVersion, String> {
        match self.moment {
            Moment::Before(_) => Err(format!("the version of {tool} is told later")),
            Moment::Now(now) => now.tool_version(tool),
        }
    }
}
