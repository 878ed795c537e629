//! Reads the tools of a scene: what each says of its version, and what lies in its folder.

use crate::documents::keys::{Shape, Way, Ways, keys};
use crate::documents::playbook::read_input::{bytes_of, leaves_its_folder};
use crate::documents::reader::Reader;
use crate::documents::scene::load::NUMBER;
use crate::documents::scene::read_act::{BYTES, read_byte_limits};
use crate::documents::scene::{SceneTool, ToolFolderFile};
use crate::documents::{Key, Yaml};
use crate::words::{Code, Diagnostic, Located};

/// The folder of a tool is made up for each run.
const FILES_MAX: usize = 64;

keys! {
    TOOL: ToolKeys = "a tool";
    version: Shape::Text, "What it prints when it is asked for its version.", required(),
        when_missing("", "the text it prints when it is asked for its version");
    flavour: Shape::Text, "The family of builds that the catalog must recognise in that text.";
    files: Shape::Named(&Shape::Map(FolderFileKeys::kind)),
        "What lies in the tool's folder beside it, by path: the playbook's `tool_files`, and what it finds in its \
         private copy.";
}

keys! {
    FOLDER_FILE: FolderFileKeys = "a file of the tool's folder", ways(Ways::OneOf(&[Way::With(&["text"]), Way::With(&["hex"]), Way::Alone("size")]));
    text: Shape::Text, "The file holds this text, or begins with it where `size` says more.";
    hex: BYTES, "The file holds these bytes, or begins with them where `size` says more.";
    size: NUMBER, "The file has so many bytes; those that are not given are made up.";
}

pub(super) fn read_tools(reader: &mut Reader, tree: Option<&Yaml>) -> Vec<SceneTool> {
    let Some(map) = tree.and_then(|tree| reader.open_map(tree, "tools")) else { return Vec::new() };
    let names: Vec<&str> = map.all().iter().map(|(key, _)| key.text.as_str()).collect();
    let mut tools = Vec::new();
    for (key, value) in map.all() {
        if !is_program_name(&key.text) {
            let message = format!("`{}` cannot be the name of a program in the bench", key.text);
            reader.report(
                Diagnostic::error(Code::BadName, &key.place, message).hint("a tool is named as in the catalog"),
            );
            continue;
        }
        let parts = reader.parts_of_named((&key.text, &key.place), value, &TOOL);
        let Some(parts) = parts else { continue };
        let version = parts.get(TOOL.version).and_then(|version| reader.text(version));
        // A tool that is wrong stays declared, so that its calls are not reported as well.
        tools.push(SceneTool {
            name: Located { value: key.text.clone(), place: key.place.clone() },
            version: version.unwrap_or_else(|| Located { value: String::new(), place: key.place.clone() }),
            flavour: parts.get(TOOL.flavour).and_then(|flavour| reader.text(flavour)),
            files: parts.get(TOOL.files).map(|files| read_files(reader, files, &names)).unwrap_or_default(),
        });
    }
    tools
}

/// It becomes the name of a file.
fn is_program_name(name: &str) -> bool {
    const NAME_BYTES_MAX: usize = 100;
    let sign = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.starts_with('.') && name.chars().all(sign)
}

fn read_files(reader: &mut Reader, yaml: &Yaml, tools: &[&str]) -> Vec<ToolFolderFile> {
    let Some(map) = reader.open_map(yaml, "files of the tool's folder") else { return Vec::new() };
    if map.all().len() > FILES_MAX {
        let message = format!("the folder of a tool has at most {FILES_MAX} files in a scene");
        reader.report(
            Diagnostic::error(Code::TooMuch, map.place(), message).hint("only those are needed that the playbook uses"),
        );
        return Vec::new();
    }
    map.all().iter().filter_map(|(key, value)| read_file(reader, key, value, tools)).collect()
}

fn read_file(reader: &mut Reader, key: &Key, yaml: &Yaml, tools: &[&str]) -> Option<ToolFolderFile> {
    let path = &key.text;
    if let Some(reason) = leaves_its_folder(path) {
        let diagnostic = Diagnostic::error(Code::UnsafePath, &key.place, format!("`{path}` {reason}"));
        reader.report(diagnostic.hint("a path below the tool's own folder is needed, then the name of a file"));
        return None;
    }
    if let Some(tool) = tools.iter().find(|tool| path.split('/').next() == Some(**tool)) {
        reader.report(Diagnostic::error(
            Code::DuplicateName,
            &key.place,
            format!("at `{path}` lies the tool `{tool}` itself"),
        ));
        return None;
    }
    let parts = reader.parts(yaml, &FOLDER_FILE)?;
    let beginning = match (parts.get(FOLDER_FILE.text), parts.get(FOLDER_FILE.hex)) {
        (Some(text), None) => reader.text(text)?.value.into_bytes(),
        (None, Some(hex)) => {
            let hex = reader.text(hex)?;
            let bytes = bytes_of(&hex.value);
            if bytes.is_none() {
                let diagnostic =
                    Diagnostic::error(Code::BadBytes, &hex.place, format!("`{}` is not a row of bytes", hex.value));
                reader.report(diagnostic.hint("two hexadecimal digits a byte: `\"d1 00 20\"`"));
            }
            bytes?
        }
        (None, None) if parts.get(FOLDER_FILE.size).is_some() => Vec::new(),
        _ => {
            let diagnostic = Diagnostic::error(
                Code::ExclusiveKeys,
                parts.place(),
                "exactly one of `text` and `hex` is needed here, or `size`",
            );
            reader.report(diagnostic.hint("with a `size` beside it the file is so long, and what follows is made up"));
            return None;
        }
    };
    let held = beginning.len() as u64;
    let size_bytes = match parts.get(FOLDER_FILE.size) {
        Some(size) => read_byte_limits(reader, size)?,
        None => held,
    };
    if size_bytes < held {
        reader.report(Diagnostic::error(
            Code::Contradiction,
            parts.place(),
            format!("a file that begins so has at least {held} bytes"),
        ));
        return None;
    }
    Some(ToolFolderFile { path: path.clone(), beginning, size_bytes })
}
