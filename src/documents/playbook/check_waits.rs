//! Waits that are over before what they wait for has happened.

use crate::documents::playbook::read_step::STEP;
use crate::documents::playbook::{Action, HandMove, Hint, Step, Until};
use crate::words::{Code, Diagnostic, describe_time};

/// `next` is the step after it.
pub(super) fn check_waits(step: &Step, next: Option<&Step>) -> Vec<Diagnostic> {
    let mut diagnostics = check_hints(step);
    if !step.until.as_ref().is_some_and(ends_with_the_cable) {
        return diagnostics;
    }
    let hands = match &step.action {
        Action::Prompt(prompt) => prompt.hands.as_slice(),
        _ => &[],
    };
    let freed = hands.iter().position(|hand| matches!(hand, HandMove::RemoveJumper | HandMove::SwitchOff));
    let plugged = hands.iter().rposition(|hand| *hand == HandMove::PlugIn);
    if freed.is_some() && plugged > freed && !next.is_some_and(|next| watches_on(step, next)) {
        let message = "this goes on as soon as the board is unplugged, with the jumper or switch still as it was";
        let diagnostic = Diagnostic::warning(
            Code::OverTooSoon,
            step.place_of(if matches!(step.action, Action::Wait) { STEP.wait } else { STEP.until }),
            message,
        );
        diagnostics.push(
            diagnostic.hint(
                "wait for what shows only afterwards, with `present:`; where nothing does, let it last (`for: 10s`), or watch in \
             a step of its own that the device does not come back",
            ),
        );
    }
    if !step.instead.is_empty() && !matches!(step.action, Action::Run(_)) {
        let message = "`instead` can hardly act here: the wait is over as soon as the devices are gone";
        let diagnostic = Diagnostic::warning(Code::OverTooSoon, step.place_of(STEP.instead), message);
        diagnostics.push(diagnostic.hint("add `present:` with the wanted device, or let it last: `for: 10s`"));
    }
    diagnostics
}

fn check_hints(step: &Step) -> Vec<Diagnostic> {
    if !step.hints.is_empty() && step.until.is_none() && step.call().is_none_or(|run| run.prompt.is_none()) {
        let diagnostic =
            Diagnostic::error(Code::KeyOutOfPlace, step.place_of(STEP.hints), "`hints` belongs to a wait for devices");
        return vec![diagnostic.hint("a prompt waits for devices with `until`, and a tool beside a `prompt`")];
    }
    let limit = step.wait_limit();
    let too_late = step.hints.iter().filter(|hint| hint.after.value >= limit);
    let told = |hint: &Hint| {
        let message = format!("this is never told: the wait ends after {}", describe_time(limit));
        Diagnostic::warning(Code::LimitTooShort, &hint.after.place, message)
            .hint("give the step a longer `timeout`, or tell it sooner")
    };
    too_late.map(told).collect()
}

/// Does the next step look whether one of the devices comes back?
fn watches_on(step: &Step, next: &Step) -> bool {
    let gone = step.until.iter().flat_map(|until| &until.gone);
    let awaited = next.until.iter().flat_map(|until| until.present.iter().chain(&until.gone));
    matches!(next.action, Action::Wait)
        && gone.into_iter().any(|id| awaited.clone().any(|other| other.value == id.value))
}

/// Is it enough that devices are gone for a moment?
fn ends_with_the_cable(until: &Until) -> bool {
    until.present.is_empty() && !until.gone.is_empty() && until.lasting.is_zero()
}
