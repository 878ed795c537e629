//! `:leave`: the ROM starts what stands in flash, and is gone.

use crate::bench::{Bench, EVENT_LIMIT, expect_words, own_bootloader};
use crate::directly::rom;
use crate::finished::{Finished, run, start};
use crate::usb_simulation::device::{Device, Fault};
use crate::{bootloader_image, requirements};

const STEPS: &str = r#"
  - id: write
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000:leave", "-D", "${bootloader}"]
    until: {gone: rom, present: own}
    timeout: 4s
    if_stopped: The bootloader may be erased.
"#;

fn bench_with(rom: &Device) -> Bench {
    let bench = Bench::with_steps(STEPS);
    bench.bus.attach(rom, "99-1");
    bench
}

/// The camera starts as soon as it has left.
fn write_and_leave(rom: &Device) -> Finished {
    let bench = bench_with(rom);
    let recover = start(&mut bench.recover_in_json("own.yaml"));
    assert!(bench.bus.wait_for_departure("99-1", EVENT_LIMIT));
    bench.bus.attach(&own_bootloader(), "99-1");
    let finished = recover.finish();
    assert_eq!(rom.flash(bootloader_image().len()), bootloader_image());
    finished
}

#[test]
fn a_camera_that_starts_after_the_write_is_recovered() {
    if !requirements::met("a_camera_that_starts_after_the_write_is_recovered") {
        return;
    }
    let finished = write_and_leave(&rom()).expect_code(0);
    expect_words(&finished, &["Submitting leave request...", "Transitioning to dfuMANIFEST state", "\"exit_code\":0"]);
    expect_words(&finished, &["\"verdict\":\"succeeded\",\"touched\":\"completely\""]);
}

#[test]
fn one_that_starts_before_it_has_answered_is_recovered_with_a_warning() {
    if !requirements::met("one_that_starts_before_it_has_answered_is_recovered_with_a_warning") {
        return;
    }
    let finished = write_and_leave(&rom().with_fault(Fault::LeaveStatusLost)).expect_code(0);
    expect_words(&finished, &["dfu-util: Error during download get_status", "\"exit_code\":74"]);
    expect_words(&finished, &["succeeded-with-warning", "\"touched\":\"completely\"", "\"outcome\":\"recovered\""]);
}

#[test]
fn one_that_never_comes_back_is_not_recovered() {
    if !requirements::met("one_that_never_comes_back_is_not_recovered") {
        return;
    }
    let bench = bench_with(&rom());
    let finished = run(&mut bench.recover("own.yaml"));
    assert!(matches!(finished.code, Some(1 | 5)), "{finished:?}");
    expect_words(&finished, &["37c5:9204"]);
    // The write is proven, whatever became of the camera.
    assert!(!finished.out.contains("in the middle of"), "{}", finished.out);
}
