//! NXP's old C++ `blhost`. Everything goes to stdout; it compares the command an answer belongs to, and ends with 0 on
//! every refusal.

use super::{NO_RESPONSE, UNKNOWN_COMMAND, version_detail};
use crate::bench::boards::imx_rt::{
    Answer, AnswerKind, Command, DataPhase, Exchange, Flavour, ImxRt, MAX_PACKET_BYTES,
};
use crate::bench::mocks::legacy::{LEGACY_START_MS, LegacyOptions};
use crate::bench::mocks::nxp_device::parse_c_integer;
use crate::bench::mocks::nxp_status::bootloader_status;
use crate::bench::{BenchClock, Console};

const VERSION: &str = "blhost 2.6.2\nCopyright (c) 2013-2015 Freescale Semiconductor, Inc.\n\
    Copyright 2016-2019 NXP\nAll rights reserved.\n";
const USAGE: &str = "usage: blhost [-?|--help] [-v|--version] [-p|--port <name>[,<speed>]]\n\
    \x20             [-i|--i2c <name>[,<address>,<speed>]]\n\
    \x20             [-s|--spi <name>[,<speed>,<polarity>,<phase>,lsb|msb]]\n\
    \x20             [-b|--buspal spi[,<speed>,<polarity>,<phase>,lsb|msb] | i2c[,<address>,<speed>] | \
    can[,<speed>,<txid>,<rxid>] | sai[,<speed>]]\n\
    \x20             [-l|--lpcusbsio spi[,<port>,<pin>,<speed>,<polarity>,<phase>] | i2c[,<address>,<speed>]]\n\
    \x20             [-u|--usb [[[[<vid>,]<pid>] | [<path>]]]] [-V|--verbose]\n\
    \x20             [-d|--debug] [-j|--json] [-n|--noping] [-t|--timeout <ms>]\n\
    \x20             -- command <args...>\n";

/// 10004 cut to what an exit code can hold: the one refusal that shows.
const NO_RESPONSE_EXIT: i32 = 20;

/// What a command has brought: a status, words behind it, and a line of detail.
#[derive(Debug, Default)]
struct Responses {
    values: Vec<u32>,
    detail: Option<String>,
}

struct Call<'a> {
    name: String,
    options: LegacyOptions,
    board: &'a mut ImxRt,
    console: &'a mut Console,
    clock: &'a mut BenchClock,
    responses: Responses,
}

pub(super) fn play(args: &[String], board: &mut ImxRt, console: &mut Console, clock: &mut BenchClock) -> i32 {
    let options = match LegacyOptions::parse("blhost", 5_000, USAGE, args) {
        Ok(options) => options,
        Err(stop) => return stop.tell(VERSION, console),
    };
    clock.take(LEGACY_START_MS);
    let words = shown_words(&options.command);
    let Some(request) = Request::parse(&options.command) else {
        options.say(console, &format!("Error: invalid command or arguments '{words}'\n"));
        return 1;
    };
    let Some(_) = options.open(board, *clock) else {
        options.say(console, &options.cannot_open());
        return 1;
    };
    let name = options.command[0].clone();
    options.say(console, &format!("Inject command '{name}'\n"));
    let mut call = Call { name, options, board, console, clock, responses: Responses::default() };
    if call.board.speaks_bootloader(call.clock.now_ms()) {
        call.run(&request);
    } else {
        // The boot ROM speaks another protocol and stays silent.
        call.clock.take(call.options.timeout_ms);
        call.say("sendCommandGetResponse.readPacket error 5.\n");
        call.responses.values.push(NO_RESPONSE);
    }
    call.finish()
}

/// The tool itself puts the byte count of a fuse between index and data.
fn shown_words(command: &[String]) -> String {
    match command {
        [name, index, rest @ ..] if name == "efuse-program-once" => {
            let rest: String = rest.iter().map(|word| format!(" {word}")).collect();
            format!("{name} {index} 4{rest}")
        }
        _ => command.join(" "),
    }
}

