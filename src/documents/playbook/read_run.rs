//! Reads what belongs to a call of a tool: its arguments, and what is made of its output.

use crate::documents::expression::Template;
use crate::documents::playbook::read_answers::read_answers;
use crate::documents::playbook::read_input::leaves_its_folder;
use crate::documents::playbook::read_step::{read_class, read_classes, read_prompt, required};
use crate::documents::playbook::reader::{Entries, Reader};
use crate::documents::playbook::{Capture, CaptureKind, Changes, FailOn, OnFault, Run, StagedFile, Unmet};
use crate::documents::{Yaml, YamlKind};
use crate::words::{Diagnostic, FaultClass, Id, Located};

pub(super) fn read_run(reader: &mut Reader, entries: &Entries<'_>, tool: &Yaml) -> Option<Run> {
    let args = entries.get("args").map(|args| reader.list(args, "args")).unwrap_or_default();
    let own_args: Vec<Template> = args.iter().filter_map(|arg| reader.template(arg)).collect();
    let device = entries.get("device").and_then(|device| reader.parsed::<Id>(device)).map(|id| id.value);
    let tool = reader.text(tool);
    let mut args = Vec::new();
    if let (Some(device), Some(tool)) = (&device, &tool) {
        for common in reader.device_args.iter_mut().filter(|of| of.device == *device && of.tool.value == tool.value) {
            common.used = true;
            args.extend(common.args.iter().cloned());
        }
    }
    args.extend(own_args);
    let expect = entries.get("expect").map(|expect| reader.one_or_more(expect, "patterns")).unwrap_or_default();
    let expect = expect.iter().filter_map(|pattern| reader.pattern(pattern)).collect();
    let fail_on = entries.get("fail_on").map(|list| reader.list(list, "fail_on")).unwrap_or_default();
    let fail_on = fail_on.iter().filter_map(|item| read_fail_on(reader, item)).collect();
    let capture = entries.get("capture").map(|captures| reader.named(captures, "captures")).unwrap_or_default();
    let capture = capture.into_iter().filter_map(|(name, _, value)| read_capture(reader, name, value)).collect();
    let produces = entries.get("produces").map(|list| reader.one_or_more(list, "names")).unwrap_or_default();
    let produces = produces
        .iter()
        .filter_map(|item| {
            let text = reader.text(item)?;
            reader.value_name(&text.value, &text.place)
        })
        .collect();
    let unmet = read_unmet(reader, entries);
    let prompt = entries.get("prompt").and_then(|prompt| read_prompt(reader, entries, prompt));
    let stage = entries.get("stage").map(|map| read_stage(reader, map)).unwrap_or_default();
    let on_fault = entries.get("on_fault").map(|list| reader.list(list, "on_fault")).unwrap_or_default();
    let on_fault = on_fault.iter().filter_map(|item| read_on_fault(reader, item)).collect();
    let answers = entries.get("answers").map(|list| read_answers(reader, list)).unwrap_or_default();
    Some(Run {
        tool: tool?,
        args,
        device,
        expect,
        unmet,
        fail_on,
        capture,
        produces,
        prompt,
        answers,
        stage,
        on_fault,
        changes: entries.get("changes").and_then(|changes| read_changes(reader, changes)),
    })
}

fn read_changes(reader: &mut Reader, yaml: &Yaml) -> Option<Located<Changes>> {
    const NOTHING: &str = "nothing";
    let value = if let YamlKind::Map(_) = yaml.kind {
        let parts = reader.map(yaml, "`changes`", &["address", "length"])?;
        let address = required(reader, &parts, "address", "changes").and_then(|yaml| reader.unsigned(yaml));
        let length = required(reader, &parts, "length", "changes").and_then(|yaml| reader.unsigned(yaml));
        Changes::Range { address: address?, length: length? }
    } else {
        let text = reader.text(yaml)?;
        if text.value != NOTHING {
            reader.report(
                Diagnostic::error(&text.place, format!("`{}` is nothing that a call can change", text.value))
                    .hint("write `nothing`, or a range such as `{address: 0x60000000, length: 0x1000}`"),
            );
            return None;
        }
        Changes::Nothing
    };
    Some(Located { value, place: yaml.place.clone() })
}

