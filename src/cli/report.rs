//! `recover report`: what happened in earlier runs, from their records.

mod bundle;
mod openhtf;
mod page;
mod rows;
mod selection;
pub(super) mod shift;
mod timeline;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use console::Term;
use jiff::Zoned;

use crate::cli::arguments::{ReportArgs, RunReportFormat};
use crate::cli::harmless::columns;
use crate::cli::json::write_line;
use crate::cli::junit::{self, CaseEnd, ReportedCase, Suites, Words};
use crate::cli::log::{Log, TIME_WIDTH};
use crate::cli::reader::Reader;
use crate::cli::refusal::complain_wrapped;
use crate::cli::report::selection::{NothingSelected, Selection, by_the_clock, select};
use crate::cli::report::shift::Shift;
use crate::cli::report::timeline::{StepLine, Timeline};
use crate::cli::runs::folder::{LOG, runs_folder};
use crate::cli::runs::history::runs_of_unit;
use crate::cli::runs::journal::{Journal, JournalError};
use crate::cli::runs::kept_run::{Ended, KeptRun, NoSuchRun};
use crate::cli::runs::summary::RunSummary;
use crate::cli::streams::{is_seen, printed, say, show, stdout};
use crate::cli::style::width_of;
use crate::cli::summary::headline;
use crate::cli::wording::{COMMAND_INDENT, clean, count, hang, milliseconds, wrap};
use crate::engine::Outcome;
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
    #[error("the rows could not be made: {0}")]
    Rows(String),
    #[error(transparent)]
    NothingSelected(#[from] NothingSelected),
    #[error("that time is further away than the calendar goes")]
    NoSuchTime,
    #[error("name one run: --verify and --bundle are about one")]
    OneOnly,
    #[error("of many runs there are as many test records ({runs} here): name a folder for them with --output")]
    FolderNeeded { runs: usize },
}

impl From<JournalError> for ReportError {
    fn from(error: JournalError) -> Self {
        ReportError::Journal(error)
    }
}

pub(super) fn report(args: &ReportArgs) -> Outcome {
    let told = match args.runs.as_slice() {
        [run] if args.format != RunReportFormat::Csv => one(args, run),
        _ => many(args),
    };
    match told {
        Ok(None) => Outcome::Recovered,
        Ok(Some(warning)) => {
            complain_wrapped(&format!("warning: {warning}"));
            Outcome::StepFailed
        }
        Err(error) => {
            complain_wrapped(&format!("error: {error}"));
            match error {
                ReportError::NoFolder
                | ReportError::NoSuchRun(_)
                | ReportError::NothingSelected(_)
                | ReportError::NoSuchTime
                | ReportError::OneOnly
                | ReportError::FolderNeeded { .. } => Outcome::CommandLine,
                _ => Outcome::StepFailed,
            }
        }
    }
}

/// Tells what can be read of a run; answers with a warning where its record is not as it was written.
fn one(args: &ReportArgs, name: &str) -> Result<Option<String>, ReportError> {
    let (run, mut journal) = read(args, name)?;
    let damage = journal.damage.take();
    if args.verify {
        if let Some(damage) = damage {
            return Err(ReportError::NotAsWritten(damage));
        }
        say(&verified(&run, &journal)?);
        return Ok(None);
    }
    let warning = damage.map(|damage| {
        format!("the record is not as it was written: {damage}. What is told from there on need not be what happened.")
    });
    if let Some(file) = &args.bundle {
        write(file, &bundle::bundle(&run, &journal))?;
        say(&format!(
            "Written: {}. Look at it before you send it: what is in it was printed by tools.",
            file.display()
        ));
        return Ok(warning);
    }
    let text = match args.format {
        RunReportFormat::Text => log(&journal) + &told_of_unit(&run, &others(args, &run)),
        RunReportFormat::Json => json(&run),
        RunReportFormat::Junit => {
            let cases = cases(&run, &journal);
            junit::text(Suites::from([(run.name.clone(), cases)]), Duration::from_millis(run.summary.elapsed_ms))
        }
        RunReportFormat::Openhtf => openhtf::test_record(&run, &journal),
        // Rows are of units: they come from `many`, whatever their number.
        RunReportFormat::Html | RunReportFormat::Csv => page::page(&run, &journal, &others(args, &run))?,
    };
    hand_out(args, &text)?;
    Ok(warning)
}

