//! A board named on the command line, for verbs that look at its playbook without running it.

use crate::cli::check::read;
use crate::cli::diagnostics::render;
use crate::cli::places::{FoundPlaybook, PlaceError, find_playbook};
use crate::cli::refusal::{complain_wrapped, refuse_place};
use crate::cli::streams::{complain, complain_at_length};
use crate::cli::style::Look;
use crate::documents::catalog::Catalog;
use crate::documents::playbook::Playbook;
use crate::engine::Outcome;
use crate::words::{Diagnostic, Severity};

/// The playbook and the catalog of its tools, if a run would take them. What is wrong instead has been shown.
pub(super) fn sound_playbook(
    name: &str,
    catalog: impl FnOnce(&FoundPlaybook) -> Result<Catalog, Vec<Diagnostic>>,
    look: &Look,
) -> Result<(FoundPlaybook, Playbook, Catalog), Outcome> {
    let invalid = |diagnostics: &[Diagnostic]| {
        complain_at_length(&render(diagnostics, look));
        Outcome::PlaybookInvalid
    };
    let found = find_playbook(name).map_err(|error| complain_of_place(&error))?;
    let catalog = catalog(&found).map_err(|diagnostics| invalid(&diagnostics))?;
    let (playbook, diagnostics) = read(&found, &catalog);
    let sound = playbook.filter(|_| diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error));
    match sound {
        Some(playbook) => Ok((found, playbook, catalog)),
        None => Err(invalid(&diagnostics)),
    }
}

/// Shows why a document cannot be had.
pub(super) fn complain_of_place(error: &PlaceError) -> Outcome {
    let refusal = refuse_place(error);
    complain_wrapped(&format!("error: {error}"));
    refusal.problem.next.iter().for_each(|next| complain(next));
    refusal.outcome
}
