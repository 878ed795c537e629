//! A computer for tests of the search. Links to the shell, under the names of tools, stand in for them: nothing that is run is
//! ever written here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use tempfile::TempDir;

use super::*;
use crate::documents::catalog::{self, Flavour, Installer, PerOperatingSystem, Tool, VersionProbe};
use crate::words::{Place, Source};
use crate::world::process;

/// A computer with nothing on it.
pub(super) struct Computer {
    pub(super) folder: TempDir,
    pub(super) surroundings: Surroundings,
    pub(super) explicit: BTreeMap<String, PathBuf>,
    pub(super) installers: Vec<Installer>,
}

impl Computer {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let surroundings = Surroundings {
            variables: BTreeMap::new(),
            current_folder: folder.path().to_owned(),
            home: Some(folder.path().join("home")),
            search_path: Some(folder.path().join("path").into()),
            ..Surroundings::default()
        };
        Computer { folder, surroundings, explicit: BTreeMap::new(), installers: installers() }
    }

    /// Puts a shell at this place.
    pub(super) fn with(self, place: &str) -> Self {
        let path = self.path(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink("/bin/sh", path).unwrap();
        self
    }

    pub(super) fn path(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    pub(super) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.surroundings.variables.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn find(&self, wanted: &[&Tool]) -> Result<Vec<FoundTool>, Vec<ToolProblem>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let finder = Finder {
            explicit: &self.explicit,
            installers: &self.installers,
            surroundings: &self.surroundings,
            start: Arc::new(process::start),
        };
        runtime.block_on(find_tools(wanted, finder, |_| ToolEnvironment::default(), |_| ()))
    }

    pub(super) fn plain(self, place: &str) -> Self {
        let path = self.path(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
        self
    }

    /// Without this computer's own folder in it.
    pub(super) fn here(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "HERE")
    }

    pub(super) fn remedies(&self, tool: &Tool) -> Vec<String> {
        self.problem(tool).remedies.iter().map(|remedy| self.here(remedy)).collect()
    }

    pub(super) fn found_by(&self, tool: &Tool) -> String {
        self.here(&self.find(&[tool]).unwrap().remove(0).found_by)
    }

    pub(super) fn problem(&self, tool: &Tool) -> ToolProblem {
        self.find(&[tool]).unwrap_err().remove(0)
    }
}

/// Those of a made-up world: `own` of its operating system, `pie` with packages of its own source, `nest` that is known by a
/// mark alone.
fn installers() -> Vec<Installer> {
    let source = Arc::new(Source {
        name: "catalog".to_owned(),
        text: r#"
[installers.own]
program = "own-get"
of_system = true
owns = ['/path/']
install = "own-get {package}"
reinstall = "own-get again {package}"
[installers.pie]
source = "pies"
program = "pie"
owns = ['/pies/']
install = "pie install {package}"
upgrade = "pie upgrade {package}"
reinstall = "pie reinstall {package}"
packages = { own = "pie-maker" }
[installers.nest]
source = "pies"
marked_by = "../nest.cfg"
upgrade = "{folder}/pie up {package}"
[installers.bundle]
owns = ['/bundle']
upgrade = "Get a new bundle"
"#
        .to_owned(),
    });
    catalog::load(&source).unwrap_or_else(|faults| panic!("{faults:?}")).installers
}

/// A tool that is asked for its version by running this script.
pub(super) fn tool(name: &str, version_script: &str) -> Tool {
    let source = Arc::new(Source { name: "catalog".to_owned(), text: String::new() });
    let same =
        |folders: Vec<String>| PerOperatingSystem { linux: folders.clone(), macos: folders.clone(), windows: folders };
    Tool {
        options: BTreeMap::new(),
        anywhere: Vec::new(),
        brings_addresses: None,
        words_end_options: false,
        pairs: None,
        one_of: Vec::new(),
        stages: Vec::new(),
        files: Vec::new(),
        banner: None,
        menu: None,
        name: name.to_owned(),
        place: Place::new(source, 0, 0),
        summary: String::new(),
        programs: vec![name.to_owned()],
        folders: same(vec!["$TOOL_ROOT/bin".to_owned(), "~/tools-*".to_owned()]),
        via: PerOperatingSystem::default(),
        first_args: vec!["-c".to_owned()],
        environment: BTreeMap::new(),
        environment_without_home: BTreeMap::new(),
        version: VersionProbe {
            args: vec![version_script.to_owned()],
            flavours: vec![flavour(None, "tool")],
            prefer: None,
        },
        packages: BTreeMap::new(),
        packages_too_old: Vec::new(),
        install: PerOperatingSystem {
            linux: Some("Fetch it yourself.".to_owned()),
            macos: Some("Fetch it yourself.".to_owned()),
            windows: None,
        },
        parallel: false,
        terminal: false,
        private_folder: false,
        questions: Vec::new(),
        select_port: Vec::new(),
        select_flavour: None,
        select_minimum: None,
        select_replaces: None,
        select_serial: Vec::new(),
        select_after: None,
        device_taken: None,
        progress: Vec::new(),
        statuses: Vec::new(),
        faults: Vec::new(),
        commands: Vec::new(),
        rules: Vec::new(),
        warm: None,
        timeout: Duration::from_secs(60),
    }
}

pub(super) fn flavour(name: Option<&str>, word: &str) -> Flavour {
    let pattern = Regex::new(&format!(r"^{word} v?(?P<version>[\d.]+)")).unwrap();
    Flavour { name: name.map(str::to_owned), pattern: pattern.into(), minimum: None, known_bad: Vec::new() }
}

/// Each place prints a version of its own, or something else.
pub(super) const BY_PLACE: &str = "case $0 in *tools-2*) echo tool 0.9;; *tools-1*) echo libusb is missing >&2; exit 127;; \
     *odd*) echo I paint walls;; *) echo tool 1.2;; esac";
