//! Waits that may fail, and prompts that leave the person a choice: both end in a value instead of a fault.

use std::time::Duration;

use crate::documents::expression::Value;
use crate::documents::playbook::{Prompt, Step};
use crate::engine::halt::Halt;
use crate::engine::runner::Runner;
use crate::engine::{Event, GoesOn};
use crate::words::FaultClass;
use crate::world::{Reply, World};

impl<W: World> Runner<'_, W> {
    /// Waits, and keeps whether it was worth it.
    pub(super) async fn try_wait(&mut self, step: &Step, limit: Duration) -> Result<(), Halt> {
        let Some(until) = &step.until else { return Ok(()) };
        let waited = self.wait_until(step, until, limit, until.anew).await;
        let met = met_in_time(waited)?;
        self.decide(step, met);
        Ok(())
    }

    /// Shows the prompt; the devices or ENTER decide. Where nobody may be asked, it counts as ENTER.
    pub(super) async fn offer(
        &mut self,
        step: &Step,
        prompt: &Prompt,
        text: String,
        limit: Duration,
    ) -> Result<(), Halt> {
        let Some(until) = &step.until else { return Ok(()) };
        let moved = self.moved_without_person(&prompt.hands);
        if !moved && !self.has_person() {
            self.tell(Event::Note {
                text: format!("Nobody is asked in this run, so ENTER is taken for given: {text}"),
            });
            self.decide(step, false);
            return Ok(());
        }
        self.let_hands_move(&prompt.hands, None);
        self.tell_prompt(&step.id, &text, &prompt.hands, GoesOn::Either, limit);
        let world = self.world;
        // Whoever has gone away has not asked for the other way either.
        let entered = async {
            loop {
                let reply = world.reply().await;
                if reply.is_enter() || reply == Reply::Gone {
                    break;
                }
            }
        };
        let met = tokio::select! {
            waited = self.wait_until(step, until, limit, until.anew) => met_in_time(waited)?,
            () = entered, if !moved => false,
        };
        self.decide(step, met);
        Ok(())
    }

    /// Keeps how a wait or a choice has ended, and says what that means.
    fn decide(&mut self, step: &Step, met: bool) {
        self.keep(step, met);
        if let Some(text) = if met { &step.if_met } else { &step.if_unmet } {
            self.tell(Event::Note { text: text.clone() });
        }
    }

    /// Makes the step's value known, if it has one.
    pub(super) fn keep(&mut self, step: &Step, met: bool) {
        if let Some(name) = &step.sets {
            self.values.insert(name.value.clone(), Value::Boolean(met));
        }
    }
}

/// A device that does not come, or does not go, is an answer here; everything else stays a fault.
fn met_in_time(waited: Result<(), Halt>) -> Result<bool, Halt> {
    match waited {
        Ok(()) => Ok(true),
        Err(halt) => match halt.fault_class() {
            Some(FaultClass::NoDevice | FaultClass::TimedOut) => Ok(false),
            _ => Err(halt),
        },
    }
}
