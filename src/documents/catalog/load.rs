//! Reads catalogs: text in; a [`Catalog`], or everything that is wrong with the text, out.
//!
//! Several documents make one catalog: a later one replaces single keys of a tool that an earlier one describes, and may
//! add tools. What is read in the end is the merged tree, so nothing that an earlier document gives is asked for again.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use super::image_folders::{ImageFoldersKeys, image_folders};
use super::installer::{InstallerKeys, installer};
use super::read_judging::{FAULT, FaultKeys};
use super::read_tool::{SYSTEMS, TEXTS, TOOL, ToolKeys, VARIABLES, per_system, tool};
use super::tool::{Catalog, Chip, Driver};
use crate::documents::keys::{Field, Keys, Shape, keys};
use crate::documents::reader::Reader;
use crate::documents::toml::parse_toml;
use crate::documents::tree::{Key, Tree, TreeKind};
use crate::words::{AddressRange, Code, Diagnostic, Source, UsbId, nearest};

keys! {
    CATALOG: CatalogKeys = "a catalog", document("recover's catalog of tools, vendor-tools.toml"),
        about("One table for each tool; its name is the word that playbooks use after `run:`. A catalog of your own \
         overrides single keys of the shipped one, or adds tools. Patterns are regular expressions. `recover check` \
         knows more than this schema."), others(Shape::Map(ToolKeys::kind));
    environment: Shape::Map(EnvironmentKeys::kind), "Variables for every tool.";
    shared_ids: Shape::Named(&Shape::Text),
        "USB ids that boards of many makers show, and whose they are: a device with one of them is not taken for the \
         board because it is there.";
    installers: Shape::Named(&Shape::Map(InstallerKeys::kind)),
        "Ways in which programs come to a computer, each a table; the first that fits is offered.";
    image_folders: Shape::Named(&Shape::Map(ImageFoldersKeys::kind)),
        "Where programs keep the files that boards are brought back with, by the name that playbooks give it.";
    holders: VARIABLES,
        "Programs known to take boards for something else: the name of the process, and what to do about it.";
    chips: Shape::Named(&Shape::Map(ChipsKeys::kind)),
        "What is known of the memory of chips. The shipped table counts for the guards, whatever other catalogs say.";
    drivers: Shape::Named(&Shape::Map(DriversKeys::kind)),
        "What a system needs before tools can open devices, by what these are.";
    special_memories: VARIABLES,
        "Addresses that are never plain memory, whatever a playbook declares, and what they hold.";
    common_faults: Shape::Named(&Shape::List(&Shape::Map(FaultKeys::kind))),
        "Groups of faults that several tools share: a tool names one with `common` among its own faults.";
}

keys! {
    ENVIRONMENT: EnvironmentKeys = "`environment`";
    remove: TEXTS, "Variables of the person's environment that no tool gets.";
    set: VARIABLES, "Variables that every tool gets.";
}

keys! {
    CHIPS: ChipsKeys = "chips";
    ids: TEXTS, "USB ids under which the chip shows itself while tools write it.";
    tools: TEXTS, "Tools that write nothing else, where their arguments name no id.";
    plain: TEXTS, "Memory that can be written again: where it begins and how long it is, as in 0x08000000+0x400000.";
}

keys! {
    DRIVERS: DriversKeys = "drivers";
    ids: TEXTS, "USB ids of the devices.";
    needs: SYSTEMS, "What to do, in a sentence for each operating system that does not let tools at them by itself.";
}

type Table = Vec<(Key, Tree)>;

/// The catalog inside this program.
pub fn shipped_source() -> Arc<Source> {
    static SOURCE: LazyLock<Arc<Source>> = LazyLock::new(|| {
        let text = include_str!("../../../vendor-tools.toml").to_owned();
        Arc::new(Source { name: "vendor-tools.toml".to_owned(), text })
    });
    Arc::clone(&SOURCE)
}

/// The catalog inside this program, read. A test holds that it has no faults.
pub fn shipped() -> Result<Catalog, Vec<Diagnostic>> {
    load(&shipped_source())
}

/// Reads one document that describes its tools completely.
pub fn load(source: &Arc<Source>) -> Result<Catalog, Vec<Diagnostic>> {
    merge(std::slice::from_ref(source))
}

