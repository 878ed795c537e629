//! Mutants of a small playbook.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::*;
use crate::documents::catalog::shipped;
use crate::documents::playbook::load;
use crate::words::Source;

const TEXT: &str = r#"format: 1
board: Board
inputs:
  image: {file: image.bin, max_size: 0x20000, not_starts_with: {"3c": a web page}}
devices:
  rom: {usb: "0483:df11", label: ROM}
  running: {usb: "37c5:1204", label: running}
steps:
  - id: enter
    prompt: Connect it.
    until: {present: rom, gone: running}
    timeout: 5m
  - id: write
    retry: {attempts: 2, on: [no-answer, refused], prepare: [&look {name: Look, wait: {present: rom}, timeout: 3s}]}
    steps:
      - *look
      - name: Send it
        when: size(image) < 0x10000 and present(rom)
        run: dfu-util
        args: ["-w", "-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${image}"]
        timeout: 60s
"#;

fn found() -> Vec<Mutant> {
    let source = Arc::new(Source { name: "test.yaml".into(), text: TEXT.to_owned() });
    let loaded = load(&source, &|_| Err("there are none".to_owned()));
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    mutants(&loaded.playbook.unwrap(), &shipped().unwrap())
}

#[test]
fn every_mutant_has_a_name_of_its_own_that_tells_the_change() {
    let names: Vec<String> = found().into_iter().map(|mutant| mutant.name).collect();
    for wanted in [
        "input image: max_size 0x20000 dropped",
        "input image: not_starts_with 3c dropped",
        "device rom: id 0483:df11 → 0483:df1e",
        "enter: dropped",
        "enter: swapped with write",
        "enter: does not wait for gone running",
        "enter: `until` dropped",
        "enter: timeout 5:00 min → 300 ms",
        "write: `retry` dropped",
        "write › Look: dropped from the preparation",
        "write › Look: swapped with write › Send it",
        "write › Send it: `when` negated",
        "write › Send it: when `<` → `<=`",
        "write › Send it: when 0x10000 → 0x20000",
        "write › Send it: when only the left side of `and`/`or`",
        "write › Send it: -w dropped",
        "write › Send it: id 0483:df11 → 0483:df12",
        "write › Send it: number 0 → 1",
        "write › Send it: address 0x08000000 → 0x08001000",
    ] {
        assert!(names.iter().any(|name| name == wanted), "no `{wanted}` in {names:#?}");
    }
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), names.len());
}

#[test]
fn a_step_used_twice_is_changed_in_both_places() {
    let mutants = found();
    let look = mutants.iter().find(|mutant| mutant.name.starts_with("write › Look: timeout")).unwrap();
    assert_eq!(look.steps.len(), 2);
    assert_eq!(look.place.position().line, 14);
}
