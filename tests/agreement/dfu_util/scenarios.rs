//! The scenarios, by what happens in them.

use super::on_both::{Scenario, own_bootloader, rom, second_rom};
use crate::usb_simulation::device::Fault;

const WRITE: &str = "-d ,0483:df11 -a 0 -s 0x08000000 -D ${image}";
const WRITE_AND_LEAVE: &str = "-d ,0483:df11 -a 0 -s 0x08000000:leave -D ${image}";
const WRITE_AND_RESET: &str = "-d ,0483:df11 -a 0 -s 0x08000000 -R -D ${image}";
const READ: &str = "-d ,0483:df11 -a 0 -s 0x08000000:20000 -U ${copy}";
const WRITE_OWN: &str = "-d ,37c5:9204 -a 2 -D ${image}";
const COMPARE: &str = "check: sha256(copy) == sha256(image), message: It reads back differently.";

/// The first block beyond two fifths of the image.
const BLOCK_LOST: u32 = 3;
/// The first one beyond its half.
const BLOCK_WRONG: u32 = 4;
const LAST_BLOCK: u32 = 9;

#[test]
fn tells_its_version_and_its_options() {
    Scenario::new("version", "", &[]).call("-V").comes_to("succeeded");
    Scenario::new("help", "", &[]).call("-h").comes_to("succeeded");
}

#[test]
fn lists_nothing() {
    Scenario::new("lists nothing", "absent", &[]).call("-l").comes_to("no-device");
}

#[test]
fn lists_a_rom() {
    Scenario::new("lists a ROM", "in-rom", &[rom(&[])]).call("-l").comes_to("succeeded");
}

#[test]
fn lists_two_roms() {
    Scenario::new("lists two ROMs", "in-rom,two-boards", &[rom(&[]), second_rom()]).call("-l").comes_to("succeeded");
}

#[test]
fn lists_the_boards_own_bootloader() {
    let own = own_bootloader(&[]);
    Scenario::new("lists the own bootloader", "interrupted-update", &[own])
        .step("wait: {present: bootloader}, timeout: 5s")
        .call("-l")
        .comes_to("succeeded");
}

#[test]
fn lists_what_it_may_not_open() {
    Scenario::new("lists without permission", "in-rom,no-permission", &[rom(&[])])
        .without_permission()
        .call("-l")
        .comes_to("no-permission");
}

#[test]
fn writes() {
    Scenario::new("writes", "in-rom", &[rom(&[])]).for_device("rom").call(WRITE).comes_to("succeeded");
}

#[test]
fn writes_when_told_to_wait() {
    let write = format!("-w {WRITE}");
    Scenario::new("writes with -w", "in-rom", &[rom(&[])]).for_device("rom").call(&write).comes_to("succeeded");
}

#[test]
fn writes_and_reads_back() {
    Scenario::new("writes and reads back", "in-rom", &[rom(&[])])
        .for_device("rom")
        .call(WRITE)
        .call(READ)
        .step(COMPARE)
        .comes_to("succeeded");
}

#[test]
fn reads_back_what_is_not_what_was_written() {
    Scenario::new("reads back a wrong cell", "in-rom,flash-bad", &[rom(&[Fault::WrongCellInBlock(LAST_BLOCK)])])
        .for_device("rom")
        .call(WRITE)
        .call(READ)
        .step(COMPARE)
        .comes_to("succeeded");
}

#[test]
fn writes_and_leaves() {
    Scenario::new("writes and leaves", "in-rom", &[rom(&[])])
        .for_device("rom")
        .call(WRITE_AND_LEAVE)
        .comes_to("succeeded");
}

#[test]
fn leaves_before_it_has_answered() {
    Scenario::new("leave, status lost", "in-rom,leave-status-lost", &[rom(&[Fault::LeaveStatusLost])])
        .for_device("rom")
        .call(WRITE_AND_LEAVE)
        .comes_to("succeeded with a warning");
}

#[test]
fn writes_and_resets() {
    Scenario::new("writes and resets", "in-rom", &[rom(&[])]).call(WRITE_AND_RESET).comes_to("succeeded");
}

#[test]
fn is_gone_at_the_reset() {
    Scenario::new("gone at the reset", "in-rom,gone-at-reset", &[rom(&[Fault::GoneAtReset])])
        .call(WRITE_AND_RESET)
        .comes_to("succeeded");
}

