//! Problems of runs whose documents are wrong.

use crate::cli::arguments::verb_like;
use crate::cli::places::PlaceError;
use crate::engine::{Problem, before_anything};
use crate::words::{Diagnostic, FaultClass};

pub(super) fn place(error: &PlaceError) -> Problem {
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

pub(super) fn documents(diagnostics: &[Diagnostic]) -> Problem {
    let line = |diagnostic: &Diagnostic| match &diagnostic.place {
        Some(place) => format!("{place}: {}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let what = "the playbook or the catalog of tools has faults".to_owned();
    let mut problem = before_anything(FaultClass::BadFile, what, Vec::new());
    problem.output = diagnostics.iter().map(line).collect();
    problem
}
