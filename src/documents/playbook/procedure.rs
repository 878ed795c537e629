//! Procedures: steps that stand once in a document and are done in several places, with parameters. A call is replaced by
//! the steps while the document is read, so that everything behind the reader sees plain steps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::documents::keys::{Shape, keys};
use crate::documents::playbook::parameters::{
    Values, WHEN_FILLED_IN, fill_in_for, given, names_in, no_room, read_parameters, report_strangers, report_unused,
};
use crate::documents::playbook::read_step::{GROUP_DEPTH_MAX, STEP, STEPS, StepKeys};
use crate::documents::reader::{Parts, Reader};
use crate::documents::{Key, Yaml, YamlKind};
use crate::words::{Code, Diagnostic, Id, Place, Source, meant_or_known};

/// Calls within calls.
const CALL_DEPTH_MAX: usize = GROUP_DEPTH_MAX;
/// What all calls of a document come to, together with the calls themselves; the longest shipped playbook has some 150.
const STEPS_MAX: usize = 2000;

keys! {
    PROCEDURE: ProcedureKeys = "a procedure";
    parameters: Shape::Named(&Shape::Text),
        "What each call gives in `with`, and what it is for; ${name} in the steps stands for it.";
    steps: STEPS, "What is done where the procedure is called.", required();
}

#[derive(Debug)]
struct Procedure {
    key: Key,
    parameters: BTreeMap<Id, String>,
    steps: Yaml,
}

/// A call that is being read.
#[derive(Debug)]
struct Call {
    name: String,
    /// What stands before the ids of its steps.
    id: Option<Id>,
    /// Ids that its steps have in the procedure's text.
    ids: BTreeSet<String>,
    filling: usize,
}

/// The procedures of a document, and the calls that are being read.
#[derive(Debug, Default)]
pub(crate) struct Procedures {
    known: BTreeMap<String, Arc<Procedure>>,
    called: BTreeSet<String>,
    calls: Vec<Call>,
    /// Procedures with what filled them in, so that equal ones have the same number.
    fillings: Vec<String>,
    steps: usize,
}

/// Notes the value of `procedures`: by name a list of steps, or a map with `parameters` and `steps`.
pub(super) fn read_procedures(reader: &mut Reader, yaml: &Yaml) {
    let Some(map) = reader.open_map(yaml, "procedures") else { return };
    for (key, value) in map.all() {
        if let Err(error) = key.text.parse::<Id>() {
            reader.report(Diagnostic::error(Code::BadName, &key.place, error.to_string()));
            continue;
        }
        let (parameters, steps) = match &value.kind {
            YamlKind::Map(_) => {
                let parts = reader.parts_of_named((&key.text, &key.place), value, &PROCEDURE);
                let Some((parts, steps)) =
                    parts.and_then(|parts| Some((parts.get(PROCEDURE.parameters), parts.get(PROCEDURE.steps)?)))
                else {
                    continue;
                };
                let parameters = read_parameters(reader, parts);
                report_unused(reader, parts, &names_in(steps));
                (parameters, steps)
            }
            _ => (BTreeMap::new(), value),
        };
        let procedure = Procedure { key: key.clone(), parameters, steps: steps.clone() };
        reader.procedures.known.insert(key.text.clone(), Arc::new(procedure));
    }
}

/// Nobody has looked at the steps of a procedure that is never called. Families have some that not every board needs.
pub(super) fn report_uncalled(reader: &mut Reader, source: &Arc<Source>) {
    let procedures = &reader.procedures;
    let uncalled = procedures.known.iter().filter(|(name, _)| !procedures.called.contains(*name));
    let uncalled: Vec<Key> = uncalled.map(|(_, procedure)| procedure.key.clone()).collect();
    for key in uncalled.iter().filter(|key| key.place.source.name == source.name) {
        let message = format!("the procedure `{}` is never called", key.text);
        reader.report(Diagnostic::error(Code::Unused, &key.place, message).hint("call it with `do`, or leave it out"));
    }
}

