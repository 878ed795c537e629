//! Reads the table of one tool.

use std::collections::BTreeMap;
use std::time::Duration;

use super::installer::{Installer, check_source};
use super::pattern::{Pattern, compile, pattern, patterns};
use super::read_judging::{CommandKeys, FaultKeys, RuleKeys, StatusKeys, commands, faults_known, rules, statuses};
use super::tool::{
    Flavour, HID_NODE, LIBUSB_PORT, Menu, OperatingSystem, PORT, PerOperatingSystem, ProgressPattern, SERIAL, Tool,
    VersionProbe, Via, Warm,
};
use crate::documents::keys::{Keys, Shape, keys};
use crate::documents::reader::{Parts, Reader};
use crate::documents::tree::{Key, Tree, TreeKind};
use crate::words::{Code, Diagnostic, ToolVersion, ToolVersionError};

/// The forms that values have in the whole catalog.
pub(super) const TEXTS: Shape = Shape::Part("texts", "", &Shape::List(&Shape::Text));
pub(super) const PATTERN: Shape = Shape::Part("pattern", "", &Shape::Text);
pub(super) const PATTERNS: Shape = Shape::Part("patterns", "", &Shape::List(&Shape::Text));
pub(super) const VARIABLES: Shape = Shape::Part("variables", "", &Shape::Named(&Shape::Text));
pub(super) const TIME: Shape = Shape::Part("time", "With its unit: 500ms, 30s, 5m.", &Shape::TextLike("[a-zµ]$"));
/// One value for every operating system, or one for each.
pub(super) const SYSTEMS: Shape = Shape::Part(
    "systems",
    "",
    &Shape::Either(&[Shape::Text, Shape::NamedByWords(OperatingSystem::words, &Shape::Text)]),
);
pub(super) const TEXTS_OF_SYSTEMS: Shape =
    Shape::Part("texts_of_systems", "", &Shape::Either(&[TEXTS, Shape::NamedByWords(OperatingSystem::words, &TEXTS)]));
const WAYS: Shape = Shape::Part("ways", "", &Shape::List(&Shape::Either(&[TEXTS, Shape::Map(WayKeys::kind)])));
const WAYS_OF_SYSTEMS: Shape =
    Shape::Part("ways_of_systems", "", &Shape::Either(&[WAYS, Shape::NamedByWords(OperatingSystem::words, &WAYS)]));

