//! The scenarios, by what happens in them.

use serde_json::json;

use super::on_both::{Board, Scenario};

const WRITE_FILE: &str = "sdphost write-file 0x20001C00 ${flashloader}";
const JUMP: &str = "sdphost jump-address 0x20001C00";
const GET_PROPERTY: &str = "blhost get-property 1";
const ERASE: &str = "blhost flash-erase-region 0x60040000 0x4000";
const WRITE: &str = "blhost write-memory 0x60040000 ${firmware}";
const READ: &str = "blhost read-memory 0x60040000 0x3039 ${copy}";
const READ_FUSE: &str = "blhost efuse-read-once 0x06";
/// With what proves it, as in every recovery: what else would be asked of the board afterwards fails.
const RESET: &str = "run: blhost, device: flashloader, args: [\"-u\", \"0x15A2,0x0073\", \"--\", \"reset\"], \
                     until: {gone: flashloader}, timeout: 60s";

const JUMP_AND_WAIT: &str = "run: sdphost, device: rom, args: [\"-u\", \"0x1FC9,0x0135\", \"--\", \"jump-address\", \
                             \"0x20001C00\"], until: {present: flashloader, gone: rom}, timeout: 60s";

/// Enough for a tool that waits half a second; and what the board then says comes too late.
const ERASE_QUICKLY: &str = "-u 0x15A2,0x0073 -t 500 -- flash-erase-region 0x60040000 0x4000";
const WRITE_QUICKLY: &str = "-u 0x15A2,0x0073 -t 500 -- write-memory 0x60040000 ${firmware}";

#[test]
fn finds_no_device() {
    Scenario::new("no ROM", Board::Absent, "absent", json!({})).and_older().call(WRITE_FILE).comes_to("no-device");
    Scenario::new("no flashloader", Board::Absent, "absent", json!({})).call(GET_PROPERTY).comes_to("no-device");
}

#[test]
fn finds_two_devices() {
    Scenario::new("two boards", Board::Roms, "two-boards", json!({})).call(WRITE_FILE).comes_to("ambiguous-device");
}

#[test]
fn may_not_open_the_device() {
    let closed = json!({"tools_may_open": false, "hidraw_permitted": false});
    Scenario::new("no permission", Board::Locked, "no-permission", closed).call(WRITE_FILE).comes_to("no-permission");
}

#[test]
fn loads_and_starts_the_flashloader() {
    Scenario::new("write-file and jump", Board::Rom, "", json!({}))
        .and_older()
        .call(WRITE_FILE)
        .call(JUMP)
        .comes_to("succeeded");
}

#[test]
fn may_not_load_into_a_closed_chip() {
    Scenario::new("HAB closed", Board::Rom, "hab-closed", json!({"hab_closed": true}))
        .call(WRITE_FILE)
        .comes_to("protected");
}

#[test]
fn is_refused_by_the_rom() {
    let fault = json!({"command": "write-file", "kind": "odd-status", "code": 0x1234_5678});
    Scenario::with_fault("odd status", Board::Rom, "flashloader-refused", fault).call(WRITE_FILE).comes_to("refused");
}

#[test]
fn loses_the_rom() {
    let fault = json!({"command": "write-file", "kind": "vanish-in-data", "bytes": 3000});
    Scenario::with_fault("lost in write-file", Board::Rom, "lost-in-flashloader", fault)
        .call(WRITE_FILE)
        .comes_to("device-lost");
}

/// The ROM has left, so it is taken for lost, but the flashloader that comes shows that the jump was made.
#[test]
fn gets_no_answer_to_the_jump() {
    let fault = json!({"command": "jump-address", "kind": "no-answer"});
    Scenario::with_fault("jump without answer", Board::Rom, "jump-no-answer", fault)
        .call(WRITE_FILE)
        .step(JUMP_AND_WAIT)
        .comes_to("device-lost");
}

#[test]
fn writes_and_reads_the_flash() {
    Scenario::new("flash", Board::Flashloader, "", json!({}))
        .and_older()
        .call(GET_PROPERTY)
        .call(ERASE)
        .call(WRITE)
        .call(READ)
        .call(READ_FUSE)
        .step(RESET)
        .comes_to("succeeded");
}

#[test]
fn burns_a_fuse_and_reads_it() {
    let burn = "run: blhost, device: flashloader, timeout: 60s, \
                args: [\"-u\", \"0x15A2,0x0073\", \"--\", \"efuse-program-once\", \"0x06\", \"00000010\"], \
                irreversible: {why: For good., \
                already_done: &read {steps: [{run: blhost, device: flashloader, timeout: 60s, \
                args: [\"-u\", \"0x15A2,0x0073\", \"--\", \"efuse-read-once\", \"0x06\"], \
                capture: {fuse: {integer: 'Response word 2 = (\\d+) '}}}], holds: fuse & 0x10 != 0}, verify: *read}";
    Scenario::new("burns a fuse", Board::Flashloader, "", json!({})).step(burn).comes_to("succeeded");
}

#[test]
fn is_refused_when_it_erases() {
    let fault = json!({"command": "flash-erase-region", "kind": "status", "code": 20101});
    Scenario::with_fault("erase refused", Board::Flashloader, "erase-refused", fault).call(ERASE).comes_to("refused");
}

#[test]
fn is_refused_when_it_writes() {
    Scenario::new("not erased", Board::Flashloader, "", json!({})).call(WRITE).comes_to("refused");
    let fault = json!({"command": "write-memory", "kind": "abort", "code": 20100, "bytes": 12_345});
    Scenario::with_fault("write aborted", Board::Flashloader, "write-aborted", fault)
        .and_older()
        .call(ERASE)
        .call(WRITE)
        .comes_to("refused");
}

#[test]
fn gets_no_answer() {
    let late = json!({"command": "flash-erase-region", "kind": "late", "seconds": 30});
    Scenario::with_fault("erase without answer", Board::Flashloader, "erase-no-answer", late)
        .and_older()
        .call_with("blhost", ERASE_QUICKLY)
        .comes_to("no-answer");
    let silent = json!({"command": "write-memory", "kind": "no-closing-answer"});
    Scenario::with_fault("write without answer", Board::Flashloader, "write-no-answer", silent)
        .call(ERASE)
        .call_with("blhost", WRITE_QUICKLY)
        .comes_to("no-answer");
}

/// The answer to the erase is read by the command after it, which goes on with what it does not understand.
#[test]
fn gets_a_late_answer() {
    let late = json!({"command": "flash-erase-region", "kind": "late", "seconds": 2});
    let erase = ERASE_QUICKLY.replace(' ', "\", \"");
    let erase = format!(
        "run: blhost, device: flashloader, args: [\"{erase}\"], timeout: 60s, \
         on_fault: [{{class: no-answer, set: erase_is_late}}]"
    );
    Scenario::with_fault("late answer", Board::Flashloader, "erase-no-answer", late)
        .and_older()
        .step(&erase)
        .call("blhost write-memory 0x2000 ${flashloader}")
        .comes_to("succeeded");
}

#[test]
fn loses_the_device() {
    let fault = json!({"command": "flash-erase-region", "kind": "vanish-before"});
    Scenario::with_fault("lost before erase", Board::Flashloader, "lost-before-erase", fault)
        .and_older()
        .call(ERASE)
        .comes_to("device-lost");
    let fault = json!({"command": "write-memory", "kind": "vanish-in-data", "bytes": 7113});
    Scenario::with_fault("lost in the data", Board::Flashloader, "lost-in-firmware", fault)
        .call(ERASE)
        .call(WRITE)
        .comes_to("device-lost");
}
