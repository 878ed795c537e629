//! A terminal that somebody looks at: takes what is drawn, and counts the frames.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::Stdio;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// What is drawn within this time belongs to one frame.
const FRAME: Duration = Duration::from_millis(8);

#[derive(Debug)]
pub(crate) struct Screen {
    seen: JoinHandle<Seen>,
}

/// What has been drawn by the end.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) frames: usize,
    /// The longest time in which nothing changed.
    pub(crate) longest_still: Duration,
    pub(crate) text: Vec<u8>,
}

/// A terminal and the end that a program gets.
pub(crate) fn screen() -> (Screen, [Stdio; 2]) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    tcsetwinsize(&theirs, size).unwrap();
    let seen = std::thread::spawn(move || look(&mut File::from(ours)));
    (Screen { seen }, [theirs.try_clone().unwrap().into(), theirs.into()])
}

impl Screen {
    /// Once the program has ended and nobody else holds the terminal.
    pub(crate) fn seen(self) -> Seen {
        self.seen.join().unwrap()
    }
}

fn look(terminal: &mut File) -> Seen {
    let mut seen = Seen { frames: 0, longest_still: Duration::ZERO, text: Vec::new() };
    let mut bytes = vec![0; 1 << 16];
    let mut last: Option<Instant> = None;
    // The end shows as an error on Linux.
    while let Ok(count @ 1..) = terminal.read(&mut bytes) {
        let now = Instant::now();
        let still = last.map(|last| now - last);
        seen.frames += usize::from(still.is_none_or(|still| still > FRAME));
        seen.longest_still = seen.longest_still.max(still.unwrap_or_default());
        seen.text.extend(&bytes[..count]);
        last = Some(now);
    }
    seen
}
