//! A diagnostic as an object for programs.

use crate::words::{Diagnostic, Place, Position};

#[derive(Debug, serde::Serialize)]
pub(in crate::cli) struct DiagnosticLine<'a> {
    severity: &'static str,
    /// `recover explain` knows it.
    code: &'static str,
    message: &'a str,
    label: Option<&'a str>,
    hint: Option<&'a str>,
    place: Option<PlaceLine<'a>>,
    /// From the inside out, where the text stands for several.
    called_at: Vec<PlaceLine<'a>>,
}

/// Lines and columns count from 1, columns in characters; the end is the first column behind it.
#[derive(Debug, serde::Serialize)]
struct PlaceLine<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> DiagnosticLine<'a> {
    pub(in crate::cli) fn of(diagnostic: &'a Diagnostic) -> DiagnosticLine<'a> {
        DiagnosticLine {
            severity: diagnostic.severity.word(),
            code: diagnostic.code.word(),
            message: &diagnostic.message,
            label: diagnostic.label.as_deref(),
            hint: diagnostic.hint.as_deref(),
            place: diagnostic.place.as_ref().map(PlaceLine::of),
            called_at: diagnostic.place.iter().flat_map(Place::calls).map(PlaceLine::of).collect(),
        }
    }
}

impl<'a> PlaceLine<'a> {
    fn of(place: &'a Place) -> PlaceLine<'a> {
        let Position { line, column } = place.position();
        let end = place.end_position();
        PlaceLine { file: &place.source.name, line, column, end_line: end.line, end_column: end.column }
    }
}