enum Request {
    Plain(Command),
    Read { address: u64, length: u64, file: Option<String> },
    Write { address: u64, file: String },
}

impl Request {
    fn parse(command: &[String]) -> Option<Request> {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let number = parse_c_integer;
        let short = |text: &str| parse_c_integer(text).and_then(|value| u32::try_from(value).ok());
        Some(match words.as_slice() {
            ["reset"] => Request::Plain(Command::Reset),
            ["get-property", property] | ["get-property", property, _] => {
                Request::Plain(Command::GetProperty(short(property)?))
            }
            ["flash-erase-region", address, length] | ["flash-erase-region", address, length, _] => {
                Request::Plain(Command::FlashEraseRegion { address: number(address)?, length: number(length)? })
            }
            ["fill-memory", address, length, pattern] | ["fill-memory", address, length, pattern, "word"] => {
                let (address, length) = (number(address)?, number(length)?);
                Request::Plain(Command::FillMemory { address, length, pattern: short(pattern)? })
            }
            ["configure-memory", memory, address] => {
                Request::Plain(Command::ConfigureMemory { memory: number(memory)?, address: number(address)? })
            }
            ["efuse-read-once", index] => Request::Plain(Command::EfuseReadOnce(short(index)?)),
            ["efuse-program-once", index, data] => Request::fuse(short(index)?, data)?,
            ["efuse-program-once", index, data, "lock"] => Request::fuse(short(index)? | (1 << 24), data)?,
            ["read-memory", address, length] => {
                Request::Read { address: number(address)?, length: number(length)?, file: None }
            }
            ["read-memory", address, length, file] | ["read-memory", address, length, file, _] => {
                let file = number(file).is_none().then(|| (*file).to_owned());
                Request::Read { address: number(address)?, length: number(length)?, file }
            }
            ["write-memory", address, file] | ["write-memory", address, file, _] if !file.contains(',') => {
                Request::Write { address: number(address)?, file: (*file).to_owned() }
            }
            _ => return None,
        })
    }

    /// Exactly eight digits.
    fn fuse(index: u32, data: &str) -> Option<Request> {
        let value = (data.len() == 8).then(|| u32::from_str_radix(data, 16).ok()).flatten()?;
        Some(Request::Plain(Command::EfuseProgramOnce { index, value }))
    }
}

