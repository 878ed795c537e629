//! What the engine may ask of the world, real or faked. Time is tokio's, so a paused clock fakes it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;

use tokio::sync::mpsc;

use crate::documents::playbook::{DeviceKind, HandMove, Until};
use crate::words::{Id, Stream, ToolEnd, UsbId};
use crate::world::{Cleared, Host, MovingHands, PlaceTurns};

/// One call of a tool, fully expanded. Nothing in it passes through a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Program and, for tools started through another program, its leading arguments.
    pub launcher: Vec<OsString>,
    pub args: Vec<String>,
    /// Set on top of the inherited environment.
    pub environment: BTreeMap<String, OsString>,
    pub environment_remove: Vec<String>,
    pub folder: PathBuf,
    /// Run on a pseudo-terminal of a fixed size that does not echo; all output then arrives as [`Stream::Stdout`]. Where
    /// the system has none (Windows), pipes stand in for it.
    pub terminal: bool,
    pub input: ToolInput,
    /// The interpreter that can make the call without starting the tool anew. A world may start it like any other.
    pub warm: Option<WarmStart>,
}

/// An interpreter that imports a tool's modules once, and forks a process for each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarmStart {
    /// What the tool's own launcher is run by: a program, and its options.
    pub interpreter: Vec<OsString>,
    /// The modules to import beforehand.
    pub imports: Vec<String>,
}

/// What a tool finds at its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ToolInput {
    /// The end of input at once.
    #[default]
    Nothing,
    /// Nothing yet: answers come through [`RunningTool::input`].
    Open,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolEvent {
    Output(Stream, Vec<u8>),
    /// The last event. Output that a surviving grandchild still holds back is given up after a grace period.
    Ended(ToolEnd),
}

/// Ends a tool's whole process group.
pub trait StopTool: Send {
    /// Asks it to end (TERM). Returns whether that is possible, so that there is something to wait for.
    fn ask(&mut self) -> bool;
    /// Ends it (KILL).
    fn force(&mut self);
}

/// Answers a tool's questions. Dropping it closes the tool's input.
pub trait AnswerTool: Send {
    /// Types a line, given without its end. Returns at once; an error says that the tool takes no more lines.
    fn send(&mut self, line: &str) -> io::Result<()>;
}

/// A tool at work. Dropping it ends the tool and everything the tool started.
pub struct RunningTool {
    pub events: mpsc::Receiver<ToolEvent>,
    pub stop: Box<dyn StopTool>,
    /// Only with [`ToolInput::Open`].
    pub input: Option<Box<dyn AnswerTool>>,
}

impl fmt::Debug for RunningTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningTool").finish_non_exhaustive()
    }
}

/// May this user open the device?
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    Permitted,
    Denied,
    /// Not known on this system, or not asked.
    Unknown,
}

/// One device on the bus right now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct AttachedDevice {
    pub id: UsbId,
    /// The place on the bus, such as `1-2.3` (Windows: `pci1400-2.3`), for USB and HID; the port (`/dev/ttyUSB0`, `COM7`)
    /// for serial bridges.
    pub port: String,
    pub serial: Option<String>,
    pub product: Option<String>,
    /// Interface strings, as far as the system knows them without asking the device.
    pub interfaces: Vec<String>,
    /// Release number (bcdDevice).
    pub version: Option<u16>,
    pub kind: DeviceKind,
    pub access: Access,
    /// Another number each time the device comes to the bus, so that one that was gone for a moment is noticed. 0 where it is
    /// not known.
    #[serde(skip)]
    pub arrival: u64,
}

/// A device that no playbook knows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OtherDevice {
    pub id: UsbId,
    pub port: String,
    pub product: Option<String>,
}

/// The node in the file system by which a device is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceNode {
    pub path: PathBuf,
    /// The group that may use it, where there is one but the system's own.
    pub group: Option<NodeGroup>,
    /// Other processes that have it open.
    pub holders: Vec<NodeHolder>,
    /// Names of processes of which it cannot be seen what they have open.
    pub hidden: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeGroup {
    pub name: String,
    /// This process is in it.
    pub joined: bool,
    /// The user is in it from the next login on.
    pub listed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeHolder {
    pub name: String,
    pub process: u32,
}

/// `Err` holds why the bus cannot be read at all, in words for the person.
pub type DeviceList = Result<Vec<AttachedDevice>, NoBus>;

/// Why nothing can be said of what is attached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoBus {
    #[error("{0}")]
    Missing(String),
    #[error("the USB bus cannot be read: {0}")]
    Usb(String),
    #[error("serial ports cannot be listed: {0}")]
    Serial(String),
}

