//! YAML text to a tree in which everything knows its place. The only file that names the YAML crate.
//!
//! Playbooks are read from this tree and not by derived deserializers, because those stop at the first fault and an
//! author wants all of them.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::options::DuplicateKeyPolicy;
use serde_yaml::{Location, Spanned};

use crate::documents::tree::{Key, Tree, TreeKind};
use crate::words::{Code, Diagnostic, Place, Source};

/// A playbook larger than this is refused unread: the shipped ones have some 10 KB.
pub(super) const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// How much one document of a kind may hold.
#[derive(Debug, Clone, Copy)]
pub struct YamlLimits {
    /// What such a document is called, with its article.
    pub kind: &'static str,
    pub bytes_max: usize,
    pub nodes_max: usize,
}

impl YamlLimits {
    /// Limits against documents built to exhaust memory by nesting or by aliases of aliases.
    pub const PLAYBOOK: YamlLimits =
        YamlLimits { kind: "a playbook", bytes_max: DOCUMENT_BYTES_MAX, nodes_max: 50_000 };
}

const DEPTH_MAX: usize = 48;
const ALIAS_EVENTS_MAX: usize = 20_000;

/// Parses one document.
pub fn parse_yaml(source: &Arc<Source>) -> Result<Tree, Diagnostic> {
    parse_yaml_within(source, YamlLimits::PLAYBOOK)
}

/// Parses one document of a kind that may be larger than a playbook.
pub fn parse_yaml_within(source: &Arc<Source>, limits: YamlLimits) -> Result<Tree, Diagnostic> {
    if source.text.len() > limits.bytes_max {
        return Err(Diagnostic::of_document(
            Code::TooMuch,
            format!(
                "{} has {} bytes; {} has at most {}",
                source.name,
                source.text.len(),
                limits.kind,
                limits.bytes_max
            ),
        ));
    }
    let options = serde_yaml::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        budget: serde_yaml::budget! {
            max_nodes: limits.nodes_max,
            max_depth: DEPTH_MAX,
            max_documents: 1,
            // Authors use one anchor in many cases; what aliases expand to is limited below.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: ALIAS_EVENTS_MAX },
        with_snippet: false,
    };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(&source.text, options) {
        Ok(raw) => Ok(build(raw, source)),
        Err(error) => Err(syntax_fault(&error, source)),
    }
}

/// The deserialized tree, with the crate's own locations.
enum Raw {
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
    List(Vec<Spanned<Raw>>),
    Text(String),
    /// A plain scalar that the crate took for a number or a boolean.
    Plain,
    Null,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyValue;
        impl<'de> Visitor<'de> for AnyValue {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = access.next_key()? {
                    entries.push((key, access.next_value()?));
                }
                Ok(Raw::Map(entries))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Raw::List(items))
            }
            fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Text(text.to_owned()))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }
        }
        deserializer.deserialize_any(AnyValue)
    }
}

fn build(raw: Spanned<Raw>, source: &Arc<Source>) -> Tree {
    // The definition, not the alias: a fault in an anchored value is mended where the value stands.
    let place = place_of(&raw.defined, source);
    match raw.value {
        Raw::Map(entries) => {
            let entries = entries
                .into_iter()
                .map(|(key, value)| {
                    (Key { place: place_of(&key.defined, source), text: key.value }, build(value, source))
                })
                .collect();
            Tree { kind: TreeKind::Map(entries), place }
        }
        Raw::List(items) => {
            Tree { kind: TreeKind::List(items.into_iter().map(|item| build(item, source)).collect()), place }
        }
        Raw::Text(text) => scalar(text, place),
        Raw::Plain => scalar(written(&place).to_owned(), place),
        Raw::Null => Tree { kind: TreeKind::Null, place },
    }
}

/// Narrows the place of a quoted text to what stands between the quotes.
fn scalar(text: String, place: Place) -> Tree {
    let found = written(&place).find(&text).filter(|_| !text.is_empty());
    match found {
        Some(offset) => {
            let place = place.within(offset, text.len());
            Tree { kind: TreeKind::Scalar { text, exact: true }, place }
        }
        None => Tree { kind: TreeKind::Scalar { text, exact: false }, place },
    }
}

fn written(place: &Place) -> &str {
    place.source.text.get(place.start..place.end).unwrap_or_default()
}

fn place_of(location: &Location, source: &Arc<Source>) -> Place {
    let start = byte_offset(location, source);
    let length = location.span().byte_len().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    Place::new(Arc::clone(source), start, (start + length).min(source.text.len()))
}

/// Syntax faults carry no byte offset, only line and column.
fn byte_offset(location: &Location, source: &Source) -> usize {
    if let Some(offset) = location.span().byte_offset().and_then(|offset| usize::try_from(offset).ok())
        && offset <= source.text.len()
    {
        return offset;
    }
    let line_index = usize::try_from(location.line()).unwrap_or(1).saturating_sub(1);
    let column_index = usize::try_from(location.column()).unwrap_or(1).saturating_sub(1);
    let line_start: usize = source.text.split_inclusive('\n').take(line_index).map(str::len).sum();
    let line = source.text[line_start..].split('\n').next().unwrap_or_default();
    line_start + line.char_indices().nth(column_index).map_or(line.len(), |(offset, _)| offset)
}

