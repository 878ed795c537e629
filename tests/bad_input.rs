//! What people get wrong on the command line and in their files: a clear text, the right exit code, and no tool has done
//! anything but tell its version.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::File;

use crate::support::{House, Ran, image};

/// A house in which every tool of the RT1062 is a script that tells its version, and leaves a trace when it is started.
fn house_with_traced_tools() -> House {
    let mut house = House::new();
    #[cfg(unix)]
    for (tool, variable) in [("sdphost", "RECOVER_TOOL_SDPHOST"), ("blhost", "RECOVER_TOOL_BLHOST")] {
        let trace = house.path("trace");
        let text = format!("echo \"$0 $*\" >> '{}'\necho \"{tool}, version 3.12.0\"\n", trace.display());
        let script = house.script(&format!("tools/{tool}"), &text);
        house.set(variable, script);
    }
    house.set("UNUSED", "");
    house
}

/// For a real camera and in a simulation: refused with this exit code and these texts, before any tool has done anything. What
/// is wrong with the tools is told in the same list, so they may have been asked for their version.
#[track_caller]
fn refused(house: &House, args: &[&str], code: i32, texts: &[&str]) {
    let bench = house.path("bench");
    let simulated = ["--simulate", "--bench", bench.to_str().unwrap()];
    for more in [&[][..], &["--dry-run"], &["--message-format=json"], &simulated] {
        let all: Vec<&str> = args.iter().chain(more).copied().collect();
        let ran = house.run(&all).exits(code);
        let told = match more {
            ["--message-format=json"] => told_by_json(&ran, code),
            _ => ran.flat(),
        };
        for text in texts {
            assert!(told.contains(text), "no `{text}` after {all:?}:\n{}", ran.text());
        }
        let started = std::fs::read_to_string(house.path("trace")).unwrap_or_default();
        let worked: Vec<&str> = started.lines().filter(|call| !call.ends_with(" --version")).collect();
        assert!(worked.is_empty(), "tools were at work after {all:?}: {worked:?}");
        assert_eq!(house.commands(), [""; 0], "a mock tool has run after {all:?}");
        assert_eq!(house.left_over(), [""; 0], "after {all:?}");
    }
}

/// Everything the last event says.
#[track_caller]
fn told_by_json(ran: &Ran, code: i32) -> String {
    let events = ran.events();
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&"finished".into(), &code.into()));
    let problem = &last["problem"];
    assert!(problem["class"].is_string(), "{problem}");
    let list = |key: &str| problem[key].as_array().unwrap().clone();
    let mut told = vec![problem["what"].clone(), problem["state"].clone()];
    told.extend(list("output"));
    told.extend(list("next"));
    told.iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_program_is_told_what_is_wrong_with_its_command_line() {
    let house = House::new();
    for args in [
        &["run", "rt1062", "--prot", "1-1"][..],
        &["run"],
        &["run", "rt1062", "--port", "1-1", "--serial", "x"],
        &["rnu", "rt1062"],
        &["--playbook", "nonsense"],
    ] {
        let all: Vec<&str> = args.iter().copied().chain(["--message-format", "json"]).collect();
        let ran = house.run(&all).exits(2);
        let events = ran.events();
        let [event] = events.as_slice() else { panic!("{all:?}: {}", ran.text()) };
        assert_eq!((&event["event"], &event["outcome"]), (&"finished".into(), &"command-line".into()), "{all:?}");
        assert_eq!(event["problem"]["class"], "bad-usage", "{all:?}");
    }
    // Help and version stay what they are.
    for args in [["--help", "--message-format=json"], ["--version", "--message-format=json"]] {
        let ran = house.run(&args).exits(0);
        assert!(!ran.stdout.contains("finished") && ran.stdout.contains("ecover"), "{}", ran.stdout);
    }
}

#[test]
fn unknown_playbooks() {
    let house = house_with_traced_tools();
    refused(
        &house,
        &["--playbook", "rt1061"],
        2,
        &["there is no playbook `rt1061`", "Did you mean `rt1062` (OpenMV Cam RT1062)?"],
    );
    refused(&house, &["run", "boards/mine.yaml"], 2, &["there is no playbook `boards/mine.yaml`", "recover list"]);
    std::fs::create_dir(house.path("work/folder")).unwrap();
    refused(&house, &["run", "folder"], 2, &["folder cannot be read"]);
    house.run(&["check", "nothing.yaml"]).exits(2).says("nothing.yaml");
    house.run(&[]).exits(2);
    house.run(&["run"]).exits(2);
    house.run(&["--playbook", "rt1062", "--frobnicate"]).exits(2);
}

