//! What all tools of SPSDK share: options before the command, usage errors, finding the device, how exceptions look.

use crate::bench::boards::imx_rt::{Flavour, ImxRt};
use crate::bench::mocks::nxp_device::{Found, Wanted, parse_c_integer};
use crate::bench::{BenchClock, BusDevice, Console, hid_node};

/// Exit codes of SPSDK's tools.
pub(crate) const OK: i32 = 0;
pub(crate) const STATUS: i32 = 1;
pub(crate) const FAILED: i32 = 2;
pub(crate) const GENERAL_ERROR: i32 = 3;

/// One of SPSDK's programs and its defaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) default_timeout_ms: u64,
    /// How long an ordinary start takes.
    pub(crate) start_ms: u64,
    pub(crate) commands: &'static [CommandForm],
}

/// A sub-command and its parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CommandForm {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) parameters: &'static [Parameter],
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: ParameterKind,
    pub(crate) required: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParameterKind {
    Integer,
    /// Without `0x`, which is accepted nevertheless.
    HexDigits,
    Text,
    /// Must exist already.
    InputFile,
}

/// What stood before the command.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) wanted: Option<Wanted>,
    pub(crate) timeout_ms: u64,
    pub(crate) json: bool,
}

#[derive(Debug)]
pub(crate) enum Parsed {
    Version,
    Command { options: Options, form: &'static CommandForm, args: Vec<String> },
}

/// The end of a call that failed before anything was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Text of the message; whose usage is shown before it.
    Usage {
        usage: String,
        message: String,
    },
    /// Class and text of the exception.
    Exception {
        class: &'static str,
        text: String,
    },
    General {
        text: String,
    },
}

impl Stop {
    pub(crate) fn print(&self, console: &mut Console, flavour: Flavour) -> i32 {
        match self {
            Stop::Usage { usage, message } => {
                console.err(&format!("{usage}\nError: {message}\n"));
                FAILED
            }
            Stop::Exception { class, text } => {
                console.err(&format!("{class}: {text}\n"));
                debug_log_line(console, flavour, "");
                FAILED
            }
            Stop::General { text } => {
                console.err(&format!("GENERAL ERROR: {text}\n"));
                debug_log_line(console, flavour, ".");
                GENERAL_ERROR
            }
        }
    }
}

fn debug_log_line(console: &mut Console, flavour: Flavour, full_stop: &str) {
    if console.variable("SPSDK_DEBUG_LOGGING_DISABLED").is_some() {
        return;
    }
    let home = console.variable("HOME").unwrap_or_else(|| "~".to_owned());
    let version = version(flavour);
    let path = format!("{home}/.local/state/spsdk/{version}/log/debug.log");
    console.out(&format!("See debug log file: {path} for more info{full_stop}\n"));
}

pub(crate) fn version(flavour: Flavour) -> &'static str {
    if flavour == Flavour::Spsdk26 { "2.6.1" } else { "3.12.0" }
}

pub(crate) fn parse(program: &Program, args: &[String]) -> Result<Parsed, Stop> {
    let mut options = Options { wanted: None, timeout_ms: program.default_timeout_ms, json: false };
    let mut rest = args.iter();
    let command = loop {
        let Some(argument) = rest.next() else { return Err(program_usage(program, "Missing command.")) };
        let mut value = || {
            let missing = || program_usage(program, &format!("Option '{argument}' requires an argument."));
            rest.next().ok_or_else(missing)
        };
        match argument.as_str() {
            "--version" => return Ok(Parsed::Version),
            "-u" | "--usb" => options.wanted = Some(Wanted::parse(value()?, &[':', ','])),
            "-t" | "--timeout" => options.timeout_ms = timeout(program, value()?)?,
            "-j" | "--json" => options.json = true,
            "-v" | "-vv" | "-vvv" | "-s" | "--verbose" | "--debug" | "--trace" | "--silent" => {}
            "--" => match rest.next() {
                Some(command) => break command,
                None => return Err(program_usage(program, "Missing command.")),
            },
            option if option.starts_with('-') => {
                return Err(program_usage(program, &format!("No such option '{option}'.")));
            }
            _ => break argument,
        }
    };
    let unknown = || program_usage(program, &format!("No such command '{command}'."));
    let form = program.commands.iter().find(|form| form.name == command).ok_or_else(unknown)?;
    Ok(Parsed::Command { options, form, args: rest.cloned().collect() })
}

