//! A call of a tool that waits in the middle: for a line of its input, or for somebody's hands on the board.
//!
//! While it works it holds the bench, like any other tool. While it waits it puts the board back, so that the person
//! can reach it, and says so in the bench's folder, so that time may pass.

use std::time::Duration;

use crate::bench::mock::{MockEnd, NO_BOARD_EXIT};
use crate::bench::state::{BenchState, HeldState};
use crate::bench::waiting::{Waiting, WaitsFor, counted};
use crate::bench::{AlifSe, BenchClock, BenchError, BenchFiles, Console, VirtualModel};

/// The tool at work.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    files: BenchFiles,
    /// Not there while the tool waits.
    held: Option<HeldState>,
    console: &'a mut Console,
    clock: BenchClock,
    printed_bytes: u64,
    waits: u64,
}

/// Why a tool comes to its end before the end of its work.
#[derive(Debug)]
pub(crate) enum Halt {
    Exit(i32),
    /// It would wait for ever.
    Hangs,
    /// The bench itself is at fault.
    Broken(BenchError),
}

impl From<BenchError> for Halt {
    fn from(error: BenchError) -> Self {
        Halt::Broken(error)
    }
}

/// How a wait for hands has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resumed {
    /// The board was reset.
    Reset,
    /// The cable was pulled.
    Unplugged,
}

/// How often a waiting tool looks at the board. Real time.
const POLL: Duration = Duration::from_millis(2);

impl<'a> Session<'a> {
    pub(crate) fn new(held: HeldState, files: &BenchFiles, console: &'a mut Console) -> Self {
        let clock = held.state.clock();
        Session { files: files.clone(), held: Some(held), console, clock, printed_bytes: 0, waits: 0 }
    }

    pub(crate) fn out(&mut self, text: &str) {
        self.printed_bytes += counted(text.as_bytes());
        self.console.out(text);
    }

    pub(crate) fn err(&mut self, text: &str) {
        self.printed_bytes += counted(text.as_bytes());
        self.console.err(text);
    }

    pub(crate) fn take(&mut self, span_ms: u64) {
        self.clock.take(span_ms);
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) fn board(&mut self) -> Result<&mut AlifSe, Halt> {
        match self.held.as_mut().map(|held| &mut held.state.model) {
            Some(VirtualModel::AlifSe(board)) => Ok(board),
            _ => Err(Halt::Exit(NO_BOARD_EXIT)),
        }
    }

    /// Prints a prompt and waits for a line; none when the input has ended.
    pub(crate) fn ask(&mut self, prompt: &str) -> Result<Option<String>, Halt> {
        self.let_go(WaitsFor::Input, prompt)?;
        let line = self.console.read_line();
        self.take_again()?;
        Ok(line)
    }

    /// Prints `text` and waits until somebody resets the board or pulls its cable.
    pub(crate) fn wait_for_hands(&mut self, text: &str) -> Result<Resumed, Halt> {
        let (resets, _) = self.board()?.resets();
        let unplugged = self.board()?.unplugged();
        let mut text = text;
        loop {
            let moved = self.hands_moved();
            self.let_go(WaitsFor::Hands, text)?;
            text = "";
            self.wait_for_move(moved)?;
            self.take_again()?;
            let board = self.board()?;
            if board.unplugged() > unplugged {
                return Ok(Resumed::Unplugged);
            }
            let (resets_now, reset_ms) = board.resets();
            if resets_now > resets {
                self.clock.take(reset_ms.saturating_sub(self.clock.now_ms()));
                return Ok(Resumed::Reset);
            }
        }
    }

    /// How a tool's way out looks to the caller.
    pub(crate) fn end_of(&mut self, played: Result<i32, Halt>) -> Result<MockEnd, BenchError> {
        match played {
            Ok(exit_code) | Err(Halt::Exit(exit_code)) => Ok(MockEnd::Exit(exit_code)),
            Err(Halt::Hangs) => Ok(MockEnd::Hangs),
            Err(Halt::Broken(error)) => Err(error),
        }
    }

    /// Gives the board back for good.
    pub(crate) fn close(self) -> Result<(HeldState, BenchClock), BenchError> {
        let held = match self.held {
            Some(held) => held,
            None => HeldState::take(&self.files)?,
        };
        Ok((held, self.clock))
    }

    fn hands_moved(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.state.hands_moved)
    }

    fn let_go(&mut self, what: WaitsFor, text: &str) -> Result<(), Halt> {
        self.waits += 1;
        let printed_bytes = self.printed_bytes + counted(text.as_bytes());
        Waiting { number: self.waits, what, printed_bytes }.announce(&self.files)?;
        if let Some(mut held) = self.held.take() {
            held.state.now_ms = self.clock.now_ms();
            held.save()?;
        }
        self.out(text);
        Ok(())
    }

    fn take_again(&mut self) -> Result<(), Halt> {
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
            held.state.model.board_mut().hands(hand_move, at_ms);
            held.state.hands_moved += 1;
            held.save()?;
            return Ok(());
        }
        while BenchState::look(&self.files)?.hands_moved == moved {
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}
