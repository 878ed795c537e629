//! What an interruption leaves of the board: the cable pulled, the power gone, the run ended, in the middle of each step and
//! behind it; and whether Ctrl-C may cut the step short.
//!
//! Worked out from the playbook and the catalog, without a run: from what calls erase and write, from what devices start
//! from (`starts_from`) and which of them nothing can damage (`state: recovery`), and from the prompts that bring those
//! about. What stands nowhere is not known, and said to be. Each step is seen as a run comes to it for the first time, with
//! nothing having failed before; [`Interruption::at_worst`] is how it is otherwise. What a run has really changed, its
//! ledger tells.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::catalog::{Catalog, Command};
use crate::documents::expression::{Expression, Facts, UnknownFact, Value, evaluate_condition};
use crate::documents::playbook::touches::{Parts, Touches};
use crate::documents::playbook::{
    Action, Device, DeviceState, HandMove, Need, Playbook, Run, Step, Until, every_step, procedure,
};
use crate::words::Id;

/// What is left of the board.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leaves {
    /// Nothing that lasts has been changed.
    AsBefore,
    /// All that it starts from is whole.
    Starts,
    /// It may not start its firmware, but this device comes when it is connected, and the run can be repeated.
    ComesBack {
        device: Id,
    },
    /// It may not start; this device comes where hands have done, or have left, what the step asks for.
    NeedsHands {
        device: Id,
        step: Option<Id>,
        hands: Vec<HandMove>,
    },
    NotKnown,
    /// It may not start, and no device of the playbook is known to come.
    Lost,
}

/// What Ctrl-C does to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MayBeCut {
    AtOnce,
    /// It is finished first; a second Ctrl-C ends it.
    WhenFinished,
    /// It is finished first; cut short, it breaks something, so that takes a third one.
    Never,
}

/// One step of the procedure, and what it leaves where it is interrupted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Interruption {
    /// Counted from 1 among all steps that are no groups.
    #[serde(skip)]
    pub number: usize,
    #[serde(skip)]
    pub step: Id,
    #[serde(skip)]
    pub name: String,
    /// In the middle of it.
    pub during: Leaves,
    /// Once it has succeeded, and the next one has not begun to change anything.
    pub after: Leaves,
    /// In the middle of it, in a run in which something has failed before.
    pub at_worst: Leaves,
    pub may_be_cut: MayBeCut,
    /// What it breaks to cut it short, as a sentence without its full stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaks: Option<String>,
    /// Its own call changes memory that lasts.
    pub changes: bool,
    /// A run comes here only where something has failed that the playbook foresees.
    pub only_after_failure: bool,
    /// Why it can never be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub irreversible: Option<String>,
}

/// What is known of the run that is asked about.
#[derive(Clone, Copy)]
pub struct Supposed<'a> {
    /// Whether an optional input is there. Without it, both ways are looked at.
    pub given: Option<&'a dyn Fn(&Id) -> bool>,
    pub variables: &'a BTreeMap<Id, Value>,
}

impl std::fmt::Debug for Supposed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supposed").field("variables", &self.variables).finish_non_exhaustive()
    }
}

/// What is known of a call that somebody wants to cut short.
#[derive(Debug, Clone, Copy)]
pub struct CutCall<'c> {
    /// [`is_guarded`].
    pub guarded: bool,
    pub never_cut: Option<&'c str>,
    /// It cannot be undone, or it reads whether that has taken place.
    pub is_final: bool,
}

impl<'c> CutCall<'c> {
    /// Whether Ctrl-C cuts it short, and what that would break.
    pub fn may_be_cut(self) -> (MayBeCut, Option<&'c str>) {
        match (self.guarded || self.is_final, self.never_cut) {
            (true, Some(breaks)) => (MayBeCut::Never, Some(breaks)),
            (true, None) if self.is_final => (MayBeCut::Never, Some(BURNT_UNREAD)),
            (true, None) => (MayBeCut::WhenFinished, None),
            (false, _) => (MayBeCut::AtOnce, None),
        }
    }
}

/// Is the call one that the board is guarded around: finished before the run ends, with the board known and the computer awake?
/// Only the catalog decides: what a playbook says of its changes takes no guard away. What the catalog does not know is guarded.
pub fn is_guarded(command: Option<&Command>) -> bool {
    command.is_none_or(|command| command.changes_board)
}

/// May the call change memory that lasts, as far as the playbook and the catalog say?
pub fn changes_board(run: &Run, command: Option<&Command>) -> bool {
    !run.changes_nothing_that_lasts() && is_guarded(command)
}

