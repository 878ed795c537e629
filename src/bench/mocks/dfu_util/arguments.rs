//! dfu-util's options, read as `getopt_long` reads them, with the faults of 0.11: `--wait` eats the next word.

use crate::bench::mocks::dfu_util::{EX_OK, EX_USAGE, texts};
use crate::bench::{Console, DfuDevice};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    #[default]
    None,
    Version,
    List,
    Detach,
    Upload,
    Download,
}

/// Which alt setting is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Alternate {
    Number(usize),
    Name(String),
}

/// Filters and orders of one call.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments {
    pub(super) mode: Mode,
    pub(super) wait: bool,
    pub(super) reset: bool,
    pub(super) alternate: Option<Alternate>,
    pub(super) serial: Option<String>,
    pub(super) file: String,
    pub(super) transfer_bytes: Option<u32>,
    /// The word of `-s` and, behind it, the words that follow on the command line, as they lie in memory.
    pub(super) dfuse_options: Option<Vec<String>>,
    vendor: Wanted,
    product: Wanted,
    path: Option<String>,
    devnum: Option<u32>,
}

/// A number a device's id must have in DFU mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wanted {
    #[default]
    Any,
    Nothing,
    Number(u32),
}

impl Wanted {
    fn accepts(self, number: u16) -> bool {
        match self {
            Wanted::Any => true,
            Wanted::Nothing => false,
            Wanted::Number(wanted) => wanted == u32::from(number),
        }
    }
}

/// What follows from the command line.
#[derive(Debug)]
pub(super) enum NextStep {
    Work(Box<Arguments>),
    End(i32),
}

/// Letter, long name, and whether a value follows. `wait` wants one by mistake.
const OPTIONS: &[(char, &str, Value)] = &[
    ('h', "help", Value::None),
    ('V', "version", Value::None),
    ('v', "verbose", Value::None),
    ('l', "list", Value::None),
    ('e', "detach", Value::None),
    ('E', "detach-delay", Value::Follows),
    ('d', "device", Value::Follows),
    ('n', "devnum", Value::Follows),
    ('p', "path", Value::Follows),
    ('c', "cfg", Value::Follows),
    ('i', "intf", Value::Follows),
    ('S', "serial", Value::Follows),
    ('a', "alt", Value::Follows),
    ('t', "transfer-size", Value::Follows),
    ('U', "upload", Value::Follows),
    ('Z', "upload-size", Value::Follows),
    ('D', "download", Value::Follows),
    ('R', "reset", Value::None),
    ('s', "dfuse-address", Value::Follows),
    ('w', "wait", Value::FollowsLongName),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    None,
    Follows,
    FollowsLongName,
}

/// Stops the reading: the text for stderr in front of the usage.
struct Complaint(String);

pub(super) fn parse(args: &[String], console: &mut Console) -> NextStep {
    let mut arguments = Arguments::default();
    let mut operands = Vec::new();
    let mut index = 0;
    while let Some(word) = args.get(index) {
        index += 1;
        let read = if word == "--" {
            operands.extend_from_slice(&args[index..]);
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            long_option(long, args, &mut index, &mut arguments)
        } else if word.len() > 1 && word.starts_with('-') {
            letters(&word[1..], args, &mut index, &mut arguments)
        } else {
            operands.push(word.clone());
            Ok(Flow::GoesOn)
        };
        match read {
            Ok(Flow::GoesOn) => {}
            Ok(Flow::Help) => {
                console.err(texts::USAGE);
                return NextStep::End(EX_OK);
            }
            Err(Complaint(text)) => return usage_error(&text, console),
        }
    }
    match operands.first() {
        Some(operand) => usage_error(&format!("Error: Unexpected argument: {operand}\n\n"), console),
        None => NextStep::Work(Box::new(arguments)),
    }
}

enum Flow {
    GoesOn,
    Help,
}

fn usage_error(text: &str, console: &mut Console) -> NextStep {
    console.err(text);
    console.err(texts::USAGE);
    NextStep::End(EX_USAGE)
}

