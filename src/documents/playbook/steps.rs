//! What can be told of a list of steps as a whole.

use crate::documents::playbook::{Action, Step};

/// The tools that those of the steps run that may come, readings and preparations included, in order of first use.
pub fn tools_of(steps: &[Step], comes: &dyn Fn(&Step) -> bool) -> Vec<String> {
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
            Action::Steps(inner) => add(tools_of(inner, comes)),
            Action::TellApart(tell_apart) => add(tools_of(&tell_apart.answers.steps, comes)),
            _ => {}
        }
        if let Some(retry) = &step.retry {
            add(tools_of(&retry.prepare, comes));
        }
        if let Some(irreversible) = &step.irreversible {
            add(tools_of(&irreversible.already_done.steps, comes));
            add(tools_of(&irreversible.verify.steps, comes));
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
