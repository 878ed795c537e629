//! Diagnostics as GitHub shows them at their places in the files of a pull request.
//!
//! Source of the form: GitHub documentation, "Workflow commands for GitHub Actions", 2026.

use crate::cli::harmless::replaced;
use crate::cli::streams::order;
use crate::words::{Diagnostic, Position};

pub(in crate::cli) fn annotate(diagnostic: &Diagnostic, title: &str) {
    let place = diagnostic.place.as_ref().map(|place| {
        let Position { line, column } = place.position();
        format!("file={},line={line},col={column},", escape_property(&place.source.name))
    });
    let level = diagnostic.severity.word();
    // Standard error, because standard output may be a report for a program; GitHub reads both.
    order(&format!(
        "::{level} {}title={}::{}",
        place.unwrap_or_default(),
        escape_property(title),
        escape(&diagnostic.message)
    ));
}

fn escape(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    replaced(&text)
}

fn escape_property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}