/// What it breaks to end a run between an irreversible act and its reading.
pub const BURNT_UNREAD: &str = "this cannot be undone, and nobody would know whether it has taken place";

/// Every step to which a run can come, in order.
pub fn interruptions(playbook: &Playbook, catalog: &Catalog, supposed: &Supposed<'_>) -> Vec<Interruption> {
    let all = |name: &Id| playbook.input(name).is_none_or(|input| input.names_files.is_none());
    let needed =
        |name: &Id| playbook.input(name).is_none_or(|input| matches!(input.need, Need::Always | Need::Without(_)));
    let optional = playbook.inputs.iter().filter(|input| !needed(&input.name) && all(&input.name));
    let all_but: Vec<_> = optional.map(|left_out| |name: &Id| all(name) && *name != left_out.name).collect();
    let mut ways: Vec<&dyn Fn(&Id) -> bool> = Vec::new();
    match supposed.given {
        Some(given) => ways.push(given),
        None => {
            ways.extend([&all as &dyn Fn(&Id) -> bool, &needed]);
            ways.extend(all_but.iter().take(WAYS_MAX).map(|way| way as &dyn Fn(&Id) -> bool));
        }
    }
    let mut told = BTreeMap::new();
    // What calls touch depends only on the inputs that name other files.
    let naming: Vec<&Id> =
        playbook.inputs.iter().filter(|input| input.names_files.is_some()).map(|input| &input.name).collect();
    let mut known: Vec<(Vec<bool>, Parts<'_>)> = Vec::new();
    for given in ways {
        let of_way: Vec<bool> = naming.iter().map(|name| given(name)).collect();
        let at = known.iter().position(|(way, _)| *way == of_way).unwrap_or_else(|| {
            known.push((of_way, Parts::of(playbook, catalog, given)));
            known.len() - 1
        });
        let parts = &known[at].1;
        let board = Board::of(playbook, parts, supposed.variables, given);
        let start = World { state: State::untouched(parts.count()), values: BTreeMap::new(), failed: false };
        board.walk(&playbook.steps, vec![start], &mut told);
    }
    let steps = playbook.leaf_steps().into_iter().enumerate();
    steps.filter_map(|(index, step)| told.remove(&step.id).map(|told| told.of(step, index + 1))).collect()
}

/// Of a playbook with more optional inputs than this, only the first ones are looked at as left out by themselves.
const WAYS_MAX: usize = 16;
/// More worlds than this are not told apart any more.
const WORLDS_MAX: usize = 128;

/// A possible course of the run up to a point.
#[derive(Debug, Clone, PartialEq, Eq)]
struct World {
    state: State,
    /// What steps have set, where a condition asks for it.
    values: BTreeMap<Id, bool>,
    /// Something went wrong that the playbook foresees.
    failed: bool,
}

/// In which states each part may be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    changed: bool,
    parts: Vec<u8>,
}

const UNTOUCHED: u8 = 1;
const BROKEN: u8 = 2;
const WRITTEN: u8 = 4;
/// Read back and compared, or shown by a device that starts from it.
const PROVEN: u8 = 8;

impl State {
    fn untouched(count: usize) -> State {
        State { changed: false, parts: vec![UNTOUCHED; count] }
    }

    fn or(&mut self, other: &State) {
        self.changed |= other.changed;
        self.parts.iter_mut().zip(&other.parts).for_each(|(own, other)| *own |= other);
    }

    fn during(&self, touches: &Touches) -> State {
        let mut state = self.clone();
        state.changed |= touches.changes;
        touches.broken.iter().for_each(|part| state.parts[*part] |= BROKEN);
        state
    }

    fn after(&self, touches: &Touches) -> State {
        let mut state = self.during(touches);
        if !touches.somewhere {
            touches.broken.iter().for_each(|part| state.parts[*part] = BROKEN);
        }
        touches.whole.iter().for_each(|part| state.parts[*part] = WRITTEN);
        state
    }

    fn seen(&mut self, parts: &[usize]) {
        parts.iter().for_each(|part| self.parts[*part] = PROVEN);
    }
}

/// What is told of one step, over all worlds that come to it.
#[derive(Debug, Clone)]
struct Told {
    /// Of runs in which nothing has failed, if one comes here.
    usual: Option<Claims>,
    worst: Claims,
    changes: bool,
    may_be_cut: MayBeCut,
    breaks: Option<String>,
}

