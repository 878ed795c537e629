//! Which sign outweighs which, on a tool made up for it. What real tools print is held against the catalog by
//! `tests/transcripts.rs`.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use super::{Expectations, Judge, Judgement, Presence, Touched};
use crate::documents::catalog::{Catalog, Command, Tool, load};
use crate::documents::playbook::{Capture, CaptureKind, FailOn};
use crate::words::{FaultClass, Located, Source, Stream, ToolEnd, Verdict};

const TABLE: &str = r#"
[flasher]
summary = "flashes"
programs = ["flasher"]
device_taken = '^device (?P<id>\S+)$'
progress = ['^(?P<label>[A-Z][a-z]+) (?P<percent>\d+)%( (?P<bytes>\d+)/(?P<total>\d+))?']
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
[[flasher.commands]]
name = "write"
with = ["write"]
changes_board = true
progress_shows_changes = true
success = ['^written$', '^sealed$']
success_exit_codes = [0, 251]
warning_exit_codes = [74]
[[flasher.commands]]
name = "burn"
with = ["burn"]
changes_board = true
[[flasher.commands]]
name = "read"
with = ["read"]
[[flasher.commands]]
name = "never"
with = ["never"]
changes_board = true
success_exit_codes = []
missing_evidence = { class = "bad-usage", message = "Nothing was named to be written" }
[[flasher.commands]]
name = "send"
with = ["send"]
changes_board = true
progress_shows_changes = true
progress_complete = true
success = ['^ready$']
success_counts = [{ pattern = '^Done$', equals_arguments = '\w+@\d+', after_progress = true }]
[[flasher.commands]]
name = "ask"
with = ["ask"]
changes_board = true
progress_shows_changes = true
progress_complete = true
success_from_step = true
[[flasher.commands]]
name = "count"
with = ["count"]
success_counts = [{ pattern = '^one$', equals = 1 }, { pattern = '^many$', at_least = 2 }]
[[flasher.statuses]]
pattern = '^status (?P<code>\d+)'
success = ["0"]
classes = { 7 = "no-answer", 8 = "protected" }
otherwise = "refused"
refused_before = ["5"]
meanings = { 9 = "The board is tired" }
[[flasher.faults]]
pattern = '^skipped'
class = "bad-file"
overrides_success = true
message = "Nothing was written"
[[flasher.faults]]
pattern = '^ERROR'
unless = 'harmless'
class = "refused"
code = "error"
overrides_success = true
message = "The tool reported an error"
[[flasher.faults]]
pattern = 'Error:'
unless = 'No probe'
class = "unknown"
overrides_success = true
message = "Something is wrong"
[[flasher.faults]]
pattern = '^pipe (?P<code>\w+)'
class = "refused"
message = "The board said no"
[[flasher.faults]]
pattern = '^(lost|gone)'
class = "device-lost"
message = "The board left"
help = "Look at the cable"
third_time = { message = "The board leaves each time" }
[[flasher.faults]]
pattern = '^denied'
class = "no-permission"
message = "You may not use it"
help = "Ask for permission"
[[flasher.faults]]
pattern = '^nothing there|^$'
class = "no-device"
message = "No board"
"#;

fn catalog() -> Catalog {
    load(&Arc::new(Source { name: "test".to_owned(), text: TABLE.to_owned() })).expect("loads")
}

/// One call under test.
struct Call<'a> {
    command: &'a str,
    lines: &'a [&'a str],
    end: ToolEnd,
    presence: Presence,
    expectations: Expectations<'a>,
}