#[test]
fn refuses_the_closing_abort() {
    Scenario::new("abort refused", "in-rom,abort-refused", &[rom(&[Fault::AbortRefused])])
        .for_device("rom")
        .call(WRITE)
        .comes_to("succeeded with a warning");
}

#[test]
fn goes_on_where_another_run_was_ended() {
    Scenario::new("left half-way", "interrupted-before", &[rom(&[Fault::LeftHalfWay])])
        .for_device("rom")
        .call(WRITE)
        .comes_to("succeeded");
}

#[test]
fn finds_no_device() {
    Scenario::new("no device", "absent", &[]).call(WRITE).comes_to("no-device");
}

#[test]
fn finds_two_devices() {
    let both = [rom(&[]), second_rom()];
    Scenario::new("two devices", "in-rom,two-boards", &both).call(WRITE).comes_to("ambiguous-device");
    let chosen = format!("{WRITE} -S 356A38733432");
    Scenario::new("one of two devices", "in-rom,two-boards", &both).call(&chosen).comes_to("succeeded");
}

#[test]
fn may_not_open_the_device() {
    Scenario::new("no permission", "in-rom,no-permission", &[rom(&[])])
        .without_permission()
        .call(WRITE)
        .comes_to("no-permission");
}

#[test]
fn cannot_read_the_descriptions() {
    Scenario::new("still enumerating", "in-rom,still-enumerating", &[rom(&[Fault::StringsUnreadable])])
        .call(WRITE)
        .comes_to("no-answer");
}

#[test]
fn cannot_set_the_alternate_setting() {
    Scenario::new("alt setting refused", "in-rom,set-alt-fails", &[rom(&[Fault::AlternateRefused])])
        .call(WRITE)
        .comes_to("no-answer");
}

#[test]
fn is_refused_by_a_protected_chip() {
    Scenario::new("protected", "in-rom,protected", &[rom(&[Fault::ReadProtected])])
        .for_device("rom")
        .call(WRITE)
        .comes_to("protected");
}

#[test]
fn may_not_read_a_protected_chip() {
    Scenario::new("protected, read", "in-rom,protected", &[rom(&[Fault::ReadProtected])])
        .for_device("rom")
        .call(READ)
        .comes_to("refused");
}

#[test]
fn is_told_of_an_error_at_once() {
    Scenario::new("erase error", "in-rom,erase-error", &[rom(&[Fault::EraseError])])
        .for_device("rom")
        .call(WRITE)
        .comes_to("protected");
}

#[test]
fn is_stalled_when_it_erases() {
    Scenario::new("erase stalls", "in-rom,erase-refused", &[rom(&[Fault::EraseStalls])])
        .for_device("rom")
        .call(WRITE)
        .comes_to("refused");
}

#[test]
fn waits_for_ever_for_a_busy_device() {
    Scenario::new("busy for ever", "in-rom,stalled", &[rom(&[Fault::BusyForEver])])
        .for_device("rom")
        .within("2s")
        .call(WRITE)
        .comes_to("timed-out");
}

#[test]
fn loses_the_device_while_it_writes() {
    Scenario::new("lost in write", "in-rom,lost-in-write", &[rom(&[Fault::VanishAtBlock(BLOCK_LOST)])])
        .for_device("rom")
        .call(WRITE)
        .comes_to("device-lost");
    let lost = rom(&[Fault::StatusLostAtBlock(BLOCK_LOST)]);
    Scenario::new("status lost in write", "in-rom,status-lost-in-write", &[lost])
        .for_device("rom")
        .call(WRITE)
        .comes_to("device-lost");
}

#[test]
fn is_told_of_an_error_while_it_writes() {
    Scenario::new("write error", "in-rom,write-error", &[rom(&[Fault::WriteErrorAtBlock(BLOCK_WRONG)])])
        .for_device("rom")
        .call(WRITE)
        .comes_to("refused");
}

#[test]
fn does_not_write_beyond_the_flash() {
    Scenario::new("address outside", "in-rom", &[rom(&[])])
        .call("-d ,0483:df11 -a 0 -s 0x0801e000 -D ${image}")
        .comes_to("bad-usage");
}

