//! A board that runs its firmware when the recovery begins is not dead: nothing is written over it before that is asked.

use crate::documents::playbook::{Device, DeviceKind, DeviceState};
use crate::engine::devices::name_of;
use crate::engine::halt::Halt;
use crate::engine::question::{Answer, QUESTION_LIMIT, YES, told_of_itself};
use crate::engine::refusal::TOOLS_ASKED;
use crate::engine::runner::Runner;
use crate::engine::{Event, Outcome, Refusal, WhenHealthy, before_anything, milliseconds};
use crate::words::FaultClass;
use crate::world::{Ask, AttachedDevice, World};

impl<'a, W: World> Runner<'a, W> {
    /// Before the first step.
    pub(super) async fn ask_over_healthy(&mut self) -> Result<(), Halt> {
        let Some((device, found)) = self.healthy() else { return Ok(()) };
        let board = &self.playbook.board;
        let there = format!("{} at port {}{}", name_of(device), found.port, told_of_itself(&found));
        if self.settings.healthy == WhenHealthy::Rewrite {
            self.tell(Event::Note {
                text: format!(
                    "The {board} is not dead: {there} is there. It is rewritten because of --even-if-healthy."
                ),
            });
            return Ok(());
        }
        if self.settings.healthy == WhenHealthy::LeaveAlone {
            let what = format!("the {board} is not dead: {there} is there, so it was left as it is");
            return Err(self.left_alone(Outcome::Declined, FaultClass::Cancelled, what, (device, &found)));
        }
        if !self.world.interactive() {
            let what = format!("the {board} is not dead: {there} is there, so it was left as it is");
            return Err(self.left_alone(
                FaultClass::AmbiguousDevice.outcome(),
                FaultClass::AmbiguousDevice,
                what,
                (device, &found),
            ));
        }
        let Some(first) = self.playbook.leaf_steps().first().map(|step| step.id.clone()) else { return Ok(()) };
        // Before it is shown: what was typed until then is dropped, and nothing that is typed after it.
        self.world.ask(Ask::Healthy);
        self.tell(Event::HealthyAsked {
            device: device.name.clone(),
            found: found.clone(),
            text: format!(
                "Your {board} answers, it is not dead: there is {there}. Rewrite its bootloader all the same? Type {YES} \
                 for that; ENTER leaves it as it is. If the dead one is another camera, disconnect this one."
            ),
            phrase: YES.to_owned(),
            limit_ms: milliseconds(QUESTION_LIMIT),
        });
        let reminder = format!("Type {YES} to rewrite it all the same, or press ENTER to leave it as it is.");
        match self.answer_about(&first, (device, &found), &reminder).await? {
            Answer::Yes => Ok(()),
            Answer::Left => {
                self.tell(Event::Note { text: format!("{} is gone, so the recovery begins.", name_of(device)) });
                Ok(())
            }
            Answer::No => {
                let what = format!("the {board} is not dead, and you did not ask to rewrite it all the same");
                Err(self.left_alone(Outcome::Declined, FaultClass::Cancelled, what, (device, &found)))
            }
        }
    }

    /// What runs its firmware, where it is all that shows of the board: beside a dead one it is another camera.
    fn healthy(&self) -> Option<(&'a Device, AttachedDevice)> {
        let mut healthy = None;
        for device in self.playbook.devices.iter().filter(|device| device.state.is_some()) {
            let shared = device.shares_its_id(self.catalog);
            for found in self.bus.matching(device).unwrap_or_default() {
                match device.state {
                    Some(DeviceState::Running) if !shared => {
                        healthy.get_or_insert((device, found));
                    }
                    Some(DeviceState::Running) | None => {}
                    // Any cable with such an adapter looks the same.
                    Some(DeviceState::Recovery) if device.kind == DeviceKind::Serial && shared => {}
                    Some(DeviceState::Bootloader | DeviceState::Recovery) => return None,
                }
            }
        }
        healthy
    }

    fn left_alone(
        &mut self,
        outcome: Outcome,
        class: FaultClass,
        what: String,
        (device, found): (&Device, &AttachedDevice),
    ) -> Halt {
        self.tell(Event::LeftAlone { device: device.name.clone(), found: found.clone() });
        let next = vec![
            "To rewrite it all the same, run the same command again with --even-if-healthy added.".to_owned(),
            "If the dead one is another camera, disconnect this one, or choose with --port or --serial.".to_owned(),
        ];
        let mut problem = before_anything(class, what, next);
        problem.state = TOOLS_ASKED.to_owned();
        problem.attached = self.bus.describe_attached();
        Halt::Refused(Box::new(Refusal { outcome, problem }))
    }
}
