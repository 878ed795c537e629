//! What the calls of a playbook change of what the board starts from, worked out from their arguments and the catalog: which
//! parts, and whether they are whole afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::documents::catalog::{ArgumentPlace, Catalog, Command, RegionBegin};
use crate::documents::expression::expand_as_far_as_known;
use crate::documents::playbook::check_flash::address_of;
use crate::documents::playbook::declared::Declared;
use crate::documents::playbook::interruption::changes_board;
use crate::documents::playbook::{
    Changes, Contents, Device, Playbook, Run, StartPart, Step, arguments, every_step, procedure,
};
use crate::words::{AddressRange, Id};

/// Everything that some device of a playbook starts from.
pub(super) struct Parts<'a> {
    playbook: &'a Playbook,
    catalog: &'a Catalog,
    all: Vec<Part>,
    /// Files that steps make, with the names that stand in them.
    made: BTreeMap<Id, Vec<Id>>,
    /// Is this input there?
    given: &'a dyn Fn(&Id) -> bool,
    /// By the step whose call it is.
    touches: BTreeMap<Id, Touches>,
    /// By the device, as far as it is known what that starts from.
    of_devices: BTreeMap<Id, Vec<usize>>,
}

struct Part {
    what: What,
    /// Where it lies, as far as calls tell.
    spots: BTreeSet<Spot>,
}

enum What {
    Memory(StartPart),
    /// What an irreversible step does. As nobody says otherwise, the board needs each of them.
    Act(Id),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    /// From the first address to the first one behind it.
    Range(u64, u64),
    Partition(String, String),
}

/// What one call does to what the board starts from.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Touches {
    /// It may change memory that lasts, or burn fuses.
    pub(super) changes: bool,
    /// By their numbers.
    pub(super) broken: Vec<usize>,
    /// Those of them that are whole when it has succeeded.
    pub(super) whole: Vec<usize>,
    /// Nothing tells where it writes, so that what is not whole afterwards need not be broken either.
    pub(super) somewhere: bool,
}

struct Change {
    files: Vec<Id>,
    spot: Option<Spot>,
    is_write: bool,
    /// The author says that the files have places of their own.
    only_files: bool,
}

