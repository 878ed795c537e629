//! Devices that come in place of the wanted one: the wire is still connected, the switch still on. The person is told at
//! once, in the author's words, whether the run itself waits or a tool does.
//!
//! A chip that starts anew leaves the bus and comes back by itself, in a fraction of a second. Only what hands have done
//! is told.

use std::time::Duration;

use tokio::time::Instant;

use crate::documents::expression::Value;
use crate::documents::playbook::{Instead, Step, Until};
use crate::engine::GoesOn;
use crate::engine::devices::Bus;
use crate::engine::runner::Runner;
use crate::words::Id;
use crate::world::World;

/// No hand takes a cable out and puts it in again so quickly, and no chip takes so long to show itself anew.
const BY_HAND: Duration = Duration::from_millis(1_500);

/// What is known about such devices during one wait.
pub(super) struct Intruders<'a> {
    known: Vec<Intruder<'a>>,
    /// The one that is there, and that the person has been told about.
    there: Option<&'a Instead>,
}

struct Intruder<'a> {
    instead: &'a Instead,
    /// Since when it has been away. What was away from the beginning is counted from there.
    away_since: Option<Instant>,
    /// How often it has come during this wait.
    came: u32,
    /// It is there because of what hands have done; a device that is still there from before means nothing.
    by_hand: bool,
    told: u32,
}

impl Intruder<'_> {
    /// Does it come now, by the work of hands?
    fn comes(&mut self, present: bool, now: Instant) -> bool {
        if !present {
            self.away_since.get_or_insert(now);
            self.by_hand = false;
            return false;
        }
        let Some(since) = self.away_since.take() else { return false };
        self.came += 1;
        // A chip starts anew by itself once; whatever comes after that takes a hand.
        self.by_hand = now - since >= BY_HAND || self.came > 1;
        self.by_hand
    }
}

/// What there is to do about one that has come.
pub(super) enum Told<'a> {
    Nothing,
    /// It has been told often enough: there must be another reason.
    Enough(&'a Instead),
}

impl<'a> Intruders<'a> {
    pub(super) fn of(step: &'a Step) -> Self {
        let intruder = |instead| Intruder { instead, away_since: None, came: 0, by_hand: false, told: 0 };
        Intruders { known: step.instead.iter().map(intruder).collect(), there: None }
    }

    pub(super) fn are_known(&self) -> bool {
        !self.known.is_empty()
    }

    /// What it means, as long as one is there.
    pub(super) fn meaning(&self) -> Option<&'a str> {
        self.there.map(|instead| instead.meaning.as_str())
    }

    /// One that is there although it was told about as often as makes sense.
    pub(super) fn told_in_vain(&self) -> Option<&'a Instead> {
        let in_vain = |intruder: &&Intruder<'a>| {
            let enough = intruder.instead.enough.as_ref();
            intruder.by_hand && enough.is_some_and(|enough| intruder.told >= enough.times)
        };
        self.known.iter().find(in_vain).map(|intruder| intruder.instead)
    }

    /// Looks what is away, where there is nothing to tell.
    pub(super) fn take_note<W: World>(&mut self, bus: &Bus<'_, W>) {
        self.look(bus, Instant::now());
    }

    /// Looks at the bus; answers with one that has just come.
    fn look<W: World>(&mut self, bus: &Bus<'_, W>, now: Instant) -> Option<&mut Intruder<'a>> {
        let mut come = None;
        for (index, intruder) in self.known.iter_mut().enumerate() {
            let present = bus.present(&intruder.instead.device).unwrap_or(false);
            if intruder.comes(present, now) {
                come = Some(index);
            }
        }
        self.there = self.known.iter().rfind(|intruder| intruder.by_hand).map(|intruder| intruder.instead);
        come.and_then(|index| self.known.get_mut(index))
    }
}

impl<W: World> Runner<'_, W> {
    /// Looks whether another device has come, and tells the person what to do about it. `left` is what remains of the wait.
    pub(super) fn look_for_intruders<'s>(
        &mut self,
        step: &Id,
        intruders: &mut Intruders<'s>,
        left: Duration,
    ) -> Told<'s> {
        let Some(intruder) = intruders.look(&self.bus, Instant::now()) else { return Told::Nothing };
        let instead = intruder.instead;
        if instead.enough.as_ref().is_some_and(|enough| intruder.told >= enough.times) {
            return Told::Enough(instead);
        }
        intruder.told += 1;
        if !instead.hands.is_empty() {
            self.let_hands_move(&instead.hands, Some(&Until::default()));
        }
        self.tell_prompt(step, &format!("{}.", instead.meaning), &instead.hands, GoesOn::ByItself, left);
        Told::Nothing
    }

    /// The values that say what has come instead are false until it has.
    pub(super) fn nothing_came_instead(&mut self, step: &Step) {
        for enough in step.instead.iter().filter_map(|instead| instead.enough.as_ref()) {
            self.values.insert(enough.sets.value.clone(), Value::Boolean(false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Located;

    /// How often hands are seen at work, by the times in milliseconds at which the device comes and goes in turn.
    fn seen(changes_ms: &[u64]) -> u32 {
        let instead = Instead {
            device: Located::nowhere("rom".parse().unwrap()),
            meaning: String::new(),
            hands: Vec::new(),
            enough: None,
        };
        let mut intruder = Intruder { instead: &instead, away_since: None, came: 0, by_hand: false, told: 0 };
        let started = Instant::now();
        intruder.comes(false, started);
        let looks = (0..)
            .zip(changes_ms)
            .map(|(index, at_ms)| u32::from(intruder.comes(index % 2 == 0, started + Duration::from_millis(*at_ms))));
        looks.sum()
    }

    #[test]
    fn a_chip_that_starts_anew_is_not_a_hand() {
        for at_ms in [0, 50, 200, 700, 1_499] {
            assert_eq!(seen(&[at_ms]), 0, "{at_ms}");
            // Taken out and put in again, slowly and quickly.
            assert_eq!(seen(&[at_ms, 5_000, 7_000]), 1, "{at_ms}");
            assert_eq!(seen(&[at_ms, 5_000, 5_400]), 1, "{at_ms}");
        }
        assert_eq!(seen(&[1_500]), 1);
        assert_eq!(seen(&[3_000, 5_000, 7_000]), 2);
    }

    #[test]
    fn what_was_there_before_means_nothing_until_it_has_been_away() {
        assert_eq!(seen(&[0, 5_000, 7_000]), 1);
        // Out and in again within half a second, once: that may have been the chip itself.
        let instead = Instead {
            device: Located::nowhere("rom".parse().unwrap()),
            meaning: String::new(),
            hands: Vec::new(),
            enough: None,
        };
        let mut intruder = Intruder { instead: &instead, away_since: None, came: 0, by_hand: false, told: 0 };
        let started = Instant::now();
        let mut comes = |present, at_ms| intruder.comes(present, started + Duration::from_millis(at_ms));
        assert!(!comes(true, 0) && !comes(false, 3_000) && !comes(true, 3_500));
        assert!(!comes(false, 6_000) && comes(true, 6_500));
    }
}
