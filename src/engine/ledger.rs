//! What a run has begun to change of the memory that lasts, and what is known of each part of it now.
//!
//! Filled from calls that began, and from what was read back and compared; the words on the board's state come from here.

use std::collections::BTreeMap;

use crate::words::Id;

/// What is known of a part of the board's memory.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RegionState {
    /// A call was to change it, and ended before it did.
    Untouched,
    /// An erase began, and is not known to be complete.
    PartlyErased,
    Erased,
    /// A write, which may erase first, began and is not known to be complete.
    PartlyWritten,
    /// The tool and the board say so.
    Written,
    /// Written, and read back as something else.
    Differs,
    /// Written, and read back as it should be.
    Proven,
    /// Not written by this run: it was read, and is as it should be.
    Held,
}

impl std::fmt::Display for RegionState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            RegionState::Untouched => "not touched",
            RegionState::PartlyErased => "partly erased",
            RegionState::Erased => "erased",
            RegionState::PartlyWritten => "partly written",
            RegionState::Written => "written",
            RegionState::Differs => "written, and read back as something else",
            RegionState::Proven => "written, and read back as it should be",
            RegionState::Held => "found as it should be",
        })
    }
}

/// A part of the board's memory that this run was to change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct BoardRegion {
    /// As people are told it: "bootloader.bin at 0x08000000".
    pub name: String,
    pub tool: String,
    /// The file that was to be written there.
    pub file: Option<String>,
    pub address: Option<u64>,
    /// In bytes.
    pub length: Option<u64>,
    /// The tool's own name of this part.
    pub partition: Option<String>,
    pub state: RegionState,
}

/// Where something is changed, as exactly as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Range {
        address: u64,
        length: u64,
    },
    Partition(String),
    /// Somewhere in the memory that the tool reaches.
    Somewhere,
    /// What an irreversible step does, by the name of the step.
    Act(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeKind {
    Erase,
    Write,
}

/// How far a change came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    NotBegun,
    Partly,
    Completely,
}

#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) tool: String,
    pub(super) place: Place,
    pub(super) file: Option<String>,
    pub(super) kind: ChangeKind,
    pub(super) came: Came,
}

#[derive(Debug, Clone)]
struct Entry {
    tool: String,
    place: Place,
    file: Option<String>,
    state: RegionState,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
    /// What files made by reading the board hold.
    read: BTreeMap<Id, (String, Place)>,
}

/// More names than these in one sentence are counted only.
const NAMES_MAX: usize = 6;

impl Ledger {
    pub(super) fn note(&mut self, change: Change) {
        let Change { tool, place, file, kind, came } = change;
        let state = match (kind, came) {
            (_, Came::NotBegun) => RegionState::Untouched,
            (ChangeKind::Erase, Came::Partly) => RegionState::PartlyErased,
            (ChangeKind::Erase, Came::Completely) => RegionState::Erased,
            (ChangeKind::Write, Came::Partly) => RegionState::PartlyWritten,
            (ChangeKind::Write, Came::Completely) => RegionState::Written,
        };
        let known = |entry: &Entry| same_part(entry, &tool, &place, file.as_ref());
        if came == Came::NotBegun {
            if !self.entries.iter().any(known) {
                self.entries.push(Entry { tool, place, file, state });
            }
            return;
        }
        let position = self.entries.iter().position(known);
        let before = position.map(|index| self.entries.remove(index));
        let file = file.or_else(|| before.and_then(|before| before.file));
        self.entries.retain(|entry| !covers(&place, &entry.place));
        self.entries.retain(|entry| entry.state != RegionState::Held || !may_reach(&tool, &place, entry));
        for entry in self.entries.iter_mut().filter(|entry| may_reach(&tool, &place, entry)) {
            entry.state = match entry.state {
                RegionState::Proven if place == Place::Somewhere => RegionState::Written,
                RegionState::Proven | RegionState::Written | RegionState::Differs if place != Place::Somewhere => {
                    RegionState::PartlyWritten
                }
                other => other,
            };
        }
        self.entries.push(Entry { tool, place, file, state });
    }

