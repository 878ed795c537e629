//! Ends the tools of a recover that was ended by force, and so could not end them itself.
//!
//! The guard is this program again, as a process of its own. It is told the number of each tool's group while the tool is
//! at work, through a pipe that only recover holds open: when recover is gone, however that came about, the pipe ends, and
//! the guard ends the groups that are still at work. So it reaches what a tool has started, too, which a signal on the
//! parent's death would not. What it does not cover is the moment between the start of a tool and the word about it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::world::system::{ProcessGroup, give_own_group, start_of_this_program};

/// The only argument of a guard. Nobody types it by accident.
const GUARD_ARGUMENT: &str = "end-tools-when-input-ends";

/// A program of its own has a guard; one that uses this as a library is not to be started again.
static WANTED: AtomicBool = AtomicBool::new(false);
static GUARD: OnceLock<Option<Guard>> = OnceLock::new();

#[derive(Debug)]
struct Guard {
    input: Mutex<ChildStdin>,
    /// Not waited for: it outlives us by a moment, on purpose.
    _process: Child,
}

/// From now on the tools of this process are guarded. For the program itself, not for tests that are part of another.
pub fn guard_tools() {
    WANTED.store(true, Ordering::Relaxed);
}

/// Is this process to be the guard of another? Then it is, to its end, and the answer is true. Comes first in `main`.
pub fn guard_main() -> bool {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|argument| argument != GUARD_ARGUMENT) || arguments.next().is_some() {
        return false;
    }
    let mut at_work = BTreeSet::new();
    for line in BufReader::new(std::io::stdin()).lines() {
        // An unreadable input is one that has ended.
        let Ok(line) = line else { break };
        let number = |text: &str| text.parse::<u32>().ok();
        if let Some(begun) = line.strip_prefix('+').and_then(number) {
            at_work.insert(begun);
        } else if let Some(over) = line.strip_prefix('-').and_then(number) {
            at_work.remove(&over);
        }
    }
    for leader in at_work {
        ProcessGroup::led_by(leader).end();
    }
    true
}

/// The group is at work.
pub(super) fn begins(leader: u32) {
    tell('+', leader);
}

/// The group has been ended. To be told before its first process is reaped: then its number may become a stranger's.
pub(super) fn is_over(leader: u32) {
    tell('-', leader);
}

fn tell(sign: char, leader: u32) {
    if !WANTED.load(Ordering::Relaxed) || leader == 0 {
        return;
    }
    if let Some(guard) = GUARD.get_or_init(Guard::start) {
        let mut input = guard.input.lock().unwrap_or_else(PoisonError::into_inner);
        // Without its guard the run goes on as well as without one.
        let _guard_gone = input.write_all(format!("{sign}{leader}\n").as_bytes());
    }
}

impl Guard {
    /// None where it cannot be started; that is no reason to leave a board unrecovered.
    fn start() -> Option<Self> {
        let mut command = start_of_this_program()?;
        command.arg(GUARD_ARGUMENT).env_clear().current_dir(std::path::MAIN_SEPARATOR_STR);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        give_own_group(&mut command);
        let mut process = command.spawn().ok()?;
        let input = Mutex::new(process.stdin.take()?);
        Some(Guard { input, _process: process })
    }
}
