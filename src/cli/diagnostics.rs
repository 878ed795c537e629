//! Shows what is wrong with documents the way rustc does: message, place, the line itself, a hint.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::cli::style::{Colours, Look};
use crate::cli::wording::count;
use crate::words::{Diagnostic, Place, Severity, Source};

/// More than this helps nobody; the closing line counts them all.
const SHOWN_MAX: usize = 100;
/// A longer line is shown as a window around the place. In bytes.
const LINE_LENGTH_MAX: usize = 400;
const BEFORE_PLACE_MAX: usize = 100;

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

    let mut lines = LineCounter::default();
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
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()));
    if let Some(place) = &diagnostic.place {
        let excerpt = Excerpt::of(place, lines);
        let name = place.source.name.as_str();
        let annotation = AnnotationKind::Primary.span(excerpt.marked).label(diagnostic.label.as_deref());
        let mut snippet = Snippet::source(excerpt.text).line_start(excerpt.line).annotation(annotation);
        if excerpt.whole_line {
            snippet = snippet.path(name);
        } else {
            // The snippet's own column would count from the window's start.
            group = group.element(Origin::path(name).line(excerpt.line).char_column(excerpt.column));
        }
        group = group.element(snippet);
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    renderer.render(&[group])
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
        let (line, line_start) = lines.line_of(&place.source, start);
        let line_end = whole[start..].find('\n').map_or(whole.len(), |newline| start + newline);
        let column = whole[line_start..start].chars().count() + 1;

        let fits = line_end - line_start <= LINE_LENGTH_MAX;
        let from = if fits {
            line_start
        } else {
            floor_boundary(whole, line_start.max(start.saturating_sub(BEFORE_PLACE_MAX)))
        };
        let to = if fits { line_end } else { floor_boundary(whole, line_end.min(from + LINE_LENGTH_MAX)) };
        let text = whole[from..to].trim_end_matches('\r').to_owned();
        let marked = (start - from).min(text.len())..(end.min(to) - from).min(text.len());
        Excerpt { text, marked, line, column, whole_line: fits }
    }
}

fn floor_boundary(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

/// Finds lines of ascending places in one pass over each source, however large it is.
#[derive(Default)]
struct LineCounter {
    source: Option<Arc<Source>>,
    /// Everything before it has been counted.
    at: usize,
    line: usize,
    line_start: usize,
}

impl LineCounter {
    /// Number of the line, from 1, and where it starts.
    fn line_of(&mut self, source: &Arc<Source>, index: usize) -> (usize, usize) {
        let known = self.source.as_ref().is_some_and(|known| Arc::ptr_eq(known, source)) && index >= self.at;
        if !known {
            *self = LineCounter { source: Some(Arc::clone(source)), at: 0, line: 1, line_start: 0 };
        }
        let passed = &source.text.as_bytes()[self.at..index];
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count();
        if let Some(newline) = passed.iter().rposition(|&byte| byte == b'\n') {
            self.line_start = self.at + newline + 1;
        }
        self.at = index;
        (self.line, self.line_start)
    }
}

#[cfg(test)]
mod tests;
