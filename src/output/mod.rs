//! Floor 2: from the bytes a tool prints to lines, progress and a verdict. Pure.

mod counts;
mod dialogue;
mod evidence;
mod judge;
#[cfg(test)]
mod judge_tests;
mod lines;
mod verdict;

pub use dialogue::{Dialogue, Given, Groups, Tail};
pub use judge::{Expectations, Judge, Judgement, Presence, Progress, Touched};
pub use lines::{LineEnd, LineSplitter, Piece, PlainLines};