    /// What was read there before anything was written is what is to be there.
    pub(super) fn note_held(&mut self, tool: &str, address: u64, length: u64, file: Option<String>) {
        let place = Place::Range { address, length };
        self.entries.retain(|entry| !covers(&place, &entry.place));
        self.entries.push(Entry { tool: tool.to_owned(), place, file, state: RegionState::Held });
    }

    /// What was found as it should be, and is not known to be otherwise since: for people.
    pub(super) fn held(&self) -> impl Iterator<Item = String> {
        self.entries.iter().filter(|entry| entry.state == RegionState::Held).map(name_of)
    }

    /// Has this run begun to change anything there?
    pub(super) fn has_touched(&self, tool: &str, address: u64, length: u64) -> bool {
        let place = Place::Range { address, length };
        let of_this_run = |entry: &&Entry| !matches!(entry.state, RegionState::Held | RegionState::Untouched);
        self.entries.iter().filter(of_this_run).any(|entry| {
            let anywhere = matches!(entry.place, Place::Somewhere | Place::Act(_)) && entry.tool == tool;
            may_reach(tool, &place, entry) || anywhere
        })
    }

    /// The part of the memory that a change is about, as it is while the change is at work.
    pub(super) fn region_of(change: Change) -> BoardRegion {
        let mut ledger = Ledger::default();
        ledger.note(change);
        let mut regions = ledger.regions();
        regions.swap_remove(0)
    }

    /// A file holds now what is on the board there.
    pub(super) fn note_read(&mut self, file: Id, tool: String, place: Place) {
        self.read.insert(file, (tool, place));
    }

    /// What was read from the board was compared with a file, of this name for tools. It tells only of what that file was
    /// written to.
    pub(super) fn note_compared(&mut self, read: &Id, with: Option<&str>, same: bool) {
        let Some((tool, place)) = self.read.get(read) else { return };
        let state = if same { RegionState::Proven } else { RegionState::Differs };
        let read_whole = |entry: &&mut Entry| match (&entry.place, place) {
            (Place::Range { .. }, Place::Range { .. }) => covers(place, &entry.place),
            (Place::Partition(_), Place::Partition(_)) => entry.tool == *tool && entry.place == *place,
            _ => false,
        };
        let meant = |entry: &&mut Entry| entry.file.is_none() || entry.file.as_deref() == with;
        // What was found right before is not any more; that it was written is not known.
        if !same {
            self.entries.retain(|entry| {
                !(entry.state == RegionState::Held && covers(place, &entry.place) && entry.file.as_deref() == with)
            });
        }
        for entry in self.entries.iter_mut().filter(read_whole).filter(meant).filter(was_written) {
            if !(same && entry.state == RegionState::Held) {
                entry.state = state;
            }
        }
    }

    /// A piece of what was read from the board, in bytes from its beginning, is not as it should be.
    pub(super) fn note_differing(&mut self, read: &Id, offset: u64, length: u64) {
        let Some((tool, place)) = self.read.get(read) else { return };
        let piece = match place {
            Place::Range { address, .. } => Place::Range { address: address.saturating_add(offset), length },
            other => other.clone(),
        };
        let holds_it = |entry: &&mut Entry| match (&piece, &entry.place) {
            (Place::Range { .. }, Place::Range { .. }) => may_reach(tool, &piece, entry),
            (Place::Partition(_), Place::Partition(_)) => entry.tool == *tool && entry.place == piece,
            _ => false,
        };
        self.entries.retain_mut(|entry| entry.state != RegionState::Held || !holds_it(&entry));
        for entry in self.entries.iter_mut().filter(holds_it).filter(was_written) {
            entry.state = RegionState::Differs;
        }
    }

    /// A reading shows whether an irreversible act of this run has its effect, or that it is still to be done. Without one,
    /// after an attempt, an earlier reading says nothing any more.
    pub(super) fn note_act(&mut self, act: &str, tool: &str, done: Option<bool>) {
        let state = match done {
            Some(true) => RegionState::Proven,
            Some(false) => RegionState::Untouched,
            None => RegionState::PartlyWritten,
        };
        let place = Place::Act(act.to_owned());
        match self.entries.iter_mut().find(|entry| entry.place == place) {
            Some(entry) if done.is_some() || entry.state == RegionState::Untouched => entry.state = state,
            Some(_) => {}
            None => self.entries.push(Entry { tool: tool.to_owned(), place, file: None, state }),
        }
    }

