//! The types of a loaded playbook. Every reference in them has been resolved or reported.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::documents::catalog::Excuses;
use crate::documents::expression::{Expression, Template};
use crate::documents::keys::Field;
use crate::documents::playbook::read_step::StepKeys;
use crate::documents::playbook::{Device, Drawing, Input, Variable, leaves};
use crate::documents::{Key, Yaml};
use crate::words::{AddressRange, Fault, FaultClass, Id, Located, Place, Source, ThirdTime};

/// One board's recovery.
#[derive(Debug, Clone)]
pub struct Playbook {
    pub source: Arc<Source>,
    pub board: String,
    /// Other names of the board: its maker's short one, by which folders of its files are called, and older ones.
    pub aliases: Vec<Located<String>>,
    /// With what its files come to computers: one of the catalog's image folders.
    pub images: Option<Located<String>>,
    pub summary: Option<String>,
    /// Where jumper texts and commands were taken from.
    pub sources: Vec<String>,
    /// Where the board's pins and switches are.
    pub drawing: Option<Drawing>,
    pub inputs: Vec<Input>,
    pub devices: Vec<Device>,
    /// What the person may set for one run.
    pub variables: Vec<Variable>,
    /// What is plain memory of the board, by name, for calls whose arguments are addresses.
    pub memories: Vec<(Id, Located<AddressRange>)>,
    pub tool_files: Vec<ToolFile>,
    pub steps: Vec<Step>,
    /// What the person is told at the end of a run that recovered the board.
    pub afterwards: Vec<Afterwards>,
    pub virtual_board: Option<VirtualBoard>,
}

#[derive(Debug, Clone)]
pub struct Afterwards {
    pub when: Option<Expression>,
    pub text: Template,
}

impl Playbook {
    pub fn device(&self, name: &Id) -> Option<&Device> {
        self.devices.iter().find(|device| device.name == *name)
    }

    /// What a device answers when it is asked who it is is read by these, too.
    pub fn identifying_readings(&self) -> impl Iterator<Item = &Reading> {
        self.devices.iter().filter_map(|device| device.identity.as_ref()?.answers.as_ref())
    }

    /// What people call what [`HandMove::FitJumper`] sets: a drawing of two pins shows that it is no button.
    pub fn wire(&self) -> &'static str {
        match &self.drawing {
            Some(drawing) if !drawing.connect.is_empty() => "wire",
            _ => "wire or button",
        }
    }

    /// The ranges of what is plain memory.
    pub fn memories(&self) -> Vec<AddressRange> {
        self.memories.iter().map(|(_, range)| range.value).collect()
    }

    pub fn input(&self, name: &Id) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == *name)
    }

    /// Every step below groups, in order, without the groups themselves and without readings.
    pub fn leaf_steps(&self) -> Vec<&Step> {
        leaves(&self.steps).collect()
    }
}

/// A file that comes with a tool.
#[derive(Debug, Clone)]
pub struct ToolFile {
    pub(crate) name: Id,
    pub(crate) place: Place,
    /// A tool that some step runs.
    pub(crate) tool: Located<String>,
    /// Path below the tool's own folder.
    pub(crate) file: Located<String>,
}

/// The board that `--simulate` puts on the bench: a model the bench knows, and its settings as written. What they mean,
/// and what is wrong with them, is the bench's matter.
#[derive(Debug, Clone)]
pub struct VirtualBoard {
    pub(crate) model: Located<String>,
    pub(crate) settings: Vec<(Key, Yaml)>,
}

