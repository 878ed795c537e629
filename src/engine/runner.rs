//! Runs a playbook: steps in order, groups, conditions, retries and restarts. Calls, waits and guards are siblings.

mod changing;
mod checking;
mod order;
mod restarting;
mod skipping;
mod stopping;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use crate::documents::catalog::Catalog;
use crate::documents::expression::{EvaluationError, Expression, Template, Value, evaluate_condition, expand};
use crate::documents::playbook::{Action, Playbook, Retry, Step};
use crate::engine::awake::Wakefulness;
use crate::engine::beforehand::wrong_beforehand;
use crate::engine::devices::{Bus, no_bus};
use crate::engine::facts::{Moment, RunFacts};
use crate::engine::files::Files;
use crate::engine::halt::{Failure, Halt};
use crate::engine::ledger::Ledger;
use crate::engine::ready::ReadyTool;
use crate::engine::repeated::FailureKey;
use crate::engine::runner::changing::StateWords;
use crate::engine::{
    CONDITION_DOES_NOT_HOLD, Event, Outcome, ProvenBy, SoughtTools, StepEnd, Tools, milliseconds,
    outcome_without_tools, problem, refused_tools,
};
use crate::output::Touched;
use crate::words::{Fault, FaultClass, Id, ToolEnd};
use crate::world::{Consent, Interrupt, World};

pub use order::{Order, Settings};

/// Limit of a prompt or wait whose step gives none.
pub(super) const WAIT_LIMIT: Duration = Duration::from_secs(10 * 60);

/// How the last call of a tool went, to be told with a failure.
#[derive(Debug, Clone)]
pub(super) struct LastCall {
    pub(super) command: Vec<String>,
    pub(super) end: ToolEnd,
    pub(super) output: Vec<String>,
    pub(super) touched: Touched,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) done: usize,
    pub(super) skipped: usize,
    pub(super) retries: usize,
    pub(super) restarts: usize,
    pub(super) warnings: usize,
}

