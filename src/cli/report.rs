//! `recover report`: what happened in an earlier run, from its record.

mod bundle;
mod page;
mod timeline;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use console::Term;

use crate::cli::arguments::{ReportArgs, RunReportFormat};
use crate::cli::harmless::columns;
use crate::cli::junit::{self, CaseEnd, ReportedCase, Suites, Words};
use crate::cli::log::{Log, TIME_WIDTH};
use crate::cli::reader::Reader;
use crate::cli::refusal::complain_wrapped;
use crate::cli::report::timeline::{StepLine, Timeline};
use crate::cli::runs::folder::{LOG, runs_folder};
use crate::cli::runs::journal::{Journal, JournalError};
use crate::cli::runs::kept_run::{Ended, KeptRun, NoSuchRun};
use crate::cli::runs::summary::RunSummary;
use crate::cli::streams::{is_seen, say, show};
use crate::cli::style::width_of;
use crate::cli::summary::headline;
use crate::cli::wording::{COMMAND_INDENT, hang, wrap};
use crate::engine::{Outcome, Told};
use crate::world::write_new;

/// The mark before what a tool printed: `  out| `.
const MARK_WIDTH_MAX: usize = 8;

#[derive(Debug, thiserror::Error)]
enum ReportError {
    #[error("no folder for records of runs is known, because HOME is not set; name one with --runs-dir")]
    NoFolder,
    #[error(transparent)]
    NoSuchRun(#[from] NoSuchRun),
    #[error("the record is not as it was written: {0}")]
    NotAsWritten(JournalError),
    #[error(transparent)]
    Journal(JournalError),
    #[error("run.json does not say what the journal says")]
    OtherSummary,
    #[error(
        "the record ends behind line {lines}: it could not be written any more, such as on a full disk, and the run went on"
    )]
    EndsEarly { lines: u64 },
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Page(#[from] page::PageError),
}

impl From<JournalError> for ReportError {
    fn from(error: JournalError) -> Self {
        ReportError::Journal(error)
    }
}

pub(super) fn report(args: &ReportArgs) -> Outcome {
    match told(args) {
        Ok(None) => Outcome::Recovered,
        Ok(Some(damage)) => {
            complain_wrapped(&format!(
                "warning: the record is not as it was written: {damage}. What is told from there on need not be what happened."
            ));
            Outcome::StepFailed
        }
        Err(error) => {
            complain_wrapped(&format!("error: {error}"));
            match error {
                ReportError::NoFolder | ReportError::NoSuchRun(_) => Outcome::CommandLine,
                _ => Outcome::StepFailed,
            }
        }
    }
}

/// Tells what can be read; answers what is wrong with the record.
fn told(args: &ReportArgs) -> Result<Option<JournalError>, ReportError> {
    let (run, mut journal) = read(args)?;
    let damage = journal.damage.take();
    if args.verify {
        if let Some(damage) = damage {
            return Err(ReportError::NotAsWritten(damage));
        }
        say(&verified(&run, &journal)?);
        return Ok(None);
    }
    if let Some(file) = &args.bundle {
        write(file, &bundle::bundle(&run, &journal))?;
        say(&format!(
            "Written: {}. Look at it before you send it: what is in it was printed by tools.",
            file.display()
        ));
        return Ok(damage);
    }
    let text = match args.format {
        RunReportFormat::Text => log(&journal),
        RunReportFormat::Json => json(&run),
        RunReportFormat::Junit => junit(&run, &journal),
        RunReportFormat::Html => page::page(&run, &journal)?,
    };
    match &args.output {
        Some(file) => write(file, text.as_bytes())?,
        // A terminal would break the lines anywhere.
        None if args.format == RunReportFormat::Text && is_seen() => {
            let width = width_of(&Term::stdout());
            text.lines().flat_map(|line| narrowed(line, width)).for_each(|line| say(&line));
        }
        None => show(&text),
    }
    Ok(damage)
}

/// A name that is a file is one that somebody has sent.
fn read(args: &ReportArgs) -> Result<(KeptRun, Journal), ReportError> {
    let file = Path::new(&args.run);
    if file.is_file() {
        return Ok(KeptRun::of_file(file)?);
    }
    let folder = runs_folder(args.runs_dir.as_deref()).ok_or(ReportError::NoFolder)?;
    let run = KeptRun::find(&folder, &args.run)?;
    let journal = run.journal()?;
    Ok((run, journal))
}

