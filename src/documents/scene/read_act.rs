//! Reads what a tool does during a call.

use crate::documents::forms::{SCALAR, TIME};
use crate::documents::keys::{Field, Keys, Shape, Way, Ways, keys};
use crate::documents::playbook::read_input::{bytes_of, leaves_its_folder};
use crate::documents::reader::{Parts, Reader};
use crate::documents::scene::load::NUMBER;
use crate::documents::scene::{Act, ArgumentPattern, BusChange, Content, Deed, FileName, Printed, Scene};
use crate::documents::{Yaml, YamlKind};
use crate::words::{Code, Diagnostic, FILE_BYTES_MAX, Located, Stream, nearest};

const ARGUMENTS_MAX: u32 = 1_000;

const FILE: Shape = Shape::Part(
    "file",
    "",
    &Shape::Either(&[
        Shape::About("A name below the folder in which the tool works.", &Shape::Text),
        Shape::Map(FileNameKeys::kind),
    ]),
);
pub(super) const BYTES: Shape = Shape::Part("bytes", "", &Shape::TextLike("^\\s*([0-9a-fA-F]\\s*[0-9a-fA-F]\\s*)+$"));

keys! {
    ACT: ActKeys = "an act", part("act"),
        about("One of out, err, out_hex, err_hex, reads, appears, vanishes and writes, or only after."),
        ways(Ways::NotEmpty);
    after: TIME, "How long after what stands before it.";
    out: Shape::Text, "Prints this on standard output.";
    err: Shape::Text, "Prints this on standard error.";
    out_hex: BYTES, "Prints these bytes on standard output.";
    err_hex: BYTES, "Prints these bytes on standard error.";
    reads: SCALAR, "Waits for a line of input like this; * stands for any text.";
    again: Shape::Text,
        "Printed, and asked again, as long as another line comes; without it another line is a fault.",
        beside(&[&["reads"]]);
    appears: Shape::Text, "The name of the device that comes.";
    vanishes: Shape::Text, "The name of the device that goes.";
    writes: FILE, "Writes a file, with text, hex, size or copy_of.";
    text: Shape::Text, "The file holds this text.", beside(&[&["writes"]]);
    hex: BYTES, "The file holds these bytes.", beside(&[&["writes"]]);
    size: NUMBER, "The file has so many bytes, each of them `fill`.", beside(&[&["writes"]]);
    fill: Shape::Integer(0, 255), "The byte that fills up: 0 for `size`, 255 for `pad_to` without it.";
    copy_of: FILE, "The file holds the same as this one.", beside(&[&["writes"]]);
    from: NUMBER, "Copied from this offset on.", beside(&[&["copy_of"]]);
    length: NUMBER, "At most so many bytes are copied.", beside(&[&["copy_of"]]);
    pad_to: NUMBER, "Filled up to so many bytes.", beside(&[&["copy_of"]]);
}

keys! {
    CHANGE: ChangeKeys = "a change on the bus", part("change"), ways(Ways::OneOf(&[Way::With(&["appears"]), Way::With(&["vanishes"])]));
    after: TIME, "How long after what stands before it.";
    appears: Shape::Text, "The name of the device that comes.";
    vanishes: Shape::Text, "The name of the device that goes.";
}

keys! {
    FILE_NAME: FileNameKeys = "the name of a file", ways(Ways::OneOf(&[Way::With(&["argument"]), Way::With(&["after"])]));
    argument: Shape::Integer(1, ARGUMENTS_MAX), "The argument with this number, counted from 1.";
    after: Shape::Text, "The argument right after this one.";
}

/// The keys of which an act has one at most.
const DEEDS: [Field<ActKeys>; 8] =
    [ACT.out, ACT.err, ACT.out_hex, ACT.err_hex, ACT.reads, ACT.appears, ACT.vanishes, ACT.writes];

/// The whole output of a call, when it needs no more than that.
pub(super) fn read_output(reader: &mut Reader, texts: [Option<&Yaml>; 2]) -> Vec<Act> {
    let mut acts = Vec::new();
    for (text, stream) in texts.into_iter().zip([Stream::Stdout, Stream::Stderr]) {
        if let Some(text) = reader.plain_text(text) {
            acts.push(Act { after_ms: 0, deed: Deed::Print(stream, Printed::Text(text)) });
        }
    }
    acts
}

