//! Reads what a tool does during a call.

use crate::documents::playbook::read_input::{bytes_of, leaves_its_folder};
use crate::documents::playbook::reader::{Entries, Reader};
use crate::documents::scene::{Act, ArgumentPattern, BusChange, Content, Deed, FileName, Printed, Scene};
use crate::documents::{Yaml, YamlKind};
use crate::words::{Diagnostic, FILE_BYTES_MAX, Located, Stream, nearest};

const ACT_KEYS: &[&str] = &[
    "after", "out", "err", "out_hex", "err_hex", "reads", "again", "appears", "vanishes", "writes", "text", "hex",
    "size", "fill", "copy_of", "from", "length", "pad_to",
];
/// The keys of which an act has one at most.
const DEEDS: [&str; 8] = ["out", "err", "out_hex", "err_hex", "reads", "appears", "vanishes", "writes"];
/// Keys that belong to another one.
const COMPANIONS: [(&str, &str); 8] = [
    ("again", "reads"),
    ("text", "writes"),
    ("hex", "writes"),
    ("size", "writes"),
    ("copy_of", "writes"),
    ("from", "copy_of"),
    ("length", "copy_of"),
    ("pad_to", "copy_of"),
];

/// The whole output of a call, when it needs no more than that.
pub(super) fn read_output(reader: &mut Reader, call: &Entries<'_>) -> Vec<Act> {
    let mut acts = Vec::new();
    for (key, stream) in [("out", Stream::Stdout), ("err", Stream::Stderr)] {
        if let Some(text) = call.get(key).and_then(|text| reader.text(text)) {
            acts.push(Act { after_ms: 0, deed: Deed::Print(stream, Printed::Text(text.value)) });
        }
    }
    acts
}

pub(super) fn read_acts(reader: &mut Reader, list: Option<&Yaml>, scene: &Scene, args: &[ArgumentPattern]) -> Vec<Act> {
    let list = list.map(|list| reader.list(list, "what the tool does")).unwrap_or_default();
    list.iter().filter_map(|act| read_act(reader, act, scene, args)).collect()
}

fn read_act(reader: &mut Reader, yaml: &Yaml, scene: &Scene, args: &[ArgumentPattern]) -> Option<Act> {
    let parts = reader.map(yaml, "an act", ACT_KEYS)?;
    let given: Vec<&str> = DEEDS.into_iter().filter(|key| parts.get(key).is_some()).collect();
    let diagnostics_before = reader.diagnostics.len();
    for (key, owner) in COMPANIONS {
        if let (Some(place), None) = (parts.key_place(key), parts.get(owner)) {
            reader.report(Diagnostic::error(place, format!("`{key}` belongs to `{owner}`, which is not here")));
        }
    }
    let after_ms = read_time(reader, &parts);
    let deed = match given.as_slice() {
        [] if parts.get("after").is_some() => Deed::Nothing,
        // What there is belongs to something that is missing, and that has been said.
        [] if reader.diagnostics.len() > diagnostics_before => return None,
        [] => {
            let diagnostic = Diagnostic::error(parts.place(), "this act does nothing");
            reader.report(diagnostic.hint(format!("give one of {}, or `after`", DEEDS.join(", "))));
            return None;
        }
        [only] => read_deed(reader, &parts, only, scene, args)?,
        [first, second, ..] => {
            let place = parts.key_place(second).unwrap_or_else(|| parts.place());
            let diagnostic =
                Diagnostic::error(place, format!("an act does one thing, and this has `{first}` and `{second}`"));
            reader.report(diagnostic.hint("make it two acts"));
            return None;
        }
    };
    Some(Act { after_ms, deed })
}

fn read_deed(
    reader: &mut Reader,
    parts: &Entries<'_>,
    key: &str,
    scene: &Scene,
    args: &[ArgumentPattern],
) -> Option<Deed> {
    let value = parts.get(key)?;
    let text = |reader: &mut Reader| reader.text(value).map(|text| Printed::Text(text.value));
    let bytes = |reader: &mut Reader| read_hex(reader, value).map(Printed::Bytes);
    Some(match key {
        "out" => Deed::Print(Stream::Stdout, text(reader)?),
        "err" => Deed::Print(Stream::Stderr, text(reader)?),
        "out_hex" => Deed::Print(Stream::Stdout, bytes(reader)?),
        "err_hex" => Deed::Print(Stream::Stderr, bytes(reader)?),
        "reads" => Deed::Read {
            pattern: reader.text(value)?.value,
            again: parts.get("again").and_then(|again| reader.text(again)).map(|again| again.value),
        },
        "appears" | "vanishes" => {
            Deed::Change { device: read_device_name(reader, value, scene)?, appears: key == "appears" }
        }
        _ => Deed::Write { name: read_file_name(reader, value, args)?, content: read_content(reader, parts, args)? },
    })
}

/// Changes on the bus, each counted from the one before.
pub(super) fn read_changes(reader: &mut Reader, list: Option<&Yaml>, scene: &Scene) -> Vec<BusChange> {
    let list = list.map(|list| reader.list(list, "changes on the bus")).unwrap_or_default();
    let mut changes = Vec::new();
    for entry in list {
        let Some(parts) = reader.map(entry, "a change on the bus", &["after", "appears", "vanishes"]) else { continue };
        let after_ms = read_time(reader, &parts);
        let (device, appears) = match (parts.get("appears"), parts.get("vanishes")) {
            (Some(device), None) => (device, true),
            (None, Some(device)) => (device, false),
            _ => {
                let message = "a change on the bus needs exactly one of `appears` and `vanishes`";
                reader.report(Diagnostic::error(parts.place(), message));
                continue;
            }
        };
        if let Some(device) = read_device_name(reader, device, scene) {
            changes.push(BusChange { after_ms, device, appears });
        }
    }
    changes
}

