//! The plan of every shipped playbook is the documented procedure, and ends well on its virtual board.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use crate::support::{House, Ran, fitting};
use recover::documents::expression::Value as Known;
use recover::documents::library::{shipped_boards, shipped_playbooks};
use serde_json::Value;

/// Where a command of a plan comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// OpenMV's own procedure for the board.
    Documented,
    /// Documented with `-w`. Here recover has waited for the camera before it starts the tool.
    DocumentedWithWait,
    /// Ours: proves that a device answers, or reads back what was written, or asks for a version.
    Ours,
}

use Origin::{Documented, DocumentedWithWait, Ours};

/// A board's commands in order, without the stages for files that are not there.
type Commands = Vec<(Origin, String)>;

/// The same for all boards whose chip speaks DFU in its ROM.
const STM32_DFU: &[(Origin, &str)] = &[
    (DocumentedWithWait, "dfu-util -d ,0483:df11 -a 0 -s 0x08000000 -D bootloader.bin"),
    (Ours, "dfu-util -d ,0483:df11 -a 0 -s 0x08000000:16384 -U bootloader_read.bin"),
    // What reads back differently is written once more.
    (Ours, "dfu-util -d ,0483:df11 -a 0 -s 0x08000000 -D bootloader.bin"),
    (Ours, "dfu-util -d ,0483:df11 -a 0 -s 0x08000000:16384 -U bootloader_read.bin"),
];

/// The board, the id of its own bootloader, and that one's alt setting of the ROM file system.
const STM32_BOARDS: &[(&str, &str, u8)] = &[
    ("m4", "37c5:9202", 3),
    ("m7", "37c5:9203", 3),
    ("h7", "37c5:9204", 3),
    ("h7-plus", "37c5:924a", 4),
    ("pure-thermal", "37c5:9205", 4),
];

/// The normal flash after the recovery: only the last write resets. Before it, the small write that keeps a camera with
/// damaged firmware in its bootloader; of its two steps one comes, after connecting or without.
fn stm32_firmware(own_bootloader: &str, romfs_alt: u8) -> [Commands; 2] {
    let own = format!("dfu-util -w -d ,{own_bootloader}");
    let hold = (Documented, format!("{own} -a 2 -D empty.bin"));
    [
        vec![
            hold.clone(),
            hold.clone(),
            (Documented, format!("{own} -a 2 -D firmware.bin")),
            (Documented, format!("{own} -a {romfs_alt} --reset -D romfs0.img")),
        ],
        vec![hold.clone(), hold, (Documented, format!("{own} -a 2 --reset -D firmware.bin"))],
    ]
}

const N6: &[(Origin, &str)] = &[(Documented, "STM32_Programmer_CLI -c port=USB1 -d FlashLayout.tsv")];

const SDPHOST: &str = "sdphost -u 0x1FC9,0x0135";
const BLHOST: &str = "blhost -u 0x15A2,0x0073";

