//! Reads a scene, and notes everything wrong in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::documents::forms::{FLAG, SCALAR, TEXTS, TIME, words};
use crate::documents::keys::{Keys, Shape, Ways, keys};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::documents::reader::{Parts, Reader};
use crate::documents::scene::read_act::{
    ActKeys, ChangeKeys, read_acts, read_byte_limits, read_changes, read_output, read_time,
};
use crate::documents::scene::read_tools::{ToolKeys, read_tools};
use crate::documents::scene::{
    ArgumentPattern, Asked, BusChange, CallEnd, DeviceAccess, GivenFile, PersonReply, Scene, SceneCall, SceneDevice,
    ScenePerson, Times,
};
use crate::documents::{Key, Yaml, YamlKind, YamlLimits, parse_yaml_within};
use crate::words::{Code, Diagnostic, Id, Place, Source, UsbId, nearest};

/// A scene larger than this is refused unread.
pub const SCENE_BYTES_MAX: usize = 16 * 1024 * 1024;
const LIMITS: YamlLimits = YamlLimits { kind: "a scene", bytes_max: SCENE_BYTES_MAX, nodes_max: 200_000 };
const CALLS_MAX: usize = 2_000;
const DEVICES_MAX: usize = 64;
const TIMES_MAX: u32 = 1_000;

pub(super) const NUMBER: Shape =
    Shape::Part("number", "", &Shape::Either(&[Shape::From(0), Shape::TextLike("^0x[0-9a-fA-F]+$")]));
pub(super) const CHANGES: Shape = Shape::Part("changes", "", &Shape::List(&Shape::Map(ChangeKeys::kind)));

keys! {
    SCENE: SceneKeys = "a scene", document("A recover scene"),
        about("Mock tools as data: what each call of a tool prints, asks, writes and does to the bus. `recover run \
         --scene` and the cases of tests play it; `recover check` knows more than this schema.");
    format: Shape::OnlyNumber(1), "The format of this file: 1.", required(), when_missing("", "add `format: 1`");
    about: Shape::Text, "What the scene shows, for people.";
    tools: Shape::Named(&Shape::Map(ToolKeys::kind)), "The tools that play, each by its name in the catalog; a tool that is not here is not installed.", required(),
        when_missing(": the tools that play in the scene", "add `tools: {NAME: {version: \"what it prints when asked for its version\"}}`");
    devices: Shape::Named(&Shape::Map(DeviceKeys::kind)),
        "What is on the bus, or comes, each by a name of your choice.";
    changes: CHANGES, "What happens on the bus by itself, counted from the beginning.";
    hands: Shape::NamedByWords(HandMove::words, &CHANGES), "What movements of the person's hands do to the bus.";
    person: Shape::List(&Shape::Map(PersonKeys::kind)),
        "What the person does when asked, in order for each kind of question; after the last entry, what a willing \
         person does.";
    files: Shape::Named(&Shape::Map(FileKeys::kind)), "The inputs to make up, by name.";
    set: Shape::Named(&SCALAR), "Values of the playbook's variables, as with --set.";
    allow: TEXTS, "Irreversible steps that are agreed to beforehand.";
    interactive: FLAG, "no: nobody may be asked, as with --non-interactive.";
    port: Shape::Text, "The board that was chosen, as with --port.";
    serial: Shape::Text, "The board that was chosen, as with --serial.";
    calls: Shape::List(&Shape::Map(CallKeys::kind)), "The calls that may be made; those of one tool in this order.";
}

