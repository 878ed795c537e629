//! Holds the options of a run against its playbook.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::bench::HandsOf;
use crate::cli::arguments::{HandsBy, MessageFormat, RunOptions};
use crate::cli::desk::Desk;
use crate::cli::refusal::Hinted;
use crate::documents::expression::Value;
use crate::documents::playbook::{Action, Playbook, Step, VariableError, as_written, every_step, irreversible_steps};
use crate::words::{Id, nearest};

/// What is wrong with the options for this playbook.
#[derive(Debug, thiserror::Error)]
pub(super) enum OptionsError {
    #[error("this playbook has no input `{name}` to set")]
    NoInput { name: Id, known: Vec<String> },
    #[error("this playbook has no irreversible step `{step}`")]
    NotIrreversible { step: Id, known: Vec<String> },
    #[error("the folder of files {} is not a folder", folder.display())]
    NoFolder { folder: PathBuf },
    #[error("the folder of files {} is not there", folder.display())]
    FolderMissing { folder: PathBuf },
    #[error("the folder of files {} cannot be read: {source}", folder.display())]
    FolderUnreadable { folder: PathBuf, source: io::Error },
    #[error("the step `{step}` needs a person who presses ENTER, and nobody may be asked")]
    NeedsPerson { step: Id },
    #[error("only your own hands can move a real board: `--hands auto` is for simulations")]
    OnlyVirtualHands,
    #[error("`--hands person` needs somebody who reads the prompts at a terminal and answers there")]
    NoRealPerson,
    #[error("a scene says itself what its person does: `--hands` has no place in it")]
    HandsOfScene,
    #[error("with `--hands json` another program moves, and nothing tells it what to move")]
    HandsNotTold,
    #[error("the step `{step}` asks for what only a person can do, and nobody is at a terminal")]
    NoHandsFor { step: Id },
    #[error("{source}")]
    Variable { source: VariableError, help: String, default: String },
}

impl Hinted for OptionsError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            OptionsError::NoInput { name, known } => match nearest(name.as_str(), known.iter().map(String::as_str)) {
                Some(near) => format!("Did you mean --set {near}=…?"),
                None => format!("This playbook knows {}.", known.join(", ")),
            },
            OptionsError::NotIrreversible { known, .. } => match known.as_slice() {
                [] => "Nothing in this playbook is irreversible: leave the option out.".to_owned(),
                known => format!("Irreversible here: {}.", known.join(", ")),
            },
            OptionsError::NeedsPerson { .. } => "Leave --non-interactive out.".to_owned(),
            OptionsError::OnlyVirtualHands => "Add --simulate to try it on a virtual board.".to_owned(),
            OptionsError::NoRealPerson => "Leave --hands out: the virtual person then moves at once.".to_owned(),
            OptionsError::HandsOfScene => "Leave --hands out.".to_owned(),
            OptionsError::HandsNotTold => "Add --message-format json.".to_owned(),
            OptionsError::NoHandsFor { .. } => {
                "Run it at a terminal with a person beside it, or let the playbook's `hands` say what a program can move."
                    .to_owned()
            }
            OptionsError::Variable { help, default, .. } => {
                format!("It says: {help}. Without it: {default}.")
            }
            OptionsError::NoFolder { .. }
            | OptionsError::FolderMissing { .. }
            | OptionsError::FolderUnreadable { .. } => return None,
        })
    }
}

/// Is there a person who reads the prompts of the run and answers them, at a terminal or on a page?
pub(super) fn is_attended(options: &RunOptions) -> bool {
    options.page.is_some() || Desk::of(options) == Desk::Person
}

/// Whose the hands are, and so how fast time goes: with a person there a simulation is a rehearsal.
pub(super) fn hands_of(options: &RunOptions) -> HandsOf {
    match (is_attended(options), &options.hands) {
        _ if options.scene.is_some() => HandsOf::VirtualPerson,
        // Those of the bench do at once what a program has done.
        (false, _) | (_, Some(HandsBy::Json | HandsBy::Program(_))) => HandsOf::VirtualPerson,
        (true, Some(HandsBy::Auto)) => HandsOf::UnhurriedPerson,
        (true, Some(HandsBy::Person) | None) => HandsOf::RealPerson,
    }
}