/// After `$S` and `$B`, which stand for the two tools with their ids.
const RT1062: &[(Origin, &str)] = &[
    (Documented, "$S -- write-file 0x20001C00 sdphost_flash_loader.bin"),
    (Documented, "$S -- jump-address 0x20001C00"),
    (Documented, "$B -- get-property 1"),
    (Ours, "$B -- get-property 1"),
    (Ours, "$B -- get-property 11"),
    (Ours, "$B -- get-property 1"),
    (Ours, "$B -- get-property 11"),
    (Ours, "$B -- efuse-read-once 0x06"),
    (Documented, "$B -- fill-memory 0x2000 4 0xC0000008 word"),
    (Documented, "$B -- configure-memory 9 0x2000"),
    (Documented, "$B -t 120000 -- flash-erase-region 0x60000000 0x1000"),
    (Documented, "$B -- fill-memory 0x2000 4 0xF000000F word"),
    (Documented, "$B -- configure-memory 9 0x2000"),
    (Documented, "$B -t 120000 -- flash-erase-region 0x60001000 0x8000"),
    (Documented, "$B -- write-memory 0x60001000 blhost_flash_loader.bin"),
    (Documented, "$B -t 120000 -- flash-erase-region 0x60040000 0x16f000"),
    (Documented, "$B -- write-memory 0x60040000 firmware.bin"),
    // What reads back differently is written once more.
    (Ours, "$B -- read-memory 0x60000000 0x200 fcb_read.bin"),
    (Ours, "$B -t 120000 -- flash-erase-region 0x60000000 0x1000"),
    (Ours, "$B -- fill-memory 0x2000 4 0xF000000F word"),
    (Ours, "$B -- configure-memory 9 0x2000"),
    (Ours, "$B -- read-memory 0x60000000 0x200 fcb_read.bin"),
    (Ours, "$B -- read-memory 0x60001000 0x7a58 sbl_read.bin"),
    (Ours, "$B -t 120000 -- flash-erase-region 0x60001000 0x8000"),
    (Ours, "$B -- write-memory 0x60001000 blhost_flash_loader.bin"),
    (Ours, "$B -- read-memory 0x60001000 0x7a58 sbl_read.bin"),
    (Ours, "$B -- read-memory 0x60040000 0x16e360 firmware_read.bin"),
    (Ours, "$B -t 120000 -- flash-erase-region 0x60040000 0x16f000"),
    (Ours, "$B -- write-memory 0x60040000 firmware.bin"),
    (Ours, "$B -- read-memory 0x60040000 0x16e360 firmware_read.bin"),
    // The fuse is read, with the link proven, before and after.
    (Ours, "$B -- get-property 1"),
    (Ours, "$B -- get-property 11"),
    (Ours, "$B -- get-property 1"),
    (Ours, "$B -- get-property 11"),
    (Ours, "$B -- efuse-read-once 0x06"),
    (Documented, "$B -- efuse-program-once 0x06 00000010"),
    (Ours, "$B -- get-property 1"),
    (Ours, "$B -- get-property 11"),
    (Ours, "$B -- get-property 1"),
    (Ours, "$B -- get-property 11"),
    (Ours, "$B -- efuse-read-once 0x06"),
    (Documented, "$B -- reset"),
    // A ROM that stays whatever the person does: the flashloader is started once more to look for the reason.
    (Ours, "$S -- write-file 0x20001C00 sdphost_flash_loader.bin"),
    (Ours, "$S -- jump-address 0x20001C00"),
    (Ours, "$B -- get-property 1"),
    (Ours, "$B -- get-property 11"),
    (Ours, "$B -- get-property 1"),
    (Ours, "$B -- get-property 11"),
    (Ours, "$B -- fill-memory 0x2000 4 0xC0000008 word"),
    (Ours, "$B -- configure-memory 9 0x2000"),
    (Ours, "$B -- read-memory 0x60000000 0x200 fcb_read.bin"),
    (Ours, "$B -- read-memory 0x60001000 0x7a58 sbl_read.bin"),
    (Ours, "$B -- efuse-read-once 0x06"),
];

const BANNER_OLD: &str = "maintenance -opt sesbanner";
const BANNER_NEW: &str = "maintenance -opt getbanner";

