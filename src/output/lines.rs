//! Splits a stream of bytes into pieces at CR and LF, without escape sequences.

/// Cuts one stream into pieces. Escape sequences (`ESC [ … letter`, `ESC ] … BEL`) and NUL bytes are dropped, bytes that
/// are not UTF-8 are replaced, and a piece is at most [`LineSplitter::LENGTH_MAX`] bytes long.
#[derive(Debug, Default)]
pub struct LineSplitter {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// Ended by LF, or by CR LF.
    Newline,
    /// Ended by CR alone: the next piece overwrites it on a terminal.
    CarriageReturn,
    /// Cut because the stream ended or the piece became too long.
    Open,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub end: LineEnd,
}

impl LineSplitter {
    pub const LENGTH_MAX: usize = 8 * 1024;

    /// The pieces completed by `bytes`. Empty pieces ended by CR are dropped, empty lines are kept.
    pub fn push(&mut self, _bytes: &[u8]) -> Vec<Piece> {
        Vec::new()
    }

    /// What has come since the last end of a piece: a prompt without newline stands here.
    pub fn tail(&self) -> &str {
        ""
    }

    /// The last piece, when the stream ended without an end of line.
    pub fn finish(&mut self) -> Option<Piece> {
        None
    }
}
