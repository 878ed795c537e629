//! Shows what a run would do, step by step, without doing any of it.

use crate::cli::style::{Look, Role, Sign};
use crate::cli::wording::{hang, milliseconds, sentence, wrap_command};
use crate::words::Id;

/// One step as it would run, everything in it expanded. In JSON one line with `"event": "planned_step"`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename = "planned_step")]
pub struct PlannedStep {
    /// Counted from 1.
    pub number: usize,
    pub total: usize,
    pub id: Id,
    pub name: String,
    /// What else is to know: a condition, the attempts, where a lost device leads to.
    pub notes: Vec<String>,
    pub lines: Vec<PlannedLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedLine {
    Command { command: Vec<String>, limit_ms: u64 },
    Wait { text: String, limit_ms: u64 },
    Prompt { text: String, goes_on_by_itself: bool },
    Consent { why: String },
    Check { text: String },
    Write { file: String, text: String },
    Refuse { text: String },
}

const INDENT: &str = "        ";

/// The steps for people, with a blank line between them.
pub fn render(steps: &[PlannedStep], look: &Look) -> String {
    let texts: Vec<String> = steps.iter().map(|step| render_step(step, look)).collect();
    texts.join("\n")
}

fn render_step(step: &PlannedStep, look: &Look) -> String {
    let PlannedStep { number, total, .. } = step;
    let digits = total.to_string().len();
    let number = format!("[{number:>digits$}/{total}]");
    let title = format!("{} ({})", step.name, step.id);
    let mut lines: Vec<String> =
        hang(&format!("{number:<7} "), &title, look.width).iter().map(|line| look.paint(Role::Title, line)).collect();
    for note in &step.notes {
        lines.extend(say(look, Role::Quiet, "", &sentence(note)));
    }
    for line in &step.lines {
        lines.extend(render_line(line, look));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn render_line(line: &PlannedLine, look: &Look) -> Vec<String> {
    match line {
        PlannedLine::Command { command, limit_ms } => {
            let width = look.width.saturating_sub(INDENT.len() + 2);
            let mut lines: Vec<String> = wrap_command(command, width)
                .iter()
                .enumerate()
                .map(|(index, line)| format!("{}{line}", if index == 0 { "$ " } else { "  " }))
                .map(|line| format!("{INDENT}{}", look.paint(Role::Command, &line)))
                .collect();
            lines.extend(say(
                look,
                Role::Quiet,
                "  ",
                &format!("ended after {} at the latest", milliseconds(*limit_ms)),
            ));
            lines
        }
        PlannedLine::Wait { text, limit_ms } => {
            say(look, Role::Quiet, "wait    ", &format!("{text}, for at most {}", milliseconds(*limit_ms)))
        }
        PlannedLine::Prompt { text, goes_on_by_itself } => {
            let how = if *goes_on_by_itself { "(goes on by itself)" } else { "(press ENTER when done)" };
            say(look, Role::Person, "you     ", &format!("{} {how}", sentence(text)))
        }
        PlannedLine::Consent { why } => {
            let text = format!("THIS CANNOT BE UNDONE: {} You would be asked first.", sentence(why));
            say(look, Role::Failure, &format!("{}       ", look.sign(Sign::Attention)), &text)
        }
        PlannedLine::Check { text } => say(look, Role::Quiet, "check   ", text),
        PlannedLine::Write { file, text } => {
            let mut lines = say(look, Role::Quiet, "write   ", file);
            // The file's own lines are shown as they are, because their breaks and blanks may matter.
            let side = look.sign(Sign::BoxSide);
            lines.extend(
                text.lines().map(|line| format!("{INDENT}        {side} {}", crate::cli::wording::clean(line))),
            );
            lines
        }
        PlannedLine::Refuse { text } => say(look, Role::Failure, "refuse  ", text),
    }
}

fn say(look: &Look, role: Role, lead: &str, text: &str) -> Vec<String> {
    hang(lead, text, look.width.saturating_sub(INDENT.len()))
        .iter()
        .map(|line| format!("{INDENT}{}", look.paint(role, line)))
        .collect()
}
