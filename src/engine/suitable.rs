//! Is a file what the playbook says of its input? Looks at the staged copy; where files come from is the part of
//! [`crate::engine::inputs`].

use std::collections::BTreeSet;

use crate::documents::expression::{EvaluationError, Node, Value, evaluate};
use crate::documents::library::shipped_playbooks;
use crate::documents::playbook::{
    Declared, FileKind, Input, InputWord, LOOKED_AT_BYTES, Playbook, Vectors, WordLimit, WrongKind,
    blank as of_blank_memory, wrong_kind as known_wrong_kind,
};
use crate::engine::Files;
use crate::engine::files::FileError;
use crate::engine::inputs::too_large_message;
use crate::words::Id;

/// Why a file does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Unsuitable {
    /// A sentence without a full stop.
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl From<FileError> for Unsuitable {
    fn from(error: FileError) -> Self {
        error.to_string().into()
    }
}

impl From<String> for Unsuitable {
    fn from(message: String) -> Self {
        Unsuitable { message, hint: None }
    }
}

/// Has the file of this input what the playbook asks for?
pub(super) fn suits(input: &Input, playbook: &Playbook, files: &Files) -> Result<(), Unsuitable> {
    let name = input.file_name();
    let size = files.size(&input.name)?;
    if size == 0 {
        return Err(format!("`{name}` is empty").into());
    }
    let read = |offset, length| files.bytes(&input.name, offset, length);
    for (beginning, meaning) in &input.not_starts_with {
        if read(0, beginning.len() as u64).is_ok_and(|bytes| bytes == *beginning) {
            return Err(format!("`{name}` is {meaning}").into());
        }
    }
    if let Some(kind) = input.kind
        && let Some(wrong) = wrong_kind(kind, size, &read)?
    {
        let hint = wrong.remedy.map(str::to_owned);
        return Err(Unsuitable { message: format!("`{name}` is {}", wrong.what), hint });
    }
    if let Some(min) = input.min_size
        && size < min
    {
        let message =
            format!("`{name}` has only {size} bytes, and at least {min} are expected: it is cut short or another file");
        return Err(message.into());
    }
    if let Some(max) = input.max_size
        && size > max
    {
        return Err(too_large_message(name, size, max).into());
    }
    let wanted_bytes = &input.starts_with;
    if !wanted_bytes.is_empty() {
        let found = read(0, wanted_bytes.len() as u64).unwrap_or_default();
        if found != *wanted_bytes {
            let (found, wanted) = (hexadecimal(&found), hexadecimal(wanted_bytes));
            let message = format!("`{name}` is not of the expected kind: it begins with {found} instead of {wanted}");
            return Err(message.into());
        }
    }
    for word in &input.words {
        holds_word(input, word, playbook, size, &read)?;
    }
    match &input.vectors {
        Some(vectors) => begins_with_vectors(name, vectors, size, &read).map_err(|unsuitable| {
            let hint = Some(whose(input, playbook, size, &read));
            Unsuitable { hint, ..unsuitable }
        }),
        None => Ok(()),
    }
}

/// Which other board's file it may be, and where this board's own is.
fn whose(input: &Input, playbook: &Playbook, size: u64, read: &Read<'_>) -> String {
    let theirs = |other: &Playbook| {
        let same_file = other.inputs.iter().filter(|theirs| theirs.file_name() == input.file_name());
        let mut vectors = same_file.filter_map(|theirs| theirs.vectors.as_ref());
        vectors.any(|vectors| begins_with_vectors(input.file_name(), vectors, size, read).is_ok())
    };
    let boards: Vec<String> = shipped_playbooks().filter(theirs).map(|other| other.board).collect();
    let what = match boards.as_slice() {
        [] => "it may be the file of another board, or no program at all".to_owned(),
        boards => format!("it looks like the file of {}", boards.join(" or ")),
    };
    let own: Vec<&str> = playbook.aliases.iter().map(|alias| alias.value.as_str()).collect();
    match own.as_slice() {
        [] => what,
        own => format!("{what}; the files of {} are in a folder called {}", playbook.board, own.join(" or ")),
    }
}

/// Would the file given for `given` rather do for `other`? Its beginning, its fixed words and its vectors tell, whatever
/// its size.
pub(super) fn is_rather(other: &Input, given: &Input, files: &Files) -> bool {
    let fixed = other.words.iter().filter_map(|word| match (word.limit, &word.value.root) {
        (WordLimit::Exactly, Node::Integer(value)) => Some((word.offset, *value)),
        (WordLimit::Exactly | WordLimit::AtMost, _) => None,
    });
    let mut fixed = fixed.peekable();
    let tells = fixed.peek().is_some() || other.vectors.is_some();
    let read = |offset, length| files.bytes(&given.name, offset, length);
    let begins = read(0, other.starts_with.len() as u64).is_ok_and(|bytes| bytes == other.starts_with);
    let holds = |(offset, value): (u64, i64)| little_endian(offset, &read).is_ok_and(|word| i64::from(word) == value);
    let starts = other.vectors.as_ref().is_none_or(|vectors| {
        let size = files.size(&given.name).unwrap_or(0);
        begins_with_vectors(given.file_name(), vectors, size, &read).is_ok()
    });
    tells && begins && starts && fixed.all(holds)
}

