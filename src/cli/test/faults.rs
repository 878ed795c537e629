//! `recover test --faults`: lets every mishap happen at every step of playbooks where it can, and reports.

pub(super) mod report;
mod table;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::bench::{
    Broken, CaseError, FAULT_IMAGE_BYTES_MAX, Invariant, Matrix, Subject, Trial, TrialEnd, TrialRecord, survey, try_out,
};
use crate::cli::arguments::{ReportFormat, TestArgs};
use crate::cli::catalogs::Catalogs;
use crate::cli::diagnostics::render;
use crate::cli::parallel::{cores, in_parallel};
use crate::cli::streams::{complain, complain_at_length};
use crate::cli::style::Look;
use crate::cli::test::collect::{Collected, Target, collect_targets};
use crate::cli::test::watchdog::Watchdog;
use crate::cli::test::{Invalid, keep_first_few, report as cases, tell_catalogs, unless_invalid};
use crate::engine::Outcome;
use crate::words::{Code, Diagnostic};

/// Real time for two runs; they take a fraction of a second.
const TRIAL_MAX: Duration = Duration::from_secs(60);

/// A playbook and everything that can go wrong with it.
pub(super) struct Board<'a> {
    pub(super) target: &'a Target,
    pub(super) matrix: Matrix,
}

/// What came of a trial.
struct Tried<'a> {
    board: &'a Board<'a>,
    trial: &'a Trial,
    end: TrialEnd,
    broken: Vec<Broken>,
    /// Why it may be broken.
    excuse: Option<&'a str>,
    kept: Option<PathBuf>,
    took: Duration,
}

impl Tried<'_> {
    fn passed(&self) -> bool {
        self.broken.is_empty() || self.excuse.is_some()
    }

    /// A command that does this again, and nothing else.
    fn command(&self) -> String {
        format!("recover test {} --faults --filter '{}'", self.board.target.name, self.trial)
    }
}

pub(super) fn try_all(args: &TestArgs, catalogs: &Catalogs, look: &Look) -> Outcome {
    let began = Instant::now();
    let Collected { sound: targets, invalid, .. } = match targets(args, catalogs, look) {
        Ok(collected) => collected,
        Err(outcome) => return outcome,
    };
    if targets.is_empty() {
        report(args.format, &[], &invalid, began.elapsed(), look);
        return unless_invalid(&invalid, Outcome::Recovered);
    }
    let jobs = args.jobs.map_or_else(cores, usize::from);
    let boards = match boards(&targets, FAULT_IMAGE_BYTES_MAX, jobs) {
        Ok(boards) => boards,
        Err(outcome) => return outcome,
    };
    let trials: Vec<Vec<Trial>> = boards.iter().map(|board| board.matrix.trials()).collect();
    let all: Vec<(&Board<'_>, &Trial)> =
        boards.iter().zip(&trials).flat_map(|(board, trials)| trials.iter().map(move |trial| (board, trial))).collect();
    // What is wrong with the other files is told to programs all the same.
    let nothing_tried = || {
        if !invalid.is_empty() {
            report(args.format, &[], &invalid, began.elapsed(), look);
        }
        unless_invalid(&invalid, Outcome::CommandLine)
    };
    if all.is_empty() {
        complain(
            "error: mishaps happen on virtual boards and in scenes, and none of these playbooks has either: add \
             `virtual_board:`, or a case with a `scene:` that ends recovered",
        );
        return nothing_tried();
    }
    let mut chosen = choose(&all, &args.filter);
    if chosen.is_empty() {
        complain(&format!(
            "error: none of the {} trials has a name with all of: {}",
            all.len(),
            args.filter.join(", ")
        ));
        return nothing_tried();
    }
    if let Some(shard) = args.shard {
        shard.keep(&mut chosen);
        if chosen.is_empty() {
            complain("There is no mishap in this part.");
        }
    }
    let watchdog = Watchdog::new(TRIAL_MAX);
    let tried = std::thread::scope(|scope| {
        scope.spawn(|| watchdog.watch());
        let tried =
            in_parallel(jobs, &chosen, |(board, trial)| watchdog.guard(&trial.to_string(), || try_one(board, trial)));
        watchdog.rest();
        tried
    });
    // Where only some were tried, nothing can be said of the others.
    let stale = if args.filter.is_empty() && args.shard.is_none() { stale(&boards, &tried) } else { Vec::new() };
    report(args.format, &tried, &invalid, began.elapsed(), look);
    complain_at_length(&render(&stale, look));
    let passed = stale.is_empty() && tried.iter().all(Tried::passed);
    unless_invalid(&invalid, if passed { Outcome::Recovered } else { Outcome::StepFailed })
}

/// The playbooks that can be tried. What is wrong with the others is told.
pub(super) fn targets(args: &TestArgs, catalogs: &Catalogs, look: &Look) -> Result<Collected<Target>, Outcome> {
    let collected = collect_targets(&args.paths, catalogs).map_err(|message| {
        complain(&format!("error: {message}"));
        Outcome::CommandLine
    })?;
    complain_at_length(&render(&collected.diagnostics, look));
    tell_catalogs(catalogs);
    cases::annotate_diagnostics(&collected.diagnostics);
    Ok(collected)
}

/// Finds out what each of them does when all goes well.
pub(super) fn boards(targets: &[Target], image_bytes_max: u64, jobs: usize) -> Result<Vec<Board<'_>>, Outcome> {
    let borrowed: Vec<&Target> = targets.iter().collect();
    let boards = in_parallel(jobs, &borrowed, |target: &&Target| look_over(target, image_bytes_max));
    boards.into_iter().collect::<Result<_, _>>().map_err(|message| {
        complain(&format!("error: {message}"));
        Outcome::StepFailed
    })
}

