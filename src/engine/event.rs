//! What happens during a run, as typed events. Screen, JSON and log are readers of them.

use crate::documents::playbook::{Drawing, HandMove, Step};
use crate::engine::ProvenBy;
use crate::engine::ledger::BoardRegion;
use crate::output::Touched;
use crate::words::{Fault, FaultClass, Id, Outcome, Stream, ToolEnd, ToolVersion, Verdict};
use crate::world::{AttachedDevice, Interrupt};

/// Why most steps are skipped; a reader of the events may make less of these.
pub const CONDITION_DOES_NOT_HOLD: &str = "its condition does not hold";

/// One thing that happened. Times are in milliseconds.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    RunStarted {
        board: String,
        /// Path of the playbook, or its shipped name.
        playbook: String,
        shipped: bool,
        simulated: bool,
        steps_total: usize,
        summary: Option<String>,
        #[serde(flatten)]
        run: Box<RunDetails>,
    },
    /// Some tools take seconds to say that they are there; nothing else happens until they have.
    LookingForTools {
        /// Those that have not answered yet.
        tools: Vec<String>,
    },
    /// A program was found before the one that is taken, and cannot be used.
    ToolPassedOver {
        tool: String,
        program: String,
        found_by: String,
        /// "it is version 0.9, and at least 0.11 is needed".
        reason: String,
    },
    ToolFound {
        tool: String,
        program: String,
        version: ToolVersion,
        flavour: Option<String>,
        /// Which rule of the discovery order found it.
        found_by: String,
    },
    InputReady {
        name: Id,
        /// The name the tools see.
        file: String,
        /// Where it was taken from; absent when it was generated.
        path: Option<String>,
        size: u64,
        sha256: String,
        /// Made up because the simulation was given no such file.
        generated: bool,
    },
    StepStarted {
        step: Id,
        name: String,
        /// Counted from 1 among [`Event::RunStarted::steps_total`].
        number: usize,
        total: usize,
    },
    StepSkipped {
        step: Id,
        name: String,
        number: usize,
        total: usize,
        reason: String,
    },
    ToolStarted {
        step: Id,
        tool: String,
        /// As a person would type it: the tool's name and its arguments.
        command: Vec<String>,
        limit_ms: u64,
        /// Cutting this call short would leave the board half written.
        changes_board: bool,
        /// Why it runs: the step itself, or a reading around an irreversible step, or getting back in step.
        purpose: String,
        /// The part of the board's memory that it changes, in the state that cutting it short would leave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<Box<BoardRegion>>,
    },
    /// Many lines at once, each with its `\n`, that mean nothing to the catalog. Programs are told them one by one.
    ToolLines {
        step: Id,
        stream: Stream,
        text: String,
    },
    ToolOutput {
        step: Id,
        stream: Stream,
        text: String,
        /// Overwritten by the next piece: a progress bar.
        transient: bool,
    },
    Progress {
        step: Id,
        label: Option<String>,
        percent: Option<f32>,
        bytes: Option<u64>,
        total: Option<u64>,
    },
    /// A tool asks what the playbook does not foresee; the person's line is sent to it.
    ToolAsked {
        step: Id,
        text: String,
        limit_ms: u64,
    },
    /// A line was sent to a running tool.
    ToolAnswered {
        step: Id,
        /// The unfinished line that it answers; empty where a finished line was the reason.
        question: String,
        text: String,
        /// "the playbook" or "you".
        by: String,
    },
    ToolEnded {
        step: Id,
        tool: String,
        command: Vec<String>,
        end: ToolEnd,
        exit_code: Option<i32>,
        verdict: Verdict,
        touched: Touched,
        /// An interpreter that was there already made the call.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        warm: bool,
        elapsed_ms: u64,
    },
    Prompted {
        step: Id,
        /// Counted from 1 in a run; 0 in journals of before.
        #[serde(default)]
        prompt: u64,
        text: String,
        goes_on: GoesOn,
        /// What hands are to do, as far as the playbook says it to programs: without any, only a person can do it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hands: Vec<HandMove>,
        /// What moves in place of hands does it, and no person is to.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        without_person: bool,
        /// Where on the board they find what the text names.
        #[serde(skip_serializing_if = "Option::is_none")]
        drawing: Option<Box<Drawing>>,
        limit_ms: u64,
    },
    /// A program was called that moves in place of the person's hands.
    HandsMoving {
        /// None where it is to let go of everything, at the end of the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<Id>,
        hands: Vec<HandMove>,
        command: Vec<String>,
        limit_ms: u64,
    },
    /// A line that this program has printed.
    HandsOutput {
        stream: Stream,
        text: String,
    },
    /// What moves in place of the person's hands has done it, or has not.
    HandsMoved {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<Id>,
        hands: Vec<HandMove>,
        /// Why it was not done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
        elapsed_ms: u64,
    },
    /// Repeated about once a second and whenever devices come or go.
    Waiting {
        step: Id,
        /// "15a2:0073 RAM flashloader is not there yet".
        waiting_for: String,
        /// "1fc9:0135 i.MX RT ROM", one for each attached device that the playbook knows.
        attached: Vec<String>,
        remaining_ms: u64,
    },
    /// A wait goes on in vain, and this may be why. Nothing is told twice in one wait.
    Hinted {
        step: Id,
        text: String,
        /// So long has the wait lasted.
        after_ms: u64,
    },
    /// What is waited for comes and goes again and again. Told once in one wait.
    Flapping {
        step: Id,
        /// Its name in the playbook.
        device: Id,
        /// How often it came, within how long.
        times: u32,
        within_ms: u64,
        /// What that probably means.
        text: String,
    },
    WaitOver {
        step: Id,
        end: WaitEnd,
        text: String,
        elapsed_ms: u64,
    },
    ConsentAsked {
        step: Id,
        why: String,
        command: Vec<String>,
        /// The fuses that it is about, where the catalog knows them.
        #[serde(skip_serializing_if = "Option::is_none")]
        fuse: Option<FuseChange>,
        /// What must be typed.
        phrase: String,
        limit_ms: u64,
    },
    /// A word of fuses was read around the step that burns it.
    FuseRead {
        step: Id,
        word: u64,
        bits: u64,
    },
    ConsentGiven {
        step: Id,
        /// By whose word: "--allow-irreversible", or who answered.
        by: String,
        how: Agreed,
        /// Who is named as the operator of the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<String>,
        /// What was agreed to, where the catalog knows the fuses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fuse: Option<FuseChange>,
    },
    /// A device is there whose id other boards show, too: is it the board that is meant?
    BoardAsked {
        step: Id,
        /// Its name in the playbook.
        device: Id,
        found: AttachedDevice,
        text: String,
        /// What must be typed.
        phrase: String,
        limit_ms: u64,
    },
    /// The board runs its firmware when the run begins: is it to be rewritten all the same?
    HealthyAsked {
        /// Its name in the playbook.
        device: Id,
        found: AttachedDevice,
        text: String,
        /// What must be typed.
        phrase: String,
        limit_ms: u64,
    },
    /// The board runs its firmware when the run begins, and is left as it is.
    LeftAlone {
        /// Its name in the playbook.
        device: Id,
        found: AttachedDevice,
    },
    /// Of a station: nothing is at this place, and the next board may come.
    PlaceEmpty {
        port: String,
        /// What the first hands are asked for.
        text: Option<String>,
    },
    /// Of a station: all places have ended. It stands behind every other event.
    StationFinished {
        exit_code: u8,
        recovered: usize,
        /// Healthy, and not touched.
        left_alone: usize,
        failed: usize,
        elapsed_ms: u64,
    },
    /// Why the device at this port counts as the board that is meant.
    BoardProven {
        step: Id,
        device: Id,
        port: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        serial: Option<String>,
        by: ProvenBy,
    },
    Retrying {
        step: Id,
        /// The attempt about to begin, counted from 1.
        attempt: u32,
        attempts_max: u32,
        pause_ms: u64,
        because: Fault,
    },
    Restarting {
        from: Id,
        at: Id,
        /// As people are told it; absent in journals of before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_name: Option<String>,
        time: u32,
        times_max: u32,
        because: Fault,
    },
    /// The person wants to end; with `finishing` a writing step is finished first.
    Interrupted {
        by: Interrupt,
        finishing: bool,
        /// What it would break to cut the step short; told before that is done all the same.
        #[serde(skip_serializing_if = "Option::is_none")]
        breaks: Option<String>,
        /// With `finishing`: what it would leave of the board to cut the step short, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        leaves: Option<String>,
        /// So long the tool at work lasts at most, which is finished with `finishing` and else ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        remaining_ms: Option<u64>,
    },
    Warning {
        text: String,
    },
    Note {
        text: String,
    },
    /// The computer was to be kept awake while the board is written, and the system does not do it.
    MaySleep {
        reason: String,
    },
    StepFinished {
        step: Id,
        name: String,
        number: usize,
        total: usize,
        end: StepEnd,
        elapsed_ms: u64,
    },
    /// Always the last.
    Finished {
        outcome: Outcome,
        exit_code: u8,
        problem: Option<Problem>,
        /// After a recovery: what the person may want to do now.
        next: Vec<String>,
        elapsed_ms: u64,
        steps_done: usize,
        steps_skipped: usize,
        retries: usize,
        restarts: usize,
        warnings: usize,
    },
}

