//! One trial of the matrix: a run with one mishap at one point, and a second run on the board as the first has left it.

use std::fmt;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::bench::cases::bench_run::run_watched;
use crate::bench::faults::RunMishap;
use crate::bench::faults::invariants::{Broken, Ended, Invariant, hold, lacking};
use crate::bench::faults::left::check_left;
use crate::bench::faults::limit::{TRIAL_IMAGE_BYTES_MAX, longest_run};
use crate::bench::faults::point::RunPoint;
use crate::bench::faults::run_watch::{Known, PlannedMishap, RunWatch};
use crate::bench::faults::scenario::{Matrix, Reference};
use crate::bench::{Answers, Bench, BenchRun, CaseError, RunRecord, Subject, WhichBoard};
use crate::documents::playbook::Leaves;
use crate::engine::{Chosen, Event};
use crate::words::Outcome;

/// A mishap and where it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub point: RunPoint,
    pub mishap: RunMishap,
    pub(crate) reference: usize,
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.point, self.mishap.name())
    }
}

/// How the run with the mishap ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialEnd {
    /// As if nothing had been wrong.
    Mended,
    Failed(Outcome),
    Killed,
}

/// What came of a trial.
#[derive(Debug)]
pub struct TrialRecord {
    pub end: TrialEnd,
    pub broken: Vec<Broken>,
    pub runs: Vec<Vec<Event>>,
    /// Of a run that was killed: what is told of an interruption at this point.
    pub leaves: Option<Leaves>,
    /// Where the bench of a broken trial lies.
    pub kept: Option<std::path::PathBuf>,
}

/// Mock tools end at once when they are told to; this much real time is for a busy machine.
const SURVIVES: Duration = Duration::from_secs(5);
/// Older than any version that a catalog asks for.
pub(super) const OLD: &str = "0.0.1";

/// Carries out the trial.
pub fn try_out(subject: Subject<'_>, matrix: &Matrix, trial: &Trial) -> Result<TrialRecord, CaseError> {
    let Some(reference) = matrix.references.get(trial.reference) else { return Ok(TrialRecord::nothing()) };
    let (bench, playbook, given) = reference.scenario.set_up(&matrix.playbook, subject)?;
    let bench_run = BenchRun { playbook: &playbook, ..given };
    let found = matrix.points.iter().find(|(point, _, _)| *point == trial.point);
    let facts = found.map(|(_, facts, _)| facts.clone()).unwrap_or_default();
    let longest = longest_run(&playbook, TRIAL_IMAGE_BYTES_MAX);

    let waits_for_nobody = facts.wanted.is_empty() && facts.tool.is_none();
    let planned = PlannedMishap { point: trial.point.clone(), mishap: trial.mishap, facts };
    planned.prepare(&bench)?;
    let watch = Rc::new(RunWatch::new(&playbook, bench.files(), Some(planned)));
    let first = run_watched(&bench, &bench_run, &watch)?;
    let killed = watch.run().killed;
    let (ended, end) = match (killed, first.outcome == reference.outcome) {
        (true, _) => (Ended::Killed, TrialEnd::Killed),
        (false, true) => (Ended::ByItself, TrialEnd::Mended),
        (false, false) => (Ended::ByItself, TrialEnd::Failed(first.outcome)),
    };
    let mut broken = Vec::new();
    broken.extend(survivors(&watch));
    if !killed {
        let chosen = bench_run.chosen != Chosen::Any;
        broken.extend(outcome(trial.mishap, first.outcome, reference, Way { waits_for_nobody, chosen }));
    }
    broken.extend(hold(&first, &watch.run(), &bench_run, ended, reference, longest));
    if !watch.run().happened && !trial.mishap.before_run() && !never_noticed(trial.mishap, end) {
        broken.push(Broken::new(Invariant::Happens, format!("it did not, and the run ended {}", first.outcome)));
    }

    let left = if killed { check_left(&bench, &bench_run, &trial.point, &first)? } else { None };
    let (leaves, false_claim) = left.unzip();
    broken.extend(false_claim.flatten());

    let bench_run = knowing_the_board(bench_run, &watch.run().known);
    bench.heal()?;
    let (second, again) = run_again(&bench, &bench_run, reference, longest)?;
    broken.extend(again);
    let kept = Rc::try_unwrap(bench).ok().filter(|_| !broken.is_empty()).map(Bench::keep);
    Ok(TrialRecord { end, broken, runs: vec![first.events, second.events], leaves, kept })
}

