//! SPSDK as a module of a Python (`via` in the catalog): of the one on PATH, and of one that a program brings along, as OpenMV
//! IDE 5 does.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::json;

use crate::imxrt_simulation::{PORT, Wire};
use crate::recovery::{CHANGES, CONSENT};
use crate::requirements::{self, NEWEST, VERSIONS};
use crate::support::Ran;
use crate::workplace::Workplace;

/// The Python that the tools were installed with, without them.
fn python(version: &str) -> PathBuf {
    requirements::folder(version).join("bin/python").canonicalize().unwrap()
}

/// Where the tools' modules lie.
fn modules(version: &str) -> PathBuf {
    let library = requirements::folder(version).join("lib");
    let python = std::fs::read_dir(library).unwrap().map(|entry| entry.unwrap().path()).next().unwrap();
    python.join("site-packages")
}

/// A place where no tool is installed, but for what a test adds.
fn without_tools(version: &str) -> Workplace {
    let mut place = Workplace::new(version, &json!({}));
    std::fs::create_dir_all(place.house.path("path")).unwrap();
    place.house.set("PATH", place.house.path("path"));
    place
}

fn stand_in(place: &Workplace) -> PathBuf {
    let variables = place.boards.variables();
    variables.into_iter().find(|(name, _)| *name == "PYTHONPATH").map(|(_, path)| path.into()).unwrap()
}

fn assert_found(mut ran: Ran, version: &str) {
    for tool in ["blhost", "sdphost"] {
        ran = ran.says(&format!("{tool} {version} (SPSDK)")).says(&format!("-m spsdk.apps.{tool}"));
    }
}

#[test]
fn the_python_on_path_brings_a_new_board_back() {
    if !requirements::met("the_python_on_path_brings_a_new_board_back") {
        return;
    }
    let mut place = without_tools(NEWEST);
    symlink(python(NEWEST), place.house.path("path/python3")).unwrap();
    let paths = std::env::join_paths([stand_in(&place), modules(NEWEST)]).unwrap();
    place.house.set("PYTHONPATH", paths);
    let plug = || place.boards.plug(PORT, Wire::Fitted);
    let ran = place.recover_with("rt1062.yaml", &CONSENT, &[("YOU", &plug)]).exits(0);
    assert_found(ran, NEWEST);
    assert_eq!(place.boards.state().changes(), CHANGES);
}

/// A tree as that of the IDE: a Python, and the package beside it, which it knows by a variable.
#[test]
fn the_python_of_another_program_is_used_with_the_package_beside_it() {
    if !requirements::met("the_python_of_another_program_is_used_with_the_package_beside_it") {
        return;
    }
    for version in VERSIONS {
        let place = without_tools(version);
        let ide = place.house.path("home/openmvide/share/qtcreator");
        let (bin, package) = (ide.join("python/linux-x86_64/bin"), ide.join("spsdk/linux-x86_64"));
        for folder in [&bin, &package] {
            std::fs::create_dir_all(folder).unwrap();
        }
        symlink(python(version), bin.join("python")).unwrap();
        for entry in std::fs::read_dir(modules(version)).unwrap() {
            let entry = entry.unwrap();
            // In its place is the one that knows the simulated boards.
            if entry.file_name() != "libusbsio" {
                symlink(entry.path(), package.join(entry.file_name())).unwrap();
            }
        }
        symlink(stand_in(&place).join("libusbsio"), package.join("libusbsio")).unwrap();
        place.house.write("one.yaml", GET_PROPERTY);
        place.boards.plug_running(PORT, "flashloader");
        let ran = place.recover("one.yaml", &[]).exits(0);
        ran.says(&format!("blhost {version} (SPSDK)"))
            .says("openmvide/share/qtcreator/python/linux-x86_64/bin/python")
            .says("done in");
        assert!(place.boards.state().commands().iter().any(|command| command.starts_with("get-property")), "{version}");
    }
}

const GET_PROPERTY: &str = r#"
format: 1
board: One question
devices:
  flashloader: {hid: "15a2:0073", label: flashloader}
steps:
  - run: blhost
    device: flashloader
    args: ["-u", "0x15A2,0x0073", "--", "get-property", "1"]
    timeout: 60s
"#;

/// Files from the same place as the firmware, as they lie after unpacking it: none of them is run.
#[test]
fn a_package_beside_the_firmware_is_not_imported() {
    if !requirements::met("a_package_beside_the_firmware_is_not_imported") {
        return;
    }
    for options in [&[][..], &["--single-calls"]] {
        let mut place = without_tools(NEWEST);
        symlink(python(NEWEST), place.house.path("path/python3")).unwrap();
        let paths = std::env::join_paths([stand_in(&place), modules(NEWEST)]).unwrap();
        place.house.set("PYTHONPATH", paths);
        let mark = place.house.path("imported");
        for file in ["spsdk/__init__.py", "spsdk/apps/__init__.py", "spsdk/apps/blhost.py", "click.py", "runpy.py"] {
            for folder in ["work", "images"] {
                let says = format!("open({:?}, 'a').write(__file__)\nraise SystemExit('imported')\n", mark.display());
                place.house.write(&format!("{folder}/{file}"), says);
            }
        }
        place.house.write("one.yaml", GET_PROPERTY);
        place.boards.plug_running(PORT, "flashloader");
        place.recover("one.yaml", options).exits(0).says("done in");
        assert_eq!(std::fs::read_to_string(&mark).ok(), None);
    }
}
