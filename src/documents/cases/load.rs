//! Reads a test file.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::documents::cases::for_each::repeated;
use crate::documents::cases::read_case::{AgreedKeys, CaseKeys, read_answers, read_case};
use crate::documents::cases::{Case, Excuse, InputsOf, TestFile, UnnoticedMutant};
use crate::documents::forms::TEXTS;
use crate::documents::keys::{Keys, Shape, Way, Ways, keys};
use crate::documents::playbook::Families;
use crate::documents::playbook::family::{Joined, join_families};
use crate::documents::playbook::read_input::leaves_its_folder;
use crate::documents::reader::Reader;
use crate::documents::{Yaml, YamlKind, parse_yaml};
use crate::words::{Code, Diagnostic, Located, Source, without_repetitions};

// `join_families` asks for the three keys with an underscore before any other is read.
keys! {
    TESTS: TestsKeys = "a test file", document("Tests of a recover playbook"),
        about("What a playbook must do on the bench. x.test.yaml stands beside x.yaml; `recover test x.test.yaml` \
         runs it."), ways(Ways::AtLeastOneOf(&[Way::With(&["cases"]), Way::With(&["uses"])]));
    format: Shape::OnlyNumber(1), "The format of this file: 1.", required(), when_missing("", "add `format: 1`");
    playbook: Shape::Text, "Path of the playbook, beside or below this file; without it, x.yaml for x.test.yaml.";
    _uses "uses": TEXTS, "Cases that several boards share: paths beside or below this file.";
    _with "with": Shape::AnyMap, "Values of the parameters of what is used.";
    _parameters "parameters": Shape::Named(&Shape::Text), "What the files that use this one must give, and what it means.";
    answers: Shape::Map(AgreedKeys::kind), "What the person answers in every case that does not say it itself.";
    cases: Shape::SomeList(&Shape::Map(CaseKeys::kind)), "Each is a run on a bench of its own, and what must come of it.", required_in_the_end(),
        when_missing("", "a case has a `name` and what to `expect`");
    excused: Shape::List(&Shape::Map(ExcuseKeys::kind)), "Trials of `recover test --faults` that may break a rule.";
    unnoticed: Shape::List(&Shape::Map(MutantKeys::kind)),
        "Mutants that `recover test --mutate` makes and that no case needs to notice.";
}

keys! {
    EXCUSE: ExcuseKeys = "an excused trial", missing_together("");
    trial: Shape::Text, "As the matrix names it: step and mishap; * stands for any text.", required();
    reason: Shape::Text, "Why that is well.", required();
}

keys! {
    MUTANT: MutantKeys = "a mutant that may go unnoticed", missing_together("");
    mutant: Shape::Text, "As the report names it; * stands for any text.", required();
    reason: Shape::Text, "Why that is well.", required();
}

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
            reader.report(Diagnostic::of_document(Code::EmptyDocument, format!("{} is empty", source.name)));
            None
        }
        Ok(yaml) => {
            let (yaml, joined) = join_families(&mut reader, yaml, &TestsKeys::kind().names(), families);
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
    let top = reader.parts(yaml, &TESTS)?;
    reader.is_of_format(top.get(TESTS.format))?;
    let playbook = top.get(TESTS.playbook).and_then(|path| file_beside(reader, path));
    let cases = reader.items(top.get(TESTS.cases), "cases");
    if let (Some(list), []) = (top.get(TESTS.cases), cases)
        && matches!(list.kind, YamlKind::List(_))
    {
        reader.report(Diagnostic::error(Code::EmptyList, &list.place, "a test file needs at least one case"));
    }
    let agrees = top.get(TESTS.answers).map(|map| read_answers(reader, map)).unwrap_or_default();
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
            reader.report(Diagnostic::error(Code::DuplicateName, &case.name.place, message).hint(
                if first.name.place == case.name.place {
                    "what `for_each` names belongs into the name, as in `${input}`".to_owned()
                } else {
                    format!("the other one is in line {}", first.name.place.position().line)
                },
            ));
        }
    }
    let unnoticed = reader.items(top.get(TESTS.unnoticed), "mutants");
    let unnoticed = unnoticed.iter().filter_map(|mutant| read_mutant(reader, mutant)).collect();
    let excused = reader.items(top.get(TESTS.excused), "trials");
    let excused = excused.iter().filter_map(|trial| read_excused(reader, trial)).collect();
    Some(TestFile { source: Arc::clone(source), playbook, agrees, cases, unnoticed, excused })
}

fn read_excused(reader: &mut Reader, yaml: &Yaml) -> Option<Excuse> {
    let parts = reader.parts(yaml, &EXCUSE)?;
    let (trial, reason) = (parts.get(EXCUSE.trial)?, parts.get(EXCUSE.reason)?);
    Some(Excuse { trial: reader.text(trial)?, reason: reader.prose(reason)? })
}

/// A path beside or below the document.
pub(super) fn file_beside(reader: &mut Reader, yaml: &Yaml) -> Option<Located<String>> {
    let path = reader.text(yaml)?;
    if let Some(reason) = leaves_its_folder(&path.value) {
        let diagnostic = Diagnostic::error(Code::UnsafePath, &path.place, format!("`{}` {reason}", path.value));
        reader.report(diagnostic.hint("a test file names files beside or below itself"));
        return None;
    }
    Some(path)
}

fn read_mutant(reader: &mut Reader, yaml: &Yaml) -> Option<UnnoticedMutant> {
    let parts = reader.parts(yaml, &MUTANT)?;
    let (mutant, reason) = (parts.get(MUTANT.mutant)?, parts.get(MUTANT.reason)?);
    Some(UnnoticedMutant { mutant: reader.text(mutant)?, reason: reader.prose(reason)? })
}
