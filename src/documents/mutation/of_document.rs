//! What an author gets wrong outside of the steps: files, devices, variables, closing texts.

use crate::documents::expression::Value;
use crate::documents::mutation::{Mutant, of_expression};
use crate::documents::playbook::{Input, Need, Playbook};
use crate::words::{Hex, Place, UsbId};

pub(super) fn mutants(playbook: &Playbook) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |place: &Place, name: String, change: &dyn Fn(&mut Playbook)| {
        let mut playbook = playbook.clone();
        change(&mut playbook);
        mutants.push(Mutant { name, place: place.clone(), steps: Vec::new(), playbook });
    };
    for (index, input) in playbook.inputs.iter().enumerate() {
        of_input(input, &mut |name, change| {
            add(&input.place, format!("input {}: {name}", input.name), &|playbook| {
                change(&mut playbook.inputs[index]);
            });
        });
    }
    for (index, device) in playbook.devices.iter().enumerate() {
        for (which, id) in device.ids.iter().enumerate() {
            let other = UsbId { product: id.product ^ 0x000f, ..*id };
            add(&device.place, format!("device {}: id {id} → {other}", device.name), &|playbook| {
                playbook.devices[index].ids[which] = other;
            });
        }
    }
    for (index, variable) in playbook.variables.iter().enumerate() {
        if let Value::Boolean(default) = variable.default {
            let (from, to) = if default { ("yes", "no") } else { ("no", "yes") };
            let place = Place::new(playbook.source.clone(), 0, 0);
            add(&place, format!("variable {}: default {from} → {to}", variable.name), &|playbook| {
                playbook.variables[index].default = Value::Boolean(!default);
            });
        }
    }
    for (index, afterwards) in playbook.afterwards.iter().enumerate() {
        let place = &afterwards.text.place;
        let name = |what: &str| format!("afterwards {}: {what}", index + 1);
        add(place, name("dropped"), &|playbook| drop(playbook.afterwards.remove(index)));
        if let Some(when) = &afterwards.when {
            let negated = of_expression::negated(when);
            add(&when.place, name("`when` negated"), &|playbook| {
                playbook.afterwards[index].when = Some(negated.clone());
            });
        }
    }
    mutants
}

/// From the place of one program to that of another.
const FAR_BYTES: u32 = 0x0100_0000;

/// Takes a change of an input, by its name.
type AddInput<'a> = dyn FnMut(String, &dyn Fn(&mut Input)) + 'a;

fn of_input(input: &Input, add: &mut AddInput<'_>) {
    if let Some(size) = input.min_size {
        add(format!("min_size {size} dropped"), &|input| input.min_size = None);
    }
    if let Some(size) = input.max_size {
        add(format!("max_size {} dropped", Hex(size)), &|input| input.max_size = None);
    }
    if !input.starts_with.is_empty() {
        add("starts_with dropped".to_owned(), &|input| input.starts_with.clear());
    }
    for (index, (bytes, _)) in input.not_starts_with.iter().enumerate() {
        let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        add(format!("not_starts_with {} dropped", bytes.join(" ")), &|input| {
            input.not_starts_with.remove(index);
        });
    }
    for (index, word) in input.words.iter().enumerate() {
        add(format!("word at {} dropped", Hex(word.offset)), &|input| drop(input.words.remove(index)));
    }
    if input.kind.is_some() {
        add("kind dropped".to_owned(), &|input| input.kind = None);
    }
    if let Some(vectors) = &input.vectors {
        add("vectors dropped".to_owned(), &|input| input.vectors = None);
        let elsewhere = vectors.address ^ FAR_BYTES;
        let (from, to) = (Hex(u64::from(vectors.address)), Hex(u64::from(elsewhere)));
        add(format!("vectors: address {from} → {to}"), &|input| {
            if let Some(vectors) = &mut input.vectors {
                vectors.address = elsewhere;
            }
        });
    }
    match input.need {
        Need::Always => {}
        Need::Never => add("`optional` dropped".to_owned(), &|input| input.need = Need::Always),
        Need::Without(_) => add("`optional_with` dropped".to_owned(), &|input| input.need = Need::Always),
    }
    if let Some(table) = &input.names_files {
        add("names_files dropped".to_owned(), &|input| input.names_files = None);
        if table.kind.is_some() {
            add("kind of named files dropped".to_owned(), &|input| {
                if let Some(table) = &mut input.names_files {
                    table.kind = None;
                }
            });
        }
    }
}