/// Of each pair of banner questions one is asked, depending on the tools' release.
const AE3: &[(Origin, &str)] = &[
    // What a port is that is there before the person has been asked for anything.
    (Ours, BANNER_OLD),
    (Ours, BANNER_NEW),
    (Documented, BANNER_OLD),
    (Documented, BANNER_NEW),
    // No answer: again, at the speed of an interrupted transfer, after a power cycle, and by catching the chip.
    (Ours, BANNER_OLD),
    (Ours, BANNER_NEW),
    (Ours, "maintenance -b 921600"),
    (Ours, BANNER_OLD),
    (Ours, BANNER_NEW),
    (Ours, BANNER_OLD),
    (Ours, BANNER_NEW),
    (Documented, "maintenance"),
    // What replaces the application that silences it: which chip it is, for tools that do not look; the write; and once
    // more when the chip is of the other series.
    (Ours, "maintenance"),
    (Documented, AE3_WRITE),
    (Ours, AE3_WRITE),
    (Ours, BANNER_OLD),
    (Ours, BANNER_NEW),
    // An older system software, caught again if the chip is still silent, and the proof that the new one runs.
    (Ours, "maintenance"),
    (Documented, "updateSystemPackage"),
    (Documented, "updateSystemPackage"),
    (Ours, BANNER_OLD),
    (Ours, BANNER_NEW),
    // Recovery, and the proof that it worked.
    (Documented, "maintenance"),
    (Ours, BANNER_OLD),
    (Ours, BANNER_NEW),
    // A chip that was not silent.
    (Ours, "maintenance"),
    (Documented, AE3_WRITE),
    (Ours, AE3_WRITE),
];
const AE3_WRITE: &str = "app-write-mram -i '../build/bootloader.bin 0x80000000 ../build/firmware_pad.toc 0x8057E000'";

fn expected(board: &str) -> Commands {
    let listed = |commands: &[(Origin, &str)]| {
        let full = |command: &str| command.replace("$S", SDPHOST).replace("$B", BLHOST);
        commands.iter().map(|(origin, command)| (*origin, full(command))).collect()
    };
    match board {
        board if STM32_BOARDS.iter().any(|(name, _, _)| *name == board) => listed(STM32_DFU),
        "n6" => listed(N6),
        "rt1062" => listed(RT1062),
        "ae3" => listed(AE3),
        "arduino" => Vec::new(),
        _ => panic!("{board}: the documented commands of this board are to be listed here"),
    }
}

/// Which input must lie where after the run.
fn images(board: &str) -> &'static [(&'static str, &'static str)] {
    match board {
        "n6" => &[("0x70000000", "bootloader.bin")],
        "rt1062" => &[("0x60001000", "blhost_flash_loader.bin"), ("0x60040000", "firmware.bin")],
        "ae3" => &[("0x80000000", "bootloader.bin"), ("0x8057e000", "firmware_pad.toc")],
        _ => &[("0x08000000", "bootloader.bin")],
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// One command as a person would type it.
fn typed(command: &Value) -> String {
    let words = command["command"].as_array().unwrap().iter().map(text);
    let quoted = words.map(|word| if word.contains(' ') { format!("'{word}'") } else { word });
    quoted.collect::<Vec<_>>().join(" ")
}

fn simulate(house: &House, board: &str, more: &[&str]) -> Ran {
    let bench = house.path("bench");
    let args = ["--playbook", board, "--simulate", "--message-format", "json", "--bench", bench.to_str().unwrap()];
    house.run(&[&args, more].concat())
}

fn of_kind<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["event"] == kind)
}

fn planned(house: &House, board: &str, more: &[&str]) -> Vec<String> {
    let events = simulate(house, board, &[&["--dry-run"], more].concat()).exits(0).events();
    let lines = of_kind(&events, "planned_step").flat_map(|step| step["lines"].as_array().unwrap().clone());
    lines.filter_map(|line| line.get("command").map(typed)).collect()
}

#[test]
fn with_the_files_there_the_firmware_follows() {
    for (board, own_bootloader, romfs_alt) in STM32_BOARDS {
        let [both, alone] = stm32_firmware(own_bootloader, *romfs_alt);
        let house = House::new();
        let files = house.path("work");
        for (file, expected) in [("firmware.bin", alone), ("romfs0.img", both)] {
            std::fs::write(files.join(file), fitting(board, file, 5000)).unwrap();
            let commands = planned(&house, board, &["--files", files.to_str().unwrap()]);
            let expected: Vec<String> = expected.into_iter().map(|(_, command)| command).collect();
            assert_eq!(commands[STM32_DFU.len()..], expected, "{board}");
        }
    }
}

