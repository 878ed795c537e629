//! The firmware after the bootloader, on every board that takes it: the documented commands, and what lies in its flash.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{House, Ran, fitting, image, sha256};

/// What a run of one playbook is given, and what it must come to.
struct Case {
    playbook: &'static str,
    /// The files of the bootloader.
    needed: &'static [&'static str],
    /// Calls before the firmware's.
    before: usize,
    /// Keeps the camera in its bootloader.
    hold: &'static str,
    /// What the person is told who has left wire or switch as it was.
    forgotten: &'static str,
    firmware: &'static [Written],
    afterwards: &'static str,
}

/// A file of the firmware, the call that writes it, and where it lies then.
struct Written {
    file: &'static str,
    command: &'static str,
    address: &'static str,
}

const CASES: &[Case] = &[
    Case {
        playbook: "h7.yaml",
        needed: &["bootloader.bin"],
        before: 2,
        hold: "dfu-util -w -d ,37c5:9204 -a 2 -D empty.bin",
        forgotten: "The wire is still connected",
        firmware: &[
            Written {
                file: "firmware.bin",
                command: "dfu-util -w -d ,37c5:9204 -a 2 -D firmware.bin",
                address: "0xd2000000",
            },
            Written {
                file: "romfs0.img",
                command: "dfu-util -w -d ,37c5:9204 -a 3 --reset -D romfs0.img",
                address: "0xd3000000",
            },
        ],
        afterwards: "dfu-util -w -d ,37c5:9204 -a 2 --reset -D firmware.bin",
    },
    Case {
        playbook: "h7-plus.yaml",
        needed: &["bootloader.bin"],
        before: 2,
        hold: "dfu-util -w -d ,37c5:924a -a 2 -D empty.bin",
        forgotten: "The wire is still connected",
        firmware: &[
            Written {
                file: "firmware.bin",
                command: "dfu-util -w -d ,37c5:924a -a 2 -D firmware.bin",
                address: "0xd2000000",
            },
            Written {
                file: "romfs0.img",
                command: "dfu-util -w -d ,37c5:924a -a 4 --reset -D romfs0.img",
                address: "0xd4000000",
            },
        ],
        afterwards: "dfu-util -w -d ,37c5:924a -a 2 --reset -D firmware.bin",
    },
    Case {
        playbook: "n6.yaml",
        needed: &["OpenBootloader_STM32N6570-DK-trusted.stm32", "MX66UW1G45G_STM32N6570-DK-OBL.bin", "bootloader.bin"],
        before: 1,
        hold: "dfu-util -w -d ,37c5:9206 -a 1 -D empty.bin",
        forgotten: "The wire is still connected",
        firmware: &[
            Written {
                file: "firmware.bin",
                command: "dfu-util -w -d ,37c5:9206 -a 1 -D firmware.bin",
                address: "0x70080000",
            },
            Written {
                file: "romfs0.img",
                command: "dfu-util -w -d ,37c5:9206 -a 3 --reset -D romfs0.img",
                address: "0x70800000",
            },
        ],
        afterwards: "dfu-util -w -d ,37c5:9206 -a 3 --reset -D romfs0.img",
    },
    Case {
        playbook: "ae3.yaml",
        needed: &["bootloader.bin", "firmware_pad.toc"],
        before: 2,
        hold: "dfu-util -w -d ,37c5:96e3 -a 1 -D empty.bin",
        forgotten: "The recovery switch is still on",
        firmware: &[
            Written {
                file: "firmware_M55_HP.bin",
                command: "dfu-util -w -d ,37c5:96e3 -a 1 -D firmware_M55_HP.bin",
                address: "0x80020000",
            },
            Written {
                file: "firmware_M55_HE.bin",
                command: "dfu-util -w -d ,37c5:96e3 -a 2 -D firmware_M55_HE.bin",
                address: "0x80320000",
            },
            Written {
                file: "romfs1.img",
                command: "dfu-util -w -d ,37c5:96e3 -a 3 -D romfs1.img",
                address: "0x8047e000",
            },
            Written {
                file: "romfs0.img",
                command: "dfu-util -w -d ,37c5:96e3 -a 6 --reset -D romfs0.img",
                address: "0xa0000000",
            },
        ],
        afterwards: "dfu-util -w -d ,37c5:96e3 -a 6 --reset -D romfs0.img",
    },
];