/// Which run this is, and on what it rests.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct RunDetails {
    /// The version of this format: [`crate::engine::EVENTS_FORMAT`].
    pub format: u32,
    /// The name of the run's record; two runs on one computer have different ones.
    pub run_id: String,
    /// The version of recover.
    pub recover: String,
    /// "linux x86_64".
    pub system: String,
    /// Everything that decided what is done, the playbook first.
    pub documents: Vec<RunDocument>,
    /// The computer's name.
    pub host: Option<String>,
    /// As given on the command line.
    pub station: Option<String>,
    pub operator: Option<String>,
    /// The serial number, or whatever names the unit that is recovered.
    pub unit: Option<String>,
    /// Of the board, where one was chosen.
    pub port: Option<String>,
    pub serial: Option<String>,
}

/// A document that a run rests on, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct RunDocument {
    pub role: DocumentRole,
    /// Its path, or its shipped name.
    pub name: String,
    pub sha256: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentRole {
    Playbook,
    /// What a playbook `uses`.
    Family,
    Catalog,
}

impl std::fmt::Display for DocumentRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            DocumentRole::Playbook => "playbook",
            DocumentRole::Family => "family",
            DocumentRole::Catalog => "catalog",
        })
    }
}

/// How it was agreed to something irreversible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Agreed {
    /// On the command line, or in the test file.
    Beforehand,
    /// The word was typed after the question.
    Typed,
}

