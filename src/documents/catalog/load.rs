//! Reads catalogs: text in; a [`Catalog`], or everything that is wrong with the text, out.
//!
//! Several documents make one catalog: a later one replaces single keys of a tool that an earlier one describes, and may
//! add tools. What is read in the end is the merged tree, so nothing that an earlier document gives is asked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use super::installer::{Installer, installer};
use super::read_tool::tool;
use super::reader::{Diagnostics, Reader};
use super::tool::{Catalog, Chip};
use super::tree::{Node, Table, Value, parse};
use crate::words::{AddressRange, Diagnostic, Located, Place, Source, UsbId, nearest};

/// The tables of the document that are not tools.
pub(super) const ENVIRONMENT: &str = "environment";
pub(super) const SHARED_IDS: &str = "shared_ids";
pub(super) const INSTALLERS: &str = "installers";
const HOLDERS: &str = "holders";
const CHIPS: &str = "chips";
const SPECIAL_MEMORIES: &str = "special_memories";
const COMMON_FAULTS: &str = "common_faults";
/// By this key a tool puts a group of those faults among its own.
const COMMON: &str = "common";
/// The key by which a tool takes over what another tool's table says.
const LIKE: &str = "like";

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
    let diagnostics = Diagnostics::default();
    let mut merged = Table::default();
    for source in sources {
        let (document, syntax) = parse(source);
        let damaged = !syntax.is_empty();
        syntax.into_iter().for_each(|diagnostic| diagnostics.report(diagnostic));
        if !damaged {
            lay_over(&mut merged, document);
        }
    }
    let catalog = catalog(&merged, &diagnostics);
    let mut diagnostics = diagnostics.into_inner();
    // What a tool takes over from another would be reported for both.
    let mut seen = BTreeSet::new();
    diagnostics.retain(|Diagnostic { message, place, .. }| {
        let place = place.as_ref().map(|place| (Arc::as_ptr(&place.source), place.start, place.end));
        seen.insert((place, message.clone()))
    });
    if diagnostics.is_empty() { Ok(catalog) } else { Err(diagnostics) }
}

pub(super) fn lay_over(base: &mut Table, document: Table) {
    for (key, node) in document.entries {
        let known = base.entries.iter_mut().find(|(name, _)| name.value == key.value);
        match (known, node) {
            (Some((_, Node { value: Value::Table(table), .. })), Node { value: Value::Table(over), .. }) => {
                table.replace_keys(over);
            }
            (Some(entry), node) => *entry = (key, node),
            (None, node) => base.entries.push((key, node)),
        }
    }
}

fn catalog(document: &Table, diagnostics: &Diagnostics) -> Catalog {
    let mut catalog = Catalog { installers: installers(document, diagnostics), ..Catalog::default() };
    for (name, node) in &document.entries {
        let Value::Table(table) = &node.value else {
            let message = format!("expected a table for the tool `{}`, found {}", name.value, node.value.describe());
            diagnostics.report(Diagnostic::error(&node.place, message));
            continue;
        };
        if name.value == INSTALLERS {
            continue;
        }
        if name.value == ENVIRONMENT {
            let reader = Reader::new(table, &name.place, diagnostics);
            catalog.environment_remove = reader.plain_texts("remove");
            catalog.environment_set = reader.plain_text_map("set");
            reader.finish();
        } else if name.value == SHARED_IDS {
            catalog.shared_ids = shared_ids(table, &name.place, diagnostics);
        } else if name.value == CHIPS {
            catalog.chips = chips(table, diagnostics);
        } else if name.value == SPECIAL_MEMORIES {
            catalog.special_memories = special_memories(table, diagnostics);
        } else if name.value == HOLDERS {
            catalog.holders = holders(table, diagnostics);
        } else if name.value == COMMON_FAULTS {
            // Read where a tool names them: what they are about is the tool's.
        } else if !table_is_known(table) {
            report_stranger(name, document, diagnostics);
        } else if let Some(mut complete) = with_likeness(table, document, diagnostics) {
            with_common_faults(&mut complete, document, diagnostics);
            catalog.tools.push(tool(name, &complete, &catalog.installers, diagnostics));
        }
    }
    catalog
}

/// By USB id: whose it is.
fn shared_ids(table: &Table, place: &Place, diagnostics: &Diagnostics) -> BTreeMap<UsbId, String> {
    let mut ids = BTreeMap::new();
    for (key, node) in &table.entries {
        match (key.value.parse::<UsbId>(), &node.value) {
            (Ok(id), Value::Text(whose)) => drop(ids.insert(id, whose.clone())),
            (Ok(_), _) => Reader::new(table, place, diagnostics).wrong(node, "a text"),
            (Err(error), _) => diagnostics.report(Diagnostic::error(&key.place, error.to_string())),
        }
    }
    ids
}

fn chips(table: &Table, diagnostics: &Diagnostics) -> Vec<Chip> {
    let mut chips = Vec::new();
    for (name, node) in &table.entries {
        let Value::Table(table) = &node.value else {
            let message = format!("expected a table for the chips `{}`, found {}", name.value, node.value.describe());
            diagnostics.report(Diagnostic::error(&node.place, message));
            continue;
        };
        let reader = Reader::new(table, &name.place, diagnostics);
        chips.push(Chip {
            name: name.value.clone(),
            ids: reader.texts("ids").iter().filter_map(|text| reader.parsed(text)).collect(),
            tools: reader.plain_texts("tools"),
            plain: reader.texts("plain").iter().filter_map(|text| reader.parsed(text)).collect(),
        });
        reader.finish();
    }
    chips
}

