//! Reads what belongs to a call of a tool: its arguments, and what is made of its output.

use crate::documents::expression::Template;
use crate::documents::forms::{CLASS, FLAG, SCALAR};
use crate::documents::keys::{Field, Shape, Way, Ways, keys};
use crate::documents::playbook::parameters::{Weight, no_room};
use crate::documents::playbook::read_answers::read_answers;
use crate::documents::playbook::read_input::NUMBER;
use crate::documents::playbook::read_input::leaves_its_folder;
use crate::documents::playbook::read_step::{CLASSES, STEP, StepKeys, read_class, read_classes, read_prompt};
use crate::documents::playbook::{Capture, CaptureKind, Changes, FailOn, OnFault, Run, StagedFile, Unmet};
use crate::documents::reader::{DeviceArgs, Parts, Reader};
use crate::documents::{Yaml, YamlKind};
use crate::words::{Code, Diagnostic, FaultClass, Id, Located};

/// What a call may change, in a word.
pub(super) const NOTHING: &str = "nothing";

keys! {
    CHANGES: ChangesKeys = "`changes`";
    address: NUMBER, "Where it begins.", required();
    length: NUMBER, "How many bytes it has.", required();
}

keys! {
    FAIL_ON: FailOnKeys = "`fail_on`";
    pattern: Shape::Text, "Matches some line of the output.", required();
    unless: Shape::Text, "A line that matches this as well is no fault.";
    stop: FLAG, "The tool is ended at once, if it has shown no progress yet.";
    class: CLASS, "What kind of fault that is.", required();
    message: Shape::Text, "What it means, for the person.";
}

keys! {
    ON_FAULT: OnFaultKeys = "`on_fault`";
    class: CLASSES, "Classes of fault.", required();
    code: SCALAR, "Only with this code.";
    set: Shape::Text, "The value that becomes true.", required();
    warning: Shape::Text, "What it means for the board, told as a warning instead of a note.";
}

keys! {
    CAPTURE: CaptureKeys = "a capture", ways(Ways::OneOf(&[Way::With(&["integer"]), Way::With(&["text"]), Way::With(&["version"])]));
    integer: Shape::Text, "The pattern of a whole number.";
    text: Shape::Text, "The pattern of a text.";
    version: Shape::Text, "The pattern of a version.";
}

pub(super) fn read_run(reader: &mut Reader, entries: &Parts<'_, StepKeys>, tool: &Yaml) -> Option<Run> {
    let own_args = entries.get(STEP.args).map(|args| read_args(reader, args)).unwrap_or_default();
    let device: Option<Located<Id>> = entries.get(STEP.device).and_then(|device| reader.parsed(device));
    let tool = reader.text(tool);
    let mut args = match (&device, &tool) {
        (Some(device), Some(tool)) => args_of_device(reader, device, tool),
        _ => Vec::new(),
    };
    args.extend(own_args);
    let expect = entries.get(STEP.expect).map(|expect| reader.one_or_more(expect, "patterns")).unwrap_or_default();
    let expect = expect.iter().filter_map(|pattern| reader.pattern(pattern)).collect();
    let fail_on = entries.get(STEP.fail_on).map(|list| reader.list(list, "fail_on")).unwrap_or_default();
    let fail_on = fail_on.iter().filter_map(|item| read_fail_on(reader, item)).collect();
    let capture = entries.get(STEP.capture).map(|captures| reader.named(captures, "captures")).unwrap_or_default();
    let capture = capture.into_iter().filter_map(|(name, key, value)| {
        read_capture(reader, Located { value: name, place: key.place.clone() }, value)
    });
    let capture = capture.collect();
    let produces = entries.get(STEP.produces).map(|list| reader.one_or_more(list, "names")).unwrap_or_default();
    let produces = produces.iter().filter_map(|item| reader.named_value(item)).collect();
    let unmet = read_unmet(reader, entries);
    let prompt = entries.get(STEP.prompt).and_then(|prompt| read_prompt(reader, prompt, entries.get(STEP.hands)));
    let stage = entries.get(STEP.stage).map(|map| read_stage(reader, map)).unwrap_or_default();
    let on_fault = entries.get(STEP.on_fault).map(|list| reader.list(list, "on_fault")).unwrap_or_default();
    let on_fault = on_fault.iter().filter_map(|item| read_on_fault(reader, item)).collect();
    let answers = entries.get(STEP.answers).map(|list| read_answers(reader, list)).unwrap_or_default();
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
        changes: entries.get(STEP.changes).and_then(|changes| read_changes(reader, changes)),
    })
}

