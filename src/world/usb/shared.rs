//! One bus for several runs of this process: it is watched once, and all of them are told.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tokio::sync::watch;

use crate::world::UsbBus;

/// A run's own side of the bus that it shares with others.
#[derive(Debug)]
pub struct SharedBus {
    pub(in crate::world) bus: Arc<UsbBus>,
    /// Counts what came and went.
    changes: watch::Receiver<u64>,
    /// The count when this side looked last.
    looked: AtomicU64,
}

impl Clone for SharedBus {
    fn clone(&self) -> Self {
        SharedBus { bus: Arc::clone(&self.bus), changes: self.changes.clone(), looked: AtomicU64::new(0) }
    }
}

impl SharedBus {
    /// Watches until the last side is gone.
    pub fn watch() -> io::Result<SharedBus> {
        let bus = Arc::new(UsbBus::shared());
        let (sender, changes) = watch::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let watched = Arc::clone(&bus);
        thread::Builder::new().name("bus".to_owned()).spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        () = watched.changed() => sender.send_modify(|count| *count += 1),
                        () = sender.closed() => return,
                    }
                }
            });
        })?;
        Ok(SharedBus { bus, changes, looked: AtomicU64::new(0) })
    }

    /// From here on what comes or goes is told.
    pub(in crate::world) fn looks(&self) {
        self.looked.store(*self.changes.borrow(), Ordering::Relaxed);
    }

    /// Completes when something came or went since the last look. Where the watch has ended, never.
    pub async fn changed(&self) {
        let looked = self.looked.load(Ordering::Relaxed);
        if self.changes.clone().wait_for(|count| *count != looked).await.is_err() {
            std::future::pending::<()>().await;
        }
        // Told once; whoever looks only now and then is not told the same again and again.
        self.looks();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_is_told_once_of_each_change() {
        let (sender, changes) = watch::channel(1);
        let side = SharedBus { bus: Arc::default(), changes, looked: AtomicU64::new(0) };
        let other = side.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let told = |side: &SharedBus| {
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                std::pin::pin!(side.changed()).poll(&mut context).is_ready()
            };
            side.looks();
            assert!(!told(&side) && told(&other) && !told(&other));
            sender.send_modify(|count| *count += 1);
            assert!(told(&side) && !told(&side) && told(&other));
        });
    }
}
