//! Starts the mock tools of a run with a mishap: as they are, or with the mishap in them.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::bench::faults::RunMishap;
use crate::bench::faults::disk::{self, Halved};
use crate::bench::faults::run_watch::RunWatch;
use crate::bench::folder::BenchFiles;
use crate::bench::in_process;
use crate::bench::kit::console::Console;
use crate::bench::mocks::play;
use crate::bench::scenes;
use crate::words::{Stream, ToolEnd};
use crate::world::{Interrupt, RunningTool, StopTool, ToolCall, ToolEvent, ToolInput};

const TERM: i32 = 15;
const SEGMENTATION_FAULT: i32 = 11;
/// Not UTF-8, with a colour sequence and no end of line.
const GARBAGE: &[u8] = b"\x1b[31m\xff\xfe\x00\x80 %n%s \xc3\x28\r\x07\n\xf0\x9f";

impl RunWatch {
    /// Starts one call of a tool.
    pub(crate) fn start(&self, call: &ToolCall) -> RunningTool {
        self.cuts_begin_call();
        let mishap = self.call_begins();
        self.strike(mishap);
        let Some(mishap) = mishap else { return in_process::start(&self.files, call, &self.playing) };
        self.start_with(call, mishap)
    }

    fn start_with(&self, call: &ToolCall, mishap: RunMishap) -> RunningTool {
        let whole = || in_process::start(&self.files, call, &self.playing);
        match mishap {
            RunMishap::DiskFull => {
                let produces =
                    self.planned.as_ref().map(|planned| planned.facts.produces.as_slice()).unwrap_or_default();
                if disk::fill(&call.folder, produces) {
                    self.happened();
                }
                return whole();
            }
            RunMishap::ToolInputEnds => {
                // It happens when the tool asks: see the answers that the run gives.
                let call = ToolCall { input: ToolInput::Nothing, ..call.clone() };
                return in_process::start(&self.files, &call, &self.playing);
            }
            RunMishap::InterruptInside | RunMishap::TerminateInside => {
                self.happen_inside(mishap);
                return whole();
            }
            _ => {}
        }
        self.happened();
        match mishap {
            RunMishap::ToolVanishes => {
                ended(Vec::new(), ToolEnd::NotStarted("No such file or directory (os error 2)".to_owned()))
            }
            RunMishap::ToolHangs | RunMishap::ToolAlwaysHangs => hanging(&self.files, Vec::new()),
            RunMishap::ToolHangsAtEnd => changed(whole(), &self.files, |_| None),
            RunMishap::ToolCrashes => ended(Vec::new(), ToolEnd::Signalled(SEGMENTATION_FAULT)),
            RunMishap::ToolCrashesHalfway => {
                ended(first_half(self.play_half(call)), ToolEnd::Signalled(SEGMENTATION_FAULT))
            }
            RunMishap::ToolPrintsGarbage => ended(GARBAGE.to_vec(), ToolEnd::Exited(0)),
            RunMishap::ExitZeroUndone => ended(Vec::new(), ToolEnd::Exited(0)),
            RunMishap::ExitZeroHalfway => {
                self.play_half(call);
                ended(Vec::new(), ToolEnd::Exited(0))
            }
            RunMishap::ToolStops => ended(first_half(self.play_half(call)), ToolEnd::Exited(0)),
            RunMishap::ToolLies => ended(self.play_half(call), ToolEnd::Exited(0)),
            RunMishap::ExitOneDone => changed(whole(), &self.files, |end| {
                Some(if end == ToolEnd::Exited(0) { ToolEnd::Exited(1) } else { end })
            }),
            RunMishap::DeviceLostInCall => {
                let said = first_half(self.play_half(call));
                self.unplug();
                ended(said, ToolEnd::Exited(1))
            }
            RunMishap::InterruptTwice => {
                let said = first_half(self.play_half(call));
                self.interrupt(&[Interrupt::Interrupt, Interrupt::Interrupt]);
                hanging(&self.files, said)
            }
            RunMishap::KillInside => {
                self.play_half(call);
                self.kill();
                hanging(&self.files, Vec::new())
            }
            _ => whole(),
        }
    }

