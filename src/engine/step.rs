//! Carries out steps: lists and groups in order, one step with its condition and its attempts, one attempt by its action. What
//! calls, waits and prompts come to stands in files of their own; actions without any of them stand here.

use std::future::Future;
use std::pin::Pin;
use std::slice;

use tokio::time::Instant;

use crate::documents::expression::{EvaluationError, Expression, evaluate_condition};
use crate::documents::playbook::{Action, CheckStep, Contents, RefuseStep, Step, WriteStep, leaves};
use crate::engine::already::{Ahead, Parts};
use crate::engine::devices::no_bus;
use crate::engine::halt::Halt;
use crate::engine::runner::Runner;
use crate::engine::{CONDITION_DOES_NOT_HOLD, Event, Outcome, StepEnd, milliseconds};
use crate::words::{Fault, FaultClass, Id};
use crate::world::World;

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
    /// Runs a list of steps; a restart goes back within the list that holds its step.
    pub(super) fn steps<'b>(&'b mut self, steps: &'a [Step], shown: Shown) -> StepFuture<'b>
    where
        'a: 'b,
    {
        Box::pin(async move {
            let mut index = 0;
            while let Some(step) = steps.get(index) {
                index += 1;
                match self.carry_out_step(step, shown).await {
                    Err(Halt::Restart { at, fresh }) => match steps.iter().position(|step| step.id == at) {
                        Some(position) => {
                            index = position;
                            self.attempts.anew = fresh;
                        }
                        None => return Err(Halt::Restart { at, fresh }),
                    },
                    other => other?,
                }
            }
            Ok(())
        })
    }

    /// Carries out one step, or a group: its condition, its attempts, and what its author says of the board meanwhile.
    async fn carry_out_step(&mut self, step: &'a Step, shown: Shown) -> Result<(), Halt> {
        let depth = self.enter(step);
        let ended = self.attempt(step, shown).await;
        self.leave(depth);
        ended
    }

    async fn attempt(&mut self, step: &'a Step, shown: Shown) -> Result<(), Halt> {
        self.nothing_came_instead(step);
        if let Some(condition) = &step.when {
            self.note_condition(condition);
            if !self.holds(condition, step)? {
                self.skip(step, shown, CONDITION_DOES_NOT_HOLD);
                self.keep(step, false);
                return Ok(());
            }
        }
        if self.is_fresh(step, shown) {
            self.skip(step, shown, "it was read a moment ago, and nothing has been written there since");
            return self.announce(&step.id).await;
        }
        let ended = match self.look_ahead(step, shown).await {
            Ok(Ahead::Unknown) => self.attempts(step, None, shown).await,
            Ok(Ahead::Nothing(reason)) => {
                self.skip(step, shown, &reason);
                let mut announced = Ok(());
                for leaf in leaves(slice::from_ref(step)) {
                    if announced.is_ok() {
                        announced = self.announce(&leaf.id).await;
                    }
                }
                announced
            }
            Ok(Ahead::Whole) => self.within_looked_at(step, None, shown).await,
            Ok(Ahead::Parts(parts)) => self.within_looked_at(step, Some(parts), shown).await,
            Err(halt) => Err(halt),
        };
        ended.map_err(|halt| self.restart_or(step.restart_at.as_ref(), step, halt))
    }

    async fn within_looked_at(&mut self, step: &'a Step, parts: Option<Parts<'a>>, shown: Shown) -> Result<(), Halt> {
        self.held.goes_inside(true);
        let ended = self.attempts(step, parts, shown).await;
        self.held.goes_inside(false);
        ended
    }

    /// Of a step of which only parts are to be done, the first attempt does these.
    async fn attempts(&mut self, step: &'a Step, mut parts: Option<Parts<'a>>, shown: Shown) -> Result<(), Halt> {
        let attempts_max = step.retry.as_ref().map_or(1, |retry| retry.attempts_max);
        let mut attempt = 1;
        let halt = loop {
            self.attempts.left = attempts_max - attempt;
            let ended = match parts.take() {
                Some(parts) => self.write_parts(&parts, shown).await,
                None => self.once(step, shown).await,
            };
            let Err(halt) = ended else { return Ok(()) };
            self.held.nothing_is_fresh();
            let (Some(retry), Halt::Failure(failure)) = (&step.retry, &halt) else { break halt };
            let over = failure.is_final() || attempt >= attempts_max;
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
        Err(halt)
    }

    /// One attempt of one step.
    async fn once(&mut self, step: &'a Step, shown: Shown) -> Result<(), Halt> {
        if let Some(steps) = step.group() {
            return self.steps(steps, shown).await;
        }
        let number = self.progress.number(&step.id).unwrap_or(0);
        if let Some(by) = self.stopping.due() {
            // The step before was finished; the run ends at the one that is not begun.
            if shown == Shown::Yes {
                self.progress.comes_to(step, number);
            }
            return Err(self.not_begun(&step.id, by));
        }
        if shown == Shown::No {
            let ended = self.act(step, &step.name).await.map(|_| ());
            if ended.is_ok() {
                self.hands.done();
            }
            return ended;
        }
        let started = Instant::now();
        self.reach(number);
        self.sleep_if_changed(number);
        self.progress.comes_to(step, number);
        self.hands.begin();
        let (id, name, total) = (step.id.clone(), step.name.clone(), self.progress.total());
        self.tell(Event::StepStarted { step: id.clone(), name: name.clone(), number, total });
        let warnings_before = self.progress.warnings();
        let mut ended = match &step.irreversible {
            Some(irreversible) => self.irreversible(step, irreversible).await,
            None => self.act(step, "").await.map(|acted| acted == Acted::Done),
        };
        if let Err(Halt::Failure(failure)) = &mut ended {
            self.count_failure(step, failure);
        }
        if let Ok(true) = ended {
            self.hands.done();
        }
        let end = match &ended {
            // The event of a skipped step has been told where its reason was found.
            Ok(false) => return self.announce(&step.id).await,
            Err(Halt::Restart { .. }) => return ended.map(|_| ()),
            Ok(true) if self.progress.warnings() > warnings_before => {
                StepEnd::SucceededWithWarning("see the warning above".to_owned())
            }
            Ok(true) => StepEnd::Succeeded,
            Err(Halt::Failure(failure)) => StepEnd::Failed(failure.fault.clone()),
            // What is missing is told by the last event.
            Err(Halt::Refused(_)) => return ended.map(|_| ()),
        };
        self.tell(Event::StepFinished {
            step: id,
            name,
            number,
            total,
            end,
            elapsed_ms: milliseconds(started.elapsed()),
        });
        ended?;
        self.announce(&step.id).await
    }

    /// What hands were wanted for is done, too, before it is over.
    pub(super) async fn act(&mut self, step: &'a Step, purpose: &str) -> Result<Acted, Halt> {
        let acted = self.act_alone(step, purpose).await;
        if let Some(failed) = self.asked.failed.take() {
            return Err(failed);
        }
        let acted = acted?;
        self.finish_moves(&step.id).await?;
        Ok(acted)
    }

    async fn act_alone(&mut self, step: &'a Step, purpose: &str) -> Result<Acted, Halt> {
        self.take_turn(step).await?;
        let limit = step.wait_limit();
        self.bus.hands_over();
        if matches!(step.action, Action::Prompt(_) | Action::Wait) {
            // Meanwhile hands may do anything.
            self.held.nothing_is_fresh();
        }
        let ended = match &step.action {
            Action::Run(run) => self.call(step, run, purpose).await,
            Action::Prompt(prompt) => return self.prompt(step, prompt, limit).await,
            Action::Wait if step.sets.is_some() => self.try_wait(step, limit).await,
            Action::Wait => match &step.until {
                Some(until) => {
                    let fresh = std::mem::take(&mut self.attempts.anew) || until.anew;
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
            return self.halt_here(step, no_bus(&reason));
        }
        let class = match error {
            EvaluationError::NoDevice(_) => FaultClass::NoDevice,
            _ => FaultClass::Unknown,
        };
        self.halt_here(step, Fault::new(class, error.to_string()))
    }

    fn refuse(&mut self, step: &Step, refuse: &RefuseStep) -> Result<(), Halt> {
        let text = |template| self.text(template).map_err(|error| self.not_computable(&step.id, &error));
        let fault = Fault::new(FaultClass::Refused, text(&refuse.text)?);
        let advice = refuse.next.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        let mut failure = self.failure(&step.id, fault, Outcome::RefusedByPlaybook);
        failure.advice = advice;
        Err(Halt::Failure(Box::new(failure)))
    }

    fn check(&mut self, step: &Step, check: &CheckStep) -> Result<(), Halt> {
        self.note_check(&check.holds);
        if self.holds(&check.holds, step)? {
            return Ok(());
        }
        let message = match &check.message {
            Some(message) => self.text(message).map_err(|error| self.not_computable(&step.id, &error))?,
            None => format!("this does not hold: {}", check.text),
        };
        let message = message.trim_end_matches('.').to_owned();
        let fault = Fault::new(check.class, message);
        // Wrong files that are noticed before anything is done are the same as an input that does not suit.
        let outcome = match check.class {
            FaultClass::BadFile if self.last_call.is_none() => Outcome::CommandLine,
            class => class.outcome(),
        };
        Err(Halt::Failure(Box::new(self.failure(&step.id, fault, outcome))))
    }

    fn write(&mut self, step: &Step, write: &WriteStep) -> Result<(), Halt> {
        let text = match &write.contents {
            Contents::Text(text) => self.text(text).map_err(|error| self.not_computable(&step.id, &error))?,
            Contents::Zeros(length_bytes) => "\0".repeat(*length_bytes as usize),
        };
        self.held.is_made_anew(&write.name);
        self.files
            .write(&write.name, &write.file, &text)
            .map_err(|problem| self.halt_here(&step.id, Fault::new(FaultClass::BadFile, problem.to_string())))
    }
}
