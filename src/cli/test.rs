//! `recover test`: runs the cases of test files in parallel, each on a bench of its own, and reports.

mod collect;
#[cfg(test)]
#[cfg(unix)]
mod contract_tests;
mod cuts;
mod faults;
mod mutate;
mod progress;
mod report;
mod watchdog;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::bench::{Baseline, CaseRun, Difference, Keep, Subject, run_case};
use crate::cli::arguments::{ReportFormat, TestArgs};
use crate::cli::catalogs::Catalogs;
use crate::cli::diagnostics::render;
use crate::cli::json::write_line;
use crate::cli::parallel::{cores, in_parallel};
use crate::cli::streams::{complain, complain_at_length};
use crate::cli::style::Look;
use crate::cli::wording::count;
use crate::documents::cases::Case;
use crate::engine::{Event, Outcome};
use crate::world::{KEPT_FOLDERS_MAX, Surroundings, remove_own};

use collect::{Collected, Suite, collect};
pub(in crate::cli) use collect::{Invalid, NothingThere, files_below, is_test_file, load as load_tests, read_tests};
use progress::{CountedWords, Progress, Remarkable};

const COUNTED: CountedWords = CountedWords { what: "cases", remarkable: "failed" };

/// One case and what came of it.
#[derive(Debug)]
struct Tried<'a> {
    suite: &'a Suite,
    case: &'a Case,
    /// Empty when it passed.
    differences: Vec<Difference>,
    /// The bench of a case that failed.
    kept: Option<PathBuf>,
    took: Duration,
    baseline: Baseline,
}

impl Tried<'_> {
    fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

pub(super) fn test(args: &TestArgs, look: &Look) -> Outcome {
    let began = Instant::now();
    let catalogs = Catalogs::new(Surroundings::of_this_process());
    if args.faults {
        return faults::try_all(args, &catalogs, look);
    }
    if args.cuts {
        return cuts::cut_all(args, &catalogs, look);
    }
    let Collected { sound: suites, invalid, diagnostics } = match collect(&args.paths, &catalogs) {
        Ok(collected) => collected,
        Err(message) => {
            complain(&format!("error: {message}"));
            return Outcome::CommandLine;
        }
    };
    complain_at_length(&render(&diagnostics, look));
    tell_catalogs(&catalogs);
    report::annotate_diagnostics(&diagnostics);
    if args.mutate && args.format == ReportFormat::Junit {
        complain("error: a JUnit report is about cases; `--mutate` reports with `--format json`");
        return Outcome::CommandLine;
    }
    let of_filter = |text: &str| args.mutate || args.filter.iter().all(|part| text.contains(part.as_str()));
    let chosen: Vec<(&Suite, &Case)> = suites
        .iter()
        .flat_map(|suite| suite.tests.cases.iter().map(move |case| (suite, case)))
        .filter(|(suite, case)| of_filter(&format!("{} {}", suite.name, case.name.value)))
        .collect();
    if chosen.is_empty() && !suites.is_empty() {
        let cases = suites.iter().map(|suite| suite.tests.cases.len()).sum::<usize>();
        complain(&format!("error: none of the {cases} cases has a name with all of: {}", args.filter.join(", ")));
        if !invalid.is_empty() {
            tell(args.format, &[], &invalid, began.elapsed(), look);
        }
        return unless_invalid(&invalid, Outcome::CommandLine);
    }
    let jobs = args.jobs.map_or_else(cores, usize::from);
    let progress = Progress::new(COUNTED, chosen.len());
    let tried = in_parallel(jobs, &chosen, |(suite, case)| {
        let tried = try_case(suite, case);
        progress.one_more(if tried.passed() { Remarkable::No } else { Remarkable::Yes });
        tried
    });
    drop(progress);
    if args.mutate && !suites.is_empty() && tried.iter().all(Tried::passed) {
        return unless_invalid(&invalid, mutate::mutate(&suites, &tried, args, jobs, look));
    }
    tell(args.format, &tried, &invalid, began.elapsed(), look);
    report::annotate(&tried);
    if args.mutate && !suites.is_empty() {
        let failed = tried.iter().filter(|tried| !tried.passed()).count();
        complain(&format!(
            "error: {failed} of {} failed with the playbooks as they are, so that nothing can be said of changes; no change was \
             tried. Make the cases pass first.",
            count(tried.len(), "case", "cases")
        ));
    }
    let passed = tried.iter().all(Tried::passed);
    unless_invalid(&invalid, if passed { Outcome::Recovered } else { Outcome::StepFailed })
}

fn tell(format: ReportFormat, tried: &[Tried<'_>], invalid: &[Invalid], took: Duration, look: &Look) {
    match format {
        ReportFormat::Human => report::human(tried, invalid, took, look),
        ReportFormat::Json => report::json(tried, invalid, took),
        ReportFormat::Junit => report::junit(tried, invalid, took),
    }
}

/// A file that was not run proves nothing, whatever the others did.
fn unless_invalid(invalid: &[Invalid], outcome: Outcome) -> Outcome {
    if invalid.is_empty() { outcome } else { Outcome::PlaybookInvalid }
}

fn tell_catalogs(catalogs: &Catalogs) {
    for note in catalogs.notes() {
        complain(&format!("note: {note}"));
    }
}

fn subject(suite: &Suite) -> Subject<'_> {
    Subject {
        playbook: &suite.playbook,
        sound: &suite.playbook,
        name: &suite.playbook.source.name,
        catalog: &suite.catalog.catalog,
        folder: &suite.folder,
        scenes: &suite.scenes,
    }
}

/// A case that cannot be run, or that finds a defect in recover, is one that failed.
fn try_case<'a>(suite: &'a Suite, case: &'a Case) -> Tried<'a> {
    let began = Instant::now();
    let ran = catch_unwind(AssertUnwindSafe(|| run_case(subject(suite), case, Keep::Failed)));
    let could_not = |found: String| {
        let expected = "that the case can be run".to_owned();
        (vec![Difference { place: Some(case.name.place.clone()), expected, found }], None, Baseline::default())
    };
    let (differences, kept, baseline) = match ran {
        Ok(Ok(run)) => {
            let baseline = Baseline::of(&run);
            let CaseRun { differences, runs, kept } = run;
            let kept = kept.filter(|folder| keep_first_few(folder, &runs));
            (differences, kept, baseline)
        }
        Ok(Err(error)) => could_not(error.to_string()),
        Err(_) => could_not("a defect in recover; its message is above".to_owned()),
    };
    Tried { suite, case, differences, kept, took: began.elapsed(), baseline }
}

/// Keeps a bench with its events, or removes it: the first few of a run of the program are enough to look at.
fn keep_first_few(folder: &Path, runs: &[Vec<Event>]) -> bool {
    static KEPT: AtomicUsize = AtomicUsize::new(0);
    let few = KEPT.fetch_add(1, Ordering::Relaxed) < KEPT_FOLDERS_MAX;
    if few {
        keep_events(folder, runs);
    } else {
        let _swept_later = remove_own(folder);
    }
    few
}

/// For whoever looks at a failed case; what cannot be kept is only missed there.
fn keep_events(folder: &Path, runs: &[Vec<Event>]) {
    for (index, events) in runs.iter().enumerate() {
        let Ok(mut file) = std::fs::File::create(folder.join(format!("run-{}.jsonl", index + 1))) else { return };
        let _missed = events.iter().try_for_each(|event| write_line(&mut file, event));
    }
}
