//! The same with scripts for tools: deaf ones, ones that end early, ones in Python; and what is left is looked for in `/proc`.

use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use super::{ONE_WRITE, Running};
use crate::support::{House, MENDER, content, processes_with, wait_for};

/// Beginning of every tool script: its version, and where it leaves its marks.
const TOOL: &str = r#"
case "$1" in --version) echo "mender 1.0"; exit 0;; esac
"#;

/// A house with one tool, whose calls do what `script` says; `$MARKS` is a folder for its marks.
fn house(script: &str, playbook_steps: &str) -> House {
    let mut house = House::new();
    house.write("vendor-tools.toml", MENDER);
    house.write(
        "camera.yaml",
        format!("format: 1\nboard: Camera\ndevices: {{rom: {{usb: \"1fc9:0135\"}}}}\nsteps:\n{playbook_steps}"),
    );
    let tool = house.script("mender", &format!("{TOOL}{script}"));
    house.set("RECOVER_TOOL_MENDER", tool);
    let marks = house.path("marks");
    std::fs::create_dir(&marks).unwrap();
    house.set("MARKS", marks);
    house
}

const RUN: [&str; 4] = ["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml"];

/// A run whose tool is at work until `$MARKS/go-on` is there.
fn until_told_to_go_on() -> (House, Running) {
    let house = house(
        "echo $$ > \"$MARKS/begun\"\nwhile [ ! -e \"$MARKS/go-on\" ]; do /bin/sleep 0.02; done\necho done\n",
        ONE_WRITE,
    );
    let run = Running::start(&house, &RUN);
    wait_for("the tool", || content(&house.path("marks/begun")));
    (house, run)
}

/// Every living process of this house's run.
fn alive(house: &House) -> Vec<String> {
    processes_with("MARKS", house.path("marks").as_os_str())
}

impl Running {
    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(process, signal).unwrap();
    }
}

/// A process that was killed needs a moment until it is gone.
#[track_caller]
fn assert_nothing_left(house: &House) {
    wait_for("the end of all processes", || alive(house).is_empty().then_some(()));
    assert_eq!(house.left_over(), [""; 0]);
}

#[test]
fn a_tool_that_ignores_every_request_to_end() {
    let house = house(
        "trap '' TERM INT HUP\n/bin/sleep 1000 &\nwhile :; do wait; done\n",
        "  - {run: mender, args: [write], timeout: 200ms}\n",
    );
    let ran = house.run(&RUN);
    ran.exits(1).says("(timed-out)").says("The last call was in the middle of changing it.");
    assert_nothing_left(&house);
}

#[test]
fn a_tool_whose_grandchild_holds_the_pipe() {
    let house = house("/bin/sleep 1000 &\necho done\n", ONE_WRITE);
    house.run(&RUN).exits(0).says("RECOVERED");
    assert_nothing_left(&house);
}

#[test]
fn one_ctrl_c_lets_a_write_finish_and_stops_then() {
    let house = house(
        "echo $$ > \"$MARKS/begun\"\nwhile [ ! -e \"$MARKS/go-on\" ]; do /bin/sleep 0.02; done\n\
         echo whole > \"$MARKS/written\"\necho done\n",
        "  - {run: mender, args: [write]}\n  - {id: second, run: mender, args: [write]}\n",
    );
    let run = Running::start(&house, &RUN);
    wait_for("the tool", || content(&house.path("marks/begun")));
    run.signal(Signal::INT);
    run.wait_for_text("The run ends when this step is finished");
    std::fs::write(house.path("marks/go-on"), "").unwrap();
    let (code, text) = run.end();
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("INTERRUPTED") && text.contains("(second)"), "{text}");
    assert_eq!(content(&house.path("marks/written")).as_deref(), Some("whole\n"));
    assert_nothing_left(&house);
}

#[test]
fn a_second_ctrl_c_ends_the_tool() {
    let house = house("echo $$ > \"$MARKS/begun\"\n/bin/sleep 1000\necho done\n", ONE_WRITE);
    let run = Running::start(&house, &RUN);
    wait_for("the tool", || content(&house.path("marks/begun")));
    run.signal(Signal::INT);
    run.wait_for_text("The run ends when this step is finished");
    run.signal(Signal::INT);
    let (code, text) = run.end();
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("in the middle of changing it"), "{text}");
    assert_nothing_left(&house);
}

