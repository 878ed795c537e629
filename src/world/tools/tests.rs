//! Links to the shell, under the names of tools, stand in for them: nothing that is run is ever written here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use regex::Regex;
use tempfile::TempDir;

use super::*;
use crate::documents::catalog::{Catalog, Flavour, PerOperatingSystem, Tool, VersionProbe};
use crate::words::{Place, Source};
use crate::world::process;

/// A computer with nothing on it.
struct Computer {
    folder: TempDir,
    surroundings: Surroundings,
    explicit: BTreeMap<String, PathBuf>,
}

impl Computer {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let surroundings = Surroundings {
            variables: BTreeMap::new(),
            current_folder: folder.path().to_owned(),
            home: Some(folder.path().join("home")),
            search_path: Some(folder.path().join("path").into()),
        };
        Computer { folder, surroundings, explicit: BTreeMap::new() }
    }

    /// Puts a shell at this place.
    fn with(self, place: &str) -> Self {
        let path = self.path(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink("/bin/sh", path).unwrap();
        self
    }

    fn path(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.surroundings.variables.insert(name.to_owned(), value.into());
        self
    }

    fn find(&self, wanted: &[&Tool]) -> Result<Vec<FoundTool>, Vec<ToolProblem>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(find_tools(
            wanted,
            &self.explicit,
            &self.surroundings,
            |_| ToolEnvironment::default(),
            Arc::new(process::start),
        ))
    }

    fn found_by(&self, tool: &Tool) -> String {
        self.find(&[tool]).unwrap().remove(0).found_by.replace(self.folder.path().to_str().unwrap(), "HERE")
    }

    fn problem(&self, tool: &Tool) -> ToolProblem {
        self.find(&[tool]).unwrap_err().remove(0)
    }
}

/// A tool that is asked for its version by running this script.
fn tool(name: &str, version_script: &str) -> Tool {
    let source = Arc::new(Source { name: "catalog".to_owned(), text: String::new() });
    let same =
        |folders: Vec<String>| PerOperatingSystem { linux: folders.clone(), macos: folders.clone(), windows: folders };
    Tool {
        name: name.to_owned(),
        place: Place { source, start: 0, end: 0 },
        summary: String::new(),
        programs: vec![name.to_owned()],
        folders: same(vec!["$TOOL_ROOT/bin".to_owned(), "~/tools-*".to_owned()]),
        via: Vec::new(),
        first_args: vec!["-c".to_owned()],
        environment: BTreeMap::new(),
        environment_without_home: BTreeMap::new(),
        version: VersionProbe {
            args: vec![version_script.to_owned()],
            flavours: vec![flavour(None, "tool")],
            prefer: None,
        },
        install: PerOperatingSystem {
            linux: Some("apt install it".to_owned()),
            macos: Some("apt install it".to_owned()),
            windows: None,
        },
        parallel: false,
        terminal: false,
        private_folder: false,
        questions: Vec::new(),
        select_port: Vec::new(),
        select_serial: Vec::new(),
        select_after: None,
        device_taken: None,
        progress: Vec::new(),
        statuses: Vec::new(),
        faults: Vec::new(),
        commands: Vec::new(),
        rules: Vec::new(),
        session: None,
        timeout: Duration::from_secs(60),
    }
}

fn flavour(name: Option<&str>, word: &str) -> Flavour {
    let pattern = Regex::new(&format!(r"^{word} v?(?P<version>[\d.]+)")).unwrap();
    Flavour { name: name.map(str::to_owned), pattern: pattern.into(), minimum: None, known_bad: Vec::new() }
}

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
fn what_the_person_named_is_never_passed_over() {
    let flasher = tool("dfu-flasher", "echo tool 1.2");
    let computer = Computer::new().with("path/dfu-flasher").variable("RECOVER_TOOL_DFU_FLASHER", "nowhere");
    let problem = computer.problem(&flasher);
    assert!(matches!(&problem, ToolProblem::NotThere { given_by, .. } if given_by == "RECOVER_TOOL_DFU_FLASHER"));
    assert!(problem.to_string().contains("nowhere`, given as the tool `dfu-flasher` by"), "{problem}");

    let mut computer = Computer::new().with("path/dfu-flasher");
    std::fs::write(computer.path("plain"), "").unwrap();
    computer.explicit.insert("dfu-flasher".to_owned(), computer.path("plain"));
    assert!(matches!(computer.problem(&flasher), ToolProblem::NotExecutable { .. }));
}

