//! Runs a program to its end, within a limit.

#![allow(dead_code, reason = "each of the tests that share it uses a part of it")]

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Far more than any of these programs needs.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A program at work, whose output is being read.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

pub(crate) fn run(command: &mut Command) -> Finished {
    start(command).finish()
}

pub(crate) fn start(command: &mut Command) -> Started {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let out = read_to_end(child.stdout.take().unwrap());
    let err = read_to_end(child.stderr.take().unwrap());
    Started { child, out, err }
}

impl Started {
    pub(crate) fn finish(mut self) -> Finished {
        // The end of the output is the event to wait for; the program's own end follows at once.
        let Ok(out) = self.out.recv_timeout(LIMIT) else {
            let _ = self.child.kill();
            panic!("not finished within {LIMIT:?}; {:?}", self.ended());
        };
        let (status, err) = self.ended();
        Finished { code: status.code(), out, err }
    }

    pub(crate) fn kill(mut self) -> Finished {
        assert_eq!(self.child.try_wait().unwrap(), None, "ended by itself");
        self.child.kill().unwrap();
        self.finish()
    }

    fn ended(&mut self) -> (ExitStatus, String) {
        (self.child.wait().unwrap(), self.err.recv_timeout(LIMIT).unwrap_or_default())
    }
}

/// A test that fails half-way leaves nothing running.
impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n--- stderr\n{}", self.out, self.err);
        self
    }
}

fn read_to_end(mut stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}
