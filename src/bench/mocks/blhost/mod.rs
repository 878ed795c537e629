//! The mock of `blhost`, which speaks to the flashloader, in both flavours.

mod legacy;
mod spsdk;

use crate::bench::boards::imx_rt::{Flavour, ImxRt};
use crate::bench::{BenchClock, Console};

pub(crate) fn blhost(args: &[String], board: &mut ImxRt, console: &mut Console, clock: &mut BenchClock) -> i32 {
    match board.flavour() {
        Flavour::Legacy => legacy::play(args, board, console, clock),
        flavour => match spsdk::play(args, board, console, clock) {
            Ok(exit_code) => exit_code,
            Err(stop) => stop.print(console, flavour),
        },
    }
}

/// No answer came: the outcome of the command is unknown.
const NO_RESPONSE: u32 = 10004;
/// The old tools' word for an answer that belongs to another command.
const UNKNOWN_COMMAND: u32 = 10000;

/// The detail both flavours print behind a property; sizes look different.
fn version_detail(word: u32) -> String {
    let [letter, major, minor, fix] = word.to_be_bytes();
    format!("Current Version = {}{major}.{minor}.{fix}", char::from(letter))
}
