//! The interpreters of one run: started while the person still acts, and each at work on one call at a time.
//!
//! A call by an interpreter has a process of its own, as any other: its group, its streams, its end. Where no interpreter
//! can be had, or one has failed once, tools are started anew for each call. No call is made twice: what an interpreter has
//! begun ends with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::interpreter::Interpreter;
use super::{EVENTS_MAX, Process, reason_not_started, spawn_thread, start};
use crate::words::ToolEnd;
use crate::world::{Cleared, RunningTool, StopTool, ToolEvent, ToolInput};

/// In this time an interpreter must have imported everything. Several times the slowest that was measured: a first start
/// compiles the modules.
const WARM_UP_TIME_MAX: Duration = Duration::from_secs(10);

/// So long is waited for an interpreter that another call has just done with.
const RELEASE_TIME_MAX: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Interpreters {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    places: Vec<Place>,
    /// Every tool is started anew: one interpreter has failed, or the run is over.
    given_up: bool,
    /// Was the last call made by an interpreter?
    was_warm: bool,
}

#[derive(Debug)]
struct Place {
    /// What has started it.
    call: Cleared,
    at: At,
}

#[derive(Debug)]
enum At {
    WarmingUp,
    Work,
    Idle(Box<Interpreter>),
}

impl Interpreters {
    /// Starts an interpreter, unless there is one like it. Returns at once.
    pub fn warm_up(&self, call: &Cleared) {
        let mut state = self.shared.lock();
        if state.given_up || state.places.iter().any(|place| place.call == *call) {
            return;
        }
        state.places.push(Place { call: call.clone(), at: At::WarmingUp });
        drop(state);
        let (shared, call) = (Arc::clone(&self.shared), call.clone());
        let begun = spawn_thread("warm up", move || {
            let started = Interpreter::start(&call);
            let ready = started.and_then(|mut started| started.wait_ready(WARM_UP_TIME_MAX).map(|()| started));
            match ready {
                Ok(interpreter) => shared.put_back(&call, interpreter),
                Err(_) => shared.give_up(),
            }
        });
        if begun.is_err() {
            self.shared.give_up();
        }
    }

    /// Makes the call by an interpreter where there is one for it, else starts the tool.
    pub fn start(&self, call: &Cleared) -> RunningTool {
        self.shared.lock().was_warm = false;
        let plain = call.terminal || call.input != ToolInput::Nothing;
        let Some(wanted) = call.interpreter().filter(|wanted| !plain && self.shared.has(wanted)) else {
            return start(call);
        };
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let grip = Arc::new(Grip::default());
        let stop = Box::new(StopCall { grip: Arc::clone(&grip), shared: Arc::clone(&self.shared) });
        let (shared, own_call) = (Arc::clone(&self.shared), call.clone());
        match spawn_thread("warm call", move || make(&shared, &grip, &wanted, &own_call, &events)) {
            Ok(()) => RunningTool { events: receiver, stop, input: None },
            Err(_) => start(call),
        }
    }

    /// Was the last call made by an interpreter?
    pub fn was_warm(&self) -> bool {
        self.shared.lock().was_warm
    }
}

impl Drop for Interpreters {
    fn drop(&mut self) {
        self.shared.give_up();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, wanted: &Cleared) -> bool {
        let state = self.lock();
        !state.given_up && state.places.iter().any(|place| place.call == *wanted)
    }

    /// Waits for an interpreter that is nearly ready; nothing where none comes.
    fn take(&self, wanted: &Cleared, grip: &Grip) -> Option<Interpreter> {
        let since = Instant::now();
        let mut state = self.lock();
        loop {
            if state.given_up || grip.unwanted() {
                return None;
            }
            let place = state.places.iter_mut().find(|place| place.call == *wanted)?;
            let time_max = match place.at {
                At::WarmingUp => WARM_UP_TIME_MAX,
                At::Work => RELEASE_TIME_MAX,
                At::Idle(_) => match std::mem::replace(&mut place.at, At::Work) {
                    At::Idle(interpreter) => return Some(*interpreter),
                    At::WarmingUp | At::Work => return None,
                },
            };
            let time_left = time_max.checked_sub(since.elapsed())?;
            let woken = self.changed.wait_timeout(state, time_left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn put_back(&self, call: &Cleared, interpreter: Interpreter) {
        let mut state = self.lock();
        if !state.given_up
            && let Some(place) = state.places.iter_mut().find(|place| place.call == *call)
        {
            place.at = At::Idle(Box::new(interpreter));
        }
        drop(state);
        self.changed.notify_all();
    }

    fn give_up(&self) {
        let mut state = self.lock();
        state.given_up = true;
        let places = std::mem::take(&mut state.places);
        drop(state);
        self.changed.notify_all();
        drop(places);
    }
}

/// What the caller can do to the process at work.
#[derive(Debug, Default)]
struct Grip {
    process: Mutex<Option<Process>>,
    /// The caller wants no process to be started any more.
    unwanted: AtomicBool,
}

impl Grip {
    fn unwanted(&self) -> bool {
        self.unwanted.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct StopCall {
    grip: Arc<Grip>,
    shared: Arc<Shared>,
}

impl StopCall {
    fn stop(&self, act: impl FnOnce(&mut Option<Process>)) {
        self.grip.unwanted.store(true, Ordering::Relaxed);
        // Under the lock, so that nobody has looked and does not yet wait.
        drop(self.shared.lock());
        self.shared.changed.notify_all();
        act(&mut self.grip.lock());
    }
}

impl StopTool for StopCall {
    fn ask(&mut self) -> bool {
        let mut asked = true;
        self.stop(|process| asked = process.iter_mut().all(StopTool::ask));
        asked
    }

    fn force(&mut self) {
        self.stop(|process| process.iter_mut().for_each(StopTool::force));
    }
}

impl Drop for StopCall {
    fn drop(&mut self) {
        self.stop(|process| *process = None);
    }
}

fn make(shared: &Arc<Shared>, grip: &Grip, wanted: &Cleared, call: &Cleared, events: &mpsc::Sender<ToolEvent>) {
    let interpreter = shared.take(wanted, grip);
    let mut process = grip.lock();
    if grip.unwanted() {
        drop(process);
        if let Some(interpreter) = interpreter {
            shared.put_back(wanted, interpreter);
        }
        let _caller_gone = events.blocking_send(ToolEvent::Ended(ToolEnd::Cancelled));
        return;
    }
    if let Some(interpreter) = interpreter {
        let (back, place) = (Arc::clone(shared), wanted.clone());
        let over = move |interpreter: Option<Interpreter>| match interpreter {
            Some(interpreter) => back.put_back(&place, interpreter),
            None => back.give_up(),
        };
        match Process::fork(interpreter, call, events.clone(), over) {
            Ok(forked) => {
                shared.lock().was_warm = true;
                *process = Some(forked);
                return;
            }
            // Nothing was begun.
            Err(_) => shared.give_up(),
        }
    }
    match Process::spawn(call, events.clone()) {
        Ok((spawned, _)) => *process = Some(spawned),
        Err(error) => {
            let end = ToolEnd::NotStarted(reason_not_started(call, &error));
            let _caller_gone = events.blocking_send(ToolEvent::Ended(end));
        }
    }
}

#[cfg(test)]
#[path = "interpreters_tests.rs"]
mod tests;
