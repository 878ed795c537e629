//! Reads a scene, and notes everything wrong in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::documents::playbook::reader::{Entries, Reader};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::documents::scene::read_act::{read_acts, read_byte_limits, read_changes, read_output, read_time};
use crate::documents::scene::read_tools::read_tools;
use crate::documents::scene::{
    ArgumentPattern, Asked, BusChange, CallEnd, DeviceAccess, GivenFile, PersonReply, Scene, SceneCall, SceneDevice,
    ScenePerson, Times,
};
use crate::documents::{Key, Yaml, YamlKind, YamlLimits, parse_yaml_within};
use crate::words::{Diagnostic, Id, Place, Source, UsbId, meant_or_known, nearest};

/// A scene larger than this is refused unread.
pub const SCENE_BYTES_MAX: usize = 16 * 1024 * 1024;
const LIMITS: YamlLimits = YamlLimits { kind: "a scene", bytes_max: SCENE_BYTES_MAX, nodes_max: 200_000 };
const CALLS_MAX: usize = 2_000;
const DEVICES_MAX: usize = 64;
const FORMAT: &str = "1";
const TOP_KEYS: &[&str] = &[
    "format",
    "about",
    "tools",
    "devices",
    "changes",
    "hands",
    "person",
    "files",
    "set",
    "allow",
    "interactive",
    "port",
    "serial",
    "calls",
];

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
        reader.report(Diagnostic::of_document(format!("{} is empty", source.name)));
        return LoadedScene { scene: None, diagnostics: reader.diagnostics };
    }
    let scene = read_scene(&mut reader, &yaml, source);
    LoadedScene { scene: scene.filter(|_| reader.diagnostics.is_empty()), diagnostics: reader.diagnostics }
}

fn read_scene(reader: &mut Reader, yaml: &Yaml, source: &Arc<Source>) -> Option<Scene> {
    let top = reader.map(yaml, "a scene", TOP_KEYS)?;
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
    let tools = read_tools(reader, &top, &beginning);
    let devices = top.get("devices").and_then(|map| reader.open_map(map, "devices"));
    let devices = devices.map(|map| map.all()).unwrap_or_default();
    let devices: Vec<SceneDevice> = devices.iter().filter_map(|(key, value)| read_device(reader, key, value)).collect();
    if devices.len() > DEVICES_MAX {
        let message = format!("{} devices are declared, and a scene has at most {DEVICES_MAX}", devices.len());
        reader.report(Diagnostic::error(&beginning, message));
    }
    let mut scene = Scene { tools, devices, ..Scene::default() };
    scene.about = top.get("about").and_then(|about| reader.prose(about));
    scene.port = text_of(reader, &top, "port");
    scene.serial = text_of(reader, &top, "serial");
    scene.changes = read_changes(reader, top.get("changes"), &scene);
    scene.hands = read_hands(reader, &top, &scene);
    let person = top.get("person").map(|list| reader.list(list, "what the person does")).unwrap_or_default();
    scene.person = person.iter().filter_map(|entry| read_person(reader, entry, &scene)).collect();
    scene.files = read_files(reader, &top);
    scene.set = read_set(reader, &top);
    let allow = top.get("allow").map(|list| reader.one_or_more(list, "steps")).unwrap_or_default();
    scene.allow = allow.iter().filter_map(|step| reader.parsed::<Id>(step)).map(|step| step.value).collect();
    scene.nobody = !top.get("interactive").and_then(|flag| yes_or_no(reader, flag)).unwrap_or(true);
    let calls = top.get("calls").map(|list| reader.list(list, "calls")).unwrap_or_default();
    if calls.len() > CALLS_MAX {
        let message = format!("{} calls are declared, and a scene has at most {CALLS_MAX}", calls.len());
        reader.report(Diagnostic::error(&beginning, message));
        return None;
    }
    scene.calls = calls.iter().filter_map(|call| read_call(reader, call, &scene)).collect();
    Some(scene)
}

fn text_of(reader: &mut Reader, entries: &Entries<'_>, key: &str) -> Option<String> {
    entries.get(key).and_then(|value| reader.text(value)).map(|text| text.value)
}

