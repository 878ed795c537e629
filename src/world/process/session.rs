//! One process of a tool that makes several calls, one after another: starting some tools takes longer than what they do.
//!
//! Each command goes to the tool's input only when the verdict on the one before is in, so nothing runs ahead. A harmless
//! command behind each, the probe, tells that the tool is through with it: what the tool prints before the probe's answer
//! belongs to the command. Whoever started the call sees what a process of its own would have shown: its output and its
//! end. Whatever goes wrong with the session itself, before the command was sent, ends in a process of its own.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::start;
use crate::words::{Stream, ToolEnd};
use crate::world::{AnswerTool, Cleared, RunningTool, SessionCall, StopTool, ToolEvent};

/// Events kept for a slow reader.
const EVENTS_MAX: usize = 64;
/// So many pieces of what a command says on its standard error are kept until it is known to be the command's.
const HELD_MAX: usize = 64;
/// A line of a tool that never ends one is passed on in pieces of so many bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// The sessions of one run.
#[derive(Debug, Default)]
pub struct Sessions {
    shared: Arc<Mutex<Shared>>,
    limits: Limits,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    /// In this time a tool must have started and answered its first probe.
    open: Duration,
    /// And in this time a probe behind a command, counted from the first line of the command's account.
    probe: Duration,
}

impl Default for Limits {
    /// Several times the slowest that was measured.
    fn default() -> Self {
        Limits { open: Duration::from_secs(6), probe: Duration::from_secs(3) }
    }
}

#[derive(Debug, Default)]
struct Shared {
    idle: Vec<Session>,
    /// A tool did not do as its description says: every call gets a process of its own.
    distrusted: bool,
    /// Was the last call made in a session?
    in_session: bool,
}

/// A process that waits for its next command.
struct Session {
    /// What started it.
    call: Cleared,
    events: mpsc::Receiver<ToolEvent>,
    stop: Box<dyn StopTool>,
    input: Box<dyn AnswerTool>,
    stdout: Lines,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("call", &self.call).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Makes the call in a session where that can be done, else in a process of its own. Needs a runtime around it.
    pub fn start(&self, call: &Cleared) -> RunningTool {
        let mut shared = lock(&self.shared);
        shared.in_session = false;
        let Some(wanted) = call.session.clone().filter(|_| !shared.distrusted) else { return start(call) };
        let Some(opening) = call.opening() else { return start(call) };
        let idle = shared.take(&opening);
        // A session is not begun only to be ended by its first command.
        if idle.is_none() && wanted.last {
            return start(call);
        }
        drop(shared);
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let grip = Arc::new(Mutex::new(Grip::default()));
        let stop = Box::new(SessionStop { grip: Arc::clone(&grip) });
        let relay = Relay { shared: Arc::clone(&self.shared), limits: self.limits, grip, sender };
        tokio::spawn(relay.run(idle, opening, call.clone(), wanted));
        RunningTool { events, stop, input: None }
    }

    /// Ends every process that waits for a command.
    pub fn end(&self) {
        lock(&self.shared).idle.clear();
    }

    /// Was the last call made in a session?
    pub fn in_session(&self) -> bool {
        lock(&self.shared).in_session
    }
}

