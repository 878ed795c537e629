//! A fault that a test case names, at the step that it names.

use crate::bench::faults::cell::OLD;
use crate::bench::faults::fault::{FAULTS, StrikeFault};
use crate::bench::faults::site::{Site, SiteFacts, sites};
use crate::bench::faults::striking::{Strike, Striking};
use crate::bench::{Bench, BenchError, Difference};
use crate::documents::cases::{CaseStrike, TestFile};
use crate::documents::catalog::Catalog;
use crate::documents::playbook::Playbook;
use crate::words::{Diagnostic, nearest};

/// Steps that there are not, faults that there are not, and faults that can never strike at their step.
pub fn check_strikes(tests: &TestFile, playbook: &Playbook, catalog: &Catalog) -> Vec<Diagnostic> {
    let sites = sites(playbook, catalog);
    tests.cases.iter().filter_map(|case| check(case.strike.as_ref()?, &sites)).flatten().collect()
}

fn check(strike: &CaseStrike, sites: &[(Site, SiteFacts)]) -> Option<Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let site = sites.iter().find(|(site, _)| site.to_string() == strike.step.value);
    if site.is_none() {
        let known: Vec<String> = sites.iter().map(|(site, _)| site.to_string()).collect();
        let fault = Diagnostic::error(&strike.step.place, format!("no fault can strike at `{}`", strike.step.value));
        faults.push(match nearest(&strike.step.value, known.iter().map(String::as_str)) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint("a step is needed that is no group: `recover test --faults` lists them"),
        });
    }
    let row = FAULTS.iter().find(|row| row.name == strike.fault.value);
    if row.is_none() {
        let message = format!("`{}` is no fault that strikes at a step", strike.fault.value);
        let fault = Diagnostic::error(&strike.fault.place, message);
        faults.push(match nearest(&strike.fault.value, FAULTS.iter().map(|row| row.name)) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => {
                fault.hint(format!("known are {}", FAULTS.iter().map(|row| row.name).collect::<Vec<_>>().join(", ")))
            }
        });
    }
    if let (Some((_, facts)), Some(row)) = (site, row)
        && let Some(why) = never_strikes(row.fault, facts)
    {
        let message = format!("`{}` cannot strike at `{}`: {why}", row.name, strike.step.value);
        faults.push(Diagnostic::error(&strike.fault.place, message));
    }
    Some(faults)
}

/// Why, whatever the run finds.
fn never_strikes(fault: StrikeFault, facts: &SiteFacts) -> Option<&'static str> {
    use StrikeFault as F;
    let calls = facts.tool.is_some();
    match fault {
        F::ToolMissing | F::ToolOld if !calls => Some("it runs no tool"),
        F::ToolOld if !facts.can_be_too_old => Some("the catalog knows no version of its tool that is too old"),
        F::ToolLies | F::FileTruncated if facts.images.is_empty() => Some("its tool is given no input"),
        F::DiskFull if facts.writes.is_none() && facts.produces.is_empty() && facts.stages.is_empty() => {
            Some("it writes no file")
        }
        fault if fault.of_call() && !calls => Some("it runs no tool"),
        fault if fault.of_view() && facts.wanted.is_empty() => Some("it looks for no device"),
        F::DeviceInWrongMode if facts.instead.is_none() => Some("the playbook knows no other device"),
        _ => None,
    }
}

/// What a run of the case is struck with. None when its names are not known, which a check has told.
pub(crate) fn strike_of(strike: &CaseStrike, playbook: &Playbook, catalog: &Catalog) -> Option<Strike> {
    let fault = FAULTS.iter().find(|row| row.name == strike.fault.value)?.fault;
    let (site, facts) = sites(playbook, catalog).into_iter().find(|(site, _)| site.to_string() == strike.step.value)?;
    Some(Strike { site, fault, facts })
}

impl Strike {
    /// What is wrong already before the run.
    pub(crate) fn prepare(&self, bench: &Bench) -> Result<(), BenchError> {
        match (self.fault, &self.facts.tool) {
            (StrikeFault::ToolMissing, Some(tool)) => bench.remove_tool(tool),
            (StrikeFault::ToolOld, Some(tool)) => bench.set_tool_version(tool, OLD),
            _ => Ok(()),
        }
    }
}

/// A case whose fault does not strike proves nothing.
pub(crate) fn missed(strike: &CaseStrike, striking: &Striking) -> Option<Difference> {
    let run = striking.run();
    let before_run = striking.strike.as_ref().is_some_and(|strike| strike.fault.before_run());
    if run.struck || before_run {
        return None;
    }
    let reached =
        striking.strike.as_ref().and_then(|strike| run.seen.get(&strike.site)).is_some_and(|seen| seen.reached);
    Some(Difference {
        place: Some(strike.fault.place.clone()),
        expected: format!("that `{}` strikes at `{}`", strike.fault.value, strike.step.value),
        found: match reached {
            true => "the step was over, and nothing of it could be struck so".to_owned(),
            false => "the run never came to that step".to_owned(),
        },
    })
}
