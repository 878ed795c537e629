//! `recover list`: the playbooks there are.

use crate::bench::{Bench, model_help};
use crate::cli::arguments::ListArgs;
use crate::cli::diagnostics::render;
use crate::cli::places::find_playbook;
use crate::cli::sound_playbook::complain_of_place;
use crate::cli::streams::{complain_at_length, say};
use crate::cli::style::{Look, Role};
use crate::cli::wording::{bytes, hang};
use crate::documents::library::shipped_boards;
use crate::documents::playbook::{Need, Playbook, as_written, irreversible_steps, tools_of};
use crate::engine::Outcome;

/// Prints one line for each shipped playbook, or everything a person chooses by.
pub(super) fn list(args: &ListArgs, look: &Look) -> Outcome {
    if args.models {
        models(look);
        return Outcome::Recovered;
    }
    for (index, name) in args.playbooks.iter().enumerate() {
        let found = match find_playbook(name) {
            Ok(found) => found,
            Err(error) => return complain_of_place(&error),
        };
        let loaded = found.load();
        let Some(playbook) = loaded.playbook else {
            complain_at_length(&render(&loaded.diagnostics, look));
            return Outcome::PlaybookInvalid;
        };
        if index > 0 {
            say("");
        }
        verbose(name, &playbook, look);
    }
    if !args.playbooks.is_empty() {
        return Outcome::Recovered;
    }
    for board in shipped_boards() {
        let Some(playbook) = find_playbook(board).ok().and_then(|found| found.load().playbook) else {
            return Outcome::Defect;
        };
        if args.verbose {
            verbose(board, &playbook, look);
            say("");
        } else {
            line(board, &playbook, look);
        }
    }
    if !args.verbose {
        say("");
        say("Run one with `recover --playbook BOARD`; `recover list BOARD` tells more.");
    }
    Outcome::Recovered
}

fn models(look: &Look) {
    for (index, model) in model_help().enumerate() {
        if index > 0 {
            say("");
        }
        say(&look.paint(Role::Title, model.name));
        print_hanging("  ", model.about, look);
        for setting in model.settings {
            print_hanging("  ", &format!("{}: {}", setting.name, setting.form), look);
            print_hanging("      ", setting.meaning, look);
        }
    }
}

fn line(board: &str, playbook: &Playbook, look: &Look) {
    let irreversible = irreversible_steps(&playbook.steps);
    let mark = if irreversible.is_empty() { "" } else { " · has a step that cannot be undone" };
    let rest = [playbook.board.clone(), tools_of(playbook, &|_| true).join(", ")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
        + mark;
    print_hanging(&format!("{board:<13} "), &rest, look);
}

fn verbose(board: &str, playbook: &Playbook, look: &Look) {
    say(&look.paint(Role::Title, &format!("{board} · {}", playbook.board)));
    let item = |label: &str, text: &str| print_hanging(&format!("  {label:<11} "), text, look);
    if let Some(summary) = &playbook.summary {
        item("does", summary);
    }
    let tools = tools_of(playbook, &|_| true);
    item("tools", &if tools.is_empty() { "none".to_owned() } else { tools.join(", ") });
    for input in &playbook.inputs {
        let help = input.help.as_ref().map_or(String::new(), |help| format!(": {help}"));
        let room = input.max_size.map_or(String::new(), |size| format!(", at most {}", bytes(size)));
        let need = match &input.need {
            Need::Always => String::new(),
            Need::Never => " (may be missing)".to_owned(),
            Need::Without(other) => format!(" (not needed where `{}` is given)", other.value),
        };
        item("file", &format!("{}{need}{help}{room}", input.file.value));
    }
    for variable in &playbook.variables {
        let default = as_written(&variable.default);
        item("--set", &format!("{}={default}: {}", variable.name, variable.help));
    }
    for device in &playbook.devices {
        let ids: Vec<String> = device.ids.iter().map(ToString::to_string).collect();
        item("shows as", &format!("{} {}", ids.join(" or "), device.label));
    }
    for (step, why) in irreversible_steps(&playbook.steps) {
        item("cannot be undone", &format!("step `{step}`: {why}"));
    }
    for source in &playbook.sources {
        item("source", source);
    }
    for (name, meaning) in Bench::names(playbook).unwrap_or_default() {
        item("simulate", &format!("{name}: {meaning}"));
    }
}

fn print_hanging(first: &str, text: &str, look: &Look) {
    for line in hang(first, text, look.width) {
        say(&line);
    }
}
