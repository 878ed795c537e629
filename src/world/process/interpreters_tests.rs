//! Calls by an interpreter look as those of a tool that is started, and nothing of them is left. Real time and processes.
//!
//! Where there is no Python, the tests say so and pass.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::*;
use crate::words::Stream;
use crate::world::process::python;
use crate::world::{ToolCall, WarmStart};

/// What takes long to import.
const MODULE: &str = r#"
import atexit, os, signal, subprocess, sys, time

def fails():
    raise ValueError("no such board")

def main():
    word = sys.argv[1]
    with open(os.environ["MARKS"] + "/calls", "a") as file:
        file.write(word + "\n")
    print(os.path.basename(sys.argv[0]), sys.argv[1:], os.getcwd(), __name__ == "__main__")
    if word == "refused":
        print("refused", file=sys.stderr)
        return 3
    if word == "reads":
        print(repr(sys.stdin.read()))
    if word == "says":
        sys.exit("a word")
    if word == "fails":
        fails()
    if word == "leaves":
        atexit.register(print, "at last")
    if word == "dies":
        os.kill(os.getpid(), signal.SIGSEGV)
    if word == "interrupted":
        raise KeyboardInterrupt
    if word == "hard":
        os._exit(7)
    if word == "group":
        print(os.getpid() == os.getpgid(0), signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL)
    if word == "open":
        print(sorted(int(name) for name in os.listdir("/proc/self/fd"))[:4], sys.stdout.isatty())
    if word == "beside":
        try:
            import beside
        except ImportError:
            print("nothing beside")
    if word == "waits":
        child = subprocess.Popen(["sleep", "60"])
        print("begun", os.getpid(), child.pid, flush=True)
        time.sleep(60)
    return 0
"#;

const LAUNCHER: &str =
    "import sys\nfrom flasher_of_test import main\nif __name__ == '__main__':\n    sys.exit(main())\n";

struct Desk {
    folder: tempfile::TempDir,
    python: PathBuf,
}

/// Nothing where there is no Python.
fn desk(module: &str) -> Option<Desk> {
    let python = python()?;
    let folder = tempfile::tempdir().unwrap();
    let launcher = folder.path().join("flasher");
    std::fs::write(folder.path().join("flasher_of_test.py"), module).unwrap();
    std::fs::write(&launcher, format!("#!{}\n{LAUNCHER}", python.display())).unwrap();
    std::fs::set_permissions(&launcher, std::fs::Permissions::from_mode(0o755)).unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    std::fs::write(work.join("beside.py"), "print('taken from the folder of the firmware')").unwrap();
    Some(Desk { folder, python })
}

impl Desk {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn call(&self, args: &[&str]) -> ToolCall {
        let environment = [
            ("PYTHONPATH", self.path().as_os_str().to_owned()),
            ("MARKS", self.path().as_os_str().to_owned()),
            ("PYTHONSAFEPATH", "1".into()),
            ("PYTHONUNBUFFERED", "1".into()),
        ];
        ToolCall {
            launcher: vec![self.path().join("flasher").into()],
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
            environment_remove: Vec::new(),
            folder: self.path().join("work"),
            terminal: false,
            input: ToolInput::Nothing,
            warm: Some(WarmStart {
                interpreter: vec![self.python.clone().into()],
                imports: vec!["flasher_of_test".to_owned()],
            }),
        }
    }

    fn as_module(&self, args: &[&str]) -> ToolCall {
        let launcher = [self.python.as_os_str(), "-m".as_ref(), "program_of_test".as_ref()];
        std::fs::write(self.path().join("program_of_test.py"), LAUNCHER).unwrap();
        ToolCall { launcher: launcher.map(Into::into).to_vec(), ..self.call(args) }
    }

    fn interpreters(&self) -> Interpreters {
        let interpreters = Interpreters::default();
        interpreters.warm_up(&cleared(self.call(&[])).interpreter().unwrap());
        interpreters
    }

    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Processes with the environment of this desk.
    fn alive(&self) -> Vec<u32> {
        let marker = format!("MARKS={}", self.path().display());
        let numbers = std::fs::read_dir("/proc").unwrap().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let is_ours = |number: &u32| {
            let environment = std::fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == marker.as_bytes())
        };
        numbers.filter(is_ours).collect()
    }

    #[track_caller]
    fn assert_nothing_left(&self) {
        wait_until(|| self.alive().is_empty());
    }
}

