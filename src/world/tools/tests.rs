//! Which program is taken for a tool, and why others are not.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::test_computer::{BY_PLACE, Computer, flavour, tool};
use super::*;
use crate::documents::catalog::{Catalog, PerOperatingSystem, Tool, Via};
use crate::world::process;

#[test]
fn places_are_tried_in_order() {
    let flasher = tool("flasher", "echo tool 1.2");
    let computer = Computer::new().with("path/flasher");
    assert_eq!(computer.found_by(&flasher), "PATH");
    let computer = computer.with("home/tools-1/flasher").with("home/tools-2/flasher");
    assert_eq!(computer.found_by(&flasher), "HERE/home/tools-2");
    let root = computer.path("root");
    let computer = computer.with("root/bin/flasher").variable("TOOL_ROOT", root);
    assert_eq!(computer.found_by(&flasher), "HERE/root/bin");
    let computer = computer.with("own").variable("RECOVER_TOOL_FLASHER", "own");
    assert_eq!(computer.found_by(&flasher), "RECOVER_TOOL_FLASHER");
    let mut computer = computer.with("best");
    computer.explicit.insert("flasher".to_owned(), computer.path("best"));
    assert_eq!(computer.found_by(&flasher), "--tool");
    assert_eq!(computer.find(&[&flasher]).unwrap()[0].launcher, [computer.path("best").into_os_string()]);
}

#[test]
fn beside_recover_comes_before_the_catalogs_folders() {
    let flasher = tool("flasher", "echo tool 1.2");
    let mut computer = Computer::new().with("home/tools-1/flasher").with("venv/bin/flasher");
    computer.surroundings.own_folder = Some(computer.path("venv/bin"));
    assert_eq!(computer.found_by(&flasher), "HERE/venv/bin");
    let computer = computer.with("own").variable("RECOVER_TOOL_FLASHER", "own");
    assert_eq!(computer.found_by(&flasher), "RECOVER_TOOL_FLASHER");
}

#[test]
fn what_the_person_named_is_never_passed_over() {
    let flasher = tool("dfu-flasher", "echo tool 1.2");
    let computer = Computer::new().with("path/dfu-flasher").variable("RECOVER_TOOL_DFU_FLASHER", "nowhere");
    let problem = computer.problem(&flasher);
    assert!(
        matches!(&problem.trouble, Trouble::NotThere { given_by, .. } if given_by == "RECOVER_TOOL_DFU_FLASHER"),
        "{problem:?}"
    );
    assert!(problem.to_string().contains("nowhere`, given as the tool `dfu-flasher` by"), "{problem}");
    // What would have been taken is told, since it may be all that is needed.
    assert_eq!(
        computer.remedies(&flasher),
        [
            "Use version 1.2, which is there too: `--tool dfu-flasher=HERE/path/dfu-flasher`",
            "Correct the path that RECOVER_TOOL_DFU_FLASHER gives, or leave it out",
        ]
    );

    let mut computer = Computer::new().with("path/dfu-flasher").plain("plain");
    computer.explicit.insert("dfu-flasher".to_owned(), computer.path("plain"));
    let problem = computer.problem(&flasher).to_string();
    assert!(problem.ends_with("by --tool, cannot be used: it is not executable for this user"), "{problem}");
    assert_eq!(computer.remedies(&flasher)[1], "Allow it to be run:\nchmod +x HERE/plain");
}

