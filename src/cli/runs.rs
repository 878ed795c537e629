//! Records of runs: what is kept of each, and `recover runs`, which lists them.

pub(super) mod folder;
pub(super) mod history;
pub(super) mod journal;
pub(super) mod keep;
pub(super) mod kept_run;
pub(super) mod record;
pub(super) mod summary;

use std::path::Path;

use crate::cli::arguments::{MessageFormat, RunsArgs};
use crate::cli::json::write_line;
use crate::cli::refusal::complain_wrapped;
use crate::cli::runs::folder::{records, runs_folder};
use crate::cli::runs::kept_run::{Ended, KeptRun};
use crate::cli::runs::summary::RunSummary;
use crate::cli::streams::{say, stdout};
use crate::cli::style::{Look, Role};
use crate::cli::wording::{clip, milliseconds};
use crate::engine::Outcome;

/// Lists the last runs, the newest first.
pub(super) fn runs(args: &RunsArgs, look: &Look) -> Outcome {
    let Some(folder) = runs_folder(args.runs_dir.as_deref()) else {
        complain_wrapped(
            "error: no folder for records of runs is known, because HOME is not set; name one with --runs-dir",
        );
        return Outcome::CommandLine;
    };
    let names = match records(&folder) {
        Ok(names) => names,
        Err(error) => {
            complain_wrapped(&format!("error: {} cannot be read: {error}", folder.display()));
            return Outcome::StepFailed;
        }
    };
    let all = names.iter().map(|name| KeptRun::look(&folder.join(name)));
    let wanted = |run: &KeptRun| args.unit.is_none() || run.summary.run.unit == args.unit;
    let listed: Vec<Listed> = all.filter(wanted).take(args.number as usize).map(Listed::of).collect();
    match args.message_format {
        MessageFormat::Json => {
            for run in &listed {
                if write_line(&mut stdout(), run).is_err() {
                    break;
                }
            }
        }
        MessageFormat::Human => show(&listed, &folder, args.unit.as_deref(), look),
    }
    Outcome::Recovered
}

/// A run, and what is wrong with its record.
#[derive(Debug, serde::Serialize)]
struct Listed {
    #[serde(flatten)]
    summary: RunSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    ended: Ended,
    #[serde(skip)]
    at_step: Option<String>,
}

impl Listed {
    fn of(run: KeptRun) -> Listed {
        let damage = match run.journal() {
            Ok(journal) => journal.damage,
            Err(error) => Some(error),
        };
        // A run that has just begun has not written its first line yet.
        let damage = damage.filter(|_| run.ended() != Ended::AtWork).map(|damage| damage.to_string());
        let at_step = run.at_step().map(str::to_owned);
        Listed { ended: run.ended(), damage, name: run.name, summary: run.summary, at_step }
    }
}

fn show(listed: &[Listed], folder: &Path, unit: Option<&str>, look: &Look) {
    if listed.is_empty() {
        let of_unit = unit.map(|unit| format!(" for the unit `{unit}`")).unwrap_or_default();
        say(&format!("There is no record of a run{of_unit} in {}.", folder.display()));
        return;
    }
    let rows: Vec<[String; 5]> = listed.iter().map(|run| row(run, unit.is_some())).collect();
    // Of one unit it is known which, and asked why.
    let heads = ["RUN", "HOW IT ENDED", "TOOK", "PORT", if unit.is_some() { "AT STEP" } else { "UNIT" }];
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: [&str; 5]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        clip(cells.collect::<Vec<_>>().join("  ").trim_end(), look.width)
    };
    say(&look.paint(Role::Title, &line(heads)));
    for row in &rows {
        say(&line(row.each_ref().map(String::as_str)));
    }
    say("");
    say("`recover report RUN` tells what happened in one of them.");
    if listed.iter().any(|run| run.damage.is_some()) {
        say("A damaged record is not as it was written; `recover report RUN --verify` tells where.");
    }
}

fn row(run: &Listed, of_one_unit: bool) -> [String; 5] {
    let summary = &run.summary;
    let ended = run.ended.headline();
    let damaged = if run.damage.is_some() { " (damaged)" } else { "" };
    let simulated = if summary.simulated { " (simulated)" } else { "" };
    let port = summary.run.port.clone().unwrap_or_default();
    let last = if of_one_unit { run.at_step.clone() } else { summary.run.unit.clone() };
    let took = milliseconds(summary.elapsed_ms);
    [run.name.clone(), format!("{ended}{simulated}{damaged}"), took, port, last.unwrap_or_default()]
}
