//! What expressions can ask about the run they stand in, before its first step and in the middle of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::expression::{Facts, UnknownFact, Value};
use crate::engine::devices::{Bus, looked};
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
    fn present(&self, device: &Id) -> Result<bool, UnknownFact>;
    fn port(&self, device: &Id) -> Result<String, UnknownFact>;
    fn tool_version(&self, tool: &str) -> Result<ToolVersion, UnknownFact>;
}

impl<W: World> Present for Runner<'_, W> {
    fn present(&self, device: &Id) -> Result<bool, UnknownFact> {
        Bus::present(&self.bus, device).map_err(looked)
    }

    fn port(&self, device: &Id) -> Result<String, UnknownFact> {
        Bus::port(&self.bus, device)
    }

    fn tool_version(&self, tool: &str) -> Result<ToolVersion, UnknownFact> {
        let found = self.tools.get(tool).ok_or_else(|| UnknownFact::NoTool(tool.to_owned()))?;
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

    fn file_name(&self, file: &Id) -> Result<String, UnknownFact> {
        self.made(file).map_or_else(|| self.files.file_name(file).map_err(looked), |name| Ok(name.clone()))
    }

    fn size(&self, file: &Id) -> Result<u64, UnknownFact> {
        self.files.size(file).map_err(looked)
    }

    fn sha256(&self, file: &Id) -> Result<String, UnknownFact> {
        self.files.sha256(file).map_err(looked)
    }

    fn bytes(&self, file: &Id, offset: u64, length: u64) -> Result<Vec<u8>, UnknownFact> {
        self.files.bytes(file, offset, length).map_err(looked)
    }

    fn given(&self, file: &Id) -> bool {
        let made = match self.moment {
            Moment::Before(coming) => coming.are_made == Made::Already && coming.made.contains_key(file),
            Moment::Now(_) => false,
        };
        made || self.files.knows(file)
    }

    fn present(&self, device: &Id) -> Result<bool, UnknownFact> {
        match self.moment {
            Moment::Before(_) => Err(UnknownFact::Presence(device.clone())),
            Moment::Now(now) => now.present(device),
        }
    }

    fn port(&self, device: &Id) -> Result<String, UnknownFact> {
        match self.moment {
            Moment::Before(_) => Err(UnknownFact::Port(device.clone())),
            Moment::Now(now) => now.port(device),
        }
    }

    fn limit_ms(&self) -> Result<u64, UnknownFact> {
        self.limit_ms.ok_or(UnknownFact::Limit)
    }

    fn tool_version(&self, tool: &str) -> Result<ToolVersion, UnknownFact> {
        match self.moment {
            Moment::Before(_) => Err(UnknownFact::Version(tool.to_owned())),
            Moment::Now(now) => now.tool_version(tool),
        }
    }
}
