//! SPSDK's `blhost`. It does not compare the command an answer belongs to, only the kind of the answer.

use super::{NO_RESPONSE, version_detail};
use crate::bench::boards::imx_rt::{
    Answer, AnswerKind, Command, DataPhase, Exchange, Flavour, ImxRt, MAX_PACKET_BYTES,
};
use crate::bench::mocks::nxp_device::parse_c_integer;
use crate::bench::mocks::nxp_status::bootloader_status;
use crate::bench::mocks::spsdk::{
    self, CommandForm, Options, Parameter, ParameterKind, Parsed, Program, Stop, cannot_open, check_arguments,
    find_device, parse_hex,
};
use crate::bench::{BenchClock, Console};

const fn integer(name: &'static str) -> Parameter {
    Parameter { name, kind: ParameterKind::Integer, required: true }
}

const fn optional(name: &'static str, kind: ParameterKind) -> Parameter {
    Parameter { name, kind, required: false }
}

const ADDRESS: Parameter = integer("ADDRESS");
const BYTE_COUNT: Parameter = integer("BYTE_COUNT");
const MEMORY_ID: Parameter = optional("MEMORY_ID", ParameterKind::Integer);

const BLHOST: Program = Program {
    name: "blhost",
    default_timeout_ms: 5_000,
    start_ms: 350,
    commands: &[
        CommandForm {
            name: "configure-memory",
            usage: "[OPTIONS] MEMORY_ID ADDRESS",
            parameters: &[integer("MEMORY_ID"), ADDRESS],
        },
        CommandForm {
            name: "efuse-program-once",
            usage: "[OPTIONS] ADDRESS DATA [nolock/lock]",
            parameters: &[
                ADDRESS,
                Parameter { name: "DATA", kind: ParameterKind::HexDigits, required: true },
                optional("[nolock/lock]", ParameterKind::Text),
            ],
        },
        CommandForm { name: "efuse-read-once", usage: "[OPTIONS] ADDRESS", parameters: &[ADDRESS] },
        CommandForm {
            name: "fill-memory",
            usage: "[OPTIONS] ADDRESS BYTE_COUNT PATTERN format",
            parameters: &[ADDRESS, BYTE_COUNT, integer("PATTERN"), optional("format", ParameterKind::Text)],
        },
        CommandForm {
            name: "flash-erase-region",
            usage: "[OPTIONS] ADDRESS BYTE_COUNT [MEMORY_ID]",
            parameters: &[ADDRESS, BYTE_COUNT, MEMORY_ID],
        },
        CommandForm {
            name: "get-property",
            usage: "[OPTIONS] PROPERTY_TAG [INDEX]",
            parameters: &[integer("PROPERTY_TAG"), optional("INDEX", ParameterKind::Integer)],
        },
        CommandForm {
            name: "read-memory",
            usage: "[OPTIONS] ADDRESS BYTE_COUNT FILE [MEMORY_ID]",
            parameters: &[ADDRESS, BYTE_COUNT, optional("FILE", ParameterKind::Text), MEMORY_ID],
        },
        CommandForm { name: "reset", usage: "[OPTIONS]", parameters: &[] },
        CommandForm {
            name: "write-memory",
            usage: "[OPTIONS] ADDRESS FILE[,BYTE_COUNT] | {{HEX-DATA}}\n                           [MEMORY_ID]",
            parameters: &[
                ADDRESS,
                Parameter { name: "FILE[,BYTE_COUNT] | {{HEX-DATA}}", kind: ParameterKind::Text, required: true },
                MEMORY_ID,
            ],
        },
    ],
};

/// Each data report begins with so many bytes of header.
const REPORT_HEADER_BYTES: u64 = 4;

/// The line of `mcuboot.py` that logs something, in each version.
#[derive(Debug, Clone, Copy)]
struct LoggedAt {
    spsdk_2_6: u32,
    spsdk_3_12: u32,
}

const DATA_UNANSWERED: LoggedAt = LoggedAt { spsdk_2_6: 242, spsdk_3_12: 303 };
const DATA_FAILED: LoggedAt = LoggedAt { spsdk_2_6: 245, spsdk_3_12: 306 };
const PACKET_SIZE_UNKNOWN: LoggedAt = LoggedAt { spsdk_2_6: 285, spsdk_3_12: 352 };
const RESET_UNANSWERED: LoggedAt = LoggedAt { spsdk_2_6: 798, spsdk_3_12: 958 };

