//! Starts a vendor tool in a process group of its own and turns what it does into events.
//!
//! Waiting and reading are done by plain threads: the runtime's own blocking threads would hold up its shutdown. What the
//! output means is for other floors. On Unix a descendant that leaves the group by itself is out of reach, and what is left
//! when recover itself is ended by force is for the sibling `guard`; a job of Windows holds all, and ends with recover.

mod answer;
mod forward;
#[cfg(unix)]
mod guard;
#[cfg(windows)]
#[path = "no_guard.rs"]
mod guard;
#[cfg(target_os = "linux")]
mod interpreter;
#[cfg(target_os = "linux")]
mod interpreters;
#[cfg(not(target_os = "linux"))]
#[path = "no_interpreters.rs"]
mod interpreters;
mod plumbing;
mod reason;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod test_python;

#[cfg(unix)]
use std::collections::HashMap;
#[cfg(unix)]
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
#[cfg(target_os = "linux")]
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread;

#[cfg(unix)]
use duct::Handle;
use tokio::sync::mpsc;

use self::answer::Answerer;
use self::forward::{Heard, forward};
#[cfg(target_os = "linux")]
use self::interpreter::Interpreter;
use self::plumbing::{Output, Plumbing, ToolsEnds};
use self::reason::reason_not_started;
use crate::words::{Stream, ToolEnd};
#[cfg(unix)]
use crate::world::ToolCall;
use crate::world::system::ProcessGroup;
#[cfg(windows)]
use crate::world::system::{Leader, start_in_job};
#[cfg(unix)]
use crate::world::system::{give_own_group, tool_end, wait_without_reaping};
use crate::world::{AnswerTool, Cleared, RunningTool, StopTool, ToolEvent};

#[cfg(test)]
#[cfg(target_os = "linux")]
pub(crate) use test_python::python;

pub(in crate::world) use guard::{call_at_end, called_at_end};
pub use guard::{guard_main, guard_tools};
pub use interpreters::Interpreters;
pub use reason::TOO_MANY_FILES;

/// What is to be started, before it is; here so that the crate is named in one file.
#[cfg(unix)]
type Expression = duct::Expression;

/// What an interpreter runs that is to make calls.
pub(in crate::world) const WARM_SCRIPT: &str = include_str!("interpreter.py");

/// Events kept for a slow reader before the tool itself is made to wait.
const EVENTS_MAX: usize = 64;

/// Of a call whose interpreter is gone.
#[cfg(target_os = "linux")]
const SIGNAL_KILL: i32 = 9;

/// Size of one piece of output, in bytes. Small enough that nothing else waits long while a piece full of short lines is
/// looked at.
const PIECE_BYTES: usize = 8 * 1024;

/// Starts a tool; a failure to start arrives as [`ToolEnd::NotStarted`].
pub fn start(call: &Cleared) -> RunningTool {
    let (events, receiver) = mpsc::channel(EVENTS_MAX);
    let (stop, input): (Box<dyn StopTool>, _) = match Process::spawn(call, events.clone()) {
        Ok((process, answerer)) => {
            (Box::new(process), answerer.map(|answerer| Box::new(answerer) as Box<dyn AnswerTool>))
        }
        Err(error) => {
            let end = ToolEnd::NotStarted(reason_not_started(call, &error));
            // Cannot fail: nothing else has been put into the new channel.
            let _ = events.try_send(ToolEvent::Ended(end));
            (Box::new(NeverStarted), None)
        }
    };
    RunningTool { events: receiver, stop, input }
}

/// The group of a started tool. Its end, by whatever way, ends the group.
#[derive(Debug)]
struct Process {
    group: ProcessGroup,
    leader: u32,
    /// Nobody keeps its number any more, because the interpreter is gone whose process it was.
    lost: Arc<AtomicBool>,
    /// Closed when nobody can signal the group any more: only then may its first process be reaped.
    _unused: Option<Sender<()>>,
}

