//! Judges one call by what the tool printed, held against its catalog table and the step's own expectations.

use regex::Regex;

use crate::documents::catalog::{Command, Tool};
use crate::documents::playbook::{Capture, FailOn};
use crate::words::{Id, Stream, ToolEnd, Verdict};

/// What the step itself asks of the output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expectations<'a> {
    pub expect: &'a [Regex],
    pub fail_on: &'a [FailOn],
    pub capture: &'a [Capture],
    /// USB ids, written `1fc9:0135`, of the device the call is meant for; empty: any.
    pub device_ids: &'a [String],
}

/// Was the call's device on the bus after it? `Unknown` when the call names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Unknown,
    Present,
    /// There, but this user may not open it.
    Denied,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
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
    _tool: &'a Tool,
    _command: Option<&'a Command>,
    _expectations: Expectations<'a>,
}

impl<'a> Judge<'a> {
    pub fn new(tool: &'a Tool, command: Option<&'a Command>, expectations: Expectations<'a>) -> Self {
        Judge { _tool: tool, _command: command, _expectations: expectations }
    }

    /// Takes one piece of output; answers with progress when the piece shows some.
    pub fn piece(&mut self, _stream: Stream, _text: &str) -> Option<Progress> {
        None
    }

    /// The verdict, once the process has ended.
    pub fn judge(self, _end: &ToolEnd, _presence: Presence) -> Judgement {
        unreachable!("replaced before anything calls it")
    }
}
