//! What came of the trials: broken ones in full, then numbers; and the same for programs.

use std::path::Path;
use std::time::Duration;

use crate::bench::{Broken, TrialEnd};
use crate::cli::junit::{CaseEnd, ReportedCase, Suites, Words, text};
use crate::cli::streams::{say, show};
use crate::cli::style::{Look, Role, Sign};
use crate::cli::test::Invalid;
use crate::cli::test::faults::Tried;
use crate::cli::test::report::{json_lines, not_run, tell_invalid, with_invalid};
use crate::cli::wording::{clean, count};

pub(super) fn human(tried: &[Tried<'_>], invalid: &[Invalid], took: Duration, look: &Look) {
    for broken in tried.iter().filter(|tried| !tried.passed()) {
        let name = format!("{} › {}", broken.board.target.name, broken.trial);
        tell_broken(&name, &broken.broken, &broken.command(), broken.kept.as_deref(), look);
    }
    tell_invalid(invalid, look);
    let number = |what: &dyn Fn(&Tried<'_>) -> bool| tried.iter().filter(|tried| what(tried)).count();
    let broken = number(&|tried| !tried.passed());
    let excused = number(&|tried| tried.excuse.is_some());
    let mended = number(&|tried| tried.broken.is_empty() && tried.end == TrialEnd::Mended);
    let failed = tried.len() - broken - excused - mended;
    let mut line =
        format!("{}: {mended} mended themselves, {failed} ended as failures", count(tried.len(), "trial", "trials"));
    if excused > 0 {
        line.push_str(&format!(", {excused} excused"));
    }
    line.push_str(&format!(", {broken} broke a rule{}", not_run(invalid)));
    let sound = broken == 0 && invalid.is_empty();
    say(&look.paint(if sound { Role::Success } else { Role::Failure }, &line));
    say(&look.paint(Role::Quiet, &format!("in {:.1} s", took.as_secs_f64())));
}

/// One trial that has broken rules.
pub(in crate::cli::test) fn tell_broken(
    name: &str,
    broken: &[Broken],
    command: &str,
    kept: Option<&Path>,
    look: &Look,
) {
    say(&look.paint(Role::Failure, &format!("{} {name}", look.sign(Sign::Failed))));
    for rule in broken {
        say(&format!("  broken: {}", rule.invariant));
        say(&format!("          {}", clean(&rule.found)));
    }
    say(&format!("  again:  {command}"));
    if let Some(kept) = kept {
        say(&format!("  the bench is kept: {}", kept.display()));
    }
    say("");
}

#[derive(serde::Serialize)]
#[serde(tag = "event", rename = "trial")]
struct TrialLine<'a> {
    file: &'a str,
    playbook: &'a str,
    step: String,
    mishap: &'static str,
    /// How the run ended.
    end: String,
    passed: bool,
    excused: Option<&'a str>,
    broken: Vec<BrokenLine<'a>>,
    command: String,
    seconds: f64,
    bench: Option<String>,
}

#[derive(serde::Serialize)]
pub(in crate::cli::test) struct BrokenLine<'a> {
    rule: &'static str,
    found: &'a str,
}

pub(in crate::cli::test) fn broken_lines(broken: &[Broken]) -> Vec<BrokenLine<'_>> {
    broken.iter().map(|broken| BrokenLine { rule: broken.invariant.sentence(), found: &broken.found }).collect()
}

pub(super) fn json(tried: &[Tried<'_>], invalid: &[Invalid], took: Duration) {
    let lines = tried.iter().map(|tried| {
        let line = TrialLine {
            file: &tried.board.target.name,
            playbook: &tried.board.target.playbook.source.name,
            step: tried.trial.point.to_string(),
            mishap: tried.trial.mishap.name(),
            end: end_word(tried.end),
            passed: tried.passed(),
            excused: tried.excuse,
            broken: broken_lines(&tried.broken),
            command: tried.command(),
            seconds: tried.took.as_secs_f64(),
            bench: tried.kept.as_ref().map(|kept| kept.display().to_string()),
        };
        (tried.passed(), line)
    });
    json_lines(lines, invalid, took);
}

fn end_word(end: TrialEnd) -> String {
    match end {
        TrialEnd::Mended => "mended".to_owned(),
        TrialEnd::Failed(outcome) => outcome.to_string(),
        TrialEnd::Killed => "killed".to_owned(),
    }
}

pub(super) fn junit(tried: &[Tried<'_>], invalid: &[Invalid], took: Duration) {
    let mut suites = Suites::new();
    for tried in tried {
        let mut lines: Vec<String> =
            tried.broken.iter().map(|broken| format!("broken: {}: {}", broken.invariant, broken.found)).collect();
        lines.push(tried.command());
        suites.entry(tried.board.target.name.clone()).or_default().push(ReportedCase {
            name: tried.trial.to_string(),
            class: Some(tried.board.target.playbook.board.clone()),
            file: None,
            took: tried.took,
            end: if tried.passed() { CaseEnd::Passed } else { CaseEnd::Failed(Words::of(None, lines)) },
        });
    }
    with_invalid(&mut suites, invalid);
    show(&text(suites, took));
}
