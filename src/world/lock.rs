//! Keeps two runs from working on the same board.
//!
//! A run that chose no port might take any board of its ids, so it excludes all others with one of them. Runs that chose
//! different ports do not disturb each other. The system releases the locks of a process that dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::words::{UsbId, describe_clock};
use crate::world::Surroundings;
use crate::world::system::{is_own_folder, make_private_folder, user_word};

/// Held until dropped.
#[derive(Debug)]
pub struct BoardLock {
    _locks: Vec<Lock>,
}

#[derive(Debug, thiserror::Error)]
pub enum LockProblem {
    #[error("another recover{} is working on {board}", holder.map(|holder| holder.to_string()).unwrap_or_default())]
    Held {
        /// An id, or an id and a port.
        board: String,
        holder: Option<Holder>,
        /// The others have chosen a port each, so that a port of one's own would do.
        ports_chosen: bool,
    },
    #[error("the folder for locks `{}` cannot be made: {source}", folder.display())]
    NoFolder { folder: PathBuf, source: io::Error },
    #[error("the lock `{}` cannot be taken: {source}", file.display())]
    NoLock { file: PathBuf, source: io::Error },
}

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    pub process: u32,
    pub since: SystemTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// With others that chose a port.
    Shared,
    Exclusive,
}

/// One locked file. What the holder says of itself stands beside it, because Windows lets nobody else read a locked file.
#[derive(Debug)]
struct Lock {
    file: File,
    note: PathBuf,
    holder: Holder,
}

impl BoardLock {
    /// Where the runs of this user meet.
    pub fn default_folder(surroundings: &Surroundings) -> PathBuf {
        let runtime_folder = surroundings.variables.get("XDG_RUNTIME_DIR").map(Path::new);
        // Under `sudo` the variable may still name the folder of the person who called it.
        match runtime_folder.filter(|folder| folder.is_absolute() && is_own_folder(folder)) {
            Some(folder) => folder.join("recover"),
            None => std::env::temp_dir().join(format!("recover-locks-{}", user_word())),
        }
    }

    /// Locks the boards with these ids, or only the one at `port`. Does not wait.
    pub fn acquire(folder: &Path, ids: &[UsbId], port: Option<&str>) -> Result<BoardLock, LockProblem> {
        make_private_folder(folder).map_err(|source| LockProblem::NoFolder { folder: folder.to_owned(), source })?;
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let mut locks = Vec::new();
        for id in ids {
            match port {
                None => locks.push(lock(folder, &id.to_string(), Sharing::Exclusive)?),
                Some(port) => {
                    locks.push(lock(folder, &id.to_string(), Sharing::Shared)?);
                    locks.push(lock(folder, &format!("{id} at {port}"), Sharing::Exclusive)?);
                }
            }
        }
        Ok(BoardLock { _locks: locks })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A note left behind, or lost, only makes a message less exact.
        if read_note(&self.note) == Some(self.holder) {
            let _ = std::fs::remove_file(&self.note);
        }
        // Closing alone is not enough: a tool that is just being started may still share the open file for a moment.
        let _ = self.file.unlock();
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, " (process {}, since {})", self.process, describe_clock(self.since))
    }
}

fn lock(folder: &Path, board: &str, sharing: Sharing) -> Result<Lock, LockProblem> {
    let name = file_name(board);
    let path = folder.join(format!("{name}.lock"));
    let note = folder.join(format!("{name}.holder"));
    let no_lock = |source| LockProblem::NoLock { file: path.clone(), source };
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(no_lock)?;
    let locked = match sharing {
        Sharing::Shared => file.try_lock_shared(),
        Sharing::Exclusive => file.try_lock(),
    };
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            // Only those that chose a port leave room for others.
            let ports_chosen = file.try_lock_shared().is_ok();
            return Err(LockProblem::Held { board: board.to_owned(), holder: read_note(&note), ports_chosen });
        }
        Err(TryLockError::Error(source)) => return Err(no_lock(source)),
    }
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let holder = Holder { process: std::process::id(), since: UNIX_EPOCH + Duration::from_secs(seconds) };
    // Of several sharers the last is named. A failure only makes a message less exact.
    let _ = std::fs::write(&note, format!("{} {seconds}\n", holder.process));
    Ok(Lock { file, note, holder })
}

/// Letters, digits and `-` stay; everything else is written as its bytes, so that two boards never share a file.
fn file_name(board: &str) -> String {
    let mut name = String::new();
    for byte in board.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => name.push(char::from(byte)),
            other => name.push_str(&format!("_{other:02x}")),
        }
    }
    name
}

