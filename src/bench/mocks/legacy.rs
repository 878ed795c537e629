//! What NXP's old C++ tools share: options before the command, and the device.

use crate::bench::boards::imx_rt::ImxRt;
use crate::bench::mocks::nxp_device::{Found, Wanted, parse_c_integer};
use crate::bench::{BenchClock, BusDevice, Console};

/// How long an ordinary start of the old tools takes.
pub(crate) const LEGACY_START_MS: u64 = 5;

/// The options of NXP's old tools.
#[derive(Debug, Clone)]
pub(crate) struct LegacyOptions {
    wanted: Wanted,
    pub(crate) timeout_ms: u64,
    pub(crate) json: bool,
    /// The command and its arguments.
    pub(crate) command: Vec<String>,
}

/// Why the old tools end before they look at the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LegacyStop {
    Version,
    Text { stdout: String, stderr: String, exit_code: i32 },
}

impl LegacyStop {
    /// Prints what there is to say, and answers with the exit code.
    pub(crate) fn tell(self, version: &str, console: &mut Console) -> i32 {
        match self {
            LegacyStop::Version => {
                console.out(version);
                0
            }
            LegacyStop::Text { stdout, stderr, exit_code } => {
                console.out(&stdout);
                console.err(&stderr);
                exit_code
            }
        }
    }
}

impl LegacyOptions {
    pub(crate) fn parse(
        program: &str,
        default_timeout_ms: u64,
        usage: &str,
        args: &[String],
    ) -> Result<LegacyOptions, LegacyStop> {
        let wanted = Wanted::parse("0x15a2,0x0073", &[',']);
        let mut options = LegacyOptions { wanted, timeout_ms: default_timeout_ms, json: false, command: Vec::new() };
        let stop = |stdout: String, stderr: String| LegacyStop::Text { stdout, stderr, exit_code: 0 };
        let mut rest = args.iter().peekable();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "-v" | "--version" => return Err(LegacyStop::Version),
                "-?" | "--help" => return Err(stop(usage.to_owned(), String::new())),
                "-j" | "--json" => options.json = true,
                "-V" | "--verbose" | "-d" | "--debug" | "-n" | "--noping" => {}
                "-u" | "--usb" => {
                    if let Some(text) = rest.next_if(|text| !text.starts_with('-')) {
                        options.wanted = Wanted::parse(text, &[',']);
                    }
                }
                "-t" | "--timeout" => {
                    let text = rest.next().map(String::as_str).unwrap_or_default();
                    let wrong =
                        || stop(format!("Error: {text} is not valid for option -t/--timeout.\n{usage}"), String::new());
                    options.timeout_ms = parse_c_integer(text).ok_or_else(wrong)?;
                }
                "--" => {
                    options.command = rest.cloned().collect();
                    break;
                }
                option if option.starts_with('-') => {
                    return Err(stop(usage.to_owned(), format!("{program}: unknown option {option}.\n")));
                }
                _ => {
                    options.command = std::iter::once(argument).chain(rest).cloned().collect();
                    break;
                }
            }
        }
        Ok(options)
    }

    /// The first device that fits, if it may be opened.
    pub(crate) fn open(&self, board: &ImxRt, clock: BenchClock) -> Option<BusDevice> {
        match self.wanted.find(board, clock) {
            Found::One(device) => Some(device),
            Found::Several(devices) => devices.into_iter().next(),
            Found::Nothing | Found::Denied(_) => None,
        }
    }

    /// The end of a call without a device; there is no newline behind it.
    pub(crate) fn cannot_open(&self) -> String {
        match self.wanted.id {
            Some(id) => format!(
                "Error: UsbHidPeripheral() cannot open USB HID device (vid=0x{:04x}, pid=0x{:04x}, sn=).",
                id.vendor, id.product
            ),
            None => format!("Error: UsbHidPeripheral() cannot open USB HID device (path={}).", self.wanted.text),
        }
    }

    /// Prints, unless JSON was asked for, which hides even errors.
    pub(crate) fn say(&self, console: &mut Console, text: &str) {
        if !self.json {
            console.out(text);
        }
    }
}