/// One call that has found its device.
struct Call<'a> {
    name: &'static str,
    options: Options,
    flavour: Flavour,
    board: &'a mut ImxRt,
    console: &'a mut Console,
    clock: &'a mut BenchClock,
}

pub(super) fn play(
    args: &[String],
    board: &mut ImxRt,
    console: &mut Console,
    clock: &mut BenchClock,
) -> Result<i32, Stop> {
    let flavour = board.flavour();
    let Parsed::Command { options, form, args } = spsdk::parse(&BLHOST, args)? else {
        console.out(&format!("blhost, version {}\n", spsdk::version(flavour)));
        return Ok(spsdk::OK);
    };
    clock.take(BLHOST.start_ms);
    let (device, may_open) = find_device(&options, board, *clock)?;
    check_arguments(&BLHOST, form, &args, console)?;
    let data = if form.name == "write-memory" { read_data_source(&args[1], console)? } else { Vec::new() };
    if !may_open {
        return Ok(cannot_open(&device, flavour, console));
    }
    let mut call = Call { name: form.name, options, flavour, board, console, clock };
    if !call.board.speaks_bootloader(call.clock.now_ms()) {
        // The boot ROM speaks another protocol and stays silent.
        call.clock.take(call.options.timeout_ms);
        return Ok(call.display(NO_RESPONSE, &[], None));
    }
    call.run(&args, &data)
}

fn read_data_source(source: &str, console: &Console) -> Result<Vec<u8>, Stop> {
    let (path, count) = match source.split_once(',') {
        None => (source, None),
        Some((path, count)) => {
            let wrong =
                || Stop::General { text: format!("ValueError: invalid literal for int() with base 0: '{count}'") };
            (path, Some(parse_c_integer(count).ok_or_else(wrong)?))
        }
    };
    let mut data = std::fs::read(console.path(path)).map_err(|_| Stop::General {
        text: format!("FileNotFoundError: [Errno 2] No such file or directory: '{path}'"),
    })?;
    if let Some(count) = count {
        data.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    }
    Ok(data)
}

/// A word of a response as Python shows it.
enum Word {
    Integer(u64),
    Truth(bool),
}