/// What an event asks of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Nothing,
    /// To do something that the hardware, or a tool, will show.
    Hands,
    /// To type something; another answer than those that count is asked again.
    Line,
}

impl Event {
    /// Is what was asked before it no question any more?
    pub fn settles_question(&self) -> bool {
        match self {
            Event::StepStarted { .. }
            | Event::StepSkipped { .. }
            | Event::StepFinished { .. }
            | Event::ToolStarted { .. }
            | Event::ToolEnded { .. }
            | Event::ToolAnswered { .. }
            | Event::WaitOver { .. }
            | Event::ConsentGiven { .. }
            | Event::BoardProven { .. }
            | Event::Retrying { .. }
            | Event::Restarting { .. }
            | Event::Finished { .. }
            | Event::PlaceEmpty { .. } => true,
            Event::Interrupted { finishing, .. } => !finishing,
            // Each is another question, or asks of hands.
            Event::Prompted { .. }
            | Event::ConsentAsked { .. }
            | Event::BoardAsked { .. }
            | Event::HealthyAsked { .. }
            | Event::ToolAsked { .. } => true,
            Event::RunStarted { .. }
            | Event::LookingForTools { .. }
            | Event::ToolPassedOver { .. }
            | Event::ToolFound { .. }
            | Event::InputReady { .. }
            | Event::ToolLines { .. }
            | Event::ToolOutput { .. }
            | Event::Progress { .. }
            | Event::HandsMoving { .. }
            | Event::HandsOutput { .. }
            | Event::HandsMoved { .. }
            | Event::Waiting { .. }
            | Event::Hinted { .. }
            | Event::Flapping { .. }
            | Event::FuseRead { .. }
            | Event::LeftAlone { .. }
            | Event::StationFinished { .. }
            | Event::Warning { .. }
            | Event::Note { .. }
            | Event::MaySleep { .. } => false,
        }
    }