#[test]
fn every_plan_is_the_documented_procedure() {
    for board in shipped_boards() {
        let house = House::new();
        let commands = planned(&house, board, &[]);
        let expected: Vec<String> = expected(board).into_iter().map(|(_, command)| command).collect();
        assert_eq!(commands, expected, "{board}");
        assert_eq!(house.commands(), [""; 0], "{board}: a plan runs nothing");
    }
}

/// A condition may be folded over several lines of the playbook, and what is not known yet is shown by its own words.
#[test]
fn every_plan_can_be_read() {
    for board in shipped_boards() {
        let ran = simulate(&House::new(), board, &["--dry-run"]).exits(0);
        assert!(!ran.stdout.contains("only when \"") && !ran.stdout.contains("<>"), "{board}: {}", ran.stdout);
    }
    let events = simulate(&House::new(), "ae3", &["--dry-run"]).events();
    let step = of_kind(&events, "planned_step").find(|step| step["id"] == "write-system").unwrap();
    assert_eq!(
        step["notes"][1],
        "only when not in recovery and (silent or (recovery port of an AE3 of the first series is attached and ses is below \
         the version in package ftdi) or (recovery port of an AE3 of the second series is attached and ses is below the \
         version in package ch343))"
    );
}

#[test]
fn what_runs_on_a_healthy_board_stands_in_its_plan() {
    for board in shipped_boards().filter(|board| *board != "arduino") {
        let house = House::new();
        let events = simulate(&house, board, &[]).exits(0).events();
        let expected: Vec<String> = expected(board).into_iter().map(|(_, command)| command).collect();
        let ran: Vec<String> = of_kind(&events, "tool_started").map(typed).collect();
        let mut plan = expected.iter();
        for command in &ran {
            assert!(
                plan.any(|planned| planned == command),
                "{board}: `{command}` is not planned, or not there: {ran:#?}"
            );
        }
    }
}

/// Where the virtual board is, and its serial number where it has one.
fn attached_at(board: &str) -> (&'static str, Option<&'static str>) {
    match board {
        "n6" => ("1-2", Some("001D00343033510F37363934")),
        "rt1062" => ("1-2", None),
        "ae3" => ("/dev/ttyUSB0", None),
        _ => ("1-1", Some("356A38733432")),
    }
}

/// Is it the planned command? What is known only later stands in angle brackets.
fn is_planned(planned: &[String], ran: &[String]) -> bool {
    let fits = |(planned, ran): (&String, &String)| match (planned.find('<'), planned.rfind('>')) {
        (Some(from), Some(to)) => ran.starts_with(&planned[..from]) && ran.ends_with(&planned[to + 1..]),
        _ => planned == ran,
    };
    planned.len() == ran.len() && planned.iter().zip(ran).all(fits)
}

fn words(command: &Value) -> Vec<String> {
    command["command"].as_array().unwrap().iter().map(text).collect()
}

