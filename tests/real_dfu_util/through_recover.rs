//! `recover` with the real dfu-util: both see the simulated bus, and this test is the person at the bench.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::directly::rom;
use crate::finished::{Finished, Started, run, start};
use crate::usb_simulation::device::{Device, FLASH_H7, Fault};
use crate::usb_simulation::{Permission, UsbSimulation};
use crate::{Folder, bootloader_image, requirements};

/// One step of the recovery, or of the person's part in it.
const EVENT_LIMIT: Duration = Duration::from_secs(30);

/// The H7's procedure without its second tries and with limits that suit a test.
const QUICK_PLAYBOOK: &str = r#"
format: 1
board: OpenMV Cam H7, in a hurry
inputs:
  bootloader: {file: bootloader.bin, max_size: 0x20000}
devices:
  rom: {usb: "0483:df11", label: STM32 ROM (DFU)}
steps:
  - id: enter-rom
    prompt: Connect BOOT to 3.3V, then connect the camera.
    until: {present: rom}
    timeout: 4s
  - id: write-bootloader
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${bootloader}"]
    timeout: 4s
"#;

/// A folder with everything a run needs, and a home of its own.
struct Bench {
    bus: UsbSimulation,
    folder: Folder,
}

impl Bench {
    fn new() -> Self {
        let folder = Folder::with_image();
        std::fs::write(folder.path().join("quick.yaml"), QUICK_PLAYBOOK).unwrap();
        Bench { bus: UsbSimulation::new(), folder }
    }

    fn recover(&self, playbook: &str) -> Command {
        self.command(PathBuf::from(env!("CARGO_BIN_EXE_recover")), playbook)
    }

    fn command(&self, program: PathBuf, playbook: &str) -> Command {
        let mut command = self.bus.command(program);
        command.args(["--playbook", playbook, "--non-interactive", "--files"]).arg(self.folder.path());
        command.current_dir(self.folder.path());
        // Locks, logs and the user's own tool table belong to this run alone.
        for variable in ["HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(variable, self.folder.path());
        }
        command.env_remove("RECOVER_TOOL_DFU_UTIL").env("NO_COLOR", "1").env("TMPDIR", self.folder.path());
        command
    }
}

/// What the H7's playbook asks of the person in the end, once the image has been read back: unplug, and without the
/// wire plug in again.
fn start_camera(bench: &Bench, rom: &Device) {
    assert!(rom.wait_until(EVENT_LIMIT, |counts| counts.uploads_finished > 0 && counts.connections == 0));
    assert_eq!(rom.flash(bootloader_image().len()), bootloader_image());
    bench.bus.detach("99-1");
    let own = Device::plain_dfu((0x37c5, 0x9204), "3330373338355117003B0033", &["BOOTLOADER", "FIRMWARE"]);
    bench.bus.attach(&own, "99-1");
}

#[track_caller]
fn expect_recovered(recover: Started, rom: &Device) {
    recover.finish().expect_code(0);
    assert_eq!(rom.flash(bootloader_image().len()), bootloader_image());
}

#[track_caller]
fn expect_words(finished: &Finished, words: &[&str]) {
    let said = format!("{}\n{}", finished.out, finished.err);
    for word in words {
        assert!(said.to_lowercase().contains(&word.to_lowercase()), "`{word}` is missing in:\n{said}");
    }
}

#[test]
fn brings_a_camera_back() {
    if !requirements::met("brings_a_camera_back") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom());
    bench.bus.attach(&rom, "99-1");
    let recover = start(&mut bench.recover("h7.yaml"));
    start_camera(&bench, &rom);
    expect_recovered(recover, &rom);
    assert_eq!(rom.counts().erased_pages, 1);
}

#[test]
fn waits_until_the_person_has_brought_the_chip_into_its_rom() {
    if !requirements::met("waits_until_the_person_has_brought_the_chip_into_its_rom") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom());
    let recover = start(&mut bench.recover("h7.yaml"));
    bench.bus.attach(&rom, "99-1");
    start_camera(&bench, &rom);
    expect_recovered(recover, &rom);
}

#[test]
fn no_device_ends_with_5() {
    if !requirements::met("no_device_ends_with_5") {
        return;
    }
    let bench = Bench::new();
    let finished = run(&mut bench.recover("quick.yaml")).expect_code(5);
    expect_words(&finished, &["0483:df11"]);
}

#[test]
fn a_missing_permission_ends_with_5_and_its_name() {
    if !requirements::met("a_missing_permission_ends_with_5_and_its_name") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom());
    bench.bus.attach_with(&rom, "99-1", Permission::Denied);
    // The other user may have no way to the build folder. `cp` makes the copy, because a file that this process has
    // open for writing cannot be started while another test starts something.
    let program = bench.folder.path().join("recover");
    let copied = run(Command::new("cp").arg(env!("CARGO_BIN_EXE_recover")).arg(&program));
    copied.expect_code(0);
    let mut command = bench.command(program, "quick.yaml");
    bench.bus.as_another_user(&mut command);
    let finished = run(&mut command).expect_code(5);
    expect_words(&finished, &["permission"]);
    assert_eq!(rom.counts().erased_pages, 0);
}

#[test]
fn two_boards_end_with_5_and_both_ports() {
    if !requirements::met("two_boards_end_with_5_and_both_ports") {
        return;
    }
    let (bench, first) = (Bench::new(), rom());
    let second = Device::st_rom("3058346F3132", FLASH_H7, 1024);
    bench.bus.attach(&first, "99-1");
    bench.bus.attach(&second, "99-2");
    let finished = run(&mut bench.recover("quick.yaml")).expect_code(5);
    expect_words(&finished, &["99-1", "99-2"]);
    assert_eq!((first.counts().erased_pages, second.counts().erased_pages), (0, 0));
}

#[test]
fn a_board_that_vanishes_for_good_is_not_recovered() {
    if !requirements::met("a_board_that_vanishes_for_good_is_not_recovered") {
        return;
    }
    let bench = Bench::new();
    let rom = rom().with_fault(Fault::VanishAtBlock(60));
    bench.bus.attach(&rom, "99-1");
    let finished = run(&mut bench.recover("quick.yaml"));
    assert!(matches!(finished.code, Some(1 | 5)), "{finished:?}");
    assert_eq!(rom.counts().written_blocks, 60);
}

#[test]
fn a_board_that_vanishes_and_comes_back_is_recovered() {
    if !requirements::met("a_board_that_vanishes_and_comes_back_is_recovered") {
        return;
    }
    let bench = Bench::new();
    let rom = rom().with_fault(Fault::VanishAtBlock(60));
    bench.bus.attach(&rom, "99-1");
    let recover = start(&mut bench.recover("h7.yaml"));
    assert!(bench.bus.wait_for_departure("99-1", EVENT_LIMIT));
    bench.bus.attach(&rom, "99-1");
    start_camera(&bench, &rom);
    expect_recovered(recover, &rom);
    assert_eq!(rom.counts().erased_pages, 2);
}

#[test]
fn a_stalled_board_ends_in_a_time_out() {
    if !requirements::met("a_stalled_board_ends_in_a_time_out") {
        return;
    }
    let bench = Bench::new();
    let rom = rom().with_fault(Fault::BusyForEver);
    bench.bus.attach(&rom, "99-1");
    let finished = run(&mut bench.recover("quick.yaml")).expect_code(1);
    expect_words(&finished, &["did not finish within"]);
    assert!(rom.counts().busy_answers > 0);
    // The tool itself must be gone, or it would keep the device busy.
    assert!(rom.wait_until(EVENT_LIMIT, |counts| counts.connections == 0));
}