impl Call<'_> {
    fn run(&mut self, request: &Request) {
        match request {
            Request::Plain(Command::Reset) => self.reset(),
            Request::Plain(command @ Command::GetProperty(property)) => self.get_property(*command, *property),
            Request::Plain(command @ Command::EfuseReadOnce(_)) => self.read_fuse(*command),
            Request::Plain(command) => {
                let answer = self.exchange(*command);
                self.take_generic(*command, answer.as_ref());
            }
            Request::Read { address, length, file } => self.read_memory(*address, *length, file.as_deref()),
            Request::Write { address, file } => self.write_memory(*address, file),
        }
    }

    fn say(&mut self, text: &str) {
        self.options.say(self.console, text);
    }

    fn exchange(&mut self, command: Command) -> Option<Answer> {
        match self.board.exchange(command, self.options.timeout_ms, self.clock) {
            Exchange::Answered(answer) => return Some(answer),
            Exchange::NoAnswer => self.say("sendCommandGetResponse.readPacket error 5.\n"),
            Exchange::LostBefore => self.say("sendCommandGetResponse.writePacket error 1.\n"),
            Exchange::LostAfter => self.say("sendCommandGetResponse.readPacket error 1.\n"),
        }
        None
    }

    /// Takes an answer that only has a status. True when the command has succeeded.
    fn take_generic(&mut self, command: Command, answer: Option<&Answer>) -> bool {
        let Some(answer) = answer else {
            self.responses.values.push(NO_RESPONSE);
            return false;
        };
        if answer.kind != AnswerKind::Generic {
            self.wrong_kind("GenericResponse", AnswerKind::Generic, answer);
            return false;
        }
        if answer.of != command.tag() {
            self.say(&format!("Error: expected commandTag {:#x}, received {:#x}\n", command.tag(), answer.of));
            self.responses.values.push(UNKNOWN_COMMAND);
            return false;
        }
        self.responses.values.push(answer.status);
        if answer.status == 0 {
            self.say(&format!("Successful generic response to command '{}'\n", self.name));
        }
        answer.status == 0
    }

    fn wrong_kind(&mut self, name: &str, expected: AnswerKind, answer: &Answer) {
        let (expected, received) = (expected as u8, answer.kind as u8);
        self.say(&format!("Error: expected kCommandTag_{name} ({expected:#x}), received {received:#x}\n"));
        self.responses.values.push(UNKNOWN_COMMAND);
    }

    fn reset(&mut self) {
        match self.exchange(Command::Reset) {
            Some(answer) => {
                self.take_generic(Command::Reset, Some(&answer));
            }
            None => {
                self.say("Ignoring missing response from reset command.\n");
                self.responses.values.push(0);
            }
        }
    }

    /// An answer with words. Generic answers are refusals, or belong to another command.
    fn take_words(&mut self, command: Command, kind: AnswerKind, name: &str) -> bool {
        let Some(answer) = self.exchange(command) else {
            self.responses.values.push(NO_RESPONSE);
            return false;
        };
        if answer.kind == AnswerKind::Generic {
            return self.take_generic(command, Some(&answer));
        }
        if answer.kind != kind {
            self.wrong_kind(name, kind, &answer);
            return false;
        }
        self.responses.values.push(answer.status);
        self.responses.values.extend(&answer.words);
        answer.status == 0
    }

    fn get_property(&mut self, command: Command, property: u32) {
        if self.take_words(command, AnswerKind::GetProperty, "GetPropertyResponse") {
            let word = self.responses.values.get(1).copied().unwrap_or(0);
            self.responses.detail = Some(match property {
                11 => format!("Max Packet Size = {}", describe_size(word)),
                _ => version_detail(word),
            });
        }
    }

    fn read_fuse(&mut self, command: Command) {
        self.take_words(command, AnswerKind::FuseRead, "FlashReadOnceResponse");
    }

    fn read_memory(&mut self, address: u64, length: u64, file: Option<&str>) {
        let command = Command::ReadMemory { address, length };
        if let Some(path) = file.filter(|path| std::fs::write(self.console.path(path), "").is_err()) {
            self.say(&format!("Error: cannot open output data file '{path}'\n"));
            return;
        }
        let mut read = 0;
        match self.exchange(command) {
            None => self.responses.values.push(NO_RESPONSE),
            Some(answer) if answer.kind == AnswerKind::ReadMemory && answer.status == 0 => {
                read = self.receive(address, length, file);
            }
            Some(answer) if answer.kind == AnswerKind::Generic => {
                self.take_generic(command, Some(&answer));
            }
            Some(answer) => {
                // The real tool forgets the status here, so that the byte count behind it is shown as one: success.
                let received = answer.kind as u8;
                self.say(&format!("Error: expected kCommandTag_ReadMemoryResponse (0xa3), received {received:#x}\n"));
            }
        }
        self.responses.values.push(u32::try_from(read).unwrap_or(u32::MAX));
        self.responses.detail = Some(format!("Read {read} of {length} bytes."));
    }

    fn receive(&mut self, address: u64, length: u64, file: Option<&str>) -> u64 {
        self.say(&format!("Successful response to command '{}'\n", self.name));
        let bytes = match self.board.read_data(address, length, self.clock) {
            Ok(bytes) => bytes,
            Err(status) => {
                self.responses.values.push(status);
                return 0;
            }
        };
        match file {
            Some(path) => {
                // The file could be opened a moment ago; a full disk shows in its length.
                let _too_full = std::fs::write(self.console.path(path), &bytes);
            }
            None => self.say(&hex_lines(&bytes)),
        }
        self.progress(length, length);
        self.say(&format!("Successful generic response to command '{}'\n", self.name));
        self.responses.values.push(0);
        length
    }

    fn write_memory(&mut self, address: u64, file: &str) {
        let Ok(data) = std::fs::read(self.console.path(file)) else {
            self.say(&format!("Error: cannot open input data file '{file}'\n"));
            return;
        };
        let length = data.len() as u64;
        self.say(&format!("Preparing to send {length} ({length:#x}) bytes to the target.\n"));
        let _packet_size = self.board.exchange(Command::GetProperty(11), self.options.timeout_ms, self.clock);
        let command = Command::WriteMemory { address, length };
        let answer = self.exchange(command);
        if !self.take_generic(command, answer.as_ref()) {
            self.responses.detail = Some(format!("Wrote 0 of {length} bytes."));
            return;
        }
        self.responses.values.pop();
        let phase = self.board.send_data(&data, self.clock);
        let sent = match phase {
            DataPhase::Lost { sent_bytes } => sent_bytes.min(length),
            DataPhase::Sent | DataPhase::Aborted => length,
        };
        self.progress(sent, length);
        self.responses.detail = Some(format!("Wrote {sent} of {length} bytes."));
        match phase {
            DataPhase::Lost { .. } => {
                self.say("Data phase write aborted by status 0x1 Failure.\n");
                self.responses.values.push(NO_RESPONSE);
                return;
            }
            DataPhase::Aborted => self.say("usbhid: received data phase abort\n"),
            DataPhase::Sent => {}
        }
        match self.board.closing_answer(self.options.timeout_ms, self.clock) {
            Exchange::Answered(answer) => {
                self.take_generic(command, Some(&answer));
            }
            Exchange::NoAnswer | Exchange::LostBefore | Exchange::LostAfter => {
                self.responses.values.push(NO_RESPONSE);
            }
        }
    }

    /// One piece per packet, and a newline only behind the last.
    fn progress(&mut self, sent: u64, total: u64) {
        let mut at = 0;
        while at < sent {
            at = (at + u64::from(MAX_PACKET_BYTES)).min(total);
            self.say(&format!("\r(1/1){:2}%", at * 100 / total));
        }
        if sent == total {
            self.say(" Completed!\n");
        }
    }

    fn finish(self) -> i32 {
        let Call { name, options, console, responses, .. } = self;
        let Some((status, words)) = responses.values.split_first() else { return 0 };
        if options.json {
            console.out(&json(&name, *status, words));
        } else {
            console.out(&format!("Response status = {}\n", bootloader_status(*status, Flavour::Legacy)));
            for (index, word) in words.iter().enumerate() {
                console.out(&format!("Response word {} = {word} ({word:#x})\n", index + 1));
            }
            if let Some(detail) = &responses.detail {
                console.out(&format!("{detail}\n"));
            }
        }
        if *status == NO_RESPONSE { NO_RESPONSE_EXIT } else { 0 }
    }
}