impl Call<'_> {
    fn run(&mut self, args: &[String], data: &[u8]) -> Result<i32, Stop> {
        let number = |index: usize| args.get(index).and_then(|text| parse_c_integer(text)).unwrap_or(0);
        let short = |index: usize| u32::try_from(number(index)).unwrap_or(u32::MAX);
        let plain = match self.name {
            "configure-memory" => Command::ConfigureMemory { memory: number(0), address: number(1) },
            "fill-memory" => Command::FillMemory { address: number(0), length: number(1), pattern: short(2) },
            "flash-erase-region" => Command::FlashEraseRegion { address: number(0), length: number(1) },
            "reset" => Command::Reset,
            "efuse-program-once" => {
                let lock = if args.get(2).is_some_and(|word| word == "lock") { 1 << 24 } else { 0 };
                let value = parse_hex(&args[1]).unwrap_or(0);
                return self.program_fuse(Command::EfuseProgramOnce { index: short(0) | lock, value });
            }
            "efuse-read-once" => return self.read_fuse(Command::EfuseReadOnce(short(0))),
            "get-property" => return self.get_property(short(0)),
            "read-memory" => return self.read_memory(number(0), number(1), args.get(2)),
            _ => return self.write_memory(number(0), data),
        };
        let answer = self.exchange(plain)?;
        if plain == Command::Reset && answer.status == NO_RESPONSE {
            self.log("WARNING", "Did not receive response from reset command, ignoring it", RESET_UNANSWERED);
            return Ok(self.display(0, &[], None));
        }
        Ok(self.display(answer.status, &[], None))
    }

    /// Sends a command; no answer is an answer with status 10004.
    fn exchange(&mut self, command: Command) -> Result<Answer, Stop> {
        match self.board.exchange(command, self.options.timeout_ms, self.clock) {
            Exchange::Answered(answer) => Ok(answer),
            Exchange::NoAnswer | Exchange::LostAfter => {
                Ok(Answer { kind: AnswerKind::Generic, of: command.tag(), status: NO_RESPONSE, words: Vec::new() })
            }
            Exchange::LostBefore => Err(lost(u64::from(command.report_bytes()))),
        }
    }

    fn program_fuse(&mut self, command: Command) -> Result<i32, Stop> {
        let answer = self.exchange(command)?;
        Ok(self.display(answer.status, &[Word::Truth(answer.status == 0)], None))
    }

    fn read_fuse(&mut self, command: Command) -> Result<i32, Stop> {
        let answer = self.exchange(command)?;
        match (answer.status, answer.kind) {
            (0, AnswerKind::FuseRead) => {
                let words: Vec<Word> = answer.words.iter().map(|word| Word::Integer(u64::from(*word))).collect();
                Ok(self.display(0, &words, None))
            }
            (0, _) => Err(Stop::Exception { class: "AssertionError", text: String::new() }),
            (status, _) => Ok(self.display(status, &[], None)),
        }
    }

    fn get_property(&mut self, property: u32) -> Result<i32, Stop> {
        let answer = self.exchange(Command::GetProperty(property))?;
        match (answer.status, answer.kind) {
            (0, AnswerKind::GetProperty) => {
                let word = answer.words.first().copied().unwrap_or(0);
                let detail = match property {
                    11 => format!("Max Packet Size = {}", describe_size(word)),
                    _ => version_detail(word),
                };
                Ok(self.display(0, &[Word::Integer(u64::from(word))], Some(&detail)))
            }
            (0, kind) => Err(Stop::Exception {
                class: "McuBootError",
                text: format!("MBoot: Received invalid get-property response: {}", describe_answer(kind, &answer)),
            }),
            (status, _) => Ok(self.display(status, &[], None)),
        }
    }

    fn read_memory(&mut self, address: u64, length: u64, file: Option<&String>) -> Result<i32, Stop> {
        if self.flavour == Flavour::Spsdk26 {
            self.console.out("Reading memory\n");
        }
        self.ask_packet_size()?;
        let answer = self.exchange(Command::ReadMemory { address, length })?;
        // Out of step, the first packet swallows the answers that waited, and all is well again.
        self.board.back_in_step();
        let bytes = if answer.status == 0 { self.board.read_data(address, length, self.clock) } else { Ok(Vec::new()) };
        let (status, bytes) = match bytes {
            Ok(bytes) => (answer.status, bytes),
            Err(status) => (status, Vec::new()),
        };
        if !bytes.is_empty() {
            match file.filter(|file| *file != "-") {
                Some(file) => {
                    std::fs::write(self.console.path(file), &bytes).map_err(|error| cannot_create(file, &error))?;
                }
                None => self.console.out(&hex_lines(&bytes)),
            }
        }
        let count = bytes.len() as u64;
        Ok(self.display(status, &[Word::Integer(count)], Some(&format!("Read {count} of {length} bytes."))))
    }

    fn write_memory(&mut self, address: u64, data: &[u8]) -> Result<i32, Stop> {
        if self.flavour == Flavour::Spsdk26 {
            self.console.out("Writing memory\n");
        }
        self.ask_packet_size()?;
        let length = data.len() as u64;
        let answer = self.exchange(Command::WriteMemory { address, length })?;
        if answer.status != 0 {
            return Ok(self.display(answer.status, &[], None));
        }
        match self.board.send_data(data, self.clock) {
            DataPhase::Lost { sent_bytes } => {
                let report = u64::from(MAX_PACKET_BYTES).min(length - sent_bytes.min(length)) + REPORT_HEADER_BYTES;
                let text = format!("RX: SPSDK: Invalid size of written bytes has been detected: -1 != {report}");
                self.log("ERROR", &text, DATA_FAILED);
                return Err(Stop::Exception { class: "SPSDKTimeoutError", text: "SPSDK: Unknown Error".to_owned() });
            }
            DataPhase::Aborted => self.log("ERROR", "RX: Mboot: Data aborted by sender", DATA_FAILED),
            DataPhase::Sent => {}
        }
        match self.board.closing_answer(self.options.timeout_ms, self.clock) {
            Exchange::Answered(answer) if answer.status == 0 => Ok(self.display(0, &[Word::Integer(length)], None)),
            Exchange::Answered(answer) => Ok(self.display(answer.status, &[], None)),
            Exchange::NoAnswer | Exchange::LostBefore | Exchange::LostAfter => {
                self.log("ERROR", "RX: No Response, Timeout Error !", DATA_UNANSWERED);
                Err(Stop::Exception {
                    class: "McuBootConnectionError",
                    text: "MBoot: Connection issue -> No Response from Device".to_owned(),
                })
            }
        }
    }

    /// Precedes every transfer of data. SPSDK goes on with a default when the answer makes no sense.
    fn ask_packet_size(&mut self) -> Result<(), Stop> {
        let answer = self.exchange(Command::GetProperty(11))?;
        if answer.kind != AnswerKind::GetProperty || answer.status != 0 {
            self.log("WARNING", "CMD: Unable to get MAX PACKET SIZE, using: 32", PACKET_SIZE_UNKNOWN);
        }
        Ok(())
    }

    /// A line of Python's logging. The time in it differs from run to run.
    fn log(&mut self, level: &str, text: &str, at: LoggedAt) {
        let ms = self.clock.now_ms() % 10_000;
        let line = if self.flavour == Flavour::Spsdk26 { at.spsdk_2_6 } else { at.spsdk_3_12 };
        self.console.err(&format!("{level}:spsdk.mboot.mcuboot:{text} ({ms}ms since start, mcuboot.py:{line})\n"));
    }

    /// Prints status, words and detail; a status that is not 0 is an error to the shell.
    fn display(&mut self, status: u32, words: &[Word], detail: Option<&str>) -> i32 {
        let text = bootloader_status(status, self.flavour);
        if self.options.json {
            self.console.out(&json(self.name, status, &text, words));
        } else {
            self.console.out(&format!("Response status = {text}\n"));
            for (index, word) in words.iter().enumerate() {
                let (value, hex) = match word {
                    Word::Integer(value) => (value.to_string(), format!("{value:#x}")),
                    Word::Truth(true) => ("True".to_owned(), "0x1".to_owned()),
                    Word::Truth(false) => ("False".to_owned(), "0x0".to_owned()),
                };
                self.console.out(&format!("Response word {} = {value} ({hex})\n", index + 1));
            }
            if let Some(detail) = detail {
                self.console.out(&format!("{detail}\n"));
            }
        }
        if status == 0 {
            return spsdk::OK;
        }
        if self.flavour == Flavour::Spsdk312 {
            self.console.err(&format!("SPSDKAppError: {text}\n"));
        }
        spsdk::STATUS
    }
}

