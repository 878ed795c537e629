//! Reads one case: what is run.

use crate::documents::cases::load::file_beside;
use crate::documents::cases::read_expect::read_expect;
use crate::documents::cases::{Case, CaseMishap, Choice, GivenContents, ToolTreatment, Treated};
use crate::documents::playbook::read_input::bytes_of;
use crate::documents::playbook::read_step::read_hands;
use crate::documents::playbook::reader::Reader;
use crate::documents::{Yaml, YamlKind};
use crate::words::{Diagnostic, Id, Located, MADE_BYTES_MAX, ToolVersion, nearest};

pub(super) const CASE_KEYS: &[&str] = &[
    "name",
    "for_each",
    "simulate",
    "mishap",
    "scene",
    "board",
    "files",
    "set",
    "allow",
    "chooses",
    "answers",
    "interactive",
    "port",
    "serial",
    "tools",
    "expect",
    "again",
];

pub(super) fn read_case(reader: &mut Reader, yaml: &Yaml) -> Option<Case> {
    let parts = reader.map(yaml, "a case", CASE_KEYS)?;
    let texts = |reader: &mut Reader, key: &str| -> Vec<Located<String>> {
        let list = parts.get(key).map(|list| reader.one_or_more(list, "names")).unwrap_or_default();
        list.iter().filter_map(|item| reader.text(item)).collect()
    };
    let name = match parts.get("name") {
        Some(name) => reader.text(name),
        None => {
            reader.report(Diagnostic::error(parts.place(), "a case needs the key `name`"));
            None
        }
    };
    let simulate = texts(reader, "simulate");
    let scene = parts.get("scene").and_then(|path| file_beside(reader, path));
    if let (Some(_), Some(first)) = (&scene, simulate.first()) {
        let message = "`simulate` chooses how the virtual board starts, and a scene has none; keep one of the two";
        reader.report(Diagnostic::error(&first.place, message));
    }
    let mishap = parts.get("mishap").and_then(|mishap| read_mishap(reader, mishap));
    if let (Some(_), Some(place)) = (&scene, parts.key_place("mishap")) {
        let message =
            "a mishap happens on a virtual board, and a scene has none; what goes wrong in a scene stands in it";
        reader.report(Diagnostic::error(place, message));
    }
    let board = parts.get("board").and_then(|map| reader.open_map(map, "settings of the virtual board"));
    let board = board.map(|map| map.all().to_vec()).unwrap_or_default();
    let files = parts.get("files").map(|map| reader.named(map, "files")).unwrap_or_default();
    let files = files.into_iter().filter_map(|(id, key, value)| {
        let name = Located { value: id, place: key.place.clone() };
        Some((name, read_contents(reader, value)?))
    });
    let files = files.collect();
    let set = parts.get("set").map(|map| reader.named(map, "variables")).unwrap_or_default();
    let set = set
        .into_iter()
        .filter_map(|(id, key, value)| Some((Located { value: id, place: key.place.clone() }, reader.text(value)?)));
    let set = set.collect();
    let allow = parts.get("allow").map(|list| reader.one_or_more(list, "steps")).unwrap_or_default();
    let allow = allow.iter().filter_map(|step| reader.parsed::<Id>(step)).collect();
    let chooses = parts.get("chooses").map(|map| read_choices(reader, map)).unwrap_or_default();
    let answers = parts.get("answers").and_then(|map| reader.map(map, "`answers`", &[WHICH_BOARD, CONSENT]));
    let agrees = answers.as_ref().and_then(|map| map.get(CONSENT)).map(|list| read_agreed(reader, list));
    let tools = parts.get("tools").and_then(|map| reader.open_map(map, "tools"));
    let tools = tools.map(|map| map.all()).unwrap_or_default().iter().filter_map(|(key, value)| {
        let tool = Located { value: key.text.clone(), place: key.place.clone() };
        Some(Treated { tool, treatment: read_treatment(reader, value)? })
    });
    let tools = tools.collect();
    let expect = match parts.get("expect") {
        Some(expect) => read_expect(reader, expect),
        None => {
            let diagnostic =
                Diagnostic::error(parts.place(), "a case needs the key `expect`: what must come of the run");
            reader.report(diagnostic.hint("the least is `expect: {outcome: recovered}`"));
            None
        }
    };
    Some(Case {
        name: name?,
        simulate,
        mishap,
        scene,
        board,
        files,
        set,
        allow,
        agrees,
        chooses,
        it_is_the_board: answers.as_ref().and_then(|map| map.get(WHICH_BOARD)).and_then(|word| reader.flag(word)),
        interactive: parts.get("interactive").and_then(|flag| reader.flag(flag)).is_none_or(|flag| flag.value),
        port: parts.get("port").and_then(|port| reader.text(port)).map(|port| port.value),
        serial: parts.get("serial").and_then(|serial| reader.text(serial)).map(|serial| serial.value),
        tools,
        expect: expect?,
        again: parts.get("again").and_then(|again| read_expect(reader, again)),
    })
}

/// The question whether what was there before is the board that is meant.
const WHICH_BOARD: &str = "which-board";

/// The question for consent to a step that cannot be undone.
const CONSENT: &str = "consent";

/// What the person of every case answers, if the case does not say it itself: the steps that they agree to.
pub(super) fn read_answers(reader: &mut Reader, yaml: &Yaml) -> Vec<Located<Id>> {
    let answers = reader.map(yaml, "`answers`", &[CONSENT]);
    answers.and_then(|map| Some(read_agreed(reader, map.get(CONSENT)?))).unwrap_or_default()
}

