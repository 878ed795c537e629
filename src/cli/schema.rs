//! `recover schema`: JSON schemas of the documents, for editors.

use crate::bench::MISHAPS;
use crate::cli::arguments::{SchemaArgs, SchemaOf};
use crate::cli::streams::show;
use crate::documents::schema::printed;
use crate::documents::{cases, catalog, playbook, scene};
use crate::engine::{Outcome, events_schema};
use crate::world::hands_schema;

pub(super) fn schema(args: &SchemaArgs) -> Outcome {
    let mishaps: Vec<&str> = MISHAPS.iter().map(|row| row.name).collect();
    match args.of {
        SchemaOf::Playbook => show(&printed(&playbook::schema())),
        SchemaOf::Tests => show(&printed(&cases::schema(&mishaps))),
        SchemaOf::Scene => show(&printed(&scene::schema())),
        SchemaOf::Tools => show(&printed(&catalog::schema())),
        SchemaOf::Events => show(&printed(&events_schema())),
        SchemaOf::Hands => show(&printed(&hands_schema())),
    }
    Outcome::Recovered
}