fn letters(word: &str, args: &[String], index: &mut usize, arguments: &mut Arguments) -> Result<Flow, Complaint> {
    for (at, letter) in word.char_indices() {
        let Some((_, _, value)) = OPTIONS.iter().find(|(known, _, _)| *known == letter) else {
            return Err(Complaint(format!("dfu-util: invalid option -- '{letter}'\n")));
        };
        let rest = &word[at + letter.len_utf8()..];
        if *value != Value::Follows {
            if let Flow::Help = arguments.take(letter, "", &[]) {
                return Ok(Flow::Help);
            }
        } else if !rest.is_empty() {
            return Ok(arguments.take(letter, rest, &args[*index..]));
        } else {
            let missing = || Complaint(format!("dfu-util: option requires an argument -- '{letter}'\n"));
            let value = args.get(*index).ok_or_else(missing)?;
            *index += 1;
            return Ok(arguments.take(letter, value, &args[*index..]));
        }
    }
    Ok(Flow::GoesOn)
}

fn long_option(long: &str, args: &[String], index: &mut usize, arguments: &mut Arguments) -> Result<Flow, Complaint> {
    let (name, glued) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
    let exact = OPTIONS.iter().find(|(_, known, _)| *known == name);
    let mut beginnings = OPTIONS.iter().filter(|(_, known, _)| known.starts_with(name));
    let only = beginnings.next().filter(|_| beginnings.next().is_none());
    let Some((letter, known, value)) = exact.or(only) else {
        return Err(Complaint(format!("dfu-util: unrecognized option '--{name}'\n")));
    };
    match (value, glued) {
        (Value::None, Some(_)) => Err(Complaint(format!("dfu-util: option '--{known}' doesn't allow an argument\n"))),
        (Value::None, None) => Ok(arguments.take(*letter, "", &[])),
        (_, Some(value)) => Ok(arguments.take(*letter, value, &args[*index..])),
        (_, None) => {
            let missing = || Complaint(format!("dfu-util: option '--{known}' requires an argument\n"));
            let value = args.get(*index).ok_or_else(missing)?;
            *index += 1;
            Ok(arguments.take(*letter, value, &args[*index..]))
        }
    }
}

impl Arguments {
    pub(super) fn matches_device(&self, device: &DfuDevice) -> bool {
        self.vendor.accepts(device.id.vendor)
            && self.product.accepts(device.id.product)
            && self.path.as_ref().is_none_or(|path| *path == device.path)
            && self.devnum.is_none_or(|devnum| devnum == device.devnum)
    }

    fn take(&mut self, letter: char, value: &str, behind: &[String]) -> Flow {
        match letter {
            'h' => return Flow::Help,
            'V' => self.mode = Mode::Version,
            'l' => self.mode = Mode::List,
            'e' => self.mode = Mode::Detach,
            'd' => self.take_ids(value),
            'n' => self.devnum = value.parse().ok(),
            'p' => self.path = Some(value.to_owned()),
            'S' => self.serial = Some(value.rsplit(',').next().unwrap_or(value).to_owned()),
            'a' => {
                let number = c_number(value).and_then(|number| usize::try_from(number).ok());
                self.alternate = Some(number.map_or_else(|| Alternate::Name(value.to_owned()), Alternate::Number));
            }
            't' => self.transfer_bytes = value.parse().ok(),
            'U' => (self.mode, self.file) = (Mode::Upload, value.to_owned()),
            'D' => (self.mode, self.file) = (Mode::Download, value.to_owned()),
            'R' => self.reset = true,
            's' => {
                let words = std::iter::once(value.to_owned()).chain(behind.iter().cloned());
                self.dfuse_options = Some(words.collect());
            }
            'w' => self.wait = true,
            _ => {}
        }
        Flow::GoesOn
    }

    /// Only what stands behind the comma counts for devices in DFU mode.
    fn take_ids(&mut self, value: &str) {
        let Some((_, ids)) = value.split_once(',') else { return };
        let (vendor, product) = ids.split_once(':').unwrap_or((ids, ""));
        self.vendor = wanted(vendor);
        self.product = wanted(product);
    }
}

fn wanted(text: &str) -> Wanted {
    match text {
        "" | "*" => Wanted::Any,
        "-" => Wanted::Nothing,
        _ => {
            let digits = text.trim_start_matches("0x").trim_start_matches("0X");
            u32::from_str_radix(digits, 16).map_or(Wanted::Nothing, Wanted::Number)
        }
    }
}

/// What `strtoul` with base 0 makes of a whole word.
pub(super) fn c_number(text: &str) -> Option<u64> {
    if text.is_empty() {
        return Some(0);
    }
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}
