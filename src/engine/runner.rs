//! One run of a playbook, from its beginning to its last event: what it is made of, and in which order it begins and ends. How
//! steps are carried out stands in `step.rs`.

use std::collections::BTreeMap;

use elsa::FrozenVec;
use tokio::time::Instant;

use crate::documents::catalog::Catalog;
use crate::documents::expression::{EvaluationError, Expression, Template, Value, evaluate_condition, expand};
use crate::documents::playbook::{Playbook, Step};
use crate::engine::already::Held;
use crate::engine::attempts::Attempts;
use crate::engine::awake::Wakefulness;
use crate::engine::beforehand::wrong_beforehand;
use crate::engine::board_state::BoardState;
use crate::engine::call::LastCall;
use crate::engine::devices::Bus;
use crate::engine::facts::{Moment, RunFacts};
use crate::engine::files::Files;
use crate::engine::halt::Halt;
use crate::engine::hands::HandsSet;
use crate::engine::identity::Introduced;
use crate::engine::irreversible::Acts;
use crate::engine::moves::Asked;
use crate::engine::problem::problem_of;
use crate::engine::progress::Progress;
use crate::engine::ready::RunTools;
use crate::engine::step::Shown;
use crate::engine::stopping::Stopping;
use crate::engine::turns::Exclusive;
use crate::engine::{Event, Order, Outcome, Problem, Settings, Tell};
use crate::words::{Fault, FaultClass, Id};
use crate::world::World;

/// The state of a run. Each part stands in the file of its own name, with what the run does to it.
pub(super) struct Runner<'a, W> {
    pub(super) world: &'a W,
    pub(super) playbook: &'a Playbook,
    pub(super) catalog: &'a Catalog,
    pub(super) settings: &'a Settings,
    pub(super) tools: RunTools<'a>,
    pub(super) files: Files,
    /// What expressions know by name.
    pub(super) values: BTreeMap<Id, Value>,
    pub(super) bus: Bus<'a, W>,
    pub(super) progress: Progress<'a>,
    pub(super) stopping: Stopping,
    pub(super) board: BoardState<'a>,
    pub(super) attempts: Attempts,
    pub(super) acts: Acts,
    pub(super) held: Held,
    /// Steps that this run has made of the playbook's.
    pub(super) made: &'a FrozenVec<Vec<Step>>,
    pub(super) introduced: Introduced,
    pub(super) hands: HandsSet,
    pub(super) asked: Asked,
    pub(super) last_call: Option<LastCall>,
    pub(super) wakefulness: Wakefulness,
    pub(super) exclusive: Exclusive,
}

/// How the run ended; the same that the last event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finish {
    pub outcome: Outcome,
}

/// Runs the playbook to its end. Faults of tools and boards are outcomes, told by events; the last one is
/// [`Event::Finished`].
pub async fn run<W: World>(order: Order<'_>, files: Files, world: &W, events: &mut dyn FnMut(&Event)) -> Finish {
    let started = Instant::now();
    let made = FrozenVec::new();
    let mut events = |event: &Event| events(event);
    let mut runner = Runner::new(order, files, world, (&made, &mut events));
    let ended = runner.whole().await;
    let ended = runner.end(ended);
    let (outcome, problem) = runner.let_go(ended).await;
    runner.end_turn();
    let next = if outcome == Outcome::Recovered { runner.afterwards() } else { Vec::new() };
    runner.progress.finish(outcome, problem, next, started.elapsed());
    Finish { outcome }
}

impl<'a, W: World> Runner<'a, W> {
    fn new(
        order: Order<'a>,
        files: Files,
        world: &'a W,
        (made, events): (&'a FrozenVec<Vec<Step>>, &'a mut Tell<'a>),
    ) -> Self {
        let Order { playbook, catalog, tools, settings } = order;
        let tools = RunTools::from(tools);
        let bus = Bus::new(world, playbook, catalog, settings.chosen.clone());
        bus.note_tools(tools.found());
        Runner {
            world,
            playbook,
            catalog,
            settings,
            tools,
            files,
            values: settings.variables.clone(),
            bus,
            progress: Progress::new(playbook, events),
            stopping: Stopping::default(),
            board: BoardState::default(),
            attempts: Attempts::default(),
            acts: Acts::default(),
            held: Held::default(),
            made,
            introduced: Introduced::default(),
            hands: HandsSet::default(),
            asked: Asked::default(),
            last_call: None,
            wakefulness: Wakefulness::default(),
            exclusive: world.turns().map(|_| Exclusive::of(playbook, catalog)).unwrap_or_default(),
        }
    }

    /// Tools first, then what is known to go wrong, then what is attached, then every step.
    async fn whole(&mut self) -> Result<(), Halt> {
        self.find_tool_files();
        self.find_last_changing(self.playbook);
        let asked = self.tools_ready().await;
        self.warm_up();
        asked?;
        if let Some(halt) = self.foreseen_end() {
            return Err(halt);
        }
        self.tell_strangers();
        self.ask_over_healthy().await?;
        self.steps(&self.playbook.steps, Shown::Yes).await?;
        self.tell_held();
        Ok(())
    }

    /// What the run comes to.
    fn end(&mut self, ended: Result<(), Halt>) -> (Outcome, Option<Problem>) {
        let failure = match ended {
            Ok(()) => None,
            Err(Halt::Failure(failure)) => Some(*failure),
            Err(Halt::Refused(refusal)) => {
                self.let_sleep();
                return (refusal.outcome, Some(refusal.problem));
            }
            // `check` allows restarts only at steps around, so none arrives here.
            Err(Halt::Restart { at, .. }) => {
                let fault = Fault::new(FaultClass::Unknown, format!("the step `{at}` to restart at was not found"));
                Some(self.failure(&at, fault, Outcome::Defect))
            }
        };
        let failure = self.after_wish(failure);
        self.let_sleep();
        let outcome = failure.as_ref().map_or(Outcome::Recovered, |failure| failure.outcome);
        (outcome, failure.map(|failure| problem_of(failure, self)))
    }

    pub(super) fn facts(&self) -> RunFacts<'_> {
        RunFacts { files: &self.files, values: &self.values, limit_ms: None, moment: Moment::Now(self) }
    }

    /// What the author wants said at the end; what cannot be worked out is left out rather than to spoil a success.
    fn afterwards(&self) -> Vec<String> {
        let holds = |when: &Expression| evaluate_condition(when, &self.facts()).unwrap_or(false);
        let due = self.playbook.afterwards.iter().filter(|entry| entry.when.as_ref().is_none_or(holds));
        due.filter_map(|entry| self.text(&entry.text).ok()).collect()
    }

    /// What is known to go wrong with these inputs and variables, before anything is done.
    fn foreseen_end(&self) -> Option<Halt> {
        let (step, what) = wrong_beforehand(self.playbook, &self.files, &self.settings.variables)?;
        let message = format!("the step `{step}` cannot be carried out with these files and values: {what}");
        Some(Halt::Failure(Box::new(self.failure(
            &step,
            Fault::new(FaultClass::BadFile, message),
            Outcome::CommandLine,
        ))))
    }

    pub(super) fn text(&self, template: &Template) -> Result<String, EvaluationError> {
        expand(template, &self.facts())
    }
}