    /// What an irreversible act of this run has left was read once more, whatever for.
    pub(super) fn note_act_read(&mut self, act: &str, done: bool) {
        let place = Place::Act(act.to_owned());
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.place == place)
            && !matches!(entry.state, RegionState::Untouched | RegionState::Held)
        {
            entry.state = if done { RegionState::Proven } else { RegionState::Differs };
        }
    }

    /// Has this run begun to change anything?
    pub(super) fn changed(&self) -> bool {
        self.entries.iter().any(|entry| !matches!(entry.state, RegionState::Untouched | RegionState::Held))
    }

    pub(super) fn regions(&self) -> Vec<BoardRegion> {
        let told = |entry: &Entry| {
            let (address, length) = match entry.place {
                Place::Range { address, length } => (Some(address), Some(length)),
                _ => (None, None),
            };
            let partition = match &entry.place {
                Place::Partition(name) => Some(name.clone()),
                _ => None,
            };
            BoardRegion {
                name: name_of(entry),
                tool: entry.tool.clone(),
                file: entry.file.clone(),
                address,
                length,
                partition,
                state: entry.state,
            }
        };
        self.entries.iter().map(told).collect()
    }

    /// What was changed, in sentences; empty when nothing was.
    pub(super) fn in_words(&self) -> String {
        let mut sentences = Vec::new();
        for (state, of_memory, of_acts) in WORDS {
            let of_state = |entry: &&Entry| entry.state == state;
            let (acts, memory): (Vec<&Entry>, Vec<&Entry>) =
                self.entries.iter().filter(of_state).partition(|entry| matches!(entry.place, Place::Act(_)));
            sentences.extend(of_memory.and_then(|lead| listed(lead, &memory)));
            sentences.extend(listed(of_acts, &acts));
        }
        sentences.join(" ")
    }
}

/// The worst first, with the words for memory and for what an irreversible step does. Memory as it was needs no words; of an
/// act it says that a reading showed it not to be done.
const WORDS: [(RegionState, Option<&str>, &str); 8] = [
    (RegionState::PartlyErased, Some("May be erased, or partly"), "Not known to be done"),
    (RegionState::Erased, Some("Erased"), "Done"),
    (RegionState::PartlyWritten, Some("May be erased or partly written"), "Not known to be done"),
    (RegionState::Differs, Some("Written, but different when read back"), "Not done"),
    (RegionState::Written, Some("Written"), "Done"),
    (RegionState::Proven, Some("Written and proven"), "Done and proven"),
    (RegionState::Held, Some("Found as it should be"), "Done and proven"),
    (RegionState::Untouched, None, "Not done"),
];

fn listed(lead: &str, entries: &[&Entry]) -> Option<String> {
    let mut names: Vec<String> = entries.iter().take(NAMES_MAX).map(|entry| name_of(entry)).collect();
    if entries.len() > NAMES_MAX {
        names.push(format!("{} more", entries.len() - NAMES_MAX));
    }
    (!names.is_empty()).then(|| format!("{lead}: {}.", names.join(", ")))
}

fn name_of(entry: &Entry) -> String {
    match (&entry.place, &entry.file) {
        (Place::Range { address, .. }, Some(file)) => format!("{file} at {address:#010x}"),
        (Place::Range { address, length }, None) => {
            format!("{address:#010x} to {:#010x}", address.saturating_add(length.saturating_sub(1)))
        }
        (Place::Partition(name), Some(file)) => format!("{file} in part {name}"),
        (Place::Partition(name), None) => format!("part {name} of the memory"),
        (Place::Somewhere, Some(file)) => file.clone(),
        (Place::Somewhere, None) => format!("what {} writes", entry.tool),
        (Place::Act(name), _) => name.clone(),
    }
}

