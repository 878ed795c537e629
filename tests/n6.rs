//! The N6 from end to end: the program, its shipped playbook and catalog, the mock tool and a virtual board.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{House, Ran, fitting, sha256};

const LAYOUT: &str = "FlashLayout.tsv";
const LOADER: &str = "OpenBootloader_STM32N6570-DK-trusted.stm32";
const FLASH_DRIVER: &str = "MX66UW1G45G_STM32N6570-DK-OBL.bin";
const BOOTLOADER: &str = "bootloader.bin";
const WRITE: &str = "STM32_Programmer_CLI -c port=USB1 -d FlashLayout.tsv";
/// Where flash shows in the chip's memory.
const FLASH: &str = "0x70000000";

fn signed(size: u32) -> Vec<u8> {
    fitting("n6", BOOTLOADER, size)
}

/// The images that OpenMV ships, without the layout, in `images/`.
fn house() -> House {
    let house = House::new();
    house.write(&format!("images/{LOADER}"), signed(4_000));
    house.write(&format!("images/{FLASH_DRIVER}"), [7; 780]);
    house.write(&format!("images/{BOOTLOADER}"), signed(9_001));
    house
}

/// The layout that OpenMV ships, with this file in its last column.
fn layout(bootloader: &str) -> String {
    format!(
        "#Opt\tId\tName\tType\tIP\tOffset\tBinary\nP\t0x1\tfsbl-openbl\tBinary\tnone\t0x0\t{LOADER}\n\
         P\t0x3\tfsbl-extfl\tBinary\tnone\t0x0\t{FLASH_DRIVER}\nP\t0x4\tfsbl-app\tBinary\tnor0\t0x0000000\t{bootloader}"
    )
}

fn simulate(house: &House, names: &str, more: &[&str]) -> Ran {
    let (simulate, bench) = (format!("--simulate={names}"), house.path("bench"));
    let mut args = vec!["--playbook", "n6.yaml", &simulate, "--bench", bench.to_str().unwrap(), "--non-interactive"];
    args.extend(more);
    house.run(&args)
}

fn rescue(names: &str, more: &[&str]) -> (House, Ran) {
    let house = house();
    let ran = simulate(&house, names, &[&["--files", "images"], more].concat());
    (house, ran)
}

/// The bootloader, and nothing else, lies at the beginning of flash.
#[track_caller]
fn assert_holds(house: &House, image: &[u8]) {
    assert_eq!(house.board().regions(), [(FLASH.to_owned(), sha256(image))]);
}

#[track_caller]
fn assert_holds_nothing(house: &House) {
    assert_eq!(house.board().regions(), []);
}

#[test]
fn writes_the_bootloader_with_the_documented_command() {
    let (house, ran) = rescue("", &[]);
    ran.exits(0).says("SIMULATION PASSED").says("BOOT pin and the VCC").says("BOOT1 switch is off");
    assert_eq!(house.commands(), [WRITE]);
    assert_holds(&house, &signed(9_001));
    assert_eq!(house.left_over(), [""; 0]);
}

#[test]
fn makes_up_the_images_but_not_the_layout() {
    let house = House::new();
    let ran = simulate(&house, "", &["--message-format", "json"]).exits(0);
    let events = ran.events();
    let made =
        events.iter().filter(|event| event["event"] == "input_ready").map(|event| event["file"].as_str().unwrap());
    assert_eq!(made.collect::<Vec<_>>(), [LOADER, FLASH_DRIVER, BOOTLOADER]);
    assert_eq!(house.board().regions().len(), 1);
}

#[test]
fn writes_the_layout_that_openmv_ships_byte_for_byte() {
    let house = house();
    let args = ["--playbook", "n6.yaml", "--files", "images", "--dry-run", "--message-format", "json"];
    let ran = house.run(&args).exits(0);
    let steps = ran.events();
    let step = steps.iter().find(|step| step["id"] == "write-layout").unwrap();
    let text = step["lines"][0]["write"]["text"].as_str().unwrap();
    assert_eq!(text, layout(BOOTLOADER));
    assert_eq!(sha256(text.as_bytes()), "2be00ca1d0818b5aefed4d0dab1be63e951b6a1bcc3a6a50168966d5dfb87311");
}

#[test]
fn a_bootloader_that_starts_the_firmware_at_once_is_recovered_too() {
    let (house, ran) = rescue("firmware-alive", &[]);
    ran.exits(0);
    assert_holds(&house, &signed(9_001));
}

