//! Reads what must come of a run.

use crate::documents::Yaml;
use crate::documents::cases::read_case::NUMBER;
use crate::documents::cases::{CallPattern, Expect};
use crate::documents::forms::{CLASS, FLAG, TEXTS, words};
use crate::documents::keys::{Shape, keys};
use crate::documents::reader::Reader;
use crate::words::{Code, Diagnostic, FaultClass, Id, Located, Outcome, parse_integer};

keys! {
    EXPECT: ExpectKeys = "what is expected", part("expect"),
        about("What must hold at the end. Only what is written here is compared.");
    outcome: Shape::Words(|| words(&outcomes())), "How the run ends.", required();
    exit_code: Shape::Numbers(exit_codes), "The exit code of such a run.";
    class: CLASS, "The class of the fault that the run ended with.";
    step: Shape::Text, "The step that the run ended at.";
    holds: Shape::Named(&NUMBER), "Inputs, and the address at which the board holds each, whole.";
    fuses: Shape::Named(&NUMBER), "Fuse words by index.";
    untouched: FLAG, "yes: no memory of the board was written, and no fuse.";
    done: TEXTS, "Steps, or groups of them, that were done.";
    skipped: TEXTS, "Steps that were skipped.";
    retried: TEXTS, "Steps that were tried again.";
    restarted_at: TEXTS, "Steps that the run went back to.";
    not_reached: TEXTS, "Steps that the run never came to.";
    prompts: TEXTS, "Exactly the steps that asked the person something, in this order.";
    calls: TEXTS, "Exactly the calls of tools that were made, in this order.";
    called: TEXTS,
        "Calls of tools in this order, as they would be typed; others may lie between. * stands for any text.";
    never_called: TEXTS, "Calls of which none was made.";
    times_called: Shape::Named(&Shape::From(0)), "Calls, and how often each was made.";
    says: TEXTS, "Texts that the person can read.";
    never_says: TEXTS, "Texts that must not come.";
}

pub(super) fn read_expect(reader: &mut Reader, yaml: &Yaml) -> Option<Expect> {
    let parts = reader.parts(yaml, &EXPECT)?;
    let outcome = parts.get(EXPECT.outcome).and_then(|outcome| read_outcome(reader, outcome));
    let holds = parts.get(EXPECT.holds).map(|map| reader.named(map, "inputs and addresses")).unwrap_or_default();
    let holds = holds.into_iter().filter_map(|(id, key, value)| {
        let address = reader.unsigned(value)?;
        let address = Located { value: address, place: value.place.clone() };
        Some((Located { value: id, place: key.place.clone() }, address))
    });
    let holds = holds.collect();
    let prompts = parts
        .get(EXPECT.prompts)
        .map(|list| Located { value: ids(reader, parts.get(EXPECT.prompts)), place: list.place.clone() });
    Some(Expect {
        exit_code: parts.get(EXPECT.exit_code).and_then(|code| {
            let value = reader.count(code, 0..=255)?;
            Some(Located { value: u8::try_from(value).ok()?, place: code.place.clone() })
        }),
        class: parts.get(EXPECT.class).and_then(|class| read_class(reader, class)),
        step: parts.get(EXPECT.step).and_then(|step| reader.parsed(step)),
        holds,
        fuses: fuse_words(reader, parts.get(EXPECT.fuses)),
        untouched: parts.get(EXPECT.untouched).and_then(|flag| reader.flag(flag)),
        done: ids(reader, parts.get(EXPECT.done)),
        skipped: ids(reader, parts.get(EXPECT.skipped)),
        retried: ids(reader, parts.get(EXPECT.retried)),
        restarted_at: ids(reader, parts.get(EXPECT.restarted_at)),
        not_reached: ids(reader, parts.get(EXPECT.not_reached)),
        prompts,
        calls: parts
            .get(EXPECT.calls)
            .map(|list| Located { value: calls(reader, parts.get(EXPECT.calls)), place: list.place.clone() }),
        called: calls(reader, parts.get(EXPECT.called)),
        never_called: calls(reader, parts.get(EXPECT.never_called)),
        times_called: read_times(reader, parts.get(EXPECT.times_called)),
        says: texts(reader, parts.get(EXPECT.says)),
        never_says: texts(reader, parts.get(EXPECT.never_says)),
        outcome: outcome?,
    })
}

