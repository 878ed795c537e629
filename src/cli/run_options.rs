//! Holds the options of a run against its playbook.

use crate::cli::arguments::RunOptions;
use crate::documents::playbook::{Action, Playbook, Step, irreversible_steps};
use crate::words::nearest;

/// What is wrong with the options for this playbook, and what to do about it.
pub(super) fn check_options(options: &RunOptions, playbook: &Playbook) -> Result<(), (String, Option<String>)> {
    for setting in &options.settings {
        let names = || {
            let inputs = playbook.inputs.iter().map(|input| input.name.as_str());
            inputs.chain(playbook.variables.iter().map(|variable| variable.name.as_str()))
        };
        if !names().any(|name| name == setting.name.as_str()) {
            let known: Vec<&str> = names().collect();
            let next = match nearest(setting.name.as_str(), known.iter().copied()) {
                Some(near) => format!("Did you mean --set {near}=…?"),
                None => format!("This playbook knows {}.", known.join(", ")),
            };
            return Err((format!("this playbook has no input `{}` to set", setting.name), Some(next)));
        }
    }
    let irreversible = irreversible_steps(&playbook.steps);
    for step in &options.allow_irreversible {
        if !irreversible.iter().any(|(known, _)| known == step.as_str()) {
            let known: Vec<&str> = irreversible.iter().map(|(id, _)| id.as_str()).collect();
            let next = match known.as_slice() {
                [] => "Nothing in this playbook is irreversible: leave the option out.".to_owned(),
                known => format!("Irreversible here: {}.", known.join(", ")),
            };
            return Err((format!("this playbook has no irreversible step `{step}`"), Some(next)));
        }
    }
    if !options.files.is_dir() {
        let what = if options.files.exists() { "is not a folder" } else { "is not there" };
        return Err((format!("the folder of files {} {what}", options.files.display()), None));
    }
    if let Err(error) = std::fs::read_dir(&options.files) {
        return Err((format!("the folder of files {} cannot be read: {error}", options.files.display()), None));
    }
    let asks = |step: &&Step| match &step.action {
        Action::Prompt(_) => step.until.is_none(),
        Action::Run(run) => {
            run.answers.iter().any(|answer| answer.prompt.is_some() && answer.send.is_some() && answer.until.is_none())
        }
        _ => false,
    };
    if options.non_interactive
        && let Some(step) = playbook.leaf_steps().into_iter().find(asks)
    {
        let what = format!("the step `{}` needs a person who presses ENTER, and nobody may be asked", step.id);
        return Err((what, Some("Leave --non-interactive out.".to_owned())));
    }
    Ok(())
}