impl<'a> Parts<'a> {
    pub(super) fn of(playbook: &'a Playbook, catalog: &'a Catalog, given: &'a dyn Fn(&Id) -> bool) -> Self {
        let mut parts = Parts {
            playbook,
            catalog,
            all: Vec::new(),
            made: BTreeMap::new(),
            given,
            touches: BTreeMap::new(),
            of_devices: BTreeMap::new(),
        };
        for write in every_step(&playbook.steps).filter_map(Step::writes) {
            let names = match &write.contents {
                Contents::Text(text) => text.names().into_iter().cloned().collect(),
                Contents::Zeros(_) => Vec::new(),
            };
            parts.made.insert(write.name.value.clone(), names);
        }
        for part in playbook.devices.iter().flat_map(|device| &device.starts_from) {
            if parts.number(&part.value).is_none() {
                let spots = match &part.value {
                    StartPart::Range(range) => BTreeSet::from([spot_of(*range)]),
                    StartPart::File(_) => BTreeSet::new(),
                };
                parts.all.push(Part { what: What::Memory(part.value.clone()), spots });
            }
        }
        for step in procedure(&playbook.steps) {
            if step.irreversible.is_some() {
                parts.all.push(Part { what: What::Act(step.id.clone()), spots: BTreeSet::new() });
            }
            let Some(Change { files, spot: Some(spot), is_write: true, .. }) =
                step.call().and_then(|run| parts.change(run))
            else {
                continue;
            };
            for part in &mut parts.all {
                if matches!(&part.what, What::Memory(StartPart::File(name)) if files.contains(name)) {
                    part.spots.insert(spot.clone());
                }
            }
        }
        let touches = every_step(&playbook.steps).map(|step| (step.id.clone(), parts.work_out(step))).collect();
        let known = playbook.devices.iter().filter(|device| !device.starts_from.is_empty());
        let of_devices = known.map(|device| (device.name.clone(), parts.what_starts(device))).collect();
        Parts { touches, of_devices, ..parts }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// What a device starts from, what cannot be undone included; nothing where nobody says.
    pub(super) fn of_device(&self, device: &Device) -> &[usize] {
        self.of_devices.get(&device.name).map(Vec::as_slice).unwrap_or_default()
    }

    fn what_starts(&self, device: &Device) -> Vec<usize> {
        let own = |part: &Part| match &part.what {
            What::Memory(memory) => device.starts_from.iter().any(|own| own.value == *memory),
            What::Act(_) => true,
        };
        (0..self.all.len()).filter(|number| own(&self.all[*number])).collect()
    }

    pub(super) fn of_act(&self, step: &Id) -> Option<usize> {
        self.all.iter().position(|part| matches!(&part.what, What::Act(act) if act == step))
    }

    pub(super) fn of_file(&self, name: &Id) -> Option<usize> {
        self.all.iter().position(|part| matches!(&part.what, What::Memory(StartPart::File(file)) if file == name))
    }

    /// The file that it is, if it is one.
    pub(super) fn file(&self, number: usize) -> Option<&Id> {
        match &self.all.get(number)?.what {
            What::Memory(StartPart::File(name)) => Some(name),
            What::Memory(StartPart::Range(_)) | What::Act(_) => None,
        }
    }

    fn number(&self, of: &StartPart) -> Option<usize> {
        self.all.iter().position(|part| matches!(&part.what, What::Memory(memory) if memory == of))
    }

    /// What a step's own call does; readings around what cannot be undone change nothing.
    pub(super) fn touched_by(&self, step: &Step) -> &Touches {
        static NOTHING: Touches = Touches { changes: false, broken: Vec::new(), whole: Vec::new(), somewhere: false };
        self.touches.get(&step.id).unwrap_or(&NOTHING)
    }

    fn work_out(&self, step: &Step) -> Touches {
        let Some(run) = step.call() else { return Touches::default() };
        let Some(change) = self.change(run) else { return Touches::default() };
        if let (Some(act), true) = (self.of_act(&step.id), self.burns_fuses(run)) {
            return Touches { changes: true, broken: vec![act], whole: vec![act], somewhere: false };
        }
        let mut touches = Touches { changes: true, ..Touches::default() };
        let is_listed = self.knows_all(&change.files);
        touches.somewhere = !is_listed
            && match &change.spot {
                None => !change.only_files,
                Some(spot @ Spot::Partition(..)) => !self.all.iter().any(|part| part.spots.contains(spot)),
                Some(Spot::Range(..)) => false,
            };
        for (number, part) in self.all.iter().enumerate() {
            let is_own = matches!(&part.what, What::Memory(StartPart::File(name)) if change.files.contains(name));
            let is_act = matches!(part.what, What::Act(_));
            let is_hit = match &change.spot {
                // Of what lies nobody knows where, an address may be in the middle.
                Some(Spot::Range(..)) if !is_listed && !is_act && !part.spots.iter().any(Spot::is_range) => true,
                Some(spot) => part.spots.iter().any(|own| own.meets(spot)),
                None => false,
            };
            if is_own || is_hit || (touches.somewhere && !is_act) || self.of_act(&step.id) == Some(number) {
                touches.broken.push(number);
            }
            let is_covered = matches!(part.what, What::Memory(StartPart::Range(_)))
                && change.spot.as_ref().is_some_and(|spot| part.spots.iter().all(|own| spot.covers(own)));
            if (change.is_write && (is_own || is_covered)) || self.of_act(&step.id) == Some(number) {
                touches.whole.push(number);
            }
        }
        touches
    }

    fn knows_all(&self, files: &[Id]) -> bool {
        !files.is_empty() && files.iter().all(|file| self.of_file(file).is_some())
    }

    fn arguments(&self, run: &Run) -> Vec<String> {
        let made = self.made.keys().cloned().collect();
        let size = |file: &Id| self.playbook.input(file).and_then(|input| input.max_size);
        let facts = Declared { playbook: self.playbook, made: &made, size: &size };
        let Ok(args) = arguments(run, |arg| Ok::<_, Infallible>(expand_as_far_as_known(arg, &facts)));
        args
    }

    pub(super) fn command(&self, run: &Run) -> Option<&'a Command> {
        self.catalog.tool(&run.tool.value)?.command(&self.arguments(run))
    }