#[test]
fn a_tool_that_only_reads_is_ended_at_once() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let house = house("echo $$ > \"$MARKS/begun\"\n/bin/sleep 1000\n", "  - {run: mender, args: [read]}\n");
        let run = Running::start(&house, &RUN);
        wait_for("the tool", || content(&house.path("marks/begun")));
        run.signal(signal);
        let (code, text) = run.end();
        assert_eq!(code, Some(130), "{text}");
        assert!(text.contains("This run has changed nothing on the board."), "{text}");
        assert_nothing_left(&house);
    }
}

/// Dropping what runs a tool ends it, so that a panic anywhere leaves nothing behind.
#[test]
fn a_panic_ends_the_tool() {
    let house = house("echo $$ > \"$MARKS/begun\"\n/bin/sleep 1000 &\nwait\n", ONE_WRITE);
    let marks = house.path("marks");
    let call = recover::world::ToolCall {
        launcher: vec![house.path("work/mender").into()],
        args: vec!["write".to_owned()],
        environment: [("MARKS".to_owned(), marks.clone().into_os_string())].into(),
        environment_remove: Vec::new(),
        folder: house.path("work"),
        terminal: false,
        input: recover::world::ToolInput::default(),
        warm: None,
    };
    let panicked = std::panic::catch_unwind(|| {
        let _tool = recover::world::process::start(&crate::support::cleared(call));
        wait_for("the tool", || content(&marks.join("begun")));
        assert!(!alive(&house).is_empty());
        std::panic::resume_unwind(Box::new("as wanted"));
    });
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"as wanted"));
    assert_nothing_left(&house);
}

/// Nobody can clean up then but those who are left.
#[test]
fn a_killed_recover_leaves_no_tool() {
    let read_and_wait = "  - {run: mender, args: [read]}\n";
    // With a grandchild that holds everything open, and deaf to everything but the last signal.
    let deaf = "trap '' TERM INT HUP PIPE\n/bin/sleep 1000 &\necho $$ > \"$MARKS/begun\"\nwhile :; do wait; done\n";
    for steps in [ONE_WRITE, read_and_wait] {
        let house = house(deaf, steps);
        let run = Running::start(&house, &RUN);
        wait_for("the tool", || content(&house.path("marks/begun")));
        assert!(alive(&house).len() >= 3, "recover, its tool and the grandchild");
        run.signal(Signal::KILL);
        assert_eq!(run.end().0, None);
        wait_for("the end of all processes", || alive(&house).is_empty().then_some(()));
        std::fs::remove_file(house.path("marks/begun")).unwrap();
    }
}

/// Between two calls there is nothing to end, and nothing of the call before is left.
#[test]
fn a_recover_that_is_killed_between_steps_leaves_nothing() {
    let steps = "  - {run: mender, args: [write], retry: {attempts: 2, on: [unknown], backoff: 30s}}\n";
    let house = house("/bin/sleep 1000 &\necho $$ > \"$MARKS/begun\"\necho no success\n", steps);
    let run = Running::start(&house, &RUN);
    wait_for("the tool", || content(&house.path("marks/begun")));
    wait_for("the pause before the second attempt", || (alive(&house).len() == 1).then_some(()));
    run.signal(Signal::KILL);
    assert_eq!(run.end().0, None);
    wait_for("the end of all processes", || alive(&house).is_empty().then_some(()));
    std::fs::remove_file(house.path("marks/begun")).unwrap();
}

/// The tool as a script of Python, which an interpreter forks; nothing where there is no Python.
fn warm_house(calls: &str, playbook_steps: &str) -> Option<House> {
    let question = "import sys; print(sys.executable); sys.exit(sys.version_info < (3, 8))";
    let asked = std::process::Command::new("python3").args(["-c", question]).output();
    let Some(python) = asked.ok().filter(|answer| answer.status.success()) else {
        assert!(std::env::var_os("RECOVER_REQUIRE_PYTHON").is_none(), "there is no python3 from 3.8 on");
        // Straight to the stream: what a passing test prints by `eprintln!` is not shown.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"skipped: there is no python3 from 3.8 on\n");
        return None;
    };
    let house = house("", playbook_steps);
    let catalog = MENDER.replace("timeout = \"60s\"\n", "timeout = \"60s\"\nwarm = { imports = [\"subprocess\"] }\n");
    house.write("vendor-tools.toml", catalog);
    let version = "if sys.argv[1] == '--version':\n    print('mender 1.0')\n    sys.exit()\n";
    let begins = "import os, subprocess, sys, time\n";
    let marks = "open(os.environ['MARKS'] + '/begun', 'w').write(f'{os.getppid()} {os.getpid()}\\n')\n";
    let sleeper = "subprocess.Popen(['/bin/sleep', '1000'])\n";
    let python = String::from_utf8(python.stdout).unwrap();
    house.write("mender", format!("#!{}\n{begins}{version}{sleeper}{marks}{calls}", python.trim()));
    Some(house)
}

