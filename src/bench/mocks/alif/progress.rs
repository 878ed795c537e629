//! The progress line, and the data behind it: shown before a block is sent, so that 100 % alone proves nothing.

use super::connection::Connection;
use super::{BAD_ADDRESS, Call, Step, WRITE_FAILED};
use crate::bench::boards::alif_se::{BlockAnswer, Mishap};
use crate::bench::mocks::Halt;

const BLOCK_BYTES: u64 = 240;
const SMALL_BLOCK_BYTES: u64 = 16;
/// 270368 bytes in 5.82 s on silicon.
const BYTES_PER_MS: u64 = 46;
const SLOW_BYTES_PER_MS: u64 = 5;
/// How much longer the data of a slow chip takes, on top of what every answer of it takes.
const SLOW_TIMES: u64 = 2;

/// How an image went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Whole,
    /// The chip refused a block, which the tool has told.
    Refused,
}

/// One update: the name and what follows it, ended by a carriage return only.
pub(super) fn update(name: &str, done: u64, total: u64) -> String {
    let percent = (100 * done).checked_div(total).unwrap_or(100);
    let bar = "#".repeat(usize::try_from(percent / 5).unwrap_or_default());
    format!("{name:<32}[{bar:<20}]{percent}%: {done}/{total} bytes\r")
}

pub(super) fn block_bytes(total: u64) -> u64 {
    if total <= BLOCK_BYTES { SMALL_BLOCK_BYTES } else { BLOCK_BYTES }
}

/// What is to be sent: its name in the progress line, where it goes and what it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image<'a> {
    pub(super) name: &'a str,
    pub(super) address: u64,
    pub(super) bytes: &'a [u8],
}

/// Does the chip refuse to take anything at all, before the first block? Always with that mishap.
pub(super) fn is_refused(call: &mut Call<'_, '_>, always: Mishap) -> Step<bool> {
    let board = call.session.board()?;
    let (code, name) = match (board.has(always), board.happens(Mishap::WriteRefused)) {
        (true, _) => BAD_ADDRESS,
        (false, true) => WRITE_FAILED,
        (false, false) => return Ok(false),
    };
    call.refusal(code, name);
    call.out("[ERROR] Command NAK\n");
    call.session.board()?.end_writing();
    Ok(true)
}

/// Sends an image. `refused` lets the chip refuse its 5th block.
pub(super) fn send(call: &mut Call<'_, '_>, connection: &Connection, image: Image<'_>, refused: bool) -> Step<Sent> {
    let total = image.bytes.len() as u64;
    let block = block_bytes(total);
    let answer = call.session.board()?.take_image(image.address, image.bytes, block, refused);
    let shown = if answer.then == BlockAnswer::Taken { answer.blocks } else { answer.blocks + 1 };
    let text: String = (1..=shown).map(|done| update(image.name, (done * block).min(total), total)).collect();
    call.out(&text);
    let rate = if call.options.slow_rate { SLOW_BYTES_PER_MS } else { BYTES_PER_MS };
    let slow = call.session.board()?.has(Mishap::Slow);
    call.take((answer.blocks * block).min(total) / rate * if slow { SLOW_TIMES } else { 1 })?;
    match answer.then {
        BlockAnswer::Taken => Ok(Sent::Whole),
        BlockAnswer::Refused => {
            call.refusal(WRITE_FAILED.0, WRITE_FAILED.1);
            call.out("[ERROR] Command NAK\n");
            Ok(Sent::Refused)
        }
        BlockAnswer::Nothing => Err(Halt::Hangs),
        BlockAnswer::Lost => {
            let now_ms = call.session.now_ms();
            call.session.board()?.fall_out(now_ms);
            Err(call.unplugged(&connection.port))
        }
    }
}

/// The seconds behind an image, in ten columns.
pub(super) fn seconds(span_ms: u64) -> String {
    format!("{}.{:02}", span_ms / 1000, span_ms % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_laid_out_in_columns_until_the_name_is_too_long() {
        let short = update("build/bootloader.bin", 240, 4096);
        assert_eq!(short, "build/bootloader.bin            [#                   ]5%: 240/4096 bytes\r");
        let long = update("alif/SP-AE302F80F55D5AE-rev-b4.bin", 270_368, 270_368);
        assert_eq!(long, "alif/SP-AE302F80F55D5AE-rev-b4.bin[####################]100%: 270368/270368 bytes\r");
    }
}