keys! {
    TOOL: ToolKeys = "a tool", part("tool"),
        about("A tool of its own needs at least summary, programs, version and commands.");
    like: Shape::Text, "Takes every key that is not given here from this other tool.";
    summary: Shape::Text, "What the tool does, in one line for people.", required_in_the_end();
    programs: TEXTS, "File names without .exe, the preferred one first.";
    folders: TEXTS_OF_SYSTEMS,
        "Where to look beside PATH: one list, or one for each operating system. ~, $NAME and globs are filled in.";
    via: WAYS_OF_SYSTEMS,
        "Other programs that it can be started through, tried last: one list, or one for each operating system.";
    first_args: TEXTS, "Put before the arguments of every call.";
    environment: VARIABLES,
        "Variables for this tool; {scratch} is the run's private folder, {program_folder} the one that the program \
         lies in.";
    environment_without_home: VARIABLES, "Variables set as well when the home folder cannot be written.";
    version: Shape::Map(VersionKeys::kind),
        "How the tool is asked for its version, and what it answers.", required_in_the_end();
    packages: VARIABLES, "The name of its package, by the source that installers take packages from.";
    packages_too_old: TEXTS,
        "Operating systems whose own packages are too old: ID and VERSION_ID of os-release, or the beginning of that.";
    install: SYSTEMS, "Where else to get it, where no package fits: one sentence, or one for each operating system.";
    parallel: Shape::Boolean, "May several of it run at once?";
    terminal: Shape::Boolean, "It asks questions, or holds its output back on a pipe: it runs on a terminal.";
    warm: Shape::Map(WarmKeys::kind),
        "For a tool in Python, which takes longer to start than to work: an interpreter imports its modules once, and \
         forks a process for each call.";
    private_folder: Shape::Boolean,
        "It works in its own folder: every run uses a private copy, in which steps may `stage` files.";
    questions: PATTERNS, "Unfinished lines with which it waits for an answer: it is answered only there.";
    select_port: TEXTS,
        "Arguments that choose a board by its port, with {port} in them, which is its name as recover shows it, or with \
         {libusb_port}: as tools that rest on libusb name it, which cannot be known on Windows; or with {hid_node}: the \
         first eight hexadecimal digits of the SHA-256 of its node's path (Linux only).";
    select_flavour: Shape::Text, "Only builds of this flavour can be told which board to take.";
    select_minimum: Shape::Text, "Older versions cannot be told.";
    select_replaces: Shape::Text,
        "The arguments that choose a board take the place of this option and its value.";
    select_serial: TEXTS,
        "Arguments that choose a board by its serial number, with {serial} in them: where the port cannot be told.";
    select_after: PATTERN,
        "The arguments that choose a board stand right after the first that this matches; without it, first.";
    device_taken: PATTERN, "Finds the USB id of the device that the tool really took, in a group `id`.";
    progress: PATTERNS, "Groups among percent, bytes, total and label.";
    statuses: Shape::List(&Shape::Map(StatusKeys::kind)),
        "Numbered answers of the board; the last one of a call counts.";
    first_faults: Shape::List(&Shape::Map(FaultKeys::kind)),
        "Held before `faults`: for what a tool adds to those it takes over by `like`.";
    faults: Shape::List(&Shape::Map(FaultKeys::kind)),
        "Texts that tell a fault; the first whose pattern matched any line decides.";
    commands: Shape::List(&Shape::Map(CommandKeys::kind)),
        "Kinds of call; the first that fits the arguments tells what success looks like.", required_in_the_end();
    rules: Shape::List(&Shape::Map(RuleKeys::kind)),
        "Arguments that `recover check` refuses, and the gate before every start.";
    options: Shape::Named(&Shape::Either(&[Shape::OnlyTrue, PATTERN])),
        "All options that are known as harmless: true, or the form of the option's value. With them, or with `words`, \
         a call is reversible only in these forms. Groups `id`, `address`, `length` and `file` say what they are; \
         what stands in `length` and `free` may differ from call to call. `limit_ms` is for how long the tool itself \
         waits, in milliseconds, and `leaves` a word with which the board goes away afterwards.";
    anywhere: PATTERNS, "Words that may stand at any place.";
    brings_addresses: Shape::Text,
        "The first letters of files that bring the addresses of their parts, in ST's format.";
    words_end_options: Shape::Boolean, "What follows the first word is no option, however it looks.";
    pairs: PATTERN, "A file and its address, in groups `file` and `address`, as often as they stand in one argument.";
    one_of: TEXTS, "Options of which a call has one at most: each is another kind of work.";
    stages: PATTERNS, "Which files a step may put into the private folder, by their whole path there; none without it.";
    files: PATTERNS, "Which files of the tool's own folder a playbook may name below `tool_files`; none without it.";
    banner: PATTERN,
        "A line of its answer to the question for its version by which the program is known under any name.";
    menu: Shape::Map(MenuKeys::kind), "Numbered lines of which one is chosen by its number.";
    timeout: TIME, "Limit of a call for which nothing else gives one; 60s without it.";
}

keys! {
    VERSION: VersionKeys = "`version`";
    args: TEXTS, "The arguments with which it is asked.", required_in_the_end();
    flavours: Shape::List(&Shape::Map(FlavourKeys::kind)),
        "Families of builds; the first whose pattern matches a line of the answer counts.", required_in_the_end();
    prefer: Shape::Text, "The name of the flavour that is taken where several are installed.";
}

keys! {
    FLAVOUR: FlavourKeys = "a flavour";
    name: Shape::Text, "Tells this family from others of the same tool.";
    pattern: PATTERN, "Finds the version, in a group `version`.", required();
    minimum: Shape::Text, "Older versions are refused.";
    known_bad: VARIABLES, "Versions that must not be used, each with the reason.";
}

