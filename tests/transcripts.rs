//! Every recorded run of a vendor tool has an expected verdict, in the `expected.toml` beside it.
//!
//! A record is fed through the splitter and the judge with the shipped catalog: in one piece, in odd-sized chunks, and
//! with either stream first, since the order of the two was not recorded.

#![expect(clippy::expect_used, clippy::panic, reason = "the helpers of a test may fail it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use recover::documents::catalog::{Catalog, Tool, shipped};
use recover::output::{Expectations, Judge, Judgement, LineSplitter, Presence, Touched};
use recover::words::{Stream, ToolEnd, Verdict};
use regex::Regex;

const CHUNK_SIZES: [usize; 4] = [usize::MAX, 1, 7, 64];

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// `succeeded`, `warning`, or the class of a fault.
    verdict: String,
    code: Option<String>,
    touched: String,
    /// What is on the bus afterwards, where the verdict hangs on it.
    presence: Option<String>,
    /// USB ids of the device meant, where the verdict hangs on them.
    #[serde(default)]
    devices: Vec<String>,
    /// What a step that makes this call would expect.
    #[serde(default)]
    expect: Vec<String>,
    /// How the process ended, where recover would have ended it otherwise than the record says: `silent`.
    end: Option<String>,
    /// Why a verdict that looks wrong is the right one to expect.
    #[serde(rename = "reason")]
    _reason: Option<String>,
}

/// One recorded run.
struct Record {
    argv: Vec<String>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    end: ToolEnd,
}

#[test]
fn every_transcript_gets_its_verdict() {
    let catalog = shipped().expect("the shipped catalog loads");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut faults = Vec::new();
    for folder in sorted_entries(&root).into_iter().filter(|path| path.is_dir()) {
        let table = fs::read_to_string(folder.join("expected.toml")).expect("each folder has an expected.toml");
        let mut expected: BTreeMap<String, Expected> = toml::from_str(&table).expect("expected.toml is well-formed");
        for file in sorted_entries(&folder) {
            if file.extension().is_none_or(|extension| extension != "txt") {
                continue;
            }
            let name = file.file_stem().expect("has a name").to_string_lossy().into_owned();
            match expected.remove(&name) {
                Some(expected) => check(&catalog, &file, &expected, &mut faults),
                None => faults.push(format!("{name}: nothing is expected of it in expected.toml")),
            }
        }
        faults.extend(expected.into_keys().map(|name| format!("{name}: expected, but there is no such transcript")));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn check(catalog: &Catalog, file: &Path, expected: &Expected, faults: &mut Vec<String>) {
    let name = file.file_stem().expect("has a name").to_string_lossy();
    let mut record = read(&fs::read(file).expect("can be read"));
    if expected.end.as_deref() == Some("silent") {
        record.end = ToolEnd::Silent(Duration::from_secs(60));
    }
    let program = &record.argv[0];
    let Some(tool) = catalog.tools.iter().find(|tool| tool.name == *program || tool.programs.contains(program)) else {
        faults.push(format!("{name}: the catalog has no tool `{program}`"));
        return;
    };
    for size in CHUNK_SIZES {
        for stdout_first in [true, false] {
            let judgement = judge(tool, &record, expected, size, stdout_first);
            let got = describe(&judgement);
            let wanted = format!(
                "{}{} touched {}",
                expected.verdict,
                expected.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default(),
                expected.touched
            );
            if got != wanted {
                faults.push(format!("{name}: expected {wanted}, got {got}\n    {:?}", judgement.verdict));
                return;
            }
            if let Verdict::Fault(fault) = &judgement.verdict
                && (fault.message.is_empty() || fault.message.ends_with('.'))
            {
                faults.push(format!("{name}: `{}` is no sentence without a full stop", fault.message));
            }
        }
    }
}

fn judge(tool: &Tool, record: &Record, expected: &Expected, chunk_size: usize, stdout_first: bool) -> Judgement {
    let args = &record.argv[1..];
    let expect: Vec<Regex> = expected.expect.iter().map(|text| Regex::new(text).expect("compiles")).collect();
    let expectations =
        Expectations { expect: &expect, device_ids: &expected.devices, arguments: args, ..Expectations::default() };
    let mut judge = Judge::new(tool, tool.command(args), expectations);
    let mut streams = [(Stream::Stdout, &record.stdout), (Stream::Stderr, &record.stderr)];
    if !stdout_first {
        streams.reverse();
    }
    for (stream, bytes) in streams {
        let mut splitter = LineSplitter::default();
        for chunk in bytes.chunks(chunk_size.min(bytes.len()).max(1)) {
            for piece in splitter.push(chunk) {
                judge.piece(stream, &piece.text);
            }
        }
        if let Some(piece) = splitter.finish() {
            judge.piece(stream, &piece.text);
        }
    }
    let presence = match expected.presence.as_deref() {
        None => Presence::Unknown,
        Some("present") => Presence::Present,
        Some("denied") => Presence::Denied,
        Some("absent") => Presence::Absent,
        Some("returned") => Presence::Returned,
        Some(other) => panic!("`{other}` is no presence"),
    };
    judge.judge(&record.end, presence)
}

fn describe(judgement: &Judgement) -> String {
    let verdict = match &judgement.verdict {
        Verdict::Succeeded => "succeeded".to_owned(),
        Verdict::SucceededWithWarning(_) => "warning".to_owned(),
        Verdict::Fault(fault) => match &fault.code {
            Some(code) => format!("{} {code}", fault.class),
            None => fault.class.to_string(),
        },
    };
    let touched = match judgement.touched {
        Touched::Nothing => "nothing",
        Touched::Partly => "partly",
        Touched::Completely => "completely",
    };
    format!("{verdict} touched {touched}")
}

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("can be read").path()).collect();
    paths.sort();
    paths
}

