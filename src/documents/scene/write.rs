//! A scene as text, as a recording leaves it: one act a line, so that people can read and change it.

use std::fmt::Write;

use crate::documents::playbook::{DeviceKind, HandMove};
use crate::documents::scene::{
    Act, Asked, BusChange, CallEnd, Content, Deed, DeviceAccess, FileName, GivenFile, PersonReply, Printed, Scene,
    SceneCall, SceneDevice, ScenePerson, SceneTool, Times,
};
use crate::words::{Id, Stream, hex_digits};

/// The document, with these remarks at its top.
pub fn write_scene(scene: &Scene, remarks: &[String]) -> String {
    let mut text = String::new();
    for remark in remarks.iter().flat_map(|remark| remark.lines()) {
        line(&mut text, 0, &format!("# {remark}"));
    }
    line(&mut text, 0, "format: 1");
    if let Some(about) = &scene.about {
        line(&mut text, 0, &format!("about: {}", quoted(about)));
    }
    line(&mut text, 0, if scene.tools.is_empty() { "tools: {}" } else { "tools:" });
    for tool in &scene.tools {
        self::tool(&mut text, tool);
    }
    section(&mut text, "files", scene.files.iter(), |(name, file)| match file {
        GivenFile::Size(size) => format!("{name}: {{size: {size}}}"),
        GivenFile::NotGiven => format!("{name}: {{given: no}}"),
    });
    section(&mut text, "set", scene.set.iter(), |(name, value)| format!("{name}: {}", quoted(value)));
    if !scene.allow.is_empty() {
        let steps: Vec<&str> = scene.allow.iter().map(Id::as_str).collect();
        line(&mut text, 0, &format!("allow: [{}]", steps.join(", ")));
    }
    if scene.nobody {
        line(&mut text, 0, "interactive: no");
    }
    for (key, value) in [("port", &scene.port), ("serial", &scene.serial)] {
        if let Some(value) = value {
            line(&mut text, 0, &format!("{key}: {}", quoted(value)));
        }
    }
    section(&mut text, "devices", scene.devices.iter(), device);
    changes(&mut text, 0, "changes", &scene.changes);
    if !scene.hands.is_empty() {
        line(&mut text, 0, "hands:");
    }
    for (hand_move, made) in &scene.hands {
        changes(&mut text, 1, word_of(&HandMove::ALL, *hand_move), made);
    }
    if !scene.person.is_empty() {
        line(&mut text, 0, "person:");
    }
    for entry in &scene.person {
        person(&mut text, entry);
    }
    line(&mut text, 0, if scene.calls.is_empty() { "calls: []" } else { "calls:" });
    for one in &scene.calls {
        call(&mut text, one);
    }
    text
}

fn tool(text: &mut String, tool: &SceneTool) {
    let flavour = tool.flavour.as_ref().map(|flavour| quoted(&flavour.value));
    let (name, version) = (quoted(&tool.name.value), quoted(&tool.version.value));
    if tool.files.is_empty() {
        let flavour = flavour.map(|flavour| format!(", flavour: {flavour}")).unwrap_or_default();
        return line(text, 1, &format!("{name}: {{version: {version}{flavour}}}"));
    }
    line(text, 1, &format!("{name}:"));
    line(text, 2, &format!("version: {version}"));
    if let Some(flavour) = flavour {
        line(text, 2, &format!("flavour: {flavour}"));
    }
    line(text, 2, "files:");
    for file in &tool.files {
        let held = (!file.beginning.is_empty()).then(|| format!("hex: \"{}\"", hex(&file.beginning)));
        let size = (held.is_none() || file.size_bytes > file.beginning.len() as u64)
            .then(|| format!("size: {}", file.size_bytes));
        let parts: Vec<String> = [size, held].into_iter().flatten().collect();
        line(text, 3, &format!("{}: {{{}}}", quoted(&file.path), parts.join(", ")));
    }
}

fn line(text: &mut String, depth: usize, content: &str) {
    // Writing to a string never fails.
    let _ = writeln!(text, "{:indent$}{content}", "", indent = depth * 2);
}

fn section<T>(text: &mut String, key: &str, items: impl ExactSizeIterator<Item = T>, show: impl Fn(T) -> String) {
    if items.len() > 0 {
        line(text, 0, &format!("{key}:"));
    }
    for item in items {
        line(text, 1, &show(item));
    }
}

