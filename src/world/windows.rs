//! What differs between operating systems, on Windows.
//!
//! Windows has no signals and no process groups in the sense of Unix. Without unsafe code a tool cannot be asked to end,
//! and only the process that was started itself can be ended: what it started goes on until its pipes break. Nor can a
//! pseudo-terminal be opened: tools that want one run on pipes and may hold their output back.

use std::fs::{File, Metadata};
use std::io;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::task::{Context, Poll};

use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};

use crate::words::ToolEnd;
use crate::world::Interrupt;
use crate::world::awake::Keeper;

/// `CREATE_NEW_PROCESS_GROUP` of the Windows API: Ctrl-C at the terminal does not reach the process.
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;

/// Windows keeps awake for a thread that said so, for as long as it lives, and saying so takes unsafe code: PowerShell does
/// it. `0x80000001` is `ES_CONTINUOUS | ES_SYSTEM_REQUIRED` of SetThreadExecutionState; it answers 0 where it refuses.
pub(super) const KEEPERS: &[Keeper] = &[(
    "powershell.exe",
    &[
        "-NoProfile",
        "-NonInteractive",
        "-Command",
        "$kernel = Add-Type -PassThru -Namespace Recover -Name Kernel -MemberDefinition \
         '[DllImport(\"kernel32.dll\")] public static extern uint SetThreadExecutionState(uint flags);'; \
         if ($kernel::SetThreadExecutionState([uint32]2147483649) -eq 0) { exit 1 }; \
         [Console]::Out.WriteLine('awake'); [void][Console]::In.ReadToEnd()",
    ],
)];

/// `ERROR_BAD_EXE_FORMAT` of the Windows API.
const ERROR_BAD_EXE_FORMAT: i32 = 193;

pub(super) fn give_own_group(command: &mut Command) {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// No guard: it could end nothing here.
pub(super) fn start_of_this_program() -> Option<Command> {
    None
}

#[derive(Debug)]
pub(super) struct ProcessGroup {}

impl ProcessGroup {
    pub(super) fn led_by(_leader: u32) -> Self {
        ProcessGroup {}
    }

    pub(super) fn ask_to_end(&self) -> bool {
        false
    }

    pub(super) fn end(&self) -> bool {
        false
    }
}

pub(super) fn wait_without_reaping(_process: u32) -> Option<ToolEnd> {
    None
}

#[derive(Debug)]
pub(super) struct Terminal {
    pub(super) ours: File,
    pub(super) tools: File,
}

pub(super) fn open_terminal() -> io::Result<Option<Terminal>> {
    Ok(None)
}

pub(super) fn tool_end(status: std::process::ExitStatus) -> ToolEnd {
    ToolEnd::Exited(status.code().unwrap_or(-1))
}

pub(super) fn is_foreign_program(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_BAD_EXE_FORMAT)
}

#[derive(Debug)]
pub(super) struct Signals {
    interrupt: CtrlC,
    ctrl_break: CtrlBreak,
    close: CtrlClose,
    /// Ctrl-C, told after what came along with it.
    kept: bool,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Signals { interrupt: ctrl_c()?, ctrl_break: ctrl_break()?, close: ctrl_close()?, kept: false })
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Interrupt> {
        let interrupt = self.interrupt.poll_recv(context).is_ready();
        let ctrl_break = self.ctrl_break.poll_recv(context).is_ready();
        let close = self.close.poll_recv(context).is_ready();
        self.kept |= interrupt;
        if ctrl_break || close {
            Poll::Ready(Interrupt::Terminate)
        } else if std::mem::take(&mut self.kept) {
            Poll::Ready(Interrupt::Interrupt)
        } else {
            Poll::Pending
        }
    }
}

/// The folders that recover uses lie below the user's own profile, which others cannot enter anyway.
pub(super) fn make_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

pub(super) fn is_own_folder(folder: &Path) -> bool {
    folder.is_dir()
}

pub(super) fn is_out_of_files(error: &io::Error) -> bool {
    const ERROR_TOO_MANY_OPEN_FILES: i32 = 4;
    error.raw_os_error() == Some(ERROR_TOO_MANY_OPEN_FILES)
}

/// Permissions are lists there, which the standard library does not show.
pub(super) fn is_somebody_elses(_found: &Metadata) -> bool {
    false
}

pub(super) fn everybody_may_write(_found: &Metadata) -> bool {
    false
}

pub(super) fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len() && one.modified().ok() == other.modified().ok()
}

/// Makes a file that is not there yet, to be written to its end. Who may read it is what its folder says.
pub fn new_private_file(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::File::options().append(true).create_new(true).open(path)
}

/// What was typed ahead stays: it cannot be told from what is typed now.
pub fn drop_typed_ahead() {}

pub(super) fn may_read_and_write(_file: &Path) -> Option<bool> {
    None
}

pub(super) fn user_word() -> String {
    "user".to_owned()
}

/// There are no signals to end a process with: the exit code that stands for it elsewhere.
pub fn end_by_signal(signal: i32) -> i32 {
    const SIGNALLED: i32 = 128;
    SIGNALLED + signal
}

pub(super) fn is_root() -> bool {
    false
}

/// Not asked here.
pub(super) fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

/// The name of this computer.
pub fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok().filter(|name| !name.is_empty())
}
