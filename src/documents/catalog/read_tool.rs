//! Reads the table of one tool.

use std::collections::BTreeMap;
use std::time::Duration;

use super::installer::{Installer, check_source};
use super::pattern;
use super::pattern::Pattern;
use super::read_judging::{commands, faults_known, rules, statuses};
use super::reader::{Diagnostics, Reader};
use super::tool::{Flavour, Menu, ProgressPattern, Tool, VersionProbe, Via, Warm};
use super::tree::{Node, Table, Value};
use crate::words::{Diagnostic, Located, ToolVersion};

/// Limit of calls for which nothing else gives one.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

pub(super) fn tool(name: &Located<String>, table: &Table, installers: &[Installer], diagnostics: &Diagnostics) -> Tool {
    let reader = Reader::new(table, &name.place, diagnostics);
    let programs = reader.plain_texts("programs");
    let via = reader.per_system("via", ways);
    if !reader.has("programs") && !reader.has("via") {
        reader.missing("programs");
    }
    let statuses = statuses(&reader);
    let commands = commands(&reader, &statuses);
    let version = version_probe(&reader);
    let tool = Tool {
        name: name.value.clone(),
        place: name.place.clone(),
        summary: reader.required_text("summary"),
        programs,
        folders: reader.per_system("folders", Reader::plain_texts),
        via,
        first_args: reader.plain_texts("first_args"),
        environment: reader.plain_text_map("environment"),
        environment_without_home: reader.plain_text_map("environment_without_home"),
        packages: packages(&reader, installers),
        packages_too_old: reader.plain_texts("packages_too_old"),
        install: reader.per_system("install", |reader, key| reader.text(key).map(|text| text.value)),
        parallel: reader.flag("parallel"),
        terminal: reader.flag("terminal"),
        private_folder: reader.flag("private_folder"),
        questions: reader.patterns("questions"),
        select_port: with_blank(&reader, "select_port", "{port}"),
        select_serial: with_blank(&reader, "select_serial", "{serial}"),
        select_after: reader.pattern("select_after", &[]),
        device_taken: reader.pattern("device_taken", &["id"]),
        progress: progress(&reader),
        statuses,
        faults: faults_known(&reader, &commands),
        commands,
        rules: rules(&reader),
        options: options(&reader),
        anywhere: reader.patterns("anywhere"),
        brings_addresses: reader.text("brings_addresses").map(|text| text.value),
        words_end_options: reader.flag("words_end_options"),
        pairs: reader.pattern("pairs", &["address"]),
        one_of: reader.plain_texts("one_of"),
        stages: reader.patterns("stages"),
        files: reader.patterns("files"),
        banner: reader.pattern("banner", &[]),
        menu: menu(&reader),
        timeout: reader.time("timeout").unwrap_or(TIMEOUT_DEFAULT),
        warm: warm(&reader, &version.flavours),
        version,
    };
    reader.finish();
    tool
}

fn version_probe(reader: &Reader<'_>) -> VersionProbe {
    if !reader.has("version") {
        reader.missing("version");
    }
    let Some((table, place)) = reader.table("version") else {
        return VersionProbe { args: Vec::new(), flavours: Vec::new(), prefer: None };
    };
    let version = Reader::new(table, place, reader.diagnostics);
    if !version.has("args") {
        version.missing("args");
    }
    let args = version.plain_texts("args");
    let flavours: Vec<Flavour> = version
        .tables("flavours")
        .into_iter()
        .filter_map(|(table, place)| flavour(table, place, reader.diagnostics))
        .collect();
    if !version.has("flavours") {
        version.missing("flavours");
    }
    let prefer = known_flavour(&version, "prefer", &flavours);
    version.finish();
    VersionProbe { args, flavours, prefer }
}

fn flavour(table: &Table, place: &crate::words::Place, diagnostics: &Diagnostics) -> Option<Flavour> {
    let reader = Reader::new(table, place, diagnostics);
    let name = reader.text("name").map(|name| name.value);
    let pattern = reader.required_pattern("pattern", &["version"]);
    let minimum = reader.text("minimum").and_then(|text| reader.parsed::<ToolVersion>(&text));
    let bad = |(version, reason): (Located<String>, Located<String>)| Some((reader.parsed(&version)?, reason.value));
    let known_bad = reader.text_map("known_bad").into_iter().filter_map(bad).collect();
    reader.finish();
    Some(Flavour { name, pattern: pattern?, minimum, known_bad })
}

