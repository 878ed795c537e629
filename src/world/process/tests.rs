//! Shell scripts stand in for tools. Real time, because real processes are at work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process, test_kill_process_group};

use super::*;
use crate::world::ToolInput;

fn start(call: &ToolCall) -> RunningTool {
    super::start(&Cleared::unseen(call.clone()))
}

/// Far more than anything here needs, so that a loaded machine does not fail a test.
const PATIENCE: Duration = Duration::from_secs(20);

fn shell(script: &str) -> ToolCall {
    ToolCall {
        launcher: vec!["/bin/sh".into(), "-c".into()],
        args: vec![script.to_owned()],
        environment: BTreeMap::new(),
        environment_remove: Vec::new(),
        folder: std::env::temp_dir(),
        terminal: false,
        input: ToolInput::Nothing,
        warm: None,
    }
}

fn talking(script: &str, terminal: bool) -> ToolCall {
    ToolCall { terminal, input: ToolInput::Open, ..shell(script) }
}

/// Reads until the output ends in this text; answers with all of it.
fn read_until(tool: &mut RunningTool, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        match tool.events.blocking_recv() {
            Some(ToolEvent::Output(_, bytes)) => text.push_str(&String::from_utf8(bytes).unwrap()),
            other => panic!("{other:?} after {text:?}"),
        }
    }
    text
}

fn send(tool: &mut RunningTool, line: &str) {
    tool.input.as_mut().unwrap().send(line).unwrap();
}

#[derive(Debug, Default)]
struct Seen {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    end: Option<ToolEnd>,
}

fn listen(tool: &mut RunningTool) -> Seen {
    let mut seen = Seen::default();
    while let Some(event) = tool.events.blocking_recv() {
        assert_eq!(seen.end, None, "the end is the last event");
        match event {
            ToolEvent::Output(Stream::Stdout, bytes) => seen.stdout.extend(bytes),
            ToolEvent::Output(Stream::Stderr, bytes) => seen.stderr.extend(bytes),
            ToolEvent::Ended(end) => seen.end = Some(end),
        }
    }
    seen
}

/// Reads up to the first line of output: the process group that the script prints.
fn first_line_pid(tool: &mut RunningTool) -> Pid {
    let mut text = String::new();
    while !text.contains('\n') {
        match tool.events.blocking_recv() {
            Some(ToolEvent::Output(_, bytes)) => text.push_str(&String::from_utf8(bytes).unwrap()),
            other => panic!("{other:?} before a line"),
        }
    }
    Pid::from_raw(text.lines().next().unwrap().trim().parse().unwrap()).unwrap()
}

