//! The RT1062 from end to end: the program, its shipped playbook and catalog, mock tools and a virtual board.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{House, Ran};

/// What is said in NXP's and OpenMV's documentation, in this order, with nothing in between.
const DOCUMENTED: &[&str] = &[
    "sdphost -u 0x1FC9,0x0135 -- write-file 0x20001C00 sdphost_flash_loader.bin",
    "sdphost -u 0x1FC9,0x0135 -- jump-address 0x20001C00",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    // Whoever will be asked for consent hears of it before anything is written.
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- efuse-read-once 0x06",
    "blhost -u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xC0000008 word",
    "blhost -u 0x15A2,0x0073 -- configure-memory 9 0x2000",
    "blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60000000 0x1000",
    "blhost -u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xF000000F word",
    "blhost -u 0x15A2,0x0073 -- configure-memory 9 0x2000",
    // 5,000 bytes are two sectors, 12,345 are four.
    "blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60001000 0x2000",
    "blhost -u 0x15A2,0x0073 -- write-memory 0x60001000 blhost_flash_loader.bin",
    "blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60040000 0x4000",
    "blhost -u 0x15A2,0x0073 -- write-memory 0x60040000 firmware.bin",
    "blhost -u 0x15A2,0x0073 -- read-memory 0x60000000 0x200 fcb_read.bin",
    "blhost -u 0x15A2,0x0073 -- read-memory 0x60001000 0x1388 sbl_read.bin",
    "blhost -u 0x15A2,0x0073 -- read-memory 0x60040000 0x3039 firmware_read.bin",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- efuse-read-once 0x06",
    BURN,
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- get-property 1",
    "blhost -u 0x15A2,0x0073 -- get-property 11",
    "blhost -u 0x15A2,0x0073 -- efuse-read-once 0x06",
    "blhost -u 0x15A2,0x0073 -- reset",
];
const BURN: &str = "blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010";
const FUSE_SET: &str = "0x00000010";
const FUSE_CLEAR: &str = "0x00000000";

/// A run with images of our own, and how it looked.
fn rescue(names: &str, more: &[&str]) -> (House, Ran, Vec<(String, String)>) {
    let house = House::new();
    let images = house.images();
    let mut args = vec!["--files", "images"];
    args.extend(more);
    let ran = house.simulate(names, &args);
    (house, ran, images)
}

/// The two images lie in flash and the block that describes the flash before them.
#[track_caller]
fn assert_holds(house: &House, images: &[(String, String)], fuse: &str) {
    let regions = house.board().regions();
    assert_eq!(regions.len(), 3, "{regions:?}");
    assert_eq!(regions[0].0, "0x60000000");
    assert_eq!(&regions[1..], images);
    assert_eq!(house.board().boot_fuse(), fuse);
}

#[test]
fn runs_the_documented_commands_in_the_documented_order() {
    let (house, ran, images) = rescue("", &[]);
    ran.exits(0).says("SIMULATION PASSED").says("1fc9:0135 i.MX RT ROM is there").says("runs its firmware again");
    assert_eq!(house.commands(), DOCUMENTED);
    assert!(house.calls().iter().all(|call| call.exit_code == Some(0)));
    assert_holds(&house, &images, FUSE_SET);
    assert_eq!(house.left_over(), [""; 0]);
}

#[test]
fn makes_up_the_images_that_are_missing_and_says_so() {
    let house = House::new();
    let ran = house.simulate("", &["--message-format", "json"]).exits(0);
    let events = ran.events();
    let made: Vec<(&str, &str)> = events
        .iter()
        .filter(|event| event["event"] == "input_ready" && event["generated"] == true)
        .map(|event| (event["file"].as_str().unwrap(), event["sha256"].as_str().unwrap()))
        .collect();
    let [("sdphost_flash_loader.bin", _), ("blhost_flash_loader.bin", sbl), ("firmware.bin", firmware)] = *made else {
        panic!("{made:?}");
    };
    let images = [("0x60001000".to_owned(), sbl.to_owned()), ("0x60040000".to_owned(), firmware.to_owned())];
    assert_holds(&house, &images, FUSE_SET);
    house.simulate("fuse-set", &[]).exits(0).says("firmware.bin · 1,500,000 bytes · made up for the simulation");
}

#[test]
fn the_old_tools_do_as_well() {
    let (house, ran, images) = rescue("legacy", &[]);
    ran.exits(0).says("blhost 2.6.2");
    assert_eq!(house.commands(), DOCUMENTED);
    assert_holds(&house, &images, FUSE_SET);
}

