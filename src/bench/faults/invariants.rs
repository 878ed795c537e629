//! What must hold of every run, whatever goes wrong in it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::bench::faults::run_watch::{Act, FirstChange, Run};
use crate::bench::faults::scenario::Reference;
use crate::bench::{Answers, BenchRun, Region, RunRecord, WhichBoard};
use crate::engine::{BoardRegion, Chosen, Event, RegionState};
use crate::output::Touched;
use crate::words::{FaultClass, Outcome, Verdict};

/// The rules, by what a breach of them means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    Outcome,
    Limits,
    Survivors,
    Images,
    Board,
    Irreversible,
    Evidence,
    State,
    Left,
    Again,
    /// Of the matrix itself.
    Happens,
}

impl Invariant {
    pub fn sentence(self) -> &'static str {
        match self {
            Invariant::Outcome => "it ends in a named outcome that fits the mishap",
            Invariant::Limits => "it ends within its limits",
            Invariant::Survivors => "nothing that it started survives it",
            Invariant::Images => "it never says recovered when the board does not hold the images",
            Invariant::Board => {
                "a board whose id others share is changed only after the person moved, said so or chose it"
            }
            Invariant::Irreversible => {
                "no irreversible step runs twice, without consent, or before the flash is proven"
            }
            Invariant::Evidence => "the evidence of the run is complete and readable",
            Invariant::State => "what it says of the board's memory agrees with the board",
            Invariant::Left => "what is told of an interruption there is what it leaves of the board",
            Invariant::Again => "running again ends as a run without the mishap",
            Invariant::Happens => "the mishap happens",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.sentence())
    }
}

/// A rule that did not hold, and what was found instead.
#[derive(Debug, Clone)]
pub struct Broken {
    pub invariant: Invariant,
    pub found: String,
}

impl Broken {
    pub(crate) fn new(invariant: Invariant, found: impl Into<String>) -> Self {
        Broken { invariant, found: found.into() }
    }
}

/// Did the run come to its end by itself?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    ByItself,
    Killed,
}

/// Everything but the outcome, which depends on the mishap.
pub(crate) fn hold(
    record: &RunRecord,
    run: &Run,
    bench_run: &BenchRun<'_>,
    ended: Ended,
    reference: &Reference,
    longest: Duration,
) -> Vec<Broken> {
    let mut broken = Vec::new();
    broken.extend(board(run, bench_run));
    if ended == Ended::ByItself {
        broken.extend(limits(record, longest));
        broken.extend(images(record, reference));
        broken.extend(believed(record, run));
        broken.extend(evidence(record));
        broken.extend(state(record));
    }
    broken.extend(irreversible(&run.acts, reference));
    if record.stage.scene().is_some() {
        broken.extend(unproven(&run.acts));
    }
    broken
}

/// Asks nothing of the engine's own account: only what really was on the bus, and what the person did.
fn board(run: &Run, bench_run: &BenchRun<'_>) -> Option<Broken> {
    let FirstChange { hands_moved, attached } = run.first_change.as_ref()?;
    let shared = bench_run.playbook.devices.iter();
    let shared = shared.filter(|device| device.shares_its_id(bench_run.catalog)).flat_map(|device| &device.ids);
    let there = shared.copied().find(|id| attached.contains(id))?;
    let said_so = bench_run.answers == Answers::Given { which_board: WhichBoard::ItIs };
    let proven = *hands_moved || said_so || bench_run.chosen != Chosen::Any;
    (!proven)
        .then(|| Broken::new(Invariant::Board, format!("{there} was changed, which nobody had moved, named or chosen")))
}

fn limits(record: &RunRecord, longest: Duration) -> Option<Broken> {
    let Some(Event::Finished { elapsed_ms, .. }) = record.events.last() else { return None };
    let took = Duration::from_millis(*elapsed_ms);
    (took > longest).then(|| {
        let found = format!("it took {} s, and its limits add up to {} s", took.as_secs(), longest.as_secs());
        Broken::new(Invariant::Limits, found)
    })
}

fn images(record: &RunRecord, reference: &Reference) -> Option<Broken> {
    if record.outcome != Outcome::Recovered || reference.outcome != Outcome::Recovered {
        return None;
    }
    let missing = lacking(&record.regions, &record.fuses, &reference.regions, &reference.fuses)?;
    Some(Broken::new(Invariant::Images, format!("it says recovered, but {missing}")))
}

/// A scene has no memory that could be looked at: there the words of a call that did not do its work must not be enough.
fn believed(record: &RunRecord, run: &Run) -> Option<Broken> {
    let step = run.believed().filter(|_| record.outcome == Outcome::Recovered && record.stage.scene().is_some())?;
    let found = format!(
        "it says recovered, but the tool of {step} had not done its work; what it printed was taken for evidence of success"
    );
    Some(Broken::new(Invariant::Images, found))
}

fn unproven(acts: &[Act]) -> impl Iterator<Item = Broken> {
    acts.iter().filter_map(|act| {
        let before = act.believed.as_ref().filter(|before| **before != act.step)?;
        let found = format!("{} was carried out although the tool of {before} had not done its work", act.step);
        Some(Broken::new(Invariant::Irreversible, found))
    })
}