/// What it means when `expect` is not met.
fn read_unmet(reader: &mut Reader, entries: &Entries<'_>) -> Option<Unmet> {
    let class = entries.get("class").and_then(|class| read_class(reader, class));
    let message = entries.get("message").and_then(|message| reader.prose(message));
    let place = entries.key_place("class").or_else(|| entries.key_place("message"))?;
    if entries.get("expect").is_none() {
        let message = "beside `run`, `class` and `message` say what it means when `expect` is not met";
        reader.report(Diagnostic::error(place, message).hint("add `expect`, or leave this out"));
    }
    Some(Unmet { class: class.unwrap_or(FaultClass::Unknown), message })
}

fn read_fail_on(reader: &mut Reader, yaml: &Yaml) -> Option<FailOn> {
    let parts = reader.map(yaml, "`fail_on`", &["pattern", "unless", "class", "message", "stop"])?;
    let pattern = required(reader, &parts, "pattern", "fail_on")?;
    let class = required(reader, &parts, "class", "fail_on")?;
    Some(FailOn {
        pattern: reader.pattern(pattern)?,
        unless: parts.get("unless").and_then(|unless| reader.pattern(unless)),
        stop: parts.get("stop").and_then(|stop| reader.flag(stop)).is_some_and(|stop| stop.value),
        class: read_class(reader, class)?,
        message: parts.get("message").and_then(|message| reader.prose(message)),
    })
}

fn read_stage(reader: &mut Reader, yaml: &Yaml) -> Vec<StagedFile> {
    let Some(map) = reader.open_map(yaml, "files of the tool's folder") else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in map.all() {
        if let Some(reason) = leaves_its_folder(&key.text) {
            reader.report(
                Diagnostic::error(&key.place, format!("`{}` {reason}", key.text))
                    .hint("a path below the tool's own folder is needed, then the name of a file"),
            );
        }
        let path = Located { value: key.text.clone(), place: key.place.clone() };
        found.extend(reader.parsed::<Id>(value).map(|file| StagedFile { path, file }));
    }
    found
}

fn read_on_fault(reader: &mut Reader, yaml: &Yaml) -> Option<OnFault> {
    let parts = reader.map(yaml, "`on_fault`", &["class", "code", "set", "warning"])?;
    let class = required(reader, &parts, "class", "on_fault");
    let set = required(reader, &parts, "set", "on_fault");
    let code = parts.get("code").and_then(|code| reader.text(code)).map(|code| code.value);
    let classes = read_classes(reader, class?);
    if let Some(never) = classes.iter().find(|class| matches!(class, FaultClass::Cancelled)) {
        reader.report(Diagnostic::error(parts.place(), format!("a run that is `{never}` does not go on")));
    }
    let set = reader.text(set?)?;
    let warning = parts.get("warning").and_then(|warning| reader.prose(warning));
    Some(OnFault { classes, code, set: reader.value_name(&set.value, &set.place)?, warning })
}

const CAPTURE_KINDS: [(&str, CaptureKind); 3] =
    [("integer", CaptureKind::Integer), ("text", CaptureKind::Text), ("version", CaptureKind::Version)];

fn read_capture(reader: &mut Reader, name: Id, yaml: &Yaml) -> Option<Capture> {
    let parts = reader.map(yaml, "a capture", &CAPTURE_KINDS.map(|(word, _)| word))?;
    let given: Vec<_> =
        CAPTURE_KINDS.iter().filter_map(|(word, kind)| parts.get(word).map(|pattern| (pattern, *kind))).collect();
    let (pattern, kind) = match given.as_slice() {
        [only] => *only,
        _ => {
            reader.report(
                Diagnostic::error(parts.place(), "a capture needs exactly one of `integer`, `text` and `version`")
                    .hint("such as `fuse: {integer: 'Response word 2 = (\\d+)'}`"),
            );
            return None;
        }
    };
    let compiled = reader.pattern(pattern)?;
    if compiled.captures_len() < 2 {
        reader.report(
            Diagnostic::error(&pattern.place, "this pattern takes nothing out of the line")
                .hint("put round brackets around the wanted part"),
        );
        return None;
    }
    Some(Capture { name, pattern: compiled, kind })
}
