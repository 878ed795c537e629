//! Holds back what a mock tool prints until its time has come, and puts its two streams into the order in which they were
//! printed.

use std::collections::VecDeque;

use crate::bench::BenchFiles;
use crate::bench::timeline::{Moment, Timeline};
use crate::words::Stream;

/// The output of one call.
#[derive(Debug)]
pub(crate) struct Pace {
    files: BenchFiles,
    /// On a terminal everything comes as one stream.
    terminal: bool,
    /// Moments that are known, and those of them that are still to come.
    known: usize,
    moments: VecDeque<Moment>,
    stdout: VecDeque<u8>,
    stderr: VecDeque<u8>,
}

/// Output, and when it is to be heard; without a time, at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) at_ms: Option<u64>,
    pub(crate) stream: Stream,
    pub(crate) bytes: Vec<u8>,
}

impl Pace {
    pub(crate) fn new(files: BenchFiles, terminal: bool) -> Self {
        Pace { files, terminal, known: 0, moments: VecDeque::new(), stdout: VecDeque::new(), stderr: VecDeque::new() }
    }

    pub(crate) fn hear(&mut self, stream: Stream, bytes: &[u8]) {
        self.waiting(stream).extend(bytes);
        if let Some(told) = Timeline::look(&self.files) {
            self.moments.extend(told.get(self.known..).unwrap_or_default());
            self.known = told.len().max(self.known);
        }
    }

    /// Does this tool keep time?
    pub(crate) fn keeps_time(&self) -> bool {
        self.known > 0
    }

    /// The next output that is complete.
    pub(crate) fn next(&mut self) -> Option<Piece> {
        if !self.keeps_time() {
            return self.left_over();
        }
        let moment = *self.moments.front()?;
        let (stream, length) = (self.stream_of(moment), usize::try_from(moment.bytes).unwrap_or(usize::MAX));
        if self.waiting(stream).len() < length {
            return None;
        }
        self.moments.pop_front();
        let bytes = self.waiting(stream).drain(..length).collect();
        Some(Piece { at_ms: Some(moment.at_ms), stream, bytes })
    }

    /// What is left when the tool has ended: parts of pieces, too.
    pub(crate) fn rest(&mut self) -> Option<Piece> {
        while let Some(moment) = self.moments.pop_front() {
            let stream = self.stream_of(moment);
            let length = usize::try_from(moment.bytes).unwrap_or(usize::MAX).min(self.waiting(stream).len());
            if length > 0 {
                let bytes = self.waiting(stream).drain(..length).collect();
                return Some(Piece { at_ms: Some(moment.at_ms), stream, bytes });
            }
        }
        self.left_over()
    }

    fn left_over(&mut self) -> Option<Piece> {
        let stream = [Stream::Stdout, Stream::Stderr].into_iter().find(|stream| !self.waiting(*stream).is_empty())?;
        Some(Piece { at_ms: None, stream, bytes: self.waiting(stream).drain(..).collect() })
    }

    fn stream_of(&self, moment: Moment) -> Stream {
        if self.terminal { Stream::Stdout } else { moment.stream }
    }

    fn waiting(&mut self, stream: Stream) -> &mut VecDeque<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(at_ms: Option<u64>, stream: Stream, text: &str) -> Option<Piece> {
        Some(Piece { at_ms, stream, bytes: text.as_bytes().to_vec() })
    }

    #[test]
    fn output_comes_in_the_order_of_its_times() {
        let folder = tempfile::tempdir().unwrap();
        let files = BenchFiles::of(folder.path());
        let mut timeline = Timeline::default();
        timeline.add(5, Stream::Stdout, 2);
        timeline.add(5, Stream::Stdout, 1);
        timeline.add(9, Stream::Stderr, 1);
        timeline.add(9, Stream::Stdout, 2);
        timeline.tell(&files).unwrap();
        let mut pace = Pace::new(files, false);
        pace.hear(Stream::Stderr, b"E");
        assert_eq!(pace.next(), None);
        pace.hear(Stream::Stdout, b"abcd");
        assert_eq!(pace.next(), piece(Some(5), Stream::Stdout, "abc"));
        assert_eq!(pace.next(), piece(Some(9), Stream::Stderr, "E"));
        assert_eq!(pace.next(), None);
        assert_eq!(pace.rest(), piece(Some(9), Stream::Stdout, "d"));
        assert_eq!(pace.rest(), None);
        // What is told does not change: more at the same time is a piece of its own.
        timeline.add(9, Stream::Stdout, 1);
        timeline.tell(&pace.files.clone()).unwrap();
        pace.hear(Stream::Stdout, b"f");
        assert_eq!(pace.next(), piece(Some(9), Stream::Stdout, "f"));
    }

    #[test]
    fn a_tool_that_keeps_no_time_is_heard_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut pace = Pace::new(BenchFiles::of(folder.path()), false);
        pace.hear(Stream::Stderr, b"E");
        assert_eq!(pace.next(), piece(None, Stream::Stderr, "E"));
        assert_eq!(pace.next(), None);
    }
}
