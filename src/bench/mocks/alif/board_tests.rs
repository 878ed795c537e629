//! The board behind Alif's mock tools goes through its states, and the tools tell it as the real ones do.

use crate::bench::Scripted::{self, Hands, Line};
use crate::bench::mocks::alif::test_bench::{AlifBench, CYCLE, IMAGES, OFF, ON, RELEASES, ROM_RECOVERY, WRITE, ae3};
use crate::bench::{Bench, BenchFolder, BenchState, Console, MockEnd, play};
use crate::documents::playbook::HandMove;

#[test]
fn the_whole_way_ends_with_the_camera_running() {
    for (release, _) in RELEASES {
        let release_name = format!("tools-{release}");
        let bench = AlifBench::switched_on(&[release_name.as_str(), "old-ses"]);
        assert_eq!(bench.shown(), ["0403:6015 /dev/ttyUSB0"]);
        bench.output(&["updateSystemPackage"], &[], 0);
        bench.hands(CYCLE);
        assert!(bench.banner().contains(&format!(" SES B4 v{release}.")), "{}", bench.banner());
        bench.output(WRITE, &[], 0);
        assert_eq!(
            bench.regions(),
            [(0x8000_0000, 4096), (0x8057_e000, 8192), (0x8058_0000, 270_368), (0x805f_fff0, 16)]
        );
        bench.hands(OFF);
        assert_eq!(bench.shown(), ["37c5:96e3 1-2"]);
        bench.wait_ms(5_000);
        assert_eq!(bench.shown(), ["37c5:16e3 1-2"]);
    }
}

#[test]
fn nothing_starts_without_both_images() {
    let bench = AlifBench::switched_on(&["no-firmware"]);
    bench.output(&["app-write-mram", "-i", "../build/bootloader.bin 0x80000000"], &[], 0);
    bench.hands(OFF);
    assert!(bench.shown().is_empty());
    bench.hands(ON);
    bench.output(WRITE, &[], 0);
    bench.hands(OFF);
    bench.wait_ms(60_000);
    assert_eq!(bench.shown(), ["37c5:96e3 1-2"], "without firmware the bootloader stays");
}

#[test]
fn recovery_in_the_rom_brings_the_enclave_back() {
    for (release, _) in RELEASES {
        let release_name = format!("tools-{release}");
        let bench = AlifBench::switched_on(&[release_name.as_str(), "recovery"]);
        assert!(!bench.banner().contains("SES B4"));
        let script: &[Scripted] =
            if release == "1.103" { &[Line("6"), Line("1"), Line(""), Line("")] } else { ROM_RECOVERY };
        let output = bench.output(&["maintenance"], script, 0);
        assert!(output.contains("Recovery process finished."), "{output:.400}");
        assert_eq!(bench.banner().contains("SES B4"), release != "1.104", "this release leaves without a reset");
        bench.hands(CYCLE);
        assert!(bench.banner().contains("SES B4"));
    }
}

#[test]
fn a_silent_enclave_is_caught_by_the_button_while_the_tool_waits() {
    let bench = AlifBench::switched_on(&["silent"]);
    bench.hands(&[HandMove::PressButton]);
    assert!(bench.banner().contains("did not respond"), "pressed before the tool waits it does nothing");
    let script = &[
        Line("1"),
        Line("1"),
        Hands(HandMove::PressButton, 1_000),
        Line(""),
        Line("2"),
        Line("4"),
        Line(""),
        Line(""),
    ];
    let output = bench.output(&["maintenance"], script, 0);
    assert!(output.contains(" Maintenance Mode = Enabled"), "{output}");
    bench.output(WRITE, &[], 0);
    bench.hands(CYCLE);
    assert!(bench.banner().contains("SES B4"), "the new application lets it answer");
    let (end, _) = AlifBench::switched_on(&["silent"]).run(&["maintenance"], &[Line("1"), Line("1")]);
    assert_eq!(end, MockEnd::Hangs, "without hands it waits for ever");
}

