//! Turns among the places of one station: tools that cannot be told which board to take.
//!
//! Such a tool takes any board that shows the id it is told, so while one place uses it no other board may show that id: the
//! turn lasts from before the hands make the board show it until the board shows it no more and no step is left that would
//! bring it back. All such tools of a playbook are one turn, because two places could else wait for each other. A tool that can
//! be told and yet must not run twice at once is used in turns call by call. Nothing here makes a call safe by itself: before
//! each one `call.rs` looks whether another board is there that the tool could take, and refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::documents::catalog::{Catalog, OperatingSystem, Tool};
use crate::documents::playbook::{Device, DeviceKind, Playbook, Run, Step, every_step};
use crate::engine::devices::unplug_others;
use crate::engine::halt::Halt;
use crate::engine::runner::Runner;
use crate::engine::{Event, Outcome, ReadyTool, milliseconds};
use crate::words::{Fault, FaultClass, Id, UsbId, describe_time};
use crate::world::{AttachedDevice, CallTurn, ClockHold, NotYourTurn, PlaceTurns, World};

/// For so long a place waits for its turn, or for another board to go. The operator sees it all the time.
const TURN_LIMIT: Duration = Duration::from_secs(60 * 60);
const TICK: Duration = Duration::from_secs(1);

/// What a playbook uses that only one board may be there for.
#[derive(Debug, Default)]
pub struct Exclusive {
    tools: BTreeSet<String>,
    devices: BTreeSet<Id>,
    /// The number of the last step that needs them, among those that are shown.
    last: usize,
}

/// Is this a tool that takes whichever board it finds?
fn takes_whichever(tool: &Tool, found: Option<&ReadyTool>, device: &Device) -> bool {
    let of_this_build = found.is_none_or(|found| tool.can_be_told(found.flavour.as_deref(), &found.version));
    // A serial port is named in the call itself.
    device.kind != DeviceKind::Serial && !(of_this_build && tool.can_choose_on(OperatingSystem::current()))
}

impl<'a, W: World> Runner<'a, W> {
    /// Before the step is begun: whatever it brings about, it is this place's turn.
    pub(super) async fn take_turn(&mut self, step: &'a Step) -> Result<(), Halt> {
        let Some(turns) = self.world.turns().filter(|_| !self.exclusive.tools.is_empty()) else { return Ok(()) };
        if !self.exclusive.is_needed_by(step) {
            let over = self.progress.at_work().is_some_and(|at_work| at_work.number > self.exclusive.last);
            if over && !self.shows_exclusive() {
                turns.give_back();
            }
            return Ok(());
        }
        let tools = self.exclusive.tools.clone();
        self.wait_for_turn(&step.id, turns, || turns.take(&tools)).await
    }

    /// The turn for one call of a tool that may not run twice at once.
    pub(super) async fn call_turn(&mut self, step: &Step, run: &Run) -> Result<Option<CallTurn>, Halt> {
        let Some(turns) = self.world.turns() else { return Ok(None) };
        let tool = &run.tool.value;
        let may_run_twice = self.catalog.tool(tool).is_none_or(|tool| tool.parallel);
        if may_run_twice || turns.holds(tool) {
            return Ok(None);
        }
        self.wait_for_turn(&step.id, turns, || turns.take_for_call(tool)).await.map(Some)
    }

    /// Another board is there that the tool would take as well: it has to go before the call.
    pub(super) async fn wait_for_others(&mut self, step: &Step, run: &Run) -> Result<(), Halt> {
        if self.world.turns().is_none() {
            return Ok(());
        }
        let mut hold = None;
        let deadline = Instant::now() + TURN_LIMIT;
        loop {
            let Some((board, others)) = self.others_alike(run) else { return Ok(()) };
            hold.get_or_insert_with(ClockHold::new);
            let now = Instant::now();
            if now >= deadline {
                // The call itself refuses, with what to do.
                return Ok(());
            }
            let waiting_for = unplug_others(&run.tool.value, &board, &others);
            self.tell_turn(&step.id, &waiting_for, deadline);
            let world = self.world;
            tokio::select! {
                by = world.interrupted() => self.interrupted_between(&step.id, by)?,
                () = world.devices_changed() => {}
                () = sleep_until((now + TICK).min(deadline)) => {}
            }
        }
    }

