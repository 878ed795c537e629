//! What this computer is like, as far as it may stand in the way of a run. Only looks; where a system does not tell, nothing is
//! said.

use std::fs;
use std::path::Path;

/// No computer has more of either.
const LOOKED_AT_MAX: usize = 100_000;
/// Rules are short texts.
const RULES_BYTES_MAX: u64 = 1 << 20;
/// Where udev takes its rules from (udev(7)).
const RULES_FOLDERS: [&str; 4] =
    ["/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d"];

/// The texts of all of udev's rules; none where there is no udev.
pub fn device_rules() -> Vec<String> {
    RULES_FOLDERS.iter().flat_map(|folder| rules_in(Path::new(folder))).collect()
}

fn rules_in(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().take(LOOKED_AT_MAX).map(|file| file.path());
    let rules = files.filter(|path| path.extension().is_some_and(|ending| ending == "rules"));
    let small =
        rules.filter(|path| fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= RULES_BYTES_MAX));
    small.filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// The names of the programs that run, as `ps` shows them; none where the system has no `/proc`.
pub fn running_programs() -> Vec<String> {
    programs_in(Path::new("/proc"))
}

fn programs_in(processes: &Path) -> Vec<String> {
    let entries = fs::read_dir(processes).into_iter().flatten().flatten().take(LOOKED_AT_MAX);
    let of_process = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let mut names: Vec<String> = of_process
        .filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// How many bytes this user may still write to the disk that the folder is on.
#[cfg(unix)]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Not asked there.
#[cfg(not(unix))]
pub fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_from_rules_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("50-a.rules"), "one").unwrap();
        fs::write(folder.path().join("README"), "two").unwrap();
        fs::create_dir(folder.path().join("60-b.rules")).unwrap();
        assert_eq!(rules_in(folder.path()), ["one"]);
        assert!(rules_in(&folder.path().join("nowhere")).is_empty());
    }

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
