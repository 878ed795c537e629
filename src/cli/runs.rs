//! Records of runs: what is kept of each, and `recover runs`, which lists them.

pub(super) mod folder;
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
    let listed: Vec<KeptRun> = all.filter(wanted).take(args.number).collect();
    match args.message_format {
        MessageFormat::Json => {
            for run in &listed {
                if write_line(&mut stdout(), &run.summary).is_err() {
                    break;
                }
            }
        }
        MessageFormat::Human => show(&listed, &folder, look),
    }
    Outcome::Recovered
}

fn show(listed: &[KeptRun], folder: &Path, look: &Look) {
    if listed.is_empty() {
        say(&format!("There is no record of a run in {}.", folder.display()));
        return;
    }
    let rows: Vec<[String; 5]> = listed.iter().map(row).collect();
    let heads = ["RUN", "HOW IT ENDED", "TOOK", "PORT", "UNIT"];
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
}

fn row(run: &KeptRun) -> [String; 5] {
    let summary = &run.summary;
    let ended = match run.ended() {
        Ended::So(outcome) => outcome.to_string(),
        Ended::AtWork => "at work".to_owned(),
        Ended::CutOff => "cut off".to_owned(),
    };
    let simulated = if summary.simulated { " (simulated)" } else { "" };
    let port = summary.run.port.clone().unwrap_or_default();
    let unit = summary.run.unit.clone().unwrap_or_default();
    [run.name.clone(), ended + simulated, milliseconds(summary.elapsed_ms), port, unit]
}
