//! How the process of a tool ended, worded once.

use std::fmt;
use std::time::Duration;

use crate::words::describe_time;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// How a tool's process ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ToolEnd {
    Exited(i32),
    /// Ended by a signal that was not ours.
    Signalled(i32),
    /// Never ran; the operating system's words.
    NotStarted(String),
    /// Ended by us because the whole call took longer than its limit.
    TimedOut(Duration),
    /// Ended by us because it printed nothing for so long.
    Silent(Duration),
    /// Ended by us on the person's request.
    Cancelled,
    /// Ended by us because it asked this and there was no answer.
    Unanswered(String),
    /// Ended by us because it asked this again and again, whatever the answer.
    AskedAgain(String),
    /// Ended by us because of this line, which the step does not want to go on.
    Stopped(String),
}

impl fmt::Display for ToolEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ToolEnd::Exited(code) => write!(f, "exit code {code}"),
            ToolEnd::Signalled(signal) => write!(f, "ended by signal {signal}"),
            ToolEnd::NotStarted(reason) => write!(f, "could not be started: {reason}"),
            ToolEnd::TimedOut(limit) => write!(f, "did not finish within {}", describe_time(*limit)),
            ToolEnd::Silent(limit) => write!(f, "printed nothing for {}", describe_time(*limit)),
            ToolEnd::Cancelled => write!(f, "ended on request"),
            ToolEnd::Unanswered(question) => write!(f, "asked `{question}` and got no answer"),
            ToolEnd::AskedAgain(question) => write!(f, "asked `{question}` again and again, whatever the answer"),
            ToolEnd::Stopped(line) => write!(f, "printed `{line}`, with which it must not go on"),
        }
    }
}
