//! Is it so what is told of an interruption? After a run that was killed in the middle, the virtual board is connected again
//! as the claim says, on a copy that nobody uses, and must do what is claimed.

use std::collections::BTreeSet;

use crate::bench::faults::invariants::{Broken, Invariant};
use crate::bench::faults::point::{Part, RunPoint};
use crate::bench::state::BenchState;
use crate::bench::{Bench, BenchError, BenchRun, RunRecord};
use crate::documents::playbook::{
    Device, DeviceState, HandMove, Interruption, Leaves, Playbook, Step, Supposed, every_step, interruptions,
};
use crate::engine::Event;
use crate::words::{Id, UsbId, Verdict};

/// Between two moves of the hands, in milliseconds.
const MOVE_MS: u64 = 1_000;
/// Boards that restart again and again show for a moment each time; so many changes of the bus are looked at.
const CHANGES_MAX: usize = 64;

/// What is claimed of this point, and what is wrong about it.
pub(super) fn check_left(
    bench: &Bench,
    bench_run: &BenchRun<'_>,
    point: &RunPoint,
    killed: &RunRecord,
) -> Result<Option<(Leaves, Option<Broken>)>, BenchError> {
    let Some(leaves) = claimed(bench_run, point, killed) else { return Ok(None) };
    let found = match &leaves {
        Leaves::AsBefore => {
            let same = killed.regions == killed.regions_before && killed.fuses == killed.fuses_before;
            (!same || killed.changes.is_some_and(|changes| changes > 0)).then(|| "its memory was changed".to_owned())
        }
        Leaves::Starts => {
            let ids = ids(bench_run.playbook, |device| device.state == Some(DeviceState::Running));
            never_shown(bench, &as_for_use(bench_run), &ids)?
        }
        Leaves::ComesBack { device } => {
            let ids = ids(bench_run.playbook, |known| known.name == *device);
            never_shown(bench, &as_for_use(bench_run), &ids)?
        }
        Leaves::NeedsHands { device, hands, .. } => {
            let ids = ids(bench_run.playbook, |known| known.name == *device);
            never_shown(bench, hands, &ids)?
        }
        Leaves::NotKnown | Leaves::Lost => None,
    };
    let told = found.map(|found| {
        let words = leaves.in_words(bench_run.playbook);
        Broken::new(Invariant::Left, format!("it is told that {words}; but {found}"))
    });
    Ok(Some((leaves, told)))
}

fn claimed(bench_run: &BenchRun<'_>, point: &RunPoint, killed: &RunRecord) -> Option<Leaves> {
    let playbook = bench_run.playbook;
    let ready = |event: &Event| match event {
        Event::InputReady { name, .. } => Some(name.clone()),
        _ => None,
    };
    let ready: BTreeSet<Id> = killed.events.iter().filter_map(ready).collect();
    let given = |name: &Id| playbook.input(name).is_none() || ready.contains(name);
    let mut variables = bench_run.variables.clone();
    for variable in &playbook.variables {
        variables.entry(variable.name.clone()).or_insert_with(|| variable.default.clone());
    }
    let all = interruptions(playbook, bench_run.catalog, &Supposed { given: Some(&given), variables: &variables });
    let Interruption { during, at_worst, .. } = all.into_iter().find(|one| one.step == point.step)?;
    let has_failed = killed.events.iter().any(|event| match event {
        Event::ToolEnded { verdict, .. } => matches!(verdict, Verdict::Fault(_)),
        Event::Restarting { .. } | Event::Retrying { .. } => true,
        _ => false,
    });
    match point.part {
        // Going back is looked at for itself by the run that follows.
        Part::Act if has_failed => Some(at_worst),
        Part::Act => Some(during),
        Part::Before | Part::After => None,
    }
}

fn ids(playbook: &Playbook, which: impl Fn(&Device) -> bool) -> BTreeSet<UsbId> {
    playbook.devices.iter().filter(|device| which(device)).flat_map(|device| device.ids.clone()).collect()
}

/// The cable is pulled, whatever hands have set in the steps is taken back, and the cable goes in again.
fn as_for_use(bench_run: &BenchRun<'_>) -> Vec<HandMove> {
    let moves = every_step(&bench_run.playbook.steps).flat_map(Step::hands);
    let undone = moves.filter_map(|hand| match hand {
        HandMove::FitJumper => Some(HandMove::RemoveJumper),
        HandMove::SwitchOn => Some(HandMove::SwitchOff),
        HandMove::Unplug | HandMove::PlugIn | HandMove::RemoveJumper | HandMove::SwitchOff | HandMove::PressButton => {
            None
        }
    });
    [HandMove::Unplug].into_iter().chain(undone).chain([HandMove::PlugIn]).collect()
}

/// Why none of these devices shows after these moves; nothing where one does.
fn never_shown(bench: &Bench, hands: &[HandMove], ids: &BTreeSet<UsbId>) -> Result<Option<String>, BenchError> {
    let files = bench.files();
    let mut state = BenchState::read(&files, &BenchState::text(&files)?)?;
    if let Some(board) = state.stage.board_mut() {
        board.heal();
    }
    let mut now_ms = state.now_ms;
    for hand in hands {
        now_ms += MOVE_MS;
        state.stage.hands(*hand, now_ms);
    }
    let mut seen = BTreeSet::new();
    for _ in 0..CHANGES_MAX {
        let shown: BTreeSet<UsbId> = state.stage.attached(now_ms).into_iter().map(|device| device.id).collect();
        if shown.iter().any(|id| ids.contains(id)) {
            return Ok(None);
        }
        seen.extend(shown);
        match state.stage.next_change_ms(now_ms) {
            Some(next_ms) => now_ms = next_ms.max(now_ms + 1),
            None => break,
        }
    }
    let seen: Vec<String> = seen.iter().map(ToString::to_string).collect();
    Ok(Some(if seen.is_empty() {
        "nothing shows up".to_owned()
    } else {
        format!("what shows up is {}", seen.join(", "))
    }))
}