fn check_hands(options: &RunOptions) -> Result<(), OptionsError> {
    match (&options.hands, options.simulate.is_some()) {
        (Some(HandsBy::Auto), false) => Err(OptionsError::OnlyVirtualHands),
        (Some(HandsBy::Person | HandsBy::Json | HandsBy::Program(_)), true) if options.scene.is_some() => {
            Err(OptionsError::HandsOfScene)
        }
        (Some(HandsBy::Json), _) if options.message_format != MessageFormat::Json => Err(OptionsError::HandsNotTold),
        (Some(HandsBy::Person), true) if !is_attended(options) => Err(OptionsError::NoRealPerson),
        _ => Ok(()),
    }
}

pub(super) fn check_options(options: &RunOptions, playbook: &Playbook) -> Result<(), OptionsError> {
    check_hands(options)?;
    let inputs = playbook.inputs.iter().map(|input| &input.name);
    let names: Vec<&Id> = inputs.chain(playbook.variables.iter().map(|variable| &variable.name)).collect();
    if let Some(setting) = options.settings.iter().find(|setting| !names.contains(&&setting.name)) {
        let known = names.iter().map(ToString::to_string).collect();
        return Err(OptionsError::NoInput { name: setting.name.clone(), known });
    }
    let known: Vec<String> = irreversible_steps(&playbook.steps).into_iter().map(|(id, _)| id).collect();
    if let Some(step) = options.allow_irreversible.iter().find(|step| !known.iter().any(|id| id == step.as_str())) {
        return Err(OptionsError::NotIrreversible { step: step.clone(), known });
    }
    let folder = || options.files.clone();
    if !options.files.is_dir() {
        return Err(match options.files.exists() {
            true => OptionsError::NoFolder { folder: folder() },
            false => OptionsError::FolderMissing { folder: folder() },
        });
    }
    std::fs::read_dir(&options.files).map_err(|source| OptionsError::FolderUnreadable { folder: folder(), source })?;
    let machine = options.hands.as_ref().is_some_and(HandsBy::is_machine);
    if machine {
        // A dry run is there to tell which these are.
        let alone = !is_attended(options) && !options.dry_run;
        let step = every_step(&playbook.steps).find(|step| step.only_by_person()).filter(|_| alone);
        return step.map_or(Ok(()), |step| Err(OptionsError::NoHandsFor { step: step.id.clone() }));
    }
    if options.non_interactive
        && let Some(step) = playbook.leaf_steps().into_iter().find(|step| needs_enter(step))
    {
        return Err(OptionsError::NeedsPerson { step: step.id.clone() });
    }
    Ok(())
}

/// Can nothing but a person's ENTER end it?
fn needs_enter(step: &Step) -> bool {
    match &step.action {
        Action::Prompt(_) => step.until.is_none(),
        Action::Run(run) => {
            run.answers.iter().any(|answer| answer.prompt.is_some() && answer.send.is_some() && answer.until.is_none())
        }
        Action::Wait
        | Action::Check(_)
        | Action::Refuse(_)
        | Action::Write(_)
        | Action::TellApart(_)
        | Action::Steps(_) => false,
    }
}

/// The playbook's variables with the person's values.
pub(super) fn variables(options: &RunOptions, playbook: &Playbook) -> Result<BTreeMap<Id, Value>, OptionsError> {
    let mut values = BTreeMap::new();
    for variable in &playbook.variables {
        let given = options.settings.iter().rev().find(|setting| setting.name == variable.name);
        let value = match given {
            Some(setting) => variable.read(&setting.value).map_err(|source| OptionsError::Variable {
                source,
                help: variable.help.clone(),
                default: as_written(&variable.default),
            })?,
            None => variable.default.clone(),
        };
        values.insert(variable.name.clone(), value);
    }
    Ok(values)
}
