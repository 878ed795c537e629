//! Which calls an interpreter makes that is there already, and which it never makes.

use std::os::unix::fs::PermissionsExt;

use crate::engine::test_desk::{Desk, Story, play};
use crate::engine::{Event, Outcome};
use crate::world::WarmStart;
use crate::world::process::python;

const PROGRAM: &str = "import sys\nprint('status', 0 if sys.argv[-1] != 'refused' else 7)\n";

const CATALOG: &str = r#"
[flasher]
summary = "flashes"
programs = ["flasher"]
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
statuses = [{ pattern = 'status (?P<code>\d+)', success = ["0"], otherwise = "refused" }]
commands = [{ name = "any", reversible = true, success = ['status 0'] }]
warm = { imports = ["json"] }
"#;

struct Place {
    folder: tempfile::TempDir,
    desk: Desk,
}

/// Nothing where there is no Python.
fn place() -> Option<Place> {
    let python = python()?;
    let folder = tempfile::tempdir().unwrap();
    let launcher = folder.path().join("flasher");
    std::fs::write(&launcher, format!("#!{}\n{PROGRAM}", python.display())).unwrap();
    std::fs::set_permissions(&launcher, std::fs::Permissions::from_mode(0o755)).unwrap();
    let warm = WarmStart { interpreter: vec![python.into()], imports: vec!["json".to_owned()] };
    Some(Place { folder, desk: Desk { interactive: true, warm: Some(warm), ..Desk::default() } })
}

impl Place {
    fn play(&self, steps: &str) -> Story {
        let launcher = self.folder.path().join("flasher");
        play(CATALOG, &[launcher.to_str().unwrap()], &format!("steps:\n{steps}"), &self.desk)
    }
}

/// The command of each call, in brackets when an interpreter made it.
fn calls(story: &Story) -> Vec<String> {
    let call = |event: &Event| match event {
        Event::ToolEnded { command, warm, .. } => {
            let command = command.last().cloned().unwrap_or_default();
            Some(if *warm { format!("[{command}]") } else { command })
        }
        _ => None,
    };
    story.events.iter().filter_map(call).collect()
}

fn step(command: &str) -> String {
    format!("  - {{id: {command}, name: x, run: flasher, args: [\"{command}\"], timeout: 20s}}\n")
}

#[test]
fn an_interpreter_makes_the_calls_also_after_a_fault() {
    let Some(place) = place() else { return };
    let refused =
        "  - {id: no, name: x, run: flasher, args: [refused], timeout: 20s, on_fault: [{class: refused, set: was}]}\n";
    let story = place.play(&[&step("a"), refused, &step("b")].concat());
    assert_eq!(calls(&story), ["[a]", "[refused]", "[b]"], "{:?}", story.outcome);
}

#[test]
fn with_single_calls_the_tool_is_started_for_each() {
    let Some(mut place) = place() else { return };
    place.desk.single_calls = true;
    let story = place.play(&[step("a"), step("b")].concat());
    assert_eq!((story.outcome, calls(&story)), (Outcome::Recovered, vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn an_irreversible_act_starts_its_tool_itself() {
    let Some(place) = place() else { return };
    let read = |value: &str, command: &str| {
        format!(
            "{{name: r, run: flasher, args: [{command}], timeout: 20s, capture: {{{value}: {{integer: 'status (\\d+)'}}}}}}"
        )
    };
    let burn = format!(
        "  - id: burn\n    name: Burn\n    run: flasher\n    args: [burn]\n    timeout: 20s\n    irreversible:\n      \
         why: It burns.\n      already_done: {{steps: [{}], holds: fuse == 1}}\n      verify: {{steps: [{}], holds: burnt == 0}}\n",
        read("fuse", "before"),
        read("burnt", "after")
    );
    place.desk.lines.borrow_mut().push_back("burn".to_owned());
    let story = place.play(&[step("a"), burn].concat());
    assert_eq!(calls(&story), ["[a]", "[before]", "burn", "[after]"], "{:?}", story.outcome);
    assert_eq!(story.outcome, Outcome::Recovered);
}
