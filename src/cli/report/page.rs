//! A run, or a shift, as one page that needs nothing else: read on a phone, printed, kept by an auditor. The only file that names
//! askama's templates.

use askama::Template;
use jiff::Timestamp;

use crate::cli::report::shift::{Cause, Shift};
use crate::cli::report::timeline::{CallLine, StepLine, Timeline};
use crate::cli::runs::journal::Journal;
use crate::cli::runs::kept_run::{Ended, KeptRun};
use crate::cli::runs::summary::RunSummary;
use crate::cli::wording::{bytes, milliseconds, quote_command};
use crate::engine::{Event, Problem, RunDocument};
use crate::words::{Outcome, Verdict, steers};

#[derive(Template)]
#[template(path = "page.html", config = "src/cli/report/askama.toml")]
struct Page<'a> {
    run: &'a str,
    summary: &'a RunSummary,
    verdict: String,
    /// A class of the style sheet.
    tone: &'static str,
    /// Label and text.
    details: Vec<(&'static str, String)>,
    problem: Option<&'a Problem>,
    history: Vec<OtherRun<'a>>,
    groups: Vec<Group<'a>>,
    files: Vec<[String; 4]>,
    documents: &'a [RunDocument],
    warnings: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "shift.html", config = "src/cli/report/askama.toml")]
struct ShiftPage<'a> {
    shift: &'a Shift<'a>,
    /// The runs that it is about.
    asked: String,
    causes: Vec<(usize, Cause)>,
}

/// A run for the same unit.
struct OtherRun<'a> {
    run: &'a str,
    when: String,
    verdict: &'static str,
    tone: &'static str,
    took: String,
    step: Option<&'a str>,
}

/// Steps one after another, all of them needed or none.
struct Group<'a> {
    needed: bool,
    rows: Vec<Row<'a>>,
}

/// A step with its bar in the timeline, in parts of a hundred.
struct Row<'a> {
    step: &'a StepLine,
    tone: &'static str,
    word: &'static str,
    left: f64,
    width: f64,
}

impl Row<'_> {
    fn took(&self) -> String {
        if self.step.skipped.is_some() { String::new() } else { milliseconds(self.step.took_ms) }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the page could not be made: {0}")]
pub(super) struct PageError(#[from] askama::Error);

/// `others` are runs for the same unit.
pub(super) fn page(run: &KeptRun, journal: &Journal, others: &[KeptRun]) -> Result<String, PageError> {
    let timeline = Timeline::of(journal);
    let summary = &run.summary;
    let (verdict, tone) = verdict(run);
    let whole = summary.elapsed_ms.max(1);
    let page = Page {
        run: &run.name,
        summary,
        verdict,
        tone,
        details: details(summary),
        problem: summary.end.as_ref().and_then(|end| end.problem.as_ref()),
        history: others.iter().map(OtherRun::of).collect(),
        groups: groups(&timeline, whole),
        files: files(journal),
        documents: &summary.run.documents,
        warnings: warnings(journal),
    };
    Ok(without_steering(&page.render()?))
}

pub(super) fn shift_page(shift: &Shift<'_>) -> Result<String, PageError> {
    let asked = shift.selection.asked();
    let page = ShiftPage { shift, asked, causes: shift.causes() };
    Ok(without_steering(&page.render()?))
}

/// What steers a terminal has no place in a page either.
fn without_steering(text: &str) -> String {
    text.chars()
        .map(|character| if steers(character) && !matches!(character, '\n' | '\t') { '\u{fffd}' } else { character })
        .collect()
}

fn verdict(run: &KeptRun) -> (String, &'static str) {
    let headline = run.ended().headline();
    let told = match run.ended() {
        Ended::So(_) | Ended::AtWork => headline.to_owned(),
        Ended::CutOff => format!("{headline}: KILLED, OR THE POWER WAS LOST"),
    };
    (told, tone(run.ended()))
}

fn tone(ended: Ended) -> &'static str {
    match ended {
        Ended::So(Outcome::Recovered) => "good",
        Ended::AtWork => "open",
        Ended::So(_) | Ended::CutOff => "bad",
    }
}

impl OtherRun<'_> {
    fn of(run: &KeptRun) -> OtherRun<'_> {
        OtherRun {
            run: &run.name,
            when: run.summary.began.map(time).unwrap_or_default(),
            verdict: run.ended().headline(),
            tone: tone(run.ended()),
            took: milliseconds(run.summary.elapsed_ms),
            step: run.at_step(),
        }
    }
}