#[test]
fn waits_for_a_late_flashloader() {
    let (house, ran, images) = rescue("late-flashloader", &[]);
    ran.exits(0).says("waiting: 15a2:0073 RAM flashloader is not there yet").says("(after 8.");
    assert_eq!(house.commands(), DOCUMENTED);
    assert_holds(&house, &images, FUSE_SET);
}

#[test]
fn a_refused_write_is_erased_and_written_again() {
    let (house, ran, images) = rescue("write-refused", &[]);
    ran.exits(0).says("code 10203").says("Trying again in 0.5 s: attempt 2 of 3.").says("1 retry");
    let commands = house.commands();
    let writes = |address: &str| {
        let wanted = [format!("flash-erase-region {address}"), format!("write-memory {address}")];
        commands.iter().filter(|call| wanted.iter().any(|wanted| call.contains(wanted))).count()
    };
    assert_eq!((writes("0x60001000"), writes("0x60040000")), (4, 2));
    assert_holds(&house, &images, FUSE_SET);
}

#[test]
fn a_board_lost_in_the_firmware_begins_again_in_the_rom() {
    let (house, ran, images) = rescue("lost-in-firmware", &[]);
    ran.exits(0).says("(device-lost)").says("(time 1 of at most 3).").says("1 restart");
    let commands = house.commands();
    assert_eq!(commands.iter().filter(|call| call.contains("jump-address")).count(), 2);
    assert_eq!(commands.iter().filter(|call| *call == BURN).count(), 1);
    assert_holds(&house, &images, FUSE_SET);
}

#[test]
fn a_fuse_that_is_set_is_left_alone() {
    let (house, ran, images) = rescue("fuse-set", &[]);
    ran.exits(0).says("skipped: it was done before: the reading at the beginning showed it");
    assert!(!house.commands().iter().any(|call| call == BURN));
    assert_holds(&house, &images, FUSE_SET);
}

#[test]
fn where_nobody_can_consent_it_stops_before_anything_is_written() {
    let (house, ran, _) = rescue("", &["--non-interactive"]);
    let ran = ran.exits(6).says("--allow-irreversible boot-fuse").never_says("SIMULATION PASSED");
    ran.says("This run has changed nothing on the board.").says("(boot-fuse)");
    let changes =
        |call: &&String| ["efuse-program-once", "flash-erase", "write-memory"].iter().any(|word| call.contains(word));
    assert_eq!(house.commands().iter().find(changes), None);
    assert_eq!(house.board().boot_fuse(), FUSE_CLEAR);
}

#[test]
fn consent_may_be_given_beforehand() {
    let (house, ran, images) = rescue("", &["--non-interactive", "--allow-irreversible", "boot-fuse"]);
    ran.exits(0).says("consent given: --allow-irreversible");
    assert_eq!(house.commands(), DOCUMENTED);
    assert_holds(&house, &images, FUSE_SET);
}

/// A flash that does not hold what was written must never get its fuse burnt.
#[test]
fn a_bad_flash_keeps_its_fuse() {
    let (house, ran, _) = rescue("flash-bad", &[]);
    ran.exits(1).says("the fuse was not touched").says("Running recover again is safe");
    assert!(!house.commands().iter().any(|call| call.contains("efuse-program-once")));
    assert_eq!(house.board().boot_fuse(), FUSE_CLEAR);
}

#[test]
fn a_fuse_that_stays_clear_is_no_success() {
    let (house, ran, _) = rescue("fuse-stuck", &[]);
    ran.exits(1).says("the tool said that it worked, but a reading shows no effect").says("never repeats what cannot");
    assert_eq!(house.commands().iter().filter(|call| *call == BURN).count(), 1);
    assert!(!house.commands().iter().any(|call| call.ends_with("-- reset")));
}

/// The reading decides, and it is made over a link that is in step again.
#[test]
fn a_burn_without_an_answer_is_judged_by_reading() {
    let (house, ran, images) = rescue("fuse-no-answer", &[]);
    ran.exits(0).says("the tool reported a fault, but the reading shows that it worked");
    assert_eq!(house.commands().iter().filter(|call| *call == BURN).count(), 1);
    assert_holds(&house, &images, FUSE_SET);
}

/// A late answer shifts all that follow by one command; only a fresh start of the board cures it.
#[test]
fn a_link_out_of_step_begins_again_in_the_rom() {
    for flavour in ["erase-no-answer", "erase-no-answer,legacy"] {
        let (house, ran, images) = rescue(flavour, &[]);
        ran.exits(0)
            .says("(no-answer")
            .says("The board answers one command late, so no answer can be trusted")
            .says("Going back to: ");
        assert_eq!(house.commands().iter().filter(|call| *call == BURN).count(), 1);
        assert_holds(&house, &images, FUSE_SET);
    }
}

