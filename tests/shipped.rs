//! The shipped playbooks: every file of the folder is in the binary, and none has anything wrong with it.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::collections::BTreeSet;
use std::path::Path;

use recover::documents::catalog::shipped;
use recover::documents::library::{
    bare, shipped_board_called, shipped_boards, shipped_family, shipped_playbook, shipped_playbooks,
};
use recover::documents::playbook::{FileKind, Playbook, check, load};

/// The names of the playbooks in a folder of the checkout.
fn names(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let names = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".yaml") && !name.ends_with(".test.yaml")).collect()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_playbook_of_the_folder_is_shipped() {
    let shipped: BTreeSet<String> = shipped_boards().map(|board| format!("{board}.yaml")).collect();
    assert_eq!(shipped, names("playbooks"));
    for name in shipped {
        assert_eq!(shipped_playbook(&name).unwrap().text, text(&format!("playbooks/{name}")), "{name}");
    }
}

#[test]
fn every_family_of_the_folder_is_shipped() {
    let names = names("playbooks/lib");
    assert!(!names.is_empty());
    for name in names {
        let path = format!("lib/{name}");
        let source = shipped_family(&path).unwrap_or_else(|| panic!("{path} is not shipped"));
        assert_eq!(source.text, text(&format!("playbooks/{path}")), "{path}");
    }
}

#[test]
fn nothing_is_wrong_with_any_shipped_playbook() {
    let catalog = shipped().unwrap();
    for board in shipped_boards() {
        let source = shipped_playbook(board).unwrap();
        let family = |path: &str| shipped_family(path).ok_or_else(|| format!("{path} is not shipped"));
        let loaded = load(&source, &family);
        assert!(loaded.diagnostics.is_empty(), "{board}: {:#?}", loaded.diagnostics);
        let faults = check(&loaded.playbook.unwrap(), &catalog);
        assert!(faults.is_empty(), "{board}: {faults:#?}");
    }
}

fn playbooks() -> Vec<Playbook> {
    shipped_playbooks().collect()
}

#[test]
fn every_image_says_that_it_is_one() {
    assert_eq!(playbooks().len(), shipped_boards().count());
    for playbook in playbooks() {
        for input in &playbook.inputs {
            let kind = input.names_files.as_ref().map_or(input.kind, |table| table.kind);
            assert_eq!(kind, Some(FileKind::Raw), "{}: {}", playbook.board, input.name);
        }
    }
}

/// The names of OpenMV's own folders of files, and of the boards whose files it writes for others.
#[test]
fn every_board_has_the_names_of_its_makers_folders_alone() {
    let mut boards = Vec::new();
    for playbook in playbooks() {
        assert!(!playbook.aliases.is_empty(), "{}", playbook.board);
        boards.extend(playbook.aliases.iter().map(|alias| (alias.value.clone(), playbook.board.clone())));
    }
    for (alias, board) in &boards {
        assert_eq!(boards.iter().filter(|(other, _)| bare(other) == bare(alias)).count(), 1, "{alias}");
        let found = shipped_board_called(&alias.to_lowercase()).unwrap();
        assert_eq!(found.name, *board, "{alias}");
    }
    for (alias, id) in [
        ("OPENMV2", "m4"),
        ("OPENMV3", "m7"),
        ("OPENMV4", "h7"),
        ("OPENMV4P", "h7-plus"),
        ("OPENMVPT", "pure-thermal"),
        ("OPENMV_N6", "n6"),
        ("OPENMV_RT1060", "rt1062"),
        ("OPENMV_AE3", "ae3"),
    ] {
        assert_eq!(shipped_board_called(alias).unwrap().id, id);
    }
    assert_eq!(shipped_board_called("OPENMV"), None);
    assert_eq!(shipped_board_called("--"), None);
}
