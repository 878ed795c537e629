//! Families: a document that `uses` others takes everything from them that it does not say itself, with their parameters
//! filled in from `with`. A family may use others in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::documents::playbook::parameters::{
    WHEN_FILLED_IN, fill_in_for, given, names_in, no_room, read_parameters, report_strangers, report_unused,
};
use crate::documents::reader::Reader;
use crate::documents::{Key, Yaml, YamlKind, parse_yaml};
use crate::words::{Code, Diagnostic, Id, Located, Place, Source};

/// Finds the document that `uses` names, or says why it cannot be had. The argument is the path, seen from the playbook.
pub type Families<'a> = dyn Fn(&str) -> Result<Arc<Source>, String> + 'a;

/// Is everything there that the document should have? What a lost family would have brought is not its author's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::documents) enum Joined {
    Whole,
    FamilyLost,
}

/// Families that use each other, one within the other.
const DEPTH_MAX: usize = 4;
/// In one `uses`.
const FAMILIES_MAX: usize = 8;
/// In all that one document brings in, each counted as often as it is used.
const ALL_FAMILIES_MAX: usize = 32;

/// The document with its families' keys added; unchanged when it has none. `keys` are those that a family may have.
pub(in crate::documents) fn join_families(
    reader: &mut Reader,
    document: Yaml,
    keys: &[&str],
    families: &Families<'_>,
) -> (Yaml, Joined) {
    Joining { keys, families, known: BTreeMap::new(), used: 0 }.join(reader, document, &[])
}

/// A family as it stands in its file.
struct Family {
    path: Located<String>,
    /// Seen from the playbook.
    name: String,
    tree: Yaml,
    parameters: BTreeMap<Id, String>,
}

/// What a family gives, and which family that is.
struct Gift {
    from: String,
    key: Key,
    value: Yaml,
}

struct Joining<'a> {
    keys: &'a [&'a str],
    families: &'a Families<'a>,
    /// Those that have been read, by their names as seen from the playbook; nothing of one that cannot be had.
    known: BTreeMap<String, Option<Yaml>>,
    used: usize,
}

