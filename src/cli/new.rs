//! `recover new`: a playbook for a board that has none yet, with what it needs to be tried without hardware. Everything is a copy
//! of what lies in `playbooks/new`, which the tests of the shipped playbooks prove.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::arguments::NewArgs;
use crate::cli::streams::{complain, say};
use crate::cli::wording::quote;
use crate::documents::library::{BEGINNINGS, Beginning};
use crate::documents::{YamlKind, parse_yaml};
use crate::engine::Outcome;
use crate::words::Source;

/// What the copies are called by, and what they call the board.
const BOARD_FILE: &str = "board";
const BOARD_NAME: &str = "My Board";

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
enum NotMade {
    #[error("`{0}` has no letter or digit that a file could be called by")]
    NoName(String),
    #[error("`{0}` has signs that a document would have to quote: take letters, digits, blanks, - and _ for now")]
    OddName(String),
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    #[error("{} is a file, and no folder", .0.display())]
    NoFolder(PathBuf),
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

pub(super) fn new(args: &NewArgs) -> Outcome {
    match made(args) {
        Ok(files) => {
            files.iter().for_each(|file| say(&format!("made {}", file.display())));
            let at = |name: &str| quote(&args.dir.join(name).to_string_lossy());
            let name = file_name(&args.board);
            say("");
            say("It passes its tests as it is. Change what is marked CHANGE, then try it:");
            say(&format!("  recover check {}", at(&format!("{name}.yaml"))));
            let scene =
                beginning(args).and_then(|it| it.documents.iter().find(|(file, _)| file.ends_with(".scene.yaml")));
            let played = scene.map_or("--simulate".to_owned(), |(file, _)| format!("--scene {}", at(file)));
            say(&format!("  recover run {} {played}", at(&format!("{name}.yaml"))));
            say(&format!("  recover test {}", at(&format!("{name}.test.yaml"))));
            Outcome::Recovered
        }
        Err(error) => {
            complain(&format!("error: {error}"));
            match error {
                NotMade::NoName(_) | NotMade::OddName(_) | NotMade::Exists(_) | NotMade::NoFolder(_) => {
                    Outcome::CommandLine
                }
                NotMade::Unwritable { .. } => Outcome::StepFailed,
            }
        }
    }
}

/// The command line takes only names that there are.
fn beginning(args: &NewArgs) -> Option<&'static Beginning> {
    BEGINNINGS.iter().find(|beginning| beginning.name == args.family)
}

/// All of the files, or none.
fn made(args: &NewArgs) -> Result<Vec<PathBuf>, NotMade> {
    let name = file_name(&args.board);
    if name.is_empty() {
        return Err(NotMade::NoName(args.board.clone()));
    }
    let is_plain = args.board.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    // `null` and the like would be no text there.
    if !is_plain || !is_text_in_yaml(args.board.trim()) {
        return Err(NotMade::OddName(args.board.clone()));
    }
    let unwritable = |path: &Path, source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists if path == args.dir => NotMade::NoFolder(path.to_owned()),
        io::ErrorKind::AlreadyExists => NotMade::Exists(path.to_owned()),
        _ => NotMade::Unwritable { path: path.to_owned(), source },
    };
    fs::create_dir_all(&args.dir).map_err(|source| unwritable(&args.dir, source))?;
    let mut files: Vec<PathBuf> = Vec::new();
    for (file, text) in beginning(args).map_or(&[][..], |beginning| beginning.documents) {
        let path = args.dir.join(called(file, &name));
        let text = text.replace(BOARD_NAME, args.board.trim()).replace("board.yaml", &format!("{name}.yaml"));
        let text = text.replace("board.test.yaml", &format!("{name}.test.yaml"));
        let written = fs::File::create_new(&path).and_then(|mut new| {
            // From here on it is ours.
            files.push(path.clone());
            new.write_all(text.as_bytes())
        });
        if let Err(source) = written {
            files.iter().for_each(|file| drop(fs::remove_file(file)));
            return Err(unwritable(&path, source));
        }
    }
    Ok(files)
}

fn is_text_in_yaml(name: &str) -> bool {
    let source = Arc::new(Source { name: String::new(), text: name.to_owned() });
    parse_yaml(&source).is_ok_and(|tree| matches!(&tree.kind, YamlKind::Scalar { text, .. } if text == name))
}

/// `board.test.yaml` → `my-board.test.yaml`; others keep their names.
fn called(file: &str, name: &str) -> String {
    match file.strip_prefix(BOARD_FILE) {
        Some(rest) => format!("{name}{rest}"),
        None => file.to_owned(),
    }
}

/// "My Board 2" → `my-board-2`.
fn file_name(board: &str) -> String {
    let letters = board.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { ' ' });
    let words: String = letters.flat_map(char::to_lowercase).collect();
    words.split_whitespace().collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_texts_are_told_apart() {
        assert!(is_text_in_yaml("My Board 2") && is_text_in_yaml("N6"));
        assert!(!is_text_in_yaml("null") && !is_text_in_yaml("- x"));
    }

    #[test]
    fn names_become_file_names() {
        assert_eq!(file_name("My Board 2"), "my-board-2");
        assert_eq!(file_name(" ../é/"), "");
        assert_eq!(called("board.test.yaml", "x"), "x.test.yaml");
        assert_eq!(called("works.scene.yaml", "x"), "works.scene.yaml");
    }
}
