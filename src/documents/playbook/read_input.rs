//! Reads what a playbook says of the files that the person gives.

use std::str::FromStr;

use crate::documents::expression::Expression;
use crate::documents::forms::{FLAG, SCALAR, TEXTS, words};
use crate::documents::keys::{Shape, Ways, keys};
use crate::documents::playbook::read_step::EXPRESSION;
use crate::documents::playbook::{FileKind, Input, InputWord, NamesFiles, Need, Vectors, WordLimit};
use crate::documents::reader::{Parts, Reader};
use crate::documents::{Yaml, YamlKind};
use crate::words::{AddressRange, Code, Diagnostic, FILE_BYTES_MAX, Id, Located, MADE_BYTES_MAX, Place, parse_integer};

/// Tables with more columns are not made by hand.
const COLUMNS_MAX: u32 = 100;

const KIND: Shape = Shape::Part("kind", "", &Shape::Words(|| words(&FileKind::ALL)));
pub(super) const NUMBER: Shape = Shape::Part("number", "", &Shape::Either(&[Shape::From(0), Shape::Text]));

keys! {
    INPUT: InputKeys = "an input", part("input");
    file: Shape::Text, "Path below the folder of files; its last part is the name that tools see.", required();
    help: Shape::Text, "What the file is, for people.";
    kind: KIND,
        "raw: bytes as they lie in a memory. Text, archives, ELF, HEX, .dfu and the like, and blank files are \
         refused. Without it, only what the other keys ask for is checked.";
    optional: FLAG, "yes: the person may give none; `given(…)` in conditions tells.";
    optional_with: Shape::Text, "Needed only where this other input is not given.";
    together: Shape::Text, "Inputs of one such name are given all, or none of them.";
    names_files: Shape::Map(NamesFilesKeys::kind), "The file is a table that names further files.";
    min_size: NUMBER, "A smaller file is refused, in bytes.";
    max_size: NUMBER, "A larger file is refused, in bytes.";
    starts_with: SCALAR, "Bytes: \"d1 00 20\".";
    not_starts_with: Shape::Named(&Shape::Text),
        "Beginnings of files that people mistake for this one, and what they are; beside what the kind excludes.";
    words: Shape::Named(&Shape::Either(&[EXPRESSION, Shape::Map(WordKeys::kind)])),
        "Little-endian 32-bit words that the file must hold, by offset.";
    vectors: Shape::Map(VectorsKeys::kind),
        "The file is a program for a Cortex-M: its stack must begin in the board's RAM or at its end, its first \
         instruction at an odd address within the file.";
    example_size: NUMBER, "Size of the file that a simulation makes up.";
}

keys! {
    NAMES_FILES: NamesFilesKeys = "`names_files`";
    column: Shape::Integer(1, COLUMNS_MAX),
        "The column that names files, counted from 1; tabs set columns apart.",
        required(), when_missing(", counted from 1", "");
    comment: SCALAR, "Lines that begin with this name no file.";
    except: TEXTS, "What stands in the column where no file is meant.";
    kind: KIND, "What the named files are, as the input's own kind.";
}

keys! {
    WORD: WordKeys = "a word of a file", ways(Ways::NotEmpty);
    at_most: EXPRESSION, "The word may be smaller: such as a length without its padding.";
}

keys! {
    VECTORS: VectorsKeys = "`vectors`",
    missing_together("as in `vectors: {address: 0x08000000, ram: [0x20000000+0x20000]}`");
    at: NUMBER, "Where in the file the vector table begins, in bytes; 0 without it.";
    address: NUMBER, "Where the file's first byte lies when the program runs.", required();
    ram: TEXTS, "The memories that a stack can lie in, as address and size: 0x20000000+0x20000.", required();
}

