//! Small readers from YAML to values. Each notes what is wrong and goes on, so that an author sees everything at once.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::Regex;

use crate::documents::compiled::compile_once;
use crate::documents::expression::{Expression, Template, parse_expression, parse_template};
use crate::documents::playbook::parameters::Room;
use crate::documents::playbook::procedure::Procedures;
use crate::documents::playbook::variable::yes_or_no;
use crate::documents::{Key, Yaml, YamlKind};
use crate::words::{Diagnostic, FaultClass, Id, Located, Place, nearest, parse_integer, parse_time, steers};

/// All of a document's patterns are kept; the longest shipped playbook has some 50.
const PATTERNS_MAX: usize = 500;

#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) diagnostics: Vec<Diagnostic>,
    patterns: usize,
    /// For what comes of parameters.
    pub(in crate::documents) room: Room,
    pub(super) procedures: Procedures,
    /// Classes of fault that have one name together.
    pub(super) fault_groups: BTreeMap<Id, Vec<FaultClass>>,
    pub(super) device_args: Vec<DeviceArgs>,
}

/// What every call of a tool to a device begins with.
#[derive(Debug)]
pub(super) struct DeviceArgs {
    pub(super) device: Id,
    pub(super) tool: Located<String>,
    pub(super) args: Vec<Template>,
    pub(super) used: bool,
}

/// The entries of a map whose keys have been checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries<'y> {
    entries: &'y [(Key, Yaml)],
    place: &'y Place,
}

impl<'y> Entries<'y> {
    pub(crate) fn get(&self, key: &str) -> Option<&'y Yaml> {
        self.entries.iter().find(|(found, _)| found.text == key).map(|(_, value)| value)
    }

    pub(crate) fn all(&self) -> &'y [(Key, Yaml)] {
        self.entries
    }

    pub(crate) fn key_place(&self, key: &str) -> Option<&'y Place> {
        self.entries.iter().find(|(found, _)| found.text == key).map(|(key, _)| &key.place)
    }

    /// The first key: a better mark for "this step" than the empty place of the map itself.
    pub(crate) fn place(&self) -> &'y Place {
        self.entries.first().map_or(self.place, |(key, _)| &key.place)
    }
}

impl Reader {
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn wrong_kind(&mut self, yaml: &Yaml, wanted: &str) {
        self.report(Diagnostic::error(
            &yaml.place,
            format!("{wanted} is needed here, and this is {}", yaml.describe()),
        ));
    }