keys! {
    WARM: WarmKeys = "`warm`";
    flavour: Shape::Text, "Only builds of this flavour are in Python.";
    imports: TEXTS, "The modules that take the time.", required();
}

keys! {
    MENU: MenuKeys = "`menu`";
    entry: PATTERN, "Finds number and text, in groups `number` and `label`.", required();
    harmless: PATTERNS, "The texts that may be chosen; no other ever is.";
}

keys! {
    WAY: WayKeys = "a way";
    command: TEXTS,
        "The beginning of the command; its first word is a program on PATH, or a path with ~, $NAME and globs.",
        required();
    environment: VARIABLES, "Variables set as well; {program_folder} is the folder in which the first word was found.";
}

/// Limit of calls for which nothing else gives one.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

pub(super) fn tool(name: &Key, table: &Tree, installers: &[Installer], reader: &mut Reader) -> Option<Tool> {
    let parts = reader.parts_of_named((&name.text, &name.place), table, &TOOL)?;
    if !parts.has(TOOL.programs) && !parts.has(TOOL.via) {
        reader.report(Diagnostic::error(Code::MissingKey, &name.place, "the key `programs` is missing"));
    }
    let statuses = statuses(reader, parts.get(TOOL.statuses));
    let commands = commands(reader, parts.get(TOOL.commands), parts.get(TOOL.statuses), &statuses);
    let version = version_probe(reader, parts.get(TOOL.version));
    Some(Tool {
        name: name.text.clone(),
        place: name.place.clone(),
        summary: reader.plain_text(parts.get(TOOL.summary)).unwrap_or_default(),
        programs: reader.plain_texts(parts.get(TOOL.programs)),
        folders: per_system(reader, parts.get(TOOL.folders), Reader::plain_texts),
        via: per_system(reader, parts.get(TOOL.via), ways),
        first_args: reader.plain_texts(parts.get(TOOL.first_args)),
        environment: reader.plain_text_map(parts.get(TOOL.environment)),
        environment_without_home: reader.plain_text_map(parts.get(TOOL.environment_without_home)),
        packages: packages(reader, parts.get(TOOL.packages), installers),
        packages_too_old: reader.plain_texts(parts.get(TOOL.packages_too_old)),
        install: per_system(reader, parts.get(TOOL.install), Reader::plain_text),
        parallel: reader.is_yes(parts.get(TOOL.parallel)),
        terminal: reader.is_yes(parts.get(TOOL.terminal)),
        private_folder: reader.is_yes(parts.get(TOOL.private_folder)),
        questions: patterns(reader, parts.get(TOOL.questions)),
        select_port: with_blank(reader, parts.get(TOOL.select_port), &[PORT, LIBUSB_PORT, HID_NODE]),
        select_flavour: known_flavour(reader, parts.get(TOOL.select_flavour), &version.flavours),
        select_minimum: parts
            .get(TOOL.select_minimum)
            .and_then(|text| reader.parsed::<ToolVersion>(text))
            .map(|minimum| minimum.value),
        select_replaces: reader.plain_text(parts.get(TOOL.select_replaces)),
        select_serial: with_blank(reader, parts.get(TOOL.select_serial), &[SERIAL]),
        select_after: pattern(reader, parts.get(TOOL.select_after), &[]),
        device_taken: pattern(reader, parts.get(TOOL.device_taken), &["id"]),
        progress: progress(reader, parts.get(TOOL.progress)),
        statuses,
        faults: faults_known(reader, [parts.get(TOOL.first_faults), parts.get(TOOL.faults)], &commands),
        commands,
        rules: rules(reader, parts.get(TOOL.rules)),
        options: options(reader, &parts),
        anywhere: patterns(reader, parts.get(TOOL.anywhere)),
        brings_addresses: reader.plain_text(parts.get(TOOL.brings_addresses)),
        words_end_options: reader.is_yes(parts.get(TOOL.words_end_options)),
        pairs: pattern(reader, parts.get(TOOL.pairs), &["address"]),
        one_of: reader.plain_texts(parts.get(TOOL.one_of)),
        stages: patterns(reader, parts.get(TOOL.stages)),
        files: patterns(reader, parts.get(TOOL.files)),
        banner: pattern(reader, parts.get(TOOL.banner), &[]),
        menu: parts.get(TOOL.menu).and_then(|menu| read_menu(reader, menu)),
        timeout: parts.get(TOOL.timeout).and_then(|time| reader.time(time)).unwrap_or(TIMEOUT_DEFAULT),
        warm: parts.get(TOOL.warm).and_then(|warm| read_warm(reader, warm, &version.flavours)),
        version,
    })
}