fn time(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn details(summary: &RunSummary) -> Vec<(&'static str, String)> {
    let run = &summary.run;
    let given = [
        ("Board", Some(summary.board.clone())),
        ("Unit", run.unit.clone()),
        ("Serial number", run.serial.clone()),
        ("Port", run.port.clone()),
        ("Operator", run.operator.clone()),
        ("Station", run.station.clone()),
        ("Computer", run.host.clone()),
        ("Began", summary.began.map(time)),
        ("Took", Some(milliseconds(summary.elapsed_ms))),
        ("Playbook", Some(summary.playbook.clone())),
        ("recover", Some(format!("{} on {}", run.recover, run.system))),
        ("Simulation", summary.simulated.then(|| "yes: no real board was touched".to_owned())),
    ];
    given.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
}

fn groups(timeline: &Timeline, whole: u64) -> Vec<Group<'_>> {
    let needed = |step: &StepLine| step.skipped.is_none();
    let chunks = timeline.steps.chunk_by(|one, next| needed(one) == needed(next));
    chunks
        .map(|steps| Group {
            needed: steps.iter().all(needed),
            rows: steps.iter().map(|step| row(step, whole)).collect(),
        })
        .collect()
}

fn row(step: &StepLine, whole: u64) -> Row<'_> {
    let (tone, word) = match step {
        StepLine { failed: Some(_), .. } => ("bad", "failed"),
        StepLine { skipped: Some(_), .. } => ("off", "not needed"),
        StepLine { ended: false, .. } => ("bad", "not ended"),
        StepLine { warning: Some(_), .. } => ("warn", "done, with a warning"),
        StepLine { .. } => ("good", "done"),
    };
    #[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
    let part = |ms: u64| ms as f64 * 100.0 / whole as f64;
    Row { step, tone, word, left: part(step.began_ms), width: part(step.took_ms).max(0.3) }
}

fn files(journal: &Journal) -> Vec<[String; 4]> {
    let file = |event: &Event| match event {
        Event::InputReady { file, path, size, sha256, generated, .. } => {
            let origin = if *generated { "made up" } else { path.as_deref().unwrap_or_default() };
            Some([file.clone(), bytes(*size), origin.to_owned(), sha256.clone()])
        }
        _ => None,
    };
    journal.events.iter().filter_map(|told| file(&told.event)).collect()
}

fn warnings(journal: &Journal) -> Vec<&str> {
    let texts = journal.events.iter().filter_map(|told| match &told.event {
        Event::Warning { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

impl CallLine {
    fn shown(&self) -> String {
        quote_command(&self.command)
    }

    fn took(&self) -> String {
        milliseconds(self.took_ms)
    }

    /// "12 kB/s", where the tool told how much it moved.
    fn rate(&self) -> Option<String> {
        let moved = self.bytes.filter(|_| self.took_ms > 0)?;
        Some(format!("{}/s", bytes(moved.saturating_mul(1000) / self.took_ms)))
    }

    fn came_to(&self) -> String {
        match &self.verdict {
            None => "did not end".to_owned(),
            Some(Verdict::Succeeded) => "succeeded".to_owned(),
            Some(Verdict::SucceededWithWarning(text)) => format!("succeeded; {text}"),
            Some(Verdict::Fault(fault)) => format!("{} ({})", fault.message, fault.class),
        }
    }

    fn evidence(&self) -> Option<&str> {
        match &self.verdict {
            Some(Verdict::Fault(fault)) => fault.evidence.as_deref(),
            _ => None,
        }
    }
}