/// What a person is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Ask<'a> {
    /// To do something to the board.
    Hands { moves: &'a [HandMove], until: Option<&'a Until> },
    /// To agree to an irreversible step by typing its id.
    Consent { step: &'a Id },
    /// To say whether the device that is there is the board that is meant.
    WhichBoard,
    /// To say whether a board that runs its firmware is to be rewritten all the same.
    Healthy,
    /// To answer what a running tool asks.
    Answer { question: &'a str },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A line, without its end.
    Line(String),
    /// Nobody is there to answer: the input has ended.
    Gone,
}

impl Reply {
    /// ENTER alone. Whoever types a word means something else.
    pub fn is_enter(&self) -> bool {
        matches!(self, Reply::Line(line) if line.trim().is_empty())
    }
}

/// The person, or the system, wants the run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Interrupt {
    /// Ctrl-C.
    Interrupt,
    /// TERM, Ctrl-\, or the terminal went away.
    Terminate,
}

/// Holds sleep off. Dropping it lets the computer sleep again.
pub trait Awake {
    /// Why the computer may fall asleep all the same; nothing while that is not known.
    fn refused(&self) -> Option<String>;
}

/// Everything outside the engine. All futures may be dropped at any point without harm.
pub trait World {
    /// Starts a tool; a failure to start arrives as [`ToolEnd::NotStarted`].
    fn start(&self, call: &Cleared) -> RunningTool;

    /// Starts an interpreter that is to make calls; they may follow at once. Returns at once, and nothing depends on it.
    fn warm_up(&self, _interpreter: &Cleared) {}

    /// Was the call that was started last made by an interpreter that was there already?
    fn was_warm(&self) -> bool {
        false
    }

    /// Every device of these kinds of ids on the bus; `kinds` says for each id how tools open it.
    fn devices(&self, kinds: &[(UsbId, DeviceKind)]) -> DeviceList;

    /// Every USB device beside those with these ids, but no hubs.
    fn others(&self, _known: &[UsbId]) -> Result<Vec<OtherDevice>, NoBus> {
        Ok(Vec::new())
    }

    /// Where the node of an attached device lies; nothing where the system has none, or is made up.
    ///
    /// Whoever stands before another world must say it as well: a tool that is not told its board takes any.
    fn node_path(&self, device: &AttachedDevice) -> Option<PathBuf>;

    /// The same node, and who may use it and does.
    fn node(&self, _device: &AttachedDevice) -> Option<DeviceNode> {
        None
    }

    /// Keeps other runs from the device, as long as this world is there. An error names who keeps this run from it; where that
    /// cannot be told it names nobody. Returns at once.
    fn hold(&self, _device: &AttachedDevice) -> Result<(), Vec<NodeHolder>> {
        Ok(())
    }

    /// The turns of this place, where others are at work in the same process: a tool that cannot be told which board to take
    /// is used by one of them at a time.
    fn turns(&self) -> Option<&PlaceTurns> {
        None
    }

    /// What stands between this system and the computer's USB ports.
    fn host(&self) -> Host {
        Host::Plain
    }

    /// Keeps the computer from falling asleep. Returns at once; nothing where nothing is ever written to a real board.
    fn stay_awake(&self) -> Option<Box<dyn Awake>> {
        None
    }

    /// Completes when devices came or went; may never complete, so callers look again now and then anyway.
    fn devices_changed(&self) -> impl Future<Output = ()>;

    /// Tells the person's side what is asked, before [`World::reply`] is awaited. Old unread answers are dropped.
    fn ask(&self, ask: Ask<'_>);

    /// What moves in place of the person's hands; nothing where they move themselves. Of what it moves [`World::ask`] is told,
    /// too, and nobody is asked.
    fn moving_hands(&self) -> Option<&MovingHands> {
        None
    }

    /// The person's next line.
    fn reply(&self) -> impl Future<Output = Reply>;

    /// Can anybody answer?
    fn interactive(&self) -> bool;

    /// Whose word agrees to what cannot be undone, if anybody's: a person who sees the question and whose answer comes by a
    /// channel that only a person holds. A pipe is none.
    fn who_agrees(&self) -> Option<&'static str>;

    /// The next wish to end the run; each call waits for a new one.
    fn interrupted(&self) -> impl Future<Output = Interrupt>;
}
