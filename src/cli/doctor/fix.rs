//! The one thing that `recover doctor` changes: it writes udev's rules for all boards, after it has shown them.
//!
//! Boards are the shipped ones and the one that is named on the command line. A playbook that merely lies in the current
//! folder permits nothing: what root writes is nobody's whose files were unpacked there.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::cli::desk::{Desk, agrees};
use crate::cli::streams::{complain, say, show};
use crate::cli::style::{Look, Role};
use crate::documents::catalog::OperatingSystem;
use crate::documents::library::shipped_playbooks;
use crate::documents::playbook::Playbook;
use crate::engine::{Outcome, RULES_FILE, is_ours, rules_for};
use crate::world::{install_rules, may_install_rules, reload_rules};

/// The file as it is.
#[derive(Debug, PartialEq, Eq)]
enum Earlier {
    None,
    /// Written by recover.
    Own(String),
}

/// Why the file is left as it is.
#[derive(Debug, thiserror::Error)]
enum LeftAlone {
    #[error("{0} holds other rules, which recover did not write: move that file away, and run this again")]
    SomebodyElses(String),
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, io::Error),
}

pub(super) fn fix(named: Option<&Playbook>, look: &Look) -> Outcome {
    if OperatingSystem::current() != OperatingSystem::Linux {
        complain("error: --fix writes rules for udev, which only Linux has; `recover doctor` says what to do here");
        return Outcome::CommandLine;
    }
    let earlier = match read(Path::new(RULES_FILE)) {
        Ok(earlier) => earlier,
        Err(error) => {
            complain(&format!("error: {error}"));
            return Outcome::CommandLine;
        }
    };
    let (rules, is_there) = planned(named, &earlier);
    say(&look.paint(Role::Title, &format!("{RULES_FILE} is to hold:")));
    show(&rules);
    say("");
    // A file that bears a board's name is taken before the shipped playbook, and its ids come from whoever wrote it.
    if let Some(named) = named.filter(|_| planned(None, &earlier).0 != rules) {
        say(&format!("Some of this is for {}, which is not one of recover's own playbooks.", named.source.name));
    }
    if Desk::at_terminal() == Desk::Nobody {
        complain(
            "error: nobody can be asked here, so nothing was written. Run this in a terminal, or write the file yourself",
        );
        return Outcome::CommandLine;
    }
    let how = if may_install_rules() { "" } else { " (sudo may ask for your password)" };
    let question = match is_there {
        true => format!("It holds that already. Let udev take it up once more?{how} Type yes:"),
        false => format!("Write it, and let udev take it up?{how} Type yes:"),
    };
    if !agrees(&question) {
        say("Nothing was written.");
        return Outcome::Declined;
    }
    let tell = |line: &str| say(&format!("  {line}"));
    let written = if is_there { reload_rules(&tell) } else { install_rules(&rules, RULES_FILE, &tell) };
    match written {
        Ok(()) => {
            say("It is done. Disconnect the board and connect it again.");
            Outcome::Recovered
        }
        Err(what) => {
            complain(&format!("error: {what}"));
            complain("To finish it, run this again once that is mended.");
            Outcome::StepFailed
        }
    }
}

/// The rules for recover's own boards, as a package brings them: whatever is attached, and on any system.
pub(super) fn print_rules() -> Outcome {
    show(&planned(None, &Earlier::None).0);
    Outcome::Recovered
}

/// What the file is to hold, and whether it does.
fn planned(named: Option<&Playbook>, earlier: &Earlier) -> (String, bool) {
    let shipped: Vec<Playbook> = shipped_playbooks().collect();
    let text = match earlier {
        Earlier::None => "",
        Earlier::Own(text) => text,
    };
    let rules = rules_for(shipped.iter().chain(named), text);
    let is_there = rules == text;
    (rules, is_there)
}

fn read(file: &Path) -> Result<Earlier, LeftAlone> {
    match std::fs::read_to_string(file) {
        Ok(there) if is_ours(&there) => Ok(Earlier::Own(there)),
        Ok(_) => Err(LeftAlone::SomebodyElses(file.display().to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Earlier::None),
        Err(error) => Err(LeftAlone::Unreadable(file.display().to_string(), error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::playbook::load;
    use crate::engine::RULES_MARK;
    use crate::words::Source;

    fn lamp() -> Playbook {
        let text =
            "format: 1\nboard: Lamp\ndevices:\n  lamp: {usb: \"1209:0001\", label: lamp}\nsteps: [{prompt: Wait.}]\n";
        load(&Arc::new(Source { name: "lamp.yaml".to_owned(), text: text.to_owned() }), &|_| Err(String::new()))
            .playbook
            .unwrap()
    }

    #[test]
    fn a_file_of_somebody_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("70-recover.rules");
        assert_eq!(read(&file).unwrap(), Earlier::None);
        std::fs::write(&file, "SUBSYSTEM==\"usb\", MODE=\"0666\"\n").unwrap();
        assert!(matches!(read(&file), Err(LeftAlone::SomebodyElses(_))));
        let own = format!("{RULES_MARK}\nolder\n");
        std::fs::write(&file, &own).unwrap();
        assert_eq!(read(&file).unwrap(), Earlier::Own(own));
        assert!(matches!(read(folder.path()), Err(LeftAlone::Unreadable(..))));
    }

    #[test]
    fn a_board_that_was_permitted_once_stays_permitted() {
        let lamp = lamp();
        let (alone, is_there) = planned(None, &Earlier::None);
        assert!(!alone.contains("1209") && alone.contains("0483") && !is_there);
        let (with_lamp, is_there) = planned(Some(&lamp), &Earlier::Own(alone));
        assert!(with_lamp.contains("1209") && !is_there);
        assert_eq!(planned(None, &Earlier::Own(with_lamp.clone())), (with_lamp, true));
    }
}
