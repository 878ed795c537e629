//! Knows where a run is, from its events, and lets a mishap happen there.
//!
//! It also keeps what it has seen: a run without a mishap shows which ones can happen where.

use std::cell::{Ref, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::bench::faults::cut_recorder::CutRecorder;
use crate::bench::faults::mishap::Lasting;
use crate::bench::faults::point::{Part, PointFacts, RunPoint};
use crate::bench::faults::{RunMishap, disk};
use crate::bench::folder::BenchFiles;
use crate::bench::kit::watched::Watched;
use crate::bench::state::{BenchState, HeldState};
use crate::bench::{BenchError, Region};
use crate::documents::playbook::{Below, DeviceKind, Playbook, irreversible_steps};
use crate::engine::{Event, GoesOn, ProvenBy};
use crate::words::{Id, UsbId, Verdict};
use crate::world::Interrupt;

/// A mishap and the point at which it is to happen.
#[derive(Debug, Clone)]
pub(crate) struct PlannedMishap {
    pub(crate) point: RunPoint,
    pub(crate) mishap: RunMishap,
    pub(crate) facts: PointFacts,
}

/// What happened at a point.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The step was not skipped.
    pub(crate) reached: bool,
    pub(crate) calls: usize,
    /// Something was waited for, a device or the person, and it took time.
    pub(crate) waited: bool,
    /// The person was asked to move something, and asked for an answer.
    pub(crate) hands: bool,
    pub(crate) replies: bool,
    /// Lines that a tool was given.
    pub(crate) answers: usize,
    /// A board was there to be lost when the point was reached.
    pub(crate) attached: bool,
    /// What could be seen of the bus while the point was at work.
    pub(crate) shown: BTreeSet<UsbId>,
}

/// An irreversible call that was made, and the board just before it.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) step: Id,
    pub(crate) consented: bool,
    /// A step whose call had not done its work by then, and had been taken for one that had.
    pub(crate) believed: Option<Id>,
    pub(crate) regions: Vec<Region>,
    pub(crate) fuses: BTreeMap<u32, u32>,
}

/// A call that changes the board, and that a mishap has kept from its work.
#[derive(Debug, Clone)]
struct Struck {
    step: Id,
    /// It was taken for one that has worked.
    believed: bool,
}

/// What the person has found out about the board, and can say in a next run.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Known {
    /// The port of a board that was proven to be theirs.
    pub(crate) port: Option<String>,
    /// They have moved it, as they were asked to.
    pub(crate) hands_moved: bool,
}

/// The first call that may change the board.
#[derive(Debug, Clone)]
pub(crate) struct FirstChange {
    /// The person had moved the board by then.
    pub(crate) hands_moved: bool,
    /// What was on the bus.
    pub(crate) attached: BTreeSet<UsbId>,
}

/// Shared by everything that takes part in a run.
#[derive(Debug)]
pub(crate) struct RunWatch {
    pub(crate) planned: Option<PlannedMishap>,
    pub(crate) files: BenchFiles,
    /// Mock tools that play in this process right now.
    pub(crate) playing: Arc<AtomicUsize>,
    pub(crate) wakes: Notify,
    irreversible: BTreeSet<String>,
    /// Steps whose calls are those of the steps within.
    asking: BTreeSet<Id>,
    /// Devices whose port may have another name when the board is connected again.
    serial: BTreeSet<Id>,
    /// Who notes each place at which the run could be cut.
    cuts: Option<Arc<CutRecorder>>,
    run: RefCell<Run>,
}

/// Where the run is, and what has gone wrong in it.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) point: Option<RunPoint>,
    /// The step of the call that goes on, or was made last.
    call_of: Option<Id>,
    call_changes_board: bool,
    struck: Option<Struck>,
    consents: BTreeSet<Id>,
    scratch: PathBuf,
    /// When the bench's time began.
    origin: Option<Instant>,
    pub(crate) seen: BTreeMap<RunPoint, Seen>,
    pub(crate) acts: Vec<Act>,
    pub(crate) known: Known,
    pub(crate) first_change: Option<FirstChange>,
    /// The step of the point waits, or has waited.
    waits: bool,
    arrived: bool,
    pub(crate) happened: bool,
    /// Since when the bus is shown otherwise than it is.
    pub(crate) view_since: Option<Instant>,
    /// When the device was there for the first time since.
    pub(crate) first_shown: Option<Instant>,
    /// Nobody moves the board any more, and nobody answers.
    pub(crate) hands_gone: bool,
    pub(crate) person_gone: bool,
    pub(crate) input_ended: bool,
    pub(crate) interrupts: Vec<Interrupt>,
    pub(crate) killed: bool,
}

