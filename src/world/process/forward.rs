//! Puts what the threads of one tool hear into one order, with the end last.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::words::{Stream, ToolEnd};
use crate::world::ToolEvent;

/// How long a descendant of an ended tool may keep a pipe open in silence. Counts only the time spent waiting for output,
/// so that a slow reader of the events loses nothing.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);

/// Output taken after the end of a tool. More than any pipe holds, so what comes beyond it is a descendant's.
const DRAIN_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) enum Heard {
    Output(Stream, Vec<u8>),
    /// One of the streams has ended.
    Closed,
    /// The tool's process has ended.
    Ended(ToolEnd),
}

/// Runs until the tool has ended and its streams are empty. A receiver that was dropped does not stop it: the tool must
/// not block on a full pipe only because nobody listens.
pub(super) fn forward(heard: &Receiver<Heard>, events: &mpsc::Sender<ToolEvent>, streams: usize) {
    let mut streams_open = streams;
    let end = loop {
        match heard.recv() {
            Ok(Heard::Output(stream, bytes)) => send(events, ToolEvent::Output(stream, bytes)),
            Ok(Heard::Closed) => streams_open -= 1,
            Ok(Heard::Ended(end)) => break end,
            // Only when the threads could not be started, which has been reported.
            Err(_) => return,
        }
    };

    let mut time_left = DRAIN_TIME_MAX;
    let mut bytes_left = DRAIN_BYTES_MAX;
    while streams_open > 0 && bytes_left > 0 {
        let since = Instant::now();
        match heard.recv_timeout(time_left) {
            Ok(Heard::Output(stream, bytes)) => {
                time_left = time_left.saturating_sub(since.elapsed());
                bytes_left = bytes_left.saturating_sub(bytes.len());
                send(events, ToolEvent::Output(stream, bytes));
            }
            Ok(Heard::Closed) => streams_open -= 1,
            Ok(Heard::Ended(_)) => {}
            Err(_) => break,
        }
    }
    send(events, ToolEvent::Ended(end));
}

fn send(events: &mpsc::Sender<ToolEvent>, event: ToolEvent) {
    let _ = events.blocking_send(event);
}
