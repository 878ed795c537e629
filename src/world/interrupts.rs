//! The wishes to end the run that come from outside: Ctrl-C, TERM, a terminal that went away.

use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::world::Interrupt;
use crate::world::system::Signals;

/// Armed from its making on: a Ctrl-C that comes while nobody waits is told to the next who does.
#[derive(Debug)]
pub struct Interrupts {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Signals(Mutex<Signals>),
    /// Somebody else listens, for several runs.
    Relayed {
        wishes: watch::Receiver<Wishes>,
        /// So many of them this run has heard.
        heard: AtomicU64,
    },
}

/// The wishes that one listener passes on to several runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    count: u64,
    last: Option<Interrupt>,
}

impl Wishes {
    pub fn add(&mut self, by: Interrupt) {
        self.count += 1;
        self.last = Some(by);
    }

    pub fn any(&self) -> bool {
        self.count > 0
    }
}

impl Interrupts {
    /// Needs a tokio runtime around it, with I/O enabled.
    pub fn listen() -> io::Result<Self> {
        Ok(Interrupts { source: Source::Signals(Mutex::new(Signals::listen()?)) })
    }

    /// All that are passed on, from the first one: none is lost that came before somebody waited.
    pub fn relayed(wishes: watch::Receiver<Wishes>) -> Self {
        Interrupts { source: Source::Relayed { wishes, heard: AtomicU64::new(0) } }
    }

    /// The next wish. Meant for one waiter at a time.
    pub async fn next(&self) -> Interrupt {
        match &self.source {
            Source::Signals(signals) => {
                poll_fn(|context| signals.lock().unwrap_or_else(PoisonError::into_inner).poll(context)).await
            }
            Source::Relayed { wishes, heard } => {
                let before = heard.load(Ordering::Relaxed);
                let mut wishes = wishes.clone();
                let Ok(wishes) = wishes.wait_for(|wishes| wishes.count > before).await else {
                    return std::future::pending().await;
                };
                heard.store(before + 1, Ordering::Relaxed);
                // Several at once are told as the last one was meant.
                wishes.last.unwrap_or(Interrupt::Interrupt)
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[test]
    fn what_is_passed_on_is_heard_by_every_run_as_often_as_it_was_wished() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (wishes, receiver) = watch::channel(Wishes::default());
            let early = Interrupts::relayed(receiver.clone());
            wishes.send_modify(|wishes| wishes.add(Interrupt::Interrupt));
            wishes.send_modify(|wishes| wishes.add(Interrupt::Interrupt));
            for run in [early, Interrupts::relayed(receiver)] {
                assert_eq!((run.next().await, run.next().await), (Interrupt::Interrupt, Interrupt::Interrupt));
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(std::pin::pin!(run.next()).poll(&mut context).is_pending());
            }
        });
    }

    #[test]
    fn a_wish_between_two_questions_is_not_lost() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let interrupts = Interrupts::listen().unwrap();
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(std::pin::pin!(interrupts.next()).poll(&mut context).is_pending());
            kill_process(getpid(), Signal::INT).unwrap();
            assert_eq!(interrupts.next().await, Interrupt::Interrupt);
            kill_process(getpid(), Signal::HUP).unwrap();
            assert_eq!(interrupts.next().await, Interrupt::Terminate);
        });
    }
}