#[test]
fn images_that_are_missing_empty_or_too_large() {
    let house = house_with_traced_tools();
    house.images();
    let run = ["--playbook", "rt1062", "--files", "images"];
    let firmware = house.path("work/images/firmware.bin");

    std::fs::write(&firmware, "").unwrap();
    refused(&house, &run, 2, &["`firmware.bin` is empty"]);

    // Sparse, and far more than any disk for temporary files could take.
    File::create(&firmware).unwrap().set_len(8 << 40).unwrap();
    refused(&house, &run, 2, &["`firmware.bin` has 8796093022208 bytes, and there is room for 3932160 (0x3c0000)"]);

    std::fs::write(&firmware, b"DfuSe\x01").unwrap();
    refused(&house, &run, 2, &["`firmware.bin` is a .dfu file; the .bin file is needed"]);

    std::fs::remove_file(&firmware).unwrap();
    std::fs::create_dir(&firmware).unwrap();
    refused(&house, &run, 2, &["firmware.bin` is not a file"]);
    std::fs::remove_dir(&firmware).unwrap();

    let ran = house.run(&run).exits(2).says("firmware.bin` (the camera's firmware) is not in images");
    ran.says("--set firmware=PATH").says("tools were asked for their version only");
    house.run(&["--playbook", "rt1062"]).exits(2).says("3 files cannot be used").says("`sdphost_flash_loader.bin`");
}

#[test]
fn images_with_a_wrong_header() {
    let house = house_with_traced_tools();
    house.images();
    let run = ["--playbook", "rt1062", "--files", "images"];
    let (sbl, flashloader) = ("work/images/blhost_flash_loader.bin", "work/images/sdphost_flash_loader.bin");
    let whole = std::fs::read(house.path(sbl)).unwrap();
    std::fs::write(house.path(sbl), &whole[..whole.len() - 1]).unwrap();
    refused(&house, &run, 2, &["is cut short: the word at 0x24 is"]);
    std::fs::write(house.path(sbl), "#!/bin/sh\n").unwrap();
    refused(&house, &run, 2, &["`blhost_flash_loader.bin` is a text, and no image"]);
    std::fs::write(house.path(sbl), b"#!/\x00").unwrap();
    refused(&house, &run, 2, &["begins with 23 21 2f instead of d1 00 20"]);
    std::fs::write(house.path(sbl), image(64, &[])).unwrap();
    refused(&house, &run, 2, &["`blhost_flash_loader.bin` is not the expected file"]);
    std::fs::write(house.path(sbl), &whole[..8]).unwrap();
    refused(&house, &run, 2, &["`blhost_flash_loader.bin` is cut short"]);

    // The classic: two files whose names only the tools explain.
    std::fs::rename(house.path(flashloader), house.path(sbl)).unwrap();
    std::fs::write(house.path(flashloader), whole).unwrap();
    refused(
        &house,
        &run,
        2,
        &[
            "2 files cannot be used",
            "it looks like the file for `sbl` (blhost_flash_loader.bin); were the two mixed up?",
            "it looks like the file for `flashloader` (sdphost_flash_loader.bin); were the two mixed up?",
        ],
    );
}

