//! Whose turn it is to use a tool, where several places of one process must not use it side by side.
//!
//! When a turn is needed the engine knows; here it is only taken and given back. Whoever needs several takes all of them
//! or none, so that no two places wait for each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::words::PlaceNumber;

/// The turns of all places.
#[derive(Debug)]
pub struct Turns {
    /// By tool.
    taken: Mutex<BTreeMap<String, PlaceNumber>>,
    changed: watch::Sender<u64>,
}

/// A place that takes its turns.
#[derive(Debug, Clone)]
pub struct PlaceTurns {
    turns: Arc<Turns>,
    place: PlaceNumber,
}

/// Another place uses the tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("place {place} to leave {tool}")]
pub struct NotYourTurn {
    pub place: PlaceNumber,
    pub tool: String,
}

/// A turn for one call. Dropping it gives it back.
#[derive(Debug)]
pub struct CallTurn {
    turns: PlaceTurns,
    tool: String,
}

impl Turns {
    pub fn new() -> Arc<Turns> {
        Arc::new(Turns { taken: Mutex::default(), changed: watch::Sender::new(0) })
    }

    pub fn of(self: &Arc<Self>, place: PlaceNumber) -> PlaceTurns {
        PlaceTurns { turns: Arc::clone(self), place }
    }

    /// Who uses the tool now.
    pub fn holder(&self, tool: &str) -> Option<PlaceNumber> {
        self.taken().get(tool).copied()
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<String, PlaceNumber>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PlaceTurns {
    /// Takes the turns for all of these tools, or none. Those that are this place's already stay so.
    pub fn take(&self, tools: &BTreeSet<String>) -> Result<(), NotYourTurn> {
        let mut taken = self.turns.taken();
        let others = tools.iter().filter_map(|tool| Some((tool, *taken.get(tool)?)));
        if let Some((tool, place)) = others.into_iter().find(|(_, place)| *place != self.place) {
            return Err(NotYourTurn { place, tool: tool.clone() });
        }
        let before = taken.len();
        taken.extend(tools.iter().map(|tool| (tool.clone(), self.place)));
        let more = taken.len() > before;
        drop(taken);
        if more {
            self.turns.changed.send_modify(|number| *number += 1);
        }
        Ok(())
    }

    pub fn holds(&self, tool: &str) -> bool {
        self.turns.holder(tool) == Some(self.place)
    }

    /// The turn for one call of the tool; to be asked for only where it is not this place's for longer.
    pub fn take_for_call(&self, tool: &str) -> Result<CallTurn, NotYourTurn> {
        self.take(&BTreeSet::from([tool.to_owned()]))?;
        Ok(CallTurn { turns: self.clone(), tool: tool.to_owned() })
    }

    /// Gives everything back.
    pub fn give_back(&self) {
        let mut taken = self.turns.taken();
        let before = taken.len();
        taken.retain(|_, place| *place != self.place);
        let fewer = taken.len() < before;
        drop(taken);
        if fewer {
            self.turns.changed.send_modify(|number| *number += 1);
        }
    }

    /// Tells of every turn that is taken or given back from now on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.turns.changed.subscribe()
    }
}

impl Drop for CallTurn {
    fn drop(&mut self) {
        self.turns.turns.taken().remove(&self.tool);
        self.turns.turns.changed.send_modify(|number| *number += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both() -> BTreeSet<String> {
        ["loader", "writer"].map(str::to_owned).into()
    }

    #[test]
    fn all_turns_are_taken_or_none() {
        let turns = Turns::new();
        let (one, two) = (turns.of(PlaceNumber(1)), turns.of(PlaceNumber(2)));
        let mut changes = two.changes();
        let call = one.take_for_call("writer").unwrap();
        changes.mark_unchanged();
        let refused = two.take(&both()).unwrap_err();
        assert_eq!(refused.to_string(), "place 1 to leave writer");
        assert_eq!((turns.holder("loader"), turns.holder("writer")), (None, Some(PlaceNumber(1))));
        assert!(!changes.has_changed().unwrap());
        drop(call);
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        two.take(&both()).unwrap();
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        two.take(&both()).unwrap();
        assert!(!changes.has_changed().unwrap());
        assert!(two.holds("loader") && one.take_for_call("loader").is_err());
        two.give_back();
        assert!(changes.has_changed().unwrap());
        one.take(&both()).unwrap();
    }
}