fn read_note(note: &Path) -> Option<Holder> {
    let text = std::fs::read_to_string(note).ok()?;
    let (process, seconds) = text.trim_end().split_once(' ')?;
    let since = UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))?;
    Some(Holder { process: process.parse().ok()?, since })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROM: UsbId = UsbId { vendor: 0x1fc9, product: 0x0135 };
    const FLASHLOADER: UsbId = UsbId { vendor: 0x15a2, product: 0x0073 };

    fn held(outcome: Result<BoardLock, LockProblem>) -> (String, Option<Holder>) {
        match outcome {
            Err(LockProblem::Held { board, holder, .. }) => (board, holder),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_run_without_a_port_excludes_all_others() {
        let folder = tempfile::tempdir().unwrap();
        let first = BoardLock::acquire(folder.path(), &[ROM, ROM, FLASHLOADER], None).unwrap();
        let (board, holder) = held(BoardLock::acquire(folder.path(), &[FLASHLOADER], None));
        assert_eq!(board, "15a2:0073");
        assert_eq!(holder.unwrap().process, std::process::id());
        held(BoardLock::acquire(folder.path(), &[ROM], Some("1-2")));
        drop(first);
        BoardLock::acquire(folder.path(), &[ROM], Some("1-2")).unwrap();
    }

    #[test]
    fn runs_with_different_ports_coexist() {
        let folder = tempfile::tempdir().unwrap();
        let first = BoardLock::acquire(folder.path(), &[ROM], Some("1-2")).unwrap();
        let second = BoardLock::acquire(folder.path(), &[ROM], Some("1-3")).unwrap();
        assert_eq!(held(BoardLock::acquire(folder.path(), &[ROM], Some("1-3"))).0, "1fc9:0135 at 1-3");
        held(BoardLock::acquire(folder.path(), &[ROM], None));
        drop(first);
        held(BoardLock::acquire(folder.path(), &[ROM], None));
        drop(second);
        BoardLock::acquire(folder.path(), &[ROM], None).unwrap();
    }

    #[test]
    fn a_port_helps_only_beside_runs_that_chose_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let a_port_helps = |port| match BoardLock::acquire(folder.path(), &[ROM], port) {
            Err(LockProblem::Held { ports_chosen, .. }) => ports_chosen,
            other => panic!("{other:?}"),
        };
        let any = BoardLock::acquire(folder.path(), &[ROM], None).unwrap();
        assert!(!a_port_helps(None));
        assert!(!a_port_helps(Some("1-2")));
        drop(any);
        let chosen = BoardLock::acquire(folder.path(), &[ROM], Some("1-2")).unwrap();
        assert!(a_port_helps(None));
        assert!(!a_port_helps(Some("1-2")));
        drop(chosen);
        BoardLock::acquire(folder.path(), &[ROM], None).unwrap();
    }

    #[test]
    fn a_failed_try_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let rom = BoardLock::acquire(folder.path(), &[ROM], None).unwrap();
        held(BoardLock::acquire(folder.path(), &[FLASHLOADER, ROM], None));
        BoardLock::acquire(folder.path(), &[FLASHLOADER], None).unwrap();
        drop(rom);
    }

    #[test]
    fn names_the_holder() {
        let since = SystemTime::now();
        let problem = LockProblem::Held {
            board: ROM.to_string(),
            holder: Some(Holder { process: 1234, since }),
            ports_chosen: false,
        };
        let expected =
            format!("another recover (process 1234, since {}) is working on 1fc9:0135", describe_clock(since));
        assert_eq!(problem.to_string(), expected);
        let problem = LockProblem::Held { board: ROM.to_string(), holder: None, ports_chosen: false };
        assert_eq!(problem.to_string(), "another recover is working on 1fc9:0135");
    }

    #[test]
    fn names_the_folder_that_cannot_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let problem = BoardLock::acquire(&file.join("locks"), &[ROM], None).unwrap_err();
        assert!(matches!(problem, LockProblem::NoFolder { .. }), "{problem}");
        assert!(problem.to_string().contains("locks` cannot be made"));
    }

    #[test]
    fn the_runtime_folder_is_taken_where_it_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let of = |folder: &Path| {
            let variables = [("XDG_RUNTIME_DIR".to_owned(), folder.as_os_str().to_owned())].into();
            BoardLock::default_folder(&Surroundings { variables, ..Surroundings::default() })
        };
        assert_eq!(of(folder.path()), folder.path().join("recover"));
        let fallback = BoardLock::default_folder(&Surroundings::default());
        assert_eq!(of(&folder.path().join("absent")), fallback);
        assert!(fallback.starts_with(std::env::temp_dir()));
    }

    #[test]
    fn different_boards_have_different_files() {
        assert_ne!(file_name("1fc9:0135 at /dev/tty_a"), file_name("1fc9:0135 at /dev/tty/a"));
        assert!(file_name("1fc9:0135 at COM7").bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}
