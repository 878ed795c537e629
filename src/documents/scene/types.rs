//! What a scene holds. Times are in milliseconds, each counted from what stands before it.

use std::collections::BTreeMap;

use crate::documents::playbook::{DeviceKind, HandMove};
use crate::documents::scene::ArgumentPattern;
use crate::words::{Id, Located, Stream, UsbId};

/// Scripted tools and the bus they act on.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// What it shows, for people.
    pub about: Option<String>,
    pub tools: Vec<SceneTool>,
    pub devices: Vec<SceneDevice>,
    /// What happens on the bus by itself, counted from the beginning.
    pub changes: Vec<BusChange>,
    /// What movements of the hands do to the bus.
    pub hands: Vec<(HandMove, Vec<BusChange>)>,
    /// What the person does when asked, in order for each kind of question; after the last entry, what a willing person
    /// does.
    pub person: Vec<ScenePerson>,
    /// The inputs to make up.
    pub files: BTreeMap<Id, GivenFile>,
    /// Values of variables, as on the command line.
    pub set: BTreeMap<Id, String>,
    /// Irreversible steps that are agreed to beforehand.
    pub allow: Vec<Id>,
    /// Nobody may be asked, as under `--non-interactive`.
    pub nobody: bool,
    /// The board that was chosen.
    pub port: Option<String>,
    pub serial: Option<String>,
    pub calls: Vec<SceneCall>,
}

#[derive(Debug, Clone)]
pub struct SceneTool {
    /// The word playbooks use after `run:`.
    pub name: Located<String>,
    /// What it prints when it is asked for its version.
    pub version: Located<String>,
    /// The family of builds that the catalog is to recognise in that.
    pub flavour: Option<Located<String>>,
    /// What lies in the tool's folder beside it.
    pub files: Vec<ToolFolderFile>,
}

/// A file that comes with a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFolderFile {
    /// Below the tool's folder.
    pub path: String,
    /// What it begins with; what follows is made up.
    pub beginning: Vec<u8>,
    pub size_bytes: u64,
}

/// A device that is, or comes, on the bus.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SceneDevice {
    pub name: String,
    pub id: UsbId,
    pub port: String,
    pub serial: Option<String>,
    pub product: Option<String>,
    /// Interface strings.
    pub interfaces: Vec<String>,
    /// Release number (bcdDevice).
    pub version: Option<u16>,
    pub kind: DeviceKind,
    pub access: DeviceAccess,
    /// Is it there from the start?
    pub attached: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceAccess {
    Permitted,
    Denied,
    Unknown,
}

impl DeviceAccess {
    pub const ALL: [(&'static str, DeviceAccess); 3] =
        [("permitted", DeviceAccess::Permitted), ("denied", DeviceAccess::Denied), ("unknown", DeviceAccess::Unknown)];
}

/// A device comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BusChange {
    pub after_ms: u64,
    /// The name of the device.
    pub device: String,
    /// Else it vanishes.
    pub appears: bool,
}

/// What a person can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// To do something to the board.
    Hands,
    /// To agree to what can never be undone.
    Consent,
    /// To say whether the device that is there is the board that is meant.
    WhichBoard,
    /// To say whether a board that runs its firmware is to be rewritten all the same.
    Healthy,
    /// To answer what a running tool asks.
    Answer,
}

impl Asked {
    pub const ALL: [(&'static str, Asked); 5] = [
        ("hands", Asked::Hands),
        ("consent", Asked::Consent),
        ("which-board", Asked::WhichBoard),
        ("healthy", Asked::Healthy),
        ("answer", Asked::Answer),
    ];
}

/// One thing the person does when asked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ScenePerson {
    pub asked: Asked,
    pub after_ms: u64,
    /// None: what a willing person answers.
    pub reply: Option<PersonReply>,
    /// What the person's hands do to the bus, counted from the question.
    pub changes: Vec<BusChange>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonReply {
    Line(String),
    /// Nobody is there.
    Gone,
    /// Does not answer at all.
    Silent,
}

/// An input of the recorded run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenFile {
    Size(u64),
    NotGiven,
}

/// One call that a tool knows.
#[derive(Debug, Clone)]
pub struct SceneCall {
    pub tool: Located<String>,
    pub args: Vec<ArgumentPattern>,
    pub times: Times,
    /// It may be left out.
    pub optional: bool,
    pub acts: Vec<Act>,
    pub end: CallEnd,
    /// What happens on the bus once it has ended, counted from its end.
    pub afterwards: Vec<BusChange>,
}

/// How often, and when, a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// So often, after the calls of the same tool that stand before it.
    InOrder(u32),
    /// So often, at any time.
    AnyOrder(u32),
    /// At least once, at any time.
    Repeated,
}

/// One thing a tool does during a call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Act {
    pub after_ms: u64,
    pub deed: Deed,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Only lets time pass.
    Nothing,
    Print(Stream, Printed),
    /// Waits for a line of input.
    Read {
        /// `*` stands for any text.
        pattern: String,
        /// Printed, and read again, as long as the line does not fit.
        again: Option<String>,
    },
    /// A device comes or goes.
    Change {
        device: String,
        appears: bool,
    },
    Write {
        name: FileName,
        content: Content,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Printed {
    Text(String),
    /// What is not UTF-8.
    Bytes(Vec<u8>),
}

impl Printed {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Printed::Text(text) => text.as_bytes(),
            Printed::Bytes(bytes) => bytes,
        }
    }
}

/// A file in the tool's working folder.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileName {
    Fixed(String),
    /// The argument with this number, counted from 1.
    Argument(usize),
    /// The argument right after this word.
    After(String),
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    Text(String),
    Bytes(Vec<u8>),
    Filled {
        size_bytes: u64,
        fill: u8,
    },
    /// The same bytes as another file, or a part of it, filled up to a size.
    Copy {
        of: FileName,
        from: u64,
        length: Option<u64>,
        padded_to: Option<u64>,
        fill: u8,
    },
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallEnd {
    Exit(i32),
    /// Never: it is ended from outside.
    Hangs,
    /// Killed by a signal.
    Signal(i32),
}
