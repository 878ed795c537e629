//! The recording of one run, shared by everything that has to do with it.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::words::ToolEnd;
use crate::world::recording::produced::{Before, Produced};
use crate::world::recording::record::Recorded;
use crate::world::{AnswerTool, RunningTool, StopTool, ToolCall, ToolEvent, ToolStarter};

/// Clones share the recording.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    recorded: Recorded,
    /// The runtime's time at the beginning of the world.
    began: Option<Instant>,
}

/// Events that wait between tool and engine.
const EVENTS_WAITING: usize = 64;

impl Recorder {
    /// The next call is one of this tool.
    pub fn tool(&self, name: &str) {
        self.shared().recorded.tool(name);
    }

    /// Starts tools that are asked for their version, and keeps what they answer.
    pub fn starter(&self, start: ToolStarter) -> ToolStarter {
        let recorder = self.clone();
        Arc::new(move |call| {
            let (launcher, recorder) = (call.launcher.clone(), recorder.clone());
            listen(start(call), move |event| {
                if let ToolEvent::Output(_, bytes) = event {
                    const VERSION_BYTES_MAX: usize = 64 * 1024;
                    let mut shared = recorder.shared();
                    let kept = shared.recorded.versions.entry(launcher.clone()).or_default();
                    let room = VERSION_BYTES_MAX.saturating_sub(kept.len()).min(bytes.len());
                    kept.extend_from_slice(&bytes[..room]);
                }
            })
        })
    }

    /// Takes what has been recorded out of it.
    pub fn take(&self) -> Recorded {
        std::mem::take(&mut self.shared().recorded)
    }

    /// Times are counted from the first look at them, by the runtime's clock.
    pub(super) fn now_ms(&self) -> u64 {
        let now = Instant::now();
        let began = *self.shared().began.get_or_insert(now);
        u64::try_from(now.saturating_duration_since(began).as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut Recorded, u64)) {
        let now_ms = self.now_ms();
        note(&mut self.shared().recorded, now_ms);
    }

    /// Keeps what the tool prints and reads from here on, and the files it has made in the end.
    pub(super) fn follow(&self, call: &ToolCall, start: impl FnOnce() -> RunningTool) -> RunningTool {
        let before = Before::look(&call.folder);
        let mut number = None;
        self.note(|recorded, at_ms| number = recorded.call_began(&call.args, &text_of(&call.folder), at_ms));
        let Some(number) = number else { return start() };
        let recorder = self.clone();
        let RunningTool { events, stop, input } = listen(start(), move |event| match event {
            ToolEvent::Output(stream, bytes) => {
                recorder.note(|recorded, at_ms| recorded.printed(number, *stream, bytes, at_ms));
            }
            ToolEvent::Ended(end) => recorder.ended(number, &before, end),
        });
        let stop = Box::new(Followed { inner: stop, recorder: self.clone(), number });
        let input =
            input.map(|inner| Box::new(Followed { inner, recorder: self.clone(), number }) as Box<dyn AnswerTool>);
        RunningTool { events, stop, input }
    }

    fn ended(&self, number: usize, before: &Before, end: &ToolEnd) {
        let produced = before.produced();
        self.note(|recorded, at_ms| {
            for file in produced {
                match file {
                    Produced::As(name, content) => recorded.wrote(number, name, content, at_ms),
                    Produced::Lost(what) => recorded.leave_out(what),
                }
            }
            recorded.call_ended(number, Some(end), at_ms);
        });
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Lets somebody hear each event before it is passed on.
fn listen(tool: RunningTool, mut hear: impl FnMut(&ToolEvent) + Send + 'static) -> RunningTool {
    let RunningTool { events: mut inner, stop, input } = tool;
    let (sender, events) = mpsc::channel(EVENTS_WAITING);
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                event = inner.recv() => event,
                // The engine has dropped the tool: let go of it, too.
                () = sender.closed() => None,
            };
            let Some(event) = event else { return };
            hear(&event);
            if sender.send(event).await.is_err() {
                return;
            }
        }
    });
    RunningTool { events, stop, input }
}

/// What the engine holds of a tool whose call is recorded.
struct Followed<T: ?Sized> {
    recorder: Recorder,
    number: usize,
    inner: Box<T>,
}

impl StopTool for Followed<dyn StopTool> {
    fn ask(&mut self) -> bool {
        self.recorder.note(|recorded, _| recorded.stopped(self.number));
        self.inner.ask()
    }

    fn force(&mut self) {
        self.recorder.note(|recorded, _| recorded.stopped(self.number));
        self.inner.force();
    }
}

impl AnswerTool for Followed<dyn AnswerTool> {
    fn send(&mut self, line: &str) -> std::io::Result<()> {
        self.recorder.note(|recorded, at_ms| recorded.answered(self.number, line, at_ms));
        self.inner.send(line)
    }
}