fn version_probe(reader: &mut Reader, tree: Option<&Tree>) -> VersionProbe {
    let Some(parts) = tree.and_then(|tree| reader.parts(tree, &VERSION)) else {
        return VersionProbe { args: Vec::new(), flavours: Vec::new(), prefer: None };
    };
    let args = reader.plain_texts(parts.get(VERSION.args));
    let flavours = reader.items(parts.get(VERSION.flavours), "a list of tables");
    let flavours: Vec<Flavour> = flavours.iter().filter_map(|tree| flavour(reader, tree)).collect();
    let prefer = known_flavour(reader, parts.get(VERSION.prefer), &flavours);
    VersionProbe { args, flavours, prefer }
}

fn flavour(reader: &mut Reader, tree: &Tree) -> Option<Flavour> {
    let parts = reader.parts(tree, &FLAVOUR)?;
    let name = reader.plain_text(parts.get(FLAVOUR.name));
    let pattern = pattern(reader, parts.get(FLAVOUR.pattern), &["version"]);
    let minimum = parts.get(FLAVOUR.minimum).and_then(|text| reader.parsed::<ToolVersion>(text));
    let mut known_bad = Vec::new();
    for (version, reason) in reader.text_map(parts.get(FLAVOUR.known_bad)) {
        match version.text.parse() {
            Ok(version) => known_bad.push((version, reason.value)),
            Err(error) => {
                reader.report(Diagnostic::error(Code::Malformed, &version.place, ToolVersionError::to_string(&error)));
            }
        }
    }
    Some(Flavour { name, pattern: pattern?, minimum: minimum.map(|minimum| minimum.value), known_bad })
}

/// The name of one of the flavours.
fn known_flavour(reader: &mut Reader, tree: Option<&Tree>, flavours: &[Flavour]) -> Option<String> {
    let named = reader.text(tree?)?;
    let names: Vec<&str> = flavours.iter().filter_map(|flavour| flavour.name.as_deref()).collect();
    if names.contains(&named.value.as_str()) {
        return Some(named.value);
    }
    let diagnostic =
        Diagnostic::error(Code::UnknownName, &named.place, format!("`{}` is none of the tool's flavours", named.value));
    reader.report(match names.as_slice() {
        [] => diagnostic,
        names => diagnostic.hint(format!("known here: {}", names.join(", "))),
    });
    None
}

fn read_warm(reader: &mut Reader, tree: &Tree, flavours: &[Flavour]) -> Option<Warm> {
    let parts = reader.parts(tree, &WARM)?;
    let flavour = known_flavour(reader, parts.get(WARM.flavour), flavours);
    let imports = reader.plain_texts(parts.get(WARM.imports));
    if let (Some(list), Some(no_module)) = (parts.get(WARM.imports), imports.iter().find(|name| !is_module(name))) {
        reader.report(Diagnostic::error(
            Code::BadName,
            &list.place,
            format!("`{no_module}` is not the name of a module"),
        ));
    }
    Some(Warm { flavour, imports })
}