fn syntax_fault(error: &serde_yaml::Error, source: &Arc<Source>) -> Diagnostic {
    let location = error.location();
    let place = location.map(|location| {
        let start = byte_offset(&location, source);
        Place::new(Arc::clone(source), start, (start + 1).min(source.text.len()))
    });
    if let Some(indented) = place.as_ref().and_then(|place| misindented(place, source)) {
        return indented;
    }
    let message = error.without_snippet().to_string();
    // The crate repeats the position at the end; ours stands in front of the source line.
    let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
    let line = place.as_ref().map_or("", |place| line_of(place)).to_owned();
    let here = place.as_ref().map_or("", |place| source.text.get(place.start..).unwrap_or_default());
    if here.starts_with(',')
        && let Some(place) = &place
    {
        return stray_comma(place, here);
    }
    let (code, message, hint) = in_plain_words(&message, &line);
    Diagnostic { severity: crate::words::Severity::Error, code, message, place, label: None, hint }
}

/// A comma where a value should begin: it belongs to a text that is not in quotes, or there is one too many.
fn stray_comma(place: &Place, here: &str) -> Diagnostic {
    let before = place.source.text.get(..place.start).unwrap_or_default();
    let word =
        here[1..].split(|letter: char| letter.is_whitespace() || ",]}".contains(letter)).next().unwrap_or_default();
    if word.is_empty() || before.ends_with(',') {
        let message = match before.trim_end().ends_with(',') {
            true => "a value is missing between two commas",
            false => "a value is missing before this comma",
        };
        let hint = "leave the comma out; a text that begins with one needs double quotes: `\",0483:df11\"`";
        return Diagnostic::error(Code::Syntax, place, message).hint(hint);
    }
    let message = "a text cannot begin with `,` where it is not in quotes";
    Diagnostic::error(Code::Syntax, place, message).hint(format!("write `\",{word}\"`"))
}

/// A line that is indented with a tab, or a key one column beside those that it belongs to: the crate tells of what comes of it,
/// often in the line before or behind.
fn misindented(place: &Place, source: &Arc<Source>) -> Option<Diagnostic> {
    let mut lines: Vec<(usize, &str)> = Vec::new();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        lines.push((start, line.trim_end_matches(['\n', '\r'])));
        start += line.len();
    }
    let at = lines.iter().rposition(|(start, _)| *start <= place.start)?;
    let near = [Some(at), at.checked_add(1), at.checked_sub(1)].into_iter().flatten();
    for (start, line) in near.filter_map(|index| lines.get(index)) {
        let indent = line.len() - line.trim_start().len();
        if let Some(tab) = line[..indent].find('\t') {
            let place = Place::new(Arc::clone(source), start + tab, start + indent);
            let diagnostic = Diagnostic::error(Code::Indentation, &place, "this line is indented with a tab");
            return Some(diagnostic.hint("indent with blanks: YAML takes no tabs there"));
        }
    }
    let (start, line) = lines[at];
    let (column, key) = key_in(line)?;
    // Only the key itself is where two lines become one: what stands behind it may have a colon of its own.
    if place.start != start + column + key.len() {
        return None;
    }
    let mut before = lines[..at].iter().rev().map(|(_, line)| *line);
    let before = before.find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?;
    let (wanted, _) = key_in(before)?;
    if column <= wanted {
        return None;
    }
    let place = Place::new(Arc::clone(source), start + column, start + column + key.len());
    let hint = format!(
        "`{key}` begins in column {}, and the key of the line before in column {}: keys that belong together begin in one column",
        column + 1,
        wanted + 1
    );
    Some(Diagnostic::error(Code::Indentation, &place, "this line does not line up with the ones before").hint(hint))
}

/// The first key of a line and where it begins, in bytes; behind the `- ` of a list's element.
fn key_in(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches([' ', '-']);
    let column = line.len() - text.len();
    let key = text.split(':').next().filter(|key| key.len() < text.len())?;
    let is_plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    (is_plain && !key.is_empty()).then_some((column, key))
}