impl RunWatch {
    pub(crate) fn new(playbook: &Playbook, files: BenchFiles, planned: Option<PlannedMishap>) -> Self {
        let irreversible = irreversible_steps(&playbook.steps).into_iter().map(|(id, _)| id).collect();
        let asking = playbook.leaf_steps().into_iter().filter(|step| !step.below(Below::TellApart).is_empty());
        let asking = asking.map(|step| step.id.clone()).collect();
        let serial = playbook.devices.iter().filter(|device| device.kind == DeviceKind::Serial);
        let serial = serial.map(|device| device.name.clone()).collect();
        RunWatch {
            asking,
            serial,
            cuts: None,
            planned,
            files,
            playing: Arc::default(),
            wakes: Notify::new(),
            irreversible,
            run: RefCell::default(),
        }
    }

    /// Notes each place at which the run could be cut.
    pub(crate) fn noting_cuts(mut self, recorder: &Arc<CutRecorder>) -> Self {
        self.files.watch(Watched::by(Arc::<CutRecorder>::clone(recorder)));
        self.cuts = Some(Arc::clone(recorder));
        self
    }

    /// Where the run has its files.
    pub(crate) fn works_in(&self, scratch: &Path) {
        scratch.clone_into(&mut self.run_mut().scratch);
    }

    /// The bench's time began then.
    pub(crate) fn begins(&self, origin: Instant) {
        self.run_mut().origin = Some(origin);
    }

    /// So late it is on the bench, whose own clock stands still between two calls.
    fn now_ms(&self, state: &BenchState) -> u64 {
        let waited = self.run().origin.map_or(0, |origin| origin.elapsed().as_millis());
        state.now_ms.max(u64::try_from(waited).unwrap_or(u64::MAX))
    }

