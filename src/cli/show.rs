//! `recover show`: a board's procedure for a person to read, rendered from its playbook. Needs no files and no tools.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::arguments::{ShowArgs, ShowFormat};
use crate::cli::catalogs::{Catalogs, of_user};
use crate::cli::drawing::drawing;
use crate::cli::interruptions::{self, Said};
use crate::cli::places::FoundPlaybook;
use crate::cli::sound_playbook::sound_playbook;
use crate::cli::streams::{complain, say, show as print};
use crate::cli::style::{Look, Role, Sign};
use crate::cli::wording::{bytes, hang, milliseconds, quote_command};
use crate::documents::playbook::{
    Drawing, Interruption, Need, Playbook, Supposed, interruptions, irreversible_steps, tools_of,
};
use crate::engine::{Already, Chosen, Files, GoesOn, Outcome, PlannedLine, PlannedStep, Settings, WhenHealthy, plan};
use crate::world::{Scratch, Surroundings};

/// A line of the procedure, before it is known how it is to look.
enum Line {
    Title(String),
    Heading(String),
    Text(String),
    Item(String),
    /// What the person does.
    Hands(String),
    Command(String),
    Warning(String),
    Quiet(String),
    Drawing(Box<Drawing>),
}

pub(super) fn show(args: &ShowArgs, look: &Look) -> Outcome {
    let surroundings = Surroundings::of_this_process();
    // No program starts here, so the catalog beside the playbook counts in full.
    let catalog = |found: &FoundPlaybook| match found.is_shipped() {
        true => of_user(&surroundings),
        false => {
            let beside = Catalogs::new(surroundings.clone()).beside(Path::new(&found.source.name));
            beside.map(|beside| beside.catalog.clone())
        }
    };
    let (found, playbook, catalog) = match sound_playbook(&args.board, catalog, look) {
        Ok(sound) => sound,
        Err(outcome) => return outcome,
    };
    let mut files = match Scratch::create() {
        Ok(scratch) => Files::new(scratch),
        Err(error) => {
            complain(&format!("error: {error}"));
            return Outcome::StepFailed;
        }
    };
    for input in &playbook.inputs {
        files.add(input.name.clone(), input.file_name().to_owned());
    }
    let settings = Settings {
        chosen: Chosen::Any,
        allow_irreversible: BTreeSet::new(),
        variables: playbook
            .variables
            .iter()
            .map(|variable| (variable.name.clone(), variable.default.clone()))
            .collect(),
        simulated: false,
        healthy: WhenHealthy::Ask,
        already: Already::Nothing,
        single_calls: false,
        operator: None,
        record: None,
        playbook_name: found.source.name.clone(),
        shipped: found.is_shipped(),
    };
    let steps = plan(&playbook, &catalog, &files, &settings, &|_| None);
    let supposed = Supposed { given: None, variables: &settings.variables };
    let lines = procedure(&playbook, &steps, &interruptions(&playbook, &catalog, &supposed));
    match args.format {
        ShowFormat::Plain => lines.iter().flat_map(|line| plain(line, look)).for_each(|line| say(&line)),
        ShowFormat::Markdown => lines.iter().for_each(|line| print(&format!("{}\n", markdown(line, look)))),
    }
    Outcome::Recovered
}

fn procedure(playbook: &Playbook, steps: &[PlannedStep], interruptions: &[Interruption]) -> Vec<Line> {
    let mut lines = vec![Line::Title(format!("Bringing back the {}", playbook.board))];
    lines.extend(playbook.summary.clone().map(Line::Text));
    if let [_, ..] = playbook.inputs.as_slice() {
        lines.push(Line::Heading("Files".to_owned()));
    }
    for input in &playbook.inputs {
        let need = match &input.need {
            Need::Always => "",
            Need::Never => " (may be missing)",
            Need::Without(_) => " (needed unless it is replaced by another)",
        };
        let help = input.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
        let room = input.max_size.map(|size| format!(", at most {}", bytes(size))).unwrap_or_default();
        lines.push(Line::Item(format!("{}{need}{help}{room}", input.file.value)));
    }
    let tools = tools_of(playbook, &|_| true);
    if !tools.is_empty() {
        lines.push(Line::Heading("Tools".to_owned()));
        lines.push(Line::Text(tools.join(", ")));
    }
    for (step, why) in irreversible_steps(&playbook.steps) {
        lines.push(Line::Heading("What can never be undone".to_owned()));
        lines.push(Line::Warning(format!("Step {step}: {why}")));
    }
    if let Some(drawing) = &playbook.drawing {
        lines.push(Line::Heading("On the board".to_owned()));
        lines.push(Line::Drawing(Box::new(drawing.clone())));
    }
    lines.push(Line::Heading("Steps".to_owned()));
    for step in steps {
        lines.push(Line::Item(format!("{}. {}", step.number, step.name)));
        lines.extend(step.notes.iter().cloned().map(Line::Quiet));
        lines.extend(step.lines.iter().flat_map(told));
    }
    let left = interruptions::told(interruptions, playbook);
    if !left.is_empty() {
        lines.push(Line::Heading(interruptions::HEADING.to_owned()));
    }
    lines.extend(left.into_iter().map(|told| match told {
        Said::Item(text) => Line::Item(text),
        Said::Attention(text) => Line::Warning(text),
    }));
    lines
}

