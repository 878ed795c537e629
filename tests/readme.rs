//! What the README shows is true: its commands run, the screen looks as shown, its documents have nothing wrong. What `docs/`
//! says is held by `tests/docs`.
//!
//! In a `console` block, lines after `$` are commands and what follows is what they print. `…` stands for any lines, or
//! for any text within a line. A rescue of a real camera runs on the virtual one here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a README that cannot be read fails the test")]

#[path = "docs/mod.rs"]
mod docs;
#[path = "readme_text/mod.rs"]
mod readme_text;

use crate::support::House;
use readme_text::{Block, blocks, mismatch};

const README: &str = include_str!("../README.md");
const LINES_MAX: usize = 400;

/// As a person reads them, one after the other in one folder.
#[test]
fn every_command_prints_what_is_shown() {
    let house = House::new();
    std::fs::create_dir(house.path("work/images")).unwrap();
    let blocks = blocks(README);
    for (name, text) in blocks.iter().filter_map(Block::document).filter(|(name, _)| name.starts_with("my-")) {
        house.write(name, text);
    }
    let mut run = 0;
    for example in blocks.iter().flat_map(Block::examples) {
        let Some(args) = arguments(&example.command) else { continue };
        run += 1;
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ran = house.run(&args).exits(example.exit_code);
        if let Some(wrong) = mismatch(&example.shown, &ran.text()) {
            panic!(
                "`{}` does not print this line of the README:\n{wrong}\n\nIt prints:\n{}",
                example.command,
                ran.text()
            );
        }
    }
    assert!(run >= 6, "only {run} commands were found");
}

/// The words after `recover`; none for the command that runs these very tests.
fn arguments(command: &str) -> Option<Vec<String>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let args = match words.as_slice() {
        ["cargo", "test"] => return None,
        ["cargo", "run", "--release", "--", args @ ..] | ["recover", args @ ..] => args,
        _ => panic!("`{command}` is neither recover nor one of the two commands to set it up"),
    };
    let mut args: Vec<String> = args.iter().map(|word| (*word).to_owned()).collect();
    let is_run = args.iter().any(|word| word == "--playbook");
    if is_run && !args.iter().any(|word| word.starts_with("--simulate")) {
        args.push("--simulate".to_owned());
    }
    Some(args)
}

#[test]
fn exactly_two_commands_set_it_up() {
    let commands: Vec<String> =
        blocks(README).iter().flat_map(Block::examples).map(|example| example.command).collect();
    let cargo: Vec<&String> = commands.iter().filter(|command| command.starts_with("cargo ")).collect();
    assert_eq!(
        cargo,
        ["cargo run --release -- --playbook rt1062.yaml --simulate --allow-irreversible boot-fuse", "cargo test"]
    );
    // What the README promises is what the gate runs.
    assert_eq!(include_str!("../.ci/run").lines().last(), Some("cargo test"));
}

#[test]
fn its_documents_have_nothing_wrong() {
    let house = House::new();
    let blocks = blocks(README);
    let documents: Vec<(&str, &str)> = blocks.iter().filter_map(Block::document).collect();
    assert!(documents.iter().any(|(name, _)| *name == "vendor-tools.toml"), "{documents:?}");
    for (name, text) in &documents {
        house.write(name, text);
    }
    let own: Vec<&str> = documents.iter().map(|(name, _)| *name).filter(|name| name.starts_with("my-")).collect();
    assert_eq!(own, ["my-board.yaml", "my-board.test.yaml"]);
    for name in own {
        let ran = house.run(&["check", name]).exits(0);
        assert_eq!(ran.text(), format!("{name}: nothing wrong\n"));
    }
    // With the tool of the catalog beside it.
    let mut check = house.command(&["check", "works.scene.yaml"]);
    let checked = check.current_dir(house.path("work/acme")).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    house.run(&["--playbook", "my-board.yaml", "--simulate"]).exits(0).says("adds to the shipped catalog");
}

#[test]
fn every_option_and_exit_code_is_told() {
    let house = House::new();
    let help = house.run(&["--help"]).exits(0).stdout;
    let options: Vec<&str> = help.split(|c: char| !c.is_ascii_lowercase() && c != '-').collect();
    for option in options.into_iter().filter(|word| word.starts_with("--") && word.len() > "--".len()) {
        assert!(README.contains(option) || option == "--version", "the README does not know {option}");
    }
    let help = house.run(&["run", "--help"]).exits(0).stdout;
    for code in [0, 1, 2, 3, 4, 5, 6, 7, 70, 130] {
        assert!(README.contains(&format!("\n| {code} | ")), "the README does not know exit code {code}");
        assert!(help.contains(&format!("{code} ")), "{help}");
    }
}

#[test]
fn it_is_short_enough_to_be_read() {
    let lines = README.lines().count();
    assert!(lines <= LINES_MAX, "{lines} lines, at most {LINES_MAX}");
}
