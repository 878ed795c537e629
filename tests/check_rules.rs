//! What `recover check` refuses because the shipped catalog says so: calls that destroy a board, or that nothing could
//! judge.

#![expect(clippy::expect_used, reason = "the helpers of a test may fail it")]

use std::sync::{Arc, LazyLock};

use recover::documents::catalog::{Catalog, shipped};
use recover::documents::playbook::{check, load};
use recover::words::Source;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| shipped().expect("the shipped catalog loads"));

const INPUTS: &str = "inputs: {bootloader: {file: bootloader.bin}, toc: {file: firmware_pad.toc}}\n";
/// Only what a step puts there may be named.
const STAGE: &str = "    stage: {build/bootloader.bin: bootloader, build/firmware_pad.toc: toc}\n";

/// The messages of all faults of a playbook with this one step, and the words that each of them marks.
fn faults_of(step: &str) -> Vec<(String, String)> {
    let text = format!("format: 1\nboard: A\nsummary: S.\n{INPUTS}steps:\n  - id: call\n{step}");
    let loaded = load(&Arc::new(Source { name: "board.yaml".to_owned(), text: text.clone() }), &|_| {
        Err("no families here".to_owned())
    });
    let mut faults = loaded.diagnostics;
    faults.extend(loaded.playbook.iter().flat_map(|playbook| check(playbook, &CATALOG)));
    let marked = |fault: recover::words::Diagnostic| {
        let marked = fault.place.map(|place| text[place.start..place.end].to_owned()).unwrap_or_default();
        (fault.message, marked)
    };
    faults.into_iter().map(marked).collect()
}

fn messages(tool: &str, args: &str) -> Vec<String> {
    let step = format!("    run: {tool}\n    args: [{args}]\n{STAGE}");
    faults_of(&step).into_iter().map(|(message, _)| message).collect()
}

const FILES: &str = r#""../build/bootloader.bin 0x80000000 ../build/firmware_pad.toc 0x8057E000""#;

#[test]
fn an_erase_that_kills_the_board_is_refused_always() {
    let faults = faults_of("    run: app-write-mram\n    args: [-e, APP]\n");
    let (message, marked) = faults.first().expect("is refused");
    assert!(message.contains("kills these boards for good"), "{message}");
    assert_eq!(marked, "-e");
    for args in ["-e, APP, -i", "-eAPP, -i", "-se, APP, -i", "--erase, APP, -i", "--er=APP, -i"] {
        let messages = messages("app-write-mram", &format!("{args}, {FILES}"));
        assert!(messages.iter().any(|message| message.contains("kills these boards")), "{args}: {messages:?}");
    }
    let irreversible = "    irreversible: {why: It must go.}\n    run: app-write-mram\n    args: [-e, APP]\n";
    assert!(faults_of(irreversible).iter().any(|(message, _)| message.contains("kills these boards")));
}

#[test]
fn calls_that_these_tools_take_well_are_accepted() {
    for (tool, args) in [
        ("app-write-mram", format!("-i, {FILES}")),
        ("app-write-mram", format!("-b, 921600, -i, {FILES}")),
        ("app-write-mram", format!("-nr, -s, -i, {FILES}")),
        ("updateSystemPackage", String::new()),
        ("updateSystemPackage", "-b, 921600, -nr".to_owned()),
        ("maintenance", "-opt, sesbanner".to_owned()),
        ("maintenance", "-b, 921600, -opt, getbanner".to_owned()),
    ] {
        assert_eq!(messages(tool, &args), Vec::<String>::new(), "{tool} {args}");
    }
}

#[test]
fn options_that_hide_or_change_something_are_refused() {
    for (args, wanted) in [
        (format!("-v, -i, {FILES}"), "prints no progress"),
        (format!("-p, -i, {FILES}"), "lengthens the very file"),
        (format!("-d, -i, {FILES}"), "ask for the serial port"),
        (format!("-S, -i, {FILES}"), "leaves out the files"),
        ("-a".to_owned(), "without `-i`"),
    ] {
        let messages = messages("app-write-mram", &args);
        assert!(matches!(messages.as_slice(), [message, ..] if message.contains(wanted)), "{args}: {messages:?}");
    }
    for (args, wanted) in [("-c, COM7", "not for these boards"), ("-v", "prints no progress"), ("-d", "ask for")] {
        let messages = messages("updateSystemPackage", args);
        assert!(matches!(messages.as_slice(), [message] if message.contains(wanted)), "{args}: {messages:?}");
    }
}

#[test]
fn the_list_of_files_is_one_argument_in_the_form_that_the_tool_accepts() {
    for args in [
        "-i, bootloader.bin 0x80000000",
        "-i, ../build/bootloader.bin  0x80000000",
        "-i, ../build/images/bootloader.bin 0x80000000",
        "-i, ../build/boot loader.bin 0x80000000",
        "-i, ../build/bootloader.bin",
        "-i, ../build/bootloader.bin, 0x80000000",
        "-i../build/bootloader.bin 0x80000000",
    ] {
        assert!(!messages("app-write-mram", args).is_empty(), "{args}");
    }
}

#[test]
fn menus_need_a_proof_of_the_steps_own() {
    assert_eq!(messages("maintenance", "").len(), 1);
    let step = "    run: maintenance\n    args: []\n    expect: [Maintenance Mode = Enabled]\n";
    assert_eq!(faults_of(step), []);
    assert_eq!(messages("maintenance", "-opt, gettoc").len(), 1);
}