/// A run on the bench is never a dry one, and its documents are read before.
fn outcomes() -> Vec<(&'static str, Outcome)> {
    let of_runs = |outcome: &Outcome| !matches!(outcome, Outcome::Planned | Outcome::PlaybookInvalid);
    Outcome::ALL.into_iter().filter(of_runs).map(|outcome| (outcome.word(), outcome)).collect()
}

/// The exit codes of such runs, each once.
fn exit_codes() -> Vec<u8> {
    let codes: std::collections::BTreeSet<u8> =
        outcomes().into_iter().map(|(_, outcome)| outcome.exit_code()).collect();
    codes.into_iter().collect()
}

fn read_outcome(reader: &mut Reader, yaml: &Yaml) -> Option<Located<Outcome>> {
    reader.one_of(yaml, &outcomes(), |word| format!("`{word}` is not how a run ends"))
}

fn read_class(reader: &mut Reader, yaml: &Yaml) -> Option<Located<FaultClass>> {
    let classes = FaultClass::ALL.map(|class| (class.word(), class));
    reader.one_of(yaml, &classes, |word| format!("`{word}` is not a class of fault"))
}

fn ids(reader: &mut Reader, tree: Option<&Yaml>) -> Vec<Located<Id>> {
    let list = tree.map(|list| reader.one_or_more(list, "steps")).unwrap_or_default();
    list.iter().filter_map(|step| reader.parsed(step)).collect()
}

fn texts(reader: &mut Reader, tree: Option<&Yaml>) -> Vec<Located<String>> {
    let list = tree.map(|list| reader.one_or_more(list, "texts")).unwrap_or_default();
    let texts: Vec<Located<String>> = list.iter().filter_map(|text| reader.text(text)).collect();
    for text in texts.iter().filter(|text| text.value.trim().is_empty()) {
        let message = "an empty text shows nothing";
        reader.report(Diagnostic::error(Code::KeyOutOfPlace, &text.place, message));
    }
    texts
}

fn calls(reader: &mut Reader, tree: Option<&Yaml>) -> Vec<CallPattern> {
    texts(reader, tree).into_iter().map(|text| CallPattern { text: text.value, place: text.place }).collect()
}

fn read_times(reader: &mut Reader, tree: Option<&Yaml>) -> Vec<(CallPattern, Located<u64>)> {
    let map = tree.and_then(|map| reader.open_map(map, "calls and how often"));
    let entries = map.map(|map| map.all()).unwrap_or_default().iter().filter_map(|(key, value)| {
        let times = Located { value: reader.unsigned(value)?, place: value.place.clone() };
        Some((CallPattern { text: key.text.clone(), place: key.place.clone() }, times))
    });
    entries.collect()
}

fn fuse_words(reader: &mut Reader, tree: Option<&Yaml>) -> Vec<(Located<u32>, Located<u32>)> {
    let map = tree.and_then(|map| reader.open_map(map, "fuse words and values"));
    let mut fuses = Vec::new();
    for (key, value) in map.map(|map| map.all()).unwrap_or_default() {
        let index = parse_integer(&key.text).ok().and_then(|index| u32::try_from(index).ok());
        let Some(index) = index else {
            reader.report(Diagnostic::error(
                Code::BadNumber,
                &key.place,
                "the index of a fuse word is needed here, such as `0x06`",
            ));
            continue;
        };
        let Some(word) = reader.unsigned(value) else { continue };
        match u32::try_from(word) {
            Ok(word) => fuses.push((
                Located { value: index, place: key.place.clone() },
                Located { value: word, place: value.place.clone() },
            )),
            Err(_) => reader.report(Diagnostic::error(Code::BadNumber, &value.place, "a fuse word has 32 bits")),
        }
    }
    fuses
}
