//! Runs one case of a test file on a bench of its own.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::bench::cases::bench_run::run_watched;
use crate::bench::cases::expectation::{Difference, compare};
use crate::bench::faults::{RunWatch, missed, planned_of};
use crate::bench::kit::image::noise;
use crate::bench::{
    Answers, Bench, BenchError, BenchFolder, BenchRun, BenchRunError, RunRecord, WhichBoard, run_on_bench,
};
use crate::documents::cases::{Case, GivenContents, ToolTreatment};
use crate::documents::catalog::Catalog;
use crate::documents::expression::Value;
use crate::documents::playbook::{Input, Need, Playbook};
use crate::documents::scene::{GivenFile, Scene};
use crate::engine::{Already, Chosen, Earlier, Event, GivenFiles};
use crate::words::{Id, MADE_BYTES_MAX, Outcome};
use crate::world::open_file;

/// A playbook that is tested, where, and how its board is.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub playbook: &'a Playbook,
    /// The virtual board and the files are made as this one says: the same, or what a changed playbook was before.
    pub sound: &'a Playbook,
    /// As the person knows it.
    pub name: &'a str,
    pub catalog: &'a Catalog,
    /// Files that cases name lie here.
    pub folder: &'a Path,
    /// Scripted tools in place of the virtual board, by the path that cases give.
    pub scenes: &'a BTreeMap<String, Scene>,
}

/// What came of a case.
#[derive(Debug)]
pub struct CaseRun {
    /// Empty when everything is as expected.
    pub differences: Vec<Difference>,
    /// One for each run.
    pub runs: Vec<Vec<Event>>,
    /// Where the bench lies; only of a case that failed.
    pub kept: Option<PathBuf>,
}

/// Why a case could not be run.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    BenchRun(#[from] BenchRunError),
    #[error("the file {path} of this case cannot be used: {reason}")]
    File { path: String, reason: String },
}

/// Which benches are kept for somebody to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Those of cases that fail.
    Failed,
    Nothing,
}

/// Runs a case once, and a second time where it says what must come of that.
pub fn run_case(subject: Subject<'_>, case: &Case, keep: Keep) -> Result<CaseRun, CaseError> {
    let names: Vec<&str> = case.simulate.iter().map(|name| name.value.as_str()).collect();
    let folder = BenchFolder::temporary()?;
    let bench = Rc::new(match scene_of(subject, case) {
        Some(scene) => Bench::set_up_scene(folder, scene, subject.catalog)?,
        None => Bench::set_up(folder, &with_settings(subject.sound, case), &names)?,
    });
    for treated in &case.tools {
        match &treated.treatment {
            ToolTreatment::Missing => bench.remove_tool(&treated.tool.value)?,
            ToolTreatment::Version(version) => bench.set_tool_version(&treated.tool.value, &version.to_string())?,
        }
    }
    let mut playbook = subject.playbook.clone();
    let bench_run = bench_run(subject, case, &mut playbook, &bench.files().given())?;
    let bench_run = BenchRun { playbook: &playbook, ..bench_run };
    let planned = case.mishap.as_ref().and_then(|mishap| planned_of(mishap, &playbook, subject.catalog));
    if let Some(planned) = &planned {
        planned.prepare(&bench)?;
    }
    let watch = Rc::new(RunWatch::new(&playbook, bench.files(), planned));
    let first = run_watched(&bench, &bench_run, &watch)?;
    let mut differences = compare(&case.expect, &first, &playbook);
    differences.extend(case.mishap.as_ref().and_then(|mishap| missed(mishap, &watch)));
    drop(watch);
    differences.extend(unlike_scene(&bench, case)?);
    let mut runs = vec![first.events];
    if let Some(again) = case.again.as_ref().filter(|_| differences.is_empty()) {
        bench.heal()?;
        let calls_before = first.calls.len();
        let earlier = || Already::Earlier(Earlier::of(runs.iter().flatten()));
        let already = if case.resume { earlier() } else { bench_run.already.clone() };
        let mut second = run_on_bench(&bench, &BenchRun { already, ..bench_run })?;
        second.calls.drain(..calls_before.min(second.calls.len()));
        differences = compare(again, &second, &playbook);
        runs.push(second.events);
    }
    let bench = Rc::try_unwrap(bench).ok().filter(|_| keep == Keep::Failed && !differences.is_empty());
    Ok(CaseRun { differences, runs, kept: bench.map(Bench::keep) })
}

