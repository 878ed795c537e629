//! The mock of `sdphost`, which speaks to the boot ROM, in both flavours.

mod legacy;
mod spsdk;

use crate::bench::boards::imx_rt::{Flavour, ImxRt};
use crate::bench::{BenchClock, Console};

const HAB_SUCCESS: u32 = 0xf0f0_f0f0;

pub(crate) fn sdphost(args: &[String], board: &mut ImxRt, console: &mut Console, clock: &mut BenchClock) -> i32 {
    match board.flavour() {
        Flavour::Legacy => legacy::play(args, board, console, clock),
        flavour => match spsdk::play(args, board, console, clock) {
            Ok(exit_code) => exit_code,
            Err(stop) => stop.print(console, flavour),
        },
    }
}