/// No two files are alike.
fn bytes_of(playbook: &str, file: &str) -> Vec<u8> {
    let size = if file == "firmware_pad.toc" { 8_192 } else { 9_008 };
    fitting(playbook, file, size)
}

fn house(playbook: &str, files: &[&str]) -> House {
    let house = House::new();
    for file in files {
        house.write(&format!("images/{file}"), bytes_of(playbook, file));
    }
    house
}

fn simulate(house: &House, playbook: &str, names: &str) -> Ran {
    let (simulate, bench) = (format!("--simulate={names}"), house.path("bench"));
    let bench = bench.to_str().unwrap();
    house.run(&["--playbook", playbook, &simulate, "--bench", bench, "--non-interactive", "--files", "images"])
}

/// Address and SHA-256 of everything that was written.
fn holds(house: &House, playbook: &str, written: &Written) -> bool {
    let wanted = (written.address.to_owned(), sha256(&bytes_of(playbook, written.file)));
    house.board().regions().contains(&wanted)
}

fn firmware_commands(case: &Case) -> Vec<&'static str> {
    std::iter::once(case.hold).chain(case.firmware.iter().map(|written| written.command)).collect()
}

fn all_files(case: &Case) -> Vec<&'static str> {
    case.needed.iter().copied().chain(case.firmware.iter().map(|written| written.file)).collect()
}

#[test]
fn writes_each_partition_with_the_documented_command() {
    for case in CASES {
        let house = house(case.playbook, &all_files(case));
        let ran = simulate(&house, case.playbook, "");
        ran.exits(0)
            .says("SIMULATION PASSED")
            .says("before you are told to.")
            .says("Connect the camera now.")
            .says("runs its firmware again")
            .never_says("start the following first");
        let commands = house.commands();
        assert_eq!(commands[case.before..], firmware_commands(case), "{}", case.playbook);
        assert!(!commands[..case.before].iter().any(|command| command.contains(" -w ")), "{commands:?}");
        assert!(house.calls().iter().all(|call| call.exit_code == Some(0)), "{}", case.playbook);
        for written in case.firmware {
            assert!(
                holds(&house, case.playbook, written),
                "{}: {} in {:?}",
                case.playbook,
                written.file,
                house.board()
            );
        }
    }
}

/// With a healthy bootloader nothing else is written, and no wire or switch is asked for.
#[test]
fn a_camera_whose_bootloader_works_gets_its_firmware_alone() {
    for case in CASES {
        for (state, told) in [
            ("boot-loop", "The camera starts again and again, because its firmware is damaged."),
            ("interrupted-update", "It does not: perhaps an update of its firmware was cut short."),
        ] {
            let house = house(case.playbook, &all_files(case));
            simulate(&house, case.playbook, state)
                .exits(0)
                .says("The camera's own bootloader works.")
                .says(told)
                .says("its firmware alone can be written")
                .says("The bootloader works and was left as it was.")
                .never_says("Connect the camera now.");
            assert_eq!(house.commands(), firmware_commands(case), "{} {state}", case.playbook);
            assert!(house.calls().iter().all(|call| call.exit_code == Some(0)), "{} {state}", case.playbook);
            assert!(
                case.firmware.iter().all(|written| holds(&house, case.playbook, written)),
                "{} {state}",
                case.playbook
            );
        }
    }
}