#[track_caller]
fn wait_until(holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn cleared(call: ToolCall) -> Cleared {
    Cleared::unseen(call)
}

#[derive(Debug, Default, PartialEq)]
struct Heard {
    stdout: String,
    stderr: String,
    end: Option<ToolEnd>,
}

fn hear(mut tool: RunningTool) -> Heard {
    let mut heard = Heard::default();
    while let Some(event) = tool.events.blocking_recv() {
        match event {
            ToolEvent::Output(Stream::Stdout, bytes) => heard.stdout += &String::from_utf8(bytes).unwrap(),
            ToolEvent::Output(Stream::Stderr, bytes) => heard.stderr += &String::from_utf8(bytes).unwrap(),
            ToolEvent::Ended(end) => heard.end = Some(end),
        }
    }
    heard
}

/// The process of the call and the one that it has started.
fn begun(tool: &mut RunningTool) -> [Pid; 2] {
    let mut text = String::new();
    while !text.contains("begun") || !text.ends_with('\n') {
        match tool.events.blocking_recv() {
            Some(ToolEvent::Output(_, bytes)) => text += &String::from_utf8(bytes).unwrap(),
            other => panic!("{other:?} after {text}"),
        }
    }
    let mut numbers = text.lines().last().unwrap().split(' ').skip(1).map(|word| word.parse().unwrap());
    [(); 2].map(|()| Pid::from_raw(numbers.next().unwrap()).unwrap())
}

#[test]
fn a_call_looks_as_that_of_a_tool_that_is_started() {
    let Some(desk) = desk(MODULE) else { return };
    let interpreters = desk.interpreters();
    let words =
        ["plain", "refused", "reads", "says", "fails", "leaves", "dies", "interrupted", "hard", "group", "open"];
    let ways = [Desk::call, Desk::as_module];
    for (word, way) in words.into_iter().flat_map(|word| ways.map(|way| (word, way))) {
        let call = cleared(way(&desk, &[word, "a b", "ä", ""]));
        let warm = hear(interpreters.start(&call));
        assert!(interpreters.was_warm(), "{word}");
        let cold = hear(super::start(&call));
        assert_eq!(warm, cold, "{word}");
        assert!(warm.end.is_some() && !warm.stdout.is_empty(), "{word}: {warm:?}");
    }
    assert_eq!(desk.calls().len(), words.len() * 4);
}

/// Not even where the system's own safeguard is missing, as in a Python before 3.11.
#[test]
fn nothing_beside_the_firmware_is_imported() {
    let Some(desk) = desk(MODULE) else { return };
    std::fs::write(desk.path().join("work/flasher_of_test.py"), "print('taken')").unwrap();
    let unsafely = |mut call: ToolCall| {
        call.environment.remove("PYTHONSAFEPATH");
        call.environment.insert("PYTHONPATH".to_owned(), format!(":{}", desk.path().display()).into());
        cleared(call)
    };
    let interpreters = Interpreters::default();
    interpreters.warm_up(&unsafely(desk.call(&[])).interpreter().unwrap());
    for call in [desk.call(&["beside"]), desk.as_module(&["beside"])] {
        let heard = hear(interpreters.start(&unsafely(call)));
        assert!(interpreters.was_warm());
        assert!(heard.stdout.contains("nothing beside") && !heard.stdout.contains("taken"), "{heard:?}");
    }
}

#[test]
fn a_call_is_ended_with_all_that_it_has_started() {
    let Some(desk) = desk(MODULE) else { return };
    let interpreters = desk.interpreters();
    let call = cleared(desk.call(&["waits"]));
    for asks in [true, false] {
        let mut tool = interpreters.start(&call);
        let processes = begun(&mut tool);
        if asks {
            assert!(tool.stop.ask());
        } else {
            tool.stop.force();
        }
        let end = hear(tool).end;
        assert!(matches!(end, Some(ToolEnd::Signalled(15 | 9))), "{end:?}");
        wait_until(|| processes.iter().all(|process| test_kill_process(*process).is_err()));
    }
    let mut tool = interpreters.start(&call);
    let processes = begun(&mut tool);
    drop(tool);
    wait_until(|| processes.iter().all(|process| test_kill_process(*process).is_err()));
    assert_eq!(hear(interpreters.start(&cleared(desk.call(&["plain"])))).end, Some(ToolEnd::Exited(0)));
    assert!(interpreters.was_warm());
    assert_eq!(desk.alive().len(), 1, "the interpreter");
    drop(interpreters);
    desk.assert_nothing_left();
}

#[test]
fn an_interpreter_that_is_killed_in_the_middle_of_a_call_takes_it_along() {
    let Some(desk) = desk(MODULE) else { return };
    let interpreters = desk.interpreters();
    let mut tool = interpreters.start(&cleared(desk.call(&["waits"])));
    let processes = begun(&mut tool);
    let status = std::fs::read_to_string(format!("/proc/{}/status", processes[0].as_raw_nonzero())).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(parent).unwrap(), Signal::KILL).unwrap();
    assert_eq!(hear(tool).end, Some(ToolEnd::Signalled(9)));
    desk.assert_nothing_left();
    assert_eq!(hear(interpreters.start(&cleared(desk.call(&["plain"])))).end, Some(ToolEnd::Exited(0)));
    assert!(!interpreters.was_warm());
    assert_eq!(desk.calls(), ["waits", "plain"]);
}

