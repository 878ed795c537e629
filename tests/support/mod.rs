//! Starts the program in a world of its own: temporary folders, an empty environment, nothing on PATH.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod ended;
pub mod kills;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use recover::bench::generate_image;
use recover::documents::library::{shipped_family, shipped_playbook};
use recover::documents::playbook::{WordLimit, load};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use ended::Ended;

/// Agrees beforehand to the one irreversible step of the shipped playbooks.
const CONSENT: [&str; 2] = ["--allow-irreversible", "boot-fuse"];
/// A hang in the program must fail one test, not hold up all.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// Folders and environment of one or more runs of the program.
pub struct House {
    folder: tempfile::TempDir,
    variables: BTreeMap<OsString, OsString>,
}

/// A catalog with a tool that writes and reads.
pub const MENDER: &str = r#"
[mender]
summary = "mends"
programs = ["mender"]
timeout = "60s"
version = { args = ["--version"], flavours = [{ pattern = '^mender (?P<version>\S+)' }] }

[[mender.commands]]
name = "write"
reversible = true
with = ["write"]
changes_board = true
success = ['^done$']

[[mender.commands]]
name = "read"
reversible = true
with = ["read"]
success = ['^done$']
"#;

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl House {
    pub fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let mut house = House { folder, variables: BTreeMap::new() };
        for (variable, name) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_STATE_HOME", "home/state"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
            ("PATH", "no-programs"),
        ] {
            let path = house.path(name);
            std::fs::create_dir_all(&path).unwrap();
            house.set(variable, path);
        }
        if cfg!(windows) {
            for (variable, name) in [
                ("USERPROFILE", "home"),
                ("APPDATA", "home/config"),
                ("LOCALAPPDATA", "home/state"),
                ("TEMP", "tmp"),
                ("TMP", "tmp"),
            ] {
                house.set(variable, house.path(name));
            }
            // A terminal that can show the signs which the tests look for.
            house.set("WT_SESSION", "tests");
            // Without it hardly a program of Windows starts.
            house.variables.extend(std::env::vars_os().filter(|(name, _)| name.eq_ignore_ascii_case("SystemRoot")));
        }
        house.set("LC_ALL", "C.UTF-8");
        std::fs::create_dir(house.path("work")).unwrap();
        house
    }

    /// The logs of all runs here, one behind the other.
    pub fn log(&self) -> String {
        let runs = std::fs::read_dir(self.path("home/state/recover/runs")).into_iter().flatten();
        runs.filter_map(|run| std::fs::read_to_string(run.unwrap().path().join("log.txt")).ok()).collect()
    }

    /// Below the house's own folder; `work/` is where the program runs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn set(&mut self, variable: &str, value: impl Into<OsString>) {
        self.variables.insert(variable.into(), value.into());
    }

    /// A file in the program's current folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("work").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A shell script in the program's current folder.
    #[cfg(unix)]
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write(name, format!("#!/bin/sh\n{text}"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        // No pipe agrees to burn even a virtual fuse; whoever runs the tests does.
        let burns =
            args.iter().any(|arg| arg.starts_with("--simulate")) && args.iter().any(|arg| arg.contains("rt1062"));
        let says_so = ["--non-interactive", "--allow-irreversible"];
        let consent = (burns && !args.iter().any(|arg| says_so.contains(arg))).then_some(CONSENT);
        command
            .args(args)
            .args(consent.into_iter().flatten())
            .current_dir(self.path("work"))
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_within(HANGS_AFTER, args)
    }

    /// For runs of tools that are slow themselves.
    pub fn run_within(&self, limit: Duration, args: &[&str]) -> Ran {
        let mut command = self.command(args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let process = child.id();
        let (done, waiting) = std::sync::mpsc::channel::<()>();
        let guard = std::thread::spawn(move || {
            if waiting.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                kill(process);
            }
        });
        let output = child.wait_with_output().unwrap();
        drop(done);
        guard.join().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the RT1062 playbook on the virtual board, with the bench kept in `bench/`.
    pub fn simulate(&self, names: &str, more: &[&str]) -> Ran {
        let simulate = format!("--simulate={names}");
        let bench = self.path("bench");
        let mut args = vec!["--playbook", "rt1062.yaml", &simulate, "--bench", bench.to_str().unwrap()];
        args.extend(more);
        self.run(&args)
    }

    /// Every call of a mock tool as one line: tool, arguments, exit code.
    pub fn calls(&self) -> Vec<Call> {
        let text = std::fs::read_to_string(self.path("bench/calls.jsonl")).unwrap_or_default();
        text.lines().map(Call::read).collect()
    }

    /// The calls as a person would type them.
    pub fn commands(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.command).collect()
    }

    pub fn board(&self) -> Board {
        Board(serde_json::from_slice(&std::fs::read(self.path("bench/board.json")).unwrap()).unwrap())
    }

    /// What the program has left in the folder for temporary files.
    pub fn left_over(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.path("tmp")).unwrap();
        names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    /// Writes images that an RT1062 accepts into `images/`; answers with address and SHA-256 of each, as they must lie
    /// in flash afterwards.
    pub fn images(&self) -> Vec<(String, String)> {
        let folder = self.path("work/images");
        std::fs::create_dir_all(&folder).unwrap();
        let flashloader = image(7_001, &[(0x14, 0x2000_1C00), (0x20, 0x2000_1C00), (0x24, 7_001)]);
        let sbl = image(5_000, &[(0x14, 0x2000_1000), (0x24, 5_000 + 0x1000)]);
        let firmware: Vec<u8> = (0..12_345_u32).map(|index| (index * 7 % 253) as u8).collect();
        std::fs::write(folder.join("sdphost_flash_loader.bin"), flashloader).unwrap();
        std::fs::write(folder.join("blhost_flash_loader.bin"), &sbl).unwrap();
        std::fs::write(folder.join("firmware.bin"), &firmware).unwrap();
        vec![("0x60001000".to_owned(), sha256(&sbl)), ("0x60040000".to_owned(), sha256(&firmware))]
    }
}

