//! Units as rows for spreadsheets, as RFC 4180 describes them. The only file that names the crate.

use crate::cli::report::shift::{Shift, Unit};
use crate::words::steers;

/// Documented in `docs/records.md`; columns are only added, at the end.
const COLUMNS: [&str; 20] = [
    "unit",
    "named_by",
    "outcome",
    "tries",
    "first_try",
    "began",
    "ended",
    "took_s",
    "all_took_s",
    "board",
    "playbook",
    "port",
    "serial",
    "station",
    "operator",
    "cause",
    "step",
    "what",
    "run",
    "record",
];

pub(super) fn rows(shift: &Shift<'_>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for unit in &shift.units {
        writer.write_record(row(unit))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn row(unit: &Unit<'_>) -> [String; COLUMNS.len()] {
    let summary = &unit.last().summary;
    let (details, cause) = (&summary.run, unit.cause());
    let text = |text: Option<&str>| harmless(text.unwrap_or_default());
    let outcome = match &summary.end {
        Some(end) => end.outcome.word(),
        None => "cut-off",
    };
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let (class, step) = cause.map_or((None, None), |cause| (Some(cause.class), cause.step));
    let flaws = unit.flaws();
    [
        harmless(unit.name),
        unit.named_by.word().to_owned(),
        outcome.to_owned(),
        unit.runs.len().to_string(),
        if unit.at_the_first_try() { "yes" } else { "no" }.to_owned(),
        time(unit.began()).unwrap_or_default(),
        time(summary.last).unwrap_or_default(),
        seconds(unit.took_ms()),
        seconds(unit.all_took_ms()),
        harmless(&summary.board),
        harmless(&summary.playbook),
        text(details.port.as_deref()),
        text(details.serial.as_deref()),
        text(details.station.as_deref()),
        text(details.operator.as_deref()),
        text(class.as_deref()),
        text(step.as_deref()),
        text(unit.what()),
        harmless(&unit.last().name),
        if flaws.is_empty() { "sound".to_owned() } else { harmless(&flaws.join("; ")) },
    ]
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// A spreadsheet takes what begins so for a formula, and runs it: an apostrophe before it makes it a text. What steers a terminal
/// has no place in a cell either.
fn harmless(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if steers(c) && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect();
    // Some look behind blanks.
    if text.trim_start().starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", " =cmd|' /C calc'!A0"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("\t=1"), "\u{fffd}=1");
        assert_eq!(harmless("SN-4711 = a\nb"), "SN-4711 = a\nb");
    }
}