#[test]
fn a_layout_of_ones_own_may_name_other_files() {
    let house = house();
    house.write("mine/FlashLayout.tsv", layout("my-bootloader.bin"));
    house.write(&format!("mine/{LOADER}"), signed(4_000));
    house.write(&format!("mine/{FLASH_DRIVER}"), [0x91; 780]);
    house.write("mine/my-bootloader.bin", signed(5_000));
    simulate(&house, "", &["--files", "mine"]).exits(0).says("my-bootloader.bin · 5,000 bytes").says("not needed here");
    assert_holds(&house, &signed(5_000));

    // Named one by one, it brings its files from where it lies.
    let ran = simulate(&house, "", &["--files", "images", "--set", "layout=mine/FlashLayout.tsv"]);
    ran.exits(0).says("mine/my-bootloader.bin");
    assert_holds(&house, &signed(5_000));
}

#[test]
fn a_file_that_the_layout_names_must_lie_beside_it() {
    let house = house();
    house.write(&format!("images/{LAYOUT}"), layout("other.bin"));
    let run = |house: &House| simulate(house, "", &["--files", "images"]).exits(2);
    run(&house)
        .says("`FlashLayout.tsv`, line 4: `other.bin` is not in images")
        .says("put `other.bin` beside `FlashLayout.tsv`, or correct its name there")
        .says("tools were asked for their version only");
    assert_eq!(house.commands(), [""; 0]);

    house.write("images/other.bin", "");
    run(&house).says("line 4: `other.bin` is empty");
    house.write("images/other.bin", "<html>".repeat(100));
    run(&house).says("line 4: `other.bin` is a web page or other text").says("download the file itself");
    house.write("images/other.bin", [0xff; 5_000]);
    run(&house).says("line 4: `other.bin` is blank");
    for name in ["../images/bootloader.bin", "/etc/hostname", "..", "a\\b.bin", "C:b.bin", LAYOUT, ""] {
        house.write(&format!("images/{LAYOUT}"), layout(name));
        run(&house).says(&format!("line 4: `{name}` is not the plain name of a file beside the table"));
    }
    // It is there, and a tool that works in the folder of the run's files would take it for its own.
    house.write("images/version.dll", "code");
    house.write(&format!("images/{LAYOUT}"), layout("version.dll"));
    run(&house).says("line 4: a tool could load `version.dll` as a part of itself and run it");
    house.write(&format!("images/{LAYOUT}"), layout(BOOTLOADER).replace('\t', " "));
    run(&house).says("line 2: 1 of at least 7 columns; they must be set apart by tabs");
    house.write(&format!("images/{LAYOUT}"), format!("\u{feff}{}", layout(BOOTLOADER)));
    run(&house).says("byte order mark");
    house.write(&format!("images/{LAYOUT}"), b"\xff\xfe".as_slice());
    run(&house).says("`FlashLayout.tsv` is not a text");
    assert_eq!(house.commands(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_file_that_the_layout_names_must_not_lead_elsewhere() {
    let house = house();
    house.write(&format!("images/{LAYOUT}"), layout("other.bin"));
    let secret = house.write("secret.bin", "secret");
    std::os::unix::fs::symlink(secret, house.path("work/images/other.bin")).unwrap();
    simulate(&house, "", &["--files", "images"]).exits(2).says("leads out of images");
}

#[test]
fn images_are_needed_where_there_is_no_layout() {
    let house = house();
    std::fs::remove_file(house.path("work/images").join(FLASH_DRIVER)).unwrap();
    let args = ["--playbook", "n6.yaml", "--files", "images"];
    house.run(&args).exits(2).says(FLASH_DRIVER).says("is not in images");
    house.write(&format!("images/{FLASH_DRIVER}"), [7; 780]);
    house.write(&format!("images/{BOOTLOADER}"), [1; 100]);
    house.run(&args).exits(2).says("`bootloader.bin` is not of the expected kind");
}

#[test]
fn no_device() {
    let (house, ran) = rescue("absent", &[]);
    ran.exits(5).says("0483:df11 STM32 ROM (DFU) is not there yet").says("changed nothing");
    assert_eq!(house.commands(), [""; 0]);
}

#[test]
fn no_permission() {
    let (house, ran) = rescue("no-permission", &[]);
    ran.exits(5).says("no permission to use it").says("no-permission");
    assert_eq!(house.commands(), [""; 0]);
}

#[test]
fn an_old_tool_is_refused_before_anybody_moves_a_wire() {
    let (house, ran) = rescue("old-version", &[]);
    ran.exits(4).says("it is version 2.16.0, and at least 2.18 is needed").never_says("Connect a wire");
    assert_eq!(house.commands(), [""; 0]);
}

#[test]
fn of_two_boards_one_is_chosen_by_its_serial_number() {
    let (house, ran) = rescue("two-boards", &[]);
    ran.exits(5).says("2 devices show as 0483:df11");
    assert_eq!(house.commands(), [""; 0]);
    for choice in [["--port", "1-2"], ["--serial", "001D00343033510F37363934"]] {
        let (house, ran) = rescue("two-boards", &choice);
        ran.exits(0);
        let chosen = WRITE.replace("port=USB1", "port=USB1 sn=001D00343033510F37363934");
        assert_eq!(house.commands(), [chosen]);
        assert_holds(&house, &signed(9_001));
    }
}

#[test]
fn the_procedure_begins_again_with_the_camera_unplugged() {
    for (names, exit_code, says) in [
        ("reconnect-times-out", 1, "did not come back on USB in time"),
        ("start-failed", 1, "did not start the loader"),
        ("write-refused", 1, "writing its flash memory failed"),
        ("lost-in-write", 1, "writing its flash memory failed"),
        ("second-stage", 1, "already runs its loader from an earlier try"),
    ] {
        // The loader of an earlier try is there from the beginning, so the person has to say which board is meant.
        let (house, ran) = rescue(names, &["--port", "1-2"]);
        ran.exits(0).says(says).says("SIMULATION PASSED");
        let codes: Vec<_> = house.calls().iter().map(|call| call.exit_code).collect();
        assert_eq!(codes, [Some(exit_code), Some(0)], "{names}");
        assert_holds(&house, &signed(9_001));
    }
}

#[test]
fn a_board_that_never_comes_back_is_given_up() {
    let (house, ran) = rescue("never-reconnects", &[]);
    ran.exits(1).says("(device-lost)").says("unable to reconnect the target device: time out expired");
    assert_eq!(house.commands(), [WRITE; 3]);
    assert_holds_nothing(&house);
}

#[test]
fn an_error_outweighs_success_line_and_exit_code() {
    // On Linux the error stands behind a bar in colours, on Windows it is glued to blocks of a code page.
    for names in ["error-exit-0", "error-exit-0,windows"] {
        let (house, ran) = rescue(names, &[]);
        ran.exits(1).says("(refused)").says("Flashing service completed successfully").says("leave the wire connected");
        assert!(house.calls().iter().all(|call| call.exit_code == Some(0)));
        assert_holds_nothing(&house);
    }
}

#[test]
fn a_success_line_with_exit_code_one_is_a_success_with_a_warning() {
    let (house, ran) = rescue("success-exit-1", &[]);
    ran.exits(0).says("The work is done, although the tool ended with exit code 1");
    assert_eq!(house.calls()[0].exit_code, Some(1));
    assert_holds(&house, &signed(9_001));
}

#[test]
fn exit_code_zero_without_the_success_line_is_no_success() {
    let (house, ran) = rescue("nothing-done", &[]);
    ran.exits(1).says("The tool ended without confirming");
    assert_holds_nothing(&house);
}

#[test]
fn a_locked_chip_is_never_unlocked() {
    let (house, ran) = rescue("protected", &[]);
    ran.exits(1).says("(protected)").says("erases everything on it").says("recover lifts no protection");
    assert!(house.commands().iter().all(|command| command == WRITE));
    assert_holds_nothing(&house);
}

#[test]
fn a_tool_that_hangs_is_ended() {
    let (house, ran) = rescue("tool-hangs", &[]);
    ran.exits(0).says("printed nothing for 90 s");
    assert_eq!(house.calls()[0].exit_code, None);
    assert_holds(&house, &signed(9_001));
}

#[test]
fn progress_is_read_on_every_system() {
    for names in ["", "windows"] {
        let (_, ran) = rescue(names, &["--message-format", "json"]);
        let events = ran.exits(0).events();
        let percent: Vec<_> =
            events.iter().filter(|event| event["event"] == "progress").map(|event| event["percent"].clone()).collect();
        assert_eq!(percent.len(), 6, "{names}: {percent:?}");
        assert_eq!(percent.last().unwrap(), 100.0);
    }
}
