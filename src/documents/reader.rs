//! Small readers from a document's tree to values. Each notes what is wrong and goes on, so that an author sees everything at
//! once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use regex::Regex;

use crate::documents::compiled::compile_once;
use crate::documents::expression::{Expression, Template, parse_expression, parse_template};
use crate::documents::keys::{Declared, Field, Keys, MapKind, Missing, Need, Shape, Ways};
use crate::documents::playbook::parameters::{Room, Weight, blanks};
use crate::documents::playbook::procedure::Procedures;
use crate::documents::playbook::variable::yes_or_no;
use crate::documents::tree::{Key, Language, Tree, TreeKind};
use crate::words::{
    Code, Diagnostic, FaultClass, Id, Located, Place, meant_or_known, nearest, parse_integer, parse_time, steers,
};

/// All of a document's patterns are kept; the longest shipped playbook has some 50.
const PATTERNS_MAX: usize = 500;

#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) diagnostics: Vec<Diagnostic>,
    language: Language,
    patterns: usize,
    /// For what comes of parameters, and of arguments that many calls have.
    pub(in crate::documents) room: Room,
    pub(in crate::documents) procedures: Procedures,
    /// All names that anything is filled in for.
    pub(in crate::documents) parameters: BTreeSet<String>,
    /// Classes of fault that have one name together.
    pub(in crate::documents) fault_groups: BTreeMap<Id, Vec<FaultClass>>,
    pub(in crate::documents) device_args: Vec<DeviceArgs>,
}

/// What every call of a tool to a device begins with.
#[derive(Debug)]
pub(in crate::documents) struct DeviceArgs {
    pub(in crate::documents) device: Id,
    pub(in crate::documents) tool: Located<String>,
    pub(in crate::documents) args: Vec<Template>,
    pub(in crate::documents) weight: Weight,
    pub(in crate::documents) used: bool,
}

/// The entries of a map with keys of the author's choice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries<'t> {
    entries: &'t [(Key, Tree)],
    place: &'t Place,
}

/// The entries of a map whose keys `K` declares, once they have been checked.
pub(crate) struct Parts<'t, K> {
    entries: Entries<'t>,
    keys: PhantomData<fn() -> K>,
}

/// Whose map is read.
enum Whose<'n> {
    Nameless,
    Named(&'n str, &'n Place),
}

impl<'t> Entries<'t> {
    pub(crate) fn get(&self, key: &str) -> Option<&'t Tree> {
        self.entries.iter().find(|(found, _)| found.text == key).map(|(_, value)| value)
    }

    pub(crate) fn all(&self) -> &'t [(Key, Tree)] {
        self.entries
    }

    pub(crate) fn key_place(&self, key: &str) -> Option<&'t Place> {
        self.entries.iter().find(|(found, _)| found.text == key).map(|(key, _)| &key.place)
    }

    /// The first key: a better mark for "this step" than the empty place of the map itself.
    pub(crate) fn place(&self) -> &'t Place {
        self.entries.first().map_or(self.place, |(key, _)| &key.place)
    }
}

impl<'t, K> Parts<'t, K> {
    pub(crate) fn get(&self, key: Field<K>) -> Option<&'t Tree> {
        self.entries.get(key.name)
    }

    pub(crate) fn has(&self, key: Field<K>) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn all(&self) -> &'t [(Key, Tree)] {
        self.entries.entries
    }

    pub(crate) fn key_place(&self, key: Field<K>) -> Option<&'t Place> {
        self.entries.key_place(key.name)
    }

    /// A mark for the map as a whole.
    pub(crate) fn place(&self) -> &'t Place {
        self.entries.place()
    }

    /// All of the map.
    pub(crate) fn whole(&self) -> &'t Place {
        self.entries.place
    }

    /// Those of the keys that are given, in the order of the document.
    pub(crate) fn given(&self, keys: &[Field<K>]) -> Vec<(Field<K>, &'t Key, &'t Tree)> {
        let field = |(key, value): &'t (Key, Tree)| {
            keys.iter().find(|field| field.name == key.text).map(|field| (*field, key, value))
        };
        self.all().iter().filter_map(field).collect()
    }
}