#[test]
fn a_wrong_rate_is_reached_by_naming_it_and_cured_by_power() {
    let bench = AlifBench::new(&["wrong-baud"]);
    assert_eq!(bench.shown(), ["0403:6015 /dev/ttyUSB0"]);
    assert!(bench.banner().contains("did not respond"));
    let fast = bench.output(&["maintenance", "-b", "921600", "-opt", "sesbanner"], &[], 0);
    assert!(fast.contains("[INFO] baud rate 921600\n") && fast.contains("SES B4"), "{fast}");
    bench.hands(CYCLE);
    assert!(bench.banner().contains("did not respond"), "too short");
    bench.hands(CYCLE);
    assert!(bench.banner().contains("SES B4"));
    let bench = AlifBench::new(&["wrong-baud"]);
    bench.output(&["maintenance", "-b", "921600"], &[Line("1"), Line("3"), Line(""), Line("")], 0);
    assert!(bench.banner().contains("SES B4"), "a reset cures it too");
}

#[test]
fn a_writer_killed_in_the_middle_leaves_half_an_image_and_the_wrong_rate() {
    let bench = AlifBench::switched_on(&["hangs-mid-image"]);
    let (end, console) = bench.run(WRITE, &[]);
    assert_eq!(end, MockEnd::Hangs);
    let stdout = String::from_utf8(console.stdout).unwrap();
    assert!(stdout.ends_with("2400/4096 bytes\r"), "{stdout:?}");
    assert!(bench.regions().is_empty());
    assert!(bench.banner().contains("did not respond"));
    bench.output(&["app-write-mram", "-b", "921600", "-i", IMAGES], &[], 0);
    assert_eq!(bench.regions().len(), 2);
}

#[test]
fn refusals_end_as_the_real_tools_end() {
    for (release, _) in RELEASES {
        let release_name = format!("tools-{release}");
        let refused = AlifBench::switched_on(&[release_name.as_str(), "write-refused"]);
        let output = refused.output(WRITE, &[], 1);
        assert!(output.ends_with("ISP_MRAM_WRITE_FAILED \n[ERROR] Command NAK\n"), "{output}");
        assert_eq!(output.contains("Download Image"), release != "1.110");
        refused.output(WRITE, &[], 0);
        assert_eq!(refused.regions().len(), 2);
        let package = AlifBench::switched_on(&[release_name.as_str(), "write-refused"]);
        assert!(package.output(&["updateSystemPackage"], &[], 0).contains("[ERROR] Command NAK"));
        let nak = AlifBench::switched_on(&[release_name.as_str(), "nak-mid-image"]);
        nak.output(WRITE, &[], 0);
        assert!(nak.regions().is_empty(), "never the images of a refused write");
        nak.output(WRITE, &[], 0);
        assert_eq!(nak.regions().len(), 2);
    }
}

#[test]
fn half_a_system_package_ends_in_recovery() {
    let bench = AlifBench::switched_on(&["nak-mid-image"]);
    bench.output(&["updateSystemPackage"], &[], 0);
    assert!(bench.banner().contains("Device connected in Recovery"));
    let bench = AlifBench::switched_on(&["unplugged-mid-write", "port-moves"]);
    bench.configure("AE302F80F55D5AE", "/dev/ttyUSB1");
    let printed = bench.call(&["updateSystemPackage"], &[]);
    assert_eq!(printed.exit_code, 1);
    assert!(printed.stdout.ends_with("[ERROR] /dev/ttyUSB1 readSerial reporting disconnected\n\x1b[0m\n\x1b[?25h\n"));
}