#[test]
fn the_first_usable_one_is_taken_and_the_others_are_told() {
    let mut flasher = tool("flasher", BY_PLACE);
    flasher.folders.linux.push("~/odd".to_owned());
    flasher.version.flavours[0].minimum = Some("0.11".parse().unwrap());
    let computer = Computer::new()
        .plain("home/tools-3/flasher")
        .with("home/tools-2/flasher")
        .with("home/tools-1/flasher")
        .with("home/odd/flasher")
        .with("path/flasher");
    let found = computer.find(&[&flasher]).unwrap().remove(0);
    assert_eq!((found.found_by.as_str(), found.version.to_string().as_str()), ("PATH", "1.2"));
    let told: Vec<String> =
        found.passed_over.iter().map(|over| computer.here(&format!("{}: {}", over.program, over.why))).collect();
    assert_eq!(
        told,
        [
            "HERE/home/tools-3/flasher: it is not executable for this user",
            "HERE/home/tools-2/flasher: it is version 0.9, and at least 0.11 is needed",
            "HERE/home/tools-1/flasher: it did not tell its version: exit code 127 (it printed: libusb is \
             missing)",
            "HERE/home/odd/flasher: it seems to be another program (it printed: I paint walls)",
        ]
    );
}

#[test]
fn a_broken_one_on_path_does_not_hide_the_one_behind_it() {
    let flasher = tool("flasher", "case $0 in */first/*) exit 127;; *) echo tool 1.2;; esac");
    let mut computer = Computer::new().with("first/flasher").with("second/flasher").plain("zero/flasher");
    let path = std::env::join_paths(["zero", "first", "second"].map(|name| computer.path(name))).unwrap();
    computer.surroundings.search_path = Some(path);
    let found = computer.find(&[&flasher]).unwrap().remove(0);
    assert_eq!(found.launcher, [computer.path("second/flasher").into_os_string()]);
    assert_eq!(found.passed_over.len(), 1);
}

#[test]
fn tells_flavours_apart_by_their_order() {
    let mut flasher = tool("flasher", "echo; echo old tool 0.9; printf '\\033[32mnew v3.12.0\\033[0m\\n' >&2; exit 7");
    flasher.version.flavours = vec![flavour(Some("new"), "new"), flavour(Some("old"), "old tool")];
    let found = Computer::new().with("path/flasher").find(&[&flasher]).unwrap().remove(0);
    assert_eq!((found.version.to_string().as_str(), found.flavour.as_deref()), ("3.12.0", Some("new")));
}

#[test]
fn a_preferred_flavour_is_taken_wherever_it_is_installed() {
    // Each place prints what kind it is by the name of its folder.
    let mut flasher = tool("flasher", "case $0 in */path/*) echo old tool 0.9;; *) echo new 3.12;; esac");
    flasher.version.flavours = vec![flavour(Some("new"), "new"), flavour(Some("old"), "old tool")];
    let computer = Computer::new().with("home/tools-1/flasher").with("path/flasher");
    let found_by = |tool: &Tool| computer.found_by(tool);
    assert_eq!(found_by(&flasher), "HERE/home/tools-1");
    flasher.version.prefer = Some("old".to_owned());
    assert_eq!(found_by(&flasher), "PATH");
    flasher.version.prefer = Some("new".to_owned());
    assert_eq!(found_by(&flasher), "HERE/home/tools-1");
    // What the person names is taken, preferred or not.
    flasher.version.prefer = Some("old".to_owned());
    let named = computer.path("home/tools-1/flasher");
    let computer = computer.variable("RECOVER_TOOL_FLASHER", named);
    assert_eq!(computer.found_by(&flasher), "RECOVER_TOOL_FLASHER");
}

#[test]
fn versions_are_checked() {
    let computer = Computer::new().with("path/flasher");
    let mut flasher = tool("flasher", "echo tool 0.9");
    flasher.version.flavours[0].minimum = Some("0.11".parse().unwrap());
    let problem = computer.problem(&flasher).to_string();
    assert!(problem.contains("it is version 0.9, and at least 0.11 is needed"), "{problem}");

    flasher.version.flavours[0].known_bad.push(("0.9".parse().unwrap(), "it erases too much".to_owned()));
    let problem = computer.problem(&flasher).to_string();
    assert!(problem.contains("it is version 0.9, which must not be used: it erases too much"), "{problem}");
}

