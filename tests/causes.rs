//! What stands in the way of a rescue, one cause at a time: each planted, named, and with the remedy that fits it, before a
//! hand moves where that can be known. Causes that need a bus are planted on a simulated one (`tests/real_dfu_util`), on the
//! virtual boards, or where they are told apart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{Ended, House, fitting};

const GOOD: &str = "echo 'dfu-util 0.11'\n";
const OLD: &str = "echo 'dfu-util 0.9'\n";

/// With the bootloader of the H7 in the current folder, and nothing else.
fn with_files() -> House {
    let house = House::new();
    house.write("bootloader.bin", fitting("h7", "bootloader.bin", 8192));
    house
}

/// What one cause looks like: how it is planted, what is run, and what has to be said.
struct Cause {
    name: &'static str,
    plant: fn() -> House,
    run: &'static [&'static str],
    /// None where it depends on the USB of this computer.
    code: Option<i32>,
    says: &'static [&'static str],
}

/// The virtual board stands in front of the person at once, so what they are asked is what a real run would ask.
const CAUSES: &[Cause] = &[
    Cause {
        name: "no tool",
        plant: with_files,
        run: &["h7", "--non-interactive"],
        code: Some(4),
        says: &["`dfu-util` was not found", "To install dfu-util"],
    },
    Cause {
        name: "an old tool, and a good one behind it",
        plant: || {
            let mut house = with_files();
            house.script("old/dfu-util", OLD);
            house.script("good/dfu-util", GOOD);
            let path = ["old", "good"].map(|folder| house.path("work").join(folder));
            house.set("PATH", std::env::join_paths(path).unwrap());
            house
        },
        run: &["doctor", "h7"],
        code: None,
        says: &["version 0.11", "passed over", "it is version 0.9, and at least 0.11 is needed"],
    },
    Cause {
        name: "an old tool alone",
        plant: || {
            let mut house = with_files();
            let old = house.script("dfu-util", OLD);
            house.set("PATH", old.parent().unwrap().to_owned());
            house
        },
        run: &["h7", "--non-interactive"],
        code: Some(4),
        says: &["at least 0.11 is needed", "dfu-util-0.11-binaries.tar.xz"],
    },
    Cause {
        name: "a broken tool",
        plant: || {
            let mut house = with_files();
            let broken = house
                .script("dfu-util", "echo 'error while loading shared libraries: libusb-1.0.so.0' >&2\nexit 127\n");
            house.set("PATH", broken.parent().unwrap().to_owned());
            house
        },
        run: &["h7", "--non-interactive"],
        code: Some(4),
        says: &["libusb-1.0.so.0", "To install it anew: Download", "say where: `--tool dfu-util=PATH`"],
    },
    Cause {
        name: "the tools of OpenMV IDE 5",
        plant: || {
            let house = with_files();
            house.script("../home/openmvide-5/share/qtcreator/dfu-util/linux64/dfu-util", GOOD);
            house
        },
        run: &["doctor", "h7"],
        code: None,
        says: &["version 0.11", "openmvide-5/share/qtcreator/dfu-util"],
    },
    Cause {
        name: "no files",
        plant: House::new,
        run: &["h7", "--non-interactive"],
        code: Some(2),
        says: &["`bootloader.bin` (the camera's bootloader) is not in the current folder", "OpenMV IDE brings them"],
    },
    Cause {
        name: "the folder of another board",
        plant: || {
            let house = House::new();
            house.write("OPENMV3/bootloader.bin", fitting("m7", "bootloader.bin", 8192));
            house
        },
        run: &["h7", "--files", "OPENMV3", "--non-interactive"],
        code: Some(2),
        says: &["holds the files of another board, OpenMV Cam M7", "run the playbook `m7`"],
    },
    Cause {
        name: "the file of another board",
        plant: || {
            let house = House::new();
            house.write("bootloader.bin", fitting("m4", "bootloader.bin", 8192));
            house
        },
        run: &["h7", "--non-interactive"],
        code: Some(2),
        says: &["is not a program for this board", "OpenMV Cam M4"],
    },
    Cause {
        name: "an Intel HEX file in place of the image",
        plant: || {
            let house = House::new();
            house.write("bootloader.bin", ":020000040800F2\n:10000000000002200D0200080000000000000000C7\n".repeat(200));
            house
        },
        run: &["h7", "--non-interactive"],
        code: Some(2),
        says: &["Intel HEX"],
    },
    Cause {
        name: "a cable that only charges",
        plant: with_files,
        run: &["h7", "--simulate=absent"],
        code: Some(5),
        says: &["After 20 s: Nothing at all has come to the USB bus", "perhaps its cable carries only power"],
    },
    Cause {
        name: "the wire was forgotten",
        plant: with_files,
        run: &["rt1062", "--simulate=wire-forgotten"],
        code: Some(0),
        says: &["The wire is still connected"],
    },
    Cause {
        name: "two boards",
        plant: with_files,
        run: &["h7", "--simulate=two-boards"],
        code: Some(5),
        says: &["--port 1-2 added"],
    },
    Cause {
        name: "a device that may not be used",
        plant: with_files,
        run: &["h7", "--simulate=no-permission"],
        code: Some(5),
        says: &["you have no permission to use it", "recover doctor --fix"],
    },
];

#[test]
fn each_cause_is_named_with_its_remedy() {
    let mut wrong = Vec::new();
    for Cause { name, plant, run, code, says } in CAUSES {
        let ran = plant().run(run);
        let told = ran.flat();
        let missing: Vec<&&str> = says.iter().filter(|words| !told.contains(**words)).collect();
        if code.is_some() && ran.code != *code || !missing.is_empty() {
            wrong.push(format!("{name}: exit code {:?}, and does not say {missing:?}:\n{}", ran.code, ran.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn causes_that_apply_together_are_told_together() {
    let mut house = House::new();
    house.write("bootloader.bin", ":020000040800F2\n".repeat(600));
    let old = house.script("tools/dfu-util", OLD);
    house.set("PATH", old.parent().unwrap().to_owned());
    let ran = house.run(&["h7", "--non-interactive"]).exits(2).says("one file and one tool cannot be used");
    ran.says("Intel HEX").says("at least 0.11 is needed").never_says("YOU");
}

#[test]
fn a_service_that_takes_serial_ports_is_named() {
    let house = House::new();
    // Whatever runs under that name: only the name is looked at.
    let sleeper = house.path("work/ModemManager");
    std::fs::copy("/bin/sleep", &sleeper).unwrap();
    let _running = Ended(std::process::Command::new(&sleeper).arg("60").spawn().unwrap());
    let ran = house.run(&["doctor", "ae3"]);
    ran.says("ModemManager it is running").says("sudo systemctl stop ModemManager");
}
