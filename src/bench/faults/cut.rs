//! Every cut: a run is cut at each boundary that it has, in each way that there is, and a next run must bring the board back.
//!
//! The first run is made once, and its board noted at each boundary ([`CutRecorder`]). What a cut makes of that is the
//! model's doing: power takes with it what the board keeps only so long. Cuts that leave the same are one case.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::bench::cases::bench_run::run_watched;
use crate::bench::faults::cut_recorder::{CutPlace, CutRecorder, LeftBench, NotedCut, Notes};
use crate::bench::faults::invariants::{Broken, Invariant};
use crate::bench::faults::limit::{TRIAL_IMAGE_BYTES_MAX, longest_run};
use crate::bench::faults::run_watch::{Known, RunWatch};
use crate::bench::faults::scenario::{Matrix, Reference};
use crate::bench::faults::trial::{knowing_the_board, run_again};
use crate::bench::folder::folder_error;
use crate::bench::kit::memory_image::MemoryImage;
use crate::bench::kit::watched::Boundary;
use crate::bench::state::{BenchState, SETTLED_MS};
use crate::bench::{Bench, BenchFolder, BenchRun, CaseError, Subject};
use crate::documents::playbook::HandMove;
use crate::engine::{Already, Earlier, Event};
use crate::words::Outcome;

/// How a run is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// Recover is killed, and its tool with it. The board keeps its power, and finishes what it does by itself.
    Killed,
    /// The cable is pulled out, and recover comes to its end. The board loses all that is not kept in flash and fuses.
    Unplugged,
    /// Board and computer lose power at once, and have it again later.
    PowerLost,
}

impl Cut {
    pub const ALL: [Cut; 3] = [Cut::Killed, Cut::Unplugged, Cut::PowerLost];

    pub fn name(self) -> &'static str {
        match self {
            Cut::Killed => "killed",
            Cut::Unplugged => "unplugged",
            Cut::PowerLost => "power-lost",
        }
    }

    /// A board with power does not stop in the middle of a sector or page.
    fn happens_at(self, boundary: Boundary) -> bool {
        match self {
            Cut::Killed => !matches!(boundary, Boundary::InErase | Boundary::InProgram),
            Cut::Unplugged | Cut::PowerLost => true,
        }
    }

    fn hands(self) -> &'static [HandMove] {
        match self {
            Cut::Killed => &[],
            Cut::Unplugged => &[HandMove::Unplug],
            Cut::PowerLost => &[HandMove::Unplug, HandMove::PlugIn],
        }
    }
}

/// All cuts of one playbook that leave one state.
#[derive(Debug)]
pub struct CutCase {
    /// The first of them.
    pub place: CutPlace,
    pub cut: Cut,
    /// How many there are.
    pub cuts: usize,
    /// How the run began that was cut; empty for the ordinary one.
    pub scenario: String,
    /// The number of that run among those of the playbook, from 0.
    run: usize,
    left: LeftBench,
    /// What the record says of the run up to the cut.
    earlier: Earlier,
    /// Another case leaves the same board with another record: there a run that knows of none is tried.
    begins_anew: bool,
}

impl fmt::Display for CutCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.cut.name())?;
        if self.run == 0 { Ok(()) } else { write!(f, ", run {}", self.run + 1) }
    }
}

/// What came of the run after a cut.
#[derive(Debug)]
pub struct CutRecord {
    pub outcome: Outcome,
    pub broken: Vec<Broken>,
    pub events: Vec<Event>,
    /// Where the bench of a broken one lies.
    pub kept: Option<std::path::PathBuf>,
}

/// How many runs of a playbook there are to be cut, each begun in another way.
pub fn cut_runs(matrix: &Matrix) -> usize {
    matrix.references.len()
}

/// Every cut of one of these runs, by what it leaves. A scene has no board that could be left in a state.
pub fn cuts_of_run(subject: Subject<'_>, matrix: &Matrix, run: usize) -> Result<Vec<CutCase>, CaseError> {
    let Some(reference) = matrix.references.get(run) else { return Ok(Vec::new()) };
    let (bench, playbook, given) = reference.scenario.set_up(&matrix.playbook, subject)?;
    if bench.files().has_scene() {
        return Ok(Vec::new());
    }
    let bench_run = BenchRun { playbook: &playbook, ..given };
    let recorder = CutRecorder::new(&bench.files());
    let watch = Rc::new(RunWatch::new(&playbook, bench.files(), None).noting_cuts(&recorder));
    let first = run_watched(&bench, &bench_run, &watch)?;
    cases(recorder.take(), &first.events, reference, run)
}

fn cases(notes: Notes, events: &[Event], reference: &Reference, run: usize) -> Result<Vec<CutCase>, CaseError> {
    if let Some(error) = notes.failed {
        return Err(error.into());
    }
    let mut after = AfterCut::new()?;
    let mut cases: Vec<CutCase> = Vec::new();
    let mut by_digest: HashMap<String, usize> = HashMap::new();
    let mut by_state: HashMap<(usize, Cut), (LeftBench, String)> = HashMap::new();
    let mut records: HashMap<usize, Earlier> = HashMap::new();
    let mut boards: HashSet<String> = HashSet::new();
    for cut in Cut::ALL {
        for NotedCut { place, left: state, told } in
            notes.cuts.iter().filter(|noted| cut.happens_at(noted.place.boundary))
        {
            let (left, digest) = match by_state.entry((*state, cut)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let Some(left) = notes.left.get(*state) else { continue };
                    let left = after.left(left, cut)?;
                    let digest = left.digest();
                    new.insert((left, digest))
                }
            };
            let earlier = records.entry(*told).or_insert_with(|| Earlier::of(events.iter().take(*told)));
            match by_digest.entry(format!("{digest} {}", earlier.of_memory())) {
                Entry::Occupied(known) => cases[*known.get()].cuts += 1,
                Entry::Vacant(new) => {
                    new.insert(cases.len());
                    cases.push(CutCase {
                        place: place.clone(),
                        cut,
                        cuts: 1,
                        scenario: reference.scenario.name.clone(),
                        run,
                        left: left.clone(),
                        earlier: earlier.clone(),
                        begins_anew: boards.insert(digest.clone()),
                    });
                }
            }
        }
    }
    Ok(cases)
}

