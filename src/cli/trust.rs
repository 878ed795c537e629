//! `recover trust`: a catalog of tools counts in real runs from now on, as long as it stays as it is.

use std::sync::Arc;

use crate::cli::arguments::TrustArgs;
use crate::cli::catalogs::{CATALOG_FILE, must_be_named, told_changes};
use crate::cli::configuration::{Configuration, own_catalog};
use crate::cli::diagnostics::render;
use crate::cli::places::{OwnDocument, PlaceError, read_own};
use crate::cli::streams::{complain, complain_at_length, say, show};
use crate::cli::style::Look;
use crate::cli::trust_store::{StoreError, TrustStore};
use crate::documents::catalog::{changes, merge, shipped_source};
use crate::engine::Outcome;
use crate::words::{Code, Diagnostic};
use crate::world::Surroundings;

/// Shows what the catalog changes, and keeps that it is trusted; or takes that back.
pub(super) fn trust(args: &TrustArgs, look: &Look) -> Outcome {
    let configuration = Configuration::of(&Surroundings::of_this_process());
    let store = TrustStore::at(configuration.trust_file());
    let document = match read_own(&args.file) {
        Ok(document) => document,
        Err(error) => return unreadable(&error),
    };
    if args.forget {
        return told(store.forget_catalog(&document.real_path).map(|known| match known {
            true => format!("{} is no longer trusted.", document.source.name),
            false => format!("{} was not trusted.", document.source.name),
        }));
    }
    if args.file.file_name().is_none_or(|name| name != CATALOG_FILE) {
        complain(&format!(
            "error: only a catalog of tools that is called {CATALOG_FILE} is found by a run; name another one for each run \
             with --catalog"
        ));
        return Outcome::CommandLine;
    }
    match add(&document, &configuration, &store) {
        Ok(kept) => kept,
        Err(diagnostics) => {
            complain_at_length(&render(&diagnostics, look));
            Outcome::PlaybookInvalid
        }
    }
}

fn add(document: &OwnDocument, configuration: &Configuration, store: &TrustStore) -> Result<Outcome, Vec<Diagnostic>> {
    let own = own_catalog(configuration)
        .map_err(|error| vec![Diagnostic::of_document(Code::Unreadable, error.to_string())])?;
    let mut sources = vec![shipped_source()];
    sources.extend(own.into_iter().map(|document| document.source));
    let changed = changes(&sources, &document.source)?;
    sources.push(Arc::clone(&document.source));
    merge(&sources)?;
    show(&format!("{}\n", told_changes(document, &changed)));
    if let Some(foreign) = &document.foreign {
        complain(&format!("error: {}", must_be_named(document, foreign)));
        return Ok(Outcome::PlaybookInvalid);
    }
    let kept = store.trust_catalog(&document.real_path, &document.source.text);
    let name = &document.source.name;
    Ok(told(
        kept.map(|()| {
            format!("It is trusted as long as it stays as it is; `recover trust --forget {name}` ends that.")
        }),
    ))
}

fn told(kept: Result<String, StoreError>) -> Outcome {
    match kept {
        Ok(text) => {
            say(&text);
            Outcome::Recovered
        }
        Err(error) => {
            complain(&format!("error: nothing was changed in what is trusted: {error}"));
            Outcome::StepFailed
        }
    }
}

fn unreadable(error: &PlaceError) -> Outcome {
    complain(&format!("error: {error}"));
    if error.of_document() { Outcome::PlaybookInvalid } else { Outcome::CommandLine }
}