/// Reads documents of which later ones override earlier ones, key by key.
pub fn merge(sources: &[Arc<Source>]) -> Result<Catalog, Vec<Diagnostic>> {
    let mut reader = Reader::of_toml();
    let mut merged = Table::new();
    for source in sources {
        let (document, syntax) = parse_toml(source);
        if syntax.is_empty() {
            lay_over(&mut merged, document);
        }
        reader.diagnostics.extend(syntax);
    }
    let catalog = catalog(&merged, &mut reader);
    let mut diagnostics = reader.diagnostics;
    // What a tool takes over from another would be reported for both.
    let mut seen = BTreeSet::new();
    diagnostics.retain(|Diagnostic { message, place, .. }| {
        let place = place.as_ref().map(|place| (Arc::as_ptr(&place.source), place.start, place.end));
        seen.insert((place, message.clone()))
    });
    if diagnostics.is_empty() { Ok(catalog) } else { Err(diagnostics) }
}

pub(super) fn lay_over(base: &mut Table, document: Table) {
    for (key, tree) in document {
        let known = base.iter_mut().find(|(name, _)| name.text == key.text);
        match (known, tree) {
            (Some((_, Tree { kind: TreeKind::Map(table), .. })), Tree { kind: TreeKind::Map(over), .. }) => {
                replace_keys(table, over);
            }
            (Some(entry), tree) => *entry = (key, tree),
            (None, tree) => base.push((key, tree)),
        }
    }
}

/// Takes over every key of `over`, replacing what stood under it.
fn replace_keys(table: &mut Table, over: Table) {
    for (key, tree) in over {
        match table.iter_mut().find(|(name, _)| name.text == key.text) {
            Some(entry) => *entry = (key, tree),
            None => table.push((key, tree)),
        }
    }
}

fn find<'t>(table: &'t Table, name: &str) -> Option<&'t Tree> {
    table.iter().find(|(key, _)| key.text == name).map(|(_, tree)| tree)
}

fn catalog(document: &Table, reader: &mut Reader) -> Catalog {
    let named = |key: Field<CatalogKeys>| find(document, key.name);
    let installers = tables(reader, named(CATALOG.installers), "installer", installer);
    let mut catalog = Catalog { installers, ..Catalog::default() };
    if let Some(environment) = named(CATALOG.environment)
        && let Some(parts) = reader.parts(environment, &ENVIRONMENT)
    {
        catalog.environment_remove = reader.plain_texts(parts.get(ENVIRONMENT.remove));
        catalog.environment_set = reader.plain_text_map(parts.get(ENVIRONMENT.set));
    }
    catalog.shared_ids = by_parsed::<UsbId>(reader, named(CATALOG.shared_ids)).into_iter().collect();
    catalog.chips = tables(reader, named(CATALOG.chips), "chips", chip);
    catalog.drivers = tables(reader, named(CATALOG.drivers), "drivers", driver);
    catalog.special_memories = by_parsed::<AddressRange>(reader, named(CATALOG.special_memories));
    catalog.image_folders = tables(reader, named(CATALOG.image_folders), "image folders", image_folders);
    catalog.holders = reader.plain_text_map(named(CATALOG.holders));
    let known = CatalogKeys::kind().names();
    for (name, tree) in document.iter().filter(|(name, _)| !known.contains(&name.text.as_str())) {
        let TreeKind::Map(table) = &tree.kind else {
            reader.wrong_kind(tree, &format!("a table for the tool `{}`", name.text));
            continue;
        };
        if !table_is_known(tree) {
            report_stranger(name, document, reader);
        } else if let Some(mut complete) = with_likeness(table, document, reader) {
            // What these are about is the tool's, and so they are read where a tool names them.
            with_common_faults(&mut complete, named(CATALOG.common_faults), reader);
            let complete = Tree { kind: TreeKind::Map(complete), place: name.place.clone() };
            catalog.tools.extend(tool(name, &complete, &catalog.installers, reader));
        }
    }
    catalog
}

/// What is said of each of something that has its form, such as a USB id.
fn by_parsed<T>(reader: &mut Reader, tree: Option<&Tree>) -> Vec<(T, String)>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let mut found = Vec::new();
    for (key, text) in reader.text_map(tree) {
        match key.text.parse() {
            Ok(value) => found.push((value, text.value)),
            Err(error) => reader.report(Diagnostic::error(Code::BadName, &key.place, T::Err::to_string(&error))),
        }
    }
    found
}

/// What comes of each of several tables, by name; `what` says what a table is for.
fn tables<T>(
    reader: &mut Reader,
    tree: Option<&Tree>,
    what: &str,
    read: impl Fn(&mut Reader, &Key, &Tree) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for (name, tree) in tree.map(Tree::entries).unwrap_or_default() {
        if tree.is_map() {
            found.extend(read(reader, name, tree));
        } else {
            reader.wrong_kind(tree, &format!("a table for the {what} `{}`", name.text));
        }
    }
    found
}