pub(crate) fn scene_of<'a>(subject: Subject<'a>, case: &Case) -> Option<&'a Scene> {
    case.scene.as_ref().and_then(|path| subject.scenes.get(&path.value))
}

/// Is a run expected that does not come to all the calls of the scene? One that is refused, declined or interrupted ends on
/// the way; and a case that lists the calls itself needs no other list.
fn ends_before_its_end(case: &Case) -> bool {
    let last = case.again.as_ref().unwrap_or(&case.expect);
    last.calls.is_some() || !matches!(last.outcome.value, Outcome::Recovered | Outcome::StepFailed)
}

/// Calls that the scene does not declare, and declared ones that never came.
fn unlike_scene(bench: &Bench, case: &Case) -> Result<Vec<Difference>, CaseError> {
    let Some(scene) = &case.scene else { return Ok(Vec::new()) };
    let place = || Some(scene.place.clone());
    let undeclared = bench.scene_faults()?.into_iter().map(|fault| Difference {
        place: place(),
        expected: "that tools are called as the scene declares".to_owned(),
        found: fault.to_string(),
    });
    let unmade = if ends_before_its_end(case) { Vec::new() } else { bench.unmade_calls()? };
    let unmade = unmade.into_iter().map(|call| Difference {
        place: place(),
        expected: "that every call is made that the scene declares".to_owned(),
        found: call.to_string(),
    });
    Ok(undeclared.chain(unmade).collect())
}

/// The playbook with the case's own settings of the virtual board.
fn with_settings<'a>(playbook: &'a Playbook, case: &Case) -> Cow<'a, Playbook> {
    if case.board.is_empty() {
        return Cow::Borrowed(playbook);
    }
    let mut playbook = playbook.clone();
    if let Some(board) = &mut playbook.virtual_board {
        board.settings.retain(|(name, _)| !case.board.iter().any(|(other, _)| other.text == name.text));
        board.settings.extend(case.board.iter().cloned());
    }
    Cow::Owned(playbook)
}

