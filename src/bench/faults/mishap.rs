//! The mishaps of a run: their names, and what the run may then come to.

use crate::words::Outcome;

/// One thing that goes wrong, at one place of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunMishap {
    ToolMissing,
    ToolOld,
    ToolVanishes,
    ToolHangs,
    ToolAlwaysHangs,
    ToolHangsAtEnd,
    ToolCrashes,
    ToolCrashesHalfway,
    ToolPrintsGarbage,
    ExitZeroUndone,
    ExitZeroHalfway,
    ToolStops,
    ExitOneDone,
    ToolLies,
    ToolInputEnds,
    DeviceAbsent,
    DeviceLost,
    DeviceLostInCall,
    DeviceLate,
    DeviceFlapping,
    DeviceTwice,
    DeviceDenied,
    DeviceInWrongMode,
    FileTruncated,
    DiskFull,
    PersonGone,
    PersonInputEnds,
    Interrupt,
    InterruptInside,
    InterruptTwice,
    Terminate,
    TerminateInside,
    Kill,
    KillInside,
}

/// Mishaps that stand together in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MishapGroup {
    Tool,
    Device,
    File,
    Person,
    Recover,
}

/// How a mishap is called.
#[derive(Debug, Clone, Copy)]
pub struct MishapRow {
    pub mishap: RunMishap,
    pub group: MishapGroup,
    /// Two characters for the head of a column.
    pub code: &'static str,
    pub name: &'static str,
    pub meaning: &'static str,
}

macro_rules! rows {
    ($($mishap:ident $group:ident $code:literal $name:literal $meaning:literal;)*) => {
        &[$(MishapRow {
            mishap: RunMishap::$mishap, group: MishapGroup::$group, code: $code, name: $name, meaning: $meaning,
        }),*]
    };
}

/// In the order of a report's columns.
pub const MISHAPS: &[MishapRow] = rows! {
    ToolMissing        Tool    "tm" "tool-missing"        "the tool is not installed";
    ToolOld            Tool    "to" "tool-too-old"        "the tool is too old";
    ToolVanishes       Tool    "tv" "tool-vanishes"       "the tool cannot be started any more";
    ToolHangs          Tool    "th" "tool-hangs"          "one call does nothing and never ends";
    ToolAlwaysHangs    Tool    "tH" "tool-always-hangs"   "no call does anything or ends";
    ToolHangsAtEnd     Tool    "te" "tool-hangs-at-end"   "one call does its work and never ends";
    ToolCrashes        Tool    "tc" "tool-crashes"        "one call is ended by a signal at its start";
    ToolCrashesHalfway Tool    "tC" "tool-crashes-midway" "one call is ended by a signal halfway";
    ToolPrintsGarbage  Tool    "tg" "tool-garbage"        "every call prints garbage, does nothing, exits with 0";
    ExitZeroUndone     Tool    "t0" "exit-0-undone"       "every call is silent, does nothing, exits with 0";
    ExitZeroHalfway    Tool    "tp" "exit-0-halfway"      "one call is silent, stops halfway, exits with 0";
    ToolStops          Tool    "ts" "tool-stops-midway"   "one call stops halfway, in its words too, exits with 0";
    ExitOneDone        Tool    "t1" "exit-1-done"         "every call does its work and exits with 1";
    ToolLies           Tool    "tl" "tool-lies"           "one call stops halfway and says that all went well";
    ToolInputEnds      Tool    "ti" "tool-input-ends"     "the tool's questions meet the end of its input";
    DeviceAbsent       Device  "da" "device-absent"       "the board is gone and does not come back";
    DeviceLost         Device  "dl" "device-lost"         "the board is unplugged before the step";
    DeviceLostInCall   Device  "dc" "device-lost-midway"  "the board is unplugged halfway through a call";
    DeviceLate         Device  "dw" "device-late"         "the device comes five seconds late";
    DeviceFlapping     Device  "df" "device-flapping"     "the device comes and goes for two seconds";
    DeviceTwice        Device  "d2" "device-twice"        "a second device shows the same id";
    DeviceDenied       Device  "dp" "device-denied"       "the device may not be opened";
    DeviceInWrongMode  Device  "dm" "device-wrong-mode"   "another device of the playbook shows instead";
    FileTruncated      File    "ft" "file-truncated"      "an image is cut between its check and its use";
    DiskFull           File    "fd" "disk-full"           "the run's folder cannot be written";
    PersonGone         Person  "pg" "person-gone"         "nobody answers or moves anything any more";
    PersonInputEnds    Person  "pi" "person-input-ends"   "recover's own input ends at a question";
    Interrupt          Recover "rc" "ctrl-c"              "Ctrl-C before the step";
    InterruptInside    Recover "rC" "ctrl-c-midway"       "Ctrl-C in the middle of the step";
    InterruptTwice     Recover "r2" "ctrl-c-twice"        "Ctrl-C twice, halfway through a call";
    Terminate          Recover "rt" "term"                "TERM before the step";
    TerminateInside    Recover "rT" "term-midway"         "TERM in the middle of the step";
    Kill               Recover "rk" "kill"                "kill -9 of recover before the step";
    KillInside         Recover "rK" "kill-midway"         "kill -9 of recover halfway through the step";
};