/// The name of one of the flavours.
fn known_flavour(reader: &Reader<'_>, key: &'static str, flavours: &[Flavour]) -> Option<String> {
    let named = reader.text(key)?;
    let names: Vec<&str> = flavours.iter().filter_map(|flavour| flavour.name.as_deref()).collect();
    if names.contains(&named.value.as_str()) {
        return Some(named.value);
    }
    let diagnostic = Diagnostic::error(&named.place, format!("`{}` is none of the tool's flavours", named.value));
    reader.diagnostics.report(match names.as_slice() {
        [] => diagnostic,
        names => diagnostic.hint(format!("known here: {}", names.join(", "))),
    });
    None
}

fn warm(reader: &Reader<'_>, flavours: &[Flavour]) -> Option<Warm> {
    let (table, place) = reader.table("warm")?;
    let warm = Reader::new(table, place, reader.diagnostics);
    if !warm.has("imports") {
        warm.missing("imports");
    }
    let read = Warm { flavour: known_flavour(&warm, "flavour", flavours), imports: warm.plain_texts("imports") };
    if let (Some(node), Some(no_module)) = (warm.node("imports"), read.imports.iter().find(|name| !is_module(name))) {
        warm.diagnostics.report(Diagnostic::error(&node.place, format!("`{no_module}` is not the name of a module")));
    }
    warm.finish();
    Some(read)
}

/// Words of letters, digits and `_`, with full stops between them.
fn is_module(name: &str) -> bool {
    name.split('.').all(|word| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// By name; `true` for those without a value, else the form of the value.
fn options(reader: &Reader<'_>) -> BTreeMap<String, Option<Pattern>> {
    let Some((table, place)) = reader.table("options") else { return BTreeMap::new() };
    let option = |(key, node): &(Located<String>, Node)| match &node.value {
        Value::Boolean(true) => Some((key.value.clone(), None)),
        Value::Text(text) => {
            let text = Located { value: text.clone(), place: node.place.clone() };
            Some((key.value.clone(), Some(pattern::compile(&text, &[], reader.diagnostics)?)))
        }
        _ => {
            Reader::new(table, place, reader.diagnostics).wrong(node, "`true`, or the form of the option's value");
            None
        }
    };
    table.entries.iter().filter_map(option).collect()
}

fn menu(reader: &Reader<'_>) -> Option<Menu> {
    let (table, place) = reader.table("menu")?;
    let menu = Reader::new(table, place, reader.diagnostics);
    let read = Menu { entry: menu.required_pattern("entry", &["number"])?, harmless: menu.patterns("harmless") };
    menu.finish();
    Some(read)
}

fn progress(reader: &Reader<'_>) -> Vec<ProgressPattern> {
    let compiled = |text: &Located<String>| -> Option<Pattern> {
        pattern::compile(text, &["percent", "bytes"], reader.diagnostics)
    };
    reader.texts("progress").iter().filter_map(compiled).map(|pattern| ProgressPattern { pattern }).collect()
}

/// Arguments in which something is filled in: without the blank they would choose nothing.
fn with_blank(reader: &Reader<'_>, key: &'static str, blank: &str) -> Vec<String> {
    let args = reader.plain_texts(key);
    if let Some(node) = reader.node(key)
        && !args.is_empty()
        && !args.iter().any(|arg| arg.contains(blank))
    {
        reader.diagnostics.report(Diagnostic::error(&node.place, format!("none of these arguments holds `{blank}`")));
    }
    args
}

/// Each is a list of words, or a table with such a list and variables.
fn ways(reader: &Reader<'_>, key: &'static str) -> Vec<Via> {
    let way = |node: &Node| match &node.value {
        Value::Table(table) => {
            let reader = Reader::new(table, &node.place, reader.diagnostics);
            if !reader.has("command") {
                reader.missing("command");
            }
            let way = Via { command: reader.plain_texts("command"), environment: reader.plain_text_map("environment") };
            reader.finish();
            Some(way)
        }
        _ => Some(Via { command: reader.texts_in(node)?, environment: BTreeMap::new() }),
    };
    reader.nodes(key, "a list of command beginnings").iter().filter_map(way).collect()
}

fn packages(reader: &Reader<'_>, installers: &[Installer]) -> BTreeMap<String, String> {
    let packages = reader.text_map("packages");
    packages.iter().for_each(|(source, _)| check_source(source, installers, reader.diagnostics));
    packages.into_iter().map(|(source, package)| (source.value, package.value)).collect()
}
