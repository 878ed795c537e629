//! The mock dfu-util on a camera's own bootloader: the window after each start, and what becomes of what is written.

use crate::bench::MockEnd;
use crate::bench::kit::image::noise;
use crate::bench::mocks::alif::test_bench::{AlifBench, CYCLE, OFF, WRITE};

const BOOTLOADER: &str = "37c5:96e3 1-2";
const RUNNING: &str = "37c5:16e3 1-2";

/// A camera whose bootloader has just been written and is on the bus.
fn started() -> AlifBench {
    let bench = AlifBench::switched_on(&[]);
    bench.output(WRITE, &[], 0);
    bench.hands(OFF);
    assert_eq!(bench.shown(), [BOOTLOADER]);
    bench
}

fn download(bench: &AlifBench, length: usize, options: &[&str]) -> (Option<i32>, String) {
    let image = bench.folder().join("image.bin");
    std::fs::write(&image, noise("image", length)).unwrap();
    let file = ["-D", image.to_str().unwrap()];
    let (end, console) = bench.run(&[&["dfu-util", "-d", ",37c5:96e3"], options, &file].concat(), &[]);
    let exit_code = match end {
        MockEnd::Exit(exit_code) => Some(exit_code),
        MockEnd::Waits | MockEnd::Hangs | MockEnd::Killed(_) => None,
    };
    (exit_code, String::from_utf8([console.stdout, console.stderr].concat()).unwrap())
}

#[test]
fn stays_while_somebody_writes_and_starts_the_firmware_after_a_reset() {
    let bench = started();
    let before = bench.regions();
    assert_eq!(download(&bench, 5_000, &["-w", "-a", "1"]).0, Some(0));
    bench.wait_ms(60_000);
    assert_eq!(bench.shown(), [BOOTLOADER]);
    assert_eq!(download(&bench, 6_000, &["-w", "-a", "6", "--reset"]).0, Some(0));
    assert_eq!(bench.shown(), [""; 0], "it enumerates anew");
    bench.wait_ms(4_000);
    assert_eq!(bench.shown(), [RUNNING]);
    let after: Vec<(u64, u64)> = bench.regions().into_iter().filter(|region| !before.contains(region)).collect();
    assert_eq!(after, [(0x8002_0000, 5_000), (0xa000_0000, 6_000)]);
}

#[test]
fn is_there_for_a_moment_only() {
    let bench = started();
    bench.hands(CYCLE);
    bench.wait_ms(10_000);
    assert_eq!(bench.shown(), [RUNNING]);
    let (exit_code, text) = download(&bench, 100, &["-a", "1"]);
    assert_eq!(exit_code, Some(74));
    assert!(text.contains("No DFU capable USB device available"), "{text}");
    assert_eq!(download(&bench, 100, &["-w", "-a", "1"]).0, None, "it waits for ever");
}

#[test]
fn damaged_firmware_takes_the_camera_away_until_it_is_replaced() {
    let bench = AlifBench::new(&["boot-loop"]);
    let mut seen = Vec::new();
    for _ in 0..8 {
        bench.wait_ms(500);
        seen.push(!bench.shown().is_empty());
    }
    assert!(seen.contains(&true) && seen.contains(&false), "it comes and goes: {seen:?}");
    for _ in 0..2 {
        let (exit_code, text) = download(&bench, 20_000, &["-w", "-a", "1"]);
        assert_eq!(exit_code, Some(74), "a whole image takes too long: {text}");
        assert!(text.contains("LIBUSB_ERROR_NO_DEVICE"), "{text}");
    }
    let zeros = bench.folder().join("zeros.bin");
    std::fs::write(&zeros, [0; 4096]).unwrap();
    let (end, _) = bench.run(&["dfu-util", "-w", "-d", ",37c5:96e3", "-a", "1", "-D", zeros.to_str().unwrap()], &[]);
    assert_eq!(end, MockEnd::Exit(0));
    for _ in 0..8 {
        bench.wait_ms(500);
        assert_eq!(bench.shown(), [BOOTLOADER]);
    }
    assert_eq!(download(&bench, 20_000, &["-w", "-a", "1", "--reset"]).0, Some(0));
    bench.wait_ms(10_000);
    assert_eq!(bench.shown(), [RUNNING]);
}

#[test]
fn refuses_its_own_place_and_what_is_too_long() {
    let bench = started();
    let before = bench.regions();
    for (length, alt, status) in [(100, "0", "status(3)"), (8_193, "4", "status(8)")] {
        let (exit_code, text) = download(&bench, length, &["-a", alt]);
        assert_eq!(exit_code, Some(74), "{text}");
        assert!(text.contains(status), "{text}");
    }
    assert_eq!(bench.regions(), before);
    assert_eq!(download(&bench, 100, &["-a", "2"]).0, Some(0), "a refusal is cleared by the next tool");
}