impl Joining<'_> {
    /// `around` are the families that use this document, from the outside in.
    fn join(&mut self, reader: &mut Reader, document: Yaml, around: &[String]) -> (Yaml, Joined) {
        let YamlKind::Map(entries) = &document.kind else { return (document, Joined::Whole) };
        let find = |key: &str| entries.iter().find(|(found, _)| found.text == key);
        let Some((uses_key, uses)) = find("uses") else {
            if let Some((key, _)) = find("with") {
                reader.report(Diagnostic::error(
                    Code::KeyOutOfPlace,
                    &key.place,
                    "`with` has no meaning without `uses`",
                ));
            }
            return (document, Joined::Whole);
        };
        let paths = reader.one_or_more(uses, "families");
        if paths.is_empty() || paths.len() > FAMILIES_MAX {
            let message = format!("`uses` names one to {FAMILIES_MAX} families");
            let code = if paths.is_empty() { Code::EmptyList } else { Code::TooMuch };
            reader.report(Diagnostic::error(code, &uses_key.place, message));
            return (document, Joined::FamilyLost);
        }
        let paths = once_each(reader, paths);
        let found: Option<Vec<Family>> = {
            let each: Vec<Option<Family>> = paths.into_iter().map(|path| self.read(reader, path, around)).collect();
            each.into_iter().collect()
        };
        let Some(found) = found else { return (document, Joined::FamilyLost) };
        let with = find("with").map(|(_, with)| reader.named(with, "with")).unwrap_or_default();
        let names: Vec<String> = found.iter().map(|family| format!("`{}`", family.path.value)).collect();
        let nobody =
            if let [only] = names.as_slice() { format!("{only} has") } else { format!("{} have", names.join(" and ")) };
        report_strangers(reader, &with, &nobody, found.iter().flat_map(|family| family.parameters.keys()));
        let (mut gifts, mut joined) = (Vec::new(), Joined::Whole);
        for Family { path, name, tree, parameters } in found {
            let values = given(reader, &parameters, &with, &path.value, &path.place);
            let Some(tree) = fill_in_for(&path.place, &tree, &values, &mut reader.room) else {
                reader.report(no_room(&path.place, WHEN_FILLED_IN));
                return (document, Joined::FamilyLost);
            };
            let inner: Vec<String> = around.iter().cloned().chain([name]).collect();
            let (tree, whole) = self.join(reader, tree, &inner);
            if whole == Joined::FamilyLost {
                joined = whole;
            }
            self.add(reader, &mut gifts, &path.value, tree, entries);
        }
        let YamlKind::Map(own) = document.kind else { return (document, joined) };
        (Yaml { kind: YamlKind::Map(with_gifts(own, gifts)), place: document.place }, joined)
    }

    fn read(&mut self, reader: &mut Reader, path: &Yaml, around: &[String]) -> Option<Family> {
        let path = reader.text(path)?;
        let name = beside(around.last(), &path.value);
        if around.contains(&name) {
            reader.report(Diagnostic::error(
                Code::CallsItself,
                &path.place,
                format!("the family `{}` uses itself", path.value),
            ));
            return None;
        }
        if around.len() >= DEPTH_MAX {
            reader.report(Diagnostic::error(Code::TooMuch, &path.place, "families use each other too deeply here"));
            return None;
        }
        self.used += 1;
        if self.used > ALL_FAMILIES_MAX {
            if self.used == ALL_FAMILIES_MAX + 1 {
                let message = format!("this document brings in more than {ALL_FAMILIES_MAX} families");
                let hint = "each counts as often as it is used; give what several of them use to the document itself";
                reader.report(Diagnostic::error(Code::TooMuch, &path.place, message).hint(hint));
            }
            return None;
        }
        if !self.known.contains_key(&name) {
            let parsed = match (self.families)(&name) {
                Ok(source) => parse_yaml(&source),
                Err(reason) => Err(Diagnostic::error(
                    Code::FamilyUnavailable,
                    &path.place,
                    format!("cannot use `{}`: {reason}", path.value),
                )),
            };
            let tree = parsed.map_err(|diagnostic| reader.report(diagnostic)).ok();
            self.known.insert(name.clone(), tree);
        }
        let tree = self.known.get(&name)?.clone()?;
        let top = reader.map(&tree, "a family", self.keys)?;
        let parameters = read_parameters(reader, top.get("parameters"));
        report_unused(reader, top.get("parameters"), &names_in(&tree));
        if let Some(procedures) = top.get("procedures") {
            report_hidden(reader, procedures, &parameters);
        }
        Some(Family { path, name, tree, parameters })
    }

    /// What two families give is a conflict, unless the document has it itself.
    fn add(&self, reader: &mut Reader, gifts: &mut Vec<Gift>, from: &str, tree: Yaml, own: &[(Key, Yaml)]) {
        const NOT_INHERITED: [&str; 4] = ["parameters", "format", "uses", "with"];
        let YamlKind::Map(entries) = tree.kind else { return };
        for (key, value) in entries {
            let key_text = key.text.as_str();
            if NOT_INHERITED.contains(&key_text) || !self.keys.contains(&key_text) {
                continue;
            }
            let mine = own.iter().find(|(own, _)| own.text == key.text).map(|(_, value)| value);
            for other in gifts.iter().filter(|other| other.key.text == key.text) {
                let twice = named_twice(&other.value, &value, mine);
                for (name, place) in twice.into_iter().flatten() {
                    let what = name.map_or_else(|| key.text.clone(), |name| format!("{}: {name}", key.text));
                    let message = format!("`{what}` comes from two families: `{}` and `{from}`", other.from);
                    let hint = "use one of the two, or say it in this document, which then counts";
                    reader.report(Diagnostic::error(Code::FamilyConflict, place, message).hint(hint));
                }
            }
            gifts.push(Gift { from: from.to_owned(), key, value });
        }
    }
}