/// Is the change about what the entry tells of?
fn same_part(entry: &Entry, tool: &str, place: &Place, file: Option<&String>) -> bool {
    match (&entry.place, place) {
        // A write begins where the erase for it began, and is shorter.
        (Place::Range { address, .. }, Place::Range { address: other, .. }) => address == other,
        (Place::Somewhere, Place::Somewhere) => entry.tool == tool && entry.file.as_ref() == file,
        (Place::Partition(_), Place::Partition(_)) => entry.tool == tool && entry.place == *place,
        (Place::Act(one), Place::Act(other)) => one == other,
        _ => false,
    }
}

/// Was it written, or begun to be, so that a reading tells of it?
fn was_written(entry: &&mut Entry) -> bool {
    !matches!(entry.state, RegionState::Untouched | RegionState::PartlyErased | RegionState::Erased)
}

fn covers(outer: &Place, inner: &Place) -> bool {
    match (outer, inner) {
        (Place::Range { address, length }, Place::Range { address: inner, length: inner_length }) => {
            address <= inner && inner.saturating_add(*inner_length) <= address.saturating_add(*length)
        }
        _ => false,
    }
}

/// May the change have reached what the entry tells of, which is another part?
fn may_reach(tool: &str, place: &Place, entry: &Entry) -> bool {
    match (place, &entry.place) {
        (Place::Range { address, length }, Place::Range { address: other, length: other_length }) => {
            *address < other.saturating_add(*other_length) && *other < address.saturating_add(*length)
        }
        (Place::Somewhere, Place::Range { .. } | Place::Partition(_)) => entry.tool == tool,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(address: u64, length: u64) -> Place {
        Place::Range { address, length }
    }

    fn change(kind: ChangeKind, place: Place, file: Option<&str>, came: Came) -> Change {
        Change { tool: "flasher".to_owned(), place, file: file.map(str::to_owned), kind, came }
    }

    fn erase(place: Place, came: Came) -> Change {
        change(ChangeKind::Erase, place, None, came)
    }

    fn write(place: Place, file: &str, came: Came) -> Change {
        change(ChangeKind::Write, place, Some(file), came)
    }

    #[test]
    fn a_region_goes_from_erased_to_proven() {
        let mut ledger = Ledger::default();
        assert!(!ledger.changed());
        ledger.note(erase(range(0x1000, 0x2000), Came::Partly));
        assert_eq!(ledger.in_words(), "May be erased, or partly: 0x00001000 to 0x00002fff.");
        ledger.note(erase(range(0x1000, 0x2000), Came::Completely));
        ledger.note(write(range(0x1000, 0x1234), "loader.bin", Came::Partly));
        assert_eq!(ledger.in_words(), "May be erased or partly written: loader.bin at 0x00001000.");
        ledger.note(write(range(0x1000, 0x1234), "loader.bin", Came::Completely));
        assert_eq!(ledger.in_words(), "Written: loader.bin at 0x00001000.");
        let read: Id = "loader_read".parse().unwrap();
        // A piece of it proves nothing of the rest.
        ledger.note_read(read.clone(), "reader".to_owned(), range(0x1000, 0x1000));
        ledger.note_compared(&read, Some("loader.bin"), true);
        assert_eq!(ledger.regions()[0].state, RegionState::Written);
        ledger.note_read(read.clone(), "reader".to_owned(), range(0x1000, 0x1234));
        ledger.note_compared(&read, Some("loader.bin"), false);
        assert_eq!(ledger.regions()[0].state, RegionState::Differs);
        ledger.note_compared(&read, Some("loader.bin"), true);
        assert_eq!(ledger.in_words(), "Written and proven: loader.bin at 0x00001000.");
        // What another file holds says nothing of this one.
        ledger.note_compared(&read, Some("other.bin"), false);
        assert_eq!(ledger.regions()[0].state, RegionState::Proven);
        assert_eq!(ledger.regions().len(), 1);
        // A piece beside it neither, one within it does.
        ledger.note_read(read.clone(), "reader".to_owned(), range(0x800, 0x1000));
        ledger.note_differing(&read, 0x7fc, 4);
        assert_eq!(ledger.regions()[0].state, RegionState::Proven);
        ledger.note_differing(&read, 0x800, 4);
        assert_eq!(ledger.in_words(), "Written, but different when read back: loader.bin at 0x00001000.");
    }

    #[test]
    fn what_was_refused_before_it_began_is_untouched() {
        let mut ledger = Ledger::default();
        ledger.note(erase(range(0, 0x1000), Came::NotBegun));
        assert!(!ledger.changed());
        assert_eq!(ledger.in_words(), "");
        assert_eq!(ledger.regions()[0].state, RegionState::Untouched);
        ledger.note(erase(range(0, 0x1000), Came::Completely));
        ledger.note(write(range(0, 0x10), "a.bin", Came::NotBegun));
        assert_eq!(ledger.in_words(), "Erased: 0x00000000 to 0x00000fff.");
    }

    #[test]
    fn a_later_change_takes_back_what_was_proven() {
        let mut ledger = Ledger::default();
        let read: Id = "read".parse().unwrap();
        let prove = |ledger: &mut Ledger| {
            ledger.note(write(range(0x1000, 0x100), "a.bin", Came::Completely));
            ledger.note_read(read.clone(), "flasher".to_owned(), range(0x1000, 0x100));
            ledger.note_compared(&read, Some("a.bin"), true);
            assert_eq!(ledger.in_words(), "Written and proven: a.bin at 0x00001000.");
        };
        prove(&mut ledger);
        ledger.note(change(ChangeKind::Write, Place::Somewhere, Some("b.dfu"), Came::Partly));
        assert_eq!(ledger.in_words(), "May be erased or partly written: b.dfu. Written: a.bin at 0x00001000.");
        let mut ledger = Ledger::default();
        prove(&mut ledger);
        ledger.note(erase(range(0x1080, 0x1000), Came::Completely));
        assert_eq!(
            ledger.in_words(),
            "Erased: 0x00001080 to 0x0000207f. May be erased or partly written: a.bin at 0x00001000."
        );
        // An erase of all of it leaves nothing to tell of the file.
        ledger.note(erase(range(0, 0x4000), Came::Completely));
        assert_eq!(ledger.in_words(), "Erased: 0x00000000 to 0x00003fff.");
    }

    #[test]
    fn partitions_and_acts_have_their_names() {
        let mut ledger = Ledger::default();
        ledger.note(write(Place::Partition("2".to_owned()), "firmware.bin", Came::Completely));
        ledger.note(change(ChangeKind::Write, Place::Act("Boot fuse".to_owned()), None, Came::Partly));
        ledger.note(change(ChangeKind::Write, Place::Somewhere, None, Came::Partly));
        assert_eq!(
            ledger.in_words(),
            "May be erased or partly written: what flasher writes. Not known to be done: Boot fuse. \
             Written: firmware.bin in part 2."
        );
        ledger.note_act("Boot fuse", "flasher", Some(true));
        assert_eq!(ledger.regions()[1].state, RegionState::Proven);
        ledger.note_act("Boot fuse", "flasher", Some(false));
        assert_eq!(ledger.regions()[1].state, RegionState::Untouched);
        assert!(ledger.in_words().ends_with("Not done: Boot fuse."), "{}", ledger.in_words());
    }

    #[test]
    fn an_act_that_a_reading_shows_to_be_missing_is_no_change() {
        let mut ledger = Ledger::default();
        ledger.note_act("Boot fuse", "flasher", Some(false));
        assert!(!ledger.changed());
        assert_eq!(ledger.in_words(), "Not done: Boot fuse.");
        // After an attempt whose reading failed, nobody knows.
        ledger.note_act("Boot fuse", "flasher", None);
        assert_eq!(ledger.in_words(), "Not known to be done: Boot fuse.");
        ledger.note_act("Boot fuse", "flasher", Some(true));
        ledger.note_act("Boot fuse", "flasher", None);
        assert_eq!(ledger.regions()[0].state, RegionState::Proven);
        // A later reading counts more than the one that proved it.
        ledger.note_act_read("Boot fuse", false);
        assert_eq!((ledger.in_words().as_str(), ledger.changed()), ("Not done: Boot fuse.", true));
    }
}
