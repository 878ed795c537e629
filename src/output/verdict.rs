//! From the evidence of one call to its verdict: which sign outweighs which.
//!
//! In this order: how the process ended, if not by itself · faults that override any success · another device than the
//! one meant · the step's own `fail_on` · statuses that say no · evidence of success together with the exit code, and
//! the step's `expect` · known faults · nothing known, which is never a success.

use super::evidence::{Evidence, Match, applies};
use super::judge::{Expectations, Presence, Touched};
use crate::documents::catalog::{Command, FaultPattern, OperatingSystem, StatusPattern, Tool};
use crate::words::{Fault, FaultClass, ToolEnd, Verdict, in_both_forms};

/// The signals by which a person or the system ends programs in good order: HUP, INT, TERM.
const ENDING_SIGNALS: [i32; 3] = [1, 2, 15];

pub(super) fn verdict(
    tool: &Tool,
    command: Option<&Command>,
    expectations: &Expectations<'_>,
    evidence: &Evidence,
    end: &ToolEnd,
    presence: Presence,
) -> Verdict {
    let exit_code = match ended_otherwise(tool, end) {
        // The step knows best what it stopped the tool for.
        Err(fault) if matches!(end, ToolEnd::Stopped(_)) => {
            return Verdict::Fault(failed_on(expectations, evidence).unwrap_or(fault));
        }
        Ok(exit_code) => exit_code,
        Err(fault) => return Verdict::Fault(fault),
    };
    if let Some(fault) = decisive_fault(tool, expectations, evidence) {
        return Verdict::Fault(refined(fault, tool, evidence, presence));
    }
    let known = first_fault(tool, evidence, |_| true);
    match (success(tool, command, expectations, evidence, exit_code), known) {
        (Success::Plain, _) => expected(expectations, evidence, Verdict::Succeeded),
        (Success::WithWarning, known) => {
            let because = known.and_then(|fault| fault.evidence).map(|line| format!(" ({line})")).unwrap_or_default();
            let warning = format!("The work is done, although the tool ended with {end}{because}");
            expected(expectations, evidence, Verdict::SucceededWithWarning(warning))
        }
        (Success::Missing, Some(fault)) => Verdict::Fault(refined(fault, tool, evidence, presence)),
        (Success::Missing, None) => {
            let fault = without_evidence(tool, command, expectations, evidence, end);
            Verdict::Fault(refined(fault, tool, evidence, presence))
        }
    }
}

/// What the call may have done to the board, for telling the person what state it is in now.
pub(super) fn touched(
    tool: &Tool,
    command: Option<&Command>,
    expectations: &Expectations<'_>,
    evidence: &Evidence,
    verdict: &Verdict,
) -> Touched {
    // A call that the catalog does not know may well change the board.
    if command.is_some_and(|command| !command.changes_board) {
        return Touched::Nothing;
    }
    let shows_changes = command.is_some_and(|command| command.progress_shows_changes);
    let Verdict::Fault(fault) = verdict else {
        // Where only the step knows what was done, a change need not have been what it wanted.
        let only_asked = shows_changes && !evidence.progress_seen && command.is_some_and(|it| it.success_from_step);
        return if only_asked { Touched::Nothing } else { Touched::Completely };
    };
    let proven = command.is_some_and(|command| proven_by_lines(command, expectations, evidence));
    let overridden = first_fault(tool, evidence, |pattern| pattern.overrides_success).is_some();
    let before_anything = matches!(
        fault.class,
        FaultClass::NoDevice
            | FaultClass::AmbiguousDevice
            | FaultClass::NoPermission
            | FaultClass::BadUsage
            | FaultClass::BadFile
            | FaultClass::ToolMissing
    );
    // A tool that says why it is broken did not get as far as the board; one that crashed may have.
    let before_anything = before_anything || (fault.class == FaultClass::ToolBroken && fault.evidence.is_some());
    let refused_before = fault.code.as_ref().is_some_and(|code| {
        tool.statuses.iter().any(|status| applies(&status.commands, command) && status.refused_before.contains(code))
    });
    let sign_of_refusal = |(pattern, found): (&FaultPattern, &Option<Match>)| {
        found.is_some() && pattern.refused_before && pattern.class == fault.class
    };
    let refused_before =
        refused_before || (!evidence.advanced && tool.faults.iter().zip(&evidence.faults).any(sign_of_refusal));
    // Only a tool that speaks at all shows by its silence that it has not begun.
    let shows_changes = shows_changes && evidence.printed;
    if refused_before || (!evidence.progress_seen && (shows_changes || before_anything)) {
        Touched::Nothing
    } else if proven && !overridden && fault.class.outcome_unknown() {
        Touched::Completely
    } else {
        Touched::Partly
    }
}

