//! What the README shows is true: its commands run, the screen looks as shown, its documents have nothing wrong. What `docs/`
//! says is held by `tests/docs`.
//!
//! In a `console` block, lines after `$` are commands and what follows is what they print. `…` stands for any lines, or
//! for any text within a line. A rescue of a real camera runs on the virtual one here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a README that cannot be read fails the test")]

#[path = "docs/mod.rs"]
mod docs;
#[path = "readme_text/picture.rs"]
mod picture;
#[path = "readme_text/mod.rs"]
mod readme_text;

use std::fmt::Write as _;
use std::path::Path;

use recover::documents::library::{shipped, shipped_boards};
use recover::documents::playbook::{Need, tools_of};

use crate::support::House;
use readme_text::{Block, blocks, mismatch};

const README: &str = include_str!("../README.md");
const COMMAND_LINE: &str = include_str!("../docs/command-line.md");
const TOOLS: &str = include_str!("../docs/tools.md");
const LINES_MAX: usize = 295;
const PICTURE: &str = "docs/rescue.svg";
const TABLE_BEGINS: &str = "<!-- boards: written by a test from the playbooks -->\n";
const TABLE_ENDS: &str = "<!-- end of boards -->\n";

/// Everything whose blocks are held: the README, and the pages that go on from it.
fn all_blocks() -> Vec<Block> {
    [README, COMMAND_LINE, TOOLS].into_iter().flat_map(blocks).collect()
}

/// As a person reads them, one after the other in one folder.
#[test]
fn every_command_prints_what_is_shown() {
    let mut house = House::new();
    // As on a terminal of this width; a pipe has none.
    house.set("COLUMNS", "80");
    std::fs::create_dir(house.path("work/images")).unwrap();
    let blocks = all_blocks();
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

/// Commands that take many minutes, root or a network: the release and `.ci/run` call them, and what comes of them is installed
/// by `packaging/try` with the command that is shown here.
#[test]
fn every_way_to_get_it_is_tried() {
    let calls = concat!(include_str!("../.github/workflows/release.yml"), include_str!("../.ci/run"));
    let installs = include_str!("../packaging/try");
    let builds = include_str!("../pyproject.toml");
    let (_, table) = README.split_once("| on | in this folder |\n").unwrap();
    let table = table.split_once("\n\n").unwrap().0;
    let mut tried = 0;
    for command in table.split('`').skip(1).step_by(2) {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["packaging/make", works @ ..] => {
                for work in works.iter().filter(|work| **work != "THE-EXE") {
                    let called = |line: &str| {
                        let mut words = line.split_whitespace().skip_while(|word| *word != "packaging/make");
                        words.any(|word| word == *work)
                    };
                    assert!(calls.lines().any(called), "nothing calls `packaging/make {work}`");
                }
            }
            ["sudo", rest @ ..] | rest @ ["pipx", ..] => {
                assert!(installs.contains(&rest[..2].join(" ")), "packaging/try does not run `{command}`");
            }
            ["cargo", "build", "--profile", profile] => {
                assert!(builds.contains(&format!("\nprofile = \"{profile}\"")), "no package is built by `{command}`");
            }
            ["tests/windows/bench", work] => {
                assert!(include_str!("windows/bench").contains(&format!("\n{work})\n")), "there is no `{command}`");
            }
            [place] if place.starts_with("target/") => continue,
            _ => panic!("nothing is known to try `{command}`"),
        }
        tried += 1;
    }
    assert!(tried >= 7, "only {tried} commands were found");
}

#[test]
fn its_documents_have_nothing_wrong() {
    let house = House::new();
    let blocks = all_blocks();
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
        assert!(COMMAND_LINE.contains(option) || option == "--version", "docs/command-line.md does not know {option}");
    }
    let help = house.run(&["run", "--help"]).exits(0).stdout;
    for code in [0, 1, 2, 3, 4, 5, 6, 7, 70, 130] {
        assert!(
            COMMAND_LINE.contains(&format!("\n| {code} | ")),
            "docs/command-line.md does not know exit code {code}"
        );
        assert!(help.contains(&format!("{code} ")), "{help}");
    }
}

#[test]
fn it_is_short_enough_to_be_read() {
    let lines = README.lines().count();
    assert!(lines <= LINES_MAX, "{lines} lines, at most {LINES_MAX}");
}

/// With `RECOVER_BLESS=1` the table, or the picture, is made anew.
fn is_blessed() -> bool {
    std::env::var_os("RECOVER_BLESS").is_some()
}

#[test]
fn the_table_of_boards_is_what_the_playbooks_say() {
    let mut table = "| board | run | files | tools |\n|---|---|---|---|\n".to_owned();
    for (name, playbook) in shipped_boards().filter_map(|name| Some((name, shipped(name)?))) {
        let files = |optional: bool| {
            let inputs = playbook.inputs.iter().filter(|input| matches!(input.need, Need::Never) == optional);
            inputs.map(|input| format!("`{}`", input.file_name())).collect::<Vec<_>>().join(", ")
        };
        let files = match (files(false), files(true)) {
            // It only refuses.
            (needed, optional) if needed.is_empty() && optional.is_empty() => continue,
            (needed, optional) if needed.is_empty() => optional,
            (needed, optional) if optional.is_empty() => needed,
            (needed, optional) => format!("{needed}; if there, {optional}"),
        };
        let tools = tools_of(&playbook, &|_| true).join(", ");
        writeln!(table, "| {} | `recover {name}` | {files} | {tools} |", playbook.board).unwrap();
    }
    let (before, rest) = README.split_once(TABLE_BEGINS).unwrap();
    let (shown, after) = rest.split_once(TABLE_ENDS).unwrap();
    if is_blessed() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        std::fs::write(path, [before, TABLE_BEGINS, &table, TABLE_ENDS, after].concat()).unwrap();
        return;
    }
    assert_eq!(shown, table, "RECOVER_BLESS=1 writes it anew");
}

/// Without the lines that a terminal shows only while something goes on: progress, and what is waited for.
fn lasting(output: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut lines_of_output = output.lines();
    while let Some(line) = lines_of_output.next() {
        let mut text = console::strip_ansi_codes(line).trim().to_owned();
        if text.starts_with("waiting:") {
            // Such a text ends with what is attached, which may begin on a line of its own.
            while !text.contains("attached:") || text.ends_with("attached:") {
                let Some(more) = lines_of_output.next() else { break };
                text = [text.as_str(), " ", console::strip_ansi_codes(more).trim()].concat();
            }
        } else if !text.ends_with(" %") {
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

#[test]
fn the_picture_shows_a_run() {
    let mut house = House::new();
    house.set("COLUMNS", "80");
    let ran = house.run(&["m7", "--simulate", "--color", "always"]).exits(0);
    let lines = lasting(&ran.stdout);
    let from = lines.iter().position(|line| line.contains("Bring the camera into its recovery mode")).unwrap();
    let to = lines.iter().position(|line| line.contains("SIMULATION PASSED")).unwrap();
    let svg = picture::picture("A rescue of the OpenMV Cam M7", &lines[from..to], 80);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PICTURE);
    if is_blessed() {
        std::fs::write(&path, &svg).unwrap();
    }
    assert!(README.contains(PICTURE));
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == svg, "{PICTURE} is stale: RECOVER_BLESS=1 draws it anew");
}