/// No process of the group is left alive, and the first of them has been reaped. The others are reaped by the system's
/// first process, which takes its time in some containers.
fn await_gone(group: Pid) {
    let since = Instant::now();
    while test_kill_process(group).is_ok() || has_living_member(group) {
        assert!(since.elapsed() < PATIENCE, "a process of group {group:?} is left");
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(target_os = "linux")]
fn has_living_member(group: Pid) -> bool {
    // After the name in parentheses: state, parent, process group.
    let lives_in_group = |stat: String| {
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.next() != Some("Z") && fields.nth(1) == Some(&group.as_raw_pid().to_string())
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok()).any(lives_in_group)
}

#[cfg(not(target_os = "linux"))]
fn has_living_member(group: Pid) -> bool {
    test_kill_process_group(group).is_ok()
}

#[test]
fn tells_how_a_tool_ended() {
    assert_eq!(listen(&mut start(&shell("exit 74"))).end, Some(ToolEnd::Exited(74)));
    assert_eq!(listen(&mut start(&shell("kill -SEGV $$"))).end, Some(ToolEnd::Signalled(11)));
}

#[test]
fn both_streams_arrive_complete_and_in_order() {
    let script = "i=0; while [ $i -lt 8000 ]; do echo \"out $i ..................................................................................................................................\"; \
                  echo \"err $i ..................................................................................................................................\" >&2; i=$((i+1)); done";
    let seen = listen(&mut start(&shell(script)));
    let expected = |word: &str| -> String {
        (0..8000).map(|i| format!("{word} {i} ..................................................................................................................................\n")).collect()
    };
    assert!(seen.stdout.len() > 1_000_000);
    assert!(seen.stdout == expected("out").into_bytes());
    assert!(seen.stderr == expected("err").into_bytes());
    assert_eq!(seen.end, Some(ToolEnd::Exited(0)));
}

#[test]
fn a_slow_reader_loses_nothing_of_an_ended_tool() {
    let mut tool = start(&shell("head -c 600000 /dev/zero"));
    thread::sleep(Duration::from_millis(100));
    assert_eq!(listen(&mut tool).stdout.len(), 600_000);
}

#[test]
fn a_tool_that_ignores_the_request_is_ended_by_force() {
    let mut tool = start(&shell("trap '' TERM; echo $$; while :; do sleep 0.05; done"));
    let group = first_line_pid(&mut tool);
    tool.stop.ask();
    thread::sleep(Duration::from_millis(100));
    assert!(test_kill_process_group(group).is_ok());
    tool.stop.force();
    assert_eq!(listen(&mut tool).end, Some(ToolEnd::Signalled(9)));
    drop(tool);
    await_gone(group);
}

#[test]
fn a_request_reaches_the_whole_group() {
    let mut tool = start(&shell("sleep 1000 & echo $$; wait"));
    let group = first_line_pid(&mut tool);
    tool.stop.ask();
    let since = Instant::now();
    assert_eq!(listen(&mut tool).end, Some(ToolEnd::Signalled(15)));
    assert!(since.elapsed() < Duration::from_secs(900));
    drop(tool);
    await_gone(group);
}

#[test]
fn a_grandchild_holding_the_pipe_does_not_hold_us() {
    let mut tool = start(&shell("sleep 1000 & echo $$"));
    let group = first_line_pid(&mut tool);
    assert_eq!(listen(&mut tool).end, Some(ToolEnd::Exited(0)));
    drop(tool);
    await_gone(group);
}

#[test]
fn a_chattering_grandchild_does_not_hold_us() {
    let mut tool = start(&shell("yes & echo $$ >&2"));
    assert_eq!(listen(&mut tool).end, Some(ToolEnd::Exited(0)));
}

#[test]
fn dropping_leaves_no_process() {
    let mut tool = start(&shell("sleep 1000 & sleep 1000 & echo $$; sleep 1000"));
    let group = first_line_pid(&mut tool);
    drop(tool);
    await_gone(group);
}

#[test]
fn a_tool_that_nobody_listens_to_still_runs_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("done");
    let mut call = shell("head -c 2000000 /dev/zero; : > \"$MARK\"");
    call.environment.insert("MARK".to_owned(), mark.clone().into());
    let RunningTool { events, stop, .. } = start(&call);
    drop(events);
    let since = Instant::now();
    while !mark.exists() {
        assert!(since.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(5));
    }
    drop(stop);
}

#[test]
fn a_panic_leaves_no_process() {
    let (tell, told) = channel();
    let panicked = thread::spawn(move || {
        let mut tool = start(&shell("sleep 1000 & echo $$; sleep 1000"));
        tell.send(first_line_pid(&mut tool)).unwrap();
        panic!("on purpose");
    })
    .join();
    assert!(panicked.is_err());
    await_gone(told.recv().unwrap());
}

#[test]
fn the_environment_is_inherited_but_for_what_the_call_says() {
    let mut call = shell("echo \"$HOME_OF_TEST:${PATH:-none}\"");
    call.environment.insert("HOME_OF_TEST".to_owned(), "here".into());
    call.environment_remove.push("PATH".to_owned());
    // Some shells make up a PATH of their own, so only its being inherited is checked.
    let seen = String::from_utf8(listen(&mut start(&call)).stdout).unwrap();
    assert!(seen.starts_with("here:"), "{seen}");
    assert!(!seen.contains(&std::env::var("PATH").unwrap()), "{seen}");

    // What is both removed and set is set.
    let mut call = shell("echo \"$TMPDIR\"");
    call.environment.insert("TMPDIR".to_owned(), "set".into());
    call.environment_remove.push("TMPDIR".to_owned());
    assert_eq!(listen(&mut start(&call)).stdout, b"set\n");
}

#[test]
fn stdin_is_empty() {
    assert_eq!(listen(&mut start(&shell("cat; echo end"))).stdout, b"end\n");
}