fn timeout(program: &Program, text: &str) -> Result<u64, Stop> {
    let message = format!("Invalid value for '-t' / '--timeout': '{text}' is not a valid integer.");
    text.parse().map_err(|_| program_usage(program, &message))
}

fn program_usage(program: &Program, message: &str) -> Stop {
    let usage = format!("Usage: {} [OPTIONS] COMMAND [ARGS]...\n", program.name);
    Stop::Usage { usage, message: message.to_owned() }
}

/// The device the call means. SPSDK looks for it before it reads the command's arguments.
pub(crate) fn find_device(options: &Options, board: &ImxRt, clock: BenchClock) -> Result<(BusDevice, bool), Stop> {
    let text = options.wanted.as_ref().map_or_else(String::new, |wanted| wanted.text.replace(',', ":"));
    let parameters = format!("'usb' and parameters 'device_id={text}, timeout={}'", options.timeout_ms);
    match options.wanted.as_ref().map_or(Found::Nothing, |wanted| wanted.find_by_node(board, clock)) {
        Found::One(device) => Ok((device, true)),
        Found::Denied(device) => Ok((device, false)),
        Found::Nothing => Err(Stop::Exception {
            class: "SpsdkNoDeviceFoundError",
            text: format!("No devices for given interface {parameters} was found."),
        }),
        Found::Several(devices) => {
            let line = |(index, device)| format!("\n Device #{index}: {}", describe(device, index));
            let list: String = devices.iter().enumerate().map(line).collect();
            Err(Stop::Exception {
                class: "SpsdkMultipleDevicesFoundError",
                text: format!("Multiple devices for given interface {parameters} were found.{list}"),
            })
        }
    }
}

/// What happens when the device that was found cannot be opened.
pub(crate) fn cannot_open(device: &BusDevice, flavour: Flavour, console: &mut Console) -> i32 {
    let logger = if flavour == Flavour::Spsdk26 { "ERROR:libusbsio.hidapi.dev:" } else { "" };
    console.err(&format!("{logger}HID device 'b'{}'' opening failed.\n", hid_node(0)));
    let text = format!("SPSDK: Unable to close device '{}'", describe(device, 0));
    Stop::Exception { class: "SPSDKConnectionError", text }.print(console, flavour)
}

fn describe(device: &BusDevice, index: usize) -> String {
    let product = device.product.as_deref().unwrap_or_default();
    let (vendor, number) = (device.id.vendor, device.id.product);
    format!("{product} (0x{vendor:04X}, 0x{number:04X})path=b'{}' sn=''", hid_node(index))
}

/// The command's arguments, one per parameter; optional ones may be missing at the end.
pub(crate) fn check_arguments(
    program: &Program,
    form: &CommandForm,
    args: &[String],
    console: &Console,
) -> Result<(), Stop> {
    let usage = || {
        let name = format!("{} {}", program.name, form.name);
        format!("Usage: {name} {}\nTry '{name} --help' for help.\n", form.usage)
    };
    let refuse = |message: String| Err(Stop::Usage { usage: usage(), message });
    if let Some(option) = args.iter().find(|argument| argument.starts_with('-') && argument.len() > 1) {
        return refuse(format!("No such option '{option}'."));
    }
    for (index, parameter) in form.parameters.iter().enumerate() {
        match args.get(index) {
            Some(text) => {
                if let Some(reason) = invalid(parameter.kind, text, console) {
                    return refuse(format!("Invalid value for '{}': {reason}", parameter.name));
                }
            }
            None if parameter.required => return refuse(format!("Missing argument '{}'.", parameter.name)),
            None => {}
        }
    }
    match args.get(form.parameters.len()..) {
        Some([extra]) => refuse(format!("Got unexpected extra argument ({extra})")),
        Some(extra) if !extra.is_empty() => refuse(format!("Got unexpected extra arguments ({})", extra.join(" "))),
        _ => Ok(()),
    }
}

fn invalid(kind: ParameterKind, text: &str, console: &Console) -> Option<String> {
    match kind {
        ParameterKind::Integer if parse_c_integer(text).is_none() => Some(format!("'{text}' is not a valid integer.")),
        ParameterKind::HexDigits if parse_hex(text).is_none() => Some(format!("'{text}' is not a valid integer.")),
        ParameterKind::InputFile if !console.path(text).is_file() => {
            Some(format!("'{text}': No such file or directory"))
        }
        _ => None,
    }
}

pub(crate) fn parse_hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}