fn told(line: &PlannedLine) -> Vec<Line> {
    match line {
        PlannedLine::Command { command, .. } => vec![Line::Command(quote_command(command))],
        PlannedLine::Prompt { text, goes_on } => {
            let how = match goes_on {
                GoesOn::ByItself => "",
                GoesOn::WithEnter => " Then press ENTER.",
                GoesOn::Either => " Or press ENTER.",
            };
            vec![Line::Hands(format!("{}{how}", text.trim_end()))]
        }
        PlannedLine::Wait { text, limit_ms } => {
            vec![Line::Quiet(format!("wait {text}, for at most {}", milliseconds(*limit_ms)))]
        }
        PlannedLine::Consent { why } => vec![Line::Warning(format!("This can never be undone. {why}"))],
        PlannedLine::Answer { when: _, send, prompt } => {
            let asked = prompt.iter().cloned().map(Line::Hands);
            let sent = send.iter().map(|line| match line.as_str() {
                "" => Line::Quiet("press ENTER when the tool asks".to_owned()),
                line => Line::Quiet(format!("type {line} when the tool asks")),
            });
            asked.chain(sent).collect()
        }
        PlannedLine::Check { text } => vec![Line::Quiet(format!("make sure: {text}"))],
        PlannedLine::Stage { file, path } => {
            vec![Line::Quiet(format!("put {file} at {path} in a copy of the tool's folder"))]
        }
        PlannedLine::Write { file, .. } => vec![Line::Quiet(format!("write the file {file}"))],
        PlannedLine::Refuse { text } => vec![Line::Warning(format!("Stop here. {text}"))],
        PlannedLine::NotStarted { tool, why } => vec![Line::Warning(format!("{tool} is not started: {why}"))],
    }
}

fn plain(line: &Line, look: &Look) -> Vec<String> {
    let painted = |role: Role, first: &str, text: &str| -> Vec<String> {
        hang(first, text, look.width).iter().map(|line| look.paint(role, line)).collect()
    };
    match line {
        Line::Title(text) => painted(Role::Title, "", text),
        Line::Heading(text) => [String::new()].into_iter().chain(painted(Role::Title, "", text)).collect(),
        Line::Text(text) => hang("", text, look.width),
        Line::Item(text) => hang("  ", text, look.width),
        Line::Hands(text) => painted(Role::Person, "      YOU  ", text),
        Line::Command(text) => painted(Role::Command, "      $ ", text),
        Line::Warning(text) => painted(Role::Failure, &format!("      {} ", look.sign(Sign::Attention)), text),
        Line::Quiet(text) => painted(Role::Quiet, "      ", text),
        Line::Drawing(of) => drawing(of, look, look.width - 2).iter().map(|line| format!("  {line}")).collect(),
    }
}

/// CommonMark. Everything below a step belongs to its point.
fn markdown(line: &Line, look: &Look) -> String {
    let plain = |text: &str| escaped(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match line {
        Line::Title(text) => format!("# {}\n", plain(text)),
        Line::Heading(text) => format!("\n## {}\n", plain(text)),
        Line::Text(text) => format!("{}\n", plain(text)),
        Line::Item(text) => format!("- {}", plain(text)),
        Line::Hands(text) => format!("  - **You:** {}", plain(text)),
        Line::Command(text) => format!("  - `{}`", text.replace('`', "'")),
        Line::Warning(text) => format!("  - **Attention:** {}", plain(text)),
        Line::Quiet(text) => format!("  - {}", plain(text)),
        // Its own words could end a block of code.
        Line::Drawing(of) => {
            format!("```text\n{}\n```\n", drawing(of, look, look.width).join("\n").replace('`', "'"))
        }
    }
}

/// Letters that mean something in Markdown mean themselves.
fn escaped(text: &str) -> String {
    let escape = |letter: char| match letter {
        '*' | '_' | '`' | '<' | '>' | '[' | ']' | '#' | '\\' | '|' => format!("\\{letter}"),
        letter => letter.to_string(),
    };
    text.chars().map(escape).collect()
}
