//! A run that is refused before there are events to tell of it.

use console::Term;

use crate::cli::arguments::{MessageFormat, verb_like};
use crate::cli::json::write_line;
use crate::cli::places::PlaceError;
use crate::cli::streams::{complain, complain_at_length, stdout};
use crate::cli::style::width_of;
use crate::cli::wording::wrap;
use crate::engine::{Outcome, Problem, Refusal, Told, before_anything, finished};
use crate::words::{Diagnostic, FaultClass};

/// Something that is wrong with the command line or with what it names, and what to do about it.
pub(super) trait Hinted: std::error::Error {
    fn hint(&self) -> Option<String>;
}

pub(super) fn refuse(outcome: Outcome, problem: Problem) -> Box<Refusal> {
    Box::new(Refusal { outcome, problem })
}

pub(super) fn refuse_command_line(error: &dyn Hinted) -> Box<Refusal> {
    let next = error.hint().into_iter().collect();
    refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, error.to_string(), next))
}

impl From<std::io::Error> for Box<Refusal> {
    fn from(error: std::io::Error) -> Self {
        let what = format!("recover could not set itself up: {error}");
        refuse(Outcome::Defect, before_anything(FaultClass::Unknown, what, Vec::new()))
    }
}

pub(super) fn refuse_place(error: &PlaceError) -> Box<Refusal> {
    let outcome = if error.of_document() { Outcome::PlaybookInvalid } else { Outcome::CommandLine };
    refuse(outcome, problem_of_place(error))
}

/// Of a document that cannot be had.
pub(super) fn problem_of_place(error: &PlaceError) -> Problem {
    let class = if error.of_document() { FaultClass::BadFile } else { FaultClass::BadUsage };
    let next = match error {
        PlaceError::Unknown { name, meant, .. } => {
            let verb = verb_like(name).map(|verb| format!("the command `{verb}`"));
            let boards = meant.iter().map(|board| format!("`{}` ({})", board.id, board.name));
            match boards.chain(verb).collect::<Vec<_>>().join(", or ") {
                none if none.is_empty() => vec!["`recover list` shows the shipped ones.".to_owned()],
                meant => vec![format!("Did you mean {meant}?")],
            }
        }
        _ => Vec::new(),
    };
    before_anything(class, error.to_string(), next)
}

pub(super) fn unknown_tool(name: &str) -> String {
    format!("--tool names `{name}`, which is not in the catalog of tools")
}

/// Of documents that are wrong.
pub(super) fn problem_of_documents(diagnostics: &[Diagnostic]) -> Problem {
    let line = |diagnostic: &Diagnostic| match &diagnostic.place {
        Some(place) => format!("{place}: {}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let what = "the playbook or the catalog of tools has faults".to_owned();
    let mut problem = before_anything(FaultClass::BadFile, what, Vec::new());
    problem.output = diagnostics.iter().map(line).collect();
    problem
}

/// A terminal would break the line anywhere.
pub(super) fn complain_wrapped(text: &str) {
    wrap(text, width_of(&Term::stderr())).iter().for_each(|line| complain(line));
}

/// Shows the refusal of a run whose playbook may not even be known.
pub(super) fn show_refusal(refusal: &Refusal, format: MessageFormat) -> Outcome {
    let outcome = refusal.outcome;
    match format {
        MessageFormat::Json => {
            // A reader that has gone away needs no last line.
            let _reader_gone = write_line(&mut stdout(), &Told::now(finished(outcome, refusal.problem.clone())));
        }
        MessageFormat::Human => {
            // The diagnostics of documents have been shown with their places.
            if outcome != Outcome::PlaybookInvalid || refusal.problem.output.is_empty() {
                complain_wrapped(&format!("error: {}", refusal.problem.what));
                for line in &refusal.problem.output {
                    complain(&format!("  {line}"));
                }
            }
            for next in &refusal.problem.next {
                // It may hold commands of several lines.
                complain_at_length(&format!("{next}\n"));
            }
        }
    }
    outcome
}
