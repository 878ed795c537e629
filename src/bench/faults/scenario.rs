//! Runs without a fault: they show how a playbook ends when all goes well, and which of its steps can be reached how.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::bench::cases::case::rehearsal;
use crate::bench::faults::cell::Cell;
use crate::bench::faults::fault::{FAULTS, StrikeFault};
use crate::bench::faults::site::{Part, Site, SiteFacts, sites};
use crate::bench::faults::striking::{Act, Seen, Striking};
use crate::bench::{Account, Answers, Bench, BenchFolder, CaseError, Region, Rehearsal, Subject, WhichBoard, compare};
use crate::documents::cases::{Case, GivenContents};
use crate::documents::expression::Value;
use crate::documents::playbook::{Need, Playbook, Variable, irreversible_steps};
use crate::engine::{Chosen, Event, GivenFiles};
use crate::words::{Id, Outcome};

/// A way to run a playbook: how the board starts, and which files are given.
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

/// How a scenario goes without a fault.
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
    pub(crate) seen: BTreeMap<Site, Seen>,
}

/// All that can strike a playbook.
#[derive(Debug)]
pub struct Matrix {
    pub(crate) playbook: Playbook,
    pub(crate) references: Vec<Reference>,
    /// In the order of the steps, with the scenario in which the site is reached.
    pub(crate) sites: Vec<(Site, SiteFacts, Option<usize>)>,
}

/// Images larger than this are made smaller, because thousands of runs write them. In bytes.
const IMAGE_BYTES_MAX: u64 = 64 * 1024;
/// Nobody asks for more ways to reach a step.
const SCENARIOS_MAX: usize = 64;

impl Matrix {
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.sites.iter().map(|(site, _, _)| site)
    }

    /// Why a site cannot be struck at all.
    pub fn reached(&self, site: &Site) -> bool {
        self.sites.iter().any(|(known, _, reference)| known == site && reference.is_some())
    }

    /// Every fault at every site where it can strike.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (site, facts, reference) in &self.sites {
            let Some(index) = reference else { continue };
            let Some(seen) = self.references.get(*index).and_then(|reference| reference.seen.get(site)) else {
                continue;
            };
            for row in FAULTS.iter().filter(|row| applies(row.fault, site, facts, seen)) {
                cells.push(Cell { site: site.clone(), fault: row.fault, reference: *index });
            }
        }
        cells
    }
}

/// Can the fault strike there? It cannot where a run without it shows nothing that it could strike.
fn applies(fault: StrikeFault, site: &Site, facts: &SiteFacts, seen: &Seen) -> bool {
    use StrikeFault as F;
    let calls = seen.calls > 0;
    let shown = facts.wanted.iter().any(|id| seen.shown.contains(id));
    match fault {
        F::ToolMissing => calls && facts.tool.is_some(),
        F::ToolOld => calls && facts.can_be_too_old,
        F::ToolLies => calls && !facts.images.is_empty() && facts.before_irreversible,
        F::ToolInputEnds => calls && seen.answers > 0,
        F::DeviceAbsent => seen.attached && (calls || !facts.wanted.is_empty()) || seen.hands,
        F::DeviceLost => seen.attached && (calls || !facts.wanted.is_empty()),
        F::DeviceInWrongMode => shown && facts.instead.is_some(),
        fault if fault.of_view() => shown,
        F::FileTruncated => calls && !facts.images.is_empty(),
        F::DiskFull => facts.writes.is_some() || calls && !(facts.produces.is_empty() && facts.stages.is_empty()),
        F::PersonGone => seen.hands || seen.replies,
        F::PersonInputEnds => seen.replies,
        fault if fault.of_call() => calls,
        fault if fault.inside() => calls || seen.waited,
        // Between two parts of one step nothing waits, so that nothing is noticed before the part itself.
        F::Interrupt | F::Terminate | F::Kill => site.part != Part::After || calls,
        _ => true,
    }
}

