//! Holds one call of a tool against the tool's table in the catalog.

use crate::documents::catalog::{ArgumentRule, CallFacts, Command, RegionBegin, Tool, may_stage};
use crate::documents::expression::{Part, Template};
use crate::documents::playbook::{Changes, Run, Step};
use crate::words::{Code, Diagnostic, Located, Place};

/// What is known of a call by its own text.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallText {
    pub(super) changes_board: bool,
    /// A rule of the catalog forbids it, which has been told.
    pub(super) is_forbidden: bool,
}

/// Notes what is wrong with the call.
pub(super) fn check_call(tool: &Tool, step: &Step, run: &Run, diagnostics: &mut Vec<Diagnostic>) -> CallText {
    let told = diagnostics.len();
    for arg in &run.args {
        check_no_path(arg, run, diagnostics);
    }
    if !run.stage.is_empty() && !tool.private_folder {
        diagnostics.push(
            Diagnostic::error(
                Code::Staging,
                &run.tool.place,
                format!("{} has no folder of its own to put files into", tool.name),
            )
            .hint("write `${name}` in its arguments: it finds the run's files where it works"),
        );
    }
    for staged in run.stage.iter().filter(|_| tool.private_folder) {
        if !may_stage(tool, &staged.path.value, &CallFacts::of_program(&tool.launchers())) {
            let path = &staged.path;
            let message = format!("`{}` is no file that steps may put into the folder of {}", path.value, tool.name);
            diagnostics.push(
                Diagnostic::error(Code::Staging, &path.place, message).hint("the catalog names them, with `stages`"),
            );
        }
    }
    let shown: Vec<String> = run.args.iter().map(as_far_as_literal).collect();
    let forbidding = tool.rules.iter().filter(|rule| rule.forbids(&shown, step.excuses()));
    diagnostics.extend(forbidding.map(|rule| broken(rule, run, &shown)));
    let is_forbidden = diagnostics.len() > told;
    let changes_board = match tool.command(&shown) {
        Some(command) => {
            let judged = !command.success.is_empty()
                || !command.success_counts.is_empty()
                || !run.expect.is_empty()
                || tool
                    .statuses
                    .iter()
                    .any(|status| status.commands.is_empty() || status.commands.contains(&command.name));
            if (command.changes_board || command.success_from_step) && !judged {
                diagnostics.push(no_evidence(tool, run));
            }
            diagnostics.extend(run.changes.as_ref().and_then(|changes| wrong_changes(command, step, changes)));
            command.changes_board
        }
        None if run.expect.is_empty() => {
            diagnostics.push(no_evidence(tool, run));
            true
        }
        // What the catalog does not know may change the board.
        None => true,
    };
    CallText { changes_board, is_forbidden }
}

/// What a step says of its changes must not contradict what is known of the call.
fn wrong_changes(command: &Command, step: &Step, changes: &Located<Changes>) -> Option<Diagnostic> {
    let diagnostic = |message: &str| Some(Diagnostic::error(Code::Contradiction, &changes.place, message));
    match &changes.value {
        _ if !command.changes_board => {
            diagnostic("this call changes nothing that lasts, so there is nothing to say about it")
        }
        Changes::Nothing if command.erases.is_some() => diagnostic("what this call erases stays erased"),
        Changes::Files(_) if command.erases.is_some() => diagnostic("this call erases, and writes no file"),
        Changes::Nothing if writes_partition(command) => diagnostic("what this call writes to a partition stays there"),
        Changes::Nothing if step.irreversible.is_some() => diagnostic("what can never be undone changes something"),
        Changes::Nothing | Changes::Range { .. } | Changes::Files(_) => None,
    }
}

fn writes_partition(command: &Command) -> bool {
    command.writes.as_ref().is_some_and(|writes| matches!(writes.begin, RegionBegin::Partition(_)))
}

fn no_evidence(tool: &Tool, run: &Run) -> Diagnostic {
    Diagnostic::error(
        Code::NoEvidence,
        &run.tool.place,
        format!("nothing tells whether this call of {} succeeds", tool.name),
    )
    .label("no evidence of success")
    .hint("add `expect:` with a pattern that only a success prints; an exit code of 0 is not enough")
}

/// Tools work in a folder of the run's own, where a name without a folder cannot reach anything else. What a step itself
/// has put into a tool's private folder may be named, also with the `../` that some tools expect and drop.
fn check_no_path(arg: &Template, run: &Run, diagnostics: &mut Vec<Diagnostic>) {
    let text = as_far_as_literal(arg);
    let staged = |word: &str| {
        let below = word.strip_prefix("../").unwrap_or(word);
        run.stage.iter().any(|staged| staged.path.value == below)
    };
    let is_path = |word: &str| word.starts_with('~') || word.contains(['/', '\\']);
    if text.split_whitespace().any(|word| is_path(word) && !staged(word)) {
        diagnostics.push(
            Diagnostic::error(Code::PathInArgument, &arg.place, "an argument cannot name a file by its path")
                .hint("declare the file below `inputs:` and write `${its_name}`"),
        );
    }
}

/// The literal text, with `${}` for every expression, which rules may look for.
pub(super) fn as_far_as_literal(arg: &Template) -> String {
    arg.parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Expression(_) => "${}",
        })
        .collect()
}

/// A rule that these arguments of the step break.
pub(super) fn broken(rule: &ArgumentRule, run: &Run, shown: &[String]) -> Diagnostic {
    let is_meant = |text: &String| rule.with.first().is_some_and(|pattern| pattern.is_match(text));
    let mut diagnostic =
        Diagnostic::error(Code::ForbiddenCall, place_of(run, shown.iter().position(is_meant)), rule.message.clone());
    diagnostic.hint.clone_from(&rule.hint);
    diagnostic
}

/// The place of one of the step's own arguments; of the call where it is none of them, or stands nowhere of its own.
pub(super) fn place_of(run: &Run, argument: Option<usize>) -> &Place {
    let place = argument.and_then(|index| run.args.get(index)).map(|arg| &arg.place);
    place.filter(|place| place.end > place.start).unwrap_or(&run.tool.place)
}