fn verified(run: &KeptRun, journal: &Journal) -> Result<String, ReportError> {
    if run.ends_early() {
        return Err(ReportError::EndsEarly { lines: journal.end.lines });
    }
    let (mut told, kept) = (RunSummary::of(&journal.events), &run.summary);
    told.journal.clone_from(&kept.journal);
    // Events of a newer recover may be missing in what this one works out.
    if journal.unknown == 0 && serde_json::to_value(&told).ok() != serde_json::to_value(kept).ok() {
        return Err(ReportError::OtherSummary);
    }
    let lines = journal.end.lines;
    let end = match (run.ended(), journal.torn) {
        (Ended::So(_), _) => "",
        (Ended::AtWork, _) => "; the run is still at work",
        (Ended::CutOff, false) => "; the run was cut off behind the last one",
        (Ended::CutOff, true) => "; the run was cut off as it wrote the next one",
    };
    let log = if run.is_sent() {
        String::new()
    } else {
        format!(
            " {LOG} is a copy for people that is not looked at here; `recover report` tells the same from the journal."
        )
    };
    Ok(format!("The record is as it was written: {lines} lines of the journal{end}.{log}"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    write_new(path, bytes).map_err(|source| ReportError::Unwritable { path: path.to_owned(), source })
}

fn log(journal: &Journal) -> String {
    let mut log = Log::new(Vec::new(), PathBuf::new());
    for Told { event, ms, utc } in &journal.events {
        // Memory takes everything.
        let _complaint = log.event(&Told { event, ms: *ms, utc: *utc });
    }
    String::from_utf8_lossy(&log.written()).into_owned()
}

/// A line of the log in lines of at most `width` columns, the others below the text of the first. Words stay whole, and a
/// command is broken as a shell goes on with it.
fn narrowed(line: &str, width: usize) -> Vec<String> {
    if columns(line) <= width {
        return vec![line.to_owned()];
    }
    let (time, rest) = line.split_at_checked(TIME_WIDTH).unwrap_or(("", line));
    if let Some(command) = rest.strip_prefix("$ ") {
        let broken = wrap(&format!("{COMMAND_INDENT}{command}"), width.saturating_sub(TIME_WIDTH));
        let mut lines: Vec<String> = broken.iter().map(|line| format!("{:TIME_WIDTH$}{line}", "")).collect();
        if let Some(first) = lines.first_mut() {
            first.replace_range(..TIME_WIDTH + COMMAND_INDENT.len(), &format!("{time}$ "));
        }
        return lines;
    }
    // What tools have printed stands behind its mark.
    let mark = rest.find("| ").map(|at| at + 2).filter(|behind| *behind <= MARK_WIDTH_MAX);
    let lead = mark.unwrap_or(rest.len() - rest.trim_start().len());
    hang(&format!("{time}{}", &rest[..lead]), &rest[lead..], width)
}

fn json(run: &KeptRun) -> String {
    serde_json::to_string_pretty(&run.summary).map(|text| text + "\n").unwrap_or_default()
}

/// Each step is a case. Where the run failed before its first step, or between two, it has one of its own.
fn junit(run: &KeptRun, journal: &Journal) -> String {
    let timeline = Timeline::of(journal);
    let board = &run.summary.board;
    let case = |name: String, took: Duration, end: CaseEnd| ReportedCase {
        name,
        class: Some(board.clone()),
        file: None,
        took,
        end,
    };
    let mut cases: Vec<ReportedCase> = timeline
        .steps
        .iter()
        .map(|step| case(format!("{}: {}", step.id, step.name), Duration::from_millis(step.took_ms), case_end(step)))
        .collect();
    let failed = cases.iter().any(|case| matches!(case.end, CaseEnd::Failed(_)));
    let as_a_whole = match run.ended() {
        Ended::So(outcome) if outcome.exit_code() == 0 => None,
        Ended::So(outcome) => {
            let problem = run.summary.end.as_ref().and_then(|end| end.problem.as_ref());
            Some(problem.map_or_else(|| headline(outcome).to_owned(), |problem| problem.what.clone()))
        }
        Ended::AtWork => Some("the run is still at work".to_owned()),
        Ended::CutOff => Some("the run was cut off".to_owned()),
    };
    if let (Some(what), false) = (as_a_whole, failed) {
        cases.push(case("the run".to_owned(), Duration::ZERO, CaseEnd::Failed(Words::of(None, vec![what]))));
    }
    let took = Duration::from_millis(run.summary.elapsed_ms);
    junit::text(Suites::from([(run.name.clone(), cases)]), took)
}

fn case_end(step: &StepLine) -> CaseEnd {
    match (&step.failed, &step.skipped) {
        (Some(fault), _) => {
            let evidence = fault.evidence.iter().map(|line| format!("it printed: {line}"));
            let lines = std::iter::once(format!("{} ({})", fault.message, fault.class)).chain(evidence);
            CaseEnd::Failed(Words::of(Some(fault.class.word()), lines.chain(fault.help.clone()).collect()))
        }
        (None, Some(why)) => CaseEnd::Skipped(why.clone()),
        (None, None) if step.ended => CaseEnd::Passed,
        (None, None) => CaseEnd::Failed(Words::of(None, vec!["it did not end".to_owned()])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_log_are_broken_between_words() {
        let narrow = |line: &str| narrowed(line, 30);
        assert_eq!(narrow("    0.000 short"), ["    0.000 short"]);
        assert_eq!(narrow("    0.000 what happened here to it"), ["    0.000 what happened here", "          to it"]);
        assert_eq!(
            narrow("            out| writing for everybody"),
            ["            out| writing for", "                 everybody"]
        );
        assert_eq!(
            narrow("          $ dfu-util -d 0483:df11 -a 0"),
            ["          $ dfu-util -d \\", "              0483:df11 -a 0"]
        );
        let all =
            narrowed("    0.000 state of the board: nothing on it has been changed, and no word is torn", 24).concat();
        assert!(all.contains("changed,") && all.split_whitespace().all(|word| word.len() <= 8));
    }
}
