//! A tool that never stops printing makes neither its limit nor Ctrl-C useless.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::File;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{House, wait_for};

const CATALOG: &str = r#"
[flooder]
summary = "prints without end"
programs = ["flooder"]
timeout = "60s"
version = { args = ["--version"], flavours = [{ pattern = '^flooder (?P<version>\S+)' }] }

[[flooder.commands]]
name = "write"
reversible = true
with = ["write"]
changes_board = true
success = ['^done$']

[[flooder.commands]]
name = "read"
reversible = true
with = ["read"]
success = ['^done$']
"#;

const TOOL: &str = r#"
case "$1" in --version) echo "flooder 1.0"; exit 0;; esac
exec "#;
/// Short lines are the most work for whoever listens, and different ones for whoever keeps them.
const FLOODS: [&str; 2] = ["yes", "seq 1000000000"];

/// Far less than it took when output came first, far more than it takes.
const SOON: Duration = Duration::from_secs(2);

fn house(flood: &str, step: &str, terminal: &str) -> House {
    let mut house = House::new();
    house.write(
        "vendor-tools.toml",
        CATALOG.replace("timeout = \"60s\"\nversion", &format!("timeout = \"60s\"\n{terminal}\nversion")),
    );
    house.write("camera.yaml", format!("format: 1\nboard: Camera\nsteps:\n  - {{run: flooder, {step}}}\n"));
    let tool = house.script("flooder", &format!("{TOOL}{flood}\n"));
    house.set("RECOVER_TOOL_FLOODER", tool);
    house.set("PATH", "/usr/bin:/bin");
    house
}

fn start(house: &House, format: &str) -> Child {
    let file = File::create(house.path("screen")).unwrap();
    let errors = file.try_clone().unwrap();
    let args = ["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--message-format", format];
    house.command(&args).stdout(file).stderr(errors).spawn().unwrap()
}

/// Has output of the tool arrived in the log?
fn is_flooded(house: &House) -> bool {
    house.log().contains("out|")
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn a_limit_passes_under_a_flood() {
    for (flood, terminal, format) in [
        (FLOODS[0], "", "human"),
        (FLOODS[0], "", "json"),
        (FLOODS[1], "", "human"),
        (FLOODS[0], "terminal = true", "human"),
        (FLOODS[1], "terminal = true", "json"),
    ] {
        let house = house(flood, "args: [write], timeout: 500ms", terminal);
        let began = Instant::now();
        let mut child = start(&house, format);
        let status = wait_for("the end of recover", || child.try_wait().unwrap());
        let took = began.elapsed();
        let text = std::fs::read_to_string(house.path("screen")).unwrap();
        assert_eq!(status.code(), Some(1), "{}", &text[text.len().saturating_sub(3_000)..]);
        assert!(took < SOON, "{took:?} {flood} {terminal} {format}");
        eprintln!("a limit of 500 ms, {flood}, {terminal:?}, {format}: the whole run took {took:?}");
    }
}

#[test]
fn ctrl_c_is_heard_under_a_flood() {
    for (flood, terminal, args) in [
        (FLOODS[0], "", "read"),
        (FLOODS[1], "", "write"),
        (FLOODS[0], "terminal = true", "write"),
        (FLOODS[1], "terminal = true", "read"),
    ] {
        let house = house(flood, &format!("args: [{args}]"), terminal);
        let mut child = start(&house, "human");
        wait_for("the flood", || is_flooded(&house).then_some(()));
        if args == "write" {
            signal(&child, Signal::INT);
            let heard = || {
                std::fs::read_to_string(house.path("screen"))
                    .unwrap()
                    .contains("when this step is finished")
                    .then_some(())
            };
            wait_for("the first Ctrl-C to be heard", heard);
        }
        let began = Instant::now();
        signal(&child, Signal::INT);
        let status = wait_for("the end of recover", || child.try_wait().unwrap());
        let took = began.elapsed();
        assert_eq!(status.code(), Some(130));
        assert!(took < SOON, "{took:?} {flood} {terminal} {args}");
        eprintln!("Ctrl-C, {flood}, {terminal:?}, {args}: the run ended after {took:?}");
    }
}
