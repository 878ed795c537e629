//! Reads `for_each`: one case that stands for several, with parameters as families and procedures have them.

use crate::documents::playbook::parameters::{Values, WHEN_FILLED_IN, fill_in, names_in, no_room};
use crate::documents::reader::Reader;
use crate::documents::{Key, Yaml, YamlKind};
use crate::words::{Code, Diagnostic, Id, meant_or_known};

/// An input of the playbook: its name, and that of its file.
#[derive(Debug, Clone)]
pub struct InputFile {
    pub name: String,
    pub file: String,
}

/// The inputs of the playbook that a test file names; without a path the one that it lies beside. `None` when it cannot be
/// read, which is told elsewhere.
pub type InputsOf<'a> = dyn Fn(Option<&str>) -> Option<Vec<InputFile>> + 'a;

const FOR_EACH: &str = "for_each";
const FILES: &str = "files";
/// The name that stands for an input, and the one that then stands for its file.
pub(super) const INPUT: &str = "input";
const FILE: &str = "file";

/// Cases that one case may stand for: a shipped one stands for five at most.
const CASES_MAX: usize = 500;

/// The cases that a case stands for: itself, where it has no `for_each`.
pub(super) fn repeated(reader: &mut Reader, case: &Yaml, inputs: &dyn Fn() -> Option<Vec<InputFile>>) -> Vec<Yaml> {
    let YamlKind::Map(entries) = &case.kind else { return vec![case.clone()] };
    let Some((key, for_each)) = entries.iter().find(|(key, _)| key.text == FOR_EACH) else { return vec![case.clone()] };
    let Some(lists) = read_lists(reader, for_each, inputs) else { return Vec::new() };
    let count = lists.iter().try_fold(1, |count: usize, list| count.checked_mul(list.len()));
    if count.is_none_or(|count| count > CASES_MAX) {
        let message = format!("this comes to more than {CASES_MAX} cases");
        reader.report(
            Diagnostic::error(Code::TooMuch, &key.place, message).hint("each list is combined with each other one"),
        );
        return Vec::new();
    }
    // What it is repeated for is no part of what is repeated. A key that is given twice stays, to be told.
    let once: Vec<(Key, Yaml)> = entries.iter().filter(|(other, _)| other.place != key.place).cloned().collect();
    let case = Yaml { kind: YamlKind::Map(once), place: case.place.clone() };
    reader.parameters.extend(lists.iter().flatten().flat_map(Values::keys).map(Id::to_string));
    report_unused(reader, key, for_each, &case, &lists);
    let mut cases = Vec::new();
    for values in combinations(&lists) {
        match fill_in(&case, &values, &mut reader.room) {
            Some(filled) => cases.push(with_single_files(&case, filled)),
            None => {
                reader.report(no_room(&key.place, WHEN_FILLED_IN));
                break;
            }
        }
    }
    cases
}

/// What is said of the file whose name is filled in counts more than what stands there of the same file in every case.
fn with_single_files(case: &Yaml, mut filled: Yaml) -> Yaml {
    let YamlKind::Map(entries) = &mut filled.kind else { return filled };
    for ((key, value), (_, written)) in entries.iter_mut().zip(case.entries()) {
        if let (true, YamlKind::Map(files), YamlKind::Map(_)) = (key.text == FILES, &mut value.kind, &written.kind) {
            let is_filled: Vec<bool> =
                files.iter().zip(written.entries()).map(|((key, _), (written, _))| key.text != written.text).collect();
            let names: Vec<String> = files.iter().map(|(key, _)| key.text.clone()).collect();
            let counts_more =
                |index: usize| (index + 1..names.len()).any(|later| names[later] == names[index] && is_filled[later]);
            let mut index = 0;
            files.retain(|_| {
                let keeps = is_filled[index] || !counts_more(index);
                index += 1;
                keeps
            });
        }
    }
    filled
}

