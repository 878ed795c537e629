//! Splits a stream of bytes into pieces at CR and LF, without escape sequences.

/// Cuts one stream into pieces. Escape sequences (`ESC [ … letter`, `ESC ] … BEL`) and NUL bytes are dropped, bytes that
/// are not UTF-8 are replaced, and a piece is at most [`LineSplitter::LENGTH_MAX`] bytes long.
///
/// How the stream is cut into chunks makes no difference to the pieces.
#[derive(Debug, Default)]
pub struct LineSplitter {
    text: String,
    /// The beginning of a character whose other bytes have not come yet.
    partial: Vec<u8>,
    escape: Escape,
    /// A CR has come; the next byte tells whether it belongs to a CR LF.
    carriage_return: bool,
}

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

/// Whole lines without anything that would have to be dropped or replaced, within a piece of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainLines<'b> {
    /// The rest of a line that has begun earlier.
    pub before: &'b [u8],
    /// Each line with its `\n`.
    pub text: &'b str,
    /// The beginning of a line.
    pub behind: &'b [u8],
}

/// Where in an escape sequence the stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    Outside,
    /// After ESC.
    Begun,
    /// After `ESC [`, up to a byte from `@` to `~`.
    Control,
    /// After `ESC ]`, up to BEL or `ESC \`.
    Command,
}

impl LineSplitter {
    pub const LENGTH_MAX: usize = 8 * 1024;

    /// Less text than this is not worth being looked at as a whole, in bytes.
    pub const PLAIN_LENGTH_MIN: usize = 4 * 1024;

    /// The pieces completed by `bytes`. Empty pieces ended by CR are dropped, empty lines are kept.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for &byte in bytes {
            self.byte(byte, &mut pieces);
        }
        pieces
    }

    /// The longest part of `bytes` that is whole lines of plain text, with what stands before and behind it. Nothing where
    /// they are few: then [`LineSplitter::push`] is as quick.
    pub fn plain_lines<'b>(&self, bytes: &'b [u8]) -> Option<PlainLines<'b>> {
        if self.carriage_return || self.escape != Escape::Outside || !self.partial.is_empty() {
            return None;
        }
        let begins = if self.text.is_empty() { 0 } else { bytes.iter().position(|byte| *byte == b'\n')? + 1 };
        let ends = bytes.iter().rposition(|byte| *byte == b'\n')? + 1;
        let lines = bytes.get(begins..ends)?;
        let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
        if lines.len() < LineSplitter::PLAIN_LENGTH_MIN || !lines.iter().all(plain) {
            return None;
        }
        let text = std::str::from_utf8(lines).ok()?;
        let fits = text.split('\n').all(|line| line.len() <= LineSplitter::LENGTH_MAX);
        fits.then(|| PlainLines { before: &bytes[..begins], text, behind: &bytes[ends..] })
    }

    /// What has come since the last end of a piece: a prompt without newline stands here.
    pub fn tail(&self) -> &str {
        &self.text
    }

    /// The last piece, when the stream ended without an end of line.
    pub fn finish(&mut self) -> Option<Piece> {
        // A character cut off at the very limit of the length is dropped.
        let replacement = char::REPLACEMENT_CHARACTER;
        if !self.partial.is_empty() && self.text.len() + replacement.len_utf8() <= LineSplitter::LENGTH_MAX {
            self.text.push(replacement);
        }
        let end = if self.carriage_return { LineEnd::CarriageReturn } else { LineEnd::Open };
        let text = std::mem::take(&mut self.text);
        *self = LineSplitter::default();
        (!text.is_empty()).then_some(Piece { text, end })
    }

    fn byte(&mut self, byte: u8, pieces: &mut Vec<Piece>) {
        if self.carriage_return {
            self.carriage_return = false;
            if byte == b'\n' {
                return self.end_piece(LineEnd::Newline, pieces);
            }
            // On Windows a program that writes CR LF itself gets a CR more from its library: still one end of line.
            if byte == b'\r' {
                self.carriage_return = true;
                return;
            }
            self.end_piece(LineEnd::CarriageReturn, pieces);
        }
        if byte < 0x80 {
            self.give_up_partial(pieces);
        }
        match byte {
            // An end of line also ends an escape sequence that was never finished.
            b'\n' => {
                self.escape = Escape::Outside;
                self.end_piece(LineEnd::Newline, pieces);
            }
            b'\r' => {
                self.escape = Escape::Outside;
                self.carriage_return = true;
            }
            0 => {}
            _ if self.escape != Escape::Outside => self.escape = after_escape(self.escape, byte),
            0x1b => self.escape = Escape::Begun,
            0x01..=0x7f => self.character(char::from(byte), pieces),
            0x80.. => self.part_of_character(byte, pieces),
        }
    }

    fn part_of_character(&mut self, byte: u8, pieces: &mut Vec<Piece>) {
        self.partial.push(byte);
        match std::str::from_utf8(&self.partial) {
            Ok(text) => {
                let character = text.chars().next();
                self.partial.clear();
                if let Some(character) = character {
                    self.character(character, pieces);
                }
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => {
                // The byte does not go on what stood before it, but may begin something itself.
                let alone = self.partial.len() == 1;
                self.partial.pop();
                if alone {
                    self.character(char::REPLACEMENT_CHARACTER, pieces);
                } else {
                    self.give_up_partial(pieces);
                    self.part_of_character(byte, pieces);
                }
            }
        }
    }

    fn give_up_partial(&mut self, pieces: &mut Vec<Piece>) {
        if !self.partial.is_empty() {
            self.partial.clear();
            self.character(char::REPLACEMENT_CHARACTER, pieces);
        }
    }

    fn character(&mut self, character: char, pieces: &mut Vec<Piece>) {
        if self.text.len() + character.len_utf8() > LineSplitter::LENGTH_MAX {
            pieces.push(Piece { text: std::mem::take(&mut self.text), end: LineEnd::Open });
        }
        self.text.push(character);
    }

    fn end_piece(&mut self, end: LineEnd, pieces: &mut Vec<Piece>) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() || end == LineEnd::Newline {
            pieces.push(Piece { text, end });
        }
    }
}