impl<'a> Call<'a> {
    fn new(command: &'a str, lines: &'a [&'a str], exit_code: i32) -> Self {
        Call {
            command,
            lines,
            end: ToolEnd::Exited(exit_code),
            presence: Presence::Unknown,
            expectations: Expectations::default(),
        }
    }

    fn judge(&self) -> Judgement {
        let catalog = catalog();
        let tool: &Tool = &catalog.tools[0];
        let command: Option<&Command> = tool.command(&[self.command.to_owned()]);
        let mut judge = Judge::new(tool, command, self.expectations);
        for line in self.lines {
            judge.piece(Stream::Stdout, line);
        }
        judge.judge(&self.end, self.presence)
    }

    /// The verdict in one word, and what was touched.
    fn words(&self) -> (String, Touched) {
        let judgement = self.judge();
        let word = match judgement.verdict {
            Verdict::Succeeded => "succeeded".to_owned(),
            Verdict::SucceededWithWarning(_) => "warning".to_owned(),
            Verdict::Fault(fault) => match fault.code {
                Some(code) => format!("{} {code}", fault.class),
                None => fault.class.to_string(),
            },
        };
        (word, judgement.touched)
    }

    fn message(&self) -> String {
        match self.judge().verdict {
            Verdict::Succeeded => String::new(),
            Verdict::SucceededWithWarning(warning) => warning,
            Verdict::Fault(fault) => fault.message,
        }
    }
}

fn words(command: &str, lines: &[&str], exit_code: i32) -> (String, Touched) {
    Call::new(command, lines, exit_code).words()
}

fn verdict(word: &str, touched: Touched) -> (String, Touched) {
    (word.to_owned(), touched)
}

#[test]
fn exit_code_zero_alone_is_never_a_success() {
    use Touched::{Nothing, Partly};
    assert_eq!(words("write", &["Hello"], 0), verdict("unknown", Nothing));
    assert_eq!(words("write", &["Download 10%", "written"], 0), verdict("unknown", Partly));
    assert_eq!(words("burn", &["Hello"], 0), verdict("unknown", Partly));
    assert_eq!(words("read", &["Hello"], 0), verdict("unknown", Nothing));
    assert_eq!(words("something else", &["Hello"], 0), verdict("unknown", Partly));
    assert_eq!(words("never", &["Hello"], 0), verdict("bad-usage", Nothing));
}

#[test]
fn evidence_and_exit_code_make_a_success() {
    use Touched::{Completely, Nothing};
    assert_eq!(words("write", &["Download 10%", "written", "sealed"], 0), verdict("succeeded", Completely));
    assert_eq!(words("write", &["written", "sealed"], 251), verdict("succeeded", Completely));
    assert_eq!(words("write", &["written", "sealed", "lost"], 74), verdict("warning", Completely));
    assert_eq!(words("burn", &["status 0 fine"], 0), verdict("succeeded", Completely));
    assert_eq!(words("read", &["status 0 fine"], 0), verdict("succeeded", Nothing));
    assert_eq!(words("burn", &["status 0 fine"], 1), verdict("unknown", Touched::Partly));
}

#[test]
fn the_last_status_decides_before_other_texts_and_exit_codes() {
    assert_eq!(words("burn", &["status 0", "status 9 tired", "lost"], 0).0, "refused 9");
    assert_eq!(words("burn", &["status 9", "status 0", "lost"], 0).0, "succeeded");
    assert_eq!(words("burn", &["status 8"], 0), verdict("protected 8", Touched::Partly));
    assert_eq!(words("burn", &["status 5"], 0), verdict("refused 5", Touched::Nothing));
    assert_eq!(words("burn", &["skipped", "status 0"], 0).0, "bad-file");
    assert_eq!(Call::new("burn", &["status 9"], 0).message(), "The board is tired");
    assert_eq!(Call::new("burn", &["status 5"], 0).message(), "The board answered with status 5");
}

#[test]
fn faults_are_taken_in_the_order_of_the_catalog() {
    assert_eq!(words("write", &["lost", "pipe STALL"], 1).0, "refused STALL");
    let judgement = Call::new("write", &["Erase 0%", "lost in space"], 74).judge();
    let Verdict::Fault(fault) = judgement.verdict else { panic!("a fault is expected") };
    assert_eq!(fault.evidence.as_deref(), Some("lost in space"));
    assert_eq!(fault.help.as_deref(), Some("Look at the cable"));
    assert_eq!(judgement.touched, Touched::Partly);
    assert_eq!(words("write", &[], 1), verdict("no-device", Touched::Nothing));
    assert_eq!(words("write", &["", "x"], 1).0, "unknown", "an empty line is no silence");
}

/// What comes first in the catalog says why, also where another line is what voids the success.
#[test]
fn where_a_fault_overrides_the_first_of_all_decides() {
    let denied_first = TABLE.replace(
        "[[flasher.faults]]\npattern = '^skipped'",
        "[[flasher.faults]]\npattern = '^no rights'\nclass = \"no-permission\"\nmessage = \"No\"\n[[flasher.faults]]\n\
         pattern = '^skipped'",
    );
    let catalog = load(&Arc::new(Source { name: "test".to_owned(), text: denied_first })).expect("loads");
    let tool = &catalog.tools[0];
    let word = |lines: &[&str]| {
        let mut judge = Judge::new(tool, tool.command(&["write".to_owned()]), Expectations::default());
        lines.iter().for_each(|line| drop(judge.piece(Stream::Stdout, line)));
        match judge.judge(&ToolEnd::Exited(0), Presence::Unknown).verdict {
            Verdict::Fault(fault) => fault.class.to_string(),
            verdict => format!("{verdict:?}"),
        }
    };
    assert_eq!(word(&["ERROR not found", "no rights"]), "no-permission");
    assert_eq!(word(&["no rights", "ERROR not found"]), "no-permission", "the order of the lines does not matter");
    assert_eq!(word(&["no rights", "written", "sealed"]), "Succeeded", "of another board, it seems");
    assert_eq!(word(&["no rights", "Erase 10%", "ERROR not written"]), "refused", "it was let at the board");
}

#[test]
fn an_overriding_fault_has_its_exceptions() {
    assert_eq!(words("write", &["Error: No probe", "written", "sealed"], 0), verdict("succeeded", Touched::Completely));
    let glued = ["███Error: no", "written", "sealed"];
    assert_eq!(words("write", &glued, 0).0, "unknown");
}

#[test]
fn presence_tells_faults_apart_that_look_alike() {
    let with = |lines: &[&str], presence| Call { presence, ..Call::new("burn", lines, 1) }.words().0;
    assert_eq!(with(&["status 7"], Presence::Present), "no-answer 7");
    assert_eq!(with(&["status 7"], Presence::Absent), "device-lost 7");
    assert_eq!(with(&["device a:b", "?"], Presence::Absent), "device-lost");
    assert_eq!(with(&["?"], Presence::Absent), "unknown");
    assert_eq!(with(&["denied"], Presence::Absent), "no-device");
    assert_eq!(with(&["nothing there"], Presence::Denied), "no-permission");
    assert_eq!(with(&["nothing there"], Presence::Present), "no-device");
    assert_eq!(with(&["lost"], Presence::Present), "no-answer", "it never left");
    assert_eq!(with(&["lost"], Presence::Denied), "no-answer");
    assert_eq!(with(&["lost"], Presence::Returned), "device-lost");
    assert_eq!(with(&["lost"], Presence::Absent), "device-lost");
    assert_eq!(with(&["lost"], Presence::Unknown), "device-lost");
    let stuck = Call { presence: Presence::Present, ..Call::new("burn", &["lost"], 1) };
    assert!(stuck.message().contains("never left USB"), "{}", stuck.message());
    let Verdict::Fault(stuck) = stuck.judge().verdict else { panic!("a fault is expected") };
    assert!(stuck.help.is_some_and(|help| help.contains("Unplug")));
    assert_eq!(stuck.third_time.map(|third| third.message).as_deref(), Some("The board leaves each time"));
    let call = Call { presence: Presence::Denied, ..Call::new("burn", &["nothing there"], 1) };
    assert_eq!(call.message(), "You may not use it");
}

#[test]
fn another_device_than_the_one_meant_is_a_fault_whatever_was_written() {
    let meant = ["0483:DF11".to_owned()];
    let expectations = Expectations { device_ids: &meant, ..Expectations::default() };
    let done = |id| [id, "Download 100%", "written", "sealed"];
    let (other_device, this_device) = (done("device 37c5:924a"), done("device 0483:df11"));
    let wrong = Call { expectations, ..Call::new("write", &other_device, 0) };
    assert_eq!(wrong.words(), verdict("ambiguous-device", Touched::Partly));
    assert!(wrong.message().contains("wrote to another device"));
    let right = Call { expectations, ..Call::new("write", &this_device, 0) };
    assert_eq!(right.words(), verdict("succeeded", Touched::Completely));
}

fn fail_on(text: &str, unless: Option<&str>, stop: bool) -> FailOn {
    let pattern = |text| Regex::new(text).expect("compiles");
    let unless = unless.map(pattern);
    FailOn { pattern: pattern(text), unless, stop, class: FaultClass::Protected, message: None }
}

#[test]
fn a_line_of_the_step_can_be_excepted() {
    let fail_on = [fail_on("^part (?P<code>.)", Some("[AB]"), false)];
    let expectations = Expectations { fail_on: &fail_on, ..Expectations::default() };
    let call = |lines| Call { expectations, ..Call::new("read", lines, 0) };
    assert_eq!(call(&["status 0", "part A"]).words().0, "succeeded");
    let Verdict::Fault(other) = call(&["part A", "part C", "status 0"]).judge().verdict else { panic!() };
    assert_eq!((other.class, other.code.as_deref()), (FaultClass::Protected, Some("C")));
}

#[test]
fn a_tool_is_stopped_only_before_its_work_has_begun() {
    let fail_on = [fail_on("^part C", None, true), fail_on("^odd", None, false)];
    let stops = |lines: &[&str]| {
        let catalog = catalog();
        let tool = catalog.tool("flasher").expect("is there");
        let expectations = Expectations { fail_on: &fail_on, ..Expectations::default() };
        let mut judge = Judge::new(tool, tool.command(&["write".to_owned()]), expectations);
        for line in lines {
            judge.piece(Stream::Stdout, line);
        }
        judge.stops_at().map(str::to_owned)
    };
    assert_eq!(stops(&["part A", "odd"]), None);
    assert_eq!(stops(&["part C", "more"]), Some("part C".to_owned()));
    assert_eq!(stops(&["part C", "Erase 0%"]), None);
    let expectations = Expectations { fail_on: &fail_on, ..Expectations::default() };
    let end = ToolEnd::Stopped("part C".to_owned());
    let stopped = Call { expectations, end, ..Call::new("write", &["part C"], 0) };
    assert_eq!(stopped.words(), verdict("protected", Touched::Nothing));
}

#[test]
fn the_step_has_its_own_say() {
    let pattern = |text| Regex::new(text).expect("compiles");
    let expect = [pattern("^word 2")];
    let fail_on = [fail_on("locked", None, false)];
    let capture = [
        Capture {
            name: Located::nowhere("late".parse().expect("is a name")),
            pattern: pattern(r"word (\d)"),
            kind: CaptureKind::Integer,
        },
        Capture {
            name: Located::nowhere("early".parse().expect("is a name")),
            pattern: pattern(r"^a(\d)"),
            kind: CaptureKind::Integer,
        },
    ];
    let expectations =
        Expectations { expect: &expect, fail_on: &fail_on, capture: &capture, ..Expectations::default() };
    let call = |lines| Call { expectations, ..Call::new("read", lines, 0) };
    assert_eq!(call(&["status 0"]).words().0, "unknown");
    assert_eq!(call(&["status 0", "word 2 = 5"]).words().0, "succeeded");
    assert_eq!(call(&["status 0", "word 2 = 5", "it is locked"]).words().0, "protected");
    let captured = call(&["word 1", "a1", "word 2"]).judge().captured;
    let captured: Vec<(&str, &str)> = captured.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(captured, [("early", "1"), ("late", "2")]);
    let unknown_kind = Call { expectations, ..Call::new("something else", &["word 2"], 0) };
    assert_eq!(unknown_kind.words().0, "succeeded", "what the step expects is evidence");
}

#[test]
fn a_process_that_did_not_end_by_itself_is_a_fault() {
    use Touched::{Completely, Nothing, Partly};
    let ended = |end, lines: &[&str]| Call { end, ..Call::new("write", lines, 0) }.words();
    let limit = Duration::from_secs(60);
    // Who says nothing at all may have begun.
    assert_eq!(ended(ToolEnd::TimedOut(limit), &[]), verdict("timed-out", Partly));
    assert_eq!(ended(ToolEnd::Silent(limit), &["Erase 0%"]), verdict("timed-out", Partly));
    assert_eq!(ended(ToolEnd::TimedOut(limit), &["Erase 0%", "written", "sealed"]), verdict("timed-out", Completely));
    assert_eq!(ended(ToolEnd::Cancelled, &["Erase 0%"]), verdict("cancelled", Partly));
    assert_eq!(ended(ToolEnd::Signalled(2), &[]), verdict("cancelled", Partly));
    assert_eq!(ended(ToolEnd::Signalled(11), &["Erase 0%"]), verdict("tool-broken", Partly));
    assert_eq!(ended(ToolEnd::NotStarted("no such file".to_owned()), &[]), verdict("tool-missing", Nothing));
}

/// A call with one argument for each file.
fn sent(files: &[&str], lines: &[&str]) -> (String, Touched) {
    let arguments: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
    let expectations = Expectations { arguments: &arguments, ..Expectations::default() };
    Call { expectations, ..Call::new("send", lines, 0) }.words()
}

#[test]
fn each_file_of_the_arguments_must_have_reached_its_size_and_been_done() {
    use Touched::{Completely, Nothing, Partly};
    let both = ["a@0", "b@16"];
    let sent_both = |lines: &[&str]| sent(&both, lines);
    let complete = ["ready", "First 10% 1/8", "First 100% 8/8", "Done", "Second 100% 4/4", "Done"];
    assert_eq!(sent_both(&complete), verdict("succeeded", Completely));
    assert_eq!(sent(&["a@0 b@16"], &complete), verdict("succeeded", Completely), "in one argument too");
    assert_eq!(sent(&["a@0"], &complete).0, "unknown", "more than there were");
    assert_eq!(sent(&[], &["ready"]), verdict("unknown", Nothing), "nothing to send is no success");
    assert_eq!(sent_both(&complete[1..]).0, "unknown", "one sign is missing");
    assert_eq!(sent_both(&complete[..4]), verdict("unknown", Partly));
    let short = ["ready", "First 12% 1/8", "Done", "Second 100% 4/4", "Done"];
    assert_eq!(sent_both(&short), verdict("unknown", Partly));
    let last_short = ["ready", "First 100% 8/8", "Done", "Second 99% 7/8", "Done"];
    assert_eq!(sent_both(&last_short), verdict("unknown", Partly));
    let rounded = ["ready", "First 100% 199/200", "Done", "Second 100% 4/4", "Done"];
    assert_eq!(sent_both(&rounded).0, "unknown", "sizes count, not rounded shares");
    let done_twice = ["ready", "First 100% 8/8", "Done", "Done"];
    assert_eq!(sent_both(&done_twice).0, "unknown", "one line counts for each progress");
    let same_name = ["ready", "First 100% 8/8", "Done", "First 100% 8/8", "Done"];
    assert_eq!(sent_both(&same_name).0, "succeeded");
    let restarted = ["ready", "First 50% 4/8", "First 10% 1/8", "First 100% 8/8", "Done", "Second 100% 4/4", "Done"];
    assert_eq!(sent_both(&restarted).0, "unknown", "the first attempt was cut short");
}

#[test]
fn what_was_cut_short_is_told() {
    let arguments = ["a@0".to_owned()];
    let expectations = Expectations { arguments: &arguments, ..Expectations::default() };
    let call = Call { expectations, ..Call::new("send", &["ready", "First 12% 1/8", "Done"], 0) };
    let Verdict::Fault(fault) = call.judge().verdict else { panic!("a fault is expected") };
    assert!(fault.message.contains("before all was transferred"), "{}", fault.message);
    assert_eq!(fault.evidence.as_deref(), Some("First 12% 1/8"));
}

#[test]
fn an_error_that_overrides_leaves_nothing_proven() {
    let complete = ["ready", "First 100% 8/8", "ERROR no response", "Done"];
    assert_eq!(sent(&["a@0"], &complete), verdict("refused error", Touched::Partly));
    let harmless = ["ready", "ERROR but harmless", "First 100% 8/8", "Done"];
    assert_eq!(sent(&["a@0"], &harmless).0, "succeeded");
}

#[test]
fn lines_may_have_to_come_a_number_of_times() {
    assert_eq!(words("count", &["one", "many", "many", "many"], 0).0, "succeeded");
    assert_eq!(words("count", &["one", "many"], 0).0, "unknown");
    assert_eq!(words("count", &["one", "one", "many", "many"], 0).0, "unknown");
}

#[test]
fn where_the_tool_says_nothing_the_step_must_know() {
    use Touched::{Completely, Nothing, Partly};
    let expect = [Regex::new("^on$").expect("compiles")];
    let expectations = Expectations { expect: &expect, ..Expectations::default() };
    let asked = |lines: &[&str], exit_code| Call { expectations, ..Call::new("ask", lines, exit_code) }.words();
    assert_eq!(words("ask", &["on"], 0), verdict("unknown", Nothing), "nothing was expected");
    assert_eq!(asked(&["on"], 0), verdict("succeeded", Nothing));
    assert_eq!(asked(&["Restore 100% 8/8", "on"], 0), verdict("succeeded", Completely));
    assert_eq!(asked(&["Restore 12% 1/8", "on"], 0), verdict("unknown", Partly));
    assert_eq!(asked(&["off"], 0), verdict("unknown", Nothing));
    assert_eq!(asked(&["off", "lost"], 0).0, "device-lost", "a known sign says more");
    assert_eq!(asked(&["on"], 1).0, "unknown");
    let call = Call { expectations, ..Call::new("ask", &["off"], 0) };
    assert!(call.message().contains("no line matches `^on$`"));
}

#[test]
fn progress_is_read_from_its_patterns() {
    let catalog = catalog();
    let mut judge = Judge::new(&catalog.tools[0], None, Expectations::default());
    let progress = judge.piece(Stream::Stdout, "Erase 42% 2048/4096").expect("is progress");
    assert_eq!(progress.label.as_deref(), Some("Erase"));
    assert_eq!((progress.percent, progress.bytes, progress.total), (Some(42.0), Some(2048), Some(4096)));
    assert_eq!(judge.piece(Stream::Stdout, "Erased"), None);
}
