//! Reads a test file.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::documents::cases::for_each::repeated;
use crate::documents::cases::read_case::{read_answers, read_case};
use crate::documents::cases::{Case, Excuse, InputsOf, TestFile, UnnoticedMutant};
use crate::documents::playbook::Families;
use crate::documents::playbook::family::{Joined, join_families};
use crate::documents::playbook::read_input::leaves_its_folder;
use crate::documents::playbook::reader::Reader;
use crate::documents::{Yaml, YamlKind, parse_yaml};
use crate::words::{Diagnostic, Located, Place, Source, without_repetitions};

const TOP_KEYS: &[&str] =
    &["format", "playbook", "uses", "with", "parameters", "answers", "cases", "unnoticed", "excused"];
const FORMAT: &str = "1";

/// What came of a document: the tests, unless too little of them is left, and everything wrong with it.
#[derive(Debug)]
pub struct LoadedTests {
    pub tests: Option<TestFile>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a test file, with the cases it may share with those of other boards. Nothing is held against its playbook yet;
/// that is [`crate::documents::cases::check`]'s part.
pub fn load(source: &Arc<Source>, families: &Families<'_>, inputs_of: &InputsOf<'_>) -> LoadedTests {
    let mut reader = Reader::default();
    let tests = match parse_yaml(source) {
        Ok(yaml) if matches!(yaml.kind, YamlKind::Null) => {
            reader.report(Diagnostic::of_document(format!("{} is empty", source.name)));
            None
        }
        Ok(yaml) => {
            let (yaml, joined) = join_families(&mut reader, yaml, TOP_KEYS, families);
            (joined == Joined::Whole).then(|| read_tests(&mut reader, &yaml, source, inputs_of)).flatten()
        }
        Err(diagnostic) => {
            reader.report(diagnostic);
            None
        }
    };
    LoadedTests { tests, diagnostics: without_repetitions(reader.diagnostics) }
}

fn read_tests(reader: &mut Reader, yaml: &Yaml, source: &Arc<Source>, inputs_of: &InputsOf<'_>) -> Option<TestFile> {
    let top = reader.map(yaml, "a test file", TOP_KEYS)?;
    let beginning = Place { source: Arc::clone(source), start: 0, end: 0 };
    match top.get("format") {
        Some(format) => {
            let format = reader.text(format)?;
            if format.value != FORMAT {
                let message = format!("format {} is not known; this recover reads format {FORMAT}", format.value);
                reader.report(Diagnostic::error(&format.place, message).hint("a newer recover may read it"));
                return None;
            }
        }
        None => reader.report(Diagnostic::error(&beginning, "the key `format` is missing").hint("add `format: 1`")),
    }
    let playbook = top.get("playbook").and_then(|path| file_beside(reader, path));
    let cases = match top.get("cases") {
        Some(list) => reader.list(list, "cases"),
        None => {
            let diagnostic = Diagnostic::error(&beginning, "the key `cases` is missing");
            reader.report(diagnostic.hint("a case has a `name` and what to `expect`"));
            &[]
        }
    };
    if let (Some(list), []) = (top.get("cases"), cases)
        && matches!(list.kind, YamlKind::List(_))
    {
        reader.report(Diagnostic::error(&list.place, "a test file needs at least one case"));
    }
    let agrees = top.get("answers").map(|map| read_answers(reader, map)).unwrap_or_default();
    let known = OnceCell::new();
    let inputs = || known.get_or_init(|| inputs_of(playbook.as_ref().map(|path| path.value.as_str()))).clone();
    let cases: Vec<Yaml> = cases.iter().flat_map(|case| repeated(reader, case, &inputs)).collect();
    let mut cases: Vec<Case> = cases.iter().filter_map(|case| read_case(reader, case)).collect();
    for case in &mut cases {
        case.agrees.get_or_insert_with(|| agrees.clone());
    }
    for (index, case) in cases.iter().enumerate() {
        if let Some(first) = cases[..index].iter().find(|other| other.name.value == case.name.value) {
            let message = format!("two cases have the name `{}`", case.name.value);
            reader.report(Diagnostic::error(&case.name.place, message).hint(if first.name.place == case.name.place {
                "what `for_each` names belongs into the name, as in `${input}`".to_owned()
            } else {
                format!("the other one is in line {}", first.name.place.position().line)
            }));
        }
    }
    let unnoticed = top.get("unnoticed").map(|list| reader.list(list, "mutants")).unwrap_or_default();
    let unnoticed = unnoticed.iter().filter_map(|mutant| read_mutant(reader, mutant)).collect();
    let excused = top.get("excused").map(|list| reader.list(list, "trials")).unwrap_or_default();
    let excused = excused.iter().filter_map(|trial| read_excused(reader, trial)).collect();
    Some(TestFile { source: Arc::clone(source), playbook, agrees, cases, unnoticed, excused })
}

fn read_excused(reader: &mut Reader, yaml: &Yaml) -> Option<Excuse> {
    let parts = reader.map(yaml, "an excused trial", &["trial", "reason"])?;
    let (Some(trial), Some(reason)) = (parts.get("trial"), parts.get("reason")) else {
        let message = "an excused trial needs the keys `trial` and `reason`";
        reader.report(Diagnostic::error(parts.place(), message));
        return None;
    };
    Some(Excuse { trial: reader.text(trial)?, reason: reader.prose(reason)? })
}

/// A path beside or below the document.
pub(super) fn file_beside(reader: &mut Reader, yaml: &Yaml) -> Option<Located<String>> {
    let path = reader.text(yaml)?;
    if let Some(reason) = leaves_its_folder(&path.value) {
        let diagnostic = Diagnostic::error(&path.place, format!("`{}` {reason}", path.value));
        reader.report(diagnostic.hint("a test file names files beside or below itself"));
        return None;
    }
    Some(path)
}

fn read_mutant(reader: &mut Reader, yaml: &Yaml) -> Option<UnnoticedMutant> {
    let parts = reader.map(yaml, "a mutant that may go unnoticed", &["mutant", "reason"])?;
    let (Some(mutant), Some(reason)) = (parts.get("mutant"), parts.get("reason")) else {
        let message = "a mutant that may go unnoticed needs the keys `mutant` and `reason`";
        reader.report(Diagnostic::error(parts.place(), message));
        return None;
    };
    Some(UnnoticedMutant { mutant: reader.text(mutant)?, reason: reader.prose(reason)? })
}
