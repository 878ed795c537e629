//! Reads a whole playbook, with the family it may be built on.

use std::sync::Arc;
use std::time::Duration;

use crate::documents::forms::{CLASS, FLAG, SCALAR, TEXTS, words};
use crate::documents::keys::{Keys, Shape, Way, Ways, keys};
use crate::documents::playbook::drawing::{DrawingKeys, read_drawing};
use crate::documents::playbook::family::{Families, Joined, join_families};
use crate::documents::playbook::parameters::weight;
use crate::documents::playbook::procedure::{ProcedureKeys, read_procedures, report_uncalled};
use crate::documents::playbook::read_input::{InputKeys, leaves_its_folder, read_input, report_equal_file_names};
use crate::documents::playbook::read_reading::{ReadingKeys, read_reading};
use crate::documents::playbook::read_step::{EXPRESSION, STEPS, TIME, add_classes, read_class, read_steps};
use crate::documents::playbook::variable::{VariableKeys, read_variable};
use crate::documents::playbook::{
    Afterwards, Device, DeviceKind, DeviceState, Identity, Input, Playbook, StartPart, ToolFile, VirtualBoard,
};
use crate::documents::reader::{DeviceArgs, Reader};
use crate::documents::{Yaml, YamlKind, parse_yaml};
use crate::words::{Code, Diagnostic, FaultClass, Id, Located, Place, Source, UsbId, without_repetitions};

// `join_families` asks for the three keys with an underscore before any other is read.
keys! {
    PLAYBOOK: PlaybookKeys = "a playbook", document("A recover playbook, or a family of playbooks"),
        about("How one board is brought back, as ordered steps. `recover check` knows more than this schema."),
        ways(Ways::AtLeastOneOf(&[Way::With(&["board", "steps"]), Way::With(&["uses"]), Way::With(&["parameters"])]));
    format: Shape::OnlyNumber(1), "The format of this file: 1.", required(), when_missing("", "add `format: 1`");
    board: Shape::Text, "The board's name for people.", required_in_the_end(),
        when_missing(": the board's name for people", "add `board: …`");
    aliases: TEXTS,
        "Other names of the board, as its maker calls the folder of its files. Another board's folder is not taken \
         for this one's.";
    images: Shape::Text,
        "With what its files come to computers: a table below `image_folders` in the catalog. The folder there bears one \
         of the aliases.";
    summary: Shape::Text, "What the playbook does, in a sentence.";
    sources: TEXTS, "Where jumper texts and commands were taken from.";
    _uses "uses": TEXTS,
        "Families that this playbook takes everything from that it does not say itself. A family may use others; paths \
         are seen from the folder of who uses them.";
    _with "with": Shape::AnyMap, "The families' parameters.";
    _parameters "parameters": Shape::Named(&Shape::Text), "Of a family: what each is for; {} where it has none.";
    drawing: Shape::Map(DrawingKeys::kind), "Where on the board are the pins and switches that the prompts name.";
    inputs: Shape::Named(&Shape::Map(InputKeys::kind)), "Files the person gives.";
    devices: Shape::Named(&Shape::Map(DeviceKeys::kind)), "How the board shows itself, in each of its states.";
    variables: Shape::Named(&Shape::Map(VariableKeys::kind)), "What the person may set for one run with --set.";
    memories: Shape::Named(&Shape::About("Where it begins and how long it is, as in 0x60000000+0x1000000.", &Shape::Text)),
        "What is plain memory of the board, by name: only there may calls with addresses change something. It narrows \
         what the catalog knows of the chip, and never widens it to fuses, option bytes and registers.";
    tool_files: Shape::Named(&Shape::Map(ToolFileKeys::kind)), "Files that come with a tool.";
    fault_groups: Shape::Named(&Shape::Either(&[CLASS, Shape::List(&CLASS)])),
        "Names for classes of fault that are meant together; `on` and `on_fault` take them like a class.";
    procedures: Shape::Named(&Shape::Either(&[STEPS, Shape::Map(ProcedureKeys::kind)])),
        "Steps by name, for `do`: a list of them, or a map with parameters.";
    steps: STEPS, "What is done, in this order.";
    afterwards: Shape::List(&Shape::Map(AfterwardsKeys::kind)), "What the person is told after a recovery.";
    virtual_board: Shape::Map(VirtualBoardKeys::kind),
        "The board that --simulate and tests put on the bench: a model and its settings.";
}

