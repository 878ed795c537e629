//! A call of a tool that waits in the middle: for a line of its input, or for somebody's hands on the board.
//!
//! While it works it holds the bench, like any other tool. While it waits it puts the board back, so that the person
//! can reach it, and says so in the bench's folder, so that time may pass. What it prints is kept until it lets go of the
//! bench: a tool that holds the bench must not wait for a reader, who may be waiting for the bench.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bench::mocks::{MockEnd, NO_BOARD_EXIT};
use crate::bench::scenes::ScenePlayer;
use crate::bench::state::{BenchState, HeldState};
use crate::bench::timeline::Timeline;
use crate::bench::waiting::{Waiting, WaitsFor, counted};
use crate::bench::{BenchClock, BenchError, BenchFiles, BoardModel, CallRecord, Console};
use crate::words::Stream;

/// The tool at work.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    files: BenchFiles,
    /// Not there while the tool waits.
    held: Option<HeldState>,
    console: &'a mut Console,
    clock: BenchClock,
    kept: Kept,
    printed_bytes: u64,
    waits: u64,
    timeline: Option<Timeline>,
}

/// Text that is still to be printed, in its order.
#[derive(Debug, Default)]
struct Kept {
    texts: Vec<(Stream, Vec<u8>)>,
}

impl Kept {
    fn push(&mut self, stream: Stream, text: &[u8]) {
        match self.texts.last_mut() {
            Some((last, kept)) if *last == stream => kept.extend_from_slice(text),
            _ => self.texts.push((stream, text.to_owned())),
        }
    }

    fn bytes(&self) -> u64 {
        self.texts.iter().map(|(_, text)| counted(text)).sum()
    }

    fn print(&mut self, console: &mut Console) {
        for (stream, text) in self.texts.drain(..) {
            console.pass_on(stream, &text);
        }
    }
}

/// Why a tool comes to its end before the end of its work.
#[derive(Debug)]
pub(crate) enum Halt {
    Exit(i32),
    /// It would wait for ever.
    Hangs,
    /// Ended from outside while it waited.
    Ended,
    /// Killed by this signal, of its own accord.
    Killed(i32),
    /// The bench itself is at fault.
    Broken(BenchError),
}

impl From<BenchError> for Halt {
    fn from(error: BenchError) -> Self {
        Halt::Broken(error)
    }
}

/// How often a waiting tool looks at the board. Real time.
const POLL: Duration = Duration::from_millis(2);

impl<'a> Session<'a> {
    pub(crate) fn new(held: HeldState, files: &BenchFiles, console: &'a mut Console) -> Self {
        let clock = held.state.clock();
        Session {
            files: files.clone(),
            held: Some(held),
            console,
            clock,
            kept: Kept::default(),
            printed_bytes: 0,
            waits: 0,
            timeline: None,
        }
    }

    pub(crate) fn out(&mut self, text: &str) {
        self.print(Stream::Stdout, text.as_bytes());
    }

    pub(crate) fn err(&mut self, text: &str) {
        self.print(Stream::Stderr, text.as_bytes());
    }

    /// Bytes that need not be UTF-8.
    pub(crate) fn print(&mut self, stream: Stream, bytes: &[u8]) {
        let now_ms = self.clock.now_ms();
        if let Some(timeline) = &mut self.timeline {
            timeline.add(now_ms, stream, bytes.len() as u64);
        }
        self.console.said(bytes);
        self.kept.push(stream, bytes);
    }

    /// What it prints from now on is heard at the time at which it is printed.
    pub(crate) fn keep_time(&mut self) {
        self.timeline = Some(Timeline::default());
    }

    /// The folder in which the tool works.
    pub(crate) fn folder(&self) -> &Path {
        self.console.folder()
    }

    pub(crate) fn scene(&mut self) -> Result<&mut ScenePlayer, Halt> {
        self.held.as_mut().and_then(|held| held.state.stage.scene_mut()).ok_or(Halt::Exit(NO_BOARD_EXIT))
    }

