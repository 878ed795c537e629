//! Boards whose settings are not those of the shipped playbooks: the same model is another board.

use crate::bench::mocks::alif::test_bench::{AlifBench, ON};
use crate::bench::test_bench::{TestBench, changed, shipped};
use crate::bench::{Bench, BenchError, BenchFolder};
use crate::documents::playbook::HandMove;

const FUSES: &str = "boot_fuse: {word: 6, bits: 0x10}";

#[test]
fn fuses_are_there_from_the_factory_and_a_locked_one_stays() {
    let fuses = format!("{FUSES}\n  fuses: [{{word: 5, value: 0x2A, locked: yes}}, {{word: 6, value: 0x1}}]");
    let bench = TestBench::of(&changed("rt1062", &[(FUSES, &fuses)]), &["fuse-set"]);
    bench.start_flashloader();
    let read = |word: &str| bench.call(&format!("blhost -u 0x15A2,0x0073 -- efuse-read-once {word}")).stdout;
    assert!(read("0x05").contains("= 42 (0x2a)"), "{}", read("0x05"));
    assert!(read("0x06").contains("= 17 (0x11)"), "{}", read("0x06"));
    let burnt = bench.call("blhost -u 0x15A2,0x0073 -- efuse-program-once 0x05 00000055").stdout;
    assert!(burnt.contains("20201"), "{burnt}");
    assert!(read("0x05").contains("= 42 (0x2a)"), "{}", read("0x05"));
}

#[test]
fn the_version_of_the_flashloader_is_the_boards_own() {
    let bench = TestBench::of(&changed("rt1062", &[(FUSES, "version: K2.1.0")]), &[]);
    bench.start_flashloader();
    let version = bench.call("blhost -u 0x15A2,0x0073 -- get-property 1").stdout;
    assert!(version.contains("(0x4b020100)") && version.contains("K2.1.0"), "{version}");
}

/// A loader that finds no firmware where it looks for it stays on the bus; a boot image that is the firmware does not.
#[test]
fn with_or_without_a_bootloader_in_flash() {
    for (firmware, shown) in [("firmware: 0x60040000", "15a2:0073"), ("running: running", "37c5:1060")] {
        let playbook = changed("rt1062", &[("firmware: 0x60040000", firmware)]);
        let bench = TestBench::of(&playbook, &["fuse-set"]);
        bench.start_flashloader();
        bench.configure();
        for call in [
            "flash-erase-region 0x60000000 0x20000",
            "fill-memory 0x2000 4 0xF000000F word",
            "configure-memory 9 0x2000",
            "write-memory 0x60001000 blhost_flash_loader.bin",
        ] {
            let printed = bench.call(&format!("blhost -u 0x15A2,0x0073 -t 120000 -- {call}"));
            assert_eq!(printed.exit_code, 0, "{printed:?}");
        }
        bench.hands(&[HandMove::Unplug, HandMove::RemoveJumper, HandMove::PlugIn]);
        bench.wait_ms(60_000);
        assert_eq!(bench.shown(), [shown]);
    }
}

/// A switch in place of the jumper, and a reset button in place of the cable.
#[test]
fn a_switch_and_a_button_do_what_a_jumper_and_the_cable_do() {
    let bench = TestBench::new(&[]);
    bench.hands(&[HandMove::SwitchOn, HandMove::PressButton]);
    bench.wait_ms(2_000);
    assert_eq!(bench.shown(), ["1fc9:0135"]);
    bench.hands(&[HandMove::Unplug, HandMove::PressButton]);
    bench.wait_ms(2_000);
    assert_eq!(bench.shown(), [""; 0], "without power a button does nothing");
}

#[test]
fn a_smaller_part_has_its_package_elsewhere() {
    let playbook = changed(
        "ae3",
        &[
            ("size: 0x600000}", "size: 0x200000}"),
            ("toc_address: 0x8057E000", "toc_address: 0x8017E000"),
            (
                "    - {key: E3 (AE302F80F55D5LE) - 5.5 MRAM / 13.5 SRAM, bridge: \"1a86:55d3\", product: USB Single Serial, port: /dev/ttyACM}\n",
                "",
            ),
        ],
    );
    let bench = AlifBench::of(&playbook, &["old-ses"]);
    bench.hands(ON);
    let printed = bench.output(&["updateSystemPackage"], &[], 0);
    assert!(printed.contains("- MRAM Base Address: 0x80180000"), "{printed}");
    let addresses: Vec<u64> = bench.regions().iter().map(|(address, _)| *address).collect();
    assert_eq!(addresses, [0x8018_0000, 0x801f_fff0]);
    let error = Bench::set_up(BenchFolder::temporary().unwrap(), &playbook, &["sbl2"]).unwrap_err();
    assert!(matches!(error, BenchError::UnknownName { .. }), "{error}");
}

#[test]
fn names_are_those_that_the_board_can_have() {
    let names = |playbook| -> Vec<&str> { Bench::names(&playbook).unwrap().iter().map(|(name, _)| *name).collect() };
    assert!(names(shipped("rt1062")).contains(&"fuse-stuck"));
    assert!(
        !names(changed(
            "rt1062",
            &[(FUSES, "boot_image: 0x60001000"), ("  boot_image: 0x60001000\n  firmware", "  firmware")]
        ))
        .contains(&"fuse-stuck")
    );
}

/// Nothing can be wrong with firmware that the board's bootloader does not start.
#[test]
fn boards_without_firmware_of_their_own_know_no_trouble_with_it() {
    let names = |playbook| -> Vec<&str> { Bench::names(&playbook).unwrap().iter().map(|(name, _)| *name).collect() };
    let of_firmware = ["boot-loop", "interrupted-update", "firmware-damaged"];
    for (board, firmware) in [("n6", "  firmware: FIRMWARE\n"), ("ae3", "  firmware: FIRMWARE_HP\n")] {
        let (with, without) = (names(shipped(board)), names(changed(board, &[(firmware, "")])));
        assert!(of_firmware.iter().all(|name| with.contains(name) && !without.contains(name)), "{without:?}");
        assert!(without.contains(&"wire-forgotten"), "a person forgets, whatever the board");
        let bench =
            Bench::set_up(BenchFolder::temporary().unwrap(), &changed(board, &[(firmware, "")]), &["boot-loop"]);
        assert!(matches!(bench.unwrap_err(), BenchError::UnknownName { .. }));
    }
    assert!(of_firmware.iter().all(|name| names(shipped("h7")).contains(name)));
}

#[test]
fn what_a_person_forgets_is_among_the_names_that_may_have_been_meant() {
    let bench = Bench::set_up(BenchFolder::temporary().unwrap(), &shipped("rt1062"), &["wire-forgoten"]);
    let BenchError::UnknownName { hint, .. } = bench.unwrap_err() else { panic!("another error") };
    assert_eq!(hint, "did you mean `wire-forgotten`?");
}