/// The case as a run; what it says of files goes into the playbook and the folder.
pub(crate) fn bench_run<'a>(
    subject: Subject<'a>,
    case: &Case,
    playbook: &mut Playbook,
    folder: &Path,
) -> Result<BenchRun<'a>, CaseError> {
    let scene = scene_of(subject, case);
    let mut missing = BTreeSet::new();
    for (name, file) in scene.iter().flat_map(|scene| &scene.files) {
        let Some(input) = playbook.inputs.iter_mut().find(|input| input.name == *name) else { continue };
        match file {
            GivenFile::Size(size) => {
                input.need = Need::Always;
                input.example_size = Some(*size);
            }
            GivenFile::NotGiven => input.need = Need::Never,
        }
    }
    for (name, contents) in &case.files {
        let Some(input) = playbook.inputs.iter_mut().find(|input| input.name == name.value) else { continue };
        match contents {
            GivenContents::Missing => {
                missing.insert(name.value.clone());
            }
            GivenContents::Made => input.need = Need::Always,
            GivenContents::Size(size) if fits(input, *size) => {
                input.need = Need::Always;
                input.example_size = Some(*size);
            }
            GivenContents::Size(size) => {
                let size = usize::try_from(*size).unwrap_or(usize::MAX);
                put(folder, &input.file.value, &noise(input.name.as_str(), size))?;
            }
            GivenContents::Bytes(bytes) => put(folder, &input.file.value, bytes)?,
            GivenContents::File(file) => {
                let bytes = read(subject.folder, file)?;
                put(folder, &input.file.value, &bytes)?;
            }
        }
    }
    let mut variables: BTreeMap<Id, Value> =
        playbook.variables.iter().map(|variable| (variable.name.clone(), variable.default.clone())).collect();
    let of_scene = scene.iter().flat_map(|scene| &scene.set);
    let of_case = case.set.iter().map(|(name, value)| (&name.value, &value.value));
    for (name, value) in of_scene.chain(of_case) {
        let variable = playbook.variables.iter().find(|variable| variable.name == *name);
        if let Some(Ok(value)) = variable.map(|variable| variable.read(value)) {
            variables.insert(name.clone(), value);
        }
    }
    Ok(BenchRun {
        playbook: subject.playbook,
        sound: subject.sound,
        playbook_name: subject.name,
        catalog: subject.catalog,
        given: GivenFiles { folder: folder.to_owned(), set: BTreeMap::new(), to_be_had: None },
        missing,
        chosen: match (&case.port, &case.serial, scene) {
            (Some(port), ..) => Chosen::Port(port.clone()),
            (None, Some(serial), _) => Chosen::Serial(serial.clone()),
            (None, None, Some(Scene { port: Some(port), .. })) => Chosen::Port(port.clone()),
            (None, None, Some(Scene { serial: Some(serial), .. })) => Chosen::Serial(serial.clone()),
            (None, None, _) => Chosen::Any,
        },
        allow_irreversible: case
            .allow
            .iter()
            .map(|step| step.value.clone())
            .chain(scene.iter().flat_map(|scene| scene.allow.iter().cloned()))
            .collect(),
        agrees: case.agrees.iter().flatten().map(|step| step.value.clone()).collect(),
        even_if_healthy: case.even_if_healthy,
        already: if case.only_what_differs { Already::Anything } else { Already::Nothing },
        leaves_healthy: case.leaves_healthy,
        variables,
        answers: if case.interactive && !scene.is_some_and(|scene| scene.nobody) {
            let of_scene = if scene.is_some() { WhichBoard::ItIs } else { WhichBoard::default() };
            let which_board = case.it_is_the_board.as_ref().map_or(of_scene, |it_is| match it_is.value {
                true => WhichBoard::ItIs,
                false => WhichBoard::ItIsNot,
            });
            Answers::Given { which_board }
        } else {
            Answers::Withheld
        },
        choices: case.chooses.iter().map(|(step, choice)| (step.value.clone(), choice.clone())).collect(),
    })
}

/// Can an image of this size pass the playbook's checks?
fn fits(input: &Input, size: u64) -> bool {
    size > 0 && input.min_size.is_none_or(|min| size >= min) && input.max_size.is_none_or(|max| size <= max)
}

/// The loader has seen to it that the path does not lead out of the folder; a link in it might.
fn read(folder: &Path, file: &str) -> Result<Vec<u8>, CaseError> {
    let path = folder.join(file);
    let fault = |reason: String| CaseError::File { path: path.display().to_string(), reason };
    let real = path.canonicalize().map_err(|error| fault(error.to_string()))?;
    let home = folder.canonicalize().map_err(|error| fault(error.to_string()))?;
    if !real.starts_with(home) {
        return Err(fault("it leads out of the folder of the test file".to_owned()));
    }
    let size = open_file(&real).and_then(|file| file.metadata()).map_err(|error| fault(error.to_string()))?.len();
    if size > MADE_BYTES_MAX {
        return Err(fault(format!("it has {size} bytes, and a test takes at most {MADE_BYTES_MAX}")));
    }
    std::fs::read(&real).map_err(|error| fault(error.to_string()))
}

fn put(folder: &Path, file: &str, bytes: &[u8]) -> Result<(), CaseError> {
    let path = folder.join(file);
    let fault = |error: std::io::Error| CaseError::File { path: path.display().to_string(), reason: error.to_string() };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fault)?;
    }
    std::fs::write(&path, bytes).map_err(fault)
}

impl RunRecord {
    /// Has nothing on the board changed?
    pub fn untouched(&self) -> bool {
        self.regions == self.regions_before && self.fuses == self.fuses_before
    }
}