/// A folder in which boards lose their power.
struct AfterCut {
    folder: BenchFolder,
    /// What lies in it.
    memory: Arc<MemoryImage>,
}

impl AfterCut {
    fn new() -> Result<Self, CaseError> {
        let folder = BenchFolder::temporary()?;
        let files = folder.files();
        std::fs::create_dir_all(files.memory()).map_err(folder_error(folder.path()))?;
        Ok(AfterCut { folder, memory: Arc::default() })
    }

    fn left(&mut self, left: &LeftBench, cut: Cut) -> Result<LeftBench, CaseError> {
        if cut.hands().is_empty() {
            return Ok(left.clone());
        }
        let files = self.folder.files();
        left.put(&files, &self.memory)?;
        let mut state = BenchState::look(&files)?;
        for (hand, at_ms) in cut.hands().iter().zip((SETTLED_MS..).step_by(MOVE_MS)) {
            state.stage.hands(*hand, at_ms);
        }
        state.save(&files)?;
        // They have their hands on it, or see it come back, and can tell which board is theirs.
        let known = Known { hands_moved: true, ..left.known.clone() };
        let left = LeftBench::of(&files, &left.memory, &known)?;
        self.memory = Arc::clone(&left.memory);
        Ok(left)
    }
}

/// Between two moves of the hands, in milliseconds.
const MOVE_MS: usize = 1_000;

/// Runs the playbook once more on what the cut has left: anew, and going on from the record.
pub fn try_cut(subject: Subject<'_>, matrix: &Matrix, case: &CutCase) -> Result<CutRecord, CaseError> {
    let Some(reference) = matrix.references.get(case.run) else { return Ok(CutRecord::of_another_matrix()) };
    let mut record = None;
    if case.begins_anew || case.earlier.regions.is_empty() {
        let anew = run_after(subject, matrix, reference, case, Already::Nothing)?;
        if !anew.broken.is_empty() || case.earlier.regions.is_empty() {
            return Ok(anew);
        }
        record = Some(anew);
    }
    let mut resumed = run_after(subject, matrix, reference, case, Already::Earlier(case.earlier.clone()))?;
    for broken in &mut resumed.broken {
        broken.found = format!("with --resume: {}", broken.found);
    }
    Ok(record.filter(|_| resumed.broken.is_empty()).unwrap_or(resumed))
}

fn run_after(
    subject: Subject<'_>,
    matrix: &Matrix,
    reference: &Reference,
    case: &CutCase,
    already: Already,
) -> Result<CutRecord, CaseError> {
    let (bench, playbook, given) = reference.scenario.set_up(&matrix.playbook, subject)?;
    let bench_run = knowing_the_board(BenchRun { playbook: &playbook, already, ..given }, &case.left.known);
    case.left.put(&bench.files(), &MemoryImage::default())?;
    let longest = longest_run(&playbook, TRIAL_IMAGE_BYTES_MAX);
    let (second, broken) = run_again(&bench, &bench_run, reference, longest)?;
    let kept = Rc::try_unwrap(bench).ok().filter(|_| !broken.is_empty()).map(Bench::keep);
    Ok(CutRecord { outcome: second.outcome, broken, events: second.events, kept })
}

impl CutRecord {
    fn of_another_matrix() -> Self {
        let broken = Broken::new(Invariant::Happens, "the run that was cut is not among those of the matrix");
        CutRecord { outcome: Outcome::Defect, broken: vec![broken], events: Vec::new(), kept: None }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;
    use crate::bench::faults::scenario::survey;
    use crate::bench::test_bench::shipped;
    use crate::documents::catalog;

    #[test]
    fn a_run_is_cut_at_every_kind_of_boundary_and_gone_on_with_from_its_record() {
        let (playbook, catalog) = (shipped("rt1062"), catalog::shipped().unwrap());
        let subject = Subject {
            playbook: &playbook,
            sound: &playbook,
            name: "rt1062.yaml",
            catalog: &catalog,
            folder: Path::new("."),
            scenes: &BTreeMap::new(),
        };
        let matrix = survey(subject, &[], 8 * 1024).unwrap();
        let cases = cuts_of_run(subject, &matrix, 0).unwrap();
        let told: BTreeSet<&str> = cases.iter().map(|case| case.place.boundary.name()).collect();
        // Of equal states the first one is told: what shows only in others, such as the lines of a tool, is not among them.
        let every = ["call-end", "call-start", "event", "fuse", "in-page", "in-sector", "page", "request", "sector"];
        assert!(every.iter().all(|name| told.contains(name)), "{told:?}");
        // Half a sector that was erased, and the record of the run up to there.
        let half = cases.iter().find(|case| case.place.boundary == Boundary::InErase && case.cut == Cut::PowerLost);
        let half = half.unwrap();
        assert!(!half.earlier.regions.is_empty());
        assert!(cases.iter().any(|case| !case.begins_anew), "no two records differ for one board");
        let record = try_cut(subject, &matrix, half).unwrap();
        assert_eq!((record.outcome, record.broken.len()), (Outcome::Recovered, 0));
    }
}
