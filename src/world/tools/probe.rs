//! Asks a tool for its version, and judges the answer.

use std::path::{MAIN_SEPARATOR_STR, Path, PathBuf};
use std::time::Duration;

use super::locate::Candidate;
use super::{Surroundings, ToolEnvironment, Unusable};
use crate::documents::catalog::{Flavour, Tool};
use crate::words::{Stream, ToolEnd, ToolVersion};
use crate::world::process::TOO_MANY_FILES;
use crate::world::{RunningTool, ToolCall, ToolEvent, ToolInput, tool_folder};

/// Java and Python programs may take many seconds for their first start.
pub(super) const PROBE_TIME_MAX: Duration = Duration::from_secs(20);

/// Output kept of each stream, in bytes; a version stands near the beginning.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// What nobody but the system, or somebody who means it, ends a program with.
const SIGNAL_KILL: i32 = 9;

/// Lines shown to the person.
const LINES_SHOWN_MAX: usize = 5;

#[derive(Debug, Default)]
pub(super) struct Answer {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// `None` when the time was over.
    end: Option<ToolEnd>,
}

impl Answer {
    /// What both streams have, without blank lines and colours.
    pub(super) fn lines(&self) -> Vec<String> {
        [&self.stdout, &self.stderr].into_iter().flat_map(|bytes| lines_of(bytes)).collect()
    }
}

pub(super) fn version_call(
    tool: &Tool,
    candidate: &Candidate,
    environment: &ToolEnvironment,
    surroundings: &Surroundings,
) -> ToolCall {
    ToolCall {
        launcher: candidate.launcher.clone(),
        args: tool.first_args.iter().chain(&tool.version.args).cloned().collect(),
        environment: environment.set.clone(),
        environment_remove: environment.remove.clone(),
        folder: folder_of_call(tool, candidate, surroundings),
        terminal: false,
        input: ToolInput::Nothing,
        warm: None,
    }
}

/// Some tools start only in their own folder. A program that starts others may take their parts from the folder that it is
/// started in, so that is none of downloads.
fn folder_of_call(tool: &Tool, candidate: &Candidate, surroundings: &Surroundings) -> PathBuf {
    if candidate.indirect {
        // On Windows everybody may put something into the root.
        let own = candidate.program().parent().filter(|_| cfg!(windows));
        return own.unwrap_or(Path::new(MAIN_SEPARATOR_STR)).to_owned();
    }
    let own = tool_folder(candidate.program());
    own.filter(|_| tool.private_folder).unwrap_or_else(|| surroundings.current_folder.clone())
}

/// Runs on the runtime's clock, which must not be paused: the tool is a real one.
pub(super) async fn ask(mut tool: RunningTool, time_max: Duration) -> Answer {
    let mut answer = Answer::default();
    let listening = async {
        while let Some(event) = tool.events.recv().await {
            match event {
                ToolEvent::Output(Stream::Stdout, bytes) => keep(&mut answer.stdout, &bytes),
                ToolEvent::Output(Stream::Stderr, bytes) => keep(&mut answer.stderr, &bytes),
                ToolEvent::Ended(end) => answer.end = Some(end),
            }
        }
    };
    // Too late is told apart by the missing end; dropping the tool ends it.
    let _ = tokio::time::timeout(time_max, listening).await;
    answer
}

/// Which build it is and of which version; or why it cannot be used.
pub(super) fn judge<'t>(tool: &'t Tool, answer: &Answer) -> Result<(&'t Flavour, ToolVersion), Unusable> {
    let lines = answer.lines();
    // The exit code is of no matter: some tools print their version and fail.
    let Some((flavour, version)) = recognise(&tool.version.flavours, &lines) else {
        let reason = match &answer.end {
            None => format!("no answer within {} s", PROBE_TIME_MAX.as_secs()),
            Some(ToolEnd::Exited(0)) if lines.is_empty() => "it printed nothing".to_owned(),
            Some(ToolEnd::Exited(0)) => {
                return Err(Unusable::AnotherProgram {
                    first_lines: lines.into_iter().take(LINES_SHOWN_MAX).collect(),
                });
            }
            Some(ToolEnd::NotStarted(reason)) if reason.starts_with(TOO_MANY_FILES) => {
                return Err(Unusable::NoRoom { reason: reason.clone() });
            }
            Some(ToolEnd::Signalled(SIGNAL_KILL)) if lines.is_empty() => return Err(Unusable::Killed),
            Some(end) => end.to_string(),
        };
        let last_lines = lines[lines.len().saturating_sub(LINES_SHOWN_MAX)..].to_vec();
        return Err(Unusable::Failed { reason, last_lines });
    };
    if let Some((found, reason)) = flavour.known_bad.iter().find(|(bad, _)| *bad == version) {
        return Err(Unusable::KnownBad { found: Box::new(found.clone()), reason: reason.clone() });
    }
    if let Some(minimum) = flavour.minimum.as_ref().filter(|minimum| version < **minimum) {
        return Err(Unusable::TooOld { found: Box::new(version.clone()), minimum: Box::new(minimum.clone()) });
    }
    Ok((flavour, version))
}

/// The first flavour that knows one of the lines.
fn recognise<'a>(flavours: &'a [Flavour], lines: &[String]) -> Option<(&'a Flavour, ToolVersion)> {
    flavours.iter().find_map(|flavour| {
        let version = |line: &String| flavour.pattern.captures(line)?.name("version")?.as_str().parse().ok();
        lines.iter().find_map(version).map(|version| (flavour, version))
    })
}

fn keep(kept: &mut Vec<u8>, bytes: &[u8]) {
    let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
    kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// Lines that are not blank, without escape sequences such as colours.
fn lines_of(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.split(['\n', '\r']).map(without_escapes).filter(|line| !line.trim().is_empty()).collect()
}

/// Drops `ESC [ … letter` and bare control characters.
fn without_escapes(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            if rest.next() == Some('[') {
                rest.by_ref().find(|c| ('@'..='~').contains(c));
            }
        } else if c == '\t' || !c.is_control() {
            plain.push(c);
        }
    }
    plain
}
