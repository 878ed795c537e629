//! What came of the cases, for people, for programs, and for the lines of a pull request.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::bench::Difference;
use crate::cli::diagnostics::{DiagnosticLine, annotate as annotate_always, render};
use crate::cli::json::write_line;
use crate::cli::junit::{self, CaseEnd, ReportedCase, Suites, Words};
use crate::cli::streams::{say, show, stdout};
use crate::cli::style::{Look, Role, Sign};
use crate::cli::test::{Invalid, Tried};
use crate::cli::wording::{clean, count};
use crate::words::{Code, Diagnostic, Place, Severity};

/// Failed cases with their first difference at its place in the test file; then a line for each file and one for all.
pub(super) fn human(tried: &[Tried<'_>], invalid: &[Invalid], took: Duration, look: &Look) {
    for failed in tried.iter().filter(|tried| !tried.passed()) {
        say(&look.paint(
            Role::Failure,
            &format!("{} {} › {}", look.sign(Sign::Failed), failed.suite.name, clean(&failed.case.name.value)),
        ));
        let mut rest = failed.differences.iter();
        if let Some(first) = rest.next() {
            let diagnostic = match &first.place {
                Some(place) => Diagnostic::error(Code::UnmetExpectation, place, format!("expected {}", first.expected)),
                None => Diagnostic::of_document(Code::UnmetExpectation, format!("expected {}", first.expected)),
            };
            let shown = render(&[diagnostic.hint(format!("found: {}", clean(&first.found)))], look);
            // Its closing line counts errors, which are differences here.
            show(shown.trim_end().rsplit_once("\n\n").map_or(shown.as_str(), |(shown, _)| shown));
            say("");
        }
        for difference in rest {
            say(&format!("  also expected {}, found: {}", difference.expected, clean(&difference.found)));
        }
        if let Some(kept) = &failed.kept {
            say(&format!("  the bench is kept: {}", kept.display()));
        }
        say("");
    }
    let mut files: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for tried in tried {
        let (passed, failed) = files.entry(&tried.suite.name).or_default();
        *(if tried.passed() { passed } else { failed }) += 1;
    }
    for (file, (passed, failed)) in &files {
        let (sign, role) = if *failed == 0 { (Sign::Done, Role::Success) } else { (Sign::Failed, Role::Failure) };
        let cases = match failed {
            0 => count(*passed, "case", "cases"),
            failed => format!("{failed} of {} failed", count(passed + failed, "case", "cases")),
        };
        say(&format!("{} {file}  {cases}", look.paint(role, look.sign(sign))));
    }
    tell_invalid(invalid, look);
    let (passed, failed) = numbers(tried);
    say("");
    say(&format!("{passed} passed, {failed} failed{}", not_run(invalid)));
    say(&look.paint(Role::Quiet, &format!("in {:.1} s", took.as_secs_f64())));
}

/// A line for each file that was not run.
pub(super) fn tell_invalid(invalid: &[Invalid], look: &Look) {
    for Invalid { name, .. } in invalid {
        say(&format!("{} {name}  not run: it is not valid", look.paint(Role::Failure, look.sign(Sign::Failed))));
    }
}

/// ", 2 files not run", where there are some.
pub(super) fn not_run(invalid: &[Invalid]) -> String {
    match invalid.len() {
        0 => String::new(),
        number => format!(", {} not run", count(number, "file", "files")),
    }
}

fn numbers(tried: &[Tried<'_>]) -> (usize, usize) {
    let passed = tried.iter().filter(|tried| tried.passed()).count();
    (passed, tried.len() - passed)
}

/// The lines that every report for programs has.
#[derive(serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum CommonLine<'a> {
    /// A file that was not run, because something is wrong with it or with its playbook.
    Invalid {
        file: &'a str,
        diagnostics: Vec<DiagnosticLine<'a>>,
    },
    Finished {
        passed: usize,
        failed: usize,
        invalid: usize,
        seconds: f64,
    },
}

/// A report for programs: a line for each file that is wrong, one for each thing that was tried, with whether it has passed,
/// and one for all.
pub(in crate::cli::test) fn json_lines<L: serde::Serialize>(
    tried: impl IntoIterator<Item = (bool, L)>,
    invalid: &[Invalid],
    took: Duration,
) {
    let mut stdout = stdout();
    for Invalid { name, diagnostics } in invalid {
        let diagnostics = diagnostics.iter().map(DiagnosticLine::of).collect();
        if write_line(&mut stdout, &CommonLine::Invalid { file: name, diagnostics }).is_err() {
            return;
        }
    }
    let (mut passed, mut failed) = (0, 0);
    for (has_passed, line) in tried {
        *(if has_passed { &mut passed } else { &mut failed }) += 1;
        if write_line(&mut stdout, &line).is_err() {
            return;
        }
    }
    let last = CommonLine::Finished { passed, failed, invalid: invalid.len(), seconds: took.as_secs_f64() };
    let _reader_gone = write_line(&mut stdout, &last);
}

#[derive(serde::Serialize)]
#[serde(tag = "event", rename = "case")]
struct CaseLine<'a> {
    file: &'a str,
    playbook: &'a str,
    name: &'a str,
    /// Counted from 1.
    line: usize,
    passed: bool,
    seconds: f64,
    differences: Vec<DifferenceLine>,
    bench: Option<String>,
}