    async fn wait_for_turn<T>(
        &mut self,
        step: &Id,
        turns: &PlaceTurns,
        take: impl Fn() -> Result<T, NotYourTurn>,
    ) -> Result<T, Halt> {
        let mut changes = turns.changes();
        // Only another place ends it, whose time is not this one's.
        let mut hold = None;
        let deadline = Instant::now() + TURN_LIMIT;
        loop {
            let refused = match take() {
                Ok(taken) => return Ok(taken),
                Err(refused) => refused,
            };
            hold.get_or_insert_with(ClockHold::new);
            let now = Instant::now();
            if now >= deadline {
                let NotYourTurn { place, tool } = &refused;
                let limit = describe_time(TURN_LIMIT);
                let mut fault =
                    Fault::new(FaultClass::TimedOut, format!("place {place} did not leave {tool} within {limit}"));
                fault.help = Some(format!("Disconnect the board at place {place}, or end what it waits for"));
                return Err(Halt::Failure(Box::new(self.failure(step, fault, Outcome::BoardBusy))));
            }
            self.tell_turn(step, &refused.to_string(), deadline);
            let world = self.world;
            tokio::select! {
                by = world.interrupted() => self.interrupted_between(step, by)?,
                _ = changes.changed() => {}
                () = sleep_until((now + TICK).min(deadline)) => {}
            }
        }
    }

    fn tell_turn(&mut self, step: &Id, waiting_for: &str, deadline: Instant) {
        self.tell(Event::Waiting {
            step: step.clone(),
            waiting_for: waiting_for.to_owned(),
            attached: self.bus.describe_attached(),
            remaining_ms: milliseconds(deadline.saturating_duration_since(Instant::now())),
        });
    }

    /// The board, and those that the tool cannot tell from it.
    pub(super) fn others_alike(&self, run: &Run) -> Option<(AttachedDevice, Vec<AttachedDevice>)> {
        let device = run.device.as_ref().and_then(|name| self.playbook.device(name))?;
        let tool = self.catalog.tool(&run.tool.value)?;
        if !self.bus.is_chosen() || device.kind == DeviceKind::Serial {
            return None;
        }
        let board = self.bus.matching(device).ok()?.first().cloned()?;
        let choice = self.bus.choice_of(tool, &board).args;
        let mut others = self.bus.attached().unwrap_or_default();
        others.retain(|other| {
            // A board whose node is not there yet cannot be told from any.
            let alike = choice.is_empty() || self.bus.choice_of(tool, other).args == choice;
            device.ids.contains(&other.id) && other.port != board.port && alike
        });
        (!others.is_empty()).then_some((board, others))
    }

    /// The run is over: others need not wait for what this place does not use any more.
    pub(super) fn end_turn(&self) {
        if let Some(turns) = self.world.turns().filter(|_| !self.shows_exclusive()) {
            turns.give_back();
        }
    }

    fn shows_exclusive(&self) -> bool {
        self.exclusive.devices.iter().any(|name| self.bus.present(name).unwrap_or(true))
    }
}

impl Exclusive {
    /// `tools` are those that were found.
    pub fn of(playbook: &Playbook, catalog: &Catalog, tools: &BTreeMap<String, ReadyTool>) -> Exclusive {
        let mut exclusive = Exclusive::default();
        for run in every_step(&playbook.steps).filter_map(Step::call) {
            let device = run.device.as_ref().and_then(|name| playbook.device(name));
            if let (Some(device), Some(tool)) = (device, catalog.tool(&run.tool.value))
                && takes_whichever(tool, tools.get(&tool.name), device)
            {
                exclusive.tools.insert(tool.name.clone());
                exclusive.devices.insert(device.name.clone());
            }
        }
        let leaves = playbook.leaf_steps();
        let last = leaves.iter().rposition(|leaf| leaf.whole().any(|step| exclusive.is_needed_by(step)));
        exclusive.last = last.map_or(0, |index| index + 1);
        exclusive
    }

    /// None where every tool can be told which board to take.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().map(String::as_str)
    }

    /// What one board at a time may show.
    pub fn ids(&self, playbook: &Playbook) -> Vec<UsbId> {
        self.devices.iter().filter_map(|name| playbook.device(name)).flat_map(|device| device.ids.clone()).collect()
    }

    fn is_needed_by(&self, step: &Step) -> bool {
        let of_call = step.call().and_then(|run| run.device.as_ref()).map(|device| &device.value);
        let comes = step.until.iter().flat_map(|until| &until.present).map(|name| &name.value);
        of_call.into_iter().chain(comes).any(|name| self.devices.contains(name))
    }
}