#[derive(Debug, Clone)]
struct Claims {
    during: Claim,
    after: Claim,
}

#[derive(Debug, Clone)]
struct Claim {
    untouched: bool,
    leaves: Leaves,
}

impl Claim {
    fn or(&mut self, other: &Claim) {
        self.untouched &= other.untouched;
        if other.leaves.severity() > self.leaves.severity() {
            self.leaves = other.leaves.clone();
        }
    }

    fn told(&self) -> Leaves {
        if self.untouched { Leaves::AsBefore } else { self.leaves.clone() }
    }
}

impl Claims {
    fn or(&mut self, other: &Claims) {
        self.during.or(&other.during);
        self.after.or(&other.after);
    }
}

impl Told {
    fn of(self, step: &Step, number: usize) -> Interruption {
        let claims = self.usual.as_ref().unwrap_or(&self.worst);
        Interruption {
            number,
            step: step.id.clone(),
            name: step.name.clone(),
            during: claims.during.told(),
            after: claims.after.told(),
            at_worst: self.worst.during.told(),
            may_be_cut: self.may_be_cut,
            breaks: self.breaks,
            changes: self.changes,
            only_after_failure: self.usual.is_none(),
            irreversible: step.irreversible.as_ref().map(|irreversible| irreversible.why.clone()),
        }
    }
}

impl Leaves {
    fn severity(&self) -> u8 {
        match self {
            Leaves::AsBefore => 0,
            Leaves::Starts => 1,
            Leaves::ComesBack { .. } => 2,
            Leaves::NeedsHands { .. } => 3,
            Leaves::NotKnown => 4,
            Leaves::Lost => 5,
        }
    }

    /// The one of two that is harder to mend.
    #[must_use]
    pub fn or_worse(self, other: Leaves) -> Leaves {
        if other.severity() > self.severity() { other } else { self }
    }

    /// Nobody has to do more than to connect the board again, at most.
    pub fn comes_by_itself(&self) -> bool {
        match self {
            Leaves::AsBefore | Leaves::Starts | Leaves::ComesBack { .. } => true,
            Leaves::NeedsHands { .. } | Leaves::NotKnown | Leaves::Lost => false,
        }
    }

    /// As a sentence without its full stop. What is only likely is said so.
    pub fn in_words(&self, playbook: &Playbook) -> String {
        let label = |name: &Id| playbook.device(name).map_or_else(|| name.to_string(), |device| device.label.clone());
        match self {
            Leaves::AsBefore => "the board is as it was, nothing on it has been changed".to_owned(),
            Leaves::Starts => {
                "the board should start when it is connected as for use: all that was given for it is written"
                    .to_owned()
            }
            Leaves::ComesBack { device } => {
                let is_recovery =
                    playbook.device(device).is_some_and(|device| device.state == Some(DeviceState::Recovery));
                let how = if is_recovery { "again" } else { "as for use" };
                format!(
                    "the board may not start its firmware, but once it is connected {how} it shows up as {}",
                    label(device)
                )
            }
            Leaves::NeedsHands { device, step: Some(step), hands } => {
                let named = every_step(&playbook.steps).find(|one| one.id == *step);
                let name = named.map_or(step.as_str(), |step| step.name.as_str());
                format!(
                    "the board may not start, but once it is connected again, with {} as in the step \"{name}\", it shows up \
                     as {}",
                    set_by(hands, playbook.wire()),
                    label(device)
                )
            }
            Leaves::NeedsHands { device, step: None, .. } => {
                format!("the board may not start, but it can be brought back as {}", label(device))
            }
            Leaves::NotKnown => "in which state that leaves the board is not known".to_owned(),
            Leaves::Lost => "the board may not start, and nothing is known that brings it back".to_owned(),
        }
    }
}

/// What hands have set for the board to come back, for people.
fn set_by(hands: &[HandMove], wire: &str) -> String {
    let thing = |hand: &HandMove| match hand {
        HandMove::FitJumper => Some(format!("its {wire}")),
        HandMove::RemoveJumper => Some(format!("its {wire} let go")),
        HandMove::SwitchOn | HandMove::SwitchOff => Some("its switch".to_owned()),
        HandMove::PressButton => Some("its button pressed".to_owned()),
        HandMove::Unplug | HandMove::PlugIn => None,
    };
    let things: BTreeSet<String> = hands.iter().filter_map(thing).collect();
    things.into_iter().collect::<Vec<_>>().join(" and ")
}

