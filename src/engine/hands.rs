//! What the person's hands have set on the board in this run, and not taken back: it decides how the board starts next.

use crate::documents::playbook::{HandMove, Playbook};

const SWITCH: &str = "switch";

/// True whether or not another run is of any use: it never tells to leave things so, which may go on hurting the board.
fn undo(what: &str) -> String {
    format!(
        "If the {what} is still set as this run has asked: undo that before you connect the board for anything but another \
         run of recover."
    )
}

#[derive(Debug, Default)]
pub(super) struct HandsSet {
    wire: bool,
    switch: bool,
    /// What they were asked for in this step. Whether they have taken something back shows only when it has come to its end.
    asked: Vec<HandMove>,
}

/// What hands set on the board when they do this, as people call it.
pub(super) fn what_is_set(hands: &[HandMove], playbook: &Playbook) -> Option<&'static str> {
    let wire = hands.iter().any(|hand| matches!(hand, HandMove::FitJumper | HandMove::RemoveJumper));
    let switch = hands.iter().any(|hand| matches!(hand, HandMove::SwitchOn | HandMove::SwitchOff));
    match (wire, switch) {
        (true, false) => Some(playbook.wire()),
        (false, true) => Some(SWITCH),
        (true, true) => Some("wire, button or switch"),
        (false, false) => None,
    }
}

impl HandsSet {
    /// What is set, or may be.
    pub(super) fn set(&self) -> Vec<HandMove> {
        let wire = self.wire.then_some(HandMove::FitJumper);
        wire.into_iter().chain(self.switch.then_some(HandMove::SwitchOn)).chain(self.asked.iter().copied()).collect()
    }

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
    pub(super) fn advice(&self, playbook: &Playbook) -> impl Iterator<Item = String> {
        self.left_set(playbook.wire()).map(undo)
    }

    fn left_set(&self, wire: &'static str) -> impl Iterator<Item = &'static str> {
        self.wire.then_some(wire).into_iter().chain(self.switch.then_some(SWITCH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use HandMove::{FitJumper, PlugIn, PressButton, RemoveJumper, SwitchOff, SwitchOn, Unplug};

    const WIRE: &str = "wire";

    fn after(steps: &[&[HandMove]], under_way: &[HandMove]) -> Vec<&'static str> {
        let mut hands = HandsSet::default();
        for moves in steps {
            hands.begin();
            hands.ask(moves);
            hands.done();
        }
        hands.begin();
        hands.ask(under_way);
        hands.left_set(WIRE).collect()
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
        assert_eq!(hands.left_set(WIRE).collect::<Vec<_>>(), [WIRE]);
        hands.begin();
        hands.ask(&[RemoveJumper]);
        hands.ask(&[PlugIn]);
        hands.done();
        assert_eq!(hands.left_set(WIRE).count(), 0);
    }
}
