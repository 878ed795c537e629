//! What differs between operating systems, on Unix: process groups, signals, terminals, private folders and permissions.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
#[cfg(target_os = "linux")]
use std::io::{IoSlice, Write};
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
#[cfg(target_os = "linux")]
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
#[cfg(target_os = "linux")]
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::task::{Context, Poll};

use rustix::io::{Errno, FdFlags, fcntl_setfd};
#[cfg(target_os = "linux")]
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, Signal as Kind, WaitId, WaitIdOptions, geteuid, kill_process_group, waitid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, OutputModes, QueueSelector, Winsize, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
    tcsetwinsize,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::words::ToolEnd;
use crate::world::Interrupt;
use crate::world::awake::Keeper;

/// Puts the process into a group of its own, so that Ctrl-C at the terminal does not reach it and that it can be ended
/// together with everything it starts.
pub(super) fn give_own_group(command: &mut Command) {
    command.process_group(0);
}

/// Programs that keep the computer awake as long as a `cat` runs in them. With `--what=sleep` alone a lid that is closed would
/// still put a laptop to sleep (systemd-inhibit(1), logind.conf(5)).
#[cfg(not(target_os = "macos"))]
pub(super) const KEEPERS: &[Keeper] = {
    const ARGS: &[&str] = &[
        "--what=idle:sleep:handle-lid-switch",
        "--who=recover",
        "--why=A board is being written",
        "--mode=block",
        "cat",
    ];
    &[("systemd-inhibit", ARGS), ("elogind-inhibit", ARGS)]
};
/// No idle sleep and, on mains, no sleep at all (caffeinate(8)).
#[cfg(target_os = "macos")]
pub(super) const KEEPERS: &[Keeper] = &[("caffeinate", &["-i", "-s", "cat"])];

/// Starts the running program once more, whatever has become of its file. The name it gets on Linux is not its own, so that
/// whoever ends all processes of its name (`killall -9 recover`) does not end this one.
pub(super) fn start_of_this_program() -> Option<Command> {
    if cfg!(target_os = "linux") {
        Some(Command::new("/proc/self/exe"))
    } else {
        std::env::current_exe().ok().map(Command::new)
    }
}

/// A call of a program whose output nobody hears. It reads nothing.
pub(super) fn unheard_call(words: &[OsString], folder: &OsStr) -> Option<Command> {
    let (program, args) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Some(command)
}

/// A process and its descendants, but for those that left the group by themselves (`setsid`).
///
/// To be used only until the first process of the group has been reaped: afterwards its number may be a stranger's.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    leader: Option<Pid>,
}

impl ProcessGroup {
    pub(super) fn led_by(leader: u32) -> Self {
        ProcessGroup { leader: pid(leader) }
    }

    /// Asks every process of the group to end. Returns whether that is possible here.
    pub(super) fn ask_to_end(&self) -> bool {
        self.send(Kind::TERM)
    }

    /// Ends every process of the group.
    pub(super) fn end(&self) -> bool {
        self.send(Kind::KILL)
    }

    fn send(&self, signal: Kind) -> bool {
        self.leader.is_some_and(|leader| kill_process_group(leader, signal).is_ok())
    }
}

/// Waits until the process has ended, without reaping it: its group keeps its number. `None` where that cannot be told.
pub(super) fn wait_without_reaping(process: u32) -> Option<ToolEnd> {
    let process = pid(process)?;
    loop {
        match waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(Some(status)) => {
                let exited = status.exit_status().map(ToolEnd::Exited);
                return exited.or_else(|| status.terminating_signal().map(ToolEnd::Signalled));
            }
            Err(Errno::INTR) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}

/// Sends bytes, and with the first of them open files.
#[cfg(target_os = "linux")]
pub(super) fn send_with_files<const N: usize>(
    socket: &UnixStream,
    bytes: &[u8],
    files: [BorrowedFd<'_>; N],
) -> io::Result<()> {
    let mut space = vec![MaybeUninit::uninit(); SendAncillaryMessage::ScmRights(&files).size()];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&files));
    let sent = sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    let mut socket = socket;
    socket.write_all(bytes.get(sent..).unwrap_or_default())
}

fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

/// Wide enough that no tool breaks its lines, and like nobody's own window, so that every run looks the same.
const TERMINAL_SIZE: Winsize = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };

/// Both sides of a pseudo-terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    pub(super) ours: File,
    pub(super) tools: File,
}

/// A terminal that repeats nothing of what is typed, and passes output on as it is. It is nobody's controlling terminal:
/// a process cannot begin a session of its own without unsafe code. So no key sends a signal, and the tool is ended
/// through its group as any other. `None` where the system has no such terminals.
pub(super) fn open_terminal() -> io::Result<Option<Terminal>> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    // Not every system can do this while opening.
    fcntl_setfd(&ours, FdFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let path = ptsname(&ours, Vec::new())?;
    let no_controlling_terminal = i32::try_from(OpenptFlags::NOCTTY.bits()).unwrap_or(0);
    let path = Path::new(OsStr::from_bytes(path.as_bytes()));
    let tools = OpenOptions::new().read(true).write(true).custom_flags(no_controlling_terminal).open(path)?;
    let mut modes = tcgetattr(&tools)?;
    modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
    modes.output_modes.remove(OutputModes::OPOST);
    tcsetattr(&tools, OptionalActions::Now, &modes)?;
    tcsetwinsize(&tools, TERMINAL_SIZE)?;
    Ok(Some(Terminal { ours: ours.into(), tools }))
}