/// A path that is named twice would give everything twice.
fn once_each<'t>(reader: &mut Reader, paths: &'t [Yaml]) -> Vec<&'t Yaml> {
    let mut seen = BTreeSet::new();
    let mut once = Vec::new();
    for path in paths {
        match &path.kind {
            YamlKind::Scalar { text, .. } if !seen.insert(text.trim_start_matches("./")) => {
                let message = format!("`{text}` is named twice");
                reader.report(
                    Diagnostic::error(Code::FamilyConflict, &path.place, message)
                        .hint("a document takes everything of a family at once"),
                );
            }
            _ => once.push(path),
        }
    }
    once
}

/// A procedure whose parameter has the name of one of the family's would never see what it is given.
fn report_hidden(reader: &mut Reader, procedures: &Yaml, parameters: &BTreeMap<Id, String>) {
    let entries = |yaml: &Yaml| if let YamlKind::Map(entries) = &yaml.kind { entries.clone() } else { Vec::new() };
    let of_procedures = entries(procedures).into_iter().flat_map(|(_, procedure)| entries(&procedure));
    for (name, _) in of_procedures.filter(|(key, _)| key.text == "parameters").flat_map(|(_, map)| entries(&map)) {
        if parameters.keys().any(|known| known.as_str() == name.text) {
            let message = format!("`{}` is a parameter of the whole family already", name.text);
            reader.report(
                Diagnostic::error(Code::DuplicateName, &name.place, message).hint("give the procedure's another name"),
            );
        }
    }
}

/// The names that both give, or `None` for what has no names; and where the second one stands.
type Twice<'a> = Option<Vec<(Option<&'a str>, &'a Place)>>;

fn named_twice<'a>(first: &Yaml, second: &'a Yaml, own: Option<&Yaml>) -> Twice<'a> {
    match (&first.kind, &second.kind) {
        (YamlKind::Map(first), YamlKind::Map(second)) => {
            let has = |entries: &[(Key, Yaml)], name: &Key| entries.iter().any(|(key, _)| key.text == name.text);
            let own = own.and_then(|own| if let YamlKind::Map(own) = &own.kind { Some(own.as_slice()) } else { None });
            let twice = second.iter().filter(|(name, _)| has(first, name) && !own.is_some_and(|own| has(own, name)));
            Some(twice.map(|(name, _)| (Some(name.text.as_str()), &name.place)).collect())
        }
        _ if own.is_some() => None,
        _ => Some(vec![(None, &second.place)]),
    }
}

/// A family names others as seen from its own folder.
fn beside(user: Option<&String>, path: &str) -> String {
    match user.and_then(|user| user.rsplit_once('/')) {
        Some((folder, _)) => format!("{folder}/{path}"),
        None => path.to_owned(),
    }
}

/// Own entries win; maps of named things (inputs, devices) are joined name by name.
fn with_gifts(own: Vec<(Key, Yaml)>, gifts: Vec<Gift>) -> Vec<(Key, Yaml)> {
    let mut joined: Vec<(Key, Yaml)> =
        own.into_iter().filter(|(key, _)| key.text != "uses" && key.text != "with").collect();
    for Gift { key, value, .. } in gifts {
        match joined.iter_mut().find(|(own, _)| own.text == key.text) {
            None => joined.push((key, value)),
            Some((_, mine)) => {
                if let (YamlKind::Map(mine), YamlKind::Map(theirs)) = (&mut mine.kind, value.kind) {
                    for entry in theirs {
                        if !mine.iter().any(|(name, _)| name.text == entry.0.text) {
                            mine.push(entry);
                        }
                    }
                }
            }
        }
    }
    joined
}
