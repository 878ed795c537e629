//! Where the shipped catalog finds tools that other programs bring along: trees as OpenMV IDE and its SDK install them, on each
//! of the three operating systems. What is started is played, so that a tree needs nothing but names.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot be set up fails the test")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use recover::documents::catalog::{Catalog, OperatingSystem, Tool, shipped};
use recover::words::{Stream, ToolEnd};
use recover::world::{
    Cleared, Finder, FoundTool, RunningTool, StopTool, Surroundings, ToolEvent, ToolProblem, find_tools,
    tool_environment,
};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// A computer on which only these files are.
struct Computer {
    folder: TempDir,
    surroundings: Surroundings,
}

impl Computer {
    fn new(system: OperatingSystem, files: &[&str]) -> Computer {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let at = |place: &str| folder.path().join(place).into_os_string();
        // As Windows spells them.
        let variables = [
            ("ProgramFiles", "Program Files"),
            ("ProgramFiles(x86)", "Program Files (x86)"),
            ("LocalAppData", "home/AppData/Local"),
            ("ChocolateyInstall", "ProgramData/chocolatey"),
            ("SCOOP", "tools/scoop"),
            ("OPENMV_IDE", "drive-d/OpenMV IDE"),
        ];
        let surroundings = Surroundings {
            system,
            variables: variables.map(|(name, place)| (name.to_owned(), at(place))).into(),
            current_folder: folder.path().to_owned(),
            home: Some(folder.path().join("home")),
            search_path: Some(at("path")),
            ..Surroundings::default()
        };
        Computer { folder, surroundings }
    }

    fn find(&self, tool: &str) -> Result<FoundTool, Box<ToolProblem>> {
        let catalog: Catalog = shipped().unwrap();
        let finder = Finder {
            explicit: &BTreeMap::new(),
            installers: &catalog.installers,
            surroundings: &self.surroundings,
            start: Arc::new(play),
        };
        let environment = |tool: &Tool| tool_environment(&catalog, tool, Path::new("/run"), &self.surroundings);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let found = runtime.block_on(find_tools(&[catalog.tool(tool).unwrap()], finder, environment, |_| ()));
        found.map(|mut found| found.remove(0)).map_err(|mut problems| Box::new(problems.remove(0)))
    }

    /// The program that is started, from the computer's root on.
    fn program(&self, tool: &str) -> String {
        let found = self.find(tool).unwrap_or_else(|problem| panic!("{problem}"));
        let program = Path::new(&found.launcher[0]).strip_prefix(self.folder.path()).unwrap();
        program.to_str().unwrap().to_owned()
    }
}

/// Says what a program of this name and place says. A Python knows the modules that lie where PYTHONPATH tells it.
fn play(call: &Cleared) -> RunningTool {
    let program = Path::new(&call.launcher[0]);
    let words: Vec<&str> = call.launcher[1..].iter().map(|word| word.to_str().unwrap()).collect();
    let said = match (program.file_stem().unwrap().to_str().unwrap(), words.last()) {
        ("dfu-util", _) => "dfu-util 0.11\n".to_owned(),
        ("STM32_Programmer_CLI", _) => "STM32CubeProgrammer version: 2.20.0\n".to_owned(),
        (tool @ ("blhost" | "sdphost"), _) => format!("{tool} 2.6.7\n"),
        ("app-write-mram", _) => "0.23.4\n".to_owned(),
        (_, Some(module)) => {
            let there = call
                .environment
                .get("PYTHONPATH")
                .is_some_and(|path| Path::new(path).join(module.replace('.', "/")).with_extension("py").exists());
            if there { format!("python -m {module}, version 3.1.0\n") } else { format!("No module named {module}\n") }
        }
        (other, None) => panic!("{other} is not played"),
    };
    let (sender, events) = mpsc::channel(2);
    sender.try_send(ToolEvent::Output(Stream::Stdout, said.into_bytes())).unwrap();
    sender.try_send(ToolEvent::Ended(ToolEnd::Exited(0))).unwrap();
    RunningTool { events, stop: Box::new(Nothing), input: None }
}