#[derive(serde::Serialize)]
struct DifferenceLine {
    line: Option<usize>,
    column: Option<usize>,
    expected: String,
    found: String,
}

pub(super) fn json(tried: &[Tried<'_>], invalid: &[Invalid], took: Duration) {
    let difference = |difference: &Difference| {
        let position = difference.place.as_ref().map(Place::position);
        DifferenceLine {
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            expected: difference.expected.clone(),
            found: difference.found.clone(),
        }
    };
    let lines = tried.iter().map(|tried| {
        let line = CaseLine {
            file: &tried.suite.name,
            playbook: &tried.suite.playbook.source.name,
            name: &tried.case.name.value,
            line: tried.case.name.place.position().line,
            passed: tried.passed(),
            seconds: tried.took.as_secs_f64(),
            differences: tried.differences.iter().map(difference).collect(),
            bench: tried.kept.as_ref().map(|kept| kept.display().to_string()),
        };
        (tried.passed(), line)
    });
    json_lines(lines, invalid, took);
}

/// One line for people, from what differs first.
pub(super) fn sentence(difference: &Difference) -> String {
    format!("expected {}; found: {}", difference.expected, difference.found)
}

/// GitHub shows these lines at their places in the files of a pull request.
pub(super) fn annotate(tried: &[Tried<'_>]) {
    for failed in tried.iter().filter(|tried| !tried.passed()) {
        if let Some(difference) = failed.differences.first() {
            let diagnostic = match &difference.place {
                Some(place) => Diagnostic::error(Code::UnmetExpectation, place, sentence(difference)),
                None => Diagnostic::error(Code::UnmetExpectation, &failed.case.name.place, sentence(difference)),
            };
            annotate_one(&diagnostic, &failed.case.name.value);
        }
    }
}

pub(super) fn annotate_diagnostics(diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        annotate_one(diagnostic, diagnostic.code.word());
    }
}

fn annotate_one(diagnostic: &Diagnostic, title: &str) {
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| !value.is_empty()) {
        annotate_always(diagnostic, title);
    }
}

/// A suite for each test file, also for one that could not be run.
pub(super) fn junit(tried: &[Tried<'_>], invalid: &[Invalid], took: Duration) {
    let mut suites = Suites::new();
    for tried in tried {
        suites.entry(tried.suite.name.clone()).or_default().push(reported(tried));
    }
    with_invalid(&mut suites, invalid);
    show(&junit::text(suites, took));
}

/// Nothing of them was run, so nothing has failed.
pub(super) fn with_invalid(suites: &mut Suites, invalid: &[Invalid]) {
    for Invalid { name, diagnostics } in invalid {
        let errors: Vec<&Diagnostic> =
            diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
        let line = |diagnostic: &&Diagnostic| {
            let place = diagnostic.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
            format!("{place}{} [{}]", diagnostic.message, diagnostic.code)
        };
        let words = Words {
            kind: errors.first().map(|first| first.code.word()),
            message: errors.first().map(|first| first.message.clone()).unwrap_or_default(),
            lines: errors.iter().map(line).collect(),
        };
        suites.entry(name.clone()).or_default().push(ReportedCase {
            name: "the file and its playbook are valid".to_owned(),
            class: None,
            file: None,
            took: Duration::ZERO,
            end: CaseEnd::Invalid(words),
        });
    }
}

fn reported(tried: &Tried<'_>) -> ReportedCase {
    let mut lines: Vec<String> = tried.differences.iter().map(sentence).collect();
    let end = if lines.is_empty() {
        CaseEnd::Passed
    } else {
        lines.extend(tried.kept.iter().map(|kept| format!("the bench is kept: {}", kept.display())));
        CaseEnd::Failed(Words::of(Some("difference"), lines))
    };
    ReportedCase {
        name: tried.case.name.value.clone(),
        class: Some(tried.suite.playbook.board.clone()),
        file: Some(tried.case.name.place.to_string()),
        took: tried.took,
        end,
    }
}
