//! The journal of a run: one event in a line, each line bound to the one before it by a digest, so that what was altered or
//! taken away shows.
//!
//! It tells that a record is as it was written, and not who wrote it: whoever can write the file can write another one.

use std::io;
use std::path::Path;

use crate::cli::json::write_line;
use crate::engine::{Event, Told};
use crate::world::{open_file, sha256_of_parts};

/// What the first line is bound to.
const BEGINNING: &str = "recover journal 1";
const KEY: &str = ",\"chain\":\"";
const DIGEST_LENGTH: usize = 64;
const END: &str = "\"}\n";
/// A journal is read as a whole. The outputs in it have a limit of their own.
const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// How far a journal goes: kept beside it, so that a line taken off its end is missed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(in crate::cli) struct JournalEnd {
    pub(in crate::cli) lines: u64,
    /// Of the last line.
    pub(in crate::cli) chain: String,
}

impl Default for JournalEnd {
    fn default() -> Self {
        JournalEnd { lines: 0, chain: BEGINNING.to_owned() }
    }
}

impl JournalEnd {
    /// The event as the line that comes next, with its end of line.
    pub(in crate::cli) fn line(&mut self, told: &Told<&Event>) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        write_line(&mut line, told)?;
        // The bracket and the end of the line come behind the digest.
        line.truncate(line.len().saturating_sub("}\n".len()));
        self.chain = self.digest(&line);
        self.lines += 1;
        line.extend_from_slice(KEY.as_bytes());
        line.extend_from_slice(self.chain.as_bytes());
        line.extend_from_slice(END.as_bytes());
        Ok(line)
    }

    fn digest(&self, body: &[u8]) -> String {
        sha256_of_parts([self.chain.as_bytes(), b"\n", body])
    }
}

/// What a journal holds.
#[derive(Debug)]
pub(in crate::cli) struct Journal {
    pub(in crate::cli) events: Vec<Told<Event>>,
    /// Lines of a newer recover, which this one does not know.
    pub(in crate::cli) unknown: usize,
    pub(in crate::cli) end: JournalEnd,
    /// Its last line is not whole: the run ended as it was written.
    pub(in crate::cli) torn: bool,
    /// Where it is not as it was written. The events are those that can be read all the same.
    pub(in crate::cli) damage: Option<JournalError>,
}

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum JournalError {
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("{path} is no record of a run: it has not one whole line of a journal")]
    NoLine { path: String },
    #[error("line {line} is not as it was written, or what stood before it is missing")]
    Altered { line: u64 },
    #[error("line {line} and what came after it are missing: the run wrote {written} lines")]
    Missing { line: u64, written: u64 },
    #[error("behind line {written}, the last one that the run wrote, there is more")]
    Added { written: u64 },
}

impl Journal {
    /// Fails where nothing can be read; what is wrong further on is told beside what can.
    pub(in crate::cli) fn open(path: &Path, known_end: Option<&JournalEnd>) -> Result<Journal, JournalError> {
        let unreadable = |source| JournalError::Unreadable { path: path.display().to_string(), source };
        let file = open_file(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, BYTES_MAX), &mut bytes).map_err(unreadable)?;
        let journal = Journal::read(&bytes, known_end);
        let nothing = journal.events.is_empty() && journal.end.lines == 0;
        if nothing { Err(JournalError::NoLine { path: path.display().to_string() }) } else { Ok(journal) }
    }

    /// `known_end` is what stands beside the journal of a run that has ended.
    pub(in crate::cli) fn read(bytes: &[u8], known_end: Option<&JournalEnd>) -> Journal {
        let (end, damage) = verify(bytes, JournalEnd::default(), known_end);
        let torn = damage.is_none() && !bytes.is_empty() && !bytes.ends_with(b"\n");
        let mut journal = Journal { events: Vec::new(), unknown: 0, end, torn, damage };
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        for line in lines {
            match serde_json::from_slice(line) {
                Ok(told) => journal.events.push(told),
                Err(_) => journal.unknown += 1,
            }
        }
        journal
    }
}