keys! {
    DEVICE: DeviceKeys = "a device", part("device");
    id: Shape::TextLike("^[0-9a-fA-F]{4}:[0-9a-fA-F]{4}$"), "Its USB id, such as \"1fc9:0135\".", required(),
        when_missing("", "its USB id, such as `id: \"1fc9:0135\"`");
    port: Shape::Text, "Where it is attached; 1-1 without it.";
    serial: Shape::Text, "Its serial number.";
    product: Shape::Text, "Its product string.";
    interfaces: TEXTS, "Its interface strings.";
    version: SCALAR, "Its release number (bcdDevice): four hexadecimal digits.";
    kind: Shape::Words(|| words(&DEVICE_KINDS)), "How tools open it; usb without it.";
    access: Shape::Words(|| words(&DeviceAccess::ALL)), "May the person use it? permitted without it.";
    attached: FLAG, "no: it comes later.";
}

keys! {
    PERSON: PersonKeys = "an entry of `person`";
    asked: Shape::Words(|| words(&Asked::ALL)), "For what: hands (to do something to the board), consent (to what can never be undone), which-board (whether what is there is the board that is meant; without an entry it is), healthy (whether a board that runs its firmware is to be rewritten; it is), answer (to a question of a tool).", required();
    after: TIME, "How long after the question the reply comes.";
    says: SCALAR, "The line that is typed; the empty one is ENTER.";
    gone: FLAG, "yes: nobody is there.";
    silent: FLAG, "yes: the person does not answer at all.";
    changes: CHANGES, "What the hands do to the bus, counted from the question.";
}

keys! {
    FILE: FileKeys = "a file", ways(Ways::NotEmpty);
    size: NUMBER, "Made up with so many bytes.";
    given: FLAG, "no: the person gives none.";
}

keys! {
    CALL: CallKeys = "a call", part("call");
    run: Shape::Text, "The tool.", required(), when_missing(": the name of its tool", "");
    args: Shape::List(&SCALAR), "Its arguments: * within one stands for any text, ... for any further ones.";
    times: Shape::Integer(1, TIMES_MAX), "How often it is made; once without it.";
    any_order: FLAG, "yes: at any time, not only in its turn.";
    repeat: FLAG, "yes: any number of times, at any time, but at least once.";
    optional: FLAG, "yes: it may also be left out, or be made less often.";
    out: Shape::Text, "What it prints on standard output, before what it does.";
    err: Shape::Text, "What it prints on standard error, before what it does.";
    does: Shape::List(&Shape::Map(ActKeys::kind)), "What the tool does, in order.";
    exit: Shape::Integer(0, 255), "Its exit code; 0 without it.";
    hangs: FLAG, "yes: it never ends by itself.";
    signal: Shape::Integer(1, 31), "The signal that kills it.";
    afterwards: CHANGES, "What happens on the bus once it has ended, counted from its end.";
}