fn report(format: ReportFormat, tried: &[Tried<'_>], invalid: &[Invalid], took: Duration, look: &Look) {
    match format {
        ReportFormat::Human => {
            if !tried.is_empty() {
                table::show(tried, look);
            }
            report::human(tried, invalid, took, look);
        }
        ReportFormat::Json => report::json(tried, invalid, took),
        ReportFormat::Junit => report::junit(tried, invalid, took),
    }
}

/// Why the mishaps of a playbook cannot be found.
#[derive(Debug, thiserror::Error)]
#[error("{playbook}: {source}")]
struct NoMatrix {
    playbook: String,
    source: CaseError,
}

fn look_over(target: &Target, image_bytes_max: u64) -> Result<Board<'_>, NoMatrix> {
    let of_tests = target.tests.as_ref().map(|tests| tests.cases.as_slice()).unwrap_or_default();
    let matrix = survey(subject(target), of_tests, image_bytes_max)
        .map_err(|source| NoMatrix { playbook: target.name.clone(), source })?;
    Ok(Board { target, matrix })
}

pub(super) fn subject(target: &Target) -> Subject<'_> {
    Subject {
        playbook: &target.playbook,
        sound: &target.playbook,
        name: &target.playbook.source.name,
        catalog: &target.catalog.catalog,
        folder: &target.folder,
        scenes: &target.scenes,
    }
}

/// A filter that is the whole name of one means this one only; else names must hold the texts.
pub(in crate::cli::test) fn choose<'a, T: fmt::Display>(
    all: &[(&'a Board<'a>, &'a T)],
    filter: &[String],
) -> Vec<(&'a Board<'a>, &'a T)> {
    let exact = |(_, one): &&(&Board<'_>, &T)| filter.len() == 1 && one.to_string() == filter[0];
    let found: Vec<_> = all.iter().filter(exact).copied().collect();
    if !found.is_empty() {
        return found;
    }
    let fits = |(board, one): &&(&Board<'_>, &T)| {
        let name = format!("{} {one}", board.target.name);
        filter.iter().all(|text| name.contains(text.as_str()))
    };
    all.iter().filter(fits).copied().collect()
}

fn try_one<'a>(board: &'a Board<'a>, trial: &'a Trial) -> Tried<'a> {
    let began = Instant::now();
    let ran = catch_unwind(AssertUnwindSafe(|| try_out(subject(board.target), &board.matrix, trial)));
    let defect = |found: String| TrialRecord {
        end: TrialEnd::Failed(Outcome::Defect),
        broken: vec![Broken { invariant: Invariant::Outcome, found }],
        runs: Vec::new(),
        leaves: None,
        kept: None,
    };
    let happened = match ran {
        Ok(Ok(happened)) => happened,
        Ok(Err(error)) => defect(error.to_string()),
        Err(_) => defect("a defect in recover; its message is above".to_owned()),
    };
    let kept = happened.kept.filter(|folder| keep_first_few(folder, &happened.runs));
    let name = trial.to_string();
    let excused = board.target.tests.as_ref().map(|tests| tests.excused.as_slice()).unwrap_or_default();
    let excuse = excused.iter().find(|excused| excused.fits(&name)).map(|excused| excused.reason.as_str());
    let excuse = excuse.filter(|_| !happened.broken.is_empty());
    Tried { board, trial, end: happened.end, broken: happened.broken, excuse, kept, took: began.elapsed() }
}

/// Excuses that excuse nothing any more.
fn stale(boards: &[Board<'_>], tried: &[Tried<'_>]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for board in boards {
        let excused = board.target.tests.as_ref().map(|tests| tests.excused.as_slice()).unwrap_or_default();
        for excuse in excused {
            let of_board = |tried: &&Tried<'_>| std::ptr::eq(tried.board.target, board.target);
            let needed = tried
                .iter()
                .filter(of_board)
                .any(|tried| tried.excuse.is_some() && excuse.fits(&tried.trial.to_string()));
            if !needed {
                let message = format!("`{}` excuses nothing: no such trial breaks a rule", excuse.trial.value);
                diagnostics.push(Diagnostic::error(Code::Unused, &excuse.trial.place, message).hint("remove it"));
            }
        }
    }
    diagnostics
}
