//! A mishap that a test case names, at the step that it names.

use crate::bench::faults::mishap::{MISHAPS, RunMishap};
use crate::bench::faults::point::{PointFacts, RunPoint, points};
use crate::bench::faults::run_watch::{PlannedMishap, RunWatch};
use crate::bench::faults::trial::OLD;
use crate::bench::{Bench, BenchError, Difference};
use crate::documents::cases::{CaseMishap, TestFile};
use crate::documents::catalog::Catalog;
use crate::documents::playbook::Playbook;
use crate::words::{Code, Diagnostic, meant_or_known, nearest};

/// Steps that there are not, mishaps that there are not, and mishaps that can never happen at their step.
pub fn check_mishaps(tests: &TestFile, playbook: &Playbook, catalog: &Catalog) -> Vec<Diagnostic> {
    let points = points(playbook, catalog);
    tests.cases.iter().filter_map(|case| check(case.mishap.as_ref()?, &points)).flatten().collect()
}

fn check(planned: &CaseMishap, points: &[(RunPoint, PointFacts)]) -> Option<Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let point = points.iter().find(|(point, _)| point.to_string() == planned.step.value);
    if point.is_none() {
        let known: Vec<String> = points.iter().map(|(point, _)| point.to_string()).collect();
        let diagnostic = Diagnostic::error(
            Code::UnknownMishap,
            &planned.step.place,
            format!("no mishap can happen at `{}`", planned.step.value),
        );
        diagnostics.push(match nearest(&planned.step.value, known.iter().map(String::as_str)) {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic.hint("a step is needed that is no group: `recover test --faults` lists them"),
        });
    }
    let row = MISHAPS.iter().find(|row| row.name == planned.what.value);
    if row.is_none() {
        let message = format!("`{}` is no mishap of a step", planned.what.value);
        let diagnostic = Diagnostic::error(Code::UnknownMishap, &planned.what.place, message);
        let known = MISHAPS.iter().map(|row| row.name);
        diagnostics.push(diagnostic.hint(meant_or_known(&planned.what.value, known)));
    }
    if let (Some((_, facts)), Some(row)) = (point, row)
        && let Some(why) = never_happens(row.mishap, facts)
    {
        let message = format!("`{}` cannot happen at `{}`: {why}", row.name, planned.step.value);
        diagnostics.push(Diagnostic::error(Code::UnknownMishap, &planned.what.place, message));
    }
    Some(diagnostics)
}

/// Why, whatever the run finds.
fn never_happens(mishap: RunMishap, facts: &PointFacts) -> Option<&'static str> {
    use RunMishap as F;
    let calls = facts.tool.is_some();
    match mishap {
        F::ToolMissing | F::ToolOld if !calls => Some("it runs no tool"),
        F::ToolOld if !facts.can_be_too_old => Some("the catalog knows no version of its tool that is too old"),
        F::ToolLies | F::FileTruncated if facts.images.is_empty() => Some("its tool is given no input"),
        F::DiskFull if facts.writes.is_none() && facts.produces.is_empty() && facts.stages.is_empty() => {
            Some("it writes no file")
        }
        mishap if mishap.of_call() && !calls => Some("it runs no tool"),
        mishap if mishap.of_view() && facts.wanted.is_empty() => Some("it looks for no device"),
        F::DeviceInWrongMode if facts.instead.is_none() => Some("the playbook knows no other device"),
        _ => None,
    }
}

/// What goes wrong in a run of the case. None when its names are not known, which a check has told.
pub(crate) fn planned_of(planned: &CaseMishap, playbook: &Playbook, catalog: &Catalog) -> Option<PlannedMishap> {
    let mishap = MISHAPS.iter().find(|row| row.name == planned.what.value)?.mishap;
    let (point, facts) =
        points(playbook, catalog).into_iter().find(|(point, _)| point.to_string() == planned.step.value)?;
    Some(PlannedMishap { point, mishap, facts })
}

impl PlannedMishap {
    /// What is wrong already before the run.
    pub(crate) fn prepare(&self, bench: &Bench) -> Result<(), BenchError> {
        match (self.mishap, &self.facts.tool) {
            (RunMishap::ToolMissing, Some(tool)) => bench.remove_tool(tool),
            (RunMishap::ToolOld, Some(tool)) => bench.set_tool_version(tool, OLD),
            _ => Ok(()),
        }
    }
}

/// A case whose mishap does not happen proves nothing.
pub(crate) fn missed(planned: &CaseMishap, watch: &RunWatch) -> Option<Difference> {
    let run = watch.run();
    let before_run = watch.planned.as_ref().is_some_and(|planned| planned.mishap.before_run());
    if run.happened || before_run {
        return None;
    }
    let reached =
        watch.planned.as_ref().and_then(|planned| run.seen.get(&planned.point)).is_some_and(|seen| seen.reached);
    Some(Difference {
        place: Some(planned.what.place.clone()),
        expected: format!("that `{}` happens at `{}`", planned.what.value, planned.step.value),
        found: match reached {
            true => "the step was over, and nothing of it could go wrong so".to_owned(),
            false => "the run never came to that step".to_owned(),
        },
    })
}
