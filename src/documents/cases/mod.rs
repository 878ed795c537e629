//! Test files: what a playbook must do on the bench. They stand beside their playbook, `x.test.yaml` beside `x.yaml`.

mod check;
mod for_each;
mod load;
mod read_case;
mod read_expect;
mod types;

pub use check::check;
pub use for_each::{InputFile, InputsOf};
pub use load::{LoadedTests, load};
pub(crate) use types::matches_text;
pub use types::{
    CallPattern, Case, CaseMishap, Choice, Excuse, Expect, GivenContents, TestFile, ToolTreatment, Treated,
    UnnoticedMutant,
};

use crate::documents::keys::Keys;

/// The JSON schema of test files. What can go wrong on purpose is the bench's to say.
pub fn schema(mishaps: &[&str]) -> serde_json::Value {
    let mut schema = crate::documents::schema::schema(load::TestsKeys::kind());
    schema["$defs"]["mishap"]["enum"] = mishaps.into();
    schema
}