#[test]
fn without_firmware_a_camera_whose_bootloader_works_is_left_alone() {
    for case in CASES {
        for state in ["boot-loop", "interrupted-update"] {
            let house = house(case.playbook, case.needed);
            simulate(&house, case.playbook, state)
                .exits(1)
                .says("so it needs no repair")
                .says("This run has changed nothing on the board.")
                .says("into the folder of files, and run recover again.")
                .says("To rewrite the bootloader all the same: Disconnect the camera.");
            assert_eq!(house.commands(), [""; 0], "{} {state}", case.playbook);
        }
    }
}

/// The bootloader was dead, so nobody could know that the firmware behind it is damaged, too.
#[test]
fn a_camera_that_starts_again_and_again_after_its_repair_gets_its_firmware_in_the_same_run() {
    for case in CASES {
        let house = house(case.playbook, &all_files(case));
        simulate(&house, case.playbook, "firmware-damaged").exits(0).says("The firmware starts");
        assert_eq!(house.commands()[case.before..], firmware_commands(case), "{}", case.playbook);
        assert!(house.calls().iter().all(|call| call.exit_code == Some(0)), "{}", case.playbook);
        assert!(case.firmware.iter().all(|written| holds(&house, case.playbook, written)), "{}", case.playbook);
    }
}

/// While the tool waits for the camera, and while recover does.
#[test]
fn a_forgotten_wire_or_switch_is_told_and_put_right() {
    for case in CASES {
        for files in [all_files(case), case.needed.to_vec()] {
            let house = house(case.playbook, &files);
            simulate(&house, case.playbook, "wire-forgotten").exits(0).says(case.forgotten);
            assert!(house.calls().iter().all(|call| call.exit_code == Some(0)), "{}", case.playbook);
        }
    }
}

#[test]
fn without_the_files_it_ends_with_the_command_to_run_next() {
    for case in CASES {
        let house = house(case.playbook, case.needed);
        simulate(&house, case.playbook, "").exits(0).says(case.afterwards).never_says("Connect the camera now.");
        assert_eq!(house.commands().len(), case.before, "{}", case.playbook);
        assert!(!case.firmware.iter().any(|written| holds(&house, case.playbook, written)), "{}", case.playbook);
    }
}

#[test]
fn the_firmware_alone_is_reset_into_as_well() {
    for (playbook, before, wanted) in [
        ("h7.yaml", 2, "dfu-util -w -d ,37c5:9204 -a 2 --reset -D firmware.bin"),
        ("n6.yaml", 1, "dfu-util -w -d ,37c5:9206 -a 1 --reset -D firmware.bin"),
    ] {
        let case = CASES.iter().find(|case| case.playbook == playbook).unwrap();
        let house = house(case.playbook, &[case.needed, &["firmware.bin"]].concat());
        simulate(&house, playbook, "").exits(0);
        assert_eq!(house.commands()[before..], [case.hold, wanted]);
        assert!(holds(&house, case.playbook, &case.firmware[0]));
    }
}

#[test]
fn a_camera_without_firmware_stays_in_its_bootloader_until_it_has_one() {
    let case = CASES.iter().find(|case| case.playbook == "ae3.yaml").unwrap();
    let house = house(case.playbook, &all_files(case));
    simulate(&house, "ae3.yaml", "no-firmware").exits(0).says("The firmware starts");
    assert!(case.firmware.iter().all(|written| holds(&house, case.playbook, written)));
}

#[test]
fn the_four_files_of_the_ae3_are_given_together_or_not_at_all() {
    let case = CASES.iter().find(|case| case.playbook == "ae3.yaml").unwrap();
    for missing in case.firmware {
        let files = all_files(case).into_iter().filter(|file| *file != missing.file).collect::<Vec<_>>();
        let house = house(case.playbook, &files);
        simulate(&house, "ae3.yaml", "")
            .exits(2)
            .says(&format!("`{}`", missing.file))
            .says("belong together: give all of them, or none")
            .says("tools were asked for their version only");
        assert_eq!(house.commands(), [""; 0], "{}", missing.file);
    }
}