#[test]
fn a_killed_recover_leaves_no_interpreter() {
    let Some(house) = warm_house("time.sleep(1000)\n", ONE_WRITE) else { return };
    let run = Running::start(&house, &RUN);
    let begun = wait_for("the tool", || content(&house.path("marks/begun")));
    let interpreter = begun.split(' ').next().unwrap().to_owned();
    assert_ne!(interpreter, run.child.id().to_string(), "recover has started the tool itself");
    assert!(alive(&house).len() >= 4, "recover, the interpreter, its tool and the grandchild");
    run.signal(Signal::KILL);
    assert_eq!(run.end().0, None);
    wait_for("the end of all processes", || alive(&house).is_empty().then_some(()));
}

#[test]
fn an_interpreter_that_waits_for_a_call_ends_with_the_run() {
    let steps = "  - {run: mender, args: [write], retry: {attempts: 2, on: [unknown], backoff: 30s}}\n";
    for signal in [Signal::KILL, Signal::TERM] {
        let Some(house) = warm_house("print('no success')\n", steps) else { return };
        let run = Running::start(&house, &RUN);
        wait_for("the tool", || content(&house.path("marks/begun")));
        wait_for("the pause before the second attempt", || (alive(&house).len() == 2).then_some(()));
        run.signal(signal);
        run.end();
        wait_for("the end of all processes", || alive(&house).is_empty().then_some(()));
    }
    let Some(house) = warm_house("print('done')\n", ONE_WRITE) else { return };
    house.run(&RUN).exits(0);
    wait_for("the end of all processes", || alive(&house).is_empty().then_some(()));
}

#[test]
fn ctrl_c_lets_a_write_by_an_interpreter_finish() {
    let waits = "while not os.path.exists(os.environ['MARKS'] + '/go-on'):\n    time.sleep(0.02)\nprint('done')\n";
    let steps = "  - {run: mender, args: [write]}\n  - {id: second, run: mender, args: [write]}\n";
    let Some(house) = warm_house(waits, steps) else { return };
    let run = Running::start(&house, &RUN);
    wait_for("the tool", || content(&house.path("marks/begun")));
    run.signal(Signal::INT);
    run.wait_for_text("The run ends when this step is finished");
    std::fs::write(house.path("marks/go-on"), "").unwrap();
    let (code, text) = run.end();
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("INTERRUPTED") && text.contains("(second)"), "{text}");
    wait_for("the end of all processes", || alive(&house).is_empty().then_some(()));
}