    pub(crate) fn run(&self) -> Ref<'_, Run> {
        self.run.borrow()
    }

    pub(crate) fn run_mut(&self) -> RefMut<'_, Run> {
        self.run.borrow_mut()
    }

    pub(crate) fn happened(&self) {
        self.run_mut().happened = true;
    }

    /// The mishap of this run, if the run is at its point.
    pub(crate) fn due_here(&self) -> Option<&PlannedMishap> {
        self.planned.as_ref().filter(|planned| self.run().point.as_ref() == Some(&planned.point))
    }

    /// Follows the run.
    pub(crate) fn see(&self, event: &Event) {
        if let Event::BoardProven { port, device, by, .. } = event
            && *by != ProvenBy::OwnId
            && !self.serial.contains(device)
        {
            self.run_mut().known.port = Some(port.clone());
        }
        self.follow(event);
        if let Some(cuts) = &self.cuts {
            cuts.told(event, &self.run().known);
        }
    }

    fn follow(&self, event: &Event) {
        match event {
            Event::StepStarted { step, .. } => {
                let part = if self.irreversible.contains(step.as_str()) { Part::Before } else { Part::Act };
                self.reach(RunPoint { step: step.clone(), part });
            }
            Event::StepSkipped { step, .. } => {
                if let Some(seen) = self.run_mut().seen.get_mut(&RunPoint { step: step.clone(), part: Part::Act }) {
                    seen.reached = false;
                }
            }
            Event::ConsentGiven { step, .. } => {
                self.run_mut().consents.insert(step.clone());
                self.reach(RunPoint { step: step.clone(), part: Part::Act });
            }
            Event::ConsentAsked { .. } | Event::BoardAsked { .. } | Event::HealthyAsked { .. } => {
                self.note(|seen| seen.replies = true);
            }
            Event::ToolStarted { step, changes_board, .. } => {
                self.run_mut().call_of = Some(step.clone());
                self.run_mut().call_changes_board = *changes_board;
                if *changes_board && self.run().first_change.is_none() {
                    let attached = self.attached();
                    let hands_moved = self.run().known.hands_moved;
                    self.run_mut().first_change = Some(FirstChange { hands_moved, attached });
                }
            }
            Event::ToolEnded { step, verdict, .. } => {
                if let Some(struck) = self.run_mut().struck.as_mut().filter(|struck| struck.step == *step) {
                    struck.believed = matches!(verdict, Verdict::Succeeded | Verdict::SucceededWithWarning(_));
                }
                if self.irreversible.contains(step.as_str()) {
                    self.reach(RunPoint { step: step.clone(), part: Part::After });
                }
            }
            Event::ToolAnswered { .. } => {
                self.note(|seen| seen.answers += 1);
                if self.due_here().is_some_and(|planned| planned.mishap == RunMishap::ToolInputEnds) {
                    self.happened();
                }
            }
            Event::ToolAsked { .. } => self.note(|seen| seen.replies = true),
            Event::Prompted { goes_on, .. } => {
                self.note(|seen| seen.replies |= *goes_on != GoesOn::ByItself);
                self.wait_begins();
            }
            Event::Waiting { .. } => self.wait_begins(),
            // Nothing goes wrong in the middle of a wait that was over at once.
            Event::StepFinished { elapsed_ms: 1.., .. } if self.run().waits => self.note(|seen| seen.waited = true),
            _ => {}
        }
    }

    /// Adds to what is known of the point.
    pub(crate) fn note(&self, what: impl FnOnce(&mut Seen)) {
        let run = &mut *self.run_mut();
        if let Some(seen) = run.point.as_ref().and_then(|point| run.seen.get_mut(point)) {
            what(seen);
        }
    }

    /// What is really on the bus.
    fn attached(&self) -> BTreeSet<UsbId> {
        // A bench that cannot be read shows in the next call.
        let Ok(state) = BenchState::look(&self.files) else { return BTreeSet::new() };
        state.stage.attached(self.now_ms(&state)).into_iter().map(|device| device.id).collect()
    }

    fn reach(&self, point: RunPoint) {
        // A bench that cannot be read shows in the next call.
        let attached = BenchState::look(&self.files).is_ok_and(|mut state| self.loses_device(&mut state));
        {
            let mut run = self.run_mut();
            let seen = run.seen.entry(point.clone()).or_default();
            seen.reached = true;
            seen.attached |= attached;
            run.point = Some(point);
            run.call_of = None;
            run.waits = false;
        }
        let Some(planned) = self.due_here() else { return };
        let again = std::mem::replace(&mut self.run_mut().arrived, true);
        if !again {
            self.arrive(planned);
        }
    }

    /// The run has come to the point of its mishap.
    fn arrive(&self, planned: &PlannedMishap) {
        match planned.mishap {
            RunMishap::DeviceAbsent => {
                self.run_mut().hands_gone = true;
                self.unplug();
                self.nothing_comes();
            }
            RunMishap::DeviceLost => self.unplug(),
            mishap if mishap.of_view() => self.run_mut().view_since = Some(Instant::now()),
            RunMishap::FileTruncated => {
                let cut = disk::truncate(&self.run().scratch, &planned.facts.images);
                self.run_mut().happened |= cut;
            }
            RunMishap::DiskFull => {
                let blocked = disk::block(&self.run().scratch, &planned.facts);
                self.run_mut().happened |= blocked;
            }
            RunMishap::PersonGone => {
                self.run_mut().hands_gone = true;
                self.run_mut().person_gone = true;
            }
            RunMishap::PersonInputEnds => self.run_mut().input_ended = true,
            RunMishap::Interrupt => self.interrupt(&[Interrupt::Interrupt]),
            RunMishap::Terminate => self.interrupt(&[Interrupt::Terminate]),
            RunMishap::Kill => self.kill(),
            _ => {}
        }
    }

    /// A wait is the middle of a step that calls no tool.
    fn wait_begins(&self) {
        self.run_mut().waits = true;
        let first = self.due_here().filter(|planned| planned.mishap.inside() && !self.run().happened);
        if let Some(planned) = first
            && self.run().call_of.is_none()
        {
            self.happen_inside(planned.mishap);
        }
    }

    /// In the middle of a wait or a call.
    pub(crate) fn happen_inside(&self, mishap: RunMishap) {
        match mishap {
            RunMishap::InterruptInside => self.interrupt(&[Interrupt::Interrupt]),
            RunMishap::TerminateInside => self.interrupt(&[Interrupt::Terminate]),
            RunMishap::KillInside => self.kill(),
            _ => {}
        }
    }

    pub(crate) fn interrupt(&self, by: &[Interrupt]) {
        self.run_mut().interrupts.extend(by);
        self.wakes.notify_waiters();
    }

    pub(crate) fn kill(&self) {
        self.run_mut().killed = true;
        self.happened();
        self.wakes.notify_waiters();
    }

    /// Ends when recover is killed.
    pub(crate) async fn killed(&self) {
        while !self.run().killed {
            self.wakes.notified().await;
        }
    }

    /// Pulls the cable, whatever is at work.
    pub(crate) fn unplug(&self) {
        let unplug = || -> Result<bool, BenchError> {
            let mut held = HeldState::take(&self.files)?;
            let gone = self.loses_device(&mut held.state);
            held.state.hands_moved += 1;
            held.save()?;
            Ok(gone)
        };
        // A bench that cannot be written to shows in the next call.
        if unplug().unwrap_or(false) {
            self.happened();
        }
    }

    /// A scene brings devices by itself that nobody plugs in.
    fn nothing_comes(&self) {
        // A bench that cannot be written to shows in the next call.
        let Ok(mut held) = HeldState::take(&self.files) else { return };
        if let Some(scene) = held.state.stage.scene_mut() {
            scene.stay_away();
            let _shown_later = held.save();
        }
    }

    /// Pulls the cable. False where that changes nothing: no board is there, or its person is about to pull it anyway.
    fn loses_device(&self, state: &mut BenchState) -> bool {
        let now_ms = self.now_ms(state);
        let before = state.stage.attached(now_ms).len();
        state.stage.pull_cable(now_ms);
        state.stage.attached(now_ms).len() < before
    }

    /// The tool is about to start.
    pub(crate) fn cuts_begin_call(&self) {
        if let Some(cuts) = &self.cuts {
            cuts.call_begins();
        }
    }

    /// What is to go wrong with this call, if anything. Also keeps what is known of calls that cannot be undone.
    pub(crate) fn call_begins(&self) -> Option<RunMishap> {
        let (point, call_of) = (self.run().point.clone()?, self.run().call_of.clone());
        let own = call_of.as_ref() == Some(&point.step);
        // What gets tool and board back in step before a further attempt belongs to no point.
        let hits = own || point.part != Part::Act || self.asking.contains(&point.step);
        self.note(|seen| seen.calls += usize::from(hits));
        if own && self.irreversible.contains(point.step.as_str()) {
            self.keep_act(&point.step);
        }
        let planned = self.due_here()?;
        let mishap = planned.mishap;
        let due = mishap.lasting() == Lasting::Always || !self.run().happened;
        (hits && due && (mishap.of_call() || mishap.inside() || mishap == RunMishap::DiskFull)).then_some(mishap)
    }

    /// Keeps what the call does not do, or that it makes up for it.
    pub(crate) fn strike(&self, mishap: Option<RunMishap>) {
        let cut = mishap.is_some_and(RunMishap::cuts_work);
        let half_done = {
            let mut run = self.run_mut();
            let Some(step) = run.call_of.clone().filter(|_| run.call_changes_board) else { return };
            match (cut, &run.struck) {
                (true, _) => run.struck = Some(Struck { step, believed: false }),
                (false, Some(struck)) if struck.step == step => run.struck = None,
                (false, _) => return,
            }
            cut
        };
        // A bench that cannot be written to shows in the call itself.
        let Ok(mut held) = HeldState::take(&self.files) else { return };
        if let Some(scene) = held.state.stage.scene_mut() {
            scene.set_half_done(half_done);
            let _shown_by_the_call = held.save();
        }
    }

    fn keep_act(&self, step: &Id) {
        // A bench that cannot be read shows in the call itself.
        let Ok(state) = BenchState::look(&self.files) else { return };
        let (regions, fuses) = (state.stage.regions(), state.stage.fuses());
        let mut run = self.run_mut();
        let consented = run.consents.contains(step);
        let believed = run.believed().cloned();
        run.acts.push(Act { step: step.clone(), consented, believed, regions, fuses });
    }
}

impl Run {
    /// The step whose call a mishap has kept from its work, and which counts as done.
    pub(crate) fn believed(&self) -> Option<&Id> {
        self.struck.as_ref().filter(|struck| struck.believed).map(|struck| &struck.step)
    }
}
