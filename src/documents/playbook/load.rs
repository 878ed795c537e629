//! Reads a whole playbook, with the family it may be built on.

use std::sync::Arc;
use std::time::Duration;

use crate::documents::playbook::family::{Families, Joined, join_families};
use crate::documents::playbook::procedure::{read_procedures, report_uncalled};
use crate::documents::playbook::read_input::{leaves_its_folder, read_input, report_equal_file_names};
use crate::documents::playbook::read_reading::read_reading;
use crate::documents::playbook::read_step::{read_class, read_steps};
use crate::documents::playbook::reader::{DeviceArgs, Reader};
use crate::documents::playbook::variable::read_variable;
use crate::documents::playbook::{
    Afterwards, Device, DeviceKind, DeviceState, Identity, Input, Playbook, ToolFile, VirtualBoard,
};
use crate::documents::{Yaml, YamlKind, parse_yaml};
use crate::words::{Diagnostic, FaultClass, Id, Located, Place, Source, UsbId, meant_or_known, without_repetitions};

pub(super) const TOP_KEYS: &[&str] = &[
    "format",
    "board",
    "aliases",
    "summary",
    "sources",
    "uses",
    "with",
    "inputs",
    "devices",
    "variables",
    "memories",
    "tool_files",
    "fault_groups",
    "procedures",
    "steps",
    "afterwards",
    "virtual_board",
    "parameters",
];
const FORMAT: &str = "1";

