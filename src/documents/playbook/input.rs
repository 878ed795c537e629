//! The files that the person gives, as a playbook describes them.

use crate::documents::expression::Expression;
use crate::words::{AddressRange, Id, Located, Place};

/// A file that the person gives.
#[derive(Debug, Clone)]
pub struct Input {
    pub name: Id,
    pub place: Place,
    /// Path below the folder of files; its last part is the name the tools see.
    pub file: Located<String>,
    pub help: Option<String>,
    pub need: Need,
    /// Optional inputs with the same word here are given all together, or not at all.
    pub together: Option<Located<Id>>,
    /// The file is a table that names further files.
    pub names_files: Option<NamesFiles>,
    /// Without one, only what the other keys ask for is checked.
    pub kind: Option<FileKind>,
    /// Inclusive, in bytes; a smaller file is a failed download or something else.
    pub min_size: Option<u64>,
    /// Inclusive, in bytes.
    pub max_size: Option<u64>,
    pub starts_with: Vec<u8>,
    /// Beginnings of files of other kinds that people mistake for this one, beside those that every raw image excludes.
    pub not_starts_with: Vec<(Vec<u8>, String)>,
    /// Little-endian 32-bit words that the file must hold.
    pub words: Vec<InputWord>,
    /// The file is a program, whose first words the chip reads when it starts.
    pub vectors: Option<Vectors>,
    /// Size in bytes of the file a simulation makes up; without it, a small one that fits.
    pub example_size: Option<u64>,
}

impl Input {
    /// The name under which the file is staged and shown in commands.
    pub fn file_name(&self) -> &str {
        self.file.value.rsplit('/').next().unwrap_or(&self.file.value)
    }
}

/// What a file is in general.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Bytes as they lie in a memory: no text, no archive, no format of a toolchain, and not blank.
    Raw,
}

impl FileKind {
    pub const ALL: [(&'static str, FileKind); 1] = [("raw", FileKind::Raw)];
}

/// The table that a Cortex-M starts from: its first word is the stack pointer, its second the address of the first
/// instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vectors {
    /// Where in the file the table begins, in bytes.
    pub at: u64,
    /// Where the file's first byte lies when the program runs.
    pub address: u32,
    /// Where the board has memory that a stack can lie in.
    pub ram: Vec<AddressRange>,
}

impl Vectors {
    /// Of both words, in bytes.
    pub const SIZE_BYTES: u64 = 8;

    /// Where the second word stands in the file, in bytes.
    pub fn reset_at(&self) -> u64 {
        self.at.saturating_add(4)
    }
}

/// Must the person give a file?
#[derive(Debug, Clone)]
pub enum Need {
    Always,
    /// It may be absent; `given(…)` in conditions tells.
    Never,
    /// Only where this other input, which may be absent, is not given.
    Without(Located<Id>),
}

/// A table of text lines with columns set apart by tabs, one of which names files that must lie beside the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamesFiles {
    /// Counted from 1.
    pub column: usize,
    /// Lines that begin with this name no file.
    pub comment: Option<String>,
    /// What stands in the column where no file is meant.
    pub except: Vec<String>,
    /// Of the files that it names.
    pub kind: Option<FileKind>,
}

#[derive(Debug, Clone)]
pub struct InputWord {
    /// In bytes from the start of the file.
    pub offset: u64,
    pub limit: WordLimit,
    /// An integer; may use the sizes of inputs.
    pub value: Expression,
}

/// How a word of a file is held against its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordLimit {
    Exactly,
    /// A length that the file may not fall short of.
    AtMost,
}