    pub fn asks(&self) -> Asks {
        match self {
            Event::Prompted { without_person: true, .. } => Asks::Nothing,
            Event::Prompted { goes_on: GoesOn::ByItself, .. } => Asks::Hands,
            Event::Prompted { goes_on: GoesOn::WithEnter | GoesOn::Either, .. }
            | Event::BoardAsked { .. }
            | Event::HealthyAsked { .. }
            | Event::ConsentAsked { .. }
            | Event::ToolAsked { .. } => Asks::Line,
            Event::RunStarted { .. }
            | Event::LookingForTools { .. }
            | Event::ToolPassedOver { .. }
            | Event::ToolFound { .. }
            | Event::InputReady { .. }
            | Event::StepStarted { .. }
            | Event::StepSkipped { .. }
            | Event::ToolStarted { .. }
            | Event::ToolLines { .. }
            | Event::ToolOutput { .. }
            | Event::Progress { .. }
            | Event::ToolAnswered { .. }
            | Event::ToolEnded { .. }
            | Event::HandsMoving { .. }
            | Event::HandsOutput { .. }
            | Event::HandsMoved { .. }
            | Event::Waiting { .. }
            | Event::Hinted { .. }
            | Event::Flapping { .. }
            | Event::WaitOver { .. }
            | Event::FuseRead { .. }
            | Event::ConsentGiven { .. }
            | Event::BoardProven { .. }
            | Event::Retrying { .. }
            | Event::Restarting { .. }
            | Event::Interrupted { .. }
            | Event::Warning { .. }
            | Event::Note { .. }
            | Event::MaySleep { .. }
            | Event::StepFinished { .. }
            | Event::LeftAlone { .. }
            | Event::PlaceEmpty { .. }
            | Event::StationFinished { .. }
            | Event::Finished { .. } => Asks::Nothing,
        }
    }
}

/// What becomes of a word of fuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct FuseChange {
    pub word: u64,
    pub before: u64,
    pub after: u64,
}

impl std::fmt::Display for FuseChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "word {}: {:#010x} → {:#010x}", self.word, self.before, self.after)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    Succeeded,
    SucceededWithWarning(String),
    Failed(Fault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitEnd {
    Met,
    /// It was only tried, and the playbook goes on with that.
    NotMet,
    InVain,
}

impl StepEnd {
    pub fn is_failure(&self) -> bool {
        match self {
            StepEnd::Succeeded | StepEnd::SucceededWithWarning(_) => false,
            StepEnd::Failed(_) => true,
        }
    }
}

/// What ends a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GoesOn {
    /// The hardware, or a tool, says so.
    ByItself,
    WithEnter,
    /// The person chooses: ENTER, or what the prompt says, which the hardware shows.
    Either,
}

impl GoesOn {
    pub(super) fn of(step: &Step) -> GoesOn {
        match &step.until {
            None => GoesOn::WithEnter,
            Some(_) if step.sets.is_some() => GoesOn::Either,
            Some(_) => GoesOn::ByItself,
        }
    }
}

/// Everything a person needs to know about a run that did not recover the board, in the order they need it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Problem {
    /// What happened.
    pub what: String,
    pub class: FaultClass,
    /// What had gone wrong before, for which the run went back to an earlier step; the first comes first.
    pub causes: Vec<Cause>,
    /// At which step; none before the first.
    pub step: Option<Id>,
    pub step_name: Option<String>,
    pub command: Option<Vec<String>>,
    /// How the tool's process ended.
    pub end: Option<String>,
    /// The last lines of its output.
    pub output: Vec<String>,
    /// What is on the bus now, as far as the playbook knows it.
    pub attached: Vec<String>,
    /// In which state the board is.
    pub state: String,
    /// The parts of the board's memory that this run was to change, and what is known of each.
    pub regions: Vec<BoardRegion>,
    /// What to do now, and whether running again is safe.
    pub next: Vec<String>,
}

/// A fault after which the run went on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Cause {
    pub what: String,
    pub class: FaultClass,
    pub step: Id,
    pub step_name: String,
    /// The call that ended so, if it was one.
    pub command: Option<Vec<String>>,
}
