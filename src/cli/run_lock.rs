//! The lock of a run's board, and what is told when it cannot be had.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::arguments::RunOptions;
use crate::cli::refusal::refuse;
use crate::documents::playbook::Playbook;
use crate::engine::{Outcome, Refusal, before_anything};
use crate::words::{FaultClass, UsbId};
use crate::world::{BoardLock, LockProblem};

pub(super) fn lock(folder: &Path, playbook: &Playbook, options: &RunOptions) -> Result<BoardLock, Box<Refusal>> {
    let ids: BTreeSet<UsbId> = playbook.devices.iter().flat_map(|device| device.ids.iter().copied()).collect();
    let ids: Vec<UsbId> = ids.into_iter().collect();
    BoardLock::acquire(folder, &ids, options.port.as_deref()).map_err(|problem| {
        let next = what_frees_the_board(&problem, options).to_owned();
        let outcome = match problem {
            LockProblem::Held { .. } => Outcome::BoardBusy,
            // Nobody is known to hold it.
            LockProblem::NoFolder { .. } | LockProblem::NoLock { .. } => Outcome::StepFailed,
        };
        refuse(outcome, before_anything(FaultClass::NoPermission, problem.to_string(), vec![next]))
    })
}

fn what_frees_the_board(problem: &LockProblem, options: &RunOptions) -> &'static str {
    match problem {
        LockProblem::Held { .. } if options.bench.is_some() => {
            "Wait until the other run has ended, or name another folder with --bench."
        }
        LockProblem::Held { ports_chosen: true, .. } => {
            "Wait until the other run has ended, or choose another board for this run with --port."
        }
        LockProblem::Held { .. } if options.port.is_some() => {
            "Wait until the other run has ended: it works on this port, or may work on any."
        }
        LockProblem::Held { .. } => {
            "Wait until the other run has ended. Runs work side by side only where each was started with a --port of its own."
        }
        LockProblem::NoFolder { .. } | LockProblem::NoLock { .. } => {
            "Make sure that you may write there; without the lock two runs could meet on one board."
        }
    }
}
