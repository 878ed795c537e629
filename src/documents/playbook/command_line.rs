//! From a step to its command line: the only place where a call's arguments are put together. The run, its plan, the gate
//! and `recover check` differ only in what they know for the expressions.

use crate::documents::catalog::{HID_NODE, LIBUSB_PORT, PORT, SERIAL, Tool};
use crate::documents::expression::Template;
use crate::documents::playbook::Run;

/// The arguments behind the tool's own first ones, without those that choose a board; `text` works one of them out.
pub fn arguments<E>(run: &Run, text: impl FnMut(&Template) -> Result<String, E>) -> Result<Vec<String>, E> {
    run.args.iter().map(text).collect()
}

/// What is known of the board that is chosen among several.
#[derive(Debug, Clone, Copy)]
pub struct ChosenBoard<'a> {
    pub port: &'a str,
    /// The port as libusb names it, where that is known.
    pub libusb_port: Option<&'a str>,
    /// Its HID node by the hash of its path, where it has one.
    pub hid_node: Option<&'a str>,
    pub serial: Option<&'a str>,
}

impl<'a> ChosenBoard<'a> {
    pub fn at(port: &'a str, serial: Option<&'a str>) -> ChosenBoard<'a> {
        ChosenBoard { port, libusb_port: libusb_path(port), hid_node: None, serial }
    }
}

/// What tools that rest on libusb call this port, as dfu-util prints it: `bus-port.port…`, all of them decimal numbers
/// (`get_path()` in dfu-util's `dfu_util.c`). The name of a port says it wherever it can be known, and nothing else looks
/// so: on Windows it begins with the controller instead.
pub fn libusb_path(port: &str) -> Option<&str> {
    let number = |text: &str| text.parse::<u8>().is_ok();
    let (bus, chain) = port.split_once('-')?;
    (number(bus) && chain.split('.').all(number)).then_some(port)
}

/// The arguments that choose this board: by its port, where that has a name that the tool knows, else by its serial number;
/// none where the tool takes whichever it finds.
pub fn choosing(tool: &Tool, board: ChosenBoard<'_>) -> Vec<String> {
    let port = |arg: &String| {
        let mut arg = arg.replace(PORT, board.port);
        for (blank, name) in [(LIBUSB_PORT, board.libusb_port), (HID_NODE, board.hid_node)] {
            if arg.contains(blank) {
                arg = arg.replace(blank, name?);
            }
        }
        Some(arg)
    };
    let serial = |arg: &String| Some(arg.replace(SERIAL, board.serial?));
    let by_port: Option<Vec<String>> = tool.select_port.iter().map(port).collect();
    let by_port = by_port.filter(|args| !args.is_empty());
    by_port.or_else(|| tool.select_serial.iter().map(serial).collect()).unwrap_or_default()
}

/// Puts what chooses a board where the tool wants it.
pub fn with_choice(tool: &Tool, mut args: Vec<String>, choice: Vec<String>) -> Vec<String> {
    if !choice.is_empty() {
        args.splice(tool.select_position(&args), choice);
    }
    args
}

/// All of a call's arguments, as they stand behind the program.
pub fn all_arguments(tool: &Tool, args: &[String]) -> Vec<String> {
    tool.first_args.iter().chain(args).cloned().collect()
}