/// The exit code, or the fault of a process that did not end by itself.
fn ended_otherwise(tool: &Tool, end: &ToolEnd) -> Result<i32, Fault> {
    let name = &tool.name;
    Err(match end {
        ToolEnd::Exited(code) => return Ok(*code),
        ToolEnd::Signalled(signal) if ENDING_SIGNALS.contains(signal) => {
            Fault::new(FaultClass::Cancelled, format!("Something outside of this run ended {name} before it was done"))
        }
        ToolEnd::Signalled(_) => Fault::new(FaultClass::ToolBroken, format!("The tool {name} crashed: {end}")),
        ToolEnd::NotStarted(_) => Fault {
            help: tool.install.on(OperatingSystem::current()).as_ref().map(|how| format!("To install it: {how}")),
            ..Fault::new(FaultClass::ToolMissing, format!("The tool {name} {end}"))
        },
        ToolEnd::TimedOut(_) => Fault::new(FaultClass::TimedOut, format!("The tool {name} {end} and was ended")),
        ToolEnd::Silent(_) => {
            let message = format!("The tool {name} {end}, so it counts as hung and was ended");
            Fault { help: help_for(tool, FaultClass::NoAnswer), ..Fault::new(FaultClass::TimedOut, message) }
        }
        ToolEnd::Cancelled => Fault::new(FaultClass::Cancelled, format!("The tool {name} was ended on request")),
        ToolEnd::Unanswered(question) => Fault {
            evidence: Some(question.clone()),
            help: Some("Run it again and stay there to answer; or add the answer to the step's `answers`".to_owned()),
            ..Fault::new(FaultClass::Unknown, format!("The tool {name} {end}, so it was ended"))
        },
        ToolEnd::Stopped(line) => Fault {
            evidence: Some(line.clone()),
            ..Fault::new(FaultClass::Unknown, format!("The tool {name} {end}, so it was ended"))
        },
        ToolEnd::AskedAgain(question) => Fault {
            evidence: Some(question.clone()),
            ..Fault::new(FaultClass::Unknown, format!("The tool {name} {end}, so it was ended"))
        },
    })
}

/// The faults that decide whatever else the output says.
fn decisive_fault(tool: &Tool, expectations: &Expectations<'_>, evidence: &Evidence) -> Option<Fault> {
    overriding_fault(tool, evidence)
        .or_else(|| wrong_device(expectations, evidence))
        .or_else(|| failed_on(expectations, evidence))
        .or_else(|| {
            let mut statuses = tool.statuses.iter().zip(&evidence.statuses);
            let refused = statuses.find_map(|(status, found)| refused(status, found.as_ref()?))?;
            Some(Fault { help: help_for(tool, refused.class), ..refused })
        })
}

/// Where a fault voids any success, the first of all that were seen decides, also one that alone would not void it. But a
/// tool that was under way had found its board.
fn overriding_fault(tool: &Tool, evidence: &Evidence) -> Option<Fault> {
    let voided = first_fault(tool, evidence, |fault| fault.overrides_success);
    voided.and_then(|_| {
        let not_begun = |class| matches!(class, FaultClass::NoDevice | FaultClass::NoPermission);
        first_fault(tool, evidence, |fault| {
            fault.overrides_success || !(evidence.progress_seen && not_begun(fault.class))
        })
    })
}

fn wrong_device(expectations: &Expectations<'_>, evidence: &Evidence) -> Option<Fault> {
    let taken = evidence.wrong_device.as_ref()?;
    let meant = expectations.device_ids.join(" or ");
    let id = taken.code.as_deref().unwrap_or_default();
    let what = if evidence.progress_seen { "wrote to" } else { "opened" };
    let message = format!("The tool {what} another device than the one meant: {id} instead of {meant}");
    let mut fault = Fault::new(FaultClass::AmbiguousDevice, message);
    fault.evidence = Some(taken.line.clone());
    fault.help = Some("Unplug every other board of this kind, then try again".to_owned());
    Some(fault)
}