#[test]
fn writes_a_partition() {
    Scenario::new("writes a partition", "interrupted-update", &[own_bootloader(&[])])
        .step("wait: {present: bootloader}, timeout: 5s")
        .call(WRITE_OWN)
        .comes_to("succeeded");
    Scenario::new("writes a partition and resets", "interrupted-update", &[own_bootloader(&[])])
        .step("wait: {present: bootloader}, timeout: 5s")
        .call(&format!("-w {WRITE_OWN} -R"))
        .comes_to("succeeded");
}

#[test]
fn does_not_write_a_partition_that_is_read_only() {
    Scenario::new("read-only partition", "interrupted-update", &[own_bootloader(&[Fault::ReadOnlyAlternate(0)])])
        .step("wait: {present: bootloader}, timeout: 5s")
        .call("-d ,37c5:9204 -a 0 -D ${image}")
        .comes_to("refused");
}

#[test]
fn restarts_before_it_confirms() {
    let own = own_bootloader(&[Fault::RestartsInManifest]);
    Scenario::new("restarts in manifest", "interrupted-update,reboot-in-manifest", &[own])
        .step("wait: {present: bootloader}, timeout: 5s")
        .call(WRITE_OWN)
        .comes_to("succeeded with a warning");
}

#[test]
fn chooses_by_what_the_board_says_of_itself() {
    let chooses = |name, args: &str, verdict| {
        let write = "-d ,0483:df11 -s 0x08000000 -D ${image}";
        Scenario::new(name, "in-rom", &[rom(&[])]).call(&format!("{args} {write}")).comes_to(verdict);
    };
    chooses("the port", "-a 0 -p {bus}-1", "succeeded");
    chooses("another port", "-a 0 -p {bus}-3", "no-device");
    chooses("another serial number", "-a 0 -S 3058346F3132", "no-device");
    chooses("the address", "-a 0 -n 5", "succeeded");
    chooses("no such alt setting", "-a 7", "no-device");
    chooses("the option bytes", "-a 1", "bad-usage");
}

#[test]
fn sends_blocks_of_the_size_it_is_told() {
    let sends = |name, bytes: &str| {
        let write = format!("-t {bytes} {WRITE}");
        Scenario::new(name, "in-rom", &[rom(&[])]).call(&write).comes_to("succeeded");
    };
    sends("blocks of 512 bytes", "512");
    sends("blocks of 8192 bytes", "8192");
}

#[test]
fn heeds_the_suffix_of_a_file() {
    let writes = |name, file: &str, verdict| {
        let write = WRITE.replace("image", file);
        Scenario::new(name, "in-rom", &[rom(&[])]).call(&write).comes_to(verdict);
    };
    writes("a suffix for any device", "suffixed", "succeeded");
    writes("a suffix for another device", "foreign", "bad-file");
    writes("a damaged suffix", "bad_crc", "bad-file");
    writes("a file that is too short for one", "short", "succeeded");
}

#[test]
fn reads_as_much_as_there_is() {
    let reads = |name, address: &str, verdict| {
        let read = format!("-d ,0483:df11 -a 0 -s {address} -U ${{copy}}");
        Scenario::new(name, "in-rom", &[rom(&[])]).call(&read).comes_to(verdict);
    };
    reads("reads to the end of the segment", "0x08000000", "succeeded");
    reads("reads and leaves", "0x08000000:4096:leave", "succeeded");
    reads("reads no whole block", "0x08000010:100", "succeeded");
    reads("reads outside", "0x09000000:4096", "bad-usage");
}

#[test]
fn reads_a_partition() {
    Scenario::new("reads a partition", "interrupted-update", &[own_bootloader(&[])])
        .step("wait: {present: bootloader}, timeout: 5s")
        .call(WRITE_OWN)
        .call("-d ,37c5:9204 -a 2 -U ${copy}")
        .step(COMPARE)
        .comes_to("succeeded");
}

#[test]
fn reads_a_partition_that_is_empty() {
    Scenario::new("reads an empty partition", "interrupted-update", &[own_bootloader(&[])])
        .step("wait: {present: bootloader}, timeout: 5s")
        .call("-d ,37c5:9204 -a 4 -U ${copy}")
        .comes_to("unknown");
}

#[test]
fn gives_no_address_to_the_boards_own_bootloader() {
    Scenario::new("an address for the own bootloader", "interrupted-update", &[own_bootloader(&[])])
        .step("wait: {present: bootloader}, timeout: 5s")
        .call("-d ,*:9204 -a 2 -s 0x08000000 -D ${image}")
        .comes_to("bad-usage");
}
