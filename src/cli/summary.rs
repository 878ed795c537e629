//! The last thing on the screen: what was done, or everything a person needs to go on after a problem.

use std::path::Path;

use crate::cli::style::{Look, Role, Sign};
use crate::cli::wording::{clean, count, hang, milliseconds, wrap_command};
use crate::engine::{Outcome, Problem};
use crate::words::Id;

/// What was done, whatever it came to.
pub(crate) struct Counts {
    pub(crate) elapsed_ms: u64,
    pub(crate) steps_done: usize,
    pub(crate) steps_skipped: usize,
    pub(crate) retries: usize,
    pub(crate) restarts: usize,
    pub(crate) warnings: usize,
}

pub(crate) struct Subject<'a> {
    pub(crate) board: &'a str,
    pub(crate) simulated: bool,
    /// The step that began last and its number, such as `[ 3/14]`.
    pub(crate) step: Option<(&'a Id, &'a str)>,
    pub(crate) log: Option<&'a Path>,
    /// A real run of which nothing is kept.
    pub(crate) no_record: bool,
}

pub(crate) fn summary(
    look: &Look,
    subject: &Subject<'_>,
    outcome: Outcome,
    problem: Option<&Problem>,
    afterwards: &[String],
    counts: &Counts,
) -> Vec<String> {
    let mut lines = match problem {
        None => {
            let mut lines = recovered(look, subject, outcome);
            lines.extend(next(look, afterwards));
            lines
        }
        Some(problem) => failed(look, subject, outcome, problem),
    };
    lines.extend(fact(look, "Steps", &counted(counts)));
    if let Some(log) = subject.log {
        // Not wrapped: a path must stay one word to be clicked or copied.
        lines.push(format!("{}{}", label("Log"), clean(&log.display().to_string())));
    } else if subject.no_record {
        lines.extend(fact(look, "Record", "none was kept of this run"));
    }
    lines
}

fn recovered(look: &Look, subject: &Subject<'_>, outcome: Outcome) -> Vec<String> {
    let (sign, role) = match outcome {
        Outcome::Recovered => (Sign::Done, Role::Success),
        _ => (Sign::Failed, Role::Failure),
    };
    let text = match (outcome, subject.simulated) {
        (Outcome::Recovered, false) => format!("RECOVERED: {}", subject.board),
        (Outcome::Recovered, true) => {
            format!("SIMULATION PASSED: the virtual {} was recovered. No real board was touched.", subject.board)
        }
        (other, _) => headline(other).to_owned(),
    };
    painted(look, role, sign, &text)
}

fn failed(look: &Look, subject: &Subject<'_>, outcome: Outcome, problem: &Problem) -> Vec<String> {
    let what = problem.what.trim_end().trim_end_matches('.');
    let text = format!("{}: {what} ({})", headline(outcome), problem.class);
    let mut lines = painted(look, Role::Failure, Sign::Failed, &text);
    if subject.simulated {
        lines.extend(fact(look, "", "This was a simulation: no real board was touched."));
    }
    lines.push(String::new());
    if let Some(step) = &problem.step {
        let begun = subject.step.filter(|(begun, _)| *begun == step);
        let number = begun.map(|(_, number)| format!("{number} ")).unwrap_or_default();
        let name = problem.step_name.as_deref().unwrap_or_default();
        lines.extend(fact(look, "At step", format!("{number}{name} ({step})").trim_start()));
    }
    if let Some(command) = &problem.command {
        for (index, line) in wrap_command(command, look.width.saturating_sub(LABEL_WIDTH + 2)).iter().enumerate() {
            let (name, lead) = if index == 0 { ("Command", "$ ") } else { ("", "  ") };
            lines.push(format!("{}{}", label(name), look.paint(Role::Command, &format!("{lead}{line}"))));
        }
    }
    if let Some(end) = &problem.end {
        lines.extend(fact(look, "It ended", end));
    }
    for (index, line) in problem.output.iter().enumerate() {
        let name = if index == 0 { "It said" } else { "" };
        lines.extend(hang(&format!("{}{} ", label(name), look.sign(Sign::BoxSide)), line, look.width));
    }
    for (index, cause) in problem.causes.iter().enumerate() {
        let name = if index == 0 { "Earlier" } else { "" };
        let text = format!("at {}: {} ({})", cause.step_name, cause.what, cause.class);
        lines.extend(fact(look, name, &text));
    }
    lines.extend(fact(look, "The board", &problem.state));
    let attached =
        if problem.attached.is_empty() { "no device of this board".to_owned() } else { problem.attached.join(", ") };
    lines.extend(fact(look, "Attached", &attached));
    lines.extend(next(look, &problem.next));
    lines.push(String::new());
    lines
}

fn next(look: &Look, next: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, text) in next.iter().enumerate() {
        let name = if index == 0 { "Do next" } else { "" };
        let number = if next.len() > 1 { format!("{}. ", index + 1) } else { String::new() };
        for (row, line) in hang(&format!("{}{number}", label(name)), text, look.width).iter().enumerate() {
            // The label stays plain so that it lines up with the others.
            let split = if row == 0 { LABEL_WIDTH } else { 0 };
            let (head, tail) = line.split_at(split.min(line.len()));
            lines.push(format!("{head}{}", look.paint(Role::Title, tail)));
        }
    }
    lines
}

/// How a run ended, in capitals: the same words on the screen, in the list of runs and in reports.
pub(crate) fn headline(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Recovered => "RECOVERED",
        Outcome::Planned => "PLANNED",
        Outcome::StepFailed => "NOT RECOVERED",
        Outcome::RefusedByPlaybook => "STOPPED BY THE PLAYBOOK",
        Outcome::CommandLine => "NOT STARTED",
        Outcome::PlaybookInvalid => "NOT STARTED: THE PLAYBOOK IS WRONG",
        Outcome::ToolMissing => "A TOOL IS MISSING",
        Outcome::DeviceUnavailable => "THE BOARD CANNOT BE REACHED",
        Outcome::Declined => "STOPPED WITHOUT CONSENT",
        Outcome::BoardBusy => "ANOTHER RUN HOLDS THE BOARD",
        Outcome::HandsFailed => "THE HANDS FAILED",
        Outcome::Defect => "A DEFECT IN RECOVER",
        Outcome::Interrupted => "INTERRUPTED",
    }
}

/// "14 done, 3 not needed here, in 2 min".
pub(crate) fn counted(counts: &Counts) -> String {
    let mut parts = vec![format!("{} done", counts.steps_done)];
    let mut add = |number: usize, one: &str, many: &str| {
        if number > 0 {
            parts.push(count(number, one, many));
        }
    };
    add(counts.steps_skipped, "not needed here", "not needed here");
    add(counts.retries, "retry", "retries");
    add(counts.restarts, "restart", "restarts");
    add(counts.warnings, "warning", "warnings");
    format!("{}, in {}", parts.join(", "), milliseconds(counts.elapsed_ms))
}

const LABEL_WIDTH: usize = 13;

fn label(name: &str) -> String {
    format!("  {name:<width$}", width = LABEL_WIDTH - 2)
}

fn fact(look: &Look, name: &str, text: &str) -> Vec<String> {
    hang(&label(name), text, look.width)
}

fn painted(look: &Look, role: Role, sign: Sign, text: &str) -> Vec<String> {
    hang(&format!("{} ", look.sign(sign)), text, look.width).iter().map(|line| look.paint(role, line)).collect()
}
