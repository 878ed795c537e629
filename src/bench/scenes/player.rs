//! The player of a scene: devices that come and go as declared, and how far the scene has been played.

use std::collections::BTreeMap;

use crate::bench::BusDevice;
use crate::bench::scenes::store::CallHead;
use crate::documents::playbook::HandMove;
use crate::documents::scene::{Asked, BusChange, DeviceAccess, Scene, SceneDevice, ScenePerson, Times, fits};
use crate::world::Access;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct ScenePlayer {
    devices: Vec<SceneDevice>,
    /// In the order of their times.
    changes: Vec<Scheduled>,
    hands: Vec<(HandMove, Vec<BusChange>)>,
    person: Vec<ScenePerson>,
    /// How many entries of `person` have been used, by what was asked.
    answered: BTreeMap<Asked, usize>,
    /// How often each call has been made.
    made: Vec<u32>,
    calls: u32,
    /// What happens once the call that hangs has been ended.
    after_hang: Vec<BusChange>,
    /// What the bus does by itself, for the scene to begin again with.
    first_changes: Vec<BusChange>,
    trial: Option<SceneTrial>,
}

/// How a scene stands while something goes wrong that it does not script.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct SceneTrial {
    /// Nothing shows on the bus any more, whatever anybody does.
    gone: bool,
    /// A call was struck, so that the board does not hold what the scene takes for granted.
    half_done: bool,
}

/// A change on the bus at its time.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Scheduled {
    at_ms: u64,
    device: String,
    appears: bool,
    /// The number of the call that causes it; if that is killed before, nothing comes of it.
    call: Option<u32>,
}

/// Why no declared call answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Undeclared,
    TooManyCalls,
}

/// A run that calls tools more often than this goes round in circles.
pub(super) const CALLS_MAX: u32 = 5_000;

impl ScenePlayer {
    pub(crate) fn new(scene: &Scene) -> Self {
        let mut board = ScenePlayer {
            devices: scene.devices.clone(),
            changes: Vec::new(),
            hands: scene.hands.clone(),
            person: scene.person.clone(),
            answered: BTreeMap::new(),
            made: vec![0; scene.calls.len()],
            calls: 0,
            after_hang: Vec::new(),
            first_changes: scene.changes.clone(),
            trial: None,
        };
        board.schedule(&scene.changes, 0, None);
        board
    }

    /// From now on something may go wrong that the scene does not script: what was declared answers again when it comes
    /// again. The scene stands at its beginning, as before its first run.
    pub(crate) fn begin_trial(&mut self, now_ms: u64) {
        self.trial = Some(SceneTrial::default());
        self.changes.clear();
        self.answered.clear();
        self.made.fill(0);
        self.calls = 0;
        self.after_hang.clear();
        let changes = std::mem::take(&mut self.first_changes);
        self.schedule(&changes, now_ms, None);
        self.first_changes = changes;
    }

    /// Everything leaves the bus, and what was under way does not come.
    pub(crate) fn pull_cable(&mut self, now_ms: u64) {
        let attached: Vec<String> = self.attached_devices(now_ms).map(|device| device.name.clone()).collect();
        self.changes.retain(|change| change.at_ms <= now_ms);
        for device in attached {
            self.schedule_one(now_ms, &device, false, None);
        }
    }

    /// Nothing comes back any more.
    pub(crate) fn stay_away(&mut self) {
        self.trial.get_or_insert_default().gone = true;
    }

    /// Has a call been struck, or has the struck one been made as a whole?
    pub(crate) fn set_half_done(&mut self, half_done: bool) {
        self.trial.get_or_insert_default().half_done = half_done;
    }

    pub(super) fn is_half_done(&self) -> bool {
        self.trial.as_ref().is_some_and(|trial| trial.half_done)
    }

    pub(super) fn made(&self, index: usize) -> u32 {
        self.made.get(index).copied().unwrap_or(0)
    }

    /// The declared call that answers this one, which is then made.
    pub(super) fn take_call(&mut self, heads: &[CallHead], tool: &str, args: &[String]) -> Result<usize, Refused> {
        self.calls += 1;
        if self.calls > CALLS_MAX {
            return Err(Refused::TooManyCalls);
        }
        let index = self.find_call(heads, tool, args).ok_or(Refused::Undeclared)?;
        if let Some(made) = self.made.get_mut(index) {
            *made += 1;
        }
        Ok(index)
    }

    /// The next call in order when it fits, else the first that may come at any time.
    pub(super) fn find_call(&self, heads: &[CallHead], tool: &str, args: &[String]) -> Option<usize> {
        let of_tool = || heads.iter().enumerate().filter(|(_, head)| head.tool == tool);
        let next = self.due(heads, tool).find(|index| fits(&heads[*index].args, args));
        let at_any_time = |(index, head): &(usize, &CallHead)| match head.times {
            Times::InOrder(_) => false,
            Times::AnyOrder(times) => self.made(*index) < times && fits(&head.args, args),
            Times::Repeated => fits(&head.args, args),
        };
        // A call that is tried again finds the tool as the last one left it.
        let made_before = || {
            self.trial.as_ref()?;
            let fitting = || of_tool().filter(|(_, head)| fits(&head.args, args)).map(|(index, _)| index);
            fitting().rfind(|index| self.made(*index) > 0).or_else(|| fitting().next())
        };
        next.or_else(|| of_tool().find(at_any_time).map(|(index, _)| index)).or_else(made_before)
    }