/// What came of a document: the playbook, unless too little of it is left, and everything wrong with it.
#[derive(Debug)]
pub struct Loaded {
    pub playbook: Option<Playbook>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a playbook. Nothing is checked against a catalog yet; that is [`crate::documents::playbook::check`]'s part.
pub fn load(source: &Arc<Source>, families: &Families<'_>) -> Loaded {
    let yaml = match parse_yaml(source) {
        Ok(yaml) => yaml,
        Err(diagnostic) => return Loaded { playbook: None, diagnostics: vec![diagnostic] },
    };
    let mut reader = Reader::default();
    if matches!(yaml.kind, YamlKind::Null) {
        reader.report(Diagnostic::of_document(format!("{} is empty", source.name)));
        return Loaded { playbook: None, diagnostics: reader.diagnostics };
    }
    let (yaml, joined) = join_families(&mut reader, yaml, TOP_KEYS, families);
    let playbook = read_playbook(&mut reader, &yaml, source, joined);
    Loaded { playbook, diagnostics: without_repetitions(reader.diagnostics) }
}

fn read_playbook(reader: &mut Reader, yaml: &Yaml, source: &Arc<Source>, joined: Joined) -> Option<Playbook> {
    let top = reader.map(yaml, "a playbook", TOP_KEYS)?;
    let beginning = Place { source: Arc::clone(source), start: 0, end: 0 };
    match top.get("format") {
        Some(format) => {
            let format = reader.text(format)?;
            if format.value != FORMAT {
                let message = format!("format {} is not known; this recover reads format {FORMAT}", format.value);
                reader.report(Diagnostic::error(&format.place, message).hint("a newer recover may read it"));
                return None;
            }
        }
        None => reader.report(Diagnostic::error(&beginning, "the key `format` is missing").hint("add `format: 1`")),
    }
    let board = top.get("board").and_then(|board| reader.name(board));
    if top.get("board").is_none() {
        let diagnostic = Diagnostic::error(&beginning, "the key `board` is missing: the board's name for people");
        reader.report(diagnostic.hint("add `board: …`"));
    }
    let aliases = top.get("aliases").map(|list| reader.one_or_more(list, "names")).unwrap_or_default();
    let aliases = aliases.iter().filter_map(|item| reader.name(item)).collect();
    let summary = top.get("summary").and_then(|summary| reader.prose(summary));
    let sources = top.get("sources").map(|list| reader.one_or_more(list, "sources")).unwrap_or_default();
    let sources = sources.iter().filter_map(|item| reader.prose(item)).collect();
    let inputs = top.get("inputs").map(|map| reader.named(map, "inputs")).unwrap_or_default();
    let inputs: Vec<Input> =
        inputs.into_iter().filter_map(|(name, key, value)| read_input(reader, name, &key.place, value)).collect();
    report_equal_file_names(reader, &inputs);
    if let Some(map) = top.get("fault_groups") {
        read_fault_groups(reader, map);
    }
    if let Some(map) = top.get("procedures") {
        read_procedures(reader, map);
    }
    let devices = top.get("devices").map(|map| reader.named(map, "devices")).unwrap_or_default();
    for (name, _, value) in &devices {
        read_device_args(reader, name, value);
    }
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
    let memories = top.get("memories").map(|map| reader.named(map, "memories")).unwrap_or_default();
    let memories = memories.into_iter().filter_map(|(name, _, range)| Some((name, reader.parsed(range)?))).collect();
    let virtual_board = top.get("virtual_board").and_then(|board| read_virtual_board(reader, board));
    let steps = top.get("steps").map(|steps| read_steps(reader, steps, "step", 0));
    if steps.is_none() && joined == Joined::Whole {
        let diagnostic = Diagnostic::error(&beginning, "the key `steps` is missing");
        reader.report(diagnostic.hint("a playbook is a list of steps; the smallest one is `refuse:` with a text"));
    }
    if steps.is_some() {
        report_uncalled(reader, source);
        report_unused_args(reader);
    }
    let afterwards = top.get("afterwards").map(|list| reader.list(list, "texts")).unwrap_or_default();
    let afterwards = afterwards.iter().filter_map(|item| read_afterwards(reader, item)).collect();
    Some(Playbook {
        source: Arc::clone(source),
        board: board?.value,
        aliases,
        summary,
        sources,
        inputs,
        devices,
        variables,
        memories,
        tool_files,
        steps: steps?,
        afterwards,
        virtual_board,
    })
}

/// Names for classes of fault that are often meant together.
fn read_fault_groups(reader: &mut Reader, yaml: &Yaml) {
    let Some(map) = reader.open_map(yaml, "groups of classes of fault") else { return };
    for (key, list) in map.all() {
        let name = match key.text.parse::<Id>() {
            Ok(name) => name,
            Err(error) => {
                reader.report(Diagnostic::error(&key.place, error.to_string()));
                continue;
            }
        };
        if FaultClass::ALL.iter().any(|class| class.word() == name.as_str()) {
            let message = format!("`{name}` is a class of fault itself");
            reader.report(Diagnostic::error(&key.place, message).hint("give the group another name"));
            continue;
        }
        let classes = reader.one_or_more(list, "classes of fault");
        let classes = classes.iter().filter_map(|class| read_class(reader, class)).collect();
        reader.fault_groups.insert(name, classes);
    }
}

/// Before any step is read, because a step's call is read with them.
fn read_device_args(reader: &mut Reader, device: &Id, yaml: &Yaml) {
    let YamlKind::Map(parts) = &yaml.kind else { return };
    let Some((_, map)) = parts.iter().find(|(key, _)| key.text == "args") else { return };
    let Some(map) = reader.open_map(map, "arguments by tool") else { return };
    for (tool, args) in map.all() {
        let args = reader.list(args, "args");
        let args = args.iter().filter_map(|arg| reader.template(arg)).collect();
        let tool = Located { value: tool.text.clone(), place: tool.place.clone() };
        reader.device_args.push(DeviceArgs { device: device.clone(), tool, args, used: false });
    }
}

fn report_unused_args(reader: &mut Reader) {
    let unused = std::mem::take(&mut reader.device_args);
    for DeviceArgs { device, tool, .. } in unused.iter().filter(|args| !args.used) {
        let message = format!("no step runs `{}` with the device `{device}`", tool.value);
        let hint = format!("a step has them with `run: {}` and `device: {device}`", tool.value);
        reader.report(Diagnostic::error(&tool.place, message).hint(hint));
    }
}

fn read_tool_file(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<ToolFile> {
    let parts = reader.map(yaml, "a file of a tool", &["tool", "file"])?;
    let (Some(tool), Some(file)) = (parts.get("tool"), parts.get("file")) else {
        reader.report(Diagnostic::error(place, format!("the file `{name}` needs the keys `tool` and `file`")));
        return None;
    };
    let (tool, file) = (reader.text(tool), reader.name(file)?);
    if let Some(reason) = leaves_its_folder(&file.value) {
        reader.report(Diagnostic::error(&file.place, format!("`{}` {reason}", file.value)));
    }
    Some(ToolFile { name, place: place.clone(), tool: tool?, file })
}

/// A device that tools claim as a whole shows on the bus before it answers: `dfu-util` then fails with "Failed to retrieve
/// language identifiers" (observed; see its FAQ on `-w`). The nodes of HID and serial devices come only after that.
const SETTLE_USB: Duration = Duration::from_millis(300);

const DEVICE_KEYS: &[&str] = &["usb", "hid", "serial", "label", "settle", "identifies", "identity", "state", "args"];

fn read_device(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<Device> {
    let parts = reader.map(yaml, "a device", DEVICE_KEYS)?;
    let kinds = [("usb", DeviceKind::Usb), ("hid", DeviceKind::Hid), ("serial", DeviceKind::Serial)];
    let given: Vec<_> =
        kinds.into_iter().filter_map(|(key, kind)| parts.get(key).map(|value| (key, kind, value))).collect();
    if given.len() != 1 {
        reader.report(
            Diagnostic::error(place, format!("the device `{name}` needs exactly one of `usb`, `hid`, `serial`"))
                .hint("`hid` for devices whose tools use HID, `serial` for USB-to-serial bridges; with the USB id"),
        );
    }
    let kind = given.first().map_or(DeviceKind::Usb, |(_, kind, _)| *kind);
    let mut ids = Vec::new();
    for (_, _, value) in given {
        let items = reader.one_or_more(value, "USB ids");
        if items.is_empty() && matches!(value.kind, YamlKind::List(_)) {
            reader.report(Diagnostic::error(place, format!("the device `{name}` needs at least one USB id")));
        }
        ids.extend(items.iter().filter_map(|id| reader.parsed::<UsbId>(id)).map(|id| id.value));
    }
    let label = parts.get("label").and_then(|label| reader.name_of_lines(label)).unwrap_or_else(|| name.to_string());
    let settle = parts.get("settle").and_then(|settle| reader.time(settle)).unwrap_or(match kind {
        DeviceKind::Usb => SETTLE_USB,
        DeviceKind::Hid | DeviceKind::Serial => Duration::ZERO,
    });
    let identifies = parts.get("identifies").and_then(|flag| reader.flag(flag)).map(|flag| flag.value);
    let identity = parts.get("identity").and_then(|identity| read_identity(reader, &name, identity));
    let state = parts.get("state").and_then(|state| read_state(reader, state));
    // A device that is wrong stays declared, so that its uses are not reported as well.
    Some(Device { name, place: place.clone(), ids, kind, label, identifies, identity, state, settle })
}

fn read_state(reader: &mut Reader, yaml: &Yaml) -> Option<DeviceState> {
    let text = reader.text(yaml)?;
    let found = DeviceState::ALL.into_iter().find(|(word, _)| *word == text.value);
    if found.is_none() {
        let known = DeviceState::ALL.map(|(word, _)| word);
        let message = format!("a board cannot be in the state `{}`", text.value);
        reader.report(Diagnostic::error(&text.place, message).hint(meant_or_known(&text.value, known)));
    }
    found.map(|(_, state)| state)
}

fn read_identity(reader: &mut Reader, device: &Id, yaml: &Yaml) -> Option<Identity> {
    let parts = reader.map(yaml, "`identity`", &["product", "interface", "version", "answers"])?;
    if parts.all().is_empty() {
        let diagnostic = Diagnostic::error(&yaml.place, "`identity` says nothing about the device");
        reader.report(diagnostic.hint("give it one of product, interface, version, answers"));
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
        reader.report(Diagnostic::error(parts.place(), "an entry of `afterwards` needs the key `text`"));
        return None;
    };
    // Its line breaks are kept: it may hold commands to copy.
    Some(Afterwards { when: parts.get("when").and_then(|when| reader.expression(when)), text: reader.template(text)? })
}

fn read_virtual_board(reader: &mut Reader, yaml: &Yaml) -> Option<VirtualBoard> {
    let map = reader.open_map(yaml, "the virtual board")?;
    let Some(model) = map.get("model") else {
        reader.report(Diagnostic::error(map.place(), "the virtual board needs the key `model`"));
        return None;
    };
    let model = reader.text(model)?;
    let settings = map.all().iter().filter(|(key, _)| key.text != "model").cloned().collect();
    Some(VirtualBoard { model, settings })
}