/// The run after one that something has happened to, on the board as that has left it: it must end as one without a mishap.
pub(super) fn run_again(
    bench: &Rc<Bench>,
    bench_run: &BenchRun<'_>,
    reference: &Reference,
    longest: Duration,
) -> Result<(RunRecord, Vec<Broken>), CaseError> {
    bench.begin_trial()?;
    let watch = Rc::new(RunWatch::new(bench_run.playbook, bench.files(), None));
    let second = run_watched(bench, bench_run, &watch)?;
    let mut broken = hold(&second, &watch.run(), bench_run, Ended::ByItself, reference, longest);
    for broken in &mut broken {
        broken.found = format!("in the second run: {}", broken.found);
    }
    let lacking = lacking(&second.regions, &second.fuses, &reference.regions, &reference.fuses);
    // The first run may have done its work before the mishap: a playbook may then refuse to do it again.
    let nothing_to_do = second.outcome == Outcome::RefusedByPlaybook && lacking.is_none();
    if second.outcome != reference.outcome && !nothing_to_do {
        let what = match second.events.last() {
            Some(Event::Finished { problem: Some(problem), .. }) => format!(": {}", problem.what),
            _ => String::new(),
        };
        broken.push(Broken::new(Invariant::Again, format!("it ended {}{what}", second.outcome)));
    } else if let Some(missing) = lacking {
        broken.push(Broken::new(Invariant::Again, missing));
    }
    Ok((second, broken))
}

/// The person runs it again for the board that the first run has found out about: on its port, or, where that run did not
/// come so far, by saying that the board that they have moved is theirs.
pub(super) fn knowing_the_board<'a>(bench_run: BenchRun<'a>, known: &Known) -> BenchRun<'a> {
    match (&known.port, bench_run.answers) {
        (Some(port), _) if bench_run.chosen == Chosen::Any => {
            BenchRun { chosen: Chosen::Port(port.clone()), ..bench_run }
        }
        (None, Answers::Given { .. }) if known.hands_moved => {
            BenchRun { answers: Answers::Given { which_board: WhichBoard::ItIs }, ..bench_run }
        }
        _ => bench_run,
    }
}

/// A run whose last steps wait for nothing is over before an interrupt can be noticed.
fn never_noticed(mishap: RunMishap, end: TrialEnd) -> bool {
    matches!(mishap, RunMishap::Interrupt | RunMishap::Terminate) && end == TrialEnd::Mended
}

/// What of a run lets a mishap pass without a trace.
#[derive(Debug, Clone, Copy)]
struct Way {
    waits_for_nobody: bool,
    /// The person has said which board is meant.
    chosen: bool,
}

fn outcome(mishap: RunMishap, outcome: Outcome, reference: &Reference, way: Way) -> Option<Broken> {
    let mut fits = mishap.may_end().to_vec();
    // Where only the absence of devices is waited for, an absent board is what is wanted; and beside a board that was
    // chosen another one may be.
    if mishap == RunMishap::DeviceAbsent && way.waits_for_nobody || mishap == RunMishap::DeviceTwice && way.chosen {
        fits.push(Outcome::Recovered);
    }
    // A playbook that is meant to refuse, refuses with a mishap, too.
    let as_ever = outcome == reference.outcome && outcome != Outcome::Recovered;
    let found = || {
        let fits: Vec<&str> = fits.iter().map(|outcome| outcome.word()).collect();
        Broken::new(Invariant::Outcome, format!("it ended {outcome}, and {} would fit", fits.join(" or ")))
    };
    (!fits.contains(&outcome) && !as_ever).then(found)
}

fn survivors(watch: &RunWatch) -> Option<Broken> {
    let began = Instant::now();
    loop {
        let playing = watch.playing.load(Ordering::SeqCst);
        if playing == 0 {
            return None;
        }
        if began.elapsed() > SURVIVES {
            return Some(Broken::new(Invariant::Survivors, format!("{playing} tools still work")));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl TrialRecord {
    fn nothing() -> Self {
        TrialRecord { end: TrialEnd::Mended, broken: Vec::new(), runs: Vec::new(), leaves: None, kept: None }
    }
}