pub(super) fn read_acts(reader: &mut Reader, list: Option<&Yaml>, scene: &Scene, args: &[ArgumentPattern]) -> Vec<Act> {
    let list = list.map(|list| reader.list(list, "what the tool does")).unwrap_or_default();
    list.iter().filter_map(|act| read_act(reader, act, scene, args)).collect()
}

fn read_act(reader: &mut Reader, yaml: &Yaml, scene: &Scene, args: &[ArgumentPattern]) -> Option<Act> {
    let parts = reader.parts(yaml, &ACT)?;
    let given: Vec<Field<ActKeys>> = DEEDS.into_iter().filter(|key| parts.has(*key)).collect();
    let strays = reader.companions(&parts, |key, owner| format!("`{key}` belongs to {owner}, which is not here"));
    let after_ms = read_time(reader, parts.get(ACT.after));
    let deed = match given.as_slice() {
        [] if parts.has(ACT.after) => Deed::Nothing,
        // What there is belongs to something that is missing, and that has been said.
        [] if strays > 0 => return None,
        [] => {
            let diagnostic = Diagnostic::error(Code::ExclusiveKeys, parts.place(), "this act does nothing");
            reader.report(diagnostic.hint(format!("give one of {}, or `after`", DEEDS.map(|key| key.name).join(", "))));
            return None;
        }
        [only] => read_deed(reader, &parts, *only, scene, args)?,
        [first, second, ..] => {
            let place = parts.key_place(*second).unwrap_or_else(|| parts.place());
            let message = format!("an act does one thing, and this has `{}` and `{}`", first.name, second.name);
            let diagnostic = Diagnostic::error(Code::ExclusiveKeys, place, message);
            reader.report(diagnostic.hint("make it two acts"));
            return None;
        }
    };
    Some(Act { after_ms, deed })
}

fn read_deed(
    reader: &mut Reader,
    parts: &Parts<'_, ActKeys>,
    key: Field<ActKeys>,
    scene: &Scene,
    args: &[ArgumentPattern],
) -> Option<Deed> {
    let value = parts.get(key)?;
    let text = |reader: &mut Reader| reader.text(value).map(|text| Printed::Text(text.value));
    let bytes = |reader: &mut Reader| read_hex(reader, value).map(Printed::Bytes);
    Some(match key {
        _ if key == ACT.out => Deed::Print(Stream::Stdout, text(reader)?),
        _ if key == ACT.err => Deed::Print(Stream::Stderr, text(reader)?),
        _ if key == ACT.out_hex => Deed::Print(Stream::Stdout, bytes(reader)?),
        _ if key == ACT.err_hex => Deed::Print(Stream::Stderr, bytes(reader)?),
        _ if key == ACT.reads => {
            Deed::Read { pattern: reader.text(value)?.value, again: reader.plain_text(parts.get(ACT.again)) }
        }
        _ if key == ACT.appears || key == ACT.vanishes => {
            Deed::Change { device: read_device_name(reader, value, scene)?, appears: key == ACT.appears }
        }
        _ => Deed::Write { name: read_file_name(reader, value, args)?, content: read_content(reader, parts, args)? },
    })
}

