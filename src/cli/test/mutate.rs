//! `recover test --mutate`: which changes of the playbooks does no case notice?

use std::time::{Duration, Instant};

use crate::bench::{Baseline, Notice, Subject, notice};
use crate::cli::arguments::{ReportFormat, TestArgs};
use crate::cli::diagnostics::render;
use crate::cli::json::write_line;
use crate::cli::parallel::in_parallel;
use crate::cli::streams::{complain, complain_at_length, say, show, stdout};
use crate::cli::style::{Look, Role};
use crate::cli::test::Tried;
use crate::cli::test::collect::Suite;
use crate::cli::test::progress::{CountedWords, Progress, Remarkable};
use crate::cli::test::report::annotate_diagnostics;
use crate::cli::test::watchdog::Watchdog;
use crate::cli::wording::count;
use crate::documents::cases::Case;
use crate::documents::cases::matches_text;
use crate::documents::mutation::{Mutant, mutants};
use crate::engine::Outcome;
use crate::words::{Code, Diagnostic};

/// A change of a document, and every suite that has a playbook of it: the same family may stand behind several.
struct Task<'a> {
    mutants: Vec<(&'a Suite, Mutant)>,
}

/// A change, and what noticed it.
struct Judged<'a> {
    suite: &'a Suite,
    mutant: &'a Mutant,
    noticed: Noticed<'a>,
    took: Duration,
}

enum Noticed<'a> {
    ByCheck,
    ByCase(&'a Case),
    /// Nobody, and the test file says why that is well.
    Listed(&'a str),
    Not,
}

const COUNTED: CountedWords = CountedWords { what: "mutants", remarkable: "unnoticed" };
/// Real time for all cases with one change, on a busy machine.
const MUTANT_MAX: Duration = Duration::from_secs(5 * 60);

/// Called when all cases pass.
pub(super) fn mutate(suites: &[Suite], tried: &[Tried<'_>], args: &TestArgs, jobs: usize, look: &Look) -> Outcome {
    let began = Instant::now();
    let mut tasks = tasks(suites, &args.filter);
    if let Some(shard) = args.shard {
        shard.keep(&mut tasks);
    }
    if tasks.is_empty() && args.shard.is_some() {
        complain("There is no change in this part.");
        return Outcome::Recovered;
    }
    if tasks.is_empty() {
        complain(&format!("error: no change has a name with all of: {}", args.filter.join(", ")));
        return Outcome::CommandLine;
    }
    let (progress, watchdog) = (Progress::new(COUNTED, tasks.len()), Watchdog::new(MUTANT_MAX));
    let judged = std::thread::scope(|scope| {
        scope.spawn(|| watchdog.watch());
        let judged = in_parallel(jobs, &tasks, |task| {
            let judged = watchdog.guard(&task.mutants[0].1.name, || judge(task, tried));
            let unnoticed = matches!(judged.noticed, Noticed::Not);
            progress.one_more(if unnoticed { Remarkable::Yes } else { Remarkable::No });
            judged
        });
        watchdog.rest();
        judged
    });
    drop(progress);
    let unnoticed: Vec<Diagnostic> =
        judged.iter().filter(|judged| matches!(judged.noticed, Noticed::Not)).map(not_noticed).collect();
    // Where only some changes were tried, nothing can be said of the others.
    let stale = if args.filter.is_empty() && args.shard.is_none() { stale(suites, &judged) } else { Vec::new() };
    match args.format {
        ReportFormat::Json => json(&judged, began.elapsed()),
        ReportFormat::Human | ReportFormat::Junit => human(&judged, &unnoticed, &stale, began.elapsed(), look),
    }
    annotate_diagnostics(&unnoticed);
    if unnoticed.is_empty() { Outcome::Recovered } else { Outcome::StepFailed }
}

fn tasks<'a>(suites: &'a [Suite], filter: &[String]) -> Vec<Task<'a>> {
    let mut tasks: Vec<Task<'a>> = Vec::new();
    for suite in suites {
        for mutant in mutants(&suite.playbook, &suite.catalog.catalog) {
            let name = format!("{} {}", suite.name, mutant.name);
            if !filter.iter().all(|text| name.contains(text.as_str())) {
                continue;
            }
            let same = |task: &&mut Task<'_>| {
                task.mutants.iter().any(|(_, other)| other.name == mutant.name && other.place == mutant.place)
            };
            match tasks.iter_mut().find(same) {
                Some(task) => task.mutants.push((suite, mutant)),
                None => tasks.push(Task { mutants: vec![(suite, mutant)] }),
            }
        }
    }
    tasks
}

/// A change of a family is noticed when the tests of one of its boards notice it.
fn judge<'a>(task: &'a Task<'a>, tried: &[Tried<'a>]) -> Judged<'a> {
    let began = Instant::now();
    let mut last = None;
    for (suite, mutant) in &task.mutants {
        let subject = Subject {
            playbook: &suite.playbook,
            sound: &suite.playbook,
            name: &suite.playbook.source.name,
            catalog: &suite.catalog.catalog,
            folder: &suite.folder,
            scenes: &suite.scenes,
        };
        let of_suite = tried.iter().filter(|tried| std::ptr::eq(tried.suite, *suite));
        let baselines: Vec<Baseline> = of_suite.map(|tried| tried.baseline.clone()).collect();
        let noticed = match notice(subject, mutant, &suite.tests.cases, &baselines) {
            Notice::Check => Noticed::ByCheck,
            Notice::Case(index) => Noticed::ByCase(&suite.tests.cases[index]),
            Notice::Nothing => match suite.tests.unnoticed.iter().find(|entry| covers(&entry.mutant.value, mutant)) {
                Some(entry) => Noticed::Listed(&entry.reason),
                None => Noticed::Not,
            },
        };
        let sure = matches!(noticed, Noticed::ByCheck | Noticed::ByCase(_));
        last = Some(Judged { suite, mutant, noticed, took: began.elapsed() });
        if sure {
            break;
        }
    }
    let (suite, mutant) = &task.mutants[0];
    last.unwrap_or(Judged { suite, mutant, noticed: Noticed::Not, took: began.elapsed() })
}

