//! Parameters: what a family, a procedure or a repeated case leaves open as `${name}`, and how it is filled in. There is no
//! other way by which one text of a document comes to stand for several.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::documents::reader::Reader;
use crate::documents::{Key, Yaml, YamlKind};
use crate::words::{Code, Diagnostic, Id, Place, nearest};

/// What each parameter stands for.
pub(in crate::documents) type Values = BTreeMap<Id, Yaml>;

/// What all that is filled in may come to: some ten times what the longest shipped playbook needs.
const ROOM: Weight = Weight { nodes: 100_000, text_bytes: 4 * 1024 * 1024 };

/// How much of a document something is.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::documents) struct Weight {
    nodes: usize,
    text_bytes: usize,
}

/// How much more may come of one text that stands for several: one that doubles with each call would fill any memory.
#[derive(Debug)]
pub(in crate::documents) struct Room {
    left: Weight,
}

impl Default for Room {
    fn default() -> Room {
        Room { left: ROOM }
    }
}

impl Room {
    pub(super) fn take(&mut self, Weight { nodes, text_bytes }: Weight) -> Option<()> {
        self.left.nodes = self.left.nodes.checked_sub(nodes)?;
        self.left.text_bytes = self.left.text_bytes.checked_sub(text_bytes)?;
        Some(())
    }
}

pub(in crate::documents) const WHEN_FILLED_IN: &str = "when the parameters are filled in";

/// That there was no room, of what `what` says: `this`, and how it has come about.
pub(in crate::documents) fn no_room(place: &Place, what: &str) -> Diagnostic {
    let Weight { nodes, text_bytes } = ROOM;
    let hint = format!("one document may come to {nodes} values and {text_bytes} bytes of text in this way");
    Diagnostic::error(Code::TooMuch, place, format!("this grows too large {what}")).hint(hint)
}

/// The value of `parameters`, by name: what they are for.
pub(super) fn read_parameters(reader: &mut Reader, map: Option<&Yaml>) -> BTreeMap<Id, String> {
    let Some(map) = map else { return BTreeMap::new() };
    let named = reader.named(map, "parameters");
    reader.parameters.extend(named.iter().map(|(name, ..)| name.to_string()));
    named.into_iter().filter_map(|(name, _, help)| reader.prose(help).map(|help| (name, help))).collect()
}

/// Tells of parameters that fill in nothing.
pub(super) fn report_unused(reader: &mut Reader, map: Option<&Yaml>, used: &BTreeSet<String>) {
    let Some(YamlKind::Map(entries)) = map.map(|map| &map.kind) else { return };
    for (key, _) in entries.iter().filter(|(key, _)| !used.contains(&key.text)) {
        let message = format!("the parameter `{}` is used nowhere", key.text);
        reader.report(
            Diagnostic::error(Code::Unused, &key.place, message).hint("leave it out, or write `${…}` where it belongs"),
        );
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
                reader.report(
                    Diagnostic::error(Code::MissingParameter, place, message)
                        .hint(format!("add `{name}: …` below `with:`")),
                );
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
            let diagnostic =
                Diagnostic::error(Code::UnknownParameter, &key.place, format!("{of} no parameter `{name}`"));
            reader.report(match nearest(name.as_str(), known.iter().map(|known| known.as_str())) {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                None => diagnostic,
            });
        }
    }
}

/// Replaces `${parameter}` everywhere: a value that is nothing else becomes the given value whole, lists included. `None`
/// when there is no room for what comes of it. What is filled in then knows from where it was called.
pub(in crate::documents) fn fill_in_for(call: &Place, yaml: &Yaml, values: &Values, room: &mut Room) -> Option<Yaml> {
    // Without parameters it is the same text for every call.
    let called_at = (!values.is_empty()).then(|| Arc::new(call.clone()));
    filled(yaml, &Filling { values, called_at }, room)
}

/// The same for what stands at its own place.
pub(in crate::documents) fn fill_in(yaml: &Yaml, values: &Values, room: &mut Room) -> Option<Yaml> {
    filled(yaml, &Filling { values, called_at: None }, room)
}

struct Filling<'a> {
    values: &'a Values,
    called_at: Option<Arc<Place>>,
}

impl Filling<'_> {
    fn place(&self, place: &Place) -> Place {
        match &self.called_at {
            Some(call) => Place { called_at: Some(Arc::clone(call)), ..place.clone() },
            None => place.clone(),
        }
    }
}