struct Nothing;

impl StopTool for Nothing {
    fn ask(&mut self) -> bool {
        false
    }

    fn force(&mut self) {}
}

/// Where each system has the IDE's own tree, and what its parts are called there.
struct Ide {
    system: OperatingSystem,
    root: &'static str,
    exe: &'static str,
    dfu_util: &'static str,
    programmer: &'static str,
    native: &'static str,
    python: &'static str,
    spsdk: &'static str,
}

const ON_WINDOWS: Ide = Ide {
    system: OperatingSystem::Windows,
    root: "",
    exe: ".exe",
    dfu_util: "windows",
    programmer: "windows/bin",
    native: "win",
    python: "win/python.exe",
    spsdk: "windows",
};

const IDES: [Ide; 6] = [
    Ide {
        system: OperatingSystem::Linux,
        root: "home/openmvide/share/qtcreator",
        exe: "",
        dfu_util: "linux64",
        programmer: "linux64/bin",
        native: "linux/amd64",
        python: "linux-x86_64/bin/python",
        spsdk: "linux-x86_64",
    },
    Ide {
        system: OperatingSystem::Linux,
        root: "home/openmvide-5.0.0/share/qtcreator",
        exe: "",
        dfu_util: "aarch64",
        programmer: "aarch64/bin",
        native: "linux/amd64",
        python: "linux-arm64/bin/python",
        spsdk: "aarch64",
    },
    Ide {
        system: OperatingSystem::Macos,
        root: "home/Applications/OpenMV IDE.app/Contents/Resources",
        exe: "",
        dfu_util: "osx",
        programmer: "mac/bin",
        native: "mac",
        python: "mac/bin/python",
        spsdk: "mac",
    },
    Ide { root: "Program Files/OpenMV IDE/share/qtcreator", ..ON_WINDOWS },
    Ide { root: "drive-d/OpenMV IDE/share/qtcreator", ..ON_WINDOWS },
    Ide { root: "Program Files (x86)/OpenMV IDE/share/qtcreator", ..ON_WINDOWS },
];