fn failed_on(expectations: &Expectations<'_>, evidence: &Evidence) -> Option<Fault> {
    let (fail_on, found) =
        expectations.fail_on.iter().zip(&evidence.fail_on).find_map(|(on, found)| Some((on, found.as_ref()?)))?;
    let message = fail_on.message.clone().unwrap_or_else(|| format!("The tool printed: {}", found.line));
    let mut fault = Fault::new(fail_on.class, message);
    fault.evidence = Some(found.line.clone());
    fault.code = found.code.clone();
    Some(fault)
}

/// The fault that a status stands for, unless it says success.
fn refused(status: &StatusPattern, found: &Match) -> Option<Fault> {
    let code = found.code.as_deref().unwrap_or_default();
    if status.success.iter().any(|success| success == code) {
        return None;
    }
    let class = status.classes.get(code).copied().unwrap_or(status.otherwise);
    let message = match status.meanings.get(code) {
        Some(meaning) => meaning.clone(),
        None => {
            let shown = in_both_forms(code, &found.line).unwrap_or_else(|| code.to_owned());
            format!("The board answered with status {shown}")
        }
    };
    let mut fault = Fault::new(class, message);
    fault.code = Some(code.to_owned());
    fault.evidence = Some(found.line.clone());
    Some(fault)
}

fn first_fault(tool: &Tool, evidence: &Evidence, wanted: impl Fn(&FaultPattern) -> bool) -> Option<Fault> {
    let mut matches = tool.faults.iter().zip(&evidence.faults);
    let (pattern, found) = matches
        .find_map(|(pattern, found)| found.as_ref().filter(|_| wanted(pattern)).map(|found| (pattern, found)))?;
    let mut fault = of_pattern(pattern);
    fault.code = found.code.clone().or_else(|| pattern.code.clone());
    fault.lasting = pattern.lasting;
    fault.evidence = (!found.line.is_empty()).then(|| found.line.clone());
    Some(fault)
}

fn of_pattern(pattern: &FaultPattern) -> Fault {
    let mut fault = Fault::new(pattern.class, pattern.message.clone());
    fault.help = pattern.help.on(OperatingSystem::current()).clone();
    fault.third_time = pattern.third_time.clone().map(Box::new);
    fault
}

/// What the catalog advises for this class of fault, where the sign itself brings no advice.
fn help_for(tool: &Tool, class: FaultClass) -> Option<String> {
    let mut advice = tool.faults.iter().filter(|pattern| pattern.class == class);
    advice.find_map(|pattern| pattern.help.on(OperatingSystem::current()).clone())
}

enum Success {
    Plain,
    WithWarning,
    Missing,
}

/// Called when no status says no.
fn success(
    tool: &Tool,
    command: Option<&Command>,
    expectations: &Expectations<'_>,
    evidence: &Evidence,
    exit_code: i32,
) -> Success {
    let status_says_yes = tool
        .statuses
        .iter()
        .zip(&evidence.statuses)
        .any(|(status, found)| found.is_some() && !status.success.is_empty() && applies(&status.commands, command));
    let Some(command) = command else {
        // Only what the step itself expects can prove a call of an unknown kind.
        let proven = status_says_yes || !evidence.expect.is_empty();
        return if proven && exit_code == 0 { Success::Plain } else { Success::Missing };
    };
    let by_lines = proven_by_lines(command, expectations, evidence);
    let proven = by_lines || (status_says_yes && !has_lines(command) && progress_is_complete(command, evidence));
    if proven && command.success_exit_codes.contains(&exit_code) {
        Success::Plain
    } else if proven && command.warning_exit_codes.contains(&exit_code) {
        Success::WithWarning
    } else {
        Success::Missing
    }
}

/// Does the catalog, or the step for it, say which lines prove this kind of call?
fn has_lines(command: &Command) -> bool {
    !command.success.is_empty() || !command.success_counts.is_empty() || command.success_from_step
}