/// By range: what it holds.
fn special_memories(table: &Table, diagnostics: &Diagnostics) -> Vec<(AddressRange, String)> {
    let mut memories = Vec::new();
    for (key, node) in &table.entries {
        match (key.value.parse::<AddressRange>(), &node.value) {
            (Ok(range), Value::Text(what)) => memories.push((range, what.clone())),
            (Ok(_), other) => {
                diagnostics
                    .report(Diagnostic::error(&node.place, format!("expected a text, found {}", other.describe())));
            }
            (Err(error), _) => diagnostics.report(Diagnostic::error(&key.place, error.to_string())),
        }
    }
    memories
}

fn installers(document: &Table, diagnostics: &Diagnostics) -> Vec<Installer> {
    let Some(Node { value: Value::Table(table), .. }) = document.get(INSTALLERS) else { return Vec::new() };
    let mut installers = Vec::new();
    for (name, node) in &table.entries {
        match &node.value {
            Value::Table(table) => installers.push(installer(name, Reader::new(table, &name.place, diagnostics))),
            other => {
                let message =
                    format!("expected a table for the installer `{}`, found {}", name.value, other.describe());
                diagnostics.report(Diagnostic::error(&node.place, message));
            }
        }
    }
    installers
}

/// A table without any of the keys that only a whole description has was meant for a tool that exists.
fn table_is_known(table: &Table) -> bool {
    [LIKE, "summary", "programs", "version", "commands"].iter().any(|key| table.get(key).is_some())
}

fn report_stranger(name: &Located<String>, document: &Table, diagnostics: &Diagnostics) {
    let diagnostic =
        Diagnostic::error(&name.place, format!("no tool `{}` is known, and this does not describe one", name.value));
    let others = document.entries.iter().map(|(other, _)| other.value.as_str()).filter(|other| *other != name.value);
    diagnostics.report(match nearest(&name.value, others) {
        Some(word) => diagnostic.hint(format!("did you mean `{word}`?")),
        None => diagnostic.hint("a tool of its own needs at least `summary`, `programs`, `version` and `commands`"),
    });
}

/// The table completed by the keys of the tool it is `like`; `None`, and a report, when there is no such tool.
fn with_likeness(table: &Table, document: &Table, diagnostics: &Diagnostics) -> Option<Table> {
    let Some(node) = table.get(LIKE) else { return Some(table.clone()) };
    let other = match &node.value {
        Value::Text(other) => document.get(other),
        _ => None,
    };
    let Some(Node { value: Value::Table(other), .. }) = other else {
        diagnostics.report(Diagnostic::error(&node.place, "`like` must name another tool of the catalog"));
        return None;
    };
    if other.get(LIKE).is_some() {
        diagnostics.report(Diagnostic::error(&node.place, "`like` must name a tool that is not `like` another itself"));
        return None;
    }
    let mut complete = other.clone();
    let mut own = table.clone();
    own.entries.retain(|(key, _)| key.value != LIKE);
    complete.replace_keys(own);
    Some(complete)
}

/// Puts the faults of a group in place of each entry that names the group.
fn with_common_faults(table: &mut Table, document: &Table, diagnostics: &Diagnostics) {
    let groups = match document.get(COMMON_FAULTS) {
        Some(Node { value: Value::Table(groups), .. }) => groups.clone(),
        _ => Table::default(),
    };
    let known: Vec<&str> = groups.entries.iter().map(|(name, _)| name.value.as_str()).collect();
    for (key, node) in &mut table.entries {
        let Value::List(items) = &mut node.value else { continue };
        if !matches!(key.value.as_str(), "faults" | "first_faults") {
            continue;
        }
        let mut complete = Vec::new();
        for item in std::mem::take(items) {
            let named = match &item.value {
                Value::Table(entry) => entry.get(COMMON).filter(|_| entry.entries.len() == 1),
                _ => None,
            };
            let Some(Node { value: Value::Text(name), place }) = named else {
                complete.push(item);
                continue;
            };
            match groups.get(name).map(|group| &group.value) {
                Some(Value::List(group)) => complete.extend(group.iter().cloned()),
                _ => {
                    let diagnostic = Diagnostic::error(place, format!("no common faults are called `{name}`"));
                    diagnostics.report(match nearest(name, known.iter().copied()) {
                        Some(word) => diagnostic.hint(format!("did you mean `{word}`?")),
                        None => diagnostic.hint(format!("known here: {}", known.join(", "))),
                    });
                }
            }
        }
        *items = complete;
    }
}

fn holders(table: &Table, diagnostics: &Diagnostics) -> BTreeMap<String, String> {
    let entry = |(name, node): &(Located<String>, Node)| match &node.value {
        Value::Text(advice) => Some((name.value.clone(), advice.clone())),
        other => {
            diagnostics.report(Diagnostic::error(&node.place, format!("expected a text, found {}", other.describe())));
            None
        }
    };
    table.entries.iter().filter_map(entry).collect()
}
