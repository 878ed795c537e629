//! Shows what is wrong with documents the way rustc does: message, place, the line itself, a hint.

mod github;
mod line;
mod sarif;

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::cli::harmless::{own_colours, replaced};
use crate::cli::style::{Colours, Look};
use crate::cli::wording::count;
use crate::words::{Diagnostic, Place, Severity, Source};

pub(in crate::cli) use github::annotate;
pub(in crate::cli) use line::DiagnosticLine;
pub(in crate::cli) use sarif::sarif;

/// More than this helps nobody; the closing line counts them all.
const SHOWN_MAX: usize = 100;
/// A longer line is shown as a window around the place. In bytes.
const LINE_LENGTH_MAX: usize = 400;
const BEFORE_PLACE_MAX: usize = 100;
/// Calls within calls that are told of a text which stands for several.
const CALLS_SHOWN_MAX: usize = 4;
/// Of a message, a label or a hint. In bytes.
const TEXT_LENGTH_MAX: usize = 2_000;

/// All diagnostics, sorted by place, and a closing line. Nothing for an empty list.
pub fn render(diagnostics: &[Diagnostic], look: &Look) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| {
        diagnostic.place.as_ref().map(|place| (place.source.name.as_str(), place.start, place.end))
    });
    let renderer = match look.colours {
        Colours::On => Renderer::styled(),
        Colours::Off => Renderer::plain(),
    }
    .term_width(look.width);

    let mut lines = LineCounter::new();
    let mut text = String::new();
    for diagnostic in sorted.iter().take(SHOWN_MAX) {
        text.push_str(&render_one(diagnostic, &renderer, &mut lines));
        text.push_str("\n\n");
    }
    if sorted.len() > SHOWN_MAX {
        text.push_str(&format!("{} more are not shown\n\n", sorted.len() - SHOWN_MAX));
    }
    if let Some(closing) = closing_line(diagnostics) {
        text.push_str(&closing);
        text.push('\n');
    }
    text
}

/// `5 errors, 1 warning`; none when there is nothing to say.
pub fn closing_line(diagnostics: &[Diagnostic]) -> Option<String> {
    let number = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let errors = number(Severity::Error);
    let warnings = number(Severity::Warning);
    let parts: Vec<String> = [(errors, "error", "errors"), (warnings, "warning", "warnings")]
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn render_one(diagnostic: &Diagnostic, renderer: &Renderer, lines: &mut LineCounter) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(clipped(&diagnostic.message)).id(diagnostic.code.word()));
    if let Some(place) = &diagnostic.place {
        let excerpt = Excerpt::of(place, lines);
        let name = replaced(&place.source.name).replace('\n', " ");
        let annotation = AnnotationKind::Primary.span(excerpt.marked).label(diagnostic.label.as_deref().map(clipped));
        let mut snippet = Snippet::source(excerpt.text).line_start(excerpt.line).annotation(annotation);
        if excerpt.whole_line {
            snippet = snippet.path(name);
        } else {
            // The snippet's own column would count from the window's start.
            group = group.element(Origin::path(name).line(excerpt.line).char_column(excerpt.column));
        }
        group = group.element(snippet);
    }
    for call in diagnostic.place.iter().flat_map(Place::calls).take(CALLS_SHOWN_MAX) {
        group = group.element(Level::NOTE.message(clipped(&format!("called at {call}"))));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(clipped(hint)));
    }
    own_colours(&renderer.render(&[group]))
}

/// The line in which a place begins, or a window of it.
struct Excerpt {
    text: String,
    /// In bytes of `text`.
    marked: Range<usize>,
    line: usize,
    column: usize,
    whole_line: bool,
}

impl Excerpt {
    fn of(place: &Place, lines: &mut LineCounter) -> Excerpt {
        let whole = place.source.text.as_str();
        let start = floor_boundary(whole, place.start);
        let end = floor_boundary(whole, place.end).max(start);
        let Start { line, line_start, column } = lines.find(&place.source, start);
        let seen_end = floor_boundary(whole, start.saturating_add(LINE_LENGTH_MAX));
        let line_end = whole[start..seen_end].find('\n').map_or(seen_end, |newline| start + newline);

        let whole_line = line_end - line_start <= LINE_LENGTH_MAX;
        let window = floor_boundary(whole, start.saturating_sub(BEFORE_PLACE_MAX)).max(line_start);
        let from = if whole_line { line_start } else { window };
        let to = line_end.min(floor_boundary(whole, from + LINE_LENGTH_MAX));
        let text = whole[from..to].trim_end_matches('\r').to_owned();
        let marked = (start - from).min(text.len())..(end.min(to) - from).min(text.len());
        Excerpt { text, marked, line, column, whole_line }
    }
}

/// A message may quote a value from the document, and that may be of any length.
fn clipped(text: &str) -> String {
    replaced(&text[..floor_boundary(text, TEXT_LENGTH_MAX)])
}

fn floor_boundary(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

/// Where a place begins; line and column count from 1, the column in characters.
#[derive(Debug, Clone, Copy)]
struct Start {
    line: usize,
    /// In bytes of the whole source.
    line_start: usize,
    column: usize,
}

/// Finds ascending places in one pass over each source, however large it or one of its lines is.
#[derive(Debug)]
struct LineCounter {
    source: Option<Arc<Source>>,
    /// Everything before it has been counted.
    at: usize,
    found: Start,
}

impl LineCounter {
    const BEGINNING: Start = Start { line: 1, line_start: 0, column: 1 };

    fn new() -> LineCounter {
        LineCounter { source: None, at: 0, found: LineCounter::BEGINNING }
    }

    fn find(&mut self, source: &Arc<Source>, index: usize) -> Start {
        let goes_on = self.source.as_ref().is_some_and(|known| Arc::ptr_eq(known, source)) && index >= self.at;
        if !goes_on {
            *self = LineCounter { source: Some(Arc::clone(source)), ..LineCounter::new() };
        }
        let passed = &source.text[self.at..index];
        match passed.rfind('\n') {
            Some(newline) => {
                self.found.line += passed.bytes().filter(|&byte| byte == b'\n').count();
                self.found.line_start = self.at + newline + 1;
                self.found.column = 1 + passed[newline + 1..].chars().count();
            }
            None => self.found.column += passed.chars().count(),
        }
        self.at = index;
        self.found
    }
}

#[cfg(test)]
mod tests;
