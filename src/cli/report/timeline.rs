//! What happened in a run, step by step: the same for the page and for the test report.

use crate::cli::runs::journal::Journal;
use crate::cli::wording::moves;
use crate::engine::{Event, StepEnd};
use crate::words::{Fault, Id, Verdict};

/// Lines that a call printed, in a report: the last ones.
const LINES_MAX: usize = 40;

#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) steps: Vec<StepLine>,
}

/// A step at one time of the run; one that the run came back to has several.
#[derive(Debug)]
pub(super) struct StepLine {
    pub(super) id: Id,
    pub(super) name: String,
    /// [`crate::engine::Event::StepStarted`] counts them from 1.
    pub(super) number: usize,
    pub(super) began_ms: u64,
    pub(super) took_ms: u64,
    pub(super) ended: bool,
    pub(super) failed: Option<Fault>,
    pub(super) warning: Option<String>,
    /// Why it was not needed.
    pub(super) skipped: Option<String>,
    pub(super) calls: Vec<CallLine>,
    pub(super) prompts: Vec<PromptLine>,
    /// What was told besides: retries, readings, consents.
    pub(super) notes: Vec<String>,
}

#[derive(Debug)]
pub(super) struct CallLine {
    pub(super) command: Vec<String>,
    pub(super) purpose: String,
    pub(super) took_ms: u64,
    /// None as long as it has not ended.
    pub(super) verdict: Option<Verdict>,
    /// Bytes that its progress told last.
    pub(super) bytes: Option<u64>,
    pub(super) lines: Vec<String>,
    /// Lines before those, which are in the journal only.
    pub(super) left_out: usize,
}

#[derive(Debug)]
pub(super) struct PromptLine {
    pub(super) text: String,
    /// How long it took until it was done; none where it was not.
    pub(super) took_ms: Option<u64>,
    began_ms: u64,
}

impl Timeline {
    pub(super) fn of(journal: &Journal) -> Timeline {
        let mut timeline = Timeline::default();
        for told in &journal.events {
            timeline.hear(&told.event, told.ms);
        }
        let last = journal.events.last().map_or(0, |told| told.ms);
        for step in timeline.steps.iter_mut().filter(|step| !step.ended) {
            step.took_ms = last.saturating_sub(step.began_ms);
        }
        timeline
    }

    fn hear(&mut self, event: &Event, ms: u64) {
        match event {
            Event::StepStarted { step, name, number, .. } => self.steps.push(StepLine::new(step, name, *number, ms)),
            Event::StepSkipped { step, name, number, reason, .. } => {
                // One that had begun with a reading is the one that is skipped.
                let begun = self.steps.last_mut().filter(|last| last.id == *step && !last.ended);
                match begun {
                    Some(begun) => begun.end(ms).skipped = Some(reason.clone()),
                    None => {
                        let mut line = StepLine::new(step, name, *number, ms);
                        line.end(ms).skipped = Some(reason.clone());
                        self.steps.push(line);
                    }
                }
            }
            Event::StepFinished { step, end, .. } => {
                let Some(line) = self.steps.iter_mut().rev().find(|line| line.id == *step && !line.ended) else {
                    return;
                };
                let line = line.end(ms);
                match end {
                    StepEnd::Succeeded => {}
                    StepEnd::SucceededWithWarning(text) => line.warning = Some(text.clone()),
                    StepEnd::Failed(fault) => line.failed = Some(fault.clone()),
                }
            }
            event => {
                if let Some(step) = self.steps.last_mut().filter(|step| !step.ended) {
                    step.hear(event, ms);
                }
            }
        }
    }
}

impl StepLine {
    fn new(id: &Id, name: &str, number: usize, began_ms: u64) -> StepLine {
        StepLine {
            id: id.clone(),
            name: name.to_owned(),
            number,
            began_ms,
            took_ms: 0,
            ended: false,
            failed: None,
            warning: None,
            skipped: None,
            calls: Vec::new(),
            prompts: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn end(&mut self, ms: u64) -> &mut StepLine {
        self.ended = true;
        self.took_ms = ms.saturating_sub(self.began_ms);
        self
    }

    fn hear(&mut self, event: &Event, ms: u64) {
        match event {
            Event::ToolStarted { command, purpose, .. } => self.calls.push(CallLine {
                command: command.clone(),
                purpose: purpose.clone(),
                took_ms: 0,
                verdict: None,
                bytes: None,
                lines: Vec::new(),
                left_out: 0,
            }),
            Event::ToolOutput { text, transient: false, .. } => {
                if let Some(call) = self.calls.last_mut() {
                    if call.lines.len() == LINES_MAX {
                        call.lines.remove(0);
                        call.left_out += 1;
                    }
                    call.lines.push(text.clone());
                }
            }
            Event::Progress { bytes: Some(bytes), .. } => {
                if let Some(call) = self.calls.last_mut() {
                    call.bytes = Some(*bytes);
                }
            }
            Event::ToolEnded { verdict, elapsed_ms, .. } => {
                if let Some(call) = self.calls.last_mut() {
                    call.verdict = Some(verdict.clone());
                    call.took_ms = *elapsed_ms;
                }
            }
            Event::Prompted { text, .. } => {
                self.prompts.push(PromptLine { text: text.clone(), took_ms: None, began_ms: ms });
            }
            Event::WaitOver { text, .. } => match self.prompts.last_mut().filter(|prompt| prompt.took_ms.is_none()) {
                Some(prompt) => prompt.took_ms = Some(ms.saturating_sub(prompt.began_ms)),
                None => self.notes.push(text.clone()),
            },
            Event::Retrying { attempt, attempts_max, because, .. } => {
                self.notes.push(format!("attempt {attempt} of {attempts_max}, because {}", because.message));
            }
            Event::FuseRead { word, bits, .. } => {
                self.notes.push(format!("word {word} of the fuses reads {bits:#010x}"));
            }
            Event::ConsentGiven { by, .. } => self.notes.push(format!("consent given: {by}")),
            Event::Warning { text } => self.notes.push(text.clone()),
            Event::HandsMoved { hands, failed: Some(why), .. } => {
                self.notes.push(format!("{}: {why}", moves(hands)));
            }
            Event::RunStarted { .. }
            | Event::LookingForTools { .. }
            | Event::ToolPassedOver { .. }
            | Event::ToolFound { .. }
            | Event::InputReady { .. }
            | Event::StepStarted { .. }
            | Event::StepSkipped { .. }
            | Event::ToolOutput { .. }
            | Event::ToolLines { .. }
            | Event::Progress { .. }
            | Event::ToolAsked { .. }
            | Event::ToolAnswered { .. }
            | Event::HandsMoving { .. }
            | Event::HandsOutput { .. }
            | Event::HandsMoved { .. }
            | Event::Waiting { .. }
            | Event::Hinted { .. }
            | Event::Flapping { .. }
            | Event::ConsentAsked { .. }
            | Event::BoardAsked { .. }
            | Event::HealthyAsked { .. }
            | Event::BoardProven { .. }
            | Event::Restarting { .. }
            | Event::Interrupted { .. }
            | Event::Note { .. }
            | Event::MaySleep { .. }
            | Event::LeftAlone { .. }
            | Event::PlaceEmpty { .. }
            | Event::StationFinished { .. }
            | Event::StepFinished { .. }
            | Event::Finished { .. } => {}
        }
    }
}
