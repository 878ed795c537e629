//! One process makes several calls, and whatever goes wrong with it looks as it does in a process of its own.

use std::collections::BTreeMap;

use regex::Regex;

use super::*;
use crate::documents::catalog::Pattern;
use crate::world::{ToolCall, ToolInput};

/// A tool that makes one call, or a session: it answers `probe`, and ends at the first command it does not like.
const TOOL: &str = r#"
one() {
    case "$1" in
        probe) echo "status 0"; echo "property"; echo "version 1" ;;
        good) echo "working"; echo "status 0"; echo "by $$" ;;
        leaves) sleep 60 & echo "working"; echo "status 0"; echo "by $$" ;;
        refused) echo "status 7"; echo "refused" >&2; exit 1 ;;
        crash) echo "status 0"; echo "by $$"; read -r probe; echo "gone" >&2; exit 9 ;;
        stuck) echo "status 0"; echo "detail"; sleep 60 ;;
        silent) sleep 60 ;;
        *) echo "unknown $1"; exit 2 ;;
    esac
}
case "$1" in
    session) while read -r command; do one "$command"; done ;;
    deaf) commands=$(cat); for command in $commands; do one "$command"; done ;;
    mute) exit 3 ;;
    *) one "$1" ;;
esac
"#;

fn pattern(text: &str) -> Pattern {
    Regex::new(text).unwrap().into()
}

fn call(command: &str, session: &str) -> ToolCall {
    let args = |last: &str| ["-c", TOOL, "tool", last].map(str::to_owned).to_vec();
    ToolCall {
        launcher: vec!["/bin/sh".into()],
        args: args(command),
        environment: BTreeMap::new(),
        environment_remove: Vec::new(),
        folder: std::env::temp_dir(),
        terminal: false,
        input: ToolInput::Nothing,
        session: Some(SessionCall {
            args: args(session),
            line: command.to_owned(),
            probe: "probe".to_owned(),
            begins: pattern("^status "),
            goes_on: pattern("^status 0$"),
            probe_ends: pattern("^version "),
            last: false,
        }),
    }
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[derive(Debug, PartialEq)]
struct Heard {
    stdout: String,
    stderr: String,
    end: ToolEnd,
}

async fn hear(mut tool: RunningTool) -> Heard {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    loop {
        match tool.events.recv().await.unwrap() {
            ToolEvent::Output(Stream::Stdout, bytes) => stdout.extend(bytes),
            ToolEvent::Output(Stream::Stderr, bytes) => stderr.extend(bytes),
            ToolEvent::Ended(end) => {
                assert_eq!(tool.events.recv().await, None);
                let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
                return Heard { stdout: text(stdout), stderr: text(stderr), end };
            }
        }
    }
}

/// The process that the command `good` was done by.
fn process(heard: &Heard) -> &str {
    assert_eq!(heard.end, ToolEnd::Exited(0), "{heard:?}");
    let by = heard.stdout.strip_prefix("working\nstatus 0\nby ").unwrap_or_else(|| panic!("{heard:?}"));
    by.trim_end()
}

#[test]
fn one_process_makes_several_calls() {
    on_runtime(async {
        let sessions = Sessions::default();
        let first = hear(sessions.start(&Cleared::unseen(call("good", "session")))).await;
        assert!(sessions.in_session());
        let second = hear(sessions.start(&Cleared::unseen(call("good", "session")))).await;
        assert_eq!(process(&first), process(&second));
        // The same call without a session, and one of another session, have processes of their own.
        let alone = hear(sessions.start(&Cleared::unseen(ToolCall { session: None, ..call("good", "session") }))).await;
        assert!(!sessions.in_session());
        let mut other = call("good", "session");
        other.environment.insert("OTHER".to_owned(), "1".into());
        let other = hear(sessions.start(&Cleared::unseen(other))).await;
        assert_ne!(process(&alone), process(&first));
        assert_ne!(process(&other), process(&first));
        // Once ended, another process is begun.
        sessions.end();
        assert_ne!(process(&hear(sessions.start(&Cleared::unseen(call("good", "session")))).await), process(&first));
    });
}

/// What it started holds its pipes, so that nothing but the process itself tells.
#[cfg(target_os = "linux")]
#[test]
fn a_session_whose_process_has_died_is_not_used() {
    on_runtime(async {
        let sessions = Sessions::default();
        let first = hear(sessions.start(&Cleared::unseen(call("leaves", "session")))).await;
        let leader = rustix::process::Pid::from_raw(process(&first).parse().unwrap()).unwrap();
        rustix::process::kill_process(leader, rustix::process::Signal::KILL).unwrap();
        let stat = format!("/proc/{}/stat", process(&first));
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            std::thread::yield_now();
        }
        assert_ne!(process(&hear(sessions.start(&Cleared::unseen(call("good", "session")))).await), process(&first));
    });
}