/// The guard goes with its recover, whatever the end.
#[test]
fn no_guard_outlives_its_run() {
    let (house, run) = until_told_to_go_on();
    let parent = format!("PPid:\t{}\n", run.child.id());
    let is_guard = |folder: &PathBuf| {
        let line = std::fs::read(folder.join("cmdline")).unwrap_or_default();
        let status = std::fs::read_to_string(folder.join("status")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("end-tools-when-input-ends") && status.contains(&parent)
    };
    let folders = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let guards: Vec<PathBuf> = folders.filter(is_guard).collect();
    assert_eq!(guards.len(), 1, "{guards:?}");
    std::fs::write(house.path("marks/go-on"), "").unwrap();
    assert_eq!(run.end().0, Some(0));
    wait_for("the end of the guard", || (!guards[0].exists()).then_some(()));
}

#[test]
fn a_second_run_is_told_who_holds_the_board() {
    let (house, first) = until_told_to_go_on();
    let process = format!("another recover (process {}, since ", first.child.id());
    house.run(&RUN).exits(7).says(&process).says("is working on 1fc9:0135");
    house.run(&["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--dry-run"]).exits(0);
    std::fs::write(house.path("marks/go-on"), "").unwrap();
    assert_eq!(first.end().0, Some(0));
    house.run(&RUN).exits(0);
    assert_nothing_left(&house);
}

/// The bench of a run must not be cleared away under it.
#[test]
fn a_second_simulation_leaves_the_bench_of_the_first_alone() {
    let house = house("", ONE_WRITE);
    let (reader, writer) = std::io::pipe().unwrap();
    let bench = house.path("bench");
    let args = ["--playbook", "rt1062", "--simulate", "--bench", bench.to_str().unwrap(), "--message-format", "json"];
    // Nobody reads its events, so the first run stands still as soon as the pipe is full.
    let mut filler = writer.try_clone().unwrap();
    rustix::io::ioctl_fionbio(&filler, true).unwrap();
    while std::io::Write::write(&mut filler, &[b'\n'; 512]).is_ok() {}
    rustix::io::ioctl_fionbio(&filler, false).unwrap();
    drop(filler);
    let mut first = house.command(&args).stdout(writer).spawn().unwrap();
    wait_for("the bench", || bench.join("calls.jsonl").exists().then_some(()));
    house.run(&args).exits(7).says("another recover (process ");
    house.run(&[&args[..], &["--dry-run"]].concat()).exits(0);
    let text = std::io::read_to_string(reader).unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(0), "{text}");
    assert_eq!(house.board().boot_fuse(), "0x00000010");
    assert_nothing_left(&house);
}

/// A reader such as `head` that has seen enough must not cut a write short.
#[test]
fn a_closed_screen_does_not_break_the_run() {
    let house = house("echo done\necho whole > \"$MARKS/written\"\n", ONE_WRITE);
    house.write("broken.yaml", "format: 1\n");
    for format in ["human", "json"] {
        let args = ["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--message-format", format];
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let errors = writer.try_clone().unwrap();
        let status = house.command(&args).stdout(writer).stderr(errors).status().unwrap();
        assert_eq!(status.code(), Some(0), "{format}");
        std::fs::remove_file(house.path("marks/written")).unwrap();
    }
    for (args, code) in [
        (&["list"][..], 0),
        (&["list", "--verbose"], 0),
        (&["check", "camera.yaml"], 0),
        (&["check", "nothing.yaml"], 2),
        (&["check", "broken.yaml"], 3),
        (&["--playbook", "camera.yaml", "--catalog", "vendor-tools.toml", "--dry-run"], 0),
        (&["--playbook", "nothing"], 2),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let errors = writer.try_clone().unwrap();
        let status = house.command(args).stdout(writer).stderr(errors).status().unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}

/// In a namespace of its own the test may mount a tiny file system for temporary files, without any privilege.
#[test]
fn a_full_disk_is_told_before_anything_runs() {
    let house = house("echo done\n", ONE_WRITE);
    house.write("camera.yaml", "format: 1\nboard: Camera\ninputs: {image: {file: image.bin}}\nsteps:\n  - {run: mender, args: [write, \"${image}\"]}\n");
    house.write("image.bin", vec![7; 300_000]);
    let mount = format!("mount -t tmpfs -o size=64k none '{}'", house.path("tmp").display());
    let unshare = |line: &str| {
        let mut command = house.command(&[]);
        let environment: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
        let mut outer = std::process::Command::new("unshare");
        outer.args(["--user", "--map-root-user", "--mount", "/bin/sh", "-c", line]);
        outer.current_dir(house.path("work")).env_clear();
        for (name, value) in environment {
            outer.env(name, value.unwrap());
        }
        outer.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(std::process::Stdio::null());
        drop(std::mem::replace(&mut command, outer));
        command.output()
    };
    match unshare(&mount) {
        Ok(output) if output.status.success() => {}
        other => return eprintln!("skipped: this user may not mount anything, not even in a namespace ({other:?})"),
    }
    let line = format!(
        "{mount} && exec '{}' --playbook camera.yaml --catalog vendor-tools.toml",
        env!("CARGO_BIN_EXE_recover")
    );
    let output = unshare(&line).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("the disk is full") && text.contains("tools were asked for their version only"), "{text}");
}