#[test]
fn with_every_option_the_commands_of_a_run_are_those_of_its_plan() {
    for (board, playbook) in shipped_boards().zip(shipped_playbooks()).filter(|(board, _)| *board != "arduino") {
        let (port, serial) = attached_at(board);
        let mut options = vec![vec!["--port".to_owned(), port.to_owned()]];
        options.extend(serial.map(|serial| vec!["--serial".to_owned(), serial.to_owned()]));
        for variable in &playbook.variables {
            for value in variable.closed().unwrap() {
                let value = if value == Known::Boolean(true) { "yes" } else { "no" };
                options.push(vec!["--set".to_owned(), format!("{}={value}", variable.name)]);
            }
        }
        let files = House::new();
        if board == "rt1062" {
            files.images();
        }
        let mut with_files = Vec::new();
        // Only a bench makes a file that names others.
        for input in playbook.inputs.iter().filter(|input| input.names_files.is_none()) {
            let made = files.path("work/images").join(input.file_name());
            let file = if made.exists() {
                made
            } else {
                files.write(&format!("own-{}", input.name), fitting(board, input.file_name(), 8192))
            };
            with_files.extend(["--set".to_owned(), format!("{}={}", input.name, file.display())]);
        }
        options.push(with_files);
        for options in options {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let house = House::new();
            let events = simulate(&house, board, &[&["--dry-run"], &options[..]].concat()).exits(0).events();
            let lines = of_kind(&events, "planned_step").flat_map(|step| step["lines"].as_array().unwrap().clone());
            let planned: Vec<Vec<String>> = lines.filter_map(|line| line.get("command").map(words)).collect();
            let events = simulate(&house, board, &options).exits(0).events();
            let mut plan = planned.iter();
            for command in of_kind(&events, "tool_started").map(words) {
                assert!(
                    plan.any(|planned| is_planned(planned, &command)),
                    "{board} {options:?}: {command:?} is not planned, or not there: {planned:#?}"
                );
            }
        }
    }
}

#[test]
fn the_board_that_was_chosen_stands_in_the_plan() {
    let house = House::new();
    for (options, expected) in [
        (["--port", "1-1"], "dfu-util -p 1-1 -d ,0483:df11 -a 0 -s 0x08000000 -D bootloader.bin"),
        (["--serial", "356A38733432"], "dfu-util -p <port> -d ,0483:df11 -a 0 -s 0x08000000 -D bootloader.bin"),
    ] {
        assert_eq!(planned(&house, "h7", &options)[0], expected);
    }
    // Also where a tool waits by itself for what is not there yet: any camera of the kind would do for it.
    let firmware = house.write("h7/firmware.bin", fitting("h7", "firmware.bin", 8192));
    let firmware = format!("firmware={}", firmware.display());
    let commands = planned(&house, "h7", &["--port", "1-1", "--set", &firmware]);
    let waiting: Vec<&String> = commands.iter().filter(|command| command.contains(" -w ")).collect();
    assert!(waiting.len() >= 3, "{commands:#?}");
    for command in waiting {
        assert!(command.starts_with("dfu-util -p 1-1 -w -d ,37c5:9204 "), "{command}");
    }
    let expected = "STM32_Programmer_CLI -c port=USB1 sn=<serial> -d FlashLayout.tsv";
    assert_eq!(planned(&house, "n6", &["--port", "1-2"]), [expected]);
}

#[test]
fn every_board_is_recovered_with_the_images_in_their_places() {
    for board in shipped_boards().filter(|board| *board != "arduino") {
        let house = House::new();
        let events = simulate(&house, board, &[]).exits(0).events();
        let next = events.last().unwrap()["next"].as_array().is_some_and(|next| !next.is_empty());
        assert!(next, "{board}: nothing is said of what comes next");
        let ready = of_kind(&events, "input_ready").map(|event| (text(&event["file"]), text(&event["sha256"])));
        let ready: BTreeMap<String, String> = ready.collect();
        let regions = house.board().regions();
        for (address, file) in images(board) {
            let wanted = ((*address).to_owned(), ready[*file].clone());
            assert!(regions.contains(&wanted), "{board}: {file} is not at {address}: {regions:#?}");
        }
    }
}

#[test]
fn an_arduino_is_refused_without_any_tool() {
    let house = House::new();
    let events = simulate(&house, "arduino", &[]).exits(1).events();
    let last = events.last().unwrap();
    assert_eq!(last["outcome"], "refused-by-playbook", "{last}");
    assert!(text(&last["problem"]["what"]).contains("factory bootloader"), "{last}");
    assert_eq!(house.commands(), [""; 0]);
    assert_eq!(of_kind(&events, "tool_started").count(), 0);
}
