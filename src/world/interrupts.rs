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