fn lost(report_bytes: u64) -> Stop {
    Stop::Exception {
        class: "SPSDKConnectionError",
        text: format!("SPSDK: Invalid size of written bytes has been detected: -1 != {report_bytes}"),
    }
}

fn cannot_create(file: &str, error: &std::io::Error) -> Stop {
    Stop::General { text: format!("FileError: Could not open file '{file}': {error}") }
}

fn describe_answer(kind: AnswerKind, answer: &Answer) -> String {
    match kind {
        AnswerKind::FuseRead => "Tag=FlashReadOnceResponse, Status=Success, Length=4".to_owned(),
        AnswerKind::ReadMemory => {
            let length = answer.words.first().copied().unwrap_or(0);
            format!("Tag=ReadMemoryResponse, Status=Success, Length={length}")
        }
        AnswerKind::Generic | AnswerKind::GetProperty => {
            format!("Tag=GenericResponse, Status=Success, Cmd={}", command_label(answer.of))
        }
    }
}

fn command_label(tag: u8) -> &'static str {
    match tag {
        0x02 => "FlashEraseRegion",
        0x03 => "ReadMemory",
        0x04 => "WriteMemory",
        0x05 => "FillMemory",
        0x0b => "Reset",
        0x0e => "FlashProgramOnce",
        0x11 => "ConfigureMemory",
        _ => "GetProperty",
    }
}

/// `1016 B`, `1.2 GiB`.
fn describe_size(bytes: u32) -> String {
    let mut size = f64::from(bytes);
    for unit in ["B", "kiB", "MiB", "GiB"] {
        if size < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1024.0;
    }
    format!("{size:.1} TiB")
}

fn hex_lines(bytes: &[u8]) -> String {
    let line = |chunk: &[u8]| chunk.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ") + "\n";
    bytes.chunks(16).map(line).collect()
}

fn json(command: &str, status: u32, description: &str, words: &[Word]) -> String {
    let word = |word: &Word| match word {
        Word::Integer(value) => format!("      {value}"),
        Word::Truth(truth) => format!("      {truth}"),
    };
    let response = match words {
        [] => "[]".to_owned(),
        words => format!("[\n{}\n   ]", words.iter().map(word).collect::<Vec<_>>().join(",\n")),
    };
    format!(
        "{{\n   \"command\": \"{command}\",\n   \"response\": {response},\n   \"status\": {{\n      \
         \"description\": \"{description}\",\n      \"value\": {status}\n   }}\n}}\n"
    )
}