/// A list; for one text in its place its words are taken, so that nothing else is told of a call without arguments.
fn read_args(reader: &mut Reader, yaml: &Yaml) -> Vec<Template> {
    let YamlKind::Scalar { text, .. } = &yaml.kind else {
        return reader.list(yaml, "args").iter().filter_map(|arg| reader.template(arg)).collect();
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let message = "a list (args) is needed here, and this is a single value";
    let hint = format!("each argument stands for itself: `args: [{}]`", quoted.join(", "));
    reader.report(Diagnostic::error(Code::WrongKind, &yaml.place, message).hint(hint));
    let word = |word: &&str| Yaml {
        kind: YamlKind::Scalar { text: (*word).to_owned(), exact: false },
        place: yaml.place.clone(),
    };
    words.iter().map(word).collect::<Vec<Yaml>>().iter().filter_map(|arg| reader.template(arg)).collect()
}

/// What this call begins with as every call of the tool with the device does.
fn args_of_device(reader: &mut Reader, device: &Located<Id>, tool: &Located<String>) -> Vec<Template> {
    let mut args = Vec::new();
    let mut too_large = false;
    let of_both = |of: &&mut DeviceArgs| of.device == device.value && of.tool.value == tool.value;
    for common in reader.device_args.iter_mut().filter(of_both) {
        common.used = true;
        if reader.room.take(common.weight).is_some() {
            args.extend(common.args.iter().cloned());
        } else {
            // Told at the first call that has no room.
            too_large = true;
            common.args.clear();
            common.weight = Weight::default();
        }
    }
    if too_large {
        reader.report(no_room(&device.place, "with what every call with this device begins with"));
    }
    args
}

fn read_changes(reader: &mut Reader, yaml: &Yaml) -> Option<Located<Changes>> {
    let value = if let YamlKind::Map(_) = yaml.kind {
        let parts = reader.parts(yaml, &CHANGES)?;
        let address = parts.get(CHANGES.address).and_then(|yaml| reader.unsigned(yaml));
        let length = parts.get(CHANGES.length).and_then(|yaml| reader.unsigned(yaml));
        Changes::Range { address: address?, length: length? }
    } else if let YamlKind::List(files) = &yaml.kind {
        if files.is_empty() {
            let diagnostic = Diagnostic::error(Code::EmptyList, &yaml.place, "`changes` names no file");
            reader.report(diagnostic.hint("write `nothing` where nothing that lasts is changed"));
        }
        Changes::Files(files.iter().filter_map(|file| reader.named_value(file)).collect())
    } else {
        let text = reader.text(yaml)?;
        if text.value != NOTHING {
            reader.report(
                Diagnostic::error(
                    Code::Malformed,
                    &text.place,
                    format!("`{}` is nothing that a call can change", text.value),
                )
                .hint("write `nothing`, a range such as `{address: 0x60000000, length: 0x1000}`, or a list of the files that are written"),
            );
            return None;
        }
        Changes::Nothing
    };
    Some(Located { value, place: yaml.place.clone() })
}

/// What it means when `expect` is not met.
fn read_unmet(reader: &mut Reader, entries: &Parts<'_, StepKeys>) -> Option<Unmet> {
    let class = entries.get(STEP.class).and_then(|class| read_class(reader, class));
    let message = entries.get(STEP.message).and_then(|message| reader.prose(message));
    let place = entries.key_place(STEP.class).or_else(|| entries.key_place(STEP.message))?;
    if entries.get(STEP.expect).is_none() {
        let message = "beside `run`, `class` and `message` say what it means when `expect` is not met";
        reader.report(Diagnostic::error(Code::KeyOutOfPlace, place, message).hint("add `expect`, or leave this out"));
    }
    Some(Unmet { class: class.unwrap_or(FaultClass::Unknown), message })
}

fn read_fail_on(reader: &mut Reader, yaml: &Yaml) -> Option<FailOn> {
    let parts = reader.parts(yaml, &FAIL_ON)?;
    let pattern = parts.get(FAIL_ON.pattern)?;
    let class = parts.get(FAIL_ON.class)?;
    Some(FailOn {
        pattern: reader.pattern(pattern)?,
        unless: parts.get(FAIL_ON.unless).and_then(|unless| reader.pattern(unless)),
        stop: parts.get(FAIL_ON.stop).and_then(|stop| reader.flag(stop)).is_some_and(|stop| stop.value),
        class: read_class(reader, class)?,
        message: parts.get(FAIL_ON.message).and_then(|message| reader.prose(message)),
    })
}

fn read_stage(reader: &mut Reader, yaml: &Yaml) -> Vec<StagedFile> {
    let Some(map) = reader.open_map(yaml, "files of the tool's folder") else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in map.all() {
        if let Some(reason) = leaves_its_folder(&key.text) {
            reader.report(
                Diagnostic::error(Code::UnsafePath, &key.place, format!("`{}` {reason}", key.text))
                    .hint("a path below the tool's own folder is needed, then the name of a file"),
            );
        }
        let path = Located { value: key.text.clone(), place: key.place.clone() };
        found.extend(reader.parsed::<Id>(value).map(|file| StagedFile { path, file }));
    }
    found
}

fn read_on_fault(reader: &mut Reader, yaml: &Yaml) -> Option<OnFault> {
    let parts = reader.parts(yaml, &ON_FAULT)?;
    let class = parts.get(ON_FAULT.class);
    let set = parts.get(ON_FAULT.set);
    let code = parts.get(ON_FAULT.code).and_then(|code| reader.text(code)).map(|code| code.value);
    let classes = read_classes(reader, class?);
    if let Some(never) = classes.iter().find(|class| matches!(class, FaultClass::Cancelled)) {
        reader.report(Diagnostic::error(
            Code::Contradiction,
            parts.place(),
            format!("a run that is `{never}` does not go on"),
        ));
    }
    let warning = parts.get(ON_FAULT.warning).and_then(|warning| reader.prose(warning));
    Some(OnFault { classes, code, set: reader.named_value(set?)?, warning })
}

const CAPTURE_KINDS: [(Field<CaptureKeys>, CaptureKind); 3] = [
    (CAPTURE.integer, CaptureKind::Integer),
    (CAPTURE.text, CaptureKind::Text),
    (CAPTURE.version, CaptureKind::Version),
];

fn read_capture(reader: &mut Reader, name: Located<Id>, yaml: &Yaml) -> Option<Capture> {
    let parts = reader.parts(yaml, &CAPTURE)?;
    let given: Vec<_> =
        CAPTURE_KINDS.iter().filter_map(|(key, kind)| parts.get(*key).map(|pattern| (pattern, *kind))).collect();
    let (pattern, kind) = match given.as_slice() {
        [only] => *only,
        _ => {
            reader.report(
                Diagnostic::error(
                    Code::ExclusiveKeys,
                    parts.place(),
                    "a capture needs exactly one of `integer`, `text` and `version`",
                )
                .hint("such as `fuse: {integer: 'Response word 2 = (\\d+)'}`"),
            );
            return None;
        }
    };
    let compiled = reader.pattern(pattern)?;
    if compiled.captures_len() < 2 {
        reader.report(
            Diagnostic::error(Code::BadPattern, &pattern.place, "this pattern takes nothing out of the line")
                .hint("put round brackets around the wanted part"),
        );
        return None;
    }
    Some(Capture { name, pattern: compiled, kind })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::documents::playbook::{Loaded, load};
    use crate::words::{FaultClass, Source};

    fn loaded(text: String) -> Loaded {
        load(&Arc::new(Source { name: "t.yaml".into(), text }), &|_| Err(String::new()))
    }

    /// Each call has a copy of them.
    #[test]
    fn what_calls_with_a_device_begin_with_has_an_end() {
        let document = |calls: usize| {
            loaded(format!(
                "format: 1\nboard: x\ndevices:\n  rom: {{usb: \"1209:0001\", args: {{dfu-util: [{}]}}}}\nsteps:\n{}",
                "-v, ".repeat(1000),
                "  - {run: dfu-util, device: rom}\n".repeat(calls)
            ))
        };
        assert!(document(99).diagnostics.is_empty());
        let Loaded { playbook, diagnostics } = document(300);
        let told: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
        assert_eq!(told, ["this grows too large with what every call with this device begins with"]);
        let hint = diagnostics[0].hint.as_deref().unwrap();
        assert!(hint.contains("100000 values"), "{hint}");
        let args = |step: &crate::documents::playbook::Step| step.call().map_or(0, |run| run.args.len());
        assert_eq!(playbook.unwrap().steps.iter().map(args).sum::<usize>(), 99_000);
    }

    #[test]
    fn each_class_of_a_list_and_of_a_group_counts_once() {
        let classes = "[trouble, refused, trouble, no-answer]";
        let text = format!(
            "format: 1\nboard: x\nfault_groups: {{trouble: [refused, no-answer, refused]}}\nsteps:\n  - run: dfu-util\n    \
             retry: {{attempts: 2, on: {classes}}}\n    on_fault: [{{class: {classes}, set: x}}]\n"
        );
        let Loaded { playbook, diagnostics } = loaded(text);
        assert!(diagnostics.is_empty(), "{diagnostics:#?}");
        let step = &playbook.unwrap().steps[0];
        let once = [FaultClass::Refused, FaultClass::NoAnswer];
        assert_eq!(step.retry.as_ref().unwrap().on, once);
        assert_eq!(step.call().unwrap().on_fault[0].classes, once);
    }
}