impl Ide {
    /// What both releases bring.
    fn programs(&self) -> [(&'static str, String); 3] {
        let Ide { root, exe, dfu_util, programmer, .. } = self;
        [
            ("dfu-util", format!("{root}/dfu-util/{dfu_util}/dfu-util{exe}")),
            ("STM32_Programmer_CLI", format!("{root}/stcubeprogrammer/{programmer}/STM32_Programmer_CLI{exe}")),
            ("app-write-mram", format!("{root}/alif/app-write-mram{exe}")),
        ]
    }

    fn computer(&self, more: &[String]) -> Computer {
        let files: Vec<String> =
            self.programs().map(|(_, file)| file).into_iter().chain(more.iter().cloned()).collect();
        Computer::new(self.system, &files.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

#[test]
fn up_to_4_8_the_ide_brings_programs() {
    for ide in &IDES {
        let Ide { root, native, exe, .. } = ide;
        let of_nxp = ["blhost", "sdphost"].map(|tool| (tool, format!("{root}/{tool}/{native}/{tool}{exe}")));
        let computer = ide.computer(&of_nxp.clone().map(|(_, file)| file));
        for (tool, file) in ide.programs().into_iter().chain(of_nxp) {
            assert_eq!(computer.program(tool), file);
        }
    }
}

#[test]
fn since_5_the_ide_brings_a_python_and_the_package_beside_it() {
    for ide in &IDES {
        let Ide { root, python, spsdk, .. } = ide;
        let package = ["blhost", "sdphost"].map(|tool| format!("{root}/spsdk/{spsdk}/spsdk/apps/{tool}.py"));
        let python = format!("{root}/python/{python}");
        let computer = ide.computer(&[&package[..], std::slice::from_ref(&python)].concat());
        for (tool, file) in ide.programs() {
            assert_eq!(computer.program(tool), file);
        }
        for tool in ["blhost", "sdphost"] {
            assert_eq!(computer.program(tool), python);
            let found = computer.find(tool).unwrap();
            assert_eq!(found.launcher[1..], ["-u", "-m", format!("spsdk.apps.{tool}").as_str()]);
            assert_eq!((found.version.to_string().as_str(), found.flavour.as_deref()), ("3.1.0", Some("SPSDK")));
        }
        // Without its package the Python is no tool, and none is passed over.
        let problem = ide.computer(&[python]).find("blhost").unwrap_err();
        assert!(problem.to_string().starts_with("the tool `blhost` was not found; looked in "), "{problem}");
    }
}

#[test]
fn the_sdk_brings_tools_too() {
    let sdk = "home/openmv-sdk-1.2.0";
    let files = [
        ("dfu-util", format!("{sdk}/bin/dfu-util")),
        ("STM32_Programmer_CLI", format!("{sdk}/stcubeprog/bin/STM32_Programmer_CLI")),
        ("blhost", format!("{sdk}/python/bin/blhost")),
        ("sdphost", format!("{sdk}/python/bin/sdphost")),
    ];
    for system in [OperatingSystem::Linux, OperatingSystem::Macos] {
        let computer = Computer::new(system, &files.each_ref().map(|(_, file)| file.as_str()));
        for (tool, file) in &files {
            assert_eq!(computer.program(tool), *file);
        }
    }
}

/// A terminal that was open before has nothing of an installer on its PATH.
#[test]
fn what_installers_bring_on_windows_is_found_off_the_path() {
    let of_store = "home/AppData/Local/Packages/PythonSoftwareFoundation.Python.3.12_qbz5n2kfra8p0";
    for (tool, file) in [
        ("blhost", "home/.local/bin/blhost.exe".to_owned()),
        ("sdphost", format!("{of_store}/LocalCache/local-packages/Python312/Scripts/sdphost.exe")),
        ("blhost", "Program Files/Python313/Scripts/blhost.exe".to_owned()),
        ("sdphost", "home/AppData/Local/Python/pythoncore-3.14-64/Scripts/sdphost.exe".to_owned()),
        ("dfu-util", "home/scoop/shims/dfu-util.exe".to_owned()),
        ("dfu-util", "tools/scoop/shims/dfu-util.exe".to_owned()),
        ("dfu-util", "Program Files/WinGet/Links/dfu-util.exe".to_owned()),
        (
            "STM32_Programmer_CLI",
            "Program Files/STMicroelectronics/STM32Cube/STM32CubeProgrammer/bin/STM32_Programmer_CLI.exe".to_owned(),
        ),
        ("dfu-util", "ProgramData/chocolatey/bin/dfu-util.exe".to_owned()),
        ("dfu-util", "home/AppData/Local/Microsoft/WinGet/Links/dfu-util.exe".to_owned()),
    ] {
        assert_eq!(Computer::new(OperatingSystem::Windows, &[file.as_str()]).program(tool), file);
    }
}

/// On Windows anybody may make folders in the root of a drive, and in ProgramData.
#[test]
fn no_tool_is_taken_from_where_anybody_may_put_one() {
    let own = ["~/", "$PIPX_BIN_DIR", "$APPDATA/", "$LOCALAPPDATA/", "$SCOOP/", "$CHOCOLATEYINSTALL/", "$OPENMV_IDE/"];
    let of_administrators = ["$PROGRAMFILES/", "${PROGRAMFILES(X86)}/", "$PROGRAMW6432/"];
    for tool in &shipped().unwrap().tools {
        let via = tool.via.windows.iter().filter_map(|via| via.command.first()).filter(|word| word.contains('/'));
        for place in tool.folders.windows.iter().chain(via) {
            let is_safe = own.iter().chain(&of_administrators).any(|root| place.starts_with(root));
            assert!(is_safe, "{}: {place}", tool.name);
        }
    }
}

/// The tests above can only build what lies below a person's home; the same is looked for where all persons' programs are.
#[test]
fn what_is_looked_for_in_the_home_is_looked_for_where_all_have_it() {
    let catalog = shipped().unwrap();
    for tool in &catalog.tools {
        let places = |system| {
            let via = tool.via.on(system).iter().filter_map(|via| via.command.first());
            tool.folders.on(system).iter().chain(via).map(String::as_str).collect::<Vec<_>>()
        };
        for (system, home, all) in [
            (OperatingSystem::Linux, "~/openmvide*/", "/opt/openmvide*/"),
            (OperatingSystem::Macos, "~/Applications/OpenMV IDE.app/", "/Applications/OpenMV IDE.app/"),
        ] {
            let below = |root: &str| -> Vec<&str> {
                let mut below: Vec<&str> =
                    places(system).into_iter().filter_map(|place| place.strip_prefix(root)).collect();
                below.sort_unstable();
                below
            };
            assert_eq!(below(home), below(all), "{}", tool.name);
            assert!(!below(home).is_empty(), "{}", tool.name);
        }
    }
}

/// What is said on each system holds there: nothing is offered by an installer of another, and something always is.
#[test]
fn each_system_has_a_remedy_of_its_own() {
    let first = |system, programs: &[&str], tool: &str| {
        let files: Vec<String> = programs.iter().map(|program| format!("path/{program}")).collect();
        let computer = Computer::new(system, &files.iter().map(String::as_str).collect::<Vec<_>>());
        computer.find(tool).unwrap_err().remedies.remove(0)
    };
    let (linux, macos, windows) = (OperatingSystem::Linux, OperatingSystem::Macos, OperatingSystem::Windows);
    for (system, programs, tool, command) in [
        (linux, &["apt-get"][..], "dfu-util", "sudo apt install dfu-util"),
        (linux, &["dnf"], "dfu-util", "sudo dnf install dfu-util"),
        (linux, &["pacman"], "dfu-util", "sudo pacman -S --needed dfu-util"),
        (linux, &["zypper"], "dfu-util", "sudo zypper install dfu-util"),
        (macos, &["brew"], "dfu-util", "brew install dfu-util"),
        (linux, &["apt-get", "pipx"], "blhost", "pipx install spsdk"),
        (linux, &["apt-get"], "blhost", "sudo apt install pipx\npipx install spsdk"),
        (linux, &["pacman"], "sdphost", "sudo pacman -S --needed python-pipx\npipx install spsdk"),
        (linux, &["uv"], "sdphost", "uv tool install spsdk"),
        (macos, &["brew"], "blhost", "brew install pipx\npipx install spsdk"),
        (windows, &["py"], "blhost", "py -m pip install --user spsdk"),
        (
            windows,
            &["winget"],
            "blhost",
            "winget install --exact --id Python.Python.3.13\npy -m pip install --user spsdk",
        ),
    ] {
        assert_eq!(first(system, programs, tool), format!("To install {tool}:\n{command}"));
    }
    for system in [linux, macos, windows] {
        for tool in ["dfu-util", "blhost", "sdphost", "STM32_Programmer_CLI", "app-write-mram"] {
            let remedy = first(system, &[], tool);
            assert!(remedy.starts_with(&format!("To install {tool}: ")), "{remedy}");
            assert!(system == linux || !remedy.contains("apt"), "{remedy}");
        }
    }
}

/// A person's Ubuntu of that year has dfu-util 0.9.
#[test]
fn what_a_distribution_ships_too_old_comes_from_elsewhere() {
    let mut computer = Computer::new(OperatingSystem::Linux, &["path/apt-get"]);
    for (release, by_apt) in
        [("ubuntu 22.04", false), ("debian 11", false), ("ubuntu 24.04", true), ("debian 12", true)]
    {
        computer.surroundings.release = Some(release.to_owned());
        let remedy = computer.find("dfu-util").unwrap_err().remedies.remove(0);
        assert_eq!(remedy.contains("sudo apt install"), by_apt, "{release}: {remedy}");
        assert_eq!(remedy.contains("dfu-util-0.11-binaries"), !by_apt, "{release}: {remedy}");
    }
}
