//! A model: a kind of virtual board, with all that the bench must know of it, and the tools that act on it.

use std::fmt;

use crate::bench::kit::settings::{SettingHelp, Settings};
use crate::bench::mocks::{Halt, MockEnd, Session};
use crate::bench::{BenchClock, BoardModel, Console};

/// What an author may want to know of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelHelp {
    pub name: &'static str,
    /// What boards it stands for, and which tools act on it.
    pub about: &'static str,
    pub settings: &'static [SettingHelp],
    /// Settings with which it can be built, beside the devices of the playbook.
    pub least: &'static str,
}

/// A virtual board that a playbook can ask for.
pub(crate) trait Model: BoardModel + Sized {
    const HELP: ModelHelp;

    /// The tools that act on it.
    const TOOLS: &'static [MockTool<Self>];

    /// The board in the starting state and with the mishaps that `names` choose; names of others are nobody's here. What is
    /// wrong with the settings is noted there, and such a board is never used.
    fn build(settings: &mut Settings<'_>, names: &[&str]) -> Self;
}

/// Plays a call from its beginning to its end, on a board that it holds all the time.
pub(crate) type Play<B> = fn(&[String], &mut B, &mut Console, &mut BenchClock) -> MockEnd;

/// Plays a call of this tool that waits in the middle, for a line or for hands.
pub(crate) type Talk = fn(&str, &[String], &mut Session<'_>) -> Result<i32, Halt>;

/// A tool that the bench plays on boards of one model.
pub(crate) struct MockTool<B> {
    pub(crate) place: ToolPlace,
    /// Of a tool that talks, only the question for its version.
    pub(crate) play: Play<B>,
    pub(crate) talk: Option<Talk>,
}

/// Where a mock tool lies in the bench's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToolPlace {
    pub(crate) name: &'static str,
    /// The folder of its own data, in which it must lie; without one it lies with the others.
    pub(crate) folder: Option<&'static str>,
}

impl<B> MockTool<B> {
    pub(crate) const fn new(name: &'static str, play: Play<B>) -> Self {
        MockTool { place: ToolPlace { name, folder: None }, play, talk: None }
    }

    /// One that waits in the middle, and lies with its data.
    pub(crate) const fn talking(place: ToolPlace, version: Play<B>, talk: Talk) -> Self {
        MockTool { place, play: version, talk: Some(talk) }
    }
}

impl<B> fmt::Debug for MockTool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockTool").field("place", &self.place).finish_non_exhaustive()
    }
}
