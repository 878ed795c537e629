//! A tool that never stops printing makes neither its limit nor Ctrl-C useless.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::fs::File;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use support::{House, wait_for};

const CATALOG: &str = r#"
[flooder]
summary = "prints without end"
programs = ["flooder"]
timeout = "60s"
version = { args = ["--version"], flavours = [{ pattern = '^flooder (?P<version>\S+)' }] }

[[flooder.commands]]
name = "write"
with = ["write"]
changes_board = true
success = ['^done$']

[[flooder.commands]]
name = "read"
with = ["read"]
success = ['^done$']
"#;

/// Short lines are the most work for whoever listens.
const TOOL: &str = r#"
case "$1" in --version) echo "flooder 1.0"; exit 0;; esac
exec yes
"#;

/// Far less than it took when output came first, far more than it takes.
const SOON: Duration = Duration::from_secs(2);

fn house(step: &str, terminal: &str) -> House {
    let mut house = House::new();
    house.write(
        "vendor-tools.toml",
        CATALOG.replace("timeout = \"60s\"\nversion", &format!("timeout = \"60s\"\n{terminal}\nversion")),
    );
    house.write("camera.yaml", format!("format: 1\nboard: Camera\nsteps:\n  - {{run: flooder, {step}}}\n"));
    let tool = house.script("flooder", TOOL);
    house.set("RECOVER_TOOL_FLOODER", tool);
    house.set("PATH", "/usr/bin:/bin");
    house
}

fn start(house: &House, format: &str) -> Child {
    let file = File::create(house.path("screen")).unwrap();
    let errors = file.try_clone().unwrap();
    let args = ["--playbook", "camera.yaml", "--message-format", format];
    house.command(&args).stdout(file).stderr(errors).spawn().unwrap()
}

fn size_of_log(house: &House) -> u64 {
    let folder = std::fs::read_dir(house.path("home/state/recover/runs")).into_iter().flatten();
    folder.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn a_limit_passes_under_a_flood() {
    for terminal in ["", "terminal = true"] {
        for format in ["human", "json"] {
            let house = house("args: [write], timeout: 500ms", terminal);
            let began = Instant::now();
            let mut child = start(&house, format);
            let status = wait_for("the end of recover", || child.try_wait().unwrap());
            let took = began.elapsed();
            let text = std::fs::read_to_string(house.path("screen")).unwrap();
            let last = &text[text.len().saturating_sub(3_000)..];
            assert_eq!(status.code(), Some(1), "{last}");
            assert!(took < SOON, "{took:?} {terminal} {format}");
            eprintln!("limit 500 ms, {terminal:?} {format}: the whole run took {took:?}");
        }
    }
}

#[test]
fn ctrl_c_is_heard_under_a_flood() {
    for terminal in ["", "terminal = true"] {
        for (args, signals) in [("read", 1), ("write", 2)] {
            let house = house(&format!("args: [{args}]"), terminal);
            let mut child = start(&house, "human");
            wait_for("the flood", || (size_of_log(&house) > 1_000).then_some(()));
            for _ in 1..signals {
                signal(&child, Signal::INT);
                wait_for("the first Ctrl-C to be heard", || {
                    std::fs::read_to_string(house.path("screen")).unwrap().contains("Finishing").then_some(())
                });
            }
            let began = Instant::now();
            signal(&child, Signal::INT);
            let status = wait_for("the end of recover", || child.try_wait().unwrap());
            let took = began.elapsed();
            assert_eq!(status.code(), Some(130));
            assert!(took < SOON, "{took:?} {terminal} {args}");
            eprintln!("Ctrl-C, {terminal:?} {args}: the run ended after {took:?}");
        }
    }
}
