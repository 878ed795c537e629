//! Knows where a run is, from its events, and lets a fault strike there.
//!
//! It also keeps what it has seen: a run without a fault shows which faults can strike where.

use std::cell::{Ref, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::bench::faults::fault::Lasting;
use crate::bench::faults::site::{Part, Site, SiteFacts};
use crate::bench::faults::{StrikeFault, disk};
use crate::bench::folder::BenchFiles;
use crate::bench::state::{BenchState, HeldState};
use crate::bench::{BenchError, Region};
use crate::documents::playbook::{Action, HandMove, Playbook, irreversible_steps};
use crate::engine::{Event, GoesOn};
use crate::words::{Id, UsbId};
use crate::world::Interrupt;

/// A fault and the place at which it strikes.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    pub(crate) site: Site,
    pub(crate) fault: StrikeFault,
    pub(crate) facts: SiteFacts,
}

/// What happened at a site.
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
    /// Something was on the bus when the site was reached.
    pub(crate) attached: bool,
    /// What could be seen of the bus while the site was at work.
    pub(crate) shown: BTreeSet<UsbId>,
}

/// An irreversible call that was made, and the board just before it.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) step: Id,
    pub(crate) consented: bool,
    pub(crate) regions: Vec<Region>,
    pub(crate) fuses: BTreeMap<u32, u32>,
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
pub(crate) struct Striking {
    pub(crate) strike: Option<Strike>,
    pub(crate) files: BenchFiles,
    /// Mock tools that play in this process right now.
    pub(crate) playing: Arc<AtomicUsize>,
    pub(crate) wakes: Notify,
    irreversible: BTreeSet<String>,
    /// Steps whose calls are those of the steps within.
    asking: BTreeSet<Id>,
    run: RefCell<Run>,
}

/// Where the run is, and what has struck it.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) site: Option<Site>,
    /// The step of the call that goes on, or was made last.
    call_of: Option<Id>,
    consents: BTreeSet<Id>,
    scratch: PathBuf,
    pub(crate) seen: BTreeMap<Site, Seen>,
    pub(crate) acts: Vec<Act>,
    /// The person has moved the board, as they were asked to.
    pub(crate) hands_moved: bool,
    pub(crate) first_change: Option<FirstChange>,
    /// The step of the site waits, or has waited.
    waits: bool,
    arrived: bool,
    pub(crate) struck: bool,
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

impl Striking {
    pub(crate) fn new(playbook: &Playbook, files: BenchFiles, strike: Option<Strike>) -> Self {
        let irreversible = irreversible_steps(&playbook.steps).into_iter().map(|(id, _)| id).collect();
        let asking = playbook.leaf_steps().into_iter().filter(|step| matches!(step.action, Action::TellApart(_)));
        let asking = asking.map(|step| step.id.clone()).collect();
        Striking {
            asking,
            strike,
            files,
            playing: Arc::default(),
            wakes: Notify::new(),
            irreversible,
            run: RefCell::default(),
        }
    }

    /// Where the run has its files.
    pub(crate) fn works_in(&self, scratch: &Path) {
        scratch.clone_into(&mut self.run_mut().scratch);
    }

