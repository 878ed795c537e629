//! Boards with an i.MX RT1062, simulated for NXP's own tools: starts their bench, and is the person at it.
//!
//! The boards are a Python process ([`serve.py`](serve.py)) that shares no code with `recover` or its virtual boards. The
//! tools reach them through a stand-in for their USB library, `recover` sees them through umockdev's preload library. Both
//! need only environment variables, so that every command line is that of a real recovery. Linux, Python 3.8 or newer.

#![allow(dead_code, unreachable_pub, reason = "each user needs a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot be set up fails the test")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// The bare name: the loader finds it in whichever folder the distribution uses.
pub const PRELOAD_LIBRARY: &str = "libumockdev-preload.so.0";
pub const PORT: &str = "99-1";
pub const SECOND_PORT: &str = "99-2";

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/imxrt_simulation");

/// Is there a wire between the SBL pin and 3.3V, so that the chip stays in its ROM?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Fitted,
    Removed,
}

/// A bench of its own. Dropping it takes everything away.
#[derive(Debug)]
pub struct Boards {
    process: Child,
    connection: Mutex<BufReader<UnixStream>>,
    folder: tempfile::TempDir,
}

/// How the boards are and what has been done to them, at one moment.
#[derive(Debug)]
pub struct State(pub Value);

impl Boards {
    /// No board is plugged in yet. `options` are those of `board/life.py`, for every board.
    pub fn start(options: &Value) -> Boards {
        let folder = tempfile::Builder::new().prefix("imxrt").tempdir_in("/tmp").unwrap();
        let path = folder.path();
        // The tools leave compiled copies beside what they import.
        let library = path.join("python/libusbsio");
        std::fs::create_dir_all(&library).unwrap();
        for file in ["__init__.py", "libusbsio.py"] {
            std::fs::copy(Path::new(SOURCES).join("libusbsio").join(file), library.join(file)).unwrap();
        }
        let socket = path.join("socket");
        let all = json!({"socket": socket, "usb": path.join("usb"), "board": options});
        let mut process = Command::new("python3")
            .arg(Path::new(SOURCES).join("serve.py"))
            .arg(all.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first_line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut first_line).unwrap();
        assert_eq!(first_line, "ready\n", "the bench with the boards does not start");
        let connection = Mutex::new(BufReader::new(UnixStream::connect(&socket).unwrap()));
        Boards { process, connection, folder }
    }

    /// What `recover`, or a tool by itself, needs in its environment to be at this bench.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let path = |name: &str| -> PathBuf { self.folder.path().join(name) };
        vec![
            ("PYTHONPATH", path("python").into()),
            ("RECOVER_IMXRT_SOCKET", path("socket").into()),
            ("LD_PRELOAD", PRELOAD_LIBRARY.into()),
            ("UMOCKDEV_DIR", path("usb").into()),
        ]
    }

    pub fn plug(&self, port: &str, wire: Wire) {
        self.ask(json!({"do": "plug", "port": port, "wire": wire == Wire::Fitted}));
    }

    /// A board in which this program runs already: `rom` or `flashloader`.
    pub fn plug_running(&self, port: &str, program: &str) {
        self.ask(json!({"do": "plug", "port": port, "wire": true, "program": program}));
    }

    /// The same for the tools alone: `recover` does not see this board.
    pub fn plug_unseen(&self, port: &str, program: &str) {
        self.ask(json!({"do": "change", "port": port, "options": {"on_usb": false}}));
        self.plug_running(port, program);
    }

    pub fn unplug(&self, port: &str) {
        self.ask(json!({"do": "unplug", "port": port}));
    }

    pub fn state(&self) -> State {
        State(self.ask(json!({"do": "state"})))
    }

    pub fn flash(&self, port: &str, address: u32, length: usize) -> Vec<u8> {
        let answer = self.ask(json!({"do": "flash", "port": port, "address": address, "length": length}));
        let digits = answer["content"].as_str().unwrap().as_bytes();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    #[expect(clippy::needless_pass_by_value, reason = "made for this one question")]
    fn ask(&self, question: Value) -> Value {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.get_mut().write_all(format!("{question}\n").as_bytes()).unwrap();
        let mut line = String::new();
        connection.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("error").is_none(), "{question}: {answer}");
        answer
    }
}

impl Drop for Boards {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl State {
    /// `off`, `starting`, `rom`, `flashloader`, `sbl`, `running`, or `hung`.
    pub fn mode(&self) -> &str {
        self.mode_at(PORT)
    }

    pub fn mode_at(&self, port: &str) -> &str {
        self.0["boards"][port]["mode"].as_str().unwrap()
    }

    /// What the board was told, in order, whichever process said it: `flash-erase-region 0x60001000 0x2000`.
    pub fn commands(&self) -> Vec<String> {
        self.commands_at(PORT)
    }

    pub fn commands_at(&self, port: &str) -> Vec<String> {
        strings(&self.0["boards"][port]["commands"])
    }

    /// The same without questions: what changed the board, or was meant to.
    pub fn changes(&self) -> Vec<String> {
        let asks = |command: &String| ["get-", "read-", "efuse-read"].iter().any(|start| command.starts_with(start));
        self.commands().into_iter().filter(|command| !asks(command)).collect()
    }

    /// Every process that looked for a board: the command line as a person would type it.
    pub fn calls(&self) -> Vec<String> {
        let call = |call: &Value| format!("{} {}", call["tool"].as_str().unwrap(), strings(&call["argv"]).join(" "));
        self.0["calls"].as_array().unwrap().iter().map(call).collect()
    }

    /// The word that holds the boot fuse.
    pub fn boot_fuse(&self) -> u64 {
        self.0["boards"][PORT]["fuses"]["0x06"].as_u64().unwrap()
    }

    /// Word and value of each attempt to burn.
    pub fn burns(&self) -> Vec<(u64, u64)> {
        let burns = self.0["boards"][PORT]["burns"].as_array().unwrap();
        burns.iter().map(|burn| (burn[0].as_u64().unwrap(), burn[1].as_u64().unwrap())).collect()
    }

    /// Address and SHA-256 of each region that was written and not erased since.
    pub fn regions(&self) -> Vec<(String, String)> {
        let regions = self.0["boards"][PORT]["regions"].as_array().unwrap();
        let region = |region: &Value| {
            (format!("{:#010x}", region["address"].as_u64().unwrap()), region["sha256"].as_str().unwrap().to_owned())
        };
        regions.iter().map(region).collect()
    }

    /// A fault that never struck proves nothing.
    pub fn faults_left(&self) -> usize {
        self.0["boards"][PORT]["faults_left"].as_array().unwrap().len()
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}