fn after_escape(escape: Escape, byte: u8) -> Escape {
    match (escape, byte) {
        (Escape::Begun, b'[') => Escape::Control,
        (Escape::Begun, b']') => Escape::Command,
        (Escape::Control, 0x40..=0x7e) | (Escape::Command, 0x07) => Escape::Outside,
        (Escape::Command, 0x1b) => Escape::Begun,
        (Escape::Begun | Escape::Outside, _) => Escape::Outside,
        (inside @ (Escape::Control | Escape::Command), _) => inside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<(String, LineEnd)> {
        let mut splitter = LineSplitter::default();
        let mut pieces: Vec<Piece> = chunks.iter().flat_map(|chunk| splitter.push(chunk)).collect();
        pieces.extend(splitter.finish());
        pieces.into_iter().map(|piece| (piece.text, piece.end)).collect()
    }

    fn piece(text: &str, end: LineEnd) -> (String, LineEnd) {
        (text.to_owned(), end)
    }

    #[test]
    fn an_end_of_line_counts_once_however_many_returns_it_has() {
        for text in ["Done\nDone\n", "Done\r\nDone\r\n", "Done\r\r\nDone\r\r\n"] {
            let done = ("Done".to_owned(), LineEnd::Newline);
            assert_eq!(split(&[text.as_bytes()]), [done.clone(), done.clone()], "{text:?}");
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(split(&bytes), [done.clone(), done], "{text:?}");
        }
    }

    #[test]
    fn tells_the_ends_of_lines_apart() {
        use LineEnd::{CarriageReturn, Newline, Open};
        assert_eq!(
            split(&[b"one\r\ntwo\n\n\r10%\r20%\rlast"]),
            [
                piece("one", Newline),
                piece("two", Newline),
                piece("", Newline),
                piece("10%", CarriageReturn),
                piece("20%", CarriageReturn),
                piece("last", Open)
            ]
        );
        assert_eq!(split(&[b"bar\r"]), [piece("bar", CarriageReturn)]);
        assert_eq!(split(&[b""]), []);
    }

    #[test]
    fn drops_escape_sequences_and_nul() {
        let text = b"\x1b[?25l\x1b[33mwarn\x1b[0ming\0 \x1b]0;title\x07here\x1b]8;;x\x1b\\!\x1b[1\nnext\n";
        assert_eq!(split(&[text]), [piece("warning here!", LineEnd::Newline), piece("next", LineEnd::Newline)]);
    }

    #[test]
    fn replaces_what_is_not_utf8_as_the_standard_library_does() {
        for bytes in [&b"a\xffb"[..], b"\xe2\x82", b"\xe2\x82\xac", b"\xe0\x80\x80x", b"\xf0\x9f\x98\x80\xf0\x9f"] {
            let text: String = split(&[bytes]).into_iter().map(|(text, _)| text).collect();
            assert_eq!(text, String::from_utf8_lossy(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn any_chunking_gives_the_same_pieces() {
        let text = "\x1b[?25l\r  3% [#---]\r\r\x1b[J\r\nstaged ✓ und für 10 €\n\n\r\n\0tail\x1b]0;x\x07é".as_bytes();
        let mut bytes = text.to_vec();
        bytes.extend(b"\xff\xe2\x82\r");
        let whole = split(&[&bytes]);
        for size in 1..bytes.len() {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(split(&chunks), whole, "chunks of {size}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(split(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn whole_lines_of_plain_text_are_told_from_the_rest() {
        let line = "writing block at 0x60001000\n";
        let many = line.repeat(LineSplitter::PLAIN_LENGTH_MIN / line.len() + 1);
        let mut splitter = LineSplitter::default();
        splitter.push(b"begun");
        let bytes = format!(" before\n{many}behind");
        let plain = splitter.plain_lines(bytes.as_bytes()).unwrap();
        assert_eq!((plain.before, plain.text, plain.behind), (&b" before\n"[..], many.as_str(), &b"behind"[..]));
        // As pieces they are the same.
        let mut by_parts = splitter.push(plain.before);
        by_parts.extend(plain.text.lines().map(|line| Piece { text: line.to_owned(), end: LineEnd::Newline }));
        by_parts.extend(splitter.push(plain.behind));
        let mut whole = LineSplitter::default();
        whole.push(b"begun");
        assert_eq!(by_parts, whole.push(bytes.as_bytes()));
        for other in ["\t", "\r", "\x1b[0m", "\0", "é", "\x7f"] {
            assert_eq!(LineSplitter::default().plain_lines(format!("{many}{other}\n").as_bytes()), None, "{other:?}");
        }
        assert_eq!(LineSplitter::default().plain_lines(b"few\n"), None);
        let too_long = "x".repeat(LineSplitter::LENGTH_MAX + 1);
        assert_eq!(LineSplitter::default().plain_lines(format!("{too_long}\n").as_bytes()), None);
        let mut in_escape = LineSplitter::default();
        in_escape.push(b"\x1b[");
        assert_eq!(in_escape.plain_lines(many.as_bytes()), None);
    }

    #[test]
    fn shows_a_prompt_that_has_no_newline() {
        let mut splitter = LineSplitter::default();
        splitter.push(b"done\nContinue? [y/n] ");
        assert_eq!(splitter.tail(), "Continue? [y/n] ");
    }

    #[test]
    fn keeps_pieces_below_their_limit() {
        let long = vec![b'x'; 2 * LineSplitter::LENGTH_MAX + 1];
        let lengths: Vec<usize> = split(&[&long]).into_iter().map(|(text, _)| text.len()).collect();
        assert_eq!(lengths, [LineSplitter::LENGTH_MAX, LineSplitter::LENGTH_MAX, 1]);
        let mut exact = vec![b'x'; LineSplitter::LENGTH_MAX];
        exact.push(b'\n');
        assert_eq!(split(&[&exact]).len(), 1);
    }
}
