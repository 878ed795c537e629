//! The types of a loaded playbook. Every reference in them has been resolved or reported.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::documents::catalog::Excuses;
use crate::documents::expression::{Expression, Template};
use crate::documents::playbook::{Device, Input, Variable};
use crate::documents::{Key, Yaml};
use crate::words::{AddressRange, Fault, FaultClass, Id, Located, Place, Source, ThirdTime};

/// One board's recovery.
#[derive(Debug, Clone)]
pub struct Playbook {
    pub source: Arc<Source>,
    pub board: String,
    /// Other names of the board: its maker's short one, by which folders of its files are called, and older ones.
    pub aliases: Vec<Located<String>>,
    pub summary: Option<String>,
    /// Where jumper texts and commands were taken from.
    pub sources: Vec<String>,
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

    /// The ranges of what is plain memory.
    pub fn memories(&self) -> Vec<AddressRange> {
        self.memories.iter().map(|(_, range)| range.value).collect()
    }

    pub fn input(&self, name: &Id) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == *name)
    }

    /// Every step below groups, in order, without the groups themselves and without readings.
    pub fn leaf_steps(&self) -> Vec<&Step> {
        fn collect<'a>(steps: &'a [Step], into: &mut Vec<&'a Step>) {
            for step in steps {
                match &step.action {
                    Action::Steps(inner) => collect(inner, into),
                    _ => into.push(step),
                }
            }
        }
        let mut leaves = Vec::new();
        collect(&self.steps, &mut leaves);
        leaves
    }
}

/// A file that comes with a tool.
#[derive(Debug, Clone)]
pub struct ToolFile {
    pub name: Id,
    pub place: Place,
    /// A tool that some step runs.
    pub tool: Located<String>,
    /// Path below the tool's own folder.
    pub file: Located<String>,
}

/// The board that `--simulate` puts on the bench: a model the bench knows, and its settings as written. What they mean,
/// and what is wrong with them, is the bench's matter.
#[derive(Debug, Clone)]
pub struct VirtualBoard {
    pub model: Located<String>,
    pub settings: Vec<(Key, Yaml)>,
}

#[derive(Debug, Clone)]
pub struct Step {
    /// Given by the author, or made from the place in the list.
    pub id: Id,
    pub place: Place,
    /// In a procedure: equal numbers are equal texts. The same place with other parameters has another number.
    pub filling: Option<usize>,
    /// What people see: the `name`, else the id in words.
    pub name: String,
    pub when: Option<Expression>,
    pub action: Action,
    pub timeout: Option<Timeout>,
    pub retry: Option<Retry>,
    pub restart_at: Option<RestartAt>,
    pub until: Option<Until>,
    /// A wait that may fail: this value says whether it was met in time. In a prompt ENTER ends it, too, as not met.
    pub sets: Option<Id>,
    /// What the person is told when such a wait was met, and when it was not.
    pub if_met: Option<String>,
    pub if_unmet: Option<String>,
    /// What it means when one of these devices comes while the step waits, or while its tool does.
    pub instead: Vec<Instead>,
    /// What the person is asked to do when a wait has gone on for a while in vain.
    pub ask: Option<LateAsk>,
    pub irreversible: Option<Irreversible>,
    /// In which state the board is when the run ends in this step and something was changed; groups hand it down.
    pub if_stopped: Option<String>,
    /// What it means when the step fails for the third time.
    pub third_time: Option<ThirdFailure>,
    /// What to do when the run ends in this step; groups hand it down.
    pub next: Vec<Template>,
}

impl Step {
    /// The same text of the document, perhaps in another place of the procedure.
    pub fn is_same_text(&self, other: &Step) -> bool {
        self.place == other.place && self.filling == other.filling
    }

    /// What it says of itself to the rules on arguments.
    pub fn excuses(&self) -> Excuses {
        Excuses { has_timeout: self.timeout.is_some(), is_irreversible: self.irreversible.is_some() }
    }
}

/// What the third failure of a step means, if it was of one of these classes each time.
#[derive(Debug, Clone)]
pub struct ThirdFailure {
    pub place: Place,
    pub on: Vec<FaultClass>,
    /// Only where this file, which a tool has made, holds the same as the time before.
    pub unchanged: Option<Id>,
    /// … and differs from this one in more than single places, so that it is what was there before.
    pub unlike: Option<Id>,
    pub meaning: ThirdTime,
}

/// A device that comes in place of the wanted one.
#[derive(Debug, Clone)]
pub struct Instead {
    pub device: Id,
    /// What it means, and what to do: "The wire is still connected: remove it".
    pub meaning: String,
    /// What the hands do about it, for the virtual person.
    pub hands: Vec<HandMove>,
    /// From when on it must have another reason; without it, it is told as often as the device comes.
    pub enough: Option<Enough>,
}

/// Told so often, and the device is there again: the wait ends, and this value is true.
#[derive(Debug, Clone)]
pub struct Enough {
    pub times: u32,
    pub sets: Id,
}

/// Hands help where the hardware does not come by itself.
#[derive(Debug, Clone)]
pub struct LateAsk {
    /// So long after the wait has begun.
    pub after: Duration,
    pub prompt: Prompt,
}