fn read_device_name(reader: &mut Reader, yaml: &Yaml, scene: &Scene) -> Option<String> {
    let text = reader.text(yaml)?;
    if scene.devices.iter().any(|device| device.name == text.value) {
        return Some(text.value);
    }
    let known = || scene.devices.iter().map(|device| device.name.as_str());
    let diagnostic = Diagnostic::error(&text.place, format!("the device `{}` is not among `devices`", text.value));
    reader.report(match nearest(&text.value, known()) {
        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
        None => diagnostic.hint("declare it under `devices`, with `attached: no` when it comes later"),
    });
    None
}

/// The key `after`, in milliseconds.
pub(super) fn read_time(reader: &mut Reader, parts: &Entries<'_>) -> u64 {
    let span = parts.get("after").and_then(|after| reader.time(after)).unwrap_or_default();
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A size in bytes.
pub(super) fn read_byte_limits(reader: &mut Reader, yaml: &Yaml) -> Option<u64> {
    let size = reader.unsigned(yaml)?;
    if size > FILE_BYTES_MAX {
        let message = format!("{size} bytes are more than any file of a scene may have: {FILE_BYTES_MAX}");
        reader.report(Diagnostic::error(&yaml.place, message));
        return None;
    }
    Some(size)
}

fn read_hex(reader: &mut Reader, yaml: &Yaml) -> Option<Vec<u8>> {
    let Located { value, place } = reader.text(yaml)?;
    let bytes = bytes_of(&value);
    if bytes.is_none() {
        reader.report(
            Diagnostic::error(&place, "this is not a row of bytes").hint("two hexadecimal digits a byte: `\"0d ff\"`"),
        );
    }
    bytes
}

/// A name, or where among the arguments it stands.
fn read_file_name(reader: &mut Reader, yaml: &Yaml, args: &[ArgumentPattern]) -> Option<FileName> {
    if !matches!(yaml.kind, YamlKind::Map(_)) {
        let text = reader.text(yaml)?;
        if let Some(reason) = leaves_its_folder(&text.value) {
            reader.report(
                Diagnostic::error(&text.place, format!("`{}` {reason}", text.value)).label("outside").hint(
                    "a mock tool writes and reads only below the folder it works in: give a name without a folder",
                ),
            );
            return None;
        }
        return Some(FileName::Fixed(text.value));
    }
    let parts = reader.map(yaml, "the name of a file", &["argument", "after"])?;
    match (parts.get("argument"), parts.get("after")) {
        (Some(number), None) => {
            const ARGUMENTS_MAX: u32 = 1_000;
            let number = reader.count(number, 1..=ARGUMENTS_MAX)?;
            Some(FileName::Argument(usize::try_from(number).unwrap_or(usize::MAX)))
        }
        (None, Some(word)) => {
            let word = reader.text(word)?;
            let says = |pattern: &ArgumentPattern| match pattern {
                ArgumentPattern::Any => true,
                ArgumentPattern::One(text) => text.contains('*') || *text == word.value,
            };
            if !args.iter().any(says) {
                reader
                    .report(Diagnostic::error(&word.place, format!("`{}` is not among the call's `args`", word.value)));
            }
            Some(FileName::After(word.value))
        }
        _ => {
            let message = "the name of a file is a text, or exactly one of `argument` and `after`";
            reader.report(Diagnostic::error(parts.place(), message).hint("such as `writes: {after: \"-U\"}`"));
            None
        }
    }
}

fn read_content(reader: &mut Reader, parts: &Entries<'_>, args: &[ArgumentPattern]) -> Option<Content> {
    let kinds = ["text", "hex", "size", "copy_of"];
    let given: Vec<&str> = kinds.into_iter().filter(|key| parts.get(key).is_some()).collect();
    let [only] = given.as_slice() else {
        let place = parts.key_place("writes").unwrap_or_else(|| parts.place());
        let message = "a file that is written needs exactly one of `text`, `hex`, `size` and `copy_of`";
        reader.report(Diagnostic::error(place, message));
        return None;
    };
    let value = parts.get(only)?;
    let fill = parts.get("fill").and_then(|fill| reader.count(fill, 0..=255));
    let fill = fill.and_then(|fill| u8::try_from(fill).ok());
    Some(match *only {
        "text" => Content::Text(reader.text(value)?.value),
        "hex" => Content::Bytes(read_hex(reader, value)?),
        "size" => Content::Filled { size_bytes: read_byte_limits(reader, value)?, fill: fill.unwrap_or(0) },
        _ => Content::Copy {
            of: read_file_name(reader, value, args)?,
            from: parts.get("from").and_then(|from| read_byte_limits(reader, from)).unwrap_or(0),
            length: parts.get("length").and_then(|length| read_byte_limits(reader, length)),
            padded_to: parts.get("pad_to").and_then(|size| read_byte_limits(reader, size)),
            fill: fill.unwrap_or(0xff),
        },
    })
}