impl Process {
    fn spawn(call: &Cleared, events: mpsc::Sender<ToolEvent>) -> io::Result<(Self, Option<Answerer>)> {
        let Plumbing { outputs, input, tools } = Plumbing::of(call)?;
        let (group, mut first) = begin(call, tools)?;
        let leader = first.number();
        guard::begins(leader);
        let (release, released) = channel::<()>();
        let process = Process { group, leader, lost: Arc::default(), _unused: Some(release) };

        let heard = follow(outputs, events)?;
        let answerer = input.map(Answerer::start).transpose()?;
        spawn_thread("tool end", move || {
            let _ = heard.send(Heard::Ended(first.wait()));
            drop(heard);
            // Never receives anything; returns when the sender is dropped.
            let _ = released.recv();
            first.reap();
        })?;
        Ok((process, answerer))
    }

    /// The same by an interpreter, which `over` gets back, unless it has ended. An error says that nothing was begun.
    #[cfg(target_os = "linux")]
    fn fork(
        mut interpreter: Interpreter,
        call: &Cleared,
        events: mpsc::Sender<ToolEvent>,
        over: impl FnOnce(Option<Interpreter>) + Send + 'static,
    ) -> io::Result<Self> {
        let Plumbing { outputs, tools, .. } = Plumbing::of(call)?;
        let leader = interpreter.fork(call, &tools.files()?)?;
        guard::begins(leader);
        let (release, released) = channel::<()>();
        let group = ProcessGroup::led_by(leader);
        let lost = Arc::<AtomicBool>::default();
        let process = Process { group, leader, lost: Arc::clone(&lost), _unused: Some(release) };
        let heard = follow(outputs, events)?;
        spawn_thread("tool end", move || {
            let end = interpreter.go().ok().and_then(|()| interpreter.wait_end());
            let has_ended = end.is_none();
            // Nobody would tell how it ends, so it is not left to itself.
            let killed = || {
                ProcessGroup::led_by(leader).end();
                lost.store(true, Ordering::Relaxed);
                ToolEnd::Signalled(SIGNAL_KILL)
            };
            let _ = heard.send(Heard::Ended(end.unwrap_or_else(killed)));
            drop(heard);
            // Never receives anything; returns when the sender is dropped.
            let _ = released.recv();
            over((!has_ended && interpreter.reap().is_ok()).then_some(interpreter));
        })?;
        Ok(process)
    }
}

/// The first process of a group, which we have started ourselves.
#[cfg(unix)]
#[derive(Debug)]
struct Leader(Handle);

#[cfg(unix)]
impl Leader {
    fn number(&self) -> u32 {
        self.0.pids().first().copied().unwrap_or(0)
    }

    /// Waits until it has ended. Its group keeps its number until it is reaped.
    fn wait(&mut self) -> ToolEnd {
        wait_without_reaping(self.number()).unwrap_or_else(|| reap(&self.0))
    }

    fn reap(self) {
        reap(&self.0);
    }
}

/// Starts the tool's process in a group of its own.
#[cfg(unix)]
fn begin(call: &Cleared, tools: ToolsEnds) -> io::Result<(ProcessGroup, Leader)> {
    let (program, first_args) = call.launcher.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let args = first_args.iter().cloned().chain(call.args.iter().map(Into::into));
    // The expression owns our copies of the tool's ends, and closes them at the end of this statement.
    let handle = tools
        .connect(&duct::cmd(program, args).dir(&call.folder).full_env(environment(call)))
        .unchecked()
        .before_spawn(|command| {
            give_own_group(command);
            Ok(())
        })
        .start()?;
    let leader = Leader(handle);
    Ok((ProcessGroup::led_by(leader.number()), leader))
}

