//! A run as a test record in the form of OpenHTF: what `openhtf.output.callbacks.json_factory` writes of its own records.

use serde_json::{Value, json};

use crate::cli::log;
use crate::cli::report::timeline::{StepLine, Timeline};
use crate::cli::runs::folder::JOURNAL;
use crate::cli::runs::journal::Journal;
use crate::cli::runs::kept_run::{Ended, KeptRun};
use crate::cli::wording::quote_command;
use crate::engine::{Event, StepEnd, Told};
use crate::words::{FaultClass, Outcome, Stream};

/// What OpenHTF itself writes for a unit that nobody named.
const UNKNOWN_UNIT: &str = "UNKNOWN_DUT";
/// Of Python's `logging`.
const DEBUG: u8 = 10;
const INFO: u8 = 20;
const WARNING: u8 = 30;
const ERROR: u8 = 40;

pub(super) fn test_record(run: &KeptRun, journal: &Journal) -> String {
    let (summary, timeline) = (&run.summary, Timeline::of(journal));
    let details = &summary.run;
    let first = journal.events.first();
    let beginning = first.map_or(0, |told| told.utc.as_millisecond().saturating_sub_unsigned(told.ms));
    let problem = summary.end.as_ref().and_then(|end| end.problem.as_ref());
    let fault = problem.map(|problem| json!({"code": problem.class.word(), "description": problem.what}));
    let record = json!({
        "dut_id": details.unit.as_deref().or(details.serial.as_deref()).unwrap_or(UNKNOWN_UNIT),
        "station_id": details.station.as_deref().or(details.host.as_deref()).unwrap_or_default(),
        "start_time_millis": beginning,
        "end_time_millis": beginning.saturating_add_unsigned(summary.elapsed_ms),
        "outcome": outcome(run, problem.map(|problem| problem.class)),
        "outcome_details": fault.into_iter().collect::<Vec<_>>(),
        "code_info": code_info(&summary.playbook, Some(&summary.board), ""),
        "marginal": null,
        "metadata": {
            "test_name": summary.playbook,
            "test_description": summary.board,
            "test_version": details.documents.first().map(|document| document.sha256.as_str()).unwrap_or_default(),
            "operator_name": details.operator.as_deref().unwrap_or_default(),
            "config": {},
            // What it came to, as `run.json` has it.
            "recover": summary,
        },
        "phases": timeline.steps.iter().map(|step| phase(step, beginning)).collect::<Vec<_>>(),
        "subtests": [],
        "branches": [],
        "diagnosers": [],
        "diagnoses": [],
        "log_records": journal.events.iter().enumerate().map(log_record).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&record).map(|text| text + "\n").unwrap_or_default()
}

fn code_info(name: &str, docstring: Option<&str>, source: &str) -> Value {
    json!({"name": name, "docstring": docstring, "sourcecode": source})
}

fn outcome(run: &KeptRun, class: Option<FaultClass>) -> &'static str {
    match (run.ended(), class) {
        (Ended::So(Outcome::Recovered | Outcome::Planned), _) => "PASS",
        (Ended::So(Outcome::StepFailed), Some(FaultClass::TimedOut)) => "TIMEOUT",
        (Ended::So(Outcome::StepFailed | Outcome::RefusedByPlaybook), _) => "FAIL",
        (Ended::So(Outcome::Declined | Outcome::Interrupted) | Ended::AtWork | Ended::CutOff, _) => "ABORTED",
        (Ended::So(_), _) => "ERROR",
    }
}

/// Its name is the step's id; the texts for people are those of the code.
fn phase(step: &StepLine, beginning: i64) -> Value {
    let (outcome, result) = match step {
        StepLine { failed: Some(_), .. } => ("FAIL", "STOP"),
        StepLine { skipped: Some(_), .. } => ("SKIP", "SKIP"),
        StepLine { ended: false, .. } => ("ERROR", "STOP"),
        StepLine { .. } => ("PASS", "CONTINUE"),
    };
    let calls: Vec<String> = step.calls.iter().map(|call| quote_command(&call.command)).collect();
    let began = beginning.saturating_add_unsigned(step.began_ms);
    json!({
        "descriptor_id": step.number,
        "name": step.id,
        "codeinfo": code_info(step.id.as_str(), Some(&step.name), &calls.join("\n")),
        "measurements": {},
        "options": null,
        "diagnosers": [],
        "subtest_name": null,
        "start_time_millis": began,
        "end_time_millis": began.saturating_add_unsigned(step.took_ms),
        "attachments": {},
        "diagnosis_results": [],
        "failure_diagnosis_results": [],
        "result": {"phase_result": result},
        "outcome": outcome,
        "marginal": false,
    })
}

fn word(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    }
}

/// An event with its line in the journal.
fn log_record((index, told): (usize, &Told<Event>)) -> Value {
    let (level, name, message) = match &told.event {
        Event::ToolOutput { step, stream, text, .. } | Event::ToolLines { step, stream, text } => {
            (DEBUG, format!("recover.{step}.{}", word(*stream)), text.clone())
        }
        event => {
            let failed = match event {
                Event::StepFinished { end: StepEnd::Failed(_), .. } => true,
                Event::Finished { problem, .. } => problem.is_some(),
                _ => false,
            };
            let warns = matches!(event, Event::Warning { .. } | Event::Retrying { .. } | Event::Restarting { .. });
            let level = if failed {
                ERROR
            } else if warns {
                WARNING
            } else {
                INFO
            };
            (level, "recover".to_owned(), log::lines(event).join("\n"))
        }
    };
    json!({
        "level": level,
        "logger_name": name,
        "source": JOURNAL,
        "lineno": index + 1,
        "timestamp_millis": told.utc.as_millisecond(),
        "message": message,
    })
}
