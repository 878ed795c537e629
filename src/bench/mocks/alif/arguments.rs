//! The command lines of Alif's tools, read as Python's argument parser reads them.

use crate::bench::boards::alif_se::Release;

#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    /// `-b`.
    pub(super) baud: Option<u32>,
    /// `-d`: ask for the port in any case.
    pub(super) ask_port: bool,
    /// `-c`, in the latest release.
    pub(super) port: Option<String>,
    /// `-opt` and what follows it.
    pub(super) option: Option<String>,
    /// `-i`.
    pub(super) images: Option<String>,
    /// `-e`.
    pub(super) erase: Option<String>,
    /// `-s`: stay at the slow rate.
    pub(super) slow_rate: bool,
    /// `-p`.
    pub(super) pad: bool,
}

/// The end before the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) exit_code: i32,
}

const USAGE_EXIT: i32 = 2;

pub(super) fn parse(tool: &str, release: Release, args: &[String]) -> Result<Options, Stop> {
    let mut options = Options::default();
    let mut extra: Vec<&str> = Vec::new();
    let mut rest = args.iter().map(String::as_str);
    let writes = tool == "app-write-mram";
    let latest = release == Release::V1_110;
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().map(str::to_owned).ok_or_else(|| wrong(tool, &missing(argument)));
        match argument {
            "-h" | "--help" => return Err(help(tool)),
            "-b" => {
                let text = value()?;
                let invalid = || wrong(tool, &format!("argument -b: invalid int value: '{text}'"));
                options.baud = Some(text.parse().map_err(|_| invalid())?);
            }
            "-d" => options.ask_port = true,
            "-v" => {}
            "-c" if latest && tool != "updateSystemPackage" => options.port = Some(value()?),
            "-opt" if tool == "maintenance" => {
                options.option = Some(value()?);
                if latest {
                    rest.by_ref().for_each(drop);
                }
            }
            "-i" | "--images" if writes => options.images = Some(value()?),
            "-e" if writes => options.erase = Some(value()?),
            "-p" | "--pad" if writes => options.pad = true,
            "-m" if writes && !latest => {
                value()?;
            }
            "-s" if tool != "maintenance" => options.slow_rate = true,
            "-nr" if tool != "maintenance" => {}
            "-a" if writes => {}
            "-na" if tool == "updateSystemPackage" => {}
            other => extra.push(other),
        }
    }
    if extra.is_empty() {
        Ok(options)
    } else {
        Err(wrong(tool, &format!("unrecognized arguments: {}", extra.join(" "))))
    }
}

fn missing(option: &str) -> String {
    format!("argument {option}: expected one argument")
}

fn usage(tool: &str) -> String {
    let options = match tool {
        "maintenance" => "[-h] [-b BAUDRATE] [-d] [-opt OPTION] [-V] [-v]",
        "updateSystemPackage" => "[-h] [-b BAUDRATE] [-d] [-s] [-nr] [-na] [-V] [-v]",
        _ => "[-h] [-b BAUDRATE] [-d] [-e ERASE] [-i IMAGES] [-a] [-s] [-p] [-nr] [-V] [-v]",
    };
    format!("usage: {tool} {options}\n")
}

fn help(tool: &str) -> Stop {
    Stop { stdout: usage(tool), stderr: String::new(), exit_code: 0 }
}

fn wrong(tool: &str, what: &str) -> Stop {
    Stop { stdout: String::new(), stderr: format!("{}{tool}: error: {what}\n", usage(tool)), exit_code: USAGE_EXIT }
}
