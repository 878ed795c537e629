//! A record to be sent: its journal with names, paths and serial numbers replaced, in one file that `recover report` reads.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::cli::record::redaction::Redaction;
use crate::cli::runs::journal::{Journal, JournalEnd};
use crate::cli::runs::kept_run::KeptRun;
use crate::engine::{Event, Told};
use crate::world::Surroundings;

/// The lines are bound to each other anew: they are not those of the record any more.
pub(super) fn bundle(run: &KeptRun, journal: &Journal) -> Vec<u8> {
    let redaction = redaction(run, journal);
    let (mut end, mut bytes) = (JournalEnd::default(), Vec::new());
    for told in &journal.events {
        let Some(told) = replaced(told, &redaction) else { continue };
        let Told { event, ms, utc, place } = &told;
        // Memory takes everything.
        bytes.extend(end.line(&Told { event, ms: *ms, utc: *utc, place: *place }).unwrap_or_default());
    }
    bytes
}

fn redaction(run: &KeptRun, journal: &Journal) -> Redaction {
    let details = &run.summary.run;
    let mut redaction = Redaction::of_user(&Surroundings::of_this_process());
    let files = journal.events.iter().filter_map(|told| match &told.event {
        Event::InputReady { path: Some(path), .. } => Path::new(path).parent().filter(|folder| folder.is_absolute()),
        _ => None,
    });
    for folder in files {
        redaction.replace(&folder.to_string_lossy(), "/files", false);
    }
    for (from, to) in [(&details.host, "host"), (&details.operator, "operator"), (&details.station, "station")] {
        redaction.replace(from.as_deref().unwrap_or_default(), to, true);
    }
    redaction.replace(details.unit.as_deref().unwrap_or_default(), "unit", true);
    redaction.serials(serials(run, journal).iter().map(String::as_str));
    redaction.in_order()
}

fn serials(run: &KeptRun, journal: &Journal) -> BTreeSet<String> {
    let asked = journal.events.iter().filter_map(|told| match &told.event {
        Event::BoardAsked { found, .. } | Event::HealthyAsked { found, .. } => found.serial.clone(),
        Event::BoardProven { serial, .. } => serial.clone(),
        _ => None,
    });
    asked.chain(run.summary.run.serial.clone()).collect()
}

/// Wherever it stands: every text of the event is looked at. A short name would be found in other words; where it stands by
/// itself it is replaced all the same.
fn replaced(told: &Told<Event>, redaction: &Redaction) -> Option<Told<Event>> {
    let mut told = told.clone();
    let by = |name: &mut Option<String>, word: &str| *name = name.take().map(|_| word.to_owned());
    match &mut told.event {
        Event::RunStarted { run, .. } => {
            by(&mut run.host, "host");
            by(&mut run.operator, "operator");
            by(&mut run.station, "station");
            by(&mut run.unit, "unit");
        }
        Event::ConsentGiven { operator, .. } => by(operator, "operator"),
        _ => {}
    }
    let mut value = serde_json::to_value(told).ok()?;
    walk(&mut value, redaction);
    serde_json::from_value(value).ok()
}

fn walk(value: &mut Value, redaction: &Redaction) {
    match value {
        Value::String(text) => redaction.text(text),
        Value::Array(values) => values.iter_mut().for_each(|value| walk(value, redaction)),
        Value::Object(values) => values.values_mut().for_each(|value| walk(value, redaction)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