/// Keys that come out alike are both kept: the reader tells of them.
fn filled(yaml: &Yaml, filling: &Filling<'_>, room: &mut Room) -> Option<Yaml> {
    let values = filling.values;
    let kind = match &yaml.kind {
        YamlKind::Map(entries) => {
            let mut all: Vec<(Key, Yaml)> = Vec::new();
            for (key, value) in entries {
                let text = filled_text(&key.text, values, room)?;
                all.push((Key { text, place: filling.place(&key.place) }, filled(value, filling, room)?));
            }
            YamlKind::Map(all)
        }
        YamlKind::List(items) => {
            YamlKind::List(items.iter().map(|item| filled(item, filling, room)).collect::<Option<_>>()?)
        }
        YamlKind::Scalar { text, exact } => {
            if let Some((name, whole)) = blanks(text).next()
                && whole.len() == text.len()
                && let Some((_, value)) = values.iter().find(|(known, _)| known.as_str() == name)
            {
                room.take(weight(value))?;
                return Some(value.clone());
            }
            let filled = filled_text(text, values, room)?;
            YamlKind::Scalar { exact: *exact && filled == *text, text: filled }
        }
        // YAML has no others.
        YamlKind::Null | YamlKind::Integer(_) | YamlKind::Boolean(_) | YamlKind::Other => yaml.kind.clone(),
    };
    room.take(Weight { nodes: 1, text_bytes: 0 })?;
    Some(Yaml { kind, place: filling.place(&yaml.place) })
}

fn filled_text(text: &str, values: &Values, room: &mut Room) -> Option<String> {
    let (mut filled, mut end) = (String::new(), 0);
    for (name, range) in blanks(text) {
        let value = values.iter().find(|(known, _)| known.as_str() == name);
        if let Some((_, Yaml { kind: YamlKind::Scalar { text: given, .. }, .. })) = value {
            room.take(text_weight(given))?;
            filled.push_str(&text[end..range.start]);
            filled.push_str(given);
            end = range.end;
        }
    }
    filled.push_str(&text[end..]);
    room.take(text_weight(text))?;
    Some(filled)
}

fn text_weight(text: &str) -> Weight {
    Weight { nodes: 0, text_bytes: text.len() }
}

pub(super) fn weight(yaml: &Yaml) -> Weight {
    let itself = match &yaml.kind {
        YamlKind::Scalar { text, .. } => text.len(),
        _ => 0,
    };
    let add = |a: Weight, b: Weight| Weight { nodes: a.nodes + b.nodes, text_bytes: a.text_bytes + b.text_bytes };
    let of_entries = yaml.entries().iter().map(|(key, value)| add(text_weight(&key.text), weight(value)));
    of_entries.chain(yaml.items().iter().map(weight)).fold(Weight { nodes: 1, text_bytes: itself }, add)
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
pub(in crate::documents) fn blanks(text: &str) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
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

    fn shown_filled(text: &str, values: &[(&str, &str)], room: &mut Room) -> Option<String> {
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
        assert_eq!(shown_filled(r#"x: ["${list}", "-${file}"]"#, &values, room).unwrap(), "x=a,b,,-sbl,;");
        assert_eq!(
            shown_filled(r#""${file}": "${hex(size(${file}))} ${other}""#, &values, room).unwrap(),
            "sbl=${hex(size(sbl))} ${other};"
        );
    }

    #[test]
    fn what_is_filled_in_is_not_filled_in_again() {
        let values = [("a", r#""${b}""#), ("b", "${a}")];
        assert_eq!(shown_filled(r#"x: "1${a}2${b}""#, &values, &mut Room::default()).unwrap(), "x=1${b}2${a};");
    }

    #[test]
    fn keys_that_come_out_alike_are_all_kept_to_be_told() {
        let text = r#"{when: a, "${a}": b, "${b}": c}"#;
        let both = [("a", "when"), ("b", "when")];
        assert_eq!(shown_filled(text, &both, &mut Room::default()).unwrap(), "when=a;when=b;when=c;");
    }

    #[test]
    fn there_is_an_end_to_what_may_come_of_it() {
        let room = |nodes, text_bytes| Room { left: Weight { nodes, text_bytes } };
        let long = "x".repeat(1000);
        let text = format!("x: \"{}\"", "${a}".repeat(50));
        assert!(shown_filled(&text, &[("a", &long)], &mut room(10, 60_000)).is_some());
        assert!(shown_filled(&text, &[("a", &long)], &mut room(10, 40_000)).is_none());
        let list = r#"x: ["${a}", "${a}", "${a}"]"#;
        assert!(shown_filled(list, &[("a", "[1, 2, 3]")], &mut room(20, 1000)).is_some());
        assert!(shown_filled(list, &[("a", "[1, 2, 3]")], &mut room(10, 1000)).is_none());
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        let names = names_in(&tree(r#"{"${a}": ["${size(${b})}", "x${c}${d"], e: "${f g}"}"#));
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
