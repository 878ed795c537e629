//! udev's rules: read wherever they lie, and one file of them written, as root, for whoever agreed to just that.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::world::system::is_root;

/// No computer has more of them.
const FILES_MAX: usize = 10_000;
/// Rules are short texts.
const RULES_BYTES_MAX: u64 = 1 << 20;
/// Where udev takes its rules from (udev(7)).
const RULES_FOLDERS: [&str; 4] =
    ["/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d"];

/// Why the rules are not in their place.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    #[error("no file can be made: {0}")]
    NoFile(io::Error),
    #[error(transparent)]
    Unwritable(#[from] io::Error),
    #[error("`{line}` failed ({status})")]
    Failed { line: String, status: ExitStatus },
    #[error("`{line}` could not be started: {source}")]
    NotStarted { line: String, source: io::Error },
}

/// The texts of all of udev's rules; none where there is no udev.
pub fn device_rules() -> Vec<String> {
    RULES_FOLDERS.iter().flat_map(|folder| rules_in(Path::new(folder))).collect()
}

fn rules_in(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().take(FILES_MAX).map(|file| file.path());
    let rules = files.filter(|path| path.extension().is_some_and(|ending| ending == "rules"));
    let small =
        rules.filter(|path| fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= RULES_BYTES_MAX));
    small.filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// Puts the rules into their place and lets udev take them up, after telling each command. Only these three run as root, by
/// `sudo` where this process does not; none of their words comes from a playbook or a catalog.
pub fn install_rules(rules: &str, place: &str, tell: &dyn Fn(&str)) -> Result<(), NotWritten> {
    let mut file = tempfile::NamedTempFile::new().map_err(NotWritten::NoFile)?;
    file.write_all(rules.as_bytes()).and_then(|()| file.flush())?;
    let text = file.path().to_string_lossy().into_owned();
    let commands: [&[&str]; 3] =
        [&["install", "-m", "644", &text, place], &["udevadm", "control", "--reload-rules"], &["udevadm", "trigger"]];
    for command in commands {
        let (program, words) = if is_root() { (command[0], &command[1..]) } else { ("sudo", command) };
        let line = [&[program], words].concat().join(" ");
        tell(&line);
        match Command::new(program).args(words).stdin(Stdio::inherit()).status() {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(NotWritten::Failed { line, status }),
            Err(source) => return Err(NotWritten::NotStarted { line, source }),
        }
    }
    Ok(())
}

/// Can this process write the rules without `sudo`?
pub fn may_install_rules() -> bool {
    is_root()
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
}