/// Starts the tool's process in a job of its own.
#[cfg(windows)]
fn begin(call: &Cleared, tools: ToolsEnds) -> io::Result<(ProcessGroup, Leader)> {
    let (program, first_args) = call.launcher.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    start_in_job(program, |command| {
        let [stdin, stdout, stderr] = tools.stdio();
        command.args(first_args).args(&call.args).current_dir(&call.folder);
        call.environment_remove.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.envs(&call.environment).stdin(stdin).stdout(stdout).stderr(stderr);
    })
}

/// Passes on what is heard of the tool, by the sender as well.
fn follow(outputs: Vec<Output>, events: mpsc::Sender<ToolEvent>) -> io::Result<SyncSender<Heard>> {
    let (heard, queue) = sync_channel(EVENTS_MAX);
    let streams = outputs.len();
    spawn_thread("tool output", move || forward(&queue, &events, streams))?;
    for (stream, output) in outputs {
        spawn_reader(output, stream, heard.clone())?;
    }
    Ok(heard)
}

impl StopTool for Process {
    fn ask(&mut self) -> bool {
        !self.lost.load(Ordering::Relaxed) && self.group.ask_to_end()
    }

    fn force(&mut self) {
        if !self.lost.load(Ordering::Relaxed) {
            self.group.end();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.force();
        guard::is_over(self.leader);
    }
}

/// A process that is spoken to by its standard input, and whose output nobody hears. Dropped, it is ended.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct OwnProcess {
    leader: u32,
    handle: Handle,
}

#[cfg(target_os = "linux")]
impl OwnProcess {
    fn start(call: &Cleared, input: UnixStream) -> io::Result<Self> {
        let (program, first_args) = call.launcher.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let args = first_args.iter().cloned().chain(call.args.iter().map(Into::into));
        let expression = duct::cmd(program, args).dir(&call.folder).full_env(environment(call));
        let handle = expression
            .stdin_file(input)
            .stdout_null()
            .stderr_null()
            .unchecked()
            .before_spawn(|command| {
                give_own_group(command);
                Ok(())
            })
            .start()?;
        let leader = handle.pids().first().copied().unwrap_or(0);
        guard::begins(leader);
        Ok(OwnProcess { leader, handle })
    }
}

#[cfg(target_os = "linux")]
impl Drop for OwnProcess {
    fn drop(&mut self) {
        if !ProcessGroup::led_by(self.leader).end() {
            let _ended_already = self.handle.kill();
        }
        guard::is_over(self.leader);
        reap(&self.handle);
    }
}

#[derive(Debug)]
struct NeverStarted;

impl StopTool for NeverStarted {
    fn ask(&mut self) -> bool {
        false
    }

    fn force(&mut self) {}
}

/// The inherited variables but for those to remove, and the call's own.
#[cfg(unix)]
fn environment(call: &ToolCall) -> HashMap<OsString, OsString> {
    let mut environment: HashMap<_, _> = std::env::vars_os().collect();
    for name in &call.environment_remove {
        environment.remove(OsStr::new(name));
    }
    environment.extend(call.environment.iter().map(|(name, value)| (name.into(), value.clone())));
    environment
}

#[cfg(unix)]
fn reap(handle: &Handle) -> ToolEnd {
    match handle.wait() {
        Ok(output) => tool_end(output.status),
        Err(error) => ToolEnd::NotStarted(format!("its end could not be observed ({error})")),
    }
}

fn spawn_reader(mut pipe: impl Read + Send + 'static, stream: Stream, heard: SyncSender<Heard>) -> io::Result<()> {
    spawn_thread("tool stream", move || {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match pipe.read(&mut piece) {
                Ok(0) => break,
                // The other side gives up when the tool has ended and a descendant still holds the pipe.
                Ok(length) => {
                    if heard.send(Heard::Output(stream, piece[..length].to_vec())).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A terminal that nobody holds any more ends with an error on Linux, and with no bytes elsewhere.
                Err(_) => break,
            }
        }
        let _ = heard.send(Heard::Closed);
    })
}

fn spawn_thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