#[test]
fn another_program_of_the_same_name_is_told() {
    let computer = Computer::new().with("path/flasher");
    let flasher = tool("flasher", "echo I paint walls");
    let problem = computer.problem(&flasher);
    assert!(problem.to_string().contains("I paint walls"));
    // The tool itself is not there.
    assert_eq!(computer.remedies(&flasher)[0], "To install flasher: Fetch it yourself");

    let problem = computer.problem(&tool("flasher", "echo first; echo libusb is missing >&2; exit 127"));
    assert!(problem.to_string().contains("exit code 127 (it printed: libusb is missing)"), "{problem}");
    assert_eq!(problem.output(), ["first", "libusb is missing"]);
    assert!(computer.problem(&tool("flasher", "")).to_string().contains("it printed nothing"));
}

#[test]
fn a_tool_that_does_not_answer_is_given_up() {
    let computer = Computer::new().with("path/flasher");
    let flasher = tool("flasher", "echo starting; sleep 1000");
    let candidate = locate::search(&flasher, &computer.surroundings).candidates.remove(0);
    let call = probe::version_call(&flasher, &candidate, &ToolEnvironment::default(), &computer.surroundings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer =
        runtime.block_on(probe::ask(process::start(&crate::world::Cleared::unseen(call)), Duration::from_millis(200)));
    let text = probe::judge(&flasher, &answer).unwrap_err().to_string();
    assert!(text.contains("did not tell its version: no answer within 20 s"), "{text}");
}

#[test]
fn its_start_is_timed() {
    let found = Computer::new().with("path/flasher").find(&[&tool("flasher", "sleep 0.3; echo tool 1")]).unwrap();
    assert!(found[0].start_up >= Duration::from_millis(300), "{:?}", found[0].start_up);
}

#[test]
fn indirect_ways_are_tried_one_after_another() {
    let computer = Computer::new().with("path/python").with("path/interpreter");
    let mut flasher = tool("flasher", "x");
    flasher.first_args = Vec::new();
    let way = |words: &[&str]| Via {
        command: words.iter().map(|&word| word.to_owned()).collect(),
        environment: BTreeMap::new(),
    };
    let script = |text: &str| way(&["interpreter", "-c", text]);
    let ways = |ways: Vec<Via>| PerOperatingSystem { linux: ways.clone(), macos: ways.clone(), windows: ways };
    let missing = [way(&["absent"]), script("echo No module >&2; exit 1")];
    flasher.via = ways([&missing[..], &[script("echo tool 4")]].concat());
    let found = computer.find(&[&flasher]).unwrap().remove(0);
    assert_eq!(found.launcher[0], computer.path("path/interpreter").into_os_string());
    assert_eq!(found.found_by, "`interpreter -c echo tool 4`");
    assert_eq!(found.passed_over, []);

    flasher.via = ways(missing.to_vec());
    let text = computer.problem(&flasher).to_string();
    assert!(text.contains("`absent` (there is no `absent`)"), "{text}");
    assert!(text.contains("exit code 1 (it printed: No module)"), "{text}");
}

/// It may take its parts from the folder that it is started in, and there lies what was downloaded.
#[test]
fn a_program_that_starts_the_tool_is_not_asked_in_the_current_folder() {
    let computer = Computer::new().with("path/interpreter");
    let mut flasher = tool("flasher", "x");
    flasher.first_args = Vec::new();
    let command = ["interpreter", "-c", "test \"$(pwd)\" = / && echo tool 4"].map(str::to_owned).into();
    let via = Via { command, environment: BTreeMap::new() };
    flasher.via = PerOperatingSystem { linux: vec![via.clone()], macos: vec![via.clone()], windows: vec![via] };
    assert_eq!(computer.find(&[&flasher]).unwrap().len(), 1);
}

#[test]
fn a_program_that_brings_the_tool_is_found_by_its_path_with_what_lies_around_it() {
    let computer = Computer::new().with("home/suite-5/python/linux/bin/interpreter");
    let mut flasher = tool("flasher", "x");
    flasher.first_args = Vec::new();
    let via = Via {
        command: ["~/suite*/python/*/bin/interpreter", "-c", "echo tool 4 in $PARTS"].map(str::to_owned).into(),
        environment: [("PARTS".to_owned(), "{program_folder}/../../../parts".to_owned())].into(),
    };
    flasher.via = PerOperatingSystem { linux: vec![via.clone()], macos: vec![via.clone()], windows: vec![via] };
    let found = computer.find(&[&flasher]).unwrap().remove(0);
    assert_eq!(found.launcher[0], computer.path("home/suite-5/python/linux/bin/interpreter").into_os_string());
    // Where it was found, not where the link leads: what belongs to it lies around it.
    let parts = found.environment.set["PARTS"].to_str().unwrap().to_owned();
    assert_eq!(computer.here(&parts), "HERE/home/suite-5/python/linux/bin/../../../parts");
}

#[test]
fn all_are_asked_at_once_and_all_problems_told() {
    // Each waits for the other to have begun, so asking one after the other would never end well.
    let computer = Computer::new().with("path/one").with("path/two");
    let meet = |mine: &str, other: &str| {
        let here = computer.folder.path().display();
        format!(": > {here}/{mine}; while ! [ -e {here}/{other} ]; do sleep 0.01; done; echo tool 1")
    };
    let (one, two) = (tool("one", &meet("a", "b")), tool("two", &meet("b", "a")));
    let since = Instant::now();
    let names: Vec<String> = computer.find(&[&two, &one]).unwrap().into_iter().map(|found| found.name).collect();
    assert_eq!(names, ["two", "one"]);
    assert!(since.elapsed() < Duration::from_secs(20));

    let problems = computer.find(&[&tool("three", ""), &tool("one", "echo tool 1"), &tool("four", "")]).unwrap_err();
    let names: Vec<&str> = problems.iter().map(|problem| problem.tool.as_str()).collect();
    assert_eq!(names, ["three", "four"]);
}

#[test]
fn a_tool_gets_its_environment() {
    let computer = Computer::new().with("path/flasher");
    let mut flasher = tool("flasher", "echo \"tool $NUMBER\"");
    flasher.environment.insert("NUMBER".to_owned(), "7".to_owned());
    flasher.environment.insert("CACHE".to_owned(), "{scratch}/cache".to_owned());
    flasher.environment.insert("HERE".to_owned(), "{program_folder}/../lib".to_owned());
    flasher.environment_without_home.insert("HOME".to_owned(), "{scratch}".to_owned());
    let mut catalog = Catalog::default();
    catalog.environment_set.insert("LC_ALL".to_owned(), "C".to_owned());
    catalog.environment_remove.push("DEBUG".to_owned());

    let of = |surroundings: &Surroundings| tool_environment(&catalog, &flasher, Path::new("/run"), surroundings);
    let environment = of(&computer.surroundings);
    assert_eq!(environment.remove, ["DEBUG"]);
    let environment = environment.beside("/opt/flasher/bin/flasher".as_ref());
    let set: Vec<_> = environment.set.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let here = ("HERE", "/opt/flasher/bin/../lib");
    assert_eq!(set, [("CACHE", "/run/cache"), here, ("HOME", "/run"), ("LC_ALL", "C"), ("NUMBER", "7")]);
    std::fs::create_dir(computer.path("home")).unwrap();
    assert_eq!(of(&computer.surroundings).set.get("HOME"), None);

    // A link leads to where the program really is.
    symlink(computer.path("path/flasher"), computer.path("linked")).unwrap();
    let linked = of(&computer.surroundings).beside(computer.path("linked").as_os_str());
    let real = Path::new("/bin/sh").canonicalize().unwrap();
    assert_eq!(linked.set["HERE"], real.parent().unwrap().join("../lib").into_os_string());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let finder = Finder {
        explicit: &BTreeMap::new(),
        installers: &[],
        surroundings: &computer.surroundings,
        start: Arc::new(process::start),
    };
    let found = runtime.block_on(find_tools(&[&flasher], finder, |_| of(&computer.surroundings), |_| ()));
    assert_eq!(found.unwrap()[0].version.to_string(), "7");
}