#[test]
fn says_where_it_looked_and_how_to_install() {
    let computer = Computer::new();
    std::fs::create_dir_all(computer.path("home/tools-1")).unwrap();
    std::fs::write(computer.path("home/tools-1/flasher"), "").unwrap();
    let text = computer.problem(&tool("flasher", "")).to_string();
    let text = text.replace(computer.folder.path().to_str().unwrap(), "HERE");
    assert_eq!(
        text,
        "the tool `flasher` was not found; looked in $RECOVER_TOOL_FLASHER (not set), $TOOL_ROOT/bin, \
         HERE/home/tools-1/flasher (it is there, but is not executable), ~/tools-*, PATH. \
         To install it: apt install it, or say where it is with `--tool flasher=PATH`"
    );
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
    let problem = computer.problem(&flasher);
    assert!(matches!(problem, ToolProblem::TooOld { .. }));
    assert!(problem.to_string().contains("it is version 0.9, and at least 0.11 is needed. To install it: apt"));

    flasher.version.flavours[0].known_bad.push(("0.9".parse().unwrap(), "it erases too much".to_owned()));
    let problem = computer.problem(&flasher);
    assert!(matches!(problem, ToolProblem::KnownBad { .. }));
    assert!(problem.to_string().contains("must not be used: it erases too much"));
}

#[test]
fn another_program_of_the_same_name_is_told() {
    let computer = Computer::new().with("path/flasher");
    let problem = computer.problem(&tool("flasher", "echo I paint walls"));
    assert!(matches!(problem, ToolProblem::NotTheTool { .. }));
    assert!(problem.to_string().contains("I paint walls"));

    let problem = computer.problem(&tool("flasher", "echo libusb is missing >&2; exit 127"));
    assert!(matches!(problem, ToolProblem::ProbeFailed { .. }));
    assert!(problem.to_string().contains("exit code 127; it printed:\n    libusb is missing"), "{problem}");
    assert!(computer.problem(&tool("flasher", "")).to_string().contains("it printed nothing"));
}

#[test]
fn a_tool_that_does_not_answer_is_given_up() {
    let computer = Computer::new().with("path/flasher");
    let flasher = tool("flasher", "echo starting; sleep 1000");
    let candidate = locate::locate(&flasher, None, &computer.surroundings).unwrap().candidates.remove(0);
    let call = probe::version_call(&flasher, &candidate, ToolEnvironment::default(), &computer.surroundings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(probe::ask(process::start(&call), Duration::from_millis(200)));
    let text = probe::judge(&flasher, &candidate, &answer).unwrap_err().to_string();
    assert!(text.contains("did not tell its version: no answer within 20 s"), "{text}");
}

#[test]
fn indirect_ways_are_tried_one_after_another() {
    let computer = Computer::new().with("path/python").with("path/interpreter");
    let mut flasher = tool("flasher", "x");
    flasher.first_args = Vec::new();
    let script = |text: &str| vec!["interpreter".to_owned(), "-c".to_owned(), text.to_owned()];
    flasher.via = vec![vec!["absent".to_owned()], script("echo No module >&2; exit 1"), script("echo tool 4")];
    let found = computer.find(&[&flasher]).unwrap().remove(0);
    assert_eq!(found.launcher[0], computer.path("path/interpreter").into_os_string());
    assert_eq!(found.found_by, "`interpreter -c echo tool 4`");

    flasher.via.pop();
    let text = computer.problem(&flasher).to_string();
    assert!(text.contains("`absent` (there is no `absent`)"), "{text}");
    assert!(text.contains("exit 1` (No module)"), "{text}");
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
    let names: Vec<&str> = problems.iter().map(ToolProblem::tool).collect();
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
    let found = runtime.block_on(find_tools(
        &[&flasher],
        &BTreeMap::new(),
        &computer.surroundings,
        |_| of(&computer.surroundings),
        Arc::new(process::start),
    ));
    assert_eq!(found.unwrap()[0].version.to_string(), "7");
}
