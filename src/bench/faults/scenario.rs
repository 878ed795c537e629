//! Runs without a mishap: they show how a playbook ends when all goes well, and which of its steps can be reached how.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::bench::cases::case::{bench_run, scene_of};
use crate::bench::faults::mishap::{MISHAPS, RunMishap};
use crate::bench::faults::point::{Part, PointFacts, RunPoint, points};
use crate::bench::faults::run_watch::{Act, RunWatch, Seen};
use crate::bench::faults::trial::Trial;
use crate::bench::{Answers, Bench, BenchFolder, BenchRun, CaseError, Region, RunRecord, Subject, WhichBoard, compare};
use crate::documents::cases::{Case, GivenContents};
use crate::documents::expression::Value;
use crate::documents::playbook::{Need, Playbook, Variable, irreversible_steps};
use crate::engine::{Already, Chosen, Event, GivenFiles};
use crate::words::{Id, Outcome};

/// A way to run a playbook: how the board starts, or the scene that a case plays, and which files are given.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Empty for the playbook's ordinary run.
    pub name: String,
    /// Starting states of the virtual board.
    names: Vec<String>,
    /// Inputs that are given although they need not be.
    given: Vec<Id>,
    /// A variable that is switched.
    switched: Option<Id>,
    case: Option<Case>,
}

/// How a scenario goes without a mishap.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) scenario: Scenario,
    pub(crate) outcome: Outcome,
    /// Those that a run must leave: given images, and what the ordinary run leaves, too.
    pub(crate) regions: Vec<Region>,
    pub(crate) fuses: BTreeMap<u32, u32>,
    /// SHA-256 of each given image.
    given: BTreeSet<String>,
    pub(crate) acts: Vec<Act>,
    pub(crate) seen: BTreeMap<RunPoint, Seen>,
}

/// All that can go wrong with a playbook.
#[derive(Debug)]
pub struct Matrix {
    pub(crate) playbook: Playbook,
    pub(crate) references: Vec<Reference>,
    /// In the order of the steps, with the scenario in which the point is reached.
    pub(crate) points: Vec<(RunPoint, PointFacts, Option<usize>)>,
}

/// Images larger than this are made smaller, because thousands of runs write them. In bytes.
pub const FAULT_IMAGE_BYTES_MAX: u64 = 64 * 1024;
/// So large that each flash still has several sectors and pages of an image.
pub const CUT_IMAGE_BYTES_MAX: u64 = 8 * 1024;
/// Nobody asks for more ways to reach a step.
const SCENARIOS_MAX: usize = 64;

impl Matrix {
    pub fn points(&self) -> impl Iterator<Item = &RunPoint> {
        self.points.iter().map(|(point, _, _)| point)
    }

    /// Does any run come to this point?
    pub fn reached(&self, point: &RunPoint) -> bool {
        self.points.iter().any(|(known, _, reference)| known == point && reference.is_some())
    }

    /// Every mishap at every point where it can happen.
    pub fn trials(&self) -> Vec<Trial> {
        let mut trials = Vec::new();
        for (point, facts, reference) in &self.points {
            let Some(index) = reference else { continue };
            let Some(seen) = self.references.get(*index).and_then(|reference| reference.seen.get(point)) else {
                continue;
            };
            for row in MISHAPS.iter().filter(|row| applies(row.mishap, point, facts, seen)) {
                trials.push(Trial { point: point.clone(), mishap: row.mishap, reference: *index });
            }
        }
        trials
    }
}

/// Can the mishap happen there? It cannot where a run without it shows nothing that could go wrong so.
fn applies(mishap: RunMishap, point: &RunPoint, facts: &PointFacts, seen: &Seen) -> bool {
    use RunMishap as F;
    let calls = seen.calls > 0;
    let shown = facts.wanted.iter().any(|id| seen.shown.contains(id));
    match mishap {
        F::ToolMissing => calls && facts.tool.is_some(),
        F::ToolOld => calls && facts.can_be_too_old,
        F::ToolLies => calls && !facts.images.is_empty() && facts.before_irreversible,
        F::ToolInputEnds => calls && seen.answers > 0,
        F::DeviceAbsent => seen.attached && (calls || !facts.wanted.is_empty()) || seen.hands,
        F::DeviceLost => seen.attached && (calls || !facts.wanted.is_empty()),
        F::DeviceInWrongMode => shown && facts.instead.is_some(),
        mishap if mishap.of_view() => shown,
        F::FileTruncated => calls && !facts.images.is_empty(),
        F::DiskFull => facts.writes.is_some() || calls && !(facts.produces.is_empty() && facts.stages.is_empty()),
        F::PersonGone => seen.hands || seen.replies,
        F::PersonInputEnds => seen.replies,
        mishap if mishap.of_call() => calls,
        mishap if mishap.inside() => calls || seen.waited,
        // Between two parts of one step nothing waits, so that nothing is noticed before the part itself.
        F::Interrupt | F::Terminate | F::Kill => point.part != Part::After || calls,
        _ => true,
    }
}