fn driver(reader: &mut Reader, name: &Key, tree: &Tree) -> Option<Driver> {
    let parts = reader.parts_of_named((&name.text, &name.place), tree, &DRIVERS)?;
    Some(Driver {
        name: name.text.clone(),
        ids: reader.parsed_all(parts.get(DRIVERS.ids)),
        needs: per_system(reader, parts.get(DRIVERS.needs), |reader, tree| reader.plain_text(tree)),
    })
}

fn chip(reader: &mut Reader, name: &Key, tree: &Tree) -> Option<Chip> {
    let parts = reader.parts_of_named((&name.text, &name.place), tree, &CHIPS)?;
    Some(Chip {
        name: name.text.clone(),
        ids: reader.parsed_all(parts.get(CHIPS.ids)),
        tools: reader.plain_texts(parts.get(CHIPS.tools)),
        plain: reader.parsed_all(parts.get(CHIPS.plain)),
    })
}

/// A table without any of the keys that only a whole description has was meant for a tool that exists.
fn table_is_known(table: &Tree) -> bool {
    [TOOL.like, TOOL.summary, TOOL.programs, TOOL.version, TOOL.commands]
        .iter()
        .any(|key| table.get(key.name).is_some())
}

fn report_stranger(name: &Key, document: &Table, reader: &mut Reader) {
    let message = format!("no tool `{}` is known, and this does not describe one", name.text);
    let diagnostic = Diagnostic::error(Code::UnknownTool, &name.place, message);
    let others = document.iter().map(|(other, _)| other.text.as_str()).filter(|other| *other != name.text);
    reader.report(match nearest(&name.text, others) {
        Some(word) => diagnostic.hint(format!("did you mean `{word}`?")),
        None => diagnostic.hint("a tool of its own needs at least `summary`, `programs`, `version` and `commands`"),
    });
}

/// The table completed by the keys of the tool it is `like`; `None`, and a report, when there is no such tool.
fn with_likeness(table: &Table, document: &Table, reader: &mut Reader) -> Option<Table> {
    let like = |(key, _): &&(Key, Tree)| key.text == TOOL.like.name;
    let Some((_, tree)) = table.iter().find(like) else { return Some(table.clone()) };
    let other = match &tree.kind {
        TreeKind::Scalar { text, .. } => find(document, text),
        _ => None,
    };
    let Some(Tree { kind: TreeKind::Map(other), .. }) = other else {
        reader.report(Diagnostic::error(
            Code::UnknownTool,
            &tree.place,
            "`like` must name another tool of the catalog",
        ));
        return None;
    };
    if other.iter().any(|entry| like(&entry)) {
        reader.report(Diagnostic::error(
            Code::Contradiction,
            &tree.place,
            "`like` must name a tool that is not `like` another itself",
        ));
        return None;
    }
    let mut complete = other.clone();
    let mut own = table.clone();
    own.retain(|entry| !like(&entry));
    replace_keys(&mut complete, own);
    Some(complete)
}

/// Puts the faults of a group in place of each entry that names the group.
fn with_common_faults(table: &mut Table, groups: Option<&Tree>, reader: &mut Reader) {
    let groups = groups.map(Tree::entries).unwrap_or_default();
    let known: Vec<&str> = groups.iter().map(|(name, _)| name.text.as_str()).collect();
    for (key, tree) in table {
        let TreeKind::List(items) = &mut tree.kind else { continue };
        if ![TOOL.faults.name, TOOL.first_faults.name].contains(&key.text.as_str()) {
            continue;
        }
        let mut complete = Vec::new();
        for item in std::mem::take(items) {
            let named = item.get(FAULT.common.name).filter(|_| item.entries().len() == 1);
            let Some(Tree { kind: TreeKind::Scalar { text: name, .. }, place }) = named else {
                complete.push(item);
                continue;
            };
            match groups.iter().find(|(group, _)| group.text == *name).map(|(_, group)| &group.kind) {
                Some(TreeKind::List(group)) => complete.extend(group.iter().cloned()),
                _ => {
                    let diagnostic =
                        Diagnostic::error(Code::UnknownName, place, format!("no common faults are called `{name}`"));
                    reader.report(match nearest(name, known.iter().copied()) {
                        Some(word) => diagnostic.hint(format!("did you mean `{word}`?")),
                        None => diagnostic.hint(format!("known here: {}", known.join(", "))),
                    });
                }
            }
        }
        *items = complete;
    }
}