/// Finds out what a playbook does when all goes well, in as many ways as it takes to reach its steps.
pub fn survey(subject: Subject<'_>, cases: &[Case]) -> Result<Matrix, CaseError> {
    let mut playbook = subject.playbook.clone();
    for input in &mut playbook.inputs {
        input.example_size = input.example_size.map(|size| size.min(IMAGE_BYTES_MAX.max(input.min_size.unwrap_or(0))));
    }
    let all = sites(&playbook, subject.catalog);
    let mut references: Vec<Reference> = Vec::new();
    let mut reached: BTreeMap<Site, usize> = BTreeMap::new();
    for scenario in scenarios(&playbook, cases).into_iter().take(SCENARIOS_MAX) {
        if all.iter().all(|(site, _)| reached.contains_key(site)) {
            break;
        }
        let Some(reference) = refer(subject, &playbook, &scenario, references.is_empty())? else { continue };
        let new: Vec<&Site> = reference
            .seen
            .iter()
            .filter(|(site, seen)| seen.reached && !reached.contains_key(site))
            .map(|(site, _)| site)
            .collect();
        if !new.is_empty() {
            reached.extend(new.into_iter().map(|site| (site.clone(), references.len())));
            references.push(reference);
        }
    }
    keep_what_must_be(&mut references);
    let sites = all.into_iter().map(|(site, facts)| {
        let reference = reached.get(&site).copied();
        (site, facts, reference)
    });
    Ok(Matrix { sites: sites.collect(), playbook, references })
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
    let optional: Vec<&_> = playbook
        .inputs
        .iter()
        .filter(|input| !matches!(input.need, Need::Always) && input.names_files.is_none())
        .collect();
    let mut found = vec![ordinary.clone()];
    let with = |given: Vec<Id>| Scenario { name: "all files".to_owned(), given, ..ordinary.clone() };
    found.push(with(optional.iter().map(|input| input.name.clone()).collect()));
    let usable =
        |case: &&Case| case.scene.is_none() && case.strike.is_none() && case.tools.is_empty() && case.interactive;
    found.extend(cases.iter().filter(usable).map(|case| Scenario {
        name: case.name.value.clone(),
        case: Some(case.clone()),
        ..ordinary.clone()
    }));
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

/// None where this scenario is no example of a run that goes well. The ordinary run is one however it ends.
fn refer(
    subject: Subject<'_>,
    playbook: &Playbook,
    scenario: &Scenario,
    ordinary: bool,
) -> Result<Option<Reference>, CaseError> {
    let Ok((bench, playbook, given)) = scenario.set_up(playbook, subject) else { return Ok(None) };
    let rehearsal = Rehearsal { playbook: &playbook, ..given };
    let striking = Rc::new(Striking::new(&playbook, bench.files(), None));
    let account = crate::bench::cases::rehearsal::rehearse_struck(&bench, &rehearsal, &striking)?;
    let as_expected = |case: &Case| compare(&case.expect, &account, &playbook).is_empty();
    let fits = ordinary || account.outcome == Outcome::Recovered && scenario.case.as_ref().is_none_or(as_expected);
    let Account { events, outcome, regions, fuses, .. } = account;
    let given = events.iter().filter_map(|event| match event {
        Event::InputReady { sha256, .. } => Some(sha256.clone()),
        _ => None,
    });
    let given = given.collect();
    let (acts, seen) = {
        let mut run = striking.run_mut();
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
    ) -> Result<(Rc<Bench>, Playbook, Rehearsal<'a>), CaseError> {
        let mut playbook = playbook.clone();
        let mut names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        names.extend(self.case.iter().flat_map(|case| &case.simulate).map(|name| name.value.as_str()));
        let bench = Bench::set_up(BenchFolder::temporary()?, &playbook, &names)?;
        let folder = bench.files().given();
        let rehearsal = match &self.case {
            Some(case) => rehearsal(subject, &smaller(case), &mut playbook, &folder)?,
            None => Rehearsal {
                playbook: subject.playbook,
                sound: subject.sound,
                playbook_name: subject.name,
                catalog: subject.catalog,
                given: GivenFiles { folder, set: BTreeMap::new() },
                missing: BTreeSet::new(),
                chosen: Chosen::Any,
                allow_irreversible: BTreeSet::new(),
                agrees: irreversible_steps(&playbook.steps).iter().filter_map(|(id, _)| id.parse().ok()).collect(),
                variables: self.variables(&playbook),
                answers: Answers::Given { which_board: WhichBoard::default() },
                choices: BTreeMap::new(),
            },
        };
        for input in playbook.inputs.iter_mut().filter(|input| self.given.contains(&input.name)) {
            input.need = Need::Always;
        }
        Ok((Rc::new(bench), playbook, rehearsal))
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

/// Consent is to be asked for, so that it can be missed.
fn smaller(case: &Case) -> Case {
    let mut case = case.clone();
    case.allow.clear();
    for (_, contents) in &mut case.files {
        if let GivenContents::Size(size) = contents
            && *size > IMAGE_BYTES_MAX
        {
            *contents = GivenContents::Made;
        }
    }
    case
}
