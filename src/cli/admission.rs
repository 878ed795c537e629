//! What a run may take: the playbook that its name means, the catalogs that count, both signed where that is asked for, and
//! what the person agrees to. Only real runs are asked about: in all others no program of theirs starts.

use std::sync::Arc;

use crate::cli::approval::approve;
use crate::cli::arguments::RunOptions;
use crate::cli::catalogs::{Deciders, FoundCatalog, NoCatalog, RunCatalog, for_bench, for_run, not_signed};
use crate::cli::configuration::Configuration;
use crate::cli::desk::Desk;
use crate::cli::places::{FoundPlaybook, find_playbook};
use crate::cli::refusal::refuse_place;
use crate::cli::signed::Signed;
use crate::cli::trust_store::TrustStore;
use crate::cli::which_playbook::playbook_of_run;
use crate::documents::playbook::Playbook;
use crate::documents::settings::KeepRuns;
use crate::engine::{Event, Refusal};
use crate::words::{Diagnostic, Source};
use crate::world::Surroundings;

/// Playbook and catalog of a run.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) found: FoundPlaybook,
    pub(super) catalog: FoundCatalog,
    /// What is to be told about them.
    pub(super) told: Vec<Event>,
    /// Which records of earlier runs stay.
    pub(super) keep: KeepRuns,
    /// None where nothing has to be agreed to.
    asks: Option<(Desk, TrustStore)>,
}

impl Admission {
    /// `invalid` shows the diagnostics of a document.
    pub(super) fn of(
        name: &str,
        options: &RunOptions,
        surroundings: &Surroundings,
        invalid: &dyn Fn(&[Diagnostic]) -> Box<Refusal>,
    ) -> Result<Admission, Box<Refusal>> {
        let no_catalog = |error| match error {
            NoCatalog::Diagnostics(diagnostics) => invalid(&diagnostics),
            NoCatalog::Refused(refusal) => refusal,
        };
        let configuration = Configuration::of(surroundings);
        if options.simulate.is_some() || options.scene.is_some() {
            let found = find_playbook(name).map_err(|error| refuse_place(&error))?;
            let signed = options.only_signed.then(|| Signed::by_trusted_keys(&configuration));
            must_be_signed(&found, signed.as_ref())?;
            let catalog = for_bench(surroundings, &found, options).map_err(no_catalog)?;
            let told = catalog.own.iter().map(adds).collect();
            return Ok(Admission { found, catalog, told, keep: KeepRuns::default(), asks: None });
        }
        let desk = Desk::of(options);
        let found = playbook_of_run(name, desk)?;
        let (settings, of_records) = configuration.settings().map_err(|diagnostics| invalid(&diagnostics))?;
        let only_signed = options.only_signed || settings.only_signed;
        let signed = only_signed.then(|| Signed::by_trusted_keys(&configuration));
        must_be_signed(&found, signed.as_ref())?;
        let store = TrustStore::at(configuration.trust_file());
        let deciders = Deciders { configuration: &configuration, store: &store, desk, signed: signed.as_ref() };
        let RunCatalog { found: catalog, mut told } = for_run(&found, options, deciders).map_err(no_catalog)?;
        told.extend(of_records.iter().map(|diagnostic| Event::Warning { text: without_setting(diagnostic) }));
        // Whoever signed a playbook has agreed to it.
        let asks = (!options.dry_run && signed.is_none()).then_some((desk, store));
        Ok(Admission { found, catalog, told, keep: settings.keep, asks })
    }

    /// Lets the person agree to what the playbook may do, once everything else is known to be sound.
    pub(super) fn agree(&mut self, playbook: &Playbook) -> Result<(), Box<Refusal>> {
        if let Some((desk, store)) = &self.asks {
            self.told.extend(approve(&self.found, (playbook, &self.catalog.catalog), *desk, store)?);
        }
        Ok(())
    }
}

fn must_be_signed(found: &FoundPlaybook, signed: Option<&Signed>) -> Result<(), Box<Refusal>> {
    let Some(signed) = signed else { return Ok(()) };
    for document in found.own_files() {
        signed.covers(&document).map_err(|why| not_signed(&why, signed))?;
    }
    Ok(())
}

/// A setting that cannot be read, and says only what is kept.
fn without_setting(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    format!("{place}{}; until that is mended, no record is removed", diagnostic.message)
}

fn adds(source: &Arc<Source>) -> Event {
    Event::Note { text: format!("Your own {} adds to the shipped catalog of tools.", source.name) }
}