impl Ran {
    /// Both streams.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Both streams with every run of blanks and line breaks as one blank, so that wrapping does not matter. Paths as on Unix.
    pub fn flat(&self) -> String {
        let text = self.text().split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" ");
        if cfg!(windows) { text.replace('\\', "/") } else { text }
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}", self.text());
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Ran {
        assert!(self.flat().contains(text), "no `{text}` in:\n{}", self.text());
        self
    }

    #[track_caller]
    pub fn never_says(self, text: &str) -> Ran {
        assert!(!self.flat().contains(text), "`{text}` in:\n{}", self.text());
        self
    }

    /// Standard output, line by line, each a JSON object.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(read).collect()
    }
}

/// One call of a mock tool.
#[derive(Debug, Clone)]
pub struct Call {
    pub command: String,
    /// None when it was ended from outside.
    pub exit_code: Option<i64>,
}

impl Call {
    fn read(line: &str) -> Call {
        let call: Value = serde_json::from_str(line).unwrap();
        let words = std::iter::once(&call["tool"]).chain(call["argv"].as_array().unwrap());
        let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
        Call { command: words.join(" "), exit_code: call["exit_code"].as_i64() }
    }
}

/// `board.json`.
#[derive(Debug)]
pub struct Board(pub Value);

impl Board {
    /// Address and SHA-256 of each region, in order.
    pub fn regions(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let regions = self.0["regions"].as_array().unwrap();
        regions.iter().map(|region| (text(&region["address"]), text(&region["sha256"]))).collect()
    }

    pub fn boot_fuse(&self) -> String {
        self.0["fuses"]["0x06"].as_str().unwrap().to_owned()
    }
}

