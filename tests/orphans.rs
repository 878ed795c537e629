//! Nothing that recover started outlives it, however the run ends: on every system, with a tool that has a child.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[cfg(target_os = "linux")]
mod linux;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use crate::support::{House, MENDER, wait_for};

/// How this program is told to be the tool instead; what comes behind it says as what.
const TOOL: [&str; 4] = ["--exact", "orphans::the_tool_and_its_child", "--nocapture", "--"];
/// Each holds the file of its name in the folder of marks locked as long as it lives.
const ALL: [&str; 2] = ["tool", "child"];

const ONE_WRITE: &str = "  - {run: mender, args: [write]}\n";

/// A run in the background, with what it prints in a file.
struct Running {
    child: Child,
    screen: PathBuf,
}

impl Running {
    fn start(house: &House, args: &[&str]) -> Running {
        let screen = house.path("screen");
        let file = File::create(&screen).unwrap();
        let errors = file.try_clone().unwrap();
        let child = house.command(args).stdout(file).stderr(errors).spawn().unwrap();
        Running { child, screen }
    }

    /// Ctrl-C, as a terminal sends it.
    #[cfg(unix)]
    fn interrupt(&self) {
        let process = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    }

    /// Wine makes Ctrl-C of the signal that a process of Linux below it gets. Windows itself sends it only to all that share
    /// a console, which would be this program, too.
    #[cfg(windows)]
    fn interrupt(&self) {
        let own_name = self.screen.parent().unwrap().file_name().unwrap().to_str().unwrap();
        // The brackets keep the shell from finding itself.
        let line = format!(
            "for line in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$line | grep -q 'recove[r].exe .*{own_name}' && \
             kill -INT $(echo $line | cut -d/ -f3); done 2>/dev/null; :"
        );
        // Wine starts it, and has nothing by which its end could be waited for.
        let _started = Command::new("/bin/sh").args(["-c", &line]).spawn().unwrap();
    }

    fn text(&self) -> String {
        let text = std::fs::read_to_string(&self.screen).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn wait_for_text(&self, wanted: &str) {
        wait_for(wanted, || self.text().contains(wanted).then_some(()));
    }

    #[track_caller]
    fn end(mut self) -> (Option<i32>, String) {
        let status = wait_for("the end of recover", || self.child.try_wait().unwrap());
        (status.code(), self.text())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

/// What recover starts below, not a test: started as any other of these it has nothing to do.
#[test]
fn the_tool_and_its_child() {
    let Some(marks) = std::env::var_os("MARKS").map(PathBuf::from) else { return };
    match std::env::args().next_back().as_deref() {
        // The runner of tests has begun a line of its own.
        Some("--version") => println!("\nmender 1.0"),
        Some("write") => {
            let own = std::env::current_exe().unwrap();
            let mut child = Command::new(own).args(TOOL).arg("child").spawn().unwrap();
            hold(&marks.join("tool"));
            child.wait().unwrap();
        }
        _ => hold(&marks.join("child")),
    }
    std::process::exit(0);
}

/// Longer than any of these tests takes.
fn hold(mark: &Path) {
    let held = File::create(mark).unwrap();
    held.lock().unwrap();
    std::thread::sleep(Duration::from_secs(120));
}

fn is_alive(house: &House, name: &str) -> bool {
    let mark = File::open(house.path("marks").join(name));
    mark.is_ok_and(|mark| matches!(mark.try_lock(), Err(TryLockError::WouldBlock)))
}

/// A run whose tool is this program.
fn house(playbook_steps: &str) -> House {
    let mut house = House::new();
    let limit = "timeout = \"60s\"\n";
    house.write("vendor-tools.toml", MENDER.replace(limit, &format!("{limit}first_args = {TOOL:?}\n")));
    house.write(
        "camera.yaml",
        format!("format: 1\nboard: Camera\ndevices: {{rom: {{usb: \"1fc9:0135\"}}}}\nsteps:\n{playbook_steps}"),
    );
    house.set("RECOVER_TOOL_MENDER", std::env::current_exe().unwrap());
    std::fs::create_dir(house.path("marks")).unwrap();
    house.set("MARKS", house.path("marks"));
    house
}

/// Starts a run, and waits until the tool and its child are at work.
fn at_work(house: &House) -> Running {
    // By its whole path, so that the run can be told from others by its arguments.
    let playbook = house.path("work").join("camera.yaml");
    let run = Running::start(house, &["--playbook", playbook.to_str().unwrap(), "--catalog", "vendor-tools.toml"]);
    wait_for("the tool and its child", || ALL.iter().all(|name| is_alive(house, name)).then_some(()));
    run
}

/// A process that was killed needs a moment until it is gone.
#[track_caller]
fn assert_no_survivor(house: &House) {
    for name in ALL {
        assert!(house.path("marks").join(name).exists(), "{name} has never been at work");
        wait_for(&format!("the end of the {name}"), || (!is_alive(house, name)).then_some(()));
    }
}

/// Each end that often: `RECOVER_ENDS=50` takes minutes.
#[track_caller]
fn again_and_again(end: impl Fn()) {
    let times = std::env::var("RECOVER_ENDS").map_or(1, |times| times.parse().unwrap());
    for time in 1..=times {
        end();
        println!("{time} of {times}: no survivor");
    }
}

#[test]
fn a_limit_ends_the_tool_and_its_child() {
    again_and_again(|| {
        let house = house("  - {run: mender, args: [write], timeout: 2s}\n");
        house.run(&["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml"]).exits(1).says("(timed-out)");
        assert_no_survivor(&house);
    });
}

#[test]
fn ctrl_c_until_it_ends_the_tool_ends_its_child() {
    again_and_again(|| {
        let house = house(ONE_WRITE);
        let run = at_work(&house);
        run.interrupt();
        run.wait_for_text("The run ends when this step is finished");
        assert!(ALL.iter().all(|name| is_alive(&house, name)), "the first Ctrl-C is none for the tool");
        run.interrupt();
        let (code, text) = run.end();
        assert_eq!(code, Some(130), "{text}");
        assert_no_survivor(&house);
    });
}

/// Nobody can clean up then but those who are left, or the system.
#[test]
fn a_killed_recover_leaves_neither_tool_nor_child() {
    again_and_again(|| {
        let house = house(ONE_WRITE);
        let mut run = at_work(&house);
        run.child.kill().unwrap();
        run.end();
        assert_no_survivor(&house);
    });
}