    /// A map of which all keys are among `known`; `of` names the thing for messages.
    pub(crate) fn map<'y>(&mut self, yaml: &'y Yaml, of: &str, known: &[&str]) -> Option<Entries<'y>> {
        let entries = self.open_map(yaml, of)?;
        for (key, _) in entries.entries {
            if known.contains(&key.text.as_str()) {
                continue;
            }
            let diagnostic = Diagnostic::error(&key.place, format!("{of} has no key `{}`", key.text));
            self.report(match nearest(&key.text, known.iter().copied()) {
                Some(near) => diagnostic.label("unknown key").hint(format!("did you mean `{near}`?")),
                None => diagnostic.label("unknown key").hint(format!("known keys: {}", known.join(", "))),
            });
        }
        Some(entries)
    }

    /// A map with keys of the author's choice.
    pub(crate) fn open_map<'y>(&mut self, yaml: &'y Yaml, of: &str) -> Option<Entries<'y>> {
        let YamlKind::Map(entries) = &yaml.kind else {
            self.wrong_kind(yaml, &format!("a map of keys and values ({of})"));
            return None;
        };
        for (index, (key, _)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..index].iter().find(|(earlier, _)| earlier.text == key.text) {
                let line = first.place.position().line;
                self.report(
                    Diagnostic::error(&key.place, format!("the key `{}` is given twice", key.text))
                        .hint(format!("it is already in line {line}; keep one")),
                );
            }
        }
        Some(Entries { entries, place: &yaml.place })
    }

    pub(crate) fn named<'y>(&mut self, yaml: &'y Yaml, of: &str) -> Vec<(Id, &'y Key, &'y Yaml)> {
        let Some(map) = self.open_map(yaml, of) else { return Vec::new() };
        let mut found = Vec::new();
        for (key, value) in map.entries {
            if let Some(id) = self.value_name(&key.text, &key.place) {
                found.push((id, key, value));
            }
        }
        found
    }

    /// A name that expressions can use, so without `-`.
    pub(crate) fn value_name(&mut self, text: &str, place: &Place) -> Option<Id> {
        match text.parse::<Id>() {
            Ok(id) if !text.contains('-') => Some(id),
            Ok(_) => {
                let hint = format!("write `{}`", text.replace('-', "_"));
                let message = format!("`{text}` cannot be used in expressions, where `-` is a minus");
                self.report(Diagnostic::error(place, message).hint(hint));
                None
            }
            Err(error) => {
                self.report(Diagnostic::error(place, error.to_string()));
                None
            }
        }
    }

    pub(crate) fn list<'y>(&mut self, yaml: &'y Yaml, of: &str) -> &'y [Yaml] {
        if let YamlKind::List(items) = &yaml.kind {
            return items;
        }
        self.wrong_kind(yaml, &format!("a list ({of})"));
        &[]
    }

    /// A list, or one value in place of a list with one element.
    pub(crate) fn one_or_more<'y>(&mut self, yaml: &'y Yaml, of: &str) -> &'y [Yaml] {
        match &yaml.kind {
            YamlKind::List(items) => items,
            YamlKind::Null => self.list(yaml, of),
            _ => std::slice::from_ref(yaml),
        }
    }

    pub(crate) fn text(&mut self, yaml: &Yaml) -> Option<Located<String>> {
        match &yaml.kind {
            YamlKind::Scalar { text, .. } => Some(Located { value: text.clone(), place: yaml.place.clone() }),
            _ => {
                self.wrong_kind(yaml, "a text");
                None
            }
        }
    }

    /// A name: people see it, so it must be what it looks like.
    pub(crate) fn name(&mut self, yaml: &Yaml) -> Option<Located<String>> {
        let text = self.text(yaml)?;
        self.nothing_hidden(&text.value, &text.place);
        Some(text)
    }

    /// A name that may take several lines in the source.
    pub(crate) fn name_of_lines(&mut self, yaml: &Yaml) -> Option<String> {
        let text = self.prose(yaml)?;
        self.nothing_hidden(&text, &yaml.place);
        Some(text)
    }

    fn nothing_hidden(&mut self, name: &str, place: &Place) {
        if let Some(hidden) = name.chars().find(|character| steers(*character)) {
            let number = u32::from(hidden);
            let message = format!("U+{number:04X} cannot stand in a name: it steers a terminal, or is not seen");
            self.report(Diagnostic::error(place, message).hint("leave this character out"));
        }
    }

    /// A text of one or more lines for people, with line breaks of the source turned into blanks.
    pub(crate) fn prose(&mut self, yaml: &Yaml) -> Option<String> {
        let text = self.text(yaml)?.value;
        Some(text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "))
    }

    pub(crate) fn parsed<T>(&mut self, yaml: &Yaml) -> Option<Located<T>>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.text(yaml)?;
        match text.value.parse() {
            Ok(value) => Some(Located { value, place: text.place }),
            Err(error) => {
                self.report(Diagnostic::error(&text.place, error.to_string()));
                None
            }
        }
    }

    /// `yes` or `no`; YAML's own words do as well.
    pub(crate) fn flag(&mut self, yaml: &Yaml) -> Option<Located<bool>> {
        let text = self.text(yaml)?;
        match yes_or_no(&text.value) {
            Some(value) => Some(Located { value, place: text.place }),
            None => {
                self.report(Diagnostic::error(&text.place, format!("`{}` is neither yes nor no", text.value)));
                None
            }
        }
    }

    pub(crate) fn time(&mut self, yaml: &Yaml) -> Option<Duration> {
        let text = self.text(yaml)?;
        match parse_time(&text.value) {
            Ok(span) => Some(span),
            Err(error) => {
                let digits_only = text.value.bytes().all(|byte| byte.is_ascii_digit());
                let mut diagnostic = Diagnostic::error(&text.place, error.to_string());
                if digits_only && !text.value.is_empty() {
                    diagnostic =
                        diagnostic.label("the unit is missing").hint(format!("did you mean `{}s`?", text.value));
                }
                self.report(diagnostic);
                None
            }
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn unsigned(&mut self, yaml: &Yaml) -> Option<u64> {
        let text = self.text(yaml)?;
        match parse_integer(&text.value).map(u64::try_from) {
            Ok(Ok(number)) => Some(number),
            Ok(Err(_)) => {
                self.report(Diagnostic::error(&text.place, "this number must not be negative"));
                None
            }
            Err(error) => {
                self.report(Diagnostic::error(&text.place, error.to_string()));
                None
            }
        }
    }

    /// The size of a file, or a place in one, in bytes.
    pub(crate) fn size(&mut self, yaml: &Yaml, bytes_max: u64) -> Option<u64> {
        let size = self.unsigned(yaml)?;
        self.is_size(&yaml.place, size, bytes_max).then_some(size)
    }

    pub(super) fn is_size(&mut self, place: &Place, bytes: u64, bytes_max: u64) -> bool {
        let fits = bytes <= bytes_max;
        if !fits {
            let message =
                format!("{bytes} bytes are more than a file may have here: at most {bytes_max} ({bytes_max:#x})");
            self.report(Diagnostic::error(place, message));
        }
        fits
    }

    /// A count within limits, both inclusive.
    pub(crate) fn count(&mut self, yaml: &Yaml, limits: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let number = self.unsigned(yaml)?;
        match u32::try_from(number).ok().filter(|count| limits.contains(count)) {
            Some(count) => Some(count),
            None => {
                let message = format!("{number} is out of range: {} to {}", limits.start(), limits.end());
                self.report(Diagnostic::error(&yaml.place, message));
                None
            }
        }
    }

    pub(crate) fn pattern(&mut self, yaml: &Yaml) -> Option<Regex> {
        let text = self.text(yaml)?;
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            if self.patterns == PATTERNS_MAX + 1 {
                let message = format!("there are more than {PATTERNS_MAX} patterns in this document");
                self.report(Diagnostic::error(&text.place, message));
            }
            return None;
        }
        match compile_once(&text.value) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let reason = error.to_string();
                let last = reason.lines().last().unwrap_or(&reason).trim_start_matches("error: ").to_owned();
                self.report(
                    Diagnostic::error(&text.place, format!("this pattern is not a regular expression: {last}"))
                        .hint("put a backslash before `(`, `)`, `[`, `.`, `+` and the like to mean the sign itself"),
                );
                None
            }
        }
    }

    pub(crate) fn template(&mut self, yaml: &Yaml) -> Option<Template> {
        let text = self.text(yaml)?;
        self.template_of(&text.value, &exact_place(yaml))
    }

    /// A template for people to read: its line breaks become blanks.
    pub(crate) fn prose_template(&mut self, yaml: &Yaml) -> Option<Template> {
        let prose = self.prose(yaml)?;
        self.template_of(&prose, &exact_place(yaml))
    }

    fn template_of(&mut self, text: &str, place: &Place) -> Option<Template> {
        match parse_template(text, place) {
            Ok(template) => Some(template),
            Err(diagnostics) => {
                self.diagnostics.extend(diagnostics);
                None
            }
        }
    }

    /// A whole value that is an expression; `${…}` around it may be left out.
    pub(crate) fn expression(&mut self, yaml: &Yaml) -> Option<Expression> {
        let text = self.text(yaml)?;
        let place = exact_place(yaml);
        let trimmed = text.value.trim();
        let (inner, offset) = match trimmed.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            Some(inner) => (inner, 2),
            None => (trimmed, 0),
        };
        match parse_expression(inner, &place.within(offset, inner.len())) {
            Ok(expression) => Some(expression),
            Err(diagnostic) => {
                self.report(diagnostic);
                None
            }
        }
    }
}

/// Where positions within the text can be trusted the whole place, else an empty one at its beginning.
fn exact_place(yaml: &Yaml) -> Place {
    match yaml.kind {
        YamlKind::Scalar { exact: true, .. } => yaml.place.clone(),
        _ => yaml.place.within(0, 0),
    }
}
