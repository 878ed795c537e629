//! Waits: for devices to come or go, for a person, or for time to pass. Each has a limit and says what it waits for.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::documents::expression::Value;
use crate::documents::playbook::{BURNT_UNREAD, Instead, LateAsk, Step, Until};
use crate::engine::devices::{Met, describe_until, name_of};
use crate::engine::halt::Halt;
use crate::engine::hands::what_is_set;
use crate::engine::hints::Lessons;
use crate::engine::instead::{Intruders, Told};
use crate::engine::moves::moving;
use crate::engine::runner::Runner;
use crate::engine::{Event, Outcome, WaitEnd, milliseconds};
use crate::words::{Fault, FaultClass, Id, Located, describe_time};
use crate::world::{Interrupt, Reply, World};

/// Hot-plug events may be missing, so the bus is looked at this often in any case.
const POLL: Duration = Duration::from_secs(1);
/// How often a wait tells that it still waits.
const TICK: Duration = Duration::from_secs(1);
/// A device that has just come is not ready at once: its node and its permissions follow, and nothing tells of them. So the
/// bus is looked at again after this part of the time since it changed, and not more often than that.
const PART: u32 = 16;
const OFTENEST: Duration = Duration::from_millis(1);
/// For so long "not permitted" or "several" may pass by itself while devices come and go.
const GRACE: Duration = Duration::from_secs(2);

/// What is said to whoever types something else where ENTER is waited for: a "no" must not count as it.
pub(super) const NOT_ENTER: &str = "Only ENTER goes on: press it alone when it is done. Ctrl-C ends the run.";

/// When to look at a bus that has changed at that time.
fn look_again(changed: Instant) -> Instant {
    let now = Instant::now();
    now + ((now - changed) / PART).clamp(OFTENEST, POLL)
}