/// Each list by itself: what the names stand for in each of its entries.
fn read_lists(
    reader: &mut Reader,
    yaml: &Yaml,
    inputs: &dyn Fn() -> Option<Vec<InputFile>>,
) -> Option<Vec<Vec<Values>>> {
    match &yaml.kind {
        YamlKind::Map(_) => {
            let mut lists = Vec::new();
            for (name, key, list) in reader.named(yaml, FOR_EACH) {
                let items = reader.one_or_more(list, "what the name stands for in each case");
                if items.is_empty() {
                    reader.report(Diagnostic::error(Code::EmptyList, &key.place, "at least one is needed here"));
                    return None;
                }
                let values: Option<Vec<Values>> =
                    items.iter().map(|item| read_item(reader, &name, item, inputs)).collect();
                lists.push(values?);
            }
            Some(lists)
        }
        YamlKind::Scalar { text, .. } if text == INPUT => {
            let inputs = inputs()?;
            let all = inputs.iter().filter_map(|input| of_input(yaml, input)).collect::<Vec<Values>>();
            Some(vec![all])
        }
        _ => {
            let message = "write `for_each: input` for all inputs, or names and what each stands for";
            reader.report(
                Diagnostic::error(Code::WrongKind, &yaml.place, message)
                    .hint("such as `for_each: {input: [bootloader, firmware]}`"),
            );
            None
        }
    }
}

/// A single value for the name, or a map of several names.
fn read_item(
    reader: &mut Reader,
    name: &Id,
    item: &Yaml,
    inputs: &dyn Fn() -> Option<Vec<InputFile>>,
) -> Option<Values> {
    let mut values: Values = match &item.kind {
        YamlKind::Map(_) => {
            reader.named(item, FOR_EACH).into_iter().map(|(name, _, value)| (name, value.clone())).collect()
        }
        _ => Values::from([(name.clone(), item.clone())]),
    };
    let input = values.iter().find(|(name, _)| name.as_str() == INPUT).map(|(_, input)| input.clone());
    if let Some((input, known)) = input.and_then(|input| Some((input, inputs()?))) {
        let text = reader.text(&input)?;
        let Some(found) = known.iter().find(|known| known.name == text.value) else {
            let diagnostic = Diagnostic::error(
                Code::UnknownName,
                &text.place,
                format!("the playbook has no input `{}`", text.value),
            );
            let known = known.iter().map(|input| input.name.as_str());
            reader.report(diagnostic.hint(meant_or_known(&text.value, known)));
            return None;
        };
        values.extend(of_input(&input, found)?);
    }
    Some(values)
}

fn of_input(yaml: &Yaml, input: &InputFile) -> Option<Values> {
    let scalar =
        |text: &str| Yaml { kind: YamlKind::Scalar { text: text.to_owned(), exact: false }, place: yaml.place.clone() };
    Some(Values::from([(INPUT.parse().ok()?, scalar(&input.name)), (FILE.parse().ok()?, scalar(&input.file))]))
}

/// Each entry of each list with each of the others, the last list changing fastest.
fn combinations(lists: &[Vec<Values>]) -> impl Iterator<Item = Values> {
    let mut indices = vec![0; lists.len()];
    let mut over = lists.iter().any(Vec::is_empty);
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        let chosen = lists.iter().zip(&indices).filter_map(|(list, index)| list.get(*index));
        let values = chosen.flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
        over = true;
        for (list, index) in lists.iter().zip(&mut indices).rev() {
            *index += 1;
            if *index < list.len() {
                over = false;
                break;
            }
            *index = 0;
        }
        Some(values)
    })
}

/// What is named and stands nowhere makes equal cases of all.
fn report_unused(reader: &mut Reader, key: &Key, for_each: &Yaml, case: &Yaml, lists: &[Vec<Values>]) {
    let used = names_in(case);
    let is_used = |name: &str| used.contains(name) || name == INPUT && used.contains(FILE);
    for list in lists {
        let names: Vec<&Id> = list.iter().flat_map(Values::keys).collect();
        if !names.is_empty() && !names.iter().any(|name| is_used(name.as_str())) {
            let message = "what `for_each` names stands nowhere in this case";
            reader.report(
                Diagnostic::error(Code::Unused, &key.place, message).hint("then it is the same case each time"),
            );
            return;
        }
    }
    // Of names that are given together some may be used, and others not.
    let maps = for_each.entries().iter().flat_map(|(_, list)| list.items());
    for (name, _) in maps.flat_map(Yaml::entries).filter(|(name, _)| !is_used(&name.text)) {
        let message = format!("`{}` stands nowhere in this case", name.text);
        reader.report(
            Diagnostic::error(Code::Unused, &name.place, message)
                .hint("leave it out, or write `${…}` where it belongs"),
        );
    }
}