fn covers(pattern: &str, mutant: &Mutant) -> bool {
    matches_text(pattern, &mutant.name)
}

fn not_noticed(judged: &Judged<'_>) -> Diagnostic {
    let message = format!("no case of {} notices this change: {}", judged.suite.name, judged.mutant.name);
    Diagnostic::error(Code::UnnoticedChange, &judged.mutant.place, message)
        .label("changed here")
        .hint("add a case that fails with the change, or list it below `unnoticed:` with the reason why none needs to")
}

/// Entries of `unnoticed:` that cover nothing which goes unnoticed, each told once however many suites share it.
fn stale(suites: &[Suite], judged: &[Judged<'_>]) -> Vec<Diagnostic> {
    let mut stale: Vec<Diagnostic> = Vec::new();
    for entry in suites.iter().flat_map(|suite| &suite.tests.unnoticed) {
        let needed = judged
            .iter()
            .any(|judged| matches!(judged.noticed, Noticed::Listed(_)) && covers(&entry.mutant.value, judged.mutant));
        let told = stale.iter().any(|told| told.place.as_ref() == Some(&entry.mutant.place));
        if needed || told {
            continue;
        }
        let known = judged.iter().any(|judged| covers(&entry.mutant.value, judged.mutant));
        let diagnostic = if known {
            Diagnostic::warning(Code::Unused, &entry.mutant.place, "every change of this name is noticed")
                .hint("remove the entry")
        } else {
            Diagnostic::warning(Code::Unused, &entry.mutant.place, "no change has this name")
                .hint("remove or correct the entry")
        };
        stale.push(diagnostic);
    }
    stale
}

#[derive(Debug, Default, Clone, Copy, serde::Serialize)]
struct Numbers {
    mutants: usize,
    noticed: usize,
    by_check: usize,
    listed: usize,
    unnoticed: usize,
}

fn numbers(judged: &[Judged<'_>]) -> Numbers {
    let mut numbers = Numbers { mutants: judged.len(), ..Numbers::default() };
    for judged in judged {
        match judged.noticed {
            Noticed::ByCheck => (numbers.noticed, numbers.by_check) = (numbers.noticed + 1, numbers.by_check + 1),
            Noticed::ByCase(_) => numbers.noticed += 1,
            Noticed::Listed(_) => numbers.listed += 1,
            Noticed::Not => numbers.unnoticed += 1,
        }
    }
    numbers
}

fn human(judged: &[Judged<'_>], unnoticed: &[Diagnostic], stale: &[Diagnostic], took: Duration, look: &Look) {
    show(&render(unnoticed, look));
    complain_at_length(&render(stale, look));
    let Numbers { mutants, noticed, by_check, listed, unnoticed } = numbers(judged);
    let all = count(mutants, "mutant", "mutants");
    say(&format!("{all}, {noticed} noticed ({by_check} by check), {unnoticed} unnoticed, {listed} listed as such"));
    say(&look.paint(Role::Quiet, &format!("in {:.1} s", took.as_secs_f64())));
}

#[derive(serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Mutant {
        file: &'a str,
        playbook: &'a str,
        name: &'a str,
        /// The document that was changed, and where. Counted from 1.
        document: &'a str,
        line: usize,
        column: usize,
        /// `check`, `case`, or nothing.
        noticed_by: Option<&'static str>,
        case: Option<&'a str>,
        /// Why it may go unnoticed.
        listed: Option<&'a str>,
        seconds: f64,
    },
    Finished {
        #[serde(flatten)]
        numbers: Numbers,
        seconds: f64,
    },
}

fn json(judged: &[Judged<'_>], took: Duration) {
    let mut stdout = stdout();
    for Judged { suite, mutant, noticed, took } in judged {
        let position = mutant.place.position();
        let (noticed_by, case, listed) = match noticed {
            Noticed::ByCheck => (Some("check"), None, None),
            Noticed::ByCase(case) => (Some("case"), Some(case.name.value.as_str()), None),
            Noticed::Listed(reason) => (None, None, Some(*reason)),
            Noticed::Not => (None, None, None),
        };
        let line = Line::Mutant {
            file: &suite.name,
            playbook: &suite.playbook.source.name,
            name: &mutant.name,
            document: &mutant.place.source.name,
            line: position.line,
            column: position.column,
            noticed_by,
            case,
            listed,
            seconds: took.as_secs_f64(),
        };
        if write_line(&mut stdout, &line).is_err() {
            return;
        }
    }
    let line = Line::Finished { numbers: numbers(judged), seconds: took.as_secs_f64() };
    let _reader_gone = write_line(&mut stdout, &line);
}
