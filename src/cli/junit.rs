//! Reports that CI systems read, in the form of JUnit. The only file that names the crate.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// By the name of the suite.
pub(super) type Suites = BTreeMap<String, Vec<ReportedCase>>;

pub(super) struct ReportedCase {
    pub(super) name: String,
    pub(super) class: Option<String>,
    /// Where it stands in a document.
    pub(super) file: Option<String>,
    pub(super) took: Duration,
    pub(super) end: CaseEnd,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CaseEnd {
    Passed,
    Failed(Words),
    /// It could not even be tried.
    Invalid(Words),
    /// Why.
    Skipped(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// In a word.
    pub(super) kind: Option<&'static str>,
    /// In short.
    pub(super) message: String,
    pub(super) lines: Vec<String>,
}

impl Words {
    /// The first line says it in short.
    pub(super) fn of(kind: Option<&'static str>, lines: Vec<String>) -> Words {
        Words { kind, message: lines.first().cloned().unwrap_or_default(), lines }
    }
}

pub(super) fn text(suites: Suites, took: Duration) -> String {
    let mut report = Report::new("recover");
    report.set_time(took);
    for (name, cases) in suites {
        let mut suite = TestSuite::new(name);
        for case in cases {
            suite.add_test_case(test_case(case));
        }
        report.add_test_suite(suite);
    }
    // Text in memory: it cannot fail but for want of memory.
    report.to_string().unwrap_or_default()
}

fn test_case(case: ReportedCase) -> TestCase {
    let ReportedCase { name, class, file, took, end } = case;
    let status = match end {
        CaseEnd::Passed => TestCaseStatus::success(),
        CaseEnd::Failed(words) => non_success(NonSuccessKind::Failure, words),
        CaseEnd::Invalid(words) => non_success(NonSuccessKind::Error, words),
        CaseEnd::Skipped(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why);
            status
        }
    };
    let mut case = TestCase::new(name, status);
    case.set_time(took);
    if let Some(class) = class {
        case.set_classname(class);
    }
    if let Some(file) = file {
        case.extra.insert("file".into(), file.as_str().into());
    }
    case
}

fn non_success(kind: NonSuccessKind, words: Words) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(words.message).set_description(words.lines.join("\n"));
    if let Some(kind) = words.kind {
        status.set_type(kind);
    }
    status
}
