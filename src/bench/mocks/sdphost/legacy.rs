//! NXP's old C++ `sdphost`. Everything goes to stdout; most failures end with 0.

use super::HAB_SUCCESS;
use crate::bench::boards::imx_rt::{Flavour, ImxRt, JumpAnswer, WRITE_COMPLETE, WriteFileAnswer};
use crate::bench::mocks::legacy::{LEGACY_START_MS, LegacyOptions};
use crate::bench::mocks::nxp_device::parse_c_integer;
use crate::bench::mocks::nxp_status::rom_status;
use crate::bench::{BenchClock, Console};

/// Reports to the ROM carry so many bytes of data.
const REPORT_DATA_BYTES: u64 = 1024;

const VERSION: &str = "sdphost 1.0.0\nCopyright (c) 2013-2015 Freescale Semiconductor, Inc.\n\
    Copyright 2016-2019 NXP\nAll rights reserved.\n";
const USAGE: &str = "usage: sdphost [-?|--help] [-v|--version] [-p|--port <name>[,<speed>]]\n\
    \x20              [-u|--usb [[[<vid>,]<pid>] | [<path>]]] [-V|--verbose]\n\
    \x20              [-d|--debug] [-j|--json] [-t|--timeout <ms>]\n\
    \x20              -- command <args...>\n";
const NO_ANSWER: &str = "Status (HAB mode) = 10004 (0x2714) No response from device.\n";
const NO_ANSWER_EXIT: i32 = 20;

pub(super) fn play(args: &[String], board: &mut ImxRt, console: &mut Console, clock: &mut BenchClock) -> i32 {
    let options = match LegacyOptions::parse("sdphost", 10_000, USAGE, args) {
        Ok(options) => options,
        Err(stop) => return stop.tell(VERSION, console),
    };
    clock.take(LEGACY_START_MS);
    let words: Vec<&str> = options.command.iter().map(String::as_str).collect();
    let address = words.get(1).and_then(|text| parse_c_integer(text));
    let understood = matches!(
        (words.as_slice(), address),
        (["error-status"], _) | (["jump-address", _] | ["write-file", _, _], Some(_))
    );
    if !understood {
        options.say(console, &format!("Error: invalid command or arguments '{}'\n", options.command.join(" ")));
        return 1;
    }
    if options.open(board, *clock).is_none() {
        options.say(console, &options.cannot_open());
        return 1;
    }
    match (words.as_slice(), address) {
        (["write-file", _, path], Some(address)) => write_file(address, path, &options, board, console, clock),
        (["jump-address", _], Some(address)) => match board.jump(address, clock) {
            JumpAnswer::Answered { hab } => {
                options.say(console, &format!("Status (HAB mode) = {}\n", rom_status(hab, Flavour::Legacy)));
                0
            }
            JumpAnswer::NoAnswer => {
                clock.take(options.timeout_ms);
                options.say(console, "getStatusResponse.readPacket error 5.\n");
                options.say(console, NO_ANSWER);
                NO_ANSWER_EXIT
            }
        },
        _ => {
            options.say(console, &format!("Status (HAB mode) = {}\n", rom_status(board.hab(), Flavour::Legacy)));
            options.say(console, &format!("Reponse Status = {}\n", rom_status(HAB_SUCCESS, Flavour::Legacy)));
            0
        }
    }
}

fn write_file(
    address: u64,
    path: &str,
    options: &LegacyOptions,
    board: &mut ImxRt,
    console: &mut Console,
    clock: &mut BenchClock,
) -> i32 {
    let Ok(data) = std::fs::read(console.path(path)) else {
        options.say(console, &format!("Error: cannot open input data file '{path}'.\n"));
        return 0;
    };
    let total = data.len() as u64;
    options.say(console, &format!("Preparing to send {total} ({total:#x}) bytes to the target.\n"));
    let answer = board.write_file(address, &data, clock);
    let sent = match answer {
        WriteFileAnswer::Lost { sent_bytes } => sent_bytes.min(total) / REPORT_DATA_BYTES * REPORT_DATA_BYTES,
        WriteFileAnswer::Answered { .. } => total,
    };
    let mut at = 0;
    while at < sent {
        let packet = REPORT_DATA_BYTES.min(total - at);
        // The share of this packet, not of all that has been sent.
        options.say(console, &format!("\r(1/1){}%", packet * 100 / total.max(1)));
        at += packet;
    }
    match answer {
        WriteFileAnswer::Lost { .. } => options.say(console, "SDPFileDataProducer.writePacket error 1.\n"),
        WriteFileAnswer::Answered { hab, status } => {
            options.say(console, &format!("Status (HAB mode) = {}\n", rom_status(hab, Flavour::Legacy)));
            if status != WRITE_COMPLETE {
                options.say(console, &format!("unexpected write file response {:#x}.\n", status.swap_bytes()));
            }
            options.say(console, &format!("Reponse Status = {}\n", rom_status(status, Flavour::Legacy)));
        }
    }
    0
}
