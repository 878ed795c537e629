//! udev's rules: read wherever they lie, and one file of them written, as root, for whoever agreed to just that.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::world::system::is_root;
use crate::world::tools::{absolute_in, own_search_path};

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

/// Puts the rules into their place and lets udev take them up, after telling each command. As root run only those, by `sudo`
/// where this process is not root; of the file's words only the ids of devices come from a playbook.
pub fn install_rules(rules: &str, place: &str, tell: &dyn Fn(&str)) -> Result<(), NotWritten> {
    let mut file = tempfile::NamedTempFile::new().map_err(NotWritten::NoFile)?;
    file.write_all(rules.as_bytes()).and_then(|()| file.flush())?;
    let text = file.path().to_string_lossy().into_owned();
    as_root("install", &["-m", "644", &text, place], tell)?;
    reload_rules(tell)
}

/// Lets udev take up its rules for what is attached.
pub fn reload_rules(tell: &dyn Fn(&str)) -> Result<(), NotWritten> {
    as_root("udevadm", &["control", "--reload-rules"], tell)?;
    let subsystems = ["usb", "hidraw", "tty"].map(|subsystem| format!("--subsystem-match={subsystem}"));
    let words: Vec<&str> = ["trigger"].into_iter().chain(subsystems.iter().map(String::as_str)).collect();
    as_root("udevadm", &words, tell)
}

fn as_root(program: &str, args: &[&str], tell: &dyn Fn(&str)) -> Result<(), NotWritten> {
    let (program, words) = if is_root() { (program, args.to_vec()) } else { ("sudo", [&[program], args].concat()) };
    let line = [&[program], words.as_slice()].concat().join(" ");
    tell(&line);
    // Not left to the system, which would look in the current folder, too.
    let found = absolute_in(program, &own_search_path().unwrap_or_default()).ok_or(ErrorKind::NotFound.into());
    match found.and_then(|found| Command::new(found).args(words).stdin(Stdio::inherit()).status()) {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(NotWritten::Failed { line, status }),
        Err(source) => Err(NotWritten::NotStarted { line, source }),
    }
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
