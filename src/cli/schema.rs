//! `recover schema`: JSON schemas of the documents, for editors.

use crate::cli::arguments::{SchemaArgs, SchemaOf};
use crate::cli::streams::show;
use crate::documents::{cases, catalog, playbook, scene};
use crate::engine::Outcome;

pub(super) fn schema(args: &SchemaArgs) -> Outcome {
    show(match args.of {
        SchemaOf::Playbook => playbook::SCHEMA,
        SchemaOf::Tests => cases::SCHEMA,
        SchemaOf::Scene => scene::SCHEMA,
        SchemaOf::Tools => catalog::SCHEMA,
    });
    Outcome::Recovered
}