/// How far it goes as it was written that goes on behind `end`, and what is wrong behind that.
pub(in crate::cli) fn verify(
    bytes: &[u8],
    mut end: JournalEnd,
    known_end: Option<&JournalEnd>,
) -> (JournalEnd, Option<JournalError>) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if known_end.is_some_and(|known| known.lines == end.lines) {
            let written = end.lines;
            return (end, Some(JournalError::Added { written }));
        }
        if !line.ends_with(b"\n") && known_end.is_none() {
            break;
        }
        let number = end.lines + 1;
        let sound = parts(line).filter(|(body, chain)| end.digest(body).as_bytes() == *chain);
        let Some((_, chain)) = sound else { return (end, Some(JournalError::Altered { line: number })) };
        end = JournalEnd { lines: number, chain: String::from_utf8_lossy(chain).into_owned() };
    }
    let damage = match known_end {
        Some(known) if known.lines > end.lines => {
            Some(JournalError::Missing { line: end.lines + 1, written: known.lines })
        }
        Some(known) if known.chain != end.chain => Some(JournalError::Altered { line: end.lines }),
        _ => None,
    };
    (end, damage)
}

/// What the digest is of, and the digest.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(END.as_bytes())?;
    let (rest, chain) = line.split_at_checked(line.len().checked_sub(DIGEST_LENGTH)?)?;
    Some((rest.strip_suffix(KEY.as_bytes())?, chain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Outcome, Stamps, without_problem};

    fn written() -> (Vec<u8>, JournalEnd) {
        let (mut end, mut bytes, stamps) = (JournalEnd::default(), Vec::new(), Stamps::of_computer());
        let texts = ["first", "second \u{1b}[31m\nline", "ä third"];
        let notes = texts.iter().map(|text| Event::Note { text: (*text).to_owned() });
        for event in notes.chain([without_problem(Outcome::Planned)]) {
            bytes.extend(end.line(&stamps.stamp(&event)).unwrap());
        }
        (bytes, end)
    }

    #[test]
    fn what_was_written_is_read_and_holds() {
        let (bytes, end) = written();
        let journal = Journal::read(&bytes, Some(&end));
        assert_eq!((journal.events.len(), journal.unknown, journal.torn, &journal.end), (4, 0, false, &end));
        assert!(journal.damage.is_none());
        assert!(matches!(&journal.events[1].event, Event::Note { text } if text == "second \u{1b}[31m\nline"));
    }

    #[test]
    fn each_altered_byte_is_found_at_its_line() {
        let (bytes, end) = written();
        let mut line = 1;
        for index in 0..bytes.len() {
            for flip in [1, 0x20, 0x80] {
                let mut altered = bytes.clone();
                altered[index] ^= flip;
                match Journal::read(&altered, Some(&end)).damage {
                    Some(JournalError::Altered { line: told }) => assert_eq!(told, line, "byte {index}"),
                    other => panic!("byte {index}: {other:?}"),
                }
            }
            line += u64::from(bytes[index] == b'\n');
        }
    }

    #[test]
    fn lines_that_are_gone_added_or_moved_are_missed() {
        let (bytes, end) = written();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let told = |order: &[usize]| {
            let bytes: Vec<u8> = order.iter().flat_map(|line| lines[*line].to_vec()).collect();
            let journal = Journal::read(&bytes, Some(&end));
            assert_eq!(journal.events.len(), order.len(), "what can be read is");
            journal.damage.unwrap().to_string()
        };
        assert_eq!(told(&[0, 2, 3]), "line 2 is not as it was written, or what stood before it is missing");
        assert_eq!(told(&[0, 2, 1, 3]), "line 2 is not as it was written, or what stood before it is missing");
        assert_eq!(told(&[0, 1]), "line 3 and what came after it are missing: the run wrote 4 lines");
        assert_eq!(told(&[0, 1, 2, 3, 3]), "behind line 4, the last one that the run wrote, there is more");
    }

    /// At each byte: what was written whole before it is read.
    #[test]
    fn a_journal_that_was_cut_is_read_up_to_there() {
        let (bytes, _) = written();
        for length in 0..=bytes.len() {
            let whole = bytes[..length].iter().filter(|byte| **byte == b'\n').count();
            let journal = Journal::read(&bytes[..length], None);
            assert_eq!((journal.events.len(), journal.damage.is_none()), (whole, true), "{length}");
            assert_eq!(journal.torn, length > 0 && bytes[length - 1] != b'\n', "{length}");
        }
    }

    #[test]
    fn an_event_of_a_newer_recover_is_left_aside() {
        let mut end = JournalEnd::default();
        let body = br#"{"event":"levitated","ms":1,"utc":"1970-01-01T00:00:00Z""#;
        end.chain = end.digest(body);
        end.lines = 1;
        let line = [body, KEY.as_bytes(), end.chain.as_bytes(), END.as_bytes()].concat();
        let journal = Journal::read(&line, Some(&end));
        assert_eq!((journal.events.len(), journal.unknown), (0, 1));
    }
}
