//! Floor 2: from the bytes a tool prints to lines, progress and a verdict. Pure.

mod counts;
mod evidence;
mod judge;
#[cfg(test)]
mod judge_tests;
mod lines;
mod verdict;

pub use judge::{Expectations, Judge, Judgement, Presence, Progress, Touched};
pub use lines::{LineEnd, LineSplitter, Piece};