keys! {
    DEVICE: DeviceKeys = "a device", part("device"),
        about("Exactly one of usb, hid and serial, with one or more USB ids."),
        ways(Ways::OneOf(&[Way::With(&["usb"]), Way::With(&["hid"]), Way::With(&["serial"])]));
    usb: TEXTS, "USB ids; tools open its USB device node.";
    hid: TEXTS, "USB ids; tools open its HID node.";
    serial: TEXTS, "USB ids of a USB-to-serial bridge; tools open its port.";
    label: Shape::Text, "What people call it.";
    identifies: FLAG,
        "no: other boards show the same id, so that this one counts only when it came while the person moved, when \
         the person says so, or when --port or --serial chose it. Without the key the catalog of tools decides.";
    identity: Shape::Map(IdentityKeys::kind),
        "What the device must tell of itself; compared before the first change, and a difference ends the run.";
    state: Shape::Words(|| words(&DeviceState::ALL)),
        "In which state a board is that shows so: its firmware runs, its own bootloader works, or it can be rescued. \
         Only where the id alone tells.";
    starts_from: TEXTS,
        "What must be whole in the board's memory for it to show so, and nothing else: names of inputs and of tool_files, \
         and ranges such as 0x60000000+0x1000. What an interrupted run leaves of the board is worked out from it.";
    settle: TIME, "For so long it must be there, or be gone, to count as that. Default: 300ms for usb, else 0s.";
    args: Shape::Named(&Shape::List(&SCALAR)),
        "By tool, the arguments that each call with this device begins with.";
}

keys! {
    IDENTITY: IdentityKeys = "`identity`", ways(Ways::NotEmpty);
    product: Shape::Text, "A pattern for its product string.";
    interface: TEXTS,
        "One of these is among its interface strings, blanks aside; some ROMs put the layout of their flash there.";
    version: SCALAR, "A pattern for its release number (bcdDevice) in four hexadecimal digits.";
    answers: Shape::Map(ReadingKeys::kind), "What it answers to a tool.";
}

keys! {
    TOOL_FILE: ToolFileKeys = "a file of a tool";
    tool: Shape::Text, "A tool that some step runs.", required();
    file: Shape::Text, "Path below the tool's own folder.", required();
}

keys! {
    AFTERWARDS: AfterwardsKeys = "an entry of `afterwards`";
    when: EXPRESSION, "Only where this holds.";
    text: Shape::Text, "The text; its line breaks are kept.", required();
}

keys! {
    VIRTUAL_BOARD: VirtualBoardKeys = "the virtual board", others(Shape::AnyMap);
    model: Shape::Text, "`recover list --models` tells which there are, with their settings.", required();
}

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
        reader.report(Diagnostic::of_document(Code::EmptyDocument, format!("{} is empty", source.name)));
        return Loaded { playbook: None, diagnostics: reader.diagnostics };
    }
    let (yaml, joined) = join_families(&mut reader, yaml, &PlaybookKeys::kind().names(), families);
    let playbook = read_playbook(&mut reader, &yaml, source, joined);
    Loaded { playbook, diagnostics: without_repetitions(reader.diagnostics) }
}

