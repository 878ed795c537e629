//! Reads what a step answers to a tool that asks.

use crate::documents::Yaml;
use crate::documents::expression::{Part, Template};
use crate::documents::playbook::Answer;
use crate::documents::playbook::read_step::{read_prompt, read_until, required};
use crate::documents::reader::Reader;
use crate::words::Diagnostic;

const KEYS: [&str; 6] = ["when", "send", "prompt", "hands", "until", "times"];
const TIMES_LIMIT: u32 = 1000;

pub(super) fn read_answers(reader: &mut Reader, yaml: &Yaml) -> Vec<Answer> {
    let items = reader.list(yaml, "answers");
    items.iter().filter_map(|item| read_answer(reader, item)).collect()
}

fn read_answer(reader: &mut Reader, yaml: &Yaml) -> Option<Answer> {
    let parts = reader.map(yaml, "an answer", &KEYS)?;
    let when = required(reader, &parts, "when", "answer");
    if parts.get("send").is_none() && parts.get("prompt").is_none() {
        reader.report(
            Diagnostic::error(parts.place(), "an answer needs `send`, `prompt` or both")
                .hint("`send: ''` presses ENTER and nothing else"),
        );
    }
    for companion in ["hands", "until"] {
        if let (Some(place), None) = (parts.key_place(companion), parts.get("prompt")) {
            reader.report(Diagnostic::error(place, format!("`{companion}` belongs to an answer with `prompt`")));
        }
    }
    let send = parts.get("send").and_then(|send| reader.template(send));
    let prompt = parts.get("prompt").and_then(|prompt| read_prompt(reader, &parts, prompt));
    let until = parts.get("until").and_then(|until| read_until(reader, until));
    let times = parts.get("times").and_then(|times| reader.count(times, 1..=TIMES_LIMIT));
    let when = reader.pattern(when?)?;
    if let Some(send) = &send {
        check_line(reader, send, when.captures_len());
    }
    // A prompt is shown once, however often the tool repeats itself.
    let times = times.or(send.is_none().then_some(1));
    Some(Answer { when, send, prompt, until, times })
}

/// One line, which refers to groups that there are. `groups` counts the whole match too.
fn check_line(reader: &mut Reader, send: &Template, groups: usize) {
    let literals = send.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Expression(_) => None,
    });
    for text in literals {
        if text.contains(char::is_control) {
            reader.report(Diagnostic::error(&send.place, "an answer is one line, without control characters"));
        }
        if let Some(group) = group_references(text).find(|group| *group >= groups) {
            let message = format!("`${group}` refers to a group that the pattern does not have");
            reader.report(Diagnostic::error(&send.place, message).hint("put round brackets around the wanted part"));
        }
    }
}

fn group_references(text: &str) -> impl Iterator<Item = usize> {
    let digits = text.match_indices('$').filter_map(|(at, _)| text[at + 1..].chars().next()?.to_digit(10));
    digits.filter(|digit| *digit > 0).filter_map(|digit| usize::try_from(digit).ok())
}