#[derive(Debug, Clone)]
pub struct Step {
    /// Given by the author, or made from the place in the list.
    pub(crate) id: Id,
    pub(crate) place: Place,
    /// In a procedure: equal numbers are equal texts. The same place with other parameters has another number.
    pub(crate) filling: Option<usize>,
    /// What people see: the `name`, else the id in words.
    pub(crate) name: String,
    pub(crate) when: Option<Expression>,
    pub(crate) action: Action,
    pub(crate) timeout: Option<Timeout>,
    pub(crate) retry: Option<Retry>,
    pub(crate) restart_at: Option<RestartAt>,
    pub(crate) until: Option<Until>,
    /// A wait that may fail: this value says whether it was met in time. In a prompt ENTER ends it, too, as not met.
    pub(crate) sets: Option<Located<Id>>,
    /// What the person is told when such a wait was met, and when it was not.
    pub(crate) if_met: Option<String>,
    pub(crate) if_unmet: Option<String>,
    /// What it means when one of these devices comes while the step waits, or while its tool does.
    pub(crate) instead: Vec<Instead>,
    /// What else may be the reason where what is waited for does not come; the soonest first.
    pub(crate) hints: Vec<Hint>,
    /// What the person is asked to do when a wait has gone on for a while in vain.
    pub(crate) ask: Option<LateAsk>,
    pub(crate) irreversible: Option<Irreversible>,
    /// Where what the board holds already is worth a look first: it is skipped where this holds.
    pub(crate) proven_by: Option<Reading>,
    /// The flash that it erases and writes is erased in pieces of so many bytes.
    pub(crate) sector: Option<Located<u32>>,
    /// In which state the board is when the run ends in this step and something was changed; groups hand it down.
    pub(crate) if_stopped: Option<String>,
    /// What it means when the step fails for the third time.
    pub(crate) third_time: Option<ThirdFailure>,
    /// What to do when the run ends in this step; groups hand it down.
    pub(crate) next: Vec<Template>,
    /// Where its keys stand.
    pub(crate) key_places: Vec<(String, Place)>,
}

impl Step {
    /// The same text of the document, perhaps in another place of the procedure.
    pub(in crate::documents) fn is_same_text(&self, other: &Step) -> bool {
        self.place == other.place && self.filling == other.filling
    }

    /// Where one of its keys stands; where the step begins if it has none of that name.
    pub(in crate::documents) fn place_of(&self, key: Field<StepKeys>) -> &Place {
        self.key_places.iter().find(|(name, _)| name == key.name).map_or(&self.place, |(_, place)| place)
    }

    /// What it says of itself to the rules on arguments.
    pub fn excuses(&self) -> Excuses {
        Excuses { has_timeout: self.timeout.is_some(), is_irreversible: self.irreversible.is_some() }
    }
}

/// What the third failure of a step means, if it was of one of these classes each time.
#[derive(Debug, Clone)]
pub struct ThirdFailure {
    pub(crate) place: Place,
    pub(crate) on: Vec<FaultClass>,
    /// Only where this file, which a tool has made, holds the same as the time before.
    pub(crate) unchanged: Option<Located<Id>>,
    /// … and differs from this one in more than single places, so that it is what was there before.
    pub(crate) unlike: Option<Located<Id>>,
    pub(crate) meaning: ThirdTime,
}

/// A device that comes in place of the wanted one.
#[derive(Debug, Clone)]
pub struct Instead {
    pub(crate) device: Located<Id>,
    /// What it means, and what to do: "The wire is still connected: remove it".
    pub(crate) meaning: String,
    /// What the hands do about it, for the virtual person.
    pub(crate) hands: Vec<HandMove>,
    /// From when on it must have another reason; without it, it is told as often as the device comes.
    pub(crate) enough: Option<Enough>,
}

/// Told so often, and the device is there again: the wait ends, and this value is true.
#[derive(Debug, Clone)]
pub struct Enough {
    pub(crate) times: u32,
    pub(crate) sets: Located<Id>,
}

/// What is told when a wait has gone on for so long in vain.
#[derive(Debug, Clone)]
pub struct Hint {
    pub(crate) after: Located<Duration>,
    pub(crate) text: String,
}

/// Hands help where the hardware does not come by itself.
#[derive(Debug, Clone)]
pub struct LateAsk {
    /// So long after the wait has begun.
    pub(crate) after: Duration,
    pub(crate) prompt: Prompt,
}

#[derive(Debug, Clone)]
pub enum Action {
    Run(Box<Run>),
    Prompt(Prompt),
    /// Wait for what `until` says.
    Wait,
    Check(CheckStep),
    /// End here, saying why.
    Refuse(RefuseStep),
    Write(WriteStep),
    TellApart(Box<TellApart>),
    Steps(Vec<Step>),
}

#[derive(Debug, Clone)]
pub struct Run {
    /// A tool of the catalog.
    pub(crate) tool: Located<String>,
    pub(crate) args: Vec<Template>,
    /// The device this call acts on: presence before and after it helps to judge the output.
    pub(crate) device: Option<Located<Id>>,
    /// Each must match some line of the output.
    pub(crate) expect: Vec<Regex>,
    pub(crate) unmet: Option<Unmet>,
    pub(crate) fail_on: Vec<FailOn>,
    pub(crate) capture: Vec<Capture>,
    /// Files this call creates in the run's folder, usable in expressions afterwards.
    pub(crate) produces: Vec<Located<Id>>,
    /// Shown to the person while the tool runs.
    pub(crate) prompt: Option<Prompt>,
    /// The first that fits is given.
    pub(crate) answers: Vec<Answer>,
    /// Files put into the tool's private folder before it starts.
    pub(crate) stage: Vec<StagedFile>,
    /// Faults that the playbook goes on with.
    pub(crate) on_fault: Vec<OnFault>,
    /// What the call changes, where its arguments do not show it.
    pub(crate) changes: Option<Located<Changes>>,
}

