//! What this computer is like, as far as it may stand in the way of a run. Only looks; where a system does not tell, nothing is
//! said.

use std::fs;
use std::path::Path;

use crate::world::system;

/// No computer runs more.
const PROCESSES_MAX: usize = 100_000;

/// The names of the programs that run, as `ps` shows them; none where the system has no `/proc`.
pub fn running_programs() -> Vec<String> {
    programs_in(Path::new("/proc"))
}

fn programs_in(processes: &Path) -> Vec<String> {
    let entries = fs::read_dir(processes).into_iter().flatten().flatten().take(PROCESSES_MAX);
    let of_process = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let mut names: Vec<String> = of_process
        .filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// How many bytes this user may still write to the disk that the folder is on; nothing where that is not asked.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    system::free_bytes(folder)
}

/// May this user make something in the folder? Asked without trying; `None` where that cannot be told.
pub fn may_write_in(folder: &Path) -> Option<bool> {
    system::may_read_and_write(folder)
}

/// Is this user let at every device, whatever the rules say?
pub fn is_administrator() -> bool {
    system::is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_named_once() {
        let processes = tempfile::tempdir().unwrap();
        for (id, name) in [("12", "ModemManager\n"), ("7", "sh\n"), ("9", "sh\n"), ("self", "x\n")] {
            fs::create_dir(processes.path().join(id)).unwrap();
            fs::write(processes.path().join(id).join("comm"), name).unwrap();
        }
        assert_eq!(programs_in(processes.path()), ["ModemManager", "sh"]);
    }

    #[cfg(unix)]
    #[test]
    fn there_is_room_where_tests_run() {
        assert!(free_bytes(&std::env::temp_dir()).is_some_and(|bytes| bytes > 0));
        assert_eq!(free_bytes(Path::new("/nowhere/at/all")), None);
    }
}
