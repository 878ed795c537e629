//! `recover`, one version of SPSDK and simulated boards, in folders of their own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::imxrt_simulation::Boards;
use crate::requirements;
use crate::support::{House, Ran};

pub(crate) struct Workplace {
    pub(crate) house: House,
    pub(crate) boards: Boards,
    /// Address and SHA-256 of SBL and firmware.
    pub(crate) images: Vec<(String, String)>,
}

/// What is read on the screen, and what is done then.
pub(crate) type Move<'a> = (&'a str, &'a dyn Fn());

/// A recovery starts some thirty processes of Python, on machines that may have other things to do.
const HANGS_AFTER: Duration = Duration::from_secs(400);

/// Short, but long enough for others to see that nothing is there.
const PAUSES: [(&str, f64); 3] = [("start_s", 0.2), ("sbl_s", 0.3), ("hands_s", 0.2)];

impl Workplace {
    /// `board` are the options of `board/life.py`. After the reset in the end the board is plugged in without the wire.
    pub(crate) fn new(version: &str, board: &Value) -> Workplace {
        let mut options = json!({"replugs": [{"after": "reset", "wire": false}]});
        for (name, seconds) in PAUSES {
            options[name] = seconds.into();
        }
        for (name, value) in board.as_object().into_iter().flatten() {
            options[name] = value.clone();
        }
        let boards = Boards::start(&options);
        let mut house = House::new();
        for (name, value) in boards.variables() {
            house.set(name, value);
        }
        let tools = requirements::folder(version);
        house.set("PATH", tools.join("bin"));
        copy_folder(&warm_cache(version), &house.path("home/.cache/spsdk"));
        let images = house.images().into_iter().map(|(address, hash)| (address.to_lowercase(), hash)).collect();
        Workplace { house, boards, images }
    }

    /// `recover` without a person.
    pub(crate) fn recover(&self, playbook: &str, more: &[&str]) -> Ran {
        let args = ["--playbook", playbook, "--files", "images", "--non-interactive"];
        self.house.run_within(HANGS_AFTER, &[&args, more].concat())
    }

    /// The same, with somebody who reads the screen: each of `moves` is made when a line holds its text, in this order.
    pub(crate) fn recover_with(&self, playbook: &str, more: &[&str], moves: &[Move<'_>]) -> Ran {
        let args = ["--playbook", playbook, "--files", "images", "--non-interactive"];
        let mut command = self.house.command(&[&args, more].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (screen, mut errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).map(|_| text).unwrap()
        });
        let (mut stdout, mut moves) = (String::new(), moves.iter());
        let mut next = moves.next();
        // A run that waits for ever is ended by the playbook's own limits.
        for line in BufReader::new(screen).lines() {
            let line = line.unwrap();
            if let Some((_, act)) = next.filter(|(text, _)| line.contains(text)) {
                act();
                next = moves.next();
            }
            stdout += &(line + "\n");
        }
        let ran = Ran { code: child.wait().unwrap().code(), stdout, stderr: errors.join().unwrap() };
        assert!(next.is_none(), "this was never seen: {}\n{}", next.unwrap().0, ran.text());
        ran
    }
}

/// The shipped playbook, changed where it says so: each pair is a text in it, and what stands there instead.
pub(crate) fn playbook_with(changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/rt1062.yaml");
    let mut text = fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "the playbook has no `{from}` any more");
        text = text.replace(from, to);
    }
    text
}

/// The text without what lies between the beginning of one line and that of a later one.
pub(crate) fn without(text: &str, from: &str, to: &str) -> String {
    let (before, rest) = text.split_once(from).unwrap();
    let after = rest.find(to).map_or("", |at| &rest[at..]);
    format!("{before}{after}")
}

/// SPSDK reads a database of its devices at each start, and takes seconds for the first one. Every run gets a copy of the
/// folder that the first one has left, because a second process would wait for its lock.
fn warm_cache(version: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // It holds for this installation only.
    let tools = requirements::folder(version);
    let warm = tools.join("warm-cache");
    if warm.exists() {
        return warm;
    }
    let home = tempfile::tempdir_in(&tools).unwrap();
    let boards = Boards::start(&json!({}));
    let mut first = Command::new(tools.join("bin/blhost"));
    first.args(["-u", "0x15A2,0x0073", "--", "get-property", "1"]).env("HOME", home.path());
    for name in ["XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        first.env_remove(name);
    }
    first.envs(boards.variables()).stdin(Stdio::null()).output().unwrap();
    // Another process of the tests may have been faster.
    let _ = fs::rename(home.path().join(".cache/spsdk"), &warm);
    warm
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