/// Changes on the bus, each counted from the one before.
pub(super) fn read_changes(reader: &mut Reader, list: Option<&Yaml>, scene: &Scene) -> Vec<BusChange> {
    let list = list.map(|list| reader.list(list, "changes on the bus")).unwrap_or_default();
    let mut changes = Vec::new();
    for entry in list {
        let Some(parts) = reader.parts(entry, &CHANGE) else { continue };
        let after_ms = read_time(reader, parts.get(CHANGE.after));
        let (device, appears) = match (parts.get(CHANGE.appears), parts.get(CHANGE.vanishes)) {
            (Some(device), None) => (device, true),
            (None, Some(device)) => (device, false),
            _ => {
                let message = "a change on the bus needs exactly one of `appears` and `vanishes`";
                reader.report(Diagnostic::error(Code::ExclusiveKeys, parts.place(), message));
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
    let diagnostic = Diagnostic::error(
        Code::UnknownDevice,
        &text.place,
        format!("the device `{}` is not among `devices`", text.value),
    );
    reader.report(match nearest(&text.value, known()) {
        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
        None => diagnostic.hint("declare it under `devices`, with `attached: no` when it comes later"),
    });
    None
}

/// In milliseconds.
pub(super) fn read_time(reader: &mut Reader, tree: Option<&Yaml>) -> u64 {
    let span = tree.and_then(|after| reader.time(after)).unwrap_or_default();
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A size in bytes.
pub(super) fn read_byte_limits(reader: &mut Reader, yaml: &Yaml) -> Option<u64> {
    let size = reader.unsigned(yaml)?;
    if size > FILE_BYTES_MAX {
        let message = format!("{size} bytes are more than any file of a scene may have: {FILE_BYTES_MAX}");
        reader.report(Diagnostic::error(Code::BadNumber, &yaml.place, message));
        return None;
    }
    Some(size)
}

fn read_hex(reader: &mut Reader, yaml: &Yaml) -> Option<Vec<u8>> {
    let Located { value, place } = reader.text(yaml)?;
    let bytes = bytes_of(&value);
    if bytes.is_none() {
        reader.report(
            Diagnostic::error(Code::BadBytes, &place, "this is not a row of bytes")
                .hint("two hexadecimal digits a byte: `\"0d ff\"`"),
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
                Diagnostic::error(Code::UnsafePath, &text.place, format!("`{}` {reason}", text.value))
                    .label("outside")
                    .hint(
                        "a mock tool writes and reads only below the folder it works in: give a name without a folder",
                    ),
            );
            return None;
        }
        return Some(FileName::Fixed(text.value));
    }
    let parts = reader.parts(yaml, &FILE_NAME)?;
    match (parts.get(FILE_NAME.argument), parts.get(FILE_NAME.after)) {
        (Some(number), None) => {
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
                reader.report(Diagnostic::error(
                    Code::UnknownName,
                    &word.place,
                    format!("`{}` is not among the call's `args`", word.value),
                ));
            }
            Some(FileName::After(word.value))
        }
        _ => {
            let message = "the name of a file is a text, or exactly one of `argument` and `after`";
            reader.report(
                Diagnostic::error(Code::ExclusiveKeys, parts.place(), message)
                    .hint("such as `writes: {after: \"-U\"}`"),
            );
            None
        }
    }
}

fn read_content(reader: &mut Reader, parts: &Parts<'_, ActKeys>, args: &[ArgumentPattern]) -> Option<Content> {
    let given = parts.given(&[ACT.text, ACT.hex, ACT.size, ACT.copy_of]);
    let [(only, _, value)] = given.as_slice() else {
        let place = parts.key_place(ACT.writes).unwrap_or_else(|| parts.place());
        let message = "a file that is written needs exactly one of `text`, `hex`, `size` and `copy_of`";
        reader.report(Diagnostic::error(Code::ExclusiveKeys, place, message));
        return None;
    };
    let fill = parts.get(ACT.fill).and_then(|fill| reader.count(fill, 0..=255));
    let fill = fill.and_then(|fill| u8::try_from(fill).ok());
    Some(match only {
        only if *only == ACT.text => Content::Text(reader.text(value)?.value),
        only if *only == ACT.hex => Content::Bytes(read_hex(reader, value)?),
        only if *only == ACT.size => {
            Content::Filled { size_bytes: read_byte_limits(reader, value)?, fill: fill.unwrap_or(0) }
        }
        _ => Content::Copy {
            of: read_file_name(reader, value, args)?,
            from: parts.get(ACT.from).and_then(|from| read_byte_limits(reader, from)).unwrap_or(0),
            length: parts.get(ACT.length).and_then(|length| read_byte_limits(reader, length)),
            padded_to: parts.get(ACT.pad_to).and_then(|size| read_byte_limits(reader, size)),
            fill: fill.unwrap_or(0xff),
        },
    })
}
