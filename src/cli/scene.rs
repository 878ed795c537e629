//! `recover run --scene`: a run with scripted tools, and what did not go as the scene says.

use std::path::{Path, PathBuf};

use crate::bench::Bench;
use crate::cli::arguments::{RunOptions, Setting, Simulation};
use crate::cli::refusal::Hinted;
use crate::documents::playbook::{Need, Playbook};
use crate::documents::scene::{GivenFile, Scene};
use crate::engine::{Event, Outcome, before_anything};
use crate::words::{FaultClass, Id};

/// Why a run cannot begin as the scene says.
#[derive(Debug, thiserror::Error)]
pub(super) enum SceneMisfit {
    #[error("--simulate={name} chooses how the virtual board starts, and a scene has none")]
    VirtualBoard { name: String },
    #[error("the scene knows a file `{name}`, and this playbook has no such input")]
    OtherPlaybook { name: Id },
}

impl Hinted for SceneMisfit {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            SceneMisfit::VirtualBoard { .. } => "Leave out one of --simulate and --scene.",
            SceneMisfit::OtherPlaybook { .. } => "Is it the scene of another playbook?",
        };
        Some(hint.to_owned())
    }
}

/// Lets the run begin as the scene says, where the command line does not say otherwise.
pub(super) fn apply_scene(scene: &Scene, playbook: &mut Playbook, options: &mut RunOptions) -> Result<(), SceneMisfit> {
    let simulation = options.simulate.get_or_insert_with(Simulation::default);
    if let Some(name) = simulation.names.first() {
        return Err(SceneMisfit::VirtualBoard { name: name.clone() });
    }
    if options.port.is_none() && options.serial.is_none() {
        options.port.clone_from(&scene.port);
        options.serial.clone_from(&scene.serial);
    }
    let of_scene = |(name, value): (&_, &String)| Setting { name: Clone::clone(name), value: value.clone() };
    let mut settings: Vec<Setting> = scene.set.iter().map(of_scene).collect();
    settings.append(&mut options.settings);
    options.settings = settings;
    options.allow_irreversible.extend(scene.allow.iter().cloned());
    options.non_interactive |= scene.nobody;
    for (name, file) in &scene.files {
        let Some(input) = playbook.inputs.iter_mut().find(|input| input.name == *name) else {
            return Err(SceneMisfit::OtherPlaybook { name: name.clone() });
        };
        match file {
            GivenFile::Size(size) => {
                input.need = Need::Always;
                input.example_size = Some(*size);
            }
            GivenFile::NotGiven => input.need = Need::Never,
        }
    }
    Ok(())
}

/// Where inputs are looked for: files that happen to lie in the current folder are not those of a scene that makes its own.
pub(super) fn folder_of_scene(bench: &Bench, scene: &Scene, options: &RunOptions) -> PathBuf {
    if scene.files.is_empty() || options.files != Path::new(".") {
        return options.files.clone();
    }
    bench.files().given()
}

/// Tells what did not go as the scene says; a run that met something undeclared has failed, whatever came of it.
pub(super) fn finish(bench: &Bench, last: Event, tell: &mut dyn FnMut(&Event)) -> Outcome {
    let (diagnostics, unmade) = match (bench.scene_faults(), bench.unmade_calls()) {
        (Ok(diagnostics), Ok(unmade)) => (diagnostics, unmade),
        (Err(error), _) | (_, Err(error)) => {
            tell(&Event::Warning { text: format!("what the scene says cannot be compared: {error}") });
            (Vec::new(), Vec::new())
        }
    };
    for diagnostic in &diagnostics {
        tell(&Event::Warning { text: diagnostic.to_string() });
    }
    if !unmade.is_empty() {
        let lines: Vec<String> = unmade.iter().map(|call| format!("\n  {call}")).collect();
        tell(&Event::Warning { text: format!("calls that the scene declares were never made:{}", lines.concat()) });
    }
    let Event::Finished {
        mut outcome,
        mut problem,
        next,
        elapsed_ms,
        steps_done,
        steps_skipped,
        retries,
        restarts,
        mut warnings,
        ..
    } = last
    else {
        return Outcome::Defect;
    };
    warnings += diagnostics.len() + usize::from(!unmade.is_empty());
    if let (Some(first), Outcome::Recovered) = (diagnostics.first(), outcome) {
        let mut told = before_anything(FaultClass::Unknown, first.to_string(), Vec::new());
        told.state = "The playbook came to its end nevertheless.".to_owned();
        problem = Some(told);
        outcome = Outcome::StepFailed;
    }
    tell(&Event::Finished {
        outcome,
        exit_code: outcome.exit_code(),
        problem,
        next,
        elapsed_ms,
        steps_done,
        steps_skipped,
        retries,
        restarts,
        warnings,
    });
    outcome
}