impl<W: World> Runner<'_, W> {
    /// Waits until the bus is as wanted. With `fresh` a device that was there from the start does not count: it must
    /// have been gone in between.
    pub(super) async fn wait_until(
        &mut self,
        step: &Step,
        until: &Until,
        limit: Duration,
        fresh: bool,
    ) -> Result<(), Halt> {
        let mut intruders = Intruders::of(step);
        let mut asks = step.ask.as_ref();
        let mut lessons = Lessons::of(step, until, &self.bus);
        let whole = step;
        let step = &whole.id;
        let started = Instant::now();
        let deadline = started + limit;
        let mut must_go_first = fresh && !until.present.is_empty() && self.any_present(until);
        let there_first = self.arrivals(until);
        // What was there from the start need not settle, only last.
        let there_before = self.bus.met(until) == Met::Yes && !must_go_first;
        let must_last = if there_before { until.lasting } else { until.lasting.max(self.settles(until)) };
        let mut met_since: Option<Instant> = None;
        let mut hopeless_since: Option<Instant> = None;
        let mut told: Option<(String, Vec<String>)> = None;
        let mut next_tick = started;
        let mut changed = started;
        loop {
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            lessons.look(&self.bus);
            if must_go_first && (!self.any_present(until) || self.another_than(&there_first, until)) {
                must_go_first = false;
            }
            let met = match self.bus.met(until) {
                // Another device that shows the same id does not go away with the camera.
                Met::Never(fault) => Met::Never(fault),
                _ if must_go_first && whole.sets.is_some() => {
                    Met::NotYet("it has not gone away and come back yet".to_owned())
                }
                _ if must_go_first => {
                    Met::NotYet("the board has to be disconnected and connected again first".to_owned())
                }
                met => met,
            };
            let waiting_for = match met {
                Met::Yes if now >= *met_since.get_or_insert(now) + must_last => {
                    return self.wait_met(step, until, started);
                }
                Met::Yes if until.lasting.is_zero() => {
                    let world = self.world;
                    tokio::select! {
                        by = world.interrupted() => return Err(self.interrupt(step, by)),
                        moving = moving(world) => self.hear_moving(step, moving)?,
                        () = world.devices_changed() => {}
                        () = sleep_until(met_since.unwrap_or(now) + must_last) => {}
                    }
                    continue;
                }
                Met::Yes => {
                    // What is away now may come back.
                    intruders.take_note(&self.bus);
                    format!(
                        "{}, and must stay for {}",
                        describe_until(until, self.playbook),
                        describe_time(until.lasting)
                    )
                }
                Met::Never(fault) => {
                    met_since = None;
                    let since = *hopeless_since.get_or_insert(now);
                    if now >= (since + GRACE).max(now + self.just_come_left(&fault, until)).min(deadline) {
                        let fault = self.bus.explained(fault, until);
                        return Err(self.halt_here(step, fault));
                    }
                    fault.message
                }
                Met::NotYet(text) => {
                    hopeless_since = None;
                    met_since = None;
                    if let Told::Enough(instead) = self.look_for_intruders(step, &mut intruders, left) {
                        return self.told_in_vain(step, instead, started);
                    }
                    if let Some(ask) = asks.take_if(|ask| now >= started + ask.after) {
                        self.ask_late(whole, ask, left)?;
                    }
                    match intruders.meaning() {
                        // The reason is known.
                        Some(meaning) => format!("{meaning} ({text})"),
                        None => {
                            self.teach(&mut lessons);
                            text
                        }
                    }
                }
            };
            if now >= deadline {
                if self.moves_under_way() {
                    return Err(self.moves_late(step, limit));
                }
                if let Some(instead) = intruders.told_in_vain() {
                    return self.told_in_vain(step, instead, started);
                }
                return Err(self.wait_over(whole, until, &waiting_for, limit, started));
            }
            let state = (waiting_for, self.bus.describe_attached());
            let nothing_there = state.1.is_empty();
            if now >= next_tick || told.as_ref() != Some(&state) {
                self.tell(Event::Waiting {
                    step: step.clone(),
                    waiting_for: state.0.clone(),
                    attached: state.1.clone(),
                    remaining_ms: milliseconds(deadline.saturating_duration_since(now)),
                });
                told = Some(state);
                next_tick = now + TICK;
            }
            // What is not there does not become ready.
            let look_again = if nothing_there && now >= changed + GRACE { now + POLL } else { look_again(changed) };
            // While the device is there and cannot be used, the time to ask may be over.
            let asks_at = asks.map(|ask| started + ask.after).filter(|at| *at > now).unwrap_or(deadline);
            let hints_at = lessons.next_at().filter(|at| *at > now).unwrap_or(deadline);
            let world = self.world;
            tokio::select! {
                by = world.interrupted() => return Err(self.interrupt(step, by)),
                moving = moving(world) => self.hear_moving(step, moving)?,
                () = world.devices_changed() => changed = Instant::now(),
                () = sleep_until(look_again.min(next_tick).min(asks_at).min(hints_at).min(deadline)) => {}
            }
        }
    }

    /// Hands help where the hardware has not come by itself.
    fn ask_late(&mut self, step: &Step, ask: &LateAsk, left: Duration) -> Result<(), Halt> {
        let text = self.text(&ask.prompt.text).map_err(|error| self.not_computable(&step.id, &error))?;
        self.show_prompt(step, &ask.prompt, &text, None, left);
        Ok(())
    }

    /// What came instead has another reason than the one that was told; later steps look for it.
    fn told_in_vain(&mut self, step: &Id, instead: &Instead, started: Instant) -> Result<(), Halt> {
        let name = self.playbook.device(&instead.device).map(name_of).unwrap_or_default();
        self.tell(Event::WaitOver {
            step: step.clone(),
            end: WaitEnd::NotMet,
            text: format!("{name} is there again"),
            elapsed_ms: milliseconds(started.elapsed()),
        });
        self.tell(Event::Warning {
            text: format!("{name} is there again after all that was done, so there may be another reason for it"),
        });
        if let Some(enough) = &instead.enough {
            self.values.insert(enough.sets.value.clone(), Value::Boolean(true));
        }
        Ok(())
    }

    /// Fails where several devices could be the wanted one, and go on being there.
    pub(super) async fn rule_out_several(&mut self, step: &Id, until: &Until) -> Result<(), Halt> {
        let began = Instant::now();
        let give_up = began + GRACE;
        loop {
            let fault = match self.bus.met(until) {
                Met::Never(fault) if fault.class == FaultClass::AmbiguousDevice => fault,
                _ => return Ok(()),
            };
            let now = Instant::now();
            if now >= give_up {
                return Err(self.halt_here(step, fault));
            }
            let world = self.world;
            tokio::select! {
                by = world.interrupted() => return Err(self.interrupt(step, by)),
                () = world.devices_changed() => {}
                () = sleep_until(look_again(began).min(give_up)) => {}
            }
        }
    }

    /// For how long it may still pass that a device is not permitted: udev has not got to it yet.
    fn just_come_left(&self, fault: &Fault, until: &Until) -> Duration {
        if fault.class != FaultClass::NoPermission {
            return Duration::ZERO;
        }
        let devices = until.present.iter().filter_map(|name| self.playbook.device(name));
        devices.map(|device| self.bus.just_come_left(device)).max().unwrap_or_default()
    }

    /// How long the devices must be as they are wanted.
    fn settles(&self, until: &Until) -> Duration {
        let devices = until.present.iter().chain(&until.gone).filter_map(|name| self.playbook.device(name));
        devices.map(|device| device.settle).max().unwrap_or_default()
    }

    fn arrivals(&self, until: &Until) -> Vec<u64> {
        let devices = until.present.iter().filter_map(|name| self.playbook.device(name));
        devices.flat_map(|device| self.bus.matching(device).unwrap_or_default()).map(|device| device.arrival).collect()
    }

    /// Has one of them gone and come back between two looks?
    fn another_than(&self, before: &[u64], until: &Until) -> bool {
        self.arrivals(until).iter().any(|arrival| *arrival != 0 && !before.contains(arrival))
    }

    fn any_present(&self, until: &Until) -> bool {
        until.present.iter().any(|name| self.bus.present(name).unwrap_or(false))
    }

    fn wait_met(&mut self, step: &Id, until: &Until, started: Instant) -> Result<(), Halt> {
        let text = describe_until(until, self.playbook);
        let elapsed_ms = milliseconds(started.elapsed());
        self.tell(Event::WaitOver { step: step.clone(), end: WaitEnd::Met, text, elapsed_ms });
        self.came(step, until)
    }

    fn wait_over(&mut self, step: &Step, until: &Until, waiting_for: &str, limit: Duration, started: Instant) -> Halt {
        let elapsed_ms = milliseconds(started.elapsed());
        let end = if step.sets.is_some() { WaitEnd::NotMet } else { WaitEnd::InVain };
        self.tell(Event::WaitOver { step: step.id.clone(), end, text: waiting_for.to_owned(), elapsed_ms });
        let only_going = until.present.iter().all(|name| self.bus.present(name).unwrap_or(false));
        let class = if only_going { FaultClass::TimedOut } else { FaultClass::NoDevice };
        let mut fault = Fault::new(class, format!("{waiting_for}, after {}", describe_time(limit)));
        let set = what_is_set(&self.hands.set(), self.playbook);
        fault.help = Some(if only_going {
            let set = set
                .map(|set| format!("Check the {set} as the step says, then disconnect"))
                .unwrap_or_else(|| "Disconnect".to_owned());
            format!("{set} the board, wait a moment and connect it again")
        } else {
            let set = set.map(|set| format!("{set} and the ")).unwrap_or_default();
            format!(
                "Check the {set}cable (some cables carry only power; between two USB-C sockets try one with a USB-A plug), \
                 and try another USB port, without a hub. Take everything else off the board's other pins, such as shields \
                 and serial adapters: it can keep a chip's ROM from answering on USB"
            )
        });
        let Some(ask) = &step.ask else {
            let fault = self.bus.explained(fault, until);
            return self.halt_here(&step.id, fault);
        };
        // Everything before has been done: what is left is what the person was asked for.
        fault.help = None;
        let advice = match self.text(&ask.prompt.text) {
            Ok(text) => text,
            Err(error) => return self.not_computable(&step.id, &error),
        };
        let mut failure = self.failure(&step.id, fault, Outcome::StepFailed);
        failure.advice.push(advice);
        Halt::Failure(Box::new(failure))
    }

    /// Waits for ENTER.
    pub(super) async fn wait_for_enter(&mut self, step: &Id, limit: Duration) -> Result<(), Halt> {
        let world = self.world;
        let deadline = Instant::now() + limit;
        loop {
            tokio::select! {
                by = world.interrupted() => return Err(self.interrupt(step, by)),
                moving = moving(world) => self.hear_moving(step, moving)?,
                reply = world.reply() => match reply {
                    reply if reply.is_enter() => return Ok(()),
                    Reply::Line(_) => self.tell(Event::Note { text: NOT_ENTER.to_owned() }),
                    Reply::Gone => return Err(self.declined(step, "nobody is there to press ENTER".to_owned())),
                },
                () = sleep_until(deadline) => {
                    let message = format!("nobody pressed ENTER within {}", describe_time(limit));
                    return Err(self.halt_here(step, Fault::new(FaultClass::TimedOut, message)));
                }
            }
        }
    }

    /// Lets time pass; Ctrl-C ends it, but for the time between an irreversible act and its reading.
    pub(super) async fn pause(&mut self, step: &Id, span: Duration) -> Result<(), Halt> {
        let world = self.world;
        let deadline = Instant::now() + span;
        loop {
            tokio::select! {
                by = world.interrupted() => self.interrupted_between(step, by)?,
                () = sleep_until(deadline) => return Ok(()),
            }
        }
    }

    /// Between two calls the wish to end is followed at once; but what was burnt is read first.
    pub(super) fn interrupted_between(&mut self, step: &Id, by: Interrupt) -> Result<(), Halt> {
        if !self.stopping.is_shielded() {
            return Err(self.interrupt(step, by));
        }
        if self.cuts_short(by, Some(BURNT_UNREAD), None) {
            return Err(self.stopped(step, by));
        }
        Ok(())
    }

    /// Before a call: the device it is meant for must be there, exactly once, and usable. A moment of grace covers
    /// devices that are just coming.
    pub(super) async fn device_ready(&mut self, name: &Located<Id>) -> Result<(), Fault> {
        let until = Until { present: vec![name.clone()], ..Until::default() };
        let began = Instant::now();
        let give_up = began + GRACE;
        loop {
            let fault = match self.bus.met(&until) {
                Met::Yes => return Ok(()),
                Met::NotYet(text) => {
                    Fault::new(FaultClass::DeviceLost, text.replace("is not there yet", "is not there"))
                }
                Met::Never(fault) => fault,
            };
            if fault.class == FaultClass::NoDevice {
                // The bus cannot be read at all; the tool may still reach the device.
                return Ok(());
            }
            let now = Instant::now();
            let give_up = give_up.max(now + self.just_come_left(&fault, &until));
            if now >= give_up {
                return Err(self.bus.explained(fault, &until));
            }
            let world = self.world;
            tokio::select! {
                () = world.devices_changed() => {}
                () = sleep_until(look_again(began).min(give_up)) => {}
            }
        }
    }
}