/// Noise with the beginning of a loader image, and little-endian words at these offsets.
pub fn image(size: u32, words: &[(usize, u32)]) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..size).map(|index| (index * 31 % 251) as u8).collect();
    bytes[..4].copy_from_slice(&[0xd1, 0x00, 0x20, 0x41]);
    for (offset, value) in words {
        bytes[*offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// An image that a shipped playbook takes for this file: of its kind, with its vectors where it has some.
pub fn fitting(playbook: &str, file: &str, size: u32) -> Vec<u8> {
    let family = |path: &str| Ok(shipped_family(path).unwrap());
    let playbook = load(&shipped_playbook(playbook).unwrap(), &family).playbook.unwrap();
    let input = playbook.inputs.iter().find(|input| input.file_name() == file).unwrap();
    let words = input.words.iter().map(|word| match word.limit {
        // A length in a header of 512 bytes or more.
        WordLimit::AtMost => (word.offset, size - 0x200),
        WordLimit::Exactly => panic!("what this word must be is known to the playbook only"),
    });
    generate_image(input, size.into(), &words.collect::<Vec<_>>())
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Looks again and again until it holds; for what other processes do.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < give_up, "this did not come: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every living process that was started, however indirectly, with this variable in its environment.
pub fn processes_with(variable: &str, value: &std::ffi::OsStr) -> Vec<String> {
    let marker = [variable.as_bytes(), b"=", value.as_encoded_bytes()].concat();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let folder = entry.unwrap().path();
        let environment = std::fs::read(folder.join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == marker) {
            let line = std::fs::read(folder.join("cmdline")).unwrap_or_default();
            found.push(format!("{}: {}", folder.display(), String::from_utf8_lossy(&line).replace('\0', " ")));
        }
    }
    found
}

/// Does a file hold anything yet?
pub fn content(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok().filter(|text| text.ends_with('\n'))
}

#[cfg(unix)]
pub fn kill(process: u32) {
    let process = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    let _gone_already = rustix::process::kill_process(process, rustix::process::Signal::KILL);
}

#[cfg(not(unix))]
pub fn kill(_process: u32) {}

/// A call that passes the gate as any other, by a table that knows all its calls as harmless.
pub fn cleared(call: recover::world::ToolCall) -> recover::world::Cleared {
    const TABLE: &str = "[any]\nsummary = \"any tool\"\nprograms = [\"any\"]\nversion = { args = [\"-V\"], flavours = \
        [{ pattern = '(?P<version>1)' }] }\ncommands = [{ name = \"any\", reversible = true, success_exit_codes = [] }]\n";
    let imports =
        call.warm.iter().map(|warm| format!("warm = {{ imports = {:?} }}\n", warm.imports)).collect::<String>();
    let text = TABLE.to_owned() + &imports;
    let source = std::sync::Arc::new(recover::words::Source { name: "any.toml".into(), text });
    let catalog = recover::documents::catalog::load(&source).unwrap();
    recover::world::clear(recover::world::Wish {
        call,
        tool: catalog.tool("any").unwrap(),
        says_to_be: &[],
        memories: &[],
        files: &(),
        paths: &[],
        excuses: recover::documents::catalog::Excuses { has_timeout: true, is_irreversible: false },
        consent: None,
        chosen: None,
    })
    .unwrap()
}

/// The program that is tried: this package's, or the one that `RECOVER_PROGRAM` names, such as one that people get.
pub fn program() -> PathBuf {
    std::env::var_os("RECOVER_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_recover").into(), PathBuf::from)
}

/// The folder of the shipped playbooks and their tests.
pub fn playbooks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks")
}

/// A document of it.
pub fn document(name: &str) -> Result<std::sync::Arc<recover::words::Source>, String> {
    let text = std::fs::read_to_string(playbooks().join(name)).map_err(|error| error.to_string())?;
    Ok(std::sync::Arc::new(recover::words::Source { name: name.to_owned(), text }))
}
