//! How runs end, and the exit codes that say so.

/// The exit code of a program that did well, but could not tell all of it: standard output took no more.
pub const OUTPUT_LOST: u8 = 74;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Recovered,
    /// A dry run: everything was shown and nothing done.
    Planned,
    StepFailed,
    RefusedByPlaybook,
    CommandLine,
    PlaybookInvalid,
    ToolMissing,
    DeviceUnavailable,
    Declined,
    BoardBusy,
    /// What was to move in place of hands did not, or did not let go.
    HandsFailed,
    Defect,
    Interrupted,
}

impl Outcome {
    pub const ALL: [Outcome; 13] = [
        Outcome::Recovered,
        Outcome::Planned,
        Outcome::StepFailed,
        Outcome::RefusedByPlaybook,
        Outcome::CommandLine,
        Outcome::PlaybookInvalid,
        Outcome::ToolMissing,
        Outcome::DeviceUnavailable,
        Outcome::Declined,
        Outcome::BoardBusy,
        Outcome::HandsFailed,
        Outcome::Defect,
        Outcome::Interrupted,
    ];

    /// As it is written in JSON and in test files.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Recovered => "recovered",
            Outcome::Planned => "planned",
            Outcome::StepFailed => "step-failed",
            Outcome::RefusedByPlaybook => "refused-by-playbook",
            Outcome::CommandLine => "command-line",
            Outcome::PlaybookInvalid => "playbook-invalid",
            Outcome::ToolMissing => "tool-missing",
            Outcome::DeviceUnavailable => "device-unavailable",
            Outcome::Declined => "declined",
            Outcome::BoardBusy => "board-busy",
            Outcome::HandsFailed => "hands-failed",
            Outcome::Defect => "defect",
            Outcome::Interrupted => "interrupted",
        }
    }

    /// It ended before its first step, so that nothing is said of any board.
    pub fn is_before_the_first_step(self) -> bool {
        matches!(
            self,
            Outcome::Planned
                | Outcome::CommandLine
                | Outcome::PlaybookInvalid
                | Outcome::ToolMissing
                | Outcome::BoardBusy
        )
    }

    /// The process's exit code; this is the only place that knows them.
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Recovered | Outcome::Planned => 0,
            Outcome::StepFailed | Outcome::RefusedByPlaybook => 1,
            Outcome::CommandLine => 2,
            Outcome::PlaybookInvalid => 3,
            Outcome::ToolMissing => 4,
            Outcome::DeviceUnavailable => 5,
            Outcome::Declined => 6,
            Outcome::BoardBusy => 7,
            Outcome::HandsFailed => 8,
            Outcome::Defect => 70,
            Outcome::Interrupted => 130,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}
