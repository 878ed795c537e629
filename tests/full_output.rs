//! What could not be told has not been done: output to a full disk is an error, a reader that went away is none.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::OpenOptions;

use crate::support::House;

/// A case needs a board to play on.
const BOARD: &str = "virtual_board: {model: stm32-dfu-rom, layout: \"@Internal Flash  /0x08000000/16*128Kg\", bootloader: \"37c5:9204\", running: \"37c5:1204\", rom: \"0483:df11\"}\n";

#[test]
fn a_full_device_is_an_error_and_is_told() {
    let house = House::new();
    house.write(
        "camera.yaml",
        format!("format: 1\nboard: Camera\n{BOARD}steps:\n  - {{id: one, check: 1 == 1, message: never}}\n"),
    );
    let case = "{name: it works, expect: {outcome: recovered}}";
    house.write("camera.test.yaml", format!("format: 1\nplaybook: camera.yaml\ncases:\n  - {case}\n"));
    house.run(&["test", "camera.test.yaml"]).exits(0);
    for args in [
        &["list"][..],
        &["--help"],
        &["--version"],
        &["schema", "playbook"],
        &["check", "rt1062"],
        &["test", "camera.test.yaml"],
        &["test", "camera.test.yaml", "--format", "json"],
        &["test", "camera.test.yaml", "--format", "junit"],
        &["--playbook", "rt1062", "--simulate"],
        &["--playbook", "rt1062", "--simulate", "--message-format", "json"],
        &["--playbook", "rt1062", "--simulate", "--dry-run"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = house.command(args).stdout(full).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(74), "{args:?}: {errors}");
        assert!(errors.contains("No space left on device"), "{args:?}: {errors}");
    }
}