#[test]
fn a_mismatch_of_the_part_is_told_asked_or_passed_over() {
    let old = AlifBench::switched_on(&["tools-1.103", "part-mismatch"]);
    assert!(!old.output(WRITE, &[], 0).contains("AE302F80F55D5LE"));
    let middle = AlifBench::switched_on(&["part-mismatch"]);
    assert!(middle.output(WRITE, &[], 0).contains("[WARN] ************ Part# detected is different"));
    let latest = AlifBench::switched_on(&["tools-1.110", "part-mismatch"]);
    let output = latest.output(WRITE, &[Line("n")], 1);
    assert!(output.ends_with("Continue with operation [y/n]?\n> [INFO] Operation aborted\n"), "{output}");
    let printed = latest.call(WRITE, &[]);
    assert!(printed.exit_code == 1 && printed.stderr.ends_with("EOFError: EOF when reading a line\n"), "{printed:?}");
    latest.output(WRITE, &[Line("y")], 0);
    assert_eq!(latest.regions().len(), 2);
    for (release, _) in RELEASES {
        let release_name = format!("tools-{release}");
        let bench = AlifBench::switched_on(&[release_name.as_str(), "eof-question"]);
        let output = bench.output(&["updateSystemPackage"], &[Line("n")], 0);
        assert!(output.ends_with("(y/n): \nUser aborted the process\n"), "{output}");
        assert!(bench.regions().is_empty());
        let output = bench.output(&["updateSystemPackage"], &[Line("y")], 0);
        assert!(output.contains("alif/SP-AE302F80F55D5LE-rev-b4.bin.sign"), "the detected part decides");
        let configuration = std::fs::read_to_string(bench.folder().join("utils/global-cfg.db")).unwrap();
        assert!(configuration.contains("AE302F80F55D5LE"), "{configuration}");
    }
}

#[test]
fn ports_come_go_move_and_are_shared_with_strangers() {
    let moving = AlifBench::switched_on(&["port-moves"]);
    assert_eq!(moving.shown(), ["0403:6015 /dev/ttyUSB1"]);
    let output = moving.output(&["maintenance", "-opt", "sesbanner"], &[], 1);
    assert_eq!(
        output,
        "[ERROR] openSerial [Errno 2] could not open port /dev/ttyUSB0: [Errno 2] No such file or directory: \
         '/dev/ttyUSB0'\n[ERROR] isp openSerial failed for /dev/ttyUSB0\n"
    );
    moving.hands(CYCLE);
    assert_eq!(moving.shown(), ["0403:6015 /dev/ttyUSB2"]);
    let foreign = AlifBench::new(&["foreign-bridge"]);
    assert_eq!(foreign.shown(), ["0403:6015 /dev/ttyUSB0"], "the camera is not there yet");
    foreign.hands(ON);
    assert_eq!(foreign.shown(), ["0403:6015 /dev/ttyUSB0", "0403:6015 /dev/ttyUSB1"]);
    assert!(foreign.banner().contains("did not respond"), "nothing answers behind it");
    foreign.configure("AE302F80F55D5AE", "/dev/ttyUSB1");
    assert!(foreign.banner().contains("SES B4"));
    let later = AlifBench::switched_on(&["sbl2"]);
    assert_eq!(later.shown(), ["1a86:55d3 /dev/ttyACM0"]);
    assert!(AlifBench::switched_on(&["absent"]).shown().is_empty());
    let denied = AlifBench::switched_on(&["no-permission"]);
    assert!(denied.banner().contains("[Errno 13] could not open port /dev/ttyUSB0"));
    let switched = AlifBench::new(&[]);
    switched.hands(&[HandMove::SwitchOn]);
    assert_eq!(switched.shown(), ["0403:6015 /dev/ttyUSB0"], "the switch works without unplugging");
    switched.hands(&[HandMove::SwitchOff]);
    assert!(switched.shown().is_empty());
}

#[test]
fn names_of_images_lose_three_characters() {
    let bench = AlifBench::switched_on(&[]);
    let write = |images: &str, exit_code| bench.output(&["app-write-mram", "-i", images], &[], exit_code);
    let output = write("build/bootloader.bin 0x80000000", 1);
    assert!(output.contains("Error: there is a problem with the image ld/bootloader.bin\n"), "{output}");
    let absolute = bench.folder().join("build/bootloader.bin");
    assert!(write(&format!("../{} 0x80000000", absolute.display()), 0).contains("Done"));
    let error = "Error in parameters: check the help using -h option\n";
    assert_eq!(write("../build/bootloader.bin  0x80000000", 1), error);
    assert_eq!(write("../build/bootloader.bin", 1), error);
    std::fs::write(bench.folder().join("build/odd.bin"), [7; 4097]).unwrap();
    assert!(write("../build/odd.bin 0x80000000", 1).starts_with("File size = 4097\n!!!WARNING: the SIZE of"));
    let padded = bench.output(&["app-write-mram", "-p", "-i", "../build/odd.bin 0x80000000"], &[], 0);
    assert!(padded.contains("padded with 15 bytes"), "{padded}");
    let apart = bench.call(&["app-write-mram", "-i", "../build/odd.bin", "0x80000000"], &[]);
    assert!(apart.exit_code == 2 && apart.stderr.contains("unrecognized arguments: 0x80000000"), "{apart:?}");
}