/// Which escapes a record uses; it names them in a note, since a backslash may also stand for itself.
#[derive(Default)]
struct Escapes {
    carriage_return: bool,
    tab: bool,
    hexadecimal: bool,
    backslash: bool,
    no_newline: bool,
}

impl Escapes {
    fn of(note: &str) -> Self {
        Escapes {
            carriage_return: note.contains(r"\r"),
            tab: note.contains(r"\t"),
            hexadecimal: note.contains(r"\x"),
            backslash: note.contains(r"\\ "),
            no_newline: note.contains(r"\ at the end of a line"),
        }
    }

    /// The bytes that one line of a record stands for, its newline included.
    fn decode(&self, line: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = line;
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            if first != b'\\' {
                bytes.push(first);
                continue;
            }
            match after {
                [b'r', ..] if self.carriage_return => bytes.push(b'\r'),
                [b't', ..] if self.tab => bytes.push(b'\t'),
                [b'\\', ..] if self.backslash => bytes.push(b'\\'),
                [b'x', digits @ ..] if self.hexadecimal && digits.len() >= 2 => {
                    let digits = std::str::from_utf8(&digits[..2]).expect("hexadecimal digits");
                    bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
                    rest = &after[2..];
                }
                [] if self.no_newline => return bytes,
                _ => {
                    bytes.push(b'\\');
                    continue;
                }
            }
            rest = &rest[1..];
        }
        bytes.push(b'\n');
        bytes
    }
}

fn read(text: &[u8]) -> Record {
    let mut record = Record { argv: Vec::new(), stdout: Vec::new(), stderr: Vec::new(), end: ToolEnd::Exited(0) };
    let mut escapes = Escapes::default();
    let (mut by_signal, mut no_last_newline) = (false, false);
    let mut stream = None;
    for line in text.split(|&byte| byte == b'\n') {
        let as_text = String::from_utf8_lossy(line);
        let line = &without_marks(line);
        if let Some(note) = as_text.strip_prefix("# note: ").filter(|_| stream.is_none()) {
            if note.starts_with("escapes") {
                escapes = Escapes::of(note);
            }
            no_last_newline |= note.ends_with("without LF");
            by_signal |= note.starts_with("ended by signal");
        } else if let Some(argv) = as_text.strip_prefix("$ ").filter(|_| stream.is_none()) {
            record.argv = arguments(argv);
        } else if as_text == "--- stdout" {
            stream = Some(Stream::Stdout);
        } else if as_text == "--- stderr" {
            stream = Some(Stream::Stderr);
        } else if let Some(code) = as_text.strip_prefix("--- exit ") {
            if no_last_newline {
                record.stdout.pop();
            }
            let code: i32 = code.trim().parse().expect("an exit code");
            record.end = match code {
                _ if by_signal => ToolEnd::Signalled(code - 128),
                ..0 => ToolEnd::Signalled(-code),
                _ => ToolEnd::Exited(code),
            };
            return record;
        } else {
            match stream {
                Some(Stream::Stdout) => record.stdout.extend(escapes.decode(line)),
                Some(Stream::Stderr) => record.stderr.extend(escapes.decode(line)),
                None => {}
            }
        }
    }
    panic!("a transcript must end with `--- exit N`");
}

/// The words of a command line, of which those with blanks stand in double quotes.
fn arguments(line: &str) -> Vec<String> {
    let quoted = |(index, part): (usize, &str)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    };
    line.split('"').enumerate().flat_map(quoted).collect()
}

/// Without the marks of a record: `{fold N}` for updates that were left out, `{src} ` before text that is known from
/// elsewhere, and `{S}` for a number of seconds.
fn without_marks(line: &[u8]) -> Vec<u8> {
    static MARKS: LazyLock<regex::bytes::Regex> =
        LazyLock::new(|| regex::bytes::Regex::new(r"\{fold \d+\}|\{src\} |\{S\}").expect("compiles"));
    MARKS.replace_all(line, b"".as_slice()).into_owned()
}
