//! Ends the tools of a recover that was ended by force, and so could not end them itself.
//!
//! The guard is this program again, as a process of its own. It is told the number of each tool's group while the tool is
//! at work, through a pipe that only recover holds open: when recover is gone, however that came about, the pipe ends, and
//! the guard ends the groups that are still at work. So it reaches what a tool has started, too, which a signal on the
//! parent's death would not. Of a program that moves in place of hands it is told the last call, and makes it then: relays
//! must not stay as a killed run has left them. What it does not cover is the moment between the start of a tool and the word about it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::environment;
use crate::world::system::{ProcessGroup, give_own_group, start_of_this_program, unheard_call};
use crate::world::{MOVE_LIMIT, ToolCall};

/// The only argument of a guard. Nobody types it by accident.
const GUARD_ARGUMENT: &str = "end-tools-when-input-ends";

/// A program of its own has a guard; one that uses this as a library is not to be started again.
static WANTED: AtomicBool = AtomicBool::new(false);
static GUARD: OnceLock<Option<Guard>> = OnceLock::new();

/// Whether the last call has ended is looked for so often.
const LOOK: Duration = Duration::from_millis(20);

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
    let mut last_call = None;
    for line in BufReader::new(std::io::stdin()).lines() {
        // An unreadable input is one that has ended.
        let Ok(line) = line else { break };
        let number = |text: &str| text.parse::<u32>().ok();
        if let Some(begun) = line.strip_prefix('+').and_then(number) {
            at_work.insert(begun);
        } else if let Some(over) = line.strip_prefix('-').and_then(number) {
            at_work.remove(&over);
        } else if let Some(call) = line.strip_prefix('!') {
            last_call = serde_json::from_str::<LastCall>(call).ok();
        }
    }
    for leader in at_work {
        ProcessGroup::led_by(leader).end();
    }
    if let Some(call) = last_call {
        call.make();
    }
    true
}

/// A call that the guard makes. Everything is bytes, because the system takes more than text.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct LastCall {
    /// The program, and its arguments.
    command: Vec<Vec<u8>>,
    /// All of its variables.
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    folder: Vec<u8>,
}

impl LastCall {
    fn of(call: &ToolCall) -> LastCall {
        let bytes = |text: OsString| text.into_vec();
        let args = call.args.iter().map(|arg| arg.as_bytes().to_vec());
        LastCall {
            command: call.launcher.iter().map(|word| word.as_bytes().to_vec()).chain(args).collect(),
            environment: environment(call).into_iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
            folder: call.folder.as_os_str().as_bytes().to_vec(),
        }
    }

    /// Nobody is left who could be told what comes of it.
    fn make(self) {
        let text = OsString::from_vec;
        let words = self.command.into_iter().map(text).collect::<Vec<_>>();
        let environment = self.environment.into_iter().map(|(name, value)| (text(name), text(value)));
        let Some(mut command) = unheard_call(&words, &text(self.folder)) else { return };
        command.env_clear().envs(environment);
        give_own_group(&mut command);
        let Ok(mut process) = command.spawn() else { return };
        let late = Instant::now() + MOVE_LIMIT;
        while matches!(process.try_wait(), Ok(None)) {
            if Instant::now() >= late {
                ProcessGroup::led_by(process.id()).end();
                return;
            }
            sleep(LOOK);
        }
    }
}

/// From now on this call is to be made when recover is gone, unless it has been made.
pub(in crate::world) fn call_at_end(call: &ToolCall) {
    // Its values are bytes, of which JSON can always be made.
    if let Ok(text) = serde_json::to_string(&LastCall::of(call)) {
        write(&format!("!{text}"));
    }
}

/// That call has been made.
pub(in crate::world) fn called_at_end() {
    write("!");
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
    if leader != 0 {
        write(&format!("{sign}{leader}"));
    }
}

fn write(word: &str) {
    if !WANTED.load(Ordering::Relaxed) {
        return;
    }
    if let Some(guard) = GUARD.get_or_init(Guard::start) {
        let mut input = guard.input.lock().unwrap_or_else(PoisonError::into_inner);
        // Without its guard the run goes on as well as without one.
        let _guard_gone = input.write_all(format!("{word}\n").as_bytes());
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
