//! What loading and checking say about calls of tools that ask, and that work in their own folder.

use std::sync::Arc;

use super::{check, load};
use crate::documents::catalog;
use crate::words::{Diagnostic, Source};

const CATALOG: &str = r#"
[plain]
summary = "plain"
programs = ["plain"]
files = ['.+']
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
commands = [{ name = "any", reversible = true, success = ['done'] }]
[own]
like = "plain"
private_folder = true
stages = ['.+']
files = ['.+']
"#;

/// `line message (hint)` of every diagnostic about a playbook with these steps, which begin in line 6.
fn diagnostics(steps: &str) -> Vec<String> {
    let catalog = Arc::new(Source { name: "catalog".to_owned(), text: CATALOG.to_owned() });
    let catalog = catalog::load(&catalog).unwrap();
    let text = format!(
        "format: 1\nboard: x\ninputs: {{firmware: {{file: firmware.bin}}, extra: {{file: extra.bin, optional: true}}}}\ndevices: {{bridge: {{serial: '0403:6015'}}}}\nsteps:\n{steps}"
    );
    let loaded = load(&Arc::new(Source { name: "x.yaml".to_owned(), text }), &|_| Err(String::new()));
    let mut diagnostics = loaded.diagnostics;
    if diagnostics.is_empty() {
        diagnostics = check(&loaded.playbook.unwrap(), &catalog);
    }
    let describe = |diagnostic: Diagnostic| {
        let line = diagnostic.place.map_or(0, |place| place.position().line);
        let hint = diagnostic.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{line} {}{hint}", diagnostic.message)
    };
    diagnostics.into_iter().map(describe).collect()
}

#[test]
fn answers_are_read_with_care() {
    let steps = r#"
  - run: plain
    answers:
      - {when: 'a', times: 0}
      - {when: '(a) b', send: $2}
      - {when: a, send: "two\nlines"}
      - {when: a, send: x, hands: plug-in}
      - {when: a, prompt: "Press ${firmwar}."}
"#;
    let found = diagnostics(steps);
    assert_eq!(found[0], "9 an answer needs `send`, `prompt` or both (`send: ''` presses ENTER and nothing else)");
    assert!(found[1].starts_with("9 0 is out of range"), "{found:#?}");
    assert!(found[2].starts_with("10 `$2` refers to a group that the pattern does not have"), "{found:#?}");
    assert!(found[3].starts_with("11 an answer is one line"), "{found:#?}");
    assert!(found[4].starts_with("12 `hands` belongs to an answer with `prompt`"), "{found:#?}");
    assert_eq!(found.len(), 5);
    let unknown = diagnostics("  - run: plain\n    answers: [{when: a, prompt: \"Press ${firmwar}.\"}]\n");
    assert_eq!(unknown, ["7 nothing is called `firmwar` here (did you mean `firmware`?)"]);
}

#[test]
fn a_prompt_beside_run_is_one_action_and_two_others_are_not() {
    assert_eq!(diagnostics("  - {run: plain, prompt: Hold the button., hands: plug-in}\n"), Vec::<String>::new());
    assert_eq!(diagnostics("  - {run: plain, wait: {gone: bridge}}\n").len(), 1);
}

#[test]
fn files_get_into_private_folders_and_nowhere_else() {
    assert_eq!(
        diagnostics("  - {run: own, args: ['../build/x.bin 0x0', build/x.bin], stage: {build/x.bin: firmware}}\n"),
        Vec::<String>::new()
    );
    let outside =
        diagnostics("  - {run: own, args: [../build/y.bin], stage: {build/x.bin: firmware, ../z: firmware}}\n");
    assert_eq!(
        outside,
        ["6 `../z` leaves the folder (a path below the tool's own folder is needed, then the name of a file)"]
    );
    let not_staged = diagnostics("  - {run: own, args: [../build/y.bin], stage: {build/x.bin: firmwar}}\n");
    assert_eq!(
        not_staged,
        [
            "6 no file is called `firmwar` (did you mean `firmware`?)",
            "6 an argument cannot name a file by its path (declare the file below `inputs:` and write `${its_name}`)",
        ]
    );
    assert_eq!(
        diagnostics("  - {run: plain, stage: {x.bin: firmware}}\n"),
        [
            "6 plain has no folder of its own to put files into (write `${name}` in its arguments: it finds the run's files \
             where it works)"
        ]
    );
    let named = diagnostics("  - {run: own, args: ['${firmware}']}\n");
    assert!(named[0].contains("works in a copy of its own folder"), "{named:?}");
}

#[test]
fn tools_devices_and_faults_have_kinds() {
    let good = "  - run: own
    on_fault: [{class: refused, set: refused}]
    capture: {ses: {version: 'v([\\d.]+)'}}
  - when: refused and ses > version('1.2') and tool_version('own') == version('1') and port(bridge) != ''
    run: plain
";
    assert_eq!(diagnostics(good), Vec::<String>::new());
    assert_eq!(diagnostics("  - {run: own, when: tool_version('plain') == version('1')}\n").len(), 1);
    assert_eq!(
        diagnostics("  - {run: own, when: port(brigde) == 'x'}\n"),
        ["6 no device is called `brigde` (did you mean `bridge`?)"]
    );
    assert_eq!(diagnostics("  - {run: own, when: port(bridge)}\n").len(), 1);
    let told = "  - {run: own, fail_on: [{pattern: a, unless: b, class: protected, stop: yes}]}\n";
    assert_eq!(diagnostics(told), Vec::<String>::new());
    assert_eq!(diagnostics(&told.replace("yes", "now")).len(), 1);
    assert!(diagnostics("  - {run: own, on_fault: [{class: cancelled, set: x}]}\n")[0].contains("does not go on"));
}

#[test]
fn a_file_that_may_be_missing_is_staged_under_a_condition() {
    let staged = "{run: own, stage: {x.bin: extra}}";
    assert_eq!(diagnostics(&format!("  - {staged}\n"))[0].split(" (").next(), Some("6 `extra` may be missing here"));
    assert_eq!(diagnostics(&format!("  - {{when: given(extra), {}\n", &staged[1..])), Vec::<String>::new());
}
