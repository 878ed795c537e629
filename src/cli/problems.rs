//! Accounts of runs whose documents are wrong.

use crate::cli::places::PlaceError;
use crate::engine::{Problem, before_anything};
use crate::words::Diagnostic;

pub(super) fn place(error: &PlaceError) -> Problem {
    let next = match error {
        PlaceError::Unknown { near: Some(near), .. } => vec![format!("Did you mean `{near}`?")],
        PlaceError::Unknown { .. } => vec!["`recover list` shows the shipped ones.".to_owned()],
        _ => Vec::new(),
    };
    before_anything(error.to_string(), next)
}

pub(super) fn documents(faults: &[Diagnostic]) -> Problem {
    let line = |fault: &Diagnostic| match &fault.place {
        Some(place) => format!("{place}: {}", fault.message),
        None => fault.message.clone(),
    };
    let mut problem = before_anything("the playbook or the catalog of tools has faults".to_owned(), Vec::new());
    problem.output = faults.iter().map(line).collect();
    problem
}