impl Run {
    /// The author says that what it changes is gone with the next loss of power.
    pub fn changes_nothing_that_lasts(&self) -> bool {
        self.changes.as_ref().is_some_and(|changes| matches!(changes.value, Changes::Nothing))
    }
}

/// What a call changes of the memory that lasts.
#[derive(Debug, Clone)]
pub enum Changes {
    /// What it changes is gone with the next loss of power.
    Nothing,
    /// These bytes.
    Range { address: u64, length: u64 },
    /// The places of these files, wherever they are.
    Files(Vec<Located<Id>>),
}

#[derive(Debug, Clone)]
pub struct StagedFile {
    /// Path below the tool's private folder.
    pub(crate) path: Located<String>,
    pub(crate) file: Located<Id>,
}

/// A fault that is no failure of the step: it makes a value true, which is false when the call ends otherwise. Where the
/// step's `retry` is for such a fault, too, only the last attempt's counts.
#[derive(Debug, Clone)]
pub struct OnFault {
    pub(crate) classes: Vec<FaultClass>,
    /// Only with this code.
    pub(crate) code: Option<String>,
    pub(crate) set: Located<Id>,
    /// What it means for the board; then it is a warning, else a note.
    pub(crate) warning: Option<String>,
}

impl OnFault {
    pub fn is(&self, fault: &Fault) -> bool {
        self.classes.contains(&fault.class) && (self.code.is_none() || self.code == fault.code)
    }
}

/// What to do when a tool has printed something: tell it a line, show the person a prompt, or both.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Held against finished lines and the unfinished last one, of which only what came after the answer before counts.
    pub(crate) when: Regex,
    /// The line to send, in which `$1` to `$9` stand for the pattern's groups. With a prompt it is sent when the person
    /// presses ENTER or, with `until`, when the devices are as wanted.
    pub(crate) send: Option<Template>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) until: Option<Until>,
    /// In one call; afterwards the answer fits no more. `None`: as often as the tool asks, up to a limit.
    pub(crate) times: Option<u32>,
}

impl Answer {
    /// A tool that asks the same so often, and no end to it is foreseen, does not accept the answer.
    pub const TIMES_MAX: u32 = 10;
}

/// The fault that an unmet expectation stands for.
#[derive(Debug, Clone)]
pub struct Unmet {
    pub(crate) class: FaultClass,
    pub(crate) message: Option<String>,
}

#[derive(Debug, Clone)]
pub struct FailOn {
    pub(crate) pattern: Regex,
    /// Not where the line matches this one as well.
    pub(crate) unless: Option<Regex>,
    /// The tool is ended as soon as it prints that, if it has not begun its work.
    pub(crate) stop: bool,
    pub(crate) class: FaultClass,
    pub(crate) message: Option<String>,
}

/// Takes the first group of the last match as the value.
#[derive(Debug, Clone)]
pub struct Capture {
    pub(crate) name: Located<Id>,
    pub(crate) pattern: Regex,
    /// How the text is read.
    pub(crate) kind: CaptureKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureKind {
    Integer,
    Text,
    Version,
}

#[derive(Debug, Clone)]
pub struct Prompt {
    pub(crate) text: Template,
    /// What the hands do, for the virtual person.
    pub(crate) hands: Vec<HandMove>,
}

/// What a person's hands do to a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HandMove {
    Unplug,
    PlugIn,
    FitJumper,
    RemoveJumper,
    SwitchOn,
    SwitchOff,
    PressButton,
}

impl HandMove {
    pub const ALL: [(&'static str, HandMove); 7] = [
        ("unplug", HandMove::Unplug),
        ("plug-in", HandMove::PlugIn),
        ("fit-jumper", HandMove::FitJumper),
        ("remove-jumper", HandMove::RemoveJumper),
        ("switch-on", HandMove::SwitchOn),
        ("switch-off", HandMove::SwitchOff),
        ("press-button", HandMove::PressButton),
    ];

    pub fn word(self) -> &'static str {
        HandMove::ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }

