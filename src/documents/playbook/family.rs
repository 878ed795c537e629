//! Families: a playbook that `uses` another document takes everything from it that it does not say itself, with the
//! family's parameters filled in from `with`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::documents::playbook::load::read_parameters;
use crate::documents::reader::Reader;
use crate::documents::{Key, Yaml, YamlKind, parse_yaml};
use crate::words::{Diagnostic, Id, Source, nearest};

/// Finds the document that `uses` names, or says why it cannot be had. The argument is the path as written.
pub type Families<'a> = dyn Fn(&str) -> Result<Arc<Source>, String> + 'a;

/// Is everything there that the document should have? What a lost family would have brought is not its author's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::documents) enum Joined {
    Whole,
    FamilyLost,
}

/// The document with its family's keys added; unchanged when it has no family. `keys` are those that a family may have.
pub(in crate::documents) fn join_family(
    reader: &mut Reader,
    document: Yaml,
    keys: &[&str],
    families: &Families<'_>,
) -> (Yaml, Joined) {
    let YamlKind::Map(entries) = &document.kind else { return (document, Joined::Whole) };
    let find = |key: &str| entries.iter().find(|(found, _)| found.text == key);
    let Some((_, uses)) = find("uses") else {
        if let Some((key, _)) = find("with") {
            reader.report(Diagnostic::error(&key.place, "`with` has no meaning without `uses`"));
        }
        return (document, Joined::Whole);
    };
    let Some(path) = reader.text(uses) else { return (document, Joined::FamilyLost) };
    let family = match families(&path.value) {
        Ok(source) => source,
        Err(reason) => {
            reader.report(Diagnostic::error(&path.place, format!("cannot use `{}`: {reason}", path.value)));
            return (document, Joined::FamilyLost);
        }
    };
    let family = match parse_yaml(&family) {
        Ok(family) => family,
        Err(diagnostic) => {
            reader.report(diagnostic);
            return (document, Joined::FamilyLost);
        }
    };
    let Some(top) = reader.map(&family, "a family", keys) else { return (document, Joined::FamilyLost) };
    if let Some(place) = top.key_place("uses") {
        reader.report(Diagnostic::error(place, "a family cannot use another family"));
    }
    let parameters = read_parameters(reader, &top);
    let with = find("with").map(|(_, with)| reader.named(with, "with")).unwrap_or_default();
    let mut values: BTreeMap<Id, Yaml> = BTreeMap::new();
    for (name, key, value) in with {
        if parameters.contains_key(&name) {
            values.insert(name, value.clone());
        } else {
            let diagnostic = Diagnostic::error(&key.place, format!("`{}` has no parameter `{name}`", path.value));
            reader.report(match nearest(name.as_str(), parameters.keys().map(Id::as_str)) {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                None => diagnostic,
            });
        }
    }
    for (name, help) in &parameters {
        if !values.contains_key(name) {
            let message = format!("`{}` needs the parameter `{name}`: {help}", path.value);
            reader.report(Diagnostic::error(&path.place, message).hint(format!("add `{name}: …` below `with:`")));
        }
    }
    let family_entries = match family.kind {
        YamlKind::Map(entries) => entries,
        _ => Vec::new(),
    };
    let not_inherited = ["parameters", "format", "uses"];
    let inherited: Vec<(Key, Yaml)> = family_entries
        .into_iter()
        .filter(|(key, _)| !not_inherited.contains(&key.text.as_str()))
        .map(|(key, value)| (key, fill_in(value, &values)))
        .collect();
    let YamlKind::Map(own) = document.kind else { return (document, Joined::Whole) };
    (Yaml { kind: YamlKind::Map(join(own, inherited)), place: document.place }, Joined::Whole)
}

/// Own entries win; maps of named things (inputs, devices) are joined name by name.
fn join(own: Vec<(Key, Yaml)>, inherited: Vec<(Key, Yaml)>) -> Vec<(Key, Yaml)> {
    let mut joined: Vec<(Key, Yaml)> =
        own.into_iter().filter(|(key, _)| key.text != "uses" && key.text != "with").collect();
    for (key, value) in inherited {
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

/// Replaces `${parameter}` everywhere: a value that is nothing else becomes the given value whole, lists included.
fn fill_in(yaml: Yaml, values: &BTreeMap<Id, Yaml>) -> Yaml {
    let Yaml { kind, place } = yaml;
    match kind {
        YamlKind::Map(entries) => {
            let filled = entries.into_iter().map(|(key, value)| (key, fill_in(value, values))).collect();
            Yaml { kind: YamlKind::Map(filled), place }
        }
        YamlKind::List(items) => {
            Yaml { kind: YamlKind::List(items.into_iter().map(|item| fill_in(item, values)).collect()), place }
        }
        YamlKind::Scalar { text, exact } => {
            let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
            if let Some(value) = whole.and_then(|name| values.iter().find(|(known, _)| known.as_str() == name)) {
                return value.1.clone();
            }
            let mut filled = text.clone();
            for (name, value) in values {
                if let YamlKind::Scalar { text: given, .. } = &value.kind {
                    filled = filled.replace(&format!("${{{name}}}"), given);
                }
            }
            let exact = exact && filled == text;
            Yaml { kind: YamlKind::Scalar { text: filled, exact }, place }
        }
        YamlKind::Null | YamlKind::Integer(_) | YamlKind::Boolean(_) | YamlKind::Other => Yaml { kind, place },
    }
}
