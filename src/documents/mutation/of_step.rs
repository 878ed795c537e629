//! What an author gets wrong around a step's action: conditions, waits, limits, retries, restarts, guards.

use std::time::Duration;

use crate::documents::catalog::Catalog;
use crate::documents::mutation::spot::Change;
use crate::documents::mutation::{of_call, of_expression};
use crate::documents::playbook::{Action, Backoff, Playbook, Reading, Retry, Step, Until};
use crate::words::{FaultClass, Id, Located, Place, describe_time};

pub(super) fn changes(step: &Step, playbook: &Playbook, catalog: &Catalog) -> Vec<Change> {
    let mut changes = Vec::new();
    conditions(step, &mut changes);
    if let Some(until) = &step.until {
        waits(step, until, playbook, &mut changes);
    }
    limits(step, &mut changes);
    second_tries(step, &mut changes);
    guards(step, &mut changes);
    match &step.action {
        Action::Run(run) => changes.extend(of_call::changes(step, run, playbook, catalog)),
        Action::Check(check) => {
            for (name, holds) in of_expression::changed(&check.holds) {
                changes.push(Change::new(&check.holds.place, format!("check {name}"), move |step| {
                    if let Action::Check(check) = &mut step.action {
                        check.holds = holds.clone();
                    }
                }));
            }
            if check.class != FaultClass::Unknown {
                let name = format!("class {} → unknown", check.class);
                changes.push(Change::new(&mention(step, check.class.word()), name, |step| {
                    if let Action::Check(check) = &mut step.action {
                        check.class = FaultClass::Unknown;
                    }
                }));
            }
        }
        Action::Prompt(_)
        | Action::Wait
        | Action::Refuse(_)
        | Action::Write(_)
        | Action::TellApart(_)
        | Action::Steps(_) => {}
    }
    changes
}

fn conditions(step: &Step, changes: &mut Vec<Change>) {
    let Some(when) = &step.when else { return };
    changes.push(Change::new(&when.place, "`when` dropped", |step| step.when = None));
    let negated = of_expression::negated(when);
    changes.push(Change::new(&when.place, "`when` negated", move |step| step.when = Some(negated.clone())));
    for (name, other) in of_expression::changed(when) {
        changes.push(Change::new(&when.place, format!("when {name}"), move |step| step.when = Some(other.clone())));
    }
}

fn waits(step: &Step, until: &Until, playbook: &Playbook, changes: &mut Vec<Change>) {
    let mut change = |place: &Place, name: String, change: fn(&mut Until, &Id, &Id), of: &Id, to: &Id| {
        let (of, to) = (of.clone(), to.clone());
        changes.push(Change::new(place, name, move |step| {
            if let Some(until) = &mut step.until {
                change(until, &of, &to);
            }
        }));
    };
    let lists: [(&str, &[Located<Id>]); 2] = [("present", &until.present), ("gone", &until.gone)];
    let several = until.present.len() + until.gone.len() > 1;
    for (word, devices) in lists {
        for device in devices {
            let place = mention(step, device.as_str());
            if several {
                let drop = |until: &mut Until, of: &Id, _: &Id| {
                    until.present.retain(|device| *device != *of);
                    until.gone.retain(|device| *device != *of);
                };
                change(&place, format!("does not wait for {word} {device}"), drop, device, device);
            }
            let unnamed = |other: &&crate::documents::playbook::Device| {
                let named = until.present.iter().chain(&until.gone).any(|device| *device == other.name);
                let of_same_ids = playbook.device(device).is_some_and(|device| device.ids == other.ids);
                !named && !of_same_ids
            };
            if let Some(other) = playbook.devices.iter().find(unnamed) {
                let exchange = |until: &mut Until, of: &Id, to: &Id| {
                    let devices = until.present.iter_mut().chain(&mut until.gone);
                    devices.filter(|device| **device == *of).for_each(|device| device.value.clone_from(to));
                };
                change(&place, format!("waits for {word} {device} → {}", other.name), exchange, device, &other.name);
            }
        }
    }
    if !matches!(step.action, Action::Wait) {
        changes.push(Change::new(&mention(step, "until"), "`until` dropped", |step| step.until = None));
    }
    if until.anew {
        changes.push(Change::new(&mention(step, "again"), "`again` → `present`", |step| {
            if let Some(until) = &mut step.until {
                until.anew = false;
            }
        }));
    }
}

