//! The tools of the measurements: this very program, started under another name. They start at once and do almost nothing.

use std::io::{BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::House;

/// Tells when it runs, and that is all.
pub(crate) const STAMP: &str = "stamp";
/// The same, but slow to tell its version.
pub(crate) const SLOW_STAMP: &str = "slow-stamp";
/// Prints a lot.
pub(crate) const FLOOD: &str = "flood";

const NAMES: [&str; 5] = [STAMP, SLOW_STAMP, FLOOD, "blhost", "sdphost"];
pub(crate) const SLOW: Duration = Duration::from_secs(1);
/// Where the moment is sent to.
const SOCKET: &str = "SPEED_STAMPS";
/// With the end of the line.
pub(crate) const LINE_BYTES: usize = 70;

const CATALOG: &str = r#"
[NAME]
summary = "a tool of the measurements"
programs = ["NAME"]

[NAME.version]
args = ["--version"]
flavours = [{ pattern = '^(?P<version>\d+\.\d+)$' }]

[[NAME.commands]]
name = "act"
reversible = true
with = ["act"]
timeout = "10min"
success = ['^done$']

"#;

/// True when this process was one of them.
pub(crate) fn played() -> bool {
    let now = SystemTime::now();
    let mut words = std::env::args_os();
    let name = words.next().map(PathBuf::from).and_then(|path| path.file_name().map(ToOwned::to_owned));
    let Some(name) = NAMES.into_iter().find(|known| name.as_deref() == Some((*known).as_ref())) else { return false };
    let words: Vec<_> = words.collect();
    match (name, words.first().is_some_and(|word| word == "--version")) {
        ("blhost" | "sdphost", _) => println!("{name} 2.6.7"),
        (SLOW_STAMP, true) => {
            std::thread::sleep(SLOW);
            println!("1.0");
        }
        (_, true) => println!("1.0"),
        (FLOOD, _) => flood(words[1].to_str().and_then(|count| count.parse().ok()).unwrap()),
        _ => {
            let nanoseconds = now.duration_since(UNIX_EPOCH).unwrap().as_nanos();
            let socket = PathBuf::from(std::env::var_os(SOCKET).unwrap());
            let told = UnixDatagram::unbound().unwrap().send_to(&nanoseconds.to_ne_bytes(), socket);
            assert_eq!(told.unwrap(), size_of::<u128>());
            println!("done");
        }
    }
    true
}

fn flood(lines: usize) {
    let stdout = std::io::stdout();
    let mut out = BufWriter::with_capacity(1 << 16, stdout.lock());
    for number in 0..lines {
        writeln!(out, "{number:>10} {:58}", "Reading the next block of the flash, nothing out of the").unwrap();
    }
    writeln!(out, "done").unwrap();
}

/// Where the tools send the moment at which they began.
#[derive(Debug)]
pub(crate) struct Stamps {
    socket: UnixDatagram,
}

impl Stamps {
    /// Whatever is started in this house from now on knows where to send it.
    pub(crate) fn new(house: &mut House) -> Stamps {
        let path = house.path("stamps");
        house.set(SOCKET, path.clone());
        assert!(path.as_os_str().as_bytes().len() < 100, "the folder for temporary files is too deep for sockets");
        Stamps { socket: UnixDatagram::bind(&path).unwrap() }
    }

    /// When the next tool began; none when none does in this time.
    pub(crate) fn next(&self, limit: Duration) -> Option<SystemTime> {
        let mut bytes = [0; size_of::<u128>()];
        self.socket.set_read_timeout(Some(limit)).unwrap();
        self.socket.recv(&mut bytes).ok()?;
        Some(UNIX_EPOCH + Duration::from_nanos(u64::try_from(u128::from_ne_bytes(bytes)).unwrap()))
    }
}

/// Puts a tool into the house, and answers with the option that names it.
pub(crate) fn tool(house: &House, name: &str) -> String {
    let path = house.path(name);
    if !path.exists() {
        std::os::unix::fs::symlink(std::env::current_exe().unwrap(), &path).unwrap();
    }
    format!("{name}={}", path.display())
}

/// The catalog of the house, as the user's own.
pub(crate) fn write_catalog(house: &House) {
    let text: String = [STAMP, SLOW_STAMP, FLOOD].iter().map(|name| CATALOG.replace("NAME", name)).collect();
    house.write("../home/config/recover/vendor-tools.toml", text);
}
