//! Runs the program at a pseudo-terminal, as a person does who reads a question and then types.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A question that does not come fails one test.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// What a person does when the screen shows a text.
pub(crate) struct Move<'a> {
    pub(crate) when: &'a str,
    pub(crate) does: &'a dyn Fn(),
    pub(crate) types: &'a str,
}

/// A person who only types.
pub(crate) fn types<'a>(when: &'a str, types: &'a str) -> Move<'a> {
    Move { when, does: &|| {}, types }
}

/// The exit code and everything the screen has shown, with what was typed among it.
pub(crate) fn at_terminal(mut command: Command, moves: &[Move<'_>]) -> (Option<i32>, String) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let path = PathBuf::from(ptsname(&ours, Vec::new()).unwrap().into_string().unwrap());
    let theirs = || OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut child = command.stdin(theirs()).stdout(theirs()).stderr(theirs()).spawn().unwrap();
    // Its copies of the terminal must not keep the screen open.
    drop(command);
    let mut keyboard = File::from(ours);
    let mut screen = keyboard.try_clone().unwrap();
    let (sender, pieces) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // Reading ends with an error once nobody has the other side open any more.
        while let Ok(length @ 1..) = screen.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    let give_up = Instant::now() + HANGS_AFTER;
    let (mut seen, mut told) = (Vec::new(), 0);
    let text = |seen: &[u8]| String::from_utf8_lossy(seen).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut left = moves.iter();
    let mut next = left.next();
    loop {
        if let Some(one) = next
            && let Some(at) = text(&seen)[told..].find(one.when)
        {
            told += at + one.when.len();
            (one.does)();
            keyboard.write_all(one.types.as_bytes()).unwrap();
            next = left.next();
            continue;
        }
        match pieces.recv_timeout(give_up.saturating_duration_since(Instant::now())) {
            Ok(piece) => seen.extend(piece),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                panic!("it hangs, and shows:\n{}", String::from_utf8_lossy(&seen));
            }
        }
    }
    let code = child.wait().unwrap().code();
    let shown = text(&seen);
    if let Some(one) = next {
        panic!("it never showed `{}`, but ended with {code:?} and:\n{shown}", one.when);
    }
    (code, shown)
}
