//! dfu-util by itself: the simulated devices answer as its recorded runs say.

use std::process::Command;
use std::time::Duration;

use crate::finished::{run, start};
use crate::usb_simulation::device::{Device, FLASH_H7, Fault};
use crate::usb_simulation::{Permission, UsbSimulation};
use crate::{Folder, bootloader_image, requirements};

const EVENT_LIMIT: Duration = Duration::from_secs(20);
const WRITE: [&str; 8] = ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "bootloader.bin"];

pub(crate) fn rom() -> Device {
    Device::st_rom("356A38733432", FLASH_H7, 1024)
}

fn dfu_util(bus: &UsbSimulation, folder: &Folder, args: &[&str]) -> Command {
    let mut command = bus.command("dfu-util");
    command.args(args).current_dir(folder.path());
    command
}

#[test]
fn lists_what_is_attached() {
    if !requirements::met("lists_what_is_attached") {
        return;
    }
    let (bus, folder) = (UsbSimulation::new(), Folder::new());
    let listed = run(&mut dfu_util(&bus, &folder, &["-l"])).expect_code(0);
    assert!(!listed.out.contains("Found"), "{}", listed.out);

    bus.attach(&rom(), "99-1");
    let own = ["BOOTLOADER", "FILESYSTEM", "FIRMWARE", "SPI_FLASH", "ROMFS0"];
    bus.attach(&Device::plain_dfu((0x37c5, 0x9204), "3330373338355117003B0033", &own), "99-2");
    let listed = run(&mut dfu_util(&bus, &folder, &["-l"])).expect_code(0);
    assert_eq!(listed.out.matches("Found DFU: [0483:df11] ver=2200").count(), 4, "{}", listed.out);
    let line = "path=\"99-1\", alt=0, name=\"@Internal Flash  /0x08000000/16*128Kg\", serial=\"356A38733432\"";
    assert!(listed.out.contains(line), "{}", listed.out);
    assert_eq!(listed.out.matches("Found DFU: [37c5:9204] ver=0102").count(), 5, "{}", listed.out);
    assert_eq!(listed.err, "");
}

#[test]
fn writes_and_reads_back_an_image() {
    if !requirements::met("writes_and_reads_back_an_image") {
        return;
    }
    for transfer_bytes in [1024, 2048] {
        let (bus, folder) = (UsbSimulation::new(), Folder::with_image());
        let rom = Device::st_rom("356A38733432", FLASH_H7, transfer_bytes);
        bus.attach(&rom, "99-1");
        let written = run(&mut dfu_util(&bus, &folder, &WRITE)).expect_code(0);
        assert!(written.out.ends_with("Download done.\nFile downloaded successfully\n"), "{}", written.out);
        assert_eq!(rom.flash(128 * 1024), bootloader_image());
        assert_eq!(rom.counts().erased_pages, 1);

        let read = ["-a", "0", "-s", "0x08000000:131072", "-U", "read.bin"];
        let read = run(&mut dfu_util(&bus, &folder, &read)).expect_code(0);
        assert!(read.out.ends_with("Upload done.\n"), "{}", read.out);
        assert_eq!(std::fs::read(folder.path().join("read.bin")).unwrap(), bootloader_image());
        assert!(rom.counts().uploads_finished >= 1);
    }
}

#[test]
fn writes_a_partition_of_the_own_bootloader() {
    if !requirements::met("writes_a_partition_of_the_own_bootloader") {
        return;
    }
    let (bus, folder) = (UsbSimulation::new(), Folder::new());
    let own = Device::plain_dfu((0x37c5, 0x9204), "3330373338355117003B0033", &["BOOTLOADER", "FIRMWARE"]);
    bus.attach(&own, "99-1");
    std::fs::write(folder.path().join("firmware.bin"), [7; 20_000]).unwrap();
    let args = ["-w", "-d", ",37c5:9204", "-a", "1", "-D", "firmware.bin", "-R"];
    let written = run(&mut dfu_util(&bus, &folder, &args)).expect_code(0);
    assert!(written.out.contains("\nDone!\nResetting USB to switch back to Run-Time mode\n"), "{}", written.out);
    assert_eq!(own.flash(20_001)[..], [&[7; 20_000][..], &[0xa5]].concat());
}

#[test]
fn waits_for_a_device_that_comes_later() {
    if !requirements::met("waits_for_a_device_that_comes_later") {
        return;
    }
    let (bus, folder, rom) = (UsbSimulation::new(), Folder::with_image(), rom());
    let waiting = start(&mut dfu_util(&bus, &folder, &[&["-w"], &WRITE[..]].concat()));
    // libusb listens on a socket from the moment it is ready.
    assert!(bus.wait_for_listener(EVENT_LIMIT));
    bus.attach(&rom, "99-1");
    waiting.finish().expect_code(0);
    assert_eq!(rom.flash(128 * 1024), bootloader_image());
}

