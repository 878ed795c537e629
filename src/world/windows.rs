//! What differs between operating systems, on Windows.
//!
//! Windows has no signals and no process groups in the sense of Unix. Without unsafe code a tool cannot be asked to end; a
//! job object ends it with all that it has started.
//!
//! Tools that want a terminal run on pipes: a pseudo-console of Windows is no terminal line but a screen, and what it
//! passes on is that screen drawn anew: runs of blanks as moves of the cursor, long lines broken, what scrolls or is
//! overwritten left out or told twice (microsoft/terminal, issues 919 and 1985; microsoft/node-pty, issue 408).
//! Evidence is counted in lines, so that must not stand between it and the tool. On a pipe Python's questions still
//! come out with all that was printed before, only later.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Poll};

use process_wrap::tokio::{ChildWrapper, CommandWrap, CreationFlags, JobObject, KillOnDrop};
use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};
use tokio::sync::Notify;
use windows::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, PROCESS_CREATION_FLAGS};

use crate::words::ToolEnd;
use crate::world::Interrupt;
use crate::world::awake::Keeper;

/// Ctrl-C at the terminal does not reach the process.
const OWN_GROUP: PROCESS_CREATION_FLAGS = CREATE_NEW_PROCESS_GROUP;

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
    command.creation_flags(OWN_GROUP.0);
}

/// A process and all its descendants: a job, which nothing leaves.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    unwanted: Arc<Notify>,
}

impl ProcessGroup {
    /// Asks every process of the group to end. Returns whether that is possible here.
    pub(super) fn ask_to_end(&self) -> bool {
        false
    }

    /// Ends every process of the group.
    pub(super) fn end(&self) -> bool {
        self.unwanted.notify_one();
        true
    }
}

/// The first process of a job, which we have started ourselves. Dropped, it ends what is left of the job. Windows does so,
/// too, when this process ends, however that comes about: nobody else holds the job.
#[derive(Debug)]
pub(super) struct Leader {
    process: Box<dyn ChildWrapper>,
    unwanted: Arc<Notify>,
}

impl Leader {
    pub(super) fn number(&self) -> u32 {
        self.process.id().unwrap_or(0)
    }

    /// Waits until it has ended, and ends the job when that is wanted.
    pub(super) fn wait(&mut self) -> ToolEnd {
        // Only a thread that waits: nothing else runs on it.
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let waited = runtime.and_then(|runtime| {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        // What the job holds beside it may go on longer.
                        ended = self.process.inner_mut().wait() => return ended,
                        () = self.unwanted.notified() => {
                            let _ended_already = self.process.start_kill();
                        }
                    }
                }
            })
        });
        match waited {
            Ok(status) => ToolEnd::Exited(status.code().unwrap_or(-1)),
            Err(error) => ToolEnd::NotStarted(format!("its end could not be observed ({error})")),
        }
    }

    pub(super) fn reap(self) {}
}

/// Starts a program in a job of its own. It runs only when it is in there, so that nothing it starts is left out.
pub(super) fn start_in_job(program: &OsStr, set_up: impl FnOnce(&mut Command)) -> io::Result<(ProcessGroup, Leader)> {
    let mut command = Command::new(program);
    set_up(&mut command);
    let mut wrapped = CommandWrap::from(tokio::process::Command::from(command));
    wrapped.wrap(CreationFlags(OWN_GROUP)).wrap(KillOnDrop).wrap(JobObject);
    let process = wrapped.spawn()?;
    let unwanted = Arc::<Notify>::default();
    Ok((ProcessGroup { unwanted: Arc::clone(&unwanted) }, Leader { process, unwanted }))
}

#[derive(Debug)]
pub(super) struct Terminal {
    pub(super) ours: File,
    pub(super) tools: File,
}

pub(super) fn open_terminal() -> io::Result<Option<Terminal>> {
    Ok(None)
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

/// Is a file perhaps only held by somebody else at the moment? What may not be done at all looks like one of these.
pub(super) fn is_hindrance(error: &io::Error) -> bool {
    const ERROR_ACCESS_DENIED: i32 = 5;
    const ERROR_SHARING_VIOLATION: i32 = 32;
    const ERROR_LOCK_VIOLATION: i32 = 33;
    [ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION].map(Some).contains(&error.raw_os_error())
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

pub(super) fn others_may_read(_found: &Metadata) -> bool {
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