/// What of the reference the board does not hold.
pub(crate) fn lacking(
    regions: &[Region],
    fuses: &BTreeMap<u32, u32>,
    wanted_regions: &[Region],
    wanted_fuses: &BTreeMap<u32, u32>,
) -> Option<String> {
    if let Some(region) = wanted_regions.iter().find(|wanted| !regions.contains(wanted)) {
        let there = regions.iter().find(|other| other.address == region.address);
        let there = there.map_or("nothing".to_owned(), |other| format!("{} other bytes", other.length));
        return Some(format!(
            "the {} bytes at {:#010x} are not what a run without the mishap leaves; {there} begin there",
            region.length, region.address
        ));
    }
    let (index, value) = wanted_fuses.iter().find(|(index, value)| fuses.get(index) != Some(value))?;
    let found = fuses.get(index).copied().unwrap_or(0);
    Some(format!("fuse word {index:#04x} is {found:#010x} instead of {value:#010x}"))
}

fn irreversible(acts: &[Act], reference: &Reference) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (index, act) in acts.iter().enumerate() {
        let mut breaks = |found: String| broken.push(Broken::new(Invariant::Irreversible, found));
        if acts[..index].iter().any(|earlier| earlier.step == act.step) {
            breaks(format!("{} was carried out twice in one run", act.step));
        }
        if !act.consented {
            breaks(format!("{} was carried out without consent", act.step));
        }
        let Some(clean) = reference.acts.iter().find(|clean| clean.step == act.step) else { continue };
        if act.fuses == reference.fuses && clean.fuses != reference.fuses {
            breaks(format!("{} was carried out although its effect was there", act.step));
        }
        if let Some(missing) = lacking(&act.regions, &BTreeMap::new(), &clean.regions, &BTreeMap::new()) {
            breaks(format!("{} was carried out before the flash held the images: {missing}", act.step));
        }
    }
    broken
}

/// The words on the board's state come from the regions, so those are held against the board.
fn state(record: &RunRecord) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut breaks = |found: String| broken.push(Broken::new(Invariant::State, found));
    let (Some(Event::Finished { problem: Some(problem), .. }), Some(changes)) = (record.events.last(), record.changes)
    else {
        return broken;
    };
    let told: Vec<&BoardRegion> = problem
        .regions
        .iter()
        .filter(|region| !matches!(region.state, RegionState::Untouched | RegionState::Held))
        .collect();
    if changes > 0 && told.is_empty() {
        breaks(format!("it says `{}`, and the board's memory was changed {changes} times", problem.state));
    }
    for region in &told {
        let name = &region.name;
        // A call whose end nobody has seen may have changed something; more than that needs a change.
        let may_be = matches!(region.state, RegionState::PartlyErased | RegionState::PartlyWritten);
        if changes == 0 && !(may_be && unclear(record, &region.tool)) {
            breaks(format!("it says of {name} `{:?}`, and the board's memory is as it was", region.state));
        }
        let (Some(address), Some(length), RegionState::Proven) = (region.address, region.length, region.state) else {
            continue;
        };
        let wanted = record.events.iter().find_map(|event| match event {
            Event::InputReady { file, sha256, .. } if region.file.as_ref() == Some(file) => Some(sha256),
            _ => None,
        });
        // It may be a part of the file, written by itself.
        let covers = |there: &Region| there.address <= address && address + length <= there.address + there.length;
        let holds = |there: &Region| covers(there) && Some(&there.sha256) == wanted;
        if !record.regions.iter().any(holds) {
            breaks(format!("it says that {name} is proven, and the board does not hold it"));
        }
    }
    broken
}

/// Was there a call of this tool of which only the board knows what it did?
fn unclear(record: &RunRecord, tool: &str) -> bool {
    record.events.iter().any(|event| match event {
        Event::ToolEnded { tool: of, verdict: Verdict::Fault(fault), touched, .. } => {
            let no_answer = fault.class.outcome_unknown() || fault.class == FaultClass::Cancelled;
            let crashed = fault.class == FaultClass::ToolBroken;
            of == tool && *touched == Touched::Partly && (no_answer || crashed)
        }
        _ => false,
    })
}

fn evidence(record: &RunRecord) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut breaks = |found: &str| broken.push(Broken::new(Invariant::Evidence, found));
    let Some(Event::Finished { outcome, exit_code, problem, .. }) = record.events.last() else {
        breaks("the last event is not the end of the run");
        return broken;
    };
    if *exit_code != outcome.exit_code() || *outcome != record.outcome {
        breaks("the last event does not tell the outcome and its exit code");
    }
    let finished = record.events.iter().filter(|event| matches!(event, Event::Finished { .. })).count();
    if finished > 1 {
        breaks("the run ends more than once");
    }
    match problem {
        None if *outcome != Outcome::Recovered => breaks("a failure is not explained"),
        Some(problem) if problem.what.trim().is_empty() => breaks("a failure does not say what happened"),
        Some(problem) if problem.state.trim().is_empty() => breaks("a failure does not say how the board is"),
        Some(problem) if problem.next.is_empty() && *outcome != Outcome::RefusedByPlaybook => {
            breaks("a failure does not say what to do next");
        }
        _ => {}
    }
    let mut open: Option<String> = None;
    for event in &record.events {
        match event {
            Event::ToolStarted { command, .. } => {
                if let Some(command) = open.replace(command.join(" ")) {
                    breaks(&format!("`{command}` was started, and its end is not told"));
                }
            }
            Event::ToolEnded { command, .. } => {
                let ended = command.join(" ");
                if open.take().as_ref() != Some(&ended) {
                    breaks(&format!("`{ended}` ended without a beginning"));
                }
            }
            _ => {}
        }
    }
    if let Some(command) = open {
        breaks(&format!("`{command}` was started, and its end is not told"));
    }
    if let Some(event) = record.events.iter().find(|event| serde_json::to_string(event).is_err()) {
        breaks(&format!("an event cannot be written down: {event:?}"));
    }
    broken
}