/// Tells what many runs came to; answers with a warning where a record is not as it was written.
fn many(args: &ReportArgs) -> Result<Option<String>, ReportError> {
    if args.verify || args.bundle.is_some() {
        return Err(ReportError::OneOnly);
    }
    let selection = select(args, &Zoned::now())?;
    let shift = Shift::of(&selection);
    match args.format {
        RunReportFormat::Text => hand_out(args, &in_words(&shift))?,
        RunReportFormat::Html => hand_out(args, &page::shift_page(&shift)?)?,
        RunReportFormat::Csv => {
            let rows = rows::rows(&shift).map_err(|error| ReportError::Rows(error.to_string()))?;
            match &args.output {
                Some(file) => write(file, &rows)?,
                None => printed(stdout().write_all(&rows)),
            }
        }
        RunReportFormat::Json => hand_out(args, &json_lines(&selection))?,
        RunReportFormat::Junit => hand_out(args, &junit_of_many(&selection))?,
        RunReportFormat::Openhtf => test_records(args, &selection)?,
    }
    // What the text and the page say themselves.
    let said = matches!(args.format, RunReportFormat::Text | RunReportFormat::Html) && args.output.is_none();
    if !said {
        selection.left_out.iter().for_each(|text| complain_wrapped(&format!("{text}.")));
        let torn = selection.flaws.iter().filter(|flaw| !flaw.damaged);
        torn.for_each(|flaw| complain_wrapped(&format!("{}: {}.", flaw.run, flaw.what)));
    }
    Ok(selection.is_damaged().then(|| {
        let of = |flaw: &selection::Flaw| format!("{}: {}", flaw.run, flaw.what);
        let damaged: Vec<String> = selection.flaws.iter().filter(|flaw| flaw.damaged).map(of).collect();
        format!("{} not as written: {}.", count(damaged.len(), "record is", "records are"), damaged.join("; "))
    }))
}

fn hand_out(args: &ReportArgs, text: &str) -> Result<(), ReportError> {
    match &args.output {
        Some(file) => write(file, text.as_bytes())?,
        // A terminal would break the lines anywhere.
        None if args.format == RunReportFormat::Text && is_seen() => {
            let width = width_of(&Term::stdout());
            text.lines().flat_map(|line| narrowed(line, width)).for_each(|line| say(&line));
        }
        None => show(text),
    }
    Ok(())
}

/// Other runs for the same unit, the newest first.
fn others(args: &ReportArgs, run: &KeptRun) -> Vec<KeptRun> {
    let summary = &run.summary;
    let folder = runs_folder(args.runs_dir.as_deref()).filter(|_| !run.is_sent());
    let Some((folder, unit)) = folder.zip(summary.run.unit.as_deref()) else { return Vec::new() };
    let mut runs = runs_of_unit(&folder, unit, summary.simulated);
    runs.retain(|other| other.name != run.name);
    runs
}

fn told_of_unit(run: &KeptRun, others: &[KeptRun]) -> String {
    let Some(unit) = run.summary.run.unit.as_ref().filter(|_| !others.is_empty()) else { return String::new() };
    let line = |other: &KeptRun| {
        let began = other.summary.began.map(by_the_clock).unwrap_or_default();
        let step = other.at_step().map(|step| format!(" at \"{}\"", clean(step))).unwrap_or_default();
        format!("  {began}  {}{step} ({})\n", other.ended().headline(), other.name)
    };
    let lines: String = others.iter().map(line).collect();
    format!("\nThe unit {} in other runs:\n{lines}", clean(unit))
}

/// What many runs came to, for people.
fn in_words(shift: &Shift<'_>) -> String {
    let selection = shift.selection;
    let mut lines = vec![format!("{}.", shift.yields()), selection.asked()];
    lines.extend(shift.figures().into_iter().map(|(label, text)| format!("{label}: {text}")));
    lines.extend(shift.left_out().iter().map(|text| format!("{text}.")));
    let mut part = |heading: &str, of_part: Vec<String>| {
        if !of_part.is_empty() {
            lines.extend([String::new(), format!("{heading}:")]);
            lines.extend(of_part.iter().map(|line| format!("  {line}")));
        }
    };
    let flaw = |flaw: &selection::Flaw| format!("{}: {}", flaw.run, flaw.what);
    part("Records to look at", selection.flaws.iter().map(flaw).collect());
    let causes = shift.causes();
    part(
        "Why runs failed",
        causes.iter().map(|(number, cause)| format!("{number:>3}  {}", cause.in_words())).collect(),
    );
    for (label, shares) in shift.shares() {
        part(label, shares.iter().map(|share| format!("{}: {}", share.name, share.in_words())).collect());
    }
    let units = shift.units.iter().map(|unit| {
        let cause = unit.cause().map(|cause| format!(", {}", cause.in_words())).unwrap_or_default();
        let (took, tries) = (milliseconds(unit.took_ms()), count(unit.runs.len(), "run", "runs"));
        format!(
            "{}: {}{cause}; {took}; {tries}, the last one {}",
            unit.name,
            unit.last().ended().headline(),
            unit.last().name
        )
    });
    part("Units", units.collect());
    lines.iter().map(|line| clean(line) + "\n").collect()
}