pub(super) fn read_input(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<Input> {
    let parts = reader.parts_of_named((name.as_str(), place), yaml, &INPUT)?;
    // An input that is wrong stays declared, so that its uses are not reported as well.
    let file = match parts.get(INPUT.file) {
        Some(file) => reader.name(file)?,
        None => Located { value: name.to_string(), place: place.clone() },
    };
    if let Some(reason) = leaves_its_folder(&file.value) {
        reader.report(
            Diagnostic::error(Code::UnsafePath, &file.place, format!("`{}` {reason}", file.value)).hint(
                "a playbook names files below the folder given with --files; the person can name others with --set",
            ),
        );
    }
    if is_part_of_a_program(&file.value) {
        reader.report(part_of_a_program(&file));
    }
    let not_starts_with = parts.get(INPUT.not_starts_with).map(|map| read_beginnings(reader, map)).unwrap_or_default();
    let words = parts.get(INPUT.words).map(|map| read_words(reader, map)).unwrap_or_default();
    let names_files = parts.get(INPUT.names_files).and_then(|table| read_names_files(reader, table));
    Some(Input {
        name,
        place: place.clone(),
        file,
        need: read_need(reader, &parts),
        together: parts.get(INPUT.together).and_then(|word| reader.parsed::<Id>(word)),
        names_files,
        kind: parts.get(INPUT.kind).and_then(|kind| read_kind(reader, kind)),
        help: parts.get(INPUT.help).and_then(|help| reader.prose(help)),
        min_size: parts.get(INPUT.min_size).and_then(|size| reader.size(size, MADE_BYTES_MAX)),
        max_size: parts.get(INPUT.max_size).and_then(|size| reader.size(size, FILE_BYTES_MAX)),
        starts_with: parts.get(INPUT.starts_with).and_then(|hex| read_bytes(reader, hex)).unwrap_or_default(),
        not_starts_with,
        words,
        vectors: parts.get(INPUT.vectors).and_then(|vectors| read_vectors(reader, vectors)),
        example_size: parts.get(INPUT.example_size).and_then(|size| reader.size(size, MADE_BYTES_MAX)),
    })
}

fn read_need(reader: &mut Reader, parts: &Parts<'_, InputKeys>) -> Need {
    let optional = parts.get(INPUT.optional).and_then(|flag| reader.flag(flag));
    let with = parts.get(INPUT.optional_with).and_then(|other| reader.parsed::<Id>(other));
    match (optional, with) {
        (Some(optional), Some(_)) => {
            let message = "`optional` and `optional_with` say different things of one input; keep one";
            reader.report(Diagnostic::error(Code::Contradiction, &optional.place, message));
            Need::Never
        }
        (None, Some(other)) => Need::Without(other),
        (Some(Located { value: true, .. }), None) => Need::Never,
        (Some(_) | None, None) => Need::Always,
    }
}

fn read_names_files(reader: &mut Reader, yaml: &Yaml) -> Option<NamesFiles> {
    let parts = reader.parts(yaml, &NAMES_FILES)?;
    let column = reader.count(parts.get(NAMES_FILES.column)?, 1..=COLUMNS_MAX)?;
    let comment = parts.get(NAMES_FILES.comment).and_then(|comment| reader.text(comment)).map(|comment| comment.value);
    let except = parts.get(NAMES_FILES.except).map(|list| reader.one_or_more(list, "except")).unwrap_or_default();
    let except = except.iter().filter_map(|word| reader.text(word)).map(|word| word.value).collect();
    Some(NamesFiles {
        column: usize::try_from(column).ok()?,
        comment: comment.filter(|text| !text.is_empty()),
        except,
        kind: parts.get(NAMES_FILES.kind).and_then(|kind| read_kind(reader, kind)),
    })
}

/// Tools run in the folder of a run's files, and some load or start what lies there and looks like a part of them.
pub(crate) fn is_part_of_a_program(file: &str) -> bool {
    const ENDINGS: [&str; 12] = ["py", "pyc", "pyd", "pyw", "pth", "so", "dll", "dylib", "exe", "com", "bat", "cmd"];
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

pub(super) fn part_of_a_program(file: &Located<String>) -> Diagnostic {
    Diagnostic::error(
        Code::UnsafePath,
        &file.place,
        format!("a tool could load `{}` as a part of itself and run it", file.value),
    )
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
                Diagnostic::error(Code::DuplicateName, &input.file.place, message)
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
        reader.report(
            Diagnostic::error(Code::BadBytes, &text.place, message)
                .hint("two hexadecimal digits a byte: `\"d1 00 20\"`"),
        );
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
                reader.report(
                    Diagnostic::error(Code::BadBytes, &key.place, message)
                        .hint("two hexadecimal digits a byte: `\"7f 45\"`"),
                );
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
            _ => reader.report(Diagnostic::error(
                Code::BadNumber,
                &key.place,
                "an offset in bytes is needed here, such as `0x14`",
            )),
        }
    }
    found
}

/// The word itself, or how large it may be.
fn read_word(reader: &mut Reader, yaml: &Yaml) -> Option<(WordLimit, Expression)> {
    if !matches!(yaml.kind, YamlKind::Map(_)) {
        return Some((WordLimit::Exactly, reader.expression(yaml)?));
    }
    let parts = reader.parts(yaml, &WORD)?;
    let Some(limit) = parts.get(WORD.at_most) else {
        reader.report(Diagnostic::error(
            Code::MissingKey,
            parts.place(),
            "a word of a file needs its value, or the key `at_most`",
        ));
        return None;
    };
    Some((WordLimit::AtMost, reader.expression(limit)?))
}

fn read_kind(reader: &mut Reader, yaml: &Yaml) -> Option<FileKind> {
    reader.one_of(yaml, &FileKind::ALL, |word| format!("`{word}` is not a kind of file")).map(|kind| kind.value)
}

/// The table lies where its register can point: at a multiple of 128 (ARM, the Cortex-M's VTOR).
const VECTORS_ALIGNED_BYTES: u64 = 0x80;

fn read_vectors(reader: &mut Reader, yaml: &Yaml) -> Option<Vectors> {
    let parts = reader.parts(yaml, &VECTORS)?;
    let (address, ram) = (parts.get(VECTORS.address)?, parts.get(VECTORS.ram)?);
    let at = parts.get(VECTORS.at).map(|at| (at, reader.size(at, MADE_BYTES_MAX)));
    let number = reader.unsigned(address)?;
    let (at_place, at) = match at {
        Some((yaml, at)) => (&yaml.place, at?),
        None => (&address.place, 0),
    };
    if number.saturating_add(at) % VECTORS_ALIGNED_BYTES != 0 {
        let message =
            format!("a vector table lies at a multiple of {VECTORS_ALIGNED_BYTES:#x}, and this one would not");
        reader.report(Diagnostic::error(Code::BadNumber, at_place, message));
        return None;
    }
    let Ok(address) = u32::try_from(number) else {
        reader.report(Diagnostic::error(Code::BadNumber, &address.place, "an address has 32 bits"));
        return None;
    };
    let items = reader.one_or_more(ram, "ranges of addresses");
    if items.is_empty() {
        reader.report(Diagnostic::error(Code::EmptyList, &ram.place, "at least one range of addresses is needed here"));
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
