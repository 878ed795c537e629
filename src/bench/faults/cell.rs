//! One cell of the matrix: a run with one fault at one site, and a second run on the board as the first has left it.

use std::fmt;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::bench::cases::rehearsal::rehearse_struck;
use crate::bench::faults::StrikeFault;
use crate::bench::faults::invariants::{Broken, Ended, Invariant, hold, lacking};
use crate::bench::faults::limit::longest_run;
use crate::bench::faults::scenario::{Matrix, Reference};
use crate::bench::faults::site::Site;
use crate::bench::faults::striking::{Strike, Striking};
use crate::bench::{Account, Answers, Bench, CaseError, Rehearsal, Subject, WhichBoard};
use crate::documents::playbook::DeviceKind;
use crate::engine::{Chosen, Event};
use crate::words::{Id, Outcome};

/// A fault and where it strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub site: Site,
    pub fault: StrikeFault,
    pub(crate) reference: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.site, self.fault.name())
    }
}

/// How the struck run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellEnd {
    /// As if nothing had been wrong.
    Mended,
    Failed(Outcome),
    Killed,
}

/// What came of a cell.
#[derive(Debug)]
pub struct Struck {
    pub end: CellEnd,
    pub broken: Vec<Broken>,
    pub runs: Vec<Vec<Event>>,
    /// Where the bench of a broken cell lies.
    pub kept: Option<std::path::PathBuf>,
}

/// Mock tools end at once when they are told to; this much real time is for a busy machine.
const SURVIVES: Duration = Duration::from_secs(5);
/// Older than any version that a catalog asks for.
pub(super) const OLD: &str = "0.0.1";

/// Runs the cell.
pub fn strike_cell(subject: Subject<'_>, matrix: &Matrix, cell: &Cell) -> Result<Struck, CaseError> {
    let Some(reference) = matrix.references.get(cell.reference) else { return Ok(Struck::nothing()) };
    let (bench, playbook, given) = reference.scenario.set_up(&matrix.playbook, subject)?;
    let rehearsal = Rehearsal { playbook: &playbook, ..given };
    let found = matrix.sites.iter().find(|(site, _, _)| *site == cell.site);
    let facts = found.map(|(_, facts, _)| facts.clone()).unwrap_or_default();
    let image_bytes = 16 * 1024 * 1024;
    let longest = longest_run(&playbook, image_bytes);

    let waits_for_nobody = facts.wanted.is_empty() && facts.tool.is_none();
    let strike = Strike { site: cell.site.clone(), fault: cell.fault, facts };
    strike.prepare(&bench)?;
    let striking = Rc::new(Striking::new(&playbook, bench.files(), Some(strike)));
    let first = rehearse_struck(&bench, &rehearsal, &striking)?;
    let killed = striking.run().killed;
    let (ended, end) = match (killed, first.outcome == reference.outcome) {
        (true, _) => (Ended::Killed, CellEnd::Killed),
        (false, true) => (Ended::ByItself, CellEnd::Mended),
        (false, false) => (Ended::ByItself, CellEnd::Failed(first.outcome)),
    };
    let mut broken = Vec::new();
    broken.extend(survivors(&striking));
    if !killed {
        broken.extend(outcome(cell.fault, first.outcome, reference, waits_for_nobody));
    }
    broken.extend(hold(&first, &striking.run(), &rehearsal, ended, reference, longest));
    if !striking.run().struck && !cell.fault.before_run() && !never_noticed(cell.fault, end) {
        broken.push(Broken::new(Invariant::Strikes, format!("it did not, and the run ended {}", first.outcome)));
    }

    let rehearsal = knowing_the_board(rehearsal, &first, striking.run().hands_moved);
    bench.heal()?;
    let striking = Rc::new(Striking::new(&playbook, bench.files(), None));
    let second = rehearse_struck(&bench, &rehearsal, &striking)?;
    let mut again = hold(&second, &striking.run(), &rehearsal, Ended::ByItself, reference, longest);
    for broken in &mut again {
        broken.found = format!("in the second run: {}", broken.found);
    }
    broken.extend(again);
    let lacking = lacking(&second.regions, &second.fuses, &reference.regions, &reference.fuses);
    // The first run may have done its work before it was struck: a playbook may then refuse to do it again.
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
    let kept = Rc::try_unwrap(bench).ok().filter(|_| !broken.is_empty()).map(Bench::keep);
    Ok(Struck { end, broken, runs: vec![first.events, second.events], kept })
}

/// The person runs it again for the board that the first run has found out about: on its port, or, where that run did not
/// come so far, by saying that the board that they have moved is theirs.
fn knowing_the_board<'a>(rehearsal: Rehearsal<'a>, first: &Account, hands_moved: bool) -> Rehearsal<'a> {
    let kind = |name: &Id| rehearsal.playbook.device(name).map(|device| device.kind);
    let proven = first.events.iter().rev().find_map(|event| match event {
        // The name of a serial port need not stay when the board is connected again.
        Event::BoardProven { port, device, .. } if kind(device) != Some(DeviceKind::Serial) => Some(port.clone()),
        _ => None,
    });
    match (proven, rehearsal.answers) {
        (Some(port), _) if rehearsal.chosen == Chosen::Any => Rehearsal { chosen: Chosen::Port(port), ..rehearsal },
        (None, Answers::Given { .. }) if hands_moved => {
            Rehearsal { answers: Answers::Given { which_board: WhichBoard::ItIs }, ..rehearsal }
        }
        _ => rehearsal,
    }
}

/// A run whose last steps wait for nothing is over before an interrupt can be noticed.
fn never_noticed(fault: StrikeFault, end: CellEnd) -> bool {
    matches!(fault, StrikeFault::Interrupt | StrikeFault::Terminate) && end == CellEnd::Mended
}

fn outcome(fault: StrikeFault, outcome: Outcome, reference: &Reference, waits_for_nobody: bool) -> Option<Broken> {
    let mut fits = fault.may_end().to_vec();
    // Where only the absence of devices is waited for, an absent board is what is wanted.
    if fault == StrikeFault::DeviceAbsent && waits_for_nobody {
        fits.push(Outcome::Recovered);
    }
    // A playbook that is meant to refuse, refuses with a fault, too.
    let as_ever = outcome == reference.outcome && outcome != Outcome::Recovered;
    let found = || {
        let fits: Vec<&str> = fits.iter().map(|outcome| outcome.word()).collect();
        Broken::new(Invariant::Outcome, format!("it ended {outcome}, and {} would fit", fits.join(" or ")))
    };
    (!fits.contains(&outcome) && !as_ever).then(found)
}

fn survivors(striking: &Striking) -> Option<Broken> {
    let began = Instant::now();
    loop {
        let playing = striking.playing.load(Ordering::SeqCst);
        if playing == 0 {
            return None;
        }
        if began.elapsed() > SURVIVES {
            return Some(Broken::new(Invariant::Survivors, format!("{playing} tools still work")));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Struck {
    fn nothing() -> Self {
        Struck { end: CellEnd::Mended, broken: Vec::new(), runs: Vec::new(), kept: None }
    }
}
