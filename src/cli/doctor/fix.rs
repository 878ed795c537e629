//! The one thing that `recover doctor` changes: it writes udev's rules for all boards, after it has shown them.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::cli::approval::is_yes;
use crate::cli::desk::{Desk, ask};
use crate::cli::streams::{complain, say, show};
use crate::cli::style::{Look, Role};
use crate::documents::catalog::OperatingSystem;
use crate::documents::playbook::Playbook;
use crate::engine::{Outcome, RULES_FILE, RULES_MARK, rules_for};

pub(super) fn fix(playbooks: &[Playbook], look: &Look) -> Outcome {
    if OperatingSystem::current() != OperatingSystem::Linux {
        complain("error: --fix writes rules for udev, which only Linux has; `recover doctor` says what to do here");
        return Outcome::CommandLine;
    }
    let rules = rules_for(playbooks);
    say(&look.paint(Role::Title, &format!("{RULES_FILE} is to hold:")));
    show(&rules);
    say("");
    if let Some(reason) = in_the_way(Path::new(RULES_FILE), &rules) {
        complain(&reason);
        return if reason.starts_with("error") { Outcome::CommandLine } else { Outcome::Recovered };
    }
    let desk = Desk::at_terminal();
    if desk == Desk::Nobody {
        complain(
            "error: nobody can be asked here, so nothing was written. Run this in a terminal, or write the file yourself",
        );
        return Outcome::CommandLine;
    }
    let how = if is_root() { "" } else { " (sudo may ask for your password)" };
    if !is_yes(&ask(&format!("Write it, and let udev take it up?{how} Type yes:"))) {
        say("Nothing was written.");
        return Outcome::Declined;
    }
    match write(&rules) {
        Ok(()) => {
            say("It is written. Disconnect the board and connect it again.");
            Outcome::Recovered
        }
        Err(what) => {
            complain(&format!("error: {what}"));
            Outcome::StepFailed
        }
    }
}

/// Why nothing is to be written: it stands there already, or the file is somebody else's.
fn in_the_way(file: &Path, rules: &str) -> Option<String> {
    match std::fs::read_to_string(file) {
        Ok(there) if there == rules => {
            Some("It is there already. Disconnect the board and connect it again.".to_owned())
        }
        Ok(there) if !there.starts_with(RULES_MARK) => Some(format!(
            "error: {} holds other rules, which recover did not write: move that file away, and run this again",
            file.display()
        )),
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => Some(format!("error: {} cannot be read: {error}", file.display())),
    }
}

fn is_root() -> bool {
    #[cfg(unix)]
    {
        rustix::process::geteuid().is_root()
    }
    #[cfg(not(unix))]
    {
        false
    }
}

/// Why the rules are not in their place.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error("no file can be made: {0}")]
    NoFile(io::Error),
    #[error(transparent)]
    Unwritable(#[from] io::Error),
    #[error("`{line}` failed ({status})")]
    Failed { line: String, status: ExitStatus },
    #[error("`{line}` could not be started: {source}")]
    NotStarted { line: String, source: io::Error },
}

/// Only these three commands run as root.
fn write(rules: &str) -> Result<(), NotWritten> {
    let mut file = tempfile::NamedTempFile::new().map_err(NotWritten::NoFile)?;
    file.write_all(rules.as_bytes()).and_then(|()| file.flush())?;
    let text = file.path().to_string_lossy().into_owned();
    let commands: [&[&str]; 3] = [
        &["install", "-m", "644", &text, RULES_FILE],
        &["udevadm", "control", "--reload-rules"],
        &["udevadm", "trigger"],
    ];
    for command in commands {
        let words: Vec<&str> = if is_root() { command.to_vec() } else { [&["sudo"], command].concat() };
        let line = words.join(" ");
        say(&format!("  {line}"));
        let ended = Command::new(words[0]).args(&words[1..]).stdin(Stdio::inherit()).status();
        match ended {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(NotWritten::Failed { line, status }),
            Err(source) => return Err(NotWritten::NotStarted { line, source }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_somebody_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("70-recover.rules");
        let rules = rules_for(&[]);
        assert_eq!(in_the_way(&file, &rules), None);
        std::fs::write(&file, "SUBSYSTEM==\"usb\", MODE=\"0666\"\n").unwrap();
        assert!(in_the_way(&file, &rules).is_some_and(|why| why.contains("which recover did not write")));
        std::fs::write(&file, format!("{RULES_MARK}\nolder\n")).unwrap();
        assert_eq!(in_the_way(&file, &rules), None);
        std::fs::write(&file, &rules).unwrap();
        assert!(in_the_way(&file, &rules).is_some_and(|why| why.starts_with("It is there already")));
    }
}