#[test]
fn a_tool_that_hangs_is_ended() {
    let (house, ran, images) = rescue("tool-hangs", &[]);
    ran.exits(0).says("note: blhost").says("ending it").says("(timed-out)").says("Going back to: ");
    assert!(house.calls().iter().any(|call| call.exit_code.is_none()));
    assert_holds(&house, &images, FUSE_SET);
}

#[test]
fn a_board_that_cannot_be_reached_is_told_from_one_that_fails() {
    let (_, ran, _) = rescue("absent", &[]);
    ran.exits(5).says("1fc9:0135 i.MX RT ROM is not there yet").says("Check the wire and the cable");
    let (_, ran, _) = rescue("no-permission", &[]);
    let ran = ran.exits(5).says("no permission");
    if cfg!(target_os = "linux") {
        ran.says("/etc/udev/rules.d/").says("recover doctor --fix");
    }
    let (house, ran, _) = rescue("two-boards", &[]);
    ran.exits(5).says("2 devices show as 1fc9:0135 i.MX RT ROM: port 1-2, port 1-3").says("choose one with --port 1-2");
    assert_eq!(house.commands(), [""; 0]);
}

/// Every starting state and fault there is, with the exit code it must end in; and what must hold whatever happens.
#[test]
fn whatever_happens_the_end_is_honest() {
    let expected: &[(&str, i32)] = &[
        ("legacy", 0),
        ("spsdk-2.6", 0),
        ("late-flashloader", 0),
        ("fuse-set", 0),
        ("absent", 5),
        // Nobody says that the board that was there before is the one that is meant.
        ("in-rom", 5),
        ("no-permission", 5),
        ("two-boards", 5),
        ("hab-closed", 1),
        ("flashloader-refused", 1),
        ("lost-in-flashloader", 0),
        ("jump-no-answer", 0),
        ("jump-ignored", 0),
        ("erase-refused", 0),
        ("erase-no-answer", 0),
        ("lost-before-erase", 0),
        ("write-refused", 0),
        ("write-aborted", 0),
        ("write-no-answer", 0),
        ("lost-in-firmware", 0),
        ("flash-bad", 1),
        ("fuse-no-answer", 0),
        ("lost-in-fuse", 0),
        ("fuse-stuck", 1),
        ("fuse-not-kept", 1),
        ("boot-pin-held", 1),
        ("block-not-kept", 1),
        ("image-not-kept", 1),
        ("bit-flips-once", 0),
        ("block-flips-once", 0),
        ("slow-flash", 0),
        ("reset-no-answer", 0),
        ("lost-before-reset", 0),
        ("tool-hangs", 0),
        ("wire-forgotten", 0),
        ("legacy,write-no-answer,lost-in-fuse,reset-no-answer", 0),
        ("write-refused,lost-in-firmware,fuse-no-answer,late-flashloader", 0),
    ];
    let source = recover::documents::library::shipped_playbook("rt1062").unwrap();
    let playbook = recover::documents::playbook::load(&source, &|_| unreachable!()).playbook.unwrap();
    for (name, _) in recover::bench::Bench::names(&playbook).unwrap() {
        assert!(expected.iter().any(|(names, _)| *names == name), "`{name}` is not proven here");
    }
    // Two at a time: each run is mostly a row of short processes.
    let (first, second) = expected.split_at(expected.len() / 2);
    std::thread::scope(|scope| {
        for half in [first, second] {
            scope.spawn(move || half.iter().for_each(|(names, code)| prove(names, *code)));
        }
    });
}

/// With the wire in place the ROM is there again a fraction of a second after the reset, long before anybody could have
/// moved anything. Twenty such fractions.
#[test]
fn nobody_is_reproached_for_a_rom_that_comes_back_after_the_reset() {
    let playbook = recover::documents::library::shipped_playbook("rt1062").unwrap();
    let prove = |rom_after_reset: u32| {
        let house = House::new();
        let images = house.images();
        let setting = format!("virtual_board:\n  rom_after_reset: {rom_after_reset}\n");
        house.write("own.yaml", playbook.text.replace("virtual_board:\n", &setting));
        let bench = house.path("bench");
        let args = ["run", "own.yaml", "--simulate", "--files", "images", "--bench", bench.to_str().unwrap()];
        let args = [&args[..], &["--allow-irreversible", "boot-fuse"]].concat();
        let ran = house.run(&args).exits(0);
        ran.says("Remove the wire").never_says("The wire is still connected").never_says("Warning");
        assert_holds(&house, &images, FUSE_SET);
    };
    let times: Vec<u32> = (0..20).map(|step| 200 + step * 65 - if step < 4 { step * 115 } else { 0 }).collect();
    assert!(times.contains(&200) && times.iter().all(|time| *time < 1_500), "{times:?}");
    let (first, second) = times.split_at(10);
    std::thread::scope(|scope| {
        for half in [first, second] {
            scope.spawn(move || half.iter().for_each(|time| prove(*time)));
        }
    });
}