fn proven_by_lines(command: &Command, expectations: &Expectations<'_>, evidence: &Evidence) -> bool {
    let step_says_yes = !evidence.expect.is_empty() && evidence.expect.iter().all(|found| *found);
    has_lines(command)
        && evidence.success.iter().all(Option::is_some)
        && evidence.counts.are_met(command, expectations.arguments)
        && progress_is_complete(command, evidence)
        && (!command.success_from_step || step_says_yes)
}

fn progress_is_complete(command: &Command, evidence: &Evidence) -> bool {
    !command.progress_complete || evidence.counts.cut_short().is_none()
}

/// A success stands only if all that the step expects was printed.
fn expected(expectations: &Expectations<'_>, evidence: &Evidence, verdict: Verdict) -> Verdict {
    unexpected(expectations, evidence).map_or(verdict, Verdict::Fault)
}

/// The fault that something is missing of what the step expects.
fn unexpected(expectations: &Expectations<'_>, evidence: &Evidence) -> Option<Fault> {
    let (pattern, _) = expectations.expect.iter().zip(&evidence.expect).find(|(_, found)| !**found)?;
    let class = expectations.unmet.map_or(FaultClass::Unknown, |unmet| unmet.class);
    let own_words = expectations.unmet.and_then(|unmet| unmet.message.clone());
    let message = own_words
        .unwrap_or_else(|| format!("The tool did not print what this step expects: no line matches `{pattern}`"));
    Some(Fault::new(class, message))
}

fn without_evidence(
    tool: &Tool,
    command: Option<&Command>,
    expectations: &Expectations<'_>,
    evidence: &Evidence,
    end: &ToolEnd,
) -> Fault {
    if let Some(line) = evidence.counts.cut_short().filter(|_| command.is_some_and(|it| it.progress_complete)) {
        let message = format!("The tool {} ended with {end} before all was transferred", tool.name);
        return Fault { evidence: Some(line.clone()), ..Fault::new(FaultClass::Unknown, message) };
    }
    if let Some(fault) = unexpected(expectations, evidence).filter(|_| command.is_some_and(|it| it.success_from_step)) {
        return fault;
    }
    match command.and_then(|command| command.missing_evidence.as_ref()) {
        Some(missing) => Fault::new(missing.class, missing.message.clone()),
        None => Fault::new(
            FaultClass::Unknown,
            format!("The tool {} ended with {end} without showing that the work was done", tool.name),
        ),
    }
}

/// What is on the bus after the call tells apart faults that look alike to the tool.
fn refined(fault: Fault, tool: &Tool, evidence: &Evidence, presence: Presence) -> Fault {
    let begun = evidence.device_taken
        || evidence.progress_seen
        || evidence.statuses.iter().any(Option::is_some)
        || evidence.success.iter().any(Option::is_some);
    let class = match (fault.class, presence) {
        (FaultClass::NoAnswer, Presence::Absent) => FaultClass::DeviceLost,
        (FaultClass::Unknown, Presence::Absent) if begun => FaultClass::DeviceLost,
        (FaultClass::DeviceLost, Presence::Present | Presence::Denied) => FaultClass::NoAnswer,
        (FaultClass::NoPermission, Presence::Absent) => FaultClass::NoDevice,
        (FaultClass::NoDevice, Presence::Denied) => FaultClass::NoPermission,
        (class, _) => class,
    };
    if class == fault.class {
        return fault;
    }
    let (message, help) = match class {
        FaultClass::DeviceLost => ("The board left the USB bus in the middle of the call", None),
        FaultClass::NoAnswer => (
            "The connection to the board broke, but the board never left USB: it is stuck",
            Some("Unplug the board, bring it into its recovery mode again and retry: only that brings it back"),
        ),
        // The catalog's words for the class that it turned out to be.
        _ => {
            let words = tool.faults.iter().find(|pattern| pattern.class == class).map(of_pattern);
            return match words {
                Some(words) => Fault { class, message: words.message, help: words.help, ..fault },
                None => Fault { class, ..fault },
            };
        }
    };
    let known = help_for(tool, class);
    Fault { class, message: message.to_owned(), help: help.map(str::to_owned).or(known).or(fault.help), ..fault }
}
