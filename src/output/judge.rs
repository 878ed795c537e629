//! Judges one call by what the tool printed, held against its catalog table and the step's own expectations.
//!
//! Success is positive evidence: exit codes of vendor tools lie in both directions. What the patterns are is the
//! catalog's matter; how a verdict follows from the evidence is in `verdict.rs`.

use std::cell::OnceCell;

use regex::{Regex, RegexSet, RegexSetBuilder};

use super::evidence::Evidence;
use super::verdict;
use crate::documents::catalog::{Command, Tool};
use crate::documents::playbook::{Capture, FailOn, Unmet};
use crate::words::{Id, Stream, ToolEnd, Verdict};

/// What the step itself asks of the output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expectations<'a> {
    pub expect: &'a [Regex],
    /// What it means when one of them is not met; without it, an `unknown` fault.
    pub unmet: Option<&'a Unmet>,
    pub fail_on: &'a [FailOn],
    pub capture: &'a [Capture],
    /// USB ids, written `1fc9:0135`, of the device the call is meant for; empty: any.
    pub device_ids: &'a [String],
    /// The arguments of the call, where the catalog counts something in them.
    pub arguments: &'a [String],
}

/// Was the call's device on the bus after it? `Unknown` when the call names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Unknown,
    /// It never left.
    Present,
    /// There, but this user may not open it.
    Denied,
    /// There, but it was not before, or has been gone in between.
    Returned,
    Absent,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The tool's own word for the phase, such as `Erase`.
    pub label: Option<String>,
    /// 0 to 100.
    pub percent: Option<f32>,
    pub bytes: Option<u64>,
    pub total: Option<u64>,
}

/// What a call that changes the board may have done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Touched {
    /// The call does not change boards, or ended before it began to.
    Nothing,
    /// Begun and not proven complete.
    Partly,
    Completely,
}

#[derive(Debug, Clone)]
pub struct Judgement {
    pub verdict: Verdict,
    pub touched: Touched,
    /// Values of the step's captures, in the order of the matches.
    pub captured: Vec<(Id, String)>,
}

/// Reads the output of one call, piece by piece, in constant memory.
#[derive(Debug)]
pub struct Judge<'a> {
    tool: &'a Tool,
    command: Option<&'a Command>,
    expectations: Expectations<'a>,
    evidence: Evidence,
    /// Compiled when there is much to be read.
    any: OnceCell<Option<RegexSet>>,
}

impl<'a> Judge<'a> {
    pub fn new(tool: &'a Tool, command: Option<&'a Command>, expectations: Expectations<'a>) -> Self {
        Judge {
            tool,
            command,
            expectations,
            evidence: Evidence::new(tool, command, &expectations),
            any: OnceCell::new(),
        }
    }

    /// Takes whole lines of output, each with its `\n`, if none of them means anything to the catalog or the step. If not
    /// they are to be taken one by one. Looking at them together is many times as quick.
    pub fn takes_no_notice_of(&mut self, lines: &str) -> bool {
        let any = self.any.get_or_init(|| any_of(self.tool, self.command, &self.expectations));
        let unnoticed = any.as_ref().is_some_and(|any| !any.is_match(lines));
        if unnoticed {
            self.evidence.printed = true;
        }
        unnoticed
    }

    /// Takes one piece of output; answers with progress when the piece shows some.
    pub fn piece(&mut self, stream: Stream, text: &str) -> Option<Progress> {
        if text.is_empty() {
            return None;
        }
        self.evidence.take(self.tool, self.command, &self.expectations, stream, text);
        let progress = progress(self.tool, text);
        if let Some(progress) = &progress {
            self.evidence.progress_seen = true;
            self.evidence.advanced |=
                progress.percent.is_some_and(|percent| percent > 0.0) || progress.bytes.is_some_and(|bytes| bytes > 0);
            self.evidence.counts.take_progress(progress, text);
        }
        progress
    }

    /// The line with which the tool must not go on, as long as it has not begun its work.
    pub fn stops_at(&self) -> Option<&str> {
        let mut found = self.expectations.fail_on.iter().zip(&self.evidence.fail_on);
        let (_, found) = found.find(|(fail_on, found)| fail_on.stop && found.is_some())?;
        found.as_ref().filter(|_| !self.evidence.progress_seen).map(|found| found.line.as_str())
    }

    /// The verdict, once the process has ended. It may be asked again when more is known of the bus.
    pub fn judge(&mut self, end: &ToolEnd, presence: Presence) -> Judgement {
        self.evidence.complete(self.tool, self.command);
        let verdict = verdict::verdict(self.tool, self.command, &self.expectations, &self.evidence, end, presence);
        let touched = verdict::touched(self.tool, self.command, &self.expectations, &self.evidence, &verdict);
        Judgement { verdict, touched, captured: self.evidence.captured(&self.expectations) }
    }
}

/// Every pattern that a line may be held against; nothing where one of them asks for more than a line.
fn any_of(tool: &Tool, command: Option<&Command>, expectations: &Expectations<'_>) -> Option<RegexSet> {
    let of_command = command
        .into_iter()
        .flat_map(|command| command.success.iter().chain(command.success_counts.iter().map(|count| &count.pattern)));
    let of_tool = tool.statuses.iter().map(|status| &status.pattern);
    let of_tool = of_tool.chain(tool.faults.iter().map(|fault| &fault.pattern)).chain(&tool.device_taken);
    let of_tool = of_tool.chain(tool.progress.iter().map(|progress| &progress.pattern));
    let of_step = expectations.expect.iter().chain(expectations.fail_on.iter().map(|fail_on| &fail_on.pattern));
    let of_step = of_step.chain(expectations.capture.iter().map(|capture| &capture.pattern));
    let patterns: Vec<&str> =
        of_command.chain(of_tool).map(|pattern| pattern.as_str()).chain(of_step.map(Regex::as_str)).collect();
    let whole_text = |pattern: &&str| pattern.contains(r"\A") || pattern.contains(r"\z") || pattern.contains("(?-m");
    if patterns.iter().any(whole_text) {
        return None;
    }
    RegexSetBuilder::new(patterns).multi_line(true).build().ok()
}

fn progress(tool: &Tool, text: &str) -> Option<Progress> {
    let groups = tool.progress.iter().find_map(|progress| progress.pattern.captures(text))?;
    let group = |name: &str| groups.name(name).map(|found| found.as_str().trim());
    Some(Progress {
        label: group("label").filter(|label| !label.is_empty()).map(str::to_owned),
        percent: group("percent").and_then(|digits| digits.parse().ok()),
        bytes: group("bytes").and_then(|digits| digits.parse().ok()),
        total: group("total").and_then(|digits| digits.parse().ok()),
    })
}