/// What an author who does not know the terms of YAML needs to hear: what is wrong, and how it is mended.
fn in_plain_words(message: &str, line: &str) -> (Code, String, Option<String>) {
    let says = |words: &str| message.contains(words);
    let known = if says("Depth") {
        Some((Code::TooMuch, "this is nested too deeply", "no playbook needs so many levels"))
    } else if says("Documents") {
        Some((
            Code::Syntax,
            "a file holds one playbook, and here a second one begins",
            "remove the `---`, or make it two files",
        ))
    } else if says("alias replay") || says("Nodes") || says("budget breached") {
        Some((Code::TooMuch, "this grows too large", "use fewer values, or fewer repetitions with `*`"))
    } else if says("unknown anchor") {
        Some((
            Code::Syntax,
            "nothing before this place is marked for repetition under this name",
            "`*name` repeats what `&name` marks further up; to mean the sign itself, put the text in quotes",
        ))
    } else if says("mapping values are not allowed") {
        Some((
            Code::Syntax,
            "`: ` cannot stand within a text",
            "put the whole text in quotes; or check the indentation of this line",
        ))
    } else if says("quoted scalar") {
        Some((Code::Syntax, "a text in quotes is not closed", "look for the missing quote in the lines before"))
    } else if says("expected '-' indicator") || says("did not find expected") && !line.contains(['[', '{']) {
        Some((
            Code::Indentation,
            "this line does not line up with the ones before",
            "all keys of one step begin in the same column",
        ))
    } else {
        None
    };
    if let Some((code, message, hint)) = known {
        return (code, message.to_owned(), Some(hint.to_owned()));
    }
    let hint = if line.contains("${") {
        "inside `[…]` or `{…}` put texts with `${…}` in double quotes: `\"${firmware}\"`"
    } else {
        "look for brackets, braces and quotes that are not closed, here or in the lines before"
    };
    (Code::Syntax, format!("this is not YAML: {message}"), Some(hint.to_owned()))
}

fn line_of(place: &Place) -> &str {
    let text = &place.source.text;
    let start = text.get(..place.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    text[start..].split('\n').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { name: "test.yaml".into(), text: text.into() })
    }

    fn entries(yaml: Tree) -> Vec<(Key, Tree)> {
        match yaml.kind {
            TreeKind::Map(entries) => entries,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn plain_scalars_keep_their_spelling_and_quoted_ones_their_inner_place() {
        let entries =
            entries(parse_yaml(&source("a: 00000010\nb: \"${x}\"\nc: yes\nd: 0x20\ne: \"tab\\there\"\n")).unwrap());
        let text = |index: usize| match &entries[index].1.kind {
            TreeKind::Scalar { text, exact } => (text.clone(), *exact),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(0), ("00000010".into(), true));
        assert_eq!(text(1), ("${x}".into(), true));
        assert_eq!(entries[1].1.place.to_string(), "test.yaml:2:5");
        assert_eq!(text(2), ("yes".into(), true));
        assert_eq!(text(3), ("0x20".into(), true));
        assert_eq!(text(4), ("tab\there".into(), false));
    }

    #[test]
    fn both_of_two_equal_keys_are_kept_for_the_reader_to_report() {
        assert_eq!(entries(parse_yaml(&source("a: 1\na: 2\n")).unwrap()).len(), 2);
    }

    #[test]
    fn syntax_faults_have_a_place_and_known_traps_a_hint() {
        let diagnostic = parse_yaml(&source("x: 1\nargs: [-D, ${image}]\n")).unwrap_err();
        assert_eq!(diagnostic.place.unwrap().to_string(), "test.yaml:2:13");
        assert!(diagnostic.hint.unwrap().contains("double quotes"));
        let diagnostic = parse_yaml(&source("args: [-d, ,0483:df11]\n")).unwrap_err();
        assert!(diagnostic.message.contains("`,`"), "{}", diagnostic.message);
        assert_eq!(diagnostic.hint.unwrap(), "write `\",0483:df11\"`");
    }

    #[test]
    fn a_comma_too_many_is_none_of_the_next_text() {
        let told = |text: &str| {
            let diagnostic = parse_yaml(&source(text)).unwrap_err();
            (diagnostic.message, diagnostic.hint.unwrap_or_default())
        };
        let (message, hint) = told("args: [\"-d\", ,0483:df11, \"-a\", \"0\"]\n");
        assert_eq!((message.contains("begin with `,`"), hint.as_str()), (true, "write `\",0483:df11\"`"));
        for missing in ["args: [a,, b]\n", "args: [a, , b]\n", "args: [a,,b]\n", "args: {a: 1,, b: 2}\n"] {
            assert_eq!(told(missing).0, "a value is missing between two commas", "{missing}");
        }
        assert_eq!(told("args: [, b]\n").0, "a value is missing before this comma");
    }

    #[test]
    fn one_anchor_may_be_used_often() {
        let text = format!("a: &a {{x: 1}}\nb:\n{}", "  - *a\n".repeat(300));
        let source = Arc::new(Source { name: "test.yaml".into(), text });
        assert!(parse_yaml(&source).is_ok());
    }

    #[test]
    fn documents_built_to_exhaust_memory_are_refused() {
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f"), ("f", "g")] {
            let aliases = vec![format!("*{from}"); 10].join(", ");
            bomb += &format!("{to}: &{to} [{aliases}]\n");
        }
        assert!(parse_yaml(&source(&bomb)).is_err());
        assert!(parse_yaml(&source(&"[".repeat(10_000))).is_err());
        assert!(parse_yaml(&source(&"#".repeat(DOCUMENT_BYTES_MAX + 1))).is_err());
    }
}
