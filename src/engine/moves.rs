//! What moves in place of a person's hands: told what is wanted with each prompt, heard beside every wait, and let go at the end.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::documents::playbook::HandMove;
use crate::engine::halt::Halt;
use crate::engine::problem::problem_of;
use crate::engine::runner::Runner;
use crate::engine::{Event, Outcome, Problem, milliseconds};
use crate::words::{Fault, FaultClass, Id, describe_time};
use crate::world::{Moves, Moving, World};

/// Prompts of this run.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// So many were told.
    prompts: u64,
    /// The last one is to be done by then.
    by: Option<Instant>,
    /// It was not, while a tool was at work that is not cut short.
    pub(super) failed: Option<Halt>,
}

/// What hands do next that are not a person's; pending for ever where none are.
pub(super) async fn moving<W: World>(world: &W) -> Moving {
    match world.moving_hands() {
        Some(hands) => hands.next().await,
        None => pending().await,
    }
}

impl<W: World> Runner<'_, W> {
    /// Is this done by something else than a person?
    pub(super) fn moved_without_person(&self, hands: &[HandMove]) -> bool {
        !hands.is_empty() && self.world.moving_hands().is_some()
    }

    /// Can a person be asked for what no machine does?
    pub(super) fn has_person(&self) -> bool {
        self.world.moving_hands().map_or_else(|| self.world.interactive(), |hands| hands.has_person())
    }

    /// The number of the prompt that is told now.
    pub(super) fn next_prompt(&mut self) -> u64 {
        self.asked.prompts += 1;
        self.asked.prompts
    }

    /// The prompt is told now: what it asks for is wanted from here on. A program is called only when it is waited for.
    pub(super) fn begin_moves(&mut self, step: &Id, prompt: u64, hands: &[HandMove], limit: Duration) {
        if let Some(moving) = self.world.moving_hands().filter(|_| !hands.is_empty()) {
            self.asked.by = Some(Instant::now() + limit);
            moving.begin(Moves { prompt, step: step.clone(), hands: hands.to_vec() });
        }
    }

    /// Has what hands are wanted for not been done yet?
    pub(super) fn moves_under_way(&self) -> bool {
        self.world.moving_hands().is_some_and(|hands| hands.under_way())
    }

    /// Tells what was heard. A move that failed ends the run: whoever repeats it blindly may do harm.
    pub(super) fn hear_moving(&mut self, step: &Id, moving: Moving) -> Result<(), Halt> {
        match self.tell_moving(Some(step), moving) {
            Some(why) => Err(self.hands_failed(step, &why)),
            None => Ok(()),
        }
    }

    /// Answers with what has failed.
    fn tell_moving(&mut self, step: Option<&Id>, moving: Moving) -> Option<String> {
        let step = step.cloned();
        match moving {
            Moving::Begun { hands, command, limit } => {
                self.tell(Event::HandsMoving { step, hands, command, limit_ms: milliseconds(limit) });
                None
            }
            Moving::Output { stream, text } => {
                self.tell(Event::HandsOutput { stream, text });
                None
            }
            Moving::Done { hands, elapsed } => {
                self.tell(Event::HandsMoved { step, hands, failed: None, elapsed_ms: milliseconds(elapsed) });
                None
            }
            Moving::Failed { hands, why, elapsed } => {
                let failed = Some(why.clone());
                self.tell(Event::HandsMoved { step, hands, failed, elapsed_ms: milliseconds(elapsed) });
                Some(why)
            }
            Moving::Ignored(text) => {
                self.tell(Event::Warning { text });
                None
            }
        }
    }

    fn hands_failed(&self, step: &Id, why: &str) -> Halt {
        let mut fault = Fault::new(
            FaultClass::Unknown,
            format!("what moves in place of your hands did not do what this step asks for: {why}"),
        );
        fault.help = Some(
            "Look at the port's power, relays and wires, and try by hand what failed. To move everything yourself, run \
             recover again without --hands"
                .to_owned(),
        );
        Halt::Failure(Box::new(self.failure(step, fault, Outcome::HandsFailed)))
    }

    /// The limit of the step has passed before everything was moved.
    pub(super) fn moves_late(&self, step: &Id, limit: Duration) -> Halt {
        self.hands_failed(step, &format!("it was not done within {}", describe_time(limit)))
    }

    /// What hands were wanted for is done before anything else begins.
    pub(super) async fn finish_moves(&mut self, step: &Id) -> Result<(), Halt> {
        let world = self.world;
        let began = Instant::now();
        let by = self.asked.by.unwrap_or(began);
        while self.moves_under_way() {
            tokio::select! {
                biased;
                interrupt = world.interrupted() => return Err(self.interrupt(step, interrupt)),
                moving = moving(world) => self.hear_moving(step, moving)?,
                () = sleep_until(by) => return Err(self.moves_late(step, by.saturating_duration_since(began))),
            }
        }
        Ok(())
    }

    /// The run is over, however it has ended: nothing stays as something else than hands has set it.
    pub(super) async fn let_go(
        &mut self,
        (outcome, problem): (Outcome, Option<Problem>),
    ) -> (Outcome, Option<Problem>) {
        let world = self.world;
        let Some(hands) = world.moving_hands() else { return (outcome, problem) };
        hands.let_go();
        let mut failed = None;
        while hands.under_way() {
            let moving = hands.next().await;
            failed = self.tell_moving(None, moving).or(failed);
        }
        let Some(why) = failed else { return (outcome, problem) };
        let next = "Look whether the board's power and wires are as they are without a run: what moves in place of your \
                    hands did not let go of them.";
        self.tell(Event::Warning { text: format!("what moves in place of your hands did not let go: {why}") });
        match problem {
            Some(mut problem) => {
                problem.next.insert(0, next.to_owned());
                (outcome, Some(problem))
            }
            None => self.not_let_go(&why, next),
        }
    }

    /// All went well, but for the end.
    fn not_let_go(&self, why: &str, next: &str) -> (Outcome, Option<Problem>) {
        let outcome = Outcome::HandsFailed;
        let Some(at_work) = self.progress.at_work() else { return (outcome, None) };
        let what = format!("every step was done, but what moves in place of your hands did not let go: {why}");
        let mut failure = self.failure(&at_work.step, Fault::new(FaultClass::Unknown, what), outcome);
        failure.state = Some("Every step of this run was done.".to_owned());
        failure.advice = vec![next.to_owned()];
        (outcome, Some(problem_of(failure, self)))
    }
}