    pub(crate) fn run(&self) -> Ref<'_, Run> {
        self.run.borrow()
    }

    pub(crate) fn run_mut(&self) -> RefMut<'_, Run> {
        self.run.borrow_mut()
    }

    pub(crate) fn struck(&self) {
        self.run_mut().struck = true;
    }

    /// Is this the fault of this run, and is the run at its site?
    pub(crate) fn strikes_here(&self) -> Option<&Strike> {
        self.strike.as_ref().filter(|strike| self.run().site.as_ref() == Some(&strike.site))
    }

    /// Follows the run.
    pub(crate) fn see(&self, event: &Event) {
        match event {
            Event::StepStarted { step, .. } => {
                let part = if self.irreversible.contains(step.as_str()) { Part::Before } else { Part::Act };
                self.reach(Site { step: step.clone(), part });
            }
            Event::StepSkipped { step, .. } => {
                if let Some(seen) = self.run_mut().seen.get_mut(&Site { step: step.clone(), part: Part::Act }) {
                    seen.reached = false;
                }
            }
            Event::ConsentGiven { step, .. } => {
                self.run_mut().consents.insert(step.clone());
                self.reach(Site { step: step.clone(), part: Part::Act });
            }
            Event::ConsentAsked { .. } | Event::BoardAsked { .. } => self.note(|seen| seen.replies = true),
            Event::ToolStarted { step, changes_board, .. } => {
                self.run_mut().call_of = Some(step.clone());
                if *changes_board && self.run().first_change.is_none() {
                    let attached = self.attached();
                    let hands_moved = self.run().hands_moved;
                    self.run_mut().first_change = Some(FirstChange { hands_moved, attached });
                }
            }
            Event::ToolEnded { step, .. } if self.irreversible.contains(step.as_str()) => {
                self.reach(Site { step: step.clone(), part: Part::After });
            }
            Event::ToolAnswered { .. } => {
                self.note(|seen| seen.answers += 1);
                if self.strikes_here().is_some_and(|strike| strike.fault == StrikeFault::ToolInputEnds) {
                    self.struck();
                }
            }
            Event::ToolAsked { .. } => self.note(|seen| seen.replies = true),
            Event::Prompted { goes_on, .. } => {
                self.note(|seen| seen.replies |= *goes_on != GoesOn::ByItself);
                self.wait_begins();
            }
            Event::Waiting { .. } => self.wait_begins(),
            // Nothing strikes in the middle of a wait that was over at once.
            Event::StepFinished { elapsed_ms: 1.., .. } if self.run().waits => self.note(|seen| seen.waited = true),
            _ => {}
        }
    }

    /// Adds to what is known of the site.
    pub(crate) fn note(&self, what: impl FnOnce(&mut Seen)) {
        let run = &mut *self.run_mut();
        if let Some(seen) = run.site.as_ref().and_then(|site| run.seen.get_mut(site)) {
            what(seen);
        }
    }

    /// What is really on the bus.
    fn attached(&self) -> BTreeSet<UsbId> {
        // A bench that cannot be read shows in the next call.
        let Ok(state) = BenchState::look(&self.files) else { return BTreeSet::new() };
        state.stage.attached(state.now_ms).into_iter().map(|device| device.id).collect()
    }

    fn reach(&self, site: Site) {
        let attached = !self.attached().is_empty();
        {
            let mut run = self.run_mut();
            let seen = run.seen.entry(site.clone()).or_default();
            seen.reached = true;
            seen.attached |= attached;
            run.site = Some(site);
            run.call_of = None;
            run.waits = false;
        }
        let Some(strike) = self.strikes_here() else { return };
        let again = std::mem::replace(&mut self.run_mut().arrived, true);
        if !again {
            self.arrive(strike);
        }
    }

    /// The run has come to the site of its fault.
    fn arrive(&self, strike: &Strike) {
        match strike.fault {
            StrikeFault::DeviceAbsent => {
                self.run_mut().hands_gone = true;
                self.unplug();
            }
            StrikeFault::DeviceLost => self.unplug(),
            fault if fault.of_view() => self.run_mut().view_since = Some(Instant::now()),
            StrikeFault::FileTruncated => {
                let cut = disk::truncate(&self.run().scratch, &strike.facts.images);
                self.run_mut().struck |= cut;
            }
            StrikeFault::DiskFull => {
                let blocked = disk::block(&self.run().scratch, &strike.facts);
                self.run_mut().struck |= blocked;
            }
            StrikeFault::PersonGone => {
                self.run_mut().hands_gone = true;
                self.run_mut().person_gone = true;
            }
            StrikeFault::PersonInputEnds => self.run_mut().input_ended = true,
            StrikeFault::Interrupt => self.interrupt(&[Interrupt::Interrupt]),
            StrikeFault::Terminate => self.interrupt(&[Interrupt::Terminate]),
            StrikeFault::Kill => self.kill(),
            _ => {}
        }
    }

    /// A wait is the middle of a step that calls no tool.
    fn wait_begins(&self) {
        self.run_mut().waits = true;
        let first = self.strikes_here().filter(|strike| strike.fault.inside() && !self.run().struck);
        if let Some(strike) = first
            && self.run().call_of.is_none()
        {
            self.strike_inside(strike.fault);
        }
    }

    /// In the middle of a wait or a call.
    pub(crate) fn strike_inside(&self, fault: StrikeFault) {
        match fault {
            StrikeFault::InterruptInside => self.interrupt(&[Interrupt::Interrupt]),
            StrikeFault::TerminateInside => self.interrupt(&[Interrupt::Terminate]),
            StrikeFault::KillInside => self.kill(),
            _ => {}
        }
    }

    pub(crate) fn interrupt(&self, by: &[Interrupt]) {
        self.run_mut().interrupts.extend(by);
        self.wakes.notify_waiters();
    }

    pub(crate) fn kill(&self) {
        self.run_mut().killed = true;
        self.struck();
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
            let now_ms = held.state.now_ms;
            let stage = &mut held.state.stage;
            let before = stage.attached(now_ms).len();
            stage.hands(HandMove::Unplug, now_ms);
            let gone = stage.attached(now_ms).len() < before;
            held.state.hands_moved += 1;
            held.save()?;
            Ok(gone)
        };
        // A bench that cannot be written to shows in the next call.
        if unplug().unwrap_or(false) {
            self.struck();
        }
    }

    /// Is this call to be struck? Also keeps what is known of calls that cannot be undone.
    pub(crate) fn call_begins(&self) -> Option<StrikeFault> {
        let (site, call_of) = (self.run().site.clone()?, self.run().call_of.clone());
        let own = call_of.as_ref() == Some(&site.step);
        // What gets tool and board back in step before a further attempt belongs to no site.
        let hits = own || site.part != Part::Act || self.asking.contains(&site.step);
        self.note(|seen| seen.calls += usize::from(hits));
        if own && self.irreversible.contains(site.step.as_str()) {
            self.keep_act(&site.step);
        }
        let strike = self.strikes_here()?;
        let fault = strike.fault;
        let due = fault.lasting() == Lasting::Always || !self.run().struck;
        (hits && due && (fault.of_call() || fault.inside() || fault == StrikeFault::DiskFull)).then_some(fault)
    }

    fn keep_act(&self, step: &Id) {
        // A bench that cannot be read shows in the call itself.
        let Ok(state) = BenchState::look(&self.files) else { return };
        let (regions, fuses) = (state.stage.regions(), state.stage.fuses());
        let mut run = self.run_mut();
        let consented = run.consents.contains(step);
        run.acts.push(Act { step: step.clone(), consented, regions, fuses });
    }
}