    pub(super) fn next_in_order(&self, heads: &[CallHead], tool: &str) -> Option<usize> {
        self.due(heads, tool).next()
    }

    /// Up to the first that must be made. What may be left out is due no more once a later one was made.
    fn due<'a>(&'a self, heads: &'a [CallHead], tool: &'a str) -> impl Iterator<Item = usize> + 'a {
        let in_order = move |(index, head): (usize, &CallHead)| match head.times {
            Times::InOrder(times) if head.tool == tool => Some((index, times)),
            _ => None,
        };
        let calls: Vec<(usize, u32)> = heads.iter().enumerate().filter_map(in_order).collect();
        let last_made = calls.iter().rev().map(|(index, _)| *index).find(|index| self.made(*index) > 0);
        let mut must = false;
        calls
            .into_iter()
            .filter(move |(index, times)| {
                let passed = heads[*index].optional && last_made.is_some_and(|last| *index < last);
                self.made(*index) < *times && !passed
            })
            .map(|(index, _)| index)
            .take_while(move |index| {
                let goes_on = !must;
                must |= !heads[*index].optional;
                goes_on
            })
    }

    /// The number of the call that is going on.
    pub(super) fn call(&self) -> u32 {
        self.calls
    }

    /// Each change is counted from the one before, the first from `at_ms`.
    pub(super) fn schedule(&mut self, changes: &[BusChange], at_ms: u64, call: Option<u32>) {
        let mut at_ms = at_ms;
        for change in changes {
            at_ms = at_ms.saturating_add(change.after_ms);
            self.schedule_one(at_ms, &change.device, change.appears, call);
        }
    }

    pub(super) fn schedule_one(&mut self, at_ms: u64, device: &str, appears: bool, call: Option<u32>) {
        let place = self.changes.partition_point(|other| other.at_ms <= at_ms);
        self.changes.insert(place, Scheduled { at_ms, device: device.to_owned(), appears, call });
    }

    /// The call hangs from here on.
    pub(super) fn hang(&mut self, afterwards: &[BusChange]) {
        afterwards.clone_into(&mut self.after_hang);
    }

    /// The call that hung has been ended.
    pub(crate) fn hang_ended(&mut self, at_ms: u64) {
        let afterwards = std::mem::take(&mut self.after_hang);
        self.schedule(&afterwards, at_ms, None);
    }

    /// The call that was going on is no more: what it would have caused after this time does not happen.
    pub(crate) fn cut_short(&mut self, at_ms: u64) {
        let call = self.calls;
        self.changes.retain(|change| change.at_ms <= at_ms || change.call != Some(call));
    }

    /// What the person does now that this is asked, if the scene says.
    pub(crate) fn asked(&mut self, asked: Asked, now_ms: u64) -> Option<ScenePerson> {
        let used = self.answered.entry(asked).or_default();
        let entries: Vec<&ScenePerson> = self.person.iter().filter(|entry| entry.asked == asked).collect();
        let again = || entries.last().filter(|_| self.trial.is_some());
        let entry = entries.get(*used).or_else(again).copied()?.clone();
        *used += 1;
        self.schedule(&entry.changes, now_ms, None);
        Some(entry)
    }

    fn attached_devices(&self, now_ms: u64) -> impl Iterator<Item = &SceneDevice> {
        let gone = self.trial.as_ref().is_some_and(|trial| trial.gone);
        let is_attached = move |device: &&SceneDevice| {
            let due = self.changes.iter().rev().find(|change| change.at_ms <= now_ms && change.device == device.name);
            !gone && due.map_or(device.attached, |change| change.appears)
        };
        self.devices.iter().filter(is_attached)
    }

    pub(crate) fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let shown = |device: &SceneDevice| BusDevice {
            id: device.id,
            port: device.port.clone(),
            serial: device.serial.clone(),
            product: device.product.clone(),
            interfaces: device.interfaces.clone(),
            version: device.version,
            kind: device.kind,
            access: match device.access {
                DeviceAccess::Permitted => Access::Permitted,
                DeviceAccess::Denied => Access::Denied,
                DeviceAccess::Unknown => Access::Unknown,
            },
        };
        self.attached_devices(now_ms).map(shown).collect()
    }

    pub(crate) fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        self.changes.iter().map(|change| change.at_ms).find(|at_ms| *at_ms > now_ms)
    }

    pub(crate) fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        let moved = self.hands.iter().find(|(declared, _)| *declared == hand_move);
        if let Some((_, changes)) = moved.cloned() {
            self.schedule(&changes, now_ms, None);
        }
    }
}