impl Reader {
    pub(crate) fn of_toml() -> Self {
        Reader { language: Language::Toml, ..Reader::default() }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// `wanted` is what should stand there.
    pub(crate) fn wrong_kind(&mut self, tree: &Tree, wanted: &str) {
        let found = tree.describe(self.language);
        self.report(Diagnostic::error(
            Code::WrongKind,
            &tree.place,
            match self.language {
                Language::Yaml => format!("{wanted} is needed here, and this is {found}"),
                Language::Toml => format!("expected {wanted}, found {found}"),
            },
        ));
    }

    /// A map of which all keys are declared, and in which all are that it needs; the [`Ways`] of others than empty ones are told
    /// where the map is read, in words for each.
    pub(crate) fn parts<'t, K: Keys>(&mut self, tree: &'t Tree, _keys: &K) -> Option<Parts<'t, K>> {
        self.parts_of(tree, &Whose::Nameless)
    }

    /// The same of a thing that has a name: what is missing is told with it, and marked there.
    pub(crate) fn parts_of_named<'t, K: Keys>(
        &mut self,
        (name, place): (&str, &Place),
        tree: &'t Tree,
        _keys: &K,
    ) -> Option<Parts<'t, K>> {
        self.parts_of(tree, &Whose::Named(name, place))
    }

    fn parts_of<'t, K: Keys>(&mut self, tree: &'t Tree, whose: &Whose<'_>) -> Option<Parts<'t, K>> {
        let kind = K::kind();
        let entries = self.open_map(tree, kind.of)?;
        if kind.others.is_none() {
            self.only_known(&entries, kind.of, &kind.names());
        }
        if matches!(kind.ways, Ways::NotEmpty) && entries.all().is_empty() {
            let place = match whose {
                Whose::Nameless => &tree.place,
                Whose::Named(_, place) => place,
            };
            let diagnostic = Diagnostic::error(Code::MissingKey, place, format!("{} needs one key at least", kind.of));
            self.report(diagnostic.hint(format!("give it one of {}", kind.names().join(", "))));
            return None;
        }
        self.nothing_missing(&entries, kind, whose);
        Some(Parts { entries, keys: PhantomData })
    }

    fn only_known(&mut self, entries: &Entries<'_>, of: &str, known: &[&str]) {
        for (key, _) in entries.entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let (message, all) = match self.language {
                Language::Yaml => (format!("{of} has no key `{}`", key.text), "known keys"),
                Language::Toml => (format!("unknown key `{}`", key.text), "known here"),
            };
            let diagnostic = Diagnostic::error(Code::UnknownKey, &key.place, message).label("unknown key");
            self.report(match nearest(&key.text, known.iter().copied()) {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                None => diagnostic.hint(format!("{all}: {}", known.join(", "))),
            });
        }
    }

    fn nothing_missing(&mut self, entries: &Entries<'_>, kind: &MapKind, whose: &Whose<'_>) {
        let needed: Vec<&Declared> = kind.keys.iter().filter(|key| key.need != Need::Free).collect();
        let missing: Vec<&&Declared> = needed.iter().filter(|key| entries.get(key.name).is_none()).collect();
        let (thing, place) = match whose {
            Whose::Nameless if kind.title.is_some() => {
                (String::new(), Place { start: 0, end: 0, ..entries.place.clone() })
            }
            Whose::Nameless if self.language == Language::Toml => (String::new(), entries.place.clone()),
            Whose::Nameless => (kind.of.to_owned(), entries.place().clone()),
            Whose::Named(_, place) if self.language == Language::Toml => (String::new(), (*place).clone()),
            Whose::Named(name, place) => {
                let of = kind.of.trim_start_matches("an ").trim_start_matches("a ");
                (format!("the {of} `{name}`"), (*place).clone())
            }
        };
        if let (Missing::Together(hint), false) = (kind.missing, missing.is_empty()) {
            let names: Vec<String> = needed.iter().map(|key| format!("`{}`", key.name)).collect();
            let diagnostic =
                Diagnostic::error(Code::MissingKey, &place, format!("{thing} needs the keys {}", names.join(" and ")));
            self.report(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) });
            return;
        }
        for key in missing {
            let what = key.when_missing.0;
            let hint = match (key.when_missing.1, key.shape) {
                ("", Shape::Words(words)) => format!("one of {}", words().join(", ")),
                (hint, _) => hint.to_owned(),
            };
            let message = if thing.is_empty() {
                format!("the key `{}` is missing{what}", key.name)
            } else {
                format!("{thing} needs the key `{}`{what}", key.name)
            };
            let diagnostic = Diagnostic::error(Code::MissingKey, &place, message);
            self.report(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) });
        }
    }

    /// Tells of each key that stands without those beside which it has a meaning: `belongs` says it, of the key and of those.
    pub(crate) fn companions<K: Keys>(
        &mut self,
        parts: &Parts<'_, K>,
        belongs: impl Fn(&str, &str) -> String,
    ) -> usize {
        self.companions_labelled(parts, belongs, None)
    }

    /// How many there were.
    pub(crate) fn companions_labelled<K: Keys>(
        &mut self,
        parts: &Parts<'_, K>,
        belongs: impl Fn(&str, &str) -> String,
        label: Option<&str>,
    ) -> usize {
        let before = self.diagnostics.len();
        for key in K::kind().keys.iter().filter(|key| !key.beside.is_empty()) {
            let wanted: Vec<&str> = key.beside.iter().filter_map(|all| all.first().copied()).collect();
            let Some(place) = parts.entries.key_place(key.name) else { continue };
            if wanted.iter().any(|name| parts.entries.get(name).is_some()) {
                continue;
            }
            let wanted: Vec<String> = wanted.iter().map(|name| format!("`{name}`")).collect();
            let diagnostic = Diagnostic::error(Code::KeyOutOfPlace, place, belongs(key.name, &wanted.join(" or ")));
            self.report(match label {
                Some(label) => diagnostic.label(label),
                None => diagnostic,
            });
        }
        self.diagnostics.len() - before
    }

    /// A map of which all keys are among these words; `of` names the thing for messages.
    pub(crate) fn map<'t>(&mut self, tree: &'t Tree, of: &str, known: &[&str]) -> Option<Entries<'t>> {
        let entries = self.open_map(tree, of)?;
        self.only_known(&entries, of, known);
        Some(entries)
    }

    /// The format of a document is one that is known. It has been told when there is none.
    pub(crate) fn is_of_format(&mut self, tree: Option<&Tree>) -> Option<()> {
        const FORMAT: &str = "1";
        let Some(tree) = tree else { return Some(()) };
        let format = self.text(tree)?;
        if format.value == FORMAT {
            return Some(());
        }
        let message = format!("format {} is not known; this recover reads format {FORMAT}", format.value);
        self.report(Diagnostic::error(Code::UnknownFormat, &format.place, message).hint("a newer recover may read it"));
        None
    }

    /// A map with keys of the author's choice.
    pub(crate) fn open_map<'t>(&mut self, tree: &'t Tree, of: &str) -> Option<Entries<'t>> {
        let TreeKind::Map(entries) = &tree.kind else {
            match self.language {
                Language::Yaml => self.wrong_kind(tree, &format!("a map of keys and values ({of})")),
                Language::Toml => self.wrong_kind(tree, "a table"),
            }
            return None;
        };
        for (index, (key, _)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..index].iter().find(|(earlier, _)| earlier.text == key.text) {
                let line = first.place.position().line;
                self.report(
                    Diagnostic::error(Code::DuplicateKey, &key.place, format!("the key `{}` is given twice", key.text))
                        .hint(format!("it is already in line {line}; keep one")),
                );
            }
        }
        Some(Entries { entries, place: &tree.place })
    }

    pub(crate) fn named<'t>(&mut self, tree: &'t Tree, of: &str) -> Vec<(Id, &'t Key, &'t Tree)> {
        let Some(map) = self.open_map(tree, of) else { return Vec::new() };
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
                self.report(Diagnostic::error(Code::BadName, place, message).hint(hint));
                None
            }
            Err(error) => {
                self.report(Diagnostic::error(Code::BadName, place, error.to_string()));
                None
            }
        }
    }

    /// Such a name as a value.
    pub(crate) fn named_value(&mut self, tree: &Tree) -> Option<Located<Id>> {
        let Located { value, place } = self.text(tree)?;
        Some(Located { value: self.value_name(&value, &place)?, place })
    }

    pub(crate) fn list<'t>(&mut self, tree: &'t Tree, of: &str) -> &'t [Tree] {
        if let TreeKind::List(items) = &tree.kind {
            return items;
        }
        match self.language {
            Language::Yaml => self.wrong_kind(tree, &format!("a list ({of})")),
            Language::Toml => self.wrong_kind(tree, of),
        }
        &[]
    }

    /// The elements of a list that may be absent.
    pub(crate) fn items<'t>(&mut self, tree: Option<&'t Tree>, of: &str) -> &'t [Tree] {
        tree.map(|tree| self.list(tree, of)).unwrap_or_default()
    }

    /// A text that may be absent.
    pub(crate) fn plain_text(&mut self, tree: Option<&Tree>) -> Option<String> {
        tree.and_then(|tree| self.text(tree)).map(|text| text.value)
    }

    /// A flag that means no when it is absent.
    pub(crate) fn is_yes(&mut self, tree: Option<&Tree>) -> bool {
        tree.and_then(|tree| self.flag(tree)).is_some_and(|flag| flag.value)
    }

    /// A list of texts that may be absent.
    pub(crate) fn texts(&mut self, tree: Option<&Tree>) -> Vec<Located<String>> {
        self.items(tree, "a list of texts").iter().filter_map(|item| self.text(item)).collect()
    }

    pub(crate) fn plain_texts(&mut self, tree: Option<&Tree>) -> Vec<String> {
        self.texts(tree).into_iter().map(|text| text.value).collect()
    }

    /// A list of what has its form, which may be absent.
    pub(crate) fn parsed_all<T>(&mut self, tree: Option<&Tree>) -> Vec<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let items = self.items(tree, "a list of texts");
        items.iter().filter_map(|item| self.parsed(item)).map(|parsed| parsed.value).collect()
    }

    /// One of the words of a table; `unknown` says of another one that it is none.
    pub(crate) fn one_of<T: Copy>(
        &mut self,
        tree: &Tree,
        known: &[(&str, T)],
        unknown: impl FnOnce(&str) -> String,
    ) -> Option<Located<T>> {
        let Located { value: text, place } = self.text(tree)?;
        let found = known.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let diagnostic = Diagnostic::error(Code::UnknownWord, &place, unknown(&text));
            self.report(diagnostic.hint(meant_or_known(&text, known.iter().map(|(word, _)| *word))));
        }
        Some(Located { value: found?, place })
    }

    /// A map of texts that may be absent, such as variables and their values.
    pub(crate) fn text_map(&mut self, tree: Option<&Tree>) -> Vec<(Key, Located<String>)> {
        let entries = tree.and_then(|tree| self.open_map(tree, "texts")).map(|map| map.entries).unwrap_or_default();
        entries.iter().filter_map(|(key, value)| Some((key.clone(), self.text(value)?))).collect()
    }

    pub(crate) fn plain_text_map(&mut self, tree: Option<&Tree>) -> BTreeMap<String, String> {
        self.text_map(tree).into_iter().map(|(key, text)| (key.text, text.value)).collect()
    }

    /// A list, or one value in place of a list with one element.
    pub(crate) fn one_or_more<'t>(&mut self, tree: &'t Tree, of: &str) -> &'t [Tree] {
        match &tree.kind {
            TreeKind::List(items) => items,
            TreeKind::Null => self.list(tree, of),
            _ => std::slice::from_ref(tree),
        }
    }

    pub(crate) fn text(&mut self, tree: &Tree) -> Option<Located<String>> {
        match &tree.kind {
            TreeKind::Scalar { text, .. } => Some(Located { value: text.clone(), place: tree.place.clone() }),
            _ => {
                self.wrong_kind(tree, "a text");
                None
            }
        }
    }

    /// A name: people see it, so it must be what it looks like.
    pub(crate) fn name(&mut self, tree: &Tree) -> Option<Located<String>> {
        let text = self.text(tree)?;
        self.nothing_hidden(&text.value, &text.place);
        self.nothing_left_open(tree, &text.value);
        Some(text)
    }

    /// A name that may take several lines in the source.
    pub(crate) fn name_of_lines(&mut self, tree: &Tree) -> Option<String> {
        let text = self.prose(tree)?;
        self.nothing_hidden(&text, &tree.place);
        Some(text)
    }

    /// Families and procedures have been filled in: what still stands there would be shown to people as it is.
    fn nothing_left_open(&mut self, tree: &Tree, text: &str) {
        let (place, exact) = match tree.kind {
            TreeKind::Scalar { exact, .. } => (&tree.place, exact),
            _ => (&tree.place, false),
        };
        let left: Vec<(String, std::ops::Range<usize>)> =
            blanks(text).map(|(name, range)| (name.to_owned(), range)).collect();
        for (name, range) in left {
            let place = if exact { place.within(range.start, range.len()) } else { place.clone() };
            let diagnostic =
                Diagnostic::error(Code::UnknownName, &place, format!("nothing fills in `${{{name}}}` here"));
            let near = nearest(&name, self.parameters.iter().map(String::as_str));
            let hint = match near.filter(|near| *near != name) {
                Some(near) => format!("did you mean `${{{near}}}`?"),
                None => "only parameters are filled in here; write the text out".to_owned(),
            };
            self.report(diagnostic.hint(hint));
        }
    }

    fn nothing_hidden(&mut self, name: &str, place: &Place) {
        if let Some(hidden) = name.chars().find(|character| steers(*character)) {
            let number = u32::from(hidden);
            let message = format!("U+{number:04X} cannot stand in a name: it steers a terminal, or is not seen");
            self.report(Diagnostic::error(Code::BadName, place, message).hint("leave this character out"));
        }
    }

    /// A text of one or more lines for people, with line breaks of the source turned into blanks.
    pub(crate) fn prose(&mut self, tree: &Tree) -> Option<String> {
        let text = self.text(tree)?.value;
        self.nothing_left_open(tree, &text);
        self.in_one_line(tree)
    }

    fn in_one_line(&mut self, tree: &Tree) -> Option<String> {
        let text = self.text(tree)?.value;
        Some(text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "))
    }

    pub(crate) fn parsed<T>(&mut self, tree: &Tree) -> Option<Located<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(tree)?;
        match text.value.parse() {
            Ok(value) => Some(Located { value, place: text.place }),
            Err(error) => {
                self.report(Diagnostic::error(Code::Malformed, &text.place, error.to_string()));
                None
            }
        }
    }

    /// `yes` or `no`; YAML's own words do as well.
    pub(crate) fn flag(&mut self, tree: &Tree) -> Option<Located<bool>> {
        if self.language == Language::Toml {
            let TreeKind::Boolean(value) = tree.kind else {
                self.wrong_kind(tree, "`true` or `false`");
                return None;
            };
            return Some(Located { value, place: tree.place.clone() });
        }
        let text = self.text(tree)?;
        match yes_or_no(&text.value) {
            Some(value) => Some(Located { value, place: text.place }),
            None => {
                self.report(Diagnostic::error(
                    Code::UnknownWord,
                    &text.place,
                    format!("`{}` is neither yes nor no", text.value),
                ));
                None
            }
        }
    }

    pub(crate) fn time(&mut self, tree: &Tree) -> Option<Duration> {
        let text = self.text(tree)?;
        match parse_time(&text.value) {
            Ok(span) => Some(span),
            Err(error) => {
                let digits_only = text.value.bytes().all(|byte| byte.is_ascii_digit());
                let mut diagnostic = Diagnostic::error(Code::BadTime, &text.place, error.to_string());
                if digits_only && !text.value.is_empty() && self.language == Language::Yaml {
                    diagnostic =
                        diagnostic.label("the unit is missing").hint(format!("did you mean `{}s`?", text.value));
                }
                self.report(diagnostic);
                None
            }
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn unsigned(&mut self, tree: &Tree) -> Option<u64> {
        let text = match &tree.kind {
            // As TOML has them.
            TreeKind::Integer(number) => Located { value: number.to_string(), place: tree.place.clone() },
            TreeKind::Other | TreeKind::Boolean(_) if self.language == Language::Toml => {
                self.wrong_kind(tree, "a whole number");
                return None;
            }
            _ => self.text(tree)?,
        };
        match parse_integer(&text.value).map(u64::try_from) {
            Ok(Ok(number)) => Some(number),
            Ok(Err(_)) => {
                self.report(Diagnostic::error(Code::BadNumber, &text.place, "this number must not be negative"));
                None
            }
            Err(error) => {
                self.report(Diagnostic::error(Code::BadNumber, &text.place, error.to_string()));
                None
            }
        }
    }

    /// The size of a file, or a place in one, in bytes.
    pub(crate) fn size(&mut self, tree: &Tree, bytes_max: u64) -> Option<u64> {
        let size = self.unsigned(tree)?;
        self.is_size(&tree.place, size, bytes_max).then_some(size)
    }

    pub(super) fn is_size(&mut self, place: &Place, bytes: u64, bytes_max: u64) -> bool {
        let fits = bytes <= bytes_max;
        if !fits {
            let message =
                format!("{bytes} bytes are more than a file may have here: at most {bytes_max} ({bytes_max:#x})");
            self.report(Diagnostic::error(Code::BadNumber, place, message));
        }
        fits
    }

    /// A count within limits, both inclusive.
    pub(crate) fn count(&mut self, tree: &Tree, limits: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let number = self.unsigned(tree)?;
        match u32::try_from(number).ok().filter(|count| limits.contains(count)) {
            Some(count) => Some(count),
            None => {
                let message = format!("{number} is out of range: {} to {}", limits.start(), limits.end());
                self.report(Diagnostic::error(Code::BadNumber, &tree.place, message));
                None
            }
        }
    }

    pub(crate) fn pattern(&mut self, tree: &Tree) -> Option<Regex> {
        let text = self.text(tree)?;
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            if self.patterns == PATTERNS_MAX + 1 {
                let message = format!("there are more than {PATTERNS_MAX} patterns in this document");
                self.report(Diagnostic::error(Code::TooMuch, &text.place, message));
            }
            return None;
        }
        match compile_once(&text.value) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let reason = error.to_string();
                let last = reason.lines().last().unwrap_or(&reason).trim_start_matches("error: ").to_owned();
                self.report(
                    Diagnostic::error(
                        Code::BadPattern,
                        &text.place,
                        format!("this pattern is not a regular expression: {last}"),
                    )
                    .hint("put a backslash before `(`, `)`, `[`, `.`, `+` and the like to mean the sign itself"),
                );
                None
            }
        }
    }

    pub(crate) fn template(&mut self, tree: &Tree) -> Option<Template> {
        let text = self.text(tree)?;
        self.template_of(&text.value, &exact_place(tree))
    }

    /// A template for people to read: its line breaks become blanks.
    pub(crate) fn prose_template(&mut self, tree: &Tree) -> Option<Template> {
        let prose = self.in_one_line(tree)?;
        self.template_of(&prose, &exact_place(tree))
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
    pub(crate) fn expression(&mut self, tree: &Tree) -> Option<Expression> {
        let text = self.text(tree)?;
        let place = exact_place(tree);
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
fn exact_place(tree: &Tree) -> Place {
    match tree.kind {
        TreeKind::Scalar { exact: true, .. } => tree.place.clone(),
        _ => tree.place.within(0, 0),
    }
}
