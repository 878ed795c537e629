//! What a run came to, in a few words: `run.json` of its record. It is worked out from the events, so that a run that was killed
//! has one as well.

use jiff::Timestamp;

use crate::cli::runs::journal::JournalEnd;
use crate::engine::{Agreed, Event, FuseChange, Problem, RunDetails, Told};
use crate::words::{Id, Outcome};

/// Of a run, or of what has happened of it so far.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(in crate::cli) struct RunSummary {
    /// Which run it is. Port and serial number are those of the board as soon as they are known.
    #[serde(flatten)]
    pub(in crate::cli) run: RunDetails,
    pub(in crate::cli) board: String,
    pub(in crate::cli) playbook: String,
    pub(in crate::cli) simulated: bool,
    pub(in crate::cli) began: Option<Timestamp>,
    /// The time of the last event.
    pub(in crate::cli) last: Option<Timestamp>,
    pub(in crate::cli) elapsed_ms: u64,
    /// Nothing while it is at work, or where it was cut off.
    pub(in crate::cli) end: Option<RunEnd>,
    pub(in crate::cli) consents: Vec<GivenConsent>,
    pub(in crate::cli) fuses: Vec<FuseReading>,
    pub(in crate::cli) journal: Option<JournalEnd>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::cli) struct RunEnd {
    pub(in crate::cli) outcome: Outcome,
    pub(in crate::cli) exit_code: u8,
    pub(in crate::cli) problem: Option<Problem>,
    pub(in crate::cli) steps_done: usize,
    pub(in crate::cli) steps_skipped: usize,
    pub(in crate::cli) retries: usize,
    pub(in crate::cli) restarts: usize,
    pub(in crate::cli) warnings: usize,
}

/// Somebody agreed to something irreversible.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::cli) struct GivenConsent {
    pub(in crate::cli) step: Id,
    pub(in crate::cli) by: String,
    pub(in crate::cli) how: Agreed,
    pub(in crate::cli) operator: Option<String>,
    pub(in crate::cli) fuse: Option<FuseChange>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::cli) struct FuseReading {
    pub(in crate::cli) step: Id,
    pub(in crate::cli) word: u64,
    pub(in crate::cli) bits: u64,
}

impl RunSummary {
    pub(in crate::cli) fn of<'a>(events: impl IntoIterator<Item = &'a Told<Event>>) -> RunSummary {
        let mut summary = RunSummary::default();
        for told in events {
            summary.hear(&told.as_ref());
        }
        summary
    }

    pub(in crate::cli) fn hear(&mut self, told: &Told<&Event>) {
        self.last = Some(told.utc);
        self.elapsed_ms = told.ms;
        match told.event {
            Event::RunStarted { board, playbook, simulated, run, .. } => {
                self.run = (**run).clone();
                self.began = Some(told.utc);
                self.board.clone_from(board);
                self.playbook.clone_from(playbook);
                self.simulated = *simulated;
            }
            Event::BoardProven { port, serial, .. } => {
                self.run.port = Some(port.clone());
                self.run.serial = serial.clone().or(self.run.serial.take());
            }
            Event::ConsentGiven { step, by, how, operator, fuse } => self.consents.push(GivenConsent {
                step: step.clone(),
                by: by.clone(),
                how: *how,
                operator: operator.clone(),
                fuse: *fuse,
            }),
            Event::FuseRead { step, word, bits } => {
                self.fuses.push(FuseReading { step: step.clone(), word: *word, bits: *bits });
            }
            Event::Finished {
                outcome,
                exit_code,
                problem,
                steps_done,
                steps_skipped,
                retries,
                restarts,
                warnings,
                ..
            } => {
                self.end = Some(RunEnd {
                    outcome: *outcome,
                    exit_code: *exit_code,
                    problem: problem.clone(),
                    steps_done: *steps_done,
                    steps_skipped: *steps_skipped,
                    retries: *retries,
                    restarts: *restarts,
                    warnings: *warnings,
                });
            }
            Event::LookingForTools { .. }
            | Event::ToolPassedOver { .. }
            | Event::ToolFound { .. }
            | Event::InputReady { .. }
            | Event::StepStarted { .. }
            | Event::StepSkipped { .. }
            | Event::ToolStarted { .. }
            | Event::ToolOutput { .. }
            | Event::ToolLines { .. }
            | Event::Progress { .. }
            | Event::ToolAsked { .. }
            | Event::ToolAnswered { .. }
            | Event::ToolEnded { .. }
            | Event::Prompted { .. }
            | Event::HandsMoving { .. }
            | Event::HandsOutput { .. }
            | Event::HandsMoved { .. }
            | Event::Waiting { .. }
            | Event::Hinted { .. }
            | Event::Flapping { .. }
            | Event::WaitOver { .. }
            | Event::ConsentAsked { .. }
            | Event::BoardAsked { .. }
            | Event::HealthyAsked { .. }
            | Event::Retrying { .. }
            | Event::Restarting { .. }
            | Event::Interrupted { .. }
            | Event::Warning { .. }
            | Event::Note { .. }
            | Event::MaySleep { .. }
            | Event::LeftAlone { .. }
            | Event::PlaceEmpty { .. }
            | Event::StationFinished { .. }
            | Event::StepFinished { .. } => {}
        }
    }
}