/// `1016 Bytes`, `1.2 GB`.
fn describe_size(bytes: u32) -> String {
    match bytes {
        0..1024 => format!("{bytes} Bytes"),
        1024..0x10_0000 => format!("{:.1} KB", f64::from(bytes) / 1024.0),
        0x10_0000..0x4000_0000 => format!("{:.1} MB", f64::from(bytes) / f64::from(0x10_0000)),
        _ => format!("{:.1} GB", f64::from(bytes) / f64::from(0x4000_0000)),
    }
}

fn hex_lines(bytes: &[u8]) -> String {
    let line = |chunk: &[u8]| chunk.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ") + "\n";
    bytes.chunks(16).map(line).collect()
}

fn json(command: &str, status: u32, words: &[u32]) -> String {
    let text = bootloader_status(status, Flavour::Legacy).replace(&format!("{status:#x}"), &format!("0x{status:X}"));
    let words: Vec<String> = words.iter().map(u32::to_string).collect();
    let response = if words.is_empty() { "[]".to_owned() } else { format!("[ {} ]", words.join(", ")) };
    format!(
        "{{\n   \"command\" : \"{command}\",\n   \"response\" : {response},\n   \"status\" : {{\n      \
         \"description\" : \"{text}\",\n      \"value\" : {status}\n   }}\n}}\n"
    )
}
