//! Devices that stay busy: a tool that waits for ever is ended, one that gives up is understood.
//! A limit grows with the time that the real tool takes to start here, so no text is asked for its exact length.

use crate::bench::{Bench, EVENT_LIMIT, enter_rom_again, expect_recovered, expect_words, own_bootloader, start_camera};
use crate::directly::rom;
use crate::finished::{run, start};
use crate::requirements;
use crate::usb_simulation::device::Fault;

#[test]
fn a_device_that_stays_busy_is_given_up_in_time() {
    if !requirements::met("a_device_that_stays_busy_is_given_up_in_time") {
        return;
    }
    let bench = Bench::with_steps(
        r#"
  - id: write
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${bootloader}"]
    timeout: 2s
    if_stopped: The bootloader may be erased.
"#,
    );
    let rom = rom().with_fault(Fault::BusyForEver);
    bench.bus.attach(&rom, "99-1");
    let finished = run(&mut bench.recover("own.yaml")).expect_code(1);
    let words = ["dfu-util did not finish within ", "(timed-out)", "was in the middle of changing it", "try another"];
    expect_words(&finished, &words);
    assert!(rom.counts().busy_answers > 0);
    // The tool itself must be gone, or it would keep the device busy.
    assert!(rom.wait_until(EVENT_LIMIT, |counts| counts.connections == 0));
}

#[test]
fn a_camera_whose_chip_was_stuck_once_is_brought_back() {
    if !requirements::met("a_camera_whose_chip_was_stuck_once_is_brought_back") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom().with_fault(Fault::BusyForEver));
    // The shipped catalog with less patience: half a minute of silence is normal for some chips, but not for a test.
    let catalog = include_str!("../../vendor-tools.toml");
    assert!(catalog.contains("silence = \"60s\""));
    bench.write("vendor-tools.toml", &catalog.replace("silence = \"60s\"", "silence = \"2s\""));
    bench.bus.attach(&rom, "99-1");
    let recover = start(bench.recover("h7.yaml").args(["--catalog", "vendor-tools.toml"]));
    assert!(rom.wait_until(EVENT_LIMIT, |counts| counts.busy_answers > 0));
    enter_rom_again(&bench, &rom);
    start_camera(&bench, &rom);
    let finished = expect_recovered(recover, &rom);
    expect_words(&finished, &["dfu-util printed nothing for ", "Going back to: "]);
}

#[test]
fn a_device_that_asks_without_end_to_be_asked_again_is_given_up_by_the_tool() {
    if !requirements::met("a_device_that_asks_without_end_to_be_asked_again_is_given_up_by_the_tool") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom().with_fault(Fault::BusyWithoutPause));
    bench.bus.attach(&rom, "99-1");
    let finished = run(&mut bench.recover_in_json("quick.yaml")).expect_code(1);
    let words = ["Device stuck after special command request", r#""class":"no-answer""#, "exit code 74"];
    expect_words(&finished, &words);
}

#[test]
fn an_own_bootloader_that_never_confirms_is_given_up_in_time() {
    if !requirements::met("an_own_bootloader_that_never_confirms_is_given_up_in_time") {
        return;
    }
    let bench = Bench::with_steps(
        r#"
  - id: write
    run: dfu-util
    device: own
    args: ["-d", ",37c5:9204", "-a", "1", "-D", "${bootloader}"]
    timeout: 3s
    if_stopped: The firmware may be half written.
"#,
    );
    bench.write("bootloader.bin", &"x".repeat(20_000));
    let own = own_bootloader().with_fault(Fault::ManifestForEver);
    bench.bus.attach(&own, "99-1");
    let finished = run(&mut bench.recover_in_json("own.yaml")).expect_code(1);
    expect_words(&finished, &["did not finish within ", "DFU state(7) = dfuMANIFEST", "may be half written"]);
    assert!(own.counts().busy_answers > 0);
    assert!(own.wait_until(EVENT_LIMIT, |counts| counts.connections == 0));
}

/// Each has folders of its own for locks and for what is temporary, as root and a user have.
#[test]
fn a_device_that_another_run_works_on_is_left_alone() {
    if !requirements::met("a_device_that_another_run_works_on_is_left_alone") {
        return;
    }
    let bench = Bench::with_steps(
        r#"
  - id: write
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${bootloader}"]
    timeout: 6s
"#,
    );
    let rom = rom().with_fault(Fault::BusyForEver);
    bench.bus.attach(&rom, "99-1");
    let first = start(&mut bench.recover("own.yaml"));
    assert!(rom.wait_until(EVENT_LIMIT, |counts| counts.busy_answers > 0));
    let elsewhere = tempfile::tempdir().unwrap();
    let mut second = bench.recover("own.yaml");
    for variable in ["XDG_RUNTIME_DIR", "TMPDIR"] {
        second.env(variable, elsewhere.path());
    }
    let second = run(&mut second).expect_code(7);
    expect_words(&second, &["another run", "is working on 0483:df11 at 99-1", "Wait until the other run has ended"]);
    first.finish().expect_code(1);
}