#[test]
fn folders_that_cannot_be_read() {
    let house = house_with_traced_tools();
    refused(&house, &["--playbook", "rt1062", "--files", "nowhere"], 2, &["folder of files nowhere is not there"]);
    house.write("file", "");
    refused(&house, &["--playbook", "rt1062", "--files", "file"], 2, &["folder of files file is not a folder"]);
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let house = house_with_traced_tools();
    house.images();
    let folder = house.path("work/images");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read_dir(&folder).is_ok() {
        eprintln!("skipped: this user may read every folder");
    } else {
        refused(&house, &["--playbook", "rt1062", "--files", "images"], 2, &["cannot be read"]);
    }
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn an_image_that_leads_out_of_its_folder() {
    let house = house_with_traced_tools();
    house.images();
    let inside = house.path("work/images/firmware.bin");
    let outside = house.path("work/elsewhere.bin");
    std::fs::rename(&inside, &outside).unwrap();
    std::os::unix::fs::symlink("../elsewhere.bin", &inside).unwrap();
    let run = ["--playbook", "rt1062", "--files", "images"];
    refused(&house, &run, 2, &["images/firmware.bin leads out of images", "--set firmware="]);
    // What the person names may lie anywhere.
    let set = format!("firmware={}", outside.display());
    let dry = ["--playbook", "rt1062", "--files", "images", "--dry-run", "--set", &set];
    house.run(&dry).exits(0).says("write-memory 0x60040000 firmware.bin");
}

#[test]
fn options_that_do_not_fit_the_playbook() {
    let house = house_with_traced_tools();
    house.images();
    let with = |more: &[&'static str]| [&["--playbook", "rt1062", "--files", "images"], more].concat();
    refused(&house, &with(&["--set", "firmwear=x.bin"]), 2, &["no input `firmwear`", "Did you mean --set firmware=…?"]);
    refused(&house, &with(&["--set", "firmware=x.bin"]), 2, &["x.bin is not there", "--set"]);
    refused(&house, &with(&["--set", "firmware=/dev/zero"]), 2, &["/dev/zero is not a file"]);
    refused(&house, &with(&["--allow-irreversible", "sbl"]), 2, &["no irreversible step `sbl`", "boot-fuse"]);
    refused(&house, &with(&["--allow-irreversible", "boot-fus"]), 2, &["no irreversible step `boot-fus`", "boot-fuse"]);
    let _asked_before = std::fs::remove_file(house.path("trace"));
    house.run(&with(&["--set", "firmware"])).exits(2).says("NAME=VALUE");
    house.run(&with(&["--tool", "esptool=/bin/true"])).exits(2).says("`esptool`");
    house.run(&with(&["--tool", "blhost=/bin/true", "--simulate"])).exits(2).says("--simulate");
    house.run(&with(&["--bench", "x"])).exits(2).says("--simulate");
    house.run(&with(&["--simulate=late-flashloder"])).exits(2).says("late-flashloader");
    house.run(&with(&["--simulate", "--bench", "images/firmware.bin"])).exits(2).says("images/firmware.bin");
    assert!(!house.path("trace").exists());
}

#[test]
fn a_playbook_with_ten_faults() {
    let house = house_with_traced_tools();
    house.write("images/x", "");
    let steps: String = (0..10).map(|index| format!("  - prompt: Step {index}\n    timout: 5s\n")).collect();
    house.write("faulty.yaml", format!("format: 1\nboard: Camera\nsteps:\n{steps}"));
    let places: Vec<String> = (0..10).map(|index| format!("faulty.yaml:{}:5", 5 + 2 * index)).collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    refused(&house, &["--playbook", "faulty.yaml"], 3, &places);
    house.run(&["--playbook", "faulty.yaml"]).exits(3).says("10 errors").says("did you mean `timeout`?");
}

#[test]
fn a_playbook_that_is_none() {
    let house = house_with_traced_tools();
    File::create(house.path("work/large.yaml")).unwrap().set_len(100 << 20).unwrap();
    refused(&house, &["--playbook", "large.yaml"], 3, &["large.yaml"]);
    house.run(&["check", "large.yaml"]).exits(3).says("large.yaml has more than");
    house.write("image.yaml", [0xff, 0xfe, 0x00]);
    refused(&house, &["--playbook", "image.yaml"], 3, &["image.yaml is not a text in UTF-8"]);
    house.write("unsimulated.yaml", "format: 1\nboard: Camera\nsteps:\n  - refuse: It is too old.\n");
    house.run(&["--playbook", "unsimulated.yaml", "--simulate"]).exits(2).says("names no virtual board");
    house.run(&["--playbook", "unsimulated.yaml"]).exits(1).says("STOPPED BY THE PLAYBOOK: It is too old");
}

#[test]
fn tools_that_are_missing_or_broken() {
    let mut house = House::new();
    house.images();
    let run = ["--playbook", "rt1062", "--files", "images"];
    house.run(&run).exits(4).says("sdphost").says("blhost").says("pip").never_says("no tool has run");
    house.set("RECOVER_TOOL_BLHOST", "/nowhere/blhost");
    house.run(&run).exits(4).says("/nowhere/blhost");
}

#[test]
fn everything_about_one_playbook() {
    let house = House::new();
    house.run(&["list"]).exits(0).says("rt1062 OpenMV Cam RT1062").says("pure-thermal");
    house.run(&["list", "h7"]).exits(0).says("shows as 0483:df11").says("simulate boot-loop").never_says("RT1062");
    house.run(&["list", "h77"]).exits(2).says("there is no playbook `h77`").says("Did you mean `h7` (OpenMV Cam H7)?");
    house.write("wrong.yaml", "format: 1\nsteps: 5\n");
    house.run(&["list", "wrong.yaml"]).exits(3).says("wrong.yaml:2:8");
}

/// A pipe would be waited for without an end, and a device is read or written by being opened.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_and_never_opened() {
    let house = house_with_traced_tools();
    house.images();
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(house.path("work").join(name)).status().unwrap();
        assert!(made.success());
    };
    let no_file = "a pipe, a socket or a device";
    std::fs::create_dir(house.path("work/pipes")).unwrap();
    for name in
        ["pipes/sdphost_flash_loader.bin", "pipes/firmware.bin", "board.yaml", "board.scene.yaml", "board.test.yaml"]
    {
        pipe(name);
    }
    let _listening = std::os::unix::net::UnixListener::bind(house.path("work/socket.yaml")).unwrap();
    refused(&house, &["--playbook", "rt1062", "--files", "pipes"], 2, &["firmware.bin"]);
    let firmware = ["--playbook", "rt1062", "--files", "images", "--set", "firmware=pipes/firmware.bin"];
    refused(&house, &firmware, 2, &["pipes/firmware.bin is not a file"]);
    for playbook in ["board.yaml", "socket.yaml", "/dev/null", "/dev/zero"] {
        refused(&house, &["run", playbook], 2, &["cannot be read", no_file]);
        house.run(&["check", playbook]).exits(2).says(no_file);
    }
    house.run(&["run", "rt1062", "--scene", "board.scene.yaml"]).exits(2).says(no_file);
    house.run(&["test", "board.test.yaml"]).says(no_file);
}

