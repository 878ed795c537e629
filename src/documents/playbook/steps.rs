//! What can be told of a list of steps as a whole.

use crate::documents::playbook::{Action, Playbook, Run, Step};

/// The tools that those of the steps run that may come, readings and preparations included, in order of first use; then
/// those that devices are asked with who they are.
pub fn tools_of(playbook: &Playbook, comes: &dyn Fn(&Step) -> bool) -> Vec<String> {
    let mut found = tools_of_steps(&playbook.steps, comes);
    let of_devices = playbook.identifying_readings().flat_map(|reading| tools_of_steps(&reading.steps, comes));
    for name in of_devices.collect::<Vec<_>>() {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn tools_of_steps(steps: &[Step], comes: &dyn Fn(&Step) -> bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |names: Vec<String>| {
        for name in names {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    };
    for step in steps.iter().filter(|step| comes(step)) {
        match &step.action {
            Action::Run(run) => add(vec![run.tool.value.clone()]),
            Action::Steps(inner) => add(tools_of_steps(inner, comes)),
            Action::TellApart(tell_apart) => add(tools_of_steps(&tell_apart.answers.steps, comes)),
            _ => {}
        }
        if let Some(retry) = &step.retry {
            add(tools_of_steps(&retry.prepare, comes));
        }
        if let Some(irreversible) = &step.irreversible {
            add(tools_of_steps(&irreversible.already_done.steps, comes));
            add(tools_of_steps(&irreversible.verify.steps, comes));
        }
    }
    found
}

/// Id and reason of each step that cannot be undone.
pub fn irreversible_steps(steps: &[Step]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for step in steps {
        if let Action::Steps(inner) = &step.action {
            found.extend(irreversible_steps(inner));
        }
        if let Some(irreversible) = &step.irreversible {
            found.push((step.id.to_string(), irreversible.why.clone()));
        }
    }
    found
}

/// Every step, those in groups, readings and preparations too.
pub(super) fn each_step<'a>(steps: &'a [Step], visit: &mut dyn FnMut(&'a Step)) {
    for step in steps {
        visit(step);
        match &step.action {
            Action::Steps(inner) => each_step(inner, visit),
            Action::TellApart(tell_apart) => each_step(&tell_apart.answers.steps, visit),
            Action::Run(_)
            | Action::Prompt(_)
            | Action::Wait
            | Action::Check(_)
            | Action::Refuse(_)
            | Action::Write(_) => {}
        }
        if let Some(retry) = &step.retry {
            each_step(&retry.prepare, visit);
        }
        if let Some(irreversible) = &step.irreversible {
            each_step(&irreversible.already_done.steps, visit);
            each_step(&irreversible.verify.steps, visit);
        }
    }
}

/// Every call of these steps, those in groups too.
pub fn runs_of(steps: &[Step]) -> Vec<&Run> {
    let mut runs: Vec<&Run> = Vec::new();
    for step in steps {
        match &step.action {
            Action::Run(run) => runs.push(run),
            Action::Steps(inner) => runs.extend(runs_of(inner)),
            Action::Prompt(_)
            | Action::Wait
            | Action::Write(_)
            | Action::Check(_)
            | Action::Refuse(_)
            | Action::TellApart(_) => {}
        }
    }
    runs
}
