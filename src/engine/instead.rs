//! Devices that come in place of the wanted one: the wire is still connected, the switch still on. The person is told at
//! once, in the author's words, whether the run itself waits or a tool does.

use std::time::Duration;

use crate::documents::playbook::{Instead, Step, Until};
use crate::engine::devices::Bus;
use crate::engine::runner::Runner;
use crate::engine::{Event, GoesOn, milliseconds};
use crate::words::Id;
use crate::world::{Ask, World};

/// What is known about such devices during one wait.
pub(super) struct Intruders<'a> {
    known: &'a [Instead],
    /// Those that have been seen to be away during this wait; a device that is still there from before means nothing.
    gone_before: Vec<&'a Id>,
    /// The one that is there, and that the person has been told about.
    there: Option<&'a Instead>,
}

impl<'a> Intruders<'a> {
    pub(super) fn of(step: &'a Step) -> Self {
        Intruders { known: &step.instead, gone_before: Vec::new(), there: None }
    }

    pub(super) fn are_known(&self) -> bool {
        !self.known.is_empty()
    }

    /// What it means, as long as one is there.
    pub(super) fn meaning(&self) -> Option<&'a str> {
        self.there.map(|instead| instead.meaning.as_str())
    }

    /// Looks at the bus; answers with one that has just come.
    fn look<W: World>(&mut self, bus: &Bus<'_, W>) -> Option<&'a Instead> {
        let mut there = None;
        for instead in self.known {
            let present = bus.present(&instead.device).unwrap_or(false);
            let gone_before = self.gone_before.contains(&&instead.device);
            if !present && !gone_before {
                self.gone_before.push(&instead.device);
            } else if present && gone_before {
                there = Some(instead);
            }
        }
        let told = self.there.map(|instead| &instead.device);
        self.there = there;
        there.filter(|instead| Some(&instead.device) != told)
    }
}

impl<W: World> Runner<'_, W> {
    /// Looks whether another device has come, and tells the person what to do about it. `left` is what remains of the wait.
    pub(super) fn look_for_intruders(&mut self, step: &Id, intruders: &mut Intruders<'_>, left: Duration) {
        let Some(instead) = intruders.look(&self.bus) else { return };
        self.tell(Event::Prompted {
            step: step.clone(),
            text: format!("{}.", instead.meaning),
            goes_on: GoesOn::ByItself,
            limit_ms: milliseconds(left),
        });
        if !instead.hands.is_empty() {
            self.bus.hands_asked();
            self.world.ask(Ask::Hands { moves: &instead.hands, until: Some(&Until::default()) });
        }
    }
}
