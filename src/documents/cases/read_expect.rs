//! Reads what must come of a run.

use crate::documents::Yaml;
use crate::documents::cases::{CallPattern, Expect};
use crate::documents::playbook::reader::{Entries, Reader};
use crate::words::{Diagnostic, FaultClass, Id, Located, Outcome, nearest, parse_integer};

pub(super) const EXPECT_KEYS: &[&str] = &[
    "outcome",
    "exit_code",
    "class",
    "step",
    "holds",
    "fuses",
    "untouched",
    "done",
    "skipped",
    "retried",
    "restarted_at",
    "not_reached",
    "prompts",
    "calls",
    "called",
    "never_called",
    "times_called",
    "says",
    "never_says",
];

pub(super) fn read_expect(reader: &mut Reader, yaml: &Yaml) -> Option<Expect> {
    let parts = reader.map(yaml, "what is expected", EXPECT_KEYS)?;
    let outcome = match parts.get("outcome") {
        Some(outcome) => read_outcome(reader, outcome),
        None => {
            let diagnostic = Diagnostic::error(parts.place(), "what is expected needs the key `outcome`");
            reader.report(diagnostic.hint(format!("one of {}", words_of_outcomes().join(", "))));
            None
        }
    };
    let holds = parts.get("holds").map(|map| reader.named(map, "inputs and addresses")).unwrap_or_default();
    let holds = holds.into_iter().filter_map(|(id, key, value)| {
        let address = reader.unsigned(value)?;
        let address = Located { value: address, place: value.place.clone() };
        Some((Located { value: id, place: key.place.clone() }, address))
    });
    let holds = holds.collect();
    let prompts =
        parts.get("prompts").map(|list| Located { value: ids(reader, &parts, "prompts"), place: list.place.clone() });
    Some(Expect {
        exit_code: parts.get("exit_code").and_then(|code| {
            let value = reader.count(code, 0..=255)?;
            Some(Located { value: u8::try_from(value).ok()?, place: code.place.clone() })
        }),
        class: parts.get("class").and_then(|class| read_class(reader, class)),
        step: parts.get("step").and_then(|step| reader.parsed(step)),
        holds,
        fuses: fuse_words(reader, &parts),
        untouched: parts.get("untouched").and_then(|flag| reader.flag(flag)),
        done: ids(reader, &parts, "done"),
        skipped: ids(reader, &parts, "skipped"),
        retried: ids(reader, &parts, "retried"),
        restarted_at: ids(reader, &parts, "restarted_at"),
        not_reached: ids(reader, &parts, "not_reached"),
        prompts,
        calls: parts
            .get("calls")
            .map(|list| Located { value: calls(reader, &parts, "calls"), place: list.place.clone() }),
        called: calls(reader, &parts, "called"),
        never_called: calls(reader, &parts, "never_called"),
        times_called: read_times(reader, &parts),
        says: texts(reader, &parts, "says"),
        never_says: texts(reader, &parts, "never_says"),
        outcome: outcome?,
    })
}

fn words_of_outcomes() -> Vec<&'static str> {
    // A run on the bench is never a dry one, and its documents are read before.
    let of_runs = |outcome: &Outcome| !matches!(outcome, Outcome::Planned | Outcome::PlaybookInvalid);
    Outcome::ALL.into_iter().filter(of_runs).map(Outcome::word).collect()
}

fn read_outcome(reader: &mut Reader, yaml: &Yaml) -> Option<Located<Outcome>> {
    let text = reader.text(yaml)?;
    let known = words_of_outcomes();
    let found =
        Outcome::ALL.into_iter().find(|outcome| outcome.word() == text.value && known.contains(&outcome.word()));
    if found.is_none() {
        let diagnostic = Diagnostic::error(&text.place, format!("`{}` is not how a run ends", text.value));
        reader.report(diagnostic.hint(match nearest(&text.value, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", known.join(", ")),
        }));
    }
    Some(Located { value: found?, place: text.place })
}

fn read_class(reader: &mut Reader, yaml: &Yaml) -> Option<Located<FaultClass>> {
    let text = reader.text(yaml)?;
    let found = text.value.parse::<FaultClass>();
    if found.is_err() {
        let known = FaultClass::ALL.map(FaultClass::word);
        let diagnostic = Diagnostic::error(&text.place, format!("`{}` is not a class of fault", text.value));
        reader.report(diagnostic.hint(match nearest(&text.value, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", known.join(", ")),
        }));
    }
    Some(Located { value: found.ok()?, place: text.place })
}

fn ids(reader: &mut Reader, parts: &Entries<'_>, key: &str) -> Vec<Located<Id>> {
    let list = parts.get(key).map(|list| reader.one_or_more(list, "steps")).unwrap_or_default();
    list.iter().filter_map(|step| reader.parsed(step)).collect()
}

fn texts(reader: &mut Reader, parts: &Entries<'_>, key: &str) -> Vec<Located<String>> {
    let list = parts.get(key).map(|list| reader.one_or_more(list, "texts")).unwrap_or_default();
    list.iter().filter_map(|text| reader.text(text)).collect()
}

fn calls(reader: &mut Reader, parts: &Entries<'_>, key: &str) -> Vec<CallPattern> {
    texts(reader, parts, key).into_iter().map(|text| CallPattern { text: text.value, place: text.place }).collect()
}

fn read_times(reader: &mut Reader, parts: &Entries<'_>) -> Vec<(CallPattern, Located<u64>)> {
    let map = parts.get("times_called").and_then(|map| reader.open_map(map, "calls and how often"));
    let entries = map.map(|map| map.all()).unwrap_or_default().iter().filter_map(|(key, value)| {
        let times = Located { value: reader.unsigned(value)?, place: value.place.clone() };
        Some((CallPattern { text: key.text.clone(), place: key.place.clone() }, times))
    });
    entries.collect()
}

fn fuse_words(reader: &mut Reader, parts: &Entries<'_>) -> Vec<(Located<u32>, Located<u32>)> {
    let map = parts.get("fuses").and_then(|map| reader.open_map(map, "fuse words and values"));
    let mut fuses = Vec::new();
    for (key, value) in map.map(|map| map.all()).unwrap_or_default() {
        let index = parse_integer(&key.text).ok().and_then(|index| u32::try_from(index).ok());
        let Some(index) = index else {
            reader.report(Diagnostic::error(&key.place, "the index of a fuse word is needed here, such as `0x06`"));
            continue;
        };
        let Some(word) = reader.unsigned(value) else { continue };
        match u32::try_from(word) {
            Ok(word) => fuses.push((
                Located { value: index, place: key.place.clone() },
                Located { value: word, place: value.place.clone() },
            )),
            Err(_) => reader.report(Diagnostic::error(&value.place, "a fuse word has 32 bits")),
        }
    }
    fuses
}
