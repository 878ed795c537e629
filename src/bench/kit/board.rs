//! What every virtual board offers, whatever family it belongs to.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::path::Path;

use crate::bench::BenchFiles;
use crate::bench::kit::mishaps::MishapName;
use crate::bench::kit::watched::{Boundary, Watched};
use crate::documents::playbook::{DeviceKind, HandMove, Room};
use crate::words::{Diagnostic, UsbId, meant_or_known};
use crate::world::{Access, FolderRefused};

/// A virtual board: the state of the silicon, kept in a file between the calls of the mock tools.
///
/// Times are milliseconds of the bench's own clock, which no wait of a test really takes.
pub trait BoardModel: Any + Debug {
    /// What is on the bus at `now_ms`; scheduled changes (a late enumeration) that are due have happened.
    fn attached(&self, now_ms: u64) -> Vec<BusDevice>;

    /// When the bus changes next by itself, if it is going to.
    fn next_change_ms(&self, now_ms: u64) -> Option<u64>;

    /// A person's hands do something to the board, at `now_ms`, which may lie a little ahead.
    fn hands(&mut self, hand_move: HandMove, now_ms: u64);

    /// Every region of memory that tools have written since the bench was set up, as it is now.
    fn regions(&self) -> Vec<Region>;

    /// The memories that tools write by address. Empty where it does not tell.
    fn rooms(&self) -> Vec<Room> {
        Vec::new()
    }

    /// SHA-256 of a range that lies within what tools have written, where the board keeps neighbours as one region.
    fn digest(&self, _address: u64, _length: u64) -> Option<String> {
        None
    }

    /// How often memory that lasts was erased, written or burnt since the bench was set up; `None` where that is not kept.
    fn changes(&self) -> Option<u64> {
        None
    }

    /// One-time fuse words by index. Empty for boards without.
    fn fuses(&self) -> BTreeMap<u32, u32> {
        BTreeMap::new()
    }

    /// Where the files of the board's memories lie. Called before anything else, in every process that loads the board.
    fn use_folder(&mut self, _folder: &Path) {}

    /// Puts into the memories what a board has before anybody touches it.
    fn fill_memories(&self) -> io::Result<()> {
        Ok(())
    }

    /// Puts down the files that its tools bring along.
    fn lay_out_tools(&self, _files: &BenchFiles) -> io::Result<()> {
        Ok(())
    }

    /// The starting states and mishaps that this board can have.
    fn mishap_names(&self) -> Vec<MishapName>;

    /// Nothing goes wrong any more. What the board is, and what its memories hold, stays.
    fn heal(&mut self);

    /// All that is planned has happened, counts begin anew, and no time is known: boards that are alike from now on are equal
    /// afterwards.
    fn settle(&mut self);

    /// Somebody is told of every boundary from now on.
    fn watched_by(&mut self, watched: Watched);

    /// The board is at a boundary now.
    fn passes(&self, boundary: Boundary);

    /// Is this one of the calls that a mishap lets hang for ever?
    fn hangs(&mut self, _tool: &str, _args: &[String]) -> bool {
        false
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusDevice {
    pub id: UsbId,
    pub port: String,
    pub serial: Option<String>,
    pub product: Option<String>,
    /// Interface strings.
    pub interfaces: Vec<String>,
    /// Release number (bcdDevice).
    pub version: Option<u16>,
    pub kind: DeviceKind,
    pub access: Access,
}

/// The node behind which the tools see a HID device, by its place among those that are attached: the first is the board's, and
/// a second one is far away.
pub fn hid_node(index: usize) -> &'static str {
    if index == 0 { "/dev/hidraw1" } else { "/dev/hidraw99" }
}

/// Memory that a tool has written and that was not erased since.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Region {
    pub address: u64,
    pub length: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl Region {
    /// Does the place lie in it, or right behind it?
    pub(crate) fn reaches(&self, place: u64) -> bool {
        (self.address..=self.address + self.length).contains(&place)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("`{name}` is not a starting state or fault of this virtual board; {hint}")]
    UnknownName {
        name: String,
        /// What may have been meant.
        hint: String,
    },
    #[error(
        "this playbook names no virtual board, so there is nothing to simulate; add `virtual_board:` with a `model`, as the shipped playbooks do; or play scripted tools with --scene FILE"
    )]
    NoVirtualBoard,
    #[error("the playbook's virtual board is wrong: {}", diagnostics.iter().map(told).collect::<Vec<_>>().join("; "))]
    Settings { diagnostics: Vec<Diagnostic> },
    #[error("cannot use the bench folder `{path}`: {source}")]
    Folder { path: String, source: std::io::Error },
    #[error(transparent)]
    FolderRefused(#[from] FolderRefused),
    #[error("the bench's own file `{path}` is damaged: {reason}")]
    Damaged { path: String, reason: String },
}

fn told(diagnostic: &Diagnostic) -> String {
    match &diagnostic.place {
        Some(place) => format!("{place}: {}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}

/// A name that no starting state or mishap has.
pub(in crate::bench) fn unknown_name(name: &str, known: impl IntoIterator<Item = MishapName>) -> BenchError {
    let hint = meant_or_known(name, known.into_iter().map(|(name, _)| name));
    BenchError::UnknownName { name: name.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_or_all_known_ones() {
        let error = |name| unknown_name(name, [("late-loader", ""), ("fuse-set", "")]).to_string();
        assert!(error("late-loder").contains("did you mean `late-loader`?"));
        assert!(error("zzz").contains("late-loader, fuse-set"), "{}", error("zzz"));
    }
}
