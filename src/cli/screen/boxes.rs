//! The two things that must not be overlooked: what the person is to do, and what cannot be undone.

use crate::cli::drawing::drawing;
use crate::cli::style::{Look, Role, Sign, Signs};
use crate::cli::wording::{milliseconds, wrap, wrap_command};
use crate::documents::playbook::{Drawing, HandMove};
use crate::engine::{FuseChange, GoesOn};

pub(super) struct Consent<'a> {
    pub(super) why: &'a str,
    pub(super) command: &'a [String],
    pub(super) fuse: Option<FuseChange>,
    pub(super) phrase: &'a str,
    pub(super) limit_ms: u64,
    /// The board is a virtual one.
    pub(super) rehearses: bool,
}

/// What ends a prompt, as the person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    ByItself,
    WithEnter,
    Either,
    /// In a rehearsal ENTER stands for the hands.
    EnterForHands,
    /// In a rehearsal there is only one of the two ways.
    OnlyEnter,
}

impl Ends {
    pub(super) fn of(goes_on: GoesOn, hands: &[HandMove], rehearses: bool) -> Ends {
        match goes_on {
            GoesOn::ByItself if rehearses && !hands.is_empty() => Ends::EnterForHands,
            GoesOn::ByItself => Ends::ByItself,
            GoesOn::WithEnter => Ends::WithEnter,
            GoesOn::Either if rehearses => Ends::OnlyEnter,
            GoesOn::Either => Ends::Either,
        }
    }
}

pub(super) struct Prompt<'a> {
    pub(super) text: &'a str,
    pub(super) ends: Ends,
    /// It is told to a person who only looks on.
    pub(super) without_person: bool,
    pub(super) drawing: Option<&'a Drawing>,
    pub(super) limit_ms: u64,
}

pub(super) fn prompt(look: &Look, width: usize, prompt: &Prompt<'_>) -> Vec<String> {
    let limit = milliseconds(prompt.limit_ms);
    let end = match prompt.ends {
        Ends::EnterForHands => format!("REHEARSAL: press ENTER in place of doing it ({limit} at most)."),
        Ends::ByItself if prompt.without_person => {
            format!("Leave it to what moves in place of your hands ({limit} at most).")
        }
        Ends::OnlyEnter => format!("REHEARSAL: press ENTER; the other way is for a real board ({limit} at most)."),
        Ends::ByItself => format!("Goes on by itself; no key is needed ({limit} at most)."),
        Ends::WithEnter => format!("Press ENTER when done ({limit} at most)."),
        Ends::Either => format!("Press ENTER, or do the other thing: that needs no key ({limit} at most)."),
    };
    let inner = width.saturating_sub(2);
    let mut body: Vec<String> = wrap(prompt.text, inner).iter().map(|line| look.paint(Role::Title, line)).collect();
    if let Some(of) = prompt.drawing {
        body.push(String::new());
        body.extend(drawing(of, look, inner));
        body.push(String::new());
    }
    let whose = if prompt.without_person { "NOT YOU" } else { "YOU" };
    framed(look, Role::Person, whose, &body, &wrap(&end, inner))
}

/// A question about a device that is there, which is answered by disconnecting it as well.
pub(super) fn about_device(look: &Look, width: usize, title: &str, text: &str, limit_ms: u64) -> Vec<String> {
    let inner = width.saturating_sub(2);
    let body: Vec<String> = wrap(text, inner).iter().map(|line| look.paint(Role::Title, line)).collect();
    let end = format!("Type the answer and press ENTER, or disconnect it ({} at most).", milliseconds(limit_ms));
    framed(look, Role::Person, title, &body, &wrap(&end, inner))
}

pub(super) fn question(look: &Look, width: usize, text: &str, limit_ms: u64) -> Vec<String> {
    let inner = width.saturating_sub(2);
    let mut body = wrap("The tool asks, and the playbook has no answer:", inner);
    body.extend(text.lines().flat_map(|line| wrap(line, inner)).map(|line| look.paint(Role::Title, &line)));
    let end = format!("Type the answer and press ENTER ({} at most).", milliseconds(limit_ms));
    framed(look, Role::Person, "YOU", &body, &wrap(&end, inner))
}

pub(super) fn consent(look: &Look, width: usize, ask: &Consent<'_>) -> Vec<String> {
    let inner = width.saturating_sub(2);
    let mut body: Vec<String> = wrap(ask.why, inner).iter().map(|line| look.paint(Role::Title, line)).collect();
    for (index, line) in wrap_command(ask.command, inner.saturating_sub(2)).iter().enumerate() {
        let lead = if index == 0 { "$ " } else { "  " };
        body.push(look.paint(Role::Command, &format!("{lead}{line}")));
    }
    if let Some(fuse) = ask.fuse {
        let arrow = if look.signs == Signs::Ascii { "->" } else { "→" };
        let FuseChange { word, before, after } = fuse;
        body.extend(wrap(&format!("The chip's fuses, word {word}: {before:#010x} {arrow} {after:#010x}"), inner));
    }
    if ask.rehearses {
        body.extend(wrap("REHEARSAL: nothing real is changed, whatever you answer.", inner));
    }
    let mut end = wrap(&format!("To do it, type this and press ENTER: {}", ask.phrase), inner);
    let limit = milliseconds(ask.limit_ms);
    end.extend(wrap(
        &format!("ENTER alone ends the run here without doing it; other words are asked again ({limit} at most)."),
        inner,
    ));
    framed(look, Role::Irreversible, "THIS CANNOT BE UNDONE", &body, &end)
}

fn framed(look: &Look, role: Role, title: &str, body: &[String], end: &[String]) -> Vec<String> {
    let piece = |sign| look.paint(role, look.sign(sign));
    let mut lines = vec![format!("{} {}", piece(Sign::BoxTop), look.paint(role, title))];
    lines.extend(body.iter().map(|line| format!("{} {line}", piece(Sign::BoxSide))));
    let last = end.len().saturating_sub(1);
    for (index, line) in end.iter().enumerate() {
        let side = if index == last { Sign::BoxBottom } else { Sign::BoxSide };
        lines.push(format!("{} {}", piece(side), look.paint(role_of_end(role), line)));
    }
    lines
}

/// Only the title shouts; what to do stays easy to read.
fn role_of_end(role: Role) -> Role {
    match role {
        Role::Irreversible => Role::Failure,
        other => other,
    }
}
