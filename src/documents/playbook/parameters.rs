//! Parameters: what a family, a procedure or a repeated case leaves open as `${name}`, and how it is filled in. There is no
//! other way by which one text of a document comes to stand for several.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::reader::Reader;
use crate::documents::{Key, Yaml, YamlKind};
use crate::words::{Diagnostic, Id, Place, nearest};

/// What each parameter stands for.
pub(in crate::documents) type Values = BTreeMap<Id, Yaml>;

/// How much more may come of filling in: a text that doubles with each call would fill any memory.
#[derive(Debug)]
pub(in crate::documents) struct Room {
    nodes: usize,
    text_bytes: usize,
}

impl Default for Room {
    /// Some ten times what the longest shipped playbook needs.
    fn default() -> Room {
        Room { nodes: 100_000, text_bytes: 4 * 1024 * 1024 }
    }
}

impl Room {
    fn take(&mut self, nodes: usize, text_bytes: usize) -> Option<()> {
        self.nodes = self.nodes.checked_sub(nodes)?;
        self.text_bytes = self.text_bytes.checked_sub(text_bytes)?;
        Some(())
    }
}

/// The value of `parameters`, by name: what they are for.
pub(super) fn read_parameters(reader: &mut Reader, map: Option<&Yaml>) -> BTreeMap<Id, String> {
    let Some(map) = map else { return BTreeMap::new() };
    let named = reader.named(map, "parameters");
    named.into_iter().filter_map(|(name, _, help)| reader.prose(help).map(|help| (name, help))).collect()
}

/// Tells of parameters that fill in nothing.
pub(super) fn report_unused(reader: &mut Reader, map: Option<&Yaml>, used: &BTreeSet<String>) {
    let Some(YamlKind::Map(entries)) = map.map(|map| &map.kind) else { return };
    for (key, _) in entries.iter().filter(|(key, _)| !used.contains(&key.text)) {
        let message = format!("the parameter `{}` is used nowhere", key.text);
        reader.report(Diagnostic::error(&key.place, message).hint("leave it out, or write `${…}` where it belongs"));
    }
}

/// What is given for parameters of this name, and what is missing.
pub(super) fn given(
    reader: &mut Reader,
    parameters: &BTreeMap<Id, String>,
    with: &[(Id, &Key, &Yaml)],
    of: &str,
    place: &Place,
) -> Values {
    let mut values = Values::new();
    for (name, help) in parameters {
        match with.iter().find(|(given, ..)| given == name) {
            Some((_, _, value)) => drop(values.insert(name.clone(), (*value).clone())),
            None => {
                let message = format!("`{of}` needs the parameter `{name}`: {help}");
                reader.report(Diagnostic::error(place, message).hint(format!("add `{name}: …` below `with:`")));
            }
        }
    }
    values
}

/// Tells of what is given and asked for by nobody.
pub(super) fn report_strangers<'a>(
    reader: &mut Reader,
    with: &[(Id, &Key, &Yaml)],
    of: &str,
    known: impl Iterator<Item = &'a Id>,
) {
    let known: Vec<&Id> = known.collect();
    for (name, key, _) in with {
        if !known.contains(&name) {
            let diagnostic = Diagnostic::error(&key.place, format!("{of} no parameter `{name}`"));
            reader.report(match nearest(name.as_str(), known.iter().map(|known| known.as_str())) {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                None => diagnostic,
            });
        }
    }
}

/// Replaces `${parameter}` everywhere: a value that is nothing else becomes the given value whole, lists included. `None`
/// when there is no room for what comes of it.
pub(in crate::documents) fn fill_in(yaml: &Yaml, values: &Values, room: &mut Room) -> Option<Yaml> {
    let kind = match &yaml.kind {
        YamlKind::Map(entries) => {
            let mut filled: Vec<(Key, Yaml)> = Vec::new();
            for (key, value) in entries {
                let text = filled_text(&key.text, values, room)?;
                // What a name that is filled in says counts more than what stands there for every name.
                if text != key.text {
                    filled.retain(|(earlier, _)| earlier.text != text);
                }
                filled.push((Key { text, place: key.place.clone() }, fill_in(value, values, room)?));
            }
            YamlKind::Map(filled)
        }
        YamlKind::List(items) => {
            YamlKind::List(items.iter().map(|item| fill_in(item, values, room)).collect::<Option<_>>()?)
        }
        YamlKind::Scalar { text, exact } => {
            if let Some((name, whole)) = blanks(text).next()
                && whole.len() == text.len()
                && let Some((_, value)) = values.iter().find(|(known, _)| known.as_str() == name)
            {
                let (nodes, text_bytes) = weight(value);
                room.take(nodes, text_bytes)?;
                return Some(value.clone());
            }
            let filled = filled_text(text, values, room)?;
            YamlKind::Scalar { exact: *exact && filled == *text, text: filled }
        }
        // YAML has no others.
        YamlKind::Null | YamlKind::Integer(_) | YamlKind::Boolean(_) | YamlKind::Other => yaml.kind.clone(),
    };
    room.take(1, 0)?;
    Some(Yaml { kind, place: yaml.place.clone() })
}

