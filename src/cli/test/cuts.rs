//! `recover test --cuts`: cuts the runs of playbooks at every boundary, runs them again on what that leaves, and reports.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::bench::{Broken, CUT_IMAGE_BYTES_MAX, CutCase, CutRecord, Invariant, cut_runs, cuts_of_run, try_cut};
use crate::cli::arguments::{ReportFormat, TestArgs};
use crate::cli::catalogs::Catalogs;
use crate::cli::junit::{CaseEnd, ReportedCase, Suites, Words, text};
use crate::cli::parallel::{cores, in_parallel};
use crate::cli::streams::{complain, say, show};
use crate::cli::style::{Look, Role};
use crate::cli::test::collect::Collected;
use crate::cli::test::faults::report::{BrokenLine, broken_lines, tell_broken};
use crate::cli::test::faults::{Board, boards, choose, subject, targets};
use crate::cli::test::progress::{CountedWords, Progress, Remarkable};
use crate::cli::test::report::{json_lines, not_run, tell_invalid, with_invalid};
use crate::cli::test::watchdog::Watchdog;
use crate::cli::test::{Invalid, keep_first_few, unless_invalid};
use crate::cli::wording::count;
use crate::engine::Outcome;
use crate::words::Id;

const COUNTED: CountedWords = CountedWords { what: "states", remarkable: "broken" };
/// Real time for one run; it takes a fraction of a second.
const RUN_MAX: Duration = Duration::from_secs(60);

/// What came of the run after a cut.
struct Tried<'a> {
    board: &'a Board<'a>,
    case: &'a CutCase,
    outcome: Outcome,
    broken: Vec<Broken>,
    kept: Option<PathBuf>,
    took: Duration,
}

impl Tried<'_> {
    /// A command that does this again, and nothing else.
    fn command(&self) -> String {
        format!("recover test {} --cuts --filter '{}'", self.board.target.name, self.case)
    }
}

