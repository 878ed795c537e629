//! The fixed vocabulary of what can go wrong when a tool acts on a board.

use std::fmt;
use std::str::FromStr;

use crate::words::Outcome;

/// What kind of fault a call ended in. Playbooks retry and restart by these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultClass {
    /// Nothing with the wanted id is attached.
    NoDevice,
    /// Several devices match and the tool could not, or must not, choose; or it took another one.
    AmbiguousDevice,
    /// The device is there, but this user may not open it, or the driver is missing.
    NoPermission,
    /// The device was there and left in the middle of the call.
    DeviceLost,
    /// The board answered with an error; [`Fault::code`] says which.
    Refused,
    /// No answer: whether the command ran is unknown.
    NoAnswer,
    /// The board is write- or read-protected, or closed by its owner.
    Protected,
    /// The tool did not accept its arguments.
    BadUsage,
    /// An input file is missing, unreadable or not of the expected kind.
    BadFile,
    /// The tool is not installed or could not be started.
    ToolMissing,
    /// The tool itself failed: a traceback, a missing library.
    ToolBroken,
    /// A limit passed; whether the command ran is unknown.
    TimedOut,
    /// Ended on the person's request.
    Cancelled,
    /// No evidence of success and no known sign of failure. The last one.
    Unknown,
}

/// A class that is missing in the list would be a word that no document may use.
const _: () = assert!(FaultClass::ALL.len() == FaultClass::Unknown as usize + 1);

impl FaultClass {
    pub const ALL: [FaultClass; 14] = [
        FaultClass::NoDevice,
        FaultClass::AmbiguousDevice,
        FaultClass::NoPermission,
        FaultClass::DeviceLost,
        FaultClass::Refused,
        FaultClass::NoAnswer,
        FaultClass::Protected,
        FaultClass::BadUsage,
        FaultClass::BadFile,
        FaultClass::ToolMissing,
        FaultClass::ToolBroken,
        FaultClass::TimedOut,
        FaultClass::Cancelled,
        FaultClass::Unknown,
    ];

    pub fn words() -> Vec<&'static str> {
        FaultClass::ALL.map(FaultClass::word).to_vec()
    }

    pub fn word(self) -> &'static str {
        match self {
            FaultClass::NoDevice => "no-device",
            FaultClass::AmbiguousDevice => "ambiguous-device",
            FaultClass::NoPermission => "no-permission",
            FaultClass::DeviceLost => "device-lost",
            FaultClass::Refused => "refused",
            FaultClass::NoAnswer => "no-answer",
            FaultClass::Protected => "protected",
            FaultClass::BadUsage => "bad-usage",
            FaultClass::BadFile => "bad-file",
            FaultClass::ToolMissing => "tool-missing",
            FaultClass::ToolBroken => "tool-broken",
            FaultClass::TimedOut => "timed-out",
            FaultClass::Cancelled => "cancelled",
            FaultClass::Unknown => "unknown",
        }
    }

    /// How a run ends that ends in such a fault.
    pub fn outcome(self) -> Outcome {
        match self {
            FaultClass::NoDevice | FaultClass::AmbiguousDevice | FaultClass::NoPermission => Outcome::DeviceUnavailable,
            FaultClass::ToolMissing => Outcome::ToolMissing,
            FaultClass::Cancelled => Outcome::Interrupted,
            FaultClass::DeviceLost
            | FaultClass::Refused
            | FaultClass::NoAnswer
            | FaultClass::Protected
            | FaultClass::BadUsage
            | FaultClass::BadFile
            | FaultClass::ToolBroken
            | FaultClass::TimedOut
            | FaultClass::Unknown => Outcome::StepFailed,
        }
    }

    /// The call may have done its work although it reported a fault.
    pub fn outcome_unknown(self) -> bool {
        matches!(self, FaultClass::NoAnswer | FaultClass::DeviceLost | FaultClass::TimedOut | FaultClass::Unknown)
    }
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a class of fault")]
pub struct UnknownFaultClass {
    pub text: String,
}

impl FromStr for FaultClass {
    type Err = UnknownFaultClass;

    fn from_str(text: &str) -> Result<Self, UnknownFaultClass> {
        FaultClass::ALL
            .into_iter()
            .find(|class| class.word() == text)
            .ok_or_else(|| UnknownFaultClass { text: text.to_owned() })
    }
}

/// One fault of one call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Fault {
    pub class: FaultClass,
    /// The status the tool reported, such as `10203`.
    pub code: Option<String>,
    /// What happened, as a sentence for the person, without a full stop.
    pub message: String,
    /// The line of output that decided.
    pub evidence: Option<String>,
    /// What to do about it, from the catalog or the playbook.
    pub help: Option<String>,
    /// The same call would end in it again, so it is not tried again.
    #[serde(skip)]
    pub lasting: bool,
    /// What it means when it comes again and again.
    #[serde(skip)]
    pub third_time: Option<Box<ThirdTime>>,
}

/// What the same fault means once it has come for the third time: the first two had a passing cause at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThirdTime {
    /// The same class without it.
    pub class: Option<FaultClass>,
    /// A sentence for the person, without a full stop.
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    pub fn new(class: FaultClass, message: impl Into<String>) -> Self {
        Fault {
            class,
            code: None,
            message: message.into(),
            evidence: None,
            help: None,
            lasting: false,
            third_time: None,
        }
    }

    /// The code as people look it up: where the tool prints a number in both forms, `10205 (0x27dd)`, with the hexadecimal
    /// one, in which the makers' documents have it.
    pub fn code_for_people(&self) -> Option<String> {
        let code = self.code.as_deref()?;
        Some(self.evidence.as_deref().and_then(|line| in_both_forms(code, line)).unwrap_or_else(|| code.to_owned()))
    }
}

/// The decimal code and its hexadecimal form, where the line has that behind it.
pub(crate) fn in_both_forms(code: &str, line: &str) -> Option<String> {
    let number: u64 = code.parse().ok()?;
    let behind = line.split_once(&format!("{code} ("))?.1.split_once(')')?.0;
    let digits = behind.strip_prefix("0x").or_else(|| behind.strip_prefix("0X"))?;
    (u64::from_str_radix(digits, 16) == Ok(number)).then(|| format!("{code} = {number:#x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_told_in_the_form_of_the_documents_where_the_tool_prints_it() {
        let told = |code: &str, line: &str| {
            let mut fault = Fault::new(FaultClass::Refused, "x");
            (fault.code, fault.evidence) = (Some(code.to_owned()), Some(line.to_owned()));
            fault.code_for_people().unwrap()
        };
        assert_eq!(told("10205", "Response status = 10205 (0x27dd) kStatusMemoryNotConfigured"), "10205 = 0x27dd");
        assert_eq!(told("10205", "Response status = 10205"), "10205");
        assert_eq!(told("10205", "10205 (0x1)"), "10205", "it is of something else");
        assert_eq!(told("0x02", "failed with 0x02 (0x2)"), "0x02");
    }
}

/// What one call came to, judged by its output.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Succeeded,
    /// The work is done, and something about the way there is worth saying.
    SucceededWithWarning(String),
    Fault(Fault),
}
