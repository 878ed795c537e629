//! TOML text to a tree in which everything knows its place. The one file that knows the `toml` crate,
//! and the crate that cuts a text into words beneath it.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::lexer::{Token, TokenKind};

use crate::documents::tree::{Key, Tree, TreeKind};
use crate::words::{Code, Diagnostic, Place, Source};

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
pub(in crate::documents) fn parse_toml(source: &Arc<Source>) -> (Vec<(Key, Tree)>, Vec<Diagnostic>) {
    let too_large = |message: String| (Vec::new(), vec![Diagnostic::of_document(Code::TooMuch, message)]);
    let (name, bytes) = (&source.name, source.text.len());
    if bytes > BYTES_MAX {
        return too_large(format!("{name} has {bytes} bytes; a catalog has at most {BYTES_MAX}"));
    }
    if let Some(too_deep) = too_deep(source) {
        return (Vec::new(), vec![too_deep]);
    }
    let (table, diagnostics) = parse_bounded(source);
    let (tables, nodes) = (table.len(), nodes_of(&table));
    if tables > TABLES_MAX {
        return too_large(format!("{name} has {tables} tables; a catalog has at most {TABLES_MAX}"));
    }
    if nodes > NODES_MAX {
        return too_large(format!("{name} holds {nodes} values; a catalog holds at most {NODES_MAX}"));
    }
    (table, diagnostics)
}

fn nodes_of(table: &[(Key, Tree)]) -> usize {
    fn of(node: &Tree) -> usize {
        1 + match &node.kind {
            TreeKind::List(items) => items.iter().map(of).sum(),
            TreeKind::Map(inner) => nodes_of(inner),
            _ => 0,
        }
    }
    table.iter().map(|(_, node)| of(node)).sum()
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
    Some(Diagnostic::error(Code::TooMuch, &place, "this is nested too deeply").hint("no catalog needs so many levels"))
}

fn parse_bounded(source: &Arc<Source>) -> (Vec<(Key, Tree)>, Vec<Diagnostic>) {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let diagnostics = errors
        .into_iter()
        .take(SYNTAX_FAULTS_MAX)
        .map(|error| match error.span() {
            Some(span) => Diagnostic::error(Code::Syntax, &place(source, &span), error.message()),
            // The only fault of which the crate does not tell the place.
            None => {
                let message = format!("{} nests tables or lists too deeply ({})", source.name, error.message());
                Diagnostic::of_document(Code::TooMuch, message).hint("no catalog needs so many levels")
            }
        })
        .collect();
    (table(source, document.into_inner()), diagnostics)
}

fn table(source: &Arc<Source>, table: DeTable<'_>) -> Vec<(Key, Tree)> {
    let entry = |(key, value): (Spanned<toml::de::DeString<'_>>, Spanned<DeValue<'_>>)| {
        let place = place(source, &key.span());
        (Key { text: key.into_inner().into_owned(), place }, node(source, value))
    };
    let mut entries: Vec<(Key, Tree)> = table.into_iter().map(entry).collect();
    // The crate sorts by name.
    entries.sort_by_key(|(key, _)| key.place.start);
    entries
}

fn node(source: &Arc<Source>, value: Spanned<DeValue<'_>>) -> Tree {
    let place = place(source, &value.span());
    let kind = match value.into_inner() {
        DeValue::String(text) => TreeKind::Scalar { text: text.into_owned(), exact: false },
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).map_or(TreeKind::Other, TreeKind::Integer)
        }
        DeValue::Boolean(boolean) => TreeKind::Boolean(boolean),
        DeValue::Array(items) => TreeKind::List(items.into_iter().map(|item| node(source, item)).collect()),
        DeValue::Table(inner) => TreeKind::Map(table(source, inner)),
        DeValue::Float(_) | DeValue::Datetime(_) => TreeKind::Other,
    };
    Tree { kind, place }
}

fn place(source: &Arc<Source>, span: &std::ops::Range<usize>) -> Place {
    Place::new(Arc::clone(source), span.start, span.end)
}