/// Finds out what a playbook does when all goes well, in as many ways as it takes to reach its steps. Example images are at
/// most so large, unless an input wants more.
pub fn survey(subject: Subject<'_>, cases: &[Case], image_bytes_max: u64) -> Result<Matrix, CaseError> {
    let mut playbook = subject.playbook.clone();
    for input in &mut playbook.inputs {
        input.example_size = input.example_size.map(|size| size.min(image_bytes_max.max(input.min_size.unwrap_or(0))));
    }
    let all = points(&playbook, subject.catalog);
    let mut references: Vec<Reference> = Vec::new();
    let mut reached: BTreeMap<RunPoint, usize> = BTreeMap::new();
    for scenario in scenarios(&playbook, cases).into_iter().take(SCENARIOS_MAX) {
        if all.iter().all(|(point, _)| reached.contains_key(point)) {
            break;
        }
        let Some(reference) = refer(subject, &playbook, &scenario, references.is_empty())? else { continue };
        let new: Vec<&RunPoint> = reference
            .seen
            .iter()
            .filter(|(point, seen)| seen.reached && !reached.contains_key(point))
            .map(|(point, _)| point)
            .collect();
        if !new.is_empty() {
            reached.extend(new.into_iter().map(|point| (point.clone(), references.len())));
            references.push(reference);
        }
    }
    keep_what_must_be(&mut references);
    let points = all.into_iter().map(|(point, facts)| {
        let reference = reached.get(&point).copied();
        (point, facts, reference)
    });
    Ok(Matrix { points: points.collect(), playbook, references })
}

/// What a board's state made a run write besides is no duty of another run, which may find another state.
fn keep_what_must_be(references: &mut [Reference]) {
    let Some((ordinary, others)) = references.split_first_mut() else { return };
    if ordinary.outcome != Outcome::Recovered {
        return;
    }
    for other in others {
        let Reference { regions, given, .. } = other;
        regions.retain(|region| given.contains(&region.sha256) || ordinary.regions.contains(region));
    }
}

/// The ordinary one first, then those with more files, those of the test file, and the board's other starting states.
fn scenarios(playbook: &Playbook, cases: &[Case]) -> Vec<Scenario> {
    let ordinary = Scenario { name: String::new(), names: Vec::new(), given: Vec::new(), switched: None, case: None };
    let of_case =
        |case: &Case| Scenario { name: case.name.value.clone(), case: Some(case.clone()), ..ordinary.clone() };
    let usable = |case: &&Case| case.mishap.is_none() && case.tools.is_empty() && case.interactive;
    if playbook.virtual_board.is_none() {
        return cases.iter().filter(|case| usable(case) && case.scene.is_some()).map(of_case).collect();
    }
    let optional: Vec<&_> = playbook
        .inputs
        .iter()
        .filter(|input| !matches!(input.need, Need::Always) && input.names_files.is_none())
        .collect();
    let mut found = vec![ordinary.clone()];
    let with = |given: Vec<Id>| Scenario { name: "all files".to_owned(), given, ..ordinary.clone() };
    found.push(with(optional.iter().map(|input| input.name.clone()).collect()));
    found.extend(cases.iter().filter(|case| usable(case) && case.scene.is_none()).map(of_case));
    for input in &optional {
        found.push(Scenario { name: input.file_name().to_owned(), ..with(vec![input.name.clone()]) });
    }
    for variable in playbook.variables.iter().filter(|variable| matches!(variable.default, Value::Boolean(_))) {
        let name = format!("{} switched", variable.name);
        found.push(Scenario { name, switched: Some(variable.name.clone()), ..ordinary.clone() });
    }
    for (name, _) in Bench::names(playbook).unwrap_or_default() {
        found.push(Scenario { name: name.to_owned(), names: vec![name.to_owned()], ..ordinary.clone() });
    }
    found
}