fn device(device: &SceneDevice) -> String {
    let mut parts = vec![format!("id: \"{}\"", device.id), format!("port: {}", quoted(&device.port))];
    parts.extend(device.serial.as_ref().map(|serial| format!("serial: {}", quoted(serial))));
    parts.extend(device.product.as_ref().map(|product| format!("product: {}", quoted(product))));
    if !device.interfaces.is_empty() {
        let interfaces: Vec<String> = device.interfaces.iter().map(|text| quoted(text)).collect();
        parts.push(format!("interfaces: [{}]", interfaces.join(", ")));
    }
    parts.extend(device.version.map(|version| format!("version: \"{version:04x}\"")));
    match device.kind {
        DeviceKind::Usb => {}
        DeviceKind::Hid => parts.push("kind: hid".to_owned()),
        DeviceKind::Serial => parts.push("kind: serial".to_owned()),
    }
    if device.access != DeviceAccess::Permitted {
        parts.push(format!("access: {}", word_of(&DeviceAccess::ALL, device.access)));
    }
    if !device.attached {
        parts.push("attached: no".to_owned());
    }
    format!("{}: {{{}}}", device.name, parts.join(", "))
}

fn word_of<T: PartialEq + Copy>(all: &[(&'static str, T)], value: T) -> &'static str {
    all.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

fn changes(text: &mut String, depth: usize, key: &str, changes: &[BusChange]) {
    if changes.is_empty() {
        return;
    }
    line(text, depth, &format!("{key}:"));
    for change in changes {
        let after = after(change.after_ms).map(|after| after + ", ").unwrap_or_default();
        line(text, depth + 1, &format!("- {{{after}{}: {}}}", verb(change.appears), change.device));
    }
}

fn verb(appears: bool) -> &'static str {
    if appears { "appears" } else { "vanishes" }
}

fn after(span_ms: u64) -> Option<String> {
    (span_ms > 0).then(|| format!("after: {span_ms}ms"))
}

fn person(text: &mut String, entry: &ScenePerson) {
    let mut parts = vec![format!("asked: {}", word_of(&Asked::ALL, entry.asked))];
    parts.extend(after(entry.after_ms));
    parts.extend(entry.reply.as_ref().map(|reply| match reply {
        PersonReply::Line(line) => format!("says: {}", quoted(line)),
        PersonReply::Gone => "gone: yes".to_owned(),
        PersonReply::Silent => "silent: yes".to_owned(),
    }));
    for (index, part) in parts.iter().enumerate() {
        line(text, 1, &format!("{} {part}", if index == 0 { "-" } else { " " }));
    }
    changes(text, 2, "changes", &entry.changes);
}

fn call(text: &mut String, call: &SceneCall) {
    line(text, 1, &format!("- run: {}", quoted(&call.tool.value)));
    let args: Vec<String> = call.args.iter().map(|arg| quoted(&arg.to_string())).collect();
    line(text, 2, &format!("args: [{}]", args.join(", ")));
    if call.optional {
        line(text, 2, "optional: yes");
    }
    match call.times {
        Times::InOrder(1) => {}
        Times::InOrder(times) => line(text, 2, &format!("times: {times}")),
        Times::AnyOrder(times) => {
            line(text, 2, &format!("times: {times}"));
            line(text, 2, "any_order: yes");
        }
        Times::Repeated => line(text, 2, "repeat: yes"),
    }
    if !call.acts.is_empty() {
        line(text, 2, "does:");
    }
    for act in &call.acts {
        line(text, 3, &format!("- {{{}}}", act_parts(act).join(", ")));
    }
    match call.end {
        CallEnd::Exit(code) => line(text, 2, &format!("exit: {code}")),
        CallEnd::Hangs => line(text, 2, "hangs: yes"),
        CallEnd::Signal(signal) => line(text, 2, &format!("signal: {signal}")),
    }
    changes(text, 2, "afterwards", &call.afterwards);
}

fn act_parts(act: &Act) -> Vec<String> {
    let mut parts: Vec<String> = after(act.after_ms).into_iter().collect();
    match &act.deed {
        Deed::Nothing if parts.is_empty() => parts.push("after: 0ms".to_owned()),
        Deed::Nothing => {}
        Deed::Print(stream, printed) => {
            let key = if *stream == Stream::Stdout { "out" } else { "err" };
            parts.push(match printed {
                Printed::Text(text) => format!("{key}: {}", quoted(text)),
                Printed::Bytes(bytes) => format!("{key}_hex: \"{}\"", hex(bytes)),
            });
        }
        Deed::Read { pattern, again } => {
            parts.push(format!("reads: {}", quoted(pattern)));
            parts.extend(again.as_ref().map(|again| format!("again: {}", quoted(again))));
        }
        Deed::Change { device, appears } => parts.push(format!("{}: {device}", verb(*appears))),
        Deed::Write { name, content } => {
            parts.push(format!("writes: {}", file_name(name)));
            parts.extend(content_parts(content));
        }
    }
    parts
}

fn file_name(name: &FileName) -> String {
    match name {
        FileName::Fixed(name) => quoted(name),
        FileName::Argument(number) => format!("{{argument: {number}}}"),
        FileName::After(word) => format!("{{after: {}}}", quoted(word)),
    }
}

fn content_parts(content: &Content) -> Vec<String> {
    match content {
        Content::Text(text) => vec![format!("text: {}", quoted(text))],
        Content::Bytes(bytes) => vec![format!("hex: \"{}\"", hex(bytes))],
        Content::Filled { size_bytes, fill } => vec![format!("size: {size_bytes}"), format!("fill: {fill:#04x}")],
        Content::Copy { of, from, length, padded_to, fill } => {
            let mut parts = vec![format!("copy_of: {}", file_name(of))];
            parts.extend((*from > 0).then(|| format!("from: {from}")));
            parts.extend(length.map(|length| format!("length: {length}")));
            parts.extend(padded_to.map(|size| format!("pad_to: {size}, fill: {fill:#04x}")));
            parts
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    hex_digits(bytes)
}

/// In double quotes, everything that is not shown plainly escaped.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if is_plain(c) => quoted.push(c),
            c if u32::from(c) <= 0xffff => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// May it stand in a YAML document as it is?
fn is_plain(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::scene::load_scene;
    use crate::words::Source;

    const ALL: &str = r#"# first
# second
format: 1
about: "Everything \"quoted\""
tools:
  "any-tool": {version: "any 1.0\n", flavour: "x"}
  "other-tool":
    version: "other 1.0\n"
    flavour: "y"
    files:
      "parts/a.bin": {size: 4096, hex: "0001ff"}
      "parts/b.bin": {hex: "00"}
      "parts/c.bin": {size: 5}
files:
  firmware: {size: 12}
  other: {given: no}
set:
  speed: "5"
allow: [fuse]
interactive: no
port: "1-2"
devices:
  rom: {id: "1234:5678", port: "1-1", serial: "A\\B", product: "It: #1", kind: hid, access: denied, attached: no}
changes:
  - {after: 5ms, appears: rom}
hands:
  plug-in:
    - {appears: rom}
person:
  - asked: hands
    after: 1500ms
    says: ""
    changes:
      - {after: 5ms, vanishes: rom}
  - asked: consent
    gone: yes
calls:
  - run: "any-tool"
    args: ["-D", "*.bin", "..."]
    optional: yes
    times: 2
    does:
      - {out: "10 %\r20 %\r\u001b[0m\ttab\n"}
      - {after: 20ms, err_hex: "ff0a"}
      - {reads: "y*", again: "y or n? "}
      - {after: 7ms}
      - {vanishes: rom}
      - {writes: {after: "-D"}, copy_of: "firmware.bin", length: 5, pad_to: 8, fill: 0xff}
      - {writes: {argument: 2}, hex: "00ff"}
      - {writes: "a.bin", size: 100, fill: 0x00}
      - {writes: "b.txt", text: "ü\n"}
    hangs: yes
    afterwards:
      - {after: 1000ms, appears: rom}
"#;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let source = Arc::new(Source { name: "all.scene.yaml".into(), text: ALL.into() });
        let loaded = load_scene(&source);
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        let written = write_scene(&loaded.scene.unwrap(), &["first\nsecond".to_owned()]);
        assert_eq!(written, ALL);
    }

    #[test]
    fn every_sign_survives() {
        let text: String = (0..=0x3000_u32).chain([0xfffe, 0xfeff, 0x1f600]).filter_map(char::from_u32).collect();
        let scene = format!("format: 1\nabout: x\ntools: {{}}\nport: {}\n", quoted(&text));
        let loaded = load_scene(&Arc::new(Source { name: "s".into(), text: scene }));
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        assert_eq!(loaded.scene.unwrap().port.unwrap(), text);
    }
}
