//! Which calls share a process, and which never do.

use crate::engine::test_desk::{Desk, Story, play};
use crate::engine::{Event, Outcome};

const TOOL: &str = r#"
one() {
    case "$1" in
        refused-once) if test -e refused; then echo "status 0"; else : > refused; echo "status 7"; exit 1; fi ;;
        probe) echo "status 0"; echo "version 1" ;;
        *) echo "status 0" ;;
    esac
}
for last; do :; done
if test "$last" = session; then
    while read -r command; do one "$command"; done
else
    one "$last"
fi
"#;

const CATALOG: &str = r#"
[flasher]
summary = "flashes"
programs = ["flasher"]
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
statuses = [{ pattern = 'status (?P<code>\d+)', success = ["0"], otherwise = "refused" }]
commands = [{ name = "any", reversible = true, success = ['status 0'] }]
[flasher.session]
minimum = "1.0"
after = "--"
args = ["session"]
probe = "probe"
begins = "^status "
goes_on = "^status 0"
probe_ends = "^version "
"#;

const LAUNCHER: &[&str] = &["/bin/sh", "-c", TOOL, "flasher"];

fn recover(catalog: &str, steps: &str) -> Story {
    play(catalog, LAUNCHER, steps, &Desk::default())
}

/// The command of each call, in brackets when it was made in a session.
fn calls(story: &Story) -> Vec<String> {
    let call = |event: &Event| match event {
        Event::ToolEnded { command, in_session, .. } => {
            let command = command.last().cloned().unwrap_or_default();
            Some(if *in_session { format!("[{command}]") } else { command })
        }
        _ => None,
    };
    story.events.iter().filter_map(call).collect()
}

fn step(command: &str) -> String {
    format!("  - {{id: {command}, name: x, run: flasher, args: [\"-x\", \"--\", \"{command}\"], timeout: 20s}}\n")
}

#[test]
fn neighbouring_calls_share_a_process() {
    let story = recover(CATALOG, &format!("steps:\n{}{}", step("a"), step("b")));
    assert_eq!(story.outcome, Outcome::Recovered);
    assert_eq!(calls(&story), ["[a]", "[b]"]);
    let old = CATALOG.replace("minimum = \"1.0\"", "minimum = \"1.3\"");
    let story = recover(&old, &format!("steps:\n{}{}", step("a"), step("b")));
    assert_eq!(calls(&story), ["a", "b"]);
}

#[test]
fn after_a_fault_every_call_has_a_process_of_its_own() {
    let refused = "  - {id: refused, name: x, run: flasher, args: [\"--\", \"refused-once\"], timeout: 20s, retry: {attempts: 2, on: [refused]}}\n";
    let story = recover(CATALOG, &format!("steps:\n{}{refused}{}", step("a"), step("b")));
    assert_eq!(story.outcome, Outcome::Recovered);
    assert_eq!(calls(&story), ["[a]", "[refused-once]", "refused-once", "b"]);
}

#[test]
fn a_command_that_a_tool_might_read_otherwise_is_not_sent() {
    for command in ["two words", "#comment", "quo'te", "$HOME", ""] {
        let step = format!("  - {{id: s, name: x, run: flasher, args: [\"--\", \"{command}\"], timeout: 20s}}\n");
        let story = recover(CATALOG, &format!("steps:\n{}{step}", self::step("a")));
        assert_eq!(calls(&story), ["[a]", command]);
    }
}

#[test]
fn an_irreversible_act_has_a_process_of_its_own() {
    let read = |value: &str, command: &str| {
        format!(
            "{{name: r, run: flasher, args: [\"--\", {command}], timeout: 20s, capture: {{{value}: {{integer: 'status (\\d+)'}}}}}}"
        )
    };
    let burn = format!(
        "  - id: burn\n    name: Burn\n    run: flasher\n    args: [\"--\", burn]\n    timeout: 20s\n    irreversible:\n      \
         why: It burns.\n      already_done: {{steps: [{}], holds: fuse == 1}}\n      verify: {{steps: [{}], holds: burnt == 0}}\n",
        read("fuse", "before"),
        read("burnt", "after")
    );
    let desk = Desk { interactive: true, ..Desk::default() };
    desk.lines.borrow_mut().push_back("burn".to_owned());
    let story = play(CATALOG, LAUNCHER, &format!("steps:\n{}{burn}", step("a")), &desk);
    assert_eq!(calls(&story), ["[a]", "[before]", "burn", "[after]"], "{:?}", story.outcome);
    assert_eq!(story.outcome, Outcome::Recovered);
}