/// Does it happen whenever its point is reached, or the first time only?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    Once,
    Always,
}

impl RunMishap {
    pub fn row(self) -> &'static MishapRow {
        MISHAPS.iter().find(|row| row.mishap == self).unwrap_or(&MISHAPS[0])
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub(crate) fn lasting(self) -> Lasting {
        use RunMishap::{ExitOneDone, ExitZeroUndone, ToolAlwaysHangs, ToolPrintsGarbage, ToolVanishes};
        match self {
            ToolVanishes | ToolAlwaysHangs | ToolPrintsGarbage | ExitZeroUndone | ExitOneDone => Lasting::Always,
            _ => Lasting::Once,
        }
    }

    /// Is it set up before the run begins?
    pub(crate) fn before_run(self) -> bool {
        matches!(self, RunMishap::ToolMissing | RunMishap::ToolOld)
    }

    /// Does it happen to the call of a tool?
    pub(crate) fn of_call(self) -> bool {
        use RunMishap as F;
        self.cuts_work() || matches!(self, F::ToolVanishes | F::ToolHangsAtEnd | F::ExitOneDone | F::ToolInputEnds)
    }

    /// Is its call over without the whole of its work done?
    pub(crate) fn cuts_work(self) -> bool {
        use RunMishap as F;
        matches!(
            self,
            F::ToolHangs
                | F::ToolAlwaysHangs
                | F::ToolCrashes
                | F::ToolCrashesHalfway
                | F::ToolPrintsGarbage
                | F::ExitZeroUndone
                | F::ExitZeroHalfway
                | F::ToolStops
                | F::ToolLies
                | F::DeviceLostInCall
                | F::InterruptTwice
        )
    }

    /// Does it change only what of the bus can be seen?
    pub(crate) fn of_view(self) -> bool {
        use RunMishap::{DeviceDenied, DeviceFlapping, DeviceInWrongMode, DeviceLate, DeviceTwice};
        matches!(self, DeviceLate | DeviceFlapping | DeviceTwice | DeviceDenied | DeviceInWrongMode)
    }

    /// Does it happen in the middle of a step, whatever the step does?
    pub(crate) fn inside(self) -> bool {
        use RunMishap::{InterruptInside, KillInside, TerminateInside};
        matches!(self, InterruptInside | TerminateInside | KillInside)
    }

    /// The outcomes that a run with this mishap may have. One that mends itself may also end as it would have without.
    pub(crate) fn may_end(self) -> &'static [Outcome] {
        use Outcome::{
            Declined, DeviceUnavailable, Interrupted, Recovered, RefusedByPlaybook, StepFailed, ToolMissing,
        };
        use RunMishap as F;
        match self {
            F::ToolMissing | F::ToolOld => &[ToolMissing],
            F::ToolVanishes => &[ToolMissing, Recovered],
            F::DeviceTwice | F::DeviceDenied => &[DeviceUnavailable],
            F::DeviceAbsent => &[DeviceUnavailable, StepFailed],
            // A playbook may know what the other mode means, and say what is to be done instead.
            F::DeviceInWrongMode => &[DeviceUnavailable, StepFailed, RefusedByPlaybook],
            F::FileTruncated | F::DiskFull => &[StepFailed, Recovered],
            F::PersonGone => &[Declined, DeviceUnavailable, StepFailed, Recovered],
            F::PersonInputEnds => &[Declined, StepFailed, Recovered],
            F::Interrupt | F::InterruptInside | F::InterruptTwice | F::Terminate | F::TerminateInside => {
                &[Interrupted, Recovered]
            }
            F::Kill | F::KillInside => &[],
            _ => &[Recovered, StepFailed, DeviceUnavailable],
        }
    }
}
