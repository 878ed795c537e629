//! Reads a whole playbook, with the family it may be built on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::documents::playbook::family::{Families, Joined, join_family};
use crate::documents::playbook::read_step::{read_reading, read_steps};
use crate::documents::playbook::reader::{Entries, Reader};
use crate::documents::playbook::variable::read_variable;
use crate::documents::playbook::{
    Afterwards, Device, DeviceKind, Identity, Input, InputWord, NamesFiles, Need, Playbook, ToolFile, VirtualBoard,
};
use crate::documents::{Yaml, YamlKind, parse_yaml};
use crate::words::{Diagnostic, Id, Located, Place, Source, UsbId, parse_integer};

pub(super) const TOP_KEYS: &[&str] = &[
    "format",
    "board",
    "summary",
    "sources",
    "uses",
    "with",
    "inputs",
    "devices",
    "variables",
    "tool_files",
    "steps",
    "afterwards",
    "virtual_board",
    "parameters",
];
const FORMAT: &str = "1";

/// What came of a document: the playbook, unless a fault leaves too little of it, and everything wrong with it.
#[derive(Debug)]
pub struct Loaded {
    pub playbook: Option<Playbook>,
    pub faults: Vec<Diagnostic>,
}

/// Reads a playbook. Nothing is checked against a catalog yet; that is [`crate::documents::playbook::check`]'s part.
pub fn load(source: &Arc<Source>, families: &Families<'_>) -> Loaded {
    let yaml = match parse_yaml(source) {
        Ok(yaml) => yaml,
        Err(fault) => return Loaded { playbook: None, faults: vec![fault] },
    };
    let mut reader = Reader::default();
    if matches!(yaml.kind, YamlKind::Null) {
        reader.fault(Diagnostic::of_document(format!("{} is empty", source.name)));
        return Loaded { playbook: None, faults: reader.faults };
    }
    let (yaml, joined) = join_family(&mut reader, yaml, TOP_KEYS, families);
    let playbook = read_playbook(&mut reader, &yaml, source, joined);
    Loaded { playbook, faults: reader.faults }
}

fn read_playbook(reader: &mut Reader, yaml: &Yaml, source: &Arc<Source>, joined: Joined) -> Option<Playbook> {
    let top = reader.map(yaml, "a playbook", TOP_KEYS)?;
    let beginning = Place { source: Arc::clone(source), start: 0, end: 0 };
    match top.get("format") {
        Some(format) => {
            let format = reader.text(format)?;
            if format.value != FORMAT {
                let message = format!("format {} is not known; this recover reads format {FORMAT}", format.value);
                reader.fault(Diagnostic::error(&format.place, message).hint("a newer recover may read it"));
                return None;
            }
        }
        None => reader.fault(Diagnostic::error(&beginning, "the key `format` is missing").hint("add `format: 1`")),
    }
    let board = top.get("board").and_then(|board| reader.text(board));
    if top.get("board").is_none() {
        let fault = Diagnostic::error(&beginning, "the key `board` is missing: the board's name for people");
        reader.fault(fault.hint("add `board: …`"));
    }
    let summary = top.get("summary").and_then(|summary| reader.prose(summary));
    let sources = top.get("sources").map(|list| reader.one_or_more(list, "sources")).unwrap_or_default();
    let sources = sources.iter().filter_map(|item| reader.prose(item)).collect();
    let inputs = top.get("inputs").map(|map| reader.named(map, "inputs")).unwrap_or_default();
    let inputs: Vec<Input> =
        inputs.into_iter().filter_map(|(name, key, value)| read_input(reader, name, &key.place, value)).collect();
    report_equal_file_names(reader, &inputs);
    let devices = top.get("devices").map(|map| reader.named(map, "devices")).unwrap_or_default();
    let devices =
        devices.into_iter().filter_map(|(name, key, value)| read_device(reader, name, &key.place, value)).collect();
    let variables = top.get("variables").map(|map| reader.named(map, "variables")).unwrap_or_default();
    let variables =
        variables.into_iter().filter_map(|(name, key, value)| read_variable(reader, name, &key.place, value)).collect();
    let tool_files = top.get("tool_files").map(|map| reader.named(map, "tool_files")).unwrap_or_default();
    let tool_files = tool_files
        .into_iter()
        .filter_map(|(name, key, value)| read_tool_file(reader, name, &key.place, value))
        .collect();
    let virtual_board = top.get("virtual_board").and_then(|board| read_virtual_board(reader, board));
    let steps = top.get("steps").map(|steps| read_steps(reader, steps, "step", 0));
    if steps.is_none() && joined == Joined::Whole {
        let fault = Diagnostic::error(&beginning, "the key `steps` is missing");
        reader.fault(fault.hint("a playbook is a list of steps; the smallest one is `refuse:` with a text"));
    }
    let afterwards = top.get("afterwards").map(|list| reader.list(list, "texts")).unwrap_or_default();
    let afterwards = afterwards.iter().filter_map(|item| read_afterwards(reader, item)).collect();
    Some(Playbook {
        source: Arc::clone(source),
        board: board?.value,
        summary,
        sources,
        inputs,
        devices,
        variables,
        tool_files,
        steps: steps?,
        afterwards,
        virtual_board,
    })
}