impl Shared {
    fn take(&mut self, opening: &Cleared) -> Option<Session> {
        let index = self.idle.iter().position(|session| session.call == *opening)?;
        let mut session = self.idle.swap_remove(index);
        // A command for a process that is gone would be read by nobody, even while what it started holds the pipe.
        if session.stop.has_ended() {
            return None;
        }
        // What is left of the last probe says nothing; a session that has ended meanwhile is none.
        while let Ok(event) = session.events.try_recv() {
            if matches!(event, ToolEvent::Ended(_)) {
                return None;
            }
        }
        Some(session)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the caller can do to the process at work.
#[derive(Default)]
struct Grip {
    stop: Option<Box<dyn StopTool>>,
    /// The caller wants no process to be started any more.
    given_up: bool,
}

/// Ends the process that makes the call, as long as it does.
struct SessionStop {
    grip: Arc<Mutex<Grip>>,
}

impl SessionStop {
    fn with(&self, act: impl FnOnce(&mut dyn StopTool)) {
        let mut grip = lock(&self.grip);
        grip.given_up = true;
        if let Some(stop) = &mut grip.stop {
            act(stop.as_mut());
        }
    }
}

impl StopTool for SessionStop {
    fn ask(&mut self) {
        self.with(|stop| stop.ask());
    }

    fn force(&mut self) {
        self.with(|stop| stop.force());
    }
}

impl Drop for SessionStop {
    fn drop(&mut self) {
        let mut grip = lock(&self.grip);
        grip.given_up = true;
        grip.stop = None;
    }
}

/// Why listening has ended.
enum Heard {
    /// The probe was answered: the tool waits for its next command.
    Probe,
    Ended(ToolEnd),
    TooLate,
}

/// Carries one call out.
struct Relay {
    shared: Arc<Mutex<Shared>>,
    limits: Limits,
    grip: Arc<Mutex<Grip>>,
    sender: mpsc::Sender<ToolEvent>,
}

impl Relay {
    async fn run(self, idle: Option<Session>, opening: Cleared, call: Cleared, wanted: SessionCall) {
        let session = match idle {
            Some(session) => self.hold(session),
            None => self.open(&opening, &wanted).await,
        };
        match session {
            Some(session) => {
                lock(&self.shared).in_session = true;
                self.make(session, &wanted).await;
            }
            None => self.alone(&call).await,
        }
    }

    /// Starts a process and sees that it answers before its input has ended.
    async fn open(&self, opening: &Cleared, wanted: &SessionCall) -> Option<HeldSession> {
        let RunningTool { events, stop, input } = start(opening);
        let session = Session { call: opening.clone(), events, stop, input: input?, stdout: Lines::default() };
        let mut session = self.hold(session)?;
        let probe = Listening { begun: true, ..Listening::to(wanted) };
        let heard = match session.input.send(&wanted.probe) {
            Ok(()) => self.listen(&mut session, probe, Some(Instant::now() + self.limits.open), false).await,
            Err(_) => Heard::TooLate,
        };
        if let Heard::Probe = heard {
            return Some(session);
        }
        lock(&self.shared).distrusted = true;
        lock(&self.grip).stop = None;
        None
    }

    /// The caller may end the process from now on; nothing when the caller wants none any more.
    fn hold(&self, session: Session) -> Option<HeldSession> {
        let Session { call, events, stop, input, stdout } = session;
        let mut grip = lock(&self.grip);
        if grip.given_up {
            return None;
        }
        grip.stop = Some(stop);
        Some(HeldSession { call, events, input, stdout })
    }

    /// Sends the command, and reports what comes of it.
    async fn make(&self, mut session: HeldSession, wanted: &SessionCall) {
        let mut sent = session.input.send(&wanted.line);
        if wanted.last {
            let HeldSession { call, events, input, stdout } = session;
            // The end of its input is the end of the tool.
            drop(input);
            session = HeldSession { call, events, input: Box::new(NoInput), stdout };
        } else if sent.is_ok() {
            sent = session.input.send(&wanted.probe);
        }
        if sent.is_err() {
            // The end of the process, if it has one, is what the caller is to see.
            lock(&self.shared).distrusted = true;
        }
        let listening = Listening { probed: !wanted.last, ..Listening::to(wanted) };
        let end = match self.listen(&mut session, listening, None, true).await {
            Heard::Probe => {
                self.put_back(session);
                ToolEnd::Exited(0)
            }
            Heard::Ended(end) => end,
            Heard::TooLate => {
                lock(&self.shared).distrusted = true;
                lock(&self.grip).stop = None;
                // The command itself was over: its account had begun, and the probe's was due long ago.
                ToolEnd::Exited(0)
            }
        };
        self.tell(ToolEvent::Ended(end)).await;
    }

    fn put_back(&self, session: HeldSession) {
        let HeldSession { call, events, input, stdout } = session;
        let stop = {
            let mut grip = lock(&self.grip);
            // A process that was told to end is not to be kept.
            grip.stop.take().filter(|_| !grip.given_up)
        };
        let mut shared = lock(&self.shared);
        if let (Some(stop), false) = (stop, shared.distrusted) {
            shared.idle.push(Session { call, events, stop, input, stdout });
        }
    }

    /// A process of its own.
    async fn alone(&self, call: &Cleared) {
        let mut tool = {
            let mut grip = lock(&self.grip);
            if grip.given_up {
                None
            } else {
                let RunningTool { events, stop, .. } = start(call);
                grip.stop = Some(stop);
                Some(events)
            }
        };
        let Some(events) = &mut tool else {
            return self.tell(ToolEvent::Ended(ToolEnd::Cancelled)).await;
        };
        while let Some(event) = events.recv().await {
            self.tell(event).await;
        }
    }

    /// Takes what the tool prints up to the probe's answer.
    async fn listen(
        &self,
        session: &mut HeldSession,
        mut listening: Listening<'_>,
        mut deadline: Option<Instant>,
        pass_on: bool,
    ) -> Heard {
        let mut held = Vec::new();
        loop {
            let event = match deadline {
                Some(deadline) => match timeout_at(deadline, session.events.recv()).await {
                    Ok(event) => event,
                    Err(_) => break Heard::TooLate,
                },
                None => session.events.recv().await,
            };
            match event {
                Some(ToolEvent::Output(Stream::Stdout, bytes)) => {
                    for line in session.stdout.push(&bytes) {
                        match listening.take(&line) {
                            Belongs::Command if pass_on => self.tell(ToolEvent::Output(Stream::Stdout, line)).await,
                            Belongs::ProbesEnd => {
                                for text in held {
                                    self.tell(ToolEvent::Output(Stream::Stderr, text)).await;
                                }
                                return Heard::Probe;
                            }
                            Belongs::Command | Belongs::Probe => {}
                        }
                    }
                    if deadline.is_none() && listening.probed && listening.begun {
                        deadline = Some(Instant::now() + self.limits.probe);
                    }
                }
                // Which of the two streams is heard first is nobody's promise: it may be the probe's.
                Some(ToolEvent::Output(_, bytes)) if pass_on && listening.probed && held.len() < HELD_MAX => {
                    held.push(bytes);
                }
                Some(ToolEvent::Output(stream, bytes)) if pass_on && !listening.in_probe => {
                    self.tell(ToolEvent::Output(stream, bytes)).await;
                }
                Some(ToolEvent::Output(..)) => {}
                Some(ToolEvent::Ended(end)) => {
                    let rest = session.stdout.rest();
                    let of_probe = listening.in_probe || listening.goes_on;
                    for text in held.into_iter().filter(|_| !of_probe) {
                        self.tell(ToolEvent::Output(Stream::Stderr, text)).await;
                    }
                    if of_probe {
                        // The command was over before.
                        lock(&self.shared).distrusted = true;
                        break Heard::Ended(if pass_on { ToolEnd::Exited(0) } else { end });
                    }
                    if pass_on && !rest.is_empty() {
                        self.tell(ToolEvent::Output(Stream::Stdout, rest)).await;
                    }
                    break Heard::Ended(end);
                }
                None => break Heard::Ended(ToolEnd::NotStarted("the tool went away without a word".to_owned())),
            }
        }
    }

    /// A caller who listens no more is told by the grip.
    async fn tell(&self, event: ToolEvent) {
        let _caller_gone = self.sender.send(event).await;
    }
}

/// A session whose process the caller may end.
struct HeldSession {
    call: Cleared,
    events: mpsc::Receiver<ToolEvent>,
    input: Box<dyn AnswerTool>,
    stdout: Lines,
}

/// The input of a tool that gets no more commands.
struct NoInput;

impl AnswerTool for NoInput {
    fn send(&mut self, _line: &str) -> std::io::Result<()> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
}

/// Whose a line is.
enum Belongs {
    Command,
    Probe,
    ProbesEnd,
}

/// Tells the account of a command from that of the probe behind it.
struct Listening<'c> {
    wanted: &'c SessionCall,
    /// There is a probe behind the command.
    probed: bool,
    /// The command's account has begun: the next that begins is the probe's.
    begun: bool,
    /// So has it, and the tool goes on to the probe.
    goes_on: bool,
    in_probe: bool,
}

impl<'c> Listening<'c> {
    fn to(wanted: &'c SessionCall) -> Self {
        Listening { wanted, probed: true, begun: false, goes_on: false, in_probe: false }
    }

    fn take(&mut self, line: &[u8]) -> Belongs {
        if !self.probed {
            return Belongs::Command;
        }
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if self.in_probe {
            let over = self.wanted.probe_ends.is_match(text);
            return if over { Belongs::ProbesEnd } else { Belongs::Probe };
        }
        if !self.wanted.begins.is_match(text) {
            return Belongs::Command;
        }
        self.in_probe = self.begun;
        self.goes_on = !self.begun && self.wanted.goes_on.is_match(text);
        self.begun = true;
        if self.in_probe { Belongs::Probe } else { Belongs::Command }
    }
}

/// Cuts output into lines, each with its end.
#[derive(Default)]
struct Lines {
    unfinished: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend_from_slice(part);
            if part.ends_with(b"\n") || self.unfinished.len() >= LINE_BYTES_MAX {
                lines.push(std::mem::take(&mut self.unfinished));
            }
        }
        lines
    }

    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unfinished)
    }
}

#[cfg(test)]
#[cfg(unix)]
#[path = "session_tests.rs"]
mod tests;