    /// Each with a line about it.
    pub(in crate::documents) fn words() -> Vec<(&'static str, &'static str)> {
        HandMove::ALL.map(|(word, hand_move)| (word, hand_move.meaning())).to_vec()
    }

    fn meaning(self) -> &'static str {
        match self {
            HandMove::Unplug => "The board is disconnected.",
            HandMove::PlugIn => "The board is connected.",
            HandMove::FitJumper => "The jumper or wire is connected, or the button held.",
            HandMove::RemoveJumper => "The jumper or wire is removed, or the button let go.",
            HandMove::SwitchOn => "The board is switched on.",
            HandMove::SwitchOff => "The board is switched off.",
            HandMove::PressButton => "The button is pressed once.",
        }
    }
}

#[derive(Debug, Clone)]
pub struct CheckStep {
    pub(crate) holds: Expression,
    /// How it looks in the document.
    pub(crate) text: String,
    pub(crate) class: FaultClass,
    pub(crate) message: Option<Template>,
}

/// Other devices may show the same id; what answers tells which one is meant.
#[derive(Debug, Clone)]
pub struct TellApart {
    pub(crate) device: Located<Id>,
    /// Carried out for each such device alone; a device for which it does not hold is another one.
    pub(crate) answers: Reading,
}

#[derive(Debug, Clone)]
pub struct RefuseStep {
    pub(crate) text: Template,
    /// What the person can do now.
    pub(crate) next: Vec<Template>,
}

#[derive(Debug, Clone)]
pub struct WriteStep {
    /// Under this name the file can be used in expressions afterwards.
    pub(crate) name: Located<Id>,
    /// Name in the run's folder.
    pub(crate) file: Located<String>,
    pub(crate) contents: Contents,
}

/// What is written.
#[derive(Debug, Clone)]
pub enum Contents {
    Text(Template),
    /// So many bytes, all of them zero.
    Zeros(u32),
}

/// A limit; with `per_mb` it grows with the files that the step hands to its tool, and with what the tool erases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    pub(crate) base: Duration,
    /// For each started 1,000,000 bytes.
    pub(crate) per_mb: Duration,
    /// However small the files are.
    pub(crate) at_least: Duration,
}

/// Of a wait or a prompt whose step gives none, and of a question of a running tool.
pub const WAIT_LIMIT: Duration = Duration::from_secs(10 * 60);

impl Timeout {
    pub fn for_bytes(&self, bytes: u64) -> Duration {
        let megabytes = u32::try_from(bytes.div_ceil(1_000_000)).unwrap_or(u32::MAX);
        self.base.saturating_add(self.per_mb.saturating_mul(megabytes)).max(self.at_least)
    }
}

#[derive(Debug, Clone)]
pub struct Retry {
    /// In all, the first included.
    pub(crate) attempts_max: u32,
    pub(crate) on: Vec<FaultClass>,
    pub(crate) backoff: Backoff,
    /// Run before each further attempt, to bring board and tool back in step.
    pub(crate) prepare: Vec<Step>,
}

/// The pause before a further attempt doubles each time, up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub(crate) first: Duration,
}

impl Backoff {
    pub const LIMIT: Duration = Duration::from_secs(30);

    /// Before attempt 2, 3, …
    pub fn before_attempt(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(2).min(16);
        self.first.saturating_mul(1 << doublings).min(Backoff::LIMIT)
    }
}

#[derive(Debug, Clone)]
pub struct RestartAt {
    pub(crate) step: Located<Id>,
    pub(crate) on: Vec<FaultClass>,
    /// How often in one run.
    pub(crate) times_max: u32,
}

/// A state of the bus: all `present` devices are there, none of the `gone` ones is.
#[derive(Debug, Clone, Default)]
pub struct Until {
    pub(crate) present: Vec<Located<Id>>,
    pub(crate) gone: Vec<Located<Id>>,
    /// A device that was there from the start does not count: it must have been gone in between.
    pub(crate) anew: bool,
    /// The state must last for so long: a device that comes and goes does not count.
    pub(crate) lasting: Duration,
}

#[derive(Debug, Clone)]
pub struct Irreversible {
    pub(crate) why: String,
    /// After this step, which comes before, it is read already whether it is to be done, and the person hears of it.
    pub(crate) announced_after: Option<Located<Id>>,
    pub(crate) already_done: Reading,
    pub(crate) verify: Reading,
}

/// Steps that read something, and what must hold afterwards.
#[derive(Debug, Clone)]
pub struct Reading {
    pub(crate) steps: Vec<Step>,
    pub(crate) holds: Expression,
}
