//! Finds the vendors' tools and asks each what it is. Installing them is left to the person.

mod environment;
mod find;
mod folders;
#[cfg(target_os = "linux")]
mod interpreter;
#[cfg(not(target_os = "linux"))]
#[path = "no_interpreter.rs"]
mod interpreter;
mod locate;
mod probe;
mod problem;
mod program;
mod remedy;
mod surroundings;

pub use environment::{ToolEnvironment, tool_environment};
pub use find::{Finder, FoundTool, ToolStarter, examine_tools, find_tools};
pub use folders::{expand as existing_folders, matches_glob};
pub use locate::{FirstTried, first_tried};
pub use problem::{PassedOver, ToolProblem, Trouble, Unusable};
pub(super) use program::{absolute_in, at as program_at};
pub use remedy::quoted;
pub use surroundings::Surroundings;
pub(super) use surroundings::own_search_path;

#[cfg(test)]
#[cfg(unix)]
mod remedy_tests;
#[cfg(test)]
#[cfg(unix)]
mod test_computer;
#[cfg(test)]
#[cfg(unix)]
mod tests;