/// Words of letters, digits and `_`, with full stops between them.
fn is_module(name: &str) -> bool {
    name.split('.').all(|word| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// By name; `true` for those without a value, else the form of the value.
fn options(reader: &mut Reader, parts: &Parts<'_, ToolKeys>) -> BTreeMap<String, Option<Pattern>> {
    let map = parts.get(TOOL.options).and_then(|tree| reader.open_map(tree, "options"));
    let mut found = BTreeMap::new();
    for (key, tree) in map.map(|map| map.all()).unwrap_or_default() {
        match &tree.kind {
            TreeKind::Boolean(true) => drop(found.insert(key.text.clone(), None)),
            TreeKind::Scalar { .. } => {
                if let Some(pattern) = pattern(reader, Some(tree), &[]) {
                    found.insert(key.text.clone(), Some(pattern));
                }
            }
            _ => reader.wrong_kind(tree, "`true`, or the form of the option's value"),
        }
    }
    found
}

fn read_menu(reader: &mut Reader, tree: &Tree) -> Option<Menu> {
    let parts = reader.parts(tree, &MENU)?;
    let harmless = patterns(reader, parts.get(MENU.harmless));
    Some(Menu { entry: pattern(reader, parts.get(MENU.entry), &["number"])?, harmless })
}

fn progress(reader: &mut Reader, tree: Option<&Tree>) -> Vec<ProgressPattern> {
    let texts = reader.texts(tree);
    let compiled = texts.iter().filter_map(|text| compile(reader, text, &["percent", "bytes"]));
    compiled.map(|pattern| ProgressPattern { pattern }).collect()
}

/// Arguments in which something is filled in: without the blank they would choose nothing.
fn with_blank(reader: &mut Reader, tree: Option<&Tree>, blanks: &[&str]) -> Vec<String> {
    let args = reader.plain_texts(tree);
    if let Some(tree) = tree
        && !args.is_empty()
        && !args.iter().any(|arg| blanks.iter().any(|blank| arg.contains(blank)))
    {
        reader.report(Diagnostic::error(
            Code::Malformed,
            &tree.place,
            format!("none of these arguments holds `{}`", blanks.join("` or `")),
        ));
    }
    args
}

/// Each is a list of words, or a table with such a list and variables.
fn ways(reader: &mut Reader, tree: Option<&Tree>) -> Vec<Via> {
    let mut found = Vec::new();
    for way in reader.items(tree, "a list of command beginnings") {
        let via = match &way.kind {
            TreeKind::Map(_) => reader.parts(way, &WAY).map(|parts| Via {
                command: reader.plain_texts(parts.get(WAY.command)),
                environment: reader.plain_text_map(parts.get(WAY.environment)),
            }),
            _ => {
                let is_list = matches!(way.kind, TreeKind::List(_));
                let command = reader.plain_texts(Some(way));
                is_list.then_some(Via { command, environment: BTreeMap::new() })
            }
        };
        found.extend(via);
    }
    found
}

fn packages(reader: &mut Reader, tree: Option<&Tree>, installers: &[Installer]) -> BTreeMap<String, String> {
    let packages = reader.text_map(tree);
    packages.iter().for_each(|(source, _)| check_source(reader, source, installers));
    packages.into_iter().map(|(source, package)| (source.text, package.value)).collect()
}

/// One value for every operating system, or a table with one for each.
pub(super) fn per_system<T: Clone>(
    reader: &mut Reader,
    tree: Option<&Tree>,
    read: impl Fn(&mut Reader, Option<&Tree>) -> T,
) -> PerOperatingSystem<T> {
    let words = OperatingSystem::words().into_iter().map(|(word, _)| word).collect::<Vec<_>>();
    let table = tree.filter(|tree| tree.is_map()).and_then(|tree| reader.map(tree, "operating systems", &words));
    let Some(table) = table else {
        let all = read(reader, tree);
        return PerOperatingSystem { linux: all.clone(), macos: all.clone(), windows: all };
    };
    let mut on = |system: OperatingSystem| read(reader, table.get(system.word()));
    PerOperatingSystem {
        linux: on(OperatingSystem::Linux),
        macos: on(OperatingSystem::Macos),
        windows: on(OperatingSystem::Windows),
    }
}