fn read_device(reader: &mut Reader, key: &Key, yaml: &Yaml) -> Option<SceneDevice> {
    let Key { text: name, place } = key;
    if let Err(error) = name.parse::<Id>() {
        reader.report(Diagnostic::error(place, error.to_string()));
    }
    let known = ["id", "port", "serial", "product", "interfaces", "version", "kind", "access", "attached"];
    let parts = reader.map(yaml, "a device", &known)?;
    let Some(id) = parts.get("id") else {
        let diagnostic = Diagnostic::error(place, format!("the device `{name}` needs the key `id`"));
        reader.report(diagnostic.hint("its USB id, such as `id: \"1fc9:0135\"`"));
        return None;
    };
    let id = reader.parsed::<UsbId>(id)?.value;
    let kinds = [("usb", DeviceKind::Usb), ("hid", DeviceKind::Hid), ("serial", DeviceKind::Serial)];
    let kind = parts.get("kind").and_then(|kind| one_of(reader, kind, &kinds));
    let interfaces =
        parts.get("interfaces").map(|list| reader.one_or_more(list, "interface strings")).unwrap_or_default();
    let access = parts.get("access").and_then(|access| one_of(reader, access, &DeviceAccess::ALL));
    let attached = parts.get("attached").and_then(|flag| yes_or_no(reader, flag));
    Some(SceneDevice {
        name: name.clone(),
        id,
        port: text_of(reader, &parts, "port").unwrap_or_else(|| "1-1".to_owned()),
        serial: text_of(reader, &parts, "serial"),
        product: text_of(reader, &parts, "product"),
        interfaces: interfaces.iter().filter_map(|text| reader.text(text)).map(|text| text.value).collect(),
        version: parts.get("version").and_then(|version| read_release(reader, version)),
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
        reader.report(Diagnostic::error(&text.place, message));
    }
    read
}

/// One of the known words.
fn one_of<T: Copy>(reader: &mut Reader, yaml: &Yaml, known: &[(&str, T)]) -> Option<T> {
    let text = reader.text(yaml)?;
    if let Some((_, value)) = known.iter().find(|(word, _)| *word == text.value) {
        return Some(*value);
    }
    let words = known.iter().map(|(word, _)| *word);
    let diagnostic = Diagnostic::error(&text.place, format!("`{}` is not known here", text.value));
    reader.report(diagnostic.hint(meant_or_known(&text.value, words)));
    None
}

/// Also in the other spellings of YAML.
fn yes_or_no(reader: &mut Reader, yaml: &Yaml) -> Option<bool> {
    one_of(reader, yaml, &[("true", true), ("false", false), ("yes", true), ("no", false)])
}

fn read_hands(reader: &mut Reader, top: &Entries<'_>, scene: &Scene) -> Vec<(HandMove, Vec<BusChange>)> {
    let Some(map) = top.get("hands").and_then(|map| reader.map(map, "`hands`", &HandMove::ALL.map(|(word, _)| word)))
    else {
        return Vec::new();
    };
    let mut hands = Vec::new();
    for (word, hand_move) in HandMove::ALL {
        if let Some(list) = map.get(word) {
            hands.push((hand_move, read_changes(reader, Some(list), scene)));
        }
    }
    hands
}

fn read_person(reader: &mut Reader, yaml: &Yaml, scene: &Scene) -> Option<ScenePerson> {
    let known = ["asked", "after", "says", "gone", "silent", "changes"];
    let parts = reader.map(yaml, "an entry of `person`", &known)?;
    let Some(asked) = parts.get("asked") else {
        let diagnostic = Diagnostic::error(parts.place(), "an entry of `person` needs the key `asked`");
        reader.report(diagnostic.hint("`hands`, `consent`, `which-board` or `answer`: what the person is asked for"));
        return None;
    };
    let asked = one_of(reader, asked, &Asked::ALL)?;
    let says = text_of(reader, &parts, "says").map(PersonReply::Line);
    let gone = flag(reader, &parts, "gone").then_some(PersonReply::Gone);
    let silent = flag(reader, &parts, "silent").then_some(PersonReply::Silent);
    let replies: Vec<PersonReply> = [says, gone, silent].into_iter().flatten().collect();
    if replies.len() > 1 {
        reader.report(Diagnostic::error(parts.place(), "only one of `says`, `gone` and `silent` can be"));
    }
    Some(ScenePerson {
        asked,
        after_ms: read_time(reader, &parts),
        reply: replies.into_iter().next(),
        changes: read_changes(reader, parts.get("changes"), scene),
    })
}

fn flag(reader: &mut Reader, parts: &Entries<'_>, key: &str) -> bool {
    parts.get(key).and_then(|value| yes_or_no(reader, value)).unwrap_or(false)
}

fn read_files(reader: &mut Reader, top: &Entries<'_>) -> BTreeMap<Id, GivenFile> {
    let files = top.get("files").map(|map| reader.named(map, "files")).unwrap_or_default();
    let mut found = BTreeMap::new();
    for (name, _, value) in files {
        let Some(parts) = reader.map(value, "a file", &["size", "given"]) else { continue };
        let given = parts.get("given").and_then(|flag| yes_or_no(reader, flag)).unwrap_or(true);
        let size = parts.get("size").and_then(|size| read_byte_limits(reader, size));
        match (given, size) {
            (false, _) => drop(found.insert(name, GivenFile::NotGiven)),
            (true, Some(size)) => drop(found.insert(name, GivenFile::Size(size))),
            (true, None) => {
                let diagnostic = Diagnostic::error(parts.place(), format!("the file `{name}` needs the key `size`"));
                reader.report(diagnostic.hint("its size in bytes, or `given: no`"));
            }
        }
    }
    found
}

fn read_set(reader: &mut Reader, top: &Entries<'_>) -> BTreeMap<Id, String> {
    let values = top.get("set").map(|map| reader.named(map, "values")).unwrap_or_default();
    values.into_iter().filter_map(|(name, _, value)| Some((name, reader.text(value)?.value))).collect()
}

const CALL_KEYS: &[&str] = &[
    "run",
    "args",
    "times",
    "any_order",
    "repeat",
    "optional",
    "out",
    "err",
    "does",
    "exit",
    "hangs",
    "signal",
    "afterwards",
];

fn read_call(reader: &mut Reader, yaml: &Yaml, scene: &Scene) -> Option<SceneCall> {
    let parts = reader.map(yaml, "a call", CALL_KEYS)?;
    let Some(tool) = parts.get("run") else {
        let diagnostic = Diagnostic::error(parts.place(), "a call needs the key `run`: the name of its tool");
        reader.report(diagnostic);
        return None;
    };
    let tool = reader.text(tool)?;
    if !scene.tools.iter().any(|known| known.name.value == tool.value) {
        let diagnostic = Diagnostic::error(&tool.place, format!("the tool `{}` is not among `tools`", tool.value));
        let known = scene.tools.iter().map(|known| known.name.value.as_str());
        reader.report(match nearest(&tool.value, known) {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic.hint(format!("add `{}: {{version: …}}` to `tools`", tool.value)),
        });
    }
    let args = parts.get("args").map(|args| reader.list(args, "args")).unwrap_or_default();
    let args = args
        .iter()
        .filter_map(|arg| reader.text(arg))
        .map(|text| ArgumentPattern::read(&text.value))
        .collect::<Vec<_>>();
    let mut acts = read_output(reader, &parts);
    acts.extend(read_acts(reader, parts.get("does"), scene, &args));
    Some(SceneCall {
        times: read_times(reader, &parts),
        optional: flag(reader, &parts, "optional"),
        end: read_end(reader, &parts),
        afterwards: read_changes(reader, parts.get("afterwards"), scene),
        tool,
        args,
        acts,
    })
}

fn read_times(reader: &mut Reader, parts: &Entries<'_>) -> Times {
    const TIMES_MAX: u32 = 1_000;
    let times = parts.get("times").and_then(|times| reader.count(times, 1..=TIMES_MAX));
    let repeat = flag(reader, parts, "repeat");
    let any_order = flag(reader, parts, "any_order");
    if repeat && (times.is_some() || any_order) {
        let place = parts.key_place("repeat").unwrap_or_else(|| parts.place());
        let message =
            "`repeat` allows any number of calls at any time, so `times` and `any_order` say nothing beside it";
        reader.report(Diagnostic::error(place, message).hint("keep one of them"));
    }
    match (repeat, any_order) {
        (true, _) => Times::Repeated,
        (false, true) => Times::AnyOrder(times.unwrap_or(1)),
        (false, false) => Times::InOrder(times.unwrap_or(1)),
    }
}

fn read_end(reader: &mut Reader, parts: &Entries<'_>) -> CallEnd {
    const SIGNALS: std::ops::RangeInclusive<u32> = 1..=31;
    let number = |count: u32| i32::try_from(count).unwrap_or(0);
    let exit = parts.get("exit").and_then(|code| reader.count(code, 0..=255)).map(|code| CallEnd::Exit(number(code)));
    let hangs = flag(reader, parts, "hangs").then_some(CallEnd::Hangs);
    let signal = parts.get("signal").and_then(|signal| reader.count(signal, SIGNALS));
    let ends: Vec<CallEnd> =
        [exit, hangs, signal.map(|signal| CallEnd::Signal(number(signal)))].into_iter().flatten().collect();
    if ends.len() > 1 {
        let message = "a call ends in one way: only one of `exit`, `hangs` and `signal` can be";
        reader.report(Diagnostic::error(parts.place(), message));
    }
    ends.first().copied().unwrap_or(CallEnd::Exit(0))
}
