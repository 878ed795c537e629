//! SPSDK's `sdphost`.

use super::HAB_SUCCESS;
use crate::bench::boards::imx_rt::{Flavour, HAB_OPEN, ImxRt, JumpAnswer, WriteFileAnswer};
use crate::bench::mocks::nxp_device::parse_c_integer;
use crate::bench::mocks::nxp_status::rom_status;
use crate::bench::mocks::spsdk::{
    self, CommandForm, Options, Parameter, ParameterKind, Parsed, Program, Stop, cannot_open, check_arguments,
    find_device,
};
use crate::bench::{BenchClock, Console};

const ADDRESS: Parameter = Parameter { name: "ADDRESS", kind: ParameterKind::Integer, required: true };
const FILE: Parameter = Parameter { name: "FILE", kind: ParameterKind::InputFile, required: true };
const COUNT: Parameter = Parameter { name: "COUNT", kind: ParameterKind::Integer, required: false };

const SDPHOST: Program = Program {
    name: "sdphost",
    default_timeout_ms: 10_000,
    start_ms: 350,
    commands: &[
        CommandForm { name: "error-status", usage: "[OPTIONS]", parameters: &[] },
        CommandForm { name: "jump-address", usage: "[OPTIONS] ADDRESS", parameters: &[ADDRESS] },
        CommandForm {
            name: "write-file",
            usage: "[OPTIONS] ADDRESS FILE [COUNT]",
            parameters: &[ADDRESS, FILE, COUNT],
        },
    ],
};

pub(super) fn play(
    args: &[String],
    board: &mut ImxRt,
    console: &mut Console,
    clock: &mut BenchClock,
) -> Result<i32, Stop> {
    let flavour = board.flavour();
    let Parsed::Command { options, form, args } = spsdk::parse(&SDPHOST, args)? else {
        console.out(&format!("sdphost, version {}\n", spsdk::version(flavour)));
        return Ok(spsdk::OK);
    };
    clock.take(SDPHOST.start_ms);
    let (device, may_open) = find_device(&options, board, *clock)?;
    check_arguments(&SDPHOST, form, &args, console)?;
    if !may_open {
        return Ok(cannot_open(&device, flavour, console));
    }
    if !board.speaks_serial_download(clock.now_ms()) {
        // The flashloader does not answer what it does not understand; SPSDK reads a word 0 then.
        console.out("Status (HAB mode) = UNKNOWN ERROR.\nResponse status = UNKNOWN ERROR.\n");
        return Ok(spsdk::OK);
    }
    let address = args.first().and_then(|text| parse_c_integer(text)).unwrap_or(0);
    match form.name {
        "write-file" => write_file(address, &args, board, console, clock),
        "jump-address" => jump(address, &options, board, console, clock),
        _ => {
            print_hab(board.hab(), flavour, console);
            console.out(&format!("Response status = {}\n", rom_status(HAB_SUCCESS, flavour)));
            Ok(spsdk::OK)
        }
    }
}

fn write_file(
    address: u64,
    args: &[String],
    board: &mut ImxRt,
    console: &mut Console,
    clock: &mut BenchClock,
) -> Result<i32, Stop> {
    let path = &args[1];
    let general = |error: std::io::Error| Stop::General { text: format!("OSError: {error}: '{path}'") };
    let mut data = std::fs::read(console.path(path)).map_err(general)?;
    if let Some(count) = args.get(2).and_then(|text| parse_c_integer(text)) {
        data.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    }
    let flavour = board.flavour();
    match board.write_file(address, &data, clock) {
        WriteFileAnswer::Lost { .. } => Err(Stop::Exception {
            class: "SdpConnectionError",
            text: "SDP: Connection issue -> SPSDK: Invalid size of written bytes has been detected: -1 != 1025"
                .to_owned(),
        }),
        WriteFileAnswer::Answered { hab, status } => {
            // In write-file SPSDK takes only the open mode for what it is.
            let hab = if hab == HAB_OPEN { hab } else { 2 };
            print_hab(hab, flavour, console);
            console.out(&format!("Response status = {}\n", rom_status(status, flavour)));
            Ok(spsdk::OK)
        }
    }
}

fn jump(
    address: u64,
    options: &Options,
    board: &mut ImxRt,
    console: &mut Console,
    clock: &mut BenchClock,
) -> Result<i32, Stop> {
    match board.jump(address, clock) {
        JumpAnswer::Answered { hab } => {
            print_hab(hab, board.flavour(), console);
            Ok(spsdk::OK)
        }
        JumpAnswer::NoAnswer => {
            clock.take(options.timeout_ms);
            Err(Stop::Exception {
                class: "SdpConnectionError",
                text: "SDP: Connection issue -> Timeout Error".to_owned(),
            })
        }
    }
}

fn print_hab(hab: u32, flavour: Flavour, console: &mut Console) {
    console.out(&format!("Status (HAB mode) = {}\n", rom_status(hab, flavour)));
}