/// Nobody is known to hold the board then.
#[test]
fn a_folder_for_locks_that_cannot_be_used_is_no_other_run() {
    let house = house_with_traced_tools();
    house.images();
    std::fs::write(house.path("run/recover"), "in the way").unwrap();
    house
        .run(&["--playbook", "rt1062", "--files", "images"])
        .exits(1)
        .says("the folder for locks")
        .never_says("ANOTHER RUN");
}

/// Known from the files and the command line alone, and once told only when the flash was written.
#[test]
fn what_will_come_out_wrong_is_told_before_the_first_write() {
    let playbook = |check: &str, when: &str| {
        format!(
            "format: 1
board: x
inputs: {{f: {{file: f.bin, help: x}}}}
variables: {{z: {{default: 5, help: x}}}}
devices: {{rom: {{usb: \"0483:df11\", label: ROM, identifies: yes}}, running: {{usb: \"37c5:1204\", label: x}}}}
virtual_board: {{model: stm32-dfu-rom, layout: \"@X /0x08000000/16*128Kg\"}}
steps:
  - {{id: enter, prompt: x, hands: [unplug, fit-jumper, plug-in], until: {{present: rom}}, timeout: 5m}}
  - id: write
    run: dfu-util
    device: rom
    args: [\"-d\", \",0483:df11\", \"-a\", \"0\", \"-s\", \"0x08000000\", \"-D\", \"${{f}}\"]
    timeout: 60s
  - {{id: later, {when}check: \"{check}\", message: m}}
"
        )
    };
    let house = House::new();
    house.write("f.bin", [7; 4096]);
    let run = |check: &str, when: &str, set: &str| {
        house.write("late.yaml", playbook(check, when));
        let bench = house.path("bench");
        let args = ["run", "./late.yaml", "--simulate", "--non-interactive", "--set", set, "--bench"];
        house.run(&[&args[..], &[bench.to_str().unwrap()]].concat())
    };
    for (check, told) in [
        ("100 / z > 0", "`100 / z`"),
        ("100 % (size(f) - 4096) == 0", "`100 % (size(f) - 4096)`"),
        ("align(size(f), z) > 0", "align(size(f), z)"),
    ] {
        let ran = run(check, "", "z=0").exits(2);
        let text = ran.flat();
        assert!(text.contains("later") && text.contains("out of range"), "{told}: {}", ran.text());
        assert!(text.contains("This run has changed nothing on the board"), "{}", ran.text());
        assert_eq!(house.commands(), [""; 0]);
    }
    // What does not come is not held against the run.
    run("100 / z > 0", "when: z != 0, ", "z=0").exits(0);
    run("100 / z > 0", "", "z=5").exits(0);
}
