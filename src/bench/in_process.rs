//! Mock tools played in this process instead of one of their own, so that a whole suite of runs takes seconds.
//!
//! Each call is played on a thread, which ends with the tool. The bench's world holds its clock meanwhile, as it does for a
//! process.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::bench::folder::BenchFiles;
use crate::bench::kit::console::{Console, Listener};
use crate::bench::mocks::{MockEnd, play};
use crate::words::{Stream, ToolEnd};
use crate::world::{AnswerTool, RunningTool, StopTool, ToolCall, ToolEvent, ToolInput};

/// Plays the call on the bench whose files these are. `playing` counts the tools at work.
pub(crate) fn start(files: &BenchFiles, call: &ToolCall, playing: &Arc<AtomicUsize>) -> RunningTool {
    let tool = call.launcher.first().and_then(|program| Path::new(program).file_stem()?.to_str().map(str::to_owned));
    let line = Arc::new(Line::default());
    let Some(tool) = tool else {
        line.end(ToolEnd::NotStarted("the call names no program".to_owned()));
        return Playing::running(&line, None);
    };
    let variables: BTreeMap<String, String> =
        call.environment.iter().map(|(name, value)| (name.clone(), value.to_string_lossy().into_owned())).collect();
    let listener: Arc<dyn Listener> = Arc::<Line>::clone(&line);
    let mut console = Console::listened(&call.folder, variables, listener);
    console.watched_by(files.watched());
    let play = {
        let (files, args, line) = (files.clone(), call.args.clone(), Arc::clone(&line));
        let at_work = AtWork::begin(playing);
        move || {
            line.close(play(&files, &tool, &args, &mut console));
            drop(at_work);
        }
    };
    if call.input == ToolInput::Nothing {
        line.close_input();
    }
    let thread = std::thread::Builder::new().name("mock tool".to_owned()).spawn(play);
    if let Err(error) = thread {
        line.end(ToolEnd::NotStarted(error.to_string()));
    }
    let input =
        (call.input == ToolInput::Open).then(|| Box::new(Input { line: Arc::clone(&line) }) as Box<dyn AnswerTool>);
    Playing::running(&line, input)
}

/// Counts a tool for as long as its thread plays.
#[derive(Debug)]
struct AtWork {
    playing: Arc<AtomicUsize>,
}

impl AtWork {
    fn begin(playing: &Arc<AtomicUsize>) -> Self {
        playing.fetch_add(1, Ordering::SeqCst);
        AtWork { playing: Arc::clone(playing) }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.playing.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What goes to and fro between a tool and who has called it.
#[derive(Debug)]
struct Line {
    said: mpsc::UnboundedSender<ToolEvent>,
    /// Taken by who listens.
    heard: Mutex<Option<mpsc::UnboundedReceiver<ToolEvent>>>,
    typed: Mutex<Typed>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Typed {
    lines: VecDeque<String>,
    input_closed: bool,
    /// Nothing the tool does counts any more.
    ended: bool,
}

impl Default for Line {
    fn default() -> Self {
        let (said, heard) = mpsc::unbounded_channel();
        Line { said, heard: Mutex::new(Some(heard)), typed: Mutex::default(), changed: Condvar::new() }
    }
}

impl Line {
    fn typed(&self) -> MutexGuard<'_, Typed> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first end counts.
    fn end(&self, end: ToolEnd) {
        let mut typed = self.typed();
        if !typed.ended {
            typed.ended = true;
            let _nobody_listens = self.said.send(ToolEvent::Ended(end));
        }
        self.changed.notify_all();
    }

    fn close(&self, played: Result<MockEnd, crate::bench::BenchError>) {
        match played {
            Ok(MockEnd::Exit(code)) => self.end(ToolEnd::Exited(code)),
            Ok(MockEnd::Killed(signal)) => self.end(ToolEnd::Signalled(signal)),
            // Until somebody ends it.
            Ok(MockEnd::Waits | MockEnd::Hangs) => {}
            Err(error) => self.end(ToolEnd::NotStarted(format!("recover's bench is broken: {error}"))),
        }
    }

    fn close_input(&self) {
        self.typed().input_closed = true;
        self.changed.notify_all();
    }
}

impl Listener for Line {
    fn print(&self, stream: Stream, bytes: &[u8]) {
        // Under the lock, so that nothing is said after the end.
        let typed = self.typed();
        if !typed.ended {
            let _nobody_listens = self.said.send(ToolEvent::Output(stream, bytes.to_vec()));
        }
    }

    fn read_line(&self) -> Option<String> {
        let mut typed = self.typed();
        loop {
            if typed.ended {
                return None;
            }
            if let Some(line) = typed.lines.pop_front() {
                return Some(line);
            }
            if typed.input_closed {
                return None;
            }
            typed = self.changed.wait(typed).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn ended(&self) -> bool {
        self.typed().ended
    }
}

/// Ends the tool as a signal does: at once, wherever it is.
#[derive(Debug)]
struct Playing {
    line: Arc<Line>,
}

const TERM: i32 = 15;
const KILL: i32 = 9;
/// Events that wait for the engine.
const EVENTS_WAITING: usize = 64;

impl Playing {
    fn running(line: &Arc<Line>, input: Option<Box<dyn AnswerTool>>) -> RunningTool {
        let (sender, events) = mpsc::channel(EVENTS_WAITING);
        let heard = line.heard.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut heard) = heard {
            tokio::spawn(async move {
                while let Some(event) = heard.recv().await {
                    let ended = matches!(event, ToolEvent::Ended(_));
                    if sender.send(event).await.is_err() || ended {
                        return;
                    }
                }
            });
        }
        RunningTool { events, stop: Box::new(Playing { line: Arc::clone(line) }), input }
    }
}

impl StopTool for Playing {
    fn ask(&mut self) -> bool {
        self.line.end(ToolEnd::Signalled(TERM));
        true
    }

    fn force(&mut self) {
        self.line.end(ToolEnd::Signalled(KILL));
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.force();
    }
}

#[derive(Debug)]
struct Input {
    line: Arc<Line>,
}

impl AnswerTool for Input {
    fn send(&mut self, line: &str) -> io::Result<()> {
        let mut typed = self.line.typed();
        if typed.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        typed.lines.push_back(line.to_owned());
        self.line.changed.notify_all();
        Ok(())
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.line.close_input();
    }
}