/// Reads so many bytes at an offset.
type Read<'a> = dyn Fn(u64, u64) -> Result<Vec<u8>, FileError> + 'a;

/// Which kind of file it is instead.
pub(super) fn wrong_kind(kind: FileKind, size: u64, read: &Read<'_>) -> Result<Option<WrongKind>, FileError> {
    match kind {
        FileKind::Raw => match known_wrong_kind(&read(0, size.min(LOOKED_AT_BYTES))?) {
            Some(wrong) => Ok(Some(wrong)),
            None => blank(size, read),
        },
    }
}

/// Does the whole file consist of what an erased memory holds?
fn blank(size: u64, read: &Read<'_>) -> Result<Option<WrongKind>, FileError> {
    const AT_ONCE_BYTES: u64 = 1 << 16;
    let first = read(0, 1)?;
    let Some((byte, blank)) = first.first().and_then(|byte| of_blank_memory(*byte).map(|blank| (*byte, blank))) else {
        return Ok(None);
    };
    let mut offset = 0;
    while offset < size {
        let length = AT_ONCE_BYTES.min(size - offset);
        if read(offset, length)?.iter().any(|other| *other != byte) {
            return Ok(None);
        }
        offset += length;
    }
    Ok(Some(blank))
}

fn holds_word(
    input: &Input,
    word: &InputWord,
    playbook: &Playbook,
    size: u64,
    read: &Read<'_>,
) -> Result<(), Unsuitable> {
    let name = input.file_name();
    // A header speaks of its own file's size, whatever name it has.
    // Below nothing goes the value of a limit only where the file is shorter than its header.
    let cut_short = || Unsuitable::from(format!("`{name}` is cut short"));
    let wanted = word_value(word, playbook, &|_| Some(size)).map_err(|_| cut_short())?;
    let offset = word.offset;
    let found = little_endian(offset, read).map_err(|_| cut_short())?;
    let (fits, instead) = match word.limit {
        WordLimit::Exactly => (found == wanted, "instead of"),
        WordLimit::AtMost => (found <= wanted, "and must be at most"),
    };
    if fits {
        return Ok(());
    }
    Err(format!(
        "`{name}` is not the expected file or is cut short: the word at {offset:#x} is {found:#010x} {instead} \
         {wanted:#010x}"
    )
    .into())
}

/// Would the chip start this program, in this board's memories?
fn begins_with_vectors(name: &str, vectors: &Vectors, size: u64, read: &Read<'_>) -> Result<(), Unsuitable> {
    let cut_short = |_| Unsuitable::from(format!("`{name}` is cut short: it ends before its program begins"));
    let stack = little_endian(vectors.at, read).map_err(cut_short)?;
    let reset = little_endian(vectors.reset_at(), read).map_err(cut_short)?;
    let no_program = |why: String| Err(format!("`{name}` is not a program for this board: {why}").into());
    // A stack grows downwards, so it may begin right behind a memory.
    let in_ram = vectors.ram.iter().any(|range| stack > range.start && u64::from(stack) <= range.end());
    if !in_ram || stack % 4 != 0 {
        return no_program(format!("its stack would begin at {stack:#010x}, where the board has no RAM"));
    }
    if reset % 2 == 0 {
        return no_program(format!("it would begin at {reset:#010x}, and code for such a chip has an odd address"));
    }
    let first = u64::from(vectors.address);
    let (table, end) = (first.saturating_add(vectors.at), first.saturating_add(size));
    if !(table..end).contains(&u64::from(reset)) {
        return no_program(format!(
            "it would begin at {reset:#010x}, and it is to lie at {first:#010x} to {:#010x}",
            end.saturating_sub(1)
        ));
    }
    Ok(())
}

fn little_endian(offset: u64, read: &Read<'_>) -> Result<u32, FileError> {
    let bytes = read(offset, 4)?;
    Ok(<[u8; 4]>::try_from(bytes).map(u32::from_le_bytes).unwrap_or_default())
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

/// Why a word of a file has no value.
#[derive(Debug, thiserror::Error)]
pub(super) enum WordError {
    #[error("{0:#x} has more than 32 bits")]
    TooLarge(i64),
    #[error("a word of a file is a number")]
    NoNumber,
    #[error(transparent)]
    NotComputable(#[from] EvaluationError),
}

/// The value of a word that a file must hold. `size` tells the sizes of inputs, in bytes.
pub(super) fn word_value(
    word: &InputWord,
    playbook: &Playbook,
    size: &dyn Fn(&Id) -> Option<u64>,
) -> Result<u32, WordError> {
    match evaluate(&word.value, &Declared { playbook, made: &BTreeSet::new(), size })? {
        Value::Integer(value) => u32::try_from(value).map_err(|_| WordError::TooLarge(value)),
        _ => Err(WordError::NoNumber),
    }
}