/// So that a call that waits for a chosen camera is safe beside another one of its kind.
#[test]
fn waits_for_the_port_that_it_is_told() {
    if !requirements::met("waits_for_the_port_that_it_is_told") {
        return;
    }
    let (bus, folder) = (UsbSimulation::new(), Folder::new());
    let own = |serial: &str| Device::plain_dfu((0x37c5, 0x9204), serial, &["BOOTLOADER", "FIRMWARE"]);
    let (other, meant) = (own("1111"), own("2222"));
    bus.attach(&other, "99-1");
    std::fs::write(folder.path().join("firmware.bin"), [7; 20_000]).unwrap();
    let args = ["-w", "-p", "99-2", "-d", ",37c5:9204", "-a", "1", "-D", "firmware.bin"];
    let waiting = start(&mut dfu_util(&bus, &folder, &args));
    assert!(bus.wait_for_listener(EVENT_LIMIT));
    bus.attach(&meant, "99-2");
    waiting.finish().expect_code(0);
    assert_eq!(meant.flash(20_000), [7; 20_000]);
    assert_ne!(other.flash(20_000), [7; 20_000]);
}

#[test]
fn a_device_that_vanishes_leaves_a_partial_image() {
    if !requirements::met("a_device_that_vanishes_leaves_a_partial_image") {
        return;
    }
    let (bus, folder) = (UsbSimulation::new(), Folder::with_image());
    let rom = rom().with_fault(Fault::VanishAtBlock(60));
    bus.attach(&rom, "99-1");
    let lost = run(&mut dfu_util(&bus, &folder, &WRITE)).expect_code(74);
    assert!(lost.err.contains("returned -4 (LIBUSB_ERROR_NO_DEVICE)"), "{}", lost.err);
    assert_eq!(rom.flash(128 * 1024)[..60 * 1024], bootloader_image()[..60 * 1024]);
    assert_eq!(rom.flash(128 * 1024)[60 * 1024], 0xff);
    assert!(bus.wait_for_departure("99-1", EVENT_LIMIT));
    let gone = run(&mut dfu_util(&bus, &folder, &WRITE)).expect_code(74);
    assert!(gone.err.contains("No DFU capable USB device available"), "{}", gone.err);

    bus.attach(&rom, "99-1");
    run(&mut dfu_util(&bus, &folder, &WRITE)).expect_code(0);
    assert_eq!(rom.flash(128 * 1024), bootloader_image());
}

#[test]
fn a_stalled_device_makes_it_wait_for_ever() {
    if !requirements::met("a_stalled_device_makes_it_wait_for_ever") {
        return;
    }
    let (bus, folder) = (UsbSimulation::new(), Folder::with_image());
    let rom = rom().with_fault(Fault::BusyForEver);
    bus.attach(&rom, "99-1");
    let stalled = start(&mut dfu_util(&bus, &folder, &WRITE));
    assert!(rom.wait_until(EVENT_LIMIT, |counts| counts.busy_answers >= 5));
    let killed = stalled.kill();
    assert!(killed.out.ends_with("]   0%            0 bytes"), "{}", killed.out);
}

#[test]
fn two_boards_are_refused_unless_one_is_chosen() {
    if !requirements::met("two_boards_are_refused_unless_one_is_chosen") {
        return;
    }
    let (bus, folder) = (UsbSimulation::new(), Folder::with_image());
    let (first, second) = (rom(), Device::st_rom("3058346F3132", FLASH_H7, 1024));
    bus.attach(&first, "99-1");
    bus.attach(&second, "99-2");
    let refused = run(&mut dfu_util(&bus, &folder, &WRITE)).expect_code(74);
    assert!(refused.err.contains("More than one DFU capable USB device found!"), "{}", refused.err);
    run(&mut dfu_util(&bus, &folder, &[&["-p", "99-2"], &WRITE[..]].concat())).expect_code(0);
    assert_eq!(second.flash(128 * 1024), bootloader_image());
    assert_eq!(first.counts().written_blocks, 0);
}

#[test]
fn nothing_attached_and_nothing_permitted_look_alike_but_for_one_line() {
    if !requirements::met("nothing_attached_and_nothing_permitted_look_alike_but_for_one_line") {
        return;
    }
    let (bus, folder) = (UsbSimulation::new(), Folder::with_image());
    let none = run(&mut dfu_util(&bus, &folder, &WRITE)).expect_code(74);
    bus.attach_with(&rom(), "99-1", Permission::Denied);
    let mut command = dfu_util(&bus, &folder, &WRITE);
    bus.as_another_user(&mut command);
    let denied = run(&mut command).expect_code(74);
    let line = "dfu-util: Cannot open DFU device 0483:df11 found on devnum 5 (LIBUSB_ERROR_ACCESS)\n";
    assert_eq!(denied.err.replace(line, ""), none.err);
    assert_ne!(denied.err, none.err);
}
