//! Chips whose flash is protected: neither erased nor read, and said to be so.

use crate::bench::{Bench, expect_words};
use crate::directly::rom;
use crate::finished::run;
use crate::requirements;
use crate::usb_simulation::device::Fault;

const CLASS: &str = r#""class":"protected""#;

#[test]
fn a_chip_that_is_read_protected_is_said_to_be_and_left_alone() {
    if !requirements::met("a_chip_that_is_read_protected_is_said_to_be_and_left_alone") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom().with_fault(Fault::ReadProtected));
    bench.bus.attach(&rom, "99-1");
    let before = rom.flash(4096);
    let finished = run(&mut bench.recover_in_json("h7.yaml")).expect_code(1);
    let words = ["dfu-util: ERASE_PAGE not correctly executed", CLASS, "erases everything on it"];
    expect_words(&finished, &words);
    // Nobody can know from the tool's words whether a part of the page is gone.
    expect_words(&finished, &["May be erased or partly written: bootloader.bin at 0x08000000"]);
    // It is not tried again, and nothing is unlocked.
    assert!(!finished.out.contains(r#""event":"restarting""#), "{}", finished.out);
    assert_eq!((rom.counts().erased_pages, rom.counts().written_blocks), (0, 0));
    assert_eq!(rom.flash(4096), before);
}

#[test]
fn a_chip_that_tells_of_the_error_at_once_is_protected_too() {
    if !requirements::met("a_chip_that_tells_of_the_error_at_once_is_protected_too") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom().with_fault(Fault::EraseError));
    bench.bus.attach(&rom, "99-1");
    let finished = run(&mut bench.recover_in_json("h7.yaml")).expect_code(1);
    let words = ["iString indicates a vendor specific error", "Wrong state after command", CLASS, "exit code 76"];
    expect_words(&finished, &words);
    assert_eq!(rom.counts().erased_pages, 0);
}

#[test]
fn a_chip_that_lets_nobody_read_is_not_proven() {
    if !requirements::met("a_chip_that_lets_nobody_read_is_not_proven") {
        return;
    }
    let bench = Bench::with_steps(
        r#"
  - id: read
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000:4096", "-U", "${copy}"]
    produces: copy
    timeout: 20s
"#,
    );
    let rom = rom().with_fault(Fault::ReadProtected);
    bench.bus.attach(&rom, "99-1");
    let finished = run(&mut bench.recover_in_json("own.yaml")).expect_code(1);
    expect_words(
        &finished,
        &["dfuse_upload: libusb_control_transfer returned -9", r#""class":"refused","code":"LIBUSB_ERROR_PIPE""#],
    );
    expect_words(&finished, &["This run has changed nothing on the board"]);
}