/// How a reaped process ended.
pub(super) fn tool_end(status: std::process::ExitStatus) -> ToolEnd {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => ToolEnd::Exited(code),
        (None, signal) => ToolEnd::Signalled(signal.unwrap_or(0)),
    }
}

/// Ends this process as the signal does; for a mock tool that plays one that crashed. Answers with the exit code that stands
/// for it where the signal does not end it.
pub fn end_by_signal(signal: i32) -> i32 {
    use rustix::process::{Signal, getpid, kill_process};
    const SIGNALLED: i32 = 128;
    // Rust's runtime hears the first signal of some kinds and then steps aside.
    const TIMES: usize = 2;
    for known in Signal::from_named_raw(signal).into_iter().cycle().take(TIMES) {
        let _not_ended = kill_process(getpid(), known);
    }
    SIGNALLED + signal
}

/// Is this the error for a file that is no program of this kind of computer?
pub(super) fn is_foreign_program(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error())
}

/// Open files are in nobody's way.
pub(super) fn is_hindrance(_error: &io::Error) -> bool {
    false
}

/// Is this the error for a process, or a computer, that has as many files open as it may?
pub(super) fn is_out_of_files(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].iter().any(|limit| error.raw_os_error() == Some(limit.raw_os_error()))
}

/// The wishes to end the run. Armed from construction on, so that none is lost between two polls.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    /// Ctrl-\.
    quit: Signal,
    /// Ctrl-C, told after what came along with it.
    kept: bool,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            kept: false,
        })
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Interrupt> {
        // All are polled, because each keeps its own waker.
        let interrupt = self.interrupt.poll_recv(context).is_ready();
        let terminate = self.terminate.poll_recv(context).is_ready();
        let hang_up = self.hang_up.poll_recv(context).is_ready();
        let quit = self.quit.poll_recv(context).is_ready();
        self.kept |= interrupt;
        if terminate || hang_up || quit {
            Poll::Ready(Interrupt::Terminate)
        } else if std::mem::take(&mut self.kept) {
            Poll::Ready(Interrupt::Interrupt)
        } else {
            Poll::Pending
        }
    }
}

/// Makes a folder that only this user can enter; one of this user that exists already is fine.
///
/// In a folder of somebody else, what we write could be led astray by links.
pub(super) fn make_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if is_own_folder(folder) {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is there already and belongs to another user"))
    }
}

/// Is this a folder, not a link to one, that belongs to this user?
pub(super) fn is_own_folder(folder: &Path) -> bool {
    std::fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
}

/// Does it belong to neither this user nor root?
pub(super) fn is_somebody_elses(found: &Metadata) -> bool {
    found.uid() != geteuid().as_raw() && found.uid() != 0
}

/// May every user of the computer change it, or what is in the folder that it is?
pub(super) fn everybody_may_write(found: &Metadata) -> bool {
    const OTHERS_WRITE: u32 = 0o002;
    found.mode() & OTHERS_WRITE != 0
}

/// May anybody read or write it but its owner?
pub(super) fn others_may_read(found: &Metadata) -> bool {
    const ALL_OTHERS: u32 = 0o077;
    found.mode() & ALL_OTHERS != 0
}

pub(super) fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Makes a file that is not there yet, to be written to its end, which only this user may read.
pub fn new_private_file(path: &Path) -> io::Result<File> {
    File::options().append(true).create_new(true).mode(0o600).open(path)
}

/// Drops what was typed at the terminal and not yet read.
pub fn drop_typed_ahead() {
    // A terminal stops a job of its own in the background that does this.
    let background = tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground != rustix::process::getpgrp());
    if !background {
        let _no_terminal = tcflush(io::stdin(), QueueSelector::IFlush);
    }
}

/// May this user read and write this file? Asked without opening it; `None` where that cannot be told.
pub(super) fn may_read_and_write(file: &Path) -> Option<bool> {
    use rustix::fs::{Access, access};
    Some(access(file, Access::READ_OK | Access::WRITE_OK).is_ok())
}

pub(super) fn is_root() -> bool {
    geteuid().is_root()
}

/// What this user may still write to the disk that the folder is on.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Is this process in the group of this number?
#[cfg(target_os = "linux")]
pub(super) fn is_in_group(id: u32) -> bool {
    let others = rustix::process::getgroups().unwrap_or_default();
    others.into_iter().chain([rustix::process::getegid()]).any(|group| group.as_raw() == id)
}

/// A word that tells this user from the others of the computer, fit for a file name.
pub(super) fn user_word() -> String {
    geteuid().as_raw().to_string()
}

/// The name of this computer.
pub fn host_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Some(name).filter(|name| !name.is_empty())
}