pub(super) fn cut_all(args: &TestArgs, catalogs: &Catalogs, look: &Look) -> Outcome {
    let began = Instant::now();
    let Collected { sound: targets, invalid, .. } = match targets(args, catalogs, look) {
        Ok(collected) => collected,
        Err(outcome) => return outcome,
    };
    let jobs = args.jobs.map_or_else(cores, usize::from);
    let boards = match boards(&targets, CUT_IMAGE_BYTES_MAX, jobs) {
        Ok(boards) => boards,
        Err(outcome) => return outcome,
    };
    let cases = match all_cases(&boards, jobs) {
        Ok(cases) => cases,
        Err(outcome) => return outcome,
    };
    let all: Vec<(&Board<'_>, &CutCase)> =
        cases.iter().flat_map(|(board, cases)| cases.iter().map(move |case| (*board, case))).collect();
    // What is wrong with the other files is told to programs all the same.
    let nothing_tried = || {
        if !invalid.is_empty() {
            report(args.format, (&boards, &all), &[], &invalid, began.elapsed(), look);
        }
        unless_invalid(&invalid, Outcome::CommandLine)
    };
    if all.is_empty() && !targets.is_empty() {
        complain("error: runs are cut on virtual boards, and none of these playbooks has one: add `virtual_board:`");
        return nothing_tried();
    }
    let mut chosen = choose(&all, &args.filter);
    if chosen.is_empty() && !targets.is_empty() {
        let filter = args.filter.join(", ");
        complain(&format!("error: none of the {} states that cuts leave has a name with all of: {filter}", all.len()));
        return nothing_tried();
    }
    if let Some(shard) = args.shard {
        shard.keep(&mut chosen);
        if chosen.is_empty() {
            complain("There is no state in this part.");
        }
    }
    let (progress, watchdog) = (Progress::new(COUNTED, chosen.len()), Watchdog::new(RUN_MAX));
    let tried = std::thread::scope(|scope| {
        scope.spawn(|| watchdog.watch());
        let tried = in_parallel(jobs, &chosen, |(board, case)| {
            let tried = watchdog.guard(&case.to_string(), || try_one(board, case));
            progress.one_more(if tried.broken.is_empty() { Remarkable::No } else { Remarkable::Yes });
            tried
        });
        watchdog.rest();
        tried
    });
    drop(progress);
    report(args.format, (&boards, &all), &tried, &invalid, began.elapsed(), look);
    let passed = tried.iter().all(|tried| tried.broken.is_empty());
    unless_invalid(&invalid, if passed { Outcome::Recovered } else { Outcome::StepFailed })
}

fn report(
    format: ReportFormat,
    (boards, all): (&[Board<'_>], &[(&Board<'_>, &CutCase)]),
    tried: &[Tried<'_>],
    invalid: &[Invalid],
    took: Duration,
    look: &Look,
) {
    match format {
        ReportFormat::Human => human(boards, all, tried, invalid, took, look),
        ReportFormat::Json => json(tried, invalid, took),
        ReportFormat::Junit => junit(tried, invalid, took),
    }
}

type CasesOfBoard<'a> = (&'a Board<'a>, Vec<CutCase>);

/// The first runs, each once.
fn all_cases<'a>(boards: &'a [Board<'a>], jobs: usize) -> Result<Vec<CasesOfBoard<'a>>, Outcome> {
    let runs: Vec<(&Board<'_>, usize)> =
        boards.iter().flat_map(|board| (0..cut_runs(&board.matrix)).map(move |run| (board, run))).collect();
    let cases =
        in_parallel(jobs, &runs, |(board, run)| (*board, cuts_of_run(subject(board.target), &board.matrix, *run)));
    let told = |(board, cases): (&'a Board<'a>, Result<Vec<CutCase>, crate::bench::CaseError>)| match cases {
        Ok(cases) => Ok((board, cases)),
        Err(error) => {
            complain(&format!("error: {}: {error}", board.target.name));
            Err(Outcome::StepFailed)
        }
    };
    cases.into_iter().map(told).collect()
}

fn try_one<'a>(board: &'a Board<'a>, case: &'a CutCase) -> Tried<'a> {
    let began = Instant::now();
    let ran = catch_unwind(AssertUnwindSafe(|| try_cut(subject(board.target), &board.matrix, case)));
    let defect = |found: String| CutRecord {
        outcome: Outcome::Defect,
        broken: vec![Broken { invariant: Invariant::Outcome, found }],
        events: Vec::new(),
        kept: None,
    };
    let CutRecord { outcome, broken, events, kept } = match ran {
        Ok(Ok(happened)) => happened,
        Ok(Err(error)) => defect(error.to_string()),
        Err(_) => defect("a defect in recover; its message is above".to_owned()),
    };
    let runs = [events];
    let kept = kept.filter(|folder| keep_first_few(folder, &runs));
    Tried { board, case, outcome, broken, kept, took: began.elapsed() }
}

/// A line of numbers for each playbook.
fn human(
    boards: &[Board<'_>],
    all: &[(&Board<'_>, &CutCase)],
    tried: &[Tried<'_>],
    invalid: &[Invalid],
    took: Duration,
    look: &Look,
) {
    for tried in tried.iter().filter(|tried| !tried.broken.is_empty()) {
        let began = if tried.case.scenario.is_empty() { "" } else { &format!(" ({})", tried.case.scenario) };
        let name = format!("{} › {}{began}", tried.board.target.name, tried.case);
        tell_broken(&name, &tried.broken, &tried.command(), tried.kept.as_deref(), look);
    }
    let width = boards.iter().map(|board| board.target.name.chars().count()).max().unwrap_or(0);
    let head = format!("{:width$}  runs   cuts  states  tried  recovered  broken  seconds", "");
    say(&look.paint(Role::Title, &head));
    for board in boards {
        let of_board: Vec<&CutCase> =
            all.iter().filter(|(of, _)| std::ptr::eq(*of, board)).map(|(_, case)| *case).collect();
        let here: Vec<&Tried<'_>> = tried.iter().filter(|tried| std::ptr::eq(tried.board, board)).collect();
        let runs: BTreeSet<&str> = of_board.iter().map(|case| case.scenario.as_str()).collect();
        let cuts: usize = of_board.iter().map(|case| case.cuts).sum();
        let recovered = here.iter().filter(|tried| tried.outcome == Outcome::Recovered).count();
        let broken = here.iter().filter(|tried| !tried.broken.is_empty()).count();
        let seconds = here.iter().map(|tried| tried.took).sum::<Duration>().as_secs_f64();
        say(&format!(
            "{:width$}  {:4}  {cuts:5}  {:6}  {:5}  {recovered:9}  {broken:6}  {seconds:7.1}",
            board.target.name,
            runs.len(),
            of_board.len(),
            here.len()
        ));
    }
    say("");
    tell_invalid(invalid, look);
    let broken = tried.iter().filter(|tried| !tried.broken.is_empty()).count();
    let cuts: usize = all.iter().map(|(_, case)| case.cuts).sum();
    let (cuts, states) = (count(cuts, "cut leaves", "cuts leave"), count(all.len(), "state", "states"));
    let line = format!("{cuts} {states}; {} tried, {broken} broke a rule{}", tried.len(), not_run(invalid));
    let sound = broken == 0 && invalid.is_empty();
    say(&look.paint(if sound { Role::Success } else { Role::Failure }, &line));
    say(&look.paint(Role::Quiet, &format!("in {:.1} s", took.as_secs_f64())));
}

/// The run after all cuts that leave this state.
#[derive(serde::Serialize)]
#[serde(tag = "event", rename = "cut")]
struct CutLine<'a> {
    file: &'a str,
    playbook: &'a str,
    name: String,
    step: Option<&'a str>,
    boundary: &'static str,
    cut: &'static str,
    scenario: &'a str,
    cuts: usize,
    /// How it ended.
    end: String,
    passed: bool,
    broken: Vec<BrokenLine<'a>>,
    command: String,
    seconds: f64,
    bench: Option<String>,
}

fn json(tried: &[Tried<'_>], invalid: &[Invalid], took: Duration) {
    let lines = tried.iter().map(|tried| {
        let passed = tried.broken.is_empty();
        let line = CutLine {
            file: &tried.board.target.name,
            playbook: &tried.board.target.playbook.source.name,
            name: tried.case.to_string(),
            step: tried.case.place.step.as_ref().map(Id::as_str),
            boundary: tried.case.place.boundary.name(),
            cut: tried.case.cut.name(),
            scenario: &tried.case.scenario,
            cuts: tried.case.cuts,
            end: tried.outcome.to_string(),
            passed,
            broken: broken_lines(&tried.broken),
            command: tried.command(),
            seconds: tried.took.as_secs_f64(),
            bench: tried.kept.as_ref().map(|kept| kept.display().to_string()),
        };
        (passed, line)
    });
    json_lines(lines, invalid, took);
}

fn junit(tried: &[Tried<'_>], invalid: &[Invalid], took: Duration) {
    let mut suites = Suites::new();
    for tried in tried {
        let mut lines: Vec<String> =
            tried.broken.iter().map(|broken| format!("broken: {}: {}", broken.invariant, broken.found)).collect();
        lines.push(tried.command());
        suites.entry(tried.board.target.name.clone()).or_default().push(ReportedCase {
            name: tried.case.to_string(),
            class: Some(tried.board.target.playbook.board.clone()),
            file: None,
            took: tried.took,
            end: if tried.broken.is_empty() { CaseEnd::Passed } else { CaseEnd::Failed(Words::of(None, lines)) },
        });
    }
    with_invalid(&mut suites, invalid);
    show(&text(suites, took));
}
