//! A board named on the command line, for verbs that look at its playbook without running it.

use crate::cli::check::read;
use crate::cli::diagnostics::render;
use crate::cli::places::{FoundPlaybook, PlaceError, find_playbook};
use crate::cli::refusal::refuse_place;
use crate::cli::streams::{complain, complain_at_length};
use crate::cli::style::Look;
use crate::documents::catalog::Catalog;
use crate::documents::playbook::Playbook;
use crate::engine::Outcome;
use crate::words::Severity;

/// The playbook, if a run would take it. What is wrong instead has been shown.
pub(super) fn sound_playbook(name: &str, catalog: &Catalog, look: &Look) -> Result<(FoundPlaybook, Playbook), Outcome> {
    let found = find_playbook(name).map_err(|error| complain_of_place(&error))?;
    let (playbook, diagnostics) = read(&found, catalog);
    let sound = playbook.filter(|_| diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error));
    match sound {
        Some(playbook) => Ok((found, playbook)),
        None => {
            complain_at_length(&render(&diagnostics, look));
            Err(Outcome::PlaybookInvalid)
        }
    }
}

/// Shows why a document cannot be had.
pub(super) fn complain_of_place(error: &PlaceError) -> Outcome {
    let refusal = refuse_place(error);
    complain(&format!("error: {error}"));
    refusal.problem.next.iter().for_each(|next| complain(next));
    refusal.outcome
}
