//! What `recover show` tells of an interruption is what the virtual board does: at the beginning and in the middle of every
//! step of every shipped playbook the run is killed, the board is connected again, and a plain second run recovers it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use recover::bench::{FAULT_IMAGE_BYTES_MAX, RunMishap, Subject, survey, try_out};
use recover::documents::cases;
use recover::documents::catalog::shipped;
use recover::documents::library::{shipped_boards, shipped_family, shipped_playbook};
use recover::documents::playbook::{Leaves, Playbook, load};
use recover::words::Source;

use crate::support::{House, document, playbooks};

/// With one text of its families replaced by another.
fn loaded(source: &Arc<Source>, (text, by): (&str, &str)) -> Playbook {
    let family = |path: &str| {
        let family = shipped_family(path).ok_or_else(|| format!("{path} is not shipped"))?;
        let text = if text.is_empty() { family.text.clone() } else { family.text.replace(text, by) };
        Ok(Arc::new(Source { name: family.name.clone(), text }))
    };
    let loaded = load(source, &family);
    loaded.playbook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

/// What came of the runs that were killed: how often each kind of claim was made, and which were false.
fn killed(board: &str, playbook: &Playbook) -> (BTreeMap<&'static str, usize>, Vec<String>) {
    let tests = document(&format!("{board}.test.yaml")).unwrap();
    let inputs = |_: Option<&str>| {
        let file = |input: &recover::documents::playbook::Input| cases::InputFile {
            name: input.name.to_string(),
            file: input.file_name().to_owned(),
        };
        Some(playbook.inputs.iter().map(file).collect())
    };
    let mut tests = cases::load(&tests, &document, &inputs).tests.unwrap();
    // Playbooks of one family have the same steps; what is special leads to more of them for one of each.
    if !["ae3", "h7", "n6", "rt1062"].contains(&board) {
        tests.cases.truncate(1);
    }
    let catalog = shipped().unwrap();
    let (scenes, folder) = (BTreeMap::new(), playbooks());
    let subject =
        Subject { playbook, sound: playbook, name: board, catalog: &catalog, folder: &folder, scenes: &scenes };
    let matrix = survey(subject, &tests.cases, FAULT_IMAGE_BYTES_MAX).unwrap();
    let (mut claims, mut broken) = (BTreeMap::new(), Vec::new());
    let cuts = [RunMishap::Kill, RunMishap::KillInside];
    for trial in matrix.trials().iter().filter(|trial| cuts.contains(&trial.mishap)) {
        let record = try_out(subject, &matrix, trial).unwrap();
        let claim = match record.leaves {
            None => continue,
            Some(Leaves::AsBefore) => "as before",
            Some(Leaves::Starts) => "starts",
            Some(Leaves::ComesBack { .. }) => "comes back",
            Some(Leaves::NeedsHands { .. }) => "needs hands",
            Some(Leaves::NotKnown) => "not known",
            Some(Leaves::Lost) => "lost",
        };
        *claims.entry(claim).or_insert(0) += 1;
        broken.extend(
            record.broken.iter().map(|broken| format!("{board} {trial}: {}: {}", broken.invariant, broken.found)),
        );
    }
    (claims, broken)
}

#[test]
fn every_claim_of_every_shipped_playbook_is_what_the_virtual_board_does() {
    let examples = ["examples/nucleo-f446", "examples/imxrt1050-evk"];
    let boards = Mutex::new(shipped_boards().chain(examples).collect::<Vec<_>>());
    let seen = Mutex::new(BTreeSet::new());
    let work = || {
        loop {
            let Some(board) = boards.lock().unwrap().pop() else { return };
            let source = shipped_playbook(board).unwrap_or_else(|| document(&format!("{board}.yaml")).unwrap());
            let (claims, broken) = killed(board, &loaded(&source, ("", "")));
            assert!(broken.is_empty(), "{}", broken.join("\n"));
            println!("{board}: {claims:?}");
            seen.lock().unwrap().extend(claims.into_keys());
        }
    };
    std::thread::scope(|scope| [scope.spawn(work), scope.spawn(work)].map(|worker| worker.join().unwrap()));
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen, BTreeSet::from(["as before", "starts", "comes back", "needs hands", "not known"]));
}

/// A write that is said to change nothing leaves a board that is told to be as it was.
#[test]
fn a_playbook_that_says_what_is_not_so_is_found_out() {
    let write = r#"args: ["-a", "0", "-s", "0x08000000", "-D", "${bootloader}"]"#;
    let playbook = loaded(&shipped_playbook("m4").unwrap(), (write, &format!("changes: nothing\n        {write}")));
    let (_, broken) = killed("m4", &playbook);
    let found = |what: &str| broken.iter().any(|broken| broken.contains("is as it was") && broken.contains(what));
    assert!(found("write-bootloader") && found("its memory was changed"), "{broken:#?}");
}

#[test]
fn the_procedure_and_the_plan_tell_what_an_interruption_leaves() {
    let house = House::new();
    let shown = house.run(&["show", "rt1062"]).exits(0);
    let shown =
        shown.says("If it is interrupted").says("Points of no return: with step 7 (flash-configuration-block-1)");
    shown.says("What step 38 (boot-fuse) does can never be undone.").says("a fuse may be half burnt");
    let markdown = house.run(&["show", "h7", "--format", "markdown"]).exits(0);
    let markdown = markdown.says("## If it is interrupted").says("**Attention:** Points of no return");
    markdown.says("it shows up by itself as the camera's own bootloader");
    let plan = house.run(&["run", "h7", "--simulate", "--dry-run"]).exits(0);
    plan.says("If it is interrupted").says("Points of no return");
    let plan = house.run(&["run", "h7", "--simulate", "--dry-run", "--message-format", "json"]).exits(0);
    let steps = plan.events();
    let write = steps.iter().find(|step| step["id"] == "write-bootloader").unwrap();
    assert_eq!(write["interrupted"]["during"]["needs-hands"]["step"], "enter-rom");
    assert_eq!(write["interrupted"]["may_be_cut"], "when-finished");
    // A procedure that changes nothing has nothing to tell.
    house.run(&["show", "arduino"]).exits(0).never_says("If it is interrupted");
}
