//! A name that means two playbooks: the shipped one, and a file that happens to lie in the current folder.

use crate::cli::desk::{Desk, ask, piece};
use crate::cli::places::{FoundPlaybook, Named, find_named};
use crate::cli::refusal::{refuse, refuse_place};
use crate::engine::{Outcome, Refusal, before_anything};
use crate::words::FaultClass;

/// The playbook of a real run. A person chooses between two; without one, the path has to be written.
pub(super) fn playbook_of_run(name: &str, desk: Desk) -> Result<FoundPlaybook, Box<Refusal>> {
    let (file, shipped) = match find_named(name).map_err(|error| refuse_place(&error))? {
        Named::One(found) => return Ok(found),
        Named::Either { file, shipped } => (file, shipped),
    };
    let path = format!("./{}", file.source.name);
    if desk == Desk::Person {
        let board =
            |found: &FoundPlaybook| found.load().playbook.map_or("?".to_owned(), |playbook| piece(&playbook.board));
        let answer = ask(&format!(
            "There are two playbooks of the name {}:\n1  the one that recover brings along, for {}\n2  the file {path} in \
             this folder, for {}\nType 1 or 2:",
            piece(name),
            board(&shipped),
            board(&file),
        ));
        return match answer.as_str() {
            "1" => Ok(shipped),
            "2" => Ok(file),
            _ => {
                let what = "nothing was started, because you chose neither of the two playbooks".to_owned();
                Err(refuse(Outcome::Declined, before_anything(FaultClass::Cancelled, what, Vec::new())))
            }
        };
    }
    let what =
        format!("`{name}` is the name of a playbook that recover brings along, but {path} lies in this folder, too");
    let next = vec![
        format!("To run the file, write {path}"),
        "To run the one that recover brings along, start recover in another folder, and name the one with the files with \
         --files."
            .to_owned(),
    ];
    Err(refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, what, next)))
}