/// A playbook as the walk along its steps asks for it.
struct Board<'a> {
    playbook: &'a Playbook,
    parts: &'a Parts<'a>,
    variables: &'a BTreeMap<Id, Value>,
    given: &'a dyn Fn(&Id) -> bool,
    /// How the board comes back whatever is damaged.
    way_back: Option<Leaves>,
    /// Every device of which it is not known what it starts from.
    is_all_known: bool,
    /// Parts whose files are read back and compared somewhere.
    compared: BTreeSet<usize>,
    /// Names for which some condition asks.
    asked: BTreeSet<&'a Id>,
}

impl<'a> Board<'a> {
    fn of(
        playbook: &'a Playbook,
        parts: &'a Parts<'a>,
        variables: &'a BTreeMap<Id, Value>,
        given: &'a dyn Fn(&Id) -> bool,
    ) -> Self {
        let pairs = procedure(&playbook.steps).filter_map(|step| match &step.action {
            Action::Check(check) => Some(check.holds.compared_files()),
            _ => None,
        });
        let compared = pairs.flatten().flat_map(|(one, other)| [one, other]).filter_map(|name| parts.of_file(name));
        let conditions = every_step(&playbook.steps).filter_map(|step| step.when.as_ref());
        let known_ids: BTreeSet<_> = playbook
            .devices
            .iter()
            .filter(|device| !device.starts_from.is_empty())
            .flat_map(|device| &device.ids)
            .collect();
        let is_known = |device: &Device| device.ids.iter().all(|id| known_ids.contains(id));
        Board {
            playbook,
            parts,
            variables,
            given,
            way_back: way_back(playbook),
            is_all_known: !playbook.devices.is_empty() && playbook.devices.iter().all(is_known),
            compared: compared.collect(),
            asked: conditions.flat_map(Expression::names).collect(),
        }
    }

    /// Answers with the worlds behind the steps.
    fn walk(&self, steps: &'a [Step], mut worlds: Vec<World>, told: &mut BTreeMap<Id, Told>) -> Vec<World> {
        for step in steps {
            let (mut behind, mut carrying_out) = (Vec::new(), Vec::new());
            for world in worlds {
                match self.holds(step, &world) {
                    Some(true) => carrying_out.push(world),
                    Some(false) => behind.push(self.skipped(step, world)),
                    None => {
                        behind.push(self.skipped(step, world.clone()));
                        carrying_out.push(world);
                    }
                }
            }
            match step.group() {
                // All of them at once: groups within groups would multiply otherwise.
                Some(steps) if !carrying_out.is_empty() => behind.extend(self.walk(steps, carrying_out, told)),
                Some(_) => {}
                None => carrying_out.iter().for_each(|world| self.carried_out(step, world, told, &mut behind)),
            }
            worlds = distinct(behind);
        }
        worlds
    }

    fn holds(&self, step: &Step, world: &World) -> Option<bool> {
        let Some(when) = &step.when else { return Some(true) };
        evaluate_condition(when, &Known { board: self, world }).ok()
    }

    /// What a skipped step would have set is not so.
    fn skipped(&self, step: &Step, mut world: World) -> World {
        let sets = step.sets.iter().filter(|name| self.asked.contains(&name.value));
        world.values.extend(sets.map(|name| (name.value.clone(), false)));
        world
    }

    fn carried_out(&self, step: &'a Step, world: &World, told: &mut BTreeMap<Id, Told>, behind: &mut Vec<World>) {
        let touches = self.parts.touched_by(step);
        let during = world.state.during(touches);
        let ends = self.ends(step, world, touches);
        let mut after = ends.first().map_or_else(|| during.clone(), |first| first.state.clone());
        ends.iter().filter(|world| !world.failed).for_each(|end| after.or(&end.state));
        let acts = self.parts.of_act(&step.id).is_some();
        let claims = Claims {
            during: if acts { Claim { untouched: false, leaves: Leaves::NotKnown } } else { self.claim(&during) },
            after: self.claim(&after),
        };
        self.tell(step, claims, touches, world.failed, told);
        behind.extend(ends);
    }

