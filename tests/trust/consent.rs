//! What cannot be undone: consent is a word beforehand, or the answer of a person who has seen the question.

use std::io::Write;
use std::process::Stdio;

use crate::support::House;
use crate::terminal::{at_terminal, types};

/// The hands move by themselves: only the consent is a person's.
const AUTO: [&str; 2] = ["--hands", "auto"];

/// The RT1062 under a name that the tests' own consent is not added to.
fn house() -> House {
    let house = House::new();
    let playbook = recover::documents::library::shipped_playbook("rt1062").unwrap();
    house.write("own.yaml", playbook.text.replace("board: OpenMV Cam RT1062", "board: Another camera"));
    house.images();
    house
}

const RUN: [&str; 6] = ["run", "own.yaml", "--simulate", "--files", "images", "--bench"];

fn args(house: &House) -> Vec<String> {
    RUN.iter().map(|word| (*word).to_owned()).chain([house.path("bench").display().to_string()]).collect()
}

fn command(house: &House) -> std::process::Command {
    let args = args(house);
    house.command(&args.iter().map(String::as_str).chain(AUTO).collect::<Vec<_>>())
}

fn fuse(house: &House) -> String {
    house.board().boot_fuse()
}

const QUESTION: &str = "To do it, type this and press ENTER: boot-fuse";

#[test]
fn a_person_at_a_terminal_agrees() {
    let house = house();
    let (code, shown) = at_terminal(command(&house), &[types("ends the run here without doing it", "boot-fuse\n")]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("word 6: 0x00000000 → 0x00000010"), "{shown}");
    assert!(shown.contains("consent given: the person at the terminal"), "{shown}");
    assert!(shown.contains("the chip's fuses: word 6 reads 0x00000010"), "{shown}");
    assert_eq!(fuse(&house), "0x00000010");
}

#[test]
fn another_word_is_no_consent() {
    let answered = |word: &str| {
        let house = house();
        let (code, shown) = at_terminal(command(&house), &[types("ends the run here without doing it", word)]);
        assert_eq!(code, Some(6), "{word:?}: {shown}");
        assert_eq!(fuse(&house), "0x00000000");
    };
    // A rehearsal takes its time.
    std::thread::scope(|threads| {
        for word in ["no\n", "\n", "yes\nyes\nyes\n"] {
            threads.spawn(move || answered(word));
        }
    });
}

#[test]
fn what_was_typed_before_the_question_is_dropped() {
    let house = house();
    let moves = [
        types("Write the bootloader (SBL)", "boot-fuse\nboot-fuse\n"),
        types("ends the run here without doing it", "no\n"),
    ];
    let (code, shown) = at_terminal(command(&house), &moves);
    assert_eq!(code, Some(6), "{shown}");
    assert_eq!(fuse(&house), "0x00000000");
}

/// `yes boot-fuse | recover …`, and a person whose screen is a file.
#[test]
fn a_pipe_is_no_person() {
    let house = house();
    let mut child =
        command(&house).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // The program may have ended before it has read all of it.
    let _broken_pipe = input.write_all("boot-fuse\n".repeat(1_000).as_bytes());
    drop(input);
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(6), "{shown}");
    assert!(shown.contains("--allow-irreversible boot-fuse") && !shown.contains(QUESTION), "{shown}");
    assert_eq!(fuse(&house), "0x00000000");
}