#[test]
fn a_failure_to_start_is_said_in_plain_words() {
    let reason = |call: &ToolCall| match listen(&mut start(call)).end {
        Some(ToolEnd::NotStarted(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("tool");
    let mut call = shell("");
    call.launcher = vec![program.clone().into()];
    assert!(reason(&call).ends_with("was not found"));

    std::fs::write(&program, "not a program").unwrap();
    assert!(reason(&call).contains("is not executable"));

    let mut call = shell("");
    call.folder = folder.path().join("nowhere");
    assert!(reason(&call).contains("nowhere` it should run in does not exist"));
}

#[test]
fn a_question_without_an_end_of_line_is_seen_and_answered() {
    for terminal in [false, true] {
        let mut tool = start(&talking("printf 'name: '; read name; echo \"hello $name\"; exit 4", terminal));
        assert_eq!(read_until(&mut tool, ": "), "name: ");
        send(&mut tool, "ann");
        let seen = listen(&mut tool);
        assert_eq!((seen.stdout, seen.end), (b"hello ann\n".to_vec(), Some(ToolEnd::Exited(4))));
    }
}

#[test]
fn the_input_ends_when_the_answerer_goes() {
    for terminal in [false, true] {
        let mut tool = start(&talking("read a; cat; echo end:$a", terminal));
        send(&mut tool, "x");
        tool.input = None;
        assert_eq!(listen(&mut tool).stdout, b"end:x\n");
    }
}

#[test]
fn a_terminal_is_one_of_the_promised_size_on_all_streams() {
    let tests = "test -t 0 && test -t 1 && test -t 2 && echo three; stty size";
    let mut tool = start(&talking(&format!("{tests}; echo err >&2"), true));
    assert_eq!(listen(&mut tool).stdout, b"three\n30 100\nerr\n");
    let mut tool = start(&ToolCall { terminal: true, ..shell("test -t 1 && test ! -t 0 && cat && echo out") });
    assert_eq!(listen(&mut tool).stdout, b"out\n");
}

#[test]
fn output_on_a_terminal_is_passed_on_byte_by_byte() {
    let script = "i=0; while [ $i -lt 2000 ]; do printf 'Waiting %d\\r' $i; i=$((i+1)); done; printf '\\r\\nend\\0'";
    let seen = listen(&mut start(&talking(script, true)));
    let mut expected: String = (0..2000).map(|i| format!("Waiting {i}\r")).collect();
    expected.push_str("\r\nend\0");
    assert_eq!(String::from_utf8(seen.stdout).unwrap(), expected);
}

#[test]
fn a_tool_on_a_terminal_can_be_ended_in_every_way() {
    let mut tool = start(&talking("sleep 1000 & echo $$; wait", true));
    let group = first_line_pid(&mut tool);
    tool.stop.ask();
    assert_eq!(listen(&mut tool).end, Some(ToolEnd::Signalled(15)));
    drop(tool);
    await_gone(group);

    let mut tool = start(&talking("trap '' TERM HUP INT; echo $$; while :; do sleep 0.05; done", true));
    let group = first_line_pid(&mut tool);
    tool.stop.ask();
    tool.stop.force();
    assert_eq!(listen(&mut tool).end, Some(ToolEnd::Signalled(9)));
    drop(tool);
    await_gone(group);

    let mut tool = start(&talking("sleep 1000 & echo $$; wait", true));
    let group = first_line_pid(&mut tool);
    drop(tool);
    await_gone(group);
}

#[test]
fn a_descendant_that_holds_the_terminal_does_not_hold_us() {
    let mut tool = start(&talking("sleep 1000 & echo $$", true));
    let group = first_line_pid(&mut tool);
    assert_eq!(listen(&mut tool).end, Some(ToolEnd::Exited(0)));
    drop(tool);
    await_gone(group);
}

#[test]
fn a_tool_that_does_not_read_holds_nobody_up() {
    for terminal in [false, true] {
        let mut tool = start(&talking("sleep 1000", terminal));
        let line = "x".repeat(60_000);
        let sent = (0..100).filter(|_| tool.input.as_mut().unwrap().send(&line).is_ok()).count();
        assert!(sent < 100, "{sent} lines were taken");
    }
}