#[test]
fn a_failure_looks_as_in_a_process_of_its_own() {
    on_runtime(async {
        let sessions = Sessions::default();
        for command in ["refused", "nonsense"] {
            let session = hear(sessions.start(&Cleared::unseen(call(command, "session")))).await;
            assert!(sessions.in_session(), "{command}");
            let alone =
                hear(sessions.start(&Cleared::unseen(ToolCall { session: None, ..call(command, "session") }))).await;
            assert_eq!(session, alone);
        }
    });
}

#[test]
fn a_tool_that_reads_all_of_its_input_first_gets_a_process_for_each_call() {
    on_runtime(async {
        for session in ["deaf", "mute"] {
            let sessions = Sessions {
                limits: Limits { open: Duration::from_millis(200), ..Limits::default() },
                ..Sessions::default()
            };
            for _ in 0..2 {
                process(&hear(sessions.start(&Cleared::unseen(call("good", session)))).await);
                assert!(!sessions.in_session(), "{session}");
            }
            assert!(lock(&sessions.shared).distrusted);
        }
    });
}

#[test]
fn a_command_is_over_when_the_tool_fails_at_the_probe() {
    on_runtime(async {
        let sessions = Sessions {
            limits: Limits { probe: Duration::from_millis(100), ..Limits::default() },
            ..Sessions::default()
        };
        let heard = hear(sessions.start(&Cleared::unseen(call("stuck", "session")))).await;
        assert_eq!(heard.end, ToolEnd::Exited(0));
        assert_eq!(heard.stdout, "status 0\ndetail\n");
        process(&hear(sessions.start(&Cleared::unseen(call("good", "session")))).await);
        assert!(!sessions.in_session());
    });
}

#[test]
fn a_process_that_crashes_is_seen_to() {
    on_runtime(async {
        let sessions = Sessions::default();
        let heard = hear(sessions.start(&Cleared::unseen(call("crash", "session")))).await;
        // It had said how its command ended, as far as anybody can tell.
        assert_eq!((heard.end, heard.stderr.as_str()), (ToolEnd::Exited(0), ""));
        assert!(lock(&sessions.shared).distrusted);
        let sessions = Sessions::default();
        // A session that has ended while it waited is none: the call is made all the same, once.
        let first = hear(sessions.start(&Cleared::unseen(call("good", "session")))).await;
        let pid: i32 = process(&first).parse().unwrap();
        assert!(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
        // Its end arrives on a thread of its own.
        while lock(&sessions.shared).idle.iter().all(|session| session.events.is_empty()) {
            tokio::task::yield_now().await;
        }
        let second = hear(sessions.start(&Cleared::unseen(call("good", "session")))).await;
        assert_ne!(process(&second), process(&first));
    });
}

#[test]
fn the_last_command_ends_the_process() {
    on_runtime(async {
        let sessions = Sessions::default();
        let last = |command: &str| {
            let mut call = call(command, "session");
            call.session.as_mut().unwrap().last = true;
            call
        };
        // No session is begun for it.
        process(&hear(sessions.start(&Cleared::unseen(last("good")))).await);
        assert!(!sessions.in_session());
        let first = hear(sessions.start(&Cleared::unseen(call("good", "session")))).await;
        assert_eq!(process(&hear(sessions.start(&Cleared::unseen(last("good")))).await), process(&first));
        assert!(lock(&sessions.shared).idle.is_empty());
        hear(sessions.start(&Cleared::unseen(call("good", "session")))).await;
        let refused = hear(sessions.start(&Cleared::unseen(last("refused")))).await;
        assert_eq!(refused.end, ToolEnd::Exited(1));
        assert_eq!(refused.stderr, "refused\n");
    });
}

#[test]
fn the_caller_ends_a_call_as_any_other() {
    const TERM: i32 = 15;
    on_runtime(async {
        let sessions = Sessions::default();
        let first = hear(sessions.start(&Cleared::unseen(call("good", "session")))).await;
        let mut tool = sessions.start(&Cleared::unseen(call("silent", "session")));
        // Until the command is under way there is nothing to be ended but the session.
        while !sessions.in_session() {
            tokio::task::yield_now().await;
        }
        tool.stop.ask();
        assert_eq!(hear(tool).await.end, ToolEnd::Signalled(TERM));
        let after = hear(sessions.start(&Cleared::unseen(call("good", "session")))).await;
        assert_ne!(process(&after), process(&first));
        // Dropped in the middle, the process goes with it.
        let mut tool = sessions.start(&Cleared::unseen(call("silent", "session")));
        while !sessions.in_session() {
            tokio::task::yield_now().await;
        }
        tool.events.close();
        drop(tool);
        let pid = process(&after).to_owned();
        let alive =
            || std::process::Command::new("kill").args(["-0", &pid]).stderr(std::process::Stdio::null()).status();
        while alive().unwrap().success() {
            tokio::task::yield_now().await;
        }
    });
}