fn filled_text(text: &str, values: &Values, room: &mut Room) -> Option<String> {
    let (mut filled, mut end) = (String::new(), 0);
    for (name, range) in blanks(text) {
        let value = values.iter().find(|(known, _)| known.as_str() == name);
        if let Some((_, Yaml { kind: YamlKind::Scalar { text: given, .. }, .. })) = value {
            room.take(0, given.len())?;
            filled.push_str(&text[end..range.start]);
            filled.push_str(given);
            end = range.end;
        }
    }
    filled.push_str(&text[end..]);
    room.take(0, text.len())?;
    Some(filled)
}

/// Nodes, and bytes of text.
fn weight(yaml: &Yaml) -> (usize, usize) {
    let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
    match &yaml.kind {
        YamlKind::Map(entries) => {
            entries.iter().map(|(key, value)| add((0, key.text.len()), weight(value))).fold((1, 0), add)
        }
        YamlKind::List(items) => items.iter().map(weight).fold((1, 0), add),
        YamlKind::Scalar { text, .. } => (1, text.len()),
        YamlKind::Null | YamlKind::Integer(_) | YamlKind::Boolean(_) | YamlKind::Other => (1, 0),
    }
}

/// Every name that stands in the tree as `${name}`.
pub(in crate::documents) fn names_in(yaml: &Yaml) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect_names(yaml, &mut names);
    names
}

fn collect_names(yaml: &Yaml, names: &mut BTreeSet<String>) {
    let mut add = |text: &str| names.extend(blanks(text).map(|(name, _)| name.to_owned()));
    match &yaml.kind {
        YamlKind::Map(entries) => {
            entries.iter().for_each(|(key, _)| add(&key.text));
            entries.iter().for_each(|(_, value)| collect_names(value, names));
        }
        YamlKind::List(items) => items.iter().for_each(|item| collect_names(item, names)),
        YamlKind::Scalar { text, .. } => add(text),
        YamlKind::Null | YamlKind::Integer(_) | YamlKind::Boolean(_) | YamlKind::Other => {}
    }
}

/// Every `${name}` in a text, also within `${size(${name})}`: the name, and where the whole of it stands.
fn blanks(text: &str) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
    const BEGINS: &str = "${";
    text.match_indices(BEGINS).filter_map(|(start, _)| {
        let rest = &text[start + BEGINS.len()..];
        let length = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
        (length > 0 && rest[length..].starts_with('}'))
            .then(|| (&rest[..length], start..start + BEGINS.len() + length + 1))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::parse_yaml;
    use crate::words::Source;

    fn tree(text: &str) -> Yaml {
        parse_yaml(&Arc::new(Source { name: "t.yaml".into(), text: text.into() })).unwrap()
    }

    fn filled(text: &str, values: &[(&str, &str)], room: &mut Room) -> Option<String> {
        let values = values.iter().map(|(name, value)| (name.parse().unwrap(), tree(value))).collect();
        fill_in(&tree(text), &values, room).map(|yaml| shown(&yaml))
    }

    fn shown(yaml: &Yaml) -> String {
        match &yaml.kind {
            YamlKind::Map(entries) => {
                entries.iter().map(|(key, value)| format!("{}={};", key.text, shown(value))).collect()
            }
            YamlKind::List(items) => items.iter().map(|item| shown(item) + ",").collect(),
            YamlKind::Scalar { text, .. } => text.clone(),
            _ => "-".to_owned(),
        }
    }

    #[test]
    fn whole_values_parts_keys_and_expressions_are_filled_in() {
        let room = &mut Room::default();
        let values = [("file", "sbl"), ("list", "[a, b]")];
        assert_eq!(filled(r#"x: ["${list}", "-${file}"]"#, &values, room).unwrap(), "x=a,b,,-sbl,;");
        assert_eq!(
            filled(r#""${file}": "${hex(size(${file}))} ${other}""#, &values, room).unwrap(),
            "sbl=${hex(size(sbl))} ${other};"
        );
    }

    #[test]
    fn what_is_filled_in_is_not_filled_in_again() {
        let values = [("a", r#""${b}""#), ("b", "${a}")];
        assert_eq!(filled(r#"x: "1${a}2${b}""#, &values, &mut Room::default()).unwrap(), "x=1${b}2${a};");
    }

    #[test]
    fn there_is_an_end_to_what_may_come_of_it() {
        let long = "x".repeat(1000);
        let text = format!("x: \"{}\"", "${a}".repeat(50));
        assert!(filled(&text, &[("a", &long)], &mut Room { nodes: 10, text_bytes: 60_000 }).is_some());
        assert!(filled(&text, &[("a", &long)], &mut Room { nodes: 10, text_bytes: 40_000 }).is_none());
        let list = r#"x: ["${a}", "${a}", "${a}"]"#;
        assert!(filled(list, &[("a", "[1, 2, 3]")], &mut Room { nodes: 20, text_bytes: 1000 }).is_some());
        assert!(filled(list, &[("a", "[1, 2, 3]")], &mut Room { nodes: 10, text_bytes: 1000 }).is_none());
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        let names = names_in(&tree(r#"{"${a}": ["${size(${b})}", "x${c}${d"], e: "${f g}"}"#));
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