fn read_playbook(reader: &mut Reader, yaml: &Yaml, source: &Arc<Source>, joined: Joined) -> Option<Playbook> {
    let top = reader.parts(yaml, &PLAYBOOK)?;
    reader.is_of_format(top.get(PLAYBOOK.format))?;
    let board = top.get(PLAYBOOK.board).and_then(|board| reader.name(board));
    let aliases = top.get(PLAYBOOK.aliases).map(|list| reader.one_or_more(list, "names")).unwrap_or_default();
    let aliases = aliases.iter().filter_map(|item| reader.name(item)).collect();
    let images = top.get(PLAYBOOK.images).and_then(|images| reader.text(images));
    let summary = top.get(PLAYBOOK.summary).and_then(|summary| reader.prose(summary));
    let sources = top.get(PLAYBOOK.sources).map(|list| reader.one_or_more(list, "sources")).unwrap_or_default();
    let sources = sources.iter().filter_map(|item| reader.prose(item)).collect();
    let drawing = top.get(PLAYBOOK.drawing).and_then(|drawing| read_drawing(reader, drawing));
    let inputs = top.get(PLAYBOOK.inputs).map(|map| reader.named(map, "inputs")).unwrap_or_default();
    let inputs: Vec<Input> =
        inputs.into_iter().filter_map(|(name, key, value)| read_input(reader, name, &key.place, value)).collect();
    report_equal_file_names(reader, &inputs);
    if let Some(map) = top.get(PLAYBOOK.fault_groups) {
        read_fault_groups(reader, map);
    }
    if let Some(map) = top.get(PLAYBOOK.procedures) {
        read_procedures(reader, map);
    }
    let devices = top.get(PLAYBOOK.devices).map(|map| reader.named(map, "devices")).unwrap_or_default();
    for (name, _, value) in &devices {
        read_device_args(reader, name, value);
    }
    let devices =
        devices.into_iter().filter_map(|(name, key, value)| read_device(reader, name, &key.place, value)).collect();
    let variables = top.get(PLAYBOOK.variables).map(|map| reader.named(map, "variables")).unwrap_or_default();
    let variables =
        variables.into_iter().filter_map(|(name, key, value)| read_variable(reader, name, &key.place, value)).collect();
    let tool_files = top.get(PLAYBOOK.tool_files).map(|map| reader.named(map, "tool_files")).unwrap_or_default();
    let tool_files = tool_files
        .into_iter()
        .filter_map(|(name, key, value)| read_tool_file(reader, name, &key.place, value))
        .collect();
    let memories = top.get(PLAYBOOK.memories).map(|map| reader.named(map, "memories")).unwrap_or_default();
    let memories = memories.into_iter().filter_map(|(name, _, range)| Some((name, reader.parsed(range)?))).collect();
    let virtual_board = top.get(PLAYBOOK.virtual_board).and_then(|board| read_virtual_board(reader, board));
    let steps = top.get(PLAYBOOK.steps).map(|steps| read_steps(reader, steps, "step", 0));
    if steps.is_none() && joined == Joined::Whole {
        let beginning = Place::new(Arc::clone(source), 0, 0);
        let diagnostic = Diagnostic::error(Code::MissingKey, &beginning, "the key `steps` is missing");
        reader.report(diagnostic.hint("a playbook is a list of steps; the smallest one is `refuse:` with a text"));
    }
    if steps.is_some() {
        report_uncalled(reader, source);
        report_unused_args(reader);
    }
    let afterwards = top.get(PLAYBOOK.afterwards).map(|list| reader.list(list, "texts")).unwrap_or_default();
    let afterwards = afterwards.iter().filter_map(|item| read_afterwards(reader, item)).collect();
    Some(Playbook {
        source: Arc::clone(source),
        board: board?.value,
        aliases,
        images,
        summary,
        sources,
        drawing,
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
                reader.report(Diagnostic::error(Code::BadName, &key.place, error.to_string()));
                continue;
            }
        };
        if FaultClass::ALL.iter().any(|class| class.word() == name.as_str()) {
            let message = format!("`{name}` is a class of fault itself");
            reader.report(
                Diagnostic::error(Code::DuplicateName, &key.place, message).hint("give the group another name"),
            );
            continue;
        }
        let mut classes = Vec::new();
        for class in reader.one_or_more(list, "classes of fault") {
            add_classes(&mut classes, read_class(reader, class));
        }
        reader.fault_groups.insert(name, classes);
    }
}

/// Before any step is read, because a step's call is read with them.
fn read_device_args(reader: &mut Reader, device: &Id, yaml: &Yaml) {
    let Some(map) = yaml.get(DEVICE.args.name) else { return };
    let Some(map) = reader.open_map(map, "arguments by tool") else { return };
    for (tool, args) in map.all() {
        let weight = weight(args);
        let args = reader.list(args, "args");
        let args = args.iter().filter_map(|arg| reader.template(arg)).collect();
        let tool = Located { value: tool.text.clone(), place: tool.place.clone() };
        reader.device_args.push(DeviceArgs { device: device.clone(), tool, args, weight, used: false });
    }
}

fn report_unused_args(reader: &mut Reader) {
    let unused = std::mem::take(&mut reader.device_args);
    for DeviceArgs { device, tool, .. } in unused.iter().filter(|args| !args.used) {
        let message = format!("no step runs `{}` with the device `{device}`", tool.value);
        let hint = format!("a step has them with `run: {}` and `device: {device}`", tool.value);
        reader.report(Diagnostic::error(Code::Unused, &tool.place, message).hint(hint));
    }
}

