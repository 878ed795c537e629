//! Plain `recover`: says what is attached, asks which board is meant, and goes on as a run does.

use crate::cli::arguments::{RunArgs, RunOptions};
use crate::cli::boards::{Boards, Sight};
use crate::cli::desk::{Desk, ask};
use crate::cli::devices::told_of;
use crate::cli::run;
use crate::cli::streams::say;
use crate::cli::style::{Look, Role};
use crate::cli::wording::hang;
use crate::documents::library::{bare, is_called};
use crate::documents::playbook::DeviceState;
use crate::engine::Outcome;
use crate::world::Machine;

const TRIES: usize = 3;

/// What the attached devices say about one of the boards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is attached and can be no other.
    Surely,
    /// It may be what is attached.
    Perhaps,
    /// It is attached, and its firmware runs.
    Healthy,
    No,
}

pub(super) fn look_around(options: RunOptions, look: &Look) -> Outcome {
    let boards = Boards::all();
    let sight = match options.simulate {
        Some(_) => Sight { known: Vec::new(), others: Vec::new(), blind: None },
        None => boards.look(&Machine::that_looks()),
    };
    let fits = fits(&boards, &sight);
    let mut order: Vec<usize> = (0..boards.names.len()).collect();
    order.sort_by_key(|place| fits[*place]);
    if options.simulate.is_none() {
        say(&look.paint(Role::Title, "What is attached"));
        told_of(&boards, &sight, look).iter().for_each(|line| say(line));
        say("");
    }
    let surely = order.first().copied().filter(|place| fits[*place] == Fit::Surely);
    let only = surely.filter(|_| fits.iter().filter(|fit| **fit == Fit::Surely).count() == 1);
    if Desk::of(&options) == Desk::Nobody {
        return without_person(&boards, &fits, &order, look);
    }
    list(&boards, &fits, &order, look);
    match choose(&boards, &order, only) {
        Some(place) => {
            say("");
            let playbook = boards.names[place].clone();
            run::run(RunArgs { playbook, options }, look)
        }
        None => {
            say("Nothing was started.");
            Outcome::Declined
        }
    }
}

fn fits(boards: &Boards, sight: &Sight<'_>) -> Vec<Fit> {
    let mut fits = vec![Fit::No; boards.names.len()];
    for device in &sight.known {
        for (place, shown) in &device.shown_by {
            let fit = match (device.certain, shown.state) {
                (true, Some(DeviceState::Running)) => Fit::Healthy,
                (true, _) => Fit::Surely,
                (false, _) => Fit::Perhaps,
            };
            fits[*place] = fits[*place].min(fit);
        }
    }
    fits
}

fn list(boards: &Boards, fits: &[Fit], order: &[usize], look: &Look) {
    say(&look.paint(Role::Title, "Which board is yours?"));
    for (number, place) in order.iter().enumerate() {
        let mark = match fits[*place] {
            Fit::Surely => " (attached)",
            Fit::Perhaps => " (may be what is attached)",
            Fit::Healthy => " (attached, and not dead)",
            Fit::No => "",
        };
        let text = format!("{}{mark}", boards.playbooks[*place].board);
        hang(&format!("{:>4}  ", number + 1), &text, look.width).iter().for_each(|line| say(line));
    }
}

/// The place of the chosen board. A number that is none, and a name that nobody has, is asked again.
fn choose(boards: &Boards, order: &[usize], only: Option<usize>) -> Option<usize> {
    let question = match only {
        Some(place) => format!("ENTER for the {}, or the number of another one:", boards.playbooks[place].board),
        None => "Its number, or ENTER to leave:".to_owned(),
    };
    let mut question = question;
    for _ in 0..TRIES {
        let answer = ask(&question);
        if answer.is_empty() {
            return only;
        }
        let by_number = answer.parse::<usize>().ok().and_then(|number| order.get(number.checked_sub(1)?).copied());
        let named = |place: &usize| {
            bare(&boards.names[*place]) == bare(&answer) || is_called(&boards.playbooks[*place], &answer)
        };
        if let Some(place) = by_number.or_else(|| order.iter().copied().find(named)) {
            return Some(place);
        }
        question = format!("That is none of them. A number from 1 to {}:", order.len());
    }
    None
}

/// What to write instead, for each board that it may be.
fn without_person(boards: &Boards, fits: &[Fit], order: &[usize], look: &Look) -> Outcome {
    let likely: Vec<usize> = order.iter().copied().filter(|place| fits[*place] != Fit::No).collect();
    say("Nobody can be asked here, so nothing was started. The command to rescue a board:");
    for place in if likely.is_empty() { order } else { likely.as_slice() } {
        let first = format!("  recover {:<14} ", boards.names[*place]);
        hang(&first, &boards.playbooks[*place].board, look.width).iter().for_each(|line| say(line));
    }
    Outcome::CommandLine
}
