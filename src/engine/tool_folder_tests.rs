//! Tools that work in their own folder, what their faults lead to, and what playbooks can know of tools and ports.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::documents::playbook::DeviceKind;
use crate::engine::test_desk::{Desk, Story, play};
use crate::engine::{Event, Outcome};
use crate::world::{Access, AttachedDevice};

const CATALOG: &str = r#"
[burner]
summary = "burns"
programs = ["burner"]
first_args = ["burner.sh"]
private_folder = true
stages = ['.+']
files = ['.+']
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
commands = [{ name = "burn", reversible = true, success = ['done'] }]
faults = [{ pattern = 'in recovery', class = "refused", code = "recovery", message = "It is in recovery", overrides_success = true }]
"#;

/// The tool prints its configuration and its image, breaks the image, and obeys `mode`.
const BURNER: &str = r#"
[ "$1" = recovery ] && { echo "in recovery"; exit 0; }
cat burner.cfg build/image.bin; ls; echo "$@"
echo broken >build/image.bin; echo broken >db/parts.db
echo "SES B4 v1.103.1 done"
"#;

struct Folder {
    folder: TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A link to the shell, because a program that has just been written cannot always be started.
        symlink("/bin/sh", folder.path().join("burner")).unwrap();
        std::fs::write(folder.path().join("burner.sh"), BURNER).unwrap();
        std::fs::create_dir(folder.path().join("db")).unwrap();
        std::fs::write(folder.path().join("db/parts.db"), b"PART\x00\x02\x67\x01").unwrap();
        Folder { folder }
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("burner")
    }

    fn play(&self, playbook: &str, desk: &Desk) -> Story {
        // Started through a link, because a program that was just written may still be held open by a sibling test.
        play(CATALOG, &[self.program().to_str().unwrap()], playbook, desk)
    }
}

fn bridge(port: &str) -> AttachedDevice {
    AttachedDevice {
        id: "0403:6015".parse().unwrap(),
        port: port.to_owned(),
        serial: None,
        product: None,
        interfaces: Vec::new(),
        version: None,
        kind: DeviceKind::Serial,
        access: Access::Permitted,
        arrival: 0,
    }
}

const WRITE: &str = "devices:
  bridge: {serial: '0403:6015'}
tool_files:
  parts: {tool: burner, file: db/parts.db}
steps:
  - id: configure
    write: {name: settings, file: settings.cfg, text: \"comport ${port(bridge)}\\n\"}
  - id: image
    write: {name: image, file: any.bin, text: \"the image\\n\"}
";

#[test]
fn a_tool_works_in_a_copy_of_its_folder_with_the_steps_files_in_it() {
    let folder = Folder::new();
    let playbook = format!(
        "{WRITE}  - id: burn
    run: burner
    args: [\"../build/image.bin 0x80000000\"]
    stage: {{burner.cfg: settings, build/image.bin: image}}
    capture: {{ses: {{version: 'SES B4 v([\\d.]+)'}}}}
  - id: again
    when: ses >= version('1.103') and ses < version('1.104') and tool_version('burner') >= version('1.1')
    run: burner
    stage: {{burner.cfg: settings, build/image.bin: image}}
  - id: package
    check: version_at(parts, 4) == version('1.103.2') and word(parts, 4) == 0x01670200 and given(parts)
"
    );
    let desk = Desk::default();
    desk.attached.borrow_mut().push(bridge("/dev/ttyUSB7"));
    let story = folder.play(&playbook, &desk);
    assert_eq!(story.outcome, Outcome::Recovered, "{:?}", story.events.last());
    let calls = "comport /dev/ttyUSB7|the image|build|burner|burner.cfg|burner.sh|db|";
    let output = story.output();
    assert!(output.starts_with(&format!("{calls}../build/image.bin 0x80000000|SES")), "{output}");
    assert!(output[1..].contains(calls), "the image is put there anew for each call: {output}");
    // Nothing of it shows in the person's own folder.
    assert_eq!(std::fs::read(folder.folder.path().join("db/parts.db")).unwrap(), b"PART\x00\x02\x67\x01");
    assert!(!folder.folder.path().join("build").exists());
}

#[test]
fn a_foreseen_fault_is_a_value() {
    let folder = Folder::new();
    let playbook = "steps:
  - id: probe
    run: burner
    args: [recovery]
    on_fault:
      - {class: refused, code: recovery, set: in_recovery}
      - {class: [no-answer, timed-out], set: silent}
  - id: rescue
    when: in_recovery and not silent
    refuse: It is in recovery.
";
    let story = folder.play(playbook, &Desk::default());
    assert_eq!(story.outcome, Outcome::RefusedByPlaybook);

    let unforeseen = playbook.replace("code: recovery", "code: other");
    assert_eq!(folder.play(&unforeseen, &Desk::default()).outcome, Outcome::StepFailed);
}

#[test]
fn a_success_makes_the_faults_values_false() {
    let folder = Folder::new();
    let playbook = format!(
        "{WRITE}  - id: probe
    run: burner
    stage: {{burner.cfg: settings, build/image.bin: image}}
    on_fault: [{{class: refused, set: in_recovery}}]
  - id: check
    check: not in_recovery
"
    );
    let desk = Desk::default();
    desk.attached.borrow_mut().push(bridge("COM7"));
    assert_eq!(folder.play(&playbook, &desk).outcome, Outcome::Recovered);
}

#[test]
fn a_port_of_a_device_that_is_away_is_no_device() {
    let story = Folder::new().play(&format!("{WRITE}  - run: burner\n    args: [x]\n"), &Desk::default());
    assert_eq!(story.outcome, Outcome::DeviceUnavailable);
    let Some(Event::Finished { problem: Some(problem), .. }) = story.events.last() else { panic!() };
    assert!(problem.what.contains("0403:6015 bridge is not there"), "{}", problem.what);
}