/// Milliseconds where seconds were meant.
fn limits(step: &Step, changes: &mut Vec<Change>) {
    let Some(timeout) = &step.timeout else { return };
    let short = |span: Duration| Duration::from_millis(span.as_secs());
    if timeout.base < Duration::from_secs(1) {
        return;
    }
    let name = format!("timeout {} → {} ms", describe_time(timeout.base), short(timeout.base).as_millis());
    changes.push(Change::new(&mention(step, "timeout"), name, move |step| {
        if let Some(timeout) = &mut step.timeout {
            timeout.base = short(timeout.base);
            timeout.per_mb = short(timeout.per_mb);
            timeout.at_least = short(timeout.at_least);
        }
    }));
}

fn second_tries(step: &Step, changes: &mut Vec<Change>) {
    if step.retry.is_some() {
        let place = mention(step, "retry");
        changes.push(Change::new(&place, "`retry` dropped", |step| step.retry = None));
    } else if step.irreversible.is_some() {
        changes.push(Change::new(&mention(step, "irreversible"), "`retry` put on what cannot be undone", |step| {
            let on = vec![FaultClass::NoAnswer, FaultClass::Unknown];
            let backoff = Backoff { first: Duration::from_millis(500) };
            step.retry = Some(Retry { attempts_max: 3, on, backoff, prepare: Vec::new() });
        }));
    }
    if let Some(restart) = &step.restart_at {
        let place = &restart.step.place;
        changes.push(Change::new(place, "`restart_at` dropped", |step| step.restart_at = None));
        if restart.step.value != step.id {
            let name = format!("restart_at {} → {}", restart.step.value, step.id);
            changes.push(Change::new(place, name, |step| {
                let id = step.id.clone();
                if let Some(restart) = &mut step.restart_at {
                    restart.step.value = id;
                }
            }));
        }
    }
}

fn guards(step: &Step, changes: &mut Vec<Change>) {
    let Some(guard) = &step.irreversible else { return };
    let place = mention(step, "irreversible");
    changes.push(Change::new(&place, "`irreversible` dropped", |step| step.irreversible = None));
    let mut readings = |name: &str, reading: &Reading, change: fn(&mut Step) -> Option<&mut Reading>| {
        let mut others = vec![("negated".to_owned(), of_expression::negated(&reading.holds))];
        others.extend(of_expression::changed(&reading.holds));
        for (what, holds) in others {
            changes.push(Change::new(&reading.holds.place, format!("{name} {what}"), move |step| {
                if let Some(reading) = change(step) {
                    reading.holds = holds.clone();
                }
            }));
        }
    };
    readings("`already_done`", &guard.already_done, |step| Some(&mut step.irreversible.as_mut()?.already_done));
    readings("`verify`", &guard.verify, |step| Some(&mut step.irreversible.as_mut()?.verify));
}

/// Where the word stands in the step, else the step's beginning.
pub(super) fn mention(step: &Step, word: &str) -> Place {
    let Place { source, start, end, .. } = &step.place;
    let bounded = |byte: Option<u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"_-".contains(&byte));
    let text = source.text.get(*start..(*end).max(*start)).unwrap_or_default();
    let found = text.match_indices(word).find(|(at, _)| {
        let before = at.checked_sub(1).and_then(|index| text.as_bytes().get(index).copied());
        bounded(before) && bounded(text.as_bytes().get(at + word.len()).copied())
    });
    found.map_or_else(|| step.place.clone(), |(at, _)| step.place.within(at, word.len()))
}