    fn tell(&self, step: &Step, claims: Claims, touches: &Touches, failed: bool, told: &mut BTreeMap<Id, Told>) {
        let usual = (!failed).then(|| claims.clone());
        match told.get_mut(&step.id) {
            Some(told) => {
                told.worst.or(&claims);
                told.changes |= touches.changes;
                match (&mut told.usual, usual) {
                    (Some(own), Some(usual)) => own.or(&usual),
                    (own @ None, usual) => *own = usual,
                    (Some(_), None) => {}
                }
            }
            None => {
                let command = step.call().map(|run| self.parts.command(run));
                let guarded = step.call().is_some_and(|_| is_guarded(command.flatten()));
                let never_cut = command.flatten().and_then(|command| command.never_cut.as_deref());
                let call = CutCall { guarded, never_cut, is_final: step.irreversible.is_some() };
                let (may_be_cut, breaks) = call.may_be_cut();
                let changes = touches.changes;
                let breaks = breaks.map(str::to_owned);
                told.insert(step.id.clone(), Told { usual, worst: claims, changes, may_be_cut, breaks });
            }
        }
    }

    /// How the step can end so that the run goes on, the usual way first.
    fn ends(&self, step: &Step, world: &World, touches: &Touches) -> Vec<World> {
        let usual = World { state: world.state.after(touches), ..world.clone() };
        match &step.action {
            Action::Refuse(_) => Vec::new(),
            Action::Run(run) => {
                let mut usual = usual;
                usual.state.seen(&self.shown(step.until.as_ref()));
                if touches.changes { self.foreseen(run, usual, &world.state.during(touches)) } else { vec![usual] }
            }
            Action::Prompt(_) | Action::Wait => self.waited(step, &usual),
            Action::Check(check) => {
                let mut usual = usual;
                let names = check.holds.compared_files().into_iter().flat_map(|(one, other)| [one, other]);
                for part in names.filter_map(|name| self.parts.of_file(name)) {
                    if usual.state.parts[part] & WRITTEN != 0 {
                        usual.state.parts[part] = usual.state.parts[part] & !WRITTEN | PROVEN;
                    }
                }
                vec![usual]
            }
            Action::Write(_) | Action::TellApart(_) | Action::Steps(_) => vec![usual],
        }
    }

    /// A call that changes something may end in a fault that the playbook goes on with.
    fn foreseen(&self, run: &Run, usual: World, cut_short: &State) -> Vec<World> {
        let names: BTreeSet<&Id> =
            run.on_fault.iter().map(|on| &on.set.value).filter(|name| self.asked.contains(name)).collect();
        let with = |world: &World, true_one: Option<&Id>| {
            let mut world = world.clone();
            world.values.extend(names.iter().map(|name| ((*name).clone(), true_one == Some(*name))));
            world
        };
        let mut ends = vec![with(&usual, None)];
        if !run.on_fault.is_empty() {
            let failed = World { state: cut_short.clone(), failed: true, ..usual };
            ends.extend(names.iter().map(|name| with(&failed, Some(*name))));
            if run.on_fault.iter().any(|on| !names.contains(&on.set.value)) {
                ends.push(with(&failed, None));
            }
        }
        ends
    }

    /// The devices that are waited for come, or the playbook goes on without them.
    fn waited(&self, step: &Step, usual: &World) -> Vec<World> {
        let shown = self.shown(step.until.as_ref());
        let met = |mut world: World| {
            world.state.seen(&shown);
            world
        };
        let set = |mut world: World, name: &Id, value: bool| {
            if self.asked.contains(name) {
                world.values.insert(name.clone(), value);
            }
            world
        };
        let mut ends = match &step.sets {
            Some(name) => {
                vec![met(set(usual.clone(), &name.value, true)), set(usual.clone(), &name.value, false)]
            }
            None => vec![met(usual.clone())],
        };
        for enough in step.instead.iter().filter_map(|instead| instead.enough.as_ref()) {
            ends = ends.into_iter().map(|world| set(world, &enough.sets.value, false)).collect();
            // Something else has come again and again, so what was waited for does not start.
            let mut other = World { failed: true, ..set(usual.clone(), &enough.sets.value, true) };
            shown.iter().for_each(|part| other.state.parts[*part] |= BROKEN);
            ends.push(other);
        }
        ends
    }

    /// The parts that are whole where these devices have come.
    fn shown(&self, until: Option<&Until>) -> Vec<usize> {
        let devices = until.into_iter().flat_map(|until| &until.present).filter_map(|name| self.playbook.device(name));
        devices.flat_map(|device| self.shown_by(device)).collect()
    }