/// As `recover runs --message-format json` lists them, and the first one first.
fn json_lines(selection: &Selection) -> String {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        summary: &'a RunSummary,
        #[serde(skip_serializing_if = "Option::is_none")]
        damage: Option<&'a str>,
    }
    let mut lines = Vec::new();
    for selected in &selection.runs {
        // Memory takes everything.
        let _whole = write_line(&mut lines, &Line { summary: &selected.run.summary, damage: selected.flaw.as_deref() });
    }
    String::from_utf8_lossy(&lines).into_owned()
}

fn junit_of_many(selection: &Selection) -> String {
    let suite = |selected: &selection::SelectedRun| {
        let run = &selected.run;
        let mut cases = run.journal().map(|journal| cases(run, &journal)).unwrap_or_default();
        if let Some(flaw) = &selected.flaw {
            let end = CaseEnd::Invalid(Words::of(None, vec![flaw.clone()]));
            cases.push(case(run, "the record".to_owned(), Duration::ZERO, end));
        }
        (run.name.clone(), cases)
    };
    let took = selection.runs.iter().map(|selected| selected.run.summary.elapsed_ms).sum();
    junit::text(selection.runs.iter().map(suite).collect(), Duration::from_millis(took))
}

/// A file for each run, named after it.
fn test_records(args: &ReportArgs, selection: &Selection) -> Result<(), ReportError> {
    let folder = args.output.as_ref().ok_or(ReportError::FolderNeeded { runs: selection.runs.len() })?;
    std::fs::create_dir_all(folder).map_err(|source| ReportError::Unwritable { path: folder.clone(), source })?;
    for selected in &selection.runs {
        let run = &selected.run;
        // Whose journal cannot be read at all is among the flaws.
        let Ok(journal) = run.journal() else { continue };
        write(&folder.join(format!("{}.json", run.name)), openhtf::test_record(run, &journal).as_bytes())?;
    }
    Ok(())
}

/// A name that is a file is one that somebody has sent.
fn read(args: &ReportArgs, name: &str) -> Result<(KeptRun, Journal), ReportError> {
    let file = Path::new(name);
    if file.is_file() {
        return Ok(KeptRun::of_file(file)?);
    }
    let folder = runs_folder(args.runs_dir.as_deref()).ok_or(ReportError::NoFolder)?;
    let run = KeptRun::find(&folder, name)?;
    let journal = run.journal()?;
    Ok((run, journal))
}

fn verified(run: &KeptRun, journal: &Journal) -> Result<String, ReportError> {
    if run.ends_early() {
        return Err(ReportError::EndsEarly { lines: journal.end.lines });
    }
    if run.told_otherwise(journal).is_some() {
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
    for told in &journal.events {
        // Memory takes everything.
        let _complaint = log.event(&told.as_ref());
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

fn case(run: &KeptRun, name: String, took: Duration, end: CaseEnd) -> ReportedCase {
    ReportedCase { name, class: Some(run.summary.board.clone()), file: None, took, end }
}

/// Each step is a case. Where the run failed before its first step, or between two, it has one of its own.
fn cases(run: &KeptRun, journal: &Journal) -> Vec<ReportedCase> {
    let timeline = Timeline::of(journal);
    let mut cases: Vec<ReportedCase> = timeline
        .steps
        .iter()
        .map(|step| {
            let took = Duration::from_millis(step.took_ms);
            case(run, format!("{}: {}", step.id, step.name), took, case_end(step))
        })
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
        cases.push(case(run, "the run".to_owned(), Duration::ZERO, CaseEnd::Failed(Words::of(None, vec![what]))));
    }
    cases
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