/// What came of a document: the scene, unless there are errors, and everything wrong with it.
#[derive(Debug)]
pub struct LoadedScene {
    pub scene: Option<Scene>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a scene. Nothing is checked against a catalog yet; that is [`crate::documents::scene::check_scene`]'s part.
pub fn load_scene(source: &Arc<Source>) -> LoadedScene {
    let yaml = match parse_yaml_within(source, LIMITS) {
        Ok(yaml) => yaml,
        Err(diagnostic) => return LoadedScene { scene: None, diagnostics: vec![diagnostic] },
    };
    let mut reader = Reader::default();
    if matches!(yaml.kind, YamlKind::Null) {
        reader.report(Diagnostic::of_document(Code::EmptyDocument, format!("{} is empty", source.name)));
        return LoadedScene { scene: None, diagnostics: reader.diagnostics };
    }
    let scene = read_scene(&mut reader, &yaml, source);
    LoadedScene { scene: scene.filter(|_| reader.diagnostics.is_empty()), diagnostics: reader.diagnostics }
}

fn read_scene(reader: &mut Reader, yaml: &Yaml, source: &Arc<Source>) -> Option<Scene> {
    let top = reader.parts(yaml, &SCENE)?;
    reader.is_of_format(top.get(SCENE.format))?;
    let beginning = Place::new(Arc::clone(source), 0, 0);
    let tools = read_tools(reader, top.get(SCENE.tools));
    let devices = top.get(SCENE.devices).and_then(|map| reader.open_map(map, "devices"));
    let devices = devices.map(|map| map.all()).unwrap_or_default();
    let devices: Vec<SceneDevice> = devices.iter().filter_map(|(key, value)| read_device(reader, key, value)).collect();
    if devices.len() > DEVICES_MAX {
        let message = format!("{} devices are declared, and a scene has at most {DEVICES_MAX}", devices.len());
        reader.report(Diagnostic::error(Code::TooMuch, &beginning, message));
    }
    let mut scene = Scene { tools, devices, ..Scene::default() };
    scene.about = top.get(SCENE.about).and_then(|about| reader.prose(about));
    scene.port = reader.plain_text(top.get(SCENE.port));
    scene.serial = reader.plain_text(top.get(SCENE.serial));
    scene.changes = read_changes(reader, top.get(SCENE.changes), &scene);
    scene.hands = read_hands(reader, top.get(SCENE.hands), &scene);
    let person = top.get(SCENE.person).map(|list| reader.list(list, "what the person does")).unwrap_or_default();
    scene.person = person.iter().filter_map(|entry| read_person(reader, entry, &scene)).collect();
    scene.files = read_files(reader, top.get(SCENE.files));
    scene.set = read_set(reader, top.get(SCENE.set));
    let allow = top.get(SCENE.allow).map(|list| reader.one_or_more(list, "steps")).unwrap_or_default();
    scene.allow = allow.iter().filter_map(|step| reader.parsed::<Id>(step)).map(|step| step.value).collect();
    scene.nobody = !top.get(SCENE.interactive).and_then(|flag| yes_or_no(reader, flag)).unwrap_or(true);
    let calls = top.get(SCENE.calls).map(|list| reader.list(list, "calls")).unwrap_or_default();
    if calls.len() > CALLS_MAX {
        let message = format!("{} calls are declared, and a scene has at most {CALLS_MAX}", calls.len());
        reader.report(Diagnostic::error(Code::TooMuch, &beginning, message));
        return None;
    }
    scene.calls = calls.iter().filter_map(|call| read_call(reader, call, &scene)).collect();
    Some(scene)
}

fn read_device(reader: &mut Reader, key: &Key, yaml: &Yaml) -> Option<SceneDevice> {
    let Key { text: name, place } = key;
    if let Err(error) = name.parse::<Id>() {
        reader.report(Diagnostic::error(Code::BadName, place, error.to_string()));
    }
    let parts = reader.parts_of_named((name, place), yaml, &DEVICE)?;
    let id = reader.parsed::<UsbId>(parts.get(DEVICE.id)?)?.value;
    let kind = parts.get(DEVICE.kind).and_then(|kind| one_of(reader, kind, &DEVICE_KINDS));
    let interfaces =
        parts.get(DEVICE.interfaces).map(|list| reader.one_or_more(list, "interface strings")).unwrap_or_default();
    let access = parts.get(DEVICE.access).and_then(|access| one_of(reader, access, &DeviceAccess::ALL));
    let attached = parts.get(DEVICE.attached).and_then(|flag| yes_or_no(reader, flag));
    Some(SceneDevice {
        name: name.clone(),
        id,
        port: reader.plain_text(parts.get(DEVICE.port)).unwrap_or_else(|| "1-1".to_owned()),
        serial: reader.plain_text(parts.get(DEVICE.serial)),
        product: reader.plain_text(parts.get(DEVICE.product)),
        interfaces: interfaces.iter().filter_map(|text| reader.text(text)).map(|text| text.value).collect(),
        version: parts.get(DEVICE.version).and_then(|version| read_release(reader, version)),
        kind: kind.unwrap_or(DeviceKind::Usb),
        access: access.unwrap_or(DeviceAccess::Permitted),
        attached: attached.unwrap_or(true),
    })
}

/// Four hexadecimal digits.
fn read_release(reader: &mut Reader, yaml: &Yaml) -> Option<u16> {
    let text = reader.text(yaml)?;
    let read = (text.value.len() == 4).then(|| u16::from_str_radix(&text.value, 16).ok()).flatten();
    if read.is_none() {
        let message = format!("`{}` is not a release number: four hexadecimal digits are needed", text.value);
        reader.report(Diagnostic::error(Code::Malformed, &text.place, message));
    }
    read
}

/// One of the known words, whatever they are about.
fn one_of<T: Copy>(reader: &mut Reader, yaml: &Yaml, known: &[(&str, T)]) -> Option<T> {
    reader.one_of(yaml, known, |word| format!("`{word}` is not known here")).map(|found| found.value)
}

const DEVICE_KINDS: [(&str, DeviceKind); 3] =
    [("usb", DeviceKind::Usb), ("hid", DeviceKind::Hid), ("serial", DeviceKind::Serial)];

/// Also in the other spellings of YAML.
fn yes_or_no(reader: &mut Reader, yaml: &Yaml) -> Option<bool> {
    one_of(reader, yaml, &[("true", true), ("false", false), ("yes", true), ("no", false)])
}

fn read_hands(reader: &mut Reader, tree: Option<&Yaml>, scene: &Scene) -> Vec<(HandMove, Vec<BusChange>)> {
    let Some(map) = tree.and_then(|tree| reader.map(tree, "`hands`", &words(&HandMove::ALL))) else {
        return Vec::new();
    };
    let moved = HandMove::ALL.into_iter().filter_map(|(word, hand_move)| Some((hand_move, map.get(word)?)));
    moved.map(|(hand_move, list)| (hand_move, read_changes(reader, Some(list), scene))).collect()
}

fn read_person(reader: &mut Reader, yaml: &Yaml, scene: &Scene) -> Option<ScenePerson> {
    let parts = reader.parts(yaml, &PERSON)?;
    let asked = one_of(reader, parts.get(PERSON.asked)?, &Asked::ALL)?;
    let says = reader.plain_text(parts.get(PERSON.says)).map(PersonReply::Line);
    let gone = is_yes(reader, parts.get(PERSON.gone)).then_some(PersonReply::Gone);
    let silent = is_yes(reader, parts.get(PERSON.silent)).then_some(PersonReply::Silent);
    let replies: Vec<PersonReply> = [says, gone, silent].into_iter().flatten().collect();
    if replies.len() > 1 {
        reader.report(Diagnostic::error(
            Code::ExclusiveKeys,
            parts.place(),
            "only one of `says`, `gone` and `silent` can be",
        ));
    }
    Some(ScenePerson {
        asked,
        after_ms: read_time(reader, parts.get(PERSON.after)),
        reply: replies.into_iter().next(),
        changes: read_changes(reader, parts.get(PERSON.changes), scene),
    })
}

fn is_yes(reader: &mut Reader, tree: Option<&Yaml>) -> bool {
    tree.and_then(|value| yes_or_no(reader, value)).unwrap_or(false)
}

fn read_files(reader: &mut Reader, tree: Option<&Yaml>) -> BTreeMap<Id, GivenFile> {
    let files = tree.map(|map| reader.named(map, "files")).unwrap_or_default();
    let mut found = BTreeMap::new();
    for (name, _, value) in files {
        let Some(parts) = reader.parts(value, &FILE) else { continue };
        let given = parts.get(FILE.given).and_then(|flag| yes_or_no(reader, flag)).unwrap_or(true);
        let size = parts.get(FILE.size).and_then(|size| read_byte_limits(reader, size));
        match (given, size) {
            (false, _) => drop(found.insert(name, GivenFile::NotGiven)),
            (true, Some(size)) => drop(found.insert(name, GivenFile::Size(size))),
            (true, None) => {
                let diagnostic = Diagnostic::error(
                    Code::MissingKey,
                    parts.place(),
                    format!("the file `{name}` needs the key `size`"),
                );
                reader.report(diagnostic.hint("its size in bytes, or `given: no`"));
            }
        }
    }
    found
}

fn read_set(reader: &mut Reader, tree: Option<&Yaml>) -> BTreeMap<Id, String> {
    let values = tree.map(|map| reader.named(map, "values")).unwrap_or_default();
    values.into_iter().filter_map(|(name, _, value)| Some((name, reader.text(value)?.value))).collect()
}

fn read_call(reader: &mut Reader, yaml: &Yaml, scene: &Scene) -> Option<SceneCall> {
    let parts = reader.parts(yaml, &CALL)?;
    let tool = parts.get(CALL.run)?;
    let tool = reader.text(tool)?;
    if !scene.tools.iter().any(|known| known.name.value == tool.value) {
        let diagnostic = Diagnostic::error(
            Code::UnknownTool,
            &tool.place,
            format!("the tool `{}` is not among `tools`", tool.value),
        );
        let known = scene.tools.iter().map(|known| known.name.value.as_str());
        reader.report(match nearest(&tool.value, known) {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic.hint(format!("add `{}: {{version: …}}` to `tools`", tool.value)),
        });
    }
    let args = parts.get(CALL.args).map(|args| reader.list(args, "args")).unwrap_or_default();
    let args = args
        .iter()
        .filter_map(|arg| reader.text(arg))
        .map(|text| ArgumentPattern::read(&text.value))
        .collect::<Vec<_>>();
    let mut acts = read_output(reader, [parts.get(CALL.out), parts.get(CALL.err)]);
    acts.extend(read_acts(reader, parts.get(CALL.does), scene, &args));
    Some(SceneCall {
        times: read_times(reader, &parts),
        optional: is_yes(reader, parts.get(CALL.optional)),
        end: read_end(reader, &parts),
        afterwards: read_changes(reader, parts.get(CALL.afterwards), scene),
        tool,
        args,
        acts,
    })
}

fn read_times(reader: &mut Reader, parts: &Parts<'_, CallKeys>) -> Times {
    let times = parts.get(CALL.times).and_then(|times| reader.count(times, 1..=TIMES_MAX));
    let repeat = is_yes(reader, parts.get(CALL.repeat));
    let any_order = is_yes(reader, parts.get(CALL.any_order));
    if repeat && (times.is_some() || any_order) {
        let place = parts.key_place(CALL.repeat).unwrap_or_else(|| parts.place());
        let message =
            "`repeat` allows any number of calls at any time, so `times` and `any_order` say nothing beside it";
        reader.report(Diagnostic::error(Code::Contradiction, place, message).hint("keep one of them"));
    }
    match (repeat, any_order) {
        (true, _) => Times::Repeated,
        (false, true) => Times::AnyOrder(times.unwrap_or(1)),
        (false, false) => Times::InOrder(times.unwrap_or(1)),
    }
}

fn read_end(reader: &mut Reader, parts: &Parts<'_, CallKeys>) -> CallEnd {
    const SIGNALS: std::ops::RangeInclusive<u32> = 1..=31;
    let number = |count: u32| i32::try_from(count).unwrap_or(0);
    let exit =
        parts.get(CALL.exit).and_then(|code| reader.count(code, 0..=255)).map(|code| CallEnd::Exit(number(code)));
    let hangs = is_yes(reader, parts.get(CALL.hangs)).then_some(CallEnd::Hangs);
    let signal = parts.get(CALL.signal).and_then(|signal| reader.count(signal, SIGNALS));
    let ends: Vec<CallEnd> =
        [exit, hangs, signal.map(|signal| CallEnd::Signal(number(signal)))].into_iter().flatten().collect();
    if ends.len() > 1 {
        let message = "a call ends in one way: only one of `exit`, `hangs` and `signal` can be";
        reader.report(Diagnostic::error(Code::ExclusiveKeys, parts.place(), message));
    }
    ends.first().copied().unwrap_or(CallEnd::Exit(0))
}