#[derive(Debug, Clone)]
pub enum Action {
    Run(Box<Run>),
    Prompt(Prompt),
    /// Wait for [`Step::until`].
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
    pub tool: Located<String>,
    pub args: Vec<Template>,
    /// The device this call acts on: presence before and after it helps to judge the output.
    pub device: Option<Id>,
    /// Each must match some line of the output.
    pub expect: Vec<Regex>,
    pub unmet: Option<Unmet>,
    pub fail_on: Vec<FailOn>,
    pub capture: Vec<Capture>,
    /// Files this call creates in the run's folder, usable in expressions afterwards.
    pub produces: Vec<Id>,
    /// Shown to the person while the tool runs.
    pub prompt: Option<Prompt>,
    /// The first that fits is given.
    pub answers: Vec<Answer>,
    /// Files put into the tool's private folder before it starts.
    pub stage: Vec<StagedFile>,
    /// Faults that the playbook goes on with.
    pub on_fault: Vec<OnFault>,
    /// What the call changes, where its arguments do not show it.
    pub changes: Option<Located<Changes>>,
}

/// What a call changes of the memory that lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// What it changes is gone with the next loss of power.
    Nothing,
    /// These bytes.
    Range { address: u64, length: u64 },
}

#[derive(Debug, Clone)]
pub struct StagedFile {
    /// Path below the tool's private folder.
    pub path: Located<String>,
    pub file: Located<Id>,
}

/// A fault that is no failure of the step: it makes a value true, which is false when the call ends otherwise. Where the
/// step's `retry` is for such a fault, too, only the last attempt's counts.
#[derive(Debug, Clone)]
pub struct OnFault {
    pub classes: Vec<FaultClass>,
    /// Only with this code.
    pub code: Option<String>,
    pub set: Id,
    /// What it means for the board; then it is a warning, else a note.
    pub warning: Option<String>,
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
    pub when: Regex,
    /// The line to send, in which `$1` to `$9` stand for the pattern's groups. With a prompt it is sent when the person
    /// presses ENTER or, with `until`, when the devices are as wanted.
    pub send: Option<Template>,
    pub prompt: Option<Prompt>,
    pub until: Option<Until>,
    /// In one call; afterwards the answer fits no more. `None`: as often as the tool asks, up to a limit.
    pub times: Option<u32>,
}

impl Answer {
    /// A tool that asks the same so often, and no end to it is foreseen, does not accept the answer.
    pub const TIMES_MAX: u32 = 10;
}

/// The fault that an unmet expectation stands for.
#[derive(Debug, Clone)]
pub struct Unmet {
    pub class: FaultClass,
    pub message: Option<String>,
}

#[derive(Debug, Clone)]
pub struct FailOn {
    pub pattern: Regex,
    /// Not where the line matches this one as well.
    pub unless: Option<Regex>,
    /// The tool is ended as soon as it prints that, if it has not begun its work.
    pub stop: bool,
    pub class: FaultClass,
    pub message: Option<String>,
}

/// Takes the first group of the last match as the value.
#[derive(Debug, Clone)]
pub struct Capture {
    pub name: Id,
    pub pattern: Regex,
    /// How the text is read.
    pub kind: CaptureKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureKind {
    Integer,
    Text,
    Version,
}

#[derive(Debug, Clone)]
pub struct Prompt {
    pub text: Template,
    /// What the hands do, for the virtual person.
    pub hands: Vec<HandMove>,
}

/// What a person's hands do to a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
}

#[derive(Debug, Clone)]
pub struct CheckStep {
    pub holds: Expression,
    /// How it looks in the document.
    pub text: String,
    pub class: FaultClass,
    pub message: Option<Template>,
}

/// Other devices may show the same id; what answers tells which one is meant.
#[derive(Debug, Clone)]
pub struct TellApart {
    pub device: Located<Id>,
    /// Carried out for each such device alone; a device for which it does not hold is another one.
    pub answers: Reading,
}

#[derive(Debug, Clone)]
pub struct RefuseStep {
    pub text: Template,
    /// What the person can do now.
    pub next: Vec<Template>,
}

#[derive(Debug, Clone)]
pub struct WriteStep {
    /// Under this name the file can be used in expressions afterwards.
    pub name: Id,
    /// Name in the run's folder.
    pub file: String,
    pub contents: Contents,
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
    pub base: Duration,
    /// For each started 1,000,000 bytes.
    pub per_mb: Duration,
    /// However small the files are.
    pub at_least: Duration,
}

impl Timeout {
    pub fn for_bytes(&self, bytes: u64) -> Duration {
        let megabytes = u32::try_from(bytes.div_ceil(1_000_000)).unwrap_or(u32::MAX);
        self.base.saturating_add(self.per_mb.saturating_mul(megabytes)).max(self.at_least)
    }
}

#[derive(Debug, Clone)]
pub struct Retry {
    /// In all, the first included.
    pub attempts_max: u32,
    pub on: Vec<FaultClass>,
    pub backoff: Backoff,
    /// Run before each further attempt, to bring board and tool back in step.
    pub prepare: Vec<Step>,
}

/// The pause before a further attempt doubles each time, up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
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
    pub step: Located<Id>,
    pub on: Vec<FaultClass>,
    /// How often in one run.
    pub times_max: u32,
}

/// A state of the bus: all `present` devices are there, none of the `gone` ones is.
#[derive(Debug, Clone, Default)]
pub struct Until {
    pub present: Vec<Id>,
    pub gone: Vec<Id>,
    /// A device that was there from the start does not count: it must have been gone in between.
    pub anew: bool,
    /// The state must last for so long: a device that comes and goes does not count.
    pub lasting: Duration,
}

#[derive(Debug, Clone)]
pub struct Irreversible {
    pub why: String,
    pub already_done: Reading,
    pub verify: Reading,
}

/// Steps that read something, and what must hold afterwards.
#[derive(Debug, Clone)]
pub struct Reading {
    pub steps: Vec<Step>,
    pub holds: Expression,
}