const INPUT_KEYS: &[&str] = &[
    "file",
    "help",
    "optional",
    "optional_with",
    "together",
    "names_files",
    "min_size",
    "max_size",
    "starts_with",
    "not_starts_with",
    "words",
    "example_size",
];
/// Tables with more columns are not made by hand.
const COLUMNS_MAX: u32 = 100;

fn read_input(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<Input> {
    let parts = reader.map(yaml, "an input", INPUT_KEYS)?;
    // An input with a fault stays declared, so that its uses are not reported as faults of their own.
    let file = match parts.get("file") {
        Some(file) => reader.text(file)?,
        None => {
            reader.fault(Diagnostic::error(place, format!("the input `{name}` needs the key `file`")));
            Located { value: name.to_string(), place: place.clone() }
        }
    };
    if let Some(reason) = leaves_its_folder(&file.value) {
        reader.fault(
            Diagnostic::error(&file.place, format!("`{}` {reason}", file.value)).hint(
                "a playbook names files below the folder given with --files; the person can name others with --set",
            ),
        );
    }
    let not_starts_with = parts.get("not_starts_with").map(|map| read_beginnings(reader, map)).unwrap_or_default();
    let words = parts.get("words").map(|map| read_words(reader, map)).unwrap_or_default();
    let names_files = parts.get("names_files").and_then(|table| read_names_files(reader, table));
    Some(Input {
        name,
        place: place.clone(),
        file,
        need: read_need(reader, &parts),
        together: parts.get("together").and_then(|word| reader.parsed::<Id>(word)),
        names_files,
        help: parts.get("help").and_then(|help| reader.prose(help)),
        min_size: parts.get("min_size").and_then(|size| reader.unsigned(size)),
        max_size: parts.get("max_size").and_then(|size| reader.unsigned(size)),
        starts_with: parts.get("starts_with").and_then(|hex| read_bytes(reader, hex)).unwrap_or_default(),
        not_starts_with,
        words,
        example_size: parts.get("example_size").and_then(|size| reader.unsigned(size)),
    })
}

fn read_tool_file(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<ToolFile> {
    let parts = reader.map(yaml, "a file of a tool", &["tool", "file"])?;
    let (Some(tool), Some(file)) = (parts.get("tool"), parts.get("file")) else {
        reader.fault(Diagnostic::error(place, format!("the file `{name}` needs the keys `tool` and `file`")));
        return None;
    };
    let (tool, file) = (reader.text(tool), reader.text(file)?);
    if let Some(reason) = leaves_its_folder(&file.value) {
        reader.fault(Diagnostic::error(&file.place, format!("`{}` {reason}", file.value)));
    }
    Some(ToolFile { name, place: place.clone(), tool: tool?, file })
}

fn read_need(reader: &mut Reader, parts: &Entries<'_>) -> Need {
    let optional = parts.get("optional").and_then(|flag| reader.flag(flag));
    let with = parts.get("optional_with").and_then(|other| reader.parsed::<Id>(other));
    match (optional, with) {
        (Some(optional), Some(_)) => {
            let message = "`optional` and `optional_with` say different things of one input; keep one";
            reader.fault(Diagnostic::error(&optional.place, message));
            Need::Never
        }
        (None, Some(other)) => Need::Without(other),
        (Some(Located { value: true, .. }), None) => Need::Never,
        (Some(_) | None, None) => Need::Always,
    }
}

fn read_names_files(reader: &mut Reader, yaml: &Yaml) -> Option<NamesFiles> {
    let parts = reader.map(yaml, "`names_files`", &["column", "comment", "except"])?;
    let Some(column) = parts.get("column") else {
        reader.fault(Diagnostic::error(parts.place(), "`names_files` needs the key `column`, counted from 1"));
        return None;
    };
    let column = reader.count(column, 1..=COLUMNS_MAX)?;
    let comment = parts.get("comment").and_then(|comment| reader.text(comment)).map(|comment| comment.value);
    let except = parts.get("except").map(|list| reader.one_or_more(list, "except")).unwrap_or_default();
    let except = except.iter().filter_map(|word| reader.text(word)).map(|word| word.value).collect();
    Some(NamesFiles { column: usize::try_from(column).ok()?, comment: comment.filter(|text| !text.is_empty()), except })
}

/// Why a file name of a playbook is not below the folder it belongs to.
pub(in crate::documents) fn leaves_its_folder(file: &str) -> Option<&'static str> {
    let windows_drive = file.as_bytes().get(1) == Some(&b':');
    if file.is_empty() || file.ends_with('/') {
        Some("is not the name of a file")
    } else if file.starts_with(['/', '\\', '~']) || windows_drive || file.contains('\0') {
        Some("is not a path below the folder")
    } else if file.contains('\\') {
        Some("holds a backslash; write `/`, which works everywhere")
    } else if file.split('/').any(|part| part == ".." || part == "." || part.is_empty()) {
        Some("leaves the folder")
    } else {
        None
    }
}

fn report_equal_file_names(reader: &mut Reader, inputs: &[Input]) {
    for (index, input) in inputs.iter().enumerate() {
        if let Some(first) = inputs[..index].iter().find(|other| other.file_name() == input.file_name()) {
            let message = format!("`{}` and `{}` have the same file name", first.name, input.name);
            reader.fault(
                Diagnostic::error(&input.file.place, message)
                    .hint("tools see both in one folder; rename one of the files"),
            );
        }
    }
}

/// Hexadecimal digits, blanks allowed: `d1 00 20`.
fn read_bytes(reader: &mut Reader, yaml: &Yaml) -> Option<Vec<u8>> {
    let text = reader.text(yaml)?;
    let bytes = bytes_of(&text.value);
    if bytes.is_none() {
        let message = format!("`{}` is not a row of bytes", text.value);
        reader.fault(Diagnostic::error(&text.place, message).hint("two hexadecimal digits a byte: `\"d1 00 20\"`"));
    }
    bytes
}

pub(in crate::documents) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.split_whitespace().collect();
    if digits.is_empty() || digits.len() % 2 == 1 || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

fn read_beginnings(reader: &mut Reader, yaml: &Yaml) -> Vec<(Vec<u8>, String)> {
    let Some(map) = reader.open_map(yaml, "beginnings of wrong files") else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in map.all() {
        match (bytes_of(&key.text), reader.prose(value)) {
            (Some(bytes), Some(meaning)) => found.push((bytes, meaning)),
            (None, _) => {
                let message = format!("`{}` is not a row of bytes", key.text);
                reader.fault(Diagnostic::error(&key.place, message).hint("two hexadecimal digits a byte: `\"7f 45\"`"));
            }
            (_, None) => {}
        }
    }
    found
}

fn read_words(reader: &mut Reader, yaml: &Yaml) -> Vec<InputWord> {
    let Some(map) = reader.open_map(yaml, "words of a file") else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in map.all() {
        match parse_integer(&key.text).map(u64::try_from) {
            Ok(Ok(offset)) => {
                if let Some(value) = reader.expression(value) {
                    found.push(InputWord { offset, value });
                }
            }
            _ => reader.fault(Diagnostic::error(&key.place, "an offset in bytes is needed here, such as `0x14`")),
        }
    }
    found
}

/// A device that tools claim as a whole shows on the bus before it answers: `dfu-util` then fails with "Failed to retrieve
/// language identifiers" (observed; see its FAQ on `-w`). The nodes of HID and serial devices come only after that.
const SETTLE_USB: Duration = Duration::from_millis(300);

const DEVICE_KEYS: &[&str] = &["usb", "hid", "serial", "label", "settle", "identifies", "identity"];

fn read_device(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<Device> {
    let parts = reader.map(yaml, "a device", DEVICE_KEYS)?;
    let kinds = [("usb", DeviceKind::Usb), ("hid", DeviceKind::Hid), ("serial", DeviceKind::Serial)];
    let given: Vec<_> =
        kinds.into_iter().filter_map(|(key, kind)| parts.get(key).map(|value| (key, kind, value))).collect();
    if given.len() != 1 {
        reader.fault(
            Diagnostic::error(place, format!("the device `{name}` needs exactly one of `usb`, `hid`, `serial`"))
                .hint("`hid` for devices whose tools use HID, `serial` for USB-to-serial bridges; with the USB id"),
        );
    }
    let kind = given.first().map_or(DeviceKind::Usb, |(_, kind, _)| *kind);
    let mut ids = Vec::new();
    for (_, _, value) in given {
        let items = reader.one_or_more(value, "USB ids");
        if items.is_empty() && matches!(value.kind, YamlKind::List(_)) {
            reader.fault(Diagnostic::error(place, format!("the device `{name}` needs at least one USB id")));
        }
        ids.extend(items.iter().filter_map(|id| reader.parsed::<UsbId>(id)).map(|id| id.value));
    }
    let label = parts.get("label").and_then(|label| reader.prose(label)).unwrap_or_else(|| name.to_string());
    let settle = parts.get("settle").and_then(|settle| reader.time(settle)).unwrap_or(match kind {
        DeviceKind::Usb => SETTLE_USB,
        DeviceKind::Hid | DeviceKind::Serial => Duration::ZERO,
    });
    let identifies = parts.get("identifies").and_then(|flag| reader.flag(flag)).map(|flag| flag.value);
    let identity = parts.get("identity").and_then(|identity| read_identity(reader, &name, identity));
    // A device with a fault stays declared, so that its uses are not reported as faults of their own.
    Some(Device { name, place: place.clone(), ids, kind, label, identifies, identity, settle })
}

fn read_identity(reader: &mut Reader, device: &Id, yaml: &Yaml) -> Option<Identity> {
    let parts = reader.map(yaml, "`identity`", &["product", "interface", "version", "answers"])?;
    if parts.all().is_empty() {
        let fault = Diagnostic::error(&yaml.place, "`identity` says nothing about the device");
        reader.fault(fault.hint("give it one of product, interface, version, answers"));
    }
    let interface = parts.get("interface").map(|list| reader.one_or_more(list, "interface strings"));
    let prefix = format!("{device}-identity");
    Some(Identity {
        product: parts.get("product").and_then(|pattern| reader.pattern(pattern)),
        interface: interface.unwrap_or_default().iter().filter_map(|text| reader.prose(text)).collect(),
        version: parts.get("version").and_then(|pattern| reader.pattern(pattern)),
        answers: parts.get("answers").and_then(|reading| read_reading(reader, reading, &prefix, 0)),
    })
}

fn read_afterwards(reader: &mut Reader, yaml: &Yaml) -> Option<Afterwards> {
    let parts = reader.map(yaml, "an entry of `afterwards`", &["when", "text"])?;
    let Some(text) = parts.get("text") else {
        reader.fault(Diagnostic::error(parts.place(), "an entry of `afterwards` needs the key `text`"));
        return None;
    };
    // Its line breaks are kept: it may hold commands to copy.
    Some(Afterwards { when: parts.get("when").and_then(|when| reader.expression(when)), text: reader.template(text)? })
}

fn read_virtual_board(reader: &mut Reader, yaml: &Yaml) -> Option<VirtualBoard> {
    let map = reader.open_map(yaml, "the virtual board")?;
    let Some(model) = map.get("model") else {
        reader.fault(Diagnostic::error(map.place(), "the virtual board needs the key `model`"));
        return None;
    };
    let model = reader.text(model)?;
    let settings = map.all().iter().filter(|(key, _)| key.text != "model").cloned().collect();
    Some(VirtualBoard { model, settings })
}

/// A family's parameters, by name: what they are for.
pub(super) fn read_parameters(reader: &mut Reader, top: &Entries<'_>) -> BTreeMap<Id, String> {
    let Some(map) = top.get("parameters") else { return BTreeMap::new() };
    reader
        .named(map, "parameters")
        .into_iter()
        .filter_map(|(name, _, help)| reader.prose(help).map(|help| (name, help)))
        .collect()
}
