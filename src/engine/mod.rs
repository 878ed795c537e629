//! Floor 4: runs a playbook in a world. Speaks only typed events; knows no terminal.

mod already;
#[cfg(test)]
#[cfg(unix)]
mod already_tests;
mod attempts;
mod awake;
#[cfg(test)]
#[cfg(unix)]
mod awake_tests;
mod beforehand;
mod board_state;
mod call;
mod call_again;
mod checked;
#[cfg(test)]
#[cfg(unix)]
mod choice_tests;
mod command_line;
mod conduct;
mod converse;
#[cfg(test)]
#[cfg(unix)]
mod converse_tests;
mod device_rules;
mod devices;
mod event;
mod facts;
mod files;
mod gate;
mod halt;
mod hands;
mod healthy;
mod hints;
mod identity;
mod inputs;
mod instead;
mod irreversible;
mod leaves;
mod ledger;
#[cfg(test)]
#[cfg(unix)]
mod ledger_tests;
mod limit;
mod moves;
mod named_files;
mod offer;
mod permission;
mod plan;
mod planned_call;
mod problem;
mod progress;
mod prompt;
mod proof;
mod question;
mod ready;
mod recognise;
mod refusal;
mod runner;
mod step;
#[cfg(test)]
#[cfg(unix)]
mod stop_tests;
mod stopping;
mod strangers;
mod suitable;
mod tell_apart;
#[cfg(test)]
#[cfg(unix)]
mod test_desk;
mod told;
mod tool_folder;
#[cfg(test)]
#[cfg(unix)]
mod tool_folder_tests;
mod turns;
mod wait;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod warm_tests;
mod watch;

use std::time::Duration;

pub use already::{Already, Earlier};
pub use beforehand::RuledOut;
pub use conduct::{
    Assignment, Clock, Order, RecordKept, Settings, SharedTools, Tell, WhenHealthy, Workplace, conduct, find_for_many,
};
pub use device_rules::{RULES_FILE, RULES_MARK, is_ours, permits, rules_for};
pub use devices::Chosen;
pub use event::{
    Agreed, Asks, CONDITION_DOES_NOT_HOLD, Cause, DocumentRole, Event, FuseChange, GoesOn, Problem, RunDetails,
    RunDocument, StepEnd, WaitEnd,
};
pub use files::Files;
pub use inputs::{Absent, GivenFiles, InputProblem, MakeImage, stage_inputs};
pub use ledger::{BoardRegion, RegionState};
pub use limit::longest_limit;
pub use permission::{fix_command, remedy_for};
pub use plan::{PlannedLine, PlannedStep, not_started, plan};
pub use proof::ProvenBy;
pub use ready::{ReadyTool, ReadyTools, SoughtTools, Tools};
pub use recognise::{Recognised, known_kinds, recognise};
pub use refusal::{
    Refusal, before_anything, finished, outcome_without_tools, refused_inputs, without_files, without_problem,
    without_tools,
};
pub use runner::{Finish, run};
pub use told::{EVENTS_FORMAT, Stamps, Told, events_schema};
pub use tool_folder::file_of as file_of_tool;
pub use turns::Exclusive;

pub use crate::words::Outcome;

/// Events give times in whole milliseconds.
fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
