//! What an interruption leaves of the board, told for the whole procedure: neighbours that leave it alike in one line, and
//! the points of no return.

use crate::documents::playbook::{Interruption, Leaves, MayBeCut, Playbook};

pub(super) const HEADING: &str = "If it is interrupted";

/// What is told, without a form yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Item(String),
    /// What must not be missed.
    Attention(String),
}

/// Nothing where no step changes the board.
pub(super) fn told(interruptions: &[Interruption], playbook: &Playbook) -> Vec<Told> {
    let Some(first) = interruptions.iter().find(|one| one.changes) else { return Vec::new() };
    let mut lines: Vec<Told> = stretches(interruptions)
        .into_iter()
        .map(|steps| Told::Item(format!("{}: {}.", steps_of(steps), steps[0].during.in_words(playbook))))
        .collect();
    lines.push(Told::Item(
        "Ctrl-C ends a step that changes nothing at once, and one that changes the board when it is finished.".to_owned(),
    ));
    let never = interruptions.iter().filter(|one| one.may_be_cut == MayBeCut::Never);
    lines.extend(never.filter_map(|one| {
        Some(Told::Item(format!("{} must not be cut short: {}.", step_of(one), one.breaks.as_ref()?)))
    }));
    lines.push(Told::Attention(format!("Points of no return: {}", points(interruptions, first))));
    lines
}

fn points(interruptions: &[Interruption], first: &Interruption) -> String {
    let mut sentences = vec![format!(
        "with step {} ({}) the board begins to be changed, and what was there before does not come back.",
        first.number, first.step
    )];
    let comes_back = |one: &&Interruption| one.number >= first.number && one.after == Leaves::Starts;
    match interruptions.iter().find(comes_back) {
        Some(one) => sentences.push(format!("It should start again after step {} ({}).", one.number, one.step)),
        None => sentences.push("That it starts again shows only in the end.".to_owned()),
    }
    let lost = interruptions.iter().find(|one| one.during == Leaves::Lost || one.after == Leaves::Lost);
    sentences.extend(lost.map(|one| {
        format!("Cut short in step {} ({}), nothing is known that brings the board back.", one.number, one.step)
    }));
    for one in interruptions.iter().filter(|one| one.irreversible.is_some()) {
        sentences.push(format!("What step {} ({}) does can never be undone.", one.number, one.step));
    }
    sentences.join(" ")
}

/// Neighbours that leave the board alike.
fn stretches(interruptions: &[Interruption]) -> Vec<&[Interruption]> {
    interruptions.chunk_by(|one, next| one.during == next.during).collect()
}

fn steps_of(steps: &[Interruption]) -> String {
    match steps {
        [one] => step_of(one),
        [first, .., last] => {
            format!("Steps {} to {} ({} to {})", first.number, last.number, first.step, last.step)
        }
        [] => String::new(),
    }
}

fn step_of(one: &Interruption) -> String {
    format!("Step {} ({})", one.number, one.step)
}