    /// Plays the call with half of its image, so that the board is left half written, and answers with what it says. What a call without an image does, it does; a tool that asks is cut off at its first question.
    fn play_half(&self, call: &ToolCall) -> Vec<u8> {
        let tool = call.launcher.first().and_then(|program| Path::new(program).file_stem()?.to_str());
        let Some(tool) = tool else { return Vec::new() };
        let variables = call.environment.iter();
        let variables = variables.map(|(name, value)| (name.clone(), value.to_string_lossy().into_owned())).collect();
        let mut console = Console::keeping_in(&call.folder, variables);
        if self.files.has_scene() {
            // What goes wrong with a call that is cut short anyway, does not matter.
            let _cut_short = scenes::play_half(&self.files, tool, &call.args, &mut console);
            return console.stdout;
        }
        let halved = Halved::cut(&call.folder, &call.args);
        // What goes wrong with a call that is cut short anyway, does not matter.
        let _cut_short = play(&self.files, tool, &call.args, &mut console);
        drop(halved);
        console.stdout
    }
}

/// Half of what the tool said, and at least the progress with which it tells that it has begun.
fn first_half(mut said: Vec<u8>) -> Vec<u8> {
    let ends_line = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let begun = said.iter().position(|byte| *byte == b'%');
    let told = begun.map_or(0, |at| said[at..].iter().position(ends_line).map_or(said.len(), |end| at + end + 1));
    said.truncate(told.max(said.len() / 2));
    said
}

/// A tool that is already at its end.
fn ended(said: Vec<u8>, end: ToolEnd) -> RunningTool {
    let (sender, events) = mpsc::channel(2);
    if !said.is_empty() {
        let _has_room = sender.try_send(ToolEvent::Output(Stream::Stdout, said));
    }
    let _has_room = sender.try_send(ToolEvent::Ended(end));
    RunningTool { events, stop: Box::new(Stop { sender, inner: None }), input: None }
}

/// A tool that does nothing more until it is ended.
fn hanging(files: &BenchFiles, said: Vec<u8>) -> RunningTool {
    let (sender, events) = mpsc::channel(4);
    if !said.is_empty() {
        let _has_room = sender.try_send(ToolEvent::Output(Stream::Stdout, said));
    }
    stall(files);
    RunningTool { events, stop: Box::new(Stop { sender, inner: None }), input: None }
}

/// Lets the clock go.
fn stall(files: &BenchFiles) {
    // Without the mark the run would stand still, which its watchdog tells.
    let _watched = std::fs::write(files.stalled(), "");
}

/// The tool with another end; without one it hangs there.
fn changed(
    inner: RunningTool,
    files: &BenchFiles,
    change: impl Fn(ToolEnd) -> Option<ToolEnd> + Send + Sync + 'static,
) -> RunningTool {
    const EVENTS_WAITING: usize = 64;
    let (sender, events) = mpsc::channel(EVENTS_WAITING);
    let RunningTool { events: mut heard, stop, input } = inner;
    let (out, files, change) = (sender.clone(), files.clone(), Arc::new(change));
    tokio::spawn(async move {
        while let Some(event) = heard.recv().await {
            let event = match event {
                ToolEvent::Ended(end) => match change(end) {
                    Some(end) => ToolEvent::Ended(end),
                    None => return stall(&files),
                },
                said => said,
            };
            if out.send(event).await.is_err() {
                return;
            }
        }
    });
    RunningTool { events, stop: Box::new(Stop { sender, inner: Some(stop) }), input }
}

/// Ends a tool that may have no end of its own.
struct Stop {
    sender: mpsc::Sender<ToolEvent>,
    inner: Option<Box<dyn StopTool>>,
}

impl StopTool for Stop {
    fn ask(&mut self) -> bool {
        if let Some(inner) = &mut self.inner {
            inner.ask();
        }
        // Nobody listens when it has ended already.
        let _over = self.sender.try_send(ToolEvent::Ended(ToolEnd::Signalled(TERM)));
        true
    }

    fn force(&mut self) {
        self.ask();
    }
}