#[test]
fn an_interpreter_that_was_killed_before_costs_nothing() {
    let Some(desk) = desk(MODULE) else { return };
    let interpreters = desk.interpreters();
    assert_eq!(hear(interpreters.start(&cleared(desk.call(&["plain"])))).end, Some(ToolEnd::Exited(0)));
    let idle = Pid::from_raw(i32::try_from(desk.alive()[0]).unwrap()).unwrap();
    kill_process(idle, Signal::KILL).unwrap();
    assert_eq!(hear(interpreters.start(&cleared(desk.call(&["refused"])))).end, Some(ToolEnd::Exited(3)));
    assert!(!interpreters.was_warm());
    assert_eq!(desk.calls(), ["plain", "refused"]);
    desk.assert_nothing_left();
}

#[test]
fn an_interpreter_that_is_not_as_it_should_be_is_not_used() {
    let begins = [
        "print('a word at the beginning')\n",
        "import sys\nsys.stderr.write('a warning')\n",
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n",
        "import sys\nif sys.argv[0] == '-c': sys.exit(0)\n",
        "import sys\nif sys.argv[0] == '-c': raise ImportError\n",
    ];
    for begin in begins {
        let Some(desk) = desk(&(begin.to_owned() + MODULE)) else { return };
        let interpreters = desk.interpreters();
        let call = cleared(desk.call(&["plain"]));
        assert_eq!(hear(interpreters.start(&call)), hear(super::start(&call)), "{begin}");
        assert!(!interpreters.was_warm(), "{begin}");
        assert_eq!(desk.calls(), ["plain", "plain"]);
    }
}

#[test]
fn what_no_interpreter_was_started_for_is_started_itself() {
    let Some(desk) = desk(MODULE) else { return };
    let interpreters = desk.interpreters();
    let other = |change: &dyn Fn(&mut ToolCall)| {
        let mut call = desk.call(&["plain"]);
        change(&mut call);
        hear(interpreters.start(&cleared(call)));
        assert!(!interpreters.was_warm());
    };
    other(&|call| call.warm = None);
    other(&|call| call.terminal = true);
    other(&|call| call.input = ToolInput::Open);
    other(&|call| drop(call.environment.insert("MORE".to_owned(), "1".into())));
    hear(interpreters.start(&cleared(desk.call(&["plain"]))));
    assert!(interpreters.was_warm());
    assert_eq!(desk.calls(), ["plain"; 5]);
}

/// Its caller does not want it any more before anything has begun.
#[test]
fn a_call_that_is_taken_back_while_the_interpreter_warms_up_is_never_made() {
    let Some(desk) = desk(&format!("import time\ntime.sleep(1)\n{MODULE}")) else { return };
    let interpreters = desk.interpreters();
    let mut tool = interpreters.start(&cleared(desk.call(&["plain"])));
    tool.stop.ask();
    assert_eq!(hear(tool).end, Some(ToolEnd::Cancelled));
    hear(interpreters.start(&cleared(desk.call(&["refused"]))));
    assert!(interpreters.was_warm());
    assert_eq!(desk.calls(), ["refused"]);
}
