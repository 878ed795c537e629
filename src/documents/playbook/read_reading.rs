//! Reads steps that only read, and what must hold after them.

use crate::documents::Yaml;
use crate::documents::keys::{Shape, keys};
use crate::documents::playbook::read_step::{EXPRESSION, STEPS, read_id, read_steps};
use crate::documents::playbook::{Irreversible, Reading, TellApart};
use crate::documents::reader::Reader;
use crate::words::Id;

keys! {
    IRREVERSIBLE: IrreversibleKeys = "`irreversible`";
    why: Shape::Text, "What the person agrees to.", required();
    announced_after: Shape::Text,
        "After this step, which comes before, it is read already whether it is to be done; whoever will be asked for consent \
         hears of it then, and a run without anybody who could agree ends there.";
    already_done: Shape::Map(ReadingKeys::kind), "Where this holds the step is skipped.", required();
    verify: Shape::Map(ReadingKeys::kind), "Decides afterwards, whatever the tool said.", required();
}

keys! {
    PROOF: ProofKeys = "`proven_by`";
    steps: STEPS, "Steps that read something, if something has to be read.";
    holds: EXPRESSION, "True where the step's work is done already.", required();
}

keys! {
    TELL_APART: TellApartKeys = "`tell_apart`";
    device: Shape::Text, "The device of which there may be several.", required();
    steps: STEPS, "What is read from each.", required();
    holds: EXPRESSION, "True for the one that is meant.", required();
}

keys! {
    READING: ReadingKeys = "a reading", part("reading");
    steps: STEPS, "Steps that read something.", required();
    holds: EXPRESSION, "What must hold afterwards.", required();
}

pub(super) fn read_irreversible(reader: &mut Reader, yaml: &Yaml, id: &Id, depth: usize) -> Option<Irreversible> {
    let parts = reader.parts(yaml, &IRREVERSIBLE)?;
    let why = parts.get(IRREVERSIBLE.why);
    let already_done = parts.get(IRREVERSIBLE.already_done);
    let verify = parts.get(IRREVERSIBLE.verify);
    let announced = parts.get(IRREVERSIBLE.announced_after);
    let before = read_reading(reader, already_done?, &format!("{id}-before"), depth);
    let after = read_reading(reader, verify?, &format!("{id}-after"), depth);
    let announced_after = announced.and_then(|step| read_id(reader, step));
    Some(Irreversible { why: reader.prose(why?)?, announced_after, already_done: before?, verify: after? })
}

pub(super) fn read_proof(reader: &mut Reader, yaml: &Yaml, id: &Id, depth: usize) -> Option<Reading> {
    let parts = reader.parts(yaml, &PROOF)?;
    let holds = parts.get(PROOF.holds);
    let prefix = format!("{id}-proof");
    let steps = parts.get(PROOF.steps).map(|steps| read_steps(reader, steps, &prefix, depth + 1)).unwrap_or_default();
    Some(Reading { steps, holds: reader.expression(holds?)? })
}

pub(super) fn read_tell_apart(reader: &mut Reader, yaml: &Yaml, id: &Id, depth: usize) -> Option<TellApart> {
    let parts = reader.parts(yaml, &TELL_APART)?;
    let device = parts.get(TELL_APART.device);
    let steps = parts.get(TELL_APART.steps);
    let holds = parts.get(TELL_APART.holds);
    let steps = read_steps(reader, steps?, id.as_str(), depth + 1);
    Some(TellApart {
        device: reader.parsed::<Id>(device?)?,
        answers: Reading { steps, holds: reader.expression(holds?)? },
    })
}

pub(super) fn read_reading(reader: &mut Reader, yaml: &Yaml, prefix: &str, depth: usize) -> Option<Reading> {
    let parts = reader.parts(yaml, &READING)?;
    let steps = parts.get(READING.steps)?;
    let holds = parts.get(READING.holds)?;
    let steps = read_steps(reader, steps, prefix, depth + 1);
    Some(Reading { steps, holds: reader.expression(holds)? })
}
