//! What the output of one call has shown so far. Its size is bounded by the number of patterns, not by the output.

use regex::{Captures, Regex};

use super::counts::Counts;
use super::judge::Expectations;
use crate::documents::catalog::{Command, Tool};
use crate::words::{Id, Stream};

/// Longest line, in bytes, kept as evidence.
const EVIDENCE_LENGTH_MAX: usize = 400;

#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) printed: bool,
    pub(super) progress_seen: bool,
    /// A progress went beyond its beginning.
    pub(super) advanced: bool,
    /// For each of the command's success patterns: the line that matched.
    pub(super) success: Vec<Option<String>>,
    pub(super) counts: Counts,
    /// For each status pattern of the tool: the last match.
    pub(super) statuses: Vec<Option<Match>>,
    /// For each fault pattern of the tool: the first match.
    pub(super) faults: Vec<Option<Match>>,
    pub(super) expect: Vec<bool>,
    pub(super) fail_on: Vec<Option<Match>>,
    pub(super) device_taken: bool,
    /// The first device taken that was not the one meant.
    pub(super) wrong_device: Option<Match>,
    captures: Vec<Option<Captured>>,
    captures_seen: usize,
}

/// A line that matched, and the code it gave.
#[derive(Debug, Clone)]
pub(super) struct Match {
    pub(super) code: Option<String>,
    pub(super) line: String,
}

#[derive(Debug)]
struct Captured {
    order: usize,
    value: String,
}

impl Evidence {
    pub(super) fn new(tool: &Tool, command: Option<&Command>, expectations: &Expectations<'_>) -> Self {
        Evidence {
            success: vec![None; command.map_or(0, |command| command.success.len())],
            counts: Counts::new(command),
            statuses: vec![None; tool.statuses.len()],
            faults: vec![None; tool.faults.len()],
            expect: vec![false; expectations.expect.len()],
            fail_on: vec![None; expectations.fail_on.len()],
            captures: expectations.capture.iter().map(|_| None).collect(),
            ..Evidence::default()
        }
    }

    /// Holds one line against every pattern that may still change something.
    pub(super) fn take(
        &mut self,
        tool: &Tool,
        command: Option<&Command>,
        expectations: &Expectations<'_>,
        stream: Stream,
        line: &str,
    ) {
        self.printed = true;
        for (pattern, found) in command.iter().flat_map(|command| &command.success).zip(&mut self.success) {
            if found.is_none() && pattern.is_match(line) {
                *found = Some(shortened(line));
            }
        }
        self.counts.take_line(command, line);
        for (status, found) in tool.statuses.iter().zip(&mut self.statuses) {
            if let Some(matched) = matched(&status.pattern, line).filter(|_| applies(&status.commands, command)) {
                *found = Some(matched);
            }
        }
        self.take_faults(tool, command, Some(stream), line);
        for (pattern, found) in expectations.expect.iter().zip(&mut self.expect) {
            *found = *found || pattern.is_match(line);
        }
        for (fail_on, found) in expectations.fail_on.iter().zip(&mut self.fail_on) {
            if found.is_none() {
                let excepted = || fail_on.unless.as_ref().is_some_and(|unless| unless.is_match(line));
                *found = matched(&fail_on.pattern, line).filter(|_| !excepted());
            }
        }
        for (capture, found) in expectations.capture.iter().zip(&mut self.captures) {
            if let Some(value) = first_group(&capture.pattern, line) {
                self.captures_seen += 1;
                *found = Some(Captured { order: self.captures_seen, value });
            }
        }
        self.take_device(tool, expectations, line);
    }

    /// Called at the end: a tool that printed nothing whatever is known by patterns that match the empty text.
    pub(super) fn complete(&mut self, tool: &Tool, command: Option<&Command>) {
        if !self.printed {
            self.take_faults(tool, command, None, "");
        }
    }

    /// The captured values, in the order of their last matches.
    pub(super) fn captured(&self, expectations: &Expectations<'_>) -> Vec<(Id, String)> {
        let mut captured: Vec<(&Captured, &Id)> = expectations
            .capture
            .iter()
            .zip(&self.captures)
            .filter_map(|(capture, found)| found.as_ref().map(|found| (found, &capture.name.value)))
            .collect();
        captured.sort_by_key(|(found, _)| found.order);
        captured.into_iter().map(|(found, name)| (name.clone(), found.value.clone())).collect()
    }

    fn take_faults(&mut self, tool: &Tool, command: Option<&Command>, stream: Option<Stream>, line: &str) {
        for (fault, found) in tool.faults.iter().zip(&mut self.faults) {
            let stream_fits = fault.stream.is_none() || stream.is_none() || fault.stream == stream;
            let excepted = || fault.unless.as_ref().is_some_and(|unless| unless.is_match(line));
            if found.is_none() && stream_fits && applies(&fault.commands, command) {
                *found = matched(&fault.pattern, line).filter(|_| !excepted());
            }
        }
    }

    fn take_device(&mut self, tool: &Tool, expectations: &Expectations<'_>, line: &str) {
        let Some(groups) = tool.device_taken.as_ref().and_then(|pattern| captures(pattern, line)) else { return };
        self.device_taken = true;
        let id = groups.name("id").map_or("", |id| id.as_str());
        let meant = expectations.device_ids.is_empty()
            || expectations.device_ids.iter().any(|meant| meant.eq_ignore_ascii_case(id));
        if !meant && self.wrong_device.is_none() {
            self.wrong_device = Some(Match { code: Some(id.to_ascii_lowercase()), line: shortened(line) });
        }
    }
}

/// Does something that is only for these commands, or for all, concern this one?
pub(super) fn applies(commands: &[String], command: Option<&Command>) -> bool {
    commands.is_empty() || command.is_some_and(|command| commands.contains(&command.name))
}

fn matched(pattern: &Regex, line: &str) -> Option<Match> {
    let groups = captures(pattern, line)?;
    Some(Match { code: groups.name("code").map(|code| code.as_str().to_owned()), line: shortened(line) })
}

/// Almost every line says nothing to almost every pattern, and to find that out takes a fraction of the time.
fn captures<'a>(pattern: &Regex, line: &'a str) -> Option<Captures<'a>> {
    pattern.is_match(line).then(|| pattern.captures(line))?
}

fn first_group(pattern: &Regex, line: &str) -> Option<String> {
    let groups = captures(pattern, line)?;
    groups.get(1).or_else(|| groups.get(0)).map(|group| shortened(group.as_str()))
}

pub(super) fn shortened(line: &str) -> String {
    let line = line.trim();
    let end = (0..=EVIDENCE_LENGTH_MAX.min(line.len())).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
    line[..end].to_owned()
}
