//! Floor 6: one file per verb; screen, JSON and log are readers of the events.

pub mod arguments;
pub mod diagnostics;
pub mod dry_run;
pub mod json;
mod live_line;
pub mod log;
pub mod reader;
pub mod screen;
pub mod style;
mod summary;
mod told_wait;
pub mod wording;