fn read_tool_file(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<ToolFile> {
    let parts = reader.parts_of_named((name.as_str(), place), yaml, &TOOL_FILE)?;
    let (tool, file) = (parts.get(TOOL_FILE.tool)?, parts.get(TOOL_FILE.file)?);
    let (tool, file) = (reader.text(tool), reader.name(file)?);
    if let Some(reason) = leaves_its_folder(&file.value) {
        reader.report(Diagnostic::error(Code::UnsafePath, &file.place, format!("`{}` {reason}", file.value)));
    }
    Some(ToolFile { name, place: place.clone(), tool: tool?, file })
}

/// A device that tools claim as a whole shows on the bus before it answers: `dfu-util` then fails with "Failed to retrieve
/// language identifiers" (observed; see its FAQ on `-w`). The nodes of HID and serial devices come only after that.
const SETTLE_USB: Duration = Duration::from_millis(300);

fn read_device(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<Device> {
    let parts = reader.parts(yaml, &DEVICE)?;
    let kinds = [(DEVICE.usb, DeviceKind::Usb), (DEVICE.hid, DeviceKind::Hid), (DEVICE.serial, DeviceKind::Serial)];
    let given: Vec<_> =
        kinds.into_iter().filter_map(|(key, kind)| parts.get(key).map(|value| (key, kind, value))).collect();
    if given.len() != 1 {
        reader.report(
            Diagnostic::error(
                Code::ExclusiveKeys,
                place,
                format!("the device `{name}` needs exactly one of `usb`, `hid`, `serial`"),
            )
            .hint("`hid` for devices whose tools use HID, `serial` for USB-to-serial bridges; with the USB id"),
        );
    }
    let kind = given.first().map_or(DeviceKind::Usb, |(_, kind, _)| *kind);
    let (mut ids, mut id_places) = (Vec::new(), Vec::new());
    for (_, _, value) in given {
        let items = reader.one_or_more(value, "USB ids");
        if items.is_empty() && matches!(value.kind, YamlKind::List(_)) {
            reader.report(Diagnostic::error(
                Code::EmptyList,
                place,
                format!("the device `{name}` needs at least one USB id"),
            ));
        }
        for id in items.iter().filter_map(|id| reader.parsed::<UsbId>(id)) {
            ids.push(id.value);
            id_places.push(id.place);
        }
    }
    let label =
        parts.get(DEVICE.label).and_then(|label| reader.name_of_lines(label)).unwrap_or_else(|| name.to_string());
    let settle = parts.get(DEVICE.settle).and_then(|settle| reader.time(settle)).unwrap_or(match kind {
        DeviceKind::Usb => SETTLE_USB,
        DeviceKind::Hid | DeviceKind::Serial => Duration::ZERO,
    });
    let identifies = parts.get(DEVICE.identifies).and_then(|flag| reader.flag(flag)).map(|flag| flag.value);
    let identity = parts.get(DEVICE.identity).and_then(|identity| read_identity(reader, &name, identity));
    let state = parts.get(DEVICE.state).and_then(|state| read_state(reader, state));
    let starts_from = parts.get(DEVICE.starts_from).map(|list| reader.one_or_more(list, "files and ranges"));
    let starts_from = starts_from.unwrap_or_default().iter().filter_map(|part| read_start_part(reader, part)).collect();
    // A device that is wrong stays declared, so that its uses are not reported as well.
    let place = place.clone();
    Some(Device { name, place, ids, id_places, kind, label, identifies, identity, state, starts_from, settle })
}

/// Only a range has a `+` in it, which no name can have.
fn read_start_part(reader: &mut Reader, yaml: &Yaml) -> Option<Located<StartPart>> {
    if matches!(&yaml.kind, YamlKind::Scalar { text, .. } if is_range(text)) {
        let range = reader.parsed(yaml)?;
        return Some(Located { value: StartPart::Range(range.value), place: range.place });
    }
    let file = reader.named_value(yaml)?;
    Some(Located { value: StartPart::File(file.value), place: file.place })
}

/// No name of a file begins with a digit.
fn is_range(text: &str) -> bool {
    text.contains('+') || text.starts_with(|letter: char| letter.is_ascii_digit())
}

fn read_state(reader: &mut Reader, yaml: &Yaml) -> Option<DeviceState> {
    let unknown = |word: &str| format!("a board cannot be in the state `{word}`");
    reader.one_of(yaml, &DeviceState::ALL, unknown).map(|state| state.value)
}

fn read_identity(reader: &mut Reader, device: &Id, yaml: &Yaml) -> Option<Identity> {
    let parts = reader.parts(yaml, &IDENTITY)?;
    let interface = parts.get(IDENTITY.interface).map(|list| reader.one_or_more(list, "interface strings"));
    let prefix = format!("{device}-identity");
    Some(Identity {
        product: parts.get(IDENTITY.product).and_then(|pattern| reader.pattern(pattern)),
        interface: interface.unwrap_or_default().iter().filter_map(|text| reader.prose(text)).collect(),
        version: parts.get(IDENTITY.version).and_then(|pattern| reader.pattern(pattern)),
        answers: parts.get(IDENTITY.answers).and_then(|reading| read_reading(reader, reading, &prefix, 0)),
    })
}

fn read_afterwards(reader: &mut Reader, yaml: &Yaml) -> Option<Afterwards> {
    let parts = reader.parts(yaml, &AFTERWARDS)?;
    let text = parts.get(AFTERWARDS.text)?;
    // Its line breaks are kept: it may hold commands to copy.
    Some(Afterwards {
        when: parts.get(AFTERWARDS.when).and_then(|when| reader.expression(when)),
        text: reader.template(text)?,
    })
}

fn read_virtual_board(reader: &mut Reader, yaml: &Yaml) -> Option<VirtualBoard> {
    let map = reader.parts(yaml, &VIRTUAL_BOARD)?;
    let model = reader.text(map.get(VIRTUAL_BOARD.model)?)?;
    let settings = map.all().iter().filter(|(key, _)| key.text != VIRTUAL_BOARD.model.name).cloned().collect();
    Some(VirtualBoard { model, settings })
}
