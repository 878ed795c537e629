//! Reads what a playbook says of the files that the person gives.

use std::str::FromStr;

use crate::documents::expression::Expression;
use crate::documents::playbook::{FileKind, Input, InputWord, NamesFiles, Need, Vectors, WordLimit};
use crate::documents::reader::{Entries, Reader};
use crate::documents::{Yaml, YamlKind};
use crate::words::{
    AddressRange, Diagnostic, FILE_BYTES_MAX, Id, Located, MADE_BYTES_MAX, Place, nearest, parse_integer,
};

const INPUT_KEYS: &[&str] = &[
    "file",
    "help",
    "kind",
    "optional",
    "optional_with",
    "together",
    "names_files",
    "min_size",
    "max_size",
    "starts_with",
    "not_starts_with",
    "words",
    "vectors",
    "example_size",
];
/// Tables with more columns are not made by hand.
const COLUMNS_MAX: u32 = 100;

pub(super) fn read_input(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<Input> {
    let parts = reader.map(yaml, "an input", INPUT_KEYS)?;
    // An input that is wrong stays declared, so that its uses are not reported as well.
    let file = match parts.get("file") {
        Some(file) => reader.name(file)?,
        None => {
            reader.report(Diagnostic::error(place, format!("the input `{name}` needs the key `file`")));
            Located { value: name.to_string(), place: place.clone() }
        }
    };
    if let Some(reason) = leaves_its_folder(&file.value) {
        reader.report(
            Diagnostic::error(&file.place, format!("`{}` {reason}", file.value)).hint(
                "a playbook names files below the folder given with --files; the person can name others with --set",
            ),
        );
    }
    if is_part_of_a_program(&file.value) {
        reader.report(part_of_a_program(&file));
    }
    let not_starts_with = parts.get("not_starts_with").map(|map| read_beginnings(reader, map)).unwrap_or_default();
    let words = parts.get("words").map(|map| read_words(reader, map)).unwrap_or_default();
    let names_files = parts.get("names_files").and_then(|table| read_names_files(reader, table));
    Some(Input {
        name,
        place: place.clone(),
        file,
        need: read_need(reader, &parts),
        together: parts.get("together").and_then(|word| reader.parsed::<Id>(word)),
        names_files,
        kind: parts.get("kind").and_then(|kind| read_kind(reader, kind)),
        help: parts.get("help").and_then(|help| reader.prose(help)),
        min_size: parts.get("min_size").and_then(|size| reader.size(size, MADE_BYTES_MAX)),
        max_size: parts.get("max_size").and_then(|size| reader.size(size, FILE_BYTES_MAX)),
        starts_with: parts.get("starts_with").and_then(|hex| read_bytes(reader, hex)).unwrap_or_default(),
        not_starts_with,
        words,
        vectors: parts.get("vectors").and_then(|vectors| read_vectors(reader, vectors)),
        example_size: parts.get("example_size").and_then(|size| reader.size(size, MADE_BYTES_MAX)),
    })
}

fn read_need(reader: &mut Reader, parts: &Entries<'_>) -> Need {
    let optional = parts.get("optional").and_then(|flag| reader.flag(flag));
    let with = parts.get("optional_with").and_then(|other| reader.parsed::<Id>(other));
    match (optional, with) {
        (Some(optional), Some(_)) => {
            let message = "`optional` and `optional_with` say different things of one input; keep one";
            reader.report(Diagnostic::error(&optional.place, message));
            Need::Never
        }
        (None, Some(other)) => Need::Without(other),
        (Some(Located { value: true, .. }), None) => Need::Never,
        (Some(_) | None, None) => Need::Always,
    }
}

fn read_names_files(reader: &mut Reader, yaml: &Yaml) -> Option<NamesFiles> {
    let parts = reader.map(yaml, "`names_files`", &["column", "comment", "except", "kind"])?;
    let Some(column) = parts.get("column") else {
        reader.report(Diagnostic::error(parts.place(), "`names_files` needs the key `column`, counted from 1"));
        return None;
    };
    let column = reader.count(column, 1..=COLUMNS_MAX)?;
    let comment = parts.get("comment").and_then(|comment| reader.text(comment)).map(|comment| comment.value);
    let except = parts.get("except").map(|list| reader.one_or_more(list, "except")).unwrap_or_default();
    let except = except.iter().filter_map(|word| reader.text(word)).map(|word| word.value).collect();
    Some(NamesFiles {
        column: usize::try_from(column).ok()?,
        comment: comment.filter(|text| !text.is_empty()),
        except,
        kind: parts.get("kind").and_then(|kind| read_kind(reader, kind)),
    })
}

/// Tools run in the folder of a run's files, and some load or start what lies there and looks like a part of them.
pub(crate) fn is_part_of_a_program(file: &str) -> bool {
    const ENDINGS: [&str; 12] = ["py", "pyc", "pyd", "pyw", "pth", "so", "dll", "dylib", "exe", "com", "bat", "cmd"];
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

pub(super) fn part_of_a_program(file: &Located<String>) -> Diagnostic {
    Diagnostic::error(&file.place, format!("a tool could load `{}` as a part of itself and run it", file.value))
        .hint("tools see the files of a run beside them; use another ending")
}

/// Why a file name of a playbook is not below the folder it belongs to.
pub(in crate::documents) fn leaves_its_folder(file: &str) -> Option<&'static str> {
    let windows_drive = file.as_bytes().get(1) == Some(&b':');
    if file.is_empty() || file.ends_with('/') {
        Some("is not the name of a file")
    } else if file.starts_with(['/', '\\', '~']) || windows_drive || file.contains('\0') {
        Some("is not a path below the folder")
    } else if file.contains('\\') {
        Some("holds a backslash; write `/`, which works everywhere")
    } else if file.split('/').any(|part| part == ".." || part == "." || part.is_empty()) {
        Some("leaves the folder")
    } else {
        None
    }
}

pub(super) fn report_equal_file_names(reader: &mut Reader, inputs: &[Input]) {
    for (index, input) in inputs.iter().enumerate() {
        if let Some(first) = inputs[..index].iter().find(|other| other.file_name() == input.file_name()) {
            let message = format!("`{}` and `{}` have the same file name", first.name, input.name);
            reader.report(
                Diagnostic::error(&input.file.place, message)
                    .hint("tools see both in one folder; rename one of the files"),
            );
        }
    }
}

/// Hexadecimal digits, blanks allowed: `d1 00 20`.
fn read_bytes(reader: &mut Reader, yaml: &Yaml) -> Option<Vec<u8>> {
    let text = reader.text(yaml)?;
    let bytes = bytes_of(&text.value);
    if bytes.is_none() {
        let message = format!("`{}` is not a row of bytes", text.value);
        reader.report(Diagnostic::error(&text.place, message).hint("two hexadecimal digits a byte: `\"d1 00 20\"`"));
    }
    bytes
}

pub(in crate::documents) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.split_whitespace().collect();
    if digits.is_empty() || digits.len() % 2 == 1 || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

fn read_beginnings(reader: &mut Reader, yaml: &Yaml) -> Vec<(Vec<u8>, String)> {
    let Some(map) = reader.open_map(yaml, "beginnings of wrong files") else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in map.all() {
        match (bytes_of(&key.text), reader.prose(value)) {
            (Some(bytes), Some(meaning)) => found.push((bytes, meaning)),
            (None, _) => {
                let message = format!("`{}` is not a row of bytes", key.text);
                reader
                    .report(Diagnostic::error(&key.place, message).hint("two hexadecimal digits a byte: `\"7f 45\"`"));
            }
            (_, None) => {}
        }
    }
    found
}

const WORD_BYTES: u64 = 4;

fn read_words(reader: &mut Reader, yaml: &Yaml) -> Vec<InputWord> {
    let Some(map) = reader.open_map(yaml, "words of a file") else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in map.all() {
        match parse_integer(&key.text).map(u64::try_from) {
            Ok(Ok(offset)) => {
                if let Some((limit, value)) = read_word(reader, value)
                    && reader.is_size(&key.place, offset.saturating_add(WORD_BYTES), MADE_BYTES_MAX)
                {
                    found.push(InputWord { offset, limit, value });
                }
            }
            _ => reader.report(Diagnostic::error(&key.place, "an offset in bytes is needed here, such as `0x14`")),
        }
    }
    found
}

/// The word itself, or how large it may be.
fn read_word(reader: &mut Reader, yaml: &Yaml) -> Option<(WordLimit, Expression)> {
    if !matches!(yaml.kind, YamlKind::Map(_)) {
        return Some((WordLimit::Exactly, reader.expression(yaml)?));
    }
    let parts = reader.map(yaml, "a word of a file", &["at_most"])?;
    let Some(limit) = parts.get("at_most") else {
        reader.report(Diagnostic::error(parts.place(), "a word of a file needs its value, or the key `at_most`"));
        return None;
    };
    Some((WordLimit::AtMost, reader.expression(limit)?))
}

fn read_kind(reader: &mut Reader, yaml: &Yaml) -> Option<FileKind> {
    let text = reader.text(yaml)?;
    let found = FileKind::ALL.into_iter().find(|(word, _)| *word == text.value);
    if found.is_none() {
        let words = FileKind::ALL.map(|(word, _)| word);
        let diagnostic = Diagnostic::error(&text.place, format!("`{}` is not a kind of file", text.value));
        reader.report(match nearest(&text.value, words) {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic
                .hint(format!("write {}, or leave the key out", words.map(|word| format!("`{word}`")).join(", "))),
        });
    }
    found.map(|(_, kind)| kind)
}

/// The table lies where its register can point: at a multiple of 128 (ARM, the Cortex-M's VTOR).
const VECTORS_ALIGNED_BYTES: u64 = 0x80;

fn read_vectors(reader: &mut Reader, yaml: &Yaml) -> Option<Vectors> {
    let parts = reader.map(yaml, "`vectors`", &["at", "address", "ram"])?;
    let (Some(address), Some(ram)) = (parts.get("address"), parts.get("ram")) else {
        let diagnostic = Diagnostic::error(parts.place(), "`vectors` needs the keys `address` and `ram`");
        reader.report(diagnostic.hint("as in `vectors: {address: 0x08000000, ram: [0x20000000+0x20000]}`"));
        return None;
    };
    let at = parts.get("at").map(|at| (at, reader.size(at, MADE_BYTES_MAX)));
    let number = reader.unsigned(address)?;
    let (at_place, at) = match at {
        Some((yaml, at)) => (&yaml.place, at?),
        None => (&address.place, 0),
    };
    if number.saturating_add(at) % VECTORS_ALIGNED_BYTES != 0 {
        let message =
            format!("a vector table lies at a multiple of {VECTORS_ALIGNED_BYTES:#x}, and this one would not");
        reader.report(Diagnostic::error(at_place, message));
        return None;
    }
    let Ok(address) = u32::try_from(number) else {
        reader.report(Diagnostic::error(&address.place, "an address has 32 bits"));
        return None;
    };
    let items = reader.one_or_more(ram, "ranges of addresses");
    if items.is_empty() {
        reader.report(Diagnostic::error(&ram.place, "at least one range of addresses is needed here"));
    }
    let ram: Vec<AddressRange> = items.iter().filter_map(|item| parsed(reader, item)).collect();
    (!ram.is_empty()).then_some(Vectors { at, address, ram })
}

fn parsed<T>(reader: &mut Reader, yaml: &Yaml) -> Option<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    reader.parsed::<T>(yaml).map(|located| located.value)
}
