//! A TOML document as a tree whose every key and value knows its place. The one file that knows the `toml` crate,
//! and the crate that cuts a text into words beneath it.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::lexer::{Token, TokenKind};

use crate::words::{Diagnostic, Located, Place, Source};

#[derive(Debug, Clone)]
pub(in crate::documents) struct Node {
    pub(in crate::documents) place: Place,
    pub(in crate::documents) value: Value,
}

#[derive(Debug, Clone)]
pub(in crate::documents) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    /// A kind of value that no key of the catalog takes.
    Other,
}

impl Value {
    pub(in crate::documents) fn describe(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Boolean(_) => "`true` or `false`",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other => "a value of another kind",
        }
    }
}

/// Keys and values in the order of the document.
#[derive(Debug, Clone, Default)]
pub(in crate::documents) struct Table {
    pub(in crate::documents) entries: Vec<(Located<String>, Node)>,
}

impl Table {
    pub(in crate::documents) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, _)| name.value == key).map(|(_, node)| node)
    }

    /// Takes over every key of `over`, replacing what stood under it.
    pub(in crate::documents) fn replace_keys(&mut self, over: Table) {
        for (key, node) in over.entries {
            match self.entries.iter_mut().find(|(name, _)| name.value == key.value) {
                Some(entry) => *entry = (key, node),
                None => self.entries.push((key, node)),
            }
        }
    }
}

/// The shipped catalog has some 90 KB.
const BYTES_MAX: usize = 1024 * 1024;
/// Keys and values, of which the shipped catalog has some 5,000.
const NODES_MAX: usize = 50_000;
/// One that is no TOML at all has a fault in each of its characters.
const SYNTAX_FAULTS_MAX: usize = 100;
/// Every table may be taken for a misspelt name of every other one.
const TABLES_MAX: usize = 500;
/// Of lists and tables in each other, of which the shipped catalog has 4; fewer than the crate's own limit.
const LEVELS_MAX: usize = 64;

/// Reads the document as far as its syntax allows.
pub(in crate::documents) fn parse(source: &Arc<Source>) -> (Table, Vec<Diagnostic>) {
    let too_large = |message: String| (Table::default(), vec![Diagnostic::of_document(message)]);
    let (name, bytes) = (&source.name, source.text.len());
    if bytes > BYTES_MAX {
        return too_large(format!("{name} has {bytes} bytes; a catalog has at most {BYTES_MAX}"));
    }
    if let Some(too_deep) = too_deep(source) {
        return (Table::default(), vec![too_deep]);
    }
    let (table, diagnostics) = parse_bounded(source);
    let (tables, nodes) = (table.entries.len(), nodes_of(&table));
    if tables > TABLES_MAX {
        return too_large(format!("{name} has {tables} tables; a catalog has at most {TABLES_MAX}"));
    }
    if nodes > NODES_MAX {
        return too_large(format!("{name} holds {nodes} values; a catalog holds at most {NODES_MAX}"));
    }
    (table, diagnostics)
}

fn nodes_of(table: &Table) -> usize {
    fn of(node: &Node) -> usize {
        1 + match &node.value {
            Value::List(items) => items.iter().map(of).sum(),
            Value::Table(inner) => nodes_of(inner),
            Value::Text(_) | Value::Integer(_) | Value::Boolean(_) | Value::Other => 0,
        }
    }
    table.entries.iter().map(|(_, node)| of(node)).sum()
}

/// The crate counts a list that it gave up as closed twice, and so lets a broken text nest without end.
fn too_deep(source: &Arc<Source>) -> Option<Diagnostic> {
    let mut open: Vec<TokenKind> = Vec::new();
    let mut is_too_deep = |token: &Token| {
        let opening = match token.kind() {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                open.push(token.kind());
                return open.len() > LEVELS_MAX;
            }
            TokenKind::RightSquareBracket => TokenKind::LeftSquareBracket,
            TokenKind::RightCurlyBracket => TokenKind::LeftCurlyBracket,
            _ => return false,
        };
        open.pop_if(|last| *last == opening);
        false
    };
    let bracket = toml_parser::Source::new(&source.text).lex().find(|token| is_too_deep(token))?;
    let place = place(source, &(bracket.span().start()..bracket.span().end()));
    Some(Diagnostic::error(&place, "this is nested too deeply").hint("no catalog needs so many levels"))
}

fn parse_bounded(source: &Arc<Source>) -> (Table, Vec<Diagnostic>) {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let diagnostics = errors
        .into_iter()
        .take(SYNTAX_FAULTS_MAX)
        .map(|error| match error.span() {
            Some(span) => Diagnostic::error(&place(source, &span), error.message()),
            // The only fault of which the crate does not tell the place.
            None => {
                let message = format!("{} nests tables or lists too deeply ({})", source.name, error.message());
                Diagnostic::of_document(message).hint("no catalog needs so many levels")
            }
        })
        .collect();
    (table(source, document.into_inner()), diagnostics)
}

fn table(source: &Arc<Source>, table: DeTable<'_>) -> Table {
    let entry = |(key, value): (Spanned<toml::de::DeString<'_>>, Spanned<DeValue<'_>>)| {
        let key_place = place(source, &key.span());
        (Located { value: key.into_inner().into_owned(), place: key_place }, node(source, value))
    };
    let mut entries: Vec<(Located<String>, Node)> = table.into_iter().map(entry).collect();
    // The crate sorts by name.
    entries.sort_by_key(|(key, _)| key.place.start);
    Table { entries }
}

fn node(source: &Arc<Source>, value: Spanned<DeValue<'_>>) -> Node {
    let place = place(source, &value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).map_or(Value::Other, Value::Integer)
        }
        DeValue::Boolean(boolean) => Value::Boolean(boolean),
        DeValue::Array(items) => Value::List(items.into_iter().map(|item| node(source, item)).collect()),
        DeValue::Table(inner) => Value::Table(table(source, inner)),
        DeValue::Float(_) | DeValue::Datetime(_) => Value::Other,
    };
    Node { place, value }
}

fn place(source: &Arc<Source>, span: &std::ops::Range<usize>) -> Place {
    Place { source: Arc::clone(source), start: span.start, end: span.end }
}