fn prove(names: &str, code: i32) {
    let (house, ran, images) = rescue(names, &["--message-format", "json"]);
    assert_eq!(ran.code, Some(code), "{names}: {}", ran.text());
    let events = ran.events();
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&"finished".into(), &code.into()), "{names}");
    assert_eq!(last["outcome"] == "recovered", code == 0, "{names}");
    assert_eq!(events.iter().filter(|event| event["event"] == "finished").count(), 1, "{names}");
    assert_eq!(last["problem"].is_null(), code == 0, "{names}");
    let commands = house.commands();
    let burns: Vec<usize> =
        commands.iter().enumerate().filter(|(_, call)| *call == BURN).map(|(index, _)| index).collect();
    assert!(burns.len() <= 1, "{names}: {commands:?}");
    assert!(!commands.iter().any(|call| call.ends_with("lock")), "{names}");
    if code == 0 {
        assert_holds(&house, &images, FUSE_SET);
    } else {
        let problem = &last["problem"];
        assert!(problem["next"].as_array().is_some_and(|next| !next.is_empty()), "{names}: {problem}");
        assert!(problem["state"].as_str().is_some_and(|state| !state.is_empty()), "{names}: {problem}");
    }
    if let Some(burn) = burns.first() {
        // Each region was read after it was changed last, and after the board was there anew.
        for address in ["0x60000000", "0x60001000", "0x60040000"] {
            let changes =
                [format!("flash-erase-region {address}"), format!("write-memory {address}"), "jump-address".to_owned()];
            let changed = commands[..*burn].iter().rposition(|call| changes.iter().any(|word| call.contains(word)));
            let read = format!("read-memory {address}");
            let proven = commands[changed.unwrap()..*burn].iter().any(|call| call.contains(&read));
            assert!(proven, "{names}: burnt without proof of {address}: {commands:?}");
        }
        let kept = if names == "image-not-kept" { &images[1..] } else { &images[..] };
        assert!(house.board().regions().ends_with(kept), "{names}");
    }
    assert_eq!(house.left_over(), [""; 0], "{names}");
}

#[test]
fn a_dry_run_runs_nothing() {
    let house = House::new();
    let ran = house.simulate("", &["--dry-run"]).exits(0);
    assert_eq!(house.commands(), [""; 0]);
    let flat = ran.flat();
    let mut rest = flat.as_str();
    for command in ["write-file 0x20001C00 sdphost_flash_loader.bin", "flash-erase-region 0x60001000 0x8000", "reset"] {
        let at = rest.find(command).unwrap_or_else(|| panic!("{command} is missing or out of order: {}", ran.text()));
        rest = &rest[at..];
    }
    ran.says("THIS CANNOT BE UNDONE").says("Disconnect the camera.").never_says("${");
    assert_eq!(house.left_over(), [""; 0]);
}

/// The same commands, expanded in the same way, as the run itself makes when nothing goes wrong.
#[test]
fn a_dry_run_tells_what_a_run_does() {
    let house = House::new();
    house.images();
    let dry =
        house.run(&["--playbook", "rt1062", "--files", "images", "--dry-run", "--message-format", "json"]).exits(0);
    let events = dry.events();
    let mut commands = Vec::new();
    // What comes only when something has gone wrong: when a reading differs, or the ROM stays.
    let of_trouble = |step: &&serde_json::Value| {
        let notes = step["notes"].as_array().unwrap();
        notes.iter().any(|note| ["is not", "rom stays"].iter().any(|word| note.as_str().unwrap().contains(word)))
    };
    for step in events.iter().filter(|event| event["event"] == "planned_step").filter(|step| !of_trouble(step)) {
        for line in step["lines"].as_array().unwrap() {
            if let Some(words) = line["command"]["command"].as_array() {
                commands.push(words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" "));
            }
        }
    }
    assert_eq!(commands, DOCUMENTED);
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["outcome"], &last["exit_code"]),
        (&"finished".into(), &"planned".into(), &0.into())
    );
}

#[test]
fn a_dry_run_for_a_real_camera_says_which_files_it_needs() {
    let house = House::new();
    house.run(&["--playbook", "rt1062"]).exits(2).says("3 files and 2 tools cannot be used").says("--files DIR");
    house.run(&["--playbook", "rt1062", "--dry-run"]).exits(0).says("Not there yet").says("firmware.bin");
    house.images();
    house
        .run(&["--playbook", "rt1062", "--dry-run", "--files", "images"])
        .exits(0)
        .says("flash-erase-region 0x60040000 0x4000");
}
