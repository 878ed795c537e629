//! What an interruption leaves of the board, told for the whole procedure: neighbours that leave it alike in one line, and
//! the points of no return.

use crate::documents::playbook::{Interruption, Leaves, MayBeCut, Playbook};

pub(super) const HEADING: &str = "If it is interrupted";

/// What is told, without a form yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Item(String),
    /// What must not be missed.
    Attention(String),
}

/// Nothing where no step changes the board. Steps to which only failures lead are left out.
pub(super) fn told(interruptions: &[Interruption], playbook: &Playbook) -> Vec<Said> {
    let usual: Vec<&Interruption> = interruptions.iter().filter(|one| !one.only_after_failure).collect();
    let Some(first) = usual.iter().find(|one| one.changes) else { return Vec::new() };
    let stretches = usual.chunk_by(|one, next| one.during == next.during);
    let mut lines: Vec<Said> = stretches
        .map(|steps| Said::Item(format!("{}: {}.", steps_of(steps), steps[0].during.in_words(playbook))))
        .collect();
    lines.push(Said::Item(
        "Ctrl-C ends a step that changes nothing at once, and one that changes the board when it is finished."
            .to_owned(),
    ));
    let never: Vec<&Interruption> = interruptions.iter().filter(|one| one.may_be_cut == MayBeCut::Never).collect();
    for alike in never.chunk_by(|one, next| one.breaks == next.breaks) {
        let steps: Vec<String> = alike.iter().map(|one| numbered(one)).collect();
        let reason = alike[0].breaks.as_ref().map(|breaks| format!(": {breaks}")).unwrap_or_default();
        let word = if steps.len() == 1 { "Step" } else { "Steps" };
        lines.push(Said::Item(format!("{word} {} must not be cut short{reason}.", steps.join(" and "))));
    }
    lines.push(Said::Attention(format!("Points of no return: {}", points(&usual, first, playbook))));
    lines
}

fn points(usual: &[&Interruption], first: &Interruption, playbook: &Playbook) -> String {
    let mut sentences = vec![format!(
        "with step {} the board begins to be changed, and what was there before does not come back.",
        numbered(first)
    )];
    // After the last step that leaves less.
    let last = |is_less: &dyn Fn(&Leaves) -> bool| {
        let last = usual.iter().rfind(|one| is_less(&one.during))?;
        (!is_less(&last.after)).then_some(*last)
    };
    match last(&|leaves| !leaves.comes_by_itself()).map(|one| (one, &one.after)) {
        Some((one, Leaves::ComesBack { device })) => {
            let label = playbook.device(device).map_or_else(|| device.to_string(), |device| device.label.clone());
            let step = numbered(one);
            sentences
                .push(format!("After step {step}, once it is connected as for use, it shows up by itself as {label}."));
        }
        Some((one, _)) => sentences.push(format!("After step {} it should start again.", numbered(one))),
        None => {}
    }
    for one in usual.iter().filter(|one| one.during == Leaves::Lost || one.after == Leaves::Lost) {
        sentences.push(format!("Cut short in step {}, nothing is known that brings it back.", numbered(one)));
    }
    for one in usual.iter().filter(|one| one.irreversible.is_some()) {
        sentences.push(format!("What step {} does can never be undone.", numbered(one)));
    }
    sentences.join(" ")
}

fn steps_of(steps: &[&Interruption]) -> String {
    match steps {
        [one] => format!("Step {}", numbered(one)),
        [first, .., last] => format!("Steps {} to {} ({} to {})", first.number, last.number, first.step, last.step),
        [] => String::new(),
    }
}

fn numbered(one: &Interruption) -> String {
    format!("{} ({})", one.number, one.step)
}
