//! An interpreter that has imported a tool's modules, and the words that are exchanged with `interpreter.py` in it.
//!
//! A process that it forks waits until it is told to go on, so that its group is guarded before it does anything, and so
//! that a call of which nothing has begun can be made in another way.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::OwnProcess;
use crate::words::ToolEnd;
use crate::world::system::send_with_files;
use crate::world::{Cleared, ToolCall};

/// In this time a process must have been forked. Several times the slowest that was measured on a busy machine.
const FORK_TIME_MAX: Duration = Duration::from_secs(2);

/// The same as in the script.
const REQUEST_BYTES_MAX: usize = 128 * 1024;
/// No word of the script is longer.
const LINE_BYTES_MAX: u64 = 64;

#[derive(Debug)]
pub(super) struct Interpreter {
    /// Before the process: the end of it is the script's end, too.
    socket: BufReader<UnixStream>,
    _process: OwnProcess,
}

impl Interpreter {
    /// Starts it, and does not wait for it.
    pub(super) fn start(call: &Cleared) -> io::Result<Self> {
        let (socket, its_end) = UnixStream::pair()?;
        let process = OwnProcess::start(call, its_end)?;
        Ok(Interpreter { socket: BufReader::new(socket), _process: process })
    }

    /// Everything is imported; the error says that it is not to be had.
    pub(super) fn wait_ready(&mut self, time_max: Duration) -> io::Result<()> {
        match self.line(Some(time_max))?.as_str() {
            "ready" => Ok(()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Makes a process for the call, which waits; answers with its number. It holds the number until [`Interpreter::reap`].
    pub(super) fn fork(&mut self, call: &ToolCall, streams: &[OwnedFd; 3]) -> io::Result<u32> {
        let body = request(call).ok_or(io::ErrorKind::InvalidInput)?;
        let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let bytes = [&length.to_be_bytes()[..], &body].concat();
        send_with_files(self.socket.get_ref(), &bytes, streams.each_ref().map(AsFd::as_fd))?;
        let line = self.line(Some(FORK_TIME_MAX))?;
        let number = line.strip_prefix("process ").and_then(|number| number.parse().ok());
        number.filter(|number| *number > 1).ok_or(io::ErrorKind::InvalidData.into())
    }

    /// The process becomes the tool.
    pub(super) fn go(&self) -> io::Result<()> {
        self.socket.get_ref().write_all(b"g")
    }

    /// Waits for the end of the process; nothing when the interpreter itself has ended.
    pub(super) fn wait_end(&mut self) -> Option<ToolEnd> {
        let line = self.line(None).ok()?;
        let (how, number) = line.split_once(' ')?;
        let number = number.parse().ok()?;
        match how {
            "exited" => Some(ToolEnd::Exited(number)),
            "signalled" => Some(ToolEnd::Signalled(number)),
            _ => None,
        }
    }

    /// From now on the number of the process may be a stranger's. The interpreter can make a further call.
    pub(super) fn reap(&self) -> io::Result<()> {
        self.socket.get_ref().write_all(b"r")
    }

    fn line(&mut self, time_max: Option<Duration>) -> io::Result<String> {
        self.socket.get_ref().set_read_timeout(time_max)?;
        let mut line = String::new();
        Read::take(&mut self.socket, LINE_BYTES_MAX).read_line(&mut line)?;
        line.strip_suffix('\n').map(str::to_owned).ok_or(io::ErrorKind::UnexpectedEof.into())
    }
}

/// The call in the script's form: where, how, what, and the arguments.
fn request(call: &ToolCall) -> Option<Vec<u8>> {
    let (kind, name): (&[u8], _) = match call.launcher.as_slice() {
        [program] => (b"file", program),
        [.., option, module] if option == "-m" => (b"module", module),
        _ => return None,
    };
    let head = [call.folder.as_os_str().as_bytes(), kind, name.as_bytes()];
    let fields: Vec<&[u8]> = head.into_iter().chain(call.args.iter().map(String::as_bytes)).collect();
    let whole = fields.iter().all(|field| !field.contains(&0));
    let body = fields.join(&0);
    (whole && body.len() <= REQUEST_BYTES_MAX).then_some(body)
}
