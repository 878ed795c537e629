//! The wishes to end the run that come from outside: Ctrl-C, TERM, a terminal that went away.

use std::future::poll_fn;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::world::Interrupt;
use crate::world::system::Signals;

/// Armed from its making on: a Ctrl-C that comes while nobody waits is told to the next who does.
#[derive(Debug)]
pub struct Interrupts {
    signals: Mutex<Signals>,
}

impl Interrupts {
    /// Needs a tokio runtime around it, with I/O enabled.
    pub fn listen() -> io::Result<Self> {
        Ok(Interrupts { signals: Mutex::new(Signals::listen()?) })
    }

    /// The next wish. Meant for one waiter at a time.
    pub fn next(&self) -> impl Future<Output = Interrupt> {
        poll_fn(|context| self.signals.lock().unwrap_or_else(PoisonError::into_inner).poll(context))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

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