/// What only the playbook knows of its files is noticed as early.
#[test]
fn files_of_another_board_are_refused_before_anything_is_touched() {
    let case = CASES.iter().find(|case| case.playbook == "ae3.yaml").unwrap();
    let house = house(case.playbook, case.needed);
    house.write("images/firmware_pad.toc", [7; 100]);
    simulate(&house, "ae3.yaml", "").exits(2).says("firmware_pad.toc exactly 8192 bytes");
    assert_eq!(house.commands(), [""; 0]);
}

#[test]
fn an_image_that_does_not_fit_is_refused_before_anything_is_touched() {
    let house = house("n6.yaml", CASES[2].needed);
    house.write("images/firmware.bin", vec![7; 0x38_0001]);
    simulate(&house, "n6.yaml", "").exits(2).says("firmware.bin").says("tools were asked for their version only");
    assert_eq!(house.commands(), [""; 0]);
}

#[test]
fn the_rom_file_system_of_the_rt1062_comes_before_the_firmware_and_is_proven_too() {
    let house = House::new();
    house.images();
    let romfs = image(6_001, &[(0, 0x1234_5678)]);
    house.write("images/romfs0.img", &romfs);
    house.simulate("", &["--files", "images"]).exits(0).says("SIMULATION PASSED");
    let commands = house.commands();
    let at = |words: &str| {
        let call = format!("blhost -u 0x15A2,0x0073 {words}");
        commands.iter().position(|command| *command == call).unwrap_or_else(|| panic!("no `{call}` in {commands:#?}"))
    };
    // 6,001 bytes are two sectors.
    let order = [
        at("-- write-memory 0x60001000 blhost_flash_loader.bin"),
        at("-t 120000 -- flash-erase-region 0x60800000 0x2000"),
        at("-- write-memory 0x60800000 romfs0.img"),
        at("-t 120000 -- flash-erase-region 0x60040000 0x4000"),
        at("-- write-memory 0x60040000 firmware.bin"),
        at("-- read-memory 0x60800000 0x1771 romfs_read.bin"),
        at("-- read-memory 0x60040000 0x3039 firmware_read.bin"),
        at("-- efuse-program-once 0x06 00000010"),
    ];
    assert!(order.is_sorted(), "{commands:#?}");
    assert!(house.board().regions().contains(&("0x60800000".to_owned(), sha256(&romfs))));
}

/// The commands of a dry run.
fn planned(house: &House, playbook: &str) -> Vec<String> {
    let ran =
        house.run(&["--playbook", playbook, "--files", "images", "--dry-run", "--message-format", "json"]).exits(0);
    let steps = ran.events();
    let lines = steps.iter().filter_map(|step| step["lines"].as_array()).flatten();
    let words = lines.filter_map(|line| line["command"]["command"].as_array());
    words.map(|words| words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_dry_run_shows_the_firmware_only_where_its_files_are() {
    for case in CASES {
        let wanted: Vec<&str> = case.firmware.iter().map(|written| written.command).collect();
        let commands = planned(&house(case.playbook, &all_files(case)), case.playbook);
        assert!(
            commands.ends_with(&wanted.iter().map(|command| (*command).to_owned()).collect::<Vec<_>>()),
            "{commands:?}"
        );
        let commands = planned(&house(case.playbook, case.needed), case.playbook);
        assert!(!commands.iter().any(|command| command.contains(" -w ")), "{commands:?}");
    }
}

#[test]
fn a_tool_for_the_firmware_is_asked_for_only_where_the_firmware_is() {
    let case = CASES.iter().find(|case| case.playbook == "n6.yaml").unwrap();
    for (files, needed) in [(case.needed.to_vec(), false), (all_files(case), true)] {
        let ran = simulate(&house(case.playbook, &files), case.playbook, "").exits(0);
        assert_eq!(ran.flat().contains("tool dfu-util 0.11"), needed, "{}", ran.text());
    }
}