pub(super) struct Runner<'a, W> {
    pub(super) world: &'a W,
    pub(super) playbook: &'a Playbook,
    pub(super) catalog: &'a Catalog,
    pub(super) tools: BTreeMap<String, ReadyTool>,
    /// Still being asked; until then `tools` is empty.
    pub(super) sought: Option<SoughtTools<'a>>,
    pub(super) settings: &'a Settings,
    pub(super) files: Files,
    pub(super) values: BTreeMap<Id, Value>,
    pub(super) bus: Bus<'a, W>,
    events: &'a mut dyn FnMut(&Event),
    numbers: BTreeMap<Id, usize>,
    total: usize,
    /// The authors' words on the board's state, from the outermost group to the step at work.
    states: Vec<StateWords<'a>>,
    /// After going back: until the step of this number is reached again, these words stay true, and no others are.
    carried: Option<(usize, Option<String>)>,
    /// What has gone wrong so that the run went back, since it last came further than ever.
    pub(super) causes: Vec<Failure>,
    /// Name and number of the step at work, as the person sees it.
    pub(super) current: Option<(Id, String, usize)>,
    /// The wish to end that a writing call is allowed to finish before.
    pub(super) stop_requested: Option<Interrupt>,
    /// How often Ctrl-C was pressed while something was written.
    keys_pressed: u32,
    /// Between an irreversible act and the reading that judges it, nothing is cut short.
    pub(super) shielded: bool,
    /// What the person has agreed to for the next call.
    pub(super) consent: Option<Consent>,
    /// Irreversible steps that were carried out in this run.
    pub(super) attempted: BTreeSet<Id>,
    restarts: BTreeMap<Id, u32>,
    /// How often the call of a step has used up its limit.
    pub(super) used_up: BTreeMap<Id, u32>,
    /// How often each failure has come.
    pub(super) failures: BTreeMap<FailureKey, u32>,
    /// The next wait for a device wants to see it come anew.
    pub(super) fresh: bool,
    /// Port and reason of the board's proof that was told last.
    pub(super) told_proof: Option<(String, ProvenBy)>,
    /// What was said of what cannot be compared.
    pub(super) told_unread: Vec<String>,
    /// The device that has answered who it is, and the state of the bus at that time.
    pub(super) asked_who: Option<(Id, u64)>,
    pub(super) ledger: Ledger,
    pub(super) last_call: Option<LastCall>,
    /// Attempts that the step at work has left, by its own `retry`.
    attempts_left: u32,
    pub(super) wakefulness: Wakefulness,
    pub(super) tally: Tally,
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
    let leaves = order.playbook.leaf_steps();
    let numbers = leaves.iter().enumerate().map(|(index, step)| (step.id.clone(), index + 1)).collect();
    let (tools, sought) = match order.tools {
        Tools::Ready(tools) => (tools, None),
        Tools::Sought(sought) => (BTreeMap::new(), Some(sought)),
    };
    let mut runner = Runner {
        world,
        playbook: order.playbook,
        catalog: order.catalog,
        tools,
        sought,
        settings: order.settings,
        files,
        values: order.settings.variables.clone(),
        bus: Bus::new(world, order.playbook, order.catalog, order.settings.chosen.clone()),
        events,
        numbers,
        total: leaves.len(),
        states: Vec::new(),
        carried: None,
        causes: Vec::new(),
        current: None,
        stop_requested: None,
        keys_pressed: 0,
        shielded: false,
        consent: None,
        attempted: BTreeSet::new(),
        restarts: BTreeMap::new(),
        used_up: BTreeMap::new(),
        failures: BTreeMap::new(),
        fresh: false,
        told_proof: None,
        told_unread: Vec::new(),
        asked_who: None,
        ledger: Ledger::default(),
        last_call: None,
        attempts_left: 0,
        wakefulness: Wakefulness::default(),
        tally: Tally::default(),
    };
    runner.find_tool_files();
    runner.find_last_changing(order.playbook);
    let asked = runner.tools_ready().await;
    runner.warm_up();
    let ended = match asked {
        Ok(()) => match runner.foreseen_end() {
            None => runner.steps(&order.playbook.steps, Shown::Yes).await,
            Some(halt) => Err(halt),
        },
        Err(halt) => Err(halt),
    };
    let mut no_tools = None;
    let failure = match ended {
        Ok(()) => None,
        Err(Halt::Failure(failure)) => Some(*failure),
        Err(Halt::NoTools(problems)) => {
            no_tools = Some((outcome_without_tools(&problems), refused_tools(&problems)));
            None
        }
        // `check` allows restarts only at steps around, so none arrives here.
        Err(Halt::Restart { at, .. }) => {
            let fault = Fault::new(FaultClass::Unknown, format!("the step `{at}` to restart at was not found"));
            Some(runner.failure(&at, fault, Outcome::Defect))
        }
    };
    let failure = if no_tools.is_some() { failure } else { runner.after_wish(failure) };
    runner.let_sleep();
    let (whole, no_tools) = no_tools.map_or((Outcome::Recovered, None), |(outcome, problem)| (outcome, Some(problem)));
    let outcome = failure.as_ref().map_or(whole, |failure| failure.outcome);
    let problem = failure.map(|failure| problem::problem_of(failure, &runner)).or(no_tools);
    let next = if outcome == Outcome::Recovered { runner.afterwards() } else { Vec::new() };
    let Tally { done, skipped, retries, restarts, warnings } = runner.tally;
    runner.tell(Event::Finished {
        outcome,
        exit_code: outcome.exit_code(),
        problem,
        next,
        elapsed_ms: milliseconds(started.elapsed()),
        steps_done: done,
        steps_skipped: skipped,
        retries,
        restarts,
        warnings,
    });
    Finish { outcome }
}

/// Are steps shown and counted, or are they part of a reading within a step?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Yes,
    No,
}

/// Was there anything to do?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acted {
    Done,
    Skipped,
}