/// None where this scenario is no example of a run that goes well. The ordinary run of a virtual board is one however it ends.
fn refer(
    subject: Subject<'_>,
    playbook: &Playbook,
    scenario: &Scenario,
    ordinary: bool,
) -> Result<Option<Reference>, CaseError> {
    let Ok((bench, playbook, given)) = scenario.set_up(playbook, subject) else { return Ok(None) };
    let bench_run = BenchRun { playbook: &playbook, ..given };
    let watch = Rc::new(RunWatch::new(&playbook, bench.files(), None));
    let record = crate::bench::cases::bench_run::run_watched(&bench, &bench_run, &watch)?;
    let as_expected = |case: &Case| compare(&case.expect, &record, &playbook).is_empty();
    let ordinary = ordinary && scenario.case.is_none();
    let fits = ordinary || record.outcome == Outcome::Recovered && scenario.case.as_ref().is_none_or(as_expected);
    let RunRecord { events, outcome, regions, fuses, .. } = record;
    let given = events.iter().filter_map(|event| match event {
        Event::InputReady { sha256, .. } => Some(sha256.clone()),
        _ => None,
    });
    let given = given.collect();
    let (acts, seen) = {
        let mut run = watch.run_mut();
        (std::mem::take(&mut run.acts), std::mem::take(&mut run.seen))
    };
    Ok(fits.then(|| Reference { scenario: scenario.clone(), outcome, regions, fuses, given, acts, seen }))
}

impl Scenario {
    /// A bench in the scenario's starting state, the playbook with the scenario's files in it, and how it is run.
    pub(crate) fn set_up<'a>(
        &self,
        playbook: &Playbook,
        subject: Subject<'a>,
    ) -> Result<(Rc<Bench>, Playbook, BenchRun<'a>), CaseError> {
        let mut playbook = playbook.clone();
        let mut names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        names.extend(self.case.iter().flat_map(|case| &case.simulate).map(|name| name.value.as_str()));
        let scene = self.case.as_ref().and_then(|case| scene_of(subject, case));
        let bench = match scene {
            Some(scene) => Bench::set_up_scene(BenchFolder::temporary()?, scene, subject.catalog)?,
            None => Bench::set_up(BenchFolder::temporary()?, &playbook, &names)?,
        };
        bench.begin_trial()?;
        let folder = bench.files().given();
        let bench_run = match &self.case {
            Some(case) => {
                let run = bench_run(subject, &smaller(case), &mut playbook, &folder)?;
                match scene {
                    // Whoever plays a scene agrees when asked, unless it says otherwise.
                    Some(_) => {
                        BenchRun { allow_irreversible: BTreeSet::new(), agrees: every_consent(&playbook), ..run }
                    }
                    None => run,
                }
            }
            None => BenchRun {
                playbook: subject.playbook,
                sound: subject.sound,
                playbook_name: subject.name,
                catalog: subject.catalog,
                given: GivenFiles { folder, set: BTreeMap::new(), to_be_had: None },
                missing: BTreeSet::new(),
                chosen: Chosen::Any,
                allow_irreversible: BTreeSet::new(),
                agrees: every_consent(&playbook),
                even_if_healthy: false,
                already: Already::Nothing,
                leaves_healthy: false,
                variables: self.variables(&playbook),
                answers: Answers::Given { which_board: WhichBoard::default() },
                choices: BTreeMap::new(),
            },
        };
        for input in playbook.inputs.iter_mut().filter(|input| self.given.contains(&input.name)) {
            input.need = Need::Always;
        }
        Ok((Rc::new(bench), playbook, bench_run))
    }
}

impl Scenario {
    fn variables(&self, playbook: &Playbook) -> BTreeMap<Id, Value> {
        let value = |variable: &Variable| match &variable.default {
            Value::Boolean(value) if self.switched.as_ref() == Some(&variable.name) => Value::Boolean(!value),
            value => value.clone(),
        };
        playbook.variables.iter().map(|variable| (variable.name.clone(), value(variable))).collect()
    }
}

fn every_consent(playbook: &Playbook) -> BTreeSet<Id> {
    irreversible_steps(&playbook.steps).iter().filter_map(|(id, _)| id.parse().ok()).collect()
}

/// Consent is to be asked for, so that it can be missed.
fn smaller(case: &Case) -> Case {
    let mut case = case.clone();
    case.allow.clear();
    for (_, contents) in &mut case.files {
        if let GivenContents::Size(size) = contents
            && *size > FAULT_IMAGE_BYTES_MAX
        {
            *contents = GivenContents::Made;
        }
    }
    case
}
