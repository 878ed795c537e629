//! What the person's hands have set on the board in this run, and not taken back: it decides how the board starts next.

use crate::documents::playbook::HandMove;

/// True whether or not another run is of any use: it never tells to leave things so, which may go on hurting the board.
const WIRE: &str = "If the wire or jumper is still set, or the button held, as this run has asked: take it away before you connect \
                    the board for anything but another run of recover.";
const SWITCH: &str = "If the switch is still set as this run has asked: set it back before you connect the board for anything but \
                      another run of recover.";

#[derive(Debug, Default)]
pub(super) struct HandsSet {
    wire: bool,
    switch: bool,
    /// What they were asked for in this step. Whether they have taken something back shows only when it has come to its end.
    asked: Vec<HandMove>,
}

impl HandsSet {
    pub(super) fn ask(&mut self, moves: &[HandMove]) {
        self.wire |= moves.contains(&HandMove::FitJumper);
        self.switch |= moves.contains(&HandMove::SwitchOn);
        self.asked.extend(moves);
    }

    /// A step begins: what an earlier one asked for and did not come to is not known to be done.
    pub(super) fn begin(&mut self) {
        self.asked.clear();
    }

    /// The step for which they were asked has succeeded.
    pub(super) fn done(&mut self) {
        for hand in std::mem::take(&mut self.asked) {
            match hand {
                HandMove::FitJumper => self.wire = true,
                HandMove::RemoveJumper => self.wire = false,
                HandMove::SwitchOn => self.switch = true,
                HandMove::SwitchOff => self.switch = false,
                HandMove::Unplug | HandMove::PlugIn | HandMove::PressButton => {}
            }
        }
    }

    /// What to do about it when the run ends here.
    pub(super) fn advice(&self) -> impl Iterator<Item = &'static str> {
        self.wire.then_some(WIRE).into_iter().chain(self.switch.then_some(SWITCH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use HandMove::{FitJumper, PlugIn, PressButton, RemoveJumper, SwitchOff, SwitchOn, Unplug};

    fn after(steps: &[&[HandMove]], under_way: &[HandMove]) -> Vec<&'static str> {
        let mut hands = HandsSet::default();
        for moves in steps {
            hands.begin();
            hands.ask(moves);
            hands.done();
        }
        hands.begin();
        hands.ask(under_way);
        hands.advice().collect()
    }

    #[test]
    fn what_was_set_is_told_until_it_has_been_taken_back() {
        assert_eq!(after(&[], &[Unplug, FitJumper, PlugIn]), [WIRE]);
        assert_eq!(after(&[&[Unplug, FitJumper, PlugIn]], &[]), [WIRE]);
        // Nobody knows how far they have come.
        assert_eq!(after(&[&[FitJumper]], &[Unplug, RemoveJumper]), [WIRE]);
        assert!(after(&[&[FitJumper], &[Unplug, RemoveJumper]], &[PlugIn]).is_empty());
        assert_eq!(after(&[&[FitJumper, SwitchOn], &[SwitchOff]], &[]), [WIRE]);
        assert_eq!(after(&[&[SwitchOn]], &[]), [SWITCH]);
        assert!(after(&[&[PressButton], &[FitJumper, PlugIn, RemoveJumper]], &[]).is_empty());
    }
    #[test]
    fn two_askings_of_a_step_are_done_with_it_and_those_of_a_failed_one_are_not() {
        let mut hands = HandsSet::default();
        hands.ask(&[FitJumper]);
        hands.done();
        hands.begin();
        hands.ask(&[RemoveJumper]);
        // It fails, and the run goes back to a step without hands.
        hands.begin();
        hands.done();
        assert_eq!(hands.advice().collect::<Vec<_>>(), [WIRE]);
        hands.begin();
        hands.ask(&[RemoveJumper]);
        hands.ask(&[PlugIn]);
        hands.done();
        assert_eq!(hands.advice().count(), 0);
    }
}