type StepFuture<'b> = Pin<Box<dyn Future<Output = Result<(), Halt>> + 'b>>;

impl<'a, W: World> Runner<'a, W> {
    #[expect(clippy::needless_pass_by_value, reason = "events are made to be told, here and nowhere else")]
    pub(super) fn tell(&mut self, event: Event) {
        match &event {
            Event::Warning { .. } => self.tally.warnings += 1,
            Event::Retrying { .. } => self.tally.retries += 1,
            Event::Restarting { .. } => self.tally.restarts += 1,
            Event::StepFinished { end: StepEnd::Succeeded | StepEnd::SucceededWithWarning(_), .. } => {
                self.tally.done += 1;
            }
            Event::StepSkipped { .. } => self.tally.skipped += 1,
            _ => {}
        }
        (self.events)(&event);
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

    /// Runs a list of steps; a restart goes back within the list that holds its step.
    pub(super) fn steps<'b>(&'b mut self, steps: &'a [Step], shown: Shown) -> StepFuture<'b>
    where
        'a: 'b,
    {
        Box::pin(async move {
            let mut index = 0;
            while let Some(step) = steps.get(index) {
                index += 1;
                match self.step(step, shown).await {
                    Err(Halt::Restart { at, fresh }) => match steps.iter().position(|step| step.id == at) {
                        Some(position) => {
                            index = position;
                            self.fresh = fresh;
                        }
                        None => return Err(Halt::Restart { at, fresh }),
                    },
                    other => other?,
                }
            }
            Ok(())
        })
    }

    async fn step(&mut self, step: &'a Step, shown: Shown) -> Result<(), Halt> {
        let depth = self.states.len();
        if step.if_stopped.is_some() || !step.next.is_empty() {
            let changes = self.changes_memory(step);
            self.states.push(StateWords { step, changes, began: false });
        }
        let ended = self.step_with_retries(step, shown).await;
        self.states.truncate(depth);
        ended
    }

    async fn step_with_retries(&mut self, step: &'a Step, shown: Shown) -> Result<(), Halt> {
        self.nothing_came_instead(step);
        if let Some(condition) = &step.when
            && !self.holds(condition, step)?
        {
            self.skip(step, shown, CONDITION_DOES_NOT_HOLD);
            self.keep(step, false);
            return Ok(());
        }
        let attempts_max = step.retry.as_ref().map_or(1, |retry| retry.attempts_max);
        let mut attempt = 1;
        let halt = loop {
            self.attempts_left = attempts_max - attempt;
            let halt = match self.once(step, shown).await {
                Ok(()) => return Ok(()),
                Err(halt) => halt,
            };
            let (Some(retry), Halt::Failure(failure)) = (&step.retry, &halt) else { break halt };
            let over = failure.outcome == Outcome::Interrupted || attempt >= attempts_max;
            if over || !self.worth_another(retry, &failure.fault) {
                break halt;
            }
            attempt += 1;
            let pause = retry.backoff.before_attempt(attempt);
            let because = failure.fault.clone();
            let step_id = step.id.clone();
            self.tell(Event::Retrying { step: step_id, attempt, attempts_max, pause_ms: milliseconds(pause), because });
            self.pause(&step.id, pause).await?;
            if let Err(halt) = self.steps(&retry.prepare, Shown::No).await {
                break halt;
            }
        };
        Err(self.restart_or(step.restart_at.as_ref(), step, halt))
    }

    fn worth_another(&self, retry: &Retry, fault: &Fault) -> bool {
        // Whoever has asked to end is not to watch it begin again.
        let stopping = self.stop_requested.is_some() && !self.shielded;
        retry.on.contains(&fault.class) && !fault.lasting && !stopping
    }

    /// Does this fault of the step at work lead to a further attempt?
    pub(super) fn tried_again(&self, step: &Step, fault: &Fault) -> bool {
        self.attempts_left > 0 && step.retry.as_ref().is_some_and(|retry| self.worth_another(retry, fault))
    }

    /// One attempt of one step.
    async fn once(&mut self, step: &'a Step, shown: Shown) -> Result<(), Halt> {
        if let Action::Steps(steps) = &step.action {
            return self.steps(steps, shown).await;
        }
        let number = self.numbers.get(&step.id).copied().unwrap_or(0);
        if let Some(by) = self.stop_requested
            && !self.shielded
        {
            // The step before was finished; the run ends at the one that is not begun.
            if shown == Shown::Yes {
                self.current = Some((step.id.clone(), step.name.clone(), number));
            }
            return Err(self.stopped(&step.id, by));
        }
        if shown == Shown::No {
            return self.act(step, &step.name).await.map(|_| ());
        }
        let started = Instant::now();
        self.reach(number);
        self.sleep_if_changed(number);
        self.current = Some((step.id.clone(), step.name.clone(), number));
        let (id, name, total) = (step.id.clone(), step.name.clone(), self.total);
        self.tell(Event::StepStarted { step: id.clone(), name: name.clone(), number, total });
        let warnings_before = self.tally.warnings;
        let mut ended = match &step.irreversible {
            Some(irreversible) => self.irreversible(step, irreversible).await,
            None => self.act(step, "").await.map(|acted| acted == Acted::Done),
        };
        if let Err(Halt::Failure(failure)) = &mut ended {
            self.count_failure(step, failure);
        }
        let end = match &ended {
            // The event of a skipped step has been told where its reason was found.
            Ok(false) | Err(Halt::Restart { .. }) => return ended.map(|_| ()),
            Ok(true) if self.tally.warnings > warnings_before => {
                StepEnd::SucceededWithWarning("see the warning above".to_owned())
            }
            Ok(true) => StepEnd::Succeeded,
            Err(Halt::Failure(failure)) => StepEnd::Failed(failure.fault.clone()),
            // What is missing is told by the last event.
            Err(Halt::NoTools(_)) => return ended.map(|_| ()),
        };
        self.tell(Event::StepFinished {
            step: id,
            name,
            number,
            total,
            end,
            elapsed_ms: milliseconds(started.elapsed()),
        });
        ended.map(|_| ())
    }

    pub(super) async fn act(&mut self, step: &'a Step, purpose: &str) -> Result<Acted, Halt> {
        let limit = step.timeout.map_or(WAIT_LIMIT, |timeout| timeout.base);
        self.bus.hands_over();
        let ended = match &step.action {
            Action::Run(run) => self.call(step, run, purpose).await,
            Action::Prompt(prompt) => return self.prompt(step, prompt, limit).await,
            Action::Wait if step.sets.is_some() => self.try_wait(step, limit).await,
            Action::Wait => match &step.until {
                Some(until) => {
                    let fresh = std::mem::take(&mut self.fresh) || until.anew;
                    self.wait_until(step, until, limit, fresh).await
                }
                None => Ok(()),
            },
            Action::Check(check) => self.check(step, check),
            Action::Refuse(refuse) => self.refuse(step, refuse),
            Action::Write(write) => self.write(step, write),
            Action::TellApart(tell_apart) => return self.tell_apart(step, tell_apart).await,
            Action::Steps(steps) => self.steps(steps, Shown::No).await,
        };
        ended.map(|()| Acted::Done)
    }

    pub(super) fn holds(&self, condition: &Expression, step: &Step) -> Result<bool, Halt> {
        evaluate_condition(condition, &self.facts()).map_err(|error| self.not_computable(&step.id, &error))
    }

    pub(super) fn not_computable(&self, step: &Id, error: &EvaluationError) -> Halt {
        if let Err(reason) = self.bus.attached() {
            return self.halt_here(step, no_bus(reason));
        }
        let class = match error {
            EvaluationError::NoDevice(_) => FaultClass::NoDevice,
            _ => FaultClass::Unknown,
        };
        self.halt_here(step, Fault::new(class, error.to_string()))
    }
}
