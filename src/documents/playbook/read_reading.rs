//! Reads steps that only read, and what must hold after them.

use crate::documents::Yaml;
use crate::documents::playbook::read_step::{read_steps, required};
use crate::documents::playbook::{Irreversible, Reading, TellApart};
use crate::documents::reader::Reader;
use crate::words::Id;

pub(super) fn read_irreversible(reader: &mut Reader, yaml: &Yaml, id: &Id, depth: usize) -> Option<Irreversible> {
    let parts = reader.map(yaml, "`irreversible`", &["why", "already_done", "verify"])?;
    let why = required(reader, &parts, "why", "irreversible");
    let already_done = required(reader, &parts, "already_done", "irreversible");
    let verify = required(reader, &parts, "verify", "irreversible");
    let before = read_reading(reader, already_done?, &format!("{id}-before"), depth);
    let after = read_reading(reader, verify?, &format!("{id}-after"), depth);
    Some(Irreversible { why: reader.prose(why?)?, already_done: before?, verify: after? })
}

pub(super) fn read_tell_apart(reader: &mut Reader, yaml: &Yaml, id: &Id, depth: usize) -> Option<TellApart> {
    let parts = reader.map(yaml, "`tell_apart`", &["device", "steps", "holds"])?;
    let device = required(reader, &parts, "device", "tell_apart");
    let steps = required(reader, &parts, "steps", "tell_apart");
    let holds = required(reader, &parts, "holds", "tell_apart");
    let steps = read_steps(reader, steps?, id.as_str(), depth + 1);
    Some(TellApart {
        device: reader.parsed::<Id>(device?)?,
        answers: Reading { steps, holds: reader.expression(holds?)? },
    })
}

pub(super) fn read_reading(reader: &mut Reader, yaml: &Yaml, prefix: &str, depth: usize) -> Option<Reading> {
    let parts = reader.map(yaml, "a reading", &["steps", "holds"])?;
    let steps = required(reader, &parts, "steps", "reading")?;
    let holds = required(reader, &parts, "holds", "reading")?;
    let steps = read_steps(reader, steps, prefix, depth + 1);
    Some(Reading { steps, holds: reader.expression(holds)? })
}
