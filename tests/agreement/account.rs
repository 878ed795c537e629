//! What a run of `recover` came to and what its tools printed, one fact per line, from the events it writes as JSON.

use regex::Regex;
use serde_json::Value;

/// Everything in which a real tool and its mock must not differ.
#[derive(Debug)]
pub(crate) struct Account(Vec<String>);

/// What may differ from run to run without anybody being wrong.
#[derive(Debug)]
pub(crate) struct Leeway {
    /// What is found is written as the text beside it, in every line.
    pub(crate) written_as: Vec<(Regex, &'static str)>,
    /// A progress bar has so many lengths. Redrawn in the same one, because time has passed, it counts once.
    pub(crate) bar_lengths: u32,
}

/// Steps whose id begins so bring one side into the state in which the scenario begins; they belong to nobody.
const SET_UP: &str = "before-";

/// What a real run alone tells of its playbook before anything happens: no tool has a part in it.
const OF_THE_PLAYBOOK: &str = "is not one of recover's own playbooks. It may";

impl Account {
    /// The two streams of a call stand one after the other: how they interleave is nobody's promise.
    pub(crate) fn of(events: &str, leeway: &Leeway) -> Self {
        let mut account = Writer { leeway, begun: false, lines: Vec::new(), call: Call::default() };
        for line in events.lines() {
            let event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{events}"));
            account.take(&event);
        }
        Account(account.lines)
    }

    pub(crate) fn text(&self) -> String {
        self.0.concat()
    }

    pub(crate) fn has_line(&self, line: &str) -> bool {
        self.0.iter().any(|known| known.trim_end() == line)
    }
}

/// A finding of the doctor: "disk: …", "rules: …", "USB: …", a service, or a device at its port.
fn of_the_computer(text: &str) -> bool {
    let about = text.split_once(": ").map_or("", |(about, _)| about);
    ["disk", "rules", "USB", "ModemManager", "brltty"].contains(&about) || about.contains(" at ")
}

struct Writer<'l> {
    leeway: &'l Leeway,
    /// A step has begun.
    begun: bool,
    lines: Vec<String>,
    call: Call,
}

/// What the tool at work has printed so far.
/// Only the mock's board is brought into its ROM by hands.
const OF_HANDS: &str = "If the wire";

#[derive(Debug, Default)]
struct Call {
    out: Vec<String>,
    err: Vec<String>,
    bar: Option<(Value, u64)>,
}

impl Writer<'_> {
    fn take(&mut self, event: &Value) {
        if event["step"].as_str().is_some_and(|step| step.starts_with(SET_UP)) {
            return;
        }
        let text = |key: &str| plain(&event[key]);
        match event["event"].as_str() {
            Some("tool_started") => self.write(&format!("$ {}", words(&event["command"]))),
            Some("tool_output") if event["stream"] == "stdout" => self.call.out.push(text("text")),
            Some("tool_output") => self.call.err.push(text("text")),
            Some("progress") => self.take_bar(event),
            Some("tool_ended") => {
                let Call { out, err, bar: _ } = std::mem::take(&mut self.call);
                out.iter().for_each(|line| self.write(&format!("stdout| {line}")));
                err.iter().for_each(|line| self.write(&format!("stderr| {line}")));
                self.write(&format!("end: {}", event["end"]));
                self.write_verdict(&event["verdict"]);
                self.write(&format!("touched: {}", text("touched")));
            }
            Some("note") if text("text").contains(OF_THE_PLAYBOOK) => {}
            Some("step_started") => self.begun = true,
            // What a real run warns of before its first step is about this computer: a bench has none. Each says of what.
            Some("warning") if !self.begun && of_the_computer(&text("text")) => {}
            Some("warning" | "note") => self.write(&format!("told: {}", text("text"))),
            Some("retrying" | "restarting") => self.write(&format!("{}: {}", text("event"), event["because"]["class"])),
            Some("finished") => {
                self.write(&format!("outcome: {}, exit code {}", text("outcome"), event["exit_code"]));
                for key in ["what", "class", "step", "end", "attached", "state", "next"] {
                    let mut said = event["problem"][key].clone();
                    if let Some(items) = said.as_array_mut() {
                        items.retain(|item| !item.as_str().is_some_and(|item| item.starts_with(OF_HANDS)));
                    }
                    if !said.is_null() {
                        self.write(&format!("problem, {key}: {}", plain(&said)));
                    }
                }
            }
            _ => {}
        }
    }

    fn take_bar(&mut self, event: &Value) {
        let percent = event["percent"].as_f64().unwrap_or_default() as u64;
        let bar = (event["label"].clone(), percent * u64::from(self.leeway.bar_lengths) / 100);
        if self.call.bar.as_ref() != Some(&bar) {
            let (label, bytes) = (plain(&event["label"]), &event["bytes"]);
            self.call.out.push(format!("(bar) {label} {percent} %, {bytes} of {} bytes", event["total"]));
            self.call.bar = Some(bar);
        }
    }

    fn write_verdict(&mut self, verdict: &Value) {
        match (&verdict["fault"], &verdict["succeeded-with-warning"]) {
            (Value::Null, Value::Null) => self.write(&format!("verdict: {}", plain(verdict))),
            // What it warns of is told in an event of its own.
            (Value::Null, _) => self.write("verdict: succeeded with a warning"),
            (fault, _) => {
                self.write(&format!("verdict: {}", plain(&fault["class"])));
                // The evidence may be the first of two lines, one in each stream.
                for key in ["code", "message", "help"] {
                    self.write(&format!("fault, {key}: {}", plain(&fault[key])));
                }
            }
        }
    }

    fn write(&mut self, line: &str) {
        let written = self
            .leeway
            .written_as
            .iter()
            .fold(line.to_owned(), |line, (pattern, text)| pattern.replace_all(&line, *text).into_owned());
        self.lines.push(written + "\n");
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn words(command: &Value) -> String {
    command.as_array().unwrap().iter().map(plain).collect::<Vec<_>>().join(" ")
}
