//! Text from outside steers neither a terminal nor whatever reads a log line by line, wherever it comes from.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{House, Ran};
use recover::words::steers;

/// A title for the window, a line of its own, colours, an order to a CI system, a turned direction, something unseen.
const HOSTILE: &str = "a\u{1b}]0;b\u{7}\u{1b}[31m\n::error::c\r##[error]d\u{202e}e\u{200b}f\u{9b}2J";

/// The same as YAML writes it.
fn in_yaml() -> String {
    let escaped = |character: char| match character {
        ' '..='~' => character.to_string(),
        other => format!("\\U{:08X}", u32::from(other)),
    };
    format!("\"{}\"", HOSTILE.chars().map(escaped).collect::<String>())
}

const CATALOG: &str = r#"
[mender]
summary = "mends"
programs = ["mender"]
install = "get it \u001b[31m\u202e here"
version = { args = ["--version"], flavours = [{ pattern = '^mender (?P<version>\S+)' }] }

[[mender.commands]]
name = "read"
reversible = true
with = ["read"]
success = ['^done$']
"#;

fn house(board: &str, file: &str) -> House {
    let house = House::new();
    house.write("vendor-tools.toml", CATALOG);
    let playbook = format!(
        "format: 1\nboard: {board}\nsummary: {}\ninputs: {{image: {{file: {file}}}}}\n\
         steps:\n  - {{id: one, run: mender, args: [read, {}]}}\n  - {{id: two, check: 1 == 2, message: {}}}\n",
        in_yaml(),
        in_yaml(),
        in_yaml()
    );
    house.write("camera.yaml", playbook);
    house.write("image.bin", "1");
    house
}

/// Nothing of it steers, however it was written, and no line is an order.
#[track_caller]
fn assert_harmless(what: &str, ran: &Ran) {
    let text = ran.text();
    let steering: Vec<char> = text.chars().filter(|character| *character != '\n' && steers(*character)).collect();
    assert!(steering.is_empty(), "{what}: {steering:?} in {text:?}");
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{what}: {line:?} in {text}");
    }
}

#[test]
fn documents_steer_nothing() {
    let hostile = in_yaml();
    for (board, file) in [(hostile.as_str(), "image.bin"), ("Camera", hostile.as_str()), ("Camera", "image.bin")] {
        let house = house(board, file);
        for args in [
            &["list", "./camera.yaml"][..],
            &["check", "camera.yaml"],
            &["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--dry-run"],
            &["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--dry-run", "--message-format", "json"],
            &["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml"],
            &["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--message-format", "json"],
        ] {
            assert_harmless(&args.join(" "), &house.run(args));
        }
    }
}

#[test]
fn names_of_files_and_arguments_steer_nothing() {
    let house = house("Camera", "image.bin");
    house.write(&HOSTILE.replace('/', "_"), "format: [\n");
    house.write(&format!("{HOSTILE}.yaml"), format!("format: 1\nboard: {HOSTILE}\nnonsense: 1\n"));
    house.write(&format!("{HOSTILE}.test.yaml"), "cases: 1\n");
    let hostile_yaml = format!("{HOSTILE}.yaml");
    let hostile_tests = format!("{HOSTILE}.test.yaml");
    for args in [
        &["check", HOSTILE][..],
        &["check", &hostile_yaml],
        &["check", &format!("missing {HOSTILE}")],
        &["list", HOSTILE],
        &["test", HOSTILE],
        &["test", &hostile_tests],
        &["test", &format!("missing {HOSTILE}")],
        &["--playbook", HOSTILE],
        &["--playbook", &format!("missing {HOSTILE}")],
        &["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--files", HOSTILE],
        &["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--set", &format!("image={HOSTILE}")],
        &["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--tool", &format!("mender={HOSTILE}")],
        &["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--scene", HOSTILE],
        &["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--port", HOSTILE],
        &["--playbook", "camera.yaml", "--catalog", HOSTILE],
        &["--playbook", "camera.yaml"],
        &["trust", HOSTILE],
        &["trust", "vendor-tools.toml"],
        &[HOSTILE],
        &["run", &format!("--{HOSTILE}")],
        &["run", "--message-format", "json", &format!("--{HOSTILE}")],
    ] {
        assert_harmless(&args.join(" "), &house.run(args));
    }
}

#[test]
fn what_tools_print_steers_nothing() {
    let mut house = house("Camera", "image.bin");
    let script = "case \"$1\" in --version) printf 'mender 1.0\\n'; exit 0;; esac\n\
                  printf '\\033]0;t\\007\\033[31m\\n::error::x\\n##[error]y\\342\\200\\256z\\302\\2332J\\n' >&2\nexit 3\n";
    let tool = house.script("mender", script);
    house.set("RECOVER_TOOL_MENDER", tool);
    for format in ["human", "json"] {
        let ran =
            house.run(&["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--message-format", format]);
        assert_harmless(format, &ran.exits(1));
    }
}

/// A case needs a board to play on.
const BOARD: &str = "virtual_board: {model: stm32-dfu-rom, layout: \"@Internal Flash  /0x08000000/16*128Kg\", bootloader: \"37c5:9204\", running: \"37c5:1204\", rom: \"0483:df11\"}\n";

/// Our own orders are orders, with nothing in them but what we say.
#[test]
fn annotations_are_one_order_each() {
    let mut house = house("Camera", "image.bin");
    house.set("GITHUB_ACTIONS", "true");
    let steps = "steps: [{id: one, check: 1 == 1, message: never}]\n";
    house.write("camera.yaml", format!("format: 1\nboard: Camera\n{BOARD}{steps}"));
    let named = |rest: &str| {
        let name = in_yaml();
        format!("format: 1\nplaybook: camera.yaml\ncases:\n  - {{name: {name}, {rest}}}\n")
    };
    for (rest, code) in [("expect: {outcome: declined}", 1), ("expect: {outcome: \"a\\n::error::b\"}", 3)] {
        house.write("camera.test.yaml", named(rest));
        let ran = house.run(&["test", "camera.test.yaml"]).exits(code);
        let text = ran.text();
        let orders: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("::")).collect();
        assert!(!orders.is_empty() && orders.iter().all(|order| order.starts_with("::error file=")), "{text}");
        assert!(!text.chars().any(|character| character != '\n' && steers(character)), "{text:?}");
    }
}

#[test]
fn check_refuses_names_that_hide_something() {
    for name in ["a\u{202e}b", "a\u{200b}b", "a\u{9b}b", "a\u{1b}b"] {
        let escaped = format!("\"a\\U{:08X}b\"", u32::from(name.chars().nth(1).unwrap()));
        let of = |board: &str, label: &str, file: &str, step: &str| {
            let house = House::new();
            house.write(
                "camera.yaml",
                format!(
                    "format: 1\nboard: {board}\ninputs: {{image: {{file: {file}, size: 1..2}}}}\n\
                     devices: {{rom: {{usb: \"1fc9:0135\", label: {label}}}}}\n\
                     steps:\n  - {{id: one, name: {step}, wait: rom, timeout: 1s}}\n"
                ),
            );
            house.run(&["check", "camera.yaml"]).text()
        };
        let hidden = "cannot stand in a name";
        assert!(!of("b", "l", "f", "s").contains(hidden));
        for text in [
            of(&escaped, "l", "f", "s"),
            of("b", &escaped, "f", "s"),
            of("b", "l", &escaped, "s"),
            of("b", "l", "f", &escaped),
        ] {
            assert!(text.contains(hidden), "{name:?}: {text}");
        }
    }
}
