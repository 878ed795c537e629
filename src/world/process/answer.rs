//! Types answers into a tool's input. A thread does it, because a tool that does not read must not hold up the engine.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::plumbing::InputEnd;
use super::spawn_thread;
use crate::world::AnswerTool;

/// Lines that may wait for a tool that does not read.
const LINES_WAITING_MAX: usize = 16;

/// What the ENTER key of a terminal sends; the terminal makes an end of line of it, unless the tool wants the key itself.
const ENTER: &[u8] = b"\r";

/// "End of file" as typed at a terminal.
const END_OF_FILE: &[u8] = b"\x04";

#[derive(Debug)]
pub(super) struct Answerer {
    lines: SyncSender<Vec<u8>>,
}

impl Answerer {
    pub(super) fn start(input: InputEnd) -> io::Result<Self> {
        let (lines, queue) = sync_channel(LINES_WAITING_MAX);
        // Ends with the sender; one that is stuck in a write ends with the tool, whose end breaks the pipe.
        spawn_thread("tool input", move || write_lines(input, &queue))?;
        Ok(Answerer { lines })
    }
}

impl AnswerTool for Answerer {
    fn send(&mut self, line: &str) -> io::Result<()> {
        let sent = self.lines.try_send(line.as_bytes().to_vec());
        sent.map_err(|_| io::Error::new(io::ErrorKind::WouldBlock, "the tool does not read what it is told"))
    }
}

fn write_lines(input: InputEnd, lines: &Receiver<Vec<u8>>) {
    match input {
        InputEnd::Pipe(mut pipe) => {
            let _tool_gone = pass_on(&mut pipe, lines, b"\n");
        }
        InputEnd::Terminal(mut terminal) => {
            // Closing our side would not end the input, because another copy of it is being read from.
            let _tool_gone = pass_on(&mut terminal, lines, ENTER).and_then(|()| terminal.write_all(END_OF_FILE));
        }
    }
}

fn pass_on(input: &mut impl Write, lines: &Receiver<Vec<u8>>, end: &[u8]) -> io::Result<()> {
    while let Ok(mut line) = lines.recv() {
        line.extend_from_slice(end);
        input.write_all(&line)?;
    }
    Ok(())
}