/// A step that is nothing but a call: it stands for the steps themselves.
pub(super) fn is_bare_call(step: &Yaml) -> bool {
    let YamlKind::Map(entries) = &step.kind else { return false };
    let has_other = |(key, _): &(Key, Yaml)| ![STEP.call.name, STEP.with.name].contains(&key.text.as_str());
    entries.iter().any(|(key, _)| key.text == STEP.call.name) && !entries.iter().any(has_other)
}

/// Reads the steps of the procedure that `do` names. `id` is the calling step's, if its author gave it one.
pub(super) fn read_call<T>(
    reader: &mut Reader,
    step: &Parts<'_, StepKeys>,
    id: Option<Id>,
    read: impl FnOnce(&mut Reader, &Yaml) -> T,
) -> Option<T> {
    let name = reader.text(step.get(STEP.call)?)?;
    let Some(procedure) = reader.procedures.known.get(&name.value).map(Arc::clone) else {
        let diagnostic =
            Diagnostic::error(Code::UnknownProcedure, &name.place, format!("there is no procedure `{}`", name.value));
        let known: Vec<String> = reader.procedures.known.keys().cloned().collect();
        reader.report(diagnostic.hint(meant_or_known(&name.value, known.iter().map(String::as_str))));
        return None;
    };
    reader.procedures.called.insert(name.value.clone());
    let calls = &reader.procedures.calls;
    if calls.iter().any(|call| call.name == name.value) {
        reader.report(Diagnostic::error(
            Code::CallsItself,
            &name.place,
            format!("the procedure `{}` calls itself", name.value),
        ));
        return None;
    }
    if calls.len() >= CALL_DEPTH_MAX {
        reader.report(Diagnostic::error(Code::TooMuch, &name.place, "procedures call each other too deeply here"));
        return None;
    }
    let id = id.or_else(|| calls.last().and_then(|call| call.id.clone()));
    if !count_step(reader, &name.place) {
        return None;
    }
    let with = step.get(STEP.with).map(|with| reader.named(with, "with")).unwrap_or_default();
    report_strangers(reader, &with, &format!("`{}` has", name.value), procedure.parameters.keys());
    let values = given(reader, &procedure.parameters, &with, &name.value, &name.place);
    if values.len() < procedure.parameters.len() {
        return None;
    }
    let Some(steps) = fill_in_for(&name.place, &procedure.steps, &values, &mut reader.room) else {
        reader.report(no_room(&name.place, WHEN_FILLED_IN));
        return None;
    };
    let filling = filling(&mut reader.procedures.fillings, &name.value, &values);
    reader.procedures.calls.push(Call { name: name.value, id, ids: ids_in(&steps), filling });
    let result = read(reader, &steps);
    reader.procedures.calls.pop();
    Some(result)
}

fn filling(fillings: &mut Vec<String>, name: &str, values: &Values) -> usize {
    let mut text = name.to_owned();
    for (name, value) in values {
        text.push('\0');
        text.push_str(name.as_str());
        write_down(value, &mut text);
    }
    fillings.iter().position(|known| *known == text).unwrap_or_else(|| {
        fillings.push(text);
        fillings.len() - 1
    })
}

/// The same for equal values, wherever they stand.
fn write_down(value: &Yaml, text: &mut String) {
    match &value.kind {
        YamlKind::Map(entries) => {
            for (key, value) in entries {
                text.push('\x01');
                text.push_str(&key.text);
                write_down(value, text);
            }
        }
        YamlKind::List(items) => items.iter().for_each(|item| {
            text.push('\x02');
            write_down(item, text);
        }),
        YamlKind::Scalar { text: scalar, .. } => {
            text.push('\x03');
            text.push_str(scalar);
        }
        YamlKind::Null | YamlKind::Integer(_) | YamlKind::Boolean(_) | YamlKind::Other => text.push('\x04'),
    }
}

fn ids_in(yaml: &Yaml) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut left = vec![yaml];
    while let Some(yaml) = left.pop() {
        match &yaml.kind {
            YamlKind::Map(entries) => {
                for (key, value) in entries {
                    match &value.kind {
                        YamlKind::Scalar { text, .. } if key.text == "id" => drop(ids.insert(text.clone())),
                        _ => left.push(value),
                    }
                }
            }
            YamlKind::List(items) => left.extend(items),
            _ => {}
        }
    }
    ids
}