#[test]
fn the_working_folder_and_its_files_decide() {
    let bench = AlifBench::switched_on(&[]);
    let mut elsewhere = Console::scripted(bench.bench.folder(), &[]);
    let end = play(&bench.bench.files(), "app-write-mram", &[], &mut elsewhere).unwrap();
    assert_eq!(end, MockEnd::Exit(1));
    assert!(elsewhere.stderr.ends_with(b"ModuleNotFoundError: No module named 'serialport'\n"));
    std::fs::remove_file(bench.folder().join("isp_config_data.cfg")).unwrap();
    let asked = bench.output(&["maintenance", "-opt", "sesbanner"], &[], 0);
    assert!(asked.ends_with("Enter port name: Operation cancelled by the user!\n"), "{asked}");
    let asked = bench.output(&["maintenance", "-opt", "sesbanner"], &[Line("")], 0);
    assert!(asked.contains("SES B4"), "{asked}");
    assert!(bench.banner().contains("SES B4"), "the answer was kept");
    std::fs::write(bench.folder().join("utils/global-cfg.db"), "{").unwrap();
    assert_eq!(bench.output(&["maintenance"], &[], 1), "ERROR in JSON file.\n");
    let fresh = Bench::set_up(BenchFolder::temporary().unwrap(), &ae3(), &[]).unwrap();
    let mut console = Console::scripted(&fresh.files().folder().join("alif"), &[]);
    assert_eq!(play(&fresh.files(), "maintenance", &[], &mut console).unwrap(), MockEnd::Exit(1), "another part");
}

#[test]
fn menus_go_on_after_wrong_numbers_and_end_with_the_input() {
    let bench = AlifBench::switched_on(&[]);
    let output = bench.output(&["maintenance"], &[Line("9")], 0);
    assert!(output.contains("[ERROR] Invalid option - Please try again\n\nAvailable options:"), "{output}");
    assert!(output.ends_with("Select an option (Enter to exit): [Ctrl-C EOF]\n"), "{output}");
    let printed = bench.call(&["maintenance", "-opt", "getbanner"], &[]);
    assert!(printed.exit_code == 1 && printed.stdout.ends_with("[ERROR] Command getbanner not recognized\n"));
    assert_eq!(bench.output(&["maintenance", "-V"], &[], 0), "0.17.000\n");
}

#[test]
fn erasing_all_applications_kills_the_board() {
    let bench = AlifBench::switched_on(&[]);
    bench.output(&["app-write-mram", "-e", "APP"], &[], 0);
    bench.hands(CYCLE);
    assert!(bench.banner().contains("did not respond"));
}

#[test]
fn a_slow_chip_takes_longer() {
    let span = |names: &[&str]| {
        let bench = AlifBench::switched_on(names);
        let now_ms = || BenchState::look(&bench.bench.files()).unwrap().now_ms;
        let began_ms = now_ms();
        bench.output(WRITE, &[], 0);
        now_ms() - began_ms
    };
    assert!(span(&["slow"]) > span(&[]) + 5_000);
}

#[test]
fn the_bench_has_packages_that_tell_their_version() {
    let bench = AlifBench::new(&["tools-1.110"]);
    let package = std::fs::read(bench.folder().join("alif/SP-AE302F80F55D5AE-rev-b4.bin")).unwrap();
    assert_eq!(package.len(), 270_368);
    assert_eq!(&package[..8], b"ALIFTOC1");
    assert_eq!(&package[0x10..0x1f], b"AE302F80F55D5AE");
    assert_eq!(package[0x40..0x44], [0, 0, 0x6e, 0x01]);
}
