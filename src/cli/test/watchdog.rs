//! A limit, in real time, for tests whose own time is only played.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cli::streams::complain;
use crate::engine::Outcome;

/// Ends the program when a run does not end, which is the worst that a test can find: a thread cannot be ended.
pub(super) struct Watchdog {
    limit: Duration,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    tests: BTreeMap<usize, (Instant, String)>,
    begun: usize,
    over: bool,
}

const LOOKS_EVERY: Duration = Duration::from_millis(50);

impl Watchdog {
    /// So long one test may take, of real time.
    pub(super) fn new(limit: Duration) -> Self {
        Watchdog { limit, running: Mutex::default() }
    }

    pub(super) fn guard<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        let number = {
            let mut running = self.running();
            running.begun += 1;
            let number = running.begun;
            running.tests.insert(number, (Instant::now(), name.to_owned()));
            number
        };
        let result = work();
        self.running().tests.remove(&number);
        result
    }

    pub(super) fn rest(&self) {
        self.running().over = true;
    }

    pub(super) fn watch(&self) {
        loop {
            {
                let running = self.running();
                if running.over {
                    return;
                }
                if let Some((_, name)) = running.tests.values().find(|(since, _)| since.elapsed() > self.limit) {
                    complain(&format!("error: `{name}` did not end within {} s of real time", self.limit.as_secs()));
                    std::process::exit(i32::from(Outcome::StepFailed.exit_code()));
                }
            }
            std::thread::sleep(LOOKS_EVERY);
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