/// Is there room for one more step? Told once when there is none.
pub(super) fn count_step(reader: &mut Reader, place: &Place) -> bool {
    let procedures = &mut reader.procedures;
    procedures.steps += 1;
    if procedures.steps == STEPS_MAX + 1 {
        let message = format!("the procedures of this document come to more than {STEPS_MAX} steps");
        reader.report(Diagnostic::error(Code::TooMuch, place, message));
    }
    reader.procedures.steps <= STEPS_MAX
}

impl Procedures {
    /// Which procedure, filled in with what, the step that is being read belongs to.
    pub(in crate::documents) fn filling(&self) -> Option<usize> {
        self.calls.last().map(|call| call.filling)
    }

    /// An id of the procedure's own text, as it is in the place of the call. Several calls then have ids of their own.
    pub(super) fn id_here(&self, id: Id) -> Result<Id, String> {
        match self.calls.last() {
            Some(Call { id: Some(call), ids, .. }) if ids.contains(id.as_str()) => made_id(&format!("{call}-{id}")),
            _ => Ok(id),
        }
    }
}

/// An id that is put together from others.
pub(super) fn made_id(text: &str) -> Result<Id, String> {
    text.parse().map_err(|_| format!("`{text}`, as this step is called here, is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::{Action, Playbook, load};

    const DOCUMENT: &str = r#"format: 1
board: Test camera
devices:
  loader: {hid: "15a2:0073", identifies: no, args: {blhost: ["-u", "0x15A2,0x0073"]}}
procedures:
  ask:
    parameters: {what: number of the property}
    steps:
      - {id: reachable, wait: {present: loader}}
      - {run: blhost, device: loader, args: ["--", "get-property", "${what}"], restart_at: reachable}
  twice:
    - {id: first, do: ask, with: {what: 1}}
    - {id: second, do: ask, with: {what: 11}}
steps:
  - refuse: one
  - do: ask
    with: {what: 1}
  - refuse: four
  - id: again
    when: present(loader)
    do: twice
"#;

    fn playbook() -> Playbook {
        let source = Arc::new(Source { name: "t.yaml".into(), text: DOCUMENT.into() });
        let loaded = load(&source, &|_| Err(String::new()));
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        loaded.playbook.unwrap()
    }

    #[test]
    fn a_bare_call_stands_for_its_steps_and_another_is_a_group_with_ids_of_its_own() {
        let playbook = playbook();
        let top: Vec<&str> = playbook.steps.iter().map(|step| step.id.as_str()).collect();
        assert_eq!(top, ["step-1", "reachable", "step-3", "step-4", "again"]);
        let leaves: Vec<&str> = playbook.leaf_steps().iter().map(|step| step.id.as_str()).collect();
        let of_group = ["again-first-reachable", "again-first-2", "again-second-reachable", "again-second-2"];
        assert_eq!(leaves[4..], of_group);
        let back = |index: usize| playbook.leaf_steps()[index].restart_at.as_ref().unwrap().step.value.to_string();
        assert_eq!((back(2).as_str(), back(7).as_str()), ("reachable", "again-second-reachable"));
    }

    #[test]
    fn a_call_with_a_device_begins_with_what_the_device_needs() {
        let playbook = playbook();
        let Action::Run(run) = &playbook.leaf_steps()[2].action else { panic!("no call") };
        let args: Vec<&str> = run.args.iter().map(|arg| &DOCUMENT[arg.place.start..arg.place.end]).collect();
        assert_eq!(args[..4], ["-u", "0x15A2,0x0073", "--", "get-property"]);
    }

    #[test]
    fn calls_that_are_filled_in_alike_are_the_same_text() {
        let playbook = playbook();
        let leaves = playbook.leaf_steps();
        assert!(leaves[2].is_same_text(leaves[5]));
        assert!(!leaves[2].is_same_text(leaves[7]) && leaves[2].place == leaves[7].place);
    }
}
