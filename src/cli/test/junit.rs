//! The cases as a JUnit report. The only file that names the crate.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::cli::streams::show;
use crate::cli::test::report::sentence;
use crate::cli::test::{Invalid, Tried};
use crate::words::Severity;

/// A suite for each test file, also for one that could not be run.
pub(super) fn report(tried: &[Tried<'_>], invalid: &[Invalid], took: Duration) {
    let mut report = Report::new("recover");
    report.set_time(took);
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for tried in tried {
        let suite = suites.entry(&tried.suite.name).or_insert_with(|| TestSuite::new(tried.suite.name.as_str()));
        suite.add_test_case(case(tried));
    }
    for invalid in invalid {
        suites
            .entry(&invalid.name)
            .or_insert_with(|| TestSuite::new(invalid.name.as_str()))
            .add_test_case(wrong(invalid));
    }
    report.add_test_suites(suites.into_values());
    // Text in memory: it cannot fail but for want of memory.
    if let Ok(text) = report.to_string() {
        show(&text);
    }
}

/// A case that has no place in a document.
pub(super) struct ReportedCase {
    pub(super) name: String,
    pub(super) class: String,
    pub(super) took: Duration,
    /// Lines, the first of which says it in short.
    pub(super) failure: Option<Vec<String>>,
}

/// A suite for each name, and for each file that could not be run.
pub(super) fn report_cases(suites: BTreeMap<&str, Vec<ReportedCase>>, invalid: &[Invalid], took: Duration) {
    let mut report = Report::new("recover");
    report.set_time(took);
    for invalid in invalid {
        let mut suite = TestSuite::new(invalid.name.as_str());
        suite.add_test_case(wrong(invalid));
        report.add_test_suite(suite);
    }
    for (name, cases) in suites {
        let mut suite = TestSuite::new(name);
        for ReportedCase { name, class, took, failure } in cases {
            let status = match failure {
                None => TestCaseStatus::success(),
                Some(lines) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(lines.first().map_or("", String::as_str)).set_description(lines.join("\n"));
                    status
                }
            };
            let mut case = TestCase::new(name, status);
            case.set_classname(class).set_time(took);
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    // Text in memory: it cannot fail but for want of memory.
    if let Ok(text) = report.to_string() {
        show(&text);
    }
}

/// Nothing was run, so nothing has failed.
fn wrong(invalid: &Invalid) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let errors = || invalid.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    if let Some(first) = errors().next() {
        status.set_message(first.message.as_str()).set_type(first.code.word());
    }
    let lines = errors().map(|diagnostic| {
        let place = diagnostic.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        format!("{place}{} [{}]", diagnostic.message, diagnostic.code)
    });
    status.set_description(lines.collect::<Vec<_>>().join("\n"));
    TestCase::new("the file and its playbook are valid", status)
}

fn case(tried: &Tried<'_>) -> TestCase {
    let status = match tried.differences.first() {
        None => TestCaseStatus::success(),
        Some(first) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let mut lines: Vec<String> = tried.differences.iter().map(sentence).collect();
            if let Some(kept) = &tried.kept {
                lines.push(format!("the bench is kept: {}", kept.display()));
            }
            status.set_message(sentence(first)).set_type("difference").set_description(lines.join("\n"));
            status
        }
    };
    let mut case = TestCase::new(tried.case.name.value.as_str(), status);
    let place = &tried.case.name.place;
    case.set_classname(tried.suite.playbook.board.as_str())
        .set_time(tried.took)
        .extra
        .insert("file".into(), place.to_string().as_str().into());
    case
}