    /// A device may stand for several others: then what all of them start from is whole.
    fn shown_by(&self, device: &Device) -> Vec<usize> {
        if !device.starts_from.is_empty() {
            return self.parts.of_device(device).to_vec();
        }
        let meant = |known: &&Device| known.ids.iter().any(|id| device.ids.contains(id));
        let meant: Vec<&Device> =
            self.playbook.devices.iter().filter(meant).filter(|known| known.name != device.name).collect();
        let covered = device.ids.iter().all(|id| meant.iter().any(|known| known.ids.contains(id)));
        let mut all = meant.iter().map(|known| self.parts.of_device(known));
        let Some(first) = all.next().filter(|_| covered) else { return Vec::new() };
        let others: Vec<&[usize]> = all.collect();
        first.iter().copied().filter(|part| others.iter().all(|other| other.contains(part))).collect()
    }

    fn claim(&self, state: &State) -> Claim {
        Claim { untouched: !state.changed, leaves: self.leaves(state) }
    }

    fn leaves(&self, state: &State) -> Leaves {
        let known = || self.playbook.devices.iter().filter(|device| !device.starts_from.is_empty());
        let runs = |device: &&Device| device.state == Some(DeviceState::Running);
        if known().filter(runs).any(|device| self.is_whole(state, device, Written::All)) {
            return Leaves::Starts;
        }
        let comes = |device: &&Device| !runs(device) && self.is_whole(state, device, Written::All);
        if let Some(device) = known().find(comes) {
            return Leaves::ComesBack { device: device.name.clone() };
        }
        if known().filter(runs).any(|device| self.is_whole(state, device, Written::Given)) {
            return Leaves::Starts;
        }
        match &self.way_back {
            Some(way) => way.clone(),
            None if self.is_all_known => Leaves::Lost,
            None => Leaves::NotKnown,
        }
    }

    fn is_whole(&self, state: &State, device: &Device, written: Written) -> bool {
        self.parts.of_device(device).iter().all(|&part| {
            let now = state.parts[part];
            if now & BROKEN != 0 {
                return false;
            }
            let file = self.parts.file(part);
            let input = file.and_then(|name| self.playbook.input(name));
            // What comes with a tool is written only where the board has something else.
            let of_tool = written == Written::Given && file.is_some() && input.is_none();
            let left_out = written == Written::Given && input.is_some_and(|input| !(self.given)(&input.name));
            let is_enough = if self.compared.contains(&part) { PROVEN } else { WRITTEN | PROVEN };
            of_tool || left_out || now & !is_enough == 0
        })
    }
}

/// What a run must have written for a device to count as one that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    All,
    /// Files that are not given, and those that come with a tool, are left as they are, which nobody has looked at.
    Given,
}

/// How a device comes that nothing can damage: by the first prompt that waits for it.
fn way_back(playbook: &Playbook) -> Option<Leaves> {
    let recovery: Vec<&Device> =
        playbook.devices.iter().filter(|device| device.state == Some(DeviceState::Recovery)).collect();
    let is_one = |device: &&Device| device.ids.iter().all(|id| recovery.iter().any(|one| one.ids.contains(id)));
    let first = recovery.first()?;
    let asks = |step: &Step| {
        let Action::Prompt(prompt) = &step.action else { return None };
        let present = step.until.as_ref()?.present.iter().filter_map(|name| playbook.device(name));
        let device = present.into_iter().find(is_one)?;
        Some((device.name.clone(), step.id.clone(), prompt.hands.clone())).filter(|(_, _, hands)| !hands.is_empty())
    };
    let Some((device, step, hands)) = procedure(&playbook.steps).find_map(asks) else {
        return Some(Leaves::NeedsHands { device: first.name.clone(), step: None, hands: Vec::new() });
    };
    let only_cable = hands.iter().all(|hand| matches!(hand, HandMove::Unplug | HandMove::PlugIn));
    Some(match only_cable {
        true => Leaves::ComesBack { device },
        false => Leaves::NeedsHands { device, step: Some(step), hands },
    })
}

/// Equal ones once; too many become one of which less is known.
fn distinct(worlds: Vec<World>) -> Vec<World> {
    let mut found: Vec<World> = Vec::new();
    for world in worlds {
        match found.iter_mut().find(|known| known.values == world.values && known.failed == world.failed) {
            Some(known) => known.state.or(&world.state),
            None => found.push(world),
        }
    }
    if found.len() > WORLDS_MAX {
        let mut worlds = found.into_iter();
        let Some(mut first) = worlds.next() else { return Vec::new() };
        for World { state, failed, .. } in worlds {
            first.state.or(&state);
            first.failed &= failed;
        }
        first.values.clear();
        return vec![first];
    }
    found
}