fn read_agreed(reader: &mut Reader, list: &Yaml) -> Vec<Located<Id>> {
    let steps = reader.one_or_more(list, "steps");
    steps.iter().filter_map(|step| reader.parsed::<Id>(step)).collect()
}

/// By step either the word `enter`, or what the hands do.
fn read_choices(reader: &mut Reader, yaml: &Yaml) -> Vec<(Located<Id>, Choice)> {
    let Some(map) = reader.open_map(yaml, "steps and what the person chooses there") else { return Vec::new() };
    let mut choices = Vec::new();
    for (key, value) in map.all() {
        let step = match key.text.parse::<Id>() {
            Ok(step) => Located { value: step, place: key.place.clone() },
            Err(error) => {
                reader.report(Diagnostic::error(&key.place, error.to_string()));
                continue;
            }
        };
        let choice = match &value.kind {
            YamlKind::Scalar { text, .. } if text == "enter" => Choice::Enter,
            _ => Choice::Hands(read_hands(reader, value)),
        };
        choices.push((step, choice));
    }
    choices
}

fn read_mishap(reader: &mut Reader, yaml: &Yaml) -> Option<CaseMishap> {
    let parts = reader.map(yaml, "`mishap`", &["step", "what"])?;
    let (Some(step), Some(what)) = (parts.get("step"), parts.get("what")) else {
        let wrong = Diagnostic::error(parts.place(), "`mishap` needs the keys `step` and `what`");
        reader.report(wrong.hint("such as `mishap: {step: write, what: tool-hangs}`"));
        return None;
    };
    Some(CaseMishap { step: reader.text(step)?, what: reader.text(what)? })
}

const CONTENTS_KEYS: &[&str] = &["size", "text", "hex", "file"];

/// What follows the beginning.
const FILLING: u8 = 0xa5;

/// A word, or a map with exactly one of the keys; `size` may stand beside `text` and `hex`.
fn read_contents(reader: &mut Reader, yaml: &Yaml) -> Option<GivenContents> {
    const WORDS: [&str; 2] = ["missing", "made"];
    if let YamlKind::Scalar { text, .. } = &yaml.kind {
        return match text.as_str() {
            "missing" => Some(GivenContents::Missing),
            "made" => Some(GivenContents::Made),
            other => {
                let diagnostic = Diagnostic::error(&yaml.place, format!("`{other}` says nothing about a file"));
                let near = nearest(other, WORDS);
                reader.report(
                    diagnostic.hint(match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => {
                            "write `missing`, `made`, `{size: 4096}`, `{text: …}`, `{hex: \"d1 00\"}` or `{file: …}`"
                                .to_owned()
                        }
                    }),
                );
                None
            }
        };
    }
    let parts = reader.map(yaml, "a file", CONTENTS_KEYS)?;
    let size = parts.get("size").map(|size| (size, reader.size(size, MADE_BYTES_MAX)));
    let others: Vec<_> = parts.all().iter().filter(|(key, _)| key.text != "size").collect();
    let bytes = match (others.as_slice(), size) {
        ([], Some((_, size))) => return size.map(GivenContents::Size),
        ([(key, value)], None) if key.text == "file" => {
            return file_beside(reader, value).map(|file| GivenContents::File(file.value));
        }
        ([(key, value)], size) if key.text != "file" => {
            let mut bytes = read_bytes(reader, &key.text, value)?;
            if let Some((place, size)) = size {
                let size = size?;
                if size < bytes.len() as u64 {
                    let message = format!("a file that begins so has at least {} bytes", bytes.len());
                    reader.report(Diagnostic::error(&place.place, message));
                    return None;
                }
                bytes.resize(usize::try_from(size).ok()?, FILLING);
            }
            bytes
        }
        _ => {
            let diagnostic =
                Diagnostic::error(parts.place(), "exactly one of `size`, `text`, `hex`, `file` is needed here");
            reader.report(
                diagnostic.hint("only `text` and `hex` may have a `size` beside them: so long is the whole file"),
            );
            return None;
        }
    };
    Some(GivenContents::Bytes(bytes))
}

fn read_bytes(reader: &mut Reader, key: &str, value: &Yaml) -> Option<Vec<u8>> {
    match key {
        "text" => reader.text(value).map(|text| text.value.into_bytes()),
        _ => {
            let text = reader.text(value)?;
            let bytes = bytes_of(&text.value);
            if bytes.is_none() {
                let diagnostic = Diagnostic::error(&text.place, format!("`{}` is not a row of bytes", text.value));
                reader.report(diagnostic.hint("two hexadecimal digits a byte: `\"d1 00 20\"`"));
            }
            bytes
        }
    }
}

fn read_treatment(reader: &mut Reader, yaml: &Yaml) -> Option<ToolTreatment> {
    if let YamlKind::Scalar { text, .. } = &yaml.kind
        && text == "missing"
    {
        return Some(ToolTreatment::Missing);
    }
    let parts = reader.map(yaml, "what is the matter with a tool", &["version"])?;
    let Some(version) = parts.get("version") else {
        reader.report(Diagnostic::error(parts.place(), "write `missing`, or `{version: …}`"));
        return None;
    };
    reader.parsed::<ToolVersion>(version).map(|version| ToolTreatment::Version(version.value))
}
