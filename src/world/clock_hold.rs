//! Keeps a paused clock from jumping while somebody works in real time. A running clock takes no notice of it.

/// A blocking task, while which tokio's paused clock does not jump. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct ClockHold {
    _release: std::sync::mpsc::Sender<()>,
}

impl ClockHold {
    pub(crate) fn new() -> Self {
        let (release, released) = std::sync::mpsc::channel::<()>();
        // Never receives anything; returns when the sender is dropped.
        tokio::task::spawn_blocking(move || released.recv());
        ClockHold { _release: release }
    }
}
