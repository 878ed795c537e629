//! Prompts: what the person is to do with their hands before the run goes on.

use std::time::Duration;

use crate::documents::playbook::{HandMove, Prompt, Step};
use crate::engine::devices::{Met, describe_until};
use crate::engine::halt::Halt;
use crate::engine::identity::Known;
use crate::engine::runner::Runner;
use crate::engine::step::{Acted, Shown};
use crate::engine::{Event, GoesOn, milliseconds};
use crate::words::{FaultClass, Id};
use crate::world::World;

impl<'a, W: World> Runner<'a, W> {
    pub(super) async fn prompt(&mut self, step: &'a Step, prompt: &'a Prompt, limit: Duration) -> Result<Acted, Halt> {
        let text = self.text(&prompt.text).map_err(|error| self.not_computable(&step.id, &error))?;
        if let Some(until) = &step.until {
            // Hands that now take the camera away would leave a stranger alone on the bus, to be taken for the camera.
            self.rule_out_several(&step.id, until).await?;
        }
        let fresh = std::mem::take(&mut self.attempts.anew) || step.until.as_ref().is_some_and(|until| until.anew);
        if let Some(until) = &step.until
            && !fresh
            && self.bus.met(until) == Met::Yes
            && self.is_the_board(step, until).await? == Known::Yes
        {
            let reason = format!("not needed: {}", describe_until(until, self.playbook));
            self.keep(step, true);
            self.skip(step, Shown::Yes, &reason);
            return Ok(Acted::Skipped);
        }
        if let Some(Met::Never(fault)) = step.until.as_ref().map(|until| self.bus.met(until))
            && fault.class == FaultClass::NoDevice
        {
            // Without a bus to look at, nothing the person does could be seen.
            return Err(self.halt_here(&step.id, fault));
        }
        if step.sets.is_some() {
            return self.offer(step, prompt, text, limit).await.map(|()| Acted::Done);
        }
        self.let_hands_move(&prompt.hands, step.until.as_ref());
        self.tell_prompt(&step.id, &text, &prompt.hands, GoesOn::of(step), limit);
        match &step.until {
            Some(until) => self.wait_until(step, until, limit, fresh).await,
            None if self.moved_without_person(&prompt.hands) => self.finish_moves(&step.id).await,
            None => self.wait_for_enter(&step.id, limit).await,
        }
        .map(|()| Acted::Done)
    }

    /// Shows what the person is to do, after their hands were asked: what was typed until then is dropped, and nothing that is
    /// typed once it is seen.
    pub(super) fn tell_prompt(&mut self, step: &Id, text: &str, hands: &[HandMove], goes_on: GoesOn, limit: Duration) {
        // With the board's drawing, where they are to find a pin or a switch.
        let looks = hands.iter().any(|hand| matches!(hand, HandMove::FitJumper | HandMove::SwitchOn));
        let prompt = self.next_prompt();
        let without_person = self.moved_without_person(hands);
        let goes_on = if without_person { GoesOn::ByItself } else { goes_on };
        // Before it is told: the answer may be there as soon as it is.
        self.begin_moves(step, prompt, hands, limit);
        self.tell(Event::Prompted {
            step: step.clone(),
            prompt,
            text: text.to_owned(),
            goes_on,
            hands: hands.to_vec(),
            without_person,
            drawing: self.playbook.drawing.clone().filter(|_| looks).map(Box::new),
            limit_ms: milliseconds(limit),
        });
    }
}
