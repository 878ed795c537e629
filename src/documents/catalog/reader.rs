//! Takes the keys of one table one by one, reports each that is wrong, and in the end each that nobody asked for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use super::pattern;
use super::pattern::Pattern;
use super::tool::PerOperatingSystem;
use super::tree::{Node, Table, Value};
use crate::words::{Diagnostic, Located, Place, nearest, parse_time};

/// Where all readers of a document report to.
#[derive(Debug, Default)]
pub(super) struct Diagnostics(RefCell<Vec<Diagnostic>>);

impl Diagnostics {
    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }

    pub(super) fn into_inner(self) -> Vec<Diagnostic> {
        self.0.into_inner()
    }
}

/// One table at reading. Each method asks for one key; what is missing or wrong comes back as the empty value.
pub(super) struct Reader<'a> {
    table: &'a Table,
    /// Marks the table as a whole: the place for what is missing in it.
    pub(super) place: &'a Place,
    pub(super) diagnostics: &'a Diagnostics,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(table: &'a Table, place: &'a Place, diagnostics: &'a Diagnostics) -> Self {
        Reader { table, place, diagnostics, asked: RefCell::default() }
    }

    pub(super) fn node(&self, key: &'static str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    pub(super) fn wrong(&self, node: &Node, expected: &str) {
        let message = format!("expected {expected}, found {}", node.value.describe());
        self.diagnostics.report(Diagnostic::error(&node.place, message));
    }

    pub(super) fn text(&self, key: &'static str) -> Option<Located<String>> {
        self.node(key).and_then(|node| self.text_of(node))
    }

    pub(super) fn required_text(&self, key: &'static str) -> String {
        if !self.has(key) {
            self.missing(key);
        }
        self.text(key).map(|text| text.value).unwrap_or_default()
    }

    pub(super) fn missing(&self, key: &str) {
        self.diagnostics.report(Diagnostic::error(self.place, format!("the key `{key}` is missing")));
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &'static str) -> Vec<Located<String>> {
        self.list(key, "a list of texts").iter().filter_map(|node| self.text_of(node)).collect()
    }

    pub(super) fn plain_texts(&self, key: &'static str) -> Vec<String> {
        self.texts(key).into_iter().map(|text| text.value).collect()
    }

    /// A text that a type can be made of.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, text: &Located<String>) -> Option<T> {
        text.value
            .parse()
            .map_err(|error: T::Err| self.diagnostics.report(Diagnostic::error(&text.place, error.to_string())))
            .ok()
    }

    pub(super) fn flag(&self, key: &'static str) -> bool {
        let Some(node) = self.node(key) else { return false };
        if let Value::Boolean(flag) = node.value {
            return flag;
        }
        self.wrong(node, "`true` or `false`");
        false
    }

    pub(super) fn time(&self, key: &'static str) -> Option<Duration> {
        let text = self.text(key)?;
        parse_time(&text.value)
            .map_err(|error| self.diagnostics.report(Diagnostic::error(&text.place, error.to_string())))
            .ok()
    }

    /// Exit codes; `None` when the key is absent.
    pub(super) fn exit_codes(&self, key: &'static str) -> Option<Vec<i32>> {
        self.node(key)?;
        let code = |node: &Node| match node.value {
            Value::Integer(number) if i32::try_from(number).is_ok() => i32::try_from(number).ok(),
            _ => {
                self.wrong(node, "an exit code");
                None
            }
        };
        Some(self.list(key, "a list of exit codes").iter().filter_map(code).collect())
    }

    /// How many of something there must be: at least one.
    pub(super) fn count(&self, key: &'static str) -> Option<usize> {
        let node = self.node(key)?;
        let count = match node.value {
            Value::Integer(number) => usize::try_from(number).ok().filter(|count| *count > 0),
            _ => None,
        };
        if count.is_none() {
            self.wrong(node, "a whole number above zero");
        }
        count
    }

    pub(super) fn pattern(&self, key: &'static str, groups: &[&str]) -> Option<Pattern> {
        self.text(key).and_then(|text| pattern::compile(&text, groups, self.diagnostics))
    }

    pub(super) fn required_pattern(&self, key: &'static str, groups: &[&str]) -> Option<Pattern> {
        if !self.has(key) {
            self.missing(key);
        }
        self.pattern(key, groups)
    }

    pub(super) fn patterns(&self, key: &'static str) -> Vec<Pattern> {
        self.texts(key).iter().filter_map(|text| pattern::compile(text, &[], self.diagnostics)).collect()
    }

    /// A table of texts, such as variables and their values.
    pub(super) fn text_map(&self, key: &'static str) -> Vec<(Located<String>, Located<String>)> {
        let Some((table, _)) = self.table(key) else { return Vec::new() };
        table.entries.iter().filter_map(|(key, node)| Some((key.clone(), self.text_of(node)?))).collect()
    }

    pub(super) fn plain_text_map(&self, key: &'static str) -> BTreeMap<String, String> {
        self.text_map(key).into_iter().map(|(key, text)| (key.value, text.value)).collect()
    }

    pub(super) fn table(&self, key: &'static str) -> Option<(&'a Table, &'a Place)> {
        let node = self.node(key)?;
        if let Value::Table(table) = &node.value {
            return Some((table, &node.place));
        }
        self.wrong(node, "a table");
        None
    }

    /// A list of tables.
    pub(super) fn tables(&self, key: &'static str) -> Vec<(&'a Table, &'a Place)> {
        let table = |node: &'a Node| match &node.value {
            Value::Table(table) => Some((table, &node.place)),
            _ => {
                self.wrong(node, "a table");
                None
            }
        };
        self.list(key, "a list of tables").iter().filter_map(table).collect()
    }

    /// One value for every operating system, or a table with one for each.
    pub(super) fn per_system<T: Clone + Default>(
        &self,
        key: &'static str,
        read: impl Fn(&Self, &'static str) -> T,
    ) -> PerOperatingSystem<T> {
        match self.table.get(key).map(|node| (&node.value, &node.place)) {
            Some((Value::Table(table), place)) => {
                self.asked.borrow_mut().push(key);
                let inner = Reader::new(table, place, self.diagnostics);
                let per_system = PerOperatingSystem {
                    linux: read(&inner, "linux"),
                    macos: read(&inner, "macos"),
                    windows: read(&inner, "windows"),
                };
                inner.finish();
                per_system
            }
            _ => {
                let all = read(self, key);
                PerOperatingSystem { linux: all.clone(), macos: all.clone(), windows: all }
            }
        }
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.into_inner();
        for (key, _) in &self.table.entries {
            if asked.contains(&key.value.as_str()) {
                continue;
            }
            let diagnostic = Diagnostic::error(&key.place, format!("unknown key `{}`", key.value));
            self.diagnostics.report(match nearest(&key.value, asked.iter().copied()) {
                Some(word) => diagnostic.hint(format!("did you mean `{word}`?")),
                None => diagnostic.hint(format!("known here: {}", asked.join(", "))),
            });
        }
    }

    /// What a list holds, of whatever kind.
    pub(super) fn nodes(&self, key: &'static str, expected: &str) -> &'a [Node] {
        self.list(key, expected)
    }

    /// The texts of a list that is no key's own value; `None`, and a report, when it is no list.
    pub(super) fn texts_in(&self, node: &Node) -> Option<Vec<String>> {
        let Value::List(items) = &node.value else {
            self.wrong(node, "a list of texts");
            return None;
        };
        Some(items.iter().filter_map(|item| self.text_of(item)).map(|text| text.value).collect())
    }

    fn list(&self, key: &'static str, expected: &str) -> &'a [Node] {
        match self.node(key) {
            Some(Node { value: Value::List(items), .. }) => items,
            Some(node) => {
                self.wrong(node, expected);
                &[]
            }
            None => &[],
        }
    }

    fn text_of(&self, node: &Node) -> Option<Located<String>> {
        if let Value::Text(text) = &node.value {
            return Some(Located { value: text.clone(), place: node.place.clone() });
        }
        self.wrong(node, "a text");
        None
    }
}
