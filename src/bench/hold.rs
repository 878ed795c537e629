//! Keeps a paused clock from jumping while a mock tool works, and lets it go while the tool waits.
//!
//! tokio's paused clock does not jump while a blocking task runs, so the hold is such a task. It ends when the tool's
//! process has ended, when the tool hangs, and when it waits and everything it has printed was passed on. A wait that
//! has been answered no longer counts: whoever answers puts the clock on hold again first.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::bench::folder::BenchFiles;
use crate::bench::waiting::{Waiting, WaitsFor};

/// The hold of one call of a tool. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    files: BenchFiles,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    call: Mutex<Call>,
    changed: Condvar,
    /// Told once the tool is about to be told to end.
    stopped: Notify,
}

#[derive(Debug, Default)]
struct Call {
    ended: bool,
    /// The task is running.
    held: bool,
    /// Bytes of output that the engine has got.
    passed_bytes: u64,
    /// The last wait that has been answered.
    answered: u64,
    /// The tool was told to end, and mock tools do so at once, whatever they were waiting for.
    ending: bool,
    /// What the tool has printed is held back until its time comes.
    pausing: bool,
    /// Somebody may still write to the tool's input. Without that a wait for input ends by itself.
    input_open: bool,
}

/// How often the hold looks what the tool does. Real time.
const POLL: Duration = Duration::from_millis(2);

impl Hold {
    /// Puts the clock on hold for a call that is about to start.
    pub(crate) fn begin(files: BenchFiles) -> Self {
        let hold = Hold { files, shared: Arc::default() };
        hold.hold_again(&mut hold.call());
        hold
    }

    /// The tool's input stays open: a wait for input may take time.
    pub(crate) fn input_is_open(&self) {
        self.call().input_open = true;
    }

    pub(crate) fn passed(&self, bytes: u64) {
        self.call().passed_bytes += bytes;
        self.shared.changed.notify_all();
    }

    /// Called before anything is done that may end a wait of this kind. True when the tool did wait.
    pub(crate) fn answered(&self, what: WaitsFor) -> bool {
        let Some(waiting) = Waiting::look(&self.files).filter(|waiting| waiting.what == what) else { return false };
        let mut call = self.call();
        let waited = waiting.number > call.answered && !call.ended;
        call.answered = waiting.number;
        self.hold_again(&mut call);
        waited
    }

    /// The tool is about to be told to end: its end is worth waiting for.
    pub(crate) fn ending(&self) {
        let mut call = self.call();
        call.ending = true;
        self.hold_again(&mut call);
        self.shared.stopped.notify_one();
    }

    /// Completes when the tool is told to end, or was told already.
    pub(crate) async fn stopped(&self) {
        self.shared.stopped.notified().await;
    }

    /// Lets time pass, whatever the tool does, until [`Hold::go_on`].
    pub(crate) fn pause(&self) {
        self.call().pausing = true;
        self.shared.changed.notify_all();
    }

    pub(crate) fn go_on(&self) {
        let mut call = self.call();
        call.pausing = false;
        self.hold_again(&mut call);
    }

    /// The process has ended: time may pass.
    pub(crate) fn release(&self) {
        self.call().ended = true;
        self.shared.changed.notify_all();
    }

    fn hold_again(&self, call: &mut Call) {
        if call.held || call.ended {
            return;
        }
        call.held = true;
        let hold = self.clone();
        tokio::task::spawn_blocking(move || hold.wait());
    }

    fn wait(&self) {
        let mut call = self.call();
        while !self.lets_go(&call) {
            call = match self.shared.changed.wait_timeout(call, POLL) {
                Ok((call, _)) => call,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        call.held = false;
    }

    fn lets_go(&self, call: &Call) -> bool {
        let waits = |waiting: Waiting| {
            let counts = waiting.what != WaitsFor::Input || call.input_open;
            counts && waiting.number > call.answered && call.passed_bytes >= waiting.printed_bytes
        };
        // What a tool printed before it hung must be seen before its limit passes.
        let hangs = |printed: String| call.passed_bytes >= printed.parse().unwrap_or(0);
        let waits_for_ever = || {
            std::fs::read_to_string(self.files.stalled()).is_ok_and(hangs)
                || Waiting::look(&self.files).is_some_and(waits)
        };
        call.ended || call.pausing || !call.ending && waits_for_ever()
    }

    fn call(&self) -> MutexGuard<'_, Call> {
        self.shared.call.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
