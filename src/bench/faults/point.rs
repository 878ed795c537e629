//! The points of a playbook at which a mishap can happen, and what the playbook says about them.

use std::fmt;

use crate::documents::catalog::Catalog;
use crate::documents::playbook::{Below, Playbook, Run, Step, leaves};
use crate::engine::Files;
use crate::words::{Id, Located, UsbId};

/// A step, or a part of a step that cannot be undone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunPoint {
    pub step: Id,
    pub part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The reading that shows whether it was done before, and the question for consent.
    Before,
    /// The step's own work.
    Act,
    /// The reading that shows whether it worked.
    After,
}

impl fmt::Display for RunPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Before => ":before",
            Part::Act => "",
            Part::After => ":after",
        };
        f.pad(&format!("{}{part}", self.step))
    }
}

/// What a playbook says about a point.
#[derive(Debug, Clone, Default)]
pub(crate) struct PointFacts {
    /// Devices that have to be there.
    pub(crate) wanted: Vec<UsbId>,
    /// Another device of the playbook.
    pub(crate) instead: Option<UsbId>,
    pub(crate) tool: Option<String>,
    /// The catalog knows a version that is too old.
    pub(crate) can_be_too_old: bool,
    /// Names of staged inputs that a tool gets.
    pub(crate) images: Vec<String>,
    /// Names of files that are made in the run's folder, by the step and by its tool.
    pub(crate) writes: Option<String>,
    pub(crate) produces: Vec<String>,
    /// Paths below the tool's private folder.
    pub(crate) stages: Vec<String>,
    /// A step comes later that cannot be undone, and for which no tool's word is enough.
    pub(crate) before_irreversible: bool,
}

/// All points in the order of the steps.
pub(crate) fn points(playbook: &Playbook, catalog: &Catalog) -> Vec<(RunPoint, PointFacts)> {
    let mut found = Vec::new();
    for step in playbook.leaf_steps() {
        let mut add = |part, steps: Vec<&Step>| {
            let mut facts = PointFacts::default();
            for step in steps {
                facts.add(step, playbook, catalog);
            }
            let other = playbook.devices.iter().flat_map(|device| &device.ids).find(|id| !facts.wanted.contains(id));
            facts.instead = other.copied();
            found.push((RunPoint { step: step.id.clone(), part }, facts));
        };
        let asked = step.below(Below::TellApart);
        match &step.irreversible {
            Some(irreversible) => {
                add(Part::Before, leaves(&irreversible.already_done.steps).collect());
                add(Part::Act, vec![step]);
                add(Part::After, leaves(&irreversible.verify.steps).collect());
            }
            None if asked.is_empty() => add(Part::Act, vec![step]),
            None => add(Part::Act, leaves(asked).collect()),
        }
    }
    let last = found.iter().rposition(|(point, _)| point.part == Part::After).unwrap_or(0);
    for (_, facts) in &mut found[..last] {
        facts.before_irreversible = true;
    }
    found
}

impl PointFacts {
    fn add(&mut self, step: &Step, playbook: &Playbook, catalog: &Catalog) {
        let mut names: Vec<&Located<Id>> = step.until.iter().flat_map(|until| &until.present).collect();
        if let Some(run) = step.call() {
            names.extend(&run.device);
            self.add_run(run, playbook, catalog);
        }
        if let Some(write) = step.writes() {
            self.writes = Some(write.file.value.clone());
        }
        for id in names.into_iter().filter_map(|name| playbook.device(name)).flat_map(|device| &device.ids) {
            if !self.wanted.contains(id) {
                self.wanted.push(*id);
            }
        }
    }

    fn add_run(&mut self, run: &Run, playbook: &Playbook, catalog: &Catalog) {
        self.tool = Some(run.tool.value.clone());
        let minimum = catalog
            .tool(&run.tool.value)
            .is_some_and(|tool| tool.version.flavours.iter().any(|flavour| flavour.minimum.is_some()));
        self.can_be_too_old |= minimum;
        let given =
            run.args.iter().filter_map(|arg| arg.only_name()).chain(run.stage.iter().map(|staged| &staged.file.value));
        let images = given.filter_map(|name| playbook.input(name)).map(|input| input.file_name().to_owned());
        self.images.extend(images);
        self.produces.extend(run.produces.iter().map(|name| Files::produced_name(name)));
        self.stages.extend(run.stage.iter().map(|staged| staged.path.value.clone()));
    }
}
