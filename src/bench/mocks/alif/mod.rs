//! The mocks of Alif's SE Tools that a recovery drives: `maintenance`, `updateSystemPackage` and `app-write-mram`, in three
//! releases.
//!
//! Recorded runs are the measure; what they do not show is worded after the field's reports, and kept to a minimum. The
//! tools' exit codes are as misleading as the real ones: a write that was refused half-way ends with 0.

mod app_write_mram;
mod arguments;
#[cfg(test)]
mod board_tests;
mod configuration;
mod connection;
mod image_list;
mod maintenance;
mod menu;
mod progress;
mod rom_recovery;
#[cfg(test)]
pub(in crate::bench) mod test_bench;
#[cfg(test)]
mod transcript_tests;
mod update_system_package;

use crate::bench::Console;
use crate::bench::boards::alif_se::{AlifSe, Mishap, Release};
use crate::bench::mocks::{Halt, MockEnd, Session};

use arguments::Options;

/// One call at work.
#[derive(Debug)]
struct Call<'s, 'a> {
    session: &'s mut Session<'a>,
    release: Release,
    options: Options,
}

/// Most of a tool's work can end it.
type Step<T> = Result<T, Halt>;

/// `-V`, which needs neither configuration nor board.
pub(crate) fn version(tool: &str, release: Release, console: &mut Console) -> MockEnd {
    let version = match (tool, release) {
        ("maintenance", Release::V1_103) => "0.16.000",
        ("maintenance", Release::V1_104) => "0.17.000",
        ("maintenance", Release::V1_110) => "0.22.000",
        ("updateSystemPackage", Release::V1_110) => "0.27.000",
        ("updateSystemPackage", _) => "0.26.000",
        (_, Release::V1_103) => "0.22.000",
        (_, Release::V1_104) => "0.23.000",
        (_, Release::V1_110) => "0.25.000",
    };
    console.out(&format!("{version}\n"));
    MockEnd::Exit(0)
}

pub(crate) fn play(tool: &str, args: &[String], session: &mut Session<'_>) -> Result<i32, Halt> {
    let release = session.board()?.release();
    let options = match arguments::parse(tool, release, args) {
        Ok(options) => options,
        Err(stop) => {
            session.out(&stop.stdout);
            session.err(&stop.stderr);
            return Ok(stop.exit_code);
        }
    };
    let mut call = Call { session, release, options };
    configuration::check_folder(&mut call)?;
    match tool {
        "maintenance" => maintenance::play(&mut call),
        "updateSystemPackage" => update_system_package::play(&mut call),
        _ => app_write_mram::play(&mut call),
    }
}

/// How a wait for hands has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resumed {
    /// The board was reset.
    Reset,
    /// The cable was pulled.
    Unplugged,
}

impl Session<'_> {
    fn board(&mut self) -> Result<&mut AlifSe, Halt> {
        self.board_of()
    }

    /// Prints `text` and waits until somebody resets the board or pulls its cable.
    fn wait_for_reset(&mut self, text: &str) -> Result<Resumed, Halt> {
        let (resets, _) = self.board()?.resets();
        let unplugged = self.board()?.unplugged();
        let mut text = text;
        loop {
            self.wait_for_hands(text)?;
            text = "";
            let board = self.board()?;
            if board.unplugged() > unplugged {
                return Ok(Resumed::Unplugged);
            }
            let (resets_now, reset_ms) = board.resets();
            if resets_now > resets {
                let now_ms = self.now_ms();
                self.take(reset_ms.saturating_sub(now_ms));
                return Ok(Resumed::Reset);
            }
        }
    }
}

impl Call<'_, '_> {
    fn out(&mut self, text: &str) {
        self.session.out(text);
    }

    /// The end of a Python program that nobody has foreseen.
    fn traceback(&mut self, error: &str) -> Halt {
        self.session.err(&format!("Traceback (most recent call last):\n{error}\n"));
        Halt::Exit(1)
    }

    /// Nothing answers. The oldest release ends with -1.
    fn no_answer(&mut self) -> Halt {
        self.out("[ERROR] Target did not respond\n");
        Halt::Exit(if self.release == Release::V1_103 { 255 } else { 1 })
    }

    /// What the chip sends when it refuses a command: the code, and its name.
    fn refusal(&mut self, code: u8, name: &str) {
        let sum = [4, 0xff, code].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let line = format!(
            "RX<--  length=   4 command= COMMAND_NAK            chksum= {:#x} error= {name:<22}\n",
            sum.wrapping_neg()
        );
        self.out(&line);
    }

    /// The cable has been pulled while the tool talks. Older releases stumble over it.
    fn unplugged(&mut self, port: &str) -> Halt {
        self.out(&format!("[ERROR] {port} readSerial reporting disconnected\n\x1b[0m\n\x1b[?25h\n"));
        if self.release <= Release::V1_104 {
            return self.traceback("termios.error: (5, 'Input/output error')");
        }
        Halt::Exit(1)
    }

    /// The chip takes its time; more of it when it is slow.
    fn take(&mut self, span_ms: u64) -> Step<()> {
        let slow = self.session.board()?.has(Mishap::Slow);
        self.session.take(if slow { span_ms * 2 } else { span_ms });
        Ok(())
    }
}

const NOT_SUPPORTED: (u8, &str) = (0xf9, "ISP_NOT_SUPPORTED");
const UNKNOWN_COMMAND: (u8, &str) = (0xfc, "ISP_UNKNOWN_COMMAND");
const WRITE_FAILED: (u8, &str) = (0xef, "ISP_MRAM_WRITE_FAILED");
const BAD_ADDRESS: (u8, &str) = (0xf7, "ISP_BAD_DEST_ADDRESS");