    fn burns_fuses(&self, run: &Run) -> bool {
        self.command(run).is_some_and(|command| command.fuse.is_some())
    }

    fn change(&self, run: &Run) -> Option<Change> {
        let args = self.arguments(run);
        let command = self.catalog.tool(&run.tool.value).and_then(|tool| tool.command(&args));
        if !changes_board(run, command) {
            return None;
        }
        let erases = command.is_some_and(|command| command.erases.is_some());
        let write = |files: Vec<Id>, spot| Change { files, spot, is_write: true, only_files: false };
        match run.changes.as_ref().map(|changes| &changes.value) {
            Some(Changes::Range { address, length }) => {
                let spot = Some(Spot::Range(*address, address.saturating_add(*length)));
                return Some(Change { is_write: !erases, ..write(Vec::new(), spot) });
            }
            Some(Changes::Files(files)) => {
                let files = files.iter().map(|file| file.value.clone()).collect();
                return Some(Change { only_files: true, is_write: !erases, ..write(files, None) });
            }
            Some(Changes::Nothing) | None => {}
        }
        let text = |place: &ArgumentPlace| Some(args.get(command?.argument(place, &args)?)?.as_str());
        if let Some(erases) = command.and_then(|command| command.erases.as_ref()) {
            let from = erases.address().and_then(text).and_then(address_of);
            let length = text(&erases.extent).and_then(address_of);
            let to = |from: u64| length.map_or(u64::MAX, |length| from.saturating_add(length));
            let spot = from.map(|from| Spot::Range(from, to(from)));
            return Some(Change { is_write: false, ..write(Vec::new(), spot) });
        }
        if let Some(writes) = command.and_then(|command| command.writes.as_ref()) {
            let index = command.and_then(|command| command.argument(&writes.extent, &args));
            let file = index.and_then(|index| run.args.get(index)?.only_name());
            let length = file.and_then(|file| self.playbook.input(file)).and_then(|input| input.max_size);
            let to = |from: u64| length.map_or(u64::MAX, |length| from.saturating_add(length));
            let spot = match &writes.begin {
                RegionBegin::Address(place) => text(place).and_then(address_of).map(|from| Spot::Range(from, to(from))),
                RegionBegin::Partition(place) => {
                    text(place).map(|name| Spot::Partition(run.tool.value.clone(), name.to_owned()))
                }
            };
            return Some(write(file.cloned().into_iter().collect(), spot));
        }
        Some(write(self.files_given(run), None))
    }

    /// The person's and the tools' files that a call is handed, also within files that steps make. Nothing where one of them
    /// may name others.
    fn files_given(&self, run: &Run) -> Vec<Id> {
        let named = run.args.iter().filter_map(|arg| arg.only_name());
        let mut files = Vec::new();
        for name in named.chain(run.stage.iter().map(|staged| &staged.file.value)) {
            match self.playbook.input(name) {
                Some(input) if input.names_files.is_some() && (self.given)(name) => return Vec::new(),
                Some(input) if input.names_files.is_none() => files.push(name.clone()),
                Some(_) | None => {
                    let within = self.made.get(name).into_iter().flatten();
                    files.extend(within.filter(|name| self.playbook.input(name).is_some()).cloned());
                }
            }
        }
        files
    }
}

impl Spot {
    fn is_range(&self) -> bool {
        matches!(self, Spot::Range(..))
    }

    fn meets(&self, other: &Spot) -> bool {
        match (self, other) {
            (Spot::Range(from, to), Spot::Range(other_from, other_to)) => from < other_to && other_from < to,
            (Spot::Partition(..), Spot::Partition(..)) => self == other,
            // Files have places of their own, however a tool calls them.
            (Spot::Range(..), Spot::Partition(..)) | (Spot::Partition(..), Spot::Range(..)) => false,
        }
    }

    fn covers(&self, other: &Spot) -> bool {
        match (self, other) {
            (Spot::Range(from, to), Spot::Range(other_from, other_to)) => from <= other_from && other_to <= to,
            (Spot::Partition(..), Spot::Partition(..)) => self == other,
            (Spot::Range(..), Spot::Partition(..)) | (Spot::Partition(..), Spot::Range(..)) => false,
        }
    }
}

fn spot_of(range: AddressRange) -> Spot {
    Spot::Range(u64::from(range.start), range.end())
}
