//! Test files: what a playbook must do on the bench. They stand beside their playbook, `x.test.yaml` beside `x.yaml`.

mod check;
mod for_each;
mod load;
mod read_case;
mod read_expect;
mod types;

/// The JSON schema of test files.
pub const SCHEMA: &str = include_str!("schema.json");

pub use check::check;
pub use for_each::{InputFile, InputsOf};
pub use load::{LoadedTests, load};
pub(crate) use types::matches_text;
pub use types::{
    CallPattern, Case, CaseMishap, Choice, Excuse, Expect, GivenContents, TestFile, ToolTreatment, Treated,
    UnnoticedMutant,
};
