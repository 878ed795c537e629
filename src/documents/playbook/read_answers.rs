//! Reads what a step answers to a tool that asks.

use crate::documents::Yaml;
use crate::documents::expression::{Part, Template};
use crate::documents::forms::SCALAR;
use crate::documents::keys::{Shape, Way, Ways, keys};
use crate::documents::playbook::Answer;
use crate::documents::playbook::read_step::{HANDS, UntilKeys, read_prompt, read_until};
use crate::documents::reader::Reader;
use crate::words::{Code, Diagnostic};

const TIMES_LIMIT: u32 = 1000;

keys! {
    ANSWER: AnswerKeys = "an answer", ways(Ways::AtLeastOneOf(&[Way::With(&["send"]), Way::With(&["prompt"])]));
    when: Shape::Text, "The pattern of what the tool prints, finished lines and the unfinished last one.", required();
    send: SCALAR, "The line that is sent; $1 to $9 stand for the pattern's groups.";
    prompt: Shape::Text, "What the person is asked to do first.";
    hands: HANDS, "What the virtual person does.", beside(&[&["prompt"]]);
    until: Shape::Map(UntilKeys::kind), "The prompt is over when the devices are so.", beside(&[&["prompt"]]);
    times: Shape::Integer(1, TIMES_LIMIT), "How often in one call; afterwards it fits no more.";
}

pub(super) fn read_answers(reader: &mut Reader, yaml: &Yaml) -> Vec<Answer> {
    let items = reader.list(yaml, "answers");
    items.iter().filter_map(|item| read_answer(reader, item)).collect()
}

fn read_answer(reader: &mut Reader, yaml: &Yaml) -> Option<Answer> {
    let parts = reader.parts(yaml, &ANSWER)?;
    let when = parts.get(ANSWER.when);
    if parts.get(ANSWER.send).is_none() && parts.get(ANSWER.prompt).is_none() {
        reader.report(
            Diagnostic::error(Code::MissingKey, parts.place(), "an answer needs `send`, `prompt` or both")
                .hint("`send: ''` presses ENTER and nothing else"),
        );
    }
    reader.companions(&parts, |key, owner| format!("`{key}` belongs to an answer with {owner}"));
    let send = parts.get(ANSWER.send).and_then(|send| reader.template(send));
    let prompt = parts.get(ANSWER.prompt).and_then(|prompt| read_prompt(reader, prompt, parts.get(ANSWER.hands)));
    let until = parts.get(ANSWER.until).and_then(|until| read_until(reader, until));
    let times = parts.get(ANSWER.times).and_then(|times| reader.count(times, 1..=TIMES_LIMIT));
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
            reader.report(Diagnostic::error(
                Code::Malformed,
                &send.place,
                "an answer is one line, without control characters",
            ));
        }
        if let Some(group) = group_references(text).find(|group| *group >= groups) {
            let message = format!("`${group}` refers to a group that the pattern does not have");
            reader.report(
                Diagnostic::error(Code::BadPattern, &send.place, message)
                    .hint("put round brackets around the wanted part"),
            );
        }
    }
}

fn group_references(text: &str) -> impl Iterator<Item = usize> {
    let digits = text.match_indices('$').filter_map(|(at, _)| text[at + 1..].chars().next()?.to_digit(10));
    digits.filter(|digit| *digit > 0).filter_map(|digit| usize::try_from(digit).ok())
}