    /// A file as the tool names it, from its working folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.console.path(name)
    }

    pub(crate) fn take(&mut self, span_ms: u64) {
        self.clock.take(span_ms);
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// The board, which must be of this model.
    pub(crate) fn board_of<B: BoardModel>(&mut self) -> Result<&mut B, Halt> {
        let board = self.held.as_mut().and_then(|held| held.state.stage.board_mut());
        let board = board.and_then(|board| (board as &mut dyn Any).downcast_mut());
        board.ok_or(Halt::Exit(NO_BOARD_EXIT))
    }

    /// Prints a prompt and waits for a line; none when the input has ended.
    pub(crate) fn ask(&mut self, prompt: &str) -> Result<Option<String>, Halt> {
        self.let_go(WaitsFor::Input, prompt)?;
        let line = self.console.read_line();
        self.take_again()?;
        Ok(line)
    }

    /// Prints `text` and waits until somebody's hands have moved.
    pub(crate) fn wait_for_hands(&mut self, text: &str) -> Result<(), Halt> {
        let moved = self.hands_moved();
        self.let_go(WaitsFor::Hands, text)?;
        self.wait_for_move(moved)?;
        self.take_again()
    }

    /// Records how the tool has ended, gives the board back and prints the last words.
    pub(crate) fn close(mut self, played: Result<i32, Halt>, mut call: CallRecord) -> Result<MockEnd, BenchError> {
        let end = match played {
            Ok(exit_code) | Err(Halt::Exit(exit_code)) => MockEnd::Exit(exit_code),
            Err(Halt::Killed(signal)) => MockEnd::Killed(signal),
            Err(Halt::Hangs) => {
                self.let_go(WaitsFor::End, "")?;
                return Ok(MockEnd::Hangs);
            }
            // The call stays open, as that of a process that was killed.
            Err(Halt::Ended) => return Ok(MockEnd::Hangs),
            Err(Halt::Broken(error)) => return Err(error),
        };
        let mut held = match self.held.take() {
            Some(held) => held,
            None => HeldState::take(&self.files)?,
        };
        held.state.now_ms = self.clock.now_ms();
        held.state.playing = None;
        call.exit_code = match end {
            MockEnd::Exit(exit_code) => Some(exit_code),
            _ => None,
        };
        call.append(&self.files)?;
        held.save()?;
        drop(held);
        self.tell_times()?;
        self.kept.print(self.console);
        Ok(end)
    }

    fn hands_moved(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.state.hands_moved)
    }

    /// The wait is announced before the text that ends it can be read.
    fn let_go(&mut self, what: WaitsFor, text: &str) -> Result<(), BenchError> {
        self.print(Stream::Stdout, text.as_bytes());
        self.waits += 1;
        self.printed_bytes += self.kept.bytes();
        Waiting { number: self.waits, what, printed_bytes: self.printed_bytes }.announce(&self.files)?;
        if let Some(mut held) = self.held.take() {
            held.state.now_ms = self.clock.now_ms();
            held.save()?;
        }
        // Whoever hears the text must know its times.
        self.tell_times()?;
        self.kept.print(self.console);
        Ok(())
    }

    fn tell_times(&mut self) -> Result<(), BenchError> {
        match &mut self.timeline {
            Some(timeline) => timeline.tell(&self.files),
            None => Ok(()),
        }
    }

    fn take_again(&mut self) -> Result<(), Halt> {
        if self.console.is_ended() {
            return Err(Halt::Ended);
        }
        let held = HeldState::take(&self.files)?;
        self.clock.take(held.state.now_ms.saturating_sub(self.clock.now_ms()));
        self.held = Some(held);
        Ok(())
    }

    /// Until hands have moved more often than that.
    fn wait_for_move(&mut self, moved: u64) -> Result<(), Halt> {
        if self.console.is_scripted() {
            let (hand_move, after_ms) = self.console.next_hands().ok_or(Halt::Hangs)?;
            let mut held = HeldState::take(&self.files)?;
            let at_ms = held.state.now_ms + after_ms;
            held.state.stage.hands(hand_move, at_ms);
            held.state.hands_moved += 1;
            held.save()?;
            return Ok(());
        }
        while BenchState::look(&self.files)?.hands_moved == moved {
            if self.console.is_ended() {
                return Err(Halt::Ended);
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}