/// What expressions are told on the way.
struct Known<'w> {
    board: &'w Board<'w>,
    world: &'w World,
}

impl Facts for Known<'_> {
    fn value(&self, name: &Id) -> Option<Value> {
        let set = self.world.values.get(name).map(|value| Value::Boolean(*value));
        set.or_else(|| self.board.variables.get(name).cloned())
    }

    fn file_name(&self, file: &Id) -> Result<String, UnknownFact> {
        Err(UnknownFact::Contents(file.clone()))
    }

    fn size(&self, file: &Id) -> Result<u64, UnknownFact> {
        Err(UnknownFact::Size(file.clone()))
    }

    fn given(&self, file: &Id) -> bool {
        (self.board.given)(file)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::catalog::shipped;
    use crate::documents::playbook::load;
    use crate::words::Source;

    const HEAD: &str = r#"format: 1
board: Board
inputs:
  boot: {file: boot.bin, max_size: 0x1000}
  firmware: {file: firmware.bin, optional: true, max_size: 0x10000}
devices:
  rom: {usb: "1209:0001", label: the ROM, state: recovery}
  own: {usb: "1209:0002", label: its bootloader, state: bootloader, starts_from: boot}
  running: {usb: "1209:0003", label: the board, state: running, starts_from: [boot, firmware]}
steps:
  - {id: enter, prompt: Fit the wire., hands: [unplug, fit-jumper, plug-in], until: {present: rom}}
"#;
    const BOOT: &str = r#"  - {id: boot, run: dfu-util, args: ["-d", ",1209:0001", "-s", "0x08000000", "-D", "${boot}"]}
"#;
    const FIRMWARE: &str = r#"  - {id: firmware, when: given(firmware), run: dfu-util, args: ["-d", ",1209:0002", "-a", "1", "-D", "${firmware}"]}
"#;
    const ZEROS: &str = r#"  - {write: {name: zeros, file: zeros.bin, zeros: 64}}
  - {id: hold, when: given(firmware), run: dfu-util, args: ["-d", ",1209:0002", "-a", "1", "-D", "${zeros}"]}
"#;
    const READ: &str = r#"  - {id: read, run: dfu-util, args: ["-d", ",1209:0001", "-s", "0x08000000:4", "-U", "${boot_read}"], produces: boot_read}
  - {id: compare, check: sha256(boot_read) == sha256(boot)}
"#;

    fn all(text: &str, given: Option<&dyn Fn(&Id) -> bool>) -> Vec<Interruption> {
        let source = Arc::new(Source { name: "p.yaml".to_owned(), text: text.to_owned() });
        let loaded = load(&source, &|_| Err(String::new()));
        let playbook = loaded.playbook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        interruptions(&playbook, &shipped().unwrap(), &Supposed { given, variables: &BTreeMap::new() })
    }

    /// Step, in the middle of it, behind it.
    fn of(text: &str, given: Option<&dyn Fn(&Id) -> bool>) -> Vec<String> {
        let word = |leaves: &Leaves| match leaves {
            Leaves::AsBefore => "as before".to_owned(),
            Leaves::Starts => "starts".to_owned(),
            Leaves::ComesBack { device } => device.to_string(),
            Leaves::NeedsHands { device, hands, .. } => format!("{device} with {} moves", hands.len()),
            Leaves::NotKnown => "not known".to_owned(),
            Leaves::Lost => "lost".to_owned(),
        };
        let told = |one: &Interruption| format!("{}: {}, {}", one.step, word(&one.during), word(&one.after));
        all(text, given).iter().map(told).collect()
    }

    #[test]
    fn what_is_written_again_is_whole_again() {
        assert_eq!(
            of(&format!("{HEAD}{BOOT}{ZEROS}{FIRMWARE}"), Some(&|_| true)),
            [
                "enter: as before, as before",
                "boot: rom with 3 moves, own",
                "step-3: own, own",
                "hold: own, own",
                "firmware: own, starts"
            ]
        );
        // Nobody has looked at a firmware that is left as it is.
        assert_eq!(
            of(&format!("{HEAD}{BOOT}{FIRMWARE}"), Some(&|name| name.as_str() == "boot"))[1..],
            ["boot: rom with 3 moves, own"]
        );
    }

    #[test]
    fn what_is_compared_later_is_whole_only_then() {
        assert_eq!(
            of(&format!("{HEAD}{BOOT}{READ}"), None)[1..],
            [
                "boot: rom with 3 moves, rom with 3 moves",
                "read: rom with 3 moves, rom with 3 moves",
                "compare: rom with 3 moves, own"
            ]
        );
    }

    #[test]
    fn without_a_device_that_nothing_damages_it_is_lost_or_not_known() {
        let without_rom = HEAD.replace(", state: recovery", ", starts_from: boot");
        assert_eq!(of(&format!("{without_rom}{BOOT}"), None)[1..], ["boot: lost, rom"]);
        let unsaid = HEAD.replace(", state: recovery", "");
        assert_eq!(of(&format!("{unsaid}{BOOT}"), None)[1..], ["boot: not known, own"]);
    }

    #[test]
    fn a_call_of_which_nothing_tells_where_it_writes_may_break_all() {
        let unknown = "  - {id: unknown, run: somebody, args: [write]}\n";
        assert_eq!(of(&format!("{HEAD}{BOOT}{unknown}"), None)[2..], ["unknown: rom with 3 moves, rom with 3 moves"]);
        let volatile = "  - {id: unknown, run: somebody, changes: nothing, args: [write]}\n";
        assert_eq!(of(&format!("{HEAD}{BOOT}{volatile}"), None)[2..], ["unknown: own, own"]);
        let named = "  - {id: unknown, run: somebody, changes: [firmware], args: [write]}\n";
        assert_eq!(of(&format!("{HEAD}{BOOT}{named}"), Some(&|_| true))[2..], ["unknown: own, starts"]);
    }

    #[test]
    fn a_device_that_shows_up_proves_what_it_starts_from() {
        let look = "  - {id: look, wait: {present: own}, timeout: 5s, sets: works}\n";
        let boot = BOOT.replace("{id: boot,", "{id: boot, when: not works,");
        let told = of(&format!("{HEAD}{look}{boot}{FIRMWARE}"), Some(&|_| true));
        assert_eq!(told[1..], ["look: as before, as before", "boot: rom with 3 moves, own", "firmware: own, starts"]);
        // It may be another one that works than the one that was written.
        let told = of(&format!("{HEAD}{look}{FIRMWARE}"), Some(&|_| true));
        assert_eq!(told[2..], ["firmware: rom with 3 moves, rom with 3 moves"]);
    }

    #[test]
    fn what_comes_only_after_a_failure_is_marked() {
        let boot = BOOT.replace("}\"]}", "}\"], on_fault: [{class: refused, set: refused_it}]}");
        let again = BOOT.replace("{id: boot,", "{id: again, when: refused_it,");
        let all = all(&format!("{HEAD}{boot}{again}{FIRMWARE}"), Some(&|_| true));
        let marked: Vec<bool> = all.iter().map(|one| one.only_after_failure).collect();
        assert_eq!(marked, [false, false, true, false]);
        assert_eq!(all[3].during, Leaves::ComesBack { device: "own".parse().unwrap() });
    }

    #[test]
    fn what_can_never_be_undone_is_never_cut() {
        let burn = r#"  - id: fuse
    run: blhost
    args: ["--", "efuse-program-once", "6", "00000010"]
    irreversible:
      why: It stays.
      already_done: {steps: [{run: blhost, args: ["--", "efuse-read-once", "6"], capture: {a: {integer: '(\d+)'}}}], holds: a == 16}
      verify: {steps: [{run: blhost, args: ["--", "efuse-read-once", "6"], capture: {b: {integer: '(\d+)'}}}], holds: b == 16}
"#;
        let all = all(&format!("{HEAD}{BOOT}{FIRMWARE}{burn}"), Some(&|_| true));
        let fuse = &all[3];
        assert_eq!((fuse.during.clone(), fuse.after.clone()), (Leaves::NotKnown, Leaves::Starts));
        assert_eq!((fuse.may_be_cut, fuse.irreversible.as_deref()), (MayBeCut::Never, Some("It stays.")));
        // Before it is burnt, nothing says that the board starts without it.
        assert!(matches!(all[2].after, Leaves::NeedsHands { .. }), "{:?}", all[2].after);
        assert_eq!(all[1].may_be_cut, MayBeCut::WhenFinished);
        assert_eq!(all[0].may_be_cut, MayBeCut::AtOnce);
        let reading = CutCall { guarded: false, never_cut: None, is_final: true };
        assert_eq!(reading.may_be_cut(), (MayBeCut::Never, Some(BURNT_UNREAD)));
    }
}
